"""The walk of RISK_INCREASING over the whole engine (Euler 2023): from an account that may give nothing more, no verb
takes a unit or adds a lot. A new verb fails here until somebody says how it is tried.
"""

from collections.abc import Callable

import pytest

from seawall.engine.authority import RISK_INCREASING
from seawall.ledger import leaving, state
from seawall.ledger.isolated import prepare_isolated
from seawall.terms import code, command, parameter
from venue_world import BUY, SELL, USD, World

PRICE = 100 * USD
Fields = dict[str, int]


class Edge:
    """An account with a long of 10 lots, a resting buy of 1 and exactly what both must keep; a sub-account of it."""

    def __init__(self) -> None:
        self.world = world = World()
        for which in (parameter.AMM_DEPTH, parameter.AMM_CAP):
            world.venue.columns["param"][0, which] = 10**6
        self.who, self.maker = world.account(1_000), world.account(100_000)
        self.sub = int(world.venue.columns["cell"][state.ACCOUNTS])
        world.must(kind=command.CREATE_SUB, signer=self.who, account=self.who)
        world.trade(self.who, self.maker, 0, PRICE, 10)
        world.must(kind=command.SET_LEVERAGE, signer=self.who, account=self.who, market=0, size=10)
        self.order = world.place(self.who, 0, BUY, 99 * USD, 1)
        self.s = state.for_kernels(world.venue.array)[0]
        self.own = prepare_isolated(self.s, self.who, 1, 5 * USD)
        most = int(leaving.may_leave(self.s, self.who))
        assert most > 0
        world.must(kind=command.WITHDRAW, signer=self.who, account=self.who, amount=most)
        assert leaving.may_leave(self.s, self.who) == 0

    def fields(self, kind: int, **more: int) -> Fields:
        return {"kind": kind, "signer": self.who, "account": self.who, **more}


TRIES: dict[int, Callable[[Edge], Fields]] = {
    command.WITHDRAW: lambda e: e.fields(command.WITHDRAW, amount=1),
    command.TRANSFER: lambda e: e.fields(command.TRANSFER, other=e.sub, amount=1),
    command.ISOLATED_MARGIN: lambda e: e.fields(command.ISOLATED_MARGIN, market=1, amount=1),
    command.SET_LEVERAGE: lambda e: e.fields(command.SET_LEVERAGE, market=0, size=9),
    command.PLACE: lambda e: e.fields(command.PLACE, market=0, price=99 * USD, size=1),
    command.MODIFY: lambda e: e.fields(command.MODIFY, market=0, reference=e.order, price=99 * USD, size=2),
    command.POOL_ADD: lambda e: e.fields(command.POOL_ADD, market=0, flags=command.AMM, amount=100 * USD),
    command.INSURANCE_ADD: lambda e: e.fields(command.INSURANCE_ADD, market=0, amount=1),
}
# kinds of an account that are tried otherwise
ELSEWHERE = {
    command.MOVE_POSITION: "orders must be gone first: below",
    command.TWAP: "each slice is an order: below",
    command.POOL_REMOVE: "pays the account; the pool's own check is in test_engine_pools.py",
    command.INSURANCE_REMOVE: "pays the account; the fund's floor is in test_engine_insurance.py",
    command.WITHDRAW_ASSET: "lots leave, not cash: test_engine_collateral.py",
    command.DETACH_RANGE: "a position leaves, not cash: test_engine_liquidity.py",
    command.MOVE_RANGE: "a position moves, not cash: test_engine_liquidity.py",
    command.MOVE_ASSET: "lots move, not cash: test_engine_collateral.py",
    command.RESHAPE_RANGE: "the bridge's; what comes out stays in the bucket: test_engine_liquidity.py",
    command.SET_PORTFOLIO: "nothing leaves: test_engine_portfolio.py",
    command.BUY_ASSET: "somebody must be selling: test_engine_collateral.py",
}
REFUSALS = (code.WITHDRAWABLE, code.INITIAL_MARGIN)


def test_every_risk_increasing_kind_of_an_account_is_tried() -> None:
    of_accounts = {kind for kind in RISK_INCREASING if "account" in command.FIELDS[kind]}
    assert set(TRIES) | set(ELSEWHERE) == of_accounts
    assert not set(TRIES) & set(ELSEWHERE)


@pytest.mark.parametrize("kind", sorted(TRIES))
def test_nothing_leaves_an_account_at_its_edge(kind: int) -> None:
    edge = Edge()
    fields = TRIES[kind](edge)
    done = edge.world.venue.copy()
    got = edge.world.do(**fields).codes[0]
    assert got in REFUSALS, code.TEXT[int(got)]
    edge.world.venue = done
    edge.world.refused(int(got), **fields)
    edge.world.deposit(edge.who, 1_000)
    edge.world.must(**TRIES[kind](edge))  # the same is accepted of an account that can afford it


def test_no_slice_of_a_schedule_fills_at_the_edge() -> None:
    edge = Edge()
    edge.world.place(edge.maker, 0, SELL, PRICE, 50)
    held = edge.world.position(edge.who, 0)
    minute = 60_000
    fields = edge.fields(command.TWAP, market=0, size=20, amount=5 * minute, price=PRICE)
    edge.world.must(**fields)
    for _ in range(10):
        edge.world.tick(minute // 2)
        edge.world.price(0, PRICE)
    assert edge.world.position(edge.who, 0) == held


def test_no_position_moves_out_of_the_margin_of_another() -> None:
    world = World()
    who, maker = world.account(150), world.account(100_000)
    for market in range(2):
        world.trade(who, maker, market, PRICE, 10)
    fields = {"kind": command.MOVE_POSITION, "signer": who, "account": who, "market": 0, "flags": command.ISOLATED}
    world.refused(code.INITIAL_MARGIN, amount=100 * USD + 1, **fields)
    world.must(amount=100 * USD, **fields)
