"""The compiled contracts that ship with the package: ABI, bytecode, storage layout. Using them needs no compiler."""

import hashlib
import importlib.resources
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.units import BadInput

COMPILER: Final = "0.4.3"
EVM_VERSION: Final = "cancun"
SIZE_MAX: Final = 24_000  # bytes of a deployed contract: the chain's own limit is 24,576


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One deployable contract. `sources` is the hash of every file that it was compiled from."""

    name: str
    compiler: str
    evm_version: str
    sources: str
    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    layout: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes of the deployed contract, its immutables apart."""
        return (len(self.runtime) - 2) // 2


def folder() -> Path:
    """Where the package keeps them."""
    return Path(str(importlib.resources.files("seawall.chain") / "artifacts"))


def names() -> list[str]:
    """Every contract that ships."""
    return sorted(path.stem for path in folder().glob("*.json"))


@cache
def artifact(name: str) -> Artifact:
    """One contract by name. BadInput when there is none of that name."""
    path = folder() / f"{name}.json"
    if not path.is_file():
        raise BadInput("contract", f"no contract {name!r}: one of {', '.join(names())}")
    return msgspec.json.decode(path.read_bytes(), type=Artifact)


def hash_of_sources(sources: Path) -> str:
    """SHA-256 over the names and bytes of every Vyper file below a folder, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.vy*")):
        digest.update(f"{path.relative_to(sources).as_posix()}\n".encode())
        digest.update(path.read_bytes())
        digest.update(b"\n")
    return digest.hexdigest()
