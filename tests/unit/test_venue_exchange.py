"""Signed actions on a real venue, answered as clients of Hyperliquid read them: every action, and its bad inputs."""

from pathlib import Path
from typing import Any

import pytest

from seawall.margin.trigger_kernels import PORTFOLIO, TIERED
from seawall.signing import Signature
from seawall.terms import code, parameter
from seawall.venue.exchange.answer import KNOWN, answer
from seawall.venue.exchange.call import Call
from seawall.venue.exchange.words import MalformedError
from seawall.venue.names import address_text
from venue_rig import START, USD, Rig, key, order_action, run, wire

MAKER, TAKER, OTHER, AGENT = key(1), key(2), key(3), key(9)
CLOID = "0x" + "0" * 31 + "7"


async def opened(rig: Rig) -> None:
    """One market at 50,000 USD a BTC; two wallets with money."""
    await rig.list_market()
    await rig.fund(MAKER, 1_000_000)
    await rig.fund(TAKER, 100_000)


def cash(rig: Rig, wallet: Any) -> int:
    """USD in a wallet's margin account."""
    account = rig.service.people.account_of(wallet.address)
    return int(rig.service.columns["bucket_raw"][account]) // USD


def test_orders_rest_fill_and_are_refused_one_by_one(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        resting = await rig.order(MAKER, False, "50000", "1.5")
        assert resting == {"resting": {"oid": 1}}
        named = await rig.order(MAKER, False, "50100", "1", cloid=CLOID)
        assert named == {"resting": {"oid": 2, "cloid": CLOID}}
        filled = await rig.order(TAKER, True, "50100", "2", tif="Ioc")
        assert filled == {"filled": {"totalSz": "2.0", "avgPx": "50025.0", "oid": 3}}
        part = await rig.order(TAKER, True, "50100", "1", tif="Ioc")
        assert part == {"filled": {"totalSz": "0.5", "avgPx": "50100.0", "oid": 4}}
        nothing = await rig.order(TAKER, True, "50100", "1", tif="Ioc")
        assert nothing == {"error": "Order could not immediately match against any resting orders. asset=0"}

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"price": "50000.5"}, "Price must be divisible by tick size. asset=0"),
        ({"price": "50000.0000001"}, "Price must be divisible by tick size. asset=0"),
        ({"price": "0"}, "Order must have minimum value of $10. asset=0"),
        ({"price": "-1"}, "Price must be divisible by tick size. asset=0"),
        ({"price": "1e5"}, "Price must be divisible by tick size. asset=0"),
        ({"size": "0.0001"}, "Order has invalid size. asset=0"),
        ({"size": "0"}, "Order has zero size. asset=0"),
        ({"size": "nan"}, "Order has invalid size. asset=0"),
        ({"price": "1000", "size": "0.001"}, "Order must have minimum value of $10. asset=0"),
        ({"price": "49000", "size": "0.001", "reduce": True}, "Reduce only order would increase position. asset=0"),
        ({"size": "1000"}, "Insufficient margin to place order. asset=0"),
        ({"price": "90000"}, "Order price too far from oracle asset=0"),
        ({"tif": "Alo"}, "Post only order would have immediately matched, bbo was 0.0@50000.0. asset=0"),
        ({"asset": 7}, "Unknown asset 7"),
        ({"trigger": {"isMarket": True, "triggerPx": "40000", "tpsl": "sl"}}, "Invalid TP/SL price. asset=0"),
    ],
)
def test_each_refusal_has_the_words_that_clients_look_for(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        await rig.order(MAKER, False, "50000", "1")
        fields = {"price": "50000", "size": "1", **more}
        before = rig.service.desk.venue.copy()
        assert await rig.order(TAKER, True, fields.pop("price"), fields.pop("size"), **fields) == {"error": expected}
        for name in ("bucket_raw", "slot_size", "order_id"):
            assert (before.columns[name] == rig.service.columns[name]).all()

    run(tmp_path, scenario)


def test_a_batch_is_judged_order_by_order(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        wires = [
            wire(True, "49000", "0.1"),
            wire(True, "49000.5", "0.1"),
            wire(True, "48000", "0.1"),
            wire(True, "1", "9"),
        ]
        told = await rig.act(MAKER, order_action(*wires))
        statuses = told["response"]["data"]["statuses"]
        assert [next(iter(status)) for status in statuses] == ["resting", "error", "resting", "error"]
        assert [status["resting"]["oid"] for status in statuses[::2]] == [1, 2]

    run(tmp_path, scenario)


def test_cancels_and_changes(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        await rig.order(MAKER, True, "49000", "1")
        await rig.order(MAKER, True, "48000", "1", cloid=CLOID)
        change = {"type": "batchModify", "modifies": [{"oid": 1, "order": wire(True, "49100", "2")}]}
        told = await rig.act(MAKER, change)
        assert told["response"] == {"type": "order", "data": {"statuses": [{"resting": {"oid": 3}}]}}
        told = await rig.act(MAKER, {"type": "modify", "oid": CLOID, "order": wire(True, "48100", "1", cloid=CLOID)})
        assert told == {"status": "ok", "response": {"type": "default"}}
        gone = "Order was never placed, already canceled, or filled. asset=0"
        told = await rig.act(
            MAKER, {"type": "cancel", "cancels": [{"a": 0, "o": 3}, {"a": 0, "o": 1}, {"a": 0, "o": 99}]}
        )
        assert told["response"]["data"]["statuses"] == ["success", {"error": gone}, {"error": gone}]
        told = await rig.act(TAKER, {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]})
        assert told["response"]["data"]["statuses"] == [{"error": gone}]
        told = await rig.act(MAKER, {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]})
        assert told["response"]["data"]["statuses"] == ["success"]
        told = await rig.act(
            MAKER, {"type": "batchModify", "modifies": [{"oid": 1, "order": wire(True, "49100", "2")}]}
        )
        assert told["response"]["data"]["statuses"] == [{"error": "Cannot modify canceled or filled order"}]
        assert not rig.service.mirror.orders.by_oid

    run(tmp_path, scenario)


def test_take_profit_and_stop_loss_of_an_order_that_rests_wait_for_it(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        parent = wire(True, "49000", "1")
        take = wire(False, "60000", "1", reduce=True, trigger={"isMarket": True, "triggerPx": "60000", "tpsl": "tp"})
        stop = wire(False, "40000", "1", reduce=True, trigger={"isMarket": True, "triggerPx": "40000", "tpsl": "sl"})
        told = await rig.act(TAKER, order_action(parent, take, stop, grouping="normalTpsl"))
        statuses = told["response"]["data"]["statuses"]
        assert statuses == [{"resting": {"oid": 1}}, "waitingForFill", "waitingForFill"]
        live = rig.service.mirror.orders.by_oid
        assert [live[oid].parent for oid in (2, 3)] == [1, 1]
        await rig.order(MAKER, False, "49000", "1", tif="Ioc")
        assert sorted(live) == [2, 3]
        await rig.order(MAKER, True, "41000", "5")
        await rig.move(0, 39_900_000)
        assert not [oid for oid in live if live[oid].account == 1]

    run(tmp_path, scenario)


def test_take_profit_and_stop_loss_of_an_order_that_fills_at_once_are_armed(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        await rig.order(MAKER, False, "50000", "1")
        parent = wire(True, "50500", "1", tif="FrontendMarket")
        take = wire(False, "60000", "1", reduce=True, trigger={"isMarket": False, "triggerPx": "60000", "tpsl": "tp"})
        stop = wire(False, "40000", "1", reduce=True, trigger={"isMarket": True, "triggerPx": "40000", "tpsl": "sl"})
        told = await rig.act(TAKER, order_action(parent, take, stop, grouping="normalTpsl"))
        statuses = told["response"]["data"]["statuses"]
        assert statuses[0]["filled"]["totalSz"] == "1.0"
        assert statuses[1:] == ["waitingForTrigger", "waitingForTrigger"]
        whole = wire(False, "39000", "1", reduce=True, trigger={"isMarket": True, "triggerPx": "39000", "tpsl": "sl"})
        told = await rig.act(TAKER, order_action(whole, grouping="positionTpsl"))
        assert told["response"]["data"]["statuses"] == ["waitingForTrigger"]
        alone = await rig.order(
            TAKER, False, "38000", "0.5", reduce=True, trigger={"isMarket": True, "triggerPx": "38000", "tpsl": "sl"}
        )
        assert alone == {"resting": {"oid": 6}}

    run(tmp_path, scenario)


def test_children_of_a_refused_order_are_refused(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        stop = wire(False, "40000", "1", reduce=True, trigger={"isMarket": True, "triggerPx": "40000", "tpsl": "sl"})
        told = await rig.act(TAKER, order_action(wire(True, "49000", "9999"), stop, grouping="normalTpsl"))
        assert [set(status) for status in told["response"]["data"]["statuses"]] == [{"error"}, {"error"}]

    run(tmp_path, scenario)


def test_leverage_isolated_margin_and_moving_a_position(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        ok = {"status": "ok", "response": {"type": "default"}}
        assert await rig.act(TAKER, {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 5}) == ok
        told = await rig.act(TAKER, {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 21})
        assert told == {"status": "err", "response": "Invalid leverage value"}
        await rig.order(MAKER, False, "50000", "1")
        await rig.order(TAKER, True, "50000", "1")
        told = await rig.act(TAKER, {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 5})
        assert told == {"status": "err", "response": "Cannot switch leverage type with open position."}
        assert cash(rig, TAKER) == 90_000
        move = {"type": "updateIsolatedMargin", "asset": 0, "isBuy": True}
        assert await rig.act(TAKER, {**move, "ntli": 500 * USD}) == ok
        assert await rig.act(TAKER, {**move, "ntli": -500 * USD}) == ok
        told = await rig.act(TAKER, {**move, "ntli": -500 * USD})
        assert told["response"] == "Insufficient margin to update isolated margin"
        assert await rig.act(TAKER, {"type": "topUpIsolatedOnlyMargin", "asset": 0, "leverage": "2.5"}) == ok
        assert cash(rig, TAKER) == 80_000
        assert await rig.act(TAKER, {"type": "automaticTopUp", "asset": 0, "floor": "100"}) == ok
        assert await rig.act(TAKER, {"type": "movePosition", "asset": 0, "isCross": True}) == ok
        assert await rig.act(TAKER, {"type": "movePosition", "asset": 0, "isCross": False, "margin": "20000"}) == ok
        told = await rig.act(MAKER, {**move, "ntli": 1})
        assert told["status"] == "err"

    run(tmp_path, scenario)


def test_money_between_owners_classes_and_sub_accounts(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        ok = {"status": "ok", "response": {"type": "default"}}
        send = {"type": "usdSend", "destination": address_text(OTHER.address), "amount": "250.5"}
        assert await rig.act(TAKER, send) == ok
        assert cash(rig, OTHER) == 250
        assert await rig.act(TAKER, send) == ok
        assert (await rig.act(OTHER, send))["response"] == "Cannot self-transfer."
        told = await rig.act(OTHER, {**send, "destination": address_text(MAKER.address), "amount": "501.000001"})
        assert told == {"status": "err", "response": "Insufficient balance for token transfer"}
        assert await rig.act(TAKER, {"type": "usdClassTransfer", "amount": "1000", "toPerp": False}) == ok
        told = await rig.act(TAKER, {"type": "usdClassTransfer", "amount": "1000.5", "toPerp": True})
        assert told["response"] == "Insufficient balance for token transfer"
        assert await rig.act(TAKER, {"type": "usdClassTransfer", "amount": "400", "toPerp": True}) == ok
        person = rig.service.people.persons[rig.service.people.account_of(TAKER.address)]
        assert int(rig.service.columns["bucket_raw"][person.spot]) == 600 * USD
        told = await rig.act(TAKER, {"type": "createSubAccount", "name": "scalper"})
        sub = told["response"]["data"]
        assert told["response"]["type"] == "createSubAccount"
        pay = {"type": "subAccountTransfer", "subAccountUser": sub, "isDeposit": True, "usd": 700 * USD}
        assert await rig.act(TAKER, pay) == ok
        assert (await rig.act(OTHER, pay))["response"] == "Sub-account does not exist."
        status = await rig.act(TAKER, order_action(wire(True, "49000", "0.1")), vaultAddress=sub.removeprefix("0x"))
        assert status["response"]["data"]["statuses"] == [{"resting": {"oid": 1}}]
        assert rig.service.mirror.orders.by_oid[1].account == rig.service.people.account_of(bytes.fromhex(sub[2:]))
        told = await rig.act(OTHER, order_action(wire(True, "49000", "0.1")), vaultAddress=sub)
        assert told == {"status": "err", "response": f"Not authorized to act for {sub}"}
        out = {"type": "withdraw3", "destination": address_text(TAKER.address), "amount": "10"}
        assert await rig.act(TAKER, out) == ok
        assert (await rig.act(TAKER, {**out, "amount": "9999999"}))["response"] == "Insufficient balance for withdrawal"
        assert list(rig.service.mirror.payees.values()) == [TAKER.address]

    run(tmp_path, scenario)


def test_an_agent_trades_until_it_is_replaced_or_expires_and_never_withdraws(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        ok = {"status": "ok", "response": {"type": "default"}}
        approve = {"type": "approveAgent", "agentAddress": address_text(AGENT.address), "agentName": "bot"}
        assert await rig.act(TAKER, approve) == ok
        assert await rig.order(AGENT, True, "49000", "0.1") == {"resting": {"oid": 1}}
        assert rig.service.mirror.orders.by_oid[1].account == rig.service.people.account_of(TAKER.address)
        out = {"type": "withdraw3", "destination": address_text(AGENT.address), "amount": "10"}
        assert (await rig.act(AGENT, out))["response"] == "Must be signed by the account's own wallet."
        until = f"bot valid_until {START + 3_600_000}"
        assert (
            await rig.act(TAKER, {**approve, "agentAddress": address_text(key(10).address), "agentName": until}) == ok
        )
        told = await rig.act(AGENT, order_action(wire(True, "49000", "0.1")))
        assert told["response"] == f"User or API Wallet {address_text(AGENT.address)} does not exist."
        assert await rig.order(key(10), True, "49000", "0.1") == {"resting": {"oid": 2}}
        rig.now += 3_600_000
        rig.nonces += 3_600_000
        assert await rig.order(key(10), True, "49000", "0.1") == "Agent has expired"
        nameless = {"type": "approveAgent", "agentAddress": address_text(key(11).address), "agentName": None}
        assert await rig.act(TAKER, nameless) == ok

    run(tmp_path, scenario)


def test_schedules_and_trailing_stops(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        terms = {"a": 0, "b": True, "s": "1", "r": False, "m": 10, "t": False}
        told = await rig.act(TAKER, {"type": "twapOrder", "twap": terms})
        running = told["response"]["data"]["status"]["running"]["twapId"]
        assert isinstance(running, int)
        small = await rig.act(TAKER, {"type": "twapOrder", "twap": {**terms, "s": "0.001"}})
        assert small["response"]["data"]["status"]["error"].startswith("TWAP order value too small.")
        told = await rig.act(TAKER, {"type": "twapCancel", "a": 0, "t": running})
        assert told["response"] == {"type": "twapCancel", "data": {"status": "success"}}
        told = await rig.act(TAKER, {"type": "twapCancel", "a": 0, "t": running})
        assert "never placed" in told["response"]["data"]["status"]["error"]
        await rig.order(MAKER, False, "50000", "1")
        await rig.order(TAKER, True, "50000", "1")
        trail = {"type": "trailingStop", "a": 0, "b": False, "s": "1", "distance": "500"}
        assert (await rig.act(TAKER, trail))["response"]["data"]["statuses"][0]["resting"]["oid"] > 0
        soon = {"type": "scheduleCancel", "time": rig.now + 1}
        assert "5 seconds" in (await rig.act(TAKER, soon))["response"]
        assert (await rig.act(TAKER, {"type": "scheduleCancel", "time": rig.now + 6_000}))["status"] == "ok"
        assert (await rig.act(TAKER, {"type": "scheduleCancel"}))["status"] == "ok"

    run(tmp_path, scenario)


def test_a_signature_acts_once_for_its_signer_on_its_network(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        request = rig.request(TAKER, order_action(wire(True, "49000", "0.1")))
        assert (await answer(rig.service, request))["status"] == "ok"
        again = await answer(rig.service, request)
        assert again == {"status": "err", "response": f"Invalid nonce: duplicate nonce {request['nonce']}"}
        changed = {**request, "action": order_action(wire(True, "49000", "0.2"))}
        assert (await answer(rig.service, changed))["response"].startswith("User or API Wallet 0x")
        main = rig.request(TAKER, order_action(wire(True, "49000", "0.1")), is_mainnet=True)
        assert (await answer(rig.service, main))["status"] == "ok"
        late = rig.request(TAKER, order_action(wire(True, "49000", "0.1")), expiresAfter=rig.now - 1)
        assert (await answer(rig.service, late))["response"].startswith("Action has expired")
        stripped = {**rig.request(TAKER, order_action(wire(True, "49000", "0.1")), expiresAfter=rig.now + 9_999)}
        del stripped["expiresAfter"]
        assert (await answer(rig.service, stripped))["response"].startswith("User or API Wallet 0x")
        for nonce in (5, rig.now + 2 * 86_400_000):
            told = await rig.act(TAKER, order_action(wire(True, "49000", "0.1")), nonce=nonce)
            assert told["response"].startswith("Invalid nonce")
        cancel = {"type": "cancel", "cancels": [{"a": 0, "o": 99}]}
        refused = rig.request(TAKER, cancel)
        assert (await answer(rig.service, refused))["status"] == "ok"
        assert (await answer(rig.service, refused))["response"].startswith("Invalid nonce: duplicate")

    run(tmp_path, scenario)


def test_only_the_configured_network_where_the_other_is_not_accepted(tmp_path: Path) -> None:
    from seawall.venue.config import Network

    async def scenario(rig: Rig) -> None:
        await opened(rig)
        told = await rig.act(TAKER, order_action(wire(True, "49000", "0.1")), is_mainnet=True)
        assert told["response"].startswith("User or API Wallet 0x")
        send = {"type": "usdSend", "destination": address_text(OTHER.address), "amount": "1"}
        assert "testnet only" in (await rig.act(TAKER, send, is_mainnet=True))["response"]
        assert (await rig.act(TAKER, send))["status"] == "ok"

    run(tmp_path, scenario, network=Network(accept_both=False))


def test_what_the_venue_does_not_offer_is_refused_by_name(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        for kind in KNOWN:
            if kind in ("spotSend", "tokenDelegate", "cDeposit", "cWithdraw", "convertToMultiSigUser"):
                continue  # typed data of their own
            told = await rig.act(TAKER, {"type": kind})
            assert told == {"status": "err", "response": f"This venue does not offer {kind}."}
        for kind in ("setReferrer", "noop", "evmUserModify"):
            assert (await rig.act(TAKER, {"type": kind}))["status"] == "ok"
        with pytest.raises(MalformedError):
            await rig.act(TAKER, {"type": "teleport"})

    run(tmp_path, scenario)


GOOD = {"action": {"type": "noop"}, "nonce": START, "signature": {"r": "0x1", "s": "0x2", "v": 27}}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"action": {}},
        {"action": {"type": 5}, "nonce": 1},
        {**GOOD, "nonce": "1"},
        {**GOOD, "nonce": True},
        {**GOOD, "nonce": -1},
        {**GOOD, "nonce": 2**60},
        {**GOOD, "signature": None},
        {**GOOD, "signature": {"r": "zz", "s": "0x2", "v": 27}},
        {**GOOD, "signature": {"r": "0x1", "s": "0x2", "v": 30}},
        {**GOOD, "signature": {"r": "0x0", "s": "0x2", "v": 27}},
        {**GOOD, "vaultAddress": "0x12"},
        {**GOOD, "expiresAfter": "soon"},
        {**GOOD, "action": {"type": "usdSend", "hyperliquidChain": "Moon"}},
        {**GOOD, "action": {"type": "usdSend", "hyperliquidChain": "Testnet", "time": START, "signatureChainId": "q"}},
    ],
)
def test_what_is_no_request_is_told_so(tmp_path: Path, body: Any) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        with pytest.raises(MalformedError):
            await answer(rig.service, body)

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "order", "orders": []},
        {"type": "order", "orders": [5]},
        {"type": "order", "orders": [{**wire(True, "1", "1"), "b": "yes"}]},
        {"type": "order", "orders": [{**wire(True, "1", "1"), "t": {"limit": {"tif": "Soon"}}}]},
        {"type": "order", "orders": [{**wire(True, "1", "1"), "t": {"limit": {"tif": []}}}]},
        {"type": "order", "orders": [{**wire(True, "1", "1"), "t": {"trigger": {"tpsl": {}, "isMarket": True}}}]},
        {"type": "order", "orders": [{**wire(True, "1", "1"), "c": "0x12"}]},
        {"type": "order", "orders": [wire(True, "1", "1")], "grouping": "pairs"},
        {"type": "cancel", "cancels": [{"a": 0, "o": "x"}]},
        {"type": "cancel", "cancels": [{"a": -1, "o": 1}]},
        {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": 7}]},
        {"type": "modify", "oid": None, "order": wire(True, "1", "1")},
        {"type": "updateLeverage", "asset": 0, "isCross": 1, "leverage": 5},
        {"type": "updateIsolatedMargin", "asset": 0, "ntli": 2**60},
        {"type": "twapOrder", "twap": {"a": 0, "b": True, "s": "1", "r": False, "m": 4, "t": False}},
        {"type": "scheduleCancel", "time": "later"},
    ],
)
def test_an_action_of_another_shape_is_told_so_and_changes_nothing(tmp_path: Path, action: dict[str, Any]) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        before = rig.service.desk.sequence
        with pytest.raises(MalformedError):
            await rig.act(TAKER, action)
        assert rig.service.desk.sequence == before

    run(tmp_path, scenario)


def test_owners_go_into_portfolio_margin_where_the_venue_lets_them(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        mode = rig.service.columns["bucket_mode"]

        async def ask(user: Any, enabled: bool, wallet: Any = TAKER) -> Any:
            action = {"type": "userPortfolioMargin", "user": address_text(user), "enabled": enabled}
            return (await rig.act(wallet, action))["response"]

        owner = rig.service.people.account_of(TAKER.address)
        assert await ask(TAKER.address, True) == "Portfolio margin is not open to this account now."
        for name in ("param", "param_static"):
            rig.service.columns[name][-1, parameter.PORTFOLIO_MOST] = 2
            rig.service.columns[name][-1, parameter.PORTFOLIO_EQUITY] = 0
        assert await ask(MAKER.address, True) == "Not authorized"
        assert await ask(b"\x55" * 20, True) == "Not authorized"
        approve = {"type": "approveAgent", "agentAddress": address_text(AGENT.address), "agentName": "bot"}
        assert (await rig.act(TAKER, approve))["status"] == "ok"
        assert await ask(TAKER.address, True, AGENT) == "Must be signed by the account's own wallet."
        assert mode[owner] == TIERED
        assert (await ask(TAKER.address, True))["type"] == "default"
        assert mode[owner] == PORTFOLIO
        assert (await ask(TAKER.address, False))["type"] == "default"
        assert mode[owner] == TIERED
        sub = (await rig.act(TAKER, {"type": "createSubAccount", "name": "hedge"}))["response"]["data"]
        assert (await ask(bytes.fromhex(sub[2:]), True))["type"] == "default"
        assert mode[rig.service.people.account_of(bytes.fromhex(sub[2:]))] == PORTFOLIO

    run(tmp_path, scenario)


def test_codes_that_refuse_an_action_as_such() -> None:
    call = Call({"type": "noop"}, 1, 0, 0, b"", Signature(1, 1, 0))
    call.fail(code.OK)
    call.fail(code.BAD_PRICE)
