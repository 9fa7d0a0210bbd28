"""Traffic of the risk engine, the guardian and the admin: honest, careless, and malicious with a quorum behind it."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from seawall.ledger import state
from seawall.simulation.genesis import FIELD
from seawall.terms import command, parameter, venue_parameter
from seawall.terms.limits import NOTIONAL_MAX, PRICE_MAX
from seawall.units import RATE_ONE

if TYPE_CHECKING:
    from seawall.simulation.traffic import Traffic

RAILED: Final = tuple(number for number, spec in parameter.MARKET.items() if spec.rail is not None)
STATUSES: Final = (
    command.ACTIVE,
    command.ACTIVE,
    command.REDUCING,
    command.POSTING,
    command.CANCELLING,
    command.HALTED,
    command.CLOSED,
    command.DELISTING,
    command.UNLISTED,
)


def fill_office(t: "Traffic", table: Any, where: Any, kind: int) -> None:
    """Fields of the rows of one kind of administration."""
    many = len(where)
    table[where, FIELD["market"]] = t._markets(many)
    if kind == command.PROPOSE:
        _propose(t, table, where)
    elif kind == command.GUARD:
        _status(t, table, where, (command.REDUCING, command.POSTING, command.CANCELLING, command.HALTED))
    elif kind == command.SET_STATUS:
        _status(t, table, where, STATUSES)
    elif kind == command.SET_PARAMETER:
        _parameter(t, table, where)
    elif kind == command.SET_SOURCE:
        table[where, FIELD["other"]] = t.rng.integers(0, 9, many)
        table[where, FIELD["size"]] = t.rng.integers(0, 4, many)
    elif kind == command.SET_TIER:
        _tier(t, table, where)
    elif kind == command.LIST_MARKET:
        table[where, FIELD["market"]] = t.rng.integers(0, 6, many)
        table[where, FIELD["other"]] = t.rng.integers(-9, 8, many)
        table[where, FIELD["price"]] = t.rng.integers(1, PRICE_MAX, many)
    elif kind == command.DELIST:
        mark = t.mark[table[where, FIELD["market"]]]
        table[where, FIELD["price"]] = np.where(t.rng.random(many) < 0.5, 0, mark)


def restore(columns: Any) -> Any:
    """Rows by which the admin takes halted markets one step back toward trading, as after an incident."""
    status = columns["market_status"]
    rows = []
    venue = int(columns["cell"][state.VENUE_STATUS])
    if venue != command.ACTIVE:
        rows.append((-1, _next(venue)))
    for number in range(int(columns["cell"][state.MARKETS])):
        now = int(status[number])
        if now in (command.REDUCING, command.POSTING, command.CANCELLING, command.HALTED, command.CLOSED):
            rows.append((number, _next(now)))
    table = np.zeros((len(rows), len(command.ROW)), np.int64)
    for at, (market, wanted) in enumerate(rows):
        table[at, FIELD["kind"]], table[at, FIELD["signer"]] = command.SET_STATUS, command.ADMIN
        table[at, FIELD["market"]], table[at, FIELD["flags"]] = market, wanted
    return table


def _next(status: int) -> int:
    """The next status on the way from a halt to trading: cancel-only, post-only, full."""
    if status in (command.HALTED, command.CLOSED):
        return command.CANCELLING
    return command.POSTING if status == command.CANCELLING else command.ACTIVE


def _propose(t: "Traffic", table: Any, where: Any) -> None:
    rng, many, columns = t.rng, len(where), t.columns
    market = table[where, FIELD["market"]]
    which = rng.choice(RAILED, many)
    now = columns["param"][market, which]
    small = now + np.maximum(np.abs(now) // 50, 1) * rng.integers(-3, 4, many)
    wild = np.array([_wild(rng, int(number)) for number in which])
    states = [parameter.NORMAL, parameter.NORMAL, parameter.NORMAL, parameter.SOFT, parameter.RECOVERY]
    breaker = rng.choice(states, many)
    small = np.where(which == parameter.BREAKER, breaker, small)
    value = np.where(rng.random(many) < t.options.malice, wild, small)
    table[where, FIELD["other"]], table[where, FIELD["price"]] = which, np.clip(value, -NOTIONAL_MAX, NOTIONAL_MAX)
    serial = int(columns["cell"][state.RISK_SERIAL])
    step = np.where(rng.random(many) < 0.05, rng.integers(-3, 3, many), 1 + np.arange(many))
    table[where, FIELD["reference"]] = np.maximum(serial + step, 0)
    table[where, FIELD["expires"]] = t.now + rng.integers(-1_000, 600_000, many)
    table[where, FIELD["amount"]] = np.where(rng.random(many) < 0.05, rng.integers(0, 3, many), 3)


def _wild(rng: np.random.Generator, which: int) -> int:
    """A value at the edge of a parameter's range, or beyond: what a captured risk engine would send."""
    spec = parameter.MARKET[which]
    return int(rng.choice([spec.low, spec.high, spec.low - 1, spec.high + 1, (spec.low + spec.high) // 2]))


def _status(t: "Traffic", table: Any, where: Any, choice: tuple[int, ...]) -> None:
    many = len(where)
    everywhere = t.rng.random(many) < 0.1
    table[where, FIELD["flags"]] = t._pick(where, choice)
    table[where, FIELD["market"]] = np.where(everywhere, -1, table[where, FIELD["market"]])


def _parameter(t: "Traffic", table: Any, where: Any) -> None:
    rng = t.rng
    for at in where.tolist():
        if rng.random() < 0.3:
            table[at, FIELD["market"]] = -1
            which = int(rng.choice(list(venue_parameter.VENUE)))
            spec, now = venue_parameter.VENUE[which], int(t.columns["param"][-1, which])
        else:
            which = int(rng.choice(list(parameter.MARKET)))
            spec, now = parameter.MARKET[which], int(t.columns["param"][table[at, FIELD["market"]], which])
        near = now + max(abs(now) // 20, 1) * int(rng.integers(-2, 3))
        edge = int(rng.choice([spec.low, spec.high, spec.low - 1, spec.high + 1]))
        table[at, FIELD["other"]] = which
        table[at, FIELD["price"]] = np.clip(edge if rng.random() < 0.1 else near, -NOTIONAL_MAX, NOTIONAL_MAX)
        later = t.now + parameter.DAY_MS + int(rng.integers(-1, 2))
        table[at, FIELD["expires"]] = int(rng.choice([0, later, t.now + 1000]))


def _tier(t: "Traffic", table: Any, where: Any) -> None:
    rng, many = t.rng, len(where)
    table[where, FIELD["other"]] = rng.integers(0, 5, many)
    table[where, FIELD["amount"]] = rng.integers(0, 10**12, many)
    leverage = rng.integers(1, 60, many)
    table[where, FIELD["size"]] = leverage
    table[where, FIELD["price"]] = RATE_ONE // (2 * leverage) + rng.integers(-2, 3, many)
