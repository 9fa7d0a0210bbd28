"""What the simulator found in the engine: each bug as the smallest case that shows it, named after its property."""

from seawall.ledger import state
from seawall.margin import trigger_state
from seawall.simulation import observe
from seawall.simulation.model import health
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE
from venue_world import BUY, SELL, USD, World

PRICE = 100 * USD


def place(world: World, account: int, side: int, size: int, **more: int) -> int:
    """The code of an order at the price of the world."""
    flags = side | more.pop("flags", 0)
    fields = {"account": account, "market": 0, "price": PRICE, "size": size, "flags": flags} | more
    return int(world.do(kind=command.PLACE, signer=account, **fields).codes[0])


def test_post_risk_initial_margin_is_due_at_the_open_interest_that_a_fill_leaves() -> None:
    """One order through both caps was charged the rate of the open interest before it (dYdX YFI 2023)."""
    world = World(markets=1)
    world.venue.columns["param"][0, parameter.OPEN_INTEREST_UPPER] = 1_000 * PRICE
    world.venue.columns["param"][0, parameter.OPEN_INTEREST_LOWER] = 100 * PRICE
    maker, attacker = world.account(10_000_000), world.account(10_000)
    assert place(world, maker, SELL, 1_000) == code.OK
    assert place(world, attacker, BUY, 1_000, flags=command.IOC) == code.INITIAL_MARGIN
    assert place(world, attacker, BUY, 100, flags=command.IOC) == code.OK


def test_post_accepted_a_tighter_leverage_cap_does_not_keep_anybody_from_reducing() -> None:
    """With the breaker SOFT a reduce-only order was measured at the new cap, resting orders of its bucket with it."""
    world = World(markets=1)
    maker, holder = world.account(10_000_000), world.account(1_100)
    assert place(world, maker, SELL, 100) == code.OK
    assert place(world, holder, BUY, 100) == code.OK
    assert place(world, holder, BUY, 100, price=PRICE - USD) == code.OK
    assert place(world, maker, BUY, 50) == code.OK
    world.venue.columns["param"][0, parameter.BREAKER] = parameter.SOFT
    assert place(world, holder, SELL, 50, flags=command.REDUCE_ONLY | command.IOC) == code.OK


def test_event_cash_the_settlement_sweep_tells_what_it_pays() -> None:
    world = World(markets=1)
    one, other = world.account(100_000), world.account(100_000)
    world.trade(one, other, 0, PRICE, 10)
    columns = world.venue.columns
    columns["market_index"][0] += 5 * 10**6
    before = columns["bucket_raw"].copy()
    world.tick(6_000)
    world.price(0, PRICE)
    done = world.must(kind=command.FUNDING, signer=command.SEQUENCER, market=0)
    paid = {row["bucket"]: row["amount"] for row in done.of_kind(event.FUNDING_PAID)}
    assert paid == {one: -50, other: 50}
    assert columns["bucket_raw"][one] - before[one] == -50


def test_inv_none_missed_a_swept_bucket_is_measured_anew() -> None:
    """Each settlement may round a micro-USD away; a certificate has room for one a position."""
    world = World(markets=1)
    one, other = world.account(100_000), world.account(100_000)
    world.trade(one, other, 0, PRICE, 10)
    world.liquidate()
    columns = world.venue.columns
    assert columns["count"][trigger_state.FIRED] == 0
    columns["market_index"][0] += 1
    world.tick(6_000)
    world.price(0, PRICE)
    world.must(kind=command.FUNDING, signer=command.SEQUENCER, market=0)
    assert columns["bucket_fired"][one] == columns["bucket_fired"][other] == 1


def test_event_cash_a_moved_position_tells_its_entry_notional() -> None:
    world = World(markets=1)
    one, other = world.account(100_000), world.account(100_000)
    world.trade(one, other, 0, PRICE, 10)
    move = {"kind": command.MOVE_POSITION, "signer": one, "account": one, "market": 0}
    done = world.must(flags=command.ISOLATED, amount=500 * USD, **move)
    (told,) = done.of_kind(event.POSITION_MOVED)
    assert (told["order"], told["amount"]) == (10 * PRICE, 500 * USD)
    assert world.raw(told["other"]) == told["amount"] - told["order"]


def test_cells_of_the_record_have_one_meaning_each() -> None:
    """Three modules once gave cell 54 three meanings."""
    first, last = list(vars(state)).index("SEQUENCE"), list(vars(state)).index("CELLS")
    names = [name for name in list(vars(state))[first:last] if isinstance(getattr(state, name), int)]
    numbers = [getattr(state, name) for name in names]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < state.CELLS
    assert RATE_ONE == 12_000_000


def test_inv_bounds_a_maker_fills_no_further_than_the_listed_size() -> None:
    """Asks for twice the bound rested against a long; reduce-only sales took the long away, and both were filled."""
    world = World(markets=1)
    world.venue.columns["market_listed_size"][0] = 100
    attacker, maker, taker = world.account(10_000_000), world.account(10_000_000), world.account(10_000_000)
    assert place(world, maker, SELL, 100) == code.OK
    assert place(world, attacker, BUY, 100, flags=command.IOC) == code.OK
    for _ in range(2):
        assert place(world, attacker, SELL, 100, price=PRICE + USD) == code.OK
    assert place(world, maker, BUY, 100) == code.OK
    assert place(world, attacker, SELL, 100, flags=command.REDUCE_ONLY | command.IOC) == code.OK
    assert place(world, taker, BUY, 60, price=PRICE + USD, flags=command.IOC) == code.OK
    columns = world.venue.columns
    assert columns["slot_size"][columns["bucket_first"][attacker]] == -60
    done = world.do(
        kind=command.PLACE, signer=maker, account=maker, market=0, price=PRICE + USD, size=60, flags=command.IOC
    )
    assert [row["amount"] for row in done.of_kind(event.CANCELLED)][:1] == [code.POSITION_CAP]
    assert columns["slot_size"][columns["bucket_first"][attacker]] == -100  # up to the bound, and not a lot beyond


def test_post_risk_what_rests_after_fills_has_its_margin_after_the_roundings_of_each() -> None:
    """Each reducing fill rounds the entry; with weighted profit that took a micro-USD more than the plan had left."""
    world = World(markets=1)
    columns = world.venue.columns
    columns["param"][-1, parameter.PROFIT_WEIGHT] = 0
    maker, holder = world.account(10_000_000), world.account(10_000)
    isolate = {"account": holder, "market": 0, "size": 10, "flags": command.ISOLATED}
    world.must(kind=command.SET_LEVERAGE, signer=holder, **isolate)
    world.trade(holder, maker, 0, PRICE, 3)
    world.trade(holder, maker, 0, PRICE + USD // 100, 4)
    for _ in range(20):
        world.tick(1_000)
        world.price(0, PRICE + 4 * USD)
    world.place(maker, 0, BUY, PRICE + 4 * USD, 1)
    world.place(maker, 0, BUY, PRICE + 3 * USD, 1)
    world.place(holder, 0, SELL, PRICE + 3 * USD, 30)
    own = observe.isolated_of(columns, holder, 0)
    picture = observe.picture_of(columns, [own])
    now = health(picture, picture.buckets[own])
    assert picture.buckets[own].positions[0].asks == 28
    assert now.unrealised > 0
    assert now.equity_initial == now.initial
