"""Shapes of foresight and of the venue's risk."""

from typing import Annotated, Literal

from seawall.venue.rest.account_shapes import Address
from seawall.venue.rest.shape import Coin, Sequence, Shape, Time, says

Chance = Annotated[str, says("Probability of liquidation, a share counted on paths.", "0.0125")]
Score = Annotated[
    int,
    says(
        "0 to 100 from the probability within 24 hours: 25 points are a factor of ten; 0: at most 1 in 10,000, "
        "50: 1 in 100, 100: certain, or liquidatable now.",
        52,
        ge=0,
        le=100,
    ),
]
Hours = Annotated[
    str | None, says("Mean hours to liquidation on the paths that liquidate within a day; null: none does.", "13.5")
]


class ChancesView(Shape, frozen=True, kw_only=True):
    """Probabilities by horizon."""

    hour_1: Chance
    hours_8: Chance
    hours_24: Chance


class DriverView(Shape, frozen=True, kw_only=True):
    """A position's part in the losses of the paths that liquidate."""

    coin: Coin
    share: Annotated[str, says("All add up to 1; below 0: it cushions.", "0.83")]


class CureView(Shape, frozen=True, kw_only=True):
    """A change after which the margin core finds the probability within 24 hours at or below the target."""

    kind: Annotated[
        Literal["top_up", "reduce", "hedge", "switch_mode"],
        says("top_up: pay in; reduce, hedge: trade; switch_mode: move the position to cross.", "top_up"),
    ]
    coin: Annotated[str | None, says("What is traded or moved; null: nothing.", "BTC")]
    size: Annotated[str | None, says("Units of the fill at the mark; below 0: a sale; null: no fill.", "-0.05")]
    capital: Annotated[str, says("What is tied up in addition. USD.", "120.5")]
    cost: Annotated[str, says("Fees. USD.", "1.2")]
    probability: Chance
    words: Annotated[str, says("The same as a sentence.", "pay 120.50 USD into cross: then 0.98 % within 24h")]


class BucketForesightView(Shape, frozen=True, kw_only=True):
    """One bucket that holds positions."""

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    score: Score
    probabilities: ChancesView
    expected_hours: Hours
    drivers: tuple[DriverView, ...]
    cures: Annotated[tuple[CureView, ...], says("The cheapest first; none when it is at the target already.")]


class ForesightView(Shape, frozen=True, kw_only=True):
    """How likely an account is to be liquidated, because of what, and what cures it."""

    address: Address
    time: Time
    sequence: Sequence
    score: Score
    probabilities: ChancesView
    expected_hours: Hours
    target: Annotated[str, says("Probability within 24 hours that cures aim at.", "0.01")]
    paths: Annotated[int, says("How many were counted.", 4_096)]
    basis: Annotated[str, says("Where they come from.", "8,760 recorded days at the volatility of now")]
    buckets: tuple[BucketForesightView, ...]


class BucketChanceView(Shape, frozen=True, kw_only=True):
    """One bucket that holds positions, and how likely it is to be liquidated."""

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    score: Score
    probabilities: ChancesView
    expected_hours: Hours


class AccountChanceView(Shape, frozen=True, kw_only=True):
    """How likely any bucket of an account is to be liquidated, and each that holds positions."""

    score: Score
    probabilities: ChancesView
    buckets: tuple[BucketChanceView, ...]


class ForesightAfterView(Shape, frozen=True, kw_only=True):
    """Foresight before and after what would happen, on the same paths. Markets that would move have moved first."""

    address: Address
    time: Time
    sequence: Sequence
    paths: Annotated[int, says("How many were counted; 0: no positions.", 2_048)]
    basis: Annotated[str, says("Where they come from.", "8,760 recorded days at the volatility of now")]
    before: AccountChanceView
    after: AccountChanceView
