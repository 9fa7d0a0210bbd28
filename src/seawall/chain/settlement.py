"""Settlement: fills of the venue go to the chain in batches against their owners' signed orders, each exactly once.

A fill is known by its number, its place in the venue's own order of fills. The state (one JSON file) says which numbers
are in which transaction. A transaction counts once it is `depth` blocks deep: when the chain has dropped it by then,
its fills are sent again; what the chain has filled already is seen at the orders themselves, and is not sent twice.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment
from seawall.chain.events import read
from seawall.chain.orders import SignedOrder, batch, fill_word
from seawall.units import BadInput

FILLS_A_BATCH: Final = 50
ORDERS_A_BATCH: Final = 128


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """`lots` between two signed orders at `price`. `number` counts all fills of the venue from 1."""

    number: int
    taker: SignedOrder
    maker: SignedOrder
    lots: int
    price: int


class Sent(msgspec.Struct, kw_only=True):
    """A batch on its way."""

    first: int
    last: int
    hash: str
    block: int
    block_hash: str


class State(msgspec.Struct, kw_only=True):
    """Fills up to `final` are settled for good; `sent` are not deep enough yet; `refused` were refused, with why."""

    chain_id: int
    exchange: str
    final: int = 0
    sent: list[Sent] = []
    refused: dict[str, int] = {}

    @property
    def last(self) -> int:
        """The greatest number that has been sent."""
        return self.sent[-1].last if self.sent else self.final


def load_state(path: Path, client: Client, record: Deployment) -> State:
    """The state, or a new one. BadInput for one of another chain or deployment."""
    if not path.is_file():
        return State(chain_id=client.chain_id, exchange=record.addresses["Exchange"])
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except msgspec.DecodeError as error:
        raise BadInput("settlement", str(error), str(path)) from error
    if (state.chain_id, state.exchange) != (client.chain_id, record.addresses["Exchange"]):
        raise BadInput("settlement", "the state is of another chain or deployment", str(path))
    return state


class Settlement:
    """The operator's side. `fills_after(n)` gives the venue's fills after number n, in order."""

    def __init__(
        self,
        client: Client,
        record: Deployment,
        path: Path,
        fills_after: Callable[[int], Sequence[Fill]],
        depth: int = 5,
        tell: Callable[[str], None] = lambda _: None,
        fills_of: Callable[[SignedOrder], Sequence[Fill]] | None = None,
    ) -> None:
        """`fills_of` gives all fills of an order as a taker's; without it they are looked for among all fills."""
        self.client, self.record, self.path, self.depth, self.tell = client, record, path, depth, tell
        self.fills_after = fills_after
        self.fills_of = fills_of or (lambda order: [fill for fill in self.fills_after(0) if fill.taker == order])
        self.state = load_state(path, client, record)
        self.contract = client.at("Exchange", record.addresses["Exchange"])

    def run_once(self) -> int:
        """Looks after what is on its way, then sends the next batch; returns how many fills that was."""
        self.confirm()
        fills = list(self.fills_after(self.state.last))[:FILLS_A_BATCH]
        fills = within_orders(fills)
        if not fills:
            return 0
        if fills[0].number != self.state.last + 1:
            raise BadInput("fill", f"number {fills[0].number}, expected {self.state.last + 1}")
        self._send(fills)
        return len(fills)

    def confirm(self) -> None:
        """Batches that are deep enough are final; one that the chain has dropped, and all after it, are sent again."""
        w3 = self.client.w3
        while self.state.sent:
            first = self.state.sent[0]
            if not self._is_there(first):
                self.tell(f"fills {first.first}..{first.last} were dropped by a re-organisation")
                self.state.sent = []
                self.client.forget_nonce()
                break
            if int(self.client.ask(lambda: w3.eth.block_number)) < first.block + self.depth:
                return
            self.state.final = first.last
            self.state.sent.pop(0)
            self._save()
        self._save()

    def _is_there(self, sent: Sent) -> bool:
        from web3.exceptions import TransactionNotFound

        try:
            receipt = self.client.ask(lambda: self.client.w3.eth.get_transaction_receipt(sent.hash))
        except TransactionNotFound:
            return False
        if receipt is None or receipt["status"] != 1:
            return False
        sent.block, sent.block_hash = int(receipt["blockNumber"]), receipt["blockHash"].to_0x_hex()
        return True

    def _send(self, fills: Sequence[Fill]) -> None:
        left = [fill for fill in fills if not self._is_filled(fill)]
        if not left:
            self.state.final = max(self.state.final, fills[-1].number) if not self.state.sent else self.state.final
            self._save()
            return
        orders: list[SignedOrder] = []
        places: dict[int, int] = {}
        words = []
        for fill in left:
            taker, maker = (self._place(orders, places, one) for one in (fill.taker, fill.maker))
            words.append(fill_word(taker, maker, fill.lots, fill.price))
        packed, proofs = batch(orders)
        receipt = self.client.send(self.contract, "settle", packed, words, proofs)
        self._note_refused(left, receipt)
        hashed, block = receipt["transactionHash"].to_0x_hex(), receipt["blockHash"].to_0x_hex()
        sent = Sent(
            first=fills[0].number,
            last=fills[-1].number,
            hash=hashed,
            block=int(receipt["blockNumber"]),
            block_hash=block,
        )
        self.state.sent.append(sent)
        self._save()
        self.tell(f"fills {sent.first}..{sent.last} in block {sent.block}")

    def _place(self, orders: list[SignedOrder], places: dict[int, int], one: SignedOrder) -> int:
        key = id(one)
        for place, known in enumerate(orders):
            if known == one:
                return place
        orders.append(one)
        places[key] = len(orders) - 1
        return places[key]

    def _is_filled(self, fill: Fill) -> bool:
        """Whether the chain has this fill already: told by its Filled events since the deployment, order by order."""
        account = at.account(fill.taker.order.owner, fill.taker.order.sub)
        done = int(self.client.call(self.contract, "filled", account, fill.taker.order.nonce))
        before = sum(f.lots for f in self._of_order(fill.taker) if f.number < fill.number)
        return done & (2**63 - 1) >= before + fill.lots

    def _of_order(self, order: SignedOrder) -> list[Fill]:
        """The venue's fills of one order that the chain has not refused."""
        return [f for f in self.fills_of(order) if str(f.number) not in self.state.refused]

    def _note_refused(self, fills: Sequence[Fill], receipt: Any) -> None:
        block = int(receipt["blockNumber"])
        where = {"Exchange": self.contract.address}
        for one in self.client.ask(lambda: list(read(self.client.w3, where, block, block))):
            if one.name == "FillRefused":
                self.state.refused[str(fills[one.values["place"]].number)] = int(one.values["reason"])

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(self.state), indent=1) + b"\n")
        part.replace(self.path)


def within_orders(fills: list[Fill]) -> list[Fill]:
    """As many of the first fills as one batch has room for orders."""
    seen: list[SignedOrder] = []
    for count, fill in enumerate(fills):
        for one in (fill.taker, fill.maker):
            if one not in seen:
                seen.append(one)
        if len(seen) > ORDERS_A_BATCH:
            return fills[:count]
    return fills
