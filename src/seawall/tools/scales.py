"""Which lots and prices a coin is kept in, chosen so that what is given is held exactly.

The core keeps sizes as whole lots and prices as whole micro-USD per lot. A file names a position by size and value,
and a mark recovered as value / size need not be a decimal; a lot that divides the position itself still holds both.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from seawall.terms import limits
from seawall.units import USD_ONE, BadInput, Lots, Price, UsdMicro, half_even_div

LOT_DIVISORS_MAX = 10_000  # how many divisors of the coarsest odd lot are tried


class Scale(msgspec.Struct, frozen=True):
    """Lots in one unit of the base asset: usually a power of ten, any rational where only that is exact."""

    lots_per_unit: Fraction

    def lots(self, size: Fraction, field: str) -> Lots:
        """A size in units -> lots. Exact, or BadInput."""
        value = size * self.lots_per_unit
        if value.denominator != 1:
            raise BadInput(field, f"{float(size):.12g} is not a whole number of lots of {1 / self.lots_per_unit}")
        return Lots(value.numerator)

    def price(self, price: Fraction, field: str) -> Price:
        """A price in USD per unit -> micro-USD per lot. Exact, or BadInput."""
        value = price * USD_ONE / self.lots_per_unit
        if value.denominator != 1:
            raise BadInput(field, f"{float(price):.12g} is finer than a micro-USD per lot of {1 / self.lots_per_unit}")
        return Price(value.numerator)

    def nearest_price(self, price: Fraction) -> Price:
        """The nearest whole micro-USD per lot, never below one."""
        value = price * USD_ONE / self.lots_per_unit
        return Price(max(1, half_even_div(value.numerator, value.denominator)))

    def price_usd(self, micro_per_lot: Fraction | int) -> Fraction:
        """micro-USD per lot -> USD per unit, exact."""
        return Fraction(micro_per_lot) * self.lots_per_unit / USD_ONE

    def size_units(self, lots: Lots) -> Fraction:
        """Lots -> units of the base asset, exact."""
        return lots / self.lots_per_unit

    def floor_size(self, size: Fraction) -> Fraction:
        """The largest whole number of lots within `size` >= 0, in units."""
        return math.floor(size * self.lots_per_unit) / self.lots_per_unit


def usd_of(micro: UsdMicro | Fraction | int) -> Fraction:
    """micro-USD -> USD, exact."""
    return Fraction(micro) / USD_ONE


def common_divisor(values: Iterable[Fraction]) -> Fraction:
    """The largest rational of which every value is a whole multiple; 0 for none or all zero."""
    result = Fraction(0)
    for value in values:
        denominator = math.lcm(result.denominator, value.denominator)
        scaled = math.gcd(
            result.numerator * (denominator // result.denominator), value.numerator * (denominator // value.denominator)
        )
        result = Fraction(scaled, denominator)
    return result


def choose_scale(sizes: Sequence[Fraction], prices: Sequence[Fraction], decimals: int | None) -> Scale | None:
    """A scale that holds all `sizes` (units) and `prices` (USD per unit, positive) exactly; None when there is none.

    Tried in order: the market's own size decimals, the coarsest decimal lot (0 to 6 decimals, then whole multiples
    of ten units), then a lot that divides the sizes themselves.
    """
    size_step = common_divisor(abs(size) for size in sizes)
    price_step = common_divisor(prices) * USD_ONE
    highest = max(prices) * USD_ONE
    hint = [] if decimals is None else [decimals]
    plain = range(limits.SIZE_DECIMALS_MAX + 1)
    multiples = range(-1, limits.SIZE_DECIMALS_MIN - 1, -1)
    for power in (*hint, *plain, *multiples):
        candidate = Fraction(10) ** power
        if _holds(candidate, size_step, price_step, highest):
            return Scale(candidate)
    return _odd_scale(size_step, price_step, highest)


def _holds(lots_per_unit: Fraction, size_step: Fraction, price_step: Fraction, highest: Fraction) -> bool:
    if (size_step * lots_per_unit).denominator != 1 or (price_step / lots_per_unit).denominator != 1:
        return False
    return 1 <= highest / lots_per_unit <= limits.PRICE_MAX


def _odd_scale(size_step: Fraction, price_step: Fraction, highest: Fraction) -> Scale | None:
    if size_step == 0:
        return None
    value = size_step * price_step  # micro-USD of one coarsest lot
    if value.denominator != 1:
        return None
    least = max(1, math.ceil(highest * size_step / limits.PRICE_MAX))
    for divisor in range(least, least + LOT_DIVISORS_MAX):
        if value.numerator % divisor == 0:
            candidate = divisor / size_step
            return Scale(candidate) if _holds(candidate, size_step, price_step, highest) else None
    return None


def price_bound(largest: Lots, highest: Price, field: str) -> Price:
    """The highest `price_max` that still lets a market hold `largest` lots. BadInput when `highest` is above it."""
    bound = limits.PRICE_MAX if largest == 0 else min(limits.PRICE_MAX, limits.NOTIONAL_MAX // abs(largest))
    if highest > bound:
        raise BadInput(field, "absurd: its notional is beyond 2^53 micro-USD (9.007 billion USD)")
    return Price(bound)
