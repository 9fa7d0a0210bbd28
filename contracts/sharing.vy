# pragma version 0.4.3
"""
@title How many lots each counterparty closes when a position is closed against others. src/seawall/liquidation/adl.py
@license Apache-2.0
@notice Pure.
"""

import closing
import limits
import ranks
import units

OTHERS_MAX: constant(uint256) = 512
HALVINGS: constant(uint256) = 16
ROUNDS: constant(uint256) = 8


# a counterparty: what it may close, and what it is given to close
struct Chosen:
    bucket: uint256
    score: int256
    room: int256
    lots: int256


@internal
@pure
def share(
    c: closing.Close, chosen: DynArray[Chosen, OTHERS_MAX]
) -> (DynArray[Chosen, OTHERS_MAX], int256):
    """@notice Gives each a share by its weight, exact in sum; those at a loss only what those in profit can not take."""
    winners: uint256 = 0
    for one: Chosen in chosen:
        if one.score < ranks.PROFIT:
            break
        winners = unsafe_add(winners, 1)
    shared: DynArray[Chosen, OTHERS_MAX] = chosen
    left: int256 = c.held
    shared, left = self.share_among(shared, 0, winners, left)
    shared, left = self.share_among(shared, winners, len(chosen), left)
    return shared, unsafe_sub(c.held, left)


@internal
@pure
def share_among(
    chosen: DynArray[Chosen, OTHERS_MAX], first: uint256, end: uint256, lots: int256
) -> (DynArray[Chosen, OTHERS_MAX], int256):
    """@notice Shares `lots` by weight as far as rooms go, in rounds, then by rank; returns what is left over."""
    shared: DynArray[Chosen, OTHERS_MAX] = chosen
    left: int256 = lots
    for _: uint256 in range(ROUNDS):
        total: int256 = 0
        for i: uint256 in range(first, end, bound=OTHERS_MAX):
            if shared[i].room > shared[i].lots:
                total = unsafe_add(total, shared[i].score % ranks.PROFIT)
        if total == 0 or left == 0:
            break
        given: int256 = left
        seen: int256 = 0
        reached: int256 = 0
        for i: uint256 in range(first, end, bound=OTHERS_MAX):
            if shared[i].room > shared[i].lots:
                seen = unsafe_add(seen, shared[i].score % ranks.PROFIT)
                upto: int256 = unsafe_div(unsafe_mul(given, seen), total)
                part: int256 = min(unsafe_sub(shared[i].room, shared[i].lots), unsafe_sub(upto, reached))
                reached = upto
                shared[i].lots = unsafe_add(shared[i].lots, part)
                left = unsafe_sub(left, part)
    for i: uint256 in range(first, end, bound=OTHERS_MAX):
        part: int256 = min(left, unsafe_sub(shared[i].room, shared[i].lots))
        shared[i].lots = unsafe_add(shared[i].lots, part)
        left = unsafe_sub(left, part)
    return shared, left


@internal
@pure
def acceptable(c: closing.Close, raw: int256, most: int256, price: int256) -> int256:
    """@notice The first of most, most / 2, most / 4 ... that a counterparty may close at `price`; 0 when none may."""
    lots: int256 = most
    for _: uint256 in range(HALVINGS):
        if lots > 0 and self.is_harmless(c, raw, lots, price):
            return lots
        lots = lots >> 1
    return 0


@internal
@pure
def is_harmless(c: closing.Close, raw: int256, lots: int256, price: int256) -> bool:
    """@notice Whether closing leaves a bucket as well covered as before, and so healthy if it was."""
    signed: int256 = unsafe_mul(c.side, lots)
    equity: int256 = unsafe_sub(c.equity, unsafe_mul(signed, unsafe_sub(price, c.mark)))
    if units.magnitude(unsafe_sub(raw, unsafe_mul(signed, price))) > limits.RAW_USD_MAX:
        return False
    maintenance: int256 = closing.maintenance_after(c, lots)
    if c.equity <= 0 or maintenance == 0:
        return equity >= min(0, c.equity)
    return unsafe_mul(equity, c.maintenance) >= unsafe_mul(c.equity, maintenance)
