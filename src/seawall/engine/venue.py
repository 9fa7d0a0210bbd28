"""The venue as a program holds it: a state, and `apply` that takes command rows and gives back what they did.

A pure function of its log: no clock, disk or chance. `chain` is the hash over every batch so far, its codes and its
events; `state_hash` is the hash of the whole record, costlier, for snapshots and audits.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.engine import apply as kernels
from seawall.engine import digest
from seawall.engine.rows import FIELDS, ROW_TYPE, Codes, Rows, rows_for_kernels, rows_of, shape_codes, table_of, view
from seawall.ledger import state
from seawall.ledger.state import Capacity
from seawall.terms import event
from seawall.units import BadInput

Events = NDArray[np.int64]


class Applied(NamedTuple):
    """What a batch did: a code and the id of what it made (0: nothing) for each row, and all events in order."""

    codes: Codes
    made: Codes
    events: Events  # [n, len(event.ROW)]

    def of_kind(self, kind: int) -> list[dict[str, int]]:
        """The events of one kind as mappings of event.ROW."""
        return [dict(zip(event.ROW, row, strict=True)) for row in self.events.tolist() if row[1] == kind]


class Venue:
    """One margin domain. Not safe for two threads: one writer applies, others read the columns between batches."""

    def __init__(self, capacity: Capacity = state.SMALL, salt: int = 0) -> None:
        """An empty venue. Raises BadInput for a capacity that is not positive or too large.

        `salt` (31 bits count) decides where the tables of nonces, addresses and client ids look, so that nobody who
        does not know it can fill one place of them; whoever runs the venue draws it once and keeps it with the log.
        """
        self.capacity = capacity
        self.array = state.create_state(capacity)
        self.columns: Any = state.columns_of(self.array)
        self.chain = bytes(32)
        self._states = state.for_kernels(self.array)
        self._cell: NDArray[np.int64] = self.columns["cell"]
        self._cell[state.HASH_SALT] = salt

    def apply(self, rows: Rows) -> Applied:
        """Applies rows in order. A rejected row has its code and changes nothing but the count of commands.

        Raises BadInput, changing nothing, when `rows` are not of ROW_TYPE.
        """
        return self.apply_batches(rows, np.array([len(rows)], np.int64))[0]

    def apply_batches(self, rows: Rows, ends: Codes) -> tuple[Applied, list[bytes]]:
        """Applies many batches in one go, the k-th up to row `ends[k]`; also `chain` after each, as if one by one.

        Raises BadInput, changing nothing, when `rows` are not of ROW_TYPE or `ends` do not rise to their number.
        """
        if rows.dtype != ROW_TYPE or rows.ndim != 1:
            raise BadInput("rows", "expected a one-dimensional array of ROW_TYPE")
        if len(ends) == 0 or ends[0] < 0 or ends[-1] != len(rows) or (np.diff(ends) < 0).any():
            raise BadInput("ends", "expected the rising numbers of rows at which the batches end")
        rows = np.ascontiguousarray(rows)
        sequence = int(self._cell[state.SEQUENCE]) + 1
        shapes, given = shape_codes(rows), rows_for_kernels(rows)
        codes, made = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        parts: list[Events] = []
        done = 0
        while done < len(rows):
            done = kernels.apply_rows(self._states, given, shapes, codes, made, done)
            parts.append(self._take_events())
        events = parts[0] if len(parts) == 1 else np.concatenate(parts or [np.zeros((0, len(event.ROW)), np.int64)])
        chains = self._move_chain(rows, Applied(codes, made, events), sequence, ends)
        return Applied(codes, made, events), chains

    def one(self, **fields: int) -> int:
        """Applies one row given by its fields and returns its code."""
        return int(self.apply(rows_of([fields])).codes[0])

    def state_hash(self) -> str:
        """SHA-256 of everything durable, as hex."""
        return hashlib.sha256(state.durable_bytes(self.array, self.capacity)).hexdigest()

    def copy(self) -> "Venue":
        """An independent venue in the same state."""
        other = Venue(self.capacity)
        other.restore(state.durable_bytes(self.array, self.capacity), self.chain)
        return other

    def restore(self, durable: bytes | memoryview, chain: bytes) -> None:
        """Replaces the whole state by bytes that `state.durable_bytes` gave for the same capacity.

        Raises BadInput when the length differs; the content is the caller's to have verified.
        """
        target = state.durable_bytes(self.array, self.capacity)
        if len(durable) != len(target) or len(chain) != 32:
            raise BadInput("snapshot", f"{len(durable)} bytes, this capacity takes {len(target)}")
        target[:] = durable
        self.chain = bytes(chain)

    def _move_chain(self, rows: Rows, done: Applied, sequence: int, ends: Codes) -> list[bytes]:
        """The chain after each batch: the hash of the chain before and of the digest of the batch and its results."""
        lanes = np.zeros((len(ends), 2), "<i8")
        digest.mix_batches(
            table_of(rows),
            view(done.codes),
            view(done.made),
            view(done.events),
            sequence,
            view(ends),
            FIELDS,
            len(event.ROW),
            view(lanes),
        )
        chains = []
        for words in lanes:
            self.chain = hashlib.sha256(self.chain + words.tobytes()).digest()
            chains.append(self.chain)
        return chains

    def _take_events(self) -> Events:
        used = int(self._cell[state.EVENTS_USED])
        self._cell[state.EVENTS_USED] = 0
        taken: Events = self.columns["event"][:used].copy()
        return taken
