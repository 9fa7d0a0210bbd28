"""Algebra of the margin rule: order, scale, monotony, the three levels, and what `accepts` may never let through."""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from build import conditions_of, market_of, terms_of
from model import margin as model
from model.liquidation import is_safe_at
from seawall.margin import requirement
from seawall.margin.health import Health, Level, accepts, health, withdrawable
from seawall.margin.liquidation_price import liquidation_prices
from seawall.margin.trade import settled, traded
from seawall.terms.bucket import Bucket
from seawall.terms.conditions import Conditions
from seawall.units import Lots, Price, Rate, UsdMicro
from strategies import NOTIONAL_MAX, ONE, STEP, clip, markets, marks, policies, positions, tier_tables, worlds


def numerator_of(tiers: list, amount: int) -> int:
    row = {"tiers": tiers, "price_max": 1, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}
    return requirement.maintenance_numerator(market_of(row).tiers, UsdMicro(amount))


AMOUNTS = st.integers(0, NOTIONAL_MAX)


@given(tier_tables(), AMOUNTS, AMOUNTS)
def test_maintenance_rises_with_notional_and_is_convex(tiers: list, one: int, two: int) -> None:
    low, high = min(one, two), max(one, two)
    assert 0 <= numerator_of(tiers, low) <= numerator_of(tiers, high)
    assert numerator_of(tiers, high) - numerator_of(tiers, low) <= (high - low) * (ONE // 2)
    middle = (low + high) // 2
    assert 2 * numerator_of(tiers, middle) <= numerator_of(tiers, low) + numerator_of(tiers, 2 * middle - low)


@given(tier_tables(), st.data())
def test_maintenance_is_continuous_at_tier_bounds(tiers: list, data: st.DataObject) -> None:
    lower, _, rate = data.draw(st.sampled_from(tiers))
    assume(lower > 0)
    step = numerator_of(tiers, lower) - numerator_of(tiers, lower - 1)
    assert 0 < step <= rate


@given(st.data())
def test_initial_rises_with_size(data: st.DataObject) -> None:
    row = data.draw(markets())
    mark = data.draw(marks(row))
    position = data.draw(positions("M", row, mark))
    size = abs(position["size"])
    assume(size > 0)
    world = one_position(row, mark, position)
    market, moving = conditions_of(world).markets["M"], conditions_of(world).marks["M"]
    more = requirement.initial_of(market, moving, Lots(size), position["leverage"])
    less = requirement.initial_of(market, moving, Lots(size - 1), position["leverage"])
    assert less <= more
    assert more >= -(-size * moving.mark // market.max_leverage)
    assert requirement.initial_of(market, moving, Lots(-size), position["leverage"]) == more
    assert requirement.initial_of(market, moving, Lots(size), position["leverage"] + 1) <= more


def one_position(market: dict[str, Any], mark: dict[str, Any], position: dict[str, Any]) -> dict[str, Any]:
    policy = {"exit_buffer": 0, "withdrawal_floor": 0, "profit_weight": ONE, "profit_cap": None}
    bucket = {"raw_usd": 0, "positions": [position], "collateral": []}
    return {"markets": {"M": market}, "marks": {"M": mark}, "assets": {}, "policy": policy, "bucket": bucket}


@given(worlds())
def test_three_levels_are_ordered(world: dict) -> None:
    state = health(*terms_of(world))
    assert state.initial >= state.liquidation_end + state.reserved
    assert state.liquidation_end >= state.maintenance >= 0
    assert state.reserved >= 0
    assert state.notional >= state.maintenance
    order = [Level.BANKRUPT, Level.LIQUIDATABLE, Level.BELOW_LIQUIDATION_END]
    if state.maintenance == 0 and state.equity >= 0:
        assert state.level not in order
    assert state.is_liquidatable == (state.level in order[:2] or state.equity < state.maintenance)
    assert state.equity_initial <= state.equity


@given(worlds(), st.randoms(use_true_random=False))
def test_order_of_positions_and_collateral_is_of_no_account(world: dict, random: Any) -> None:
    bucket, conditions = terms_of(world)
    shuffled_positions, shuffled_collateral = list(bucket.positions), list(bucket.collateral)
    random.shuffle(shuffled_positions)
    random.shuffle(shuffled_collateral)
    other = msgspec.structs.replace(bucket, positions=tuple(shuffled_positions), collateral=tuple(shuffled_collateral))
    assert health(other, conditions) == health(bucket, conditions)


@given(tier_tables(), st.integers(0, 10**9), st.integers(1, 50))
def test_scale_free(tiers: list, amount: int, factor: int) -> None:
    """Sizes and tier bounds times k give maintenance times k, exactly, before the one rounding."""
    lowers = [lower * factor for lower, _, _ in tiers]
    assume(lowers[-1] <= NOTIONAL_MAX)
    larger = [(lower, leverage, rate) for lower, (_, leverage, rate) in zip(lowers, tiers, strict=True)]
    assert numerator_of(larger, amount * factor) == factor * numerator_of(tiers, amount)


@given(worlds(most_positions=2), st.integers(-(10**12), 10**12))
def test_cash_moves_every_equity_one_to_one(world: dict, change: int) -> None:
    bucket, conditions = terms_of(world)
    state = health(bucket, conditions)
    after = health(msgspec.structs.replace(bucket, raw_usd=UsdMicro(bucket.raw_usd + change)), conditions)
    assert (after.equity, after.equity_initial) == (state.equity + change, state.equity_initial + change)
    assert (after.maintenance, after.initial) == (state.maintenance, state.initial)


@given(worlds())
def test_what_is_withdrawable_may_be_withdrawn_and_no_more_than_initial_allows(world: dict) -> None:
    bucket, conditions = terms_of(world)
    state = health(bucket, conditions)
    amount = withdrawable(state, conditions.policy)
    after = health(msgspec.structs.replace(bucket, raw_usd=UsdMicro(bucket.raw_usd - amount)), conditions)
    if amount > 0:
        assert after.free >= 0
        assert accepts(state, after)
        assert withdrawable(after, conditions.policy) == 0
    assert 0 <= withdrawable(state, conditions.policy, UsdMicro(0)) <= amount


@given(worlds(), st.integers(1, 10**12) | st.just(1))
def test_below_initial_no_cash_may_leave(world: dict, amount: int) -> None:
    bucket, conditions = terms_of(world)
    before = health(bucket, conditions)
    after = health(msgspec.structs.replace(bucket, raw_usd=UsdMicro(bucket.raw_usd - amount)), conditions)
    assume(after.free < 0)
    assert not accepts(before, after)


SMALL = st.integers(-12, 12)


@st.composite
def healths(draw: st.DrawFn) -> dict[str, int]:
    """Small figures, so that ratios tie and zeros meet."""
    maintenance = draw(st.sampled_from([0, 0, 1, 2, 3, 6, 12]))
    end = maintenance + draw(st.integers(0, 2))
    reserved = draw(st.integers(0, 3))
    equity = draw(SMALL)
    return {
        "equity": equity,
        "equity_initial": equity - draw(st.integers(0, 4)),
        "maintenance": maintenance,
        "liquidation_end": end,
        "reserved": reserved,
        "initial": end + draw(st.integers(0, 5)) + reserved,
    }


def health_of(figures: dict[str, int]) -> Health:
    rest = {"cash": 0, "unrealised": 0, "profit": 0, "pending_funding": 0, "notional": 0}
    return Health(**{name: UsdMicro(value) for name, value in (rest | figures).items()})


@settings(max_examples=500)
@given(healths(), healths())
def test_accepts_by_cross_multiplying_equals_the_rule_in_fractions(before: dict, after: dict) -> None:
    assert accepts(health_of(before), health_of(after)) == model.accepts(before, after)


@settings(max_examples=300)
@given(healths(), healths())
def test_accepts_never_lets_risk_be_added_below_initial(before: dict, after: dict) -> None:
    allowed = accepts(health_of(before), health_of(after))
    if not allowed or after["equity_initial"] >= after["initial"]:
        return
    assert after["maintenance"] <= before["maintenance"]
    if after["maintenance"] > 0 and before["equity"] > 0:
        ratio_before = Fraction(before["equity"], before["maintenance"])
        assert Fraction(after["equity"], after["maintenance"]) >= ratio_before
    if before["equity"] <= 0 and after["maintenance"] > 0:
        assert after["equity"] >= before["equity"] or after["maintenance"] < before["maintenance"]


@given(worlds(most_positions=3), st.data())
def test_below_initial_growing_is_refused_and_closing_at_mark_is_not(world: dict, data: st.DataObject) -> None:
    bucket, conditions = terms_of(world)
    assume(bucket.positions)
    position = data.draw(st.sampled_from(bucket.positions))
    assume(position.size != 0)
    mark = conditions.mark(position.market).mark
    ready = settled(bucket, conditions)
    before = health(ready, conditions)
    sign = 1 if position.size > 0 else -1
    grown = fill(ready, conditions, position.market, sign * data.draw(st.sampled_from([1, 2, 10**6])), mark)
    after = health(grown, conditions)
    if after.free < 0 and after.maintenance > before.maintenance:
        assert not accepts(before, after)
    part = data.draw(st.integers(1, abs(position.size)))
    reduced = health(fill(ready, conditions, position.market, -sign * part, mark), conditions)
    assert reduced.equity == before.equity
    assert reduced.maintenance <= before.maintenance
    if before.equity >= 0 and not (reduced.reserved > before.reserved and reduced.initial > before.initial):
        assert accepts(before, reduced)


def fill(bucket: Bucket, conditions: Conditions, market: str, size: int, price: int) -> Bucket:
    return traded(bucket, conditions, market, size=Lots(size), price=Price(price), fee=UsdMicro(0))


@given(worlds(most_positions=3), st.data())
def test_a_fill_at_mark_keeps_equity_and_loses_only_its_fee(world: dict, data: st.DataObject) -> None:
    bucket, conditions = terms_of(world)
    assume(bucket.positions)
    position = data.draw(st.sampled_from(bucket.positions))
    mark = conditions.mark(position.market).mark
    edge = data.draw(st.sampled_from([-position.size, -2 * position.size, -position.size // 2, 1, -1]))
    size, fee = edge + data.draw(STEP), data.draw(st.integers(0, 10**6))
    assume(size != 0)
    before = health(bucket, conditions)
    filled = traded(bucket, conditions, position.market, size=Lots(size), price=mark, fee=UsdMicro(fee))
    after = health(filled, conditions)
    assert after.equity == before.equity - fee
    assert after.pending_funding == 0
    assert after.cash + after.unrealised == before.cash + before.unrealised + before.pending_funding - fee
    left = [p for p in filled.positions if p.market == position.market]
    kept = left[0].entry_notional if left else 0
    now = position.size + size
    if now == 0:
        assert kept == 0
    elif (now > 0) == (position.size > 0) and abs(now) < abs(position.size):
        exact = Fraction(position.entry_notional * abs(now), abs(position.size))
        assert exact - 1 < kept <= exact
    elif position.size == 0 or (size > 0) == (position.size > 0):
        assert kept == position.entry_notional + size * mark
    else:
        assert kept == now * mark


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(-40, 40), st.integers(-3000, 3000), tier_tables(most=4), st.integers(0, 3))
@example(mark=100, size=10, raw=-900, tiers=[(0, 5, ONE // 10)], fee=0)
@example(mark=100, size=-10, raw=1100, tiers=[(0, 5, ONE // 10)], fee=0)
def test_liquidation_price_by_brute_force(mark: int, size: int, raw: int, tiers: list, fee: int) -> None:
    """Every whole price is tried: those that liquidate are exactly the ones beyond the returned price."""
    assume(size != 0)
    market = {"tiers": tiers, "price_max": 2**40, "initial_live": 0, "oi_lower": 0, "oi_upper": 0}
    moving = {"mark": mark, "oracle": mark, "funding_index": 0, "open_interest": 0}
    row = {"market": "M", "size": size, "entry_notional": 0, "leverage": 1, "funding_index": 0, "bids": 0, "asks": 0}
    world = one_position(market, moving, row)
    world["bucket"]["raw_usd"] = raw
    rate = fee * ONE // 100
    found = liquidation_prices(*terms_of(world), "M", Rate(rate))
    top = 3 * (abs(raw) // abs(size) + 2)  # maintenance and fee stay under 53 %: every zero lies below
    healthy = [p for p in range(1, top) if is_safe_at(world, "M", p, rate)]
    if size > 0:
        assert found.above is None
        first = healthy[0] if healthy else top
        assert (found.below.price if found.below else 1) == first
        assert healthy == list(range(first, top))
    else:
        assert found.below is None
        assert (found.above.price if found.above else 0) == (healthy[-1] if healthy else 0)
        assert healthy == list(range(1, len(healthy) + 1))


@given(worlds(most_positions=3), policies())
def test_policy_never_touches_maintenance(world: dict, policy: dict) -> None:
    state = health(*terms_of(world))
    other = health(*terms_of({**world, "policy": policy}))
    assert (other.equity, other.maintenance) == (state.equity, state.maintenance)
    full = health(*terms_of({**world, "policy": {**policy, "profit_weight": ONE, "profit_cap": None}}))
    assert other.equity_initial <= full.equity_initial


@given(worlds(most_positions=2), st.data())
def test_a_higher_mark_never_hurts_a_long_or_helps_a_short(world: dict, data: st.DataObject) -> None:
    assume(world["bucket"]["positions"])
    for asset in world["assets"].values():
        asset["underlying"] = None
    row = data.draw(st.sampled_from(world["bucket"]["positions"]))
    name = row["market"]
    now = world["marks"][name]["mark"]
    higher = clip(now + data.draw(st.sampled_from([1, now])), 1, world["markets"][name]["price_max"])
    buffers = []
    for price in (now, higher):
        figures = health(
            *terms_of({**world, "marks": {**world["marks"], name: {**world["marks"][name], "mark": price}}})
        )
        buffers.append(figures.equity - figures.maintenance)
    low, high = buffers if row["size"] >= 0 else buffers[::-1]
    assert low <= high
