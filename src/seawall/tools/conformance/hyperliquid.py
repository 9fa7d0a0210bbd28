"""Hyperliquid: positions and whole accounts of its API, real liquidation prices, funding rates and premiums."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from seawall.presets import hyperliquid as venue
from seawall.pricing.funding import FundingRules, check_rules
from seawall.tools.conformance.runner import (
    Case,
    Check,
    Figure,
    GroupCheck,
    Tolerance,
    Values,
    agrees,
    integer,
    number,
    same,
    text,
)
from seawall.units import (
    FUNDING_ONE,
    USD_ONE,
    BadInput,
    FundingRate,
    Price,
    UsdMicro,
    decimal_text,
    fraction_from,
    half_even_div,
    price,
    scaled,
)

MARGIN_TOLERANCE: Final = Tolerance(absolute=Fraction(11, 10**7))
ROE_TOLERANCE: Final = Tolerance(absolute=Fraction(1, 10**6))
PRICE_TOLERANCE: Final = Tolerance(relative=Fraction(1, 10**8))
POSITION_TOLERANCES: Final = {
    "margin_used": MARGIN_TOLERANCE,
    "return_on_equity": ROE_TOLERANCE,
    "liquidation_px": PRICE_TOLERANCE,
}
ISOLATED_2024_TOLERANCE: Final = Tolerance(relative=Fraction(1, 10**4))
DECIMALS_SHOWN: Final = 4  # the fewest that a response's liquidation prices are cut to
SAME_ACCOUNT_TOLERANCE: Final = Tolerance(relative=Fraction(1, 10**10))
FUNDING_TOLERANCE: Final = Tolerance(absolute=Fraction(6, 10**9))
PREMIUM_TOLERANCE: Final = Tolerance(absolute=Fraction(6, 10**11))
VALUE_TOLERANCE: Final = Tolerance(absolute=Fraction(1, 10**6))
TRUNCATED_TOTALS: Final = ("cross_maintenance_margin_used", "cross_total_margin_used", "total_margin_used")
PRICE_DECIMALS_MAX: Final = 60  # of a decimal text that is accepted at all
ACCOUNT_INFORMATION: Final = frozenset({"withdrawable_observed"})


def check_position(values: Values, expected: Values) -> bool:
    """hl_positions: margin used, liquidation price and return on equity of one position."""
    position = _position(values)
    if venue.is_isolated(position):
        available = venue.isolated_available(position)
    else:
        account = _usd(values, "cross_account_value") - _usd(values, "cross_maintenance_margin_used")
        available = Fraction(account)
    computed = {**_shown(position), "liquidation_px": venue.liquidation_price(position, available)}
    tolerances = {**POSITION_TOLERANCES, "liquidation_px": _shown_price_tolerance(expected)}
    return agrees(computed, expected, tolerances=tolerances)


def _shown_price_tolerance(expected: Values) -> Tolerance:
    """1e-8, or half of the last decimal where a response shows fewer: one source prints four, its zeros dropped."""
    decimals = len(str(expected.get("liquidation_px")).partition(".")[2])
    half = Fraction(1, 2 * 10 ** max(DECIMALS_SHOWN, decimals))
    return Tolerance(relative=PRICE_TOLERANCE.relative, absolute=half)


def check_account(values: Values, expected: Values) -> bool:
    """hl_accounts: totals of a whole account; those of truncated terms within 1e-6 a position.

    A null maintenance is the response of 2023, which had no such field and one leverage limit for all coins.
    """
    positions = tuple(_account_position(row) for row in _rows(values, "positions"))
    figures = venue.summary(
        venue.Account(cross_raw_usd=_usd(values, "cross_total_raw_usd"), positions=positions),
    )
    computed: dict[str, Figure] = {
        "cross_account_value": Fraction(figures.cross_account_value, USD_ONE),
        "cross_total_ntl_pos": Fraction(figures.cross_total_notional, USD_ONE),
        "cross_total_margin_used": Fraction(figures.cross_margin_used, USD_ONE),
        "cross_maintenance_margin_used": _maintenance(figures, positions, expected),
        "account_value": Fraction(figures.account_value, USD_ONE),
        "total_ntl_pos": Fraction(figures.total_notional, USD_ONE),
        "total_raw_usd": Fraction(figures.total_raw_usd, USD_ONE),
        "total_margin_used": Fraction(figures.total_margin_used, USD_ONE),
    }
    per_position = Tolerance(absolute=Fraction(max(1, len(positions)), 10**6))
    return agrees(
        computed,
        expected,
        VALUE_TOLERANCE,
        tolerances=dict.fromkeys(TRUNCATED_TOTALS, per_position),
        information=ACCOUNT_INFORMATION,
    )


def check_isolated_2024(values: Values, expected: Values) -> bool:
    """hl_isolated_real_2024: liquidation price of an isolated position from its entry and its margin at entry."""
    entry, size = number(values, "entry_px"), _signed_size(values)
    position = venue.Position(
        size=size,
        value=_nearest(abs(size) * entry),
        leverage=integer(values, "leverage"),
        tiers=venue.margin_tiers([(0, integer(values, "max_leverage"))]),
    )
    available = number(values, "margin_at_entry") * USD_ONE - venue.maintenance_exact(position)
    return agrees({"liquidation_px": venue.liquidation_price(position, available)}, expected, ISOLATED_2024_TOLERANCE)


def check_legacy_2023(values: Values, expected: Values) -> bool:
    """hl_liq_legacy2023: the plain formula of early 2023, without the maintenance of the moved position."""
    position = _position(values)
    available = venue.legacy_available(_usd(values, "cross_account_value"), _usd(values, "cross_total_ntl_pos"))
    computed = {
        "margin_used": Fraction(venue.margin_used(position), USD_ONE),
        "return_on_equity": venue.legacy_return_on_equity(position),
        "liquidation_px": venue.legacy_liquidation_price(position, available),
    }
    return agrees(computed, expected, tolerances=POSITION_TOLERANCES)


def check_funding_rate(values: Values, expected: Values) -> bool:
    """hl_funding_rate: premium -> rate, under the interest, clamp and divisor in force at the time."""
    rules = FundingRules(
        interest=_funding(values, "interest"), clamp=_funding(values, "clamp"), divisor=integer(values, "divisor")
    )
    rate = venue.funding_rate(_funding(values, "premium"), check_rules(rules))
    return agrees({"funding_rate": Fraction(rate, FUNDING_ONE)}, expected, FUNDING_TOLERANCE)


def check_premium(values: Values, expected: Values) -> bool:
    """hl_premium: oracle and impact prices -> premium, by the rule the perp's dex uses."""
    rule = text(values, "rule")
    oracle, bid, ask = _prices(values, ("oracle_px", "impact_bid", "impact_ask"))
    if rule == "impact_spread":
        premium = venue.premium(oracle, bid, ask)
    elif rule == "impact_mid":
        premium = venue.builder_premium(oracle, bid, ask)
    else:
        raise BadInput("rule", f"unknown premium rule {rule!r}")
    return agrees({"premium": Fraction(premium, FUNDING_ONE)}, expected, PREMIUM_TOLERANCE)


def check_unified(cases: Sequence[Case]) -> list[str]:
    """hl_liq_unified_accounts: the spot USDC behind these positions is not shown, but is one figure an account.

    So the liquidation prices of one account must all tell of the same equity less maintenance, not below the part
    that is shown, and a position without one must have none with it.
    """
    accounts: dict[str, list[Case]] = {}
    for case in cases:
        accounts.setdefault(case.id.rpartition("/")[0] or case.id, []).append(case)
    missed: list[str] = []
    for group in accounts.values():
        missed += _missed_of_account(group)
    return missed


def _missed_of_account(group: Sequence[Case]) -> list[str]:
    readable: list[tuple[Case, venue.Position]] = []
    missed: list[str] = []
    for case in group:
        try:
            readable.append((case, venue.check_position(_position(case.input))))
        except ValueError:
            missed.append(case.id)
    if not readable:
        return missed
    try:
        available = _common_available(readable)
    except (ValueError, StopIteration):
        return missed + [case.id for case, _ in readable]
    for case, position in readable:
        computed = {**_shown(position), "liquidation_px": venue.liquidation_price(position, available)}
        tolerances = {**POSITION_TOLERANCES, "liquidation_px": SAME_ACCOUNT_TOLERANCE}
        is_hidden_negative = available < _shown_available(case.input) - abs(available) * PRICE_TOLERANCE.relative
        if is_hidden_negative or not agrees(computed, case.expected, tolerances=tolerances):
            missed.append(case.id)
    return missed


def _common_available(rows: Sequence[tuple[Case, venue.Position]]) -> Fraction:
    """Equity less maintenance that the most positions of the account tell of.

    With no price published, the least that leaves every long without one: it can not be less.
    """
    told = [
        venue.implied_available(position, fraction_from(case.expected["liquidation_px"], "liquidation_px"))
        for case, position in rows
        if case.expected.get("liquidation_px") is not None
    ]
    if not told:
        unreachable = [_beyond_zero(position) for _, position in rows]
        return max([*unreachable, *(_shown_available(case.input) for case, _ in rows)])
    votes = Counter({candidate: _votes(candidate, rows) for candidate in told})
    best, supporters = votes.most_common(1)[0]
    if supporters < 2 and len(told) > 1:
        raise BadInput("liquidation_px", "no two positions of the account tell of the same collateral")
    return best


def _votes(candidate: Fraction, rows: Sequence[tuple[Case, venue.Position]]) -> int:
    return sum(
        same(venue.liquidation_price(position, candidate), case.expected["liquidation_px"], SAME_ACCOUNT_TOLERANCE)
        for case, position in rows
        if case.expected.get("liquidation_px") is not None
    )


def _beyond_zero(position: venue.Position) -> Fraction:
    """Equity less maintenance with which a long is never liquidated; a short always may be."""
    return venue.implied_available(position, Fraction(0))


def _shown_available(values: Values) -> Fraction:
    return Fraction(_usd(values, "cross_account_value") - _usd(values, "cross_maintenance_margin_used"))


def _shown(position: venue.Position) -> dict[str, Figure]:
    return {
        "margin_used": Fraction(venue.margin_used(position), USD_ONE),
        "return_on_equity": venue.return_on_equity(position),
    }


def _maintenance(figures: venue.Summary, positions: Sequence[venue.Position], expected: Values) -> Figure:
    limits = {tier.max_leverage for position in positions for tier in position.tiers}
    is_legacy = limits <= {venue.LEGACY_MAX_LEVERAGE} and len(positions) > 0
    is_absent = expected.get("cross_maintenance_margin_used") is None
    if figures.cross_maintenance is None or (is_legacy and is_absent):
        return None
    return Fraction(figures.cross_maintenance, USD_ONE)


def _position(values: Values) -> venue.Position:
    isolated = text(values, "mode") == "isolated"
    return venue.Position(
        size=number(values, "szi"),
        value=_usd(values, "position_value"),
        leverage=integer(values, "leverage"),
        tiers=venue.margin_tiers([(0, integer(values, "max_leverage"))]),
        unrealised=_usd(values, "unrealized_pnl"),
        raw_usd=_usd(values, "raw_usd") if isolated else None,
    )


def _account_position(row: Values) -> venue.Position:
    isolated = text(row, "mode") == "isolated"
    is_limit_known = row.get("maxLeverage") is not None
    return venue.Position(
        size=number(row, "szi"),
        value=_usd(row, "positionValue"),
        leverage=integer(row, "leverage"),
        tiers=venue.margin_tiers([(0, integer(row, "maxLeverage"))]) if is_limit_known else (),
        raw_usd=_usd(row, "rawUsd") if isolated else None,
    )


def _rows(values: Values, field: str) -> list[dict[str, Any]]:
    rows = values.get(field)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(field, "expected a list of records")
    return rows


def _signed_size(values: Values) -> Fraction:
    side, size = text(values, "side"), number(values, "size")
    if side not in ("long", "short"):
        raise BadInput("side", f"expected long or short, got {side!r}")
    return size if side == "long" else -size


def _usd(values: Values, field: str) -> UsdMicro:
    """USD as text -> micro-USD, nearest: the venue keeps 1e-6 and prints the noise of doubles behind it."""
    return _nearest(number(values, field))


def _nearest(value: Fraction) -> UsdMicro:
    return UsdMicro(half_even_div(value.numerator * USD_ONE, value.denominator))


def _funding(values: Values, field: str) -> FundingRate:
    return FundingRate(scaled(number(values, field), FUNDING_ONE, field))


def _prices(values: Values, fields: Sequence[str]) -> list[Price]:
    """Decimal prices in the unit of the finest of them, so that each is whole."""
    exact = {field: number(values, field) for field in fields}
    decimals = max(len(decimal_text(value, PRICE_DECIMALS_MAX).partition(".")[2]) for value in exact.values())
    return [price(value, 6 - decimals, field) for field, value in exact.items()]


FAMILIES: Final[Mapping[str, Check]] = {
    "hl_positions": check_position,
    "hl_accounts": check_account,
    "hl_isolated_real_2024": check_isolated_2024,
    "hl_liq_legacy2023": check_legacy_2023,
    "hl_funding_rate": check_funding_rate,
    "hl_premium": check_premium,
}
GROUPS: Final[Mapping[str, GroupCheck]] = {"hl_liq_unified_accounts": check_unified}
