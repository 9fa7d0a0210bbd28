"""Replays a market history against a population of accounts, once per mark rule.

A bar is walked through its extremes: in a falling market high, low, close, otherwise low, high, close, all markets at
the same extreme together, so hedged buckets see no spread that was not there. Bars of at most five seconds are one
point, their close. At each point marks are made, unhealthy buckets found and liquidated (liquidate.py). Nobody tops
up, opens or closes by choice. The books are checked after every bar: sizes sum to zero, and cash, maker, fund and
funding dust less bad debt keep their sum to the unit.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.lab import columns, metrics
from seawall.lab.columns import Array, Buckets, Ints, Quotes, Scene, Venue
from seawall.lab.history import History
from seawall.lab.liquidate import liquidate_point, net_sizes, pay_funding
from seawall.lab.listing import to_prices
from seawall.lab.market_impact import decay
from seawall.lab.metrics import Recorder
from seawall.lab.population import Population
from seawall.lab.rules import MarkRule, ReplayPolicy, check_policy, rules_of
from seawall.lab.watch import FRESH, watch
from seawall.units import FUNDING_INDEX_PER_MICRO, FUNDING_ONE, BadInput, Side, UsdMicro, share

CLOSE_ONLY_MS: Final = 5_000  # bars up to this long are one point
HOUR_MS: Final = 3_600_000
FUNDING_RATE_MAX: Final = FUNDING_ONE * 4 // 100  # per hour; beyond it a recorded rate is refused
WORKERS: Final = 2

Progress = Callable[[int], None]  # called with bars done since the last call, from any thread


@dataclass(frozen=True, eq=False, kw_only=True)
class Path:
    """A history on the markets' grids: K points per bar."""

    history: History
    perp: Ints  # [T, K, S] recorded traded price
    index: Ints  # [T, K, S]
    live: Array  # [T, S]
    depth_usd: Array  # [T, S]
    funding_step: Ints  # [T, S] FundingIndex units a lot paid at the start of the bar

    @property
    def bars(self) -> int:
        return len(self.perp)


@dataclass(frozen=True, eq=False, kw_only=True)
class RuleRun:
    """What one mark rule did."""

    rule: MarkRule
    recorder: Recorder
    buckets: Buckets
    venue: Venue
    opening_fund: UsdMicro


@dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """A history, the accounts that met it, and what each rule made of them."""

    path: Path
    population: Population
    policy: ReplayPolicy
    runs: tuple[RuleRun, ...]
    breached: Array  # [A] buckets that fell below maintenance when marked at the index, had nobody touched them

    @property
    def history(self) -> History:
        return self.path.history


def replay(
    history: History,
    population: Population,
    rules: Sequence[MarkRule],
    policy: ReplayPolicy | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Replay under each of `rules`, in parallel; the answer depends on the arguments alone.

    Raises BadInput when a rule needs an index the history does not have, or a price does not fit a market's grid.
    """
    chosen = check_policy(policy or ReplayPolicy())
    if not rules or len(set(rules)) != len(rules):
        raise BadInput("mark", "expected different mark rules, at least one")
    if not bool(history.has_index.any()) and any(rule is not MarkRule.LAST for rule in rules):
        raise BadInput("mark", "this history has no independent index: only `last` can be replayed")
    if tuple(market.name for market in population.markets) != history.symbols:
        raise BadInput("population.markets", "not the markets of the history")
    path = path_of(history, population)
    tell = progress or (lambda _: None)
    with ThreadPoolExecutor(WORKERS) as pool:
        shadow = pool.submit(metrics.breaches, path, population, tell)
        jobs = [pool.submit(run_rule, path, population, rule, chosen, tell) for rule in rules]
        runs = tuple(job.result() for job in jobs)
        breached = shadow.result()
    return Replay(path=path, population=population, policy=chosen, runs=runs, breached=breached)


def work_of(history: History, rules: Sequence[MarkRule]) -> int:
    """Bars that `progress` will be told of in all."""
    return history.bars * (len(rules) + 1)


def path_of(history: History, population: Population) -> Path:
    """The points every rule sees. Gaps keep the last price (the first one, before it); nothing fills in them."""
    if history.interval_ms <= CLOSE_ONLY_MS:
        perps, indices = [history.close], [history.index]
    else:
        falls = _falling(history)[:, None]
        first, second = np.where(falls, history.high, history.low), np.where(falls, history.low, history.high)
        first_index = np.where(falls, history.index_high, history.index_low)
        second_index = np.where(falls, history.index_low, history.index_high)
        perps, indices = [first, second, history.close], [first_index, second_index, history.index]
    index = np.stack([_carried(points, history.live) for points in indices], axis=1)
    return Path(
        history=history,
        perp=to_prices(np.stack([_carried(points, history.live) for points in perps], axis=1), population.markets),
        index=to_prices(index, population.markets),
        live=history.live,
        depth_usd=np.ascontiguousarray(history.depth_usd),
        funding_step=_funding_steps(history, to_prices(index[:, -1], population.markets)),
    )


def _falling(history: History) -> Array:
    """[T] whether the live markets' mean log move of the bar is negative."""
    moves = np.where(history.live, np.log(history.close / history.open), 0.0)
    falling: Array = moves.sum(axis=1) < 0
    return falling


def _carried(values: Array, live: Array) -> Array:
    """`values` where live, else the last live one before (the first live one after, at the start)."""
    bars = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(live, bars, -1), axis=0)
    first = np.argmax(live, axis=0)[None, :]
    carried: Array = np.take_along_axis(values, np.where(last < 0, first, last), axis=0)
    return carried


def _funding_steps(history: History, index: Ints) -> Ints:
    """Steps of the funding index, paid at each full UTC hour for the hours since the bar before, at its close."""
    steps = np.zeros(index.shape, np.int64)
    if history.funding_hour is None:
        return steps
    rate = np.rint(np.where(history.live, history.funding_hour, 0.0) * FUNDING_ONE)
    if bool((np.abs(rate) > FUNDING_RATE_MAX).any()):
        raise BadInput("funding_hour", "a rate is beyond 4 % an hour", history.name)
    hours = np.diff(history.times_ms // HOUR_MS)
    for bar in np.flatnonzero(hours) + 1:
        for market in range(index.shape[1]):
            owed = int(index[bar - 1, market]) * int(rate[bar - 1, market]) * int(hours[bar - 1])
            steps[bar, market] = owed // FUNDING_INDEX_PER_MICRO
    return steps


def run_rule(
    path: Path, population: Population, rule: MarkRule, policy: ReplayPolicy, progress: Progress | None = None
) -> RuleRun:
    """One pass over the history under one mark rule."""
    buckets, venue = opening(population, policy)
    terms, rules = columns.terms_of(population.markets), rules_of(rule, policy)
    history = path.history
    quotes = Quotes(
        perp=path.perp[0, 0].copy(),
        index_price=path.index[0, 0].copy(),
        has_index=history.has_index,
        live=path.live[0],
        depth_usd=path.depth_usd[0],
        mark=path.perp[0, 0].copy(),
        displacement=np.zeros(history.markets),
        room=np.zeros((history.markets, 2), np.int64),
    )
    recorder = Recorder(path, buckets)
    opening_fund = UsdMicro(int(venue.money[columns.FUND]))
    total = books(buckets, venue)
    looks = watch(population.buckets, history.markets)
    for bar in range(path.bars):
        _refill(quotes, history.interval_ms, policy, bar)
        quotes = quotes._replace(live=path.live[bar], depth_usd=path.depth_usd[bar])
        if path.funding_step[bar].any():
            pay_funding(buckets, venue, path.funding_step[bar])
            looks.state[FRESH] = 0
        scene = Scene(buckets, quotes, terms, rules, venue, columns.tally(history.markets))
        for point in range(path.perp.shape[1]):
            quotes.perp[:] = path.perp[bar, point]
            quotes.index_price[:] = path.index[bar, point]
            liquidate_point(scene, looks, bar)
            recorder.see(bar, quotes, terms)
        recorder.end(bar, scene)
        check_books(buckets, venue, total)
        if progress:
            progress(1)
    return RuleRun(rule=rule, recorder=recorder, buckets=buckets, venue=venue, opening_fund=opening_fund)


def _refill(quotes: Quotes, interval_ms: int, policy: ReplayPolicy, bar: int) -> None:
    if bar and quotes.displacement.any():
        for market in range(len(quotes.displacement)):
            quotes.displacement[market] = decay(quotes.displacement[market], interval_ms, policy.refill_half_life_ms)


def opening(population: Population, policy: ReplayPolicy) -> tuple[Buckets, Venue]:
    """Working columns before the first bar; the maker takes the other side of what the population holds net."""
    buckets = columns.buckets_in(population)
    open_lots = np.zeros((len(population.price), 2), np.int64)
    np.add.at(open_lots[:, 0], population.market, np.maximum(population.size, 0))
    np.add.at(open_lots[:, 1], population.market, np.maximum(-population.size, 0))
    net = open_lots[:, 0] - open_lots[:, 1]
    money = np.zeros(columns.VENUE_CELLS, np.int64)
    interest = int((open_lots[:, 0] * population.price).sum())
    money[columns.MAKER_RAW] = int((net * population.price).sum())
    money[columns.FUND] = share(interest, policy.insurance_share, Side.DOWN)
    return buckets, Venue(money=money, maker_size=-net, open_lots=open_lots)


def books(buckets: Buckets, venue: Venue) -> int:
    """Cash of everybody, the fund and the funding dust, less what the venue could not collect: never changes."""
    money = venue.money
    held = money[columns.MAKER_RAW] + money[columns.FUND] + money[columns.FUNDING_DUST] - money[columns.BAD_DEBT]
    return int(buckets.raw_usd.sum()) + int(held)


def check_books(buckets: Buckets, venue: Venue, total: int) -> None:
    """Raises AssertionError when a lot or a micro-USD appeared or went missing."""
    sizes = net_sizes(buckets, venue)
    assert not sizes.any(), f"positions do not sum to zero: {sizes}"
    assert books(buckets, venue) == total, f"cash changed by {books(buckets, venue) - total} micro-USD"
    assert venue.money[columns.FUND] >= 0, "the insurance fund is negative"
