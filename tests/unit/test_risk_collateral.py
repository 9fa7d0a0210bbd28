"""What collateral may back: moves, depth, and wrong-way risk; and that proposals stay inside the rails."""

import numpy as np
import pytest

from seawall.risk.collateral import Holder, initial_weight, wrong_way
from seawall.risk.factors import Correlations
from seawall.risk.liquidity import Liquidity

USED = np.array([[1.0, 0.8], [0.8, 1.0]])
KNOWN = Correlations(("ETH", "BTC"), USED, USED, USED, np.ones(2))
SIGMA = {"ETH": 0.01, "BTC": 0.008}
DEEP = Liquidity(volume_usd_hour=1e9, depth_usd=1e8, volatility=0.01)


@pytest.mark.parametrize(
    ("perps", "wanted"),
    [
        ({"ETH": 1_000.0}, 1.0),  # long of what backs it
        ({"BTC": 1_000.0}, 0.8),  # long of what moves with it
        ({"ETH": -1_000.0}, 0.0),  # hedged by it
        ({"BTC": -1_000.0}, 0.0),
        ({}, 0.0),  # backs nothing
        ({"SOL": 1_000.0}, 0.0),  # not known
    ],
)
def test_wrong_way_risk_is_the_correlation_with_what_it_backs(perps: dict[str, float], wanted: float) -> None:
    assert wrong_way("ETH", [Holder(value_usd=500.0, perps_usd=perps)], KNOWN, SIGMA) == pytest.approx(wanted)


def test_it_is_weighted_by_value_and_a_hedge_takes_it_away() -> None:
    two = [Holder(value_usd=300.0, perps_usd={"ETH": 10.0}), Holder(value_usd=100.0, perps_usd={"ETH": -10.0})]
    assert wrong_way("ETH", two, KNOWN, SIGMA) == pytest.approx(0.75)
    spread = [Holder(value_usd=1.0, perps_usd={"ETH": 1_000.0, "BTC": -1_250.0})]
    assert 0 < wrong_way("ETH", spread, KNOWN, SIGMA) < 0.4


def test_the_weight_falls_with_moves_size_and_wrong_way_and_is_never_above_the_static_one() -> None:
    calm = initial_weight(static=0.85, held_usd=1e6, market=DEEP, together=0.0).weight
    assert calm == 0.85
    wild = Liquidity(volume_usd_hour=1e9, depth_usd=1e8, volatility=0.04)
    moved = initial_weight(static=0.85, held_usd=1e6, market=wild, together=0.0)
    charged = initial_weight(static=0.85, held_usd=1e6, market=wild, together=1.0)
    assert charged.weight < moved.weight < calm
    assert 1 - charged.weight == pytest.approx(1.5 * (1 - moved.weight), abs=0.02)
    thin = Liquidity(volume_usd_hour=1e5, depth_usd=1e4, volatility=0.01)
    assert initial_weight(static=0.85, held_usd=1e7, market=thin, together=0.0).weight < 0.5
    assert initial_weight(static=0.85, held_usd=1e12, market=thin, together=1.0).weight == 0.0
