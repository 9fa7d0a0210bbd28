"""Shapes of what-if."""

from typing import Annotated, Final, Literal

import msgspec

from seawall.terms.limits import LEVERAGE_MAX
from seawall.venue.rest.account_shapes import Address, BucketView, PositionView
from seawall.venue.rest.shape import Coin, Sequence, Shape, Time, says

MOVES_MOST: Final = 64
Mode = Literal["cross", "isolated"]
Decimal = Annotated[str, msgspec.Meta(max_length=40)]
Times = Annotated[int, msgspec.Meta(ge=1, le=LEVERAGE_MAX)]


class OrderInView(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order as if it were filled whole at one price, as a taker."""

    coin: Coin
    side: Annotated[Literal["buy", "sell"], says("Which way.", "buy")]
    size: Annotated[Decimal, says("Units of the coin.", "0.1")]
    price: Annotated[Decimal | None, says("USD; left out: the mark.", "50000.0")] = None
    leverage: Annotated[Times | None, says("Left out: as the position has it, or as set.", 10)] = None
    margin_mode: Annotated[Mode | None, says("Left out: as the position has it, or as set.", "cross")] = None


class LeverageInView(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another leverage of a position."""

    coin: Coin
    leverage: Annotated[Times, says("The new leverage.", 5)]


class ModeInView(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A position that moves, whole, between cross and a bucket of its own."""

    coin: Coin
    margin_mode: Annotated[Mode, says("Where it goes.", "isolated")]
    margin: Annotated[Decimal, says("USD that go with it to isolated; to cross, all of it goes.", "100.0")] = "0"


class WhatIfRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens, any of these, in this order. At least one."""

    deposit: Annotated[Decimal | None, says("USD into the cross account; below 0: out of it.", "-250.0")] = None
    leverage: LeverageInView | None = None
    margin_mode: ModeInView | None = None
    order: OrderInView | None = None
    moves: Annotated[
        dict[str, str], says("Share by which marks move then.", {"BTC": "-0.1"}, max_length=MOVES_MOST)
    ] = msgspec.field(default_factory=dict)
    prices: Annotated[dict[str, str], says("Marks then, USD.", {"ETH": "2500.0"}, max_length=MOVES_MOST)] = (
        msgspec.field(default_factory=dict)
    )


class Outcome(Shape, frozen=True, kw_only=True):
    """The account at one moment. `withdrawable` leaves the pool of paid-in losses out of account."""

    buckets: tuple[BucketView, ...]
    positions: tuple[PositionView, ...]


class WhatIfView(Shape, frozen=True, kw_only=True):
    """Before and after."""

    address: Address
    time: Time
    sequence: Sequence
    is_accepted: Annotated[
        bool | None, says("Whether all that was asked for would be allowed now; null: only prices move.", True)
    ]
    reasons: Annotated[tuple[str, ...], says("Why not, each in a sentence.", [])]
    warnings: Annotated[tuple[str, ...], says("What may stand in the way besides.", [])]
    fee: Annotated[str, says("Taker fee of the order. USD.", "2.25")]
    before: Outcome
    after: Outcome
