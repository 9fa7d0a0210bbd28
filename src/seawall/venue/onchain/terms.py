"""A deployment's settings from the venue's own markets and parameters: the same numbers decide on both sides."""

from typing import Any, Final

from seawall.chain.settings import FeedSettings, MarketSettings, Settings, TierSettings
from seawall.chain.stack import kept_on_chain
from seawall.terms import parameter, venue_parameter
from seawall.units import RATE_ONE
from seawall.venue.config import Chain
from seawall.venue.service import Service
from seawall.venue.universe import Listing, tiers_of

AGE_MS: Final = 120_000  # of a price on the chain: reports come by blocks
EXIT_DELAY_S: Final = 3_600  # that an owner's own withdrawal waits while the venue lives: it asks the venue instead
FREE: Final = RATE_ONE  # no limit on how far a signed report may be from the last one of the same venue
NOT_POOLS: Final = frozenset(
    (parameter.AMM_DEPTH, parameter.AMM_CAP, parameter.BACKSTOP_CAP, parameter.SKEW_FUNDING, parameter.ORACLE_AGE_MS)
)


def settings_of(service: Service, terms: Chain) -> Settings:
    """What the venue deploys on a development chain: its own markets, no pools, one reporter, no timelock."""
    columns = service.columns
    venue_row = len(columns["market_price"])
    return Settings(
        name="seawall up",
        markets=[_market(columns, listing) for listing in service.universe.listings],
        permit2="",
        timelock_s=0,
        dispute_s=terms.dispute_seconds,
        dispute_blocks=0,
        exit_delay_s=EXIT_DELAY_S,
        has_book=True,
        direct=False,
        oracle_deviation=FREE,
        venue=_numbers(venue_parameter.VENUE, columns["param"][venue_row], kept_on_chain(venue_parameter.VENUE)),
    )


def _market(columns: Any, listing: Listing) -> MarketSettings:
    kept = kept_on_chain(parameter.MARKET) - NOT_POOLS
    numbers = _numbers(parameter.MARKET, columns["param"][listing.number], kept)
    return MarketSettings(
        name=listing.coin,
        size_decimals=listing.size_decimals,
        price_max=listing.price_max,
        tiers=[TierSettings(*tier) for tier in tiers_of(columns, listing.number)],
        parameters=numbers | {"oracle_age_ms": AGE_MS},
        feed=FeedSettings(max_age_ms=AGE_MS, step_s=FREE),
    )


def _numbers(table: dict[int, parameter.Parameter], row: Any, kept: frozenset[int]) -> dict[str, int]:
    """Values that differ from what a new deployment has, within the ranges that it takes."""
    return {
        spec.name: int(row[number])
        for number, spec in table.items()
        if number in kept and int(row[number]) != spec.value and spec.low <= int(row[number]) <= spec.high
    }
