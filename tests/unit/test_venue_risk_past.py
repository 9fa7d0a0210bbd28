"""Forecasts against static margins and realised moves over `/v1/risk/history`: by the hour, over restarts."""

from pathlib import Path

import pytest

from risk_rig import opened
from seawall.risk.engine import FILTERED_HOURS
from seawall.risk.moves import HOUR_MS
from seawall.units import floor_div
from seawall.venue.rest.risk_past import part
from seawall.venue.risk.memory import MINUTE_MS, Span
from venue_rig import Rig, run


def test_forecasts_are_judged_hour_by_hour_and_outlive_the_process(tmp_path: Path) -> None:
    """Thirty hours of history, then a process that has just begun: it forecasts, and says how its margins held."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await desk.refused("/risk/history/DOGE", "unknown_coin")
        empty = await desk.get("/risk/history/BTC")
        assert (empty["hours"], empty["present"], empty["last_data"], empty["source"]) == ([], None, None, "static")
        hour = floor_div(rig.now, HOUR_MS) * HOUR_MS
        hours = desk.risk.memory.of(0).hours
        for back in range(1, 31):  # each hour falls by 1 % at its worst; the last but five by 30 %
            span = Span(hour - back * HOUR_MS, 50_000_000.0)
            span.low = 50_000_000.0 * (0.7 if back == 5 else 0.99)
            span.traded = 1e12
            hours.appendleft(span)
        await desk.office.recall()
        await desk.office.look()
        told = await desk.get("/risk/history/BTC", limit=500)
        assert (told["mode"], told["source"], told["last_data"]) == ("shadow", "model", hour)
        assert [one["start"] for one in told["hours"]] == [hour - back * HOUR_MS for back in range(30, 0, -1)]
        assert all(one["is_replayed"] for one in told["hours"])
        judged = [one for one in told["hours"] if one["new_risk"] is not None and one["move"] is not None]
        assert len(judged) == told["coverage"]["hours"] == 30 - FILTERED_HOURS
        for one in judged:
            assert float(one["move"]) == (0.3 if one["start"] == hour - 5 * HOUR_MS else 0.01)
        for name, margin in (
            ("new_risk", "new_risk"),
            ("open_positions", "open_positions"),
            ("static_initial", "static_initial"),
            ("static_maintenance", "static_maintenance"),
        ):
            held = sum(float(one["move"]) <= float(one[margin]) for one in judged)
            assert float(told["coverage"][name]) == pytest.approx(held / len(judged), abs=1e-6)
        assert told["coverage"]["new_risk"] != "1.0"
        after = {one["start"]: float(one["new_risk"]) for one in judged}
        assert after[hour - 4 * HOUR_MS] > 3 * after[hour - 5 * HOUR_MS]  # it has seen the fall
        (market,) = (await desk.get("/risk"))["markets"]
        assert (market["hours"], market["coverage"]) == (len(judged), told["coverage"]["new_risk"])
        assert (market["source"], market["last_data"]) == ("model", hour)
        assert len((await desk.get("/risk/history/BTC", limit=3))["hours"]) == 3

    run(tmp_path, scenario)


def test_the_hour_that_runs_is_shown_and_then_judged(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        rig.now = floor_div(rig.now, HOUR_MS) * HOUR_MS + HOUR_MS - 2 * MINUTE_MS
        await rig.price(0, 50_000_000)
        before = int(rig.service.columns["market_price"][0])
        rig.now += 2 * MINUTE_MS
        await rig.move(0, 48_000_000)
        after = int(rig.service.columns["market_price"][0])
        move = part(1.0 - after / before)
        await desk.office.look()
        told = await desk.get("/risk/history/BTC")
        assert float(move) > 0.005
        assert told["present"]["start"] == floor_div(rig.now, HOUR_MS) * HOUR_MS
        assert (told["present"]["move"], told["present"]["new_risk"]) == (move, None)
        for _ in range(61):
            rig.now += MINUTE_MS
            await rig.price(0, 48_000_000)
            await desk.office.look()
        (first, last) = (await desk.get("/risk/history/BTC"))["hours"]
        assert (last["start"], last["move"], last["is_replayed"]) == (told["present"]["start"], move, False)
        assert first["move"] is None  # nothing came before it

    run(tmp_path, scenario)
