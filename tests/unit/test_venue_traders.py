"""Simulated traders one by one: prices on the grid, ladders that step back first, followers and takers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from seawall.book.grid import STEP, exponent_max, grid_above, grid_below
from seawall.kernel import kernel
from seawall.ledger import state
from seawall.terms import command
from seawall.terms.limits import NOTIONAL_MAX, ORDINALS, PRICE_MAX
from seawall.units import USD_ONE
from seawall.venue.records import Order
from seawall.venue.traders import followers, makers, takers
from seawall.venue.traders.followers import Follower, Trend
from seawall.venue.traders.makers import LADDER, Maker
from seawall.venue.traders.scene import View, best_price
from seawall.venue.universe import Listing

ARRAY = state.create_state(state.SMALL)
STATES = state.for_kernels(ARRAY)


@kernel
def grid(states: Any, prices: Any, answers: Any) -> None:
    s = states[0]
    for i in range(len(prices)):
        answers[i, 0] = grid_below(s, 0, prices[i])
        answers[i, 1] = grid_above(s, 0, prices[i])


def view_of(price: int, decimals: int = 5, leverage: int = 40, price_max: int = PRICE_MAX) -> View:
    listing = Listing(number=0, coin="BTC", size_decimals=decimals, price_max=price_max)
    return View(listing=listing, price=price, bid=0, ask=0, leverage=leverage, width=40 / min(leverage, 40))


@given(decimals=st.integers(0, 6), price=st.integers(2, 2**39))
@example(decimals=5, price=1_216_003)
@example(decimals=0, price=99_999)
@example(decimals=0, price=100_001)
def test_prices_are_on_the_engines_grid(decimals: int, price: int) -> None:
    exponent = exponent_max(decimals)
    assume(price < (ORDINALS - STEP * exponent - 2) * 10**exponent)  # beyond it the engine's grid ends
    state.columns_of(ARRAY)["market_exponent_max"][0] = exponent
    view = view_of(price, decimals)
    answers = np.zeros((1, 2), np.int64)
    grid(STATES, np.array([price], np.int64), answers)
    assert view.bid_at(float(price)) == answers[0, 0]
    above = np.zeros((1, 2), np.int64)
    grid(STATES, np.array([price + 1], np.int64), above)
    assert view.ask_at(float(price)) == above[0, 1]


def test_the_best_price_of_an_empty_side_is_none() -> None:
    columns = {"book_best": np.zeros(4, np.int64)}
    assert best_price(columns, 0, 0) == 0


def order(price: int, left: int, engine: int, *, is_sell: bool) -> Order:
    fields = dict.fromkeys(Order.__struct_fields__, 0) | {"status": "open", "fired": False}
    flags = command.SELL if is_sell else 0
    return Order(**{**fields, "price": price, "left": left, "size": left, "engine": engine, "flags": flags})


def resting_after(moves: Any) -> list[Order]:
    """What rests when every row of an empty book's moves was accepted."""
    return [
        order(row["price"], row["size"], 1 + place, is_sell=bool(row["flags"] & command.SELL))
        for place, row in enumerate(moves.forward)
    ]


def test_a_ladder_is_placed_once_and_then_left_alone() -> None:
    maker, view = Maker(3, 0), view_of(1_000_000)
    first = maker.quote(view, [], 0)
    assert first.back == []
    assert len(first.forward) == 2 * len(LADDER)
    assert {row["account"] for row in first.forward} == {3}
    bids = [row["price"] for row in first.forward if not row["flags"] & command.SELL]
    asks = [row["price"] for row in first.forward if row["flags"] & command.SELL]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert max(bids) < 1_000_000 < min(asks)
    assert all(row["size"] * row["price"] >= 10 * USD_ONE for row in first.forward)
    assert maker.quote(view, resting_after(first), 0) == ([], [])
    assert maker.quote(view_of(1_000_100), resting_after(first), 0) == ([], [])  # 1 bp is within every tolerance


@pytest.mark.parametrize(("price", "back"), [(990_000, False), (1_010_000, True)])
def test_who_stands_in_the_way_moves_first(price: int, back: bool) -> None:
    maker = Maker(3, 0)
    rests = resting_after(maker.quote(view_of(1_000_000), [], 0))
    moves = maker.quote(view_of(price), rests, 0)
    assert {row["kind"] for row in moves.back + moves.forward} == {command.MODIFY}
    assert {bool(row["flags"] & command.SELL) for row in moves.back} == {back}
    assert {bool(row["flags"] & command.SELL) for row in moves.forward} == {not back}


def test_a_maker_leans_against_what_it_holds_and_stops_when_full() -> None:
    maker, view = Maker(3, 0), view_of(1_000_000)
    flat = maker.quote(view, [], 0).forward
    half = maker.quote(view, [], makers.HELD_USD * USD_ONE // 2 // view.price).forward
    assert all(long["price"] <= row["price"] for long, row in zip(half, flat, strict=True))
    assert sum(long["price"] for long in half) < sum(row["price"] for row in flat)
    full = maker.quote(view, resting_after(maker.quote(view, [], 0)), makers.HELD_USD * USD_ONE // view.price)
    assert [row["kind"] for row in full.back].count(command.CANCEL) == len(LADDER)
    assert all(row["flags"] & command.SELL for row in full.forward)


def test_what_was_eaten_is_placed_anew() -> None:
    maker, view = Maker(3, 0), view_of(1_000_000)
    rests = resting_after(maker.quote(view, [], 0))
    rests[0].left = rests[0].left // 3
    moves = maker.quote(view, rests, 0)
    assert [(row["kind"], row["reference"]) for row in moves.back + moves.forward] == [(command.MODIFY, 1)]


def test_takers_pull_the_book_to_the_index_and_go_home() -> None:
    rng = np.random.Generator(np.random.PCG64(1))

    def sells(view: View, lots: int) -> float:
        orders = [takers.market_order(rng, 1, view, lots) for _ in range(400)]
        assert all(row["flags"] & command.IOC and row["size"] * view.price >= 11 * USD_ONE for row in orders)
        return sum(row["flags"] & command.SELL for row in orders) / 400

    view = view_of(1_000_000)
    dear, cheap = view._replace(bid=1_001_900, ask=1_002_100), view._replace(bid=997_900, ask=998_100)
    assert 0.4 < sells(view, 0) < 0.6
    assert sells(dear, 0) > 0.75
    assert sells(cheap, 0) < 0.25
    assert sells(view, 10 * int(takers.HELD_USD) * USD_ONE // view.price) == 1.0
    assert sum(len(takers.wants(rng, 12, 500)) for _ in range(2_000)) == pytest.approx(1_200, rel=0.15)


def test_a_trend_is_the_gap_between_two_averages() -> None:
    trend = Trend()
    assert trend.strength == 0.0
    for step in range(200):
        trend.see(1_000_000 + 100 * step, 500)
    assert 0 < trend.strength < 0.02
    for _ in range(10_000):
        trend.see(1_020_000, 500)
    assert abs(trend.strength) < 1e-6


def rising() -> Trend:
    trend = Trend()
    trend.slow, trend.fast = 1_000_000.0, 1_001_000.0
    return trend


@pytest.mark.parametrize(("rank", "sells"), [(0, False), (4, True)])
def test_followers_enter_with_all_they_may(rank: int, sells: bool) -> None:
    view, follower = view_of(1_000_000), Follower(9, rank)
    setting, entry = follower.orders(view, rising(), 0, 0, 500 * USD_ONE)
    assert (setting["kind"], setting["size"]) == (command.SET_LEVERAGE, 40)
    assert bool(entry["flags"] & command.SELL) == sells
    notional = entry["size"] * view.price
    assert 0.9 * 40 * 500 * USD_ONE < notional < 40 * 500 * USD_ONE
    assert follower.orders(view, Trend(), 0, 0, 500 * USD_ONE) == []
    assert follower.orders(view, rising(), 0, 0, 30 * USD_ONE) == []
    assert follower.is_broke(30 * USD_ONE)


def test_some_followers_take_their_loss_and_some_do_not() -> None:
    view, lots = view_of(1_000_000), -10_000
    entry = -10_000 * 1_000_000
    close = Follower(9, 1).orders(view, rising(), lots, entry, 10**9)
    assert [(row["size"], row["flags"]) for row in close] == [(10_000, command.IOC | command.REDUCE_ONLY)]
    assert Follower(9, 0).orders(view, rising(), lots, entry, 10**9) == []
    profit = view_of(int(1_000_000 * (1 - 2 * followers.PROFIT / 40)))
    assert Follower(9, 0).orders(profit, Trend(), lots, entry, 10**9) != []


def test_sizes_stay_within_what_a_row_can_hold() -> None:
    view = view_of(2, decimals=0)
    assert all(row["size"] <= NOTIONAL_MAX for row in Maker(1, 0).quote(view, [], 0).forward)
