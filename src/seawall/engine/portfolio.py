"""SET_PORTFOLIO (kernels): an account's cross bucket goes into portfolio margin or out of it. SPEC sections 3, 4."""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.events import emit_health
from seawall.ledger.health import EQUITY, EQUITY_INITIAL, INITIAL, MAINTENANCE, measure
from seawall.ledger.leaving import has_stale_price, is_being_liquidated
from seawall.ledger.portfolio import set_mode
from seawall.ledger.state import PORTFOLIOS
from seawall.margin.trigger_kernels import PORTFOLIO, TIERED
from seawall.terms import code, command, parameter


@kernel
def set_portfolio(s: Any, c: Any) -> int:
    """Into portfolio margin (flags = PORTFOLIO) or out of it (0); no change when it is there already.

    Refused while a price is stale (STALE_PRICE) or the bucket is being liquidated (BEING_LIQUIDATED), and when its
    initial margin by the rule asked for is not there (INITIAL_MARGIN). Who comes in needs PORTFOLIO_EQUITY of equity
    and one of the venue's PORTFOLIO_MOST places (PORTFOLIO_CLOSED). Isolated buckets keep to the tiers.
    """
    if c.flags not in (0, command.PORTFOLIO):
        return code.BAD_FIELD
    bucket, before = c.account, s.bucket_mode[c.account]
    mode = PORTFOLIO if c.flags != 0 else TIERED
    if mode == before:
        return code.OK
    if has_stale_price(s, bucket):
        return code.STALE_PRICE
    if is_being_liquidated(s, bucket):
        return code.BEING_LIQUIDATED
    venue = len(s.market_price)
    if mode == PORTFOLIO and s.cell[PORTFOLIOS] >= s.param[venue, parameter.PORTFOLIO_MOST]:
        return code.PORTFOLIO_CLOSED
    s.bucket_mode[bucket] = mode
    now = measure(s, bucket)
    s.bucket_mode[bucket] = before
    if mode == PORTFOLIO and now[EQUITY_INITIAL] < s.param[venue, parameter.PORTFOLIO_EQUITY]:
        return code.PORTFOLIO_CLOSED
    if now[EQUITY_INITIAL] < now[INITIAL]:
        return code.INITIAL_MARGIN
    emit_health(s, set_mode(s, bucket, mode, 0), now[EQUITY], now[MAINTENANCE])
    return code.OK
