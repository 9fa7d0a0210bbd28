"""A bucket: the only thing that holds margin (SPEC section 1). A cross account is one, an isolated position is one."""

from enum import Enum

import msgspec

from seawall.terms.asset import Holding
from seawall.units import FundingIndex, Lots, UsdMicro


class BucketKind(Enum):
    CROSS = "cross"
    ISOLATED = "isolated"


class MarginMode(Enum):
    """How maintenance is measured: by tiers position by position, or by the worst scenario of the whole bucket."""

    TIERED = "tiered"
    PORTFOLIO = "portfolio"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position of one market in one bucket, with the size of its resting orders."""

    market: str
    size: Lots
    entry_notional: UsdMicro = UsdMicro(0)  # signed like size; maintenance never reads it
    leverage: int = 1
    funding_index: FundingIndex = FundingIndex(0)  # at which it last settled
    bids: Lots = Lots(0)  # resting buys, >= 0
    asks: Lots = Lots(0)  # resting sells, >= 0


class LpHolding(msgspec.Struct, frozen=True, kw_only=True):
    """Concentrated liquidity in a pool of `market`'s base asset against USD, Uniswap v3 shape (SPEC section 11).

    `liquidity` is in sqrt(lots * micro-USD); the range is given by its bounds as prices in micro-USD per lot.
    """

    market: str
    liquidity: int
    lower: int
    upper: int


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`raw_usd` is cash received minus the signed entry notional of every open position."""

    kind: BucketKind = BucketKind.CROSS
    raw_usd: UsdMicro
    positions: tuple[Position, ...] = ()
    collateral: tuple[Holding, ...] = ()
    mode: MarginMode = MarginMode.TIERED
    owner: str = ""
