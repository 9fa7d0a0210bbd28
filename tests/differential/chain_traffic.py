"""Random and boundary steps for the engine and the contracts side by side (chain_twins.py)."""

import random
from collections import Counter
from typing import Any

from chain_twins import PRICE_MAX, SIZE_MAX, USD, Twins, owner_of
from evm import Refused

from seawall.chain import layout as at
from seawall.ledger import state
from seawall.margin.trigger_state import FIRED
from seawall.terms import code, command, event, parameter
from seawall.units import RATE_ONE

PRICES = (100 * USD, 3 * USD, 20_000)
OWN = (
    event.LIQUIDATION,
    event.LIQUIDATION_FILL,
    event.LIQUIDATION_WAITS,
    event.BACKSTOP,
    event.DEFICIT,
    event.ADL,
    event.LIQUIDATION_END,
    event.ASSET_SOLD,
)
WORK_MAX = 64


def on_grid(price: int) -> int:
    """The nearest price below that the engine's grid of five figures has."""
    digits = str(price)
    return int(digits[:5] + "0" * (len(digits) - 5)) if len(digits) > 5 else price


class Traffic(Twins):
    """A world of accounts, and what they do."""

    def __init__(self, seed: int, accounts: int = 8, **policy: int) -> None:
        super().__init__(len(PRICES))
        self.rng = random.Random(seed)
        self.codes: Counter[tuple[str, int]] = Counter()
        for name, value in policy.items():
            self.parameter(-1, getattr(parameter, name.upper()), value)
        for market, price in enumerate(PRICES):
            for number, value in (
                (parameter.AMM_DEPTH, 200_000),
                (parameter.AMM_CAP, 100_000),
                (parameter.PRICE_BAND, RATE_ONE),
                (parameter.BACKSTOP_CAP, 400_000 * USD),
                (parameter.DUST_NOTIONAL, 10 * USD),
            ):
                self.parameter(market, number, value)
            self.open_market(market, price)
        self.sync_policy()
        self.accounts = accounts
        for account in range(accounts):
            self.open_account(account)
            self.deposit(account, 1_000 * USD if account else 10_000_000 * USD)
        for market in range(len(PRICES)):
            for flags, which in ((command.AMM, at.AMM), (command.BACKSTOP, at.BACKSTOP)):
                self.add_to_pool(market, flags, which, 200_000 * USD if which == at.AMM else 50_000 * USD)
        self.compare()

    # -- set-up

    def open_account(self, account: int) -> None:
        address = {"address_0": 0, "address_1": 1, "address_2": 100 + account}
        self.engine(kind=command.CREATE_ACCOUNT, signer=command.SEQUENCER, **address)
        self.as_module("vault", "open_account", self.account_id(account), at.CROSS_KIND)

    def as_module(self, module: str, function: str, *args: Any) -> None:
        self.chain.evm.send(self.chain.house, function, *args, sender=self.chain.modules[module])

    def deposit(self, account: int, amount: int) -> None:
        self.deposits += 1
        fields = {"account": account, "amount": amount, "reference": self.deposits}
        self.engine(kind=command.DEPOSIT, signer=command.BRIDGE, **fields)
        self.put("vault", at.VENUE | at.MONEY, *at.change(at.MONEY_WORD, vault=int(self.columns["cell"][state.VAULT])))
        self.as_module("vault", "credit", self.account_id(account), amount)

    def add_to_pool(self, market: int, flags: int, which: int, amount: int) -> None:
        fields = {"account": 0, "market": market, "flags": flags, "amount": amount}
        self.engine(kind=command.POOL_ADD, signer=0, **fields)
        pool = at.pool_of(market, which)
        self.as_module("pools", "exit", self.account_id(0), amount)
        self.as_module("pools", "open_account", pool, at.AMM_KIND if which == at.AMM else at.BACKSTOP_KIND)
        self.as_module("pools", "credit", pool, amount)

    # -- steps

    def step(self) -> None:
        """One operation, the liquidations that it makes due, and the comparison of all that changed."""
        self.steps += 1
        draw = self.rng.random()
        if draw < 0.18:
            self.move_price()
        elif draw < 0.20:
            self.pass_time(self.rng.choice((1_000, 60_000, 3_600_000)))
            self.fund()
        elif draw < 0.62:
            self.trade()
        elif draw < 0.80:
            self.pair()
        else:
            self.rng.choice((self.move_cash, self.choose_leverage, self.move_between, self.add_margin, self.wish))()
        self.liquidate_all()
        if self.steps % 8 == 0:
            self.compare()

    def same(self, what: str, expected: int, found: int, **facts: Any) -> None:
        self.codes[(what, expected)] += 1
        assert found == expected, f"step {self.steps} {what} {facts}: chain {found}, engine {expected}"

    def anybody(self) -> int:
        return self.rng.randrange(self.accounts)

    def may_act(self, account: int, market: int) -> bool:
        """Accounts that wait in the engine's queue, not yet liquidating, are not driven: the chain has no queue."""
        c = self.columns
        buckets = [account, *[b for b in self.isolated_of(account) if c["bucket_market"][b] == market]]
        return not any(c["bucket_class"][b] and not c["bucket_liquidating"][b] for b in buckets)

    def isolated_of(self, account: int) -> list[int]:
        found, bucket = [], int(self.columns["account_isolated"][account]) - 1
        while bucket >= 0:
            found.append(bucket)
            bucket = int(self.columns["bucket_next"][bucket]) - 1
        return found

    def move_price(self) -> None:
        market = self.rng.randrange(len(PRICES))
        price = int(self.columns["market_oracle"][market])
        swing = self.rng.choice((0.002, 0.01, 0.04))
        moved = max(1, min(PRICE_MAX, round(price * (1 + self.rng.gauss(0, swing)))))
        if not PRICES[market] // 20 < moved < PRICES[market] * 20:
            moved = PRICES[market]
        self.pass_time(1_000)
        self.price(market, moved)

    def fund(self) -> None:
        """Premium samples and ends of intervals in the engine; the index it makes, and what its sweep settles, here."""
        for market in range(len(PRICES)):
            before = self.columns["slot_index"].copy()
            done = self.do(kind=command.FUNDING, signer=command.SEQUENCER, market=market)
            if done.codes[0] == code.OK:
                self.put("funding", at.market_key(at.PRICE, market), *self.index_change(market))
                self.settle_like(before)

    def settle_like(self, before: Any) -> None:
        """Settles the buckets whose positions the engine has settled."""
        c = self.columns
        changed = (c["slot_index"] != before).nonzero()[0]
        for bucket in sorted({int(c["slot_owner"][slot]) for slot in changed}):
            if bucket >= 0:
                self.chain.evm.send(self.chain.house, "settle", self.bucket_id(bucket))

    def sizes(self) -> int:
        return self.rng.choice((1, 2, 7, 100, 999, 5_000, 40_000, 99_999, 100_000, SIZE_MAX, SIZE_MAX + 1))

    def trade(self) -> None:
        account, market = self.anybody(), self.rng.randrange(len(PRICES))
        if not self.may_act(account, market):
            return
        side, reduces = self.rng.choice((1, -1)), self.rng.random() < 0.25
        size = max(1, self.sizes() // (50 if market == 0 else 1))
        slip = self.rng.choice((0.0, 0.001, 0.003, 0.02, 0.3))
        limit = on_grid(max(1, round(int(self.columns["market_oracle"][market]) * (1 + side * slip))))
        self.take(account, market, side, size, limit, reduces)

    def take(self, account: int, market: int, side: int, size: int, limit: int, reduces: bool = False) -> None:
        """An order that takes from the pool at once or not at all."""
        flags = command.IOC | (command.SELL if side < 0 else 0) | (command.REDUCE_ONLY if reduces else 0)
        fields = {"account": account, "market": market, "flags": flags, "price": limit, "size": size}
        before = self.columns["slot_index"].copy()
        done = self.do(kind=command.PLACE, signer=account, **fields)
        expected = int(done.codes[0])
        if expected == code.OK and not done.of_kind(event.FILL):
            expected = next(row["amount"] for row in done.of_kind(event.CANCELLED))
        sender = owner_of(account)
        found = self.chain.evm.code(
            self.chain.exchange, "trade", 0, market, side > 0, size, limit, reduces, sender=sender
        )
        self.same("trade", expected, found, **fields)
        if not done.of_kind(event.FILL):
            self.settle_like(before)
        self.compare_touched(account, market)

    def compare_touched(self, *accounts: int) -> None:
        buckets = [b for a in accounts[:-1] for b in (a, *self.isolated_of(a))]
        pool = len(self.columns["bucket_kind"]) - 2 * (self.venue.capacity.markets - accounts[-1])
        self.compare([*buckets, pool])

    def pair(self) -> None:
        """Two accounts trade with each other: one rests an order that the other takes at once."""
        maker, taker, market = self.anybody(), self.anybody(), self.rng.randrange(len(PRICES))
        if maker == taker or not (self.may_act(maker, market) and self.may_act(taker, market)):
            return
        if self.isolated_side(maker, market) or self.isolated_side(taker, market):
            return
        side, index = self.rng.choice((1, -1)), int(self.columns["market_oracle"][market])
        price = on_grid(max(1, round(index * (1 - side * self.rng.choice((0.0, 0.0004, -0.0004))))))
        size = max(1, self.sizes() // (50 if market == 0 else 1))
        if any(self.chain.evm.view(self.chain.exchange, "offer", market, side, 1, price)[0] for side in (1, -1)):
            return  # the pool would come between
        reduces = self.rng.random() < 0.2
        market_of = {"account": maker, "market": market, "price": price, "size": size}
        flags = command.POST_ONLY | (command.SELL if side > 0 else 0)
        rested = self.do(kind=command.PLACE, signer=maker, flags=flags, **market_of)
        if rested.codes[0] != code.OK:
            return
        flags = command.IOC | (command.SELL if side < 0 else 0) | (command.REDUCE_ONLY if reduces else 0)
        lots = size
        if reduces:
            slots = [s for s in self.slots_of(taker) if self.columns["slot_market"][s] == market]
            held = -side * int(self.columns["slot_size"][slots[0]]) if slots else 0
            lots = min(size, held) if held > 0 else size
        fields = {"account": taker, "market": market, "price": price, "size": size, "flags": flags}
        done = self.do(kind=command.PLACE, signer=taker, **fields)
        expected = int(done.codes[0])
        if expected == code.OK and not done.of_kind(event.FILL):
            gone = [row for row in done.of_kind(event.CANCELLED) if row["bucket"] == maker]
            expected = gone[0]["amount"] if gone else code.NO_LIQUIDITY
        self.do(kind=command.CANCEL_ALL, signer=maker, account=maker, market=market)
        found = self.fill(market, taker, maker, side, lots, price, reduces)
        self.same("pair", expected, found, maker=maker, **fields)
        self.compare_touched(maker, taker, market)

    def fill(self, market: int, taker: int, maker: int, side: int, lots: int, price: int, reduces: bool) -> int:
        """The match as the venue's operator settles it, by both owners' signed orders."""
        one = self.chain.order(taker, market, side > 0, lots, price, reduces)
        other = self.chain.order(maker, market, side < 0, lots, price, False)
        return self.chain.match(one, other, lots, price)

    def isolated_side(self, account: int, market: int) -> bool:
        """Whether the account's orders go to an isolated bucket: resting ones are fed for what they reserve."""
        c = self.columns
        if any(int(c["bucket_market"][b]) == market for b in self.isolated_of(account)):
            return True
        places = (c["setting_key"] == 1 + account * len(c["market_price"]) + market).nonzero()[0]
        return bool(len(places) and c["setting_isolated"][places[0]])

    # -- the desk

    def desk(self, what: str, expected: int, account: int, function: str, *args: Any) -> None:
        found = self.chain.evm.code(self.chain.desk, function, 0, *args, sender=owner_of(account))
        self.same(what, expected, found, account=account, args=args)
        self.compare_touched(account, 0)

    def amounts(self, account: int) -> int:
        """Amounts that aim at edges: what may leave, one more, next to nothing, far too much."""
        leaves = self.chain.evm.view(self.chain.house, "cash_of", self.account_id(account), at.NO_MARKET)[3]
        return int(self.rng.choice((leaves, leaves + 1, leaves // 3, 1, 0, 50 * USD, 2**53 + 1)))

    def move_cash(self) -> None:
        account, other = self.anybody(), self.anybody()
        if not self.may_act(account, 0):
            return
        amount = self.amounts(account)
        if amount > 2**53:
            return
        fields = {"account": account, "other": other, "amount": amount}
        done = self.do(kind=command.TRANSFER, signer=account, **fields)
        self.desk("transfer", int(done.codes[0]), account, "transfer", self.account_id(other), amount)
        if self.rng.random() < 0.3:
            self.deposit(self.anybody(), self.rng.choice((1, 200 * USD, 2_000 * USD)))

    def choose_leverage(self) -> None:
        account, market = self.anybody(), self.rng.randrange(len(PRICES))
        if not self.may_act(account, market):
            return
        leverage, isolated = self.rng.choice((1, 2, 5, 10, 20, 40, 41)), self.rng.random() < 0.4
        flags = command.ISOLATED if isolated else 0
        fields = {"account": account, "market": market, "size": leverage, "flags": flags}
        done = self.do(kind=command.SET_LEVERAGE, signer=account, **fields)
        self.desk("leverage", int(done.codes[0]), account, "set_leverage", market, leverage, isolated)

    def move_between(self) -> None:
        account, market = self.anybody(), self.rng.randrange(len(PRICES))
        if not self.may_act(account, market):
            return
        isolated = self.rng.random() < 0.5
        amount = min(self.amounts(account), 2**53) if isolated else 0
        fields = {"account": account, "market": market, "flags": command.ISOLATED * isolated, "amount": amount}
        done = self.do(kind=command.MOVE_POSITION, signer=account, **fields)
        self.desk("move", int(done.codes[0]), account, "move_position", market, isolated, amount)

    def add_margin(self) -> None:
        account, market = self.anybody(), self.rng.randrange(len(PRICES))
        if not self.may_act(account, market):
            return
        amount = min(self.amounts(account), 2**53) * self.rng.choice((1, 1, -1))
        fields = {"account": account, "market": market, "amount": amount}
        done = self.do(kind=command.ISOLATED_MARGIN, signer=account, **fields)
        self.desk("margin", int(done.codes[0]), account, "isolated_margin", market, amount)

    def wish(self) -> None:
        account, market = self.anybody(), self.rng.randrange(len(PRICES))
        amount = self.rng.choice((-1, 0, 100 * USD))
        fields = {"account": account, "market": market, "amount": amount}
        done = self.do(kind=command.SET_TOP_UP, signer=account, **fields)
        self.desk("top-up", int(done.codes[0]), account, "set_top_up", market, amount)

    # -- liquidation

    def liquidate_all(self) -> None:
        """Units of liquidation work in the engine until none is left, each one here as well."""
        cell, count = self.columns["cell"], self.columns["count"]
        for _ in range(WORK_MAX):
            busy = cell[state.QUEUED] or count[FIRED] or self.columns["market_short"].any() or cell[state.SOCIAL_MARKET]
            if not busy or not self.one_unit():
                return

    def one_unit(self) -> bool:
        """A LIQUIDATE of one unit; whether it did something that shows."""
        before = self.columns["slot_index"].copy()
        c = self.columns
        ids = self.ids_before = {b: self.bucket_id(b) for b in self.used_buckets()}
        live = (c["slot_owner"] >= 0).nonzero()[0]
        self.engine_before = [
            (int(s), int(c["slot_owner"][s]), int(c["slot_size"][s]), int(c["slot_market"][s])) for s in live
        ]
        sharing = self.columns["market_short"].any()
        done = self.do(kind=command.LIQUIDATE, signer=command.SEQUENCER, size=1)
        assert done.codes[0] == code.OK
        rows = [dict(zip(event.ROW, row, strict=True)) for row in done.events.tolist()]
        worked = [row["bucket"] for row in rows if row["kind"] in OWN and row["bucket"] in ids]
        topped = [row["other"] for row in rows if row["kind"] == event.MOVED and not worked]
        if sharing and not worked:
            self.share(rows)
        elif worked or topped:
            self.liquidate(ids[(worked or topped)[0]], rows)
        self.settle_like(before)
        return bool(rows)

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        waits = [row["amount"] for row in rows if row["kind"] == event.LIQUIDATION_WAITS]
        evm, chain = self.chain.evm, self.chain
        try:
            found = evm.send(chain.liquidation, "liquidate", bucket_id)
        except Refused as refused:
            if refused.code != code.BAD_FIELD:
                raise
            told = [row["market"] for row in rows if row["kind"] == event.ADL]
            others, same = self.lists(bucket_id, told[0] if told else self.stuck_market(bucket_id))
            found = evm.send(chain.liquidation, "liquidate_with", bucket_id, others, same)
        self.codes[("liquidate", found)] += 1
        for row in rows:
            self.codes[("event", row["kind"])] += 1
        assert found == (waits[0] if waits else 0), f"step {self.steps}: chain {found}, engine {rows}"

    def lists(self, bucket_id: int, market: int) -> tuple[list[int], list[int]]:
        """Both sides of the market in which the bucket is closed against others, the other one best rank first."""
        found = self.found_bucket(bucket_id)
        size = next(p["size"] for p in found["positions"] if p["market"] == market)
        sides: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
        c = self.engine_before
        for slot, owner, slot_size, slot_market in c:
            if slot_market == market and slot_size:
                key = self.ids_before[owner]
                score = self.chain.evm.view(self.chain.deleveraging, "score_of", key, market)
                sides[(slot_size > 0) == (size > 0)].append((-score, slot, key))
        return [k for _, _, k in sorted(sides[False])], [k for _, _, k in sorted(sides[True])]

    def stuck_market(self, bucket_id: int) -> int:
        """The market of the position with the largest maintenance, the first in the list among equals."""
        best, most = -1, -1
        for position in self.found_bucket(bucket_id)["positions"]:
            market, size = position["market"], position["size"]
            words = self.chain.words([at.market_key(at.PRICE, market)])
            notional = abs(size) * at.unpack(at.PRICE_WORD, words[0])["price"]
            health = self.maintenance_of(market, notional)
            if health > most:
                best, most = market, health
        return best

    def maintenance_of(self, market: int, notional: int) -> int:
        price = at.unpack(at.PRICE_WORD, self.chain.words([at.market_key(at.PRICE, market)])[0])
        tiers = [(0, price["rate"], 0)]
        for k in range(1, price["tiers"]):
            tier = at.unpack(at.TIER_WORD, self.chain.words([at.tier_key(market, k)])[0])
            tiers.append((tier["lower"], tier["rate"], tier["deduction"]))
        lower, rate, deduction = [t for t in tiers if t[0] <= notional][-1]
        assert lower <= notional
        return -(-(notional * rate - deduction) // RATE_ONE)

    def share(self, rows: list[dict[str, int]]) -> None:
        for market in range(len(PRICES)):
            short = at.unpack(at.SHORT_WORD, self.chain.words([at.market_key(at.SHORT, market)])[0])["short"]
            if short:
                holders = sorted((slot, owner) for slot, owner, size, m in self.engine_before if m == market and size)
                ids = [self.ids_before[owner] for _, owner in holders]
                self.chain.evm.send(self.chain.deleveraging, "share_out", market, ids)
                self.codes[("share", len(rows))] += 1
                return
