"""Money of an account that moved, in Hyperliquid's shapes: funding payments and ledger updates, oldest first.

What Hyperliquid has no word for takes the nearest: a withdrawal that came back is a deposit, and money between an
account and an insurance fund is an internal transfer with the fund's address, which nobody can sign for.
"""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from seawall.terms import event
from seawall.units import FUNDING_ONE
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.names import address_text, keyless_address
from seawall.venue.records import NOBODY, Entry, Note, Payment
from seawall.venue.views.account import USDC
from seawall.venue.views.fills import address_of, hash_text
from seawall.venue.views.shapes import Happening

if TYPE_CHECKING:
    from seawall.venue.service import Service

PERFORMANCE: Final = ("liquidationFee", "deficit", "socialised")  # entries that are profit or loss, not transfers
KIND: Final = 0  # places in Note.values
BUCKET, PRICE, SIZE, EQUITY = (event.ROW.index(name) - 1 for name in ("bucket", "price", "size", "equity"))
MARKET: Final = event.ROW.index("market") - 1
Delta = dict[str, Any]


@functools.cache
def insurance_address(market: int) -> bytes:
    """The address that stands for a market's insurance fund."""
    return keyless_address("insurance fund", market)


def funding_payment(service: "Service", payment: Payment) -> Happening:
    """A payment of `userFunding`: one settlement, of as many hours as it was due for, at the last rate."""
    listing = service.universe.listings[payment.market]
    return Happening(
        time=payment.time,
        hash=hash_text(payment.sequence),
        delta={
            "type": "funding",
            "coin": listing.coin,
            "usdc": usd_text(payment.amount),
            "szi": listing.size_text(payment.lots),
            "fundingRate": rate_text(payment.rate, FUNDING_ONE),
            "nSamples": None,
        },
    )


def ledger_updates(
    service: "Service", account: int, entries: Iterable[Entry], notes: Iterable[Note]
) -> list[Happening]:
    """`userNonFundingLedgerUpdates` of an owner's entries (its hidden account's among them) and notes, oldest first."""
    found: list[tuple[int, Happening]] = []
    for entry in entries:
        update = ledger_update(service, account, entry)
        if update is not None:
            found.append((entry.sequence, update))
    found += _liquidations(service, account, notes)
    return [update for _, update in sorted(found, key=_sequence)]


def ledger_update(service: "Service", account: int, entry: Entry) -> Happening | None:
    """One entry of an owner's account, or of its hidden one; None for what clients have no shape for."""
    delta = delta_of(service, account, entry)
    return None if delta is None else Happening(time=entry.time, hash=hash_text(entry.sequence), delta=delta)


def paid_in(entries: Iterable[Entry]) -> str:
    """`cumLedger`: USD that came to an account from outside less what left it, never below 0."""
    total = sum(entry.amount for entry in entries if entry.kind not in (*PERFORMANCE, "isolated"))
    return usd_text(max(total, 0))


def delta_of(service: "Service", account: int, entry: Entry) -> Delta | None:
    """An entry in Hyperliquid's words; None for what moves no cash of an owner or is told by the other account."""
    if entry.account != account:  # of the hidden account
        return _spot_transfer(service, account, entry) if entry.kind in ("send", "receive") else None
    usdc = usd_text(abs(entry.amount))
    if entry.kind in ("deposit", "returned"):
        return {"type": "deposit", "usdc": usdc}
    if entry.kind in ("withdraw", "returned") and entry.amount == 0:
        return None  # lots of collateral
    if entry.kind == "withdraw":
        return {"type": "withdraw", "usdc": usdc, "nonce": entry.reference, "fee": "0.0"}
    if entry.kind == "spot":
        return {"type": "accountClassTransfer", "usdc": usdc, "toPerp": entry.amount > 0}
    if entry.kind in ("send", "receive", "sub"):
        return _transfer(service, entry, usdc)
    if entry.kind == "pool":
        return _pool(service, entry, usdc)
    if entry.kind in ("insurance", "liquidationFee", "deficit"):
        pair = [address_of(service, account, account), address_text(insurance_address(entry.market))]
        giver, taker = pair if entry.amount < 0 else pair[::-1]
        return {"type": "internalTransfer", "usdc": usdc, "user": giver, "destination": taker, "fee": "0.0"}
    return None


def _transfer(service: "Service", entry: Entry, usdc: str) -> Delta:
    pair = [address_of(service, number, number) for number in (entry.account, entry.other)]
    giver, taker = pair if entry.amount < 0 else pair[::-1]
    if entry.kind == "sub":
        return {"type": "subAccountTransfer", "usdc": usdc, "user": giver, "destination": taker}
    return {"type": "internalTransfer", "usdc": usdc, "user": giver, "destination": taker, "fee": "0.0"}


def _spot_transfer(service: "Service", account: int, entry: Entry) -> Delta:
    usdc = usd_text(abs(entry.amount))
    persons = service.people.persons
    other = persons[entry.other].master if entry.other == persons[persons[entry.other].master].spot else entry.other
    pair = [address_of(service, number, number) for number in (account, other)]
    giver, taker = pair if entry.amount < 0 else pair[::-1]
    return {
        "type": "spotTransfer",
        "token": USDC,
        "amount": usdc,
        "usdcValue": usdc,
        "user": giver,
        "destination": taker,
        "fee": "0.0",
        "nativeTokenFee": "0.0",
        "nonce": None,
        "feeToken": USDC,
    }


def _pool(service: "Service", entry: Entry, usdc: str) -> Delta:
    vault = address_of(service, NOBODY, entry.other)
    if entry.amount < 0:
        return {"type": "vaultDeposit", "vault": vault, "usdc": usdc}
    return {
        "type": "vaultWithdraw",
        "vault": vault,
        "user": address_of(service, entry.account, entry.account),
        "requestedUsd": usdc,
        "commission": "0.0",
        "closingCost": "0.0",
        "basis": usdc,
        "netWithdrawnUsd": usdc,
    }


def _liquidations(service: "Service", account: int, notes: Iterable[Note]) -> list[tuple[int, Happening]]:
    """One update for each liquidation that began, with the positions it began with."""
    found: dict[tuple[int, int], Happening] = {}
    notional: dict[tuple[int, int], int] = {}
    for note in sorted(notes, key=_place):
        key = (note.sequence, note.values[BUCKET])
        if note.account == account and note.values[KIND] == event.LIQUIDATION:
            mode = "Cross" if note.values[BUCKET] < service.mirror.accounts else "Isolated"
            delta: Delta = {
                "type": "liquidation",
                "liquidatedNtlPos": "0.0",
                "accountValue": usd_text(note.values[EQUITY]),
                "leverageType": mode,
                "liquidatedPositions": [],
            }
            found[key] = Happening(time=note.time, hash=hash_text(note.sequence), delta=delta)
        elif note.values[KIND] == event.LIQUIDATION_POSITION and key in found:
            delta, listing = found[key].delta, service.universe.listings[note.values[MARKET]]
            notional[key] = notional.get(key, 0) + abs(note.values[SIZE]) * note.values[PRICE]
            delta["liquidatedNtlPos"] = usd_text(notional[key])
            delta["liquidatedPositions"].append({"coin": listing.coin, "szi": listing.size_text(note.values[SIZE])})
    return [(sequence, update) for (sequence, _), update in found.items()]


def _place(note: Note) -> tuple[int, int]:
    return note.sequence, note.index


def _sequence(pair: tuple[int, Happening]) -> int:
    return pair[0]
