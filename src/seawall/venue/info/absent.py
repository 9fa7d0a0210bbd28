"""Questions about what this venue does not offer: each answers in the shape that clients expect for none of it.

Spot, staking, builder dexes, multi-sig, borrowing, outcomes, validators, gas auctions. What an account has of them is
nothing; what the venue has of them is an empty list.
"""

from typing import Any, Final

from seawall.units import BadInput
from seawall.venue.info.fields import Asked
from seawall.venue.views.account import USDC, USDC_TOKEN

USDC_ID: Final = "0x6d1e7cde53ba9467b783cb7c530ce054"  # Hyperliquid's own token id of USDC, which clients compare with
BUILDER_FEE_MAX: Final = 100  # tenths of a basis point: builders may ask for Hyperliquid's most, and are paid nothing
NO_AUCTION: Final = {
    "startTimeSeconds": 0,
    "durationSeconds": 0,
    "startGas": "0.0",
    "currentGas": None,
    "endGas": None,
}
TOKEN: Final = {
    "name": USDC,
    "szDecimals": 6,
    "weiDecimals": 6,
    "index": USDC_TOKEN,
    "tokenId": USDC_ID,
    "isCanonical": True,
    "evmContract": None,
    "fullName": None,
    "deployerTradingFeeShare": "0.0",
}
SPOT_META: Final = {"universe": [], "tokens": [TOKEN]}
TOKEN_DETAILS: Final = {
    "name": USDC,
    "maxSupply": "0.0",
    "totalSupply": "0.0",
    "circulatingSupply": "0.0",
    "szDecimals": 6,
    "weiDecimals": 6,
    "midPx": "1.0",
    "markPx": "1.0",
    "prevDayPx": "1.0",
    "genesis": None,
    "deployer": None,
    "deployGas": None,
    "deployTime": None,
    "seededUsdc": "0.0",
    "nonCirculatingUserBalances": [],
    "futureEmissions": "0.0",
}
NO_RESERVE: Final = {
    "borrowYearlyRate": "0.0",
    "supplyYearlyRate": "0.0",
    "balance": "0.0",
    "utilization": "0.0",
    "oraclePx": "1.0",
    "ltv": "0.0",
    "totalSupplied": "0.0",
    "totalBorrowed": "0.0",
}

OF_THE_VENUE: Final[dict[str, Any]] = {
    "allBorrowLendReserveStates": [],
    "alignedQuoteTokenInfo": {
        "isAligned": False,
        "firstAlignedTime": 0,
        "evmMintedSupply": "0.0",
        "dailyAmountOwed": [],
        "predictedRate": "0.0",
    },
    "borrowLendReserveState": NO_RESERVE,
    "gossipPriorityAuctionStatus": [[], []],
    "gossipRootIps": [],
    "liquidatable": [],
    "outcomeMeta": {"outcomes": [], "questions": []},
    "outcomeTemplates": [],
    "perpAnnotation": None,
    "perpCategories": [],
    "perpConciseAnnotations": [],
    "perpDeployAuctionStatus": NO_AUCTION,
    "perpDexLimits": None,
    "perpDexs": [None],
    "settledOutcome": None,
    "spotMeta": SPOT_META,
    "spotMetaAndAssetCtxs": [SPOT_META, []],
    "spotPairDeployAuctionStatus": NO_AUCTION,
    "usdcRouting": {"depositRoute": "bridge", "withdrawalRoute": "bridge"},
    "validatorL1Votes": [],
    "validatorSummaries": [],
}

OF_AN_ACCOUNT: Final[dict[str, Any]] = {
    "approvedBuilders": [],
    "borrowLendUserState": {"tokenToState": [], "health": "healthy", "healthFactor": None},
    "delegations": [],
    "delegatorHistory": [],
    "delegatorRewards": [],
    "delegatorSummary": {
        "delegated": "0.0",
        "undelegated": "0.0",
        "totalPendingWithdrawal": "0.0",
        "nPendingWithdrawals": 0,
    },
    "isVip": False,
    "leadingVaults": [],
    "legalCheck": {"ipAllowed": True, "acceptedTerms": True, "userAllowed": True},
    "maxBuilderFee": BUILDER_FEE_MAX,
    "spotDeployState": {"states": [], "gasAuction": NO_AUCTION},
    "userAbstraction": "disabled",
    "userBorrowLendInterest": [],
    "userDexAbstraction": False,
    "userToMultiSigSigners": None,
}


def of_an_account(asked: Asked) -> Any:
    """What any account has of it; BadInput when the question names no address."""
    asked.address()
    return OF_AN_ACCOUNT[asked.request["type"]]


def of_the_venue(asked: Asked) -> Any:
    """What the venue has of it."""
    return OF_THE_VENUE[asked.request["type"]]


def token_details(asked: Asked) -> Any:
    """Of USDC; BadInput for any other token."""
    if asked.request.get("tokenId") != USDC_ID:
        raise BadInput("tokenId", "unknown token")
    return TOKEN_DETAILS
