"""Trades on their way to the chain, numbered from 1 in the order of the log, in a file of one line each.

What the file misses after a crash is in history, which follows the journal: it is asked for what came after the last
line. Each side of a trade gets an order of its own, for these lots at this price, with the account's next nonce.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.units import BadInput
from seawall.venue.people import People
from seawall.venue.records import NOBODY, Fill

FILE: Final = "trades.jsonl"


class Side(msgspec.Struct, frozen=True, array_like=True):
    """One side of a trade: whose, its order's nonce, and whether it only reduces a position."""

    owner: str
    nonce: int
    reduces: bool


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """Lots that a taker bought or sold at a price in a market of the chain."""

    number: int
    sequence: int
    market: int
    buys: bool
    lots: int
    price: int
    taker: Side
    maker: Side


class Trades:
    """The file, and of it what is not final yet."""

    def __init__(self, folder: Path, final: int, markets: dict[int, int]) -> None:
        """`markets` gives the chain's number of the venue's that it has. BadInput for a file that is damaged."""
        self.markets = markets
        self.waiting: list[Trade] = []
        self.number = self.sequence = self.skipped = 0
        self._nonces: dict[str, int] = {}
        path = folder / FILE
        for line in _whole_lines(path):
            self._note(msgspec.json.decode(line, type=Trade), final)
        self._file = path.open("ab")

    def add(self, fills: Sequence[Fill], people: People) -> None:
        """Takes both sides of trades of the log; what is known already is passed over.

        A trade with a pool, of a sub-account, or in a market that the chain has not is counted in `skipped`.
        """
        lines = b""
        known = self.sequence
        for taker, maker in zip(fills[::2], fills[1::2], strict=True):
            assert taker.tid == maker.tid
            if taker.sequence <= known:
                continue
            if not self._is_settled(taker, maker, people):
                self.skipped += 1
                continue
            trade = Trade(
                number=self.number + 1,
                sequence=taker.sequence,
                market=self.markets[taker.market],
                buys=taker.lots > 0,
                lots=abs(taker.lots),
                price=taker.price,
                taker=self._side(taker, people),
                maker=self._side(maker, people),
            )
            self._note(trade, 0)
            lines += msgspec.json.encode(trade) + b"\n"
        if lines:
            self._file.write(lines)
            self._file.flush()

    def forget(self, final: int) -> None:
        """What is final is not needed any more."""
        self.waiting = [trade for trade in self.waiting if trade.number > final]

    def number_at(self, sequence: int) -> int:
        """The last trade of the commands up to one. Of those that are final the last, whichever is asked for."""
        after = sum(trade.sequence > sequence for trade in self.waiting)
        return self.number - after

    def close(self) -> None:
        self._file.close()

    def _note(self, trade: Trade, final: int) -> None:
        if trade.number != self.number + 1:
            raise BadInput(FILE, f"number {trade.number}, expected {self.number + 1}")
        self.number, self.sequence = trade.number, trade.sequence
        for side in (trade.taker, trade.maker):
            self._nonces[side.owner] = max(self._nonces.get(side.owner, 0), side.nonce)
        if trade.number > final:
            self.waiting.append(trade)

    def _is_settled(self, taker: Fill, maker: Fill, people: People) -> bool:
        accounts = (taker.account, maker.account)
        if NOBODY in accounts or taker.market not in self.markets:
            return False
        return all(people.persons[account].master == account for account in accounts)

    def _side(self, fill: Fill, people: People) -> Side:
        owner = "0x" + people.persons[fill.account].address.hex()
        nonce = self._nonces[owner] = self._nonces.get(owner, 0) + 1
        reduces = fill.start * fill.lots < 0 and abs(fill.lots) <= abs(fill.start)
        return Side(owner, nonce, reduces)


def _whole_lines(path: Path) -> Iterable[bytes]:
    """The lines of a file; a torn last one is cut off."""
    if not path.is_file():
        return []
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end != len(data):
        with path.open("r+b") as file:
            file.truncate(end)
    return data[:end].splitlines()


def lines_of(path: Path, kind: Any) -> list[Any]:
    """Every whole line of a file as a value of a type."""
    return [msgspec.json.decode(line, type=kind) for line in _whole_lines(path)]
