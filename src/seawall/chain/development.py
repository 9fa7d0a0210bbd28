"""A venue on a development chain: test money for anybody, prices signed by keys of this process. Not for real money."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain import orders
from seawall.chain.client import Client
from seawall.chain.deploy import TOKEN, Deployment
from seawall.units import BadInput

FEED_ONE: Final = 10**18
GAS_MONEY: Final = 10**18


class Development:
    """What a tester does on such a chain; `client` is the deployer, admin, operator and reporter."""

    def __init__(self, client: Client, record: Deployment, reporters: Mapping[str, bytes]) -> None:
        """`reporters` are the keys that sign prices. BadInput when the deployment's USD is a real token."""
        if TOKEN not in record.addresses:
            raise BadInput("usd", "this deployment has a token of its own: no test money")
        self.client, self.record, self.reporters = client, record, dict(reporters)
        self.domain = bytes(client.call(self.contract("SignedOracle"), "domain_separator"))

    def contract(self, name: str) -> Any:
        return self.client.at(name, self.record.addresses[name])

    def now_ms(self) -> int:
        """The time of the latest block."""
        return int(self.client.w3.eth.get_block("latest")["timestamp"]) * 1000

    def report(self, prices: Mapping[int, Fraction | int], time: int | None = None) -> list[int]:
        """Signs prices (USD a unit, by market), submits them and brings the hub up to date; a status a market."""
        numbers = sorted(prices)
        feeds = [self.record.feed_id(number) for number in numbers]
        said = [int(Fraction(prices[number]) * FEED_ONE) for number in numbers]
        stamp = self.now_ms() if time is None else time
        reports = []
        for key in self.reporters.values():
            digest = orders.report_digest(self.domain, stamp, feeds, said)
            reports.append((stamp, said, orders.sign(key, digest)))
        self.client.send(self.contract("SignedOracle"), "submit", feeds, reports)
        statuses = self.client.call(self.contract("OracleHub"), "update", numbers)
        self.client.send(self.contract("OracleHub"), "update", numbers)
        return [int(status) for status in statuses]

    def give(self, owner: str, amount: int) -> None:
        """Test money for a wallet, and coins for its gas."""
        self.client.send(self.contract(TOKEN), "mint", owner, amount)
        if self.client.w3.eth.get_balance(owner) < GAS_MONEY:
            self.client.transact(owner, "0x", "coins for gas", GAS_MONEY)

    def deposit(self, wallet: Client, amount: int) -> Any:
        """A wallet approves and deposits micro-USD into its own account."""
        vault = self.record.addresses["CollateralVault"]
        wallet.send(wallet.at(TOKEN, self.record.addresses[TOKEN]), "approve", vault, amount)
        return wallet.send(wallet.at("CollateralVault", vault), "deposit", at.account(wallet.address), amount)

    def fund_pool(self, wallet: Client, market: int, letters: str, amount: int) -> Any:
        """A wallet's account joins a pool: `amm` or `backstop`."""
        name = f"PoolShares {market} {letters}"
        return wallet.send(wallet.at("PoolShares", self.record.addresses[name]), "join", 0, amount)
