"""Runs an incident's scenario on a copy of the package in which one guard is switched off: it must then fail."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


Edit = tuple[str, str, str]  # file, what stands there once, what it becomes


def fails_without(file: str, old: str, new: str, scenario: Callable[[], None], *more: Edit) -> bool:
    """Whether `scenario` breaks one of its own assertions once `old`, which stands once in `file`, reads `new`.

    `more` are switched off with it, where each guard alone is enough. The copy runs uncompiled in a process of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "seawall"
        shutil.copytree(ROOT / "src" / "seawall", copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
        for edit in ((file, old, new), *more):
            _switch_off(copy, *edit)
        module, name = Path(scenario.__code__.co_filename).stem, scenario.__name__
        paths = (folder, str(HERE), str(ROOT / "tests"))
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}; {module}.{name}()"],
            env={**os.environ, "SEAWALL_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        assert "AssertionError" in done.stderr, done.stderr[-2_000:]
    return done.returncode != 0


def _switch_off(copy: Path, file: str, old: str, new: str) -> None:
    target = copy / file
    source = target.read_text()
    assert source.count(old) == 1, f"{file}: {source.count(old)} of {old!r}"
    target.write_text(source.replace(old, new))
