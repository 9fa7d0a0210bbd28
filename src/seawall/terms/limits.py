"""Bounds of the state, stated once (SPEC section 0). Checked where state is written, never inside the bulk kernels.

With them every sum over one bucket fits int64 when products with a rate are split at 2^20:
64 positions x 2^53 = 2^59 of notional; (2^53 >> 20) * RATE_ONE * 64 < 2^62.6.
"""

from typing import Final

POSITIONS_PER_BUCKET: Final = 64
TIERS_PER_MARKET: Final = 16
MARKETS: Final = 65_535
ASSETS_PER_BUCKET: Final = 64
ASSETS: Final = 16  # collateral assets of a venue, pools of liquidity among them
HOLDINGS_PER_BUCKET: Final = 16  # balances of assets and liquidity positions together
POOLED_PER_BUCKET: Final = 8  # liquidity positions among them
ASSET_CHANGES_PER_TICK: Final = 32  # of parameters of assets in one TICK, due and going back; the rest later
CHARGED_PER_TICK: Final = 128  # holdings whose bucket pays its interest in one TICK; the rest in the next ones
LEVERAGE_MAX: Final = 1_000
SIZE_DECIMALS_MIN: Final = -9
SIZE_DECIMALS_MAX: Final = 6
PRICE_MAX: Final = 2**40
NOTIONAL_MAX: Final = 2**53
RAW_USD_MAX: Final = 2**61
FUNDING_INDEX_MAX: Final = 2**62
BALANCE_MAX: Final = 2**61
SPLIT_BITS: Final = 20  # products of a notional and a rate are summed as (high, low) around 2^20

# of the engine: every loop in the core names one of these
ORDERS_PER_BUCKET: Final = 1_000  # resting and waiting ones together
SUBACCOUNTS: Final = 10
ACTION_PARTS: Final = 4_096  # rows of one signed action
AGENTS_PER_ACCOUNT: Final = 8
ISOLATED_PER_ACCOUNT: Final = 64
SOURCES: Final = 8  # price sources of a market
SOURCE_WEIGHT_MAX: Final = 1_000
FILLS_PER_COMMAND: Final = 256  # a taker that would match more is cut off there
CANCELS_PER_COMMAND: Final = 2_048  # orders that one CANCEL_ALL or TICK cancels; scheduled ones go on at the next TICK
EXECUTION_EVENTS: Final = 2_600  # of one execution: ten for each maker met with its attached stops, and what ends it
EXECUTED_EVENTS: Final = 800 + EXECUTION_EVENTS  # of all stops fired and slices executed in one command
SWEPT_PER_COMMAND: Final = 256  # trigger orders of closed positions cancelled in one command; the rest in the next ones
TRAILING_PER_MARKET: Final = 1_024
TRAILING_PER_BUCKET: Final = 8
TWAPS_PER_ACCOUNT: Final = 8
SLICES_PER_COMMAND: Final = 32  # slices of schedules executed in one TICK; the rest in the next ones
TRIGGERED_PER_COMMAND: Final = 64  # trigger orders that fire in one command; the rest fire in the next ones
EVALUATIONS_PER_COMMAND: Final = 256  # buckets measured in one command
ADL_COUNTERPARTIES: Final = 1_024  # closed against in one step
CHANGES_PER_COMMAND: Final = 256  # parameters that take effect in one TICK; the rest in the next ones
SETTLE_ROWS: Final = 32_768  # orders or positions that one step of a delisting looks at
SETTLE_EVENTS: Final = 1_024  # events after which it stops
EVENTS_PER_COMMAND: Final = 8_192  # no command emits more
EVENTS: Final = 4 * EVENTS_PER_COMMAND
WORK_PER_COMMAND: Final = 64  # units of liquidation work in one LIQUIDATE
ORDINALS: Final = 2**20  # places of a market's price grid (book/grid.py)
AMOUNT_MAX: Final = 2**53  # of one deposit, withdrawal or transfer, in micro-USD
TIME_MAX: Final = 2**53
IMPACT_ORDERS: Final = 1_024  # resting orders that an impact price may span; a book of more dust than that has none
SETTLED_PER_FUNDING: Final = 64  # positions that one FUNDING settles on its way round the table
CLOCK_STEP_MAX_MS: Final = 7 * 24 * 3_600_000  # a TICK further ahead is refused
POOL_ADD_MIN: Final = 10_000_000  # 10 USD: least that joins a pool at once
POOL_LOCKED: Final = 1_000_000  # first shares of a pool, 1 USD, that nobody can redeem
POOL_SHARES_MAX: Final = 2**60
