"""`seawall risk`: train, backtest and explain the model that proposes margins."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seawall.cli.risk_insurance import insurance
from seawall.cli.risk_publish import publish
from seawall.cli.risk_search import search

if TYPE_CHECKING:
    from seawall.risk.backtest import Backtest
    from seawall.risk.model import TailModel
    from seawall.risk.panel import Panel

Data = Annotated[Path, typer.Option("--data", help="Folder of candles (docs/lab/data.md), Parquet or CSV.")]
Model = Annotated[Path | None, typer.Option("--model", help="A trained model; without it the one in the package.")]
Symbols = Annotated[str, typer.Option("--symbols", help="Only these, separated by commas.")]
From = Annotated[str | None, typer.Option("--from", help="Judge from this date or time on; all before is history.")]
To = Annotated[str | None, typer.Option("--to", help="Judge to the end of this date, or to this time.")]
Warm = Annotated[int, typer.Option("--warm", min=72, help="Hours of a market before it is judged.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

COLUMNS: Final = (
    ("violation", "violations", "{:.3%}"),
    ("kupiec_p", "Kupiec p", "{:.2f}"),
    ("violation_after_violation", "after one", "{:.2%}"),
    ("stress_violation", "in stress", "{:.2%}"),
    ("average_margin", "average", "{:.2%}"),
    ("average_vs_fhs", "vs FHS", "{:.3f}"),
    ("pinball_vs_fhs", "pinball", "{:.3f}"),
    ("max_rise_24h", "max rise", "{:.2f}"),
    ("p99_rise_24h", "p99 rise", "{:.2f}"),
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Forecast the tail, propose margins, and show how they would have done.",
)


app.command(name="publish")(publish)
app.command(name="insurance")(insurance)
app.command(name="search")(search)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Where the model file goes.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of candles; without it, generated worlds.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of worlds, sampling and trees.")] = 1,
    symbols: Symbols = "",
    to: To = None,
    rows: Annotated[int, typer.Option("--rows", min=5_000, help="Hours to learn from, at most.")] = 600_000,
    worlds: Annotated[int, typer.Option("--worlds", min=1, max=200, help="Without --data: how many.")] = 20,
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, help="Of LightGBM.")] = 1,
) -> None:
    """Train a model (needs the extra `seawall[risk]`). The same seed and data give the same file."""
    from seawall.lab.report import check_target
    from seawall.risk.train import Training, from_panel, from_worlds

    check_target(out.absolute().parent, [out.name])
    settings = Training(seed=seed, rows=rows, threads=threads)
    if data is None:
        made = from_worlds(settings, worlds, tell=_tell)
    else:
        made = from_panel(_panel(data, symbols), settings, until_ms=_end(to), tell=_tell)
    made.save(out)
    print(f"{out}: model {made.model_id}, data {made.data_hash}, {made.facts['rows']:,} hours")


@app.command()
def backtest(
    data: Data,
    model: Model = None,
    symbols: Symbols = "",
    from_: From = None,
    to: To = None,
    warm: Warm = 720,
    json_: Json = False,
) -> None:
    """Judge our two margins and the classical ones over the same hours, each market from its second month."""
    from seawall.risk.backtest import document

    done = _run(_panel(data, symbols, warm), _model(model), from_, to, warm)
    content = document(done)
    if json_:
        sys.stdout.write(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
    else:
        _print_table(content)


@app.command()
def report(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The HTML file.")] = Path("risk-report.html"),
    model: Model = None,
    symbols: Symbols = "",
    show: Annotated[str, typer.Option("--show", help="Draw this market; without it the one with most hours.")] = "",
    from_: From = None,
    to: To = None,
    warm: Warm = 720,
) -> None:
    """A backtest as one HTML page: tables, coverage over time, margins against moves, the frontier."""
    from seawall.lab.report import check_target, write_all
    from seawall.risk.page import page

    check_target(out.absolute().parent, [out.name])
    done = _run(_panel(data, symbols, warm), _model(model), from_, to, warm)
    write_all(out.absolute().parent, {out.name: page(done, show or None)})
    print(out)


@app.command()
def explain(
    data: Data,
    symbol: Annotated[str, typer.Option("--symbol", help="The market.")],
    model: Model = None,
    at: Annotated[str | None, typer.Option("--at", help="A date or time; without it, the end of the data.")] = None,
    json_: Json = False,
) -> None:
    """Say what the margins of a market were at a time, and what drove the forecast."""
    from seawall.risk.explain import explain as explained

    content = explained(_panel(data, ""), _model(model), symbol, None if at is None else _start(at))
    if json_:
        sys.stdout.write(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
        return
    print(f"{content['symbol']} after the hour of {content['time']}: model {content['model_id']}")
    print(f"  margin for new risk {content['new_risk']:.2%}, under open positions {content['open']:.2%}")
    tail = content["forecast"]
    print(f"  99.5 % of the next hour: both sides {tail['worst']:.2%}, up {tail['up']:.2%}, down {tail['down']:.2%}")
    print("  were this feature at its usual value, the forecast would be")
    for driver in content["drivers"]:
        print(
            f"    {driver['ratio']:6.2f} x   {driver['feature']}: {driver['value']:.3f}, usually {driver['usual']:.3f}"
        )


def _run(panel: "Panel", model: "TailModel", from_: str | None, to: str | None, warm: int) -> "Backtest":
    from seawall.risk.backtest import run

    return run(panel, model, start_ms=_start(from_), end_ms=_end(to), warm_hours=warm, tell=_tell)


def _panel(data: Path, symbols: str, hours_min: int = 720) -> "Panel":
    from seawall.risk.panel import load_panel

    return load_panel(data, [name.strip() for name in symbols.split(",") if name.strip()], hours_min=hours_min)


def _model(path: Path | None) -> "TailModel":
    from seawall.risk.model import default, load

    return default() if path is None else load(path)


def _start(text: str | None) -> int | None:
    from seawall.lab.names import window_of

    return None if text is None else window_of(text).start_ms


def _end(text: str | None) -> int | None:
    from seawall.lab.names import window_of

    return None if text is None else window_of(f"1971-01-01..{text}").end_ms


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_table(content: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    count, hours = len(content["symbols"]), next(iter(content["models"].values()))["hours"]
    title = f"{count} markets, {hours:,} hours, {content['from'][:10]} to {content['to'][:10]}, target 0.5 % an hour"
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in ("margin", *(heading for _, heading, _ in COLUMNS), "Kupiec kept"):
        table.add_column(heading, justify="left" if heading == "margin" else "right")
    for name, own in content["models"].items():
        cells = (form.format(own[key]) for key, _, form in COLUMNS)
        table.add_row(name, *cells, f"{own['kupiec_share']:.0%}")
    Console(width=140).print(table)
