"""bZx: a leveraged trade carried a flag that skipped its health check; three days later one spot price was the oracle.

No flag of an order, nor any bit beside them, opens what margin does not allow: at once, at rest, or when a trigger
fires. And no one price source, in one step, moves what positions are measured by.
"""

from itertools import combinations

from guard import fails_without

from seawall.terms import code, command, parameter
from venue_world import BUY, SELL, USD, World

FORCED = 1 << 20  # the matching engine's own mark of a liquidation, which no order may bring along
BITS = tuple(1 << k for k in range(13))
SIZE = 1_000  # 100,000 USD at 20x, for an account with 100 USD


def every_flag() -> list[int]:
    """All sets of order flags, and one foreign bit at a time on a plain and on an Ioc order."""
    orders = [bit for bit in BITS if bit & command.ORDER_FLAGS]
    sets = [sum(chosen) for count in range(len(orders) + 1) for chosen in combinations(orders, count)]
    foreign = [1 << k for k in range(40) if not (1 << k) & command.ORDER_FLAGS]
    return sets + foreign + [bit | command.IOC for bit in foreign]


def promised(world: World, account: int) -> int:
    """Most lots that the account would hold if all its resting orders of one side filled, plain columns only."""
    columns, most = world.venue.columns, 0
    slot = int(columns["bucket_first"][account])
    while slot:
        held, bids, asks = (int(columns[name][slot]) for name in ("slot_size", "slot_bids", "slot_asks"))
        most = max(most, abs(held), abs(held + bids), abs(held - asks))
        slot = int(columns["slot_sibling"][slot])
    return most


def scenario() -> None:
    world = World(markets=1)
    attacker, maker = world.account(100), world.account(10_000_000)
    world.place(maker, 0, SELL, 101 * USD, 5 * SIZE)
    world.place(maker, 0, BUY, 99 * USD, 5 * SIZE)
    codes = set()
    for number, flags in enumerate(every_flag()):
        side_price = 95 * USD if flags & command.SELL else 105 * USD
        fields = {"account": attacker, "market": 0, "size": SIZE, "flags": flags}
        for price in (100 * USD, side_price):  # at rest between the quotes, and across them
            for trigger in (0, 102 * USD, 98 * USD):
                more = {"price": price, "trigger": trigger, "extra": 2 * USD if flags & command.TRAILING else 0}
                codes.add(int(world.do(kind=command.PLACE, signer=attacker, **fields, **more).codes[0]))
                assert promised(world, attacker) <= 20
        if number % 64 == 63:
            fire(world, attacker)
    fire(world, attacker)
    assert {code.OK, code.INITIAL_MARGIN, code.BAD_FIELD} <= codes  # triggers wait without margin, and must fire
    world.must(
        kind=command.TWAP, signer=attacker, account=attacker, market=0, size=SIZE, amount=300_000, price=105 * USD
    )
    for _ in range(11):
        world.tick(30_000)
        world.price(0, 100 * USD)
        assert promised(world, attacker) <= 20


def forced_scenario() -> None:
    """An order that says it is a liquidation: those fill without margin."""
    world = World(markets=1)
    attacker, maker = world.account(100), world.account(10_000_000)
    world.place(maker, 0, SELL, 101 * USD, 5 * SIZE)
    fields = {"account": attacker, "market": 0, "price": 105 * USD, "size": SIZE, "flags": BUY | command.IOC | FORCED}
    world.do(kind=command.PLACE, signer=attacker, **fields)
    assert promised(world, attacker) == 0


def fire(world: World, attacker: int) -> None:
    """The mark passes every trigger in both directions; what fired is an order like any other."""
    for price in (103, 97, 100):
        for _ in range(12):
            world.tick()
            world.price(0, price * USD)
            assert promised(world, attacker) <= 20
    world.must(kind=command.CANCEL_ALL, signer=attacker, account=attacker, market=-1)


def oracle_scenario() -> None:
    world = World(markets=0)
    admin = command.ADMIN
    world.must(kind=command.LIST_MARKET, signer=admin, market=0, other=0, price=2**33)
    world.must(kind=command.SET_TIER, signer=admin, market=0, other=0, size=20, price=300_000)
    world.parameter(0, parameter.ORACLE_QUORUM, 3)
    for source in range(4):
        world.must(kind=command.SET_SOURCE, signer=admin, market=0, other=source, size=1)
    for victim in range(4):
        for said in (1, 98, 99, 101, 102, 104, 250):
            world.tick()
            order = [source for source in range(4) if source != victim]
            for source, price in [*((source, 100) for source in order), (victim, said)]:
                fields = {"market": 0, "other": source, "price": price * USD, "time": world.now}
                world.must(kind=command.ORACLE, signer=command.ORACLES, **fields)
            columns = world.venue.columns
            assert columns["market_oracle"][0] == columns["market_price"][0] == 100 * USD


def test_no_flag_skips_the_check() -> None:
    scenario()


def test_no_order_says_that_it_is_a_liquidation() -> None:
    forced_scenario()


def test_no_one_source_is_the_price() -> None:
    oracle_scenario()


PLAN = ("engine/placing.py", "        return -code.INITIAL_MARGIN\n    need =", "        return 0\n    need =")
FILL = (
    "book/matching.py",
    "    if after[EQUITY_INITIAL] >= after[INITIAL] or accepts(before, after):\n        return code.OK\n",
    "    if after[EQUITY_INITIAL] >= after[INITIAL] or t.flags & command.IOC:\n        return code.OK\n",
)
FLAG = ("engine/rows.py", "table[i, FLAGS] & ~command.ORDER_FLAGS != 0", "table[i, FLAGS] < 0")


def test_it_fails_when_a_flag_skips_the_check() -> None:
    """Ioc orders skip both checks, of the order and of each fill; either alone still stops them."""
    old = "    if o.bucket == o.account:\n" + PLAN[1]
    new = "    if o.bucket == o.account and o.flags & command.IOC:\n        return 0\n" + old
    assert fails_without(PLAN[0], old, new, scenario, FILL)
    assert not fails_without(PLAN[0], old, new, scenario)


def test_it_fails_when_resting_orders_skip_it() -> None:
    assert fails_without(*PLAN, scenario)


def test_it_fails_when_an_order_may_bring_the_liquidators_flag() -> None:
    """The foreign bit is out of range, no order's flag, and were it let in, the order as a whole is still checked."""
    wide = ("engine/rows.py", '"flags": (0, 2**16 - 1)', '"flags": (0, 2**40)')
    assert fails_without(*FLAG, forced_scenario, PLAN, wide)
    assert not fails_without(*FLAG, forced_scenario, wide)
    assert not fails_without(*PLAN, forced_scenario, FLAG)
    assert not fails_without(*PLAN, forced_scenario, wide)


def test_it_fails_when_the_last_to_speak_is_believed() -> None:
    old = "    return int(median_of(s, market, chosen))\n\n\n@kernel\ndef _step_reach"
    new = "    return int(s.source_price[market, 3])\n\n\n@kernel\ndef _step_reach"
    assert fails_without("engine/prices.py", old, new, oracle_scenario)
