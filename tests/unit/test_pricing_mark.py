"""The mark: each component by hand, the two-component rule, the band, and what makes it stale."""

import msgspec
import pytest

from seawall.pricing.index import NO_INDEX, Index, Observation, Status
from seawall.pricing.mark import (
    EMA_ONE,
    NO_MARK,
    Book,
    MarkRules,
    MarkState,
    book_median,
    check_book,
    check_rules,
    clamp_to_band,
    ema,
    mark,
)
from seawall.units import RATE_ONE, BadInput, Price, Rate, TimeMs

T0 = TimeMs(1_000_000)
INDEX = Index(status=Status.FRESH, price=Price(100_000), time=T0)


def book(bid: int | None, ask: int | None, last: int | None = None) -> Book:
    return Book(
        bid=None if bid is None else Price(bid),
        ask=None if ask is None else Price(ask),
        last=None if last is None else Price(last),
    )


def perp(name: str, price: int, *, age: int = 0, weight: int = 1) -> Observation:
    return Observation(source=name, origin=name, price=Price(price), time=TimeMs(T0 - age), weight=weight)


@pytest.mark.parametrize(
    "value, sample, elapsed, expected",
    [(0, 100, 0, 0), (0, 100, 150, 50), (100, 0, 150, 50), (0, 101, 150, 50), (0, -101, 150, -51), (7, 7, 999, 7)],
)
def test_ema_moves_by_the_floor(value: int, sample: int, elapsed: int, expected: int) -> None:
    assert ema(value, sample, elapsed_ms=elapsed, tau_ms=150) == expected


def test_ema_refuses_time_running_backwards() -> None:
    with pytest.raises(BadInput, match="backwards"):
        ema(0, 1, elapsed_ms=-1, tau_ms=10)
    with pytest.raises(BadInput):
        ema(0, 1, elapsed_ms=1, tau_ms=0)


@pytest.mark.parametrize(
    "seen, expected",
    [
        (book(10, 20, 15), 15),
        (book(10, 20, 99), 20),
        (book(10, 20, 1), 10),
        (book(10, 21), 15),
        (book(None, 20, 15), None),
        (book(10, None, 15), None),
    ],
)
def test_book_median(seen: Book, expected: int | None) -> None:
    assert book_median(seen) == expected


@pytest.mark.parametrize("seen", [book(0, 10), book(10, -1), book(10, 11, 0), book(11, 10)])
def test_impossible_books_are_refused(seen: Book) -> None:
    with pytest.raises(BadInput):
        check_book(seen)
    with pytest.raises(BadInput):
        mark(NO_MARK, T0, INDEX, seen)


def test_a_locked_book_is_a_book() -> None:
    assert check_book(book(10, 10)) == book(10, 10)


def test_three_components_give_their_median() -> None:
    state = MarkState(status=Status.FRESH, price=Price(1), time=T0, basis_ema=300 * EMA_ONE)
    got = mark(state, T0, INDEX, book(100_100, 100_200, 100_150), perps=[perp("x", 100_250)])
    assert got.price == 100_250  # of 100,300 (index + basis), 100,150 (book), 100,250 (perps)
    assert got.status is Status.FRESH


def test_external_perps_are_weighted_and_the_old_ones_dropped() -> None:
    perps = [perp("x", 100_010, weight=3), perp("y", 100_030, weight=2), perp("z", 90_000, age=10_001, weight=9)]
    state = MarkState(status=Status.FRESH, price=Price(1), time=T0)
    got = mark(state, T0, INDEX, book(100_100, 100_200, 100_150), perps=perps)
    assert got.price == 100_010  # of 100,000, 100,150 and the perps' 100,010


def test_of_two_components_the_book_average_makes_three() -> None:
    state = MarkState(status=Status.FRESH, price=Price(1), time=T0, book_ema=100_050 * EMA_ONE)
    assert mark(state, T0, INDEX, book(100_100, 100_200)).price == 100_050  # of 100,000, 100,150, 100,050
    with_perps = mark(state, T0, INDEX, book(100_100, None), perps=[perp("x", 100_080)])
    assert with_perps.price == 100_050  # of 100,000, 100,080, 100,050


def test_two_components_and_no_book_yet_give_the_mean() -> None:
    got = mark(NO_MARK, T0, INDEX, book(None, None), perps=[perp("x", 100_081)])
    assert got.price == 100_040


def test_the_index_alone_is_a_mark() -> None:
    assert mark(NO_MARK, T0, INDEX, book(None, 100_500)).price == 100_000


def test_the_averages_of_the_book() -> None:
    first = mark(NO_MARK, T0, INDEX, book(100_100, 100_300, 100_200))
    assert (first.basis_ema, first.book_ema) == (0, 100_200 * EMA_ONE)
    later = mark(first, TimeMs(T0 + 150_000), INDEX, book(100_100, 100_300, 100_200))
    assert later.basis_ema == 100 * EMA_ONE  # half of the way to 200 after one averaging time
    moved = mark(first, TimeMs(T0 + 30_000), INDEX, book(100_300, 100_500, 100_400))
    assert moved.book_ema == 100_300 * EMA_ONE


def test_an_average_below_one_price_unit_is_not_lost() -> None:
    state = mark(NO_MARK, T0, INDEX, book(100_001, 100_003))
    for second in range(1, 1_001):
        state = mark(state, TimeMs(T0 + 1_000 * second), INDEX, book(100_001, 100_003))
    assert 2 * EMA_ONE - 5_000 < state.basis_ema <= 2 * EMA_ONE


def test_one_quote_after_an_outage_does_not_take_over_the_average() -> None:
    state = mark(NO_MARK, T0, INDEX, book(100_000, 100_000))
    for second in range(1, 601):
        state = mark(state, TimeMs(T0 + 1_000 * second), INDEX, book(None, None))
    after = mark(state, TimeMs(T0 + 601_000), INDEX, book(110_000, 110_000))
    assert after.basis_ema == 10_000 * EMA_ONE * 1_000 // 151_000


@pytest.mark.parametrize("price, expected", [(94_999, 95_000), (95_000, 95_000), (105_001, 105_000), (1, 95_000)])
def test_band(price: int, expected: int) -> None:
    assert clamp_to_band(price, Price(100_000), Rate(RATE_ONE // 20)) == expected


def test_the_band_rounds_inwards_and_stays_positive() -> None:
    assert clamp_to_band(0, Price(101), Rate(RATE_ONE // 20)) == 96  # 95.95
    assert clamp_to_band(999, Price(101), Rate(RATE_ONE // 20)) == 106  # 106.05
    assert clamp_to_band(0, Price(1), Rate(RATE_ONE - 1)) == 1


def test_a_cornered_book_and_perps_stay_in_the_band() -> None:
    got = mark(NO_MARK, T0, INDEX, book(300_000, 300_000), perps=[perp("x", 300_000)])
    assert got.price == 105_000


def test_a_stale_index_makes_a_stale_mark_with_the_last_fresh_price() -> None:
    before = mark(NO_MARK, T0, INDEX, book(100_000, 100_200))
    stale = msgspec.structs.replace(INDEX, status=Status.STALE)
    got = mark(before, TimeMs(T0 + 1), stale, book(120_000, 120_200))
    assert (got.status, got.price, got.basis_ema) == (Status.STALE, before.price, before.basis_ema)
    assert mark(NO_MARK, T0, NO_INDEX, book(1, 2)).price is None


def test_time_does_not_run_backwards() -> None:
    state = mark(NO_MARK, T0, INDEX, book(1, 2))
    with pytest.raises(BadInput, match="before the last mark"):
        mark(state, TimeMs(T0 - 1), INDEX, book(1, 2))


@pytest.mark.parametrize("field, value", [("basis_tau_ms", 0), ("book_tau_ms", -1), ("band", RATE_ONE), ("band", -1)])
def test_rules_out_of_range_are_refused(field: str, value: int) -> None:
    rules = MarkRules()
    assert check_rules(rules) is rules
    with pytest.raises(BadInput):
        check_rules(msgspec.structs.replace(rules, **{field: value}))
