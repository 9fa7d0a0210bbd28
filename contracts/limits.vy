# pragma version 0.4.3
"""
@title Bounds, units and the words of policy, as in src/seawall/units.py and src/seawall/terms
@license Apache-2.0
"""

RATE_ONE: constant(int256) = 12_000_000  # parts of a Rate
FUNDING_INDEX_PER_MICRO: constant(int256) = 1_000_000
FUNDING_ONE: constant(int256) = 10**12
NOTIONAL_MAX: constant(int256) = 2**53
RAW_USD_MAX: constant(int256) = 2**61
AMOUNT_MAX: constant(int256) = 2**53
PRICE_MAX: constant(int256) = 2**40
FUNDING_INDEX_MAX: constant(int256) = 2**61  # furthest that a funding step takes an index

POSITIONS: constant(uint256) = 16  # of one bucket here; the engine holds 64
TIERS: constant(uint256) = 16
ISOLATED_PER_ACCOUNT: constant(uint256) = 64
SUBACCOUNTS: constant(uint256) = 10
LEVERAGE_DEFAULT: constant(int256) = 20

# statuses of a market and of the venue, loosest first
UNLISTED: constant(uint256) = 0
ACTIVE: constant(uint256) = 1
REDUCING: constant(uint256) = 2
POSTING: constant(uint256) = 3
CANCELLING: constant(uint256) = 4
HALTED: constant(uint256) = 5
CLOSED: constant(uint256) = 6

# breaker of a market
NORMAL: constant(uint256) = 0
SOFT: constant(uint256) = 1
HARD: constant(uint256) = 2
RECOVERY: constant(uint256) = 3
DWELL_S: constant(uint256) = 300  # post-only time of RECOVERY, and the least time before a looser state

# kinds of bucket
CROSS: constant(uint256) = 1
ISOLATED: constant(uint256) = 2
AMM_POOL: constant(uint256) = 3
BACKSTOP_POOL: constant(uint256) = 4
