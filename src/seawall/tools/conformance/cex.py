"""Centralised exchanges: Binance's leverage brackets, and liquidation prices of Binance, Bybit, Gate and OKX."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from seawall.presets import binance, bybit, gate_okx
from seawall.tools.conformance.runner import Check, Tolerance, Values, agrees, flag, integer, number, text
from seawall.units import USD_ONE, BadInput, Rate, Side, UsdMicro, rate, usd

RELATIVE: Final = Tolerance(relative=Fraction(1, 10**6))
TWO_DECIMALS: Final = Tolerance(absolute=Fraction(1, 100))
LOOSE: Final = Tolerance(relative=Fraction(5, 1000))  # a value read from the exchange, its formula not told
SUPPORT_PAGE: Final = ("binance_cross", "binance_isolated_wallet")  # its examples are given to the cent

ENTRY: Final = ("open_rate", "entry", "entry_price", "entryPrice", "entry_px")
MAINTENANCE_RATE: Final = (
    "mm_ratio",
    "mm_rate",
    "maintenance_margin_ratio",
    "maintenance_margin_percentage",
    "maintenanceMarginPercentage",
)
WALLET: Final = ("wallet_balance", "isolated_margin", "collateral", "margin", "initial_margin", "initialMargin")
AMOUNT: Final = ("amount", "contracts", "size")
CONTRACT_SIZE: Final = ("contract_size", "contractSize")
SHORT: Final = ("-1", "short", "sell")


def check_tiers(values: Values, expected: Values) -> bool:
    """binance_tiers: brackets -> the maintenance amount of each."""
    rows = [
        (usd(number(row, "min_notional")), integer(row, "max_leverage"), rate(number(row, "mm_rate"), Side.UP))
        for row in _records(values, "tiers")
    ]
    amounts = binance.maintenance_amounts(binance.bracket_tiers(rows))
    return agrees({"maintenance_amounts": amounts}, expected, RELATIVE)


def check_liquidation_price(values: Values, expected: Values) -> bool:
    """cex_liquidation_price: the formula named by `formula`, to 0.01 where two decimals are given, else 1e-6."""
    name = text(values, "formula")
    if name not in FORMULAS:
        raise BadInput("formula", f"unknown formula {name!r}")
    computed = FORMULAS[name](values)
    return agrees({"liquidation_px": computed}, expected, _tolerance(name, expected))


def _tolerance(formula: str, expected: Values) -> Tolerance:
    if formula == "binance_real_position":
        return LOOSE
    decimals = str(expected.get("liquidation_px")).partition(".")[2]
    return TWO_DECIMALS if formula in SUPPORT_PAGE or len(decimals) == 2 else RELATIVE


def _binance(values: Values) -> Fraction | None:
    """Flat fields, or a `position` record with its `other_positions`."""
    position = _binance_position(_first_record(values))
    others = [_binance_position(row) for row in _records(values, "other_positions")]
    return binance.liquidation_price(position, _wallet(values) * USD_ONE, others)


def _gate_okx(values: Values) -> Fraction | None:
    return gate_okx.liquidation_price(
        size=_size(values),
        entry=_either(values, ENTRY),
        wallet=_wallet(values),
        rate=_maintenance_rate(values),
        taker_fee=rate(number(values, "taker_fee"), Side.UP),
    )


def _bybit(values: Values) -> Fraction | None:
    return bybit.liquidation_price(
        size=_size(values),
        entry=_either(values, ENTRY),
        leverage=number(values, "leverage"),
        rate=_maintenance_rate(values),
    )


def _binance_position(values: Values) -> binance.Position:
    amount = values.get("maintenance_amount")
    return binance.Position(
        size=_size(values),
        entry=_either(values, ENTRY),
        mark=number(values, "mark") if values.get("mark") is not None else None,
        maintenance_rate=_maintenance_rate(values),
        maintenance_amount=UsdMicro(0) if amount is None else usd(amount, "maintenance_amount"),
    )


def _first_record(values: Values) -> Values:
    position = values.get("position", values)
    if not isinstance(position, dict):
        raise BadInput("position", "expected a record")
    return position


def _wallet(values: Values) -> Fraction:
    """Cash of the position in USD: as given, else what its leverage took at entry."""
    given = next((field for field in WALLET if values.get(field) is not None), None)
    if given is not None:
        return number(values, given)
    position = _first_record(values)
    leverage = number(position if position.get("leverage") is not None else values, "leverage")
    return binance.isolated_wallet(_size(position), _either(position, ENTRY), leverage) / USD_ONE


def _size(values: Values) -> Fraction:
    """Signed size: `is_short` or `side` tells the sign of the amount, else it is a long. Contracts count their size."""
    each = (
        _either(values, CONTRACT_SIZE) if any(values.get(name) is not None for name in CONTRACT_SIZE) else Fraction(1)
    )
    amount = _either(values, AMOUNT) * each
    if values.get("is_short") is not None:
        return -amount if flag(values, "is_short") else amount
    return -amount if str(values.get("side")).lower() in SHORT else amount


def _maintenance_rate(values: Values) -> Rate:
    return rate(_either(values, MAINTENANCE_RATE), Side.UP)


def _either(values: Values, fields: tuple[str, ...]) -> Fraction:
    """The first of the fields that is there: sources name the same figure differently."""
    return number(values, next((field for field in fields if values.get(field) is not None), fields[0]))


def _records(values: Values, field: str) -> list[dict[str, Any]]:
    rows = values.get(field, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(field, "expected a list of records")
    return rows


FORMULAS: Final[Mapping[str, Callable[[Values], Fraction | None]]] = {
    "binance": _binance,
    "binance_cross": _binance,
    "binance_isolated_wallet": _binance,
    "binance_real_position": _binance,
    "gate": _gate_okx,
    "okx": _gate_okx,
    "bybit": _bybit,
}
FAMILIES: Final[Mapping[str, Check]] = {
    "binance_tiers": check_tiers,
    "cex_liquidation_price": check_liquidation_price,
}
