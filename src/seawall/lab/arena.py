"""A market history played through the engine under one rule set: makers quote, traders trade, liquidations follow.

At each point of a bar the maker quotes a linear book around the recorded price, displaced by what takers and forced
orders took lately; the index enters as an oracle price; then LIQUIDATE steps run in waves, each
followed by the marks that the book now gives, until nothing fills. All rows go through the engine; floats end at the
quotes. The same seed gives every rule set the same quotes before impact and the same traders.

The book is linear (price impact proportional to the amount taken) and what was taken fades with a half-life: the
resilience model of Obizhaeva and Wang (2013).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows, rows_of
from seawall.engine.venue import Applied, Venue
from seawall.lab.arrivals import Arrivals, open_arrivals, proposals
from seawall.lab.begun import Begun
from seawall.lab.history import Floats, Ints
from seawall.lab.listing import opening_fields
from seawall.lab.opening import FIRST_OWNER, MAKER, Feed, Opened, blank, listing_rows, must, on_grid, open_population
from seawall.lab.path import Path
from seawall.lab.population import Population
from seawall.lab.rulesets import RuleSet
from seawall.lab.series import Seen, vault_equity
from seawall.lab.tally import Tally, add_events, add_fills, tally_of
from seawall.ledger import state
from seawall.ledger.state import Capacity
from seawall.terms import command, limits, parameter
from seawall.terms.market import Market
from seawall.units import RATE_ONE, Side, share

DISTANCES: Final = np.array(
    [0.0002, 0.001, 0.002, 0.004, 0.0075, 0.0125, 0.02, 0.03, 0.05]
)  # of the centre, each level
DEPTH_BAND: Final = 0.01  # History.depth_usd is what rests within this share of mid
REFILL_HALF_LIFE_MS: Final = 60_000
WAVES: Final = 8
STEPS: Final = 4  # LIQUIDATE rows of one wave
STEPS_MAX: Final = 256  # of one point: what is left waits for the next
STEP_WORK: Final = 64
TRADERS_SHARE: Final = 0.001  # of positions that trade in a minute
TRADERS_MAX: Final = 0.05  # of positions that trade in a bar, however long
MINUTE_MS: Final = 60_000
TRADED_SHARE: Final = 0.1  # of its size, each of them
PRINTED_USD_MICRO: Final = 20_000_000  # of a trade that only prints a price
INSURANCE_SHARE: Final = RATE_ONE // 200  # of a market's opening open interest
BACKSTOP_SHARE: Final = RATE_ONE // 100


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What a rule set did: counts of its events, and series by bar."""

    rules: RuleSet
    markets: tuple[Market, ...]
    opened_bucket: Ints  # [A] the venue's bucket of each of the population's; -1 where nothing was opened
    opened_size: Ints  # [P] lots that were opened
    opening_notional: int  # micro-USD, each position when it was opened
    opening_margin: int  # least initial margin of that, micro-USD
    opening_backstop: int  # what the vaults began with, micro-USD
    tally: Tally
    begun: Begun
    seen: Seen
    commands: int


class _Book:
    """The maker's quotes and the displacement of each market's price by taken orders."""

    def __init__(self, markets: tuple[Market, ...]) -> None:
        self.displacement: Floats = np.zeros(len(markets))
        self.price_max = np.array([terms.price_max for terms in markets])
        self.shares = np.diff(DISTANCES, prepend=0.0) / DEPTH_BAND

    def fade(self, elapsed_ms: int) -> None:
        self.displacement *= 0.5 ** (elapsed_ms / REFILL_HALF_LIFE_MS)

    def taken(self, done: Applied, depth_usd: Floats) -> None:
        """Moves prices by every fill of a batch: linear in the notional over the depth within 1 %."""
        moved = np.zeros(len(depth_usd))
        add_fills(moved, done.events)
        self.displacement += DEPTH_BAND * moved / np.maximum(depth_usd, 1.0)
        np.clip(self.displacement, -0.5, 0.5, out=self.displacement)

    def quotes(self, perp: Ints, depth_usd: Floats, live: Ints) -> Rows:
        """Rows of the maker: in each market cancel everything, then, where it is live, both sides, nearest first."""
        centre = perp * (1.0 + self.displacement)
        levels = len(DISTANCES)
        rows = np.zeros((len(perp), 1 + 2 * levels), ROW_TYPE)
        rows["market"] = np.arange(len(perp))[:, None]
        rows["kind"][:, 0] = command.CANCEL_ALL
        rows["kind"][:, 1:] = command.PLACE
        rows["flags"][:, 1 + levels :] = command.SELL
        bids = centre[:, None] * (1.0 - DISTANCES)
        asks = centre[:, None] * (1.0 + DISTANCES)
        low = np.minimum(on_grid(np.floor(bids).astype(np.int64)), self.price_max[:, None])
        high = np.minimum(on_grid(np.ceil(asks).astype(np.int64)), self.price_max[:, None])
        high = np.maximum(high, low[:, :1] + 1)
        rows["price"][:, 1 : 1 + levels], rows["price"][:, 1 + levels :] = low, on_grid(high)
        lots = np.floor(depth_usd[:, None] * self.shares * 1e6 / np.maximum(centre, 1.0)[:, None]).astype(np.int64)
        rows["size"][:, 1:] = np.concatenate((lots, lots), axis=1)
        rows["size"][~live.astype(bool)] = 0
        flat = rows.ravel()
        chosen: Rows = flat[(flat["kind"] == command.CANCEL_ALL) | (flat["size"] > 0)]
        return chosen


def play(
    path: Path,
    people: Population,
    rules: RuleSet,
    markets: tuple[Market, ...],
    capacity: Capacity,
    seed: int,
    progress: Callable[[int], None],
    arrivals: Arrivals | None = None,
) -> Run:
    """Runs the whole history under one rule set. Depends on the arguments alone.

    With `arrivals` only who stands at the start opens before the first bar, and new risk is asked what they say.
    """
    history = path.history
    start = int(history.times_ms[0])
    feed = Feed(Venue(capacity), start)
    tick = blank(1, command.TICK, command.SEQUENCER)
    tick["time"] = start
    must(feed, tick, "opening: clock")
    must(feed, listing_rows(markets, rules.venue, rules.market), "opening: markets")
    must(feed, _oracle_rows(people.price, start), "opening: prices")
    must(feed, rows_of([row for number in range(len(markets)) for row in opening_fields(number)]), "opening: status")
    if arrivals is None:
        opened = open_population(feed, people, markets, seed)
    else:
        must(feed, arrivals.rows(0, start, markets), "opening: margins")
        opened = open_population(feed, people, arrivals.markets_at(0, markets), seed, arrivals.bar == 0)
    _fund_pools(feed, people, rules)
    return _walk(path, people, rules, markets, feed, opened, seed, progress, arrivals)


def _fund_pools(feed: Feed, people: Population, rules: RuleSet) -> None:
    """The maker, who has more than enough, stocks each market's insurance fund and, where it is used, its backstop.

    A market so thin that its vault would begin with less than a pool takes has none.
    """
    interest = people.open_interest() * people.price
    funds = blank(len(interest), command.INSURANCE_ADD, MAKER)
    funds["market"], funds["amount"] = (
        np.arange(len(interest)),
        [share(int(value), INSURANCE_SHARE, Side.DOWN) for value in interest],
    )
    must(feed, funds[funds["amount"] > 0], "opening: insurance")
    if rules.has_backstop:
        pools = blank(len(interest), command.POOL_ADD, MAKER)
        pools["market"], pools["flags"] = np.arange(len(interest)), command.BACKSTOP
        pools["amount"] = [share(int(value), BACKSTOP_SHARE, Side.DOWN) for value in interest]
        must(feed, pools[pools["amount"] >= limits.POOL_ADD_MIN], "opening: backstop")


def _oracle_rows(index: Ints, now: int) -> Rows:
    rows = blank(len(index), command.ORACLE, command.ORACLES)
    rows["market"], rows["price"], rows["time"] = np.arange(len(index)), index, now
    return rows


def _print_rows(perp: Ints, live: Ints) -> Rows:
    """A maker buys a little of each live market at the other's ask: a traded price at every point."""
    rows = blank(len(perp), command.PLACE, MAKER + 1)
    rows["account"], rows["market"], rows["flags"] = MAKER + 1, np.arange(len(perp)), command.IOC
    rows["size"], rows["price"] = -(-PRINTED_USD_MICRO // perp), on_grid(2 * perp)
    printed: Rows = rows[live.astype(bool)]
    return printed


def _trader_rows(people: Population, opened: Opened, path: Path, bar: int, seed: int) -> Rows:
    """Orders of a few owners, the same under every rule set: a tenth of their position more or less, at the market."""
    rng = np.random.Generator(np.random.PCG64([seed, bar]))
    usual = min(TRADERS_MAX, TRADERS_SHARE * path.history.interval_ms / MINUTE_MS)
    count, perp = int(rng.poisson(usual * people.positions)), path.perp[bar, 0]
    chosen = rng.integers(0, people.positions, count)
    sells = rng.random(count) < 0.5
    lots = np.ceil(np.abs(people.size[chosen]) * TRADED_SHARE).astype(np.int64)
    account = people.owner[np.searchsorted(people.offsets, chosen, side="right") - 1].astype(np.int64) + FIRST_OWNER
    rows = blank(count, command.PLACE, account)
    rows["account"], rows["market"], rows["size"] = account, people.market[chosen], lots
    rows["flags"] = np.where(sells, command.SELL, 0) | command.IOC
    price = perp[people.market[chosen]]
    rows["price"] = on_grid(np.where(sells, price * 95 // 100, price * 105 // 100))
    wanted: Rows = rows[opened.size[chosen] != 0]
    return wanted


def _walk(
    path: Path,
    people: Population,
    rules: RuleSet,
    markets: tuple[Market, ...],
    feed: Feed,
    opened: Opened,
    seed: int,
    progress: Callable[[int], None],
    arrivals: Arrivals | None,
) -> Run:
    history, venue, book = path.history, feed.venue, _Book(markets)
    bars, points, count = path.perp.shape
    cell = venue.columns["cell"]
    room = venue.capacity
    tally = tally_of(bars, count, buckets=room.buckets, accounts=room.accounts)
    tally.owner[:] = venue.columns["bucket_owner"]
    begun, seen, opening_backstop = Begun(), Seen(bars, count), vault_equity(venue, count)
    step_ms = max(1, history.interval_ms // points)
    for bar in range(bars):
        depth, live = path.depth_usd[bar], path.live[bar]
        for point in range(points):
            now = int(history.times_ms[bar]) + (point + 1) * step_ms
            book.fade(step_ms)
            tick = blank(1, command.TICK, command.SEQUENCER)
            tick["time"] = now
            prices = _oracle_rows(path.index[bar, point], now)[live]
            funding = blank(count, command.FUNDING, command.SEQUENCER)
            funding["market"] = np.arange(count)
            rows = [tick, book.quotes(path.perp[bar, point], depth, live), prices, funding[live]]
            if rules.is_throttled:
                rows.insert(1, proposals(rules.capacity(depth), parameter.LIQUIDATION_CAPACITY, now))
            if arrivals is not None:
                rows.insert(1, arrivals.rows(bar, now, markets))
            if rules.is_marked_by_trades:
                rows.insert(-2, _print_rows(path.perp[bar, point], live))
            if point == 0:
                rows.append(_trader_rows(people, opened, path, bar, seed))
            done = feed.apply(np.concatenate(rows))
            book.taken(done, depth)
            if arrivals is not None and point == 0 and bar > 0:
                book.taken(open_arrivals(feed, people, arrivals, path, markets, opened, bar), depth)
            _liquidate(feed, book, tally, begun, prices, depth, (bar, now))
            seen.point(bar, venue, path.index[bar, point], path.perp[bar, point], book.displacement)
        seen.end(bar, venue, markets)
        progress(1)
    return Run(
        rules=rules,
        markets=markets,
        opened_bucket=opened.bucket,
        opened_size=opened.size,
        opening_notional=int(opened.notional.sum()),
        opening_margin=int(opened.margin.sum()),
        opening_backstop=opening_backstop,
        tally=tally,
        begun=begun,
        seen=seen,
        commands=int(cell[state.SEQUENCE]),
    )


def _liquidate(
    feed: Feed, book: _Book, tally: Tally, begun: Begun, prices: Rows, depth_usd: Floats, when: tuple[int, int]
) -> None:
    """LIQUIDATE rows in waves, marks following after each, until nothing fills; counted at `when`, a bar and ms."""
    steps = blank(STEPS, command.LIQUIDATE, command.SEQUENCER)
    steps["size"] = STEP_WORK
    columns = feed.venue.columns
    know_owners(tally, feed.venue)
    for wave in range(STEPS_MAX // STEPS):
        marks = columns["market_price"].copy()
        done = feed.apply(steps)
        book.taken(done, depth_usd)
        begun.add(done.events, tally.first_bar, when[0])
        if add_events(tally, done.events, marks, *when) == 0:
            break
        if wave < WAVES:
            feed.apply(prices)


def know_owners(tally: Tally, venue: Venue) -> None:
    """Notes who owns the isolated buckets in use, for closing one forgets it. The others never change hands."""
    first = venue.capacity.accounts
    last = first + int(venue.columns["cell"][state.ISOLATED_USED])
    tally.owner[first:last] = venue.columns["bucket_owner"][first:last]
