"""The gate before /info and /exchange (wire.py `Gate`), and before posts over a websocket: what a client may ask.

`ask` comes first and takes the weight of the request from the client's address; `act` comes once the signature has
told whose action it is; `answered` takes the weight of a long answer. Who asks is kept for the task of the request.
"""

from collections.abc import Mapping, Sized
from contextvars import ContextVar
from typing import Any, Final

from seawall.venue.ops.limits import Limits
from seawall.venue.ops.weights import action_count, action_weight, info_weight, is_cancel, items_weight
from seawall.venue.wire import LimitedError

EXCHANGE: Final = "/exchange"
TOO_MANY: Final = "Too many requests: the weight of this minute is used up"
HOST: Final[ContextVar[str | None]] = ContextVar("seawall_host", default=None)


class Gate:
    """Decides by the limits of a venue."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def ask(self, route: str, host: str, body: Any) -> None:
        """Takes the weight of a decoded request; LimitedError when the address has not that much left."""
        HOST.set(host)
        if not self.limits.spend(host, weight_of(route, body)):
            raise LimitedError(TOO_MANY)

    def answered(self, route: str, host: str, body: Any, answer: Any) -> None:
        """Takes the weight of the items of an answer."""
        if route != EXCHANGE and isinstance(answer, Sized) and isinstance(body, Mapping):
            self.limits.charge(host, items_weight(str(body.get("type")), len(answer)))

    def act(self, account: int, action: Mapping[str, Any]) -> str:
        """Counts an action of an account; the empty text, or why it may not act. The venue's own are only counted."""
        return self.limits.act(account, HOST.get(), action_count(action), is_cancel=is_cancel(action))


def weight_of(route: str, body: Any) -> int:
    """What a request costs of its address's weight. One that is no request costs as much as a simple one."""
    if not isinstance(body, Mapping):
        return 1
    if route == EXCHANGE:
        action = body.get("action")
        return action_weight(action_count(action)) if isinstance(action, Mapping) else 1
    return info_weight(str(body.get("type")))
