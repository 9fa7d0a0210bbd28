"""Pools against a ledger in fractions: what each share is worth never falls by an add or a remove of somebody else."""

from fractions import Fraction
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

from bare_venue import USD, Bare
from seawall.engine import pools
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.terms import code, command, parameter

LOCKED, LEAST = 1_000_000, 10_000_000
PEOPLE = 3
FLAGS = {AMM: command.AMM, BACKSTOP: command.BACKSTOP}


class Model:
    """One pool: shares by holder (-1: nobody's), cash, a position of one market; fractions and plain words."""

    def __init__(self) -> None:
        self.shares: dict[int, int] = {}
        self.cash, self.size, self.given = 0, 0, 0

    def worth(self, price: int) -> int:
        return self.cash + self.size * price

    def price(self, mark: int) -> Fraction:
        return Fraction(self.worth(mark), sum(self.shares.values()))

    def add(self, who: int, amount: int, mark: int, index: int) -> bool:
        if self.size == 0 and 0 <= self.cash < LOCKED:
            self.given += self.cash
            self.shares, self.cash = {-1: LOCKED, who: amount - LOCKED}, amount
            return True
        if min(self.worth(mark), self.worth(index)) <= 0:
            return False
        most = max(self.worth(mark), self.worth(index))
        bought = floor(Fraction(amount * sum(self.shares.values()), most))
        if bought == 0 or bought + sum(self.shares.values()) > 2**60:
            return False
        self.shares[who] = self.shares.get(who, 0) + bought
        self.cash += amount
        return True

    def remove(self, who: int, size: int, mark: int, index: int) -> int:
        """What is paid; 0: refused."""
        if not 0 < size <= self.shares.get(who, 0):
            return 0
        least = min(self.worth(mark), self.worth(index))
        paid = floor(Fraction(size * least, sum(self.shares.values()))) if least > 0 else 0
        left = self.worth(mark) - paid
        if paid == 0 or left <= 0 or left * 20 < abs(self.size) * mark:
            return 0
        self.shares[who] -= size
        self.cash -= paid
        return paid


moves = st.one_of(
    st.tuples(st.just("add"), st.integers(0, PEOPLE - 1), st.integers(LEAST, 500 * USD)),
    st.tuples(st.just("remove"), st.integers(0, PEOPLE - 1), st.integers(1, 60)),
    st.tuples(st.just("earn"), st.integers(-300 * USD, 300 * USD), st.just(0)),
    st.tuples(st.just("lose all"), st.integers(-1, 2 * USD), st.just(0)),
    st.tuples(st.just("trade"), st.integers(-20, 20), st.just(0)),
    st.tuples(st.just("price"), st.integers(60 * USD, 140 * USD), st.integers(-3 * USD, 3 * USD)),
)


@given(st.sampled_from((AMM, BACKSTOP)), st.lists(moves, min_size=5, max_size=40))
@settings(max_examples=60)
def test_pools_equal_a_ledger_in_fractions(which: int, steps: list[tuple[str, int, int]]) -> None:
    desk = Bare()
    desk.market(0, 100 * USD)
    desk.columns["param"][0, parameter.POOL_LOCK_MS] = 0
    people = [desk.account(10**6 * USD) for _ in range(PEOPLE)]
    outside = desk.account(10**9 * USD)
    pool, model = desk.pool(0, which), Model()
    mark = index = 100 * USD
    for kind, first, second in steps:
        fields = {"market": 0, "flags": FLAGS[which]}
        if kind == "price":
            mark, index = first, first + second
            desk.price(0, mark, index)
        elif kind == "trade" and model.shares and first:
            buyer, seller = (pool, outside) if first > 0 else (outside, pool)
            desk.trade(buyer, seller, 0, mark, abs(first))
            model.size, model.cash = model.size + first, model.cash - first * mark
        elif kind in ("earn", "lose all") and model.shares:
            by = first if kind == "earn" else first - model.cash
            desk.columns["bucket_raw"][pool] += by
            desk.columns["bucket_raw"][outside] -= by
            model.cash += by
        elif kind == "add":
            is_dead = model.size == 0 and 0 <= model.cash < LOCKED
            before = None if is_dead else model.price(mark)
            cash = desk.raw(people[first])
            code_given = desk.run(pools.pool_add, account=people[first], amount=second, **fields)[0]
            taken = model.add(first, second, mark, index)
            assert (code_given == code.OK) == taken
            assert cash - desk.raw(people[first]) == (second if taken else 0)
            assert before is None or model.price(mark) >= before
        elif kind == "remove":
            held = model.shares.get(first, 0)
            size = held * second // 50
            if held == 0:
                continue
            before, cash = model.price(mark), desk.raw(people[first])
            code_given = desk.run(pools.pool_remove, account=people[first], size=size, **fields)[0]
            paid = model.remove(first, size, mark, index)
            assert (code_given == code.OK) == (paid > 0)
            assert desk.raw(people[first]) - cash == paid
            assert model.price(mark) >= before
        check(desk, model, pool, which, people)


def check(desk: Bare, model: Model, pool: int, which: int, people: list[int]) -> None:
    columns = desk.columns
    total = int(columns["market_shares_amm" if which == AMM else "market_shares_backstop"][0])
    assert total == sum(model.shares.values())
    for number, account in enumerate(people):
        row = pools.find_share(desk.s, account, pool)
        assert (int(columns["share_amount"][row]) if row else 0) == model.shares.get(number, 0)
    assert desk.raw(pool) == model.cash
    assert columns["market_insurance"][0] == model.given
    assert desk.money() == 0
    used = int(desk.cell[state.SHARES_USED])
    assert sum(columns["share_amount"][:used].tolist()) == total
