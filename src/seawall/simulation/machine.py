"""Checks of the machine as a whole: the same log again, in other pieces, twice, without its rejects, uncompiled."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from seawall.engine.rows import Rows
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.ledger.state import Capacity
from seawall.simulation.genesis import joined
from seawall.simulation.properties import Caught, Fault
from seawall.terms import code

PIECES: Final = (1, 7, 64, 501)
REPLAYED: Final = 256  # batches of a log in one call
BURNT: Final = ("nonce_floor", "nonce_signer", "nonce_value", "nonce_part", "nonce_place", "nonce_top", "nonce_revoked")
COUNTED: Final = (state.SEQUENCE, state.STOPS_SEQUENCE, state.NONCE_HEAD, state.NONCE_COUNT)
INTERPRET: Final = """
import json, sys
import numpy as np
from seawall.engine.venue import Venue
from seawall.ledger.state import Capacity
rows = np.load(sys.argv[1]); lengths = np.load(sys.argv[2]).tolist()
venue, at = Venue(Capacity(**json.loads(sys.argv[3]))), 0
for length in lengths:
    venue.apply(rows[at : at + length]); at += length
print(venue.chain.hex(), venue.state_hash())
"""


def difference(one: Venue, other: Venue, *, skip: tuple[str, ...] = (), cells: tuple[int, ...] = ()) -> str:
    """The first durable column in which two venues differ; "" when none does."""
    for name, _, _ in state.columns(one.capacity):
        if name == state.SCRATCH:
            break
        if name in skip:
            continue
        left, right = one.columns[name], other.columns[name]
        if name == "cell" and cells:
            left, right = left.copy(), right.copy()
            left[list(cells)], right[list(cells)] = 0, 0
        if not np.array_equal(left, right):
            at = tuple(int(part[0]) for part in np.nonzero(left != right))
            return f"{name}{list(at)}: {left[at]} and {right[at]}"
    return ""


def check_rejects(before: Venue, after: Venue, rows: Rows, done: Applied) -> None:
    """RUN_REJECT_BYTES: the accepted rows alone lead from `before` to where all of them led.

    Rejected rows burn their nonces, which may refuse a later row for its age; such batches are not judged.
    """
    accepted = rows[done.codes == code.OK]
    if np.isin(done.codes, (code.NONCE_OLD, code.NONCE_USED)).any():
        accepted = accepted.copy()
    again = before.copy()
    codes = again.apply(accepted).codes
    if codes.any():
        at = int(np.flatnonzero(codes)[0])
        facts = f"{accepted[at]} was accepted among rejects, alone it gives {code.TEXT[int(codes[at])]}"
        raise Caught(Fault("RUN_REJECT_BYTES", facts))
    if facts := difference(again, after, skip=BURNT, cells=COUNTED):
        raise Caught(Fault("RUN_REJECT_BYTES", facts))


def check_split(before: Venue, after: Venue, rows: Rows, done: Applied, pieces: int) -> None:
    """RUN_SPLIT: the same rows in batches of `pieces`."""
    again, codes = before.copy(), []
    for start in range(0, len(rows), pieces):
        codes.append(again.apply(rows[start : start + pieces]).codes)
    if not np.array_equal(np.concatenate(codes), done.codes):
        at = int(np.flatnonzero(np.concatenate(codes) != done.codes)[0])
        raise Caught(Fault("RUN_SPLIT", f"row {at} has another code in batches of {pieces}"))
    if facts := difference(again, after):
        raise Caught(Fault("RUN_SPLIT", f"in batches of {pieces}: {facts}"))


def check_duplicates(after: Venue, rows: Rows, done: Applied) -> None:
    """RUN_DUPLICATE: what a key has signed and the venue accepted has no effect when it is sent again."""
    signed = rows[(done.codes == code.OK) & (rows["nonce"] != 0)]
    again = after.copy()
    codes = again.apply(signed).codes
    if (codes == code.OK).any():
        at = int(np.flatnonzero(codes == code.OK)[0])
        raise Caught(Fault("RUN_DUPLICATE", f"accepted twice: {signed[at]}"))
    if facts := difference(again, after, cells=(state.SEQUENCE, state.STOPS_SEQUENCE)):
        raise Caught(Fault("RUN_DUPLICATE", facts))


def check_replay(venue: Venue, log: list[Rows], snapshot: tuple[int, Venue] | None) -> None:
    """RUN_REPLAY and RUN_SNAPSHOT: the log again from nothing, and from a copy taken on the way."""
    again = Venue(venue.capacity)
    replay(again, log)
    if again.chain != venue.chain or again.state_hash() != venue.state_hash():
        raise Caught(Fault("RUN_REPLAY", difference(again, venue) or "codes or events differ"))
    if snapshot is None:
        return
    at, start = snapshot
    suffix = start.copy()
    replay(suffix, log[at:])
    if suffix.chain != venue.chain or suffix.state_hash() != venue.state_hash():
        raise Caught(Fault("RUN_SNAPSHOT", difference(suffix, venue) or "codes or events differ"))


def replay(venue: Venue, log: list[Rows]) -> None:
    """Applies the batches of a log as they were, many in one call."""
    for start in range(0, len(log), REPLAYED):
        part = log[start : start + REPLAYED]
        venue.apply_batches(joined(part), np.cumsum([len(rows) for rows in part]))


def check_interpreted(log: list[Rows], capacity: Capacity) -> None:
    """RUN_INTERPRETED: the log in a process that does not compile, against this one's way of running it."""
    here = Venue(capacity)
    for rows in log:
        here.apply(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "rows.npy", joined(log))
        np.save(folder / "lengths.npy", np.array([len(rows) for rows in log]))
        shape = json.dumps({field: getattr(capacity, field) for field in capacity.__struct_fields__})
        command = [sys.executable, "-c", INTERPRET, str(folder / "rows.npy"), str(folder / "lengths.npy"), shape]
        there = subprocess.run(
            command, env={**os.environ, **_other_mode()}, capture_output=True, text=True, check=False
        )
    if there.returncode != 0:
        raise Caught(Fault("RUN_INTERPRETED", there.stderr.strip().splitlines()[-1]))
    chain, digest = there.stdout.split()
    if (chain, digest) != (here.chain.hex(), here.state_hash()):
        what = "the state" if digest != here.state_hash() else "codes or events"
        raise Caught(Fault("RUN_INTERPRETED", f"{what} differ"))


def _other_mode() -> dict[str, str]:
    """The environment of a process that runs the kernels the other way. (Importing the kernel module here would make
    every change of the simulator a reason to compile the engine anew.)
    """
    is_interpreted = os.environ.get("SEAWALL_INTERPRET", "") not in ("", "0")
    return {"SEAWALL_INTERPRET": "0" if is_interpreted else "1"}


def is_same(one: Any, other: Any) -> bool:
    """Whether two venues are equal in everything durable."""
    return not difference(one, other)
