"""A venue's record driven straight at the liquidation kernels: no engine around it, every step in one compiled call.

Deals between buckets are written by the ledger, resting orders by the book. `check` holds the named invariants after
every step, so that no test passes on broken books.
"""

from typing import Any

import numpy as np

from seawall.book import orders
from seawall.engine import invariants
from seawall.engine.rows import ROW_TYPE, rows_for_kernels
from seawall.kernel import INTERPRETED, kernel
from seawall.ledger import buckets, settings, state
from seawall.liquidation import adl, closing, insurance, partial, queue, ranks, socialise, step, waterfall
from seawall.margin import trigger_kernels
from seawall.terms import command, event, parameter
from seawall.units import RATE_ONE

USD = 1_000_000
NOW = 1_760_000_400_000
PRICE_MAX = 2**33
SIZE_MAX = 2**53 // PRICE_MAX

(
    DEAL,
    ORDER,
    MARK,
    LIQUIDATE,
    CLOSING,
    LEAST,
    RANK,
    EVALUATE,
    UNIT,
    COVER,
    SHARE,
    COVERED,
    WORST,
    CAPACITY,
    HARMLESS,
    FLOOR,
    FUND,
) = range(17)
FIELDS = 8
OPEN = {"open_interest_cap": 2**40, "gate": RATE_ONE, "dust_notional": 0}  # nothing in the way
INVARIANTS = [
    check
    for check in invariants.FULL
    if check.name
    in {
        "INV_OI_ZERO_SUM",
        "INV_OPEN_INTEREST",
        "INV_ENTRY_SUM",
        "INV_CONSERVATION",
        "INV_EQUITY_SUM",
        "INV_FUNDS",
        "INV_BOUNDS",
        "INV_SLOTS",
        "INV_NONE_MISSED",
        "INV_FIRED_RING",
        "INV_QUEUE",
        "INV_BUCKET_ORDERS",
        "INV_RESERVES",
        "INV_LEVELS",
        "INV_LADDER",
        "INV_FREE_SLOTS",
        "INV_UNUSED_BUCKETS",
        "INV_ISOLATED",
    }
]


@kernel
def drive(states: Any, steps: Any, rows: Any, answers: Any) -> None:
    """Does the steps in order; what each answers is up to its kind."""
    s = states[0]
    for i in range(len(steps)):
        kind, one, two, three, four, five = steps[i, 0], steps[i, 1], steps[i, 2], steps[i, 3], steps[i, 4], steps[i, 5]
        if kind == DEAL:
            _deal(s, one, two, three, four, five, steps[i, 6])
        elif kind == ORDER:
            answers[i, 0] = _order(s, one, two, three, four, five)
        elif kind == MARK:
            s.market_oracle[one] = three
            trigger_kernels.tick(states, one, two)
        elif kind == FUND:
            trigger_kernels.fund(states, one, s.market_index[one] + two)
        elif kind == LIQUIDATE:
            answers[i, 0] = step.liquidate(s, rows[0])
        elif kind == EVALUATE:
            answers[i, 0] = queue.evaluate(s, one)
        elif kind == UNIT:
            answers[i, 0] = step.unit(s)
        elif kind == SHARE:
            socialise.share_out(s)
        elif kind == COVER:
            answers[i, 0] = socialise.cover_deficit(s, one, two)
        elif kind == FLOOR:
            s.setting_floor[settings.make_setting(s, one, two)] = three
        elif kind == RANK:
            answers[i, 0], answers[i, 1] = ranks.adl_rank(s, one, two)
        else:
            _ask(s, kind, one, two, three, four, answers[i])


@kernel
def _deal(s: Any, buyer: int, seller: int, market: int, size: int, price: int, leverage: int) -> None:
    for bucket, signed in ((buyer, size), (seller, -size)):
        slot = buckets.find_slot(s, bucket, market)
        if slot == 0:
            slot = buckets.open_slot(s, bucket, market, leverage)
        buckets.settle_slot(s, slot)
        buckets.trade(s, slot, signed, price, 0)
        buckets.close_empty_slot(s, slot)


@kernel
def _order(s: Any, bucket: int, market: int, flags: int, price: int, size: int) -> int:
    if buckets.find_slot(s, bucket, market) == 0:
        buckets.open_slot(s, bucket, market, 1)
    order = orders.new_order(s, bucket, market, flags, price, size, 0, 0, 0, 0)
    orders.rest(s, order)
    trigger_kernels.note_fired(s, bucket)
    return int(s.order_id[order])


@kernel
def _ask(s: Any, kind: int, bucket: int, market: int, lots: int, value: int, answer: Any) -> None:
    c = closing.closing(s, buckets.find_slot(s, bucket, market))
    if kind == CLOSING:
        answer[0], answer[1] = c.equity, c.maintenance
        answer[2] = closing.maintenance_after(s, c, lots)
        answer[3] = closing.equity_left(s, c, lots)
        answer[4] = closing.bankruptcy_price(s, c, lots)
        answer[5] = closing.fee_of(s, c, lots, value)
        answer[6] = closing.gap(s, c, lots, value)
        answer[7] = insurance.deficit_of(s, c, lots)
    elif kind == LEAST:
        answer[0] = partial.least_lots(s, bucket, c)
        answer[1], answer[2] = partial.wanted_lots(s, bucket, c)
    elif kind == WORST:
        answer[0] = partial.worst_price(s, c, lots)
    elif kind == CAPACITY:
        answer[0] = partial.capacity_lots(s, market, c.mark)
    elif kind == COVERED:
        answer[0] = insurance.lots_covered(s, c, lots, value)
    elif kind == HARMLESS:
        answer[0] = 1 if adl.is_harmless(s, c, lots, value) else 0
        answer[1] = adl.acceptable(s, c, lots, value)
        answer[2] = waterfall.why_stuck(s, bucket)


class Arena:
    """Markets and buckets with nothing around them. Money comes in by `bucket`, prices by `mark`."""

    def __init__(self, *prices: int, capacity: state.Capacity = state.SMALL) -> None:
        self.capacity = capacity
        self.array = state.create_state(capacity)
        self.c: Any = state.columns_of(self.array)
        self.states = state.for_kernels(self.array)
        self.rows = np.zeros(1, ROW_TYPE)
        self.c["cell"][state.NOW] = NOW
        self.c["bucket_mode"][:] = trigger_kernels.TIERED
        self.market_count = 0
        for price in prices:
            self.market(price)

    # set-up

    def market(self, price: int, tiers: tuple[tuple[int, int], ...] = ((0, RATE_ONE // 40),), **params: int) -> int:
        """A new open market with (lower notional, maintenance rate) tiers and parameters by name."""
        number, c = self.market_count, self.c
        self.market_count += 1
        c["cell"][state.MARKETS] = self.market_count
        c["market_price"][number] = c["market_oracle"][number] = price
        c["market_price_max"][number] = PRICE_MAX
        c["market_listed_size"][number] = 2**30
        c["market_oracle_time"][number] = c["market_mark_time"][number] = NOW
        c["market_fresh"][number] = 1
        c["market_status"][number] = command.ACTIVE
        c["market_weight"][number] = 1_024
        c["market_exponent_max"][number] = 6
        self.tiers(number, tiers)
        for name, value in {"liquidation_fee": 0, "maker_fee": 0, **OPEN, **params}.items():
            self.param(number, name, value)
        return number

    def tiers(self, market: int, tiers: tuple[tuple[int, int], ...]) -> None:
        c = self.c
        for row in (2 * market, 2 * market + 1):
            c["tier_count"][row] = len(tiers)
            deduction = 0
            for k, (lower, rate) in enumerate(tiers):
                deduction += lower * (rate - tiers[k - 1][1]) if k else 0
                c["tier_lower"][row, k], c["tier_rate"][row, k] = lower, rate
                c["tier_high"][row, k], c["tier_low"][row, k] = deduction >> 20, deduction & (2**20 - 1)
        for k, (_, rate) in enumerate(tiers):
            c["base_rate"][market, k] = rate
            c["base_leverage"][market, k] = max(1, RATE_ONE // (2 * rate))

    def param(self, market: int, name: str, value: int) -> None:
        """A market's parameter by name; market -1: the venue's."""
        number = getattr(parameter, name.upper())
        self.c["param"][market if market >= 0 else self.capacity.markets, number] = value

    def bucket(self, cash: int) -> int:
        """A new account with a cross bucket of so much micro-USD."""
        c = self.c
        number = int(c["cell"][state.ACCOUNTS])
        c["cell"][state.ACCOUNTS] += 1
        c["bucket_kind"][number] = state.CROSS
        c["bucket_owner"][number] = c["account_master"][number] = number
        self.cash(number, cash)
        return number

    def isolated(self, account: int, market: int, cash: int) -> int:
        """A new isolated bucket of the account."""
        c = self.c
        number = self.capacity.accounts + int(c["cell"][state.ISOLATED_USED])
        c["cell"][state.ISOLATED_USED] += 1
        c["bucket_kind"][number] = state.ISOLATED
        c["bucket_owner"][number], c["bucket_market"][number] = account, market
        c["bucket_next"][number] = c["account_isolated"][account]
        c["account_isolated"][account] = number + 1
        self.cash(number, cash)
        return number

    def pool(self, market: int, which: int) -> int:
        return self.capacity.accounts + self.capacity.isolated + 2 * market + which

    def cash(self, bucket: int, amount: int) -> None:
        self.c["bucket_raw"][bucket] += amount
        self.c["cell"][state.VAULT] += amount

    def insure(self, market: int, amount: int) -> None:
        self.c["market_insurance"][market] += amount
        self.c["cell"][state.VAULT] += amount

    # steps

    def do(self, *step_fields: int) -> list[int]:
        """One step; its answers. The events it emitted are in `events` until the next `take_events`."""
        steps = np.zeros((1, FIELDS), np.int64)
        steps[0, : len(step_fields)] = step_fields
        answers = np.zeros((1, 12), np.int64)
        rows = rows_for_kernels(self.rows)
        if INTERPRETED:
            views = [memoryview(answers[0])]
            drive(self.states, memoryview(steps), rows, _Rows(memoryview(answers), views))
        else:
            drive(self.states, steps, rows, answers)
        return [int(value) for value in answers[0]]

    def deal(self, buyer: int, seller: int, market: int, size: int, price: int, leverage: int = 1) -> None:
        """A trade between two buckets at a price, without fees."""
        self.do(DEAL, buyer, seller, market, size, price, leverage)

    def bid(self, bucket: int, market: int, price: int, size: int, flags: int = 0) -> int:
        return self.do(ORDER, bucket, market, flags, price, size)[0]

    def ask(self, bucket: int, market: int, price: int, size: int, flags: int = 0) -> int:
        return self.do(ORDER, bucket, market, flags | command.SELL, price, size)[0]

    def mark(self, market: int, price: int, index: int = 0) -> None:
        """A new mark, and an index at the same price unless it is given."""
        self.do(MARK, market, price, index or price)

    def fund(self, market: int, rate_ppm: int) -> None:
        """A step of the funding index: so many ppm of the mark; longs pay when it is positive."""
        self.do(FUND, market, int(self.c["market_price"][market]) * rate_ppm)

    def pass_time(self, ms: int) -> None:
        """The clock moves; prices are published anew."""
        self.c["cell"][state.NOW] += ms
        self.c["market_oracle_time"][:] = self.c["cell"][state.NOW]

    def liquidate(self, units: int = 64, check: bool = True) -> list[dict[str, int]]:
        """One LIQUIDATE; the events of it."""
        self.rows["size"] = units
        self.c["cell"][state.SEQUENCE] += 1
        self.take_events()
        assert self.do(LIQUIDATE)[0] == 0
        found = self.take_events()
        assert len(found) <= 8_192
        if check:
            self.check()
        return found

    def run(self, most: int = 200, units: int = 64, pause_ms: int = 0) -> list[dict[str, int]]:
        """LIQUIDATE until the queue is empty, with a pause after each; all events. Fails when it does not empty."""
        found = []
        for _ in range(most):
            found += self.liquidate(units)
            healths = [self.health(int(bucket)) for bucket in self.c["bucket_class"].nonzero()[0]]
            is_done = all(equity >= needed for equity, needed in healths)
            if is_done and self.c["count"][3] == 0 and not self.c["market_short"].any():
                return found
            if pause_ms:
                self.pass_time(pause_ms)
        raise AssertionError(f"{self.c['cell'][state.QUEUED]} buckets still wait")

    def take_events(self) -> list[dict[str, int]]:
        used = int(self.c["cell"][state.EVENTS_USED])
        self.c["cell"][state.EVENTS_USED] = 0
        return [dict(zip(event.ROW, row, strict=True)) for row in self.c["event"][:used].tolist()]

    # looking

    def size(self, bucket: int, market: int = 0) -> int:
        slot = int(self.c["bucket_first"][bucket])
        while slot:
            if self.c["slot_market"][slot] == market:
                return int(self.c["slot_size"][slot])
            slot = int(self.c["slot_sibling"][slot])
        return 0

    def raw(self, bucket: int) -> int:
        return int(self.c["bucket_raw"][bucket])

    def health(self, bucket: int) -> tuple[int, int]:
        """(equity, maintenance) in plain integers, from the columns; one tier a market is enough here."""
        from model import waterfall as model

        return model.health(self.picture(), bucket)

    def picture(self) -> dict[str, Any]:
        """The world as the model reads it: plain dicts and ints."""
        c = self.c
        markets = {}
        for m in range(self.market_count):
            k = int(c["tier_count"][2 * m])
            tiers = list(zip(c["tier_lower"][2 * m, :k].tolist(), c["tier_rate"][2 * m, :k].tolist(), strict=True))
            markets[m] = {"mark": int(c["market_price"][m]), "index": int(c["market_oracle"][m]), "tiers": tiers}
            markets[m]["price_max"] = int(c["market_price_max"][m])
            markets[m]["param"] = c["param"][m].tolist()
            markets[m]["insurance"] = int(c["market_insurance"][m])
        buckets = {*c["bucket_raw"].nonzero()[0].tolist(), *c["bucket_first"].nonzero()[0].tolist()}
        found: dict[int, dict[str, Any]] = {b: {"raw": self.raw(b), "positions": {}} for b in sorted(buckets)}
        for slot in range(1, int(c["count"][0])):
            bucket = int(c["slot_owner"][slot])
            if bucket >= 0 and c["slot_size"][slot]:
                market, size = int(c["slot_market"][slot]), int(c["slot_size"][slot])
                found[bucket]["positions"][market] = (size, int(c["slot_entry"][slot]))
                owed = size * (int(c["market_index"][market]) - int(c["slot_index"][slot]))
                found[bucket]["raw"] += -owed // 10**6  # unsettled funding, floored
        return {"markets": markets, "buckets": found, "policy": c["param"][self.capacity.markets].tolist()}

    def check(self) -> None:
        """The invariants that concern a record without an engine."""
        broken = invariants.broken(self.c, INVARIANTS)
        assert not broken, broken


class _Rows:
    """Two-dimensional answers uncompiled: a memoryview gives no rows."""

    def __init__(self, whole: Any, rows: list[Any]) -> None:
        self.whole, self.rows = whole, rows

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place] if isinstance(place, int) else self.whole[place]

    def __setitem__(self, place: Any, value: int) -> None:
        self.whole[place] = value


def of_kind(events: list[dict[str, int]], *kinds: int) -> list[dict[str, int]]:
    return [entry for entry in events if entry["kind"] in kinds]


def stages(events: list[dict[str, int]]) -> list[int]:
    """The kinds of a receipt in order, without repeats in a row."""
    kinds = [entry["kind"] for entry in events if 40 <= entry["kind"] <= 49]
    return [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind]
