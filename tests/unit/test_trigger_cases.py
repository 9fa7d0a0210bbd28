"""Triggers by hand: one case for each guard of the proof, which fails with the guard off, and the edges of the API."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seawall.margin import certificate, columns, ladder, trigger_state
from seawall.margin import triggers as compiled
from seawall.margin.triggers import SMALL, Capacity, Status, TriggerPosition, Triggers
from seawall.terms.bucket import MarginMode
from seawall.terms.market import Mark, Tier
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Price, Rate, UsdMicro
from trigger_world import switch_off, terms, uncompiled

HALF, TWENTIETH = RATE_ONE // 2, RATE_ONE // 20
PRICE_MAX = 100_000


def venue(api: ModuleType, *markets: list[tuple[int, int]], price: int = 100, fence: Any = None) -> Any:
    """Triggers with markets of these tiers (lower notional, rate), all at one price."""
    triggers = api.Triggers(api.SMALL)
    for number, tiers in enumerate(markets):
        one = terms(f"M{number}", tiers, PRICE_MAX)
        top = None if fence is None else terms("FENCE", fence, PRICE_MAX).tiers
        triggers.add_market(one, Mark(mark=Price(price), oracle=Price(price)), fence=top)
    return triggers


def held(market: int, size: int, index: int = 0) -> TriggerPosition:
    return TriggerPosition(market, Lots(size), FundingIndex(index))


def funding_alone_makes_it_liquidatable(api: ModuleType) -> None:
    """Long 1,000 at 100, needs 5,000, has 6,000. It pays 1.1 a lot: 4,900 is left."""
    triggers = venue(api, [(0, TWENTIETH)])
    assert triggers.place(0, UsdMicro(-94_000), [held(0, 1_000)]) == Status.PLACED
    assert triggers.fund(0, FundingIndex(900_000)).liquidatable.tolist() == []
    assert triggers.fund(0, FundingIndex(1_100_000)).liquidatable.tolist() == [0]


def funding_makes_a_short_liquidatable(api: ModuleType) -> None:
    triggers = venue(api, [(0, TWENTIETH)])
    assert triggers.place(0, UsdMicro(106_000), [held(0, -1_000)]) == Status.PLACED
    assert triggers.fund(0, FundingIndex(-1_100_000)).liquidatable.tolist() == [0]


def a_ramp_within_the_fence_then_a_small_move(api: ModuleType) -> None:
    """Certified at a fence of 10 %; live rates ramp from 5 % to the fence, then the price falls by 4 %."""
    triggers = venue(api, [(0, TWENTIETH)], fence=[(0, 2 * TWENTIETH)])
    assert triggers.place(0, UsdMicro(-88_000), [held(0, 1_000)]) == Status.PLACED
    assert triggers.set_tiers(0, terms("M0", [(0, 2 * TWENTIETH)], PRICE_MAX).tiers).liquidatable.tolist() == []
    assert triggers.tick(0, Price(96)).liquidatable.tolist() == [0]


def a_short_climbs_into_a_dearer_tier(api: ModuleType) -> None:
    """Short 10 at 100 with slack 100; above a notional of 1,010 each unit asks half. At 108 it has lost 80 + 36."""
    triggers = venue(api, [(0, TWENTIETH), (1_010, HALF)])
    assert triggers.place(0, UsdMicro(1_150 + 1), [held(0, -10)]) == Status.PLACED
    assert triggers.tick(0, Price(108)).liquidatable.tolist() == [0]


def a_rounding_of_funding_after_a_rise(api: ModuleType) -> None:
    """Long 1 at 100, buffer 0. At 101 the buffer is 0 again; a step of one index unit then costs a micro-USD."""
    triggers = venue(api, [(0, HALF)])
    triggers.place(0, UsdMicro(-50), [held(0, 1)])
    assert triggers.tick(0, Price(101)).liquidatable.tolist() == []
    assert triggers.fund(0, FundingIndex(1)).liquidatable.tolist() == [0]


def a_short_with_slack_is_certified(api: ModuleType) -> None:
    triggers = venue(api, [(0, HALF)])
    assert triggers.place(0, UsdMicro(2_000), [held(0, -10)]) == Status.PLACED


def nothing(*_: Any) -> int:
    return 0


def flat_slope(*_: Any) -> int:
    return RATE_ONE


def always(*_: Any) -> bool:
    return True


Case = Callable[[ModuleType], None]
CASES: list[tuple[Case, dict[str, Any]]] = [
    (funding_alone_makes_it_liquidatable, {"trigger_kernels.funding_push": nothing}),
    (funding_makes_a_short_liquidatable, {"trigger_kernels.funding_push": nothing}),
    (a_ramp_within_the_fence_then_a_small_move, {"trigger_kernels.FENCE": certificate.LIVE}),
    (a_short_climbs_into_a_dearer_tier, {"trigger_kernels.certified": always}),
    (a_rounding_of_funding_after_a_rise, {"certificate.reserve": nothing, "trigger_kernels.reserve": nothing}),
    (a_short_with_slack_is_certified, {"certificate.adverse_slope": flat_slope}),
]


@pytest.mark.parametrize("case", [case for case, _ in CASES])
def test_case(case: Case) -> None:
    case(compiled)


@pytest.mark.parametrize("case, guards", CASES)
def test_case_fails_with_its_guard_off(case: Case, guards: dict[str, Any]) -> None:
    with uncompiled() as modules:
        case(modules["triggers"])
        switch_off(modules, guards)
        with pytest.raises(AssertionError):
            case(modules["triggers"])


def test_all_prices_are_in_place_before_anything_is_evaluated() -> None:
    """A hedged bucket would be liquidatable between the two ticks of one fall."""
    triggers = venue(compiled, [(0, TWENTIETH)], [(0, TWENTIETH)])
    triggers.place(0, UsdMicro(20_000), [held(0, 1_000), held(1, -1_000)])
    assert triggers.tick_all(np.array([70, 70])).liquidatable.tolist() == []
    assert triggers.tick(0, Price(50)).liquidatable.tolist() == [0]


def test_a_bucket_with_less_than_the_reserve_is_watched() -> None:
    triggers = venue(compiled, [(0, HALF)])
    assert triggers.place(0, UsdMicro(-50), [held(0, 1)]) == Status.WATCHED
    assert triggers.place(0, UsdMicro(-49), [held(0, 1)]) == Status.PLACED
    assert triggers.place(0, UsdMicro(-51), [held(0, 1)]) == Status.LIQUIDATABLE


def test_a_bucket_between_live_and_fence_is_edge_until_rates_change() -> None:
    triggers = venue(compiled, [(0, TWENTIETH)], fence=[(0, 2 * TWENTIETH)])
    assert triggers.place(0, UsdMicro(-92_000), [held(0, 1_000)]) == Status.EDGE
    higher = [Tier(UsdMicro(0), 1, Rate(TWENTIETH + TWENTIETH // 2), 0)]
    assert triggers.set_tiers(0, higher).liquidatable.tolist() == []
    assert triggers.set_tiers(0, [Tier(UsdMicro(0), 1, Rate(2 * TWENTIETH), 0)]).liquidatable.tolist() == [0]


def test_a_liquidatable_bucket_is_told_once_and_reviewed() -> None:
    triggers = venue(compiled, [(0, TWENTIETH)])
    triggers.place(0, UsdMicro(-94_000), [held(0, 1_000)])
    assert triggers.tick(0, Price(98)).liquidatable.tolist() == [0]
    assert triggers.tick(0, Price(97)).liquidatable.tolist() == []
    assert triggers.review().tolist() == [0]
    triggers.tick(0, Price(100))
    assert triggers.status(0) == Status.LIQUIDATABLE
    assert triggers.review().tolist() == []
    assert triggers.status(0) == Status.PLACED


def test_a_bucket_without_positions_is_liquidatable_only_in_debt() -> None:
    triggers = venue(compiled, [(0, HALF)])
    assert triggers.place(0, UsdMicro(0), []) == Status.PLACED
    assert triggers.move_cash(0, UsdMicro(-1)) == Status.LIQUIDATABLE


def test_portfolio_buckets_are_named_at_every_command_of_their_markets() -> None:
    triggers = venue(compiled, [(0, HALF)], [(0, HALF)])
    assert triggers.place(3, UsdMicro(10**6), [held(0, 1)], MarginMode.PORTFOLIO) == Status.UNSURE
    assert triggers.tick(0, Price(100)).unsure.tolist() == [3]
    assert triggers.tick(1, Price(101)).unsure.tolist() == []
    assert triggers.fund(0, FundingIndex(-1)).unsure.tolist() == [3]
    assert triggers.set_tiers(0, [Tier(UsdMicro(0), 1, Rate(1), 0)]).unsure.tolist() == [3]


def test_funding_that_does_not_fit_is_named_not_guessed() -> None:
    triggers = venue(compiled, [(0, HALF)])
    size = 2**53 // PRICE_MAX
    triggers.place(0, UsdMicro(0), [held(0, size)])
    for step in range(1, 5):
        found = triggers.fund(0, FundingIndex(step * 2**60))
        assert found.liquidatable.tolist() == []
        assert found.unsure.tolist() == [0]


def test_a_long_row_of_fundings_moves_the_keys_and_loses_nothing() -> None:
    """Shifts far beyond the price are folded into the keys; the trigger still fires at the right step."""
    triggers = venue(compiled, [(0, TWENTIETH)], price=1_000)
    triggers.place(0, UsdMicro(0), [held(0, 10)])
    paid = 0
    while not len(triggers.fund(0, FundingIndex((paid + 3) * 10**6)).liquidatable):
        paid += 3
    assert 10_000 - 10 * paid >= 500 > 10_000 - 10 * (paid + 3)
    assert triggers.columns["row_shift"][0] < 10**9


def full_venue() -> Triggers:
    """Every place for a position and for a market taken."""
    triggers: Triggers = venue(compiled, *([(0, HALF)] for _ in range(SMALL.markets)))
    for bucket in range(SMALL.positions // SMALL.markets):
        triggers.place(bucket, UsdMicro(10**6), [held(market, 1) for market in range(SMALL.markets)])
    return triggers


def test_places_are_freed_and_used_again() -> None:
    triggers = full_venue()
    triggers.remove(7)
    triggers.place(30, UsdMicro(10**6), [held(market, -1) for market in range(SMALL.markets)])
    triggers.place(30, UsdMicro(10**6), [held(market, 1) for market in range(SMALL.markets)])
    assert triggers.columns["count"][trigger_state.SLOTS_LIVE] == SMALL.positions
    for bucket in range(SMALL.buckets):
        triggers.remove(bucket)
    for name in ("row_cells", "row_words", "row_head"):
        assert not triggers.columns[name].any()


def test_a_full_table_refuses_and_changes_nothing() -> None:
    triggers = full_venue()
    before = triggers.array.tobytes()
    with pytest.raises(BadInput, match="all 64 places are taken"):
        triggers.add_market(terms("MORE", [(0, HALF)], PRICE_MAX), Mark(mark=Price(100), oracle=Price(100)))
    with pytest.raises(BadInput, match="all 1536 places are taken"):
        triggers.place(30, UsdMicro(10**6), [held(0, 1)])
    assert triggers.array.tobytes() == before


def test_load_equals_placing_one_by_one() -> None:
    table = [terms(f"M{number}", [(0, TWENTIETH), (1_010, HALF)], PRICE_MAX) for number in range(2)]
    rows = [(-94, [(0, 1)]), (50, []), (2_000, [(0, -3), (1, 7)]), (-1, [])]
    loaded, placed = Triggers(SMALL), Triggers(SMALL)
    for triggers in (loaded, placed):
        for one in table:
            triggers.add_market(one, Mark(mark=Price(100), oracle=Price(100)))
    book = columns.book(
        columns.market_table(table),
        offsets=np.cumsum([0, *(len(positions) for _, positions in rows)]),
        raw_usd=[raw for raw, _ in rows],
        market=[market for _, positions in rows for market, _ in positions],
        size=[size for _, positions in rows for _, size in positions],
    )
    assert loaded.load(book) == 1
    for bucket, (raw, positions) in enumerate(rows):
        placed.place(bucket, UsdMicro(raw), [held(market, size) for market, size in positions])
    for bucket in range(4):
        assert loaded.status(bucket) == placed.status(bucket)
    down = np.array([91, 130])
    assert loaded.tick_all(down).liquidatable.tolist() == placed.tick_all(down).liquidatable.tolist()
    with pytest.raises(BadInput, match="not empty"):
        loaded.load(book)


def test_a_book_of_other_markets_is_refused() -> None:
    triggers = venue(compiled, [(0, HALF)])
    other = columns.market_table([terms("M0", [(0, HALF)], 7)])
    with pytest.raises(BadInput, match="not the ones"):
        triggers.load(columns.book(other, offsets=[0, 0], raw_usd=[1], market=[], size=[]))


MISTAKES: dict[str, Callable[[Triggers], Any]] = {
    "bucket": lambda t: t.place(32, UsdMicro(0), []),
    "bucket: -1": lambda t: t.remove(-1),
    "never placed": lambda t: t.move_cash(5, UsdMicro(0)),
    "market": lambda t: t.tick(1, Price(5)),
    "outside 1": lambda t: t.tick(0, Price(0)),
    "outside 1..100000": lambda t: t.tick(0, Price(PRICE_MAX + 1)),
    "two positions": lambda t: t.place(0, UsdMicro(0), [held(0, 1), held(0, 2)]),
    "no market number 3": lambda t: t.place(0, UsdMicro(0), [held(3, 1)]),
    "65 positions": lambda t: t.place(0, UsdMicro(0), [held(0, 1)] * 65),
    "size": lambda t: t.place(0, UsdMicro(0), [held(0, 2**53 // PRICE_MAX + 1)]),
    "funding_index": lambda t: t.place(0, UsdMicro(0), [held(0, 1, 2**62 + 1)]),
    "raw_usd": lambda t: t.place(0, UsdMicro(2**62 + 1), []),
    "index": lambda t: t.fund(0, FundingIndex(2**60 + 1)),
    "prices": lambda t: t.tick_all(np.array([1.5])),
    "market 0": lambda t: t.tick_all(np.array([0])),
    "passes the fence": lambda t: t.set_tiers(0, [Tier(UsdMicro(0), 1, Rate(TWENTIETH + 1), 0)]),
    "0..1/2": lambda t: t.set_tiers(
        0, [Tier(UsdMicro(0), 1, Rate(HALF + 1), 0)], [Tier(UsdMicro(0), 1, Rate(HALF + 1), 0)]
    ),
    "not continuous": lambda t: t.set_tiers(0, [Tier(UsdMicro(0), 1, Rate(1), 0), Tier(UsdMicro(9), 1, Rate(2), 0)]),
    "must rise": lambda t: t.set_tiers(0, [Tier(UsdMicro(0), 1, Rate(2), 0), Tier(UsdMicro(9), 1, Rate(1), -9)]),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_named_and_changes_nothing(message: str) -> None:
    triggers = venue(compiled, [(0, TWENTIETH)])
    triggers.place(0, UsdMicro(10**6), [held(0, 5)])
    before = triggers.array.tobytes()
    with pytest.raises(BadInput, match=message):
        MISTAKES[message](triggers)
    assert triggers.array.tobytes() == before


def test_a_record_beyond_two_gibibytes_is_refused() -> None:
    with pytest.raises(BadInput, match="split the venue"):
        Triggers(Capacity(buckets=30_000_000, positions=40_000_000, markets=10))
    with pytest.raises(BadInput, match="not positive"):
        Triggers(Capacity(buckets=0, positions=1, markets=1))


def test_a_fence_may_ask_less_in_a_tier_when_it_asks_more_in_total() -> None:
    """The fence is compared by amounts, not tier by tier: 10 % everywhere covers 5 %, then 15 % past 1,000,000."""
    live = terms("L", [(0, TWENTIETH), (2**52, 3 * TWENTIETH)], PRICE_MAX).tiers
    fence = terms("F", [(0, 2 * TWENTIETH)], PRICE_MAX).tiers
    triggers = venue(compiled, [(0, TWENTIETH)])
    triggers.set_tiers(0, live, fence)
    with pytest.raises(BadInput, match="passes the fence"):
        triggers.set_tiers(0, terms("L", [(0, TWENTIETH), (2**52 - 2**50, 4 * TWENTIETH)], PRICE_MAX).tiers)


def test_an_empty_cell_is_skipped_across_words_and_summaries() -> None:
    triggers = venue(compiled, [(0, HALF)])
    s = triggers._states[0]
    for slot, key in ((1, 1), (2, 40), (3, 2_000), (4, 2**41), (5, ladder.ALWAYS_KEY)):
        ladder.link(s, 0, slot, key)
    cells = [ladder.next_cell(s, 0, 0)]
    while cells[-1] != 0:
        cells.append(ladder.next_cell(s, 0, cells[-1] + 1))
    expected = [ladder.cell_of(0, key) for key in (1, 40, 2_000, 2**41)]
    assert cells == [*expected, ladder.ALWAYS_CELL, 0]
