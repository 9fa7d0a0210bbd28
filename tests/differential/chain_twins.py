"""The engine and the contracts side by side: one profile, the same steps, every integer compared.

The profile is the venue without its order book: accounts trade with the pool and with each other (a resting order of
one that the other takes at once), marks are the index. Policy is the engine's: what the admin has set there is written
into the words here (the steward's rails have a suite of their own).
"""

import functools
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "contracts"))

from eth_keys.datatypes import PrivateKey
from evm import DEPLOYER, Evm, create_address

from seawall.chain import layout as at
from seawall.chain.orders import Order, SignedOrder, batch, digest, fill_word, keccak, sign
from seawall.chain.permits import PERMITS
from seawall.engine.rows import rows_of
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.margin.certificate import LIVE
from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE

MODULES = (
    "vault",
    "desk",
    "exchange",
    "liquidation",
    "deleveraging",
    "pools",
    "steward",
    "hub",
    "funding",
    "appraiser",
    "lending",
)
REAL = ("exchange", "desk", "liquidation", "deleveraging", "lending")
USD = 1_000_000
START = 1_760_000_400_000
PRICE_MAX = 2**33
SIZE_MAX = 2**53 // PRICE_MAX
ISOLATED = command.ISOLATED


def puppet(name: str) -> str:
    """An address that plays a module which this suite does not need."""
    return f"0x{0xAA0000 + (*MODULES, 'lp').index(name):040x}"


class Chain:
    """The contracts, with puppets in place of modules that `real` does not name."""

    def __init__(self, now_ms: int) -> None:
        self.evm = Evm(now_ms // 1000)
        start = self.evm.nonce()
        modules = {name: puppet(name) for name in MODULES}
        for place, name in enumerate(REAL):
            modules[name] = create_address(DEPLOYER, start + 1 + place)
        modules["lp"] = puppet("lp")
        permits = [(modules[name], sort, mask) for name, sort, mask in PERMITS if name in modules]
        self.modules = modules
        self.house = self.evm.deploy("ClearingHouse", tuple(modules[name] for name in MODULES), permits)
        house = self.house.address
        self.exchange = self.evm.deploy("Exchange", house, DEPLOYER, DEPLOYER, 10**9)
        self.domain = bytes(self.evm.view(self.exchange, "domain_separator"))
        self.serial = 0
        self.refusals = keccak(b"FillRefused(uint256,uint256)")
        self.desk = self.evm.deploy("AccountDesk", house)
        pool_close = create_address(DEPLOYER, start + 1 + len(REAL))
        arguments = (house, modules["deleveraging"], modules["appraiser"], pool_close)
        self.liquidation = self.evm.deploy("Liquidation", *arguments)
        self.deleveraging = self.evm.deploy("Deleveraging", house, modules["liquidation"], modules["appraiser"])
        self.lending = self.evm.deploy("Lending", house, modules["liquidation"])
        assert self.evm.deploy("PoolClose", house).address == pool_close
        made = (self.exchange, self.deleveraging, self.lending)
        assert [c.address for c in made] == [modules[name] for name in ("exchange", "deleveraging", "lending")]

    def order(self, account: int, market: int, buys: bool, lots: int, price: int, reduces: bool) -> SignedOrder:
        """An order of an account's owner, signed with its key."""
        self.serial += 1
        order = Order(
            owner=owner_of(account),
            market=market,
            buys=buys,
            lots=min(lots, 2**54 - 1),
            price=price,
            nonce=self.serial,
            expires=2**40,
            reduces=reduces,
        )
        return SignedOrder(order=order, signature=sign(key_of(account), digest(self.domain, order)))

    def match(self, taker: SignedOrder, maker: SignedOrder, lots: int, price: int) -> int:
        """A batch of one fill; 0, or the code with which it was refused."""
        words, proofs = batch([taker, maker])
        done = self.evm.send(self.exchange, "settle", words, [fill_word(0, 1, lots, price)], proofs)
        if done == 1:
            return 0
        logs = [log for log in self.evm.logs() if log.topics[0] == "0x" + self.refusals.hex()]
        return int.from_bytes(bytes(logs[-1].data[1])[32:64], "big")

    def put(self, module: str, key: int, mask: int, fields: int) -> None:
        self.evm.send(self.house, "put", key, mask, fields, sender=self.modules[module])

    def words(self, keys: list[int]) -> list[int]:
        found: list[int] = []
        for first in range(0, len(keys), 128):
            found += self.evm.view(self.house, "words_of", keys[first : first + 128])
        return found


@functools.cache
def key_of(account: int) -> bytes:
    return (0x5EA0000 + account).to_bytes(32, "big")


@functools.cache
def owner_of(account: int) -> str:
    """The address of an account's owner."""
    return str(PrivateKey(key_of(account)).public_key.to_address())


class Twins:
    """Both executions, and what maps one to the other."""

    def __init__(self, markets: int = 3, capacity: state.Capacity = state.SMALL) -> None:
        self.venue = Venue(capacity)
        self.now = START
        self.nonces = self.deposits = self.operations = 0
        self.chain = Chain(self.now)
        self.written: dict[int, int] = {}
        self.steps = 0
        self.engine(kind=command.TICK, signer=command.SEQUENCER, time=self.now)
        self.parameter(-1, parameter.OUTAGE_MS, parameter.DAY_MS)  # a chain's clock has no gaps
        for market in range(markets):
            self.list_market(market)

    @property
    def columns(self) -> Any:
        return self.venue.columns

    # -- the engine

    def do(self, **fields: int) -> Applied:
        if fields["signer"] > command.SEQUENCER and "nonce" not in fields:
            self.nonces += 1
            fields["nonce"] = self.now + self.nonces
        self.operations += 1
        return self.venue.apply(rows_of([fields]))

    def engine(self, **fields: int) -> Applied:
        """A step of the engine that must be accepted."""
        done = self.do(**fields)
        assert done.codes[0] == code.OK, f"{fields}: {done.codes[0]} {code.TEXT[int(done.codes[0])]}"
        return done

    def list_market(self, market: int) -> None:
        admin = command.ADMIN
        self.engine(kind=command.LIST_MARKET, signer=admin, market=market, other=0, price=PRICE_MAX)
        tiers = [(0, 40, RATE_ONE // 80), (50_000 * USD, 20, RATE_ONE // 40), (200_000 * USD, 10, RATE_ONE // 20)]
        for k, (lower, leverage, rate) in enumerate(tiers[: 1 + market]):
            fields = {"market": market, "other": k, "amount": lower, "size": leverage, "price": rate}
            self.engine(kind=command.SET_TIER, signer=admin, **fields)
        for number, value in (
            (parameter.OPEN_INTEREST_CAP, 2**40),
            (parameter.POSITION_CAP, SIZE_MAX),
            (parameter.ORACLE_QUORUM, 1),
            (parameter.ORACLE_AGE_MS, 3_600_000),
            (parameter.ORACLE_STEP, RATE_ONE),
        ):
            self.parameter(market, number, value)
        self.engine(kind=command.SET_SOURCE, signer=admin, market=market, other=0, size=1)
        self.chain.evm.send(self.chain.house, "list_market", market, sender=self.chain.modules["steward"])

    def open_market(self, market: int, price: int) -> None:
        self.price(market, price)
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            self.engine(kind=command.SET_STATUS, signer=command.ADMIN, market=market, flags=status)

    def parameter(self, market: int, number: int, value: int) -> None:
        fields = {"market": market, "other": number, "price": value}
        self.engine(kind=command.SET_PARAMETER, signer=command.ADMIN, **fields)

    # -- both

    def price(self, market: int, price: int) -> None:
        """The only source says a price; whatever index and freshness the engine makes of it is the chain's too."""
        fields = {"market": market, "other": 0, "price": price, "time": self.now}
        self.engine(kind=command.ORACLE, signer=command.ORACLES, **fields)
        self.sync_price(market)

    def sync_price(self, market: int) -> None:
        c = self.columns
        mark, index = int(c["market_price"][market]), int(c["market_oracle"][market])
        assert mark == index, "the profile's mark is its index"
        fields = {"price": index, "time": int(c["market_oracle_time"][market]), "fresh": int(c["market_fresh"][market])}
        self.put("hub", at.market_key(at.PRICE, market), *at.change(at.PRICE_WORD, **fields))
        self.put("funding", at.market_key(at.PRICE, market), *self.index_change(market))

    def index_change(self, market: int) -> tuple[int, int]:
        return at.change(at.PRICE_WORD, index=int(self.columns["market_index"][market]))

    def put(self, module: str, key: int, mask: int, fields: int) -> None:
        """`put`, when it changes what this module last wrote."""
        before = self.written.get(key, 0)
        after = before & ~mask | fields
        if after != before or key not in self.written:
            self.chain.put(module, key, mask, fields)
            self.written[key] = after

    def pass_time(self, ms: int) -> None:
        """Time goes on by whole seconds in both."""
        self.now += ms
        self.told = self.engine(kind=command.TICK, signer=command.SEQUENCER, time=self.now)
        self.chain.evm.set_time(self.now // 1000)
        for market in range(int(self.columns["cell"][state.MARKETS])):
            if self.columns["market_oracle"][market]:
                self.sync_price(market)

    def sync_policy(self) -> None:
        """Writes the engine's live policy into the words."""
        venue = len(self.columns["market_price"])
        p = self.columns["param"][venue]
        policy = at.pack(
            at.POLICY_WORD,
            exit_buffer=int(p[parameter.EXIT_BUFFER]),
            floor_share=int(p[parameter.WITHDRAWAL_FLOOR]),
            profit_weight=int(p[parameter.PROFIT_WEIGHT]),
            profit_cap=int(p[parameter.PROFIT_CAP]),
            backstop_ratio=int(p[parameter.BACKSTOP_RATIO]),
            partial_mode=int(p[parameter.PARTIAL_MODE]),
            partial_share=int(p[parameter.PARTIAL_SHARE]),
            gate_closed=int(p[parameter.GATE_CLOSED_MS]),
            adl_policy=int(p[parameter.ADL_POLICY]),
            socialise=int(p[parameter.SOCIALISE]),
            status=int(self.columns["cell"][state.VENUE_STATUS]),
            cooldown=int(p[parameter.PARTIAL_COOLDOWN_MS]),
            direct=1,
        )
        steps = at.pack(at.STEPS_WORD, floor=int(p[parameter.PARTIAL_FLOOR]), ceiling=int(p[parameter.PARTIAL_CEILING]))
        outflow = at.pack(
            at.OUTFLOW_WORD,
            hour_share=int(p[parameter.WITHDRAWAL_HOUR_SHARE]),
            hour_base=int(p[parameter.WITHDRAWAL_HOUR_BASE]),
            day_share=int(p[parameter.WITHDRAWAL_DAY_SHARE]),
            day_base=int(p[parameter.WITHDRAWAL_DAY_BASE]),
        )
        lending = at.pack(
            at.LENDING_WORD,
            base=int(p[parameter.BORROW_BASE]),
            kink=int(p[parameter.BORROW_KINK]),
            kink_rate=int(p[parameter.BORROW_KINK_RATE]),
            full_rate=int(p[parameter.BORROW_FULL_RATE]),
            most=int(p[parameter.BORROW_MOST]),
        )
        whole = 2**256 - 1
        self.put("steward", at.VENUE | at.LENDING, whole, lending)
        self.put("steward", at.VENUE | at.POLICY, whole, policy)
        self.put("steward", at.VENUE | at.STEPS, whole, steps)
        self.put("steward", at.VENUE | at.OUTFLOW, whole, outflow)
        for market in range(int(self.columns["cell"][state.MARKETS])):
            self.sync_market(market)

    def sync_market(self, market: int) -> None:
        c, whole = self.columns, 2**256 - 1
        p = [int(value) for value in c["param"][market]]
        count = int(c["tier_count"][2 * market + LIVE])
        tiers = [
            (
                int(c["tier_lower"][2 * market + LIVE, k]),
                int(c["base_leverage"][market, k]),
                int(c["tier_rate"][2 * market + LIVE, k]),
            )
            for k in range(count)
        ]
        words = at.tier_words(tiers)
        for k in range(1, count):
            self.put("steward", at.tier_key(market, k), whole, words[k])
        first = at.unpack(at.TIER_WORD, words[0])
        price = {
            "next_lower": first["next_lower"],
            "status": int(c["market_status"][market]),
            "breaker": p[parameter.BREAKER],
            "rate": first["rate"],
            "leverage": first["leverage"],
            "tiers": count,
        }
        self.put("steward", at.market_key(at.PRICE, market), *at.change(at.PRICE_WORD, **price))
        base = max(p[parameter.INITIAL_LIVE], -(-RATE_ONE // first["leverage"]))
        risk = {
            "oi_lower": p[parameter.OPEN_INTEREST_LOWER],
            "oi_upper": p[parameter.OPEN_INTEREST_UPPER],
            "base": base,
            "leverage_cap": p[parameter.LEVERAGE_CAP],
            "isolated_cap": p[parameter.ISOLATED_LEVERAGE_CAP],
            "age": p[parameter.ORACLE_AGE_MS],
        }
        self.put("steward", at.market_key(at.RISK, market), *at.change(at.RISK_WORD, **risk))
        caps = at.pack(
            at.CAPS_WORD,
            oi_cap=p[parameter.OPEN_INTEREST_CAP],
            position_cap=p[parameter.POSITION_CAP],
            price_max=int(c["market_price_max"][market]),
            band=p[parameter.PRICE_BAND],
            taker_fee=p[parameter.TAKER_FEE],
            maker_fee=p[parameter.MAKER_FEE],
            spread=p[parameter.AMM_SPREAD],
        )
        self.put("steward", at.market_key(at.CAPS, market), whole, caps)
        self.sync_pools(market, p)

    def sync_pools(self, market: int, p: list[int]) -> None:
        """The pool of a market and its forced closings; the time of its breaker."""
        whole = 2**256 - 1
        pool = at.pack(
            at.POOL_WORD,
            depth=p[parameter.AMM_DEPTH],
            cap=p[parameter.AMM_CAP],
            backstop_cap=p[parameter.BACKSTOP_CAP],
            claim_cap=p[parameter.CLAIM_CAP],
            lock_s=p[parameter.POOL_LOCK_MS] // 1000,
        )
        self.put("steward", at.market_key(at.POOL, market), whole, pool)
        forced = {
            "fee": p[parameter.LIQUIDATION_FEE],
            "gate": p[parameter.GATE],
            "dust": p[parameter.DUST_NOTIONAL],
            "capacity": p[parameter.LIQUIDATION_CAPACITY],
            "window": p[parameter.CAPACITY_WINDOW_MS],
        }
        self.put("steward", at.market_key(at.FORCED, market), *at.change(at.FORCED_WORD, **forced))
        breaker = int(self.columns["market_breaker_time"][market]) // 1000
        self.put("steward", at.market_key(at.FUND, market), *at.change(at.FUND_WORD, breaker_time=breaker))

    # -- names

    def bucket_id(self, bucket: int) -> int:
        """The chain's id of an engine bucket in use."""
        c = self.columns
        kind, market = int(c["bucket_kind"][bucket]), int(c["bucket_market"][bucket])
        if kind == state.CROSS:
            return self.account_id(bucket)
        if kind == state.ISOLATED:
            return at.isolated_of(self.account_id(int(c["bucket_owner"][bucket])), market)
        return at.pool_of(market, at.AMM if kind == state.AMM_POOL else at.BACKSTOP)

    def account_id(self, account: int) -> int:
        master = int(self.columns["account_master"][account])
        return at.account(owner_of(master), 0 if master == account else self.sub_number(master, account))

    def sub_number(self, master: int, account: int) -> int:
        """Sub-accounts are numbered as they were made; the engine lists them newest first."""
        found, sub = [], int(self.columns["account_sub"][master]) - 1
        while sub >= 0:
            found.append(sub)
            sub = int(self.columns["account_sub"][sub]) - 1
        return len(found) - found.index(account)

    # -- comparing

    def slots_of(self, bucket: int) -> list[int]:
        found, slot = [], int(self.columns["bucket_first"][bucket])
        while slot:
            found.append(slot)
            slot = int(self.columns["slot_sibling"][slot])
        return found

    def expected_bucket(self, bucket: int) -> dict[str, Any]:
        c = self.columns
        slots = self.slots_of(bucket)
        return {
            "raw": int(c["bucket_raw"][bucket]),
            "liquidating": int(c["bucket_liquidating"][bucket]),
            "positions": [
                {
                    "market": int(c["slot_market"][s]),
                    "size": int(c["slot_size"][s]),
                    "entry": int(c["slot_entry"][s]),
                    "index": int(c["slot_index"][s]),
                    "leverage": int(c["slot_leverage"][s]),
                    "claimed": int(c["slot_claimed"][s]),
                    "advanced": int(c["slot_advanced"][s]),
                }
                for s in slots
            ],
        }

    def found_bucket(self, bucket_id: int) -> dict[str, Any]:
        head = self.chain.words([at.BUCKET | bucket_id])[0]
        if head == 0:
            return {"raw": 0, "liquidating": 0, "positions": []}
        fields, markets = at.unpack(at.BUCKET_WORD, head), at.markets_of(head)
        keys = [at.position_key(bucket_id, m) for m in markets] + [at.advance_key(bucket_id, m) for m in markets]
        words = self.chain.words(keys) if keys else []
        positions = []
        for i, market in enumerate(markets):
            position = at.unpack(at.POSITION_WORD, words[i])
            positions.append({"market": market, **position, "advanced": words[len(markets) + i]})
        return {"raw": fields["raw"], "liquidating": fields["liquidating"], "positions": positions}

    def buckets(self) -> list[int]:
        return [int(b) for b in (self.columns["bucket_kind"] != state.UNUSED).nonzero()[0]]

    def used_buckets(self) -> list[int]:
        """Buckets that an account or pool really has: pools count once they hold something."""
        c, accounts = self.columns, int(self.columns["cell"][state.ACCOUNTS])
        return [
            b
            for b in self.buckets()
            if (c["bucket_kind"][b] == state.CROSS and b < accounts)
            or c["bucket_kind"][b] == state.ISOLATED
            or (c["bucket_kind"][b] > state.ISOLATED and (c["bucket_raw"][b] or c["bucket_first"][b]))
        ]

    def expected_market(self, market: int) -> dict[str, int]:
        c = self.columns
        return {
            "price": int(c["market_price"][market]),
            "index": int(c["market_index"][market]),
            "open": int(c["market_open"][market]),
            "insurance": int(c["market_insurance"][market]),
            "entries": int(c["market_entry_sum"][market]),
            "residue": int(c["market_funding_residue"][market]),
            "advanced": int(c["market_advanced"][market]),
            "short": int(c["market_short"][market]),
            "used": int(c["market_capacity_used"][market]),
        }

    def found_market(self, market: int) -> dict[str, int]:
        sorts = (at.PRICE, at.RISK, at.FUND, at.SHORT, at.FORCED)
        found: dict[str, int] = {}
        for sort, word in zip(sorts, self.chain.words([at.market_key(s, market) for s in sorts]), strict=True):
            found.update(at.unpack(at.MARKET_WORDS[sort], word))
        return {name: found[name] for name in self.expected_market(market)}

    def fees(self) -> int:
        markets = range(int(self.columns["cell"][state.MARKETS]))
        words = self.chain.words([at.market_key(at.FUND, m) for m in markets])
        return sum(at.unpack(at.FUND_WORD, word)["fees"] for word in words)

    def compare(self, buckets: list[int] | None = None) -> None:
        """Every integer of these buckets (all that are in use), of every market and of the venue."""
        for bucket in self.used_buckets() if buckets is None else buckets:
            expected, found = self.expected_bucket(bucket), self.found_bucket(self.bucket_id(bucket))
            assert found == expected, f"bucket {bucket}: chain {found}, engine {expected}"
        for market in range(int(self.columns["cell"][state.MARKETS])):
            expected_market, found_market = self.expected_market(market), self.found_market(market)
            assert found_market == expected_market, f"market {market}: {found_market}, engine {expected_market}"
        cell = self.columns["cell"]
        money = at.unpack(at.MONEY_WORD, self.chain.words([at.VENUE | at.MONEY])[0])
        assert self.fees() == cell[state.FEES]
        assert money["dust"] == cell[state.DUST]
        assert money["debt"] == -cell[state.BAD_DEBT]
