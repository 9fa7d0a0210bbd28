"""Exact results as text: what tools hand to people and programs.

Reports hold Fractions of USD, of units and of one. A program gets decimal strings: exact where the decimal ends within
18 places, else the nearest of 12 places. Nothing passes through a binary float.
"""

from enum import Enum
from fractions import Fraction
from typing import Any

import msgspec

from seawall.units import (
    BadInput,
    Rate,
    Side,
    UsdMicro,
    decimal_text,
    fraction_from,
    half_even_div,
    rate,
    usd,
)

EXACT_PLACES = 18
ROUNDED_PLACES = 12


def text_of(value: Fraction | int, places: int = ROUNDED_PLACES) -> str:
    """The nearest decimal of `places` places, trailing zeros dropped."""
    exact = Fraction(value) * 10**places
    nearest = half_even_div(exact.numerator, exact.denominator)
    return decimal_text(Fraction(nearest, 10**places), places)


def exact_text(value: Fraction | int) -> str:
    """The decimal itself when it ends within 18 places, else the nearest of 12."""
    exact = Fraction(value)
    if (10**EXACT_PLACES) % exact.denominator == 0:
        return decimal_text(exact, EXACT_PLACES)
    return text_of(exact)


def plain(report: Any) -> Any:
    """A report as JSON values: structs to objects, Fractions to decimal strings, enums to their words."""
    if isinstance(report, msgspec.Struct):
        return {name: plain(getattr(report, name)) for name in report.__struct_fields__}
    if isinstance(report, dict):
        return {str(key): plain(value) for key, value in report.items()}
    if isinstance(report, (list, tuple)):
        return [plain(item) for item in report]
    if isinstance(report, Fraction):
        return exact_text(report)
    if isinstance(report, Enum):
        return report.value
    assert report is None or isinstance(report, (str, bool, int))
    return report


def percent(value: Fraction | None, places: int = 2) -> str:
    """A share of one as a percentage; a dash for none."""
    return "-" if value is None else f"{money(value * 100, places)} %"


def money(value: Fraction | None, places: int = 2) -> str:
    """Fixed decimals with thousands apart; a dash for none."""
    if value is None:
        return "-"
    scaled = value * 10**places
    digits = half_even_div(scaled.numerator, scaled.denominator)
    whole, part = divmod(abs(digits), 10**places)
    tail = f".{part:0{places}d}" if places else ""
    return f"{'-' if digits < 0 else ''}{whole:,}{tail}"


def price_text(value: Fraction | None) -> str:
    """A price with seven significant digits or two decimals, whichever shows more; a dash for none."""
    if value is None:
        return "-"
    places = 2
    while places < ROUNDED_PLACES and 0 < abs(value) * 10**places < 10**6:
        places += 1
    return money(value, places)


def given_rate(text: str, field: str) -> Rate:
    """A rate owed (fee, maintenance) as a decimal or a percentage ("0.045%"), rounded up; within [0, 1)."""
    value = given_fraction(text, field)
    if not 0 <= value < 1:
        raise BadInput(field, f"{text} is outside 0..1 (0.01 or 1% is one percent)")
    return rate(value, Side.UP, field)


def given_fraction(text: str, field: str) -> Fraction:
    """A signed share of one as a decimal or a percentage."""
    stripped = text.strip()
    if stripped.endswith("%"):
        return fraction_from(stripped[:-1].strip(), field) / 100
    return fraction_from(stripped, field)


def given_positive(text: str, field: str) -> Fraction:
    """A decimal above zero and below 10^15."""
    value = fraction_from(text.strip(), field)
    if value <= 0:
        raise BadInput(field, f"{text} is not above zero")
    if value >= 10**15:
        raise BadInput(field, f"{text} is absurd (10^15 or more)")
    return value


def given_usd(text: str, field: str) -> UsdMicro:
    """USD as a decimal of at most six places, zero or more, below 2^61 micro-USD."""
    amount = usd(text.strip(), field)
    if not 0 <= amount < 2**61:
        raise BadInput(field, f"{text} is outside 0..2^61 micro-USD")
    return amount


def whole_list(text: str, field: str) -> list[int]:
    """Comma-separated whole numbers of at most six digits."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdigit()) or len(word) > 6:
            raise BadInput(field, f"expected whole numbers apart by commas, got {word!r}")
    return [int(word) for word in words]
