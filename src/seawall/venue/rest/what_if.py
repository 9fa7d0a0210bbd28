"""What if: an account before and after money, leverage, mode, an order's fill and price moves, in that order.

Nothing is sent to the engine. Margin is checked by the rule that the engine uses (SPEC section 4); what else may stand
in the way of a real order is told as far as it can be seen now: market status, breaker, stale prices, caps.
"""

import asyncio
from fractions import Fraction
from typing import Any, Final

import msgspec

from seawall.margin.health import accepts, withdrawable
from seawall.margin.trade import settled
from seawall.terms import command, parameter
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import check_bucket
from seawall.tools import what_if as tool
from seawall.tools.account_file import CROSS, Account, NamedBucket, isolated_name
from seawall.tools.figures import money
from seawall.tools.liq import point_of
from seawall.tools.plan import Direction
from seawall.tools.scales import usd_of
from seawall.units import USD_ONE, BadInput, Lots, Rate, UsdMicro, floor_div, fraction_from, usd
from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.rest.account import bucket_view, position_line
from seawall.venue.rest.terms import account_by_rule
from seawall.venue.rest.what_if_shapes import (
    LeverageInView,
    ModeInView,
    OrderInView,
    Outcome,
    WhatIfRequest,
    WhatIfView,
)
from seawall.venue.rest.words import STATUSES, is_fresh, status_of
from seawall.venue.service import Service
from seawall.venue.universe import Listing

AMOUNT_MOST: Final = 10**9  # USD of one transfer in view


class _Running(msgspec.Struct):
    """The account as it goes through what happens, what would refuse it, and what might."""

    account: Account
    reasons: list[str] = []
    warnings: list[str] = []
    fee: UsdMicro = UsdMicro(0)


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in view: the account before and after, and what would stand in the way."""

    before: Account
    after: Account
    is_accepted: bool | None  # None: only prices move
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    fee: UsdMicro


async def what_if_view(service: Service, account: int, asked: WhatIfRequest) -> WhatIfView:
    """The account before and after, in the words of the API; liquidation prices are looked for in a thread.

    BadInput as `played`.
    """
    found, time, sequence = played(service, account, asked), service.now, service.desk.sequence
    points = await asyncio.to_thread(lambda: [_points(one) for one in (found.before, found.after)])
    return WhatIfView(
        address=address_text(service.people.persons[account].address),
        time=time,
        sequence=sequence,
        is_accepted=found.is_accepted,
        reasons=found.reasons,
        warnings=found.warnings,
        fee=usd_text(found.fee),
        before=_outcome(service, found.before, points[0]),
        after=_outcome(service, found.after, points[1]),
    )


def played(service: Service, account: int, asked: WhatIfRequest) -> Played:
    """The account before and after.

    BadInput for unknown coins, for numbers that are none, when nothing happens, and for what no bucket can hold.
    """
    acts = (asked.deposit, asked.leverage, asked.margin_mode, asked.order)
    moves = _moves(asked)
    if all(act is None for act in acts) and not moves:
        raise BadInput("body", "nothing happens: give deposit, leverage, margin_mode, order, moves or prices")
    coins = [act.coin for act in (asked.leverage, asked.margin_mode, asked.order) if act is not None]
    before = account_by_rule(service.columns, service.universe, account, (*coins, *moves))
    run = _Running(before)
    if asked.deposit is not None:
        _deposit(run, asked.deposit)
    if asked.leverage is not None:
        _leverage(run, service, asked.leverage)
    if asked.margin_mode is not None:
        _mode(run, service, asked.margin_mode)
    if asked.order is not None:
        _order(run, service, account, asked.order)
    after = tool.moved(run.account, moves)
    for named in after.buckets:
        check_bucket(named.bucket, after.conditions)
    return Played(
        before=before,
        after=after,
        is_accepted=None if all(act is None for act in acts) else not run.reasons,
        reasons=tuple(run.reasons),
        warnings=tuple(run.warnings),
        fee=run.fee,
    )


def _moves(asked: WhatIfRequest) -> dict[str, tuple[bool, Fraction]]:
    found = {}
    for coin, text in asked.moves.items():
        share = fraction_from(text, f"moves.{coin}")
        if not -1 < share <= 1_000:
            raise BadInput(f"moves.{coin}", f"{text} is outside -1..1000: a share of the mark")
        found[coin] = (True, share)
    for coin, text in asked.prices.items():
        if coin in found:
            raise BadInput(f"prices.{coin}", "moved twice")
        price = fraction_from(text, f"prices.{coin}")
        if not 0 < price < 10**15:
            raise BadInput(f"prices.{coin}", f"{text} is no price")
        found[coin] = (False, price)
    return found


def _deposit(run: _Running, text: str) -> None:
    amount = usd(text, "deposit")
    if amount == 0 or abs(amount) > AMOUNT_MOST * USD_ONE:
        raise BadInput("deposit", f"expected an amount within {AMOUNT_MOST} USD, not 0")
    cross = run.account.cross
    if amount < 0:
        room = withdrawable(run.account.health(cross), run.account.policy)
        if -amount > room:
            run.reasons.append(f"{money(usd_of(room))} USD may leave the cross account")
    _replace(run, CROSS, msgspec.structs.replace(cross, raw_usd=UsdMicro(cross.raw_usd + amount)))


def _leverage(run: _Running, service: Service, asked: LeverageInView) -> None:
    name, position = _held(run.account, asked.coin)
    listing = service.universe.coin(asked.coin)
    most = service.universe.max_leverage(service.columns, listing)
    if asked.leverage > most:
        run.reasons.append(f"leverage {asked.leverage} is above {most}, the market's maximum")
    bucket = run.account.bucket(name)
    changed = _with_position(bucket, msgspec.structs.replace(position, leverage=asked.leverage))
    before, after = run.account.health(bucket), run.account.health(changed)
    short = after.initial - after.equity_initial
    if after.initial > before.initial and short > 0:
        run.reasons.append(f"{name}: initial margin would exceed equity by {money(usd_of(short))} USD")
    _replace(run, name, changed)


def _mode(run: _Running, service: Service, asked: ModeInView) -> None:
    name, position = _held(run.account, asked.coin)
    if (name == CROSS) == (asked.margin_mode == "cross"):
        raise BadInput("margin_mode", f"{asked.coin} is {asked.margin_mode} already")
    if position.bids or position.asks:
        run.reasons.append(f"{asked.coin} has resting orders: a position moves without any")
    for named in run.account.buckets:
        if named.name in (CROSS, name):
            _replace(run, named.name, settled(named.bucket, run.account.conditions))
    if name == CROSS:
        _to_isolated(run, service, asked)
    else:
        _to_cross(run, name)


def _to_cross(run: _Running, name: str) -> None:
    cross, own = run.account.cross, run.account.bucket(name)
    joined = msgspec.structs.replace(
        cross, raw_usd=UsdMicro(cross.raw_usd + own.raw_usd), positions=(*cross.positions, *own.positions)
    )
    if run.account.health(joined).free < 0:
        run.reasons.append("cross: initial margin would exceed equity")
    _replace(run, CROSS, joined)
    kept = tuple(named for named in run.account.buckets if named.name != name)
    run.account = msgspec.structs.replace(run.account, buckets=kept)


def _to_isolated(run: _Running, service: Service, asked: ModeInView) -> None:
    cross, target = run.account.cross, isolated_name(asked.coin)
    position = _held(run.account, asked.coin)[1]
    margin = usd(asked.margin, "margin_mode.margin")
    if not 0 <= margin <= AMOUNT_MOST * USD_ONE:
        raise BadInput("margin_mode.margin", f"expected 0 to {AMOUNT_MOST} USD")
    cap = leverage_cap(service.columns, service.universe.coin(asked.coin).number, "isolated")
    if position.leverage > cap:
        run.reasons.append(f"leverage {position.leverage} is above {cap}, the cap of isolated positions")
    entry = position.entry_notional
    left = msgspec.structs.replace(
        cross,
        raw_usd=UsdMicro(cross.raw_usd + entry - margin),
        positions=tuple(one for one in cross.positions if one.market != asked.coin),
    )
    made = Bucket(kind=BucketKind.ISOLATED, raw_usd=UsdMicro(margin - entry), positions=(position,))
    if not accepts(run.account.health(cross), run.account.health(left)):
        run.reasons.append("cross: it would have less margin for what stays")
    if run.account.health(made).free < 0:
        run.reasons.append(f"{target}: initial margin would exceed its margin")
    _replace(run, CROSS, left)
    run.account = msgspec.structs.replace(
        run.account, buckets=(*run.account.buckets, NamedBucket(name=target, bucket=made))
    )


def _order(run: _Running, service: Service, account: int, asked: OrderInView) -> None:
    listing, columns = service.universe.coin(asked.coin), service.columns
    scale = run.account.place(asked.coin).scale
    setting = service.lens.reader.setting(account, listing.number)
    leverage, mode = setting.leverage, asked.margin_mode or ("isolated" if setting.is_isolated else "cross")
    held = next((n.name for n in run.account.buckets for p in n.bucket.positions if p.market == asked.coin), None)
    if held is not None:
        mode, leverage = ("cross" if held == CROSS else "isolated"), _held(run.account, asked.coin)[1].leverage
    cap = leverage_cap(columns, listing.number, mode)
    if asked.leverage is not None and asked.leverage > cap:
        run.reasons.append(f"leverage {asked.leverage} is above {cap}, the cap of now")
    size, price = listing.size(asked.size, "order.size"), None
    if asked.price is not None:
        price = listing.price(asked.price, "order.price")
    if size == 0 or price == 0:
        raise BadInput("order.price" if size else "order.size", "expected more than 0")
    trade = tool.Trade(
        coin=asked.coin,
        side=Direction.LONG if asked.side == "buy" else Direction.SHORT,
        size=scale.size_units(Lots(size)),
        price=None if price is None else scale.price_usd(price),
        leverage=min(asked.leverage or leverage, cap),
        mode=tool.Mode(mode),
        fee=Rate(columns["param"].item(listing.number, parameter.TAKER_FEE)),
    )
    old = run.account
    run.account, refusals, run.fee = tool.after_trade(old, trade)
    run.reasons += refusals
    _gates(run, service, listing, _lots(old, asked.coin))


def _gates(run: _Running, service: Service, listing: Listing, held: int) -> None:
    """What beside margin would refuse an order, as far as it can be seen now."""
    columns, market, wanted = service.columns, listing.number, _lots(run.account, listing.coin)
    status = status_of(columns, market)
    breaker, values = columns["param"].item(market, parameter.BREAKER), columns["param"][market].tolist()
    if status not in (command.ACTIVE, command.REDUCING):
        run.reasons.append(f"the market is {STATUSES[status]}")
    if held * wanted >= 0 and abs(wanted) <= abs(held):
        return
    if status == command.REDUCING or breaker == parameter.HARD:
        run.reasons.append("the market takes reduce-only orders only")
    if not is_fresh(columns, market):
        run.reasons.append("the market has no fresh price: reduce-only")
    if abs(wanted) > min(values[parameter.POSITION_CAP], listing.size_max):
        run.reasons.append("the position would pass the cap of linked accounts")
    grown = abs(wanted) - (abs(held) if held * wanted > 0 else 0)
    if columns["market_open"].item(market) + grown > values[parameter.OPEN_INTEREST_CAP]:
        run.warnings.append("open interest would pass its cap, unless the other side closes a position")


def leverage_cap(columns: Any, market: int, mode: str) -> int:
    """Most leverage of new risk now, within the live caps and the breaker's half (engine/breaker.py)."""
    values = columns["param"][market].tolist()
    cap = min(values[parameter.LEVERAGE_CAP], columns["base_leverage"].item(market, 0))
    if mode == "isolated":
        cap = min(cap, values[parameter.ISOLATED_LEVERAGE_CAP])
    is_halved = values[parameter.BREAKER] in (parameter.SOFT, parameter.RECOVERY)
    return max(1, floor_div(cap, 2) if is_halved else cap)


def _held(account: Account, coin: str) -> tuple[str, Position]:
    """The bucket and the position of a coin; BadInput when the account holds none."""
    for named in account.buckets:
        for position in named.bucket.positions:
            if position.market == coin and position.size:
                return named.name, position
    raise BadInput("coin", f"the account holds no {coin}")


def _lots(account: Account, coin: str) -> int:
    return sum(p.size for named in account.buckets for p in named.bucket.positions if p.market == coin)


def _with_position(bucket: Bucket, changed: Position) -> Bucket:
    positions = tuple(changed if one.market == changed.market else one for one in bucket.positions)
    return msgspec.structs.replace(bucket, positions=positions)


def _replace(run: _Running, name: str, bucket: Bucket) -> None:
    buckets = tuple(
        NamedBucket(name=name, bucket=bucket) if named.name == name else named for named in run.account.buckets
    )
    run.account = msgspec.structs.replace(run.account, buckets=buckets)


def _points(account: Account) -> dict[tuple[str, str], Fraction | None]:
    """The liquidation price of each position, by bucket and coin."""
    return {
        (named.name, position.market): point_of(account, named.name, position)
        for named in account.buckets
        for position in named.bucket.positions
        if position.size
    }


def _outcome(service: Service, account: Account, points: dict[tuple[str, str], Fraction | None]) -> Outcome:
    views, lines = [], []
    for named in account.buckets:
        room = withdrawable(account.health(named.bucket), account.policy)
        views.append(bucket_view(named.name, named.bucket, account, room))
        for position in named.bucket.positions:
            if position.size:
                point = points[named.name, position.market]
                lines.append(position_line(service, account, named.name, position, point))
    lines.sort(key=lambda pair: pair[0])
    return Outcome(buckets=tuple(views), positions=tuple(view for _, view in lines))
