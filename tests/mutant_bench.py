"""Where a sabotaged source meets its tests: forked children of a process that has everything else imported.

The parent imports pytest, numpy and all that the suites need, and forgets the package and the tests again. A child
imports those from its own folder, one line of which was sabotaged, uncompiled: a third of a second instead of six.
A test may use so many seconds of the processor, not of the clock, so that a busy machine changes no verdict.
"""

import contextlib
import gc
import io
import json
import os
import resource
import shutil
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BYTES_MAX = 4 << 30  # of a child: a loop that collects without end dies of it
SECONDS_MAX = 3_600.0  # of a child, by the clock: one that waits for nothing dies of it
REPORT = "report.json"
IMPORTING = "the import of its modules"


class Mutant(NamedTuple):
    """Replace `old` (which must stand exactly once) by `new` in `file`; one of `tests` must then fail."""

    rule: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def key(self) -> str:
        """What it is known by: its rule, and its change, for rules of different places may share a name."""
        return f"{self.rule} [{zlib.crc32((self.file + self.old + self.new).encode()):08x}]"


class Tests(NamedTuple):
    """What pytest is asked to run, and the processor time that each test of it may take."""

    arguments: tuple[str, ...]
    limit_s: float


class Job(NamedTuple):
    """What a child does: it runs one set of tests after the other until one fails, with a source sabotaged or not."""

    name: str
    sets: tuple[Tests, ...]
    mutant: Mutant | None = None


class Fate(NamedTuple):
    """What became of a job: the test that failed first (empty: none did), how, and the seconds it took by the clock."""

    name: str
    test: str
    how: str
    seconds: float
    durations: dict[str, float]  # of each test that passed


class Clerk:
    """A plugin of pytest that keeps the report of a child up to date on disk: it may be killed at any time."""

    def __init__(self, path: Path) -> None:
        self.path, self.limit_s = path, 0.0
        self.test, self.how = "", ""
        self.durations: dict[str, float] = {}

    def begin(self, test: str) -> None:
        """From here the time of `test` counts; the signal that ends it ends the process, whatever it is in."""
        self.test, self.how = test, "no end"
        self.write()
        signal.setitimer(signal.ITIMER_PROF, self.limit_s)

    def write(self) -> None:
        self.path.write_text(json.dumps({"test": self.test, "how": self.how, "durations": self.durations}))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begin(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.test, self.how = report.nodeid, "failed"
            self.write()
            os._exit(0)
        if report.when == "call":
            self.durations[report.nodeid] = report.duration

    def pytest_runtest_logfinish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.test, self.how = "", ""

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.test, self.how = report.nodeid, "not importable"
            self.write()
            os._exit(0)


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    folder.mkdir()
    for part in ("src", "tests", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    return folder


class Names:
    """A plugin of pytest that keeps the names of what it finds."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def pytest_itemcollected(self, item: Any) -> None:
        self.found.add(item.nodeid)


def warm(folder: Path, tests: Iterable[str]) -> set[str]:
    """Imports whatever the tests need, and forgets what is of this repository. The names of all tests there."""
    import pytest

    os.environ.update(SEAWALL_INTERPRET="1", HYPOTHESIS_PROFILE="mutants")
    names = Names()
    with contextlib.redirect_stdout(io.StringIO()), _in(folder):
        pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *tests], plugins=[names])
    forget()
    gc.collect()
    gc.freeze()  # children share these pages
    return names.found


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Within the folder, its sources and none of another copy on the path."""
    path, here = list(sys.path), Path.cwd()
    sys.path[:] = [str(folder / "src"), *(entry for entry in path if not entry.startswith(str(ROOT / "tests")))]
    os.environ["PYTHONPATH"] = str(folder / "src")
    os.chdir(folder)
    yield
    sys.path[:] = path
    os.chdir(here)


def forget() -> None:
    """Drops the package, the tests and their helpers from what is imported."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        is_ours = "/tests/" in file and "site-packages" not in file and name not in ("__main__", __name__)
        if name.partition(".")[0] == "seawall" or is_ours:
            del sys.modules[name]


def _run(folder: Path, job: Job) -> None:
    """In the child: the report is on disk when it ends, in whatever way."""
    import pytest

    resource.setrlimit(resource.RLIMIT_DATA, (BYTES_MAX, BYTES_MAX))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    clerk = Clerk(folder / REPORT)
    with _in(folder):
        for tests in job.sets:
            clerk.limit_s = tests.limit_s
            clerk.begin(IMPORTING)
            code = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=no", *tests.arguments], plugins=[clerk])
            clerk.test, clerk.how = "", ""
            if code != pytest.ExitCode.OK:
                clerk.test, clerk.how = " ".join(tests.arguments), f"pytest exit {int(code)}"
                break
            forget()
        clerk.write()


def _start(folder: Path, job: Job) -> int:
    """The child's process id. `forget` in the child leaves nothing that was imported before the sabotage."""
    (folder / REPORT).unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            _run(folder, job)
        finally:
            os._exit(0)
    return child


class Sabotage:
    """A mutant's file in a folder, sabotaged and put back; each with a time of its own, which is how Python knows that
    compiled bytes are of another source."""

    def __init__(self, folder: Path, mutant: Mutant | None, serial: int) -> None:
        self.target = folder / mutant.file if mutant else None
        if mutant is None or self.target is None:
            return
        self.source, self.times = self.target.read_text(), self.target.stat()
        if self.source.count(mutant.old) != 1:
            raise ValueError(f"{mutant.rule}: the line stands {self.source.count(mutant.old)} times in {mutant.file}")
        self.target.write_text(self.source.replace(mutant.old, mutant.new))
        os.utime(self.target, (serial + 1, serial + 1))

    def undo(self) -> None:
        """Puts back what was there."""
        if self.target is not None:
            self.target.write_text(self.source)
            os.utime(self.target, ns=(self.times.st_atime_ns, self.times.st_mtime_ns))


class Running(NamedTuple):
    """A job under way."""

    job: Job
    folder: Path
    sabotage: Sabotage
    since: float


def run_all(jobs: Iterable[Job], folders: Sequence[Path], told: Callable[[Fate], None]) -> None:
    """Runs the jobs, one a folder at a time, and tells each fate when it is known."""
    waiting, free = list(jobs)[::-1], list(folders)
    running: dict[int, Running] = {}
    serial = 0
    while waiting or running:
        while waiting and free:
            job, folder = waiting.pop(), free.pop()
            sabotage, serial = Sabotage(folder, job.mutant, serial), serial + 1
            running[_start(folder, job)] = Running(job, folder, sabotage, time.monotonic())
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            _end_late(running)
            time.sleep(0.01)
            continue
        done = running.pop(child)
        done.sabotage.undo()
        free.append(done.folder)
        told(_fate(done, status))


def _end_late(running: dict[int, Running]) -> None:
    for child, one in running.items():
        if time.monotonic() - one.since > SECONDS_MAX:
            os.kill(child, signal.SIGKILL)


def _fate(done: Running, status: int) -> Fate:
    """From the report on disk; a child that a signal ended was in the test that the report names."""
    seconds, path = time.monotonic() - done.since, done.folder / REPORT
    report = json.loads(path.read_text()) if path.exists() else {"test": "", "how": "", "durations": {}}
    test, how = report["test"], report["how"]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGPROF:
        how = f"signal {os.WTERMSIG(status)}"
    if not path.exists():
        test, how = "no report", "the child ended without one"
    return Fate(done.job.name, test, how, seconds, report["durations"])
