"""A chain in the test's process that deploys a venue within a second: the clients of `seawall.chain` over pyrevm."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")

import msgspec
from eth_account import Account
from evm import GAS, Evm, Refused, Reverted
from hexbytes import HexBytes
from venue import World
from web3 import Web3
from web3.datastructures import AttributeDict

from seawall.chain import client as real
from seawall.chain import layout as at
from seawall.chain.deploy import Deployer, Deployment, begin, open_markets
from seawall.chain.development import Development
from seawall.chain.settings import Settings, example

USD = 10**6
KEY = (1).to_bytes(32, "big")
REVERTED = -1  # without a code of the engine


class FastEth:
    """What is read of `w3.eth`."""

    def __init__(self, chain: "FastChain") -> None:
        self.chain = chain
        self.contract = Web3().eth.contract

    @property
    def block_number(self) -> int:
        return self.chain.evm.number

    def get_block(self, _: Any) -> dict[str, int]:
        return {"timestamp": self.chain.evm.now, "number": self.chain.evm.number}

    def get_code(self, address: str) -> bytes:
        return bytes(self.chain.evm.evm.get_code(address) or b"")

    def get_transaction_receipt(self, hashed: str) -> dict[str, Any] | None:
        return self.chain.receipts.get(hashed)

    def get_balance(self, address: str) -> int:
        return int(self.chain.evm.evm.get_balance(address))

    def get_logs(self, query: dict[str, Any]) -> list[Any]:
        wanted = {address.lower() for address in query["address"]}
        first, last = query["fromBlock"], query["toBlock"]
        return [
            log for log in self.chain.logs if first <= log["blockNumber"] <= last and log["address"].lower() in wanted
        ]


class FastChain:
    """Blocks of one transaction each, a second apart. `state` and `restore` are for tests that share a deployment."""

    def __init__(self, now: int = 1_760_000_400, evm: Evm | None = None) -> None:
        self.evm = evm or Evm(now)
        self.logs: list[Any] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.eth = FastEth(self)

    def mine(self, sender: str, to: str | None, data: bytes, value: int = 0) -> dict[str, Any]:
        """A transaction in a block of its own; its receipt. Refused and ChainFault as the real client has them."""
        self.evm.set_time(self.evm.now + 1)
        created = None
        try:
            if to is None:
                created = str(self.evm.evm.deploy(sender, data, gas=GAS))
            else:
                self.evm.raw(to, data, sender, value=value)
        except Refused as refused:
            raise real.Refused(refused.code, "call") from None
        except (Reverted, RuntimeError) as error:
            raise real.ChainFault(str(error)[:300]) from None
        self.evm.evm.reset_transient_storage()
        for place, log in enumerate(self.evm.logs()):
            fields = {
                "address": Web3.to_checksum_address(log.address),
                "topics": [HexBytes(topic) for topic in log.topics],
                "data": HexBytes(bytes(log.data[1])),
                "blockNumber": self.evm.number,
                "logIndex": place,
                "transactionHash": HexBytes(self.evm.number.to_bytes(32, "big")),
                "transactionIndex": 0,
                "blockHash": HexBytes(self.evm.number.to_bytes(32, "big")),
            }
            self.logs.append(AttributeDict(fields))
        name = HexBytes(self.evm.number.to_bytes(32, "big"))
        receipt = {"status": 1, "gasUsed": self.evm.gas(), "blockNumber": self.evm.number, "blockHash": name}
        receipt |= {"contractAddress": None if created is None else Web3.to_checksum_address(created)}
        self.receipts[name.to_0x_hex()] = receipt | {"transactionHash": name}
        return self.receipts[name.to_0x_hex()]


class FastClient(real.Client):
    """An account on such a chain."""

    def __init__(self, chain: FastChain, key: bytes | None, tell: Callable[[str], None] = lambda _: None) -> None:
        self.chain, self.w3, self.tell = chain, chain, tell
        self.account = None if key is None else Account.from_key(key)
        self.chain_id = 1
        self._contracts: dict[tuple[str, str], Any] = {}
        if key is not None:
            chain.evm.evm.set_balance(self.address, 10**24)

    def nonce(self) -> int:
        return int(self.chain.evm.evm.basic(self.address).nonce)

    def call(self, contract: Any, function: str, *args: Any, block: Any = "latest") -> Any:  # noqa: ARG002
        bound = contract.get_function_by_name(function)(*args)
        data = bytes.fromhex(bound._encode_transaction_data()[2:])
        sender = self.address if self.account is not None else "0x" + "11" * 20
        before = self.chain.evm.evm.snapshot()
        try:
            found = self.chain.evm.raw(contract.address, data, sender)
        except Refused as refused:
            raise real.Refused(refused.code, function) from None
        except Reverted as error:
            raise real.ChainFault(str(error)) from None
        finally:
            self.chain.evm.evm.revert(before)
        outputs = next(entry for entry in contract.abi if entry.get("name") == function)["outputs"]
        kinds = [_kind(entry) for entry in outputs]
        decoded = zip(kinds, Web3().codec.decode(kinds, found), strict=True)
        values = [Web3.to_checksum_address(value) if kind == "address" else value for kind, value in decoded]
        return values[0] if len(values) == 1 else values

    def transact(self, to: str | None, data: Any, what: str, value: int = 0) -> Any:  # noqa: ARG002
        raw = bytes.fromhex(data[2:]) if isinstance(data, str) else bytes(data)
        return self.chain.mine(self.address, to, raw, value)

    def ask(self, act: Callable[[], Any]) -> Any:
        return act()


def _kind(entry: dict[str, Any]) -> str:
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_kind(part) for part in entry["components"]) + ")" + kind[5:]


class FastVenue:
    """A deployed venue with open markets and pools: the deployer is admin, operator, reporter, first provider."""

    def __init__(self, has_pools: bool = True, **changes: Any) -> None:
        self.chain = FastChain()
        self.client = FastClient(self.chain, KEY)
        self.record = self.deploy(msgspec.structs.replace(example(), timelock_s=0, permit2="", **changes))
        self.venue = Development(self.client, self.record, {"one": KEY})
        self.price(1_000, 100)
        open_markets(self.client, self.record, self.pass_time)
        self.venue.give(self.client.address, 10**14)
        self.venue.deposit(self.client, 10**13)
        for market in range(2 if has_pools else 0):
            self.venue.fund_pool(self.client, market, "amm", 10**11)
            self.venue.fund_pool(self.client, market, "backstop", 10**10)
        self.wallets = 0

    def deploy(self, settings: Settings) -> Deployment:
        return Deployer(self.client, begin(self.client, settings), None, lambda _: None).run()

    def contract(self, name: str) -> Any:
        return self.client.at(name.split(maxsplit=1)[0], self.record.addresses[name])

    def price(self, *prices: float) -> list[int]:
        return self.venue.report({market: int(price) for market, price in enumerate(prices)})

    def pass_time(self, seconds: float) -> None:
        self.chain.evm.set_time(self.chain.evm.now + int(seconds))

    def wallet(self, usd: int) -> FastClient:
        """A new wallet with money in its account."""
        self.wallets += 1
        made = FastClient(self.chain, (7_000 + self.wallets).to_bytes(32, "big"))
        self.venue.give(made.address, usd * USD)
        self.venue.deposit(made, usd * USD)
        return made

    def word(self, key: int) -> int:
        return int(self.client.call(self.contract("ClearingHouse"), "word_of", key))

    def cash(self, bucket: int) -> int:
        head = self.word(at.BUCKET | bucket)
        return at.unpack(at.BUCKET_WORD, head)["raw"] if head else 0

    def health(self, bucket: int) -> Any:
        """Equity, initial equity, maintenance, initial and what else the view gives."""
        house = self.contract("ClearingHouse")
        return self.client.call(house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)

    def refusal(self, client: FastClient, contract: str, function: str, *args: Any) -> int:
        """0, the code with which a transaction is refused, or REVERTED."""
        try:
            client.send(self.contract(contract), function, *args)
        except real.Refused as refused:
            return refused.code
        except real.ChainFault:
            return REVERTED
        return 0


class FastWorld(World):
    """The world of tests/contracts/venue.py on a chain of this kind."""

    make = FastClient

    def __init__(self, record_file: Path | None = None, chain: FastChain | None = None, **changes: Any) -> None:
        super().__init__(chain or FastChain(), KEY, record_file, **changes)

    def pass_time(self, seconds: int) -> None:
        self.w3.evm.set_time(self.w3.evm.now + seconds)
