"""Section 9 of the specification in fractions and by brute force: what each stage must do. Slow on purpose.

A world is plain: markets {mark, index, tiers [(lower, rate)], price_max, param [...], insurance}, buckets {raw,
positions {market: (size, entry)}}, policy [...]. Numbers of parameters are those of the public parameter list.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any

ONE = 12_000_000
LIQUIDATION_FEE, GATE, DUST = 12, 15, 17
EXIT_BUFFER = 0
World = dict[str, Any]


def area(tiers: list[tuple[int, int]], notional: int) -> Fraction:
    """Maintenance of one position: each bracket of notional at its own rate."""
    total = Fraction(0)
    for k, (lower, rate) in enumerate(tiers):
        upper = tiers[k + 1][0] if k + 1 < len(tiers) else notional
        total += max(0, min(notional, upper) - lower) * Fraction(rate, ONE)
    return total


def maintenance(world: World, positions: dict[int, tuple[int, int]]) -> int:
    """One ceil for the sum."""
    needs = (
        area(world["markets"][m]["tiers"], abs(size) * world["markets"][m]["mark"])
        for m, (size, _) in positions.items()
    )
    return ceil(sum(needs, Fraction(0)))


def health(world: World, bucket: int) -> tuple[int, int]:
    """(equity, maintenance) at mark."""
    book = world["buckets"].get(bucket, {"raw": 0, "positions": {}})
    equity = book["raw"] + sum(size * world["markets"][m]["mark"] for m, (size, _) in book["positions"].items())
    return equity, maintenance(world, book["positions"])


def after_close(world: World, bucket: int, market: int, lots: int) -> int:
    """Maintenance once `lots` of the position are gone."""
    positions = dict(world["buckets"][bucket]["positions"])
    size, entry = positions[market]
    positions[market] = (size - lots if size > 0 else size + lots, entry)
    return maintenance(world, positions)


def end(world: World, needed: int) -> int:
    return ceil(needed * (1 + Fraction(world["policy"][EXIT_BUFFER], ONE)))


def share_left(world: World, bucket: int, market: int, lots: int) -> int:
    """Equity after a close at the bankruptcy price: in proportion to the maintenance that stays, rounded up."""
    equity, needed = health(world, bucket)
    return ceil(Fraction(equity * after_close(world, bucket, market, lots), needed)) if needed else 0


def equity_if(world: World, bucket: int, market: int, lots: int, price: int) -> int:
    """Equity once `lots` are closed at `price`, no fee."""
    equity, _ = health(world, bucket)
    size, _ = world["buckets"][bucket]["positions"][market]
    return equity + (1 if size > 0 else -1) * lots * (price - world["markets"][market]["mark"])


def bankruptcy(world: World, bucket: int, market: int, lots: int) -> int:
    """The last whole price, seen from the bucket's side, that leaves at least its share; within 1..price_max."""
    size, _ = world["buckets"][bucket]["positions"][market]
    equity, _ = health(world, bucket)
    mark, most = world["markets"][market]["mark"], world["markets"][market]["price_max"]
    given = Fraction(equity - share_left(world, bucket, market, lots), lots)
    return max(1, min(most, ceil(mark - given) if size > 0 else floor(mark + given)))


def limit(world: World, bucket: int, market: int, lots: int) -> int:
    """Worst price of a forced order: bankruptcy price (of one lot too when in debt) and gate."""
    size, _ = world["buckets"][bucket]["positions"][market]
    row = world["markets"][market]
    prices = [bankruptcy(world, bucket, market, lots)]
    if health(world, bucket)[0] < 0:
        prices.append(bankruptcy(world, bucket, market, 1))
    if row["param"][GATE] < ONE:
        reach = floor(row["index"] * Fraction(row["param"][GATE], ONE))
        prices.append(row["index"] - reach if size > 0 else row["index"] + reach)
    return max(prices) if size > 0 else min(prices)


def walk(book: list[tuple[int, int]], lots: int, worst: int, is_sale: bool) -> tuple[int, int]:
    """(lots, value) of an Ioc against price levels, best first."""
    filled = value = 0
    for price, there in book:
        if (price < worst) if is_sale else (price > worst):
            break
        part = min(there, lots - filled)
        filled, value = filled + part, value + part * price
    return filled, value


def fee(world: World, bucket: int, market: int, lots: int, value: int) -> int:
    """min(rate x value, what the fill brought beyond the bankruptcy value), never from negative equity."""
    size, _ = world["buckets"][bucket]["positions"][market]
    mark = world["markets"][market]["mark"]
    equity = health(world, bucket)[0] + (1 if size > 0 else -1) * (value - lots * mark)
    full = ceil(value * Fraction(world["markets"][market]["param"][LIQUIDATION_FEE], ONE))
    return max(0, min(full, equity - max(0, share_left(world, bucket, market, lots))))


def restores(world: World, bucket: int, market: int, lots: int, value: int) -> bool:
    """equity - slippage - fee >= LE after, with the fee that is really charged."""
    size, _ = world["buckets"][bucket]["positions"][market]
    mark = world["markets"][market]["mark"]
    equity = health(world, bucket)[0] + (1 if size > 0 else -1) * (value - lots * mark)
    equity -= fee(world, bucket, market, lots, value)
    return equity >= end(world, after_close(world, bucket, market, lots))


def least(world: World, bucket: int, market: int, book: list[tuple[int, int]]) -> int | None:
    """The least lots that can be filled and end the liquidation, by trying every amount; None when none does."""
    size, _ = world["buckets"][bucket]["positions"][market]
    for lots in range(1, abs(size) + 1):
        filled, value = walk(book, lots, limit(world, bucket, market, lots), size > 0)
        if filled == lots and restores(world, bucket, market, lots, value):
            return lots
    return None


def covered(world: World, bucket: int, market: int, most: int, money: int) -> int:
    """The most lots whose part of the debt `money` pays."""
    equity, _ = health(world, bucket)
    best = 0
    for lots in range(1, most + 1):
        if max(0, share_left(world, bucket, market, lots) - equity) <= money:
            best = lots
    return best


def haircuts(profits: list[int], amount: int) -> list[int]:
    """Each pays pro rata of profit, whole micro-USD, cumulative floors: exact in sum."""
    total, seen, paid, cuts = sum(profits), 0, 0, []
    for profit in profits:
        seen += profit
        cuts.append(floor(Fraction(amount * seen, total)) - paid)
        paid += cuts[-1]
    return cuts


# who is deleveraged: ranks and shares, as the public rule has them

QUEUE, PRO_RATA, RISK_AWARE, LEAST_HARM = range(4)
SCALE, CAP, PRODUCT, PROFIT, LEVELS = 2**16, 2**24, 2**48, 2**60, 15


def _ratio(part: int, whole: int) -> int:
    if part <= 0:
        return 0
    return CAP if whole <= 0 else min(CAP, floor(Fraction(part * SCALE, whole)))


def exposure(world: World, bucket: int) -> int:
    """Net notional at mark of a cross account that has no isolated bucket."""
    book = world["buckets"][bucket]["positions"]
    return sum(size * world["markets"][m]["mark"] for m, (size, _) in book.items())


def harmless_part(net: int, value: int) -> int:
    """How much of |value| can be closed without making |net| larger: by trying the ends and the middle of each side."""
    if net * value <= 0:
        return 0
    return min(abs(net), abs(value))


def score(world: World, bucket: int, market: int, policy: int) -> int:
    """The public rank of a position; greater goes first."""
    size, entry = world["buckets"][bucket]["positions"][market]
    value = size * world["markets"][market]["mark"]
    pnl = value - entry
    book = world["buckets"][bucket]["positions"]
    notional = sum(abs(lots) * world["markets"][m]["mark"] for m, (lots, _) in book.items())
    leverage = _ratio(notional, health(world, bucket)[0])
    top = PROFIT if pnl > 0 else 0
    if health(world, bucket)[0] <= 0:
        return 1
    if policy == PRO_RATA:
        return top + abs(size)
    if policy == RISK_AWARE:
        return top + max(1, floor(Fraction(abs(size) * leverage, SCALE)))
    if pnl > 0:
        merit = min(PRODUCT - 1, _ratio(pnl, abs(entry)) * leverage)
    else:
        merit = floor(Fraction(leverage * SCALE, SCALE + _ratio(-pnl, abs(entry))))
    if policy == QUEUE:
        return top + merit
    level = floor(Fraction(LEVELS * harmless_part(exposure(world, bucket), value), abs(value)))
    return top + level * PRODUCT + merit


def may_close(world: World, bucket: int, market: int, lots: int, price: int) -> bool:
    """A counterparty stays healthy if it was, and has at least as much equity for each unit of maintenance."""
    equity, needed = health(world, bucket)
    after, left = equity_if(world, bucket, market, lots, price), after_close(world, bucket, market, lots)
    if equity >= needed and after < left:
        return False
    if equity <= 0:
        return after >= equity
    return after >= 0 if left == 0 else Fraction(after, left) >= Fraction(equity, needed)


def capacity(world: World, bucket: int, market: int, most: int, price: int) -> int:
    """The first of most, most / 2, most / 4 ... that may be closed."""
    lots = most
    while lots > 0 and not may_close(world, bucket, market, lots, price):
        lots //= 2
    return lots


def deleveraged(world: World, loser: int, market: int, price: int, order: list[int]) -> dict[int, int]:
    """Lots that each counterparty closes at `price` under the venue's policy; equal scores in the given order."""
    policy = world["policy"][17]
    size, _ = world["buckets"][loser]["positions"][market]
    left = abs(size)
    others = [b for b in order if world["buckets"][b]["positions"].get(market, (0, 0))[0] * size < 0]
    for spares_hedges in (True, False) if policy == LEAST_HARM else (False,):
        room = {}
        for b in others:
            held = abs(world["buckets"][b]["positions"][market][0])
            most = min(left, held)
            if spares_hedges:
                mark = world["markets"][market]["mark"]
                value = world["buckets"][b]["positions"][market][0] * mark
                most = min(most, harmless_part(exposure(world, b), value) // mark)
            if (lots := capacity(world, b, market, most, price)) > 0:
                room[b] = lots
        if room:
            break
    ranked = sorted(room, key=lambda b: -score(world, b, market, policy))
    if policy in (QUEUE, LEAST_HARM):
        closed = {}
        for b in ranked:
            closed[b] = min(left, room[b])
            left -= closed[b]
        return {b: lots for b, lots in closed.items() if lots}
    closed = {}
    for in_profit in (True, False):
        group = [b for b in ranked if (score(world, b, market, policy) >= PROFIT) is in_profit]
        given = shares(group, [score(world, b, market, policy) % PROFIT for b in group], room, left)
        closed |= given
        left -= sum(given.values())
    return {b: lots for b, lots in closed.items() if lots}


def shares(group: list[int], weights: list[int], room: dict[int, int], lots: int) -> dict[int, int]:
    """Eight rounds of cumulative floors of weight among those with room left, then by rank."""
    given, weight = dict.fromkeys(group, 0), dict(zip(group, weights, strict=True))
    for _ in range(8):
        active = [b for b in group if given[b] < room[b]]
        total, seen, reached, this_round = sum(weight[b] for b in active), 0, 0, lots - sum(given.values())
        for b in active:
            seen += weight[b]
            upto = floor(Fraction(this_round * seen, total))
            given[b] += min(room[b] - given[b], upto - reached)
            reached = upto
    for b in group:
        given[b] += min(room[b] - given[b], lots - sum(given.values()))
    return given
