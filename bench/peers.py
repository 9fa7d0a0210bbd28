"""Environments of the peers: each bench that measures one gets its pinned packages in a folder of their own, once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Version = tuple[int, int]


class NoPeerError(Exception):
    """Why a peer cannot be measured here."""


def environment(name: str, packages: Iterable[str], *, python_min: Version = (3, 11)) -> Path:
    """Python of the environment `.cache/NAME` with these packages, made when it is not there. Raises NoPeerError."""
    wanted = list(packages)
    home = ROOT / ".cache" / name
    python, ready = home / "bin" / "python", home / f".ready-{'-'.join(wanted)}"
    if ready.exists():
        return python
    maker = interpreter(python_min)
    print(f"installing {', '.join(wanted)} into {home.relative_to(ROOT)} (once)", flush=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    try:
        subprocess.run([str(maker), "-m", "venv", "--clear", str(home)], check=True, capture_output=True, text=True)
        subprocess.run(install, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        raise NoPeerError(f"{', '.join(wanted)} cannot be installed: {' '.join(last)}") from error
    ready.touch()
    return python


def interpreter(least: Version) -> Path:
    """A Python of at least this version: this one, one on the PATH, or one of pyenv's. Raises NoPeerError."""
    if sys.version_info[:2] >= least:
        return Path(sys.executable)
    kept = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"
    for minor in range(least[1], least[1] + 4):
        named = shutil.which(f"python3.{minor}")
        for found in [*([Path(named)] if named else []), *sorted(kept.glob(f"3.{minor}.*/bin/python"))]:
            if runs(found):
                return found
    raise NoPeerError(f"it needs Python {least[0]}.{least[1]} or newer, and there is none on this machine")


def runs(python: Path) -> bool:
    """Whether it starts: pyenv puts names on the PATH that only tell which version to choose."""
    return subprocess.run([str(python), "-c", ""], check=False, capture_output=True).returncode == 0
