"""Alerts: signed requests, rules with hysteresis, messages that survive a restart, targets that stay secret."""

import asyncio
import http.server
import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from seawall.signing import Key, signature_fields, typed_digest
from seawall.terms import command
from seawall.units import BadInput
from seawall.venue import config
from seawall.venue.names import address_of, address_text
from seawall.venue.ops.alerts.book import Book, Message, key_of
from seawall.venue.ops.alerts.courier import Courier
from seawall.venue.ops.alerts.office import own_alerts
from seawall.venue.ops.alerts.rules import Found
from seawall.venue.ops.alerts.shapes import MarginRatio, Wanted
from seawall.venue.ops.alerts.signed import FIELDS, PRIMARY, domain_of
from seawall.venue.ops.alerts.targets import check_target, is_public
from seawall.venue.ops.alerts.watcher import _compare, _messages
from seawall.venue.ops.logs import start_logs
from seawall.venue.ops.operations import Operations
from seawall.venue.ops.store import Store
from seawall.venue.ops.tokens import VARIABLE
from venue_rig import Rig, key, run

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # one of Apprise's plug-ins
pytest.importorskip("apprise", reason="needs the extra `alerts`")

MAKER, TAKER, OTHER = key(1), key(2), key(3)
SECRET = "s3cr3t-pass"
LOCAL = config.Alerts(schemes=("json", "discord"), private_hosts=True, seconds=0.05, targets=2, accounts=2)


class Inbox:
    """A local HTTP server that takes what json:// sends; `refuses` so many of them first."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses = 0
        self.tries = 0
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.tries += 1
                is_refused = inbox.tries <= inbox.refuses
                if not is_refused:
                    inbox.got.append(json.loads(body))
                self.send_response(500 if is_refused else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def target(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    async def until(self, count: int) -> list[str]:
        """The bodies of the first `count` messages, once they are there and for a while after that."""
        end = time.monotonic() + 10
        while len(self.got) < count and time.monotonic() < end:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.15)
        assert len(self.got) == count, self.got
        return [str(one["message"]) for one in self.got]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.close()


class Desk:
    """Operations with alerts that run, and the public port."""

    def __init__(self, rig: Rig, environment: dict[str, str] | None = None) -> None:
        self.rig = rig
        self.ops = Operations(rig.service, {VARIABLE: "a-token-of-the-admin", **(environment or {})})
        self.ops.alerts.courier = self.courier = Courier(self.ops.alerts.book, tries=3, first_wait_ms=20)
        self.ops.alerts.watcher.told = self.courier.wake
        app = FastAPI()
        self.ops.mount(app)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://venue")
        self.nonce = rig.now

    async def ask(
        self, signer: Key, action: str, payload: str = "", changed: dict[str, Any] | None = None, **asked: Any
    ) -> httpx.Response:
        """Signs and sends a request; `changed` are fields that are not as they were signed."""
        self.nonce = max(self.nonce + 1, asked.get("nonce", 0))
        account = asked.get("account", address_text(signer.address))
        message = {"network": "testnet", "account": address_of(account, "account"), "action": action}
        message |= {"payload": payload, "nonce": self.nonce}
        signature = signature_fields(signer.sign(typed_digest(domain_of(421_614), PRIMARY, FIELDS, message)))
        body = {**message, "account": account, "chain_id": 421_614, "signature": signature, **(changed or {})}
        return await self.client.post("/v1/alerts", json=body)

    async def set(self, signer: Key, target: str, *rules: dict[str, Any], name: str = "phone") -> dict[str, Any]:
        payload = json.dumps({"name": name, "target": target, "rules": rules})
        found = await self.ask(signer, "set", payload)
        assert found.status_code == 200, found.text
        assert SECRET not in found.text
        return dict(found.json())


def alerting(tmp_path: Path, scenario: Any, terms: config.Alerts = LOCAL, **more: Any) -> None:
    async def play(rig: Rig) -> None:
        desk = Desk(rig, more.get("environment"))
        await desk.ops.start()
        try:
            await rig.list_market()
            await rig.fund(MAKER, 1_000_000)
            await rig.fund(TAKER, 10_000)
            await scenario(rig, desk)
        finally:
            await desk.ops.stop()

    run(tmp_path, play, alerts=terms, alert=more.get("alert", ()))


async def long_of_taker(rig: Rig) -> None:
    await rig.order(MAKER, False, "50000", "1.5")
    assert "filled" in await rig.order(TAKER, True, "50000", "1.5")


def test_a_crossing_is_told_once_until_it_has_come_back(tmp_path: Path, inbox: Inbox) -> None:
    async def scenario(rig: Rig, desk: Desk) -> None:
        await long_of_taker(rig)
        told = await desk.set(TAKER, inbox.target, {"kind": "margin_call"}, {"kind": "margin_ratio", "above": "0.6"})
        assert told["alerts"][0]["target"] == "json"
        await rig.move(0, 45_500_000)  # equity 3,250; initial 3,412.5
        (first,) = await inbox.until(1)
        assert first.startswith("cross: equity of 3250.0 USD is below initial margin of 3412.5 USD")
        for price in (45_550_000, 45_700_000, 45_600_000, 45_550_000):  # trembles around initial margin
            await rig.price(0, price)
            await asyncio.sleep(0.1)
        await inbox.until(1)
        await rig.move(0, 48_000_000)
        await asyncio.sleep(0.2)
        await rig.move(0, 45_500_000)
        assert (await inbox.until(2))[1] == first
        await rig.move(0, 44_800_000)  # equity 2,200; maintenance 1,680
        assert "margin ratio of 76.36 % is above 60.00 %" in (await inbox.until(3))[2]
        listed = (await desk.ask(TAKER, "list")).json()["alerts"][0]
        assert (listed["fired"], listed["waiting"]) == (2, 0)

    alerting(tmp_path, scenario)


def test_every_kind_of_rule_speaks(tmp_path: Path, inbox: Inbox) -> None:
    async def scenario(rig: Rig, desk: Desk) -> None:
        await long_of_taker(rig)
        rules = [
            {"kind": "liquidation_distance", "below": "0.05", "coin": "BTC"},
            {"kind": "funding_payment", "above": "0.5"},
            {"kind": "funding_rate", "above": "0.00001"},
            {"kind": "status"},
            {"kind": "breaker", "coin": "BTC"},
            {"kind": "insurance", "below": "5"},
            {"kind": "liquidation"},
        ]
        await desk.set(TAKER, inbox.target, *rules)
        await inbox.until(1)
        await rig.rows({"kind": command.GUARD, "signer": command.GUARDIAN, "flags": command.REDUCING})
        await inbox.until(2)
        propose = {"kind": command.PROPOSE, "signer": command.RISK, "other": 9, "price": 1, "reference": 1, "amount": 3}
        assert await rig.rows({**propose, "expires": rig.now + 60_000}) == [0]
        await inbox.until(3)
        hour = rig.now + 3_600_000 - rig.now % 3_600_000
        while rig.now <= hour:  # the hour's funding, at the interest rate alone
            rig.now += 50_000
            await rig.price(0, 50_000_000)
            await rig.rows({"kind": command.FUNDING, "signer": command.SEQUENCER, "market": 0})
        await rig.fund(TAKER, 1)
        await asyncio.sleep(0.3)
        funded = "\n".join(str(one["message"]) for one in inbox.got[3:])
        assert "an hour, longs pay" in funded
        before = len(inbox.got)
        await rig.move(0, 46_000_000)
        near = (await inbox.until(before + 1))[-1]
        assert near.startswith("cross BTC: the mark of 46")
        await rig.move(0, 44_000_000)
        await asyncio.sleep(0.3)
        said = "\n".join(str(one["message"]) for one in inbox.got)
        for words in (
            "BTC: the insurance fund of 0.0 USD is below 5.0 USD",
            "BTC: status reduce_only",
            "BTC: breaker soft",
            "USD of funding paid",
            "liquidation began: equity of",
        ):
            assert words in said, words

    alerting(tmp_path, scenario)


def test_what_could_not_be_sent_is_sent_later_and_after_a_restart(tmp_path: Path, inbox: Inbox) -> None:
    inbox.refuses = 2

    async def first(rig: Rig, desk: Desk) -> None:
        await long_of_taker(rig)
        await desk.set(TAKER, inbox.target, {"kind": "margin_ratio", "above": "0.1"})
        await inbox.until(1)
        assert inbox.tries == 3
        inbox.refuses = 10**6
        await desk.set(TAKER, inbox.target, {"kind": "margin_ratio", "above": "0.11"})
        while inbox.tries < 4:
            await asyncio.sleep(0.01)

    alerting(tmp_path, first)
    store = Store(tmp_path)
    book = Book(store, [], 1, 1)
    ((account, (alert,)),) = book.of_account.items()
    assert (account, book.waiting(alert.id), book.fired) == (1, 1, {key_of(alert.id, 0, "cross")})
    assert SECRET not in repr(alert)
    inbox.refuses = 0

    async def send() -> None:
        courier = Courier(book, tries=3, first_wait_ms=20)
        task = asyncio.create_task(courier.run())
        await inbox.until(2)
        task.cancel()
        assert book.waiting(alert.id) == 0

    asyncio.run(send())
    store.close()


def test_a_message_is_given_up_after_its_tries(tmp_path: Path, inbox: Inbox) -> None:
    inbox.refuses = 10**6

    async def scenario(rig: Rig, desk: Desk) -> None:
        await long_of_taker(rig)
        await desk.set(TAKER, inbox.target, {"kind": "margin_ratio", "above": "0.1"})
        end = time.monotonic() + 10
        while desk.courier.given_up == 0 and time.monotonic() < end:
            await asyncio.sleep(0.02)
        assert (inbox.tries, desk.courier.given_up) == (3, 1)
        assert desk.ops.alerts.book.waiting(1) == 0

    alerting(tmp_path, scenario)


def test_nobody_but_the_owner_changes_alerts(tmp_path: Path, inbox: Inbox) -> None:
    async def scenario(rig: Rig, desk: Desk) -> None:
        payload = json.dumps({"name": "p", "target": inbox.target, "rules": [{"kind": "liquidation"}]})
        mine = address_text(TAKER.address)
        found = await desk.ask(MAKER, "set", payload, account=mine)
        assert found.json()["code"] == "bad_signature"
        for signer, changed, word in (
            (MAKER, {"account": mine}, "bad_signature"),
            (TAKER, {"payload": payload.replace("p", "q", 1)}, "bad_signature"),
            (TAKER, {"network": "mainnet"}, "bad_signature"),
            (TAKER, {"chain_id": 1}, "bad_signature"),
            (TAKER, {"signature": {"r": "0x1", "s": "0x1", "v": 27}}, "bad_signature"),
            (TAKER, {"signature": {"r": 1}}, "bad_signature"),
            (OTHER, {}, "unknown_account"),
            (TAKER, {"action": "set "}, "bad_request"),
            (TAKER, {"more": 1}, "bad_request"),
        ):
            found = await desk.ask(signer, "set", payload, changed)
            assert found.json()["code"] == word, (changed, found.text)
            assert SECRET not in found.text
        assert desk.ops.alerts.book.of_account == {}
        found = await desk.ask(TAKER, "set", payload)
        assert found.status_code == 200
        body = json.loads(found.request.content)
        again = await desk.client.post("/v1/alerts", json=body)
        assert again.json() == {"code": "bad_signature", "msg": "the nonce was used"}
        for nonce in (rig.now - 3 * 86_400_000, rig.now + 2 * 86_400_000):
            desk.nonce = 0
            found = await desk.ask(TAKER, "list", nonce=nonce)
            assert found.json()["code"] == "bad_signature"
        agent = {"type": "approveAgent", "agentAddress": address_text(key(9).address), "agentName": "bot"}
        assert (await rig.act(TAKER, agent))["status"] == "ok"
        desk.nonce = rig.now + 100
        assert (await desk.ask(key(9), "list", account=mine)).json()["code"] == "bad_signature"

    alerting(tmp_path, scenario)


def test_bounds_names_and_tests(tmp_path: Path, inbox: Inbox) -> None:
    async def scenario(rig: Rig, desk: Desk) -> None:
        rule = {"kind": "liquidation"}
        for name in ("a", "b"):
            await desk.set(TAKER, inbox.target, rule, name=name)
        payload = json.dumps({"name": "c", "target": inbox.target, "rules": [rule]})
        assert (await desk.ask(TAKER, "set", payload)).json()["code"] == "bad_request"
        told = await desk.set(TAKER, inbox.target, {"kind": "status"}, name="b")
        assert [(one["name"], one["rules"][0]["kind"]) for one in told["alerts"]] == [
            ("a", "liquidation"),
            ("b", "status"),
        ]
        assert (await desk.ask(TAKER, "test", "b")).status_code == 200
        assert await inbox.until(1) == ["The alert 'b' reaches you."]
        assert (await desk.ask(TAKER, "test", "b")).json()["code"] == "rate_limited"
        assert (await desk.ask(TAKER, "remove", "z")).json()["code"] == "unknown_name"
        assert [one["name"] for one in (await desk.ask(TAKER, "remove", "a")).json()["alerts"]] == ["b"]
        await desk.set(MAKER, inbox.target, rule)
        await rig.fund(OTHER, 1)
        assert (await desk.ask(OTHER, "set", payload)).json()["code"] == "off"
        for wrong in (
            {"name": "x", "target": "discord://a", "rules": [rule]},
            {"name": "x", "target": "syslog://", "rules": [rule]},
            {"name": "x", "target": f"nothing {SECRET}", "rules": [rule]},
            {"name": "x", "target": inbox.target, "rules": []},
            {"name": "", "target": inbox.target, "rules": [rule]},
            {"name": "x", "target": inbox.target, "rules": [{"kind": "bad_debt", "above": "1"}]},
            {"name": "x", "target": inbox.target, "rules": [{"kind": "margin_ratio", "above": "-1"}]},
            {"name": "x", "target": inbox.target, "rules": [{"kind": "margin_ratio", "above": 1}]},
        ):
            found = await desk.ask(MAKER, "set", json.dumps(wrong))
            assert found.json()["code"] == "bad_request", (wrong, found.text)
            assert SECRET not in found.text
        unknown = {"name": "x", "target": inbox.target, "rules": [{"kind": "breaker", "coin": "DOGE"}]}
        assert (await desk.ask(MAKER, "set", json.dumps(unknown))).json()["code"] == "unknown_coin"

    alerting(tmp_path, scenario)


def test_the_operators_own_alerts_come_from_the_configuration(tmp_path: Path, inbox: Inbox) -> None:
    own = (
        config.VenueAlert(target="env:HOOK", kind="liquidation"),
        config.VenueAlert(target="env:HOOK", kind="insurance", threshold="1000"),
        config.VenueAlert(target="env:HOOK", kind="breaker", coin="BTC"),
    )

    async def scenario(rig: Rig, _: Desk) -> None:
        await long_of_taker(rig)
        assert (await inbox.until(1)) == ["BTC: the insurance fund of 0.0 USD is below 1000.0 USD"]
        await rig.move(0, 44_000_000)
        assert (await inbox.until(2))[1].startswith(f"{address_text(TAKER.address)}: liquidation began")

    alerting(tmp_path, scenario, alert=own, environment={"HOOK": inbox.target})
    with pytest.raises(BadInput) as caught:
        own_alerts(own, {"HOOK": f"no url {SECRET}"})
    assert SECRET not in str(caught.value)
    with pytest.raises(BadInput, match="alert"):
        own_alerts([config.VenueAlert(target="json://x", kind="bad_debt", threshold="much")], {})


def test_targets_do_not_lead_into_the_operators_network() -> None:
    for host, public in (
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("localhost", False),
        ("8.8.8.8", True),
        ("no.such.host.invalid", False),
    ):
        assert is_public(host) == public, host
    check_target("discord://webhook_id/webhook_token", ("discord",), private_hosts=False)
    check_target("json://8.8.8.8/hook", ("json",), private_hosts=False)
    for target in ("json://localhost/hook", "json://127.0.0.1", "json://[::1]/", "json://169.254.169.254/latest"):
        with pytest.raises(BadInput, match="not public"):
            check_target(target, ("json",), private_hosts=False)
        check_target(target, ("json",), private_hosts=True)
    with pytest.raises(BadInput, match="not public"):
        check_target("mailto://a:b@gmail.com?smtp=127.0.0.1", ("mailto",), private_hosts=False)
    for target in ("dbus://", "https://discord.com/api/webhooks/1/2", "json:/x", "JSON://x", "json://x y"):
        with pytest.raises(BadInput):
            check_target(target, ("discord", "json"), private_hosts=True)


def test_secrets_reach_no_log(tmp_path: Path, inbox: Inbox) -> None:
    inbox.refuses = 10**6
    stream = io.StringIO()
    kept = logging.getLogger().handlers[:]
    start_logs(config.Logs(level="debug"), stream)

    async def scenario(rig: Rig, desk: Desk) -> None:
        await long_of_taker(rig)
        await desk.set(TAKER, inbox.target, {"kind": "margin_ratio", "above": "0.1"})
        end = time.monotonic() + 10
        while desk.courier.given_up == 0 and time.monotonic() < end:
            await asyncio.sleep(0.02)
        logging.getLogger("any").error("failed for %s", inbox.target)

    try:
        alerting(tmp_path, scenario)
    finally:
        logging.getLogger().handlers[:] = kept
    text = stream.getvalue()
    assert "given up" in text
    assert SECRET not in text
    assert all(json.loads(line)["level"] for line in text.splitlines())


def test_a_subject_that_is_gone_has_come_back_and_long_messages_are_cut() -> None:
    wanted = msgspec.json.decode(
        b'{"name":"a","target":"json://x","rules":[{"kind":"margin_ratio","above":"0.5"}]}', type=Wanted
    )
    assert isinstance(wanted.rules[0], MarginRatio)
    from seawall.venue.ops.alerts.book import Alert

    alert = Alert(id=7, account=1, name="a", target="json://x", rules=wanted.rules)
    new: list[str] = []
    back: list[str] = []
    lines: list[tuple[int, str]] = []
    found = [Found("cross", False, False, "s"), Found("isolated BTC", True, False, "t")]
    _compare(alert, 0, found, {"7/0/cross", "7/0/isolated ETH", "7/1/cross"}, new, back, lines)
    assert (new, back, lines) == (["7/0/isolated BTC"], ["7/0/isolated ETH"], [(7, "t")])
    ((_, title, body),) = _messages([(7, f"line {number}") for number in range(30)])
    assert (title, body.splitlines()[-1], len(body.splitlines())) == ("Seawall: 30 alerts", "and 10 more", 21)
    assert "json" not in repr(Message(id=1, alert=7, title="t", body="b", tries=0, due=0))
