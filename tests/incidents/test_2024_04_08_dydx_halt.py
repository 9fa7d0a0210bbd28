"""dYdX, 2024-04-08: the chain stood for nine and a half hours after an upgrade; its state library did something else.

A new build first replays the journals of the old one: it must come to the same chain of codes and events, and says
which command differs when it does not. A snapshot that an older build took with other columns is never loaded as if it
were of this one: the log is replayed instead. And an upgraded copy goes on, and comes back to the same state.
"""

import json
import shutil
import tempfile
from pathlib import Path

from guard import ROOT, fails_without

from seawall.engine.rows import rows_of
from seawall.engine.venue import Venue
from seawall.journal import snapshot
from seawall.journal.disk import Folder
from seawall.journal.faults import Diverged
from seawall.journal.record import PAGE
from seawall.journal.recover import open_journal
from seawall.journal.replay import replay_log
from seawall.journal.scan import segment_files
from seawall.journal.snapshot import write_snapshot
from seawall.ledger import state
from seawall.terms import code, command

OLD = ROOT / "tests" / "data" / "journal-v1"
EXPECTED = json.loads((OLD / "expected.json").read_text())
SEGMENT = 16 * PAGE


def copy_of(folder: str) -> Folder:
    for file in OLD.glob("journal-*.seg"):
        shutil.copy(file, folder)
    return Folder(Path(folder))


def replayed(disk: Folder) -> str:
    """The chain at the end of the log, or where this build differs."""
    try:
        return replay_log(disk, segment_files(disk)).chain
    except Diverged as error:
        return str(error)


def scenario() -> None:
    """The journal of an old build on this one, then the same venue twice from a snapshot: going on, and replayed."""
    with tempfile.TemporaryDirectory() as folder:
        disk = copy_of(folder)
        assert replayed(disk) == EXPECTED["chain"]
        venue, writer, found = open_journal(disk, state.SMALL, SEGMENT)
        assert (found.sequence, venue.chain.hex()) == (EXPECTED["commands"], EXPECTED["chain"])
        write_snapshot(disk, venue, found.sequence, writer.hash)
        now = int(venue.columns["cell"][state.NOW])
        rows = rows_of([{"kind": command.TICK, "signer": command.SEQUENCER, "time": now + 1_000}] * 3)
        assert venue.apply(rows).codes.tolist() == [code.OK] * 3
        writer.append(rows, venue.chain)
        writer.sync()
        disk.close()
        again, _, found = open_journal(Folder(Path(folder)), state.SMALL, SEGMENT)
        assert (found.snapshot, found.replayed) == (EXPECTED["commands"], 3)
        assert again.state_hash() == venue.state_hash()


def layout_scenario() -> None:
    """The snapshot says that it was taken with other columns, of the same size: it is passed over."""
    with tempfile.TemporaryDirectory() as folder:
        disk = copy_of(folder)
        venue, writer, found = open_journal(disk, state.SMALL, SEGMENT)
        wanted = venue.state_hash()
        known, other = snapshot.layout_of, Venue(state.SMALL)
        other.columns["bucket_raw"][:5] = 10**12  # what the bytes would mean by the columns of this build
        other.chain = venue.chain
        snapshot.layout_of = lambda capacity: known(capacity)[::-1]
        try:
            write_snapshot(disk, other, found.sequence, writer.hash)
        finally:
            snapshot.layout_of = known
        disk.close()
        again, _, found = open_journal(Folder(Path(folder)), state.SMALL, SEGMENT)
        assert found.snapshot == 0
        assert [skipped.why for skipped in found.skipped] == ["it was taken by a version with other columns"]
        assert again.state_hash() == wanted


def differing_scenario() -> None:
    """A build that gives one command another result does not start: here it is the record that is of another build."""
    with tempfile.TemporaryDirectory() as folder:
        disk = copy_of(folder)
        venue, writer, _ = open_journal(disk, state.SMALL, SEGMENT)
        now = int(venue.columns["cell"][state.NOW])
        rows = rows_of([{"kind": command.TICK, "signer": command.SEQUENCER, "time": now + 1_000}])
        venue.apply(rows)
        writer.append(rows, bytes(32))  # not the chain that these rows have here
        writer.sync()
        disk.close()
        is_noticed = False
        try:
            open_journal(Folder(Path(folder)), state.SMALL, SEGMENT)
        except Diverged as error:
            is_noticed = "give other results" in str(error)
        assert is_noticed


def test_an_old_journal_replays_to_the_same_chain() -> None:
    scenario()


def test_a_snapshot_of_other_columns_is_not_loaded() -> None:
    layout_scenario()


def test_a_build_that_differs_does_not_start() -> None:
    differing_scenario()


def test_it_fails_when_the_new_build_does_something_else() -> None:
    """A taker's fee that rounds the other way: no invariant breaks, and yet it is another venue."""
    old = "    taker, rate = rate_up(notional, fee_rate), s.param"
    assert fails_without("book/matching.py", old, "    taker, rate = rate_down(notional, fee_rate), s.param", scenario)


def test_it_fails_when_layouts_are_not_compared() -> None:
    old = "if head.layout != layout_of(capacity) or head.capacity != capacity:"
    assert fails_without("journal/recover.py", old, "if head.capacity != capacity:", layout_scenario)


def test_it_fails_when_results_are_not_compared() -> None:
    assert fails_without("journal/replay.py", "if chain != record.chain:", "if not chain:", differing_scenario)
