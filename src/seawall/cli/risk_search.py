"""`seawall risk search`: the liquidation policy that closes least at a bounded loss, on many crashes."""

import json
import sys
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from seawall.lab.history import History
    from seawall.lab.search import Score

DAY_MS: Final = 86_400_000
BAR_MS: Final = 300_000
GENERATED: Final = "covid-2020-03-12:11,may-2021-05-19:11,ftx-2022-11-08:11,october-2025-10-10:11"
SHOWN: Final = 20  # lines of the table


def search(
    data: Annotated[Path | None, typer.Option("--data", help="Folder of candles; else generated crashes.")] = None,
    events: Annotated[str, typer.Option("--events", help="Days of --data, separated by commas.")] = "",
    generated: Annotated[str, typer.Option("--generated", help="Generated crashes PRESET:SEED, by commas.")] = "",
    maintenance: Annotated[str, typer.Option(help="Maintenance as shares of initial margin.")] = "0.5,0.65,0.8",
    exit_: Annotated[str, typer.Option("--exit", help="Where liquidations end, of initial margin.")] = "0.82,0.976",
    throttle: Annotated[str, typer.Option(help="Forced orders of the depth in a window; 0: any.")] = "0,0.5,1",
    fee: Annotated[str, typer.Option(help="Liquidation fees, of notional.")] = "0.001",
    mark: Annotated[str, typer.Option(help="Mark rules: index, median.")] = "index",
    loss_max: Annotated[float, typer.Option(help="Most mean loss over static.")] = 1.0,
    accounts: Annotated[int, typer.Option(min=50, max=100_000)] = 1_500,
    markets: Annotated[int, typer.Option(min=1, max=100)] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the population.")] = 1,
    processes: Annotated[int, typer.Option(min=1, max=256)] = 1,
    ray: Annotated[bool, typer.Option("--ray", help="Spread the crashes over Ray (extra `ray`).")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Where the plot goes, an HTML file.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search the liquidation policy: least notional and fewest accounts closed at a bounded loss against static.

    Choose on some crashes, judge on others: `--events` names those to choose on.
    """
    from seawall.lab import search as lab

    chosen = lab.policies(
        _numbers("maintenance", maintenance),
        _numbers("exit", exit_),
        _numbers("throttle", throttle),
        _numbers("fee", fee),
        [part.strip() for part in mark.split(",")],
    )
    if out is not None:
        from seawall.lab.report import check_target

        check_target(out.absolute().parent, [out.name])
    crashes = _crashes(data, events, generated, markets)
    jobs = [lab.Job(name, make, chosen, accounts, seed) for name, make in crashes]
    print(f"{len(chosen)} policies on {len(jobs)} crashes, {accounts:,} accounts", file=sys.stderr)
    scores = lab.search(jobs, processes=processes, is_ray=ray, loss_max=loss_max, told=_tell)
    if out is not None:
        out.write_text(_page(scores))
    if json_:
        print(json.dumps(_document(scores, [name for name, _ in crashes], loss_max), indent=1))
        return
    print(f"{'policy':36} {'notional':>9} {'closed':>7} {'loss':>6} {'ADL':>6} {'touched':>8}")
    for one in scores[:SHOWN]:
        cells = [one.ratios[name] for name in ("notional", "closed", "loss", "adl", "touched")]
        line = " ".join(f"{value:>{width}.2f}" for value, width in zip(cells, (9, 7, 6, 6, 8), strict=True))
        print(f"{one.policy.name:36} {line}{'' if one.is_admitted else '  loss above the bound'}")


def _tell(name: str) -> None:
    print(f"played {name}", file=sys.stderr, flush=True)


def _numbers(field: str, text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(field, f"{text!r} is not a list of numbers") from None
    if not all(isfinite(value) for value in found):
        raise BadInput(field, f"{text!r} is not a list of numbers")
    return found


def _crashes(data: Path | None, events: str, generated: str, markets: int) -> list[tuple[str, Any]]:
    days = [part.strip() for part in events.split(",") if part.strip()]
    if (data is None) != (not days):
        raise BadInput("events", "--data and --events go together")
    named = [part.strip() for part in (generated or ("" if days else GENERATED)).split(",") if part.strip()]
    found: list[tuple[str, Any]] = [(day, partial(recorded, str(data), day, markets)) for day in days]
    for name in named:
        preset, _, number = name.partition(":")
        if not number.isdigit():
            raise BadInput("generated", f"{name!r}: expected PRESET:SEED")
        found.append((name, partial(generated_day, preset, int(number), markets)))
    if len({name for name, _ in found}) != len(found):
        raise BadInput("events", "a crash is named twice")
    return found


def recorded(folder: str, day: str, markets: int) -> "History":
    """A recorded day, from the first bar in which all its markets trade."""
    from seawall.cli.replay import all_live
    from seawall.lab.files import Gaps, load

    return all_live(load(folder, day, markets=markets, gaps=Gaps.KEEP))


def generated_day(preset: str, seed: int, markets: int) -> "History":
    """A generated day in five-minute bars."""
    from seawall.lab.generator import generate

    return generate(preset, seed, markets, DAY_MS // BAR_MS, BAR_MS)


def _document(scores: "list[Score]", crashes: list[str], loss_max: float) -> dict[str, Any]:
    def clean(ratios: dict[str, float]) -> dict[str, float | None]:
        return {name: round(value, 6) if isfinite(value) else None for name, value in ratios.items()}

    return {
        "crashes": crashes,
        "loss_max": loss_max,
        "policies": [
            {
                "policy": one.policy._asdict(),
                "is_admitted": one.is_admitted,
                **clean(one.ratios),
                "by_crash": {name: clean(ratios) for name, ratios in one.by_crash.items()},
            }
            for one in scores
        ],
    }


def _page(scores: "list[Score]") -> str:
    from seawall.risk.plots import Point, scatter

    best = scores[0].policy
    points = [
        Point(one.policy.name if one.policy == best else "", one.ratios["loss"], one.closes / 2, one.policy == best)
        for one in scores
    ]
    svg = scatter(
        points, title="Policies: loss against what is closed", x_title="loss over static",
        y_title="notional and accounts closed over static, mean", percent_y=False,
    )  # fmt: skip
    return f"<!doctype html><meta charset=utf-8><title>Seawall: policy search</title>{svg}"
