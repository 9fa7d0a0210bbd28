"""Shapes of collateral other than USD."""

from typing import Annotated

from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Coin, Sequence, Shape, Time, says

Number = Annotated[int, says("Number of the asset.", 0, ge=0)]
Kind = Annotated[str, says("token, stable (worth USD by design) or pool (liquidity positions).", "token")]
Maintained = Annotated[str, says("What it is worth in equity as maintenance is compared with it. USD.", "1900.0")]
Counted = Annotated[
    str,
    says("What it is worth for new risk: at the lowest price, 0 when stale or off its peg. USD."),
]
Rate = Annotated[str, says("Interest of borrowed USD an hour, as a share.", "0.000001141552")]


class AssetView(Shape, frozen=True, kw_only=True):
    """A collateral asset. Sizes are units of its coin, of a pool USD."""

    asset: Number
    kind: Kind
    coin: Coin
    index: Annotated[str, says("Its price: the index of its market, never this venue's book.", "2500.0")]
    stable_price: Annotated[str, says("The slow price; the lower of the two counts for new risk.", "2490.5")]
    redemption: Annotated[str | None, says("What it is redeemed for, if it can be.", "2501.0")]
    is_fresh: Annotated[bool, says("Whether its prices are fresh: stale ones back no new risk.", True)]
    is_off_peg: Annotated[bool, says("Whether it trades too far below its redemption value to back new risk.", False)]
    weight_initial: Annotated[str, says("Share that backs new risk now, shrunk with what the venue holds.", "0.85")]
    weight_maintenance: Annotated[str, says("Share that keeps open positions.", "0.9")]
    haircut: Annotated[str, says("1 less the maintenance weight.", "0.1")]
    liquidation_discount: Annotated[str, says("Off its price for who buys it from a liquidation.", "0.05")]
    held: Annotated[str, says("What the venue holds.", "1250.0")]
    supply_cap: Annotated[str, says("The most it takes; what is above goes back.", "10000.0")]
    supply_start: Annotated[str, says("From which on the initial weight shrinks; 0: never.", "5000.0")]
    account_cap: Annotated[str, says("The most that one owner holds.", "1000.0")]
    scan: Annotated[str | None, says("Of a pool: moves up to this are tried, the least value counts.", "0.25")]


class AssetsView(Shape, frozen=True, kw_only=True):
    """All collateral assets, and what USD borrowed against them costs."""

    time: Time
    sequence: Sequence
    assets: tuple[AssetView, ...]
    borrowed: Annotated[str, says("USD that is lent against collateral.", "120000.0")]
    utilisation: Annotated[str, says("Share of all USD that is lent.", "0.12")]
    borrow_rate_hour: Rate
    borrow_rate_year: Annotated[str, says("The same for a year, not compounded.", "0.015")]
    reserve: Annotated[str, says("Interest paid in so far and not used. USD.", "35.2")]


class RangeView(Shape, frozen=True, kw_only=True):
    """A liquidity position, at the index. Uncollected fees count for nothing."""

    token: Annotated[str, says("Its number in the pool's contract.", "17")]
    liquidity: Annotated[str, says("Its liquidity in the engine's unit, the root of lots times micro-USD.", "31622776")]
    lower: Annotated[str, says("Lower end of the range, a price.", "1500.0")]
    upper: Annotated[str, says("Upper end.", "4000.0")]
    in_range: Annotated[bool, says("Whether the index is inside.", True)]
    base: Annotated[str, says("What of it is base, in lots of the coin.", "0.38")]
    quote: Annotated[str, says("What of it is USD.", "1050.0")]
    fair_value: Annotated[str, says("Both tokens at the index. USD.", "2000.0")]
    fees: Annotated[str | None, says("Fees not collected yet, USD; null where its pool is on a chain.", "3.2")]
    delta: Annotated[str, says("What of it is base: USD gained for a relative move of 1, to first order.", "950.0")]
    gamma: Annotated[str, says("Second derivative per relative move, at most 0. USD.", "-1800.0")]
    start_price: Annotated[str, says("The index when it came.", "2400.0")]
    start_value: Annotated[str, says("What it was worth then. USD.", "1990.0")]
    held_instead: Annotated[str, says("What its tokens of then would be worth now. USD.", "2010.0")]
    impermanent_loss: Annotated[str, says("held_instead less fair_value. USD.", "10.0")]
    is_unwinding: Annotated[bool, says("Whether a liquidation has asked for its liquidity to be removed.", False)]


class RangePointView(Shape, frozen=True, kw_only=True):
    """A position at the end of a candle, and now."""

    time: Time
    price: Annotated[str, says("Close of the candle, a trade or the mark; now the index.", "2450.0")]
    value: Annotated[str, says("Both tokens at the price. USD.", "1980.0")]
    lost: Annotated[str, says("Against holding the tokens, since it came. USD.", "8.5")]
    fees: Annotated[str, says("Collected since it came. USD.", "12.0")]


class RangeAdviceView(Shape, frozen=True, kw_only=True):
    """A range to move it to, by `moveRange`."""

    lower: Annotated[str, says("Lower end, a price.", "2100.0")]
    upper: Annotated[str, says("Upper end.", "2900.0")]
    stay: Annotated[str, says("How likely the price is inside after the days: lognormal, without drift.", "0.8")]
    days: Annotated[int, says("Horizon.", 7)]
    value: Annotated[str, says("What the position would be worth there: what fits without a swap. USD.", "1850.0")]
    left_over: Annotated[str, says("What does not fit, and stays as collateral. USD.", "150.0")]
    hedge: Annotated[str, says("Perp that leaves no delta there, in lots of the coin.", "-0.37")]


class RangePastView(Shape, frozen=True, kw_only=True):
    """A liquidity position over time: worth, loss against holding, fees, and where to move it."""

    address: Annotated[str, says("Whose.", EXAMPLE_ADDRESS)]
    asset: Number
    token: Annotated[str, says("Its number in the pool's contract.", "17")]
    time: Time
    interval: Annotated[str, says("Between two points.", "15m")]
    fees_collected: Annotated[str, says("Since it came. USD.", "12.0")]
    fees_uncollected: Annotated[str, says("Earned and not collected. USD.", "3.2")]
    lost: Annotated[str, says("Against holding, since it came, at the index. USD.", "10.0")]
    net: Annotated[str, says("Fees less what was lost. USD.", "5.2")]
    break_even_lower: Annotated[str | None, says("Price below which fees have not made up for the loss.", "2200.0")]
    break_even_upper: Annotated[str | None, says("And above which; null: none in reach, or never.", "2650.0")]
    volatility_day: Annotated[str, says("Of a day, as the advice takes it.", "0.04")]
    advice: Annotated[RangeAdviceView | None, says("Null when nothing of it would fit without a swap.")]
    points: tuple[RangePointView, ...]


class HoldingView(Shape, frozen=True, kw_only=True):
    """A balance, or a liquidity position."""

    asset: Number
    coin: Coin
    kind: Kind
    size: Annotated[str | None, says("Units of the coin; of a position see `range`.", "1.5")]
    value_maintenance: Maintained
    value_initial: Counted
    range: Annotated[RangeView | None, says("Of a liquidity position.")]


class BucketCollateral(Shape, frozen=True, kw_only=True):
    """What one bucket holds and owes."""

    bucket: Annotated[str, says("cross, or isolated and the coin.", "cross")]
    value_maintenance: Maintained
    value_initial: Counted
    borrowed: Annotated[str, says("USD its cash is short of: interest runs on it.", "500.0")]
    interest_due: Annotated[str, says("Interest that has fallen due and is not charged yet. USD.", "0.02")]
    holdings: tuple[HoldingView, ...]


class CollateralView(Shape, frozen=True, kw_only=True):
    """Collateral of an account."""

    address: Annotated[str, says("Whose.", EXAMPLE_ADDRESS)]
    time: Time
    borrow_rate_hour: Rate
    buckets: tuple[BucketCollateral, ...]


class AssetFaucetRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Play collateral that is asked for."""

    address: Annotated[str, says("Who gets it.", EXAMPLE_ADDRESS)]
    asset: Number
    size: Annotated[str, says("Units of its coin.", "1.5")]


class RangeFaucetRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A play liquidity position that is asked for, as a pool's contract describes it."""

    address: Annotated[str, says("Who gets it.", EXAMPLE_ADDRESS)]
    asset: Number
    liquidity: Annotated[str, says("L of the position.", "100000000000000000")]
    tick_lower: Annotated[int, says("Its lower tick.", 193380)]
    tick_upper: Annotated[int, says("Its upper tick.", 203190)]
    base_decimals: Annotated[int, says("Of the base token.", 18, ge=0, le=36)] = 18
    quote_decimals: Annotated[int, says("Of the USD token.", 6, ge=0, le=36)] = 6
    base_first: Annotated[bool, says("Whether the base is the pool's token0.", False)] = False


class AssetFaucetView(Shape, frozen=True, kw_only=True):
    """What the address holds of the asset now. Empty when it went back: above a cap, or too narrow."""

    address: Annotated[str, says("Who got it.", EXAMPLE_ADDRESS)]
    asset: Number
    holdings: tuple[HoldingView, ...]
