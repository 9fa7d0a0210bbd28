"""Matching as SPEC section 8 has it: whom a taker meets, at what price, and what each of them pays.

Works on a picture: fills change the buckets in it. Orders are given in the order in which the book must serve them.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

from seawall.simulation.model import (
    ONE,
    Bucket,
    Health,
    Market,
    Picture,
    Position,
    add_cash,
    copy_bucket,
    fill,
    funding_of,
    health,
    maintenance_exact,
    may_become,
    repay,
    settle_one,
)
from seawall.terms import code, command
from seawall.terms import parameter as names
from seawall.terms.limits import FILLS_PER_COMMAND, NOTIONAL_MAX, RAW_USD_MAX

ISOLATED = 2  # kind of bucket


@dataclass(slots=True)
class Order:
    """A resting order."""

    id: int
    bucket: int
    price: int
    size: int
    flags: int


@dataclass(slots=True)
class Fill:
    """One fill: the maker's order (0: the pool), signed size for the taker, and both fees."""

    order: int
    maker: int
    price: int
    size: int
    fee: int
    maker_fee: int


@dataclass(slots=True)
class Taken:
    """What a taker got."""

    lots: int = 0
    cost: int = 0
    fees: int = 0
    fills: list[Fill] = field(default_factory=list)
    why: int = code.OK  # what stopped it, beside its size, its limit and an empty book


@dataclass(slots=True)
class Ask:
    """What a taker wants. `side` is 1 for a buy."""

    market: int
    side: int
    size: int
    limit: int
    flags: int
    leverage: int  # with which new risk is measured
    fee_rate: int
    account: int


class Unclear(Exception):
    """The rule leaves a choice here: the model says nothing of the outcome."""


def masters_equal(p: Picture, one: int, other: int) -> bool:
    """Whether two accounts belong to one owner."""
    return one >= 0 and other >= 0 and p.masters[one] == p.masters[other]


def fee_of(notional: int, rate: int) -> int:
    """A fee: what is owed rounds up."""
    return ceil(notional * Fraction(rate, ONE))


def maker_fee_of(market: Market, notional: int, taker_fee: int) -> int:
    """A maker's fee rounds up; a rebate rounds down and is paid out of the taker's fee."""
    rate = market.params[names.MAKER_FEE]
    return fee_of(notional, rate) if rate >= 0 else -min(taker_fee, floor(notional * Fraction(-rate, ONE)))


def pool_price(market: Market, side: int, skew: Fraction) -> int:
    """`index * (1 + side * (skew / depth + spread))`, rounded against the taker; `skew` in lots on the taker's side."""
    depth, spread = market.params[names.AMM_DEPTH], Fraction(market.params[names.AMM_SPREAD], ONE)
    exact = market.index * (1 + side * (skew / depth + spread))
    return max(ceil(exact), 1) if side > 0 else min(floor(exact), market.price_max)


def pool_lots(p: Picture, ask: Ask, until: int, pool: Bucket) -> int:
    """How many lots the pool trades until its last one costs `until`; Unclear when its own margin binds."""
    market = p.markets[ask.market]
    held = pool.positions[ask.market].size if ask.market in pool.positions else 0
    depth, price_max = market.params[names.AMM_DEPTH], market.price_max
    if abs(held) > depth or until < 1 or (ask.side < 0 and until > price_max):
        return 0
    most = min(depth, market.params[names.AMM_CAP], NOTIONAL_MAX // price_max) + ask.side * held
    limit = min(until, price_max)
    # the last lot at skew J + s costs index * (1 + side * ((J + s) / depth + spread)), with J = -side * held
    spread = Fraction(market.params[names.AMM_SPREAD], ONE)
    reach = depth * (ask.side * (Fraction(limit, market.index) - 1) - spread)
    lots = max(0, min(most, floor(reach) + ask.side * held))
    if lots and not can_bear(p, ask, lots, pool):
        raise Unclear
    return lots


def can_bear(p: Picture, ask: Ask, lots: int, pool: Bucket) -> bool:
    """Whether the pool's own margin and cash allow these lots at its price."""
    market = p.markets[ask.market]
    held = pool.positions[ask.market].size if ask.market in pool.positions else 0
    cost = ask.side * lots * pool_price(market, ask.side, Fraction(lots, 2) - ask.side * held)
    leverage = 0 if ask.market in pool.positions else market.tiers[0][1]
    after = after_trade(p, pool, ask, -ask.side * lots, -cost, 0, 0, leverage)
    return may_become(health(p, pool), after) and abs(pool.raw + cost) <= RAW_USD_MAX


def is_pool_open(p: Picture, number: int, pool: Bucket) -> bool:
    """Whether the pool quotes: a depth, a fresh index, and health of its own."""
    market = p.markets[number]
    if market.params[names.AMM_DEPTH] <= 0 or not market.is_fresh or pool.is_liquidating:
        return False
    now = health(p, pool)
    return now.equity >= now.maintenance


def after_trade(
    p: Picture,
    bucket: Bucket,
    ask: Ask,
    size: int,
    cost: int,
    fee: int,
    freed: int,
    leverage: int,
    grown: int = 0,
) -> Health:
    """Health of a bucket with `size` more for `cost` and a fee, `freed` lots fewer resting on the side of `size`.

    Measured at the open interest that the trade leaves, `grown` more than now.
    """
    after = copy_bucket(bucket)
    position = after.positions.setdefault(ask.market, Position(index=p.markets[ask.market].funding_index))
    if leverage:
        position.leverage = leverage
    if size > 0:
        position.bids -= freed
    else:
        position.asks -= freed
    if size:
        settle_one(p, after, ask.market)
        _fill_at_cost(after, ask.market, size, cost, fee)
    market = p.markets[ask.market]
    market.open_interest += grown
    measured = health(p, after)
    market.open_interest -= grown
    return measured


def _fill_at_cost(bucket: Bucket, number: int, size: int, cost: int, fee: int) -> None:
    """A trade given by its whole cost; beyond a flip the rest takes the average price, rounded down."""
    position = bucket.positions[number]
    before, after = position.size, position.size + size
    bucket.raw -= cost + fee
    if before * size >= 0:
        position.entry += cost
    elif before * after > 0:
        position.entry = floor(Fraction(position.entry * abs(after), abs(before)))
    else:
        position.entry = floor(Fraction(cost * abs(after), abs(size)))
    position.size = after


def take(p: Picture, taker: Bucket, ask: Ask, makers: list[Order], pool: Bucket | None) -> Taken:
    """Fills a taker against the book and the pool and changes the picture. Every fill is checked on its own."""
    done, at, met = Taken(), 0, 0
    measured = copy_bucket(taker)
    if ask.market in measured.positions:
        measured.positions[ask.market].leverage = ask.leverage
    before = health(p, measured)
    makers = [replace(order) for order in makers]
    for _ in range(FILLS_PER_COMMAND):
        if done.lots == ask.size:
            return done
        order = makers[at] if at < len(makers) else None
        is_met = order is not None and (order.price - ask.limit) * ask.side <= 0
        until = order.price if is_met and order is not None else ask.limit
        if pool is not None and until != met:
            met = until
            lots = min(pool_lots(p, ask, until, pool), ask.size - done.lots)
            if lots > 0:
                done.why = _meet_pool(p, taker, ask, lots, pool, before, done)
                if done.why != code.OK:
                    return done
                continue
        if not is_met or order is None:
            return done
        done.why, is_gone = _meet_order(p, taker, ask, order, before, done)
        if done.why != code.OK:
            return done
        at += is_gone
    if done.lots < ask.size:
        done.why = code.FILLS_FULL
    return done


def _meet_pool(p: Picture, taker: Bucket, ask: Ask, lots: int, pool: Bucket, before: Health, done: Taken) -> int:
    market = p.markets[ask.market]
    held = pool.positions[ask.market].size if ask.market in pool.positions else 0
    price = pool_price(market, ask.side, Fraction(lots, 2) - ask.side * held)
    if not can_bear(p, ask, lots, pool):
        raise Unclear
    fee = fee_of(lots * price, ask.fee_rate)
    why = taker_refusal(p, taker, ask, lots, price, fee, pool, before)
    if why == code.OK:
        _exchange(p, taker, ask, Fill(0, pool.number, price, ask.side * lots, fee, 0), pool, 0, done)
    return why


def _meet_order(p: Picture, taker: Bucket, ask: Ask, order: Order, before: Health, done: Taken) -> tuple[int, bool]:
    """(why the taker stops, whether the order is gone)."""
    maker, market = p.buckets[order.bucket], p.markets[ask.market]
    if maker.is_liquidating:
        return code.OK, _drop(p, ask, order, maker)
    if masters_equal(p, ask.account, maker.owner):
        if ask.flags & command.CANCEL_MAKER:
            return code.OK, _drop(p, ask, order, maker)
        return code.SELF_TRADE, bool(ask.flags & command.CANCEL_BOTH) and _drop(p, ask, order, maker)
    offered = order.size
    if order.flags & command.REDUCE_ONLY:
        held = maker.positions[ask.market].size if ask.market in maker.positions else 0
        offered = min(offered, max(0, ask.side * held))
        if offered == 0:
            return code.OK, _drop(p, ask, order, maker)
        order.size = offered
    lots = min(offered, ask.size - done.lots)
    fee = fee_of(lots * order.price, ask.fee_rate)
    maker_fee = maker_fee_of(market, lots * order.price, fee)
    freed = 0 if order.flags & command.REDUCE_ONLY else lots
    cost = -ask.side * lots * order.price
    grown = open_interest_change(taker, maker, ask, lots)
    after = after_trade(p, maker, ask, -ask.side * lots, cost, maker_fee, freed, 0, grown)
    if "is_plan" not in p.shared and _is_past_cap(p, ask, maker, lots):
        return code.OK, _drop(p, ask, order, maker)
    if abs(maker.raw - cost - maker_fee) > RAW_USD_MAX or not may_become(health(p, maker), after):
        return code.OK, _drop(p, ask, order, maker)
    why = taker_refusal(p, taker, ask, lots, order.price, fee, maker, before)
    if why != code.OK:
        return why, False
    one = Fill(order.id, maker.number, order.price, ask.side * lots, fee, maker_fee)
    order.size -= lots
    arm(p, maker, order.id)
    if order.size == 0:
        gone(maker, order.id)
    _exchange(p, taker, ask, one, maker, freed, done)
    return code.OK, order.size == 0


def _is_past_cap(p: Picture, ask: Ask, maker: Bucket, lots: int) -> bool:
    """Whether a maker would hold more than any order may be for, on the side where the fill leaves it."""
    market = p.markets[ask.market]
    held = maker.positions[ask.market].size if ask.market in maker.positions else 0
    return -ask.side * held + lots > NOTIONAL_MAX // market.price_max


def taker_refusal(
    p: Picture, taker: Bucket, ask: Ask, lots: int, price: int, fee: int, maker: Bucket, before: Health
) -> int:
    """Why a taker may not take these lots: the cap of open interest, or its own margin."""
    market = p.markets[ask.market]
    grows = open_interest_change(taker, maker, ask, lots)
    if grows > 0 and market.open_interest + grows > market.params[names.OPEN_INTEREST_CAP]:
        return code.OPEN_INTEREST_CAP
    cost = ask.side * lots * price
    after = after_trade(p, taker, ask, ask.side * lots, cost, fee, 0, ask.leverage, grows)
    return code.OK if may_become(before, after) else code.INITIAL_MARGIN


def open_interest_change(taker: Bucket, maker: Bucket, ask: Ask, lots: int) -> int:
    """Lots by which a fill changes the sum of all long positions."""
    change = 0
    for bucket, size in ((taker, ask.side * lots), (maker, -ask.side * lots)):
        held = bucket.positions[ask.market].size if ask.market in bucket.positions else 0
        change += max(held + size, 0) - max(held, 0)
    return change


def _exchange(p: Picture, taker: Bucket, ask: Ask, one: Fill, maker: Bucket, freed: int, done: Taken) -> None:
    market = p.markets[ask.market]
    market.open_interest += open_interest_change(taker, maker, ask, abs(one.size))
    for bucket, size, fee in ((taker, one.size, one.fee), (maker, -one.size, one.maker_fee)):
        if ask.market not in bucket.positions:
            leverage = market.tiers[0][1]
            bucket.positions[ask.market] = Position(index=market.funding_index, leverage=leverage)
        settle_one(p, bucket, ask.market)
        entry = bucket.positions[ask.market].entry
        fill(bucket, ask.market, size, one.price, fee)
        market.entry_sum += bucket.positions[ask.market].entry - entry
        if any(position.advanced for position in bucket.positions.values()):
            repay(p, bucket)
    if one.size > 0:
        maker.positions[ask.market].asks -= freed
    else:
        maker.positions[ask.market].bids -= freed
    p.cells[4] += one.fee + one.maker_fee
    tidy(p, maker, ask.market)
    done.fills.append(one)
    done.lots += abs(one.size)
    done.cost += one.size * one.price
    done.fees += one.fee


def _drop(p: Picture, ask: Ask, order: Order, maker: Bucket) -> bool:
    """A maker that may not fill is cancelled."""
    if not order.flags & command.REDUCE_ONLY:
        position = maker.positions[ask.market]
        if ask.side > 0:
            position.asks -= order.size
        else:
            position.bids -= order.size
    gone(maker, order.id)
    if maker.owner != ask.account:
        tidy(p, maker, ask.market)
    return True


def gone(bucket: Bucket, identity: int) -> None:
    """An order leaves its bucket, with the stops attached to it that it never armed; armed ones stand alone now."""
    family = [stop for stop in bucket.stops if stop.parent == identity]
    unarmed = [stop.id for stop in family if not stop.is_armed]
    bucket.orders -= 1 + len(unarmed)
    bucket.stops = [stop for stop in bucket.stops if stop.id not in unarmed]
    for stop in family:
        stop.parent = 0


def arm(p: Picture, bucket: Bucket, identity: int) -> None:
    """A fill of an order arms what is attached to it."""
    for stop in bucket.stops:
        if stop.parent == identity:
            if "is_crowded" in p.shared:
                raise Unclear  # there may be no place to wait in: then it goes
            stop.is_armed = True


def tidy(p: Picture, bucket: Bucket, number: int) -> None:
    """An empty position goes, and an empty isolated bucket returns its cash to its owner."""
    position = bucket.positions.get(number)
    if position is not None and position.size == 0 and position.bids == 0 and position.asks == 0:
        del bucket.positions[number]
    if bucket.kind == ISOLATED and not bucket.positions and bucket.orders == 0 and bucket.raw >= 0:
        if bucket.is_liquidating or bucket.is_queued:
            return
        if bucket.owner in p.buckets:
            add_cash(p, p.buckets[bucket.owner], bucket.raw)
        bucket.raw, bucket.kind = 0, 0


def pending(p: Picture, bucket: Bucket) -> int:
    """All unsettled funding of a bucket."""
    return sum(funding_of(p.markets[number], position) for number, position in bucket.positions.items())


def exact_maintenance(p: Picture, bucket: Bucket) -> Fraction:
    """Maintenance before its one ceiling."""
    return sum((maintenance_exact(p.markets[n], held.size) for n, held in bucket.positions.items()), Fraction(0))
