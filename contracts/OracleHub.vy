# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title OracleHub: prices with a status, from a primary and a reference adapter a market
@license Apache-2.0
@notice `update` takes what the adapters say and writes the ClearingHouse's price. A price that is stale, zero, too uncertain,
        or away from the reference, or that jumps further than time allows, does not revert the call: the market is
        marked stale, which makes it reduce-only. A jump is confirmed by the reference, or by a second report that
        still says so `CONFIRM_S` later. Price words are micro-USD per lot.
@custom:security Anybody may call `update`; nobody chooses a price. Adapters change through the timelock only.
@custom:kill The guardian marks a market stale (`stop`); only the governor lets it go on.
"""

import code
import limits
import margin
import units
import words
from interfaces import IClearingHouse
from interfaces import IPriceOracle


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
GOVERNOR: public(immutable(address))
GUARDIAN: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

FEEDS_MAX: constant(uint256) = 64
CONFIRM_S: constant(uint256) = 3
AHEAD_MS: constant(uint256) = 1_000
OK: constant(uint256) = 0
STALE: constant(uint256) = 1
DEVIATING: constant(uint256) = 2
JUMPED: constant(uint256) = 3
UNSURE: constant(uint256) = 4
STOPPED: constant(uint256) = 5
ASSET: constant(uint256) = 1 << 16  # feeds from here on are collateral assets

struct Feed:
    primary: address
    primary_id: bytes32
    reference: address  # none: empty
    reference_id: bytes32
    scale: int256  # price = said x scale / 10^18, in micro-USD per lot
    deviation: int256  # from the reference, in RATE_ONE
    step_s: int256  # furthest jump a second, in RATE_ONE
    uncertainty: int256  # greatest half spread over price, in RATE_ONE
    max_age_ms: uint256

struct Said:
    price: uint256
    time: uint256  # ms
    status: uint256

struct Pending:
    price: int256
    time: uint256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

feeds: public(HashMap[uint256, Feed])
last: public(HashMap[uint256, Said])
pending: public(HashMap[uint256, Pending])
is_stopped: public(HashMap[uint256, bool])


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Updated:
    feed: indexed(uint256)
    price: uint256
    time: uint256
    status: uint256

event FeedSet:
    feed: indexed(uint256)
    said: Feed

event StopSet:
    feed: indexed(uint256)
    on: bool


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, governor: address, guardian: address):
    HOUSE = house
    GOVERNOR = governor
    GUARDIAN = guardian


@external
def set_feed(feed: uint256, said: Feed):
    """@notice The governor (a timelock) names the adapters of a market, or of asset `feed - 65536`."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    valid: bool = said.primary != empty(address) and said.scale > 0 and said.max_age_ms > 0
    valid = valid and said.deviation > 0 and said.step_s > 0 and said.uncertainty > 0
    if not valid or said.primary == said.reference:
        code.refuse(code.BAD_PARAMETER)
    self.feeds[feed] = said
    log FeedSet(feed=feed, said=said)


@external
def stop(feed: uint256, on: bool):
    """@notice The guardian marks a feed stale; only the governor lets it go on."""
    if msg.sender != GOVERNOR and not (on and msg.sender == GUARDIAN):
        code.refuse(code.NOT_AUTHORISED)
    self.is_stopped[feed] = on
    log StopSet(feed=feed, on=on)
    if on:
        self._write(feed, 0, 0, False)


# ---------------------------------------------------------------------
# External
# ---------------------------------------------------------------------

@external
def update(feeds: DynArray[uint256, FEEDS_MAX]) -> DynArray[uint256, FEEDS_MAX]:
    """@notice Brings feeds up to date with their adapters; returns a status each: 0 is fresh, any other is not."""
    found: DynArray[uint256, FEEDS_MAX] = []
    for feed: uint256 in feeds:
        found.append(self._update(feed))
    return found


@external
@view
def asset_price(asset: uint256) -> (uint256, uint256, bool):
    """@notice The last price of a collateral asset (micro-USD per lot), its time (ms), and whether it was fresh then."""
    said: Said = self.last[ASSET + asset]
    return said.price, said.time, said.status == OK and said.price != 0


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
def _update(feed: uint256) -> uint256:
    f: Feed = self.feeds[feed]
    if f.primary == empty(address):
        code.refuse(code.UNKNOWN_SOURCE)
    before: Said = self.last[feed]
    price: int256 = 0
    time: uint256 = 0
    status: uint256 = OK
    price, time, status = self._ask(f.primary, f.primary_id, f)
    if self.is_stopped[feed]:
        status = STOPPED
    if status == OK and time < before.time:
        status = STALE
    if status == OK:
        status = self._compare(feed, f, price, time, before)
    if status == OK:
        self.last[feed] = Said(price=convert(price, uint256), time=time, status=OK)
        self._write(feed, price, time, True)
    elif before.status != status or feed < ASSET:
        self.last[feed].status = status
        self._write(feed, 0, 0, False)
    log Updated(feed=feed, price=convert(price, uint256), time=time, status=status)
    return status


@internal
@view
def _ask(oracle: address, id: bytes32, f: Feed) -> (int256, uint256, uint256):
    """@notice (micro-USD per lot, ms, status) that an adapter says. One that reverts or says nonsense is stale."""
    ok: bool = False
    answer: Bytes[96] = b""
    ok, answer = raw_call(
        oracle,
        abi_encode(id, method_id=method_id("price_of(bytes32)")),
        max_outsize=96,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not ok or len(answer) != 96:
        return 0, 0, STALE
    said: uint256 = convert(slice(answer, 0, 32), uint256)
    spread: uint256 = convert(slice(answer, 32, 32), uint256)
    time: uint256 = convert(slice(answer, 64, 32), uint256)
    now: uint256 = block.timestamp * 1000
    if said == 0 or said > 10**45 or spread > 10**45 or time > now + AHEAD_MS or now > time + f.max_age_ms:
        return 0, time, STALE
    whole: int256 = convert(said, int256)
    price: int256 = whole * f.scale // 10**18
    if price < 1 or price > limits.PRICE_MAX:
        return 0, time, STALE
    if convert(spread, int256) * limits.RATE_ONE > whole * f.uncertainty:
        return price, time, UNSURE
    return price, time, OK


@internal
def _compare(feed: uint256, f: Feed, price: int256, time: uint256, before: Said) -> uint256:
    """@notice The reference must agree; a jump beyond what time allows must be confirmed by it or by a later report."""
    agrees: bool = False
    if f.reference != empty(address):
        other: int256 = 0
        when: uint256 = 0
        status: uint256 = OK
        other, when, status = self._ask(f.reference, f.reference_id, f)
        if status == OK:
            agrees = units.magnitude(price - other) <= units.rate_down(other, f.deviation)
            if not agrees:
                return DEVIATING
    if before.price == 0 or agrees:
        return OK
    last: int256 = convert(before.price, int256)
    elapsed: int256 = convert(max(1, (time - before.time) // 1000), int256)
    reach: int256 = units.rate_down(last, min(limits.RATE_ONE * 100, f.step_s * elapsed))
    if units.magnitude(price - last) <= reach:
        self.pending[feed] = empty(Pending)
        return OK
    waiting: Pending = self.pending[feed]
    near: bool = units.magnitude(price - waiting.price) <= units.rate_down(waiting.price, f.deviation)
    if waiting.time != 0 and near and time >= waiting.time + CONFIRM_S * 1000:
        self.pending[feed] = empty(Pending)
        return OK
    if waiting.time == 0 or not near:
        self.pending[feed] = Pending(price=price, time=time)
    return JUMPED


@internal
def _write(feed: uint256, price: int256, time: uint256, fresh: bool):
    """@notice Writes a market's price into the ClearingHouse; what is not fresh keeps the last price."""
    if feed >= ASSET:
        return
    key: uint256 = words.MARKET | words.PRICE | feed
    if not fresh:
        extcall IClearingHouse(HOUSE).put(key, margin.FRESH, 0)
        return
    fields: uint256 = convert(price, uint256) | (time << margin.TIME_SHIFT) | margin.FRESH
    mask: uint256 = margin.M41 | ((2**44 - 1) << margin.TIME_SHIFT) | margin.FRESH
    extcall IClearingHouse(HOUSE).put(key, mask, fields)
