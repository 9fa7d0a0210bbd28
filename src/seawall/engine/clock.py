"""TICK: the only command that moves time (kernels). What has fallen due acts here, each part with its own bound."""

from typing import Any

from seawall.engine.assets import apply_due_assets, decay_assets
from seawall.engine.borrowing import move_borrowing
from seawall.engine.delisting import settle_delisting
from seawall.engine.orders import cancel_due
from seawall.engine.parameters import apply_due_parameters
from seawall.engine.prices import expire_prices
from seawall.engine.rails import decay
from seawall.engine.statuses import after_outage, reopen_markets
from seawall.engine.stops import fire_stops
from seawall.engine.twap import run_twaps
from seawall.kernel import kernel
from seawall.ledger.state import DAY_OUT, DAY_START, GATE_UNTIL, HOUR_OUT, HOUR_START, MARKETS, NOW
from seawall.terms import code
from seawall.terms.limits import CLOCK_STEP_MAX_MS, TIME_MAX
from seawall.terms.parameter import DAY_MS, GATE_CLOSED_MS, HOUR_MS, OUTAGE_MS


@kernel
def tick(s: Any, c: Any) -> int:
    """Moves the clock to `c.time`. It never goes back, nor ahead by more than a week at once (BAD_TIME).

    A gap of OUTAGE_MS or more is an outage: withdrawals close for a while and markets reopen in stages.
    """
    before = s.cell[NOW]
    if c.time < before or c.time > TIME_MAX or c.time <= 0:
        return code.BAD_TIME
    if before != 0 and c.time - before > CLOCK_STEP_MAX_MS:
        return code.BAD_TIME
    s.cell[NOW] = c.time
    venue = len(s.market_price)
    if before != 0 and c.time - before >= s.param[venue, OUTAGE_MS]:
        s.cell[GATE_UNTIL] = max(s.cell[GATE_UNTIL], c.time + s.param[venue, GATE_CLOSED_MS])
        after_outage(s)
    if c.time - s.cell[HOUR_START] >= HOUR_MS:
        s.cell[HOUR_START], s.cell[HOUR_OUT] = c.time - c.time % HOUR_MS, 0
    if c.time - s.cell[DAY_START] >= DAY_MS:
        s.cell[DAY_START], s.cell[DAY_OUT] = c.time - c.time % DAY_MS, 0
    move_borrowing(s, c.time - before if before != 0 else 0)
    expire_prices(s)
    apply_due_parameters(s)
    apply_due_assets(s)
    decay(s)
    decay_assets(s)
    reopen_markets(s)
    settle_delisting(s)
    cancel_due(s)
    run_twaps(s)
    for market in range(s.cell[MARKETS]):
        fire_stops(s, market)
    return code.OK
