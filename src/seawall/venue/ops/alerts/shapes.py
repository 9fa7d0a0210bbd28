"""Shapes of alerts: the rules, the signed request, what is answered. Targets are never answered: they hold secrets."""

from typing import Annotated, Any, Final, Literal

import msgspec

from seawall.terms.limits import TIME_MAX
from seawall.venue.rest.account_shapes import Address
from seawall.venue.rest.shape import Shape, says

RULES_MOST: Final = 20  # of one alert
Decimal = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,18})?$")]
CoinName = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
AnyCoin = Annotated[CoinName | None, says("Only this market; left out: every one.", "BTC")]
Share = Annotated[Decimal, says("A share, 0.05 being 5 %.", "0.05")]
Dollars = Annotated[Decimal, says("USD.", "1000.0")]


class MarginCall(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="margin_call"):
    """Equity of a bucket falls below a level."""

    level: Annotated[
        Literal["initial", "liquidation_end", "maintenance"], says("The level, as /v1/accounts tells it.", "initial")
    ] = "initial"


class MarginRatio(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="margin_ratio"):
    """maintenance / equity of a bucket rises above a share; liquidation begins at 1."""

    above: Share


class Distance(
    Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="liquidation_distance"
):
    """The mark comes nearer to the liquidation price of a position than a share of the mark."""

    below: Share
    coin: AnyCoin = None


class LiquidationChance(
    Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="liquidation_chance"
):
    """The probability that a bucket is liquidated within so many hours rises above a share (docs/risk/foresight.md)."""

    above: Share
    hours: Annotated[Literal[1, 8, 24], says("The horizon.", 24)] = 24


class FundingRate(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="funding_rate"):
    """Funding of an hour, either way, rises above a share."""

    above: Share
    coin: AnyCoin = None


class FundingPayment(
    Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="funding_payment"
):
    """The account pays at least so much funding at once."""

    above: Dollars


class Breaker(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="breaker"):
    """The breaker of a market changes."""

    coin: AnyCoin = None


class StatusChange(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="status"):
    """The status of a market or of the venue changes."""

    coin: AnyCoin = None


class Insurance(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="insurance"):
    """The insurance fund of a market falls below an amount."""

    below: Dollars
    coin: AnyCoin = None


class Liquidation(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="liquidation"):
    """A liquidation of the account begins; in an alert of the operator's, any."""


class BadDebt(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="bad_debt"):
    """The venue's bad debt rises above an amount."""

    above: Dollars


AccountRule = (
    MarginCall
    | MarginRatio
    | Distance
    | LiquidationChance
    | FundingRate
    | FundingPayment
    | Breaker
    | StatusChange
    | Insurance
    | Liquidation
)
Rule = AccountRule | BadDebt


class Wanted(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of `set`: an alert that is new, or replaces that of the same name."""

    name: Annotated[str, says("Your name for it.", "phone"), msgspec.Meta(min_length=1, max_length=40)]
    target: Annotated[
        str,
        says("An Apprise URL of a kind that the venue lets out.", "tgram://TOKEN/CHAT"),
        msgspec.Meta(max_length=500),
    ]
    rules: Annotated[tuple[AccountRule, ...], msgspec.Meta(min_length=1, max_length=RULES_MOST)]


class AlertsRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request that the account's owner has signed as typed data `SeawallAlerts` (docs/venue/alerts.md)."""

    account: Address
    action: Annotated[Literal["set", "remove", "test", "list"], says("What to do.", "set")]
    payload: Annotated[
        str,
        says("set: JSON of name, target and rules; remove, test: the name; list: empty.", "phone"),
        msgspec.Meta(max_length=8_000),
    ]
    nonce: Annotated[int, says("Now in ms, greater than in your last request.", 1_760_000_400_000, ge=0, le=TIME_MAX)]
    network: Annotated[Literal["mainnet", "testnet"], says("As /v1/status tells it.", "testnet")]
    chain_id: Annotated[int, says("The chain id of the typed data's domain.", 421_614, ge=0, le=2**53)]
    signature: Annotated[dict[str, Any], says("r, s and v.", {"r": "0x12", "s": "0x34", "v": 27})]


class AlertView(Shape, frozen=True, kw_only=True):
    """An alert without its secret."""

    name: Annotated[str, says("Its name.", "phone")]
    target: Annotated[str, says("The kind of its target only.", "tgram")]
    rules: tuple[AccountRule, ...]
    fired: Annotated[int, says("How many crossings have been told and have not come back.", 0)]
    waiting: Annotated[int, says("Messages that wait to be sent.", 0)]


class AlertsView(Shape, frozen=True, kw_only=True):
    """The account's alerts, after what was asked for."""

    account: Address
    alerts: tuple[AlertView, ...]
