"""Ways to bring a bucket's probability of liquidation under a target, each tried on the margin core itself.

A cure is searched over whole cents or whole lots, and what is found is valued once more on every path: its probability
after is at most the target, the smaller step next to it (one cent, one lot, or a tenth of a hedge) is not enough, and a
change that adds risk has its initial margin. Costs are what leaves the account: fees of fills. Capital is what is tied
up in addition; it comes back. The cheapest is the one of least cost plus CARRY of the capital for a day.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from seawall.margin.health import accepts, health
from seawall.margin.trade import settled, traded
from seawall.risk.foresight import HOURS, Scene
from seawall.terms import limits
from seawall.terms.bucket import Bucket, BucketKind, MarginMode, Position
from seawall.terms.conditions import Conditions, check_bucket
from seawall.units import RATE_ONE, BadInput, Lots, Rate, Side, UsdMicro, ceil_div, notional, share, signed_notional

TARGET: Final = 0.01  # probability within 24 hours
FEE: Final = Rate(450 * RATE_ONE // 1_000_000)  # of a taker's fill, unless the caller knows better
CENT: Final = 10_000  # micro-USD
HEDGE_STEPS: Final = 10  # tenths of the largest position
HEDGE_MARKETS: Final = 4  # tried, in the order of the conditions
CARRY: Final = Rate(RATE_ONE // 3650)  # of capital, for a day: 10 % a year
DAY: Final = HOURS[-1]


class Kind(Enum):
    TOP_UP = "top_up"
    REDUCE = "reduce"
    HEDGE = "hedge"
    SWITCH_MODE = "switch_mode"


class Cure(msgspec.Struct, frozen=True, kw_only=True):
    """What to do and what it does. Amounts in micro-USD, size in signed lots of a fill at the mark.

    TOP_UP pays `capital` in. REDUCE and HEDGE trade `size` of `market`. SWITCH_MODE moves the position to cross.
    """

    kind: Kind
    market: str | None
    size: Lots
    capital: UsdMicro
    cost: UsdMicro
    probability: float  # within 24 hours, after it
    bucket: Bucket  # after it

    @property
    def price(self) -> UsdMicro:
        """What the cheapest one has least of."""
        return UsdMicro(self.cost + share(self.capital, CARRY, Side.UP))


def cures(
    bucket: Bucket,
    scene: Scene,
    *,
    target: float = TARGET,
    fee: Rate = FEE,
    cross: Bucket | None = None,
) -> tuple[Cure, ...]:
    """Every cure that brings a bucket to at most `target`, the cheapest first; empty when it is there already.

    `cross` is the account's cross bucket when `bucket` is isolated: the position may be joined to it. Hedges are in
    the markets of the scene; of a bucket in portfolio mode none is tried. BadInput for a target outside 0..1 and as
    `Scene.fate`.
    """
    if not 0.0 < target < 1.0:
        raise BadInput("target", f"{target} is not between 0 and 1")
    conditions = scene.conditions
    now = settled(bucket, conditions)

    def after(changed: Bucket) -> float:
        return scene.fate(changed).within(DAY)

    if not now.positions or after(now) <= target:
        return ()
    found = [_top_up(now, conditions, after, target)]
    found += [_reduce(now, conditions, after, target, fee, held) for held in now.positions if held.size]
    is_tiered = now.mode is MarginMode.TIERED  # nothing is tried that needs the initial margin of portfolio mode
    if is_tiered and now.kind is BucketKind.CROSS:
        found += [_hedge(now, conditions, after, target, fee, name) for name in _others(now, scene)]
    elif is_tiered and cross is not None:
        found.append(_join(now, settled(cross, conditions), conditions, after, target))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.price, one.kind.value)))


def _least(low: int, high: int, is_enough: Callable[[int], bool]) -> int | None:
    """A number in (low, high] that is enough while the one below it is not; None when `high` is not."""
    if not is_enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return high


def _top_up(bucket: Bucket, conditions: Conditions, after: Callable[[Bucket], float], target: float) -> Cure | None:
    def topped(cents: int) -> Bucket:
        return msgspec.structs.replace(bucket, raw_usd=UsdMicro(bucket.raw_usd + cents * CENT))

    gross = sum(notional(p.size, conditions.mark(p.market).mark) for p in bucket.positions)
    most = ceil_div(25 * gross + abs(bucket.raw_usd), CENT)  # paths reach at most 20 times the price
    if bucket.raw_usd + most * CENT > limits.RAW_USD_MAX:
        return None
    cents = _least(0, most, lambda cents: after(topped(cents)) <= target)
    if cents is None:
        return None
    changed = topped(cents)
    return Cure(
        kind=Kind.TOP_UP,
        market=None,
        size=Lots(0),
        capital=UsdMicro(cents * CENT),
        cost=UsdMicro(0),
        probability=after(changed),
        bucket=changed,
    )


def _reduce(
    bucket: Bucket,
    conditions: Conditions,
    after: Callable[[Bucket], float],
    target: float,
    fee: Rate,
    held: Position,
) -> Cure | None:
    """Resting orders stay as they are: they reserve initial margin, never maintenance."""
    sign = -1 if held.size > 0 else 1

    def reduced(lots: int) -> Bucket:
        return _filled(bucket, conditions, held.market, Lots(sign * lots), fee)

    lots = _least(0, abs(held.size), lambda lots: after(reduced(lots)) <= target)
    if lots is None:
        return None
    return _trade(Kind.REDUCE, held.market, Lots(sign * lots), conditions, fee, reduced(lots), after)


def _hedge(
    bucket: Bucket,
    conditions: Conditions,
    after: Callable[[Bucket], float],
    target: float,
    fee: Rate,
    name: str,
) -> Cure | None:
    """The smallest tenth of the largest position's notional, against it in another market, that is enough."""
    mark, largest = conditions.mark(name).mark, _largest(bucket, conditions)
    worth = notional(largest.size, conditions.mark(largest.market).mark)
    sign = -1 if largest.size > 0 else 1
    before = health(bucket, conditions)
    for step in range(1, HEDGE_STEPS + 1):
        size = Lots(sign * (worth * step // (HEDGE_STEPS * mark)))
        if size == 0 or abs(size) > conditions.market(name).size_max:
            continue
        changed = _filled(bucket, conditions, name, size, fee)
        if accepts(before, health(changed, conditions)) and after(changed) <= target:
            return _trade(Kind.HEDGE, name, size, conditions, fee, changed, after)
    return None


def _join(
    bucket: Bucket, cross: Bucket, conditions: Conditions, after: Callable[[Bucket], float], target: float
) -> Cure | None:
    """The isolated position with its margin in the cross bucket, where that is enough for everything there."""
    if {p.market for p in bucket.positions} & {p.market for p in cross.positions}:
        return None
    joined = msgspec.structs.replace(
        cross, raw_usd=UsdMicro(cross.raw_usd + bucket.raw_usd), positions=(*cross.positions, *bucket.positions)
    )
    if health(joined, conditions).free < 0:
        return None
    probability = after(joined)
    if probability > target:
        return None
    return Cure(
        kind=Kind.SWITCH_MODE,
        market=bucket.positions[0].market,
        size=Lots(0),
        capital=UsdMicro(0),
        cost=UsdMicro(0),
        probability=probability,
        bucket=joined,
    )


def _trade(
    kind: Kind,
    market: str,
    size: Lots,
    conditions: Conditions,
    fee: Rate,
    changed: Bucket,
    after: Callable[[Bucket], float],
) -> Cure:
    more = health(changed, conditions).initial if kind is Kind.HEDGE else 0
    without = _filled(changed, conditions, market, Lots(-size), Rate(0))
    tied = max(0, more - health(without, conditions).initial) if kind is Kind.HEDGE else 0
    return Cure(
        kind=kind,
        market=market,
        size=size,
        capital=UsdMicro(tied),
        cost=_fee(size, market, conditions, fee),
        probability=after(changed),
        bucket=changed,
    )


def _filled(bucket: Bucket, conditions: Conditions, market: str, size: Lots, fee: Rate) -> Bucket:
    """After a fill at the mark, with the leverage of what is held; a new position at the market's greatest."""
    held = next((p for p in bucket.positions if p.market == market), None)
    leverage = conditions.market(market).max_leverage if held is None else None
    price, paid = conditions.mark(market).mark, _fee(size, market, conditions, fee)
    changed = traded(bucket, conditions, market, size=size, price=price, fee=paid, leverage=leverage)
    return check_bucket(changed, conditions)


def _fee(size: Lots, market: str, conditions: Conditions, fee: Rate) -> UsdMicro:
    return share(notional(size, conditions.mark(market).mark), fee, Side.UP)


def _largest(bucket: Bucket, conditions: Conditions) -> Position:
    def worth(position: Position) -> int:
        return abs(signed_notional(position.size, conditions.mark(position.market).mark))

    return max(bucket.positions, key=worth)


def _others(bucket: Bucket, scene: Scene) -> list[str]:
    """Markets in which the bucket holds nothing, as many as it has room for."""
    held = {position.market for position in bucket.positions}
    room = limits.POSITIONS_PER_BUCKET - len(held)
    marks, known = scene.conditions.marks, scene.moves.names
    found = [name for name in scene.conditions.markets if name not in held and name in marks and name in known]
    return found[: min(room, HEDGE_MARKETS)]
