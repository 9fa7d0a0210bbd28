"""A folder in memory that can crash: what was not synced may be there, in part, or not at all. For trials."""

from collections.abc import Callable
from typing import Final

SECTOR: Final = 512  # what a disk writes whole or not at all


class MemoryDisk:
    """A `Disk` that remembers what is durable and, since then, every write in order.

    `fail_after` makes writes and syncs raise OSError (no space) once that many bytes were written.
    """

    def __init__(self) -> None:
        self.durable: dict[str, bytes] = {}
        self.files: dict[str, bytearray] = {}
        self.waiting: list[tuple[str, int, bytes]] = []  # written since the file's last sync: name, offset, bytes
        self.written = 0
        self.fail_after: int | None = None

    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        return bytes(self.files[name])

    def create(self, name: str, size: int) -> None:
        self._charge(0)
        self.files[name] = bytearray(size)
        self.durable[name] = bytes(size)

    def write(self, name: str, offset: int, data: bytes) -> None:
        self._charge(len(data))
        self.files[name][offset : offset + len(data)] = data
        self.waiting.append((name, offset, bytes(data)))

    def sync(self, name: str) -> None:
        self._charge(0)
        self.durable[name] = bytes(self.files[name])
        self.waiting = [entry for entry in self.waiting if entry[0] != name]

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)
        self.durable[new] = self.durable.pop(old)
        self.waiting = [(new if name == old else name, offset, data) for name, offset, data in self.waiting]

    def remove(self, name: str) -> None:
        del self.files[name]
        del self.durable[name]

    def where(self, name: str) -> str:
        return name

    def crashed(self, keeps: Callable[[int], bool]) -> "MemoryDisk":
        """The disk after a crash now: synced bytes, and of each sector written since those for which `keeps` says so.

        Sectors are numbered from 0 in the order they were written.
        """
        after = MemoryDisk()
        after.files = {name: bytearray(data) for name, data in self.durable.items()}
        number = 0
        for name, offset, data in self.waiting:
            for start in range(0, len(data), SECTOR):
                if keeps(number):
                    piece = data[start : start + SECTOR]
                    after.files[name][offset + start : offset + start + len(piece)] = piece
                number += 1
        after.durable = {name: bytes(data) for name, data in after.files.items()}
        return after

    def copy(self) -> "MemoryDisk":
        """The same files, all durable."""
        after = MemoryDisk()
        after.files = {name: bytearray(data) for name, data in self.files.items()}
        after.durable = {name: bytes(data) for name, data in after.files.items()}
        return after

    def _charge(self, size: int) -> None:
        if self.fail_after is not None and self.written + size > self.fail_after:
            raise OSError(28, "No space left on device")
        self.written += size
