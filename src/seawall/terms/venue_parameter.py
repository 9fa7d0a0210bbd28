"""Parameters of the venue as a whole: the last row of the column `param` (see parameter.py)."""

from typing import Final

from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import (
    ADL_POLICY,
    BACKSTOP_RATIO,
    BORROW_BASE,
    BORROW_FULL_RATE,
    BORROW_KINK,
    BORROW_KINK_RATE,
    BORROW_MOST,
    DAY_MS,
    DOWN,
    EXIT_BUFFER,
    GATE_CLOSED_MS,
    GRID_CREDIT,
    GRID_MOVE,
    GRID_SHARE,
    GRID_SHARES,
    GRID_SHOCKS,
    HOUR_MS,
    LEAST_HARM,
    MARK_LAST,
    MARK_MEDIAN,
    MARK_RULE,
    MINIMAL,
    NOTICE_MS,
    OUTAGE_MS,
    PARTIAL_CEILING,
    PARTIAL_COOLDOWN_MS,
    PARTIAL_FLOOR,
    PARTIAL_MODE,
    PARTIAL_SHARE,
    PORTFOLIO_EQUITY,
    PORTFOLIO_FACTOR,
    PORTFOLIO_MOST,
    PROFIT_CAP,
    PROFIT_WEIGHT,
    QUEUE,
    RAMP_CEILING,
    RISK_MASK,
    RISK_SIGNERS,
    RISK_SILENCE_MS,
    SOCIALISE,
    THROTTLED,
    UP,
    WITHDRAWAL_DAY_BASE,
    WITHDRAWAL_DAY_SHARE,
    WITHDRAWAL_FLOOR,
    WITHDRAWAL_HOUR_BASE,
    WITHDRAWAL_HOUR_SHARE,
    Parameter,
)
from seawall.units import RATE_ONE

_RATE: Final = "1/RATE_ONE"
_USD: Final = "micro-USD"
_HOURLY: Final = "1e-12 / h"
BORROW_RATE_MAX: Final = 10**9  # 0.1 % an hour
_FIFTH: Final = RATE_ONE // 5
PORTFOLIOS_MAX: Final = 4_096  # each is measured again at every price of its markets

VENUE: Final[dict[int, Parameter]] = {
    EXIT_BUFFER: Parameter(
        name="exit_buffer",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 50,
        unit=_RATE,
        reason="2 %: liquidation ends above it",
    ),
    WITHDRAWAL_FLOOR: Parameter(
        name="withdrawal_floor",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 10,
        unit=_RATE,
        reason="share of notional that stays",
        at_once=UP,
    ),
    PROFIT_WEIGHT: Parameter(
        name="profit_weight",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE,
        unit=_RATE,
        reason="of unrealised profit in initial margin",
        at_once=DOWN,
    ),
    PROFIT_CAP: Parameter(
        name="profit_cap",
        low=-1,
        high=NOTIONAL_MAX,
        value=-1,
        unit=_USD,
        reason="most profit that counts; -1: no cap",
        at_once=DOWN,
    ),
    WITHDRAWAL_HOUR_SHARE: Parameter(
        name="withdrawal_hour_share",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 100,
        unit=_RATE,
        reason="1 % of the vault",
        at_once=DOWN,
    ),
    WITHDRAWAL_HOUR_BASE: Parameter(
        name="withdrawal_hour_base",
        low=0,
        high=NOTIONAL_MAX,
        value=10**12,
        unit=_USD,
        reason="at least 1 M USD an hour",
        at_once=DOWN,
    ),
    WITHDRAWAL_DAY_SHARE: Parameter(
        name="withdrawal_day_share",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 10,
        unit=_RATE,
        reason="10 % of the vault",
        at_once=DOWN,
    ),
    WITHDRAWAL_DAY_BASE: Parameter(
        name="withdrawal_day_base",
        low=0,
        high=NOTIONAL_MAX,
        value=10**13,
        unit=_USD,
        reason="at least 10 M USD a day",
        at_once=DOWN,
    ),
    GATE_CLOSED_MS: Parameter(
        name="gate_closed_ms",
        low=0,
        high=DAY_MS,
        value=300_000,
        unit="ms",
        reason="withdrawals wait after negative equity",
        at_once=UP,
    ),
    RISK_SILENCE_MS: Parameter(
        name="risk_silence_ms",
        low=1_000,
        high=DAY_MS,
        value=600_000,
        unit="ms",
        reason="after it parameters decay to their static values",
    ),
    RISK_SIGNERS: Parameter(
        name="risk_signers", low=1, high=16, value=2, unit="signers", reason="that a proposal needs", at_once=UP
    ),
    BACKSTOP_RATIO: Parameter(
        name="backstop_ratio",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE * 2 // 3,
        unit=_RATE,
        reason="equity below this share of maintenance goes to the backstop; 0: never",
    ),
    PARTIAL_MODE: Parameter(
        name="partial_mode", low=MINIMAL, high=THROTTLED, value=MINIMAL, unit="mode", reason="how much a step closes"
    ),
    PARTIAL_SHARE: Parameter(
        name="partial_share",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 5,
        unit=_RATE,
        reason="of a position, modes 2 and 3",
    ),
    PARTIAL_FLOOR: Parameter(
        name="partial_floor", low=0, high=NOTIONAL_MAX, value=10**11, unit=_USD, reason="of notional, modes 2 and 3"
    ),
    PARTIAL_CEILING: Parameter(
        name="partial_ceiling", low=0, high=NOTIONAL_MAX, value=NOTIONAL_MAX, unit=_USD, reason="of one step, mode 3"
    ),
    PARTIAL_COOLDOWN_MS: Parameter(
        name="partial_cooldown_ms", low=0, high=HOUR_MS, value=0, unit="ms", reason="between two steps on one bucket"
    ),
    ADL_POLICY: Parameter(
        name="adl_policy", low=QUEUE, high=LEAST_HARM, value=LEAST_HARM, unit="policy", reason="who is closed first"
    ),
    SOCIALISE: Parameter(
        name="socialise",
        low=0,
        high=1,
        value=1,
        unit="switch",
        reason="0: what is short stays with the venue as bad debt",
    ),
    MARK_RULE: Parameter(
        name="mark_rule", low=MARK_MEDIAN, high=MARK_LAST, value=MARK_MEDIAN, unit="rule", reason="for comparisons"
    ),
    OUTAGE_MS: Parameter(
        name="outage_ms", low=1_000, high=DAY_MS, value=60_000, unit="ms", reason="a clock gap this long is an outage"
    ),
    RAMP_CEILING: Parameter(
        name="ramp_ceiling",
        low=RATE_ONE,
        high=2 * RATE_ONE,
        value=RATE_ONE * 3 // 2,
        unit=_RATE,
        reason="maintenance of open positions over its lowest value in 24 h",
        at_once=DOWN,
    ),
    NOTICE_MS: Parameter(
        name="notice_ms",
        low=0,
        high=DAY_MS,
        value=HOUR_MS,
        unit="ms",
        reason="before maintenance of open positions rises",
        at_once=UP,
    ),
    RISK_MASK: Parameter(
        name="risk_mask",
        low=0,
        high=2**16 - 1,
        value=2**16 - 1,
        unit="bits",
        reason="signers whose word counts; fewer at once",
    ),
    BORROW_BASE: Parameter(
        name="borrow_base",
        low=0,
        high=BORROW_RATE_MAX,
        value=0,
        unit=_HOURLY,
        reason="interest of borrowed USD while nearly none is borrowed",
        at_once=DOWN,
    ),
    BORROW_KINK: Parameter(
        name="borrow_kink",
        low=1,
        high=RATE_ONE - 1,
        value=RATE_ONE * 4 // 5,
        unit=_RATE,
        reason="share of all USD that is borrowed from which on interest rises steeply",
    ),
    BORROW_KINK_RATE: Parameter(
        name="borrow_kink_rate",
        low=0,
        high=BORROW_RATE_MAX,
        value=11_415_525,
        unit=_HOURLY,
        reason="interest at the kink, 10 % a year",
        at_once=DOWN,
    ),
    BORROW_FULL_RATE: Parameter(
        name="borrow_full_rate",
        low=0,
        high=BORROW_RATE_MAX,
        value=114_155_251,
        unit=_HOURLY,
        reason="interest when all USD is borrowed, 100 % a year",
        at_once=DOWN,
    ),
    BORROW_MOST: Parameter(
        name="borrow_most",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE * 4 // 5,
        unit=_RATE,
        reason="no USD leaves against collateral above this share: depositors can be paid",
        at_once=DOWN,
    ),
    PORTFOLIO_MOST: Parameter(
        name="portfolio_most",
        low=0,
        high=PORTFOLIOS_MAX,
        value=0,
        unit="accounts",
        reason="that may be in portfolio margin at once, for each is measured at every price; 0: nobody may opt in",
        at_once=DOWN,
    ),
    PORTFOLIO_EQUITY: Parameter(
        name="portfolio_equity",
        low=0,
        high=NOTIONAL_MAX,
        value=10_000 * 10**6,
        unit=_USD,
        reason="least equity of who opts in to portfolio margin",
        at_once=UP,
    ),
    PORTFOLIO_FACTOR: Parameter(
        name="portfolio_factor",
        low=RATE_ONE,
        high=2 * RATE_ONE,
        value=RATE_ONE * 5 // 4,
        unit=_RATE,
        reason="initial over maintenance in portfolio margin; never below 1 + exit buffer",
        at_once=UP,
    ),
    **{
        GRID_MOVE + k: Parameter(
            name=f"grid_move_{k}",
            low=-RATE_ONE,
            high=RATE_ONE,
            value=(_FIFTH, -_FIFTH, _FIFTH, -_FIFTH, 0, 0, 0, 0)[k],
            unit=_RATE,
            reason="portfolio margin: a move of the common factor; 0: no such row",
        )
        for k in range(GRID_SHOCKS)
    },
    **{
        GRID_CREDIT + k: Parameter(
            name=f"grid_credit_{k}",
            low=0,
            high=RATE_ONE,
            value=RATE_ONE if k < 2 else 0,
            unit=_RATE,
            reason="portfolio margin: at which gains of other markets pay in that row; 0: correlation is broken",
        )
        for k in range(GRID_SHOCKS)
    },
    **{
        GRID_SHARE + k: Parameter(
            name=f"grid_share_{k}",
            low=1 if k == 0 else 0,
            high=RATE_ONE,
            value=(RATE_ONE, RATE_ONE // 2, 0, 0)[k],
            unit=_RATE,
            reason="portfolio margin: a share of a market's own move that is tried both ways; 0: no such row",
        )
        for k in range(GRID_SHARES)
    },
}
