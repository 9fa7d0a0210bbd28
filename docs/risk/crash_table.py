"""Markdown tables of several replays: `python docs/risk/crash_table.py replay-*.json`, each of `seawall replay --json`.

At equal margin, every rule set against the first one (static). Loss is what insurance, vaults and nobody paid:
insurance used + bad debt - the vaults' result. Pooled rows have 90 % intervals, events drawn again 2,000 times.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = {
    "liquidated notional": lambda one: float(one["liquidated_notional_usd"]),
    "fully closed": lambda one: float(one["fully_closed_accounts"]),
    "loss": lambda one: (
        float(one["bad_debt_usd"]) + float(one["insurance_used_usd"]) - float(one["backstop_result_usd"])
    ),
    "unnecessary": lambda one: (
        float("nan") if one["unnecessary_liquidations"] is None else one["unnecessary_liquidations"]
    ),
    "ADL": lambda one: float(one["adl_notional_usd"]),
}


def ratio(value: float, base: float) -> str:
    """To two places; a dash where there is nothing to compare with."""
    return f"{value / base:.2f}" if base > 0 and np.isfinite(value) else "-"


def events(files: list[str]) -> list[dict[str, Any]]:
    found = [json.loads(Path(name).read_text()) for name in files]
    return sorted(found, key=lambda one: one["source"]["from_ms"])


def main() -> None:
    told = events(sys.argv[1:])
    sets = [one["rule"] for one in told[0]["sets"]]
    base, others = sets[0], sets[1:]
    for name, value in FIGURES.items():
        print(f"\n## {name}, over `{base}`\n\n| event | bars | markets | {base} | {' | '.join(others)} |")
        print("|---|---|---|---" + "|---" * len(others) + "|")
        table = np.array([[value(one["rules_at_equal_margin"][rule]) for rule in sets] for one in told])
        for one, row in zip(told, table, strict=True):
            source, shown = one["source"], f"{row[0]:,.0f}" if np.isfinite(row[0]) else "-"
            cells = " | ".join(ratio(each, row[0]) for each in row[1:])
            length = f"{source['interval_ms'] // 1000} s"
            print(f"| {source['name']} | {length} | {len(one['markets'])} | {shown} | {cells} |")
        known = table[np.isfinite(table).all(axis=1)]
        print(f"| pooled, {len(known)} events | | | {known[:, 0].sum():,.0f} | {' | '.join(pooled(known))} |")


def pooled(table: np.ndarray) -> list[str]:
    """Sum over sum of each set, with its interval over events."""
    if not len(table):
        return ["-"] * (table.shape[1] - 1)
    random = np.random.default_rng(0)
    picks = random.integers(0, len(table), (2_000, len(table)))
    drawn = table[picks].sum(axis=1)
    found = []
    for column in range(1, table.shape[1]):
        low, high = np.quantile(drawn[:, column] / np.maximum(drawn[:, 0], 1e-9), (0.05, 0.95))
        found.append(f"{ratio(table[:, column].sum(), table[:, 0].sum())} ({low:.2f} .. {high:.2f})")
    return found


if __name__ == "__main__":
    main()
