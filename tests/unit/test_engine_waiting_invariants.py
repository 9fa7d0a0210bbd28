"""The invariants of waiting orders can fail: each sabotage of the columns is named."""

from collections.abc import Callable
from typing import Any

import pytest

from seawall.engine.invariants import broken
from seawall.ledger import state
from seawall.margin import trigger_state
from stop_floor import PROFIT, STOP, Floor
from venue_world import BUY, SELL, USD

ROW = 2**21 - 1


@pytest.fixture(scope="module")
def floor() -> Floor:
    """A family, two trailing stops and a stop."""
    made = Floor()
    made.parent = made.place(made.trader, 0, BUY, 99 * USD, 10)
    for trigger, kind in ((95, STOP), (105, PROFIT)):
        made.child = made.place(made.trader, 0, SELL, 0, 10, trigger=trigger * USD, flags=kind, other=made.parent)
    made.trails = [made.trail(5 * USD), made.trail(4 * USD)]
    made.loose = made.stop(90 * USD)
    made.check()
    pool = len(made.venue.columns["bucket_raw"]) - 1  # of the last market, which has a position nobody listed
    slot = int(made.venue.columns["count"][trigger_state.SLOTS_USED])
    made.venue.columns["slot_owner"][slot] = pool
    made.venue.columns["slot_market"][slot] = made.venue.capacity.markets - 1
    made.venue.columns["count"][trigger_state.SLOTS_USED] = slot + 1
    return made


def put(column: str, row: str, value: int) -> Callable[[Any, Floor], None]:
    def change(columns: Any, floor: Floor) -> None:
        identity = getattr(floor, row)
        columns[column][(identity[0] if isinstance(identity, list) else identity) & ROW] = value

    return change


def at(column: str, place: Any, value: int) -> Callable[[Any, Floor], None]:
    def change(columns: Any, _: Floor) -> None:
        columns[column][place] = value

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("INV_FAMILIES", put("order_child", "parent", 0)),
        ("INV_FAMILIES", put("order_parent", "loose", 1)),
        ("INV_FAMILIES", put("order_waiting", "loose", 1)),
        ("INV_FAMILIES", put("order_child", "loose", 1)),
        ("INV_TRAILING", at("trail_count", 0, 1)),
        ("INV_TRAILING", put("order_after", "trails", 2)),
        ("INV_TRAILING", at("trail_low", 0, 0)),
        ("INV_TRAILING", at("trail_high", 0, 2**40)),
        ("INV_TRAILING", at("trail_extreme", (0, 0), 98 * USD)),
        ("INV_TRIGGER_COUNTS", at("bucket_stops", 1, 4)),
        ("INV_TRIGGER_COUNTS", at("bucket_closed", 1, 1)),
        ("INV_TRIGGER_COUNTS", at("cell", state.CLOSED, 1)),
        ("INV_POOLS", at("bucket_orders", -1, 1)),
        ("INV_POOLS", at("bucket_market", -1, 0)),
    ],
)
def test_sabotage_is_named(floor: Floor, name: str, change: Callable[[Any, Floor], None]) -> None:
    copy = floor.venue.copy()
    change(copy.columns, floor)
    assert name in [fault.name for fault in broken(copy.columns)]
