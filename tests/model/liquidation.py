"""SPEC section 5: the price at which a bucket becomes liquidatable, by search over the health of section 3."""

from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import Any

from model.margin import ONE, World, health, maintenance_exact, pending_of, value_maintenance


def world_at(world: World, market: str, price: int) -> World:
    """The world with one market's mark moved and the assets it drives moved with it, everything else fixed."""
    mark = world["marks"][market]
    assets = {
        name: {**asset, "oracle": floor(Fraction(asset["oracle"] * price, mark["mark"]))}
        if asset["underlying"] == market
        else asset
        for name, asset in world["assets"].items()
    }
    return {**world, "marks": {**world["marks"], market: {**mark, "mark": price}}, "assets": assets}


def fee_at(world: World, market: str, price: Fraction | int, closing_fee: int) -> Fraction:
    """The fee for closing the market's position at the price, exact."""
    sizes = [abs(p["size"]) for p in world["bucket"]["positions"] if p["market"] == market]
    return sum(sizes) * price * Fraction(closing_fee, ONE)


def is_safe_at(world: World, market: str, price: int, closing_fee: int = 0) -> bool:
    """equity >= MM with the mark at `price`, after the fee for closing when one is given. All in integers of SPEC."""
    moved = world_at(world, market, price)
    figures = health(moved)
    required = Fraction(0)
    for position in world["bucket"]["positions"]:
        mark = moved["marks"][position["market"]]["mark"]
        tiers = world["markets"][position["market"]]["tiers"]
        required += maintenance_exact(tiers, abs(position["size"]) * mark)
    return figures["equity"] >= required + fee_at(world, market, price, closing_fee)


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
    moved = asset["oracle"] * price / world["marks"][market]["mark"]
    if asset["redemption"] is not None:
        moved = min(moved, Fraction(asset["redemption"]))
    return balance * Fraction(asset["weight_maintenance"], ONE) * moved


def kinks(world: World, market: str) -> list[Fraction]:
    """Prices at which margin_left may change slope: tier bounds of the position, redemption of linked collateral."""
    found = set()
    for position in world["bucket"]["positions"]:
        if position["market"] == market and position["size"] != 0:
            for lower, _, _ in world["markets"][market]["tiers"][1:]:
                found.add(Fraction(lower, abs(position["size"])))
    for name, _ in world["bucket"]["collateral"]:
        asset = world["assets"][name]
        if asset["underlying"] == market and asset["redemption"] is not None:
            found.add(Fraction(asset["redemption"] * world["marks"][market]["mark"], asset["oracle"]))
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


def exact_points(world: World, market: str, closing_fee: int = 0) -> list[Fraction]:
    """All prices p > 0 at which equity(p) = MM(p)."""
    return zeros(lambda price: margin_left(world, market, price, closing_fee), kinks(world, market))


def solve_linear(size: Fraction, fixed: Fraction, tiers: Any, closing_fee: int = 0) -> list[Fraction]:
    """All p > 0 with fixed + size * p = maintenance(|size| * p) + fee."""
    if size == 0:
        return []
    corners = sorted(lower / abs(size) for lower, _, _ in tiers)

    def left(price: Fraction) -> Fraction:
        notional = abs(size) * price
        return fixed + size * price - maintenance_exact(tiers, notional) - notional * Fraction(closing_fee, ONE)

    return zeros(left, [Fraction(corner) for corner in corners])


def scan(test: Callable[[int], bool], prices: range) -> int | None:
    """The first price of the range that fails the test, or None."""
    for price in prices:
        if not test(price):
            return price
    return None


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
