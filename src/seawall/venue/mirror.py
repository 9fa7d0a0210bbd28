"""What the log says in the words of traders: orders with their states, fills with their profit, payments, receipts.

A mirror follows the venue batch by batch and turns rows and events into records (records.py). It holds what records
need and events do not repeat: who owns a bucket, what it held before a fill, which order an engine's id is. It depends
on the log alone, so a mirror that starts from kept records and the columns of that moment goes on the same.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from seawall.engine.rows import table_of
from seawall.ledger import state
from seawall.terms import code, command, event
from seawall.venue import mirror_office, mirror_trades
from seawall.venue.batch import Batch
from seawall.venue.holdings import FLAT, Held, Holdings
from seawall.venue.live import LiveOrders
from seawall.venue.people import People
from seawall.venue.records import NOBODY, Fill, News, Order, Schedule
from seawall.venue.universe import Listing, Universe

FIELD: Final = {name: place for place, name in enumerate(command.ROW)}
KIND, TIME = FIELD["kind"], FIELD["time"]
SEQUENCE, EVENT = event.ROW.index("sequence"), event.ROW.index("kind")
PLACED: Final = 16_384  # kept for answers, which come within the turn
Values = list[int]
Row = list[int]


class Context:
    """The command whose events are being read."""

    __slots__ = ("cuts", "index", "kind", "made", "row", "sequence", "taker", "unclaimed", "whole")

    def __init__(self) -> None:
        self.sequence = self.kind = self.index = self.made = 0
        self.row: Row = []
        self.taker: Order | None = None  # whose fills these are; among the news already
        self.unclaimed: list[Fill] = []  # of a slice whose schedule is told after them
        self.whole: Held = FLAT  # what a bucket held before those who close it by ADL
        self.cuts: dict[int, int] = {}  # by bucket, from the profit that its ADL is about to realise


class Mirror:
    """Everything that follows from the log. Give it every batch, in order; it returns the news of each."""

    def __init__(self, accounts: int, markets: int) -> None:
        """`accounts` and `markets` are the venue's capacity: they decide which bucket numbers mean what."""
        self.accounts = accounts
        self.markets = markets
        self.pools_from = 0  # first bucket that is a pool
        self.universe = Universe()
        self.people = People()
        self.orders = LiveOrders()
        self.holdings = Holdings()
        self.owners: dict[int, int] = {}  # of isolated buckets in use
        self.placed: dict[int, Order] = {}  # by the sequence of PLACE and MODIFY, the latest ones
        self.rates: dict[int, int] = {}  # last funding rate of a market
        self.marks: dict[int, int] = {}
        self.oracles: dict[int, int] = {}
        self.payees: dict[int, bytes] = {}  # of pending withdrawals
        self.twaps: dict[int, Schedule] = {}  # running ones by their id
        self.ranges: dict[tuple[int, int], tuple[int, int, int, int]] = {}  # by (asset, token)
        self.priced_by: dict[int, int] = {}  # market of an asset
        self.now = 0
        self.sequence = 0
        self.at = Context()
        self.news = News(0, 0, 0)

    def load(self, columns: Any, kept: "Kept") -> None:
        """Starts from the columns and what was kept of the log up to the same command."""
        self.pools_from = len(columns["bucket_raw"]) - 2 * self.markets
        for listing in kept.listings:
            self.universe.add(listing)
        self.people.load(columns, kept.names, kept.agent_names)
        self.orders.load(kept.orders, kept.last_oid)
        self.holdings.load(columns)
        self.payees = dict(kept.payees)
        used = self.accounts + int(columns["cell"][state.ISOLATED_USED])
        owners = columns["bucket_owner"][self.accounts : used].tolist()
        self.owners = {self.accounts + place: owner for place, owner in enumerate(owners) if owner >= 0}
        for market in range(self.markets):
            self.rates[market] = int(columns["market_funding_rate"][market])
            self.marks[market] = int(columns["market_price"][market])
            self.oracles[market] = int(columns["market_oracle"][market])
        self.priced_by = dict(enumerate(columns["asset_market"][: int(columns["cell"][state.ASSETS])].tolist()))
        rows = columns["holding_high"].nonzero()[0]
        names = ("asset", "token", "lots", "low", "high", "scale")
        for asset, token, *terms in zip(*(columns[f"holding_{name}"][rows].tolist() for name in names), strict=True):
            self.ranges[asset, token] = (terms[0], terms[1], terms[2], terms[3])
        for row in range(1, int(columns["cell"][state.TWAPS_USED])):
            if columns["twap_id"][row]:
                names = ("bucket", "market", "flags", "size", "start", "duration")
                values = [int(columns[f"twap_{name}"][row]) for name in names]
                self.twaps[int(columns["twap_id"][row])] = Schedule(*values)
        self.now = int(columns["cell"][state.NOW])
        self.sequence = int(columns["cell"][state.SEQUENCE])

    def owner_of(self, bucket: int) -> int:
        """The account that a bucket belongs to; NOBODY for a pool."""
        if 0 <= bucket < self.accounts:
            return bucket
        return self.owners.get(bucket, NOBODY)

    def note_owner(self, bucket: int, account: int) -> None:
        """An isolated bucket is an account's."""
        if self.accounts <= bucket < self.pools_from:
            self.owners[bucket] = account

    def see(self, batch: Batch) -> News:
        """The news of the next batch."""
        assert batch.first == self.sequence + 1
        news = self.news = News(batch.first, batch.last, self.now, batch.chain)
        rows = table_of(batch.rows).tolist()
        codes, made, events = batch.codes.tolist(), batch.made.tolist(), batch.events.tolist()
        place, many = 0, len(events)
        for number, row in enumerate(rows):
            sequence = batch.first + number
            start = place
            while place < many and events[place][SEQUENCE] == sequence:
                place += 1
            if codes[number] == code.OK:
                self._command(sequence, row, made[number], events[start:place])
        self.sequence = batch.last
        for old in [*islice(self.placed, max(0, len(self.placed) - PLACED))]:
            del self.placed[old]
        news.time = self.now
        return news

    def _command(self, sequence: int, row: Row, made: int, events: list[Values]) -> None:
        at = self.at
        at.sequence, at.kind, at.row, at.made, at.index = sequence, row[KIND], row, made, 0
        at.taker = None
        if at.kind == command.TICK:
            self.now = max(self.now, row[TIME])
        if at.kind in BEGIN:
            BEGIN[at.kind](self)
        for at.index, values in enumerate(events):
            if values[EVENT] in EVENTS:
                EVENTS[values[EVENT]](self, values)
        mirror_trades.end_taker(self)
        if at.kind in END:
            END[at.kind](self)


class Kept:
    """What a mirror starts from beside the columns: all that was told of the log up to then."""

    def __init__(self) -> None:
        self.listings: list[Listing] = []
        self.names: dict[int, str] = {}
        self.agent_names: dict[bytes, str] = {}
        self.orders: list[Order] = []  # live ones
        self.last_oid = 0
        self.payees: dict[int, bytes] = {}  # of pending withdrawals


Begin = Callable[[Mirror], None]
Tell = Callable[[Mirror, Values], None]
BEGIN: Final[dict[int, Begin]] = {**mirror_trades.BEGIN, **mirror_office.BEGIN}
END: Final[dict[int, Begin]] = {**mirror_trades.END}
EVENTS: Final[dict[int, Tell]] = {**mirror_trades.EVENTS, **mirror_office.EVENTS}
