"""The index: a weighted median over live, independent sources, or nothing new at all (SPEC section 6).

A source is dropped for its price, its time, its origin, a step too large since the last index, or its distance from
the others. When fewer than `quorum` origins remain the index is STALE and keeps its last fresh value: what is left is
never averaged, since what is left may be the one source that is wrong.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from seawall.terms import limits
from seawall.units import RATE_ONE, BadInput, Price, Rate, TimeMs, floor_div

SOURCES_MAX: Final = 32  # feeds of one market


class Status(Enum):
    """Whether a price may be acted upon. STALE: reduce-only, and no liquidation on that market until FRESH."""

    FRESH = "fresh"
    STALE = "stale"


class Drop(Enum):
    """Why a source does not count."""

    INVALID = "price is not within 1..price_max"
    AGED = "older than the age limit"
    AHEAD = "stamped later than now allows"
    SAME_ORIGIN = "another source of the same origin counts instead"
    STEP = "moved too far since the last fresh index"
    DEVIATION = "too far from the median of the others"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What one source last said. Sources sharing an `origin` (the market the price comes from) are one voice."""

    source: str
    origin: str
    price: Price
    time: TimeMs
    weight: int = 1


class Dropped(msgspec.Struct, frozen=True):
    """A source that does not count, and why."""

    source: str
    why: Drop


class IndexRules(msgspec.Struct, frozen=True, kw_only=True):
    """Guards of the index. Build with `check_rules` when the values come from outside."""

    quorum: int = 3  # independent origins that must remain
    age_max_ms: int = 10_000
    ahead_max_ms: int = 1_000  # a stamp further in the future would never grow old
    step_max: Rate = Rate(RATE_ONE // 20)  # of the last index, per `step_ms` since it; grows in proportion to the time
    step_ms: int = 1_000
    deviation_max: Rate = Rate(RATE_ONE // 50)  # from the median of the live sources
    price_max: Price = Price(limits.PRICE_MAX)


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index price. When STALE, `price` and `time` are those of the last fresh index (None: there was none)."""

    status: Status
    price: Price | None
    time: TimeMs | None
    used: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()


NO_INDEX: Final = Index(status=Status.STALE, price=None, time=None)


def check_rules(rules: IndexRules) -> IndexRules:
    """The rules themselves, or BadInput naming the parameter that is out of range."""
    if not 1 <= rules.quorum <= SOURCES_MAX:
        raise BadInput("index.quorum", f"{rules.quorum} is outside 1..{SOURCES_MAX}")
    if rules.age_max_ms <= 0 or rules.step_ms <= 0:
        raise BadInput("index.age_max_ms", "the age limit and the step interval must be positive milliseconds")
    if rules.ahead_max_ms < 0:
        raise BadInput("index.ahead_max_ms", f"{rules.ahead_max_ms} is negative")
    if not 0 < rules.step_max <= RATE_ONE or not 0 < rules.deviation_max <= RATE_ONE:
        raise BadInput("index.step_max", "step and deviation limits must be in (0, 1]")
    if not 1 <= rules.price_max <= limits.PRICE_MAX:
        raise BadInput("index.price_max", f"{rules.price_max} is outside 1..2^40")
    return rules


def median(values: Sequence[int]) -> int:
    """Middle value; of an even count the floor of the mean of the two in the middle. BadInput when empty."""
    if not values:
        raise BadInput("median", "no values")
    ordered = sorted(values)
    upper = len(ordered) // 2
    return ordered[upper] if len(ordered) % 2 else floor_div(ordered[upper - 1] + ordered[upper], 2)


def weighted_median(values: Sequence[tuple[int, int]]) -> int:
    """Weighted median of (value, weight) pairs, weights > 0.

    The least value at which the cumulative weight exceeds half the total; where it reaches exactly half, the floor of
    the mean of that value and the next. With equal weights it is `median`. BadInput when empty or a weight is not
    positive.
    """
    if not values:
        raise BadInput("median", "no values")
    if any(weight <= 0 for _, weight in values):
        raise BadInput("median.weight", "weights must be positive")
    ordered = sorted(values)
    total = sum(weight for _, weight in ordered)
    reached = 0
    for position, (value, weight) in enumerate(ordered):
        reached += weight
        if 2 * reached > total:
            return value
        if 2 * reached == total:
            return floor_div(value + ordered[position + 1][0], 2)
    raise AssertionError("the whole weight is more than half of itself")


def live(
    observations: Sequence[Observation], now: TimeMs, rules: IndexRules
) -> tuple[list[Observation], list[Dropped]]:
    """The sources with a valid price, of the right age, one an origin, in order of name; and the others with reasons.

    Of several sources of one origin the newest counts (then the heavier, then the first by name). BadInput for a
    source named twice, without a name or without weight: those are faults of configuration, not of a price.
    """
    _check_sources(observations)
    kept: dict[str, Observation] = {}
    dropped: list[Dropped] = []
    for seen in sorted(observations, key=lambda o: (-o.time, -o.weight, o.source)):  # at most SOURCES_MAX
        fault = _fault(seen, now, rules)
        if fault is None and seen.origin in kept:
            fault = Drop.SAME_ORIGIN
        if fault is None:
            kept[seen.origin] = seen
        else:
            dropped.append(Dropped(seen.source, fault))
    return sorted(kept.values(), key=lambda o: o.source), dropped


def index(observations: Sequence[Observation], now: TimeMs, rules: IndexRules, previous: Index = NO_INDEX) -> Index:
    """The index at `now` after `previous`: FRESH with a new price, or STALE with the last fresh one.

    A source's step is measured from the last fresh index and may be `step_max` for each `step_ms` since then, so a
    true gap in the market is accepted after a time in proportion to its size. Raises BadInput when `now` lies before
    the last fresh index, and for the faults named in `live`.
    """
    if previous.time is not None and now < previous.time:
        raise BadInput("index.time", f"{now} is before the last index at {previous.time}")
    remaining, dropped = live(observations, now, rules)
    remaining, far = _split(remaining, *_step_bounds(previous, now, rules))
    dropped += [Dropped(seen.source, Drop.STEP) for seen in far]
    if remaining:
        middle = _middle(remaining)
        remaining, far = _split(remaining, middle, floor_div(middle * rules.deviation_max, RATE_ONE))
        dropped += [Dropped(seen.source, Drop.DEVIATION) for seen in far]
    reasons = tuple(sorted(dropped, key=lambda d: d.source))
    used = tuple(seen.source for seen in remaining)
    if len(remaining) < rules.quorum:
        return Index(status=Status.STALE, price=previous.price, time=previous.time, used=used, dropped=reasons)
    return Index(status=Status.FRESH, price=_middle(remaining), time=now, used=used, dropped=reasons)


def _check_sources(observations: Sequence[Observation]) -> None:
    if len(observations) > SOURCES_MAX:
        raise BadInput("index.sources", f"{len(observations)} sources, at most {SOURCES_MAX}")
    names = [seen.source for seen in observations]
    if len(set(names)) != len(names):
        raise BadInput("index.sources", "a source is named twice")
    if not all(seen.source and seen.origin for seen in observations):
        raise BadInput("index.sources", "a source has no name or no origin")
    if any(seen.weight <= 0 for seen in observations):
        raise BadInput("index.weight", "weights must be positive")


def _fault(seen: Observation, now: TimeMs, rules: IndexRules) -> Drop | None:
    if not 1 <= seen.price <= rules.price_max:
        return Drop.INVALID
    if now - seen.time > rules.age_max_ms:
        return Drop.AGED
    if seen.time - now > rules.ahead_max_ms:
        return Drop.AHEAD
    return None


def _step_bounds(previous: Index, now: TimeMs, rules: IndexRules) -> tuple[Price, Price]:
    """The last fresh index and how far from it a source may be now; without one, anything within price_max."""
    if previous.price is None or previous.time is None:
        return Price(0), rules.price_max
    elapsed = max(now - previous.time, rules.step_ms)
    return previous.price, Price(floor_div(previous.price * rules.step_max * elapsed, RATE_ONE * rules.step_ms))


def _split(observations: Sequence[Observation], centre: int, reach: int) -> tuple[list[Observation], list[Observation]]:
    """Sources within `reach` of `centre`, and the others."""
    near = [seen for seen in observations if abs(seen.price - centre) <= reach]
    far = [seen for seen in observations if abs(seen.price - centre) > reach]
    return near, far


def _middle(observations: Sequence[Observation]) -> Price:
    return Price(weighted_median([(seen.price, seen.weight) for seen in observations]))
