"""The one decorator that compiles a function, or leaves it plain Python for debugging (SEAWALL_INTERPRET=1).

Importing this module does not import numba: the first decorated function does. Compiled code is cached under
`$SEAWALL_CACHE_DIR`, else `$XDG_CACHE_HOME/seawall/kernels`, else `~/.cache/seawall/kernels`, in a folder named by a
hash of every source file a kernel can reach and of the compiler's version, because numba's own cache does not see a
change in a function called from another file. Where that folder cannot be written, kernels compile in memory.

`python -m seawall.kernel` compiles every kernel of the package and says how long it took.
"""

import hashlib
import importlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from seawall import interleave, linking

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE: Final = Path(__file__).resolve().parent
INTERPRETED: Final = os.environ.get("SEAWALL_INTERPRET", "") not in ("", "0")
KEEP_FOLDERS: Final = 8  # caches of this many source states stay
KEEP_SECONDS: Final = 3_600  # and any that was used this recently: another process may be running on it
DECORATORS: Final = r"\b(?:kernel|warm_up)\b"  # who imports one of these declares kernels
USES_KERNELS: Final = re.compile(
    rf"^\s*from seawall\.kernel import (?:\([^)]*{DECORATORS}|[^\n(]*{DECORATORS})", re.MULTILINE
)
IMPORTS: Final = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+(seawall[\w.]*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?", re.M
)

_compiled: list[Any] = []
_warm_ups: list[Callable[[], None]] = []
_cache_state: list[Path | None] = []  # empty until the first kernel is declared


def kernel(function: Function) -> Function:
    """`function` compiled without the GIL, with numpy's error model and exact integer arithmetic (no fastmath).

    Compiled integers are 64-bit and wrap without a word: callers check bounds before. With SEAWALL_INTERPRET=1 the
    function comes back unchanged. To use more cores, call a kernel over parts of its range from threads (margin/bulk.py
    `in_threads`): that compiles once, and numba's cache confuses one function decorated with two sets of options.
    """
    return function if INTERPRETED else _compile(function)


def warm_up(function: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that calls its module's kernels once on a small input, so that `compile_all` can."""
    _warm_ups.append(function)
    return function


def _compile(function: Function) -> Function:
    cache = _prepare_cache()
    numba = importlib.import_module("numba")
    linking.install()
    interleave.install()
    dispatcher: Function = numba.njit(nogil=True, cache=cache is not None, error_model="numpy")(function)
    _compiled.append(dispatcher)
    return dispatcher


def cache_folder() -> Path | None:
    """Where this process keeps compiled kernels; None when it compiles in memory or interprets."""
    return None if INTERPRETED else _prepare_cache()


def _prepare_cache() -> Path | None:
    if not _cache_state:
        numba = importlib.import_module("numba")
        options = f"numba {numba.__version__} python {sys.version} boundscheck {numba.config.BOUNDSCHECK}"
        folder = _writable(_cache_root() / source_key(PACKAGE, options))
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)
            prune(folder.parent, keep=folder)
        _cache_state.append(folder)
    return _cache_state[0]


def _cache_root() -> Path:
    if chosen := os.environ.get("SEAWALL_CACHE_DIR"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "seawall" / "kernels"


def _writable(folder: Path) -> Path | None:
    """`folder`, made and marked as used now; None when that is not allowed."""
    probe = folder / f".used-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
        os.utime(folder)
    except OSError:
        return None
    return folder


def prune(root: Path, keep: Path) -> None:
    """Removes the caches of old sources: all but the newest few and those used within the hour."""
    folders = sorted((path for path in root.iterdir() if _is_cache(path)), key=_last_used, reverse=True)
    old = time.time() - KEEP_SECONDS
    for folder in folders[KEEP_FOLDERS:]:
        if folder != keep and _last_used(folder) < old:
            shutil.rmtree(folder, ignore_errors=True)


def _is_cache(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{24}", path.name) is not None and path.is_dir()


def _last_used(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def source_key(package: Path, options: str) -> str:
    """Hash of `options` and of every source file of `package` that a kernel module is or imports, however far."""
    digest = hashlib.sha256(options.encode())
    sources = {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*.py")}
    for name in reachable(sources):
        digest.update(f"\0{name}\0".encode())
        digest.update(sources[name])
    return digest.hexdigest()[:24]


def reachable(sources: dict[str, bytes]) -> list[str]:
    """Names of the files that declare kernels, of this one, and of all package files they import, sorted."""
    waiting = [name for name, source in sources.items() if USES_KERNELS.search(source.decode())]
    waiting.extend({"kernel.py"} & sources.keys())
    found: set[str] = set()
    while waiting:  # each file enters once
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting.extend(_imported(sources[name].decode(), sources))
    return sorted(found)


def _imported(source: str, sources: dict[str, bytes]) -> Iterable[str]:
    for module, names in IMPORTS.findall(source):
        candidates = [module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))]
        for candidate in candidates:
            stem = "/".join(candidate.split(".")[1:])
            yield from ({f"{stem}.py", f"{stem}/__init__.py".lstrip("/")} & sources.keys())


def kernel_modules() -> list[str]:
    """Dotted names of the package's modules that declare kernels."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path != Path(__file__).resolve() and USES_KERNELS.search(path.read_text()):
            names.append(".".join(("seawall", *path.relative_to(PACKAGE).with_suffix("").parts)))
    return names


def compile_all(progress: Callable[[str], None]) -> float:
    """Compiles, or loads from the cache, every kernel of the package; returns the seconds taken.

    `progress` gets one line a module, and one with the kernels that no warm-up reaches; that shows only when nothing
    came from the cache, for a cached kernel does not touch the ones it calls.
    """
    start = time.perf_counter()
    for module in kernel_modules():
        importlib.import_module(module)
        for run in (entry for entry in _warm_ups if entry.__module__ == module):
            run()
        progress(f"{module}: {time.perf_counter() - start:.1f} s")
    missed = [dispatcher.__name__ for dispatcher in _compiled if not dispatcher.signatures]
    if missed and not any(dispatcher.stats.cache_hits for dispatcher in _compiled):
        progress(f"compiled when first called: {', '.join(missed)}")
    return time.perf_counter() - start


def main() -> int:
    """Compiles everything, telling progress on stderr."""

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    seconds = compile_all(tell)
    where = cache_folder() or "memory only (the cache folder is not writable)"
    tell(f"{len(_compiled)} kernels in {seconds:.1f} s, kept in {where}")
    return 0


if __name__ == "__main__":
    raise SystemExit(importlib.import_module("seawall.kernel").main())
