"""Orders, changes and cancels in Hyperliquid's wire form: `order`, `modify`, `batchModify`, `cancel`, `cancelByCloid`,
`scheduleCancel`, `twapOrder`, `twapCancel`, and our `trailingStop`."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from seawall.engine.rows import Rows
from seawall.terms import code, command
from seawall.terms.parameter import TWAP_LEAST_MS, TWAP_MOST_MS
from seawall.units import USD_ONE, BadInput
from seawall.venue.desk import Outcome
from seawall.venue.exchange import words
from seawall.venue.exchange.call import FIELD, Call, is_time, rows_from
from seawall.venue.exchange.words import MalformedError, RefusedError, action_words, ok, order_words
from seawall.venue.names import client_id_of, client_id_text, pair_of
from seawall.venue.records import Order
from seawall.venue.service import Service
from seawall.venue.universe import Listing

ORDERS_MAX: Final = 1_000  # of one action
MINUTE_MS: Final = 60_000
TIF: Final = {
    "Gtc": 0,
    "Ioc": command.IOC,
    "Alo": command.POST_ONLY,
    "FrontendMarket": command.IOC,
    "LiquidationMarket": command.IOC,
}
KINDS: Final = {"tp": command.TAKE_PROFIT, "sl": command.STOP}
GROUPS: Final = ("na", "normalTpsl", "positionTpsl")
MARKET, FLAGS, PRICE, SIZE, TRIGGER = (FIELD[name] for name in ("market", "flags", "price", "size", "trigger"))
HIGH, LOW, OTHER, REFERENCE = (FIELD[name] for name in ("client_high", "client_low", "other", "reference"))


class Wire(NamedTuple):
    """One order of an action: the fields of its row, or why it is refused as such."""

    asset: int
    values: list[int]
    error: str
    cloid: int


def wire_of(service: Service, call: Call, order: Any, group: str) -> Wire:
    """Reads one order. What is refused as such has an error; MalformedError for what is no order."""
    if not isinstance(order, dict):
        raise MalformedError("expected an order")
    asset, is_buy, reduces, kind = order.get("a"), order.get("b"), order.get("r"), order.get("t")
    if not isinstance(is_buy, bool) or not isinstance(reduces, bool) or not isinstance(kind, dict):
        raise MalformedError("expected an order with b, r and t")
    try:
        listing = service.universe.asset(asset)
    except BadInput:
        return Wire(asset if isinstance(asset, int) else -1, [], f"Unknown asset {str(asset)[:20]}", 0)
    named = order.get("c")
    try:
        cloid = client_id_of(named, "c") if named is not None else 0
    except BadInput as error:
        raise MalformedError(str(error)) from error
    number = listing.number
    try:
        size = listing.size(order.get("s"), "s")
    except BadInput:
        return Wire(number, [], f"{words.ORDER[code.BAD_SIZE]} asset={number}", cloid)
    try:
        limit = listing.price(order.get("p"), "p")
        flags, price, trigger = _terms(listing, kind, limit)
    except BadInput:
        return Wire(number, [], order_words(code.BAD_PRICE, number), cloid)
    flags |= (0 if is_buy else command.SELL) | (command.REDUCE_ONLY if reduces else 0)
    if not trigger or flags & command.REDUCE_ONLY == 0:
        flags |= command.CANCEL_MAKER
    if group == "positionTpsl" and trigger:
        flags, size = flags | command.WHOLE_POSITION | command.REDUCE_ONLY, 0
    values = call.blank()
    values[MARKET], values[FLAGS], values[PRICE], values[SIZE], values[TRIGGER] = number, flags, price, size, trigger
    if cloid:
        values[HIGH], values[LOW] = pair_of(cloid)
    return Wire(number, values, _small(number, flags, size, trigger or limit), cloid)


def _terms(listing: Listing, kind: dict[str, Any], limit: int) -> tuple[int, int, int]:
    """(flags, price, trigger) of an order's kind."""
    plain, waits = kind.get("limit"), kind.get("trigger")
    if isinstance(plain, dict) and waits is None:
        tif = plain.get("tif")
        if not isinstance(tif, str) or tif not in TIF:
            raise MalformedError(f"unknown tif {str(tif)[:20]!r}")
        return TIF[tif], limit, 0
    if not isinstance(waits, dict) or not isinstance(waits.get("tpsl"), str) or waits["tpsl"] not in KINDS:
        raise MalformedError("expected t.limit or t.trigger")
    if not isinstance(waits.get("isMarket"), bool):
        raise MalformedError("expected t.trigger.isMarket")
    trigger = listing.price(waits.get("triggerPx"), "triggerPx")
    if trigger == 0:
        raise BadInput("triggerPx", "0")
    return KINDS[waits["tpsl"]], 0 if waits["isMarket"] else limit, trigger


def _small(market: int, flags: int, size: int, price: int) -> str:
    """Why an order is too small; empty when it is not. What reduces may be of any size."""
    if flags & command.WHOLE_POSITION:
        return ""
    if size == 0:
        return f"{words.ZERO_SIZE} asset={market}"
    if flags & command.REDUCE_ONLY == 0 and size * price < words.LEAST_ORDER_USD * USD_ONE:
        return f"{words.LEAST_VALUE} asset={market}"
    return ""


def orders_of(action: Mapping[str, Any], name: str) -> list[Any]:
    """The list of an action. MalformedError when it is none, empty or too long."""
    found = action.get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= ORDERS_MAX:
        raise MalformedError(f"expected {name}: 1 to {ORDERS_MAX} entries")
    return found


async def place(service: Service, call: Call) -> dict[str, Any]:
    """`order`: each order is accepted or refused by itself. With normalTpsl the others are attached to the first."""
    group = call.action.get("grouping", "na")
    group = "na" if isinstance(group, Mapping) else group
    if group not in GROUPS:
        raise MalformedError(f"unknown grouping {str(group)[:20]!r}")
    wires = [wire_of(service, call, order, group) for order in orders_of(call.action, "orders")]
    first = wires[:1] if group == "normalTpsl" else wires
    rows = [call.part(command.PLACE, wire.values) for wire in first if not wire.error]
    children = _Children(call, wires) if group == "normalTpsl" and rows else None
    done = await service.submit(rows_from(rows or [call.burn()]), children)
    call.fail(int(done.codes[0]))
    outcomes = iter(outcomes_of(done) if rows else ())
    statuses = []
    for number, wire in enumerate(wires):
        if wire.error:
            statuses.append({"error": wire.error})
        elif (outcome := next(outcomes, None)) is None:
            statuses.append({"error": order_words(code.PARENT_GONE, wire.asset)})
        else:
            is_child = group == "positionTpsl" or (group == "normalTpsl" and number > 0)
            statuses.append(_status(service, outcome, wire, is_child=is_child))
    return ok("order", {"statuses": statuses})


class _Children:
    """The orders that are attached to the first one of a group, once it is known what became of it."""

    def __init__(self, call: Call, wires: list[Wire]) -> None:
        self.call = call
        self.wires = wires

    def __call__(self, done: Outcome) -> Rows | None:
        if done.codes[0] != code.OK:
            return None
        parent = int(done.made[0])
        rows = [
            self.call.part(command.PLACE, _attached(wire.values, parent)) for wire in self.wires[1:] if not wire.error
        ]
        return rows_from(rows) if rows else None


def _attached(values: list[int], parent: int) -> list[int]:
    """A child's fields: attached to a parent that rests, else by itself on the position that the parent made."""
    values[FLAGS] = (values[FLAGS] | command.REDUCE_ONLY) & ~command.CANCEL_MAKER
    values[OTHER] = parent
    return values


def outcomes_of(done: Outcome) -> Iterable[tuple[int, int]]:
    """(sequence in the log, result code) of each row."""
    return zip(done.sequences.tolist(), done.codes.tolist(), strict=True)


def _status(service: Service, outcome: tuple[int, int], wire: Wire, *, is_child: bool) -> Any:
    """What became of one order."""
    sequence, number = outcome
    if number != code.OK:
        return {"error": _order_error(service, number, wire)}
    order = service.mirror.placed.get(sequence)
    assert order is not None
    named = {"cloid": client_id_text(order.cloid)} if order.cloid else {}
    if is_child and not order.done:
        return "waitingForFill" if order.parent else "waitingForTrigger"
    if order.engine:
        return {"resting": {"oid": order.oid, **named}}
    if order.done:
        listing = service.universe.listings[order.market]
        average = listing.average_text(order.cost, order.done)
        return {"filled": {"totalSz": listing.size_text(order.done), "avgPx": average, "oid": order.oid, **named}}
    return {"error": order_words(order.reason or code.NO_LIQUIDITY, wire.asset)}


def _order_error(service: Service, number: int, wire: Wire) -> str:
    if number == code.WOULD_CROSS:
        best = best_text(service, wire.asset)
        return f"Post only order would have immediately matched, bbo was {best}. asset={wire.asset}"
    return order_words(number, wire.asset)


def best_text(service: Service, market: int) -> str:
    """The best bid and ask as "bid@ask"."""
    columns, listing = service.columns, service.universe.listings[market]
    prices = []
    for side in (0, 1):
        level = int(columns["book_best"][4 * market + side])
        order = int(columns["level_first"][level]) if level else 0
        prices.append(listing.price_text(int(columns["order_price"][order])) if order else "0.0")
    return "@".join(prices)


async def modify(service: Service, call: Call) -> dict[str, Any]:
    """`modify` and `batchModify`: each in the place of an order, or no change."""
    is_batch = call.kind == "batchModify"
    entries = orders_of(call.action, "modifies") if is_batch else [call.action]
    wires, rows = [], []
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise MalformedError("expected a modification")
        old = _order_named(service, call.account, entry.get("oid"))
        wire = wire_of(service, call, entry.get("order"), "na")
        if not wire.error:
            values = wire.values
            values[REFERENCE] = old.engine if old else 0
            if old is not None and old.flags & command.WHOLE_POSITION and values[TRIGGER]:
                values[FLAGS] |= command.WHOLE_POSITION
                values[SIZE] = 0
            rows.append(call.part(command.MODIFY, values))
        wires.append(wire)
    done = await service.submit(rows_from(rows or [call.burn()]))
    call.fail(int(done.codes[0]))
    outcomes = iter(outcomes_of(done))
    statuses = []
    for wire in wires:
        if wire.error:
            statuses.append({"error": wire.error})
            continue
        outcome = next(outcomes)
        if outcome[1] == code.UNKNOWN_ORDER:
            statuses.append({"error": "Cannot modify canceled or filled order"})
        else:
            statuses.append(_status(service, outcome, wire, is_child=False))
    if is_batch:
        return ok("order", {"statuses": statuses})
    if isinstance(statuses[0], dict) and "error" in statuses[0]:
        raise RefusedError(statuses[0]["error"])
    return ok()


def _order_named(service: Service, account: int, name: Any) -> Order | None:
    """A live order of the account by oid or client id."""
    if isinstance(name, str):
        try:
            return service.mirror.orders.by_client.get((account, client_id_of(name, "oid")))
        except BadInput as error:
            raise MalformedError(str(error)) from error
    if not isinstance(name, int) or isinstance(name, bool):
        raise MalformedError("expected an order id")
    order = service.mirror.orders.by_oid.get(name)
    return order if order is not None and order.account == account else None


async def cancel(service: Service, call: Call) -> dict[str, Any]:
    """`cancel` by oid, `cancelByCloid` by client id."""
    by_client = call.kind == "cancelByCloid"
    assets, rows = [], []
    for entry in orders_of(call.action, "cancels"):
        if not isinstance(entry, Mapping):
            raise MalformedError("expected a cancel")
        asset, name = (entry.get("asset"), entry.get("cloid")) if by_client else (entry.get("a"), entry.get("o"))
        if not is_time(asset) or isinstance(name, str) != by_client:
            raise MalformedError("expected an asset and an order id")
        order = _order_named(service, call.account, name)
        assets.append(asset)
        rows.append(call.row(command.CANCEL, market=_listed(service, asset), reference=order.engine if order else 0))
    done = await service.submit(rows_from(rows))
    call.fail(int(done.codes[0]))
    statuses: list[Any] = [
        "success" if number == code.OK else {"error": order_words(number, asset)}
        for number, asset in zip(done.codes.tolist(), assets, strict=True)
    ]
    return ok("cancel", {"statuses": statuses})


def _listed(service: Service, asset: int) -> int:
    """A market's number, or 0 for one that is not there: its order is not there either."""
    return asset if asset < len(service.universe.listings) else 0


async def schedule_cancel(service: Service, call: Call) -> dict[str, Any]:
    """`scheduleCancel`: cancel all at `time`, or never."""
    time = call.action.get("time")
    if time is not None and not is_time(time):
        raise MalformedError("expected time in ms")
    done = await service.submit(rows_from([call.row(command.SCHEDULE_CANCEL, expires=time or 0)]))
    number = int(done.codes[0])
    if number == code.BAD_TIME:
        raise RefusedError("Cannot schedule cancel earlier than 5 seconds from now.")
    return plain_answer(call, number)


async def start_twap(service: Service, call: Call) -> dict[str, Any]:
    """`twapOrder`: `m` minutes of slices."""
    terms = call.action.get("twap")
    if not isinstance(terms, Mapping) or not isinstance(terms.get("b"), bool) or not isinstance(terms.get("r"), bool):
        raise MalformedError("expected twap with a, b, s, r, m")
    minutes = terms.get("m")
    if not is_time(minutes) or not TWAP_LEAST_MS <= minutes * MINUTE_MS <= TWAP_MOST_MS:
        raise MalformedError("expected twap.m: 5 to 1440 minutes")
    try:
        listing = service.universe.asset(terms.get("a"))
        size = listing.size(terms.get("s"), "s")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    why = ""
    if size * int(service.columns["market_price"][listing.number]) < words.LEAST_ORDER_USD * USD_ONE * minutes:
        why = words.TWAP_SMALL
    flags = (0 if terms["b"] else command.SELL) | (command.REDUCE_ONLY if terms["r"] else 0) | command.CANCEL_MAKER
    row = call.row(command.TWAP, market=listing.number, flags=flags, size=size, amount=minutes * MINUTE_MS)
    done = await service.submit(rows_from([call.burn() if why else row]))
    number = int(done.codes[0])
    call.fail(number)
    if not why and number != code.OK:
        why = order_words(number, listing.number)
    status = {"error": why} if why else {"running": {"twapId": int(done.made[0])}}
    return ok("twapOrder", {"status": status})


async def cancel_twap(service: Service, call: Call) -> dict[str, Any]:
    """`twapCancel`."""
    identity = call.action.get("t")
    if not is_time(identity):
        raise MalformedError("expected t: a TWAP id")
    done = await service.submit(rows_from([call.row(command.CANCEL_TWAP, reference=identity)]))
    number = int(done.codes[0])
    call.fail(number)
    return ok("twapCancel", {"status": "success" if number == code.OK else {"error": words.TWAP_GONE}})


async def trailing_stop(service: Service, call: Call) -> dict[str, Any]:
    """`trailingStop` (ours): {a, b, s, distance[, c]}: a reduce-only stop that follows the mark at a distance."""
    action = call.action
    if not isinstance(action.get("b"), bool):
        raise MalformedError("expected a, b, s and distance")
    try:
        listing = service.universe.asset(action.get("a"))
        cloid = client_id_of(action["c"], "c") if action.get("c") is not None else 0
        size, distance = listing.size(action.get("s"), "s"), listing.price(action.get("distance"), "distance")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    high, low = pair_of(cloid)
    flags = command.TRAILING | command.STOP | command.REDUCE_ONLY | (0 if action["b"] else command.SELL)
    row = call.row(
        command.PLACE,
        market=listing.number,
        flags=flags,
        size=size,
        extra=distance,
        client_high=high,
        client_low=low,
    )
    done = await service.submit(rows_from([row]))
    call.fail(int(done.codes[0]))
    wire = Wire(listing.number, [], "", cloid)
    status = _status(service, next(iter(outcomes_of(done))), wire, is_child=False)
    return ok("order", {"statuses": [status]})


def plain_answer(call: Call, number: int) -> dict[str, Any]:
    """The answer to an action of one row."""
    call.fail(number)
    if number != code.OK:
        raise RefusedError(action_words(number))
    return ok()


Handler = Callable[[Service, Call], Awaitable[dict[str, Any]]]
HANDLERS: Final[dict[str, Handler]] = {
    "order": place,
    "modify": modify,
    "batchModify": modify,
    "cancel": cancel,
    "cancelByCloid": cancel,
    "scheduleCancel": schedule_cancel,
    "twapOrder": start_twap,
    "twapCancel": cancel_twap,
    "trailingStop": trailing_stop,
}
