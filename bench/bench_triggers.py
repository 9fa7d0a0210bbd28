"""Tick detection by certified triggers against a full re-margin, a million accounts.

300 s of 1-s ticks in 200 markets (correlated random walk), then a 5 % crash of every market at once. Every ten seconds,
and after the crash, a full pass counts the liquidatable accounts that the triggers do not know. Both sides are timed in
CPU seconds of this process, on one thread, through the Python API; in every other second of the walk the ticks are
timed one by one instead, by the wall clock.
"""

import time
from typing import NamedTuple

import numpy as np

import harness
from population import MARKETS, SEED, Ints, Population, population
from seawall.margin.blocks import arrange
from seawall.margin.bulk import margins_for, remargin
from seawall.margin.columns import book
from seawall.margin.triggers import Capacity, Status, Triggers
from seawall.terms.market import Mark
from seawall.units import Price

ACCOUNTS = 1_000_000
SECONDS, AUDIT_EVERY = 300, 10
SIGMA_FIRST, SIGMA_OTHERS, CORRELATION = 1.2e-4, 3e-4, 0.7  # of a second's move; shared part of its variance
CRASH = 0.95
FULL_PASSES = 10


class Ticks(NamedTuple):
    mean_ns: float  # CPU
    wall_ns: Ints  # [seconds timed one by one, markets]
    evaluations: int


class Audit:
    """Full passes over the population, timed, and what the triggers missed by them."""

    def __init__(self, people: Population, triggers: Triggers) -> None:
        self.book = arrange(people.book, people.marks)
        self.margins = margins_for(ACCOUNTS)
        self.triggers = triggers
        self.best_ns = 2**62
        self.missed = 0

    def run(self, prices: Ints) -> None:
        """Accounts liquidatable now that the triggers do not know are added to `missed`."""
        start = time.process_time_ns()
        remargin(self.book, prices, threads=1, out=self.margins)
        self.best_ns = min(self.best_ns, time.process_time_ns() - start)
        known = self.triggers.columns["bucket_status"] == Status.LIQUIDATABLE
        self.missed += int((self.margins.liquidatable & ~known).sum())

    def wrongly_named(self) -> int:
        """Buckets on which `review` and the last full pass differ."""
        named = np.zeros(ACCOUNTS, np.bool_)
        named[self.triggers.review()] = True
        return int((named != self.margins.liquidatable).sum())


def open_venue(people: Population) -> Triggers:
    """Triggers over the whole population, their kernels compiled."""
    one = book(people.book.table, offsets=[0, 1], raw_usd=[10**6], market=[0], size=[1])
    warm = empty_venue(people)
    warm.load(one)
    warm.tick(0, Price(1))
    warm.tick_all(people.marks)
    warm.review()
    triggers = empty_venue(people)
    start = time.process_time()
    under = triggers.load(people.book)
    spent = time.process_time() - start
    print(f"{ACCOUNTS} accounts, {len(people.book.market)} positions, {under} under water; placed in {spent:.2f} s")
    return triggers


def empty_venue(people: Population) -> Triggers:
    triggers = Triggers(Capacity(buckets=ACCOUNTS, positions=len(people.book.market), markets=MARKETS))
    for number, (terms, price) in enumerate(zip(people.markets, people.marks.tolist(), strict=True)):
        weight = 1_024 if number else round(1_024 * SIGMA_FIRST / SIGMA_OTHERS)
        triggers.add_market(terms, Mark(mark=Price(price), oracle=Price(price)), weight=weight)
    return triggers


def walk(triggers: Triggers, audit: Audit, prices: Ints) -> Ticks:
    """The random walk, market by market and second by second, through `Triggers.tick`; `prices` is moved in place."""
    dice = np.random.default_rng(SEED)
    exact, limits = prices.astype(float), triggers.columns["market_price_max"]
    sigma = np.full(MARKETS, SIGMA_OTHERS)
    sigma[0] = SIGMA_FIRST
    wall, cpu, before = np.zeros((SECONDS // 2, MARKETS), np.int64), 0, triggers.evaluations
    for second in range(SECONDS):
        move = np.sqrt(CORRELATION) * dice.normal() + np.sqrt(1 - CORRELATION) * dice.normal(size=MARKETS)
        exact *= np.exp(sigma * move)
        prices[:] = np.clip(np.rint(exact), 1, limits).astype(np.int64)
        if second % 2 == 0:
            cpu += tick_together(triggers, prices.tolist())
        else:
            wall[second // 2] = tick_one_by_one(triggers, prices.tolist())
        if second % AUDIT_EVERY == AUDIT_EVERY - 1:
            audit.run(prices)
    return Ticks(cpu / wall.size, wall, triggers.evaluations - before)


def tick_together(triggers: Triggers, prices: list[Price]) -> int:
    """CPU nanoseconds of a tick in every market."""
    start = time.process_time_ns()
    for number, price in enumerate(prices):
        triggers.tick(number, price)
    return time.process_time_ns() - start


def tick_one_by_one(triggers: Triggers, prices: list[Price]) -> list[int]:
    """Wall nanoseconds of the tick in each market."""
    spent = []
    for number, price in enumerate(prices):
        start = time.perf_counter_ns()
        triggers.tick(number, price)
        spent.append(time.perf_counter_ns() - start)
    return spent


def main() -> None:
    people = population(ACCOUNTS)
    triggers = open_venue(people)
    audit = Audit(people, triggers)
    for _ in range(FULL_PASSES):
        audit.run(people.marks)
    prices = people.marks.copy()
    ticks = walk(triggers, audit, prices)
    missed = audit.missed
    crashed = np.maximum((prices * CRASH).astype(np.int64), 1)
    before, start = triggers.evaluations, time.process_time_ns()
    found = len(triggers.tick_all(crashed).liquidatable)
    crash_ns = time.process_time_ns() - start
    audit.run(crashed)
    tell(audit, ticks)
    print(f"crash: {crash_ns / 1e6:.1f} ms, {triggers.evaluations - before} evaluations, {found} newly liquidatable")
    harness.write(
        "triggers",
        [
            harness.Figure("a tick is cheaper than a full pass, times", audit.best_ns / ticks.mean_ns, 1_000, "higher"),
            harness.Figure("p99 of a tick, us", float(np.percentile(ticks.wall_ns, 99)) / 1e3, 50, "lower"),
            harness.Figure(
                "200 ticks are cheaper than one full pass, times",
                audit.best_ns / ticks.mean_ns / MARKETS,
                None,
                "higher",
            ),
            harness.Figure("missed in the walk", missed, 0, "lower"),
            harness.Figure("missed after a crash of every market", audit.missed - missed, 0, "lower"),
            harness.Figure("wrongly named after the crash", audit.wrongly_named(), 0, "lower"),
        ],
    )


def tell(audit: Audit, ticks: Ticks) -> None:
    """Prints what lies behind the figures."""
    p50, p999, worst = (float(value) / 1e3 for value in np.percentile(ticks.wall_ns, (50, 99.9, 100)))
    first = ticks.wall_ns[:, 0] / 1e3
    print(f"full pass {audit.best_ns / 1e6:.2f} ms; tick mean {ticks.mean_ns / 1e3:.2f} us (CPU)")
    print(f"wall: p50 {p50:.2f} us, p99.9 {p999:.1f} us, most {worst:.0f} us; {ticks.evaluations} evaluations")
    print(f"most crowded market: mean {first.mean():.1f} us, p99 {np.percentile(first, 99):.0f} us")


if __name__ == "__main__":
    main()
