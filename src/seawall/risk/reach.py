"""How far markets may move one way before a bucket is liquidatable, by whatever rule it is in (SPEC section 5).

The worst scenario of portfolio margin changes along the way, so there is no closed form. The way is looked at in PARTS
even steps at once, each answered as the margin core would (standing.py), and the first step in which the bucket goes
under is divided again, ROUNDS times in all. A stretch under water narrower than one step is passed over.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec
import numpy as np

from seawall.margin.trade import settled
from seawall.risk.standing import Ints, is_under_water, markets_of, under_water
from seawall.terms.bucket import Bucket
from seawall.terms.conditions import Conditions
from seawall.terms.grid import ScenarioGrid
from seawall.units import RATE_ONE, BadInput, Price, Rate

PARTS: Final = 256
ROUNDS: Final = 4
MARKS_UP: Final = 4  # times its mark, at most, that the market which moves most is looked at


class Reach(msgspec.Struct, frozen=True):
    """The last point at which the bucket is healthy and the first at which it is not, both of the markets that move.

    `scale` multiplies the direction's moves and is that of the latter; 0 where it is liquidatable now.
    """

    scale: Fraction
    healthy: dict[str, Price]
    under: dict[str, Price]


def reach(
    bucket: Bucket, conditions: Conditions, direction: Mapping[str, Rate], grid: ScenarioGrid | None = None
) -> Reach | None:
    """Along signed relative moves at scale 1, in RATE_ONE; markets left out stay. None: not under water down to prices
    of 1, nor up to MARKS_UP times the mark of the market that rises most.

    BadInput for a direction without a move or with an unknown market, and for portfolio mode without a grid.
    """
    moves = {name: move for name, move in direction.items() if move}
    if not moves:
        raise BadInput("direction", "no market moves")
    marks = {name: conditions.mark(name).mark for name in moves}
    if is_under_water(bucket, conditions, grid):
        return Reach(Fraction(0), marks, marks)
    end = min(Fraction(-RATE_ONE if move < 0 else (MARKS_UP - 1) * RATE_ONE, move) for move in moves.values())
    held, whole, low = settled(bucket, conditions), PARTS**ROUNDS, 0
    names = markets_of(held, conditions)

    def prices(places: Ints) -> dict[str, Ints]:
        scale = places * (float(end) / whole / RATE_ONE)
        found = {name: np.full(len(places), conditions.mark(name).mark, np.int64) for name in names}
        for name, move in moves.items():
            found[name] = np.maximum(1, np.floor(marks[name] * (1.0 + move * scale))).astype(np.int64)
        return found

    for turn in range(ROUNDS):
        step = PARTS ** (ROUNDS - 1 - turn)
        flags = under_water(held, conditions, prices(low + step * np.arange(PARTS + 1)), grid)[1:]
        if not flags.any():
            return None
        low += step * int(flags.argmax())
    found = prices(np.array([low, low + 1]))
    healthy, under = ({name: Price(int(found[name][at])) for name in moves} for at in (0, 1))
    return Reach(end * (low + 1) / whole, healthy, under)
