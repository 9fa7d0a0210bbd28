"""Markets in Hyperliquid's shapes: what is listed, prices, contexts, books, candles, funding."""

from typing import TYPE_CHECKING, Any, Final

from seawall.book.grid import ASKS, BIDS
from seawall.ledger import state
from seawall.terms import command, parameter
from seawall.units import FUNDING_ONE, BadInput, floor_div
from seawall.venue.decimals import rate_text, text_of, usd_text
from seawall.venue.records import Step
from seawall.venue.universe import Listing, tiers_of
from seawall.venue.views.figures import Quote
from seawall.venue.views.shapes import (
    AssetCtx,
    Book,
    Candle,
    Level,
    MarginTable,
    MarginTier,
    Meta,
    UniverseEntry,
)

if TYPE_CHECKING:
    from seawall.venue.history.candles import Candle as KeptCandle
    from seawall.venue.service import Service

TABLES_FROM: Final = 1_000  # ids of margin tables with several tiers; below, an id is the leverage of its only one
PREDICTED: Final = "HlPerp"  # the venue's own name among those of `predictedFundings`
RATE_HOURS: Final = 8  # premium and interest are for this many hours
FIGURES: Final = (2, 3, 4, 5)
MANTISSAS: Final = (2, 5)
STATUSES: Final = {
    command.REDUCING: "reduce-only",
    command.POSTING: "post-only",
    command.CANCELLING: "cancel-only",
    command.HALTED: "halted",
}


def meta(service: "Service") -> Meta:
    """`meta`: every market by its number, with the tables of its static tiers."""
    universe, tables = [], {}
    for listing in service.universe.listings:
        tiers = tiers_of(service.columns, listing.number)
        most = tiers[0][1] if tiers else 1
        table = table_id(listing.number, most, len(tiers))
        tables[table] = margin_table(tiers or [(0, most, 0)])
        entry = UniverseEntry(
            name=listing.coin, sz_decimals=listing.size_decimals, max_leverage=most, margin_table_id=table
        )
        if not service.universe.is_open(service.columns, listing):
            entry.is_delisted = True
        universe.append(entry)
    return Meta(universe=universe, margin_tables=sorted(tables.items(), key=_id), collateral_token=0)


def table_id(market: int, most: int, count: int) -> int:
    """The id of a market's margin table."""
    return most if count <= 1 and most < TABLES_FROM else TABLES_FROM + market


def margin_table(tiers: list[tuple[int, int, int]]) -> MarginTable:
    """Tiers as clients read them."""
    rows = [MarginTier(lower_bound=usd_text(lower), max_leverage=leverage) for lower, leverage, _ in tiers]
    return MarginTable(description="" if len(rows) == 1 else f"tiered {rows[0].max_leverage}x", margin_tiers=rows)


def table_of(service: "Service", table: int) -> MarginTable:
    """`marginTable`: one of `meta`, or of one tier. BadInput for an id that no market could have."""
    if 1 <= table < TABLES_FROM:
        return margin_table([(0, table, 0)])
    for number, found in meta(service).margin_tables:
        if number == table:
            return found
    raise BadInput("id", f"no market has the margin table {table}")


def meta_and_contexts(service: "Service") -> tuple[Meta, list[AssetCtx]]:
    """`metaAndAssetCtxs`."""
    return meta(service), asset_contexts(service)


def asset_contexts(service: "Service") -> list[AssetCtx]:
    """The context of every market."""
    listings = service.universe.listings
    return [context_of(service, listings[number], quote) for number, quote in enumerate(service.lens.reader.quotes())]


def asset_context(service: "Service", listing: Listing) -> AssetCtx:
    """The context of one market."""
    return context_of(service, listing, service.lens.reader.quote(listing.number))


def context_of(service: "Service", listing: Listing, quote: Quote) -> AssetCtx:
    """A market's context of its quote. Open interest is one-sided; funding is the rate of this interval so far."""
    lots, value, before = service.lens.days.day(listing.number, service.now)
    impact = None
    if quote.impact_bid and quote.impact_ask:
        impact = (listing.price_text(quote.impact_bid), listing.price_text(quote.impact_ask))
    return AssetCtx(
        funding=rate_text(quote.rate, FUNDING_ONE),
        open_interest=listing.size_text(quote.open),
        prev_day_px=listing.price_text(before or quote.mark),
        day_ntl_vlm=usd_text(value),
        premium=rate_text(quote.premium, FUNDING_ONE) if quote.is_fresh else None,
        oracle_px=listing.price_text(quote.oracle),
        mark_px=listing.price_text(quote.mark),
        mid_px=middle_text(listing, quote.bid, quote.ask) if quote.bid and quote.ask else None,
        impact_pxs=impact,
        day_base_vlm=listing.size_text(lots),
    )


def middle_text(listing: Listing, bid: int, ask: int) -> str:
    """The middle of two prices, exactly."""
    return text_of(5 * (bid + ask), listing.price_decimals + 1)


def all_mids(service: "Service") -> dict[str, str]:
    """`allMids`: the middle of each book; without two sides the last trade's price, else the mark."""
    mids = {}
    for listing, quote in zip(service.universe.listings, service.lens.reader.quotes(), strict=True):
        if quote.bid and quote.ask:
            mids[listing.coin] = middle_text(listing, quote.bid, quote.ask)
        elif price := quote.last or quote.mark:
            mids[listing.coin] = listing.price_text(price)
    return mids


def l2_book(service: "Service", listing: Listing, figures: int = 0, mantissa: int = 1) -> Book:
    """`l2Book`: 20 levels a side, each price its own, or joined at so many significant figures (see gather.py)."""
    sides = []
    for side in (BIDS, ASKS):
        levels = service.lens.reader.book(4 * listing.number + side, figures, mantissa)
        decimals, size_decimals = listing.price_decimals, listing.size_decimals
        sides.append([Level(px=text_of(px, decimals), sz=text_of(sz, size_decimals), n=n) for px, sz, n in levels])
    return Book(coin=listing.coin, time=service.now, levels=(sides[0], sides[1]))


def best_levels(service: "Service", listing: Listing) -> tuple[Level | None, Level | None]:
    """The best bid and ask."""
    book = l2_book(service, listing)
    return book.levels[0][0] if book.levels[0] else None, book.levels[1][0] if book.levels[1] else None


def candle(listing: Listing, kept: "KeptCandle") -> Candle:
    """A candle of history."""
    return Candle(
        t=kept.start,
        close_time=kept.end,
        s=listing.coin,
        i=kept.interval,
        o=listing.price_text(kept.open),
        c=listing.price_text(kept.close),
        h=listing.price_text(kept.high),
        l=listing.price_text(kept.low),
        v=listing.size_text(kept.volume),
        n=kept.trades,
    )


def funding_step(service: "Service", listing: Listing, step: Step) -> dict[str, Any]:
    """A step of `fundingHistory`."""
    return {
        "coin": listing.coin,
        "fundingRate": rate_text(step.rate, FUNDING_ONE),
        "premium": rate_text(premium_of(service, listing.number, step.rate), FUNDING_ONE),
        "time": step.time,
    }


def premium_of(service: "Service", market: int, rate: int) -> int:
    """The mean premium that an hourly rate tells of (SPEC section 7), by the parameters of now.

    Within the clamp every premium gives the same rate, that of the interest: then it is the interest. The part of the
    rate that follows the skew of open interest counts as premium.
    """
    params = service.columns["param"]
    interest = int(params[market, parameter.FUNDING_INTEREST])
    clamp = int(params[market, parameter.FUNDING_CLAMP])
    whole = RATE_HOURS * rate
    if abs(whole - interest) < RATE_HOURS:
        return interest
    return whole + clamp if whole > interest else whole - clamp


def predicted_fundings(service: "Service") -> list[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """`predictedFundings`: of every market, by its samples so far."""
    found = []
    params, now = service.columns["param"], service.now
    for listing, quote in zip(service.universe.listings, service.lens.reader.quotes(), strict=True):
        length = max(int(params[listing.number, parameter.FUNDING_INTERVAL_MS]), parameter.HOUR_MS)
        predicted = {
            "fundingRate": rate_text(quote.rate, FUNDING_ONE),
            "nextFundingTime": (floor_div(now, length) + 1) * length,
            "fundingIntervalHours": floor_div(length, parameter.HOUR_MS),
        }
        found.append((listing.coin, [(PREDICTED, predicted)]))
    return found


def at_open_interest_cap(service: "Service") -> list[str]:
    """`perpsAtOpenInterestCap`: markets that take no more open interest."""
    opened, params = service.columns["market_open"], service.columns["param"]
    return [
        listing.coin
        for listing in service.universe.listings
        if opened[listing.number] >= params[listing.number, parameter.OPEN_INTEREST_CAP]
    ]


def greatest_orders(service: "Service") -> list[tuple[str, str]]:
    """`maxMarketOrderNtls`: (USD, coin) of the greatest order that any account may place, by the market's caps."""
    found = []
    columns = service.columns
    for listing in service.universe.listings:
        number = listing.number
        caps = (parameter.POSITION_CAP, parameter.OPEN_INTEREST_CAP)
        lots = min(int(columns["market_listed_size"][number]), *(int(columns["param"][number, cap]) for cap in caps))
        found.append((usd_text(lots * int(columns["market_price"][number])), listing.coin))
    return found


def exchange_status(service: "Service") -> dict[str, Any]:
    """`exchangeStatus`: null while the venue runs, else in what state it is."""
    status = int(service.columns["cell"][state.VENUE_STATUS])
    return {"time": service.now, "specialStatuses": STATUSES.get(status)}


def vault_text(service: "Service") -> str:
    """USD deposited and not paid out."""
    return usd_text(int(service.columns["cell"][state.VAULT]))


def _id(pair: tuple[int, MarginTable]) -> int:
    return pair[0]
