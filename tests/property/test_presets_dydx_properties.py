"""dYdX v4's rules as algebra: what must hold for every account, checked against exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from seawall.presets import dydx
from seawall.presets.dydx import LiquidityTier, OrderSide, Perpetual, PerpetualPosition, Risk, Subaccount

PPM = 1_000_000
ppm = st.integers(0, PPM)
tiers = st.builds(LiquidityTier, initial_margin_ppm=st.integers(10_000, PPM), maintenance_fraction_ppm=ppm)
requiring = st.builds(
    LiquidityTier, initial_margin_ppm=st.integers(10_000, PPM), maintenance_fraction_ppm=st.integers(1, PPM)
)
sizes = st.integers(-(10**12), 10**12).filter(lambda size: size != 0)


@st.composite
def perpetuals(draw: st.DrawFn, name: str) -> Perpetual:
    return Perpetual(
        perpetual_id=name,
        atomic_resolution=draw(st.integers(-10, -4)),
        price=draw(st.integers(1, 10**10)),
        price_exponent=draw(st.integers(-9, 0)),
        tier=draw(requiring),
        funding_index=draw(st.integers(-(10**6), 10**6)),
    )


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Subaccount, dict[str, Perpetual]]:
    """One to three positions, each worth a quote quantum or more, and collateral around the maintenance requirement."""
    names = ("a", "b", "c")[: draw(st.integers(1, 3))]
    markets = {name: draw(perpetuals(name)) for name in names}
    positions = tuple(
        PerpetualPosition(
            perpetual_id=name,
            quantums=draw(sizes.filter(lambda size, name=name: dydx.notional(markets[name], size) != 0)),
            funding_index=draw(st.integers(-(10**6), 10**6)),
        )
        for name in names
    )
    flat = dydx.risk(Subaccount(usdc=0, positions=positions), markets)
    wanted = draw(st.integers(-3 * flat.maintenance - 5, 3 * flat.maintenance + 5))
    return Subaccount(usdc=wanted - flat.net_collateral, positions=positions), markets


def fill(account: Subaccount, markets: dict[str, Perpetual], name: str, delta: int, quote: int) -> Subaccount:
    return dydx.apply_updates(account, markets, usdc=quote, sizes=[(name, delta)])


@given(world=accounts(), data=st.data())
def test_bankruptcy_price_needs_no_insurance_money(
    world: tuple[Subaccount, dict[str, Perpetual]], data: st.DataObject
) -> None:
    account, markets = world
    position = data.draw(st.sampled_from(account.positions))
    amount = data.draw(st.integers(1, abs(position.quantums)))
    side = OrderSide.SELL if position.quantums > 0 else OrderSide.BUY
    delta = side.value * amount
    name = position.perpetual_id
    bankrupt = dydx.bankruptcy_price(account, markets, perpetual_id=name, delta=delta)

    def insurance(signed_quote: int) -> int:
        quote = -side.value * signed_quote
        return dydx.insurance_fund_delta(
            account, markets, perpetual_id=name, side=side, fill=amount, quote=quote, max_liquidation_fee_ppm=PPM
        )

    assert insurance(bankrupt) == 0
    assert insurance(bankrupt - 1) == -1
    assert 0 <= insurance(bankrupt + 1) <= 1
    before = dydx.risk(account, markets)
    after = dydx.risk(fill(account, markets, name, delta, bankrupt), markets)
    assert dydx.accepts(before, after)  # the rest is never left worse off


@given(world=accounts(), data=st.data())
def test_closing_everything_at_bankruptcy_prices_leaves_nothing(
    world: tuple[Subaccount, dict[str, Perpetual]], data: st.DataObject
) -> None:
    account, markets = world
    for position in data.draw(st.permutations(account.positions)):
        name = position.perpetual_id
        part = data.draw(st.integers(1, abs(position.quantums)))
        for amount in (part, abs(position.quantums) - part):
            if amount == 0:
                continue
            delta = -amount if position.quantums > 0 else amount
            if dydx.risk(account, markets).maintenance == 0:
                continue
            quote = dydx.bankruptcy_price(account, markets, perpetual_id=name, delta=delta)
            account = fill(account, markets, name, delta, quote)
    assert dydx.risk(account, markets).maintenance == 0
    assert dydx.risk(account, markets).net_collateral == 0


@given(world=accounts(), factor=st.integers(1, 3 * PPM), spread=st.integers(0, 2 * PPM))
def test_fillable_price_lies_between_the_oracle_and_the_full_spread(
    world: tuple[Subaccount, dict[str, Perpetual]], factor: int, spread: int
) -> None:
    account, markets = world
    total = dydx.risk(account, markets)
    for position in account.positions:
        part = dydx.position_risk(markets[position.perpetual_id], position.quantums)
        oracle = Fraction(part.net_collateral, position.quantums)
        worst = oracle - Fraction(spread * part.maintenance, PPM * position.quantums)
        price = dydx.fillable_price(
            account,
            markets,
            perpetual_id=position.perpetual_id,
            bankruptcy_adjustment_ppm=factor,
            spread_to_maintenance_ppm=spread,
        )
        assert min(oracle, worst) <= price <= max(oracle, worst)
        if not total.is_liquidatable:
            assert price == oracle
        if total.net_collateral <= 0 and factor >= PPM:
            assert price == worst


@given(world=accounts())
def test_net_collateral_equals_exact_fractions(world: tuple[Subaccount, dict[str, Perpetual]]) -> None:
    account, markets = world
    exact = Fraction(account.usdc)
    initial = maintenance = Fraction(0)
    for position in account.positions:
        market = markets[position.perpetual_id]
        power = market.price_exponent + market.atomic_resolution + 6
        value = Fraction(position.quantums * market.price) * Fraction(10) ** power
        funding = Fraction((position.funding_index - market.funding_index) * position.quantums, PPM)
        exact += value + funding
        initial += abs(value) * Fraction(market.tier.initial_margin_ppm, PPM)
        fraction = market.tier.initial_margin_ppm * market.tier.maintenance_fraction_ppm
        maintenance += abs(value) * Fraction(fraction, PPM * PPM)
    risk = dydx.risk(account, markets)
    count = len(account.positions)
    assert -count - 1 < risk.net_collateral - exact < count
    assert -count < risk.initial - initial < count
    assert -count < risk.maintenance - maintenance < count


@given(world=accounts())
def test_settling_funding_changes_no_risk(world: tuple[Subaccount, dict[str, Perpetual]]) -> None:
    account, markets = world
    assert dydx.risk(dydx.apply_updates(account, markets), markets) == dydx.risk(account, markets)


@given(tier=tiers, value=st.integers(0, 10**20), more=st.integers(0, 10**20), interest=st.integers(0, 10**20))
def test_requirements_grow_with_size_and_interest(tier: LiquidityTier, value: int, more: int, interest: int) -> None:
    capped = LiquidityTier(
        initial_margin_ppm=tier.initial_margin_ppm,
        maintenance_fraction_ppm=tier.maintenance_fraction_ppm,
        open_interest_lower_cap=10**18,
        open_interest_upper_cap=5 * 10**19,
    )
    initial = dydx.initial_margin(capped, value=value, open_interest=interest)
    maintenance = dydx.maintenance_margin(capped, value)
    assert maintenance <= initial <= value
    assert initial <= dydx.initial_margin(capped, value=value + more, open_interest=interest)
    assert initial <= dydx.initial_margin(capped, value=value, open_interest=interest + more)
    assert maintenance <= dydx.maintenance_margin(capped, value + more)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9), st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_transition_rule_compares_ratios(nc: int, mmr: int, next_nc: int, next_mmr: int) -> None:
    before = Risk(net_collateral=nc, initial=2 * mmr, maintenance=mmr)
    after = Risk(net_collateral=next_nc, initial=2 * next_mmr, maintenance=next_mmr)
    no_worse = next_mmr <= mmr and Fraction(next_nc, next_mmr) >= Fraction(nc, mmr)
    assert dydx.accepts(before, after) is (next_nc >= 2 * next_mmr or no_worse)


@given(
    world=accounts(),
    portion=ppm,
    minimum=st.integers(0, 10**15),
    allowance=st.integers(0, 10**15),
    step=st.integers(1, 10**6),
)
def test_max_liquidatable_stays_within_its_limits(
    world: tuple[Subaccount, dict[str, Perpetual]], portion: int, minimum: int, allowance: int, step: int
) -> None:
    account, markets = world
    limits = dydx.PositionBlockLimits(min_position_notional=minimum, max_position_portion_ppm=portion)
    for position in account.positions:
        market = markets[position.perpetual_id]
        change = dydx.max_liquidatable(
            market, position.quantums, limits=limits, subaccount_allowance=allowance, step=step
        )
        assert change * position.quantums <= 0
        assert abs(change) <= abs(position.quantums)
        assert change == -position.quantums or change % step == 0
        assert abs(dydx.notional(market, change)) <= allowance
