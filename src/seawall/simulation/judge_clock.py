"""One TICK against the model: where the clock goes, what an hour has used, scheduled cancels, slices of schedules."""

from typing import Any, Final

import numpy as np

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation.properties import Fault
from seawall.terms import code, command, event
from seawall.terms.limits import CLOCK_STEP_MAX_MS, TIME_MAX
from seawall.terms.parameter import DAY_MS, HOUR_MS, TWAP_CATCH_UP, TWAP_STEP_MS

Fields = dict[str, int]
WINDOWS: Final = ((state.HOUR_START, state.HOUR_OUT, HOUR_MS), (state.DAY_START, state.DAY_OUT, DAY_MS))
TWAPS: Final = ("id", "size", "done", "start", "duration", "price", "flags")


class Clock:
    """The columns before a TICK and the judgement of what it did."""

    def __init__(self, columns: Any, fields: Fields) -> None:
        self.columns, self.fields = columns, fields
        time, self.before = fields["time"], columns["cell"].copy()
        now = int(self.before[state.NOW])
        self.is_right = now <= time <= min(now + CLOCK_STEP_MAX_MS, TIME_MAX)
        cancels = columns["account_cancel"]
        self.due = np.flatnonzero((cancels > 0) & (cancels <= time))
        self.orders = self._orders()
        rows = np.flatnonzero(columns["twap_id"])
        table = zip(*(columns[f"twap_{name}"][rows].tolist() for name in TWAPS), strict=True)
        self.twaps = {row[0]: dict(zip(TWAPS, row, strict=True)) for row in table}

    def judge(self, done: Applied) -> list[Fault]:
        """What does not fit."""
        number = int(done.codes[0])
        if number != (code.OK if self.is_right else code.BAD_TIME):
            return [Fault("POST_CLOCK", f"{number} {code.TEXT[number]} at {self.before[state.NOW]}; {self.fields}")]
        if number != code.OK:
            return []
        return self._cells() + self._cancelled() + self._slices(done)

    def _cells(self) -> list[Fault]:
        cell, time = self.columns["cell"], self.fields["time"]
        if cell[state.NOW] != time:
            return [Fault("POST_CLOCK", f"the clock is {cell[state.NOW]}, wanted {time}")]
        for start, out, length in WINDOWS:
            is_over = time - int(self.before[start]) >= length
            wanted = (time - time % length, 0) if is_over else (int(self.before[start]), int(self.before[out]))
            if (int(cell[start]), int(cell[out])) != wanted:
                return [Fault("POST_CLOCK", f"window of {length}: {cell[start]} {cell[out]}, wanted {wanted}")]
        return []

    def _orders(self) -> Any:
        """Ids of the orders of those whose scheduled cancel is due."""
        columns = self.columns
        rows = np.flatnonzero(columns["order_id"])
        owner = columns["bucket_owner"][columns["order_bucket"][rows]]
        return columns["order_id"][rows[np.isin(owner, self.due)]]

    def _cancelled(self) -> list[Fault]:
        left = np.intersect1d(self.orders, self.columns["order_id"])
        if len(left) or self.columns["account_cancel"][self.due].any():
            return [Fault("POST_CANCEL", f"a scheduled cancel left orders {left[:3]} of accounts {self.due[:3]}")]
        return []

    def _slices(self, done: Applied) -> list[Fault]:
        """A slice takes what is due and not done, at most thrice the even one, and no worse than its price."""
        for row in done.of_kind(event.TWAP_SLICE):
            twap = self.twaps[row["order"]]
            many = twap["duration"] // TWAP_STEP_MS + 1
            turn = min((self.fields["time"] - twap["start"]) // TWAP_STEP_MS, many - 1)
            even = -(-twap["size"] // many)
            due = min(twap["size"] * (turn + 1) // many - twap["done"], TWAP_CATCH_UP * even)
            if row["size"] > due:
                return [Fault("POST_TWAP", f"a slice filled {row['size']} lots of {due}; {twap}")]
            worse = twap["price"] - row["price"] if twap["flags"] & command.SELL else row["price"] - twap["price"]
            if twap["price"] and worse > 0:
                return [Fault("POST_TWAP", f"a slice may fill at {row['price']}; {twap}")]
        return []


def edge_of_clock(columns: Any, step_ms: int, rng: np.random.Generator) -> Fields:
    """A TICK a step ahead, or at an edge of what is refused."""
    now = int(columns["cell"][state.NOW])
    edges = (now, now - 1, 0, now + CLOCK_STEP_MAX_MS + 1)
    fields = dict.fromkeys(command.ROW, 0)
    fields.update(kind=command.TICK, signer=command.SEQUENCER)
    fields["time"] = int(rng.choice(edges)) if rng.random() < 0.2 else now + step_ms
    return fields
