"""Drift v2's rules: figures worked out by hand from the formulas, one each side of every boundary."""

import pytest

from seawall.presets import drift
from seawall.presets.drift import FeeRamp, Liability, LiquidationMultipliers, PerpPrices, SpotWeights, TokenMarket
from seawall.units import BadInput

USD = 1_000_000
HUNDRED = PerpPrices(base=100 * USD)
USDC = TokenMarket(decimals=6, price=USD)
SOL = TokenMarket(decimals=9, price=100 * USD)
FLAT = LiquidationMultipliers(asset=USD, liability=USD)
CHEAP_ASSET = LiquidationMultipliers(asset=USD // 2, liability=USD)  # repaying would free margin, were it allowed
WEIGHTS = SpotWeights(asset=8_000, liability=12_000)


@pytest.mark.parametrize(
    ("size", "decimals", "base"), [(5, 9, 5), (5, 6, 5_000), (5, 0, 5 * 10**9), (1_999, 12, 1), (999, 12, 0)]
)
def test_sizes_become_billionths(size: int, decimals: int, base: int) -> None:
    assert drift.in_base_precision(size, decimals) == base


@pytest.mark.parametrize(
    ("weight", "imf", "size", "discounted"),
    [
        (9_000, 0, 10**30, 9_000),
        (9_000, 10_000, 10**12, 8_357),  # root 3,162,277: 11e9 // 1,316,227
        (9_000, 10, 10**12, 9_000),
        (10_000, 1_000, 0, 10_000),
        (10_000, 100_000, 10**9, 10_000),  # exactly 1.1 / 1.1
        (10_000, 100_001, 10**9, 9_999),
    ],
)
def test_large_deposits_count_for_less(weight: int, imf: int, size: int, discounted: int) -> None:
    assert drift.size_discount_asset_weight(weight, imf_factor=imf, size=size) == discounted


@pytest.mark.parametrize(
    ("weight", "imf", "size", "raised"),
    [
        (11_000, 0, 10**30, 11_000),
        (1_000, 19_900, 10**9, 1_000),  # 800 + 199
        (1_000, 20_000, 10**9, 1_000),
        (1_000, 20_100, 10**9, 1_001),
        (0, 100_000, 10**12, 31_622),
        (0, 10**8, 8, 90),  # the root of 81, not of 80
        (1_004, 30_000, 10**9, 1_104),  # a fifth truncates: 1,004 - 200 + 300
        (11_000, 100_000, 0, 11_000),
    ],
)
def test_large_borrows_count_for_more(weight: int, imf: int, size: int, raised: int) -> None:
    assert drift.size_premium_liability_weight(weight, imf_factor=imf, size=size) == raised


@pytest.mark.parametrize(
    ("start", "deposits", "scaled"),
    [
        (0, 10**30, 9_000),
        (500 * USD, 4_999_999_999, 9_000),
        (500 * USD, 5 * 10**9, 9_000),
        (500 * USD, 10 * 10**9, 4_500),
        (500 * USD, 10**10 + 10_000, 4_499),  # 1,000.001 USD
        (500 * USD, 0, 9_000),
    ],
)
def test_initial_weight_shrinks_with_all_deposits(start: int, deposits: int, scaled: int) -> None:
    assert drift.scaled_initial_asset_weight(9_000, scale_start=start, deposits=deposits, token=SOL) == scaled


@pytest.mark.parametrize(
    ("base", "imf", "requirement"),
    [
        (10 * 10**9, 0, 100 * USD),
        (-10 * 10**9, 0, 100 * USD),
        (-(10**9), 30_000, 11 * USD),
        (1, 0, 0),
        (99, 0, 0),  # 9 micro-USD, a tenth of it
        (100, 0, 1),
    ],
)
def test_perp_margin_requirement(base: int, imf: int, requirement: int) -> None:
    assert drift.perp_margin_requirement(base, price=100 * USD, margin_ratio=1_000, imf_factor=imf) == requirement


def test_the_buffer_is_on_liabilities_and_on_losses() -> None:
    liabilities = [Liability(requirement=50, value=1_000), Liability(requirement=7, value=149)]
    standing = drift.margin_standing(liabilities, deposits=100, perp_pnl=-60, buffer=200)
    assert (standing.collateral, standing.requirement) == (40, 57)
    assert (standing.collateral_with_buffer, standing.requirement_with_buffer) == (39, 57 + 20 + 2)
    assert standing.shortage == 40
    gaining = drift.margin_standing(liabilities, deposits=0, perp_pnl=60, buffer=200)
    assert gaining.collateral_with_buffer == 60


@pytest.mark.parametrize(
    ("deposits", "starts", "leaves", "shortage"),
    [
        (99, True, False, 21),
        (100, False, False, 20),
        (119, False, False, 1),
        (120, False, True, 0),
        (130, False, True, 0),
    ],
)
def test_liquidation_starts_at_the_requirement_and_ends_at_the_buffer(
    deposits: int, starts: bool, leaves: bool, shortage: int
) -> None:
    standing = drift.margin_standing(
        [Liability(requirement=100, value=1_000)], deposits=deposits, perp_pnl=0, buffer=200
    )
    assert standing.may_be_liquidated is starts
    assert standing.may_leave_liquidation is leaves
    assert standing.shortage == shortage


@pytest.mark.parametrize(
    ("shortage", "ratio", "fees", "prices", "base"),
    [
        (10 * USD, 1_000, (0, 0), HUNDRED, 10**9),
        (10 * USD, 1_000, (10_000, 10_000), HUNDRED, 1_250_000_000),
        (10 * USD, 1_000, (0, 0), PerpPrices(base=100 * USD, quote=1_010_000), 990_099_009),
        (0, 1_000, (0, 0), HUNDRED, 0),
        (10 * USD, 1_000, (100_000, 0), HUNDRED, drift.U64_MAX),
        (10 * USD, 1_000, (99_999, 0), HUNDRED, 100_000 * 10**9),  # 100 micro-USD a unit
        (10 * USD, 1_000, (50_000, 50_000), HUNDRED, drift.U64_MAX),
        (10 * USD, 1_000, (60_000, 50_000), HUNDRED, drift.U64_MAX),
        (10 * USD, 1_000, (0, 0), PerpPrices(base=0), drift.U64_MAX),
        (10 * USD, 1_000, (0, 0), PerpPrices(base=1), drift.U64_MAX),
    ],
)
def test_base_to_cover(shortage: int, ratio: int, fees: tuple[int, int], prices: PerpPrices, base: int) -> None:
    assert (
        drift.base_to_cover(shortage, prices=prices, margin_ratio=ratio, liquidation_fee=fees[0], insurance_fee=fees[1])
        == base
    )


@pytest.mark.parametrize(("size", "stepped"), [(0, 0), (1, 10), (10, 10), (11, 20)])
def test_steps_round_up(size: int, stepped: int) -> None:
    assert drift.ceil_to_step(size, 10) == stepped


@pytest.mark.parametrize(
    ("shortage", "base", "prices", "fees", "fee"),
    [
        (USD, 10**10, HUNDRED, (10_000, 50_000), 37_050),  # (5 % - 1 % - 0.1 %) * 19/20
        (USD, 10**10, HUNDRED, (10_000, 37_049), 37_049),
        (39 * USD, 10**10, HUNDRED, (10_000, 50_000), 950),
        (40 * USD, 10**10, HUNDRED, (10_000, 50_000), 0),
        (10**15, 10**10, HUNDRED, (10_000, 50_000), 0),
        (USD, 0, HUNDRED, (10_000, 50_000), 0),
        (USD, 10**10, PerpPrices(base=0), (10_000, 50_000), 0),
        (USD, 10**10, PerpPrices(base=100 * USD, quote=0), (10_000, 50_000), 0),
        (USD, 10**10, PerpPrices(base=1, quote=1), (10_000, 50_000), 0),
        (0, 10**10, HUNDRED, (50_000, 50_000), 0),
        (0, 10**10, HUNDRED, (49_979, 50_000), 19),  # 21 * 19/20
    ],
)
def test_perp_insurance_fee(shortage: int, base: int, prices: PerpPrices, fees: tuple[int, int], fee: int) -> None:
    liquidator, maximum = fees
    allowed = drift.perp_insurance_fee(
        shortage, base=base, prices=prices, margin_ratio=500, liquidator_fee=liquidator, maximum=maximum
    )
    assert allowed == fee


@pytest.mark.parametrize(
    ("last", "now", "fee"),
    [(0, 0, 200), (0, 1_499, 200), (0, 1_500, 1_700), (10, 1_510, 1_700), (0, 4_800, 5_000), (0, 10**9, 5_000)],
)
def test_liquidators_fee_grows_after_the_grace_period(last: int, now: int, fee: int) -> None:
    ramp = FeeRamp(base=200, maximum=5_000, grace_slots=1_500, increase=1)
    assert drift.liquidation_fee_ramp(ramp, last_active_slot=last, current_slot=now) == fee


def test_an_account_active_in_the_future_is_refused() -> None:
    with pytest.raises(BadInput):
        drift.liquidation_fee_ramp(
            FeeRamp(base=1, maximum=2, grace_slots=0, increase=1), last_active_slot=2, current_slot=1
        )


@pytest.mark.parametrize(
    ("shortage", "freed", "slots", "duration", "pct"),
    [
        (100 * USD, 0, 0, 150, 1_000),
        (100 * USD, 0, 75, 150, 6_000),
        (100 * USD, 30 * USD, 75, 150, 4_800),  # 60 % of 130, less 30
        (100 * USD, 300 * USD, 0, 150, 0),
        (100 * USD, 0, 134, 150, 9_933),
        (100 * USD, 0, 135, 150, 10_000),
        (100 * USD, 0, 10**9, 150, 10_000),
        (100 * USD, 0, 0, 0, 10_000),
        (50 * USD, 0, 0, 150, 1_000),
        (50 * USD - 1, 0, 0, 150, 10_000),
        (0, 0, 0, 150, 10_000),
    ],
)
def test_throttle(shortage: int, freed: int, slots: int, duration: int, pct: int) -> None:
    assert (
        drift.max_pct_to_liquidate(
            shortage, freed=freed, slots_elapsed=slots, initial_pct=1_000, duration_slots=duration
        )
        == pct
    )


@pytest.mark.parametrize(
    ("weights", "multipliers", "liability", "fee", "amount"),
    [
        (WEIGHTS, FLAT, SOL, 0, 250_000_000),  # 10 / (100 * 0.4)
        (WEIGHTS, FLAT, TokenMarket(decimals=6, price=100 * USD), 0, 250_000),
        (WEIGHTS, FLAT, TokenMarket(decimals=5, price=100 * USD), 0, 25_000),
        (WEIGHTS, FLAT, TokenMarket(decimals=0, price=100 * USD), 0, 0),
        (WEIGHTS, FLAT, SOL, 100_000, 357_142_857),  # 0.4 - 0.1 * 1.2
        (WEIGHTS, LiquidationMultipliers(asset=1_010_000, liability=990_000), SOL, 0, 260_525_218),
        (SpotWeights(asset=10_000, liability=10_000), FLAT, SOL, 0, drift.U128_MAX),
        (SpotWeights(asset=9_900, liability=10_000), FLAT, SOL, 10_000, drift.U128_MAX),
        (SpotWeights(asset=10_000, liability=10_000), CHEAP_ASSET, SOL, 0, drift.U128_MAX),
        (WEIGHTS, LiquidationMultipliers(asset=USD, liability=0), SOL, 0, drift.U128_MAX),
        (WEIGHTS, FLAT, TokenMarket(decimals=9, price=0), 0, drift.U128_MAX),
    ],
)
def test_liability_to_cover(
    weights: SpotWeights, multipliers: LiquidationMultipliers, liability: TokenMarket, fee: int, amount: int
) -> None:
    covered = drift.liability_to_cover(
        10 * USD, weights=weights, multipliers=multipliers, liability=liability, insurance_fee=fee
    )
    assert covered == amount


@pytest.mark.parametrize(("seized", "liability"), [(10_000_000, 98_019_802), (0, 0), (1, 10), (101, 990), (102, 1_000)])
def test_liability_implied_by_asset_rounds_up(seized: int, liability: int) -> None:
    fees = LiquidationMultipliers(asset=1_010_000, liability=990_000)
    # one millionth of a dollar is 10 billionths of SOL, times 0.99 / 1.01 (9.80198...)
    assert drift.liability_implied_by_asset(seized, asset=USDC, liability=SOL, multipliers=fees) == liability


@pytest.mark.parametrize(
    ("repaid", "available", "asset", "seized"),
    [
        (10**9, 10**9, USDC, 100 * USD),
        (10**9, 101 * USD, USDC, 100 * USD),  # exactly 1 USD would remain
        (10**9, 101 * USD - 1, USDC, 101 * USD - 1),
        (10**9, 99 * USD + 1, USDC, 99 * USD + 1),
        (0, 10 * USD, USDC, 1),
        (1, 10 * USD, USDC, 1),
        (10**9, 10**9, TokenMarket(decimals=5, price=USD), 10_000_000),
        (10**9, 19_999_999, TokenMarket(decimals=5, price=USD), 19_999_999),  # under 100 USD
        (10**9, 20_000_000, TokenMarket(decimals=5, price=USD), 10_000_000),
        (10**9, 10**11 + 1_000, TokenMarket(decimals=9, price=USD), 10**11),
        (10**9, 10**11 + 999, TokenMarket(decimals=9, price=USD), 10**11 + 999),  # dust only
    ],
)
def test_asset_for_liability(repaid: int, available: int, asset: TokenMarket, seized: int) -> None:
    assert (
        drift.asset_for_liability(repaid, available=available, asset=asset, liability=SOL, multipliers=FLAT) == seized
    )


def test_exchanges_need_prices() -> None:
    free = TokenMarket(decimals=6, price=0)
    with pytest.raises(BadInput):
        drift.liability_implied_by_asset(1, asset=USDC, liability=free, multipliers=FLAT)
    with pytest.raises(BadInput):
        drift.asset_for_liability(1, available=1, asset=free, liability=USDC, multipliers=FLAT)


@pytest.mark.parametrize(
    ("shortage", "amount", "weights", "liability", "fee"),
    [
        (5 * USD, 10**9, SpotWeights(asset=10_000, liability=11_000), SOL, 36_363),  # (1.1 - 1.01 - 0.05) / 1.1
        (0, 10**9, SpotWeights(asset=10_000, liability=11_000), SOL, 50_000),
        (9 * USD, 10**9, SpotWeights(asset=10_000, liability=11_000), SOL, 0),
        (5 * USD, 0, SpotWeights(asset=10_000, liability=11_000), SOL, 0),
        (5 * USD, 10**9, SpotWeights(asset=11_000, liability=11_000), SOL, 0),
        (0, 10**9, SpotWeights(asset=10_999, liability=11_000), SOL, 0),
        (5 * USD, 10**9, SpotWeights(asset=10_000, liability=11_000), TokenMarket(decimals=9, price=0), 0),
    ],
)
def test_spot_insurance_fee(shortage: int, amount: int, weights: SpotWeights, liability: TokenMarket, fee: int) -> None:
    multipliers = LiquidationMultipliers(asset=1_010_000, liability=USD)
    assert (
        drift.spot_insurance_fee(
            shortage, amount=amount, weights=weights, multipliers=multipliers, liability=liability, maximum=50_000
        )
        == fee
    )


@pytest.mark.parametrize(
    ("weights", "multipliers"),
    [
        (WEIGHTS, LiquidationMultipliers(asset=USD, liability=0)),
        (SpotWeights(asset=10_000, liability=10_000), CHEAP_ASSET),
    ],
)
def test_no_spot_insurance_fee_without_a_multiplier_or_a_weight_left(
    weights: SpotWeights, multipliers: LiquidationMultipliers
) -> None:
    fee = drift.spot_insurance_fee(0, amount=1, weights=weights, multipliers=multipliers, liability=SOL, maximum=50_000)
    assert fee == 0


@pytest.mark.parametrize(
    ("loss", "base_long", "base_short", "delta"),
    [
        (-100 * USD, 7 * 10**9, -4 * 10**9, 9_090_910_000),
        (-100 * USD, 10 * 10**9, 0, 10_000_000_000),
        (100 * USD, 0, -10 * 10**9, 10_000_000_000),
        (0, 1, 0, 0),
        (-1, 3 * 10**9, 0, 1_000),
    ],
)
def test_a_loss_is_shared_over_open_interest(loss: int, base_long: int, base_short: int, delta: int) -> None:
    assert drift.funding_delta_for_bankruptcy(loss, base_long=base_long, base_short=base_short) == delta


def test_a_loss_without_open_interest_is_refused() -> None:
    with pytest.raises(BadInput, match="no open interest"):
        drift.funding_delta_for_bankruptcy(-1, base_long=0, base_short=0)


@pytest.mark.parametrize(
    ("loss", "deposits", "delta"), [(11 * USD, 120 * USD, 916_666_667), (0, 5, 0), (5, 0, 0), (5, 5, 10**10)]
)
def test_a_borrowers_loss_is_shared_over_deposits(loss: int, deposits: int, delta: int) -> None:
    assert (
        drift.deposit_interest_delta_for_bankruptcy(loss, deposits=deposits, cumulative_deposit_interest=10**10)
        == delta
    )
