"""Liquidity positions by signed actions: fees, decreases and moves at the index, over time in history, refusals."""

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from seawall.engine.invariants import broken
from seawall.engine.rows import rows_of
from seawall.margin.lp import Range, roots_of
from seawall.margin.lp_value import range_delta, range_value
from seawall.terms import asset_parameter, code, command
from seawall.units import RATE_ONE, BadInput
from seawall.venue import config
from seawall.venue.bridge import Bridge
from seawall.venue.config import AssetTerms
from seawall.venue.exchange.answer import answer
from seawall.venue.faucet import Faucet
from seawall.venue.liquidity import PlayPools, decreased, moved, position
from seawall.venue.names import address_text
from seawall.venue.ops.limits import Limits
from seawall.venue.reads import Reads
from seawall.venue.records import Pooled
from seawall.venue.rest.collateral import SHAPES, collateral_router
from seawall.venue.rest.collateral_shapes import CollateralView, RangePastView
from seawall.venue.rest.range_past import legs_of, lost_of
from seawall.venue.rest.routes import Rest, create_rest
from venue_floor import FakeClock
from venue_rig import USD, Rig, key

PRICE = 50_000_000  # micro-USD a lot
OK = {"status": "ok", "response": {"type": "default"}}
TOKEN, POOL = 0, 1
OWNER, OTHER = 7, 8
LOW, HIGH = 45_000_000, 56_000_000


def held(liquidity: int = 10**8, low: int = LOW, high: int = HIGH) -> Range:
    scale, first, last = roots_of(Fraction(low), Fraction(high))
    return Range(liquidity=liquidity, low=first, high=last, scale=scale)


def worth(one: Range, price: int) -> int:
    return int(range_value(one.liquidity, one.low, one.high, one.scale, price))


@pytest.mark.parametrize("price", [40_000_000, 45_100_000, 50_000_000, 55_900_000, 70_000_000])
@pytest.mark.parametrize("part", [Fraction(1, 3), Fraction(999, 1000)])
def test_what_a_decrease_pays_is_what_the_worth_falls_by(price: int, part: Fraction) -> None:
    one = held()
    left, base, usd = decreased(one, price, 77, part)
    assert left.liquidity == one.liquidity - int(one.liquidity * part)
    assert base + usd == worth(one, price) - worth(left, price) + 77
    assert base >= 0
    assert usd >= 77


@pytest.mark.parametrize("price", [46_000_000, 50_000_000, 55_000_000])
@pytest.mark.parametrize("bounds", [(30_000_000, 80_000_000), (47_000_000, 51_500_000), (49_000_000, 60_000_000)])
def test_a_move_takes_the_most_that_both_tokens_suffice_for_and_swaps_nothing(
    price: int, bounds: tuple[int, int]
) -> None:
    one = held()
    if not bounds[0] < price < bounds[1]:
        return
    made, base, usd = moved(one, price, 1_000, *bounds)
    assert base >= 0
    assert usd >= 0
    assert base + usd + worth(made, price) == worth(one, price) + 1_000
    more = msgspec.structs.replace(made, liquidity=made.liquidity + made.liquidity // 1_000 + 2)
    delta = int(range_delta(more.liquidity, more.low, more.high, more.scale, price))
    had = int(range_delta(one.liquidity, one.low, one.high, one.scale, price))
    assert delta > had or worth(more, price) - delta > worth(one, price) - had + 1_000


def test_a_range_that_takes_the_other_token_takes_nothing() -> None:
    with pytest.raises(BadInput):
        moved(held(), 40_000_000, 0, 30_000_000, 39_000_000)  # all base, and it wants USD
    with pytest.raises(BadInput):
        moved(held(), 50_000_000, 0, 50_000_000, 50_000_000)


class Pooled3(Rig):
    """A rig with a pool, its bridge and pages."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, asset=(AssetTerms(coin="BTC", kind="pool", fee=0.003),))

    async def open(self) -> int:
        await self.list_market()
        await self.fund(key(OTHER), 1_000_000)
        account, admin = await self.fund(key(OWNER), 0), {"signer": command.ADMIN}
        for number, kind in ((TOKEN, asset_parameter.TOKEN), (POOL, asset_parameter.POOL)):
            listing = {"kind": command.LIST_ASSET, **admin, "other": number, "flags": kind, "size": number}
            values = ((5, 0), (1, RATE_ONE * 9 // 10), (0, RATE_ONE * 8 // 10), (3, 2**50), (4, 2**50))
            setting = {"kind": command.SET_ASSET, **admin, "other": number}
            assert not any(
                await self.rows(listing, *({**setting, "reference": which, "price": value} for which, value in values))
            )
        self.bridge = Bridge(self.service, FakeClock(self.now))
        self.bridge.start()
        self.service.pools = PlayPools(self.service, self.bridge)
        self.service.pools.start()
        app = FastAPI()
        rest = Rest(self.service, Reads(self.service.desk.venue), Limits(config.Limits()))
        faucet = Faucet(self.service, self.bridge, FakeClock(self.now))
        create_rest(app, rest, collateral_router(rest, faucet), shapes=SHAPES)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://venue")
        return account

    async def give(self, liquidity: int = 10**8) -> int:
        """A position of the owner; its token."""
        one = held(liquidity)
        fields = {"size": one.liquidity, "price": one.low, "trigger": one.high, "extra": one.scale}
        await self.bridge.credit_asset(key(OWNER).address, POOL, fields)
        columns = self.service.columns
        return int(columns["holding_token"].item(columns["asset_first"].item(POOL)))

    async def get(self, path: str, kind: type[Any]) -> Any:
        found = await self.client.get(f"/v1/accounts/{address_text(key(OWNER).address)}/{path}")
        assert found.status_code == 200, found.text
        return msgspec.json.decode(found.content, type=kind)

    async def change(self, kind: str, token: int, who: int = OWNER, **fields: Any) -> Any:
        return await self.act(key(who), {"type": kind, "collateral": POOL, "token": str(token), **fields})

    async def close(self) -> None:
        assert self.service.pools is not None
        self.service.pools.stop()
        await self.bridge.stop()


def play(folder: Path, script: Callable[[Pooled3, int], Awaitable[None]]) -> None:
    async def scenario() -> None:
        rig = Pooled3(folder)
        await rig.start()
        account = await rig.open()
        await script(rig, account)
        assert broken(rig.service.columns) == []
        await rig.close()
        await rig.service.stop()

    asyncio.run(scenario())


def test_fees_grow_with_the_way_of_the_index_and_are_collected_once(tmp_path: Path) -> None:
    async def script(rig: Pooled3, account: int) -> None:
        token, columns = await rig.give(), rig.service.columns
        await rig.move(0, PRICE)
        assert rig.service.pools is not None
        start = rig.service.pools.fees_of(POOL, token)
        await rig.move(0, 52_000_000)
        await rig.move(0, PRICE)
        fees = rig.service.pools.fees_of(POOL, token) - start
        way = 2 * 10**8 * (52_000_000**0.5 - 50_000_000**0.5)
        assert fees == pytest.approx(0.003 * way, rel=1e-3)
        before = int(columns["bucket_raw"][account])
        assert await rig.change("collectFees", token) == OK
        assert int(columns["bucket_raw"][account]) - before == fees + start
        assert await rig.change("collectFees", token) == OK
        assert int(columns["bucket_raw"][account]) - before == fees + start
        view = await rig.get("collateral", CollateralView)
        assert view.buckets[0].holdings[0].range.fees == "0.0"
        past = await rig.get(f"ranges/{POOL}/{token}", RangePastView)
        assert float(past.fees_collected) == (fees + start) / USD
        assert past.fees_uncollected == "0.0"
        assert past.points
        assert float(past.points[-1].fees) == (fees + start) / USD

    play(tmp_path, script)


def test_owners_decrease_and_move_while_margined_and_no_further(tmp_path: Path) -> None:
    async def script(rig: Pooled3, account: int) -> None:
        token, columns = await rig.give(), rig.service.columns
        await rig.order(key(OTHER), False, "50000", "1")
        most = int(rig.service.lens.reader.account(account)[0].leaving)
        size = most // 2 // 2_500_000_000 or 1  # of 20x
        await rig.order(key(OWNER), True, "50000", f"{size / 10}")
        before = worth(held(), PRICE)
        assert await rig.change("moveRange", token, lower="40000", upper="62000") == OK
        now = position(columns, POOL, token)
        assert now is not None
        left = int(columns["bucket_raw"][account])
        base = sum(one.size is not None for one in (await rig.get("collateral", CollateralView)).buckets[0].holdings)
        assert worth(now, PRICE) <= before
        assert base <= 1
        assert left is not None
        assert await rig.change("decreaseLiquidity", token, part="0.25") == OK
        fewer = position(columns, POOL, token)
        assert fewer is not None
        assert fewer.liquidity == now.liquidity - int(now.liquidity * Fraction(1, 4))
        past = await rig.get(f"ranges/{POOL}/{token}", RangePastView)
        assert float(past.lost) == pytest.approx(0, abs=1e-3)
        assert past.advice is not None
        assert float(past.advice.lower) < 50_000 < float(past.advice.upper)

    play(tmp_path, script)


def test_what_backs_a_position_stays_and_why_is_said(tmp_path: Path) -> None:
    async def script(rig: Pooled3, account: int) -> None:
        token, columns = await rig.give(), rig.service.columns
        weight = {"kind": command.SET_ASSET, "signer": command.ADMIN, "other": TOKEN, "price": RATE_ONE // 10}
        assert await rig.rows(weight) == [code.OK]
        most = int(rig.service.lens.reader.account(account)[0].leaving)
        fields = {"kind": command.WITHDRAW, "signer": account, "account": account, "nonce": rig.now + 1}
        assert await rig.rows({**fields, "amount": most}) == [code.OK]
        told = await rig.change("moveRange", token, lower="49999", upper="50001")
        assert told["status"] == "err"
        before = position(columns, POOL, token)
        assert before is not None
        narrow = await rig.change("moveRange", token, lower="45000", upper="50100")
        assert "Insufficient margin" in narrow["response"]  # most of the base would lie beside it, at a tenth
        assert position(columns, POOL, token) == before
        stranger = await rig.change("collectFees", token, who=OTHER)
        assert "no such position" in stranger["response"]
        assert "part" in (await rig.change("decreaseLiquidity", token, part="1"))["response"]
        assert "lower" in (await rig.change("moveRange", token, lower="9", upper="8"))["response"]
        twice = {"type": "collectFees", "collateral": POOL, "token": str(token)}
        nonce = rig.nonces = rig.nonces + 1
        assert await rig.act(key(OWNER), twice, nonce=nonce) == OK
        assert "nonce" in (await rig.act(key(OWNER), twice, nonce=nonce))["response"]
        approve = {"type": "approveAgent", "agentAddress": address_text(key(20).address), "agentName": "hand"}
        assert await rig.act(key(OWNER), approve) == OK
        refused = await rig.act(key(20), twice)
        assert "own wallet" in refused["response"]

    play(tmp_path, script)


def told(sequence: int, kind: str, one: Range, index: int, lots: int = 0, usd: int = 0) -> Pooled:
    terms = {"liquidity": one.liquidity, "low": one.low, "high": one.high, "scale": one.scale}
    where = {"time": sequence * 1_000, "sequence": sequence, "account": 0, "asset": POOL, "token": 5}
    return Pooled(**where, kind=kind, **terms, index=index, lots=lots, usd=usd)


def test_a_life_of_a_position_adds_up() -> None:
    one, price = held(), 53_000_000
    half = msgspec.structs.replace(one, liquidity=one.liquidity // 2)
    went = worth(one, price) - worth(half, price)
    rows = [
        told(1, "came", one, PRICE),
        told(2, "paid", one, 52_000_000, usd=500),
        told(3, "paid", one, price, usd=went + 70),
        told(3, "left", one, price),
        told(3, "came", half, price),
        told(4, "paid", half, PRICE, lots=2, usd=worth(half, PRICE) - 2 * PRICE),
        told(4, "left", half, PRICE),
    ]
    legs = legs_of(rows)
    assert [leg.fees for leg in legs] == [0, 500, 570, 570]
    first, second = lost_of(one, PRICE, price), lost_of(half, price, PRICE)
    assert first > 0
    assert second > 0
    assert [leg.lost for leg in legs] == [0, 0, first, first + second]
    assert [leg.held for leg in legs] == [one, one, half, None]
    assert lost_of(one, PRICE, PRICE) == 0


def test_rows_of_a_reshape_are_the_bridges_own(tmp_path: Path) -> None:
    async def script(rig: Pooled3, account: int) -> None:
        token = await rig.give()
        row = {"kind": command.RESHAPE_RANGE, "signer": account, "account": account, "client_low": token}
        done = await rig.service.submit(rows_of([{**row, "other": POOL, "size": 1, "nonce": rig.now}]))
        assert done.codes[0] == code.NOT_AUTHORISED

    play(tmp_path, script)


def test_a_wallet_may_sign_the_same_as_typed_data_of_all_that_is_done(tmp_path: Path) -> None:
    async def script(rig: Pooled3, account: int) -> None:
        token = await rig.give()
        typed = {"signatureChainId": "0x66eee"}
        assert await rig.change("moveRange", token, lower="40000", upper="62000", **typed) == OK
        assert await rig.change("decreaseLiquidity", token, part="0.5", **typed) == OK
        assert await rig.change("collectFees", token, **typed) == OK
        assert await rig.change("withdrawCollateral", token, **typed) == OK
        assert position(rig.service.columns, POOL, token) is None
        sub = {"type": "createSubAccount", "name": "hedge", **typed}
        made = (await rig.act(key(OWNER), sub))["response"]["data"]
        lend = {"type": "subAccountTransfer", "subAccountUser": made, "isDeposit": True, "usd": 1, **typed}
        assert await rig.act(key(OTHER), lend) != OK
        assert account >= 0

    play(tmp_path, script)


@pytest.mark.parametrize("changed", [{"token": "3"}, {"part": "0.9"}, {"collateral": 0}, {"nonce": 1_760_000_400_999}])
def test_no_word_of_typed_data_can_be_changed(tmp_path: Path, changed: dict[str, Any]) -> None:
    async def script(rig: Pooled3, _: int) -> None:
        token = await rig.give()
        asked = {"type": "decreaseLiquidity", "collateral": POOL, "token": str(token), "part": "0.5"}
        request = rig.request(key(OWNER), {**asked, "signatureChainId": "0x66eee"})
        told = await answer(rig.service, {**request, "action": {**request["action"], **changed}})
        assert told["status"] == "err"
        assert position(rig.service.columns, POOL, token) == held()

    play(tmp_path, script)


def test_a_nonce_that_is_not_signed_does_not_replay_an_action(tmp_path: Path) -> None:
    async def script(rig: Pooled3, _: int) -> None:
        request = rig.request(key(OTHER), {"type": "usdClassTransfer", "amount": "10", "toPerp": False})
        assert await answer(rig.service, request) == OK
        again = {**request, "nonce": request["nonce"] + 1}
        again["action"] = {**request["action"], "time": request["nonce"] + 1}
        assert "Invalid nonce" in (await answer(rig.service, again))["response"]

    play(tmp_path, script)
