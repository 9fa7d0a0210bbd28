"""Which bits of which sort of word a module may write by `put`: the whole list, given once when the house is deployed.

Sizes, entries, cash, open interest, insurance, fees and sums of entries stand in nobody's mask: only the ledger's own
functions write them.
"""

from typing import Final

from seawall.chain import layout as at

WHOLE: Final = 2**256 - 1


def above(bits: int) -> int:
    """Every bit from `bits` up."""
    return WHOLE - (1 << bits) + 1


PERMITS: Final[tuple[tuple[str, int, int], ...]] = (
    ("hub", at.MARKET | at.PRICE, at.mask_of(at.PRICE_WORD, "price", "time", "fresh")),
    ("funding", at.MARKET | at.PRICE, at.mask_of(at.PRICE_WORD, "index")),
    ("funding", at.MARKET | at.SAMPLES, WHOLE),
    ("desk", at.SETTING, WHOLE),
    ("desk", at.POSITION, at.mask_of(at.POSITION_WORD, "leverage")),
    ("desk", at.BUCKET, at.mask_of(at.BUCKET_WORD, "has_settings", "portfolio", "subs")),
    ("vault", at.VENUE | at.MONEY, at.mask_of(at.MONEY_WORD, "vault", "pending")),
    ("vault", at.VENUE | at.FLOW, 2**188 - 1),
    ("vault", at.HOLDING, WHOLE),
    ("vault", at.BUCKET, at.mask_of(at.BUCKET_WORD, "assets")),
    ("lp", at.BUCKET, at.mask_of(at.BUCKET_WORD, "lp")),
    ("pools", at.MARKET | at.SHORT, at.mask_of(at.SHORT_WORD, "shares_amm", "shares_backstop")),
    ("liquidation", at.LIQUIDATION, WHOLE),
    ("liquidation", at.BUCKET, at.mask_of(at.BUCKET_WORD, "liquidating")),
    ("liquidation", at.VENUE | at.FLOW, above(188)),
    ("liquidation", at.MARKET | at.FORCED, at.mask_of(at.FORCED_WORD, "start", "used")),
    ("steward", at.TIER, WHOLE),
    ("steward", at.ASSET, WHOLE),
    ("steward", at.VENUE | at.POLICY, WHOLE),
    ("steward", at.VENUE | at.STEPS, WHOLE),
    ("steward", at.VENUE | at.OUTFLOW, WHOLE),
    ("steward", at.VENUE | at.LENDING, WHOLE),
    ("steward", at.MARKET | at.PRICE, above(150)),
    ("steward", at.MARKET | at.RISK, above(54)),
    ("steward", at.MARKET | at.CAPS, WHOLE),
    ("steward", at.MARKET | at.POOL, WHOLE),
    ("steward", at.MARKET | at.FORCED, 2**154 - 1),
    ("steward", at.MARKET | at.FUND, at.mask_of(at.FUND_WORD, "breaker_time")),
    ("steward", at.MARKET | at.FUNDING, WHOLE),
    ("steward", at.MARKET | at.INFO, WHOLE),
)
