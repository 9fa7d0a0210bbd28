"""What views know of the past: a process that began in the middle shows what one that saw everything does."""

import asyncio
import collections
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from seawall.book.grid import ASKS, BIDS
from seawall.engine.rows import rows_of
from seawall.kernel import INTERPRETED
from seawall.terms import command
from seawall.venue.info.answer import answer
from seawall.venue.records import NOBODY, Fill, News, Payment
from seawall.venue.views import account as accounts
from seawall.venue.views import funding, market, portfolio
from seawall.venue.views.fills import recent_trades
from seawall.venue.views.shapes import Level
from venue_double import Double, Remembered, log_of
from venue_scene import BTC, DOGE, USD, Scene

COMMANDS = 2_000 if INTERPRETED else 12_000
WORLDS = [(3, 0), (5, 7), (8, 11), (9, 0)]
DEEP = [(3, 3), (5, 7), (8, 11)]  # books of more than a few levels


def shown(double: Double) -> Any:
    """Everything that depends on the past, after both have looked back."""

    async def look() -> None:
        await double.lens.ready(double)  # type: ignore[arg-type]
        for person in double.people.persons:
            await double.lens.know(double, person.account)  # type: ignore[arg-type]

    asyncio.run(look())
    states = [accounts.clearinghouse_state(double, one.account) for one in double.people.persons]  # type: ignore[arg-type]
    markets = range(len(double.universe.listings))
    trades = [recent_trades(double, number, 50) for number in markets]  # type: ignore[arg-type]
    days = [double.lens.days.day(number, double.now) for number in markets]
    return msgspec.json.decode(msgspec.json.encode([states, trades, days, market.asset_contexts(double)]))  # type: ignore[arg-type]


@pytest.mark.parametrize("page", [3, 5_000])
@pytest.mark.parametrize(("seed", "number"), WORLDS)
def test_a_process_that_began_later_shows_the_same(
    seed: int, number: int, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(funding, "PAGE", page)
    double, log = Double(), log_of(seed, number, COMMANDS)
    for rows in log[: len(log) // 2]:
        double.apply(rows)
    later = double.restarted()
    for rows in log[len(log) // 2 : len(log) * 3 // 4]:
        double.apply(rows)
        later.apply(rows)
    assert shown(later) == shown(double)
    for rows in log[len(log) * 3 // 4 :]:
        double.apply(rows)
        later.apply(rows)
    assert shown(later) == shown(double)


@pytest.mark.parametrize(("seed", "number"), WORLDS)
def test_undoing_all_that_history_tells_leaves_nothing(seed: int, number: int) -> None:
    double = Double()
    for rows in log_of(seed, number, COMMANDS):
        double.apply(rows)

    async def books_of(account: int) -> portfolio.Books:
        return await portfolio.read_books(double, account)  # type: ignore[arg-type]

    for person in double.people.persons:
        books = asyncio.run(books_of(person.account))
        moved = list(portfolio._moved(books))
        assert books.raw == sum(one.cash for one in moved)
        assert books.spot == sum(one.spot for one in moved)
        lots: collections.Counter[int] = collections.Counter()
        for one in moved:
            lots[one.market] += one.lots
        assert {name: count for name, count in lots.items() if count} == books.sizes


@pytest.mark.parametrize(("seed", "number"), WORLDS)
def test_funding_since_ever_is_what_was_paid_and_is_owed(seed: int, number: int) -> None:
    double = Double()
    for rows in log_of(seed, number, COMMANDS):
        double.apply(rows)
    paid: collections.Counter[tuple[int, int]] = collections.Counter()
    for news in double.history.news:
        for one in news.payments:
            paid[one.account, one.market] += one.amount
    seen = 0
    for person in double.people.persons:
        state = accounts.clearinghouse_state(double, person.account)  # type: ignore[arg-type]
        figures = [one for bucket in double.lens.reader.account(person.account) for one in bucket.positions]
        for entry in state.asset_positions:
            number = double.universe.by_coin[entry.position.coin].number
            pending = next(one.funding for one in figures if one.market == number)
            total = paid[person.account, number] + pending
            assert Fraction(entry.position.cum_funding.all_time) * USD == -total
            seen += total != 0
    assert seen > 0 or INTERPRETED


def test_funding_counts_from_when_a_position_opened_and_last_changed() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(100_000)
    hourly = Fraction(6_000) * Fraction(125, 10**7)  # 0.1 BTC at the rate of the interest

    def sums() -> tuple[Fraction, ...]:
        (position,) = scene.ask("clearinghouseState", owner)["assetPositions"]
        found = position["position"]["cumFunding"]
        return tuple(Fraction(found[name]) / hourly for name in ("allTime", "sinceOpen", "sinceChange"))

    scene.trade(owner, other, BTC, 60_000_000, 100)
    scene.hours(2)
    assert sums() == (2, 2, 2)
    scene.trade(owner, other, BTC, 60_000_000, 100)
    scene.hours(1)
    assert sums() == (4, 4, 2)
    scene.trade(other, owner, BTC, 60_000_000, 300)  # beyond zero: short 0.1
    assert sums() == (4, 0, 0)
    scene.hours(1)
    assert sums() == (3, -1, -1)
    later = scene.restarted()
    scene.hours(1)
    assert sums() == (2, -2, -2)
    (position,) = later.ask("clearinghouseState", owner)["assetPositions"]
    assert Fraction(position["position"]["cumFunding"]["sinceOpen"]) == -hourly


def payment(sequence: int, amount: int) -> Payment:
    return Payment(time=sequence, sequence=sequence, account=0, bucket=0, market=0, lots=1, rate=0, amount=amount)


def fill(sequence: int, start: int, lots: int) -> Fill:
    plain: dict[str, Any] = dict.fromkeys(Fill.__struct_fields__, 0)
    given = {"time": sequence, "sequence": sequence, "start": start, "lots": lots, "method": ""}
    return Fill(**{**plain, **given})


def test_a_command_pays_before_it_trades() -> None:
    news = News(
        1, 9, 9, fills=[fill(3, 0, 5), fill(5, 5, -9)], payments=[payment(4, 10), payment(5, 20), payment(8, 1)]
    )
    sums = funding.FundingSums()
    sums.hear(news)
    assert sums.sums(0, 0) == (31, 1, 1)
    history = Remembered()
    history.add(news)
    later = funding.FundingSums()
    asyncio.run(funding.load_sums(later, history, 0, 9, 9))  # type: ignore[arg-type]
    assert later.sums(0, 0) == (31, 1, 1)
    half = funding.FundingSums()
    asyncio.run(funding.load_sums(half, history, 0, 4, 9))  # type: ignore[arg-type]
    assert half.sums(0, 0) == (10, 10, 10)


def test_what_happened_since_is_not_taken_from_history_as_well() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(100_000)
    scene.trade(owner, other, BTC, 59_000_000, 10)
    scene.hours(1)
    later = scene.restarted()
    for double in (scene, later):
        rows = [
            {"kind": command.PLACE, "signer": one, "nonce": scene.nonce + 1, "account": one, "market": BTC}
            | {"flags": flags, "price": 60_000_000, "size": 20}
            for one, flags in ((other, command.SELL), (owner, command.IOC))
        ]
        assert not double.apply(rows_of(rows)).any()
    assert shown(later) == shown(scene)  # in the same ms as the process began
    assert later.ask("metaAndAssetCtxs")[1][BTC]["dayBaseVlm"] == "0.03"


def test_a_price_of_more_than_a_day_ago_is_remembered() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(100_000)
    scene.trade(owner, other, BTC, 59_000_000, 10)
    scene.hours(30)
    later = scene.restarted()
    assert later.ask("metaAndAssetCtxs")[1][BTC]["prevDayPx"] == "59000.0"
    scene.trade(owner, other, BTC, 60_000_000, 10)
    assert scene.restarted().ask("metaAndAssetCtxs")[1][BTC]["prevDayPx"] == "59000.0"


def test_a_number_given_to_another_market_begins_anew() -> None:
    sums = funding.FundingSums()
    sums.put_past(0, {0: (5, 5, 5)})
    sums.hear(News(1, 9, 9, payments=[payment(4, 10)]))
    assert sums.sums(0, 0) == (15, 15, 15)
    sums.forget(0)
    assert sums.sums(0, 0) == funding.NOTHING
    sums.hear(News(10, 11, 11, payments=[payment(11, 2)]))
    assert sums.sums(0, 0) == (2, 2, 2)


def test_a_day_forgets_what_is_older() -> None:
    scene = Scene()
    owner, other = scene.person(10_000), scene.person(100_000)
    scene.trade(owner, other, BTC, 59_000_000, 10)
    scene.hours(2)
    scene.trade(owner, other, BTC, 60_000_000, 20)
    context = scene.ask("metaAndAssetCtxs")[1][BTC]
    assert (context["dayBaseVlm"], context["dayNtlVlm"], context["prevDayPx"]) == ("0.03", "1790.0", "59000.0")
    scene.hours(23)
    context = scene.ask("metaAndAssetCtxs")[1][BTC]
    assert (context["dayBaseVlm"], context["dayNtlVlm"], context["prevDayPx"]) == ("0.02", "1200.0", "59000.0")
    scene.hours(2)
    context = scene.ask("metaAndAssetCtxs")[1][BTC]
    assert (context["dayBaseVlm"], context["dayNtlVlm"], context["prevDayPx"]) == ("0.0", "0.0", "60000.0")


def test_a_portfolio_follows_price_and_money() -> None:
    scene = Scene()
    owner, other, third = scene.person(1_000), scene.person(100_000), scene.person(100_000)
    spot = scene.sub(owner)
    scene.trade(owner, other, DOGE, 100_000, 10_000)
    scene.hours(2)
    scene.price(DOGE, 101_000)
    scene.trade(third, other, DOGE, 101_000, 10)
    scene.hours(2)
    scene.do(command.TRANSFER, owner, account=owner, other=spot, amount=100 * USD)
    scene.deposit(owner, 500)
    scene.hours(2)
    windows = dict(scene.ask("portfolio", owner))
    assert list(windows) == ["day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime"]
    state = scene.ask("clearinghouseState", owner)["marginSummary"]
    both, perps = windows["day"], windows["perpDay"]
    assert perps["accountValueHistory"][-1] == [scene.now, state["accountValue"]]
    assert Fraction(both["accountValueHistory"][-1][1]) == Fraction(state["accountValue"]) + 100
    gained = Fraction(state["accountValue"]) - 1_400  # 1,000 + 500 - 100
    assert Fraction(perps["pnlHistory"][-1][1]) == Fraction(both["pnlHistory"][-1][1]) == gained
    assert Fraction(perps["accountValueHistory"][0][1]) == 1_000
    assert perps["vlm"] == "1000.0"
    times = [time for time, _ in perps["accountValueHistory"]]
    assert times == sorted(times)
    assert len(times) <= portfolio.SAMPLES


def levels_of(double: Double, number: int, side: int, figures: int, mantissa: int) -> list[list[Any]]:
    """A side of the book from the order rows alone."""
    c, listing = double.columns, double.universe.listings[number]
    found: dict[int, list[int]] = {}
    for row in range(1, len(c["order_id"])):
        level = int(c["order_level"][row])
        if c["order_id"][row] and level and c["level_row"][level] == 4 * number + side:
            price = int(c["order_price"][row])
            if figures:
                unit = 10 ** max(len(str(price)) - figures, 0) * mantissa
                price = price // unit * unit if side == BIDS else -(-price // unit) * unit
            total = found.setdefault(price, [0, 0])
            total[0] += int(c["order_size"][row])
            total[1] += 1
    best = sorted(found, reverse=side == BIDS)[:20]
    made = [Level(px=listing.price_text(at), sz=listing.size_text(found[at][0]), n=found[at][1]) for at in best]
    decoded: list[list[Any]] = msgspec.json.decode(msgspec.json.encode(made))
    return decoded


@pytest.mark.parametrize(("figures", "mantissa"), [(0, 1), (5, 1), (5, 2), (5, 5), (4, 1), (3, 1), (2, 1)])
@pytest.mark.parametrize(("seed", "number"), DEEP)
def test_a_book_is_its_orders(seed: int, number: int, figures: int, mantissa: int) -> None:
    double, log = Double(), log_of(seed, number, COMMANDS)
    longest = 0
    for turn, rows in enumerate(log):
        double.apply(rows)
        if turn % max(len(log) // 5, 1):
            continue
        for listing in double.universe.listings:
            request = {"type": "l2Book", "coin": listing.coin}
            if figures:
                request |= {"nSigFigs": figures}  # type: ignore[dict-item]
            if mantissa > 1:
                request |= {"mantissa": mantissa}  # type: ignore[dict-item]
            made = asyncio.run(answer(double, request))  # type: ignore[arg-type]
            book = msgspec.json.decode(msgspec.json.encode(made))
            for side in (BIDS, ASKS):
                expected = levels_of(double, listing.number, side, figures, mantissa)
                assert book["levels"][side] == expected
                longest = max(longest, len(expected))
    assert longest > (1 if 0 < figures < 5 or INTERPRETED else 5)


def test_pools_and_strangers_have_no_sums() -> None:
    sums = funding.FundingSums()
    assert sums.sums(NOBODY, 0) == funding.NOTHING
