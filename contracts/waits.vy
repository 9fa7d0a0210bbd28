# pragma version 0.4.3
"""
@title Why a bucket waits for its liquidation: src/seawall/liquidation/partial.py
@license Apache-2.0
"""

FILLED: constant(uint256) = 0
THROTTLE: constant(uint256) = 1
AT_GATE: constant(uint256) = 2
COOLDOWN: constant(uint256) = 3
STALE: constant(uint256) = 4
STOPPED: constant(uint256) = 5
NO_LIQUIDITY: constant(uint256) = 6
WITH_OTHERS: constant(uint256) = 7  # not yet: the other side of the market has to close it
