"""The venue's side of the chain, for one thread: deposits seen, trades settled, withdrawals brought and paid, prices.

A pass does what is due and says what it found; it holds nothing that the next one needs but what is on the chain and in
the settlement's file. A fault of the chain ends a pass, and the next one goes on where it stopped.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain import orders
from seawall.chain.client import ChainFault, Client, Refused
from seawall.chain.deploy import Deployment
from seawall.chain.events import logs_of, read
from seawall.chain.reporter import Reporter
from seawall.chain.settlement import FILLS_A_BATCH, Fill, Settlement
from seawall.terms import code
from seawall.venue.onchain.collateral import Custody, Errand, unlike
from seawall.venue.onchain.credits import USD, Seen
from seawall.venue.onchain.exits import Action, Exit
from seawall.venue.onchain.poster import Poster, Reading
from seawall.venue.onchain.trades import Side, Trade

STATE: Final = "settlement.json"
NEVER: Final = 2**40  # s: orders of settled trades do not expire
APPROVED_S: Final = 30 * 86_400  # that an approval of the venue's key must hold on when money is credited
BATCHES: Final = 4  # of one pass
KEYS: Final = 120  # words asked for at once
AGAIN: Final = (code.WITHDRAWAL_LIMIT, code.WITHDRAWALS_CLOSED, code.STALE_PRICE)  # a withdrawal waits for those
DEPOSITS: Final = ("Deposited", "CollateralIn")


class Account(msgspec.Struct, frozen=True):
    """What the venue has of an owner: raw_usd, lots by market and of collateral by asset, by numbers of the chain."""

    cash: int
    lots: Mapping[int, int]
    collateral: Mapping[int, int]


class Wanted(msgspec.Struct, kw_only=True):
    """What the venue asks of a pass. Markets are the chain's, prices by feed in micro-USD per lot."""

    trades: Sequence[Trade]
    exits: Sequence[tuple[Exit, Action | None]]
    errands: Sequence[Errand] = ()
    credited: frozenset[tuple[int, int]]
    prices: Mapping[int, int]
    premiums: Mapping[int, int]
    accounts: Mapping[str, Account] | None  # to be compared, as they are after all these trades; None: not now
    log: tuple[int, bytes] | None = None  # the engine's sequence and running hash then, when a root is due


class Gap(msgspec.Struct, frozen=True):
    """Where venue and chain do not agree. `what` is cash, the name of a market, or collateral and its name."""

    address: str
    what: str
    venue: int
    chain: int


class Done(msgspec.Struct, kw_only=True):
    """What a pass has found. `moved` are withdrawals with a new state, `lost` those that will never be paid.

    `faults` are of single transactions that the next pass tries again.
    """

    block: int = 0
    deposits: list[Seen] = []
    unapproved: list[str] = []
    moved: list[Exit] = []
    paid: list[Exit] = []
    lost: list[tuple[Exit, int]] = []
    errands: list[Errand] = []  # with a new state
    unpaid: list[tuple[Errand, int]] = []  # payouts that will never be made, and why
    held: dict[str, int] | None = None  # lots of collateral in the vault; None: not compared
    faults: list[str] = []
    gaps: list[Gap] | None = None  # None: not compared
    is_halted: bool = False  # the venue's status on the chain


class Office:
    """One deployment, with the operator's key, which is also the agent that owners let sign their orders."""

    def __init__(self, client: Client, record: Deployment, folder: Path, depth: int, price_s: int) -> None:
        assert client.account is not None
        self.client, self.record, self.depth, self.price_s = client, record, depth, price_s
        self.key = bytes(client.account.key)
        self.reporter = Reporter(client, record, {client.address: self.key})
        self.domain = bytes(client.call(self.contract("Exchange"), "domain_separator"))
        self.settlement = Settlement(client, record, folder / STATE, self._fills_after, depth, fills_of=self._fills_of)
        self.poster = Poster(client, record)
        self.custody = Custody(client, record, depth)
        self._trades: Sequence[Trade] = ()
        self._errands: Sequence[Errand] = ()
        self._deposits: list[Seen] = []
        self._next_block = record.block
        self._reported = 0.0
        self._approved: set[str] = set()

    def contract(self, name: str) -> Any:
        return self.client.at(name, self.record.addresses[name])

    def run(self, wanted: Wanted) -> Done:
        """One pass. ChainFault when the chain does not answer."""
        done = Done(is_halted=self.poster.is_halted(), block=self._head())
        if done.is_halted:  # nothing is taken there
            return done
        self._trades, self._errands = wanted.trades, wanted.errands
        behind = bool(wanted.trades) and wanted.trades[-1].number > self.settlement.state.last
        leaves = bool(wanted.exits or wanted.errands)
        if wanted.prices and (behind or leaves or time.monotonic() >= self._reported + self.price_s):
            self.reporter.report_lots(wanted.prices)
            self._reported = time.monotonic()
            self._sample(wanted.premiums)
        tried: set[int] = set()
        for _ in range(BATCHES):
            sent = self.settlement.run_once()
            if not self._run_errands(tried, done) and sent == 0:
                break
        for one, action in wanted.exits:
            self._look_after(one, action, done)
        self._see_deposits(wanted.credited, done)
        is_quiet = not wanted.trades or wanted.trades[-1].number <= self.settlement.state.last
        is_quiet = is_quiet and not any(one.is_sale and one.waits for one in wanted.errands)
        if wanted.accounts is not None and is_quiet:
            reading = self.poster.read(done.block)
            done.gaps = self._compare(wanted, done, reading)
            if wanted.log is not None and not done.gaps:
                self.poster.post(reading, *wanted.log)
        return done

    # -- trades

    def _fills_after(self, number: int) -> list[Fill]:
        """Those that may go: not what comes after a sale that waits."""
        last = min((one.after for one in self._errands if one.is_sale and one.waits), default=self._last())
        found = [trade for trade in self._trades if number < trade.number <= last][:FILLS_A_BATCH]
        return [self._fill(trade) for trade in found]

    def _last(self) -> int:
        return self._trades[-1].number if self._trades else 0

    def _fill(self, trade: Trade) -> Fill:
        taker, maker = self._signed(trade, trade.taker, trade.buys), self._signed(trade, trade.maker, not trade.buys)
        return Fill(number=trade.number, taker=taker, maker=maker, lots=trade.lots, price=trade.price)

    def _fills_of(self, order: orders.SignedOrder) -> list[Fill]:
        """Each order is of one fill."""
        same = (order.order.owner, order.order.nonce)
        return [self._fill(one) for one in self._trades if (one.taker.owner, one.taker.nonce) == same]

    def _signed(self, trade: Trade, side: Side, buys: bool) -> orders.SignedOrder:
        order = orders.Order(
            owner=side.owner,
            market=trade.market,
            buys=buys,
            lots=trade.lots,
            price=trade.price,
            nonce=side.nonce,
            expires=NEVER,
            reduces=side.reduces,
        )
        return orders.SignedOrder(order=order, signature=orders.sign(self.key, orders.digest(self.domain, order)))

    def _sample(self, premiums: Mapping[int, int]) -> None:
        for market, premium in premiums.items():
            try:
                self.client.send(self.contract("FundingClock"), "sample", market, premium)
            except Refused as refused:
                if refused.code not in (code.NOT_DUE, code.STALE_PRICE, code.MARKET_CLOSED):
                    raise

    # -- withdrawals

    def _look_after(self, one: Exit, action: Action | None, done: Done) -> None:
        """Brings a withdrawal once the trades before it are settled; pays one that is due."""
        if one.number == 0:
            if one.after > self.settlement.state.last:
                return
            if action is None:
                done.lost.append((one, code.NOT_AUTHORISED))
                return
            self._bring(one, action, done)
        if one.number and self._now() >= one.ready:
            try:
                self.client.send(self.contract("CollateralVault"), "claim", one.number)
            except Refused as refused:
                if refused.code == code.UNKNOWN_WITHDRAWAL:
                    self._judge_unknown(one, done)
                return
            done.paid.append(one)

    def _bring(self, one: Exit, action: Action, done: Done) -> None:
        from eth_utils.address import to_checksum_address

        vault = self.contract("CollateralVault")
        owner, *rest = action.words
        try:
            receipt = self.client.send(vault, "withdraw_by_action", to_checksum_address(owner), *rest)
        except Refused as refused:
            if refused.code == code.NONCE_USED and self._find(one):
                done.moved.append(one)
            elif refused.code not in AGAIN:
                done.lost.append((one, refused.code))
            return
        told = logs_of(vault, "WithdrawalMade", receipt)[0]
        one.number, one.ready = int(told["number"]), int(told["ready"])
        done.moved.append(one)

    def _find(self, one: Exit) -> bool:
        """The number of a withdrawal that the vault took before a crash: its newest of this account and amount."""
        where = {"CollateralVault": self.record.addresses["CollateralVault"]}
        account = at.account(one.owner)
        for told in reversed(list(read(self.client.w3, where, self.record.block, self._head()))):
            values = told.values
            if told.name == "WithdrawalMade" and values["account"] == account and values["amount"] == one.amount:
                one.number, one.ready = int(values["number"]), int(values["ready"])
                return True
        return False

    def _judge_unknown(self, one: Exit, done: Done) -> None:
        """A withdrawal that the vault does not hold: paid by somebody else's claim, or sent back in a dispute."""
        where = {"CollateralVault": self.record.addresses["CollateralVault"]}
        for told in read(self.client.w3, where, self.record.block, self._head()):
            if told.values.get("number") == one.number and told.name == "WithdrawalPaid":
                done.paid.append(one)
            elif told.values.get("number") == one.number and told.name == "WithdrawalCancelled":
                done.lost.append((one, code.UNKNOWN_WITHDRAWAL))

    # -- collateral

    def _run_errands(self, tried: set[int], done: Done) -> bool:
        """Does what is due, each once in a pass, in the order of the log; whether any has a new state."""
        moved = False
        for one in sorted(self._errands, key=lambda one: (one.after, one.number)):
            if one.number in tried or one.after > self.settlement.state.last:
                continue
            tried.add(one.number)
            moved = self._run(one, done) or moved
        return moved

    def _run(self, one: Errand, done: Done) -> bool:
        """One errand; whether it has a new state. A fault of one token holds up nothing else."""
        before = one.block, one.ended
        try:
            refusal = self.custody.look_after(one, self._head())
        except ChainFault as fault:
            done.faults.append(f"errand {one.number}: {fault}")
            return False
        if refusal != code.OK and not one.is_sale:
            done.unpaid.append((one, refusal))
        elif refusal != code.OK:
            one.refused, one.ended = refusal, True
        if (one.block, one.ended) == before:
            return False
        done.errands.append(one)
        return True

    # -- deposits

    def _see_deposits(self, credited: frozenset[tuple[int, int]], done: Done) -> None:
        """Deposits that are deep enough, of owners whose orders the venue may settle, in the order of the chain."""
        done.block = self._head()
        where = {"CollateralVault": self.record.addresses["CollateralVault"]}
        for told in self.client.ask(lambda: list(read(self.client.w3, where, self._next_block, done.block))):
            if told.name in DEPOSITS and told.values["account"] <= at.account("0x" + "ff" * 20):
                owner, asset = f"0x{told.values['account']:040x}", told.values.get("asset", USD)
                amount = told.values["amount" if asset == USD else "lots"]
                self._deposits.append(Seen(place=(told.block, told.place), account=owner, amount=amount, asset=asset))
            elif told.name == "WithdrawalMade":
                self._dispute_own(told.values)
        self._next_block = done.block + 1
        self._deposits = [seen for seen in self._deposits if seen.place not in credited]
        for seen in self._deposits:
            if seen.place[0] + self.depth > done.block:
                continue
            if self._is_approved(seen.account):
                done.deposits.append(seen)
            elif seen.account not in done.unapproved:
                done.unapproved.append(seen.account)

    def _is_approved(self, owner: str) -> bool:
        from eth_utils.address import to_checksum_address

        if owner not in self._approved:
            until = self.client.call(
                self.contract("Exchange"), "agents", to_checksum_address(owner), self.client.address
            )
            if int(until) > self._now() + APPROVED_S:
                self._approved.add(owner)
        return owner in self._approved

    def _dispute_own(self, values: Mapping[str, Any]) -> None:
        """While the venue lives, its accounts withdraw through it: what an owner takes past it goes back."""
        if values["ready"] < self._now() + self.record.settings.dispute_s + self.price_s:
            return  # brought by the venue itself
        if self.client.address == self.record.settings.guardian:
            try:
                self.client.send(self.contract("CollateralVault"), "dispute", values["number"])
            except Refused as refused:  # paid or sent back already
                if refused.code != code.UNKNOWN_WITHDRAWAL:
                    raise

    # -- comparing

    def _compare(self, wanted: Wanted, done: Done, reading: Reading) -> list[Gap]:
        """Cash, lots and collateral of every account on both sides; what is on its way in and out is counted in."""
        assert wanted.accounts is not None
        way = self._on_their_way(wanted, done)
        names = [market.name for market in self.record.settings.markets]
        gaps = []
        addresses = sorted(wanted.accounts)
        for first in range(0, len(addresses), KEYS):
            part = addresses[first : first + KEYS]
            heads = reading.words([at.BUCKET | at.account(address) for address in part])
            for address, head in zip(part, heads, strict=True):
                mine, coming, account = wanted.accounts[address], way.get(address, {}), at.account(address)
                raw, cash = at.unpack(at.BUCKET_WORD, head)["raw"] if head else 0, mine.cash + coming.get(USD, 0)
                if raw != cash:
                    gaps.append(Gap(address, "cash", cash, raw))
                lots = reading.lots(account, head)
                for market in unlike(mine.lots, lots):
                    gaps.append(Gap(address, names[market], mine.lots.get(market, 0), lots.get(market, 0)))
                assets = {key for key in coming if key != USD} | mine.collateral.keys()
                held = self.custody.held(account, head, reading.block)
                due = {asset: mine.collateral.get(asset, 0) + coming.get(asset, 0) for asset in assets}
                for asset in unlike(due, held):
                    gaps.append(Gap(address, self.custody.name(asset), due.get(asset, 0), held.get(asset, 0)))
        done.held = self.custody.totals(reading.block)
        return gaps

    def _on_their_way(self, wanted: Wanted, done: Done) -> dict[str, dict[int, int]]:
        """By owner and asset (USD: cash): what the chain has and the venue has not credited yet, or has frozen."""
        way: dict[str, dict[int, int]] = {}

        def add(owner: str, asset: int, amount: int) -> None:
            mine = way.setdefault(owner, {})
            mine[asset] = mine.get(asset, 0) + amount

        for seen in self._deposits:
            add(seen.account, seen.asset, seen.amount)
        brought = {one.identity for one in done.moved}
        for one, _ in wanted.exits:
            if one.number == 0 and one.identity not in brought:
                add(one.owner, USD, one.amount)
        for errand in wanted.errands:
            if errand.waits and not errand.is_sale:
                add(errand.owner, errand.asset, errand.lots)
        return way

    def _head(self) -> int:
        return int(self.client.ask(lambda: self.client.w3.eth.block_number))

    def _now(self) -> int:
        return self.reporter.now_ms() // 1000
