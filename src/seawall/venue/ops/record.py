"""Who asked for what: every act of an operator, on disk before it is done, with the commands that it became."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from seawall.venue.ops.store import ACTS, COMMANDS, Store, add_rows


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act as it is kept."""

    id: int
    time: int  # of the wall clock, ms
    operator: str
    host: str
    act: str
    details: dict[str, Any]
    reason: str
    outcome: str  # empty: it was begun and nobody knows
    commands: list[tuple[int, int]] = []  # (sequence, result code)


class Record:
    """The acts of one venue."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, operator: str, host: str, act: str, details: Mapping[str, Any], reason: str) -> int:
        """Keeps what is about to be done; its number."""
        row = {
            "time": time.time_ns() // 1_000_000,
            "operator": operator,
            "host": host,
            "act": act,
            "details": msgspec.json.encode(details).decode(),
            "reason": reason,
            "outcome": "",
        }
        return int((await self._store.do(lambda connection: add_rows(connection, ACTS, [row])))[0])

    async def end(self, act: int, outcome: str, commands: Sequence[tuple[int, int]] = ()) -> None:
        """Keeps how it ended, and the commands that it was (sequence, code)."""
        rows = [{"sequence": sequence, "act": act, "code": code} for sequence, code in commands]

        def work(connection: Any) -> None:
            connection.execute(update(ACTS).where(ACTS.c.id == act).values(outcome=outcome))
            if rows:
                connection.execute(insert(COMMANDS), rows)

        await self._store.do(work)

    async def last(self, limit: int) -> list[Act]:
        """The newest acts, newest first."""

        def work(connection: Any) -> list[Act]:
            found = connection.execute(select(ACTS).order_by(ACTS.c.id.desc()).limit(limit)).mappings().all()
            numbers = [row["id"] for row in found]
            commands: dict[int, list[tuple[int, int]]] = {number: [] for number in numbers}
            told = select(COMMANDS).where(COMMANDS.c.act.in_(numbers)).order_by(COMMANDS.c.sequence)
            for row in connection.execute(told):
                commands[row.act].append((row.sequence, row.code))
            return [
                Act(**{**row, "details": msgspec.json.decode(row["details"])}, commands=commands[row["id"]])
                for row in found
            ]

        return await self._store.do(work)

    async def reasons(self, sequences: Sequence[int]) -> Mapping[int, str]:
        """What operators wrote beside commands, by their sequence."""
        joined = select(COMMANDS.c.sequence, ACTS.c.reason).join(ACTS, ACTS.c.id == COMMANDS.c.act)

        def work(connection: Any) -> Mapping[int, str]:
            found = connection.execute(joined.where(COMMANDS.c.sequence.in_(sequences)))
            return {row.sequence: row.reason for row in found if row.reason}

        return await self._store.do(work) if sequences else {}
