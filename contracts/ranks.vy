# pragma version 0.4.3
"""
@title Who is deleveraged first: src/seawall/liquidation/ranks.py
@license Apache-2.0
@notice The public rank of a position, the greater the sooner; one in profit always comes before one at a loss.
"""

import units

SCALE: constant(int256) = 2**16
CAP: constant(int256) = 2**24
PRODUCT: constant(int256) = 2**48
PROFIT: constant(int256) = 2**60
LEVELS: constant(int256) = 16
WEIGHT_MAX: constant(int256) = 2**50 - 1

QUEUE: constant(uint256) = 0
PRO_RATA: constant(uint256) = 1
RISK_AWARE: constant(uint256) = 2
LEAST_HARM: constant(uint256) = 3


@internal
@pure
def ratio(part: int256, whole: int256) -> int256:
    """@notice floor(part / whole x SCALE) within 0..CAP; without anything in `whole` as high as it gets."""
    if part <= 0:
        return 0
    if whole <= 0:
        return CAP
    return min(CAP, unsafe_div(unsafe_mul(part, SCALE), whole))


@internal
@pure
def directional(net: int256, amount: int256) -> int256:
    """@notice The part of a position's value that can be closed without raising its account's absolute exposure."""
    if net == 0 or (net > 0) != (amount > 0):
        return 0
    return min(units.magnitude(amount), units.magnitude(net))


@internal
@pure
def score(
    policy: uint256, size: int256, price: int256, entry: int256, equity: int256, notional: int256, net: int256
) -> int256:
    """
    @param equity Of the position's bucket, and so its notional.
    @param net Exposure of its whole account, long less short; LEAST_HARM alone reads it.
    """
    amount: int256 = unsafe_mul(size, price)
    pnl: int256 = unsafe_sub(amount, entry)
    top: int256 = PROFIT if pnl > 0 else 0
    if equity <= 0:
        return 1
    if policy == PRO_RATA:
        return unsafe_add(top, min(WEIGHT_MAX, units.magnitude(size)))
    leverage: int256 = self.ratio(notional, equity)
    if policy == RISK_AWARE:
        weight: int256 = unsafe_div(unsafe_mul(units.magnitude(size), leverage), SCALE)
        return unsafe_add(top, max(1, min(WEIGHT_MAX, weight)))
    merit: int256 = 0
    if pnl > 0:
        merit = min(unsafe_sub(PRODUCT, 1), unsafe_mul(self.ratio(pnl, units.magnitude(entry)), leverage))
    else:
        lost: int256 = self.ratio(unsafe_sub(0, pnl), units.magnitude(entry))
        merit = unsafe_div(unsafe_mul(leverage, SCALE), unsafe_add(SCALE, lost))
    if policy == LEAST_HARM and amount != 0:
        level: int256 = unsafe_mul(unsafe_sub(LEVELS, 1), self.directional(net, amount))
        top = unsafe_add(top, unsafe_mul(unsafe_div(level, units.magnitude(amount)), PRODUCT))
    return unsafe_add(top, merit)
