"""What a world is made of, drawn anew for each: swarm testing finds what one tuned mix would average away."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from seawall.terms import asset_parameter, command, parameter
from seawall.terms.limits import NOTIONAL_MAX, PRICE_MAX
from seawall.units import RATE_ONE

Generator = np.random.Generator

START_MS: Final = 1_760_000_400_000
PPM: Final = RATE_ONE // 1_000_000
USD: Final = 10**6

# how an account behaves; its share of the population is drawn
MAKER, TAKER, HEDGER, ATTACKER, WHALE, DUST, LP = range(7)
ROLES: Final = ("maker", "taker", "hedger", "attacker", "whale", "dust", "lp")

# weights of traffic, before the swarm switches some off
WEIGHTS: Final[dict[int, float]] = {
    command.PLACE: 48.0,
    command.CANCEL: 26.0,
    command.MODIFY: 6.0,
    command.CANCEL_CLIENT: 2.0,
    command.CANCEL_ALL: 0.3,
    command.SCHEDULE_CANCEL: 0.3,
    command.TWAP: 0.3,
    command.CANCEL_TWAP: 0.2,
    command.DEPOSIT: 2.0,
    command.WITHDRAW: 2.0,
    command.FINISH_WITHDRAWAL: 1.0,
    command.CANCEL_WITHDRAWAL: 0.4,
    command.TRANSFER: 1.5,
    command.ISOLATED_MARGIN: 1.5,
    command.SET_TOP_UP: 0.4,
    command.MOVE_POSITION: 0.8,
    command.SET_LEVERAGE: 1.5,
    command.CREATE_ACCOUNT: 0.1,
    command.CREATE_SUB: 0.1,
    command.APPROVE_AGENT: 0.2,
    command.REVOKE_AGENT: 0.1,
    command.POOL_ADD: 0.5,
    command.POOL_REMOVE: 0.4,
    command.INSURANCE_ADD: 0.2,
    command.INSURANCE_REMOVE: 0.1,
    command.PROPOSE: 0.4,
    command.GUARD: 0.002,
    command.SET_PARAMETER: 0.1,
    command.SET_STATUS: 0.01,
    command.SET_SOURCE: 0.005,
    command.SET_TIER: 0.01,
    command.LIST_MARKET: 0.005,
    command.DELIST: 0.0005,
}
COLLATERAL: Final[dict[int, float]] = {
    command.DEPOSIT_ASSET: 1.0,
    command.WITHDRAW_ASSET: 1.0,
    command.MOVE_ASSET: 0.5,
    command.BUY_ASSET: 1.5,
    command.SET_ASSET: 0.05,
    command.PROPOSE_ASSET: 0.2,
    command.LIST_ASSET: 0.005,
    command.ATTACH_RANGE: 0.6,
    command.DETACH_RANGE: 0.4,
    command.MOVE_RANGE: 0.3,
    command.UNWIND_RANGE: 0.4,
    command.RESHAPE_RANGE: 0.5,
}
ALWAYS: Final = (command.PLACE, command.CANCEL)
SELDOM: Final = (command.GUARD, command.SET_STATUS, command.SET_SOURCE, command.DELIST, command.CANCEL_ALL)
HARSH: Final = (*SELDOM[:4], command.SET_TIER, command.LIST_MARKET, command.SET_PARAMETER)  # few stop a whole market


@dataclass(frozen=True, kw_only=True)
class MarketOptions:
    """One market as it is listed."""

    price: int  # micro-USD per lot at the start
    price_max: int
    size_decimals: int
    tiers: tuple[tuple[int, int, int], ...]  # lower notional, leverage, maintenance rate
    parameters: dict[int, int]
    sources: int
    volatility: float  # of a step
    typical: int  # notional of an ordinary order, micro-USD
    has_amm: bool
    has_backstop: bool


@dataclass(frozen=True, kw_only=True)
class AssetOptions:
    """One collateral asset as it is listed."""

    market: int
    redeemed: int  # market of its redemption value, of a pool the asset that is its base; -1: none
    kind: int
    parameters: dict[int, int]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Chances per step of what goes wrong outside, and per batch of what goes wrong with the log."""

    crash: float  # a jump of all markets
    jump: float  # a jump of one
    source_stale: float
    source_zero: float
    source_wild: float  # x 1000 or / 1000
    source_off: float  # divergent for a while
    source_flaps: float
    clock_jump: float
    outage: float
    duplicate: float  # share of rows sent twice
    reorder: float  # share of rows swapped with a neighbour
    malformed: float  # share of rows with a field out of its range


@dataclass(frozen=True, kw_only=True)
class Options:
    """A whole world."""

    seed: int
    number: int
    markets: tuple[MarketOptions, ...]
    policy: dict[int, int]
    accounts: int
    subs: int
    cash: float  # median USD of an account
    roles: tuple[float, ...]  # share of each of ROLES
    weights: dict[int, float]
    faults: Faults
    assets: tuple["AssetOptions", ...]
    batch: int  # rows of a batch
    steps: int  # price steps in a batch
    step_ms: int
    liquidate: int  # LIQUIDATE rows a step
    units: int  # units of work of each
    malice: float  # share of proposals that a captured risk engine would send
    appetite: float  # share of orders as large as their account can bear
    isolated: float  # chance that an account prefers isolated margin in a market
    boundary: float  # share of fields that take a value at an edge
    equal_price: float  # share of orders at the price of another
    has_journal: bool  # whether every batch is written, and the machine fails now and then
    signers: int = 2
    extra: dict[str, float] = field(default_factory=dict)


def draw(seed: int, number: int) -> Options:
    """The options of world `number` of a seed: half of all worlds have portfolio margin."""
    made, ways = (
        _draw(seed, number),
        np.random.Generator(np.random.PCG64([seed, number, 4])),
    )  # so that worlds of before are as they were
    if ways.random() < 0.5:
        return made
    markets = tuple(replace(one, parameters=one.parameters | _moves(ways, one.typical)) for one in made.markets)
    weights = made.weights | {command.SET_PORTFOLIO: 1.5}
    return replace(made, markets=markets, policy=made.policy | _grid(ways), weights=weights)


def _draw(seed: int, number: int) -> Options:
    rng = np.random.Generator(np.random.PCG64([seed, number]))
    calm = rng.random() < 0.2

    def chance(most: float) -> float:
        return 0.0 if calm else float(most * rng.random() ** 2) * bool(rng.random() < 0.7)

    faults = Faults(
        crash=chance(0.3),
        jump=chance(0.5),
        source_stale=chance(0.05),
        source_zero=chance(0.03),
        source_wild=chance(0.03),
        source_off=chance(0.03),
        source_flaps=chance(0.02),
        clock_jump=chance(0.01),
        outage=chance(0.002),
        duplicate=chance(0.03),
        reorder=chance(0.1),
        malformed=chance(0.03),
    )
    weights = {
        kind: weight
        * float(rng.lognormal(0, 0.6))
        * (kind in ALWAYS or rng.random() < (0.4 if kind in SELDOM else 0.8))
        for kind, weight in WEIGHTS.items()
    }
    apart = np.random.Generator(np.random.PCG64([seed, number, 3]))  # so that worlds of before are as they were
    has_assets = bool(apart.random() < 0.6)
    weights |= {kind: weight * float(apart.lognormal(0, 0.6)) * has_assets for kind, weight in COLLATERAL.items()}
    cash = float(10 ** rng.uniform(2, 6))
    roles = rng.dirichlet(np.array([3.0, 3.0, 1.0, 1.0, 0.5, 0.5, 0.5]))
    markets = tuple(_market(rng, cash) for _ in range(int(rng.integers(1, 5))))
    return Options(
        seed=seed,
        number=number,
        markets=markets,
        assets=_assets(apart, markets, cash) if has_assets else (),
        policy=_policy(rng),
        accounts=int(rng.integers(12, 150)),
        subs=int(rng.integers(0, 30)),
        cash=cash,
        roles=tuple(roles.tolist()),
        weights=weights,
        faults=faults,
        batch=int(rng.choice([1024, 2048, 4096])),
        steps=int(rng.integers(2, 17)),
        step_ms=int(rng.choice([200, 1000, 1000, 3000])),
        liquidate=int(rng.integers(1, 4)),
        units=int(rng.choice([1, 4, 16, 64])),
        malice=float(rng.choice([0.0, 0.01, 0.01, 0.5])),
        appetite=float(rng.random()),
        isolated=float(rng.random() * (rng.random() < 0.6)),
        boundary=float(rng.random() * 0.1),
        equal_price=float(rng.random() * 0.5),
        has_journal=bool(rng.random() < 0.3),
    )


def _market(rng: Generator, cash: float) -> MarketOptions:
    price = int(10 ** rng.uniform(3.3, 9.0))
    digits = max(len(str(price)) - int(rng.integers(3, 6)), 0)
    price = max(price // 10**digits, 1) * 10**digits
    price_max = min(int(price * 10 ** rng.uniform(0.5, 2.5)), PRICE_MAX)
    fitting = [decimals for decimals in range(-2, 7) if price * 3 <= greatest_price(decimals)]
    typical = int(min(cash * USD * 10 ** rng.uniform(-1.5, 0.7), 10**12)) + 1
    return MarketOptions(
        price=price,
        price_max=price_max,
        size_decimals=int(rng.choice(fitting)),
        tiers=_tiers(rng, typical),
        parameters=_parameters(rng, price, price_max, typical),
        sources=int(rng.integers(3, 6)),
        volatility=float(10 ** rng.uniform(-4.0, -1.8)),
        typical=typical,
        has_amm=bool(rng.random() < 0.4),
        has_backstop=bool(rng.random() < 0.7),
    )


def _assets(rng: Generator, markets: tuple[MarketOptions, ...], cash: float) -> tuple[AssetOptions, ...]:
    """Some tokens, and mostly a pool with one of them as its base."""
    tokens = [_asset(rng, markets, cash) for _ in range(int(rng.integers(1, 5)))]
    if rng.random() < 0.3:
        return tuple(tokens)
    base = int(rng.integers(len(tokens)))
    kept, cap = (
        int(rng.integers(RATE_ONE // 4, RATE_ONE)),
        int(min(cash * USD * 10 ** rng.uniform(0, 2.5), NOTIONAL_MAX)),
    )
    drawn = {
        asset_parameter.DISCOUNT: 0,
        asset_parameter.WEIGHT_MAINTENANCE: kept,
        asset_parameter.WEIGHT_INITIAL: int(rng.integers(0, kept + 1)),
        asset_parameter.SUPPLY_CAP: cap,
        asset_parameter.ACCOUNT_CAP: max(cap // int(rng.integers(1, 8)), 1),
        asset_parameter.SCAN: int(rng.integers(0, RATE_ONE // 2)),
    }
    market = tokens[base].market
    return (*tokens, AssetOptions(market=market, redeemed=base, kind=asset_parameter.POOL, parameters=drawn))


def _asset(rng: Generator, markets: tuple[MarketOptions, ...], cash: float) -> AssetOptions:
    """Weights, caps about what people bring, and at times a redemption value of the same lots."""
    at = int(rng.integers(len(markets)))
    same = [n for n, m in enumerate(markets) if n != at and m.size_decimals == markets[at].size_decimals]
    redeemed = int(rng.choice(same)) if same and rng.random() < 0.5 else -1
    kept = int(rng.integers(RATE_ONE // 4, RATE_ONE + 1))
    lots = max(int(cash * USD * 10 ** rng.uniform(0, 2.5) / markets[at].price), 1)
    drawn = {
        asset_parameter.DISCOUNT: int(rng.integers(0, min(RATE_ONE - kept, RATE_ONE // 2) + 1)),
        asset_parameter.WEIGHT_MAINTENANCE: kept,
        asset_parameter.WEIGHT_INITIAL: int(rng.integers(0, kept + 1)),
        asset_parameter.SUPPLY_CAP: min(lots, NOTIONAL_MAX),
        asset_parameter.ACCOUNT_CAP: max(min(lots, NOTIONAL_MAX) // int(rng.integers(1, 8)), 1),
        asset_parameter.SUPPLY_START: int(rng.choice([0, lots // 4])),
        asset_parameter.REDEMPTION_FLOOR: int(rng.choice([0, RATE_ONE * 95 // 100])),
        asset_parameter.PEG_BAND: int(rng.choice([RATE_ONE // 50, RATE_ONE])),
    }
    kind = int(rng.choice([asset_parameter.TOKEN, asset_parameter.STABLE]))
    return AssetOptions(market=at, redeemed=redeemed, kind=kind, parameters=drawn)


def greatest_price(size_decimals: int) -> int:
    """About the greatest price on the grid of a market: 90,000 places a decade, then whole USD up to 2^20 places."""
    exponent = 6 - size_decimals
    return int(min(2**20 - 90_000 * exponent, 2**20) * 10**exponent)


def _tiers(rng: Generator, typical: int) -> tuple[tuple[int, int, int], ...]:
    leverage = int(rng.choice([3, 5, 10, 20, 25, 40, 50, 100]))
    tiers, lower = [], 0
    for _ in range(int(rng.integers(1, 5))):
        tiers.append((lower, leverage, -(-RATE_ONE // (2 * leverage))))
        lower = max(lower * 4, typical * int(rng.integers(5, 200))) + int(rng.integers(0, 1000))
        leverage = max(leverage // int(rng.integers(2, 4)), 1)
        if leverage == tiers[-1][1]:
            break
    return tuple(tiers)


def _parameters(rng: Generator, price: int, price_max: int, typical: int) -> dict[int, int]:
    size_max = NOTIONAL_MAX // price_max
    lots = max(typical // price, 1)
    loose = rng.random() < 0.5
    taker = int(rng.integers(0, 1000)) * PPM
    drawn = {
        parameter.OPEN_INTEREST_CAP: NOTIONAL_MAX if loose else min(lots * int(rng.integers(50, 5000)), NOTIONAL_MAX),
        parameter.POSITION_CAP: size_max if loose else min(lots * int(rng.integers(10, 1000)), size_max),
        parameter.TAKER_FEE: taker,
        parameter.MAKER_FEE: int(rng.integers(-min(taker, RATE_ONE // 1000), taker + 1)),
        parameter.LIQUIDATION_FEE: int(rng.integers(0, RATE_ONE // 50)),
        parameter.PRICE_BAND: int(rng.choice([RATE_ONE // 20, RATE_ONE // 5, RATE_ONE])),
        parameter.MARK_BAND: int(rng.choice([0, RATE_ONE // 100, RATE_ONE // 20, RATE_ONE // 4])),
        parameter.GATE: int(rng.choice([RATE_ONE // 100, RATE_ONE * 3 // 100, RATE_ONE])),
        parameter.DUST_NOTIONAL: int(rng.choice([0, 10**6, 10**8])),
        parameter.LIQUIDATION_CAPACITY: int(rng.choice([NOTIONAL_MAX, typical * 20, typical])),
        parameter.CLAIM_CAP: int(rng.choice([NOTIONAL_MAX, typical, 0])),
        parameter.BACKSTOP_CAP: int(rng.choice([0, typical * 10, typical * 1000])),
        parameter.AMM_DEPTH: lots * int(rng.integers(100, 100_000)),
        parameter.AMM_CAP: lots * int(rng.integers(5, 500)),
        parameter.AMM_SPREAD: int(rng.choice([0, RATE_ONE // 1000, RATE_ONE // 100])),
        parameter.ORACLE_QUORUM: int(rng.integers(1, 4)),
        parameter.ORACLE_AGE_MS: int(rng.choice([3_000, 10_000, 60_000])),
        parameter.ORACLE_STEP: int(rng.choice([RATE_ONE // 20, RATE_ONE // 4, RATE_ONE])),
        parameter.ORACLE_DEVIATION: int(rng.choice([RATE_ONE // 100, RATE_ONE // 20, RATE_ONE])),
        parameter.SKEW_FUNDING: int(rng.choice([0, 10**9])),
        parameter.IMPACT_NOTIONAL: max(typical // 2, 1),
    }
    if rng.random() < 0.3:
        drawn[parameter.OPEN_INTEREST_LOWER] = typical * 50
        drawn[parameter.OPEN_INTEREST_UPPER] = typical * int(rng.integers(60, 2000))
    if rng.random() < 0.3:
        drawn[parameter.INITIAL_LIVE] = int(rng.integers(0, RATE_ONE // 4))
    return drawn


def _policy(rng: Generator) -> dict[int, int]:
    drawn = {
        parameter.EXIT_BUFFER: int(rng.choice([0, RATE_ONE // 50, RATE_ONE // 10])),
        parameter.WITHDRAWAL_FLOOR: int(rng.choice([0, RATE_ONE // 10])),
        parameter.PROFIT_WEIGHT: int(rng.choice([RATE_ONE, RATE_ONE, RATE_ONE // 2, RATE_ONE // 3, 0])),
        parameter.PROFIT_CAP: int(rng.choice([-1, -1, 10**9])),
        parameter.BACKSTOP_RATIO: int(rng.choice([0, RATE_ONE * 2 // 3, RATE_ONE])),
        parameter.PARTIAL_MODE: int(rng.integers(0, 4)) if rng.random() < 0.5 else 0,
        parameter.PARTIAL_FLOOR: int(rng.choice([10**8, 10**11])),
        parameter.PARTIAL_COOLDOWN_MS: int(rng.choice([0, 0, 30_000])),
        parameter.ADL_POLICY: int(rng.integers(0, 4)),
        parameter.SOCIALISE: int(rng.random() < 0.75),
        parameter.MARK_RULE: int(rng.integers(0, 3)) if rng.random() < 0.3 else 0,
        parameter.GATE_CLOSED_MS: int(rng.choice([0, 1_000, 300_000])),
        parameter.NOTICE_MS: int(rng.choice([0, 60_000, parameter.HOUR_MS])),
    }
    if rng.random() < 0.3:
        drawn[parameter.WITHDRAWAL_HOUR_BASE] = 10**9
        drawn[parameter.WITHDRAWAL_DAY_BASE] = 10**10
    return drawn


def _grid(rng: Generator) -> dict[int, int]:
    """The rows of portfolio margin, and who may opt in."""
    drawn = {
        parameter.PORTFOLIO_MOST: int(rng.choice([3, 1_000])),
        parameter.PORTFOLIO_EQUITY: int(rng.choice([0, 10**8])),
        parameter.PORTFOLIO_FACTOR: int(rng.choice([RATE_ONE, RATE_ONE * 11 // 10, RATE_ONE * 3 // 2])),
    }
    for k in range(parameter.GRID_SHOCKS):
        move = int(rng.integers(-RATE_ONE, RATE_ONE + 1) * rng.random())
        drawn[parameter.GRID_MOVE + k] = move * bool(rng.random() < 0.7)
        drawn[parameter.GRID_CREDIT + k] = int(rng.choice([0, RATE_ONE, int(rng.integers(0, RATE_ONE + 1))]))
    for k in range(parameter.GRID_SHARES):
        drawn[parameter.GRID_SHARE + k] = int(rng.integers(0 if k else 1, RATE_ONE + 1))
    return drawn


def _moves(rng: Generator, typical: int) -> dict[int, int]:
    """How a market moves in them."""
    return {
        parameter.GRID_BETA: int(rng.choice([RATE_ONE, -RATE_ONE, int(rng.integers(-2 * RATE_ONE, 2 * RATE_ONE))])),
        parameter.GRID_OWN: int(rng.choice([0, RATE_ONE // 20, int(rng.integers(0, RATE_ONE + 1))])),
        parameter.GRID_BASIS: int(rng.choice([0, RATE_ONE // 50, int(rng.integers(0, RATE_ONE + 1))])),
        parameter.GRID_FLOOR: int(rng.choice([0, RATE_ONE // 200, RATE_ONE // 2])),
        parameter.CONCENTRATION_START: int(typical * rng.integers(0, 10)),
        parameter.CONCENTRATION: int(rng.choice([0, RATE_ONE // 20])),
    }
