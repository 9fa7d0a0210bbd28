"""Random crashes for the liquidation: a jump of marks over random positions, books, vaults, funds and policies."""

import random

from liquidation_world import USD, Arena
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.units import RATE_ONE


class World(Arena):
    """One random crash."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = dice = random.Random(seed)
        rates = (RATE_ONE // 100, RATE_ONE // 40, RATE_ONE // 10)
        for number in range(dice.choice((1, 1, 2, 3))):
            self.market(dice.choice((1, 100, 2_000)) * USD)
            tiers = ((0, dice.choice(rates)),)
            self.tiers(number, tiers if dice.random() < 0.5 else (*tiers, (20_000 * USD, RATE_ONE // 5)))
        self._set_policy()
        self.books: dict[int, dict[int, list[tuple[int, int]]]] = {}
        self.bank = self.bucket(10**16)
        self.traders = [self.bucket(0) for _ in range(dice.randint(2, 14))]
        for bucket in self.traders:
            self._open(bucket)
        for market in range(self.market_count):
            self._fund(market)
        self.maker = self.bucket(10**16)
        self.jump()
        for market in range(self.market_count):
            self._quote(market)

    def _set_policy(self) -> None:
        dice = self.dice
        self.param(-1, "adl_policy", dice.randrange(4))
        self.param(-1, "socialise", dice.choice((0, 1, 1)))
        self.param(-1, "exit_buffer", dice.choice((0, RATE_ONE // 50)))
        self.param(-1, "backstop_ratio", dice.choice((0, RATE_ONE * 2 // 3)))
        for market in range(self.market_count):
            self.param(market, "gate", dice.choice((RATE_ONE, RATE_ONE, RATE_ONE // 50)))
            self.param(market, "liquidation_fee", dice.choice((0, RATE_ONE // 200)))
            self.param(market, "claim_cap", dice.choice((2**53, 10**9)))
            self.param(market, "dust_notional", dice.choice((0, 10**8)))
            self.param(market, "backstop_cap", dice.choice((0, 10**10, 10**13)))
            if dice.random() < 0.3:
                self.param(market, "amm_depth", 10_000)
                self.param(market, "amm_cap", 5_000)

    def _open(self, bucket: int) -> None:
        """Positions in some markets, with equity a little above maintenance."""
        dice = self.dice
        for market in range(self.market_count):
            if dice.random() < 0.8:
                price = int(self.c["market_price"][market])
                lots = max(1, int(dice.choice((500, 5_000, 60_000)) * USD * dice.random() / price))
                others = [other for other in self.traders[: self.traders.index(bucket)] if other != bucket]
                other = dice.choice([*others, self.bank])
                pair = (bucket, other) if dice.random() < 0.6 else (other, bucket)
                self.deal(*pair, market, lots, int(price * dice.uniform(0.95, 1.05)), 20)
        needed = self.health(bucket)[1]
        self.cash(bucket, max(0, int(needed * dice.choice((1.01, 1.1, 1.5, 4, 40))) - self.health(bucket)[0]))

    def _fund(self, market: int) -> None:
        dice = self.dice
        self.insure(market, dice.choice((0, 0, 50, 100_000)) * USD)
        for which in (AMM, BACKSTOP):
            self.cash(self.pool(market, which), dice.choice((0, 100, 50_000)) * USD)

    def jump(self) -> None:
        """Marks move by up to 30 %; the index may lag a little."""
        for market in range(self.market_count):
            move = self.dice.choice((0, 0.01, 0.03, 0.1, 0.3)) * self.dice.choice((-1, 1))
            price = max(1, int(self.c["market_price"][market] * (1 + move)))
            self.fund(market, self.dice.choice((0, 0, 1_234, -2_345)))
            self.mark(market, price, max(1, int(price * self.dice.choice((1, 1, 0.995, 1.02)))))

    def _quote(self, market: int) -> None:
        """Bids and asks around the mark, of any depth, one level apart by whole thousandths."""
        dice, price = self.dice, int(self.c["market_price"][market])
        unit = 10 ** max(0, len(str(price)) - 5)
        for side in (0, 1):
            gap = dice.choice((0, 1, 30, 400, 3_000))
            for _ in range(dice.choice((0, 1, 3, 8))):
                gap += dice.choice((1, 10, 200))
                at = price // unit + (gap if side else -gap)
                if 9_999 < at < 100_000 and (place := (self.bid, self.ask)[side]):
                    place(self.maker, market, at * unit, max(1, int(dice.choice((10, 1_000, 10**6)) * USD / price)))

    def book(self, market: int, is_sale: bool) -> list[tuple[int, int]]:
        """Resting orders that a sale (or a purchase) would meet, best first."""
        c, levels = self.c, []
        for row in range(1, int(c["cell"][state.ORDERS_USED])):
            if c["order_id"][row] and c["order_market"][row] == market and bool(c["order_flags"][row] & 1) != is_sale:
                levels.append((int(c["order_price"][row]), int(c["order_size"][row])))
        return sorted(levels, reverse=is_sale)
