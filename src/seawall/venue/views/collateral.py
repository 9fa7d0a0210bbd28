"""Reads collateral out of the record into small arrays (kernels): the engine's own figures, in one call a view."""

from typing import Any, Final

import numpy as np

from seawall.engine.borrowing import borrow_rate, utilisation
from seawall.kernel import INTERPRETED, kernel, warm_up
from seawall.ledger.buckets import interest_of
from seawall.ledger.state import SMALL, create_state, for_kernels
from seawall.ledger.valuation import counted_row, counted_worth, is_asset_fresh, is_off_peg, kept_row, scaled_weight
from seawall.terms.limits import ASSETS, HOLDINGS_PER_BUCKET

WIDTH: Final = 3
ASSET_ROWS: Final = ASSETS + 1  # the last has the rate an hour and the share that is lent
HOLDING_ROWS: Final = HOLDINGS_PER_BUCKET + 1  # the last has the initial value of all and the interest due


@kernel
def read_assets(states: Any, out: Any) -> None:
    """For each asset: fresh, off its peg, initial weight now; then the borrow rate and the utilisation."""
    s = states[0]
    for asset in range(ASSETS):
        if s.asset_kind[asset] != 0:
            out[asset, 0] = 1 if is_asset_fresh(s, asset) else 0
            out[asset, 1] = 1 if is_off_peg(s, asset) else 0
            out[asset, 2] = scaled_weight(s, asset)
    out[ASSETS, 0], out[ASSETS, 1] = borrow_rate(s), utilisation(s)


@kernel
def read_holdings(states: Any, bucket: int, out: Any) -> int:
    """For each holding of a bucket: its row, its value for maintenance and for initial margin. Returns how many."""
    s = states[0]
    count, row = 0, s.bucket_holding[bucket]
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        out[count, 0], out[count, 1], out[count, 2] = row, kept_row(s, row), counted_row(s, row)
        count, row = count + 1, s.holding_next[row]
    out[HOLDINGS_PER_BUCKET, 0], out[HOLDINGS_PER_BUCKET, 1] = counted_worth(s, bucket), interest_of(s, bucket)
    return count


class CollateralReader:
    """Reads one venue's record. Only between two turns of its writer."""

    def __init__(self, array: Any) -> None:
        self._states = for_kernels(array)

    def assets(self) -> list[list[int]]:
        """Rows of `read_assets`."""
        out = np.zeros((ASSET_ROWS, WIDTH), np.int64)
        read_assets(self._states, memoryview(out.data) if INTERPRETED else out)
        rows: list[list[int]] = out.tolist()
        return rows

    def holdings(self, bucket: int) -> tuple[list[list[int]], int, int]:
        """Rows of `read_holdings`, the initial value of all, and the interest due."""
        out = np.zeros((HOLDING_ROWS, WIDTH), np.int64)
        many = int(read_holdings(self._states, bucket, memoryview(out.data) if INTERPRETED else out))
        return out[:many].tolist(), int(out[-1, 0]), int(out[-1, 1])

    def warm(self) -> None:
        """Compiles for this venue's capacity."""
        self.assets()
        self.holdings(0)


@warm_up
def compile_collateral() -> None:
    """Compiles what reads an empty venue."""
    CollateralReader(create_state(SMALL)).warm()
