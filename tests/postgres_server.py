"""A PostgreSQL server for tests: in a folder of its own, on a socket there, of the binaries that Debian installs."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"  # the server refuses to run as root


def missing() -> str:
    """Why no server can be started here; empty when one can."""
    if _binaries() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        return f"no driver for PostgreSQL: {error}"
    return ""


@contextmanager
def server() -> Iterator[str]:
    """Runs a server; the URL of an empty database."""
    binaries = _binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="seawall-postgres-"))
    try:
        user = _lend(folder)
        data, log = folder / "data", folder / "log"
        _run(folder, user, binaries / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        _run(folder, user, binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql://{OWNER}@/postgres?host={folder}"
        finally:
            _run(folder, user, binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, user: str | None, *words: str | Path) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=folder, user=user)


def _lend(folder: Path) -> str | None:
    """As root the server runs as its own user, who gets the folder; anybody else runs it as they are."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, OWNER)
    return OWNER


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not places:
        return None
    if os.geteuid() == 0 and OWNER not in {entry.pw_name for entry in pwd.getpwall()}:
        return None
    return places[-1].parent
