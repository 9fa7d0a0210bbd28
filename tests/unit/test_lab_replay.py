"""The replay on the engine: its figures are the core's, its books balance, its mark rules do what they say."""

from dataclasses import replace as changed

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine.invariants import broken
from seawall.engine.venue import Venue
from seawall.lab import arena, breach, series
from seawall.lab.breach import Buckets, breaches
from seawall.lab.compare import Outcome, compare
from seawall.lab.history import History, check_history
from seawall.lab.opening import Feed
from seawall.lab.path import path_of
from seawall.lab.population import Mix, Population, populate_for
from seawall.lab.rulesets import rule_sets
from seawall.lab.tally import Tally, add_events
from seawall.margin.columns import market_table
from seawall.margin.health import health
from seawall.terms import command, event, limits, parameter
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.market import Mark, market
from seawall.units import BadInput, Lots, Price, UsdMicro
from seawall.wide import split_ceil_rate

START_MS = 1_760_054_400_000
AT = {name: place for place, name in enumerate(event.ROW)}
MARKED = ("last", "clamp-only", "clamped", "index")


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


def ran(history: History, population: Population, mark: str | None, name: str = "seawall") -> Outcome:
    return compare(history, population, rule_sets((name,), mark), 1, lambda _: None).configured[name]


def closed(made: Outcome) -> float:
    return float(made.run.tally.closed.sum())


@pytest.fixture(scope="module")
def crashed() -> dict[str, Outcome]:
    history = crash()
    population = people(history, 400)
    return {mark: ran(history, population, mark) for mark in MARKED}


def quote(price: int) -> Mark:
    return Mark(mark=Price(price), oracle=Price(price))


def columns_of(population: Population, since: np.ndarray | None = None) -> Buckets:
    first = np.zeros(population.buckets, np.int64) if since is None else since
    parts = (population.offsets, population.market, population.size, population.raw_usd, first)
    return Buckets(*(part.astype(np.int64) for part in parts))


def test_every_bucket_has_the_margin_of_the_core() -> None:
    history = crash()
    population = people(history, 300)
    table, none = np.stack(market_table(population.markets).tiers, axis=-1), np.zeros(3, np.int64)
    for factor in (10, 7, 4, 1, 17):
        marks = np.maximum(1, population.price * factor // 10)
        quotes = {item.name: quote(int(p)) for item, p in zip(population.markets, marks, strict=True)}
        conditions = Conditions(markets={item.name: item for item in population.markets}, marks=quotes)
        for bucket in range(population.buckets):
            rows = range(population.offsets[bucket], population.offsets[bucket + 1])
            names = [population.markets[population.market[row]].name for row in rows]
            held = tuple(
                Position(market=name, size=Lots(int(population.size[row])))
                for name, row in zip(names, rows, strict=True)
            )
            kind = BucketKind.ISOLATED if population.isolated[bucket] else BucketKind.CROSS
            raw = UsdMicro(int(population.raw_usd[bucket]))
            core = health(Bucket(kind=kind, raw_usd=raw, positions=held), conditions)
            found = breach.least_margin(columns_of(population), bucket, table, (marks, marks), (none, none))
            assert found == core.equity - core.maintenance


def test_a_deep_tier_is_exact_at_and_around_its_edge() -> None:
    edge = 3_000_000_000_001
    item = market("BTC", size_decimals=0, tiers=((UsdMicro(0), 40), (UsdMicro(edge), 7), (UsdMicro(9 * edge), 3)))
    table = np.stack(market_table((item,)).tiers, axis=-1)
    conditions = Conditions(markets={"BTC": item}, marks={"BTC": Mark(mark=Price(1), oracle=Price(1))})
    for size in (edge - 1, edge, edge + 1, 9 * edge - 1, 9 * edge, 2**52):
        core = health(Bucket(raw_usd=UsdMicro(0), positions=(Position(market="BTC", size=Lots(size)),)), conditions)
        high, low = breach.position_maintenance(table, 0, size)
        assert split_ceil_rate(high, low) == core.maintenance


@given(st.lists(st.floats(-0.03, 0.03), min_size=2, max_size=200), st.floats(-0.001, 0.001))
def test_passing_over_blocks_misses_nobody(moves: list[float], funding: float) -> None:
    population = people(crash(), 60)
    price = population.price[None, :] * np.exp(np.cumsum(moves))[:, None]
    index = np.maximum(1, np.rint(price)).astype(np.int64)
    step = np.rint(index * funding * 1e6).astype(np.int64)
    since = np.random.default_rng(len(moves)).integers(0, len(moves), population.buckets)
    found = breaches(columns_of(population, since), population.markets, index[:, None, :], step)
    table = np.stack(market_table(population.markets).tiers, axis=-1)
    paid = np.cumsum(step, axis=0)
    for bucket in range(population.buckets):
        least = min(
            breach.least_margin(columns_of(population), bucket, table, (at, at), (owed, owed))
            for at, owed in zip(index[since[bucket] :], paid[since[bucket] :] - paid[since[bucket]], strict=True)
        )
        assert found[bucket] == (least < 0)


def test_funding_alone_brings_buckets_below_maintenance() -> None:
    flat = np.tile([100_000.0, 3_000.0, 150.0], (12, 1))
    quiet, dear = (history_of(flat, flat, interval_ms=3_600_000, funding=rate) for rate in (0.0, 0.002))
    population = people(quiet)
    hit = []
    for history in (quiet, dear):
        path = path_of(history, population)
        hit.append(breaches(columns_of(population), population.markets, path.index, path.funding_step))
    assert not hit[0].any()
    assert hit[1].any()


def test_funding_is_the_floor_for_payer_and_receiver() -> None:
    for size, step in ((7, 1_500_001), (-7, 1_500_001), (7, -1_500_001), (3, 2**50), (-3, 999_999)):
        assert breach.funding_payment(size, step) == -size * step // 10**6


def test_a_funding_rate_beyond_the_cap_is_refused() -> None:
    flat = np.tile([100_000.0, 3_000.0, 150.0], (5, 1))
    history = history_of(flat, flat, funding=0.05)
    with pytest.raises(BadInput, match="funding_hour"):
        path_of(history, people(history))


def test_a_population_of_other_markets_is_refused() -> None:
    history = crash(20)
    with pytest.raises(BadInput, match="not the markets"):
        path_of(changed(history, symbols=("A", "B", "C")), people(history, 100))


def test_long_bars_are_walked_in_straight_steps_that_jump_over_no_price() -> None:
    falling = np.linspace(1.0, 0.5, 6)[:, None] * np.array([[100_000.0, 3_000.0, 150.0]])
    short, long = (history_of(falling, falling, interval_ms=ms) for ms in (300_000, 3_600_000))
    population = people(short)
    few, many = path_of(short, population), path_of(long, population)
    assert (few.points, many.points) == (3, 36)
    np.testing.assert_array_equal(many.perp[:, 11::12], few.perp)  # every recorded extreme and close is met
    np.testing.assert_array_equal(many.index[:, 11::12], few.index)
    walked = many.perp[:, :, 0].ravel()
    steps = np.abs(np.diff(few.perp[:, :, 0].ravel(), prepend=few.perp[0, 0, 0]))
    assert np.abs(np.diff(walked)).max() <= steps.max() / 12 + 1


def test_the_throttle_follows_the_depth_that_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[int]] = []

    def seen(venue: Venue) -> None:
        told.append(venue.columns["param"][:3, parameter.LIQUIDATION_CAPACITY].tolist())

    taken = arena._liquidate

    def watched(feed: Feed, *rest: object) -> None:
        seen(feed.venue)
        taken(feed, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(arena, "_liquidate", watched)
    history = crash(10)
    for name, expected in (("seawall", None), ("static", NOTIONAL_MAX)):
        told.clear()
        ran(history, people(history, 100), None, name)
        for place, found in enumerate(told):
            depth = history.depth_usd[place // 3] * 1e6
            wanted = [int(max(one, 1e9)) for one in depth] if expected is None else [expected] * 3
            assert found == wanted


def test_the_engine_is_sound_when_the_crash_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    venues: list[Venue] = []

    def kept(*arguments: object) -> Venue:
        venues.append(Venue(*arguments))  # type: ignore[arg-type]
        return venues[-1]

    monkeypatch.setattr(arena, "Venue", kept)
    history = crash(40)
    for name in ("static", "hyperliquid", "dydx", "binance", "drift", "seawall"):
        made = ran(history, people(history, 150), None, name)
        assert made.run.tally.touched.any()
    assert len(venues) == 6
    for venue in venues:
        assert broken(venue.columns) == []


def test_a_wick_that_the_index_never_made_liquidates_only_under_the_last_price() -> None:
    bars = 30
    index = np.tile([100_000.0, 3_000.0, 150.0], (bars, 1))
    perp = index.copy()
    perp[10:13] *= 0.6
    history = history_of(perp, index, depth=1e9)
    population = people(history)
    done = {mark: ran(history, population, mark) for mark in ("last", "clamped", "index")}
    buckets = {mark: series.buckets_by_bar(made.run.tally).sum() for mark, made in done.items()}
    assert buckets["last"] > 100
    assert not done["last"].breached.any()
    assert buckets["index"] == 0
    assert closed(done["clamped"]) < closed(done["last"]) / 4
    assert done["last"].run.seen.mark_gap.min() == pytest.approx(-0.25, abs=1e-3)
    assert done["clamped"].run.seen.mark_gap.min() == pytest.approx(-0.02, abs=1e-4)


def test_the_gate_keeps_every_fill_near_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    history = crash()
    population = people(history, 400)
    index, furthest = path_of(history, population).index[:, 0], {}
    for mark in ("clamped", "clamp-only"):
        fills = listened(monkeypatch, event.LIQUIDATION_FILL)
        ran(history, population, mark, "static")  # whose bankruptcy prices reach beyond the gate
        found = np.array(fills)
        side, price = np.sign(found[:, AT["size"]]), found[:, AT["price"]]
        furthest[mark] = float((side * (price / index[found[:, -1], found[:, AT["market"]]] - 1)).max())
    assert 0 < furthest["clamped"] <= 0.0301 < furthest["clamp-only"]


def listened(monkeypatch: pytest.MonkeyPatch, kind: int) -> list[list[int]]:
    """A list that the events of a kind go to during the next run, each followed by its bar."""
    heard: list[list[int]] = []

    def listening(tally: Tally, events: np.ndarray, marks: np.ndarray, bar: int, now_ms: int) -> int:
        heard.extend([*row, bar] for row in events[series.field(events, "kind") == kind].tolist())
        return add_events(tally, events, marks, bar, now_ms)

    monkeypatch.setattr(arena, "add_events", listening)
    return heard


def test_gated_buckets_wait_and_are_served_when_the_perp_is_back(crashed: dict[str, Outcome]) -> None:
    waiting = crashed["clamped"].run.seen.waiting
    assert waiting.max() > waiting[-1]


def test_some_liquidations_are_due_and_some_are_not(crashed: dict[str, Outcome]) -> None:
    made = crashed["last"]
    hit = (made.run.opened_bucket >= 0) & (made.run.tally.first_bar[made.run.opened_bucket] >= 0)
    assert 0 < (hit & made.breached).sum() < hit.sum()


def test_a_market_without_bars_fills_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    history = crash()
    live = history.live.copy()
    live[20:, 0] = False
    shown = {
        name: np.where(live, getattr(history, name), np.nan)
        for name in ("open", "high", "low", "close", "index", "index_low", "index_high")
    }
    depth, volume = np.where(live, history.depth_usd, 0.0), np.where(live, history.volume_usd, 0.0)
    dead = check_history(changed(history, live=live, depth_usd=depth, volume_usd=volume, **shown))
    fills = listened(monkeypatch, event.LIQUIDATION_FILL)
    ran(dead, people(history, 300), None)
    late = [row[AT["market"]] for row in fills if row[-1] >= 20]
    assert late
    assert 0 not in late


def test_a_market_too_thin_for_a_vault_is_replayed_without_one() -> None:
    history = crash()
    usual = np.array([10.0, 10.0, 0.015])  # USD a second
    thin = changed(history, volume_usd=usual * np.ones_like(history.open), depth_usd=usual * history.depth_usd / 1e3)
    population = people(thin, 300)
    vaults = population.open_interest() * population.price // 100
    assert 0 < vaults[2] < limits.POOL_ADD_MIN < vaults[:2].min()
    made = ran(thin, population, None, "hyperliquid")
    assert made.run.opening_backstop == pytest.approx(vaults[:2].sum(), abs=2)
    assert closed(made) > 0


def test_a_book_is_walked_and_refills() -> None:
    item = market("BTC", size_decimals=0, tiers=((UsdMicro(0), 10),))
    book = arena._Book((item,))
    rows = book.quotes(np.array([1_000_000]), np.array([1e6]), np.ones(1, np.bool_))
    bids = rows["price"][1 : 1 + len(arena.DISTANCES)]
    assert (np.diff(bids) < 0).all()
    within = rows["size"][1 : 1 + len(arena.DISTANCES)][arena.DISTANCES <= arena.DEPTH_BAND]
    assert within.sum() == pytest.approx(1e6 * arena.DISTANCES[arena.DISTANCES <= 0.01][-1] / 0.01, rel=0.01)
    asleep = book.quotes(np.array([1_000_000]), np.array([1e6]), np.zeros(1, np.bool_))
    assert asleep["kind"].tolist() == [command.CANCEL_ALL]
    book.displacement[:] = -0.02
    book.fade(arena.REFILL_HALF_LIFE_MS)
    assert book.displacement[0] == pytest.approx(-0.01)
