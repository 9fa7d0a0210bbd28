"""Mango v4's health as algebra: ordered levels, scale, order and the direction of every change."""

from fractions import Fraction

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.presets import mango
from seawall.presets.mango import (
    Account,
    Bank,
    HealthLevel,
    PerpPosition,
    PerpWeights,
    Prices,
    SpotOrders,
    Token,
    Weights,
)

INIT = HealthLevel.INIT


def ratios(low: int, high: int, parts: int = 20) -> st.SearchStrategy[Fraction]:
    """Fractions of `parts` between two integers: quick to draw, and often equal to each other."""
    return st.integers(low * parts, high * parts).map(lambda count: Fraction(count, parts))


amounts = ratios(-1_000, 1_000)
reserves = ratios(0, 500)
positive = st.integers(1, 1_000).map(lambda count: Fraction(count, 20))
prices = st.builds(Prices, oracle=positive, stable=positive)
totals = st.integers(0, 10_000).map(Fraction)
starts = st.none() | st.integers(1, 10_000).map(Fraction)
banks = st.builds(
    Bank,
    deposits=totals,
    borrows=totals,
    potential_spot_deposits=totals,
    deposit_scale_start=starts,
    borrow_scale_start=starts,
)


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    """Weights ordered as the venue keeps them: init stricter than maintenance, assets below 1, liabilities above."""
    assets = sorted(draw(st.tuples(*[ratios(0, 1)] * 2)))
    liabilities = sorted(draw(st.tuples(*[ratios(1, 3)] * 2)))
    return Weights(
        init_asset=assets[0], maint_asset=assets[1], maint_liability=liabilities[0], init_liability=liabilities[1]
    )


@st.composite
def perps(draw: st.DrawFn) -> PerpPosition:
    overall = sorted(draw(st.tuples(*[ratios(0, 1)] * 2)))
    return PerpPosition(
        settle=0,
        base_lots=draw(st.integers(-50, 50)),
        base_lot_size=draw(st.integers(1, 10)),
        quote=draw(amounts),
        bids_base_lots=draw(st.integers(0, 20)),
        asks_base_lots=draw(st.integers(0, 20)),
        prices=draw(prices),
        weights=PerpWeights(base=draw(weights()), init_overall_asset=overall[0], maint_overall_asset=overall[1]),
    )


@st.composite
def accounts(draw: st.DrawFn, *, scaling: bool = True, orders: bool = True) -> Account:
    tokens = tuple(
        Token(
            balance=draw(amounts), prices=draw(prices), weights=draw(weights()), bank=draw(banks) if scaling else Bank()
        )
        for _ in range(3)
    )
    spot = tuple(
        SpotOrders(base=base, quote=0, reserved_base=draw(reserves), reserved_quote=draw(reserves)) for base in (1, 2)
    )
    return Account(tokens=tokens, spot=spot if orders else (), perps=tuple(draw(st.lists(perps(), max_size=2))))


@settings(max_examples=60)
@given(accounts())
def test_levels_are_ordered(account: Account) -> None:
    assert mango.init_health(account) <= mango.liquidation_end_health(account) <= mango.maint_health(account)


@settings(max_examples=60)
@given(accounts(), st.permutations([0, 1]), st.sampled_from(HealthLevel))
def test_the_order_of_markets_does_not_matter(account: Account, order: list[int], level: HealthLevel) -> None:
    mixed = Account(
        tokens=account.tokens, spot=tuple(account.spot[index] for index in order), perps=account.perps[::-1]
    )
    assert mango.health(mixed, level) == mango.health(account, level)


@settings(max_examples=60)
@given(accounts(), st.integers(1, 1_000), st.sampled_from(HealthLevel))
def test_health_is_proportional_to_the_account(account: Account, factor: int, level: HealthLevel) -> None:
    grown = Account(
        tokens=tuple(msgspec.structs.replace(token, balance=token.balance * factor) for token in account.tokens),
        spot=tuple(
            msgspec.structs.replace(
                orders, reserved_base=orders.reserved_base * factor, reserved_quote=orders.reserved_quote * factor
            )
            for orders in account.spot
        ),
        perps=tuple(
            msgspec.structs.replace(perp, base_lot_size=perp.base_lot_size * factor, quote=perp.quote * factor)
            for perp in account.perps
        ),
    )
    assert mango.health(grown, level) == factor * mango.health(account, level)


@settings(max_examples=60)
@given(accounts(), st.integers(0, 2), reserves, st.sampled_from(HealthLevel))
def test_a_deposit_never_lowers_health(account: Account, index: int, amount: Fraction, level: HealthLevel) -> None:
    """With the token's orders in one market at most: Mango weighs what two markets reserve of it in each of them."""
    assume(sum(index in (orders.base, orders.quote) for orders in account.spot) <= 1)
    tokens = list(account.tokens)
    tokens[index] = msgspec.structs.replace(tokens[index], balance=tokens[index].balance + amount)
    richer = msgspec.structs.replace(account, tokens=tuple(tokens))
    assert mango.health(richer, level) >= mango.health(account, level)


@settings(max_examples=60)
@given(accounts(), st.integers(0, 20), st.integers(0, 20), st.sampled_from(HealthLevel))
def test_an_open_perp_order_never_raises_health(account: Account, bids: int, asks: int, level: HealthLevel) -> None:
    busier = msgspec.structs.replace(
        account,
        perps=tuple(
            msgspec.structs.replace(
                perp, bids_base_lots=perp.bids_base_lots + bids, asks_base_lots=perp.asks_base_lots + asks
            )
            for perp in account.perps
        ),
    )
    assert mango.health(busier, level) <= mango.health(account, level)


@settings(max_examples=60)
@given(accounts(), ratios(0, 60), st.sampled_from(HealthLevel))
def test_a_known_order_price_bounds_what_the_orders_become(
    account: Account, price: Fraction, level: HealthLevel
) -> None:
    for orders in account.spot:
        bounded = msgspec.structs.replace(orders, lowest_ask=price, highest_bid_inverse=price)
        as_base = mango.reserved_as_base(account, bounded, level)
        as_quote = mango.reserved_as_quote(account, bounded, level)
        assert orders.reserved_base <= as_base <= mango.reserved_as_base(account, orders, level)
        assert orders.reserved_quote <= as_quote <= mango.reserved_as_quote(account, orders, level)
        assert as_base <= orders.reserved_base + orders.reserved_quote * price
        assert as_quote <= orders.reserved_quote + orders.reserved_base * price


@settings(max_examples=60)
@given(accounts(scaling=False, orders=False))
def test_health_without_orders_is_the_sum_of_weighted_balances(account: Account) -> None:
    cash = account.tokens[0].balance
    for perp in account.perps:
        fills = []
        for lots, price in (
            (perp.bids_base_lots, max(perp.prices.oracle, perp.prices.stable)),
            (-perp.asks_base_lots, min(perp.prices.oracle, perp.prices.stable)),
        ):
            held = (perp.base_lots + lots) * perp.base_lot_size
            as_asset = held * perp.weights.base.init_asset * min(perp.prices.oracle, perp.prices.stable)
            as_debt = held * perp.weights.base.init_liability * max(perp.prices.oracle, perp.prices.stable)
            fills.append(min(as_asset, as_debt) - lots * perp.base_lot_size * price)
        value = perp.quote + min(fills)
        cash += min(value, value * perp.weights.init_overall_asset)
    total = Fraction(0)
    for token, balance in zip(account.tokens, (cash, *(held.balance for held in account.tokens[1:])), strict=True):
        as_asset = balance * token.weights.init_asset * min(token.prices.oracle, token.prices.stable)
        as_debt = balance * token.weights.init_liability * max(token.prices.oracle, token.prices.stable)
        total += min(as_asset, as_debt)
    assert mango.init_health(account) == total
