"""Drift v2's rules as algebra: what is taken covers what is missing, and never more than one unit beyond."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from seawall.presets import drift
from seawall.presets.drift import FeeRamp, LiquidationMultipliers, PerpPrices, SpotWeights, TokenMarket

ONE = 1_000_000
prices = st.integers(1_000, 10**12)
shortages = st.integers(0, 10**14)
decimals = st.integers(0, 12)
fees = st.integers(0, 50_000)
amounts = st.integers(0, 10**20)


@given(shortage=shortages, price=prices, ratio=st.integers(300, 10_000), fee=fees, insurance=fees)
def test_base_to_cover_covers_the_shortage(shortage: int, price: int, ratio: int, fee: int, insurance: int) -> None:
    base = drift.base_to_cover(
        shortage, prices=PerpPrices(base=price), margin_ratio=ratio, liquidation_fee=fee, insurance_fee=insurance
    )
    freed_per_unit = Fraction(price * (ratio * 100 - fee - insurance), ONE)
    if base == drift.U64_MAX:
        assert freed_per_unit < 2
        return
    # the freed margin is truncated to whole micro-USD a unit: off by less than one of them
    assert Fraction(base + 1, 10**9) * (freed_per_unit + 1) > shortage
    assert Fraction(base, 10**9) * (freed_per_unit - 1) <= shortage


@given(
    price=prices,
    ratio=st.integers(400, 10_000),
    fee=st.integers(0, 10_000),
    share=st.integers(1, 100),
    size=st.integers(10**9, 10**15),
)
def test_closing_the_cover_size_restores_the_requirement(
    price: int, ratio: int, fee: int, share: int, size: int
) -> None:
    """A position short of some of its requirement has it again after closing the cover size and paying the fee."""
    before = drift.perp_margin_requirement(size, price=price, margin_ratio=ratio)
    shortage = before * share // 200
    base = drift.base_to_cover(
        shortage, prices=PerpPrices(base=price), margin_ratio=ratio, liquidation_fee=fee, insurance_fee=0
    )
    closed = drift.ceil_to_step(base + 1, 1)
    if closed > size:
        return
    after = drift.perp_margin_requirement(size - closed, price=price, margin_ratio=ratio)
    paid = Fraction(closed * price * fee, 10**9 * ONE)
    lost_to_truncation = 3 + Fraction(closed, 10**9)
    assert before - after - paid >= shortage - lost_to_truncation


@given(
    shortage=shortages,
    base=st.integers(1, 10**18),
    price=prices,
    ratio=st.integers(1, 10_000),
    fee=st.integers(0, 10**6),
    maximum=fees,
)
def test_insurance_fee_leaves_the_shortage_covered(
    *, shortage: int, base: int, price: int, ratio: int, fee: int, maximum: int
) -> None:
    market = PerpPrices(base=price)
    insurance = drift.perp_insurance_fee(
        shortage, base=base, prices=market, margin_ratio=ratio, liquidator_fee=fee, maximum=maximum
    )
    assert 0 <= insurance <= maximum
    if insurance:
        needed = Fraction(shortage * 10**9 * ONE, base * price)
        truncated = Fraction(ONE, price) + 1  # at most, by the two divisions that give the shortage a lot
        assert ratio * 100 - fee - needed + truncated >= insurance  # the position still frees what is missing


@given(
    imf=st.integers(0, 10**6), weight=st.integers(0, 10_000), size=st.integers(0, 10**20), more=st.integers(0, 10**20)
)
def test_weights_move_against_size(imf: int, weight: int, size: int, more: int) -> None:
    small = drift.size_discount_asset_weight(weight, imf_factor=imf, size=size)
    large = drift.size_discount_asset_weight(weight, imf_factor=imf, size=size + more)
    assert 0 <= large <= small <= weight
    small = drift.size_premium_liability_weight(weight, imf_factor=imf, size=size)
    large = drift.size_premium_liability_weight(weight, imf_factor=imf, size=size + more)
    assert weight <= small <= large


@given(deposits=st.integers(0, 10**18), more=st.integers(0, 10**18), start=st.integers(1, 10**15), price=prices)
def test_scaled_weight_bounds_the_collateral_value(deposits: int, more: int, start: int, price: int) -> None:
    token = TokenMarket(decimals=6, price=price)
    weight = drift.scaled_initial_asset_weight(9_000, scale_start=start, deposits=deposits, token=token)
    next_weight = drift.scaled_initial_asset_weight(9_000, scale_start=start, deposits=deposits + more, token=token)
    assert 0 <= next_weight <= weight <= 9_000
    if drift.token_value(deposits, token) >= start:
        assert weight * drift.token_value(deposits, token) <= 9_000 * start


@given(
    shortage=shortages,
    asset=st.integers(0, 9_999),
    liability=st.integers(1, 20_000),
    fee=st.integers(0, 90_000),
    insurance=fees,
    token=st.builds(TokenMarket, decimals=decimals, price=prices),
)
def test_liability_to_cover_repays_the_shortage(
    *, shortage: int, asset: int, liability: int, fee: int, insurance: int, token: TokenMarket
) -> None:
    multipliers = LiquidationMultipliers(asset=ONE + fee, liability=ONE - fee)
    amount = drift.liability_to_cover(
        shortage,
        weights=SpotWeights(asset=asset, liability=liability),
        multipliers=multipliers,
        liability=token,
        insurance_fee=insurance,
    )
    net_weight = liability - Fraction(asset * multipliers.asset, multipliers.liability)
    exact = 10 * token.price * (net_weight - Fraction(insurance * liability, ONE))
    if amount == drift.U128_MAX:
        assert exact <= 0 or asset >= liability
        return
    truncated = token.price + 10 * liability  # the two divisions in the divisor lose less than this
    scaled = shortage * 10**11 * 10**token.decimals
    assert amount * exact * ONE <= scaled < (amount + 1) * (exact + truncated) * ONE


@given(
    seized=st.integers(0, 10**15),
    asset=st.builds(TokenMarket, decimals=decimals, price=prices),
    liability=st.builds(TokenMarket, decimals=decimals, price=prices),
    fee=st.integers(0, 90_000),
)
def test_a_seized_asset_repays_at_least_its_discounted_value(
    seized: int, asset: TokenMarket, liability: TokenMarket, fee: int
) -> None:
    multipliers = LiquidationMultipliers(asset=ONE + fee, liability=ONE - fee)
    repaid = drift.liability_implied_by_asset(seized, asset=asset, liability=liability, multipliers=multipliers)
    owed = Fraction(seized * asset.price * (ONE - fee), (ONE + fee) * 10**asset.decimals)
    unit = Fraction(liability.price, 10**liability.decimals)
    assert repaid * unit >= owed
    assert (repaid - 1) * unit < owed
    back = drift.asset_for_liability(
        repaid, available=seized, asset=asset, liability=liability, multipliers=multipliers
    )
    assert back >= seized  # rounding of the two directions never leaves the liquidator short


@given(loss=st.integers(-(10**15), 0), longs=st.integers(0, 10**15), shorts=st.integers(-(10**15), 0))
def test_a_shared_loss_is_covered_by_the_smallest_step(loss: int, longs: int, shorts: int) -> None:
    total = longs - shorts
    if total == 0:
        return
    delta = drift.funding_delta_for_bankruptcy(loss, base_long=longs, base_short=shorts)
    assert delta % 1_000 == 0
    assert delta // 1_000 * total >= -loss * 10**9 > (delta // 1_000 - 1) * total


@given(loss=st.integers(0, 10**15), deposits=st.integers(1, 10**15), interest=st.integers(1, 10**12))
def test_depositors_lose_enough_and_not_a_step_more(loss: int, deposits: int, interest: int) -> None:
    delta = drift.deposit_interest_delta_for_bankruptcy(loss, deposits=deposits, cumulative_deposit_interest=interest)
    assert delta * deposits >= interest * loss > (delta - 1) * deposits


@given(
    shortage=st.integers(0, 10**12),
    freed=st.integers(0, 10**12),
    slots=st.integers(0, 400),
    initial=st.integers(0, 10_000),
)
def test_throttle_never_frees_more_than_its_share(shortage: int, freed: int, slots: int, initial: int) -> None:
    pct = drift.max_pct_to_liquidate(
        shortage, freed=freed, slots_elapsed=slots, initial_pct=initial, duration_slots=150
    )
    later = drift.max_pct_to_liquidate(
        shortage, freed=freed, slots_elapsed=slots + 1, initial_pct=initial, duration_slots=150
    )
    assert 0 <= pct <= later <= 10_000
    if shortage >= 50 * ONE and pct:
        share = min(Fraction(1), Fraction(slots, 150) + Fraction(initial, 10_000))
        assert freed + Fraction(shortage * pct, 10_000) <= (shortage + freed) * share


@given(slots=st.integers(0, 10**9), base=fees, maximum=fees, grace=st.integers(0, 2_000), step=st.integers(0, 100))
def test_fee_ramp_only_rises_to_its_maximum(slots: int, base: int, maximum: int, grace: int, step: int) -> None:
    ramp = FeeRamp(base=min(base, maximum), maximum=maximum, grace_slots=grace, increase=step)
    fee = drift.liquidation_fee_ramp(ramp, last_active_slot=5, current_slot=5 + slots)
    assert ramp.base <= fee <= drift.liquidation_fee_ramp(ramp, last_active_slot=5, current_slot=6 + slots) <= maximum
