"""Integer units and the arithmetic between them: the only place where units meet (SPEC section 0).

Every amount is an integer with one scale. Nothing here is a float; a decimal enters as text and is
refused when it is not exact at its scale, unless the caller names the side to which it may round.
"""

from enum import Enum
from fractions import Fraction
from typing import Final, NewType

UsdMicro = NewType("UsdMicro", int)  # 1e-6 USD: cash, equity, notional, margin, fees
Lots = NewType("Lots", int)  # 10^-size_decimals of the base asset, signed
Price = NewType("Price", int)  # micro-USD per lot
Rate = NewType("Rate", int)  # parts of RATE_ONE
FundingRate = NewType("FundingRate", int)  # 1e-12 per hour
FundingIndex = NewType("FundingIndex", int)  # 1e-12 USD per lot, cumulative
TimeMs = NewType("TimeMs", int)  # milliseconds since the epoch, from a command, never from a clock

USD_ONE: Final = 1_000_000
RATE_ONE: Final = 12_000_000  # divisible by 1e6 and by 2L for the leverages L in use: ppm and 1/(2L) are exact
FUNDING_ONE: Final = 10**12
FUNDING_INDEX_PER_MICRO: Final = 10**6  # FundingIndex units in one micro-USD per lot


class Side(Enum):
    """Where an inexact value goes. Owed amounts round UP, credited ones DOWN, text from users is EXACT."""

    UP = 1
    DOWN = -1
    EXACT = 0


class BadInput(ValueError):
    """Input that is refused before anything changes. `field` names what is wrong, `why` says how, `file` where from."""

    def __init__(self, field: str, why: str, file: str | None = None) -> None:
        super().__init__(f"{file + ': ' if file else ''}{field}: {why}")
        self.field = field
        self.why = why
        self.file = file


def floor_div(numerator: int, denominator: int) -> int:
    """Quotient toward minus infinity; `denominator` > 0."""
    assert denominator > 0
    return numerator // denominator


def ceil_div(numerator: int, denominator: int) -> int:
    """Quotient toward plus infinity; `denominator` > 0."""
    assert denominator > 0
    return -(-numerator // denominator)


def truncated_div(numerator: int, denominator: int) -> int:
    """Quotient toward zero, as Go, Rust and Solidity divide; `denominator` != 0."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def exact_div(numerator: int, denominator: int) -> int:
    """Quotient of numbers known to divide. Raises ArithmeticError when they do not."""
    quotient, rest = divmod(numerator, denominator)
    if rest:
        raise ArithmeticError(f"{numerator} is not a multiple of {denominator}")
    return quotient


def half_even_div(numerator: int, denominator: int) -> int:
    """Nearest quotient, ties to the even one; `denominator` > 0."""
    assert denominator > 0
    quotient, rest = divmod(numerator, denominator)
    doubled = 2 * rest
    if doubled > denominator or (doubled == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def div(numerator: int, denominator: int, side: Side) -> int:
    """`numerator / denominator` rounded to `side`; with EXACT an inexact quotient raises ArithmeticError."""
    if side is Side.UP:
        return ceil_div(numerator, denominator)
    if side is Side.DOWN:
        return floor_div(numerator, denominator)
    return exact_div(numerator, denominator)


def signed_notional(size: Lots, price: Price) -> UsdMicro:
    """Value of a position, negative for a short. Exact: prices are micro-USD per lot."""
    return UsdMicro(size * price)


def notional(size: Lots, price: Price) -> UsdMicro:
    """Size of a position in micro-USD, never negative. Exact."""
    return UsdMicro(abs(size) * price)


def share(amount: int, rate: int, side: Side) -> UsdMicro:
    """`amount * rate` where rate is in RATE_ONE, rounded to `side`."""
    return UsdMicro(div(amount * rate, RATE_ONE, side))


def pending_funding(size: Lots, index: FundingIndex, entry_index: FundingIndex) -> UsdMicro:
    """Funding a position has earned (negative: owes) since it last settled: floor(-size * delta / 1e6).

    Floor for payer and receiver alike; the venue's dust account takes the difference (SPEC section 7).
    """
    return UsdMicro(floor_div(-size * (index - entry_index), FUNDING_INDEX_PER_MICRO))


def fraction_from(text: str | int | Fraction, field: str) -> Fraction:
    """Exact value of a decimal string, an integer or a fraction.

    Raises BadInput for a float (it has already lost digits), NaN, infinities, blanks and anything else.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, Fraction)):
        raise BadInput(field, f"expected a decimal string or an integer, got {type(text).__name__} {text!r}")
    if isinstance(text, str):
        body = text.removeprefix("-")
        plain, _, exponent = body.lower().partition("e")
        digits = plain.replace(".", "", 1)
        power = exponent[1:] if exponent[:1] in ("-", "+") else exponent
        has_power = "e" in body.lower()
        if not (digits.isascii() and digits.isdigit()) or (has_power and not (power.isascii() and power.isdigit())):
            raise BadInput(field, f"not a decimal number: {text!r}")
        if len(body) > 80 or (has_power and abs(int(exponent)) > 60):
            raise BadInput(field, f"too many digits: {text[:40]!r}")
    return Fraction(text)


def whole(value: int, field: str, low: int, high: int) -> int:
    """`value` itself, an integer within [low, high]. BadInput for a float, a truth value, text and anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(field, f"expected a whole number, got {type(value).__name__} {value!r}")
    if not low <= value <= high:
        raise BadInput(field, f"{value} is outside {low}..{high}")
    return value


def scaled(text: str | int | Fraction, scale: int, field: str, side: Side = Side.EXACT) -> int:
    """`text * scale` as an integer. BadInput when it is not whole and `side` is EXACT."""
    value = fraction_from(text, field) * scale
    if side is Side.EXACT and value.denominator != 1:
        raise BadInput(field, f"{text} has more digits than this unit keeps (1/{scale})")
    return div(value.numerator, value.denominator, side)


def usd(text: str | int | Fraction, field: str = "usd", side: Side = Side.EXACT) -> UsdMicro:
    """USD as a decimal -> micro-USD."""
    return UsdMicro(scaled(text, USD_ONE, field, side))


def rate(text: str | int | Fraction, side: Side, field: str = "rate") -> Rate:
    """A ratio such as "0.0125" -> Rate. Requirements are read with Side.UP, weights and credits with Side.DOWN."""
    return Rate(scaled(text, RATE_ONE, field, side))


def lots(text: str | int | Fraction, size_decimals: int, field: str = "size") -> Lots:
    """A size in the base asset -> signed lots. Exact, or BadInput."""
    value = fraction_from(text, field) * Fraction(10) ** size_decimals
    if value.denominator != 1:
        raise BadInput(field, f"{text} is finer than one lot (10^{-size_decimals})")
    return Lots(value.numerator)


def price(text: str | int | Fraction, size_decimals: int, field: str = "price", side: Side = Side.EXACT) -> Price:
    """A price in USD per unit of the base asset -> micro-USD per lot."""
    value = fraction_from(text, field) * USD_ONE / Fraction(10) ** size_decimals
    if side is Side.EXACT and value.denominator != 1:
        raise BadInput(field, f"{text} has more than {6 - size_decimals} decimals")
    return Price(div(value.numerator, value.denominator, side))


def decimal_text(value: Fraction | int, places: int, side: Side = Side.EXACT) -> str:
    """A value as plain decimal text with at most `places` decimals, no exponent, no trailing zeros."""
    digits = div(Fraction(value).numerator * 10**places, Fraction(value).denominator, side)
    sign = "-" if digits < 0 else ""
    whole, part = divmod(abs(digits), 10**places)
    tail = f"{part:0{places}d}".rstrip("0") if places else ""
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def usd_text(amount: UsdMicro) -> str:
    """micro-USD -> decimal USD, exact."""
    return decimal_text(Fraction(amount, USD_ONE), 6)


def price_fraction(micro_per_lot: Price | Fraction, size_decimals: int) -> Fraction:
    """A price in micro-USD per lot -> USD per unit of the base asset, exact."""
    return Fraction(micro_per_lot) * Fraction(10) ** size_decimals / USD_ONE


def size_fraction(size: Lots, size_decimals: int) -> Fraction:
    """Lots -> units of the base asset, exact."""
    return Fraction(size) / Fraction(10) ** size_decimals
