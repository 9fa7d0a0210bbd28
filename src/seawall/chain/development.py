"""A venue on a development chain: test money for anybody, prices signed by keys of this process. Not for real money."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import TOKEN, Deployment
from seawall.chain.reporter import Reporter
from seawall.units import BadInput

GAS_MONEY: Final = 10**18
COINS: Final = 10**19  # for a tester's gas


class Development(Reporter):
    """What a tester does on such a chain; `client` is the deployer, admin, operator and reporter."""

    def __init__(self, client: Client, record: Deployment, reporters: Mapping[str, bytes]) -> None:
        """`reporters` are the keys that sign prices. BadInput when the deployment's USD is a real token."""
        if TOKEN not in record.addresses:
            raise BadInput("usd", "this deployment has a token of its own: no test money")
        super().__init__(client, record, reporters)

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


def lenders(client: Client) -> list[str]:
    """Accounts that the chain itself signs for: only a development chain has any."""
    return [str(address) for address in client.ask(lambda: client.w3.eth.accounts)]


def lend(client: Client, address: str, coins: int = COINS) -> None:
    """Coins for gas from an account of a development chain, unless the address has some. BadInput on other chains."""
    if int(client.ask(lambda: client.w3.eth.get_balance(address))) >= coins // 2:
        return
    found = lenders(client)
    if not found:
        raise BadInput("chain", f"{address} has no coins for gas")
    fields = {"from": found[0], "to": address, "value": coins}
    client.receipt(client.ask(lambda: client.w3.eth.send_transaction(fields)))
