"""The models of single commands: each kind has one, and each notices a lie about what a command did."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seawall.engine.rows import rows_of
from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation import accounting, judge, model_margin, model_money
from seawall.simulation.genesis import address_of, rows_from
from seawall.simulation.judge import Judge
from seawall.simulation.judge_clock import Clock
from seawall.simulation.options import draw
from seawall.simulation.trials import Trials
from seawall.simulation.world import World
from seawall.terms import code, command, event, parameter
from venue_world import SELL, USD
from venue_world import World as Small

Tamper = Callable[[Any], None]
OWN = (command.TICK, command.ORACLE, command.FUNDING, command.LIQUIDATE, command.PROPOSE, command.GUARD)
ADMIN = {"signer": command.ADMIN}


@pytest.fixture
def world() -> World:
    found = World(draw(1, 4))
    found.apply(rows_from(np.concatenate(found.step(found.now + 1_000))))
    return found


def added(column: str, place: Any, amount: int = 1) -> Tamper:
    """Changes a cell after the command: the engine did something else."""

    def change(columns: Any) -> None:
        columns[column][place] += amount

    return change


def test_every_kind_of_command_is_judged() -> None:
    judged = {*model_money.JUDGES, *model_margin.JUDGES, *judge.PLAIN, *judge.COLLATERAL, *judge.ORDERS, *OWN}
    assert judged == set(command.FIELDS)


MASTER = {"account": 0, "signer": 0}
FRESH = dict(address_of(777).items())
CASES: dict[str, tuple[dict[str, int], Tamper, str]] = {
    "account": (
        {"kind": command.CREATE_ACCOUNT, "signer": command.SEQUENCER, **FRESH},
        lambda columns: added("account_address", (int(columns["cell"][state.ACCOUNTS]) - 1, 2))(columns),
        "POST_ACCOUNT",
    ),
    "sub": (
        {"kind": command.CREATE_SUB, **MASTER},
        lambda columns: added("account_master", int(columns["cell"][state.ACCOUNTS]) - 1)(columns),
        "POST_ACCOUNT",
    ),
    "agent": (
        {"kind": command.APPROVE_AGENT, **MASTER, **FRESH, "amount": 1},
        lambda columns: added("agent_scope", columns["agent_scope"] == 1)(columns),
        "POST_AGENT",
    ),
    "top-up": ({"kind": command.SET_TOP_UP, **MASTER, "amount": 5}, added("setting_floor", slice(None)), "POST_TOP_UP"),
    "schedule": (
        {"kind": command.SCHEDULE_CANCEL, **MASTER, "expires": 2**42},
        added("account_cancel", 0),
        "POST_CANCEL",
    ),
    "status": (
        {"kind": command.SET_STATUS, **ADMIN, "flags": command.HALTED},
        added("market_status", 0),
        "POST_STATUS",
    ),
    "source": ({"kind": command.SET_SOURCE, **ADMIN, "size": 0}, added("source_weight", (0, 0)), "POST_SOURCE"),
    "parameter": (
        {"kind": command.SET_PARAMETER, **ADMIN, "other": parameter.POSITION_CAP, "price": 1},
        added("param_static", (0, parameter.POSITION_CAP)),
        "POST_PARAMETER",
    ),
    "delisting": ({"kind": command.DELIST, **ADMIN}, added("market_price", 0), "POST_DELIST"),
    "bystander": ({"kind": command.SCHEDULE_CANCEL, **MASTER}, added("bucket_raw", 3), "POST_OTHERS"),
}


def fields_of(world: World, given: dict[str, int]) -> dict[str, int]:
    """A whole row, with a nonce when an account signs."""
    fields = dict.fromkeys(command.ROW, 0) | given
    if fields["signer"] >= 0:
        fields["nonce"] = world.now + 777
    return fields


def applied(world: World, fields: dict[str, int]) -> Applied:
    return world.apply(rows_from(np.array([[fields[name] for name in command.ROW]], np.int64)), is_whole=False)


@pytest.mark.parametrize("name", CASES)
def test_a_lie_about_an_accepted_command_is_noticed(world: World, name: str) -> None:
    given, tamper, post = CASES[name]
    fields = fields_of(world, given)
    judged = Judge(world.columns, dict(fields))
    done = applied(world, fields)
    assert done.codes[0] == code.OK
    assert judged.after(done) == []
    tamper(world.columns)
    assert judged.after(done)[0].name == post


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_without_a_rule_is_noticed(world: World, name: str) -> None:
    fields = fields_of(world, CASES[name][0])
    judged = Judge(world.columns, dict(fields))
    refused = Applied(np.array([code.ORDERS_FULL]), np.zeros(1, np.int64), np.zeros((0, 12), np.int64))
    assert judged.after(refused)[0].name == "POST_ACCEPTED"


@pytest.mark.parametrize(
    "given",
    [
        {"kind": command.APPROVE_AGENT, **MASTER, **FRESH, "amount": 4},
        {"kind": command.REVOKE_AGENT, **MASTER, **FRESH},
        {"kind": command.SCHEDULE_CANCEL, **MASTER, "expires": 1},
        {"kind": command.CANCEL_TWAP, **MASTER, "reference": 1},
        {"kind": command.TWAP, **MASTER, "amount": 300_000, "size": 10},
        {"kind": command.SET_STATUS, **ADMIN, "flags": command.DELISTING},
        {"kind": command.SET_TIER, **ADMIN, "other": 9, "size": 1, "price": 1},
        {"kind": command.SET_SOURCE, **ADMIN, "other": 8},
        {"kind": command.SET_PARAMETER, **ADMIN, "other": parameter.BREAKER, "price": 1},
        {"kind": command.LIST_MARKET, **ADMIN, "price": 1},
        {"kind": command.DELIST, **ADMIN, "price": 1},
        {"kind": command.PLACE, **MASTER, "flags": command.STOP, "size": 1, "trigger": 3},
        {"kind": command.PLACE, "signer": 5, "size": 1, "price": -1},
        {"kind": command.PROPOSE, "signer": command.RISK, "reference": 2**62 + 1},
        {"kind": command.DEPOSIT, "signer": command.BRIDGE, "price": 1},
        {"kind": 99},
    ],
)
def test_an_acceptance_against_a_rule_is_noticed(world: World, given: dict[str, int]) -> None:
    """Every refusal of the engine here is one of the model, and accepting it would not be."""
    fields = fields_of(world, given)
    judged = Judge(world.columns, dict(fields))
    done = applied(world, fields)
    assert done.codes[0] != code.OK
    assert judged.after(done) == []
    accepted = Applied(np.zeros(1, np.int64), done.made, done.events)
    assert judged.after(accepted)[0].name == "POST_REFUSED"


def test_a_stop_that_waits_for_something_else_is_noticed(world: World) -> None:
    columns, trials = world.columns, Trials(world)
    mark = int(columns["market_price"][0])
    trigger = int(world.traffic._snap(np.array([0]), np.array([mark // 2]))[0])
    fields = trials._fields(command.PLACE, 0, market=0, flags=command.STOP | command.SELL, size=1, trigger=trigger)
    judged = Judge(columns, dict(fields))
    done = applied(world, fields)
    assert done.codes[0] == code.OK
    assert judged.after(done) == []
    columns["order_trigger"][np.flatnonzero(columns["order_id"] == done.made[0])] += 1
    assert judged.after(done)[0].name == "POST_TRIGGER"


@pytest.mark.parametrize("cell", [state.NOW, state.HOUR_OUT, state.DAY_START])
def test_a_clock_that_goes_elsewhere_is_noticed(world: World, cell: int) -> None:
    fields = fields_of(world, {"kind": command.TICK, "signer": command.SEQUENCER, "time": world.now + 5})
    clock = Clock(world.columns, fields)
    done = applied(world, fields)
    assert clock.judge(done) == []
    world.columns["cell"][cell] += 1
    assert clock.judge(done)[0].name == "POST_CLOCK"


def test_open_interest_may_grow_below_a_cap_that_came_and_went() -> None:
    """Seed 20261130 world 914: a cap lifted, used and taken back within one batch."""
    few = Small(markets=1)
    one, other = few.account(1_000), few.account(1_000)
    before = accounting.note(few.venue.columns)
    before.caps[0] = 0
    trade = {"kind": command.PLACE, "market": 0, "price": 100 * USD, "size": 5, "nonce": few.now + 1}
    rows = [{**trade, "account": one, "signer": one}, {**trade, "account": other, "signer": other, "flags": SELL}]
    lowered = {"kind": command.SET_PARAMETER, **ADMIN, "other": parameter.OPEN_INTEREST_CAP, "price": 0}
    done = few.venue.apply(rows_of([*rows, lowered]))
    assert not done.codes.any()
    assert [fault.name for fault in accounting.explain(few.venue.columns, before, done)] == ["EVENT_CAPS"]
    told = [done.events[-1, 0], event.PARAMETER, 0, 0, -1, 1, parameter.OPEN_INTEREST_CAP, 5, 0, 0, 0, 0]
    lifted = done._replace(events=np.concatenate([[told], done.events]))
    assert accounting.explain(few.venue.columns, before, lifted) == []
