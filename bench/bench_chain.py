"""Gas of the contracts, from receipts of a real chain (anvil); and how fast the contracts follow the engine.

Every figure is the `gasUsed` of a mined transaction. Run with anvil on the path, or ANVIL naming it; without it the
chain inside the process is used and says so. Writes bench/results/chain.json.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain import orders
from seawall.chain.client import Client, connect
from seawall.chain.deploy import ASSET_FEED, Deployer, begin, open_markets, sizes
from seawall.chain.development import Development
from seawall.chain.settings import AssetSettings, MarketSettings, Settings, TierSettings, example
from seawall.units import RATE_ONE

USD: Final = 10**6
KEY: Final = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first
MARKETS: Final = 8
BARS: Final = {
    "open 1": (110_000, 90_000),
    "increase 1": (110_000, 90_000),
    "open 8": (200_000, 165_000),
    "increase 8": (200_000, 165_000),
    "liquidation 8": (260_000, 200_000),
    "fill of 50": (45_000, 30_000),
}


@contextmanager
def chain() -> Iterator[tuple[Any, bool]]:
    """(connection, whether it is anvil)."""
    found = os.environ.get("ANVIL") or shutil.which("anvil")
    if not found:
        sys.stderr.write("no anvil: figures are of the chain inside the process\n")
        yield connect(None), False
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([found, "--port", str(port), "--silent"])
    try:
        time.sleep(0.5)
        yield connect(f"http://127.0.0.1:{port}"), True
    finally:
        process.terminate()
        process.wait()


def settings(token: str) -> Settings:
    """Markets of one sort, and a token of 18 decimals as collateral."""
    one = example(("M",)).markets[0]
    numbers = one.parameters | {"amm_depth": 10**8, "amm_cap": 5 * 10**7}
    markets = [
        MarketSettings(f"M{i}", 4, one.price_max, [TierSettings(0, 40, RATE_ONE // 80)], numbers, one.feed)
        for i in range(MARKETS)
    ]
    asset = AssetSettings(
        name="T",
        token=token,
        decimals=18,
        size_decimals=4,
        weight_initial=RATE_ONE * 8 // 10,
        weight_maintenance=RATE_ONE * 9 // 10,
        discount=RATE_ONE // 20,
        cap=10**9,
        hour_cap=10**9,
        feed=one.feed,
    )
    return msgspec.structs.replace(example(), markets=markets, assets=[asset], timelock_s=0, permit2="")


class Bench:
    def __init__(self, w3: Any, *, is_anvil: bool) -> None:
        key = KEY if is_anvil else (1).to_bytes(32, "big")
        self.client = Client(w3, key)
        self.token = self.client.create("TestToken", 18)["contractAddress"]
        record = Deployer(self.client, begin(self.client, settings(self.token)), None, lambda _: None).run()
        self.venue = Development(self.client, record, {"one": key})
        self.w3, self.gas = w3, {"deployment": record.gas}
        self.venue.report(dict.fromkeys(range(MARKETS), 1_000))
        open_markets(self.client, record, lambda _: None)
        self.venue.give(self.client.address, 10**15)
        self.venue.deposit(self.client, 10**14)
        for market in range(MARKETS):
            self.venue.fund_pool(self.client, market, "amm", 10**12)
            self.venue.fund_pool(self.client, market, "backstop", 10**11)
        self.exchange = record.addresses["Exchange"]
        self.record = record
        self.nonces = 0
        self.domain = bytes(self.client.call(self.venue.contract("Exchange"), "domain_separator"))

    def wallet(self, number: int, usd: int) -> Client:
        made = Client(self.w3, number.to_bytes(32, "big"))
        self.venue.give(made.address, usd * USD)
        self.gas.setdefault("deposit, first", int(self.venue.deposit(made, usd * USD)["gasUsed"]))
        return made

    def trade(self, wallet: Client, market: int, lots: int, *, buys: bool = True) -> int:
        limit = 110_000 if buys else 90_000
        contract = wallet.at("Exchange", self.exchange)
        return int(wallet.send(contract, "trade", 0, market, buys, lots, limit, False)["gasUsed"])

    def trading(self) -> None:
        """The pools hold something of every market already, as they do on a running venue."""
        other = self.wallet(2_000, 100_000)
        for market in range(MARKETS):
            self.trade(other, market, 5_000)
        wallet = self.wallet(2_001, 100_000)
        self.gas["open 1"] = self.trade(wallet, 0, 10_000)
        self.gas["increase 1"] = self.trade(wallet, 0, 10_000)
        for market in range(1, MARKETS - 1):
            self.trade(wallet, market, 10_000)
        self.gas["open 8"] = self.trade(wallet, MARKETS - 1, 10_000)
        self.gas["increase 8"] = self.trade(wallet, MARKETS - 1, 10_000)
        contract = wallet.at("CollateralVault", self.record.addresses["CollateralVault"])
        receipt = wallet.send(contract, "withdraw", 0, 1_000 * USD, wallet.address)
        self.gas["withdraw with 8 positions"] = int(receipt["gasUsed"])
        self.gas["claim"] = int(wallet.send(contract, "claim", 1)["gasUsed"])

    def borrowing(self) -> None:
        """Trades of an account that holds collateral, before it borrows and while it does; what interest costs."""
        self.venue.report(dict.fromkeys(range(MARKETS), 1_000) | {ASSET_FEED: 1_000})
        wallet, lots = self.wallet(2_010, 1_000), 100_000
        vault = wallet.at("CollateralVault", self.record.addresses["CollateralVault"])
        token = wallet.at("TestToken", self.token)
        self.client.send(self.client.at("TestToken", self.token), "mint", wallet.address, lots * 10**14)
        wallet.send(token, "approve", vault.address, lots * 10**14)
        account = at.account(wallet.address)
        self.gas["deposit of collateral, first"] = int(wallet.send(vault, "deposit_asset", 0, account, lots)["gasUsed"])
        self.trade(wallet, 0, 10_000)
        self.gas["increase 1, with collateral"] = self.trade(wallet, 0, 10_000)
        self.gas["withdraw into debt"] = int(wallet.send(vault, "withdraw", 0, 3_000 * USD, wallet.address)["gasUsed"])
        self.gas["increase 1, borrowing"] = self.trade(wallet, 0, 10_000)
        self.w3.provider.make_request("evm_increaseTime", [86_400])
        self.w3.provider.make_request("evm_mine", [])
        lending = self.client.at("Lending", self.record.addresses["Lending"])
        self.gas["charge of interest"] = int(self.client.send(lending, "charge", account)["gasUsed"])
        self.venue.report(dict.fromkeys(range(MARKETS), 1_000))

    def liquidating(self) -> None:
        """An account with 8 positions falls below maintenance; a keeper closes some of the largest. Then one deeper."""
        self.liquidation("liquidation 8", 2_002, Fraction(1))
        self.liquidation("liquidation 8, backstop", 2_004, Fraction(6, 10))

    def liquidation(self, name: str, number: int, share: Fraction) -> None:
        """One unit of work on an account whose equity is just below `share` of its maintenance."""
        wallet = self.wallet(number, 3_000)
        for market in range(MARKETS):
            self.trade(wallet, market, 60_000 + 1_000 * market)
        keeper = self.wallet(number + 1, 10)
        house, account = self.venue.contract("ClearingHouse"), at.account(wallet.address)
        step, price = Fraction(1), Fraction(975)
        while True:
            self.w3.provider.make_request("evm_increaseTime", [1])
            self.venue.report(dict.fromkeys(range(MARKETS), price))
            equity, _, maintenance, *_ = self.client.call(house, "health_after", account, at.NO_MARKET, 0, 0, 0, 0)
            if equity < share * maintenance:
                break
            if equity < share * maintenance + 600 * USD:
                step = Fraction(1, 20)
            price -= step
        contract = keeper.at("Liquidation", self.record.addresses["Liquidation"])
        receipt = keeper.send(contract, "liquidate", account)
        self.gas[name] = int(receipt["gasUsed"])
        self.gas[f"{name}, logs"] = len(receipt["logs"])
        self.venue.report(dict.fromkeys(range(MARKETS), 1_000))

    def signed(self, wallet: Client, number: int, nonce: int, *, buys: bool, lots: int) -> orders.SignedOrder:
        order = orders.Order(
            owner=wallet.address, market=0, buys=buys, lots=lots, price=100_000, nonce=nonce, expires=2**40
        )
        return orders.SignedOrder(order=order, signature=orders.sign(number.to_bytes(32, "big"), self.digest(order)))

    def digest(self, order: orders.Order) -> bytes:
        return orders.digest(self.domain, order)

    def settling(self) -> None:
        """50 fills: 10 takers, each against 5 resting orders of 10 makers; everybody has a position already."""
        makers = {3_000 + i: self.wallet(3_000 + i, 20_000) for i in range(10)}
        takers = {4_000 + i: self.wallet(4_000 + i, 20_000) for i in range(10)}
        self.nonces = 4
        for name in ("first batch of 50", "fill of 50"):
            receipt, fills = self.batch(makers, takers, 5)
            self.gas[name] = int(receipt["gasUsed"]) // fills
        receipt, fills = self.batch(makers, takers, 1)
        self.gas["fill of 10, all orders new"] = int(receipt["gasUsed"]) // fills

    def batch(self, makers: dict[int, Client], takers: dict[int, Client], each: int) -> tuple[Any, int]:
        signed, fills = [], []
        nonce = self.nonces
        for place, (number, wallet) in enumerate(takers.items()):
            signed.append(self.signed(wallet, number, nonce, buys=True, lots=100 * each))
            for k in range(each):
                maker = 3_000 + (place + k) % 10
                fills.append((len(signed) - 1, maker, 100))
                assert maker in makers
        resting: list[orders.SignedOrder] = []
        words = []
        taken: dict[int, int] = {}
        for taker, maker, lots in fills:
            count = taken.get(maker, 0)
            taken[maker] = count + 1
            resting.append(self.signed(makers[maker], maker, nonce + count, buys=False, lots=lots))
            words.append(orders.fill_word(taker, len(signed) + len(resting) - 1, lots, 100_000))
        self.nonces += each
        packed, proofs = orders.batch([*signed, *resting])
        contract = self.client.at("Exchange", self.exchange)
        assert self.client.call(contract, "settle", packed, words, proofs) == len(words)
        return self.client.send(contract, "settle", packed, words, proofs), len(words)


def main() -> None:
    with chain() as (w3, is_anvil):
        bench = Bench(w3, is_anvil=is_anvil)
        bench.trading()
        bench.settling()
        bench.borrowing()
        bench.liquidating()
    print(f"{'figure':<30}{'gas':>12}{'bar':>10}{'goal':>10}")
    for name, gas in bench.gas.items():
        bar = BARS.get(name)
        ends = f"{bar[0]:>10,}{bar[1]:>10,}  {gas / bar[0]:.2f} of the bar" if bar else ""
        print(f"{name:<30}{gas:>12,}{ends}")
    result = {"is_anvil": is_anvil, "gas": bench.gas, "bytes": sizes()}
    target = Path(__file__).resolve().parent / "results" / "chain.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
