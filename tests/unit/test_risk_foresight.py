"""Account foresight: paths without look-ahead, probabilities that are counts of the exact rule, cures that cure."""

from fractions import Fraction
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.margin import maintenance_exact
from seawall.margin.collateral import span_base, span_worth
from seawall.margin.health import equity_maintenance, health, maintenance_of
from seawall.margin.lp_value import range_delta, range_value
from seawall.margin.portfolio_price import conditions_at
from seawall.margin.scenario import portfolio_margin
from seawall.risk.cures import Kind, cures
from seawall.risk.foresight import HOURS, NEVER, Fate, Scene, chance, risk_score
from seawall.risk.hours import hourly
from seawall.risk.moves import (
    BARS_LEAST,
    HORIZON,
    POINTS,
    Bars,
    Moves,
    foresee,
    prior_sigma,
    volatility,
)
from seawall.risk.outlook import outlook
from seawall.risk.standing import markets_of, under_water
from seawall.terms.asset import Asset, Holding, Span
from seawall.terms.bucket import Bucket, BucketKind, MarginMode, Position
from seawall.terms.conditions import Conditions
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid
from seawall.terms.market import Mark, market
from seawall.tools.account_file import load
from seawall.tools.foresight import account_foresight, no_bars
from seawall.units import RATE_ONE, BadInput, Lots, Price, Rate, UsdMicro

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "accounts"
NAMES = ("BTC", "ETH")
MARKETS = {
    "BTC": market("BTC", size_decimals=3, tiers=((UsdMicro(0), 40), (UsdMicro(10**11), 20)), price_max=Price(10**9)),
    "ETH": market("ETH", size_decimals=2, tiers=((UsdMicro(0), 25),), price_max=Price(10**9)),
}
MARKS = {
    "BTC": Mark(mark=Price(60_000_000), oracle=Price(60_000_000)),
    "ETH": Mark(mark=Price(30_000_000), oracle=Price(30_000_000)),
}
NOW = Conditions(markets=MARKETS, marks=MARKS)
PRIOR = {"BTC": prior_sigma(40), "ETH": prior_sigma(25)}


def walk(hours: int, seed: int = 3, sigma: float = 0.01) -> Bars:
    """Random walks of two markets with a common part."""
    random = np.random.default_rng(seed)
    steps = sigma * (random.standard_normal((hours, 1)) * 0.8 + 0.6 * random.standard_normal((hours, 2)))
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    first = np.vstack([np.full((1, 2), 100.0), close[:-1]])
    reach = np.exp(np.abs(0.3 * sigma * random.standard_normal((hours, 2))))
    high, low = np.maximum(first, close) * reach, np.minimum(first, close) / reach
    return Bars(names=NAMES, open=first, high=high, low=low, close=close)


def bucket(equity_usd: int, btc: int = 0, eth: int = 0, kind: BucketKind = BucketKind.CROSS) -> Bucket:
    held = [(name, lots) for name, lots in (("BTC", btc), ("ETH", eth)) if lots]
    positions = tuple(
        Position(market=name, size=Lots(lots), entry_notional=UsdMicro(lots * MARKS[name].mark)) for name, lots in held
    )
    raw = equity_usd * 10**6 - sum(lots * MARKS[name].mark for name, lots in held)
    return Bucket(kind=kind, raw_usd=UsdMicro(raw), positions=positions)


def is_liquidatable(held: Bucket, prices: dict[str, int]) -> bool:
    """SPEC section 3, by the model in fractions."""
    equity, need = held.raw_usd, Fraction(0)
    for position in held.positions:
        value = position.size * prices[position.market]
        tiers = [(tier.lower, tier.max_leverage, tier.maintenance) for tier in MARKETS[position.market].tiers]
        equity, need = equity + value, need + maintenance_exact(tiers, abs(value))
    return equity < need


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(NOW, foresee(walk(3_000), PRIOR, seed=1, paths=1_000))


def test_volatility_never_reads_its_own_bar_or_a_later_one() -> None:
    bars = walk(500)
    prior = np.array([PRIOR[name] for name in NAMES])
    whole = volatility(bars, prior)
    for row in (0, 1, 77, 499):
        np.testing.assert_array_equal(volatility(bars.until(row), prior), whole[: row + 1])


def test_volatility_follows_the_market_and_starts_from_the_prior() -> None:
    prior = np.array([0.05, 0.05])
    found = volatility(walk(2_000, sigma=0.01), prior)
    assert found[0] == pytest.approx(prior)
    assert found[-1] == pytest.approx([0.01, 0.01], rel=0.4)


def test_missing_bars_are_passed_over() -> None:
    bars = walk(300)
    holed = Bars(
        names=NAMES, open=bars.open.copy(), high=bars.high.copy(), low=bars.low.copy(), close=bars.close.copy()
    )
    for values in (holed.open, holed.high, holed.low, holed.close):
        values[100:150, 1] = np.nan
    found = volatility(holed, np.array([0.01, 0.01]))
    assert np.isfinite(found).all()
    assert (found[101:151, 1] == found[100, 1]).all()
    assert not (found[101:151, 0] == found[100, 0]).any()


def test_paths_are_the_recorded_days_each_hour_scaled_to_the_volatility_forecast_now() -> None:
    bars = walk(BARS_LEAST + HORIZON)
    moves = foresee(bars, PRIOR, seed=1, paths=10_000)
    sigma = volatility(bars, np.array([PRIOR[name] for name in NAMES]))
    assert moves.paths == BARS_LEAST + 1
    for start in (0, 100, BARS_LEAST):
        then, now = (outlook(bars, sigma, np.array([row]))[0, 1] for row in (start, len(bars.close)))
        first, later = now[:2] / then[:2]
        move = first * np.log(bars.close[start, 1] / bars.open[start, 1])
        move += later * np.log(bars.low[start + 5, 1] / bars.close[start, 1])
        assert moves.of("ETH")[start, 5, 0] == pytest.approx(move, rel=1e-5)


def test_little_history_is_drawn_with_fat_tails_and_correlation() -> None:
    moves = foresee(walk(10), PRIOR, seed=5, paths=4_000)
    assert moves.basis.startswith("drawn")
    ends = np.stack([moves.of(name)[:, -1, 2] for name in NAMES]) / moves.sigma[:, None]
    assert np.std(ends, axis=1) == pytest.approx([HORIZON**0.5] * 2, rel=0.15)
    assert np.corrcoef(ends)[0, 1] == pytest.approx(0.64, abs=0.1)
    low, high, close = (moves.of("BTC")[..., point] for point in range(POINTS))
    assert (low <= close).all()
    assert (close <= high).all()


def test_the_same_seed_gives_the_same_paths() -> None:
    bars = walk(3_000)
    one, two, other = (foresee(bars, PRIOR, seed=seed, paths=200) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.shape, two.shape)
    assert not np.array_equal(one.shape, other.shape)


def test_a_fate_is_the_margin_rule_at_every_point(scene: Scene) -> None:
    """Against the model in fractions, point by point."""
    held = bucket(5_000, btc=1_500, eth=-400)
    first = scene.fate(held).first
    prices = scene.prices(NAMES).reshape(2, scene.moves.paths, NEVER)
    hit = np.flatnonzero(first < NEVER)
    assert len(hit) > 20
    for path in [*hit[:15], *np.flatnonzero(first == NEVER)[:15]]:
        last = min(int(first[path]), NEVER - 1)
        for point in {0, last // 2, last}:
            now = {name: int(prices[i, path, point]) for i, name in enumerate(NAMES)}
            assert is_liquidatable(held, now) == (point == first[path])


def test_more_equity_is_never_likelier_to_be_liquidated(scene: Scene) -> None:
    found = [scene.fate(bucket(usd, btc=1_500)).within(24) for usd in (3_000, 6_000, 12_000, 24_000, 90_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.5
    assert found[-1] == 0.0


def test_a_liquidatable_bucket_is_certain_and_an_empty_one_safe(scene: Scene) -> None:
    gone = chance(bucket(100, btc=1_500), scene)
    assert (gone.probabilities, gone.score, gone.expected_hours) == ((1.0, 1.0, 1.0), 100, 0.0)
    safe = chance(bucket(100), scene)
    assert (safe.probabilities, safe.score, safe.expected_hours, safe.drivers) == ((0.0, 0.0, 0.0), 0, None, ())


def test_drivers_name_the_position_that_loses(scene: Scene) -> None:
    found = chance(bucket(4_000, btc=1_000, eth=100), scene)
    assert [one.market for one in found.drivers] == ["BTC", "ETH"]
    assert sum(one.share for one in found.drivers) == pytest.approx(1.0)
    assert found.drivers[0].share > 0.9
    hedged = chance(bucket(4_000, btc=1_000, eth=-1_000), scene)
    assert hedged.drivers[-1].share < 0.0


@pytest.mark.parametrize(
    ("probability", "score"),
    [(0.0, 0), (1e-5, 0), (1e-4, 0), (1e-3, 25), (1e-2, 50), (0.1, 75), (0.5, 92), (1.0, 100)],
)
def test_the_score_is_what_is_published(probability: float, score: int) -> None:
    assert risk_score(probability) == score


def test_a_score_is_of_a_probability() -> None:
    with pytest.raises(BadInput):
        risk_score(1.5)


@pytest.mark.parametrize(
    "held", [bucket(5_000, btc=1_500), bucket(6_000, btc=1_500, eth=-400), bucket(3_000, eth=-900)]
)
def test_every_cure_cures_and_less_does_not(scene: Scene, held: Bucket) -> None:
    target = 0.02
    found = cures(held, scene, target=target)
    assert {one.kind for one in found} >= {Kind.TOP_UP, Kind.REDUCE}
    assert [one.price for one in found] == sorted(one.price for one in found)
    for one in found:
        assert scene.fate(one.bucket).within(24) == one.probability <= target
        if one.kind is Kind.TOP_UP:
            less = UsdMicro(one.bucket.raw_usd - 10_000)
            short = Bucket(raw_usd=less, positions=one.bucket.positions)
            assert scene.fate(short).within(24) > target
        if one.kind is Kind.HEDGE:
            assert health(one.bucket, NOW).free >= 0


def test_a_hedge_needs_its_initial_margin(scene: Scene) -> None:
    """At the edge of liquidation there is none left for a new position."""
    found = cures(bucket(1_200, btc=1_500), scene, target=0.02)
    assert Kind.HEDGE not in {one.kind for one in found}


def test_an_isolated_position_may_join_a_rich_cross_bucket(scene: Scene) -> None:
    own = bucket(2_000, btc=1_000, kind=BucketKind.ISOLATED)
    rich = {one.kind for one in cures(own, scene, cross=bucket(100_000))}
    poor = {one.kind for one in cures(own, scene, cross=bucket(0))}
    assert Kind.SWITCH_MODE in rich
    assert Kind.SWITCH_MODE not in poor
    assert Kind.HEDGE not in rich


def test_a_safe_bucket_needs_no_cure(scene: Scene) -> None:
    assert cures(bucket(90_000, btc=1_000), scene) == ()


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0])
def test_a_target_is_a_probability(scene: Scene, target: float) -> None:
    with pytest.raises(BadInput, match="target"):
        cures(bucket(5_000, btc=1_500), scene, target=target)


ETH = Asset(
    name="ETH",
    size_decimals=2,
    oracle=Price(30_000_000),
    stable=Price(30_000_000),
    weight_initial=Rate(RATE_ONE * 8 // 10),
    weight_maintenance=Rate(RATE_ONE * 9 // 10),
    underlying="ETH",
)
STETH = replace(
    ETH,
    name="stETH",
    oracle=Price(29_800_001),
    redemption=Price(30_100_003),
    redemption_floor=Rate(RATE_ONE * 995 // 1_000),
)
RISK = MarketRisk(
    beta=Rate(RATE_ONE),
    own=Rate(RATE_ONE // 10),
    basis=Rate(RATE_ONE // 100),
    floor=Rate(RATE_ONE // 200),
    concentration_start=10**10,
    concentration=Rate(RATE_ONE // 50),
)
GRID = ScenarioGrid(
    version="1",
    factor_shocks=tuple(
        FactorShock(Rate(sign * RATE_ONE // 8), Rate(credit))
        for sign in (-1, 1)
        for credit in (RATE_ONE, RATE_ONE // 2)
    ),
    own_shares=(Rate(RATE_ONE // 2), Rate(RATE_ONE)),
    risks={"BTC": RISK, "ETH": replace(RISK, beta=Rate(RATE_ONE * 5 // 4))},
    portfolio_factor=Rate(RATE_ONE * 5 // 4),
)
SPAN = Span(
    liquidity=4_000_000,
    low=1 + isqrt(25_000_000 << 36),
    high=isqrt(40_000_000 << 36),
    scale=18,
    price=Price(29_900_000),
    worst=Price(25_500_000),
)
RANGE = replace(
    ETH, name="range", oracle=Price(span_worth(SPAN, SPAN.price)), stable=Price(span_worth(SPAN, SPAN.worst)), span=SPAN
)
HELD = replace(NOW, assets={"ETH": ETH, "stETH": STETH, "range": RANGE})


def with_collateral(usd: int, mode: MarginMode, btc: int, eth: int, held: int) -> Bucket:
    plain = bucket(usd, btc=btc, eth=eth)
    return replace(plain, mode=mode, collateral=(Holding("ETH", held), Holding("stETH", held // 3)))


@pytest.mark.parametrize("mode", [MarginMode.TIERED, MarginMode.PORTFOLIO])
@pytest.mark.parametrize(
    ("btc", "eth", "held", "ranges"),
    [
        (1_500, 0, 200, 0),
        (-900, 800, 900, 0),
        (700, -1_200, 900, 0),
        (0, -900, 900, 0),
        (0, 900, 0, 2),
        (300, -900, 50, 1),
    ],
)
def test_collateral_and_portfolio_mode_are_valued_as_the_margin_core_does(
    mode: MarginMode, btc: int, eth: int, held: int, ranges: int
) -> None:
    """Prices around those where the bucket falls, so that floats alone could not tell."""
    random = np.random.default_rng(5)
    for usd in (-9_000, 2_000):
        made = with_collateral(usd, mode, btc, eth, held)
        made = replace(made, collateral=(*made.collateral, Holding("range", Lots(ranges))))
        names = markets_of(made, HELD)
        worth = {name: np.rint(MARKS[name].mark * np.exp(0.2 * random.standard_normal(300))) for name in names}
        prices = {name: values.astype(np.int64) for name, values in worth.items()}

        def core(price: dict[str, int], of: Bucket) -> int:
            moved = HELD
            for name, value in price.items():
                moved = conditions_at(moved, name, Price(value))
            need = maintenance_of(of, moved)
            if mode is MarginMode.PORTFOLIO:
                need = portfolio_margin(of, moved, GRID).maintenance
            return equity_maintenance(of, moved) - need

        spare = [core({name: int(prices[name][at]) for name in names}, made) for at in range(300)]
        found = under_water(made, HELD, prices, GRID)
        assert found.tolist() == [value < 0 for value in spare]
        edge = sorted(spare)[150]  # this much less, and a point stands exactly at its maintenance
        for more in (0, 1):
            moved_cash = replace(made, raw_usd=UsdMicro(made.raw_usd - edge - more))
            on_edge = under_water(moved_cash, HELD, prices, GRID)
            assert on_edge.tolist() == [value < edge + more for value in spare]


def test_a_range_falls_with_its_market_and_its_owner_with_it(scene: Scene) -> None:
    """A range of 4,800 USD that is lent against, and one that is short of its base beside it."""
    there = Scene(HELD, scene.moves, GRID)
    holder = replace(bucket(-4_200), collateral=(Holding("range", Lots(1)),))
    frozen = Scene(replace(HELD, assets={"range": replace(RANGE, span=None, underlying=None)}), scene.moves, GRID)
    assert frozen.fate(holder).within(24) == 0.0 < there.fate(holder).within(24) < 1.0
    told = chance(replace(bucket(-4_000, eth=10), collateral=(Holding("range", Lots(1)),)), there)
    assert [one.market for one in told.drivers] == ["ETH"]
    hedged = replace(bucket(-3_800, eth=-90), collateral=(Holding("range", Lots(1)),), mode=MarginMode.PORTFOLIO)
    naked = replace(hedged, positions=())
    assert portfolio_margin(hedged, HELD, GRID).maintenance < portfolio_margin(naked, HELD, GRID).maintenance


@given(
    st.integers(1, 2**60), st.integers(1, 2**30), st.integers(1, 2**30), st.integers(0, 20), st.integers(0, 2**40 - 1)
)
def test_a_range_is_worth_what_the_engine_says(liquidity: int, low: int, width: int, scale: int, price: int) -> None:
    liquidity >>= max(0, (low + width).bit_length() - scale)
    span = Span(liquidity=liquidity, low=low, high=low + width, scale=scale, price=Price(1), worst=Price(1))
    assert span_worth(span, price) == range_value(liquidity, low, low + width, scale, price)
    assert span_base(span, price) == range_delta(liquidity, low, low + width, scale, price)


def test_a_hedged_holder_in_portfolio_mode_has_little_to_fear(scene: Scene) -> None:
    """ETH as collateral against USD that is owed: with a short of as much neither mode can fall by its price."""
    there = Scene(HELD, scene.moves, GRID)
    hedged = [with_collateral(-33_500, mode, 0, -1_000, 1_000) for mode in MarginMode]
    tiered, portfolio = (there.fate(one).within(24) for one in hedged)
    naked = there.fate(with_collateral(-33_500, MarginMode.TIERED, 0, 0, 1_000)).within(24)
    assert naked > max(tiered, portfolio)
    told = chance(with_collateral(-26_000, MarginMode.TIERED, 0, 100, 1_000), there)
    assert [one.market for one in told.drivers] == ["ETH"]
    kinds = {one.kind for one in cures(with_collateral(4_000, MarginMode.PORTFOLIO, 1_500, 0, 10), there, target=0.01)}
    assert kinds == {Kind.TOP_UP, Kind.REDUCE}


def test_what_can_not_be_valued_is_refused(scene: Scene) -> None:
    portfolio = replace(bucket(5_000, btc=10), mode=MarginMode.PORTFOLIO)
    unknown = Bucket(raw_usd=UsdMicro(1), collateral=(Holding(asset="DOGE", balance=1),))
    for refused, why in ((portfolio, "grid"), (unknown, "asset")):
        with pytest.raises(BadInput, match=why):
            scene.fate(refused)
    only_btc = Moves(names=("BTC",), sigma=scene.moves.sigma[:1], shape=scene.moves.shape[..., :1], basis="")
    with pytest.raises(BadInput, match="no forecast for 'ETH'"):
        Scene(NOW, only_btc).fate(bucket(10_000, eth=1))


def test_an_account_is_at_risk_when_any_of_its_buckets_is() -> None:
    account = load(str(EXAMPLES / "isolated.json"), meta_path=str(EXAMPLES / "meta.json"))
    report = account_foresight(account, no_bars(tuple(account.places)), paths=500)
    each = [one.probabilities["24h"] for one in report.buckets]
    assert max(each) <= report.probabilities["24h"] <= min(Fraction(1), sum(each, Fraction(0)))
    assert "prior" in report.warnings[-1]
    joined = Fate(first=np.array([3, NEVER])).joined(Fate(first=np.array([1, NEVER])))
    assert joined.first.tolist() == [1, NEVER]


def test_hours_are_made_of_finer_candles_and_lack_what_these_lack(tmp_path: Path) -> None:
    start = 1_700_000_000_000 // 3_600_000 * 3_600_000
    lines = ["ts_ms,open,high,low,close,volume,symbol"]
    for bar in range(2 * 48):
        if bar == 60:
            continue
        price = 100 + bar
        lines.append(f"{start + bar * 1_800_000},{price},{price + 2},{price - 2},{price + 1},5,BTCUSDT")
    (tmp_path / "um_30m.csv").write_text("\n".join(lines) + "\n")
    bars, times = hourly(tmp_path, ("BTC", "ETH"), hours=48)
    assert times[0] == start
    assert len(times) == 48
    assert (bars.open[3, 0], bars.high[3, 0]) == (106.0, 109.0)
    assert (bars.low[3, 0], bars.close[3, 0]) == (104.0, 108.0)
    assert np.flatnonzero(np.isnan(bars.close[:, 0])).tolist() == [30]
    assert np.isnan(bars.close[:, 1]).all()
    earlier, _ = hourly(tmp_path, ("BTC",), end_ms=start + 10 * 3_600_000, hours=10)
    np.testing.assert_array_equal(earlier.close[:, 0], bars.close[:10, 0])
    with pytest.raises(BadInput, match="no candles of DOGE"):
        hourly(tmp_path, ("DOGE",))


def test_horizons_are_within_a_path() -> None:
    assert max(HOURS) == HORIZON
