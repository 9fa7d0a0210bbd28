"""An old journal on new code: what venues have on disk replays to the same results."""

import json
import shutil
from pathlib import Path

from seawall.journal.disk import Folder
from seawall.journal.packing import unpack
from seawall.journal.record import PAGE
from seawall.journal.recover import open_journal
from seawall.journal.replay import replay_log
from seawall.journal.scan import Reader, segment_files
from seawall.journal.snapshot import layout_of
from seawall.ledger import state
from seawall.terms import command

FOLDER = Path(__file__).resolve().parent.parent / "data" / "journal-v1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
SEGMENT = 16 * PAGE


def test_a_journal_of_version_1_replays_to_its_hashes() -> None:
    """Red means: the engine now does something else with old commands. See tests/make_journal_fixture.py."""
    disk = Folder(FOLDER)
    done = replay_log(disk, segment_files(disk))
    assert (done.commands, done.chain, done.lost) == (EXPECTED["commands"], EXPECTED["chain"], None)
    if layout_of(state.SMALL) == EXPECTED["layout"]:
        assert done.state == EXPECTED["state"]


def test_it_holds_much_of_what_a_venue_does() -> None:
    disk = Folder(FOLDER)
    kinds = {
        kind
        for _, record in Reader(disk)
        for kind in unpack(record.payload, record.count, record.fields)["kind"].tolist()
    }
    assert len(kinds & set(command.FIELDS)) >= 25


def test_a_venue_opens_on_it_and_goes_on(tmp_path: Path) -> None:
    for file in FOLDER.glob("journal-*.seg"):
        shutil.copy(file, tmp_path)
    disk = Folder(tmp_path)
    venue, writer, found = open_journal(disk, state.SMALL, SEGMENT)
    assert (found.sequence, venue.chain.hex()) == (EXPECTED["commands"], EXPECTED["chain"])
    rows = unpack(b"\1\0\0\x1e", 1, len(command.ROW))
    venue.apply(rows)
    writer.append(rows, venue.chain)
    writer.sync()
    disk.close()
    assert open_journal(Folder(tmp_path), state.SMALL, SEGMENT)[0].state_hash() == venue.state_hash()
