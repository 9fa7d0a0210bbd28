"""What the benches share: interleaved timing, the limits of this machine, and how figures are told and kept.

A figure is a ratio of two things measured in one run wherever it can be. Machines stall, so times are the best of
several interleaved rounds: every contender meets the same neighbours.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from seawall.kernel import kernel

RESULTS = Path(__file__).resolve().parent / "results"
READ_WORDS = 16_000_000  # 128 MB: beyond any cache
MULTIPLY_WORDS = 1_024  # stays in the first-level cache
MULTIPLY_ROUNDS = 400_000


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured figure, the bar it must meet (None: told only) and whether "higher" or "lower" is better."""

    name: str
    value: float
    bar: float | None
    better: str

    @property
    def is_met(self) -> bool:
        if self.bar is None:
            return True
        return self.value >= self.bar if self.better == "higher" else self.value <= self.bar


def best_of(
    rounds: int, *contenders: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The best seconds of each contender; they take turns in every round.

    Contenders of one thread and unlike length are compared by `clock=time.process_time`: a long one cannot dodge its
    neighbours as a short one can.
    """
    best = [float("inf")] * len(contenders)
    for _ in range(rounds):
        for at, contender in enumerate(contenders):
            start = clock()
            contender()
            best[at] = min(best[at], clock() - start)
    return best


@kernel
def sum_words(words: Any) -> int:
    total = 0
    for i in range(words.size):
        total += words[i]
    return total


@kernel
def multiply_words(words: Any, factor: int, rounds: int) -> None:
    for turn in range(rounds):
        for i in range(words.size):
            words[i] = words[i] * factor + turn


class Limits:
    """Runs that measure what this machine can do at a number of threads; time them beside the kernel."""

    def __init__(self) -> None:
        self.words = np.ones(READ_WORDS, np.int64)
        self.small = [np.ones(MULTIPLY_WORDS, np.int64) for _ in range(os.cpu_count() or 1)]
        sum_words(self.words[:1])
        multiply_words(self.small[0], 3, 1)

    def read(self, threads: int) -> Callable[[], object]:
        """A run that reads READ_WORDS words."""
        bounds = [READ_WORDS * part // threads for part in range(threads + 1)]
        return lambda: in_threads(threads, lambda part: sum_words(self.words[bounds[part] : bounds[part + 1]]))

    def multiply(self, threads: int) -> Callable[[], object]:
        """A run that makes `multiplications(threads)` 64-bit multiply-adds."""
        return lambda: in_threads(threads, lambda part: multiply_words(self.small[part], 3, MULTIPLY_ROUNDS))


def bandwidth(seconds: float) -> float:
    """Bytes a second of a `Limits.read` run."""
    return READ_WORDS * 8 / seconds


def multiply_rate(seconds: float, threads: int) -> float:
    """Multiplications a second of a `Limits.multiply` run."""
    return threads * MULTIPLY_WORDS * MULTIPLY_ROUNDS / seconds


def in_threads(threads: int, work: Callable[[int], object]) -> None:
    if threads == 1:
        work(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "numba": importlib.metadata.version("numba"),
        "seawall": importlib.metadata.version("seawall"),
    }


def write(name: str, figures: Sequence[Figure]) -> None:
    """Prints the figures beside their bars, keeps them in results/NAME.json, and exits 1 when a bar is missed."""
    RESULTS.mkdir(exist_ok=True)
    made = {
        "figures": [dataclasses.asdict(figure) for figure in figures if figure.bar is not None],
        "context": [{"name": figure.name, "value": figure.value} for figure in figures if figure.bar is None],
        "machine": machine(),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")
    width = max(len(figure.name) for figure in figures)
    print(f"\n{name}")
    for figure in figures:
        bar = "" if figure.bar is None else f"  bar {'>=' if figure.better == 'higher' else '<='} {figure.bar:,g}"
        verdict = "" if figure.is_met else "  MISSED"
        print(f"  {figure.name:<{width}}  {figure.value:>14,.4g}{bar}{verdict}")
    sys.stdout.flush()
    if not all(figure.is_met for figure in figures):
        raise SystemExit(1)


def skip(name: str, why: str) -> None:
    """Says why a bench measures nothing on this machine, and keeps that in results/NAME.json. It does not fail."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"skipped": why, "machine": machine()}, indent=1) + "\n")
    print(f"\n{name}\n  skipped: {why}", flush=True)


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()
