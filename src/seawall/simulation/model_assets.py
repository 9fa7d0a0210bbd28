"""What the rule says of the office of collateral assets: listing one, its parameters by the admin and by proposals."""

from collections.abc import Callable
from typing import Any, Final

from seawall.ledger import state
from seawall.simulation.model import Picture
from seawall.simulation.model_people import Look, Wanted, seen
from seawall.terms import code, command, parameter
from seawall.terms.asset_parameter import ASSET, DISCOUNT, POOL, SUPPLY_START, TOKEN, WEIGHT_MAINTENANCE
from seawall.terms.limits import ASSETS
from seawall.terms.parameter import ADMIN_DELAY_MS, PROPOSAL_LIFE_MS
from seawall.units import RATE_ONE

Fields = dict[str, int]
GONE: Final = (command.UNLISTED, command.DELISTING)


def list_asset(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """The next number, priced by a listed market; a redemption value of the same lots, a pool's base a token of it."""
    listed, many, number = int(columns["cell"][state.ASSETS]), len(picture.markets), c["other"]
    kind, other, market = c["flags"], c["size"] - 1, c["market"]
    why = [] if TOKEN <= kind <= POOL and c["size"] <= (listed if kind == POOL else many) else [code.BAD_FIELD]
    if not 0 <= number <= listed:
        why.append(code.BAD_FIELD)
    if number >= ASSETS:
        why.append(code.ASSETS_FULL)
    if number < listed:
        why.append(code.ASSET_EXISTS)
    if market not in picture.markets:
        return Wanted([*why, code.UNKNOWN_MARKET], seen())
    if picture.markets[market].status in GONE:
        why.append(code.UNKNOWN_MARKET)
    if kind == POOL and 0 <= other < listed:
        base = picture.assets[other]
        why += [code.BAD_FIELD] if base.kind == POOL or base.market != market else []
    elif kind != POOL and 0 <= other < many:
        backed = picture.markets[other]
        why += [code.UNKNOWN_MARKET] if other == market or backed.status in GONE else []
        why += [code.BAD_FIELD] if backed.size_decimals != picture.markets[market].size_decimals else []
    look = seen(
        cell=(state.ASSETS, number + 1),
        asset_kind=(number, kind),
        asset_market=(number, market),
        asset_total=(number, 0),
        asset_redeemed=(number, 0 if kind == POOL else c["size"]),
        asset_base=(number, c["size"] if kind == POOL else 0),
    )
    return Wanted(why, look)


def _is_looser(number: int, value: int, than: int) -> bool:
    """Whether a railed value backs more than another; no start of scaling (0) backs the most."""
    if number == SUPPLY_START:
        return (value or 2**62) > (than or 2**62)
    return value > than


def set_asset(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """In range; weight and discount fit; what does not tighten waits a day once somebody holds the asset."""
    number, which, value = c["other"], c["reference"], c["price"]
    if number not in picture.assets:
        return Wanted([code.UNKNOWN_ASSET], seen())
    spec = ASSET.get(which)
    if spec is None or not spec.low <= value <= spec.high:
        return Wanted([code.BAD_PARAMETER], seen())
    why, partner = [], {WEIGHT_MAINTENANCE: DISCOUNT, DISCOUNT: WEIGHT_MAINTENANCE}.get(which)
    if partner is not None:
        planned = int(columns["asset_static"][number, partner])
        if columns["asset_from"][number, partner]:
            planned = max(planned, int(columns["asset_next"][number, partner]))
        why += [code.BAD_PARAMETER] if value + planned > RATE_ONE else []
    old = int(columns["asset_static"][number, which])
    if spec.rail is not None:
        waits = _is_looser(which, value, old)
    else:
        waits = value != old and (value - old) * spec.at_once <= 0
    start = max(picture.now, c["expires"])
    if waits and picture.assets[number].total and start < picture.now + ADMIN_DELAY_MS:
        why.append(code.NOT_DUE)
    return Wanted(why, _stands(number, which, value, start=start, now=picture.now))


def _stands(number: int, which: int, value: int, *, start: int, now: int) -> Look:
    if start == now:
        return seen(asset_static=((number, which), value), asset_from=((number, which), 0))
    return seen(asset_next=((number, which), value), asset_from=((number, which), start))


def propose_asset(columns: Any, picture: Picture, c: Fields) -> Wanted:
    """Signed by enough, new and in time; never looser than the admin's value; looser than now by a step."""
    number, which, value, venue = c["other"], c["size"], c["price"], picture.policy
    spec = ASSET.get(which)
    if spec is None or spec.rail is None:
        return Wanted([code.BAD_PARAMETER], seen())
    why = [] if c["expires"] <= picture.now + PROPOSAL_LIFE_MS else [code.BAD_TIME]
    if (c["amount"] & venue[parameter.RISK_MASK]).bit_count() < venue[parameter.RISK_SIGNERS]:
        why.append(code.NOT_ENOUGH_SIGNERS)
    if number not in picture.assets:
        return Wanted([*why, code.UNKNOWN_ASSET], seen())
    if c["reference"] <= picture.cells[state.RISK_SERIAL]:
        why.append(code.PROPOSAL_OLD)
    if c["expires"] < picture.now:
        why.append(code.PROPOSAL_EXPIRED)
    live, static = picture.assets[number].params[which], int(columns["asset_static"][number, which])
    is_looser = _is_looser(which, value, live)
    inside = spec.low <= value <= spec.high
    if value != live:
        inside &= not _is_looser(which, value, static)
        since = picture.now - int(columns["asset_time"][number, which])
        step = value - live <= spec.rail.up and since >= spec.rail.delay_ms
        inside &= step if is_looser else live - value <= spec.rail.down
    if not inside:
        why.append(code.OUTSIDE_RAILS)
    return Wanted(why, seen(asset_param=((number, which), value), cell=(state.RISK_SERIAL, c["reference"])))


JUDGES: Final[dict[int, tuple[str, Callable[[Any, Picture, Fields], Wanted | None]]]] = {
    command.LIST_ASSET: ("POST_ASSET", list_asset),
    command.SET_ASSET: ("POST_ASSET", set_asset),
    command.PROPOSE_ASSET: ("POST_PROPOSAL", propose_asset),
}
