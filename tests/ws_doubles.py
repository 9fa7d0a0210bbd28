"""What the websocket asks other parts for, in memory: history, POST /info and shapes, in the same words and no more."""

import sys
from types import ModuleType
from typing import Any

from seawall.terms import command
from seawall.units import BadInput
from seawall.venue.decimals import price_text, rate_text, text_of, usd_text
from seawall.venue.mirror import Kept
from seawall.venue.names import address_of, address_text, client_id_text
from seawall.venue.records import Entry, Fill, News, Order, Payment, Twap
from seawall.venue.universe import Listing

MINUTE = 60_000


class History:
    """Everything since it was made."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: list[News] = []
        self.asked = 0

    def load(self) -> tuple[int, Kept]:
        return 0, Kept()

    def add(self, news: News) -> None:
        self.told.append(news)

    def settle(self) -> None: ...

    def clear(self) -> None: ...

    def close(self) -> None: ...

    async def flush(self) -> None: ...

    def _newest(self, name: str, account: int, limit: int) -> list[Any]:
        self.asked += 1
        found = [one for news in self.told for one in getattr(news, name) if one.account == account]
        return found[::-1][:limit]

    async def fills(self, account: int, start: int, end: int, limit: int) -> list[Fill]:
        return [one for one in self._newest("fills", account, limit) if start <= one.time <= end]

    async def payments(self, account: int, start: int, end: int, limit: int) -> list[Payment]:
        return [one for one in self._newest("payments", account, limit) if start <= one.time <= end]

    async def entries(self, account: int, start: int, end: int, limit: int) -> list[Entry]:
        return [one for one in self._newest("entries", account, limit) if start <= one.time <= end]

    async def orders(self, account: int, limit: int) -> list[Order]:
        newest = {one.oid: one for one in reversed(self._newest("orders", account, 1 << 20))}
        return [*newest.values()][::-1][:limit]

    async def twaps(self, account: int, limit: int) -> list[Twap]:
        found = [one for news in self.told for one in news.twaps if one.schedule.account == account]
        return found[::-1][:limit]

    async def market_fills(self, market: int, start: int, end: int, limit: int) -> list[Fill]:
        found = [one for news in self.told for one in news.fills if one.market == market and one.is_taker]
        return [one for one in found[::-1][:limit] if start <= one.time <= end]


def install() -> None:
    """Stands in for the history package where there is none."""
    package, store = ModuleType("seawall.venue.history"), ModuleType("seawall.venue.history.store")
    store.History = History  # type: ignore[attr-defined]
    sys.modules.setdefault("seawall.venue.history", package)
    sys.modules.setdefault("seawall.venue.history.store", store)


class Shapes:
    """Short forms of what clients read."""

    def __init__(self, service: Any) -> None:
        self.service = service

    def _coin(self, market: int) -> Listing:
        return self.service.universe.listings[market]

    def best(self, listing: Listing) -> tuple[Any, Any]:
        bids, asks = levels(self.service, listing)
        return (bids[0] if bids else None), (asks[0] if asks else None)

    def trade(self, fill: Fill) -> Any:
        listing, people = self._coin(fill.market), self.service.people.persons
        users = [address_text(people[one].address) if one >= 0 else "0x" for one in (fill.account, fill.other)]
        return {
            "coin": listing.coin,
            "side": "B" if fill.lots > 0 else "A",
            "px": listing.price_text(fill.price),
            "sz": listing.size_text(abs(fill.lots)),
            "time": fill.time,
            "hash": f"0x{fill.sequence:064x}",
            "tid": fill.tid,
            "users": users if fill.lots > 0 else users[::-1],
        }

    def fills(self, fills: list[Fill], *, is_aggregated: bool) -> list[Any]:
        found = []
        for fill in fills:
            listing = self._coin(fill.market)
            shape = {
                "coin": listing.coin,
                "px": listing.price_text(fill.price),
                "sz": listing.size_text(abs(fill.lots)),
                "side": "B" if fill.lots > 0 else "A",
                "time": fill.time,
                "oid": fill.oid,
                "tid": fill.tid,
                "crossed": fill.is_taker,
                "twapId": fill.twap or None,
            }
            if not (is_aggregated and found and found[-1]["oid"] == fill.oid):
                found.append(shape)
        return found

    def order(self, order: Order) -> Any:
        listing = self._coin(order.market)
        shape = {
            "coin": listing.coin,
            "side": "A" if order.flags & command.SELL else "B",
            "limitPx": listing.price_text(order.price),
            "sz": listing.size_text(order.left),
            "oid": order.oid,
            "timestamp": order.time,
            "origSz": listing.size_text(order.size),
        }
        if order.cloid:
            shape["cloid"] = client_id_text(order.cloid)
        return {"order": shape, "status": order.status, "statusTimestamp": order.status_time}

    def past_order(self, order: Order) -> Any:
        return self.order(order)

    def payment(self, payment: Payment) -> Any:
        listing = self._coin(payment.market)
        return {
            "time": payment.time,
            "coin": listing.coin,
            "usdc": usd_text(payment.amount),
            "szi": listing.size_text(payment.lots),
            "fundingRate": rate_text(payment.rate, 10**12),
            "nSamples": None,
        }

    def entry(self, entry: Entry) -> Any:
        if entry.kind in ("isolated", "withdrawn"):
            return None
        delta = {"type": entry.kind, "usdc": usd_text(entry.amount)}
        return {"time": entry.time, "hash": f"0x{entry.sequence:064x}", "delta": delta}

    def twap(self, twap: Twap) -> Any:
        if twap.status == "slice":
            return None
        return {"time": twap.time, "state": {}, "status": {"status": twap.status}, "twapId": twap.id}


def levels(service: Any, listing: Listing) -> tuple[list[Any], list[Any]]:
    """Both sides of a book, best first, from the mirror's orders."""
    sides: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
    for order in service.mirror.orders.by_oid.values():
        if order.market == listing.number and not order.trigger:
            level = sides[order.flags & command.SELL].setdefault(order.price, [0, 0])
            level[0] += order.left
            level[1] += 1
    made = []
    for side, direction in zip(sides, (-1, 1), strict=True):
        prices = sorted(side, key=lambda price, way=direction: way * price)
        made.append(
            [
                {"px": listing.price_text(one), "sz": listing.size_text(side[one][0]), "n": side[one][1]}
                for one in prices[:20]
            ]
        )
    return made[0], made[1]


async def info(service: Any, request: dict[str, Any]) -> Any:
    """POST /info for what the websocket asks."""
    kind, universe = request["type"], service.universe
    if kind in ("allMids", "metaAndAssetCtxs"):
        contexts = {listing.coin: _context(service, listing) for listing in universe.listings}
        if kind == "metaAndAssetCtxs":
            return [{"universe": [{"name": coin} for coin in contexts]}, [*contexts.values()]]
        return {coin: context["midPx"] for coin, context in contexts.items() if context["midPx"]}
    if kind == "l2Book":
        book = levels(service, universe.coin(request["coin"]))
        return {"coin": request["coin"], "time": service.now, "levels": [*book]}
    if kind == "candleSnapshot":
        return _candles(service, request["req"])
    return _account(service, kind, request)


def _context(service: Any, listing: Listing) -> dict[str, Any]:
    bids, asks = levels(service, listing)
    mark = int(service.columns["market_price"][listing.number])
    middle = None
    if bids and asks:
        total = sum(listing.price(side[0]["px"], "px") for side in (bids, asks))
        middle = text_of(total * 5, 7 - listing.size_decimals)
    return {"markPx": price_text(mark, listing.size_decimals), "midPx": middle}


def _candles(service: Any, request: dict[str, Any]) -> list[Any]:
    assert request["interval"] == "1m"
    listing = service.universe.coin(request["coin"])
    bars: dict[int, list[Fill]] = {}
    for news in service.history.told:
        for fill in news.fills:
            if fill.market == listing.number and fill.is_taker and fill.time >= request["startTime"]:
                bars.setdefault(fill.time - fill.time % MINUTE, []).append(fill)
    return [
        {
            "t": start,
            "T": start + MINUTE - 1,
            "s": listing.coin,
            "i": "1m",
            "o": listing.price_text(fills[0].price),
            "c": listing.price_text(fills[-1].price),
            "h": listing.price_text(max(fill.price for fill in fills)),
            "l": listing.price_text(min(fill.price for fill in fills)),
            "v": listing.size_text(sum(abs(fill.lots) for fill in fills)),
            "n": len(fills),
        }
        for start, fills in sorted(bars.items())
    ]


def _account(service: Any, kind: str, request: dict[str, Any]) -> Any:
    if "user" not in request:
        raise BadInput("type", f"unknown type {kind!r}")
    if request.get("dex"):
        raise BadInput("dex", "unknown dex")
    account = service.people.account_of(address_of(request["user"], "user"))
    raw = int(service.columns["bucket_raw"][account]) if account >= 0 else 0
    live = service.mirror.orders.of_account(account)
    orders = [Shapes(service).order(order)["order"] for order in live]
    state = {"marginSummary": {"accountValue": usd_text(raw)}, "withdrawable": usd_text(raw), "time": service.now}
    match kind:
        case "clearinghouseState":
            return state
        case "frontendOpenOrders":
            return orders
        case "spotClearinghouseState":
            spot = service.people.persons[account].spot if account >= 0 else -1
            total = int(service.columns["bucket_raw"][spot]) if spot >= 0 else 0
            return {"balances": [{"coin": "USDC", "token": 0, "total": usd_text(total), "hold": "0.0"}]}
        case "activeAssetData":
            return {"user": request["user"], "coin": request["coin"], "markPx": "1.0"}
        case "webData2":
            return {
                "clearinghouseState": state,
                "openOrders": orders,
                "agentAddress": None,
                "agentValidUntil": None,
                "cumLedger": "0.0",
                "serverTime": service.now,
                "isVault": False,
                "user": request["user"],
                "totalVaultEquity": "0.0",
                "leadingVaults": [],
                "twapStates": [[one, {}] for one, plan in service.mirror.twaps.items() if plan.account == account],
            }
    raise BadInput("type", f"unknown type {kind!r}")
