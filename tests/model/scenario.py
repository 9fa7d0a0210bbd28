"""SPEC section 3, portfolio mode: every row of the grid, one after the other, in fractions.

grid: {factor_shocks: [(move, credit)], own_shares: [share], risks: {market: {beta, own, basis, floor,
concentration_start, concentration}}, portfolio_factor}, rates in parts of ONE.
"""

from fractions import Fraction
from math import ceil
from typing import Any

from model.margin import ONE, World, health, value_maintenance

Grid = dict[str, Any]


def exposures(world: World) -> dict[str, tuple[int, int]]:
    """market -> (perp, spot): size x mark, and the maintenance value of collateral whose underlying it is."""
    names = {p["market"] for p in world["bucket"]["positions"]}
    names |= {world["assets"][name]["underlying"] for name, _ in world["bucket"]["collateral"]}
    found = {}
    for market in sorted(name for name in names if name is not None):
        sizes = [p["size"] for p in world["bucket"]["positions"] if p["market"] == market]
        perp = sum(size * world["marks"][market]["mark"] for size in sizes)
        held = [(world["assets"][name], balance) for name, balance in world["bucket"]["collateral"]]
        spot = sum(value_maintenance(asset, balance) for asset, balance in held if asset["underlying"] == market)
        found[market] = (perp, spot)
    return found


def rows(grid: Grid, names: list[str]) -> list[tuple[dict[str, Fraction], Fraction]]:
    """Every row as (market -> relative move of the markets it moves, credit): common rows, then own rows."""
    found = []
    for move, credit in grid["factor_shocks"]:
        moves = {n: max(Fraction(-1), Fraction(move * grid["risks"][n]["beta"], ONE * ONE)) for n in names}
        found.append((moves, Fraction(credit, ONE)))
    for name in names:
        for part in grid["own_shares"]:
            size = Fraction(ceil(Fraction(grid["risks"][name]["own"] * part, ONE)), ONE)  # a requirement rate: up
            found.append(({name: size}, Fraction(1)))
            found.append(({name: -size}, Fraction(1)))
    return found


def loss_of_row(world: World, grid: Grid, moves: dict[str, Fraction], credit: Fraction) -> int:
    """ceil(sum of losing markets - credit x sum of gaining markets)."""
    losing, gaining = Fraction(0), Fraction(0)
    for market, (perp, spot) in exposures(world).items():
        if market not in moves:
            continue
        hedged = min(max(0, -perp), spot)
        loss = Fraction(grid["risks"][market]["basis"], ONE) * hedged - (perp + spot) * moves[market]
        if loss > 0:
            losing += loss
        else:
            gaining += -loss
    return ceil(losing - credit * gaining)


def maintenance(world: World, grid: Grid) -> int:
    """max(0, worst row) + ceil(sum |perp| x floor) + ceil(sum max(0, |perp| - start) x concentration)."""
    book = exposures(world)
    worst = max(loss_of_row(world, grid, moves, credit) for moves, credit in rows(grid, list(book)))
    floors, extra = Fraction(0), Fraction(0)
    for market, (perp, _) in book.items():
        risk = grid["risks"][market]
        floors += abs(perp) * Fraction(risk["floor"], ONE)
        extra += max(0, abs(perp) - risk["concentration_start"]) * Fraction(risk["concentration"], ONE)
    return max(0, worst) + ceil(floors) + ceil(extra)


def portfolio_health(world: World, grid: Grid) -> dict[str, int]:
    """Health with portfolio requirements: IM = max(ceil(MM x factor), LE) + reserved."""
    figures = health(world)
    required = maintenance(world, grid)
    end = ceil(required * (1 + Fraction(world["policy"]["exit_buffer"], ONE)))
    initial = max(ceil(required * Fraction(grid["portfolio_factor"], ONE)), end) + figures["reserved"]
    return {**figures, "maintenance": required, "liquidation_end": end, "initial": initial}
