"""The one writer: turns, answers only of what is durable, forced work, a clock that jumps, a disk that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from seawall.engine.rows import Rows, rows_of
from seawall.engine.venue import Venue
from seawall.journal.memory import MemoryDisk
from seawall.journal.recover import open_journal
from seawall.ledger import state
from seawall.margin.trigger_state import FIRED
from seawall.terms import code, command, event
from seawall.terms.limits import CLOCK_STEP_MAX_MS
from seawall.venue import desk as desks
from seawall.venue.batch import Batch
from seawall.venue.desk import BusyError, Desk, Outcome, StoppedError
from venue_world import BUY, START, USD, World

Result = TypeVar("Result")
ACCOUNT = {"kind": command.CREATE_ACCOUNT, "signer": command.SEQUENCER, "address_0": 7}


class Office:
    """A desk over a disk in memory, its clock in the test's hand."""

    def __init__(self, venue: Venue | None = None) -> None:
        self.now = START
        self.disk = MemoryDisk()
        opened, writer, _ = open_journal(self.disk, state.SMALL)
        if venue is not None:
            opened.restore(bytes(state.durable_bytes(venue.array, venue.capacity)), venue.chain)
        self.desk = Desk(opened, writer, lambda: self.now)
        self.batches: list[Batch] = []
        self.desk.followers.append(self.batches.append)

    def play(self, scenario: Callable[["Office"], Awaitable[Result]]) -> Result:
        async def whole() -> Result:
            self.desk.start()
            try:
                return await asyncio.wait_for(scenario(self), 30)
            finally:
                await self.desk.stop()

        return asyncio.run(whole())


def account(number: int) -> Rows:
    return rows_of([{**ACCOUNT, "address_2": number}])


def test_jobs_of_one_turn_each_get_their_own_results() -> None:
    async def scenario(office: Office) -> None:
        jobs = [rows_of([{**ACCOUNT, "address_2": n}, {**ACCOUNT, "address_2": n}]) for n in range(1, 6)]
        done = await asyncio.gather(*(office.desk.submit(job) for job in jobs))
        for number, one in enumerate(done):
            assert one.codes.tolist() == [code.OK, code.ACCOUNT_EXISTS]
            assert one.made.tolist() == [number, 0]
            assert one.events[:, 1].tolist() == [event.ACCOUNT]
            assert one.events[0, 0] == one.sequences[0]
        assert len({int(sequence) for one in done for sequence in one.sequences}) == 10
        assert office.desk.turns < 5

    Office().play(scenario)


def test_rows_that_follow_from_others_are_of_the_same_turn() -> None:
    async def scenario(office: Office) -> None:
        def then(done: Outcome) -> Rows | None:
            assert done.codes.tolist() == [code.OK]
            row = {"kind": command.DEPOSIT, "signer": command.BRIDGE, "account": int(done.made[0]), "amount": 5}
            return rows_of([{**row, "reference": 1}])

        done = await office.desk.submit(account(1), then)
        assert (done.codes.tolist(), office.desk.turns) == ([code.OK, code.OK], 1)
        assert done.events[:, 1].tolist() == [event.ACCOUNT, event.DEPOSITED]
        nothing = await office.desk.submit(account(2), lambda _: None)
        assert nothing.codes.tolist() == [code.OK]
        assert [batch.first for batch in office.batches] == sorted(batch.first for batch in office.batches)

    Office().play(scenario)


def test_nobody_sees_what_is_not_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(office: Office) -> None:
        seen = []
        sync = office.desk.writer.sync

        def slow() -> int:
            seen.append(("applied", int(office.desk.columns["cell"][state.ACCOUNTS]), len(office.batches)))
            return sync()

        monkeypatch.setattr(office.desk.writer, "sync", slow)
        job = asyncio.ensure_future(office.desk.submit(account(1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await office.desk.settled()
        seen.append(("settled", int(office.desk.columns["cell"][state.ACCOUNTS]), len(office.batches)))
        await job
        assert seen == [("applied", 1, 0), ("settled", 1, 1)]

    Office().play(scenario)


def test_a_disk_that_fails_answers_nobody_and_stops_the_desk() -> None:
    async def scenario(office: Office) -> None:
        await office.desk.submit(account(1))

        def broken(*_: object) -> None:
            raise OSError(28, "No space left on device")

        office.disk.sync = broken  # type: ignore[method-assign]
        jobs = [asyncio.ensure_future(office.desk.submit(account(number))) for number in (2, 3)]
        for job in jobs:
            with pytest.raises(StoppedError):
                await job
        with pytest.raises(StoppedError):
            await office.desk.submit(account(4))
        assert office.desk.failed is not None
        assert sum(len(batch.rows) for batch in office.batches) == 2  # the clock and the first account

    Office().play(scenario)


def test_too_much_waiting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "FIRST_ROWS", 3)

    async def scenario(office: Office) -> None:
        jobs = [asyncio.ensure_future(office.desk.submit(account(number))) for number in (1, 2, 3, 4)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await jobs[3]
        assert [int((await job).codes[0]) for job in jobs[:3]] == [code.OK] * 3
        assert (await office.desk.submit(account(4))).codes.tolist() == [code.OK]

    Office().play(scenario)


def test_prices_find_room_in_a_crowd_and_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "QUEUE_ROWS", 8)
    monkeypatch.setattr(desks, "TURN_ROWS", 4)
    noop = rows_of([{"kind": command.CANCEL_ALL, "signer": 0}])
    price = rows_of([{"kind": command.ORACLE, "signer": command.ORACLES}])

    async def scenario(office: Office) -> None:
        crowd = [asyncio.ensure_future(office.desk.submit(noop)) for _ in range(9)]
        told = asyncio.ensure_future(office.desk.submit(price))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await crowd[8]
        assert office.desk.waiting == 9
        sequence = int((await told).sequences[0])
        assert sequence < min(int(one.sequences[0]) for one in await asyncio.gather(*crowd[:8]))

    Office().play(scenario)


def test_a_turn_is_bounded_and_the_rest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "TURN_ROWS", 4)

    async def scenario(office: Office) -> None:
        jobs = [asyncio.ensure_future(office.desk.submit(account(number))) for number in range(1, 11)]
        assert [int((await job).made[0]) for job in jobs] == list(range(10))
        assert max(len(batch.rows) for batch in office.batches) <= 5  # with the clock

    Office().play(scenario)


@pytest.mark.parametrize("step", [0, 1, -5_000, CLOCK_STEP_MAX_MS + 9])
def test_the_clock_only_goes_forward_and_never_too_far(step: int) -> None:
    async def scenario(office: Office) -> None:
        await office.desk.submit(account(1))
        assert office.desk.now == START
        office.now = START + step
        await office.desk.submit(account(2))
        assert office.desk.now == START + min(max(step, 0), CLOCK_STEP_MAX_MS)
        await office.desk.submit(account(3))
        assert office.desk.now == START + max(step, 0)

    Office().play(scenario)


def crashed() -> World:
    """A market whose long is under water at the next price."""
    world = World(markets=1)
    maker, long = world.account(1_000_000), world.account(1_000)
    world.trade(long, maker, 0, 100 * USD, 150)
    world.place(maker, 0, BUY, 90 * USD, 10_000)
    world.liquidate()
    return world


def test_what_a_price_makes_liquidatable_is_liquidated_without_anybody_asking() -> None:
    world = crashed()

    async def scenario(office: Office) -> None:
        price = {"kind": command.ORACLE, "signer": command.ORACLES, "market": 0, "price": 95_100_000}
        done = await office.desk.submit(rows_of([{**price, "time": office.now}]))
        assert done.codes.tolist() == [code.OK]
        while office.desk.columns["count"][FIRED] or office.desk.columns["cell"][state.QUEUED]:
            await office.desk.submit(rows_of([{"kind": command.FUNDING, "signer": command.SEQUENCER}]))
        kinds = {int(kind) for batch in office.batches for kind in batch.events[:, 1]}
        assert event.LIQUIDATION in kinds

    office = Office(world.venue)
    office.now = world.now + 1_000
    office.play(scenario)


def test_a_halted_venue_does_not_keep_the_desk_busy() -> None:
    world = crashed()
    world.trade(0, 1, 0, 90 * USD, 1)
    assert int(world.venue.columns["count"][FIRED]) > 0
    world.must(kind=command.SET_STATUS, signer=command.ADMIN, market=-1, flags=command.HALTED)

    async def scenario(office: Office) -> None:
        await office.desk.submit(account(50))
        await asyncio.sleep(0.05)
        turns = office.desk.turns
        await asyncio.sleep(0.05)
        assert office.desk.turns == turns

    office = Office(world.venue)
    office.now = world.now + 1_000
    office.play(scenario)


def test_a_snapshot_is_of_one_moment_and_opens() -> None:
    async def scenario(office: Office) -> None:
        await office.desk.submit(account(1))
        told: list[int] = []

        async def before() -> None:
            told.append(office.desk.sequence)
            await office.desk.submit(account(2))

        name = await office.desk.snapshot(before)
        assert name.endswith(f"{told[0]:020d}.snap")

    office = Office()
    office.play(scenario)
    venue, _, found = open_journal(office.disk, state.SMALL)
    assert found.snapshot == 2
    assert venue.state_hash() == office.desk.venue.state_hash()
