"""Collateral other than USD at the venue: configured, given as play collateral, shown, lent against, paid out, told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from seawall.engine.invariants import broken
from seawall.engine.rows import rows_of
from seawall.margin.lp_value import integer_root
from seawall.terms import asset_parameter, code, command, parameter
from seawall.units import RATE_ONE, USD_ONE
from seawall.venue import config
from seawall.venue.bridge import Bridge
from seawall.venue.config import AssetTerms, MarketTerms, Traders
from seawall.venue.info.answer import answer
from seawall.venue.liquidity import PlayPools
from seawall.venue.names import address_text
from seawall.venue.ops.limits import Limits
from seawall.venue.reads import Reads
from seawall.venue.residents import newest_nonce
from seawall.venue.rest.account_shapes import AccountView, PositionsView
from seawall.venue.rest.collateral import SHAPES, collateral_router
from seawall.venue.rest.collateral_shapes import AssetFaucetView, AssetsView, CollateralView
from seawall.venue.rest.ledger import LedgerView
from seawall.venue.rest.routes import Rest, create_rest
from seawall.venue.rest.surface import SurfaceView
from seawall.venue.rest.what_if_shapes import WhatIfView
from venue_floor import FakeClock, World, at_rest
from venue_rig import Rig, key
from venue_rig import run as rig_run

ETH = MarketTerms(coin="ETH", price=2_500.0, insurance_usd=0, backstop_usd=0)
ASSETS = (AssetTerms(coin="ETH"), AssetTerms(coin="ETH", kind="pool", weight_maintenance=0.8, weight_initial=0.7))
OWNER, LENDER = b"\x07" * 20, b"\x08" * 20
POSITION = {"liquidity": str(10**16), "tick_lower": 193_380, "tick_upper": 203_190}


class Front:
    """The routes of a world, asked in process."""

    def __init__(self, world: World) -> None:
        self.world, app = world, FastAPI()
        rest = Rest(world.service, Reads(world.service.desk.venue), Limits(config.Limits()))
        create_rest(app, rest, collateral_router(rest, world.floor.faucet), shapes=SHAPES)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://venue")

    async def get(self, path: str, kind: type[Any]) -> Any:
        found = await self.client.get(f"/v1{path}")
        assert found.status_code == 200, found.text
        return msgspec.json.decode(found.content, type=kind)

    async def give(self, what: str, **body: Any) -> Any:
        found = await self.client.post(f"/v1/faucet/{what}", json={"address": address_text(OWNER), **body})
        assert found.status_code == 200, found.text
        return msgspec.json.decode(found.content, type=AssetFaucetView)


def play(folder: Path, script: Callable[[World, Front], Awaitable[None]]) -> None:
    async def run() -> None:
        given = {"market": (ETH,), "asset": ASSETS, "traders": Traders(enabled=False)}
        async with World(folder, FakeClock(), **given) as world:
            await world.pass_ms(5_000)
            await script(world, Front(world))
            assert broken(world.service.columns) == []

    asyncio.run(run())


async def act(world: World, account: int, **fields: int) -> int:
    """A row of an account's own; its code."""
    nonce = max(newest_nonce(world.service.columns, account) + 1, world.service.now)
    done = await world.service.submit(rows_of([{**fields, "signer": account, "account": account, "nonce": nonce}]))
    return int(done.codes[0])


def test_configured_assets_are_listed_and_shown(tmp_path: Path) -> None:
    async def script(_: World, front: Front) -> None:
        view = await front.get("/assets", AssetsView)
        assert [(one.asset, one.kind, one.coin) for one in view.assets] == [(0, "token", "ETH"), (1, "pool", "ETH")]
        ether = view.assets[0]
        assert (ether.weight_initial, ether.weight_maintenance, ether.haircut) == ("0.8", "0.9", "0.1")
        assert (float(ether.supply_cap), float(ether.account_cap)) == (40_000.0, 2_000.0)
        assert (view.borrowed, view.utilisation, view.borrow_rate_hour) == ("0.0", "0", "0")
        assert ether.is_fresh

    play(tmp_path, script)


def test_play_collateral_is_lent_against_shown_and_paid_out(tmp_path: Path) -> None:
    async def script(world: World, front: Front) -> None:
        lender = await world.floor.bridge.credit(LENDER, 100_000 * USD_ONE)
        assert lender >= 0
        given = await front.give("asset", asset=0, size="2")
        assert given.holdings[0].size == "2.0"
        owner = world.service.people.account_of(OWNER)
        assert await act(world, owner, kind=command.WITHDRAW, amount=1_000 * USD_ONE) == code.OK
        path = f"/accounts/{address_text(OWNER)}"
        view = (await front.get(f"{path}/collateral", CollateralView)).buckets[0]
        assert (view.bucket, view.borrowed) == ("cross", "1000.0")
        assert 0 < float(view.value_initial) < float(view.value_maintenance) < 5_500
        margin = await front.get(path, AccountView)
        assert float(margin.equity) == float(view.value_maintenance) - 1_000
        assert await act(world, owner, kind=command.WITHDRAW_ASSET, other=0, size=1) == code.OK
        await world.pass_ms(60_000)
        assert not world.service.columns["withdrawal_id"].any()
        rates = await front.get("/assets", AssetsView)
        assert float(rates.borrowed) >= 1_000
        assert float(rates.borrow_rate_hour) > 0
        assert float(rates.reserve) > 0
        told = await answer(world.service, {"type": "clearinghouseState", "user": address_text(OWNER)})
        state = msgspec.json.decode(msgspec.json.encode(told))
        assert set(state) >= {"marginSummary", "crossMarginSummary", "withdrawable", "assetPositions"}
        assert float(state["marginSummary"]["accountValue"]) > 3_000

    play(tmp_path, script)


def test_a_play_position_is_shown_with_its_greeks(tmp_path: Path) -> None:
    async def script(_: World, front: Front) -> None:
        given = await front.give("range", asset=1, **POSITION)
        one = given.holdings[0].range
        assert one is not None
        assert one.in_range
        assert 1_490 < float(one.lower) < 1_510
        assert 3_990 < float(one.upper) < 4_010
        assert 0 < float(one.delta) < float(one.fair_value)
        assert float(one.gamma) < 0
        assert float(given.holdings[0].value_maintenance) < 0.8 * float(one.fair_value) + 1
        narrow = await front.give("range", asset=1, **{**POSITION, "tick_lower": 200_000, "tick_upper": 200_060})
        assert len(narrow.holdings) == 1  # the other went back
        refused = await front.client.post(
            "/v1/faucet/range", json={"address": address_text(OWNER), "asset": 0, **POSITION}
        )
        assert refused.status_code == 400

    play(tmp_path, script)


def test_a_play_position_in_liquidation_is_unwound_by_the_local_bridge(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        await rig.fund(key(8), 1_000_000)
        account, columns = await rig.fund(key(7), 0), rig.service.columns
        admin = {"signer": command.ADMIN}
        for number, kind in ((0, asset_parameter.TOKEN), (1, asset_parameter.POOL)):
            listing = {"kind": command.LIST_ASSET, **admin, "other": number, "flags": kind, "size": number}
            values = ((5, 0), (1, RATE_ONE * 9 // 10), (0, RATE_ONE * 8 // 10), (3, 2**50), (4, 2**50))
            setting = {"kind": command.SET_ASSET, **admin, "other": number}
            rows = [{**setting, "reference": which, "price": value} for which, value in values]
            assert not any(await rig.rows(listing, *rows))
        clock = FakeClock(rig.now)
        bridge = Bridge(rig.service, clock)
        bridge.start()
        pools = PlayPools(rig.service, bridge)
        pools.start()
        low, high = (integer_root(price << 34) for price in (45_000_000, 56_000_000))
        await bridge.credit_asset(key(7).address, 1, {"size": 10**8, "price": low, "trigger": high, "extra": 17})
        fields = {"kind": command.WITHDRAW, "signer": account, "account": account, "nonce": rig.now + 1}
        most = int(rig.service.lens.reader.account(account)[0].leaving)
        assert await rig.rows({**fields, "amount": most}) == [code.OK]
        await rig.move(0, 32_000_000)
        assert await rig.rows({"kind": command.LIQUIDATE, "signer": command.SEQUENCER, "size": 8}) == [code.OK]
        await at_rest(rig.service)
        assert not columns["holding_asked"].any()
        row = columns["bucket_holding"].item(account)
        assert (columns["holding_asset"].item(row), columns["holding_lots"].item(row) > 0) == (0, True)
        assert -most <= columns["bucket_raw"].item(account) < 0  # below its range it was all base
        assert broken(columns) == []
        pools.stop()
        await bridge.stop()

    rig_run(tmp_path, scenario)


def test_owners_move_withdraw_and_buy_collateral_by_signed_actions(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.list_market()
        account, ok = await rig.fund(key(7), 10_000), {"status": "ok", "response": {"type": "default"}}
        await rig.fund(key(8), 1_000_000)
        admin, values = {"signer": command.ADMIN, "other": 0}, ((1, RATE_ONE // 2), (3, 2**50), (4, 2**50))
        listing = {"kind": command.LIST_ASSET, **admin, "flags": asset_parameter.TOKEN}
        rows = [{"kind": command.SET_ASSET, **admin, "reference": which, "price": value} for which, value in values]
        assert not any(await rig.rows(listing, *rows))
        rig.deposits += 1
        given = {"kind": command.DEPOSIT_ASSET, "signer": command.BRIDGE, "account": account, "size": 5_000}
        assert await rig.rows({**given, "reference": rig.deposits}) == [code.OK]
        leverage = {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 5}
        assert await rig.act(key(7), leverage) == ok
        await rig.order(key(8), False, "50000", "0.1")
        await rig.order(key(7), True, "50000", "0.1")
        move = {"type": "moveCollateral", "collateral": 0, "size": "1.5", "asset": 0}
        assert await rig.act(key(7), {**move, "isCross": False}) == ok
        assert await rig.act(key(7), {**move, "isCross": True, "size": "0.5"}) == ok
        assert await rig.act(key(7), {"type": "withdrawCollateral", "collateral": 0, "size": "4"}) == ok
        told = await rig.act(key(7), {"type": "withdrawCollateral", "collateral": 0, "size": "1"})
        assert told["status"] == "err"
        buy = {"type": "buyCollateral", "collateral": 0, "size": "1", "price": "50000", "bucket": account}
        told = await rig.act(key(8), buy)
        assert "sells" in told["response"]
        columns = rig.service.columns
        assert columns["asset_leaving"].item(0) == 4_000
        assert columns["asset_total"].item(0) == 1_000
        assert broken(columns) == []

    rig_run(tmp_path, scenario)


def test_the_ledger_of_an_account_reconciles_with_interest(tmp_path: Path) -> None:
    async def script(world: World, front: Front) -> None:
        await world.floor.bridge.credit(LENDER, 100_000 * USD_ONE)
        await front.give("asset", asset=0, size="2")
        owner = world.service.people.account_of(OWNER)
        assert await act(world, owner, kind=command.WITHDRAW, amount=3_000 * USD_ONE) == code.OK
        await world.pass_ms(120_000)
        ledger = await front.get(f"/accounts/{address_text(OWNER)}/ledger", LedgerView)
        kinds = {line.kind for line in ledger.lines}
        assert {"lots", "withdraw", "interest"} <= kinds
        assert float(ledger.tail.summary["interest"]) < 0
        raw = int(world.service.columns["bucket_raw"][owner])
        assert round(float(ledger.tail.closing_cash) * USD_ONE) == raw

    play(tmp_path, script)


async def what_if(front: Front, **asked: Any) -> WhatIfView:
    found = await front.client.post(f"/v1/accounts/{address_text(OWNER)}/what-if", json=asked)
    assert found.status_code == 200, found.text
    return msgspec.json.decode(found.content, type=WhatIfView)


def test_portfolio_margin_is_shown_as_it_is_measured(tmp_path: Path) -> None:
    async def script(world: World, front: Front) -> None:
        columns = world.service.columns
        for name in ("param", "param_static"):
            columns[name][-1, parameter.PORTFOLIO_MOST] = 1
            columns[name][-1, parameter.PORTFOLIO_EQUITY] = 0
        lender = await world.floor.bridge.credit(LENDER, 100_000 * USD_ONE)
        await front.give("asset", asset=0, size="2")
        owner, price = world.service.people.account_of(OWNER), int(columns["market_price"][0])
        price -= price % 10 ** (len(str(price)) - 4)  # a price of the grid
        lots = world.service.universe.listings[0].size("2", "size")
        order = {"kind": command.PLACE, "market": 0, "price": price, "size": lots}
        assert await act(world, owner, flags=command.SELL, **order) == code.OK
        assert await act(world, lender, **order) == code.OK
        path = f"/accounts/{address_text(OWNER)}"
        tiered = (await front.get(path, AccountView)).buckets[0]
        assert tiered.mode == "tiered"
        assert await act(world, owner, kind=command.SET_PORTFOLIO, flags=command.PORTFOLIO) == code.OK
        view = (await front.get(path, AccountView)).buckets[0]
        figures = world.service.lens.reader.account(owner)[0]
        assert (view.mode, figures.is_portfolio) == ("portfolio", True)
        assert float(view.maintenance) == figures.maintenance / USD_ONE != float(tiered.maintenance)
        assert float(view.initial) == figures.initial / USD_ONE
        assert view.equity == tiered.equity
        line = (await front.get(f"{path}/positions", PositionsView)).positions[0]
        told = await answer(world.service, {"type": "clearinghouseState", "user": address_text(OWNER)})
        state = msgspec.json.decode(msgspec.json.encode(told))
        assert float(state["crossMaintenanceMarginUsed"]) == float(view.maintenance)
        assert state["assetPositions"][0]["position"]["liquidationPx"] == line.liquidation_price
        seen = await what_if(front, deposit="1000")
        before, after = seen.before.buckets[0], seen.after.buckets[0]
        assert msgspec.structs.replace(before, withdrawable=view.withdrawable) == view
        assert seen.before.positions[0].liquidation_price == line.liquidation_price
        assert float(after.equity) - float(before.equity) == 1_000
        assert (after.maintenance, after.initial) == (before.maintenance, before.initial)
        half = (await what_if(front, moves={"ETH": "-0.5"})).after.buckets[0]
        gained = float(half.equity) - float(before.equity)  # the short, less what is held at its weight of 0.9
        assert gained == pytest.approx(0.1 * 2 * float(line.mark) / 2, rel=0.02)
        points = {point.direction: point for point in (await front.get(f"{path}/surface", SurfaceView)).points}
        up = points["ETH up"]  # what is held counts for less than what is sold
        assert (up.scale is None) == (line.liquidation_price is None)
        if line.liquidation_price is not None:
            assert float(up.prices["ETH"]) == pytest.approx(float(line.liquidation_price), rel=1e-3)
        for size, wanted in (("0.05", code.OK), ("2", code.INITIAL_MARGIN)):
            order = {"coin": "ETH", "side": "sell", "size": size, "price": str(price / 100)}
            told = await what_if(front, order=order)
            assert told.is_accepted == (wanted == code.OK)
            lots = world.service.universe.listings[0].size(size, "size")
            order = {"kind": command.PLACE, "market": 0, "price": price, "size": lots}
            assert await act(world, lender, **order) == code.OK
            assert await act(world, owner, flags=command.SELL | command.IOC, **order) == wanted

    play(tmp_path, script)
