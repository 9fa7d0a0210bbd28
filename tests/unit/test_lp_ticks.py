"""Tick arithmetic on a hundred thousand ticks against powers computed to 60 digits, and its inverse at each of them."""

from decimal import Decimal, localcontext

import numpy as np

from seawall.margin import lp

TICKS = 100_000
# The published product is off by at most one unit of 2^-128 at each of its twenty factors (their own rounding and the
# cut after it), and one more where it inverts: relative to the least product, 2^-64 at the greatest tick, that is
# 21 x 2^-64; the last division rounds up to 2^-96.
PRODUCT = Decimal(21) / Decimal(2**64)


def test_a_hundred_thousand_ticks_are_the_power_and_its_inverse() -> None:
    rng = np.random.default_rng(8)
    ticks = np.unique(rng.integers(-lp.TICK_MAX, lp.TICK_MAX + 1, TICKS + TICKS // 10))
    chosen = sorted([*rng.permutation(ticks)[:TICKS].tolist(), -lp.TICK_MAX, 0, lp.TICK_MAX])
    assert len(chosen) >= TICKS
    with localcontext() as context:
        context.prec = 60
        root = Decimal("1.0001").sqrt()
        power, at = root ** chosen[0] * lp.Q96, chosen[0]
        for tick in chosen:
            power, at = power * root ** (tick - at), tick
            ratio = lp.sqrt_ratio_at_tick(tick)
            assert abs(ratio - power) < 2 + power * PRODUCT, tick
            if tick < lp.TICK_MAX:
                assert lp.tick_at_sqrt_ratio(ratio) == tick
            if tick > -lp.TICK_MAX:
                assert lp.tick_at_sqrt_ratio(ratio - 1) == tick - 1
