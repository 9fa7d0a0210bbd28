"""How results are printed: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.tools.figures import plain


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the first column is text and set left, the others are figures and set right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


def pairs(title: str, rows: Sequence[tuple[str, str]]) -> Sheet:
    """A table of names and values."""
    return Sheet(title=title, columns=("", ""), rows=rows)


def emit(report: Any, *, sheets: Sequence[Sheet], notes: Sequence[str] = (), as_json: bool) -> None:
    """Print the report as JSON (exact decimal strings), or the sheets and notes."""
    if as_json:
        sys.stdout.write(json.dumps(plain(report), indent=1, ensure_ascii=False) + "\n")
        return
    _print(sheets, notes)


def _print(sheets: Sequence[Sheet], notes: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 160)
    for sheet in sheets:
        is_headed = any(sheet.columns)
        table = Table(title=Text(sheet.title), title_justify="left", show_header=is_headed, title_style="bold")
        for index, column in enumerate(sheet.columns):
            table.add_column(Text(column), justify="left" if index == 0 else "right")
        for row in sheet.rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    for note in notes:
        console.print(Text(note))
