"""Differential: the engine's funding is pricing/funding.py to the unit, pays each interval once, and loses nothing."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bare_venue import START, USD, Bare
from seawall.book.grid import ASKS, BIDS, grid_below
from seawall.book.orders import drop_order, first_order, new_order, rest
from seawall.engine import funding
from seawall.ledger import buckets, health, state
from seawall.margin import ladder, trigger_state
from seawall.pricing import funding as rule
from seawall.pricing.funding import FundingRules, Premiums, SkewTerm
from seawall.terms import code, command, event, limits, parameter
from seawall.units import FUNDING_ONE, FundingRate, Price, TimeMs, UsdMicro

HOUR = 3_600_000
MARKET = 1
PRICE = 100 * USD


class Paying(Bare):
    """A bare venue whose market 1 pays funding; the pure rules run beside it."""

    def __init__(self, price: int = PRICE, interval_hours: int = 1) -> None:
        super().__init__()
        for number in (0, MARKET):
            self.market(number, price)
        self.set(parameter.FUNDING_INTERVAL_MS, interval_hours * HOUR)
        self.makers = {BIDS: self.account(10**14), ASKS: self.account(10**14)}
        for maker in self.makers.values():
            buckets.open_slot(self.s, maker, MARKET, 20)
        self.now = START
        self.premiums = Premiums()
        self.paid_until = 0
        self.index = 0

    def set(self, which: int, value: int) -> None:
        self.columns["param"][MARKET, which] = value

    def at(self, now: int) -> None:
        """Moves the clock; the index is as fresh as the clock."""
        self.now = now
        self.cell[state.NOW] = now
        self.columns["market_oracle_time"][:] = now

    def quote(self, side: int, price: int, size: int = 10**6, flags: int = 0) -> None:
        """One more order of a side's maker."""
        flags |= command.SELL if side == ASKS else 0
        order = new_order(self.s, self.makers[side], MARKET, flags, price, size, 0, 0, 0, 0)
        rest(self.s, order)

    def clear(self) -> None:
        for side in (BIDS, ASKS):
            while (order := first_order(self.s, 4 * MARKET + side)) != 0:
                drop_order(self.s, order)

    def fund(self) -> tuple[int, list[dict[str, int]]]:
        return self.run(funding.funding, kind=command.FUNDING, market=MARKET)

    def value(self, name: str) -> int:
        return int(self.columns[f"market_{name}"][MARKET])

    def rules(self) -> FundingRules:
        live = self.columns["param"][MARKET].tolist()
        return FundingRules(
            interest=FundingRate(live[parameter.FUNDING_INTEREST]),
            clamp=FundingRate(live[parameter.FUNDING_CLAMP]),
            cap=FundingRate(live[parameter.FUNDING_CAP]),
            interval_hours=live[parameter.FUNDING_INTERVAL_MS] // HOUR,
        )


def average(orders: list[tuple[int, int]], wanted: int) -> Fraction | None:
    """Average price of trading `wanted` into orders (price, lots), best first, by the least lots that reach it."""
    lots = cost = 0
    for price, size in orders:
        for _ in range(size):
            lots, cost = lots + 1, cost + price
            if cost >= wanted:
                return Fraction(cost, lots)
    return None


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(9_000, 9_999), st.integers(1, 9)), min_size=0, max_size=6),
    st.integers(1, 300_000),
    st.booleans(),
)
def test_impact_price_is_the_average_of_the_least_lots_that_reach_the_notional(
    orders: list[tuple[int, int]], wanted: int, are_asks: bool
) -> None:
    world = Paying(price=10_000)
    side = ASKS if are_asks else BIDS
    world.set(parameter.IMPACT_NOTIONAL, wanted)
    for price, size in orders:
        world.quote(side, price, size)
    expected = average(sorted(orders, reverse=not are_asks), wanted)
    found = funding.impact_price(world.s, MARKET, side)
    if expected is None:
        assert found == 0
    else:
        assert found == (-(-expected.numerator // expected.denominator) if are_asks else int(expected))


def test_reduce_only_depth_does_not_count() -> None:
    """It costs no margin, so anybody can show any amount of it."""
    world = Paying()
    world.quote(BIDS, 120 * USD, flags=command.REDUCE_ONLY)
    assert funding.impact_price(world.s, MARKET, BIDS) == 0
    world.quote(BIDS, 101 * USD)
    assert funding.impact_price(world.s, MARKET, BIDS) == 101 * USD


@settings(max_examples=50)
@given(
    st.integers(1, 2**40),
    st.integers(1, 2**40),
    st.integers(0, 2**20),
    st.booleans(),
    st.booleans(),
)
def test_premium_equals_the_pure_sample(index: int, bid: int, spread: int, has_bid: bool, has_ask: bool) -> None:
    world = Paying(price=min(bid, 2**40))
    world.columns["market_oracle"][MARKET] = index
    world.set(parameter.IMPACT_NOTIONAL, 1)
    bid = int(grid_below(world.s, MARKET, bid))
    ask = int(grid_below(world.s, MARKET, min(bid + spread, 2**40)))
    if has_bid:
        world.quote(BIDS, bid, 1)
    if has_ask and ask > bid:
        world.quote(ASKS, ask, 1)
    exact = rule.premium_sample(
        Price(index), Price(bid) if has_bid else None, Price(ask) if has_ask and ask > bid else None
    )
    most = funding.PREMIUM_TIMES_MAX * FUNDING_ONE
    assert funding.premium_now(world.s, MARKET) == max(-most, min(most, exact))


PREMIUMS = st.integers(-(10**14), 10**14) | st.integers(-(10**10), 10**10) | st.integers(-20, 20)


@settings(max_examples=60)
@given(
    PREMIUMS,
    st.integers(-(10**12), 10**12) | st.just(10**8),
    st.integers(0, 10**12) | st.just(5 * 10**8),
    st.integers(0, 4 * 10**10) | st.just(4 * 10**10),
    st.integers(0, 10**11),
    st.integers(1, 2**53),
    st.integers(-(2**20), 2**20),
)
def test_rate_equals_the_pure_rule_with_the_pools_skew(
    premium: int, interest: int, inner: int, cap: int, skew: int, pool_cap: int, held: int
) -> None:
    """SKEW_FUNDING is for 8 hours: an eighth of it is the pure rule's hourly term at full skew."""
    world = Paying()
    for which, value in (
        (parameter.FUNDING_INTEREST, interest),
        (parameter.FUNDING_CLAMP, inner),
        (parameter.FUNDING_CAP, cap),
        (parameter.SKEW_FUNDING, 8 * skew),
        (parameter.AMM_CAP, pool_cap),
    ):
        world.set(which, value)
    if held:
        world.trade(world.pool(MARKET), world.makers[BIDS], MARKET, PRICE, held)
    rules = FundingRules(
        interest=FundingRate(interest),
        clamp=FundingRate(inner),
        cap=FundingRate(cap),
        skew=SkewTerm(scale=UsdMicro(pool_cap), rate_max=FundingRate(skew)),
    )
    for mean in (premium, interest - inner, interest + inner, interest + inner + 1, 8 * cap + inner):
        assert funding.rate_hour(world.s, MARKET, mean) == rule.rate_hour(FundingRate(mean), rules, UsdMicro(-held))


@pytest.mark.parametrize("seed", range(8))
def test_steps_equal_the_pure_rules_on_random_days(seed: int) -> None:
    dice = random.Random(seed)
    hours = dice.choice([1, 4, 8])
    world = Paying(interval_hours=hours)
    world.set(parameter.IMPACT_NOTIONAL, PRICE)
    premiums, index, last_sample, last_end = Premiums(), 0, 0, 0
    for _ in range(250):
        world.at(
            world.now + dice.choice([1_000, 4_999, 5_000, 5_001, 60_000, HOUR // 6, HOUR, HOUR - world.now % HOUR])
        )
        world.clear()
        oracle = PRICE + dice.randint(-USD, USD)
        world.columns["market_oracle"][MARKET] = oracle
        bid = oracle + dice.choice([-USD, -1, 0, 1, 70_000, 2 * USD, 40 * USD])
        bid = int(grid_below(world.s, MARKET, bid))
        ask = int(grid_below(world.s, MARKET, bid + dice.choice([10_000, 20_000, USD])))
        sides = (Price(bid) if dice.random() < 0.8 else None, Price(ask) if dice.random() < 0.8 else None)
        for side, price in zip((BIDS, ASKS), sides, strict=True):
            if price is not None:
                world.quote(side, price)
        sample = rule.premium_sample(Price(oracle), *sides)
        is_due = world.now - last_sample >= 5_000
        ends = rule.payments_due(TimeMs(last_end), TimeMs(world.now), hours) if last_end else ()
        given_code, events = world.fund()
        assert given_code == (code.OK if is_due or ends else code.NOT_DUE)
        steps = [made for made in events if made["kind"] == event.FUNDING_STEP]
        if last_end == 0:
            last_end = world.now // (hours * HOUR) * hours * HOUR
        if is_due and (not ends or world.now == ends[0]):
            premiums, last_sample, is_due = rule.add_sample(premiums, sample), world.now, False
        if ends:
            last_end = ends[-1]
            if premiums.count:
                hourly = rule.rate_hour(rule.mean_premium(premiums), world.rules())
                step = rule.index_step(Price(oracle), hourly, hours)
                index += step
                assert [(made["price"], made["amount"]) for made in steps] == [(hourly, step)]
            premiums = Premiums()
        else:
            assert steps == []
        if is_due:
            premiums, last_sample = rule.add_sample(premiums, sample), world.now
        assert world.value("index") == index
        assert (world.value("premium_sum"), world.value("premium_count")) == (premiums.total, premiums.count)
        assert world.value("funding_time") == last_end


def test_an_end_is_paid_once_and_missed_ones_without_samples_pay_nothing() -> None:
    world = Paying()
    world.quote(BIDS, 110 * USD)
    start = START // HOUR * HOUR
    world.at(start + 60_000)
    assert world.fund() == (code.OK, [])
    world.at(start + 3 * HOUR + 1)
    given_code, events = world.fund()
    steps = [made for made in events if made["kind"] == event.FUNDING_STEP]
    assert given_code == code.OK
    assert len(steps) == 1
    assert world.value("funding_time") == start + 3 * HOUR
    assert world.fund()[0] == code.NOT_DUE
    world.at(start + 4 * HOUR)
    assert len(world.fund()[1]) == 1
    assert world.fund()[0] == code.NOT_DUE


def test_a_longer_interval_pays_for_the_hours_since_the_last_payment_only() -> None:
    world = Paying(interval_hours=1)
    world.quote(BIDS, 200 * USD)
    noon = START // (8 * HOUR) * 8 * HOUR
    for minutes in (1, 61, 121, 181):
        world.at(noon + minutes * 60_000)
        assert world.fund()[0] == code.OK
    assert world.value("funding_time") == noon + 3 * HOUR
    world.set(parameter.FUNDING_INTERVAL_MS, 8 * HOUR)
    before = world.value("index")
    world.at(noon + 8 * HOUR - 1)
    assert world.fund()[1] == []
    world.at(noon + 8 * HOUR)
    world.fund()
    assert world.value("index") - before == PRICE * 4 * 10**10 * 5 // 10**6


@pytest.mark.parametrize(
    ("status", "venue", "expected"),
    [
        (command.ACTIVE, command.ACTIVE, code.OK),
        (command.REDUCING, command.ACTIVE, code.OK),
        (command.POSTING, command.ACTIVE, code.OK),
        (command.CANCELLING, command.ACTIVE, code.OK),
        (command.HALTED, command.ACTIVE, code.MARKET_CLOSED),
        (command.CLOSED, command.ACTIVE, code.MARKET_CLOSED),
        (command.DELISTING, command.ACTIVE, code.MARKET_CLOSED),
        (command.UNLISTED, command.ACTIVE, code.UNKNOWN_MARKET),
        (command.ACTIVE, command.HALTED, code.MARKET_CLOSED),
    ],
)
def test_only_a_running_market_pays(status: int, venue: int, expected: int) -> None:
    world = Paying()
    world.columns["market_status"][MARKET] = status
    world.cell[state.VENUE_STATUS] = venue
    assert world.fund()[0] == expected


def test_a_stale_market_takes_no_sample_and_pays_nothing() -> None:
    world = Paying()
    world.at(START)
    world.fund()
    world.at(START + 2 * HOUR)
    world.columns["market_oracle_time"][MARKET] = world.now - 10_001
    assert world.fund()[0] == code.STALE_PRICE
    world.columns["market_oracle_time"][MARKET] = world.now - 10_000
    world.columns["market_fresh"][MARKET] = 0
    assert world.fund()[0] == code.STALE_PRICE
    world.columns["market_fresh"][MARKET] = 1
    assert world.fund()[0] == code.OK


def conserved(world: Bare) -> int:
    """The exact identity of funding and cash, 1e6 times micro-USD: 0 unless something was made or lost."""
    c = world.columns
    held = 10**6 * world.money()
    for slot in range(1, len(c["slot_size"])):
        if c["slot_owner"][slot] >= 0:
            market, size = int(c["slot_market"][slot]), int(c["slot_size"][slot])
            index = int(c["market_index"][market])
            held += -size * (index - int(c["slot_index"][slot]))
    return held + sum(int(residue) for residue in c["market_funding_residue"])


@pytest.mark.parametrize("seed", range(6))
def test_funding_is_zero_sum_to_the_last_unit_with_trades_and_late_settlement(seed: int) -> None:
    """cash + funds + unsettled funding + residue = vault, exactly, after every step; equity never jumps by settling."""
    dice = random.Random(seed)
    world = Paying()
    world.set(parameter.IMPACT_NOTIONAL, PRICE)
    people = [world.account(10**13) for _ in range(12)]
    entries = 0
    for _ in range(300):
        what = dice.random()
        if what < 0.6:
            buyer, seller = dice.sample(people, 2)
            price = PRICE + dice.randint(-USD, USD)
            size = dice.choice([1, 2, 3, 7, 999_983, 10**6, 10**6 + 1])
            world.trade(buyer, seller, MARKET, price, size)
        elif what < 0.7:
            buckets.settle(world.s, dice.choice(people))
        else:
            world.clear()
            world.at(world.now + dice.choice([5_000, HOUR // 2, HOUR]))
            world.quote(BIDS, int(grid_below(world.s, MARKET, PRICE + dice.randint(-USD, 30 * USD))))
            world.quote(ASKS, int(grid_below(world.s, MARKET, PRICE + dice.randint(31 * USD, 40 * USD))))
            world.columns["market_oracle"][MARKET] = PRICE + dice.randint(-40 * USD, 40 * USD)
            before = [health.measure(world.s, bucket)[health.EQUITY] for bucket in people]
            moved = world.value("index")
            assert world.fund()[0] == code.OK
            if world.value("index") == moved:
                assert before == [health.measure(world.s, bucket)[health.EQUITY] for bucket in people]
            entries += moved != world.value("index")
        entry_sum = int(world.columns["market_entry_sum"][MARKET])
        assert conserved(world) == 0, f"after {entries} steps, entries {entry_sum}"
    assert entries > 20


def test_the_sweep_settles_everybody_in_turn_and_changes_no_equity() -> None:
    world = Paying()
    people = [world.account(10**12) for _ in range(2 * limits.SETTLED_PER_FUNDING)]
    for one, other in zip(people[::2], people[1::2], strict=True):
        world.trade(one, other, MARKET, PRICE, 3)
    world.columns["market_index"][MARKET] = 1_234_567
    equities = [health.measure(world.s, bucket)[health.EQUITY] for bucket in people]
    rounds = 0
    while world.value("swept_low") == 0 and rounds < 9:
        funding.sweep(world.s)
        rounds += 1
        if rounds == 3:
            assert {int(i) for i in world.columns["slot_index"][3 : 3 + len(people)]} == {1_234_567}
    assert equities == [health.measure(world.s, bucket)[health.EQUITY] for bucket in people]
    assert conserved(world) == 0


def test_the_index_stays_where_every_position_can_be_settled() -> None:
    """A market at its cap for years: the step shrinks to nothing rather than pass what a settlement can hold."""
    world = Paying()
    world.columns["market_price_max"][MARKET] = PRICE
    size = limits.NOTIONAL_MAX // PRICE
    first, second = world.account(2**58), world.account(2**58)
    world.trade(first, second, MARKET, PRICE, size)
    long, short = (buckets.find_slot(world.s, bucket, MARKET) for bucket in (first, second))
    reach = funding.UNSETTLED_MAX * PRICE * 10**6
    for _ in range(3):
        index = funding.within_bounds(world.s, MARKET, world.value("index") + 2 * reach)
        assert index == reach
        world.columns["market_index"][MARKET] = index
    unsettled = size * index // 10**6
    assert buckets.funding_of(world.s, long) == -unsettled
    assert buckets.funding_of(world.s, short) == unsettled
    assert funding.within_bounds(world.s, MARKET, -reach) == -reach
    world.columns["market_swept_high"][MARKET] = reach
    assert funding.within_bounds(world.s, MARKET, -reach) == 0


@pytest.mark.parametrize("first", [True, False])
def test_no_position_is_ever_out_of_reach_of_its_settlement(first: bool) -> None:
    """A table so long that a round of the sweep takes weeks, at the greatest price and rate: the step waits for it."""
    world = Paying(interval_hours=8)
    world.columns["market_price_max"][MARKET] = PRICE
    world.columns["slot_owner"][5:] = -1
    world.columns["count"][trigger_state.SLOTS_USED] = 1_500
    size = limits.NOTIONAL_MAX // PRICE
    people = [world.account(2**58) for _ in range(6)]
    for one, other in zip(people[::2], people[1::2], strict=True):
        world.trade(one, other, MARKET, PRICE, size)
    world.columns["count"][trigger_state.SLOTS_USED] = 2_000
    turns = was_held = furthest = 0
    for turn in range(210):
        if turn % 70 == 0:
            world.clear()
            is_up = (turn % 140 == 0) == first
            world.quote(BIDS if is_up else ASKS, 200 * USD if is_up else USD)
        world.at(START // (8 * HOUR) * 8 * HOUR + turn * 8 * HOUR + 1)
        before = world.value("index")
        _, events = world.fund()
        steps = [made for made in events if made["kind"] == event.FUNDING_STEP]
        turns += len(steps)
        was_held += any(abs(made["amount"]) < abs(made["price"]) * 8 * PRICE // 10**6 for made in steps)
        furthest = max(furthest, abs(world.value("index")))
        assert world.value("index") == before + sum(made["amount"] for made in steps)
        for slot in range(1_500, 1_506):
            assert world.value("swept_low") <= int(world.columns["slot_index"][slot]) <= world.value("swept_high")
            delta = world.value("index") - int(world.columns["slot_index"][slot])
            owed = int(world.columns["slot_size"][slot]) * delta
            assert abs(owed) < 10**6 * 2**55
            assert buckets.funding_of(world.s, slot) == -owed // 10**6
    assert turns > 100
    assert was_held > 10
    assert furthest > funding.UNSETTLED_MAX * PRICE * 10**6


def test_the_index_ends_at_its_bound() -> None:
    world = Paying()
    for sign in (1, -1):
        bound = sign * funding.INDEX_MAX
        for name in ("index", "swept_low", "swept_high"):
            world.columns[f"market_{name}"][MARKET] = bound - sign * 5
        assert funding.within_bounds(world.s, MARKET, bound - sign * 2) == bound - sign * 2
        assert funding.within_bounds(world.s, MARKET, bound + sign * 2) == bound


def test_a_step_moves_the_payers_triggers_and_queues_who_fires() -> None:
    world = Paying()
    owner = world.account(10**9)
    world.trade(owner, world.makers[ASKS], MARKET, PRICE, 100)
    long = buckets.find_slot(world.s, owner, MARKET)
    ladder.link(world.s, 2 * MARKET, long, PRICE - 1)
    world.columns["bucket_fired"][:] = 0
    world.columns["count"][trigger_state.FIRED] = 0
    world.quote(BIDS, 200 * USD)
    for minutes in (1, 60):
        world.at(START // HOUR * HOUR + minutes * 60_000)
        world.fund()
    assert world.columns["bucket_fired"][owner]
