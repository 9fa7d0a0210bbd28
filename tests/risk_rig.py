"""A rig's venue with its risk desk, asked in process, and a market with positions in it."""

from typing import Any

import httpx
from fastapi import FastAPI

from seawall.venue.ops.operations import Operations
from seawall.venue.ops.tokens import VARIABLE
from seawall.venue.rest.errors import CODES
from seawall.venue.risk.desk import SHAPES, RiskDesk
from venue_rig import Rig, key

MAKER, TAKER, OTHER = key(1), key(2), key(3)


class Desk:
    """A rig's venue with its risk desk and `/v1` on it, in process."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ops = Operations(rig.service, {VARIABLE: "a-token-of-the-admin"})
        self.risk = RiskDesk(rig.service, self.ops)
        self.office = self.risk.office
        app = FastAPI()
        self.ops.mount(app, *self.risk.routers(self.ops.rest), shapes=SHAPES)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://venue")

    async def get(self, path: str, **params: Any) -> Any:
        found = await self.client.get(f"/v1{path}", params=params)
        assert found.status_code == 200, found.text
        return found.json()

    async def refused(self, path: str, code: str, **params: Any) -> None:
        found = await self.client.get(f"/v1{path}", params=params)
        assert (found.status_code, found.json()["code"]) == (CODES[code][0], code), found.text

    def live(self, number: int) -> int:
        return int(self.rig.service.columns["param"][0, number])


async def opened(rig: Rig) -> Desk:
    """BTC at 50,000 USD; a taker long 1.5 BTC of a maker, at 7.5x; a book on both sides."""
    await rig.list_market()
    desk = Desk(rig)
    for wallet, usd in ((MAKER, 1_000_000), (TAKER, 10_000), (OTHER, 1_000)):
        await rig.fund(wallet, usd)
    await rig.order(MAKER, False, "50000", "1.5")
    assert "filled" in await rig.order(TAKER, True, "50000", "1.5")
    await rig.order(MAKER, False, "50010", "3")
    await rig.order(MAKER, True, "49990", "2")
    return desk


async def crash(rig: Rig, desk: Desk) -> None:
    """Two quiet looks, then 24 % down within half a minute, looked at every few seconds."""
    for price in (50_000_000, 50_000_000, *range(49_000_000, 37_900_000, -1_000_000)):
        await rig.price(0, price)
        await desk.office.look()
