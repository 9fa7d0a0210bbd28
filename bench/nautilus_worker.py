"""Runs inside nautilus_trader's own environment: `nautilus_worker.py ROUNDS` prints its commands a second.

One strategy on one margin account trades perpetuals of a simulated netting exchange, logging off. With every quote of
a market it sends PER_QUOTE commands: 50 % limit orders that rest, 40 % cancels of a random open one, 10 % immediate
orders that cross. Timed is `engine.run()` from the second quote of each market on (there is nothing to cancel before);
which commands come is drawn before.
"""

import json
import random
import sys
import time
import warnings
from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

MARKETS, TURNS, PER_QUOTE, SEED = 50, 11, 20, 7
MIDDLE, TICK = 10_000, Decimal("0.01")  # 100.00 USD, as in engine_flow.py
START_NS, SECOND_NS = 1_760_000_400_000_000_000, 1_000_000_000
REST, CANCEL, CROSS = 0, 1, 2
VENUE = Venue("SIM")


def perpetual(number):
    symbol = Symbol(f"M{number}USDT-PERP")
    return CryptoPerpetual(
        instrument_id=InstrumentId(symbol=symbol, venue=VENUE),
        raw_symbol=symbol,
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=2,
        size_precision=0,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("1"),
        margin_init=Decimal("0.025"),
        margin_maint=Decimal("0.0125"),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        ts_event=START_NS,
        ts_init=START_NS,
    )


def price(ticks):
    return Price.from_str(f"{ticks * TICK:.2f}")


def quotes(instruments):
    """Every market quotes once a second, a random walk of a few ticks."""
    chance, middle, made = random.Random(SEED), [MIDDLE] * len(instruments), []
    for turn in range(TURNS):
        for number, instrument in enumerate(instruments):
            middle[number] += chance.randint(-3, 3)
            now = START_NS + turn * SECOND_NS + number
            made.append(
                QuoteTick(
                    instrument_id=instrument.id,
                    bid_price=price(middle[number] - 1),
                    ask_price=price(middle[number] + 1),
                    bid_size=Quantity.from_int(1_000_000),
                    ask_size=Quantity.from_int(1_000_000),
                    ts_event=now,
                    ts_init=now,
                )
            )
    return made


class Flow(Strategy):
    """Sends the flow; `sent` counts submitted orders and cancels."""

    def __init__(self, instruments):
        super().__init__()
        self.instruments = instruments
        chance = self.chance = random.Random(SEED)
        self.open = {instrument.id: [] for instrument in instruments}
        self.quotes = self.sent = self.cancels = self.fills = 0
        self.begin = 0.0
        self.draws = []
        for _ in range(TURNS * len(instruments) * PER_QUOTE):
            draw = chance.random()
            kind = CANCEL if draw < 0.4 else REST if draw < 0.9 else CROSS
            away = 1 + int(chance.expovariate(0.08))
            side = OrderSide.SELL if chance.random() < 0.5 else OrderSide.BUY
            self.draws.append((kind, side, away, Quantity.from_int(chance.randint(1, 19))))
        self.draws.reverse()
        self.prices = {ticks: price(ticks) for ticks in range(MIDDLE - 1_000, MIDDLE + 1_000)}

    def on_start(self):
        for instrument in self.instruments:
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick):
        market = tick.instrument_id
        middle = round(float(tick.bid_price) * 100) + 1
        self.quotes += 1
        if self.quotes == len(self.instruments) + 1:
            self.sent = self.cancels = self.fills = 0
            self.begin = time.process_time()
        for _ in range(PER_QUOTE):
            kind, side, away, size = self.draws.pop()
            order = self.open_order(market) if kind == CANCEL else None
            self.sent += 1
            if order is not None:
                self.cancels += 1
                self.cancel_order(order)
                continue
            step = away + 1 if kind != CROSS else -50
            ticks = middle + step if side == OrderSide.SELL else middle - step
            force = TimeInForce.IOC if kind == CROSS else TimeInForce.GTC
            order = self.order_factory.limit(market, side, size, self.prices[ticks], time_in_force=force)
            self.submit_order(order)

    def open_order(self, market):
        """A random open order, taken from those remembered; None when there is none (then an order is sent)."""
        known = self.open[market]
        while known:  # those filled since are dropped when met
            at = self.chance.randrange(len(known))
            order, known[at] = known[at], known[-1]
            known.pop()
            if order.is_open:
                return order
        return None

    def on_order_accepted(self, event):
        order = self.cache.order(event.client_order_id)
        if order.time_in_force == TimeInForce.GTC:
            self.open[event.instrument_id].append(order)

    def on_order_filled(self, _):
        self.fills += 1


def run():
    """Seconds of one run, and what its strategy counted."""
    limits = "1000000000/00:00:01"
    engine = BacktestEngine(
        config=BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(max_order_submit_rate=limits, max_order_modify_rate=limits),
            run_analysis=False,
        )
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(1_000_000_000, USDT)],
        default_leverage=Decimal(20),
    )
    instruments = [perpetual(number) for number in range(MARKETS)]
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(quotes(instruments))
    flow = Flow(instruments)
    engine.add_strategy(flow)
    engine.run()
    seconds = time.process_time() - flow.begin
    rejected = sum(order.status_string() in ("REJECTED", "DENIED") for order in engine.cache.orders())
    told = {"sent": flow.sent, "cancels": flow.cancels, "fills": flow.fills, "rejected": rejected}
    told["resting"] = engine.cache.orders_open_count()
    engine.dispose()
    return seconds, told


def main():
    warnings.simplefilter("ignore")  # its own calls of what its pandas deprecates
    best, told = float("inf"), {}
    for _ in range(int(sys.argv[1])):
        seconds, told = run()
        best = min(best, seconds)
    print(json.dumps({"commands_per_second": told["sent"] / best, **told}))


main()
