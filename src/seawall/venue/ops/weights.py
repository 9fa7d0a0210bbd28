"""What requests cost: Hyperliquid's weights, and those of `/v1`.

Source: Hyperliquid's API documentation ("Rate limits and user limits"). An action costs 1 + floor(n / 40) of the IP
address's weight, and n of the account's actions; an info request a fixed weight by its type, and some of them one more
for so many items of their answer.
"""

from collections.abc import Mapping
from typing import Any, Final

ACTIONS_A_WEIGHT: Final = 40
INFO_DEFAULT: Final = 20
INFO: Final = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
ITEMS_A_WEIGHT: Final = {
    "recentTrades": 20,
    "historicalOrders": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
    "userFunding": 20,
    "userNonFundingLedgerUpdates": 20,
    "twapHistory": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
    "delegatorHistory": 20,
    "delegatorRewards": 20,
    "candleSnapshot": 60,
}
PARTS: Final = {"order": "orders", "cancel": "cancels", "cancelByCloid": "cancels", "batchModify": "modifies"}
CANCELS: Final = ("cancel", "cancelByCloid", "scheduleCancel", "twapCancel")

LIGHT: Final = 2  # of /v1: what is read from the columns
HEAVY: Final = 20  # ... computed over an account, or read from history
ROWS_A_WEIGHT: Final = 20  # ... and one more for so many rows of history


def info_weight(kind: str) -> int:
    """What an info request of a type costs before it is answered."""
    return INFO.get(kind, INFO_DEFAULT)


def items_weight(kind: str, items: int) -> int:
    """What its answer costs besides, for so many items."""
    per = ITEMS_A_WEIGHT.get(kind)
    return 0 if per is None else items // per


def action_count(action: Mapping[str, Any]) -> int:
    """How many actions of the account's limit an action is: the length of its list, at least 1."""
    parts = action.get(PARTS.get(str(action.get("type")), ""))
    return max(1, len(parts)) if isinstance(parts, list) else 1


def action_weight(count: int) -> int:
    """What an action of `count` parts costs of the IP address's weight."""
    return 1 + count // ACTIONS_A_WEIGHT


def is_cancel(action: Mapping[str, Any]) -> bool:
    """Whether the more generous limit of cancels applies."""
    return action.get("type") in CANCELS
