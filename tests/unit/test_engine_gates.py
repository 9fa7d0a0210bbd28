"""The gates every command passes: shape, authority, nonce, market; and that each kind is dispatched."""

from pathlib import Path

import numpy as np
import pytest

from seawall.engine import apply
from seawall.engine.invariants import FULL
from seawall.engine.rows import ROW_TYPE, rows_of, shape_codes
from seawall.engine.venue import Venue
from seawall.simulation.properties import LINES
from seawall.terms import code, command
from seawall.units import BadInput


def test_a_kind_that_reads_a_market_needs_a_listed_one() -> None:
    for kind, fields in command.FIELDS.items():
        wanted = "market" in fields and kind != command.LIST_MARKET
        assert bool(apply.needs_market(kind)) == wanted, kind
        if apply.may_be_venue_wide(kind):
            assert wanted


def test_codes_have_words_and_words_have_codes() -> None:
    numbers = {name: value for name, value in vars(code).items() if name.isupper() and isinstance(value, int)}
    assert sorted(numbers.values()) == sorted(code.TEXT)
    assert len(set(numbers.values())) == len(numbers)


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"kind": 0}, code.UNKNOWN_KIND),
        ({"kind": -1}, code.UNKNOWN_KIND),
        ({"kind": 255}, code.UNKNOWN_KIND),
        ({"kind": 256}, code.UNKNOWN_KIND),
        ({"kind": 2**62}, code.UNKNOWN_KIND),
        ({"kind": command.TICK, "time": -1}, code.BAD_TIME),
        ({"kind": command.TICK, "account": 1}, code.BAD_FIELD),
        ({"kind": command.PLACE, "size": -1}, code.BAD_SIZE),
        ({"kind": command.PLACE, "price": -1, "size": 1}, code.BAD_PRICE),
        ({"kind": command.PLACE, "price": 2**60, "size": 1}, code.BAD_PRICE),
        ({"kind": command.PLACE, "flags": 1 << 15}, code.BAD_FIELD),
        ({"kind": command.PLACE, "flags": command.ISOLATED}, code.BAD_FIELD),
        ({"kind": command.PLACE, "account": 2**31}, code.UNKNOWN_ACCOUNT),
        ({"kind": command.PLACE, "market": 2**31}, code.UNKNOWN_MARKET),
        ({"kind": command.DEPOSIT, "amount": 2**53 + 1}, code.BAD_AMOUNT),
    ],
)
def test_shapes(fields: dict[str, int], expected: int) -> None:
    assert shape_codes(rows_of([fields]))[0] == expected


def test_every_field_that_a_kind_does_not_read_is_refused() -> None:
    for kind, fields in command.FIELDS.items():
        for name in command.ROW:
            row = rows_of([{"kind": kind, name: kind if name == "kind" else 1}])
            refused = shape_codes(row)[0] == code.BAD_FIELD
            assert refused == (name not in fields and name not in command.COMMON), (kind, name)


def test_every_kind_reaches_a_handler_that_answers_with_a_known_code() -> None:
    venue = Venue()
    for kind in command.FIELDS:
        for signer in (0, command.SEQUENCER, command.ORACLES, command.BRIDGE, command.RISK, command.ADMIN):
            assert venue.one(kind=kind, signer=signer) in code.TEXT


def test_rows_of_another_type_are_refused() -> None:
    with pytest.raises(BadInput):
        Venue().apply(np.zeros(2, np.int64))
    with pytest.raises(BadInput):
        rows_of([{"kid": 1}])
    assert len(Venue().apply(np.zeros(0, ROW_TYPE)).codes) == 0


def test_a_copy_goes_its_own_way() -> None:
    venue = Venue()
    tick = {"kind": command.TICK, "signer": command.SEQUENCER, "time": 1_000}
    venue.apply(rows_of([tick]))
    other = venue.copy()
    assert other.state_hash() == venue.state_hash()
    assert other.chain == venue.chain
    other.apply(rows_of([{**tick, "time": 2_000}]))
    assert other.state_hash() != venue.state_hash()
    assert other.chain != venue.chain
    with pytest.raises(BadInput):
        other.restore(b"short", bytes(32))


def test_every_named_property_is_on_the_page() -> None:
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "INVARIANTS.md").read_text()
    for name, line in {**{one.name: one.line for one in FULL}, **LINES}.items():
        assert f"| {name} | {line} |" in page
