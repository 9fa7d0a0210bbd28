"""Settling a market that goes: who may, at which price, and that every position ends at that price to the unit."""

import random
from fractions import Fraction

import numpy as np
import pytest

from office_world import Office
from seawall.book.orders import new_order
from seawall.engine.delisting import PAIRS, SHARING, delist, settle_delisting
from seawall.engine.rows import rows_for_kernels, rows_of
from seawall.ledger import buckets, isolated, state
from seawall.ledger.health import equity_and_maintenance
from seawall.margin import trigger_state
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import SETTLE_EVENTS

USD = 10**6
PRICE = 100 * USD
DELIST = command.DELIST


class Settlement(Office):
    """An office with accounts, positions out of nothing in zero-sum pairs, and the step of a TICK that settles."""

    def __init__(self, number: int = 2) -> None:
        super().__init__(number)
        for market in range(number):
            self.open_market(market)
        self.accounts = 0

    def do(self, kind: int, **fields: int) -> int:
        if kind != DELIST:
            return super().do(kind, **fields)
        fields.setdefault("signer", command.ADMIN)
        self.columns["cell"][state.EVENTS_USED] = 0
        return int(delist(self.s, rows_for_kernels(rows_of([{"kind": kind, **fields}]))[0]))

    def account(self, cash: int) -> int:
        bucket = self.accounts
        self.accounts += 1
        self.columns["cell"][state.ACCOUNTS] = self.accounts
        self.columns["bucket_kind"][bucket] = state.CROSS
        self.columns["bucket_owner"][bucket] = bucket
        self.columns["account_master"][bucket] = bucket
        self.pay(bucket, cash)
        return bucket

    def isolated(self, account: int, market: int, cash: int) -> int:
        bucket = int(isolated.prepare_isolated(self.s, account, market, 0))
        self.pay(bucket, cash)
        return bucket

    def pay(self, bucket: int, cash: int) -> None:
        buckets.add_cash(self.s, bucket, cash)
        self.columns["cell"][state.VAULT] += cash

    def slot(self, bucket: int, market: int) -> int:
        found = int(buckets.find_slot(self.s, bucket, market))
        return found if found else int(buckets.open_slot(self.s, bucket, market, 20))

    def trade(self, buyer: int, seller: int, lots: int, price: int, market: int = 0) -> None:
        for bucket, size in ((buyer, lots), (seller, -lots)):
            buckets.settle(self.s, bucket)
            slot = self.slot(bucket, market)
            buckets.trade(self.s, slot, size, price, 0)
            buckets.close_empty_slot(self.s, slot)

    def size(self, bucket: int, market: int = 0) -> int:
        slot = int(buckets.find_slot(self.s, bucket, market))
        return int(self.columns["slot_size"][slot]) if slot else 0

    def equity(self, bucket: int) -> int:
        return int(equity_and_maintenance(self.s, bucket)[0])

    def raw(self, bucket: int) -> int:
        return int(self.columns["bucket_raw"][bucket])

    def step(self) -> list[dict[str, int]]:
        self.columns["cell"][state.EVENTS_USED] = 0
        settle_delisting(self.s)
        return self.events()

    def settle(self, most: int = 200) -> list[dict[str, int]]:
        """Steps until nothing is being settled."""
        events = []
        for _ in range(most):
            if self.columns["cell"][state.DELISTING] == 0:
                return events
            events += self.step()
            self.check()
        raise AssertionError("the settlement does not end")

    def check(self) -> None:
        """Money is conserved to 1e-12 USD and every market's sizes add up to nothing."""
        c = self.columns
        live = np.flatnonzero(c["slot_owner"][:] >= 0)
        live = live[(live > 0) & (live < c["count"][trigger_state.SLOTS_USED])]
        total = int(c["bucket_raw"].sum()) + int(c["market_insurance"].sum())
        total += sum(int(c["cell"][cell]) for cell in (state.PENDING, state.FEES, state.DUST, state.BAD_DEBT))
        parts = sum(int(x) for x in c["market_funding_residue"])
        sums = [0] * self.capacity.markets
        longs = [0] * self.capacity.markets
        for slot in live.tolist():
            market, size = int(c["slot_market"][slot]), int(c["slot_size"][slot])
            sums[market] += size
            longs[market] += max(size, 0)
            parts -= size * (int(c["market_index"][market]) - int(c["slot_index"][slot]))
        assert sums == [0] * self.capacity.markets
        assert longs == c["market_open"].tolist()
        assert total * 10**6 + parts == int(c["cell"][state.VAULT]) * 10**6


def pair(cash: int = 1_000 * USD) -> tuple[Settlement, int, int]:
    world = Settlement()
    a, b = world.account(cash), world.account(cash)
    world.trade(a, b, 10, PRICE)
    return world, a, b


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"market": 0, "signer": command.GUARDIAN}, code.NOT_AUTHORISED),
        ({"market": 2}, code.UNKNOWN_MARKET),
        ({"market": -1}, code.UNKNOWN_MARKET),
        ({"market": 4}, code.UNKNOWN_MARKET),
        ({"market": 0, "price": -1}, code.BAD_PRICE),
        ({"market": 0, "price": 102 * USD}, code.OK),  # 2 % is the band of the mark
        ({"market": 0, "price": 102 * USD + 1}, code.PRICE_BAND),
        ({"market": 0, "price": 98 * USD}, code.OK),
        ({"market": 0, "price": 98 * USD - 1}, code.PRICE_BAND),
        ({"market": 0, "price": 0}, code.OK),
    ],
)
def test_who_may_settle_and_at_which_price(fields: dict[str, int], expected: int) -> None:
    world, _, _ = pair()
    if expected != code.OK:
        world.refused(expected, DELIST, **fields)
        return
    world.must(DELIST, **fields)
    wanted = fields["price"] or PRICE
    assert world.columns["market_settlement"][0] == world.columns["market_price"][0] == wanted
    assert world.status() == command.DELISTING
    assert world.columns["market_fresh"][0] == 0
    world.refused(code.MARKET_CLOSED, DELIST, market=0)
    world.refused(code.NOT_DUE, DELIST, market=1)


def test_a_stale_index_is_no_settlement_price_while_there_are_positions() -> None:
    world, a, b = pair()
    world.columns["market_fresh"][0] = 0
    world.refused(code.STALE_PRICE, DELIST, market=0)
    world.must(DELIST, market=1)  # nothing to settle there
    world.settle()
    world.must(DELIST, market=0, price=PRICE + 1)
    world.settle()
    assert (world.raw(a), world.raw(b)) == (1_000 * USD + 10, 1_000 * USD - 10)


def test_profit_and_loss_end_at_the_price_and_the_market_is_gone() -> None:
    world, a, b = pair()
    events = world.must(DELIST, market=0, price=101 * USD)
    assert [e["kind"] for e in events] == [event.STATUS, event.MARK]
    events = world.settle()
    assert (world.raw(a), world.raw(b)) == (1_010 * USD, 990 * USD)
    (done,) = [e for e in events if e["kind"] == event.SETTLED]
    assert (done["bucket"], done["other"], done["price"], done["size"]) == (a, b, 101 * USD, 10)
    assert world.status() == command.UNLISTED
    assert world.columns["tier_count"][:2].tolist() == [0, 0]
    assert world.columns["count"][trigger_state.SLOTS_LIVE] == 0
    world.refused(code.NOT_DUE, command.LIST_MARKET, market=0, price=1)
    world.columns["cell"][state.NOW] += 60_000
    world.must(command.LIST_MARKET, market=0, price=1)


def test_a_halted_venue_settles_nothing() -> None:
    world, _, _ = pair()
    world.must(DELIST, market=0)
    world.must(command.GUARD, market=-1, flags=command.HALTED)
    assert world.step() == []
    assert world.columns["cell"][state.DELIST_STAGE] == 1
    world.columns["cell"][state.VENUE_STATUS] = command.CANCELLING
    world.settle()


def test_funding_is_settled_before_a_position_is_closed() -> None:
    world, a, b = pair()
    world.columns["market_index"][0] = 3 * 10**6 + 1
    world.must(DELIST, market=0)
    events = world.settle()
    assert (world.raw(a), world.raw(b)) == (1_000 * USD - 31, 1_000 * USD + 30)
    assert sorted(e["amount"] for e in events if e["kind"] == event.FUNDING_PAID) == [-31, 30]


def test_orders_go_with_the_market_and_others_stay() -> None:
    world = Settlement()
    account = world.account(10**9)
    lone = world.isolated(account, 0, 5 * USD)
    for bucket, market in ((account, 0), (account, 1), (lone, 0)):
        new_order(world.s, bucket, market, command.REDUCE_ONLY, PRICE, 1, 0, 0, 0, 0)
    world.must(DELIST, market=0)
    events = world.settle()
    cancelled = [e for e in events if e["kind"] == event.CANCELLED]
    assert [(e["bucket"], e["amount"]) for e in cancelled] == [
        (account, code.MARKET_CLOSED),
        (lone, code.MARKET_CLOSED),
    ]
    assert world.columns["bucket_orders"][account] == 1
    assert world.columns["bucket_kind"][lone] == state.UNUSED
    assert world.raw(account) == 10**9 + 5 * USD


def test_isolated_buckets_return_what_is_left() -> None:
    world = Settlement()
    a, b = world.account(10**9), world.account(10**9)
    lone = world.isolated(a, 0, 100 * USD)
    world.trade(lone, b, 10, PRICE)
    world.must(DELIST, market=0, price=99 * USD)
    world.settle()
    assert world.raw(a) == 10**9 + 90 * USD
    assert world.columns["bucket_kind"][lone] == state.UNUSED


@pytest.mark.parametrize("fund", [0, 3 * USD, 100 * USD])
def test_a_debt_is_paid_by_the_fund_and_then_by_all_profit_pro_rata(fund: int) -> None:
    """The loser owes 10 USD; the winners' profits are 5 and 15 USD. Who is closed first does not matter."""
    world = Settlement()
    loser, small, large = (world.account(10 * USD), world.account(10**9), world.account(10**9))
    world.columns["market_insurance"][0] += fund
    world.columns["cell"][state.VAULT] += fund
    world.trade(small, loser, 5, PRICE)
    world.trade(large, loser, 15, PRICE)
    world.must(DELIST, market=0, price=101 * USD)
    events = world.settle()
    share = Fraction(max(0, 10 * USD - fund), 20 * USD)
    assert world.raw(loser) == 0
    assert world.raw(small) == 10**9 + 5 * USD - int(share * 5 * USD)
    assert world.raw(large) == 10**9 + 15 * USD - int(share * 15 * USD)
    assert world.columns["market_insurance"][0] == max(0, fund - 10 * USD)
    assert world.columns["cell"][state.BAD_DEBT] == 0
    assert sum(e["amount"] for e in events if e["kind"] == event.DEFICIT) == 10 * USD


def test_winners_are_not_closed_before_the_loss_is_shared() -> None:
    world = Settlement()
    loser, winner = world.account(10 * USD), world.account(10**9)
    world.trade(winner, loser, 20, PRICE)
    world.must(DELIST, market=0, price=101 * USD)
    stages = []
    while (stage := int(world.columns["cell"][state.DELIST_STAGE])) != PAIRS:
        stages.append(stage)
        world.step()
        assert world.size(winner) == 20
    assert SHARING in stages
    assert world.equity(winner) == 10**9 + 10 * USD
    assert world.columns["market_short"][0] == 0


def test_the_claim_cap_of_a_position_holds() -> None:
    world = Settlement()
    loser, winner = world.account(10 * USD), world.account(10**9)
    world.columns["market_insurance"][0] = 10**9
    world.columns["cell"][state.VAULT] += 10**9
    world.columns["param"][0, parameter.CLAIM_CAP] = 4 * USD
    world.trade(winner, loser, 20, PRICE)
    world.must(DELIST, market=0, price=101 * USD)
    world.settle()
    assert world.columns["market_insurance"][0] == 10**9 - 4 * USD
    assert world.raw(winner) == 10**9 + 20 * USD - 6 * USD


def test_a_debt_of_other_markets_is_not_this_ones() -> None:
    """A cross bucket owes for its position elsewhere: this market pays the part that its own position shows only."""
    world = Settlement()
    loser, winner = world.account(30 * USD), world.account(10**9)
    world.trade(winner, loser, 20, PRICE, 0)
    world.trade(winner, loser, 20, PRICE, 1)
    world.columns["market_price"][1] = 101 * USD
    world.must(DELIST, market=0, price=101 * USD)
    before = world.equity(loser)
    assert before == -10 * USD
    world.settle()
    assert world.size(loser, 1) == -20
    assert world.equity(loser) == -5 * USD, "half of the maintenance is the other position's"


def test_steps_are_bounded() -> None:
    world = Settlement()
    for _ in range(120):
        a, b = world.account(1_000 * USD), world.account(1_000 * USD)
        world.trade(world.isolated(a, 0, 100 * USD), world.isolated(b, 0, 100 * USD) if b % 4 == 1 else b, 5, PRICE)
        if world.accounts >= 60:
            break
    world.must(DELIST, market=0)
    for _ in range(30):
        assert len(world.step()) <= SETTLE_EVENTS + 20
    assert world.status() == command.UNLISTED


def random_world(seed: int) -> tuple[Settlement, random.Random]:
    rng = random.Random(seed)
    world = Settlement()
    people = [world.account(rng.randrange(0, 200 * USD)) for _ in range(12)]
    holders = list(people)
    for account in people[:4]:
        holders.append(world.isolated(account, 0, rng.randrange(0, 50 * USD)))
    holders += [
        world.capacity.accounts + world.capacity.isolated,
        world.capacity.accounts + world.capacity.isolated + 1,
    ]
    world.columns["market_insurance"][0] = fund = rng.randrange(0, 30 * USD)
    world.columns["cell"][state.VAULT] += fund
    for _ in range(60):
        market = rng.randrange(2)
        fit = [h for h in holders if h in people or market == 0]
        a, b = rng.sample(fit, 2)
        world.trade(a, b, rng.randrange(1, 12), PRICE + rng.randrange(-6 * USD, 6 * USD), market)
        if rng.random() < 0.2:
            world.columns["market_index"][market] += rng.randrange(-3 * 10**12, 3 * 10**12)
    return world, rng


@pytest.mark.parametrize("seed", range(25))
def test_random_worlds_settle_exactly(seed: int) -> None:
    """Without debts each keeps its equity at the price to the unit; with debts nobody gains, nobody loses more than its
    profit here, and those who owe for this market alone end at nothing.
    """
    world, rng = random_world(seed)
    price = PRICE + rng.randrange(-2 * USD, 2 * USD + 1)
    world.must(DELIST, market=0, price=price)
    kinds, owners = world.columns["bucket_kind"].tolist(), world.columns["bucket_owner"].tolist()
    before = {b: world.equity(b) for b, kind in enumerate(kinds) if kind != state.UNUSED}
    held = [b for b in before if world.size(b, 0)]
    debtors = [b for b, equity in before.items() if equity < 0 and world.size(b, 0)]
    only_here = [b for b in debtors if not world.size(b, 1)]
    profits = {b: world.size(b) * price - int(world.columns["slot_entry"][world.slot(b, 0)]) for b in held}
    for bucket in [b for b in held if kinds[b] == state.ISOLATED]:
        profits[owners[bucket]] = max(0, profits.get(owners[bucket], 0)) + max(0, profits[bucket])
    world.settle()
    assert world.columns["market_open"][0] == 0
    for bucket in [b for b in before if kinds[b] == state.ISOLATED and b in held]:
        assert world.columns["bucket_kind"][bucket] == state.UNUSED
        before[owners[bucket]] += max(0, before.pop(bucket))
    after = {b: world.equity(b) for b in before}
    if not debtors:
        assert after == before
    for bucket, equity in before.items():
        if equity >= 0 and bucket not in debtors:
            assert equity - max(0, profits.get(bucket, 0)) <= after[bucket] <= equity
        elif bucket in only_here:
            assert after[bucket] == 0


def test_share_out_ends_even_when_nobody_has_profit() -> None:
    world = Settlement()
    a, b = world.account(0), world.account(0)
    world.trade(a, b, 10, PRICE)
    buckets.add_cash(world.s, a, -5 * USD)
    world.columns["cell"][state.VAULT] -= 5 * USD
    world.must(DELIST, market=0)
    world.settle()
    assert world.raw(a) == 0
    assert world.columns["cell"][state.BAD_DEBT] == -5 * USD
    assert world.columns["market_short"][0] == 0


def test_pairs_go_round_again_for_a_position_that_moved_back() -> None:
    world = Settlement()
    people = [world.account(10**9) for _ in range(6)]
    for at in range(0, 6, 2):
        world.trade(people[at], people[at + 1], 10 + at, PRICE)
    world.must(DELIST, market=0)
    while world.columns["cell"][state.DELIST_STAGE] != PAIRS:
        world.step()
    world.columns["cell"][state.DELIST_LONG] = world.columns["cell"][state.DELIST_SHORT] = 4
    world.settle()
    assert all(world.size(p) == 0 for p in people)
