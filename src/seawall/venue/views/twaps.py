"""TWAPs in Hyperliquid's shapes: what runs, what became of each, the fills of their slices."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from seawall.book.orders import ROW_MASK
from seawall.terms import code, command
from seawall.units import floor_div
from seawall.venue.decimals import usd_text
from seawall.venue.records import Fill, News, Schedule, Twap
from seawall.venue.views.fills import address_of, user_fill
from seawall.venue.views.orders import side_of
from seawall.venue.views.shapes import SliceFill, TwapState

if TYPE_CHECKING:
    from seawall.venue.history.store import History
    from seawall.venue.service import Service

MINUTE_MS: Final = 60_000
SECOND_MS: Final = 1_000
RECORDS: Final = 10_000  # of one account
SLICE: Final = "slice"
ACTIVATED: Final = "activated"
ERROR: Final = "error"


class SliceCosts:
    """Micro-USD that each running TWAP has traded: the columns know its lots only."""

    def __init__(self) -> None:
        self._costs: dict[int, int] = {}
        self._ended: list[int] = []  # in the last batch

    def hear(self, news: News) -> None:
        """Takes in a batch; what ended in the one before is forgotten."""
        for identity in self._ended:
            self._costs.pop(identity, None)
        self._ended = []
        for twap in news.twaps:
            if twap.status == SLICE:
                self.add(twap.id, twap.cost)
            elif twap.status != ACTIVATED:
                self._ended.append(twap.id)

    def add(self, identity: int, cost: int) -> None:
        """More of a TWAP."""
        self._costs[identity] = self._costs.get(identity, 0) + cost

    def of(self, identity: int) -> int:
        """What a TWAP has traded that runs, or ended in the last batch."""
        return self._costs.get(identity, 0)


async def load_costs(costs: SliceCosts, history: "History", account: int, time: int) -> None:
    """Adds what the account's TWAPs that have not ended traded up to a time."""
    records = [twap for twap in await history.twaps(account, RECORDS) if twap.time <= time]
    ended = {twap.id for twap in records if twap.status not in (SLICE, ACTIVATED)}
    for twap in records:
        if twap.status == SLICE and twap.id not in ended:
            costs.add(twap.id, twap.cost)


def twap_state(service: "Service", schedule: Schedule, done: int, cost: int) -> TwapState:
    """A TWAP with what it has done."""
    listing = service.universe.listings[schedule.market]
    return TwapState(
        coin=listing.coin,
        user=address_of(service, schedule.account, schedule.account),
        side=side_of(schedule.flags),
        sz=listing.size_text(schedule.size),
        executed_sz=listing.size_text(done),
        executed_ntl=usd_text(cost),
        minutes=floor_div(schedule.duration, MINUTE_MS),
        reduce_only=bool(schedule.flags & command.REDUCE_ONLY),
        randomize=False,
        timestamp=schedule.start,
    )


def running_twaps(service: "Service", account: int) -> list[tuple[int, TwapState]]:
    """`twapStates` of `webData2`: (id, state) of what runs."""
    done = service.columns["twap_done"]
    return [
        (identity, twap_state(service, schedule, done.item(identity & ROW_MASK), service.lens.slices.of(identity)))
        for identity, schedule in service.mirror.twaps.items()
        if schedule.account == account
    ]


def twap_history(service: "Service", records: list[Twap]) -> list[dict[str, Any]]:
    """`twapHistory`, newest first as the records are: when each began and how it ended. Its time is in seconds."""
    costs: dict[int, int] = {}
    for twap in records:
        if twap.status == SLICE:
            costs[twap.id] = costs.get(twap.id, 0) + twap.cost
    return [twap_event(service, twap, costs.get(twap.id, 0)) for twap in records if twap.status != SLICE]


def twap_event(service: "Service", twap: Twap, cost: int) -> dict[str, Any]:
    """An element of `twapHistory`: how a TWAP began or ended, which traded `cost` in all."""
    told = {"status": twap.status}
    if twap.status == ERROR:
        told["description"] = code.TEXT[twap.reason]
    return {
        "time": floor_div(twap.time, SECOND_MS),
        "state": twap_state(service, twap.schedule, twap.done, 0 if twap.status == ACTIVATED else cost),
        "status": told,
        "twapId": twap.id,
    }


def slice_fills(service: "Service", fills: Iterable[Fill]) -> list[SliceFill]:
    """`userTwapSliceFills`: those among the fills that slices made."""
    return [SliceFill(fill=user_fill(service, fill), twap_id=fill.twap) for fill in fills if fill.twap]
