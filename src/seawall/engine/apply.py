"""The engine: commands in, events out (kernels). Start reading here; then the one module a command touches.

Every command passes the same gates in the same order, so that the same bad request always gives the same code: shape
(engine/rows.py), authority, nonce, existence; then its handler checks the rest before it changes anything.
"""

from typing import Any, Final

from seawall.engine.accounts import approve_agent, create_account, create_sub, revoke_agent
from seawall.engine.ahead import GROUP, read_ahead
from seawall.engine.assets import list_asset, propose_asset, set_asset
from seawall.engine.authority import authorise, use_nonce
from seawall.engine.cash import deposit, transfer
from seawall.engine.clock import tick
from seawall.engine.collateral import buy_asset, deposit_asset, move_asset, withdraw_asset
from seawall.engine.delisting import delist
from seawall.engine.funding import funding
from seawall.engine.isolated import isolated_margin, move_position, set_leverage, set_top_up
from seawall.engine.liquidity import attach_range, detach_range, move_range, reshape_range, unwind_range
from seawall.engine.markets import list_market, set_source
from seawall.engine.orders import cancel, cancel_all, cancel_client, modify, place, schedule_cancel
from seawall.engine.parameters import set_parameter
from seawall.engine.pools import insurance_add, insurance_remove, pool_add, pool_remove
from seawall.engine.portfolio import set_portfolio
from seawall.engine.prices import oracle
from seawall.engine.rails import propose
from seawall.engine.statuses import guard, set_status
from seawall.engine.stops import sweep_closed
from seawall.engine.tiers import set_tier
from seawall.engine.twap import cancel_twap, start_twap
from seawall.engine.withdrawals import cancel_withdrawal, finish_withdrawal, withdraw
from seawall.kernel import INTERPRETED, kernel, warm_up
from seawall.ledger.state import CLOSED, EVENTS_USED, MARKETS, RESULT, SEQUENCE
from seawall.liquidation.step import liquidate
from seawall.terms import code, command
from seawall.terms.limits import EVENTS, EVENTS_PER_COMMAND

VENUE_WIDE: Final = -1


@kernel
def apply_rows(states: Any, rows: Any, shapes: Any, codes: Any, made: Any, first: int) -> int:
    """Applies rows from `first` until all are done or the event columns may not hold another; returns the next row.

    Writes each row's code and the id of what it made. One call a batch: crossing into compiled code costs more than
    a command.
    """
    s = states[0]
    for i in range(first, len(rows)):
        if not INTERPRETED and (i - first) % GROUP == 0:
            s.at[0] = read_ahead(s, rows, i)
        if s.cell[EVENTS_USED] + EVENTS_PER_COMMAND > EVENTS:
            return i
        s.cell[SEQUENCE] += 1
        s.cell[RESULT] = 0
        codes[i] = apply_one(s, rows[i], shapes[i])
        made[i] = s.cell[RESULT]
        if s.cell[CLOSED] != 0 and codes[i] == code.OK:
            sweep_closed(s)
    s.cell[RESULT] = 0
    return len(rows)


@kernel
def apply_one(s: Any, c: Any, shape: int) -> int:
    """One command: the gates, then its handler. Returns its code."""
    if shape != code.OK:
        return int(shape)
    allowed = authorise(s, c.kind, c.signer, c.account)
    if allowed != code.OK:
        return int(allowed)
    fresh = use_nonce(s, c)
    if fresh != code.OK:
        return int(fresh)
    if needs_market(c.kind) and not is_market(s, c.kind, c.market):
        return code.UNKNOWN_MARKET
    if c.kind < command.TICK:
        return int(_trader(s, c))
    if c.kind < command.POOL_ADD:
        return int(_step(s, c))
    if c.kind >= command.LIST_ASSET:
        return int(_collateral(s, c))
    return int(_office(s, c))


@kernel
def needs_market(kind: int) -> bool:
    """Whether the command names a market that must be listed."""
    if kind < command.TICK:
        return command.ISOLATED_MARGIN <= kind <= command.CANCEL_ALL or kind == command.TWAP
    if kind >= command.LIST_ASSET:
        return kind in (command.LIST_ASSET, command.MOVE_ASSET, command.MOVE_RANGE)
    return command.ORACLE <= kind <= command.FUNDING or (kind >= command.POOL_ADD and kind != command.LIST_MARKET)


@kernel
def is_market(s: Any, kind: int, market: int) -> bool:
    """Whether the command may name this market: a listed one, or -1 where that means all."""
    return 0 <= market < s.cell[MARKETS] or (market == VENUE_WIDE and may_be_venue_wide(kind))


@kernel
def may_be_venue_wide(kind: int) -> bool:
    """Whether market -1 means something to the command."""
    return kind in (command.CANCEL_ALL, command.GUARD, command.SET_PARAMETER, command.SET_STATUS)


@kernel
def _trader(s: Any, c: Any) -> int:
    kind = c.kind
    if kind >= command.PLACE:
        return int(_order(s, c))
    if kind >= command.ISOLATED_MARGIN:
        if kind == command.ISOLATED_MARGIN:
            return int(isolated_margin(s, c))
        if kind == command.SET_TOP_UP:
            return int(set_top_up(s, c))
        if kind == command.MOVE_POSITION:
            return int(move_position(s, c))
        return int(set_leverage(s, c))
    if kind >= command.DEPOSIT:
        return int(_money(s, c))
    if kind == command.CREATE_ACCOUNT:
        return int(create_account(s, c))
    if kind == command.CREATE_SUB:
        return int(create_sub(s, c))
    if kind == command.APPROVE_AGENT:
        return int(approve_agent(s, c))
    return int(revoke_agent(s, c))


@kernel
def _order(s: Any, c: Any) -> int:
    kind = c.kind
    if kind == command.PLACE:
        return int(place(s, c))
    if kind == command.CANCEL:
        return int(cancel(s, c))
    if kind == command.MODIFY:
        return int(modify(s, c))
    if kind == command.CANCEL_CLIENT:
        return int(cancel_client(s, c))
    if kind == command.CANCEL_ALL:
        return int(cancel_all(s, c))
    if kind == command.SCHEDULE_CANCEL:
        return int(schedule_cancel(s, c))
    if kind == command.TWAP:
        return int(start_twap(s, c))
    return int(cancel_twap(s, c))


@kernel
def _money(s: Any, c: Any) -> int:
    kind = c.kind
    if kind == command.DEPOSIT:
        return int(deposit(s, c))
    if kind == command.WITHDRAW:
        return int(withdraw(s, c))
    if kind == command.FINISH_WITHDRAWAL:
        return int(finish_withdrawal(s, c))
    if kind == command.CANCEL_WITHDRAWAL:
        return int(cancel_withdrawal(s, c))
    return int(transfer(s, c))


@kernel
def _step(s: Any, c: Any) -> int:
    kind = c.kind
    if kind == command.ORACLE:
        return int(oracle(s, c))
    if kind == command.LIQUIDATE:
        return int(liquidate(s, c))
    if kind == command.FUNDING:
        return int(funding(s, c))
    return int(tick(s, c))


@kernel
def _office(s: Any, c: Any) -> int:
    kind = c.kind
    if kind < command.PROPOSE:
        if kind == command.POOL_ADD:
            return int(pool_add(s, c))
        if kind == command.POOL_REMOVE:
            return int(pool_remove(s, c))
        if kind == command.INSURANCE_ADD:
            return int(insurance_add(s, c))
        return int(insurance_remove(s, c))
    if kind == command.PROPOSE:
        return int(propose(s, c))
    if kind == command.GUARD:
        return int(guard(s, c))
    if kind == command.LIST_MARKET:
        return int(list_market(s, c))
    if kind == command.SET_TIER:
        return int(set_tier(s, c))
    if kind == command.SET_PARAMETER:
        return int(set_parameter(s, c))
    if kind == command.SET_STATUS:
        return int(set_status(s, c))
    if kind == command.SET_SOURCE:
        return int(set_source(s, c))
    return int(delist(s, c))


@kernel
def _collateral(s: Any, c: Any) -> int:
    kind = c.kind
    if kind == command.DEPOSIT_ASSET:
        return int(deposit_asset(s, c))
    if kind == command.WITHDRAW_ASSET:
        return int(withdraw_asset(s, c))
    if kind == command.MOVE_ASSET:
        return int(move_asset(s, c))
    if kind == command.BUY_ASSET:
        return int(buy_asset(s, c))
    if kind == command.SET_PORTFOLIO:
        return int(set_portfolio(s, c))
    if kind >= command.ATTACH_RANGE:
        return int(_liquidity(s, c))
    if kind == command.LIST_ASSET:
        return int(list_asset(s, c))
    if kind == command.SET_ASSET:
        return int(set_asset(s, c))
    return int(propose_asset(s, c))


@kernel
def _liquidity(s: Any, c: Any) -> int:
    kind = c.kind
    if kind == command.ATTACH_RANGE:
        return int(attach_range(s, c))
    if kind == command.DETACH_RANGE:
        return int(detach_range(s, c))
    if kind == command.MOVE_RANGE:
        return int(move_range(s, c))
    if kind == command.UNWIND_RANGE:
        return int(unwind_range(s, c))
    return int(reshape_range(s, c))


@warm_up
def compile_engine() -> None:
    """Compiles the engine at the capacity of the tests, by one command."""
    from seawall.engine.venue import Venue

    Venue().one(kind=command.TICK, signer=command.SEQUENCER, time=1)
