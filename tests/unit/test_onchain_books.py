"""What a venue on a chain keeps in files: each trade, deposit and withdrawal once, whatever is cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")
pytest.importorskip("Crypto", reason="the service is an extra: pip install seawall[venue]")

from seawall.signing import Signature
from seawall.terms import code
from seawall.units import BadInput
from seawall.venue.onchain.collateral import SALE, SOLD, Errands
from seawall.venue.onchain.credits import Credits, Seen
from seawall.venue.onchain.exits import Exit, Exits, action_of
from seawall.venue.onchain.trades import FILE, Trades
from seawall.venue.people import People
from seawall.venue.records import NOBODY, Entry, Fill

BUYER, SELLER = 0, 1
OWNERS = (bytes([1] * 20), bytes([2] * 20))


OPENED: list[Any] = []
Book = TypeVar("Book", Trades, Credits, Exits, Errands)


def kept(book: Book) -> Book:
    """Closed when the test ends."""
    OPENED.append(book)
    return book


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def people() -> People:
    made = People()
    for account, address in enumerate(OWNERS):
        made.add_account(account, account, address, "")
    made.add_account(2, BUYER, bytes(20), "sub")
    return made


def trade(sequence: int, lots: int = 10, **sides: int) -> list[Fill]:
    """Both sides of a trade: the buyer takes. `taker` and `maker` are accounts, `start` is what the taker had."""
    fields: dict[str, Any] = {"time": 0, "sequence": sequence, "market": sides.get("market", 3), "oid": 0, "cloid": 0}
    fields |= {"price": 500, "pnl": 0, "fee": 0, "method": "", "liquidated": NOBODY, "mark": 0, "twap": 0, "bucket": 0}
    fields |= {"tid": sequence << 15}
    taker, maker = sides.get("taker", BUYER), sides.get("maker", SELLER)
    start = sides.get("start", 0)
    return [
        Fill(**fields, account=taker, other=maker, lots=lots, start=start, is_taker=True),
        Fill(**fields, account=maker, other=taker, lots=-lots, start=-start, is_taker=False),
    ]


def opened(folder: Path, final: int = 0) -> Trades:
    return kept(Trades(folder, final, {3: 0, 5: 1}))


def test_trades_are_numbered_and_known_again(tmp_path: Path) -> None:
    trades = opened(tmp_path)
    trades.add(trade(7) + trade(7) + trade(9, -4, start=4), people())
    assert [(one.number, one.market, one.buys, one.lots) for one in trades.waiting] == [
        (1, 0, True, 10),
        (2, 0, True, 10),
        (3, 0, False, 4),
    ]
    assert [one.taker.nonce for one in trades.waiting] == [1, 2, 3]
    assert [(one.taker.reduces, one.maker.reduces) for one in trades.waiting] == [(False, False)] * 2 + [(True, True)]
    trades.close()
    again = opened(tmp_path, final=2)
    assert (again.number, again.sequence, [one.number for one in again.waiting]) == (3, 9, [3])
    again.add(trade(7) + trade(9) + trade(11), people())
    assert (again.number, again.waiting[-1].taker.nonce, again.waiting[-1].sequence) == (4, 4, 11)


def test_a_torn_line_is_made_again(tmp_path: Path) -> None:
    trades = opened(tmp_path)
    trades.add(trade(7) + trade(8), people())
    trades.close()
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[:-5])
    again = opened(tmp_path)
    assert (again.number, again.sequence) == (1, 7)
    again.add(trade(7) + trade(8), people())
    again.close()
    assert (tmp_path / FILE).read_bytes() == data


def test_a_file_with_a_hole_is_refused(tmp_path: Path) -> None:
    trades = opened(tmp_path)
    trades.add(trade(7) + trade(8), people())
    trades.close()
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes().splitlines(keepends=True)[1])
    with pytest.raises(BadInput, match="number 2, expected 1"):
        opened(tmp_path)


@pytest.mark.parametrize("sides", [{"maker": NOBODY}, {"taker": 2}, {"market": 4}, {"market": 5, "maker": 2}])
def test_what_the_chain_cannot_have_is_counted(tmp_path: Path, sides: dict[str, int]) -> None:
    trades = opened(tmp_path)
    trades.add(trade(7, **sides), people())
    assert (trades.skipped, trades.number) == (1, 0)


def seen(block: int) -> Seen:
    return Seen(place=(block, 0), account="0x" + "01" * 20, amount=5)


def test_a_deposit_is_credited_once_whatever_is_cut_off(tmp_path: Path) -> None:
    """After the line, before the engine: it comes again. After the engine: it does not."""
    credits = kept(Credits(tmp_path, 0))
    credits.begin(seen(4), 1)
    credits.close()
    assert not kept(Credits(tmp_path, 0)).is_done(seen(4))
    assert kept(Credits(tmp_path, 1)).is_done(seen(4))


def test_a_refused_deposit_gives_its_serial_to_the_next(tmp_path: Path) -> None:
    credits = kept(Credits(tmp_path, 0))
    credits.begin(seen(4), 1)
    credits.end(seen(4), code.CASH_BOUND)
    credits.begin(seen(6), 1)
    credits.close()
    again = kept(Credits(tmp_path, 1))
    assert again.is_done(seen(4))
    assert again.refused == {(4, 0): code.CASH_BOUND}
    assert again.is_done(seen(6))
    assert not kept(Credits(tmp_path, 0)).is_done(seen(6))


def entry(sequence: int, account: int, amount: int, **changes: Any) -> Entry:
    fields = {"time": 0, "kind": SOLD, "other": 2, "market": 3, "reference": 40, "address": b""}
    return Entry(**(fields | {"sequence": sequence, "account": account, "amount": amount} | changes))


def sold(sequence: int, seller: int = SELLER, buyer: int = BUYER, cost: int = 700) -> list[Entry]:
    """What the mirror tells of lots that changed hands: who gets the cash first, and who pays it."""
    return [entry(sequence, seller, cost), entry(sequence, buyer, -cost)]


def test_a_sale_is_known_with_the_last_trade_before_it(tmp_path: Path) -> None:
    trades, errands = opened(tmp_path), kept(Errands(tmp_path))
    trades.add(trade(7) + trade(11), people())
    errands.sell([entry(8, BUYER, 5, kind="lots"), *sold(9), *sold(12, cost=1)], {2: 0}, trades, people())
    first, second = errands.open.values()
    assert (first.number, first.owner, first.buyer) == (SALE | 9, "0x" + "02" * 20, "0x" + "01" * 20)
    assert (first.asset, first.lots, first.cost, first.after, second.after) == (0, 40, 700, 1, 2)
    assert (first.is_sale, first.waits, errands.sales) == (True, True, 2)
    errands.close()
    again = kept(Errands(tmp_path))
    again.sell([*sold(9), *sold(12), *sold(15)], {2: 0}, trades, people())
    assert ([*again.open], again.sales) == ([SALE | 9, SALE | 12, SALE | 15], 3), "history tells the old ones again"


def test_the_last_trade_up_to_a_command_is_known_once_trades_are_final(tmp_path: Path) -> None:
    trades = opened(tmp_path)
    trades.add(trade(7) + trade(8) + trade(11), people())
    assert [trades.number_at(sequence) for sequence in (6, 7, 10, 11, 20)] == [0, 1, 2, 3, 3]
    trades.forget(2)
    assert [trades.number_at(sequence) for sequence in (10, 11)] == [2, 3]


@pytest.mark.parametrize(
    "entries",
    [
        [entry(9, SELLER, 700)],  # to a pool
        [entry(9, BUYER, -700)],  # of a pool
        sold(9, buyer=2),  # a sub-account
        [entry(9, SELLER, 700, other=4), entry(9, BUYER, -700, other=4)],  # the chain has no such asset
        [entry(9, SELLER, 700), entry(10, BUYER, 5, kind="lots")],
    ],
)
def test_a_sale_that_the_chain_cannot_have_is_counted(tmp_path: Path, entries: list[Entry]) -> None:
    errands = kept(Errands(tmp_path))
    errands.sell([*entries, *sold(12)], {2: 0}, opened(tmp_path), people())
    assert (errands.skipped, [*errands.open]) == (1, [SALE | 12])


def test_a_refused_sale_stays_told(tmp_path: Path) -> None:
    errands = kept(Errands(tmp_path))
    errands.sell(sold(9), {2: 0}, opened(tmp_path), people())
    one = errands.open[SALE | 9]
    one.refused, one.ended = code.BAD_PRICE, True
    errands.note(one)
    errands.close()
    again = kept(Errands(tmp_path))
    again.sell(sold(9), {2: 0}, opened(tmp_path), people())
    assert (again.refused, again.open, again.sales) == ({9: code.BAD_PRICE}, {}, 1), "it is not brought again"


def signed(time: int, amount: str = "5.5", **changes: str) -> Any:
    fields = {"hyperliquidChain": "Testnet", "destination": "0x" + "AB" * 20, "signatureChainId": "0x66eee"}
    return action_of({**fields, "amount": amount, "time": time, **changes}, Signature(2**255 + 1, 2**254, 1), OWNERS[0])


def out(identity: int, amount: int = 5_500_000) -> Exit:
    return Exit(identity=identity, owner="0x" + "01" * 20, payee="0x" + "ab" * 20, amount=amount, after=3)


def test_a_withdrawal_finds_its_signature_again(tmp_path: Path) -> None:
    exits = kept(Exits(tmp_path))
    exits.keep(signed(100, "7"))
    exits.keep(signed(101))
    exits.keep(signed(102))
    exits.add(out(1))
    exits.add(out(2))
    exits.add(out(3))
    exits.close()
    again = kept(Exits(tmp_path))
    assert [one.time for one in again.open.values()] == [101, 102, 0]
    assert again.action(again.open[3]) is None
    found = again.action(again.open[1])
    assert found is not None
    assert found.words == (
        "0x" + "01" * 20,
        ("Testnet", "0x" + "AB" * 20, "5.5", 101, 0x66EEE),
        2**255 + 1,
        2**254,
        28,
    )
    again.open[1].ended = True
    again.note(again.open[1])
    again.close()
    last = kept(Exits(tmp_path))
    assert list(last.open) == [2, 3]
    last.add(out(4))
    assert last.open[4].time == 0, "a signature is used once"


def test_a_withdrawal_that_had_returned_before_a_crash_is_not_brought_after_it(tmp_path: Path) -> None:
    """The engine was told, the file was not: the vault must not pay what the account has again."""
    exits = kept(Exits(tmp_path))
    for identity in (1, 2, 3):
        exits.add(out(identity))
    exits.open[3].number = 9
    exits.note(exits.open[3])
    exits.forget({2})
    exits.close()
    assert [*kept(Exits(tmp_path)).open] == [2, 3], "the vault says what has become of one that it has"


def test_an_action_without_its_fields_is_refused() -> None:
    with pytest.raises(BadInput, match="action"):
        action_of({"amount": "1"}, Signature(1, 1, 0), OWNERS[0])


def test_the_chain_inside_the_process_answers_as_a_node_does() -> None:
    pytest.importorskip("eth_tester", reason="a chain without a node is an extra: pip install seawall[chain]")
    from seawall.chain.client import embedded
    from seawall.venue.onchain.evm import answer

    w3 = embedded()

    def ask(method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return msgspec.json.decode(answer(w3, msgspec.json.encode(body)))

    first, second = ask("eth_accounts")["result"][:2]
    assert ask("eth_blockNumber")["result"] == "0x0"
    sent = ask("eth_sendTransaction", {"from": first, "to": second.lower(), "value": "0x5", "gas": "0x5208"})["result"]
    assert ask("eth_getTransactionReceipt", sent)["result"]["status"] == "0x1"
    assert ask("eth_getTransactionReceipt", "0x" + "00" * 32)["result"] is None
    assert ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": first.lower()})["result"] == []
    assert ask("eth_foo")["error"]["code"] == -32_601
    assert ask("eth_getBalance", "nonsense")["error"]["code"] == -32_602
    for body, number in ((b"{", -32_700), (b"[]", -32_600), (b"7", -32_600)):
        assert msgspec.json.decode(answer(w3, body))["error"]["code"] == number
