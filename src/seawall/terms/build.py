"""Terms from decimal text: what a program that holds "0.2" and "50000" calls instead of scaling integers itself.

Amounts are decimal strings or integers in USD or base units, never floats; everything must be exact at its unit, or
BadInput names the field. Rates round up when they are requirements and down when they are weights.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from seawall.terms import limits
from seawall.terms.asset import Asset, Holding, check_asset
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.market import Mark, Market, TierRow, market
from seawall.units import (
    BadInput,
    FundingIndex,
    Price,
    Side,
    UsdMicro,
    fraction_from,
    lots,
    price,
    rate,
    usd,
    whole,
)

Decimal = str | int | Fraction
PRICE_HEADROOM = 64  # a market made from text accepts prices up to this multiple of the one it is made with


def market_of(
    name: str,
    *,
    size_decimals: int,
    tiers: Sequence[tuple[Decimal, int] | tuple[Decimal, int, Decimal]],
    price_now: Decimal,
    price_max: Decimal | None = None,
    open_interest_caps: tuple[Decimal, Decimal] = ("0", "0"),
) -> Market:
    """A Market. Tier rows are (lower notional in USD, max leverage[, maintenance rate]).

    `price_max` bounds prices and with them sizes (size x price <= 2^53 micro-USD); by default 64 x `price_now`.
    """
    if not isinstance(name, str):
        raise BadInput("market.name", f"expected text, got {name!r}")
    _check_size_decimals(size_decimals, name)
    rows = [_tier_row(row, f"{name}.tiers[{index}]") for index, row in enumerate(tiers)]
    now = price(price_now, size_decimals, f"{name}.price", Side.UP)
    top = min(now * PRICE_HEADROOM, limits.PRICE_MAX) if price_max is None else price(price_max, size_decimals)
    return market(
        name,
        size_decimals=size_decimals,
        tiers=rows,
        price_max=Price(top),
        open_interest_lower=usd(open_interest_caps[0], f"{name}.open_interest_lower"),
        open_interest_upper=usd(open_interest_caps[1], f"{name}.open_interest_upper"),
    )


def _tier_row(row: Sequence[Decimal], field: str) -> TierRow:
    if isinstance(row, str) or len(row) not in (2, 3):
        raise BadInput(field, f"expected (lower notional, max leverage[, maintenance rate]), got {row!r}")
    lower, most = usd(row[0], f"{field}.lower"), row[1]
    leverage = whole(most, f"{field}.max_leverage", 1, limits.LEVERAGE_MAX)  # type: ignore[arg-type]
    if len(row) == 2:
        return lower, leverage
    return lower, leverage, rate(row[2], Side.UP, f"{field}.maintenance")


def _check_size_decimals(size_decimals: int, name: str) -> None:
    whole(size_decimals, f"{name}.size_decimals", limits.SIZE_DECIMALS_MIN, limits.SIZE_DECIMALS_MAX)


def _index(value: int, name: str) -> FundingIndex:
    return FundingIndex(whole(value, f"{name}.funding_index", -limits.FUNDING_INDEX_MAX, limits.FUNDING_INDEX_MAX))


def mark_of(
    terms: Market,
    mark: Decimal,
    *,
    oracle: Decimal | None = None,
    funding_index: int = 0,
    open_interest: Decimal = 0,
) -> Mark:
    """A Mark from prices in USD per unit of the base asset. Without an oracle price the mark stands for it."""
    marked = price(mark, terms.size_decimals, f"{terms.name}.mark")
    seen = marked if oracle is None else price(oracle, terms.size_decimals, f"{terms.name}.oracle")
    interest = usd(open_interest, f"{terms.name}.open_interest")
    return Mark(mark=marked, oracle=seen, funding_index=_index(funding_index, terms.name), open_interest=interest)


def position_of(
    terms: Market,
    size: Decimal,
    entry: Decimal,
    *,
    leverage: int = 1,
    funding_index: int = 0,
    bids: Decimal = 0,
    asks: Decimal = 0,
) -> Position:
    """A Position: signed size in the base asset, average entry price in USD, resting order sizes."""
    signed = lots(size, terms.size_decimals, f"{terms.name}.size")
    paid = fraction_from(entry, f"{terms.name}.entry")
    if paid <= 0 and signed:
        raise BadInput(f"{terms.name}.entry", f"{entry} is not a price")
    at = paid * fraction_from(size, f"{terms.name}.size")
    return Position(
        market=terms.name,
        size=signed,
        entry_notional=usd(at, f"{terms.name}.entry", Side.DOWN),
        leverage=whole(leverage, f"{terms.name}.leverage", 1, limits.LEVERAGE_MAX),
        funding_index=_index(funding_index, terms.name),
        bids=lots(bids, terms.size_decimals, f"{terms.name}.bids"),
        asks=lots(asks, terms.size_decimals, f"{terms.name}.asks"),
    )


def asset_of(
    name: str,
    *,
    size_decimals: int,
    oracle: Decimal,
    weight_initial: Decimal,
    weight_maintenance: Decimal,
    stable: Decimal | None = None,
    redemption: Decimal | None = None,
    supply: tuple[Decimal, Decimal] = (0, 0),
    underlying: str | None = None,
) -> Asset:
    """A collateral Asset; prices in USD per unit, `supply` = (start of scaling, total held) in units."""
    _check_size_decimals(size_decimals, name)
    seen = price(oracle, size_decimals, f"{name}.oracle")
    return check_asset(
        Asset(
            name=name,
            size_decimals=size_decimals,
            oracle=seen,
            stable=seen if stable is None else price(stable, size_decimals, f"{name}.stable"),
            weight_initial=rate(weight_initial, Side.DOWN, f"{name}.weight_initial"),
            weight_maintenance=rate(weight_maintenance, Side.DOWN, f"{name}.weight_maintenance"),
            supply_start=lots(supply[0], size_decimals, f"{name}.supply_start"),
            supply_total=lots(supply[1], size_decimals, f"{name}.supply_total"),
            redemption=None if redemption is None else price(redemption, size_decimals, f"{name}.redemption"),
            underlying=underlying,
        )
    )


def holding_of(asset: Asset, balance: Decimal) -> Holding:
    """A balance in units of the asset."""
    return Holding(asset.name, lots(balance, asset.size_decimals, f"{asset.name}.balance"))


def conditions_of(
    markets: Iterable[Market],
    marks: Mapping[str, Mark],
    *,
    assets: Iterable[Asset] = (),
    policy: MarginPolicy | None = None,
) -> Conditions:
    """Conditions from parts; every market needs a mark before a bucket that holds it is valued."""
    listed, held = tuple(markets), tuple(assets)
    by_name, assets_by_name = {m.name: m for m in listed}, {a.name: a for a in held}
    if len(by_name) < len(listed) or len(assets_by_name) < len(held):
        raise BadInput("markets" if len(by_name) < len(listed) else "assets", "a name is given twice")
    return Conditions(
        markets=by_name,
        marks=dict(marks),
        assets=assets_by_name,
        policy=MarginPolicy() if policy is None else policy,
    )


def bucket_of(
    conditions: Conditions,
    *,
    cash: Decimal,
    positions: Sequence[Position] = (),
    collateral: Sequence[Holding] = (),
    kind: BucketKind = BucketKind.CROSS,
    owner: str = "",
) -> Bucket:
    """A checked Bucket from USD cash (deposits and realised pnl): raw_usd = cash - sum of entry notionals."""
    entries = sum(p.entry_notional for p in positions)
    raw = UsdMicro(usd(cash, "cash") - entries)
    bucket = Bucket(kind=kind, raw_usd=raw, positions=tuple(positions), collateral=tuple(collateral), owner=owner)
    return check_bucket(bucket, conditions)
