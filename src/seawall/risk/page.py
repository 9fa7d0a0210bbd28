"""One HTML page of a backtest: figures of every margin, coverage over time, margins against moves, the frontier.

It loads nothing and needs no script.
"""

from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seawall.risk.backtest import REFERENCE, Backtest, Market, document
from seawall.risk.plots import Line, Point, over_time, scatter

Floats = npt.NDArray[np.float64]

OURS: Final = ("seawall_new", "seawall_open")
COMPARED: Final = (*OURS, REFERENCE, "hs_90d", "base_aci")
WINDOW_DAYS: Final = 30
POINTS: Final = 420  # of a line
FIGURES: Final = (
    ("violation", "Violations", "{:.3%}"),
    ("kupiec_p", "Kupiec p", "{:.2f}"),
    ("christoffersen_p", "Christoffersen p", "{:.2g}"),
    ("violation_after_violation", "Within 24 h after one", "{:.2%}"),
    ("stress_violation", "In stress", "{:.2%}"),
    ("shock_violation", "In shocks", "{:.2%}"),
    ("average_margin", "Average", "{:.2%}"),
    ("average_vs_fhs", "Average vs FHS", "{:.3f}"),
    ("average_vs_fhs_24h", "over 24 h, 99 %", "{:.3f}"),
    ("pinball_vs_fhs", "Pinball vs FHS", "{:.3f}"),
    ("max_rise_24h", "Largest rise in 24 h", "{:.2f}"),
    ("p99_rise_24h", "p99 rise", "{:.2f}"),
    ("shortfall", "Shortfall, bp", "{:.2f}"),
)
STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { margin: 2.2rem 0 .4rem; font-size: 1.15rem; }
p { margin: .3rem 0; } .soft { opacity: .75; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid rgb(128 128 128 / .3); }
th:first-child { text-align: left; } tr.ours { font-weight: 600; }
svg { max-width: 100%; height: auto; } .legend span { margin-right: 1rem; white-space: nowrap; }
"""


def page(done: Backtest, shown: str | None = None) -> str:
    """The page. `shown` names the market whose margins are drawn; without it the one with most hours."""
    content = document(done)
    market = next((one for one in done.markets if one.symbol == shown), None)
    market = market or max(done.markets, key=lambda one: len(one.hours))
    facts = (
        f"{len(done.markets)} markets, {content['models'][REFERENCE]['hours']:,} hours from {content['from'][:10]} to "
        f"{content['to'][:10]}; target {done.target:.1%} of hours; model {done.model_id}, data {done.data_hash}"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Margins, judged · Seawall</title><style>{STYLE}</style></head><body>"
        f'<h1>Margins, judged by what followed</h1><p class="soft">{escape(facts)}</p>'
        f"{_verdict(content)}"
        f"<h2>Every margin over the same hours</h2>{_table(content['models'])}"
        f"<h2>Coverage over time</h2><p class='soft'>Violations of all markets in {WINDOW_DAYS} days; "
        "dashed: the target.</p>"
        f"{_coverage(done)}"
        f"<h2>Margins against moves: {escape(market.symbol)}</h2>"
        "<p class='soft'>Largest move and margin before it in each of equal stretches of time.</p>"
        f"{_margins(market)}"
        f"<h2>The frontier</h2><p class='soft'>Left and down is better. Capital is at equal coverage.</p>"
        f"{_frontier(content, 'max_rise_24h', 'largest rise in any 24 h (x)', percent=False)}"
        f"{_frontier(content, 'stress_violation', 'violations in the top 1 % stress hours', percent=True)}"
        f"<h2>Market by market</h2>{_by_symbol(content)}"
        f"{_skipped(content)}</body></html>\n"
    )


def _verdict(content: dict[str, Any]) -> str:
    new, opened = content["models"]["seawall_new"], content["models"]["seawall_open"]
    words = (
        f"At equal coverage the margin for new risk took {new['average_vs_fhs']:.1%} of the capital of EWMA-FHS 0.97 "
        f"(violations as they were: {new['violation']:.3%}), the one under open positions "
        f"{opened['average_vs_fhs']:.1%}. The latter rose to at most {opened['max_rise_24h']:.2f} x its lowest of the "
        f"24 hours before; EWMA-FHS to {content['models'][REFERENCE]['max_rise_24h']:.1f} x."
    )
    return f"<p>{escape(words)}</p>"


def _table(models: dict[str, dict[str, float]]) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for _, title, _ in FIGURES)
    rows = []
    for name, own in models.items():
        cells = "".join(f"<td>{form.format(_shown(own, key))}</td>" for key, _, form in FIGURES)
        mark = ' class="ours"' if name in OURS else ""
        rows.append(f"<tr{mark}><th>{escape(name)}</th>{cells}</tr>")
    return f'<div class="scroll"><table><tr><th>Margin</th>{heads}</tr>{"".join(rows)}</table></div>'


def _shown(own: dict[str, float], key: str) -> float:
    return own[key] * 1e4 if key == "shortfall" else own[key]


def _coverage(done: Backtest) -> str:
    times = np.concatenate([market.times_ms for market in done.markets]) / 1000.0
    edges = np.arange(times.min(), times.max() + 86_400, 86_400)
    place = np.digitize(times, edges) - 1
    hours = np.bincount(place, minlength=len(edges)).astype(np.float64)
    lines = []
    for name in COMPARED:
        violated = np.concatenate([market.track(name).violated for market in done.markets])
        hits = np.bincount(place, weights=violated, minlength=len(edges))
        window = np.ones(WINDOW_DAYS)
        total = np.convolve(hours, window)[: len(edges)]
        rate = np.convolve(hits, window)[: len(edges)] / np.where(total > 0, total, np.nan)
        rate[: WINDOW_DAYS - 1] = np.nan
        step = max(len(edges) // POINTS, 1)
        lines.append(Line(name, edges[::step], rate[::step]))
    return over_time(lines, title="Violations over time", level=done.target)


def _margins(market: Market) -> str:
    size = max(len(market.hours) // POINTS, 1)
    starts = np.arange(0, len(market.hours), size)
    times = market.times_ms[starts] / 1000.0
    worst = np.maximum.reduceat(market.moves, starts)
    spot = np.array([begin + int(np.argmax(market.moves[begin : begin + size])) for begin in starts.tolist()])
    follows_gap = np.diff(times, prepend=times[0]) > 4 * 3_600 * size
    lines = [Line("largest move", times, np.where(follows_gap, np.nan, worst), is_area=True)]
    for name in (*OURS, REFERENCE):
        lines.append(Line(name, times, np.where(follows_gap, np.nan, market.margins[name][spot])))
    return over_time(lines, title=f"Margins of {market.symbol} against its moves")


def _frontier(content: dict[str, Any], key: str, title: str, *, percent: bool) -> str:
    points = [
        Point(name, own["average_vs_fhs"], own[key], is_ours=name in OURS)
        for name, own in content["models"].items()
        if own["average_vs_fhs"] < 1.3
    ]
    return scatter(
        points, title=f"Capital against {title}", x_title="average margin over EWMA-FHS 0.97, equal coverage",
        y_title=title, percent_y=percent,
    )  # fmt: skip


def _by_symbol(content: dict[str, Any]) -> str:
    rows = []
    for symbol, own in content["by_symbol"].items():
        new, opened = own["seawall_new"], own["seawall_open"]
        cells = (
            f"{new['hours']:,}", f"{new['violation']:.3%}", f"{new['kupiec_p']:.2f}", f"{new['average_vs_fhs']:.3f}",
            f"{new['pinball_vs_fhs']:.3f}", f"{opened['violation']:.3%}", f"{opened['average_vs_fhs']:.3f}",
            f"{opened['stress_violation']:.2%}", f"{own[REFERENCE]['violation']:.3%}",
        )  # fmt: skip
        rows.append(f"<tr><th>{escape(symbol)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = (
        "Hours", "New: violations", "Kupiec p", "average", "pinball", "Open: violations", "average", "in stress",
        "EWMA-FHS: violations",
    )  # fmt: skip
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="scroll"><table><tr><th>Market</th>{head}</tr>{"".join(rows)}</table></div>'


def _skipped(content: dict[str, Any]) -> str:
    if not content["skipped"]:
        return ""
    return f'<p class="soft">Not judged: {escape("; ".join(content["skipped"]))}.</p>'
