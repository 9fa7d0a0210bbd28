"""The reporter of signed prices: none of its reports is passed over."""

from fast_chain import KEY, FastWorld

from seawall.chain import layout as at
from seawall.chain.development import Development


def price_of(world: FastWorld) -> int:
    return at.unpack(at.PRICE_WORD, world.word(at.market_key(at.PRICE, 0)))["price"]


def test_reports_within_one_second_each_count() -> None:
    """Blocks of one second share their time: a report with that of the one before would be passed over."""
    world = FastWorld()
    now = world.venue.now_ms()
    world.venue.now_ms = lambda: now  # type: ignore[method-assign]
    for price in (985, 984, 983):
        assert world.price(price, 100) == [0, 0]
        assert price_of(world) == price * 100


def test_a_new_process_reports_after_the_one_before() -> None:
    world = FastWorld()
    now = world.venue.now_ms()
    world.venue.now_ms = lambda: now  # type: ignore[method-assign]
    world.price(985, 100)
    world.venue = Development(world.client, world.record, {"one": KEY})
    world.venue.now_ms = lambda: now  # type: ignore[method-assign]
    world.price(984, 100)
    assert price_of(world) == 98_400
