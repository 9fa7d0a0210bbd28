"""Cascades, liquidations- and value-at-risk, the curve, cover-2: small books worked by hand, and the engine itself."""

import numpy as np
import pytest

from seawall.margin.bulk import remargin
from seawall.margin.columns import Book, book, market_table
from seawall.risk.at_risk import CURVE, AtRisk, at_risk, liquidations_at
from seawall.risk.cascade import Resting, cascade, resting
from seawall.risk.cover import Scenario, cover, scenarios
from seawall.risk.moves import Bars, foresee
from seawall.terms.market import market
from seawall.units import BadInput, Price, UsdMicro

NAMES = ("BTC", "ETH")
TABLE = market_table(
    [
        market("BTC", size_decimals=2, tiers=((UsdMicro(0), 20), (UsdMicro(10**12), 10)), price_max=Price(10**10)),
        market("ETH", size_decimals=2, tiers=((UsdMicro(0), 20),), price_max=Price(10**10)),
    ]
)
MARKS = np.array([10**8, 10**7])  # 100 and 10 USD a lot


def accounts(*rows: tuple[int, int, int]) -> Book:
    """Buckets of (equity in USD, BTC lots, ETH lots)."""
    offsets, raw, ids, sizes = [0], [], [], []
    for usd, btc, eth in rows:
        held = [(0, btc), (1, eth)]
        raw.append(usd * 10**6 - sum(lots * int(MARKS[row]) for row, lots in held))
        ids += [row for row, lots in held if lots]
        sizes += [lots for _, lots in held if lots]
        offsets.append(len(ids))
    return book(TABLE, offsets=offsets, raw_usd=raw, market=ids, size=sizes)


# cascades


def books(*depths: float) -> list[Resting]:
    return [resting(int(mark), depth) for mark, depth in zip(MARKS, depths, strict=True)]


def test_one_falls_and_takes_the_next_but_not_the_third() -> None:
    """Maintenance is 2.5 %. 10,000 USD sold into 100,000 within 1 % move the price 0.1 %; each further one as much."""
    held = accounts((249, 100, 0), (259, 100, 0), (300, 100, 0))
    found = cascade(held, MARKS, books(10**5, 10**5))
    assert found.first.tolist() == [True, False, False]
    assert found.liquidated.tolist() == [True, True, False]
    assert found.impact[0] == pytest.approx(-0.002)
    assert found.impact[1] == 0.0
    assert (found.taken_usd.tolist(), found.left_usd.tolist()) == ([20_000.0, 0.0], [0.0, 0.0])
    assert (found.amplification, found.rounds) == (2.0, 2)


def test_deeper_books_closed_parts_bands_and_gates_stop_a_cascade() -> None:
    held = accounts((249, 100, 0), (259, 100, 0))
    assert cascade(held, MARKS, books(10**6, 10**5)).liquidated.sum() == 1
    assert cascade(held, MARKS, books(10**5, 10**5), share=0.5).liquidated.sum() == 1
    assert cascade(held, MARKS, books(10**5, 10**5), band=0.0005).liquidated.sum() == 1
    gated = cascade(held, MARKS, books(10**5, 10**5), gate=0.00051)
    assert (gated.liquidated.sum(), gated.taken_usd[0], gated.left_usd[0]) == (1, 5_000.0, 5_000.0)
    quiet = cascade(accounts((900, 100, 0)), MARKS, books(1.0, 1.0))
    assert (quiet.rounds, quiet.amplification) == (0, 1.0)


def test_a_book_runs_out_and_the_price_stops_where_its_levels_do() -> None:
    """5,000 USD rest within 1 %: of 20,000 forced the rest has no price, and is the backstop's."""
    held = accounts((249, 100, 0), (259, 100, 0), (300, 100, 0))
    thin = cascade(held, MARKS, books(5_000.0, 10**5))
    assert thin.liquidated.tolist() == [True, True, True]
    assert (thin.taken_usd[0], thin.left_usd[0]) == (5_000.0, 25_000.0)
    assert thin.impact[0] == pytest.approx(-0.01)
    none = cascade(held, MARKS, [Resting((), ()), Resting((), ())])
    assert (none.liquidated.sum(), none.taken_usd[0], none.left_usd[0], none.impact[0]) == (1, 0.0, 10_000.0, 0.0)


def test_nobody_is_sold_below_the_bankruptcy_price() -> None:
    """Equity of 1 % of the position: the levels further down are not for it."""
    deep = Resting(((0.005, 40), (0.02, 100)), ())
    found = cascade(accounts((100, 100, 0)), MARKS, [deep, deep])
    assert (found.taken_usd[0], found.left_usd[0], found.impact[0]) == (4_000.0, 6_000.0, pytest.approx(-0.005))


def test_a_forced_short_lifts_the_price() -> None:
    found = cascade(accounts((249, -100, 0), (300, 50, 50)), MARKS, books(10**5, 10**5))
    assert found.impact[0] == pytest.approx(0.001)


def test_it_ends_on_any_book_and_more_depth_is_never_worse() -> None:
    random = np.random.default_rng(7)
    rows = [
        (int(u), int(b), int(e))
        for u, b, e in zip(
            random.integers(200, 2_000, 300), random.integers(-150, 150, 300), random.integers(1, 900, 300), strict=True
        )
    ]
    held = accounts(*[(usd, abs(btc), eth) for usd, btc, eth in rows])
    counts = []
    for depth in (10**3, 10**5, 10**6, 10**8):
        found = cascade(held, MARKS, books(depth, depth))
        assert (found.liquidated | ~found.first).all()
        assert not (remargin(held, found.marks).liquidatable & ~found.liquidated).any()
        assert found.rounds <= 301
        counts.append(int(found.liquidated.sum()))
    assert counts == sorted(counts, reverse=True)
    assert cascade(accounts(*rows), MARKS, books(10**4, 10**4)).rounds <= 301


@pytest.mark.parametrize("depth", [0.0, -1.0, float("nan"), float("inf")])
def test_a_depth_is_a_positive_number_and_each_market_has_a_book(depth: float) -> None:
    with pytest.raises(BadInput, match="depth"):
        resting(100, depth)
    with pytest.raises(BadInput, match="a book for each market"):
        cascade(accounts((900, 100, 0)), MARKS, books(1.0, 1.0)[:1])


# the curve


def test_the_curve_counts_who_is_liquidatable_where() -> None:
    """Equity 10 %, maintenance 2.5 %: a long falls at -7.69 %, a short at +7.32 %."""
    curve = liquidations_at(accounts((1_000, 100, 0), (1_000, -100, 0), (1_000, 0, 10)), MARKS, 0)
    at = {move: place for place, move in enumerate(CURVE)}
    assert curve.accounts[at[-0.06]] == curve.accounts[at[0]] == curve.accounts[at[0.06]] == 0
    assert (curve.longs_usd[at[-0.08]], curve.shorts_usd[at[-0.08]]) == (10_000.0, 0.0)
    assert (curve.longs_usd[at[0.08]], curve.shorts_usd[at[0.08]]) == (0.0, 10_000.0)
    with pytest.raises(BadInput, match="market"):
        liquidations_at(accounts((1, 0, 1)), MARKS, 2)


# liquidations- and value-at-risk


def test_a_path_liquidates_once_at_its_first_point_and_leaves_debt() -> None:
    held = accounts((1_000, 100, 0))
    prices = np.array([[[100, 95, 99], [92, 80, 100], [88, 120, 88]], [[10, 10, 10]] * 3]) * np.array([[[10**6]]])
    found = at_risk(held, prices, cost=0.0)
    assert found.liquidated_usd.tolist() == [0.0, 9_200.0, 8_800.0]
    assert found.debt_usd.tolist() == [0.0, 0.0, 200.0]
    assert at_risk(held, prices, cost=0.05).debt_usd.tolist() == [0.0, 260.0, 640.0]


def test_tiers_count_and_threads_change_nothing() -> None:
    random = np.random.default_rng(3)
    held = accounts(*((int(u), int(b), int(e)) for u, b, e in random.integers(-200, 200, (60, 3)) * [[9, 1, 3]]))
    big = accounts((160_000, 20_000, 0), (100, 1, 1))
    prices = np.rint(MARKS[:, None, None] * np.exp(0.05 * random.standard_normal((2, 40, 12)).cumsum(axis=2)))
    for one in (held, big):
        apart = at_risk(one, prices.astype(np.int64))
        together = at_risk(one, prices.astype(np.int64), threads=3)
        np.testing.assert_allclose(apart.liquidated_usd, together.liquidated_usd)
        for path in range(40):
            hit = np.zeros(one.accounts, bool)
            for point in range(12):
                hit |= remargin(one, prices[:, path, point].astype(np.int64)).liquidatable
            assert (apart.liquidated_usd[path] > 0) == bool(hit[np.diff(one.offsets) > 0].any())


def test_the_percentile_is_of_paths() -> None:
    found = AtRisk(liquidated_usd=np.arange(101.0), debt_usd=np.zeros(101))
    assert (found.liquidations_at_risk, found.value_at_risk) == (95.0, 0.0)


@pytest.mark.parametrize("prices", [np.ones((2, 3), np.int64), np.zeros((2, 1, 1), np.int64)])
def test_paths_have_a_shape_and_bounds(prices: np.ndarray) -> None:
    with pytest.raises(BadInput, match="prices"):
        at_risk(accounts((1, 1, 0)), prices)


# cover-2


def test_the_two_largest_linked_groups_in_the_worst_scenario() -> None:
    """At -20 %: each of 100 lots loses 2,000 USD of 1,000. Two buckets of group 5, one of 6, two of 7."""
    held = accounts(*([(1_000, 100, 0)] * 2), (900, 100, 0), *([(1_000, 100, 0)] * 2))
    chosen = [Scenario(name="down", moves=(-0.2, 0.0)), Scenario(name="up", moves=(0.2, 0.0))]
    found = cover(held, MARKS, [5, 5, 6, 7, 7], chosen, insurance_usd=2_000.0)
    assert found.need_usd == 4_000.0
    assert found.ratio == 0.5
    assert found.losses[0].scenario == "down"
    assert found.losses[0].total_usd == 5_100.0
    assert found.losses[0].groups == ((5, 2_000.0), (7, 2_000.0))
    assert found.losses[1].groups == ()


def test_scenarios_hold_every_market_alone_and_what_was_recorded() -> None:
    plain = scenarios(NAMES)
    assert {"all -50%", "BTC alone +50%", "ETH +20%, the others -20%"} <= {one.name for one in plain}
    bars = Bars(names=NAMES, **dict.fromkeys(("open", "high", "low", "close"), np.zeros((0, 2))))
    moves = foresee(bars, dict.fromkeys(NAMES, 0.05), seed=1, paths=50)
    more = scenarios(NAMES, moves)
    assert len(more) > len(plain)
    assert min(one.moves[0] for one in more[len(plain) :]) == pytest.approx(float(np.expm1(moves.of("BTC").min())))


def test_cover_refuses_what_does_not_fit() -> None:
    held = accounts((1_000, 100, 0))
    with pytest.raises(BadInput, match="groups"):
        cover(held, MARKS, [1, 2], scenarios(NAMES), insurance_usd=0.0)
    with pytest.raises(BadInput, match="scenarios"):
        cover(held, MARKS, [1], [Scenario(name="one", moves=(0.1,))], insurance_usd=0.0)
