"""What every row must look like before anybody asks who sent it (docs/engine.md): known fields, within their ranges."""

from typing import Final

from seawall.terms import code, command
from seawall.terms.limits import AMOUNT_MAX, MARKETS, NOTIONAL_MAX, PRICE_MAX, TIME_MAX

Fields = dict[str, int]
MOST: Final = 2**62  # of an id, and of what has no range of its own
RANGES: Final = {
    "flags": (0, 2**16 - 1, code.BAD_FIELD),
    "nonce": (0, TIME_MAX, code.BAD_FIELD),
    "time": (0, TIME_MAX, code.BAD_TIME),
    "expires": (0, TIME_MAX, code.BAD_TIME),
    "account": (0, 2**31 - 1, code.UNKNOWN_ACCOUNT),
    "market": (-1, MARKETS - 1, code.UNKNOWN_MARKET),
    "other": (-9, 2**53, code.BAD_FIELD),
    "reference": (0, MOST, code.BAD_FIELD),
    "price": (-NOTIONAL_MAX, NOTIONAL_MAX, code.BAD_PRICE),
    "size": (0, NOTIONAL_MAX, code.BAD_SIZE),
    "amount": (-AMOUNT_MAX, AMOUNT_MAX, code.BAD_AMOUNT),
    "trigger": (0, PRICE_MAX, code.BAD_PRICE),
    "extra": (0, PRICE_MAX, code.BAD_FIELD),
    "client_high": (-(2**63), 2**63 - 1, code.BAD_FIELD),
    "client_low": (-(2**63), 2**63 - 1, code.BAD_FIELD),
    "address_0": (0, 2**54 - 1, code.BAD_FIELD),
    "address_1": (0, 2**53 - 1, code.BAD_FIELD),
    "address_2": (0, 2**53 - 1, code.BAD_FIELD),
}


def shape_refusals(c: Fields) -> list[int]:
    """Codes that refuse a row as such, whoever signed it; none when it is one."""
    kind = c["kind"]
    if kind not in command.FIELDS:
        return [code.UNKNOWN_KIND]
    known, why = (*command.COMMON, *command.FIELDS[kind]), []
    for name, value in c.items():
        least, most, wrong = RANGES.get(name, (-MOST, MOST, code.BAD_FIELD))
        if value and name not in known:
            why.append(code.BAD_FIELD)
        elif not least <= value <= most:
            why.append(wrong)
    if command.PLACE <= kind <= command.TWAP:
        why += [code.BAD_FIELD] if c["flags"] & ~command.ORDER_FLAGS else []
        why += [code.BAD_PRICE] if c["price"] < 0 else []
    return why
