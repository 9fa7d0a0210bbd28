"""Money into the venue and out of it: the one place of the process that submits rows of the bridge's role.

The engine numbers deposits without gaps, so all of them go through one queue: what has come together is credited by one
job, and the next is made only when that one is answered. Without a chain (`bridge.local`) the money is play money and
this is all the bridge there is: it pays withdrawals after a short while by saying so.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from seawall.engine.rows import Rows, rows_of
from seawall.ledger.state import DEPOSIT_SERIAL
from seawall.terms import code, command
from seawall.terms.limits import AMOUNT_MAX
from seawall.venue.clock import Clock
from seawall.venue.desk import BusyError, Outcome, StoppedError
from seawall.venue.people import address_fields
from seawall.venue.records import News
from seawall.venue.service import Service

TOGETHER: Final = 256  # credits of one job
RETRY_MS: Final = 1_000  # after a job that the venue had no room for

log = logging.getLogger(__name__)


class CreditError(Exception):
    """The engine did not take a credit; `code` is why."""

    def __init__(self, code_: int) -> None:
        super().__init__(code.TEXT[code_])
        self.code = code_


Fields = dict[str, int] | Callable[[], dict[str, int]]


class Credit:
    """An amount for an address, or the fields of a row of collateral instead, and who waits for it.

    Fields that depend on the record are made when the row is: a function gives them.
    """

    __slots__ = ("address", "amount", "answer", "fields")

    def __init__(
        self, address: bytes, amount: int, answer: "asyncio.Future[int]", fields: Fields | None = None
    ) -> None:
        self.address = address
        self.amount = amount
        self.answer = answer
        self.fields = fields


class Bridge:
    """The queue of deposits, and the end of withdrawals."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service = service
        self.clock = clock
        self._queue: deque[Credit] = deque()
        self._crediting: asyncio.Task[None] | None = None
        self._pending: dict[int, int] = {}  # withdrawal id -> when the local bridge has paid it
        self._came = asyncio.Event()
        self._paying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to pay withdrawals, those that were pending before as well. Nothing when a chain does that."""
        if not self.service.config.bridge.local:
            return
        ids = self.service.columns["withdrawal_id"]
        for identity in ids[ids != 0].tolist():
            self._note(identity)
        self.service.hearers.append(self._hear)
        self._paying = asyncio.get_running_loop().create_task(self._pay(), name="seawall-bridge")

    async def stop(self) -> None:
        """Ends it. What is queued has been submitted already or fails as the venue stops."""
        tasks = [task for task in (self._paying, self._crediting) if task is not None]
        if self._paying is not None:
            self._paying.cancel()
            self.service.hearers.remove(self._hear)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._paying = None

    async def credit(self, address: bytes, amount: int) -> int:
        """Credits `amount` micro-USD to the owner of an address; the account, which is made when there is none.

        With amount 0 it makes the account only. Raises CreditError for an amount or an address that the engine does
        not take, BusyError and StoppedError as Desk.submit does.
        """
        if not 0 <= amount <= AMOUNT_MAX:
            raise CreditError(code.BAD_AMOUNT)
        return await self._wait_for(Credit(address, amount, asyncio.get_running_loop().create_future()))

    async def credit_asset(self, address: bytes, asset: int, fields: dict[str, int]) -> int:
        """Credits collateral other than USD: `fields` are those of DEPOSIT_ASSET, or with a range of ATTACH_RANGE.

        The account. A position gets the number of its message as its token. Raises as `credit` does.
        """
        kind = command.ATTACH_RANGE if "trigger" in fields else command.DEPOSIT_ASSET
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        return await self._wait_for(Credit(address, 1, answer, {"kind": kind, "other": asset, **fields}))

    async def report(self, address: bytes, fields: Fields) -> int:
        """Says what a pool has done with a position of the owner of an address: a row of UNWIND_ or RESHAPE_RANGE.

        Raises as `credit` does; BadInput when `fields` does.
        """
        return await self._wait_for(Credit(address, 1, asyncio.get_running_loop().create_future(), fields))

    async def _wait_for(self, credit: Credit) -> int:
        self._enqueue(credit)
        return await credit.answer

    def _enqueue(self, credit: Credit) -> None:
        self._queue.append(credit)
        if self._crediting is None or self._crediting.done():
            self._crediting = asyncio.get_running_loop().create_task(self._work(), name="seawall-credits")

    async def finish(self, withdrawals: Sequence[int]) -> list[int]:
        """Says that withdrawals have been paid; a code for each (UNKNOWN_WITHDRAWAL: it is not pending any more)."""
        return await self._end(command.FINISH_WITHDRAWAL, withdrawals)

    async def cancel(self, withdrawals: Sequence[int]) -> list[int]:
        """Says that withdrawals are proven never to be paid; a code for each."""
        return await self._end(command.CANCEL_WITHDRAWAL, withdrawals)

    async def _end(self, kind: int, withdrawals: Sequence[int]) -> list[int]:
        rows = [{"kind": kind, "signer": command.BRIDGE, "reference": identity} for identity in withdrawals]
        done = await self.service.submit(rows_of(rows))
        return [int(value) for value in done.codes]

    async def _work(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(TOGETHER, len(self._queue)))]
            try:
                self._queue.extendleft(reversed(await self._credit_all(batch)))
            except Exception as error:  # whatever it is, those who wait are told
                for credit in batch:
                    if not credit.answer.done():
                        credit.answer.set_exception(error)

    async def _credit_all(self, batch: list[Credit]) -> list[Credit]:
        """One job for a batch: accounts first, then their deposits. Those that have to come again."""
        people = self.service.people
        accounts = {credit.address: people.account_of(credit.address) for credit in batch}
        new = [address for address, account in accounts.items() if account < 0]
        if not new:
            rows = self._deposits(batch, accounts)
            codes = (await self.service.submit(rows)).codes.tolist() if len(rows) else []
            return self._answer(batch, accounts, {}, codes)

        def then(done: Outcome) -> Rows | None:
            for address, made, result in zip(new, done.made.tolist(), done.codes.tolist(), strict=True):
                accounts[address] = made if result == code.OK else -1
            return self._deposits(batch, accounts)

        creates = [
            {"kind": command.CREATE_ACCOUNT, "signer": command.BRIDGE, **address_fields(address)} for address in new
        ]
        codes = (await self.service.submit(rows_of(creates), then)).codes.tolist()
        return self._answer(batch, accounts, dict(zip(new, codes, strict=False)), codes[len(new) :])

    def _deposits(self, batch: list[Credit], accounts: dict[bytes, int]) -> Rows:
        """A row for each credit whose account exists. Their references go on from the last deposit of the log."""
        serial = int(self.service.columns["cell"][DEPOSIT_SERIAL])
        chosen = _with_money(batch, accounts)
        return rows_of(
            [
                {
                    **_fields_of(credit, serial + place, accounts[credit.address]),
                    "signer": command.BRIDGE,
                    "reference": serial + place,
                }
                for place, credit in enumerate(chosen, 1)
            ]
        )

    def _answer(
        self, batch: list[Credit], accounts: dict[bytes, int], created: dict[bytes, int], codes: list[int]
    ) -> list[Credit]:
        """Tells everybody but those to come again: after a refused deposit, or whose account somebody else has made."""
        results = dict(zip(_with_money(batch, accounts), codes, strict=True))
        again = []
        for credit in batch:
            result = results.get(credit, code.OK)
            if accounts[credit.address] < 0:
                result = created[credit.address]
            if result in (code.OUT_OF_SEQUENCE, code.ACCOUNT_EXISTS):
                again.append(credit)
            elif credit.answer.done():
                continue  # who asked has gone
            elif result == code.OK:
                credit.answer.set_result(accounts[credit.address])
            else:
                credit.answer.set_exception(CreditError(result))
        return again

    def _hear(self, news: News) -> None:
        for entry in news.entries:
            if entry.kind == "withdraw":
                self._note(entry.reference)

    def _note(self, identity: int) -> None:
        self._pending[identity] = self.clock.now() + 1_000 * self.service.config.bridge.finish_seconds
        self._came.set()

    async def _pay(self) -> None:
        """Ends withdrawals as they fall due. One that is not pending any more was ended by somebody else."""
        while True:  # until stopped
            if not self._pending:
                self._came.clear()
                await self._came.wait()
            await self.clock.sleep(min(self._pending.values()) - self.clock.now())
            due = [identity for identity, time in self._pending.items() if time <= self.clock.now()]
            if not due:
                continue
            try:
                codes = await self.finish(due[:TOGETHER])
            except BusyError:
                await self.clock.sleep(RETRY_MS)
                continue
            except StoppedError:
                return
            for identity, result in zip(due, codes, strict=False):
                del self._pending[identity]
                if result not in (code.OK, code.UNKNOWN_WITHDRAWAL):
                    log.error("withdrawal %d: %s", identity, code.TEXT[result])


def _fields_of(credit: Credit, message: int, account: int) -> dict[str, int]:
    if credit.fields is None:
        return {"kind": command.DEPOSIT, "account": account, "amount": credit.amount}
    fields = credit.fields() if callable(credit.fields) else credit.fields
    if fields["kind"] == command.UNWIND_RANGE:  # the engine knows whose it is
        return fields
    if fields["kind"] == command.ATTACH_RANGE:
        return {**fields, "account": account, "client_low": message}
    return {**fields, "account": account}


def _with_money(batch: list[Credit], accounts: dict[bytes, int]) -> list[Credit]:
    return [credit for credit in batch if credit.amount != 0 and accounts[credit.address] >= 0]
