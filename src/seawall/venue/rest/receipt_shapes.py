"""Shapes of liquidation receipts: why was I liquidated, line by line."""

from typing import Annotated, Literal

from seawall.venue.rest.account_shapes import Address
from seawall.venue.rest.shape import Coin, Sequence, Shape, Time, says

What = Literal["started", "cancelled", "waited", "sold", "tiered", "vault", "deleveraged", "paid", "returned", "ended"]


class PositionThen(Shape, frozen=True, kw_only=True):
    """A position as the liquidation found it."""

    coin: Coin
    size: Annotated[str, says("Units of the coin; below 0: short.", "1.5")]
    mark: Annotated[str, says("The mark then. USD.", "48000.0")]
    value: Annotated[str, says("Signed size x mark. USD.", "72000.0")]
    entry_notional: Annotated[str, says("What it was opened for, signed. USD.", "75000.0")]
    maintenance: Annotated[str, says("Its maintenance, rounded up. USD.", "1800.0")]


class StepView(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened. Fields that a kind of step does not have are left out."""

    time: Time
    sequence: Sequence
    what: Annotated[
        What,
        says(
            "started; cancelled: its orders; waited: why nothing was closed yet; sold: on the book; tiered: portfolio "
            "margin ended; vault: taken by "
            "the backstop; deleveraged: closed against other traders; paid: somebody made its debt good; returned: "
            "what was left of isolated margin; ended.",
            "sold",
        ),
    ]
    reason: Annotated[str, says("Why, by the rule.", "equity at the mark fell below maintenance")]
    text: Annotated[str, says("The whole step in one sentence, with its numbers.")]
    coin: Annotated[str | None, says("Name of the market.", "BTC")] = None
    size: Annotated[str | None, says("Units closed, signed: below 0 sold, above 0 bought.", "-0.5")] = None
    sought: Annotated[str | None, says("Units that the step sought to close.", "0.5")] = None
    price: Annotated[str | None, says("Average price of the step. USD.", "47990.0")] = None
    bankruptcy_price: Annotated[
        str | None, says("The price past which it may not close: there nothing would be left. USD.", "47200.0")
    ] = None
    value: Annotated[str | None, says("Notional of the step. USD.", "23995.0")] = None
    fee: Annotated[str | None, says("To the market's insurance fund. USD.", "119.975")] = None
    equity: Annotated[str | None, says("Equity of the bucket after the step. USD.", "1700.0")] = None
    maintenance: Annotated[str | None, says("Maintenance of the bucket after the step. USD.", "1200.0")] = None
    amount: Annotated[str | None, says("USD that were paid or returned.", "10.0")] = None
    orders: Annotated[int | None, says("How many orders were cancelled.", 2)] = None


class ReceiptView(Shape, frozen=True, kw_only=True):
    """One liquidation of one bucket, from its beginning to its end."""

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    started: Time
    sequence: Sequence
    ended: Annotated[int | None, says("When it ended; null: it runs.")]
    equity: Annotated[str, says("Equity when it began. USD.", "1790.0")]
    maintenance: Annotated[str, says("Maintenance when it began: equity was below it. USD.", "1800.0")]
    liquidation_end: Annotated[str, says("Equity at which it was to stop. USD.", "1836.0")]
    below_backstop_share: Annotated[bool, says("Whether equity was so low that the backstop vault came first.", False)]
    positions: tuple[PositionThen, ...]
    steps: tuple[StepView, ...]
    all_closed: Annotated[bool, says("Whether nothing was left.", False)]
    equity_after: Annotated[str | None, says("Equity when it ended; null: it runs. USD.", "1700.0")]
    closed_notional: Annotated[str, says("Notional closed by all steps. USD.", "23995.0")]
    fees: Annotated[str, says("All fees. USD.", "119.975")]
    paid_by_insurance: Annotated[str, says("Debt that the insurance fund paid. USD.", "0.0")]
    paid_by_winners: Annotated[str, says("Debt shared among those with profit. USD.", "0.0")]
    bad_debt: Annotated[str, says("Debt that nobody paid. USD.", "0.0")]


class DeleveragingView(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """What another account's liquidation did to this one: a position closed for it, or profit cut."""

    time: Time
    sequence: Sequence
    what: Annotated[Literal["closed", "profit_cut"], says("Which of the two.", "closed")]
    reason: Annotated[str, says("Why, by the rule.")]
    coin: Coin
    size: Annotated[str | None, says("Units closed, signed for this account.", "-0.2")] = None
    price: Annotated[str | None, says("At the loser's bankruptcy price. USD.", "47200.0")] = None
    value: Annotated[str | None, says("Notional closed. USD.", "9440.0")] = None
    amount: Annotated[str | None, says("Profit given up. USD.", "12.0")] = None
    mark: Annotated[str | None, says("The mark then. USD.", "47000.0")] = None


class LiquidationsView(Shape, frozen=True, kw_only=True):
    """Liquidations of an account and what those of others did to it, newest first."""

    address: Address
    time: Time
    receipts: tuple[ReceiptView, ...]
    deleveragings: tuple[DeleveragingView, ...]
    is_complete: Annotated[bool, says("False: older steps were left out; ask again with an earlier `end`.", True)]
