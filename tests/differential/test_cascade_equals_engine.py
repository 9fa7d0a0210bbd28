"""The forecast of a cascade against the engine's own liquidations on its own book, wave by wave.

In the engine forced orders fill on resting orders, the price of the last fill becomes the mark (clamped), and LIQUIDATE
goes on, until nobody is due. The forecast knows accounts and levels before the first order. Whole positions are closed,
so that both do the same; who is worse by less than 1/64 of maintenance the engine takes in the order of arrival.
"""

import random

import pytest

from liquidation_world import USD, Arena
from seawall.margin.columns import book, market_table
from seawall.risk.cascade import Cascade, Resting, cascade
from seawall.terms import event
from seawall.terms.market import market
from seawall.terms.parameter import WHOLE
from seawall.units import RATE_ONE, Price, UsdMicro

PRICE = 10 * USD  # a lot
TABLE = market_table(
    [market("BTC", size_decimals=0, tiers=((UsdMicro(0), 20),), price_max=Price(2**33))]  # maintenance 2.5 %
)


class World:
    """Traders on one side at leverages up to 20, a bank that is everybody's other side, a maker with some levels."""

    def __init__(self, seed: int, *, band: float, gate: float, depth: float) -> None:
        dice = random.Random(seed)
        self.sign, self.band, self.gate = dice.choice((-1, 1)), band, gate
        self.arena = Arena(PRICE)
        self.arena.param(-1, "partial_mode", WHOLE)
        self.arena.param(-1, "backstop_ratio", 0)
        self.arena.param(0, "gate", round(gate * RATE_ONE))
        bank, maker = self.arena.bucket(10**16), self.arena.bucket(10**16)
        self.traders = []
        for _ in range(30):
            bucket, lots = self.arena.bucket(0), dice.randint(50, 400)
            pair = (bucket, bank) if self.sign > 0 else (bank, bucket)
            self.arena.deal(*pair, 0, lots, PRICE)
            self.arena.cash(bucket, int(lots * PRICE * dice.uniform(0.05, 0.16)))
            self.traders.append((bucket, self.sign * lots, self.arena.raw(bucket)))
        move = -self.sign * dice.uniform(0.02, 0.06)
        self.start = round(PRICE * (1 + move) / 1_000) * 1_000
        held = sum(abs(lots) for _, lots, _ in self.traders)
        self.levels = []
        for step in range(1, 13):
            price = round(self.start * (1 - self.sign * 0.004 * step) / 1_000) * 1_000
            self.levels.append((price, max(1, round(depth * held / 12 * dice.uniform(0.5, 1.5)))))
        for price, lots in self.levels:
            place = self.arena.bid if self.sign > 0 else self.arena.ask
            place(maker, 0, price, lots)

    def foreseen(self) -> Cascade:
        offsets = range(len(self.traders) + 1)
        raw, sizes = [raw for _, _, raw in self.traders], [lots for _, lots, _ in self.traders]
        held = book(TABLE, offsets=list(offsets), raw_usd=raw, market=[0] * len(sizes), size=sizes)
        side = tuple((self.sign * (self.start - price) / self.start, lots) for price, lots in self.levels)
        resting = Resting(side, ()) if self.sign > 0 else Resting((), side)
        return cascade(held, [self.start], [resting], band=self.band, gate=self.gate)

    def played(self) -> tuple[int, list[bool], int]:
        """(the mark in the end, who was closed by force, lots that the book took) of the engine."""
        mark, taken = self.start, 0
        while True:
            self.arena.mark(0, mark, self.start)
            fills = [one for one in self.arena.run(pause_ms=60_000) if one["kind"] == event.LIQUIDATION_FILL]
            taken += sum(abs(one["size"]) for one in fills)
            last = int(self.arena.c["market_last"][0]) if fills else mark
            reach = round(self.start * self.band)
            following = min(max(last, self.start - reach), self.start + reach)
            if following == mark:
                return mark, [self.arena.size(bucket) == 0 for bucket, _, _ in self.traders], taken
            mark = following


@pytest.mark.parametrize("depth", [0.1, 0.4, 2.0])
@pytest.mark.parametrize(("band", "gate"), [(0.5, 1.0), (0.02, 1.0), (0.02, 0.03)])
def test_the_forecast_ends_where_the_engine_does(depth: float, band: float, gate: float) -> None:
    """The mark to the unit, volume on the book to 4 %, and who was closed but for two at most: the engine may leave a
    part of somebody who is healthy again before the rest of the position finds a taker."""
    amplified = ran_out = 0
    for seed in range(8):
        world = World(seed, band=band, gate=gate, depth=depth)
        told = world.foreseen()
        mark, closed, taken = world.played()
        assert int(told.marks[0]) == mark
        assert told.taken_usd[0] * 1e6 / world.start == pytest.approx(taken, rel=0.04)
        foreseen = told.liquidated.tolist()
        assert all(one for one, was in zip(foreseen, closed, strict=True) if was)
        assert sum(foreseen) - sum(closed) <= 2
        amplified += told.amplification > 1.0
        ran_out += told.left_usd[0] > 0.0
    assert amplified >= 3
    assert ran_out >= 3
