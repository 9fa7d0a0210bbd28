"""A venue whose mark is the index, moved at will, for tests of trigger orders and schedules."""

from typing import Any

from seawall.engine.invariants import broken
from seawall.engine.venue import Applied
from seawall.terms import command, event, parameter
from seawall.units import RATE_ONE
from venue_world import BUY, SELL, USD, World

STOP, PROFIT, TRAIL = command.STOP, command.TAKE_PROFIT, command.TRAILING
WHOLE, ONLY = command.WHOLE_POSITION, command.REDUCE_ONLY


class Floor(World):
    """One market at 100 USD. The `maker` holds the other side of every position; the `trader` is long 10 lots."""

    def __init__(self, cash: int = 100_000, long: int = 10) -> None:
        super().__init__(markets=1)
        self.maker, self.trader = self.account(10_000_000), self.account(cash)
        self.told: list[dict[str, int]] = []
        if long:
            self.open(self.trader, long)

    def list_market(self, number: int, price: int, **more: Any) -> None:
        if number == 0:
            self.parameter(-1, parameter.MARK_RULE, parameter.MARK_INDEX)
        self.parameters = {parameter.ORACLE_STEP: RATE_ONE, parameter.PRICE_BAND: RATE_ONE // 2}
        super().list_market(number, price, **more)

    def parameter(self, market: int, which: int, value: int) -> None:
        super().parameter(market, which, value)
        if which == parameter.OPEN_INTEREST_CAP:  # the first that `list_market` sets
            for other, wide in self.parameters.items():
                super().parameter(market, other, wide)

    def do(self, **fields: int) -> Applied:
        done = super().do(**fields)
        self.told = self.rows(done)
        return done

    @staticmethod
    def rows(done: Applied) -> list[dict[str, int]]:
        return [dict(zip(event.ROW, row, strict=True)) for row in done.events.tolist()]

    def kinds(self, *kinds: int) -> list[dict[str, int]]:
        """Events of the last command, of some kinds."""
        return [e for e in self.told if e["kind"] in kinds]

    def fired(self) -> list[int]:
        return [e["order"] for e in self.kinds(event.TRIGGERED)]

    def cancelled(self) -> dict[int, int]:
        """Order to reason, of the last command."""
        return {e["order"]: e["amount"] for e in self.kinds(event.CANCELLED)}

    def open(self, account: int, lots: int, price: int = 100 * USD) -> None:
        """A position against the maker; negative lots are sold."""
        side = BUY if lots > 0 else SELL
        self.place(self.maker, 0, SELL - side, price, abs(lots))
        self.place(account, 0, side, price, abs(lots))

    def quote(self, side: int, price: int, size: int) -> int:
        """A resting order of the maker."""
        return self.place(self.maker, 0, side, price, size)

    def stop(self, trigger: int, size: int = 10, side: int = SELL, account: int | None = None, **more: int) -> int:
        """A stop that closes a long (or with side BUY a short), at the market, unless told otherwise."""
        flags = more.pop("flags", STOP | ONLY)
        who = self.trader if account is None else account
        return self.place(who, 0, side, more.pop("price", 0), size, trigger=trigger, flags=flags, **more)

    def trail(self, distance: int, size: int = 10, side: int = SELL, account: int | None = None) -> int:
        who = self.trader if account is None else account
        return self.place(who, 0, side, 0, size, extra=distance, flags=TRAIL)

    def mark(self, price: int) -> list[int]:
        """A new mark at the same time; returns what fired."""
        self.price(0, price)
        return self.fired()

    def ids(self, account: int | None = None) -> set[int]:
        """Live orders of an account's cross bucket."""
        columns = self.venue.columns
        order = int(columns["bucket_order"][self.trader if account is None else account])
        found = set()
        while order:
            found.add(int(columns["order_id"][order]))
            order = int(columns["order_next"][order])
        return found

    def order(self, identity: int, column: str) -> int:
        """A column of a live order."""
        row = identity & (2**21 - 1)
        assert self.venue.columns["order_id"][row] == identity
        return int(self.venue.columns[f"order_{column}"][row])

    def check(self) -> None:
        """Every invariant."""
        assert broken(self.venue.columns) == []
