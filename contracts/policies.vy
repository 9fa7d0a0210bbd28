# pragma version 0.4.3
"""
@title The policy numbers of the venue: static and live values, tiers, and their fields in the ClearingHouse's words
@license Apache-2.0
@notice A number's range, rail and field are given once. The live value is the static one or stricter.
"""

import limits
import margin
import reader
import units
import words
from interfaces import IClearingHouse
from interfaces import ILending

HOUSE: public(immutable(address))
LENDING: immutable(address)

VENUE: constant(uint256) = 256  # the row of the venue's numbers
VENUE_NUMBERS: constant(uint256) = 64  # added to a venue's number
LEVERAGE_CAP: constant(uint256) = 0
INITIAL_LIVE: constant(uint256) = 1
SCALE: constant(uint256) = 2
OI_LOWER: constant(uint256) = 3
OI_UPPER: constant(uint256) = 4
RAILED: constant(uint256) = 10  # numbers below may have rails
BREAKER: constant(uint256) = 9
TAKER_FEE: constant(uint256) = 10
MAKER_FEE: constant(uint256) = 11
SCALE_MAX: constant(int256) = 18_000_000
RATE_MAX: constant(int256) = 6_000_000
UNCAPPED: constant(int256) = 2**53 + 1
HOURS: constant(uint256) = 25

struct Spec:
    key: uint256  # sort of word; 0: kept here alone
    start: uint256
    bits: uint256
    bias: int256
    divisor: int256  # of the number, for the word
    low: int256
    high: int256
    first: int256
    at_once: int256  # direction that needs no notice: 1 up, -1 down, 0 neither, 2 either
    up: int256  # rail; -1: none
    down: int256
    delay_s: uint256
    tighter: int256

struct Tier:
    lower: int256
    leverage: int256
    rate: int256

struct Ramp:
    target: int256
    next: int256
    start: uint256  # s; 0: none waits
    minute: uint256  # up to which ramps and decays have moved

specs: public(HashMap[uint256, Spec])
static_value: public(HashMap[uint256, HashMap[uint256, int256]])
live_value: public(HashMap[uint256, HashMap[uint256, int256]])
changed: public(HashMap[uint256, HashMap[uint256, uint256]])  # s, of a live value by a proposal
tiers: public(HashMap[uint256, DynArray[Tier, 16]])
ramps: public(HashMap[uint256, Ramp])
lows: HashMap[uint256, uint256[HOURS]]  # lowest scale of each hour
is_opened: public(HashMap[uint256, bool])  # a market; the venue's row: any

event Parameter:
    row: indexed(uint256)
    number: indexed(uint256)
    amount: int256
    live: bool
    start: uint256


@deploy
def __init__(house: address):
    HOUSE = house
    LENDING = staticcall IClearingHouse(house).LENDING()


@internal
def put(key: uint256, mask: uint256, fields: uint256):
    extcall IClearingHouse(HOUSE).put(key, mask, fields)


@internal
@pure
def comparable(number: uint256, amount: int256) -> int256:
    """@notice The value in the order of its strictness: words for no cap come after every cap."""
    if (number == OI_UPPER and amount == 0) or (number == VENUE_NUMBERS + 3 and amount < 0):
        return UNCAPPED
    return amount


@internal
@view
def is_set_up(row: uint256) -> bool:
    """@notice Whether a market has never been opened; for the venue, whether none has."""
    if row == VENUE:
        return not self.is_opened[VENUE]
    return self.status(row) == limits.CLOSED


@internal
@view
def needs_no_notice(row: uint256, number: uint256, amount: int256) -> bool:
    direction: int256 = self.specs[number].at_once
    gap: int256 = self.comparable(number, amount) - self.comparable(number, self.static_value[row][number])
    return gap == 0 or direction == 2 or (direction == 1 and gap > 0) or (direction == -1 and gap < 0)


@internal
@view
def fits_static(row: uint256, number: uint256, amount: int256) -> bool:
    """@notice A rebate stays within the taker fee, the caps of open interest in their order, intervals are 1, 4 or 8 h."""
    if number == TAKER_FEE:
        return amount + self.static_value[row][MAKER_FEE] >= 0
    if number == MAKER_FEE:
        return amount + self.static_value[row][TAKER_FEE] >= 0
    if number == OI_LOWER:
        return amount <= self.comparable(OI_UPPER, self.static_value[row][OI_UPPER])
    if number == OI_UPPER:
        return amount == 0 or amount >= self.static_value[row][OI_LOWER]
    if number == 27:
        return amount == 3_600_000 or amount == 14_400_000 or amount == 28_800_000
    return True


@internal
@view
def fits_live(market: uint256, number: uint256, amount: int256) -> bool:
    if number == OI_LOWER:
        upper: int256 = self.live_value[market][OI_UPPER]
        return upper == 0 or amount <= upper
    if number == OI_UPPER:
        return amount == 0 or amount >= self.live_value[market][OI_LOWER]
    return True


@internal
@view
def is_looser(number: uint256, amount: int256, than: int256, tighter: int256) -> bool:
    gap: int256 = self.comparable(number, amount) - self.comparable(number, than)
    return gap < 0 if tighter > 0 else gap > 0


@internal
def write_static(row: uint256, number: uint256, amount: int256):
    """@notice The live value follows where it was the same or would be looser; the scale is ramped once opened."""
    before: int256 = self.static_value[row][number]
    s: Spec = self.specs[number]
    self.static_value[row][number] = amount
    log Parameter(row=row, number=number, amount=amount, live=False, start=block.timestamp)
    if s.up < 0:
        self.write_live(row, number, amount)
        return
    if number == SCALE:
        if self.status(row) == limits.CLOSED:
            self.start_scale(row, amount)
        return
    live: int256 = self.live_value[row][number]
    looser: bool = self.is_looser(number, live, amount, s.tighter)
    if self.is_set_up(row) or (live == before and live != amount and self.fits_live(row, number, amount)) or looser:
        self.write_live(row, number, amount)
        self.changed[row][number] = block.timestamp


@internal
def write_live(row: uint256, number: uint256, amount: int256):
    """@notice Writes a live value here and into its field of the ClearingHouse's words."""
    self.live_value[row][number] = amount
    s: Spec = self.specs[number]
    if s.key == 0:
        return
    stored: int256 = amount // s.divisor + s.bias
    if number == INITIAL_LIVE and len(self.tiers[row]) != 0:
        stored = max(stored, units.ceil_div(limits.RATE_ONE, self.tiers[row][0].leverage))
    mask: uint256 = ~(max_value(uint256) << s.bits)
    key: uint256 = s.key if row == VENUE else s.key | row
    self.put(key, mask << s.start, convert(stored, uint256) << s.start)
    if key == words.VENUE | words.LENDING:
        extcall ILending(LENDING).refresh()
    log Parameter(row=row, number=number, amount=amount, live=True, start=block.timestamp)


@internal
@view
def scale_cap(market: uint256) -> int256:
    """@notice The greatest scale that keeps every tier's initial margin at 1.2 x its live maintenance."""
    cap: int256 = SCALE_MAX
    for t: Tier in self.tiers[market]:
        most: int256 = 5 * limits.RATE_ONE // (6 * t.leverage)
        cap = min(cap, most * limits.RATE_ONE // t.rate)
    return max(cap, limits.RATE_ONE)


@internal
def start_scale(market: uint256, scale: int256):
    """@notice The scale of a market that was never opened: at once, within its cap, and as its lowest so far."""
    capped: int256 = min(scale, self.scale_cap(market))
    if capped != self.live_value[market][SCALE]:
        self.set_scale(market, capped)
    for hour: uint256 in range(HOURS):
        self.lows[market][hour] = convert(capped, uint256)


@internal
def set_scale(market: uint256, scale: int256):
    self.live_value[market][SCALE] = scale
    self.write_tiers(market)
    log Parameter(row=market, number=SCALE, amount=scale, live=True, start=block.timestamp)


@internal
def write_tiers(market: uint256):
    """@notice Live rates are base x scale, rounded up, at most 1/2; deductions keep maintenance continuous."""
    held: DynArray[Tier, 16] = self.tiers[market]
    count: uint256 = len(held)
    if count == 0:
        return
    scale: int256 = self.live_value[market][SCALE]
    deduction: int256 = 0
    before: int256 = 0
    for k: uint256 in range(count, bound=16):
        rate: int256 = min(units.rate_up(held[k].rate, scale), RATE_MAX)
        if k > 0:
            deduction += held[k].lower * (rate - before)
        following: int256 = held[k + 1].lower if k + 1 < count else 2**54 - 1
        if k == 0:
            word: uint256 = words.with_field(0, margin.NEXT_SHIFT, 54, following)
            word = words.with_field(word, margin.RATE_SHIFT, 24, rate)
            word = words.with_field(word, margin.LEVERAGE_SHIFT, 10, held[0].leverage)
            word = words.with_field(word, margin.COUNT_SHIFT, 5, convert(count, int256))
            mask: uint256 = (words.M54 << margin.NEXT_SHIFT) | (max_value(uint256) - (2**210 - 1))
            self.put(words.MARKET | words.PRICE | market, mask, word)
        else:
            word: uint256 = words.with_field(0, 0, 24, rate)
            word = words.with_field(word, margin.TIER_LEVERAGE, 10, held[k].leverage)
            word = words.with_field(word, margin.TIER_LOWER, 54, held[k].lower)
            word = words.with_field(word, margin.TIER_NEXT, 54, following)
            word = words.with_field(word, margin.TIER_DEDUCTION, 80, deduction)
            self.put(words.TIER | (k << 8) | market, max_value(uint256), word)
        before = rate


@internal
@view
def status(row: uint256) -> uint256:
    if row == VENUE:
        return (reader.one(HOUSE, words.VENUE | words.POLICY) >> margin.VENUE_STATUS) & 15
    return margin.status_of(reader.one(HOUSE, words.MARKET | words.PRICE | row))
