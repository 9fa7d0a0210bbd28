"""Parameters of a market and of the venue: every number that is policy, with its unit, range, rails and reason.

A market's live values are one row of the column `param`; the venue's are the last row (index `markets`), where only the
parameters of `VENUE` mean anything. Risk proposals may move those with rails (SPEC section 10); the admin sets the
others, tightening at once and loosening after `ADMIN_DELAY_MS`.
"""

from typing import Final

import msgspec

from seawall.terms.limits import LEVERAGE_MAX, NOTIONAL_MAX
from seawall.units import RATE_ONE

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
ADMIN_DELAY_MS: Final = DAY_MS
REOPEN_DWELL_MS: Final = 60_000  # a market stays this long in each stage of a reopening
RAILS_STEP_MS: Final = 60_000  # ramps of maintenance and decays move once in each
STOP_SLIPPAGE: Final = RATE_ONE // 10  # of a market stop from the mark: Hyperliquid's 10 %
TWAP_SLIPPAGE: Final = RATE_ONE * 3 // 100  # of a slice without a worst price: Hyperliquid's 3 %
TWAP_STEP_MS: Final = 30_000  # between two slices
TWAP_CATCH_UP: Final = 3  # a slice is at most so many times the even one
TWAP_LEAST_MS: Final = 5 * 60_000
TWAP_MOST_MS: Final = DAY_MS
PROPOSAL_LIFE_MS: Final = DAY_MS  # no proposal may be valid for longer: approvals expire
PPM: Final = RATE_ONE // 1_000_000

# a market's, in the order of the columns
LEVERAGE_CAP: Final = 0
INITIAL_LIVE: Final = 1
MAINTENANCE_SCALE: Final = 2
OPEN_INTEREST_LOWER: Final = 3
OPEN_INTEREST_UPPER: Final = 4
OPEN_INTEREST_CAP: Final = 5
POSITION_CAP: Final = 6
ISOLATED_LEVERAGE_CAP: Final = 7
LIQUIDATION_CAPACITY: Final = 8
BREAKER: Final = 9
TAKER_FEE: Final = 10
MAKER_FEE: Final = 11
LIQUIDATION_FEE: Final = 12
PRICE_BAND: Final = 13
MARK_BAND: Final = 14
GATE: Final = 15
CAPACITY_WINDOW_MS: Final = 16
DUST_NOTIONAL: Final = 17
CLAIM_CAP: Final = 18
INSURANCE_FLOOR: Final = 19
BACKSTOP_CAP: Final = 20
AMM_DEPTH: Final = 21
AMM_SPREAD: Final = 22
AMM_CAP: Final = 23
FUNDING_INTEREST: Final = 24
FUNDING_CLAMP: Final = 25
FUNDING_CAP: Final = 26
FUNDING_INTERVAL_MS: Final = 27
IMPACT_NOTIONAL: Final = 28
ORACLE_QUORUM: Final = 29
ORACLE_AGE_MS: Final = 30
ORACLE_STEP: Final = 31
ORACLE_DEVIATION: Final = 32
TRIGGER_WEIGHT: Final = 33
SKEW_FUNDING: Final = 34
POOL_LOCK_MS: Final = 35
GRID_BETA: Final = 36
GRID_OWN: Final = 37
GRID_BASIS: Final = 38
GRID_FLOOR: Final = 39
CONCENTRATION_START: Final = 40
CONCENTRATION: Final = 41

# the venue's, in its own row of the same width
EXIT_BUFFER: Final = 0
WITHDRAWAL_FLOOR: Final = 1
PROFIT_WEIGHT: Final = 2
PROFIT_CAP: Final = 3
WITHDRAWAL_HOUR_SHARE: Final = 4
WITHDRAWAL_HOUR_BASE: Final = 5
WITHDRAWAL_DAY_SHARE: Final = 6
WITHDRAWAL_DAY_BASE: Final = 7
GATE_CLOSED_MS: Final = 8
RISK_SILENCE_MS: Final = 9
RISK_SIGNERS: Final = 10
BACKSTOP_RATIO: Final = 11
PARTIAL_MODE: Final = 12
PARTIAL_SHARE: Final = 13
PARTIAL_FLOOR: Final = 14
PARTIAL_CEILING: Final = 15
PARTIAL_COOLDOWN_MS: Final = 16
ADL_POLICY: Final = 17
SOCIALISE: Final = 18
MARK_RULE: Final = 19
OUTAGE_MS: Final = 20
RAMP_CEILING: Final = 21
NOTICE_MS: Final = 22
RISK_MASK: Final = 23
BORROW_BASE: Final = 24
BORROW_KINK: Final = 25
BORROW_KINK_RATE: Final = 26
BORROW_FULL_RATE: Final = 27
BORROW_MOST: Final = 28
PORTFOLIO_MOST: Final = 29
PORTFOLIO_EQUITY: Final = 30
PORTFOLIO_FACTOR: Final = 31
GRID_MOVE: Final = 32  # of GRID_SHOCKS common shocks, one after the other; then
GRID_CREDIT: Final = 40  # the credit of each
GRID_SHARE: Final = 48  # GRID_SHARES shares of a market's own move

GRID_SHOCKS: Final = 8
GRID_SHARES: Final = 4

WIDTH: Final = 52

# values of PARTIAL_MODE
MINIMAL: Final = 0  # the least that restores liquidation end
WHOLE: Final = 1  # the whole position at once
SHARE_ABOVE: Final = 2  # PARTIAL_SHARE of a position above PARTIAL_FLOOR; all of it within the cooldown after that
SHARE_STEP: Final = 3  # each step at most max(PARTIAL_FLOOR, share of the position) and PARTIAL_CEILING
THROTTLED: Final = 4  # the least, but only PARTIAL_SHARE of it at once and the rest evenly over the cooldown

# values of ADL_POLICY
QUEUE: Final = 0
PRO_RATA: Final = 1
RISK_AWARE_PRO_RATA: Final = 2
LEAST_HARM: Final = 3

# values of MARK_RULE
MARK_MEDIAN: Final = 0  # SPEC section 6
MARK_INDEX: Final = 1
MARK_LAST: Final = 2

# values of BREAKER
NORMAL: Final = 0
SOFT: Final = 1
HARD: Final = 2
RECOVERY: Final = 3


# which change of a parameter the admin may make at once; the others wait ADMIN_DELAY_MS
UP: Final = 1  # up tightens: what it protects can only gain
DOWN: Final = -1  # down tightens, or takes less from everybody
NEITHER: Final = 0  # both change what open positions cost or how they are closed
EITHER: Final = 2  # nobody's outcome depends on it


class Rail(msgspec.Struct, frozen=True, kw_only=True):
    """How a risk proposal may move a parameter: per step and not sooner than `delay_ms` after the last one."""

    up: int  # greatest rise in one step
    down: int  # greatest fall in one step
    delay_ms: int  # between two loosening steps
    tighter_is_up: bool  # which direction protects the venue: it acts at once


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One policy number. `low..high` is the range any owner may set; `value` what a new market or venue starts with."""

    name: str
    low: int
    high: int
    value: int
    unit: str
    reason: str
    rail: Rail | None = None
    at_once: int = NEITHER  # the direction that need not wait


_RATE = "1/RATE_ONE"
_USD = "micro-USD"
_HOURLY: Final = HOUR_MS

# how a market moves in the scenarios of portfolio margin (SPEC section 3): number, name, low, high, value, unit, reason
_HALF: Final = RATE_ONE // 2
_OWN: Final = "largest move on its own; all of it until somebody has judged the market"
_GRID: Final[tuple[tuple[int, str, int, int, int, str, str], ...]] = (
    (
        GRID_BETA,
        "grid_beta",
        -10 * RATE_ONE,
        10 * RATE_ONE,
        RATE_ONE,
        _RATE,
        "move for a move of the common factor by 1",
    ),
    (GRID_OWN, "grid_own", 0, RATE_ONE, RATE_ONE, _RATE, _OWN),
    (GRID_BASIS, "grid_basis", 0, RATE_ONE, RATE_ONE // 50, _RATE, "gap between a short and collateral it hedges"),
    (GRID_FLOOR, "grid_floor", 0, _HALF, RATE_ONE // 200, _RATE, "of notional, held whatever nets out"),
    (CONCENTRATION_START, "concentration_start", 0, NOTIONAL_MAX, 0, _USD, "notional above which the add-on begins"),
    (CONCENTRATION, "concentration", 0, _HALF, 0, _RATE, "add-on for what exceeds the start"),
)

MARKET: Final[dict[int, Parameter]] = {
    LEVERAGE_CAP: Parameter(
        name="leverage_cap",
        low=1,
        high=LEVERAGE_MAX,
        value=LEVERAGE_MAX,
        unit="times",
        reason="most leverage new risk may take; tiers and INITIAL_LIVE bind as well",
        rail=Rail(up=5, down=LEVERAGE_MAX, delay_ms=_HOURLY, tighter_is_up=False),
        at_once=DOWN,
    ),
    INITIAL_LIVE: Parameter(
        name="initial_live",
        low=0,
        high=RATE_ONE,
        value=0,
        unit=_RATE,
        reason="predicted risk of new positions; never below 1/max leverage of the first tier",
        rail=Rail(up=RATE_ONE, down=RATE_ONE // 50, delay_ms=_HOURLY, tighter_is_up=True),
        at_once=UP,
    ),
    MAINTENANCE_SCALE: Parameter(
        name="maintenance_scale",
        low=RATE_ONE,
        high=RATE_ONE * 3 // 2,
        value=RATE_ONE,
        unit=_RATE,
        reason="multiplies every tier's maintenance rate; 1.5 at most, so no position is surprised by more",
        rail=Rail(up=RATE_ONE // 20, down=RATE_ONE // 20, delay_ms=_HOURLY, tighter_is_up=True),
    ),
    OPEN_INTEREST_LOWER: Parameter(
        name="open_interest_lower",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_USD,
        reason="one-sided open interest above which initial margin rises; with the upper one 0: no scaling",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=_HOURLY, tighter_is_up=False),
        at_once=DOWN,
    ),
    OPEN_INTEREST_UPPER: Parameter(
        name="open_interest_upper",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_USD,
        reason="one-sided open interest at which initial margin is all of the notional",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=_HOURLY, tighter_is_up=False),
        at_once=DOWN,
    ),
    OPEN_INTEREST_CAP: Parameter(
        name="open_interest_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit="lots",
        reason="most open interest; a new market starts closed (Drift 2026: list, price and lift limits in one go)",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=_HOURLY, tighter_is_up=False),
        at_once=DOWN,
    ),
    POSITION_CAP: Parameter(
        name="position_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit="lots",
        reason="most that linked accounts may hold together, long or short (dYdX YFI 2023, POPCAT 2025)",
        at_once=DOWN,
    ),
    ISOLATED_LEVERAGE_CAP: Parameter(
        name="isolated_leverage_cap",
        low=1,
        high=LEVERAGE_MAX,
        value=LEVERAGE_MAX,
        unit="times",
        reason="most leverage of a new isolated position",
        rail=Rail(up=5, down=LEVERAGE_MAX, delay_ms=_HOURLY, tighter_is_up=False),
        at_once=DOWN,
    ),
    LIQUIDATION_CAPACITY: Parameter(
        name="liquidation_capacity",
        low=0,
        high=NOTIONAL_MAX,
        value=NOTIONAL_MAX,
        unit=_USD,
        reason="most notional that forced orders may take in one capacity window: a share of recent depth and volume",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=0, tighter_is_up=False),
        at_once=DOWN,
    ),
    BREAKER: Parameter(
        name="breaker",
        low=NORMAL,
        high=RECOVERY,
        value=NORMAL,
        unit="state",
        reason="NORMAL, SOFT, HARD, RECOVERY (SPEC section 10)",
        rail=Rail(up=RECOVERY, down=RECOVERY, delay_ms=HOUR_MS // 12, tighter_is_up=True),
    ),
    TAKER_FEE: Parameter(
        name="taker_fee",
        low=0,
        high=RATE_ONE // 100,
        value=450 * PPM,
        unit=_RATE,
        reason="Hyperliquid's base tier",
        at_once=DOWN,
    ),
    MAKER_FEE: Parameter(
        name="maker_fee",
        low=-(RATE_ONE // 1000),
        high=RATE_ONE // 100,
        value=150 * PPM,
        unit=_RATE,
        reason="Hyperliquid's base tier; a rebate may not exceed the taker fee",
        at_once=DOWN,
    ),
    LIQUIDATION_FEE: Parameter(
        name="liquidation_fee",
        low=0,
        high=RATE_ONE // 20,
        value=RATE_ONE // 200,
        unit=_RATE,
        reason="0.5 % of what is closed, to the insurance fund, never from what is not there",
        at_once=DOWN,
    ),
    PRICE_BAND: Parameter(
        name="price_band",
        low=RATE_ONE // 1000,
        high=RATE_ONE,
        value=RATE_ONE // 5,
        unit=_RATE,
        reason="orders further from the index are refused: fat fingers, and book painting",
        at_once=DOWN,
    ),
    MARK_BAND: Parameter(
        name="mark_band",
        low=0,
        high=RATE_ONE // 4,
        value=RATE_ONE // 50,
        unit=_RATE,
        reason="furthest distance of the mark from the index",
    ),
    GATE: Parameter(
        name="gate",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE * 3 // 100,
        unit=_RATE,
        reason="furthest beyond the index that a forced order fills; RATE_ONE: anywhere",
    ),
    CAPACITY_WINDOW_MS: Parameter(
        name="capacity_window_ms", low=1, high=HOUR_MS, value=10_000, unit="ms", reason="length of a capacity window"
    ),
    DUST_NOTIONAL: Parameter(
        name="dust_notional",
        low=0,
        high=10**10,
        value=10**8,
        unit=_USD,
        reason="positions up to 100 USD close whole: a remainder would cost more than it is worth",
    ),
    CLAIM_CAP: Parameter(
        name="claim_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=NOTIONAL_MAX,
        unit=_USD,
        reason="most that the insurance fund pays for one bucket in this market",
    ),
    INSURANCE_FLOOR: Parameter(
        name="insurance_floor",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_USD,
        reason="what the admin may not withdraw from the fund (liquidations may use it)",
        at_once=UP,
    ),
    BACKSTOP_CAP: Parameter(
        name="backstop_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_USD,
        reason="most notional the backstop vault of this market holds (JELLY 2025: isolated and capped)",
        at_once=DOWN,
    ),
    AMM_DEPTH: Parameter(
        name="amm_depth",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit="lots",
        reason="inventory that moves its price by 100 %",
    ),
    AMM_SPREAD: Parameter(
        name="amm_spread",
        low=0,
        high=RATE_ONE // 10,
        value=RATE_ONE // 1000,
        unit=_RATE,
        reason="half spread of the pool",
        at_once=UP,
    ),
    AMM_CAP: Parameter(
        name="amm_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit="lots",
        reason="most inventory of the pool, either side",
        at_once=DOWN,
    ),
    FUNDING_INTEREST: Parameter(
        name="funding_interest", low=-(10**12), high=10**12, value=10**8, unit="1e-12 / 8 h", reason="1 bp in 8 h"
    ),
    FUNDING_CLAMP: Parameter(
        name="funding_clamp", low=0, high=10**12, value=5 * 10**8, unit="1e-12", reason="5 bp around the premium"
    ),
    FUNDING_CAP: Parameter(
        name="funding_cap", low=0, high=4 * 10**10, value=4 * 10**10, unit="1e-12 / h", reason="4 % an hour"
    ),
    FUNDING_INTERVAL_MS: Parameter(
        name="funding_interval_ms", low=HOUR_MS, high=8 * HOUR_MS, value=HOUR_MS, unit="ms", reason="1, 4 or 8 hours"
    ),
    IMPACT_NOTIONAL: Parameter(
        name="impact_notional",
        low=1,
        high=NOTIONAL_MAX,
        value=6_000 * 10**6,
        unit=_USD,
        reason="Hyperliquid: 6,000 USD",
    ),
    ORACLE_QUORUM: Parameter(
        name="oracle_quorum",
        low=1,
        high=8,
        value=3,
        unit="sources",
        reason="below it the index is stale (Synthetix 2019)",
        at_once=UP,
    ),
    ORACLE_AGE_MS: Parameter(
        name="oracle_age_ms",
        low=1,
        high=HOUR_MS,
        value=10_000,
        unit="ms",
        reason="an older price does not count",
        at_once=DOWN,
    ),
    ORACLE_STEP: Parameter(
        name="oracle_step",
        low=1,
        high=RATE_ONE,
        value=RATE_ONE // 20,
        unit=_RATE,
        reason="5 % a second from the last index",
        at_once=DOWN,
    ),
    ORACLE_DEVIATION: Parameter(
        name="oracle_deviation",
        low=1,
        high=RATE_ONE,
        value=RATE_ONE // 50,
        unit=_RATE,
        reason="2 % from the median of the sources",
        at_once=DOWN,
    ),
    TRIGGER_WEIGHT: Parameter(
        name="trigger_weight",
        low=64,
        high=4096,
        value=1024,
        unit="1/1024",
        reason="relative volatility; saves evaluations",
        at_once=EITHER,
    ),
    SKEW_FUNDING: Parameter(
        name="skew_funding",
        low=0,
        high=10**12,
        value=0,
        unit="1e-12 / 8 h",
        reason="added to the premium times the pool's inventory over its cap: the crowded side pays the pool to hold",
    ),
    POOL_LOCK_MS: Parameter(
        name="pool_lock_ms",
        low=0,
        high=30 * DAY_MS,
        value=HOUR_MS,
        unit="ms",
        reason="shares stay this long after an add: nobody joins a pool for one price or one liquidation",
    ),
    **{
        number: Parameter(name=name, low=low, high=high, value=value, unit=unit, reason=f"portfolio margin: {reason}")
        for number, name, low, high, value, unit, reason in _GRID
    },
}
