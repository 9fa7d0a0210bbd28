"""ORACLE and FUNDING against the model, and rows at the edges of their guards."""

from typing import Any

import numpy as np

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation import observe
from seawall.simulation.model_prices import AHEAD_MS, Funding, Quotes, fund, move
from seawall.simulation.properties import Fault
from seawall.terms import code, command, parameter
from seawall.terms.limits import SOURCES

Fields = dict[str, int]
FIGURES = ("index", "index_time", "is_fresh", "mark", "basis_ema", "book_ema")


def quotes_of(columns: Any, market: int) -> Quotes:
    """What the columns say of a market's prices."""
    sources = zip(
        columns["source_price"][market].tolist(),
        columns["source_time"][market].tolist(),
        columns["source_weight"][market].tolist(),
        strict=True,
    )
    return Quotes(
        sources=list(sources),
        index=int(columns["market_oracle"][market]),
        index_time=int(columns["market_oracle_time"][market]),
        is_fresh=bool(columns["market_fresh"][market]),
        mark=int(columns["market_price"][market]),
        mark_time=int(columns["market_mark_time"][market]),
        price_max=int(columns["market_price_max"][market]),
        bid=observe.touch(columns, market, -1),
        ask=observe.touch(columns, market, 1),
        last=int(columns["market_last"][market]),
        basis_ema=int(columns["market_basis_ema"][market]),
        book_ema=int(columns["market_book_ema"][market]),
        params=columns["param"][market].tolist(),
        mark_rule=int(columns["param"][-1, parameter.MARK_RULE]),
    )


class Oracle:
    """One ORACLE row: the columns before it and the model's figures after."""

    def __init__(self, columns: Any, fields: Fields) -> None:
        self.columns, self.fields = columns, fields
        self.refusals: list[int] = []
        market, source = fields["market"], fields["other"]
        now = int(columns["cell"][state.NOW])
        if columns["market_status"][market] == command.UNLISTED:
            self.refusals.append(code.UNKNOWN_MARKET)
        if columns["source_weight"][market, source] == 0:
            self.refusals.append(code.UNKNOWN_SOURCE)
        if fields["time"] < columns["source_time"][market, source] or fields["time"] - now > AHEAD_MS:
            self.refusals.append(code.BAD_TIME)
        if columns["market_status"][market] == command.DELISTING:
            self.refusals.append(code.MARKET_CLOSED)
        self.quotes = quotes_of(columns, market)
        if not self.refusals:
            price = fields["price"] if 1 <= fields["price"] <= self.quotes.price_max else 0
            self.quotes.sources[source] = (price, fields["time"], self.quotes.sources[source][2])
            move(self.quotes, now)

    def judge(self, done: Applied) -> list[Fault]:
        """The code, and every figure of the market's prices."""
        number = int(done.codes[0])
        if (number != code.OK) != bool(self.refusals) or (number != code.OK and number not in self.refusals):
            return [Fault("POST_INDEX", f"{number} {code.TEXT[number]}, the rule knows {self.refusals}; {self.fields}")]
        real, market = quotes_of(self.columns, self.fields["market"]), self.fields["market"]
        for name in FIGURES:
            if getattr(real, name) != getattr(self.quotes, name):
                which = "POST_INDEX" if name in FIGURES[:3] else "POST_MARK"
                facts = f"market {market} {name} is {getattr(real, name)}, wanted {getattr(self.quotes, name)}"
                return [Fault(which, f"{facts}; {self.fields}")]
        return []


class Payment:
    """One FUNDING row against the model."""

    def __init__(self, columns: Any, market: int) -> None:
        self.columns, self.market = columns, market
        self.refusals: list[int] = []
        status = max(int(columns["market_status"][market]), int(columns["cell"][state.VENUE_STATUS]))
        if columns["market_status"][market] == command.UNLISTED:
            self.refusals.append(code.UNKNOWN_MARKET)
        elif status >= command.HALTED:
            self.refusals.append(code.MARKET_CLOSED)
        if not observe.is_fresh(columns, market):
            self.refusals.append(code.STALE_PRICE)
        self.before = self.look()
        self.after = self.look()
        if not self.refusals and not fund(self.after):
            self.refusals.append(code.NOT_DUE)

    def look(self) -> Funding:
        """What funding reads of the market now."""
        columns, market = self.columns, self.market
        pool = observe.bucket_of(columns, observe.pool_of(columns, market, 0))
        return Funding(
            index=int(columns["market_oracle"][market]),
            now=int(columns["cell"][state.NOW]),
            paid_until=int(columns["market_funding_time"][market]),
            sampled=int(columns["market_premium_time"][market]),
            total=int(columns["market_premium_sum"][market]),
            count=int(columns["market_premium_count"][market]),
            bids=_counting(columns, market, -1),
            asks=_counting(columns, market, 1),
            inventory=pool.positions[market].size if market in pool.positions else 0,
            funding_index=int(columns["market_index"][market]),
            params=columns["param"][market].tolist(),
        )

    def judge(self, done: Applied) -> list[Fault]:
        """The code, the sample and the step."""
        number = int(done.codes[0])
        if (number != code.OK) != bool(self.refusals) or (number != code.OK and number not in self.refusals):
            return [Fault("POST_FUNDING_STEP", f"{number} {code.TEXT[number]}, the rule knows {self.refusals}")]
        if number != code.OK:
            return []
        real = self.look()
        for name in ("total", "count", "sampled", "paid_until", "funding_index"):
            if getattr(real, name) != getattr(self.after, name):
                facts = f"market {self.market} {name}: {getattr(real, name)}, wanted {getattr(self.after, name)}"
                return [Fault("POST_FUNDING_STEP", f"{facts} after {getattr(self.before, name)}")]
        return []


def _counting(columns: Any, market: int, side: int) -> list[tuple[int, int]]:
    """The orders that count for an impact price: those that hold margin."""
    orders = observe.resting(columns, market, side, 2**60 if side > 0 else 0)
    return [(order.price, order.size) for order in orders if not order.flags & command.REDUCE_ONLY]


def edge_of_oracle(columns: Any, rng: np.random.Generator) -> Fields | None:
    """An ORACLE row at an edge of its guards."""
    market = int(rng.integers(max(int(columns["cell"][state.MARKETS]), 1)))
    sources = np.flatnonzero(columns["source_weight"][market])
    if not len(sources) or rng.random() < 0.05:
        sources = np.arange(SOURCES)
    source = int(rng.choice(sources))
    q, now = quotes_of(columns, market), int(columns["cell"][state.NOW])
    step = q.index * q.params[parameter.ORACLE_STEP] * max(now - q.index_time, 1000) // (12_000_000 * 1000)
    near = q.index * q.params[parameter.ORACLE_DEVIATION] // 12_000_000
    edges = [q.index, q.index + step, q.index - step, q.index + near, q.index - near, q.price_max, 0, q.index * 1000]
    price = int(rng.choice(edges)) + int(rng.integers(-1, 2))
    age = q.params[parameter.ORACLE_AGE_MS]
    times = [now, now, now, now, now - age, now - age - 1, now + 1000, now + 1001, int(q.sources[source][1]) - 1]
    fields = dict.fromkeys(command.ROW, 0)
    fields.update(kind=command.ORACLE, signer=command.ORACLES, market=market, other=source)
    fields.update(price=min(max(price, 0), 2**50), time=max(int(rng.choice(times)), 0))
    return fields
