"""`seawall account what-if`: the account after a trade, after price moves, or both."""

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction

import msgspec

from seawall.margin.collateral import at_mark
from seawall.margin.health import Health, accepts
from seawall.margin.trade import traded
from seawall.terms import limits
from seawall.terms.bucket import Bucket, BucketKind
from seawall.terms.conditions import check_bucket
from seawall.terms.market import Mark, tier_of
from seawall.tools.account_file import CROSS, Account, Extra, NamedBucket, isolated_name, place_of
from seawall.tools.figures import given_fraction, given_positive, given_rate, money
from seawall.tools.health import AccountHealth, account_health
from seawall.tools.liq import account_liquidation
from seawall.tools.plan import Direction, direction
from seawall.tools.scales import usd_of
from seawall.tools.wire import WireAccount
from seawall.units import BadInput, Lots, Price, Rate, Side, UsdMicro, ceil_div, notional, share


class Mode(Enum):
    """Which bucket a trade goes to. AUTO: where the coin is held, cross for a new one."""

    AUTO = "auto"
    CROSS = "cross"
    ISOLATED = "isolated"


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A fill in view. No price: at the mark."""

    coin: str
    side: Direction
    size: Fraction
    price: Fraction | None = None
    leverage: int | None = None
    mode: Mode = Mode.AUTO
    fee: Rate = Rate(0)
    max_leverage: int | None = None  # of a coin that neither the account nor meta knows
    more_sizes: tuple[Fraction, ...] = ()  # further sizes of the coin that its lots must hold


class PriceAfter(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidation price of a coin before and after; None: none, or no position."""

    bucket: str
    coin: str
    size_before: Fraction
    size_after: Fraction
    mark_before_usd: Fraction
    mark_after_usd: Fraction
    liquidation_before_usd: Fraction | None
    liquidation_after_usd: Fraction | None


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """Before and after. `is_accepted` is None without a trade."""

    file: str
    is_accepted: bool | None
    reasons: tuple[str, ...]
    fee_usd: Fraction
    before: AccountHealth
    after: AccountHealth
    prices: tuple[PriceAfter, ...]
    warnings: tuple[str, ...]


def extra_of(trade: Trade | None) -> dict[str, Extra]:
    """What the scale of the traded coin must hold exactly, to be given to `account_file.load`."""
    if trade is None:
        return {}
    prices = () if trade.price is None else (trade.price,)
    return {trade.coin: Extra(sizes=(trade.size, *trade.more_sizes), prices=prices)}


def trade_from(
    *,
    coin: str | None,
    side: str,
    size: str | None,
    price: str | None,
    leverage: int | None,
    mode: str,
    fee: str,
    max_leverage: int | None,
) -> Trade | None:
    """A Trade from the words of the command line; None when no coin and no size are given."""
    if coin is None and size is None:
        return None
    if coin is None or size is None:
        raise BadInput("coin" if coin is None else "size", "a trade needs --coin and --size")
    if mode not in [known.value for known in Mode]:
        raise BadInput("mode", f"expected auto, cross or isolated, got {mode!r}")
    for name, value in (("leverage", leverage), ("max-leverage", max_leverage)):
        if value is not None and not 1 <= value <= limits.LEVERAGE_MAX:
            raise BadInput(name, f"{value} is outside 1..{limits.LEVERAGE_MAX}")
    return Trade(
        coin=coin,
        side=direction(side),
        size=given_positive(size, "size"),
        price=None if price is None else given_positive(price, "at"),
        leverage=leverage,
        mode=Mode(mode),
        fee=given_rate(fee, "fee"),
        max_leverage=max_leverage,
    )


def parsed_moves(moves: list[str], prices: list[str]) -> dict[str, tuple[bool, Fraction]]:
    """ "BTC=-10%" relative moves and "BTC=50000" absolute prices -> coin: (is relative, value)."""
    found: dict[str, tuple[bool, Fraction]] = {}
    for field, is_relative, texts in (("move", True, moves), ("price", False, prices)):
        for part in [piece.strip() for text in texts for piece in text.split(",")]:
            coin, sign, amount = part.partition("=")
            if not coin or not sign:
                raise BadInput(field, f"expected COIN=VALUE, got {part!r}")
            if coin in found:
                raise BadInput(field, f"{coin} is moved twice")
            name = f"{field}.{coin}"
            value = given_fraction(amount, name) if is_relative else given_positive(amount, name)
            if is_relative and value <= -1:
                raise BadInput(name, f"{amount} takes the price to zero or below")
            found[coin] = (is_relative, value)
    return found


def what_if(account: Account, trade: Trade | None, moves: Mapping[str, tuple[bool, Fraction]]) -> WhatIf:
    """The account after `trade` (at the marks of now) and then `moves`. One of the two at least.

    Marks after a move are the nearest price that the coin's lots can hold. Raises BadInput for an unknown coin.
    """
    if trade is None and not moves:
        raise BadInput("trade", "nothing happens: give a trade (--coin --side --size), a --move or a --price")
    after, verdict, fee = account, None, UsdMicro(0)
    reasons: tuple[str, ...] = ()
    if trade is not None:
        after, reasons, fee = after_trade(account, trade)
        verdict = not reasons
    after = moved(after, moves)
    before_health = account_health(account)
    return WhatIf(
        file=account.file,
        is_accepted=verdict,
        reasons=reasons,
        fee_usd=usd_of(fee),
        before=before_health,
        after=account_health(unreported(after)),
        prices=_prices(account, after),
        warnings=before_health.warnings,
    )


def unreported(account: Account) -> Account:
    """The account without what the venue said of it: that was before."""
    silent = WireAccount(
        file=account.file, holdings=(), total=None, cross=None, cross_maintenance=None, withdrawable=None
    )
    return msgspec.structs.replace(account, wire=silent, warnings=())


def moved(account: Account, moves: Mapping[str, tuple[bool, Fraction]]) -> Account:
    """The account at other marks, the nearest prices that the lots can hold, and its collateral along. BadInput for an
    unknown coin."""
    places, assets = dict(account.places), dict(account.assets)
    for coin, (is_relative, value) in moves.items():
        place = account.place(coin)
        target = place.mark_usd * (1 + value) if is_relative else value
        price = place.scale.nearest_price(target)
        if price > place.market.price_max:
            raise BadInput(f"price.{coin}", "absurd: the notional would pass 2^53 micro-USD", account.file)
        places[coin] = msgspec.structs.replace(place, mark=Mark(mark=price, oracle=price))
        for name, asset in assets.items():
            if asset.underlying == coin:
                assets[name] = at_mark(asset, price, place.mark.mark)
    return msgspec.structs.replace(account, places=places, assets=assets)


def after_trade(account: Account, trade: Trade) -> tuple[Account, tuple[str, ...], UsdMicro]:
    """The account after the fill, why the venue would refuse it (empty: it would not), and the fee."""
    ready = with_place(account, trade)
    place = ready.place(trade.coin)
    name = _bucket_of(ready, trade)
    size = Lots(trade.side.sign * place.scale.lots(trade.size, "size"))
    price = place.mark.mark if trade.price is None else place.scale.price(trade.price, "price")
    fee = share(notional(size, price), trade.fee, Side.UP)
    leverage = _leverage(ready, trade, name)
    if name == CROSS:
        changed = traded(ready.cross, ready.conditions, trade.coin, size=size, price=price, fee=fee, leverage=leverage)
        buckets = {CROSS: changed}
    else:
        buckets = _isolated_fill(ready, trade, name, size=size, price=price, fee=fee, leverage=leverage)
    after = _with_buckets(ready, buckets)
    return after, tuple(_refusals(ready, after, trade, leverage)), fee


def with_place(account: Account, trade: Trade) -> Account:
    """The account with the traded coin among its places."""
    if trade.coin in account.places:
        return account
    known = None if account.terms is None else account.terms.get(trade.coin)
    if known is None and (account.terms is not None or trade.max_leverage is None):
        raise BadInput("coin", f"unknown market {trade.coin!r}: meta or --max-leverage must describe it", account.file)
    if trade.price is None:
        raise BadInput("price", f"the account has none for {trade.coin}: give the price of the trade", account.file)
    rows = ((UsdMicro(0), trade.max_leverage or 1),) if known is None else known.tiers
    decimals = None if known is None else known.size_decimals
    sizes = (trade.size, *trade.more_sizes)
    try:
        place = place_of(trade.coin, rows, decimals=decimals, mark=trade.price, sizes=sizes)
    except BadInput as error:
        raise BadInput(error.field, error.why, account.file) from error
    return msgspec.structs.replace(account, places={**account.places, trade.coin: place})


def _bucket_of(account: Account, trade: Trade) -> str:
    own = isolated_name(trade.coin)
    is_isolated = any(named.name == own for named in account.buckets)
    is_cross = any(position.market == trade.coin for position in account.cross.positions)
    if is_isolated and trade.mode is Mode.CROSS:
        raise BadInput("mode", f"{trade.coin} is held isolated: a fill of it goes there", account.file)
    if is_cross and trade.mode is Mode.ISOLATED:
        raise BadInput("mode", f"{trade.coin} is held cross: a fill of it goes there", account.file)
    return own if is_isolated or trade.mode is Mode.ISOLATED else CROSS


def _leverage(account: Account, trade: Trade, name: str) -> int:
    held = [p for named in account.buckets if named.name == name for p in named.bucket.positions]
    old = next((p.leverage for p in held if p.market == trade.coin), None)
    chosen = old if trade.leverage is None else trade.leverage
    if chosen is None:
        raise BadInput("leverage", "a new position needs --leverage")
    return chosen


def _isolated_fill(
    account: Account, trade: Trade, name: str, *, size: Lots, price: Price, fee: UsdMicro, leverage: int
) -> dict[str, Bucket]:
    """Adding moves notional / leverage (up) and the fee from cross; closing in full returns what is left to cross."""
    conditions = account.conditions
    empty = Bucket(kind=BucketKind.ISOLATED, raw_usd=UsdMicro(0))
    old = next((named.bucket for named in account.buckets if named.name == name), empty)
    held = old.positions[0].size if old.positions else Lots(0)
    if held and (held > 0) != (size > 0) and abs(size) > abs(held):
        raise BadInput("size", f"would turn the isolated {trade.coin} position around: close it first", account.file)
    is_adding = held == 0 or (held > 0) == (size > 0)
    posted = UsdMicro(ceil_div(notional(size, price), leverage) + fee) if is_adding else UsdMicro(0)
    filled = traded(old, conditions, trade.coin, size=size, price=price, fee=fee, leverage=leverage)
    returned = filled.raw_usd if not filled.positions else UsdMicro(0)
    filled = msgspec.structs.replace(filled, raw_usd=UsdMicro(filled.raw_usd + posted - returned))
    cross = msgspec.structs.replace(account.cross, raw_usd=UsdMicro(account.cross.raw_usd - posted + max(0, returned)))
    return {CROSS: cross, name: filled}


def _with_buckets(account: Account, changed: Mapping[str, Bucket]) -> Account:
    names = [named.name for named in account.buckets]
    kept = [NamedBucket(name=n, bucket=changed.get(n, account.bucket(n))) for n in names]
    kept += [NamedBucket(name=n, bucket=b) for n, b in changed.items() if n not in names]
    alive = tuple(named for named in kept if named.name == CROSS or named.bucket.positions)
    for named in alive:
        check_bucket(named.bucket, account.conditions)
    return msgspec.structs.replace(account, buckets=alive)


def _refusals(before: Account, after: Account, trade: Trade, leverage: int) -> list[str]:
    place, said = after.place(trade.coin), []
    for name in (CROSS, isolated_name(trade.coin)):
        old, new = _health_of(before, name), _health_of(after, name)
        if not accepts(old, new):
            said.append(
                f"{name}: initial margin of {money(usd_of(new.initial))} USD exceeds equity of"
                f" {money(usd_of(new.equity_initial))} USD and the change adds risk"
            )
    held, size = _size_of(before, trade.coin), _size_of(after, trade.coin)
    most = tier_of(place.market.tiers, notional(size, place.mark.mark)).max_leverage
    is_reduced = held * size >= 0 and abs(size) <= abs(held)
    if leverage > most and size and (not is_reduced or trade.leverage is not None):
        said.append(f"leverage {leverage} is above {most}, the maximum at this notional")
    return said


def _size_of(account: Account, coin: str) -> Lots:
    return Lots(sum(p.size for named in account.buckets for p in named.bucket.positions if p.market == coin))


def _health_of(account: Account, name: str) -> Health:
    empty = Bucket(kind=BucketKind.ISOLATED, raw_usd=UsdMicro(0))
    bucket = next((named.bucket for named in account.buckets if named.name == name), empty)
    return account.health(bucket)


def _prices(before: Account, after: Account) -> tuple[PriceAfter, ...]:
    silent = unreported(after)
    old = {(line.bucket, line.coin): line for line in account_liquidation(before).positions}
    new = {(line.bucket, line.coin): line for line in account_liquidation(silent).positions}
    lines = []
    for key in [*old, *(key for key in new if key not in old)]:
        bucket, coin = key
        was, now = old.get(key), new.get(key)
        lines.append(
            PriceAfter(
                bucket=bucket,
                coin=coin,
                size_before=Fraction(0) if was is None else was.size,
                size_after=Fraction(0) if now is None else now.size,
                mark_before_usd=(after if was is None else before).place(coin).mark_usd,
                mark_after_usd=after.place(coin).mark_usd,
                liquidation_before_usd=None if was is None else was.liquidation_price_usd,
                liquidation_after_usd=None if now is None else now.liquidation_price_usd,
            )
        )
    return tuple(lines)
