"""What positions count: the contract equals the integers of seawall.chain.lp, and those equal the rule in fractions."""

import random
from fractions import Fraction

import pytest
from uniswap_world import SPACING, LpWorld, fast_world

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.lp import PoolTerms, Token, root_of, values_of, worth_at
from seawall.margin.lp import SQRT_RATIO_MAX, TICK_MAX, Pair, range_of, sqrt_ratio_at_tick, tick_at_sqrt_ratio
from seawall.margin.lp_value import range_value
from seawall.units import RATE_ONE

TERMS = PoolTerms(RATE_ONE * 8 // 10, RATE_ONE * 9 // 10, RATE_ONE // 5)
USD = Token(1, 1, 1, is_usd=True)


def token_of(world: LpWorld) -> Token:
    return Token(*(int(n) for n in world.world.client.call(world.vault, "counted", 0)))


def expected(world: LpWorld, owner: Client) -> tuple[int, int]:
    tokens = (USD, token_of(world)) if world.usd_first else (token_of(world), USD)
    places = world.world.client.call(world.lp, "places_of", at.account(owner.address))
    found = [values_of(int(place), *tokens, TERMS) for place in places]
    return sum(one for one, _ in found), sum(one for _, one in found)


@pytest.mark.parametrize("usd_first", [True, False])
def test_the_contract_equals_the_python_integers(usd_first: bool) -> None:
    """Random ranges and liquidity; prices that jump far, so that the stable price is left behind, and grow stale."""
    rng = random.Random(11)
    world = fast_world(usd_first=usd_first)
    owners = []
    for _ in range(6):
        owner = world.wallet(10**9, 10**9)
        for _ in range(rng.randint(1, 8)):
            width = rng.choice([300, 600, 6_000, 60_000, 600_000]) // SPACING * SPACING
            off = rng.randint(-2 * width, 2 * width) // SPACING * SPACING
            middle = world.tick() + off
            if abs(middle) + width < TICK_MAX:
                world.position(owner, rng.choice([1, 17, 1_000, 10**6]), width, off)
        owners.append(owner)
    seen = set()
    for _ in range(60):
        world.world.pass_time(rng.choice([1, 100, 3_000]))
        world.world.venue.report({0: 1_000, 1: Fraction(rng.randint(1, 10 ** rng.randint(1, 6)), 100)})
        if rng.random() < 0.3:
            world.world.client.send(world.vault, "move_stable", 0)
        for owner in owners:
            got = world.worth(owner)
            assert got == expected(world, owner)
            seen.add(got)
    assert len(seen) > 150
    world.world.pass_time(4_000)
    assert all(world.worth(owner)[0] == 0 and world.worth(owner) == expected(world, owner) for owner in owners)


def random_place(rng: random.Random) -> int:
    low = rng.randint(-TICK_MAX, TICK_MAX - 300)
    high = rng.randint(low + 300, min(TICK_MAX, low + rng.choice([300, 6_000, 60_000, 2_000_000])))
    return at.pack(at.PLACE_WORD, liquidity=rng.randint(1, 2**100), lower=low, upper=high, pool=0, id=1)


def test_the_least_on_the_scan_is_at_its_end() -> None:
    """Over a grid of both tokens' prices, from the end of the scan to the price, nothing is worth less than the end."""
    rng = random.Random(12)
    for _ in range(150):
        place = random_place(rng)
        first, second = (Token(10 ** rng.randint(0, 14), rng.randint(10**3, 10**12), 0) for _ in range(2))
        ends = [token.price * 4 // 5 for token in (first, second)]
        least = worth_at(place, first, second, *ends)
        for i in range(6):
            for j in range(6):
                prices = [
                    end + (token.price - end) * k // 5
                    for end, token, k in zip(ends, (first, second), (i, j), strict=True)
                ]
                assert worth_at(place, first, second, *prices) >= least - least // 2**40 - 8


def test_near_the_rule_in_fractions() -> None:
    """V = L (2 sqrtP - P / sqrtPb - sqrtPa) inside a range, USD being token 1; never above it by rounding."""
    rng = random.Random(13)
    for _ in range(300):
        tick = rng.randint(-200_000, 200_000)
        width = rng.choice([300, 3_000, 30_000])
        unit = 10**14
        liquidity = rng.randint(10**12, 10**24)
        token = Token(unit, rng.randint(10**4, 10**9), 0)
        place = at.pack(at.PLACE_WORD, liquidity=liquidity, lower=tick - width, upper=tick + width, pool=0, id=1)
        root = Fraction(root_of(token, USD, token.price, 1), 2**96)
        low, high = (Fraction(sqrt_ratio_at_tick(end), 2**96) for end in (tick - width, tick + width))
        inside = min(max(root, low), high)
        price = Fraction(token.price, unit)
        true = liquidity * ((1 / inside - 1 / high) * price + inside - low)
        found = worth_at(place, token, USD, token.price, 1)
        assert found <= true + true / 10**20
        assert true - found <= 3 + 2 * price + true / 10**12


@pytest.mark.parametrize("usd_first", [True, False])
def test_the_engine_never_counts_more(usd_first: bool) -> None:
    """Its kernels keep a range in 64-bit integers: never worth more, and less by at most 1e-6 and 3 micro-USD."""
    rng = random.Random(14)
    pair = Pair(base_is_token0=not usd_first, base_decimals=18, quote_decimals=6, size_decimals=4)
    token = Token(10**14, 0, 0)
    for _ in range(400):
        price = rng.randint(10**3, 10**8)  # micro-USD a lot: 10 to 1,000,000 USD
        root = root_of(*((USD, token) if usd_first else (token, USD)), *((1, price) if usd_first else (price, 1)))
        width = rng.choice([300, 1_200, 12_000, 60_000])
        middle = tick_at_sqrt_ratio(root) + rng.randint(-width, width)
        ticks, liquidity = (middle - width, middle + width), rng.randint(10**14, 10**19)
        place = at.pack(at.PLACE_WORD, liquidity=liquidity, lower=ticks[0], upper=ticks[1], pool=0, id=1)
        exact = worth_at(
            place, *((USD, token) if usd_first else (token, USD)), *((1, price) if usd_first else (price, 1))
        )
        held = range_of(*ticks, liquidity, pair)
        found = range_value(held.liquidity, held.low, held.high, held.scale, price)
        assert exact - exact // 10**6 - 3 <= found <= exact + 1


def test_a_pair_at_the_ends_of_what_a_root_can_be() -> None:
    cheap, dear = Token(10**18, 1, 1), Token(1, 2**40, 2**40)
    assert root_of(cheap, dear, 1, 0) == SQRT_RATIO_MAX
    assert root_of(dear, cheap, 2**40, 1) > 2**96 * 2**48
    assert root_of(dear, cheap, 2**40, 1) % 2**32 == 0, "beyond 2^64 the root keeps 96 bits"
    assert values_of(random_place(random.Random(1)), Token(1, 5, 0), USD, TERMS)[0] == 0
