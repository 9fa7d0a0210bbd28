"""The figures that clients see equal the engine's and the scalar rule of margin/, to the unit, over random worlds."""

import collections
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seawall.kernel import INTERPRETED
from seawall.ledger import health, leaving, state
from seawall.margin import health as core
from seawall.margin.certificate import LIVE
from seawall.margin.liquidation_price import liquidation_prices
from seawall.margin.portfolio_price import conditions_at
from seawall.margin.trade import settled
from seawall.terms import parameter
from seawall.terms.asset import Holding
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions, MarginPolicy
from seawall.terms.limits import SPLIT_BITS
from seawall.terms.market import Mark, Market, Tier
from seawall.units import USD_ONE, FundingIndex, Lots, Price, Rate, UsdMicro
from seawall.venue.rest.terms import account_with, assets_of, holdings_of, is_range, name_of
from seawall.venue.views.account import clearinghouse_state
from seawall.venue.views.figures import BucketFigures
from seawall.venue.views.liquidation import liquidation_ratio
from venue_double import Double, log_of

COMMANDS = 2_000 if INTERPRETED else 12_000
WORLDS = [(3, 0), (3, 2), (5, 4), (5, 7), (8, 11), (9, 3), (9, 0), (13, 4)]
LOOKS = 12  # at each world


def conditions_of(columns: Any) -> Conditions:
    """Markets with their live tiers, marks and the venue's policy, from the columns."""
    markets, marks, assets = {}, {}, {}
    listings = [
        SimpleNamespace(coin=f"M{number}", size_decimals=int(columns["market_size_decimals"][number]))
        for number in range(int(columns["cell"][state.MARKETS]))
    ]
    for bucket in np.flatnonzero(columns["bucket_holding"]).tolist():
        assets |= assets_of(columns, SimpleNamespace(listings=listings), bucket)  # type: ignore[arg-type]
    for number in range(int(columns["cell"][state.MARKETS])):
        row, name = 2 * number + LIVE, f"M{number}"
        tiers = tuple(
            Tier(
                UsdMicro(int(columns["tier_lower"][row, k])),
                int(columns["base_leverage"][number, k]),
                Rate(int(columns["tier_rate"][row, k])),
                (int(columns["tier_high"][row, k]) << SPLIT_BITS) + int(columns["tier_low"][row, k]),
            )
            for k in range(int(columns["tier_count"][row]))
        )
        if not tiers:
            continue  # listed, and nothing more yet
        params = columns["param"][number]
        first = tiers[0].max_leverage
        markets[name] = Market(
            name=name,
            size_decimals=int(columns["market_size_decimals"][number]),
            price_max=Price(int(columns["market_price_max"][number])),
            tiers=tiers,
            initial_live=Rate(max(int(params[parameter.INITIAL_LIVE]), -(-12_000_000 // first))),
            open_interest_lower=UsdMicro(int(params[parameter.OPEN_INTEREST_LOWER])),
            open_interest_upper=UsdMicro(int(params[parameter.OPEN_INTEREST_UPPER])),
        )
        mark = int(columns["market_price"][number])
        marks[name] = Mark(
            mark=Price(mark),
            oracle=Price(int(columns["market_oracle"][number])),
            funding_index=FundingIndex(int(columns["market_index"][number])),
            open_interest=UsdMicro(int(columns["market_open"][number]) * mark),
        )
    venue = columns["param"][-1]
    cap = int(venue[parameter.PROFIT_CAP])
    policy = MarginPolicy(
        exit_buffer=Rate(int(venue[parameter.EXIT_BUFFER])),
        withdrawal_floor=Rate(int(venue[parameter.WITHDRAWAL_FLOOR])),
        profit_weight=Rate(int(venue[parameter.PROFIT_WEIGHT])),
        profit_cap=None if cap < 0 else UsdMicro(cap),
    )
    return Conditions(markets=markets, marks=marks, policy=policy, assets=assets)


def bucket_of(columns: Any, number: int) -> Bucket:
    """A bucket as the scalar rule takes it; leverage within the live cap, which margin/requirement.py leaves out."""
    positions, slot = [], int(columns["bucket_first"][number])
    while slot:
        market = int(columns["slot_market"][slot])
        cap = int(columns["param"][market, parameter.LEVERAGE_CAP])
        positions.append(
            Position(
                market=f"M{market}",
                size=Lots(int(columns["slot_size"][slot])),
                entry_notional=UsdMicro(int(columns["slot_entry"][slot])),
                leverage=min(int(columns["slot_leverage"][slot]), cap),
                funding_index=FundingIndex(int(columns["slot_index"][slot])),
                bids=Lots(int(columns["slot_bids"][slot])),
                asks=Lots(int(columns["slot_asks"][slot])),
            )
        )
        slot = int(columns["slot_sibling"][slot])
    kind = BucketKind.CROSS if columns["bucket_kind"][number] == state.CROSS else BucketKind.ISOLATED
    held = tuple(
        Holding(name_of(columns, row), Lots(1 if is_range(columns, row) else int(columns["holding_lots"][row])))
        for row in holdings_of(columns, number)
    )
    raw = UsdMicro(int(columns["bucket_raw"][number]))
    return Bucket(kind=kind, raw_usd=raw, positions=tuple(positions), collateral=held)


def check_bucket(double: Double, figures: BucketFigures, conditions: Conditions) -> int:
    """One bucket against the kernels and the scalar rule; how many liquidation prices it has."""
    columns, number = double.columns, figures.bucket
    measured = (figures.equity, figures.equity_initial, figures.maintenance, figures.initial, figures.reserved)
    assert (*measured, figures.notional, figures.profit) == health.measure(double.s, number)
    assert figures.leaving == leaving.may_leave(double.s, number)
    if figures.is_portfolio:
        return 0  # measured by the grid: test_engine_portfolio_equals_library.py
    bucket = bucket_of(columns, number)
    found = core.health(bucket, conditions)
    assert measured == (found.equity, found.equity_initial, found.maintenance, found.initial, found.reserved)
    assert figures.raw == bucket.raw_usd + found.pending_funding
    first = int(columns["bucket_holding"][number])
    worth = int(columns["holding_worth"][first]) if first else 0
    assert figures.equity == figures.raw + worth + sum(position.value for position in figures.positions)
    assert {f"M{position.market}" for position in figures.positions} == {p.market for p in bucket.positions if p.size}
    return sum(check_price(double, figures, at, bucket, conditions) for at in range(len(figures.positions)))


def check_price(double: Double, figures: BucketFigures, at: int, bucket: Bucket, conditions: Conditions) -> int:
    """A liquidation price: the exact one of the margin core, and the last whole price that the engine finds healthy."""
    position = figures.positions[at]
    ratio = liquidation_ratio(double.columns, double.universe, figures, position)
    if any(":" in holding.asset for holding in bucket.collateral):
        return check_curved(double, figures, position, ratio)
    points = liquidation_prices(bucket, conditions, f"M{position.market}")
    point = points.below if position.size > 0 else points.above
    assert bucket.collateral or (points.above if position.size > 0 else points.below) is None
    if ratio is None:
        assert point is None
        return 0
    exact, side = Fraction(*ratio), 1 if position.size > 0 else -1
    assert point is not None
    assert exact == point.exact
    last = -(-exact.numerator // exact.denominator) if side > 0 else exact.numerator // exact.denominator
    if bucket.collateral:
        return 1  # the engine's kernel moves the mark alone, and the index that prices collateral stands still
    for price, is_healthy in ((last, True), (last - side, False)):
        if 0 <= price <= 2**41:
            equity, maintenance = health.equity_and_maintenance_at(double.s, figures.bucket, position.market, price)
            assert (equity >= maintenance) == is_healthy
    return 1


def check_curved(double: Double, figures: BucketFigures, position: Any, ratio: tuple[int, int] | None) -> int:
    """With liquidity positions: healthy by the core at the price, not a unit beyond; without a price, all the way."""
    alone = account_with(double.columns, double.universe, "", [figures.bucket])
    coin, side = double.universe.listings[position.market].coin, 1 if position.size > 0 else -1
    held, mark = settled(alone.buckets[0].bucket, alone.conditions), alone.conditions.mark(coin).mark

    def is_healthy(price: int) -> bool:
        moved = conditions_at(alone.conditions, coin, Price(price))
        return core.equity_maintenance(held, moved) >= core.maintenance_of(held, moved)

    if ratio is None:
        far = range(mark, 0, -max(1, mark // 10)) if side > 0 else range(mark, 4 * mark, max(1, mark // 3))
        assert not is_healthy(mark) or all(is_healthy(price) for price in far)
        return 0
    assert ratio[1] == 1
    assert (is_healthy(ratio[0]), is_healthy(ratio[0] - side)) == (True, False)
    return 1


def check_state(double: Double, account: int) -> None:
    """What the wire says adds up, and is what the figures say."""
    shown, figures = clearinghouse_state(double, account), double.lens.reader.account(account)  # type: ignore[arg-type]
    summary, cross = shown.margin_summary, shown.cross_margin_summary
    positions = [one.position for one in shown.asset_positions]
    values = [Fraction(one.position_value) * (-1 if one.szi.startswith("-") else 1) for one in positions]
    assert Fraction(summary.account_value) == Fraction(summary.total_raw_usd) + sum(values)
    assert Fraction(summary.total_ntl_pos) == sum(abs(value) for value in values)
    assert Fraction(summary.account_value) * USD_ONE == sum(bucket.equity for bucket in figures)
    assert Fraction(cross.account_value) * USD_ONE == figures[0].equity
    assert Fraction(shown.cross_maintenance_margin_used) * USD_ONE == figures[0].maintenance
    assert Fraction(shown.withdrawable) * USD_ONE == leaving.may_leave(double.s, account)
    if figures[0].is_portfolio:
        return  # a grid's requirement is no sum over positions, and its liquidation price is searched for
    assert Fraction(summary.total_margin_used) == sum(Fraction(one.margin_used) for one in positions)
    for one in positions:
        if one.liquidation_px is not None:
            check_shown_price(double, figures, one)


def check_shown_price(double: Double, figures: list[BucketFigures], shown: Any) -> None:
    """The price as it is written is on the healthy side, less than a unit of its last digit from the exact one."""
    listing = double.universe.by_coin[shown.coin]
    bucket, position = next((b, p) for b in figures for p in b.positions if p.market == listing.number)
    ratio = liquidation_ratio(double.columns, double.universe, bucket, position)
    assert ratio is not None
    written = Fraction(shown.liquidation_px) * 10**listing.price_decimals
    off = (written - Fraction(*ratio)) * (1 if position.size > 0 else -1)
    assert 0 <= off < Fraction(1, 10**8)


def is_owed(columns: Any) -> bool:
    """Whether any position has funding that is not settled."""
    held = (columns["slot_owner"] >= 0) & (columns["slot_size"] != 0)
    return bool((columns["slot_index"] != columns["market_index"][columns["slot_market"]])[held].any())


@pytest.mark.parametrize(("seed", "number"), WORLDS)
def test_figures_are_the_margin_cores(seed: int, number: int) -> None:
    double, log = Double(), log_of(seed, number, COMMANDS)
    prices = positions = isolated = owed = 0
    for turn, rows in enumerate(log):
        double.apply(rows)
        if turn % max(len(log) // LOOKS, 1) and not is_owed(double.columns):
            continue
        conditions = conditions_of(double.columns)
        for person in double.people.persons:
            buckets = double.lens.reader.account(person.account)
            assert buckets[0].bucket == person.account
            assert sorted(b.bucket for b in buckets[1:]) == sorted(
                bucket for bucket, owner in double.mirror.owners.items() if owner == person.account
            )
            prices += sum(check_bucket(double, bucket, conditions) for bucket in buckets)
            positions += sum(len(bucket.positions) for bucket in buckets)
            isolated += len(buckets) - 1
            owed += sum(position.funding != 0 for bucket in buckets for position in bucket.positions)
            check_state(double, person.account)
        for bucket in range(double.mirror.pools_from, len(double.columns["bucket_raw"])):
            check_bucket(double, double.lens.reader.buckets(bucket)[0], conditions)
    assert positions > prices > 0
    SEEN.update(prices=prices, isolated=isolated, owed=owed)


SEEN: collections.Counter[str] = collections.Counter()


@pytest.mark.skipif(INTERPRETED, reason="uncompiled worlds are short")
def test_the_worlds_above_have_what_is_looked_at() -> None:
    assert SEEN["prices"] > 500
    assert SEEN["isolated"] > 100
    assert SEEN["owed"] > 10
