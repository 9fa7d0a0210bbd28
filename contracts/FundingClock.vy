# pragma version 0.4.3
"""
@title FundingClock: premium samples and the step of the funding index. src/seawall/engine/funding.py
@license Apache-2.0
@notice A sample every 5 s, a step at each interval's end, each end passed once; while the price is stale or the market
        stopped there is neither. A venue with an order book posts its premium; without one the premium is nothing and
        anybody may sample, and so when the venue is silent.
@custom:kill HALTED stops it; a funding cap of 0 (RiskSteward) makes every step nothing.
"""

import amm
import code
import limits
import margin
import reader
import units
import words
from interfaces import IClearingHouse

interface Venue:
    def operator() -> address: view
    def is_silent() -> bool: view

HOUSE: public(immutable(address))
EXCHANGE: public(immutable(address))
HAS_BOOK: public(immutable(bool))

SAMPLE_MS: constant(uint256) = 5_000
HOUR_MS: constant(uint256) = 3_600_000
RATE_HOURS: constant(int256) = 8
PREMIUM_MAX: constant(int256) = 100 * 10**12  # a sample is at most 100 times the index

# the word SAMPLES: sum (96 bits, biased), count, time of the last one, end of the last interval, rate (biased)
COUNT: constant(uint256) = 96
TIME: constant(uint256) = 116
PAID: constant(uint256) = 160
RATE: constant(uint256) = 204

# the word FUNDING: interest (biased), clamp, cap, interval in hours, skew
CLAMP: constant(uint256) = 42
CAP: constant(uint256) = 83
INTERVAL: constant(uint256) = 119
SKEW: constant(uint256) = 124

event Sampled:
    market: indexed(uint256)
    premium: int256


@deploy
def __init__(house: address, exchange: address, has_book: bool):
    HOUSE = house
    EXCHANGE = exchange
    HAS_BOOK = has_book


@external
def sample(market: uint256, premium: int256):
    """
    @notice Takes a premium sample (1e-12, of 8 hours) when one is due, and moves the index at an interval's end.
    @param premium What the order book shows, from the operator; 0 from anybody else.
    """
    if HAS_BOOK and msg.sender != staticcall Venue(EXCHANGE).operator():
        if not staticcall Venue(EXCHANGE).is_silent():
            code.refuse(code.NOT_AUTHORISED)
    if premium != 0 and (not HAS_BOOK or msg.sender != staticcall Venue(EXCHANGE).operator()):
        code.refuse(code.NOT_AUTHORISED)
    if units.magnitude(premium) > PREMIUM_MAX:
        code.refuse(code.BAD_FIELD)
    key: uint256 = words.MARKET | market
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [
            key | words.PRICE,
            key | words.RISK,
            key | words.SAMPLES,
            key | words.FUNDING,
            key | words.POOL,
            words.VENUE | words.POLICY,
            words.position_key(words.pool_of(market, words.AMM), market),
        ]
    )
    now: uint256 = block.timestamp * 1000
    status: uint256 = margin.status_of(found[0])
    if status == limits.UNLISTED or market > 255:
        code.refuse(code.UNKNOWN_MARKET)
    if max(status, (found[5] >> margin.VENUE_STATUS) & 15) >= limits.HALTED:
        code.refuse(code.MARKET_CLOSED)
    if not margin.is_fresh(found[0], found[1], now):
        code.refuse(code.STALE_PRICE)
    self._sample(market, premium, found, now)


@internal
def _sample(market: uint256, premium: int256, found: DynArray[uint256, 48], now: uint256):
    word: uint256 = found[2]
    length: uint256 = max(1, (found[3] >> INTERVAL) & 31) * HOUR_MS
    paid: uint256 = (word >> PAID) & (2**44 - 1)
    last: uint256 = (word >> TIME) & (2**44 - 1)
    end: uint256 = paid // length * length + length
    ends: bool = paid == 0 or now >= end
    samples: bool = now >= last + SAMPLE_MS
    if not ends and not samples:
        code.refuse(code.NOT_DUE)
    total: int256 = words.field(word, 0, 96) - 2**95
    count: int256 = words.field(word, COUNT, 20)
    if samples and now <= end:
        total += premium
        count += 1
        last = now
        samples = False
        log Sampled(market=market, premium=premium)
    rate: int256 = words.field(word, RATE, 40) - 2**39
    if ends:
        if count != 0:
            rate = self._rate_hour(units.half_even_div(total, count), found)
            self._step(market, found[0], rate * convert((end - paid) // HOUR_MS, int256))
        paid = now // length * length
        total = 0
        count = 0
    if samples:
        total += premium
        count += 1
        last = now
        log Sampled(market=market, premium=premium)
    word = words.with_field(0, 0, 96, total + 2**95)
    word = words.with_field(word, COUNT, 20, count)
    word = words.with_field(word, TIME, 44, convert(last, int256))
    word = words.with_field(word, PAID, 44, convert(paid, int256))
    word = words.with_field(word, RATE, 40, rate + 2**39)
    extcall IClearingHouse(HOUSE).put(words.MARKET | words.SAMPLES | market, max_value(uint256), word)


@internal
def _step(market: uint256, price_word: uint256, rate: int256):
    """@notice Moves the index by what the interval costs a lot."""
    price: int256 = convert(price_word & margin.M41, int256)
    step: int256 = units.floor_div(price * rate, limits.FUNDING_INDEX_PER_MICRO)
    index: int256 = margin.index_of(price_word) + step
    index = min(max(index, -limits.FUNDING_INDEX_MAX), limits.FUNDING_INDEX_MAX)
    fields: uint256 = words.with_signed64(0, margin.INDEX_SHIFT, index)
    extcall IClearingHouse(HOUSE).put(
        words.MARKET | words.PRICE | market, words.M64 << margin.INDEX_SHIFT, fields
    )


@internal
@pure
def _rate_hour(premium: int256, found: DynArray[uint256, 48]) -> int256:
    """@notice clamp((P + clamp(I - P, -c, +c) + skew term) / 8, -cap, +cap), half-even once at 1e-12."""
    terms: uint256 = found[3]
    clamp: int256 = words.field(terms, CLAMP, 41)
    correction: int256 = min(max(words.field(terms, 0, 42) - 2**41 - premium, -clamp), clamp)
    most: int256 = words.field(found[4], amm.POOL_CAP, 54)
    skew: int256 = words.field(terms, SKEW, 41)
    numerator: int256 = premium + correction
    if most > 0 and skew != 0:
        held: int256 = 0
        if found[6] != 0:
            held = words.signed64(found[6], 0)
        numerator = numerator * most + skew * min(max(-held, -most), most)
    else:
        most = 1
    rate: int256 = units.half_even_div(numerator, RATE_HOURS * most)
    cap: int256 = words.field(terms, CAP, 36)
    return min(max(rate, -cap), cap)
