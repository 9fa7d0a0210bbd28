"""The risk engine's word on collateral: each asset's initial weight, within its rails, signed as every proposal."""

from typing import TYPE_CHECKING, Final

import numpy as np

from seawall.ledger import state
from seawall.risk.collateral import Holder, Weight, initial_weight, reasons_of, step_to, wrong_way
from seawall.risk.factors import Correlations
from seawall.risk.liquidity import Liquidity
from seawall.risk.publisher import ASSETS_FROM, LIFE_MS, Proposal, Report, mask_of, report_hash, sign_all
from seawall.terms import asset_parameter
from seawall.terms.asset_parameter import ASSET, WEIGHT_INITIAL
from seawall.units import RATE_ONE
from seawall.venue.risk.memory import MINUTE_MS

if TYPE_CHECKING:
    from seawall.venue.risk.office import RiskOffice

EVERY_MS: Final = MINUTE_MS
USD: Final = 1e6


class CollateralDesk:
    """Decides once a minute. `wanted` and `last` show what it thinks and what became of it."""

    def __init__(self, office: "RiskOffice") -> None:
        self.office = office
        self.wanted: dict[int, Weight] = {}
        self.last: list[tuple[Proposal, Report, str]] = []
        self._decided_ms = -EVERY_MS

    async def look(self) -> None:
        """Decides, and in live mode proposes what the rails let through."""
        office, now = self.office, self.office.service.now
        is_early = now - self._decided_ms < EVERY_MS
        if is_early or not int(office.service.columns["cell"][state.ASSETS]) or not office.model.markets:
            return
        self._decided_ms = now
        made = self.decide()
        if office.mode != "live" or not office.keys or not made:
            word = "shadow" if office.mode == "shadow" else "unsigned"
            self.last = [(proposal, report, word) for proposal, report in made]
            return
        serial = int(office.service.columns["cell"][state.RISK_SERIAL])
        signed = []
        for place, (proposal, report) in enumerate(made, 1):
            one = Proposal(
                market=proposal.market,
                number=proposal.number,
                amount=proposal.amount,
                serial=serial + place,
                expires=proposal.expires,
                report=proposal.report,
            )
            mask = mask_of(office.domain, one, sign_all(office.domain, one, office.keys), office.signers)
            signed.append((one, report, mask))
        self.last = [(made.proposal, made.report, made.outcome) for made in await office.submit(signed)]

    def decide(self) -> list[tuple[Proposal, Report]]:
        """What is to be proposed now: a weight that tightens at once, or a step back that its delay allows."""
        columns, now = self.office.service.columns, self.office.service.now
        known = self.office.model.correlations()
        found = []
        for asset in range(int(columns["cell"][state.ASSETS])):
            wanted = self._weight(asset, known)
            if wanted is None:
                continue
            self.wanted[asset] = wanted
            live, rail = columns["asset_param"].item(asset, WEIGHT_INITIAL), ASSET[WEIGHT_INITIAL].rail
            assert rail is not None
            age = now - columns["asset_time"].item(asset, WEIGHT_INITIAL)
            target = step_to(wanted, live, up=rail.up if age >= rail.delay_ms else 0)
            if target != live:
                found.append(self._made(asset, target, live, wanted))
        return found

    def _weight(self, asset: int, known: Correlations) -> Weight | None:
        service, columns = self.office.service, self.office.service.columns
        listing = service.universe.listings[columns["asset_market"].item(asset)]
        watched = self.office.watched.get(listing.number)
        static = columns["asset_static"].item(asset, WEIGHT_INITIAL) / RATE_ONE
        if watched is None or watched.look is None or not static:
            return None
        holders = self._holders(asset)
        sigma = {
            service.universe.listings[number].coin: one.look.volatility
            for number, one in self.office.watched.items()
            if one.look is not None
        }
        depth = watched.look.depth / USD
        market = Liquidity(volume_usd_hour=depth / 0.3, depth_usd=depth, volatility=watched.look.volatility)
        together = wrong_way(listing.coin, holders, known, sigma)
        held = sum(holder.value_usd for holder in holders)
        return initial_weight(static=static, held_usd=held, market=market, together=together)

    def _holders(self, asset: int) -> list[Holder]:
        """Each bucket that holds it, with its positions; of a pool the worth of its liquidity."""
        columns, universe = self.office.service.columns, self.office.service.universe
        rows = np.flatnonzero((columns["holding_lots"] != 0) & (columns["holding_bucket"] >= 0))
        rows = rows[columns["holding_asset"][rows] == asset]
        weight = max(columns["asset_param"].item(asset, asset_parameter.WEIGHT_MAINTENANCE), 1) / RATE_ONE
        index = columns["market_oracle"].item(columns["asset_market"].item(asset))
        is_pool = columns["asset_kind"].item(asset) == asset_parameter.POOL
        found = []
        for row in rows.tolist():
            bucket = columns["holding_bucket"].item(row)
            perps: dict[str, float] = {}
            slot = columns["bucket_first"].item(bucket)
            while slot != 0:  # at most POSITIONS_PER_BUCKET
                market = columns["slot_market"].item(slot)
                value = columns["slot_size"].item(slot) * columns["market_price"].item(market)
                perps[universe.listings[market].coin] = value / USD
                slot = columns["slot_sibling"].item(slot)
            worth = columns["holding_lots"].item(row) * index / USD
            if is_pool:
                worth = columns["holding_worth"].item(columns["bucket_holding"].item(bucket)) / weight / USD
            found.append(Holder(value_usd=worth, perps_usd=perps))
        return found

    def _made(self, asset: int, value: int, before: int, wanted: Weight) -> tuple[Proposal, Report]:
        office = self.office
        now, market = office.service.now, office.service.columns["asset_market"].item(asset)
        report = Report(
            coin=office.service.universe.listings[market].coin,
            parameter=ASSET[WEIGHT_INITIAL].name,
            value=value,
            before=before,
            state="",
            model=office.model.model_id,
            data="",
            reasons=reasons_of(wanted),
            time=now,
        )
        proposal = Proposal(
            market=ASSETS_FROM + asset,
            number=WEIGHT_INITIAL,
            amount=value,
            serial=0,
            expires=now + LIFE_MS,
            report=report_hash(report),
        )
        return proposal, report
