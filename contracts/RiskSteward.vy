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
import policies
import rails
import words
from interfaces import IClearingHouse

initializes: policies
initializes: rails[policies := policies]
exports: (
    policies.HOUSE,
    policies.specs,
    policies.static_value,
    policies.live_value,
    policies.changed,
    policies.tiers,
    policies.ramps,
    policies.is_opened,
    rails.breaker_time,
)


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

GOVERNOR: public(immutable(address))
ADMIN: public(immutable(address))
GUARDIAN: public(immutable(address))
ORACLE: public(immutable(address))
ROOTS: public(immutable(address))  # halts when the venue's word and the chain diverge


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

NUMBERS: constant(uint256) = 36
RISK_SILENCE: constant(uint256) = 64 + 9
PROPOSAL_LIFE: constant(uint256) = 86_400
DWELL_S: constant(uint256) = 60  # of a stage of reopening


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

status_time: public(HashMap[uint256, uint256])
risk_serial: public(uint256)
risk_time: public(uint256)
market_count: public(uint256)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

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
    policies.__init__(house)
    GOVERNOR = governor
    ADMIN = admin
    GUARDIAN = guardian
    ORACLE = oracle
    ROOTS = roots
    self.risk_time = block.timestamp


@external
def describe(numbers: DynArray[uint256, 64], specs: DynArray[policies.Spec, 64]):
    """@notice Gives the numbers their ranges, rails and fields; each once, before the first market is listed."""
    assert msg.sender == ADMIN and self.market_count == 0 and len(numbers) == len(specs), "described"
    for i: uint256 in range(len(numbers), bound=64):
        assert policies.specs[numbers[i]].high == 0 and specs[i].divisor > 0, "described"
        policies.specs[numbers[i]] = specs[i]
        if numbers[i] >= policies.VENUE_NUMBERS:
            policies.write_static(policies.VENUE, numbers[i], specs[i].first)


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
    extcall IClearingHouse(policies.HOUSE).list_market(market)
    self.status_time[market] = block.timestamp
    policies.ramps[market] = policies.Ramp(
        target=limits.RATE_ONE, next=0, start=0, minute=block.timestamp // 60
    )
    for number: uint256 in range(NUMBERS):
        if policies.specs[number].divisor != 0:
            policies.write_static(market, number, policies.specs[number].first)
    for hour: uint256 in range(policies.HOURS):
        policies.lows[market][hour] = convert(limits.RATE_ONE, uint256)
    mask: uint256 = margin.M41 << 108
    policies.put(words.MARKET | words.CAPS | market, mask, convert(price_max, uint256) << 108)


@external
def set_tier(market: uint256, k: uint256, lower: int256, leverage: int256, rate: int256):
    """@notice policies.Tier k of a market. Once the market was opened a tier may only ask less maintenance and give less leverage."""
    self._office()
    held: DynArray[policies.Tier, 16] = policies.tiers[market]
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    valid: bool = k <= len(held) and k < 16 and leverage >= 1 and leverage <= 1000 and lower <= limits.NOTIONAL_MAX
    valid = valid and rate >= 1 and rate <= policies.RATE_MAX and 6 * rate * leverage <= 5 * limits.RATE_ONE
    valid = valid and (k == 0) == (lower == 0) and lower >= 0
    if valid and k > 0:
        valid = lower > held[k - 1].lower and leverage <= held[k - 1].leverage and rate >= held[k - 1].rate
    if valid and k + 1 < len(held):
        valid = lower < held[k + 1].lower and leverage >= held[k + 1].leverage and rate <= held[k + 1].rate
    if not valid:
        code.refuse(code.BAD_PARAMETER)
    if policies.status(market) != limits.CLOSED:
        if k >= len(held) or lower != held[k].lower or leverage > held[k].leverage or rate > held[k].rate:
            code.refuse(code.MARKET_IN_USE)
    one: policies.Tier = policies.Tier(lower=lower, leverage=leverage, rate=rate)
    if k == len(held):
        policies.tiers[market].append(one)
    else:
        policies.tiers[market][k] = one
    if policies.status(market) == limits.CLOSED:
        policies.start_scale(market, policies.static_value[market][policies.SCALE])
    policies.write_tiers(market)
    policies.write_live(market, policies.INITIAL_LIVE, policies.live_value[market][policies.INITIAL_LIVE])
    log TierSet(market=market, tier=k, lower=lower, leverage=leverage, rate=rate)


@external
def set_parameter(row: uint256, number: uint256, amount: int256):
    """@notice The static value of a number of a market (row 256: the venue). The admin only tightens; the governor may all."""
    if msg.sender != ADMIN and msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    if row >= self.market_count and row != policies.VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    s: policies.Spec = policies.specs[number]
    fits: bool = s.divisor != 0 and (row == policies.VENUE) == (number >= policies.VENUE_NUMBERS) and number != policies.BREAKER
    fits = fits and amount >= s.low and amount <= s.high and policies.fits_static(row, number, amount)
    if fits and number == policies.SCALE:
        fits = amount <= policies.scale_cap(row)
    if not fits:
        code.refuse(code.BAD_PARAMETER)
    if msg.sender == ADMIN and not policies.is_set_up(row) and not policies.needs_no_notice(row, number, amount):
        code.refuse(code.NOT_DUE)
    policies.write_static(row, number, amount)


@external
def set_status(row: uint256, status: uint256):
    """@notice The admin's: stricter at once; looser by one stage, with fresh prices, after a minute in each."""
    self._office()
    if row >= self.market_count and row != policies.VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    if status < limits.ACTIVE or status > limits.HALTED:
        code.refuse(code.BAD_FIELD)
    now: uint256 = policies.status(row)
    if now == limits.CLOSED or status < now:
        if not self._is_next_stage(now, status):
            code.refuse(code.NOT_DUE)
        if row != policies.VENUE and len(policies.tiers[row]) == 0:
            code.refuse(code.MARKET_CLOSED)
        if not self._is_fresh(row):
            code.refuse(code.STALE_PRICE)
        if policies.is_opened[row] and block.timestamp < self.status_time[row] + DWELL_S:
            code.refuse(code.NOT_DUE)
    self._change_status(row, status)


@external
def guard(row: uint256, status: uint256):
    """@notice The guardian's: a stricter status of a market or the venue, and nothing else."""
    if msg.sender != GUARDIAN and msg.sender != ROOTS:
        code.refuse(code.NOT_AUTHORISED)
    if row >= self.market_count and row != policies.VENUE:
        code.refuse(code.UNKNOWN_MARKET)
    if status < limits.ACTIVE or status > limits.HALTED:
        code.refuse(code.BAD_FIELD)
    if status <= policies.status(row):
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
    s: policies.Spec = policies.specs[number]
    if number >= policies.RAILED or s.up < 0 or s.divisor == 0:
        code.refuse(code.BAD_PARAMETER)
    if expires > block.timestamp + PROPOSAL_LIFE:
        code.refuse(code.BAD_TIME)
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    if serial <= self.risk_serial:
        code.refuse(code.PROPOSAL_OLD)
    if expires < block.timestamp:
        code.refuse(code.PROPOSAL_EXPIRED)
    if not rails.is_within(market, number, amount, s):
        code.refuse(code.OUTSIDE_RAILS)
    self.risk_serial = serial
    self.risk_time = block.timestamp
    if number == policies.BREAKER:
        rails.set_breaker(market, amount)
    elif number == policies.SCALE:
        rails.announce(market, amount)
    elif amount != policies.live_value[market][number]:
        policies.write_live(market, number, amount)
        policies.changed[market][number] = block.timestamp


@external
def advance(market: uint256):
    """@notice Moves a market's ramp of maintenance by its minutes, and while the risk oracle is silent its decays."""
    if market >= self.market_count:
        code.refuse(code.UNKNOWN_MARKET)
    minute: uint256 = block.timestamp // 60
    if policies.ramps[market].minute == minute:
        code.refuse(code.NOT_DUE)
    silence: uint256 = convert(policies.static_value[policies.VENUE][RISK_SILENCE], uint256)
    if (block.timestamp - self.risk_time) * 1000 > silence:
        rails.decay(market)
    rails.ramp(market, minute)
    policies.ramps[market].minute = minute


# ---------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------

@internal
@view
def _office():
    if msg.sender != ADMIN and msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)


# ---------------------------------------------------------------------
# Statuses
# ---------------------------------------------------------------------


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
    first: uint256 = row if row != policies.VENUE else 0
    end: uint256 = row + 1 if row != policies.VENUE else self.market_count
    for market: uint256 in range(first, end, bound=256):
        found: DynArray[uint256, 48] = staticcall IClearingHouse(policies.HOUSE).words_of(
            [words.MARKET | words.PRICE | market, words.MARKET | words.RISK | market]
        )
        open: bool = row != policies.VENUE or margin.status_of(found[0]) < limits.HALTED
        if open and not margin.is_fresh(found[0], found[1], block.timestamp * 1000):
            return False
    return True


@internal
def _change_status(row: uint256, status: uint256):
    if row == policies.VENUE:
        policies.put(words.VENUE | words.POLICY, 15 << margin.VENUE_STATUS, status << margin.VENUE_STATUS)
    else:
        policies.put(words.MARKET | words.PRICE | row, 15 << margin.STATUS_SHIFT, status << margin.STATUS_SHIFT)
        if status == limits.ACTIVE or status == limits.REDUCING:
            policies.is_opened[row] = True
        policies.is_opened[policies.VENUE] = True
    self.status_time[row] = block.timestamp
    log Status(row=row, status=status)
