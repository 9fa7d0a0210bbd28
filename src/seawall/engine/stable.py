"""The stable price of collateral (kernels): follows the index slowly. The same integers as pricing/stable.py."""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.state import ASSETS, NOW
from seawall.terms.asset_parameter import STABLE_SPEED
from seawall.wide import mul_floor_div

STEP_ONE: Final = 10**12  # 1e9 parts a second x 1000 ms
ELAPSED_MAX_MS: Final = 2**31  # as far as one step counts: 25 days


@kernel
def move_stable(s: Any, market: int) -> None:
    """Moves the stable price of every asset that the market prices toward its index, by the time since its last move.

    Time too short for one unit of movement is kept. The first index of an asset is its first stable price.
    """
    for asset in range(s.cell[ASSETS]):
        if s.asset_market[asset] == market:
            _move(s, asset, s.market_oracle[market])


@kernel
def _move(s: Any, asset: int, index: int) -> None:
    stable, now = s.asset_stable[asset], s.cell[NOW]
    if stable == 0:
        s.asset_stable[asset] = index
        s.asset_stable_time[asset] = now
        return
    elapsed = min(max(0, now - s.asset_stable_time[asset]), ELAPSED_MAX_MS)
    reach = mul_floor_div(stable, s.asset_param[asset, STABLE_SPEED] * elapsed, STEP_ONE)
    moved = min(max(index, stable - reach), stable + reach)
    if moved != stable or index == stable:
        s.asset_stable[asset] = moved
        s.asset_stable_time[asset] = now
