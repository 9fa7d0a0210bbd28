"""One seeded world: a venue, the people and prices around it, and every check after every batch.

`World` applies rows and keeps the log; what it applies is drawn by traffic.py, prices.py and trials.py. The first
property that does not hold ends the world by `Caught`.
"""

from typing import Any, Final

import numpy as np

from seawall.engine import invariants
from seawall.engine.rows import Rows
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.simulation import accounting
from seawall.simulation.crash import Keeper
from seawall.simulation.genesis import FIELD, genesis, rows_from
from seawall.simulation.office import restore
from seawall.simulation.options import ROLES, Options
from seawall.simulation.prices import Prices
from seawall.simulation.properties import Caught, Fault
from seawall.simulation.traffic import Traffic
from seawall.terms import code, command
from seawall.terms.parameter import DAY_MS, HOUR_MS

REOPENING_MS: Final = 31_000  # steps while markets reopen in stages: half their dwell, less than an outage
FULL_EVERY: Final = 8  # batches between two checks of everything
KINDS: Final = 256  # numbers of commands
CODES: Final = max(code.TEXT) + 1
IS_CODE: Final = np.isin(np.arange(CODES), list(code.TEXT))


class World:
    """A venue and its surroundings. Everything it does follows from its options."""

    def __init__(self, options: Options, capacity: state.Capacity = state.SMALL) -> None:
        """Sets the venue up. Raises Caught when a command of the set-up is refused."""
        self.options = options
        self.rng = np.random.Generator(np.random.PCG64([options.seed, options.number, 2]))
        self.venue = Venue(capacity)
        self.columns = self.venue.columns
        self.log: list[Rows] = []
        self.commands = 0
        self.accepted = 0
        self.judged = 0
        self.batches = 0
        self.crashes = 0
        self.snapshot: tuple[int, Venue] | None = None
        self.away_ms = 0  # how long nobody has run the venue
        self.keeper = Keeper(capacity, self.rng) if options.has_journal else None
        self.kinds = np.zeros((KINDS, 2), np.int64)  # rejected, accepted
        self.trials = np.zeros((KINDS, 2), np.int64)  # of them judged by the model
        self.codes = np.zeros(CODES, np.int64)
        self.events = np.zeros(accounting.KINDS, np.int64)
        people = options.accounts + options.subs
        self.roles = self.rng.choice(len(ROLES), people, p=np.array(options.roles))
        self.prices = Prices(options, self.rng)
        done = self.apply(genesis(options, self.roles))
        if done.codes.any():
            row, at = self.log[0], int(np.flatnonzero(done.codes)[0])
            raise Caught(Fault("RUN_GENESIS", f"{code.TEXT[int(done.codes[at])]}: {row[at]}"))
        self.traffic = Traffic(options, self.columns, self.roles, self.rng)
        self.traffic.nonce = int(self.log[0]["nonce"].max())

    def apply(self, rows: Rows, *, is_whole: bool = True) -> Applied:
        """Applies rows, keeps them, and holds what must hold of any rows. `is_whole` also checks the columns."""
        before = accounting.note(self.columns) if is_whole else None
        forward = invariants.Forward(self.columns) if is_whole else None
        self.log.append(rows)
        self.commands += len(rows)
        try:
            done = self.venue.apply(rows)
        except Exception as error:
            raise Caught(Fault("RUN_NO_EXCEPTION", f"{type(error).__name__}: {error}")) from error
        self._count(rows, done)
        if self.keeper is not None:
            self.keeper.append(self.venue, rows)
        if before is not None and forward is not None:
            self.hold(forward.broken(self.columns))
            self.check(done, before)
        return done

    def adopt(self, venue: Venue, sequence: int) -> None:
        """Goes on with a venue that its journal led back to command `sequence`: what came after never happened."""
        self.venue, self.columns = venue, venue.columns
        self.traffic.columns = self.columns
        known = sum(len(rows) for rows in self.log)
        while known > sequence:  # whole batches
            known -= len(self.log.pop())
        assert known == sequence
        if self.snapshot is not None and self.snapshot[0] > len(self.log):
            self.snapshot = None

    def check(self, done: Applied, before: accounting.Notes) -> None:
        """The invariants of the columns and the accounts of the events."""
        self.batches += 1
        checks = invariants.FULL if self.batches % FULL_EVERY == 0 else invariants.CHEAP
        self.hold(invariants.broken(self.columns, checks))
        for fault in accounting.explain(self.columns, before, done):
            raise Caught(fault)

    def hold(self, broken: list[invariants.Broken]) -> None:
        """Raises for the first broken invariant."""
        for one in broken:
            raise Caught(Fault(one.name, one.facts))

    def _count(self, rows: Rows, done: Applied) -> None:
        codes = done.codes
        if (unknown := (codes < 0) | (codes >= CODES) | ~IS_CODE[codes % CODES]).any():
            raise Caught(Fault("RUN_CODES", f"codes {codes[unknown][:5]}"))
        ok = codes == code.OK
        self.accepted += int(ok.sum())
        kinds = np.clip(rows["kind"], 0, KINDS - 1)
        self.kinds += np.bincount(2 * kinds + ok, minlength=2 * KINDS).reshape(KINDS, 2)
        self.codes += np.bincount(codes, minlength=CODES)
        self.events += np.bincount(done.events[:, accounting.KIND], minlength=accounting.KINDS)

    @property
    def now(self) -> int:
        """The venue's clock."""
        return int(self.columns["cell"][state.NOW])

    def batch(self) -> Rows:
        """The rows of one batch: price steps with traffic between them, and what goes wrong with a log."""
        options, now, parts = self.options, self.now + self.away_ms, []
        self.away_ms = 0
        is_closed = len(restore(self.columns)) > 0
        traffic = self.traffic.table(options.batch)
        for chunk in np.array_split(traffic, options.steps):
            now += REOPENING_MS if is_closed and self.rng.random() < 0.5 else self._elapsed()
            parts += [*self.step(now), chunk]
            if is_closed:
                parts.append(restore(self.columns))
        return rows_from(self._spoil(np.concatenate(parts)))

    def step(self, now: int) -> list[Any]:
        """One step of the venue's own: the clock, prices, funding, and liquidation work."""
        own = np.zeros((1 + self.options.liquidate, len(command.ROW)), np.int64)
        own[:, FIELD["signer"]] = command.SEQUENCER
        own[0, FIELD["kind"]], own[0, FIELD["time"]] = command.TICK, now
        own[1:, FIELD["kind"]], own[1:, FIELD["size"]] = command.LIQUIDATE, self.options.units
        oracles = self.prices.step(now)
        parts = [own[:1], oracles]
        if self.rng.random() < 0.5:
            markets = int(self.columns["cell"][state.MARKETS])
            funding = np.zeros((markets, len(command.ROW)), np.int64)
            funding[:, FIELD["kind"]], funding[:, FIELD["signer"]] = command.FUNDING, command.SEQUENCER
            funding[:, FIELD["market"]] = np.arange(markets)
            parts.append(funding)
        return [*parts, own[1:]]

    def _elapsed(self) -> int:
        rng, faults = self.rng, self.options.faults
        if rng.random() < faults.outage:
            return int(rng.integers(60_000, 2 * DAY_MS))
        if rng.random() < faults.clock_jump:
            return int(rng.choice([-5_000, -1, 0, HOUR_MS, 8 * HOUR_MS, 8 * DAY_MS]))
        return int(self.options.step_ms * rng.uniform(0.5, 1.5))

    def _spoil(self, table: Any) -> Any:
        """Duplicated, reordered and malformed rows."""
        rng, faults, many = self.rng, self.options.faults, len(table)
        if faults.malformed:
            rows = np.flatnonzero(rng.random(many) < faults.malformed)
            fields = rng.integers(0, len(command.ROW), len(rows))
            wild = np.array([-1, 0, 1, 2**31, 2**53, 2**62, -(2**62), 2**63 - 1, -(2**63)], np.int64)
            table[rows, fields] = wild[rng.integers(0, len(wild), len(rows))]
        if faults.duplicate:
            again = rng.integers(0, many, int(many * faults.duplicate))
            table = np.insert(table, again, table[rng.integers(0, many, len(again))], axis=0)
        if faults.reorder:
            rows = rng.integers(0, len(table) - 1, int(many * faults.reorder))
            table[rows], table[rows + 1] = table[rows + 1].copy(), table[rows].copy()
        return table
