"""Rails, statuses and delisting through `Venue.apply`, with triggers, liquidation and invariants around them."""

import random

import pytest

from seawall.engine import invariants
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE
from venue_world import BUY, SELL, USD, World

PRICE = 100 * USD
MINUTE, HOUR = 60_000, parameter.HOUR_MS
SCALE = parameter.MAINTENANCE_SCALE
ADMIN = command.ADMIN


class Live(World):
    """A world that looks at every invariant after every command, and whose minutes are no outages."""

    def __init__(self, markets: int = 2) -> None:
        super().__init__(0)
        self.must(kind=command.SET_PARAMETER, signer=ADMIN, market=-1, other=parameter.OUTAGE_MS, price=2 * MINUTE)
        for number in range(markets):
            self.list_market(number, PRICE)

    def check(self) -> None:
        found = invariants.broken(self.venue.columns)
        assert not found, found

    def minute(self, *, alive: bool = True) -> list[dict[str, int]]:
        """A minute passes: clock, prices, a word of the risk engine, liquidation work. Events of the work."""
        self.tick(MINUTE)
        for market in range(2):
            if self.status(market) not in (command.UNLISTED, command.DELISTING):
                self.price(market, PRICE)
        if alive:
            self.propose(parameter.LEVERAGE_CAP, self.live(parameter.LEVERAGE_CAP))
        done = self.liquidate()
        self.check()
        return done.of_kind(event.LIQUIDATION)

    def propose(self, number: int, value: int, market: int = 0) -> None:
        serial = int(self.venue.columns["cell"][state.RISK_SERIAL]) + 1
        self.must(
            kind=command.PROPOSE,
            signer=command.RISK,
            market=market,
            other=number,
            price=value,
            reference=serial,
            expires=self.now + 1_000,
            amount=0b11,
        )

    def live(self, number: int, market: int = 0) -> int:
        return int(self.venue.columns["param"][market, number])

    def status(self, market: int = 0) -> int:
        return int(self.venue.columns["market_status"][market])


def test_maintenance_reaches_a_position_after_its_notice_and_at_the_ramps_speed() -> None:
    """Equity is 1.04 x maintenance: nothing for an hour, then 48 minutes of 1/1200 each until the scale passes it."""
    world = Live()
    maker, taker = world.account(100_000), world.account(1_000)
    world.trade(taker, maker, 0, PRICE, 100)
    leave = 1_000 * USD - 100 * PRICE // 40 * 104 // 100
    world.venue.columns["bucket_raw"][taker] -= leave  # what no command would let go: initial margin is twice that
    world.venue.columns["cell"][state.VAULT] -= leave
    world.propose(SCALE, 18_000_000)
    started = None
    for minute in range(1, 130):
        if world.minute():
            started = minute
            break
    assert started is not None
    ratio = world.live(SCALE) * 100
    assert ratio > 104 * RATE_ONE >= ratio - 100 * (RATE_ONE // 1_200)
    assert started == 60 + 48


def test_a_position_beyond_the_ceiling_of_the_ramp_is_never_touched() -> None:
    world = Live()
    maker, taker = world.account(100_000), world.account(375)  # 1.5 x maintenance
    world.trade(maker, taker, 0, PRICE, 50)
    world.propose(SCALE, 18_000_000)
    for _ in range(60 * 12):
        assert world.minute() == []
    assert world.live(SCALE) == 18_000_000


def test_an_outage_reopens_by_stages_when_prices_are_fresh() -> None:
    world = Live()
    world.account(1_000)
    world.tick(3 * MINUTE)
    assert [world.status(0), world.status(1)] == [command.CANCELLING] * 2
    seen = [(0, command.CANCELLING)]
    for second in range(1, 200):
        if second >= 75:
            world.price(0, PRICE)
        world.tick(1_000)
        if world.status(0) != seen[-1][1]:
            seen.append((second, world.status(0)))
            world.check()
    assert seen == [(0, command.CANCELLING), (75, command.POSTING), (135, command.ACTIVE)]
    assert world.status(1) == command.CANCELLING, "its price has not come back"


def test_the_breaker_stops_new_risk() -> None:
    world = Live()
    a, b = world.account(10_000), world.account(10_000)
    world.trade(a, b, 0, PRICE, 5)
    world.propose(parameter.BREAKER, parameter.HARD)
    order = {"kind": command.PLACE, "market": 0, "price": PRICE, "size": 1}
    world.refused(code.MARKET_REDUCE_ONLY, **order, signer=a, account=a, flags=BUY)
    world.place(b, 0, BUY, PRICE, 5, flags=command.REDUCE_ONLY)
    world.place(a, 0, SELL, PRICE, 5, flags=command.REDUCE_ONLY)
    assert world.position(a, 0) == 0
    for _ in range(5):
        world.minute()
    world.propose(parameter.BREAKER, parameter.RECOVERY)
    world.refused(code.POST_ONLY, **order, signer=a, account=a, flags=BUY)
    world.place(a, 0, BUY, PRICE, 1, flags=command.POST_ONLY)


def test_a_captured_admin_lifts_no_limit_on_the_same_day() -> None:
    """Drift, 2026-04-01: list a token, give it a price, lift the limits, borrow against it, within minutes."""
    world = Live(1)
    row = {"kind": command.SET_PARAMETER, "signer": ADMIN}
    for which in (parameter.WITHDRAWAL_HOUR_BASE, parameter.WITHDRAWAL_HOUR_SHARE, parameter.WITHDRAWAL_DAY_BASE):
        value = int(world.venue.columns["param"][-1, which]) + 1
        world.refused(code.NOT_DUE, **row, market=-1, other=which, price=value)
    for which in (parameter.OPEN_INTEREST_CAP, parameter.POSITION_CAP, parameter.MARK_BAND, parameter.ORACLE_STEP):
        world.refused(code.NOT_DUE, **row, market=0, other=which, price=world.live(which) + 1)
    world.must(kind=command.SET_SOURCE, signer=ADMIN, market=0, other=1, size=1_000)
    oracle = {"kind": command.ORACLE, "signer": command.ORACLES, "market": 0, "other": 1}
    world.refused(code.UNKNOWN_SOURCE, **oracle, price=1, time=world.now)
    world.must(kind=command.LIST_MARKET, signer=ADMIN, market=1, price=2**33)
    for which in (parameter.OPEN_INTEREST_CAP, parameter.POSITION_CAP, parameter.BACKSTOP_CAP, parameter.AMM_CAP):
        assert world.live(which, 1) == 0


def busy_world(seed: int) -> tuple[Live, list[int], random.Random]:
    """Accounts with positions, resting orders, stops, schedules, isolated buckets and pools in two markets."""
    rng = random.Random(seed)
    world = Live()
    people = [world.account(rng.randrange(200, 5_000)) for _ in range(10)]
    rich = world.account(1_000_000)
    for which in (command.AMM, command.BACKSTOP):
        world.must(kind=command.POOL_ADD, signer=rich, account=rich, market=0, flags=which, amount=10_000 * USD)
    world.must(kind=command.INSURANCE_ADD, signer=rich, account=rich, market=0, amount=rng.randrange(1, 50) * USD)
    for person in people[:3]:
        world.must(kind=command.SET_LEVERAGE, signer=person, account=person, market=0, size=10, flags=command.ISOLATED)
    for _ in range(60):
        who, market = rng.choice([*people, rich]), rng.randrange(2)
        price = PRICE + rng.randrange(-20, 21) * USD // 10
        flags = rng.choice((BUY, SELL)) | rng.choice((0, 0, 0, command.POST_ONLY, command.IOC))
        fields = {"account": who, "market": market, "price": price, "size": rng.randrange(1, 30), "flags": flags}
        if rng.random() < 0.15:
            fields |= {"flags": SELL | command.STOP | command.REDUCE_ONLY, "trigger": 90 * USD, "price": 89 * USD}
        world.do(kind=command.PLACE, signer=who, **fields)
        if rng.random() < 0.1:
            amount, size = 10 * MINUTE, 60
            world.do(
                kind=command.TWAP, signer=who, account=who, market=market, flags=BUY, size=size, amount=amount, price=0
            )
    world.check()
    return world, people, rng


@pytest.mark.parametrize("seed", range(6))
def test_a_busy_market_is_delisted_among_trading_and_liquidation(seed: int) -> None:
    world, people, rng = busy_world(seed)
    columns = world.venue.columns
    price = 0 if rng.random() < 0.5 else PRICE + rng.randrange(-2 * USD, 2 * USD)
    world.must(kind=command.DELIST, signer=ADMIN, market=0, price=price)
    world.check()
    for _ in range(40):
        if world.status(0) == command.UNLISTED:
            break
        world.tick(1_000)
        world.price(1, PRICE + rng.randrange(-3, 4) * USD)
        who = rng.choice(people)
        order = {"signer": who, "account": who, "price": PRICE, "size": 1, "flags": rng.choice((BUY, SELL))}
        assert world.do(kind=command.PLACE, market=0, **order).codes[0] != code.OK
        world.do(kind=command.PLACE, market=1, **order)
        world.liquidate(rng.choice((1, 8, 64)))
        world.check()
    assert world.status(0) == command.UNLISTED
    assert columns["market_open"][0] == columns["market_entry_sum"][0] == columns["market_short"][0] == 0
    assert not (columns["order_market"][columns["order_id"] != 0] == 0).any()
    assert not (columns["bucket_kind"][columns["bucket_market"] == 0] == state.ISOLATED).any()
    for _ in range(40):
        world.tick(1_000)
    assert not (columns["twap_market"][columns["twap_id"] != 0] == 0).any()
    world.check()


def test_a_delisted_number_is_listed_opened_and_traded_again() -> None:
    world = Live()
    a, b = world.account(10_000), world.account(10_000)
    world.trade(a, b, 0, PRICE, 5)
    world.must(kind=command.DELIST, signer=ADMIN, market=0)
    for _ in range(8):
        world.tick(1_000)
    assert world.status(0) == command.UNLISTED
    forward = invariants.Forward(world.venue.columns)
    for _ in range(60):
        world.tick(1_000)
    world.list_market(0, 7 * USD)
    assert forward.broken(world.venue.columns) == []
    world.trade(a, b, 0, 7 * USD, 3)
    assert world.position(a, 0) == 3
    world.check()


def test_whole_open_interest_of_a_market_goes_in_one_run() -> None:
    """As many positions as the record holds, longs against shorts of other sizes."""
    world = Live()
    rng = random.Random(1)
    people = [world.account(100_000) for _ in range(60)]
    for _ in range(300):
        a, b = rng.sample(people, 2)
        world.trade(a, b, 0, PRICE, rng.randrange(1, 9))
    equity = {p: world.raw(p) + world.position(p, 0) * PRICE for p in people}
    world.must(kind=command.DELIST, signer=ADMIN, market=0)
    settled = 0
    for _ in range(12):
        settled += len(world.tick(1_000).of_kind(event.SETTLED))
        world.check()
    assert world.status(0) == command.UNLISTED
    assert {p: world.raw(p) for p in people} == equity
    assert settled < len(people)
