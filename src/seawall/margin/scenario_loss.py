"""What a market loses in a scenario, and what losers and gainers of a row come to, in compiled code (SPEC section 3).

The rule of margin/scenario.py in int64, for ledger/portfolio.py. An exact amount is a number in base RATE_ONE, (whole,
b, c) = whole + b / RATE_ONE + c / RATE_ONE^2 micro-USD, so that nothing rounds before the one ceiling of a row.
Bounds, which callers keep: |exposure| <= 2^57 micro-USD in one market and 2^59 in all, |move| <= 10 x RATE_ONE^2.
"""

from typing import Final

from seawall.kernel import kernel, warm_up
from seawall.units import RATE_ONE

SQUARE: Final = RATE_ONE * RATE_ONE


@kernel
def move_of(factor: int, beta: int) -> int:
    """Relative move of a market, in 1 / RATE_ONE^2, for a move of the common factor: not below -100 %."""
    return max(-SQUARE, factor * beta)


@kernel
def normal(whole: int, b: int, c: int) -> tuple[int, int, int]:
    """The same amount with 0 <= b, c < RATE_ONE."""
    b += c // RATE_ONE
    return whole + b // RATE_ONE, b % RATE_ONE, c % RATE_ONE


@kernel
def moved(amount: int, move: int) -> tuple[int, int, int]:
    """`amount * move / RATE_ONE^2`, exact, not normal."""
    high, low = amount // RATE_ONE, amount % RATE_ONE
    far, near = move // RATE_ONE, move % RATE_ONE
    return high * far, high * near + low * far, low * near


@kernel
def price_at(price: int, move: int) -> int:
    """`floor(price * (1 + move))`, at least 0."""
    whole, b, c = moved(price, SQUARE + move)
    return max(0, normal(whole, b, c)[0])


@kernel
def market_loss(perp: int, spot: int, base: int, fallen: int, basis: int, move: int) -> tuple[int, int, int]:
    """Loss (negative: gain) of one market, exact and normal.

    `basis * min(max(0, -perp), spot + base) - (perp + spot) * move + fallen`: perp and collateral of one asset make the
    same move, what of it a short hedges loses the basis on top, liquidity positions have `fallen` in worth.
    """
    hedged = min(max(0, -perp), spot + base)
    whole, b, c = moved(perp + spot, move)
    high, low = hedged // RATE_ONE, hedged % RATE_ONE
    return normal(fallen + high * basis - whole, low * basis - b, -c)


@kernel
def is_loss(amount: tuple[int, int, int]) -> bool:
    """Whether a normal amount is above 0."""
    return amount[0] > 0 or (amount[0] == 0 and (amount[1] > 0 or amount[2] > 0))


@kernel
def netted(lost: tuple[int, int, int], gained: tuple[int, int, int], credit: int) -> int:
    """`ceil(lost - credit * gains)`; `gained` is the sum of the amounts of those that gain, so at most 0."""
    whole, b, c = normal(gained[0], gained[1], gained[2])
    high, low = whole // RATE_ONE, whole % RATE_ONE
    last = c * credit
    sum_c = lost[2] + b * credit + last // RATE_ONE
    total, left_b, left_c = normal(lost[0] + high * credit, lost[1] + low * credit, sum_c)
    return total + 1 if left_b != 0 or left_c != 0 or last % RATE_ONE != 0 else total


@warm_up
def compile_scenario_loss() -> None:
    """Compiles every function here."""
    move_of(1, 1)
    price_at(1, 1)
    loss = market_loss(1, 1, 1, 1, 1, 1)
    is_loss(loss)
    netted(loss, loss, 1)
