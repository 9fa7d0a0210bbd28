"""SPEC sections 0 to 4: collateral, requirements, health, and what an account may do.

Shapes. market: {tiers: [(lower, max_leverage, mm_rate)], initial_live, oi_lower, oi_upper}.
mark: {mark, oracle, funding_index, open_interest}. asset: {oracle, stable, redemption, weight_initial,
weight_maintenance, supply_start, supply_total, underlying}. policy: {exit_buffer, withdrawal_floor,
profit_weight, profit_cap}. bucket: {raw_usd, positions: [{market, size, entry_notional, leverage,
funding_index, bids, asks}], collateral: [(asset name, balance)]}.
world: {markets, marks, assets, policy, bucket}, the first three by name.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any

World = dict[str, Any]
Row = dict[str, Any]
Tiers = list[tuple[int, int, int]]

ONE = 12_000_000  # section 0: a Rate is in parts of this


def tier_index(tiers: Tiers, notional: Fraction | int) -> int:
    """Which [lower_k, lower_k+1) holds the notional."""
    return max(k for k in range(len(tiers)) if tiers[k][0] <= notional)


def deduction(tiers: Tiers, k: int) -> Fraction:
    """deduction_0 = 0, deduction_k = deduction_{k-1} + lower_k * (mm_k - mm_{k-1}); in micro-USD."""
    total = Fraction(0)
    for j in range(1, k + 1):
        total += tiers[j][0] * Fraction(tiers[j][2] - tiers[j - 1][2], ONE)
    return total


def maintenance_exact(tiers: Tiers, notional: Fraction | int) -> Fraction:
    """notional * mm_k - deduction_k."""
    k = tier_index(tiers, notional)
    return notional * Fraction(tiers[k][2], ONE) - deduction(tiers, k)


def maintenance_by_slices(tiers: Tiers, notional: Fraction | int) -> Fraction:
    """The same by another road: every slice of notional pays the rate of the tier it lies in."""
    total = Fraction(0)
    for k in range(len(tiers)):
        lower = Fraction(tiers[k][0])
        upper = Fraction(tiers[k + 1][0]) if k + 1 < len(tiers) else Fraction(max(notional, lower))
        total += max(Fraction(0), min(Fraction(notional), upper) - lower) * Fraction(tiers[k][2], ONE)
    return total


def live_initial_rate(market: Row, open_interest: int) -> int:
    """Rises linearly to 1 between two open-interest caps, never below the base rate; rounds up."""
    base = ceil(Fraction(ONE, market["tiers"][0][1]))
    rate = max(market["initial_live"], base)
    lower, upper = market["oi_lower"], market["oi_upper"]
    if (lower == 0 and upper == 0) or open_interest <= lower:
        return rate
    if open_interest >= upper:
        return ONE
    return ceil(rate + (ONE - rate) * Fraction(open_interest - lower, upper - lower))


def initial_of(market: Row, mark: Row, size: int, leverage: int) -> int:
    """max(ceil(notional / effective leverage), ceil(notional * im_live))."""
    notional = abs(size) * mark["mark"]
    allowed = market["tiers"][tier_index(market["tiers"], notional)][1]
    effective = min(leverage, allowed)
    live = Fraction(live_initial_rate(market, mark["open_interest"]), ONE)
    return max(ceil(Fraction(notional, effective)), ceil(notional * live))


def reserved_of(market: Row, mark: Row, position: Row) -> int:
    """What the worse of all bids or all asks filled would add to the initial margin, never below 0."""
    size, leverage = position["size"], position["leverage"]
    worst = max(abs(size), abs(size + position["bids"]), abs(size - position["asks"]))
    added = initial_of(market, mark, worst, leverage) - initial_of(market, mark, size, leverage)
    return max(0, added)


def liquidation_end(maintenance: int, exit_buffer: int) -> int:
    """ceil(MM * (1 + exit_buffer))."""
    return ceil(maintenance * (1 + Fraction(exit_buffer, ONE)))


def value_initial(asset: Row, balance: int) -> int:
    """balance x weight_initial (scaled by start / total) x the lowest of oracle, stable and redemption; down."""
    weight = asset["weight_initial"]
    if 0 < asset["supply_start"] < asset["supply_total"]:
        weight = floor(weight * Fraction(asset["supply_start"], asset["supply_total"]))
    prices = [asset["oracle"], asset["stable"]]
    if asset["redemption"] is not None:
        band = Fraction(ONE - asset.get("peg_band", ONE), ONE)
        if asset["oracle"] < floor(asset["redemption"] * band):
            return 0
        prices.append(asset["redemption"])
    return floor(balance * Fraction(weight, ONE) * min(prices))


def value_maintenance(asset: Row, balance: int) -> int:
    """balance x weight_maintenance x its price; down."""
    return floor(balance * Fraction(asset["weight_maintenance"], ONE) * kept_price(asset))


def kept_price(asset: Row) -> int:
    """The lower of oracle and redemption, not below the floor of redemption."""
    if asset["redemption"] is None:
        return int(asset["oracle"])
    least = floor(asset["redemption"] * Fraction(asset.get("redemption_floor", 0), ONE))
    return max(min(asset["oracle"], asset["redemption"]), min(least, asset.get("price_max", least)))


def pending_of(position: Row, mark: Row) -> int:
    """size * (index - entry index) / 1e6 micro-USD is owed; what is earned is the opposite, floored."""
    return floor(-position["size"] * Fraction(mark["funding_index"] - position["funding_index"], 10**6))


def counted_profit(profits: list[int], policy: Row) -> int:
    """The part of the positive unrealised pnl that counts for initial margin: weighted, then capped."""
    weighted = sum(floor(profit * Fraction(policy["profit_weight"], ONE)) for profit in profits)
    return weighted if policy["profit_cap"] is None else min(policy["profit_cap"], weighted)


def health(world: World) -> dict[str, int]:
    """Every figure of section 1 to 3 for the world's bucket, in micro-USD."""
    bucket, policy = world["bucket"], world["policy"]
    rows = [(world["markets"][p["market"]], world["marks"][p["market"]], p) for p in bucket["positions"]]
    cash = bucket["raw_usd"] + sum(p["entry_notional"] for _, _, p in rows)
    pnls = [p["size"] * mark["mark"] - p["entry_notional"] for _, mark, p in rows]
    profits = [pnl for pnl in pnls if pnl > 0]
    pending = sum(pending_of(p, mark) for _, mark, p in rows)
    held = [(world["assets"][name], balance) for name, balance in bucket["collateral"]]
    common = cash + sum(pnls) + pending
    equity = common + sum(value_maintenance(asset, balance) for asset, balance in held)
    uncounted = sum(profits) - counted_profit(profits, policy)
    equity_initial = common + sum(value_initial(asset, balance) for asset, balance in held) - uncounted
    required = [maintenance_exact(market["tiers"], abs(p["size"]) * mark["mark"]) for market, mark, p in rows]
    maintenance = ceil(sum(required, Fraction(0)))
    end = liquidation_end(maintenance, policy["exit_buffer"])
    reserved = sum(reserved_of(market, mark, p) for market, mark, p in rows)
    initials = sum(initial_of(market, mark, p["size"], p["leverage"]) for market, mark, p in rows)
    return {
        "cash": cash,
        "unrealised": sum(pnls),
        "profit": sum(profits),
        "pending_funding": pending,
        "equity": equity,
        "equity_initial": equity_initial,
        "maintenance": maintenance,
        "liquidation_end": end,
        "initial": max(initials, end) + reserved,
        "reserved": reserved,
        "notional": sum(abs(p["size"]) * mark["mark"] for _, mark, p in rows),
    }


def withdrawable(world: World, profit_pool: int | None = None) -> int:
    """max(0, equity_initial - max(IM, 10 % of notional + reserved)), less profit beyond what the pool can pay."""
    figures = health(world)
    floor_rate = Fraction(world["policy"]["withdrawal_floor"], ONE)
    kept = max(figures["initial"], ceil(floor_rate * figures["notional"]) + figures["reserved"])
    free = max(0, figures["equity_initial"] - kept)
    if profit_pool is None:
        return free
    return max(0, free - max(0, figures["profit"] - profit_pool))


def accepts(before: dict[str, int], after: dict[str, int]) -> bool:
    """Section 4: healthy afterwards, or no risk added: margin ratios as fractions, not cross-multiplied."""
    if after["equity_initial"] >= after["initial"]:
        return True
    if after["maintenance"] > before["maintenance"]:
        return False
    if after["reserved"] > before["reserved"] and after["initial"] > before["initial"]:
        return False  # resting orders are risk too
    if before["maintenance"] == 0:
        return after["equity"] >= before["equity"]  # nothing was closed, so nothing may leave either
    if after["maintenance"] == 0:
        return True
    ratio_before = Fraction(before["equity"], before["maintenance"])
    ratio_after = Fraction(after["equity"], after["maintenance"])
    if ratio_after >= ratio_before:
        return True
    return before["equity"] <= 0 and after["equity"] >= before["equity"]
