"""A small venue for tests: markets open, prices fresh, accounts with money; every step goes through `Venue.apply`."""

from typing import Any

import numpy as np

from seawall.engine.rows import rows_of
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE

START = 1_760_000_400_000  # 2025-10-09 09:00 UTC
USD = 1_000_000
BUY, SELL = 0, command.SELL


class World:
    """`markets` open markets at `price` (1 lot = 1 unit, prices in micro-USD per lot), one oracle source each."""

    def __init__(self, markets: int = 2, price: int = 100 * USD, capacity: state.Capacity = state.SMALL) -> None:
        self.venue = Venue(capacity)
        self.now = START
        self.deposits = 0
        self.addresses = 0
        self.nonces = 0
        self.must(kind=command.TICK, signer=command.SEQUENCER, time=self.now)
        for number in range(markets):
            self.list_market(number, price)

    def list_market(self, number: int, price: int, *, leverage: int = 20, maintenance: int = RATE_ONE // 40) -> None:
        """Lists, sets up and opens a market; nothing of it is capped."""
        admin = command.ADMIN
        self.must(kind=command.LIST_MARKET, signer=admin, market=number, other=0, price=2**33)
        self.must(kind=command.SET_TIER, signer=admin, market=number, other=0, size=leverage, price=maintenance)
        size_max = 2**53 // 2**33
        for which, value in (
            (parameter.OPEN_INTEREST_CAP, 2**40),
            (parameter.POSITION_CAP, size_max),
            (parameter.ORACLE_QUORUM, 1),
            (parameter.TAKER_FEE, 0),
            (parameter.MAKER_FEE, 0),
        ):
            self.parameter(number, which, value)
        self.must(kind=command.SET_SOURCE, signer=admin, market=number, other=0, size=1)
        self.price(number, price)
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            self.must(kind=command.SET_STATUS, signer=admin, market=number, flags=status)

    def do(self, **fields: int) -> Applied:
        """Applies one row given by its fields; an account's own gets the next nonce."""
        if fields["signer"] > command.SEQUENCER and "nonce" not in fields:
            self.nonces += 1
            fields["nonce"] = self.now + self.nonces
        return self.venue.apply(rows_of([fields]))

    def must(self, **fields: int) -> Applied:
        """Applies one row that must be accepted."""
        done = self.do(**fields)
        assert done.codes[0] == code.OK, f"{fields}: {done.codes[0]} {code.TEXT[int(done.codes[0])]}"
        return done

    def refused(self, expected: int, **fields: int) -> None:
        """Applies one row that must be refused with `expected` and change nothing durable but the count and nonces."""
        before = self.snapshot()
        done = self.do(**fields)
        assert done.codes[0] == expected, f"{fields}: {done.codes[0]}, expected {expected}"
        assert len(done.events) == 0
        assert self.snapshot() == before

    def snapshot(self) -> dict[str, bytes]:
        """Bytes of every durable column; the count of commands and burnt nonces apart."""
        kept = {}
        for name, _, _ in state.columns(self.venue.capacity):
            if name == state.SCRATCH:
                break
            if not name.startswith("nonce_"):
                column = self.venue.columns[name]
                if name == "cell":
                    column = column.copy()
                    column[[state.SEQUENCE, state.NONCE_HEAD, state.NONCE_COUNT]] = 0
                kept[name] = np.ascontiguousarray(column).tobytes()
        return kept

    def account(self, usd: int = 0) -> int:
        """A new master account with a deposit; returns its number."""
        self.addresses += 1
        number = int(self.venue.columns["cell"][state.ACCOUNTS])
        self.must(kind=command.CREATE_ACCOUNT, signer=command.SEQUENCER, address_0=7, address_2=self.addresses)
        if usd:
            self.deposit(number, usd)
        return number

    def deposit(self, account: int, usd: int) -> None:
        self.deposits += 1
        amount, bridge = usd * USD, command.BRIDGE
        self.must(kind=command.DEPOSIT, signer=bridge, account=account, amount=amount, reference=self.deposits)

    def parameter(self, market: int, which: int, value: int) -> None:
        """Sets a parameter as the admin, at once (the market is not open yet, or the change tightens)."""
        self.must(kind=command.SET_PARAMETER, signer=command.ADMIN, market=market, other=which, price=value)

    def tick(self, after_ms: int = 1_000) -> Applied:
        self.now += after_ms
        return self.must(kind=command.TICK, signer=command.SEQUENCER, time=self.now)

    def price(self, market: int, price: int) -> Applied:
        """A price of source 0, published now."""
        return self.must(
            kind=command.ORACLE, signer=command.ORACLES, market=market, other=0, price=price, time=self.now
        )

    def place(self, account: int, market: int, side: int, price: int, size: int, **more: int) -> int:
        """A Gtc limit order (more flags through `flags`); returns its id (0: filled at once)."""
        flags = side | more.pop("flags", 0)
        fields = {"account": account, "market": market, "price": price, "size": size, "flags": flags, **more}
        return int(self.must(kind=command.PLACE, signer=account, **fields).made[0])

    def liquidate(self, units: int = 64) -> Applied:
        return self.must(kind=command.LIQUIDATE, signer=command.SEQUENCER, size=units)

    def trade(self, buyer: int, seller: int, market: int, price: int, size: int) -> None:
        """A fill between two accounts at a price."""
        self.place(seller, market, SELL, price, size)
        self.place(buyer, market, BUY, price, size)

    def position(self, bucket: int, market: int) -> int:
        """Signed lots of a bucket in a market."""
        columns: Any = self.venue.columns
        slot = int(columns["bucket_first"][bucket])
        while slot:
            if columns["slot_market"][slot] == market:
                return int(columns["slot_size"][slot])
            slot = int(columns["slot_sibling"][slot])
        return 0

    def raw(self, bucket: int) -> int:
        return int(self.venue.columns["bucket_raw"][bucket])
