"""Bounds of the state, stated once (SPEC section 0). Checked where state is written, never inside the bulk kernels.

With them every sum over one bucket fits int64 when products with a rate are split at 2^20:
64 positions x 2^53 = 2^59 of notional; (2^53 >> 20) * RATE_ONE * 64 < 2^62.6.
"""

from typing import Final

POSITIONS_PER_BUCKET: Final = 64
TIERS_PER_MARKET: Final = 16
MARKETS: Final = 65_535
ASSETS_PER_BUCKET: Final = 64
LEVERAGE_MAX: Final = 1_000
SIZE_DECIMALS_MIN: Final = -9
SIZE_DECIMALS_MAX: Final = 6
PRICE_MAX: Final = 2**40
NOTIONAL_MAX: Final = 2**53
RAW_USD_MAX: Final = 2**61
FUNDING_INDEX_MAX: Final = 2**62
BALANCE_MAX: Final = 2**61
SPLIT_BITS: Final = 20  # products of a notional and a rate are summed as (high, low) around 2^20
