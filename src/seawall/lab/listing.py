"""Static markets: margin tiers by liquidity class and units by price, the venue that prediction has to beat.

Also the rows that list and open a market, for a replay and for a live venue alike.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from seawall.terms import command, limits
from seawall.terms.market import Market, TierRow, market
from seawall.units import USD_ONE, BadInput, Price, UsdMicro

MILLION: Final = 1_000_000 * USD_ONE


def _tiers(*rows: tuple[int, int]) -> tuple[TierRow, ...]:
    return tuple((UsdMicro(lower * MILLION), leverage) for lower, leverage in rows)


# Hyperliquid's margin tables 56, 55, 54, 53, 52, 51 and its flat ones (id = leverage), November 2025.
NAMED: Final[dict[str, tuple[TierRow, ...]]] = {
    "BTC": _tiers((0, 40), (150, 20)),
    "ETH": _tiers((0, 25), (100, 15)),
    "SOL": _tiers((0, 20), (70, 10)),
    "XRP": _tiers((0, 20), (40, 10)),
}
RANKED: Final[tuple[tuple[int, tuple[TierRow, ...]], ...]] = (
    (10, _tiers((0, 10), (20, 5))),
    (20, _tiers((0, 10), (3, 5))),
    (40, _tiers((0, 5))),
)
UNRANKED: Final = _tiers((0, 3))
STAGES: Final = (command.CANCELLING, command.POSTING, command.ACTIVE)  # by which a closed market opens
Fields = dict[str, int]  # of a command; what is left out is 0

# Hyperliquid's decimals of a lot, where they are not what `size_decimals_for` makes of the price.
SIZE_DECIMALS: Final = {"BTC": 5, "ETH": 4, "SOL": 2, "XRP": 0, "DOGE": 0, "HYPE": 2, "LINK": 1, "kPEPE": 0}

PRICE_LEAST: Final = 100  # micro-USD per lot at listing, which keeps two digits
PRICE_HEADROOM: Final = 16  # price_max over the price at listing; a price above it is stale by definition


def static_tiers(symbol: str, liquidity_rank: int) -> tuple[TierRow, ...]:
    """Tiers of a market. `liquidity_rank` 0 is the most traded; only the four majors have more than 10x by name."""
    if liquidity_rank < 0:
        raise BadInput("liquidity_rank", f"{liquidity_rank} is negative")
    if symbol in NAMED:
        return NAMED[symbol]
    for below, tiers in RANKED:
        if liquidity_rank < below:
            return tiers
    return UNRANKED


def size_decimals_for(price_usd: float) -> int:
    """Decimals that make one lot worth 1 to 10 USD, within limits: prices keep six digits, and three after -99.9 %."""
    if not (math.isfinite(price_usd) and price_usd > 0):
        raise BadInput("price", f"{price_usd} is not a positive number")
    decimals = math.floor(math.log10(price_usd))
    return max(limits.SIZE_DECIMALS_MIN, min(limits.SIZE_DECIMALS_MAX, decimals))


def static_market(
    symbol: str,
    price_usd: float,
    liquidity_rank: int = 0,
    *,
    price_max_usd: float | None = None,
    size_decimals: int | None = None,
    tiers: Sequence[TierRow] = (),
) -> Market:
    """A market with static tiers, those of its rank unless `tiers` are given.

    `price_max_usd` is the highest price it must represent (default 16 x price), `size_decimals` the decimals of a lot
    (default: so that a lot is worth 1 to 10 USD). BadInput when the prices do not fit.
    """
    decimals = size_decimals_for(price_usd) if size_decimals is None else size_decimals
    if price_usd * USD_ONE / 10.0**decimals < PRICE_LEAST:
        raise BadInput(f"{symbol}.price", f"{price_usd} USD is less than {PRICE_LEAST} micro-USD per lot of any size")
    highest = PRICE_HEADROOM * price_usd if price_max_usd is None else max(price_usd, price_max_usd)
    ceiling = math.ceil(highest * USD_ONE / 10.0**decimals) + 1
    if ceiling > limits.PRICE_MAX:
        raise BadInput(f"{symbol}.price", f"{highest} USD does not fit 2^40 micro-USD per lot")
    rows = tiers or static_tiers(symbol, liquidity_rank)
    return market(symbol, size_decimals=decimals, tiers=rows, price_max=Price(ceiling))


def listing_fields(number: int, terms: Market, name: tuple[int, int] = (0, 0)) -> list[Fields]:
    """Commands that list a market, closed, with its tiers. `name` is its two words in the log; (0, 0): none."""
    here = {"market": number, "signer": command.ADMIN}
    first = {"other": terms.size_decimals, "price": terms.price_max, "client_high": name[0], "client_low": name[1]}
    fields = [{"kind": command.LIST_MARKET, **here, **first}]
    for place, tier in enumerate(terms.tiers):
        row = {"other": place, "amount": tier.lower, "size": tier.max_leverage, "price": tier.maintenance}
        fields.append({"kind": command.SET_TIER, **here, **row})
    return fields


def parameter_fields(number: int, values: Mapping[int, int]) -> list[Fields]:
    """Commands that set parameters of a market, or of the venue (-1), at once."""
    here = {"kind": command.SET_PARAMETER, "signer": command.ADMIN, "market": number}
    return [{**here, "other": which, "price": value} for which, value in values.items()]


def opening_fields(number: int) -> list[Fields]:
    """Commands that open a closed market that was never open, stage by stage. It must have a fresh price."""
    here = {"kind": command.SET_STATUS, "signer": command.ADMIN, "market": number}
    return [{**here, "flags": status} for status in STAGES]


def to_prices(prices_usd: npt.NDArray[np.float64], markets: Sequence[Market]) -> npt.NDArray[np.int64]:
    """USD per unit -> micro-USD per lot, nearest on the grid, at least 1; 0 where the price is NaN (a gap).

    The last axis runs over `markets`. BadInput when a price lies above its market's `price_max`.
    """
    scale = np.array([USD_ONE / 10.0**item.size_decimals for item in markets])
    values = np.asarray(prices_usd, dtype=np.float64) * scale
    known = np.isfinite(values)
    limit = np.array([float(item.price_max) for item in markets])
    above = known & (values > limit)
    if bool(above.any()):
        column = int(np.argwhere(above)[0][-1])
        raise BadInput(f"{markets[column].name}.price", f"a price lies above price_max {markets[column].price_max}")
    return np.where(known, np.maximum(np.rint(np.where(known, values, 0.0)), 1.0), 0.0).astype(np.int64)
