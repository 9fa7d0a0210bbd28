"""The mark: what equity and maintenance are measured at, hard to move and never far from the index (SPEC section 6).

The median of three: the index plus a slow average of the book's distance from it; the median of best bid, best ask and
last trade; the median of other venues' perps. With only two of them, a 30 s average of the book median is added.
The result is clamped to a band around the index.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from seawall.pricing.index import Index, IndexRules, Observation, Status, live, median, weighted_median
from seawall.units import RATE_ONE, BadInput, Price, Rate, TimeMs, ceil_div, floor_div

EMA_ONE: Final = (
    10**6
)  # averages are kept in 1e-12 USD per lot: at the scale of a price the floor would hold them still


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Best prices and last trade of this venue's own book, micro-USD per lot; None where there is none."""

    bid: Price | None = None
    ask: Price | None = None
    last: Price | None = None


class MarkRules(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the mark. Check with `check_rules` when the values come from outside."""

    basis_tau_ms: int = 150_000
    book_tau_ms: int = 30_000
    band: Rate = Rate(RATE_ONE // 20)  # furthest distance from the index
    perps: IndexRules = IndexRules(quorum=1)  # age and price limits of the external perps


class MarkState(msgspec.Struct, frozen=True, kw_only=True):
    """A mark and the averages it goes on from. STALE: `price` is the last fresh one (None: there was none)."""

    status: Status
    price: Price | None
    time: TimeMs | None  # of the last update, whatever its status
    basis_ema: int = 0  # of mid - index, in 1e-12 USD per lot
    book_ema: int | None = None  # of the book median, in 1e-12 USD per lot; None before the first two-sided book


DEFAULTS: Final = MarkRules()
NO_MARK: Final = MarkState(status=Status.STALE, price=None, time=None)


def check_rules(rules: MarkRules) -> MarkRules:
    """The rules themselves, or BadInput naming the parameter that is out of range."""
    if rules.basis_tau_ms <= 0 or rules.book_tau_ms <= 0:
        raise BadInput("mark.basis_tau_ms", "averaging times must be positive milliseconds")
    if not 0 <= rules.band < RATE_ONE:
        raise BadInput("mark.band", f"{rules.band} is outside [0, RATE_ONE)")
    return rules


def ema(value: int, sample: int, *, elapsed_ms: int, tau_ms: int) -> int:
    """One step of a moving average: `value + floor((sample - value) * dt / (tau + dt))`.

    Stays between `value` and `sample`. BadInput when time runs backwards or `tau_ms` is not positive.
    """
    if elapsed_ms < 0:
        raise BadInput("ema.elapsed_ms", f"time runs backwards by {-elapsed_ms} ms")
    if tau_ms <= 0:
        raise BadInput("ema.tau_ms", f"{tau_ms} is not positive")
    return value + floor_div((sample - value) * elapsed_ms, tau_ms + elapsed_ms)


def check_book(book: Book) -> Book:
    """The book itself, or BadInput for a price that is not positive or a bid above the ask."""
    for field, value in (("bid", book.bid), ("ask", book.ask), ("last", book.last)):
        if value is not None and value <= 0:
            raise BadInput(f"book.{field}", f"{value} is not a positive price")
    if book.bid is not None and book.ask is not None and book.bid > book.ask:
        raise BadInput("book.bid", f"{book.bid} is above the ask {book.ask}")
    return book


def book_median(book: Book) -> Price | None:
    """Median of best bid, best ask and last trade (of the two sides before the first trade); None when one-sided."""
    if book.bid is None or book.ask is None:
        return None
    prices = [book.bid, book.ask] if book.last is None else [book.bid, book.ask, book.last]
    return Price(median(prices))


def clamp_to_band(price: int, index_price: Price, band: Rate) -> Price:
    """The nearest price to `price` within `band` of the index, both ends rounded inwards, at least 1."""
    lowest = max(1, ceil_div(index_price * (RATE_ONE - band), RATE_ONE))
    highest = floor_div(index_price * (RATE_ONE + band), RATE_ONE)
    return Price(min(max(price, lowest), highest))


def mark(
    previous: MarkState,
    now: TimeMs,
    index: Index,
    book: Book,
    *,
    perps: Sequence[Observation] = (),
    rules: MarkRules = DEFAULTS,
) -> MarkState:
    """The mark at `now` after `previous`: FRESH with a new price, or STALE with the last fresh one when the index is.

    A book speaks for the time since the previous update only, so one quote after an outage does not take over the
    averages. Raises BadInput when time runs backwards, for a crossed book and for prices that are not positive.
    """
    check_book(book)
    if previous.time is not None and now < previous.time:
        raise BadInput("mark.time", f"{now} is before the last mark at {previous.time}")
    elapsed = 0 if previous.time is None else now - previous.time
    middle = book_median(book)
    book_ema = _book_ema(previous, middle, elapsed, rules)
    if index.status is Status.STALE or index.price is None:
        return MarkState(
            status=Status.STALE, price=previous.price, time=now, basis_ema=previous.basis_ema, book_ema=book_ema
        )
    basis_ema = _basis_ema(previous, index.price, book, elapsed, rules)
    candidates = [index.price + floor_div(basis_ema, EMA_ONE)]
    if middle is not None:
        candidates.append(middle)
    others, _ = live(perps, now, rules.perps)
    if others:
        candidates.append(weighted_median([(seen.price, seen.weight) for seen in others]))
    if len(candidates) == 2 and book_ema is not None:
        candidates.append(floor_div(book_ema, EMA_ONE))
    price = clamp_to_band(median(candidates), index.price, rules.band)
    return MarkState(status=Status.FRESH, price=price, time=now, basis_ema=basis_ema, book_ema=book_ema)


def _book_ema(previous: MarkState, middle: Price | None, elapsed_ms: int, rules: MarkRules) -> int | None:
    if middle is None:
        return previous.book_ema
    if previous.book_ema is None:
        return middle * EMA_ONE
    return ema(previous.book_ema, middle * EMA_ONE, elapsed_ms=elapsed_ms, tau_ms=rules.book_tau_ms)


def _basis_ema(previous: MarkState, index_price: Price, book: Book, elapsed_ms: int, rules: MarkRules) -> int:
    """Starts from no distance at all: the first quote of a book does not set the mark."""
    if book.bid is None or book.ask is None:
        return previous.basis_ema
    sample = floor_div((book.bid + book.ask - 2 * index_price) * EMA_ONE, 2)
    return ema(previous.basis_ema, sample, elapsed_ms=elapsed_ms, tau_ms=rules.basis_tau_ms)
