"""Collateral assets (kernels): listing them, their parameters by the admin and, within rails, by the risk engine.

Parameters of an asset are those of terms/asset_parameter.py; the rules of engine/parameters.py and engine/rails.py hold
for them likewise: what tightens acts at once, what loosens waits a day or, as a proposal, for the rail's delay.
"""

from typing import Any, Final

from seawall.engine.policy import popcount
from seawall.kernel import kernel
from seawall.ledger.events import emit
from seawall.ledger.holdings import revalue_asset
from seawall.ledger.state import ASSETS, MARKETS, NOW, RISK_SERIAL, RISK_TIME
from seawall.terms import asset_parameter, code, command, event, limits, parameter
from seawall.terms.asset_parameter import (
    ASSET,
    DISCOUNT,
    NONE,
    POOL,
    TOKEN,
    WEIGHT_MAINTENANCE,
    WIDTH,
)
from seawall.terms.parameter import ADMIN_DELAY_MS, DOWN, EITHER, PROPOSAL_LIFE_MS, UP
from seawall.units import RATE_ONE

_SPECS: Final = tuple(ASSET.get(number) for number in range(WIDTH))
LOW: Final = tuple(spec.low if spec else 1 for spec in _SPECS)
HIGH: Final = tuple(spec.high if spec else 0 for spec in _SPECS)  # a number that names nothing has an empty range
AT_ONCE: Final = tuple(spec.at_once if spec else 0 for spec in _SPECS)
RAIL_UP: Final = tuple(spec.rail.up if spec and spec.rail else -1 for spec in _SPECS)  # -1: no rail
RAIL_DOWN: Final = tuple(spec.rail.down if spec and spec.rail else -1 for spec in _SPECS)
RAIL_DELAY: Final = tuple(spec.rail.delay_ms if spec and spec.rail else 0 for spec in _SPECS)


@kernel
def is_listed(s: Any, asset: int) -> bool:
    """Whether the number names a listed asset."""
    return bool(0 <= asset < limits.ASSETS and s.asset_kind[asset] != NONE)


@kernel
def list_asset(s: Any, c: Any) -> int:
    """LIST_ASSET by the admin: asset `other`, the next number, in lots of `market`, whose index prices it.

    `size` - 1 is the market whose index is its redemption value, of the same lots; of a pool the asset that is its
    base. All caps and weights are 0.
    """
    if c.flags < TOKEN or c.flags > POOL or c.size > (s.cell[ASSETS] if c.flags == POOL else s.cell[MARKETS]):
        return code.BAD_FIELD
    if c.other < 0 or c.other > s.cell[ASSETS]:
        return code.BAD_FIELD
    if c.other == limits.ASSETS:
        return code.ASSETS_FULL
    if c.other < s.cell[ASSETS]:
        return code.ASSET_EXISTS
    if s.market_status[c.market] in (command.UNLISTED, command.DELISTING):
        return code.UNKNOWN_MARKET
    if c.flags == POOL and c.size != 0:
        base = c.size - 1
        if s.asset_kind[base] == POOL or s.asset_market[base] != c.market:
            return code.BAD_FIELD
    elif c.size != 0:
        redeemed = c.size - 1
        if redeemed == c.market or s.market_status[redeemed] in (command.UNLISTED, command.DELISTING):
            return code.UNKNOWN_MARKET
        if s.market_size_decimals[redeemed] != s.market_size_decimals[c.market]:
            return code.BAD_FIELD
    s.cell[ASSETS] = c.other + 1
    s.asset_kind[c.other] = c.flags
    s.asset_market[c.other] = c.market
    if c.flags == POOL:
        s.asset_base[c.other] = c.size
    else:
        s.asset_redeemed[c.other] = c.size
    s.asset_stable[c.other] = s.market_oracle[c.market]
    s.asset_stable_time[c.other] = s.cell[NOW]
    emit(s, event.ASSET, c.market, -1, c.other, 0, 0, c.size, c.flags)
    return code.OK


@kernel
def set_asset(s: Any, c: Any) -> int:
    """SET_ASSET by the admin: parameter `reference` of an asset becomes `price` at `expires` (0: now).

    What loosens needs a day's notice once anybody holds the asset; before that nobody is there to be given it. The
    maintenance weight and the discount fit together: weight <= 1 - discount.
    """
    number = c.reference
    if not is_listed(s, c.other):
        return code.UNKNOWN_ASSET
    if number >= WIDTH or c.price < LOW[number] or c.price > HIGH[number]:
        return code.BAD_PARAMETER
    if not fits(s, c.other, number, c.price):
        return code.BAD_PARAMETER
    start = max(s.cell[NOW], c.expires)
    if start < s.cell[NOW] + notice_of(s, c.other, number, c.price):
        return code.NOT_DUE
    if start > s.cell[NOW]:
        s.asset_next[c.other, number], s.asset_from[c.other, number] = c.price, start
    else:
        s.asset_next[c.other, number], s.asset_from[c.other, number] = 0, 0
        _set_static(s, c.other, number, c.price)
    emit(s, event.ASSET_PARAMETER, -1, -1, c.other, number, c.price, 0, start)
    return code.OK


@kernel
def fits(s: Any, asset: int, number: int, value: int) -> bool:
    """Whether a value goes with its partner, present or pending: a sale at the discount never costs equity."""
    if number == WEIGHT_MAINTENANCE:
        return bool(value + _most_planned(s, asset, DISCOUNT) <= RATE_ONE)
    if number == DISCOUNT:
        return bool(value + _most_planned(s, asset, WEIGHT_MAINTENANCE) <= RATE_ONE)
    return True


@kernel
def _most_planned(s: Any, asset: int, number: int) -> int:
    planned = s.asset_static[asset, number]
    if s.asset_from[asset, number] != 0:
        planned = max(planned, s.asset_next[asset, number])
    return int(planned)


@kernel
def notice_of(s: Any, asset: int, number: int, value: int) -> int:
    """How long the admin must wait before a parameter may become `value`, in ms."""
    old, direction = s.asset_static[asset, number], AT_ONCE[number]
    if s.asset_total[asset] == 0 or value == old or direction == EITHER:
        return 0
    if RAIL_UP[number] >= 0:
        return ADMIN_DELAY_MS if is_looser(number, value, old) else 0
    return 0 if (direction == UP and value > old) or (direction == DOWN and value < old) else ADMIN_DELAY_MS


@kernel
def is_looser(number: int, value: int, than: int) -> bool:
    """Whether a value of a railed parameter backs more than another; every rail here tightens downward."""
    if number == asset_parameter.SUPPLY_START:
        return value != than and (value == 0 or (than != 0 and value > than))
    return value > than


@kernel
def _set_static(s: Any, asset: int, number: int, value: int) -> None:
    """Writes the admin's value; the live one follows where it was the same or would be looser."""
    before, live = s.asset_static[asset, number], s.asset_param[asset, number]
    s.asset_static[asset, number] = value
    if live == before or RAIL_UP[number] < 0 or is_looser(number, live, value):
        _set_live(s, asset, number, value)


@kernel
def _set_live(s: Any, asset: int, number: int, value: int) -> None:
    if s.asset_param[asset, number] == value:
        return
    s.asset_param[asset, number] = value
    s.asset_time[asset, number] = s.cell[NOW]
    emit(s, event.ASSET_PARAMETER, -1, -1, asset, number, value, 1, s.cell[NOW])
    revalue_asset(s, asset)


@kernel
def propose_asset(s: Any, c: Any) -> int:
    """PROPOSE_ASSET by the risk engine: parameter `size` of an asset becomes `price`, signed and numbered as PROPOSE.

    Never looser than the admin's value; tighter at once, looser by the rail's step after its delay.
    """
    if c.size >= WIDTH or RAIL_UP[c.size] < 0:
        return code.BAD_PARAMETER
    if c.expires > s.cell[NOW] + PROPOSAL_LIFE_MS:
        return code.BAD_TIME
    venue = len(s.market_price)
    if popcount(c.amount & s.param[venue, parameter.RISK_MASK]) < s.param[venue, parameter.RISK_SIGNERS]:
        return code.NOT_ENOUGH_SIGNERS
    if not is_listed(s, c.other):
        return code.UNKNOWN_ASSET
    if c.reference <= s.cell[RISK_SERIAL]:
        return code.PROPOSAL_OLD
    if c.expires < s.cell[NOW]:
        return code.PROPOSAL_EXPIRED
    if not is_within(s, c.other, c.size, c.price):
        return code.OUTSIDE_RAILS
    s.cell[RISK_SERIAL] = c.reference
    s.cell[RISK_TIME] = s.cell[NOW]
    _set_live(s, c.other, c.size, c.price)
    return code.OK


@kernel
def is_within(s: Any, asset: int, number: int, value: int) -> bool:
    """Whether a proposal may make `value` the live one now."""
    live = s.asset_param[asset, number]
    if value < LOW[number] or value > HIGH[number]:
        return False
    if value == live:
        return True
    if is_looser(number, value, s.asset_static[asset, number]):
        return False
    if not is_looser(number, value, live):
        return bool(live - value <= RAIL_DOWN[number])
    if value - live > RAIL_UP[number]:
        return False
    return bool(s.cell[NOW] - s.asset_time[asset, number] >= RAIL_DELAY[number])


@kernel
def apply_due_assets(s: Any) -> None:
    """TICK: pending values whose time has come take effect, so many of them; the rest in the next ones."""
    left = limits.ASSET_CHANGES_PER_TICK
    for asset in range(s.cell[ASSETS]):
        for number in range(WIDTH):
            start = s.asset_from[asset, number]
            if start != 0 and start <= s.cell[NOW] and left > 0:
                left -= 1
                value = s.asset_next[asset, number]
                s.asset_next[asset, number], s.asset_from[asset, number] = 0, 0
                _set_static(s, asset, number, value)
                emit(s, event.ASSET_PARAMETER, -1, -1, asset, number, value, 0, s.cell[NOW])


@kernel
def decay_assets(s: Any) -> None:
    """TICK: with the risk engine silent a live value goes back to the static one, a step whenever its delay passed.

    So many of them; the others take their turn in the next ones.
    """
    if s.cell[NOW] - s.cell[RISK_TIME] <= s.param[len(s.market_price), parameter.RISK_SILENCE_MS]:
        return
    left = limits.ASSET_CHANGES_PER_TICK
    for asset in range(s.cell[ASSETS]):
        for number in range(WIDTH):
            live, static = s.asset_param[asset, number], s.asset_static[asset, number]
            if live == static or RAIL_UP[number] < 0 or s.cell[NOW] - s.asset_time[asset, number] < RAIL_DELAY[number]:
                continue
            if left == 0:
                return
            left -= 1
            back = min(static, live + RAIL_UP[number]) if static > live else static
            _set_live(s, asset, number, back)
