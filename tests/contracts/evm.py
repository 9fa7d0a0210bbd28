"""Contracts in an EVM inside the test process (pyrevm): deployed from the shipped artifacts, called by encoded data."""

import re
from typing import Any

import pytest

pyrevm = pytest.importorskip("pyrevm", reason="the EVM of the tests is an extra: pip install seawall[dev]")
eth_abi = pytest.importorskip("eth_abi", reason="ABI encoding is an extra: pip install seawall[chain]")

from eth_utils.crypto import keccak  # noqa: E402

from seawall.chain.artifacts import Artifact, artifact  # noqa: E402

DEPLOYER = "0x" + "d0" * 20
REFUSED = keccak(b"Reject(uint256)")[:4]
OUTPUT = re.compile(r"output: 0x([0-9a-f]*)")
GAS = 60_000_000


class Refused(Exception):
    """A call that reverted with a code of the engine."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Reverted(Exception):
    """A call that reverted with anything else."""


def types_of(entries: list[dict[str, Any]]) -> list[str]:
    return [type_of(entry) for entry in entries]


def type_of(entry: dict[str, Any]) -> str:
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(types_of(entry["components"])) + ")" + kind[len("tuple") :]


class Function:
    """One function of a contract: its selector and the types that go in and come out."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.inputs = types_of(entry["inputs"])
        self.outputs = types_of(entry.get("outputs", []))
        self.selector = keccak(f"{entry['name']}({','.join(self.inputs)})".encode())[:4]
        self.is_plain = all(re.fullmatch(r"u?int256", kind) or kind in ("bool", "address") for kind in self.inputs)

    def data(self, args: tuple[Any, ...]) -> bytes:
        if self.is_plain and len(args) == len(self.inputs):
            return self.selector + b"".join(_word(value) for value in args)
        return self.selector + bytes(eth_abi.encode(self.inputs, args))

    def result(self, data: bytes) -> Any:
        if not self.outputs:
            return None
        values = eth_abi.decode(self.outputs, data)
        return values[0] if len(values) == 1 else values


def _word(value: Any) -> bytes:
    number = int(value, 16) if isinstance(value, str) else int(value)
    return (number % 2**256).to_bytes(32, "big")


class Contract:
    def __init__(self, made: Artifact, address: str) -> None:
        self.name, self.address = made.name, address
        self.functions = {entry["name"]: Function(entry) for entry in made.abi if entry["type"] == "function"}


class Evm:
    """One chain. `now` is the time of the block in seconds; every call is a transaction of its own."""

    def __init__(self, now: int = 1_760_000_400) -> None:
        self.evm = pyrevm.EVM(spec_id="CANCUN")
        self.now, self.number = now, 100
        self.contracts: dict[str, Contract] = {}
        self.evm.set_balance(DEPLOYER, 10**24)
        self.set_time(now)

    def set_time(self, now: int) -> None:
        self.now = now
        self.number += 1
        self.evm.set_block_env(pyrevm.BlockEnv(number=self.number, timestamp=now, gas_limit=GAS))

    def nonce(self) -> int:
        info = self.evm.basic(DEPLOYER)
        return int(info.nonce)

    def deploy(self, name: str, *args: Any, made: Artifact | None = None) -> Contract:
        made = artifact(name) if made is None else made
        entry = next((e for e in made.abi if e["type"] == "constructor"), {"inputs": []})
        data = bytes.fromhex(made.bytecode[2:]) + bytes(eth_abi.encode(types_of(entry["inputs"]), args))
        address = self.evm.deploy(DEPLOYER, data, gas=GAS)
        self.contracts[name] = Contract(made, str(address))
        return self.contracts[name]

    def send(self, contract: Contract, function: str, *args: Any, sender: str = DEPLOYER) -> Any:
        """A transaction. Refused with the engine's code, or Reverted."""
        wanted = contract.functions[function]
        data = self.raw(contract.address, wanted.data(args), sender)
        return wanted.result(data)

    def view(self, contract: Contract, function: str, *args: Any, sender: str = DEPLOYER) -> Any:
        wanted = contract.functions[function]
        return wanted.result(self.raw(contract.address, wanted.data(args), sender, is_static=True))

    def code(self, contract: Contract, function: str, *args: Any, sender: str = DEPLOYER) -> int:
        """0, or the code with which a transaction is refused."""
        try:
            self.send(contract, function, *args, sender=sender)
        except Refused as refused:
            return refused.code
        return 0

    def raw(self, to: str, data: bytes, sender: str = DEPLOYER, *, is_static: bool = False, value: int = 0) -> bytes:
        try:
            found = self.evm.message_call(sender, to, calldata=data, gas=GAS, is_static=is_static, value=value)
        except RuntimeError as error:
            raise self._refusal(str(error)) from None
        self.evm.reset_transient_storage()
        return bytes(found)

    def logs(self) -> list[Any]:
        """Events of the last transaction."""
        return list(self.evm.result.logs)

    def gas(self) -> int:
        """Gas of the last transaction without its calldata and intrinsic part."""
        return int(self.evm.result.gas_used)

    def _refusal(self, text: str) -> Exception:
        self.evm.reset_transient_storage()
        found = OUTPUT.search(text)
        data = bytes.fromhex(found.group(1)) if found else b""
        if data[:4] == REFUSED and len(data) == 36:
            return Refused(int.from_bytes(data[4:], "big"))
        return Reverted(text[:400])


def create_address(sender: str, nonce: int) -> str:
    """Where the contract of this sender's transaction with that nonce will be."""
    import rlp

    return "0x" + keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex()
