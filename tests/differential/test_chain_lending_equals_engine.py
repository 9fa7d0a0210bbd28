"""Borrowed USD in both executions: debts, index, interest, reserve, what may leave and refusals, to the unit."""

import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyrevm
from chain_twins import USD
from lend_traffic import LendTraffic, VaultTraffic

from seawall.ledger import state
from seawall.ledger.leaving import may_leave
from seawall.terms import code, command

SEEDS = range(20, 28)  # of the slow suite
DEAF = bytes.fromhex("60205ff3")  # a contract that answers 0 to everything


def play(seed: int, steps: int, kind: type[LendTraffic] = LendTraffic) -> LendTraffic:
    world = kind(seed)
    for _ in range(steps):
        world.step()
    world.compare()
    return world


def test_a_few_hundred_steps() -> None:
    worlds = [play(seed, 500) for seed in (1, 8)]
    codes = sum((world.codes for world in worlds), Counter())
    for what in ("withdraw", "take", "trade", "buy", "reserve pays"):
        assert codes[(what, code.OK)] > 2, (what, codes)
    for what, answer in (("withdraw", code.WITHDRAWABLE), ("take", code.WITHDRAWABLE), ("buy", code.NOT_FOR_SALE)):
        assert codes[(what, answer)] > 2, (what, codes)
    assert min(int(world.columns["cell"][state.BORROW_INDEX]) for world in worlds) > 10**10  # a hundredth of a debt


def test_a_counterparty_in_debt_is_made_good_once_its_collateral_is_sold() -> None:
    """It was closed to nothing by deleveraging: no insurance pays while somebody would buy what it holds."""
    world = play(23, 920)
    assert world.codes[("debtor waits for its sale", code.OK)] > 0


def test_a_vault_buys_what_it_can_pay_for() -> None:
    """Lots, prices, the order, what is left to others, and what shares of the vault are worth meanwhile."""
    codes = sum((play(seed, 500, VaultTraffic).codes for seed in (3, 8)), Counter())
    for what in ("sold to the vault", "buy of the vault", "reserve pays"):
        assert codes[(what, code.OK)] > 2, (what, codes)
    assert codes[("buy of the vault", code.NOT_FOR_SALE)] > 2, codes


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [LendTraffic, VaultTraffic])
def test_worlds(seed: int, kind: type[LendTraffic]) -> None:
    play(seed, 2_000, kind)


def lend_some(world: LendTraffic, account: int) -> None:
    """An account sends half of what may leave to another."""
    amount = int(may_leave(world.kernels(), account)) // 2
    done = world.do(kind=command.TRANSFER, signer=account, account=account, other=0, amount=amount)
    world.desk("transfer", int(done.codes[0]), account, "transfer", world.account_id(0), amount)
    assert world.columns["cell"][state.BORROWED] > 1_000 * USD


def test_a_change_of_cash_that_is_not_noted_is_seen() -> None:
    """The comparison can fail: the house tells Lending each time, or a debt is not there."""
    world = LendTraffic(3)
    lend_some(world, 2)
    evm, lending = world.chain.evm.evm, world.chain.lending.address
    runtime = bytes(evm.get_code(lending))
    for amount in (0, 100 * USD):
        world.compare_lending()
        evm.insert_account_info(lending, pyrevm.AccountInfo(code=DEAF))
        if amount:
            world.deposit(2, amount)
        evm.insert_account_info(lending, pyrevm.AccountInfo(code=runtime))
    with pytest.raises(AssertionError, match=r"lent|owes"):
        world.compare_lending()


def test_a_unit_of_interest_is_seen() -> None:
    world = LendTraffic(4)
    lend_some(world, 2)
    world.pass_time(3_600_000)
    world.compare()
    row = world.columns["bucket_holding"][2]
    world.columns["holding_due"][row] += 1
    with pytest.raises(AssertionError, match="account 2"):
        world.compare()
