"""Questions of /info on a small venue: who asks what, and what it is answered with."""

import asyncio
from typing import Any

import msgspec
import pytest

from seawall.terms import code, command
from seawall.units import BadInput
from seawall.venue.info.absent import USDC_ID
from seawall.venue.info.answer import ANSWERS, answer
from seawall.venue.names import address_text
from seawall.venue.people import address_fields
from seawall.venue.views.pools import pool_address
from venue_double import Double
from venue_scene import BTC, DOGE, START, USD, Scene

STRANGER = "0x" + "ab" * 20
MORE: dict[str, dict[str, Any]] = {  # what a question needs beside its type and user
    "activeAssetData": {"coin": "BTC"},
    "candleSnapshot": {"req": {"coin": "BTC", "interval": "1m", "startTime": 0}},
    "fundingHistory": {"coin": "BTC", "startTime": 0},
    "l2Book": {"coin": "BTC"},
    "marginTable": {"id": 10},
    "orderStatus": {"oid": 1},
    "preTransferCheck": {"source": STRANGER},
    "recentTrades": {"coin": "BTC"},
    "tokenDetails": {"tokenId": USDC_ID},
    "userFillsByTime": {"startTime": 0},
    "userTwapSliceFillsByTime": {"startTime": 0},
    "vaultDetails": {"vaultAddress": STRANGER},
}


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def refusal(service: Double, request: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        asyncio.run(answer(service, request))  # type: ignore[arg-type]
    return caught.value.field


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_a_stranger_gets_an_answer_to_everything(scene: Scene, kind: str) -> None:
    found = scene.ask(kind, user=STRANGER, **MORE.get(kind, {}))
    assert msgspec.json.encode(found)


NOTHING = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("openOrders", []),
        ("userFills", []),
        ("subAccounts", None),
        ("extraAgents", []),
        ("userAbstraction", "disabled"),
        ("spotMeta", {"universe": [], "tokens": [{"name": "USDC", "index": 0}]}),
        ("perpDexs", [None]),
        ("userRole", {"role": "missing"}),
        ("spotClearinghouseState", {"balances": []}),
        ("clearinghouseState", {"marginSummary": NOTHING, "crossMarginSummary": NOTHING, "withdrawable": "0.0"}),
        ("userToMultiSigSigners", None),
        ("delegations", []),
    ],
)
def test_none_of_a_thing_looks_as_clients_expect(scene: Scene, kind: str, expected: Any) -> None:
    found = scene.ask(kind, user=STRANGER)
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert (found[name][0] | value[0] == found[name][0]) if name == "tokens" else found[name] == value
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "type"),
        ({"type": "nonsense"}, "type"),
        ({"type": ["meta"]}, "type"),
        ({"type": "clearinghouseState"}, "user"),
        ({"type": "clearinghouseState", "user": "0x12"}, "user"),
        ({"type": "clearinghouseState", "user": STRANGER, "dex": "xyz"}, "dex"),
        ({"type": "delegations"}, "user"),
        ({"type": "orderStatus", "user": STRANGER}, "oid"),
        ({"type": "orderStatus", "user": STRANGER, "oid": "0x12"}, "oid"),
        ({"type": "orderStatus", "user": STRANGER, "oid": True}, "oid"),
        ({"type": "userFillsByTime", "user": STRANGER}, "startTime"),
        ({"type": "userFillsByTime", "user": STRANGER, "startTime": -1}, "startTime"),
        ({"type": "userFillsByTime", "user": STRANGER, "startTime": 0, "aggregateByTime": 1}, "aggregateByTime"),
        ({"type": "userFunding", "user": STRANGER, "endTime": 1.5}, "endTime"),
        ({"type": "candleSnapshot"}, "req"),
        ({"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}}, "interval"),
        ({"type": "candleSnapshot", "req": {"coin": "ETH", "interval": "1m", "startTime": 0}}, "coin"),
        ({"type": "recentTrades", "coin": None}, "coin"),
        ({"type": "l2Book", "coin": "BTC", "nSigFigs": 1}, "nSigFigs"),
        ({"type": "l2Book", "coin": "BTC", "nSigFigs": 5.0}, "nSigFigs"),
        ({"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2}, "mantissa"),
        ({"type": "marginTable", "id": 1001}, "id"),
        ({"type": "tokenDetails", "tokenId": "0x00"}, "tokenId"),
    ],
)
def test_what_is_wrong_is_named(scene: Scene, request_: dict[str, Any], field: str) -> None:
    assert refusal(scene, request_) == field


def test_nulls_that_clients_send_are_no_fields(scene: Scene) -> None:
    assert scene.ask("meta", dex="") == scene.ask("meta", dex=None) == scene.ask("meta")
    assert scene.ask("userFillsByTime", user=STRANGER, startTime=0, endTime=None, aggregateByTime=None) == []
    assert scene.ask("l2Book", coin="BTC", nSigFigs=None, mantissa=None)["coin"] == "BTC"
    assert scene.ask("l2Book", coin="ETH") is None


def test_markets_are_told_with_their_tables(scene: Scene) -> None:
    meta = scene.ask("meta")
    assert meta["universe"] == [
        {"name": "BTC", "szDecimals": 3, "maxLeverage": 40, "marginTableId": 1000},
        {"name": "DOGE", "szDecimals": 0, "maxLeverage": 10, "marginTableId": 10},
    ]
    tables = dict(meta["marginTables"])
    assert tables[10]["marginTiers"] == [{"lowerBound": "0.0", "maxLeverage": 10}]
    assert tables[1000]["marginTiers"][1] == {"lowerBound": "150000000.0", "maxLeverage": 20}
    assert scene.ask("marginTable", id=1000) == tables[1000]


def test_a_market_that_takes_no_orders_is_shown_as_delisted() -> None:
    scene = Scene()
    scene.do(command.LIST_MARKET, command.ADMIN, market=2, other=0, price=2**33)
    entry = scene.ask("meta")["universe"][2]
    assert entry["isDelisted"] is True
    assert entry["name"] == "MARKET2"
    assert scene.ask("allMids") == {"BTC": "60000.0", "DOGE": "0.1"}
    assert len(scene.ask("metaAndAssetCtxs")[1]) == 3


def test_people_have_roles() -> None:
    scene = Scene()
    owner = scene.person(1_000)
    sub, spot = scene.sub(owner, "trading"), scene.sub(owner)
    for key, name, expires in ((900, (0, 0), 0), (901, (1 << 56, 0), scene.now + 10)):
        fields = {"account": owner, "amount": command.MAY_TRADE, "expires": expires, **address_fields(bytes_of(key))}
        scene.do(command.APPROVE_AGENT, owner, client_high=name[0], client_low=name[1], **fields)
    assert scene.ask("userRole", owner) == {"role": "user"}
    assert scene.ask("userRole", sub) == {"role": "subAccount", "data": {"master": scene.address(owner)}}
    assert scene.ask("userRole", user=hex_of(900)) == {"role": "agent", "data": {"user": scene.address(owner)}}
    assert scene.ask("userRole", user=address_text(pool_address(DOGE, 1))) == {"role": "vault"}
    assert scene.ask("userRole", spot) == {"role": "missing"}
    named = scene.ask("extraAgents", owner)
    assert [(one["address"], one["validUntil"]) for one in named] == [(hex_of(901), scene.now + 10)]
    subs = scene.ask("subAccounts", owner)
    assert [(one["name"], one["subAccountUser"], one["master"]) for one in subs] == [
        ("trading", scene.address(sub), scene.address(owner))
    ]
    assert subs[0]["clearinghouseState"] == scene.ask("clearinghouseState", sub)
    assert scene.ask("webData2", owner)["agentAddress"] == hex_of(900)
    scene.pass_time(10)
    assert scene.ask("extraAgents", owner) == []
    assert scene.ask("userRole", user=hex_of(901)) == {"role": "missing"}


def bytes_of(key: int) -> bytes:
    return key.to_bytes(20, "big")


def hex_of(key: int) -> str:
    return address_text(bytes_of(key))


def test_usd_outside_margin_is_spot() -> None:
    scene = Scene()
    owner = scene.person(1_000)
    spot = scene.sub(owner)
    scene.do(command.TRANSFER, owner, account=owner, other=spot, amount=250_500_000)
    assert scene.ask("spotClearinghouseState", owner)["balances"] == [
        {"coin": "USDC", "token": 0, "total": "250.5", "hold": "0.0", "entryNtl": "0.0"}
    ]
    assert scene.ask("clearinghouseState", owner)["withdrawable"] == "749.5"


@pytest.mark.parametrize("is_isolated", [False, True])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("held", [0, 400, -300])
def test_the_greatest_order_is_what_the_engine_takes(is_isolated: bool, side: int, held: int) -> None:
    scene = Scene()
    owner, other = scene.person(1_000), scene.person(1_000_000)
    if is_isolated:
        flags = command.ISOLATED
        scene.do(command.SET_LEVERAGE, owner, account=owner, market=DOGE, size=7, flags=flags)
    if held:
        pair = (owner, other) if held > 0 else (other, owner)
        scene.trade(*pair, DOGE, 100_000, abs(held))
    shown = scene.ask("activeAssetData", owner, coin="DOGE")
    assert shown["leverage"]["type"] == ("isolated" if is_isolated else "cross")
    size = int(float(shown["maxTradeSzs"][0 if side > 0 else 1]))
    assert float(shown["availableToTrade"][0 if side > 0 else 1]) == pytest.approx(
        size * 0.1 / shown["leverage"]["value"], abs=1e-6
    )
    assert size > 1_000
    terms = {"account": owner, "market": DOGE, "price": 100_000, "flags": command.SELL if side < 0 else 0}
    assert scene.attempt(command.PLACE, owner, size=size + 1, **terms) == code.INITIAL_MARGIN
    assert scene.attempt(command.PLACE, owner, size=size, **terms) == code.OK


def test_what_may_be_withdrawn_is_what_the_engine_pays() -> None:
    scene = Scene()
    owner, other = scene.person(5_000), scene.person(1_000_000)
    scene.trade(owner, other, BTC, 60_000_000, 300)
    scene.order(owner, BTC, 1, 58_000_000, 100)
    shown = round(float(scene.ask("clearinghouseState", owner)["withdrawable"]) * USD)
    assert 0 < shown < 5_000 * USD
    assert scene.attempt(command.WITHDRAW, owner, account=owner, amount=shown + 1) == code.WITHDRAWABLE
    assert scene.attempt(command.WITHDRAW, owner, account=owner, amount=shown) == code.OK


def test_pools_are_vaults() -> None:
    scene = Scene()
    owner = scene.person(50_000)
    flags = command.BACKSTOP
    scene.do(command.POOL_ADD, owner, account=owner, market=BTC, flags=flags, amount=20_000 * USD)
    address = address_text(pool_address(BTC, 1))
    (mine,) = scene.ask("userVaultEquities", owner)
    assert mine["vaultAddress"] == address
    assert mine["equity"] == "19999.0"  # the first dollar of a pool is nobody's
    assert mine["lockedUntilTimestamp"] > scene.now
    (summary,) = scene.ask("vaultSummaries")
    assert (summary["name"], summary["tvl"]) == ("BTC backstop", "20000.0")
    details = scene.ask("vaultDetails", owner, vaultAddress=address)
    assert details["followerState"]["vaultEquity"] == "19999.0"
    assert details["followerState"]["pnl"] == "-1.0"
    state = scene.ask("clearinghouseState", user=address)
    assert state["marginSummary"]["accountValue"] == "20000.0"
    (update,) = [one["delta"] for one in scene.ask("userNonFundingLedgerUpdates", owner) if "vault" in one["delta"]]
    assert update == {"type": "vaultDeposit", "vault": address, "usdc": "20000.0"}


def test_limits_are_told_by_who_keeps_them(scene: Scene) -> None:
    assert scene.ask("userRateLimit", user=STRANGER)["nRequestsUsed"] == 0
    scene.lens.usage = lambda account: (5 * USD, 3, 10_005) if account < 0 else (0, 0, 0)
    assert scene.ask("userRateLimit", user=STRANGER) == {
        "cumVlm": "5.0",
        "nRequestsUsed": 3,
        "nRequestsCap": 10_005,
        "nRequestsSurplus": 0,
    }


def test_the_venue_tells_when_it_is_halted() -> None:
    scene = Scene()
    assert scene.ask("exchangeStatus") == {"time": START, "specialStatuses": None}
    scene.do(command.SET_STATUS, command.ADMIN, market=-1, flags=command.HALTED)
    assert scene.ask("exchangeStatus")["specialStatuses"] == "halted"


def test_fees_are_the_highest_of_any_market(scene: Scene) -> None:
    fees = scene.ask("userFees", user=STRANGER)
    assert (fees["userCrossRate"], fees["userAddRate"]) == ("0.00045", "0.00015")
    assert fees["feeSchedule"]["cross"] == "0.00045"
