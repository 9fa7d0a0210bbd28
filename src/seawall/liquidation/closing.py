"""What closing part of a position does to its bucket (kernels): equity, maintenance, bankruptcy price, slippage, fee.

A `Close` is taken once, with funding settled, and then asked for many amounts of lots; it is pure arithmetic. The
bankruptcy price rounds for the bucket: its equity afterwards is never below its share (SPEC section 9).
"""

from typing import Any, Final, NamedTuple

from seawall.kernel import kernel
from seawall.ledger.buckets import funding_of
from seawall.ledger.health import NO_MARKET, end_of
from seawall.ledger.portfolio import portfolio_maintenance
from seawall.margin.certificate import LIVE, ceil_pair, tier_at
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import parameter
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_ceil_div, rate_up

SPLIT_MASK: Final = (1 << SPLIT_BITS) - 1


class Close(NamedTuple):
    """A position to be closed and the bucket around it, as plain integers."""

    slot: int
    market: int
    side: int  # of the closing trade: -1 sells a long, +1 buys a short back
    held: int  # lots, positive
    mark: int
    equity: int  # of the bucket
    maintenance: int
    others_high: int  # maintenance numerator of its other positions
    others_low: int


@kernel
def numerator(s: Any, market: int, notional: int) -> tuple[int, int]:
    """Maintenance of one position times RATE_ONE, as the pair (high, low) around 2^20 that sums without wrapping."""
    row = 2 * market + LIVE
    k = tier_at(s, row, notional)
    rate = s.tier_rate[row, k]
    high = (notional >> SPLIT_BITS) * rate - s.tier_high[row, k]
    return int(high), int((notional & SPLIT_MASK) * rate - s.tier_low[row, k])


@kernel
def closing(s: Any, slot: int) -> Close:
    """The position of a slot as something to be closed, at the present marks."""
    bucket = s.slot_owner[slot]
    equity, high, low = s.bucket_raw[bucket] + s.holding_worth[s.bucket_holding[bucket]], 0, 0
    at = s.bucket_first[bucket]
    while at != 0:  # at most POSITIONS_PER_BUCKET
        value = s.slot_size[at] * s.market_price[s.slot_market[at]]
        part_high, part_low = numerator(s, s.slot_market[at], abs(value))
        equity += value + funding_of(s, at)
        high, low = high + part_high, low + part_low
        at = s.slot_sibling[at]
    market, size = s.slot_market[slot], s.slot_size[slot]
    own_high, own_low = numerator(s, market, abs(size) * s.market_price[market])
    maintenance = int(ceil_pair(high, low))
    if s.bucket_mode[bucket] == PORTFOLIO:
        maintenance = portfolio_maintenance(s, bucket, NO_MARKET, 0, NO_MARKET, 0)
    return Close(
        slot=int(slot),
        market=int(market),
        side=-1 if size > 0 else 1,
        held=int(abs(size)),
        mark=int(s.market_price[market]),
        equity=int(equity),
        maintenance=maintenance,
        others_high=int(high - own_high),
        others_low=int(low - own_low),
    )


@kernel
def maintenance_after(s: Any, c: Close, lots: int) -> int:
    """Maintenance of the bucket once `lots` of the position are closed. One ceil for the sum.

    In portfolio margin it may be more than before: a hedge was closed.
    """
    bucket = s.slot_owner[c.slot]
    if s.bucket_mode[bucket] == PORTFOLIO:
        return portfolio_maintenance(s, bucket, c.market, c.side * lots, NO_MARKET, 0)
    high, low = numerator(s, c.market, (c.held - lots) * c.mark)
    return int(ceil_pair(c.others_high + high, c.others_low + low))


@kernel
def equity_left(s: Any, c: Close, lots: int) -> int:
    """Equity that closing `lots` at the bankruptcy price leaves: the share of what maintenance is left, rounded up."""
    if c.maintenance == 0:
        return 0
    return int(mul_ceil_div(c.equity, maintenance_after(s, c, lots), c.maintenance))


@kernel
def price_leaving(s: Any, c: Close, lots: int, given_up: int) -> int:
    """The price a lot at which closing `lots` costs the bucket `given_up` micro-USD at most (negative: brings it that).

    The least whole price for a sale, the greatest for a purchase; within 1..price_max, where a bucket so deep in debt
    that no price pays for it ends.
    """
    worth = lots * c.mark
    price = -((given_up - worth) // lots) if c.side < 0 else (worth + given_up) // lots
    return int(max(1, min(price, s.market_price_max[c.market])))


@kernel
def bankruptcy_price(s: Any, c: Close, lots: int) -> int:
    """b of SPEC section 9: closing `lots` there leaves `equity_left`. A sale rounds up, a purchase down."""
    return price_leaving(s, c, lots, c.equity - equity_left(s, c, lots))


@kernel
def slippage(c: Close, lots: int, value: int) -> int:
    """What closing `lots` for `value` in all loses against the mark; negative when it gains."""
    return c.side * (value - lots * c.mark)


@kernel
def fee_of(s: Any, c: Close, lots: int, value: int) -> int:
    """Liquidation fee of closing `lots` for `value`: the rate, rounded up, but never from what is not there.

    What is there is what the fill brought beyond the bankruptcy value, and never more than the equity it leaves.
    """
    full = rate_up(value, s.param[c.market, parameter.LIQUIDATION_FEE])
    spare = c.equity - slippage(c, lots, value) - max(0, equity_left(s, c, lots))
    return int(max(0, min(full, spare)))


@kernel
def gap(s: Any, c: Close, lots: int, value: int) -> int:
    """Equity above liquidation end once `lots` are closed for `value` and the full fee is paid; negative: short of it.

    With the full fee this is concave in the lots, and as good a test: where the fee is cut the end is out of reach.
    """
    fee = rate_up(value, s.param[c.market, parameter.LIQUIDATION_FEE])
    return int(c.equity - slippage(c, lots, value) - fee - end_of(s, maintenance_after(s, c, lots)))


@kernel
def is_below_share(s: Any, equity: int, maintenance: int) -> bool:
    """Whether equity is below BACKSTOP_RATIO of maintenance. Compared without division."""
    share = s.param[len(s.market_price), parameter.BACKSTOP_RATIO]
    return bool(compare_products(equity, RATE_ONE, share, maintenance) < 0)
