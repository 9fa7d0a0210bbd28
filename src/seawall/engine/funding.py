"""Funding (kernels): premium samples, the step of the index at each interval's end, and settlement (SPEC section 7).

The same integers as pricing/funding.py. A FUNDING command takes a sample when SAMPLE_MS have passed since the last one,
and moves the index when the end of an interval has come. A sample at the very end belongs to the interval that ends.

Each end is passed once, in order. The first that is due pays by the samples since the one before it; when several are
due at once (after an outage) the later ones had no sample, so no rate can be told and they pay nothing. Nor is there
a sample or a payment while the price is stale or the market not running: an end that comes then is paid by the first
FUNDING after it, if there was any sample before.
"""

from typing import Any, Final

from seawall.book.grid import ASKS, BIDS
from seawall.book.orders import first_order, following
from seawall.kernel import kernel
from seawall.ledger.buckets import find_slot, settle_slot
from seawall.ledger.events import emit
from seawall.ledger.markets import AMM, is_fresh, pool_bucket, status_of
from seawall.ledger.state import NOW, SWEEP_SLOT
from seawall.margin.trigger_kernels import move_index, note_fired
from seawall.margin.trigger_state import SLOTS_USED
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import IMPACT_ORDERS, SETTLED_PER_FUNDING
from seawall.terms.parameter import HOUR_MS
from seawall.units import FUNDING_INDEX_PER_MICRO, FUNDING_ONE
from seawall.wide import mul_divmod, mul_floor_div

SAMPLE_MS: Final = 5_000
RATE_HOURS: Final = 8  # premium and interest are for this many hours
PREMIUM_TIMES_MAX: Final = 100  # a sample is at most this many times the index, so that sums of a day fit
INDEX_MAX: Final = 2**61
UNSETTLED_MAX: Final = 3  # greatest prices: furthest that the index goes from where any position last settled


@kernel
def funding(s: Any, c: Any) -> int:
    """FUNDING by the sequencer: a premium sample, and at the end of an interval the step of the index.

    NOT_DUE when neither is due. Every accepted one settles up to SETTLED_PER_FUNDING positions of any market.
    """
    market = c.market
    status = status_of(s, market)
    if status == command.UNLISTED:
        return code.UNKNOWN_MARKET
    if status >= command.HALTED:
        return code.MARKET_CLOSED
    if not is_fresh(s, market):
        return code.STALE_PRICE
    now = s.cell[NOW]
    length = s.param[market, parameter.FUNDING_INTERVAL_MS] // HOUR_MS * HOUR_MS
    end = s.market_funding_time[market] // length * length + length
    ends = s.market_funding_time[market] == 0 or now >= end
    samples = now - s.market_premium_time[market] >= SAMPLE_MS
    if not ends and not samples:
        return code.NOT_DUE
    if samples and now <= end:
        _add_sample(s, market)
        samples = False
    if ends:
        if s.market_premium_count[market] != 0:
            _step(s, market, end)
        s.market_funding_time[market] = now // length * length
        s.market_premium_sum[market] = 0
        s.market_premium_count[market] = 0
    if samples:
        _add_sample(s, market)
    sweep(s)
    return code.OK


@kernel
def _add_sample(s: Any, market: int) -> None:
    s.market_premium_sum[market] += premium_now(s, market)
    s.market_premium_count[market] += 1
    s.market_premium_time[market] = s.cell[NOW]


@kernel
def _step(s: Any, market: int, end: int) -> None:
    """Moves the index by what the interval that ended at `end` costs a lot, and the triggers with it."""
    hours = (end - s.market_funding_time[market]) // HOUR_MS
    count = s.market_premium_count[market]
    whole = s.market_premium_sum[market] // count
    mean = half_even(whole, s.market_premium_sum[market] - whole * count, count)
    rate = rate_hour(s, market, mean)
    before = s.market_index[market]
    index = before + mul_floor_div(s.market_oracle[market], rate * hours, FUNDING_INDEX_PER_MICRO)
    index = within_bounds(s, market, index)
    s.market_funding_rate[market] = rate
    s.market_swept_low[market] = min(s.market_swept_low[market], index)
    s.market_swept_high[market] = max(s.market_swept_high[market], index)
    s.market_sweeping_low[market] = min(s.market_sweeping_low[market], index)
    s.market_sweeping_high[market] = max(s.market_sweeping_high[market], index)
    emit(s, event.FUNDING_STEP, market, -1, -1, 0, rate, 0, index - before)
    move_index(s, market, index)


@kernel
def half_even(quotient: int, rest: int, divisor: int) -> int:
    """The nearest whole of `quotient + rest / divisor`, 0 <= rest < divisor <= 2^61; ties go to the even one."""
    doubled = 2 * rest
    if doubled > divisor or (doubled == divisor and quotient & 1 == 1):
        return quotient + 1
    return quotient


@kernel
def premium_now(s: Any, market: int) -> int:
    """`(max(0, impact_bid - index) - max(0, index - impact_ask)) / index`, half-even at 1e-12.

    A side too thin for an impact price adds nothing. At most PREMIUM_TIMES_MAX indices either way.
    """
    index = s.market_oracle[market]
    bid, ask = impact_price(s, market, BIDS), impact_price(s, market, ASKS)
    off = max(0, bid - index) - (max(0, index - ask) if ask != 0 else 0)
    off = min(max(off, -PREMIUM_TIMES_MAX * index), PREMIUM_TIMES_MAX * index)
    quotient, rest = mul_divmod(off, FUNDING_ONE, index)
    return half_even(quotient, rest, index)


@kernel
def impact_price(s: Any, market: int, side: int) -> int:
    """Average price at which IMPACT_NOTIONAL would trade against BIDS (rounded down) or ASKS (up); 0: too thin.

    The last order is taken by the least lots that reach the notional. Reduce-only orders do not count: they hold no
    margin, so their depth costs nothing to show (POPCAT 2025).
    """
    wanted = s.param[market, parameter.IMPACT_NOTIONAL]
    lots, cost = 0, 0
    order = first_order(s, 4 * market + side)
    for _ in range(IMPACT_ORDERS):
        if order == 0:
            return 0
        if s.order_flags[order] & command.REDUCE_ONLY == 0:
            price = s.order_price[order]
            most = (wanted - cost + price - 1) // price
            taken = min(s.order_size[order], most)
            lots, cost = lots + taken, cost + taken * price
            if taken == most:
                return int(cost // lots if side == BIDS else (cost + lots - 1) // lots)
        order = following(s, order)
    return 0


@kernel
def rate_hour(s: Any, market: int, premium: int) -> int:
    """Hourly rate: `clamp((P + clamp(I - P, -c, +c) + skew term) / 8, -cap, +cap)`, half-even once at 1e-12.

    The skew term is SKEW_FUNDING times what the pool is short over AMM_CAP, in -1..1: traders who crowd one side pay
    the other, the pool among them.
    """
    clamp = s.param[market, parameter.FUNDING_CLAMP]
    correction = min(max(s.param[market, parameter.FUNDING_INTEREST] - premium, -clamp), clamp)
    whole, part, most = premium + correction, 0, s.param[market, parameter.AMM_CAP]
    if most > 0 and s.param[market, parameter.SKEW_FUNDING] != 0:
        slot = find_slot(s, pool_bucket(s, market, AMM), market)
        held = s.slot_size[slot] if slot != 0 else 0
        short = min(max(-held, -most), most)
        term, part = mul_divmod(s.param[market, parameter.SKEW_FUNDING], short, most)
        whole += term
    else:
        most = 1
    quotient = whole // RATE_HOURS
    rate = half_even(quotient, (whole - quotient * RATE_HOURS) * most + part, RATE_HOURS * most)
    cap = s.param[market, parameter.FUNDING_CAP]
    return int(min(max(rate, -cap), cap))


@kernel
def within_bounds(s: Any, market: int, index: int) -> int:
    """The nearest index that every position can be settled at: within INDEX_MAX, and no further than UNSETTLED_MAX
    greatest prices from where any position of the market last settled, so that what it owes always fits.
    """
    reach = UNSETTLED_MAX * s.market_price_max[market] * FUNDING_INDEX_PER_MICRO
    now = s.market_index[market]
    lowest = min(now, max(-INDEX_MAX, s.market_swept_high[market] - reach))
    highest = max(now, min(INDEX_MAX, s.market_swept_low[market] + reach))
    return int(min(max(index, lowest), highest))


@kernel
def sweep(s: Any) -> None:
    """Settles the next SETTLED_PER_FUNDING positions of the table, of any bucket and market.

    Equity stays as it was but for its rounding: what a settlement pays is what it owed. A round that ends tells how far
    back the entry index of any position can lie.
    """
    slot = s.cell[SWEEP_SLOT]
    for _ in range(SETTLED_PER_FUNDING):
        slot += 1
        if slot >= s.count[SLOTS_USED]:
            _end_round(s)
            slot = 0
            break
        if s.slot_owner[slot] >= 0 and s.slot_index[slot] != s.market_index[s.slot_market[slot]]:
            _settle_swept(s, slot)
    s.cell[SWEEP_SLOT] = slot


@kernel
def _settle_swept(s: Any, slot: int) -> None:
    """Settles one position and tells it. Its bucket is measured anew: each settlement may round a micro-USD away, and
    a certificate has room for one a position only.
    """
    bucket = s.slot_owner[slot]
    paid = settle_slot(s, slot)
    note_fired(s, bucket)
    if paid != 0:
        emit(s, event.FUNDING_PAID, s.slot_market[slot], bucket, -1, 0, 0, s.slot_size[slot], paid)


@kernel
def _end_round(s: Any) -> None:
    for market in range(len(s.market_price)):
        s.market_swept_low[market] = s.market_sweeping_low[market]
        s.market_swept_high[market] = s.market_sweeping_high[market]
        s.market_sweeping_low[market] = s.market_index[market]
        s.market_sweeping_high[market] = s.market_index[market]
