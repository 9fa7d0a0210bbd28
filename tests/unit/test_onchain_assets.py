"""What a venue tells a chain of its collateral, and which deployments it does not join."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")

from seawall.chain.deploy import ASSET_FEED, REDEMPTION_FEED, Deployment
from seawall.chain.settings import AssetSettings, Settings
from seawall.engine.rows import rows_of
from seawall.terms import asset_parameter, code, command, parameter
from seawall.units import RATE_ONE, BadInput
from seawall.venue.collateral import lend_free
from seawall.venue.config import AssetTerms, Chain, MarketTerms, Traders
from seawall.venue.onchain.collateral import joined
from seawall.venue.onchain.prices import reported
from seawall.venue.onchain.terms import settings_of
from venue_floor import FakeClock, World

UNFUNDED: dict[str, Any] = {"price": 2_500.0, "size_decimals": 4, "insurance_usd": 0, "backstop_usd": 0}
MARKETS = tuple(MarketTerms(coin=coin, **UNFUNDED) for coin in ("ETH", "STETH"))
ASSETS = (AssetTerms(coin="STETH", kind="stable", redeemed="ETH"), AssetTerms(coin="ETH", supply_usd=2_500_000))


def play(folder: Path, script: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        given = {"market": MARKETS, "asset": ASSETS, "traders": Traders(enabled=False)}
        async with World(folder, FakeClock(), **given) as world:
            await world.pass_ms(5_000)
            await script(world)

    asyncio.run(run())


async def change(world: World, asset: int, **values: int) -> None:
    """Parameters of an asset that nobody holds yet, by the admin."""
    numbers = {spec.name: number for number, spec in asset_parameter.ASSET.items()}
    setting = {"kind": command.SET_ASSET, "signer": command.ADMIN, "other": asset}
    rows = [{**setting, "reference": numbers[name], "price": value} for name, value in values.items()]
    done = await world.service.submit(rows_of(rows))
    assert set(done.codes.tolist()) == {code.OK}


def record(settings: Settings, **changes: Any) -> Deployment:
    settings = msgspec.structs.replace(settings, **changes)
    fields = {"chain_id": 1, "deployer": "", "name": "", "first_nonce": 0, "block": 0, "addresses": {}}
    return Deployment(settings=settings, **fields)


def test_the_chain_gets_every_term_of_an_asset(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        floor = {"redemption_floor": RATE_ONE * 9 // 10, "peg_band": RATE_ONE // 40, "stable_speed": 200_000}
        await change(world, 0, supply_start=700, discount=RATE_ONE // 25, **floor)
        staked, ether = settings_of(world.service, Chain()).assets
        assert (staked.name, staked.is_stable, staked.size_decimals, staked.underlying) == ("STETH", True, 4, "STETH")
        assert (staked.weight_initial, staked.weight_maintenance) == (RATE_ONE * 8 // 10, RATE_ONE * 9 // 10)
        assert (staked.start, staked.discount, staked.stable_per_s) == (700, RATE_ONE // 25, 200_000)
        assert (staked.redemption_floor, staked.peg_band) == (RATE_ONE * 9 // 10, RATE_ONE // 40)
        assert staked.price_max == world.service.universe.by_coin["STETH"].price_max
        assert staked.redemption is not None
        assert bytes.fromhex(staked.feed.primary_id[2:]).rstrip(b"\0") == b"STETH index", "not the mark of its market"
        assert (ether.name, ether.is_stable, ether.redemption) == ("ETH", False, None)
        assert ether.cap == ether.hour_cap == 1_000 * 10**ether.size_decimals
        assert ether.token == "", "a test token is deployed"

    play(tmp_path, script)


def test_collateral_is_priced_by_indices_and_redemption_values(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        columns, assets = world.service.columns, {0: 1, 1: 0}  # STETH is the chain's second
        columns["market_oracle"][0], columns["market_oracle"][1] = 250_100, 250_050
        ether, staked = (int(columns["market_price"][market]) for market in (0, 1))
        found = reported(world.service, ["ETH", "STETH", "GONE"], assets)
        indices = {ASSET_FEED: 250_100, ASSET_FEED + 1: 250_050, REDEMPTION_FEED + 1: 250_100}
        assert found == {0: ether, 1: staked, **indices}
        columns["market_fresh"][0] = 0
        assert reported(world.service, ["ETH", "STETH"], assets) == {1: staked, ASSET_FEED + 1: 250_050}

    play(tmp_path, script)


def test_what_counts_on_one_side_only_is_not_joined(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def script(world: World) -> None:
        whole = settings_of(world.service, Chain())
        staked, ether = whole.assets
        assert joined(world.service, record(whole)) == {0: 0, 1: 1}
        assert joined(world.service, record(whole, assets=[ether, staked])) == {0: 1, 1: 0}
        assert joined(world.service, record(whole, assets=[ether])) == {1: 0}
        assert "collateral STETH: the deployment does not take it" in caplog.text
        assert joined(world.service, record(whole, assets=[], exit_delay_s=0)) == {}
        for changes, why in wrong(ether):
            with pytest.raises(BadInput, match=why):
                joined(world.service, record(whole, **changes))

    play(tmp_path, script)


def wrong(ether: AssetSettings) -> list[tuple[dict[str, Any], str]]:
    other = msgspec.structs.replace(ether, name="DOGE")
    coarse = msgspec.structs.replace(ether, size_decimals=ether.size_decimals - 1)
    return [
        ({"assets": [ether, other]}, "DOGE as collateral, which this venue does not list"),
        ({"assets": [coarse]}, "a lot of ETH is another there"),
        ({"assets": [ether], "exit_delay_s": 0}, "could leave it past this venue"),
        ({"assets": [ether], "venue": {"borrow_base": 0, "borrow_kink_rate": 0}}, "borrowers pay interest there"),
    ]


def test_more_assets_than_the_contracts_take_are_refused(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        twice = {"market": 0, "size": 0, "flags": asset_parameter.TOKEN}
        rows = [{"kind": command.LIST_ASSET, "signer": command.ADMIN, "other": 2, **twice}]
        assert (await world.service.submit(rows_of(rows))).codes.tolist() == [code.OK]
        with pytest.raises(BadInput, match="each with a name of its own"):
            settings_of(world.service, Chain())

    play(tmp_path, script)


def test_borrowed_usd_costs_nothing_on_a_chain(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        columns = world.service.columns
        rates = columns["param"][len(columns["market_price"])]
        numbers = (parameter.BORROW_BASE, parameter.BORROW_KINK_RATE, parameter.BORROW_FULL_RATE)
        assert any(rates[number] for number in numbers)
        await lend_free(world.service)
        assert not any(rates[number] for number in numbers)
        sequence = world.service.desk.sequence
        await lend_free(world.service)
        assert world.service.desk.sequence == sequence, "said once"

    play(tmp_path, script)


def test_history_tells_entries_of_a_kind_after_a_command(tmp_path: Path) -> None:
    """From there the sales come that a file has missed."""

    async def script(world: World) -> None:
        owners = [bytes([7]) * 20, bytes([8]) * 20]
        for amount, owner in enumerate(owners, 5):
            await world.floor.bridge.credit(owner, amount)
            await world.floor.bridge.credit_asset(owner, 1, {"size": amount})
        history = world.service.history
        await history.flush()
        found = await history.entries_since(0, "deposit")
        assert [one.amount for one in found] == [5, 6]
        assert [one.amount for one in await history.entries_since(found[0].sequence, "deposit")] == [6]
        assert [one.reference for one in await history.entries_since(0, "lots")] == [5, 6]
        assert await history.entries_since(found[1].sequence, "deposit") == []

    play(tmp_path, script)
