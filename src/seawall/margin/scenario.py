"""Portfolio margin: the worst loss of a bucket over a scenario grid, with correlation break and basis (SPEC section 3).

Within one market the perp and collateral of the same asset net in full but for the basis; between markets gains pay
for losses only at the credit of the scenario. Exact integers until one ceil at the end, so that a contract which is
told the worst scenario can check the claim by evaluating the grid.
"""

from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from seawall.margin import collateral
from seawall.margin.collateral import span_base, span_worth
from seawall.margin.health import Health, health
from seawall.margin.liquidity import check_lp, lp_delta, lp_value
from seawall.terms.asset import Span
from seawall.terms.bucket import Bucket, LpHolding
from seawall.terms.conditions import Conditions
from seawall.terms.grid import MarketRisk, ScenarioGrid
from seawall.units import RATE_ONE, BadInput, Price, Rate, Side, UsdMicro, ceil_div, floor_div, share, signed_notional


class ScenarioKind(Enum):
    COMMON = "common"  # all markets along the common factor
    OWN = "own"  # one market alone


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the grid."""

    kind: ScenarioKind
    move: Rate  # of the common factor, or of the one market
    credit: Rate  # at which gains of some markets pay for losses of others
    market: str = ""  # for OWN


class ScenarioLoss(msgspec.Struct, frozen=True):
    scenario: Scenario
    loss: UsdMicro  # rounded up; negative is a gain


class PortfolioMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt: which scenario decided, and what was added. All amounts round up."""

    version: str
    worst: ScenarioLoss
    floor: UsdMicro
    concentration: UsdMicro
    maintenance: UsdMicro
    initial: UsdMicro  # without reserved
    losses: tuple[ScenarioLoss, ...]


class Exposure(msgspec.Struct, frozen=True):
    """What a bucket has in one market, in micro-USD at mark: perp (signed) and haircut collateral (>= 0).

    Liquidity positions are valued again at the price of each scenario: their delta nets with the perp, their gamma does
    not. `base` is what of them is base asset now, which a short perp hedges as it hedges collateral.
    """

    market: str
    perp: UsdMicro
    spot: UsdMicro
    mark: Price = Price(0)
    liquidity: tuple[LpHolding, ...] = ()
    base: UsdMicro = UsdMicro(0)
    spans: tuple[Span, ...] = ()  # liquidity positions in the engine's integers


def exposures(bucket: Bucket, conditions: Conditions, liquidity: Sequence[LpHolding] = ()) -> tuple[Exposure, ...]:
    """Exposure per market, in order of name. Collateral counts at the value it has for maintenance.

    Collateral without an underlying market is taken as USD-like: its weight is its charge, it has no shock here.
    """
    perps: dict[str, int] = {}
    spots: dict[str, int] = {}
    spans: dict[str, list[Span]] = {}
    for position in bucket.positions:
        perps[position.market] = signed_notional(position.size, conditions.mark(position.market).mark)
    for holding in bucket.collateral:
        asset = conditions.asset(holding.asset)
        if asset.underlying is not None and asset.span is not None:
            spans.setdefault(asset.underlying, []).extend([asset.span] * holding.balance)
        elif asset.underlying is not None:
            worth = collateral.value_maintenance(asset, holding.balance)
            spots[asset.underlying] = spots.get(asset.underlying, 0) + worth
    ranges: dict[str, list[LpHolding]] = {}
    for one in liquidity:
        ranges.setdefault(check_lp(one).market, []).append(one)
    found = []
    for name in sorted(perps.keys() | spots.keys() | ranges.keys() | spans.keys()):
        mark = conditions.mark(name).mark if name in ranges or name in spans else Price(0)
        held, own = tuple(ranges.get(name, ())), tuple(spans.get(name, ()))
        base = sum(lp_delta(position, mark) for position in held) + sum(span_base(span, mark) for span in own)
        perp, spot = UsdMicro(perps.get(name, 0)), UsdMicro(spots.get(name, 0))
        found.append(Exposure(name, perp, spot, mark, held, UsdMicro(base), own))
    return tuple(found)


def scenarios(grid: ScenarioGrid, markets: tuple[str, ...]) -> Iterator[Scenario]:
    """Every row of the grid that concerns `markets`, in a fixed order."""
    for shock in grid.factor_shocks:
        yield Scenario(kind=ScenarioKind.COMMON, move=shock.move, credit=shock.credit)
    for name in markets:
        own = grid.risk(name).own
        for part in grid.own_shares:
            for sign in (1, -1):
                move = Rate(sign * share(own, part, Side.UP))
                yield Scenario(kind=ScenarioKind.OWN, move=move, credit=Rate(RATE_ONE), market=name)


def loss_numerator(exposure: Exposure, risk: MarketRisk, scenario: Scenario) -> int:
    """Loss (positive) or gain of one market in micro-USD x RATE_ONE^2, exact.

    Perp and collateral of the same asset make the same relative move, not below -100 %, and the part in which a short
    perp hedges collateral loses the basis on top. Liquidity loses what it is worth less at the price of the scenario,
    that price rounded down.
    """
    if scenario.kind is ScenarioKind.OWN and exposure.market != scenario.market:
        return 0
    beta = RATE_ONE if scenario.kind is ScenarioKind.OWN else risk.beta
    move = max(-RATE_ONE * RATE_ONE, scenario.move * beta)
    hedged = min(max(0, -exposure.perp), exposure.spot + exposure.base)
    price = Price(max(0, floor_div(exposure.mark * (RATE_ONE**2 + move), RATE_ONE**2)))
    fallen = sum(lp_value(one, exposure.mark) - lp_value(one, price) for one in exposure.liquidity)
    fallen += sum(span_worth(one, exposure.mark) - span_worth(one, price) for one in exposure.spans)
    return fallen * RATE_ONE**2 + hedged * risk.basis * RATE_ONE - (exposure.perp + exposure.spot) * move


def scenario_loss(book: tuple[Exposure, ...], grid: ScenarioGrid, scenario: Scenario) -> UsdMicro:
    """Loss of the bucket in one scenario, rounded up; gains of some markets pay for others at the scenario's credit."""
    lost, gained = 0, 0
    for exposure in book:
        numerator = loss_numerator(exposure, grid.risk(exposure.market), scenario)
        if numerator > 0:
            lost += numerator
        else:
            gained -= numerator
    return UsdMicro(ceil_div(lost * RATE_ONE - gained * scenario.credit, RATE_ONE**3))


def portfolio_margin(
    bucket: Bucket, conditions: Conditions, grid: ScenarioGrid, liquidity: Sequence[LpHolding] = ()
) -> PortfolioMargin:
    """Portfolio maintenance and initial margin of a bucket with its liquidity positions.

    maintenance = max(0, worst loss) + floors + concentration add-ons; initial = ceil(maintenance x portfolio factor).
    Raises BadInput when a market has no risk parameters or the factor is under 1 + exit buffer.
    """
    if grid.portfolio_factor < RATE_ONE + conditions.policy.exit_buffer:
        raise BadInput("grid.portfolio_factor", "must be at least 1 + exit buffer")
    book = exposures(bucket, conditions, liquidity)
    rows = scenarios(grid, tuple(e.market for e in book))
    losses = tuple(ScenarioLoss(row, scenario_loss(book, grid, row)) for row in rows)
    worst = max(losses, key=lambda row: row.loss)
    floors, extra = 0, 0
    for exposure in book:
        risk = grid.risk(exposure.market)
        gross = abs(exposure.perp)
        floors += gross * risk.floor
        extra += max(0, gross - risk.concentration_start) * risk.concentration
    floor = UsdMicro(ceil_div(floors, RATE_ONE))
    concentration = UsdMicro(ceil_div(extra, RATE_ONE))
    maintenance = UsdMicro(max(0, worst.loss) + floor + concentration)
    return PortfolioMargin(
        version=grid.version,
        worst=worst,
        floor=floor,
        concentration=concentration,
        maintenance=maintenance,
        initial=share(maintenance, grid.portfolio_factor, Side.UP),
        losses=losses,
    )


def portfolio_health(bucket: Bucket, conditions: Conditions, grid: ScenarioGrid) -> Health:
    """Health with the requirements of portfolio mode in place of the tiered ones; equity and reserved are the same."""
    tiered = health(bucket, conditions)
    margin = portfolio_margin(bucket, conditions, grid)
    end = share(margin.maintenance, RATE_ONE + conditions.policy.exit_buffer, Side.UP)
    return msgspec.structs.replace(
        tiered,
        maintenance=margin.maintenance,
        liquidation_end=end,
        initial=UsdMicro(max(margin.initial, end) + tiered.reserved),
    )
