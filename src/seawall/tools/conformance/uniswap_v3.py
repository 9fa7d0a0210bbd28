"""Uniswap v3: exact integers of the core, the periphery and the SDK. The field `fn` names the function."""

from collections.abc import Callable, Mapping
from typing import Final

from seawall.margin import lp
from seawall.presets import uniswap_v3
from seawall.tools.conformance.runner import Check, Figure, Values, agrees, flag, integer, text
from seawall.units import BadInput, Side

Figures = Mapping[str, Figure]


def check(values: Values, expected: Values) -> bool:
    """Whether the function named by `fn` gives the published integers."""
    name = text(values, "fn")
    if name not in FUNCTIONS:
        raise BadInput("fn", f"unknown function {name!r}")
    return agrees(FUNCTIONS[name](values), expected)


def _sqrt_ratio_at_tick(values: Values) -> Figures:
    return {"sqrt_price_x96": lp.sqrt_ratio_at_tick(integer(values, "tick"))}


def _tick_at_sqrt_ratio(values: Values) -> Figures:
    return {"tick": lp.tick_at_sqrt_ratio(integer(values, "sqrt_price_x96"))}


def _encode_sqrt_ratio(values: Values) -> Figures:
    return {"sqrt_price_x96": lp.encode_sqrt_ratio(integer(values, "amount1"), integer(values, "amount0"))}


def _amount0_delta(values: Values) -> Figures:
    return {"amount": lp.amount0_delta(*_range(values), integer(values, "liquidity"), _side(values))}


def _amount1_delta(values: Values) -> Figures:
    return {"amount": lp.amount1_delta(*_range(values), integer(values, "liquidity"), _side(values))}


def _liquidity_for_amounts(values: Values) -> Figures:
    amounts = integer(values, "amount0"), integer(values, "amount1")
    return {"liquidity": lp.liquidity_for_amounts(integer(values, "sqrt_price_x96"), *_range(values), *amounts)}


def _amounts_for_liquidity(values: Values) -> Figures:
    """The periphery's own order of divisions is that of `amount0_delta` rounded down."""
    return _amounts(values, Side.DOWN)


def _position_amounts(values: Values) -> Figures:
    return _amounts(values, _side(values))


def _next_from_input(values: Values) -> Figures:
    following = uniswap_v3.next_sqrt_price_from_input(*_pool(values), zero_for_one=flag(values, "zero_for_one"))
    return {"sqrt_price_x96": following}


def _next_from_output(values: Values) -> Figures:
    following = uniswap_v3.next_sqrt_price_from_output(*_pool(values), zero_for_one=flag(values, "zero_for_one"))
    return {"sqrt_price_x96": following}


def _next_from_amount0(values: Values) -> Figures:
    return {"sqrt_price_x96": uniswap_v3.next_sqrt_price_from_amount0(*_pool(values), is_added=flag(values, "add"))}


def _next_from_amount1(values: Values) -> Figures:
    return {"sqrt_price_x96": uniswap_v3.next_sqrt_price_from_amount1(*_pool(values), is_added=flag(values, "add"))}


def _swap_step(values: Values) -> Figures:
    fields = ("sqrt_price_x96", "sqrt_target_x96", "liquidity", "amount_remaining", "fee_pips")
    price, target, liquidity, remaining, fee = (integer(values, field) for field in fields)
    step = uniswap_v3.swap_step(price, target, liquidity, remaining, fee)
    return {
        "sqrt_price_x96": step.sqrt_price,
        "amount_in": step.amount_in,
        "amount_out": step.amount_out,
        "fee_amount": step.fee,
    }


def _amounts(values: Values, side: Side) -> Figures:
    liquidity = integer(values, "liquidity")
    amount0, amount1 = lp.position_amounts(integer(values, "sqrt_price_x96"), *_range(values), liquidity, side)
    return {"amount0": amount0, "amount1": amount1}


def _range(values: Values) -> tuple[int, int]:
    """Bounds of a range, given as square-root prices or as ticks."""
    if "sqrt_a_x96" in values:
        return integer(values, "sqrt_a_x96"), integer(values, "sqrt_b_x96")
    return lp.sqrt_ratio_at_tick(integer(values, "tick_lower")), lp.sqrt_ratio_at_tick(integer(values, "tick_upper"))


def _pool(values: Values) -> tuple[int, int, int]:
    return integer(values, "sqrt_price_x96"), integer(values, "liquidity"), integer(values, "amount")


def _side(values: Values) -> Side:
    return Side.UP if flag(values, "round_up") else Side.DOWN


FUNCTIONS: Final[Mapping[str, Callable[[Values], Figures]]] = {
    "sqrt_ratio_at_tick": _sqrt_ratio_at_tick,
    "tick_at_sqrt_ratio": _tick_at_sqrt_ratio,
    "encode_sqrt_ratio": _encode_sqrt_ratio,
    "amount0_delta": _amount0_delta,
    "amount1_delta": _amount1_delta,
    "liquidity_for_amounts": _liquidity_for_amounts,
    "amounts_for_liquidity": _amounts_for_liquidity,
    "position_amounts": _position_amounts,
    "next_sqrt_price_from_input": _next_from_input,
    "next_sqrt_price_from_output": _next_from_output,
    "next_sqrt_price_from_amount0_rounding_up": _next_from_amount0,
    "next_sqrt_price_from_amount1_rounding_down": _next_from_amount1,
    "swap_step": _swap_step,
}

FAMILIES: Final[Mapping[str, Check]] = {"uniswap_v3_math": check}
