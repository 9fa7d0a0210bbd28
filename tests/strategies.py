"""Hypothesis strategies that aim at edges: bounds, tier limits one lot and one micro-USD each side, exact equality.

They make plain worlds (see tests/model/margin.py) within the bounds of SPEC section 0.
"""

from typing import Any

from hypothesis import strategies as st

from model import margin as model

ONE = model.ONE
NOTIONAL_MAX = 2**53
PRICE_MAX = 2**40
RAW_MAX = 2**61
INDEX_MAX = 2**62

Row = dict[str, Any]

STEP = st.sampled_from([0, 0, -1, 1])
LEVERAGES = st.sampled_from([1, 2, 3, 5, 7, 10, 20, 25, 40, 50, 100, 1000]) | st.integers(1, 1000)
RATES = st.sampled_from([0, 1, ONE // 3, ONE // 2, ONE - 1, ONE]) | st.integers(0, ONE)
MAINTENANCE_RATES = st.sampled_from([1, ONE // 80, ONE // 20, ONE // 7, ONE // 2]) | st.integers(1, ONE // 2)
BOUNDS = (
    st.integers(1, 40)
    | st.integers(1, 60 * 10**12)
    | st.sampled_from([2**k + d for k in (20, 40, 52) for d in (-1, 0, 1)] + [NOTIONAL_MAX - 1, NOTIONAL_MAX])
)


def clip(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


@st.composite
def tier_tables(draw: st.DrawFn, most: int = 16) -> list[tuple[int, int, int]]:
    """1 to `most` rising tiers: (lower, max leverage, maintenance rate)."""
    count = draw(st.sampled_from([n for n in (1, 1, 2, 3, 3, 4, 16) if n <= most]))
    lowers = sorted(draw(st.sets(BOUNDS, min_size=count - 1, max_size=count - 1)))
    leverages = sorted(draw(st.lists(LEVERAGES, min_size=count, max_size=count)), reverse=True)
    rates = sorted(draw(st.lists(MAINTENANCE_RATES, min_size=count, max_size=count)))
    return list(zip([0, *lowers], leverages, rates, strict=True))


@st.composite
def markets(draw: st.DrawFn) -> Row:
    lower = draw(st.sampled_from([0, 0, 1, 10**12, 2**60]))
    width = draw(st.sampled_from([0, 1, 3, 7, 10**12, 2**60]))
    return {
        "tiers": draw(tier_tables()),
        "price_max": draw(st.sampled_from([1, 1000, 2**20, 10**9, PRICE_MAX, PRICE_MAX]) | st.integers(1, PRICE_MAX)),
        "initial_live": draw(RATES),
        "oi_lower": lower,
        "oi_upper": lower + width,
    }


def size_max(market: Row) -> int:
    return NOTIONAL_MAX // int(market["price_max"])


@st.composite
def marks(draw: st.DrawFn, market: Row) -> Row:
    """A mark at 1, at the greatest price, or one micro-USD beside a tier bound (met by a size of one lot)."""
    lowers = [lower for lower, _, _ in market["tiers"]]
    top = market["price_max"]
    aimed = st.builds(lambda lower, step: clip(lower + step, 1, top), st.sampled_from(lowers), STEP)
    plain = st.sampled_from([1, 2, 3, 7, 1000, 10**6, top - 1, top]).map(lambda price: clip(price, 1, top))
    caps = [0, market["oi_lower"], market["oi_upper"], (market["oi_lower"] + market["oi_upper"]) // 2]
    return {
        "mark": draw(plain | aimed | st.integers(1, top)),
        "oracle": draw(st.integers(1, top)),
        "funding_index": draw(st.sampled_from([0, 1, -1, 10**6, INDEX_MAX, -INDEX_MAX, 3 * 10**11])),
        "open_interest": max(0, draw(st.sampled_from(caps)) + draw(STEP)),
    }


@st.composite
def sizes(draw: st.DrawFn, market: Row, mark: Row) -> int:
    """0, one lot, the greatest, or the lot just under, at or over a tier bound; either sign."""
    top = size_max(market)
    lowers = [lower for lower, _, _ in market["tiers"]]
    at_bound = st.builds(lambda lower, step: lower // mark["mark"] + step, st.sampled_from(lowers), STEP)
    size = draw(at_bound | st.sampled_from([0, 1, 1, top - 1, top]) | st.integers(0, top))
    return clip(size, 0, top) * draw(st.sampled_from([1, -1]))


@st.composite
def positions(draw: st.DrawFn, name: str, market: Row, mark: Row) -> Row:
    size, top = draw(sizes(market, mark)), size_max(market)
    value = size * mark["mark"]
    entry = draw(st.sampled_from([value, value - 1, value + 1, 0, -value, NOTIONAL_MAX, -NOTIONAL_MAX]))
    drift = draw(st.sampled_from([0, 0, 1, -1, 10**6, -(10**6), 10**6 + 1, 1 - 10**6, 2**63, -(2**63)]))
    resting = draw(st.booleans())
    other = abs(draw(sizes(market, mark))) if resting else 0
    return {
        "market": name,
        "size": size,
        "entry_notional": clip(entry, -NOTIONAL_MAX, NOTIONAL_MAX),
        "leverage": draw(LEVERAGES),
        "funding_index": clip(mark["funding_index"] - drift, -INDEX_MAX, INDEX_MAX),
        "bids": clip(other, 0, top - size),
        "asks": clip(draw(st.sampled_from([0, 0, other, other + abs(size), 2 * top])) if resting else 0, 0, top + size),
    }


@st.composite
def assets(draw: st.DrawFn, underlying: str | None = None) -> Row:
    """Collateral with the stable price below, at and above the oracle, and supply below, at and above its start."""
    oracle = draw(st.sampled_from([1, 2, 10**6, PRICE_MAX]) | st.integers(1, PRICE_MAX))
    beside = st.builds(lambda step: clip(oracle + step, 1, PRICE_MAX), STEP) | st.integers(1, PRICE_MAX)
    weight = draw(RATES)
    start = draw(st.sampled_from([0, 1, 3, 10**9, 2**60]))
    total = draw(st.sampled_from([0, start - 1, start, start + 1, 2 * start, 7 * start + 1, 2**61]))
    return {
        "oracle": oracle,
        "stable": draw(beside),
        "redemption": draw(st.none() | beside),
        "redemption_floor": draw(st.sampled_from([0, 0, ONE, ONE - 1]) | RATES),
        "price_max": draw(st.sampled_from([2**40, 1]) | st.integers(1, 2**40)),
        "peg_band": draw(st.sampled_from([ONE, 0, 1, ONE // 50]) | RATES),
        "weight_maintenance": weight,
        "weight_initial": min(weight, draw(RATES)),
        "supply_start": start,
        "supply_total": max(0, total),
        "underlying": underlying,
    }


@st.composite
def policies(draw: st.DrawFn) -> Row:
    return {
        "exit_buffer": draw(st.sampled_from([0, 1, ONE // 50]) | RATES),
        "withdrawal_floor": draw(st.sampled_from([0, 1, ONE // 10]) | RATES),
        "profit_weight": draw(st.sampled_from([0, ONE, ONE - 1]) | RATES),
        "profit_cap": draw(st.none() | st.sampled_from([0, 1, 10**6, NOTIONAL_MAX]) | st.integers(0, NOTIONAL_MAX)),
    }


BALANCES = st.sampled_from([0, 1, 7, 10**6, 2**61]) | st.integers(0, 10**9)


@st.composite
def worlds(draw: st.DrawFn, most_positions: int = 4, is_aimed: bool = True) -> Row:
    """A bucket of a few positions and assets, its cash chosen so that equity falls on a requirement, or one beside."""
    world: Row = {"markets": {}, "marks": {}, "assets": {}, "policy": draw(policies())}
    rows = []
    for k in range(draw(st.integers(0, most_positions))):
        name = f"M{k}"
        world["markets"][name] = draw(markets())
        world["marks"][name] = draw(marks(world["markets"][name]))
        rows.append(draw(positions(name, world["markets"][name], world["marks"][name])))
    held = []
    for k in range(draw(st.sampled_from([0, 0, 1, 2]))):
        name = f"A{k}"
        world["assets"][name] = draw(assets(draw(st.sampled_from([None, *sorted(world["markets"])]))))
        held.append((name, draw(BALANCES)))
    world["bucket"] = {"raw_usd": 0, "positions": rows, "collateral": held}
    return draw(with_cash(world)) if is_aimed else world


@st.composite
def with_cash(draw: st.DrawFn, world: Row) -> Row:
    """The world with raw_usd set so that equity is at, or a micro-USD beside, one of the levels it is compared with."""
    figures = model.health(world)
    two_thirds = -(-2 * figures["maintenance"] // 3)
    aims = [figures[name] - figures["equity"] for name in ("maintenance", "liquidation_end")]
    aims += [figures["initial"] - figures["equity_initial"], -figures["equity"], two_thirds - figures["equity"]]
    aimed = st.builds(lambda aim, step: clip(aim + step, -RAW_MAX, RAW_MAX), st.sampled_from(aims), STEP)
    raw = draw(aimed | st.sampled_from([0, RAW_MAX, -RAW_MAX]) | st.integers(-RAW_MAX, RAW_MAX))
    return {**world, "bucket": {**world["bucket"], "raw_usd": raw}}


@st.composite
def crowded_worlds(draw: st.DrawFn) -> Row:
    """64 positions: a few markets of the small world repeated under new names, with mixed sides."""
    seed = draw(worlds(most_positions=3, is_aimed=False))
    originals = seed["bucket"]["positions"]
    if not originals:
        return draw(with_cash(seed))
    flips = draw(st.integers(0, 2**64 - 1))
    rows = []
    for k in range(64):
        source = originals[k % len(originals)]
        name = f"C{k}"
        seed["markets"][name] = seed["markets"][source["market"]]
        seed["marks"][name] = seed["marks"][source["market"]]
        row = {**source, "market": name}
        if flips >> k & 1:
            row.update(size=-row["size"], entry_notional=-row["entry_notional"], bids=row["asks"], asks=row["bids"])
        rows.append(row)
    return draw(with_cash({**seed, "bucket": {**seed["bucket"], "positions": rows}}))


@st.composite
def extreme_worlds(draw: st.DrawFn) -> Row:
    """Everything at its bound at once: 64 positions of 2^53, 16 tiers, price 2^40, raw_usd 2^61, funding 2^62."""
    lowers = [0, *range(NOTIONAL_MAX - 14, NOTIONAL_MAX + 1)]
    rates = sorted(draw(st.lists(MAINTENANCE_RATES, min_size=16, max_size=16)))
    price_max = draw(st.sampled_from([1, PRICE_MAX]))
    market = {"tiers": [(lowers[k], 1000 - k, rates[k]) for k in range(16)], "price_max": price_max}
    market |= {"initial_live": ONE, "oi_lower": 0, "oi_upper": 2**62}
    sign = draw(st.sampled_from([1, -1]))
    mark = {"mark": price_max, "oracle": price_max, "funding_index": INDEX_MAX * sign, "open_interest": 2**62 - 1}
    size = size_max(market) * draw(st.sampled_from([1, -1]))
    row = {"size": size, "entry_notional": -size * price_max, "leverage": draw(LEVERAGES), "bids": 0, "asks": 0}
    names = [f"X{k}" for k in range(64)]
    rows = [{**row, "market": name, "funding_index": -INDEX_MAX * sign} for name in names]
    held = [("A", 2**61)]
    return {
        "markets": dict.fromkeys(names, market),
        "marks": dict.fromkeys(names, mark),
        "assets": {"A": draw(assets())},
        "policy": draw(policies()),
        "bucket": {"raw_usd": draw(st.sampled_from([RAW_MAX, -RAW_MAX])), "positions": rows, "collateral": held},
    }
