"""SPEC section 5: the price at which a bucket becomes liquidatable, by search over the health of section 3."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from model.margin import ONE, World, health, kept_price, maintenance_exact, pending_of, value_maintenance


def world_at(world: World, market: str, price: int) -> World:
    """The world with one market's mark moved, everything else fixed."""
    return {**world, "marks": {**world["marks"], market: {**world["marks"][market], "mark": price}}}


def linked_gain(world: World, market: str, price: int) -> int:
    """What collateral of the same asset gains: its value at p is floor(balance * weight * price * p / mark)."""
    gain = 0
    for name, balance in world["bucket"]["collateral"]:
        asset = world["assets"][name]
        if asset["underlying"] == market:
            now = kept_price(asset)
            worth = balance * Fraction(asset["weight_maintenance"], ONE) * now
            gain += floor(worth * price / world["marks"][market]["mark"]) - value_maintenance(asset, balance)
    return gain


def fee_at(world: World, market: str, price: Fraction | int, closing_fee: int) -> Fraction:
    """The fee for closing the market's position at the price, exact."""
    sizes = [abs(p["size"]) for p in world["bucket"]["positions"] if p["market"] == market]
    return sum(sizes) * price * Fraction(closing_fee, ONE)


def is_safe_at(world: World, market: str, price: int, closing_fee: int = 0) -> bool:
    """equity - fee >= MM with the mark at `price`, in integers; the fee is owed: it rounds up."""
    figures = health(world_at(world, market, price))
    equity = figures["equity"] + linked_gain(world, market, price)
    return equity - ceil(fee_at(world, market, price, closing_fee)) >= figures["maintenance"]


def margin_left(world: World, market: str, price: Fraction, closing_fee: int = 0) -> Fraction:
    """equity - MM as an exact function of a real price: no rounding of what moves with it."""
    bucket, marks = world["bucket"], world["marks"]
    left = Fraction(bucket["raw_usd"])
    for position in bucket["positions"]:
        mark = marks[position["market"]]
        at = price if position["market"] == market else Fraction(mark["mark"])
        left += position["size"] * at + pending_of(position, mark)
        left -= maintenance_exact(world["markets"][position["market"]]["tiers"], abs(position["size"]) * at)
    for name, balance in bucket["collateral"]:
        left += _collateral_at(world["assets"][name], balance, world, market, price)
    return left - fee_at(world, market, price, closing_fee)


def _collateral_at(asset: dict[str, Any], balance: int, world: World, market: str, price: Fraction) -> Fraction:
    if asset["underlying"] != market:
        return Fraction(value_maintenance(asset, balance))
    now = kept_price(asset)
    return balance * Fraction(asset["weight_maintenance"], ONE) * now * price / world["marks"][market]["mark"]


def kinks(world: World, market: str) -> list[Fraction]:
    """Prices at which margin_left may change slope: where the position enters another tier."""
    found = set()
    for position in world["bucket"]["positions"]:
        if position["market"] == market and position["size"] != 0:
            for lower, _, _ in world["markets"][market]["tiers"][1:]:
                found.add(Fraction(lower, abs(position["size"])))
    return sorted(found)


def zeros(function: Callable[[Fraction], Fraction], corners: list[Fraction]) -> list[Fraction]:
    """Every x > 0 where a continuous function, straight between its corners, is zero (a flat zero gives its ends)."""
    stops = [Fraction(0), *[corner for corner in corners if corner > 0]]
    found = set()
    for k, left in enumerate(stops):
        last = k + 1 == len(stops)
        right = left + 1 if last else stops[k + 1]
        at_left, at_right = function(left), function(right)
        if at_left == at_right:
            if at_left == 0:
                found.update({left} if last else {left, right})
            continue
        crossing = left - at_left * (right - left) / (at_right - at_left)
        if crossing >= left and (last or crossing <= right):
            found.add(crossing)
    return sorted(x for x in found if x > 0)


def healthy_interval(
    left: Callable[[Fraction], Fraction], corners: list[Fraction]
) -> tuple[Fraction | None, Fraction | None]:
    """(falling under it liquidates, rising over it liquidates), each None when that way never does.

    margin_left is concave in the price (linear less a convex maintenance), so the healthy prices are one interval.
    """
    points = zeros(left, corners)
    stops = sorted({Fraction(0), *corners, *points})
    below, above = [], []
    for point in points:
        before = max(stop for stop in stops if stop < point)
        after = min((stop for stop in stops if stop > point), default=point + 2)
        if left((before + point) / 2) < 0:
            below.append(point)
        if left((point + after) / 2) < 0:
            above.append(point)
    assert len(below) <= 1
    assert len(above) <= 1
    return (below[0] if below else None), (above[0] if above else None)


def exact_prices(world: World, market: str, closing_fee: int = 0) -> tuple[Fraction | None, Fraction | None]:
    """The liquidation price under the healthy prices and the one over them, in micro-USD per lot."""
    return healthy_interval(lambda price: margin_left(world, market, price, closing_fee), kinks(world, market))


def solve_linear(size: Fraction, fixed: Fraction, tiers: Any, closing_fee: int = 0) -> list[Fraction]:
    """All p > 0 with fixed + size * p = maintenance(|size| * p) + fee."""
    if size == 0:
        return []
    corners = sorted(lower / abs(size) for lower, _, _ in tiers)

    def left(price: Fraction) -> Fraction:
        notional = abs(size) * price
        return fixed + size * price - maintenance_exact(tiers, notional) - notional * Fraction(closing_fee, ONE)

    return zeros(left, [Fraction(corner) for corner in corners])


def bisect(test: Callable[[int], bool], safe: int, unsafe: int) -> int:
    """The safe price next to the edge between a safe and an unsafe price, when there is one edge between them."""
    assert test(safe)
    assert not test(unsafe)
    while abs(unsafe - safe) > 1:
        middle = (safe + unsafe) // 2
        if test(middle):
            safe = middle
        else:
            unsafe = middle
    return safe


def scaled_by(world: World, moves: dict[str, int], scale: Fraction) -> Fraction:
    """equity - MM with every named market's price at mark x (1 + move x scale), exact; linked collateral follows."""
    factor = {name: 1 + Fraction(move, ONE) * scale for name, move in moves.items()}
    left = Fraction(health(world)["equity"])
    for position in world["bucket"]["positions"]:
        name = position["market"]
        value = position["size"] * Fraction(world["marks"][name]["mark"])
        left += value * (factor.get(name, Fraction(1)) - 1)
        left -= maintenance_exact(world["markets"][name]["tiers"], abs(value) * factor.get(name, Fraction(1)))
    for name, balance in world["bucket"]["collateral"]:
        asset = world["assets"][name]
        price = kept_price(asset)
        worth = balance * Fraction(asset["weight_maintenance"], ONE) * price
        left += worth * (factor.get(asset["underlying"], Fraction(1)) - 1)
    return left


def nearest_scale(world: World, moves: dict[str, int]) -> Fraction | None:
    """The least scale >= 0 at which a further move liquidates, prices staying above zero. None: there is none."""
    corners = {Fraction(0)}
    for position in world["bucket"]["positions"]:
        move = Fraction(moves.get(position["market"], 0), ONE)
        amount = abs(position["size"]) * world["marks"][position["market"]]["mark"]
        if move != 0 and amount != 0:
            tiers = world["markets"][position["market"]]["tiers"]
            corners |= {(lower / Fraction(amount) - 1) / move for lower, _, _ in tiers}
    last = min((Fraction(-ONE, move) for move in moves.values() if move < 0), default=None)
    stops = sorted(corner for corner in corners if corner >= 0 and (last is None or corner < last))
    ends = [*stops[1:], last]
    for start, end in zip(stops, ends, strict=True):
        probe = start + 1 if end is None else end
        at_start, at_probe = scaled_by(world, moves, start), scaled_by(world, moves, probe)
        if at_start < 0 or (at_start == 0 and at_probe < 0):
            return start
        if at_probe < at_start:
            crossing = start + at_start * (probe - start) / (at_start - at_probe)
            if end is None or crossing < end:
                return crossing
    return None
