"""How results are printed: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.tools.figures import plain

if TYPE_CHECKING:
    from rich.table import Table

PLAIN_WIDTH: Final = 160  # of a table that goes to a file or a pipe
UNBOUNDED: Final = 10_000  # wider than any table


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the first column is text and set left, the others are figures and set right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def pairs(title: str, rows: Sequence[tuple[str, ...]]) -> Sheet:
    """A table of names and values; an empty row draws a line."""
    return Sheet(title=title, columns=("", ""), rows=rows)


def emit(report: Any, *, sheets: Sequence[Sheet], notes: Sequence[str] = (), as_json: bool) -> None:
    """Print the report as JSON (exact decimal strings), or the sheets and notes."""
    if as_json:
        sys.stdout.write(json.dumps(plain(report), indent=1) + "\n")
        return
    _print(sheets, notes)


def _print(sheets: Sequence[Sheet], notes: Sequence[str]) -> None:
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    unbounded = console.options.update(max_width=UNBOUNDED)
    for sheet in sheets:
        table = _table(sheet)
        if any(sheet.columns) and Measurement.get(console, unbounded, table).minimum > console.width:
            table = _table(_stacked(sheet))
        console.print(Text(sheet.title, style="bold"))
        console.print(table)
    for note in notes:
        console.print(Text(note))


def _table(sheet: Sheet) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=any(sheet.columns))
    for index, column in enumerate(sheet.columns):
        table.add_column(Text(column), justify="left" if index == 0 else "right", overflow="fold")
    for row in sheet.rows:
        if not row:
            table.add_section()
            continue
        table.add_row(*(Text(cell) for cell in row))
    return table


def _stacked(sheet: Sheet) -> Sheet:
    """The sheet for a narrow terminal: one line a figure, one section a row, so that no digit is cut off."""
    rows: list[tuple[str, ...]] = []
    for row in sheet.rows:
        rows += [(name, cell) for name, cell in zip(sheet.columns, row, strict=True)]
        rows.append(())
    return pairs(sheet.title, rows[:-1])
