# pragma version 0.4.3
"""
@title A setting of an account in a market: leverage, isolated, 1 + cross cash that automatic top-ups leave (0: off)
@license Apache-2.0
"""

IS_ISOLATED: constant(uint256) = 1 << 10
FLOOR: constant(uint256) = 11
