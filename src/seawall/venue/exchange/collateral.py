"""Actions of ours on collateral other than USD: out of the venue, between cross and isolated, and bought.

`collateral` is an asset's number in `/v1/assets`; lots are given as `size` of its coin, a position as `token`.
"""

from typing import Any, Final

from seawall.ledger import state
from seawall.terms import asset_parameter, command
from seawall.units import BadInput
from seawall.venue.exchange.call import Call, is_time, rows_from
from seawall.venue.exchange.orders import Handler, plain_answer
from seawall.venue.exchange.words import MalformedError, RefusedError
from seawall.venue.service import Service
from seawall.venue.universe import Listing

BUCKETS_MOST: Final = 2**31


def _asset(service: Service, action: dict[str, Any]) -> tuple[int, Listing, bool]:
    """An asset's number, the market it is in lots of, and whether it is a pool."""
    number, columns = action.get("collateral"), service.columns
    if not is_time(number) or number >= int(columns["cell"][state.ASSETS]):
        raise MalformedError("expected collateral: the number of an asset")
    listing = service.universe.listings[columns["asset_market"].item(number)]
    return number, listing, columns["asset_kind"].item(number) == asset_parameter.POOL


def _of(listing: Listing, action: dict[str, Any], *, is_pool: bool) -> dict[str, int]:
    """What of it: `size` in lots, or `token`."""
    if is_pool:
        token = action.get("token")
        if not isinstance(token, str) or not token.isdigit() or int(token) >= 2**63:
            raise MalformedError("expected token: the number of a position, as text")
        return {"client_low": int(token)}
    try:
        return {"size": listing.size(action.get("size"), "size")}
    except BadInput as error:
        raise RefusedError(str(error)) from error


async def withdraw_collateral(service: Service, call: Call) -> dict[str, Any]:
    """`withdrawCollateral` (ours): {collateral, size or token}: to the owner, out of cross."""
    number, listing, is_pool = _asset(service, call.action)
    kind = command.DETACH_RANGE if is_pool else command.WITHDRAW_ASSET
    row = call.row(kind, other=number, **_of(listing, call.action, is_pool=is_pool))
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


async def move_collateral(service: Service, call: Call) -> dict[str, Any]:
    """`moveCollateral` (ours): {collateral, size or token, asset, isCross}: into a market's isolated, or back."""
    action = call.action
    number, listing, is_pool = _asset(service, action)
    if not isinstance(action.get("isCross"), bool):
        raise MalformedError("expected collateral, size or token, asset and isCross")
    try:
        market = service.universe.asset(action.get("asset")).number
    except BadInput as error:
        raise RefusedError(str(error)) from error
    flags = 0 if action["isCross"] else command.ISOLATED
    kind = command.MOVE_RANGE if is_pool else command.MOVE_ASSET
    row = call.row(kind, other=number, market=market, flags=flags, **_of(listing, action, is_pool=is_pool))
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


async def buy_collateral(service: Service, call: Call) -> dict[str, Any]:
    """`buyCollateral` (ours): {collateral, size, price, bucket}: of one in liquidation or a pool, not above a price."""
    action = call.action
    number, listing, is_pool = _asset(service, action)
    bucket = action.get("bucket")
    if is_pool or not is_time(bucket) or bucket >= BUCKETS_MOST:
        raise MalformedError("expected collateral that has a size, price and bucket")
    try:
        size, price = listing.size(action.get("size"), "size"), listing.price(action.get("price"), "price")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    row = call.row(command.BUY_ASSET, other=number, reference=bucket, size=size, price=price)
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


HANDLERS: Final[dict[str, Handler]] = {
    "withdrawCollateral": withdraw_collateral,
    "moveCollateral": move_collateral,
    "buyCollateral": buy_collateral,
}
