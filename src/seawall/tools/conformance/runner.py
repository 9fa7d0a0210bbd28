"""What a family of published cases is, and how one computed figure is compared with a published one.

A venue's module exports `FAMILIES: dict[str, Check]`: the family's name and the function that tells whether a case's
`input`, put through the package's public functions, gives every figure of its `expected`. A family whose cases can
only be judged together (positions of one account) exports a `GroupCheck` in `GROUPS` instead.
A check may raise on input it can not read: the case is then a miss, never a crash.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from seawall.units import BadInput, fraction_from

Values = Mapping[str, Any]
Check = Callable[[Values, Values], bool]  # (input, expected) -> matched
Figure = Fraction | int | bool | str | None | Sequence[Any]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One published case: what goes in, and the figures that must come out."""

    id: str
    input: dict[str, Any]
    expected: dict[str, Any]


GroupCheck = Callable[[Sequence[Case]], list[str]]  # all cases of a family -> ids of the misses


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a figure may lie from the published one: the larger of the two allowances. Both 0: equal."""

    absolute: Fraction = Fraction(0)
    relative: Fraction = Fraction(0)


EXACT: Final = Tolerance()


def number(values: Values, field: str) -> Fraction:
    """The exact decimal in `values[field]`. BadInput when absent or not a decimal text or integer."""
    if field not in values:
        raise BadInput(field, "missing")
    return fraction_from(values[field], field)


def integer(values: Values, field: str) -> int:
    """The whole number in `values[field]`. BadInput when absent or not whole."""
    value = number(values, field)
    if value.denominator != 1:
        raise BadInput(field, f"{values[field]!r} is not a whole number")
    return value.numerator


def flag(values: Values, field: str) -> bool:
    """The truth value in `values[field]`: true, false, or either as text in any case."""
    value = values.get(field)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in ("true", "false"):
        raise BadInput(field, f"expected true or false, got {value!r}")
    return value.lower() == "true"


def text(values: Values, field: str) -> str:
    """The text in `values[field]`. BadInput when absent or something else."""
    value = values.get(field)
    if not isinstance(value, str):
        raise BadInput(field, f"expected text, got {value!r}")
    return value


def same(computed: Figure, published: Any, tolerance: Tolerance = EXACT) -> bool:
    """Whether a computed figure equals a published one within `tolerance`.

    None only equals null, a truth value only a truth value (or its text), a text only itself; lists are compared
    item by item; numbers may be published as decimal text.
    """
    if computed is None or published is None:
        return computed is None and published is None
    if isinstance(computed, bool) or isinstance(published, bool):
        return isinstance(computed, bool) and (published is computed or published == str(computed).lower())
    if isinstance(computed, str):
        return isinstance(published, str) and published == computed
    if isinstance(computed, Sequence):
        if not isinstance(published, list) or len(published) != len(computed):
            return False
        return all(same(mine, theirs, tolerance) for mine, theirs in zip(computed, published, strict=True))
    figure = fraction_from(published, "expected")
    allowed = max(tolerance.absolute, tolerance.relative * abs(figure))
    return abs(computed - figure) <= allowed


def agrees(
    computed: Mapping[str, Figure],
    expected: Values,
    tolerance: Tolerance = EXACT,
    *,
    tolerances: Mapping[str, Tolerance] | None = None,
    information: frozenset[str] = frozenset(),
) -> bool:
    """Whether every published figure was computed and agrees; False when there is nothing to compare.

    Only the fields the source asserts are compared. A published field that was not computed is a miss, unless it is
    in `information`. `tolerances` overrides `tolerance` for the fields it names.
    """
    asserted = [field for field in expected if field not in information]
    if not asserted:
        return False
    own = tolerances or {}
    return all(
        field in computed and same(computed[field], expected[field], own.get(field, tolerance)) for field in asserted
    )
