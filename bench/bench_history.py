"""What history costs the event loop and the disk, and how quick its answers are over a million fills.

A month of made-up trades among `ACCOUNTS` accounts: a batch has 20 trades, each with a new order that takes and a
resting one that it changes, and the mark of its market. Records are told as a venue tells them. Adding is measured in
the thread's own CPU time, writing in that of the process, every table and index counted in. Answers are awaited in an
event loop, from the question to the records; the bar is on CPU time, for by the clock a busy neighbour is measured too.
Then the loop runs beside the writer at a steady load, and tells how late its own sleeps of 1 ms end, with and without.
"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import harness
from seawall.venue.history.store import History
from seawall.venue.records import NOBODY, Entry, Fill, Listed, News, Order, Payment
from seawall.venue.universe import Listing

ROOT = Path(__file__).resolve().parent.parent
ACCOUNTS, MARKETS, SEED = 5_000, 20, 7
BATCHES, TRADES = 25_000, 20  # a million sides of trades
PART = 1_000  # batches made at a time, before they are told
START, MONTH = 1_760_000_400_000, 30 * 86_400_000
QUESTIONS = 1_000
LOAD_BATCHES, LOAD_S = 200, 5.0  # batches a second: 4,000 trades, 16,000 records


class Market:
    """Makes the news of batches, one after the other."""

    def __init__(self) -> None:
        self.dice = random.Random(SEED)
        self.sequence = self.oid = 0
        self.resting = [self.order(START) for _ in range(2_000)]
        self.prices = [50_000_000] * MARKETS

    def order(self, now: int) -> Order:
        self.oid += 1
        draw = self.dice.randrange
        return Order(
            oid=self.oid,
            engine=self.oid,
            account=draw(ACCOUNTS),
            bucket=0,
            market=draw(MARKETS),
            flags=draw(2),
            price=50_000_000,
            size=1_000,
            left=1_000,
            done=0,
            trigger=0,
            extra=0,
            cloid=draw(2**127) if draw(2) else 0,
            time=now,
            status="open",
            status_time=now,
            sequence=self.sequence,
            parent=0,
            twap=0,
            cost=0,
        )

    def first(self) -> News:
        listings = [Listing(number=n, coin=f"C{n}", size_decimals=3, price_max=2**31) for n in range(MARKETS)]
        told = [Listed(time=START, sequence=1, listing=listing) for listing in listings]
        self.sequence = 1
        return News(1, 1, START, bytes(32), orders=[*self.resting], listings=told)

    def batch(self, now: int) -> News:
        news = News(self.sequence + 1, self.sequence + TRADES, now, bytes(32))
        for _ in range(TRADES):
            self.sequence += 1
            place = self.dice.randrange(len(self.resting))
            maker, taker = self.resting[place], self.order(now)
            self.prices[maker.market] += self.dice.randint(-9, 9) * 10_000
            self.trade(news, maker, taker, self.prices[maker.market])
            maker.done += 10
            if maker.done > 50:
                maker.engine, maker.status = 0, "filled"
                self.resting[place] = self.order(now)
                news.orders.append(self.resting[place])
            taker.engine, taker.done, taker.status = 0, 10, "filled"
            news.orders += [maker, taker]
            news.marks.append((maker.market, self.prices[maker.market]))
            news.mark_places.append((self.sequence, now))
        account, amount = self.dice.randrange(ACCOUNTS), self.dice.randint(-999, 999)
        base = {"time": now, "sequence": self.sequence, "account": account, "amount": amount, "market": 0}
        news.payments.append(Payment(**base, bucket=account, lots=5, rate=1))
        news.entries.append(Entry(**base, kind="send", other=1, reference=0, address=b""))
        return news

    def trade(self, news: News, maker: Order, taker: Order, price: int) -> None:
        for order, is_taker in ((taker, True), (maker, False)):
            news.fills.append(
                Fill(
                    tid=self.sequence << 15,
                    time=news.time,
                    sequence=self.sequence,
                    market=maker.market,
                    account=order.account,
                    bucket=order.account,
                    oid=order.oid,
                    cloid=order.cloid,
                    lots=10 if is_taker else -10,
                    price=price,
                    start=0,
                    pnl=0,
                    fee=25,
                    is_taker=is_taker,
                    method="",
                    liquidated=NOBODY,
                    mark=0,
                    twap=0,
                    other=0,
                )
            )


def write(history: History, market: Market) -> list[harness.Figure]:
    """A month of batches; what adding and writing them costs."""
    history.add(market.first())
    history.settle()
    step, records = MONTH // BATCHES, -history.written
    adding = using = taking = 0.0
    for first in range(0, BATCHES, PART):
        made = [market.batch(START + number * step) for number in range(first, first + PART)]
        cpu, clock = time.process_time(), time.perf_counter()
        for news in made:
            start = time.thread_time()
            history.add(news)
            adding += time.thread_time() - start
        history.settle()
        using, taking = using + time.process_time() - cpu, taking + time.perf_counter() - clock
    records += history.written
    return [
        harness.Figure("adding a record, us of the loop's CPU time", adding / records * 1e6, 3, "lower"),
        harness.Figure("a record in all, us of CPU time", using / records * 1e6, 20, "lower"),
        harness.Figure("records written a second of CPU time", records / using, None, "higher"),
        harness.Figure("records written a second by the clock", records / taking, None, "higher"),
    ]


async def answers(history: History, market: Market) -> list[harness.Figure]:
    """p99 of each question, in ms."""
    dice, end = random.Random(3), START + MONTH

    def account() -> int:
        return dice.randrange(ACCOUNTS)

    def moment() -> int:
        return dice.randrange(START, end)

    def candle(interval: str, span: int) -> Awaitable[object]:
        start = dice.randrange(START, end - span) if span < MONTH else START
        return history.candles(dice.randrange(MARKETS), interval, start, start + span, 5_000)

    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "an order by its number": lambda: history.order(dice.randrange(1, market.oid)),
        "an account's last 100 orders": lambda: history.orders(account(), 100),
        "an account's last 200 fills": lambda: history.fills(account(), limit=200),
        "200 fills up to a moment": lambda: history.fills(account(), 0, moment(), 200),
        "an account's payments": lambda: history.payments(account()),
        "an account's other money": lambda: history.entries(account()),
        "a market's last 100 trades": lambda: history.market_fills(dice.randrange(MARKETS), limit=100),
        "500 candles of a minute": lambda: candle("1m", 500 * 60_000),
        "a month of hours": lambda: candle("1h", MONTH),
        "an account's volume of 15 days": lambda: history.volumes(account(), 15),
    }
    figures = []
    for name, question in questions.items():
        await question()
        cpu, clock = [], []
        for _ in range(QUESTIONS):
            used, start = time.process_time(), time.perf_counter()
            await question()
            cpu.append((time.process_time() - used) * 1e3)
            clock.append((time.perf_counter() - start) * 1e3)
        figures.append(harness.Figure(f"{name}: p99, ms of CPU time", sorted(cpu)[QUESTIONS * 99 // 100], 5, "lower"))
        for share in (50, 99):
            took = sorted(clock)[QUESTIONS * share // 100]
            figures.append(harness.Figure(f"{name}: p{share}, ms by the clock", took, None, "lower"))
    return figures


async def late(history: History | None, market: Market) -> tuple[float, float]:
    """(p50, p99) of how late sleeps of 1 ms end, in ms, beside LOAD_BATCHES batches a second."""
    made = [market.batch(START + MONTH + number) for number in range(int(LOAD_BATCHES * LOAD_S))]
    stop = asyncio.Event()
    took: list[float] = []

    async def watch() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            took.append((time.perf_counter() - start - 0.001) * 1e3)

    task, begun = asyncio.create_task(watch()), time.perf_counter()
    for number, news in enumerate(made):
        if history is not None:
            history.add(news)
        await asyncio.sleep(max(0.0, begun + (number + 1) / LOAD_BATCHES - time.perf_counter()))
    stop.set()
    await task
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="seawall-bench-", dir=ROOT))
    try:
        history, market = History(f"sqlite:///{folder / 'history.sqlite'}"), Market()
        history.load()
        figures = write(history, market)
        size = sum(path.stat().st_size for path in folder.iterdir())
        figures.append(harness.Figure("bytes a record on disk", size / history.written, None, "lower"))
        figures += asyncio.run(answers(history, market))
        for name, told in (("without history", None), ("beside the writer", history)):
            middle, worst = asyncio.run(late(told, market))
            figures.append(harness.Figure(f"the loop is late, {name}: p50, ms", middle, None, "lower"))
            figures.append(harness.Figure(f"the loop is late, {name}: p99, ms", worst, None, "lower"))
        history.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    harness.write("history", figures)


if __name__ == "__main__":
    sys.exit(main())
