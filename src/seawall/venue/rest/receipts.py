"""Receipts of an account's liquidations, from the notes that history keeps."""

from collections.abc import Iterable
from typing import Any, Final

from seawall.liquidation.receipt import OWN, deleveragings, receipt
from seawall.terms import event
from seawall.units import UsdMicro
from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.records import Note
from seawall.venue.rest.receipt_shapes import (
    DeleveragingView,
    LiquidationsView,
    PositionThen,
    ReceiptView,
    StepView,
)
from seawall.venue.service import Service
from seawall.venue.universe import Listing

NOTES_MOST: Final = 2_000
FIELDS: Final = event.ROW[1:]
Step = dict[str, Any]


async def liquidations_view(service: Service, account: int, start: int, end: int) -> LiquidationsView:
    """Liquidations of a period, by the time of their steps."""
    notes = await service.history.notes(account, start, end, NOTES_MOST)
    oldest_first = sorted(notes, key=lambda note: (note.sequence, note.index))
    return LiquidationsView(
        address=address_text(service.people.persons[account].address),
        time=service.now,
        receipts=tuple(_receipts(service, account, oldest_first))[::-1],
        deleveragings=tuple(_deleveragings(service, account, oldest_first))[::-1],
        is_complete=len(notes) < NOTES_MOST,
    )


def entry_of(note: Note) -> dict[str, int]:
    """A note as the engine's event."""
    return dict(zip(FIELDS, note.values, strict=True))


def runs_of(notes: Iterable[Note], account: int) -> list[list[Note]]:
    """The notes of each liquidation of an account, each from its LIQUIDATION on, in the order they began."""
    runs: list[list[Note]] = []
    running: dict[int, list[Note]] = {}
    for note in notes:
        entry = entry_of(note)
        if note.account != account or entry["kind"] not in OWN:
            continue
        bucket = entry["bucket"]
        if entry["kind"] == event.LIQUIDATION:
            running[bucket] = []
            runs.append(running[bucket])
        if bucket in running:
            running[bucket].append(note)
        if entry["kind"] == event.LIQUIDATION_END:
            del running[bucket]
    return runs


def _receipts(service: Service, account: int, notes: list[Note]) -> list[ReceiptView]:
    found = []
    for run in runs_of(notes, account):
        told = receipt([entry_of(note) for note in run])
        own = [note for note in run if note.values[0] != event.LIQUIDATION_POSITION]
        listings = service.universe.listings
        first = told["positions"][0]["market"] if told["positions"] else 0
        is_cross = told["bucket"] == account
        found.append(
            ReceiptView(
                bucket="cross" if is_cross else f"isolated {listings[first].coin}",
                started=run[0].time,
                sequence=run[0].sequence,
                ended=run[-1].time if told["finished"] else None,
                equity=usd_text(told["equity"]),
                maintenance=usd_text(told["maintenance"]),
                liquidation_end=usd_text(told["liquidation_end"]),
                below_backstop_share=told["steps"][0]["below_backstop_share"],
                positions=tuple(_position(line, listings[line["market"]]) for line in told["positions"]),
                steps=tuple(_step(n, line, listings) for n, line in zip(own, told["steps"], strict=True)),
                all_closed=told["all_closed"],
                equity_after=None if told["equity_after"] is None else usd_text(told["equity_after"]),
                closed_notional=usd_text(told["closed_notional"]),
                fees=usd_text(told["fees"]),
                paid_by_insurance=usd_text(told["paid_by_insurance"]),
                paid_by_winners=usd_text(told["paid_by_winners"]),
                bad_debt=usd_text(told["bad_debt"]),
            )
        )
    return found


def _position(line: Step, listing: Listing) -> PositionThen:
    return PositionThen(
        coin=listing.coin,
        size=listing.size_text(line["size"]),
        mark=listing.price_text(line["mark"]),
        value=usd_text(line["size"] * line["mark"]),
        entry_notional=usd_text(line["entry_notional"]),
        maintenance=usd_text(line["maintenance"]),
    )


def _step(note: Note, line: Step, listings: list[Listing]) -> StepView:
    listing = listings[line["market"]] if line.get("market", -1) >= 0 else None
    lots = line.get("lots")
    return StepView(
        time=note.time,
        sequence=note.sequence,
        what=line["what"],
        reason=line["reason"],
        text=_sentence(line, listing),
        coin=None if listing is None else listing.coin,
        size=None if lots is None or listing is None else listing.size_text(lots),
        sought=_size(line.get("sought"), listing),
        price=_price(line.get("price"), listing),
        bankruptcy_price=_price(line.get("bankruptcy_price"), listing),
        value=_usd(line.get("value")),
        fee=_usd(line.get("fee")),
        equity=_usd(line.get("equity")),
        maintenance=_usd(line.get("maintenance")),
        amount=_usd(line.get("amount")),
        orders=line.get("orders"),
    )


def _sentence(line: Step, listing: Listing | None) -> str:
    what = line["what"]
    health = ""
    if "equity" in line:
        health = f"equity {usd_text(line['equity'])} USD, maintenance {usd_text(line['maintenance'])} USD"
    if what == "started":
        end = usd_text(line["liquidation_end"])
        return f"Liquidation began: {line['reason']} ({health}); it stops at equity of {end} USD."
    if what == "cancelled":
        return f"{line['orders']} orders were cancelled: {line['reason']}."
    if what == "waited":
        return f"Nothing was closed: {line['reason']} ({health})."
    if what == "tiered":
        return f"Portfolio margin ended: {line['reason']} ({health})."
    if what == "ended":
        return f"It ended: {line['reason']} ({health})."
    if what == "returned":
        return f"{usd_text(line['amount'])} USD returned: {line['reason']}."
    if what == "paid":
        return f"A debt of {usd_text(line['amount'])} USD: {line['reason']}."
    assert listing is not None
    side = "sold" if line["lots"] < 0 else "bought"
    size, price = listing.size_text(abs(line["lots"])), listing.price_text(line["price"])
    fee = f", fee {usd_text(line['fee'])} USD" if line.get("fee") else ""
    after = f"; after it {health}" if health else ""
    return f"{size} {listing.coin} {side} at {price} USD{fee}: {line['reason']}{after}."


def _deleveragings(service: Service, account: int, notes: list[Note]) -> list[DeleveragingView]:
    found = []
    for note in notes:
        entry = entry_of(note)
        if entry["kind"] == event.ADL and note.other_account == account:
            lines = deleveragings([entry], entry["other"])
        elif entry["kind"] == event.SOCIALISED and note.account == account:
            lines = deleveragings([entry], entry["bucket"])
        else:
            continue
        for line in lines:
            found.append(_deleveraging(note, line, service.universe.listings[line["market"]]))
    return found


def _deleveraging(note: Note, line: Step, listing: Listing) -> DeleveragingView:
    is_closed = "lots" in line
    return DeleveragingView(
        time=note.time,
        sequence=note.sequence,
        what="closed" if is_closed else "profit_cut",
        reason=line["reason"],
        coin=listing.coin,
        size=listing.size_text(line["lots"]) if is_closed else None,
        price=_price(line.get("price"), listing),
        value=_usd(line.get("value")),
        amount=_usd(line.get("amount")),
        mark=_price(line.get("mark"), listing),
    )


def _usd(micro: int | None) -> str | None:
    return None if micro is None else usd_text(UsdMicro(micro))


def _size(lots: int | None, listing: Listing | None) -> str | None:
    return None if lots is None or listing is None else listing.size_text(lots)


def _price(price: int | None, listing: Listing | None) -> str | None:
    return None if price is None or listing is None else listing.price_text(price)
