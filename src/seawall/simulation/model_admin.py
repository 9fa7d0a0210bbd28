"""What the admin may do (SPEC sections 8 and 10): markets, tiers, parameters, statuses, sources, settlement."""

import itertools
from collections.abc import Callable
from typing import Any, Final

from seawall.ledger import state
from seawall.simulation import observe
from seawall.simulation.model import ONE, Picture
from seawall.simulation.model_people import Fields, Look, Wanted, seen
from seawall.terms import code, command, parameter, venue_parameter
from seawall.terms.limits import (
    LEVERAGE_MAX,
    NOTIONAL_MAX,
    PRICE_MAX,
    SIZE_DECIMALS_MAX,
    SIZE_DECIMALS_MIN,
    SOURCE_WEIGHT_MAX,
    SOURCES,
    TIERS_PER_MARKET,
)
from seawall.terms.parameter import ADMIN_DELAY_MS, MARKET, REOPEN_DWELL_MS

LOOSER: Final = {  # which status may follow a stricter one, a stage at a time
    command.CLOSED: (command.CANCELLING,),
    command.HALTED: (command.CANCELLING,),
    command.CANCELLING: (command.POSTING,),
    command.POSTING: (command.REDUCING, command.ACTIVE),
    command.REDUCING: (command.ACTIVE,),
}
HOURS: Final = (1, 4, 8)  # intervals of funding
CAPS: Final = (parameter.OPEN_INTEREST_CAP, parameter.POSITION_CAP)


def list_market(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """A market that is closed, without tiers, sources and caps; a number that was used is free once all has left it."""
    number, listed = c["market"], len(picture.markets)
    why = [] if SIZE_DECIMALS_MIN <= c["other"] <= SIZE_DECIMALS_MAX else [code.BAD_FIELD]
    if not 1 <= c["price"] <= PRICE_MAX:
        why.append(code.BAD_PRICE)
    if not 0 <= number <= listed:
        why.append(code.UNKNOWN_MARKET)
    elif number == len(columns["market_price"]):
        why.append(code.MARKETS_FULL)
    elif number < listed and columns["market_status"][number] != command.UNLISTED:
        why.append(code.MARKET_EXISTS)
    elif number < listed:
        why += _still_used(columns, picture, number)
    if why:
        return Wanted(why, seen())
    row = columns["market_price"][number : number + 1] * 0
    look = seen(
        cell=(state.MARKETS, max(listed, number + 1)),
        market_status=(number, command.CLOSED),
        market_size_decimals=(number, c["other"]),
        market_price_max=(number, c["price"]),
        market_price=(slice(number, number + 1), row),
        tier_count=(2 * number, 0),
        source_weight=(number, [0] * SOURCES),
        param=((number, list(CAPS)), [MARKET[cap].value for cap in CAPS]),
    )
    return Wanted(why, look)


def _still_used(columns: Any, picture: Picture, number: int) -> list[int]:
    """Nothing may be left in a market whose number is used again, but the shares of nobody."""
    pools = [observe.pool_of(columns, number, which) for which in (0, 1)]
    has_shares = bool((columns["share_amount"][1:] * (columns["share_pool"][1:, None] == pools).any(axis=1)).any())
    is_used = has_shares or columns["market_open"][number] or columns["market_insurance"][number]
    is_early = picture.now - int(columns["market_status_time"][number]) < REOPEN_DWELL_MS
    return [code.MARKET_IN_USE] * bool(is_used) + [code.NOT_DUE] * is_early


def set_tier(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """Tiers rise in order, initial margin 1.2 times maintenance; once open a tier only asks and gives less."""
    number, at = c["market"], c["other"]
    why = [] if 0 <= at < TIERS_PER_MARKET and 0 <= c["amount"] <= NOTIONAL_MAX else [code.BAD_FIELD]
    if not 1 <= c["size"] <= LEVERAGE_MAX:
        why.append(code.BAD_LEVERAGE)
    if not 1 <= c["price"] <= ONE // 2 or 12 * c["price"] * c["size"] > 10 * ONE:
        why.append(code.BAD_PARAMETER)
    status = int(columns["market_status"][number]) if number in picture.markets else command.UNLISTED
    if status == command.UNLISTED:
        return Wanted([*why, code.UNKNOWN_MARKET], seen())
    if status == command.DELISTING:
        why.append(code.MARKET_CLOSED)
    tiers = list(picture.markets[number].tiers)
    if at > len(tiers):
        return Wanted([*why, code.BAD_PARAMETER], seen())
    before = tiers[at : at + 1]
    tiers[at : at + 1] = [(c["amount"], c["size"], c["price"])]
    if tiers[0][0] != 0 or any(not _is_above(low, high) for low, high in itertools.pairwise(tiers)):
        why.append(code.BAD_PARAMETER)
    if status != command.CLOSED and not _only_eases(before, tiers[at]):
        why.append(code.MARKET_IN_USE)
    look = seen(
        tier_count=(2 * number, len(tiers)),
        tier_lower=((2 * number, at), c["amount"]),
        base_leverage=((number, at), c["size"]),
        base_rate=((number, at), c["price"]),
    )
    return Wanted(why, look)


def _is_above(low: tuple[int, int, int], high: tuple[int, int, int]) -> bool:
    return low[0] < high[0] and low[1] >= high[1] and low[2] <= high[2]


def _only_eases(before: list[tuple[int, int, int]], after: tuple[int, int, int]) -> bool:
    return bool(before) and before[0][0] == after[0] and after[1] <= before[0][1] and after[2] <= before[0][2]


def set_parameter(columns: Any, picture: Picture, c: Fields) -> Wanted | None:
    """Within its range; what does not tighten waits a day once somebody trades. None where partners must fit."""
    number, which, value = c["market"], c["other"], c["price"]
    is_venue = number == -1
    spec = (venue_parameter.VENUE if is_venue else MARKET).get(which)
    row = len(columns["market_price"]) if is_venue else number
    if not is_venue and number not in picture.markets:
        return Wanted([code.UNKNOWN_MARKET, code.BAD_PARAMETER], seen())
    why = [] if spec is not None and spec.low <= value <= spec.high else [code.BAD_PARAMETER]
    if not is_venue and which == parameter.BREAKER:
        why.append(code.BAD_PARAMETER)
    if not is_venue and which == parameter.FUNDING_INTERVAL_MS and value not in [h * 3_600_000 for h in HOURS]:
        why.append(code.BAD_PARAMETER)
    status = command.ACTIVE if is_venue else int(columns["market_status"][number])
    if status in (command.UNLISTED, command.DELISTING):
        why.append(code.UNKNOWN_MARKET if status == command.UNLISTED else code.MARKET_CLOSED)
    if spec is None or why:
        return Wanted(why, seen())
    if (not is_venue and which in PARTNERS) or (is_venue and which == parameter.RISK_MASK):
        return None
    if is_venue and which == parameter.PROFIT_CAP and min(value, int(columns["param_static"][row, which])) < 0:
        return None
    is_set_up = columns["cell"][state.VENUE_OPENED] == 0 if is_venue else status == command.CLOSED
    step = value - int(columns["param_static"][row, which])
    waits = not (is_set_up or step == 0 or spec.at_once == parameter.EITHER or step * spec.at_once > 0)
    start = max(picture.now, c["expires"])
    if waits and start < picture.now + ADMIN_DELAY_MS:
        why.append(code.NOT_DUE)
    return Wanted(why, _set(row, which, value, start=start, now=picture.now))


def _set(row: int, which: int, value: int, *, start: int, now: int) -> Look:
    """The value stands now, or waits for its time."""
    if start == now:
        return seen(param_static=((row, which), value), param_from=((row, which), 0))
    return seen(param_next=((row, which), value), param_from=((row, which), start))


def set_status(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """Stricter at once; looser a stage at a time, on fresh prices, after a minute in the stage."""
    number, wanted, cell = c["market"], c["flags"], columns["cell"]
    why = [] if command.ACTIVE <= wanted <= command.HALTED else [code.BAD_FIELD]
    if number == -1:
        status = int(cell[state.VENUE_STATUS])
        opened, since = int(cell[state.VENUE_OPENED]), int(cell[state.VENUE_STATUS_TIME])
        trading = [m for m in picture.markets.values() if command.ACTIVE <= m.status < command.HALTED]
        is_fresh = all(market.is_fresh for market in trading)
        look = seen(cell=(state.VENUE_STATUS, wanted))
    elif number in picture.markets and picture.markets[number].status != command.UNLISTED:
        market = picture.markets[number]
        status, is_fresh = market.status, market.is_fresh
        opened, since = int(columns["market_opened"][number]), int(columns["market_status_time"][number])
        look = seen(market_status=(number, wanted), market_reopen=(number, 0))
    else:
        return Wanted([*why, code.UNKNOWN_MARKET], seen())
    if status == command.DELISTING:
        return Wanted([*why, code.MARKET_CLOSED], look)
    if status == command.CLOSED or wanted < status:
        if wanted not in LOOSER.get(status, ()) or (opened and picture.now - since < REOPEN_DWELL_MS):
            why.append(code.NOT_DUE)
        if not is_fresh:
            why.append(code.STALE_PRICE)
        if number >= 0 and not picture.markets[number].tiers:
            why.append(code.MARKET_CLOSED)
    return Wanted(why, look)


def set_source(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """Less weight at once; more, or another use, after a day in a market that was opened."""
    number, source, weight = c["market"], c["other"], c["size"]
    bare = weight - command.PERP if weight >= command.PERP else weight
    why = [] if 0 <= bare <= SOURCE_WEIGHT_MAX and weight != command.PERP else [code.BAD_SIZE]
    if not 0 <= source < SOURCES:
        return Wanted([*why, code.UNKNOWN_SOURCE], seen())
    status = int(columns["market_status"][number]) if number in picture.markets else command.UNLISTED
    if status == command.UNLISTED:
        return Wanted([*why, code.UNKNOWN_MARKET], seen())
    if status == command.DELISTING:
        why.append(code.MARKET_CLOSED)
    now = int(columns["source_weight"][number, source])
    if weight == now == 0 and not columns["source_from"][number, source]:
        why.append(code.UNKNOWN_SOURCE)
    is_less = weight == 0 or (weight <= now and (weight >= command.PERP) == (now >= command.PERP))
    at = (number, source)
    if is_less or status == command.CLOSED:
        return Wanted(why, seen(source_weight=(at, weight), source_from=(at, 0)))
    due = picture.now + ADMIN_DELAY_MS
    return Wanted(why, seen(source_weight=(at, now), source_next=(at, weight), source_from=(at, due)))


def delist(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """One market at a time, at its fresh index or at a price near the last one."""
    number, price = c["market"], c["price"]
    why = [code.BAD_PRICE] if price < 0 else []
    market = picture.markets.get(number)
    if market is None or market.status == command.UNLISTED:
        return Wanted([*why, code.UNKNOWN_MARKET], seen())
    if market.status == command.DELISTING:
        why.append(code.MARKET_CLOSED)
    if columns["cell"][state.DELISTING]:
        why.append(code.NOT_DUE)
    band = market.index * market.params[parameter.MARK_BAND] // ONE
    if price == 0 and market.open_interest and not market.is_fresh:
        why.append(code.STALE_PRICE)
    if price and (abs(price - market.index) > band or price > market.price_max):
        why.append(code.PRICE_BAND)
    settled = price or market.index
    look = seen(market_status=(number, command.DELISTING), market_price=(number, settled), market_fresh=(number, 0))
    return Wanted(why, look)


PARTNERS: Final = (
    parameter.TAKER_FEE,
    parameter.MAKER_FEE,
    parameter.OPEN_INTEREST_LOWER,
    parameter.OPEN_INTEREST_UPPER,
    parameter.MAINTENANCE_SCALE,
)
JUDGES: Final[dict[int, tuple[str, Callable[[Any, Picture, Fields], Wanted | None]]]] = {
    command.LIST_MARKET: ("POST_LISTING", list_market),
    command.SET_TIER: ("POST_TIER", set_tier),
    command.SET_PARAMETER: ("POST_PARAMETER", set_parameter),
    command.SET_STATUS: ("POST_STATUS", set_status),
    command.SET_SOURCE: ("POST_SOURCE", set_source),
    command.DELIST: ("POST_DELIST", delist),
}
