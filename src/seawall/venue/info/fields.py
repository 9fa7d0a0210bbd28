"""Fields of a question, read one by one: what is wrong with one is said in BadInput, before anything is looked up."""

from typing import TYPE_CHECKING, Any, Final

from seawall.terms.limits import TIME_MAX
from seawall.units import BadInput, whole
from seawall.venue.names import address_of
from seawall.venue.universe import Listing
from seawall.venue.views.account import account_at

if TYPE_CHECKING:
    from seawall.venue.service import Service

Request = dict[str, Any]
HASH: Final = 66  # characters of a transaction's hash


class Asked:
    """A question with the service it is put to."""

    __slots__ = ("request", "service")

    def __init__(self, service: "Service", request: Request) -> None:
        self.service = service
        self.request = request

    def address(self, field: str = "user") -> bytes:
        """An address."""
        return address_of(self.request.get(field), field)

    def account(self, field: str = "user") -> int:
        """The account with an address; NOBODY for none: strangers have nothing, which is no error."""
        return account_at(self.service, self.address(field))

    def listing(self) -> Listing:
        """The market of a coin."""
        return self.service.universe.coin(self.request.get("coin"))

    def one_dex(self) -> None:
        """BadInput when another dex than the venue's own is asked for."""
        if self.request.get("dex") not in (None, ""):
            raise BadInput("dex", f"unknown dex {str(self.request['dex'])[:32]!r}: this venue is one")

    def number(self, field: str, low: int, high: int) -> int:
        """A whole number within low..high."""
        return whole(self.request.get(field), field, low, high)  # type: ignore[arg-type]

    def flag(self, field: str) -> bool:
        """A truth value; False when it is left out."""
        value = self.request.get(field)
        if value is not None and not isinstance(value, bool):
            raise BadInput(field, "expected true or false")
        return bool(value)

    def start(self, *, is_needed: bool) -> int:
        """The first ms that is asked for; 0 when it may be left out and is."""
        return self._time("startTime", None if is_needed else 0)

    def end(self) -> int:
        """The last ms that is asked for, no later than now; left out, or null, now."""
        return min(self._time("endTime", self.service.now), self.service.now)

    def _time(self, field: str, missing: int | None) -> int:
        value = self.request.get(field)
        if value is None and missing is not None:
            return missing
        return whole(value, field, 0, TIME_MAX)  # type: ignore[arg-type]

    def inner(self, field: str) -> "Asked":
        """An object within the question."""
        value = self.request.get(field)
        if not isinstance(value, dict):
            raise BadInput(field, "expected an object")
        return Asked(self.service, value)
