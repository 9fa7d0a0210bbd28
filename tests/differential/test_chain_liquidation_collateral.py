"""Liquidation of accounts whose equity is partly collateral, and of accounts in portfolio margin, beside the engine.

The engine's accounts hold cash alone. On the chain a part of each account's cash is collateral of the same worth, so
every unit of liquidation work must close the same lots at the same prices, fees and claims. Some accounts are opted in
to portfolio margin just before they are liquidated: nothing may happen to them until that has been ended, which anybody
may do once its own maintenance is not met.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyrevm
from chain_traffic import PRICES, Traffic
from chain_twins import DEPLOYER
from evm import Contract

from seawall.chain import layout as at
from seawall.chain.artifacts import artifact
from seawall.chain.settings import NOBODY
from seawall.ledger import state
from seawall.terms import code, command, event
from seawall.units import RATE_ONE

USD = 10**6
PORTFOLIO = 1 << 199
ASSET = 1 << 203  # the first bit of a bucket's assets
FREE = {"borrow_most": RATE_ONE, "borrow_kink_rate": 0, "borrow_full_rate": 0}  # the engine's accounts borrow nothing


class Collateral(Traffic):
    """A world whose accounts hold collateral on the chain where the engine's hold cash."""

    def __init__(self, seed: int, **policy: int) -> None:
        super().__init__(seed, **FREE, **policy)
        self.worth: dict[int, int] = {}
        for account in range(self.accounts):
            self.as_module("vault", "put", at.BUCKET | self.account_id(account), ASSET, ASSET)
        self.paper = self.place("PaperVault", "vault")
        house, vault = self.chain.house.address, self.chain.modules["vault"]
        self.place("Appraiser", "appraiser", house, vault, NOBODY, DEPLOYER)
        self.set_grid()
        for account in range(1, self.accounts):
            self.pledge(account, self.rng.randrange(100 * USD, 990 * USD))

    def place(self, name: str, module: str, *args: Any) -> Contract:
        """A contract at the address of the puppet that has played the module so far."""
        evm, address = self.chain.evm, self.chain.modules[module]
        made = evm.deploy(name, *args)
        runtime = bytes(evm.evm.get_code(made.address))
        evm.evm.insert_account_info(address, pyrevm.AccountInfo(code=runtime))
        return Contract(artifact(name), address)

    def set_grid(self) -> None:
        """Shocks that ask for less than the tiers of some accounts and for more than those of others."""
        evm, appraiser = self.chain.evm, self.chain.evm.contracts["Appraiser"]
        appraiser = Contract(artifact("Appraiser"), self.chain.modules["appraiser"])
        shocks = [(RATE_ONE // 80, RATE_ONE // 2), (-RATE_ONE // 80, RATE_ONE // 2)]
        evm.send(appraiser, "set_grid", 1, RATE_ONE * 11 // 10, shocks, [RATE_ONE])
        for market in range(len(PRICES)):
            row = (RATE_ONE, RATE_ONE // 200, RATE_ONE // 400, RATE_ONE // 1_000, 10**15, 0)
            evm.send(appraiser, "set_risk", market, row)
        self.appraiser = appraiser

    def pledge(self, account: int, worth: int) -> None:
        """Cash becomes collateral; the cash itself goes to account 0, which then has as much less than nothing."""
        bucket, bank = self.account_id(account), self.account_id(0)
        self.as_module("pools", "claim", 0, bucket, -worth, False)
        self.as_module("pools", "claim", 0, bank, worth, False)
        for one, amount in ((bucket, worth), (bank, -worth)):
            self.worth[one] = self.worth.get(one, 0) + amount
            self.chain.evm.send(self.paper, "set_worth", one, self.worth[one])

    def deposit(self, account: int, amount: int) -> None:
        """The vault is a contract here and calls nobody by itself."""
        if not hasattr(self, "paper"):
            super().deposit(account, amount)
            return
        self.deposits += 1
        fields = {"account": account, "amount": amount, "reference": self.deposits}
        self.engine(kind=command.DEPOSIT, signer=command.BRIDGE, **fields)
        self.as_module("pools", "credit", self.account_id(account), amount)

    def found_bucket(self, bucket_id: int) -> dict[str, Any]:
        found = super().found_bucket(bucket_id)
        return found | {"raw": found["raw"] + getattr(self, "worth", {}).get(bucket_id, 0)}

    def step(self) -> None:
        self.steps += 1
        draw = self.rng.random()
        if draw < 0.3:
            self.move_price()
        elif draw < 0.34:
            self.pass_time(self.rng.choice((1_000, 60_000, 3_600_000)))
            self.fund()
        elif draw < 0.4:
            self.deposit(self.anybody(), self.rng.choice((1, 300 * USD)))
        elif draw < 0.8:
            self.trade()
        else:
            self.pair()
        self.liquidate_all()
        if self.steps % 8 == 0:
            self.compare()

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        if bucket_id in self.worth and self.rng.random() < 0.4:
            self.through_portfolio(bucket_id)
        super().liquidate(bucket_id, rows)

    def through_portfolio(self, bucket_id: int) -> None:
        """In portfolio margin the bucket is nobody's to liquidate, until that is ended as its own margin says."""
        evm = self.chain.evm
        self.opt(bucket_id, PORTFOLIO)
        for function, lists in (("liquidate", ()), ("liquidate_with", ([], []))):
            assert evm.code(self.chain.liquidation, function, bucket_id, *lists) == code.NOT_DUE
        maintenance = evm.view(self.appraiser, "portfolio", bucket_id)[4]
        equity = evm.view(self.chain.house, "health_after", bucket_id, at.NO_MARKET, 0, 0, 0, 0)[0]
        expected = code.NOT_DUE if equity >= maintenance else 0
        assert evm.code(self.chain.desk, "end_portfolio", bucket_id) == expected
        self.codes[("end of portfolio", expected)] += 1
        self.opt(bucket_id, 0)

    def opt(self, bucket_id: int, flag: int) -> None:
        """Writes the flag as the desk, which would refuse for an account in trouble: no contract while it does so."""
        evm, desk = self.chain.evm.evm, self.chain.modules["desk"]
        runtime = bytes(evm.get_code(desk))
        evm.insert_account_info(desk, pyrevm.AccountInfo(code=b""))
        self.chain.put("desk", at.BUCKET | bucket_id, PORTFOLIO, flag)
        evm.insert_account_info(desk, pyrevm.AccountInfo(code=runtime))


def play(seeds: range, steps: int) -> dict[tuple[str, int], int]:
    """Worlds under two policies in turn; what happened how often."""
    totals: dict[tuple[str, int], int] = {}
    for seed in seeds:
        world = Collateral(seed, **({} if seed % 2 else {"adl_policy": 0}))
        for _ in range(steps):
            world.step()
        world.compare()
        for key, count in world.codes.items():
            totals[key] = totals.get(key, 0) + count
    return totals


def test_the_same_lots_prices_and_fees() -> None:
    totals = play(range(7), 300)
    for kind in (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL):
        assert totals[("event", kind)] > 0
    for answer in (0, code.NOT_DUE):
        assert totals[("end of portfolio", answer)] > 0


def test_worth_that_differs_by_a_unit_is_seen() -> None:
    """The comparison can fail: collateral counts in what is closed."""
    world = Collateral(3)
    assert world.columns["bucket_kind"][1] == state.CROSS
    bucket = world.account_id(1)
    world.chain.evm.send(world.paper, "set_worth", bucket, world.worth[bucket] - 1)
    found = world.chain.evm.view(world.chain.house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)[0]
    assert found == int(world.columns["bucket_raw"][1]) - 1


@pytest.mark.slow
def test_many_worlds() -> None:
    totals = play(range(10, 40), 1_000)
    assert totals[("event", event.BACKSTOP)] > 20
    sys.stdout.write(f"{sorted(totals.items())}\n")
