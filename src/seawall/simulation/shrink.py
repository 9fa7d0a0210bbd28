"""A failing log made small: the fewest rows, in their order, after which the same invariant still does not hold."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from seawall.engine import invariants
from seawall.engine.rows import Rows
from seawall.engine.venue import Venue
from seawall.ledger.state import Capacity
from seawall.simulation import accounting

SECONDS: Final = 20.0
STRIDE: Final = 256  # rows between two looks while the first failing row is sought


def shrink(log: list[Rows], capacity: Capacity, name: str, seconds: float = SECONDS) -> Rows | None:
    """The smallest log found within `seconds` that breaks `name`; None when the whole log does not.

    Only invariants of the columns and of the events can be judged from a log alone.
    """
    rows = np.concatenate(log)
    end = time.monotonic() + seconds
    at = first_failure(rows, capacity, name)
    if at is None:
        return None
    rows = rows[:at]

    def fails(candidate: Rows) -> bool:
        return breaks(candidate, capacity, name)

    return reduced(rows, fails, end)


def reduced(rows: Rows, fails: Callable[[Rows], bool], end: float) -> Rows:
    """Delta debugging: drops ever smaller runs of rows while what is left still fails, until `end`."""
    parts = 2
    while len(rows) > 1 and time.monotonic() < end:
        length = -(-len(rows) // parts)
        for start in range(0, len(rows) - 1, length):
            stop = min(start + length, len(rows) - 1)  # the last row is the one that shows it
            if time.monotonic() >= end:
                return rows
            candidate = np.concatenate([rows[:start], rows[stop:]])
            if fails(candidate):
                rows, parts = candidate, max(parts - 1, 2)
                break
        else:
            if length == 1:
                return rows
            parts = min(parts * 2, len(rows))
    return rows


def first_failure(rows: Rows, capacity: Capacity, name: str) -> int | None:
    """How many rows it takes until `name` does not hold."""
    venue = Venue(capacity)
    for start in range(0, len(rows), STRIDE):
        copy = venue.copy()
        part = rows[start : start + STRIDE]
        if not _broken_by(venue, part, name):
            continue
        for at in range(len(part)):
            if _broken_by(copy, part[at : at + 1], name):
                return start + at + 1
        return start + len(part)
    return None


def breaks(rows: Rows, capacity: Capacity, name: str) -> bool:
    """Whether these rows, the last one looked at by itself, end in a state that breaks `name`."""
    venue = Venue(capacity)
    venue.apply(rows[:-1])
    return _broken_by(venue, rows[-1:], name)


def _broken_by(venue: Venue, rows: Rows, name: str) -> bool:
    before, forward = accounting.note(venue.columns), invariants.Forward(venue.columns)
    done = venue.apply(rows)
    found = [one.name for one in invariants.broken(venue.columns)]
    found += [one.name for one in forward.broken(venue.columns)]
    found += [one.name for one in accounting.explain(venue.columns, before, done)]
    return name in found


def shown(rows: Rows) -> list[str]:
    """Rows as lines: the fields that are not zero."""
    names = rows.dtype.names or ()
    return [", ".join(f"{name}={row[name]}" for name in names if row[name] != 0) for row in rows]
