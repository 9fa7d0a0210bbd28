# pragma version 0.4.3
"""
@title Within which rails live values move by proposals, ramps and silence. src/seawall/engine/rails.py
@license Apache-2.0
"""

import limits
import policies
import units
import words

uses: policies

RAMP_CEILING: constant(uint256) = policies.VENUE_NUMBERS + 21
NOTICE: constant(uint256) = policies.VENUE_NUMBERS + 22
STEPS_AN_HOUR: constant(int256) = 60

breaker_time: public(HashMap[uint256, uint256])


@internal
@view
def is_within(market: uint256, number: uint256, amount: int256, s: policies.Spec) -> bool:
    """@notice In range, not looser than the static value, within the step, and when looser than now after its delay."""
    if amount < s.low or amount > s.high:
        return False
    if number == policies.BREAKER:
        return self.may_break(market, amount)
    if number == policies.SCALE:
        return self.may_announce(market, amount, s)
    now: int256 = policies.live_value[market][number]
    if amount == now:
        return True
    if policies.is_looser(number, amount, policies.static_value[market][number], s.tighter):
        return False
    if not policies.fits_live(market, number, amount) or not self.is_step(number, now, amount, s):
        return False
    waited: bool = block.timestamp >= policies.changed[market][number] + s.delay_s
    return waited or not policies.is_looser(number, amount, now, s.tighter)


@internal
@pure
def is_step(number: uint256, now: int256, amount: int256, s: policies.Spec) -> bool:
    gap: int256 = policies.comparable(number, amount) - policies.comparable(number, now)
    return gap <= s.up and -gap <= s.down


@internal
@view
def rank(state: int256) -> int256:
    return 3 if state == 2 else (2 if state == 3 else state)


@internal
@view
def may_break(market: uint256, state: int256) -> bool:
    """@notice Stricter at once, never to RECOVERY; after the dwell SOFT -> NORMAL, HARD -> RECOVERY -> SOFT or NORMAL."""
    now: int256 = policies.live_value[market][policies.BREAKER]
    if state == now:
        return True
    if self.rank(state) > self.rank(now):
        return state != 3
    if block.timestamp < self.breaker_time[market] + limits.DWELL_S:
        return False
    return state == 3 if now == 2 else True


@internal
def set_breaker(market: uint256, state: int256):
    if policies.live_value[market][policies.BREAKER] == state:
        return
    policies.write_live(market, policies.BREAKER, state)
    self.breaker_time[market] = block.timestamp
    policies.put(words.MARKET | words.FUND | market, max_value(uint256) - (2**216 - 1), block.timestamp << 216)


@internal
@view
def heading(market: uint256) -> int256:
    r: policies.Ramp = policies.ramps[market]
    return r.next if r.start != 0 else r.target


@internal
@view
def may_announce(market: uint256, target: int256, s: policies.Spec) -> bool:
    if target > policies.scale_cap(market):
        return False
    heading: int256 = self.heading(market)
    if target > heading:
        return policies.ramps[market].start == 0
    if target == heading:
        return True
    if target < policies.static_value[market][policies.SCALE]:
        return False
    return block.timestamp >= policies.changed[market][policies.SCALE] + s.delay_s


@internal
def announce(market: uint256, target: int256):
    """@notice A higher target after its notice, a lower one now."""
    heading: int256 = self.heading(market)
    if target == heading:
        return
    r: policies.Ramp = policies.ramps[market]
    start: uint256 = block.timestamp
    if target > r.target:
        if r.start == 0:
            start += convert(policies.static_value[policies.VENUE][NOTICE], uint256) // 1000
        else:
            start = r.start
        r.next = target
        r.start = start
    else:
        r.target = target
        r.next = 0
        r.start = 0
    policies.ramps[market] = r
    if target < heading:
        policies.changed[market][policies.SCALE] = block.timestamp
    log policies.Parameter(row=market, number=policies.SCALE, amount=target, live=True, start=start)


@internal
def decay(market: uint256):
    """@notice The risk oracle is silent: every live value goes one of its steps back to the static one."""
    now: int256 = policies.live_value[market][policies.BREAKER]
    back: int256 = 3 if now == 2 else 0
    if self.may_break(market, back):
        self.set_breaker(market, back)
    policies.ramps[market].target = limits.RATE_ONE
    policies.ramps[market].next = 0
    policies.ramps[market].start = 0
    for number: uint256 in range(policies.RAILED):
        s: policies.Spec = policies.specs[number]
        static: int256 = policies.static_value[market][number]
        live: int256 = policies.live_value[market][number]
        if number == policies.BREAKER or number == policies.SCALE or s.up < 0 or live == static:
            continue
        if block.timestamp < policies.changed[market][number] + s.delay_s:
            continue
        amount: int256 = static
        if not self.is_step(number, live, static, s):
            amount = live + s.up if static > live else live - s.down
        if policies.fits_live(market, number, amount):
            policies.write_live(market, number, amount)
            policies.changed[market][number] = block.timestamp


@internal
def ramp(market: uint256, minute: uint256):
    """@notice The live scale: up by one minute's share however long the gap, down by all minutes passed."""
    live: int256 = policies.live_value[market][policies.SCALE]
    r: policies.Ramp = policies.ramps[market]
    self.note_hours(market, live, r.minute)
    if r.start != 0 and block.timestamp >= r.start:
        r.target = r.next
        r.next = 0
        r.start = 0
        policies.ramps[market] = r
    lowest: uint256 = max_value(uint256)
    for hour: uint256 in range(policies.HOURS):
        lowest = min(lowest, policies.lows[market][hour])
    most: int256 = units.rate_down(convert(lowest, int256), policies.static_value[policies.VENUE][RAMP_CEILING])
    wanted: int256 = min(max(policies.static_value[market][policies.SCALE], r.target), min(policies.scale_cap(market), most))
    s: policies.Spec = policies.specs[policies.SCALE]
    up: int256 = s.up // STEPS_AN_HOUR
    down: int256 = s.down // STEPS_AN_HOUR
    passed: int256 = min(convert(minute - r.minute, int256), STEPS_AN_HOUR * 24)
    scale: int256 = min(wanted, live + up) if wanted > live else max(wanted, live - down * passed)
    if scale != live:
        policies.set_scale(market, scale)
    hour: uint256 = (minute // 60) % policies.HOURS
    policies.lows[market][hour] = min(policies.lows[market][hour], convert(scale, uint256))


@internal
def note_hours(market: uint256, live: int256, last_minute: uint256):
    """@notice Hours that have begun since the last minute noted start with the scale of now."""
    begun: uint256 = block.timestamp // 3600
    first: uint256 = max(last_minute // 60 + 1, begun - policies.HOURS + 1)
    for i: uint256 in range(policies.HOURS):
        if first + i > begun:
            break
        policies.lows[market][(first + i) % policies.HOURS] = convert(live, uint256)
