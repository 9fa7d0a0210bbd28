"""A day of minute bars on the engine, 20 markets, three rule sets: the whole command, report included."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

MARKETS = 20
ROUNDS = 2
ACCOUNTS = 100_000
RULES = "static,hyperliquid,seawall"


def run(folder: Path, accounts: int) -> float:
    """Seconds of one `seawall replay` process; its failure ends the bench."""
    command = [str(Path(sys.executable).parent / "seawall"), "replay", "--rules", RULES, "--out", str(folder)]
    sizes = ["--accounts", str(accounts), "--markets", str(MARKETS), "--interval", "1m"]
    began = time.perf_counter()
    subprocess.run([*command, *sizes], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run(folder, 2_000)  # compiles
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = min(run(folder, ACCOUNTS) for _ in range(ROUNDS))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        content = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
        size = (folder / "report.html").stat().st_size
    commands = sum(figures["commands"] for figures in content["rules"].values())
    cpu = (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / ROUNDS
    harness.write(
        "replay",
        [
            harness.Figure("a day, 100 k accounts, 20 markets, three rule sets and report, s", seconds, 60, "lower"),
            harness.Figure("CPU time of that, s", cpu, None, "lower"),
            harness.Figure("its memory at the most, GB", used.ru_maxrss / 2**20, 4, "lower"),
            harness.Figure(
                "engine commands a second, openings included, million", commands / seconds / 1e6, None, "higher"
            ),
            harness.Figure("report.html, million bytes", size / 1e6, 3, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
