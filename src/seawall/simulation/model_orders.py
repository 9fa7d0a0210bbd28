"""What the rule says of plain orders: which refusals are right, what fills, rests and costs (SPEC sections 4, 8)."""

from dataclasses import dataclass, field
from typing import Final

from seawall.simulation.model import (
    Bucket,
    Health,
    Market,
    Picture,
    Position,
    adds_risk,
    copy_bucket,
    copy_picture,
    health,
    kept_back,
    leave,
    margin_room,
    may_become,
    withdrawable,
)
from seawall.simulation.model import add_cash as give
from seawall.simulation.model_book import (
    ISOLATED,
    Ask,
    Order,
    Taken,
    Unclear,
    after_trade,
    arm,
    gone,
    is_pool_open,
    masters_equal,
    pool_lots,
    take,
    tidy,
)
from seawall.simulation.model_family import drop_stop, sweep
from seawall.simulation.model_grid import is_within_band, leverage_cap, ordinal
from seawall.terms import code, command, parameter
from seawall.terms.limits import NOTIONAL_MAX, ORDERS_PER_BUCKET, RAW_USD_MAX

TRIGGERED: Final = command.STOP | command.TAKE_PROFIT | command.TRAILING
DWELL_MS: Final = 300_000  # of a recovering breaker
VENUE_STATUS: Final = 42
Fields = dict[str, int]


@dataclass(slots=True)
class Book:
    """What a plain order may meet, and where it would go."""

    makers: list[Order]  # the other side, in the order in which they must be served
    pool: Bucket | None
    target: int  # the bucket of the order
    is_new: bool  # the isolated bucket is to be made
    leverage: int  # chosen
    client_order: int  # id of the order with the same client id, 0 none
    replaced: Order | None = None  # MODIFY
    linked: list[int] = field(default_factory=list)  # buckets of all linked accounts
    free_orders: int = 1
    free_levels: int = 1
    free_slots: int = 1
    has_level: bool = False  # the price has a level already


@dataclass(slots=True)
class Outcome:
    """What the rule allows: refusals, or fills and a rest."""

    refusals: list[int]
    taken: Taken = field(default_factory=Taken)
    rests: int = 0
    is_clear: bool = True


def is_plain(c: Fields) -> bool:
    """Whether the flags make sense together on an order that waits for nothing."""
    flags = c["flags"]
    if flags & (TRIGGERED | command.WHOLE_POSITION) or c["trigger"] or c["extra"] or c["other"]:
        return False
    if flags & command.IOC and flags & command.POST_ONLY:
        return False
    return not (flags & command.CANCEL_MAKER and flags & command.CANCEL_BOTH)


def market_refusals(p: Picture, c: Fields) -> list[int]:
    """What the market itself says to such an order now."""
    market, flags, price = p.markets[c["market"]], c["flags"], c["price"]
    is_reducing = bool(flags & command.REDUCE_ONLY)
    if market.status == command.UNLISTED:
        return [code.UNKNOWN_MARKET]
    why = [code.MARKET_CLOSED] if market.status >= command.CLOSED else []
    if price > market.price_max or ordinal(market, price) == 0:
        why.append(code.BAD_PRICE)
    if not 1 <= c["size"] <= NOTIONAL_MAX // market.price_max:
        why.append(code.BAD_SIZE)
    if not is_reducing:
        if market.index and not is_within_band(market, price):
            why.append(code.PRICE_BAND)
        if not market.is_fresh:
            why.append(code.STALE_PRICE)
    return why + status_refusals(p, market, flags)


def status_refusals(p: Picture, market: Market, flags: int) -> list[int]:
    """What the statuses of the venue and a market, and its breaker, say to an order with these flags."""
    statuses, breaker = (market.status, p.cells[VENUE_STATUS]), market.params[parameter.BREAKER]
    why = []
    if p.cells[VENUE_STATUS] == command.HALTED:
        why.append(code.VENUE_HALTED)
    if market.status == command.HALTED:
        why.append(code.MARKET_CLOSED)
    if command.CANCELLING in statuses:
        why.append(code.CANCEL_ONLY)
    is_recovering = breaker == parameter.RECOVERY and p.now - market.breaker_time < DWELL_MS
    if not flags & command.POST_ONLY and (command.POSTING in statuses or is_recovering):
        why.append(code.POST_ONLY)
    if not flags & command.REDUCE_ONLY and (command.REDUCING in statuses or breaker == parameter.HARD):
        why.append(code.MARKET_REDUCE_ONLY)
    return why


def place(p: Picture, c: Fields, book: Book) -> Outcome:
    """A plain order; when nothing forbids it the picture becomes what must be there after. May raise Unclear."""
    why = market_refusals(p, c)
    replaced = book.replaced
    if book.client_order and (replaced is None or book.client_order != replaced.id):
        why.append(code.DUPLICATE_CLIENT_ID)
    side, size = (-1 if c["flags"] & command.SELL else 1), c["size"]
    bucket = p.buckets.get(book.target) or _made(p, c, book)
    held = side * bucket.positions[c["market"]].size if c["market"] in bucket.positions else 0
    if c["flags"] & command.REDUCE_ONLY:
        if held >= 0:
            why.append(code.REDUCE_ONLY)
        size = min(size, -held)
    elif bucket.is_liquidating:
        why.append(code.BEING_LIQUIDATED)
    if why:
        return Outcome(why)
    ask = Ask(
        market=c["market"],
        side=side,
        size=size,
        limit=c["price"],
        flags=c["flags"],
        leverage=min(book.leverage, leverage_cap(p.markets[c["market"]], is_isolated=bucket.number != c["account"])),
        fee_rate=p.markets[c["market"]].params[parameter.TAKER_FEE],
        account=c["account"],
    )
    pool = book.pool if book.pool is not None and is_pool_open(p, ask.market, book.pool) else None
    crosses = bool(book.makers) and (book.makers[0].price - ask.limit) * side <= 0
    if not crosses and pool is not None:
        crosses = pool_lots(p, ask, ask.limit, pool) > 0
    if crosses and c["flags"] & command.POST_ONLY:
        why.append(code.WOULD_CROSS)
    if not crosses and c["flags"] & command.IOC:
        why.append(code.NO_LIQUIDITY)
    if book.is_new and book.target < 0:
        why.append(code.BUCKETS_FULL)
    if why:
        return Outcome(why)
    if not crosses:
        return _add(p, c, book, bucket, ask)
    return _cross(p, c, book, bucket, ask, pool)


def _made(p: Picture, c: Fields, book: Book) -> Bucket:
    bucket = Bucket(book.target, ISOLATED, c["account"], c["market"], 0, {})
    p.buckets[book.target] = bucket
    return bucket


def planned(p: Picture, bucket: Bucket, ask: Ask, book: Book, pool: Bucket | None) -> Taken:
    """What the order would get if every maker that may be met filled whole: what it is accepted for."""
    reducing = [order.bucket for order in book.makers if order.flags & command.REDUCE_ONLY]
    if any(sum(other.bucket == number for other in book.makers) > 1 for number in reducing):
        raise Unclear  # the plan does not follow what a maker has left from one of its orders to the next
    trial = copy_picture(p)
    for order in book.makers:  # makers with all the margin in the world: only who they are counts
        maker = trial.buckets[order.bucket]
        if order.bucket != bucket.number:
            maker.raw = 2**60
    taker = trial.buckets[bucket.number]
    taker.raw = 2**60
    trial.markets[ask.market].params = list(trial.markets[ask.market].params)
    trial.markets[ask.market].params[parameter.OPEN_INTEREST_CAP] = 2**62
    trial.shared["is_plan"] = 1
    return take(trial, taker, ask, book.makers, trial.buckets[pool.number] if pool is not None else None)


def _add(p: Picture, c: Fields, book: Book, bucket: Bucket, ask: Ask) -> Outcome:
    why, need = ([], 0) if c["flags"] & command.REDUCE_ONLY else needs(p, c, book, bucket, ask, Taken(), ask.size)
    why += _room(p, c, book, bucket, need, does_rest=True)
    if why:
        return Outcome(why)
    _unrest(ask, book, bucket)
    _feed(p, c, bucket, need)
    _rest(p, c, book, bucket, ask.size)
    return Outcome([], rests=ask.size)


def _cross(p: Picture, c: Fields, book: Book, bucket: Bucket, ask: Ask, pool: Bucket | None) -> Outcome:
    plan = planned(p, bucket, ask, book, pool)
    if plan.lots == 0 and plan.why == code.SELF_TRADE and not c["flags"] & command.CANCEL_BOTH:
        return Outcome([code.SELF_TRADE])
    if plan.lots == 0 and plan.why == code.OK and c["flags"] & command.IOC:
        return Outcome([code.NO_LIQUIDITY])
    rests = plan.why == code.OK and not c["flags"] & command.IOC and plan.lots < ask.size
    left = ask.size - plan.lots if rests else 0
    why, need = needs(p, c, book, bucket, ask, plan, left)
    fed = need
    if is_over_open_interest(p, bucket, ask, plan):
        why.append(code.OPEN_INTEREST_CAP)
    why += _room(p, c, book, bucket, need - plan.cost - plan.fees, does_rest=rests)
    if why:
        return Outcome(why)
    _unrest(ask, book, bucket)
    before = _advances(p.buckets[c["account"]]) + _advances(bucket) if need > 0 else []
    _feed(p, c, bucket, need)
    if ask.market not in bucket.positions:
        index = p.markets[ask.market].funding_index
        bucket.positions[ask.market] = Position(index=index, leverage=book.leverage)
    wanted, ask.size = ask.size, plan.lots if plan.why == code.FILLS_FULL else ask.size
    done = take(p, bucket, ask, book.makers, p.buckets[pool.number] if pool is not None else None)
    if book.replaced is not None and done.lots:
        arm(p, bucket, book.replaced.id)
    left = wanted - done.lots
    stop = done.why or plan.why
    if left and not stop and not c["flags"] & command.IOC:
        if (plan.lots or done.lots) and not c["flags"] & command.REDUCE_ONLY:
            again, need = needs(p, c, Book([], None, book.target, False, book.leverage, 0), bucket, ask, Taken(), left)
            if again:
                left = 0
            else:
                _feed(p, c, bucket, need)
        if left:
            _rest(p, c, book, bucket, left)
    else:
        left = 0
    if book.replaced is not None and not left:
        gone(bucket, book.replaced.id)
    tidy(p, bucket, ask.market)
    is_empty = not done.lots and not left
    _give_back(p, c, bucket, fed if done.lots < plan.lots else 0, is_all=is_empty)
    if is_empty:
        _restore(p, before)
    sweep(p)
    return Outcome([], taken=done, rests=left)


def needs(p: Picture, c: Fields, book: Book, bucket: Bucket, ask: Ask, plan: Taken, left: int) -> tuple[list[int], int]:
    """Refusals by the caps and by margin, and what an isolated bucket must draw from cross."""
    freed = _reserved(book.replaced)
    rests = 0 if ask.flags & command.REDUCE_ONLY else left
    why = []
    if not ask.flags & command.REDUCE_ONLY and is_over_position_cap(p, bucket, ask, book, plan.lots + left - freed):
        why.append(code.POSITION_CAP)
    trial = copy_bucket(bucket)
    position = trial.positions.setdefault(ask.market, Position(index=p.markets[ask.market].funding_index))
    if ask.side > 0:
        position.bids += rests - freed
    else:
        position.asks += rests - freed
    grown = interest_added(p, bucket, ask, plan)
    after = after_trade(p, trial, ask, ask.side * plan.lots, plan.cost, plan.fees, 0, ask.leverage, grown)
    if may_become(at_leverage(p, bucket, ask), after):
        return why, 0
    if bucket.number == c["account"]:
        return [*why, code.INITIAL_MARGIN], 0
    need = after.initial - after.equity_initial
    if need > withdrawable(p, p.buckets[c["account"]]):
        why.append(code.INITIAL_MARGIN)
    return why, need


def at_leverage(p: Picture, bucket: Bucket, ask: Ask) -> Health:
    """Health as it is, at the leverage that new risk gets now: what an order adds is the difference to this."""
    trial = copy_bucket(bucket)
    if ask.market in trial.positions:
        trial.positions[ask.market].leverage = ask.leverage
    return health(p, trial)


def is_over_position_cap(p: Picture, bucket: Bucket, ask: Ask, book: Book, added: int) -> bool:
    """Linked accounts together, everything resting filled; an order that adds nothing to its side passes."""
    mine = bucket.positions.get(ask.market)
    held = 0 if mine is None else ask.side * mine.size + (mine.bids if ask.side > 0 else mine.asks)
    grown = max(held + added, 0) - max(held, 0)
    if grown <= 0:
        return False
    total = 0
    for number in book.linked:
        position = p.buckets[number].positions.get(ask.market)
        if position is not None:
            total += max(0, ask.side * position.size + (position.bids if ask.side > 0 else position.asks))
    market = p.markets[ask.market]
    return total + grown > min(market.params[parameter.POSITION_CAP], NOTIONAL_MAX // market.price_max)


def interest_added(p: Picture, bucket: Bucket, ask: Ask, plan: Taken) -> int:
    """What is planned adds to open interest (negative: takes off)."""
    held = ask.side * bucket.positions[ask.market].size if ask.market in bucket.positions else 0
    grown = max(held + plan.lots, 0) - max(held, 0)
    sizes: dict[int, int] = {}
    for number, other in p.buckets.items():
        sizes[number] = other.positions[ask.market].size if ask.market in other.positions else 0
    for one in plan.fills:
        before = ask.side * sizes[one.maker]
        grown -= min(abs(one.size), max(0, before))
        sizes[one.maker] -= one.size
    return grown


def is_over_open_interest(p: Picture, bucket: Bucket, ask: Ask, plan: Taken) -> bool:
    """Whether what is planned raises open interest above its cap."""
    market, grown = p.markets[ask.market], interest_added(p, bucket, ask, plan)
    return grown > 0 and market.open_interest + grown > market.params[parameter.OPEN_INTEREST_CAP]


def _reserved(order: Order | None) -> int:
    return 0 if order is None or order.flags & command.REDUCE_ONLY else order.size


def _room(p: Picture, c: Fields, book: Book, bucket: Bucket, cash: int, *, does_rest: bool) -> list[int]:
    why = []
    held = sum(one.orders for one in p.buckets_of(c["account"]))
    if does_rest and book.replaced is None and (book.free_orders == 0 or held >= ORDERS_PER_BUCKET):
        why.append(code.ORDERS_FULL)
    if c["market"] not in bucket.positions and book.free_slots == 0:
        why.append(code.POSITIONS_FULL)
    if does_rest and not book.has_level and book.free_levels == 0:
        why.append(code.LEVELS_FULL)
    if abs(bucket.raw + cash) > RAW_USD_MAX:
        why.append(code.CASH_BOUND)
    return why


def _feed(p: Picture, c: Fields, bucket: Bucket, need: int) -> None:
    if need > 0:
        leave(p, p.buckets[c["account"]], need)
        give(p, bucket, need)


def _give_back(p: Picture, c: Fields, bucket: Bucket, fed: int, *, is_all: bool) -> None:
    """What an isolated bucket was fed for lots that it did not get returns to cross: all, or what it can spare."""
    if fed > 0 and bucket.kind != 0:
        now = health(p, bucket)
        room = margin_room(p, bucket) + bucket.interest + kept_back(p, now) - now.initial
        amount = fed if is_all else min(fed, max(0, room))
        leave(p, bucket, amount)
        give(p, p.buckets[c["account"]], amount)


def _advances(bucket: Bucket) -> list[tuple[int, Position, int]]:
    return [(number, position, position.advanced) for number, position in bucket.positions.items()]


def _restore(p: Picture, before: list[tuple[int, Position, int]]) -> None:
    """An order that got nothing and left nothing took nothing out: advances are what they were."""
    for number, position, advanced in before:
        p.markets[number].advanced += advanced - position.advanced
        position.advanced = advanced


def _unrest(ask: Ask, book: Book, bucket: Bucket) -> None:
    """The order that is replaced leaves the book first; it is gone, with what is attached to it, if nothing rests."""
    if book.replaced is None:
        return
    position, lots = bucket.positions.get(ask.market), _reserved(book.replaced)
    if position is not None and lots:
        if ask.side > 0:
            position.bids -= lots
        else:
            position.asks -= lots
        if position.size == 0 and position.bids == 0 and position.asks == 0:
            del bucket.positions[ask.market]


def _rest(p: Picture, c: Fields, book: Book, bucket: Bucket, lots: int) -> None:
    bucket.orders += book.replaced is None
    if c["flags"] & command.REDUCE_ONLY:
        return
    if c["market"] not in bucket.positions:
        index = p.markets[c["market"]].funding_index
        bucket.positions[c["market"]] = Position(index=index, leverage=book.leverage)
    position = bucket.positions[c["market"]]
    if c["flags"] & command.SELL:
        position.asks += lots
    else:
        position.bids += lots


def cancel(p: Picture, order: Order | None, market: int) -> list[int]:
    """The order goes with the stops attached to it, its margin is free; an isolated bucket that is empty returns."""
    if order is None:
        return [code.UNKNOWN_ORDER]
    bucket = p.buckets[order.bucket]
    if order.flags & TRIGGERED:
        drop_stop(bucket, order.id)
    else:
        gone(bucket, order.id)
    if not order.flags & (TRIGGERED | command.REDUCE_ONLY):
        position = bucket.positions[market]
        if order.flags & command.SELL:
            position.asks -= order.size
        else:
            position.bids -= order.size
    tidy(p, bucket, market)
    sweep(p)
    return []


__all__ = ["Book", "Outcome", "Unclear", "adds_risk", "cancel", "is_plain", "masters_equal", "place"]
