"""The ledger's compiled health equals the scalar rule of margin/, bucket by bucket, as it is and after a change."""

import random

import numpy as np
import pytest

from seawall.ledger import buckets, health, state
from seawall.margin import health as core
from seawall.margin import trade as core_trade
from seawall.terms import parameter
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions, MarginPolicy
from seawall.terms.market import Mark, Market, market
from seawall.units import RATE_ONE, FundingIndex, Lots, Price, Rate, UsdMicro, ceil_div


def _markets(draw: random.Random) -> list[Market]:
    tiers = [(UsdMicro(0), 40), (UsdMicro(draw.randrange(10**6, 10**12)), 20), (UsdMicro(10**13), 7)]
    caps = draw.choice([(0, 0), (10**9, 10**12), (1, 2)])
    made = []
    for number in range(state.SMALL.markets):
        rows = tiers[: draw.randrange(1, 4)]
        top = Price(2 ** draw.choice([12, 30, 40]))
        live = Rate(draw.choice([0, 1, RATE_ONE // 7, RATE_ONE]))
        made.append(
            market(
                f"M{number}",
                size_decimals=0,
                tiers=rows,
                price_max=top,
                initial_live=live,
                open_interest_lower=UsdMicro(caps[0]),
                open_interest_upper=UsdMicro(caps[1]),
            )
        )
    return made


def _write_market(columns: state.Any, number: int, terms: Market, mark: Mark) -> None:
    columns["tier_count"][2 * number] = len(terms.tiers)
    for k, tier in enumerate(terms.tiers):
        columns["tier_lower"][2 * number, k] = tier.lower
        columns["tier_rate"][2 * number, k] = tier.maintenance
        columns["tier_high"][2 * number, k] = tier.deduction >> 20
        columns["tier_low"][2 * number, k] = tier.deduction & (2**20 - 1)
        columns["base_leverage"][number, k] = tier.max_leverage
    columns["market_price"][number] = mark.mark
    columns["market_index"][number] = mark.funding_index
    columns["market_open"][number] = mark.open_interest // mark.mark
    columns["param"][number, parameter.INITIAL_LIVE] = terms.initial_live
    columns["param"][number, parameter.OPEN_INTEREST_LOWER] = terms.open_interest_lower
    columns["param"][number, parameter.OPEN_INTEREST_UPPER] = terms.open_interest_upper


def _world(draw: random.Random) -> tuple[state.Any, state.Any, Bucket, Conditions]:
    array = state.create_state(state.SMALL)
    s, columns = state.for_kernels(array)[0], state.columns_of(array)
    policy = MarginPolicy(
        exit_buffer=Rate(draw.choice([0, 1, RATE_ONE // 50, RATE_ONE])),
        profit_weight=Rate(draw.choice([RATE_ONE, RATE_ONE, 0, 1, RATE_ONE // 3])),
        profit_cap=draw.choice([None, None, UsdMicro(0), UsdMicro(10**6)]),
    )
    columns["param"][-1, parameter.EXIT_BUFFER] = policy.exit_buffer
    columns["param"][-1, parameter.PROFIT_WEIGHT] = policy.profit_weight
    columns["param"][-1, parameter.PROFIT_CAP] = -1 if policy.profit_cap is None else policy.profit_cap
    markets, marks, positions = {}, {}, []
    for number, terms in enumerate(_markets(draw)):
        price = Price(draw.choice([1, 7, terms.price_max, draw.randrange(1, terms.price_max)]))
        open_lots = draw.randrange(0, 2**20)
        mark = Mark(
            mark=price,
            oracle=price,
            funding_index=FundingIndex(draw.randrange(-(10**15), 10**15)),
            open_interest=UsdMicro(open_lots * price),
        )
        _write_market(columns, number, terms, mark)
        markets[terms.name], marks[terms.name] = terms, mark
        if draw.random() < 0.8:
            top = terms.size_max // 4
            size = draw.choice([0, 1, -1, top, -top, draw.randrange(-top, top + 1)])
            entry = size * draw.randrange(1, terms.price_max)
            bids, asks = (draw.choice([0, 0, 1, draw.randrange(0, top + 1)]) for _ in range(2))
            index = FundingIndex(mark.funding_index - draw.choice([0, 1, -1, 10**9, draw.randrange(-(10**9), 10**9)]))
            position = Position(
                market=terms.name,
                size=Lots(size),
                entry_notional=UsdMicro(entry),
                leverage=draw.choice([1, 3, 20, 100]),
                funding_index=index,
                bids=Lots(bids),
                asks=Lots(asks),
            )
            slot = buckets.open_slot(s, 0, number, position.leverage)
            for name, value in (("size", size), ("entry", entry), ("bids", bids), ("asks", asks), ("index", index)):
                columns[f"slot_{name}"][slot] = value
            positions.append(position)
    raw = draw.randrange(-(10**13), 10**13)
    columns["bucket_raw"][0] = raw
    bucket = Bucket(raw_usd=UsdMicro(raw), positions=tuple(positions))
    return s, columns, bucket, Conditions(markets=markets, marks=marks, policy=policy)


def _figures(found: core.Health) -> tuple[int, ...]:
    return (
        found.equity,
        found.equity_initial,
        found.maintenance,
        found.initial,
        found.reserved,
        found.notional,
        found.profit,
    )


@pytest.mark.parametrize("seed", range(300))
def test_measure_equals_health(seed: int) -> None:
    s, _, bucket, conditions = _world(random.Random(seed))
    found = core.health(bucket, conditions)
    assert health.measure(s, 0) == _figures(found)
    assert health.equity_and_maintenance(s, 0) == (found.equity, found.maintenance)
    assert health.withdrawable(s, 0) == core.withdrawable(found, conditions.policy)


@pytest.mark.parametrize("seed", range(300))
def test_a_change_measured_ahead_equals_the_change_made(seed: int) -> None:
    draw = random.Random(seed)
    s, columns, bucket, conditions = _world(draw)
    number = draw.randrange(state.SMALL.markets)
    name = f"M{number}"
    terms = conditions.markets[name]
    size, price = draw.randrange(-terms.size_max // 4, terms.size_max // 4), Price(draw.randrange(1, terms.price_max))
    fee = UsdMicro(ceil_div(abs(size) * price, 1_000))
    before = core.health(bucket, conditions)
    traded = core_trade.traded(bucket, conditions, name, size=Lots(size), price=price, fee=fee, leverage=None)
    after = core.health(traded, conditions)
    leverage = 0 if buckets.find_slot(s, 0, number) else 1
    ahead = health.measure_after(s, 0, number, size, size * price, fee, 0, 0, leverage)
    assert ahead == _figures(after)
    assert health.accepts(health.measure(s, 0), ahead) == core.accepts(before, after)
    buckets.settle(s, 0)
    slot = buckets.find_slot(s, 0, number)
    if slot == 0:
        slot = buckets.open_slot(s, 0, number, 1)
    interest = int(columns["market_open"][number])
    buckets.trade(s, slot, size, price, fee)
    columns["market_open"][number] = interest  # the rate of a command is that of the open interest before it
    buckets.close_empty_slot(s, slot)
    assert health.measure(s, 0) == _figures(after)


def test_settling_keeps_every_fraction() -> None:
    draw = random.Random(5)
    for _ in range(500):
        s, columns, bucket, conditions = _world(draw)
        owed = sum(
            -p.size * (conditions.marks[p.market].funding_index - p.funding_index) for p in bucket.positions
        )  # 1e-12 USD
        raw = int(columns["bucket_raw"][0])
        buckets.settle(s, 0)
        residues = sum(int(left) for left in columns["market_funding_residue"])
        moved = (int(columns["bucket_raw"][0]) - raw + int(columns["cell"][state.DUST])) * 10**6 + residues
        assert moved == owed


def test_capacity_is_checked() -> None:
    assert state.size_of(state.VENUE) < 2**31
    assert state.record_type(state.SMALL).itemsize > 0
    per_account = sum(
        np.dtype(kind).itemsize * int(np.prod(shape[1:]))
        for _, kind, shape in state.columns(state.VENUE)
        if shape and shape[0] in (state.VENUE.accounts, state.VENUE.buckets)
    )
    nonce_and_address = 8 + 4 * state.VENUE.addresses // state.VENUE.accounts
    assert per_account + nonce_and_address <= 200
