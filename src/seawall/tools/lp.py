"""`seawall account lp`: a Uniswap v3 position and the perp beside it: worth, delta, gamma, break-evens, advice.

Amounts are the pool's own integers (margin/lp.py) at a square-root price made from the price given, never from a pool's
spot. What a position would be worth at another price is exact; what is likely within a horizon takes the price as
lognormal without drift, of the daily volatility given.
"""

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt

import msgspec

from seawall.margin.lp import (
    SQRT_RATIO_MAX,
    SQRT_RATIO_MIN,
    Pair,
    encode_sqrt_ratio,
    position_amounts,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from seawall.units import BadInput, Side

DIGITS = 40
HALVINGS = 60
REACH = 16  # break-evens are looked for up to so many times the price, and as far below
STAY = Decimal("1.2815515655")  # a normal variable stays within it on one side with 90 %: on both with 80 %
STAY_SHARE = "0.8"


class LpTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A position, the price now, and what is known beside. Prices are USD per unit of the base; the quote is USD."""

    pair: Pair
    tick_lower: int
    tick_upper: int
    liquidity: int
    price: Fraction
    entry: Fraction  # price when it was opened
    fees_usd: Fraction = Fraction(0)  # earned so far, collected or not
    fees_day_usd: Fraction = Fraction(0)  # expected a day
    perp: Fraction = Fraction(0)  # signed size of the perp held, negative short
    perp_entry: Fraction | None = None
    volatility_day: Fraction | None = None
    days: int = 7


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A range to move the same USD to, and the perp that hedges it there."""

    lower: Fraction
    upper: Fraction
    tick_lower: int
    tick_upper: int
    hedge: Fraction
    stay: str  # how likely the price is inside after the days


class LpReport(msgspec.Struct, frozen=True, kw_only=True):
    """All in USD and units of the base unless said. `hedge` is the perp size that leaves no delta."""

    price: Fraction
    lower: Fraction
    upper: Fraction
    in_range: bool
    base: Fraction
    quote: Fraction
    value_usd: Fraction
    delta: Fraction  # units of the base: what a dollar's move of the price is worth
    gamma: Fraction  # change of delta per USD of price
    delta_usd: Fraction
    gamma_1pct_usd: Fraction  # what a move of 1 % either way costs against the tangent
    entry_value_usd: Fraction
    hold_value_usd: Fraction  # of the tokens at entry, kept
    impermanent_loss_usd: Fraction
    fees_usd: Fraction
    net_of_holding_usd: Fraction
    break_even_lower: Fraction | None  # prices between which fees have made up for the loss against holding
    break_even_upper: Fraction | None
    days_of_fees_to_break_even: Fraction | None
    perp: Fraction
    net_delta: Fraction
    hedge: Fraction
    hedged_pnl_usd: Fraction  # position, fees and perp since entry
    hedged_lower: Fraction | None  # prices between which position, fees and perp together have not lost
    hedged_upper: Fraction | None
    advice: Advice | None  # when a volatility is given


class Amounts(msgspec.Struct, frozen=True):
    """Tokens of a position at a price, in units of the base and USD."""

    base: Fraction
    quote: Fraction

    def worth(self, price: Fraction) -> Fraction:
        return self.quote + self.base * price


def lp_report(terms: LpTerms) -> LpReport:
    """The report. BadInput for prices, ticks or liquidity out of range."""
    _check(terms)
    now, start = amounts_at(terms, terms.price), amounts_at(terms, terms.entry)
    value, entry_value = now.worth(terms.price), start.worth(terms.entry)
    holding = start.worth(terms.price)
    lower, upper = bounds_of(terms)
    in_range = lower <= terms.price < upper
    perp_entry = terms.entry if terms.perp_entry is None else terms.perp_entry
    short_of = value - holding + terms.fees_usd

    def against_holding(price: Fraction) -> Fraction:
        return amounts_at(terms, price).worth(price) + terms.fees_usd - start.worth(price)

    def hedged(price: Fraction) -> Fraction:
        own = amounts_at(terms, price).worth(price) + terms.fees_usd - entry_value
        return own + terms.perp * (price - perp_entry)

    free = break_evens(against_holding, terms.entry)
    safe = break_evens(hedged, terms.price)
    return LpReport(
        price=terms.price,
        lower=lower,
        upper=upper,
        in_range=in_range,
        base=now.base,
        quote=now.quote,
        value_usd=value,
        delta=now.base,
        gamma=gamma_of(terms) if in_range else Fraction(0),
        delta_usd=now.base * terms.price,
        gamma_1pct_usd=(gamma_of(terms) if in_range else Fraction(0)) * (terms.price / 100) ** 2 / 2,
        entry_value_usd=entry_value,
        hold_value_usd=holding,
        impermanent_loss_usd=holding - value,
        fees_usd=terms.fees_usd,
        net_of_holding_usd=short_of,
        break_even_lower=free[0],
        break_even_upper=free[1],
        days_of_fees_to_break_even=-short_of / terms.fees_day_usd if short_of < 0 < terms.fees_day_usd else None,
        perp=terms.perp,
        net_delta=now.base + terms.perp,
        hedge=-now.base,
        hedged_pnl_usd=hedged(terms.price),
        hedged_lower=safe[0],
        hedged_upper=safe[1],
        advice=advised(terms, value),
    )


def _check(terms: LpTerms) -> None:
    for name, price in (("price", terms.price), ("entry", terms.entry)):
        if price <= 0:
            raise BadInput(name, "must be positive")
        if not SQRT_RATIO_MIN <= root_of(terms.pair, price) < SQRT_RATIO_MAX:
            raise BadInput(name, "is beyond what a pool of these tokens can have")
    if terms.tick_lower >= terms.tick_upper or terms.liquidity <= 0:
        raise BadInput("tick-lower", "a position needs lower < upper and liquidity")
    if terms.days < 1 or (terms.volatility_day is not None and not 0 < terms.volatility_day <= 2):
        raise BadInput("volatility", "takes a daily volatility in (0, 2] and at least a day")


def root_of(pair: Pair, price: Fraction) -> int:
    """The pool's square-root price, Q64.96, at a price of the base in USD."""
    quote, base = 10**pair.quote_decimals, 10**pair.base_decimals
    raw = price * quote / base  # quote tokens' own units per unit of the base token's
    if pair.base_is_token0:
        return encode_sqrt_ratio(raw.numerator, raw.denominator)
    return encode_sqrt_ratio(raw.denominator, raw.numerator)


def price_of(pair: Pair, root: int) -> Fraction:
    """The price of the base in USD at a square-root price."""
    raw = Fraction(root**2, 2**192)
    unit = Fraction(10**pair.base_decimals, 10**pair.quote_decimals)
    return raw * unit if pair.base_is_token0 else unit / raw


def bounds_of(terms: LpTerms) -> tuple[Fraction, Fraction]:
    """The range as prices, lower first."""
    ends = sorted(price_of(terms.pair, sqrt_ratio_at_tick(tick)) for tick in (terms.tick_lower, terms.tick_upper))
    return ends[0], ends[1]


def amounts_at(terms: LpTerms, price: Fraction) -> Amounts:
    """What the position consists of when the pool is at a price, rounded down as the pool pays out."""
    pair = terms.pair
    ends = sqrt_ratio_at_tick(terms.tick_lower), sqrt_ratio_at_tick(terms.tick_upper)
    root = min(max(root_of(pair, price), SQRT_RATIO_MIN), SQRT_RATIO_MAX - 1)
    token0, token1 = position_amounts(root, *ends, terms.liquidity, Side.DOWN)
    base, quote = (token0, token1) if pair.base_is_token0 else (token1, token0)
    return Amounts(Fraction(base, 10**pair.base_decimals), Fraction(quote, 10**pair.quote_decimals))


def gamma_of(terms: LpTerms) -> Fraction:
    """-L / (2 P^1.5) in units of the base per USD, to the precision of an integer root."""
    scale = Fraction(1, 10**terms.pair.base_decimals * 10**terms.pair.quote_decimals)
    square = Fraction(terms.liquidity) ** 2 * scale / terms.price**3 / 4
    one = 10**DIGITS
    return -Fraction(isqrt(int(square * one * one)), one)


def break_evens(gain: Callable[[Fraction], Fraction], price: Fraction) -> tuple[Fraction | None, Fraction | None]:
    """The nearest prices below and above at which `gain`, concave in the price, is no longer >= 0; None: in no reach.

    Both None when it is negative at the price itself.
    """
    if gain(price) < 0:
        return None, None
    return _edge(gain, price, price / REACH), _edge(gain, price, price * REACH)


def _edge(gain: Callable[[Fraction], Fraction], good: Fraction, bad: Fraction) -> Fraction | None:
    if gain(bad) >= 0:
        return None
    for _ in range(HALVINGS):
        middle = (good + bad) / 2
        middle = middle.limit_denominator(10**18)
        good, bad = (middle, bad) if gain(middle) >= 0 else (good, middle)
    return good


def advised(terms: LpTerms, value: Fraction) -> Advice | None:
    """A range that the price is in with 80 % after the days asked; None without a volatility."""
    if terms.volatility_day is None:
        return None
    with localcontext() as context:
        context.prec = DIGITS
        daily = Decimal(terms.volatility_day.numerator) / Decimal(terms.volatility_day.denominator)
        factor = Fraction((STAY * daily * Decimal(terms.days).sqrt()).exp())
    roots = sorted(root_of(terms.pair, end) for end in (terms.price / factor, terms.price * factor))
    low, high = (tick_at_sqrt_ratio(min(max(root, SQRT_RATIO_MIN), SQRT_RATIO_MAX - 1)) for root in roots)
    moved = msgspec.structs.replace(terms, tick_lower=low, tick_upper=high + 1)
    there = amounts_at(moved, terms.price)
    worth, (lower, upper) = there.worth(terms.price), bounds_of(moved)
    return Advice(
        lower=lower,
        upper=upper,
        tick_lower=low,
        tick_upper=high + 1,
        hedge=-there.base * value / worth if worth else Fraction(0),
        stay=STAY_SHARE,
    )
