"""The page of a comparison of rule sets: one file, tables and bars, nothing loaded from anywhere."""

import html
from typing import Any, Final

ROWS: Final = (
    ("liquidated_accounts", "Accounts liquidated", "touched by a forced order, the backstop or auto-deleveraging"),
    ("fully_closed_accounts", "Closed in full", "of them, left without a position"),
    ("unnecessary_liquidations", "Unnecessary", "the index never went to their liquidation price"),
    ("liquidated_notional_usd", "Liquidated, USD", "notional closed against the accounts' will"),
    ("bad_debt_usd", "Bad debt, USD", "what neither the account nor insurance could pay"),
    ("insurance_used_usd", "Insurance used, USD", ""),
    ("backstop_notional_usd", "Backstop, USD", "notional the backstop vault took"),
    ("adl_notional_usd", "Auto-deleveraged, USD", "notional closed against winners"),
    ("adl_overshoot_usd", "Overshoot, USD", "taken from winners beyond need"),
    ("impact_bps", "Impact, bps", "forced fills from the mark before them"),
    ("breach_to_flat_s", "Breach to flat, s", "mean time from the first step to the end"),
    ("average_margin_usd", "Margin required, USD", "least initial margin of open positions, mean over the bars"),
)
STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a1c20;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0 2.5rem}th,td{padding:.4rem .6rem;text-align:right}
th:first-child,td:first-child{text-align:left}tr{border-bottom:1px solid #e4e6ea}small{color:#626873;display:block}
.bar{height:4px;background:#3a6ea5;margin-top:3px;margin-left:auto;border-radius:2px}
@media (prefers-color-scheme:dark){body{background:#14161a;color:#e6e8ec}tr{border-color:#2a2e35}small{color:#98a0ad}}
"""


def rules_page(content: dict[str, Any]) -> str:
    """The document of `seawall replay --rules` as one HTML page."""
    title = f"Rule sets on {content['event']}"
    markets = ", ".join(content["markets"])
    lead = f"{content['accounts']:,} synthetic accounts, seed {content['seed']}; markets {markets}."
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in content["notes"])
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>",
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>",
        f"<h1>{html.escape(title)}</h1><p>{html.escape(lead)}</p><ul>{notes}</ul>",
        "<h2>As configured</h2><p>Each rule set with its own margin levels.</p>",
        _table(content["rules"]),
        "<h2>At equal margin</h2><p>Levels scaled until every rule set asks the same initial margin of what is "
        "opened.</p>",
        _table(content["rules_at_equal_margin"]),
    ]
    return "\n".join(parts) + "</html>\n"


def _table(figures: dict[str, dict[str, Any]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in figures)
    rows = [f"<tr><th></th>{head}</tr>"]
    for key, words, more in ROWS:
        values = [each[key] for each in figures.values()]
        most = max((abs(value) for value in values if value is not None), default=0) or 1
        cells = "".join(_cell(value, most) for value in values)
        rows.append(f"<tr><td>{html.escape(words)}<small>{html.escape(more)}</small></td>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _cell(value: float | None, most: float) -> str:
    if value is None:
        return "<td>-</td>"
    text = f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:,.2f}"
    width = 100 * abs(value) / most
    return f"<td>{text}<div class=bar style='width:{width:.1f}%'></div></td>"
