"""The routes of `/v1` on a rig's venue, asked in process, and a venue with something to ask about."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from seawall.venue import config
from seawall.venue.decimals import units_of
from seawall.venue.names import address_text
from seawall.venue.ops.limits import Limits
from seawall.venue.reads import Reads
from seawall.venue.rest.errors import CODES
from seawall.venue.rest.routes import Rest, create_rest
from seawall.venue.rest.what_if_shapes import WhatIfView
from venue_rig import Rig, key

MAKER, TAKER, OTHER = key(1), key(2), key(3)
Ask = Callable[..., Awaitable[Any]]


def micro(text: str) -> int:
    return units_of(text, 6, "usd")


class Door:
    """The routes on a rig's service, asked in process."""

    def __init__(self, rig: Rig, **limits: Any) -> None:
        self.rest = Rest(rig.service, Reads(rig.service.desk.venue), Limits(config.Limits(**limits)))
        self.app = FastAPI()
        create_rest(self.app, self.rest)
        transport = httpx.ASGITransport(self.app, client=("10.1.1.1", 5))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://venue")

    async def get(self, path: str, kind: type[Any] | None = None, **params: Any) -> Any:
        found = await self.client.get(f"/v1{path}", params=params)
        assert found.status_code == 200, found.text
        return found.json() if kind is None else msgspec.json.decode(found.content, type=kind)

    async def refused(self, path: str, code: str, **params: Any) -> str:
        found = await self.client.get(f"/v1{path}", params=params)
        assert found.status_code == CODES[code][0], found.text
        assert found.json()["code"] == code
        return str(found.json()["msg"])

    async def what_if(self, wallet: Any, **body: Any) -> WhatIfView:
        found = await self.client.post(f"/v1/accounts/{address_text(wallet.address)}/what-if", json=body)
        assert found.status_code == 200, found.text
        return msgspec.json.decode(found.content, type=WhatIfView)


def path_of(wallet: Any, rest: str = "") -> str:
    return f"/accounts/{address_text(wallet.address)}{rest}"


async def opened(rig: Rig) -> None:
    """BTC at 50,000 USD; a taker long 1.5 BTC of a maker, at 20x; an order that rests."""
    await rig.list_market()
    await rig.fund(MAKER, 1_000_000)
    await rig.fund(TAKER, 10_000)
    await rig.fund(OTHER, 1_000)
    await rig.order(MAKER, False, "50000", "1.5")
    assert "filled" in await rig.order(TAKER, True, "50000", "1.5")
    await rig.order(TAKER, True, "49000", "0.5")
