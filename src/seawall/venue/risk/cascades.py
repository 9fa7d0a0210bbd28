"""Cascades ahead, market by market: what the move that the model allows for would force, against the book as it rests.

Accounts and books are read in the event loop, and valued in a thread: nobody's order waits for a forecast.
"""

from collections.abc import Mapping
from typing import Final

from seawall.book.grid import ASKS, BIDS
from seawall.risk.cascade import Resting, cascade
from seawall.risk.measures import FEEDS, HUNDRED, Forced
from seawall.terms.parameter import GATE, MARK_BAND
from seawall.units import RATE_ONE, UsdMicro
from seawall.venue.risk.census import Census
from seawall.venue.service import Service
from seawall.venue.views.figures import Reader

FIGURES: Final = (0, 4, 3, 2)  # significant figures of prices: 20 levels reach further with fewer


def books_of(service: Service, found: Census) -> list[Resting]:
    """What rests in each market of the census, around its mark."""
    reader, pairs = service.lens.reader, zip(found.numbers, found.marks.tolist(), strict=True)
    return [Resting(_side(reader, 4 * one + BIDS, mark), _side(reader, 4 * one + ASKS, mark)) for one, mark in pairs]


def _side(reader: Reader, row: int, mark: int) -> tuple[tuple[float, int], ...]:
    """One side, best first: each view of it goes on where the finer one ended, less what that has counted."""
    sign, levels, counted = 1 if row & 3 == ASKS else -1, [], 0
    last = None
    for figures in FIGURES:
        total = 0
        for price, lots, _ in reader.book(row, figures, 1):
            total += lots
            if (last is None or (price - last) * sign > 0) and total > counted:
                levels.append((sign * (price - mark) / mark, total - counted))
                last, counted = price, total
    return tuple(levels)


def clamps_of(service: Service, found: Census) -> list[tuple[float, float]]:
    """(mark band, gate) of each market of the census, as shares of the price."""
    rows = [service.columns["param"][number] for number in found.numbers]
    return [(row[MARK_BAND].item() / RATE_ONE, row[GATE].item() / RATE_ONE) for row in rows]


def foresee_cascades(
    found: Census, books: list[Resting], clamps: list[tuple[float, float]], moves: Mapping[int, float]
) -> dict[int, Forced]:  # fmt: skip
    """By market number: the worse side of a move as large as `moves` says, for those that it names."""
    told = {}
    for row, number in enumerate(found.numbers):
        if moves.get(number, 0.0) > 0.0:
            size = min(moves[number], 0.99)
            sides = [_forced(found, books, clamps[row], row, sign * size) for sign in (-1.0, 1.0)]
            told[number] = max(sides, key=lambda one: (one.left, abs(one.end - one.move), one.taken))
    return told


def _forced(found: Census, books: list[Resting], clamp: tuple[float, float], row: int, move: float) -> Forced:
    ended = cascade(found.book, found.moved(row, move), books, band=clamp[0], gate=clamp[1])
    price, side = int(found.marks[row]) * (1.0 + move), books[row].bids if move < 0.0 else books[row].asks
    behind = FEEDS * abs(move) / HUNDRED
    return Forced(
        move=move,
        end=(1.0 + move) * (1.0 + float(ended.impact[row])) - 1.0,
        taken=UsdMicro(round(1e6 * ended.taken_usd[row])),
        left=UsdMicro(round(1e6 * ended.left_usd[row])),
        near=UsdMicro(round(price * sum(lots for far, lots in side if far <= behind))),
    )
