"""A venue on a development chain: test money for anybody, prices signed by keys of this process. Not for real money."""

from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import TOKEN, token_of
from seawall.chain.reporter import Reporter
from seawall.units import BadInput

GAS_MONEY: Final = 10**18
COINS: Final = 10**19  # for a tester's gas


class Development(Reporter):
    """What a tester does on such a chain; `client` is the deployer, admin, operator and reporter."""

    def give(self, owner: str, amount: int) -> None:
        """Test money for a wallet, and coins for its gas. BadInput when the deployment's USD is a real token."""
        if TOKEN not in self.record.addresses:
            raise BadInput("usd", "this deployment has a token of its own: no test money")
        self.client.send(self.contract(TOKEN), "mint", owner, amount)
        if self.client.w3.eth.get_balance(owner) < GAS_MONEY:
            self.client.transact(owner, "0x", "coins for gas", GAS_MONEY)

    def deposit(self, wallet: Client, amount: int) -> Any:
        """A wallet approves and deposits micro-USD into its own account."""
        vault = self.record.addresses["CollateralVault"]
        wallet.send(wallet.at(TOKEN, self.record.addresses[TOKEN]), "approve", vault, amount)
        return wallet.send(wallet.at("CollateralVault", vault), "deposit", at.account(wallet.address), amount)

    def give_asset(self, owner: str, asset: int, lots: int) -> None:
        """Test collateral for a wallet. BadInput when the asset is a real token."""
        name = token_of(self.record.settings.assets[asset].name)
        if name not in self.record.addresses:
            raise BadInput("asset", f"{self.record.settings.assets[asset].name} is a token of its own: no test one")
        token = self.client.at(TOKEN, self.record.addresses[name])
        self.client.send(token, "mint", owner, lots * self.unit_of(asset))

    def unit_of(self, asset: int) -> int:
        """Of an asset's token in one lot."""
        terms = self.record.settings.assets[asset]
        return int(10 ** (terms.decimals - terms.size_decimals))

    def deposit_asset(self, wallet: Client, asset: int, lots: int) -> Any:
        """A wallet approves and deposits lots of a collateral asset, test token or real, into its own account."""
        from eth_utils.address import to_checksum_address

        vault = self.record.addresses["CollateralVault"]
        token = wallet.at(TOKEN, to_checksum_address(self.record.settings.assets[asset].token))
        wallet.send(token, "approve", vault, lots * self.unit_of(asset))
        account = at.account(wallet.address)
        return wallet.send(wallet.at("CollateralVault", vault), "deposit_asset", asset, account, lots)

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
