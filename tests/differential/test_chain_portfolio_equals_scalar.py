"""Portfolio margin of the Appraiser is that of margin/scenario.py, to the unit, and so is tiered health."""

import random
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chain_twins import puppet
from evm import DEPLOYER, Evm, create_address

from seawall.chain import layout as at
from seawall.chain.permits import PERMITS
from seawall.chain.stack import MODULES
from seawall.margin.health import health
from seawall.margin.scenario import portfolio_health, portfolio_margin
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions, MarginPolicy
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid
from seawall.terms.market import Mark, market
from seawall.units import RATE_ONE, FundingIndex, Lots, Price, Rate, UsdMicro

MARKETS = 5
ONE, OTHER = 0x1111, 0x2222


class House:
    """Positions made by fills of the exchange's puppet, prices and policy by puppets."""

    def __init__(self) -> None:
        self.evm = Evm()
        self.where = {name: puppet(name) for name in MODULES}
        self.where["appraiser"] = create_address(DEPLOYER, self.evm.nonce() + 1)
        permits = [(self.where[m], sort, mask) for m, sort, mask in PERMITS if m in self.where]
        self.house = self.evm.deploy("ClearingHouse", tuple(self.where[m] for m in MODULES), permits)
        self.appraiser = self.evm.deploy("Appraiser", self.house.address, self.where["vault"], DEPLOYER, DEPLOYER)
        for account in (ONE, OTHER):
            self.send("vault", "open_account", account, 1)
            self.send("vault", "credit", account, 2**50)
        policy = at.pack(
            at.POLICY_WORD,
            exit_buffer=RATE_ONE // 50,
            floor_share=RATE_ONE // 10,
            profit_weight=RATE_ONE,
            profit_cap=-1,
        )
        self.put("steward", at.VENUE | at.POLICY, 2**256 - 1, policy)

    def send(self, module: str, function: str, *args: Any) -> Any:
        return self.evm.send(self.house, function, *args, sender=self.where[module])

    def put(self, module: str, key: int, mask: int, fields: int) -> None:
        self.send(module, "put", key, mask, fields)

    def list_market(self, number: int, tiers: list[tuple[int, int, int]]) -> None:
        self.send("steward", "list_market", number)
        words = at.tier_words(tiers)
        for k in range(1, len(words)):
            self.put("steward", at.tier_key(number, k), 2**256 - 1, words[k])
        first = at.unpack(at.TIER_WORD, words[0])
        fields = {"next_lower": first["next_lower"], "rate": first["rate"], "leverage": first["leverage"]}
        change = at.change(at.PRICE_WORD, **fields, status=1, tiers=len(words))
        self.put("steward", at.market_key(at.PRICE, number), *change)
        base = -(-RATE_ONE // first["leverage"])
        risk = at.change(at.RISK_WORD, base=base, leverage_cap=1000, isolated_cap=1000, age=3_600_000)
        self.put("steward", at.market_key(at.RISK, number), *risk)
        caps = at.pack(at.CAPS_WORD, oi_cap=2**50, position_cap=2**50, price_max=2**30, band=RATE_ONE)
        self.put("steward", at.market_key(at.CAPS, number), 2**256 - 1, caps)

    def price(self, number: int, price: int) -> None:
        change = at.change(at.PRICE_WORD, price=price, time=self.evm.now * 1000, fresh=1)
        self.put("hub", at.market_key(at.PRICE, number), *change)


def tiers_of(rng: random.Random) -> list[tuple[int, int, int]]:
    rates = sorted(rng.randrange(RATE_ONE // 200, RATE_ONE // 12) for _ in range(rng.randrange(1, 5)))
    lowers = [0, *sorted(rng.sample(range(10**8, 10**12), len(rates) - 1))]
    levers = sorted((rng.randrange(5, 60) for _ in rates), reverse=True)
    return list(zip(lowers, levers, rates, strict=True))


def grid_of(rng: random.Random, names: list[str]) -> ScenarioGrid:
    part = lambda: Rate(rng.randrange(0, RATE_ONE + 1))  # noqa: E731
    risks = {
        name: MarketRisk(
            beta=Rate(rng.randrange(-2 * RATE_ONE, 3 * RATE_ONE)),
            own=part(),
            basis=part(),
            floor=Rate(rng.randrange(RATE_ONE // 50)),
            concentration_start=rng.randrange(10**12),
            concentration=Rate(rng.randrange(RATE_ONE // 10)),
        )
        for name in names
    }
    shocks = tuple(FactorShock(Rate(rng.randrange(-RATE_ONE, RATE_ONE + 1)), part()) for _ in range(5))
    shares = (Rate(RATE_ONE), Rate(RATE_ONE // 3))
    return ScenarioGrid(
        version="1", factor_shocks=shocks, own_shares=shares, risks=risks, portfolio_factor=Rate(RATE_ONE * 11 // 10)
    )


@pytest.mark.parametrize("seed", range(12))
def test_equal(seed: int) -> None:
    rng, world = random.Random(seed), House()
    names = [f"M{i}" for i in range(MARKETS)]
    markets, marks, positions = {}, {}, []
    for number, name in enumerate(names):
        tiers = tiers_of(rng)
        world.list_market(number, tiers)
        rows = [(UsdMicro(a), b, Rate(c)) for a, b, c in tiers]
        markets[name] = market(name, size_decimals=0, price_max=Price(2**30), tiers=rows)
        first, size = rng.randrange(1_000, 10**8), rng.choice((1, -1)) * rng.randrange(1, 20_000)
        world.price(number, first)
        args = (number, ONE, OTHER, 1 if size > 0 else -1, abs(size), first, False, False)
        if world.send("exchange", "fill", *args) != 0:
            continue
        price = max(1, first * rng.randrange(60, 150) // 100)
        world.price(number, price)
        marks[name] = Mark(mark=Price(price), oracle=Price(price))
        leverage = min(20, tiers[0][1])
        entry = UsdMicro(size * first)
        positions.append(
            Position(
                market=name,
                size=Lots(size),
                entry_notional=entry,
                leverage=leverage,
                funding_index=FundingIndex(0),
            )
        )
    raw = at.unpack(at.BUCKET_WORD, world.evm.view(world.house, "word_of", at.BUCKET | ONE))["raw"]
    conditions = Conditions(markets=markets, marks=marks, policy=MarginPolicy())
    bucket = Bucket(raw_usd=UsdMicro(raw), positions=tuple(positions))
    compare_health(world, health(bucket, conditions))
    grid = grid_of(rng, names)
    shocks = [(s.move, s.credit) for s in grid.factor_shocks]
    world.evm.send(world.appraiser, "set_grid", 1, grid.portfolio_factor, shocks, list(grid.own_shares))
    for number, name in enumerate(names):
        r = grid.risks[name]
        row = (r.beta, r.own, r.basis, r.floor, r.concentration_start, r.concentration)
        world.evm.send(world.appraiser, "set_risk", number, row)
    wanted = portfolio_margin(bucket, conditions, grid)
    row, worst, floor, extra, maintenance, initial = world.evm.view(world.appraiser, "portfolio", ONE)
    assert (worst, floor, extra) == (wanted.worst.loss, wanted.floor, wanted.concentration)
    assert (maintenance, initial) == (wanted.maintenance, wanted.initial)
    assert world.evm.view(world.appraiser, "verify_claim", ONE, row, maintenance, initial)
    assert not world.evm.view(world.appraiser, "verify_claim", ONE, row, maintenance + 1, initial)
    world.put("desk", at.BUCKET | ONE, 1 << 199, 1 << 199)
    compare_health(world, portfolio_health(bucket, conditions, grid))


def compare_health(world: House, wanted: Any) -> None:
    found = world.evm.view(world.house, "health_after", ONE, at.NO_MARKET, 0, 0, 0, 0)
    equity, equity_initial, maintenance, initial, notional, profit = found
    assert (equity, equity_initial) == (wanted.equity, wanted.equity_initial)
    assert (maintenance, initial) == (wanted.maintenance, wanted.initial)
    assert (notional, profit) == (wanted.notional, wanted.profit)
