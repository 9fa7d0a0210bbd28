"""Perp v1: CREAM positions were liquidated whole into a thin virtual market, whose own price was the mark: each sale
made the next one worse, the loss was more than the margin, and the insurance fund was emptied.

Forced orders stop at the bankruptcy price and at a gate around the index, close only what restores the margin, and do
not move the mark: the two largest accounts of a market go without bad debt and without taking anybody along.
"""

from guard import fails_without

from seawall.engine.invariants import broken
from seawall.ledger import state
from seawall.terms import command, event, parameter
from venue_world import USD, World

DEPTH = 80_000  # lots that move the pool's price by 100 %; the whales hold 6,000
LATE = (event.DEFICIT, event.ADL, event.SOCIALISED, event.BACKSTOP)


class Thin:
    """A pool is the only liquidity; two whales and two bystanders are long, somebody is short."""

    def __init__(self) -> None:
        self.world = world = World(markets=1)
        columns = world.venue.columns
        for which, value in ((parameter.AMM_DEPTH, DEPTH), (parameter.AMM_CAP, DEPTH)):
            columns["param"][0, which] = value
        lender, self.short = world.account(1_000_000), world.account(1_000_000)
        self.whales = [world.account(16_000), world.account(16_100)]
        self.bystanders = [world.account(170), world.account(175)]
        for whale in self.whales:
            world.trade(whale, self.short, 0, 100 * USD, 3_000)
        for bystander in self.bystanders:
            world.trade(bystander, self.short, 0, 100 * USD, 30)
        pool = {"signer": lender, "account": lender, "market": 0}
        world.must(kind=command.POOL_ADD, flags=command.AMM, amount=900_000 * USD, **pool)
        world.must(kind=command.INSURANCE_ADD, amount=1_000 * USD, **pool)
        self.events: list[dict[str, int]] = []

    def fall(self, *prices: int) -> None:
        """Prices in thousandths of a USD, liquidation after each; the pool's quotes are all there is to sell to."""
        for price in prices:
            self.world.tick()
            self.world.price(0, price * USD // 1_000)
            for _ in range(6):
                done = self.world.liquidate()
                self.events += [dict(zip(event.ROW, row, strict=True)) for row in done.events.tolist()]
            self.world.tick()
            self.world.price(0, price * USD // 1_000)  # what was sold for has not become the mark
            assert self.world.venue.columns["market_price"][0] == price * USD // 1_000
        assert broken(self.world.venue.columns) == []

    def of_kind(self, *kinds: int) -> list[dict[str, int]]:
        return [row for row in self.events if row["kind"] in kinds]


def slow_scenario() -> None:
    """The price falls little by little: the whales are cut to what their margin carries, and the fund only gains."""
    thin = Thin()
    columns = thin.world.venue.columns
    fund = int(columns["market_insurance"][0])
    thin.fall(98_000, 97_000, 96_900)
    fills = thin.of_kind(event.LIQUIDATION_FILL)
    assert len(fills) >= 2
    index = int(columns["market_oracle"][0])
    assert all(row["price"] >= row["order"] for row in fills)  # order: the bankruptcy price
    assert all(row["price"] >= index * 97 // 100 for row in fills)
    assert not thin.of_kind(*LATE)
    assert all(2_000 <= thin.world.position(whale, 0) < 3_000 for whale in thin.whales)
    assert all(thin.world.position(bystander, 0) == 30 for bystander in thin.bystanders)
    assert columns["market_insurance"][0] >= fund


def gap_scenario() -> None:
    """The price gaps to where the margin is nearly gone: what the pool can not take goes to whoever is short, at b."""
    thin = Thin()
    columns = thin.world.venue.columns
    fund = int(columns["market_insurance"][0])
    thin.fall(95_500)
    assert all(thin.world.position(whale, 0) == 0 for whale in thin.whales)
    assert not thin.of_kind(event.DEFICIT, event.SOCIALISED)
    assert columns["market_insurance"][0] >= fund
    assert columns["cell"][state.BAD_DEBT] == 0
    assert all(thin.world.raw(whale) >= 0 for whale in thin.whales)
    assert thin.of_kind(event.ADL)


def test_whales_are_cut_not_dumped() -> None:
    slow_scenario()


def test_a_gap_leaves_no_bad_debt() -> None:
    gap_scenario()


def test_it_fails_when_a_position_is_sold_whole() -> None:
    old = "lots = least_lots(s, bucket, c) if mode == parameter.MINIMAL else share_step(s, c)"
    assert fails_without("liquidation/partial.py", old, "lots = c.held", slow_scenario)


def test_it_fails_when_the_mark_is_the_last_trade() -> None:
    old = "low=MARK_MEDIAN, high=MARK_LAST, value=MARK_MEDIAN"
    new = "low=MARK_MEDIAN, high=MARK_LAST, value=MARK_LAST"
    assert fails_without("terms/venue_parameter.py", old, new, slow_scenario)


def test_it_fails_when_forced_orders_go_past_the_bankruptcy_price() -> None:
    old = "    limit = bankruptcy_price(s, c, lots)\n    if c.equity"
    assert fails_without("liquidation/partial.py", old, "    limit = 1\n    if c.equity", gap_scenario)
