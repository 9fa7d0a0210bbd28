"""Packages from npm that tests of chains use: the real bytecode of Uniswap v3, and a development chain. Kept in .cache.

They are installed by their pinned versions when a test first asks; where that cannot be done the test skips and says
why.
"""

import fcntl
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "npm"
PACKAGES = ("@uniswap/v3-core@1.0.1", "@uniswap/v3-periphery@1.4.4", "@foundry-rs/anvil@1.7.1")
INSTALL_S = 300
UNISWAP = {
    "UniswapV3Factory": "v3-core/artifacts/contracts/UniswapV3Factory.sol",
    "UniswapV3Pool": "v3-core/artifacts/contracts/UniswapV3Pool.sol",
    "NonfungiblePositionManager": "v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol",
    "SwapRouter": "v3-periphery/artifacts/contracts/SwapRouter.sol",
}


@cache
def install() -> str:
    """Installs what is not there yet. Empty, or why it is not there."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = [name for name in PACKAGES if not _is_there(name)]
        if not wanted:
            return ""
        (FOLDER / "package.json").touch()
        if not (FOLDER / "package.json").read_text():
            (FOLDER / "package.json").write_text('{"private": true}\n')
        command = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--save-exact", *PACKAGES]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"npm did not install {', '.join(wanted)} in {INSTALL_S} s"
        missing = [name for name in PACKAGES if not _is_there(name)]
        return f"npm could not install {', '.join(missing)}: {done.stderr[-300:]}" if missing else ""


def _is_there(package: str) -> bool:
    name, _, version = package.rpartition("@")
    told = FOLDER / "node_modules" / name / "package.json"
    return told.is_file() and json.loads(told.read_text())["version"] == version


def uniswap(name: str) -> dict[str, Any]:
    """ABI and bytecode of a contract of Uniswap v3. Skips where it cannot be had."""
    why = install()
    if why:
        pytest.skip(f"no bytecode of Uniswap v3: {why}")
    found: dict[str, Any] = json.loads(
        (FOLDER / "node_modules" / "@uniswap" / UNISWAP[name] / f"{name}.json").read_text()
    )
    return found


def anvil() -> str:
    """The development chain's program; empty where it cannot be had."""
    program = FOLDER / "node_modules" / ".bin" / "anvil"
    return str(program) if not install() and program.exists() else ""


if __name__ == "__main__":
    sys.exit(install() or 0)
