"""The ledger of one account for a period: every movement of its cash, as history has it.

Cash is what the account's buckets hold without unrealised profit: raw_usd plus the entry notionals of its positions.
It moves by realised profit, fees, funding, and entries; so opening cash plus all amounts is closing cash, to the unit.
What moves none (margin between cross and isolated, unrealised profit given up for a shared loss, a withdrawal that is
paid after it was frozen) has a line with amount 0 and its own figure in `memo`.
"""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, select

from seawall.units import BadInput
from seawall.venue.history import tables
from seawall.venue.history.rows import fill_of, listing_of, reader
from seawall.venue.names import address_text
from seawall.venue.records import NOBODY, Entry, Fill, Payment
from seawall.venue.universe import Listing

STEP: Final = 1_000  # rows read at a time
LAST: Final = 253_402_300_799_999  # ms: the end of the year 9999
NO_CASH: Final = "socialised"  # the kind of entry whose amount is no cash
BETWEEN_ACCOUNTS: Final = ("send", "receive", "sub", "spot")
SUMMARY: Final = {  # where the amount of a kind goes, fills and funding apart
    "liquidationFee": "liquidations",
    "deficit": "liquidations",
    "pool": "pools",
    "insurance": "pools",
    "collateral": "collateral",
    "interest": "interest",
    "lots": "collateral",
    "unwind": "collateral",
}

WORDS: Final = ("realised_pnl", "fees", "funding", "liquidations", "transfers", "pools", "collateral", "interest")

payment_of: Final = reader(Payment)
entry_of: Final = reader(Entry)


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One movement. Amounts in micro-USD, credited to the account; negative: charged."""

    time: int
    sequence: int
    kind: str  # trade liquidation backstop adl settlement funding, or of an entry (mirror_office.py)
    market: int = NOBODY
    lots: int = 0  # bought, or negative: sold; of funding: held
    price: int = 0
    pnl: int = 0
    fee: int = 0  # charged; negative: a rebate
    amount: int
    memo: int = 0
    other: bytes = b""  # address of the other side
    reference: int = 0  # of a deposit, a withdrawal; shares of a pool
    oid: int = 0
    tid: int = 0


class Total(msgspec.Struct, gc=False):
    """All lines of a kind."""

    lines: int = 0
    pnl: int = 0
    fee: int = 0
    amount: int = 0


class Ledger:
    """A period of an account, read within one transaction: walk `lines`, then the totals and the closing cash stand."""

    def __init__(self, connection: Connection, address: bytes, start: int, end: int) -> None:
        """Lines from `start` up to but not with `end`, in ms. BadInput for an account that history does not know."""
        if not 0 <= start < end <= LAST:
            raise BadInput("period", "expected times between 1970 and 9999, the first one before the other")
        self._connection = connection
        self.address = address
        self.start, self.end = start, end
        self.account = _account_of(connection, address)
        mark = connection.execute(select(tables.META.c.sequence, tables.META.c.time)).one()
        self.sequence, self.time = mark.sequence, mark.time  # how far history knows the log
        self.opening = self.cash = self._cash_before(start)
        self.totals: dict[str, Total] = {}
        self._listings = _listings(connection)
        self._addresses: dict[int, bytes] = {}

    def lines(self) -> Iterator[Line]:
        """The lines in the order of the log; `cash` is that after the line."""
        streams = [
            ((payment.sequence, 0, _of_payment(payment)) for payment in map(payment_of, self._read(tables.PAYMENTS))),
            ((fill.sequence, 1, _of_fill(fill)) for fill in map(fill_of, self._read(tables.FILLS))),
            ((entry.sequence, 2, self._of_entry(entry)) for entry in map(entry_of, self._read(tables.ENTRIES))),
        ]
        for _, _, line in heapq.merge(*streams, key=itemgetter(0, 1)):
            total = self.totals.setdefault(line.kind, Total())
            total.lines += 1
            total.pnl += line.pnl
            total.fee += line.fee
            total.amount += line.amount
            self.cash += line.amount
            yield line

    def listing(self, line: Line) -> Listing | None:
        """The market that had the line's number then."""
        found = None
        for sequence, listing in self._listings.get(line.market, []):
            if sequence <= line.sequence:
                found = listing
        return found

    def summary(self) -> dict[str, int]:
        """What came of each cause; their sum is the change of cash."""
        made = dict.fromkeys(WORDS, 0)
        for kind, total in self.totals.items():
            made["realised_pnl"] += total.pnl
            made["fees"] -= total.fee
            rest = total.amount - total.pnl + total.fee
            made["funding" if kind == "funding" else SUMMARY.get(kind, "transfers")] += rest
        return made

    def _cash_before(self, time: int) -> int:
        fills, payments, entries = tables.FILLS.c, tables.PAYMENTS.c, tables.ENTRIES.c
        sums = (
            select(func.sum(fills.pnl - fills.fee)).where(fills.account == self.account, fills.time < time),
            select(func.sum(payments.amount)).where(payments.account == self.account, payments.time < time),
            select(func.sum(entries.amount)).where(
                entries.account == self.account, entries.time < time, entries.kind != NO_CASH
            ),
        )
        return sum(int(self._connection.scalar(found) or 0) for found in sums)

    def _read(self, table: Any) -> Iterator[Any]:
        """The account's rows of a log in the period, oldest first, without their running number."""
        where = (table.c.account == self.account, table.c.time >= self.start, table.c.time < self.end)
        found: Select[Any] = select(table).where(*where).order_by(table.c.time, table.c.id)
        for row in self._connection.execute(found.execution_options(yield_per=STEP)):
            yield row[1:]

    def _of_entry(self, entry: Entry) -> Line:
        amount, memo, other, reference = entry.amount, 0, entry.address, entry.reference
        if entry.kind == NO_CASH:
            amount, memo = 0, entry.amount
        elif entry.kind == "isolated":
            memo = entry.other
        elif entry.kind in BETWEEN_ACCOUNTS:
            other = self._address_of(entry.other)
        return Line(
            time=entry.time,
            sequence=entry.sequence,
            kind=entry.kind,
            market=entry.market,
            amount=amount,
            memo=memo,
            other=other,
            reference=reference,
        )

    def _address_of(self, account: int) -> bytes:
        if account not in self._addresses:
            found = self._connection.scalar(
                select(tables.ACCOUNTS.c.address).where(tables.ACCOUNTS.c.account == account)
            )
            self._addresses[account] = bytes(found or b"")
        return self._addresses[account]


def _of_payment(payment: Payment) -> Line:
    return Line(
        time=payment.time,
        sequence=payment.sequence,
        kind="funding",
        market=payment.market,
        lots=payment.lots,
        amount=payment.amount,
    )


def _of_fill(fill: Fill) -> Line:
    kind = fill.method or "trade"
    if fill.method == "market":
        kind = "liquidation" if fill.liquidated == fill.account else "trade"
    return Line(
        time=fill.time,
        sequence=fill.sequence,
        kind=kind,
        market=fill.market,
        lots=fill.lots,
        price=fill.price,
        pnl=fill.pnl,
        fee=fill.fee,
        amount=fill.pnl - fill.fee,
        oid=fill.oid,
        tid=fill.tid,
    )


def _account_of(connection: Connection, address: bytes) -> int:
    found = connection.scalar(select(tables.ACCOUNTS.c.account).where(tables.ACCOUNTS.c.address == address))
    if found is None:
        raise BadInput("account", f"history has no account {address_text(address)}")
    return int(found)


def _listings(connection: Connection) -> dict[int, list[tuple[int, Listing]]]:
    """(sequence from which it holds, listing) by number, oldest first."""
    found: dict[int, list[tuple[int, Listing]]] = {}
    for row in connection.execute(select(tables.LISTINGS).order_by(tables.LISTINGS.c.id)):
        listing = listing_of(row[3:])
        found.setdefault(listing.number, []).append((row.sequence, listing))
    return found
