"""`seawall replay --rules`: one crash under several rule sets, on the engine, side by side."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from seawall.lab.history import History

FIGURES: Final = (
    ("liquidated_accounts", "accounts liquidated"),
    ("fully_closed_accounts", "  closed in full"),
    ("unnecessary_liquidations", "  unnecessary (the index never went there)"),
    ("liquidated_notional_usd", "liquidated notional, USD"),
    ("bad_debt_usd", "bad debt, USD"),
    ("insurance_used_usd", "insurance used, USD"),
    ("backstop_notional_usd", "taken by the backstop, USD"),
    ("adl_notional_usd", "auto-deleveraged, USD"),
    ("adl_overshoot_usd", "  beyond need, USD"),
    ("impact_bps", "impact of forced orders, bps"),
    ("breach_to_flat_s", "breach to flat, s"),
    ("average_margin_usd", "average margin required, USD"),
)


def compare_rules(
    history: "History",
    names: Sequence[str],
    *,
    accounts: int,
    seed: int,
    event: str,
    folder: Path | None,
    is_json: bool,
) -> None:
    """Runs every rule set as configured and at equal margin; prints JSON or a table, and leaves the files."""
    from seawall.cli.replay import _progress
    from seawall.lab.compare import compare, work_of
    from seawall.lab.population import Mix, populate_for
    from seawall.lab.report import encode
    from seawall.lab.rules_page import rules_page
    from seawall.lab.rulesets import rule_sets

    chosen = rule_sets(names)
    started = time.perf_counter()
    people = populate_for(history, seed, Mix(accounts=accounts))
    print("compiling the engine where it is not yet (a minute or two, kept for the next run)", file=sys.stderr)
    title = f"{accounts:,} accounts, {history.markets} markets, {history.bars:,} bars, {len(chosen)} rule sets twice"
    with _progress(title, work_of(history, chosen)) as tell:
        done = compare(history, people, chosen, seed, tell)
    content: dict[str, Any] = {
        "schema": "seawall.rules/1",
        **done.document(),
        "seed": seed,
        "event": event,
        "markets": list(history.symbols),
        "accounts": accounts,
        "margin_scales": {name: round(scale, 6) for name, scale in done.scales.items()},
        "notes": list(history.notes),
    }
    if folder is not None:
        from seawall.lab.report import write_all

        write_all(folder, {"replay.json": encode(content), "report.html": rules_page(content)})
    if is_json:
        sys.stdout.write(encode(content))
        return
    for key, heading in (("rules", "As configured"), ("rules_at_equal_margin", "At equal margin")):
        _print_table(heading, content[key])
    print(f"{folder}/report.html and replay.json written in {time.perf_counter() - started:.1f} s")


def _print_table(heading: str, figures: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=heading, title_justify="left", header_style="bold")
    table.add_column("Figure")
    for name in figures:
        table.add_column(name, justify="right")
    for key, words in FIGURES:
        table.add_row(words, *(number_text(each[key]) for each in figures.values()))
    Console().print(table)


def number_text(value: float | None) -> str:
    """A figure for people: thousands apart, decimals only where they tell."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:,.2f}"
