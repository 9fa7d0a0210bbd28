"""The risk engine inside the venue: what it remembers, proposes and tells over `/v1`, and what its silence does."""

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from risk_rig import OTHER, TAKER, Desk, crash, opened
from seawall.cli.main import main
from seawall.ledger import state
from seawall.risk.engine import RiskModel
from seawall.risk.moves import HOUR_MS
from seawall.risk.publisher import FIELDS, PRIMARY, Proposal, Report, digest_of, domain, mask_of, report_hash, sign_all
from seawall.signing import Signature, signature_fields
from seawall.terms import command, parameter
from seawall.terms.parameter import HARD, NORMAL, SOFT
from seawall.tools import publish
from seawall.tools.publish import Publisher
from seawall.units import RATE_ONE, BadInput
from seawall.venue import config
from seawall.venue.info.answer import answer as inform
from seawall.venue.names import address_text
from seawall.venue.ops.alerts.rules import Sight, account_levels
from seawall.venue.ops.alerts.shapes import LiquidationChance
from venue_rig import Rig, key, run

ROOT = Path(__file__).resolve().parents[2]
SIGNERS = (key(11), key(12), key(13))
LIVE = config.Risk(mode="live")
PROPOSAL = Proposal(market=0, number=1, amount=420_000, serial=7, expires=1_760_000_460_000, report=b"\x05" * 32)


# signed proposals


def test_typed_data_is_that_of_the_contract_and_of_wallets() -> None:
    source = (ROOT / "contracts" / "RiskOracle.vy").read_text()
    declared = re.search(r'"(Proposal\([^"]*\))"', source)
    assert declared is not None
    assert declared[1] == f"{PRIMARY}({','.join(f'{kind} {name}' for name, kind in FIELDS)})"
    messages = pytest.importorskip("eth_account.messages", reason="needs the extra `chain`")
    account = pytest.importorskip("eth_account").Account
    where, contract = domain(421_614, b"\x07" * 20), "0x" + "07" * 20
    types = {PRIMARY: [{"name": name, "type": kind} for name, kind in FIELDS]}
    shown = {"name": "Seawall", "version": "1", "chainId": 421_614, "verifyingContract": contract}
    for amount in (420_000, 0, -1, 2**255 - 1, -(2**255)):
        one = msgspec.structs.replace(PROPOSAL, amount=amount)
        ready = messages.encode_typed_data(shown, types, msgspec.structs.asdict(one))
        made = account.sign_message(ready, (11).to_bytes(32, "big"))
        assert sign_all(where, one, SIGNERS[:1])[0] == Signature(made.r, made.s, made.v - 27)
    with pytest.raises(BadInput):
        digest_of(where, msgspec.structs.replace(PROPOSAL, amount=2**255))


def test_only_known_signers_of_this_very_proposal_count_once() -> None:
    where = domain(1)
    signers = {one.address: number for number, one in enumerate(SIGNERS)}
    signed = sign_all(where, PROPOSAL, (SIGNERS[2], SIGNERS[0]))
    assert mask_of(where, PROPOSAL, signed, signers) == 0b101
    assert mask_of(where, PROPOSAL, (*signed, *signed), signers) == 0b101
    assert mask_of(where, PROPOSAL, sign_all(where, PROPOSAL, (key(99),)), signers) == 0
    assert mask_of(domain(2), PROPOSAL, signed, signers) == 0
    for changed in ({"market": 1}, {"number": 2}, {"amount": 1}, {"serial": 8}, {"expires": 1}, {"report": bytes(32)}):
        assert mask_of(where, msgspec.structs.replace(PROPOSAL, **changed), signed, signers) == 0
    assert mask_of(where, PROPOSAL, (Signature(1, 1, 0),), {}) == 0
    with pytest.raises(BadInput, match="signatures"):
        mask_of(where, PROPOSAL, signed * 9, signers)


# what it proposes


def test_shadow_shows_what_it_would_and_sends_nothing(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await crash(rig, desk)
        assert rig.service.columns["cell"][state.RISK_SERIAL] == 0
        assert desk.live(parameter.BREAKER) == NORMAL
        told = await desk.get("/risk")
        assert (told["mode"], told["markets"][0]["state"], told["markets"][0]["breaker"]) == (
            "shadow",
            "hard",
            "normal",
        )
        shown = (await desk.get("/risk/proposals"))["proposals"]
        assert {one["outcome"] for one in shown} == {"shadow"}
        breaker = next(one for one in shown if one["parameter"] == "breaker" and one["value"] == str(HARD))
        assert any("range of 15 minutes" in why for why in breaker["reasons"])

    run(tmp_path, scenario)


def test_live_tightens_the_engine_within_its_rails_and_says_why(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await crash(rig, desk)
        assert desk.live(parameter.BREAKER) == HARD
        shown = (await desk.get("/risk/proposals"))["proposals"]
        assert {one["outcome"] for one in shown} == {"accepted"}
        assert {one["signers"] for one in shown} == {0b11}
        assert {one["parameter"] for one in shown} >= {"breaker", "open_interest_cap", "liquidation_capacity"}
        assert desk.live(parameter.OPEN_INTEREST_CAP) <= 1_500
        assert "reduce" in str(await rig.order(OTHER, True, "38000", "0.001")).lower()

    run(tmp_path, scenario, risk=LIVE)


def test_a_quiet_market_is_left_alone_but_for_a_sign_of_life(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await rig.price(0, 50_000_000)
        await desk.office.look()
        told = await desk.get("/risk")
        assert (told["markets"][0]["state"], told["is_silent"], told["signers_needed"]) == ("normal", False, 2)
        assert desk.live(parameter.BREAKER) == NORMAL
        first = rig.service.columns["cell"].copy()
        await rig.price(0, 50_000_000)
        await desk.office.look()
        assert (rig.service.columns["cell"] != first).any()

    run(tmp_path, scenario, risk=LIVE)


def test_when_it_stops_live_values_decay_to_static_ones(tmp_path: Path) -> None:
    """The kill switch: mode off, or no process at all. The engine does it alone."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await crash(rig, desk)
        desk.office.mode = "off"
        tightened = desk.live(parameter.OPEN_INTEREST_CAP)
        assert tightened < rig.service.columns["param_static"][0, parameter.OPEN_INTEREST_CAP]
        for _ in range(150):
            rig.now += 60_000
            await rig.rows({"kind": command.TICK, "signer": command.SEQUENCER, "time": rig.now})
        assert desk.live(parameter.BREAKER) == NORMAL
        for number in (parameter.OPEN_INTEREST_CAP, parameter.LIQUIDATION_CAPACITY):
            assert desk.live(number) == rig.service.columns["param_static"][0, number]
        assert (await desk.get("/risk"))["is_silent"]
        desk.office.mode = "live"
        await rig.price(0, 38_000_000)
        await desk.office.look()
        assert desk.live(parameter.BREAKER) == HARD  # the book still stands a third from the index
        assert not (await desk.get("/risk"))["is_silent"]

    run(tmp_path, scenario, risk=LIVE)


def test_named_signers_alone_can_propose(tmp_path: Path) -> None:
    """No keys in the process: it proposes nothing itself, and takes what enough of the named have signed."""
    named = config.Risk(mode="live", signers=tuple(address_text(one.address) for one in SIGNERS))

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await crash(rig, desk)
        assert desk.live(parameter.BREAKER) == NORMAL
        report = Report(
            coin="BTC",
            parameter="initial_live",
            value=RATE_ONE // 5,
            before=0,
            state="normal",
            model="mine",
            data="00",
            reasons=("a storm",),
            time=rig.now,
        )
        one = Proposal(
            market=0,
            number=parameter.INITIAL_LIVE,
            amount=report.value,
            serial=5,
            expires=rig.service.now + 1_000,
            report=report_hash(report),
        )

        async def bring(proposal: Proposal, keys: tuple[Any, ...], **changed: Any) -> Any:
            body = {
                "report": {**msgspec.to_builtins(report), **changed},
                "hash": "0x" + proposal.report.hex(),
                "serial": proposal.serial,
                "expires": proposal.expires,
                "signatures": [signature_fields(s) for s in sign_all(desk.office.domain, proposal, keys)],
            }
            return await desk.client.post("/v1/risk/proposals", json=body)

        assert (await bring(one, SIGNERS[:1])).json()["code"] == "refused"
        assert (await bring(one, (key(98), key(99)))).json()["code"] == "refused"
        assert (await bring(one, SIGNERS[:2], reasons=["another"])).json()["code"] == "bad_request"
        assert (await bring(one, SIGNERS[:2], parameter="taker_fee")).json()["code"] == "bad_request"
        late = msgspec.structs.replace(one, expires=rig.service.now - 1)
        assert (await bring(late, SIGNERS[:2])).json()["code"] == "bad_request"
        assert desk.live(parameter.INITIAL_LIVE) == 0
        taken = await bring(one, (SIGNERS[0], SIGNERS[2]))
        assert (taken.status_code, taken.json()["outcome"], taken.json()["signers"]) == (200, "accepted", 0b101)
        assert desk.live(parameter.INITIAL_LIVE) == RATE_ONE // 5
        assert (await bring(one, SIGNERS)).json()["code"] == "refused"  # the same again

    run(tmp_path, scenario, risk=named)


def test_signers_are_different_addresses(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        with pytest.raises(BadInput, match=r"risk\.signers"):
            Desk(rig)

    same = address_text(SIGNERS[0].address)
    run(tmp_path, scenario, risk=config.Risk(signers=(same, same)))


def test_a_publisher_outside_reads_decides_and_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees the fall and tightens the market; what it has brought it does not bring again."""
    named = config.Risk(mode="live", signers=tuple(address_text(one.address) for one in SIGNERS))

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        loop = asyncio.get_running_loop()
        publisher = Publisher("http://venue", SIGNERS[:2], RiskModel(), chain_id=421_614)

        async def over(path: str, body: Any) -> Any:
            if path == "/info":
                return msgspec.to_builtins(await inform(rig.service, body), order=None)
            if body is None:
                return (await desk.client.get(path)).json()
            return (await desk.client.post(path, json=body)).json()

        def ask(path: str, body: Any = None, *, may_refuse: bool = False) -> Any:
            assert may_refuse == (path == "/v1/risk/proposals")
            return asyncio.run_coroutine_threadsafe(over(path, body), loop).result(30)

        monkeypatch.setattr(publisher, "_ask", ask)
        await rig.price(0, 50_000_000)
        quiet = await asyncio.to_thread(publisher.look)
        assert "breaker" not in {one.parameter for one in quiet}
        for _ in range(15):  # candles of the minute before are of its trade alone
            rig.now += 4_000
            await rig.price(0, 50_000_000)
        await rig.move(0, 38_000_000)
        done = {one.parameter: one for one in await asyncio.to_thread(publisher.look)}
        assert done["breaker"].outcome == "accepted"
        assert done["breaker"].reasons[0].startswith(("perp 2.0", "range of 15 minutes"))
        assert desk.live(parameter.BREAKER) == done["breaker"].value >= SOFT
        assert {one.outcome for one in done.values()} == {"accepted"}
        again = await asyncio.to_thread(publisher.look)
        assert [one.value for one in again if one.parameter == "breaker" and one.value != HARD] == []

    run(tmp_path, scenario, risk=named)


def test_a_publisher_needs_a_venue_and_a_key() -> None:
    with pytest.raises(BadInput, match="key"):
        Publisher("http://venue", (), RiskModel(), chain_id=1)
    for url, why in (("venue", "expected http"), ("http://127.0.0.1:9", "no answer")):
        with pytest.raises(BadInput, match=why):
            Publisher(url, SIGNERS, RiskModel(), chain_id=1).look()


def test_the_command_prints_what_a_venue_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {
        "accounts": 2,
        "liquidations_at_risk": "75000.0",
        "value_at_risk": "0.0",
        "need": "27500.0",
        "insurance": "1000.0",
        "ratio": "0.036364",
        "scenarios": [{"name": "all -50%", "total": "27500.0", "cover": "27500.0", "groups": [{"address": "0x12"}]}],
    }
    monkeypatch.setattr(publish, "asked", lambda *_: told)
    assert main(["risk", "insurance"]) == 0
    shown = capsys.readouterr().out
    assert "all -50%" in shown
    assert "27500.0 USD" in shown
    assert main(["risk", "publish"]) == 2
    assert "--keystore" in capsys.readouterr().err


# what it remembers and tells


def test_memory_keeps_minutes_and_hours_of_marks_and_what_was_forced(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        start, known = rig.now, desk.risk.memory.of(0)
        assert sum(one.traded for one in known.minutes) == 75_000 * 10**6
        await rig.move(0, 42_000_000)
        bars = desk.risk.memory.bars((0,), ("BTC",))
        mark = rig.service.columns["market_price"].item(0)
        assert mark < 45_000_000
        assert (bars.open[-1, 0], bars.low[-1, 0], bars.close[-1, 0]) == (50_000_000, mark, mark)
        liquidate = {"kind": command.LIQUIDATE, "signer": command.SEQUENCER, "size": 64}
        for _ in range(4):
            await rig.rows(liquidate)
        assert sum(one.forced for one in known.minutes) > 0
        rig.now = start - start % HOUR_MS + 3 * HOUR_MS
        await rig.price(0, 42_000_000)
        desk.risk.memory.see(0)
        assert len(desk.risk.memory.bars((0,), ("BTC",)).close) == 1  # an hour that has just begun is no calm hour
        known.see(rig.now, 20_000_000.0)
        later = desk.risk.memory.bars((0,), ("BTC",))
        assert len(later.close) == 4
        assert np.isnan(later.close[1:3, 0]).all()

    run(tmp_path, scenario)


def test_foresight_over_v1(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        who = address_text(TAKER.address)
        told = await desk.get(f"/accounts/{who}/foresight", target="0.001")
        assert told["address"] == who
        assert 0 < float(told["probabilities"]["hours_24"]) < 1
        bucket = told["buckets"][0]
        assert [one["coin"] for one in bucket["drivers"]] == ["BTC"]
        assert {one["kind"] for one in bucket["cures"]} >= {"top_up", "reduce"}
        assert all(float(one["probability"]) <= 0.001 for one in bucket["cures"])
        calm = await desk.get(f"/accounts/{address_text(OTHER.address)}/foresight")
        assert (calm["score"], calm["buckets"]) == (0, [])
        await desk.refused(f"/accounts/{who}/foresight", "bad_request", target="2")
        await desk.refused(f"/accounts/{address_text(key(77).address)}/foresight", "unknown_account")

    run(tmp_path, scenario)


def test_foresight_of_what_if_is_what_is_then_foreseen(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        taker, other = (address_text(one.address) for one in (TAKER, OTHER))

        async def after(who: str, **body: Any) -> Any:
            found = await desk.client.post(f"/v1/accounts/{who}/what-if/foresight", json=body)
            assert found.status_code == 200, found.text
            return found.json()

        now = await desk.get(f"/accounts/{taker}/foresight")
        told = await after(taker, deposit="2000")
        assert told["before"]["probabilities"] == now["probabilities"]
        assert told["before"]["score"] > told["after"]["score"] > 0
        order = {"coin": "BTC", "side": "buy", "size": "0.3", "price": "50010"}
        told = await after(other, order=order)
        assert (told["before"]["buckets"], told["before"]["score"]) == ([], 0)
        assert [one["bucket"] for one in told["after"]["buckets"]] == ["cross"]
        assert "filled" in await rig.order(OTHER, True, "50010", "0.3", tif="Ioc")
        now = await desk.get(f"/accounts/{other}/foresight")
        assert told["after"]["probabilities"] == now["probabilities"]
        assert told["paths"] == now["paths"] > 0
        gone = await after(other, moves={"BTC": "-0.2"})
        assert (gone["after"]["score"], gone["after"]["probabilities"]["hour_1"]) == (100, "1")
        assert (await after(taker, order={**order, "side": "sell", "size": "1.5"}))["after"]["score"] == 0
        refused = await desk.client.post(f"/v1/accounts/{taker}/what-if/foresight", json={})
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")

    run(tmp_path, scenario)


def test_exposure_and_insurance_over_v1(tmp_path: Path) -> None:
    """The taker's 75,000 USD long of 10,000 USD falls at -11.1 %, the maker never."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await rig.price(0, 50_000_000)
        await desk.office.look()
        told = await desk.get("/risk/exposure/BTC")
        longs = {float(one["move"]): float(one["longs"]) for one in told["curve"]}
        assert (longs[-0.1], longs[-0.12]) == (0.0, 75_000.0)
        falls = {float(one["move"]): one for one in told["cascades"]}
        assert (falls[-0.1]["liquidated"], falls[-0.2]["liquidated"]) == (0, 1)
        assert (falls[-0.2]["taken"], falls[-0.2]["left"]) == ("0.0", "60000.0")  # in debt: no book, the backstop
        fund = await desk.get("/risk/insurance")
        assert fund["accounts"] == 2
        worst = fund["scenarios"][0]
        assert worst["groups"][0]["address"] == address_text(TAKER.address)
        assert float(fund["need"]) == float(worst["cover"]) >= 27_500.0
        await desk.refused("/risk/exposure/DOGE", "unknown_coin")

    run(tmp_path, scenario)


def test_the_curve_turns_where_the_engine_says_that_liquidation_begins(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        (held,) = (await desk.get(f"/accounts/{address_text(TAKER.address)}/positions"))["positions"]
        price = float(held["liquidation_price"])
        assert 40_000 < price < 50_000
        for point in (await desk.get("/risk/exposure/BTC"))["curve"]:
            is_gone = float(point["price"]) < price
            assert float(point["longs"]) == (float(held["value"]) if is_gone else 0)
            assert (point["accounts"] >= 1) == (is_gone or float(point["shorts"]) > 0)

    run(tmp_path, scenario)


def test_nobody_has_a_position(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        desk = Desk(rig)
        assert (await desk.get("/risk/insurance"))["accounts"] == 0
        assert (await desk.get("/risk/exposure/BTC"))["curve"] == []
        assert (await desk.get("/risk"))["markets"] == []

    run(tmp_path, scenario)


def test_an_alert_tells_a_probability_once_it_is_counted(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        account = rig.service.people.account_of(TAKER.address)
        rule, service, chances = LiquidationChance(above="0.00001"), rig.service, desk.risk.chances
        unknown = list(account_levels(Sight(service, account), rule))
        assert [(one.is_crossed, one.is_back) for one in unknown] == [(False, False)]
        heard: list[int] = []
        chances.wanted, chances.told = (lambda: [account]), heard.append
        await chances.count()
        assert heard == [account]
        found = list(account_levels(Sight(service, account, chances.latest[account]), rule))
        assert [one.is_crossed for one in found] == [True]
        assert "likely to be liquidated within 24 h, most of it BTC" in found[0].sentence
        chances.wanted = list
        await chances.count()
        assert chances.latest == {}

    run(tmp_path, scenario)
