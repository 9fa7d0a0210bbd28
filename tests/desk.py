"""Accounts and cash over a bare record: the gates and handlers of money commands, and markets, prices and positions put
there directly, so that these tests stand without the book, the oracle and the office.
"""

from typing import Any

from seawall.engine import accounts, authority, cash, isolated, withdrawals
from seawall.engine.rows import rows_for_kernels, rows_of, shape_codes
from seawall.ledger import buckets, state
from seawall.margin.certificate import FENCE, LIVE
from seawall.terms import code, command, event, parameter
from seawall.terms.limits import SPLIT_BITS
from seawall.units import RATE_ONE

START = 1_760_000_400_000  # an hour's start, UTC
USD = 1_000_000
PRICE = 100 * USD
HANDLERS: dict[int, Any] = {
    command.CREATE_ACCOUNT: accounts.create_account,
    command.CREATE_SUB: accounts.create_sub,
    command.APPROVE_AGENT: accounts.approve_agent,
    command.REVOKE_AGENT: accounts.revoke_agent,
    command.DEPOSIT: cash.deposit,
    command.WITHDRAW: withdrawals.withdraw,
    command.FINISH_WITHDRAWAL: withdrawals.finish_withdrawal,
    command.CANCEL_WITHDRAWAL: withdrawals.cancel_withdrawal,
    command.TRANSFER: cash.transfer,
    command.ISOLATED_MARGIN: isolated.isolated_margin,
    command.SET_TOP_UP: isolated.set_top_up,
    command.MOVE_POSITION: isolated.move_position,
    command.SET_LEVERAGE: isolated.set_leverage,
}
NONCE_CELLS = (state.NONCE_HEAD, state.NONCE_COUNT, state.RESULT)
NONCES = ("nonce_signer", "nonce_value", "nonce_part", "nonce_place", "nonce_floor", "nonce_top")


class Desk:
    """A record with open markets at 100 USD a lot: 20x, 2.5 % maintenance, then 10x and 5 % above 1 M USD."""

    def __init__(self, number: int = 2) -> None:
        self.capacity = state.SMALL
        self.array = state.create_state(self.capacity)
        self.columns: Any = state.columns_of(self.array)
        self.s = state.for_kernels(self.array)[0]
        self.cell = self.columns["cell"]
        self.cell[state.NOW] = START
        self.cell[state.MARKETS] = number
        self.cell[state.HOUR_START] = START
        self.cell[state.DAY_START] = START - START % parameter.DAY_MS
        self.deposits = self.addresses = 0
        self.nonce = START
        for market in range(number):
            self._open(market)

    def _open(self, market: int) -> None:
        c = self.columns
        for name, value in (("status", command.ACTIVE), ("price_max", 2**33), ("size_decimals", 0), ("weight", 1024)):
            c[f"market_{name}"][market] = value
        c["market_listed_size"][market] = 2**20
        step = 10**6 * USD
        for k, (leverage, rate, lower) in enumerate(((20, RATE_ONE // 40, 0), (10, RATE_ONE // 20, step))):
            c["base_leverage"][market, k], c["base_rate"][market, k] = leverage, rate
            for row in (2 * market + LIVE, 2 * market + FENCE):
                c["tier_lower"][row, k], c["tier_rate"][row, k], c["tier_count"][row] = lower, rate, k + 1
        deduction = step * (RATE_ONE // 20 - RATE_ONE // 40)
        for row in (2 * market + LIVE, 2 * market + FENCE):
            c["tier_high"][row, 1], c["tier_low"][row, 1] = deduction >> SPLIT_BITS, deduction % (1 << SPLIT_BITS)
        self.mark(market, PRICE)

    def mark(self, market: int, price: int, *, fresh: bool = True) -> None:
        """A fresh mark and index."""
        c = self.columns
        c["market_price"][market] = c["market_oracle"][market] = price
        c["market_oracle_time"][market] = self.now
        c["market_fresh"][market] = int(fresh)

    @property
    def now(self) -> int:
        return int(self.cell[state.NOW])

    def pass_time(self, ms: int) -> None:
        """Moves the clock as TICK does for withdrawals; prices stay fresh."""
        self.cell[state.NOW] += ms
        for start, out, length in (
            (state.HOUR_START, state.HOUR_OUT, parameter.HOUR_MS),
            (state.DAY_START, state.DAY_OUT, parameter.DAY_MS),
        ):
            if self.now - self.cell[start] >= length:
                self.cell[start], self.cell[out] = self.now - self.now % length, 0
        for market in range(int(self.cell[state.MARKETS])):
            self.columns["market_oracle_time"][market] = self.now

    def venue_parameter(self, which: int, value: int) -> None:
        self.columns["param"][self.capacity.markets, which] = value

    def do(self, kind: int, **fields: int) -> int:
        """One command through the gates of engine/apply.py and its handler; persons get the next nonce."""
        signer = fields.setdefault("signer", self.signer_of(kind, fields.get("account", 0)))
        if signer > command.SEQUENCER and "nonce" not in fields:
            self.nonce += 1
            fields["nonce"] = self.nonce
        rows = rows_of([{"kind": kind, **fields}])
        self.cell[state.EVENTS_USED] = self.cell[state.RESULT] = 0
        c = rows_for_kernels(rows)[0]
        if (refusal := int(shape_codes(rows)[0])) != code.OK:
            return refusal
        if (refusal := int(authority.authorise(self.s, kind, signer, fields.get("account", 0)))) != code.OK:
            return refusal
        if (refusal := int(authority.use_nonce(self.s, c))) != code.OK:
            return refusal
        if not 0 <= fields.get("market", 0) < self.cell[state.MARKETS]:
            return code.UNKNOWN_MARKET
        return int(HANDLERS[kind](self.s, c))

    def signer_of(self, kind: int, account: int) -> int:
        """Who signs when nobody is named: the role of the kind, else the account's master."""
        right = authority.RIGHTS[kind]
        if right < 0:
            return right
        if right == authority.ENTRY:
            return command.SEQUENCER
        known = 0 <= account < self.cell[state.ACCOUNTS]
        return int(self.columns["account_master"][account]) if known else 0

    def must(self, kind: int, **fields: int) -> list[dict[str, int]]:
        """One command that is accepted; returns its events."""
        got = self.do(kind, **fields)
        assert got == code.OK, f"{fields}: {got} {code.TEXT[got]}"
        return self.events()

    def refused(self, expected: int, kind: int, **fields: int) -> None:
        """One command that is refused with `expected`, tells nothing and changes no durable byte but its nonce."""
        before = self.durable()
        got = self.do(kind, **fields)
        assert got == expected, f"{fields}: {got} {code.TEXT[got]} instead of {code.TEXT[expected]}"
        assert self.events() == []
        assert self.durable() == before

    def durable(self) -> bytes:
        """The durable bytes with burnt nonces taken out."""
        kept = {name: self.columns[name].copy() for name in NONCES}
        cells = {cell: int(self.cell[cell]) for cell in NONCE_CELLS}
        for name in NONCES:
            self.columns[name][...] = 0
        for cell in NONCE_CELLS:
            self.cell[cell] = 0
        self.cell[state.EVENTS_USED], used = 0, int(self.cell[state.EVENTS_USED])
        taken = bytes(state.durable_bytes(self.array, self.capacity))
        self.cell[state.EVENTS_USED] = used
        for name, column in kept.items():
            self.columns[name][...] = column
        for cell, value in cells.items():
            self.cell[cell] = value
        return taken

    def events(self) -> list[dict[str, int]]:
        """Events of the last command."""
        used = int(self.cell[state.EVENTS_USED])
        return [dict(zip(event.ROW, row, strict=True)) for row in self.columns["event"][:used].tolist()]

    def account(self, usd: int = 0) -> int:
        """A new master account with a deposit; returns its number."""
        self.addresses += 1
        number = int(self.cell[state.ACCOUNTS])
        self.must(command.CREATE_ACCOUNT, address_0=7, address_2=self.addresses)
        if usd:
            self.deposit(number, usd * USD)
        return number

    def sub(self, master: int) -> int:
        number = int(self.cell[state.ACCOUNTS])
        self.must(command.CREATE_SUB, account=master)
        return number

    def deposit(self, account: int, amount: int) -> None:
        self.deposits += 1
        self.must(command.DEPOSIT, account=account, amount=amount, reference=self.deposits)

    def trade(self, buyer: int, seller: int, market: int, size: int, price: int = PRICE, leverage: int = 20) -> None:
        """A fill between two buckets, without any check: what the tested commands then find."""
        for bucket, signed in ((buyer, size), (seller, -size)):
            slot = buckets.find_slot(self.s, bucket, market) or buckets.open_slot(self.s, bucket, market, leverage)
            buckets.settle(self.s, bucket)
            buckets.trade(self.s, slot, signed, price, 0)
            buckets.close_empty_slot(self.s, slot)

    def fund(self, market: int, step: int) -> None:
        """Moves the funding index by 1e-12 USD a lot."""
        self.columns["market_index"][market] += step

    def raw(self, bucket: int) -> int:
        return int(self.columns["bucket_raw"][bucket])

    def slot(self, bucket: int, market: int) -> int:
        return int(buckets.find_slot(self.s, bucket, market))

    def isolate(self, account: int, market: int, margin: int) -> int:
        """Moves the account's cross position into a bucket of its own; returns the bucket."""
        self.must(command.MOVE_POSITION, account=account, market=market, flags=command.ISOLATED, amount=margin)
        return int(isolated.find_isolated(self.s, account, market))

    def rest_order(self, bucket: int, market: int, order: int = 5) -> None:
        """An order in the bucket's list, as a reduce-only one: it reserves nothing."""
        c = self.columns
        c["order_id"][order], c["order_bucket"][order], c["order_market"][order] = order, bucket, market
        c["order_next"][order], c["bucket_order"][bucket] = c["bucket_order"][bucket], order
        c["bucket_orders"][bucket] += 1

    def drop_orders(self, bucket: int) -> None:
        self.columns["bucket_order"][bucket] = self.columns["bucket_orders"][bucket] = 0


def pair(usd: int = 1_000, size: int = 10, leverage: int = 20) -> tuple[Desk, int, int]:
    """A long and a short of `size` lots at 100 USD in market 0, both cross."""
    desk = Desk()
    long, short = desk.account(usd), desk.account(10**6)
    desk.trade(long, short, 0, size, PRICE, leverage)
    return desk, long, short


def isolated_pair(margin: int = 200 * USD, usd: int = 1_000) -> tuple[Desk, int, int]:
    """The long of `pair` in a bucket of its own: (desk, account, bucket)."""
    desk, long, _ = pair(usd)
    return desk, long, desk.isolate(long, 0, margin)
