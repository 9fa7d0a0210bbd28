"""What the websocket refuses, in which words, and that nothing a client sends brings it down."""

import contextlib
import json
import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from seawall.venue.ws.crowd import Crowd, host_of
from seawall.venue.ws.requests import UNREADABLE, UnreadableError, read
from ws_rig import MAKER, OTHER, TAKER, Client, Server, Sockets, key, user, wait_until

BBO = {"type": "bbo", "coin": "BTC"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ws"), message_bytes=10_000, messages_per_minute=1_000_000) as made:
        yield made
        assert made.hub.counters.faults == 0


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.connect() as made:
        yield made
        made.kept.clear()
        made.send({"method": "ping"})
        made.next("pong")


def test_a_second_subscription_of_the_same_is_refused(client: Client) -> None:
    client.subscribe("l2Book", coin="BTC")
    client.send({"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC", "nSigFigs": None}})
    echo = '{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":false}'
    assert client.next("error") == f"Already subscribed: {echo}"
    client.subscribe("l2Book", coin="BTC", nSigFigs=5)


def test_a_request_that_is_nested_deeply_is_not_looked_at(client: Client) -> None:
    client.send('{"method":"ping","more":' + "[" * 20 + "]" * 20 + "}")
    assert client.next("error") == f"{UNREADABLE}nested too deeply"
    client.send('{"method":"ping","more":' + "[" * 10 + "]" * 10 + "}")
    client.next("pong")


def test_what_was_not_subscribed_cannot_be_unsubscribed(client: Client) -> None:
    client.send({"method": "unsubscribe", "subscription": BBO})
    assert client.next("error") == 'Already unsubscribed: {"type":"bbo","coin":"BTC"}'


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "bbo", "coin": "NOPE"},
        {"type": "bbo", "coin": "btc"},
        {"type": "bbo", "coin": "@"},
        {"type": "bbo", "coin": "@1x"},
        {"type": "bbo", "coin": "@²"},
        {"type": "bbo", "coin": "A/B" * 20},
        {"type": "candle", "coin": "BTC", "interval": "7m"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 3},
        {"type": "activeAssetData", "coin": "@1", "user": user(MAKER)},
        {"type": "clearinghouseState", "user": user(MAKER), "dex": "xyz"},
        {"type": "allMids", "dex": "x" * 33},
    ],
)
def test_subscriptions_of_what_there_is_not_are_invalid(client: Client, subscription: dict[str, Any]) -> None:
    client.send({"method": "subscribe", "subscription": subscription})
    words = client.next("error")
    assert words.startswith("Invalid subscription {")
    assert json.loads(words.removeprefix("Invalid subscription ")) == subscription


@pytest.mark.parametrize(
    "message",
    [
        {"method": "subscribe"},
        {"method": "subscribe", "subscription": {"type": "nothing"}},
        {"method": "subscribe", "subscription": {"type": "bbo"}},
        {"method": "subscribe", "subscription": {"type": "bbo", "coin": ["BTC", "ETH"]}},
        {"method": "subscribe", "subscription": {"type": "userFills", "user": "0x12"}},
        {"method": "subscribe", "subscription": {"type": "userFills", "user": 5}},
        {"method": "subscribe", "subscription": "bbo"},
        {"method": "shout"},
        {"type": "allMids"},
        {"method": "post", "request": {"type": "info", "payload": {}}},
        {"method": "post", "id": "x", "request": {"type": "info", "payload": {}}},
        {"method": "post", "id": -1, "request": {"type": "info", "payload": {}}},
        {"method": "post", "id": 2**70, "request": {"type": "info", "payload": {}}},
        {"method": "post", "id": 1, "request": {"type": "explorer", "payload": {}}},
        [],
        7,
        None,
        "text",
    ],
)
def test_what_is_no_request_is_told_back(client: Client, message: Any) -> None:
    client.send(json.dumps(message))
    words = client.next("error")
    assert words.startswith(UNREADABLE)
    assert json.loads(words.removeprefix(UNREADABLE)) == message


@pytest.mark.parametrize(
    "text", ["", "hello", "{", "{}}", '{"method":"ping"', "nul", '{"method":"ping"}x', "[" * 5_000]
)
def test_what_is_no_json_is_refused_in_words_that_clients_can_parse(client: Client, text: str) -> None:
    client.send(text)
    words = client.next("error")
    assert words.startswith(UNREADABLE)
    assert not ("{" in words and "}" in words)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("7", "Failed to deserialize"),
        ("{}", "Failed to deserialize"),
        ('{"type":5}', "Failed to deserialize"),
        ('{"type":"nonsense"}', "unknown type"),
        ('{"type":"clearinghouseState","user":"0x12"}', "user: expected an address"),
    ],
)
def test_posts_that_cannot_be_answered_say_why(client: Client, payload: str, words: str) -> None:
    client.send(f'{{"method":"post","id":3,"request":{{"type":"info","payload":{payload}}}}}')
    told = client.next("post")
    assert (told["id"], told["response"]["type"]) == (3, "error")
    assert words in told["response"]["payload"]


def test_a_posted_action_is_judged_as_over_http(server: Server, client: Client) -> None:
    forged = server.rig.request(key(77), {"type": "cancel", "cancels": [{"a": 0, "o": 1}]})
    client.send({"method": "post", "id": 4, "request": {"type": "action", "payload": forged}})
    payload = client.next("post")["response"]["payload"]
    assert payload["status"] == "err"
    assert payload["response"].startswith("User or API Wallet ")
    client.send({"method": "post", "id": 5, "request": {"type": "action", "payload": {"action": 1}}})
    assert client.next("post")["response"]["type"] == "error"


def test_a_failure_of_the_venues_own_is_told_without_its_inside(tmp_path: Path) -> None:
    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret")

    with Server(tmp_path) as server, server.connect() as client:
        server.info = broken
        client.send({"method": "post", "id": 4, "request": {"type": "info", "payload": {"type": "meta"}}})
        assert client.next("post")["response"] == {"type": "error", "payload": "Internal Server Error"}
        client.send({"method": "subscribe", "subscription": {"type": "allMids"}})
        assert "secret" not in client.next("error")
        assert server.hub.counters.faults == 2
        assert server.hub.topics == {}
        client.subscribe("bbo", coin="BTC")


def test_binary_messages_are_refused_and_the_connection_stays(client: Client) -> None:
    client.send(b"\x00\xff")
    assert client.next("error") == f"{UNREADABLE}a binary message"


def test_too_large_a_message_ends_the_connection(server: Server) -> None:
    with server.connect() as client:
        client.send("x" * 10_001)
        assert client.end()[0] == 1009


def test_text_that_is_not_utf_8_ends_the_connection(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with server.connect() as client:
        client.socket.send(b"\xff\xfe", text=True)
        assert client.end() == (1007, "text is UTF-8")
    assert "Traceback" not in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("coin", "user", "interval", "dex", "nSigFigs", "mantissa", "fast", "aggregateByTime")
KINDS = ("allMids", "l2Book", "candle", "userFills", "webData2", "trades", "activeAssetData", "x")
NEARLY = st.fixed_dictionaries(
    {"method": st.sampled_from(["subscribe", "unsubscribe", "ping", "post", 1])},
    optional={
        "subscription": st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)}, optional={name: JSON | st.just("BTC") for name in FIELDS}
        ),
        "id": JSON,
        "request": JSON,
    },
)


@given(st.text(max_size=200) | JSON.map(json.dumps) | NEARLY.map(json.dumps))
def test_reading_a_request_has_two_ends(text: str) -> None:
    try:
        read(text)
    except UnreadableError as refusal:
        words = str(refusal)
        assert words.startswith(UNREADABLE)
        braces = re.search("{.*}", words)
        assert braces is None or json.loads(braces.group()) is not None


def test_fuzzed_messages_are_answered_and_the_server_stays(server: Server) -> None:
    dice = random.Random(5)
    samples = [json.dumps({"method": "subscribe", "subscription": BBO}), '{"method":"ping"}', "[" * 900, "{" * 900]
    with server.connect() as client:
        for _ in range(400):
            text = list(dice.choice(samples))
            for _ in range(dice.randrange(4)):
                text[dice.randrange(len(text))] = chr(dice.choice((0, 34, 44, 91, 123, 125, 0x20AC, 0x1F600, 92)))
            client.send("".join(text))
        client.send({"method": "post", "id": 9, "request": {"type": "info", "payload": {"type": "allMids"}}})
        client.next("post")
        assert {message["channel"] for message in client.kept} <= {"error", "pong", "subscriptionResponse", "bbo"}


def test_fuzzed_bytes_end_a_connection_at_most(server: Server) -> None:
    dice = random.Random(6)
    for number in range(60):
        with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
            raw.sendall(
                f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b"101" in raw.recv(4_096)
            raw.sendall(dice.randbytes(dice.randrange(1, 3_000)))
            if number % 2:
                raw.shutdown(socket.SHUT_WR)
    with server.connect() as client:
        client.subscribe("bbo", coin="BTC")
    wait_until(lambda: not server.hub.readers)


def test_the_limits_of_one_connection(tmp_path: Path) -> None:
    with Server(tmp_path, subscriptions=3, users=1) as server, server.connect() as client:
        client.subscribe("orderUpdates", user=user(MAKER))
        client.subscribe("userEvents", user=user(MAKER))
        client.send({"method": "subscribe", "subscription": {"type": "orderUpdates", "user": user(TAKER)}})
        assert client.next("error") == "Cannot track more than 1 total users."
        client.subscribe("bbo", coin="BTC")
        client.send({"method": "subscribe", "subscription": {"type": "bbo", "coin": "ETH"}})
        assert client.next("error") == "Cannot subscribe to more than 3 channels."
        client.unsubscribe("orderUpdates", user=user(MAKER))
        client.send({"method": "subscribe", "subscription": {"type": "orderUpdates", "user": user(OTHER)}})
        assert client.next("error") == "Cannot track more than 1 total users."
        client.unsubscribe("userEvents", user=user(MAKER))
        client.subscribe("orderUpdates", user=user(OTHER))


def test_the_limits_of_one_address(tmp_path: Path) -> None:
    with Server(tmp_path, connections_per_ip=2, messages_per_minute=5, posts=1) as server:
        with server.connect() as one, server.connect() as two:
            with pytest.raises(InvalidStatus) as refused, server.connect():
                pass
            assert refused.value.response.status_code == 429
            for client in (one, two):
                client.send({"method": "ping"})
                client.send({"method": "ping"})
                client.next("pong")
                client.next("pong")
            one.send({"method": "ping"})
            one.next("pong")
            two.send({"method": "ping"})
            assert two.next("error") == "Cannot send more than 5 messages per minute."
            with contextlib.suppress(ConnectionClosed):  # which may be before the last of them is sent
                for _ in range(10):
                    two.send({"method": "ping"})
            assert two.end() == (1008, "too many messages")
        wait_until(lambda: server.hub.crowd.total == 0)
        assert server.hub.crowd.connections == {}
        assert server.hub.counters.refused == {"connections_per_ip": 1}


def test_posts_in_flight_are_limited(tmp_path: Path) -> None:
    with Server(tmp_path, posts=1) as server, server.connect() as client:
        post = {"method": "post", "id": 1, "request": {"type": "info", "payload": {"type": "allMids"}}}
        held = server.hub.crowd
        assert held.post("127.0.0.1")
        client.send({**post, "id": 1234})
        assert client.next("error") == "too many pending post requests id=1234"
        held.posted("127.0.0.1")
        client.send(post)
        assert client.next("post")["id"] == 1
        wait_until(lambda: held.posts == {})


def test_all_connections_together_are_limited(tmp_path: Path) -> None:
    with Server(tmp_path, connections=1) as server, server.connect():
        with pytest.raises(InvalidStatus) as refused, server.connect():
            pass
        assert refused.value.response.status_code == 503


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_with_its_network(address: str, host: str) -> None:
    assert host_of(address) == host


def test_messages_are_counted_by_the_minute() -> None:
    crowd = Crowd(Sockets())
    assert [crowd.message("a", now) for now in (0.0, 1.0, 59.9)] == [1, 2, 3]
    assert crowd.message("b", 59.9) == 1
    assert crowd.message("a", 60.0) == 1
    crowd.forget(120.0)
    assert crowd.messages == {}
