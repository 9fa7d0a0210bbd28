"""The shapes of Hyperliquid's answers, field by field. Numbers are decimal text but for ids, times and leverages."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class Shape(msgspec.Struct, kw_only=True, rename="camel", gc=False):
    """A JSON object whose names are camelCase. A field that is UNSET is left out."""


class MarginSummary(Shape):
    """Totals of an account, or of its cross part. Account value = raw USD + signed values, to the unit."""

    account_value: str
    total_ntl_pos: str
    total_raw_usd: str
    total_margin_used: str


class Leverage(Shape):
    """How a position is margined. Raw USD: its bucket's own cash less its entry, of an isolated one."""

    type: str
    value: int
    raw_usd: str | UnsetType = UNSET


class CumFunding(Shape):
    """Funding paid; negative: received."""

    all_time: str
    since_open: str
    since_change: str


class Position(Shape):
    """One position."""

    coin: str
    szi: str
    leverage: Leverage
    entry_px: str
    position_value: str
    unrealized_pnl: str
    return_on_equity: str
    liquidation_px: str | None
    margin_used: str
    max_leverage: int
    cum_funding: CumFunding


class AssetPosition(Shape):
    """A position in the list of an account."""

    type: str
    position: Position


class ClearinghouseState(Shape):
    """An account's margin and positions."""

    margin_summary: MarginSummary
    cross_margin_summary: MarginSummary
    cross_maintenance_margin_used: str
    withdrawable: str
    asset_positions: list[AssetPosition]
    time: int


class Balance(Shape):
    """USD outside margin."""

    coin: str
    token: int
    total: str
    hold: str
    entry_ntl: str


class SpotState(Shape):
    """What an owner holds outside margin."""

    balances: list[Balance]


class ActiveAssetData(Shape):
    """What an account may do in one market: greatest orders and the margin behind them, [buy, sell]."""

    user: str
    coin: str
    leverage: Leverage
    max_trade_szs: tuple[str, str]
    available_to_trade: tuple[str, str]
    mark_px: str


class UniverseEntry(Shape):
    """One market of `meta`."""

    name: str
    sz_decimals: int
    max_leverage: int
    margin_table_id: int
    is_delisted: bool | UnsetType = UNSET


class MarginTier(Shape):
    """From a notional in USD on, the greatest leverage."""

    lower_bound: str
    max_leverage: int


class MarginTable(Shape):
    """Tiers of a market."""

    description: str
    margin_tiers: list[MarginTier]


class Meta(Shape):
    """The markets."""

    universe: list[UniverseEntry]
    margin_tables: list[tuple[int, MarginTable]]
    collateral_token: int


class AssetCtx(Shape):
    """What moves in a market."""

    funding: str
    open_interest: str
    prev_day_px: str
    day_ntl_vlm: str
    premium: str | None
    oracle_px: str
    mark_px: str
    mid_px: str | None
    impact_pxs: tuple[str, str] | None
    day_base_vlm: str


class Level(Shape):
    """A price of the book, the size there and the orders that make it."""

    px: str
    sz: str
    n: int


class Book(Shape):
    """Bids and asks, best first."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]


class Trade(Shape):
    """A trade as everybody sees it. Users: buyer, seller."""

    coin: str
    side: str
    px: str
    sz: str
    time: int
    hash: str
    tid: int
    users: tuple[str, str]


class Candle(msgspec.Struct, kw_only=True, gc=False):
    """t..T ms, both in it."""

    t: int
    close_time: int = msgspec.field(name="T")
    s: str
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741
    v: str
    n: int


class OpenOrder(Shape):
    """An order, in short."""

    coin: str
    side: str
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    orig_sz: str
    cloid: str | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET


class FrontendOrder(Shape):
    """An order with all its terms."""

    coin: str
    side: str
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    trigger_condition: str
    is_trigger: bool
    trigger_px: str
    children: list[Any]
    is_position_tpsl: bool
    reduce_only: bool
    order_type: str
    orig_sz: str
    tif: str | None
    cloid: str | None


class OrderUpdate(Shape):
    """An order and what became of it."""

    order: FrontendOrder
    status: str
    status_timestamp: int


class FillLiquidation(Shape):
    """The liquidation that a fill is part of."""

    liquidated_user: str
    mark_px: str
    method: str


class UserFill(Shape):
    """One side of a trade, for whom it concerns."""

    coin: str
    px: str
    sz: str
    side: str
    time: int
    start_position: str
    dir: str
    closed_pnl: str
    hash: str
    oid: int
    crossed: bool
    fee: str
    tid: int
    fee_token: str
    twap_id: int | None
    cloid: str | UnsetType = UNSET
    liquidation: FillLiquidation | UnsetType = UNSET


class SliceFill(Shape):
    """A fill of a TWAP's slice."""

    fill: UserFill
    twap_id: int


class TwapState(Shape):
    """A TWAP and how far it has come."""

    coin: str
    user: str
    side: str
    sz: str
    executed_sz: str
    executed_ntl: str
    minutes: int
    reduce_only: bool
    randomize: bool
    timestamp: int


class Happening(Shape):
    """A payment or a transfer: `delta` says what."""

    time: int
    hash: str
    delta: dict[str, Any]
