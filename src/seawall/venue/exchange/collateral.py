"""Actions of ours on collateral other than USD: out, between cross and isolated, bought; liquidity that changes.

`collateral` is an asset's number in `/v1/assets`; lots are given as `size` of its coin, a position as `token`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from seawall.ledger import state
from seawall.terms import asset_parameter, code, command
from seawall.units import BadInput, fraction_from
from seawall.venue.bridge import CreditError
from seawall.venue.exchange.call import Call, is_time, rows_from
from seawall.venue.exchange.money import own_master
from seawall.venue.exchange.orders import Handler, plain_answer
from seawall.venue.exchange.words import NOT_OFFERED, MalformedError, RefusedError, action_words, ok
from seawall.venue.liquidity import PlayPools
from seawall.venue.service import Service
from seawall.venue.universe import Listing

BUCKETS_MOST: Final = 2**31
RANGE_WORDS: Final = {
    code.BAD_FIELD: "The range is too narrow for this pool.",
    code.POSITION_CAP: "The position would be above the cap of its pool.",
    code.INITIAL_MARGIN: "Insufficient margin: what the position backs needs what it is now.",
}


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


async def collect_fees(service: Service, call: Call) -> dict[str, Any]:
    """`collectFees` (ours): {collateral, token}: fees of a position go to the bucket that holds it."""
    pools, asset, token, _ = _pooled(service, call)
    return await _changed(service, call, lambda: pools.collect(call.account, asset, token))


async def decrease_liquidity(service: Service, call: Call) -> dict[str, Any]:
    """`decreaseLiquidity` (ours): {collateral, token, part}: a part of the liquidity, 0 to 1, and the fees."""
    pools, asset, token, _ = _pooled(service, call)
    text = call.action.get("part")
    if not isinstance(text, str):
        raise MalformedError("expected collateral, token and part")
    try:
        part = fraction_from(text, "part")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    if not 0 < part < 1:
        raise RefusedError("part: more than 0 and less than 1 of the liquidity")
    return await _changed(service, call, lambda: pools.decrease(call.account, asset, token, part))


async def move_range(service: Service, call: Call) -> dict[str, Any]:
    """`moveRange` (ours): {collateral, token, lower, upper}: to another range, prices; the rest stays as collateral."""
    pools, asset, token, listing = _pooled(service, call)
    try:
        low, high = (listing.price(call.action.get(name), name) for name in ("lower", "upper"))
    except BadInput as error:
        raise RefusedError(str(error)) from error
    if not 0 < low < high:
        raise RefusedError("lower: a price above 0 and below upper")
    return await _changed(service, call, lambda: pools.move(call.account, asset, token, low, high))


def _pooled(service: Service, call: Call) -> tuple[PlayPools, int, int, Listing]:
    """The pools, a pool's number, a token and the market of its base. Signed by an owner, of a position it holds."""
    own_master(call)
    number, listing, is_pool = _asset(service, call.action)
    if not is_pool:
        raise MalformedError("expected collateral: the number of a pool")
    if service.pools is None:
        raise RefusedError(f"{NOT_OFFERED} {call.kind}: its pools are on a chain.")
    token = _of(listing, call.action, is_pool=True)["client_low"]
    return service.pools, number, token, listing


async def _changed(service: Service, call: Call, change: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """Uses the nonce of an owner, then has its position changed; the engine's words when it refuses."""
    done = await service.submit(rows_from([call.burn()]))
    call.fail(int(done.codes[0]))
    try:
        await change()
    except BadInput as error:
        raise RefusedError(str(error)) from error
    except CreditError as refusal:
        raise RefusedError(RANGE_WORDS.get(refusal.code) or action_words(refusal.code)) from refusal
    return ok()


HANDLERS: Final[dict[str, Handler]] = {
    "withdrawCollateral": withdraw_collateral,
    "moveCollateral": move_collateral,
    "buyCollateral": buy_collateral,
    "collectFees": collect_fees,
    "decreaseLiquidity": decrease_liquidity,
    "moveRange": move_range,
}
