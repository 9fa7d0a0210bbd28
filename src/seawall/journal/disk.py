"""Files of one folder, as the journal needs them: whole-file reads, writes at an offset, syncs, durable renames."""

import fcntl
import os
from pathlib import Path
from typing import Final, Protocol

from seawall.journal.faults import JournalError

TEMPORARY: Final = ".tmp"  # files still being made; removed when the journal opens
ZEROS: Final = bytes(1 << 20)
KEEP_OPEN: Final = 4  # files


class Disk(Protocol):
    """A folder of files. Only what `sync`, `create` and `rename` have returned from is sure to outlive a crash.

    Every method may raise OSError.
    """

    def names(self) -> list[str]:
        """Files, sorted."""

    def read(self, name: str) -> bytes:
        """All bytes of a file."""

    def create(self, name: str, size: int) -> None:
        """Makes a file of `size` zero bytes with its blocks allocated, durable when this returns."""

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Writes bytes; durable after the next `sync` of the file."""

    def sync(self, name: str) -> None:
        """Makes the file's bytes durable."""

    def rename(self, old: str, new: str) -> None:
        """Gives a synced file its name, replacing another, durable when this returns."""

    def remove(self, name: str) -> None:
        """Removes a file."""

    def where(self, name: str) -> str:
        """The file as a message names it."""


class Folder:
    """A real folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, int] = {}
        self._claim: int | None = None

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.path.iterdir() if entry.is_file())

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def create(self, name: str, size: int) -> None:
        """Zeros are written, not only allocated: the first write to an allocated block costs its sync twice."""
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            if size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            for offset in range(0, size, len(ZEROS)):
                _write_all(descriptor, ZEROS[: size - offset], offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._sync_folder()

    def write(self, name: str, offset: int, data: bytes) -> None:
        _write_all(self._descriptor(name), data, offset)

    def sync(self, name: str) -> None:
        getattr(os, "fdatasync", os.fsync)(self._descriptor(name))

    def rename(self, old: str, new: str) -> None:
        for name in (old, new):
            self._close(name)
        (self.path / old).replace(self.path / new)
        self._sync_folder()

    def remove(self, name: str) -> None:
        self._close(name)
        (self.path / name).unlink()
        self._sync_folder()

    def where(self, name: str) -> str:
        return str(self.path / name)

    def claim(self) -> None:
        """Keeps others from writing here until `close`. JournalError when another process has claimed the folder."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise JournalError(str(self.path), None, "another process is writing this journal") from error
        self._claim = descriptor

    def close(self) -> None:
        """Closes every file and gives up the claim."""
        for name in list(self._open):
            self._close(name)
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _descriptor(self, name: str) -> int:
        if name not in self._open:
            for old in list(self._open)[: -KEEP_OPEN + 1]:
                self._close(old)
            self._open[name] = os.open(self.path / name, os.O_RDWR)
        return self._open[name]

    def _close(self, name: str) -> None:
        if name in self._open:
            os.close(self._open.pop(name))

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    """Writes every byte: the system may take fewer than asked."""
    rest = memoryview(data)
    while rest:
        taken = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[taken:], offset + taken
