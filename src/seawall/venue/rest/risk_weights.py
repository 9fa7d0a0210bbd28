"""What the risk engine says of collateral over `/v1/risk/collateral`."""

from typing import Final

from seawall.ledger import state
from seawall.risk.collateral import reasons_of
from seawall.risk.publisher import ASSETS_FROM
from seawall.terms import asset_parameter
from seawall.terms.asset_parameter import ASSET, WEIGHT_INITIAL
from seawall.venue.rest.risk_shapes import WeightsView, WeightView
from seawall.venue.risk.office import RiskOffice

KINDS: Final = {asset_parameter.TOKEN: "token", asset_parameter.STABLE: "stable", asset_parameter.POOL: "pool"}


def weights_view(office: RiskOffice) -> WeightsView:
    """Every asset's initial weight, live, static and wanted."""
    service = office.service
    many = int(service.columns["cell"][state.ASSETS])
    return WeightsView(
        time=service.now,
        sequence=service.desk.sequence,
        assets=tuple(_weight(office, asset) for asset in range(many)),
    )


def _weight(office: RiskOffice, asset: int) -> WeightView:
    columns, wanted = office.service.columns, office.collateral.wanted.get(asset)
    rail = ASSET[WEIGHT_INITIAL].rail
    assert rail is not None
    words = [word for proposal, _, word in office.collateral.last if proposal.market == ASSETS_FROM + asset]
    return WeightView(
        asset=asset,
        coin=office.service.universe.listings[columns["asset_market"].item(asset)].coin,
        kind=KINDS[columns["asset_kind"].item(asset)],
        value=columns["asset_param"].item(asset, WEIGHT_INITIAL),
        static=columns["asset_static"].item(asset, WEIGHT_INITIAL),
        changed=columns["asset_time"].item(asset, WEIGHT_INITIAL),
        step_up=rail.up,
        step_down=rail.down,
        delay_ms=rail.delay_ms,
        wanted=None if wanted is None else f"{wanted.weight:.2f}",
        reasons=() if wanted is None else reasons_of(wanted),
        outcome=words[0] if words else None,
    )
