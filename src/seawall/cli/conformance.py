"""`seawall conformance DIR`: published cases of real venues, run through this package."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seawall.tools.conformance.suite import Report, Result

SHOWN_MISSES = 5


def conformance(
    directory: Annotated[Path, typer.Argument(help="Folder of vector files, one family a file.")],
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run published cases of real venues and list what does not match.

    Exit code 0: every case matched; 1: a case missed; 2: the folder or a file can not be read.
    """
    from seawall.tools.conformance.suite import run_folder

    report = run_folder(directory)
    for name in report.skipped:
        print(f"{name}: skipped, it names no family", file=sys.stderr)
    for family in report.not_yet:
        print(f"{family}: nothing runs this family yet, its cases were not checked", file=sys.stderr)
    if json_:
        _print_json(report)
    else:
        _print_table(report)
    if not report.is_conforming:
        raise typer.Exit(1)


def _print_json(report: "Report") -> None:
    import msgspec

    families = {
        result.family: {
            "matched": result.matched,
            "total": result.total,
            "misses": [miss.id for miss in result.misses],
        }
        for result in report.results
    }
    print(msgspec.json.encode({"families": families, "not_yet": report.not_yet}).decode())


def _print_table(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("family", "matched", "misses")
    table.columns[1].justify = "right"
    for result in report.results:
        table.add_row(Text(result.family), f"{result.matched}/{result.total}", Text(_misses(result)))
    for family in report.not_yet:
        table.add_row(Text(family), "not yet", "")
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _misses(result: "Result") -> str:
    shown = [miss.id if miss.why == "differs" else f"{miss.id} ({miss.why})" for miss in result.misses[:SHOWN_MISSES]]
    if len(result.misses) > SHOWN_MISSES:
        shown.append(f"and {len(result.misses) - SHOWN_MISSES} more")
    return "\n".join(shown)
