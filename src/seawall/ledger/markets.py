"""What every layer asks of a market before it acts (kernels): is it fresh, is it open, which buckets are its pools."""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.state import NOW, VENUE_STATUS
from seawall.terms import command, parameter

AMM: Final = 0
BACKSTOP: Final = 1


@kernel
def is_fresh(s: Any, market: int) -> bool:
    """Whether the market's index had its quorum and is no older than ORACLE_AGE_MS by the venue's clock."""
    age = s.cell[NOW] - s.market_oracle_time[market]
    return bool(s.market_fresh[market] != 0 and age <= s.param[market, parameter.ORACLE_AGE_MS])


@kernel
def status_of(s: Any, market: int) -> int:
    """The tighter of the market's status and the venue's; UNLISTED stays so."""
    status = s.market_status[market]
    return int(status if status == command.UNLISTED else max(status, s.cell[VENUE_STATUS]))


@kernel
def pool_bucket(s: Any, market: int, which: int) -> int:
    """The bucket of a market's pool: AMM or BACKSTOP."""
    return len(s.bucket_raw) - 2 * (len(s.market_price) - market) + which
