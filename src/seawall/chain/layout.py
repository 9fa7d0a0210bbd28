"""Where everything lies in the ClearingHouse: keys of its words and the fields of each (contracts/words.vy).

A field is (bits to the right of it, bits, bias). A biased field holds its value plus the bias, so that it is never
negative. `pack` and `unpack` refuse what does not fit: BadInput.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from seawall.units import BadInput


class Field(NamedTuple):
    start: int
    bits: int
    bias: int = 0


TAG_SHIFT: Final = 248
TAGS: Final = (
    "position",
    "bucket",
    "liquidation",
    "advance",
    "setting",
    "holding",
    "market",
    "tier",
    "asset",
    "venue",
    "isolated",
)
POSITION, BUCKET, LIQUIDATION, ADVANCE, SETTING, HOLDING, MARKET, TIER, ASSET, VENUE, ISOLATED = (
    (1 + i) << TAG_SHIFT for i in range(len(TAGS))
)
MARKET_SHIFT: Final = 192
SUB_SHIFT: Final = 160
OWN_SHIFT: Final = 168
OWNER_MASK: Final = 2**160 - 1
ACCOUNT_MASK: Final = 2**168 - 1
NO_MARKET: Final = 2**256 - 1

PRICE, RISK, CAPS, POOL, FORCED, FUND, SHORT, SAMPLES, FUNDING, INFO = (i << 8 for i in range(10))
MONEY, FLOW, POLICY, STEPS, OUTFLOW, LENDING = range(6)
AMM, BACKSTOP = 0, 1
CROSS_KIND, ISOLATED_KIND, AMM_KIND, BACKSTOP_KIND = 1, 2, 3, 4

_I64: Final = 2**63

POSITION_WORD: Final = {
    "size": Field(0, 64, _I64),
    "entry": Field(64, 64, _I64),
    "index": Field(128, 64, _I64),
    "leverage": Field(192, 10),
    "claimed": Field(202, 54),
}
BUCKET_WORD: Final = {
    "raw": Field(0, 64, _I64),
    "list": Field(64, 128),
    "count": Field(192, 5),
    "liquidating": Field(197, 1),
    "advanced": Field(198, 1),
    "portfolio": Field(199, 1),
    "kind": Field(200, 3),
    "assets": Field(203, 7),
    "lp": Field(210, 1),
    "isolated": Field(211, 7),
    "subs": Field(218, 4),
    "has_settings": Field(222, 1),
    "touched": Field(223, 33),
}
PLACE_WORD: Final = {  # of LPCollateral: an LP position of an account
    "liquidity": Field(0, 128),
    "lower": Field(128, 24, 2**23),
    "upper": Field(152, 24, 2**23),
    "pool": Field(176, 8),
    "id": Field(184, 64),
}
ASSET_TOTAL: Final = 8  # place of the lots held for all accounts in what CollateralVault says of an asset
LIQUIDATION_WORD: Final = {"start": Field(0, 44), "time": Field(44, 44)}
SETTING_WORD: Final = {"leverage": Field(0, 10), "isolated": Field(10, 1), "floor": Field(11, 55, 1)}
PRICE_WORD: Final = {
    "price": Field(0, 41),
    "index": Field(41, 64, _I64),
    "time": Field(105, 44),
    "fresh": Field(149, 1),
    "next_lower": Field(150, 54),
    "status": Field(204, 4),
    "breaker": Field(208, 2),
    "rate": Field(210, 24),
    "leverage": Field(234, 10),
    "tiers": Field(244, 5),
}
RISK_WORD: Final = {
    "open": Field(0, 54),
    "oi_lower": Field(54, 54),
    "oi_upper": Field(108, 54),
    "base": Field(162, 24),
    "leverage_cap": Field(186, 10),
    "isolated_cap": Field(196, 10),
    "age": Field(206, 22),
}
CAPS_WORD: Final = {
    "oi_cap": Field(0, 54),
    "position_cap": Field(54, 54),
    "price_max": Field(108, 41),
    "band": Field(149, 24),
    "taker_fee": Field(173, 17),
    "maker_fee": Field(190, 18, 2**17),
    "spread": Field(208, 21),
}
POOL_WORD: Final = {
    "depth": Field(0, 54),
    "cap": Field(54, 54),
    "backstop_cap": Field(108, 54),
    "claim_cap": Field(162, 54),
    "lock_s": Field(216, 22),
}
FORCED_WORD: Final = {
    "fee": Field(0, 20),
    "gate": Field(20, 24),
    "dust": Field(44, 34),
    "capacity": Field(78, 54),
    "window": Field(132, 22),
    "start": Field(154, 44),
    "used": Field(198, 58),
}
FUND_WORD: Final = {
    "insurance": Field(0, 62),
    "fees": Field(62, 62),
    "entries": Field(124, 72, 2**71),
    "residue": Field(196, 20),
    "breaker_time": Field(216, 40),
}
SHORT_WORD: Final = {
    "advanced": Field(0, 64),
    "short": Field(64, 64),
    "shares_amm": Field(128, 64),
    "shares_backstop": Field(192, 64),
}
SAMPLES_WORD: Final = {
    "sum": Field(0, 96, 2**95),
    "count": Field(96, 20),
    "time": Field(116, 44),
    "paid": Field(160, 44),
    "rate": Field(204, 40, 2**39),
}
FUNDING_WORD: Final = {
    "interest": Field(0, 42, 2**41),
    "clamp": Field(42, 41),
    "cap": Field(83, 36),
    "hours": Field(119, 5),
    "skew": Field(124, 41),
}
TIER_WORD: Final = {
    "rate": Field(0, 24),
    "leverage": Field(24, 10),
    "lower": Field(34, 54),
    "next_lower": Field(88, 54),
    "deduction": Field(142, 80),
}
MONEY_WORD: Final = {
    "vault": Field(0, 64),
    "pending": Field(64, 64),
    "dust": Field(128, 64, _I64),
    "debt": Field(192, 64),
}
FLOW_WORD: Final = {
    "hour": Field(0, 32),
    "hour_out": Field(32, 62),
    "day": Field(94, 32),
    "day_out": Field(126, 62),
    "gate": Field(188, 44),
}
POLICY_WORD: Final = {
    "exit_buffer": Field(0, 24),
    "floor_share": Field(24, 24),
    "profit_weight": Field(48, 24),
    "profit_cap": Field(72, 55, 1),
    "backstop_ratio": Field(127, 24),
    "partial_mode": Field(151, 3),
    "partial_share": Field(154, 24),
    "gate_closed": Field(178, 27),
    "adl_policy": Field(205, 2),
    "socialise": Field(207, 1),
    "status": Field(208, 4),
    "cooldown": Field(212, 22),
    "direct": Field(234, 1),
}
STEPS_WORD: Final = {"floor": Field(0, 54), "ceiling": Field(54, 54), "reward": Field(108, 54)}
OUTFLOW_WORD: Final = {
    "hour_share": Field(0, 24),
    "hour_base": Field(24, 54),
    "day_share": Field(78, 24),
    "day_base": Field(102, 54),
}
LENDING_WORD: Final = {
    "base": Field(0, 30),
    "kink": Field(30, 24),
    "kink_rate": Field(54, 30),
    "full_rate": Field(84, 30),
    "most": Field(114, 24),
}
MARKET_WORDS: Final = {
    PRICE: PRICE_WORD,
    RISK: RISK_WORD,
    CAPS: CAPS_WORD,
    POOL: POOL_WORD,
    FORCED: FORCED_WORD,
    FUND: FUND_WORD,
    SHORT: SHORT_WORD,
    SAMPLES: SAMPLES_WORD,
    FUNDING: FUNDING_WORD,
}
VENUE_WORDS: Final = {
    MONEY: MONEY_WORD,
    FLOW: FLOW_WORD,
    POLICY: POLICY_WORD,
    STEPS: STEPS_WORD,
    OUTFLOW: OUTFLOW_WORD,
    LENDING: LENDING_WORD,
}
LAST_TIER: Final = 2**54 - 1  # the lower bound of a tier that does not exist


def pack(layout: Mapping[str, Field], **values: int) -> int:
    """The word with these fields; fields left out hold 0 (biased ones: their zero)."""
    word = 0
    for name, field in layout.items():
        word |= stored(field, values.pop(name, 0), name) << field.start
    if values:
        raise BadInput(next(iter(values)), "no such field of this word")
    return word


def stored(field: Field, value: int, name: str) -> int:
    """What a field holds for a value. BadInput when it does not fit."""
    shifted = value + field.bias
    if not 0 <= shifted < 1 << field.bits:
        raise BadInput(name, f"{value} does not fit into {field.bits} bits")
    return shifted


def unpack(layout: Mapping[str, Field], word: int) -> dict[str, int]:
    """Every field of a word."""
    return {name: (word >> f.start & (1 << f.bits) - 1) - f.bias for name, f in layout.items()}


def change(layout: Mapping[str, Field], **values: int) -> tuple[int, int]:
    """(mask, fields) with which `put` writes just these fields."""
    mask = word = 0
    for name, value in values.items():
        field = layout[name]
        mask |= ((1 << field.bits) - 1) << field.start
        word |= stored(field, value, name) << field.start
    return mask, word


def mask_of(layout: Mapping[str, Field], *names: str) -> int:
    """The bits of these fields."""
    return sum(((1 << layout[name].bits) - 1) << layout[name].start for name in names)


def account(owner: str | int, sub: int = 0) -> int:
    """The id of an account's cross bucket."""
    number = int(owner, 16) if isinstance(owner, str) else owner
    return number | sub << SUB_SHIFT


def isolated_of(account_id: int, market: int) -> int:
    """The id of an account's isolated bucket of a market."""
    return account_id | (market + 1) << OWN_SHIFT


def pool_of(market: int, which: int) -> int:
    """The id of a market's pool: AMM or BACKSTOP."""
    return which << SUB_SHIFT | (market + 1) << OWN_SHIFT


def position_key(bucket: int, market: int) -> int:
    return POSITION | market << MARKET_SHIFT | bucket


def advance_key(bucket: int, market: int) -> int:
    return ADVANCE | market << MARKET_SHIFT | bucket


def setting_key(account_id: int, market: int) -> int:
    return SETTING | market << MARKET_SHIFT | account_id


def market_key(word: int, market: int) -> int:
    return MARKET | word | market


def tier_key(market: int, tier: int) -> int:
    return TIER | tier << 8 | market


def markets_of(head: int) -> list[int]:
    """Markets in which a bucket holds positions, newest first."""
    fields = unpack(BUCKET_WORD, head)
    return [fields["list"] >> 8 * i & 255 for i in range(fields["count"])]


def tier_words(tiers: list[tuple[int, int, int]]) -> list[int]:
    """Words of a market's tiers from (lower notional, leverage, maintenance rate): deductions follow, exactly."""
    words, deduction, before = [], 0, 0
    for k, (lower, leverage, rate) in enumerate(tiers):
        if k > 0:
            deduction += lower * (rate - before)
        following = tiers[k + 1][0] if k + 1 < len(tiers) else LAST_TIER
        words.append(
            pack(TIER_WORD, rate=rate, leverage=leverage, lower=lower, next_lower=following, deduction=deduction)
        )
        before = rate
    return words
