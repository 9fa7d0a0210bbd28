"""What a live risk engine asks for before it happens, and what stops it: each also with the guard off."""

from pathlib import Path

import pytest

from risk_rig import MAKER, OTHER, TAKER, crash, opened
from seawall.ledger import state
from seawall.risk import measures
from seawall.terms import command, parameter
from seawall.terms.parameter import HARD, NORMAL
from seawall.venue import config
from seawall.venue.info.answer import answer as inform
from seawall.venue.names import address_text
from venue_rig import Rig, run

LIVE = config.Risk(mode="live")


@pytest.mark.parametrize("is_used", [True, False])
def test_a_cascade_ahead_caps_what_may_be_opened_before_it_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_used: bool
) -> None:
    """A quiet market in which a fall of 5 % would force more than the bids take: nothing else asks for these caps."""
    if not is_used:
        monkeypatch.setattr(measures, "against_cascade", lambda _: {})

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        assert "filled" in await rig.order(OTHER, True, "50010", "0.3")
        for order in await inform(rig.service, {"type": "openOrders", "user": address_text(MAKER.address)}):
            await rig.act(MAKER, {"type": "cancel", "cancels": [{"a": 0, "o": order.oid}]})
        await rig.order(MAKER, True, "49990", "0.1")
        await rig.order(MAKER, False, "50010", "3")
        for _ in range(4):
            rig.now += 30_000
            await rig.price(0, 50_000_000)
            await desk.office.look()
        assert desk.live(parameter.BREAKER) == NORMAL
        capped = (parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY)
        static = rig.service.columns["param_static"][0]
        assert [desk.live(number) < static[number] for number in capped] == [is_used, is_used]
        shown = (await desk.get("/risk/proposals"))["proposals"]
        why = [one["reasons"][0] for one in shown if one["parameter"] in ("open_interest_cap", "liquidation_capacity")]
        assert bool(why) == is_used
        assert all("a move of -5.0% would force 14,252 USD, of which the book takes 4,750" in one for one in why)

    run(tmp_path, scenario, risk=LIVE)


@pytest.mark.parametrize("is_killed", [True, False])
def test_the_kill_switch_ends_a_running_engine_and_what_it_had_tightened_decays(
    tmp_path: Path, is_killed: bool
) -> None:
    """The admin sets risk_mask to 0 while the process goes on looking, live: without that it keeps the market shut."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await crash(rig, desk)
        columns, capped = rig.service.columns, (parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY)
        static = [int(columns["param_static"][0, number]) for number in capped]
        assert desk.live(parameter.BREAKER) == HARD
        assert all(desk.live(number) < value for number, value in zip(capped, static, strict=True))
        if is_killed:
            row = {"kind": command.SET_PARAMETER, "signer": command.ADMIN, "market": -1, "other": parameter.RISK_MASK}
            assert await rig.rows({**row, "price": 0}) == [0]
        serial = int(columns["cell"][state.RISK_SERIAL])
        for _ in range(150):
            rig.now += 59_000
            await rig.price(0, 38_000_000)  # the book still stands a third from the index: the engine would go on
            await desk.office.look()
        assert [desk.live(number) for number in capped] == static if is_killed else desk.live(capped[0]) < static[0]
        assert (desk.live(parameter.BREAKER) == NORMAL) == is_killed
        assert (int(columns["cell"][state.RISK_SERIAL]) == serial) == is_killed
        assert (await desk.get("/risk"))["is_silent"] == is_killed
        last = (await desk.get("/risk/proposals"))["proposals"][0]["outcome"]
        assert last.startswith("refused") == is_killed

    run(tmp_path, scenario, risk=LIVE)


@pytest.mark.parametrize("least_usd", [1_000_000, 0])
def test_few_who_leave_a_small_market_are_no_flight(tmp_path: Path, least_usd: int) -> None:
    """75,000 USD are open and four fifths of them close: an alarm only where no floor is set."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await rig.price(0, 50_000_000)
        await desk.office.look()
        assert "filled" in await rig.order(TAKER, False, "49990", "1.2")
        await rig.price(0, 50_000_000)
        await desk.office.look()
        lost = desk.office.watched[0].look.signs.open_interest_lost  # type: ignore[union-attr]
        assert lost == pytest.approx(0.06 if least_usd else 0.8, rel=1e-3)
        assert (desk.office.watched[0].stress.state == NORMAL) == bool(least_usd)

    run(tmp_path, scenario, risk=config.Risk(mode="live", interest_least_usd=least_usd))
