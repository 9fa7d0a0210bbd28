"""@nktkas/hyperliquid, unchanged but for its URLs: every action over both transports, and every subscription."""

import time
from typing import Any, Final

import pytest
from client_child import Child, ClientError
from client_venue import Venue
from nktkas_desk import Desk, plain

pytestmark = pytest.mark.slow  # node and its modules

OTHER: Final = f"0x{'b4' * 20}"
TOKEN: Final = f"PURR:0x{'00' * 16}"
OK: Final = {"status": "ok", "response": {"type": "default"}}
SIGNERS: Final = {"signers": {"authorizedUsers": [OTHER], "threshold": 1}}

ELSEWHERE: Final = (
    "order modify batchModify cancel cancelByCloid scheduleCancel twapOrder twapCancel updateLeverage "
    "updateIsolatedMargin topUpIsolatedOnlyMargin createSubAccount subAccountTransfer usdSend withdraw3 "
    "usdClassTransfer sendAsset approveAgent vaultTransfer noop"
)
"""Actions that flows below, or the wallet of test_nktkas.py, take."""

ACCEPTED: Final[dict[str, tuple[Any, ...]]] = {
    "agentEnableDexAbstraction": (),
    "agentSetAbstraction": ({"abstraction": "i"},),
    "approveBuilderFee": ({"builder": OTHER, "maxFeeRate": "0.01%"},),
    "evmUserModify": ({"usingBigBlocks": True},),
    "registerReferrer": ({"code": "SEAWALL"},),
    "reserveRequestWeight": ({"weight": 10},),
    "setDisplayName": ({"displayName": "somebody"},),
    "setReferrer": ({"code": "SEAWALL"},),
    "userDexAbstraction": ({"user": "me", "enabled": False},),
    "userPortfolioMargin": ({"user": "me", "enabled": False},),
    "userSetAbstraction": ({"user": "me", "abstraction": "disabled"},),
}
"""Taken, and nothing changes."""

REFUSED: Final[dict[str, tuple[Any, ...]]] = {
    "activateOutcomeDeployer": ({"isDeactivate": False},),
    "agentSendAsset": (
        {"destination": OTHER, "sourceDex": "", "destinationDex": "", "token": "USDC:0x0", "amount": "1"},
    ),
    "authorizeAqav2Role": ({"token": 0, "role": "technical"},),
    "borrowLend": ({"operation": "supply", "token": 0, "amount": "1"},),
    "cDeposit": ({"wei": 1},),
    "cSignerAction": ({"jailSelf": None},),
    "cValidatorAction": ({"unregister": None},),
    "cWithdraw": ({"wei": 1},),
    "claimRewards": (),
    "convertToMultiSigUser": (SIGNERS,),
    "createVault": ({"name": "a name", "description": "some words", "initialUsd": 100_000_000},),
    "finalizeEvmContract": ({"token": 1, "input": "firstStorageSlot"},),
    "gossipPriorityBid": ({"slotId": 0, "ip": "1.2.3.4", "maxGas": 10},),
    "hip3LiquidatorTransfer": ({"dex": "test", "ntl": 1_000_000_000, "isDeposit": True},),
    "linkStakingUser": ({"user": OTHER, "isFinalize": False},),
    "perpDeploy": ({"setOracle": {"dex": "test", "oraclePxs": [], "markPxs": [], "externalPerpPxs": []}},),
    "sendToEvmWithData": (
        {
            "token": "USDC",
            "amount": "1",
            "sourceDex": "",
            "destinationRecipient": OTHER,
            "addressEncoding": "hex",
            "destinationChainId": 1,
            "gasLimit": 1,
            "data": "0x",
        },
    ),
    "spotDeploy": ({"registerSpot": {"tokens": [0, 1]}},),
    "spotSend": ({"destination": OTHER, "token": TOKEN, "amount": "1"},),
    "spotUser": ({"toggleSpotDusting": {"optOut": True}},),
    "stakingLinkDisableTradingUser": ({"tradingUser": OTHER},),
    "subAccountModify": ({"subAccountUser": OTHER, "name": "new"},),
    "subAccountSpotTransfer": (
        {"subAccountUser": OTHER, "isDeposit": True, "token": f"USDC:0x{'00' * 16}", "amount": "1"},
    ),
    "tokenDelegate": ({"validator": OTHER, "wei": 1, "isUndelegate": False},),
    "userOutcome": ({"splitOutcome": {"outcome": 1, "amount": "1"}},),
    "validatorL1Stream": ({"riskFreeRate": "0.05"},),
    "vaultDistribute": ({"vaultAddress": OTHER, "usd": 1_000_000},),
    "vaultModify": ({"vaultAddress": OTHER, "allowDeposits": True},),
}
"""Refused by name."""


@pytest.fixture(scope="module", params=["http", "ws"])
def desk(request: pytest.FixtureRequest, nktkas: Child, venue: Venue) -> Desk:
    return Desk(nktkas, request.param, venue.wallet())


def filled_in(desk: Desk, values: tuple[Any, ...]) -> list[Any]:
    return [{name: desk.wallet.address if word == "me" else word for name, word in each.items()} for each in values]


def statuses(told: Any) -> Any:
    return told["response"]["data"]["statuses"]


def test_no_action_is_left_out(desk: Desk) -> None:
    assert desk.methods("exchange") == sorted({*ELSEWHERE.split(), *ACCEPTED, *REFUSED})


@pytest.mark.parametrize("method", ACCEPTED)
def test_an_action_that_changes_nothing_here(desk: Desk, method: str) -> None:
    assert desk.do(method, *filled_in(desk, ACCEPTED[method])) == OK


@pytest.mark.parametrize("method", REFUSED)
def test_an_action_that_is_not_offered(desk: Desk, method: str) -> None:
    with pytest.raises(ClientError, match="does not offer") as refusal:
        desk.do(method, *filled_in(desk, REFUSED[method]))
    assert refusal.value.kind == "ApiRequestError"


def test_orders_from_placing_to_cancelling(desk: Desk, venue: Venue) -> None:
    price, name = str(venue.price("BTC", -0.05)), f"0x{'d5' * 16}"
    (placed,) = statuses(desk.do("order", {"orders": [plain("0.1", price, c=name)], "grouping": "na"}))
    assert placed["resting"]["cloid"] == name
    assert desk.do("modify", {"oid": name, "order": plain("0.2", price, c=name)}) == OK
    (new,) = statuses(desk.do("batchModify", {"modifies": [{"oid": name, "order": plain("0.3", price)}]}))
    oid = new["resting"]["oid"]
    assert statuses(desk.do("cancel", {"cancels": [{"a": 0, "o": oid}]})) == ["success"]
    with pytest.raises(ClientError, match="already canceled, or filled"):
        desk.do("cancel", {"cancels": [{"a": 0, "o": oid}]})
    desk.do("order", {"orders": [plain("0.1", price, c=name)], "grouping": "na"})
    assert statuses(desk.do("cancelByCloid", {"cancels": [{"asset": 0, "cloid": name}]})) == ["success"]
    assert desk.ask("openOrders", {"user": desk.wallet.address}) == []
    with pytest.raises(ClientError, match="Insufficient margin to place order"):
        desk.do("order", {"orders": [plain("500", price)], "grouping": "na"})
    with pytest.raises(ClientError, match="5 seconds"):
        desk.do("scheduleCancel", {"time": venue.info("exchangeStatus")["time"]})
    assert desk.do("scheduleCancel") == OK


def test_a_nonce_is_used_up_by_noop(desk: Desk) -> None:
    nonce = time.time_ns() // 1_000_000
    assert desk.do("noop", {"nonce": nonce}) == OK
    with pytest.raises(ClientError, match="duplicate nonce"):
        desk.do("noop", {"nonce": nonce})


def test_a_time_weighted_order(desk: Desk) -> None:
    terms = {"a": 1, "b": True, "s": "10", "r": False, "m": 30, "t": True}
    twap = desk.do("twapOrder", {"twap": terms})["response"]["data"]["status"]["running"]["twapId"]
    assert desk.do("twapCancel", {"a": 1, "t": twap})["response"]["data"]["status"] == "success"
    with pytest.raises(ClientError, match="TWAP was never placed"):
        desk.do("twapCancel", {"a": 1, "t": twap})


def test_margin_and_money(desk: Desk, venue: Venue) -> None:
    address = desk.wallet.address
    assert desk.do("updateLeverage", {"asset": 0, "isCross": False, "leverage": 10}) == OK
    desk.do("order", {"orders": [plain("0.1", str(venue.price("BTC", 0.01)))], "grouping": "na"})
    assert desk.do("updateIsolatedMargin", {"asset": 0, "isBuy": True, "ntli": 50_000_000}) == OK
    assert desk.do("topUpIsolatedOnlyMargin", {"asset": 0, "leverage": "5"}) == OK
    positions = desk.ask("clearinghouseState", {"user": address})["assetPositions"]
    (held,) = [each["position"] for each in positions if each["position"]["coin"] == "BTC"]
    assert float(held["marginUsed"]) == pytest.approx(float(held["positionValue"]) / 5, rel=0.01)
    close = plain("0.1", str(venue.price("BTC", -0.01)), buys=False, r=True)
    desk.do("order", {"orders": [close], "grouping": "na"})
    assert desk.do("usdSend", {"destination": OTHER, "amount": "5"}) == OK
    assert desk.do("usdClassTransfer", {"amount": "7", "toPerp": False}) == OK
    back = {"destination": address, "sourceDex": "spot", "destinationDex": "", "token": "USDC:0x0", "amount": "7"}
    assert desk.do("sendAsset", back) == OK
    assert desk.do("withdraw3", {"destination": address, "amount": "5"}) == OK
    with pytest.raises(ClientError, match="Insufficient balance for withdrawal"):
        desk.do("withdraw3", {"destination": address, "amount": "1000000000"})
    sub = desk.do("createSubAccount", {"name": "nktkas"})["response"]["data"]
    assert desk.do("subAccountTransfer", {"subAccountUser": sub, "isDeposit": True, "usd": 5_000_000}) == OK
    with pytest.raises(ClientError, match="Vault not registered"):
        desk.do("vaultTransfer", {"vaultAddress": OTHER, "isDeposit": True, "usd": 5_000_000})


def test_an_agent_trades_for_its_owner(desk: Desk, nktkas: Child, venue: Venue) -> None:
    agent = Desk(nktkas, "http", type(desk.wallet)())
    assert desk.do("approveAgent", {"agentAddress": agent.wallet.address, "agentName": "agent"}) == OK
    price = str(venue.price("BTC", -0.05))
    (placed,) = statuses(agent.do("order", {"orders": [plain("0.1", price)], "grouping": "na"}))
    rests = [each["oid"] for each in desk.ask("openOrders", {"user": desk.wallet.address})]
    assert rests == [placed["resting"]["oid"]]
    agent.do("cancel", {"cancels": [{"a": 0, "o": rests[0]}]})
    with pytest.raises(ClientError, match="own wallet"):
        agent.do("withdraw3", {"destination": agent.wallet.address, "amount": "5"})


SILENT: Final = ("notification", "outcomeMetaUpdates")
"""Subscriptions that say nothing, or nothing at first."""

SUBSCRIPTIONS: Final[dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(["activeAssetCtx", "bbo", "l2Book", "trades"], ({"coin": "BTC"},)),
    **dict.fromkeys(
        ["allDexsAssetCtxs", "allMids", "assetCtxs", "fastAssetCtxs", "outcomeMetaUpdates", "spotAssetCtxs"], ()
    ),
    **dict.fromkeys(
        [
            "allDexsClearinghouseState",
            "clearinghouseState",
            "notification",
            "openOrders",
            "orderUpdates",
            "spotState",
            "twapStates",
            "userEvents",
            "userFills",
            "userFundings",
            "userHistoricalOrders",
            "userNonFundingLedgerUpdates",
            "userTwapHistory",
            "userTwapSliceFills",
            "webData3",
        ],
        ({"user": "me"},),
    ),
    "activeAssetData": ({"user": "me", "coin": "BTC"},),
    "activeSpotAssetCtx": ({"coin": "@1"},),
    "candle": ({"coin": "BTC", "interval": "1m"},),
}
"""Every method of SubscriptionClient."""


def test_every_subscription_tells_what_fits_its_schema(nktkas: Child, venue: Venue) -> None:
    """One wallet subscribes to all, does of everything, and hears of it."""
    desk = Desk(nktkas, "ws", venue.wallet())
    assert desk.methods("subscription") == sorted(SUBSCRIPTIONS)
    for method, values in SUBSCRIPTIONS.items():
        desk.subscribe(method, *filled_in(desk, values))
    price, mark = str(venue.price("BTC", -0.05)), str(venue.price("BTC", 0.01))
    (placed,) = statuses(desk.do("order", {"orders": [plain("0.1", price)], "grouping": "na"}))
    oid = placed["resting"]["oid"]
    assert desk.heard("orderUpdates", f'"oid":{oid}')[0]["status"] == "open"
    assert desk.heard("openOrders", f'"oid":{oid}')
    assert desk.heard("l2Book", f'"{price}')["coin"] == "BTC"
    desk.do("cancel", {"cancels": [{"a": 0, "o": oid}]})
    assert desk.heard("userHistoricalOrders", '"canceled"')
    desk.do("order", {"orders": [plain("0.1", mark)], "grouping": "na"})
    assert desk.heard("userFills", '"Open Long"')["user"] == desk.wallet.address
    assert desk.heard("userEvents", '"fills"')["fills"][0]["sz"] == "0.1"
    assert desk.heard("clearinghouseState", '"szi":"0.1"')
    desk.do("usdClassTransfer", {"amount": "7", "toPerp": False})
    assert desk.heard("spotState", '"USDC"')
    assert desk.heard("userNonFundingLedgerUpdates", "accountClassTransfer")
    desk.do("twapOrder", {"twap": {"a": 1, "b": True, "s": "30", "r": False, "m": 5, "t": False}})
    assert desk.heard("twapStates", '"ETH"')
    assert desk.heard("userTwapHistory", '"activated"')
    assert desk.heard("userTwapSliceFills", '"ETH"', seconds=50.0)
    for method in SUBSCRIPTIONS:
        if method not in (*SILENT, "orderUpdates", "userEvents"):
            desk.heard(method)
    for method in SUBSCRIPTIONS:
        desk.unsubscribe(method)
    desk.subscribe("l2Book", {"coin": "ETH"})
    assert desk.heard("l2Book", '"ETH"')
