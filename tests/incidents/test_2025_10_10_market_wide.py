"""2025-10-10: over 19 bn USD were liquidated within hours. Venues stalled under the load, deleveraging closed one leg
of hedges at random, and collateral was priced on a venue's own empty book.

All open interest of two markets is due at one price, in a venue filled to its capacity of accounts: by book, vault,
insurance, deleveraging and shared loss. No command does more than its bound, another market trades on in between, each
step is judged against the fraction model for the order of the stages, money is conserved to the micro-USD after every
command, and no hedge is closed while anything else can be.
"""

from collections import Counter

from guard import fails_without

from seawall.engine.invariants import broken
from seawall.engine.venue import Venue
from seawall.ledger import state
from seawall.ledger.health import equity_and_maintenance
from seawall.liquidation.step import SCAN_UNITS
from seawall.simulation.judge_liquidation import Liquidation, waits
from seawall.terms import command, event, limits, parameter
from venue_world import BUY, USD, World

LONGS, HEDGERS, SHORTS = 170, 20, 30
CUSHIONS = (3_150, 3_080, 3_120, 3_060, 2_950, 1_800, 700)  # of 10,000 of notional, for a fall by 30 %
STAGES = {event.LIQUIDATION_FILL, event.BACKSTOP, event.INSURANCE, event.ADL, event.SOCIALISED}


class Crash(World):
    """Longs of every leverage in markets 0 and 1, hedgers that are short one and long the other, few who are short."""

    def __init__(self) -> None:
        super().__init__(markets=3)
        for market in range(2):
            self.venue.columns["param"][market, parameter.BACKSTOP_CAP] = 300_000 * USD
        self.rich = self.account(50_000_000)
        self.shorts = [self.account(300_000 + 1_000 * k) for k in range(SHORTS)]
        self.hedgers = [self.account(3_000 + 20 * k) for k in range(HEDGERS)]
        self.longs = [self.account(self._lots(k) * CUSHIONS[k % len(CUSHIONS)] // 100) for k in range(LONGS)]
        self.idle = [self.account(1_000) for _ in range(2)]
        for market in range(2):
            fields = {"signer": self.rich, "account": self.rich, "market": market}
            self.must(kind=command.POOL_ADD, flags=command.BACKSTOP, amount=100_000 * USD, **fields)
            self.must(kind=command.INSURANCE_ADD, amount=3_000 * USD, **fields)
        for k, hedger in enumerate(self.hedgers):
            self.trade(self.shorts[k % SHORTS], hedger, 0, 100 * USD, 200)
            self.trade(hedger, self.shorts[k % SHORTS], 1, 100 * USD, 200)
        for k, long in enumerate(self.longs):
            self.trade(long, self.shorts[k // 2 % SHORTS], k % 2, 100 * USD, self._lots(k))
        self.hand_over()
        self.fall()

    def hand_over(self) -> None:
        """In market 1 the shorts take their profit on the way down; who follows has little of it, and of margin."""
        self.tick(11_000)
        for market, price in enumerate((100, 80, 100)):
            self.price(market, price * USD)
        for short in self.shorts:
            lots = -self.position(short, 1)
            if lots > 0:
                self.trade(short, self.account(lots * 10), 1, 80 * USD, lots)

    def _lots(self, k: int) -> int:
        return 40 + 17 * k % 200

    def fall(self) -> None:
        """One price for all; what is bid there is far less than what has to be sold."""
        self.tick(11_000)
        for market in range(2):
            self.price(market, 70 * USD)
            for level in range(5):
                self.place(self.rich, market, BUY, 6_990 * USD // 100 - level * USD // 10, 100)
        self.price(2, 100 * USD)

    def step(self, units: int) -> list[list[int]]:
        """A second passes, prices stand, two accounts trade elsewhere, then liquidation; returns its events."""
        self.tick()
        for market, price in enumerate((70, 70, 100)):
            self.price(market, price * USD)
        self.trade(self.idle[0], self.idle[1], 2, 100 * USD, 1)
        self.trade(self.idle[1], self.idle[0], 2, 100 * USD, 1)
        return [list(map(int, row)) for row in self.liquidate(units).events]

    def unhealthy(self) -> list[int]:
        s = state.for_kernels(self.venue.array)[0]
        healths = (
            (bucket, equity_and_maintenance(s, bucket)) for bucket in range(len(self.venue.columns["bucket_raw"]))
        )
        return [bucket for bucket, (equity, maintenance) in healths if equity < maintenance]

    def conserves(self) -> None:
        """Cash of all buckets and funds is the vault, exactly; sizes add up to nothing."""
        columns = self.venue.columns
        cell = columns["cell"]
        cash = int(columns["bucket_raw"].sum()) + int(columns["market_insurance"].sum())
        funds = sum(int(cell[name]) for name in (state.FEES, state.DUST, state.BAD_DEBT, state.PENDING))
        assert cash + funds == cell[state.VAULT]
        for market in range(2):
            held = (columns["slot_owner"] >= 0) & (columns["slot_market"] == market)
            assert columns["slot_size"][held].sum() == 0


def finish(crash: Crash, most: int) -> Counter[int]:
    """Works everything off in full commands, at most so many; returns how many events there were of each kind."""
    kinds: Counter[int] = Counter()
    commands = 0
    while commands == 0 or waits(crash.venue.columns):
        rows = crash.step(limits.WORK_PER_COMMAND)
        commands += 1
        assert commands <= most
        assert len(rows) <= limits.EVENTS_PER_COMMAND
        for kind in (
            event.LIQUIDATION_FILL,
            event.BACKSTOP,
            event.LIQUIDATION_END,
        ):  # a unit of work may do one of each
            assert len([row for row in rows if row[1] == kind]) <= limits.WORK_PER_COMMAND
        kinds.update(row[1] for row in rows)
        crash.conserves()
    return kinds


def scenario() -> None:
    """In full commands, one a second, until nothing is left to do."""
    crash = Crash()
    assert len(crash.unhealthy()) >= LONGS
    kinds = finish(crash, 10 * LONGS * SCAN_UNITS // limits.WORK_PER_COMMAND)
    assert set(kinds) >= STAGES
    assert crash.unhealthy() == []
    assert broken(crash.venue.columns) == []
    for hedger in crash.hedgers:
        assert (crash.position(hedger, 0), crash.position(hedger, 1)) == (-200, 200)


def judged_scenario() -> None:
    """Unit by unit, each judged by the model: who was due, at what price, and by the first stage that could."""
    crash = Crash()
    venue: Venue = crash.venue
    units = 0
    while waits(venue.columns):
        crash.tick()
        for market in range(2):
            crash.price(market, 70 * USD)
        judge = Liquidation(venue.columns)
        done = crash.liquidate(1)
        assert judge.judge(venue.columns, done) == []
        units += 1
        assert units <= 12 * LONGS
        if units % 100 == 0:
            assert broken(venue.columns) == []
    assert crash.unhealthy() == []


def test_a_whole_market_goes_in_bounded_steps() -> None:
    scenario()


def test_no_stage_acts_while_an_earlier_one_can() -> None:
    judged_scenario()


def test_it_fails_when_hedges_go_by_profit_and_leverage() -> None:
    old = 'name="adl_policy", low=QUEUE, high=LEAST_HARM, value=LEAST_HARM'
    new = 'name="adl_policy", low=QUEUE, high=LEAST_HARM, value=QUEUE'
    assert fails_without("terms/venue_parameter.py", old, new, scenario)


def test_it_fails_when_a_stage_is_left_out() -> None:
    old = "    if lots == 0:\n        return 0\n    price = vault_price(s, c, lots)"
    assert fails_without("liquidation/backstop.py", old, old.replace("==", ">="), judged_scenario)


def test_it_fails_when_one_micro_is_lost() -> None:
    old = "    trade(s, c.slot, c.side * lots, price, 0)\n    trade(s, slot"
    new = "    trade(s, c.slot, c.side * lots, price, 1)\n    trade(s, slot"
    assert fails_without("liquidation/backstop.py", old, new, scenario)


def test_it_fails_when_a_command_has_no_bound() -> None:
    old = "    while left > 0 and has_room(s, first):  # at most WORK_PER_COMMAND\n"
    assert fails_without("liquidation/step.py", old, "    while s.cell[EVENTS_USED] < 30_000:\n", scenario)
