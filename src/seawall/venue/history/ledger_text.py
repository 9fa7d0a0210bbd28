"""A ledger as text: plain decimals of USD and UTC times, as CSV or as JSON. Both say the same."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from seawall.units import BadInput, floor_div
from seawall.venue.decimals import usd_text
from seawall.venue.history.ledger import Ledger, Line
from seawall.venue.names import address_text

SECOND: Final = 1_000
SIDES: Final = {"trade": ("buy", "sell"), "funding": ("long", "short")}


class LineText(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A line as it is shown; empty where there is nothing to say."""

    time: str
    sequence: int
    kind: str
    coin: str = ""
    side: str = ""  # buy or sell; of funding: long or short
    size: str = ""
    price: str = ""
    realised_pnl: str = ""
    fee: str = ""  # charged; negative: a rebate
    amount: str  # what the cash gained
    cash: str  # after it
    memo: str = ""  # moved or given up without changing the cash
    other: str = ""  # address of the other side
    reference: str = ""
    oid: str = ""
    tid: str = ""


class TotalText(msgspec.Struct, frozen=True, kw_only=True):
    """All lines of a kind."""

    lines: int
    realised_pnl: str
    fee: str
    amount: str


class Head(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What a ledger begins with: lines from `start` up to but not with `end`, of a log known up to `through`."""

    account: str
    start: str
    end: str
    through: str
    through_sequence: int
    opening_cash: str


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger ends with. Opening cash and the summary's sum make closing cash."""

    totals: dict[str, TotalText]
    summary: dict[str, str]
    closing_cash: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A whole ledger as one answer."""

    head: Head
    lines: list[LineText]
    tail: Tail


def time_text(time: int) -> str:
    """ISO 8601 in UTC with ms."""
    whole = floor_div(time, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{time - whole * SECOND:03d}Z"


def time_of(text: str, field: str) -> int:
    """ms of an ISO date or time (UTC unless it says otherwise), or of a number of ms. BadInput for anything else."""
    if text.isascii() and text.isdigit() and len(text) > len("20251231"):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(field, f"{text[:40]!r} is no ISO date, time, or number of ms") from error
    exact = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (exact.days * 86_400 + exact.seconds) * SECOND + floor_div(exact.microseconds, SECOND)


def head_of(ledger: Ledger) -> Head:
    return Head(
        account=address_text(ledger.address),
        start=time_text(ledger.start),
        end=time_text(ledger.end),
        through=time_text(ledger.time),
        through_sequence=ledger.sequence,
        opening_cash=usd_text(ledger.opening),
    )


def tail_of(ledger: Ledger) -> Tail:
    """Once the lines have been walked."""
    totals = {
        kind: TotalText(
            lines=total.lines,
            realised_pnl=usd_text(total.pnl),
            fee=usd_text(total.fee),
            amount=usd_text(total.amount),
        )
        for kind, total in sorted(ledger.totals.items())
    }
    summary = {name: usd_text(amount) for name, amount in ledger.summary().items()}
    return Tail(totals=totals, summary=summary, closing_cash=usd_text(ledger.cash))


def texts(ledger: Ledger) -> Iterator[LineText]:
    """The lines as text."""
    for line in ledger.lines():
        yield _text(ledger, line)


def write_csv(ledger: Ledger, out: TextIO) -> None:
    """A row for the opening cash, one a line, one a kind for its total, one a cause for the summary, and the closing
    cash; the column `kind` tells them apart.
    """
    rows = csv.writer(out, lineterminator="\n")
    columns = LineText.__struct_fields__
    rows.writerow(columns)

    def special(kind: str, time: int, **cells: str) -> None:
        named: dict[str, str] = {"time": time_text(time), "kind": kind, **cells}
        rows.writerow([named.get(name, "") for name in columns])

    special("opening", ledger.start, cash=usd_text(ledger.opening))
    for line in texts(ledger):
        rows.writerow(msgspec.structs.astuple(line))
    tail = tail_of(ledger)
    for kind, total in tail.totals.items():
        special(f"total {kind}", ledger.end, realised_pnl=total.realised_pnl, fee=total.fee, amount=total.amount)
    for cause, amount in tail.summary.items():
        special(f"summary {cause}", ledger.end, amount=amount)
    special("closing", ledger.end, cash=tail.closing_cash)


def write_json(ledger: Ledger, out: TextIO) -> None:
    """One object: the head, `lines`, the tail."""
    out.write(_plain(head_of(ledger))[:-1] + ',"lines":[')
    separator = "\n"
    for line in texts(ledger):
        out.write(separator + _plain(line))
        separator = ",\n"
    out.write("\n]," + _plain(tail_of(ledger))[1:] + "\n")


def _plain(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _text(ledger: Ledger, line: Line) -> LineText:
    listing = ledger.listing(line)
    is_fill = line.tid != 0
    sides = SIDES["trade" if is_fill else "funding"]
    return LineText(
        time=time_text(line.time),
        sequence=line.sequence,
        kind=line.kind,
        coin=listing.coin if listing is not None else "",
        side=sides[line.lots < 0] if line.lots else "",
        size=listing.size_text(abs(line.lots)) if listing is not None and line.lots else "",
        price=listing.price_text(line.price) if listing is not None and is_fill else "",
        realised_pnl=usd_text(line.pnl) if is_fill else "",
        fee=usd_text(line.fee) if is_fill else "",
        amount=usd_text(line.amount),
        cash=usd_text(ledger.cash),
        memo=usd_text(line.memo) if line.memo else "",
        other=address_text(line.other) if line.other else "",
        reference=str(line.reference) if line.reference else "",
        oid=str(line.oid) if line.oid else "",
        tid=str(line.tid) if line.tid else "",
    )
