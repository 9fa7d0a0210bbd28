"""A deployment's settings from the venue's own markets, assets and parameters: the same numbers on both sides."""

from typing import Any, Final

from seawall.chain.settings import AssetSettings, FeedSettings, MarketSettings, Settings, TierSettings, check
from seawall.chain.stack import kept_on_chain
from seawall.ledger import state
from seawall.terms import asset_parameter, parameter, venue_parameter
from seawall.terms.limits import AMOUNT_MAX
from seawall.units import RATE_ONE
from seawall.venue.config import Chain
from seawall.venue.service import Service
from seawall.venue.universe import Listing, tiers_of

AGE_MS: Final = 120_000  # of a price on the chain: reports come by blocks
EXIT_DELAY_S: Final = 3_600  # that an owner's own withdrawal waits while the venue lives: it asks the venue instead
TOKEN_DECIMALS: Final = 18  # of the test tokens that are collateral
INTEREST: Final = ("borrow_base", "borrow_kink_rate", "borrow_full_rate")  # the clocks of both sides are not the same
FREE: Final = RATE_ONE  # no limit on how far a signed report may be from the last one of the same venue
NOT_POOLS: Final = frozenset(
    (parameter.AMM_DEPTH, parameter.AMM_CAP, parameter.BACKSTOP_CAP, parameter.SKEW_FUNDING, parameter.ORACLE_AGE_MS)
)


def settings_of(service: Service, terms: Chain) -> Settings:
    """What the venue deploys on a development chain: its markets and collateral, no pools, one reporter, no timelock.

    Borrowed USD costs nothing on either side. BadInput for more or other assets than the contracts take.
    """
    columns = service.columns
    venue_row = len(columns["market_price"])
    made = Settings(
        name="seawall up",
        markets=[_market(columns, listing) for listing in service.universe.listings],
        assets=[_asset(service, number) for number in range(int(columns["cell"][state.ASSETS]))],
        permit2="",
        timelock_s=0,
        dispute_s=terms.dispute_seconds,
        dispute_blocks=0,
        exit_delay_s=EXIT_DELAY_S,
        has_book=True,
        direct=False,
        oracle_deviation=FREE,
        venue=_numbers(venue_parameter.VENUE, columns["param"][venue_row], kept_on_chain(venue_parameter.VENUE))
        | dict.fromkeys(INTEREST, 0),
    )
    return check(made)


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


def _asset(service: Service, number: int) -> AssetSettings:
    """A collateral asset with a test token. Its own feed is the index, which prices it: a market's is the mark.

    What leaves is limited by the venue, in USD; the contract's hourly limit in lots is all that it takes.
    """
    columns, listing = service.columns, priced_by(service, number)
    values = columns["asset_param"][number].tolist()
    feed = FeedSettings(max_age_ms=AGE_MS, step_s=FREE, primary_id=_id(f"{listing.coin} index"))
    redeemed = columns["asset_redeemed"].item(number) != 0
    cap = min(values[asset_parameter.SUPPLY_CAP], listing.size_max, AMOUNT_MAX)
    return AssetSettings(
        name=listing.coin,
        decimals=TOKEN_DECIMALS,
        size_decimals=listing.size_decimals,
        weight_initial=min(values[asset_parameter.WEIGHT_INITIAL], values[asset_parameter.WEIGHT_MAINTENANCE]),
        weight_maintenance=values[asset_parameter.WEIGHT_MAINTENANCE],
        discount=values[asset_parameter.DISCOUNT],
        cap=cap,
        hour_cap=cap,
        start=values[asset_parameter.SUPPLY_START],
        stable_per_s=values[asset_parameter.STABLE_SPEED],
        underlying=listing.coin,
        feed=feed,
        is_stable=columns["asset_kind"].item(number) == asset_parameter.STABLE,
        redemption=FeedSettings(max_age_ms=AGE_MS, step_s=FREE) if redeemed else None,
        redemption_floor=values[asset_parameter.REDEMPTION_FLOOR],
        peg_band=values[asset_parameter.PEG_BAND],
        price_max=listing.price_max,
    )


def priced_by(service: Service, asset: int) -> Listing:
    """The market whose index prices an asset, and in whose lots it is held."""
    market = int(service.columns["asset_market"][asset])
    return service.universe.listings[market]


def _id(name: str) -> str:
    return "0x" + name.encode().ljust(32, b"\0").hex()


def _numbers(table: dict[int, parameter.Parameter], row: Any, kept: frozenset[int]) -> dict[str, int]:
    """Values that differ from what a new deployment has, within the ranges that it takes."""
    return {
        spec.name: int(row[number])
        for number, spec in table.items()
        if number in kept and int(row[number]) != spec.value and spec.low <= int(row[number]) <= spec.high
    }
