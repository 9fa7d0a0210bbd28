"""The questions of /info on a whole service: journal, history and lens, before and after a restart."""

from pathlib import Path
from typing import Any

import msgspec
from test_venue_info import MORE

from seawall.terms import command, parameter
from seawall.venue.info.answer import ANSWERS, answer
from seawall.venue.names import address_text
from venue_rig import Rig, key, run

MINUTE = 60_000


async def asked(rig: Rig, number: int, kind: str, **fields: Any) -> Any:
    """An answer as it goes out and comes back."""
    request = {"type": kind, "user": address_text(key(number).address), **MORE.get(kind, {}), **fields}
    return msgspec.json.decode(msgspec.json.encode(await answer(rig.service, request)))


async def everything(rig: Rig) -> dict[str, Any]:
    """Every answer to both wallets, without what the state of the process is."""
    return {f"{kind} {number}": await asked(rig, number, kind) for kind in sorted(ANSWERS) for number in (1, 2)}


async def live(rig: Rig) -> dict[str, Any]:
    """A little of everything that makes records, then all answers."""
    outage = {"other": parameter.OUTAGE_MS, "price": parameter.DAY_MS}
    await rig.rows({"kind": command.SET_PARAMETER, "signer": command.ADMIN, "market": -1, **outage})
    await rig.list_market("BTC", taker_fee=5_400, maker_fee=1_800)
    await rig.list_market("DOGE", decimals=0, price=100_000)
    for number in (1, 2):
        await rig.fund(key(number), 100_000)
    assert (await rig.order(key(2), False, "50000", "0.4"))["resting"]
    assert (await rig.order(key(1), True, "50000", "0.3"))["filled"]
    assert (await rig.order(key(1), True, "49000", "0.1"))["resting"]
    stop = {"tpsl": "sl", "isMarket": True, "triggerPx": "45000"}
    assert await rig.order(key(1), False, "45000", "0.3", reduce=True, trigger=stop) is not None
    for _ in range(3):
        assert (await rig.order(key(1), True, "50100", "0.01"))["filled"]
        for _ in range(6):
            rig.now += 10 * MINUTE
            for market in (0, 1):
                await rig.price(market, int(rig.service.columns["market_oracle"][market]))
                await rig.rows({"kind": command.FUNDING, "signer": command.SEQUENCER, "market": market})
    await rig.act(key(1), {"type": "usdSend", "destination": address_text(key(2).address), "amount": "12.5"})
    return await everything(rig)


def test_a_restart_changes_no_answer(tmp_path: Path) -> None:
    before = run(tmp_path, live)
    after = run(tmp_path, everything)
    assert before.keys() == after.keys()
    for question, found in before.items():
        assert after[question] == found, question
    (position,) = after["clearinghouseState 1"]["assetPositions"]
    assert position["position"]["szi"] == "0.33"
    sums = position["position"]["cumFunding"]
    assert 0 < float(sums["sinceChange"]) < float(sums["sinceOpen"]) == float(sums["allTime"])
    assert [one["orderType"] for one in after["frontendOpenOrders 1"]] == ["Stop Market", "Limit"]
    assert len(after["userFills 1"]) == 4
    assert len(after["recentTrades 1"]) == 4
    assert after["metaAndAssetCtxs 1"][1][0]["dayBaseVlm"] == "0.33"
    assert sum(one["n"] for one in after["candleSnapshot 1"]) == 4
    assert [one["delta"]["type"] for one in after["userNonFundingLedgerUpdates 2"]] == ["deposit", "internalTransfer"]
    days = after["userFees 1"]["dailyUserVlm"]
    assert sum(float(one["userCross"]) for one in days) == float(after["metaAndAssetCtxs 1"][1][0]["dayNtlVlm"])
