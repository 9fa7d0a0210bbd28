"""A deployed venue for tests, on a chain inside the process or on anvil, with wallets that trade."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import npm
import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")

from seawall.chain import layout as at
from seawall.chain.client import Client, connect
from seawall.chain.deploy import Deployer, begin, open_markets
from seawall.chain.development import Development
from seawall.chain.settings import Settings, example

USD = 10**6
ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
TESTER_KEY = (1).to_bytes(32, "big")


@contextmanager
def anvil(*options: str) -> Iterator[str]:
    """The address of an anvil of its own. Skips where there is none."""
    found = os.environ.get("ANVIL") or shutil.which("anvil") or npm.anvil()
    if not found:
        pytest.skip(f"no anvil: {npm.install()}; ANVIL names one that is installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([found, "--port", str(port), "--silent", *options])
    try:
        connect(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def settings(**changes: Any) -> Settings:
    return msgspec.structs.replace(example(), timelock_s=0, permit2="", **changes)


class World:
    """The deployer is admin, operator, reporter and first liquidity provider."""

    make: Callable[..., Client] = Client

    def __init__(self, w3: Any, key: bytes, record_file: Path | None = None, **changes: Any) -> None:
        self.w3, self.client = w3, self.make(w3, key)
        record = begin(self.client, settings(**changes))
        self.record = Deployer(self.client, record, record_file, lambda _: None).run()
        self.venue = Development(self.client, self.record, {"one": key})
        self.price(1_000, 100)
        open_markets(self.client, self.record, lambda _: None)
        self.venue.give(self.client.address, 10**15)
        self.venue.deposit(self.client, 10**14)
        for market in range(2):
            self.venue.fund_pool(self.client, market, "amm", 10**12)
            self.venue.fund_pool(self.client, market, "backstop", 10**11)
        self.wallets = 0

    def price(self, *prices: float) -> list[int]:
        return self.venue.report({market: int(price) for market, price in enumerate(prices)})

    def contract(self, name: str, client: Client | None = None) -> Any:
        return (client or self.client).at(name, self.record.addresses[name])

    def wallet(self, usd: int) -> Client:
        """A new wallet with money in its account; without any it has no account yet."""
        self.wallets += 1
        made = self.make(self.w3, (7_000 + self.wallets).to_bytes(32, "big"))
        self.venue.give(made.address, usd * USD)
        if usd:
            self.venue.deposit(made, usd * USD)
        return made

    def trade(self, wallet: Client, market: int, lots: int, *, buys: bool = True) -> Any:
        index = at.unpack(at.PRICE_WORD, self.word(at.market_key(at.PRICE, market)))["price"]
        limit = index * 11 // 10 if buys else index * 9 // 10
        return wallet.send(self.contract("Exchange", wallet), "trade", 0, market, buys, lots, limit, False)

    def word(self, key: int) -> int:
        return int(self.client.call(self.contract("ClearingHouse"), "word_of", key))

    def health(self, wallet: Client) -> tuple[int, int]:
        args = (at.account(wallet.address), at.NO_MARKET, 0, 0, 0, 0)
        found = self.client.call(self.contract("ClearingHouse"), "health_after", *args)
        return int(found[0]), int(found[2])

    def pass_time(self, seconds: int) -> None:
        """A block so much later."""
        backend = getattr(self.w3.provider, "ethereum_tester", None)
        if backend is not None:
            backend.time_travel(self.w3.eth.get_block("latest")["timestamp"] + seconds)
            backend.mine_block()
        else:
            self.w3.provider.make_request("evm_increaseTime", [seconds])
            self.w3.provider.make_request("evm_mine", [])


__all__ = ["ANVIL_KEY", "TESTER_KEY", "USD", "World", "anvil", "connect", "time"]
