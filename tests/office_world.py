"""The handlers of administration and risk over a bare record, without the rest of the engine: small, quick, and able to
put any price, position or parameter where a test wants it.
"""

from typing import Any

import numpy as np

from seawall.engine import breaker, markets, parameters, rails, statuses, tiers
from seawall.engine.rows import rows_for_kernels, rows_of
from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE

START = 1_760_000_400_000
MINUTE, HOUR, DAY = 60_000, parameter.HOUR_MS, parameter.DAY_MS
HANDLERS = {
    command.LIST_MARKET: markets.list_market,
    command.SET_SOURCE: markets.set_source,
    command.SET_TIER: tiers.set_tier,
    command.SET_PARAMETER: parameters.set_parameter,
    command.SET_STATUS: statuses.set_status,
    command.GUARD: statuses.guard,
    command.PROPOSE: rails.propose,
}
SIGNER = {command.GUARD: command.GUARDIAN, command.PROPOSE: command.RISK}
VENUE = -1


class Office:
    """A record with `number` markets in set-up (`open_market` opens one) and a clock of its own."""

    def __init__(self, number: int = 1, capacity: state.Capacity = state.SMALL) -> None:
        self.capacity = capacity
        self.array = state.create_state(capacity)
        self.columns: Any = state.columns_of(self.array)
        self.s = state.for_kernels(self.array)[0]
        self.serial = 0
        self.columns["cell"][state.NOW] = START
        for market in range(number):
            self.must(command.LIST_MARKET, market=market, price=2**33)
            self.must(command.SET_TIER, market=market, size=20, price=RATE_ONE // 40)

    @property
    def now(self) -> int:
        return int(self.columns["cell"][state.NOW])

    def do(self, kind: int, **fields: int) -> int:
        """One command through its handler, signed by its role unless the fields say otherwise; returns the code."""
        fields.setdefault("signer", SIGNER.get(kind, command.ADMIN))
        rows = rows_of([{"kind": kind, **fields}])
        self.columns["cell"][state.EVENTS_USED] = 0
        return int(HANDLERS[kind](self.s, rows_for_kernels(rows)[0]))

    def must(self, kind: int, **fields: int) -> list[dict[str, int]]:
        """One command that is accepted; returns its events."""
        got = self.do(kind, **fields)
        assert got == code.OK, f"{fields}: {code.TEXT[got]}"
        return self.events()

    def refused(self, expected: int, kind: int, **fields: int) -> None:
        """One command that is refused with `expected`, changes no durable byte and emits nothing."""
        before = bytes(state.durable_bytes(self.array, self.capacity))
        used = int(self.columns["cell"][state.EVENTS_USED])
        got = self.do(kind, **fields)
        assert got == expected, f"{fields}: {code.TEXT[got]} instead of {code.TEXT[expected]}"
        assert self.events() == []
        self.columns["cell"][state.EVENTS_USED] = used
        assert bytes(state.durable_bytes(self.array, self.capacity)) == before

    def events(self) -> list[dict[str, int]]:
        """Events of the last command."""
        used = int(self.columns["cell"][state.EVENTS_USED])
        return [dict(zip(event.ROW, row, strict=True)) for row in self.columns["event"][:used].tolist()]

    def tick(self, ms: int) -> list[dict[str, int]]:
        """What TICK does here: time, pending values, ramps, decays and reopenings."""
        self.columns["cell"][state.NOW] += ms
        self.columns["cell"][state.EVENTS_USED] = 0
        parameters.apply_due_parameters(self.s)
        rails.decay(self.s)
        statuses.reopen_markets(self.s)
        return self.events()

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.tick(MINUTE)

    def price(self, market: int = 0, price: int = 100 * 10**6) -> None:
        """A fresh index and mark."""
        columns = self.columns
        columns["market_price"][market] = columns["market_oracle"][market] = price
        columns["market_oracle_time"][market], columns["market_fresh"][market] = self.now, 1

    def open_market(self, market: int = 0) -> None:
        self.price(market)
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            self.must(command.SET_STATUS, market=market, flags=status)

    def propose(self, number: int, value: int, market: int = 0, **fields: int) -> dict[str, int]:
        """Fields of a proposal that is well signed, newer and unexpired; `fields` override."""
        self.serial = int(self.columns["cell"][state.RISK_SERIAL]) + 1
        given = {"market": market, "other": number, "price": value, "reference": self.serial}
        return {"kind": command.PROPOSE, **given, "expires": self.now + 1_000, "amount": 3, **fields}

    def set(self, number: int, value: int, market: int = 0, **fields: int) -> dict[str, int]:
        """Fields of a SET_PARAMETER."""
        return {"kind": command.SET_PARAMETER, "market": market, "other": number, "price": value, **fields}

    def live(self, number: int, market: int = 0) -> int:
        return int(self.columns["param"][market, number])

    def static(self, number: int, market: int = 0) -> int:
        return int(self.columns["param_static"][market, number])

    def status(self, market: int = 0) -> int:
        return int(self.columns["market_status"][market])

    def add_position(self, bucket: int, market: int, size: int, raw: int, status: int) -> None:
        """A position out of nothing, known to the triggers by `status`; for tests of what a ramp queues."""
        slot = int(self.columns["count"][0])
        self.columns["count"][0] = slot + 1
        self.columns["slot_market"][slot], self.columns["slot_size"][slot] = market, size
        self.columns["slot_owner"][slot] = bucket
        self.columns["bucket_first"][bucket], self.columns["bucket_raw"][bucket] = slot, raw
        self.columns["bucket_status"][bucket] = status

    def cap(self, market: int = 0) -> int:
        return int(breaker.leverage_cap(self.s, market))


def rows_equal(left: Any, right: Any) -> bool:
    return bool(np.array_equal(left, right))


__all__ = ["DAY", "HOUR", "INTERPRETED", "MINUTE", "START", "VENUE", "Office", "rows_equal"]
