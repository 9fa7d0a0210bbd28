"""@nktkas/hyperliquid, unchanged but for its URLs, over HTTP and websocket: what MetaMask Perps trades with.

Whatever the venue answers is held to the valibot schemas of responses and events that version 0.30.2 carries.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from client_child import Child
from client_venue import Venue
from nktkas_desk import Desk, plain

pytestmark = pytest.mark.slow  # node and its modules

OTHER: Final = f"0x{'b3' * 20}"
USER: Final = {"user": "me"}
USDC: Final = "0x6d1e7cde53ba9467b783cb7c530ce054"
HOUR: Final = 3_600_000

QUESTIONS: Final[dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(
        [
            "borrowLendUserState",
            "approvedBuilders",
            "clearinghouseState",
            "delegations",
            "delegatorHistory",
            "delegatorRewards",
            "delegatorSummary",
            "extraAgents",
            "frontendOpenOrders",
            "historicalOrders",
            "isVip",
            "leadingVaults",
            "legalCheck",
            "openOrders",
            "portfolio",
            "referral",
            "spotClearinghouseState",
            "spotDeployState",
            "subAccounts",
            "subAccounts2",
            "twapHistory",
            "userAbstraction",
            "userDexAbstraction",
            "userFees",
            "userFills",
            "userRateLimit",
            "userRole",
            "userToMultiSigSigners",
            "userTwapSliceFills",
            "userVaultEquities",
            "webData2",
        ],
        (USER,),
    ),
    **dict.fromkeys(
        [
            "allBorrowLendReserveStates",
            "allMids",
            "allPerpMetas",
            "exchangeStatus",
            "gossipPriorityAuctionStatus",
            "gossipRootIps",
            "liquidatable",
            "maxMarketOrderNtls",
            "meta",
            "metaAndAssetCtxs",
            "outcomeMeta",
            "outcomeTemplates",
            "perpCategories",
            "perpConciseAnnotations",
            "perpDeployAuctionStatus",
            "perpDexs",
            "perpsAtOpenInterestCap",
            "predictedFundings",
            "spotMeta",
            "spotMetaAndAssetCtxs",
            "spotPairDeployAuctionStatus",
            "usdcRouting",
            "validatorL1Votes",
            "validatorSummaries",
            "vaultSummaries",
        ],
        (),
    ),
    "activeAssetData": ({"user": "me", "coin": "BTC"},),
    "borrowLendReserveState": ({"token": 0},),
    "candleSnapshot": ({"coin": "BTC", "interval": "1m", "startTime": "hour ago"},),
    "fundingHistory": ({"coin": "BTC", "startTime": 0},),
    "l2Book": ({"coin": "BTC", "nSigFigs": 3},),
    "marginTable": ({"id": "table"},),
    "maxBuilderFee": ({"user": "me", "builder": OTHER},),
    "orderStatus": ({"user": "me", "oid": "stop"},),
    "perpAnnotation": ({"coin": "BTC"},),
    "perpDexLimits": ({"dex": "test"},),
    "perpDexStatus": ({"dex": ""},),
    "preTransferCheck": ({"user": "me", "source": OTHER},),
    "recentTrades": ({"coin": "BTC"},),
    "settledOutcome": ({"outcome": 1},),
    "tokenDetails": ({"tokenId": USDC},),
    "userBorrowLendInterest": ({"user": "me", "startTime": 0},),
    "userFillsByTime": ({"user": "me", "startTime": 0, "reversed": True},),
    "userFunding": (USER,),
    "userNonFundingLedgerUpdates": (USER,),
    "userTwapSliceFillsByTime": ({"user": "me", "startTime": 0},),
    "vaultDetails": ({"vaultAddress": "vault", "user": "me"},),
}
"""Every method of InfoClient, with what it is asked."""


class Busy:
    """A wallet that has done of everything, and what it has got by that."""

    def __init__(self, child: Child, venue: Venue) -> None:
        self.wallet = venue.wallet()
        desk = Desk(child, "http", self.wallet)
        mark, low, high = (str(venue.price("BTC", off)) for off in (0.01, -0.04, 0.04))
        desk.do("updateLeverage", {"asset": 1, "isCross": False, "leverage": 5})
        desk.do("order", {"orders": [plain("1", str(venue.price("ETH", 0.01)), asset=1)], "grouping": "na"})
        stop = {"trigger": {"isMarket": True, "triggerPx": low, "tpsl": "sl"}}
        take = {"trigger": {"isMarket": False, "triggerPx": high, "tpsl": "tp"}}
        sides = [plain("0.1", low, False, t=stop, r=True), plain("0.1", high, False, t=take, r=True)]
        told = desk.do("order", {"orders": [plain("0.1", mark), *sides], "grouping": "normalTpsl"})
        assert told["response"]["data"]["statuses"][1:] == ["waitingForTrigger"] * 2
        desk.do("order", {"orders": [plain("0.1", low), *sides], "grouping": "normalTpsl"})
        (self.stop, *_) = [each["oid"] for each in desk.ask("frontendOpenOrders", me(self)) if each["isTrigger"]]
        desk.do("twapOrder", {"twap": {"a": 0, "b": True, "s": "1", "r": False, "m": 30, "t": False}})
        self.sub = desk.do("createSubAccount", {"name": "busy"})["response"]["data"]
        desk.do("subAccountTransfer", {"subAccountUser": self.sub, "isDeposit": True, "usd": 1_000_000_000})
        desk.do("usdSend", {"destination": OTHER, "amount": "10"})
        desk.do("withdraw3", {"destination": self.wallet.address, "amount": "20"})
        desk.do("usdClassTransfer", {"amount": "30", "toPerp": False})
        desk.do("approveAgent", {"agentAddress": f"0x{'c4' * 20}", "agentName": "busy"})
        pools = venue.info("vaultSummaries")
        self.vault = pools[0]["vaultAddress"] if pools else OTHER
        if pools:
            desk.do("vaultTransfer", {"vaultAddress": self.vault, "isDeposit": True, "usd": 100_000_000})
        self.table = venue.info("meta")["universe"][0]["marginTableId"]


def me(busy: Busy) -> dict[str, str]:
    return {"user": busy.wallet.address}


@pytest.fixture(scope="module")
def busy(nktkas: Child, venue: Venue) -> Iterator[Busy]:
    made = Busy(nktkas, venue)
    yield made
    venue.clear(made.wallet)


@pytest.fixture(scope="module", params=["http", "ws"])
def desk(request: pytest.FixtureRequest, nktkas: Child, busy: Busy) -> Desk:
    return Desk(nktkas, request.param, busy.wallet)


def filled_in(busy: Busy, values: tuple[Any, ...]) -> list[Any]:
    now = time.time_ns() // 1_000_000
    words = {
        "me": busy.wallet.address,
        "stop": busy.stop,
        "vault": busy.vault,
        "table": busy.table,
        "hour ago": now - HOUR,
    }
    return [{name: words.get(word, word) for name, word in each.items()} for each in values]


def test_no_question_is_left_out(desk: Desk) -> None:
    assert desk.methods("info") == sorted(QUESTIONS)


@pytest.mark.parametrize("method", QUESTIONS)
def test_a_question_is_answered_as_the_schemas_have_it(desk: Desk, busy: Busy, method: str) -> None:
    desk.ask(method, *filled_in(busy, QUESTIONS[method]))
