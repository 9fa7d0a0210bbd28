"""Random steps of accounts that hold Uniswap v3 ranges: the engine, and LPCollateral with the real Uniswap.

One pool, of USD and the first collateral token. The chain has Uniswap's integers, the engine 64-bit ones that are never
worth more: equity may differ by `slack_of`, everything else is the same to the unit. What a pool pays is the chain's to
say; the engine hears of it as of a bridge. Where both are asked for the edge of what may leave, the engine's is tried
for a yes, the chain's and one more for a no.
"""

from math import isqrt
from typing import Any, Final

import npm
from asset_traffic import FOREVER, INDEX, PRICE, SHRINKING, UNIT, AssetTraffic, rate
from chain_traffic import OWN, WORK_MAX, on_grid
from chain_twins import DEPLOYER, USD, owner_of, puppet
from evm import Contract

from seawall.chain import layout as at
from seawall.chain.artifacts import Artifact
from seawall.ledger.health import measure
from seawall.ledger.leaving import has_stale_price, may_leave
from seawall.ledger.valuation import counted_row, counted_worth, kept_row, kept_worth
from seawall.liquidation.queue import WAITING
from seawall.margin.lp import (
    Pair,
    liquidity_for_amounts,
    position_amounts,
    range_of,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from seawall.terms import asset_parameter, code, command, event
from seawall.terms.asset_parameter import POOL
from seawall.units import RATE_ONE, BadInput, Side

RANGES: Final = 3  # the pool as an asset of the engine
FEE, SPACING = 3_000, 60
WIDTH = 600  # ticks, at least
SCAN = RATE_ONE // 5
KEPT, COUNTED = 80, 60  # weights in percent; the token counts with 85
FLOORED = 2  # micro-USD: the chain rounds the worth of each token of a range down, the engine that of both
WIDTHS = (540, 600, 1_200, 6_000, 60_000)
PRICES = (100 * USD, PRICE, 20_000, PRICE)
FIELDS = ("size", "price", "trigger", "extra")


class RangeTraffic(AssetTraffic):
    """A world of accounts with tokens and ranges."""

    lp = puppet("lp")

    def __init__(self, seed: int, **policy: int) -> None:
        super().__init__(seed, exit_buffer=0, **policy)
        self.open_pool()
        self.list_pool()
        for account in range(1, self.accounts):
            self.attach(account, self.rng.choice((2_000, 20_000)) * USD, 6_000)
        self.compare()

    # -- set-up

    def uniswap(self, name: str, *args: Any, address: str = "") -> Contract:
        """A contract of Uniswap, deployed or at its address; of two functions of a name the one with more arguments."""
        made, kept = npm.uniswap(name), {}
        for entry in made["abi"]:
            old = kept.get(entry.get("name", entry["type"]))
            if old is None or len(entry.get("inputs", ())) > len(old.get("inputs", ())):
                kept[entry.get("name", entry["type"])] = entry
        fields = {"compiler": "", "evm_version": "", "sources": "", "runtime": "0x", "layout": {}}
        shaped = Artifact(name=name, abi=list(kept.values()), bytecode=made["bytecode"], **fields)
        return Contract(shaped, address) if address else self.chain.evm.deploy(name, *args, made=shaped)

    def open_pool(self) -> None:
        """Factory, manager, router, and the pool at the oracle's price with a deep range over everything."""
        evm = self.chain.evm
        factory = self.uniswap("UniswapV3Factory")
        ends = (factory.address, factory.address)
        self.manager = self.uniswap("NonfungiblePositionManager", *ends, DEPLOYER)
        self.router = self.uniswap("SwapRouter", *ends)
        token = self.tokens[SHRINKING]
        self.both = sorted((self.dollars.address, token.address), key=lambda one: int(one, 16))
        self.base_first = self.both[0] == token.address
        evm.send(self.manager, "createAndInitializePoolIfNecessary", *self.both, FEE, self.root())
        self.pool = self.uniswap("UniswapV3Pool", address=evm.view(factory, "getPool", *self.both, FEE))
        for holder in (DEPLOYER, *(owner_of(account) for account in range(self.accounts))):
            for one in (self.dollars, token):
                evm.send(one, "mint", holder, 10**40)
                for spender in (self.manager, self.router):
                    evm.send(one, "approve", spender.address, 2**255, sender=holder)
        self.mint(DEPLOYER, 10**8 * USD, 600_000)

    def list_pool(self) -> None:
        lp = self.place(
            "LPCollateral", "lp", self.chain.house.address, self.vault.address, self.manager.address, *(DEPLOYER,) * 2
        )
        self.ranges = lp
        keys = (1 + SHRINKING, 0) if self.base_first else (0, 1 + SHRINKING)
        rules = (rate(COUNTED), rate(KEPT), SCAN, 0, WIDTH, 2**100, 2**100, RATE_ONE // 50)
        self.chain.evm.send(lp, "set_pool", 0, *self.both, FEE, *keys, *rules)
        fields = {"market": INDEX, "other": RANGES, "size": 1 + SHRINKING, "flags": POOL}
        self.engine(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
        for number, value in (
            (asset_parameter.WEIGHT_MAINTENANCE, rate(KEPT)),
            (asset_parameter.WEIGHT_INITIAL, rate(COUNTED)),
            (asset_parameter.SUPPLY_CAP, FOREVER),
            (asset_parameter.ACCOUNT_CAP, FOREVER),
            (asset_parameter.SCAN, SCAN),
            (asset_parameter.RANGE_MIN, int((1.0001 ** (WIDTH / 2 - SPACING / 4) - 1) * RATE_ONE)),
        ):
            self.engine(kind=command.SET_ASSET, signer=command.ADMIN, other=RANGES, reference=number, price=value)

    # -- Uniswap

    def root(self) -> int:
        """The oracle's square-root price in the pool."""
        lot, units = int(self.columns["market_oracle"][INDEX]) * 10**12, UNIT
        return isqrt((lot << 192) // units if self.base_first else (units << 192) // lot)

    def here(self) -> int:
        return int(self.chain.evm.view(self.pool, "slot0")[0])

    def mint(self, owner: str, money: int, width: int, off: int = 0) -> int:
        """A range around the oracle's price of at most so much money (micro-USD) a side; the NFT."""
        tick = tick_at_sqrt_ratio(self.root()) + off
        ends = [(tick + side * width // 2) // SPACING * SPACING for side in (-1, 1)]
        base = money * UNIT // int(self.columns["market_oracle"][INDEX])
        amounts = (base, money * 10**12) if self.base_first else (money * 10**12, base)
        args = (*self.both, FEE, *ends, *amounts, 0, 0, owner, 2**40)
        return int(self.chain.evm.send(self.manager, "mint", args, sender=owner)[0])

    def push(self, root: int) -> None:
        """Swaps until the pool is at a square-root price."""
        here = self.here()
        if here == root:
            return
        tokens = self.both if root < here else self.both[::-1]
        self.chain.evm.send(self.router, "exactInputSingle", (*tokens, FEE, DEPLOYER, 2**40, 10**38, 0, root))

    def place_of(self, account: int, token: int) -> dict[str, int]:
        return next(place for place in self.places(account) if place["id"] == token)

    def places(self, account: int) -> list[dict[str, int]]:
        found = self.chain.evm.view(self.ranges, "places_of", self.account_id(account))
        return [at.unpack(at.PLACE_WORD, place) for place in found]

    def shape(self, lower: int, upper: int, liquidity: int) -> dict[str, int]:
        """A range in the engine's integers. BadInput for one that it has none for."""
        sort = Pair(base_is_token0=self.base_first, base_decimals=18, quote_decimals=18, size_decimals=4)
        made = range_of(lower, upper, liquidity, sort)
        return dict(zip(FIELDS, (made.liquidity, made.low, made.high, made.scale), strict=True))

    # -- steps

    def step(self) -> None:
        if self.rng.random() < 0.7:
            super().step()
            return
        self.steps += 1
        acts = [self.attach_some, self.attach_some, self.detach_some, self.collect_some, self.decrease_some]
        acts += [self.reshape_some, self.push_some, self.crash, self.crash, self.lean, self.lean, self.lean]
        self.rng.choice(acts)()
        self.liquidate_all()
        if self.steps % 8 == 0:
            self.compare()

    def push_some(self) -> None:
        """The pool moves to or away from the oracle's price: nobody's account may notice."""
        self.push(self.rng.choice((self.root(), self.root(), self.root() * 103 // 100, self.root() * 97 // 100)))

    def crash(self) -> None:
        """What backs, or what is traded, falls by up to a fifth before anybody is liquidated."""
        market = self.rng.choice((INDEX, *range(INDEX)))
        for _ in range(self.rng.randint(1, 6)):
            price = int(self.columns["market_oracle"][market]) * 96 // 100
            self.pass_time(1_000)
            self.price(market, price if price > PRICES[market] // 8 else PRICES[market])

    def lean(self) -> None:
        """Somebody takes out all that may leave, after a large trade: what is left is what ranges count for."""
        account, market = self.anybody(), self.rng.randrange(INDEX)
        if not account or not self.may_act(account, market):
            return
        side, index = self.rng.choice((1, -1)), int(self.columns["market_oracle"][market])
        limit = on_grid(max(1, round(index * (1 + side * 0.3))))
        self.take(account, market, side, self.rng.randint(1, 200_000) * USD // 10 // index + 1, limit)
        leaves = int(may_leave(self.kernels(), account))
        if leaves:
            done = self.do(kind=command.TRANSFER, signer=account, account=account, other=0, amount=leaves)
            self.desk("transfer", int(done.codes[0]), account, "transfer", self.account_id(0), leaves)

    def may_act(self, account: int, market: int) -> bool:
        """An asset without a fresh price holds everything back in the engine alone (docs/adr/0006): its owner waits."""
        return super().may_act(account, market) and not has_stale_price(self.kernels(), account)

    def attach_some(self) -> None:
        money = self.rng.choice((20, 1_000, 20_000, 100_000)) * USD
        width = self.rng.choice(WIDTHS)
        self.attach(self.anybody(), money, width, self.rng.randint(-width, width) // 2)

    def attach(self, account: int, money: int, width: int, off: int = 0) -> None:
        """A range comes in. What the engine sends back is refused by the chain."""
        owner = owner_of(account)
        self.push(self.root())
        token = self.mint(owner, money, width, off)
        told = self.chain.evm.view(self.manager, "positions", token)
        self.deposits += 1
        fields = {"account": account, "other": RANGES, "client_low": token, "reference": self.deposits}
        fields |= self.shape(*told[5:8])
        back = int(self.engine(kind=command.ATTACH_RANGE, signer=command.BRIDGE, **fields).made[0])
        self.finish(back)
        args = (owner, self.lp, token, b"")
        found = self.chain.evm.code(self.manager, "safeTransferFrom", *args, sender=owner)
        self.same("attach", int(back != 0), int(found in (code.BAD_SIZE, code.POSITIONS_FULL)), answer=found, **fields)

    def some_range(self) -> tuple[int, int]:
        """(account, token) of a range of somebody who may act; token 0 when there is none."""
        account = self.anybody()
        held = self.places(account)
        if not held or not self.may_act(account, 0):
            return account, 0
        return account, self.rng.choice(held)["id"]

    def detach_some(self) -> None:
        account, token = self.some_range()
        if not token:
            return
        address = {"address_0": 0, "address_1": 1, "address_2": 100 + account}
        fields = {"account": account, "other": RANGES, "client_low": token, **address}
        done = self.do(kind=command.DETACH_RANGE, signer=account, **fields)
        if done.codes[0] == code.WITHDRAWALS_CLOSED:
            return  # as of a token
        if done.codes[0] == code.OK:
            self.finish(int(done.made[0]))
        self.same("detach", int(done.codes[0]), self.on_range(account, "withdraw", token, owner_of(account)), **fields)

    def on_range(self, account: int, function: str, *args: Any) -> int:
        return self.chain.evm.code(self.ranges, function, *args, sender=owner_of(account))

    def collect_some(self) -> None:
        account, token = self.some_range()
        if token:
            self.collect(account, token)

    def collect(self, account: int, token: int) -> None:
        """Fees: what the chain has paid is told to the engine, which takes it at any time."""
        before = self.booked(account)
        assert self.on_range(account, "collect", token) == 0
        self.reshape(account, token, self.now_of(account, token), self.paid(account, before), must=True)
        self.codes[("collect", 0)] += 1

    def booked(self, account: int) -> tuple[int, int]:
        """(lots, cash) of an account on the chain."""
        bucket = self.account_id(account)
        lots = int(self.chain.evm.view(self.vault, "held", bucket, SHRINKING))
        return lots, int(self.found_bucket(bucket)["raw"])

    def paid(self, account: int, before: tuple[int, int]) -> tuple[int, int]:
        lots, cash = self.booked(account)
        return lots - before[0], cash - before[1]

    def now_of(self, account: int, token: int) -> dict[str, int]:
        place = self.place_of(account, token)
        return self.shape(place["lower"], place["upper"], place["liquidity"])

    def reshape(
        self, account: int, token: int, shape: dict[str, int], paid: tuple[int, int], *, must: bool = False
    ) -> int:
        """What a range is now, and what came of it, told to the engine; its code."""
        fields = {"account": account, "other": RANGES, "client_low": token, "client_high": paid[0], "amount": paid[1]}
        fields |= shape | {"reference": self.deposits + 1}
        done = self.do(kind=command.RESHAPE_RANGE, signer=command.BRIDGE, **fields)
        assert not must or done.codes[0] == code.OK, (fields, done.codes)
        self.deposits += int(done.codes[0] == code.OK)
        return int(done.codes[0])

    def decrease_some(self) -> None:
        account, token = self.some_range()
        if not token:
            return
        self.collect(account, token)
        place = self.place_of(account, token)
        gone = self.rng.choice((place["liquidity"] // 10, place["liquidity"] // 2, place["liquidity"] * 99 // 100))
        left = place["liquidity"] - gone
        amounts = self.amounts_of(place["lower"], place["upper"], gone, Side.DOWN)
        try:
            shape = self.shape(place["lower"], place["upper"], left)
        except BadInput:
            return  # less than one of the engine's units of liquidity would be left
        self.change("decrease", account, token, shape, amounts, (token, gone, 0, 0))

    def reshape_some(self) -> None:
        """Another range of the pool, from what the old one is; fees are collected before."""
        account, token = self.some_range()
        if not token:
            return
        self.push(self.root())
        self.collect(account, token)
        place, width = self.place_of(account, token), self.rng.choice(WIDTHS)
        middle = tick_at_sqrt_ratio(self.root()) + self.rng.randint(-width, width) // 3
        ends = [(middle + side * width // 2) // SPACING * SPACING for side in (-1, 1)]
        if ends == [place["lower"], place["upper"]]:
            return  # no other range: the engine knows it by its integers, not by its number
        out = self.amounts_of(place["lower"], place["upper"], place["liquidity"], Side.DOWN)
        liquidity = liquidity_for_amounts(self.here(), *(sqrt_ratio_at_tick(tick) for tick in ends), *out)
        if liquidity < place["liquidity"] // 10**4:
            return  # the range takes the token that it is not of
        used = self.amounts_of(*ends, liquidity, Side.UP)
        rest = (out[0] - used[0], out[1] - used[1])
        self.change("move", account, token, self.shape(*ends, liquidity), rest, (token, *ends, liquidity))

    def amounts_of(self, lower: int, upper: int, liquidity: int, side: Side) -> tuple[int, int]:
        ends = (sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper))
        return position_amounts(self.here(), *ends, liquidity, side)

    def change(
        self,
        what: str,
        account: int,
        token: int,
        shape: dict[str, int],
        amounts: tuple[int, int],
        args: tuple[int, ...],
    ) -> None:
        """The same change in both. `amounts` of the tokens come out of it."""
        bucket = self.account_id(account)
        base, dollars = amounts if self.base_first else amounts[::-1]
        rests = [int(self.chain.evm.view(self.vault, "rests", bucket, which)) for which in (0, 1 + SHRINKING)]
        paid = ((rests[1] + base) // UNIT, (rests[0] + dollars) // 10**12)
        expected = self.reshape(account, token, shape, paid)
        before = self.booked(account)
        said = {code.INITIAL_MARGIN: code.WITHDRAWABLE, code.BAD_FIELD: code.BAD_SIZE}.get(expected, expected)
        self.same(what, said, self.on_range(account, what, *args), account=account, args=args)
        if expected != code.OK:
            return
        assert self.paid(account, before) == paid
        if what == "move":
            self.rename(account, token)

    def rename(self, account: int, token: int) -> None:
        """A moved range is another NFT on the chain; the engine's bridge keeps its number."""
        c = self.columns
        known = {int(c["holding_token"][row]) for row in self.rows_of(account) if c["holding_asset"][row] == RANGES}
        (new,) = {place["id"] for place in self.places(account)} - known
        (row,) = [row for row in self.rows_of(account) if c["holding_token"][row] == token]
        c["holding_token"][row] = new

    def amounts(self, account: int) -> int:
        """As of all accounts, but for the edge: between the engine's and the chain's the answer may differ."""
        evm, bucket = self.chain.evm, self.account_id(account)
        here, there = (
            int(may_leave(self.kernels(), account)),
            evm.view(self.chain.house, "cash_of", bucket, at.NO_MARKET)[3],
        )
        amount = int(self.rng.choice((here, there + 1, here // 3, 1, 0, 50 * USD, 2**53 + 1)))
        return here if here < amount <= there else amount

    # -- liquidation

    def liquidate_all(self) -> None:
        """Also past buckets that wait for a buyer: one that was unwound to health ends at once."""
        super().liquidate_all()
        for _ in range(WORK_MAX):
            classes = self.columns["bucket_class"]
            if not ((classes > 0) & (classes <= WAITING)).any():
                return
            self.one_unit()

    def liquidate(self, bucket_id: int, rows: list[dict[str, int]]) -> None:
        """The engine asks for all ranges at once and works on; here each is unwound, until the account is well."""
        asked = [row for row in rows if row["kind"] == event.RANGE_DUE]
        flagged = self.found_bucket(bucket_id)["liquidating"]
        own = {row["kind"] for row in rows if row["kind"] in OWN}
        if not flagged and own == {event.LIQUIDATION_END}:
            return  # it was unwound to health before its liquidation had begun here
        if not asked:
            super().liquidate(bucket_id, rows)
            if own & {event.ADL, event.SOCIALISED}:
                self.align()
            return
        account = asked[0]["bucket"]
        for place in self.places(account):
            before = self.booked(account)
            found = self.chain.evm.code(self.ranges, "unwind", place["id"])
            self.codes[("unwind", found)] += 1
            if found == code.OK:
                lots, cash = self.paid(account, before)
                self.tell_unwound(account, place["id"], lots, cash)
                continue
            assert found == code.NOT_DUE
            (row,) = [row for row in self.rows_of(account) if self.columns["holding_token"][row] == place["id"]]
            self.columns["holding_asked"][row] = 0  # the chain will be asked again when it is due again

    def share(self, rows: list[dict[str, int]]) -> None:
        super().share(rows)
        self.align()

    def align(self) -> None:
        """Who is closed against bears by its equity: with ranges a little more or less. The engine takes the chain's.

        Sizes are the same; what one pays more another pays less, and no more than the slack of all ranges.
        """
        c, most = self.columns, sum(self.slack_of(account)[1] for account in range(self.accounts))
        for bucket in self.used_buckets():
            expected, found = self.expected_bucket(bucket), self.found_bucket(self.bucket_id(bucket))
            more = found["raw"] - expected["raw"]
            if not more or not 0 < abs(more) <= most or len(expected["positions"]) != len(found["positions"]):
                continue
            self.codes[("aligned", int(bucket < self.accounts))] += 1
            c["bucket_raw"][bucket] += more
            for slot, here, there in zip(self.slots_of(bucket), expected["positions"], found["positions"], strict=True):
                c["slot_entry"][slot] += there["entry"] - here["entry"]
                c["market_entry_sum"][here["market"]] += there["entry"] - here["entry"]

    def tell_unwound(self, account: int, token: int, lots: int, cash: int) -> None:
        """What came of a range; where fees alone have made the account well the range stays."""
        if any(place["id"] == token for place in self.places(account)):
            self.reshape(account, token, self.now_of(account, token), (lots, cash), must=True)
            (row,) = [row for row in self.rows_of(account) if self.columns["holding_token"][row] == token]
            self.columns["holding_asked"][row] = 0
            return
        self.deposits += 1
        fields = {"other": RANGES, "client_low": token, "size": lots, "amount": cash, "reference": self.deposits}
        self.engine(kind=command.UNWIND_RANGE, signer=command.BRIDGE, **fields)

    # -- comparing

    def ranges_of(self, account: int) -> list[int]:
        return [row for row in self.rows_of(account) if self.columns["holding_asset"][row] == RANGES]

    def slack_of(self, account: int) -> tuple[int, int]:
        """By how much the chain's ranges may count for more, for initial margin and for maintenance; for less: FLOORED.

        A range: a millionth of its worth, the worth of one unit of its liquidity (the engine has whole ones), and 3.
        For initial margin the price at the end of the scan is whole in the engine, too: a micro-USD a lot more.
        """
        c, s = self.columns, self.kernels()
        price = min(int(c["market_oracle"][INDEX]), int(c["asset_stable"][RANGES])) * (RATE_ONE - SCAN) // RATE_ONE
        initial = maintenance = 0
        for row in self.ranges_of(account):
            kept, counted = int(kept_row(s, row)), int(counted_row(s, row))
            unit = (int(c["holding_high"][row]) - int(c["holding_low"][row]) >> int(c["holding_scale"][row])) + 1
            maintenance += 3 + kept // 10**6 + unit
            initial += 3 + counted // 10**6 + unit + counted // price + 1
        return initial, maintenance

    def compare_collateral(self) -> None:
        """Lots, ranges, worth, health and what may leave of every account, within the slack of its ranges."""
        if not hasattr(self, "ranges"):
            super().compare_collateral()
            return
        evm, s = self.chain.evm, self.kernels()
        for account in range(self.accounts):
            bucket, told = self.account_id(account), f"step {self.steps}, account {account}"
            for asset in range(RANGES):
                self.equal(f"lots {asset} of {account}", self.lots(account, asset), "held", bucket, asset)
            rows = self.ranges_of(account)
            tokens = {int(self.columns["holding_token"][row]) for row in rows}
            assert tokens == {place["id"] for place in self.places(account)}, told
            counted, kept = (sum(int(of(s, row)) for row in rows) for of in (counted_row, kept_row))
            values = (int(counted_worth(s, account)) - counted, int(kept_worth(s, account)) - kept)
            self.equal(f"worth of {account}", values, "worth", bucket)
            more_initial, more = self.slack_of(account)
            initial_here, kept_here = evm.view(self.ranges, "worth", bucket)
            least = -FLOORED * len(rows)
            assert least <= initial_here - counted <= more_initial, f"{told}: {initial_here} {counted}"
            assert least <= kept_here - kept <= more, f"{told}: {kept_here} {kept}"
            self.widest = max(self.widest, (kept_here - kept) / max(1, kept))
            equity, initial, maintenance, required, _, notional, _ = (int(part) for part in measure(s, account))
            found = evm.view(self.chain.house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)
            assert (found[0], found[1]) == (equity + kept_here - kept, initial + initial_here - counted), told
            assert (found[2], found[3], found[4]) == (maintenance, required, notional), told
            if has_stale_price(s, account):
                continue  # an asset without a fresh price holds the rest back in the engine alone
            leaves = evm.view(self.chain.house, "cash_of", bucket, at.NO_MARKET)[3]
            assert least <= leaves - int(may_leave(s, account)) <= more_initial, f"{told} may take {leaves}"

    widest = 0.0  # by which maintenance has differed, as a share
