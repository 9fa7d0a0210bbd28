"""What a forced order does to the price of a perp: a book walked linearly, and refilled over time.

The book holds `depth` USD within 1 % of mid on one side, evenly spread (a linear book: price impact proportional to
the amount taken), as far as `book_reach`. What liquidations took stays taken and fades with a half-life, which is the
resilience model of Obizhaeva and Wang (2013). `displacement` is the state: how far our own flow holds the perp away
from its recorded price, as a ratio, negative below it. Floats decide prices here; a fill is then put on the market's
grid, against the account that is closed, and every amount from there on is an integer.
"""

import math
from typing import Final

from seawall.kernel import kernel, warm_up

DEPTH_BAND: Final = 0.01  # History.depth_usd is what rests within this share of mid
LEAST_DEPTH_USD: Final = 1.0  # an empty book still has a price; below this nothing fills


@kernel
def decay(displacement: float, elapsed_ms: int, half_life_ms: int) -> float:
    """`displacement` after `elapsed_ms`: half of it is left each half-life; exactly 0 below 1e-9."""
    left = displacement * 0.5 ** (elapsed_ms / half_life_ms)
    return left if abs(left) > 1e-9 else 0.0


@kernel
def capacity_usd(displacement: float, depth_usd: float, side: int, lowest: float, highest: float) -> float:
    """USD that still fills on one side before the displacement leaves [lowest, highest]; `side` -1 sells, +1 buys."""
    if depth_usd < LEAST_DEPTH_USD:
        return 0.0
    room = displacement - lowest if side < 0 else highest - displacement
    return max(0.0, room / DEPTH_BAND * depth_usd)


@kernel
def displacement_after(displacement: float, amount_usd: float, depth_usd: float, side: int) -> float:
    """The displacement once `amount_usd` was taken from the book; 0 stays exactly 0 for an amount of 0."""
    return displacement + side * DEPTH_BAND * amount_usd / max(depth_usd, LEAST_DEPTH_USD)


@kernel
def fill_price(perp: int, displacement: float, after: float, side: int, price_max: int) -> int:
    """Average price of a walk between two displacements, micro-USD per lot: down for a sale, up for a buy."""
    average = perp * (1.0 + 0.5 * (displacement + after))
    whole = math.floor(average) if side < 0 else math.ceil(average)
    return max(1, min(price_max, whole))


@kernel
def displaced_price(perp: int, displacement: float, price_max: int) -> int:
    """The perp's price with our own flow in it, nearest on the grid."""
    return max(1, min(price_max, math.floor(perp * (1.0 + displacement) + 0.5)))


@warm_up
def _compile_once() -> None:
    after = displacement_after(decay(0.0, 1_000, 60_000), 1.0, 1_000_000.0, -1)
    capacity_usd(after, 1_000_000.0, -1, -0.05, 0.05)
    fill_price(1_000, 0.0, after, -1, 2_000)
    displaced_price(1_000, after, 2_000)
