"""How a fill changes a bucket (SPEC section 1): raw_usd -= size x price + fee, size += size."""

import msgspec

from seawall.margin.health import funding_of
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions
from seawall.units import Lots, Price, UsdMicro, floor_div, signed_notional


def settled(bucket: Bucket, conditions: Conditions) -> Bucket:
    """The bucket with pending funding paid into its cash, each position rounded down, and indices up to date."""
    paid = sum(funding_of(p, conditions) for p in bucket.positions)
    positions = tuple(
        msgspec.structs.replace(p, funding_index=conditions.mark(p.market).funding_index) for p in bucket.positions
    )
    return msgspec.structs.replace(bucket, raw_usd=UsdMicro(bucket.raw_usd + paid), positions=positions)


def traded(
    bucket: Bucket,
    conditions: Conditions,
    market: str,
    *,
    size: Lots,
    price: Price,
    fee: UsdMicro,
    leverage: int | None = None,
) -> Bucket:
    """The bucket after a fill of signed `size` lots of `market` at `price`, funding settled first.

    Adding sums entry notionals; reducing keeps them pro rata, rounded against the account; crossing zero closes in full
    and opens the rest at `price`. `leverage` is that of a position that is new here; None keeps the old, or 1.
    Raises BadInput for an unknown market. Bounds and margin are the caller's to check.
    """
    conditions.market(market)
    ready = settled(bucket, conditions)
    held = next((p for p in ready.positions if p.market == market), None)
    old = Position(market=market, size=Lots(0)) if held is None else held
    after = msgspec.structs.replace(
        old,
        size=Lots(old.size + size),
        entry_notional=_entry_after(old, size, price),
        leverage=old.leverage if leverage is None else leverage,
        funding_index=conditions.mark(market).funding_index,
    )
    is_gone = after.size == 0 and after.bids == 0 and after.asks == 0
    rest = tuple(after if p.market == market else p for p in ready.positions if p.market != market or not is_gone)
    return msgspec.structs.replace(
        ready,
        raw_usd=UsdMicro(ready.raw_usd - signed_notional(size, price) - fee),
        positions=rest if held is not None or is_gone else (*rest, after),
    )


def _entry_after(old: Position, size: Lots, price: Price) -> UsdMicro:
    after = old.size + size
    if old.size == 0 or (old.size > 0) == (size > 0):
        return UsdMicro(old.entry_notional + signed_notional(size, price))
    if after == 0:
        return UsdMicro(0)
    if (after > 0) == (old.size > 0):
        return UsdMicro(floor_div(old.entry_notional * abs(after), abs(old.size)))
    return signed_notional(Lots(after), price)
