"""Collateral other than USD over `/v1`: the assets, what an account holds and owes, and play collateral."""

from fractions import Fraction
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from seawall.ledger import state
from seawall.margin import lp, lp_value
from seawall.terms import asset_parameter
from seawall.tools.account_file import CROSS, isolated_name
from seawall.tools.figures import text_of
from seawall.units import FUNDING_ONE, RATE_ONE, BadInput, decimal_text, floor_div
from seawall.venue.decimals import usd_text
from seawall.venue.faucet import Faucet
from seawall.venue.names import address_of, address_text
from seawall.venue.ops.weights import HEAVY, LIGHT
from seawall.venue.rest.account import account_number
from seawall.venue.rest.collateral_shapes import (
    AssetFaucetRequest,
    AssetFaucetView,
    AssetsView,
    AssetView,
    BucketCollateral,
    CollateralView,
    HoldingView,
    RangeFaucetRequest,
    RangePastView,
    RangeView,
)
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.openapi import answers, takes
from seawall.venue.rest.range_past import range_past_view
from seawall.venue.rest.routes import Account, Rest, body_of, respond
from seawall.venue.rest.terms import buckets_of, is_range
from seawall.venue.service import Service
from seawall.venue.universe import Listing
from seawall.venue.views.collateral import CollateralReader

KINDS: Final = {asset_parameter.TOKEN: "token", asset_parameter.STABLE: "stable", asset_parameter.POOL: "pool"}
HOURS_A_YEAR: Final = 8_760
AssetPath = Annotated[int, Path(description="Number of a pool in /v1/assets.", ge=0, le=255, examples=[1])]
TokenPath = Annotated[int, Path(description="Number of the position.", ge=0, lt=2**63, examples=[17])]


def _share(parts: int) -> str:
    return text_of(Fraction(parts, RATE_ONE))


def assets_view(service: Service, reader: CollateralReader) -> AssetsView:
    """Every listed asset, and what USD costs against them now."""
    columns, rows = service.columns, reader.assets()
    rate, used = rows[-1][0], rows[-1][1]
    return AssetsView(
        time=service.now,
        sequence=service.desk.sequence,
        assets=tuple(asset_view(service, number, rows[number]) for number in range(int(columns["cell"][state.ASSETS]))),
        borrowed=usd_text(int(columns["cell"][state.BORROWED])),
        utilisation=_share(used),
        borrow_rate_hour=decimal_text(_fraction(rate), 12),
        borrow_rate_year=decimal_text(_fraction(rate * HOURS_A_YEAR), 12),
        reserve=usd_text(int(columns["cell"][state.RESERVE])),
    )


def _fraction(rate: int) -> Fraction:
    return Fraction(rate, FUNDING_ONE)


def asset_view(service: Service, number: int, read: list[int]) -> AssetView:
    """One asset; `read` is its row of the reader."""
    columns = service.columns
    values = columns["asset_param"][number].tolist()
    listing = service.universe.listings[columns["asset_market"].item(number)]
    redeemed, kind = columns["asset_redeemed"].item(number) - 1, columns["asset_kind"].item(number)
    is_pool = kind == asset_parameter.POOL

    def units(amount: int) -> str:
        return usd_text(amount) if is_pool else listing.size_text(amount)

    return AssetView(
        asset=number,
        kind=KINDS[kind],
        coin=listing.coin,
        index=listing.price_text(columns["market_oracle"].item(listing.number)),
        stable_price=listing.price_text(columns["asset_stable"].item(number)),
        redemption=listing.price_text(columns["market_oracle"].item(redeemed)) if redeemed >= 0 else None,
        is_fresh=bool(read[0]),
        is_off_peg=bool(read[1]),
        weight_initial=_share(read[2]),
        weight_maintenance=_share(values[asset_parameter.WEIGHT_MAINTENANCE]),
        haircut=_share(RATE_ONE - values[asset_parameter.WEIGHT_MAINTENANCE]),
        liquidation_discount=_share(values[asset_parameter.DISCOUNT]),
        held=units(columns["asset_total"].item(number)),
        supply_cap=units(values[asset_parameter.SUPPLY_CAP]),
        supply_start=units(values[asset_parameter.SUPPLY_START]),
        account_cap=units(values[asset_parameter.ACCOUNT_CAP]),
        scan=_share(values[asset_parameter.SCAN]) if is_pool else None,
    )


def collateral_view(service: Service, reader: CollateralReader, account: int) -> CollateralView:
    """What each bucket of an account holds and owes."""
    columns = service.columns
    found = []
    for bucket in buckets_of(columns, account):
        rows, counted, due = reader.holdings(bucket)
        if not rows:
            continue
        market, head = columns["bucket_market"].item(bucket), rows[0][0]
        found.append(
            BucketCollateral(
                bucket=CROSS if market < 0 else isolated_name(service.universe.listings[market].coin),
                value_maintenance=usd_text(columns["holding_worth"].item(head)),
                value_initial=usd_text(counted),
                borrowed=usd_text(columns["holding_debt"].item(head)),
                interest_due=usd_text(due),
                holdings=tuple(_holding(service, *row) for row in rows),
            )
        )
    return CollateralView(
        address=address_text(service.people.persons[account].address),
        time=service.now,
        borrow_rate_hour=decimal_text(_fraction(reader.assets()[-1][0]), 12),
        buckets=tuple(found),
    )


def _holding(service: Service, row: int, kept: int, counted: int) -> HoldingView:
    columns = service.columns
    asset = columns["holding_asset"].item(row)
    listing = service.universe.listings[columns["asset_market"].item(asset)]
    lots = columns["holding_lots"].item(row)
    return HoldingView(
        asset=asset,
        coin=listing.coin,
        kind=KINDS[columns["asset_kind"].item(asset)],
        size=None if is_range(columns, row) else listing.size_text(lots),
        value_maintenance=usd_text(kept),
        value_initial=usd_text(counted),
        range=_range(service, listing, row) if is_range(columns, row) else None,
    )


def _range(service: Service, listing: Listing, row: int) -> RangeView:
    columns = service.columns
    names = ("holding_lots", "holding_low", "holding_high", "holding_scale")
    liquidity, low, high, scale = (columns[name].item(row) for name in names)
    asset, token = columns["holding_asset"].item(row), columns["holding_token"].item(row)
    index, start = columns["market_oracle"].item(listing.number), columns["holding_start"].item(row)
    ends = [floor_div(root * root, 1 << (2 * scale)) for root in (low, high)]
    value = int(lp_value.range_value(liquidity, low, high, scale, index))
    now_base = int(lp_value.range_delta(liquidity, low, high, scale, index))
    base = int(lp_value.range_delta(liquidity, low, high, scale, start))  # USD of base when it came
    began = int(lp_value.range_value(liquidity, low, high, scale, start))
    held = began - base + (floor_div(base * index, start) if start else 0)
    return RangeView(
        token=str(token),
        liquidity=str(liquidity),
        lower=listing.price_text(ends[0]),
        upper=listing.price_text(ends[1]),
        in_range=ends[0] <= index < ends[1],
        base=listing.size_text(floor_div(now_base, index) if index else 0),
        quote=usd_text(value - now_base),
        fair_value=usd_text(value),
        fees=None if service.pools is None else usd_text(service.pools.fees_of(asset, token)),
        delta=usd_text(now_base),
        gamma=usd_text(int(lp_value.range_gamma(liquidity, low, high, scale, index))),
        start_price=listing.price_text(start),
        start_value=usd_text(began),
        held_instead=usd_text(held),
        impermanent_loss=usd_text(held - value),
        is_unwinding=bool(columns["holding_asked"].item(row)),
    )


def collateral_router(rest: Rest, faucet: Faucet) -> APIRouter:
    """GET /v1/assets, GET /v1/accounts/{address}/collateral, and play collateral where there is no chain."""
    router = APIRouter(prefix="/v1", tags=["collateral"], dependencies=[rest.costs(LIGHT)])
    service, reader = rest.service, CollateralReader(rest.service.desk.venue.array)
    reader.warm()

    @router.get("/assets", responses=answers(AssetsView), summary="Collateral assets and what USD costs against them")
    async def assets() -> Response:
        await service.desk.settled()
        return respond(assets_view(service, reader))

    @router.get(
        "/accounts/{address}/collateral",
        responses=answers(CollateralView, "unknown_account"),
        summary="Collateral of an account, bucket by bucket, what it owes and at what rate",
    )
    async def collateral(address: Account) -> Response:
        await service.desk.settled()
        return respond(collateral_view(service, reader, account_number(service, address)))

    @router.get(
        "/accounts/{address}/ranges/{asset}/{token}",
        responses=answers(RangePastView, "unknown_account", "unknown_name"),
        summary="A liquidity position over time against holding, its fees, and where to move it",
        dependencies=[rest.costs(HEAVY - LIGHT)],
    )
    async def range_past(address: Account, asset: AssetPath, token: TokenPath) -> Response:
        account = account_number(service, address)
        if asset >= int(service.columns["cell"][state.ASSETS]):
            raise ApiError("unknown_name")
        return respond(await range_past_view(service, account, asset, token))

    _faucet_routes(router, rest, faucet, reader)
    return router


def _faucet_routes(router: APIRouter, rest: Rest, faucet: Faucet, reader: CollateralReader) -> None:
    service, heavy = rest.service, [rest.costs(HEAVY - LIGHT)]

    @router.post(
        "/faucet/asset",
        responses=answers(AssetFaucetView, "off", "bad_json", "too_large"),
        openapi_extra=takes(AssetFaucetRequest),
        summary="Play collateral for an address, on a venue without a chain",
        dependencies=heavy,
    )
    async def give_asset(request: Request) -> Response:
        asked = await body_of(request, AssetFaucetRequest)
        address, listing = _asked(service, faucet, asked.address, asked.asset, is_pool=False)
        lots = listing.size(asked.size, "size")
        worth = lots * service.columns["market_oracle"].item(listing.number)
        account = await faucet.give_asset(address, asked.asset, worth, {"size": lots})
        return respond(_given(service, reader, address, account, asked.asset))

    @router.post(
        "/faucet/range",
        responses=answers(AssetFaucetView, "off", "bad_json", "too_large"),
        openapi_extra=takes(RangeFaucetRequest),
        summary="A play liquidity position for an address, as if its token had arrived in custody",
        dependencies=heavy,
    )
    async def give_range(request: Request) -> Response:
        asked = await body_of(request, RangeFaucetRequest)
        address, listing = _asked(service, faucet, asked.address, asked.asset, is_pool=True)
        pair = lp.Pair(
            base_is_token0=asked.base_first,
            base_decimals=asked.base_decimals,
            quote_decimals=asked.quote_decimals,
            size_decimals=listing.size_decimals,
        )
        if not asked.liquidity.isdigit():
            raise BadInput("liquidity", "expected a whole number")
        found = lp.range_of(asked.tick_lower, asked.tick_upper, int(asked.liquidity), pair)
        worth = floor_div(found.liquidity * (found.high - found.low), 1 << found.scale)
        fields = {"size": found.liquidity, "price": found.low, "trigger": found.high, "extra": found.scale}
        account = await faucet.give_asset(address, asked.asset, worth, fields)
        return respond(_given(service, reader, address, account, asked.asset))


def _asked(service: Service, faucet: Faucet, address: str, asset: int, *, is_pool: bool) -> tuple[bytes, Listing]:
    if not faucet.is_open:
        raise ApiError("off")
    columns = service.columns
    if not 0 <= asset < int(columns["cell"][state.ASSETS]):
        raise BadInput("asset", f"no collateral asset {asset}")
    if (columns["asset_kind"].item(asset) == asset_parameter.POOL) != is_pool:
        raise BadInput("asset", "a pool takes positions, any other asset a size")
    return address_of(address, "address"), service.universe.listings[columns["asset_market"].item(asset)]


def _given(service: Service, reader: CollateralReader, address: bytes, account: int, asset: int) -> AssetFaucetView:
    view = collateral_view(service, reader, account)
    mine = [one for bucket in view.buckets for one in bucket.holdings if one.asset == asset]
    return AssetFaucetView(address=address_text(address), asset=asset, holdings=tuple(mine))


SHAPES: Final[tuple[type[Any], ...]] = (
    AssetsView,
    CollateralView,
    AssetFaucetRequest,
    RangeFaucetRequest,
    AssetFaucetView,
    RangePastView,
)
