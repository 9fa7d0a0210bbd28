"""What an answer of /info costs the event loop, in CPU time, encoding included: accounts, books, market contexts.

The account has three positions; the book has 5,000 prices with two orders each, and is told as it is (20 levels
a side) and joined at two figures, which reads all of it. All figures of one run, beside decoding the answer itself.
"""

import time
from types import SimpleNamespace
from typing import Any

import msgspec

import harness
from seawall.book import orders
from seawall.book.grid import ASKS, BIDS, ordinal_of
from seawall.kernel import kernel
from seawall.ledger import buckets, state
from seawall.terms import command
from seawall.units import RATE_ONE
from seawall.venue.universe import Listing, Universe
from seawall.venue.views.account import clearinghouse_state
from seawall.venue.views.lens import Lens
from seawall.venue.views.market import l2_book, meta_and_contexts

SIDE, A_LEVEL = 2_500, 2
MARKETS, POSITIONS = 64, 3
PRICE = 60_000_000  # micro-USD per lot of 0.001
CASH = 10**10
ROUNDS, TIMES = 15, 2_000
CAPACITY = state.Capacity(
    accounts=16,
    isolated=4,
    positions=64,
    markets=MARKETS,
    orders=32_768,
    levels=16_384,
    agents=4,
    settings=16,
    shares=4,
    withdrawals=4,
    twaps=4,
    nonces=16,
)
encode = msgspec.json.Encoder().encode


@kernel
def fill_book(states: Any, market: int, account: int, levels: int, step: int) -> int:
    """Rests A_LEVEL orders of a lot at each of `levels` prices a side; returns how many orders."""
    s = states[0]
    middle, count = s.market_price[market], 0
    for side in (BIDS, ASKS):
        for level in range(1, levels + 1):
            price = middle + (level if side == ASKS else -level) * step
            flags = command.SELL if side == ASKS else 0
            for _ in range(A_LEVEL):
                owner = account + count // 1_000  # no bucket holds more orders than that
                order = orders.new_order(s, owner, market, flags | command.REDUCE_ONLY, price, 1, 0, 0, 0, 0)
                orders.rest_at(s, order, 4 * market + side, ordinal_of(s, market, price))
                count += 1
    return count


def venue() -> SimpleNamespace:
    """Markets at PRICE with two tiers, an account with three positions, a deep book in the first market."""
    array = state.create_state(CAPACITY)
    c, universe = state.columns_of(array), Universe()
    for number in range(MARKETS):
        universe.add(Listing(number=number, coin=f"COIN{number}", size_decimals=3, price_max=2**36))
        for tier, (lower, leverage) in enumerate(((0, 40), (10**14, 20))):
            c["tier_lower"][2 * number, tier] = lower
            c["tier_rate"][2 * number, tier] = RATE_ONE // (2 * leverage)
            c["base_leverage"][number, tier] = leverage
        c["tier_count"][2 * number], c["tier_high"][2 * number, 1] = 2, 10**14 * (RATE_ONE // 80) >> 20
        c["market_price"][number] = c["market_oracle"][number] = c["market_last"][number] = PRICE
        c["market_price_max"][number], c["market_exponent_max"][number] = 2**36, 3
        c["market_status"][number], c["market_fresh"][number] = command.ACTIVE, 1
    c["cell"][state.MARKETS] = MARKETS
    lens = Lens()
    lens.begin(array, 0, 0)
    s = lens.reader.states[0]
    c["bucket_kind"][:16], c["bucket_owner"][:16] = state.CROSS, range(16)
    for market in range(POSITIONS):
        slot, size = buckets.open_slot(s, 0, market, 20), (-1) ** market * 1_234
        c["slot_size"][slot], c["slot_entry"][slot] = size, size * (PRICE - 777_000)
        c["bucket_raw"][0] -= c["slot_entry"][slot]
    c["bucket_raw"][0] += CASH
    assert fill_book(lens.reader.states, 0, 1, SIDE, 1_000) == 2 * SIDE * A_LEVEL
    return SimpleNamespace(lens=lens, universe=universe, columns=c, now=0)


def main() -> None:
    made: Any = venue()
    listing = made.universe.listings[0]
    answer = encode(clearinghouse_state(made, 0))
    assert len(msgspec.json.decode(answer)["assetPositions"]) == POSITIONS

    def many(work: Any, times: int = TIMES) -> Any:
        return lambda: [work() for _ in range(times)]

    account, plain, joined, contexts, decoded = harness.best_of(
        ROUNDS,
        many(lambda: encode(clearinghouse_state(made, 0))),
        many(lambda: encode(l2_book(made, listing))),
        many(lambda: encode(l2_book(made, listing, 2)), TIMES // 10),
        many(lambda: encode(meta_and_contexts(made)), TIMES // 40),
        many(lambda: msgspec.json.decode(answer)),
        clock=time.process_time,
    )
    harness.write(
        "views",
        [
            harness.Figure("clearinghouseState, three positions, us", account / TIMES * 1e6, 60, "lower"),
            harness.Figure("times what decoding it takes", account / decoded, None, "lower"),
            harness.Figure("l2Book, 20 levels a side, us", plain / TIMES * 1e6, 100, "lower"),
            harness.Figure("l2Book joined over the whole book, us", joined / (TIMES // 10) * 1e6, 1_000, "lower"),
            harness.Figure("metaAndAssetCtxs of 64 markets, us", contexts / (TIMES // 40) * 1e6, 2_000, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
