"""The keeper: brings prices, funding, ramps and interest up to date, and liquidates who is due. Anybody may run one.

A pass is idempotent: what another keeper has done first is refused by the contracts with a code, and passed over. The
keeper's key has no right but its own account's.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client, Refused
from seawall.chain.deploy import Deployment
from seawall.chain.events import read
from seawall.terms import code
from seawall.units import USD_ONE

UNITS_A_BUCKET: Final = 16  # of liquidation work in one pass
CHARGE_FROM: Final = 10 * USD_ONE  # of interest: what is less is worth no transaction
WAITS: Final = {
    1: "the market's capacity for forced orders is used up",
    2: "the pool is too far from the index",
    3: "the last step is too recent",
    4: "no position has a fresh price",
    5: "no market of a position is open",
    6: "nobody takes at the bankruptcy price",
}
PASSED_OVER: Final = (code.NOT_DUE, code.STALE_PRICE, code.MARKET_CLOSED, code.NOT_AUTHORISED, code.UNKNOWN_SOURCE)


class Pass(msgspec.Struct, kw_only=True):
    """What one pass has done. `waiting` says why a bucket could not be worked on."""

    updated: int = 0
    sampled: int = 0
    advanced: int = 0
    charged: list[str] = []
    liquidated: list[str] = []
    unwound: list[int] = []
    waiting: dict[str, str] = {}
    shared: list[int] = []
    faults: list[str] = []


class Keeper:
    """One keeper on one deployment."""

    def __init__(self, client: Client, record: Deployment, tell: Callable[[str], None] = lambda _: None) -> None:
        self.client, self.record, self.tell = client, record, tell
        self.next_block = record.block
        self.buckets: set[int] = set()

    def contract(self, name: str) -> Any:
        return self.client.at(name, self.record.addresses[name])

    def run_once(self) -> Pass:
        """One pass. A step that the chain refuses does not end it."""
        done = Pass()
        markets = list(range(len(self.record.settings.markets)))
        done.updated = self._try(done, "OracleHub", "update", markets + self.record.asset_feeds())
        for asset in range(len(self.record.settings.assets)):
            self._try(done, "CollateralVault", "move_stable", asset)
        for market in markets:
            done.sampled += self._try(done, "FundingClock", "sample", market, 0)
            done.advanced += self._try(done, "RiskSteward", "advance", market)
        self._learn()
        for bucket in sorted(self.buckets):
            self._liquidate(done, bucket)
        for market in markets:
            self._share(done, market)
        return done

    def _try(self, done: Pass, contract: str, function: str, *args: Any) -> int:
        try:
            self.client.send(self.contract(contract), function, *args)
        except Refused as refused:
            if refused.code not in PASSED_OVER:
                done.faults.append(str(refused))
            return 0
        except ChainFault as fault:
            done.faults.append(str(fault))
            return 0
        return 1

    def _learn(self) -> None:
        """Buckets that events have named since the last pass."""
        last = int(self.client.ask(lambda: self.client.w3.eth.block_number))
        where = {"ClearingHouse": self.record.addresses["ClearingHouse"]}
        for one in self.client.ask(lambda: list(read(self.client.w3, where, self.next_block, last))):
            for name in ("account", "bucket", "taker", "maker", "giver"):
                if one.values.get(name):
                    self.buckets.add(int(one.values[name]))
        self.next_block = last + 1

    def _health(self, bucket: int) -> tuple[int, int]:
        house = self.contract("ClearingHouse")
        equity, _, maintenance, *_ = self.client.call(house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)
        return int(equity), int(maintenance)

    def _word(self, key: int) -> int:
        return int(self.client.call(self.contract("ClearingHouse"), "word_of", key))

    def _liquidate(self, done: Pass, bucket: int) -> None:
        head = self._word(at.BUCKET | bucket)
        if head == 0:
            return
        fields = at.unpack(at.BUCKET_WORD, head)
        equity, maintenance = self._health(bucket)
        if fields["assets"] or fields["lp"]:
            equity -= self._charge(done, bucket, equity - maintenance)
        if equity >= maintenance and not fields["liquidating"]:
            return
        if fields["portfolio"]:
            self._try(done, "AccountDesk", "end_portfolio", bucket)
        if fields["lp"]:
            self._unwind(done, bucket)
        for _ in range(UNITS_A_BUCKET):
            try:
                why = self._unit(bucket)
            except Refused as refused:
                if refused.code not in (code.NOT_DUE, code.UNKNOWN_ACCOUNT):
                    done.faults.append(f"{bucket:#x}: {refused}")
                return
            except ChainFault as fault:
                done.faults.append(f"{bucket:#x}: {fault}")
                return
            if why != 0:
                done.waiting[hex(bucket)] = WAITS.get(why, str(why))
                return
            done.liquidated.append(hex(bucket))
            self.tell(f"liquidated {bucket:#x}")

    def _charge(self, done: Pass, bucket: int, spare: int) -> int:
        """Interest that is worth it, or without which the bucket would be due already; what it has paid."""
        due = int(self.client.call(self.contract("Lending"), "interest_of", bucket))
        if due < CHARGE_FROM and not due > spare >= 0:
            return 0
        if not self._try(done, "Lending", "charge", bucket):
            return 0
        done.charged.append(hex(bucket))
        return due

    def _unwind(self, done: Pass, bucket: int) -> None:
        """Takes LP positions apart, one after the other while the account is due: fees, then liquidity."""
        for place in self.client.call(self.contract("LPCollateral"), "places_of", bucket):
            id_ = at.unpack(at.PLACE_WORD, int(place))["id"]
            if self._try(done, "LPCollateral", "unwind", id_):
                done.unwound.append(id_)

    def _unit(self, bucket: int) -> int:
        """One unit of work; with the lists of both sides when the contracts ask for them."""
        contract = self.contract("Liquidation")
        try:
            why = int(self.client.call(contract, "liquidate", bucket))
            self.client.send(contract, "liquidate", bucket)
        except Refused as refused:
            if refused.code != code.BAD_FIELD:
                raise
            others, same = self._sides(bucket)
            why = int(self.client.call(contract, "liquidate_with", bucket, others, same))
            self.client.send(contract, "liquidate_with", bucket, others, same)
        return why

    def _sides(self, bucket: int) -> tuple[list[int], list[int]]:
        """(the other side of the market, best rank first; the bucket's own side) of its largest position."""
        head = self._word(at.BUCKET | bucket)
        best: tuple[int, int, int] = (-1, 0, 0)
        for market in at.markets_of(head):
            price = at.unpack(at.PRICE_WORD, self._word(at.market_key(at.PRICE, market)))
            size = at.unpack(at.POSITION_WORD, self._word(at.position_key(bucket, market)))["size"]
            notional = abs(size) * price["price"]
            tier = at.unpack(
                at.TIER_WORD, self.client.call(self.contract("ClearingHouse"), "tier_at", market, notional)
            )
            own = notional * tier["rate"] - tier["deduction"]
            if own > best[0]:
                best = (own, market, size)
        _, market, size = best
        sides: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for one, held in self._holders(market):
            score = int(self.client.call(self.contract("Deleveraging"), "score_of", one, market))
            sides[(held > 0) == (size > 0)].append((-score, one))
        return [one for _, one in sorted(sides[False])], [one for _, one in sorted(sides[True])]

    def _holders(self, market: int) -> list[tuple[int, int]]:
        """(bucket, size) of everybody with a position in the market."""
        found = []
        for bucket in sorted(self.buckets):
            word = self._word(at.position_key(bucket, market))
            if word:
                found.append((bucket, at.unpack(at.POSITION_WORD, word)["size"]))
        return found

    def _share(self, done: Pass, market: int) -> None:
        short = at.unpack(at.SHORT_WORD, self._word(at.market_key(at.SHORT, market)))["short"]
        if short and self._try(done, "Deleveraging", "share_out", market, [b for b, _ in self._holders(market)]):
            done.shared.append(market)
