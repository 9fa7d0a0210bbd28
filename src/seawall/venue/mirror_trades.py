"""What a mirror makes of orders, fills, funding and liquidations (see mirror.py)."""

from typing import TYPE_CHECKING, Final

from seawall.terms import code, command, event
from seawall.venue.holdings import FLAT, Held
from seawall.venue.live import TRIGGERS, status_of
from seawall.venue.names import number_from
from seawall.venue.records import NOBODY, Fill, Note, Order, Payment, Schedule, Twap

if TYPE_CHECKING:
    from seawall.venue.mirror import Mirror

FIELD: Final = {name: place for place, name in enumerate(command.ROW)}
ACCOUNT, MARKET_OF, FLAGS, REFERENCE = (FIELD[name] for name in ("account", "market", "flags", "reference"))
PRICE_OF, SIZE_OF, TRIGGER, EXTRA, PARENT = (FIELD[name] for name in ("price", "size", "trigger", "extra", "other"))
HIGH, LOW, DURATION = FIELD["client_high"], FIELD["client_low"], FIELD["amount"]
KIND, CODE, MARKET, BUCKET, OTHER, ORDER, PRICE, SIZE, AMOUNT = (
    event.ROW.index(name) for name in ("kind", "code", "market", "bucket", "other", "order", "price", "size", "amount")
)
TID_BITS: Final = 15  # of an event's place among those of its command
Values = list[int]


def new_order(mirror: "Mirror") -> Order:
    """A record for the order that the present command placed."""
    row = mirror.at.row
    flags = row[FLAGS]
    size = 0 if flags & TRIGGERS and flags & command.WHOLE_POSITION else row[SIZE_OF]
    order = mirror.placed[mirror.at.sequence] = Order(
        oid=mirror.orders.next_oid(),
        engine=0,
        account=row[ACCOUNT],
        bucket=row[ACCOUNT],
        market=row[MARKET_OF],
        flags=flags,
        price=row[PRICE_OF],
        size=size,
        left=size,
        done=0,
        trigger=row[TRIGGER],
        extra=row[EXTRA],
        cloid=number_from((row[HIGH], row[LOW])),
        time=mirror.now,
        status="open",
        status_time=mirror.now,
        sequence=mirror.at.sequence,
        parent=0,
        twap=0,
        cost=0,
    )
    return order


def _touch(mirror: "Mirror", order: Order) -> None:
    news = mirror.news
    news.touched.add(order.account)
    news.orders[order.oid] = order


def place(mirror: "Mirror") -> None:
    """PLACE, before its events."""
    order = mirror.at.taker = new_order(mirror)
    parent = mirror.orders.by_engine.get(mirror.at.row[PARENT]) if mirror.at.row[PARENT] else None
    if parent is not None:
        order.parent, order.bucket = parent.oid, parent.bucket
    _touch(mirror, order)


def modify(mirror: "Mirror") -> None:
    """MODIFY, before its events: a new order unless the engine kept the old one's id."""
    at = mirror.at
    old = mirror.orders.by_engine.get(at.row[REFERENCE])
    if old is None:
        return
    if at.made == at.row[REFERENCE]:
        _rewrite(mirror, old)
        return
    order = at.taker = new_order(mirror)
    order.cloid = order.cloid or old.cloid
    order.bucket, order.parent = old.bucket, old.parent
    for other in mirror.orders.of_account(old.account):
        if other.parent == old.oid:
            other.parent = order.oid
            _touch(mirror, other)
    _touch(mirror, order)


def _rewrite(mirror: "Mirror", order: Order) -> None:
    """A trigger order with other terms; a resting one of fewer lots is told by CANCELLED."""
    row = mirror.at.row
    if order.flags & TRIGGERS and not order.fired:
        order.price, order.trigger, order.extra = row[PRICE_OF], row[TRIGGER], row[EXTRA]
        order.flags = row[FLAGS] | (order.flags & command.REDUCE_ONLY)
        order.size = order.left = 0 if order.flags & command.WHOLE_POSITION else row[SIZE_OF]
    order.status_time = mirror.now
    mirror.placed[mirror.at.sequence] = order
    _touch(mirror, order)


def end_taker(mirror: "Mirror") -> None:
    """A taker whose command is over and that is not live has been filled, or cut to what it could fill."""
    taker = mirror.at.taker
    mirror.at.taker = None
    if taker is not None and taker.engine == 0 and taker.status in ("open", "triggered"):
        mirror.orders.close(taker, "filled" if taker.done else "canceled", mirror.now)


def _rested(mirror: "Mirror", values: Values) -> None:
    taker = mirror.at.taker
    assert taker is not None
    taker.bucket, taker.left = values[BUCKET], values[SIZE]
    mirror.note_owner(values[BUCKET], taker.account)
    mirror.orders.link(taker, values[ORDER])
    mirror.news.books.add(values[MARKET])


def _armed(mirror: "Mirror", values: Values) -> None:
    order = mirror.orders.by_engine.get(values[ORDER]) or mirror.at.taker
    assert order is not None
    order.bucket = values[BUCKET]
    if order.flags & command.TRAILING:
        order.trigger = values[PRICE]
    if order.engine != values[ORDER]:
        mirror.note_owner(values[BUCKET], order.account)
        order.fired, order.status = False, "open"
        mirror.orders.link(order, values[ORDER])
    _touch(mirror, order)


def _attached(mirror: "Mirror", values: Values) -> None:
    order = mirror.at.taker
    assert order is not None
    mirror.orders.link(order, values[ORDER])


def _triggered(mirror: "Mirror", values: Values) -> None:
    end_taker(mirror)
    order = mirror.orders.by_engine.pop(values[ORDER])
    order.engine, order.fired = 0, True
    order.status, order.status_time = "triggered", mirror.now
    order.left = values[SIZE]
    mirror.at.taker = order
    _touch(mirror, order)


def _cancelled(mirror: "Mirror", values: Values) -> None:
    identity, why = values[ORDER], values[AMOUNT]
    order = mirror.orders.by_engine.get(identity) if identity else mirror.at.taker
    if order is None:
        order = mirror.at.taker
    if order is None:
        return  # what a slice could not fill: TWAP_SLICE tells
    if order.engine and not (order.flags & TRIGGERS and not order.fired):
        order.left -= values[SIZE]
        mirror.news.books.add(values[MARKET])
        if order.left > 0:
            _touch(mirror, order)
            return
        order.left += values[SIZE]
    elif order is mirror.at.taker and order.engine == 0:
        order.left = values[SIZE]
    mirror.orders.close(order, status_of(why, mirror.at.kind), mirror.now, why)
    _touch(mirror, order)


def _fill(mirror: "Mirror", values: Values) -> None:
    at, market, price, lots = mirror.at, values[MARKET], values[PRICE], values[SIZE]
    taker, maker = at.taker, mirror.orders.by_engine.get(values[ORDER])
    if taker is not None:
        mirror.note_owner(values[BUCKET], taker.account)
        taker.bucket = values[BUCKET]
    liquidated = mirror.owner_of(values[BUCKET]) if at.kind == command.LIQUIDATE else NOBODY
    method = "market" if at.kind == command.LIQUIDATE else ""
    both = _both(mirror, values, lots, method, liquidated)
    both[0].fee = values[AMOUNT]
    for fill, order in zip(both, (taker, maker), strict=True):
        if order is not None:
            fill.oid, fill.cloid = order.oid, order.cloid
            order.done += abs(lots)
            order.left = max(order.left - abs(lots), 0)
            order.cost += abs(lots) * price
            _touch(mirror, order)
    if taker is None and at.kind != command.LIQUIDATE:
        at.unclaimed.append(both[0])
    if maker is not None and maker.left == 0:
        mirror.orders.close(maker, "filled", mirror.now)
    mirror.news.books.add(market)


def _both(
    mirror: "Mirror", values: Values, lots: int, method: str, liquidated: int, whole: Held = FLAT
) -> tuple[Fill, Fill]:
    """A trade's two sides: `lots` are signed for the event's bucket; `whole` as in Holdings.trade, for that bucket."""
    market, price, pair = values[MARKET], values[PRICE], (values[BUCKET], values[OTHER])
    owners = [mirror.owner_of(bucket) for bucket in pair]
    tid = (mirror.at.sequence << TID_BITS) | mirror.at.index
    made = []
    for side in (0, 1):
        signed = lots if side == 0 else -lots
        start, pnl = mirror.holdings.trade(pair[side], market, signed, price, whole if side == 0 else FLAT)
        made.append(
            Fill(
                tid=tid,
                time=mirror.now,
                sequence=mirror.at.sequence,
                market=market,
                account=owners[side],
                bucket=pair[side],
                oid=0,
                cloid=0,
                lots=signed,
                price=price,
                start=start,
                pnl=pnl,
                fee=0,
                is_taker=side == 0,
                method=method,
                liquidated=liquidated,
                mark=mirror.marks.get(market, 0) if method else 0,
                twap=0,
                other=owners[1 - side],
            )
        )
    mirror.news.fills += made
    mirror.news.touched.update(owner for owner in owners if owner != NOBODY)
    return made[0], made[1]


def _maker_fee(mirror: "Mirror", values: Values) -> None:
    mirror.news.fills[-1].fee = values[AMOUNT]


def _backstopped(mirror: "Mirror", values: Values) -> None:
    note(mirror, values)
    _both(mirror, values, values[SIZE], "backstop", mirror.owner_of(values[BUCKET]))


def _deleveraged(mirror: "Mirror", values: Values) -> None:
    """The loser's entry is rounded once for a run of these; the winner pays what was just cut from its profit."""
    note(mirror, values)
    bucket, at = values[BUCKET], mirror.at
    if values[CODE] == event.MARKED:
        at.whole = mirror.holdings.held(bucket, values[MARKET])
    _, winner = _both(mirror, values, values[SIZE], "adl", mirror.owner_of(bucket), at.whole)
    winner.pnl -= at.cuts.pop(values[OTHER], 0)


def _settled(mirror: "Mirror", values: Values) -> None:
    _both(mirror, values, -values[SIZE], "settlement", NOBODY)


def note(mirror: "Mirror", values: Values) -> None:
    """One event of a liquidation, with its owners."""
    account = mirror.owner_of(values[BUCKET])
    other = mirror.owner_of(values[OTHER]) if values[KIND] in (event.ADL, event.BACKSTOP) else NOBODY
    at = mirror.at
    mirror.news.notes.append(
        Note(
            time=mirror.now,
            sequence=at.sequence,
            index=at.index,
            account=account,
            other_account=other,
            values=tuple(values[KIND:]),
        )
    )
    mirror.news.touched.update(owner for owner in (account, other) if owner != NOBODY)


def _funding(mirror: "Mirror", values: Values) -> None:
    account = mirror.owner_of(values[BUCKET])
    mirror.news.payments.append(
        Payment(
            time=mirror.now,
            sequence=mirror.at.sequence,
            account=account,
            bucket=values[BUCKET],
            market=values[MARKET],
            lots=values[SIZE],
            rate=mirror.rates.get(values[MARKET], 0),
            amount=values[AMOUNT],
        )
    )
    if account != NOBODY:
        mirror.news.touched.add(account)


def start_twap(mirror: "Mirror") -> None:
    """TWAP, once it has been accepted."""
    at = mirror.at
    schedule = Schedule(
        at.row[ACCOUNT], at.row[MARKET_OF], at.row[FLAGS], at.row[SIZE_OF], mirror.now, at.row[DURATION]
    )
    mirror.twaps[at.made] = schedule
    _tell_twap(mirror, at.made, schedule, "activated", 0, 0, code.OK)


def _slice(mirror: "Mirror", values: Values) -> None:
    identity, fills = values[ORDER], mirror.at.unclaimed
    mirror.at.unclaimed = []
    schedule = mirror.twaps[identity]
    cost = sum(abs(fill.lots) * fill.price for fill in fills)
    if fills:
        order = Order(
            oid=mirror.orders.next_oid(),
            engine=0,
            account=schedule.account,
            bucket=fills[0].bucket,
            market=schedule.market,
            flags=schedule.flags | command.IOC,
            price=values[PRICE],
            size=values[SIZE],
            left=0,
            done=values[SIZE],
            trigger=0,
            extra=0,
            cloid=0,
            time=mirror.now,
            status="filled",
            status_time=mirror.now,
            sequence=mirror.at.sequence,
            parent=0,
            twap=identity,
            cost=cost,
        )
        _touch(mirror, order)
        for fill in fills:
            fill.oid, fill.twap = order.oid, identity
            fill.account = schedule.account
            mirror.note_owner(fill.bucket, schedule.account)
            mirror.news.touched.add(schedule.account)
    _tell_twap(mirror, identity, schedule, "slice", values[SIZE], cost, values[AMOUNT])


def _twap_ended(mirror: "Mirror", values: Values) -> None:
    schedule = mirror.twaps.pop(values[ORDER])
    asked, why = values[OTHER] == 1, values[AMOUNT]
    status = "terminated" if asked else "finished" if why == code.OK else "error"
    _tell_twap(mirror, values[ORDER], schedule, status, values[SIZE], 0, why)


def _tell_twap(
    mirror: "Mirror", identity: int, schedule: Schedule, status: str, done: int, cost: int, reason: int
) -> None:
    mirror.news.twaps.append(
        Twap(time=mirror.now, id=identity, schedule=schedule, done=done, cost=cost, status=status, reason=reason)
    )
    mirror.news.touched.add(schedule.account)


BEGIN: Final = {command.PLACE: place, command.MODIFY: modify}
END: Final = {command.TWAP: start_twap}
EVENTS: Final = {
    event.RESTED: _rested,
    event.FILL: _fill,
    event.MAKER_FEE: _maker_fee,
    event.CANCELLED: _cancelled,
    event.ARMED: _armed,
    event.TRIGGERED: _triggered,
    event.ATTACHED: _attached,
    event.TWAP_SLICE: _slice,
    event.TWAP_ENDED: _twap_ended,
    event.FUNDING_PAID: _funding,
    event.LIQUIDATION: note,
    event.LIQUIDATION_POSITION: note,
    event.LIQUIDATION_CANCELS: note,
    event.LIQUIDATION_WAITS: note,
    event.LIQUIDATION_END: note,
    event.BACKSTOP: _backstopped,
    event.ADL: _deleveraged,
    event.SETTLED: _settled,
}
