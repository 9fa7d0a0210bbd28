"""The first run on a new machine: every kernel compiled into an empty cache, and the second run that finds them."""

import os
import subprocess
import sys
import tempfile
import time

import harness


def compile_all(folder: str) -> float:
    """Seconds of a process that has every kernel ready."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "seawall.kernel"], env={**os.environ, "SEAWALL_CACHE_DIR": folder}, check=True
    )
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = compile_all(folder), compile_all(folder)
    harness.write(
        "compile",
        [
            harness.Figure("all kernels into an empty cache, s", cold, 60, "lower"),
            harness.Figure("all kernels from the cache, s", warm, None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
