"""Index, mark and funding in exact fractions, from SPEC sections 6 and 7."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from seawall.terms import parameter as names
from seawall.terms.command import PERP

ONE = 12_000_000
UNIT = 10**12  # of funding rates
EMA_ONE = 10**6  # averages of prices are kept in 1e-12 USD a lot
AHEAD_MS, STEP_MS, BASIS_MS, BOOK_MS = 1_000, 1_000, 150_000, 30_000
HOUR_MS, SAMPLE_MS = 3_600_000, 5_000
PRICE_MAX = 2**40


@dataclass(slots=True)
class Quotes:
    """What is known of a market's prices."""

    sources: list[tuple[int, int, int]]  # (price, time, weight): 0 a price that says nothing
    index: int  # last fresh one
    index_time: int
    is_fresh: bool
    mark: int
    mark_time: int
    price_max: int
    bid: int  # 0: none
    ask: int
    last: int
    basis_ema: int
    book_ema: int  # 0: not begun
    params: list[int]
    mark_rule: int


def weighted_median(voices: list[tuple[int, int]]) -> int:
    """The least price at which over half the weight is reached; at exactly half the floored mean with the next."""
    total, reached = sum(weight for _, weight in voices), 0
    prices = sorted({price for price, _ in voices})
    for at, price in enumerate(prices):
        reached = sum(weight for other, weight in voices if other <= price)
        if 2 * reached > total:
            return price
        if 2 * reached == total:
            return floor(Fraction(price + prices[at + 1], 2))
    raise AssertionError("half of the weight is reached somewhere")


def live(q: Quotes, now: int, *, is_perp: bool) -> list[tuple[int, int]]:
    """(price, weight) of the sources of a sort that count now."""
    age = q.params[names.ORACLE_AGE_MS]
    return [
        (price, weight - PERP if is_perp else weight)
        for price, time, weight in q.sources
        if weight and (weight >= PERP) == is_perp and price and now - time <= age
    ]


def index_of(q: Quotes, now: int) -> int:
    """The index at `now`; 0 when there is no quorum."""
    voices = live(q, now, is_perp=False)
    if q.index:
        elapsed = max(now - q.index_time, STEP_MS)
        reach = floor(q.index * Fraction(q.params[names.ORACLE_STEP], ONE) * Fraction(elapsed, STEP_MS))
        voices = [voice for voice in voices if abs(voice[0] - q.index) <= min(reach, PRICE_MAX)]
    if not voices:
        return 0
    middle = weighted_median(voices)
    reach = floor(middle * Fraction(q.params[names.ORACLE_DEVIATION], ONE))
    voices = [voice for voice in voices if abs(voice[0] - middle) <= reach]
    return weighted_median(voices) if len(voices) >= q.params[names.ORACLE_QUORUM] else 0


def ema(value: int, sample: Fraction | int, elapsed: int, tau: int) -> int:
    """`value + floor((sample - value) * dt / (tau + dt))`."""
    return value + floor((sample - value) * Fraction(elapsed, tau + elapsed))


def move(q: Quotes, now: int) -> None:
    """Index, averages and mark after a look at sources and book."""
    index = index_of(q, now)
    elapsed = now - q.mark_time if q.mark_time else 0
    q.mark_time = now
    middle = book_median(q)
    if middle:
        q.book_ema = ema(q.book_ema, middle * EMA_ONE, elapsed, BOOK_MS) if q.book_ema else middle * EMA_ONE
    q.is_fresh = index != 0
    if not index:
        return
    q.index, q.index_time = index, now
    if middle:
        q.basis_ema = ema(q.basis_ema, Fraction(q.bid + q.ask - 2 * index, 2) * EMA_ONE, elapsed, BASIS_MS)
    q.mark = clamp(q, wanted_mark(q, now, middle))


def book_median(q: Quotes) -> int:
    """The median of best bid, best ask and last trade; 0 with a side empty."""
    if not q.bid or not q.ask:
        return 0
    return sorted([q.bid, q.ask, q.last])[1] if q.last else floor(Fraction(q.bid + q.ask, 2))


def wanted_mark(q: Quotes, now: int, middle: int) -> int:
    """The mark before its clamp."""
    if q.mark_rule == names.MARK_INDEX:
        return q.index
    if q.mark_rule == names.MARK_LAST:
        return q.last or q.index
    voices = [q.index + floor(Fraction(q.basis_ema, EMA_ONE))]
    perps = live(q, now, is_perp=True)
    if middle:
        voices.append(middle)
    if perps:
        voices.append(weighted_median(perps))
    if len(voices) == 2 and q.book_ema:
        voices.append(floor(Fraction(q.book_ema, EMA_ONE)))
    voices.sort()
    half = len(voices) // 2
    return voices[half] if len(voices) % 2 else floor(Fraction(voices[half - 1] + voices[half], 2))


def clamp(q: Quotes, price: int) -> int:
    """Within the band around the index, both ends rounded inwards, at least 1 and at most the market's greatest."""
    if q.mark_rule == names.MARK_INDEX:
        return price
    band = Fraction(q.params[names.MARK_BAND], ONE)
    lowest, highest = max(1, ceil(q.index * (1 - band))), min(floor(q.index * (1 + band)), q.price_max)
    return min(max(price, lowest), highest)


def half_even(value: Fraction) -> int:
    """The nearest whole number, ties to the even one."""
    return round(value)


@dataclass(slots=True)
class Funding:
    """What funding reads of a market."""

    index: int
    now: int
    paid_until: int  # funding_time
    sampled: int  # premium_time
    total: int
    count: int
    bids: list[tuple[int, int]]  # (price, lots) that count, best first
    asks: list[tuple[int, int]]
    inventory: int  # of the pool
    funding_index: int
    params: list[int]


def impact(f: Funding, levels: list[tuple[int, int]], *, is_bid: bool) -> int:
    """Average price of IMPACT_NOTIONAL, its last lots the least that reach it; 0 when too thin."""
    wanted, lots, cost = f.params[names.IMPACT_NOTIONAL], 0, 0
    for price, size in levels:
        need = ceil(Fraction(wanted - cost, price))
        taken = min(size, need)
        lots, cost = lots + taken, cost + taken * price
        if taken == need:
            average = Fraction(cost, lots)
            return floor(average) if is_bid else ceil(average)
    return 0


def premium(f: Funding) -> int:
    """One sample, half-even at 1e-12."""
    bid, ask = impact(f, f.bids, is_bid=True), impact(f, f.asks, is_bid=False)
    off = max(0, bid - f.index) - (max(0, f.index - ask) if ask else 0)
    off = min(max(off, -100 * f.index), 100 * f.index)
    return half_even(Fraction(off * UNIT, f.index))


def hourly(f: Funding, mean: int) -> int:
    """`clamp((P + clamp(I - P, -c, +c) + skew) / 8, -cap, +cap)`."""
    clamp_ = f.params[names.FUNDING_CLAMP]
    exact = Fraction(mean + min(max(f.params[names.FUNDING_INTEREST] - mean, -clamp_), clamp_))
    most, skew = f.params[names.AMM_CAP], f.params[names.SKEW_FUNDING]
    if most and skew:
        exact += Fraction(skew * min(max(-f.inventory, -most), most), most)
    cap = f.params[names.FUNDING_CAP]
    return min(max(half_even(exact / 8), -cap), cap)


def fund(f: Funding) -> bool:
    """One FUNDING: a sample, a step, or neither (False: not due). Changes what it reads."""
    hours = f.params[names.FUNDING_INTERVAL_MS] // HOUR_MS
    length = hours * HOUR_MS
    end = (f.paid_until // length + 1) * length
    is_end = f.paid_until == 0 or f.now >= end
    is_sample = f.now - f.sampled >= SAMPLE_MS
    if not is_end and not is_sample:
        return False
    if is_sample and f.now <= end:
        _sample(f)
        is_sample = False
    if is_end:
        if f.count:
            rate = hourly(f, half_even(Fraction(f.total, f.count)))
            passed = (end - f.paid_until) // HOUR_MS
            f.funding_index += floor(Fraction(f.index * rate * passed, 10**6))
        f.paid_until, f.total, f.count = f.now // length * length, 0, 0
    if is_sample:
        _sample(f)
    return True


def _sample(f: Funding) -> None:
    f.total += premium(f)
    f.count += 1
    f.sampled = f.now
