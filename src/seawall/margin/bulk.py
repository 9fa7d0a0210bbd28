"""Margin of every account of a book at once, in the same integers as the scalar core (SPEC sections 1, 3, 7).

`remargin` gives equity, maintenance and who is liquidatable; `settle_funding` folds pending funding into cash. The
kernels check nothing: a Book and prices that went through columns.py are within every bound they rely on.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from seawall.kernel import kernel, warm_up
from seawall.margin.blocks import BLOCK, PAD, arrange, sample_book
from seawall.margin.columns import (
    Book,
    Flags,
    Ints,
    Layout,
    MarketTable,
    Positions,
    Segments,
    Tiers,
    column,
    sealed,
)
from seawall.terms import limits
from seawall.units import FUNDING_INDEX_PER_MICRO, RATE_ONE, BadInput
from seawall.wide import compare_products, mul_divmod, split_ceil_rate

Result = TypeVar("Result")

SPLIT_BITS: Final = limits.SPLIT_BITS
SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1
RAW_USD_MAX: Final = limits.RAW_USD_MAX
RATE_INVERSE: Final = 1.0 / RATE_ONE  # only ever proposes a quotient; an exact test corrects it
THREADS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Margins:
    """One entry an account, micro-USD. Funding counts as far as it has been settled."""

    equity: Ints  # cash + collateral for maintenance + sum(size * mark)
    maintenance: Ints  # rounded up, once an account
    liquidatable: Flags  # equity < maintenance


class Columns(NamedTuple):
    """Margins as kernels take them."""

    equity: Ints
    maintenance: Ints
    liquidatable: Flags


class Steps(NamedTuple):
    """What marks make of the tiers. Per market and tier: the least |size| that is in it, and by how much it raises the
    numerator of a position: `slope * |size| - drop`."""

    prices: Ints
    threshold: Ints
    slope: Ints
    drop: Ints


class Accounts(NamedTuple):
    """What the pass over plain columns reads."""

    chosen: Ints
    cash: Ints
    positions: Positions
    prices: Ints
    tiers: Tiers


def margins_for(accounts: int) -> Margins:
    """Room for the result of `remargin`, to be used again and again."""
    return Margins(np.zeros(accounts, np.int64), np.zeros(accounts, np.int64), np.zeros(accounts, np.bool_))


def remargin(accounts: Book, marks: Any, *, threads: int = 1, out: Margins | None = None) -> Margins:
    """Equity, maintenance and flag of every account at `marks` (micro-USD a lot, one a market of the table).

    Equal to `health` of each bucket, whose maintenance is one ceil for the sum. With `out` the result is written there.
    Raises BadInput for a mark outside its market's bounds, for `threads` outside 1..256 and for an `out` of other size.
    """
    prices = accounts.table.prices(marks)
    if prices.ndim != 1:
        raise BadInput("marks", "expected one price a market")
    result = margins_for(accounts.accounts) if out is None else out
    if not len(result.equity) == len(result.maintenance) == len(result.liquidatable) == accounts.accounts:
        raise BadInput("out", f"expected room for {accounts.accounts} accounts")
    layout = accounts.layout
    if layout is not None and (prices <= layout.price_cap).all():
        _remargin_blocks(accounts, layout, prices, result, threads)
        _remargin_plain(accounts, layout.wide, prices, result, threads)
    else:
        _remargin_plain(accounts, np.arange(accounts.accounts), prices, result, threads)
    return result


def _remargin_blocks(accounts: Book, layout: Layout, prices: Ints, out: Margins, threads: int) -> None:
    steps = _steps(accounts.table, layout, prices)
    blocks = len(layout.segments.first) - 1
    in_threads(
        threads,
        blocks,
        lambda begin, end: block_range((begin, end), layout.segments, steps, accounts.cash, _columns(out)),
    )


def _remargin_plain(accounts: Book, chosen: Ints, prices: Ints, out: Margins, threads: int) -> None:
    state = Accounts(sealed(chosen), accounts.cash, accounts.positions, prices, accounts.table.tiers)
    in_threads(threads, len(chosen), lambda begin, end: account_range(begin, end, state, _columns(out)))


def in_threads(threads: int, items: int, work: Callable[[int, int], Result]) -> list[Result]:
    """Results of `work(begin, end)` over 0..items in `threads` contiguous parts, in order.

    Compiled work runs without the GIL. Raises BadInput for `threads` outside 1..256.
    """
    if not 1 <= threads <= THREADS_MAX:
        raise BadInput("threads", f"{threads} is outside 1..{THREADS_MAX}")
    if threads == 1:
        return [work(0, items)]
    bounds = [items * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, bounds[:-1], bounds[1:]))


def _steps(table: MarketTable, layout: Layout, prices: Ints) -> Steps:
    step = np.diff(table.rate, axis=1, prepend=0)
    step[table.rate == 0] = 0  # tiers that are not there
    threshold = -(-table.lower // prices[:, None])
    return Steps(prices, sealed(threshold), sealed(step * prices[:, None]), layout.drop)


def _columns(out: Margins) -> Columns:
    return Columns(out.equity, out.maintenance, out.liquidatable)


@kernel
def block_range(span: tuple[int, int], segments: Segments, steps: Steps, cash: Ints, out: Columns) -> None:
    """Blocks span[0]..span[1] of narrow accounts."""
    values, numerators = np.zeros(BLOCK + PAD, np.int64), np.zeros(BLOCK + PAD, np.int64)
    value, numerator = np.zeros(BLOCK, np.int64), np.zeros(BLOCK, np.int64)
    for block in range(span[0], span[1]):
        for segment in range(segments.first[block], segments.first[block + 1]):
            _value_segment(segment, segments, steps, values, numerators)
            _scatter(segment, segments, (values, numerators), (value, numerator))
        _finish(block * BLOCK, cash, value, numerator, out)


@kernel
def _value_segment(segment: int, segments: Segments, steps: Steps, values: Ints, numerators: Ints) -> None:
    """Value and maintenance numerator of each position. Unsigned indices keep the loops free of wraparound."""
    m, start = segments.market[segment], np.uint64(segments.start[segment])
    length = (segments.filled[segment] + PAD - 1) // PAD * PAD
    price, slope = steps.prices[m], steps.slope[m, 0]
    for i in range(length):
        size = np.int64(segments.size[start + np.uint64(i)])
        values[i] = size * price
        numerators[i] = abs(size) * slope
    for k in range(1, steps.threshold.shape[1]):
        threshold, slope, drop = steps.threshold[m, k], steps.slope[m, k], steps.drop[m, k]
        if threshold > segments.largest[segment]:
            break
        for i in range(length):
            size = abs(np.int64(segments.size[start + np.uint64(i)]))
            extra = size * slope - drop
            numerators[i] += extra if size >= threshold else 0


@kernel
def _scatter(segment: int, segments: Segments, amounts: tuple[Ints, Ints], totals: tuple[Ints, Ints]) -> None:
    """Adds each position's value and numerator to its account's."""
    start = np.uint64(segments.start[segment])
    for i in range(segments.filled[segment]):
        account = np.uint64(segments.local[start + np.uint64(i)])
        totals[0][account] += amounts[0][i]
        totals[1][account] += amounts[1][i]


@kernel
def _finish(base: int, cash: Ints, value: Ints, numerator: Ints, out: Columns) -> None:
    """Equity, the one ceil and the flag of each account of a block; clears the accumulators.

    A numerator is at most 2^62, its quotient below 2^39: the product in double precision is off by one at most.
    """
    offset = np.uint64(base)
    for i in range(min(BLOCK, cash.size - base)):
        account = offset + np.uint64(i)
        quotient = np.int64(np.float64(numerator[i]) * RATE_INVERSE)
        rest = numerator[i] - quotient * RATE_ONE
        up = np.int64(rest > 0) + np.int64(rest > RATE_ONE) - np.int64(rest <= -RATE_ONE)
        equity = cash[account] + value[i]
        out.equity[account] = equity
        out.maintenance[account] = quotient + up
        out.liquidatable[account] = equity < quotient + up
        value[i], numerator[i] = 0, 0


@kernel
def account_range(begin: int, end: int, state: Accounts, out: Columns) -> None:
    """The chosen accounts begin..end, whatever their size.

    Numerators are summed apart around 2^20: 64 x (2^53 >> 20) x RATE_ONE / 2 < 2^62.
    """
    offsets, market, size = state.positions
    lower, rate, deduction_high, deduction_low = state.tiers
    for at in range(begin, end):
        account = state.chosen[at]
        equity, high, low = state.cash[account], 0, 0
        for i in range(offsets[account], offsets[account + 1]):
            m = market[i]
            value = size[i] * state.prices[m]
            notional = abs(value)
            k = 0
            while k + 1 < lower.shape[1] and notional >= lower[m, k + 1]:
                k += 1
            equity += value
            high += (notional >> SPLIT_BITS) * rate[m, k] - deduction_high[m, k]
            low += (notional & SPLIT_MASK) * rate[m, k] - deduction_low[m, k]
        required = split_ceil_rate(high, low)
        out.equity[account] = equity
        out.maintenance[account] = required
        out.liquidatable[account] = equity < required


def settle_funding(accounts: Book, index: Any) -> tuple[Book, int]:
    """The book with every position settled at the markets' funding `index`, and the dust (SPEC section 7).

    Each position earns floor(-size * (index - entry index) / 1e6) micro-USD. The dust is what the floors left, in 1e-12
    USD, >= 0: payments x 1e6 + dust = -sum(size * delta) exactly. BadInput, with nothing changed, when an index is
    beyond 2^62 or cash would be beyond 2^61.
    """
    indices = column(index, "funding_index")
    if indices.shape != (len(accounts.table.names),):
        raise BadInput("funding_index", f"expected one for each of {len(accounts.table.names)} markets")
    wrong = np.flatnonzero((indices < -limits.FUNDING_INDEX_MAX) | (indices > limits.FUNDING_INDEX_MAX))
    if len(wrong):
        raise BadInput(f"funding_index.{accounts.table.names[wrong[0]]}", "beyond 2^62")
    raw_usd = np.array(accounts.raw_usd)
    dust = np.zeros(1, np.int64)
    failed = settle(accounts.positions, accounts.entry_index, indices, raw_usd, dust)
    if failed >= 0:
        raise BadInput(f"accounts[{failed}].raw_usd", "settling funding takes it beyond 2^61 micro-USD")
    settled = replace(
        accounts,
        raw_usd=sealed(raw_usd),
        cash=sealed(raw_usd + accounts.collateral),
        entry_index=sealed(indices[accounts.market]),
    )
    return settled, int(dust[0])


@kernel
def settle(positions: Positions, entry_index: Ints, index: Ints, raw_usd: Ints, dust: Ints) -> int:
    """Adds each position's funding to its account; the first account it takes out of bounds, or -1."""
    offsets, market, size = positions
    for account in range(offsets.size - 1):
        for i in range(offsets[account], offsets[account + 1]):
            # entry - index, as one number where that fits and otherwise as two of one sign
            entry, against = entry_index[i], -index[market[i]]
            if (entry < 0) != (against < 0):
                entry, against = entry + against, 0
            for part in (entry, against):
                if compare_products(abs(size[i]), abs(part), FUNDING_INDEX_PER_MICRO, RAW_USD_MAX) > 0:
                    return account
            paid, rest = mul_divmod(size[i], entry, FUNDING_INDEX_PER_MICRO)
            more, rest_more = mul_divmod(size[i], against, FUNDING_INDEX_PER_MICRO)
            rest += rest_more
            carry = rest // FUNDING_INDEX_PER_MICRO
            raw_usd[account] += paid
            raw_usd[account] += more + carry
            dust[0] += rest - carry * FUNDING_INDEX_PER_MICRO
            if abs(raw_usd[account]) > RAW_USD_MAX:
                return account
    return -1


@warm_up
def compile_bulk() -> None:
    """Compiles the passes over plain columns and over blocks, on one thread and on two, and the settlement."""
    plain, marks = sample_book()
    for accounts in (plain, arrange(plain, marks)):
        for threads in (1, 2):
            remargin(accounts, marks, threads=threads)
    settle_funding(plain, [0])
