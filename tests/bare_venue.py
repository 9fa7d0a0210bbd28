"""A venue without its dispatcher: columns set by hand, handlers called one at a time. For modules tested alone.

What a handler refuses must leave the durable bytes as they were; `run` checks that on every call.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from seawall.engine.rows import ROW_TYPE
from seawall.kernel import INTERPRETED
from seawall.ledger import buckets, markets, state
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE

START = 1_760_000_400_000
USD = 1_000_000
PRICE_MAX = 2**33


class Bare:
    """An empty venue of a capacity at START, with helpers that write columns as the real commands would."""

    def __init__(self, capacity: state.Capacity = state.SMALL) -> None:
        self.capacity = capacity
        self.array = state.create_state(capacity)
        self.s: Any = state.for_kernels(self.array)[0]
        self.columns: Any = state.columns_of(self.array)
        self.cell = self.columns["cell"]
        self.cell[state.NOW] = START

    def market(self, number: int, price: int, leverage: int = 20, maintenance: int = RATE_ONE // 40) -> None:
        """An active market with one tier, a fresh index equal to the mark, and no caps that bind."""
        c = self.columns
        for table in (2 * number, 2 * number + 1):
            c["tier_count"][table] = 1
            c["tier_rate"][table, 0] = maintenance
        c["base_leverage"][number, 0], c["base_rate"][number, 0] = leverage, maintenance
        c["market_price_max"][number], c["market_weight"][number] = PRICE_MAX, 1024
        c["market_listed_size"][number] = 2**30
        c["market_exponent_max"][number] = 6
        c["market_status"][number] = command.ACTIVE
        c["market_fresh"][number] = 1
        c["market_oracle_time"][number] = START
        c["param"][number, parameter.OPEN_INTEREST_CAP] = 2**40
        c["param"][number, parameter.POSITION_CAP] = 2**20
        c["param"][number, parameter.TAKER_FEE] = 0
        c["param"][number, parameter.MAKER_FEE] = 0
        self.price(number, price)
        self.cell[state.MARKETS] = max(self.cell[state.MARKETS], number + 1)

    def price(self, market: int, mark: int, index: int = 0) -> None:
        """A mark, and an index that equals it unless given."""
        self.columns["market_price"][market] = mark
        self.columns["market_oracle"][market] = index or mark

    def account(self, cash: int = 0) -> int:
        """A new account with cash in micro-USD."""
        number = int(self.cell[state.ACCOUNTS])
        self.cell[state.ACCOUNTS] += 1
        self.columns["bucket_kind"][number] = state.CROSS
        self.columns["bucket_owner"][number] = number
        self.columns["account_master"][number] = number
        self.columns["bucket_raw"][number] = cash
        self.cell[state.VAULT] += cash
        return number

    def trade(self, buyer: int, seller: int, market: int, price: int, size: int, leverage: int = 20) -> None:
        """A fill between two buckets, unchecked."""
        for bucket, signed in ((buyer, size), (seller, -size)):
            slot = buckets.find_slot(self.s, bucket, market) or buckets.open_slot(self.s, bucket, market, leverage)
            buckets.settle_slot(self.s, slot)
            buckets.trade(self.s, slot, signed, price, 0)
            buckets.close_empty_slot(self.s, slot)

    def pool(self, market: int, which: int = markets.AMM) -> int:
        return int(markets.pool_bucket(self.s, market, which))

    def raw(self, bucket: int) -> int:
        return int(self.columns["bucket_raw"][bucket])

    def row(self, **fields: int) -> Any:
        """A command row as handlers take it."""
        if INTERPRETED:
            return SimpleNamespace(**{name: fields.get(name, 0) for name in command.ROW})
        rows = np.zeros(1, ROW_TYPE)
        for name, value in fields.items():
            rows[name][0] = value
        return rows[0]

    def run(self, handler: Any, **fields: int) -> tuple[int, list[dict[str, int]]]:
        """(code, events) of one call. A refusal must change nothing at all."""
        self.cell[state.SEQUENCE] += 1
        before = bytes(self.durable())
        given = handler(self.s, self.row(**fields))
        if given != code.OK:
            assert bytes(self.durable()) == before, f"{fields}: refused with {given} and changed something"
        return int(given), self.events()

    def must(self, handler: Any, **fields: int) -> list[dict[str, int]]:
        given, events = self.run(handler, **fields)
        assert given == code.OK, f"{fields}: {given} {code.TEXT[given]}"
        return events

    def events(self) -> list[dict[str, int]]:
        """Events written since the last look, oldest first."""
        used = int(self.cell[state.EVENTS_USED])
        rows = self.columns["event"][:used].tolist()
        self.cell[state.EVENTS_USED] = 0
        return [dict(zip(event.ROW, row, strict=True)) for row in rows]

    def durable(self) -> memoryview:
        return state.durable_bytes(self.array, self.capacity)

    def money(self) -> int:
        """All cash and funds, less the vault: 0 unless something was made or lost (funding apart)."""
        held = (state.PENDING, state.FEES, state.DUST, state.BAD_DEBT)
        total = sum(self.columns["bucket_raw"].tolist()) + sum(self.columns["market_insurance"].tolist())
        return total + sum(int(self.cell[place]) for place in held) - int(self.cell[state.VAULT])
