"""Schedules: what each slice takes, when it ends, who may start one; and a plain model of all of it."""

import random
from fractions import Fraction
from math import ceil, floor

import pytest

from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.terms import code, command, event, limits, parameter
from stop_floor import ONLY, Floor
from venue_world import BUY, SELL, USD

STEP, FIVE = 30_000, 300_000


class Clock(Floor):
    """The floor with time that passes in steps short enough for prices to stay fresh."""

    def start(self, size: int, duration: int = FIVE, account: int | None = None, **more: int) -> int:
        who = self.trader if account is None else account
        fields = {"account": who, "market": 0, "size": size, "amount": duration, **more}
        return int(self.must(kind=command.TWAP, signer=who, **fields).made[0])

    def run(self, ms: int, step: int = 5_000) -> list[dict[str, int]]:
        """Slices and ends told while `ms` pass."""
        told = []
        for _ in range(ms // step):
            self.tick(step)
            told += self.kinds(event.TWAP_SLICE, event.TWAP_ENDED)
            self.price(0, int(self.venue.columns["market_price"][0]))
        return told

    def slices(self, told: list[dict[str, int]]) -> list[int]:
        return [e["size"] for e in told if e["kind"] == event.TWAP_SLICE]

    def running(self) -> int:
        return int((self.venue.columns["twap_id"] != 0).sum())


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.quote(SELL, 101 * USD, 5_000)
    made.quote(BUY, 99 * USD, 5_000)
    return made


def refused(clock: Clock, expected: int, **fields: int) -> None:
    base = {"kind": command.TWAP, "signer": clock.trader, "account": clock.trader, "market": 0}
    clock.refused(expected, **{**base, "size": 100, "amount": FIVE, **fields})


def test_even_slices_every_thirty_seconds(clock: Clock) -> None:
    order = clock.start(110)
    clock.tick(0)
    told = clock.kinds(event.TWAP_SLICE)
    assert [(e["order"], e["size"], e["amount"]) for e in told] == [(order, 10, code.OK)]
    assert clock.slices(clock.run(STEP - 5_000)) == []
    told = clock.run(FIVE - STEP + 5_000)
    assert clock.slices(told) == [10] * 10
    assert [(e["order"], e["size"], e["amount"], e["other"]) for e in told if e["kind"] == event.TWAP_ENDED] == [
        (order, 110, code.OK, -1)
    ]
    assert clock.position(clock.trader, 0) == 120
    assert clock.running() == 0
    assert clock.venue.columns["cell"][state.TWAP_NEXT] == 0
    clock.check()


def test_sizes_that_do_not_divide_add_up(clock: Clock) -> None:
    clock.start(100)
    told = clock.run(FIVE + STEP)
    assert clock.slices(told) == [100 * (k + 1) // 11 - 100 * k // 11 for k in range(11)]


def test_a_sale(clock: Clock) -> None:
    clock.start(11, flags=SELL)
    clock.run(FIVE + 5_000)
    assert clock.position(clock.trader, 0) == -1


def test_what_is_missed_is_caught_up_at_most_threefold() -> None:
    clock = Clock()
    clock.start(110)
    told = clock.run(4 * STEP + 5_000)
    assert clock.slices(told) == [0] * 5
    assert {e["amount"] for e in told} == {code.NO_LIQUIDITY}
    clock.quote(SELL, 101 * USD, 5_000)
    assert clock.slices(clock.run(6 * STEP)) == [30, 30, 20, 10, 10, 10]
    clock.check()


def test_the_last_slice_ends_it_whatever_is_done() -> None:
    clock = Clock()
    clock.start(110)
    clock.run(9 * STEP + 5_000)
    clock.quote(SELL, 101 * USD, 5_000)
    told = clock.run(STEP)
    assert [(e["kind"], e["size"], e["amount"]) for e in told] == [
        (event.TWAP_SLICE, 30, code.OK),
        (event.TWAP_ENDED, 30, code.OK),
    ]


def test_steps_that_a_late_tick_missed_are_one_slice(clock: Clock) -> None:
    clock.start(110)
    clock.tick(0)
    clock.venue.columns["param"][0, parameter.ORACLE_AGE_MS] = 10**6
    clock.tick(55_000)
    assert clock.slices(clock.told) == [10]
    clock.tick(55_000)  # 110 s: slices 2 and 3
    assert clock.slices(clock.told) == [20]
    clock.tick(9_000)
    assert clock.slices(clock.told) == []
    clock.tick(1_000)
    assert clock.slices(clock.told) == [10]


def test_missed_steps_give_no_second_slice_before_the_next_step() -> None:
    clock = Clock()
    clock.venue.columns["param"][0, parameter.ORACLE_AGE_MS] = 10**6
    clock.start(110)
    clock.tick(55_000)
    clock.tick(55_000)  # 110 s, 40 lots behind
    clock.quote(SELL, 101 * USD, 500)
    assert clock.slices(clock.run(9_000, 1_000)) == []
    assert clock.slices(clock.run(1_000, 1_000)) == [30]
    assert clock.slices(clock.run(29_000, 1_000)) == []


def test_slices_stay_within_three_percent_of_the_mark() -> None:
    clock = Clock()
    clock.quote(SELL, 103 * USD, 4)
    clock.quote(SELL, 103 * USD + 10_000, 100)
    clock.start(110)
    clock.tick(0)
    told = clock.kinds(event.TWAP_SLICE)[0]
    assert (told["price"], told["size"], told["amount"]) == (103 * USD, 4, code.OK)
    clock.quote(BUY, 97 * USD, 3)
    clock.quote(BUY, 97 * USD - 1_000, 100)
    clock.start(110, flags=SELL)
    clock.tick(0)
    told = clock.kinds(event.TWAP_SLICE)[0]
    assert (told["price"], told["size"]) == (97 * USD, 3)


def test_slices_stay_within_the_worst_price() -> None:
    clock = Clock()
    clock.quote(SELL, 105 * USD, 4)
    clock.quote(SELL, 105 * USD + 10_000, 100)
    clock.start(110, price=105 * USD)
    clock.tick(0)
    assert clock.slices(clock.told) == [4]


def test_a_worst_price_beyond_the_band_is_held_to_the_band() -> None:
    clock = Clock()
    clock.venue.columns["param"][0, parameter.PRICE_BAND] = parameter.TWAP_SLIPPAGE
    clock.start(110, price=150 * USD)
    clock.tick(0)
    assert clock.kinds(event.TWAP_SLICE)[0]["price"] == 103 * USD
    clock.start(110, price=50 * USD, flags=SELL)
    clock.tick(0)
    assert clock.kinds(event.TWAP_SLICE)[0]["price"] == 97 * USD
    clock.start(11, price=50 * USD, flags=SELL | ONLY)
    clock.tick(0)
    assert clock.kinds(event.TWAP_SLICE)[0]["price"] == 50 * USD


def test_one_that_only_reduces_ends_with_the_position(clock: Clock) -> None:
    order = clock.start(22, flags=SELL | ONLY)
    told = clock.run(4 * STEP + 5_000)
    assert clock.slices(told) == [2, 2, 2, 2, 2]
    assert clock.position(clock.trader, 0) == 0
    told = clock.run(STEP)
    assert (event.TWAP_ENDED, order, code.REDUCE_ONLY) in [(e["kind"], e["order"], e["amount"]) for e in told]
    assert clock.running() == 0


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (code.BAD_FIELD, {"flags": command.IOC}),
        (code.BAD_FIELD, {"flags": command.STOP}),
        (code.BAD_FIELD, {"flags": command.CANCEL_MAKER | command.CANCEL_BOTH}),
        (code.BAD_TIME, {"amount": FIVE - 1}),
        (code.BAD_TIME, {"amount": FIVE - STEP}),
        (code.BAD_TIME, {"amount": FIVE + 1}),
        (code.BAD_TIME, {"amount": 86_400_000 + STEP}),
        (code.BAD_PRICE, {"price": 99 * USD + 1}),
        (code.BAD_PRICE, {"price": 2**33 + 2**20}),
        (code.BAD_SIZE, {"size": 10}),
        (code.BAD_SIZE, {"size": 2**20 + 1}),
        (code.REDUCE_ONLY, {"flags": ONLY}),
    ],
)
def test_refusals_change_nothing(clock: Clock, expected: int, fields: dict[str, int]) -> None:
    refused(clock, expected, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 11},
        {"size": 2**20},
        {"amount": FIVE + STEP},
        {"amount": 86_400_000, "size": 2_881},
        {"price": 99 * USD},
        {"flags": ONLY | SELL},
        {"flags": command.CANCEL_BOTH},
    ],
)
def test_the_other_side_of_the_refusals(clock: Clock, fields: dict[str, int]) -> None:
    clock.start(**{"size": 100, **fields})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (command.UNLISTED, code.UNKNOWN_MARKET),
        (command.CLOSED, code.MARKET_CLOSED),
        (command.DELISTING, code.MARKET_CLOSED),
        (command.HALTED, code.MARKET_CLOSED),
        (command.CANCELLING, code.CANCEL_ONLY),
        (command.POSTING, code.POST_ONLY),
        (command.REDUCING, code.MARKET_REDUCE_ONLY),
    ],
)
def test_statuses(clock: Clock, status: int, expected: int) -> None:
    running = clock.start(110)
    clock.venue.columns["market_status"][0] = status
    refused(clock, expected)
    clock.tick(0)
    told = [(e["kind"], e["order"], e["amount"]) for e in clock.kinds(event.TWAP_SLICE, event.TWAP_ENDED)]
    is_gone = status in (command.UNLISTED, command.CLOSED, command.DELISTING)
    assert told == [
        (event.TWAP_ENDED, running, code.MARKET_CLOSED) if is_gone else (event.TWAP_SLICE, running, expected)
    ]


def test_a_stale_price_skips_a_slice(clock: Clock) -> None:
    clock.start(110)
    clock.venue.columns["market_fresh"][0] = 0
    clock.tick(0)
    assert [(e["size"], e["amount"]) for e in clock.kinds(event.TWAP_SLICE)] == [(0, code.STALE_PRICE)]
    clock.start(11, flags=SELL | ONLY)
    clock.tick(0)
    assert [(e["size"], e["amount"]) for e in clock.kinds(event.TWAP_SLICE)] == [(0, code.STALE_PRICE)]


def test_a_bucket_in_liquidation(clock: Clock) -> None:
    clock.venue.columns["bucket_liquidating"][clock.trader] = 1
    refused(clock, code.BEING_LIQUIDATED)
    clock.start(11, flags=ONLY | SELL)


def test_cancelling(clock: Clock) -> None:
    order, stranger = clock.start(110), clock.account(10)
    clock.tick(0)
    for who, reference in (
        (stranger, order),
        (clock.trader, order + 2**21),
        (clock.trader, 0),
        (clock.trader, 2**21 - 1),
    ):
        clock.refused(code.UNKNOWN_ORDER, kind=command.CANCEL_TWAP, signer=who, account=who, reference=reference)
    clock.must(kind=command.CANCEL_TWAP, signer=clock.trader, account=clock.trader, reference=order)
    assert [(e["size"], e["amount"], e["other"]) for e in clock.kinds(event.TWAP_ENDED)] == [(10, 0, 1)]
    clock.refused(
        code.UNKNOWN_ORDER, kind=command.CANCEL_TWAP, signer=clock.trader, account=clock.trader, reference=order
    )
    assert clock.slices(clock.run(STEP)) == []
    clock.check()


def test_an_account_runs_a_bounded_number(clock: Clock) -> None:
    orders = [clock.start(110) for _ in range(limits.TWAPS_PER_ACCOUNT)]
    refused(clock, code.SCHEDULES_FULL)
    clock.must(kind=command.CANCEL_TWAP, signer=clock.trader, account=clock.trader, reference=orders[3])
    clock.start(110)
    refused(clock, code.SCHEDULES_FULL)
    clock.check()


def test_the_table_is_bounded(clock: Clock) -> None:
    room = len(clock.venue.columns["twap_id"]) - 1
    people = [clock.account(1_000) for _ in range(room // limits.TWAPS_PER_ACCOUNT)]
    for account in people:
        for _ in range(limits.TWAPS_PER_ACCOUNT):
            clock.start(11, account=account)
    assert clock.running() == room
    refused(clock, code.SCHEDULES_FULL)
    clock.check()


def test_a_tick_runs_a_bounded_number_and_the_next_goes_on(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    if not INTERPRETED:
        pytest.skip("a compiled bound cannot be lowered")
    monkeypatch.setattr("seawall.engine.twap.SLICES_PER_COMMAND", 2)
    orders = [clock.start(11) for _ in range(5)]
    ran = []
    for _ in range(4):
        clock.tick(0)
        ran.append([e["order"] for e in clock.kinds(event.TWAP_SLICE)])
    assert ran == [orders[:2], orders[2:4], orders[4:], []]


def test_schedules_take_turns_when_there_are_more_than_ticks_run(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    if not INTERPRETED:
        pytest.skip("a compiled bound cannot be lowered")
    monkeypatch.setattr("seawall.engine.twap.SLICES_PER_COMMAND", 1)
    clock.venue.columns["param"][0, parameter.ORACLE_AGE_MS] = 10**6
    orders = [clock.start(11) for _ in range(3)]
    ran = []
    for _ in range(6):
        clock.tick(STEP)
        ran += [e["order"] for e in clock.kinds(event.TWAP_SLICE)]
    assert ran == orders * 2


def test_an_isolated_position_is_bought_in_slices(clock: Clock) -> None:
    who = clock.account(10_000)
    flags = command.ISOLATED
    clock.must(kind=command.SET_LEVERAGE, signer=who, account=who, market=0, size=10, flags=flags)
    clock.start(22, account=who)
    clock.run(FIVE + 5_000)
    own = int(clock.venue.columns["account_isolated"][who]) - 1
    assert clock.position(own, 0) == 22
    assert clock.position(who, 0) == 0
    clock.check()


class Model:
    """One schedule in plain words: what is due at a time, and what a slice then asks for."""

    def __init__(self, start: int, size: int, duration: int) -> None:
        self.start, self.size = start, size
        self.many, self.done, self.next = duration // STEP + 1, 0, 0
        self.is_over = False

    def ask(self, now: int) -> int | None:
        """Lots asked for now; None when no slice is due."""
        if self.is_over or now < self.start + self.next * STEP:
            return None
        last = min((now - self.start) // STEP, self.many - 1)
        self.next = last + 1
        due = floor(Fraction(self.size * (last + 1), self.many)) - self.done
        return max(0, min(due, 3 * ceil(Fraction(self.size, self.many))))

    def take(self, lots: int) -> None:
        self.done += lots
        self.is_over = self.done == self.size or self.next == self.many


@pytest.mark.parametrize("seed", range(5))
def test_schedules_equal_a_plain_model(seed: int) -> None:
    dice = random.Random(seed)
    clock = Clock(cash=10**6)
    models: dict[int, Model] = {}
    offered = 0
    for _ in range(260):
        if dice.random() < 0.05 and clock.running() < limits.TWAPS_PER_ACCOUNT:
            size, duration = dice.randrange(11, 400), FIVE + STEP * dice.randrange(5)
            if size > duration // STEP:
                models[clock.start(size, duration)] = Model(clock.now, size, duration)
        if dice.random() < 0.3:
            lots = dice.randrange(1, 60)
            clock.quote(SELL, 101 * USD, lots)
            offered += lots
        clock.tick(dice.choice((1_000, 5_000, 8_000)))
        told = {e["order"]: e for e in clock.kinds(event.TWAP_SLICE)}
        ended = {e["order"]: e for e in clock.kinds(event.TWAP_ENDED)}
        for order in sorted(models, key=lambda o: o & (2**21 - 1)):
            model = models[order]
            lots = model.ask(clock.now)
            if lots:
                filled = min(lots, offered)
                assert told[order]["size"] == filled
                assert told[order]["amount"] == (code.OK if filled else code.NO_LIQUIDITY)
                offered -= filled
                model.take(filled)
            else:
                assert order not in told
                if lots == 0:
                    model.take(0)
            assert (order in ended) == (model.is_over and lots is not None)
            if order in ended:
                assert ended[order]["size"] == model.done
                del models[order]
        clock.price(0, 100 * USD)
    clock.check()
