"""An account in Hyperliquid's shapes: margin and positions, what it holds outside margin, what it may do in a market.

Every figure is the engine's own (views/figures.py). Funding that is earned or owed but not settled counts as settled:
it is part of raw USD, as on a venue that pays every hour, and so is what collateral counts for: account value = raw USD
+ signed values, to the unit.
"""

from typing import TYPE_CHECKING, Final

from seawall.units import ceil_div, floor_div
from seawall.venue.decimals import text_of, usd_text
from seawall.venue.names import address_text
from seawall.venue.people import SPOT_NAME
from seawall.venue.records import NOBODY
from seawall.venue.universe import Listing
from seawall.venue.views.figures import BucketFigures, PositionFigures
from seawall.venue.views.liquidation import liquidation_ratio
from seawall.venue.views.shapes import (
    ActiveAssetData,
    AssetPosition,
    Balance,
    ClearinghouseState,
    CumFunding,
    Leverage,
    MarginSummary,
    Position,
    SpotState,
)

if TYPE_CHECKING:
    from seawall.venue.service import Service

LIQUIDATION_DIGITS: Final = 8  # of a liquidation price beyond the decimals of prices
RETURN_DIGITS: Final = 10
USDC: Final = "USDC"
USDC_TOKEN: Final = 0


def clearinghouse_state(service: "Service", account: int) -> ClearinghouseState:
    """`clearinghouseState` of an account; NOBODY has nothing."""
    return state_of(service, service.lens.reader.account(account), account)


def pool_state(service: "Service", bucket: int) -> ClearinghouseState:
    """`clearinghouseState` of a pool, as if it were a cross account."""
    return state_of(service, service.lens.reader.buckets(bucket), NOBODY)


def state_of(service: "Service", buckets: list[BucketFigures], account: int) -> ClearinghouseState:
    """The state of an account that has these buckets, the first of them cross."""
    cross, positions = buckets[0], []
    value, raw, notional = cross.equity, cross.apart, cross.notional
    used = sum([position.initial for position in cross.positions])
    if cross.is_portfolio:
        used = cross.initial - cross.reserved
    total = used
    for bucket in buckets:
        is_cross = bucket is cross
        if not is_cross:
            value, raw, notional = value + bucket.equity, raw + bucket.apart, notional + bucket.notional
            total += bucket.equity if bucket.positions else 0
        for position in bucket.positions:
            positions.append((position.market, position_of(service, bucket, position, account, is_cross)))
    positions.sort(key=_first)
    return ClearinghouseState(
        margin_summary=MarginSummary(
            account_value=usd_text(value),
            total_ntl_pos=usd_text(notional),
            total_raw_usd=usd_text(raw),
            total_margin_used=usd_text(total),
        ),
        cross_margin_summary=MarginSummary(
            account_value=usd_text(cross.equity),
            total_ntl_pos=usd_text(cross.notional),
            total_raw_usd=usd_text(cross.apart),
            total_margin_used=usd_text(used),
        ),
        cross_maintenance_margin_used=usd_text(cross.maintenance),
        withdrawable=usd_text(cross.leaving),
        asset_positions=[AssetPosition(type="oneWay", position=position) for _, position in positions],
        time=service.now,
    )


def position_of(
    service: "Service", bucket: BucketFigures, position: PositionFigures, account: int, is_cross: bool
) -> Position:
    """One position of a bucket. Margin used: its initial margin in cross, all equity of an isolated bucket."""
    listing = service.universe.listings[position.market]
    size, entry, pnl = position.size, position.entry, position.unrealised
    if is_cross:
        leverage, used = Leverage(type="cross", value=position.leverage), position.initial
    else:
        leverage = Leverage(type="isolated", value=position.leverage, raw_usd=usd_text(bucket.raw))
        used = bucket.equity
    ever, opened, changed = service.lens.funding.sums(account, position.market)
    pending = position.funding
    return Position(
        coin=listing.coin,
        szi=listing.size_text(size),
        leverage=leverage,
        entry_px=listing.average_text(entry, size),
        position_value=usd_text(abs(size) * position.mark),
        unrealized_pnl=usd_text(pnl),
        return_on_equity=return_text(pnl * position.leverage, entry),
        liquidation_px=liquidation_text(
            listing, position, liquidation_ratio(service.columns, service.universe, bucket, position)
        ),
        margin_used=usd_text(used),
        max_leverage=position.most_leverage,
        cum_funding=CumFunding(
            all_time=usd_text(-ever - pending),
            since_open=usd_text(-opened - pending),
            since_change=usd_text(-changed - pending),
        ),
    )


def liquidation_text(listing: Listing, position: PositionFigures, ratio: tuple[int, int] | None) -> str | None:
    """A liquidation price in USD per unit, rounded to the healthy side at a digit that no price has."""
    if ratio is None:
        return None
    numerator = ratio[0] * 10**LIQUIDATION_DIGITS
    scaled = ceil_div(numerator, ratio[1]) if position.size > 0 else floor_div(numerator, ratio[1])
    return text_of(scaled, listing.price_decimals + LIQUIDATION_DIGITS)


def return_text(gained: int, entry: int) -> str:
    """Unrealised pnl over the margin that the entry took at the present leverage, toward zero; 0 without an entry."""
    if entry == 0:
        return "0.0"
    scaled = floor_div(abs(gained) * 10**RETURN_DIGITS, abs(entry))
    return text_of(scaled if gained >= 0 else -scaled, RETURN_DIGITS)


def spot_state(service: "Service", account: int) -> SpotState:
    """`spotClearinghouseState`: the USD that an owner holds outside margin."""
    spot = spot_of(service, account)
    held = service.columns["bucket_raw"].item(spot) if spot != NOBODY else 0
    if held == 0:
        return SpotState(balances=[])
    balance = Balance(coin=USDC, token=USDC_TOKEN, total=usd_text(held), hold="0.0", entry_ntl="0.0")
    return SpotState(balances=[balance])


def spot_of(service: "Service", account: int) -> int:
    """The hidden account that holds an owner's USD outside margin; NOBODY for none, as sub-accounts have."""
    return service.people.persons[account].spot if account != NOBODY else NOBODY


def account_at(service: "Service", address: bytes) -> int:
    """The account with an address; NOBODY for none. The hidden accounts of `spot_of` have no address for clients."""
    account = service.people.account_of(address)
    if account != NOBODY and service.people.persons[account].name == SPOT_NAME:
        return NOBODY
    return account


def active_asset_data(service: "Service", account: int, address: bytes, listing: Listing) -> ActiveAssetData:
    """`activeAssetData`: leverage and mode in a market, and the greatest orders that margin and caps allow at the mark.

    Available to trade is that order's margin at the leverage in force; both round down.
    """
    found = service.lens.reader.setting(account, listing.number)
    kind = "isolated" if found.is_isolated else "cross"
    leverage = Leverage(type=kind, value=found.leverage)
    if found.is_isolated:
        leverage.raw_usd = usd_text(found.raw)
    return ActiveAssetData(
        user=address_text(address),
        coin=listing.coin,
        leverage=leverage,
        max_trade_szs=(listing.size_text(found.buy), listing.size_text(found.sell)),
        available_to_trade=(
            usd_text(floor_div(found.buy * found.mark, found.cap)),
            usd_text(floor_div(found.sell * found.mark, found.cap)),
        ),
        mark_px=listing.price_text(found.mark),
    )


def _first(pair: tuple[int, Position]) -> int:
    return pair[0]
