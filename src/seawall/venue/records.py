"""What happened, one record each, as followers hand it on: to history, to websockets, to whoever asks.

Integers are the engine's: micro-USD, lots, micro-USD per lot, ms, rates in 1e-12 an hour. An account is its number.
"""

from typing import Final

import msgspec

from seawall.venue.universe import Listing

NOBODY: Final = -1


class Order(msgspec.Struct, kw_only=True, gc=False):
    """An order from when it was accepted. `oid` is the venue's number of it, dense from 1; `engine` the engine's id
    while it rests or waits, else 0. An order that is triggered keeps its oid."""

    oid: int
    engine: int
    account: int
    bucket: int
    market: int
    flags: int  # terms/command.py
    price: int  # limit or worst price; 0: at the market once triggered
    size: int  # lots it was for; 0: the whole position
    left: int  # of a trigger order: as it was placed, the engine's columns know what is armed
    done: int  # lots filled
    trigger: int
    extra: int  # distance of a trailing stop
    cloid: int  # 0: none
    time: int
    status: str  # Hyperliquid's words
    status_time: int
    sequence: int  # the command that placed it
    parent: int  # oid of the order it is attached to; 0: none
    twap: int  # id of the schedule whose slice it is; 0: none
    cost: int  # micro-USD of what has filled
    reason: int = 0  # result code of a cancellation
    fired: bool = False  # its trigger has fired


class Fill(msgspec.Struct, kw_only=True, gc=False):
    """One side of a trade."""

    tid: int  # both sides have the same
    time: int
    sequence: int
    market: int
    account: int  # NOBODY: a pool
    bucket: int
    oid: int  # 0: no order of its own (liquidation, ADL, settlement, a pool)
    cloid: int
    lots: int  # signed
    price: int
    start: int  # signed lots before
    pnl: int  # realised, micro-USD, before the fee
    fee: int  # negative: a rebate
    is_taker: bool
    method: str  # "", "market" (liquidation through the book), "backstop", "adl", "settlement"
    liquidated: int  # account that is being liquidated; NOBODY: none
    mark: int  # at a liquidation
    twap: int
    other: int  # the account on the other side


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """A TWAP."""

    account: int
    market: int
    flags: int
    size: int
    start: int
    duration: int


class Payment(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """Funding settled on one position."""

    time: int
    sequence: int
    account: int
    bucket: int
    market: int
    lots: int
    rate: int  # of the last step
    amount: int  # credited; negative: paid


class Entry(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """Money of an account that moved otherwise."""

    time: int
    sequence: int
    account: int
    kind: str  # mirror_office.py ENTRIES
    amount: int  # what its buckets' cash gained, micro-USD
    other: int  # account, bucket or pool on the other side
    market: int
    reference: int
    address: bytes  # who is paid, of a withdrawal


class Step(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A market's funding index moved."""

    time: int
    market: int
    rate: int
    oracle: int
    step: int  # 1e-12 USD per lot


class Change(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A parameter, a tier, a source, a status or a breaker of a market (or of the venue: market -1) changed."""

    time: int
    sequence: int
    market: int
    kind: str  # parameter tier source status breaker
    number: int  # parameter, tier or source
    value: int
    is_live: bool  # a proposal or a ramp, not the admin's own value
    since: int  # when it takes effect
    signer: int  # of the command, a role or 0


class Twap(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A TWAP began, went on or ended."""

    time: int
    id: int
    schedule: Schedule
    done: int  # lots in all; of a slice: its own
    cost: int
    status: str  # activated slice finished terminated error
    reason: int


class Note(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """One event of a liquidation, as the engine told it, with the owner of its bucket."""

    time: int
    sequence: int
    index: int  # among the command's events
    account: int
    other_account: int  # owner of `other` where that is a bucket
    values: tuple[int, ...]  # terms/event.py ROW from kind on


class Pooled(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A position of liquidity came into an account (or another bucket of it), left, or was paid for by its pool."""

    time: int
    sequence: int
    account: int
    asset: int
    token: int
    kind: str  # came left paid
    liquidity: int  # that it has, of what was paid: before the change
    low: int  # margin/lp_value.py
    high: int
    scale: int
    index: int  # of its market then
    lots: int  # of the base and USD that its pool paid
    usd: int


class Owner(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """An account was made."""

    account: int
    master: int
    address: bytes
    name: str
    time: int


class Listed(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A market was listed, or its number given to another one after a delisting."""

    time: int
    sequence: int
    listing: Listing


class News(msgspec.Struct, gc=False):
    """Everything of one batch."""

    first: int
    last: int
    time: int
    chain: bytes = b""  # Venue.chain after the batch: which log this is of
    orders: dict[int, Order] = {}  # by oid: touched, as they are afterwards
    fills: list[Fill] = []
    payments: list[Payment] = []
    entries: list[Entry] = []
    steps: list[Step] = []
    changes: list[Change] = []
    notes: list[Note] = []
    twaps: list[Twap] = []
    pooled: list[Pooled] = []
    marks: list[tuple[int, int]] = []  # (market, mark)
    mark_places: list[tuple[int, int]] = []  # (sequence, time), beside `marks`
    indices: list[tuple[int, int, int]] = []  # (market, index, 1 fresh or 0 stale)
    accounts: list[int] = []  # new, renamed, or with other agents
    owners: list[Owner] = []  # of new accounts
    agent_names: list[tuple[bytes, str]] = []  # (address, name)
    listed: list[int] = []  # markets
    listings: list[Listed] = []  # what became of them
    leverages: list[tuple[int, int, int, int]] = []  # (account, market, leverage, 1 isolated)
    touched: set[int] = set()  # accounts with another state
    books: set[int] = set()  # markets with another book
