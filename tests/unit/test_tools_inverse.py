"""Inverse contracts: the exact price against a brute-force search, and against arithmetic written out."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.margin import inverse
from seawall.terms.market import market
from seawall.tools.inverse_file import load_inverse
from seawall.tools.plan import Direction
from seawall.tools.trade_liq import inverse_terms, whole_contracts
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "accounts" / "inverse.json"


def terms(basis: inverse.TierBasis, *rows: tuple[int, int, int]) -> inverse.InverseTerms:
    built = market("X", size_decimals=0, tiers=[(UsdMicro(a), b, Rate(c)) for a, b, c in rows])
    return inverse.InverseTerms(tiers=built.tiers, basis=basis)


def slices(amount: Fraction, rows: list[tuple[int, int, int]]) -> Fraction:
    """Maintenance slice by slice, written without deductions."""
    total = Fraction(0)
    for index, (lower, _, held) in enumerate(rows):
        upper = rows[index + 1][0] if index + 1 < len(rows) else None
        top = amount if upper is None else min(amount, Fraction(upper))
        total += max(Fraction(0), top - lower) * Fraction(held, RATE_ONE)
    return total


POSITIONS = st.builds(
    inverse.InversePosition,
    contracts=st.integers(-(10**6), 10**6).filter(bool),
    face=st.sampled_from([Fraction(1), Fraction(10), Fraction(100)]),
    entry=st.integers(100, 10**7).map(lambda n: Fraction(n, 10)),
    collateral=st.integers(0, 10**10).map(lambda n: Fraction(n, 10**8)),
)


@settings(max_examples=250, deadline=None)
@given(
    position=POSITIONS,
    basis=st.sampled_from(list(inverse.TierBasis)),
    lower=st.integers(1, 10**12),
    fee=st.sampled_from([0, 5_400, 120_000]),
)
def test_equity_meets_maintenance_exactly_there_and_only_there(
    position: inverse.InversePosition, basis: inverse.TierBasis, lower: int, fee: int
) -> None:
    rows = [(0, 100, 60_000), (lower, 20, 300_000)]
    rules = terms(basis, *rows)

    def buffer(price: Fraction) -> Fraction:
        dollars = abs(position.contracts) * position.face
        coin = position.collateral + position.contracts * position.face * (1 / position.entry - 1 / price)
        if basis is inverse.TierBasis.COIN:
            needed = slices(dollars / price * 10**8, rows) / 10**8
        else:
            needed = slices(dollars * 10**6, rows) / 10**6 / price
        return coin - needed - dollars / price * Fraction(fee, RATE_ONE)

    found = inverse.liquidation_price(position, rules, Rate(fee))
    prices = [position.entry * Fraction(n, 16) for n in (1, 4, 8, 12, 15, 16, 17, 20, 24, 32, 64, 4096)]
    if found is None:
        assert len({buffer(price) > 0 for price in prices}) == 1  # it never changes side
        return
    assert buffer(found) == 0
    side = 1 if position.contracts > 0 else -1
    for price in (*prices, found * Fraction(1001, 1000), found * Fraction(999, 1000)):
        healthy = (price - found) * side
        assert (buffer(price) > 0) == (healthy > 0), (price, found)


@given(POSITIONS)
def test_bankruptcy_is_where_equity_is_zero(position: inverse.InversePosition) -> None:
    price = inverse.bankruptcy_price(position)
    if price is None:
        assert position.collateral + position.dollars / position.entry <= 0 or position.contracts < 0
    else:
        assert inverse.equity(position, price) == 0


def test_the_closed_form_of_one_tier() -> None:
    position = inverse.InversePosition(
        contracts=10_000, face=Fraction(1), entry=Fraction(50_000), collateral=Fraction("0.02")
    )
    rules = terms(inverse.TierBasis.COIN, (0, 100, 60_000))
    # Q (1 + mm) / (collateral + Q / entry) = 10,000 x 1.005 / 0.22
    assert inverse.liquidation_price(position, rules) == Fraction(10_050) / Fraction("0.22")
    assert inverse.maintenance(position, rules, Fraction(50_000)) == Fraction("0.001")
    assert inverse.notional_coin(position, Fraction(50_000)) == Fraction("0.2")


def test_a_short_of_one_times_is_never_liquidated() -> None:
    position = inverse.InversePosition(
        contracts=-500, face=Fraction(100), entry=Fraction(50_000), collateral=Fraction(1)
    )
    assert inverse.liquidation_price(position, terms(inverse.TierBasis.COIN, (0, 100, 60_000))) is None
    less = inverse.InversePosition(
        contracts=-500, face=Fraction(100), entry=Fraction(50_000), collateral=Fraction("0.999999")
    )
    assert inverse.liquidation_price(less, terms(inverse.TierBasis.COIN, (0, 100, 60_000))) is not None


@pytest.mark.parametrize("change", [{"contracts": 0}, {"face": Fraction(0)}, {"entry": Fraction(-1)}])
def test_a_position_that_is_none_is_refused(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"contracts": 1, "face": Fraction(1), "entry": Fraction(1), "collateral": Fraction(1)}
    with pytest.raises(BadInput):
        inverse.check_inverse(inverse.InversePosition(**{**fields, **change}))


def test_the_example_file() -> None:
    found = load_inverse(str(EXAMPLE), Rate(5_400))
    assert [each.liquidation_price_usd is None for each in found.positions] == [False, False, True]
    long = found.positions[0]
    assert long.liquidation_price_usd is not None
    assert long.with_closing_fee_usd is not None
    assert long.with_closing_fee_usd > long.liquidation_price_usd


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contracts", "0"),
        ("contracts", "1.5"),
        ("face", "-1"),
        ("entryPx", "0"),
        ("markPx", None),
        ("collateral", "-1"),
        ("tiersBy", "moon"),
        ("tiers", []),
        ("tiers", [{"lowerBound": "1", "maxLeverage": 5}]),
        ("tiers", [{"lowerBound": "0", "maxLeverage": 5, "maintenance": "2"}]),
    ],
)
def test_bad_inverse_files_are_refused_by_name(tmp_path: Path, field: str, value: object) -> None:
    document = json.loads(EXAMPLE.read_text())
    document["positions"][0][field] = value
    path = tmp_path / "inverse.json"
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput) as caught:
        load_inverse(str(path))
    assert caught.value.file == str(path)
    assert caught.value.field.startswith("positions[0]")


def test_words_of_the_command_line() -> None:
    rules = inverse_terms("0:100,5:50", None, None, "coin")
    assert rules.tiers[1].lower == 5 * 10**8
    assert inverse_terms("0:100,5:50", None, None, "contract").tiers[1].lower == 5 * 10**6
    assert whole_contracts("12", Direction.SHORT) == -12
    for bad in ("0", "-1", "1.5", "x"):
        with pytest.raises(BadInput, match="size"):
            whole_contracts(bad, Direction.LONG)
    with pytest.raises(BadInput, match="tiers-by"):
        inverse_terms(None, None, 50, "usd")
