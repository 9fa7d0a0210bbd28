"""Rule sets of other venues and of Seawall as plain parameter values, for comparisons on one world.

`venue` and `market` map parameters (terms/parameter.py) to values; what a set does not name keeps its default. They are
given before the markets open, like any SET_PARAMETER. `remarks` say where a value comes from: a venue's page or source
as read for reference/venues.md, or recalled, and where Seawall's stages can only stand in for what the venue does.
Margin tiers are not part of a set: they belong to the market.
"""

from typing import Final

import msgspec

from seawall.terms import parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import RATE_ONE

USD: Final = 1_000_000
ANYWHERE: Final = RATE_ONE  # a gate that holds nothing back
WIDE_BAND: Final = RATE_ONE // 4  # the widest mark band: as good as none


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One rule set: values by parameter number, and remarks by subject."""

    name: str
    venue: dict[int, int]
    market: dict[int, int]
    remarks: dict[str, str]


def _venue(
    *,
    exit_buffer: int,
    mode: int,
    share: int = RATE_ONE // 5,
    floor: int = 0,
    ceiling: int = NOTIONAL_MAX,
    cooldown_ms: int = 0,
    backstop_ratio: int,
    policy: int,
    socialise: int,
    mark_rule: int,
) -> dict[int, int]:
    return {
        parameter.EXIT_BUFFER: exit_buffer,
        parameter.PARTIAL_MODE: mode,
        parameter.PARTIAL_SHARE: share,
        parameter.PARTIAL_FLOOR: floor,
        parameter.PARTIAL_CEILING: ceiling,
        parameter.PARTIAL_COOLDOWN_MS: cooldown_ms,
        parameter.BACKSTOP_RATIO: backstop_ratio,
        parameter.ADL_POLICY: policy,
        parameter.SOCIALISE: socialise,
        parameter.MARK_RULE: mark_rule,
    }


def _market(
    *,
    fee: int,
    claim_cap: int,
    backstop_cap: int,
    gate: int = ANYWHERE,
    mark_band: int = WIDE_BAND,
    dust: int = 0,
    capacity: int = NOTIONAL_MAX,
) -> dict[int, int]:
    return {
        parameter.LIQUIDATION_FEE: fee,
        parameter.CLAIM_CAP: claim_cap,
        parameter.BACKSTOP_CAP: backstop_cap,
        parameter.GATE: gate,
        parameter.MARK_BAND: mark_band,
        parameter.DUST_NOTIONAL: dust,
        parameter.LIQUIDATION_CAPACITY: capacity,
    }


STATIC: Final = Rules(
    name="static",
    venue=_venue(
        exit_buffer=0,
        mode=parameter.WHOLE,
        backstop_ratio=0,
        policy=parameter.QUEUE,
        socialise=1,
        mark_rule=parameter.MARK_MEDIAN,
    ),
    market=_market(fee=RATE_ONE // 200, claim_cap=NOTIONAL_MAX, backstop_cap=0),
    remarks={
        "what it is": "no venue: a textbook one with fixed tiers, for a base line",
        "partial": "the whole position at once; no exit buffer, no capacity, no gate, no vault",
        "fee": "0.5 %, as Seawall's own",
    },
)

HYPERLIQUID: Final = Rules(
    name="hyperliquid",
    venue=_venue(
        exit_buffer=0,
        mode=parameter.SHARE_ABOVE,
        share=RATE_ONE // 5,
        floor=100_000 * USD,
        cooldown_ms=30_000,
        backstop_ratio=RATE_ONE * 2 // 3,
        policy=parameter.QUEUE,
        socialise=0,
        mark_rule=parameter.MARK_MEDIAN,
    ),
    market=_market(fee=0, claim_cap=0, backstop_cap=NOTIONAL_MAX),
    remarks={
        "partial": "page: above 100,000 USDC only 20 % first, then 30 s in which orders are for the full size",
        "backstop": "page: below 2/3 of maintenance everything goes to the liquidator vault, which keeps the margin",
        "fee": "page: none on the book",
        "insurance": "page: none beside the vault; so no claim is paid and no loss is shared",
        "adl": "page: rank (mark / entry) x (notional / account value), at the previous mark; here profit / entry x "
        "leverage of the account, at the bankruptcy price",
    },
)

DYDX: Final = Rules(
    name="dydx",
    venue=_venue(
        exit_buffer=0,
        mode=parameter.SHARE_STEP,
        share=RATE_ONE // 10,
        floor=1_000 * USD,
        ceiling=100_000 * USD,
        cooldown_ms=1_000,
        backstop_ratio=0,
        policy=parameter.PRO_RATA,
        socialise=0,
        mark_rule=parameter.MARK_INDEX,
    ),
    market=_market(fee=RATE_ONE * 15 // 1_000, claim_cap=1_000_000 * USD, backstop_cap=0),
    remarks={
        "partial": "source, genesis: per block at most max(1,000 USDC, 10 % of the position) and 100,000 USDC per "
        "subaccount; a block stands for a second",
        "fee": "source, genesis: at most 1.5 %, to the insurance fund, and never more than is left",
        "insurance": "source: at most 1,000,000 USDC per subaccount and block; here for one position",
        "price": "source: orders go out at a fillable price between oracle and bankruptcy price; here at the latter",
        "adl": "source: no ranking, a random start, at the bankruptcy price; pro rata is its expectation",
        "mark": "source: the oracle price",
    },
)

BINANCE: Final = Rules(
    name="binance",
    venue=_venue(
        exit_buffer=0,
        mode=parameter.WHOLE,
        backstop_ratio=0,
        policy=parameter.QUEUE,
        socialise=0,
        mark_rule=parameter.MARK_MEDIAN,
    ),
    market=_market(fee=RATE_ONE // 80, claim_cap=NOTIONAL_MAX, backstop_cap=NOTIONAL_MAX),
    remarks={
        "partial": "recalled: an Ioc for the position; what it leaves the insurance fund takes over at the bankruptcy "
        "price, here the vault",
        "fee": "recalled: liquidation clearance fee of 1.25 % for BTCUSDT, 0.5 % to 2 % elsewhere",
        "adl": "page: profit by leverage with the account's margin ratio, in percentiles, at the bankruptcy price",
        "mark": "page: median of index with basis and of traded price",
    },
)

DRIFT: Final = Rules(
    name="drift",
    venue=_venue(
        exit_buffer=RATE_ONE // 50,
        mode=parameter.THROTTLED,
        share=RATE_ONE // 10,
        floor=50 * USD,
        cooldown_ms=60_000,
        backstop_ratio=0,
        policy=parameter.PRO_RATA,
        socialise=1,
        mark_rule=parameter.MARK_INDEX,
    ),
    market=_market(fee=RATE_ONE // 100, claim_cap=100_000_000 * USD, backstop_cap=0, dust=50 * USD),
    remarks={
        "partial": "source: shortage plus a buffer of 2 %, throttled to initial share + slots / duration; recalled: "
        "10 % and 150 slots of 0.4 s; a shortage or position below 50 USD at once",
        "fee": "recalled: liquidator and insurance fee together about 1 %",
        "insurance": "source: claim cap of a market of tier A, 100,000,000 USD",
        "adl": "source: none, a loss beyond insurance is shared through the funding index; here by pro rata closing "
        "first, then by a haircut of profit",
        "mark": "source: the oracle price",
    },
)

SEAWALL: Final = Rules(
    name="seawall",
    venue=_venue(
        exit_buffer=RATE_ONE * 22 // 100,
        mode=parameter.MINIMAL,
        backstop_ratio=RATE_ONE * 3 // 10,
        policy=parameter.LEAST_HARM,
        socialise=1,
        mark_rule=parameter.MARK_INDEX,
    ),
    market=_market(
        fee=RATE_ONE // 1000,
        claim_cap=NOTIONAL_MAX,
        backstop_cap=0,
        gate=RATE_ONE * 3 // 100,
        mark_band=RATE_ONE // 50,
        dust=10 * USD,
    ),
    remarks={
        "what it is": "gradual closing: SPEC section 9 with values found on training crashes (docs/risk/crashes.md)",
        "exit": "with maintenance at 80 % of initial margin a liquidation ends at 97.6 % of initial margin",
        "backstop": "no vault; below 30 % of maintenance nothing is waited for any more",
        "capacity": "follows the depth that rests: the risk engine proposes it, as in a venue it does",
    },
)

RULES: Final[dict[str, Rules]] = {rules.name: rules for rules in (STATIC, HYPERLIQUID, DYDX, BINANCE, DRIFT, SEAWALL)}
