"""The index: medians by hand, and each guard one step each side of its limit."""

import msgspec
import pytest

from seawall.pricing.index import (
    NO_INDEX,
    Drop,
    Dropped,
    Index,
    IndexRules,
    Observation,
    Status,
    check_rules,
    index,
    live,
    median,
    weighted_median,
)
from seawall.units import RATE_ONE, BadInput, Price, Rate, TimeMs

NOW = TimeMs(1_000_000)
RULES = IndexRules(
    quorum=2,
    age_max_ms=10_000,
    ahead_max_ms=500,
    step_max=Rate(RATE_ONE // 20),
    step_ms=1_000,
    deviation_max=Rate(RATE_ONE // 50),
    price_max=Price(10**9),
)


def seen(source: str, price: int, *, age: int = 0, weight: int = 1, origin: str = "") -> Observation:
    return Observation(
        source=source, origin=origin or source, price=Price(price), time=TimeMs(NOW - age), weight=weight
    )


def fresh(price: int, *, age: int = 1_000) -> Index:
    return Index(status=Status.FRESH, price=Price(price), time=TimeMs(NOW - age))


@pytest.mark.parametrize(
    "values, expected",
    [([5], 5), ([1, 2], 1), ([2, 4], 3), ([3, 1, 2], 2), ([-3, -2], -3), ([7, 7, 1, 9], 7), ([0, 1, 2, 9], 1)],
)
def test_median(values: list[int], expected: int) -> None:
    assert median(values) == expected


@pytest.mark.parametrize(
    "values, expected",
    [
        ([(10, 1)], 10),
        ([(10, 1), (20, 1)], 15),
        ([(10, 1), (21, 1)], 15),
        ([(10, 2), (20, 1)], 10),
        ([(20, 1), (10, 2), (30, 1)], 15),  # exactly half at 10
        ([(10, 1), (20, 2), (30, 1)], 20),
        ([(10, 3), (20, 2), (30, 2), (40, 1)], 20),
        ([(10, 1), (10, 1), (90, 2)], 50),
    ],
)
def test_weighted_median(values: list[tuple[int, int]], expected: int) -> None:
    assert weighted_median(values) == expected


def test_medians_refuse_nothing_and_weightless_values() -> None:
    with pytest.raises(BadInput):
        median([])
    with pytest.raises(BadInput):
        weighted_median([])
    with pytest.raises(BadInput):
        weighted_median([(1, 1), (2, 0)])


def test_fresh_index_is_the_weighted_median_of_its_sources() -> None:
    got = index([seen("a", 1_000, weight=3), seen("b", 1_010), seen("c", 990)], NOW, RULES)
    assert got == Index(status=Status.FRESH, price=Price(1_000), time=NOW, used=("a", "b", "c"))


def test_below_quorum_it_is_stale_and_keeps_the_last_fresh_price() -> None:
    before = fresh(1_000)
    got = index([seen("a", 1_001), seen("b", 1_001, age=10_001)], NOW, RULES, before)
    assert got.status is Status.STALE
    assert (got.price, got.time) == (before.price, before.time)
    assert got.used == ("a",)
    assert got.dropped == (Dropped("b", Drop.AGED),)
    assert index([], NOW, RULES) == NO_INDEX


@pytest.mark.parametrize("age, counts", [(10_000, True), (10_001, False), (-500, True), (-501, False)])
def test_age_and_clock_limits(age: int, counts: bool) -> None:
    got = index([seen("a", 1_000), seen("b", 1_000), seen("c", 1_000, age=age)], NOW, RULES)
    assert ("c" in got.used) is counts
    if not counts:
        assert got.dropped == (Dropped("c", Drop.AGED if age > 0 else Drop.AHEAD),)


@pytest.mark.parametrize("price, counts", [(0, False), (-5, False), (1, True), (10**9, True), (10**9 + 1, False)])
def test_price_bounds(price: int, counts: bool) -> None:
    kept, dropped = live([seen("a", price)], NOW, RULES)
    assert bool(kept) is counts
    assert dropped == ([] if counts else [Dropped("a", Drop.INVALID)])


def test_sources_of_one_origin_are_one_voice_and_the_newest_speaks() -> None:
    feeds = [
        seen("a1", 1_000, origin="a", age=5),
        seen("a2", 1_001, origin="a", age=4),
        seen("a3", 1_002, origin="a", age=4, weight=2),
    ]
    kept, dropped = live(feeds, NOW, RULES)
    assert [o.source for o in kept] == ["a3"]
    assert {d.source: d.why for d in dropped} == {"a1": Drop.SAME_ORIGIN, "a2": Drop.SAME_ORIGIN}
    assert index(feeds, NOW, RULES).status is Status.STALE


def test_an_invalid_newest_feed_does_not_silence_its_origin() -> None:
    feeds = [seen("a1", 1_000, origin="a", age=5), seen("a2", 0, origin="a"), seen("b", 1_000)]
    assert index(feeds, NOW, RULES).used == ("a1", "b")


@pytest.mark.parametrize("elapsed, price, counts", [(1_000, 1_050, True), (1_000, 1_051, False), (1_000, 949, False)])
def test_step_limit(elapsed: int, price: int, counts: bool) -> None:
    got = index([seen("a", price), seen("b", price)], NOW, RULES, fresh(1_000, age=elapsed))
    assert (got.status is Status.FRESH) is counts


def test_the_step_allowed_grows_with_time_so_a_gap_is_followed_in_the_end() -> None:
    gap = [seen("a", 1_200), seen("b", 1_200)]
    assert index(gap, NOW, RULES, fresh(1_000, age=3_999)).status is Status.STALE
    assert index(gap, NOW, RULES, fresh(1_000, age=4_000)).price == 1_200
    assert index(gap, NOW, RULES, fresh(1_000, age=0)).status is Status.STALE


@pytest.mark.parametrize("price, status", [(1_050, Status.FRESH), (1_051, Status.STALE)])
def test_the_step_allowed_is_never_less_than_that_of_one_interval(price: int, status: Status) -> None:
    assert index([seen("a", price), seen("b", price)], NOW, RULES, fresh(1_000, age=1)).status is status


@pytest.mark.parametrize("price, counts", [(1_020, True), (1_021, False), (980, True), (979, False)])
def test_deviation_limit(price: int, counts: bool) -> None:
    got = index([seen("a", 1_000, weight=2), seen("b", 1_000, weight=2), seen("c", price)], NOW, RULES)
    assert ("c" in got.used) is counts


def test_the_median_is_taken_again_without_the_outlier() -> None:
    got = index([seen("a", 1_000), seen("b", 1_010), seen("c", 1_012), seen("d", 900)], NOW, RULES)
    assert got.price == 1_010
    assert got.dropped == (Dropped("d", Drop.DEVIATION),)


def test_faults_of_configuration_are_refused() -> None:
    for observations in (
        [seen("a", 1), seen("a", 2)],
        [seen("a", 1, weight=0)],
        [msgspec.structs.replace(seen("a", 1), origin="")],
        [seen(f"s{n}", 1) for n in range(33)],
    ):
        with pytest.raises(BadInput):
            index(observations, NOW, RULES)
    with pytest.raises(BadInput, match="before the last index"):
        index([seen("a", 1)], NOW, RULES, fresh(1_000, age=-1))


@pytest.mark.parametrize(
    "field, value",
    [
        ("quorum", 0),
        ("quorum", 33),
        ("age_max_ms", 0),
        ("ahead_max_ms", -1),
        ("step_max", 0),
        ("step_max", RATE_ONE + 1),
        ("step_ms", 0),
        ("deviation_max", 0),
        ("price_max", 2**40 + 1),
    ],
)
def test_rules_out_of_range_are_refused(field: str, value: int) -> None:
    assert check_rules(RULES) is RULES
    with pytest.raises(BadInput):
        check_rules(msgspec.structs.replace(RULES, **{field: value}))
