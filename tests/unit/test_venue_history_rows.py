"""History of made-up news: a market number given to another market, and an order of which everything changes."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.venue.history.candles import Candle
from seawall.venue.history.store import History
from seawall.venue.records import NOBODY, Fill, Listed, News, Order
from seawall.venue.universe import Listing

START = 1_760_000_400_000
MINUTE, HOUR = 60_000, 3_600_000
LASTING = ("oid", "account", "market", "cloid", "time", "sequence", "twap")  # of an order


def listed(sequence: int, time: int, coin: str) -> News:
    listing = Listing(number=0, coin=coin, size_decimals=3, price_max=2**31)
    told = Listed(time=time, sequence=sequence, listing=listing)
    return News(sequence, sequence, time, b"chain", listings=[told])


def traded(sequence: int, time: int, price: int) -> News:
    fill = Fill(
        tid=sequence,
        time=time,
        sequence=sequence,
        market=0,
        account=5,
        bucket=5,
        oid=0,
        cloid=0,
        lots=2,
        price=price,
        start=0,
        pnl=0,
        fee=0,
        is_taker=True,
        method="",
        liquidated=NOBODY,
        mark=0,
        twap=0,
        other=6,
    )
    return News(sequence, sequence, time, b"chain", fills=[fill])


def marked(sequence: int, time: int, mark: int) -> News:
    return News(sequence, sequence, time, b"chain", marks=[(0, mark)], mark_places=[(sequence, time)])


def candle(interval: str, start: int, end: int, prices: tuple[int, ...], lots: int) -> Candle:
    return Candle(
        market=0,
        interval=interval,
        start=start,
        end=end,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=lots,
        value=sum(prices) * 2 if lots else 0,
        trades=lots // 2,
    )


@pytest.mark.parametrize("restarts", [(), (3,), (4,), (5,), (6,), (1, 2, 3, 4, 5, 6)])
def test_a_number_given_to_another_market_begins_anew(restarts: tuple[int, ...], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    told = [
        listed(1, START, "OLD"),
        traded(2, START + 1, 1_000),
        traded(3, START + MINUTE, 1_100),
        listed(4, START + 2 * MINUTE + 5, "NEW"),
        marked(5, START + 4 * MINUTE + 6, 50),
        marked(6, START + 5 * MINUTE, 60),
        traded(7, START + 6 * MINUTE + 1, 70),
    ]
    history = History(url)
    history.load()
    for at, news in enumerate(told):
        if at in restarts:
            history.close()
            history = History(url)
            assert history.load()[0] == at
        history.add(news)

    async def ask() -> None:
        hour = START - START % HOUR
        assert await history.candles(0, "1h") == [candle("1h", hour, hour + HOUR - 1, (70,), 2)]
        first = START + 4 * MINUTE
        minutes = [candle("1m", first + n * MINUTE, first + (n + 1) * MINUTE - 1, (50 + 10 * n,), 0) for n in (0, 1)]
        last = candle("1m", first + 2 * MINUTE, first + 3 * MINUTE - 1, (70,), 2)
        assert await history.candles(0, "1m") == [*minutes, last]
        assert [fill.price for fill in await history.market_fills(0)] == [70]
        assert len(await history.fills(5)) == 3
        assert [order.price for order in await history.orders(5)] == []

    asyncio.run(ask())
    kept = History(url)
    history.close()
    assert [listing.coin for listing in kept.load()[1].listings] == ["NEW"]
    kept.close()


def test_everything_of_an_order_that_may_change_does(tmp_path: Path) -> None:
    fields: dict[str, Any] = {name: place for place, name in enumerate(Order.__struct_fields__, 1)}
    first = Order(**{**fields, "status": "open", "fired": False})
    other = {name: value + 100 for name, value in fields.items() if name not in LASTING}
    then = msgspec.structs.replace(first, **{**other, "status": "filled", "fired": True})
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    history.load()
    history.add(News(1, 1, 1, b"chain", orders={first.oid: first}))
    history.settle()
    history.add(News(2, 2, 2, b"chain", orders={then.oid: then}))

    async def ask() -> None:
        assert await history.order(first.oid) == then
        assert then.cloid == first.cloid

    asyncio.run(ask())
    history.close()
