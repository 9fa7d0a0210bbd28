"""The websocket as clients see it: every stream's first message and its updates, over a real server."""

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.terms import command
from ws_rig import MAKER, OTHER, TAKER, Client, Server, key, user, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ws")) as made:
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A venue whose prices and clock a test may move."""
    with Server(tmp_path) as made:
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.connect() as made:
        yield made


@pytest.fixture(autouse=True)
def _no_orders(server: Server) -> Iterator[None]:
    yield
    for who in (MAKER, TAKER):
        account = server.rig.service.people.account_of(who.address)
        cancels = [{"a": one.market, "o": one.oid} for one in server.rig.service.mirror.orders.of_account(account)]
        if cancels:
            server.do(server.rig.act(who, {"type": "cancel", "cancels": cancels}))


def test_books_are_sent_whole_when_they_change(server: Server, client: Client) -> None:
    echo = client.subscribe("l2Book", coin="BTC")
    assert echo == {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False}
    assert client.next("l2Book")["levels"] == [[], []]
    server.order(MAKER, False, "50000", "1.5")
    book = client.next("l2Book")
    assert book["coin"] == "BTC"
    assert isinstance(book["time"], int)
    assert book["levels"] == [[], [{"px": "50000.0", "sz": "1.5", "n": 1}]]
    server.order(MAKER, False, "50000", "0.5")
    assert client.next("l2Book")["levels"][1] == [{"px": "50000.0", "sz": "2.0", "n": 2}]
    client.none("l2Book")


def test_fast_books_have_five_levels(server: Server, client: Client) -> None:
    for place in range(7):
        server.order(MAKER, False, str(50_000 + place), "1")
    client.subscribe("l2Book", coin="BTC", fast=True)
    book = client.next("l2Book")
    assert book["fast"] is True
    assert [level["px"] for level in book["levels"][1]] == [f"{50_000 + place}.0" for place in range(5)]


def test_best_prices_are_sent_when_they_change(server: Server, client: Client) -> None:
    client.subscribe("bbo", coin="BTC")
    assert client.next("bbo")["bbo"] == [None, None]
    server.order(MAKER, False, "50000", "1")
    assert client.next("bbo")["bbo"] == [None, {"px": "50000.0", "sz": "1.0", "n": 1}]
    server.order(MAKER, False, "50010", "1")
    client.none("bbo")
    server.order(MAKER, True, "49990", "1")
    assert client.next("bbo")["bbo"][0] == {"px": "49990.0", "sz": "1.0", "n": 1}


def test_trades_come_with_those_before(server: Server, client: Client) -> None:
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.2", tif="Ioc")
    client.subscribe("trades", coin="BTC")
    before = client.next("trades")
    assert before[-1]["sz"] == "0.2"
    assert before[-1]["users"] == [user(TAKER), user(MAKER)]
    server.order(TAKER, True, "50000", "0.3", tif="Ioc")
    (trade,) = client.next("trades")
    assert (trade["coin"], trade["px"], trade["sz"], trade["side"]) == ("BTC", "50000.0", "0.3", "B")
    assert trade["tid"] > before[-1]["tid"]
    with server.connect() as later:
        later.subscribe("trades", coin="BTC")
        assert later.next("trades") == [*before, trade][-50:]


def test_candles_follow_trades(own: Server) -> None:
    with own.connect() as client:
        client.subscribe("candle", coin="BTC", interval="1m")
        own.order(MAKER, False, "50000", "1")
        own.order(TAKER, True, "50000", "0.1", tif="Ioc")
        assert client.next("candle", where=lambda data: data["n"])["v"] == "0.1"
        own.order(TAKER, True, "50000", "0.1", tif="Ioc")
        candle = client.next("candle", where=lambda data: data["n"] == 2)
        assert (candle["s"], candle["i"], candle["T"] - candle["t"]) == ("BTC", "1m", 59_999)
        assert (candle["v"], candle["n"]) == ("0.2", 2)
        with own.connect() as later:
            later.subscribe("candle", coin="BTC", interval="1m")
            assert later.next("candle") == candle


def test_mids_and_contexts_follow_book_and_mark(own: Server) -> None:
    with own.connect() as client:
        assert client.subscribe("allMids") == {"type": "allMids"}
        assert client.subscribe("activeAssetCtx", coin="BTC") == {"type": "activeAssetCtx", "coin": "BTC"}
        assert client.subscribe("assetCtxs") == {"type": "assetCtxs", "dex": ""}
        client.subscribe("allDexsAssetCtxs")
        client.subscribe("fastAssetCtxs")
        first = client.next("activeAssetCtx")
        assert set(first) == {"coin", "ctx"}
        assert len(client.next("assetCtxs")["ctxs"]) == 2
        assert client.next("allDexsAssetCtxs")["ctxs"][0][0] == ""
        packed = client.next("fastAssetCtxs")
        assert set(json.loads(zlib.decompress(base64.b64decode(packed), -15))) == {"BTC", "ETH"}
        own.do(own.rig.price(0, 50_500_000))
        client.next("activeAssetCtx", where=lambda data: data["ctx"]["markPx"] != first["ctx"]["markPx"])
        own.order(MAKER, False, "50010", "1")
        own.order(MAKER, True, "49990", "1")
        assert client.next("allMids", where=lambda data: "BTC" in data["mids"])["mids"]["BTC"] == "50000.0"
        context = client.next("activeAssetCtx", where=lambda data: data["ctx"]["midPx"] is not None)
        assert context["coin"] == "BTC"


def test_fills_begin_with_a_snapshot(server: Server, client: Client) -> None:
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.1", tif="Ioc")
    echo = client.subscribe("userFills", user=user(TAKER).upper().replace("0X", "0x"))
    assert echo == {"type": "userFills", "user": user(TAKER), "aggregateByTime": False}
    first = client.next("userFills")
    assert first["isSnapshot"] is True
    assert first["user"] == user(TAKER)
    assert first["fills"][0]["sz"] == "0.1"
    server.order(TAKER, True, "50000", "0.25", tif="Ioc")
    second = client.next("userFills")
    assert "isSnapshot" not in second
    assert [fill["sz"] for fill in second["fills"]] == ["0.25"]
    assert second["fills"][0]["tid"] > first["fills"][0]["tid"]


def test_fills_of_one_order_are_one_when_asked_so(server: Server, client: Client) -> None:
    server.order(MAKER, False, "50000", "0.1")
    server.order(MAKER, False, "50001", "0.1")
    client.subscribe("userFills", user=user(TAKER), aggregateByTime=True)
    client.next("userFills")
    with server.connect() as other:
        other.subscribe("userFills", user=user(TAKER))
        other.next("userFills")
        server.order(TAKER, True, "50001", "0.2", tif="Ioc")
        assert len(client.next("userFills")["fills"]) == 1
        assert len(other.next("userFills")["fills"]) == 2


def test_orders_are_told_from_live_ones_on(server: Server, client: Client) -> None:
    first = server.order(MAKER, False, "50000", "1")["resting"]["oid"]
    client.subscribe("orderUpdates", user=user(MAKER))
    (live,) = client.next("orderUpdates")
    assert (live["order"]["oid"], live["status"]) == (first, "open")
    second = server.order(MAKER, False, "50100", "2")["resting"]["oid"]
    assert [(one["order"]["oid"], one["status"]) for one in client.next("orderUpdates")] == [(second, "open")]
    server.order(TAKER, True, "50000", "0.4", tif="Ioc")
    (part,) = client.next("orderUpdates")
    assert (part["order"]["oid"], part["order"]["sz"], part["order"]["origSz"]) == (first, "0.6", "1.0")
    server.do(server.rig.act(MAKER, {"type": "cancel", "cancels": [{"a": 0, "o": second}]}))
    (gone,) = client.next("orderUpdates")
    assert (gone["order"]["oid"], gone["status"]) == (second, "canceled")


def test_an_order_is_told_once_for_what_happened_together(server: Server, client: Client) -> None:
    for price in ("50000", "50001", "50002", "50003"):
        server.order(MAKER, False, price, "0.1")
    client.subscribe("orderUpdates", user=user(TAKER))
    server.order(TAKER, True, "50003", "0.4", tif="Ioc")
    assert [one["status"] for one in client.next("orderUpdates")] == ["filled"]
    client.none("orderUpdates")


def test_nothing_is_told_of_an_account_without_orders_until_there_is_one(server: Server, client: Client) -> None:
    client.subscribe("orderUpdates", user=user(MAKER))
    client.none("orderUpdates")
    server.order(MAKER, False, "50000", "1")
    assert client.next("orderUpdates")[0]["status"] == "open"


def test_user_events_are_on_the_channel_user(server: Server, client: Client) -> None:
    client.subscribe("userEvents", user=user(TAKER))
    client.none("user")
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.1", tif="Ioc")
    assert [fill["sz"] for fill in client.next("user")["fills"]] == ["0.1"]


def test_past_orders_are_told_with_their_states(server: Server, client: Client) -> None:
    client.subscribe("userHistoricalOrders", user=user(MAKER))
    assert client.next("userHistoricalOrders")["isSnapshot"] is True
    oid = server.order(MAKER, False, "50000", "1")["resting"]["oid"]
    (told,) = client.next("userHistoricalOrders")["orderHistory"]
    assert (told["order"]["oid"], told["status"]) == (oid, "open")


def test_ledger_updates_tell_deposits(server: Server, client: Client) -> None:
    client.subscribe("userNonFundingLedgerUpdates", user=user(MAKER))
    first = client.next("userNonFundingLedgerUpdates")
    assert first["isSnapshot"] is True
    assert first["nonFundingLedgerUpdates"][-1]["delta"]["type"] == "deposit"
    server.do(server.rig.fund(MAKER, 5))
    (told,) = client.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"]
    assert told["delta"] == {"type": "deposit", "usdc": "5.0"}


def test_twaps_and_their_slices_are_told(server: Server, client: Client) -> None:
    who = user(TAKER)
    server.order(MAKER, False, "50000", "5")
    for kind in ("userTwapHistory", "userTwapSliceFills"):
        client.subscribe(kind, user=who)
        assert client.next(kind)["isSnapshot"] is True
    client.subscribe("twapStates", user=who)
    assert client.next("twapStates") == {"dex": "", "user": who, "states": []}
    action = {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": "1", "r": False, "m": 5, "t": False}}
    told = server.do(server.rig.act(TAKER, action))
    assert told["status"] == "ok", told
    (begun,) = client.next("userTwapHistory")["history"]
    assert begun["status"] == {"status": "activated"}
    assert client.next("twapStates")["states"][0][0] == begun["twapId"]
    for _ in range(40):
        server.do(server.rig.price(0, 50_000_000))
    (sliced, *_) = client.next("userTwapSliceFills")["twapSliceFills"]
    assert sliced["twapId"] == begun["twapId"]
    stopped = server.do(server.rig.act(TAKER, {"type": "twapCancel", "a": 0, "t": begun["twapId"]}))
    assert stopped["status"] == "ok", stopped


STATES = {
    "clearinghouseState": {"dex", "user", "clearinghouseState"},
    "allDexsClearinghouseState": {"user", "clearinghouseStates"},
    "openOrders": {"dex", "user", "orders"},
    "spotState": {"user", "spotState"},
    "webData3": {"userState", "perpDexStates"},
    "twapStates": {"dex", "user", "states"},
}


@pytest.mark.parametrize("kind", STATES)
def test_states_of_accounts_come_at_once_and_after_each_change(server: Server, client: Client, kind: str) -> None:
    client.subscribe(kind, user=user(MAKER))
    assert set(client.next(kind)) == STATES[kind]
    server.order(MAKER, False, "50000", "1")
    client.next(kind)


def test_the_state_of_an_account_is_that_of_now(server: Server, client: Client) -> None:
    client.subscribe("clearinghouseState", user=user(MAKER))
    value = float(client.next("clearinghouseState")["clearinghouseState"]["withdrawable"])
    server.do(server.rig.fund(MAKER, 7))
    later = client.next("clearinghouseState")
    assert later["user"] == user(MAKER)
    assert float(later["clearinghouseState"]["withdrawable"]) == value + 7


def test_web_data_and_asset_data(server: Server, client: Client) -> None:
    client.subscribe("webData2", user=user(MAKER))
    assert client.next("webData2")["user"] == user(MAKER)
    client.subscribe("activeAssetData", user=user(MAKER), coin="BTC")
    assert client.next("activeAssetData")["coin"] == "BTC"
    server.order(MAKER, False, "50000", "1")
    client.next("webData2", where=lambda data: len(data["openOrders"]) == 1)  # one of its period may come before
    client.next("activeAssetData")


def test_money_outside_margin_is_the_owners_spot_state(server: Server, client: Client) -> None:
    who = key(21)
    server.do(server.rig.fund(who, 1_000))
    client.subscribe("spotState", user=user(who))
    assert outside(client.next("spotState")) == 0
    told = server.do(server.rig.act(who, {"type": "usdClassTransfer", "amount": "10", "toPerp": False}))
    assert told["status"] == "ok", told
    client.next("spotState", where=lambda data: outside(data) == 10)


def outside(data: Any) -> float:
    """USD in a spotState."""
    return sum(float(balance["total"]) for balance in data["spotState"]["balances"])


def test_a_stranger_has_empty_states_and_is_followed_once_it_has_an_account(server: Server, client: Client) -> None:
    who = key(22)
    client.subscribe("clearinghouseState", user=user(who))
    assert client.next("clearinghouseState")["clearinghouseState"]["withdrawable"] == "0.0"
    for kind in ("userFills", "userFundings", "userNonFundingLedgerUpdates", "userTwapHistory"):
        client.subscribe(kind, user=user(who))
        assert client.next(kind)["isSnapshot"] is True
    client.subscribe("orderUpdates", user=user(who))
    server.do(server.rig.fund(who, 500))
    client.next("clearinghouseState", where=lambda data: data["clearinghouseState"]["withdrawable"] == "500.0")
    assert client.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"][0]["delta"]["type"] == "deposit"


def test_funding_is_told_as_it_is_settled(own: Server) -> None:
    own.order(MAKER, False, "50000", "1")
    own.order(TAKER, True, "50000", "1", tif="Ioc")
    with own.connect() as client:
        client.subscribe("userFundings", user=user(TAKER))
        assert client.next("userFundings")["isSnapshot"] is True
        client.subscribe("userEvents", user=user(TAKER))
        own.do(funding(own))
        (payment,) = client.next("userFundings")["fundings"]
        assert set(payment) == {"time", "coin", "usdc", "szi", "fundingRate", "nSamples"}
        assert client.next("user", where=lambda data: "funding" in data)["funding"] == payment


async def funding(server: Server) -> None:
    """An hour of samples, its end, and an order that settles what it came to."""
    rig = server.rig
    sample = {"kind": command.FUNDING, "signer": command.SEQUENCER, "market": 0}
    for _ in range(62):
        rig.now += 59_000
        await rig.price(0, 50_000_000)
        await rig.rows(sample)
    status = {"kind": command.SET_STATUS, "signer": command.ADMIN, "market": 0}
    for one in (command.CANCELLING, command.POSTING, command.ACTIVE):
        await rig.rows({**status, "flags": one})
    await rig.order(TAKER, True, "50000", "0.01")


NOTHING: list[tuple[dict[str, Any], str, Any]] = [
    ({"type": "allMids", "dex": "xyz"}, "allMids", {"dex": "xyz", "mids": {}}),
    ({"type": "assetCtxs", "dex": "xyz"}, "assetCtxs", {"dex": "xyz", "ctxs": []}),
    ({"type": "spotAssetCtxs"}, "spotAssetCtxs", []),
    ({"type": "outcomeMetaUpdates"}, "outcomeMetaUpdates", {"updates": []}),
    ({"type": "trades", "coin": "PURR/USDC"}, "trades", []),
]


@pytest.mark.parametrize(("subscription", "channel", "data"), NOTHING)
def test_what_is_not_offered_says_none(client: Client, subscription: dict[str, Any], channel: str, data: Any) -> None:
    client.send({"method": "subscribe", "subscription": subscription})
    assert client.next("subscriptionResponse")["subscription"] == subscription
    assert client.next(channel) == data


def test_spot_pairs_answer_on_their_own_channel(client: Client) -> None:
    client.subscribe("activeAssetCtx", coin="@1")
    assert client.next("activeSpotAssetCtx")["ctx"]["midPx"] is None
    client.subscribe("l2Book", coin="@1")
    assert client.next("l2Book")["levels"] == [[], []]
    client.subscribe("bbo", coin="@1")
    assert client.next("bbo")["bbo"] == [None, None]
    client.subscribe("candle", coin="@1", interval="1m")
    client.none("candle")


def test_pings_and_posts(server: Server, client: Client) -> None:
    client.send({"method": "ping"})
    assert client.next("pong") is None
    client.send({"method": "post", "id": 7, "request": {"type": "info", "payload": {"type": "l2Book", "coin": "BTC"}}})
    told = client.next("post")
    assert told["id"] == 7
    assert told["response"]["type"] == "info"
    assert told["response"]["payload"]["type"] == "l2Book"
    assert told["response"]["payload"]["data"]["coin"] == "BTC"
    order = {"a": 0, "b": False, "p": "50000", "s": "1", "r": False, "t": {"limit": {"tif": "Gtc"}}}
    action = server.rig.request(MAKER, {"type": "order", "orders": [order], "grouping": "na"})
    client.send({"method": "post", "id": 8, "request": {"type": "action", "payload": action}})
    told = client.next("post")
    assert (told["id"], told["response"]["type"]) == (8, "action")
    assert "resting" in told["response"]["payload"]["response"]["data"]["statuses"][0]


def test_a_liquidation_is_told_to_whom_it_happens(own: Server) -> None:
    who = key(23)
    own.do(own.rig.fund(who, 3_000))
    own.order(MAKER, False, "50000", "1")
    own.order(MAKER, True, "46000", "1")
    assert "filled" in own.order(who, True, "50000", "1", tif="Ioc")
    with own.connect() as client:
        client.subscribe("userEvents", user=user(who))
        client.subscribe("notification", user=user(who))
        own.do(own.rig.move(0, 47_000_000))
        told = client.next("user", where=lambda data: "liquidation" in data)["liquidation"]
        assert told["liquidated_user"] == user(who)
        assert float(told["liquidated_ntl_pos"]) > 40_000
        assert "liquidated" in client.next("notification")["notification"]


def test_subscriptions_of_one_connection_are_its_own(server: Server, client: Client) -> None:
    with server.connect() as other:
        client.subscribe("bbo", coin="BTC")
        client.next("bbo")
        other.subscribe("orderUpdates", user=user(OTHER))
        server.order(MAKER, False, "50000", "1")
        client.next("bbo")
        other.none("bbo")
        assert other.kept == []


def test_a_stream_ends_when_it_is_unsubscribed(server: Server, client: Client) -> None:
    client.subscribe("bbo", coin="BTC")
    client.next("bbo")
    assert client.unsubscribe("bbo", coin="BTC") == {"type": "bbo", "coin": "BTC"}
    server.order(MAKER, False, "50000", "1")
    client.none("bbo")
    client.subscribe("bbo", coin="BTC")
    assert client.next("bbo")["bbo"][1]["px"] == "50000.0"


def test_streams_that_nobody_reads_are_gone(server: Server) -> None:
    with server.connect() as client:
        client.subscribe("bbo", coin="ETH")
        client.subscribe("clearinghouseState", user=user(OTHER))
        client.next("clearinghouseState")
        assert len(server.hub.topics) == 2
    wait_until(lambda: not server.hub.readers)
    assert server.hub.topics == {}
    assert server.hub.watch.books == {}
    assert server.hub.watch.strangers == {}
    assert server.hub.watch.states == {}
