"""Lists the collateral that the configuration names and the venue has not, and ends interest, by rows in the log."""

from typing import Final

from seawall.engine.rows import rows_of
from seawall.ledger import state
from seawall.terms import asset_parameter, code, command, parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import RATE_ONE, USD_ONE, BadInput, floor_div
from seawall.venue.config import AssetTerms
from seawall.venue.desk import refused
from seawall.venue.service import Service

KINDS: Final = {"token": asset_parameter.TOKEN, "stable": asset_parameter.STABLE, "pool": asset_parameter.POOL}
INTEREST: Final = (parameter.BORROW_BASE, parameter.BORROW_KINK_RATE, parameter.BORROW_FULL_RATE)
Fields = dict[str, int]


async def list_assets(service: Service, prices: dict[str, float]) -> list[str]:
    """Lists what is missing, in one job; the names of the coins. A pool takes the token of its coin as its base.

    `prices` are USD of a unit by coin, about: they turn caps in USD into lots. BadInput for a market that is not there,
    and for terms that the engine refuses.
    """
    columns, universe = service.columns, service.universe
    listed = int(columns["cell"][state.ASSETS])
    known = {
        (universe.listings[columns["asset_market"].item(number)].coin, columns["asset_kind"].item(number)): number
        for number in range(listed)
    }
    rows: list[Fields] = []
    names = []
    for terms in service.config.asset:
        key = (universe.coin(terms.coin, "asset.coin").coin, KINDS[terms.kind])
        if key in known:
            continue
        known[key], listed = listed, listed + 1
        rows += _rows(service, terms, known, prices.get(terms.coin, 0.0))
        names.append(terms.coin)
    if rows:
        why = refused(await service.submit(rows_of(rows)))
        if why != code.OK:
            raise BadInput("asset", f"{', '.join(names)}: {code.TEXT[why]}")
    return names


async def lend_free(service: Service) -> None:
    """USD borrowed against collateral costs nothing any more: contracts that keep the accounts have another clock."""
    rates = service.columns["param"][len(service.columns["market_price"])]
    setting = {"kind": command.SET_PARAMETER, "signer": command.ADMIN, "market": -1, "price": 0}
    rows = [{**setting, "other": number} for number in INTEREST if rates[number] != 0]
    if rows:
        why = refused(await service.submit(rows_of(rows)))
        if why != code.OK:
            raise BadInput("chain", f"interest cannot end: {code.TEXT[why]}")


def _rows(service: Service, terms: AssetTerms, known: dict[tuple[str, int], int], price: float) -> list[Fields]:
    kind, listing = KINDS[terms.kind], service.universe.coin(terms.coin, "asset.coin")
    number, admin = known[listing.coin, kind], {"signer": command.ADMIN}
    size = 0
    if kind == asset_parameter.POOL:
        size = known.get((listing.coin, asset_parameter.TOKEN), -1) + 1
    elif terms.redeemed:
        size = service.universe.coin(terms.redeemed, "asset.redeemed").number + 1
    fields = {"market": listing.number, "other": number, "size": size, "flags": kind}
    values = {
        asset_parameter.DISCOUNT: int(terms.liquidation_discount * RATE_ONE),
        asset_parameter.WEIGHT_MAINTENANCE: int(terms.weight_maintenance * RATE_ONE),
        asset_parameter.WEIGHT_INITIAL: int(terms.weight_initial * RATE_ONE),
        asset_parameter.SUPPLY_CAP: _units(terms.supply_usd, terms, price, listing.size_decimals),
        asset_parameter.ACCOUNT_CAP: _units(terms.account_usd, terms, price, listing.size_decimals),
    }
    setting = {"kind": command.SET_ASSET, **admin, "other": number}
    return [
        {"kind": command.LIST_ASSET, **admin, **fields},
        *({**setting, "reference": which, "price": value} for which, value in values.items()),
    ]


def _units(usd: int, terms: AssetTerms, price: float, decimals: int) -> int:
    """A cap in lots at about a price; of a pool in micro-USD."""
    if terms.kind == "pool":
        return min(usd * USD_ONE, NOTIONAL_MAX)
    if price <= 0:
        raise BadInput("asset.coin", f"{terms.coin} has no configured price")
    return min(floor_div(int(usd * 10.0**decimals * 1_000 / price), 1_000), NOTIONAL_MAX)
