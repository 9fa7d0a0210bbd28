"""Real Hyperliquid accounts written into a venue's columns: its account view shows the figures that were published."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seawall.ledger import state
from seawall.terms import command, parameter
from seawall.units import RATE_ONE, USD_ONE
from seawall.venue.universe import Listing, Universe
from seawall.venue.views.account import clearinghouse_state
from seawall.venue.views.lens import Lens

MARKETS = 64
CAPACITY = state.Capacity(
    accounts=4,
    isolated=64,
    positions=256,
    markets=MARKETS,
    orders=16,
    levels=16,
    agents=4,
    settings=16,
    shares=4,
    withdrawals=4,
    twaps=4,
    nonces=16,
)
ACCOUNT = 0
MICRO = Fraction(1, 10**6)
FIRST_SLOT = 1


class Columns:
    """A venue of one account, written column by column as the real commands would leave it."""

    def __init__(self) -> None:
        self.array = state.create_state(CAPACITY)
        self.c: Any = state.columns_of(self.array)
        self.universe = Universe()
        self.slots = self.isolated = 0
        self.c["cell"][state.ACCOUNTS] = 1
        self.c["bucket_kind"][ACCOUNT], self.c["bucket_owner"][ACCOUNT] = state.CROSS, ACCOUNT
        self.c["param"][MARKETS, parameter.EXIT_BUFFER] = 0  # a liquidation ends at maintenance itself

    def market(self, coin: str, decimals: int, price: int, leverage: int) -> int:
        """A market of one tier at a price in micro-USD a lot, with insurance for all the profit there is."""
        number, c = len(self.universe.listings), self.c
        self.universe.add(Listing(number=number, coin=coin, size_decimals=decimals, price_max=2**40))
        c["cell"][state.MARKETS] = number + 1
        c["tier_count"][2 * number] = 1
        c["tier_rate"][2 * number, 0] = -(-RATE_ONE // (2 * leverage))
        c["base_leverage"][number, 0] = leverage
        c["market_price"][number] = c["market_oracle"][number] = price
        c["market_price_max"][number], c["market_status"][number] = 2**40, command.ACTIVE
        c["market_fresh"][number], c["market_insurance"][number] = 1, 2**60
        return number

    def position(self, bucket: int, market: int, size: int, entry: int, leverage: int) -> None:
        """An open position; its bucket's cash is the caller's."""
        self.slots += 1
        slot, c = self.slots, self.c
        values = {"market": market, "size": size, "entry": entry, "leverage": leverage, "owner": bucket}
        for name, value in values.items():
            c[f"slot_{name}"][slot] = value
        c["slot_sibling"][slot] = c["bucket_first"][bucket]
        c["bucket_first"][bucket] = slot
        c["market_open"][market] = abs(size)

    def own_bucket(self, market: int) -> int:
        """A new isolated bucket of the account."""
        bucket, c = CAPACITY.accounts + self.isolated, self.c
        self.isolated += 1
        c["bucket_kind"][bucket], c["bucket_owner"][bucket] = state.ISOLATED, ACCOUNT
        c["bucket_market"][bucket], c["bucket_next"][bucket] = market, c["account_isolated"][ACCOUNT]
        c["account_isolated"][ACCOUNT] = bucket + 1
        return bucket

    def shown(self) -> Any:
        """`clearinghouseState` of the account."""
        lens = Lens()
        lens.begin(self.array, 0, 0)
        return clearinghouse_state(
            SimpleNamespace(lens=lens, universe=self.universe, columns=self.c, now=0),  # type: ignore[arg-type]
            ACCOUNT,
        )


def plain(text: str) -> Fraction:
    """A decimal without the noise of the double it was printed from."""
    return Fraction(format(float(text), ".15g")) if len(text.replace(".", "").replace("-", "")) > 15 else Fraction(text)


def micro(text: str) -> int:
    """The nearest micro-USD."""
    return round(plain(text) * USD_ONE)


def lots_of(text: str) -> tuple[int, int]:
    """(decimals, signed lots) of a size."""
    size = plain(text)
    decimals = next(d for d in range(7) if (size * 10**d).denominator == 1)
    return decimals, int(size * 10**decimals)


def put(columns: Columns, row: dict[str, Any], names: dict[str, str], entry: int | None = None) -> int:
    """One position of a file with its market, in the bucket it belongs to; its value, signed, in micro-USD."""
    decimals, size = lots_of(row["szi"])
    value = micro(row[names["value"]])
    most = row.get(names["max_leverage"])
    market = columns.market(f"{row['coin']}", decimals, value // abs(size), int(most or 50))
    signed = value if size > 0 else -value
    bucket = ACCOUNT
    if row["mode"] == "isolated":
        bucket = columns.own_bucket(market)
        columns.c["bucket_raw"][bucket] = micro(row[names["raw_usd"]])
    columns.position(bucket, market, size, signed if entry is None else entry, int(row["leverage"]))
    return signed


def cases(shared: Path, family: str) -> Iterator[dict[str, Any]]:
    """The cases whose marks a lot of decimal size holds exactly: nearly all, for that is the venue's own rule."""
    found = json.loads((shared / "vectors" / f"{family}.json").read_text())["cases"]
    exact = [case for case in found if all(map(is_exact, case["input"].get("positions", [case["input"]])))]
    assert len(exact) > len(found) // 2
    yield from exact


def is_exact(row: dict[str, Any]) -> bool:
    """Whether a position's value is a whole number of micro-USD a lot."""
    value = row.get("positionValue", row.get("position_value"))
    return value is None or micro(value) % abs(lots_of(row["szi"])[1]) == 0


ACCOUNT_NAMES = {"value": "positionValue", "max_leverage": "maxLeverage", "raw_usd": "rawUsd"}
POSITION_NAMES = {"value": "position_value", "max_leverage": "max_leverage", "raw_usd": "raw_usd"}


def near(shown: str, published: str | None, terms: int = 1) -> None:
    """Equal but for the roundings of so many terms, a micro-USD each."""
    if published is not None:
        assert abs(Fraction(shown) - plain(published)) <= terms * MICRO, (shown, published)


def test_accounts_show_what_was_published(shared: Path) -> None:
    seen = 0
    for case in cases(shared, "hl_accounts"):
        columns, rows = Columns(), case["input"]["positions"]
        for row in rows:
            put(columns, row, ACCOUNT_NAMES)
        columns.c["bucket_raw"][ACCOUNT] = micro(case["input"]["cross_total_raw_usd"])
        shown, expected, terms = columns.shown(), case["expected"], max(1, len(rows))
        whole, cross = shown.margin_summary, shown.cross_margin_summary
        near(cross.account_value, expected["cross_account_value"])
        near(cross.total_ntl_pos, expected["cross_total_ntl_pos"])
        near(cross.total_margin_used, expected["cross_total_margin_used"], terms)
        near(whole.account_value, expected["account_value"])
        near(whole.total_ntl_pos, expected["total_ntl_pos"])
        near(whole.total_raw_usd, expected["total_raw_usd"])
        near(whole.total_margin_used, expected["total_margin_used"], terms)
        near(shown.cross_maintenance_margin_used, expected["cross_maintenance_margin_used"], terms)
        value, used, notional = (
            Fraction(text) for text in (cross.account_value, cross.total_margin_used, cross.total_ntl_pos)
        )
        assert abs(Fraction(shown.withdrawable) - max(0, value - max(used, notional / 10))) <= MICRO
        assert Fraction(shown.withdrawable) >= plain(expected["withdrawable_observed"]) - terms * MICRO
        assert len(shown.asset_positions) == len(rows)
        seen += len(rows)
    assert seen > 0


def test_positions_show_what_was_published(shared: Path) -> None:
    """The rest of an account is one position that stands still: its maintenance is what the others' is."""
    priced = 0
    for case in cases(shared, "hl_positions"):
        values, expected = {**case["input"], "coin": case["coin"]}, case["expected"]
        columns, pnl = Columns(), micro(case["input"]["unrealized_pnl"])
        decimals, size = lots_of(values["szi"])
        value = micro(values["position_value"]) * (1 if size > 0 else -1)
        put(columns, values, POSITION_NAMES, entry=value - pnl)
        if values["mode"] == "cross":
            own = abs(value) * Fraction(1, 2 * int(values["max_leverage"]))
            others = round(micro(values["cross_maintenance_margin_used"]) - own)
            still = columns.market("STILL", 0, 1, 1)
            columns.position(ACCOUNT, still, 2 * others, 2 * others, 1)
            columns.c["bucket_raw"][ACCOUNT] = micro(values["cross_account_value"]) - value - 2 * others
        shown = columns.shown().asset_positions[0].position
        near(shown.margin_used, expected["margin_used"])
        near(shown.return_on_equity, expected.get("return_on_equity"))
        if expected["liquidation_px"] is None:
            assert shown.liquidation_px is None
            continue
        published = plain(expected["liquidation_px"])
        places = max(4, len(expected["liquidation_px"].partition(".")[2]))
        unit = MICRO * Fraction(10) ** decimals / abs(size)  # what one micro-USD moves the price by
        allowed = published / 10**8 + unit + Fraction(1, 2 * 10**places)
        assert abs(Fraction(shown.liquidation_px) - published) <= allowed, case["id"]
        priced += 1
    assert priced > 0


def test_isolated_positions_show_what_was_published(shared: Path) -> None:
    for case in cases(shared, "hl_isolated_real_2024"):
        values = case["input"]
        side, entry = (1 if values["side"] == "long" else -1), plain(values["entry_px"])
        decimals, size = lots_of(values["size"])
        price = round(entry * USD_ONE / 10**decimals)
        columns = Columns()
        market = columns.market(case["id"], decimals, price, int(values["max_leverage"]))
        bucket = columns.own_bucket(market)
        columns.c["bucket_raw"][bucket] = micro(values["margin_at_entry"]) - side * size * price
        columns.position(bucket, market, side * size, side * size * price, int(values["leverage"]))
        shown = columns.shown().asset_positions[0].position
        expected = Fraction(case["expected"]["liquidation_px"])
        assert abs(Fraction(shown.liquidation_px) - expected) <= expected / 10**4, case["id"]


@pytest.mark.parametrize("field", ["account_value", "total_raw_usd", "total_margin_used"])
def test_a_wrong_figure_would_be_seen(shared: Path, field: str) -> None:
    case = next(cases(shared, "hl_accounts"))
    columns = Columns()
    for row in case["input"]["positions"]:
        put(columns, row, ACCOUNT_NAMES)
    columns.c["bucket_raw"][ACCOUNT] = micro(case["input"]["cross_total_raw_usd"]) + 20
    columns.c["slot_leverage"][FIRST_SLOT] += 1
    with pytest.raises(AssertionError):
        near(getattr(columns.shown().margin_summary, field), case["expected"][field], 10)
