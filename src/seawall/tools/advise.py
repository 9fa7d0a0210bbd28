"""`seawall account advise`: cross or isolated for a described trade, judged on what each would do to this account."""

from enum import Enum
from fractions import Fraction
from typing import Any

import msgspec

from seawall.terms.asset import Asset, Holding
from seawall.tools.account_file import CROSS, Account, build, isolated_name
from seawall.tools.figures import exact_text, given_fraction, given_positive, money, percent, price_text
from seawall.tools.health import account_health
from seawall.tools.liq import account_liquidation
from seawall.tools.scales import usd_of
from seawall.tools.surface import account_surface
from seawall.tools.what_if import Mode, Trade, after_trade, unreported, with_place
from seawall.tools.wire import Node
from seawall.units import RATE_ONE, BadInput, Rate, Side, fraction_from, rate

NUMBERS = "command line"
THIN_MOVE = Fraction(1, 100)  # a liquidating move below this is inside an ordinary hour of a volatile market


class Kind(Enum):
    """What the trade is for."""

    HEDGED = "hedged"
    BASIS = "basis"
    CORRELATED = "correlated"
    EXPERIMENTAL = "experimental"
    SCALP = "scalp"
    SINGLE = "single"


class Recommended(Enum):
    """The advice."""

    CROSS = "cross"
    ISOLATED = "isolated"
    EITHER = "either"


class ModeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The account with the trade in one mode. Moves are signed shares; USD and prices in USD."""

    is_accepted: bool
    reasons: tuple[str, ...]
    liquidation_price_usd: Fraction | None
    move_to_liquidation: Fraction | None
    common_fall_to_liquidation: Fraction | None  # all markets down together: the first bucket that is liquidated
    common_rise_to_liquidation: Fraction | None
    at_risk_usd: Fraction  # equity of the bucket that holds the trade
    at_risk_share: Fraction | None  # of the account value
    positions_together: int  # liquidated with the trade
    initial_margin_usd: Fraction
    free_usd: Fraction  # of the cross bucket


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Signed notional of the cross bucket and of spot held with it, without and with the trade, in USD."""

    before_usd: Fraction
    trade_usd: Fraction
    after_usd: Fraction

    @property
    def is_offset(self) -> bool:
        """The trade takes net exposure down."""
        return abs(self.after_usd) < abs(self.before_usd)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Both modes, the advice and its reason in figures."""

    kind: Kind
    trade: str
    recommended: Recommended
    reason: str
    cross: ModeFigures
    isolated: ModeFigures
    exposure: Exposure
    spot_weight: Fraction | None
    warnings: tuple[str, ...]


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Spot of the traded coin, held as collateral of the cross bucket at `weight`."""

    size: Fraction
    weight: Rate


def kind_from(text: str) -> Kind:
    if text not in [kind.value for kind in Kind]:
        raise BadInput("kind", f"expected {', '.join(kind.value for kind in Kind)}, got {text!r}")
    return Kind(text)


def spot_from(size: str | None, weight: str, kind: Kind, trade: Trade) -> Spot | None:
    """The spot leg: given, or for a basis trade that is short as much as the trade; None otherwise."""
    if size is None and (kind is not Kind.BASIS or trade.side.sign > 0):
        return None
    share = given_fraction(weight, "spot-weight")
    if not 0 <= share <= 1:
        raise BadInput("spot-weight", f"{weight} is outside 0..1")
    units = trade.size if size is None else given_positive(size, "spot")
    return Spot(size=units, weight=rate(share, Side.DOWN, "spot-weight"))


def with_spot_sizes(trade: Trade, spot: Spot | None) -> Trade:
    """The trade, its lots fine enough for the spot leg too."""
    return trade if spot is None else msgspec.structs.replace(trade, more_sizes=(spot.size,))


def numbers_account(equity: str, legs: list[str]) -> Account:
    """An account of USD `equity` and cross `legs` "COIN=SIGNED_SIZE@PRICE:MAX_LEVERAGE", marked at those prices."""
    value = given_positive(equity, "equity")
    entries: list[dict[str, Any]] = []
    signed = Fraction(0)
    for index, leg in enumerate(legs):
        entry, worth = _leg(leg, f"leg[{index}]")
        entries.append({"type": "oneWay", "position": entry})
        signed += worth
    summary = {"totalRawUsd": exact_text(value - signed), "accountValue": exact_text(value)}
    return build(Node({"assetPositions": entries, "crossMarginSummary": summary}, "", NUMBERS))


def _leg(text: str, field: str) -> tuple[dict[str, Any], Fraction]:
    coin, sign, rest = text.partition("=")
    size_text, at, tail = rest.partition("@")
    price_text_, colon, most = tail.partition(":")
    if not (coin and sign and at and colon and most.isdigit()):
        raise BadInput(field, f"expected COIN=SIZE@PRICE:MAX_LEVERAGE, got {text!r}")
    size, price = fraction_from(size_text, field), given_positive(price_text_, field)
    if size == 0:
        raise BadInput(field, "size is zero")
    leverage = {"type": "cross", "value": int(most)}
    value = exact_text(abs(size) * price)
    return {
        "coin": coin,
        "szi": size_text,
        "leverage": leverage,
        "positionValue": value,
        "maxLeverage": int(most),
    }, size * price


def advise(account: Account, trade: Trade, kind: Kind, spot: Spot | None = None) -> Advice:
    """Cross or isolated for `trade`: the account is worked out both ways and the kind decides what counts.

    Raises BadInput when the coin is held already (its mode is fixed then) or is unknown.
    """
    if any(p.market == trade.coin for named in account.buckets for p in named.bucket.positions):
        raise BadInput("coin", f"{trade.coin} is held already: a fill of it goes where the position is", account.file)
    ready = with_place(account, trade)
    if spot is not None:
        ready = _with_spot(ready, trade, spot)
    cross = _figures(ready, trade, Mode.CROSS)
    isolated = _figures(ready, trade, Mode.ISOLATED)
    exposure = _exposure(ready, trade, spot)
    others = len(ready.cross.positions)
    recommended, reason = _judge(kind, cross, isolated, exposure, others=others)
    return Advice(
        kind=kind,
        trade=_trade_text(ready, trade),
        recommended=recommended,
        reason=reason,
        cross=cross,
        isolated=isolated,
        exposure=exposure,
        spot_weight=None if spot is None else Fraction(spot.weight, RATE_ONE),
        warnings=(*account.warnings, *_warnings(kind, recommended, cross, isolated, others=others)),
    )


def _trade_text(account: Account, trade: Trade) -> str:
    price = account.place(trade.coin).mark_usd if trade.price is None else trade.price
    return f"{trade.side.value} {exact_text(trade.size)} {trade.coin} at {price_text(price)}, {trade.leverage}x"


def _with_spot(account: Account, trade: Trade, spot: Spot) -> Account:
    place = account.place(trade.coin)
    name = f"spot {trade.coin}"
    asset = Asset(
        name=name,
        size_decimals=place.market.size_decimals,
        oracle=place.mark.mark,
        stable=place.mark.mark,
        weight_initial=spot.weight,
        weight_maintenance=spot.weight,
        underlying=trade.coin,
    )
    holding = Holding(name, place.scale.lots(spot.size, "spot"))
    held = msgspec.structs.replace(account.cross, collateral=(holding,))
    buckets = tuple(
        msgspec.structs.replace(named, bucket=held) if named.name == CROSS else named for named in account.buckets
    )
    return msgspec.structs.replace(account, buckets=buckets, assets={name: asset})


def _figures(account: Account, trade: Trade, mode: Mode) -> ModeFigures:
    after, reasons, _ = after_trade(account, msgspec.structs.replace(trade, mode=mode))
    silent = unreported(after)
    name = CROSS if mode is Mode.CROSS else isolated_name(trade.coin)
    lines = account_liquidation(silent).positions
    own = next(line for line in lines if line.coin == trade.coin and line.bucket == name)
    overall = account_health(silent)
    at_risk = next(b for b in overall.buckets if b.bucket == name)
    common = _common_moves(silent)
    total = overall.account_value_usd
    return ModeFigures(
        is_accepted=not reasons,
        reasons=reasons,
        liquidation_price_usd=own.liquidation_price_usd,
        move_to_liquidation=own.move_to_liquidation,
        common_fall_to_liquidation=common["down"],
        common_rise_to_liquidation=common["up"],
        at_risk_usd=at_risk.equity_usd,
        at_risk_share=at_risk.equity_usd / total if total > 0 else None,
        positions_together=at_risk.positions,
        initial_margin_usd=overall.initial_margin_usd,
        free_usd=next(b.free_usd for b in overall.buckets if b.bucket == CROSS),
    )


def _common_moves(account: Account) -> dict[str, Fraction | None]:
    """The smallest move of all held markets together that liquidates some bucket, each way."""
    coins = [position.market for named in account.buckets for position in named.bucket.positions]
    ways = {"down": Rate(-RATE_ONE), "up": Rate(RATE_ONE)}
    points = account_surface(account, {way: dict.fromkeys(coins, move) for way, move in ways.items()}).points
    nearest: dict[str, Fraction | None] = {}
    for way, move in ways.items():
        scales = [point.scale for point in points if point.direction == way and point.scale is not None]
        nearest[way] = min(scales) * Fraction(move, RATE_ONE) if scales else None
    return nearest


def _exposure(account: Account, trade: Trade, spot: Spot | None) -> Exposure:
    place = account.place(trade.coin)
    held = [usd_of(p.size * account.place(p.market).mark.mark) for p in account.cross.positions]
    before = sum(held, Fraction(0)) + (Fraction(0) if spot is None else spot.size * place.mark_usd)
    own = trade.side.sign * trade.size * place.mark_usd
    return Exposure(before_usd=before, trade_usd=own, after_usd=before + own)


def _judge(
    kind: Kind, cross: ModeFigures, isolated: ModeFigures, exposure: Exposure, *, others: int
) -> tuple[Recommended, str]:
    """The advice of a kind, unless the figures say that the trade is not of that kind."""
    net = f"net exposure goes from {money(exposure.before_usd)} to {money(exposure.after_usd)} USD"
    far = f"liquidation is {_far(cross)} in cross and {_far(isolated)} isolated"
    lost, exposed = money(isolated.at_risk_usd), money(cross.at_risk_usd)
    cap = f"isolated, no more than {lost} USD can be lost, against {exposed} in cross"
    if kind in (Kind.HEDGED, Kind.BASIS):
        if exposure.is_offset:
            return Recommended.CROSS, f"The legs offset: {net}. What one leg loses the other earns, so {far}."
        return Recommended.ISOLATED, f"The legs do not offset: {net}. Cross would add its losses to the rest; {cap}."
    if kind is Kind.CORRELATED:
        if exposure.is_offset:
            return Recommended.CROSS, f"The trade runs against the rest of the book: {net}. It hedges, so {far}."
        together = f"one common move liquidates {cross.positions_together} positions in cross"
        return Recommended.ISOLATED, f"The trade runs with the rest: {net}; {together} ({_common(cross)}); {cap}."
    if kind in (Kind.EXPERIMENTAL, Kind.SCALP):
        return Recommended.ISOLATED, f"The loss of a trade like this should have a hard limit: {cap}; {far}."
    if others:
        return Recommended.ISOLATED, f"It is not the only position ({others} more in cross): {cap}; {far}."
    return Recommended.EITHER, f"One position has nothing to offset: {far}, but {cap}."


def _far(mode: ModeFigures) -> str:
    if mode.liquidation_price_usd is None or mode.move_to_liquidation is None:
        return "at no price"
    return f"{percent(mode.move_to_liquidation)} away at {price_text(mode.liquidation_price_usd)}"


def _common(mode: ModeFigures) -> str:
    found = [m for m in (mode.common_fall_to_liquidation, mode.common_rise_to_liquidation) if m is not None]
    return f"at {percent(min(found, key=abs))}" if found else "at no size of it"


def _warnings(
    kind: Kind, recommended: Recommended, cross: ModeFigures, isolated: ModeFigures, *, others: int
) -> list[str]:
    said = []
    chosen = cross if recommended is Recommended.CROSS else isolated
    if not chosen.is_accepted:
        other = isolated if chosen is cross else cross
        also = "; the other mode would be accepted" if other.is_accepted else ""
        said.append(f"the margin rules refuse the advised mode: {'; '.join(chosen.reasons)}{also}")
    if isolated.move_to_liquidation is not None and abs(isolated.move_to_liquidation) < THIN_MOVE:
        said.append(f"isolated, a move of {percent(isolated.move_to_liquidation)} liquidates: lower the leverage")
    if kind is Kind.CORRELATED and not others:
        said.append("there is no other cross position for it to be correlated with")
    return said
