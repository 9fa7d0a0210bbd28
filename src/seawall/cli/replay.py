"""`seawall replay`: a market history and a population of accounts on the engine, under one or several rule sets."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.lab.compare import Comparison
    from seawall.lab.history import History
    from seawall.lab.rulesets import RuleSet

DEFAULT_PRESET: Final = "october-2025-10-10"
DEFAULT_EVENT: Final = "2025-10-10"
DEFAULT_RULES: Final = "static,seawall"
DEFAULT_OUT: Final = "replay-report"
FILES: Final = ("replay.json", "report.html")
DAY_MS: Final = 86_400_000
LATE_SHARE: Final = 0.02  # of the bars may be cut at the start so that every market begins live
ACCOUNTS_MAX: Final = 5_000_000
Teller = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

Data = Annotated[str | None, typer.Option("--data", help="Folder of candles (Parquet or CSV); else the generator.")]
Event = Annotated[str | None, typer.Option("--event", help=f"With --data: the day, default {DEFAULT_EVENT}.")]
Preset = Annotated[str | None, typer.Option("--preset", help=f"Generated market, default {DEFAULT_PRESET}.")]
Accounts = Annotated[int, typer.Option("--accounts", help="Synthetic accounts.")]
Markets = Annotated[int, typer.Option("--markets", help="Markets, at most; by traded volume.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the population, and of the generator.")]
Interval = Annotated[str | None, typer.Option("--interval", help="Bar length such as 1s, 1m, 1h.")]
Symbols = Annotated[str | None, typer.Option("--symbols", help="Only these markets: BTC,ETH,...")]
Gap = Annotated[str, typer.Option("--gaps", help="Missing bars of --data: refuse, or keep (a market stands still).")]
Rules = Annotated[
    str, typer.Option("--rules", help="Rule sets to compare: static,hyperliquid,dydx,binance,drift,seawall.")
]
Mark = Annotated[
    str | None, typer.Option("--mark", help="last, clamp-only, clamped or index in every rule set; default: its own.")
]
Out = Annotated[
    str | None, typer.Option("--out", help=f"Folder for report.html and replay.json, default {DEFAULT_OUT}.")
]
Progress = Annotated[
    bool, typer.Option("--progress", help="Tell progress on standard error, a line of JSON a percent.")
]
Json = Annotated[bool, typer.Option("--json", help="Print replay.json; files only with --out.")]


def replay(
    *,
    data: Data = None,
    event: Event = None,
    preset: Preset = None,
    accounts: Accounts = 100_000,
    markets: Markets = 20,
    seed: Seed = 1,
    interval: Interval = None,
    symbols: Symbols = None,
    gaps: Gap = "refuse",
    rules: Rules = DEFAULT_RULES,
    mark: Mark = None,
    out: Out = None,
    json_: Json = False,
    progress: Progress = False,
) -> None:
    """Replay a crash on the engine under several rule sets and leave a report a risk analyst can show.

    Exit code 0: done; 2: refused input, and nothing was written.
    """
    started = time.perf_counter()
    words = {"data": data, "event": event, "preset": preset, "interval": interval, "symbols": symbols, "mark": mark}
    words |= {"gaps": gaps if gaps != "refuse" else None, "rules": rules if rules != DEFAULT_RULES else None}
    _check_words({**words, "rules": rules, "out": out})
    _check_sizes(accounts, markets, seed)
    chosen = _rule_sets(rules, mark)
    folder = _target(out, json_)
    wanted = None if symbols is None else tuple(part.strip() for part in symbols.split(",") if part.strip())
    if data is None:
        history = _generated(event, preset, markets=markets, seed=seed, interval=interval, wanted=wanted)
    elif preset is not None:
        raise BadInput("preset", "either --data or --preset, not both")
    else:
        history = _recorded(data, event, markets=markets, interval=interval, wanted=wanted, gaps=gaps)
    if mark not in (None, "last") and not bool(history.has_index.any()):
        raise BadInput("mark", f"{history.name} has no independent index: only `last` can be replayed")
    done = _run(history, chosen, accounts=accounts, seed=seed, progress=_lines if progress else _progress)
    command = _command(words, accounts=accounts, markets=markets, seed=seed)
    content = _document(done, command, data=data, event=event, preset=preset)
    content["run"] = {"seconds": round(time.perf_counter() - started, 3)}
    _write(content, folder)
    if json_:
        from seawall.lab.report import encode

        sys.stdout.write(encode(content))
    else:
        _print_summary(content, folder, time.perf_counter() - started)


def _check_words(words: dict[str, str | None]) -> None:
    for name, word in words.items():
        if word is not None and not word.strip(" ,"):
            raise BadInput(name, "empty")


def _target(out: str | None, is_json: bool) -> Path | None:
    """Where the files go; None for standard output alone."""
    if out is None and is_json:
        return None
    from seawall.lab.report import check_target

    folder = Path(DEFAULT_OUT if out is None else out)
    check_target(folder, FILES)
    return folder


def _check_sizes(accounts: int, markets: int, seed: int) -> None:
    if not 2 <= accounts <= ACCOUNTS_MAX:
        raise BadInput("accounts", f"{accounts:,} is outside 2..{ACCOUNTS_MAX:,}")
    if markets < 1:
        raise BadInput("markets", f"{markets} is below 1")
    if not 0 <= seed < 2**63:
        raise BadInput("seed", f"{seed} is outside 0..2^63")


def _recorded(
    data: str, event: str | None, *, markets: int, interval: str | None, wanted: tuple[str, ...] | None, gaps: str
) -> "History":
    from seawall.lab.files import Gaps, load

    known = [rule.value for rule in Gaps]
    if gaps not in known:
        raise BadInput("gaps", f"unknown {gaps!r}: one of {', '.join(known)}")
    day = DEFAULT_EVENT if event is None else event
    return all_live(load(data, day, symbols=wanted, interval=interval, markets=markets, gaps=Gaps(gaps)))


def _generated(
    event: str | None,
    preset: str | None,
    *,
    markets: int,
    seed: int,
    interval: str | None,
    wanted: tuple[str, ...] | None,
) -> "History":
    from seawall.lab.generator import generate
    from seawall.lab.names import interval_from, underlying

    if event is not None:
        raise BadInput("event", "needs --data FOLDER; a generated market is named with --preset")
    interval_ms = 60_000 if interval is None else interval_from(interval)
    name = DEFAULT_PRESET if preset is None else preset
    history = generate(name, seed, markets, max(2, DAY_MS // interval_ms), interval_ms)
    return history if wanted is None else history.only(tuple(underlying(symbol) for symbol in wanted))


def all_live(history: "History") -> "History":
    """The history from the first bar in which every market is live, where that cuts little; else as it is."""
    from dataclasses import replace

    import numpy as np

    together = np.flatnonzero(history.live.all(axis=1))
    first = int(together[0]) if len(together) else 0
    if first == 0 or first > LATE_SHARE * history.bars or history.bars - first < 2:
        return history
    cut = history.window(first, history.bars)
    return replace(cut, notes=(*history.notes, f"the first {first} bars are left out: not every market traded yet"))


def _rule_sets(rules: str, mark: str | None) -> "tuple[RuleSet, ...]":
    from seawall.lab.rulesets import rule_sets

    return rule_sets([part.strip() for part in rules.split(",") if part.strip()], mark)


def _run(
    history: "History", rules: "Sequence[RuleSet]", *, accounts: int, seed: int, progress: "Teller"
) -> "Comparison":
    from seawall.lab.compare import compare, work_of
    from seawall.lab.population import Mix, populate_for
    from seawall.lab.words import counted

    people = populate_for(history, seed, Mix(accounts=accounts))
    print("compiling the engine where it is not yet (a minute or two, kept for the next run)", file=sys.stderr)
    sets = f"{len(rules)} rule set{'s' if len(rules) != 1 else ''}"
    title = f"{accounts:,} accounts, {counted(history.markets)}, {history.bars:,} bars, {sets}"
    with progress(title, work_of(history, rules)) as tell:
        return compare(history, people, rules, seed, tell)


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, one line elsewhere."""
    if not sys.stderr.isatty():
        print(f"replaying {title}", file=sys.stderr)
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    shown = (TextColumn("replaying " + title), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*shown, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def _lines(_: str, total: int) -> Iterator[Callable[[int], None]]:
    """A line of JSON for each percent, for a program that reads them."""
    done, told = 0, -1

    def tell(bars: int) -> None:
        nonlocal done, told
        done += bars
        percent = 100 * done // total
        if percent > told:
            told = percent
            print(f'{{"progress": {percent / 100}}}', file=sys.stderr, flush=True)

    yield tell


def _command(words: dict[str, str | None], *, accounts: int, markets: int, seed: int) -> str:
    parts = ["seawall", "replay"]
    for name in ("data", "event", "preset"):
        if words[name] is not None:
            parts += [f"--{name}", str(words[name])]
    if words["data"] is None and words["preset"] is None:
        parts += ["--preset", DEFAULT_PRESET]
    parts += ["--accounts", str(accounts), "--markets", str(markets), "--seed", str(seed)]
    for name in ("interval", "symbols", "gaps", "rules", "mark"):
        if words[name] is not None:
            parts += [f"--{name}", str(words[name])]
    return shlex.join(parts)


def _document(
    done: "Comparison", command: str, *, data: str | None, event: str | None, preset: str | None
) -> dict[str, Any]:
    from seawall.lab.report import Origin, document

    kind = "generator" if data is None else "files"
    name = (preset or DEFAULT_PRESET) if data is None else (event or DEFAULT_EVENT)
    what = f"A day like {name}" if data is None else name
    title = f"{what}, replayed on {done.people.accounts:,} accounts"
    return document(done, Origin(kind=kind, event=name, title=title, command=command))


def _write(content: dict[str, Any], folder: Path | None) -> None:
    if folder is None:
        return
    from seawall.lab.page import page
    from seawall.lab.report import encode, write_all

    files = dict(zip(FILES, (encode(content), page(content)), strict=True))
    try:
        write_all(folder, files)
    except OSError as error:
        raise BadInput("out", f"can not be written: {error.strerror or error}", str(folder)) from error


def _print_summary(content: dict[str, Any], folder: Path | None, seconds: float) -> None:
    from rich.console import Console

    console = Console()
    console.print(content["title"], highlight=False)
    for part, heading in (("rules", "As configured"), ("rules_at_equal_margin", "At equal margin")):
        console.print(_table(content, part, heading))
    console.print(f"{folder}/report.html and replay.json written in {seconds:.1f} s", highlight=False, soft_wrap=True)


def _table(content: dict[str, Any], part: str, heading: str) -> Any:
    from rich.table import Table

    from seawall.lab.words import FIGURES, text_of, value_of

    table = Table(title=heading, title_justify="left", header_style="bold")
    table.add_column("Figure")
    for one in content["sets"]:
        table.add_column(one["title"], justify="right")
    for figure in FIGURES:
        table.add_row(figure.name, *(text_of(figure, value_of(figure, own)) for own in content[part].values()))
    return table
