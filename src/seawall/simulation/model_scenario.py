"""Portfolio margin in exact fractions, written from docs/SPEC.md (sections 3 and 11) and from nothing else.

Part of the referee (model.py): it shares no code with what it judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, isqrt

from seawall.terms import parameter as names

ONE = 12_000_000

Range = tuple[int, int, int, int]  # liquidity, low, high, scale


@dataclass(slots=True)
class Exposure:
    """What a bucket has in one market."""

    mark: int
    params: list[int]  # of the market
    perp: int = 0  # signed notional
    spot: int = 0  # collateral that moves with the market, as it counts for maintenance
    ranges: list[Range] = field(default_factory=list)


def fair(liquidity: Range, price: int) -> int:
    """Section 11: worth of a position of liquidity at a price of its base, in the integers of its roots."""
    amount, low, high, scale = liquidity
    one = 1 << scale
    root = min(max(isqrt(price * one * one), low), high)
    return floor(Fraction(amount * (root - low + _base(root, high, one, price)), one))


def delta(liquidity: Range, price: int) -> int:
    """Section 11: what of that worth is base."""
    amount, low, high, scale = liquidity
    one = 1 << scale
    root = min(max(isqrt(price * one * one), low), high)
    return floor(Fraction(amount * _base(root, high, one, price), one))


def _base(root: int, high: int, one: int, price: int) -> int:
    return floor(Fraction(min(root, floor(Fraction(price * one * one, root))) * (high - root), high))


def maintenance(policy: list[int], book: list[Exposure]) -> int:
    """Section 3: the worst row, a floor and an add-on for concentration, each rounded up."""
    worst = max([0, *(_loss(book, moves, credit) for moves, credit in _rows(policy, book))])
    floors = sum((abs(one.perp) * Fraction(one.params[names.GRID_FLOOR], ONE) for one in book), Fraction(0))
    extra = sum((_over(one) * Fraction(one.params[names.CONCENTRATION], ONE) for one in book), Fraction(0))
    return worst + ceil(floors) + ceil(extra)


def _over(one: Exposure) -> int:
    return max(0, abs(one.perp) - one.params[names.CONCENTRATION_START])


def _rows(policy: list[int], book: list[Exposure]) -> Iterator[tuple[list[Fraction | None], Fraction]]:
    """Every row: the move of each market (None: it stays), and the credit of gains."""
    for k in range(names.GRID_SHOCKS):
        factor = Fraction(policy[names.GRID_MOVE + k], ONE)
        if factor:
            betas = (Fraction(one.params[names.GRID_BETA], ONE) for one in book)
            yield [max(Fraction(-1), factor * beta) for beta in betas], Fraction(policy[names.GRID_CREDIT + k], ONE)
    for k in range(names.GRID_SHARES):
        for place, one in enumerate(book):
            size = Fraction(ceil(Fraction(one.params[names.GRID_OWN] * policy[names.GRID_SHARE + k], ONE)), ONE)
            for move in (size, -size):
                yield [move if at == place else None for at in range(len(book))], Fraction(1)


def _loss(book: list[Exposure], moves: list[Fraction | None], credit: Fraction) -> int:
    lost, gained = Fraction(0), Fraction(0)
    for one, move in zip(book, moves, strict=True):
        if move is None:
            continue
        price = max(0, floor(one.mark * (1 + move)))
        base = sum(delta(held, one.mark) for held in one.ranges)
        loss = min(max(0, -one.perp), one.spot + base) * Fraction(one.params[names.GRID_BASIS], ONE)
        loss -= (one.perp + one.spot) * move
        loss += sum(fair(held, one.mark) - fair(held, price) for held in one.ranges)
        lost, gained = (lost + loss, gained) if loss > 0 else (lost, gained - loss)
    return ceil(lost - credit * gained)
