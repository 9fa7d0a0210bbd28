"""Fills in a file, a JSON object a line: what a venue hands to its settlement."""

from pathlib import Path
from typing import Any

import msgspec

from seawall.chain.orders import Order, SignedOrder, check
from seawall.chain.settlement import Fill
from seawall.units import BadInput


def read_fills(path: Path) -> list[Fill]:
    """Fills in order. BadInput naming the line that is none, or whose number does not follow."""
    found: list[Fill] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("fills", str(error), str(path)) from error
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw: dict[str, Any] = msgspec.json.decode(line)
            taker, maker = _signed(raw["taker"]), _signed(raw["maker"])
            fill = Fill(number=raw["number"], taker=taker, maker=maker, lots=raw["lots"], price=raw["price"])
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
            raise BadInput(f"line {place}", f"no fill: {error}", str(path)) from error
        if fill.number != len(found) + 1:
            raise BadInput(f"line {place}", f"number {fill.number}, expected {len(found) + 1}", str(path))
        found.append(fill)
    return found


def _signed(raw: dict[str, Any]) -> SignedOrder:
    fields = dict(raw)
    signature = bytes.fromhex(fields.pop("signature").removeprefix("0x"))
    by_contract = bool(fields.pop("by_contract", False))
    order = check(msgspec.convert(fields, Order))
    return SignedOrder(order=order, signature=signature, by_contract=by_contract)
