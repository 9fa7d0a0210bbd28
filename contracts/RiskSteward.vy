# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title RiskSteward: every policy number of the venue, and the rails within which it moves. src/seawall/engine/rails.py
@license Apache-2.0
@notice Four powers. The risk oracle proposes within rails: stricter than the static value or back to it, by bounded
        steps, looser only after a delay; maintenance ramps by the minute after notice. The guardian tightens statuses.
        The admin tightens numbers, and opens and closes markets by stages. The governor, a timelock, sets any number in
        its range. When the risk oracle is silent every live value walks back to its static one.
@custom:security Ranges, rails and fields of every number are given once, from src/seawall/terms.
@custom:kill The guardian sets HALTED for a market or the venue; only stages with fresh prices lead back.
"""

import code
import limits
import margin
import reader
import units
import words
from interfaces import IClearingHouse


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
GOVERNOR: public(immutable(address))
ADMIN: public(immutable(address))
GUARDIAN: public(immutable(address))
ORACLE: public(immutable(address))
ROOTS: public(immutable(address))  # halts when the venue's word and the chain diverge


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

VENUE: constant(uint256) = 256  # the row of the venue's numbers
VENUE_NUMBERS: constant(uint256) = 64  # added to a venue's number
NUMBERS: constant(uint256) = 36
LEVERAGE_CAP: constant(uint256) = 0
INITIAL_LIVE: constant(uint256) = 1
SCALE: constant(uint256) = 2
OI_LOWER: constant(uint256) = 3
OI_UPPER: constant(uint256) = 4
RAILED: constant(uint256) = 10  # numbers below may have rails
BREAKER: constant(uint256) = 9
TAKER_FEE: constant(uint256) = 10
MAKER_FEE: constant(uint256) = 11
RISK_SILENCE: constant(uint256) = 64 + 9
RAMP_CEILING: constant(uint256) = 64 + 21
NOTICE: constant(uint256) = 64 + 22
PROPOSAL_LIFE: constant(uint256) = 86_400
DWELL_S: constant(uint256) = 60  # of a stage of reopening
SCALE_MAX: constant(int256) = 18_000_000
RATE_MAX: constant(int256) = 6_000_000
UNCAPPED: constant(int256) = 2**53 + 1
HOURS: constant(uint256) = 25
STEPS_AN_HOUR: constant(int256) = 60

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


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

specs: public(HashMap[uint256, Spec])
static_value: public(HashMap[uint256, HashMap[uint256, int256]])
live_value: public(HashMap[uint256, HashMap[uint256, int256]])
changed: public(HashMap[uint256, HashMap[uint256, uint256]])  # s, of a live value by a proposal
tiers: public(HashMap[uint256, DynArray[Tier, 16]])
ramps: public(HashMap[uint256, Ramp])
lows: HashMap[uint256, uint256[HOURS]]  # lowest scale of each hour
breaker_time: public(HashMap[uint256, uint256])
status_time: public(HashMap[uint256, uint256])
is_opened: public(HashMap[uint256, bool])  # a market; the venue's row: any
risk_serial: public(uint256)
risk_time: public(uint256)
market_count: public(uint256)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Parameter:
    row: indexed(uint256)
    number: indexed(uint256)
    amount: int256
    live: bool
    start: uint256

event Status:
    row: indexed(uint256)
    status: uint256

event TierSet:
    market: indexed(uint256)
    tier: uint256
    lower: int256
    leverage: int256
    rate: int256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(
    house: address, governor: address, admin: address, guardian: address, oracle: address, roots: address
):
    HOUSE = house
    GOVERNOR = governor
    ADMIN = admin
    GUARDIAN = guardian
    ORACLE = oracle
    ROOTS = roots
    self.risk_time = block.timestamp


@external
def describe(numbers: DynArray[uint256, 64], specs: DynArray[Spec, 64]):
    """@notice Gives the numbers their ranges, rails and fields; each once, before the first market is listed."""
    assert msg.sender == ADMIN and self.market_count == 0 and len(numbers) == len(specs), "described"
    for i: uint256 in range(len(numbers), bound=64):
        assert self.specs[numbers[i]].high == 0 and specs[i].divisor > 0, "described"
        self.specs[numbers[i]] = specs[i]
        if numbers[i] >= VENUE_NUMBERS:
            self._write_static(VENUE, numbers[i], specs[i].first)


# ---------------------------------------------------------------------
# Admin and governor
# ---------------------------------------------------------------------

@external
def list_market(market: uint256, price_max: int256):
    """@notice A new market: closed, without tiers and prices, every number at its default, all caps 0."""
    self._office()
    if price_max < 1 or price_max > limits.PRICE_MAX:
        code.refuse(code.BAD_PRICE)
    if market != self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    self.market_count = market + 1
    extcall IClearingHouse(HOUSE).list_market(market)
    self.status_time[market] = block.timestamp
    self.ramps[market] = Ramp(
        target=limits.RATE_ONE, next=0, start=0, minute=block.timestamp // 60
    )
    for number: uint256 in range(NUMBERS):
        if self.specs[number].divisor != 0:
            self._write_static(market, number, self.specs[number].first)
    for hour: uint256 in range(HOURS):
        self.lows[market][hour] = convert(limits.RATE_ONE, uint256)
    mask: uint256 = margin.M41 << 108
    self._put(words.MARKET | words.CAPS | market, mask, convert(price_max, uint256) << 108)


@external
def set_tier(market: uint256, k: uint256, lower: int256, leverage: int256, rate: int256):
    """@notice Tier k of a market. Once the market was opened a tier may only ask less maintenance and give less leverage."""
    self._office()
    held: DynArray[Tier, 16] = self.tiers[market]
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    valid: bool = k <= len(held) and k < 16 and leverage >= 1 and leverage <= 1000 and lower <= limits.NOTIONAL_MAX
    valid = valid and rate >= 1 and rate <= RATE_MAX and 6 * rate * leverage <= 5 * limits.RATE_ONE
    valid = valid and (k == 0) == (lower == 0) and lower >= 0
    if valid and k > 0:
        valid = lower > held[k - 1].lower and leverage <= held[k - 1].leverage and rate >= held[k - 1].rate
    if valid and k + 1 < len(held):
        valid = lower < held[k + 1].lower and leverage >= held[k + 1].leverage and rate <= held[k + 1].rate
    if not valid:
        code.refuse(code.BAD_PARAMETER)
    if self._status(market) != limits.CLOSED:
        if k >= len(held) or lower != held[k].lower or leverage > held[k].leverage or rate > held[k].rate:
            code.refuse(code.MARKET_IN_USE)
    one: Tier = Tier(lower=lower, leverage=leverage, rate=rate)
    if k == len(held):
        self.tiers[market].append(one)
    else:
        self.tiers[market][k] = one
    if self._status(market) == limits.CLOSED:
        self._start_scale(market, self.static_value[market][SCALE])
    self._write_tiers(market)
    self._write_live(market, INITIAL_LIVE, self.live_value[market][INITIAL_LIVE])
    log TierSet(market=market, tier=k, lower=lower, leverage=leverage, rate=rate)


@external
def set_parameter(row: uint256, number: uint256, amount: int256):
    """@notice The static value of a number of a market (row 256: the venue). The admin only tightens; the governor may all."""
    if msg.sender != ADMIN and msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    if row >= self.market_count and row != VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    s: Spec = self.specs[number]
    fits: bool = s.divisor != 0 and (row == VENUE) == (number >= VENUE_NUMBERS) and number != BREAKER
    fits = fits and amount >= s.low and amount <= s.high and self._fits_static(row, number, amount)
    if fits and number == SCALE:
        fits = amount <= self._scale_cap(row)
    if not fits:
        code.refuse(code.BAD_PARAMETER)
    if msg.sender == ADMIN and not self._is_set_up(row) and not self._needs_no_notice(row, number, amount):
        code.refuse(code.NOT_DUE)
    self._write_static(row, number, amount)


@external
def set_status(row: uint256, status: uint256):
    """@notice The admin's: stricter at once; looser by one stage, with fresh prices, after a minute in each."""
    self._office()
    if row >= self.market_count and row != VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    if status < limits.ACTIVE or status > limits.HALTED:
        code.refuse(code.BAD_FIELD)
    now: uint256 = self._status(row)
    if now == limits.CLOSED or status < now:
        if not self._is_next_stage(now, status):
            code.refuse(code.NOT_DUE)
        if row != VENUE and len(self.tiers[row]) == 0:
            code.refuse(code.MARKET_CLOSED)
        if not self._is_fresh(row):
            code.refuse(code.STALE_PRICE)
        if self.is_opened[row] and block.timestamp < self.status_time[row] + DWELL_S:
            code.refuse(code.NOT_DUE)
    self._change_status(row, status)


@external
def guard(row: uint256, status: uint256):
    """@notice The guardian's: a stricter status of a market or the venue, and nothing else."""
    if msg.sender != GUARDIAN and msg.sender != ROOTS:
        code.refuse(code.NOT_AUTHORISED)
    if row >= self.market_count and row != VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    if status < limits.ACTIVE or status > limits.HALTED:
        code.refuse(code.BAD_FIELD)
    if status <= self._status(row):
        code.refuse(code.NOT_TIGHTENING)
    self._change_status(row, status)


# ---------------------------------------------------------------------
# Risk
# ---------------------------------------------------------------------

@external
def propose(market: uint256, number: uint256, amount: int256, serial: uint256, expires: uint256):
    """@notice A proposal that enough risk signers have signed (RiskOracle): the live value, or where maintenance ramps."""
    if msg.sender != ORACLE:
        code.refuse(code.NOT_AUTHORISED)
    s: Spec = self.specs[number]
    if number >= RAILED or s.up < 0 or s.divisor == 0:
        code.refuse(code.BAD_PARAMETER)
    if expires > block.timestamp + PROPOSAL_LIFE:
        code.refuse(code.BAD_TIME)
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    if serial <= self.risk_serial:
        code.refuse(code.PROPOSAL_OLD)
    if expires < block.timestamp:
        code.refuse(code.PROPOSAL_EXPIRED)
    if not self._is_within(market, number, amount, s):
        code.refuse(code.OUTSIDE_RAILS)
    self.risk_serial = serial
    self.risk_time = block.timestamp
    if number == BREAKER:
        self._set_breaker(market, amount)
    elif number == SCALE:
        self._announce(market, amount)
    elif amount != self.live_value[market][number]:
        self._write_live(market, number, amount)
        self.changed[market][number] = block.timestamp


@external
def advance(market: uint256):
    """@notice Moves a market's ramp of maintenance by its minutes, and while the risk oracle is silent its decays."""
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    minute: uint256 = block.timestamp // 60
    if self.ramps[market].minute == minute:
        code.refuse(code.NOT_DUE)
    silence: uint256 = convert(self.static_value[VENUE][RISK_SILENCE], uint256)
    if (block.timestamp - self.risk_time) * 1000 > silence:
        self._decay(market)
    self._ramp(market, minute)
    self.ramps[market].minute = minute


# ---------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------

@internal
@view
def _office():
    if msg.sender != ADMIN and msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)


@internal
def _put(key: uint256, mask: uint256, fields: uint256):
    extcall IClearingHouse(HOUSE).put(key, mask, fields)


@internal
@pure
def _comparable(number: uint256, amount: int256) -> int256:
    """@notice The value in the order of its strictness: words for no cap come after every cap."""
    if (number == OI_UPPER and amount == 0) or (number == VENUE_NUMBERS + 3 and amount < 0):
        return UNCAPPED
    return amount


@internal
@view
def _is_set_up(row: uint256) -> bool:
    """@notice Whether a market has never been opened; for the venue, whether none has."""
    if row == VENUE:
        return not self.is_opened[VENUE]
    return self._status(row) == limits.CLOSED


@internal
@view
def _needs_no_notice(row: uint256, number: uint256, amount: int256) -> bool:
    direction: int256 = self.specs[number].at_once
    gap: int256 = self._comparable(number, amount) - self._comparable(number, self.static_value[row][number])
    return gap == 0 or direction == 2 or (direction == 1 and gap > 0) or (direction == -1 and gap < 0)


@internal
@view
def _fits_static(row: uint256, number: uint256, amount: int256) -> bool:
    """@notice A rebate stays within the taker fee, the caps of open interest in their order, intervals are 1, 4 or 8 h."""
    if number == TAKER_FEE:
        return amount + self.static_value[row][MAKER_FEE] >= 0
    if number == MAKER_FEE:
        return amount + self.static_value[row][TAKER_FEE] >= 0
    if number == OI_LOWER:
        return amount <= self._comparable(OI_UPPER, self.static_value[row][OI_UPPER])
    if number == OI_UPPER:
        return amount == 0 or amount >= self.static_value[row][OI_LOWER]
    if number == 27:
        return amount == 3_600_000 or amount == 14_400_000 or amount == 28_800_000
    return True


@internal
@view
def _fits_live(market: uint256, number: uint256, amount: int256) -> bool:
    if number == OI_LOWER:
        upper: int256 = self.live_value[market][OI_UPPER]
        return upper == 0 or amount <= upper
    if number == OI_UPPER:
        return amount == 0 or amount >= self.live_value[market][OI_LOWER]
    return True


@internal
@view
def _is_looser(number: uint256, amount: int256, than: int256, tighter: int256) -> bool:
    gap: int256 = self._comparable(number, amount) - self._comparable(number, than)
    return gap < 0 if tighter > 0 else gap > 0


@internal
def _write_static(row: uint256, number: uint256, amount: int256):
    """@notice The live value follows where it was the same or would be looser; the scale is ramped once opened."""
    before: int256 = self.static_value[row][number]
    s: Spec = self.specs[number]
    self.static_value[row][number] = amount
    log Parameter(row=row, number=number, amount=amount, live=False, start=block.timestamp)
    if s.up < 0:
        self._write_live(row, number, amount)
        return
    if number == SCALE:
        if self._status(row) == limits.CLOSED:
            self._start_scale(row, amount)
        return
    live: int256 = self.live_value[row][number]
    looser: bool = self._is_looser(number, live, amount, s.tighter)
    if self._is_set_up(row) or (live == before and live != amount and self._fits_live(row, number, amount)) or looser:
        self._write_live(row, number, amount)
        self.changed[row][number] = block.timestamp


@internal
def _write_live(row: uint256, number: uint256, amount: int256):
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
    self._put(key, mask << s.start, convert(stored, uint256) << s.start)
    log Parameter(row=row, number=number, amount=amount, live=True, start=block.timestamp)


# ---------------------------------------------------------------------
# Rails
# ---------------------------------------------------------------------

@internal
@view
def _is_within(market: uint256, number: uint256, amount: int256, s: Spec) -> bool:
    """@notice In range, not looser than the static value, within the step, and when looser than now after its delay."""
    if amount < s.low or amount > s.high:
        return False
    if number == BREAKER:
        return self._may_break(market, amount)
    if number == SCALE:
        return self._may_announce(market, amount, s)
    now: int256 = self.live_value[market][number]
    if amount == now:
        return True
    if self._is_looser(number, amount, self.static_value[market][number], s.tighter):
        return False
    if not self._fits_live(market, number, amount) or not self._is_step(number, now, amount, s):
        return False
    waited: bool = block.timestamp >= self.changed[market][number] + s.delay_s
    return waited or not self._is_looser(number, amount, now, s.tighter)


@internal
@pure
def _is_step(number: uint256, now: int256, amount: int256, s: Spec) -> bool:
    gap: int256 = self._comparable(number, amount) - self._comparable(number, now)
    return gap <= s.up and -gap <= s.down


@internal
@view
def _rank(state: int256) -> int256:
    return 3 if state == 2 else (2 if state == 3 else state)


@internal
@view
def _may_break(market: uint256, state: int256) -> bool:
    """@notice Stricter at once, never to RECOVERY; after the dwell SOFT -> NORMAL, HARD -> RECOVERY -> SOFT or NORMAL."""
    now: int256 = self.live_value[market][BREAKER]
    if state == now:
        return True
    if self._rank(state) > self._rank(now):
        return state != 3
    if block.timestamp < self.breaker_time[market] + limits.DWELL_S:
        return False
    return state == 3 if now == 2 else True


@internal
def _set_breaker(market: uint256, state: int256):
    if self.live_value[market][BREAKER] == state:
        return
    self._write_live(market, BREAKER, state)
    self.breaker_time[market] = block.timestamp
    self._put(words.MARKET | words.FUND | market, max_value(uint256) - (2**216 - 1), block.timestamp << 216)


@internal
@view
def _heading(market: uint256) -> int256:
    r: Ramp = self.ramps[market]
    return r.next if r.start != 0 else r.target


@internal
@view
def _may_announce(market: uint256, target: int256, s: Spec) -> bool:
    if target > self._scale_cap(market):
        return False
    heading: int256 = self._heading(market)
    if target > heading:
        return self.ramps[market].start == 0
    if target == heading:
        return True
    if target < self.static_value[market][SCALE]:
        return False
    return block.timestamp >= self.changed[market][SCALE] + s.delay_s


@internal
def _announce(market: uint256, target: int256):
    """@notice A higher target after its notice, a lower one now."""
    heading: int256 = self._heading(market)
    if target == heading:
        return
    r: Ramp = self.ramps[market]
    start: uint256 = block.timestamp
    if target > r.target:
        if r.start == 0:
            start += convert(self.static_value[VENUE][NOTICE], uint256) // 1000
        else:
            start = r.start
        r.next = target
        r.start = start
    else:
        r.target = target
        r.next = 0
        r.start = 0
    self.ramps[market] = r
    if target < heading:
        self.changed[market][SCALE] = block.timestamp
    log Parameter(row=market, number=SCALE, amount=target, live=True, start=start)


@internal
def _decay(market: uint256):
    """@notice The risk oracle is silent: every live value goes one of its steps back to the static one."""
    now: int256 = self.live_value[market][BREAKER]
    back: int256 = 3 if now == 2 else 0
    if self._may_break(market, back):
        self._set_breaker(market, back)
    self.ramps[market].target = limits.RATE_ONE
    self.ramps[market].next = 0
    self.ramps[market].start = 0
    for number: uint256 in range(RAILED):
        s: Spec = self.specs[number]
        static: int256 = self.static_value[market][number]
        live: int256 = self.live_value[market][number]
        if number == BREAKER or number == SCALE or s.up < 0 or live == static:
            continue
        if block.timestamp < self.changed[market][number] + s.delay_s:
            continue
        amount: int256 = static
        if not self._is_step(number, live, static, s):
            amount = live + s.up if static > live else live - s.down
        if self._fits_live(market, number, amount):
            self._write_live(market, number, amount)
            self.changed[market][number] = block.timestamp


@internal
def _ramp(market: uint256, minute: uint256):
    """@notice The live scale: up by one minute's share however long the gap, down by all minutes passed."""
    live: int256 = self.live_value[market][SCALE]
    r: Ramp = self.ramps[market]
    self._note_hours(market, live, r.minute)
    if r.start != 0 and block.timestamp >= r.start:
        r.target = r.next
        r.next = 0
        r.start = 0
        self.ramps[market] = r
    lowest: uint256 = max_value(uint256)
    for hour: uint256 in range(HOURS):
        lowest = min(lowest, self.lows[market][hour])
    most: int256 = units.rate_down(convert(lowest, int256), self.static_value[VENUE][RAMP_CEILING])
    wanted: int256 = min(max(self.static_value[market][SCALE], r.target), min(self._scale_cap(market), most))
    s: Spec = self.specs[SCALE]
    up: int256 = s.up // STEPS_AN_HOUR
    down: int256 = s.down // STEPS_AN_HOUR
    passed: int256 = min(convert(minute - r.minute, int256), STEPS_AN_HOUR * 24)
    scale: int256 = min(wanted, live + up) if wanted > live else max(wanted, live - down * passed)
    if scale != live:
        self._set_scale(market, scale)
    hour: uint256 = (minute // 60) % HOURS
    self.lows[market][hour] = min(self.lows[market][hour], convert(scale, uint256))


@internal
def _note_hours(market: uint256, live: int256, last_minute: uint256):
    """@notice Hours that have begun since the last minute noted start with the scale of now."""
    begun: uint256 = block.timestamp // 3600
    first: uint256 = max(last_minute // 60 + 1, begun - HOURS + 1)
    for i: uint256 in range(HOURS):
        if first + i > begun:
            break
        self.lows[market][(first + i) % HOURS] = convert(live, uint256)


# ---------------------------------------------------------------------
# Tiers
# ---------------------------------------------------------------------

@internal
@view
def _scale_cap(market: uint256) -> int256:
    """@notice The greatest scale that keeps every tier's initial margin at 1.2 x its live maintenance."""
    cap: int256 = SCALE_MAX
    for t: Tier in self.tiers[market]:
        most: int256 = 5 * limits.RATE_ONE // (6 * t.leverage)
        cap = min(cap, most * limits.RATE_ONE // t.rate)
    return max(cap, limits.RATE_ONE)


@internal
def _start_scale(market: uint256, scale: int256):
    """@notice The scale of a market that was never opened: at once, within its cap, and as its lowest so far."""
    capped: int256 = min(scale, self._scale_cap(market))
    if capped != self.live_value[market][SCALE]:
        self._set_scale(market, capped)
    for hour: uint256 in range(HOURS):
        self.lows[market][hour] = convert(capped, uint256)


@internal
def _set_scale(market: uint256, scale: int256):
    self.live_value[market][SCALE] = scale
    self._write_tiers(market)
    log Parameter(row=market, number=SCALE, amount=scale, live=True, start=block.timestamp)


@internal
def _write_tiers(market: uint256):
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
            self._put(words.MARKET | words.PRICE | market, mask, word)
        else:
            word: uint256 = words.with_field(0, 0, 24, rate)
            word = words.with_field(word, margin.TIER_LEVERAGE, 10, held[k].leverage)
            word = words.with_field(word, margin.TIER_LOWER, 54, held[k].lower)
            word = words.with_field(word, margin.TIER_NEXT, 54, following)
            word = words.with_field(word, margin.TIER_DEDUCTION, 80, deduction)
            self._put(words.TIER | (k << 8) | market, max_value(uint256), word)
        before = rate


# ---------------------------------------------------------------------
# Statuses
# ---------------------------------------------------------------------

@internal
@view
def _status(row: uint256) -> uint256:
    if row == VENUE:
        return (reader.one(HOUSE, words.VENUE | words.POLICY) >> margin.VENUE_STATUS) & 15
    return margin.status_of(reader.one(HOUSE, words.MARKET | words.PRICE | row))


@internal
@pure
def _is_next_stage(now: uint256, status: uint256) -> bool:
    if now == limits.CLOSED or now == limits.HALTED:
        return status == limits.CANCELLING
    if now == limits.CANCELLING:
        return status == limits.POSTING
    if now == limits.POSTING:
        return status == limits.REDUCING or status == limits.ACTIVE
    return status == limits.ACTIVE and (now == limits.REDUCING or now == limits.UNLISTED)


@internal
@view
def _is_fresh(row: uint256) -> bool:
    """@notice A market's price; for the venue, of every market that is not halted itself."""
    first: uint256 = row if row != VENUE else 0
    end: uint256 = row + 1 if row != VENUE else self.market_count
    for market: uint256 in range(first, end, bound=256):
        found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
            [words.MARKET | words.PRICE | market, words.MARKET | words.RISK | market]
        )
        open: bool = row != VENUE or margin.status_of(found[0]) < limits.HALTED
        if open and not margin.is_fresh(found[0], found[1], block.timestamp * 1000):
            return False
    return True


@internal
def _change_status(row: uint256, status: uint256):
    if row == VENUE:
        self._put(words.VENUE | words.POLICY, 15 << margin.VENUE_STATUS, status << margin.VENUE_STATUS)
    else:
        self._put(words.MARKET | words.PRICE | row, 15 << margin.STATUS_SHIFT, status << margin.STATUS_SHIFT)
        if status == limits.ACTIVE or status == limits.REDUCING:
            self.is_opened[row] = True
        self.is_opened[VENUE] = True
    self.status_time[row] = block.timestamp
    log Status(row=row, status=status)
