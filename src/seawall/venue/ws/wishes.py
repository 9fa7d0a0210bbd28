"""Every subscription type that clients know, and what one of it is once its fields are checked.

What the venue does not offer (spot pairs, other dexes, prediction markets) is a subscription too: it says "none" once.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from seawall.units import BadInput
from seawall.venue.history.intervals import INTERVALS
from seawall.venue.names import address_of, address_text
from seawall.venue.universe import Listing, Universe
from seawall.venue.ws.frames import encode
from seawall.venue.ws.requests import Wanted

FIGURES: Final = (None, 2, 3, 4, 5)  # significant figures of the prices of a book's levels
MANTISSAS: Final = (None, 1, 2, 5)  # steps of the last of five figures
NAME_MAX: Final = 32  # characters of a coin or a dex

# fields by type; a mark after a name: ? told back only when it was sent
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "allMids": ("dex?",),
    "l2Book": ("coin", "nSigFigs", "mantissa", "fast"),
    "bbo": ("coin",),
    "trades": ("coin",),
    "candle": ("coin", "interval"),
    "activeAssetCtx": ("coin",),
    "assetCtxs": ("dex",),
    "allDexsAssetCtxs": (),
    "fastAssetCtxs": (),
    "spotAssetCtxs": (),
    "outcomeMetaUpdates": (),
    "clearinghouseState": ("user", "dex"),
    "allDexsClearinghouseState": ("user",),
    "openOrders": ("user", "dex"),
    "spotState": ("user", "ignorePortfolioMargin?"),
    "activeAssetData": ("user", "coin"),
    "webData2": ("user",),
    "webData3": ("user",),
    "twapStates": ("user", "dex"),
    "orderUpdates": ("user",),
    "userEvents": ("user",),
    "userFills": ("user", "aggregateByTime"),
    "userFundings": ("user",),
    "userNonFundingLedgerUpdates": ("user",),
    "userHistoricalOrders": ("user",),
    "userTwapSliceFills": ("user",),
    "userTwapHistory": ("user",),
    "notification": ("user",),
}
DEFAULTS: Final[Mapping[str, Any]] = {
    "dex": "",
    "nSigFigs": None,
    "mantissa": None,
    "fast": False,
    "aggregateByTime": False,
}
NEEDED: Final = ("coin", "user", "interval")


class UnknownError(Exception):
    """A type that there is not, or one without a field that it needs: the request as a whole is unreadable."""


class InvalidError(Exception):
    """A subscription with a coin, a user or an interval that there is not."""


class Wish(msgspec.Struct, frozen=True):
    """One subscription: `echo` is how the client is told of it, `key` the stream that it reads."""

    kind: str
    key: bytes
    echo: dict[str, Any]
    listing: Listing | None  # None with a coin: one of another market, spot for instance
    address: bytes

    def text(self, field: str) -> str:
        """A field of text; empty when there is none."""
        return str(self.echo.get(field, ""))


def wish_of(wanted: Wanted, universe: Universe) -> Wish:
    """The subscription of a request. Raises UnknownError, InvalidError."""
    fields = KINDS.get(wanted.type)
    if fields is None:
        raise UnknownError
    echo: dict[str, Any] = {"type": wanted.type}
    for field in fields:
        name = field.rstrip("?")
        value = getattr(wanted, name)
        if value is None and name in NEEDED:
            raise UnknownError
        if value is not None or field == name:
            echo[name] = DEFAULTS.get(name) if value is None else value
    address = b""
    if "user" in echo:
        address = _address(echo["user"])
        echo["user"] = address_text(address)
    listing = _coin(echo["coin"], universe) if "coin" in echo else None
    _check(echo)
    key = {name: value for name, value in echo.items() if f"{name}?" not in fields}
    if echo.get("dex"):
        key["dex"] = echo["dex"]
    return Wish(wanted.type, encode(key), echo, listing, address)


def is_elsewhere(coin: str) -> bool:
    """Whether a coin is spelled as Hyperliquid spells spot pairs: @1, PURR/USDC."""
    return (coin[:1] == "@" and coin[1:].isdecimal() and coin.isascii()) or "/" in coin


def _address(text: str) -> bytes:
    try:
        return address_of(text, "user")
    except BadInput as error:
        raise UnknownError from error


def _coin(name: str, universe: Universe) -> Listing | None:
    if len(name) > NAME_MAX:
        raise InvalidError
    listing = universe.by_coin.get(name)
    if listing is None and not is_elsewhere(name):
        raise InvalidError
    return listing


def _check(echo: Mapping[str, Any]) -> None:
    is_right = (
        echo.get("interval", INTERVALS[0]) in INTERVALS
        and echo.get("nSigFigs") in FIGURES
        and echo.get("mantissa") in MANTISSAS
        and (echo.get("mantissa") is None or echo["nSigFigs"] == FIGURES[-1])
        and len(echo.get("dex", "")) <= NAME_MAX
    )
    if not is_right:
        raise InvalidError
