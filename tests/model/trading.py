"""SPEC sections 4 and 8: one book a market, its pool, and what each order does, over plain lists and dicts.

A market is a dict: tiers, price_max, size_max, mark, oracle, is_fresh, funding_index, status, breaker, taker_fee,
maker_fee (rates over ONE), price_band, open_interest_cap, position_cap, pool (None, or a dict of bucket, depth, spread,
cap). A bucket is a dict: owner (None for a pool), raw, liquidating, slots by market: size, entry, leverage, index.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Any

from model.margin import ONE, accepts, health

FILLS = 256
ACTIVE, REDUCING, POSTING, CANCELLING, HALTED, CLOSED = 1, 2, 3, 4, 5, 6
NORMAL, SOFT, HARD, RECOVERY = 0, 1, 2, 3
NOTHING = {"lots": 0, "cost": 0, "fees": 0, "grown": 0}
POLICY = {"exit_buffer": ONE // 50, "withdrawal_floor": ONE // 10, "profit_weight": ONE, "profit_cap": None}

Market = dict[str, Any]
Bucket = dict[str, Any]
Order = dict[str, Any]


class Exchange:
    """Orders rest in one list, oldest first; `log` is what the last command did."""

    def __init__(self) -> None:
        self.markets: dict[int, Market] = {}
        self.buckets: dict[int, Bucket] = {}
        self.masters: dict[int, int] = {}
        self.orders: list[Order] = []
        self.fees = 0
        self.serial = 0
        self.log: list[tuple[Any, ...]] = []
        self.pinned: tuple[int, int] | None = None  # a taker's slot stays while it takes

    # health ---------------------------------------------------------------------------------------------------------

    def resting(self, bucket: int, market: int, side: int) -> int:
        """Lots that reserve margin."""
        mine = [o for o in self.orders if o["bucket"] == bucket and o["market"] == market and o["side"] == side]
        return sum(o["left"] for o in mine if not o["reduce_only"])

    def open_interest(self, market: int) -> int:
        return sum(max(0, b["slots"][market]["size"]) for b in self.buckets.values() if market in b["slots"])

    def size(self, bucket: int, market: int) -> int:
        return int(self.buckets[bucket]["slots"].get(market, {"size": 0})["size"])

    def health(self, bucket: int, grown: int = 0, **change: int) -> dict[str, int]:
        """Health after a change in one market: market, size, cost, fee, bids, asks, leverage; its interest grown."""
        b = self.buckets[bucket]
        rows = []
        for market in sorted({*b["slots"], *([change["market"]] if change else [])}):
            slot = b["slots"].get(market, {"size": 0, "entry": 0, "index": self.markets[market]["funding_index"]})
            row = {
                "market": market,
                "size": slot["size"],
                "entry_notional": slot["entry"],
                "leverage": slot.get("leverage", 0),
                "funding_index": slot["index"],
                "bids": self.resting(bucket, market, 1),
                "asks": self.resting(bucket, market, -1),
            }
            if change and market == change["market"]:
                row["leverage"] = change.get("leverage") or row["leverage"]
                row["bids"] += change.get("bids", 0)
                row["asks"] += change.get("asks", 0)
            row["leverage"] = min(row["leverage"], self.markets[market]["leverage_cap"])
            rows.append(row)
        moved, cost, fee = change.get("size", 0), change.get("cost", 0), change.get("fee", 0)
        pending = sum(self.pending(row["size"], row["market"], row["funding_index"]) for row in rows)
        for row in rows:
            row["funding_index"] = self.markets[row["market"]]["funding_index"]
            if change and row["market"] == change["market"]:
                row["size"] += moved
                row["entry_notional"] += cost  # unrealised pnl and cash move by the same: equity is exact either way
        return health(self.world(b["raw"] + pending - cost - fee, rows, {change.get("market", -1): grown}))

    def pending(self, size: int, market: int, index: int) -> int:
        return floor(-size * Fraction(self.markets[market]["funding_index"] - index, 10**6))

    def world(self, raw: int, rows: list[dict[str, int]], grown: dict[int, int]) -> dict[str, Any]:
        marks = {}
        for number, m in self.markets.items():
            interest = (self.open_interest(number) + grown.get(number, 0)) * m["mark"]
            marks[number] = {"mark": m["mark"], "funding_index": m["funding_index"], "open_interest": interest}
        bucket = {"raw_usd": raw, "positions": rows, "collateral": []}
        return {"markets": self.markets, "marks": marks, "assets": {}, "policy": POLICY, "bucket": bucket}

    def may(self, bucket: int, grown: int, **change: int) -> bool:
        """Acceptable by section 4: margin is due at the open interest that the change leaves, and a cap on leverage
        that has come since adds no risk.
        """
        before = self.health(bucket, market=change["market"], leverage=change.get("leverage", 0))
        return accepts(before, self.health(bucket, grown, **change))

    # the pool -------------------------------------------------------------------------------------------------------

    def pool_is_open(self, market: int) -> bool:
        m = self.markets[market]
        return m["pool"] is not None and m["is_fresh"]

    def pool_exact(self, market: int, side: int, skew: Fraction) -> Fraction:
        """index * (1 + side * (skew / depth + spread))."""
        m, pool = self.markets[market], self.markets[market]["pool"]
        return m["oracle"] * (1 + side * (skew / pool["depth"] + Fraction(pool["spread"], ONE)))

    def pool_lots(self, market: int, side: int, limit: int, held: int) -> int:
        """The most lots whose last one costs no worse than the limit, within the pool's caps; by bisection."""
        m, pool = self.markets[market], self.markets[market]["pool"]
        most = min(pool["depth"], pool["cap"], m["size_max"]) + side * held
        low, high = 0, max(0, most) + 1
        while high - low > 1:
            middle = (low + high) // 2
            worst = self.pool_exact(market, side, Fraction(-side * held + middle))
            if (worst <= limit) if side > 0 else (worst >= limit):
                low = middle
            else:
                high = middle
        return low

    def pool_price(self, market: int, side: int, lots: int, held: int) -> int:
        exact = self.pool_exact(market, side, -side * held + Fraction(lots, 2))
        if side > 0:
            return max(1, ceil(exact))
        return min(self.markets[market]["price_max"], floor(exact))

    # matching -------------------------------------------------------------------------------------------------------

    def queue(self, market: int, side: int, limit: int) -> list[Order]:
        """Orders that a taker may meet, best price first, then oldest."""
        met = [o for o in self.orders if o["market"] == market and o["side"] == -side]
        met = [o for o in met if (o["price"] - limit) * side <= 0]
        return sorted(met, key=lambda o: (o["price"] * side, o["since"]))

    def is_own(self, taker: int, maker: int) -> bool:
        a, b = self.buckets[taker]["owner"], self.buckets[maker]["owner"]
        return a is not None and b is not None and self.masters[a] == self.masters[b]

    def offered(self, taker: int, order: Order) -> tuple[int, str]:
        if self.buckets[order["bucket"]]["liquidating"]:
            return 0, "BEING_LIQUIDATED"
        if self.is_own(taker, order["bucket"]):
            return 0, "SELF_TRADE"
        if order["reduce_only"]:
            closes = max(0, -order["side"] * self.size(order["bucket"], order["market"]))
            return (min(order["left"], closes), "OK") if closes else (0, "REDUCE_ONLY")
        return order["left"], "OK"

    def plan(self, taker: int, market: int, side: int, size: int, limit: int, mode: str) -> dict[str, Any]:
        """What the order gets if nobody on the way fails."""
        m = self.markets[market]
        has_pool = self.pool_is_open(market)
        held = self.size(m["pool"]["bucket"], market) if has_pool else 0
        made: list[tuple[int, int]] = []
        closing, visits = 0, 0
        stops: list[Order | None] = [*self.queue(market, side, limit), None]

        def left() -> int:
            return size - sum(lots for lots, _ in made)

        for order in stops:
            until = limit if order is None else order["price"]
            if has_pool and left() > 0 and visits < FILLS:
                lots = min(self.pool_lots(market, side, until, held), left())
                if lots > 0:
                    visits += 1
                    made.append((lots, self.pool_price(market, side, lots, held)))
                    closing += min(lots, max(0, side * held))
                    held -= side * lots
            if order is None or left() == 0:
                break
            if visits == FILLS:
                return self.planned(made, closing, "FILLS_FULL", m)
            lots, why = self.offered(taker, order)
            if why == "SELF_TRADE" and mode != "CANCEL_MAKER":
                return self.planned(made, closing, why, m)
            visits += 1
            lots = min(lots, left())
            if lots > 0:
                made.append((lots, order["price"]))
                closing += min(lots, max(0, side * self.size(order["bucket"], market)))
        return self.planned(made, closing, "OK", m)

    def planned(self, made: list[tuple[int, int]], closing: int, why: str, m: Market) -> dict[str, Any]:
        lots, cost = sum(n for n, _ in made), sum(n * p for n, p in made)
        fees = sum(ceil(n * p * Fraction(m["taker_fee"], ONE)) for n, p in made)
        return {"lots": lots, "cost": cost, "fees": fees, "closing": closing, "why": why}

    def maker_fee(self, m: Market, notional: int, taker_fee: int) -> int:
        rate = Fraction(m["maker_fee"], ONE)
        return ceil(notional * rate) if rate >= 0 else -min(taker_fee, floor(notional * -rate))

    def match(self, t: dict[str, Any], size: int, limit: int, mode: str) -> tuple[int, int, str]:
        """Executes; `t` is the taker: bucket, market, side, leverage, rate."""
        market, side = t["market"], t["side"]
        m, before = self.markets[market], self.health(t["bucket"], market=market, leverage=t["leverage"])
        done, cost, visits, pool_open = 0, 0, 0, self.pool_is_open(market)
        while done < size:
            if visits == FILLS:
                return done, cost, "FILLS_FULL"
            queue = self.queue(market, side, limit)
            until = queue[0]["price"] if queue else limit
            if pool_open:
                pool = m["pool"]["bucket"]
                lots = min(self.pool_lots(market, side, until, self.size(pool, market)), size - done)
                if lots > 0:
                    price = self.pool_price(market, side, lots, self.size(pool, market))
                    fee = ceil(lots * price * Fraction(t["rate"], ONE))
                    why = self.taker_fails(t, pool, lots, price, fee, before)
                    if why:
                        return done, cost, why
                    self.exchange(t, pool, None, lots, price, fee, 0)
                    done, cost, visits = done + lots, cost + lots * price, visits + 1
                    continue
            if not queue:
                return done, cost, "OK"
            order = queue[0]
            visits += 1
            lots, why = self.meet(t, order, size - done, mode, before)
            if why:
                return done, cost, why
            done, cost = done + lots, cost + lots * order["price"]
        return done, cost, "OK"

    def meet(self, t: dict[str, Any], order: Order, left: int, mode: str, before: dict[str, int]) -> tuple[int, str]:
        """One order: lots filled, and why the taker stops ("": it goes on)."""
        m, side, maker, market = self.markets[t["market"]], t["side"], order["bucket"], t["market"]
        lots, why = self.offered(t["bucket"], order)
        if why == "SELF_TRADE" and mode == "CANCEL_TAKER":
            return 0, why
        if why != "OK":
            self.cancel(order, why)
            return 0, why if why == "SELF_TRADE" and mode == "CANCEL_BOTH" else ""
        if order["left"] > lots:
            self.cancel(order, "REDUCE_ONLY", order["left"] - lots)
        lots, price = min(lots, left), order["price"]
        fee = ceil(lots * price * Fraction(t["rate"], ONE))
        maker_fee = self.maker_fee(m, lots * price, fee)
        freed = 0 if order["reduce_only"] else -lots
        change = {"market": market, "size": -side * lots, "cost": -side * lots * price, "fee": maker_fee}
        grown = self.interest_added(t["bucket"], maker, market, side * lots)
        if not self.may(maker, grown, **change, **{"asks" if side > 0 else "bids": freed}):
            self.cancel(order, "INITIAL_MARGIN")
            return 0, ""
        why = self.taker_fails(t, maker, lots, price, fee, before)
        if why:
            return 0, why
        self.exchange(t, maker, order["id"], lots, price, fee, maker_fee)
        order["left"] -= lots
        self.tidy()
        return lots, ""

    def taker_fails(
        self, t: dict[str, Any], maker: int, lots: int, price: int, fee: int, before: dict[str, int]
    ) -> str:
        """Why this fill is not the taker's to have."""
        market, side, m = t["market"], t["side"], self.markets[t["market"]]
        grown = self.interest_added(t["bucket"], maker, market, side * lots)
        if grown > 0 and self.open_interest(market) + grown > m["open_interest_cap"]:
            return "OPEN_INTEREST_CAP"
        change = {"market": market, "size": side * lots, "cost": side * lots * price, "fee": fee}
        after = self.health(t["bucket"], grown, **change, leverage=t["leverage"])
        return "" if accepts(before, after) else "INITIAL_MARGIN"

    def interest_added(self, buyer: int, seller: int, market: int, size: int) -> int:
        """By how much open interest grows when `size` (signed) lots change hands, by carrying it out on the sizes."""
        sizes = {b: self.size(b, market) for b in self.buckets}
        now = sum(max(0, held) for held in sizes.values())
        sizes[buyer] += size
        sizes[seller] -= size
        return sum(max(0, held) for held in sizes.values()) - now

    def exchange(
        self, t: dict[str, Any], maker: int, order: int | None, lots: int, price: int, fee: int, maker_fee: int
    ) -> None:
        market = t["market"]
        self.trade(t["bucket"], market, t["side"] * lots, price, fee)
        self.trade(maker, market, -t["side"] * lots, price, maker_fee)
        self.fees += fee + maker_fee
        self.markets[market]["last"] = price
        self.log.append(("FILL", t["bucket"], maker, order, price, t["side"] * lots, fee, maker_fee))

    def trade(self, bucket: int, market: int, size: int, price: int, fee: int) -> None:
        b, m = self.buckets[bucket], self.markets[market]
        new = {"size": 0, "entry": 0, "leverage": m["tiers"][0][1], "index": m["funding_index"]}
        slot = b["slots"].setdefault(market, new)
        b["raw"] += self.pending(slot["size"], market, slot["index"])
        slot["index"] = m["funding_index"]
        old, after = slot["size"], slot["size"] + size
        if after == 0:
            slot["entry"] = 0
        elif old * size >= 0:
            slot["entry"] += size * price
        elif old * after > 0:
            slot["entry"] = floor(Fraction(slot["entry"] * after, old))
        else:
            slot["entry"] = after * price
        slot["size"] = after
        b["raw"] -= size * price + fee

    # orders ---------------------------------------------------------------------------------------------------------

    def cancel(self, order: Order, why: str, lots: int | None = None) -> None:
        lots = order["left"] if lots is None else lots
        self.log.append(("CANCELLED", order["id"], order["bucket"], lots, why))
        order["left"] -= lots
        self.tidy()

    def tidy(self) -> None:
        """Orders of nothing are gone, and so are slots without a position or an order that reserves."""
        self.orders = [o for o in self.orders if o["left"] > 0]
        for number, b in self.buckets.items():
            for market in list(b["slots"]):
                idle = not self.resting(number, market, 1) and not self.resting(number, market, -1)
                if b["slots"][market]["size"] == 0 and idle and (number, market) != self.pinned:
                    del b["slots"][market]

    def order(self, identity: int) -> Order | None:
        return next((o for o in self.orders if o["id"] == identity), None)

    def leverage(self, bucket: int, market: int, chosen: int) -> int:
        """Effective leverage of new risk: as chosen, within the caps; the breaker halves them."""
        m = self.markets[market]
        cap = min(m["leverage_cap"], m["tiers"][0][1])
        if m["breaker"] in (SOFT, RECOVERY):
            cap = max(1, cap // 2)
        slot = self.buckets[bucket]["slots"].get(market)
        return int(min(slot["leverage"] if slot else min(chosen, m["tiers"][0][1]), cap))

    def refusal_of_market(self, o: dict[str, Any]) -> str:
        """The checks that concern the market alone, in their order."""
        m, reduces = self.markets[o["market"]], o["reduce_only"]
        checks = (
            ("MARKET_CLOSED", m["status"] >= CLOSED),
            ("BAD_PRICE", o["price"] > m["price_max"] or not on_grid(o["price"], m["exponent_max"])),
            ("BAD_SIZE", not 1 <= o["size"] <= m["size_max"]),
            (
                "PRICE_BAND",
                not reduces and abs(o["price"] - m["oracle"]) > Fraction(m["price_band"], ONE) * m["oracle"],
            ),
            ("STALE_PRICE", not reduces and not m["is_fresh"]),
            ("MARKET_CLOSED", m["status"] == HALTED),
            ("CANCEL_ONLY", m["status"] == CANCELLING),
            ("POST_ONLY", m["status"] == POSTING and o["kind"] != "POST_ONLY"),
            ("MARKET_REDUCE_ONLY", not reduces and (m["status"] == REDUCING or m["breaker"] == HARD)),
        )
        return next((why for why, fails in checks if fails), "")

    def place(self, o: dict[str, Any], replaced: Order | None = None) -> str:
        """bucket, market, side, price, size, kind (GTC, IOC, POST_ONLY), reduce_only, mode, client, leverage."""
        self.log = []
        why = self.refusal_of_market(o)
        if why:
            return why
        bucket, market, side = o["bucket"], o["market"], o["side"]
        named = [x for x in self.orders if x["client"] == o["client"] is not None and x["bucket"] == bucket]
        if named and named != [replaced]:
            return "DUPLICATE_CLIENT_ID"
        size = o["size"]
        if o["reduce_only"]:
            size = min(size, -side * self.size(bucket, market))
            if size <= 0:
                return "REDUCE_ONLY"
        elif self.buckets[bucket]["liquidating"]:
            return "BEING_LIQUIDATED"
        if self.meets(market, side, o["price"]):
            return "WOULD_CROSS" if o["kind"] == "POST_ONLY" else self.take(o, size, replaced)
        if o["kind"] == "IOC":
            return "NO_LIQUIDITY"
        if not o["reduce_only"]:
            why = self.risk_fails(o, NOTHING, size, replaced)
            if why:
                return why
        self.replace(replaced)
        self.rest(o, size)
        return "OK"

    def meets(self, market: int, side: int, price: int) -> bool:
        if self.queue(market, side, price):
            return True
        pool = self.markets[market]["pool"]
        return self.pool_is_open(market) and self.pool_lots(market, side, price, self.size(pool["bucket"], market)) > 0

    def take(self, o: dict[str, Any], size: int, replaced: Order | None) -> str:
        bucket, market, side, m = o["bucket"], o["market"], o["side"], self.markets[o["market"]]
        plan = self.plan(bucket, market, side, size, o["price"], o["mode"])
        if plan["lots"] == 0 and plan["why"] == "SELF_TRADE" and o["mode"] == "CANCEL_TAKER":
            return "SELF_TRADE"
        if plan["lots"] == 0 and plan["why"] == "OK" and o["kind"] == "IOC":
            return "NO_LIQUIDITY"
        held = side * self.size(bucket, market)
        grown = max(0, held + plan["lots"]) - max(0, held) - plan["closing"]
        plan["grown"] = grown
        if grown > 0 and self.open_interest(market) + grown > m["open_interest_cap"]:
            return "OPEN_INTEREST_CAP"
        rests = size - plan["lots"] if plan["why"] == "OK" and o["kind"] == "GTC" else 0
        why = self.risk_fails(o, plan, rests, replaced)
        if why:
            return why
        leverage = self.leverage(bucket, market, o["leverage"])
        taker = {"bucket": bucket, "market": market, "side": side, "leverage": leverage, "rate": m["taker_fee"]}
        self.pinned = (bucket, market)
        self.slot(bucket, market, o["leverage"])
        self.replace(replaced)
        target = plan["lots"] if plan["why"] == "FILLS_FULL" and plan["lots"] else size
        done, cost, why = self.match(taker, target, o["price"], o["mode"])
        if done < size:
            why = plan["why"] if why == "OK" else why
            self.leave(o, size - done, why, (done, cost) == (plan["lots"], plan["cost"]))
        self.pinned = None
        self.tidy()
        return "OK"

    def leave(self, o: dict[str, Any], left: int, why: str, is_planned: bool) -> None:
        if why == "OK" and o["kind"] == "IOC":
            why = "NO_LIQUIDITY"
        if why == "OK" and not is_planned and not o["reduce_only"]:
            why = self.risk_fails(o, NOTHING, left, None) or "OK"
        if why == "OK":
            self.rest(o, left)
        else:
            self.log.append(("CANCELLED", 0, o["bucket"], left, why))

    def risk_fails(self, o: dict[str, Any], plan: dict[str, Any], rests: int, replaced: Order | None) -> str:
        """The position cap of linked accounts, then margin, for what is taken and what rests."""
        bucket, market, side, m = o["bucket"], o["market"], o["side"], self.markets[o["market"]]
        freed = replaced["left"] if replaced and not replaced["reduce_only"] else 0
        if not o["reduce_only"]:
            added = plan["lots"] + rests - freed
            linked = [b for b, x in self.buckets.items() if x["owner"] is not None and self.is_own(bucket, b)]
            now = sum(self.reach(b, market, side, 0) for b in linked)
            then = sum(self.reach(b, market, side, added if b == bucket else 0) for b in linked)
            if then > now and then > min(m["position_cap"], m["size_max"]):
                return "POSITION_CAP"
        more = (0 if o["reduce_only"] else rests) - freed
        change = {"market": market, "size": side * plan["lots"], "cost": side * plan["cost"], "fee": plan["fees"]}
        leverage = self.leverage(bucket, market, o["leverage"])
        fine = self.may(bucket, plan["grown"], **change, **{"bids" if side > 0 else "asks": more}, leverage=leverage)
        return "" if fine else "INITIAL_MARGIN"

    def reach(self, bucket: int, market: int, side: int, added: int) -> int:
        """What the bucket would hold on a side with all that rests there filled."""
        return max(0, side * self.size(bucket, market) + self.resting(bucket, market, side) + added)

    def replace(self, replaced: Order | None) -> None:
        if replaced is not None:
            self.pinned = self.pinned or (replaced["bucket"], replaced["market"])
            self.cancel(replaced, "OK")

    def slot(self, bucket: int, market: int, leverage: int) -> None:
        m = self.markets[market]
        new = {"size": 0, "entry": 0, "leverage": min(leverage, m["tiers"][0][1]), "index": m["funding_index"]}
        self.buckets[bucket]["slots"].setdefault(market, new)

    def rest(self, o: dict[str, Any], size: int) -> None:
        self.serial += 1
        if not o["reduce_only"]:
            self.slot(o["bucket"], o["market"], o["leverage"])
        kept = {k: o[k] for k in ("bucket", "market", "side", "price", "reduce_only", "client", "mode", "kind")}
        self.orders.append({**kept, "id": self.serial, "left": size, "since": self.serial})
        self.log.append(("RESTED", self.serial, o["bucket"], o["price"], size))
        self.pinned = None
        self.tidy()

    def modify(self, identity: int, o: dict[str, Any]) -> str:
        """Fewer lots keep their place; anything else is a new order instead, or nothing happens."""
        self.log = []
        old = self.order(identity)
        if old is None:
            return "UNKNOWN_ORDER"
        if o["client"] is None:
            o = {**o, "client": old["client"]}
        same = all(o[key] == old[key] for key in ("price", "reduce_only", "client", "mode", "kind"))
        if same and 0 < o["size"] <= old["left"]:
            if o["size"] < old["left"]:
                self.cancel(old, "OK", old["left"] - o["size"])
            return "OK"
        return self.place(o, old)


def on_grid(price: int, exponent_max: int) -> bool:
    """At most five significant figures, or a whole number of USD; decimal digits counted on the written number."""
    if price < 1:
        return False
    digits = str(price)
    return len(digits.rstrip("0")) <= 5 or price % 10**exponent_max == 0
