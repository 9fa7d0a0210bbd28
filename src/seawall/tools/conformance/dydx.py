"""dYdX v4: the venue's published cases for collateral, margin tiers, funding and liquidation, by `presets.dydx`."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from seawall.presets import dydx
from seawall.presets.dydx import BaseQuantums, Ppm, QuoteQuantums
from seawall.tools.conformance.runner import Check, Values, agrees, flag, integer
from seawall.units import BadInput


def bankruptcy_price(values: Values, expected: Values) -> bool:
    """Quote quantums for which a change of a position trades at bankruptcy."""
    quote = dydx.bankruptcy_price(
        _subaccount(values),
        _perpetuals(values),
        perpetual_id=_identity(values),
        delta=BaseQuantums(integer(values, "delta_quantums")),
    )
    return agrees({"bankruptcy_price_quote_quantums": quote}, expected)


def fillable_price(values: Values, expected: Values) -> bool:
    """Worst price of a liquidation order; published as numerator and denominator, compared as a ratio."""
    price = dydx.fillable_price(
        _subaccount(values),
        _perpetuals(values),
        perpetual_id=_identity(values),
        bankruptcy_adjustment_ppm=Ppm(integer(values, "bankruptcy_adjustment_ppm")),
        spread_to_maintenance_ppm=Ppm(integer(values, "spread_to_maintenance_margin_ratio_ppm")),
    )
    numerator, denominator = integer(expected, "fillable_price_num"), integer(expected, "fillable_price_den")
    return denominator > 0 and price * denominator == numerator


def insurance_fund_delta(values: Values, expected: Values) -> bool:
    """What the insurance fund receives or pays for one liquidation fill."""
    fill = BaseQuantums(integer(values, "fill_amount"))
    delta = dydx.insurance_fund_delta(
        _subaccount(values),
        _perpetuals(values),
        perpetual_id=_identity(values),
        side=dydx.OrderSide.BUY if flag(values, "is_buy") else dydx.OrderSide.SELL,
        fill=fill,
        quote=dydx.fill_quote(
            fill=fill,
            subticks=integer(values, "subticks"),
            quantum_conversion_exponent=integer(values, "quantum_conversion_exponent"),
        ),
        max_liquidation_fee_ppm=Ppm(integer(values, "max_liquidation_fee_ppm")),
    )
    return agrees({"insurance_fund_delta_quote_quantums": delta}, expected)


def net_collateral(values: Values, expected: Values) -> bool:
    """Net collateral and requirements of a subaccount after updates."""
    perpetuals = _perpetuals(values)
    updated = dydx.apply_updates(
        _subaccount(values),
        perpetuals,
        usdc=QuoteQuantums(_integer_or(values, "usdc_update", 0)),
        sizes=[
            (_identity(update), BaseQuantums(integer(update, "quantums_delta")))
            for update in values.get("position_updates", ())
        ],
    )
    risk = dydx.risk(updated, perpetuals)
    computed = {
        "net_collateral": risk.net_collateral,
        "initial_margin": risk.initial,
        "maintenance_margin": risk.maintenance,
    }
    return agrees(computed, expected)


def funding(values: Values, expected: Values) -> bool:
    """Settlement of a position, or the step of a funding index over one tick; the published field says which."""
    return _computes({"net_settlement_ppm": _net_settlement, "funding_index_delta": _index_delta}, values, expected)


def margin_tiers(values: Values, expected: Values) -> bool:
    """Margin fractions of a tier, the funding clamp, and the requirements of a notional or of a priced size."""
    rules: dict[str, Callable[[Values], int]] = {
        "maintenance_margin_ppm": lambda case: dydx.maintenance_margin_ppm(_tier(case)),
        "max_abs_funding_ppm": lambda case: dydx.max_abs_funding_ppm(
            _tier(case), Ppm(integer(case, "clamp_factor_ppm"))
        ),
        "adjusted_initial_margin_ppm": lambda case: dydx.adjusted_initial_margin_ppm(_tier(case), _open_interest(case)),
        "initial_margin": lambda case: dydx.initial_margin(
            _tier(case), value=_value(case), open_interest=_open_interest(case)
        ),
        "maintenance_margin": lambda case: dydx.maintenance_margin(_tier(case), _value(case)),
    }
    return _computes(rules, values, expected)


def _computes(rules: Mapping[str, Callable[[Values], int]], values: Values, expected: Values) -> bool:
    return agrees({field: rules[field](values) for field in expected if field in rules}, expected)


def _net_settlement(values: Values) -> int:
    return dydx.net_settlement_ppm(
        index=integer(values, "funding_index"),
        position_index=integer(values, "position_index"),
        quantums=BaseQuantums(integer(values, "quantums")),
    )


def _index_delta(values: Values) -> int:
    samples = dydx.FundingSamples(
        premium_ppm=Ppm(integer(values, "premium_ppm")),
        received=integer(values, "n_samples"),
        expected=integer(values, "samples_expected"),
    )
    rate = dydx.funding_rate_ppm(samples, _tier(values), Ppm(integer(values, "clamp_factor_ppm")))
    return dydx.funding_index_delta(_priced(values), rate, integer(values, "tick_seconds"))


def _value(values: Values) -> Fraction:
    if "notional" in values:
        return Fraction(abs(integer(values, "notional")))
    return dydx.exact_notional(_priced(values), BaseQuantums(integer(values, "quantums")))


def _open_interest(values: Values) -> Fraction:
    if "open_interest_quantums" in values:
        return dydx.exact_notional(_priced(values), BaseQuantums(integer(values, "open_interest_quantums")))
    return Fraction(_integer_or(values, "open_interest_notional", 0))


def _tier(values: Values) -> dydx.LiquidityTier:
    return dydx.LiquidityTier(
        initial_margin_ppm=Ppm(integer(values, "initial_margin_ppm")),
        maintenance_fraction_ppm=Ppm(_integer_or(values, "maintenance_fraction_ppm", 0)),
        open_interest_lower_cap=QuoteQuantums(_integer_or(values, "open_interest_lower_cap", 0)),
        open_interest_upper_cap=QuoteQuantums(_integer_or(values, "open_interest_upper_cap", 0)),
    )


def _priced(values: Values) -> dydx.Perpetual:
    return dydx.Perpetual(
        perpetual_id=str(values.get("perpetual_id", "")),
        atomic_resolution=integer(values, "atomic_resolution"),
        price=integer(values, "price"),
        price_exponent=integer(values, "price_exponent"),
        tier=_tier(values),
        funding_index=_integer_or(values, "funding_index", 0),
        open_interest=BaseQuantums(_integer_or(values, "open_interest_quantums", 0)),
    )


def _perpetuals(values: Values) -> dict[str, dydx.Perpetual]:
    return dydx.perpetuals_by_id(_priced(listed) for listed in values.get("perpetuals", ()))


def _subaccount(values: Values) -> dydx.Subaccount:
    positions = tuple(
        dydx.PerpetualPosition(
            perpetual_id=_identity(held),
            quantums=BaseQuantums(integer(held, "quantums")),
            funding_index=_integer_or(held, "funding_index", 0),
        )
        for held in values.get("positions", ())
    )
    return dydx.Subaccount(usdc=QuoteQuantums(integer(values, "usdc_quantums")), positions=positions)


def _identity(values: Values) -> str:
    identity = values.get("perpetual_id")
    if isinstance(identity, bool) or not isinstance(identity, (str, int)):
        raise BadInput("perpetual_id", f"expected an id, got {identity!r}")
    return str(identity)


def _integer_or(values: Values, field: str, absent: int) -> int:
    return integer(values, field) if field in values else absent


FAMILIES: Final[dict[str, Check]] = {
    "dydx_bankruptcy_price": bankruptcy_price,
    "dydx_fillable_price": fillable_price,
    "dydx_funding": funding,
    "dydx_insurance_fund_delta": insurance_fund_delta,
    "dydx_margin_tiers": margin_tiers,
    "dydx_net_collateral": net_collateral,
}
