"""Collateral of accounts that contracts keep: out by the venue's operator, once, to its owner; past it by nobody."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_collateral_assets import ETH, LOT, Collateral

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client
from seawall.terms import code
from seawall.venue.onchain.collateral import FILE, Custody, Errand, Errands

RULES = {"exit_delay_s": 3_600}
DEPTH = 3


@pytest.fixture
def c() -> Collateral:
    """A venue that owners do not leave past its operator, who is the deployer."""
    return Collateral(RULES)


def payout(owner: Client, lots: int) -> Errand:
    return Errand(number=7, owner=owner.address, asset=ETH, lots=lots, after=0)


def tokens(c: Collateral, owner: Client) -> int:
    return int(c.world.client.call(c.tokens[ETH], "balanceOf", owner.address))


def bring(c: Collateral, owner: Client, lots: int, number: int = 7, by: Client | None = None) -> int:
    return c.code(by or c.world.client, "pay_asset", ETH, owner.address, lots, number)


def test_while_the_venue_lives_nobody_leaves_past_it(c: Collateral) -> None:
    """Its books would still count what an owner has taken, and let him trade with it."""
    owner = c.holder(50_000)
    assert c.code(owner, "withdraw_asset", ETH, 0, 10_000, owner.address) == code.NOT_AUTHORISED
    exchange = c.world.contract("Exchange")
    c.world.client.send(exchange, "beat")
    c.world.pass_time(3_000)
    c.price(100)
    assert c.code(owner, "withdraw_asset", ETH, 0, 10_000, owner.address) == code.NOT_AUTHORISED
    c.world.pass_time(700)
    c.price(100)
    assert c.world.client.call(exchange, "is_silent")
    assert c.code(owner, "withdraw_asset", ETH, 0, 10_000, owner.address) == 0
    assert tokens(c, owner) == 10_000 * LOT


def test_the_operator_pays_each_number_once_and_the_owner_alone(c: Collateral) -> None:
    owner, thief = c.holder(50_000), c.world.wallet(10)
    assert bring(c, owner, 10_000, by=thief) == code.NOT_AUTHORISED
    assert bring(c, owner, 10_000, by=owner) == code.NOT_AUTHORISED
    assert bring(c, owner, 10_000) == 0
    assert (tokens(c, owner), c.held(owner)) == (10_000 * LOT, 40_000)
    assert bring(c, owner, 10_000) == code.NONCE_USED
    assert bring(c, owner, 10_000, number=8) == 0
    assert bring(c, owner, 1, number=2**64) == code.NONCE_USED, "no number that could be another's"
    assert tokens(c, owner) == 20_000 * LOT


def test_what_the_operator_brings_leaves_margin_behind_too(c: Collateral) -> None:
    owner = c.holder(50_000)
    c.world.trade(owner, 1, 100_000)
    assert bring(c, owner, 50_000) == code.WITHDRAWABLE
    assert bring(c, owner, 50_001) == code.WITHDRAWABLE
    assert bring(c, owner, 20_000) == 0


def test_a_payout_ends_when_it_is_deep_enough(c: Collateral) -> None:
    owner = c.holder(50_000)
    custody, one = Custody(c.world.client, c.world.record, DEPTH), payout(owner, 10_000)
    head = int(c.world.w3.eth.block_number)
    assert custody.look_after(one, head) == 0
    assert (one.block, one.ended) == (int(c.world.w3.eth.block_number), False)
    assert custody.look_after(one, one.block + DEPTH - 1) == 0
    assert not one.ended
    assert custody.look_after(one, one.block + DEPTH) == 0
    assert one.ended
    assert tokens(c, owner) == 10_000 * LOT


def test_a_payout_that_was_sent_before_a_crash_is_not_sent_again(c: Collateral) -> None:
    owner = c.holder(50_000)
    custody = Custody(c.world.client, c.world.record, DEPTH)
    custody.look_after(payout(owner, 10_000), 0)
    again = payout(owner, 10_000)
    assert custody.look_after(again, 90) == 0
    assert again.block == 90
    custody.look_after(again, 90 + DEPTH)
    assert again.ended
    assert tokens(c, owner) == 10_000 * LOT


def test_a_payout_that_a_reorganisation_drops_is_brought_again(c: Collateral) -> None:
    owner = c.holder(50_000)
    custody, one = Custody(c.world.client, c.world.record, DEPTH), payout(owner, 10_000)
    before = c.world.w3.evm.evm.snapshot()
    custody.look_after(one, 0)
    c.world.w3.evm.evm.revert(before)
    custody.look_after(one, one.block + DEPTH)
    assert (one.ended, one.block, tokens(c, owner)) == (False, 0, 0)
    custody.look_after(one, 0)
    custody.look_after(one, one.block + DEPTH)
    assert (one.ended, tokens(c, owner)) == (True, 10_000 * LOT)


def test_what_waits_and_what_is_refused_for_good(c: Collateral) -> None:
    owner = c.holder(50_000)
    custody, one = Custody(c.world.client, c.world.record, DEPTH), payout(owner, 50_001)
    assert custody.look_after(one, 0) == code.WITHDRAWABLE
    waits = payout(owner, 10_000)
    c.world.client.send(c.vault, "pause", True)
    assert custody.look_after(waits, 0) == 0
    assert waits.block == 0


def test_a_token_that_moves_nothing_is_told(c: Collateral, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = c.holder(50_000)
    custody, one = Custody(c.world.client, c.world.record, DEPTH), payout(owner, 10_000)

    def fails(*_: Any) -> None:
        raise ChainFault("pay_asset: reverted")

    monkeypatch.setattr(c.world.client, "send", fails)
    with pytest.raises(ChainFault):
        custody.look_after(one, 0)
    assert one.block == 0


def test_holdings_and_totals_are_read(c: Collateral) -> None:
    owner = c.holder(50_000)
    custody, account = Custody(c.world.client, c.world.record, DEPTH), at.account(owner.address)
    assert custody.held(account, c.world.word(at.BUCKET | account), 0) == {ETH: 50_000}
    assert custody.held(account, 0, 0) == {}
    assert custody.totals(0) == {"ETH": 50_000, "CHEAP": 0}
    assert custody.name(ETH) == "collateral ETH"


def test_the_file_knows_what_has_ended(tmp_path: Path) -> None:
    book = Errands(tmp_path)
    for identity in (1, 2):
        book.add(Errand(number=identity, owner="0x" + "01" * 20, asset=0, lots=5, after=3))
    book.open[1].block = 9
    book.note(book.open[1])
    book.add(Errand(number=1, owner="0x" + "01" * 20, asset=0, lots=5, after=3))
    book.open[2].ended = True
    book.note(book.open[2])
    book.close()
    with (tmp_path / FILE).open("ab") as torn:
        torn.write(b'{"number":3')
    again = Errands(tmp_path)
    again.close()
    assert {identity: one.block for identity, one in again.open.items()} == {1: 9}


def test_what_had_returned_to_its_account_before_a_crash_is_not_paid_after_it(tmp_path: Path) -> None:
    """The engine was told, the file was not: the vault must not pay what the account has again."""
    book = Errands(tmp_path)
    for identity in (1, 2, 3):
        book.add(Errand(number=identity, owner="0x" + "01" * 20, asset=0, lots=5, after=3))
    book.open[3].block = 9
    book.note(book.open[3])
    book.forget({2})
    book.close()
    again = Errands(tmp_path)
    again.close()
    assert [*again.open] == [2, 3], "one that was sent is looked for on the chain"
