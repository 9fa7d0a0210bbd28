"""What real clients hear when prices move: a stop that fires, and a liquidation."""

from collections.abc import Iterator

import pytest
from client_child import Child
from client_venue import Venue
from nktkas_desk import Desk
from sdk_trader import Ear, Trader, trigger
from test_ccxt import ETH, exchange_of

pytestmark = pytest.mark.slow  # node and its modules

BEFORE = 4_000


@pytest.fixture
def moving(venue: Venue) -> Iterator[Venue]:
    """The venue, whose ETH is brought back to where it was."""
    yield venue
    venue.move("ETH", BEFORE)


def test_a_stop_fires(moving: Venue, trader: Trader, sdk: Child) -> None:
    ear, user = Ear(sdk), trader.wallet.address
    ear.subscribe("orderUpdates", user=user)
    ear.subscribe("userFills", user=user)
    trader.status("market_open", "ETH", True, 5)
    stop = trader.rests("ETH", False, 5, 3_700, trigger(3_900, "sl"), reduce_only=True)
    take = trader.rests("ETH", False, 5, 4_500, trigger(4_500, "tp"), reduce_only=True)
    moving.move("ETH", 3_880)
    (fill,) = ear.heard("userFills", f'"oid": {stop}')["fills"]
    assert (fill["dir"], fill["sz"]) == ("Close Long", "5.0")
    updates = list(ear.heard("orderUpdates", f'"oid": {stop}'))
    assert {update["status"] for update in updates} <= {"open", "triggered", "filled"}
    assert trader.position("ETH") is None
    assert trader.ask("query_order_by_oid", user, stop)["order"]["status"] == "filled"
    assert trader.ask("query_order_by_oid", user, take)["order"]["status"] == "reduceOnlyCanceled"
    ear.close()


def test_a_liquidation(moving: Venue, trader: Trader, sdk: Child, nktkas: Child) -> None:
    """An isolated long of 25x loses 4 %: every client is told what became of it, in its own shape."""
    ear, user = Ear(sdk), trader.wallet.address
    for kind in ("userEvents", "userFills"):
        ear.subscribe(kind, user=user)
    desk = Desk(nktkas, "ws", trader.wallet)
    for method in ("userEvents", "userFills", "notification", "userNonFundingLedgerUpdates", "userHistoricalOrders"):
        desk.subscribe(method, {"user": user})
    trader.is_ok("update_leverage", 25, "ETH", is_cross=False)
    trader.status("market_open", "ETH", True, 5)
    level = float(trader.position("ETH")["liquidationPx"])
    moving.move("ETH", round(level * 0.995))
    event = ear.heard("user", '"liquidation"')
    assert "liquidation" in event or "liquidation" in event["fills"][0]
    (fill, *_) = ear.heard("userFills", '"liquidation"')["fills"]
    assert fill["liquidation"]["liquidatedUser"] == user
    assert fill["liquidation"]["method"] in ("market", "backstop")
    assert desk.heard("userFills", '"liquidation"')
    assert desk.heard("userEvents", '"liquidat')
    assert desk.heard("notification")
    for method in ("userFills", "historicalOrders", "userNonFundingLedgerUpdates", "clearinghouseState", "webData2"):
        desk.ask(method, {"user": user})
    exchange = exchange_of(moving, trader.wallet)
    (liquidation, *_) = exchange.fetch_my_liquidations(ETH)
    assert (liquidation["symbol"], liquidation["contracts"]) == (ETH, float(fill["sz"]))
    exchange.session.close()
    ear.close()
