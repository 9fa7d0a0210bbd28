"""What the rule says of accounts, agents, cancels, schedules and top-ups: refusals, and what must stand after.

A judge reads the columns before the command. It gives the codes that may refuse it, and a look at the columns after it
was accepted: "" or what is wrong there.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from seawall.ledger import state
from seawall.simulation import observe
from seawall.simulation.model import Picture
from seawall.simulation.model_grid import ordinal
from seawall.simulation.model_orders import status_refusals
from seawall.terms import code, command
from seawall.terms.limits import (
    AGENTS_PER_ACCOUNT,
    AMOUNT_MAX,
    CANCELS_PER_COMMAND,
    NOTIONAL_MAX,
    SUBACCOUNTS,
    TWAPS_PER_ACCOUNT,
)
from seawall.terms.parameter import TWAP_LEAST_MS, TWAP_MOST_MS, TWAP_STEP_MS

Fields = dict[str, int]
Look = Callable[[Any], str]
CROSS: Final = 1  # kind of a bucket
NOTICE_MS: Final = 5_000  # least that a scheduled cancel lies ahead
WORDS: Final = ("address_0", "address_1", "address_2")
TWAP_FLAGS: Final = command.SELL | command.REDUCE_ONLY | command.CANCEL_MAKER | command.CANCEL_BOTH


class Wanted(NamedTuple):
    """The model's word: refusals, and how to see whether what was accepted was done."""

    refusals: list[int]
    look: Look


def seen(**wanted: tuple[Any, Any]) -> Look:
    """A look at cells: by column, where and what must be there."""

    def look(columns: Any) -> str:
        for name, (where, value) in wanted.items():
            if not np.array_equal(columns[name][where], value):
                return f"{name}[{where}] is {columns[name][where]}, wanted {value}"
        return ""

    return look


def create_account(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """A master account for an address that has none; an agent of that address is gone, if the address itself signed."""
    many, address = len(picture.masters), _address(c)
    agents = _agents(columns, address)
    why = [] if _is_address(address) else [code.BAD_FIELD]
    if (columns["account_address"][:many] == address).all(axis=1).any() and any(address):
        why.append(code.ACCOUNT_EXISTS)
    if len(agents) and c["signer"] != command.SEQUENCER:
        why.append(code.AGENT_EXISTS)
    if many == len(columns["account_master"]):
        why.append(code.ACCOUNTS_FULL)
    look = seen(
        cell=(state.ACCOUNTS, many + 1),
        account_master=(many, many),
        account_address=(many, address),
        bucket_kind=(many, CROSS),
        bucket_owner=(many, many),
        bucket_raw=(many, 0),
        agent_scope=(agents, np.zeros(len(agents))),
    )
    return Wanted(why, look)


def create_sub(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """A sub-account of a master, and of no other account."""
    many, master = len(picture.masters), c["account"]
    why = [] if picture.masters[master] == master else [code.NOT_AUTHORISED]
    if many == len(columns["account_master"]) or picture.masters.count(master) > SUBACCOUNTS:
        why.append(code.ACCOUNTS_FULL)
    look = seen(
        cell=(state.ACCOUNTS, many + 1),
        account_master=(many, master),
        account_address=(many, [0, 0, 0]),
        bucket_kind=(many, CROSS),
        bucket_owner=(many, many),
        bucket_raw=(many, 0),
    )
    return Wanted(why, look)


def approve_agent(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """An address may sign for the account, within a scope and for a time, unless it speaks for anybody already."""
    address, account = _address(c), c["account"]
    agents = _agents(columns, address)
    why = [] if _is_address(address) and 1 <= c["amount"] <= 3 else [code.BAD_FIELD]
    if c["expires"] and c["expires"] <= picture.now:
        why.append(code.BAD_TIME)
    is_master = (columns["account_address"][: len(picture.masters)] == address).all(axis=1).any() and any(address)
    if is_master or (columns["agent_account"][agents] != account).any():
        why.append(code.AGENT_EXISTS)
    used = columns["agent_scope"] != 0
    own = int((used & (columns["agent_account"] == account)).sum())
    if not len(agents) and (own >= AGENTS_PER_ACCOUNT or used.sum() >= len(used) - 1):
        why.append(code.AGENTS_FULL)

    def look(after: Any) -> str:
        rows = _agents(after, address)
        told = [tuple(int(after[f"agent_{name}"][row]) for name in ("account", "scope", "expires")) for row in rows]
        return "" if told == [(account, c["amount"], c["expires"])] else f"agents of the address: {told}"

    return Wanted(why, look)


def revoke_agent(columns: Any, picture: Picture, c: Fields) -> Wanted:  # noqa: ARG001
    """The account's agent is one no more."""
    address = _address(c)
    agents = _agents(columns, address)
    why = [] if _is_address(address) else [code.BAD_FIELD]
    if not len(agents) or (columns["agent_account"][agents] != c["account"]).any():
        why.append(code.UNKNOWN_AGENT)
    return Wanted(why, lambda after: "the address is an agent still" if len(_agents(after, address)) else "")


def set_top_up(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """What automatic top-ups leave in cross; -1 switches them off."""
    account, market = c["account"], c["market"]
    why = [] if -1 <= c["amount"] <= AMOUNT_MAX else [code.BAD_AMOUNT]
    if market not in picture.markets or picture.markets[market].status == command.UNLISTED:
        why.append(code.UNKNOWN_MARKET)
    keys = columns["setting_key"]
    is_new = not (keys == 1 + account * len(columns["market_price"]) + market).any()
    if is_new and np.count_nonzero(keys) >= len(keys) // 4 * 3:
        why.append(code.SETTINGS_FULL)
    before = observe.setting(columns, account, market)

    def look(after: Any) -> str:
        now = observe.setting(after, account, market)
        return "" if now == (*before[:2], c["amount"]) else f"setting {before} became {now}"

    return Wanted(why, look)


def cancel_all(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """Every order of the account is gone, in one market or in all, as far as one command reaches."""
    account, market = c["account"], c["market"]
    why = [] if market == -1 or market in picture.markets else [code.UNKNOWN_MARKET]
    left = max(0, len(_orders(columns, account, market)) - CANCELS_PER_COMMAND)
    others = len(_orders(columns, account, -1)) - len(_orders(columns, account, market))

    def look(after: Any) -> str:
        rows = len(_orders(after, account, market))
        kept = len(_orders(after, account, -1)) - rows
        return "" if rows <= left and kept == others else f"{rows} orders left, {kept} of {others} elsewhere"

    return Wanted(why, look)


def schedule_cancel(columns: Any, picture: Picture, c: Fields) -> Wanted:  # noqa: ARG001
    """A time at which all orders go, far enough ahead to be moved again."""
    is_soon = c["expires"] != 0 and c["expires"] < picture.now + NOTICE_MS
    return Wanted([code.BAD_TIME] if is_soon else [], seen(account_cancel=(c["account"], c["expires"])))


def start_twap(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """An order in slices: each at least a lot, within a day, in a market that would take its like now."""
    account, market, flags = c["account"], picture.markets.get(c["market"]), c["flags"]
    if market is None or market.status == command.UNLISTED:
        return Wanted([code.UNKNOWN_MARKET, code.BAD_FIELD, code.BAD_TIME], seen())
    both = command.CANCEL_MAKER | command.CANCEL_BOTH
    why = [code.BAD_FIELD] if flags & ~TWAP_FLAGS or flags & both == both else []
    if not TWAP_LEAST_MS <= c["amount"] <= TWAP_MOST_MS or c["amount"] % TWAP_STEP_MS:
        why.append(code.BAD_TIME)
    if market.status >= command.CLOSED:
        why.append(code.MARKET_CLOSED)
    if c["price"] and (c["price"] > market.price_max or ordinal(market, c["price"]) == 0):
        why.append(code.BAD_PRICE)
    if not c["amount"] // TWAP_STEP_MS + 1 <= c["size"] <= NOTIONAL_MAX // market.price_max:
        why.append(code.BAD_SIZE)
    why += status_refusals(picture, market, flags) + _bucket_refusals(columns, picture, c)
    rows = np.flatnonzero(columns["twap_id"])
    if (columns["twap_bucket"][rows] == account).sum() >= TWAPS_PER_ACCOUNT or len(rows) >= len(columns["twap_id"]) - 1:
        why.append(code.SCHEDULES_FULL)

    def look(after: Any) -> str:
        fresh = np.setdiff1d(np.flatnonzero(after["twap_id"]), rows)
        wanted = {"bucket": account, "market": c["market"], "flags": flags, "size": c["size"], "price": c["price"]}
        wanted |= {"duration": c["amount"], "start": picture.now, "done": 0, "slice": 0}
        told = [{name: int(after[f"twap_{name}"][row]) for name in wanted} for row in fresh]
        return "" if told == [wanted] else f"schedules {told}, wanted {wanted}"

    return Wanted(why, look)


def cancel_twap(columns: Any, picture: Picture, c: Fields) -> Wanted:  # noqa: ARG001
    """The schedule is gone."""
    rows = np.flatnonzero((columns["twap_id"] == c["reference"]) & (columns["twap_id"] != 0))
    is_own = len(rows) and columns["twap_bucket"][rows[0]] == c["account"]
    return Wanted([] if is_own else [code.UNKNOWN_ORDER], seen(twap_id=(rows, np.zeros(len(rows)))))


def _bucket_refusals(columns: Any, picture: Picture, c: Fields) -> list[int]:
    """A schedule reduces what is there, or its bucket is not being liquidated."""
    account, market = c["account"], c["market"]
    number = observe.isolated_of(columns, account, market)
    if number < 0:
        has_cross = market in picture.buckets[account].positions
        number = account if has_cross or not observe.setting(columns, account, market)[1] else -1
    bucket = observe.bucket_of(columns, number) if number >= 0 else None
    if c["flags"] & command.REDUCE_ONLY:
        held = bucket.positions[market].size if bucket is not None and market in bucket.positions else 0
        return [] if (held if c["flags"] & command.SELL else -held) > 0 else [code.REDUCE_ONLY]
    return [code.BEING_LIQUIDATED] if bucket is not None and bucket.is_liquidating else []


def _orders(columns: Any, account: int, market: int) -> Any:
    """Rows of an account's orders in a market (-1: in all)."""
    rows = np.flatnonzero(columns["order_id"])
    mine = columns["bucket_owner"][columns["order_bucket"][rows]] == account
    return rows[mine & ((columns["order_market"][rows] == market) | (market == -1))]


def _agents(columns: Any, address: list[int]) -> Any:
    """Rows of the agents with an address: one, or none."""
    return np.flatnonzero((columns["agent_address"] == address).all(axis=1) & (columns["agent_scope"] != 0))


def _address(c: Fields) -> list[int]:
    return [c[word] for word in WORDS]


def _is_address(address: list[int]) -> bool:
    """160 bits in three words, not all of them 0."""
    return any(address) and 0 <= address[0] < 2**54 and all(0 <= word < 2**53 for word in address[1:])


JUDGES: Final[dict[int, tuple[str, Callable[[Any, Picture, Fields], Wanted]]]] = {
    command.CREATE_ACCOUNT: ("POST_ACCOUNT", create_account),
    command.CREATE_SUB: ("POST_ACCOUNT", create_sub),
    command.APPROVE_AGENT: ("POST_AGENT", approve_agent),
    command.REVOKE_AGENT: ("POST_AGENT", revoke_agent),
    command.SET_TOP_UP: ("POST_TOP_UP", set_top_up),
    command.CANCEL_ALL: ("POST_CANCEL", cancel_all),
    command.SCHEDULE_CANCEL: ("POST_CANCEL", schedule_cancel),
    command.TWAP: ("POST_TWAP", start_twap),
    command.CANCEL_TWAP: ("POST_TWAP", cancel_twap),
}
