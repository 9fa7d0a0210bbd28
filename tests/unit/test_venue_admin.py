"""The admin's port: who may, what becomes of it in the log and in the record, what a supervisor and a scraper see."""

import asyncio
import collections
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from seawall.terms import code, command, parameter
from seawall.units import BadInput
from seawall.venue.feeds.feeds import Feeds
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.tokens import VARIABLE, tokens_from
from venue_rig import Rig, key, run

TOKEN = "correct-horse-battery"
MAKER, TAKER = key(1), key(2)


class Office:
    """Operations on a rig's service, both ports asked in process."""

    def __init__(self, rig: Rig, feeds: Feeds | None = None) -> None:
        self.ops = Operations(rig.service, {VARIABLE: f"ann={TOKEN},bob=another-long-token"}, feeds)
        self.app = FastAPI()
        self.ops.mount(self.app)
        self.admin = self._client(self.ops.admin_app)
        self.public = self._client(self.app)

    def _client(self, app: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://venue")

    async def act(self, path: str, token: str = TOKEN, **body: Any) -> httpx.Response:
        body.setdefault("reason", "a test")
        return await self.admin.post(f"/admin{path}", json=body, headers={"Authorization": f"Bearer {token}"})

    async def done(self, path: str, **body: Any) -> dict[str, Any]:
        found = await self.act(path, **body)
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def acts(self) -> list[dict[str, Any]]:
        found = await self.admin.get("/admin/acts", headers={"Authorization": f"bearer {TOKEN}"})
        return list(found.json()["acts"])


class RigClock:
    """The rig's clock for feeds, which then wait for ever."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def now(self) -> int:
        return self.rig.now

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 100_000)


def office(tmp_path: Path, scenario: Any, coins: tuple[tuple[str, float], ...] = ()) -> None:
    async def play(rig: Rig) -> None:
        made = Office(rig, Feeds(rig.service, RigClock(rig), coins) if coins else None)
        try:
            await rig.list_market()
            await scenario(rig, made)
        finally:
            await made.ops.stop()

    run(tmp_path, play)


def test_only_who_has_a_token_may_act(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        before = rig.service.desk.sequence
        for token in ("", "wrong", TOKEN[:-1], f"ann={TOKEN}", TOKEN + "é"):
            header = {"Authorization": f"Bearer {token}".encode()}
            found = await door.admin.post("/admin/halt", json={"reason": "x"}, headers=header)
            assert (found.status_code, found.json()["code"]) == (401, "not_admin")
        for header in ({}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}):
            assert (await door.admin.get("/admin/acts", headers=header)).status_code == 401
        assert rig.service.desk.sequence == before
        assert await door.acts() == []

    office(tmp_path, scenario)


def test_tokens_come_from_the_environment_or_are_made() -> None:
    tokens, made = tokens_from({})
    assert len(made) >= 40
    assert tokens.operator_of(f"Bearer {made}") == "admin"
    assert tokens_from({})[1] != made
    tokens, made = tokens_from({VARIABLE: "a-plain-token-with="})
    assert (made, tokens.operator_of("bearer a-plain-token-with=")) == ("", "admin")
    tokens, _ = tokens_from({VARIABLE: "ann=aaaaaaaaaaaaaaaaaa, bob=bbbbbbbbbbbbbbbbbb"})
    assert [tokens.operator_of(f"Bearer {one * 18}") for one in "abc"] == ["ann", "bob", ""]
    for text in ("short", "ann=short", "=aaaaaaaaaaaaaaaaaa", "ann=aaaaaaaaaaaaaaaaaa,ann=bbbbbbbbbbbbbbbbbb"):
        with pytest.raises(BadInput) as caught:
            tokens_from({VARIABLE: text})
        assert text not in str(caught.value)


def test_a_market_is_halted_and_resumed_stage_by_stage(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        await rig.fund(MAKER, 100_000)
        columns = rig.service.columns
        done = await door.done("/halt", coin="BTC", reason="odd prices")
        assert done["commands"][0]["msg"] == "accepted"
        assert columns["market_status"][0] == command.HALTED
        assert "error" in await rig.order(MAKER, False, "50000", "1")
        found = await door.act("/resume", coin="BTC")
        assert (found.status_code, found.json()["engine_code"]) == (409, code.NOT_DUE)
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            for _ in range(7):
                rig.now += 9_000
                await rig.price(0, 50_000_000)
            await door.done("/resume", coin="BTC")
            assert columns["market_status"][0] == status
        found = await door.act("/resume", coin="BTC")
        assert (found.status_code, found.json()["code"]) == (400, "bad_request")
        assert "resting" in await rig.order(MAKER, False, "50000", "1")
        await door.done("/halt")
        assert (await door.public.get("/v1/status")).json()["status"] == "halted"
        acts = await door.acts()
        assert [act["what"] for act in acts] == ["halt", "resume", "resume", "resume", "resume", "halt"]
        assert [act["outcome"] for act in acts[-2:]] == [f"refused: {code.TEXT[code.NOT_DUE]}", "accepted"]
        first = acts[-1]
        assert (first["operator"], first["host"], first["reason"]) == ("ann", "203.0.113.9", "odd prices")
        assert (first["details"], first["commands"][0]["sequence"]) == (
            {"coin": "BTC"}, done["commands"][0]["sequence"],
        )  # fmt: skip

    office(tmp_path, scenario)


def test_a_guardian_tightens_and_never_loosens(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        await door.done("/guard", coin="BTC", status="cancel_only")
        found = await door.act("/guard", coin="BTC", status="reduce_only")
        assert found.json() == {"code": "refused", "msg": "a guardian may only tighten", "engine_code": 414}
        await door.done("/guard", status="halted", token="another-long-token")
        assert (await door.acts())[0]["operator"] == "bob"
        changes = (await door.public.get("/v1/changes")).json()["changes"]
        assert [(one["word"], one["by"], one["reason"]) for one in changes[:2]] == [
            ("halted", "guardian", "a test"),
            ("cancel_only", "guardian", "a test"),
        ]
        assert rig.service.desk.sequence > 0

    office(tmp_path, scenario)


def test_parameters_change_by_the_rules_of_the_engine(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        await door.done("/parameter", coin="BTC", name="leverage_cap", value=10, reason="a calm day is over")
        assert rig.service.columns["param"][0, parameter.LEVERAGE_CAP] == 10
        found = await door.act("/parameter", coin="BTC", name="leverage_cap", value=15)
        assert found.json()["engine_code"] == code.NOT_DUE
        later = rig.now + 2 * parameter.DAY_MS
        await door.done("/parameter", coin="BTC", name="leverage_cap", value=15, since=later)
        told = (await door.public.get("/v1/markets/BTC/parameters")).json()["parameters"]
        cap = next(one for one in told if one["name"] == "leverage_cap")
        assert (cap["value"], cap["pending"], cap["pending_from"]) == (10, 15, later)
        reasons = {one["reason"] for one in (await door.public.get("/v1/changes")).json()["changes"]}
        assert {"a calm day is over", "a test", None} == reasons
        for body, status, word in (
            ({"coin": "BTC", "name": "nothing", "value": 1}, 404, "unknown_name"),
            ({"coin": "DOGE", "name": "leverage_cap", "value": 1}, 404, "unknown_coin"),
            ({"name": "leverage_cap", "value": 1}, 404, "unknown_name"),
            ({"coin": "BTC", "name": "leverage_cap", "value": 0}, 409, "refused"),
            ({"coin": "BTC", "name": "leverage_cap", "value": 2**70}, 400, "bad_request"),
            ({"coin": "BTC", "name": "leverage_cap", "value": "1"}, 400, "bad_request"),
            ({"coin": "BTC", "name": "leverage_cap", "value": 1, "reason": ""}, 400, "bad_request"),
            ({"coin": "BTC", "name": "leverage_cap", "value": 1, "more": 1}, 400, "bad_request"),
        ):
            found = await door.act("/parameter", **body)
            assert (found.status_code, found.json()["code"]) == (status, word), body

    office(tmp_path, scenario)


def test_a_market_is_listed_as_the_configuration_lists_it(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        await door.done("/market", terms={"coin": "ETH", "price": 2_500.0, "tiers": [[0, 25], [1_000_000, 10]]})
        assert rig.service.universe.coin("ETH").number == 1
        told = (await door.public.get("/v1/markets/ETH")).json()
        assert (told["status"], told["max_leverage"], len(told["tiers"])) == ("closed", 25, 2)
        assert [source["weight"] for source in told["sources"]] == [1, 1, 1, 1]
        for terms in (
            {"coin": "ETH", "price": 1.0},
            {"coin": "XRP"},
            {"coin": "XRP", "price": 1.0, "x": 1},
            {"coin": "XRP", "price": 1.0},
            {"coin": "a name beyond 16 bytes", "price": 1.0},
        ):
            assert (await door.act("/market", terms=terms)).json()["code"] == "bad_request", terms

    office(tmp_path, scenario, (("BTC", 50_000.0), ("ETH", 2_500.0)))


def test_sources_are_paused_by_name_and_snapshots_kept(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        feeds = door.ops.admin.feeds
        assert isinstance(feeds, Feeds)
        feeds.start()
        await asyncio.sleep(0.1)
        told = (await door.public.get("/v1/feeds")).json()["feeds"]
        assert [(one["name"], one["is_running"]) for one in told] == [
            ("generator-1", True), ("generator-2", True), ("generator-3", True), ("generator-perp", True),
        ]  # fmt: skip
        assert all(one["coins"][0]["age_ms"] is not None for one in told)
        await door.done("/feed", name="generator-2", is_paused=True)
        heard = feeds.board.of_voice(feeds.voices[1])["BTC"].time
        rig.now += 5_000
        await asyncio.sleep(0.1)
        told = (await door.public.get("/v1/feeds")).json()["feeds"]
        assert [one["is_running"] for one in told] == [True, False, True, True]
        assert told[1]["problem"] == "paused by the operator"
        assert feeds.board.of_voice(feeds.voices[1])["BTC"].time == heard
        assert feeds.board.of_voice(feeds.voices[0])["BTC"].time == rig.now
        metrics = (await door.admin.get("/metrics")).text
        assert 'seawall_feed_ok{coin="BTC",source="generator-2"} 0.0' in metrics
        assert 'seawall_feed_age_seconds{coin="BTC",source="generator-2"} 5.0' in metrics
        await door.done("/feed", name="generator-2", is_paused=False)
        await asyncio.sleep(0.1)
        assert feeds.board.of_voice(feeds.voices[1])["BTC"].time == rig.now
        await feeds.stop()
        assert (await door.act("/feed", name="kraken", is_paused=True)).json()["code"] == "unknown_name"
        done = await door.done("/snapshot")
        assert done["outcome"] == f"snapshot-{rig.service.desk.sequence:020d}.snap"
        assert (await door.acts())[1]["outcome"] == "not done: ApiError"

    office(tmp_path, scenario, (("BTC", 50_000.0),))


def test_metrics_tell_what_the_venue_does(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        await rig.fund(MAKER, 1_000_000)
        await rig.fund(TAKER, 10_000)
        await rig.order(MAKER, False, "50000", "1.5")
        await rig.order(TAKER, True, "50000", "1.5")
        await rig.order(TAKER, True, "50000", "99")
        await rig.move(0, 44_000_000)
        text = (await door.admin.get("/metrics")).text
        found = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["seawall_up",] == found["seawall_conserved",] == 1
        assert found["seawall_commands_total", "0", "place"] == 2
        assert found["seawall_commands_total", "300", "place"] == 1
        assert found["seawall_fills_total", "BTC", "order"] == 1
        assert found["seawall_volume_usd_total", "BTC"] > 75_000, "what was liquidated is traded as well"
        assert found["seawall_price_usd", "BTC", "mark"] == 44_000
        assert found["seawall_vault_usd",] == 1_010_000
        assert found["seawall_liquidation_steps_total", "", "started"] == 1
        assert found["seawall_sequence",] == found["seawall_durable_sequence",] == rig.service.desk.sequence
        assert found["seawall_sync_seconds_count",] > 5
        assert found["seawall_index_fresh", "BTC"] == 1
        rig.service.columns["bucket_raw"][0] += 1
        door.ops.metrics._checked = (-100.0, 1.0)
        assert "seawall_conserved 0.0" in (await door.admin.get("/metrics")).text
        found = await door.admin.get("/readyz")
        assert (found.status_code, found.json()["problems"]) == (503, ["money does not add up to the vault"])
        rig.service.columns["bucket_raw"][0] -= 1

    office(tmp_path, scenario)


def test_probes_tell_a_stop_and_a_failed_disk(tmp_path: Path) -> None:
    async def scenario(rig: Rig, door: Office) -> None:
        for path in ("/healthz", "/readyz"):
            assert (await door.admin.get(path)).json() == {"is_well": True, "problems": []}
        await rig.service.history.flush()  # the pen at rest: what it is writing when a fault appears is dropped
        pen: Any = rig.service.history._pen
        pen.added += 10**6
        (problem,) = (await door.admin.get("/readyz")).json()["problems"]
        assert re.fullmatch(r"history is 10000\d\d records behind", problem)
        pen.fault = "the disk is full"
        assert (await door.admin.get("/readyz")).json()["problems"] == ["history has stopped"]
        assert (await door.public.get("/v1/changes")).json()["code"] == "history"
        pen.added, pen.fault = pen.added - 10**6, None
        door.ops.closing()
        assert (await door.admin.get("/healthz")).status_code == 200
        assert "the venue is stopping" in (await door.admin.get("/readyz")).json()["problems"]
        rig.service.desk.failed = OSError("no space")
        assert (await door.admin.get("/healthz")).status_code == 503
        assert (await door.act("/halt")).json()["code"] == "stopped"
        assert (await door.acts())[0]["outcome"] == "not done: StoppedError"
        rig.service.desk.failed = None

    office(tmp_path, scenario)


def test_the_dashboard_asks_only_for_metrics_that_are_there(tmp_path: Path) -> None:
    async def scenario(_: Rig, door: Office) -> None:
        none: collections.Counter[str] = collections.Counter()
        counted = dict.fromkeys(("opened", "errors", "faults", "frames", "bytes", "dropped", "resynced"), 0)
        counters = SimpleNamespace(**counted, refused=none, cut=none)
        door.ops.watch_sockets(SimpleNamespace(counters=counters, readers={}, topics={}))
        text = (await door.admin.get("/metrics")).text
        names = {family.name for family in text_string_to_metric_families(text)}
        names |= {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
        names |= {f"{name}_total" for name in names}
        board = (await door.admin.get("/grafana.json")).json()
        asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
        wanted = set(re.findall(r"\b(?:seawall|process)_\w+", " ".join(asked)))
        assert len(wanted) > 25
        assert wanted - names == set()

    office(tmp_path, scenario, (("BTC", 50_000.0),))
