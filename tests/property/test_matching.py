"""The book and its orders equal the model of SPEC sections 4 and 8 under random commands: same codes, fills, fees,
cancels, queues, positions and cash after every one of them, with pools, linked accounts, prices and statuses moving.
"""

import pytest

from order_desk import Judged

SEEDS = 24
STEPS = 200
SEEN = (  # what a run over all seeds must have come across, so that it proves something
    "FILL",
    "RESTED",
    "OK",
    "NO_LIQUIDITY",
    "WOULD_CROSS",
    "SELF_TRADE",
    "REDUCE_ONLY",
    "INITIAL_MARGIN",
    "POSITION_CAP",
    "OPEN_INTEREST_CAP",
    "DUPLICATE_CLIENT_ID",
    "BEING_LIQUIDATED",
    "PRICE_BAND",
    "STALE_PRICE",
    "BAD_PRICE",
    "BAD_SIZE",
    "CANCELLED SELF_TRADE",
    "CANCELLED NO_LIQUIDITY",
    "CANCELLED INITIAL_MARGIN",
    "CANCELLED BEING_LIQUIDATED",
    "CANCELLED REDUCE_ONLY",
)


def run(seeds: range) -> dict[str, int]:
    """Steps every seed; returns how often each outcome was seen."""
    seen: dict[str, int] = {}
    for seed in seeds:
        judged = Judged(seed)
        for _ in range(STEPS):
            judged.step()
        assert judged.unsound() == []
        for name, count in judged.seen.items():
            seen[name] = seen.get(name, 0) + count
    return seen


def test_orders_equal_the_model() -> None:
    seen = run(range(SEEDS))
    assert [name for name in SEEN if name not in seen] == []


@pytest.mark.slow
def test_orders_equal_the_model_at_length() -> None:
    run(range(1_000, 1_200))
