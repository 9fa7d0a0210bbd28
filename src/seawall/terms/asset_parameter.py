"""Parameters of a collateral asset (SPEC section 2): columns `asset_param` and `asset_static`, one row an asset.

A new asset has caps and weights of 0: nothing can be deposited, and nothing counts. Risk proposals may move those with
rails; the maintenance weight has none, so that no proposal makes an open position liquidatable.
"""

from typing import Final

from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.parameter import DOWN, HOUR_MS, NEITHER, UP, Parameter, Rail
from seawall.units import RATE_ONE

WEIGHT_INITIAL: Final = 0
WEIGHT_MAINTENANCE: Final = 1
SUPPLY_START: Final = 2
SUPPLY_CAP: Final = 3
ACCOUNT_CAP: Final = 4
DISCOUNT: Final = 5
REDEMPTION_FLOOR: Final = 6
PEG_BAND: Final = 7
STABLE_SPEED: Final = 8
SCAN: Final = 9
RANGE_MIN: Final = 10

WIDTH: Final = 12

# kinds of asset
NONE: Final = 0
TOKEN: Final = 1
STABLE: Final = 2  # a token that is worth USD by design: sold before any other
POOL: Final = 3  # positions in one pool of concentrated liquidity, valued one by one

_RATE: Final = "1/RATE_ONE"
_LOTS: Final = "lots; of a pool micro-USD"

ASSET: Final[dict[int, Parameter]] = {
    WEIGHT_INITIAL: Parameter(
        name="weight_initial",
        low=0,
        high=RATE_ONE,
        value=0,
        unit=_RATE,
        reason="share of its value that backs new risk; never above the maintenance weight",
        rail=Rail(up=RATE_ONE // 50, down=RATE_ONE, delay_ms=HOUR_MS, tighter_is_up=False),
        at_once=DOWN,
    ),
    WEIGHT_MAINTENANCE: Parameter(
        name="weight_maintenance",
        low=0,
        high=RATE_ONE,
        value=0,
        unit=_RATE,
        reason="share of its value that keeps open positions; at most 1 - discount, so that a sale never costs equity",
        at_once=UP,
    ),
    SUPPLY_START: Parameter(
        name="supply_start",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_LOTS,
        reason="above it the initial weight shrinks as start / total (Mango v4); 0: never",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=HOUR_MS, tighter_is_up=False),
        at_once=NEITHER,
    ),
    SUPPLY_CAP: Parameter(
        name="supply_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_LOTS,
        reason="most that the venue takes; what is above goes back to its sender (Mango 2022)",
        rail=Rail(up=NOTIONAL_MAX, down=NOTIONAL_MAX, delay_ms=HOUR_MS, tighter_is_up=False),
        at_once=DOWN,
    ),
    ACCOUNT_CAP: Parameter(
        name="account_cap",
        low=0,
        high=NOTIONAL_MAX,
        value=0,
        unit=_LOTS,
        reason="most that the accounts of one owner hold together",
        at_once=DOWN,
    ),
    DISCOUNT: Parameter(
        name="discount",
        low=0,
        high=RATE_ONE // 2,
        value=RATE_ONE // 20,
        unit=_RATE,
        reason="off its price for who buys it from a liquidation",
    ),
    REDEMPTION_FLOOR: Parameter(
        name="redemption_floor",
        low=0,
        high=RATE_ONE,
        value=0,
        unit=_RATE,
        reason="of the redemption value: what keeps open positions is not priced below it while it can be redeemed; "
        "0: the lower of market and redemption",
    ),
    PEG_BAND: Parameter(
        name="peg_band",
        low=1,
        high=RATE_ONE,
        value=RATE_ONE // 50,
        unit=_RATE,
        reason="a redeemable asset further below its redemption value backs no new risk",
        at_once=DOWN,
    ),
    STABLE_SPEED: Parameter(
        name="stable_speed",
        low=1,
        high=10**9,
        value=300_000,
        unit="1e-9 / s",
        reason="furthest move of the stable price, 0.03 % a second (Mango v4)",
        at_once=DOWN,
    ),
    SCAN: Parameter(
        name="scan",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 4,
        unit=_RATE,
        reason="of a pool: price moves up to this are tried, and the least value backs new risk",
        at_once=UP,
    ),
    RANGE_MIN: Parameter(
        name="range_min",
        low=0,
        high=RATE_ONE,
        value=RATE_ONE // 100,
        unit=_RATE,
        reason="of a pool: least width of a range, as upper over lower root less one (1 % is 2 % of price)",
        at_once=UP,
    ),
}
