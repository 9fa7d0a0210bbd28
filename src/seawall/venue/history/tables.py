"""The tables of history, made from the records they hold (records.py): a column for each field, in the same order.

Integers are the engine's. Rows of what happened have a running number `id` in the order of the log; orders, accounts
and the like are kept as they are now. Names begin with `seawall_`, so that a database may hold other tables as well.
"""

import hashlib
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table

from seawall.terms import event
from seawall.venue.records import Change, Entry, Fill, Order, Payment, Pooled, Schedule, Step, Twap

MEANING: Final = 1  # raise it when equal columns come to mean something else
EVERYBODY: Final = -2  # in `volumes`: the venue, each trade once
CLIENT_ID_BYTES: Final = 16

METADATA: Final = MetaData()
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's key is its row number only as INTEGER
TYPES: Final[dict[Any, Any]] = {int: NUMBER, bool: Boolean(), str: String(), bytes: LargeBinary()}

# columns of a note: its own, then those of an event from its kind on
NOTE_FIELDS: Final = ("time", "sequence", "index", "account", "other_account")
EVENT_FIELDS: Final = event.ROW[1:]


def _column(name: str, kind: Any = int) -> "Column[Any]":
    return Column(name, LargeBinary(CLIENT_ID_BYTES) if name == "cloid" else TYPES[kind], nullable=name == "cloid")


def _columns(record: type[msgspec.Struct]) -> list["Column[Any]"]:
    return [_column(field.name, field.type) for field in msgspec.structs.fields(record) if field.type is not Schedule]


def _key(name: str, kind: Any = int) -> "Column[Any]":
    return Column(name, TYPES[kind], primary_key=True, autoincrement=False)


def _table(name: str, *columns: "Column[Any]", **options: Any) -> Table:
    return Table(f"seawall_{name}", METADATA, *columns, **options)


def _log(name: str, *columns: "Column[Any]") -> Table:
    """A table of what happened: rows are added at its end and never change."""
    return _table(name, _key("id"), *columns)


def _index(table: Table, *names: str, where: Any = None) -> None:
    columns = [table.c[name] for name in names]
    Index(f"{table.name}_{'_'.join(names)}", *columns, sqlite_where=where, postgresql_where=where)


META: Final = _table(
    "meta",
    _key("id"),
    Column("version", String(), nullable=False),
    _column("sequence"),  # of the last command told
    _column("time"),  # the venue's, after it
    _column("chain", bytes),  # Venue.chain after it
)
SYNCS: Final = _table("syncs", _key("id"), _column("count"))  # commits that were made to survive power loss
ORDERS: Final = _table("orders", _key("oid"), *_columns(Order)[1:])
FILLS: Final = _log("fills", *_columns(Fill))
PAYMENTS: Final = _log("payments", *_columns(Payment))
ENTRIES: Final = _log("entries", *_columns(Entry))
STEPS: Final = _log("steps", *_columns(Step))
CHANGES: Final = _log("changes", *_columns(Change))
NOTES: Final = _log("notes", *(_column(name) for name in (*NOTE_FIELDS, *EVENT_FIELDS)))
TWAPS: Final = _log(
    "twaps",
    *(_column(name) for name in ("time", "twap", *Schedule.__struct_fields__, "done", "cost")),
    _column("status", str),
    _column("reason"),
)
POOLED: Final = _log("pooled", *_columns(Pooled))
LISTINGS: Final = _log(
    "listings",
    *(_column(name) for name in ("time", "sequence", "number")),
    _column("coin", str),
    *(_column(name) for name in ("size_decimals", "price_max")),
)
ACCOUNTS: Final = _table(
    "accounts", _key("account"), _column("master"), _column("address", bytes), _column("name", str), _column("time")
)
AGENTS: Final = _table("agents", _key("address", bytes), _column("name", str))
PAYEES: Final = _table("payees", _key("reference"), _column("address", bytes))  # of withdrawals not yet paid
CANDLES: Final = _table(
    "candles",
    _key("market"),
    _key("interval", str),
    _key("start"),
    *(_column(name) for name in ("open", "high", "low", "close", "volume", "value", "trades")),
    sqlite_with_rowid=False,
)
VOLUMES: Final = _table(
    "volumes", _key("day"), _key("account"), _column("taker"), _column("maker"), sqlite_with_rowid=False
)
LOGS: Final = (FILLS, PAYMENTS, ENTRIES, STEPS, CHANGES, NOTES, TWAPS, POOLED, LISTINGS)

_index(ORDERS, "account", "oid")
_index(ORDERS, "account", "cloid", "oid", where=ORDERS.c.cloid.is_not(None))
_index(ORDERS, "engine", where=ORDERS.c.engine != 0)
_index(FILLS, "account", "time")
_index(FILLS, "market", "time", where=FILLS.c.is_taker.is_(True))
_index(FILLS, "account", "id", where=FILLS.c.twap != 0)
for _told in (PAYMENTS, ENTRIES, NOTES):
    _index(_told, "account", "time")
for _told in (STEPS, CHANGES):
    _index(_told, "market", "time")
for _told in (CHANGES, NOTES):
    _index(_told, "time")
_index(NOTES, "other_account", "time")
_index(NOTES, "sequence")
_index(TWAPS, "account", "id")
_index(POOLED, "account", "asset", "token")
_index(ACCOUNTS, "address")


def version() -> str:
    """Names the tables, their columns and indices: a database made by another version has another one."""
    words = [str(MEANING)]
    for table in METADATA.sorted_tables:
        kinds = [f"{column.name} {type(column.type).__name__} {column.nullable}" for column in table.columns]
        words += [table.name, *kinds, *sorted(str(index.name) for index in table.indexes)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


assert Twap.__struct_fields__ == ("time", "id", "schedule", "done", "cost", "status", "reason")
