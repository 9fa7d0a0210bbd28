"""dYdX v4's rules: figures worked out by hand from the formulas, one each side of every boundary."""

from fractions import Fraction

import pytest

from seawall.presets import dydx
from seawall.presets.dydx import (
    LiquidityTier,
    OrderSide,
    Perpetual,
    PerpetualPosition,
    PositionBlockLimits,
    Risk,
    Subaccount,
)
from seawall.units import BadInput

TIER = LiquidityTier(initial_margin_ppm=200_000, maintenance_fraction_ppm=500_000)
BTC = Perpetual(perpetual_id="0", atomic_resolution=-8, price=5_000_000_000, price_exponent=-5, tier=TIER)
ETH = Perpetual(perpetual_id="1", atomic_resolution=-9, price=3_000_000_000, price_exponent=-6, tier=TIER)
MARKETS = dydx.perpetuals_by_id([BTC, ETH])
TEN = Perpetual(  # 10 quote quantums a base quantum, 10 % maintenance: rounding shows
    perpetual_id="t",
    atomic_resolution=-6,
    price=10,
    price_exponent=0,
    tier=LiquidityTier(initial_margin_ppm=100_000, maintenance_fraction_ppm=1_000_000),
)


def holding(usdc: int, *positions: tuple[str, int]) -> Subaccount:
    held = tuple(PerpetualPosition(perpetual_id=name, quantums=size) for name, size in positions)
    return Subaccount(usdc=usdc, positions=held)


def test_price_in_quantums() -> None:
    assert BTC.quote_per_base() == 500  # 1e8 quantums are 50,000 USDC
    assert dydx.notional(BTC, 100_000_000) == 50_000_000_000


@pytest.mark.parametrize(("quantums", "value"), [(1, 1), (-1, -1), (2, 3), (-3, -4), (0, 0)])
def test_notional_is_truncated_toward_zero(quantums: int, value: int) -> None:
    half = Perpetual(perpetual_id="h", atomic_resolution=-6, price=15, price_exponent=-1, tier=TIER)
    assert dydx.notional(half, quantums) == value
    assert dydx.exact_notional(half, quantums) == Fraction(3, 2) * abs(quantums)


@pytest.mark.parametrize(
    ("low", "high", "interest", "ppm"),
    [
        (0, 0, 10**18, 200_000),
        (1_000_000, 2_000_000, 0, 200_000),
        (1_000_000, 2_000_000, 1_000_000, 200_000),
        (1_000_000, 2_000_000, 1_000_001, 200_000),
        (1_000_000, 2_000_000, 1_234_567, 387_653),
        (1_000_000, 2_000_000, 1_999_999, 999_999),
        (1_000_000, 2_000_000, 2_000_000, 1_000_000),
        (1_000_000, 2_000_000, 10**30, 1_000_000),
        (1_000_000, 1_000_000, 1_000_000, 200_000),
        (1_000_000, 1_000_000, 1_000_001, 1_000_000),
        (1_000_000, 0, 5_000_000, 200_000),
        (0, 2_000_000, 500_000, 400_000),
    ],
)
def test_initial_margin_fraction_grows_with_open_interest(low: int, high: int, interest: int, ppm: int) -> None:
    tier = LiquidityTier(
        initial_margin_ppm=200_000,
        maintenance_fraction_ppm=500_000,
        open_interest_lower_cap=low,
        open_interest_upper_cap=high,
    )
    assert dydx.adjusted_initial_margin_ppm(tier, interest) == ppm


@pytest.mark.parametrize(
    ("value", "initial", "maintenance"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (10, 2, 1),
        (11, 3, 2),  # 2.2 and 1.1
        (2**128 - 1, (2**128 - 1 + 4) // 5, (2**128 - 1 + 9) // 10),
        (Fraction(1, 3), 1, 1),
    ],
)
def test_requirements_round_up_once(value: int, initial: int, maintenance: int) -> None:
    assert dydx.initial_margin(TIER, value=value, open_interest=0) == initial
    assert dydx.maintenance_margin(TIER, value) == maintenance


def test_open_interest_scales_initial_margin_only() -> None:
    tier = LiquidityTier(
        initial_margin_ppm=200_000,
        maintenance_fraction_ppm=500_000,
        open_interest_lower_cap=1_000,
        open_interest_upper_cap=2_000,
    )
    crowded = Perpetual(
        perpetual_id="c", atomic_resolution=-6, price=10, price_exponent=0, tier=tier, open_interest=150
    )
    part = dydx.position_risk(crowded, -7)
    assert part == Risk(net_collateral=-70, initial=42, maintenance=7)


@pytest.mark.parametrize(
    ("base", "fraction", "ppm"),
    [(150_000, 800_000, 120_000), (637_239, 289_284, 184_343), (0, 0, 0), (1_000_000, 1_000_000, 1_000_000), (3, 1, 0)],
)
def test_maintenance_fraction_rounds_down(base: int, fraction: int, ppm: int) -> None:
    assert dydx.maintenance_margin_ppm(LiquidityTier(initial_margin_ppm=base, maintenance_fraction_ppm=fraction)) == ppm


@pytest.mark.parametrize(
    ("factor", "bound"), [(6_000_000, 600_000), (0, 0), (4_294_967_295, 429_496_729), (5, 0), (15, 1)]
)
def test_funding_clamp(factor: int, bound: int) -> None:
    assert dydx.max_abs_funding_ppm(TIER, factor) == bound


@pytest.mark.parametrize(
    ("premium", "received", "expected", "rate"),
    [
        (1_000, 60, 60, 1_000),
        (1_000, 60, 120, 500),
        (1_000, 1, 3, 333),
        (-1_000, 1, 3, -333),
        (1_000, 61, 60, 1_000),
        (1_000, 0, 60, 0),
        (0, 0, 0, 0),
        (700_000, 60, 60, 600_000),
        (-700_000, 60, 60, -600_000),
        (700_000, 30, 60, 350_000),  # the mean is clamped, not the samples
    ],
)
def test_funding_rate(premium: int, received: int, expected: int, rate: int) -> None:
    samples = dydx.FundingSamples(premium_ppm=premium, received=received, expected=expected)
    assert dydx.funding_rate_ppm(samples, TIER, 6_000_000) == rate


@pytest.mark.parametrize(("rate", "seconds", "delta"), [(1_000, 3_600, 62_500), (-1, 1, 0), (1, 57, 0), (1, 58, 1)])
def test_funding_index_step_is_truncated(rate: int, seconds: int, delta: int) -> None:
    assert dydx.funding_index_delta(BTC, rate, seconds) == delta  # 500 * rate * seconds / 28,800


@pytest.mark.parametrize(
    ("size", "settlement"), [(1, -1), (-1, 0), (1_000_000, -1), (1_000_001, -2), (-1_000_000, 1), (-1_999_999, 1)]
)
def test_unsettled_funding_is_rounded_against_the_holder(size: int, settlement: int) -> None:
    moved = Perpetual(perpetual_id="0", atomic_resolution=-8, price=0, price_exponent=0, tier=TIER, funding_index=1)
    assert dydx.unsettled_funding(holding(0, ("0", size)), {"0": moved}) == settlement


def test_unsettled_funding_rounds_the_sum_not_its_parts() -> None:
    markets = {
        name: Perpetual(perpetual_id=name, atomic_resolution=-8, price=0, price_exponent=0, tier=TIER, funding_index=1)
        for name in "ab"
    }
    assert dydx.unsettled_funding(holding(0, ("a", 1), ("b", -1)), markets) == 0


def test_risk_counts_balance_funding_and_notional() -> None:
    btc = Perpetual(
        perpetual_id="0", atomic_resolution=-8, price=5_000_000_000, price_exponent=-5, tier=TIER, funding_index=100
    )
    account = Subaccount(
        usdc=-10_000_000_001,
        positions=(PerpetualPosition(perpetual_id="0", quantums=-100_000_000, funding_index=62_600),),
    )
    assert dydx.risk(account, {"0": btc}) == Risk(
        net_collateral=-10_000_000_001 - 6_250_000 - 50_000_000_000, initial=10_000_000_000, maintenance=5_000_000_000
    )


def test_updates_settle_add_up_open_and_close() -> None:
    btc = Perpetual(
        perpetual_id="0", atomic_resolution=-8, price=5_000_000_000, price_exponent=-5, tier=TIER, funding_index=3
    )
    markets = {"0": btc, "1": ETH}
    account = holding(1_000, ("0", 1_000_000))
    updated = dydx.apply_updates(account, markets, usdc=-500, sizes=[("0", -400_000), ("1", 5), ("0", -600_000)])
    assert updated.usdc == 497  # 3 of funding on the size held before
    assert updated.positions == (PerpetualPosition(perpetual_id="1", quantums=5),)
    assert dydx.apply_updates(account, markets).positions[0].funding_index == 3


@pytest.mark.parametrize(
    ("account", "field"),
    [(holding(0, ("9", 1)), "perpetual_id"), (holding(0, ("0", 1), ("0", 2)), "positions")],
)
def test_positions_that_can_not_be_valued_are_refused(account: Subaccount, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        dydx.risk(account, MARKETS)
    assert refused.value.field == field


def test_a_perpetual_listed_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        dydx.perpetuals_by_id([BTC, BTC])


@pytest.mark.parametrize(
    ("collateral", "maintenance", "liquidatable"),
    [(99, 100, True), (100, 100, False), (-1, 0, False), (-1, 1, True), (0, 0, False)],
)
def test_liquidatable(collateral: int, maintenance: int, liquidatable: bool) -> None:
    risk = Risk(net_collateral=collateral, initial=2 * maintenance, maintenance=maintenance)
    assert risk.is_liquidatable is liquidatable


@pytest.mark.parametrize(
    ("before", "after", "accepted"),
    [
        ((50, 200, 100), (100, 100, 50), True),  # initial margin is met again
        ((50, 200, 100), (25, 100, 50), True),  # same ratio
        ((50, 200, 100), (24, 100, 50), False),
        ((50, 200, 100), (99, 202, 101), False),  # better ratio, more maintenance
        ((-100, 200, 100), (-50, 100, 50), True),
        ((-100, 200, 100), (-51, 100, 50), False),
        ((500, 200, 100), (99, 200, 100), False),  # newly undercollateralised
        ((-5, 0, 0), (-4, 0, 0), True),
        ((-5, 0, 0), (-5, 0, 0), False),
        ((-5, 2, 1), (-1, 0, 0), False),  # closing everything does not hide a debt
        ((-5, 2, 1), (0, 0, 0), True),
    ],
)
def test_state_transition_rule(before: tuple[int, int, int], after: tuple[int, int, int], accepted: bool) -> None:
    states = [Risk(net_collateral=nc, initial=imr, maintenance=mmr) for nc, imr, mmr in (before, after)]
    assert dydx.accepts(*states) is accepted


@pytest.mark.parametrize(
    ("size", "usdc", "delta", "quote"),
    [
        (3, -30, -1, 10),  # nothing left, nothing owed: the oracle price
        (3, -29, -1, 10),  # a third of 1 rounds to 0: for the account
        (3, -31, -1, 11),  # a third of -1 rounds to -1: for the fund
        (-3, 29, 1, -9),
        (-3, 31, 1, -10),
        (3, -27, -1, 9),
        (3, -27, -3, 27),  # closing all leaves 0
        (-3, 33, 3, -33),
    ],
)
def test_bankruptcy_price(size: int, usdc: int, delta: int, quote: int) -> None:
    account = holding(usdc, ("t", size))
    assert dydx.bankruptcy_price(account, {"t": TEN}, perpetual_id="t", delta=delta) == quote


def test_bankruptcy_price_shares_collateral_by_maintenance() -> None:
    account = holding(510_000_000, ("0", -400_000), ("1", -100_000_000))  # 200 and 300 USDC short
    expected = -300_000_000 - 10_000_000 * 3 // 5
    assert dydx.bankruptcy_price(account, MARKETS, perpetual_id="1", delta=100_000_000) == expected


@pytest.mark.parametrize(("size", "delta"), [(3, 0), (3, 1), (3, -4), (-3, -1), (-3, 4), (0, 1)])
def test_bankruptcy_price_is_for_a_reduction(size: int, delta: int) -> None:
    with pytest.raises(BadInput) as refused:
        dydx.bankruptcy_price(holding(0, ("t", size)), {"t": TEN}, perpetual_id="t", delta=delta)
    assert refused.value.field == "delta_quantums"


def test_prices_of_liquidation_need_a_maintenance_requirement() -> None:
    free = Perpetual(
        perpetual_id="f",
        atomic_resolution=-6,
        price=10,
        price_exponent=0,
        tier=LiquidityTier(initial_margin_ppm=0, maintenance_fraction_ppm=0),
    )
    account = holding(0, ("f", 3))
    with pytest.raises(BadInput):
        dydx.bankruptcy_price(account, {"f": free}, perpetual_id="f", delta=-1)
    with pytest.raises(BadInput):
        dydx.fillable_price(
            account, {"f": free}, perpetual_id="f", bankruptcy_adjustment_ppm=1, spread_to_maintenance_ppm=1
        )
    with pytest.raises(BadInput, match="no position"):
        dydx.fillable_price(
            holding(0, ("t", 3)),
            MARKETS | {"t": TEN},
            perpetual_id="0",
            bankruptcy_adjustment_ppm=1,
            spread_to_maintenance_ppm=1,
        )


@pytest.mark.parametrize(
    ("usdc", "size", "adjustment", "price"),
    [
        (-4_501_000_000, 10_000_000, 1_000_000, Fraction(49_999, 100)),  # 499 of 500: depth 0.2 %
        (-4_501_000_000, 10_000_000, 2_000_000, Fraction(49_998, 100)),
        (-4_499_000_000, 10_000_000, 1_000_000, Fraction(500)),  # above maintenance: the oracle price
        (-5_000_000_000, 10_000_000, 1_000_000, Fraction(495)),
        (-5_500_000_000, 10_000_000, 1_000_000, Fraction(495)),  # no deeper than all of it
        (5_499_000_000, -10_000_000, 1_000_000, Fraction(50_001, 100)),
        (4_500_000_000, -10_000_000, 1_000_000, Fraction(505)),
    ],
)
def test_fillable_price(usdc: int, size: int, adjustment: int, price: Fraction) -> None:
    assert (
        dydx.fillable_price(
            holding(usdc, ("0", size)),
            MARKETS,
            perpetual_id="0",
            bankruptcy_adjustment_ppm=adjustment,
            spread_to_maintenance_ppm=100_000,
        )
        == price
    )


@pytest.mark.parametrize(
    ("fill", "subticks", "exponent", "quote"),
    [(10_000_000, 56_100_000_000, -8, 5_610_000_000), (3, 5, -1, 1), (3, 5, 2, 1_500), (0, 5, 2, 0)],
)
def test_fill_quote_is_truncated(fill: int, subticks: int, exponent: int, quote: int) -> None:
    assert dydx.fill_quote(fill=fill, subticks=subticks, quantum_conversion_exponent=exponent) == quote


@pytest.mark.parametrize(
    ("size", "usdc", "fill", "fee_ppm", "delta"),
    [
        (3, -27, (3, 27), 1_000_000, 0),
        (3, -27, (3, 26), 1_000_000, -1),
        (3, -27, (3, 29), 1_000_000, 2),
        (3, -27, (3, 29), 40_000, 1),  # 1.16 rounds down
        (-3, 33, (3, 33), 1_000_000, 0),
        (-3, 33, (3, 35), 1_000_000, -2),
        (-3, 33, (3, 30), 1_000_000, 3),
        (-3, 33, (3, 30), 0, 0),
        (3, -27, (1, 10), 1_000_000, 1),  # a part: its bankruptcy price is 9
    ],
)
def test_insurance_fund_delta(size: int, usdc: int, fill: tuple[int, int], fee_ppm: int, delta: int) -> None:
    received = dydx.insurance_fund_delta(
        holding(usdc, ("t", size)),
        {"t": TEN},
        perpetual_id="t",
        side=OrderSide.SELL if size > 0 else OrderSide.BUY,
        fill=fill[0],
        quote=fill[1],
        max_liquidation_fee_ppm=fee_ppm,
    )
    assert received == delta


@pytest.mark.parametrize(
    ("size", "limits", "allowance", "step", "change"),
    [
        (1_000, (0, 100_000), 10**9, 1, -100),
        (-1_000, (0, 100_000), 10**9, 1, 100),
        (1_000, (0, 100_000), 10**9, 7, -98),
        (1_000, (5_005, 100_000), 10**9, 1, -500),  # the minimum is more than the portion
        (1_000, (20_000, 100_000), 10**9, 1, -1_000),  # a position under the minimum goes whole
        (1_000, (10_000, 0), 9_999, 1, -999),
        (1_000, (0, 1_000_000), 10_000, 7, -1_000),  # the whole, though no multiple of the step
        (1_000, (0, 1_000_000), 0, 1, 0),
        (1_000, (0, 1_000_000), -5, 1, 0),
    ],
)
def test_max_liquidatable(size: int, limits: tuple[int, int], allowance: int, step: int, change: int) -> None:
    block = PositionBlockLimits(min_position_notional=limits[0], max_position_portion_ppm=limits[1])
    assert dydx.max_liquidatable(TEN, size, limits=block, subaccount_allowance=allowance, step=step) == change


@pytest.mark.parametrize(
    ("value", "allowance", "allowed"),
    [(1_000, 10**9, 500), (-1_000, 10**9, 500), (400, 10**9, 400), (9_999, 10**9, 999), (9_999, 998, 998), (0, 5, 0)],
)
def test_max_liquidatable_notional(value: int, allowance: int, allowed: int) -> None:
    limits = PositionBlockLimits(min_position_notional=500, max_position_portion_ppm=100_000)
    assert dydx.max_liquidatable_notional(value, limits, allowance) == allowed
