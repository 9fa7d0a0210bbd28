"""The wire shapes of `clearinghouseState` and `meta`, read field by field so that a refusal names the exact place.

Numbers are decimal text. Values that a venue printed from doubles carry noise in the last places
("1064075.6000000001"); `denoised` takes it off without touching what a decimal of 15 digits can say.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import msgspec

from seawall.terms import limits
from seawall.units import USD_ONE, BadInput, UsdMicro, fraction_from, half_even_div

DIGITS_OF_A_DOUBLE = 15  # every decimal of so many significant digits survives a double unchanged
NOISE_DECIMALS = 7  # amounts in use have at most six decimals; more than that and 15 digits: printed from a double
SIZE_MAX = 10**15  # units of a coin; no coin has more in one position
MARK_MIN, MARK_MAX = Fraction(1, 10**12), 10**12  # USD a unit
USD_MAX = Fraction(limits.RAW_USD_MAX, USD_ONE)
SINGLE_TIER_IDS = 50  # a margin table id below this is the maximum leverage of a single tier


class Node:
    """One JSON value with the path that leads to it."""

    def __init__(self, value: Any, path: str, file: str) -> None:
        self.value = value
        self.path = path
        self.file = file

    def refuse(self, why: str, name: str = "") -> BadInput:
        """The BadInput of this value, or of its field `name`; to be raised by the caller."""
        return BadInput(self._path_to(name) or "document", why, self.file)

    def _path_to(self, name: str) -> str:
        return ".".join(part for part in (self.path, name) if part)

    def object(self) -> "Node":
        """This node, known to be a JSON object."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"expected an object, got {_kind(self.value)}")
        return self

    def has(self, name: str) -> bool:
        return self.object().value.get(name) is not None

    def get(self, name: str) -> "Node":
        """The field `name`, present and not null."""
        if not self.has(name):
            raise self.refuse("missing", name)
        return Node(self.value[name], self._path_to(name), self.file)

    def items(self) -> Iterator["Node"]:
        """The elements of a JSON array."""
        if not isinstance(self.value, list):
            raise self.refuse(f"expected a list, got {_kind(self.value)}")
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{index}]", self.file)

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            raise self.refuse(f"expected a word, got {_kind(self.value)}")
        return self.value

    def number(self) -> Fraction:
        """A decimal as the venue meant it, noise of a double taken off."""
        try:
            exact = fraction_from(self.value, self.path)
        except BadInput as error:
            raise BadInput(error.field, error.why, self.file) from error
        return denoised(self.value, exact) if isinstance(self.value, str) else exact

    def whole(self, low: int, high: int) -> int:
        """An integer within [low, high]."""
        value = self.number()
        if value.denominator != 1 or not low <= value <= high:
            raise self.refuse(f"{self.value} is not a whole number within {low}..{high}")
        return int(value)

    def usd(self) -> UsdMicro:
        """An amount of USD, to the nearest micro-USD; beyond 2^61 micro-USD it is refused."""
        value = self.number()
        if abs(value) > USD_MAX:
            raise self.refuse(f"{self.value} USD is absurd (more than 2^61 micro-USD)")
        micro = value * USD_ONE
        return UsdMicro(half_even_div(micro.numerator, micro.denominator))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", bool: "a boolean"}
    return names.get(type(value), repr(value)[:40])


def denoised(text: str, exact: Fraction) -> Fraction:
    """`exact` rounded half-even to 15 significant digits when `text` shows more than a double can hold.

    Text with six decimals or fewer is left alone: integers of micro-USD are printed that way, whatever their size.
    """
    mantissa, _, power = text.lower().lstrip("-").partition("e")
    digits = mantissa.replace(".", "").lstrip("0")
    decimals = len(mantissa.partition(".")[2]) - int(power or "0")
    if len(digits) <= DIGITS_OF_A_DOUBLE or decimals < NOISE_DECIMALS:
        return exact
    keep = decimals - (len(digits) - DIGITS_OF_A_DOUBLE)
    shifted = exact * Fraction(10) ** keep
    return Fraction(half_even_div(shifted.numerator, shifted.denominator)) / Fraction(10) ** keep


class MarketTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `meta.universe` with its margin table: (lower notional, max leverage) a tier."""

    name: str
    size_decimals: int
    tiers: tuple[tuple[UsdMicro, int], ...]


def read_meta(root: Node) -> dict[str, MarketTerms]:
    """`meta` -> terms by market name. Tables are looked up by `marginTableId`; an id below 50 is a single tier."""
    tables = {} if not root.has("marginTables") else _read_tables(root.get("marginTables"))
    found: dict[str, MarketTerms] = {}
    for entry in root.get("universe").items():
        name = entry.get("name").text()
        if name in found:
            raise entry.refuse(f"market {name!r} is listed twice", "name")
        decimals = entry.get("szDecimals").whole(limits.SIZE_DECIMALS_MIN, limits.SIZE_DECIMALS_MAX)
        found[name] = MarketTerms(name=name, size_decimals=decimals, tiers=_tiers_of(entry, tables))
    return found


def _tiers_of(entry: Node, tables: dict[int, tuple[tuple[UsdMicro, int], ...]]) -> tuple[tuple[UsdMicro, int], ...]:
    if not entry.has("marginTableId"):
        return ((UsdMicro(0), entry.get("maxLeverage").whole(1, limits.LEVERAGE_MAX)),)
    table_id = entry.get("marginTableId").whole(0, 2**31)
    if table_id in tables:
        return tables[table_id]
    if 0 < table_id < SINGLE_TIER_IDS:
        return ((UsdMicro(0), table_id),)
    raise entry.refuse(f"no margin table {table_id} in marginTables", "marginTableId")


def _read_tables(node: Node) -> dict[int, tuple[tuple[UsdMicro, int], ...]]:
    tables: dict[int, tuple[tuple[UsdMicro, int], ...]] = {}
    for pair in node.items():
        parts = list(pair.items())
        if len(parts) != 2:
            raise pair.refuse("expected [id, table]")
        table_id = parts[0].whole(0, 2**31)
        if table_id in tables:
            raise parts[0].refuse(f"margin table {table_id} is listed twice")
        rows = parts[1].object().get("marginTiers")
        tables[table_id] = tuple(
            (row.get("lowerBound").usd(), row.get("maxLeverage").whole(1, limits.LEVERAGE_MAX)) for row in rows.items()
        )
        if not tables[table_id]:
            raise rows.refuse("no tier")
    return tables


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `assetPositions` as it came. Amounts in micro-USD, sizes and prices exact."""

    path: str
    coin: str
    size: Fraction
    value: UsdMicro  # |size| x mark
    is_isolated: bool
    leverage: int
    raw_usd: UsdMicro | None
    unrealised: UsdMicro | None
    entry_price: Fraction | None
    margin_used: UsdMicro | None
    max_leverage: int | None
    liquidation_price: Fraction | None
    shows_liquidation_price: bool


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """`marginSummary` or `crossMarginSummary`, in micro-USD; None for what the file leaves out."""

    account_value: UsdMicro | None
    notional: UsdMicro | None
    raw_usd: UsdMicro | None
    margin_used: UsdMicro | None


class WireAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A `clearinghouseState`."""

    file: str
    holdings: tuple[Holding, ...]
    total: Summary | None
    cross: Summary | None
    cross_maintenance: UsdMicro | None
    withdrawable: UsdMicro | None


def read_state(root: Node) -> WireAccount:
    """A `clearinghouseState` response, checked field by field. Positions of size zero are left out."""
    root.object()
    holdings = [_read_holding(entry) for entry in root.get("assetPositions").items()]
    coins: set[str] = set()
    for holding in holdings:
        if holding.coin in coins:
            raise root.refuse(f"two positions in {holding.coin}", "assetPositions")
        coins.add(holding.coin)
    return WireAccount(
        file=root.file,
        holdings=tuple(holding for holding in holdings if holding.size != 0),
        total=_read_summary(root, "marginSummary"),
        cross=_read_summary(root, "crossMarginSummary"),
        cross_maintenance=_usd_or_none(root, "crossMaintenanceMarginUsed"),
        withdrawable=_usd_or_none(root, "withdrawable"),
    )


def _read_holding(entry: Node) -> Holding:
    node = entry.object().get("position").object()
    leverage = node.get("leverage").object()
    kind = leverage.get("type").text()
    if kind not in ("cross", "isolated"):
        raise leverage.refuse(f"expected cross or isolated, got {kind!r}", "type")
    size = node.get("szi").number()
    value = _usd_or_none(node, "positionValue")
    if value is None or (value <= 0 and size != 0):
        raise node.refuse("missing, so the position has no price" if value is None else "not positive", "positionValue")
    if abs(size) > SIZE_MAX or (size and not MARK_MIN <= Fraction(value, USD_ONE) / abs(size) <= MARK_MAX):
        raise node.refuse(f"{node.value['szi']} with a value of {node.value['positionValue']} USD is absurd", "szi")
    return Holding(
        path=node.path,
        coin=node.get("coin").text(),
        size=size,
        value=value,
        is_isolated=kind == "isolated",
        leverage=leverage.get("value").whole(1, limits.LEVERAGE_MAX),
        raw_usd=_usd_or_none(leverage, "rawUsd"),
        unrealised=_usd_or_none(node, "unrealizedPnl"),
        entry_price=_price_or_none(node, "entryPx"),
        margin_used=_usd_or_none(node, "marginUsed"),
        max_leverage=node.get("maxLeverage").whole(1, limits.LEVERAGE_MAX) if node.has("maxLeverage") else None,
        liquidation_price=_reported_price(node, "liquidationPx"),
        shows_liquidation_price="liquidationPx" in node.value,
    )


def _read_summary(root: Node, name: str) -> Summary | None:
    if not root.has(name):
        return None
    node = root.get(name).object()
    return Summary(
        account_value=_usd_or_none(node, "accountValue"),
        notional=_usd_or_none(node, "totalNtlPos"),
        raw_usd=_usd_or_none(node, "totalRawUsd"),
        margin_used=_usd_or_none(node, "totalMarginUsed"),
    )


def _usd_or_none(node: Node, name: str) -> UsdMicro | None:
    return node.get(name).usd() if node.has(name) else None


def _price_or_none(node: Node, name: str) -> Fraction | None:
    if not node.has(name):
        return None
    value = node.get(name).number()
    if value <= 0:
        raise node.refuse(f"{value} is not a price", name)
    return value


def _reported_price(node: Node, name: str) -> Fraction | None:
    """A price that is shown, not used: what is not positive is the venue's way to say that there is none."""
    value = node.get(name).number() if node.has(name) else Fraction(0)
    return value if value > 0 else None
