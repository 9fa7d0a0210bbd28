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
