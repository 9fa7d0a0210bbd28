"""One account on one chain: calls, transactions that happen once, receipts, and refusals with the engine's words.

Works over any web3 connection: an RPC by its address, or a chain inside the process (`embedded`). A transaction is
signed here with an explicit nonce and known by its hash before it is sent, so that a lost answer is asked for again and
never sent twice.
"""

import ast
import re
import time
from collections.abc import Callable
from typing import Any, Final

from seawall.chain.artifacts import artifact
from seawall.terms import code
from seawall.units import BadInput

RECEIPT_S: Final = 120.0
POLL_S: Final = 0.05
TRIES: Final = 5
GAS_MARGIN: Final = 5  # a fifth more than estimated
GAS_MOST: Final = 30_000_000
GAS_EMBEDDED: Final = 16_000_000  # of a transaction of the chain inside this process: more than any of ours takes
HEX: Final = re.compile(r"0x[0-9a-fA-F]{8,}")
RAW: Final = re.compile(r"""b(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


class Refused(Exception):
    """A call that the contracts refuse: the engine's code and its words. Nothing has moved."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"{what}: {code.TEXT.get(number, 'refused')} ({number})")
        self.code = number


class ChainFault(Exception):
    """The chain or its RPC did not do what it should: no answer, no receipt, a revert without a code."""


def selector() -> str:
    """The selector of `Reject(uint256)`."""
    from eth_utils.crypto import keccak

    return str(keccak(b"Reject(uint256)")[:4].hex())


def connect(url: str | None, retries: int = TRIES) -> Any:
    """A web3 connection to an RPC address, or for None to a chain inside this process. BadInput without libraries."""
    try:
        from web3 import HTTPProvider, Web3
    except ImportError as error:
        raise BadInput("chain", "pip install 'seawall[chain]' for commands on chains") from error
    if url is None:
        return embedded()
    if not url.startswith(("http://", "https://")):
        raise BadInput("rpc", f"{url!r} is no http address")
    w3 = Web3(HTTPProvider(url, request_kwargs={"timeout": 20}))
    for attempt in range(retries):
        if w3.is_connected():
            return w3
        time.sleep(0.2 * 2**attempt)
    raise ChainFault("the RPC does not answer")


def embedded() -> Any:
    """A new chain inside this process, with its own funded accounts; nothing of it is kept."""
    try:
        from eth_tester import EthereumTester, PyEVMBackend
        from web3 import Web3
        from web3.providers.eth_tester import EthereumTesterProvider
    except ImportError as error:
        raise BadInput("chain", "pip install 'seawall[chain]' for a chain without a node") from error

    class Backend(PyEVMBackend):  # type: ignore[misc]
        """Its own estimate runs a transaction a dozen times to find the least gas; one run says whether it succeeds."""

        def estimate_gas(self, transaction: Any, block_number: Any = "latest") -> int:
            self.call({**transaction, "gas": GAS_EMBEDDED}, block_number)
            return GAS_EMBEDDED

    return Web3(EthereumTesterProvider(EthereumTester(Backend())))


class Client:
    """An account that calls and sends. `tell` hears of what is sent."""

    def __init__(self, w3: Any, key: bytes | None, tell: Callable[[str], None] = lambda _: None) -> None:
        from eth_account import Account

        self.w3 = w3
        self.account = None if key is None else Account.from_key(key)
        self.tell = tell
        self.chain_id = int(self.ask(lambda: w3.eth.chain_id))
        self._contracts: dict[tuple[str, str], Any] = {}
        self._nonce: int | None = None

    @property
    def address(self) -> str:
        if self.account is None:
            raise BadInput("key", "this needs a key: give --keystore")
        return str(self.account.address)

    def at(self, name: str, address: str) -> Any:
        """A contract of the package at an address."""
        if (name, address) not in self._contracts:
            self._contracts[(name, address)] = self.w3.eth.contract(address=address, abi=artifact(name).abi)
        return self._contracts[(name, address)]

    def call(self, contract: Any, function: str, *args: Any, block: Any = "latest") -> Any:
        """What a view says. Refused or ChainFault."""
        bound = contract.get_function_by_name(function)(*args)
        sender = {} if self.account is None else {"from": self.address}
        return self.ask(lambda: self._named(function, lambda: bound.call(sender, block_identifier=block)))

    def send(self, contract: Any, function: str, *args: Any, value: int = 0) -> Any:
        """A transaction, and its receipt. It is tried as a call first: a refusal costs nothing."""
        bound = contract.get_function_by_name(function)(*args)
        data = bound._encode_transaction_data()
        return self.transact(contract.address, data, function, value)

    def create(self, name: str, *args: Any) -> Any:
        """Deploys a contract of the package; returns the receipt."""
        made = artifact(name)
        contract = self.w3.eth.contract(abi=made.abi, bytecode=made.bytecode)
        return self.transact(None, contract.constructor(*args).data_in_transaction, f"deploy {name}", 0)

    def transact(self, to: str | None, data: Any, what: str, value: int = 0) -> Any:
        """Signs and sends once, waits for the receipt. Refused, or ChainFault when it is mined and fails."""
        fields: dict[str, Any] = {"from": self.address, "data": data, "value": value}
        if to is not None:
            fields["to"] = to
        gas = self.ask(lambda: self._named(what, lambda: self.w3.eth.estimate_gas(fields)))
        fields.pop("from")
        fields.setdefault("to", b"")
        fields |= {"chainId": self.chain_id, "nonce": self.nonce(), "gas": min(GAS_MOST, gas + gas // GAS_MARGIN)}
        fields |= self._price()
        assert self.account is not None
        signed = self.account.sign_transaction(fields)
        self.tell(f"{what}: {signed.hash.to_0x_hex()}")
        self._send_once(signed)
        self._nonce = int(fields["nonce"]) + 1
        receipt = self.receipt(signed.hash)
        if receipt["status"] != 1:
            raise ChainFault(f"{what}: mined in block {receipt['blockNumber']} and reverted")
        return receipt

    def nonce(self) -> int:
        """The next nonce: what the chain says, or what this client knows to be sent."""
        found = int(self.ask(lambda: self.w3.eth.get_transaction_count(self.address)))
        return found if self._nonce is None else max(found, self._nonce)

    def forget_nonce(self) -> None:
        """After a re-organisation: ask the chain again."""
        self._nonce = None

    def receipt(self, hashed: Any) -> Any:
        """The receipt of a transaction; asked for until it is there. ChainFault after two minutes."""
        from web3.exceptions import TransactionNotFound

        end = time.monotonic() + RECEIPT_S
        while time.monotonic() < end:
            try:
                found = self.ask(lambda: self.w3.eth.get_transaction_receipt(hashed))
                if found is not None:
                    return found
            except TransactionNotFound:
                pass
            time.sleep(POLL_S)
        raise ChainFault(f"no receipt of {hashed.to_0x_hex()} in {RECEIPT_S:.0f} s")

    def _price(self) -> dict[str, int]:
        base = self.ask(lambda: self.w3.eth.get_block("latest")).get("baseFeePerGas", 0) or 0
        tip = 10**9
        return {"maxFeePerGas": 2 * int(base) + tip, "maxPriorityFeePerGas": tip}

    def _send_once(self, signed: Any) -> None:
        """Sends the same bytes until the RPC has them: a duplicate is known by its hash."""
        for attempt in range(TRIES):
            try:
                self.w3.eth.send_raw_transaction(signed.raw_transaction)
                return
            except (OSError, ValueError, RuntimeError) as error:  # requests' errors are OSErrors
                text = str(error).lower()
                if "already known" in text or "already imported" in text or "nonce too low" in text:
                    return
                if attempt == TRIES - 1:
                    raise ChainFault(f"not sent: {error}") from error
                time.sleep(0.1 * 2**attempt)

    def ask(self, act: Callable[[], Any]) -> Any:
        """Asks again when the connection fails; what the chain itself says is said at once."""
        for attempt in range(TRIES):
            try:
                return act()
            except OSError as error:
                if attempt == TRIES - 1:
                    raise ChainFault(f"the RPC does not answer: {type(error).__name__}") from error
                time.sleep(0.1 * 2**attempt)
        raise AssertionError

    def _named(self, what: str, ask: Callable[[], Any]) -> Any:
        """Turns a revert into the engine's words."""
        from web3.exceptions import ContractLogicError, Web3RPCError

        failed: tuple[type[Exception], ...] = (ContractLogicError, Web3RPCError)
        try:
            from eth_tester.exceptions import TransactionFailed

            failed = (*failed, TransactionFailed)
        except ImportError:
            pass
        try:
            return ask()
        except failed as error:
            number = refusal_in(error)
            if number is not None:
                raise Refused(number, what) from None
            raise ChainFault(f"{what}: {error}") from None


def refusal_in(error: Exception) -> int | None:
    """The code in a revert, wherever its library has put it."""
    wanted = selector()
    for part in (getattr(error, "data", None), *error.args):
        data = part.hex() if isinstance(part, bytes) else str(part)
        for found in [data, *HEX.findall(data)]:
            body = found.removeprefix("0x")
            if body.startswith(wanted) and len(body) >= 72:
                return int(body[8:72], 16)
    for found in RAW.findall(str(error)):  # the bytes as Python writes them
        raw = ast.literal_eval(found)
        if raw[:4].hex() == wanted and len(raw) >= 36:
            return int.from_bytes(raw[4:36], "big")
    return None
