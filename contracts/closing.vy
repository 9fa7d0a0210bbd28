# pragma version 0.4.3
"""
@title What closing part of a position does to its bucket: src/seawall/liquidation/closing.py and insurance.py
@license Apache-2.0
@notice Pure. The bankruptcy price rounds for the bucket: its equity afterwards is never below its share.
"""

import amm
import limits
import margin
import units
import words

# the word FORCED of a market: fee, gate, dust, capacity, window, start of the window, used in it
GATE: constant(uint256) = 20
DUST: constant(uint256) = 44
CAPACITY: constant(uint256) = 78
WINDOW: constant(uint256) = 132
START: constant(uint256) = 154
USED: constant(uint256) = 198


# a position to be closed, and the bucket around it, its funding settled
struct Close:
    market: uint256
    side: int256  # of the closing trade: -1 sells a long, 1 buys a short back
    held: int256  # lots, positive
    mark: int256
    equity: int256
    maintenance: int256
    others: int256  # maintenance numerator of its other positions
    claimed: int256  # what insurance has paid for it
    forced: uint256
    terms: margin.Terms


@internal
@pure
def maintenance_after(c: Close, lots: int256) -> int256:
    """@notice Maintenance of the bucket once `lots` are closed. One ceil for the sum."""
    notional: int256 = unsafe_mul(unsafe_sub(c.held, lots), c.mark)
    own: int256 = margin.numerator(margin.tier_of(c.terms, notional), notional)
    return units.ceil_div(unsafe_add(c.others, own), limits.RATE_ONE)


@internal
@pure
def equity_left(c: Close, lots: int256) -> int256:
    """@notice Equity that closing at the bankruptcy price leaves: the share of what maintenance is left, rounded up."""
    if c.maintenance == 0:
        return 0
    return units.ceil_div(unsafe_mul(c.equity, self.maintenance_after(c, lots)), c.maintenance)


@internal
@pure
def price_leaving(c: Close, lots: int256, given_up: int256) -> int256:
    """@notice The price a lot at which closing `lots` costs the bucket `given_up` at most; within 1..price_max."""
    worth: int256 = unsafe_mul(lots, c.mark)
    price: int256 = 0
    if c.side < 0:
        price = units.ceil_div(unsafe_sub(worth, given_up), lots)
    else:
        price = units.floor_div(unsafe_add(worth, given_up), lots)
    return max(1, min(price, amm.price_max_of(c.terms)))


@internal
@pure
def bankruptcy_price(c: Close, lots: int256) -> int256:
    return self.price_leaving(c, lots, unsafe_sub(c.equity, self.equity_left(c, lots)))


@internal
@pure
def slippage(c: Close, lots: int256, amount: int256) -> int256:
    """@notice What closing `lots` for `amount` in all loses against the mark; negative when it gains."""
    return unsafe_mul(c.side, unsafe_sub(amount, unsafe_mul(lots, c.mark)))


@internal
@pure
def full_fee(c: Close, amount: int256) -> int256:
    return units.rate_up(amount, words.field(c.forced, 0, 20))


@internal
@pure
def fee_of(c: Close, lots: int256, amount: int256) -> int256:
    """@notice Liquidation fee: the rate, rounded up, but never from what is not there."""
    spare: int256 = unsafe_sub(c.equity, self.slippage(c, lots, amount))
    spare = unsafe_sub(spare, max(0, self.equity_left(c, lots)))
    return max(0, min(self.full_fee(c, amount), spare))


@internal
@pure
def end_after(c: Close, lots: int256) -> int256:
    return margin.end_of(c.terms.policy, self.maintenance_after(c, lots))


@internal
@pure
def gap(c: Close, lots: int256, amount: int256) -> int256:
    """@notice Equity above liquidation end once `lots` are closed for `amount` and the full fee is paid."""
    left: int256 = unsafe_sub(unsafe_sub(c.equity, self.slippage(c, lots, amount)), self.full_fee(c, amount))
    return unsafe_sub(left, self.end_after(c, lots))


@internal
@pure
def is_below_share(policy: uint256, equity: int256, maintenance: int256) -> bool:
    """@notice Whether equity is below BACKSTOP_RATIO of maintenance."""
    share: int256 = words.field(policy, margin.BACKSTOP_RATIO, 24)
    return unsafe_mul(equity, limits.RATE_ONE) < unsafe_mul(share, maintenance)


@internal
@pure
def deficit_of(c: Close, lots: int256) -> int256:
    """@notice The part of a bucket's debt at mark that closing `lots` shows; 0 when it has none."""
    return max(0, unsafe_sub(self.equity_left(c, lots), c.equity))


@internal
@pure
def claimable(c: Close, insurance: int256) -> int256:
    """@notice What the market's fund may still pay for the position."""
    cap: int256 = words.field(c.terms.pool, amm.CLAIM_CAP, 54)
    return max(0, min(insurance, unsafe_sub(cap, c.claimed)))


@internal
@pure
def lots_covered(c: Close, most: int256, money: int256) -> int256:
    """@notice The greatest amount of lots, at most `most`, whose deficit `money` pays in full."""
    if self.deficit_of(c, most) <= money:
        return most
    paid: int256 = 0
    short: int256 = most
    for _: uint256 in range(64):
        if unsafe_sub(short, paid) <= 1:
            break
        middle: int256 = unsafe_div(unsafe_add(paid, short), 2)
        if self.deficit_of(c, middle) <= money:
            paid = middle
        else:
            short = middle
    return paid
