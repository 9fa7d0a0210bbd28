"""Portfolio margin in the engine equals the library's, and with liquidity the fraction model's, to the unit."""

import random
from fractions import Fraction
from math import floor
from typing import Any

import pytest

from seawall.ledger import buckets, health, state
from seawall.ledger.portfolio import portfolio_maintenance
from seawall.margin.health import Health
from seawall.margin.liquidity import lp_delta, lp_value
from seawall.margin.scenario import portfolio_health, portfolio_margin
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.simulation import model, observe
from seawall.terms import asset_parameter, parameter
from seawall.terms.asset import Asset, Holding
from seawall.terms.bucket import Bucket, LpHolding, MarginMode, Position
from seawall.terms.conditions import Conditions, MarginPolicy
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid, check_grid
from seawall.terms.market import Mark, Market, market
from seawall.units import RATE_ONE, FundingIndex, Lots, Price, Rate, UsdMicro

EDGES = (0, 1, RATE_ONE // 50, RATE_ONE // 3, RATE_ONE - 1, RATE_ONE)
MARKETS = state.SMALL.markets


def rate(draw: random.Random, most: int = RATE_ONE) -> int:
    return draw.choice([min(edge, most) for edge in EDGES] + [draw.randrange(most + 1)] * 4)


class Scene:
    """A record with one bucket in portfolio margin and the same for the library."""

    def __init__(self, seed: int, *, is_ranged: bool = False) -> None:
        self.draw = random.Random(seed)
        self.array = state.create_state(state.SMALL)
        self.s, self.c = state.for_kernels(self.array)[0], state.columns_of(self.array)
        self.c["cell"][state.MARKETS] = MARKETS
        self.c["bucket_mode"][0] = PORTFOLIO
        self.c["bucket_kind"][0] = state.CROSS
        self.markets = {f"M{n}": self._market(n) for n in range(MARKETS)}
        self.marks = {f"M{n}": self._mark(n) for n in range(MARKETS)}
        self._grid()
        self.positions = [one for n in range(MARKETS) if self.draw.random() < 0.7 for one in [self._position(n)]]
        self.rows = 0
        self.assets: dict[str, Asset] = {}
        self.holdings = [self._holding(n) for n in range(4) if self.draw.random() < 0.7]
        self.c["cell"][state.ASSETS] = 6
        if is_ranged:
            for number in (4, 5):
                self._range(number)
        self.raw = self.draw.randrange(-(10**13), 10**13)
        self.c["bucket_raw"][0] = self.raw
        worth = sum(self._kept(asset, held) for asset, held in self.holdings)
        if self.rows and not is_ranged:
            self.c["holding_worth"][int(self.c["bucket_holding"][0])] = worth

    def _market(self, number: int) -> Market:
        top = Price(2 ** self.draw.choice([12, 30, 40]))
        terms = market(f"M{number}", size_decimals=0, tiers=[(UsdMicro(0), 20)], price_max=top)
        for column, value in (("tier_count", 1), ("base_leverage", 20)):
            self.c[column][2 * number if column == "tier_count" else (number, 0)] = value
        self.c["tier_rate"][2 * number, 0] = terms.tiers[0].maintenance
        self.c["market_price_max"][number] = top
        return terms

    def _mark(self, number: int) -> Mark:
        top = self.markets[f"M{number}"].price_max
        price = Price(self.draw.choice([1, 7, top, self.draw.randrange(1, top)]))
        self.c["market_price"][number] = self.c["market_oracle"][number] = price
        self.c["market_fresh"][number] = 1
        return Mark(mark=price, oracle=price, funding_index=FundingIndex(0), open_interest=UsdMicro(0))

    def _grid(self) -> None:
        draw, venue = self.draw, self.c["param"][MARKETS]
        buffer = draw.choice([0, RATE_ONE // 50])
        self.policy = MarginPolicy(exit_buffer=Rate(buffer))
        venue[parameter.EXIT_BUFFER] = buffer
        factor = RATE_ONE + buffer + draw.choice([0, 1, RATE_ONE // 5])
        venue[parameter.PORTFOLIO_FACTOR] = factor
        shocks, shares = [], []
        for k in range(parameter.GRID_SHOCKS):
            move, credit = draw.choice([0, RATE_ONE, -RATE_ONE, draw.randrange(-RATE_ONE, RATE_ONE)]), rate(draw)
            venue[parameter.GRID_MOVE + k], venue[parameter.GRID_CREDIT + k] = move, credit
            if move:
                shocks.append(FactorShock(Rate(move), Rate(credit)))
        for k in range(parameter.GRID_SHARES):
            part = max(rate(draw), 1 if k == 0 else 0)
            venue[parameter.GRID_SHARE + k] = part
            if part:
                shares.append(Rate(part))
        if not shocks:
            venue[parameter.GRID_MOVE] = 1
            shocks.append(FactorShock(Rate(1), Rate(int(venue[parameter.GRID_CREDIT]))))
        risks = {}
        for number in range(MARKETS):
            row = {
                "beta": draw.choice(
                    [0, RATE_ONE, -RATE_ONE, 10 * RATE_ONE, draw.randrange(-(3 * RATE_ONE), 3 * RATE_ONE)]
                ),
                "own": rate(draw),
                "basis": rate(draw),
                "floor": rate(draw, RATE_ONE // 2),
                "concentration_start": draw.choice([0, 1, draw.randrange(2**53)]),
                "concentration": rate(draw, RATE_ONE // 2),
            }
            risks[f"M{number}"] = MarketRisk(**row)
            first = parameter.GRID_BETA
            self.c["param"][number, first : first + 6] = list(row.values())
        self.grid = check_grid(
            ScenarioGrid(
                version="t",
                factor_shocks=tuple(shocks),
                own_shares=tuple(shares),
                risks=risks,
                portfolio_factor=Rate(factor),
            )
        )

    def _position(self, number: int) -> Position:
        draw, terms = self.draw, self.markets[f"M{number}"]
        top = terms.size_max // 4
        size = draw.choice([0, 1, -1, top, -top, draw.randrange(-top, top + 1)])
        bids, asks = (draw.choice([0, 0, 1, draw.randrange(0, top + 1)]) for _ in range(2))
        slot = buckets.open_slot(self.s, 0, number, 7)
        entry = size * draw.randrange(1, terms.price_max)
        for name, value in (("size", size), ("entry", entry), ("bids", bids), ("asks", asks)):
            self.c[f"slot_{name}"][slot] = value
        return Position(
            market=terms.name,
            size=Lots(size),
            entry_notional=UsdMicro(entry),
            leverage=7,
            bids=Lots(bids),
            asks=Lots(asks),
        )

    def _row(self, asset: int, at: int) -> int:
        self.rows += 1
        row = self.rows
        self.c["holding_next"][row], self.c["bucket_holding"][0] = self.c["bucket_holding"][0], row
        self.c["holding_asset"][row] = asset
        self.c["asset_market"][asset] = at
        return row

    def _holding(self, number: int) -> tuple[int, int]:
        draw, at = self.draw, self.draw.randrange(MARKETS)
        weight = rate(draw)
        lots = draw.choice([1, draw.randrange(1, 2**53 // self.markets[f"M{at}"].price_max)])
        self.c["holding_lots"][self._row(number, at)] = lots
        self.c["asset_kind"][number] = asset_parameter.TOKEN
        self.c["asset_param"][number, asset_parameter.WEIGHT_MAINTENANCE] = weight
        self.c["asset_param"][number, asset_parameter.WEIGHT_INITIAL] = weight
        price = self.marks[f"M{at}"].mark
        self.c["asset_stable"][number] = price
        self.assets[f"A{number}"] = Asset(
            name=f"A{number}",
            size_decimals=0,
            weight_initial=Rate(weight),
            weight_maintenance=Rate(weight),
            oracle=price,
            stable=price,
            underlying=f"M{at}",
        )
        return number, lots

    def _kept(self, asset: int, lots: int) -> int:
        one = self.assets[f"A{asset}"]
        return floor(lots * Fraction(one.oracle * one.weight_maintenance, RATE_ONE))

    def _range(self, number: int) -> None:
        draw, at = self.draw, self.draw.randrange(MARKETS)
        mark = self.marks[f"M{at}"].mark
        scale = max(0, (60 - mark.bit_length()) // 2)
        root = floor(mark**0.5 * 2**scale)
        low = max(1, floor(root * draw.uniform(0.3, 1.5)))
        high = min(2**31 - 1, low + 1 + floor(low * draw.uniform(0, 1)))
        row = self._row(number, at)
        self.c["holding_low"][row], self.c["holding_high"][row], self.c["holding_scale"][row] = low, high, scale
        self.c["holding_lots"][row] = max(1, (draw.randrange(1, 2**45) << scale) // (high - low) >> 3)
        self.c["asset_kind"][number] = asset_parameter.POOL
        self.c["holding_token"][row] = row

    def core(self) -> Health:
        held = tuple(Holding(f"A{asset}", Lots(lots)) for asset, lots in self.holdings)
        bucket = Bucket(
            raw_usd=UsdMicro(self.raw), positions=tuple(self.positions), collateral=held, mode=MarginMode.PORTFOLIO
        )
        conditions = Conditions(markets=self.markets, marks=self.marks, assets=self.assets, policy=self.policy)
        return portfolio_health(bucket, conditions, self.grid)


def figures(found: Health) -> tuple[int, ...]:
    return (found.equity, found.equity_initial, found.maintenance, found.initial, found.reserved, found.notional)


@pytest.mark.parametrize("seed", range(300))
def test_measure_equals_portfolio_health(seed: int) -> None:
    scene = Scene(seed)
    wanted = scene.core()
    found = health.measure(scene.s, 0)
    assert tuple(int(part) for part in found[:6]) == figures(wanted)
    assert health.equity_and_maintenance(scene.s, 0) == (wanted.equity, wanted.maintenance)


@pytest.mark.parametrize("seed", range(100))
def test_a_change_measured_ahead_equals_the_change_made(seed: int) -> None:
    scene = Scene(seed)
    number = scene.draw.randrange(MARKETS)
    top = scene.markets[f"M{number}"].size_max // 4
    size, price = scene.draw.randrange(-top, top + 1), scene.marks[f"M{number}"].mark
    ahead = health.measure_after(scene.s, 0, number, size, size * price, 0, 0, 0, 7)
    slot = buckets.find_slot(scene.s, 0, number) or buckets.open_slot(scene.s, 0, number, 7)
    scene.c["slot_size"][slot] += size
    scene.c["bucket_raw"][0] -= size * price
    assert ahead[0] == health.measure(scene.s, 0)[0]
    assert ahead[2:4] == health.measure(scene.s, 0)[2:4]


@pytest.mark.parametrize("seed", range(200))
def test_with_liquidity_it_equals_the_fraction_model(seed: int) -> None:
    scene = Scene(seed, is_ranged=True)
    picture = observe.picture_of(scene.c, [0])
    picture.markets = {n: market_seen(scene, n) for n in range(MARKETS)}
    wanted = model.portfolio_maintenance(picture, picture.buckets[0])
    assert portfolio_maintenance(scene.s, 0, health.NO_MARKET, 0, health.NO_MARKET, 0) == wanted


def market_seen(scene: Scene, number: int) -> Any:
    seen = observe.market_of(scene.c, number)
    seen.is_fresh = True
    return seen


@pytest.mark.parametrize("seed", range(40))
def test_liquidity_is_the_librarys_but_for_the_bits_of_its_roots(seed: int) -> None:
    """margin/scenario.py values a range with roots of 64 binary digits, the engine with 31."""
    draw = random.Random(seed)
    scene = Scene(draw.randrange(10**6))
    mark = scene.marks["M0"].mark
    if not 10**4 < mark < 2**36:
        return
    scene.c["bucket_holding"][0], scene.rows, scene.holdings, scene.assets = 0, 0, [], {}
    scale = 0
    while (mark * 2) << (2 * scale + 2) < 2**62:
        scale += 1
    low, high, liquidity = int(mark * 0.8), int(mark * 1.3), draw.randrange(10**6, 10**9)
    row = scene._row(4, 0)
    scene.c["asset_kind"][4] = asset_parameter.POOL
    scene.c["holding_low"][row], scene.c["holding_high"][row] = int(low**0.5 * 2**scale) + 1, int(high**0.5 * 2**scale)
    scene.c["holding_scale"][row], scene.c["holding_lots"][row] = scale, liquidity
    one = LpHolding(market="M0", liquidity=liquidity, lower=low, upper=high)
    bucket = Bucket(raw_usd=UsdMicro(scene.raw), positions=tuple(scene.positions))
    conditions = Conditions(markets=scene.markets, marks=scene.marks, assets={}, policy=scene.policy)
    wanted = portfolio_margin(bucket, conditions, scene.grid, (one,)).maintenance
    found = portfolio_maintenance(scene.s, 0, health.NO_MARKET, 0, health.NO_MARKET, 0)
    assert lp_value(one, mark) >= lp_delta(one, mark) > 0
    assert abs(found - wanted) <= 2 + lp_value(one, mark) // 2**18
