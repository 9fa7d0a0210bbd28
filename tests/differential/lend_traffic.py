"""Random steps of accounts that borrow USD against tokens: the engine, and Lending with the real vault, side by side.

Interest is a hundred times what a venue starts with, and little of all USD may be borrowed, so that the rate passes its
kink and the share its end within a few hundred steps. The engine sees negative equity by itself and closes
withdrawals, the chain when somebody calls its liquidation: here neither closes them.
"""

from typing import Final

from asset_traffic import ASSETS, INDEX, PRICE, AssetTraffic
from chain_twins import DEPLOYER, USD, owner_of

from seawall.chain import layout as at
from seawall.engine.collateral import asset_exit_fault
from seawall.engine.pools import worth
from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.ledger.health import equity_and_maintenance
from seawall.ledger.leaving import may_leave
from seawall.ledger.markets import BACKSTOP, pool_bucket
from seawall.ledger.valuation import keeping_price_of
from seawall.terms import code, command, event
from seawall.terms.venue_parameter import BORROW_RATE_MAX
from seawall.units import RATE_ONE

TERMS: Final = {
    "borrow_base": BORROW_RATE_MAX // 50,
    "borrow_kink": RATE_ONE // 150,
    "borrow_kink_rate": BORROW_RATE_MAX // 4,
    "borrow_full_rate": BORROW_RATE_MAX,
    "borrow_most": RATE_ONE // 75,
    "gate_closed_ms": 0,
}


class LendTraffic(AssetTraffic):
    """A world of accounts that take cash out against their collateral, for as long as there is any to lend."""

    def __init__(self, seed: int, **policy: int) -> None:
        super().__init__(seed, **TERMS | policy)
        self.payouts: list[tuple[int, int]] = []  # (the engine's id, the vault's number) of what is not paid yet

    def step(self) -> None:
        if self.rng.random() < 0.6:
            super().step()
            return
        self.steps += 1
        acts = [self.withdraw_some, self.withdraw_some, self.take_most, self.pay_some, self.repay_some, self.wait]
        self.rng.choice([*acts, self.wait, self.crash, self.buy_some, self.buy_some, self.charge_nothing])()
        self.liquidate_all()
        if self.steps % 8 == 0:
            self.compare()

    def engine(self, **fields: int) -> Applied:
        """The sweep that charges interest reaches 128 holdings a TICK: here it mostly comes to none."""
        if fields["kind"] != command.TICK or not hasattr(self, "payouts") or self.rng.random() < 0.1:
            return super().engine(**fields)
        cell = self.columns["cell"]
        used, cell[state.HOLDINGS_USED] = int(cell[state.HOLDINGS_USED]), 0
        done = super().engine(**fields)
        cell[state.HOLDINGS_USED] = used
        return done

    def wait(self) -> None:
        self.pass_time(self.rng.choice((1_000, 7_000, 600_000, 3_600_000, 43_200_000)))

    def crash(self) -> None:
        """What backs the debts falls, at times below them, before anybody is liquidated."""
        for _ in range(self.rng.randint(1, 12)):
            price = int(self.columns["market_oracle"][INDEX]) * 95 // 100
            self.pass_time(1_000)
            self.price(INDEX, price if price > PRICE // 8 else PRICE)

    def withdraw_some(self) -> None:
        """All that may leave, one more, less; what leaves waits to be paid."""
        account = self.anybody()
        if not self.may_act(account, 0):
            return
        leaves = int(may_leave(self.kernels(), account)) if account else 0
        amount = self.rng.choice((leaves, leaves, leaves + 1, leaves // 2, 20 * USD))
        address = {"address_0": 0, "address_1": 1, "address_2": 100 + account}
        fields = {"account": account, "amount": amount, **address}
        done = self.do(kind=command.WITHDRAW, signer=account, **fields)
        found = self.as_owner(account, "withdraw", 0, amount, owner_of(account))
        self.same("withdraw", int(done.codes[0]), found, **fields)
        if found == code.OK:
            self.payouts.append((int(done.made[0]), self.chain.evm.view(self.vault, "withdrawal_serial")))

    def take_most(self) -> None:
        """Lots at the edge of what may leave: all that may, and one more before."""
        account, asset, s = self.anybody(), self.rng.choice(list(ASSETS)), self.kernels()
        held = self.lots(account, asset)
        if not held or not self.may_act(account, 0):
            return
        most, over = 0, held + 1
        while over - most > 1:
            middle = (most + over) // 2
            fits = asset_exit_fault(s, account, asset, middle) == code.OK
            most, over = (middle, over) if fits else (most, middle)
        self.take_out(account, asset, over)
        if most:
            self.take_out(account, asset, most)

    def pay_some(self) -> None:
        if self.payouts:
            identity, number = self.payouts.pop(self.rng.randrange(len(self.payouts)))
            self.finish(identity)
            self.chain.evm.send(self.vault, "claim", number)

    def repay_some(self) -> None:
        self.deposit(self.anybody(), self.rng.choice((1, 10 * USD, 2_000 * USD, 50_000 * USD)))

    def charge_nothing(self) -> None:
        """Calls of anybody that change no figure: what is so already is noted again."""
        evm, lending = self.chain.evm, self.chain.lending
        evm.send(lending, "refresh")
        evm.send(lending, "renew", self.account_id(self.anybody()))

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        paid = [row for row in rows if row["kind"] == event.DEFICIT and row["other"] == event.INTEREST]
        self.codes[("reserve pays", code.OK)] += len(paid)
        super().liquidate(bucket_id, rows)
        for row in rows:
            if row["kind"] == event.ADL and self.columns["bucket_first"][row["other"]] == 0:
                equity, _ = equity_and_maintenance(self.kernels(), row["other"])
                is_covered = not (equity < 0 and self.columns["bucket_holding"][row["other"]])
                self.codes[("debtor waits for its sale", int(is_covered))] += 1


class VaultTraffic(LendTraffic):
    """The backstop vault of the market that prices every token buys them of liquidations; anybody buys of it."""

    def __init__(self, seed: int, **policy: int) -> None:
        super().__init__(seed, **policy)
        self.add_to_pool(INDEX, command.BACKSTOP, at.BACKSTOP, 60_000 * USD)
        for asset in ASSETS:
            self.chain.evm.send(self.vault, "set_buyer", asset, 1 + INDEX)
        self.pools = self.chain.evm.deploy("Pools", self.chain.house.address, DEPLOYER)
        self.pool = pool_bucket(self.kernels(), INDEX, BACKSTOP)
        self.compare()

    def step(self) -> None:
        if self.rng.random() < 0.9:
            super().step()
            return
        self.steps += 1
        self.rng.choice((self.crash, self.buy_from_vault))()
        self.liquidate_all()

    def buy_from_vault(self) -> None:
        """All that it has of a token, or a lot more, at the price itself."""
        asset, buyer = self.rng.choice(list(ASSETS)), self.rng.choice((0, self.anybody()))
        held = self.lots(self.pool, asset)
        if not held or not self.may_act(buyer, 0):
            return
        lots, price = self.rng.choice((held, held, held + 1)), int(keeping_price_of(self.kernels(), asset))
        fields = {"account": buyer, "other": asset, "size": lots, "price": price, "reference": self.pool}
        done = self.do(kind=command.BUY_ASSET, signer=buyer, **fields)
        found = self.as_owner(buyer, "buy_collateral", self.bucket_id(self.pool), asset, lots, 0, lots * price)
        said = code.NOT_FOR_SALE if found in (code.BAD_SIZE, code.NOT_DUE) else found
        self.same("buy of the vault", int(done.codes[0]), said, **fields)

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        self.codes[("sold to the vault", code.OK)] += sum(row["kind"] == event.ASSET_SOLD for row in rows)
        super().liquidate(bucket_id, rows)

    def compare_collateral(self) -> None:
        super().compare_collateral()
        if not hasattr(self, "pool"):
            return
        bucket = self.bucket_id(self.pool)
        for asset in ASSETS:
            self.equal(f"lots {asset} of the vault", self.lots(self.pool, asset), "held", bucket, asset)
        low, high = (int(part) for part in worth(self.kernels(), self.pool, INDEX))
        found = self.chain.evm.view(self.pools, "worth_of", bucket)[:2]
        assert tuple(found) == (low, high), f"step {self.steps}: vault {found}, engine {low, high}"
