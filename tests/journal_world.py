"""Journals for tests: batches of a small venue, applied and written to a disk in memory, each state on the way kept."""

import random

from seawall.engine.rows import Rows, rows_of
from seawall.engine.venue import Venue
from seawall.journal.disk import Disk
from seawall.journal.memory import MemoryDisk
from seawall.journal.record import PAGE
from seawall.journal.snapshot import write_snapshot
from seawall.journal.writer import Writer
from seawall.ledger import state
from seawall.ledger.state import Capacity
from seawall.terms import command, parameter
from seawall.units import RATE_ONE

START = 1_760_000_400_000
USD = 1_000_000
SEGMENT = 4 * PAGE
Fields = dict[str, int]


def opening(accounts: int = 4) -> list[Fields]:
    """Commands that open one market and fund some accounts."""
    admin = {"signer": command.ADMIN, "market": 0}
    rows: list[Fields] = [
        {"kind": command.TICK, "signer": command.SEQUENCER, "time": START},
        {"kind": command.LIST_MARKET, **admin, "price": 2**33},
        {"kind": command.SET_TIER, **admin, "size": 20, "price": RATE_ONE // 40},
        {"kind": command.SET_SOURCE, **admin, "size": 1},
    ]
    for which, value in (
        (parameter.OPEN_INTEREST_CAP, 2**40),
        (parameter.POSITION_CAP, 2**20),
        (parameter.ORACLE_QUORUM, 1),
    ):
        rows.append({"kind": command.SET_PARAMETER, **admin, "other": which, "price": value})
    rows.append({"kind": command.ORACLE, "signer": command.ORACLES, "price": 100 * USD, "time": START})
    for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
        rows.append({"kind": command.SET_STATUS, **admin, "flags": status})
    for number in range(accounts):
        rows.append(
            {"kind": command.CREATE_ACCOUNT, "signer": command.SEQUENCER, "address_0": 1, "address_2": number + 1}
        )
        rows.append(
            {
                "kind": command.DEPOSIT,
                "signer": command.BRIDGE,
                "account": number,
                "amount": 10**5 * USD,
                "reference": number + 1,
            }
        )
    return rows


def traffic(dice: random.Random, count: int, now: int, accounts: int = 4) -> list[Fields]:
    """Orders, prices and clock ticks; some rows are refused, one kind does not exist."""
    rows: list[Fields] = []
    for at in range(count):
        account = dice.randrange(accounts)
        draw = dice.random()
        if draw < 0.1:
            rows.append({"kind": command.TICK, "signer": command.SEQUENCER, "time": now + at})
        elif draw < 0.2:
            price = 100 * USD + dice.randint(-100, 100) * 10_000
            rows.append({"kind": command.ORACLE, "signer": command.ORACLES, "price": price, "time": now})
        elif draw < 0.25:
            rows.append({"kind": 99, "extra": -(2**63), "client_low": 2**63 - 1})
        else:
            rows.append(
                {
                    "kind": command.PLACE,
                    "signer": account,
                    "account": account,
                    "nonce": now + at,
                    "flags": dice.choice([0, command.SELL]),
                    "price": 100 * USD + dice.randint(-20, 20) * 10_000,
                    "size": dice.randint(1, 9),
                }
            )
    return rows


def batches(seed: int, number: int, size: int = 6) -> list[Rows]:
    """The opening as one batch, then `number` batches of at most `size` rows."""
    dice = random.Random(seed)
    parts = [opening()]
    parts += [traffic(dice, dice.randint(1, size), START + 1_000 * turn) for turn in range(1, number + 1)]
    return [rows_of(part) for part in parts]


class Log:
    """A venue, its journal, and `Venue.state_hash()` after each command where a batch ended (0: empty)."""

    def __init__(self, disk: Disk, segment_size: int = SEGMENT, capacity: Capacity = state.SMALL) -> None:
        self.disk = disk
        self.venue = Venue(capacity)
        self.writer = Writer.create(disk, capacity, segment_size)
        self.states = {0: self.venue.state_hash()}

    def apply(self, rows: Rows) -> None:
        """Applies and appends a batch; it waits for `sync`."""
        self.venue.apply(rows)
        sequence = self.writer.append(rows, self.venue.chain)
        self.states[sequence] = self.venue.state_hash()

    def snapshot(self) -> str:
        return write_snapshot(self.disk, self.venue, self.writer.sequence, self.writer.hash)


def written(seed: int = 1, number: int = 12, sync_every: int = 1, snapshot_at: int = -1) -> Log:
    """A journal in memory over several small segments; `snapshot_at`: after which batch to take one."""
    log = Log(MemoryDisk())
    for at, rows in enumerate(batches(seed, number)):
        log.apply(rows)
        if at % sync_every == sync_every - 1 or at == number:
            log.writer.sync()
        if at == snapshot_at:
            log.writer.sync()
            log.snapshot()
    return log
