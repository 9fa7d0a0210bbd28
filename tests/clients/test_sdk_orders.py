"""hyperliquid-python-sdk, unchanged: orders of every kind, from placing to what is told about them afterwards."""

import time
from typing import Any

from client_child import Child
from client_venue import SPREAD, Venue
from sdk_trader import ALO, GTC, IOC, Trader, cloid, trigger


def test_a_limit_order_rests_is_found_and_is_cancelled(trader: Trader, venue: Venue) -> None:
    price = venue.price("BTC", -0.05)
    oid = trader.rests("BTC", True, 0.2, price, GTC)
    (order,) = trader.ask("open_orders", trader.wallet.address)
    assert (order["coin"], order["side"], float(order["limitPx"]), order["sz"]) == ("BTC", "B", price, "0.2")
    (full,) = trader.ask("frontend_open_orders", trader.wallet.address)
    assert (full["oid"], full["orderType"], full["tif"], full["isTrigger"], full["children"]) == (
        oid,
        "Limit",
        "Gtc",
        False,
        [],
    )
    told = trader.ask("query_order_by_oid", trader.wallet.address, oid)
    assert told["status"] == "order"
    assert (told["order"]["status"], told["order"]["order"]["oid"]) == ("open", oid)
    book = trader.ask("l2_snapshot", "BTC")
    assert price in [float(level["px"]) for level in book["levels"][0]]
    assert trader.status("cancel", "BTC", oid) == "success"
    assert trader.ask("query_order_by_oid", trader.wallet.address, oid)["order"]["status"] == "canceled"
    assert trader.status("cancel", "BTC", oid) == {
        "error": "Order was never placed, already canceled, or filled. asset=0"
    }
    assert trader.ask("query_order_by_oid", trader.wallet.address, 999_999_999) == {"status": "unknownOid"}


def test_a_client_id_names_the_newest_order_that_has_it(trader: Trader, venue: Venue) -> None:
    address, name, price = trader.wallet.address, cloid(0xABC), venue.price("BTC", -0.05)
    first = trader.status("order", "BTC", True, 0.1, price, GTC, cloid=name)["resting"]
    assert first["cloid"] == name["cloid!"]
    assert trader.ask("query_order_by_cloid", address, name)["order"]["order"]["cloid"] == name["cloid!"]
    assert trader.status("cancel_by_cloid", "BTC", name) == "success"
    second = trader.rests("BTC", True, 0.1, price, GTC, cloid=name)
    assert trader.ask("query_order_by_cloid", address, name)["order"]["order"]["oid"] == second != first["oid"]
    modified = trader.status("modify_order", name, "BTC", True, 0.15, price, GTC, cloid=name)["resting"]["oid"]
    found = trader.ask("query_order_by_cloid", address, name)["order"]
    assert (found["order"]["oid"], found["order"]["sz"], found["status"]) == (modified, "0.15", "open")
    assert trader.status("cancel_by_cloid", "BTC", name) == "success"
    assert trader.ask("open_orders", address) == []


def test_an_order_is_modified_by_its_number(trader: Trader, venue: Venue) -> None:
    price = venue.price("ETH", -0.05)
    oid = trader.rests("ETH", True, 1, price, GTC)
    new = trader.status("modify_order", oid, "ETH", True, 2, price - 1, GTC)["resting"]["oid"]
    (order,) = trader.ask("open_orders", trader.wallet.address)
    assert (order["oid"], float(order["sz"]), float(order["limitPx"])) == (new, 2, price - 1)
    if new != oid:
        gone = trader.status("modify_order", oid, "ETH", True, 2, price, GTC)
        assert gone == {"error": "Cannot modify canceled or filled order"}
    change = {"coin": "ETH", "is_buy": True, "sz": 3.0, "limit_px": price, "order_type": GTC, "reduce_only": False}
    told = trader.statuses("bulk_modify_orders_new", [{"oid": new, "order": change}])
    assert float(trader.ask("open_orders", trader.wallet.address)[0]["sz"]) == 3
    assert trader.statuses("bulk_cancel", [{"coin": "ETH", "oid": told[0]["resting"]["oid"]}]) == ["success"]


def test_many_orders_are_placed_and_cancelled_at_once(trader: Trader, venue: Venue) -> None:
    below = venue.price("BTC", -0.05)
    orders = [
        {"coin": "BTC", "is_buy": True, "sz": 0.01, "limit_px": below - n, "order_type": GTC, "reduce_only": False}
        for n in range(3)
    ]
    orders[1]["limit_px"] = below + 0.123_456  # no tick
    orders[2]["cloid"] = cloid(77)
    one, two, three = trader.statuses("bulk_orders", orders)
    assert two == {"error": "Price must be divisible by tick size. asset=0"}
    assert three["resting"]["cloid"] == cloid(77)["cloid!"]
    assert trader.statuses("bulk_cancel", [{"coin": "BTC", "oid": one["resting"]["oid"]}]) == ["success"]
    gone = trader.statuses("bulk_cancel_by_cloid", [{"coin": "BTC", "cloid": cloid(n)} for n in (77, 78)])
    assert gone == ["success", {"error": "Order was never placed, already canceled, or filled. asset=0"}]


def test_orders_are_refused_in_the_words_that_clients_know(trader: Trader, venue: Venue) -> None:
    mark = venue.price("BTC")

    def refused(*values: Any, **named: Any) -> str:
        words: str = trader.status("order", *values, **named)["error"]
        return words.removesuffix(" asset=0")

    assert refused("BTC", True, 0.00005, mark - 1000, GTC) == "Order must have minimum value of $10."
    assert refused("BTC", True, 500, mark - 1000, GTC) == "Insufficient margin to place order."
    assert refused("BTC", True, 0.1, mark - 1000, GTC, reduce_only=True) == "Reduce only order would increase position."
    assert refused("BTC", True, 0.1, mark - 1000, IOC).startswith("Order could not immediately match against any")
    assert refused("BTC", True, 0.1, mark + 1000, ALO).startswith(
        "Post only order would have immediately matched, bbo was"
    )
    assert refused("BTC", True, 0.1, round(mark * 3), GTC) == "Order price too far from oracle"
    assert trader.ask("open_orders", trader.wallet.address) == []


def test_market_orders_open_and_close(trader: Trader, venue: Venue) -> None:
    filled = trader.status("market_open", "BTC", True, 0.2)["filled"]
    assert filled["totalSz"] == "0.2"
    assert abs(float(filled["avgPx"]) / venue.price("BTC") - 1 - SPREAD) < 0.0005
    position = trader.position("BTC")
    assert (position["szi"], position["entryPx"], position["leverage"]["type"]) == ("0.2", filled["avgPx"], "cross")
    closing = trader.status("market_close", "BTC", cloid=cloid(5))["filled"]
    assert (closing["totalSz"], closing["cloid"]) == ("0.2", cloid(5)["cloid!"])
    assert trader.position("BTC") is None
    opened, closed = sorted(trader.ask("user_fills", trader.wallet.address), key=lambda fill: fill["tid"])
    assert (opened["dir"], opened["side"], opened["startPosition"], float(opened["closedPnl"])) == (
        "Open Long",
        "B",
        "0.0",
        0,
    )
    assert (closed["dir"], closed["side"], closed["startPosition"]) == ("Close Long", "A", "0.2")
    move = 0.2 * (float(closing["avgPx"]) - float(filled["avgPx"]))
    assert abs(float(closed["closedPnl"]) - move) < 1e-5
    assert (opened["oid"], opened["crossed"], opened["feeToken"]) == (filled["oid"], True, "USDC")
    by_time = trader.ask("user_fills_by_time", trader.wallet.address, opened["time"], aggregate_by_time=True)
    assert [fill["oid"] for fill in by_time] == [filled["oid"], closing["oid"]]


def test_take_profit_and_stop_loss_are_attached_to_an_order(trader: Trader, venue: Venue) -> None:
    """grouping normalTpsl: children wait for their parent, and go with it."""
    price = venue.price("BTC", -0.02)
    base = {"coin": "BTC", "sz": 0.1}
    orders = [
        {**base, "is_buy": True, "limit_px": price, "order_type": GTC, "reduce_only": False},
        _stop(base, venue.price("BTC", 0.03), "tp"),
        _stop(base, venue.price("BTC", -0.04), "sl"),
    ]
    parent, *children = trader.statuses("bulk_orders", orders, grouping="normalTpsl")
    assert children == ["waitingForFill", "waitingForFill"]
    (order,) = trader.ask("frontend_open_orders", trader.wallet.address)
    assert sorted(child["orderType"] for child in order["children"]) == ["Stop Market", "Take Profit Market"]
    assert all(child["reduceOnly"] and child["isTrigger"] for child in order["children"])
    assert trader.status("cancel", "BTC", parent["resting"]["oid"]) == "success"
    assert trader.ask("frontend_open_orders", trader.wallet.address) == []
    orders[0]["limit_px"] = venue.price("BTC", 0.01)
    parent, *children = trader.statuses("bulk_orders", orders, grouping="normalTpsl")
    assert parent["filled"]["totalSz"] == "0.1"
    assert children == ["waitingForTrigger", "waitingForTrigger"]
    armed = trader.ask("frontend_open_orders", trader.wallet.address)
    assert sorted(each["orderType"] for each in armed) == ["Stop Market", "Take Profit Market"]
    assert trader.status("market_close", "BTC")["filled"]["totalSz"] == "0.1"


def test_take_profit_and_stop_loss_of_a_whole_position(trader: Trader, venue: Venue) -> None:
    """grouping positionTpsl: they follow the position's size."""
    trader.status("market_open", "ETH", False, 5)
    base = {"coin": "ETH", "sz": 5}
    orders = [
        {**_stop(base, venue.price("ETH", -0.03), "tp"), "is_buy": True},
        {**_stop(base, venue.price("ETH", 0.03), "sl"), "is_buy": True},
    ]
    assert trader.statuses("bulk_orders", orders, grouping="positionTpsl") == ["waitingForTrigger"] * 2
    rests = trader.ask("frontend_open_orders", trader.wallet.address)
    assert [(each["isPositionTpsl"], each["side"], each["reduceOnly"]) for each in rests] == [(True, "B", True)] * 2
    trader.status("market_close", "ETH")
    assert trader.ask("frontend_open_orders", trader.wallet.address) == []
    states = {
        each["order"]["orderType"]: each["status"] for each in trader.ask("historical_orders", trader.wallet.address)
    }
    assert states == {
        "Limit": "filled",
        "Stop Market": "reduceOnlyCanceled",
        "Take Profit Market": "reduceOnlyCanceled",
    }


def test_a_stop_order_by_itself(trader: Trader, venue: Venue) -> None:
    trader.status("market_open", "BTC", True, 0.1)
    level = venue.price("BTC", -0.1)
    stop = trader.rests("BTC", False, 0.1, level - 1000, trigger(level, "sl", is_market=False), reduce_only=True)
    (order,) = trader.ask("frontend_open_orders", trader.wallet.address)
    assert (order["orderType"], order["isTrigger"], float(order["triggerPx"])) == ("Stop Limit", True, level)
    assert order["triggerCondition"] == f"Price below {level}"
    assert trader.status("cancel", "BTC", stop) == "success"
    wrong = trader.status("order", "BTC", False, 0.1, level, trigger(venue.price("BTC", 0.1), "sl"), reduce_only=True)
    assert wrong == {"error": "Invalid TP/SL price. asset=0"}
    trader.do("market_close", "BTC")


def test_all_orders_are_cancelled_at_a_time(trader: Trader, venue: Venue) -> None:
    trader.rests("BTC", True, 0.1, venue.price("BTC", -0.05), GTC)
    now = time.time_ns() // 1_000_000
    assert "5 seconds" in trader.refusal("schedule_cancel", now + 1_000)
    trader.is_ok("schedule_cancel", now + 6_000)
    trader.is_ok("schedule_cancel", None)
    trader.is_ok("schedule_cancel", now + 6_500)
    end = time.monotonic() + 20
    while trader.ask("open_orders", trader.wallet.address):
        assert time.monotonic() < end
        time.sleep(0.2)
    (old,) = trader.ask("historical_orders", trader.wallet.address)
    assert old["status"] == "scheduledCancel"


def test_an_order_that_expired_is_not_taken(trader: Trader, venue: Venue, sdk: Child) -> None:
    now = time.time_ns() // 1_000_000
    assert sdk.call(trader.name, "set_expires_after", now - 1_000) is None
    assert "expired" in trader.refusal("order", "BTC", True, 0.1, venue.price("BTC", -0.05), GTC)
    sdk.call(trader.name, "set_expires_after", now + 60_000)
    assert trader.rests("BTC", True, 0.1, venue.price("BTC", -0.05), GTC) > 0
    sdk.call(trader.name, "set_expires_after", None)


def _stop(base: dict[str, Any], level: int, tpsl: str) -> dict[str, Any]:
    return {**base, "is_buy": False, "limit_px": level, "order_type": trigger(level, tpsl), "reduce_only": True}
