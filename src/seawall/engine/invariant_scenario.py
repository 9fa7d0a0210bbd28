"""What holdings are worth and what portfolio margin needs, as the invariants read it (host side, fractions).

A writing of SPEC sections 2, 3 and 11 beside ledger/portfolio.py and the fraction model of the simulator.
"""

from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from seawall.terms import parameter
from seawall.terms.asset_parameter import POOL, REDEMPTION_FLOOR, WEIGHT_MAINTENANCE
from seawall.units import RATE_ONE, ceil_div, floor_div

if TYPE_CHECKING:
    from seawall.engine.invariant_view import View


def kept_of(v: "View", row: int) -> int:
    """Worth of one holding for maintenance at the present indices."""
    asset, lots = v["holding_asset"].item(row), v["holding_lots"].item(row)
    price, redeemed = v["market_oracle"].item(v["asset_market"].item(asset)), v["asset_redeemed"].item(asset) - 1
    if redeemed >= 0:
        backed = v["market_oracle"].item(redeemed)
        least = floor_div(backed * v["asset_param"].item(asset, REDEMPTION_FLOOR), RATE_ONE)
        price = max(min(price, backed), min(int(least), v["market_price_max"].item(v["asset_market"].item(asset))))
    value = range_parts(v, row, price)[0] if v["asset_kind"].item(asset) == POOL else lots * price
    return int(floor_div(value * v["asset_param"].item(asset, WEIGHT_MAINTENANCE), RATE_ONE))


def range_parts(v: "View", row: int, price: int) -> tuple[int, int]:
    """Worth of a liquidity position at a price, and what of it is base."""
    lots, low, high = v["holding_lots"].item(row), v["holding_low"].item(row), v["holding_high"].item(row)
    one = 1 << v["holding_scale"].item(row)
    root = min(max(isqrt(price * one * one), low), high)
    base = floor_div(min(root, floor_div(price * one * one, root)) * (high - root), high)
    return int(floor_div(lots * (root - low + base), one)), int(floor_div(lots * base, one))


def scenario_maintenance(v: "View", bucket: int) -> int:
    """Maintenance of a bucket by the grid, in fractions (SPEC section 3)."""
    book: dict[int, list[int]] = {}  # market: perp, spot; then the rows of its liquidity positions
    for at in np.flatnonzero(v.slot_owner == bucket).tolist():
        book[int(v.slot_market[at])] = [int(v.value[at]), 0]
    row = v["bucket_holding"].item(bucket)
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        asset = v["holding_asset"].item(row)
        redeemed = v["asset_redeemed"].item(asset) - 1
        held = book.setdefault(redeemed if redeemed >= 0 else v["asset_market"].item(asset), [0, 0])
        if v["asset_kind"].item(asset) == POOL:
            held.append(row)
        else:
            held[1] += kept_of(v, row)
        row = v["holding_next"].item(row)
    venue, worst = v["param"][v.markets].tolist(), 0
    for k in range(parameter.GRID_SHOCKS):
        if factor := venue[parameter.GRID_MOVE + k]:
            betas = {market: v["param"].item(market, parameter.GRID_BETA) for market in book}
            moves = [_market_loss(v, m, book[m], Fraction(factor * betas[m], RATE_ONE**2)) for m in book]
            lost = sum((one for one in moves if one > 0), Fraction(0))
            gained = sum((one for one in moves if one < 0), Fraction(0))
            worst = max(worst, _up(lost + gained * Fraction(venue[parameter.GRID_CREDIT + k], RATE_ONE)))
    needed = [Fraction(0), Fraction(0)]
    for market, held in book.items():
        own = v["param"][market].tolist()
        for k in range(parameter.GRID_SHARES):
            share = Fraction(own[parameter.GRID_OWN] * venue[parameter.GRID_SHARE + k], RATE_ONE)
            size = Fraction(_up(share), RATE_ONE)
            worst = max(worst, *(_up(_market_loss(v, market, held, move)) for move in (size, -size)))
        needed[0] += Fraction(abs(held[0]) * own[parameter.GRID_FLOOR], RATE_ONE)
        over = max(0, abs(held[0]) - own[parameter.CONCENTRATION_START])
        needed[1] += Fraction(over * own[parameter.CONCENTRATION], RATE_ONE)
    return worst + _up(needed[0]) + _up(needed[1])


def _market_loss(v: "View", market: int, held: list[int], move: Fraction) -> Fraction:
    perp, spot, *ranges = held
    move, mark = max(Fraction(-1), move), v["market_price"].item(market)
    after = mark * (1 + move)
    price = int(floor_div(after.numerator, after.denominator))
    now = [range_parts(v, row, mark) for row in ranges]
    fallen = sum(worth - range_parts(v, row, price)[0] for row, (worth, _) in zip(ranges, now, strict=True))
    hedged = min(max(0, -perp), spot + sum(base for _, base in now))
    return fallen + Fraction(hedged * v["param"].item(market, parameter.GRID_BASIS), RATE_ONE) - (perp + spot) * move


def _up(amount: Fraction) -> int:
    return int(ceil_div(amount.numerator, amount.denominator))
