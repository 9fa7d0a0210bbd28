"""Leverage, moved positions, pool shares and insurance: which refusals are right, and the exact state after."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Final

from seawall.simulation.model import (
    Bucket,
    Picture,
    add_cash,
    cash_of,
    copy_bucket,
    funding_of,
    health,
    is_priced,
    keeping_price,
    kept,
    leave,
    may_become,
    payable,
    repay,
    settle,
    withdrawable,
)
from seawall.simulation.model_grid import leverage_cap
from seawall.simulation.model_money import VENUE_STATUS, Fields, Refusals, exit_refusals
from seawall.terms import code, command, parameter
from seawall.terms.limits import AMOUNT_MAX, POOL_ADD_MIN, POOL_LOCKED, POOL_SHARES_MAX, RAW_USD_MAX

ISOLATED: Final = 2


def set_leverage(p: Picture, c: Fields) -> Refusals:
    """The leverage of what is there and of what comes; the mode changes only when nothing is there."""
    market, wants = p.markets[c["market"]], c["flags"] == command.ISOLATED
    why = [] if c["flags"] in (0, command.ISOLATED) else [code.BAD_FIELD]
    if market.status == command.UNLISTED:
        return [*why, code.UNKNOWN_MARKET]
    if not 1 <= c["size"] <= market.tiers[0][1]:
        why.append(code.BAD_LEVERAGE)
    if c["size"] > leverage_cap(market, is_isolated=wants):
        why.append(code.LEVERAGE_CAP)
    target = p.shared["target"]  # the bucket that its orders go to; -1: an isolated one not made yet
    why += [code.SETTINGS_FULL] if p.shared["settings_full"] else []
    if wants != (target != c["account"]):
        return [*why, code.HAS_POSITION] if p.shared["occupied"] else why
    bucket = p.buckets.get(target)
    if bucket is None or c["market"] not in bucket.positions or code.BAD_LEVERAGE in why:
        return why
    trial = copy_bucket(bucket)
    trial.positions[c["market"]].leverage = c["size"]
    before, after = health(p, bucket), health(p, trial)
    need = max(0, after.initial - after.equity_initial) if after.initial > before.initial else 0
    if need and (not wants or need > withdrawable(p, p.buckets[c["account"]])):
        return [*why, code.INITIAL_MARGIN]
    if why:
        return why
    bucket.positions[c["market"]].leverage = c["size"]
    if need:
        leave(p, p.buckets[c["account"]], need)
        add_cash(p, bucket, need)
    return []


def move_position(p: Picture, c: Fields) -> Refusals:
    """A whole position with its entry, its leverage and a chosen margin to the other kind of bucket."""
    to_isolated, number, own = c["flags"] == command.ISOLATED, c["market"], p.shared["isolated_bucket"]
    why = [] if c["flags"] in (0, command.ISOLATED) else [code.BAD_FIELD]
    if not 0 <= c["amount"] <= AMOUNT_MAX or (not to_isolated and c["amount"]):
        why.append(code.BAD_AMOUNT)
    if not to_isolated and own < 0:
        return [*why, code.NOT_ISOLATED]
    cross = p.buckets[c["account"]]
    source = cross if to_isolated else p.buckets[own]
    if number not in source.positions or source.positions[number].size == 0:
        return [*why, code.NO_POSITION]
    if not is_priced(p, cross) or not is_priced(p, source):
        why.append(code.STALE_PRICE)
    if p.shared["has_orders"] or (source is not cross and number in cross.positions):
        why.append(code.HAS_POSITION)
    if any(one.is_liquidating or one.is_queued for one in (cross, source)):
        why.append(code.BEING_LIQUIDATED)
    if p.shared["settings_full"]:
        why.append(code.SETTINGS_FULL)
    if to_isolated and source.positions[number].leverage > leverage_cap(p.markets[number], is_isolated=True):
        why.append(code.LEVERAGE_CAP)
    if why:
        return why
    return _to_isolated(p, c, cross) if to_isolated else _to_cross(p, c, cross, source)


def _moved(p: Picture, source: Bucket, target: Bucket, number: int, cash: int) -> None:
    """The position goes with `cash` beside it."""
    position = source.positions.pop(number)
    raw = cash - position.entry
    source.raw, target.raw = source.raw - raw, target.raw + raw
    target.positions[number] = position
    repay(p, target)
    leave(p, source, 0)


def _to_isolated(p: Picture, c: Fields, cross: Bucket) -> Refusals:
    number = c["market"]
    if p.shared["next_isolated"] < 0:
        return [code.BUCKETS_FULL, code.INITIAL_MARGIN, code.WITHDRAWABLE]
    trial, made = copy_bucket(cross), Bucket(p.shared["next_isolated"], ISOLATED, c["account"], number, 0, {})
    settle(p, trial)
    position = trial.positions.pop(number)
    trial.raw -= c["amount"] - position.entry
    made.positions[number], made.raw = position, c["amount"] - position.entry
    why = []
    if not may_become(health(p, cross), health(p, trial)):
        why.append(code.INITIAL_MARGIN)
    new = health(p, made)
    if new.equity_initial < new.initial:
        why.append(code.INITIAL_MARGIN)
    pending = sum(funding_of(p.markets[n], held) for n, held in cross.positions.items())
    others = sum(payable(p, n, held) for n, held in cross.positions.items() if n != number)
    if c["amount"] - cash_of(cross) - pending > others:
        why.append(code.WITHDRAWABLE)
    if not why:
        settle(p, cross)
        p.buckets[made.number] = made
        made.positions.clear()
        made.raw = 0
        _moved(p, cross, made, number, c["amount"])
    return why


def _to_cross(p: Picture, c: Fields, cross: Bucket, own: Bucket) -> Refusals:
    trial, number = copy_bucket(cross), c["market"]
    gone = copy_bucket(own)
    settle(p, gone)
    trial.positions[number] = gone.positions[number]
    trial.raw += gone.raw
    after = health(p, trial)
    if after.equity_initial < after.initial:
        return [code.INITIAL_MARGIN]
    if abs(cross.raw + gone.raw) > RAW_USD_MAX:
        return [code.CASH_BOUND]
    settle(p, own)
    settle(p, cross)
    _moved(p, own, cross, number, cash_of(own))
    own.kind = 0
    return []


def pool_worth(p: Picture, c: Fields) -> tuple[int, int]:
    """Equity of the pool at the worse and the better of mark and index, less what its skew will pay back.

    The better counts its collateral in full: who joins pays for what the weight leaves out.
    """
    pool, market = p.buckets[p.shared["pool"]], p.markets[c["market"]]
    at_mark = health(p, pool).equity
    size = pool.positions[c["market"]].size if c["market"] in pool.positions else 0
    at_index = at_mark + size * (market.index - market.mark)
    depth = market.params[parameter.AMM_DEPTH] if c["flags"] == command.AMM else 0
    skew = min(Fraction(1), Fraction(abs(size), 2 * depth)) if depth else Fraction(0)
    impact = abs(size) * market.index * skew
    held = [(p.assets[number], lots) for number, lots in pool.holdings.items()]
    more = sum(lots * keeping_price(p, asset) - kept(p, asset, lots) for asset, lots in held)
    return min(at_mark, at_index) - ceil(impact), max(at_mark, at_index) - floor(impact) + more


def _pool_refusals(p: Picture, c: Fields) -> Refusals:
    pool, market, why = p.buckets[p.shared["pool"]], p.markets[c["market"]], []
    if p.cells[VENUE_STATUS] >= command.HALTED:
        why.append(code.VENUE_HALTED)
    if market.status in (command.HALTED, command.DELISTING):
        why.append(code.MARKET_CLOSED)
    if pool.positions and not market.is_fresh:
        why.append(code.STALE_PRICE)
    if pool.is_liquidating or pool.is_queued:
        why.append(code.BEING_LIQUIDATED)
    return why


def pool_add(p: Picture, c: Fields) -> Refusals:
    """Shares at the price that favours those who are in; the first ones of a pool at par, some of them nobody's."""
    if c["flags"] not in (command.AMM, command.BACKSTOP):
        return [code.BAD_FIELD]
    why = [] if POOL_ADD_MIN <= c["amount"] <= AMOUNT_MAX else [code.BAD_AMOUNT]
    if p.markets[c["market"]].status == command.UNLISTED:
        return [*why, code.UNKNOWN_MARKET]
    pool, account = p.buckets[p.shared["pool"]], p.buckets[c["account"]]
    why += _pool_refusals(p, c) + exit_refusals(p, account, c["amount"])
    shares, is_new = p.shared["shares"], not pool.positions and not pool.holdings and 0 <= pool.raw < POOL_LOCKED
    if is_new:
        minted = c["amount"] - POOL_LOCKED
        p.shared["void"] = pool.raw
    else:
        low, high = pool_worth(p, c)
        if low <= 0 or shares == 0:
            return [*why, code.POOL_MARGIN]
        minted = floor(Fraction(c["amount"] * shares, high))
        if minted == 0 or c["amount"] * shares > high * (POOL_SHARES_MAX - shares):
            why.append(code.POOL_CAP)
    rows = p.shared["free_shares"]
    if is_new and shares:  # the rows of a dead pool become free
        rows += 1 + (p.shared["held"] > 0)
    if rows < (2 if is_new else int(p.shared["held"] == 0)):
        why.append(code.SHARES_FULL)
    if not why:
        if is_new:
            p.markets[c["market"]].insurance += pool.raw
            pool.raw = 0
        leave(p, account, c["amount"])
        add_cash(p, pool, c["amount"])
        p.shared["minted"] = minted - (p.shared["held"] if is_new else 0)
    return why


def pool_remove(p: Picture, c: Fields) -> Refusals:
    """Paid at the price that favours those who stay, rounded down, while the pool keeps its own margin."""
    if c["flags"] not in (command.AMM, command.BACKSTOP):
        return [code.BAD_FIELD]
    why = [] if c["size"] > 0 else [code.BAD_SIZE]
    if p.shared["held"] == 0:
        return [*why, code.NO_POSITION]
    why += _pool_refusals(p, c)
    if c["flags"] == command.BACKSTOP and p.shared["queued"]:
        why.append(code.BEING_LIQUIDATED)
    if p.now < p.shared["added"] + p.markets[c["market"]].params[parameter.POOL_LOCK_MS]:
        why.append(code.NOT_DUE)
    if c["size"] > p.shared["held"]:
        why.append(code.WITHDRAWABLE)
    low, _ = pool_worth(p, c)
    if why or low <= 0:
        return why or [code.POOL_MARGIN]
    paid = floor(Fraction(low * c["size"], p.shared["shares"]))
    if paid == 0:
        return [code.BAD_SIZE]
    pool = p.buckets[p.shared["pool"]]
    trial = copy_bucket(pool)
    trial.raw -= paid
    after = health(p, trial)
    if after.equity <= 0 or after.equity_initial < after.initial:
        return [code.POOL_MARGIN]
    add_cash(p, pool, -paid)
    add_cash(p, p.buckets[c["account"]], paid)
    p.shared["minted"] = -c["size"]
    return []


def insurance_add(p: Picture, c: Fields) -> Refusals:
    """A gift to the fund of a market."""
    why = [] if 0 < c["amount"] <= AMOUNT_MAX else [code.BAD_AMOUNT]
    market = p.markets[c["market"]]
    if market.status == command.UNLISTED:
        return [*why, code.UNKNOWN_MARKET]
    why += exit_refusals(p, p.buckets[c["account"]], c["amount"])
    if not why:
        leave(p, p.buckets[c["account"]], c["amount"])
        market.insurance += c["amount"]
    return why


def insurance_remove(p: Picture, c: Fields) -> Refusals:
    """Down to the floor, while nobody of the market may need it."""
    why = [] if 0 < c["amount"] <= AMOUNT_MAX else [code.BAD_AMOUNT]
    market = p.markets[c["market"]]
    if market.open_interest and not market.is_fresh:
        why.append(code.STALE_PRICE)
    if p.shared["queued"]:
        why.append(code.BEING_LIQUIDATED)
    if market.insurance - c["amount"] < market.params[parameter.INSURANCE_FLOOR]:
        why.append(code.INSURANCE_FLOOR)
    if not why:
        market.insurance -= c["amount"]
        add_cash(p, p.buckets[c["account"]], c["amount"])
    return why


JUDGES: Final[dict[int, tuple[str, Callable[[Picture, Fields], Refusals]]]] = {
    command.SET_LEVERAGE: ("POST_LEVERAGE", set_leverage),
    command.MOVE_POSITION: ("POST_MOVE_POSITION", move_position),
    command.POOL_ADD: ("POST_POOL", pool_add),
    command.POOL_REMOVE: ("POST_POOL", pool_remove),
    command.INSURANCE_ADD: ("POST_INSURANCE", insurance_add),
    command.INSURANCE_REMOVE: ("POST_INSURANCE", insurance_remove),
}
