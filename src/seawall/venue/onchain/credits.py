"""Which deposits of the chain have been credited, each exactly once, whatever is cut off.

A line is written before the engine is asked: the deposit's place on the chain, and the serial that the engine will give
it. Serials follow each other without gaps, so after a crash the engine's last serial says whether the last line has
been applied. One that the engine refuses gets another line, and its serial goes to the next.
"""

from pathlib import Path
from typing import Final

import msgspec

from seawall.venue.onchain.trades import lines_of

FILE: Final = "deposits.jsonl"
USD: Final = -1  # in place of an asset's number


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit on the chain: `place` is its block and its log, `account` the owner's address.

    `amount` is micro-USD, or lots of an asset by its number on the chain.
    """

    place: tuple[int, int]
    account: str
    amount: int
    asset: int = USD


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file. `refused` is the engine's code; 0: credited under the serial."""

    place: tuple[int, int]
    serial: int
    refused: int = 0


class Credits:
    """The file. `block` is up to where every deposit is done."""

    def __init__(self, folder: Path, serial: int) -> None:
        """`serial` is the engine's last one."""
        found: dict[int, tuple[int, int]] = {}
        self.refused: dict[tuple[int, int], int] = {}
        for line in lines_of(folder / FILE, Line):
            if line.refused:
                self.refused[line.place] = line.refused
            else:
                found[line.serial] = line.place
        self.done = {place for number, place in found.items() if number <= serial}
        self._file = (folder / FILE).open("ab")

    def is_done(self, seen: Seen) -> bool:
        return seen.place in self.done or seen.place in self.refused

    def begin(self, seen: Seen, serial: int) -> None:
        """Before the engine is asked to credit it as its next deposit."""
        self._write(Line(place=seen.place, serial=serial))

    def end(self, seen: Seen, refused: int) -> None:
        """What the engine said: 0, or why not."""
        if refused == 0:
            self.done.add(seen.place)
            return
        self.refused[seen.place] = refused
        self._write(Line(place=seen.place, serial=0, refused=refused))

    def close(self) -> None:
        self._file.close()

    def _write(self, line: Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
