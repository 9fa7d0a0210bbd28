"""Compiles contracts/ with the pinned Vyper and writes the artifacts. For developers: users never compile."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain.artifacts import COMPILER, EVM_VERSION, SIZE_MAX, Artifact, folder, hash_of_sources
from seawall.units import BadInput

IMPORT: Final = re.compile(r"^(?:from (?P<folder>[\w.]+) )?import (?P<name>\w+)", re.MULTILINE)


def contracts_in(sources: Path) -> list[Path]:
    """Deployable contracts: files in CamelCase. BadInput when there is none."""
    found = sorted(path for path in sources.rglob("*.vy") if path.stem[0].isupper())
    if not found:
        raise BadInput("sources", f"no contract below {sources}")
    return found


def used_by(path: Path, sources: Path) -> str:
    """Hash of a contract and of every module and interface it imports."""
    seen: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(sources).as_posix()
        if name in seen:
            continue
        seen[name] = file.read_bytes()
        for found in IMPORT.finditer(file.read_text("utf-8")):
            below = (found["folder"] or "").replace(".", "/")
            for ending in (".vy", ".vyi"):
                module = sources / below / f"{found['name']}{ending}"
                if module.is_file():
                    waiting.append(module)
    return _digest(seen)


def _digest(files: dict[str, bytes]) -> str:
    import hashlib

    digest = hashlib.sha256(f"{COMPILER} {EVM_VERSION}\n".encode())
    for name in sorted(files):
        digest.update(f"{name}\n".encode() + files[name] + b"\n")
    return digest.hexdigest()


def compile_all(sources: Path, tell: Callable[[str], None], target: Path | None = None) -> list[Artifact]:
    """Compiles what has changed, writes it below `target` (the package's own folder) and returns every artifact.

    BadInput when Vyper is missing, of another version, or refuses a file, and for a contract beyond SIZE_MAX.
    """
    kept = folder() if target is None else target
    kept.mkdir(parents=True, exist_ok=True)
    done = []
    for path in contracts_in(sources):
        key, place = used_by(path, sources), kept / f"{path.stem}.json"
        old = msgspec.json.decode(place.read_bytes(), type=Artifact) if place.is_file() else None
        made = old if old is not None and old.sources == key else _compiled(path, sources, key)
        if made is not old:
            place.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        tell(f"{made.name}: {made.size:,} bytes{'' if made is not old else ', unchanged'}")
        if made.size > SIZE_MAX:
            raise BadInput(made.name, f"{made.size} bytes, at most {SIZE_MAX}")
        done.append(made)
    return done


def _compiled(path: Path, sources: Path, key: str) -> Artifact:
    output = _outputs(path, sources)
    return Artifact(
        name=path.stem,
        compiler=COMPILER,
        evm_version=EVM_VERSION,
        sources=key,
        abi=output["abi"],
        bytecode=output["bytecode"],
        runtime=output["bytecode_runtime"],
        layout=output["layout"],
    )


def _outputs(path: Path, sources: Path) -> dict[str, Any]:
    try:
        import vyper
        from vyper.compiler import compile_from_file_input
        from vyper.compiler.input_bundle import FilesystemInputBundle
        from vyper.compiler.settings import Settings
        from vyper.exceptions import VyperException
    except ImportError as error:
        raise BadInput("vyper", f"pip install vyper=={COMPILER} to compile") from error
    if vyper.__version__.split("+")[0] != COMPILER:
        raise BadInput("vyper", f"{vyper.__version__} is installed, {COMPILER} is needed")
    bundle = FilesystemInputBundle([sources])
    try:
        made: dict[str, Any] = compile_from_file_input(
            bundle.load_file(path),
            input_bundle=bundle,
            output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
            settings=Settings(evm_version=EVM_VERSION),
        )
    except VyperException as error:
        raise BadInput(path.stem, str(error)) from error
    return made


def is_current(artifact: Artifact, sources: Path) -> bool:
    """Whether an artifact was made from these sources."""
    found = [path for path in contracts_in(sources) if path.stem == artifact.name]
    return bool(found) and used_by(found[0], sources) == artifact.sources


__all__ = ["compile_all", "contracts_in", "hash_of_sources", "is_current", "used_by"]
