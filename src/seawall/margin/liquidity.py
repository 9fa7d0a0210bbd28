"""Value, delta and gamma of a liquidity position given by prices (SPEC section 11), exact to 2^-64 of a root.

V = L(2 sqrt(P) - P / sqrt(Pb) - sqrt(Pa)) in the range; delta and gamma are per relative move. Rounding is toward minus
infinity. The engine's own integers are those of margin/lp_value.py.
"""

from math import isqrt

from seawall.terms.bucket import LpHolding
from seawall.units import BadInput, Price, UsdMicro, floor_div

ROOT_ONE = 2**64  # fixed point of square roots of prices


def lp_value(holding: LpHolding, mark: Price) -> UsdMicro:
    """Value of a liquidity position at a price, micro-USD, never more than it is worth."""
    bounded = _clamped(holding, mark)
    quote = holding.liquidity * max(0, _root(bounded) - _root_up(holding.lower))
    now, high = _root_up(bounded), _root(holding.upper)
    base = floor_div(holding.liquidity * ROOT_ONE * max(0, high - now) * mark, now * high)
    return UsdMicro(floor_div(quote, ROOT_ONE) + base)


def lp_delta(holding: LpHolding, mark: Price) -> UsdMicro:
    """mark x amount of base asset held: `L (1 / sqrt(p) - 1 / sqrt(upper)) * mark`, p clamped to the range."""
    now, high = _root(_clamped(holding, mark)), _root(holding.upper)
    return UsdMicro(floor_div(holding.liquidity * ROOT_ONE * (high - now) * mark, now * high))


def lp_gamma(holding: LpHolding, mark: Price) -> UsdMicro:
    """mark^2 x second derivative: `-L sqrt(mark) / 2` inside the range, 0 outside."""
    if not holding.lower <= mark < holding.upper:
        return UsdMicro(0)
    return UsdMicro(floor_div(-holding.liquidity * _root(mark), 2 * ROOT_ONE))


def check_lp(holding: LpHolding) -> LpHolding:
    """The holding itself, or BadInput when its range or liquidity is out of bounds."""
    if not 0 < holding.lower < holding.upper:
        raise BadInput(f"lp.{holding.market}", "the range must be 0 < lower < upper")
    if not 0 <= holding.liquidity <= 2**128:
        raise BadInput(f"lp.{holding.market}", "liquidity is outside 0..2^128")
    return holding


def _root(price: int) -> int:
    """sqrt(price) x ROOT_ONE, rounded down."""
    return isqrt(price * ROOT_ONE * ROOT_ONE)


def _root_up(price: int) -> int:
    """sqrt(price) x ROOT_ONE, rounded up."""
    return 1 + isqrt(price * ROOT_ONE * ROOT_ONE - 1)


def _clamped(holding: LpHolding, mark: Price) -> int:
    return min(max(mark, holding.lower), holding.upper)
