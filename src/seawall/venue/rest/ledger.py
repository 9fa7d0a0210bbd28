"""The ledger of an account for a period, as JSON or as CSV: what `seawall ledger` writes, for the account's address."""

import asyncio
import csv
import io
from typing import Annotated, Any, Final

import msgspec

from seawall.venue.rest.shape import EXAMPLE_ADDRESS, Shape, says
from seawall.venue.service import Service

LAST: Final = 253_402_300_799_999  # ms: the end of the year 9999, the last that history writes
Cash = Annotated[str, says("USD without unrealised profit, of all the account's buckets.", "1000.0")]
When = Annotated[str, says("ISO 8601 in UTC.", "2025-10-10T20:00:00.000Z")]


class LedgerHead(Shape, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What it begins with: lines from `from` up to but not with `to`, of a log known up to `through`."""

    account: Annotated[str, says("The account's address.", EXAMPLE_ADDRESS)]
    start: When
    end: When
    through: When
    through_sequence: Annotated[int, says("The last command that history has.", 12_345)]
    opening_cash: Cash


class LedgerLine(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """One movement. Fields with nothing to say are left out."""

    time: When
    sequence: Annotated[int, says("The command that did it.", 12_345)]
    kind: Annotated[
        str,
        says(
            "trade, liquidation, backstop, adl, settlement or funding; or of other money: deposit, withdraw, "
            "withdrawn, returned, send, receive, sub, spot, isolated, pool, insurance, liquidationFee, deficit, "
            "socialised.",
            "trade",
        ),
    ]
    coin: Annotated[str, says("The market.", "BTC")] = ""
    side: Annotated[str, says("buy or sell; of funding: long or short.", "buy")] = ""
    size: Annotated[str, says("Units of the coin.", "0.5")] = ""
    price: Annotated[str, says("USD.", "50000.0")] = ""
    realised_pnl: Annotated[str, says("Before the fee. USD.", "12.5")] = ""
    fee: Annotated[str, says("Charged; below 0: a rebate. USD.", "11.25")] = ""
    amount: Annotated[str, says("What the cash gained. USD.", "1.25")]
    cash: Cash
    memo: Annotated[str, says("Moved or given up without changing the cash. USD.", "")] = ""
    other: Annotated[str, says("Address of the other side.", "")] = ""
    reference: Annotated[str, says("Of a deposit, a withdrawal, shares of a pool.", "")] = ""
    oid: Annotated[str, says("The order.", "17")] = ""
    tid: Annotated[str, says("The trade.", "404523")] = ""


class LedgerTotal(Shape, frozen=True, kw_only=True):
    """All lines of a kind."""

    lines: Annotated[int, says("How many.", 3)]
    realised_pnl: Annotated[str, says("USD.", "12.5")]
    fee: Annotated[str, says("USD.", "11.25")]
    amount: Annotated[str, says("USD.", "1.25")]


class LedgerTail(Shape, frozen=True, kw_only=True):
    """What it ends with. Opening cash and the sum of the summary are the closing cash, to the unit."""

    totals: Annotated[dict[str, LedgerTotal], says("By kind.")]
    summary: Annotated[
        dict[str, str],
        says(
            "What came of each cause: realised_pnl, fees, funding, liquidations, transfers, pools, "
            "collateral, interest. USD.",
            {"fees": "-1.0"},
        ),
    ]
    closing_cash: Cash


class LedgerView(Shape, frozen=True, kw_only=True):
    """The ledger of an account for a period."""

    head: LedgerHead
    lines: tuple[LedgerLine, ...]
    tail: LedgerTail


async def ledger_view(service: Service, account: int, start: int, end: int) -> LedgerView:
    """Lines from `start` up to but not with `end`. BadInput for an empty period and for too many lines."""
    address = service.people.persons[account].address
    found: Any = await service.history.statement(address, start, min(end, LAST))
    return await asyncio.to_thread(msgspec.convert, found, LedgerView, from_attributes=True)


def csv_of(ledger: LedgerView) -> str:
    """The rows of `seawall ledger --format csv`: `kind` tells lines, totals, summary, opening and closing apart."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    columns = LedgerLine.__struct_fields__
    rows.writerow(columns)

    def special(kind: str, time: str, **cells: str) -> None:
        named = {"time": time, "kind": kind, **cells}
        rows.writerow([named.get(name, "") for name in columns])

    special("opening", ledger.head.start, cash=ledger.head.opening_cash)
    for line in ledger.lines:
        rows.writerow(msgspec.structs.astuple(line))
    for kind, total in ledger.tail.totals.items():
        amounts = {"realised_pnl": total.realised_pnl, "fee": total.fee, "amount": total.amount}
        special(f"total {kind}", ledger.head.end, **amounts)
    for cause, amount in ledger.tail.summary.items():
        special(f"summary {cause}", ledger.head.end, amount=amount)
    special("closing", ledger.head.end, cash=ledger.tail.closing_cash)
    return out.getvalue()
