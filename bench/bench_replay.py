"""A day of minute bars, 100,000 accounts, 20 markets, three mark rules: the whole command, report included."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

ACCOUNTS = 100_000
MARKETS = 20
ROUNDS = 3


def run(folder: Path, *more: str) -> float:
    """Seconds of one `seawall replay` process; its failure ends the bench."""
    command = [str(Path(sys.executable).parent / "seawall"), "replay", "--out", str(folder), *more]
    sizes = ["--accounts", str(ACCOUNTS), "--markets", str(MARKETS), "--interval", "1m"]
    began = time.perf_counter()
    subprocess.run([*command, *sizes], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run(folder)
        compared = alone = float("inf")
        for _ in range(ROUNDS):
            compared = min(compared, run(folder))
            content = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
            size = (folder / "report.html").stat().st_size
            alone = min(alone, run(folder, "--mark", "clamped", "--no-compare-marks"))
    bars, points = content["source"]["bars"], 3
    measured = bars * points * content["population"]["buckets"] * (len(content["rules"]) + 1)
    harness.write(
        "replay",
        [
            harness.Figure("a day, 100 k accounts, 20 markets, three rules and report, s", compared, 60, "lower"),
            harness.Figure("the same under one rule, s", alone, 60, "lower"),
            harness.Figure("bucket checks a second, million", measured / compared / 1e6, None, "higher"),
            harness.Figure("report.html, million bytes", size / 1e6, 3, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
