"""Hyperliquid's words for the engine's refusals, where clients look for them; our own text for the rest.

Sources: the error responses of Hyperliquid's API documentation, and what ccxt, freqtrade and hummingbot match.
"""

from typing import Any, Final

from seawall.terms import code

ORDER: Final[dict[int, str]] = {
    code.BAD_PRICE: "Price must be divisible by tick size.",
    code.BAD_SIZE: "Order has invalid size.",
    code.INITIAL_MARGIN: "Insufficient margin to place order.",
    code.WITHDRAWABLE: "Insufficient margin to place order.",
    code.REDUCE_ONLY: "Reduce only order would increase position.",
    code.NO_POSITION: "Reduce only order would increase position.",
    code.OPEN_INTEREST_CAP: "Order would increase open interest while open interest is capped",
    code.POSITION_CAP: "Order would cause position to exceed margin tier limit at current leverage",
    code.LEVERAGE_CAP: "Order would cause position to exceed margin tier limit at current leverage",
    code.PRICE_BAND: "Order price too far from oracle",
    code.MARK_BEYOND_TRIGGER: "Invalid TP/SL price.",
    code.UNKNOWN_ORDER: "Order was never placed, already canceled, or filled.",
    code.DUPLICATE_CLIENT_ID: "Order with this client order id is already open.",
    code.STALE_PRICE: "Trading is reduce-only: the oracle price is stale.",
    code.MARKET_CLOSED: "Trading is halted.",
    code.VENUE_HALTED: "Trading is halted.",
    code.CANCEL_ONLY: "Only cancels are allowed.",
    code.POST_ONLY: "Only post-only orders allowed immediately after a network upgrade",
    code.MARKET_REDUCE_ONLY: "Only reduce-only orders are allowed.",
    code.NO_LIQUIDITY: "Order could not immediately match against any resting orders.",
    code.ORDERS_FULL: "Too many open orders.",
    code.SELF_TRADE: "Order would trade with itself.",
    code.BEING_LIQUIDATED: "Account is being liquidated.",
    code.PARENT_GONE: "Order was never placed, already canceled, or filled.",
}
ACTION: Final[dict[int, str]] = {
    code.WITHDRAWABLE: "Insufficient balance for withdrawal",
    code.BAD_LEVERAGE: "Invalid leverage value",
    code.LEVERAGE_CAP: "Leverage is above the present cap of this market",
    code.HAS_POSITION: "Cannot switch leverage type with open position.",
    code.INITIAL_MARGIN: "Insufficient margin",
    code.NOT_ISOLATED: "Cannot update isolated margin of a position that is not isolated",
    code.UNKNOWN_ORDER: "Order was never placed, already canceled, or filled.",
    code.NOT_AUTHORISED: "Not authorized",
    code.AGENT_EXPIRED: "Agent has expired",
    code.AGENT_SCOPE: "Agent may not do this",
    code.UNKNOWN_ACCOUNT: "Account does not exist.",
    code.BAD_AMOUNT: "Invalid amount",
    code.ACCOUNTS_FULL: "Too many accounts",
    code.AGENTS_FULL: "Too many agents",
    code.AGENT_EXISTS: "Extra agent already used.",
    code.WITHDRAWALS_CLOSED: "Withdrawals are closed for now",
}
WHOLE: Final = range(200, 300)  # codes that refuse an action as such, not one order of it
TWAP_GONE: Final = "TWAP was never placed, already canceled, or filled."
TWAP_SMALL: Final = "TWAP order value too small. Min is $1200, which is $10 per minute."
LEAST_ORDER_USD: Final = 10
LEAST_VALUE: Final = f"Order must have minimum value of ${LEAST_ORDER_USD}."
ZERO_SIZE: Final = "Order has zero size."
NOT_OFFERED: Final = "This venue does not offer"


def order_words(number: int, asset: int) -> str:
    """Why one order was refused."""
    return f"{ORDER.get(number) or sentence(number)} asset={asset}"


def action_words(number: int) -> str:
    """Why an action was refused."""
    return ACTION.get(number) or sentence(number)


def nonce_words(number: int, nonce: int) -> str:
    """Why a nonce was refused."""
    if number == code.NONCE_USED:
        return f"Invalid nonce: duplicate nonce {nonce}"
    if number == code.NONCE_OLD:
        return f"Invalid nonce: nonce {nonce} is too old"
    return f"Invalid nonce: nonce {nonce} is out of range"


def sentence(number: int) -> str:
    """Our own words for a code."""
    text = code.TEXT.get(number, f"code {number}")
    return text[:1].upper() + text[1:] + "."


class RefusedError(Exception):
    """A request that is answered with {"status": "err"}: it was understood and not accepted."""


class UnknownSignerError(RefusedError):
    """A signature of an address that has no account and is no agent."""

    def __init__(self, address: bytes) -> None:
        super().__init__(f"User or API Wallet 0x{address.hex()} does not exist.")
        self.address = address


class MalformedError(Exception):
    """A request that is no request: HTTP 422 with text."""


def ok(kind: str = "default", data: Any = None) -> dict[str, Any]:
    """An accepted action."""
    response = {"type": kind} if data is None else {"type": kind, "data": data}
    return {"status": "ok", "response": response}


def err(text: str) -> dict[str, Any]:
    """A refused action."""
    return {"status": "err", "response": text}
