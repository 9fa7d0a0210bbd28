"""Orders, fills and money as clients see them, on a small venue."""

from typing import Any

import pytest

from seawall.terms import command
from seawall.venue.names import address_text
from seawall.venue.records import NOBODY, Fill
from seawall.venue.views.fills import direction
from seawall.venue.views.ledger import insurance_address
from venue_scene import BTC, DOGE, START, USD, Scene

GTC_FIELDS = {
    "coin": "BTC",
    "side": "B",
    "limitPx": "59000.0",
    "sz": "0.01",
    "oid": 1,
    "timestamp": START,
    "triggerCondition": "N/A",
    "isTrigger": False,
    "triggerPx": "0.0",
    "children": [],
    "isPositionTpsl": False,
    "reduceOnly": False,
    "orderType": "Limit",
    "origSz": "0.01",
    "tif": "Gtc",
    "cloid": None,
}


def test_a_resting_order_in_every_answer() -> None:
    scene = Scene()
    owner = scene.person(10_000)
    scene.order(owner, BTC, 1, 59_000_000, 10)
    assert scene.ask("frontendOpenOrders", owner) == [GTC_FIELDS]
    assert scene.ask("openOrders", owner) == [
        {
            "coin": "BTC",
            "side": "B",
            "limitPx": "59000.0",
            "sz": "0.01",
            "oid": 1,
            "timestamp": START,
            "origSz": "0.01",
        }
    ]
    update = {"order": GTC_FIELDS, "status": "open", "statusTimestamp": START}
    assert scene.ask("orderStatus", owner, oid=1) == {"status": "order", "order": update}
    assert scene.ask("historicalOrders", owner) == [update]
    other = scene.person(10)
    assert scene.ask("orderStatus", other, oid=1) == {"status": "unknownOid"}
    assert scene.ask("orderStatus", owner, oid=2) == {"status": "unknownOid"}


def test_of_orders_with_one_client_id_the_newest_is_told() -> None:
    scene = Scene()
    owner = scene.person(10_000)
    for price in (58_000_000, 59_000_000):
        identity = scene.order(owner, BTC, 1, price, 10, cloid=7)
        if price == 58_000_000:
            scene.do(command.CANCEL, owner, account=owner, market=BTC, reference=identity)
    text = f"0x{7:032x}"
    found = scene.ask("orderStatus", owner, oid=text)["order"]
    assert (found["order"]["oid"], found["status"], found["order"]["cloid"]) == (2, "open", text)
    scene.do(command.CANCEL_CLIENT, owner, account=owner, market=BTC, client_high=0, client_low=7)
    found = scene.ask("orderStatus", owner, oid=text)["order"]
    assert (found["order"]["oid"], found["status"], found["order"]["sz"]) == (2, "canceled", "0.01")
    assert scene.ask("orderStatus", owner, oid=1)["order"]["status"] == "canceled"


@pytest.mark.parametrize(
    ("flags", "price", "trigger", "kind", "condition"),
    [
        (command.STOP, 0, 55_000_000, "Stop Market", "Price below 55000"),
        (command.STOP, 54_000_000, 55_000_000, "Stop Limit", "Price below 55000"),
        (command.STOP | command.IOC, 54_000_000, 55_000_500, "Stop Market", "Price below 55000.5"),
        (command.TAKE_PROFIT, 0, 66_000_000, "Take Profit Market", "Price above 66000"),
        (command.TAKE_PROFIT, 66_000_000, 66_000_000, "Take Profit Limit", "Price above 66000"),
    ],
)
def test_trigger_orders_say_when_they_fire(flags: int, price: int, trigger: int, kind: str, condition: str) -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    scene.trade(owner, other, BTC, 60_000_000, 100)
    trigger -= trigger % 1_000
    condition = condition.replace(".5", "")
    scene.order(owner, BTC, -1, price, 100, flags | command.REDUCE_ONLY, trigger=trigger)
    (shown,) = scene.ask("frontendOpenOrders", owner)
    assert (shown["orderType"], shown["triggerCondition"]) == (kind, condition)
    assert (shown["isTrigger"], shown["tif"], shown["reduceOnly"]) == (True, None, True)
    assert float(shown["triggerPx"]) == trigger / 1_000
    assert scene.ask("openOrders", owner)[0]["reduceOnly"] is True


def test_a_stop_that_fires_keeps_its_number() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    scene.trade(owner, other, BTC, 60_000_000, 100)
    scene.order(other, BTC, 1, 54_000_000, 500)
    scene.order(owner, BTC, -1, 0, 100, command.STOP | command.REDUCE_ONLY, trigger=55_000_000)
    oid = scene.ask("openOrders", owner)[0]["oid"]
    for price in (58_900_000, 57_800_000, 56_700_000, 55_600_000, 54_500_000):
        scene.pass_time(1_000)
        scene.price(BTC, price)
    found = scene.ask("orderStatus", owner, oid=oid)["order"]
    assert (found["status"], found["order"]["triggerCondition"]) == ("filled", "Triggered")
    fill = scene.ask("userFills", owner)[0]
    assert (fill["oid"], fill["dir"], fill["px"], fill["closedPnl"]) == (oid, "Close Long", "54000.0", "-600.0")


def test_attached_stops_are_children_until_they_are_armed() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    parent = scene.order(owner, BTC, 1, 59_000_000, 10)
    whole = command.REDUCE_ONLY
    scene.order(owner, BTC, -1, 0, 10, command.STOP | whole, trigger=55_000_000, other=parent)
    scene.order(owner, BTC, -1, 0, 10, command.TAKE_PROFIT | whole, trigger=66_000_000, other=parent)
    (shown,) = scene.ask("frontendOpenOrders", owner)
    assert [child["orderType"] for child in shown["children"]] == ["Stop Market", "Take Profit Market"]
    assert len(scene.ask("openOrders", owner)) == 1
    assert scene.ask("orderStatus", owner, oid=shown["oid"])["order"]["order"]["children"] == shown["children"]
    scene.order(other, BTC, -1, 59_000_000, 10, command.IOC)
    armed = scene.ask("frontendOpenOrders", owner)
    assert [one["orderType"] for one in armed] == ["Take Profit Market", "Stop Market"]
    assert all(one["children"] == [] for one in armed)


def test_what_closes_a_whole_position_has_no_size_until_it_fires() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    scene.trade(owner, other, BTC, 60_000_000, 100)
    scene.order(other, BTC, 1, 54_000_000, 500)
    flags = command.STOP | command.REDUCE_ONLY | command.WHOLE_POSITION
    scene.order(owner, BTC, -1, 0, 0, flags, trigger=59_000_000)
    (shown,) = scene.ask("frontendOpenOrders", owner)
    assert (shown["isPositionTpsl"], shown["sz"], shown["origSz"]) == (True, "0.0", "0.0")
    scene.pass_time(1_000)
    scene.price(BTC, 58_900_000)
    found = scene.ask("orderStatus", owner, oid=shown["oid"])["order"]
    assert found["order"]["origSz"] == "0.1"


def fill(**changes: Any) -> Fill:
    plain: dict[str, Any] = dict.fromkeys(Fill.__struct_fields__, 0)
    return Fill(**{**plain, "method": "", "liquidated": NOBODY, "is_taker": True, **changes})


@pytest.mark.parametrize(
    ("start", "lots", "expected"),
    [
        (0, 5, "Open Long"),
        (3, 5, "Open Long"),
        (0, -5, "Open Short"),
        (-3, -5, "Open Short"),
        (5, -5, "Close Long"),
        (9, -5, "Close Long"),
        (-5, 5, "Close Short"),
        (-9, 5, "Close Short"),
        (4, -5, "Long > Short"),
        (-4, 5, "Short > Long"),
    ],
)
def test_directions(start: int, lots: int, expected: str) -> None:
    assert direction(Scene(), fill(start=start, lots=lots)) == expected  # type: ignore[arg-type]


def test_directions_of_what_was_forced() -> None:
    scene = Scene()
    forced = {"start": 5, "lots": -5, "account": 3, "bucket": 3, "liquidated": 3}
    isolated = {**forced, "bucket": scene.mirror.accounts + 1}
    for changes, expected in (
        ({**forced, "method": "market"}, "Close Long"),
        ({**forced, "method": "backstop"}, "Liquidated Cross Long"),
        ({**isolated, "method": "adl"}, "Liquidated Isolated Long"),
        ({**isolated, "method": "adl", "start": -5, "lots": 5}, "Liquidated Isolated Short"),
        ({**forced, "method": "adl", "liquidated": 4}, "Auto-Deleveraging"),
        ({**forced, "method": "settlement"}, "Settlement"),
    ):
        assert direction(scene, fill(**changes)) == expected  # type: ignore[arg-type]


def test_fills_of_one_taker_are_joined_when_asked() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    for price, size in ((60_000_000, 10), (60_100_000, 20), (60_200_000, 30)):
        scene.order(other, BTC, -1, price, size)
    scene.order(owner, BTC, 1, 61_000_000, 60, command.IOC, cloid=9)
    apart = scene.ask("userFills", owner)
    assert [one["sz"] for one in apart] == ["0.03", "0.02", "0.01"]
    assert [one["startPosition"] for one in apart] == ["0.03", "0.01", "0.0"]
    (joined,) = scene.ask("userFills", owner, aggregateByTime=True)
    cost = 0.01 * 60_000 + 0.02 * 60_100 + 0.03 * 60_200
    assert joined["sz"] == "0.06"
    assert float(joined["px"]) == pytest.approx(cost / 0.06, abs=5e-5)
    assert (joined["startPosition"], joined["cloid"], joined["crossed"]) == ("0.0", f"0x{9:032x}", True)
    assert float(joined["fee"]) == pytest.approx(sum(float(one["fee"]) for one in apart))
    assert len(scene.ask("userFills", other, aggregateByTime=True)) == 3
    by_time = scene.ask("userFillsByTime", owner, startTime=START, endTime=START)
    assert by_time == apart[::-1]
    assert scene.ask("userFillsByTime", owner, startTime=START + 1) == []


def test_trades_show_the_taker_s_side_and_both_owners() -> None:
    scene = Scene()
    buyer, seller = scene.person(10_000), scene.person(10_000)
    scene.trade(buyer, seller, BTC, 60_000_000, 10)
    scene.order(buyer, BTC, 1, 59_900_000, 5)
    scene.order(seller, BTC, -1, 59_900_000, 5, command.IOC)
    found = scene.ask("recentTrades", coin="BTC")
    pair = [scene.address(buyer), scene.address(seller)]
    assert [(one["side"], one["px"], one["users"]) for one in found] == [("A", "59900.0", pair), ("B", "60000.0", pair)]
    assert len({one["tid"] for one in found}) == 2
    assert {one["tid"] for one in scene.ask("userFills", buyer)} == {one["tid"] for one in found}


def test_money_that_moved_is_told_in_hyperliquid_s_words() -> None:
    scene = Scene()
    owner, friend = scene.person(1_000), scene.person()
    sub, spot = scene.sub(owner, "trading"), scene.sub(owner)
    far = scene.sub(friend)
    for taker, amount in ((sub, 100), (spot, 200), (friend, 30)):
        scene.do(command.TRANSFER, owner, account=owner, other=taker, amount=amount * USD)
    scene.do(command.TRANSFER, owner, account=spot, other=far, amount=50 * USD)
    scene.do(command.TRANSFER, owner, account=spot, other=owner, amount=20 * USD)
    scene.do(command.INSURANCE_ADD, owner, account=owner, market=BTC, amount=5 * USD)
    scene.do(command.WITHDRAW, owner, account=owner, amount=40 * USD)
    scene.do(command.CANCEL_WITHDRAWAL, command.BRIDGE, reference=int(scene.columns["withdrawal_id"][1]))
    updates = scene.ask("userNonFundingLedgerUpdates", owner)
    me, you = scene.address(owner), scene.address(friend)
    deltas = [one["delta"] for one in updates]
    nonce = deltas[-2]["nonce"]
    assert deltas == [
        {"type": "deposit", "usdc": "1000.0"},
        {"type": "subAccountTransfer", "usdc": "100.0", "user": me, "destination": scene.address(sub)},
        {"type": "accountClassTransfer", "usdc": "200.0", "toPerp": False},
        {"type": "internalTransfer", "usdc": "30.0", "user": me, "destination": you, "fee": "0.0"},
        {
            "type": "spotTransfer",
            "token": "USDC",
            "amount": "50.0",
            "usdcValue": "50.0",
            "user": me,
            "destination": you,
            "fee": "0.0",
            "nativeTokenFee": "0.0",
            "nonce": None,
            "feeToken": "USDC",
        },
        {"type": "accountClassTransfer", "usdc": "20.0", "toPerp": True},
        {
            "type": "internalTransfer",
            "usdc": "5.0",
            "user": me,
            "destination": address_text(insurance_address(BTC)),
            "fee": "0.0",
        },
        {"type": "withdraw", "usdc": "40.0", "nonce": nonce, "fee": "0.0"},
        {"type": "deposit", "usdc": "40.0"},
    ]
    assert all(len(one["hash"]) == 66 for one in updates)
    assert [one["delta"]["type"] for one in scene.ask("userNonFundingLedgerUpdates", friend)] == [
        "internalTransfer",
        "spotTransfer",
    ]
    assert scene.ask("userNonFundingLedgerUpdates", owner, startTime=START + 1) == []


def test_a_liquidation_is_told_with_what_it_began_with() -> None:
    scene = Scene()
    owner, other = scene.person(200), scene.person(1_000_000)
    scene.do(command.SET_LEVERAGE, owner, account=owner, market=DOGE, size=10)
    scene.trade(owner, other, DOGE, 100_000, 19_000)
    scene.order(other, DOGE, 1, 90_000, 100_000)
    for price in (98_500, 97_000, 95_500, 94_000, 92_500):
        scene.pass_time(1_000)
        scene.price(DOGE, price)
        scene.do(command.LIQUIDATE, command.SEQUENCER, size=64)
    scene.do(command.LIQUIDATE, command.SEQUENCER, size=64)
    (delta,) = [
        one["delta"] for one in scene.ask("userNonFundingLedgerUpdates", owner) if "leverageType" in one["delta"]
    ]
    assert delta["leverageType"] == "Cross"
    assert delta["liquidatedPositions"] == [{"coin": "DOGE", "szi": "19000.0"}]
    fills = [one for one in scene.ask("userFills", owner) if "liquidation" in one]
    assert fills
    assert {one["liquidation"]["liquidatedUser"] for one in fills} == {scene.address(owner)}
    assert {one["liquidation"]["method"] for one in fills} <= {"market", "backstop"}


def test_twaps_are_told_from_beginning_to_end() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(1_000_000)
    scene.order(other, DOGE, -1, 100_000, 50_000)
    fields = {"account": owner, "market": DOGE, "size": 11_000, "amount": 300_000}
    scene.do(command.TWAP, owner, **fields)
    for _ in range(4):
        scene.pass_time(30_000)
    (running,) = scene.ask("webData2", owner)["twapStates"]
    assert (running[1]["sz"], running[1]["executedSz"], running[1]["minutes"]) == ("11000.0", "5000.0", 5)
    assert float(running[1]["executedNtl"]) == pytest.approx(500)
    again = scene.restarted()
    for _ in range(6):
        scene.pass_time(30_000)
    ended, began = scene.ask("twapHistory", owner)
    assert (began["status"], ended["status"]) == ({"status": "activated"}, {"status": "finished"})
    assert (ended["state"]["executedSz"], ended["state"]["executedNtl"]) == ("11000.0", "1100.0")
    assert ended["time"] == scene.now // 1_000
    slices = scene.ask("userTwapSliceFills", owner)
    assert sum(float(one["fill"]["sz"]) for one in slices) == 11_000
    assert {one["twapId"] for one in slices} == {running[0]} == {one["fill"]["twapId"] for one in slices}
    assert again.ask("webData2", owner)["twapStates"] == [running]
