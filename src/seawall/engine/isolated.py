"""Commands on isolated margin, leverage and the mode of a position (kernels): SPEC section 4.

The buckets themselves are made, fed and given back in ledger/isolated.py, where liquidation can reach them too.
"""

from seawall.ledger.isolated import bucket_for, leverage_of, prepare_isolated, release_isolated, top_up

__all__ = ["bucket_for", "leverage_of", "prepare_isolated", "release_isolated", "top_up"]
