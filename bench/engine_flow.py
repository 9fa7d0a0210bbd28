"""A mixed flow for the engine: 50 % resting orders, 40 % cancels, 10 % crossing ones, with prices, funding and steps.

`record` plays the flow once against a venue and keeps the rows, so that a second venue in the same state can be timed
on nothing but `apply`. Cancels name orders by the ids the first run gave: the engine is deterministic.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.engine.rows import ROW_TYPE, Rows, rows_of
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.margin.trigger_state import FIRED
from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE

BATCH = 4_096
START = 1_760_000_400_000
USD = 1_000_000
Ints = NDArray[np.int64]


@dataclass
class Flow:
    """Batches of rows and what is in them."""

    batches: list[Rows]
    commands: int
    accepted: float


def blank(count: int, kind: int, signer: Any) -> Rows:
    rows = np.zeros(count, ROW_TYPE)
    rows["kind"], rows["signer"] = kind, signer
    return rows


def must(venue: Venue, rows: Rows) -> None:
    codes = venue.apply(rows).codes
    assert not codes.any(), (code.TEXT[int(codes[np.flatnonzero(codes)[0]])], rows[np.flatnonzero(codes)[0]])


def open_venue(capacity: state.Capacity, accounts: int, markets: int, equity: int = 50_000) -> Venue:
    """`accounts` accounts with `equity` USD each and `markets` open markets at 100 USD a lot with the usual fees."""
    venue = Venue(capacity)
    tick = blank(1, command.TICK, command.SEQUENCER)
    tick["time"] = START
    must(venue, tick)
    setting = {"kind": command.SET_PARAMETER, "signer": command.ADMIN}
    for number in range(markets):
        here = {"market": number, "signer": command.ADMIN}
        rows: list[dict[str, int]] = [
            {"kind": command.LIST_MARKET, **here, "other": 0, "price": 2**33},
            {"kind": command.SET_TIER, **here, "other": 0, "size": 40, "price": RATE_ONE // 80},
            {"kind": command.SET_TIER, **here, "other": 1, "amount": 10**12, "size": 20, "price": RATE_ONE // 40},
            {"kind": command.SET_SOURCE, **here, "other": 0, "size": 1},
        ]
        for which, value in (
            (parameter.OPEN_INTEREST_CAP, 2**40),
            (parameter.POSITION_CAP, 2**20),
            (parameter.ORACLE_QUORUM, 1),
        ):
            rows.append({**setting, "market": number, "other": which, "price": value})
        rows.append(
            {"kind": command.ORACLE, "signer": command.ORACLES, "market": number, "price": 100 * USD, "time": START}
        )
        rows += [
            {"kind": command.SET_STATUS, **here, "flags": status}
            for status in (command.CANCELLING, command.POSTING, command.ACTIVE)
        ]
        must(venue, rows_of(rows))
    created = blank(accounts, command.CREATE_ACCOUNT, command.SEQUENCER)
    created["address_0"], created["address_2"] = 1, np.arange(1, accounts + 1)
    must(venue, created)
    paid = blank(accounts, command.DEPOSIT, command.BRIDGE)
    paid["account"], paid["amount"] = np.arange(accounts), equity * USD
    paid["reference"] = np.arange(1, accounts + 1)
    must(venue, paid)
    return venue


class Maker:
    """Draws batches and remembers which orders rest."""

    def __init__(self, venue: Venue, accounts: int, markets: int, seed: int) -> None:
        self.venue, self.accounts, self.markets = venue, accounts, markets
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.price: Ints = venue.columns["market_oracle"][:markets].copy()
        self.resting: Ints = np.zeros((0, 3), np.int64)  # id, account, market
        self.now, self.turn = int(venue.columns["cell"][state.NOW]), 0

    def batch(self) -> Rows:
        """BATCH rows: the flow, and once in a while the venue's own steps in front of it."""
        steps = self._steps()
        count = BATCH - len(steps)
        what = self.rng.random(count)
        rows = blank(count, command.PLACE, 0)
        rows["account"] = rows["signer"] = self.rng.integers(0, self.accounts, count)
        rows["market"] = self.rng.integers(0, self.markets, count)
        rows["nonce"] = self.now + np.arange(count)
        sells = self.rng.random(count) < 0.5
        rows["flags"] = np.where(sells, command.SELL, 0)
        rows["size"] = self.rng.integers(1, 20, count)
        away = self.rng.geometric(0.08, count) * 10_000  # 1 bp steps from the mark
        crossing = what >= 0.9
        rows["flags"] |= np.where(crossing, command.IOC, 0)
        mark = self.price[rows["market"]]
        signed = np.where(sells, 1, -1) * np.where(crossing, -500_000, away)
        rows["price"] = (mark + signed) // 10_000 * 10_000
        self._cancels(rows, what < 0.4)
        return np.concatenate((steps, rows))

    def _cancels(self, rows: Rows, wanted: NDArray[np.bool_]) -> None:
        places = np.flatnonzero(wanted)[: len(self.resting)]
        chosen = self.rng.permutation(len(self.resting))[: len(places)]
        gone = self.resting[chosen]
        for name in ("price", "size", "flags"):
            rows[name][places] = 0
        rows["kind"][places], rows["reference"][places] = command.CANCEL, gone[:, 0]
        rows["account"][places] = rows["signer"][places] = gone[:, 1]
        rows["market"][places] = gone[:, 2]
        kept = np.ones(len(self.resting), bool)
        kept[chosen] = False
        self.resting = self.resting[kept]

    def _steps(self) -> Rows:
        """A second goes by every batch: the clock, every price, a funding sample at times, liquidation work."""
        self.now += 1_000
        self.turn += 1
        tick = blank(1, command.TICK, command.SEQUENCER)
        tick["time"] = self.now
        self.price += self.rng.integers(-3, 4, self.markets) * 10_000
        prices = blank(self.markets, command.ORACLE, command.ORACLES)
        prices["market"], prices["price"], prices["time"] = np.arange(self.markets), self.price, self.now
        parts = [tick, prices]
        if self.turn % 5 == 0:
            funding = blank(self.markets, command.FUNDING, command.SEQUENCER)
            funding["market"] = np.arange(self.markets)
            parts.append(funding)
        work = blank(8, command.LIQUIDATE, command.SEQUENCER)
        work["size"] = 64
        return np.concatenate([*parts, work])

    def apply(self, rows: Rows) -> int:
        """Applies a batch and notes what rests; returns how many rows were accepted."""
        return self.note(rows, self.venue.apply(rows))

    def note(self, rows: Rows, done: Applied) -> int:
        """Notes what a batch left resting; returns how many rows were accepted."""
        rests = (rows["kind"] == command.PLACE) & (done.codes == code.OK) & (done.made > 0)
        added = np.stack((done.made[rests], rows["account"][rests], rows["market"][rests]), axis=1)
        self.resting = np.concatenate((self.resting, added))
        return int((done.codes == code.OK).sum())


def crowd(venue: Venue, accounts: int, markets: int, seed: int) -> None:
    """One position for each account but the first 2 a market, which make the market: drawn 5 to 20 times its equity."""
    rng = np.random.Generator(np.random.PCG64(seed))
    makers = 2 * markets
    rich = blank(makers, command.DEPOSIT, command.BRIDGE)
    rich["account"], rich["amount"] = np.arange(makers), 10**9 * USD
    rich["reference"] = int(venue.columns["cell"][state.DEPOSIT_SERIAL]) + 1 + np.arange(makers)
    must(venue, rich)
    price, now = venue.columns["market_oracle"][:markets], int(venue.columns["cell"][state.NOW])
    quotes = blank(makers, command.PLACE, np.arange(makers))
    quotes["account"], quotes["market"] = np.arange(makers), np.arange(makers) % markets
    quotes["flags"], quotes["nonce"] = np.where(np.arange(makers) < markets, command.SELL, 0), now
    quotes["price"], quotes["size"] = price[quotes["market"]], 2**20
    quotes["price"] += np.where(quotes["flags"] != 0, 10_000, -10_000)
    must(venue, quotes)
    owners = np.arange(makers, accounts)
    takers = blank(len(owners), command.PLACE, owners)
    takers["account"], takers["market"], takers["nonce"] = owners, rng.integers(0, markets, len(owners)), now
    takers["flags"] = command.IOC | np.where(rng.random(len(owners)) < 0.5, command.SELL, 0)
    takers["price"] = price[takers["market"]] + np.where(takers["flags"] & command.SELL, -20_000, 20_000)
    equity = venue.columns["bucket_raw"][owners]
    takers["size"] = equity * rng.uniform(5, 19.5, len(owners)) / price[takers["market"]]
    must(venue, takers)
    wipe = blank(makers, command.CANCEL_ALL, np.arange(makers))
    wipe["account"], wipe["market"], wipe["nonce"] = np.arange(makers), -1, now + 1
    must(venue, wipe)
    work = blank(1, command.LIQUIDATE, command.SEQUENCER)
    work["size"] = 1
    while venue.columns["count"][FIRED] != 0:  # until every trigger is placed
        must(venue, work)


def record(venue: Venue, accounts: int, markets: int, batches: int, seed: int) -> Flow:
    """Plays and keeps `batches` batches."""
    maker = Maker(venue, accounts, markets, seed)
    kept, accepted = [], 0
    for _ in range(batches):
        rows = maker.batch()
        accepted += maker.apply(rows)
        kept.append(rows)
    count = sum(len(rows) for rows in kept)
    return Flow(kept, count, accepted / max(count, 1))
