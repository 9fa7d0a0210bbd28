"""Makes tests/data/journal-v1 anew: a journal of version 1 and what it must replay to.

    python tests/make_journal_fixture.py --replace   the journal and the hashes
    python tests/make_journal_fixture.py --state     the hash of the state alone: columns were added or moved

Only on purpose: the journal stands for those that venues have on disk. `--replace` says that the engine now does
something else with the same commands, and that no venue holds a journal by the rules before. `--state` refuses when
the results differ. A new format gets a folder of its own beside this one, which stays.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from seawall.engine.venue import Venue
from seawall.journal.disk import Folder
from seawall.journal.record import PAGE
from seawall.journal.replay import replay_log
from seawall.journal.scan import segment_files
from seawall.journal.snapshot import layout_of
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.simulation.options import draw
from seawall.simulation.world import World

FOLDER = Path(__file__).resolve().parent / "data" / "journal-v1"
EXPECTED = FOLDER / "expected.json"
SEED, NUMBER, BATCHES = 16, 0, 14
SEGMENT = 16 * PAGE
GROUP = 128


def world_rows() -> list[np.ndarray]:
    """The batches of a small simulated world with crashes, liquidations, pools, duplicated and malformed rows."""
    options = draw(SEED, NUMBER)
    faults = dataclasses.replace(
        options.faults, crash=0.3, jump=0.2, malformed=0.02, duplicate=0.02, reorder=0.05, clock_jump=0.04
    )
    small = dataclasses.replace(options, batch=160, steps=3, accounts=16, subs=4, appetite=0.9, faults=faults)
    world = World(small)
    for _ in range(BATCHES):
        world.apply(world.batch())
    return world.log


def write(folder: Path) -> None:
    disk = Folder(folder)
    venue, writer = Venue(state.SMALL), Writer.create(disk, state.SMALL, SEGMENT)
    for rows in world_rows():
        for start in range(0, len(rows), GROUP):
            part = rows[start : start + GROUP]
            venue.apply(part)
            writer.append(part, venue.chain)
            writer.sync()
    disk.close()


def expected(folder: Path) -> dict[str, object]:
    """What the journal replays to. Raises Diverged when that is not what was recorded."""
    disk = Folder(folder)
    done = replay_log(disk, segment_files(disk))
    return {"commands": done.commands, "chain": done.chain, "state": done.state, "layout": layout_of(state.SMALL)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--replace", action="store_true", help="write the journal and what it replays to")
    choice.add_argument("--state", action="store_true", help="keep the journal, write the hash of the state anew")
    asked = parser.parse_args()
    if asked.replace:
        with tempfile.TemporaryDirectory() as made:
            write(Path(made))
            FOLDER.mkdir(parents=True, exist_ok=True)
            for old in FOLDER.glob("journal-*.seg"):
                old.unlink()
            for new in sorted(Path(made).iterdir()):
                (FOLDER / new.name).write_bytes(new.read_bytes())
    found = expected(FOLDER)
    EXPECTED.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
