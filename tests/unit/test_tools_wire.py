"""Reading of account files: exact numbers, and a refusal that names the file and the field."""

import copy
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.tools import source
from seawall.tools.account_file import Account, build, load
from seawall.tools.health import account_health
from seawall.tools.liq import account_liquidation
from seawall.tools.wire import Node, denoised, read_meta
from seawall.units import BadInput, fraction_from

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "accounts"


def example(name: str = "cross_hedged") -> dict[str, Any]:
    document = source.read_json(str(EXAMPLES / f"{name}.json"))
    assert isinstance(document, dict)
    return document


def built(document: dict[str, Any], *, skip_unknown: bool = False) -> Account:
    return build(
        Node(document["clearinghouseState"], "", "a.json"),
        Node(document["meta"], "", "a.json") if "meta" in document else None,
        skip_unknown=skip_unknown,
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1064075.6000000001", "1064075.6"),
        ("1161681.8999999999", "1161681.9"),
        ("4009341.0098000001", "4009341.0098"),
        ("2225318.2230509999", "2225318.223051"),
        ("-1572797.8999999999", "-1572797.9"),
        ("0.30000000000000004", "0.3"),
        ("12345678901234.123456", "12345678901234.123456"),  # six decimals: micro-USD, never touched
        ("0.12345678", "0.12345678"),
        ("-0.0", "0"),
        ("1e-7", "0.0000001"),
    ],
)
def test_noise_of_doubles_is_taken_off_and_nothing_else(text: str, meant: str) -> None:
    assert denoised(text, fraction_from(text, "x")) == Fraction(meant)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 12))
def test_a_decimal_of_fifteen_digits_survives_printing_from_a_double(digits: int, places: int) -> None:
    exact = Fraction(digits, 10**places)
    printed = f"{float(exact):.10f}" if places <= 10 and abs(exact) > 10**5 else f"{float(exact):.{places}f}"
    if places <= 6:
        assert abs(denoised(printed, Fraction(printed)) - exact) <= abs(exact) * Fraction(1, 10**15)
    assert denoised(str(digits), Fraction(digits)) == digits


def test_json_numbers_lose_no_digit() -> None:
    assert source.parse_json(b'{"szi": 0.1000000000000000055}', "f") == {"szi": "0.1000000000000000055"}


@pytest.mark.parametrize(
    "text", [b'{"a": NaN}', b'{"a": -Infinity}', b"{", b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 200_000]
)
def test_json_that_is_not_usable_is_refused(text: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        source.parse_json(text, "a.json")
    assert caught.value.file == "a.json"


def test_nesting_is_refused_before_it_is_parsed_whatever_the_recursion_limit() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # as py_ecc does
    try:
        for text in (b"[" * 200_000, b'{"a":' * 200_000, b"[" * 65 + b"]" * 65):
            with pytest.raises(BadInput, match="nested more than 64 deep"):
                source.parse_json(text, "a.json")
    finally:
        sys.setrecursionlimit(before)
    assert source.parse_json(b"[" * 64 + b"]" * 64, "a.json")
    assert source.parse_json(b'["' + b"[" * 100 + b'"]', "a.json") == ["[" * 100]


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(BadInput) as caught:
            load(str(path))
        assert caught.value.file == str(path)
    with pytest.raises(BadInput):
        load("bad\0name")


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BYTES_MAX", 100)
    path = tmp_path / "big.json"
    path.write_text(" " * 101)
    with pytest.raises(BadInput, match="larger than 100 bytes"):
        load(str(path))


def position(document: dict[str, Any], index: int = 0) -> dict[str, Any]:
    found = document["clearinghouseState"]["assetPositions"][index]["position"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("szi", "NaN", "assetPositions[0].position.szi"),
        ("szi", True, "assetPositions[0].position.szi"),
        ("szi", "", "assetPositions[0].position.szi"),
        ("szi", None, "assetPositions[0].position.szi"),
        ("szi", "1e59", "assetPositions[0].position"),
        ("positionValue", None, "assetPositions[0].position.positionValue"),
        ("positionValue", "-1", "assetPositions[0].position.positionValue"),
        ("positionValue", "0", "assetPositions[0].position.positionValue"),
        ("positionValue", "9" * 20, "assetPositions[0].position.positionValue"),
        ("positionValue", "99999999999", "assetPositions[0].position"),
        ("coin", 7, "assetPositions[0].position.coin"),
        ("coin", "NOPE", "assetPositions[0].position.coin"),
        ("coin", "ETH", "assetPositions"),
        ("leverage", {"type": "cross", "value": -5}, "assetPositions[0].position.leverage.value"),
        ("leverage", {"type": "cross", "value": "2.5"}, "assetPositions[0].position.leverage.value"),
        ("leverage", {"type": "cross", "value": 10**9}, "assetPositions[0].position.leverage.value"),
        ("leverage", {"type": "both", "value": 5}, "assetPositions[0].position.leverage.type"),
        ("leverage", "10", "assetPositions[0].position.leverage"),
        ("leverage", {"type": "isolated", "value": 5, "rawUsd": "x"}, "assetPositions[0].position.leverage.rawUsd"),
        ("maxLeverage", 0, "assetPositions[0].position.maxLeverage"),
        ("entryPx", "-3", "assetPositions[0].position.entryPx"),
    ],
)
def test_a_bad_field_is_named_with_its_file(field: str, value: object, named: str) -> None:
    document = example()
    position(document)[field] = value
    with pytest.raises(BadInput) as caught:
        built(document)
    assert caught.value.field.startswith(named)
    assert caught.value.file == "a.json"


def test_shape_of_the_whole_document_is_checked() -> None:
    for wrong in ([], "x", {"clearinghouseState": []}, {"assetPositions": {}}, {}):
        document = wrong if isinstance(wrong, dict) and "clearinghouseState" in wrong else {"clearinghouseState": wrong}
        with pytest.raises(BadInput):
            built(document)


def test_an_account_without_cash_figures_is_refused() -> None:
    document = example()
    state = document["clearinghouseState"]
    for name in ("crossMarginSummary", "marginSummary"):
        del state[name]
    with pytest.raises(BadInput, match="crossMarginSummary"):
        built(document)


def test_an_unknown_coin_is_an_error_unless_skipped() -> None:
    document = example()
    document["meta"]["universe"] = [m for m in document["meta"]["universe"] if m["name"] != "SOL"]
    with pytest.raises(BadInput, match="SOL"):
        built(document)
    whole, rest = account_health(built(example())), account_health(built(document, skip_unknown=True))
    assert rest.account_value_usd == whole.account_value_usd  # its value stays in the account, as cash
    assert rest.maintenance_margin_usd < whole.maintenance_margin_usd
    assert any("SOL" in text for text in rest.warnings)


def test_a_skipped_isolated_position_takes_its_bucket_with_it() -> None:
    document = {"clearinghouseState": example("isolated"), "meta": example("meta")}
    document["meta"]["universe"] = [m for m in document["meta"]["universe"] if m["name"] != "DOGE"]
    account = built(document, skip_unknown=True)
    assert [named.name for named in account.buckets] == ["cross", "isolated ETH"]


def test_without_meta_a_missing_max_leverage_is_refused() -> None:
    document = {"clearinghouseState": example("isolated")}
    del position(document)["maxLeverage"]
    with pytest.raises(BadInput, match="maxLeverage"):
        built(document)


@pytest.mark.parametrize(
    "break_meta",
    [
        lambda meta: meta.pop("universe"),
        lambda meta: meta["universe"].append(meta["universe"][0]),
        lambda meta: meta["universe"][0].update(szDecimals=40),
        lambda meta: meta["universe"][0].update(marginTableId=999),
        lambda meta: meta["marginTables"].append(meta["marginTables"][0]),
        lambda meta: meta["marginTables"].append([77]),
        lambda meta: meta["marginTables"].append([77, {"marginTiers": []}]),
        lambda meta: meta["marginTables"].append([77, {"marginTiers": [{"lowerBound": "x", "maxLeverage": 3}]}]),
    ],
)
def test_a_broken_meta_is_refused(break_meta: Any) -> None:
    document = example()
    break_meta(document["meta"])
    with pytest.raises(BadInput) as caught:
        built(document)
    assert caught.value.file == "a.json"


def test_margin_tables_below_fifty_are_single_tiers() -> None:
    meta = {"universe": [{"name": "A", "szDecimals": 1, "maxLeverage": 3, "marginTableId": 5}]}
    assert read_meta(Node(meta, "", "f"))["A"].tiers == ((0, 5),)


def test_totals_that_do_not_add_up_are_reported() -> None:
    document = example()
    document["clearinghouseState"]["crossMarginSummary"]["accountValue"] = "26000.0"
    assert any("crossMarginSummary.accountValue" in text for text in built(document).warnings)
    assert built(example()).warnings == ()


def test_cash_may_come_from_either_summary() -> None:
    plain = built(example("underwater"))
    for drop in (["crossMarginSummary"], []):
        document = example("underwater")
        for name in drop:
            del document["clearinghouseState"][name]
        for summary in ("crossMarginSummary", "marginSummary"):
            document["clearinghouseState"].get(summary, {}).pop("totalRawUsd", None)
        assert built(document).cross.raw_usd == plain.cross.raw_usd


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.sampled_from(
        ["", "NaN", "inf", "-1", "0", "1e400", "1e-50", "9" * 70, "0.0000001", "x", "-0.0", "123.4567890123456789"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["type", "value", "coin"]), st.integers(), max_size=2),
)


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    found = [before] if before else []
    for key, child in inner:
        found += paths(child, (*before, key))
    return found


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_broken_file_is_answered_or_refused_by_name(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["cross_hedged", "tiered_whale", "underwater"]))
    document = copy.deepcopy(example(name))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(document)))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = data.draw(JUNK)
    refusal = None
    try:
        account = build(Node(document.get("clearinghouseState"), "", "a.json"), Node(document["meta"], "", "a.json"))
        account_health(account)
        account_liquidation(account)
    except BadInput as refused:
        refusal = refused
    assert refusal is None or refusal.file == "a.json", json.dumps(refusal.args)
