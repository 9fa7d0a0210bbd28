"""What durability costs: groups of 64 commands to the journal, and to SQLite in WAL mode with synchronous=FULL.

Same folder, same rows, in turns. SQLite commits a transaction of 64 rows at a time and cannot begin the next before the
last is synced. The journal is driven as a venue drives it, `IN_FLIGHT` groups submitted and not yet answered: each is
answered once it is durable, and one sync serves those that came while the last was under way. One group at a time is
told beside it: then both wait for one sync of the same disk, and the ratio is what is left of the difference. Neither
side applies the commands; the latency of group commit with the engine applying is told apart. Recovery opens a journal
of the opening and the flow of bench_engine, applied again from the first command; beside it the engine alone applies
the same rows. At the end a snapshot from the middle and the rest of the log must give the same venue.
"""

import shutil
import sqlite3
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import engine_flow
import harness
from seawall.engine.rows import Rows
from seawall.engine.venue import Applied, Venue
from seawall.journal.commit import GROUP, GroupCommit
from seawall.journal.disk import Folder
from seawall.journal.recover import open_journal
from seawall.journal.snapshot import write_snapshot
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.terms import command

ROOT = Path(__file__).resolve().parent.parent
ACCOUNTS, MARKETS, SEED, BATCHES = 100_000, 50, 7, 160
GROUPS, ROUNDS, IN_FLIGHT, RECOVERIES = 400, 5, 32, 3
SEGMENT = 16 << 20
STEP = 256  # groups applied at once while the journal to recover from is made


class NoEngine:
    """Stands in for a venue where only the log is measured: applying costs nothing and the chain does not move."""

    chain = bytes(32)
    nothing = Applied(np.zeros(GROUP, np.int64), np.zeros(GROUP, np.int64), np.zeros((0, 12), np.int64))

    def apply(self, _: Rows) -> Applied:
        return self.nothing


def journal(folder: Path, groups: list[Rows], in_flight: int, venue: Any, capacity: state.Capacity) -> list[float]:
    """Makes every group durable; seconds from submission to answer of each."""
    disk = Folder(folder)
    writer = Writer.create(disk, capacity, SEGMENT)
    waits: list[float] = []
    flying: deque[tuple[Any, float]] = deque()

    def land() -> None:
        ticket, since = flying.popleft()
        ticket.wait()
        waits.append(time.perf_counter() - since)

    with GroupCommit(venue, writer) as commit:
        writer.prepare()
        start = time.perf_counter()
        for rows in groups:
            if len(flying) == in_flight:
                land()
            flying.append((commit.submit(rows), time.perf_counter()))
        while flying:
            land()
        seconds = time.perf_counter() - start
    disk.close()
    return [seconds, *waits]


def sqlite(folder: Path, groups: list[Rows]) -> float:
    """Seconds to commit every group as one transaction."""
    db = sqlite3.connect(folder / "log.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        f"CREATE TABLE log (sequence INTEGER PRIMARY KEY, {', '.join(f'{name} INTEGER' for name in command.ROW)})"
    )
    insert = f"INSERT INTO log VALUES ({', '.join('?' * (1 + len(command.ROW)))})"
    tables = [[(GROUP * at + i, *row) for i, row in enumerate(rows.tolist())] for at, rows in enumerate(groups)]
    start = time.perf_counter()
    for table in tables:
        db.execute("BEGIN")
        db.executemany(insert, table)
        db.execute("COMMIT")
    seconds = time.perf_counter() - start
    db.close()
    return seconds


def fresh(home: Path, name: str) -> Path:
    folder = home / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def against_sqlite(home: Path, groups: list[Rows]) -> tuple[float, float, float]:
    """Commands a second: journal with many groups in flight, with one, and SQLite; the best of rounds in turns."""
    best = [float("inf")] * 3
    for _ in range(ROUNDS):
        for at, in_flight in enumerate((IN_FLIGHT, 1)):
            spent = journal(fresh(home, "journal"), groups, in_flight, NoEngine(), state.SMALL)[0]
            best[at] = min(best[at], spent)
        best[2] = min(best[2], sqlite(fresh(home, "sqlite"), groups))
    commands = len(groups) * GROUP
    return commands / best[0], commands / best[1], commands / best[2]


class Recorder(Venue):
    """A venue that keeps the rows it is given."""

    def __init__(self, capacity: state.Capacity) -> None:
        super().__init__(capacity)
        self.rows: list[Rows] = []

    def apply(self, rows: Rows) -> Applied:
        self.rows.append(rows.copy())
        return super().apply(rows)


def lived() -> Recorder:
    """A venue after its opening and a mixed flow, with all its rows."""
    engine_flow.Venue = Recorder  # type: ignore[misc]
    venue = engine_flow.open_venue(state.VENUE, ACCOUNTS, MARKETS)
    engine_flow.record(venue, ACCOUNTS, MARKETS, BATCHES, SEED)
    assert isinstance(venue, Recorder)
    return venue


def keep(folder: Path, aside: Path, groups: list[Rows]) -> tuple[Venue, int]:
    """Writes a journal of the groups, and `aside` a snapshot of its middle; the venue, and commands in the snapshot."""
    disk = Folder(folder)
    venue, writer = Venue(state.VENUE), Writer.create(disk, state.VENUE)
    taken = 0
    for start in range(0, len(groups), STEP):
        part = groups[start : start + STEP]
        _, chains = venue.apply_batches(*joined(part))
        for rows, chain in zip(part, chains, strict=True):
            writer.append(rows, chain)
        writer.sync()
        if taken == 0 and 2 * start > len(groups):
            taken = writer.sequence
            name = write_snapshot(disk, venue, taken, writer.hash)
            shutil.move(folder / name, aside / name)
    disk.close()
    return venue, taken


def joined(groups: list[Rows]) -> tuple[Rows, Any]:
    """The rows of groups, and where each ends."""
    return np.concatenate(groups), np.cumsum([len(rows) for rows in groups])


class Recovery(NamedTuple):
    """Commands a second: of opening a journal by CPU and by the clock, of the engine alone on the same rows by CPU."""

    cpu: float
    clock: float
    engine: float


def recovery(folder: Path, expected: Venue, groups: list[Rows]) -> Recovery:
    """Opens the journal and compares the state, in turns with the engine."""
    steps = [joined(groups[start : start + STEP]) for start in range(0, len(groups), STEP)]
    commands = sum(len(rows) for rows in groups)
    best = [float("inf")] * 3
    for _ in range(RECOVERIES):
        venue = Venue()  # the one before is not freed in what is timed
        marks = time.process_time(), time.perf_counter()
        venue, _, found = open_journal(Folder(folder), state.VENUE)
        spent = [time.process_time() - marks[0], time.perf_counter() - marks[1]]
        assert found.replayed == commands, "a recovery replayed something else"
        assert is_same(venue, expected), "a recovery ended in another state"
        venue = Venue(state.VENUE)
        mark = time.process_time()
        for rows, ends in steps:
            venue.apply_batches(rows, ends)
        spent.append(time.process_time() - mark)
        best = [min(old, new) for old, new in zip(best, spent, strict=True)]
    return Recovery(*(commands / seconds for seconds in best))


def check_snapshot(folder: Path, aside: Path, expected: Venue, taken: int, commands: int) -> float:
    """Seconds by the clock to open with the snapshot, which must lead to what the full replay leads to."""
    for file in aside.iterdir():
        shutil.move(file, folder / file.name)
    start = time.perf_counter()
    venue, _, found = open_journal(Folder(folder), state.VENUE)
    seconds = time.perf_counter() - start
    assert (found.snapshot, found.replayed) == (taken, commands - taken), "the snapshot was not used"
    assert is_same(venue, expected), "a snapshot and the rest of the log gave another state than the whole log"
    return seconds


def is_same(one: Venue, other: Venue) -> bool:
    return one.state_hash() == other.state_hash() and one.chain == other.chain


def main() -> None:
    venue = lived()
    rows = np.concatenate(venue.rows)
    commands, end = len(rows), venue.state_hash()
    groups = [rows[start : start + GROUP] for start in range(0, commands, GROUP)]
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / ".cache"))
    try:
        flow = groups[-GROUPS - 1 : -1]
        many, one, theirs = against_sqlite(home, flow)
        waits = np.array(journal(fresh(home, "latency"), flow, 4, Venue(state.VENUE), state.VENUE)[1:]) * 1e3
        log, aside = fresh(home, "recovery"), fresh(home, "aside")
        again, taken = keep(log, aside, groups)
        assert again.state_hash() == end, "the same rows gave another state"
        del venue
        rates = recovery(log, again, groups)
        size = sum(file.stat().st_size for file in log.iterdir())
        opened = check_snapshot(log, aside, again, taken, commands)
    finally:
        shutil.rmtree(home)
    harness.write(
        "durable",
        [
            harness.Figure("groups of 64, 32 in flight / SQLite WAL FULL", many / theirs, 4, "higher"),
            harness.Figure("one group at a time / SQLite WAL FULL", one / theirs, None, "higher"),
            harness.Figure("durable commands a second, 32 groups in flight", many, None, "higher"),
            harness.Figure("durable commands a second, one group at a time", one, None, "higher"),
            harness.Figure("SQLite commands a second", theirs, None, "higher"),
            harness.Figure(
                "group commit with the engine, 4 in flight, p50 ms", float(np.percentile(waits, 50)), None, "lower"
            ),
            harness.Figure(
                "group commit with the engine, 4 in flight, p99 ms", float(np.percentile(waits, 99)), None, "lower"
            ),
            harness.Figure("recovery, commands a second of CPU", rates.cpu, 1e6, "higher"),
            harness.Figure("recovery, commands a second by the clock", rates.clock, None, "higher"),
            harness.Figure("recovery / the engine alone on the same rows", rates.cpu / rates.engine, None, "higher"),
            harness.Figure("opening with a snapshot of the middle, the same state, s", opened, None, "lower"),
            harness.Figure("bytes of journal a command, groups of 64", size / commands, None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
