"""The life of an LP position (test_lp_life.py) on titanoboa. A program: it changes the EVM of the process it runs in.

titanoboa pins packages that the tests pin otherwise, so it lies in a folder of its own, alone, beside them.
"""

import fcntl
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from evm import DEPLOYER, Evm
from fast_chain import KEY, FastChain, FastClient, FastWorld
from uniswap_world import LpWorld

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "boa"
PACKAGES = ("titanoboa==0.2.8", "eth-stdlib==0.2.8", "vvm==0.3.2")
GAS = 60_000_000


@cache
def install() -> str:
    """Installs titanoboa where it is not yet. Empty, or why it is not there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (FOLDER / "boa" / "__init__.py").is_file():
            return ""
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER), *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else f"pip could not install {PACKAGES[0]}: {done.stderr[-300:]}"


def load() -> Any:
    """titanoboa's environment. Both it and py-evm have a package `eth`: the second folder is added to the first."""
    sys.path.append(str(FOLDER))
    import eth

    eth.__path__.append(str(FOLDER / "eth"))
    import boa  # type: ignore[import-not-found]

    return boa.env


class Machine:
    """What fast_chain.py asks of pyrevm, from titanoboa."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.last: Any = None

    def set_balance(self, address: str, amount: int) -> None:
        self.env.set_balance(address, amount)

    def get_balance(self, address: str) -> int:
        return int(self.env.get_balance(address))

    def get_code(self, address: str) -> bytes:
        return bytes(self.env.get_code(address))

    def basic(self, address: str) -> Any:
        return SimpleNamespace(nonce=self.env.evm.vm.state.get_nonce(bytes.fromhex(address[2:])))

    def snapshot(self) -> Any:
        return self.env.evm.snapshot()

    def revert(self, mark: Any) -> None:
        self.env.evm.revert(mark)

    def reset_transient_storage(self) -> None:
        """Locks are open again at the end of every call."""

    def deploy(self, sender: str, data: bytes, gas: int) -> str:
        address, self.last = self.env.deploy(sender=sender, bytecode=data, gas=gas)
        if self.last.is_error:
            raise RuntimeError(f"output: 0x{self.last.output.hex()}")
        return str(address)


class BoaEvm(Evm):
    """evm.py's chain, in titanoboa."""

    def __init__(self, now: int = 1_760_000_400) -> None:
        self.evm = Machine(load())
        self.number = 100
        self.contracts = {}
        self.set_time(now)

    def set_time(self, now: int) -> None:
        self.now = now
        self.number += 1
        self.evm.env.evm.patch.timestamp = now
        self.evm.env.evm.patch.block_number = self.number
        self.evm.env.evm.reset_access_counters()

    def raw(self, to: str, data: bytes, sender: str = DEPLOYER, *, is_static: bool = False, value: int = 0) -> bytes:
        found = self.evm.env.execute_code(
            to_address=to, sender=sender, data=data, gas=GAS, value=value, is_modifying=not is_static
        )
        self.evm.last = found
        if found.is_error:
            raise self._refusal(f"output: 0x{found.output.hex()}")
        return bytes(found.output)

    def logs(self) -> list[Any]:
        return [
            SimpleNamespace(address="0x" + address.hex(), topics=[to_bytes(one) for one in topics], data=(0, data))
            for address, topics, data in self.evm.last.get_log_entries()
        ]

    def gas(self) -> int:
        return int(self.evm.last.get_gas_used())


def to_bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def world(**changes: Any) -> LpWorld:
    """An LpWorld on titanoboa."""
    chain = FastChain(evm=BoaEvm())
    return LpWorld(FastClient(chain, KEY), partial(FastWorld, None, chain), **changes)


if __name__ == "__main__":
    from test_lp_life import live_through

    for first in (True, False):
        live_through(world(usd_first=first))
    print("lived through on titanoboa")
