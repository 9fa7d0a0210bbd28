"""The venue and its chain: a pass every interval in a thread of its own, what it finds taken to the engine in the loop.

Money comes in by deposits of the vault, each credited exactly once (credits.py). Every trade goes out (trades.py), each
settled exactly once. A withdrawal goes out behind the trades before it, with its owner's signature (exits.py);
collateral comes in the same way, and goes out to its owner (collateral.py).
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np

from seawall.chain.client import ChainFault, Client, Refused
from seawall.chain.deploy import Deployment
from seawall.engine.rows import rows_of
from seawall.engine.withdrawals import ROW_MASK
from seawall.ledger.state import DEPOSIT_SERIAL, VENUE_STATUS
from seawall.terms import code, command
from seawall.units import BadInput
from seawall.venue.bridge import Bridge, CreditError
from seawall.venue.clock import Clock
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange.call import Call
from seawall.venue.exchange.words import RefusedError
from seawall.venue.onchain.collateral import SOLD, Errand, Errands, joined
from seawall.venue.onchain.credits import USD, Credits, Seen
from seawall.venue.onchain.exits import Exit, Exits, action_of
from seawall.venue.onchain.office import Account, Done, Gap, Office, Wanted
from seawall.venue.onchain.opening import HOME, open_chain, open_deployment
from seawall.venue.onchain.prices import marks_of, premiums_of, reported
from seawall.venue.onchain.terms import settings_of
from seawall.venue.onchain.trades import Trades
from seawall.venue.records import News
from seawall.venue.service import Service

TRADES_A_PASS: Final = 1_000
FIRST_PRICES_MS: Final = 60_000
WAIT_MS: Final = 250
ACCOUNTS_COMPARED: Final = 2_000  # of one comparison
T = TypeVar("T")
log = logging.getLogger(__name__)


class Standing(msgspec.Struct, kw_only=True):
    """How it stands, for whoever asks. Counts are since the deployment; `compared` is when, ms."""

    block: int = 0
    passes: int = 0
    faults: int = 0
    fault: str = ""  # of the last pass; empty: none
    unapproved: list[str] = []
    gaps: list[Gap] = []
    compared: int = 0
    rooted: int = 0  # when the last root was posted or came due with nothing to say, ms
    is_halted: bool = False  # the venue's status on the chain
    held: dict[str, int] = {}  # lots of collateral in the vault at the last comparison


class Link:
    """Made over an open service; `start` it once the venue's markets are listed, `stop` it before the bridge."""

    def __init__(self, service: Service, bridge: Bridge, clock: Clock) -> None:
        """BadInput when the chain does not answer."""
        self.service, self.bridge, self.clock = service, bridge, clock
        self.terms = service.config.chain
        self.w3 = open_chain(self.terms)
        self.standing = Standing()
        self.record: Deployment
        self.client: Client
        self.office: Office
        self.trades: Trades
        self.exits: Exits
        self.errands: Errands
        self.assets: dict[int, int] = {}  # the chain's number of the venue's
        self.credits: Credits
        self._thread = ThreadPoolExecutor(1, "seawall-chain")
        self._names: list[str] = []  # of the chain's markets, by number
        self._early: list[News] | None = []
        self._task: asyncio.Task[None] | None = None
        service.hearers.append(self._hear)
        service.witness = self.keep

    @property
    def is_ready(self) -> bool:
        """Whether passes have begun."""
        return self._early is None

    @property
    def failed(self) -> bool:
        """Whether it has ended though nobody stopped it."""
        return self._task is not None and self._task.done() and not self.service.desk.is_stopping

    @property
    def folder(self) -> Path:
        return self.service.folder / HOME

    async def do(self, act: Callable[[], T]) -> T:
        """Runs an act in the chain's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def start(self) -> None:
        """Deploys where nothing is deployed, catches up with the log, then passes begin. BadInput when it cannot."""
        self._names = [listing.coin for listing in self.service.universe.listings]
        prices = await self._first_prices()
        settings = settings_of(self.service, self.terms)
        self.client, self.record = await self.do(
            lambda: open_deployment(self.w3, self.terms, self.folder, lambda: settings, prices, log.debug)
        )
        depth, price_s = self.terms.depth, self.terms.price_seconds
        self.office = await self.do(lambda: Office(self.client, self.record, self.folder, depth, price_s))
        self._names = [market.name for market in self.record.settings.markets]
        coins = self.service.universe.by_coin
        markets = {coins[name].number: number for number, name in enumerate(self._names) if name in coins}
        self.trades = Trades(self.folder, self.office.settlement.state.final, markets)
        self.assets = joined(self.service, self.record)
        self.exits = Exits(self.folder)
        self.errands = Errands(self.folder)
        self.credits = Credits(self.folder, int(self.service.columns["cell"][DEPOSIT_SERIAL]))
        self.trades.add(await self.service.history.fills_since(self.trades.sequence), self.service.people)
        sold = await self.service.history.entries_since(self.errands.sequence, SOLD)
        self.errands.sell(sold, self.assets, self.trades, self.service.people)
        self._find_exits()
        early, self._early = self._early or [], None
        for news in early:
            self._hear(news)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="seawall-chain")

    async def _first_prices(self) -> dict[int, int]:
        """A price of every market. BadInput when one has none for a minute."""
        for _ in range(FIRST_PRICES_MS // WAIT_MS):
            if all(marks_of(self.service, self._names)):
                break
            await self.clock.sleep(WAIT_MS)
        marks = marks_of(self.service, self._names)
        missing = [name for name, price in zip(self._names, marks, strict=True) if not price]
        if missing:
            raise BadInput("chain", f"no price of {', '.join(missing)}: their markets cannot open there")
        return dict(enumerate(marks))

    async def stop(self) -> None:
        """Ends it after the pass that runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._thread.shutdown()
            self.trades.close()
            self.exits.close()
            self.errands.close()
            self.credits.close()

    def keep(self, call: Call) -> None:
        """Keeps the signature of a withdrawal, before the engine is asked for it. RefusedError when it is none."""
        if not self.is_ready:
            raise RefusedError("The chain is not ready yet.")
        try:
            self.exits.keep(action_of(call.action, call.signature, call.address))
        except BadInput as error:
            raise RefusedError(str(error)) from error

    # -- the log

    def _hear(self, news: News) -> None:
        if self._early is not None:
            self._early.append(news)
            return
        self.trades.add(news.fills, self.service.people)
        self.errands.sell(news.entries, self.assets, self.trades, self.service.people)
        for entry in news.entries:
            if entry.kind == "withdraw":
                self._add_exit(entry.reference & ROW_MASK)

    def _find_exits(self) -> None:
        """Withdrawals that were pending when the venue stopped."""
        pending = self.service.columns["withdrawal_id"]
        for row in np.flatnonzero(pending).tolist():
            self._add_exit(row)
        known = {int(identity) for identity in pending[pending != 0]}
        self.errands.forget(known)
        self.exits.forget(known)

    def _add_exit(self, row: int) -> None:
        """A withdrawal that is pending: only what this link is told of the vault ends one."""
        names = ("id", "account", "amount", "asset")
        identity, account, amount, asset = (self.service.columns[f"withdrawal_{name}"].item(row) for name in names)
        owner = "0x" + self.service.people.persons[account].address.hex()
        after = self.trades.number
        if asset == 0:
            payee = "0x" + self.service.mirror.payees[identity].hex()
            self.exits.add(Exit(identity=identity, owner=owner, payee=payee, amount=amount, after=after))
        else:
            number = self.assets[asset - 1]
            self.errands.add(Errand(number=identity, owner=owner, asset=number, lots=amount, after=after))

    # -- passes

    async def _run(self) -> None:
        while True:  # until stopped
            await self.clock.sleep(self.terms.interval_ms)
            try:
                await self.turn()
            except (ChainFault, Refused) as fault:
                self.standing.faults += 1
                self.standing.fault = str(fault)
                log.warning("chain: %s", fault)
            except BusyError:
                continue
            except StoppedError:
                return

    async def turn(self) -> None:
        """One pass, and what it has found taken to the engine."""
        await self.service.desk.settled()
        wanted = self._wanted()
        running = asyncio.ensure_future(self.do(lambda: self.office.run(wanted)))
        done = await asyncio.shield(running)
        self.standing.passes += 1
        self.standing.fault = "; ".join(done.faults)
        self.standing.block, self.standing.unapproved = done.block, done.unapproved
        if done.gaps is not None:
            if done.gaps and done.gaps != self.standing.gaps:
                log.error("chain: %d figures differ from the venue's, the first: %s", len(done.gaps), done.gaps[0])
            self.standing.gaps, self.standing.compared = done.gaps, self.clock.now()
            self.standing.held = done.held or {}
        self.trades.forget(self.office.settlement.state.final)
        if wanted.log is not None and done.gaps is not None:
            self.standing.rooted = self.clock.now()
        await self._take(done)
        self.standing.is_halted = done.is_halted
        if done.is_halted and self.service.columns["cell"].item(VENUE_STATUS) < command.HALTED:
            log.error("the venue is halted on the chain: it is halted here")
            guard = {"kind": command.GUARD, "signer": command.GUARDIAN, "market": -1, "flags": command.HALTED}
            await self.service.desk.submit(rows_of([guard]))

    def _wanted(self) -> Wanted:
        last = self.clock.now() - 1_000 * self.terms.compare_seconds
        compares = self.standing.compared <= last
        return Wanted(
            trades=self.trades.waiting[:TRADES_A_PASS],
            exits=[(one, self.exits.action(one)) for one in self.exits.open.values()],
            errands=[*self.errands.open.values()],
            credited=frozenset(self.credits.done | self.credits.refused.keys()),
            prices=reported(self.service, self._names, self.assets),
            premiums=premiums_of(self.service, self._names),
            accounts=self._accounts() if compares else None,
            log=self._log() if compares else None,
        )

    def _log(self) -> tuple[int, bytes] | None:
        """The engine's sequence and running hash when a root is due."""
        every = 1_000 * self.terms.root_seconds
        if every == 0 or self.clock.now() < self.standing.rooted + every:
            return None
        return self.service.desk.sequence, self.service.desk.venue.chain

    def _accounts(self) -> dict[str, Account]:
        """Cash, lots and collateral of every owner, as the engine has them now."""
        columns, people = self.service.columns, self.service.people
        used = np.flatnonzero(columns["slot_owner"] >= 0)
        lots: dict[int, dict[int, int]] = {}
        for slot in used.tolist():
            size, market = int(columns["slot_size"][slot]), int(columns["slot_market"][slot])
            if size and market in self.trades.markets:
                lots.setdefault(int(columns["slot_owner"][slot]), {})[self.trades.markets[market]] = size
        collateral: dict[int, dict[int, int]] = {}
        for row in np.flatnonzero(columns["holding_lots"]).tolist():
            asset = columns["holding_asset"].item(row)
            if asset in self.assets:
                mine = collateral.setdefault(columns["holding_bucket"].item(row), {})
                mine[self.assets[asset]] = columns["holding_lots"].item(row)
        found: dict[str, Account] = {}
        for person in people.persons[:ACCOUNTS_COMPARED]:
            if person.master == person.account:
                cash = int(columns["bucket_raw"][person.account])
                held = collateral.get(person.account, {})
                found["0x" + person.address.hex()] = Account(cash, lots.get(person.account, {}), held)
        return found

    async def _take(self, done: Done) -> None:
        for one in done.moved:
            self.exits.note(one)
        for seen in done.deposits:
            if not self.credits.is_done(seen):
                await self._credit(seen)
        await self._take_errands(done)
        if done.paid:
            await self.bridge.finish([one.identity for one in done.paid])
            for one in done.paid:
                self._ended(one)
        for one, why in done.lost:
            log.warning("withdrawal %d returns to its account: %s", one.identity, code.TEXT[why])
            await self.bridge.cancel([one.identity])
            self._ended(one)

    async def _take_errands(self, done: Done) -> None:
        paid = [one.number for one in done.errands if one.ended and not one.is_sale]
        if paid:
            await self.bridge.finish(paid)
        for one, why in done.unpaid:
            log.warning("payout %d returns to its account: %s", one.number, code.TEXT[why])
            await self.bridge.cancel([one.number])
            one.ended = True
        for one in done.errands:
            if one.refused:
                log.error("the chain refuses a sale of collateral of %s: %s", one.owner, code.TEXT[one.refused])
        for one in (*done.errands, *(one for one, _ in done.unpaid)):
            self.errands.note(one)

    def _ended(self, one: Exit) -> None:
        one.ended = True
        self.exits.note(one)

    async def _credit(self, seen: Seen) -> None:
        self.credits.begin(seen, int(self.service.columns["cell"][DEPOSIT_SERIAL]) + 1)
        refused = code.OK
        try:
            address = bytes.fromhex(seen.account[2:])
            if seen.asset == USD:
                await self.bridge.credit(address, seen.amount)
            else:
                venue = {number: asset for asset, number in self.assets.items()}
                await self.bridge.credit_asset(address, venue[seen.asset], {"size": seen.amount})
        except CreditError as error:
            refused = error.code
            log.error("deposit of %s is not credited: %s", seen.account, error)
        self.credits.end(seen, refused)


def link_of(service: Service, bridge: Bridge, clock: Clock) -> Link | None:
    """The link that the configuration asks for. BadInput for a chain beside a local bridge."""
    if not service.config.chain.target:
        return None
    if service.config.bridge.local:
        raise BadInput("bridge.local", "must be false where a chain keeps the accounts")
    if any(terms.kind == "pool" for terms in service.config.asset):
        raise BadInput("asset.kind", "positions of a pool are not followed where a chain keeps the accounts: no pool")
    return Link(service, bridge, clock)
