# pragma version 0.4.3
"""
@title The margin rule of one position and of sums, over packed words: src/seawall/ledger/health.py
@license Apache-2.0
@notice Pure: who holds the words calls it. Requirements round up, profit that counts rounds down.
"""

import limits
import units
import words

# a tier: maintenance rate, greatest leverage, lower bound, the next tier's lower bound, deduction (exact, x RATE_ONE)
TIER_LEVERAGE: constant(uint256) = 24
TIER_LOWER: constant(uint256) = 34
TIER_NEXT: constant(uint256) = 88
TIER_DEDUCTION: constant(uint256) = 142

# the word PRICE of a market: price, funding index, time of the price, fresh, tier 0, status, breaker
INDEX_SHIFT: constant(uint256) = 41
TIME_SHIFT: constant(uint256) = 105
FRESH: constant(uint256) = 1 << 149
NEXT_SHIFT: constant(uint256) = 150
STATUS_SHIFT: constant(uint256) = 204
BREAKER_SHIFT: constant(uint256) = 208
RATE_SHIFT: constant(uint256) = 210
LEVERAGE_SHIFT: constant(uint256) = 234
COUNT_SHIFT: constant(uint256) = 244

# the word RISK: open interest (lots), its two caps for initial margin, base initial rate, leverage caps, oracle age
OI_LOWER: constant(uint256) = 54
OI_UPPER: constant(uint256) = 108
BASE_SHIFT: constant(uint256) = 162
CAP_SHIFT: constant(uint256) = 186
ISOLATED_CAP_SHIFT: constant(uint256) = 196
AGE_SHIFT: constant(uint256) = 206

# the word POLICY of the venue
EXIT_BUFFER: constant(uint256) = 0
FLOOR_SHARE: constant(uint256) = 24
PROFIT_WEIGHT: constant(uint256) = 48
PROFIT_CAP: constant(uint256) = 72  # 55 bits: 1 + the cap, 0 none
BACKSTOP_RATIO: constant(uint256) = 127
PARTIAL_MODE: constant(uint256) = 151
PARTIAL_SHARE: constant(uint256) = 154
GATE_CLOSED: constant(uint256) = 178
ADL_POLICY: constant(uint256) = 205
SOCIALISE: constant(uint256) = 207
VENUE_STATUS: constant(uint256) = 208
COOLDOWN: constant(uint256) = 212

M24: constant(uint256) = 2**24 - 1
M10: constant(uint256) = 2**10 - 1
M41: constant(uint256) = 2**41 - 1


struct Health:
    equity: int256
    equity_initial: int256
    maintenance: int256
    initial: int256
    notional: int256
    profit: int256  # unrealised, as it counts for initial margin


# a position by itself
struct Held:
    size: int256
    entry: int256
    index: int256
    leverage: int256


# what a market is now: its words, and its tiers (all of them, or the first alone where no other can matter)
struct Terms:
    price: int256
    word: uint256
    risk: uint256
    caps: uint256
    pool: uint256
    policy: uint256
    dwells: bool  # RECOVERY not older than its dwell: post-only
    tiers: uint256[16]


@internal
@pure
def first_tier(price_word: uint256) -> uint256:
    """@notice Tier 0 as a tier's word: it starts at 0 and has no deduction."""
    rate: uint256 = (price_word >> RATE_SHIFT) & M24
    leverage: uint256 = (price_word >> LEVERAGE_SHIFT) & M10
    return rate | (leverage << TIER_LEVERAGE) | (((price_word >> NEXT_SHIFT) & words.M54) << TIER_NEXT)


@internal
@pure
def holds(tier: uint256, notional: int256) -> bool:
    """@notice Whether a notional lies below the next tier."""
    return notional < convert((tier >> TIER_NEXT) & words.M54, int256)


@internal
@pure
def tier_of(t: Terms, notional: int256) -> uint256:
    for k: uint256 in range(limits.TIERS):
        if self.holds(t.tiers[k], notional):
            return t.tiers[k]
    return t.tiers[limits.TIERS - 1]


@internal
@pure
def numerator(tier: uint256, notional: int256) -> int256:
    """@notice Maintenance of one position x RATE_ONE, exact."""
    return unsafe_sub(unsafe_mul(notional, convert(tier & M24, int256)), convert(tier >> TIER_DEDUCTION, int256))


@internal
@pure
def initial_in(tier: uint256, risk: uint256, notional: int256, leverage: int256, live: int256) -> int256:
    """@notice Initial margin: the larger of notional / leverage and notional x live rate, both rounded up."""
    most: int256 = min(leverage, convert((tier >> TIER_LEVERAGE) & M10, int256))
    most = min(most, convert((risk >> CAP_SHIFT) & M10, int256))
    if unsafe_mul(live, most) <= limits.RATE_ONE:
        return units.ceil_div(notional, most)
    return units.rate_up(notional, live)


@internal
@pure
def live_rate(risk: uint256, price: int256, grown: int256) -> int256:
    """@notice Initial rate of the moment, at the open interest that `grown` more lots leave."""
    base: int256 = convert((risk >> BASE_SHIFT) & M24, int256)
    upper: int256 = convert((risk >> OI_UPPER) & words.M54, int256)
    if upper == 0:
        return base
    interest: int256 = unsafe_mul(unsafe_add(convert(risk & words.M54, int256), grown), price)
    lower: int256 = convert((risk >> OI_LOWER) & words.M54, int256)
    if interest <= lower:
        return base
    if interest >= upper:
        return limits.RATE_ONE
    share: int256 = unsafe_mul(unsafe_sub(limits.RATE_ONE, base), unsafe_sub(interest, lower))
    return unsafe_add(base, units.ceil_div(share, unsafe_sub(upper, lower)))


@internal
@pure
def end_of(policy: uint256, maintenance: int256) -> int256:
    """@notice Liquidation end: maintenance x (1 + exit buffer), rounded up."""
    return units.rate_up(maintenance, unsafe_add(limits.RATE_ONE, convert(policy & M24, int256)))


@internal
@pure
def weighted_profit(policy: uint256, profit: int256) -> int256:
    """@notice What of a position's unrealised profit counts for initial margin, the cap apart."""
    weight: int256 = convert((policy >> PROFIT_WEIGHT) & M24, int256)
    return profit if weight == limits.RATE_ONE else units.rate_down(profit, weight)


@internal
@pure
def counted_profit(policy: uint256, weighted: int256) -> int256:
    cap: uint256 = (policy >> PROFIT_CAP) & (2**55 - 1)
    return weighted if cap == 0 else min(convert(cap, int256) - 1, weighted)


@internal
@pure
def accepts(before: Health, after: Health) -> bool:
    """@notice May a command take a bucket from `before` to `after`? SPEC section 4; nothing is rounded."""
    if after.equity_initial >= after.initial:
        return True
    if after.maintenance > before.maintenance:
        return False
    if after.equity >= before.equity and (before.equity <= 0 or after.maintenance == 0):
        return True
    if after.maintenance == 0:
        return before.maintenance != 0
    return unsafe_mul(after.equity, before.maintenance) >= unsafe_mul(before.equity, after.maintenance)


@internal
@pure
def index_of(price_word: uint256) -> int256:
    return unsafe_sub(convert((price_word >> INDEX_SHIFT) & words.M64, int256), words.BIAS)


@internal
@pure
def is_healthy(t: Terms, raw: int256, held: Held) -> bool:
    """@notice Whether a bucket with this one position is above maintenance."""
    amount: int256 = unsafe_mul(held.size, t.price)
    equity: int256 = unsafe_add(raw, amount)
    step: int256 = unsafe_sub(self.index_of(t.word), held.index)
    if step != 0:
        equity = unsafe_add(equity, units.funding_of(held.size, step)[0])
    if amount < 0:
        amount = unsafe_sub(0, amount)
    tier: uint256 = t.tiers[0]
    if not self.holds(tier, amount):
        tier = self.tier_of(t, amount)
    return unsafe_mul(equity, limits.RATE_ONE) >= self.numerator(tier, amount)


@internal
@pure
def alone(t: Terms, raw: int256, held: Held, size: int256, cost: int256) -> Health:
    """@notice Health of a bucket with this one position after `size` more lots for `cost`: `measure_after` of a pool."""
    equity: int256 = unsafe_sub(raw, cost)
    if held.size != 0:
        equity = unsafe_add(equity, units.funding_of(held.size, unsafe_sub(self.index_of(t.word), held.index))[0])
    entry: int256 = held.entry
    if size != 0:
        entry = units.entry_after(held.size, held.entry, size, cost)
    value: int256 = unsafe_mul(unsafe_add(held.size, size), t.price)
    notional: int256 = units.magnitude(value)
    tier: uint256 = t.tiers[0]
    if not self.holds(tier, notional):
        tier = self.tier_of(t, notional)
    profit: int256 = max(0, unsafe_sub(value, entry))
    equity = unsafe_add(equity, value)
    maintenance: int256 = units.ceil_div(self.numerator(tier, notional), limits.RATE_ONE)
    initial: int256 = 0
    if notional != 0:
        initial = self.initial_in(tier, t.risk, notional, held.leverage, self.live_rate(t.risk, t.price, 0))
    counted: int256 = self.counted_profit(t.policy, self.weighted_profit(t.policy, profit))
    return Health(
        equity=equity,
        equity_initial=unsafe_add(unsafe_sub(equity, profit), counted),
        maintenance=maintenance,
        initial=max(initial, self.end_of(t.policy, maintenance)),
        notional=notional,
        profit=profit,
    )


@internal
@pure
def is_fresh(price_word: uint256, risk: uint256, now: uint256) -> bool:
    """@notice Whether the market's price is marked fresh and no older than its oracle age at `now` (ms)."""
    if price_word & FRESH == 0:
        return False
    time: uint256 = (price_word >> TIME_SHIFT) & (2**44 - 1)
    return now <= unsafe_add(time, (risk >> AGE_SHIFT) & (2**22 - 1))


@internal
@pure
def status_of(price_word: uint256) -> uint256:
    return (price_word >> STATUS_SHIFT) & 15


@internal
@pure
def breaker_of(price_word: uint256) -> uint256:
    return (price_word >> BREAKER_SHIFT) & 3


@internal
@pure
def leverage_cap(price_word: uint256, risk: uint256, isolated: bool) -> int256:
    """@notice Most leverage of new risk: the live cap within the first tier's, halved by the breaker; at least 1."""
    cap: int256 = min(
        convert((risk >> CAP_SHIFT) & M10, int256), convert((price_word >> LEVERAGE_SHIFT) & M10, int256)
    )
    if isolated:
        cap = min(cap, convert((risk >> ISOLATED_CAP_SHIFT) & M10, int256))
    breaker: uint256 = self.breaker_of(price_word)
    if breaker == limits.SOFT or breaker == limits.RECOVERY:
        cap = cap // 2
    return max(1, cap)
