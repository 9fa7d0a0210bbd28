"""Uniswap v3's own rules: how far a swap moves the price, what it takes and gives (SqrtPriceMath, SwapMath).

Rounding favours the pool: the next price never moves further than the amount pays for. Where the contract works
modulo 2^256 the same path is taken here, since it changes the last digit. What the contract reverts on is BadInput.
"""

from typing import Final

import msgspec

from seawall.margin.lp import Q96, amount0_delta, amount1_delta
from seawall.units import BadInput, Side, ceil_div, floor_div

UINT256: Final = 2**256
UINT160: Final = 2**160
FEE_ONE: Final = 10**6


class SwapStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a swap inside one tick range, amounts in the tokens' own units."""

    sqrt_price: int
    amount_in: int  # without the fee
    amount_out: int
    fee: int


def next_sqrt_price_from_amount0(sqrt_price: int, liquidity: int, amount: int, *, is_added: bool) -> int:
    """Price after token 0 enters (or leaves) the pool, rounded up: `L*p / (L +- amount*p)`."""
    if amount == 0:
        return sqrt_price
    scaled, product = liquidity * Q96, amount * sqrt_price
    if not is_added:
        if product >= UINT256 or scaled <= product:
            raise BadInput("amount", "the pool does not hold that much of token 0")
        return _fits(ceil_div(scaled * sqrt_price, scaled - product))
    if product < UINT256 and scaled + product < UINT256:
        return ceil_div(scaled * sqrt_price, scaled + product)
    return ceil_div(scaled, floor_div(scaled, sqrt_price) + amount)


def next_sqrt_price_from_amount1(sqrt_price: int, liquidity: int, amount: int, *, is_added: bool) -> int:
    """Price after token 1 enters (or leaves) the pool, rounded down: `p +- amount/L`."""
    if is_added:
        return _fits(sqrt_price + floor_div(amount * Q96, liquidity))
    quotient = ceil_div(amount * Q96, liquidity)
    if sqrt_price <= quotient:
        raise BadInput("amount", "the pool does not hold that much of token 1")
    return sqrt_price - quotient


def next_sqrt_price_from_input(sqrt_price: int, liquidity: int, amount_in: int, *, zero_for_one: bool) -> int:
    """Price after `amount_in` of the sold token is paid in; never past what was paid for."""
    _check_pool(sqrt_price, liquidity, amount_in)
    if zero_for_one:
        return next_sqrt_price_from_amount0(sqrt_price, liquidity, amount_in, is_added=True)
    return next_sqrt_price_from_amount1(sqrt_price, liquidity, amount_in, is_added=True)


def next_sqrt_price_from_output(sqrt_price: int, liquidity: int, amount_out: int, *, zero_for_one: bool) -> int:
    """Price after `amount_out` of the bought token is paid out; at least as far as that takes it."""
    _check_pool(sqrt_price, liquidity, amount_out)
    if zero_for_one:
        return next_sqrt_price_from_amount1(sqrt_price, liquidity, amount_out, is_added=False)
    return next_sqrt_price_from_amount0(sqrt_price, liquidity, amount_out, is_added=False)


def swap_step(sqrt_price: int, sqrt_target: int, liquidity: int, amount_remaining: int, fee_pips: int) -> SwapStep:
    """Swap toward `sqrt_target` with `amount_remaining` (>= 0: exact input, fee included; < 0: exact output).

    `fee_pips` in 1e-6. Input rounds up, output down, and an exact input that stops short of the target leaves all of
    its remainder as fee.
    """
    if not 0 <= fee_pips < FEE_ONE:
        raise BadInput("fee_pips", f"{fee_pips} is outside 0..999999")
    if liquidity < 0:
        raise BadInput("liquidity", f"{liquidity} is negative")
    zero_for_one = sqrt_price >= sqrt_target
    if amount_remaining >= 0:
        usable = floor_div(amount_remaining * (FEE_ONE - fee_pips), FEE_ONE)
        if usable >= _input(sqrt_target, sqrt_price, liquidity, zero_for_one):
            reached = sqrt_target
        else:
            reached = next_sqrt_price_from_input(sqrt_price, liquidity, usable, zero_for_one=zero_for_one)
    elif -amount_remaining >= _output(sqrt_target, sqrt_price, liquidity, zero_for_one):
        reached = sqrt_target
    else:
        reached = next_sqrt_price_from_output(sqrt_price, liquidity, -amount_remaining, zero_for_one=zero_for_one)
    amount_in = _input(reached, sqrt_price, liquidity, zero_for_one)
    amount_out = _output(reached, sqrt_price, liquidity, zero_for_one)
    if amount_remaining < 0:
        amount_out = min(amount_out, -amount_remaining)
    is_rest_fee = amount_remaining >= 0 and reached != sqrt_target
    fee = amount_remaining - amount_in if is_rest_fee else ceil_div(amount_in * fee_pips, FEE_ONE - fee_pips)
    return SwapStep(sqrt_price=reached, amount_in=amount_in, amount_out=amount_out, fee=fee)


def _input(sqrt_end: int, sqrt_start: int, liquidity: int, zero_for_one: bool) -> int:
    delta = amount0_delta if zero_for_one else amount1_delta
    return delta(sqrt_end, sqrt_start, liquidity, Side.UP)


def _output(sqrt_end: int, sqrt_start: int, liquidity: int, zero_for_one: bool) -> int:
    delta = amount1_delta if zero_for_one else amount0_delta
    return delta(sqrt_end, sqrt_start, liquidity, Side.DOWN)


def _check_pool(sqrt_price: int, liquidity: int, amount: int) -> None:
    if sqrt_price <= 0 or liquidity <= 0:
        raise BadInput("liquidity", "price and liquidity of the pool must be positive")
    if amount < 0:
        raise BadInput("amount", f"{amount} is negative")


def _fits(sqrt_price: int) -> int:
    if sqrt_price >= UINT160:
        raise BadInput("amount", "the price would not fit 160 bits")
    return sqrt_price
