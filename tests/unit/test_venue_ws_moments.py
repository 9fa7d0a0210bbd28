"""What a reader sees when things happen at an awkward moment: while its snapshot is made, before the disk has it, at
the end of a minute, after its market is gone."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.terms import command
from seawall.venue.names import name_pair
from seawall.venue.wire import LimitedError
from ws_rig import MAKER, TAKER, Server, key, user


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as made:
        yield made
        assert made.hub.counters.faults == 0


@pytest.mark.parametrize("is_in_snapshot", [True, False])
def test_a_fill_while_the_snapshot_is_made_is_told_once(server: Server, is_in_snapshot: bool) -> None:
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.1", tif="Ioc")
    history, fills = server.rig.service.history, server.rig.service.history.fills

    async def late(*arguments: Any, **more: Any) -> Any:
        history.fills = fills
        found = None if is_in_snapshot else await fills(*arguments, **more)
        await server.rig.order(TAKER, True, "50000", "0.2", tif="Ioc")
        await asyncio.sleep(0.05)  # lanes publish
        return await fills(*arguments, **more) if found is None else found

    history.fills = late
    with server.connect() as client:
        client.subscribe("userFills", user=user(TAKER))
        first = client.next("userFills")
        assert first["isSnapshot"] is True
        told = [fill["sz"] for fill in first["fills"]]
        if not is_in_snapshot:
            assert told == ["0.1"]
            later = client.next("userFills")
            assert "isSnapshot" not in later
            told = [fill["sz"] for fill in (*later["fills"], *first["fills"])]
        assert told == ["0.2", "0.1"]
        client.none("userFills")
        server.order(TAKER, True, "50000", "0.3", tif="Ioc")
        assert [fill["sz"] for fill in client.next("userFills")["fills"]] == ["0.3"]


def test_a_trade_while_the_first_reader_comes_is_told_once(server: Server) -> None:
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.1", tif="Ioc")
    history, fills = server.rig.service.history, server.rig.service.history.market_fills

    async def late(*arguments: Any) -> Any:
        history.market_fills = fills
        await server.rig.order(TAKER, True, "50000", "0.2", tif="Ioc")
        await asyncio.sleep(0.05)
        return await fills(*arguments)

    history.market_fills = late
    with server.connect() as client:
        client.subscribe("trades", coin="BTC")
        assert [trade["sz"] for trade in client.next("trades")] == ["0.1", "0.2"]
        client.none("trades")


def test_nothing_is_shown_before_the_disk_has_it(server: Server) -> None:
    writer, gate = server.rig.service.desk.writer, threading.Event()
    sync = writer.sync

    def held() -> None:
        assert gate.wait(20)
        sync()

    with server.connect() as client:
        for kind in ("bbo", "l2Book"):
            client.subscribe(kind, coin="BTC")
            client.next(kind)
        client.subscribe("openOrders", user=user(MAKER))
        assert client.next("openOrders")["orders"] == []
        writer.sync = held

        async def ordered() -> None:
            placing = asyncio.ensure_future(server.rig.order(MAKER, False, "50000", "1"))
            await asyncio.sleep(0.1)  # applied, not synced
            for topic in server.hub.topics.values():
                topic.mark()
            placing.add_done_callback(lambda _: None)

        server.do(ordered())
        for kind in ("bbo", "l2Book", "openOrders"):
            client.none(kind)
        gate.set()
        assert client.next("bbo")["bbo"][1]["px"] == "50000.0"
        assert client.next("l2Book")["levels"][1]
        assert client.next("openOrders", where=lambda data: data["orders"])
        writer.sync = sync


def test_a_candle_is_told_as_it_was_when_it_ended(tmp_path: Path) -> None:
    with Server(tmp_path, candle_ms=400) as server, server.connect() as client:
        client.subscribe("candle", coin="BTC", interval="1m")
        server.order(MAKER, False, "50000", "1")
        server.order(TAKER, True, "50000", "0.1", tif="Ioc")
        first = client.next("candle", where=lambda data: data["n"] == 1)
        server.order(TAKER, True, "50000", "0.2", tif="Ioc")
        server.do(minute(server))
        assert "filled" in server.order(TAKER, True, "50000", "0.3", tif="Ioc")
        closed = client.next("candle", where=lambda data: data["n"] == 2)
        assert (closed["t"], closed["v"]) == (first["t"], "0.3")
        opened = client.next("candle", where=lambda data: data["t"] > first["t"] and data["n"] == 1)
        assert (opened["t"], opened["v"]) == (first["t"] + 60_000, "0.3")


async def minute(server: Server) -> None:
    """A minute of prices, a second apart, within the gap of two messages."""
    for _ in range(60):
        await server.rig.price(0, 50_000_000)


def test_books_are_grouped_as_asked(server: Server) -> None:
    for price in ("50012", "50013", "50018"):
        server.order(MAKER, False, price, "1")
    with server.connect() as client:
        client.subscribe("l2Book", coin="BTC", nSigFigs=4)
        assert [level["px"] for level in client.next("l2Book")["levels"][1]] == ["50020.0"]
        client.subscribe("l2Book", coin="BTC", nSigFigs=5, mantissa=5)
        assert [level["px"] for level in client.next("l2Book")["levels"][1]] == ["50015.0", "50020.0"]


def test_states_come_again_when_nothing_happens(tmp_path: Path) -> None:
    with Server(tmp_path, state_seconds=1) as server, server.connect() as client:
        client.subscribe("clearinghouseState", user=user(MAKER))
        for _ in range(3):
            client.next("clearinghouseState", timeout=3.5)


def test_the_ledger_tells_of_money_outside_margin_and_of_liquidations(server: Server) -> None:
    who, friend = key(31), key(32)
    server.do(server.rig.fund(who, 3_500))
    server.do(server.rig.fund(friend, 10))
    with server.connect() as client:
        client.subscribe("userNonFundingLedgerUpdates", user=user(who))
        client.next("userNonFundingLedgerUpdates")
        server.do(server.rig.act(who, {"type": "usdClassTransfer", "amount": "400", "toPerp": False}))
        (moved,) = client.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"]
        assert moved["delta"] == {"type": "accountClassTransfer", "usdc": "400.0", "toPerp": False}
        server.do(sent(server, who, friend))
        (paid,) = client.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"]
        assert (paid["delta"]["type"], paid["delta"]["amount"]) == ("spotTransfer", "7.0")
        server.order(MAKER, False, "50000", "1")
        server.order(MAKER, True, "46000", "1")
        assert "filled" in server.order(who, True, "50000", "1", tif="Ioc")
        server.do(server.rig.move(0, 47_000_000))
        told: list[Any] = []
        while not any(one["delta"]["type"] == "liquidation" for one in told):
            told += client.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"]
        with server.connect() as later:
            later.subscribe("userNonFundingLedgerUpdates", user=user(who))
            past = later.next("userNonFundingLedgerUpdates")["nonFundingLedgerUpdates"]
        assert [one["delta"]["type"] for one in past][:2] == ["deposit", "accountClassTransfer"]
        assert paid in past
        assert all(one in past for one in told)


async def sent(server: Server, who: Any, friend: Any) -> None:
    """Seven USD from what one owner holds outside margin to another's account."""
    people = server.rig.service.people
    giver, taker = (people.account_of(one.address) for one in (who, friend))
    server.rig.nonces += 1
    row = {"kind": command.TRANSFER, "signer": giver, "nonce": server.rig.nonces, "amount": 7_000_000}
    assert await server.rig.rows({**row, "account": people.persons[giver].spot, "other": taker}) == [0]


def test_orders_that_the_venue_cancels_are_told_as_such(server: Server) -> None:
    oid = server.order(MAKER, False, "50000", "1")["resting"]["oid"]
    with server.connect() as client:
        client.subscribe("userEvents", user=user(MAKER))
        server.order(MAKER, True, "50000", "0.5")  # would trade with oneself
        status = {"kind": command.DELIST, "signer": command.ADMIN, "market": 0}
        server.do(server.rig.rows(status))
        found = client.next("user", where=lambda data: {"coin": "BTC", "oid": oid} in data.get("nonUserCancel", ()))
        assert found


def test_the_streams_of_a_market_whose_number_is_anothers_fall_silent(server: Server) -> None:
    admin = {"signer": command.ADMIN, "market": 0}
    high, low = name_pair("DOGE", "coin")
    name = {"client_high": high, "client_low": low}
    with server.connect() as client:
        for kind in ("bbo", "l2Book", "trades", "activeAssetCtx"):
            client.subscribe(kind, coin="BTC")
        client.subscribe("candle", coin="BTC", interval="1m")
        client.subscribe("activeAssetData", coin="BTC", user=user(MAKER))
        assert client.next("activeAssetCtx")["coin"] == "BTC"
        server.do(delisted(server))
        listed = server.do(server.rig.rows({"kind": command.LIST_MARKET, **admin, "other": 3, "price": 2**31, **name}))
        assert listed == [0]
        client.none("pong")
        client.kept.clear()
        for topic in [*server.hub.topics.values()]:
            server.loop.call_soon_threadsafe(topic.mark)
        client.none("pong", 0.5)
        assert {message["channel"] for message in client.kept} <= {"activeAssetData"}


async def delisted(server: Server) -> None:
    """The first market is delisted, and its number free again."""
    step = {"kind": command.LIQUIDATE, "signer": command.SEQUENCER, "size": 1_000}
    assert await server.rig.rows({"kind": command.DELIST, "signer": command.ADMIN, "market": 0}) == [0]
    for _ in range(70):
        await server.rig.price(1, 2_000_000)
        await server.rig.rows(step)


def test_what_is_posted_passes_the_gate_as_over_http(server: Server) -> None:
    seen: list[Any] = []

    class Gate:
        def ask(self, route: str, host: str, body: Any) -> None:
            seen.append((route, host, body["type"] if route == "/info" else body["action"]["type"]))
            if len(seen) > 2 and route == "/exchange":
                raise LimitedError("Too many requests")

        def answered(self, route: str, host: str, body: Any, answer: Any) -> None:
            seen.append((route, host, body["type"], type(answer)))

    server.hub.gate = Gate()
    with server.connect() as client:
        info = {"method": "post", "id": 1, "request": {"type": "info", "payload": {"type": "allMids"}}}
        client.send(info)
        assert client.next("post")["response"]["type"] == "info"
        action = server.rig.request(MAKER, {"type": "noop"})
        client.send({"method": "post", "id": 2, "request": {"type": "action", "payload": action}})
        assert client.next("post")["response"] == {"type": "error", "payload": "Too many requests"}
    assert seen == [
        ("/info", "127.0.0.1", "allMids"),
        ("/info", "127.0.0.1", "allMids", dict),
        ("/exchange", "127.0.0.1", "noop"),
    ]
