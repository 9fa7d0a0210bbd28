"""Shapes of an account: every amount has one meaning and says it."""

from typing import Annotated, Final, Literal

from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Coin, Sequence, Shape, Time, says

EXAMPLE_ACCOUNT: Final = 17

Level = Annotated[
    Literal["free", "below_initial", "below_liquidation_end", "liquidatable", "bankrupt"],
    says(
        "Where equity stands. free: at or above `initial`, may take more risk. below_initial: may only reduce risk. "
        "below_liquidation_end: a liquidation that runs goes on. liquidatable: below `maintenance`. bankrupt: below 0.",
        "free",
    ),
]
Address = Annotated[str, says("Address as lower-case hex with 0x.", EXAMPLE_ADDRESS)]
Equity = Annotated[
    str,
    says("Value at mark: cash, plus unrealised profit and loss, plus funding earned and not settled. USD.", "1012.5"),
]
Free = Annotated[
    str,
    says("What new risk may use: equity as it counts for initial margin, less `used`. Below 0: short of it. USD."),
]
Withdrawable = Annotated[
    str,
    says(
        "What may leave now, by withdrawal or transfer: equity above `floor`, unrealised profit only as far as losers "
        "have paid it in, nothing on a stale price or in a liquidation. Never below 0. USD.",
        "711.5",
    ),
]
Used = Annotated[
    str,
    says("Margin that positions and resting orders tie up: the same number as `initial`. USD.", "301.0"),
]
Floor = Annotated[
    str,
    says(
        "What must stay after a withdrawal: the larger of `initial` and a share of `notional` (10 % unless the venue "
        "says otherwise) plus `reserved`. Opening and closing never look at it. USD.",
        "301.0",
    ),
]
Maintenance = Annotated[str, says("Equity below which liquidation begins, at the marks of now. USD.", "60.0")]
LiquidationEnd = Annotated[
    str, says("Equity at which a liquidation stops: maintenance and the exit buffer, 2 % by default. USD.", "61.2")
]
Initial = Annotated[
    str,
    says(
        "Equity that new risk needs: the larger of the positions' initial margins and `liquidation_end`, plus "
        "`reserved`. Being below it closes nothing. USD.",
        "301.0",
    ),
]
Reserved = Annotated[
    str, says("The part of `initial` that is for resting orders: the worse of all bids or all asks filled. USD.", "1.0")
]
Notional = Annotated[str, says("Sum of the positions' absolute values at mark. USD.", "3000.0")]
MarginRatio = Annotated[
    str | None,
    says("maintenance / equity: liquidation begins above 1. null when equity is not positive.", "0.059259259259"),
]


class BucketView(Shape, frozen=True, kw_only=True):
    """What holds margin: the cross account, or one isolated position. Each is liquidated by itself."""

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    mode: Annotated[
        Literal["tiered", "portfolio"],
        says(
            "What `maintenance` and `initial` come from: tiers position by position, or the worst scenario of the "
            "whole bucket.",
            "tiered",
        ),
    ]
    level: Level
    equity: Equity
    cash: Annotated[str, says("USD without unrealised profit and loss, as settled.", "1000.0")]
    unrealised: Annotated[str, says("Profit and loss of open positions at mark. USD.", "12.5")]
    pending_funding: Annotated[str, says("Funding earned and not settled yet; below 0: owed. USD.", "0.0")]
    free: Free
    withdrawable: Withdrawable
    used: Used
    floor: Floor
    maintenance: Maintenance
    liquidation_end: LiquidationEnd
    initial: Initial
    reserved: Reserved
    notional: Notional
    margin_ratio: MarginRatio
    leverage: Annotated[str | None, says("notional / equity; null when equity is not positive.", "2.962962962963")]
    positions: Annotated[int, says("How many positions it holds.", 1)]


class Withdrawals(Shape, frozen=True, kw_only=True):
    """What stands between a withdrawal and the chain, for everybody."""

    are_open: Annotated[bool, says("False while the venue is halted, or for a while after negative equity.", True)]
    closed_until: Annotated[int | None, says("When they open again; null when nothing closes them.")]
    limit_left: Annotated[str, says("What the venue may still pay out in this hour and day, to all. USD.", "1000000.0")]
    pending: Annotated[str, says("What this account has asked for and has not been paid. USD.", "0.0")]


class AccountView(Shape, frozen=True, kw_only=True):
    """An account with all its buckets. The totals only add up what is there: liquidation looks at each bucket alone."""

    address: Address
    account: Annotated[int, says("The engine's number of it.", EXAMPLE_ACCOUNT)]
    master: Annotated[str, says("Address of its owner: its own, unless it is a sub-account.", EXAMPLE_ADDRESS)]
    time: Time
    sequence: Sequence
    equity: Annotated[str, says("Equity of all buckets together, USD outside margin left out. USD.", "1012.5")]
    notional: Notional
    free: Annotated[str, says("`free` of the cross bucket. USD.", "711.5")]
    withdrawable: Annotated[str, says("`withdrawable` of the cross bucket: only cash there can be withdrawn. USD.")]
    outside_margin: Annotated[
        str, says("USD that the owner holds outside margin (`spot` on the wire): no position touches it. USD.", "0.0")
    ]
    level: Level
    buckets: tuple[BucketView, ...]
    withdrawals: Withdrawals


class FundingAheadView(Shape, frozen=True, kw_only=True):
    """Funding to come if rate, index and position stay as they are. USD credited; below 0: paid."""

    rate: Annotated[str, says("Of an hour, predicted: of this interval if it ended now.", "0.0000125")]
    hour_1: Annotated[str, says("Within an hour.", "-0.0375")]
    hours_8: Annotated[str, says("Within 8 hours.", "-0.3")]
    hours_24: Annotated[str, says("Within 24 hours.", "-0.9")]


class PositionView(Shape, frozen=True, kw_only=True):
    """One position."""

    coin: Coin
    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    side: Annotated[Literal["long", "short"], says("Which way it earns.", "long")]
    size: Annotated[str, says("Units of the coin, never negative.", "0.06")]
    entry_price: Annotated[str, says("Average price at which it was opened. USD.", "49791.6666667")]
    mark: Annotated[str, says("The mark of now. USD.", "50000.0")]
    value: Annotated[str, says("size x mark. USD.", "3000.0")]
    unrealised: Annotated[str, says("Profit and loss at mark, funding apart. USD.", "12.5")]
    pending_funding: Annotated[str, says("Funding earned since it last settled; below 0: owed. USD.", "0.0")]
    funding_ahead: FundingAheadView
    leverage: Annotated[int, says("As chosen.", 10)]
    maintenance: Annotated[
        str, says("Its own maintenance, rounded up. The bucket's is one sum, rounded once. USD.", "60")
    ]
    initial: Annotated[str, says("Its own initial margin, resting orders apart. USD.", "300.0")]
    liquidation_price: Annotated[
        str | None,
        says(
            "The mark of this market at which its bucket is liquidated if nothing else moves, to 12 decimals; null: "
            "none. USD.",
            "33460.884353741497",
        ),
    ]
    liquidation_price_exact: Annotated[str | None, says("The same as numerator/denominator.", "4918750/147")]
    distance: Annotated[
        str | None, says("How far the mark is from it, as a signed share of the mark.", "-0.33078231292517")
    ]
    resting_bids: Annotated[str, says("Units of resting buys that reserve margin.", "0.0")]
    resting_asks: Annotated[str, says("Units of resting sells that reserve margin.", "0.0")]
    is_being_liquidated: Annotated[bool, says("Whether a liquidation of its bucket runs or waits.", False)]


class PositionsView(Shape, frozen=True, kw_only=True):
    """All positions of an account, the nearest to its liquidation price first."""

    address: Address
    time: Time
    sequence: Sequence
    positions: tuple[PositionView, ...]


AdlPolicy = Annotated[
    Literal["queue", "pro_rata", "risk_aware_pro_rata", "least_harm"],
    says("Who is closed first; the parameter adl_policy.", "least_harm"),
]
Light = Annotated[int, says("4: among the fifth that is closed first, 0: among the last fifth.", 3, ge=0, le=4)]


class RankView(Shape, frozen=True, kw_only=True):
    """Where a position stands in the queue of auto-deleveraging."""

    coin: Coin
    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    side: Annotated[Literal["long", "short"], says("Its side: those of one side queue together.", "long")]
    place: Annotated[int, says("Its place among those of its side, from 1: the first is closed first.", 3)]
    of: Annotated[int, says("How many positions that side has.", 120)]
    light: Light
    score: Annotated[str, says("The engine's integer: the higher score is closed first.", "1152921504606846976")]
    in_profit: Annotated[bool, says("Positions in profit come before all others.", True)]


class RanksView(Shape, frozen=True, kw_only=True):
    """Ranks of all positions of an account, under the venue's policy of now."""

    address: Address
    time: Time
    sequence: Sequence
    policy: AdlPolicy
    ranks: tuple[RankView, ...]


class QueuedView(Shape, frozen=True, kw_only=True):
    """A position in the queue of auto-deleveraging."""

    place: Annotated[int, says("From 1: the first is closed first.", 3)]
    address: Annotated[str | None, says("Whose it is; null: a pool's.", EXAMPLE_ADDRESS)]
    bucket: Annotated[str, says('"cross", "isolated" and the coin, or "pool".', "cross")]
    size: Annotated[str, says("Units of the coin, never negative.", "0.06")]
    value: Annotated[str, says("size x mark. USD.", "3000.0")]
    unrealised: Annotated[str, says("Profit and loss at mark, funding apart. USD.", "12.5")]
    score: Annotated[str, says("The engine's integer: the higher score is closed first.", "1152921504606846976")]
    light: Light
    in_profit: Annotated[bool, says("Positions in profit come before all others.", True)]


class QueueView(Shape, frozen=True, kw_only=True):
    """One side of a market as deleveraging would ask it, under the venue's policy of now."""

    coin: Coin
    side: Annotated[Literal["long", "short"], says("Whose turn it is when the other side can not pay.", "long")]
    time: Time
    sequence: Sequence
    policy: AdlPolicy
    total: Annotated[int, says("Positions on this side.", 120)]
    start: Annotated[int, says("How many come before the first that is told.", 0)]
    positions: tuple[QueuedView, ...]
