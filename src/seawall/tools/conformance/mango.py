"""Mango v4: the program's health test account, by `presets.mango`.

The account is fixed (three tokens, two spot markets, one perpetual); a case gives its balances, orders and bank totals.
Published figures are double-precision evaluations, so they are compared within 1e-6 of their size.
"""

from fractions import Fraction
from typing import Any, Final

from seawall.presets import mango
from seawall.tools.conformance.runner import Check, Tolerance, Values, agrees
from seawall.units import BadInput, fraction_from

TOLERANCE: Final = Tolerance(relative=Fraction(1, 10**6), absolute=Fraction(1, 10**9))
PRICES: Final = (Fraction(1), Fraction(5), Fraction(10))
INIT_WEIGHTS: Final = (  # asset, liability
    (Fraction(4, 5), Fraction(6, 5)),
    (Fraction(1, 2), Fraction(3, 2)),
    (Fraction(1, 2), Fraction(3, 2)),
)
SPOT_MARKETS: Final = (("oo_1_2", 1), ("oo_1_3", 2))  # name, base token; both are quoted in token 0
PERP_PRICE: Final = Fraction(5)
PERP_LOT_SIZE: Final = 10
PERP_WEIGHTS: Final = (Fraction(4, 5), Fraction(6, 5))
PERP_OVERALL_WEIGHT: Final = Fraction(19, 20)


def health(values: Values, expected: Values) -> bool:
    """Init health of the case's account."""
    return agrees({"init_health": mango.init_health(_account(values))}, expected, TOLERANCE)


def _account(values: Values) -> mango.Account:
    balances = values.get("token_native", ())
    banks = values.get("banks", ({},) * len(PRICES))
    if len(balances) != len(PRICES) or len(banks) != len(PRICES):
        raise BadInput("token_native", f"expected {len(PRICES)} tokens and banks")
    tokens = tuple(
        mango.Token(
            balance=_ratio(balance, "token_native"), prices=_prices(price), weights=_weights(*pair), bank=_bank(bank)
        )
        for balance, price, pair, bank in zip(balances, PRICES, INIT_WEIGHTS, banks, strict=True)
    )
    spot = tuple(_orders(values[name], base) for name, base in SPOT_MARKETS if name in values)
    perps = (_perp(values["perp"]),) if "perp" in values else ()
    return mango.Account(tokens=tokens, spot=spot, perps=perps)


def _bank(values: Values) -> mango.Bank:
    return mango.Bank(
        deposits=_field(values, "deposits"),
        borrows=_field(values, "borrows"),
        potential_spot_deposits=_field(values, "potential_serum_tokens"),
        deposit_scale_start=_field(values, "deposit_scale_start_quote") or None,
        borrow_scale_start=_field(values, "borrow_scale_start_quote") or None,
    )


def _orders(values: Values, base: int) -> mango.SpotOrders:
    return mango.SpotOrders(
        base=base,
        quote=0,
        reserved_base=_field(values, "base"),
        reserved_quote=_field(values, "quote"),
        lowest_ask=_field(values, "lowest_ask") or None,
        highest_bid_inverse=_field(values, "highest_bid_inverse") or None,
    )


def _perp(values: Values) -> mango.PerpPosition:
    return mango.PerpPosition(
        settle=0,
        base_lots=_lots(values, "base_lots"),
        base_lot_size=PERP_LOT_SIZE,
        quote=_field(values, "quote_native"),
        bids_base_lots=_lots(values, "bids_base_lots"),
        asks_base_lots=_lots(values, "asks_base_lots"),
        prices=_prices(PERP_PRICE),
        weights=mango.PerpWeights(
            base=_weights(*PERP_WEIGHTS),
            init_overall_asset=PERP_OVERALL_WEIGHT,
            maint_overall_asset=PERP_OVERALL_WEIGHT,
        ),
    )


def _prices(price: Fraction) -> mango.Prices:
    return mango.Prices(oracle=price, stable=price)


def _weights(asset: Fraction, liability: Fraction) -> mango.Weights:
    return mango.Weights(init_asset=asset, init_liability=liability, maint_asset=asset, maint_liability=liability)


def _lots(values: Values, field: str) -> int:
    lots = _field(values, field)
    if lots.denominator != 1:
        raise BadInput(field, f"{lots} is not a whole number of lots")
    return lots.numerator


def _field(values: Values, field: str) -> Fraction:
    return _ratio(values.get(field, 0), field)


def _ratio(value: Any, field: str) -> Fraction:
    """A decimal, or a ratio written as "1/12"."""
    if isinstance(value, str) and "/" in value:
        numerator, _, denominator = value.partition("/")
        below = fraction_from(denominator, field)
        if below == 0:
            raise BadInput(field, f"division by zero: {value}")
        return fraction_from(numerator, field) / below
    return fraction_from(value, field)


FAMILIES: Final[dict[str, Check]] = {"mango_health": health}
