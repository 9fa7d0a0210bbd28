"""Pool shares as an ERC-4626 vault: previews hold, roundings are against who acts, nobody gains by gifts."""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fast_chain import REVERTED, USD, FastClient, FastVenue

from seawall.chain import layout as at
from seawall.chain.rebuild import verify
from seawall.terms import code

NAME = "PoolShares 0 amm"
BACKSTOP = "PoolShares 0 backstop"
LOCKED = 10**6  # shares of a new pool that are nobody's


class Pool(FastVenue):
    """A venue without pools yet; wallets with tokens of their own."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(has_pools=False, **changes)
        self.shares, self.token = self.contract(NAME), self.contract("TestToken")

    def rich(self, usd: int) -> FastClient:
        """A wallet with tokens, which the pool may take."""
        made = self.wallet(1)
        self.venue.give(made.address, usd * USD)
        made.send(self.token, "approve", self.shares.address, 2**255)
        return made

    def view(self, function: str, *args: Any) -> int:
        return int(self.client.call(self.shares, function, *args))

    def deposit(self, who: FastClient, amount: int) -> int:
        before = self.view("balanceOf", who.address)
        who.send(self.shares, "deposit", amount, who.address)
        return self.view("balanceOf", who.address) - before

    def redeem(self, who: FastClient, shares: int) -> int:
        before = self.tokens(who)
        who.send(self.shares, "redeem", shares, who.address, who.address)
        return self.tokens(who) - before

    def tokens(self, who: FastClient) -> int:
        return int(self.client.call(self.token, "balanceOf", who.address))

    def unlock(self) -> None:
        self.pass_time(8 * 86_400)
        self.price(1_000, 100)


@pytest.fixture
def pool() -> Pool:
    return Pool()


def test_previews_are_what_happens(pool: Pool) -> None:
    first, second = pool.rich(50_000), pool.rich(50_000)
    for who, amount in ((first, 20_000 * USD), (second, 7_777_777_777), (first, 12_345_678)):
        told = pool.view("previewDeposit", amount)
        assert pool.deposit(who, amount) == told
        assert pool.view("convertToShares", amount) >= 0
    pool.unlock()
    for shares in (1_000_003, 5 * 10**9 + 7):
        told = pool.view("previewRedeem", shares)
        assert pool.redeem(second, shares) == told
    told = pool.view("previewWithdraw", 123_456_789)
    before = pool.view("balanceOf", first.address)
    first.send(pool.shares, "withdraw", 123_456_789, first.address, first.address)
    assert before - pool.view("balanceOf", first.address) == told
    told = pool.view("previewMint", 10**9)
    before = pool.tokens(second)
    second.send(pool.shares, "mint", 10**9, second.address)
    assert before - pool.tokens(second) == told
    assert pool.view("maxRedeem", second.address) == pool.view("balanceOf", second.address)
    assert verify(pool.client, pool.record).is_whole


def test_there_and_back_never_pays(pool: Pool) -> None:
    """Whatever is deposited and redeemed at once by the same wallet brings at most what it cost."""
    pool.deposit(pool.rich(50_000), 33_333_333_333)
    trader = pool.wallet(5_000)
    trader.send(pool.contract("Exchange"), "trade", 0, 0, True, 3_333, 110_000, False)
    who = pool.rich(50_000)
    for amount in (10 * USD, 10 * USD + 1, 17 * USD + 3, 20_000 * USD):
        shares = pool.deposit(who, amount)
        pool.unlock()
        assert pool.redeem(who, shares) <= amount
    assert verify(pool.client, pool.record).is_whole


def test_the_first_depositor_cannot_take_the_second_ones_money(pool: Pool) -> None:
    """The inflation attack: one small deposit, a gift that would make a share dear, a victim that rounds to nothing."""
    attacker, victim = pool.rich(100_000), pool.rich(10_000)
    least = 10 * USD  # the pools take no less
    mine = pool.deposit(attacker, least)
    attacker.send(pool.token, "transfer", pool.shares.address, 20_000 * USD)
    attacker.send(pool.token, "transfer", pool.record.addresses["CollateralVault"], 20_000 * USD)
    attacker.send(pool.token, "approve", pool.record.addresses["CollateralVault"], 20_000 * USD)
    attacker.send(pool.contract("CollateralVault"), "deposit", at.account(pool.shares.address), 20_000 * USD)
    assert pool.view("totalAssets") == least, "a gift is not the pool's"
    theirs = pool.deposit(victim, 5_000 * USD)
    pool.unlock()
    assert pool.redeem(victim, theirs) >= 5_000 * USD - 2
    assert pool.redeem(attacker, mine) <= least


def test_the_first_million_shares_are_nobodys(pool: Pool) -> None:
    who = pool.rich(1_000)
    assert pool.deposit(who, 100 * USD) == 100 * USD - LOCKED
    assert pool.view("totalSupply") == 100 * USD
    pool.unlock()
    assert pool.redeem(who, 100 * USD - LOCKED) == 100 * USD - LOCKED
    assert pool.view("totalAssets") == LOCKED


def test_too_little_is_refused(pool: Pool) -> None:
    who = pool.rich(1_000)
    assert pool.refusal(who, NAME, "deposit", 0, who.address) != 0
    assert pool.refusal(who, NAME, "deposit", 5, who.address) == code.BAD_AMOUNT
    assert pool.view("totalSupply") == 0


def test_shares_stay_for_the_lock_and_are_then_sent_on(pool: Pool) -> None:
    giver, taker = pool.rich(1_000), pool.rich(1)
    shares = pool.deposit(giver, 500 * USD)
    if pool.client.call(pool.contract("Pools"), "lock_of", at.pool_of(0, at.AMM)):
        assert pool.refusal(giver, NAME, "transfer", taker.address, 1) == code.NOT_DUE
        assert pool.refusal(giver, NAME, "redeem", 1_000_000, giver.address, giver.address) == code.NOT_DUE
    pool.unlock()
    assert pool.refusal(giver, NAME, "transfer", taker.address, shares + 1) == REVERTED
    assert pool.refusal(giver, NAME, "transfer", taker.address, shares) == 0
    assert pool.redeem(taker, shares) > 0
    assert pool.view("balanceOf", giver.address) == 0


def test_somebody_elses_shares_need_an_allowance(pool: Pool) -> None:
    owner, other = pool.rich(1_000), pool.rich(1)
    shares = pool.deposit(owner, 500 * USD)
    pool.unlock()
    args = (10 * USD, other.address, owner.address)
    assert pool.refusal(other, NAME, "redeem", *args) == REVERTED
    owner.send(pool.shares, "approve", other.address, 10 * USD)
    before = pool.tokens(other)
    assert pool.refusal(other, NAME, "redeem", *args) == 0
    assert pool.tokens(other) > before
    assert pool.refusal(other, NAME, "redeem", *args) == REVERTED
    assert pool.view("balanceOf", owner.address) == shares - 10 * USD


def test_who_leaves_a_backstop_says_so_an_hour_before(pool: Pool) -> None:
    who = pool.wallet(5_000)
    backstop = pool.contract(BACKSTOP)
    who.send(backstop, "join", 0, 1_000 * USD)
    pool.unlock()
    assert pool.refusal(who, BACKSTOP, "leave", 0, 100 * USD) == code.NOT_DUE
    who.send(backstop, "ask_to_leave")
    pool.pass_time(3_500)
    pool.price(1_000, 100)
    assert pool.refusal(who, BACKSTOP, "leave", 0, 100 * USD) == code.NOT_DUE
    pool.pass_time(200)
    pool.price(1_000, 100)
    assert pool.refusal(who, BACKSTOP, "leave", 0, 100 * USD) == 0
    pool.pass_time(100_000)
    pool.price(1_000, 100)
    assert pool.refusal(who, BACKSTOP, "leave", 0, 100 * USD) == code.NOT_DUE


def test_nobody_but_the_pools_issues(pool: Pool) -> None:
    thief = pool.rich(1)
    for function, args in (("issue", (thief.address, USD)), ("retire", (thief.address, 1)), ("restart", ())):
        assert pool.refusal(thief, NAME, function, *args) == REVERTED
    for function, args in (
        ("join", (at.account(thief.address), thief.address, USD)),
        ("leave", (at.account(thief.address), thief.address, 0, USD, USD)),
        ("ask_to_leave", (thief.address,)),
    ):
        assert pool.refusal(thief, "Pools", function, *args) == code.NOT_AUTHORISED
