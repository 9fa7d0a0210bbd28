"""What makes a folder a venue: markets listed, priced, stocked and opened, all by rows in the log.

Every step looks at the columns first and does what is missing, so a start that was cut off is finished by the next one,
and a market that was added to the configuration is listed in a venue that runs. What is listed already is left alone:
its parameters are the admin's from then on.
"""

import logging
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any, Final

from seawall.engine.rows import rows_of
from seawall.lab.listing import SIZE_DECIMALS, Fields, listing_fields, opening_fields, parameter_fields, static_market
from seawall.lab.universe import AUTUMN_2025
from seawall.terms import code, command, parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.market import Market
from seawall.units import RATE_ONE, USD_ONE, BadInput, UsdMicro, floor_div
from seawall.venue.clock import Clock
from seawall.venue.config import Config, MarketTerms, PortfolioTerms
from seawall.venue.desk import BusyError, refused
from seawall.venue.feeds.feeds import Feeds
from seawall.venue.names import name_pair
from seawall.venue.residents import Residents
from seawall.venue.service import Service
from seawall.venue.universe import Listing, markets_listed

HOUSE: Final = ("house", 0)  # the resident that stocks funds and pools
DEFAULT_COINS: Final = ("BTC", "ETH", "SOL", "XRP", "DOGE", "HYPE", "LINK", "kPEPE")
# of the default markets: beta to BTC of moves in 24 h, 2024 to 2026, and the largest that was left, rounded up to 0.05
JUDGED: Final = {
    "BTC": (1.0, 0.15),
    "ETH": (1.2, 0.2),
    "SOL": (1.4, 0.2),
    "XRP": (1.2, 0.45),
    "DOGE": (1.75, 0.3),
    "LINK": (1.4, 0.4),
    "kPEPE": (2.0, 0.75),
}
POSITION_SHARE: Final = 4  # linked accounts hold at most one part in so many of a market's open interest
BACKSTOP_TIMES: Final = 10  # notional that a backstop vault takes, over what it is stocked with
VENUE: Final = -1  # the market number of the venue's own parameters
AMM_SLOPE: Final = 20  # a pool with all the inventory it may have, its own worth, quotes 1 / 20 off the index
OPENING_MS: Final = 250  # between two looks at whether a market has a price

log = logging.getLogger(__name__)


def configured(config: Config, capacity: int, listed: Collection[str]) -> tuple[MarketTerms, ...]:
    """The markets a venue should have. None named: the default ones, as many as fit; of those a venue that has listed
    any keeps to the ones it has.
    """
    if config.market:
        return config.market
    prices = {coin: price for coin, price, _ in AUTUMN_2025}
    coins = [coin for coin in DEFAULT_COINS if coin in listed] if listed else DEFAULT_COINS[:capacity]
    found = []
    for coin in coins:
        beta, own = JUDGED.get(coin, (1.0, 1.0))
        found.append(MarketTerms(coin=coin, price=prices[coin], grid_beta=beta, grid_own=own))
    return tuple(found)


class Genesis:
    """Lists, stocks and opens what the configuration names and the venue has not."""

    def __init__(self, service: Service, residents: Residents, clock: Clock) -> None:
        """Raises BadInput for markets that are misunderstood or do not fit."""
        self.service = service
        self.residents = residents
        self.clock = clock
        self.terms = configured(service.config, service.capacity.markets, service.universe.by_coin)
        self.new = [terms for terms in self.terms if terms.coin not in service.universe.by_coin]
        _check(self.terms, markets_listed(service.columns) + len(self.new), service.capacity.markets)

    @property
    def coins(self) -> list[tuple[str, float]]:
        """Configured coins with the prices about which they are."""
        return [(terms.coin, terms.price) for terms in self.terms]

    async def list_new(self, feeds: Feeds) -> list[str]:
        """Lists the missing markets, closed, with all their parameters and sources, in one job; their names.

        BadInput for a market that no feed quotes, or that the engine refuses.
        """
        number = markets_listed(self.service.columns)
        fields = portfolio_fields(self.service.config.portfolio) if number == 0 else []
        for rank, terms in enumerate(self.terms):
            if terms in self.new:
                fields += market_fields(number, terms, rank, feeds)
                number += 1
        names = [terms.coin for terms in self.new]
        self.new = []
        if fields:
            why = refused(await self.service.submit(rows_of(fields)))
            if why != code.OK:
                raise BadInput("market", f"{', '.join(names)}: {code.TEXT[why]}")
        return names

    async def stock(self) -> None:
        """The house fills the funds and pools of configured markets that were never open and hold nothing yet.

        Only where the bridge is local: this is play money.
        """
        if not self.service.config.bridge.local:
            return
        fields = [row for terms in self.terms for row in self._funds(terms)]
        if not fields:
            return
        house = self.residents.find(*HOUSE)
        held = int(self.service.columns["bucket_raw"][house]) if house >= 0 else 0
        account = await self.residents.bring(*HOUSE, max(0, sum(row["amount"] for row in fields) - held))
        why = refused(await self.residents.submit([{**row, "account": account} for row in fields]))
        if why != code.OK:
            raise BadInput("house", code.TEXT[why])

    def _funds(self, terms: MarketTerms) -> list[Fields]:
        columns = self.service.columns
        listing = self._unopened(terms)
        if listing is None:
            return []
        number = listing.number
        wanted = [
            (columns["market_insurance"], command.INSURANCE_ADD, 0, terms.insurance_usd),
            (columns["market_shares_backstop"], command.POOL_ADD, command.BACKSTOP, terms.backstop_usd),
            (columns["market_shares_amm"], command.POOL_ADD, command.AMM, terms.amm_usd),
        ]
        return [
            {"kind": kind, "market": number, "flags": flags, "amount": usd * USD_ONE}
            for held, kind, flags, usd in wanted
            if usd and held[number] == 0
        ]

    def _unopened(self, terms: MarketTerms) -> Listing | None:
        """The market of the terms while it is closed and never was open."""
        listing = self.service.universe.by_coin.get(terms.coin)
        if listing is None or self.service.columns["market_opened"][listing.number]:
            return None
        is_closed = self.service.columns["market_status"][listing.number] == command.CLOSED
        return listing if is_closed else None

    def waiting(self) -> list[str]:
        """Configured markets that are closed and never were open."""
        return [terms.coin for terms in self.terms if self._unopened(terms) is not None]

    async def open_priced(self) -> list[str]:
        """Opens those of the waiting markets that have a price; the ones that wait on."""
        columns = self.service.columns
        found = [self._unopened(terms) for terms in self.terms]
        priced = [listing for listing in found if listing is not None and columns["market_fresh"][listing.number]]
        for listing in priced:
            why = refused(await self.service.submit(rows_of(opening_fields(listing.number))))
            if why == code.OK:
                log.info("market %s is open", listing.coin)
            else:
                log.warning("market %s cannot open yet: %s", listing.coin, code.TEXT[why])
        return self.waiting()

    async def run(self) -> None:
        """Opens markets as their prices come; returns when none waits."""
        while self.waiting():
            await self.clock.sleep(OPENING_MS)
            try:
                await self.open_priced()
            except BusyError:
                continue


def _check(terms: Sequence[MarketTerms], markets: int, capacity: int) -> None:
    coins = [item.coin for item in terms]
    for rank, item in enumerate(terms):
        if coins.count(item.coin) > 1:
            raise BadInput("market", f"{item.coin} is there twice")
        name_pair(item.coin, "market.coin")
        market_of(item, rank)
    if markets > capacity:
        raise BadInput("market", f"{markets} markets, this capacity holds {capacity}")


def market_of(terms: MarketTerms, rank: int) -> Market:
    """A market as the configuration describes it. `rank` 0 is the most traded: it decides tiers that are not given."""
    decimals = SIZE_DECIMALS.get(terms.coin) if terms.size_decimals is None else terms.size_decimals
    tiers = [(UsdMicro(lower * USD_ONE), leverage) for lower, leverage in terms.tiers]
    return static_market(terms.coin, terms.price, rank, size_decimals=decimals, tiers=tiers)


def market_fields(number: int, terms: MarketTerms, rank: int, feeds: Feeds) -> list[Fields]:
    """The commands that list one market closed, with its tiers, caps and sources. BadInput when nothing quotes it."""
    market = market_of(terms, rank)
    voices = feeds.voices_of(terms.coin)
    speakers = sum(not voice.is_perp for voice in voices)
    if speakers == 0:
        raise BadInput(f"market {terms.coin}", "no feed quotes its index")
    grid = {parameter.GRID_BETA: terms.grid_beta, parameter.GRID_OWN: terms.grid_own}
    values = {**_caps(terms, market), parameter.ORACLE_QUORUM: quorum_of(speakers)}
    values |= {which: round(share * RATE_ONE) for which, share in grid.items()}
    fields = [*listing_fields(number, market, name_pair(terms.coin, "coin")), *parameter_fields(number, values)]
    source: dict[str, Any] = {"kind": command.SET_SOURCE, "signer": command.ADMIN, "market": number}
    fields += [{**source, "other": voice.number, "size": voice.size} for voice in voices]
    return fields


def portfolio_fields(terms: PortfolioTerms) -> list[Fields]:
    """The commands that say who may go into portfolio margin: at once, for no market has been open."""
    values = {parameter.PORTFOLIO_MOST: terms.accounts, parameter.PORTFOLIO_EQUITY: terms.equity_usd * USD_ONE}
    return parameter_fields(VENUE, values)


def quorum_of(speakers: int) -> int:
    """More than half of the sources of an index: no two majorities can see different prices."""
    return floor_div(speakers, 2) + 1


def _caps(terms: MarketTerms, market: Market) -> dict[int, int]:
    lots_max = floor_div(NOTIONAL_MAX, market.price_max)
    interest = min(_lots(terms.open_interest_usd, terms.price, market), lots_max * POSITION_SHARE)
    caps = {
        parameter.OPEN_INTEREST_CAP: interest,
        parameter.POSITION_CAP: max(1, min(floor_div(interest, POSITION_SHARE), lots_max)),
        parameter.BACKSTOP_CAP: min(BACKSTOP_TIMES * terms.backstop_usd * USD_ONE, NOTIONAL_MAX),
    }
    if terms.amm_usd:
        inventory = _lots(terms.amm_usd, terms.price, market)
        caps |= {parameter.AMM_CAP: inventory, parameter.AMM_DEPTH: AMM_SLOPE * inventory}
    return caps


def _lots(usd: int, price_usd: float, market: Market) -> int:
    """Lots worth about `usd` at the price of the configuration, at least one."""
    exact = Fraction(usd) / Fraction(str(price_usd)) * Fraction(10) ** market.size_decimals
    return max(1, min(floor_div(exact.numerator, exact.denominator), NOTIONAL_MAX))
