"""A desk for tests of orders: a bare record, the handlers of orders, and the model that judges them side by side."""

import random
from typing import Any

from bare_venue import PRICE_MAX, START, USD, Bare
from model.trading import Exchange
from seawall.engine import invariants, orders
from seawall.ledger import isolated, markets, settings, state
from seawall.ledger.buckets import find_slot
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE

LISTED_SIZE = 2**53 // PRICE_MAX
SOUND = (  # invariants that hold of a bare record too
    "INV_OI_ZERO_SUM",
    "INV_OPEN_INTEREST",
    "INV_ENTRY_SUM",
    "INV_CONSERVATION",
    "INV_SLOTS",
    "INV_ORDERS",
    "INV_BUCKET_ORDERS",
    "INV_RESERVES",
    "INV_LEVELS",
    "INV_LEVEL_INDEX",
    "INV_UNCROSSED",
    "INV_ORDER_PLACES",
    "INV_CLIENTS",
)
MODES = {"CANCEL_TAKER": 0, "CANCEL_MAKER": command.CANCEL_MAKER, "CANCEL_BOTH": command.CANCEL_BOTH}
KINDS = {"GTC": 0, "IOC": command.IOC, "POST_ONLY": command.POST_ONLY}
CODE_NAMES = {getattr(code, name): name for name in dir(code) if isinstance(getattr(code, name), int)}


def rounded(price: int) -> int:
    """The price cut to five significant figures."""
    unit = 10 ** max(0, len(str(price)) - 5)
    return price // unit * unit


class OrderDesk(Bare):
    """Markets at 100 USD a lot that list their greatest size, and every handler of orders by name."""

    def market(
        self, number: int, price: int = 100 * USD, leverage: int = 20, maintenance: int = RATE_ONE // 40
    ) -> None:
        super().market(number, price, leverage, maintenance)
        self.columns["market_listed_size"][number] = LISTED_SIZE

    def sub(self, master: int, cash: int = 0) -> int:
        """A new account under a master."""
        number = self.account(cash)
        self.columns["account_master"][number] = master
        self.columns["account_sub"][number] = self.columns["account_sub"][master]
        self.columns["account_sub"][master] = number + 1
        return number

    def set(self, market: int, which: int, value: int) -> None:
        self.columns["param"][market, which] = value

    def run(self, handler: Any, **fields: int) -> tuple[int, list[dict[str, int]]]:
        """As the dispatcher does: the result of the command before is forgotten first."""
        self.cell[state.RESULT] = 0
        return super().run(handler, **fields)

    def place(self, account: int, market: int, flags: int, price: int, size: int, **more: int) -> int:
        """An order that must be accepted; returns its id, 0 when nothing of it rests."""
        self.must(orders.place, account=account, market=market, flags=flags, price=price, size=size, **more)
        return int(self.cell[state.RESULT])

    def refused(self, expected: int, handler: Any, **fields: int) -> None:
        given, events = self.run(handler, **fields)
        assert CODE_NAMES[given] == CODE_NAMES[expected]
        assert events == []

    def size(self, bucket: int, market: int) -> int:
        slot = find_slot(self.s, bucket, market)
        return int(self.columns["slot_size"][slot]) if slot else 0

    def book(self, market: int, row: int) -> list[tuple[int, int, int]]:
        """(id, price, lots) of a row of the book, in priority."""
        found, level = [], int(self.columns["book_best"][4 * market + row])
        levels = []
        c = self.columns
        for number in range(1, len(c["level_row"])):
            if c["level_row"][number] == 4 * market + row and c["level_first"][number] != 0:
                levels.append((int(c["level_ordinal"][number]), number))
        assert (level == 0) == (not levels)
        for _, number in sorted(levels, reverse=row == 0):
            order = int(c["level_first"][number])
            while order:
                found.append((int(c["order_id"][order]), int(c["order_price"][order]), int(c["order_size"][order])))
                order = int(c["order_after"][order])
        return found

    def unsound(self) -> list[invariants.Broken]:
        """Invariants of the book, the tables and the money that do not hold."""
        checks = [check for check in invariants.FULL if check.name in SOUND]
        assert len(checks) == len(SOUND)
        return invariants.broken(self.columns, checks)

    def left(self, identity: int) -> int:
        """Lots left of an order; 0 when it is gone."""
        row = identity & (2**21 - 1)
        return int(self.columns["order_size"][row]) if self.columns["order_id"][row] == identity else 0


class Judged(OrderDesk):
    """The desk and the model under the same random commands; `step` compares all they did."""

    def __init__(self, seed: int, number: int = 2) -> None:
        super().__init__()
        self.dice = random.Random(seed)
        self.model = Exchange()
        self.ids: dict[int, int] = {}  # of the engine -> of the model
        pick = self.dice.choice  # each seed is a world of its own kind
        self.reducing, self.spread, self.unrest = pick([0.05, 0.2, 0.5]), pick([1, 2, 4]), pick([0.04, 0.12])
        self.wealth = pick([[20_000], [20_000, 3_000, 500, 0], [500, 900, 2_000]])
        self.wild = pick([0.0, 0.08])
        for market in range(number):
            self._market(market)
        for _ in range(6):
            self._account()
        self.seen: dict[str, int] = {}

    def _market(self, market: int) -> None:
        dice = self.dice
        self.market(market, dice.choice([100, 7, 4_321]) * USD)
        price = int(self.columns["market_price"][market])
        taker = dice.choice([0, 450 * 12, 1, RATE_ONE // 100])
        maker = dice.choice([0, 150 * 12, 1, -taker, -(taker // 2), RATE_ONE // 1000])
        terms: dict[str, Any] = {
            "tiers": [(0, 20, RATE_ONE // 40), (10**10, 7, RATE_ONE // 14)][: dice.choice([1, 2])],
            "initial_live": dice.choice([0, RATE_ONE // 9]),
            "oi_lower": 0,
            "oi_upper": dice.choice([0, 300 * price]),
            "price_max": PRICE_MAX,
            "size_max": LISTED_SIZE,
            "exponent_max": 6,
            "mark": price,
            "oracle": price,
            "is_fresh": True,
            "funding_index": 0,
            "status": command.ACTIVE,
            "breaker": parameter.NORMAL,
            "taker_fee": taker,
            "maker_fee": maker,
            "price_band": dice.choice([RATE_ONE // 5, RATE_ONE // 20]),
            "open_interest_cap": dice.choice([2**40, 2**40, 30]),
            "position_cap": dice.choice([2**20, 2**20, 120]),
            "leverage_cap": dice.choice([1_000, 5]),
            "pool": None,
        }
        self.model.markets[market] = terms
        c = self.columns
        for table in (2 * market, 2 * market + 1):
            c["tier_count"][table] = len(terms["tiers"])
            low = 0
            for k, (lower, leverage, rate) in enumerate(terms["tiers"]):
                low += lower * (rate - c["tier_rate"][table, k - 1]) if k else 0
                c["tier_lower"][table, k], c["tier_rate"][table, k] = lower, rate
                c["tier_high"][table, k], c["tier_low"][table, k] = low >> 20, low & (2**20 - 1)
                c["base_leverage"][market, k], c["base_rate"][market, k] = leverage, rate
        for which, name in (
            (parameter.TAKER_FEE, "taker_fee"),
            (parameter.MAKER_FEE, "maker_fee"),
            (parameter.PRICE_BAND, "price_band"),
            (parameter.OPEN_INTEREST_CAP, "open_interest_cap"),
            (parameter.POSITION_CAP, "position_cap"),
            (parameter.LEVERAGE_CAP, "leverage_cap"),
            (parameter.INITIAL_LIVE, "initial_live"),
            (parameter.OPEN_INTEREST_UPPER, "oi_upper"),
        ):
            self.set(market, which, terms[name])
        if dice.random() < 0.5:
            self._pool(market)

    def _pool(self, market: int) -> None:
        """A pool with more cash than its caps can use."""
        dice, bucket = self.dice, self.pool(market, markets.AMM)
        pool = {"bucket": bucket, "depth": dice.choice([400, 3_000, 50]), "spread": dice.choice([0, 12_000, 1])}
        pool["cap"] = dice.choice([30, 200, 10_000])
        self.model.markets[market]["pool"] = pool
        self.model.buckets[bucket] = {"owner": None, "raw": 10**14, "liquidating": False, "slots": {}}
        self.columns["bucket_raw"][bucket] = 10**14
        self.cell[state.VAULT] += 10**14
        self.set(market, parameter.AMM_DEPTH, pool["depth"])
        self.set(market, parameter.AMM_SPREAD, pool["spread"])
        self.set(market, parameter.AMM_CAP, pool["cap"])

    def _account(self) -> None:
        accounts = [b["owner"] for b in self.model.buckets.values() if b["owner"] is not None]
        cash = self.dice.choice(self.wealth) * USD
        masters = [a for a in accounts if self.model.masters[a] == a]
        is_sub = bool(masters) and self.dice.random() < 0.3
        number = self.sub(self.dice.choice(masters), cash) if is_sub else self.account(cash)
        self.model.masters[number] = int(self.columns["account_master"][number])
        self.model.buckets[number] = {"owner": number, "raw": cash, "liquidating": False, "slots": {}}

    @property
    def accounts(self) -> list[int]:
        return sorted(self.model.masters)

    def order(self) -> dict[str, Any]:
        """A random order, mostly near the oracle, small and plain, at times far off, huge or forbidden."""
        dice = self.dice
        market = dice.choice(sorted(self.model.markets))
        m = self.model.markets[market]
        unit = m["oracle"] // 100
        price = dice.choice(
            [m["oracle"] + dice.randrange(-4, 5) * unit, m["oracle"], m["mark"], m.get("last", m["mark"])]
        )
        if dice.random() < 0.08:
            price = dice.choice([1, m["oracle"] * 2, m["oracle"] * 6 // 5, m["oracle"] * 6 // 5 + unit, PRICE_MAX + 1])
        size = dice.choice([1, 3, 10, 10, 40, dice.randrange(1, 60)])
        if dice.random() < self.wild / 2:
            size = dice.choice([0, LISTED_SIZE, LISTED_SIZE + 1, 900])
        return {
            "bucket": dice.choice(self.accounts),
            "market": market,
            "side": dice.choice([1, -1]),
            "price": price if dice.random() < self.wild / 2 else rounded(price),
            "size": size,
            "kind": dice.choice(["GTC", "GTC", "GTC", "GTC", "IOC", "POST_ONLY"]),
            "reduce_only": dice.random() < self.reducing,
            "mode": dice.choice(sorted(MODES)),
            "client": (dice.choice([1, -5, 2**61]), dice.randrange(3)) if dice.random() < 0.2 else None,
            "leverage": 20,
        }

    def flags(self, o: dict[str, Any]) -> int:
        side = command.SELL if o["side"] < 0 else 0
        return side | KINDS[o["kind"]] | MODES[o["mode"]] | (command.REDUCE_ONLY if o["reduce_only"] else 0)

    def step(self) -> None:
        roll = self.dice.random()
        if roll < self.unrest:
            self._disturb()
        elif roll < 0.78 or not self.model.orders:
            self._place(self.order(), None)
        elif roll < 0.88:
            self._place(self.order(), self.dice.choice(self.model.orders))
        elif roll < 0.98:
            self._cancel(self.dice.choice(self.model.orders))
        else:
            self._cancel_all()
        self.compare()

    def _place(self, o: dict[str, Any], old: dict[str, Any] | None) -> None:
        fields: dict[str, int] = {"price": o["price"], "size": o["size"]}
        if old is not None:
            o = {**o, **{key: old[key] for key in ("bucket", "market", "side")}}
            if self.dice.random() < 0.5:
                o = {**o, **{key: old[key] for key in ("price", "kind", "reduce_only", "mode")}, "client": None}
                fields["price"] = o["price"]
            fields["reference"] = next(mine for mine, theirs in self.ids.items() if theirs == old["id"])
        high, low = o["client"] or (0, 0)
        fields |= {"account": o["bucket"], "market": o["market"], "flags": self.flags(o)}
        handler = orders.place if old is None else orders.modify
        given, events = self.run(handler, **fields, client_high=high, client_low=low)
        wanted = self.model.place(o) if old is None else self.model.modify(old["id"], o)
        assert CODE_NAMES[given] == wanted, (CODE_NAMES[given], wanted, o)
        self.seen[wanted] = self.seen.get(wanted, 0) + 1
        self._same_log(events)

    def _same_log(self, events: list[dict[str, int]]) -> None:
        made: list[tuple[Any, ...]] = []
        fees = [e["amount"] for e in events if e["kind"] == event.MAKER_FEE]
        for e in events:
            identity = self.ids.get(e["order"])
            if e["kind"] == event.RESTED:
                self.ids[e["order"]] = identity = self.model.serial
                assert int(self.cell[state.RESULT]) == e["order"]
                made.append(("RESTED", identity, e["bucket"], e["price"], e["size"]))
            elif e["kind"] == event.CANCELLED:
                made.append(("CANCELLED", identity or 0, e["bucket"], e["size"], CODE_NAMES[e["amount"]]))
            elif e["kind"] == event.FILL:
                made.append(("FILL", e["bucket"], e["other"], identity, e["price"], e["size"], e["amount"]))
        wanted = [entry[:7] for entry in self.model.log]
        assert made == wanted
        for entry in wanted:
            name = entry[0] if entry[0] != "CANCELLED" else f"CANCELLED {entry[4]}"
            self.seen[name] = self.seen.get(name, 0) + 1
        assert fees == [entry[7] for entry in self.model.log if entry[0] == "FILL" and entry[7] != 0]

    def _cancel(self, order: dict[str, Any]) -> None:
        identity = next(mine for mine, theirs in self.ids.items() if theirs == order["id"])
        fields = {"account": order["bucket"], "market": order["market"]}
        if order["client"] is not None and self.dice.random() < 0.5:
            high, low = order["client"]
            events = self.must(orders.cancel_client, **fields, client_high=high, client_low=low)
        else:
            events = self.must(orders.cancel, **fields, reference=identity)
        self.model.log = []
        self.model.cancel(order, "OK")
        self._same_log(events)

    def _cancel_all(self) -> None:
        account, market = self.dice.choice(self.accounts), self.dice.choice([-1, 0, 1])
        self.must(orders.cancel_all, account=account, market=market)
        for order in [o for o in self.model.orders if o["bucket"] == account and market in (-1, o["market"])]:
            self.model.cancel(order, "OK")

    def _disturb(self) -> None:
        """Prices, funding, statuses, liquidations and lapses of the oracle, written on both sides."""
        dice, c = self.dice, self.columns
        market = dice.choice(sorted(self.model.markets))
        m = self.model.markets[market]
        often, seldom = (
            ["mark", "mark", "mark", "liquidating", "liquidating"],
            ["oracle", "funding", "status", "breaker"],
        )
        what = dice.choice([*often, *seldom, "fresh"])
        if m["status"] != command.ACTIVE or not m["is_fresh"] or m["breaker"] != parameter.NORMAL:
            what = dice.choice(["status", "breaker", "fresh"])
        if what == "mark":
            m["mark"] = c["market_price"][market] = m["oracle"] * dice.randrange(93, 108) // 100
        elif what == "oracle":
            m["oracle"] = c["market_oracle"][market] = m["oracle"] * dice.randrange(97, 104) // 100
        elif what == "funding":
            m["funding_index"] += dice.randrange(-(10**12), 10**12)
            c["market_index"][market] = m["funding_index"]
        elif what == "status":
            m["status"] = dice.choice([1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6])
            c["market_status"][market] = m["status"]
        elif what == "breaker":
            m["breaker"] = dice.choice([0, 0, 0, 0, 1, 2, 3])
            self.set(market, parameter.BREAKER, m["breaker"])
        elif what == "fresh":
            m["is_fresh"] = dice.random() < 0.9
            c["market_oracle_time"][market] = START if m["is_fresh"] else START - 10_001
        else:
            bucket = dice.choice(self.accounts)
            liquidating = dice.random() < 0.4
            self.model.buckets[bucket]["liquidating"] = liquidating
            c["bucket_liquidating"][bucket] = liquidating

    def compare(self) -> None:
        """Books in priority, positions, entries, leverage, cash and fees are the same on both sides."""
        model, c = self.model, self.columns
        for market in model.markets:
            for row, side in ((0, 1), (1, -1)):
                wanted = [(o["id"], o["price"], o["left"]) for o in model.queue(market, -side, PRICE_MAX * (side < 0))]
                assert [(self.ids[i], price, left) for i, price, left in self.book(market, row)] == wanted
            assert int(c["market_open"][market]) == model.open_interest(market)
            assert int(c["market_last"][market]) == model.markets[market].get("last", 0)
        for number, bucket in model.buckets.items():
            assert self.raw(number) == bucket["raw"], number
            held = {}
            slot = int(c["bucket_first"][number])
            while slot:
                names = ("size", "entry", "leverage", "index")
                held[int(c["slot_market"][slot])] = {name: int(c[f"slot_{name}"][slot]) for name in names}
                slot = int(c["slot_sibling"][slot])
            for market, have in held.items():
                if have["size"] == 0:  # its index means nothing yet
                    have["index"] = bucket["slots"].get(market, {}).get("index", -1)
                if bucket["owner"] is None:
                    have["leverage"] = bucket["slots"].get(market, {}).get("leverage", -1)
            assert held == bucket["slots"], number
        assert int(self.cell[state.FEES]) == model.fees


def isolate(desk: Any, account: int, market: int, leverage: int = 20) -> None:
    place = settings.make_setting(desk.s, account, market)
    desk.columns["setting_isolated"][place] = 1
    desk.columns["setting_leverage"][place] = leverage


def bucket_of(desk: Any, account: int, market: int) -> int:
    return int(isolated.find_isolated(desk.s, account, market))
