"""The replay: its integers are the core's, its books balance, its mark rules do what they say."""

from dataclasses import replace as changed

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.lab import columns, liquidate, market_impact, replay, watch
from seawall.lab.columns import Buckets, Quotes, Rules, Scene
from seawall.lab.history import History, check_history
from seawall.lab.metrics import headline, percentiles
from seawall.lab.population import Mix, Population, populate, populate_for
from seawall.lab.rules import MarkRule, ReplayPolicy, check_policy, rules_of
from seawall.margin.health import health
from seawall.pricing.mark import clamp_to_band
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions
from seawall.terms.market import Mark, market
from seawall.units import RATE_ONE, BadInput, Lots, Price, Rate, UsdMicro
from seawall.wide import split_ceil_rate

START_MS = 1_760_054_400_000
ALL_RULES = tuple(MarkRule)


def history_of(
    perp: np.ndarray, index: np.ndarray, *, interval_ms: int = 1_000, depth: float = 5e6, funding: float | None = None
) -> History:
    """Bars whose extremes are their open and close; `perp` and `index` are [T, S]."""
    opened = np.vstack((perp[:1], perp[:-1]))
    shape = perp.shape
    return check_history(
        History(
            name="made",
            symbols=("BTC", "ETH", "SOL")[: shape[1]],
            interval_ms=interval_ms,
            times_ms=START_MS + interval_ms * np.arange(shape[0], dtype=np.int64),
            open=opened,
            high=np.maximum(opened, perp),
            low=np.minimum(opened, perp),
            close=perp,
            index=index,
            index_low=index,
            index_high=index,
            has_index=np.ones(shape[1], np.bool_),
            volume_usd=np.full(shape, 1e5),
            depth_usd=np.full(shape, depth),
            funding_hour=None if funding is None else np.full(shape, funding),
            live=np.ones(shape, np.bool_),
        )
    )


def crash(bars: int = 80, *, fall: float = 0.3, extra: float = 0.2, interval_ms: int = 1_000) -> History:
    """Both prices fall by `fall`; the perp by `extra` more for a while, then it returns to the index."""
    rng = np.random.default_rng(7)
    path = np.interp(np.arange(bars), (0, bars // 3, bars // 2, bars), (0.0, 0.0, np.log(1 - fall), np.log(1 - fall)))
    noise = np.cumsum(rng.normal(0, 0.001, (bars, 3)), axis=0)
    index = np.exp(path[:, None] + noise) * np.array([100_000.0, 3_000.0, 150.0])
    gap = np.interp(np.arange(bars), (bars // 3, bars // 2, 2 * bars // 3), (0.0, -extra, 0.0))
    return history_of(index * (1 + gap[:, None]), index, interval_ms=interval_ms)


def people(history: History, accounts: int = 800) -> Population:
    return populate_for(history, 3, Mix(accounts=accounts))


@pytest.fixture(scope="module")
def crashed() -> replay.Replay:
    history = crash()
    return replay.replay(history, people(history), ALL_RULES)


def test_every_bucket_has_the_equity_and_maintenance_of_the_core() -> None:
    history = crash()
    population = people(history, 300)
    buckets, _ = replay.opening(population, ReplayPolicy())
    terms = columns.terms_of(population.markets)
    for factor in (10, 7, 4, 1, 17):
        marks = np.maximum(1, population.price * factor // 10)
        assert_core_agrees(population, buckets, terms, marks)


def quote(price: int) -> Mark:
    return Mark(mark=Price(price), oracle=Price(price))


def assert_core_agrees(population: Population, buckets: Buckets, terms: columns.Terms, marks: np.ndarray) -> None:
    quotes = {item.name: quote(int(p)) for item, p in zip(population.markets, marks, strict=True)}
    conditions = Conditions(markets={item.name: item for item in population.markets}, marks=quotes)
    for bucket in range(population.buckets):
        rows = range(population.offsets[bucket], population.offsets[bucket + 1])
        held = tuple(
            Position(market=population.markets[population.market[row]].name, size=Lots(int(population.size[row])))
            for row in rows
        )
        kind = BucketKind.ISOLATED if population.isolated[bucket] else BucketKind.CROSS
        core = health(Bucket(kind=kind, raw_usd=UsdMicro(int(population.raw_usd[bucket])), positions=held), conditions)
        equity, high, low = watch.health_of(buckets, terms, marks, bucket)
        assert (equity, split_ceil_rate(high, low)) == (core.equity, core.maintenance)


def test_a_deep_tier_is_exact_at_and_around_its_edge() -> None:
    edge = 3_000_000_000_001
    item = market("BTC", size_decimals=0, tiers=((UsdMicro(0), 40), (UsdMicro(edge), 7), (UsdMicro(9 * edge), 3)))
    terms = columns.terms_of((item,))
    conditions = Conditions(markets={"BTC": item}, marks={"BTC": Mark(mark=Price(1), oracle=Price(1))})
    for size in (edge - 1, edge, edge + 1, 9 * edge - 1, 9 * edge, 2**52):
        core = health(Bucket(raw_usd=UsdMicro(0), positions=(Position(market="BTC", size=Lots(size)),)), conditions)
        high, low = watch.position_maintenance(terms.table, 0, size)
        assert split_ceil_rate(high, low) == core.maintenance


@given(st.integers(0, 2**58), st.integers(0, RATE_ONE // 4))
def test_share_up_is_the_ceiling(amount: int, rate: int) -> None:
    assert watch.share_up(amount, rate) == -(-amount * rate // RATE_ONE)


@given(st.integers(1, 2**40), st.integers(1, 2**40), st.integers(0, RATE_ONE // 4))
def test_the_clamp_is_the_one_of_pricing(perp: int, index: int, band: int) -> None:
    rules = rules_of(MarkRule.CLAMPED, ReplayPolicy(clamp_band=Rate(band)))
    assert liquidate.mark_at(perp, index, True, rules) == clamp_to_band(perp, Price(index), Rate(band))


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_marks_of_the_other_rules(perp: int, index: int) -> None:
    policy = ReplayPolicy()
    assert liquidate.mark_at(perp, index, True, rules_of(MarkRule.LAST, policy)) == perp
    assert liquidate.mark_at(perp, index, True, rules_of(MarkRule.INDEX, policy)) == index
    assert liquidate.mark_at(perp, index, False, rules_of(MarkRule.CLAMPED, policy)) == perp


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=3), min_size=2, max_size=25))
def test_the_watch_list_misses_nobody(moves: list[list[float]]) -> None:
    population = people(crash(), 300)
    kept, _ = replay.opening(population, ReplayPolicy())
    plain, _ = replay.opening(population, ReplayPolicy())
    terms = columns.terms_of(population.markets)
    looks = watch.watch(population.buckets, 3)
    prices = population.price.astype(float)
    for move in moves:
        prices = prices * (1 + np.array(move))
        marks = np.maximum(1, np.rint(prices)).astype(np.int64)
        count = watch.find_unhealthy(looks, kept, terms, marks, 240_000)
        fresh = watch.watch(population.buckets, 3)
        wanted = watch.find_unhealthy(fresh, plain, terms, marks, 240_000)
        assert looks.found[:count].tolist() == fresh.found[:wanted].tolist()


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("slack_bp", range(10, 310, 10))
def test_a_bucket_just_outside_the_list_survives_the_largest_move_it_is_good_for(slack_bp: int, side: int) -> None:
    item = market("BTC", size_decimals=0, tiers=((UsdMicro(0), 1),), price_max=Price(2**20))
    terms, price = columns.terms_of((item,)), 100_000
    equity = 1_000 * price // 2 + 1_000 * price * slack_bp // 10_000
    buckets = columns.buckets_of(
        offsets=np.array([0, 1]),
        market=np.zeros(1),
        size=np.array([side * 1_000]),
        raw_usd=np.array([equity - side * 1_000 * price]),
        isolated=np.zeros(1, np.bool_),
        owner=np.zeros(1, np.int32),
    )
    looks = watch.watch(1, 1)
    assert watch.find_unhealthy(looks, buckets, terms, np.array([price]), 0) == 0
    moved = np.array([price - side * price * 198 // 10_000])
    found = watch.find_unhealthy(looks, buckets, terms, moved, 0)
    assert looks.state[watch.LOOKS] == 1
    equity, high, low = watch.health_of(buckets, terms, moved, 0)
    assert found == int(equity < split_ceil_rate(high, low))


def test_the_watch_list_is_used() -> None:
    population = people(crash(), 300)
    buckets, _ = replay.opening(population, ReplayPolicy())
    terms, looks = columns.terms_of(population.markets), watch.watch(population.buckets, 3)
    for share in (970, 971, 969, 975):
        watch.find_unhealthy(looks, buckets, terms, population.price * share // 1000, 0)
    assert looks.state[watch.LOOKS] == 1
    assert 0 < looks.state[watch.COUNT] < population.buckets


def test_books_balance_and_a_stray_unit_is_seen(crashed: replay.Replay) -> None:
    for run in crashed.runs:
        total = replay.books(run.buckets, run.venue)
        replay.check_books(run.buckets, run.venue, total)
        with pytest.raises(AssertionError, match="cash changed by -1"):
            replay.check_books(run.buckets, run.venue, total + 1)
        run.buckets.size[0] += 1
        with pytest.raises(AssertionError, match="do not sum to zero"):
            replay.check_books(run.buckets, run.venue, total)
        run.buckets.size[0] -= 1


def test_nothing_is_lost_between_the_first_bar_and_the_last(crashed: replay.Replay) -> None:
    for run in crashed.runs:
        buckets, venue = replay.opening(crashed.population, crashed.policy)
        assert replay.books(buckets, venue) == replay.books(run.buckets, run.venue)
        gained = int(run.venue.money[columns.FEES]) - int(run.venue.money[columns.INSURANCE_PAID])
        assert run.opening_fund + gained == run.venue.money[columns.FUND]
        left = np.zeros((3, 2), np.int64)
        np.add.at(left[:, 0], run.buckets.market, np.maximum(run.buckets.size, 0))
        np.add.at(left[:, 1], run.buckets.market, np.maximum(-run.buckets.size, 0))
        assert left.tolist() == run.venue.open_lots.tolist()


def test_closed_buckets_are_empty_and_owe_nothing(crashed: replay.Replay) -> None:
    for run in crashed.runs:
        assert run.recorder.counts[:, columns.FILLS].sum() > 0
        for bucket in np.flatnonzero(run.buckets.status == columns.CLOSED):
            assert liquidate.is_flat(run.buckets, bucket)
            assert run.buckets.raw_usd[bucket] >= 0
        assert (run.buckets.liquidated > 0).tolist() == (run.buckets.first_bar >= 0).tolist()


def test_a_wick_that_the_index_never_made_liquidates_only_under_the_last_price() -> None:
    bars = 30
    index = np.tile([100_000.0, 3_000.0, 150.0], (bars, 1))
    perp = index.copy()
    perp[10:13] *= 0.6
    history = history_of(perp, index, depth=1e9)
    done = replay.replay(history, people(history), ALL_RULES)
    figures = {run.rule: headline(done, run) for run in done.runs}
    assert figures[MarkRule.LAST]["buckets_liquidated"] > 100
    assert figures[MarkRule.LAST]["unnecessary_buckets"] == figures[MarkRule.LAST]["buckets_liquidated"]
    assert figures[MarkRule.INDEX]["buckets_liquidated"] == 0
    assert figures[MarkRule.CLAMPED]["notional"] < figures[MarkRule.LAST]["notional"] // 20
    assert figures[MarkRule.LAST]["worst_mark_gap_ppm"] < -400_000
    assert figures[MarkRule.CLAMPED]["worst_mark_gap_ppm"] == -20_000


def test_the_gate_keeps_every_fill_near_the_index(crashed: replay.Replay) -> None:
    figures = {run.rule: headline(crashed, run) for run in crashed.runs}
    gated, open_ = figures[MarkRule.CLAMPED], figures[MarkRule.CLAMP_ONLY]
    assert gated["lost_to_index"] <= gated["notional"] * 31 // 1000
    assert open_["lost_to_index"] > open_["notional"] * 31 // 1000


def test_gated_buckets_wait_and_are_served_when_the_perp_is_back(crashed: replay.Replay) -> None:
    run = next(run for run in crashed.runs if run.rule is MarkRule.CLAMPED)
    assert run.recorder.waiting.max() > run.recorder.waiting[-1]


def test_equal_arguments_give_equal_figures() -> None:
    history = crash(40)
    first, second = (replay.replay(history, people(history), ALL_RULES) for _ in range(2))
    for one, other in zip(first.runs, second.runs, strict=True):
        assert headline(first, one) == headline(second, other)
        assert one.buckets.raw_usd.tobytes() == other.buckets.raw_usd.tobytes()


def test_funding_moves_money_between_accounts_and_leaves_dust() -> None:
    flat = np.tile([100_000.0, 3_000.0, 150.0], (5, 1))
    history = history_of(flat, flat, interval_ms=3_600_000, funding=1e-4)
    population = people(history)
    run = replay.run_rule(replay.path_of(history, population), population, MarkRule.LAST, ReplayPolicy())
    paid = run.buckets.raw_usd - population.raw_usd
    longs = np.add.reduceat(population.size * population.price[population.market], population.offsets[:-1])
    assert (paid[longs > 10**9] < 0).all()
    assert 0 <= run.venue.money[columns.FUNDING_DUST] <= 4 * population.positions
    assert paid.sum() == -run.venue.money[columns.FUNDING_DUST]


def test_funding_alone_brings_buckets_to_liquidation() -> None:
    flat = np.tile([100_000.0, 3_000.0, 150.0], (12, 1))
    history = history_of(flat, flat, interval_ms=3_600_000, funding=0.002)
    population = people(history)
    run = replay.run_rule(replay.path_of(history, population), population, MarkRule.INDEX, ReplayPolicy())
    assert (run.buckets.first_bar > 0).any()
    assert_nobody_overlooked(population, run)


def assert_nobody_overlooked(population: Population, run: replay.RuleRun) -> None:
    """Buckets that nobody is liquidating have their maintenance at the last marks."""
    terms = columns.terms_of(population.markets)
    for bucket in np.flatnonzero(run.buckets.status == columns.HEALTHY):
        equity, high, low = watch.health_of(run.buckets, terms, run.recorder.mark[-1], bucket)
        assert equity >= split_ceil_rate(high, low)


def test_nobody_below_maintenance_is_overlooked(crashed: replay.Replay) -> None:
    for run in crashed.runs:
        assert_nobody_overlooked(crashed.population, run)


def test_some_liquidations_are_due_and_some_are_not(crashed: replay.Replay) -> None:
    figures = headline(crashed, next(run for run in crashed.runs if run.rule is MarkRule.LAST))
    assert 0 < figures["unnecessary_buckets"] < figures["buckets_liquidated"]
    assert 0 < figures["unnecessary_notional"] < figures["notional"]


def test_funding_is_the_floor_for_payer_and_receiver() -> None:
    for size, step in ((7, 1_500_001), (-7, 1_500_001), (7, -1_500_001), (3, 2**50), (-3, 999_999)):
        assert liquidate.funding_payment(size, step) == -size * step // 10**6


def test_a_funding_rate_beyond_the_cap_is_refused() -> None:
    flat = np.tile([100_000.0, 3_000.0, 150.0], (5, 1))
    history = history_of(flat, flat, funding=0.05)
    with pytest.raises(BadInput, match="funding_hour"):
        replay.path_of(history, people(history))


def test_a_market_without_bars_fills_nothing() -> None:
    history = crash()
    dead = history.live.copy()
    dead[20:, 0] = False
    prices = {name: np.where(dead, getattr(history, name), np.nan) for name in ("open", "high", "low", "close")}
    more = {name: np.where(dead, getattr(history, name), np.nan) for name in ("index", "index_low", "index_high")}
    gaps = check_history(changed(history, live=dead, **prices, **more))
    done = replay.replay(gaps, people(gaps), [MarkRule.LAST])
    assert done.runs[0].recorder.fills[20:, 0].sum() == 0
    assert done.runs[0].recorder.fills[20:, 1].sum() > 0
    assert len(set(done.runs[0].recorder.mark[20:, 0].tolist())) == 1


def test_bars_are_walked_through_both_extremes_closing_last() -> None:
    perp = np.array([[100.0], [90.0], [110.0]])
    history = changed(history_of(perp, perp, interval_ms=60_000), symbols=("BTC",))
    population = populate(people(history).markets, np.array([100.0]), np.array([1e6]), 1, Mix(accounts=50))
    points = replay.path_of(history, population).perp[:, :, 0] / replay.path_of(history, population).perp[0, 0, 0]
    assert points[1].tolist() == pytest.approx([1.0, 0.9, 0.9])
    assert points[2].tolist() == pytest.approx([0.9, 1.1, 1.1])


def scene_of(equity: int, *, size: int = 1_000_000, depth: float = 1e9, fund: int = 0) -> Scene:
    """One long of `size` lots at 1,000 micro-USD, maintenance 5 %, with `equity` micro-USD."""
    item = market("BTC", size_decimals=0, tiers=((UsdMicro(0), 10),), price_max=Price(4_000))
    one = np.ones(1, np.int64)
    buckets = columns.buckets_of(
        offsets=np.array([0, 1]),
        market=np.zeros(1),
        size=size * one,
        raw_usd=(equity - size * 1_000) * one,
        isolated=np.zeros(1, np.bool_),
        owner=np.zeros(1, np.int32),
    )
    quotes = Quotes(
        perp=1_000 * one,
        index_price=1_000 * one,
        has_index=np.ones(1, np.bool_),
        live=np.ones(1, np.bool_),
        depth_usd=np.full(1, depth),
        mark=1_000 * one,
        displacement=np.zeros(1),
        room=np.zeros((1, 2), np.int64),
    )
    rules: Rules = rules_of(MarkRule.LAST, ReplayPolicy())
    venue = columns.Venue(np.zeros(columns.VENUE_CELLS, np.int64), -size * one, np.array([[size, 0]]))
    venue.money[columns.FUND] = fund
    return Scene(buckets, quotes, columns.terms_of((item,)), rules, venue, columns.tally(1))


@pytest.mark.parametrize("equity", [49_999_999, 45_000_000, 30_000_000, 20_000_000])
def test_a_partial_close_is_the_least_that_reaches_the_liquidation_end(equity: int) -> None:
    scene = scene_of(equity)
    liquidate.set_mark(scene.quotes, scene.terms, scene.rules, 0)
    order = liquidate.forced_order(scene, 0, 0)
    amount = liquidate.amount_to_close(order, scene.terms.table, scene.rules)
    assert 0 < amount < 1_000_000
    assert liquidate.is_enough(order, scene.terms.table, scene.rules, amount)
    assert not liquidate.is_enough(order, scene.terms.table, scene.rules, amount - 1)


def test_equity_at_maintenance_is_healthy_and_one_unit_less_is_not() -> None:
    for equity, fills in ((50_000_000, 0), (49_999_999, 1)):
        scene = scene_of(equity)
        liquidate.liquidate_point(scene, watch.watch(1, 1), 0)
        assert (scene.tally.counters[columns.FILLS] > 0) == bool(fills)


def test_a_deficit_takes_the_fund_first_and_the_rest_is_bad_debt() -> None:
    scene = scene_of(-5_000_000, fund=2_000_000)
    before = replay.books(scene.buckets, scene.venue)
    liquidate.liquidate_point(scene, watch.watch(1, 1), 0)
    money = scene.venue.money
    assert scene.buckets.status[0] == columns.CLOSED
    assert money[columns.FUND] == 0
    assert money[columns.INSURANCE_PAID] == 2_000_000
    assert money[columns.BAD_DEBT] >= 3_000_000
    assert money[columns.FEES] == 0
    assert replay.books(scene.buckets, scene.venue) == before


def test_a_book_that_ends_leaves_the_rest_waiting() -> None:
    scene = scene_of(-5_000_000, depth=100.0)
    liquidate.liquidate_point(scene, watch.watch(1, 1), 0)
    assert scene.buckets.status[0] == columns.LIQUIDATING
    assert scene.buckets.size[0] > 0
    assert scene.quotes.displacement[0] >= -0.0501


def test_what_an_isolated_bucket_keeps_goes_home() -> None:
    buckets = columns.buckets_of(
        offsets=np.array([0, 0, 1, 2]),
        market=np.zeros(2),
        size=np.zeros(2),
        raw_usd=np.array([10, 7, 5]),
        isolated=np.array([False, True, True]),
        owner=np.array([0, 0, 1]),
    )
    scene = scene_of(0)._replace(buckets=buckets)
    liquidate.settle_closed(scene, 1, 0)
    liquidate.settle_closed(scene, 2, 0)
    assert buckets.raw_usd.tolist() == [17, 0, 5]


def test_a_book_is_walked_and_refills() -> None:
    after = market_impact.displacement_after(0.0, 2_000_000.0, 1_000_000.0, -1)
    assert after == pytest.approx(-0.02)
    assert market_impact.fill_price(1_000_000, 0.0, after, -1, 2**40) == 990_000
    assert market_impact.fill_price(999, 0.0, after, -1, 2**40) == 989
    assert market_impact.fill_price(999, 0.0, -after, 1, 2**40) == 1_009
    assert market_impact.decay(after, 60_000, 60_000) == pytest.approx(-0.01)
    assert market_impact.capacity_usd(after, 1_000_000.0, -1, -0.05, 0.05) == pytest.approx(3_000_000)
    assert market_impact.capacity_usd(-0.06, 1_000_000.0, -1, -0.05, 0.05) == 0
    assert market_impact.capacity_usd(0.0, 0.0, -1, -0.05, 0.05) == 0


def test_percentiles_of_a_histogram() -> None:
    counts = np.zeros(liquidate.RATIO_CELLS, np.int64)
    assert percentiles(counts).tolist() == [0, 0, 0, 0]
    counts[0], counts[200], counts[500] = 2, 58, 40
    expected = [0.0, 0.05 * 1.01**199, 0.05 * 1.01**199, 0.05 * 1.01**199]
    assert percentiles(counts).tolist() == pytest.approx(expected)


def test_refused_arguments() -> None:
    history = crash(20)
    population = people(history, 100)
    blind = changed(history, has_index=np.zeros(3, np.bool_))
    with pytest.raises(BadInput, match="no independent index"):
        replay.replay(blind, population, [MarkRule.CLAMPED])
    with pytest.raises(BadInput, match="different mark rules"):
        replay.replay(history, population, [MarkRule.LAST, MarkRule.LAST])
    with pytest.raises(BadInput, match="not the markets"):
        replay.replay(changed(history, symbols=("A", "B", "C")), population, [MarkRule.LAST])
    with pytest.raises(BadInput, match=r"policy\.gate"):
        check_policy(ReplayPolicy(gate=Rate(RATE_ONE)))
    with pytest.raises(BadInput, match="refill"):
        check_policy(ReplayPolicy(refill_half_life_ms=0))
