"""Random money commands over trading, prices and funding: each code foretold in exact fractions, money conserved.

Amounts aim at the boundary that the model computes and at one unit beyond it.
"""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

import cash_model as model
from desk import PRICE, USD, Desk
from seawall.ledger import state
from seawall.ledger.isolated import find_isolated, release_isolated, top_up
from seawall.terms import code, command
from seawall.units import RATE_ONE

ISOLATED = command.ISOLATED
STEPS = 80


class World:
    """Two owners, one with two sub-accounts, and a maker that trades at any price."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(seed)
        self.desk = desk = Desk()
        self.maker = desk.account(10**8)
        first, second = desk.account(draw.choice([2_000, 20_000])), desk.account(5_000)
        self.people = [first, desk.sub(first), desk.sub(first), second]
        self.c = desk.columns
        desk.venue_parameter(5, 2**53)  # the venue's limits are unit-tested: here they never bind
        desk.venue_parameter(7, 2**53)
        desk.venue_parameter(model.WEIGHT, draw.choice([RATE_ONE, RATE_ONE, RATE_ONE // 2, 0]))
        desk.venue_parameter(model.CAP, draw.choice([-1, -1, 300 * USD]))

    def step(self) -> None:
        who, market = self.draw.choice(self.people[:2] * 3 + self.people), self.draw.randrange(2)
        alone = [(who, m) for who in self.people for m in range(2) if find_isolated(self.desk.s, who, m) >= 0]
        if alone and self.draw.random() < 0.5:
            who, market = self.draw.choice(alone)
        acts = (self.price, self.fill, self.fund, self.deposit, self.withdraw, self.transfer, self.margin, self.move)
        self.draw.choice((*acts, self.lever, self.margin, self.price, self.withdraw, self.feed))(who, market)
        self.check()

    # what happens around the money

    def price(self, _: int, market: int) -> None:
        mark = int(self.c["market_price"][market])
        move = self.draw.choice([70, 88, 95, 99, 104, 113, 150])
        self.desk.mark(market, max(PRICE // 5, min(5 * PRICE, mark * move // 100)))

    def fill(self, who: int, market: int) -> None:
        bucket = max(find_isolated(self.desk.s, who, market), who)
        held = sum(p.size for p in model.places(self.c, bucket) if p.market == market)
        mark = int(self.c["market_price"][market])
        most = max(0, model.health(self.c, bucket).equity) * self.draw.choice([1, 2, 9]) // mark
        size = self.draw.choice([-held, *(self.draw.randrange(-most, most + 1) for _ in range(3))])
        if size:
            self.desk.trade(bucket, self.maker, market, size, mark, self.draw.choice([3, 10, 20]))
        slot = self.desk.slot(bucket, market)
        if slot:
            self.c["slot_bids"][slot] = self.draw.choice([0, 0, 0, most // 2])

    def fund(self, _: int, market: int) -> None:
        self.desk.fund(market, self.draw.randrange(-(10**12), 10**12))

    def deposit(self, who: int, market: int) -> None:
        if self.draw.random() < 0.5:
            self.desk.deposit(who, self.draw.randrange(1, 3_000 * USD))
        else:
            self.c["market_insurance"][market] += 500 * USD
            self.desk.cell[state.VAULT] += 500 * USD

    def feed(self, who: int, market: int) -> None:
        """An automatic top-up, and the return of an empty bucket."""
        bucket = find_isolated(self.desk.s, who, market)
        if bucket < 0:
            return
        floor = self.draw.choice([-1, 0, 100 * USD])
        self.desk.must(command.SET_TOP_UP, account=who, market=market, amount=floor)
        now, most = model.health(self.c, bucket), model.may_leave(self.c, who)
        spare = model.cash(self.c, who) + sum(model.funding(self.c, p) for p in model.places(self.c, who)) - floor
        expected = max(0, min(now.initial - now.equity_initial, most, spare)) if floor >= 0 else 0
        end = -(-now.maintenance * 102 // 100)
        expected = expected if now.equity + expected >= end else 0
        assert top_up(self.desk.s, bucket) == expected
        empty = not model.places(self.c, bucket) and int(self.c["bucket_raw"][bucket]) >= 0
        assert release_isolated(self.desk.s, bucket) == int(empty)

    # commands, each with the code that the model foretells

    def expect(self, expected: int, kind: int, **fields: int) -> None:
        before = self.desk.durable()
        got = self.desk.do(kind, **fields)
        assert got == expected, f"{fields}: {code.TEXT[got]} instead of {code.TEXT[expected]}"
        if got != code.OK:
            assert self.desk.events() == []
            assert self.desk.durable() == before

    def near(self, most: int) -> int:
        return max(1, self.draw.choice([most, most, most + 1, most // 2, self.draw.randrange(1, 10**9)]))

    def withdraw(self, who: int, _: int) -> None:
        amount, most = self.near(model.may_leave(self.c, who)), model.may_leave(self.c, who)
        self.expect(code.OK if amount <= most else code.WITHDRAWABLE, command.WITHDRAW, account=who, amount=amount)
        if amount <= most:
            kind = self.draw.choice([command.FINISH_WITHDRAWAL, command.CANCEL_WITHDRAWAL])
            self.expect(code.OK, kind, reference=int(self.desk.cell[state.RESULT]))

    def transfer(self, who: int, _: int) -> None:
        most, other = model.may_leave(self.c, who), self.draw.choice(self.people)
        amount = self.near(most)
        expected = code.OK if amount <= most else code.WITHDRAWABLE
        if other == who:
            expected = code.BAD_FIELD
        self.expect(expected, command.TRANSFER, account=who, other=other, amount=amount)

    def margin(self, who: int, market: int) -> None:
        bucket = find_isolated(self.desk.s, who, market)
        sign = self.draw.choice([-1, 1])
        most = model.may_leave(self.c, who if sign > 0 else bucket) if bucket >= 0 else 0
        amount = self.near(most)
        expected = code.NOT_ISOLATED if bucket < 0 else code.OK if amount <= most else code.WITHDRAWABLE
        self.expect(expected, command.ISOLATED_MARGIN, account=who, market=market, amount=sign * amount)

    def lever(self, who: int, market: int) -> None:
        own, size = find_isolated(self.desk.s, who, market), self.draw.randrange(1, 22)
        bucket = max(own, who)
        held = model.places(self.c, bucket)
        flags = ISOLATED if own >= 0 else 0
        is_here = any(p.market == market for p in held)
        changed = [replace(p, leverage=size) if p.market == market else p for p in held]
        after = model.health_of(self.c, int(self.c["bucket_raw"][bucket]), changed)
        need = max(0, after.initial - after.equity_initial)
        expected = code.OK
        if size > 20:
            expected = code.BAD_LEVERAGE
        elif is_here and after.initial > model.health(self.c, bucket).initial and need > 0:
            fed = own >= 0 and need <= model.may_leave(self.c, who)
            expected = code.OK if fed else code.INITIAL_MARGIN
        self.expect(expected, command.SET_LEVERAGE, account=who, market=market, size=size, flags=flags)

    def move(self, who: int, market: int) -> None:
        own = find_isolated(self.desk.s, who, market)
        source = max(own, who)
        held = model.places(self.c, source)
        moved = [p for p in held if p.market == market]
        if not moved or moved[0].size == 0 or moved[0].bids:
            return
        raw, p = int(self.c["bucket_raw"][source]), moved[0]
        if own >= 0:
            cash = raw + p.entry + model.funding(self.c, p)
            joined = [*model.places(self.c, who), replace(p, index=int(self.c["market_index"][market]))]
            after = model.health_of(self.c, int(self.c["bucket_raw"][who]) + cash - p.entry, joined)
            expected = code.OK if after.equity_initial >= after.initial else code.INITIAL_MARGIN
            self.expect(expected, command.MOVE_POSITION, account=who, market=market)
            return
        profit = max(0, p.size * int(self.c["market_price"][market]) - p.entry)
        free = model.may_leave(self.c, who)
        alone = model.health_of(self.c, 0, [replace(p, entry=0, index=int(self.c["market_index"][market]))])
        needs = alone.initial - (p.size * int(self.c["market_price"][market]) - p.entry)
        edges = (free, needs - 1, needs, needs, (needs + free) // 2, profit, 0)
        amount = max(0, self.draw.choice(edges) + self.draw.choice([0, 0, 1]))
        rest = [other for other in held if other.market != market]
        funding = sum(model.funding(self.c, q) for q in held)
        settled = [replace(q, index=int(self.c["market_index"][q.market])) for q in held]
        left = model.health_of(self.c, raw + funding + p.entry - amount, [q for q in settled if q.market != market])
        made = model.health_of(self.c, amount - p.entry, [q for q in settled if q.market == market])
        now = model.health(self.c, who)
        expected = code.OK
        if (left.equity_initial < left.initial and model.adds_risk(now, left)) or made.equity_initial < made.initial:
            expected = code.INITIAL_MARGIN
        elif amount - model.cash(self.c, who) - funding > model.payable(self.c, who, without=market):
            expected = code.WITHDRAWABLE
        assert len(rest) == len(held) - 1
        self.expect(expected, command.MOVE_POSITION, account=who, market=market, flags=ISOLATED, amount=amount)

    # what holds after every step

    def check(self) -> None:
        c = self.c
        assert model.vault_gap(c, state) == 0
        held = [(bucket, p) for bucket in range(len(c["bucket_raw"])) for p in model.places(c, bucket)]
        for market in range(2):
            assert sum(p.size for _, p in held if p.market == market) == 0
            assert sum(p.entry for _, p in held if p.market == market) == c["market_entry_sum"][market]
            assert sum(p.advanced for _, p in held if p.market == market) == c["market_advanced"][market]
        assert all(p.advanced >= 0 for _, p in held)
        assert sum(p.advanced for _, p in held) == self.desk.cell[state.ADVANCED] == c["bucket_advanced"].sum()
        pending = int(c["withdrawal_amount"].sum())
        assert pending == self.desk.cell[state.PENDING] == 0


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_money_moves_by_the_rule_and_is_conserved(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
