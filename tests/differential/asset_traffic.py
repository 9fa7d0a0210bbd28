"""Random steps of accounts that hold collateral tokens: the engine, and the real vault and appraiser, side by side.

Three assets, priced by a market that nobody trades, so that no backstop vault buys them: one whose initial weight
shrinks with what is held, one that can be redeemed (for what market 1 says), one that is worth USD by design. Prices of
everything are told again whenever time passes, which is when the engine moves its stable prices.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyrevm
from chain_traffic import Traffic
from chain_twins import DEPLOYER, owner_of
from evm import Contract

from seawall.chain import layout as at
from seawall.chain.artifacts import artifact
from seawall.chain.settings import NOBODY
from seawall.ledger import state
from seawall.ledger.buckets import interest_of
from seawall.ledger.health import measure
from seawall.ledger.leaving import may_leave
from seawall.ledger.state import for_kernels
from seawall.ledger.valuation import counted_worth, kept_worth, sale_price
from seawall.liquidation.partial import NO_LIQUIDITY, UNSOLD
from seawall.liquidation.selling import lots_for_sale, rank_of
from seawall.terms import asset_parameter, code, command, event
from seawall.terms.asset_parameter import STABLE, TOKEN
from seawall.units import RATE_ONE

USD = 10**6
INDEX, PAR = 3, 1  # the market that prices every asset, and the redemption value of one
PRICE = 3 * USD
UNIT = 10**14
FOREVER = 2**53
REDEMPTION = 2**16
SHRINKING, REDEEMABLE, DOLLAR = range(3)
ASSETS: dict[int, dict[str, int]] = {
    SHRINKING: {"kind": TOKEN, "initial": 75, "maintenance": 85, "start": 50_000},
    REDEEMABLE: {"kind": TOKEN, "initial": 80, "maintenance": 90, "redeemed": 1 + PAR, "least": 97},
    DOLLAR: {"kind": STABLE, "initial": 70, "maintenance": 80},
}
CAP = 400_000
FREE = {  # what the contracts do not have: limits of withdrawals in USD of tokens
    "withdrawal_hour_base": FOREVER,
    "withdrawal_day_base": FOREVER,
}


def rate(percent: int) -> int:
    return RATE_ONE * percent // 100


class AssetTraffic(Traffic):
    """A world of accounts with collateral. The vault and the appraiser are contracts in the places of their puppets."""

    lp = NOBODY  # the contract that holds LP positions

    def __init__(self, seed: int, **policy: int) -> None:
        super().__init__(seed, **FREE, **policy)
        self.list_market(INDEX)
        self.sync_policy()
        self.hub = self.chain.evm.deploy("PaperHub")
        token = self.chain.evm.deploy("TestToken", 18)
        house, vault = self.chain.house.address, self.chain.modules["vault"]
        self.dollars = token
        ends = (self.lp, DEPLOYER, DEPLOYER, NOBODY, token.address, 0, 0, 0)
        self.vault = self.place("CollateralVault", "vault", house, self.hub.address, self.chain.exchange.address, *ends)
        self.place("Appraiser", "appraiser", house, vault, self.lp, DEPLOYER)
        self.chain.evm.send(token, "mint", vault, int(self.columns["cell"][state.VAULT]) * 10**12)
        self.price(INDEX, PRICE)
        self.price(PAR, PRICE)
        self.tokens = [self.list_asset(asset, **terms) for asset, terms in ASSETS.items()]
        for asset in ASSETS:
            self.step_stable(asset)
        for account in range(self.accounts):
            for token in (*self.tokens, self.dollars):
                self.chain.evm.send(token, "mint", owner_of(account), 10**40)
                self.chain.evm.send(token, "approve", vault, 2**255, sender=owner_of(account))
        for account in range(1, self.accounts):
            self.put_in(account, account % 3, self.rng.randrange(10_000, 60_000))
        self.compare()

    def place(self, name: str, module: str, *args: Any) -> Contract:
        """A contract at the address of the puppet that has played the module so far."""
        evm, address = self.chain.evm, self.chain.modules[module]
        made = evm.deploy(name, *args)
        runtime = bytes(evm.evm.get_code(made.address))
        evm.evm.insert_account_info(address, pyrevm.AccountInfo(code=runtime))
        return Contract(artifact(name), address)

    def list_asset(
        self,
        asset: int,
        *,
        kind: int,
        initial: int,
        maintenance: int,
        start: int = 0,
        redeemed: int = 0,
        least: int = 0,
    ) -> Contract:
        fields = {"market": INDEX, "other": asset, "size": redeemed, "flags": kind}
        self.engine(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
        for number, value in (
            (asset_parameter.WEIGHT_MAINTENANCE, rate(maintenance)),
            (asset_parameter.WEIGHT_INITIAL, rate(initial)),
            (asset_parameter.SUPPLY_START, start),
            (asset_parameter.SUPPLY_CAP, CAP),
            (asset_parameter.ACCOUNT_CAP, FOREVER),
            (asset_parameter.REDEMPTION_FLOOR, rate(least)),
        ):
            self.engine(kind=command.SET_ASSET, signer=command.ADMIN, other=asset, reference=number, price=value)
        param = self.columns["asset_param"][asset]
        token = self.chain.evm.deploy("TestToken", 18)
        weights = (rate(initial), rate(maintenance), int(param[asset_parameter.DISCOUNT]), start)
        ends = (CAP, FOREVER, int(param[asset_parameter.STABLE_SPEED]))
        self.chain.evm.send(self.vault, "set_asset", asset, token.address, UNIT, *weights, *ends)
        band, most = int(param[asset_parameter.PEG_BAND]), int(self.columns["market_price_max"][INDEX])
        sort = (kind == STABLE, redeemed != 0, rate(least), band, most)
        self.chain.evm.send(self.vault, "set_sort", asset, *sort)
        return token

    # -- prices

    def sync_price(self, market: int) -> None:
        super().sync_price(market)
        if not hasattr(self, "hub"):
            return
        c = self.columns
        said = (int(c["market_oracle"][market]), int(c["market_oracle_time"][market]), bool(c["market_fresh"][market]))
        for asset, terms in ASSETS.items():
            if market == INDEX:
                self.chain.evm.send(self.hub, "say", asset, *said)
            if terms.get("redeemed", 0) == 1 + market:
                self.chain.evm.send(self.hub, "say", REDEMPTION + asset, *said)

    def price(self, market: int, price: int) -> None:
        """In steps that the oracle takes: an asset without a fresh price holds the rest back in the engine alone."""
        here = int(self.columns["market_oracle"][market])
        while market in (INDEX, PAR) and 0 < here * 3 // 2 < price:
            here = here * 3 // 2
            self.price(market, here)
            self.pass_time(1_000)
        super().price(market, price)
        if market == INDEX and hasattr(self, "tokens"):
            for asset in ASSETS:
                self.step_stable(asset)

    def step_stable(self, asset: int) -> None:
        self.chain.evm.send(self.vault, "move_stable", asset)

    def pass_time(self, ms: int) -> None:
        """The engine's sweep charges interest as the clock goes on; here somebody does."""
        super().pass_time(ms)
        for row in self.told.of_kind(event.INTEREST):
            self.chain.evm.send(self.chain.lending, "charge", self.bucket_id(row["bucket"]))
        if hasattr(self, "hub"):
            for market in range(1 + INDEX):
                self.price(market, int(self.columns["market_oracle"][market]))

    def move_index(self) -> None:
        """What prices the collateral moves, by itself or after the redemption value."""
        here = int(self.columns["market_oracle"][INDEX])
        par = int(self.columns["market_oracle"][PAR])
        swing = self.rng.choice((0.002, 0.01, 0.05))
        moved = par if self.rng.random() < 0.2 else max(1, round(here * (1 + self.rng.gauss(0, swing))))
        self.pass_time(1_000)
        self.price(INDEX, moved if PRICE // 8 < moved < PRICE * 8 else PRICE)

    # -- steps

    def step(self) -> None:
        self.steps += 1
        draw = self.rng.random()
        if draw < 0.16:
            self.move_price()
        elif draw < 0.28:
            self.move_index()
        elif draw < 0.30:
            self.pass_time(self.rng.choice((1_000, 60_000, 3_600_000)))
            self.fund()
        elif draw < 0.55:
            self.trade()
        elif draw < 0.65:
            self.pair()
        elif draw < 0.80:
            self.rng.choice((self.put_some, self.take_some))()
        elif draw < 0.87:
            self.buy_some()
        else:
            self.rng.choice(
                (self.move_cash, self.move_cash, self.choose_leverage, self.move_between, self.add_margin)
            )()
        self.liquidate_all()
        if self.steps % 8 == 0:
            self.compare()

    def deposit(self, account: int, amount: int) -> None:
        """Through the vault, once it is there."""
        if not hasattr(self, "vault"):
            super().deposit(account, amount)
            return
        self.deposits += 1
        fields = {"account": account, "amount": amount, "reference": self.deposits}
        self.engine(kind=command.DEPOSIT, signer=command.BRIDGE, **fields)
        assert self.as_owner(account, "deposit", self.account_id(account), amount) == 0

    def put_some(self) -> None:
        self.put_in(self.anybody(), self.rng.choice(list(ASSETS)), self.rng.choice((1, 900, 20_000, 90_000, CAP + 1)))

    def put_in(self, account: int, asset: int, lots: int) -> None:
        """A deposit. What the engine sends back is refused by the vault."""
        self.deposits += 1
        fields = {"account": account, "other": asset, "size": lots, "reference": self.deposits}
        back = int(self.engine(kind=command.DEPOSIT_ASSET, signer=command.BRIDGE, **fields).made[0])
        self.finish(back)
        found = self.as_owner(account, "deposit_asset", asset, self.account_id(account), lots)
        self.same("put", code.BAD_AMOUNT if back else 0, found, **fields)

    def finish(self, identity: int) -> None:
        if identity:
            self.engine(kind=command.FINISH_WITHDRAWAL, signer=command.BRIDGE, reference=identity)

    def as_owner(self, account: int, function: str, *args: Any) -> int:
        return self.chain.evm.code(self.vault, function, *args, sender=owner_of(account))

    def take_some(self) -> None:
        account, asset = self.anybody(), self.rng.choice(list(ASSETS))
        if not self.may_act(account, 0):
            return
        held = self.lots(account, asset)
        self.take_out(account, asset, max(1, self.rng.choice((held, held + 1, held // 2, held // 10, 1))))

    def take_out(self, account: int, asset: int, lots: int) -> None:
        address = {"address_0": 0, "address_1": 1, "address_2": 100 + account}
        fields = {"account": account, "other": asset, "size": lots, **address}
        done = self.do(kind=command.WITHDRAW_ASSET, signer=account, **fields)
        if done.codes[0] == code.WITHDRAWALS_CLOSED:
            return  # the engine sees negative equity by itself, the chain when somebody calls its liquidation
        if done.codes[0] == code.OK:
            self.finish(int(done.made[0]))
        found = self.as_owner(account, "withdraw_asset", asset, 0, lots, owner_of(account))
        self.same("take", int(done.codes[0]), found, **fields)

    def buy_some(self) -> None:
        """Somebody buys of an account in liquidation what comes first: as much as there is, a lot more, or less."""
        c = self.columns
        sellers = [a for a in range(self.accounts) if c["bucket_liquidating"][a] and c["bucket_holding"][a]]
        buyer = self.rng.choice((0, self.anybody()))
        if not sellers or buyer in sellers or not self.may_act(buyer, 0):
            return
        seller, s = self.rng.choice(sellers), self.kernels()
        rows = [row for row in self.rows_of(seller) if int(c["holding_asset"][row]) in ASSETS]
        if not rows:
            return
        rows.sort(key=lambda row: (-rank_of(s, row), int(c["holding_asset"][row])))
        asset, most = int(c["holding_asset"][rows[0]]), int(lots_for_sale(s, seller, rows[0]))
        lots = max(1, self.rng.choice((most, most, most + 1, most // 2)))
        price = int(sale_price(s, asset))
        fields = {"account": buyer, "other": asset, "size": lots, "price": price, "reference": seller}
        done = self.do(kind=command.BUY_ASSET, signer=buyer, **fields)
        args = (self.account_id(seller), asset, lots, 0, lots * price)
        found = self.as_owner(buyer, "buy_collateral", *args)
        self.same("buy", int(done.codes[0]), code.NOT_FOR_SALE if found == code.BAD_SIZE else found, **fields)

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        """The chain has one word for nobody being there, for a position and for collateral."""
        said = [row | {"amount": NO_LIQUIDITY if row["amount"] == UNSOLD else row["amount"]} for row in rows]
        super().liquidate(bucket_id, said)

    # -- comparing

    def kernels(self) -> Any:
        return for_kernels(self.venue.array)[0]

    def rows_of(self, bucket: int) -> list[int]:
        found, row = [], int(self.columns["bucket_holding"][bucket])
        while row:
            found.append(row)
            row = int(self.columns["holding_next"][row])
        return found

    def lots(self, bucket: int, asset: int) -> int:
        rows = [row for row in self.rows_of(bucket) if self.columns["holding_asset"][row] == asset]
        return int(self.columns["holding_lots"][rows[0]]) if rows else 0

    def compare(self, buckets: list[int] | None = None) -> None:
        super().compare(buckets)
        if buckets is None and hasattr(self, "tokens"):
            self.compare_collateral()

    def compare_collateral(self) -> None:
        """Lots, values, health and what may leave of every account; totals, and the tokens behind them."""
        evm, s = self.chain.evm, self.kernels()
        for account in range(self.accounts):
            bucket = self.account_id(account)
            for asset in ASSETS:
                self.equal(f"lots {asset} of {account}", self.lots(account, asset), "held", bucket, asset)
            values = (int(counted_worth(s, account)), int(kept_worth(s, account)))
            self.equal(f"worth of {account}", values, "worth", bucket)
            equity, initial, maintenance, required, _, notional, _ = (int(part) for part in measure(s, account))
            found = evm.view(self.chain.house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)
            assert tuple(found[:5]) == (equity, initial, maintenance, required, notional), f"health of {account}"
            leaves = evm.view(self.chain.house, "cash_of", bucket, at.NO_MARKET)[3]
            assert leaves == int(may_leave(s, account)), f"account {account} may take {leaves}"
        self.compare_lending()
        for asset, token in enumerate(self.tokens):
            total = int(self.columns["asset_total"][asset])
            assert evm.view(self.vault, "assets", asset)[8] == total, f"total of {asset}"
            assert evm.view(token, "balanceOf", self.vault.address) == total * UNIT, f"tokens of {asset}"

    def compare_lending(self) -> None:
        """What is in the vault and lent, the index, what every account owes and the reserve."""
        c, evm = self.columns, self.chain.evm
        cell = c["cell"]
        money = at.unpack(at.MONEY_WORD, self.chain.words([at.VENUE | at.MONEY])[0])
        assert (money["vault"], money["pending"]) == (cell[state.VAULT], cell[state.PENDING])
        index, residue, _, borrowed = evm.view(self.chain.lending, "lent")
        told = (int(cell[state.BORROW_INDEX]), int(cell[state.BORROW_RESIDUE]), int(cell[state.BORROWED]))
        assert (index, residue, borrowed) == told, f"step {self.steps}: lent {index, residue, borrowed}, engine {told}"
        for account in range(self.accounts):
            bucket, row = self.account_id(account), int(c["bucket_holding"][account])
            owed = (int(c["holding_debt"][row]), int(interest_of(self.kernels(), account))) if row else (0, 0)
            found = tuple(evm.view(self.chain.lending, name, bucket) for name in ("debt_of", "interest_of"))
            assert found == owed, f"step {self.steps}: account {account} owes {found}, engine {owed}"
        assert evm.view(self.chain.lending, "reserve") == cell[state.RESERVE], f"step {self.steps}: reserve"

    def equal(self, what: str, expected: Any, function: str, *args: Any) -> None:
        found = self.chain.evm.view(self.vault, function, *args)
        assert found == expected, f"step {self.steps}, {what}: chain {found}, engine {expected}"
