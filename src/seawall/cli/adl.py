"""`seawall adl`: the auto-deleveraging waves of 2025-10-10 under the engine's policies, beside what was published."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[str, typer.Option("--data", help="Folder with the study's per-wave table.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the winners' sizes and leverages.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def adl(*, data: Data, seed: Seed = 1, json_: Json = False) -> None:
    """Run every published wave through each ADL policy of the engine. Exit code 2: the table is not there."""
    from seawall.lab.adl_waves import compared, published

    content = compared(published(Path(data)), seed)
    if json_:
        sys.stdout.write(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
    else:
        _print_table(content)


def _print_table(content: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Overshoot by wave, USD", title_justify="left", header_style="bold")
    names = list(content["overshoot_usd"])
    for heading in (
        "Wave",
        "Needed",
        "Venue",
        *(f"{name.replace('_', ' ')}" for name in names),
        "largest pro-rata share",
    ):
        table.add_column(heading, justify="right")
    for wave in content["waves"]:
        taken = wave["policies"]
        table.add_row(
            str(wave["wave"]),
            f"{wave['needed_usd']:,.0f}",
            f"{wave['published']['overshoot_usd']:,.0f}",
            *(f"{taken[name]['overshoot_usd']:,.2f}" for name in names),
            f"{taken['pro_rata']['largest_share']:.3%}",
        )
    totals = (f"{content['overshoot_usd'][name]:,.2f}" for name in names)
    table.add_row("all", f"{content['needed_usd']:,.0f}", f"{content['published_overshoot_usd']:,.0f}", *totals, "")
    Console().print(table)
