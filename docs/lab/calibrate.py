"""Measure recorded days and the generator's presets side by side, and the depth that candles are taken to imply.

    python docs/lab/calibrate.py FOLDER [--seeds 31] [--preset NAME]

FOLDER holds candles as docs/lab/data.md describes them. Prints the tables of docs/lab/generator.md and data.md.
"""

import argparse
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from seawall.lab.files import load
from seawall.lab.generator import generate
from seawall.lab.history import History
from seawall.lab.measure import Statistics, coarsen, measure
from seawall.lab.presets import PRESETS


@dataclass(frozen=True)
class Recorded:
    """The day a preset is named after: where it is recorded, and the bars on which both are measured."""

    event: str
    interval: str
    minutes: int


DAYS = {
    "calm": Recorded("2025-10-08", "5m", 5),
    "covid-2020-03-12": Recorded("2020-03-12T04:00", "1h", 60),
    "may-2021-05-19": Recorded("2021-05-19", "1m", 5),
    "ftx-2022-11-08": Recorded("2022-11-08T12:00", "5m", 5),
    "october-2025-10-10": Recorded("2025-10-10", "5m", 5),
}


def on_minutes(history: History, minutes: int) -> History:
    """The history on bars of `minutes`."""
    return coarsen(history, minutes * 60_000 // history.interval_ms)


def recorded(folder: Path, day: Recorded) -> History:
    """The recorded day; markets with a gap are left out."""
    history = load(folder, day.event, interval=day.interval)
    whole = tuple(symbol for k, symbol in enumerate(history.symbols) if history.live[:, k].all())
    first = sorted(whole, key=lambda symbol: symbol != "BTC")
    return on_minutes(history.only(tuple(first)), day.minutes)


def generated(preset: str, seeds: int, like: History, minutes: int) -> list[Statistics]:
    """The statistics of each seed, over as many of the most liquid markets as the recorded day has."""
    found = []
    for seed in range(seeds):
        history = generate(preset, seed, markets=max(like.markets, 2))
        found.append(measure(on_minutes(history, minutes)))
    return found


def print_presets(folder: Path, names: list[str], seeds: int) -> None:
    """One table a preset: recorded value, median over seeds, and the 10th to 90th percentile."""
    for name in names:
        day = DAYS[name]
        real = recorded(folder, day)
        runs = generated(name, seeds, real, day.minutes)
        print(
            f"\n### {name}\n{real.markets} markets ({', '.join(real.symbols)}), {day.minutes} min bars, {seeds} seeds\n"
        )
        print("| statistic | recorded | generated, median | p10 .. p90 |\n|---|---|---|---|")
        target = asdict(measure(real))
        for field in fields(Statistics):
            values = np.array([getattr(run, field.name) for run in runs])
            if np.isnan(target[field.name]) and np.isnan(values).all():
                continue
            p10, p50, p90 = np.nanquantile(values, (0.1, 0.5, 0.9))
            print(f"| {field.name} | {target[field.name]:.3f} | {p50:.3f} | {p10:.3f} .. {p90:.3f} |")


def print_depth(folder: Path) -> None:
    """Recorded depth against the estimate from candles, at the stages of 2025-10-10."""
    import pyarrow.parquet as pq

    from seawall.lab.depth import estimate_depth

    history = load(folder, "2025-10-10", symbols=["BTC"], interval="5m", days=1)
    table = pq.read_table(folder / "bookdepth_BTCUSDT_2025_10_10.parquet").to_pydict()
    rows = np.array(table["percentage"]) == 1
    times, depth = np.array(table["ts_ms"])[rows], np.array(table["notional"])[rows]
    hourly = load(folder, "2025-10-10", symbols=["BTC"], interval="1h", days=1)
    usual = float(np.median(hourly.volume_usd))
    print(f"\n### depth\nmedian depth over median hourly volume of the same venue: {np.median(depth) / usual:.2f}")
    estimate = estimate_depth(
        volume_usd=history.volume_usd, high=history.high, low=history.low, live=history.live, interval_ms=300_000
    )[:, 0]
    print("| UTC | recorded / median | estimated / median |\n|---|---|---|")
    for minute in (1200, 1250, 1265, 1275, 1280, 1285, 1290, 1300, 1320, 1380):
        moment = int(history.times_ms[0]) + minute * 60_000
        inside = (times >= moment) & (times < moment + 300_000)
        value = estimate[minute // 5] / np.median(estimate)
        print(f"| {minute // 60}:{minute % 60:02d} | {np.median(depth[inside]) / np.median(depth):.2f} | {value:.2f} |")


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=31)
    parser.add_argument("--preset", choices=[*DAYS], default=None)
    chosen = parser.parse_args()
    names = list(PRESETS) if chosen.preset is None else [chosen.preset]
    print_presets(chosen.folder, names, chosen.seeds)
    if chosen.preset is None:
        print_depth(chosen.folder)


if __name__ == "__main__":
    main()
