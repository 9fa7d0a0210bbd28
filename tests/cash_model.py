"""What may leave a bucket, and conservation, in exact fractions from docs/SPEC.md sections 1, 3 and 4 alone.

Reads columns of the record, shares no code with the engine.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

ONE = 12_000_000
EXIT_BUFFER, FLOOR, WEIGHT, CAP = range(4)  # of the venue's row of parameters
LEVERAGE_CAP, INITIAL_LIVE = 0, 1


@dataclass
class Place:
    """One position with its orders."""

    market: int
    size: int
    entry: int
    index: int
    bids: int
    asks: int
    leverage: int
    advanced: int


def places(c: Any, bucket: int) -> list[Place]:
    found, slot = [], int(c["bucket_first"][bucket])
    while slot:
        names = ("market", "size", "entry", "index", "bids", "asks", "leverage", "advanced")
        found.append(Place(*(int(c[f"slot_{name}"][slot]) for name in names)))
        slot = int(c["slot_sibling"][slot])
    return found


def funding(c: Any, p: Place) -> int:
    return floor(Fraction(-p.size * (int(c["market_index"][p.market]) - p.index), 10**6))


def cash(c: Any, bucket: int) -> int:
    return int(c["bucket_raw"][bucket]) + sum(p.entry for p in places(c, bucket))


def equity(c: Any, bucket: int) -> int:
    return health(c, bucket).equity


def maintenance_exact(c: Any, market: int, notional: int) -> Fraction:
    total, count = Fraction(0), int(c["tier_count"][2 * market])
    for k in range(count):
        low = int(c["tier_lower"][2 * market, k])
        high = int(c["tier_lower"][2 * market, k + 1]) if k + 1 < count else notional
        total += max(0, min(notional, high) - low) * Fraction(int(c["tier_rate"][2 * market, k]), ONE)
    return total


def initial(c: Any, market: int, notional: int, leverage: int) -> int:
    lower = c["tier_lower"][2 * market, : int(c["tier_count"][2 * market])]
    tier = max(k for k, low in enumerate(lower.tolist()) if low <= notional)
    most = min(leverage, int(c["base_leverage"][market, tier]), int(c["param"][market, LEVERAGE_CAP]))
    live = max(Fraction(int(c["param"][market, INITIAL_LIVE]), ONE), Fraction(1, int(c["base_leverage"][market, 0])))
    return max(ceil(Fraction(notional, most)), ceil(notional * live))


@dataclass
class Health:
    equity: int
    equity_initial: int
    maintenance: int
    initial: int
    reserved: int
    notional: int
    counted: int


def health(c: Any, bucket: int) -> Health:
    return health_of(c, int(c["bucket_raw"][bucket]), places(c, bucket))


def health_of(c: Any, raw: int, held: list[Place]) -> Health:
    """Health of a bucket that has this cash and these positions, there or only supposed."""
    venue = c["param"][len(c["market_price"])]
    weight, cap = Fraction(int(venue[WEIGHT]), ONE), int(venue[CAP])
    exact, initials, reserved, notional, profit, counted, now = Fraction(0), 0, 0, 0, 0, 0, raw
    for p in held:
        mark = int(c["market_price"][p.market])
        here = abs(p.size) * mark
        exact += maintenance_exact(c, p.market, here)
        now += p.size * mark + funding(c, p)
        own = initial(c, p.market, here, p.leverage)
        worst = max(abs(p.size), abs(p.size + p.bids), abs(p.size - p.asks)) * mark
        initials, notional = initials + own, notional + here
        reserved += initial(c, p.market, worst, p.leverage) - own if worst > here else 0
        gain = max(0, p.size * mark - p.entry)
        profit, counted = profit + gain, counted + floor(gain * weight)
    counted = counted if cap < 0 else min(cap, counted)
    maintenance = ceil(exact)
    end = ceil(maintenance * (1 + Fraction(int(venue[EXIT_BUFFER]), ONE)))
    return Health(now, now - profit + counted, maintenance, max(initials, end) + reserved, reserved, notional, counted)


def payable(c: Any, bucket: int, without: int = -1) -> int:
    """The profit rule: of each position's profit, what the market's pool holds beyond what others have taken."""
    total = 0
    for p in places(c, bucket):
        if p.market != without:
            gain = max(0, p.size * int(c["market_price"][p.market]) - p.entry)
            pool = max(0, -int(c["market_entry_sum"][p.market])) + int(c["market_insurance"][p.market])
            others = int(c["market_advanced"][p.market]) - p.advanced
            total += min(gain, max(0, pool - others))
    return total


def may_leave(c: Any, bucket: int) -> int:
    if any(p.size and not c["market_fresh"][p.market] for p in places(c, bucket)):
        return 0
    now = health(c, bucket)
    share = Fraction(int(c["param"][len(c["market_price"])][FLOOR]), ONE)
    keep = max(now.initial, ceil(now.notional * share) + now.reserved)
    unpaid = max(0, now.counted - payable(c, bucket))
    return max(0, now.equity_initial - unpaid - keep)


def vault_gap(c: Any, cells: Any) -> int:
    """All money the record knows of less the vault, in 1e-12 USD: 0. `cells` is ledger.state, for places in `cell`."""
    cell = c["cell"]
    held = sum(int(cell[which]) for which in (cells.PENDING, cells.FEES, cells.DUST, cells.BAD_DEBT))
    held += int(c["bucket_raw"].sum()) + int(c["market_insurance"].sum())
    open_funding = 0
    for bucket in range(len(c["bucket_raw"])):
        for p in places(c, bucket):
            open_funding -= p.size * (int(c["market_index"][p.market]) - p.index)
    residue = int(c["market_funding_residue"].sum())
    return (held - int(cell[cells.VAULT])) * 10**6 + open_funding + residue


def adds_risk(before: Health, after: Health) -> bool:
    """Section 4: whether a change that ends below initial margin must be refused."""
    if after.maintenance > before.maintenance:
        return True
    if after.reserved > before.reserved and after.initial > before.initial:
        return True
    if after.maintenance == 0:
        return before.maintenance == 0 and after.equity < before.equity
    if before.equity <= 0 and after.equity >= before.equity:
        return False
    return after.equity * before.maintenance < before.equity * after.maintenance
