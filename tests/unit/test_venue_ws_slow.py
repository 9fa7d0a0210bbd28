"""Readers that are slow, dead or many: what waits for them stays bounded, nobody else waits for them, and nothing that
is owed to them is left out unsaid."""

import asyncio
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect

from seawall.venue.ws.frames import frame
from seawall.venue.ws.reader import POSTS_AT_ONCE, Reader
from seawall.venue.ws.topics import FreshTopic
from ws_rig import MAKER, OTHER, TAKER, Client, Server, user, wait_until

BOOK = {"type": "l2Book", "coin": "BTC"}
QUEUE = 50_000
MANY = 2_000  # messages of 4 kB: more than the system's own buffers take
SMALL = {"queue_bytes": QUEUE, "owed_bytes": 100_000, "slow_seconds": 60}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, **SMALL) as made:
        yield made
        assert made.hub.counters.faults == 0


def topic_of(server: Server, kind: str) -> Any:
    (topic,) = [one for one in server.hub.topics.values() if one.wish.kind == kind]
    return topic


def first_reader(server: Server) -> Reader:
    return next(iter(server.hub.readers))


def slow(server: Server) -> Client:
    """A client whose buffers are small: it reads nothing unless it is asked to."""
    return server.connect(max_queue=1, is_narrow=True, close_timeout=0.2)


def last_fill(server: Server) -> Any:
    service = server.rig.service
    return server.do(service.history.market_fills(0, 0, service.now, 1))[0]


async def flood(topic: FreshTopic, messages: int, size: int = 4_000) -> int:
    """Large messages of a stream, as fast as somebody can take them who reads."""
    made = frame(topic.channel, {"coin": "BTC", "filler": "x" * size})
    for number in range(messages):
        topic.send(made)
        if number % 4 == 3:
            await asyncio.sleep(0.001)
    return len(made)


def test_a_reader_that_does_not_read_costs_a_bounded_queue_and_nobody_waits_for_it(server: Server) -> None:
    with slow(server) as idle, server.connect(max_queue=None) as quick:
        for client in (idle, quick):
            client.subscribe("l2Book", coin="BTC")
        idle.kept.clear()
        reader, topic = first_reader(server), topic_of(server, "l2Book")
        size = server.do(flood(topic, MANY))
        assert size * MANY > 50 * QUEUE
        assert reader.waiting <= QUEUE
        assert reader.stale == {topic: 0}
        assert server.hub.counters.dropped > 1_000
        server.order(MAKER, False, "50000", "1.5")
        start = time.monotonic()
        book = quick.next("l2Book", where=lambda data: "filler" not in data and data["levels"][1])
        assert time.monotonic() - start < 2
        assert len([one for one in quick.kept if one["channel"] == "l2Book"]) >= MANY
        server.order(MAKER, False, "50001", "2.5")
        newest = quick.next("l2Book", where=lambda data: len(data.get("levels", ((), ()))[1]) == 2)
        assert book["levels"] != newest["levels"]
        caught_up = idle.next("l2Book", where=lambda data: "filler" not in data and data["levels"][1])
        assert caught_up["levels"] == newest["levels"]
        assert len(idle.kept) < 1_000
        assert server.hub.counters.resynced == 1
        server.order(MAKER, True, "49990", "1")
        idle.next("l2Book", where=lambda data: data.get("levels", ((),))[0])


def test_a_reader_that_comes_back_gets_the_trades_it_missed_and_none_twice(server: Server) -> None:
    server.order(MAKER, False, "50000", "1")
    server.order(TAKER, True, "50000", "0.1", tif="Ioc")
    with slow(server) as client:
        client.subscribe("trades", coin="BTC")
        client.subscribe("l2Book", coin="BTC")
        client.kept.clear()
        reader, trades = first_reader(server), topic_of(server, "trades")
        server.do(flood(topic_of(server, "l2Book"), MANY))
        fill = last_fill(server)

        async def burst() -> None:
            for number in range(200):
                trades.trade(msgspec.structs.replace(fill, tid=fill.tid + number + 1))
                await trades.publish()

        server.do(burst())
        assert trades in reader.stale
        found: list[int] = []
        while len(found) < 200:
            found += [trade["tid"] - fill.tid for trade in client.next("trades")]
        assert found == [*range(1, 201)]
        client.none("trades")


def test_a_reader_that_takes_nothing_for_long_is_cut_off(tmp_path: Path) -> None:
    with Server(tmp_path, **{**SMALL, "slow_seconds": 1}) as server, slow(server) as client:
        client.subscribe("l2Book", coin="BTC")
        server.do(flood(topic_of(server, "l2Book"), MANY))
        wait_until(lambda: not server.hub.readers)
        assert server.hub.counters.cut == {"too slow": 1}
        assert server.hub.topics == {}
        assert client.end() == (1013, "too slow: took nothing for 1 s")


def test_a_dead_reader_is_let_go_though_it_never_takes_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.venue.ws.reader.PARTING_SECONDS", 0.5)
    with Server(tmp_path, **{**SMALL, "slow_seconds": 1}) as server, slow(server) as client:
        client.subscribe("l2Book", coin="BTC")
        server.do(flood(topic_of(server, "l2Book"), MANY))
        wait_until(lambda: not server.server.server_state.connections)


def test_events_of_a_user_are_never_left_out_unsaid(server: Server) -> None:
    server.order(MAKER, False, "50000", "1")
    with slow(server) as client:
        client.subscribe("userFills", user=user(TAKER))
        client.kept.clear()
        for _ in range(10):
            server.order(TAKER, True, "50000", "0.001", tif="Ioc")
        topic = topic_of(server, "userFills")
        fill = last_fill(server)

        async def burst() -> None:
            for number in range(40_000):
                topic.fill(msgspec.structs.replace(fill, tid=fill.tid + number + 1))
                await topic.publish()
                if not topic.readers:
                    return
                if number % 50 == 0:
                    await asyncio.sleep(0)

        server.do(burst())
        assert server.hub.counters.cut == {"too slow": 1}
        code, reason = client.end()
        assert code == 1013
        assert "ask for a snapshot" in reason
        tids = [one["tid"] for message in client.kept for one in message["data"]["fills"]]
        assert tids == sorted(set(tids))
        assert tids[10:] == [*range(fill.tid + 1, fill.tid + 1 + len(tids) - 10)]
    with server.connect() as again:
        again.subscribe("userFills", user=user(TAKER))
        snapshot = again.next("userFills")
        assert snapshot["isSnapshot"] is True
        assert len(snapshot["fills"]) == 10


def test_a_reader_that_is_owed_much_is_not_asked_what_else_it_wants(server: Server) -> None:
    with slow(server) as client:
        post = {"method": "post", "id": 1, "request": {"type": "info", "payload": {"type": "metaAndAssetCtxs"}}}

        async def wide(*_: Any) -> Any:
            return "x" * 30_000

        server.info = wide
        for number in range(300):
            client.send({**post, "id": number})
        time.sleep(0.5)
        most = SMALL["owed_bytes"] + POSTS_AT_ONCE * 31_000
        assert first_reader(server).owed <= most < 300 * 30_000
        for number in range(300):
            assert client.next("post")["id"] == number
        assert server.hub.counters.cut == {}


def test_whoever_is_sent_nothing_for_long_is_let_go(tmp_path: Path) -> None:
    with Server(tmp_path, idle_seconds=2) as server, server.connect() as idle, server.connect() as awake:
        for _ in range(8):
            time.sleep(0.4)
            awake.send({"method": "ping"})
            awake.next("pong")
        assert idle.end() == (1000, "idle: nothing was sent for 2 s")
        awake.send({"method": "ping"})
        awake.next("pong")


def test_a_venue_that_stops_says_so(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        client = server.connect().__enter__()
        client.subscribe("bbo", coin="BTC")
    assert client.end() == (1012, "the venue is stopping")


def test_pings_of_a_reader_that_reads_nothing_do_not_pile_up(server: Server) -> None:
    with slow(server) as client:
        client.subscribe("l2Book", coin="BTC")
        server.do(flood(topic_of(server, "l2Book"), MANY))
        (socket,) = server.server.server_state.connections
        before = socket.transport.get_write_buffer_size()  # type: ignore[union-attr]
        for _ in range(2_000):
            client.socket.ping()
        time.sleep(0.5)
        assert socket.transport.get_write_buffer_size() == before  # type: ignore[union-attr]


def test_any_asgi_server_will_do(tmp_path: Path) -> None:
    with Server(tmp_path, is_plain=True, idle_seconds=3) as server, server.connect() as client:
        assert all(reader.socket is None for reader in server.hub.readers)
        client.subscribe("l2Book", coin="BTC")
        assert client.next("l2Book")["levels"] == [[], []]
        server.order(MAKER, False, "50000", "1")
        assert client.next("l2Book")["levels"][1]
        for size in (10, 200, 70_000):
            server.do(flood(topic_of(server, "l2Book"), 1, size))
            assert len(client.next("l2Book")["filler"]) == size
        assert client.end()[0] == 1000


def test_a_thousand_readers_of_one_stream(tmp_path: Path) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files[1] < 4_096:
        pytest.skip(f"at most {files[1]} open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], 4_096), files[1]))

    async def one(url: str, first: asyncio.Semaphore, ready: list[int]) -> Any:
        async with connect(url, compression=None, open_timeout=60) as socket:
            async with first:
                await socket.send(json.dumps({"method": "subscribe", "subscription": BOOK}))
                await socket.recv()
                await socket.recv()
            ready.append(1)
            return json.loads(await asyncio.wait_for(socket.recv(), 60))

    async def many(server: Server) -> list[Any]:
        ready: list[int] = []
        gate = asyncio.Semaphore(50)
        tasks = [asyncio.create_task(one(server.url, gate, ready)) for _ in range(1_000)]
        while len(ready) < 1_000 and not any(task.done() for task in tasks):
            await asyncio.sleep(0.05)
        made = server.hub.counters.published
        order = server.rig.order(MAKER, False, "50000", "1")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(order, server.loop))
        found = await asyncio.gather(*tasks)
        assert server.hub.counters.published == made + 1
        return found

    with Server(tmp_path, connections_per_ip=2_000) as server:
        found = asyncio.run(many(server))
        assert len(found) == 1_000
        assert all(message == found[0] for message in found)
        assert found[0]["data"]["levels"][1][0]["sz"] == "1.0"


def test_a_reader_may_come_and_go(server: Server) -> None:
    for _ in range(20):
        with server.connect() as client:
            client.subscribe("l2Book", coin="BTC")
            client.subscribe("orderUpdates", user=user(OTHER))
            client.next("l2Book")
    wait_until(lambda: not server.hub.readers and server.hub.crowd.total == 0)
    assert server.hub.topics == {}
