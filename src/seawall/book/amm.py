"""Quotes of a market's pool (kernels): anchored to the index, skewed by what the pool holds (SPEC section 8).

With J lots already on the taker's side (`-side * held`: what takers have bought of the pool less what they have sold,
seen from this taker), s lots cost on average `index * (1 + side * ((J + s/2) / depth + spread))` a lot, and the last
of them `index * (1 + side * ((J + s) / depth + spread))`. Prices round against the taker, once: however a trade is cut
into pieces the pool gets its exact value or more, and no way back and forth at one index takes money from it.

The pool quotes while its index is fresh, its bucket healthy and its inventory within its depth; prices stay within
1..price_max. It takes no more inventory than AMM_CAP, the depth, the market's greatest size and its own margin allow.
`held` is the inventory to quote from: what the pool's slot holds, or what it would hold after a part of the same plan.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.buckets import cash_fits, find_slot, has_slot_room
from seawall.ledger.health import EQUITY_INITIAL, INITIAL, accepts, equity_and_maintenance, measure, measure_after
from seawall.ledger.markets import AMM, is_fresh, pool_bucket
from seawall.terms import parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import RATE_ONE
from seawall.wide import compare_products, mul_divmod

HALVINGS: Final = 54  # of a count of lots, at most 2^54


@kernel
def is_quoting(s: Any, market: int) -> bool:
    """Whether the market's pool quotes at all at this moment."""
    if s.param[market, parameter.AMM_DEPTH] <= 0 or s.market_price_max[market] <= 0 or not is_fresh(s, market):
        return False
    pool = pool_bucket(s, market, AMM)
    if s.bucket_liquidating[pool] != 0 or (find_slot(s, pool, market) == 0 and not has_slot_room(s, pool)):
        return False
    equity, maintenance = equity_and_maintenance(s, pool)
    return equity >= maintenance


@kernel
def amm_lots_to(s: Any, market: int, side: int, limit: int, held: int) -> int:
    """The most lots that the pool trades with a taker on `side` while its price for the last one is within `limit`.

    The caller has asked `is_quoting`. When the pool's margin is what binds, a count it can bear, not always the
    greatest one.
    """
    lots = _lots_within(s, market, side, limit, held)
    if lots <= 0:
        return 0
    if _can_bear(s, market, side, lots, held):
        return lots
    low, high = 0, lots
    for _ in range(HALVINGS):
        middle = (low + high) >> 1
        if middle == low:
            break
        if _can_bear(s, market, side, middle, held):
            low = middle
        else:
            high = middle
    return low


@kernel
def amm_price(s: Any, market: int, side: int, lots: int, held: int) -> int:
    """Average price of `lots`, 1..`amm_lots_to`, for a taker on `side`: rounded up when it buys, else down.

    It is positive: within the depth a buy of a lot costs more than nothing, and a sell stops at its limit.
    """
    return _price_at(s, market, side, lots - 2 * side * held)


@kernel
def amm_marginal(s: Any, market: int, side: int, lots: int, held: int) -> int:
    """Price of the last of `lots`, rounded as `amm_price`."""
    return _price_at(s, market, side, 2 * (lots - side * held))


@kernel
def amm_impact(s: Any, market: int, held: int) -> tuple[int, int]:
    """What the pool's quotes pay beyond the index to whoever takes an inventory of `held` off it: (floor, 1 if over).

    `|held| * index * |held| / (2 * depth)`, and no more than the inventory's value. Without a depth it quotes nothing.
    """
    depth, lots = s.param[market, parameter.AMM_DEPTH], abs(held)
    if depth <= 0:
        return 0, 0
    value = lots * s.market_oracle[market]
    if lots >= 2 * depth:
        return int(value), 0
    whole, rest = mul_divmod(value, lots, 2 * depth)
    return int(whole), 1 if rest != 0 else 0


@kernel
def _price_at(s: Any, market: int, side: int, twice: int) -> int:
    """The price at a skew of `twice` half lots on the taker's side, at most 4 x depth in magnitude."""
    index, depth = s.market_oracle[market], s.param[market, parameter.AMM_DEPTH]
    spread, over = divmod(index * s.param[market, parameter.AMM_SPREAD], RATE_ONE)
    skew, rest = mul_divmod(index, twice, 2 * depth)
    away = spread + skew
    if over != 0 or rest != 0:  # one rounding of the sum of both fractions
        away += 1 if compare_products(rest, RATE_ONE, RATE_ONE - over, 2 * depth) <= 0 else 2
    if side > 0:
        return int(index + away)
    return int(min(index - away, s.market_price_max[market]))


@kernel
def _lots_within(s: Any, market: int, side: int, limit: int, held: int) -> int:
    """`amm_lots_to` by price, cap, depth and greatest size alone; not positive when there are none."""
    index, depth, price_max = s.market_oracle[market], s.param[market, parameter.AMM_DEPTH], s.market_price_max[market]
    if abs(held) > depth or limit < 1 or (side < 0 and limit > price_max):
        return 0
    spread, over = divmod(index * s.param[market, parameter.AMM_SPREAD], RATE_ONE)
    room = side * (min(limit, price_max) - index) - spread
    room = min(max(room, -2 * index), 2 * index)  # beyond, depth binds
    # greatest whole k with index * k / depth + over / RATE_ONE <= room
    most, rest = mul_divmod(depth, room, index)
    less, part = mul_divmod(depth, over, RATE_ONE)
    most += (rest - less - (1 if part != 0 else 0)) // index
    bound = min(depth, s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)
    return int(min(most, bound) + side * held)


@kernel
def _can_bear(s: Any, market: int, side: int, lots: int, held: int) -> bool:
    """Whether the pool's cash and margin allow `lots` more from an inventory of `held`."""
    pool = pool_bucket(s, market, AMM)
    slot = find_slot(s, pool, market)
    now = s.slot_size[slot] if slot != 0 else 0
    cost = -side * lots * amm_price(s, market, side, lots, held)
    if held != now:  # a part of the plan comes first, at its own average
        done = side * (now - held)
        cost -= side * done * amm_price(s, market, side, done, now)
    if not cash_fits(s, pool, -cost):
        return False
    size = held - side * lots - now
    after = measure_after(s, pool, market, size, cost, 0, 0, 0, s.base_leverage[market, 0] if slot == 0 else 0)
    return bool(after[EQUITY_INITIAL] >= after[INITIAL] or accepts(measure(s, pool), after))
