"""`seawall journal`: look at a venue's log on disk, or play it again."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.journal.disk import Folder
    from seawall.journal.record import Record
    from seawall.journal.scan import Lost, Place

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Verify, replay or show a venue's journal.")

Source = Annotated[Path, typer.Argument(metavar="FILE_OR_FOLDER", help="A segment, or the folder of a journal.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
TOLD_EVERY_S: Final = 2.0
EXIT_DAMAGED: Final = 1


class Progress:
    """Tells on stderr, every two seconds, how far a long reading is."""

    def __init__(self) -> None:
        self.start = self.told = time.monotonic()

    def __call__(self, sequence: int) -> None:
        now = time.monotonic()
        if now - self.told >= TOLD_EVERY_S:
            self.told = now
            sys.stderr.write(f"command {sequence:,} after {now - self.start:.0f} s\n")
            sys.stderr.flush()


@app.command()
def verify(source: Source, json_: Json = False) -> None:
    """Check every byte of every record, the chain of hashes, and the snapshots; applies nothing.

    Exit code 0: all as it was written; 1: a torn tail, damage, or a bad snapshot; 2: this is no journal.
    """
    from seawall.journal.faults import JournalError
    from seawall.journal.verify import verify as looked

    disk, files = _opened(source, json_)
    try:
        verdict = looked(disk, files, source.is_dir(), Progress())
    except JournalError as error:
        raise _ended(error, json_) from error
    if json_:
        _print_json({**_plain(verdict), "whole": verdict.is_whole})
    else:
        print(f"{verdict.records:,} records in {_segments(verdict.segments)}, commands {verdict.first}..{verdict.last}")
        print(f"{verdict.bytes:,} bytes; the last record is {verdict.hash}")
        for snapshot in verdict.snapshots:
            print(f"{snapshot.file}: {'whole' if snapshot.fault is None else snapshot.fault}")
        _tell_lost(verdict.lost)
    if not verdict.is_whole:
        raise typer.Exit(EXIT_DAMAGED)


@app.command()
def replay(source: Source, json_: Json = False) -> None:
    """Apply every command again, from the first, and compare each batch's results and each snapshot.

    Exit code 0: the same results to the last; 1: other results, damage, or a torn tail; 2: this is no journal.
    """
    from seawall.journal.faults import JournalError
    from seawall.journal.replay import replay_log

    disk, files = _opened(source, json_)
    start = time.monotonic()
    try:
        done = replay_log(disk, files, Progress())
    except JournalError as error:
        raise _ended(error, json_) from error
    seconds = time.monotonic() - start
    if json_:
        _print_json({**_plain(done), "seconds": round(seconds, 3)})
    else:
        print(f"{done.commands:,} commands in {seconds:.1f} s, the same results as recorded")
        print(f"state {done.state}")
        print(f"chain {done.chain}")
        for file in done.snapshots:
            print(f"{file}: the same state")
        _tell_lost(done.lost)
    if done.lost is not None:
        raise typer.Exit(EXIT_DAMAGED)


@app.command()
def show(
    source: Source,
    from_: Annotated[int, typer.Option("--from", help="First command to show.", min=1)] = 1,
    count: Annotated[int, typer.Option("--count", help="How many commands at most.", min=1)] = 20,
    json_: Json = False,
) -> None:
    """Print commands as they were applied: sequence, kind, and the fields that are not 0.

    Exit code 0; 1: damage before what was asked for; 2: this is no journal.
    """
    from seawall.journal.faults import JournalError
    from seawall.journal.verify import records_from

    disk, files = _opened(source, json_)
    left = count
    try:
        for place, record in records_from(disk, files, from_):
            left -= _show_record(disk, place, record, from_, left, json_)
            if left == 0:
                break
    except JournalError as error:
        raise _ended(error, json_) from error


def _show_record(disk: "Folder", place: "Place", record: "Record", first: int, most: int, json_: bool) -> int:
    """Prints at most `most` commands of a record from `first` on; returns how many."""
    from seawall.journal.replay import unpacked
    from seawall.terms import command

    rows = unpacked(disk, place, record).tolist()[max(0, first - record.first) :][:most]
    start = max(first, record.first)
    for number, row in enumerate(rows):
        fields = {name: value for name, value in zip(command.ROW, row, strict=True) if value and name != "kind"}
        kind = _kind_name(row[0])
        if json_:
            _print_json({"sequence": start + number, "kind": kind, **fields})
        else:
            words = " ".join(f"{name}={value}" for name, value in fields.items())
            print(f"{start + number:>12}  {kind:<18} {words}")
    return len(rows)


def _kind_name(kind: int) -> str:
    """The name of a kind: the first constant with its number, for the kinds come first in their module."""
    from seawall.terms import command

    if kind not in command.FIELDS:
        return f"unknown {kind}"
    return next(name.lower() for name, value in vars(command).items() if isinstance(value, int) and value == kind)


def _opened(source: Path, json_: bool) -> "tuple[Folder, list[str]]":
    """The folder and the segments that were named. BadInput when there are none."""
    from seawall.journal.disk import Folder
    from seawall.journal.faults import JournalError
    from seawall.journal.record import segment_number
    from seawall.journal.scan import segment_files

    if source.is_dir():
        disk = Folder(source)
        try:
            files = segment_files(disk)
        except JournalError as error:
            raise _ended(error, json_) from error
        if not files:
            raise BadInput("journal", "no segment journal-*.seg in the folder", str(source))
        return disk, files
    if not source.is_file():
        raise BadInput("journal", "no such file or folder", str(source))
    if not segment_number(source.name):
        raise BadInput("journal", "not a segment journal-*.seg", str(source))
    return Folder(source.parent), [source.name]


def _ended(error: Any, json_: bool) -> Exception:
    """The end of a command that met a fault: damage and divergence are answers (1), all else is refused input (2)."""
    from seawall.journal.faults import Damaged, Diverged

    if not isinstance(error, Damaged | Diverged):
        return BadInput("journal", error.why, error.file)
    if json_:
        _print_json({"whole": False, "fault": error.why, "file": error.file, "offset": error.offset})
    sys.stderr.write(f"error: {error}\n")
    return typer.Exit(EXIT_DAMAGED)


def _tell_lost(lost: "Lost | None") -> None:
    if lost is not None:
        named = f", in it commands up to {lost.last}" if lost.last >= lost.first else ""
        print(f"torn tail: {lost.bytes} bytes of {lost.file} from byte {lost.offset} on{named}")
        print(f"it opens at command {lost.first - 1}")


def _segments(count: int) -> str:
    return "1 segment" if count == 1 else f"{count} segments"


def _plain(value: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain


def _print_json(value: dict[str, Any]) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())
