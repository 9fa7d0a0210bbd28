"""Orders that wait for the mark (SPEC section 5): when one may wait, alone or attached to another, and as what."""

from typing import Any, Final

import numpy as np

from seawall.simulation import observe
from seawall.simulation.model import Market, Picture
from seawall.simulation.model_grid import ordinal
from seawall.simulation.model_orders import TRIGGERED, status_refusals
from seawall.simulation.model_people import Fields, Wanted, seen
from seawall.terms import code, command
from seawall.terms.limits import NOTIONAL_MAX, ORDERS_PER_BUCKET, TRAILING_PER_BUCKET

IMPLIES_REDUCE: Final = command.WHOLE_POSITION | command.TRAILING


def place_trigger(columns: Any, picture: Picture, c: Fields) -> Wanted | None:
    """A stop, take-profit or trailing stop. None when a table is nearly full: then the model does not know."""
    market, account = picture.markets.get(c["market"]), c["account"]
    if market is None or market.status == command.UNLISTED:
        return Wanted([code.UNKNOWN_MARKET, code.BAD_FIELD, code.BAD_PRICE], seen())
    flags = c["flags"] | (command.REDUCE_ONLY if c["other"] or c["flags"] & IMPLIES_REDUCE else 0)
    mine = np.flatnonzero((columns["order_id"] != 0) & (columns["bucket_owner"][columns["order_bucket"]] == account))
    orders, levels = np.count_nonzero(columns["order_id"]), np.count_nonzero(columns["level_first"])
    if orders >= len(columns["order_id"]) - 1 or levels >= len(columns["level_row"]) // 2:
        return None
    why = _shape(c, flags) + _prices(market, c, flags) + status_refusals(picture, market, flags | command.POST_ONLY)
    if market.status >= command.CLOSED:
        why.append(code.MARKET_CLOSED)
    if market.mark == 0:
        why.append(code.STALE_PRICE)
    if observe.client_order(columns, account, c["client_high"], c["client_low"]):
        why.append(code.DUPLICATE_CLIENT_ID)
    if len(mine) >= ORDERS_PER_BUCKET or (flags & command.TRAILING and _trailing(columns, mine) >= TRAILING_PER_BUCKET):
        why.append(code.ORDERS_FULL)
    why += _attached(columns, c, flags) if c["other"] else _alone(columns, picture, c, flags)
    known = columns["order_id"].copy()
    return Wanted(why, lambda after: _waits(known, after, c, flags))


def _shape(c: Fields, flags: int) -> list[int]:
    """Flags and fields that make no sense together."""
    kind, both = flags & TRIGGERED, command.CANCEL_MAKER | command.CANCEL_BOTH
    why = []
    if kind & command.TAKE_PROFIT and kind != command.TAKE_PROFIT:
        why.append(code.BAD_FIELD)
    if flags & both == both or (flags & command.POST_ONLY and (flags & command.IOC or c["price"] == 0)):
        why.append(code.BAD_FIELD)
    if (c["trigger"] if kind & command.TRAILING else c["extra"]) != 0:
        why.append(code.BAD_FIELD)
    if kind & command.TRAILING and c["price"]:
        why.append(code.BAD_PRICE)
    return why


def _prices(market: Market, c: Fields, flags: int) -> list[int]:
    """Limit and trigger are on the grid, a distance leads to a price, the size is one that the market takes."""
    why = [code.BAD_PRICE] if c["price"] and not _is_price(market, c["price"]) else []
    if flags & command.TRAILING:
        is_far = c["extra"] >= market.mark if flags & command.SELL else market.mark + c["extra"] > market.price_max
        why += [code.BAD_PRICE] if c["extra"] < 1 or is_far else []
    elif not _is_price(market, c["trigger"]):
        why.append(code.BAD_PRICE)
    if not flags & command.WHOLE_POSITION and not 1 <= c["size"] <= NOTIONAL_MAX // market.price_max:
        why.append(code.BAD_SIZE)
    return why


def _is_price(market: Market, price: int) -> bool:
    return price <= market.price_max and ordinal(market, price) > 0


def _attached(columns: Any, c: Fields, flags: int) -> list[int]:
    """To a resting order of the account that adds, on the other side, one stop and one take-profit at most."""
    parent = observe.order_by_id(columns, c["other"])
    if not parent or columns["order_market"][parent] != c["market"]:
        return [code.UNKNOWN_ORDER]
    theirs = int(columns["order_flags"][parent])
    is_own = columns["bucket_owner"][columns["order_bucket"][parent]] == c["account"]
    if not is_own or theirs & (TRIGGERED | command.REDUCE_ONLY) or columns["order_level"][parent] == 0:
        return [code.UNKNOWN_ORDER]
    why = [] if (flags ^ theirs) & command.SELL else [code.REDUCE_ONLY]
    stops = np.flatnonzero((columns["order_id"] != 0) & (columns["order_parent"] == parent))
    if any((int(columns["order_flags"][stop]) ^ flags) & command.TAKE_PROFIT == 0 for stop in stops) or len(stops) > 1:
        why.append(code.HAS_POSITION)
    return why


def _alone(columns: Any, picture: Picture, c: Fields, flags: int) -> list[int]:
    """What reduces has a position to reduce; the mark has not reached the trigger yet."""
    account, market = c["account"], c["market"]
    own = observe.isolated_of(columns, account, market)
    number = own if own >= 0 and flags & command.REDUCE_ONLY else account
    bucket, why = picture.buckets[number], []
    if flags & command.REDUCE_ONLY:
        held = bucket.positions[market].size if market in bucket.positions else 0
        why = [] if (held if flags & command.SELL else -held) > 0 else [code.REDUCE_ONLY]
    elif bucket.is_liquidating:
        why = [code.BEING_LIQUIDATED]
    if flags & command.TRAILING:
        return why
    rises = bool(flags & command.SELL) == bool(flags & command.TAKE_PROFIT)
    mark = picture.markets[market].mark
    is_beyond = mark >= c["trigger"] if rises else mark <= c["trigger"]
    return why + [code.MARK_BEYOND_TRIGGER] * is_beyond


def _trailing(columns: Any, rows: Any) -> int:
    """The most trailing stops that one bucket has among these orders."""
    buckets = columns["order_bucket"][rows[columns["order_flags"][rows] & command.TRAILING != 0]]
    return int(np.bincount(buckets).max()) if len(buckets) else 0


def _waits(known: Any, after: Any, c: Fields, flags: int) -> str:
    """One more order, the account's, which waits for what was asked. `known` are the ids before."""
    fresh = np.flatnonzero(~np.isin(after["order_id"], known))
    if len(fresh) != 1:
        return f"{len(fresh)} new orders"
    row = int(fresh[0])
    names = {"flags": flags, "market": c["market"], "price": c["price"]}
    if not flags & command.TRAILING:
        names["trigger"] = c["trigger"]
    if not flags & command.WHOLE_POSITION:
        names["waiting" if c["other"] else "size"] = c["size"]
    told = {name: int(after[f"order_{name}"][row]) for name in names}
    is_own = after["bucket_owner"][after["order_bucket"][row]] == c["account"]
    parent = int(after["order_id"][after["order_parent"][row]]) if after["order_parent"][row] else 0
    is_right = told == names and is_own and parent == c["other"]
    return "" if is_right else f"an order {told} of parent {parent}, wanted {names} of {c['other']}"
