"""Environments of real clients, each with what its own pinned list says, made once and kept in a cache folder.

They conflict with each other and with ours, so each has an interpreter of its own. What cannot be installed here is a
skip that says why.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seawall" / "clients"
INSTALL_SECONDS = 900


def python_of(name: str) -> Path:
    """The interpreter of a client whose requirements, with hashes, are in `name`.txt."""
    wanted = HERE / f"{name}.txt"
    folder = _folder(name, wanted.read_bytes() + sys.version.encode())
    python = folder / "bin" / "python"
    with _being_made(folder) as is_ready:
        if not is_ready:
            _run([sys.executable, "-m", "venv", str(folder)], folder)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--require-hashes", "-r", str(wanted)], folder)
    return python


def modules_of(name: str) -> Path:
    """The folder of node modules that the lock file in the folder `name` pins."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    source = HERE / name
    folder = _folder(name, (source / "package-lock.json").read_bytes())
    with _being_made(folder) as is_ready:
        if not is_ready:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(source / file, folder / file)
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    return folder


def _folder(name: str, wanted: bytes) -> Path:
    return CACHE / f"{name}-{hashlib.sha256(wanted).hexdigest()[:16]}"


@contextmanager
def _being_made(folder: Path) -> Iterator[bool]:
    """Whether it is ready; when it is not, the caller makes it and others wait for that."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = folder / ".ready"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_ready = mark.exists()
        if not is_ready:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield is_ready
        mark.touch()


def _run(command: list[str], folder: Path) -> None:
    """Runs one step of an installation; skips the test when it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{folder.name} was not installed in {INSTALL_SECONDS} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "rror" in line] or done.stderr.splitlines()[-1:]
        pytest.skip(f"{folder.name} cannot be installed here: {' '.join(lines)[:300]}")
