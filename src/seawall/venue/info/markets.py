"""Questions about markets."""

from typing import Any, Final

from seawall.units import BadInput
from seawall.venue.history.intervals import interval_of
from seawall.venue.info.fields import Asked, Request
from seawall.venue.views import market, pools
from seawall.venue.views.fills import recent_trades

CANDLES: Final = 5_000  # of one answer
STEPS: Final = 500
TRADES: Final = 30
NO_MANTISSA: Final = 1


def meta(asked: Asked) -> Any:
    """Markets and margin tables."""
    asked.one_dex()
    return market.meta(asked.service)


async def meta_and_contexts(asked: Asked) -> Any:
    """The same with what moves."""
    asked.one_dex()
    await asked.service.lens.ready(asked.service)
    return market.meta_and_contexts(asked.service)


def all_metas(asked: Asked) -> Any:
    """`meta` of every dex: of this one."""
    return [market.meta(asked.service)]


def margin_table(asked: Asked) -> Any:
    """One margin table."""
    return market.table_of(asked.service, asked.number("id", 0, 2**31))


def all_mids(asked: Asked) -> Any:
    """Middle prices."""
    asked.one_dex()
    return market.all_mids(asked.service)


def l2_book(asked: Asked) -> Any:
    """A book; null for an unknown coin."""
    service, request = asked.service, asked.request
    listing = service.universe.by_coin.get(str(request.get("coin")))
    figures, mantissa = _choice(request, "nSigFigs", market.FIGURES), _choice(request, "mantissa", market.MANTISSAS)
    if mantissa and figures != market.FIGURES[-1]:
        raise BadInput("mantissa", f"goes with nSigFigs {market.FIGURES[-1]} only")
    if listing is None:
        return None
    return market.l2_book(service, listing, figures, mantissa or NO_MANTISSA)


def _choice(request: Request, field: str, known: tuple[int, ...]) -> int:
    """One of several whole numbers; 0 when it is left out or null."""
    value = request.get(field)
    if value is None:
        return 0
    if type(value) is not int or value not in known:
        raise BadInput(field, f"expected one of {', '.join(map(str, known))}")
    return value


async def trades(asked: Asked) -> Any:
    """The last trades, newest first."""
    listing = asked.listing()
    await asked.service.lens.ready(asked.service)
    return recent_trades(asked.service, listing.number, TRADES)


async def candles(asked: Asked) -> Any:
    """Candles that begin within a stretch of time, oldest first: the last 5,000 of them."""
    inner = asked.inner("req")
    listing, interval = inner.listing(), interval_of(inner.request.get("interval"))
    start, end = inner.start(is_needed=True), inner.end()
    kept = await asked.service.history.candles(listing.number, interval, start, end, CANDLES)
    return [market.candle(listing, one) for one in kept]


async def funding_history(asked: Asked) -> Any:
    """Steps of a market's funding, oldest first: the first 500 of the stretch."""
    listing = asked.listing()
    start, end = asked.start(is_needed=True), asked.end()
    steps = await asked.service.history.steps(listing.number, start, end, STEPS)
    return [market.funding_step(asked.service, listing, step) for step in steps]


def predicted_fundings(asked: Asked) -> Any:
    """Rates of the present intervals."""
    return market.predicted_fundings(asked.service)


def at_open_interest_cap(asked: Asked) -> Any:
    """Markets at their cap."""
    asked.one_dex()
    return market.at_open_interest_cap(asked.service)


def greatest_orders(asked: Asked) -> Any:
    """Greatest orders in USD."""
    return market.greatest_orders(asked.service)


def exchange_status(asked: Asked) -> Any:
    """Whether the venue runs."""
    return market.exchange_status(asked.service)


def dex_status(asked: Asked) -> Any:
    """What has been deposited and not paid out."""
    asked.one_dex()
    return {"totalNetDeposit": market.vault_text(asked.service)}


def vault_summaries(asked: Asked) -> Any:
    """Pools."""
    return pools.vault_summaries(asked.service)
