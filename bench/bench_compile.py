"""The first run on a new machine: every kernel compiled into an empty cache, and the second run that finds them.

Compiling is one thread's work, so the bar is on its CPU time: by the clock neighbours would be measured. The engine is
compiled at the capacity SMALL here; another capacity (VENUE) is compiled when it is first used, for as long again.
"""

import os
import subprocess
import sys
import tempfile
import time

import harness


def compile_all(folder: str) -> tuple[float, float]:
    """Seconds of CPU and of the clock of a process that has every kernel ready."""
    marks = cpu_of_children(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "seawall.kernel"],
        env={**os.environ, "SEAWALL_CACHE_DIR": folder},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return cpu_of_children() - marks[0], time.perf_counter() - marks[1]


def cpu_of_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = compile_all(folder), compile_all(folder)
    harness.write(
        "compile",
        [
            harness.Figure("all kernels into an empty cache, s of CPU", cold[0], 60, "lower"),
            harness.Figure("all kernels into an empty cache, s by the clock", cold[1], None, "lower"),
            harness.Figure("all kernels from the cache, s of CPU", warm[0], None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
