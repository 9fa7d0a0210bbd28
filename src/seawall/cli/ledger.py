"""`seawall ledger`: what moved an account's money, as a venue's history has it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.venue.history.ledger import Ledger

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The ledger of an account.")

Data = Annotated[Path, typer.Option("--data", metavar="FOLDER", help="The venue's folder.")]
Account = Annotated[str, typer.Option("--account", metavar="ADDRESS", help="0x and 40 hex digits.")]
Start = Annotated[str, typer.Option("--from", metavar="TIME", help="ISO date or time, UTC unless it says otherwise.")]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to but not with this time; else all.")]
Format = Annotated[str, typer.Option("--format", help="csv or json.")]
Url = Annotated[
    str | None, typer.Option("--history", metavar="URL", help="The database, when it is not in the folder.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Else standard output.")]
FORMATS: Final = ("csv", "json")


@app.callback()
def root() -> None:
    """The ledger of an account."""


@app.command()
def export(
    data: Data,
    account: Account,
    start: Start = "1970-01-01",
    end: End = None,
    format_: Format = "csv",
    history: Url = None,
    out: Out = None,
) -> None:
    """Print what moved an account's cash: realised profit, fees, funding, liquidations, transfers; lines and totals.

    Opening cash and all amounts make closing cash, to the unit. The venue may run meanwhile.
    """
    if format_ not in FORMATS:
        raise BadInput("format", f"{format_!r} is neither csv nor json")
    with _opened(data, history, account, (start, end)) as ledger:
        from seawall.venue.history.ledger_text import write_csv, write_json

        _tell_missing(data, ledger)
        write = write_csv if format_ == "csv" else write_json
        if out is None:
            write(ledger, sys.stdout)
            return
        with out.open("w", encoding="utf-8", newline="") as file:
            write(ledger, file)


@contextmanager
def _opened(data: Path, url: str | None, account: str, period: tuple[str, str | None]) -> "Iterator[Ledger]":
    """The ledger that was asked for. BadInput for what cannot be had."""
    try:
        from sqlalchemy.exc import SQLAlchemyError

        from seawall.venue.config import HISTORY
        from seawall.venue.history.database import open_engine
        from seawall.venue.history.keeper import is_ours
        from seawall.venue.history.ledger import Ledger
        from seawall.venue.history.ledger_text import time_of
        from seawall.venue.history.queries import now_of
        from seawall.venue.names import address_of
    except ModuleNotFoundError as error:
        raise BadInput("ledger", f"{error}: install seawall[venue]") from error
    address, start = address_of(account, "account"), time_of(period[0], "from")
    end = None if period[1] is None else time_of(period[1], "to")
    engine = open_engine(url or f"sqlite:///{data / HISTORY}", read_only=True)
    try:
        if not is_ours(engine):
            raise BadInput("history", "it is of another version: it is made anew when the venue opens")
        with engine.begin() as connection:
            yield Ledger(connection, address, start, now_of(connection) + 1 if end is None else end)
    except SQLAlchemyError as error:
        raise BadInput("history", str(getattr(error, "orig", None) or error)) from error
    finally:
        engine.dispose()


def _tell_missing(data: Path, ledger: "Ledger") -> None:
    """Says so when the journal goes further than history."""
    from seawall.journal.disk import Folder
    from seawall.journal.faults import JournalError
    from seawall.journal.scan import Reader, segment_files
    from seawall.venue.config import JOURNAL

    home = data / JOURNAL
    if not home.is_dir():
        return
    disk = Folder(home)
    try:
        reader = Reader(disk, segment_files(disk)[-1:])
        for _ in reader:
            pass
    except (JournalError, OSError) as error:
        sys.stderr.write(f"note: the journal could not be read: {error}\n")
        return
    if reader.sequence > ledger.sequence:
        sys.stderr.write(
            f"note: history knows commands up to {ledger.sequence}, the journal goes to {reader.sequence}: "
            "a venue that runs is about to write them, one that has stopped does so when it opens\n"
        )
