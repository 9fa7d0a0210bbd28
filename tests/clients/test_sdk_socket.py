"""hyperliquid-python-sdk, unchanged: every subscription that its websocket manager knows."""

from collections.abc import Iterator

import pytest
from client_child import Child
from client_venue import Venue
from sdk_trader import GTC, Ear, Trader


@pytest.fixture
def ear(sdk: Child) -> Iterator[Ear]:
    made = Ear(sdk)
    yield made
    made.close()


def test_streams_of_a_market(ear: Ear, trader: Trader, venue: Venue) -> None:
    price = venue.price("BTC", -0.05)
    for kind in ("l2Book", "trades", "bbo", "activeAssetCtx"):
        ear.subscribe(kind, coin="BTC")
    ear.subscribe("candle", coin="BTC", interval="1m")
    ear.subscribe("allMids")
    book = ear.heard("l2Book")
    assert (book["coin"], len(book["levels"])) == ("BTC", 2)
    assert set(book["levels"][0][0]) == {"px", "sz", "n"}
    bid, ask = ear.heard("bbo")["bbo"]
    assert float(bid["px"]) < float(ask["px"])
    assert set(ear.heard("allMids")["mids"]) == {"BTC", "ETH"}
    context = ear.heard("activeAssetCtx")
    assert (context["coin"], {"markPx", "oraclePx", "funding", "openInterest"} <= set(context["ctx"])) == ("BTC", True)
    trader.rests("BTC", True, 0.1, price, GTC)
    assert ear.heard("l2Book", f'"{price}')["coin"] == "BTC"
    filled = trader.status("market_open", "BTC", True, 0.123)["filled"]
    trade = ear.heard("trades", '"0.123"')[-1]
    assert (trade["coin"], trade["side"], trade["px"]) == ("BTC", "B", filled["avgPx"])
    assert [user.lower() for user in trade["users"]] == [trader.wallet.address, venue.maker.address]
    candle = ear.heard("candle")
    assert (candle["s"], candle["i"]) == ("BTC", "1m")
    assert float(candle["l"]) <= float(candle["c"]) <= float(candle["h"])
    trader.do("market_close", "BTC")


def test_streams_of_a_user(ear: Ear, trader: Trader, venue: Venue) -> None:
    user = trader.wallet.address
    kinds = ("userEvents", "userFills", "orderUpdates", "userFundings", "userNonFundingLedgerUpdates", "webData2")
    for kind in kinds:
        ear.subscribe(kind, user=user)
    ear.subscribe("activeAssetData", user=user, coin="BTC")
    assert ear.heard("userFills", '"isSnapshot": true') == {"user": user, "isSnapshot": True, "fills": []}
    assert ear.heard("userFundings")["fundings"] == []
    assert ear.heard("userNonFundingLedgerUpdates")["isSnapshot"] is True
    assert ear.heard("activeAssetData")["leverage"]["type"] == "cross"
    assert ear.heard("webData2")["clearinghouseState"]["assetPositions"] == []
    oid = trader.rests("BTC", True, 0.1, venue.price("BTC", -0.05), GTC)
    (update,) = ear.heard("orderUpdates", str(oid))
    assert (update["status"], update["order"]["oid"], update["order"]["sz"]) == ("open", oid, "0.1")
    trader.status("cancel", "BTC", oid)
    (update,) = ear.heard("orderUpdates", "canceled")
    assert update["order"]["oid"] == oid
    filled = trader.status("market_open", "BTC", True, 0.2)["filled"]
    (event,) = ear.heard("user", '"fills"')["fills"]
    (fill,) = ear.heard("userFills", str(filled["oid"]))["fills"]
    assert event == fill
    assert (fill["oid"], fill["sz"], fill["dir"]) == (filled["oid"], "0.2", "Open Long")
    assert ear.heard("orderUpdates", '"filled"')[0]["order"]["oid"] == filled["oid"]
    assert ear.heard("webData2", '"szi": "0.2"')["user"] == user
    trader.do("usd_transfer", 5.0, venue.maker.address)
    assert ear.heard("userNonFundingLedgerUpdates", "internalTransfer")["user"] == user
    trader.do("market_close", "BTC")


def test_a_subscription_ends_and_begins_again(ear: Ear, trader: Trader) -> None:
    number = ear.subscribe("l2Book", coin="ETH")
    ear.heard("l2Book")
    assert ear.unsubscribe(number, "l2Book", coin="ETH") is True
    ear.subscribe("l2Book", coin="ETH")
    assert ear.heard("l2Book")["coin"] == "ETH"
    ear.subscribe("userEvents", user=trader.wallet.address)
    trader.status("market_open", "ETH", True, 1)
    assert ear.heard("user", '"fills"')["fills"][0]["coin"] == "ETH"
    trader.do("market_close", "ETH")
