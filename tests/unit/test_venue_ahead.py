"""What is to come for a position over `/v1`: its funding, and its place in the queue of auto-deleveraging."""

from pathlib import Path
from typing import Any

from seawall.terms import command
from seawall.terms.parameter import HOUR_MS
from seawall.units import floor_div
from seawall.venue.names import address_text
from seawall.venue.rest.account_shapes import AccountView, FundingAheadView, PositionsView, QueueView, RanksView
from venue_door import MAKER, TAKER, Door, micro, opened, path_of
from venue_rig import Rig, key, run


def test_funding_ahead_is_what_is_then_paid(tmp_path: Path) -> None:
    """A book far above the index: longs will pay, and pay what was told, to the micro-USD."""

    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        await rig.order(MAKER, True, "50500", "2")
        funding = {"kind": command.FUNDING, "signer": command.SEQUENCER, "market": 0}
        for _ in range(2):  # the first begins an interval
            assert await rig.rows(funding) == [0]
            rig.now += 5_000
        ahead = {one: await ahead_of(door, one) for one in (TAKER, MAKER)}
        assert (micro(ahead[TAKER].hour_1) < 0, micro(ahead[MAKER].hour_1) > 0) == (True, True)
        for one in ahead.values():
            assert abs(micro(one.hours_8) - 8 * micro(one.hour_1)) <= 8
            assert abs(micro(one.hours_24) - 24 * micro(one.hour_1)) <= 24
        assert (await door.get("/markets/BTC"))["funding_predicted"] == ahead[TAKER].rate
        cash = {one: await cash_of(door, one) for one in ahead}
        rig.now = floor_div(rig.now, HOUR_MS) * HOUR_MS + HOUR_MS - 1_000
        await rig.price(0, 50_000_000)
        assert await rig.rows(funding) == [0]
        for one, told in ahead.items():
            assert await cash_of(door, one) - cash[one] == micro(told.hour_1)

    run(tmp_path, scenario)


async def ahead_of(door: Door, wallet: Any) -> FundingAheadView:
    (held,) = (await door.get(path_of(wallet, "/positions"), PositionsView)).positions
    return held.funding_ahead


async def cash_of(door: Door, wallet: Any) -> int:
    """Micro-USD, funding that is not settled counted in."""
    (cross,) = (await door.get(path_of(wallet), AccountView)).buckets
    return micro(cross.cash) + micro(cross.pending_funding)


def test_the_whole_queue_is_told_in_the_engines_order(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        holders = [key(20 + number) for number in range(7)]
        for number, wallet in enumerate(holders):  # the same entry, less and less equity: more and more leverage
            await rig.fund(wallet, 4_000 - 400 * number)
            await rig.order(MAKER, False, "50000", "0.1")
            assert "filled" in await rig.order(wallet, True, "50000", "0.1")
        await rig.move(0, 51_000_000)
        whole = await door.get("/markets/BTC/queue", QueueView, side="long", limit=500)
        assert (whole.total, len(whole.positions), whole.side) == (8, 8, "long")
        assert [one.place for one in whole.positions] == list(range(1, 9))
        scores = [int(one.score) for one in whole.positions]
        assert scores == sorted(scores, reverse=True)
        assert len({one.address for one in whole.positions}) == 8
        for wallet in (*holders, TAKER):
            (mine,) = (await door.get(path_of(wallet, "/ranks"), RanksView)).ranks
            there = next(one for one in whole.positions if one.address == address_text(wallet.address))
            assert (mine.place, mine.of, mine.light, mine.score, mine.in_profit) == (
                there.place,
                8,
                there.light,
                there.score,
                there.in_profit,
            )
        page = await door.get("/markets/BTC/queue", QueueView, side="long", start=3, limit=2)
        assert (page.total, page.start, page.positions) == (8, 3, whole.positions[3:5])
        assert (await door.get("/markets/BTC/queue", QueueView, start=8)).positions == ()
        shorts = await door.get("/markets/BTC/queue", QueueView, side="short")
        assert [(one.address, one.size) for one in shorts.positions] == [(address_text(MAKER.address), "2.2")]
        await door.refused("/markets/DOGE/queue", "unknown_coin")
        await door.refused("/markets/BTC/queue", "bad_request", side="both")

    run(tmp_path, scenario)
