"""Rate limits: buckets of addresses, counts of accounts, what requests weigh, what is kept."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall.units import BadInput
from seawall.venue import config
from seawall.venue.exchange.answer import answer
from seawall.venue.exchange.words import MalformedError
from seawall.venue.ops.gate import Gate, weight_of
from seawall.venue.ops.limits import ADDRESSES, Limits
from seawall.venue.ops.store import Store, load_usage, save_usage
from seawall.venue.ops.weights import action_count, action_weight, info_weight, is_cancel, items_weight
from seawall.venue.records import NOBODY, Fill, News
from seawall.venue.wire import LimitedError, Wire, parse
from venue_rig import Rig, key, order_action, run, wire

HOST = "198.51.100.7"


class Hand:
    """A clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Hand | None = None, **terms: Any) -> Limits:
    return Limits(config.Limits(**terms), clock or Hand())


def fill(account: int, lots: int, price: int) -> Fill:
    names = ("tid", "time", "sequence", "market", "bucket", "oid", "cloid", "start", "pnl", "fee", "mark", "twap")
    rest: dict[str, Any] = dict.fromkeys(names, 0)
    return Fill(**rest, account=account, lots=lots, price=price, is_taker=True, method="", liquidated=-1, other=-1)


def test_a_minute_of_weight_is_spent_and_comes_back_evenly() -> None:
    clock = Hand()
    found = limits(clock)
    assert found.spend(HOST, 1_200)
    assert not found.spend(HOST, 1)
    clock.now += 0.5
    assert found.spend(HOST, 10)
    assert not found.spend(HOST, 1)
    clock.now += 600
    assert found.spend(HOST, 1_200)
    assert not found.spend(HOST, 1)
    assert found.spend("198.51.100.8", 1_200), "another address has its own"
    assert found.refused == 3


def test_what_was_answered_is_charged_afterwards() -> None:
    clock = Hand()
    found = limits(clock, weight_a_minute=60)
    assert found.spend(HOST, 60)
    found.charge(HOST, 30)
    clock.now += 30
    assert not found.spend(HOST, 1)
    clock.now += 1
    assert found.spend(HOST, 1)
    found.charge(HOST, 10**9)
    clock.now += 121
    assert found.spend(HOST, 60), "a charge is bounded by a minute"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"])
def test_exempt_networks_are_not_limited(host: str) -> None:
    found = limits(exempt=("127.0.0.1", "::1", "10.0.0.0/8"), weight_a_minute=1)
    assert all(found.spend(host, 1_000) for _ in range(5))
    assert not found.spend("11.1.2.3", 2)
    assert limits(enabled=False).spend("11.1.2.3", 10**9)
    with pytest.raises(BadInput, match="exempt"):
        limits(exempt=("10.0.0.0/99",))


def test_a_network_of_ipv6_is_one_client_and_a_mapped_address_its_own() -> None:
    found = limits()
    assert found.spend("2001:db8::1", 1_200)
    assert not found.spend("2001:db8::ffff:1", 1)
    assert found.spend("2001:db8:0:1::1", 1_200)
    assert found.spend("::ffff:198.51.100.7", 1_200)
    assert found.spend("::ffff:198.51.100.8", 1_200)
    assert not found.spend("198.51.100.7", 1), "the same host, spelt otherwise"


def test_full_addresses_are_forgotten_first() -> None:
    clock = Hand()
    found = limits(clock)
    assert found.spend(HOST, 1_000)
    for number in range(ADDRESSES + 5):
        found.spend(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0)
    assert not found.spend(HOST, 300), "what it has spent is not forgotten"
    assert len(found._held) < ADDRESSES


def test_an_account_acts_as_often_as_it_has_traded_dollars() -> None:
    clock = Hand()
    found = limits(clock, buffer=10)
    assert found.act(5, HOST, 10, is_cancel=False) == ""
    words = found.act(5, HOST, 1, is_cancel=False)
    assert words == "", "one in ten seconds is let through"
    words = found.act(5, HOST, 1, is_cancel=False)
    assert words == (
        "Too many cumulative requests sent (12 > 10) for cumulative volume traded $0.0. "
        "Place taker orders to free up 1 request per USDC traded."
    )
    assert found.act(5, HOST, 5, is_cancel=True) == "", "cancels go on to twice as many"
    assert "(21 > 20)" in found.act(5, HOST, 5, is_cancel=True)
    found.hear(News(1, 1, 0, fills=[fill(5, -2, 30_000_000), fill(NOBODY, 2, 30_000_000)]))
    assert found.usage(5) == (60_000_000, 16, 70)
    assert found.act(5, HOST, 54, is_cancel=False) == ""
    assert found.act(5, HOST, 2, is_cancel=False) != ""
    clock.now += 10
    assert found.act(5, HOST, 1, is_cancel=False) == ""
    assert found.act(5, None, 500, is_cancel=False) == "", "the venue's own are never refused"
    assert found.act(5, "127.0.0.1", 500, is_cancel=False) == ""
    assert found.usage(99) == (0, 0, 10)


def test_usage_outlives_a_restart(tmp_path: Path) -> None:
    found, store = limits(buffer=10), Store(tmp_path)
    found.act(5, HOST, 7, is_cancel=False)
    found.hear(News(1, 1, 0, fills=[fill(6, 1, 10**16)]))
    store.now(lambda connection: save_usage(connection, found.take_changed()))
    assert found.take_changed() == []
    found.act(5, HOST, 1, is_cancel=False)
    store.now(lambda connection: save_usage(connection, found.take_changed()))
    store.close()
    again, store = limits(buffer=10), Store(tmp_path)
    again.load(store.now(load_usage))
    assert (again.usage(5), again.usage(6)) == ((0, 8, 10), (10**16, 0, 10**10 + 10))
    store.close()
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_requests_weigh_what_hyperliquid_says() -> None:
    assert [info_weight(kind) for kind in ("l2Book", "clearinghouseState", "userRole", "meta", "x")] == [
        2,
        2,
        60,
        20,
        20,
    ]
    assert (items_weight("userFills", 2_000), items_weight("candleSnapshot", 179), items_weight("meta", 99)) == (
        100,
        2,
        0,
    )
    assert [action_weight(count) for count in (1, 39, 40, 79, 80)] == [1, 1, 2, 2, 3]
    batch = {"type": "order", "orders": [{}] * 79}
    assert (action_count(batch), action_count({"type": "order", "orders": 5}), action_count({})) == (79, 1, 1)
    assert action_count({"type": "batchModify", "modifies": [1, 2]}) == 2
    assert is_cancel({"type": "cancelByCloid"})
    assert not is_cancel(batch)
    assert weight_of("/exchange", {"action": batch}) == 2
    assert [weight_of("/info", body) for body in ({"type": "userRole"}, [], None, 5)] == [60, 1, 1, 1]


def test_the_gate_refuses_and_charges() -> None:
    found = limits(weight_a_minute=100, buffer=1)
    gate = Gate(found)
    gate.ask("/info", HOST, {"type": "userRole"})
    with pytest.raises(LimitedError):
        gate.ask("/info", HOST, {"type": "userRole"})
    gate.answered("/info", HOST, {"type": "userFills"}, [0] * 770)
    gate.ask("/info", HOST, {"type": "allMids"})
    with pytest.raises(LimitedError):
        gate.ask("/exchange", HOST, {"action": {"type": "noop"}})
    assert gate.act(3, {"type": "order", "orders": [{}]}) == ""
    assert gate.act(3, {"type": "order", "orders": [{}, {}]}).startswith("Too many cumulative requests sent (3 > 1)")


def test_the_wire_asks_the_gate_and_accounts_are_counted(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        gate = Gate(limits(weight_a_minute=100, buffer=2))

        async def exchange(body: Any) -> Any:
            return await answer(rig.service, body, gate.act)

        async def info(body: Any) -> Any:
            return list(range(body["items"]))

        transport = httpx.ASGITransport(Wire(info, exchange, exchange, gate), client=(HOST, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://venue") as client:
            await rig.list_market()
            await rig.fund(key(1), 100_000)
            orders = order_action(*(wire(True, "49000", "0.001") for _ in range(3)))
            found = await client.post("/exchange", json=rig.request(key(1), orders))
            assert found.json() == {
                "status": "err",
                "response": "Too many cumulative requests sent (3 > 2) for cumulative volume traded $0.0. "
                "Place taker orders to free up 1 request per USDC traded.",
            }
            assert rig.service.columns["bucket_orders"][0] == 0
            orders = order_action(wire(True, "49000", "0.001"))
            assert "resting" in (await client.post("/exchange", json=rig.request(key(1), orders))).text
            assert gate.limits.usage(0).used == 1
            found = await client.post("/info", json={"type": "userFills", "items": 1_300})
            assert (found.status_code, len(found.json())) == (200, 1_300)
            found = await client.post("/info", json={"type": "meta", "items": 0})
            assert (found.status_code, found.text) == (429, "Too many requests: the weight of this minute is used up")

    run(tmp_path, scenario)


@pytest.mark.parametrize("body", [b"[" + b"[]," * 40_000 + b"[]]", b"]" * 10**6, b'"[",' * 10**5])
def test_a_body_of_brackets_is_refused_before_it_is_looked_at(body: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(MalformedError):
        parse(body)
    assert time.perf_counter() - start < 0.05, "such a body must not hold up the venue"
