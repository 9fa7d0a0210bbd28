# pragma version 0.4.3
# pragma optimize gas
"""
@title The search of partial.vy by itself: with the inequality of a pool that bears every trade, and with quotes
@license Apache-2.0
@notice For tests.
@custom:kill Not deployed.
"""

import closing
import partial


@external
@pure
def least_lots(c: closing.Close, v: partial.Venue) -> (int256, int256):
    """@notice (by the inequality, by quotes), the pool being one that bears every trade."""
    scarce: partial.Venue = v
    scarce.ample = False
    ample: partial.Venue = v
    ample.ample = True
    return partial.least_lots(c, ample), partial.least_lots(c, scarce)
