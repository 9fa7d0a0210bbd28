"""`/v1` on a real venue: its figures against the engine's own, and what it says of orders, shocks and liquidations."""

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from seawall.engine.venue import Venue
from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.margin import health as core
from seawall.simulation.options import draw
from seawall.simulation.world import World
from seawall.terms import command, parameter
from seawall.terms.parameter import MARKET
from seawall.terms.venue_parameter import VENUE
from seawall.venue.batch import Batch
from seawall.venue.mirror import Kept, Mirror
from seawall.venue.names import address_text
from seawall.venue.rest.account_shapes import AccountView, PositionsView, RanksView
from seawall.venue.rest.errors import CODES
from seawall.venue.rest.ledger import LedgerView
from seawall.venue.rest.receipt_shapes import LiquidationsView
from seawall.venue.rest.routes import SHAPES
from seawall.venue.rest.surface import SurfaceView
from seawall.venue.rest.terms import account_by_rule, account_of, buckets_of
from seawall.venue.views.figures import Reader
from venue_door import MAKER, OTHER, TAKER, Door, micro, opened, path_of
from venue_rig import START, USD, Rig, key, run

COMMANDS = 3_000 if INTERPRETED else 20_000


@pytest.mark.parametrize(("seed", "number"), [(3, 0), (5, 4), (8, 11)])
def test_every_bucket_of_a_random_world_is_measured_as_the_engine_does(seed: int, number: int) -> None:
    world, venue = World(draw(seed, number)), Venue()
    mirror = Mirror(venue.capacity.accounts, venue.capacity.markets)
    mirror.load(venue.columns, Kept())
    reader, seen, portfolios = Reader(venue.array), 0, 0
    while world.commands < COMMANDS:
        world.apply(world.batch())
    for turn, rows in enumerate(world.log):
        first, now = int(venue.columns["cell"][state.SEQUENCE]) + 1, int(venue.columns["cell"][state.NOW])
        done = venue.apply(rows)
        mirror.see(Batch(first, now, rows, done.codes, done.made, done.events))
        if turn % 2:
            continue
        for account in range(len(mirror.people.persons)):
            terms = account_of(venue.columns, mirror.universe, account)
            told_of = {figures.bucket: figures for figures in reader.account(account)}
            for bucket, named in zip(buckets_of(venue.columns, account), terms.buckets, strict=True):
                told = told_of[bucket]
                if told.is_portfolio:
                    by_grid = account_by_rule(venue.columns, mirror.universe, account)
                    found = by_grid.health(by_grid.bucket(named.name))
                    portfolios += 1
                else:
                    found = core.health(named.bucket, terms.conditions)
                figures = (found.equity, found.equity_initial, found.maintenance, found.initial, found.reserved)
                assert figures == (
                    told.equity, told.equity_initial, told.maintenance, told.initial, told.reserved,
                )  # fmt: skip
                assert (found.notional, found.profit) == (told.notional, told.profit)
                assert told.leaving <= core.withdrawable(found, terms.policy)
                seen += bool(named.bucket.positions)
    assert seen > 50 or INTERPRETED, "uncompiled worlds are short"
    assert portfolios > 0 or number == 0 or INTERPRETED, "nobody was in portfolio margin"


def test_an_account_says_what_it_owes_and_may_do(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        view = await door.get(path_of(TAKER), AccountView)
        cross = view.buckets[0]
        notional = 75_000 * USD
        reserved = 25_000 * USD // 20
        assert micro(cross.notional) == notional
        assert micro(cross.maintenance) == notional // 40
        assert micro(cross.liquidation_end) == notional // 40 * 102 // 100
        assert micro(cross.reserved) == reserved
        assert micro(cross.initial) == micro(cross.used) == notional // 20 + reserved
        assert micro(cross.floor) == notional // 10 + reserved
        assert micro(cross.equity) == 10_000 * USD
        assert micro(cross.free) == 10_000 * USD - notional // 20 - reserved
        assert micro(cross.withdrawable) == 10_000 * USD - notional // 10 - reserved
        assert Fraction(cross.margin_ratio) == Fraction(notional // 40, 10_000 * USD)
        assert (view.equity, view.free, view.withdrawable) == (cross.equity, cross.free, cross.withdrawable)
        assert (view.level, view.withdrawals.are_open, view.withdrawals.pending) == ("free", True, "0.0")
        await rig.move(0, 46_000_000)
        view = await door.get(path_of(TAKER), AccountView)
        assert view.level == "below_initial"
        assert micro(view.free) < 0
        assert view.withdrawable == "0.0"

    run(tmp_path, scenario)


def test_a_liquidation_price_is_where_the_engine_liquidates(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        (position,) = (await door.get(path_of(TAKER, "/positions"), PositionsView)).positions
        assert (position.side, position.size, position.mark, position.entry_price) == (
            "long", "1.5", "50000.0", "50000.0",
        )  # fmt: skip
        price = Fraction(position.liquidation_price_exact)
        assert price == Fraction(75_000 - 10_000) / (Fraction(3, 2) * (1 - Fraction(1, 40)))
        assert abs(Fraction(position.liquidation_price) - price) < Fraction(1, 10**11)
        assert Fraction(position.distance) == pytest.approx(price / 50_000 - 1)
        surface = await door.get(path_of(TAKER, "/surface"), SurfaceView, direction="BTC=-0.5")
        by_name = {point.direction: point for point in surface.points}
        assert by_name["BTC down"].prices == {"BTC": position.liquidation_price}
        assert Fraction(by_name["BTC=-0.5"].scale) == pytest.approx(2 * (1 - price / 50_000))
        assert by_name["BTC up"].scale is None
        above = -(-price.numerator * 1_000 // price.denominator)  # micro-USD per lot
        await rig.rows({"kind": command.CANCEL_ALL, "signer": 1, "account": 1, "market": -1, "nonce": START + 9})
        await rig.move(0, above)
        assert not rig.service.columns["bucket_liquidating"][1]
        await rig.price(0, above - 1)
        told = await door.get(path_of(TAKER, "/liquidations"), LiquidationsView)
        assert len(told.receipts) == 1

    run(tmp_path, scenario)


def test_a_receipt_tells_a_liquidation_to_the_unit(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        door = Door(rig)
        await opened(rig)
        await rig.fund(key(7), 500_000)
        await rig.order(key(7), True, "40500", "5")
        assert (await door.get(path_of(TAKER, "/liquidations"), LiquidationsView)).receipts == ()
        await rig.move(0, 44_000_000)
        told = await door.get(path_of(TAKER, "/liquidations"), LiquidationsView)
        (receipt,) = told.receipts
        what = [step.what for step in receipt.steps]
        assert what[:2] == ["started", "cancelled"]
        assert what[-1] == "ended"
        assert micro(receipt.equity) < micro(receipt.maintenance)
        (position,) = receipt.positions
        assert (position.coin, position.size, position.entry_notional) == ("BTC", "1.5", "75000.0")
        assert micro(position.value) == 15 * int(Fraction(position.mark) * 10**5)
        closed = [step for step in receipt.steps if step.value is not None]
        assert sum(micro(step.value) for step in closed) == micro(receipt.closed_notional)
        assert sum(micro(step.fee or "0") for step in closed) == micro(receipt.fees)
        for step in receipt.steps:
            assert step.reason in step.text
        assert "equity at the mark fell below maintenance" in receipt.steps[0].text
        events = await door.get("/events")
        assert {"liquidation", "listing", "policy"} <= {one["kind"] for one in events["events"]}
        assert address_text(TAKER.address) in {one["address"] for one in events["events"]}

    run(tmp_path, scenario)


def test_what_if_is_what_then_happens(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        order = {"coin": "BTC", "side": "buy", "size": "0.5", "price": "50100"}
        seen = await door.what_if(OTHER, order=order)
        assert (seen.is_accepted, seen.reasons[0][:5]) == (False, "cross")
        seen = await door.what_if(OTHER, deposit="500", order=order)
        assert (seen.is_accepted, seen.reasons) == (True, ())
        await rig.fund(OTHER, 500)
        await rig.order(MAKER, False, "50100", "0.5")
        assert "filled" in await rig.order(OTHER, True, "50100", "0.5", tif="Ioc")
        now = await door.get(path_of(OTHER), AccountView)
        assert seen.after.buckets == now.buckets
        held = await door.get(path_of(OTHER, "/positions"), PositionsView)
        assert seen.after.positions == held.positions
        fallen = await door.what_if(OTHER, moves={"BTC": "-0.02"})
        assert (fallen.is_accepted, fallen.after.positions[0].mark) == (None, "49000.0")
        await rig.move(0, 49_000_000)
        now = await door.get(path_of(OTHER), AccountView)
        assert fallen.after.buckets[0].equity == now.buckets[0].equity
        assert fallen.after.buckets[0].maintenance == now.buckets[0].maintenance

    run(tmp_path, scenario)


def test_what_if_of_leverage_and_mode(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        await rig.rows({"kind": command.CANCEL_ALL, "signer": 1, "account": 1, "market": -1, "nonce": START + 9})
        seen = await door.what_if(TAKER, leverage={"coin": "BTC", "leverage": 5})
        assert seen.is_accepted is False
        assert await rig.rows(
            {"kind": command.SET_LEVERAGE, "signer": 1, "account": 1, "size": 5, "nonce": START + 10}
        ) == [300]
        seen = await door.what_if(TAKER, leverage={"coin": "BTC", "leverage": 10})
        assert seen.is_accepted is True
        row = {"kind": command.SET_LEVERAGE, "signer": 1, "account": 1, "size": 10, "nonce": START + 11}
        assert await rig.rows(row) == [0]
        now = await door.get(path_of(TAKER), AccountView)
        assert seen.after.buckets == now.buckets
        for margin, code in (("7000", 300), ("8000", 0)):
            asked = {"coin": "BTC", "margin_mode": "isolated", "margin": margin}
            seen = await door.what_if(TAKER, margin_mode=asked)
            row = {"kind": command.MOVE_POSITION, "signer": 1, "account": 1, "flags": command.ISOLATED}
            row |= {"amount": int(margin) * USD, "nonce": START + 12 + code}
            assert await rig.rows(row) == [code]
            assert seen.is_accepted == (code == 0)
        now = await door.get(path_of(TAKER), AccountView)
        assert seen.after.buckets == now.buckets
        assert [bucket.bucket for bucket in now.buckets] == ["cross", "isolated BTC"]
        seen = await door.what_if(TAKER, margin_mode={"coin": "BTC", "margin_mode": "cross"})
        assert [bucket.bucket for bucket in seen.after.buckets] == ["cross"]
        assert seen.after.buckets[0].equity == "10000.0"

    run(tmp_path, scenario)


def test_ranks_name_the_first_to_be_closed(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        await rig.price(0, 49_000_000)
        (mine,) = (await door.get(path_of(MAKER, "/ranks"), RanksView)).ranks
        assert (mine.side, mine.in_profit, mine.light) == ("short", True, 4)
        (theirs,) = (await door.get(path_of(TAKER, "/ranks"), RanksView)).ranks
        assert (theirs.side, theirs.in_profit) == ("long", False)
        assert [(one.place, one.of) for one in (mine, theirs)] == [(1, 1), (1, 1)]

    run(tmp_path, scenario)


def test_markets_parameters_and_their_history(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        (market,) = (await door.get("/markets"))["markets"]
        assert market == await door.get("/markets/BTC")
        assert (market["status"], market["mark"], market["open_interest"]) == ("active", "50000.0", "1.5")
        assert (market["open_interest_usd"], market["max_leverage"]) == ("75000.0", 20)
        assert market["leverage_limit"] == "tier"
        assert market["tiers"] == [{"lower": "0.0", "max_leverage": 20, "maintenance": "0.025"}]
        await rig.rows(
            {"kind": command.GUARD, "signer": command.GUARDIAN, "flags": command.REDUCING},
            {
                "kind": command.SET_PARAMETER,
                "signer": command.ADMIN,
                "other": parameter.LEVERAGE_CAP,
                "price": 10,
            },
        )
        now = await door.get("/markets/BTC")
        assert (now["status"], now["max_leverage"], now["leverage_limit"]) == ("reduce_only", 10, "cap")
        told = {one["name"]: one for one in (await door.get("/markets/BTC/parameters"))["parameters"]}
        assert sorted(told) == sorted(spec.name for spec in MARKET.values())
        cap = told["leverage_cap"]
        assert (cap["value"], cap["static"], cap["default"], cap["low"], cap["step_up"]) == (10, 10, 1000, 1, 5)
        venue = {one["name"] for one in (await door.get("/parameters"))["parameters"]}
        assert venue == {spec.name for spec in VENUE.values()}
        changes = (await door.get("/changes", coin="BTC"))["changes"]
        assert [(one["name"], one["value"], one["by"]) for one in changes[:3]] == [
            ("leverage_cap", 10, "admin"),
            ("leverage_cap", 10, "admin"),
            ("status", command.REDUCING, "guardian"),
        ]
        assert changes[2]["word"] == "reduce_only"
        funds = await door.get("/funds")
        assert funds["vault"] == "1011000.0"
        assert funds["funds"][0]["insurance"] == "0.0"
        status = await door.get("/status")
        assert (status["status"], status["markets"], status["accounts"], status["orders"]) == ("active", 1, 3, 1)
        assert status["has_faucet"] is False  # the rig's configuration has none

    run(tmp_path, scenario)


def test_a_ledger_reconciles_with_the_columns(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        await rig.rows({"kind": command.CANCEL_ALL, "signer": 1, "account": 1, "market": -1, "nonce": START + 9})
        await rig.price(0, 50_100_000)
        await rig.order(MAKER, True, "50100", "0.5")
        assert "filled" in await rig.order(TAKER, False, "50100", "0.5")
        door = Door(rig)
        told = await door.get(path_of(TAKER, "/ledger"), LedgerView)
        columns = rig.service.columns
        cash = columns["bucket_raw"][1] + columns["slot_entry"][columns["bucket_first"][1]]
        assert micro(told.tail.closing_cash) == cash == 10_050 * USD
        assert told.head.opening_cash == "0.0"
        assert [line.kind for line in told.lines] == ["deposit", "trade", "trade"]
        assert sum(micro(line.amount) for line in told.lines) == cash
        assert (told.tail.summary["realised_pnl"], told.tail.summary["transfers"]) == ("50.0", "10000.0")
        found = await door.client.get(f"/v1{path_of(TAKER, '/ledger')}", params={"format": "csv"})
        assert found.headers["content-type"].startswith("text/csv")
        rows = found.text.splitlines()
        assert rows[0].startswith("time,sequence,kind,coin,side,size,price,realised_pnl,fee,amount,cash")
        assert (rows[1].split(",")[2], rows[-1].split(",")[2], len(rows)) == ("opening", "closing", 16)
        await door.refused(path_of(TAKER, "/ledger"), "bad_request", start=5, end=5)
        await door.refused(path_of(TAKER, "/ledger"), "bad_request", format="xls")

    run(tmp_path, scenario)


def test_proofs_are_those_of_the_journal(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        assert (await door.get("/proofs"))["snapshots"] == []
        await rig.service.desk.snapshot(rig.service.history.flush)
        told, desk = await door.get("/proofs"), rig.service.desk
        assert (told["chain"], told["sequence"], told["durable"]) == (
            desk.venue.chain.hex(), desk.sequence, desk.sequence,
        )  # fmt: skip
        (snapshot,) = told["snapshots"]
        assert snapshot["state_hash"] == desk.venue.state_hash()
        assert (snapshot["chain"], snapshot["record_hash"]) == (told["chain"], told["journal_head"])

    run(tmp_path, scenario)


def test_refusals_have_stable_codes(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig)
        await door.refused("/accounts/0x12", "bad_request")
        await door.refused(f"/accounts/0x{'9' * 40}", "unknown_account")
        await door.refused("/markets/DOGE", "unknown_coin")
        await door.refused("/nothing", "not_found")
        await door.refused("/changes", "bad_request", limit=0)
        await door.refused("/changes", "bad_request", start="x")
        await door.refused(path_of(TAKER, "/surface"), "bad_request", direction="BTC")
        await door.refused(path_of(TAKER, "/surface"), "bad_request", direction="DOGE=1")
        found = await door.client.delete("/v1/status")
        assert (found.status_code, found.json()["code"]) == (405, "bad_method")
        for body, code in (
            (b"", "bad_json"),
            (b"{", "bad_json"),
            (b"[" * 60 + b"]" * 60, "too_deep"),
            (b"x" * 2_000_000, "too_large"),
            (b"{}", "bad_request"),
            (b'{"deposit": 5}', "bad_request"),
            (b'{"deposit": "0.0000001"}', "bad_request"),
            (b'{"nothing": "5"}', "bad_request"),
            (b'{"moves": {"DOGE": "0.1"}}', "unknown_coin"),
            (b'{"moves": {"BTC": "-1"}}', "bad_request"),
            (b'{"order": {"coin": "BTC", "side": "buy", "size": "0"}}', "bad_request"),
            (b'{"order": {"coin": "BTC", "side": "up", "size": "1"}}', "bad_request"),
            (b'{"margin_mode": {"coin": "BTC", "margin_mode": "cross"}}', "bad_request"),
        ):
            found = await door.client.post(f"/v1{path_of(TAKER, '/what-if')}", content=body)
            assert found.json()["code"] == code, (body[:40], found.text)
            assert found.status_code == CODES[code][0]

    run(tmp_path, scenario)


def test_weight_is_taken_and_refused(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await opened(rig)
        door = Door(rig, weight_a_minute=50)
        for _ in range(2):
            await door.get(path_of(TAKER, "/ranks"))
        await door.get("/status")
        await door.get("/status")
        await door.get("/status")
        await door.get("/status")
        await door.get("/status")
        await door.refused("/status", "rate_limited")

    run(tmp_path, scenario)


def test_the_document_describes_every_route_with_examples_that_hold(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        door = Door(rig)
        document = (await door.client.get("/openapi.json")).json()
        kinds = {shape.__name__: shape for shape in SHAPES}
        seen = set()
        for path, operations in document["paths"].items():
            for operation in operations.values():
                assert operation["summary"]
                content = operation["responses"]["200"]["content"]["application/json"]
                name = content["schema"]["$ref"].rpartition("/")[2]
                msgspec.convert(content["example"], kinds[name])
                seen.add(path)
                assert "422" not in operation["responses"]
        assert len(seen) >= 16
        for name, schema in document["components"]["schemas"].items():
            assert schema.get("description"), name
            for field, words in schema.get("properties", {}).items():
                told = words.get("description") or "$ref" in str(words)
                assert told, f"{name}.{field} says nothing"

    run(tmp_path, scenario)
