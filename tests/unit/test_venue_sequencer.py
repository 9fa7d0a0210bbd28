"""The sequencer: a heartbeat without traffic, funding when it is due, and bad sources that do not move the index."""

import asyncio
from fractions import Fraction
from importlib.metadata import EntryPoint
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scripted_feed import INTERVAL_MS, good_price
from seawall.engine.funding import SAMPLE_MS
from seawall.ledger.state import VENUE_STATUS
from seawall.terms import code, command
from seawall.venue import config
from seawall.venue.batch import Batch
from seawall.venue.config import FeedTerms, MarketTerms, Traders
from seawall.venue.desk import BusyError
from seawall.venue.feeds import registry
from venue_floor import START_MS, FakeClock, World, at_rest

QUIET = Traders(enabled=False)
BTC = MarketTerms(coin="BTC", price=100_000.0)
ETH = MarketTerms(coin="ETH", price=4_000.0)


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [EntryPoint("scripted", "scripted_feed:open_sources", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda **_: offered)


def play(folder: Path, script: Any, *ways: str, **sections: Any) -> None:
    async def run() -> None:
        feed = (FeedTerms(kind="scripted", options={"ways": list(ways)}),)
        given = {"market": (BTC, ETH), "traders": QUIET, "feed": feed, **sections}
        async with World(folder, FakeClock(), **given) as world:
            await script(world)

    asyncio.run(run())


def states(world: World, coin: str) -> dict[str, str]:
    return {s.name: c.state for s in world.floor.feeds.status() for c in s.coins if c.coin == coin}


def fair(world: World, start: float, lot: int) -> Fraction:
    """What good sources say now, in micro-USD per lot."""
    said = (world.clock.time - START_MS) // INTERVAL_MS + 1
    return good_price(start, said) * lot


def test_a_dead_a_thousandfold_and_a_frozen_source_do_not_move_the_index(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        columns = world.service.columns
        assert len(world.floor.feeds.voices) == 7
        assert columns["param"][0, 29] == 4
        await world.pass_ms(4_000)
        for _ in range(150):
            await world.pass_ms(1_000)
            for market, start, lot in ((0, 100_000.0, 10), (1, 4_000.0, 100)):
                assert columns["market_fresh"][market] == 1
                assert abs(columns["market_oracle"][market] / fair(world, start, lot) - 1) < 0.0005
        assert columns["market_oracle"][0] > 1_025_000  # the good ones have moved away from the frozen one
        found = states(world, "BTC")
        assert found == {
            "good-0": "ok",
            "dead-1": "silent",
            "thousandfold-2": "absurd",
            "frozen-3": "divergent",  # by now
            "good-4": "ok",
            "good-5": "ok",
            "good-6": "ok",
        }

    play(tmp_path, script, "good", "dead", "thousandfold", "frozen", "good", "good", "good")


def test_without_a_quorum_the_price_is_stale_and_never_wrong(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        columns = world.service.columns
        await world.pass_ms(3_000)
        assert columns["market_fresh"][0] == 1
        last = int(columns["market_oracle"][0])
        for _ in range(300):
            await world.pass_ms(1_000)
            if columns["market_fresh"][0]:
                last = int(columns["market_oracle"][0])
                assert abs(last / fair(world, 100_000.0, 10) - 1) < 0.02
        assert columns["market_fresh"][0] == 0  # the good and the frozen one are too far from each other now
        assert columns["market_oracle"][0] == last

    play(tmp_path, script, "good", "frozen", "thousandfold")


@pytest.mark.parametrize("bad", ["fivefold", "late", "nonsense", "ahead", "failing"])
def test_one_bad_source_of_three_never_decides(tmp_path: Path, bad: str) -> None:
    async def script(world: World) -> None:
        columns = world.service.columns
        await world.pass_ms(4_000)
        for _ in range(30):
            await world.pass_ms(1_000)
            assert columns["market_fresh"][0] == 1
            assert abs(columns["market_oracle"][0] / fair(world, 100_000.0, 10) - 1) < 0.001
        expected = {"fivefold": "divergent", "late": "stale", "nonsense": "absurd", "ahead": "ok"}
        if bad in expected:
            assert states(world, "BTC")[f"{bad}-1"] == expected[bad]

    play(tmp_path, script, "good", bad, "good")


def test_a_venue_whose_first_source_lies_does_not_open_on_the_lie(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(10_000)
        assert world.service.columns["market_status"][0] == command.CLOSED
        assert world.service.columns["market_oracle"][0] == 0
        assert world.floor.genesis.waiting() == ["BTC", "ETH"]

    play(tmp_path, script, "good", "fivefold", "dead")


def test_time_passes_without_any_source(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(10_000)
        assert world.service.now == world.clock.time == START_MS + 10_000
        assert world.floor.sequencer.beats.count == 10
        assert world.floor.sequencer.beats.refused == 0

    play(tmp_path, script, "dead")


def test_beats_come_at_the_interval_and_late_ones_are_counted(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        sequencer = world.floor.sequencer
        await world.pass_ms(5_000)
        assert sequencer.beats.count == 20
        assert sequencer.beats.last == START_MS + 5_000
        world.clock.time += 2_250
        await world.pass_ms(0)
        assert (sequencer.beats.count, sequencer.beats.late) == (21, 8)

    play(tmp_path, script, "good", sequencer=config.Sequencer(interval_ms=250))


def rows_seen(world: World) -> list[Batch]:
    seen: list[Batch] = []
    world.service.desk.followers.append(seen.append)
    return seen


def test_funding_is_sampled_when_due_and_nothing_is_refused(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(3_000)
        batches = rows_seen(world)
        await world.pass_ms(60_000)
        times = [b.now for b in batches for row in b.rows.tolist() if row[0] == command.FUNDING and row[7] == 0]
        assert len(times) == 12
        assert all(after - before == SAMPLE_MS for before, after in pairwise(times))
        assert all((b.codes == code.OK).all() for b in batches)
        assert world.floor.sequencer.beats.refused == 0

    play(tmp_path, script, "good", "good")


def test_nothing_is_asked_of_a_market_that_is_halted(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(3_000)
        guard = {"kind": command.GUARD, "signer": command.GUARDIAN, "flags": command.HALTED}
        assert (await submit(world, {**guard, "market": 0})).codes[0] == code.OK
        batches = rows_seen(world)
        await world.pass_ms(20_000)
        kinds = [(row[0], row[7]) for b in batches for row in b.rows.tolist()]
        assert (command.FUNDING, 0) not in kinds
        assert (command.FUNDING, 1) in kinds
        assert (command.ORACLE, 0) in kinds
        assert (await submit(world, {**guard, "market": -1})).codes[0] == code.OK
        assert world.service.columns["cell"][VENUE_STATUS] == command.HALTED
        batches.clear()
        await world.pass_ms(20_000)
        assert all(row[0] != command.FUNDING for b in batches for row in b.rows.tolist())
        assert world.floor.sequencer.beats.refused == 0

    play(tmp_path, script, "good", "good")


async def submit(world: World, fields: dict[str, int]) -> Any:
    from seawall.engine.rows import rows_of

    return await world.service.submit(rows_of([fields]))


def test_a_source_that_the_admin_switched_off_is_not_submitted(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(3_000)
        off = {"kind": command.SET_SOURCE, "signer": command.ADMIN, "market": 0, "other": 2}
        assert (await submit(world, off)).codes[0] == code.OK
        await world.pass_ms(20_000)
        assert world.floor.sequencer.beats.refused == 0
        assert states(world, "BTC")["good-2"] == "unused"
        assert states(world, "ETH")["good-2"] == "ok"
        assert world.service.columns["market_fresh"][0] == 1

    play(tmp_path, script, "good", "good", "good")


def test_prices_do_not_wait_behind_a_crowd(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        await world.pass_ms(3_000)
        real, refusals = world.service.desk.submit, [3]

        async def crowded(rows: Any, then: Any = None) -> Any:
            if refusals[0]:
                refusals[0] -= 1
                raise BusyError("full")
            return await real(rows, then)

        world.service.desk.submit = crowded  # type: ignore[method-assign]
        beats = world.floor.sequencer.beats.count
        await world.pass_ms(1_100)
        assert world.floor.sequencer.beats.busy == 3
        assert world.floor.sequencer.beats.count == beats + 1
        assert world.service.columns["source_time"][0, 0] >= world.clock.time - 1_100

    play(tmp_path, script, "good", "good")


def test_a_sequencer_that_ended_by_itself_has_failed(tmp_path: Path) -> None:
    async def run() -> None:
        feed = (FeedTerms(kind="scripted", options={"ways": ["good"]}),)
        world = World(tmp_path, FakeClock(), market=(BTC,), traders=QUIET, feed=feed)
        world.service.start()
        await world.floor.start()
        assert not world.floor.failed
        await world.service.desk.stop()
        await world.clock.pass_ms(0, world.service)
        world.clock.time += 2_000
        await at_rest(world.service)
        await world.clock.pass_ms(2_000, world.service)
        assert world.floor.failed
        await world.floor.stop()
        await world.service.stop()

    asyncio.run(run())
