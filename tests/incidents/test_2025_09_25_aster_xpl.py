"""Aster XPL: before its listing elsewhere a market stood on an index fixed at 1 USD and a mark capped at 1.22. The cap
was lifted by hand before the index was real, the mark went to 4 USD, and shorts were liquidated at a price of nobody's.

A market opens by stages, each with a fresh price. What holds its mark near its index, its sources and its caps can be
tightened at once and not loosened for a day, all together or one by one; and however much is said after that day, the
index follows no faster than its step.
"""

from guard import fails_without

from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE
from venue_world import BUY, SELL, USD, World

DAY = 24 * 3_600_000
PRE, SPOT = 0, 1  # the sources: the pre-market's own, and the one that comes with the real listing
LIFTS = {
    parameter.MARK_BAND: RATE_ONE // 4,
    parameter.PRICE_BAND: RATE_ONE,
    parameter.ORACLE_STEP: RATE_ONE,
    parameter.ORACLE_DEVIATION: RATE_ONE,
    parameter.OPEN_INTEREST_CAP: 2**40,
    parameter.POSITION_CAP: 2**20,
    parameter.ORACLE_AGE_MS: 3_600_000,
}


class PreMarket:
    """A market at 1 USD with narrow bands and caps; a short with little margin, a pump that buys whatever it costs."""

    def __init__(self) -> None:
        self.world = world = World(markets=0)
        admin = {"signer": command.ADMIN, "market": 0}
        world.must(kind=command.LIST_MARKET, other=0, price=2**33, **admin)
        self.short, self.pump, self.other = world.account(600), world.account(100_000), world.account(100_000)
        self.refused_everything(code.MARKET_CLOSED)
        world.must(kind=command.SET_TIER, other=0, size=5, price=RATE_ONE // 10, **admin)
        for which, value in ((parameter.OPEN_INTEREST_CAP, 5_000), (parameter.POSITION_CAP, 2_000)):
            world.parameter(0, which, value)
        world.parameter(0, parameter.ORACLE_QUORUM, 1)
        world.must(kind=command.SET_SOURCE, other=PRE, size=1, **admin)
        world.refused(code.STALE_PRICE, kind=command.SET_STATUS, flags=command.CANCELLING, **admin)
        world.price(0, USD)
        self.refused_everything(code.MARKET_CLOSED)
        for status in (command.POSTING, command.REDUCING, command.ACTIVE):
            world.refused(code.NOT_DUE, kind=command.SET_STATUS, flags=status, **admin)
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            world.must(kind=command.SET_STATUS, flags=status, **admin)
        world.trade(self.pump, self.short, 0, USD, 1_500)

    def refused_everything(self, expected: int) -> None:
        fields = {"account": self.other, "market": 0, "price": USD, "size": 1, "flags": BUY}
        self.world.refused(expected, kind=command.PLACE, signer=self.other, **fields)

    def second(self, *sources: tuple[int, int]) -> None:
        """A second: the pump trades and quotes far above the index, the sources speak, liquidation looks at all."""
        world = self.world
        world.tick()
        for who, side, price in (
            (self.other, SELL, 119),
            (self.other, SELL, 118),
            (self.pump, BUY, 118),
            (self.pump, BUY, 117),
        ):
            fields = {"account": who, "market": 0, "price": price * USD // 100, "size": 10, "flags": side}
            world.do(kind=command.PLACE, signer=who, **fields)
        for source, price in sources:
            fields = {"market": 0, "other": source, "price": price, "time": world.now}
            world.do(kind=command.ORACLE, signer=command.ORACLES, **fields)
        world.liquidate()


def scenario() -> None:
    pre = PreMarket()
    world, columns = pre.world, pre.world.venue.columns
    admin = {"signer": command.ADMIN, "market": 0}
    for which, value in LIFTS.items():
        world.do(kind=command.SET_PARAMETER, other=which, price=value, **admin)
    world.do(kind=command.SET_SOURCE, other=SPOT, size=1_000, **admin)
    for _ in range(10):
        pre.second((PRE, USD), (SPOT, 4 * USD))
        assert columns["market_oracle"][0] == USD
        assert columns["market_price"][0] <= 102 * USD // 100
        assert columns["market_open"][0] <= 5_000
    assert world.position(pre.short, 0) == -1_500


def after_scenario() -> None:
    """The new source alone, once it counts: a price four times as high is not believed from one second to the next."""
    pre = PreMarket()
    world, columns = pre.world, pre.world.venue.columns
    world.must(kind=command.SET_SOURCE, signer=command.ADMIN, market=0, other=SPOT, size=1_000)
    for _ in range(24 * 60):  # no outage: a tick a minute and less
        world.tick(59_000)
        world.price(0, USD)
    world.tick(DAY - 24 * 60 * 59_000)
    world.price(0, USD)
    assert columns["source_weight"][0, SPOT] == 1_000
    last = USD
    for _ in range(8):
        pre.second((PRE, USD), (SPOT, 4 * USD))
        now = int(columns["market_oracle"][0])
        assert now <= last * 106 // 100  # 5 % a second, rounded
        last = now
    assert world.position(pre.short, 0) == -1_500


def test_nothing_is_lifted_at_once() -> None:
    scenario()


def test_the_index_follows_no_faster_than_its_step() -> None:
    after_scenario()


def test_it_fails_when_bands_are_lifted_at_once() -> None:
    assert fails_without("engine/parameters.py", "    return ADMIN_DELAY_MS\n", "    return 0\n", scenario)


def test_it_fails_when_a_source_counts_at_once() -> None:
    """Switched off with it is the step: either alone still keeps the index where it is."""
    source = (
        "engine/markets.py",
        "        time += ADMIN_DELAY_MS\n",
        "        _set_weight(s, c.market, c.other, c.size)\n",
    )
    step = ("engine/prices.py", "    if last != 0:\n        chosen", "    if last < 0:\n        chosen")
    assert fails_without(*source, scenario, step)
    assert not fails_without(*source, scenario)
    assert not fails_without(*step, scenario)
    assert fails_without(*step, after_scenario)


def test_it_fails_when_a_market_opens_in_one_stage() -> None:
    old = "        return status == CANCELLING\n"
    assert fails_without("engine/statuses.py", old, "        return status < CLOSED\n", scenario)
