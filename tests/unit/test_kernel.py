"""The kernel decorator: interpreted or compiled, where the cache lives, and when it must not be reused."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from seawall import kernel as kernel_module
from seawall.kernel import KEEP_FOLDERS, KEEP_SECONDS, kernel_modules, prune, reachable, source_key

PROGRAM = """
import sys
import seawall
assert "numba" not in sys.modules and "numpy" not in sys.modules, "import seawall is too heavy"
import seawall.kernel
assert "numba" not in sys.modules, "the decorator alone must not load the compiler"
from seawall import wide
print(wide.mul_ceil_div(7, 2**62, 2**61), "numba" in sys.modules, seawall.kernel.cache_folder())
"""


def run(program: str, **environment: str) -> str:
    """Output of a Python process with `environment` added."""
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_interpreted_needs_no_compiler_and_gives_the_same_answer(tmp_path: Path) -> None:
    assert run(PROGRAM, SEAWALL_INTERPRET="1") == "14 False None"
    value, compiled, folder = run(PROGRAM, SEAWALL_INTERPRET="", SEAWALL_CACHE_DIR=str(tmp_path)).split()
    assert (value, compiled) == ("14", "True")
    assert Path(folder).parent == tmp_path
    assert list(Path(folder).rglob("wide.mul_ceil_div*.nbi")), "nothing was cached"


CALLER = """
import numpy as np
from seawall import wide
from seawall.kernel import kernel

@kernel
def outer(narrow, wider):
    return wide.mul_floor_div(narrow[0], 7, 2) + wide.mul_floor_div(wider[0], narrow[1], 65536)

print(outer(np.array([5, -3], np.int32), np.array([2**40])), len(getattr(wide.mul_floor_div, 'overloads', ())))
"""


def test_constants_and_narrow_columns_make_no_copies_of_a_kernel(tmp_path: Path) -> None:
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER)
    program = f"import runpy; runpy.run_path({str(caller)!r})"
    value = 5 * 7 // 2 + 2**40 * -3 // 65536
    compiled = run(program, SEAWALL_INTERPRET="", SEAWALL_CACHE_DIR=str(tmp_path))
    assert compiled.split() == [str(value), "1"]
    assert run(program, SEAWALL_INTERPRET="1").split() == [str(value), "0"]


def test_cache_home_follows_the_desktop_standard(tmp_path: Path) -> None:
    folder = run(PROGRAM, SEAWALL_INTERPRET="", SEAWALL_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path)).split()[2]
    assert Path(folder).parent == tmp_path / "seawall" / "kernels"


def test_an_unwritable_folder_falls_back_to_memory(tmp_path: Path) -> None:
    in_the_way = tmp_path / "a-file"
    in_the_way.write_text("")
    assert run(PROGRAM, SEAWALL_INTERPRET="", SEAWALL_CACHE_DIR=str(in_the_way)) == "14 True None"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package: `fast.py` declares a kernel and reaches `far.py` through `near/__init__.py`."""
    files = {
        "__init__.py": "",
        "kernel.py": "from seawall import linker\n",
        "linker.py": "",
        "fast.py": "from seawall.kernel import kernel\nfrom seawall.near import thing\n",
        "near/__init__.py": "def load():\n    from seawall import (\n        far,\n    )\n",
        "far.py": "FACTOR = 2\n",
        "cli.py": "import seawall.fast\n",
    }
    for name, text in files.items():
        path = tmp_path / "seawall" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "seawall"


@pytest.mark.parametrize("name", ["fast.py", "near/__init__.py", "far.py", "kernel.py", "linker.py", "__init__.py"])
def test_any_source_a_kernel_reaches_changes_the_cache(package: Path, name: str) -> None:
    before = source_key(package, "numba 1")
    with (package / name).open("a") as stream:
        stream.write("# changed\n")
    assert source_key(package, "numba 1") != before


def test_what_no_kernel_reaches_keeps_the_cache_and_the_compiler_changes_it(package: Path) -> None:
    before = source_key(package, "numba 1")
    (package / "cli.py").write_text("import seawall.fast  # changed\n")
    assert source_key(package, "numba 1") == before
    assert source_key(package, "numba 2") != before


def test_a_renamed_source_changes_the_cache(package: Path) -> None:
    before = source_key(package, "numba 1")
    (package / "fast.py").rename(package / "quick.py")
    assert source_key(package, "numba 1") != before


def test_the_real_kernels_reach_their_constants() -> None:
    root = kernel_module.PACKAGE
    sources = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.py")}
    assert {"wide.py", "margin/bulk.py", "terms/limits.py", "units.py", "kernel.py"} <= set(reachable(sources))
    assert {"seawall.wide", "seawall.margin.bulk", "seawall.margin.sweep"} <= set(kernel_modules())


def test_pruning_keeps_the_newest_the_recent_and_what_is_not_ours(tmp_path: Path) -> None:
    newest = os.stat(tmp_path).st_mtime
    folders = [tmp_path / f"{number:024x}" for number in range(KEEP_FOLDERS + 3)]
    for age, folder in enumerate(folders):
        folder.mkdir()
        os.utime(folder, (0, newest - age * KEEP_SECONDS))
    os.utime(folders[-1], (0, newest))
    stranger = tmp_path / "notes"
    stranger.mkdir()
    os.utime(stranger, (0, 0))
    prune(tmp_path, keep=folders[-2])
    left = [folder for folder in folders if folder.exists()]
    assert left == [*folders[: KEEP_FOLDERS - 1], *folders[-2:]]
    assert stranger.exists()


def test_a_kernel_no_warm_up_reaches_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = SimpleNamespace(__name__="forgotten", signatures=(), stats=SimpleNamespace(cache_hits={}))
    cached = SimpleNamespace(__name__="cached", signatures=("()",), stats=SimpleNamespace(cache_hits={"()": 1}))
    monkeypatch.setattr(kernel_module, "kernel_modules", list)
    monkeypatch.setattr(kernel_module, "_compiled", [forgotten])
    told: list[str] = []
    kernel_module.compile_all(told.append)
    assert "compiled when first called: forgotten" in told
    monkeypatch.setattr(kernel_module, "_compiled", [forgotten, cached])
    assert kernel_module.compile_all(print) >= 0


@pytest.mark.slow
def test_every_kernel_compiles_cold_and_loads_warm(tmp_path: Path) -> None:
    environment = {**os.environ, "SEAWALL_INTERPRET": "", "SEAWALL_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "seawall.kernel"], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert f"kept in {tmp_path}" in done.stderr


def test_warm_ups_run_once_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def named(module: str) -> Callable[[], None]:
        def run_one() -> None:
            ran.append(module)

        run_one.__module__ = module
        return run_one

    monkeypatch.setattr(kernel_module, "_compiled", [])
    monkeypatch.setattr(kernel_module, "_warm_ups", [named("seawall.units"), named("seawall.elsewhere")])
    monkeypatch.setattr(kernel_module, "kernel_modules", lambda: ["seawall.units"])
    lines: list[str] = []
    assert kernel_module.compile_all(lines.append) >= 0
    assert ran == ["seawall.units"]
    assert lines[0].startswith("seawall.units: ")
