"""The named invariants of a venue: what must hold of its columns between any two commands (docs/INVARIANTS.md).

Host side, whole columns at once, integers only. `CHEAP` is for after every batch, `FULL` adds the tables. A name keeps
its meaning for ever: a failing run is told by it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.engine import invariant_collateral as collateral
from seawall.engine import invariant_money as money
from seawall.engine import invariant_tables as tables
from seawall.engine import invariant_waiting as waiting
from seawall.engine.invariant_view import View
from seawall.ledger import state


class Invariant(NamedTuple):
    """A property by name, its English line, and the check that says what is wrong ("" when it holds)."""

    name: str
    line: str
    fault: Callable[[View], str]


class Broken(NamedTuple):
    """An invariant that does not hold, with facts."""

    name: str
    line: str
    facts: str


def _named(name: str, fault: Callable[[View], str]) -> Invariant:
    return Invariant(name, " ".join((fault.__doc__ or "").split()), fault)


CHEAP: Final = (
    _named("INV_OI_ZERO_SUM", money.zero_sum),
    _named("INV_OPEN_INTEREST", money.open_interest),
    _named("INV_ENTRY_SUM", money.entry_sum),
    _named("INV_CONSERVATION", money.conservation),
    _named("INV_EQUITY_SUM", money.equity_sum),
    _named("INV_FUNDS", money.funds),
    _named("INV_BAD_DEBT", money.bad_debt),
    _named("INV_PENDING", money.pending),
    _named("INV_SHARES", money.shares),
    _named("INV_ADVANCED", money.advanced),
    _named("INV_BOUNDS", money.bounds),
    _named("INV_SLOTS", money.slots),
    _named("INV_NONE_MISSED", money.none_missed),
    _named("INV_FIRED_RING", money.fired_ring),
    _named("INV_QUEUE", money.queue),
    _named("INV_ORDERS", tables.orders),
    _named("INV_BUCKET_ORDERS", tables.bucket_orders),
    _named("INV_RESERVES", tables.reserves),
    _named("INV_LEVELS", tables.levels),
    _named("INV_UNCROSSED", tables.uncrossed),
    _named("INV_ORDER_PLACES", tables.order_places),
    _named("INV_STATUSES", tables.statuses),
    _named("INV_UNUSED_BUCKETS", tables.unused_buckets),
    _named("INV_HOLDINGS", collateral.holdings),
    _named("INV_CUSTODY", collateral.custody),
    _named("INV_WORTH", collateral.worth),
    _named("INV_DEBTS", collateral.debts),
    _named("INV_PORTFOLIOS", collateral.portfolios),
)
FULL: Final = (
    *CHEAP,
    _named("INV_LADDER", money.ladder_rows),
    _named("INV_FREE_SLOTS", money.free_slots),
    _named("INV_HELD", tables.held),
    _named("INV_TIERS", money.tiers),
    _named("INV_ASSETS", collateral.assets),
    _named("INV_PARAMETERS", money.parameters),
    _named("INV_LEVEL_INDEX", tables.level_index),
    _named("INV_CLIENTS", tables.clients),
    _named("INV_ISOLATED", tables.isolated),
    _named("INV_POOLS", tables.pools),
    _named("INV_ACCOUNTS", tables.accounts),
    _named("INV_ADDRESSES", tables.addresses),
    _named("INV_NONCES", tables.nonces),
    _named("INV_TWAPS", tables.twaps),
    _named("INV_FAMILIES", waiting.families),
    _named("INV_TRAILING", waiting.trailing),
    _named("INV_TRIGGER_COUNTS", waiting.trigger_counts),
)

MONOTONE: Final = (
    state.SEQUENCE,
    state.NOW,
    state.ACCOUNTS,
    state.MARKETS,
    state.ORDER_SERIAL,
    state.WITHDRAWAL_SERIAL,
    state.TWAP_SERIAL,
    state.DEPOSIT_SERIAL,
    state.RISK_SERIAL,
    state.RISK_TIME,
    state.BORROW_INDEX,
    state.ASSETS,
)
FORWARD_LINE: Final = "The count of commands, the clock, serials, nonce floors and price times never go back."


def broken(columns: Any, checks: Sequence[Invariant] = FULL) -> list[Broken]:
    """The invariants that do not hold, in order; none when all is well."""
    view = View(columns)
    found = []
    for check in checks:
        if facts := check.fault(view):
            found.append(Broken(check.name, check.line, facts))
    return found


class Forward:
    """What may only grow, noted after one batch and compared after the next (INV_FORWARD)."""

    def __init__(self, columns: Any) -> None:
        """Notes the columns as they are."""
        self.cells = columns["cell"][list(MONOTONE)].copy()
        self.times = {
            name: columns[name].copy() for name in ("market_oracle_time", "market_funding_time", "nonce_floor")
        }

    def broken(self, columns: Any) -> list[Broken]:
        """INV_FORWARD when something went back since."""
        cells = columns["cell"][list(MONOTONE)]
        if (cells < self.cells).any():
            at = int(np.flatnonzero(cells < self.cells)[0])
            return [Broken("INV_FORWARD", FORWARD_LINE, f"cell {MONOTONE[at]}: {self.cells[at]} then {cells[at]}")]
        for name, before in self.times.items():
            if (columns[name] < before).any():
                at = int(np.flatnonzero(columns[name] < before)[0])
                return [Broken("INV_FORWARD", FORWARD_LINE, f"{name} {at}: {before[at]} then {columns[name][at]}")]
        return []
