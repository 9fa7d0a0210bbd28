"""All accounts of the venue as one book for the bulk margin core, read from the columns at one moment."""

from typing import Any, NamedTuple

import numpy as np

from seawall.margin.bulk import settle_funding
from seawall.margin.columns import Book, Ints, book, market_table
from seawall.units import Price
from seawall.venue.rest.terms import market_of
from seawall.venue.service import Service


class Census(NamedTuple):
    """Buckets with positions. `groups` are the owners (masters) of each, as account numbers."""

    book: Book
    marks: Ints
    names: tuple[str, ...]
    numbers: tuple[int, ...]  # of markets, by row of the table
    groups: Ints

    def moved(self, row: int, move: float) -> Ints:
        """The marks with that of one row of the table elsewhere, within its bounds."""
        marks = self.marks.copy()
        marks[row] = min(max(1, round(int(marks[row]) * (1.0 + move))), int(self.book.table.price_max[row]))
        return marks


def census(service: Service) -> Census | None:
    """Everybody's positions but the pools', funding settled; None where no market has a price or nobody a position."""
    columns, universe = service.columns, service.universe
    priced = [one for one in universe.listings if columns["market_price"].item(one.number)]
    numbers = np.array([one.number for one in priced], np.int64)
    slots = _slots(columns, service.mirror.pools_from, numbers)
    if not len(slots):
        return None
    owners = columns["slot_owner"][slots].astype(np.int64)
    buckets, starts = np.unique(owners, return_index=True)
    row_of = np.full(int(numbers.max()) + 1, -1, np.int64)
    row_of[numbers] = np.arange(len(numbers))
    made = book(
        market_table([market_of(columns, one) for one in priced]),
        offsets=np.append(starts, len(slots)),
        raw_usd=(columns["bucket_raw"] + columns["holding_worth"][columns["bucket_holding"]])[buckets].astype(np.int64),
        market=row_of[columns["slot_market"][slots]],
        size=columns["slot_size"][slots].astype(np.int64),
        entry_index=columns["slot_index"][slots].astype(np.int64),
    )
    settled, _ = settle_funding(made, columns["market_index"][numbers].astype(np.int64))
    accounts = [service.mirror.owner_of(int(one)) for one in buckets]
    masters = [service.people.persons[one].master if one >= 0 else -1 for one in accounts]
    return Census(
        book=settled,
        marks=np.array([Price(columns["market_price"].item(one)) for one in numbers], np.int64),
        names=tuple(one.coin for one in priced),
        numbers=tuple(int(one) for one in numbers),
        groups=np.array(masters, np.int64),
    )


def _slots(columns: Any, pools_from: int, numbers: Ints) -> Ints:
    """Slots with a position of a trader in a market that has a price, by bucket and market."""
    held = np.flatnonzero(columns["slot_size"] != 0)
    owners = columns["slot_owner"][held]
    keep = (owners >= 0) & (owners < pools_from) & np.isin(columns["slot_market"][held], numbers)
    held = held[keep]
    order = np.lexsort((columns["slot_market"][held], columns["slot_owner"][held]))
    return np.asarray(held[order], np.int64)
