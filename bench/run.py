"""Runs one bench by name, or all: `python bench/run.py [NAME ...]`. Exits 1 when a bar is missed, 2 for a bad name."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 300


def main(names: list[str]) -> int:
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"error: no bench {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    failed = [name for name in names or known if not run(name)]
    if failed:
        print(f"\nnot met or not finished: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str) -> bool:
    """Whether the bench ended in time with every bar met."""
    print(f"--- {name}", flush=True)
    try:
        done = subprocess.run([sys.executable, str(HERE / f"bench_{name}.py")], check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"error: {name} took more than {TIMEOUT_S} s", file=sys.stderr)
        return False
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
