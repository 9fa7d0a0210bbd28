"""Decimal text and the engine's integers, exactly: what clients send and read (SPEC section 0).

A price is micro-USD per lot and a lot is 10^-size_decimals, so a price per unit has at most 6 - size_decimals decimals.
Text goes out the way Hyperliquid writes it: no trailing zeros, but one decimal where there would be none ("20.0").
"""

import re
from functools import lru_cache
from typing import Final

from seawall.units import BadInput, exact_div

USD_DECIMALS: Final = 6
PLAIN: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
TEXT_MAX: Final = 40  # characters: no number of the venue is longer
REMEMBERED: Final = 16_384  # numbers of clients


def text_of(value: int, decimals: int) -> str:
    """`value / 10^decimals` as plain text; negative `decimals` multiply."""
    if decimals <= 0:
        return f"{value}{'0' * -decimals}.0" if value else "0.0"
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), 10**decimals)
    if part == 0:
        return f"{sign}{whole}.0"
    return f"{sign}{whole}.{part:0{decimals}d}".rstrip("0")


def usd_text(micro: int) -> str:
    """Micro-USD as USD."""
    return text_of(micro, USD_DECIMALS)


def price_text(price: int, size_decimals: int) -> str:
    """Micro-USD per lot as USD per unit."""
    return text_of(price, USD_DECIMALS - size_decimals)


def rate_text(value: int, one: int, digits: int = 12) -> str:
    """`value / one` with at most `digits` decimals, rounded toward zero."""
    scaled = abs(value) * 10**digits // one
    return text_of(-scaled if value < 0 else scaled, digits)


def units_of(text: object, decimals: int, field: str) -> int:
    """Decimal text times 10^decimals, exactly.

    BadInput for what is not plain decimal text, or has more decimals than the unit has.
    """
    if not isinstance(text, str) or len(text) > TEXT_MAX:
        raise BadInput(field, f"{str(text)[:TEXT_MAX]!r} is not a plain decimal number")
    value, why = _units(text, decimals)
    if why:
        raise BadInput(field, why)
    return value


@lru_cache(REMEMBERED)
def _units(text: str, decimals: int) -> tuple[int, str]:
    """The units, or why there are none. Remembered: prices and sizes come again and again."""
    if PLAIN.fullmatch(text) is None:
        return 0, f"{text!r} is not a plain decimal number"
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    if decimals < 0:
        value = int(whole)
        step: int = 10**-decimals
        if part or value % step:
            return 0, f"{text} is not a multiple of {step}"
        return exact_div(value, step), ""
    if len(part) > decimals:
        return 0, f"{text} has more than {decimals} decimals"
    return int(whole + part.ljust(decimals, "0")), ""
