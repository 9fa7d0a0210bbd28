"""ccxt.pro's `hyperliquid`, unchanged but for its addresses: what it watches, and orders over the websocket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest
from client_venue import Venue, Wallet

BTC, ETH = "BTC/USDC:USDC", "ETH/USDC:USDC"
PATIENCE = 20
Ccxt = Any

METHODS = """
    watch_order_book watch_ticker watch_tickers watch_my_trades watch_my_liquidations watch_trades
    watch_my_liquidations_for_symbols watch_ohlcv watch_balance watch_positions watch_orders
    un_watch_order_book un_watch_ticker un_watch_tickers un_watch_my_trades un_watch_trades un_watch_ohlcv
    un_watch_balance un_watch_positions un_watch_orders
    create_orders_ws create_order_ws edit_order_ws cancel_orders_ws cancel_order_ws
"""
"""Every method of ccxt.pro's class that a user calls; each is called in this file."""


def using(venue: Venue, wallet: Wallet, work: Callable[[Ccxt], Awaitable[None]]) -> None:
    """Runs a flow with an exchange that is closed afterwards."""

    async def main() -> None:
        api = {"public": venue.url, "private": venue.url, "ws": {"public": venue.ws_url}}
        terms = {"walletAddress": wallet.address, "privateKey": wallet.secret, "enableRateLimit": False}
        exchange = ccxt.pro.hyperliquid({**terms, "urls": {"api": api}})
        try:
            await exchange.load_markets()
            await asyncio.wait_for(work(exchange), 60)
        finally:
            await exchange.close()

    asyncio.run(main())
    venue.clear(wallet)


async def soon(watching: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(watching, PATIENCE)


async def until(watch: Callable[[], Awaitable[Any]], is_it: Callable[[Any], bool]) -> Any:
    """The first of what is watched that is as wanted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await watch()
            if is_it(found):
                return found


def test_no_method_is_left_out() -> None:
    words = ("watch_", "un_watch_")
    own = [name for name in vars(ccxt.pro.hyperliquid) if name.startswith(words) or name.endswith("_ws")]
    assert sorted(set(own) - {"parse_ws_ticker"}) == sorted(METHODS.split())


def test_a_market_is_watched(venue: Venue) -> None:
    wallet, price = venue.wallet(), venue.price("BTC", -0.05)

    async def work(exchange: Ccxt) -> None:
        book = await soon(exchange.watch_order_book(BTC))
        assert book["bids"][0][0] < book["asks"][0][0]
        await exchange.create_order_ws(BTC, "limit", "buy", 0.01, price)
        book = await until(lambda: exchange.watch_order_book(BTC), lambda seen: len(seen["bids"]) > 1)
        assert price in [bid[0] for bid in book["bids"]]
        ticker = await soon(exchange.watch_ticker(BTC))
        assert ticker["bid"] < ticker["ask"]
        tickers = await soon(exchange.watch_tickers([BTC, ETH]))
        assert set(tickers) == {BTC, ETH}
        rows = await soon(exchange.watch_ohlcv(BTC, "1m"))
        assert rows[-1][3] <= rows[-1][4] <= rows[-1][2]
        watching = asyncio.create_task(
            until(lambda: exchange.watch_trades(BTC), lambda seen: any(each["amount"] == 0.0777 for each in seen))
        )
        await asyncio.sleep(0.2)
        await exchange.create_order_ws(BTC, "market", "buy", 0.0777, venue.price("BTC"))
        (trade,) = [each for each in await watching if each["amount"] == 0.0777]
        assert (trade["side"], trade["symbol"]) == ("buy", BTC)
        for ended in (
            exchange.un_watch_order_book(BTC),
            exchange.un_watch_ticker(BTC),
            exchange.un_watch_tickers(),
            exchange.un_watch_ohlcv(BTC, "1m"),
            exchange.un_watch_trades(BTC),
        ):
            await soon(ended)
        assert (await soon(exchange.watch_order_book(BTC)))["bids"]
        assert (await soon(exchange.watch_ticker(BTC)))["symbol"] == BTC

    using(venue, wallet, work)


def test_orders_and_fills_are_watched(venue: Venue) -> None:
    wallet, price, mark = venue.wallet(), venue.price("ETH", -0.05), venue.price("ETH")

    async def work(exchange: Ccxt) -> None:
        orders = asyncio.create_task(until(exchange.watch_orders, lambda seen: seen[-1]["status"] == "open"))
        await asyncio.sleep(0.3)
        order = await exchange.create_order_ws(ETH, "limit", "buy", 1, price)
        (seen,) = await orders
        assert (seen["id"], seen["symbol"], seen["amount"]) == (order["id"], ETH, 1.0)
        new = await exchange.edit_order_ws(order["id"], ETH, "limit", "buy", 2, price)
        await until(exchange.watch_orders, lambda seen: any(each["id"] == new["id"] for each in seen))
        await exchange.cancel_order_ws(new["id"], ETH)
        await until(exchange.watch_orders, lambda seen: seen[-1]["status"] == "canceled")
        trades = asyncio.create_task(until(exchange.watch_my_trades, bool))
        await asyncio.sleep(0.3)
        filled = await exchange.create_order_ws(ETH, "market", "buy", 3, mark)
        (fill,) = await trades
        assert (fill["order"], fill["side"], fill["amount"]) == (filled["id"], "buy", 3.0)
        await until(exchange.watch_orders, lambda seen: seen[-1]["status"] == "closed")
        await soon(exchange.un_watch_orders())
        await soon(exchange.un_watch_my_trades())

    using(venue, wallet, work)


def test_balance_and_positions_are_watched(venue: Venue) -> None:
    """ccxt shares one subscription between both: the second waits until the state is told again."""
    wallet, mark = venue.wallet(), venue.price("BTC")

    async def work(exchange: Ccxt) -> None:
        balance = await soon(exchange.watch_balance())
        assert balance["USDC"]["total"] == 100_000
        await soon(exchange.watch_positions())
        opening = asyncio.create_task(until(exchange.watch_positions, bool))
        await exchange.create_order_ws(BTC, "market", "buy", 0.2, mark)
        (position,) = await opening
        assert (position["symbol"], position["contracts"], position["side"]) == (BTC, 0.2, "long")
        await exchange.create_order_ws(BTC, "market", "sell", 0.2, mark, {"reduceOnly": True})
        balance = await until(exchange.watch_balance, lambda seen: seen["USDC"]["used"] == 0)
        assert balance["USDC"]["total"] < 100_000
        await soon(exchange.un_watch_positions())
        spot = await soon(exchange.watch_balance({"type": "spot"}))
        assert spot["info"] is not None
        await soon(exchange.un_watch_balance({"type": "spot"}))

    using(venue, wallet, work)


def test_many_orders_over_the_websocket(venue: Venue) -> None:
    wallet, price = venue.wallet(), venue.price("BTC", -0.05)

    async def work(exchange: Ccxt) -> None:
        wanted = [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": price - n} for n in range(3)]
        placed = await exchange.create_orders_ws(wanted)
        await exchange.cancel_orders_ws([order["id"] for order in placed], BTC)
        assert await exchange.fetch_open_orders() == []
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order_ws(placed[0]["id"], BTC)
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order_ws(BTC, "limit", "buy", 500, price)
        with pytest.raises(ccxt.InvalidOrder):
            await exchange.create_order_ws(BTC, "limit", "buy", 0.00005, price)

    using(venue, wallet, work)


def test_no_liquidation_is_no_news(venue: Venue) -> None:
    """Fills of the account come; none of them is a liquidation."""
    wallet = venue.wallet()

    async def work(exchange: Ccxt) -> None:
        watching = [
            asyncio.create_task(exchange.watch_my_liquidations(BTC)),
            asyncio.create_task(exchange.watch_my_liquidations_for_symbols([BTC, ETH])),
        ]
        await asyncio.sleep(0.2)
        await exchange.create_order_ws(BTC, "market", "buy", 0.1, venue.price("BTC"))
        await exchange.create_order_ws(BTC, "market", "sell", 0.1, venue.price("BTC"))
        done, _ = await asyncio.wait(watching, timeout=0.5)
        assert not done
        for each in watching:
            each.cancel()

    using(venue, wallet, work)
