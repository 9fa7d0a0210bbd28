"""`seawall account liq --inverse FILE`: coin-margined positions from a file.

The file holds `positions`, each with `coin`, `contracts` (signed), `face` (USD a contract), `entryPx`, `markPx`,
`collateral` (coin), and how maintenance is measured: `maintenance`, `maxLeverage` or `tiers` (a list of `lowerBound`,
`maxLeverage`, `maintenance`), with `tiersBy` "coin" or "contract". Numbers are decimal strings.
"""

from fractions import Fraction

import msgspec

from seawall.margin import inverse
from seawall.terms import limits
from seawall.terms.market import TierRow, market
from seawall.tools import source
from seawall.tools.plan import MarketWords, tier_rows
from seawall.tools.trade_liq import InverseLiquidation, inverse_liquidation
from seawall.tools.wire import Node
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, UsdMicro, ceil_div


class InverseAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Every position of the file, each with its own collateral."""

    file: str
    positions: tuple[InverseLiquidation, ...]


def load_inverse(path: str, closing_fee: Rate = Rate(0)) -> InverseAccount:
    """Liquidation prices of all positions in the file. BadInput names the file and the field."""
    root = Node(source.read_json(path), "", source.file_label(path)).object()
    found = []
    for node in root.get("positions").items():
        try:
            found.append(_position(node.object(), closing_fee))
        except BadInput as error:
            if error.file is not None:
                raise
            raise BadInput(f"{node.path}.{error.field}", error.why, root.file) from error
    return InverseAccount(file=root.file, positions=tuple(found))


def _position(node: Node, closing_fee: Rate) -> InverseLiquidation:
    collateral = node.get("collateral").number()
    if not 0 <= collateral < 10**12:
        raise node.refuse(f"{float(collateral):g} is outside 0..10^12", "collateral")
    position = inverse.InversePosition(
        contracts=node.get("contracts").whole(-(2**53), 2**53),
        face=_price(node, "face"),
        entry=_price(node, "entryPx"),
        collateral=collateral,
    )
    return inverse_liquidation(
        position,
        _terms(node),
        coin=node.get("coin").text(),
        mark=_price(node, "markPx"),
        closing_fee=closing_fee,
    )


def _price(node: Node, name: str) -> Fraction:
    value = node.get(name).number()
    if not 0 < value < 10**15:
        raise node.refuse(f"{float(value):g} is outside 0..10^15", name)
    return value


def _terms(node: Node) -> inverse.InverseTerms:
    by = node.get("tiersBy").text() if node.has("tiersBy") else "coin"
    if by not in ("coin", "contract"):
        raise node.refuse(f"expected coin or contract, got {by!r}", "tiersBy")
    basis = inverse.TierBasis(by)
    unit = inverse.COIN_ONE if basis is inverse.TierBasis.COIN else USD_ONE
    if node.has("tiers"):
        rows = tuple(_row(tier, unit) for tier in node.get("tiers").items())
    else:
        rate = _rate(node) if node.has("maintenance") else None
        most = node.get("maxLeverage").whole(1, limits.LEVERAGE_MAX) if node.has("maxLeverage") else None
        rows = tier_rows(MarketWords(maintenance=rate, max_leverage=most), 1)
    return inverse.InverseTerms(tiers=market("inverse", size_decimals=0, tiers=rows).tiers, basis=basis)


def _row(node: Node, unit: int) -> TierRow:
    bound = node.get("lowerBound").number() * unit
    if bound.denominator != 1:
        raise node.refuse(f"finer than 1/{unit}", "lowerBound")
    most = node.get("maxLeverage").whole(1, limits.LEVERAGE_MAX)
    if node.has("maintenance"):
        return UsdMicro(bound.numerator), most, _rate(node)
    return UsdMicro(bound.numerator), most


def _rate(node: Node) -> Rate:
    """A maintenance rate, rounded up."""
    value = node.get("maintenance").number()
    if not 0 < value < 1:
        raise node.refuse(f"{float(value):g} is outside (0, 1)", "maintenance")
    exact = value * RATE_ONE
    return Rate(ceil_div(exact.numerator, exact.denominator))
