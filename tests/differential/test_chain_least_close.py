"""The inequality by which a pool that bears every trade is asked gives what its quotes give, in the whole search.

`partial.vy` has both; the engine has the quotes alone. Cases aim at edges: one lot, skews on both sides, tiers within
the position, debt, gates that bind, spreads of nothing, prices of one unit and near the greatest.
"""

import random
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "contracts"))

from evm import Evm

from seawall.chain import layout as at
from seawall.units import RATE_ONE

RICH = 2**60 - 1  # cash of a pool that no trade of these tests can hurt


def tiers_of(rng: random.Random, notional: int) -> list[int]:
    """Words of one to three tiers, some of whose bounds lie within a notional."""
    bounds = sorted({0, *(rng.randrange(1, 2 * notional + 2) for _ in range(rng.choice((0, 0, 1, 2))))})
    rates = sorted(rng.sample(range(RATE_ONE // 400, RATE_ONE // 4), len(bounds)))
    tiers = [(lower, rng.randint(2, 4), rate) for lower, rate in zip(bounds, rates, strict=True)]
    return list(at.tier_words(tiers))


def maintenance_of(words: list[int], notional: int) -> int:
    """Numerator of a position's maintenance."""
    tiers = [at.unpack(at.TIER_WORD, word) for word in words]
    tier = next((t for t in tiers if notional < t["next_lower"]), tiers[-1])
    return int(notional * tier["rate"] - tier["deduction"])


def case(rng: random.Random) -> tuple[Any, Any]:
    """(Close, Venue) as PartialProbe takes them."""
    mark = rng.choice((1, 2, 37, 1_000, 97_531, 60_000_000, 2**33 - 5))
    price_max = max(mark, rng.choice((mark, mark + 1, 2 * mark, 2**33)))
    held = rng.choice((1, 2, 9, 1_000, 60_000, 2**20)) + rng.randrange(3)
    side = rng.choice((1, -1))
    tiers = tiers_of(rng, held * mark)
    own = maintenance_of(tiers, held * mark)
    others = rng.choice((0, own // 3, 5 * own))
    maintenance = -(-(own + others) // RATE_ONE)
    equity = int(maintenance * rng.choice((-1.5, -0.2, 0, 0.3, 0.7, 0.95, 0.9999, 1))) + rng.randrange(-2, 3)
    depth = rng.choice((held, 3 * held, 100 * held, 10**9))
    cap = min(rng.choice((depth, depth // 2 + 1, held)), 2**53 // price_max)
    pool = rng.randrange(-min(cap, depth), min(cap, depth) + 1) if rng.random() < 0.8 else rng.choice((depth + 1, 0))
    spread = rng.choice((0, 1, RATE_ONE // 2_000, RATE_ONE // 50))
    if rng.random() < 0.5:  # next to nothing left or a little debt, and a pool that pays for being rid of what it holds
        equity, spread = rng.randrange(-3 * held, held), rng.choice((0, 1))
        pool = side * rng.randrange(min(cap, depth) + 1)
    forced = at.pack(
        at.FORCED_WORD,
        fee=rng.choice((0, RATE_ONE // 200)),
        gate=rng.choice((RATE_ONE, RATE_ONE // 50, 0, RATE_ONE // 900)),
    )
    policy = at.pack(at.POLICY_WORD, exit_buffer=rng.choice((0, RATE_ONE // 50)), profit_weight=RATE_ONE)
    caps = at.pack(at.CAPS_WORD, price_max=price_max, spread=spread)
    terms = (
        mark,
        at.pack(at.PRICE_WORD, price=mark, index=0),
        at.pack(at.RISK_WORD, base=RATE_ONE // 100, leverage_cap=40),
        caps,
        at.pack(at.POOL_WORD, depth=depth, cap=cap),
        policy,
        False,
        tiers + [0] * (16 - len(tiers)),
    )
    close = (0, side, held, mark, equity, maintenance, others, 0, forced, terms)
    head = at.pack(at.BUCKET_WORD, raw=RICH)
    venue = (head, (pool, pool * mark, 0, 40), (mark, depth, cap, spread, price_max), True, 0, 0, 0)
    return close, venue


def compare(count: int, seed: int) -> set[str]:
    """Runs cases; what sorts of answer there were."""
    evm, rng = Evm(), random.Random(seed)
    probe = evm.deploy("PartialProbe")
    sorts: set[str] = set()
    for number in range(count):
        close, venue = case(rng)
        found, expected = evm.view(probe, "least_lots", close, venue)
        assert found == expected, f"case {number} of seed {seed}: {found} by the inequality, {expected} by quotes"
        sorts.add("one" if found == 1 else "all" if found == close[2] else "some")
    return sorts


def test_thousands_of_cases() -> None:
    assert compare(2_000, 6) == {"one", "some", "all"}


@pytest.mark.slow
def test_tens_of_thousands_of_cases() -> None:
    compare(60_000, 66)
