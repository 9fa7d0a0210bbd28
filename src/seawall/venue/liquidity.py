"""Pools of a venue without a chain: a liquidity position earns fees and is changed at the index, as its pool would be.

What an owner asks for comes with its signature (exchange/liquidity.py); here it becomes the amounts that a pool at the
index would pay, and one row of the bridge, which the engine takes only if the account's margin carries the position as
it is afterwards. Nothing is swapped: what does not fit into another range stays as collateral.

Fees: as the index goes from one root to another inside a range, the swaps that took it there have paid `fee` of
`liquidity * |difference|` (the amount in, SqrtPriceMath), here in USD whichever way. They are kept by this process:
after a restart they start at 0, and what was collected is in the log.
"""

import asyncio
import logging
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from seawall.ledger import state
from seawall.margin.lp import Range, roots_of
from seawall.margin.lp_value import range_delta, range_value, root_at
from seawall.terms import asset_parameter, command
from seawall.units import RATE_ONE, BadInput, floor_div
from seawall.venue.bridge import Bridge
from seawall.venue.config import Config
from seawall.venue.records import News, Pooled
from seawall.venue.service import Service

Key = tuple[int, int]  # asset, token
Plan = Callable[[Range, int, int], tuple[Range, int, int]]  # position, index, fees -> position, base and USD paid

log = logging.getLogger(__name__)

NOWHERE: Final = Range(liquidity=1, low=1, high=2, scale=0)  # of a position that is gone: the engine refuses it


class PlayPools:
    """Earns fees for every position of the venue, and changes them."""

    def __init__(self, service: Service, bridge: Bridge) -> None:
        self.service = service
        self.bridge = bridge
        self._fees: dict[Key, int] = {}  # micro-USD in parts of RATE_ONE
        self._roots: dict[Key, tuple[Range, int]] = {}  # the range and the root that fees are counted up to
        self._unwinding: set[asyncio.Task[int]] = set()

    def start(self) -> None:
        """Begins to earn, and removes the liquidity that a liquidation has asked for before."""
        columns = self.service.columns
        for row in columns["holding_asked"].nonzero()[0].tolist():
            self._unwind(columns["holding_asset"].item(row), columns["holding_token"].item(row))
        self.service.hearers.append(self._hear)

    def stop(self) -> None:
        """Ends it, also before it has begun: a venue that could not start says why itself."""
        if self._hear in self.service.hearers:
            self.service.hearers.remove(self._hear)

    def fees_of(self, asset: int, token: int) -> int:
        """Fees of a position that nobody has collected, in micro-USD. Rounds down."""
        return floor_div(self._fees.get((asset, token), 0), RATE_ONE)

    async def collect(self, account: int, asset: int, token: int) -> None:
        """Fees go to the account's bucket that holds the position. CreditError when the engine refuses."""
        await self._change(account, asset, token, lambda held, _index, fees: (held, 0, fees))

    async def decrease(self, account: int, asset: int, token: int, part: Fraction) -> None:
        """So much of the liquidity, and the fees, go to the bucket. `part` is within (0, 1)."""
        await self._change(account, asset, token, lambda held, index, fees: decreased(held, index, fees, part))

    async def move(self, account: int, asset: int, token: int, low: int, high: int) -> None:
        """The position goes to the range between two prices; what does not fit goes to the bucket."""
        await self._change(account, asset, token, lambda held, index, fees: moved(held, index, fees, low, high))

    async def _change(self, account: int, asset: int, token: int, plan: Plan) -> None:
        """BadInput for what the plan refuses; CreditError when the engine does, or nobody holds the position."""
        columns, paid = self.service.columns, 0

        def fields() -> dict[str, int]:
            nonlocal paid
            held, index, paid = position(columns, asset, token), self._index(asset), self.fees_of(asset, token)
            made, base, usd = (NOWHERE, 0, 0) if held is None else plan(held, index, paid)
            lots = floor_div(base, index) if index and columns["asset_base"].item(asset) else 0
            out = {"client_high": lots, "amount": usd + base - lots * index}
            return {"kind": command.RESHAPE_RANGE, "other": asset, "client_low": token, **fields_of(made), **out}

        def row() -> dict[str, int]:
            try:
                return fields()
            except BadInput:  # the index has moved since it was asked for: as for a position that has gone
                return {"kind": command.RESHAPE_RANGE, "other": asset, "client_low": -1, **fields_of(NOWHERE)}

        fields()  # what it refuses is told before anything is sent
        await self.bridge.report(self.service.people.persons[account].address, row)
        self._fees[asset, token] = max(0, self._fees.get((asset, token), 0) - paid * RATE_ONE)

    def _index(self, asset: int) -> int:
        columns = self.service.columns
        return int(columns["market_oracle"].item(columns["asset_market"].item(asset)))

    def _hear(self, news: News) -> None:
        for entry in news.entries:
            if entry.kind == "unwind":
                self._unwind(entry.other, entry.reference)
        for told in news.pooled:
            self._follow(told)
        for market in {market for market, _, _ in news.indices}:
            self._earn(market)

    def _follow(self, told: Pooled) -> None:
        """A position begins to earn where the index is; one that has left takes its fees with it."""
        key = told.asset, told.token
        if told.kind == "came":
            held = Range(liquidity=told.liquidity, low=told.low, high=told.high, scale=told.scale)
            self._roots[key] = (held, root_at(held.low, held.high, held.scale, told.index))
        elif told.kind == "left" and not row_of(self.service.columns, *key):
            self._fees.pop(key, None)
            self._roots.pop(key, None)

    def _earn(self, market: int) -> None:
        """A new index: every position whose pool it prices has earned."""
        columns = self.service.columns
        for asset in range(int(columns["cell"][state.ASSETS])):
            if columns["asset_kind"][asset] != asset_parameter.POOL or columns["asset_market"][asset] != market:
                continue
            fee = fee_of(self.service.config, self.service.universe.listings[market].coin)
            row = columns["asset_first"].item(asset)
            while row != 0:  # at most the positions of the pool
                key, held = (asset, columns["holding_token"].item(row)), range_at(columns, row)
                root = root_at(held.low, held.high, held.scale, self._index(asset))
                known, before = self._roots.get(key, (held, root))
                if known == held:
                    went = floor_div(held.liquidity * abs(root - before) * fee, 1 << held.scale)
                    self._fees[key] = self._fees.get(key, 0) + went
                self._roots[key] = (held, root)
                row = columns["holding_after"].item(row)

    def _unwind(self, asset: int, token: int) -> None:
        """Removes the liquidity of a position in liquidation at the index, fees first."""
        columns, key = self.service.columns, (asset, token)
        known, owner, index = position(columns, asset, token), owner_of(columns, asset, token), self._index(asset)
        if known is None or owner < 0:
            return
        base = int(range_delta(known.liquidity, known.low, known.high, known.scale, index))
        usd = worth(known, index) - base + self.fees_of(asset, token)
        lots = floor_div(base, index) if index and columns["asset_base"].item(asset) else 0
        paid = {"size": lots, "amount": usd + base - lots * index}
        row = {"kind": command.UNWIND_RANGE, "other": asset, "client_low": token, **paid}
        told = self.bridge.report(self.service.people.persons[owner].address, row)
        task = asyncio.get_running_loop().create_task(told, name="seawall-unwind")
        self._unwinding.add(task)
        task.add_done_callback(self._unwound)
        self._fees.pop(key, None)

    def _unwound(self, task: "asyncio.Task[int]") -> None:
        self._unwinding.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a liquidity position was not unwound: %s", error)


def fee_of(config: Config, coin: str) -> int:
    """The share of what is swapped that positions of a coin's pool earn, in parts of RATE_ONE."""
    fees = [terms.fee for terms in config.asset if terms.kind == "pool" and terms.coin == coin]
    return int(fees[0] * RATE_ONE) if fees else 0


def row_of(columns: Any, asset: int, token: int) -> int:
    """The row of a position that a bucket holds; 0 when none does."""
    rows = (columns["holding_asset"] == asset) & (columns["holding_token"] == token) & (columns["holding_bucket"] >= 0)
    found = (rows & (columns["holding_lots"] != 0)).nonzero()[0].tolist()
    return found[0] if found else 0


def range_at(columns: Any, row: int) -> Range:
    """The range of a row of holdings."""
    names = ("lots", "low", "high", "scale")
    liquidity, low, high, scale = (columns[f"holding_{name}"].item(row) for name in names)
    return Range(liquidity=liquidity, low=low, high=high, scale=scale)


def position(columns: Any, asset: int, token: int) -> Range | None:
    """A position that somebody holds."""
    row = row_of(columns, asset, token)
    return range_at(columns, row) if row else None


def owner_of(columns: Any, asset: int, token: int) -> int:
    """The account that holds a position, in whichever bucket; -1 for nobody."""
    row = row_of(columns, asset, token)
    return int(columns["bucket_owner"].item(columns["holding_bucket"].item(row))) if row else -1


def fields_of(held: Range) -> dict[str, int]:
    """A range in the fields of a row of commands."""
    return {"size": held.liquidity, "price": held.low, "trigger": held.high, "extra": held.scale}


def worth(held: Range, index: int) -> int:
    """Both tokens of a range at an index, micro-USD. Rounds down."""
    return int(range_value(held.liquidity, held.low, held.high, held.scale, index))


def decreased(held: Range, index: int, fees: int, part: Fraction) -> tuple[Range, int, int]:
    """What is left of a position without `part` of its liquidity (at least 1 stays), and the base and USD that come."""
    liquidity = min(held.liquidity, max(1, held.liquidity - int(held.liquidity * part)))
    left = Range(liquidity=liquidity, low=held.low, high=held.high, scale=held.scale)
    return left, *_difference(held, left, index, fees)


def moved(held: Range, index: int, fees: int, low: int, high: int) -> tuple[Range, int, int]:
    """The position that base, USD and fees of another one make between two prices, and what of them is left over.

    The most liquidity that both suffice for. BadInput when it is none: all of one token, and the range takes the other.
    """
    scale, first, last = roots_of(Fraction(low), Fraction(high))
    root = int(root_at(first, last, scale, index))
    base_each, usd_each = int(range_delta(1 << scale, first, last, scale, index)), root - first
    base = int(range_delta(held.liquidity, held.low, held.high, held.scale, index))
    usd = worth(held, index) - base + fees
    most = []
    if base_each:
        most.append(floor_div(base << scale, base_each))
    if usd_each:
        most.append(floor_div(max(usd - 1, 0) << scale, usd_each))
    liquidity = min(most, default=0)
    if liquidity == 0:
        raise BadInput("lower", "nothing of the position fits: it holds one token and the range takes the other")
    made = Range(liquidity=liquidity, low=first, high=last, scale=scale)
    return made, *_difference(held, made, index, fees)


def _difference(held: Range, made: Range, index: int, fees: int) -> tuple[int, int]:
    """Base (its worth) and USD that come out of a change: together exactly what the worth falls by, and the fees."""
    base = [int(range_delta(one.liquidity, one.low, one.high, one.scale, index)) for one in (held, made)]
    usd = [worth(one, index) - part for one, part in zip((held, made), base, strict=True)]
    return base[0] - base[1], usd[0] - usd[1] + fees
