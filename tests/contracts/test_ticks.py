"""ticks.vy against Uniswap's published integers, against the Python integers, and against 400 bits of precision."""

import json
import random
from math import isqrt
from pathlib import Path
from typing import Any

import pytest
from evm import Evm, Reverted

from seawall.margin import lp
from seawall.units import Side

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "uniswap_v3_math.json"
TICKS = 100_000
MINE = ("sqrt_ratio_at_tick", "tick_at_sqrt_ratio", "encode_sqrt_ratio", "amount0_delta", "amount1_delta")


class Probe:
    def __init__(self) -> None:
        self.evm = Evm()
        self.contract = self.evm.deploy("TicksProbe")

    def ask(self, function: str, *args: Any) -> Any:
        return self.evm.view(self.contract, function, *args)


@pytest.fixture(scope="module")
def probe() -> Probe:
    return Probe()


def cases() -> list[dict[str, Any]]:
    if not VECTORS.is_file():
        return []
    wanted = (*MINE, "amounts_for_liquidity", "position_amounts")
    return [case for case in json.loads(VECTORS.read_text())["cases"] if case["input"]["fn"] in wanted]


def bounds(v: dict[str, str]) -> tuple[int, int]:
    if "sqrt_a_x96" in v:
        pair = int(v["sqrt_a_x96"]), int(v["sqrt_b_x96"])
    else:
        pair = lp.sqrt_ratio_at_tick(int(v["tick_lower"])), lp.sqrt_ratio_at_tick(int(v["tick_upper"]))
    return min(pair), max(pair)


def found(probe: Probe, v: dict[str, str]) -> dict[str, str]:
    name = v["fn"]
    if name == "sqrt_ratio_at_tick":
        return {"sqrt_price_x96": str(probe.ask("sqrts_at", [int(v["tick"])])[0])}
    if name == "tick_at_sqrt_ratio":
        return {"tick": str(probe.ask("ticks_at", [int(v["sqrt_price_x96"])])[0])}
    if name == "encode_sqrt_ratio":
        return {"sqrt_price_x96": str(probe.ask("sqrt_of", int(v["amount1"]), int(v["amount0"])))}
    lower, upper = bounds(v)
    liquidity = int(v["liquidity"])
    if name in MINE:
        which = 0 if name == "amount0_delta" else 1
        return {"amount": str(probe.ask("delta", which, lower, upper, liquidity, v["round_up"] == "true"))}
    price = int(v["sqrt_price_x96"])
    if v.get("round_up") == "true":
        inside = min(max(price, lower), upper)
        ends = ((0, inside, upper), (1, lower, inside))
        pair = [probe.ask("delta", which, a, b, liquidity, True) for which, a, b in ends]
    else:
        pair = probe.ask("amounts", price, lower, upper, liquidity)
    return {"amount0": str(pair[0]), "amount1": str(pair[1])}


@pytest.mark.skipif(not VECTORS.is_file(), reason=f"Uniswap's published integers are not at {VECTORS}")
def test_published_integers(probe: Probe) -> None:
    known = cases()
    assert len(known) >= 40
    for case in known:
        got = found(probe, case["input"])
        assert {name: got[name] for name in case["expected"]} == case["expected"], case["id"]


def test_random_ticks_equal_the_python_integers(probe: Probe) -> None:
    rng = random.Random(3)
    some = [-lp.TICK_MAX, -lp.TICK_MAX + 1, -1, 0, 1, lp.TICK_MAX - 1, lp.TICK_MAX]
    some += [rng.randint(-lp.TICK_MAX, lp.TICK_MAX) for _ in range(TICKS - len(some))]
    for first in range(0, TICKS, 1000):
        part = some[first : first + 1000]
        assert list(probe.ask("sqrts_at", part)) == [lp.sqrt_ratio_at_tick(tick) for tick in part]


def test_the_tick_of_a_ratio_is_its_tick(probe: Probe) -> None:
    """At each ratio the tick, one unit below it the tick before: no other function has both."""
    rng = random.Random(4)
    some = [rng.randint(-lp.TICK_MAX + 1, lp.TICK_MAX - 1) for _ in range(1_000)]
    ratios = [lp.sqrt_ratio_at_tick(tick) for tick in some]
    for first in range(0, len(some), 250):
        part = slice(first, first + 250)
        assert list(probe.ask("ticks_at", ratios[part])) == some[part]
        assert list(probe.ask("ticks_at", [ratio - 1 for ratio in ratios[part]])) == [tick - 1 for tick in some[part]]


def test_a_ratio_is_near_the_true_power(probe: Probe) -> None:
    """Within 2^-64 or two units of sqrt(1.0001^tick) x 2^96, from integers of 400 bits and more."""
    rng = random.Random(5)
    some = [rng.randint(-lp.TICK_MAX, lp.TICK_MAX) for _ in range(300)]
    for tick, ratio in zip(some, probe.ask("sqrts_at", some), strict=True):
        power = fixed_power(abs(tick))
        squared = power if tick >= 0 else (1 << 2 * BITS) // power
        true = isqrt(squared >> (BITS - 192))
        assert abs(ratio - true) <= max(2, true >> 64), tick


BITS = 400


def fixed_power(n: int) -> int:
    """1.0001^n x 2^400, by squaring; the error is below 2^-340 of it."""
    wide = 64
    base, found = (10_001 << (BITS + wide)) // 10_000, 1 << (BITS + wide)
    while n:
        if n & 1:
            found = found * base >> (BITS + wide)
        base = base * base >> (BITS + wide)
        n >>= 1
    return found >> wide


def test_amounts_equal_the_python_integers(probe: Probe) -> None:
    rng = random.Random(6)
    for _ in range(3_000):
        low = rng.randint(-lp.TICK_MAX, lp.TICK_MAX - 1)
        high = rng.randint(low + 1, min(lp.TICK_MAX, low + rng.choice([1, 60, 6_000, 2_000_000])))
        lower, upper = lp.sqrt_ratio_at_tick(low), lp.sqrt_ratio_at_tick(high)
        near = rng.choice([lower, upper, rng.randint(lower, upper), lp.SQRT_RATIO_MIN, lp.SQRT_RATIO_MAX])
        liquidity = rng.randint(0, 2 ** rng.randint(0, 128) - 1)
        got = probe.ask("amounts", near, lower, upper, liquidity)
        assert tuple(got) == lp.position_amounts(near, lower, upper, liquidity, Side.DOWN)
        up = [probe.ask("delta", which, lower, upper, liquidity, True) for which in (0, 1)]
        assert up[0] == lp.amount0_delta(lower, upper, liquidity, Side.UP)
        assert up[1] == lp.amount1_delta(lower, upper, liquidity, Side.UP)


def test_square_roots_equal_the_python_integers(probe: Probe) -> None:
    """Beyond a quotient of 2^64 the root keeps 96 exact bits, by the rule that `sqrt_of` states."""
    rng = random.Random(7)
    for _ in range(3_000):
        one, other = rng.randint(0, 2 ** rng.randint(1, 127)), rng.randint(1, 2 ** rng.randint(1, 127))
        if one // other < 2**64:
            wanted = lp.encode_sqrt_ratio(one, other)
        else:
            wanted = isqrt((one << 128) // other) << 32
            assert lp.encode_sqrt_ratio(one, other) - wanted < 2**32
        assert probe.ask("sqrt_of", one, other) == min(max(wanted, lp.SQRT_RATIO_MIN), lp.SQRT_RATIO_MAX)
    assert probe.ask("sqrt_of", 1, 0) == lp.SQRT_RATIO_MAX


def test_products_of_512_bits(probe: Probe) -> None:
    rng = random.Random(8)
    for _ in range(3_000):
        a, b, by = (rng.randint(0, 2 ** rng.randint(1, 256) - 1) for _ in range(3))
        if by == 0 or a * b // by >= 2**256:
            with pytest.raises(Reverted):
                probe.ask("mul_div", a, b, by)
        else:
            assert probe.ask("mul_div", a, b, by) == a * b // by


@pytest.mark.parametrize("tick", [-lp.TICK_MAX - 1, lp.TICK_MAX + 1, -(2**255)])
def test_a_tick_beyond_the_last_is_refused(probe: Probe, tick: int) -> None:
    with pytest.raises(Reverted):
        probe.ask("sqrts_at", [tick])


@pytest.mark.parametrize("ratio", [0, lp.SQRT_RATIO_MIN - 1, lp.SQRT_RATIO_MAX])
def test_a_ratio_beyond_the_last_is_refused(probe: Probe, ratio: int) -> None:
    with pytest.raises(Reverted):
        probe.ask("ticks_at", [ratio])
