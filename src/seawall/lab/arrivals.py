"""Accounts that come while a history runs, and the initial margin that they are asked then.

A part of the owners stands before the first bar, the others open in a bar of their own, spread evenly over the history:
before, during and after its storm. Each wants the notional, the leverage and the equity that the population gives it,
whatever the rule set; it opens what its equity carries at the initial margin of that bar, by an order at the market.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from seawall.engine.rows import Rows
from seawall.engine.venue import Applied
from seawall.lab.history import Floats, Ints
from seawall.lab.levels import least_initial
from seawall.lab.opening import FIRST_OWNER, Feed, Opened, blank, buckets_of, equity_of, fitted, lift_isolated, on_grid
from seawall.lab.path import Path
from seawall.lab.population import Population
from seawall.terms import command, parameter
from seawall.terms.market import Market
from seawall.terms.venue_parameter import VENUE
from seawall.units import RATE_ONE, Rate

HOUR_MS: Final = 3_600_000
STANDING: Final = 0.5  # of the owners that are there before the first bar
KEPT: Final = 0.98  # of its equity that an arrival puts into margin: its order walks the book
REACH: Final = 5  # percent: the worst price of its order
FALL: Final = RATE_ONE // 50  # most that INITIAL_LIVE may come down in an hour (its rail, terms/parameter.py)


@dataclass(frozen=True, eq=False, kw_only=True)
class Arrivals:
    """When each bucket of a population opens, and what new risk is asked in each bar."""

    bar: Ints  # [A] 0: before the first
    initial: Ints | None = None  # [T, S] INITIAL_LIVE in force, parts of RATE_ONE; None: the levels alone

    def markets_at(self, bar: int, markets: tuple[Market, ...]) -> tuple[Market, ...]:
        """The markets as new risk finds them in a bar."""
        if self.initial is None:
            return markets
        asked = [max(one.initial_live, int(self.initial[bar, at])) for at, one in enumerate(markets)]
        return tuple(
            msgspec.structs.replace(one, initial_live=Rate(rate)) for one, rate in zip(markets, asked, strict=True)
        )

    def rows(self, bar: int, now: int, markets: tuple[Market, ...]) -> Rows:
        """The risk engine's proposals of INITIAL_LIVE; none where the levels stand alone."""
        if self.initial is None:
            return blank(0, command.PROPOSE, command.RISK)
        return proposals([one.initial_live for one in self.markets_at(bar, markets)], parameter.INITIAL_LIVE, now)


def proposals(values: list[Rate] | Ints, number: int, now: int) -> Rows:
    """PROPOSE of one parameter of every market, by as many signers as are asked for. Serials rise with `now`."""
    rows = blank(len(values), command.PROPOSE, command.RISK)
    rows["market"], rows["other"], rows["price"] = np.arange(len(values)), number, values
    rows["amount"], rows["expires"] = 2 ** VENUE[parameter.RISK_SIGNERS].value - 1, now
    rows["reference"] = (now * parameter.WIDTH + number) * len(values) + np.arange(len(values))
    return rows


def arrivals_of(people: Population, bars: int, seed: int, standing: float = STANDING) -> Ints:
    """[A] the bar in which each bucket opens, all of an owner together; hedgers stand from the start."""
    random = np.random.Generator(np.random.PCG64([seed, bars]))
    owners = int(people.owner.max()) + 1
    drawn = np.where(random.random(owners) < standing, 0, random.integers(1, bars, owners))
    return np.asarray(np.where(people.hedger, 0, drawn[people.owner]), np.int64)


def on_rails(wanted: Floats, times_ms: Ints) -> Ints:
    """[T, S] rates as the rail of INITIAL_LIVE lets them be: up at once, down once an hour by FALL at most."""
    found = np.minimum(np.ceil(wanted * RATE_ONE), RATE_ONE).astype(np.int64)
    since = np.full(wanted.shape[1], times_ms[0])
    for bar in range(1, len(found)):
        before = found[bar - 1]
        falls = (found[bar] < before) & (times_ms[bar] - since >= HOUR_MS)
        found[bar] = np.where(falls, np.maximum(found[bar], before - FALL), np.maximum(found[bar], before))
        since = np.where(found[bar] != before, times_ms[bar], since)
    return found


def wanted_at(
    people: Population, arrivals: Arrivals, path: Path, markets: tuple[Market, ...], bar: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """What opens in a bar after the first: (positions, lots signed, notional, least initial margin), micro-USD."""
    bucket = np.repeat(np.arange(people.buckets), np.diff(people.offsets))
    rows = np.flatnonzero(arrivals.bar[bucket] == bar)
    price = path.perp[bar, 0][people.market[rows]]
    wanted = np.abs(people.size[rows]) * people.price[people.market[rows]]
    lots = wanted // price
    terms = arrivals.markets_at(bar, markets)
    asked = np.maximum(
        least_initial(terms, people.market[rows], lots * price), -(-lots * price // people.leverage[rows])
    )
    needed, equity = np.zeros(people.buckets, np.int64), equity_of(people)
    np.add.at(needed, bucket[rows], asked)
    share = np.minimum(1.0, KEPT * equity / np.maximum(needed, 1))[bucket[rows]]
    lots = np.floor(lots * share).astype(np.int64)
    return (
        rows,
        np.sign(people.size[rows]) * lots,
        lots * price,
        least_initial(terms, people.market[rows], lots * price),
    )


def open_arrivals(
    feed: Feed,
    people: Population,
    arrivals: Arrivals,
    path: Path,
    markets: tuple[Market, ...],
    opened: Opened,
    bar: int,
) -> Applied:
    """Opens who comes in a bar, at the market; `opened` learns of those whose order was taken."""
    rows, lots, notional, margin = wanted_at(people, arrivals, path, markets, bar)
    keep = lots != 0
    rows, lots, notional, margin = rows[keep], lots[keep], notional[keep], margin[keep]
    bucket = np.repeat(np.arange(people.buckets), np.diff(people.offsets))[rows]
    account = people.owner[bucket].astype(np.int64) + FIRST_OWNER
    orders = blank(len(rows), command.PLACE, account)
    orders["account"], orders["market"], orders["size"] = account, people.market[rows], np.abs(lots)
    orders["flags"] = np.where(lots < 0, command.SELL, 0) | command.IOC
    price = path.perp[bar, 0][people.market[rows]]
    orders["price"] = on_grid(np.where(lots < 0, price * (100 - REACH) // 100, price * (100 + REACH) // 100))
    done = feed.apply(orders)
    taken = done.codes == 0
    rows, lots, bucket = rows[taken], lots[taken], bucket[taken]
    opened.size[rows], opened.notional[rows], opened.margin[rows] = lots, notional[taken], margin[taken]
    here = np.unique(bucket)
    opened.bucket[here] = buckets_of(feed.venue, people)[here]
    alone = people.isolated[bucket] & (opened.bucket[bucket] >= 0)
    if alone.any():
        lift_isolated(feed, rows[alone], people)
    return done


def asked_rate(people: Population, arrivals: Arrivals, path: Path, markets: tuple[Market, ...]) -> float:
    """Least initial margin over notional of all that opens, in each bar at what is asked then."""
    terms = arrivals.markets_at(0, markets)
    lots, _ = fitted(people, terms)
    lots = np.where(np.repeat(arrivals.bar == 0, np.diff(people.offsets)), np.abs(lots), 0)
    first = lots * people.price[people.market]
    margin, notional = int(least_initial(terms, people.market, first).sum()), int(first.sum())
    for bar in np.unique(arrivals.bar[arrivals.bar > 0]):
        _, _, each, asked = wanted_at(people, arrivals, path, markets, int(bar))
        margin, notional = margin + int(asked.sum()), notional + int(each.sum())
    return margin / max(notional, 1)
