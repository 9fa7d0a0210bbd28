"""Random members of a venue on a chain, step by step: nobody's money is made or lost, nobody leaves below margin.

Hypothesis chooses what happens; after every step the tokens cover the vault, the books add up, and at the end every
balance follows from the events alone.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fast_chain import REVERTED, USD, FastClient, FastVenue
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from seawall.chain import layout as at
from seawall.chain.keeper import Keeper
from seawall.chain.rebuild import verify
from seawall.terms import code

MEMBERS = 4
amounts = st.sampled_from((1, USD, 37 * USD + 1, 400 * USD, 999 * USD, 2**53, 2**53 + 1, 0, -1))
members = st.integers(0, MEMBERS - 1)
markets = st.integers(0, 1)
lots = st.sampled_from((1, 7, 500, 20_000, 90_000, 400_000, 10**8, 0))


class Venue(RuleBasedStateMachine):
    """A deployed venue, four members with 1,000 USD each, two markets at 1,000 and 100 USD."""

    @initialize()
    def begin(self) -> None:
        self.world = FastVenue()
        self.members = [self.world.wallet(1_000) for _ in range(MEMBERS)]
        self.keeper = Keeper(self.world.wallet(10), self.world.record)
        self.index = [1_000, 100]

    def account(self, member: int) -> int:
        return at.account(self.members[member].address)

    def send(self, client: FastClient, contract: str, function: str, *args: Any) -> int:
        return self.world.refusal(client, contract, function, *args)

    @rule(member=members, amount=amounts)
    def deposit(self, member: int, amount: int) -> None:
        client = self.members[member]
        if 0 < amount < 2**40:
            self.world.venue.give(client.address, amount)
            token, vault = self.world.contract("TestToken"), self.world.record.addresses["CollateralVault"]
            client.send(token, "approve", vault, amount)
            assert self.send(client, "CollateralVault", "deposit", self.account(member), amount) == 0
        else:
            assert self.send(client, "CollateralVault", "deposit", self.account(member), amount) != 0

    @rule(member=members, amount=amounts)
    def withdraw(self, member: int, amount: int) -> None:
        """What leaves, leaves the account above its initial margin; one micro-USD more than may leave does not."""
        client, account = self.members[member], self.account(member)
        house = self.world.contract("ClearingHouse")
        leaves = self.world.client.call(house, "cash_of", account, at.NO_MARKET)[3]
        if 0 <= leaves < 2**53:
            assert self.send(client, "CollateralVault", "withdraw", 0, leaves + 1, client.address) != 0
        refused = self.send(client, "CollateralVault", "withdraw", 0, amount, client.address)
        if refused == 0:
            assert 0 < amount <= leaves
            health = self.world.health(account)
            assert health[1] >= health[3], "initial equity below initial margin after a withdrawal"
            serial = self.world.client.call(self.world.contract("CollateralVault"), "withdrawal_serial")
            client.send(self.world.contract("CollateralVault"), "claim", serial)

    @rule(member=members, market=markets, size=lots, buys=st.booleans(), reduces=st.booleans())
    def trade(self, member: int, market: int, size: int, buys: bool, reduces: bool) -> None:
        limit = self.index[market] * 100 * (11 if buys else 9) // 10
        before = self.world.health(self.account(member))
        refused = self.send(self.members[member], "Exchange", "trade", 0, market, buys, size, limit, reduces)
        after = self.world.health(self.account(member))
        if refused == 0 and after[1] < after[3]:
            assert after[3] <= before[3], "a trade below initial margin that takes more risk"

    @rule(market=markets, move=st.sampled_from((-4, -2, -1, 1, 2, 4)))
    def price(self, market: int, move: int) -> None:
        self.index[market] = max(self.index[market] * (100 + move) // 100, 20)
        self.world.pass_time(2)
        self.world.price(*self.index)

    @rule(seconds=st.sampled_from((5, 600, 3_600)))
    def time(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.world.price(*self.index)
        for market in range(2):
            self.send(self.members[0], "FundingClock", "sample", market, 0)

    @rule(giver=members, taker=members, amount=amounts)
    def transfer(self, giver: int, taker: int, amount: int) -> None:
        before = self.world.health(self.account(giver))
        done = self.send(self.members[giver], "AccountDesk", "transfer", 0, self.account(taker), amount)
        after = self.world.health(self.account(giver))
        if done == 0 and giver != taker:
            assert after[1] >= after[3] or after == before

    @rule(member=members, market=markets, leverage=st.sampled_from((1, 5, 40, 41)), isolated=st.booleans())
    def leverage(self, member: int, market: int, leverage: int, isolated: bool) -> None:
        self.send(self.members[member], "AccountDesk", "set_leverage", 0, market, leverage, isolated)

    @rule(member=members, market=markets, amount=amounts)
    def margin(self, member: int, market: int, amount: int) -> None:
        self.send(self.members[member], "AccountDesk", "isolated_margin", 0, market, amount)

    @rule()
    def keep(self) -> None:
        """A keeper's pass: afterwards nobody who could be worked on is below maintenance."""
        done = self.keeper.run_once()
        assert not done.faults, done.faults
        for member in range(MEMBERS):
            account = self.account(member)
            health = self.world.health(account)
            assert health[0] >= health[2] or hex(account) in done.waiting

    @rule(member=members, other=members)
    def steal(self, member: int, other: int) -> None:
        """Nobody writes what a module writes, nor takes what is another's."""
        thief, victim = self.members[member], self.account(other)
        for function, args in (("credit", (victim, USD)), ("exit", (victim, USD)), ("put", (at.BUCKET | victim, 1, 1))):
            assert self.send(thief, "ClearingHouse", function, *args) in (code.NOT_AUTHORISED, REVERTED)

    @invariant()
    def the_tokens_cover_the_vault(self) -> None:
        if not hasattr(self, "world"):
            return
        money = at.unpack(at.MONEY_WORD, self.world.word(at.VENUE | at.MONEY))
        vault = self.world.record.addresses["CollateralVault"]
        held = self.world.client.call(self.world.contract("TestToken"), "balanceOf", vault)
        assert held == money["vault"]
        assert money["pending"] >= 0
        assert money["dust"] >= 0
        assert money["debt"] >= 0

    def teardown(self) -> None:
        if hasattr(self, "world"):
            verdict = verify(self.world.client, self.world.record)
            assert verdict.is_whole, verdict.differences


def terms(examples: int, steps: int) -> settings:
    """Without shrinking: a step takes long, and the story as it was found is short."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )


def test_nothing_is_made_or_lost() -> None:
    run_state_machine_as_test(Venue, settings=terms(4, 20))


@pytest.mark.slow
def test_nothing_is_made_or_lost_in_a_long_time() -> None:
    run_state_machine_as_test(Venue, settings=terms(150, 60))


def test_funding_that_one_side_has_settled_is_in_the_books() -> None:
    """The taker has been paid, the pool has not paid yet: what it owes is counted, to 1e-12 USD."""
    machine = Venue()
    machine.begin()
    machine.trade(3, 1, 20_000, False, False)
    machine.time(3_600)
    machine.time(3_600)
    machine.withdraw(3, USD)
    machine.teardown()


def test_the_machine_would_see_a_hole() -> None:
    """A venue whose tokens leak by one unit fails its invariant."""
    world = FastVenue()
    machine = Venue()
    machine.world = world
    machine.the_tokens_cover_the_vault()
    vault = world.record.addresses["CollateralVault"]
    world.client.send(world.contract("TestToken"), "mint", vault, 1)
    with pytest.raises(AssertionError):
        machine.the_tokens_cover_the_vault()
