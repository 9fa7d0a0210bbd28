"""A pass of a venue over its chain, with collateral: what it takes in, what it brings and when, what it compares."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_collateral_assets import ETH, Collateral
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client
from seawall.chain.deploy import ASSET_FEED
from seawall.terms import code
from seawall.venue.onchain.collateral import SALE, Errand
from seawall.venue.onchain.credits import Seen
from seawall.venue.onchain.office import Account, Done, Gap, Office, Wanted
from seawall.venue.onchain.trades import Side, Trade

DEPTH = 2
RULES = {"exit_delay_s": 3_600, "has_book": True}
MARKET, PRICE = 1, 10_000  # ETH, micro-USD a lot


class Pass:
    """An office over a deployed venue, and what its passes are asked."""

    def __init__(self, folder: Path) -> None:
        self.c = Collateral(RULES)
        self.folder = folder
        self.office = Office(self.c.world.client, self.c.world.record, folder, DEPTH, 5)

    def member(self, lots: int, usd: int = 0, *, approves: bool = True) -> Client:
        made = self.c.holder(lots, usd) if lots else self.c.world.wallet(usd)
        if approves:
            made.send(self.c.world.contract("Exchange"), "approve_agent", self.c.world.client.address, 2**40)
        return made

    def run(self, **changes: Any) -> Done:
        asked = {"trades": (), "exits": (), "credited": frozenset(), "prices": {}, "premiums": {}, "accounts": None}
        return self.office.run(Wanted(**(asked | changes)))

    def deep(self) -> None:
        """Blocks until everything is deep enough."""
        for _ in range(DEPTH):
            self.c.world.client.send(self.c.world.contract("Exchange"), "beat")

    def lots(self, owner: Client) -> int:
        word = self.c.world.word(at.position_key(at.account(owner.address), MARKET))
        return at.unpack(at.POSITION_WORD, word)["size"] if word else 0


@pytest.fixture
def p(tmp_path: Path) -> Pass:
    return Pass(tmp_path)


def trade(number: int, buyer: Client, seller: Client, lots: int, price: int = PRICE) -> Trade:
    sides = [Side(one.address.lower(), number, reduces=False) for one in (buyer, seller)]
    fields = {"number": number, "sequence": number, "market": MARKET, "buys": True, "lots": lots, "price": price}
    return Trade(**fields, taker=sides[0], maker=sides[1])


def payout(owner: Client, lots: int, after: int = 0, number: int = 5) -> Errand:
    return Errand(number=number, owner=owner.address.lower(), asset=ETH, lots=lots, after=after)


def sale(owner: Client, buyer: Client, lots: int, cost: int, after: int) -> Errand:
    sides = {"owner": owner.address.lower(), "buyer": buyer.address.lower()}
    return Errand(number=SALE | 9, asset=ETH, lots=lots, cost=cost, after=after, **sides)


def test_lots_are_credited_when_they_are_deep_and_their_owner_approves(p: Pass) -> None:
    owner, early = p.member(30_000), p.member(20_000, approves=False)
    p.run()
    p.deep()
    done = p.run()
    assert [(one.account, one.amount, one.asset) for one in done.deposits if one.asset == ETH] == [
        (owner.address.lower(), 30_000, ETH)
    ]
    assert done.unapproved[-1] == early.address.lower()
    places = frozenset(one.place for one in done.deposits)
    again = p.run(credited=places)
    assert [one for one in again.deposits if one.place in places] == []
    fresh = p.member(1_000)
    assert fresh.address.lower() not in {one.account for one in p.run(credited=places).deposits}


def test_lots_on_their_way_are_no_difference_and_lots_that_are_gone_are(p: Pass) -> None:
    owner = p.member(30_000, 10)
    mine = owner.address.lower()

    def gaps(**changes: Any) -> list[Gap]:
        found = p.run(**changes).gaps
        assert found is not None
        return found

    assert gaps(accounts={mine: Account(0, {}, {})}) == [], "seen, and not credited yet"
    p.deep()
    seen = frozenset(one.place for one in p.run().deposits)
    assert gaps(credited=seen, accounts={mine: Account(10 * USD, {}, {ETH: 30_000})}) == []
    short = Account(10 * USD, {}, {ETH: 29_999})
    assert gaps(credited=seen, accounts={mine: short}) == [Gap(mine, "collateral ETH", 29_999, 30_000)]
    frozen = {"accounts": {mine: Account(10 * USD, {}, {ETH: 25_000})}, "credited": seen}
    one = payout(owner, 5_000, after=1)
    assert gaps(**frozen, errands=[one]) == [], "frozen here, and not brought yet"
    one.after = 0
    assert gaps(**frozen, errands=[one]) == [], "brought, and not deep yet"
    assert one.block
    assert gaps(**frozen) == []


def test_a_payout_goes_behind_the_trades_before_it(p: Pass) -> None:
    buyer, seller = p.member(30_000), p.member(0, 100)
    one = payout(buyer, 29_000, after=1)
    done = p.run(errands=[one])
    assert (one.block, done.errands) == (0, [])
    done = p.run(trades=[trade(1, buyer, seller, 30_000)], errands=[one])
    assert p.lots(buyer) == 30_000
    assert done.unpaid == [(one, code.WITHDRAWABLE)], "what it backs by then stays"
    two = payout(buyer, 1_000, after=1, number=6)
    assert p.run(errands=[two]).errands == [two]
    p.deep()
    assert p.run(errands=[two]).errands == [two]
    assert two.ended


def test_trades_after_a_sale_wait_for_it(p: Pass) -> None:
    """The buyer's next trade needs what he has bought; the seller's last one came before."""
    owner, buyer, other = p.member(50_000), p.member(0, 500), p.member(0, 500)
    assert p.c.code(owner, "withdraw", 0, 350 * USD, owner.address) == 0
    p.c.price(80)
    settled: list[tuple[str, int]] = []
    send = p.office.client.send

    def noted(contract: Any, function: str, *args: Any, **kept: Any) -> Any:
        receipt = send(contract, function, *args, **kept)
        if function in ("settle", "settle_sale"):
            settled.append((function, p.office.settlement.state.last))
        return receipt

    p.office.client.send = noted  # type: ignore[method-assign]
    trades = [trade(number, buyer, other, 100, 8_000) for number in (1, 2, 3)]
    sold = sale(owner, buyer, 10_000, 10_000 * 7_600, after=2)
    done = p.run(trades=trades, errands=[sold], accounts={})
    assert [name for name, _ in settled] == ["settle", "settle_sale", "settle"]
    assert (p.office.settlement.state.last, p.lots(buyer), done.gaps) == (3, 300, [])
    assert (p.c.held(owner), p.c.held(buyer)) == (40_000, 10_000)


def test_a_sale_that_the_chain_refuses_is_told_and_holds_up_nothing(p: Pass) -> None:
    owner, buyer, other = p.member(50_000), p.member(0, 500), p.member(0, 500)
    sold = sale(owner, buyer, 10_000, 10_000 * 9_500, after=0)
    done = p.run(trades=[trade(1, buyer, other, 100)], errands=[sold])
    assert (sold.refused, sold.ended, done.errands) == (code.NOT_DUE, True, [sold])
    assert p.lots(buyer) == 100


def test_nothing_is_compared_while_a_sale_waits(p: Pass) -> None:
    owner, buyer = p.member(50_000), p.member(0, 500)
    sold = sale(owner, buyer, 10_000, 10_000 * 9_500, after=4)
    assert p.run(errands=[sold], accounts={}).gaps is None


def test_a_token_that_fails_holds_up_nothing_else(p: Pass, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = p.member(30_000), p.member(30_000)
    bad, good = payout(first, 1_000), payout(second, 1_000, number=6)
    send = p.office.client.send

    def fails(contract: Any, function: str, *args: Any, **kept: Any) -> Any:
        if function == "pay_asset" and args[3] == bad.number:
            raise ChainFault("the token refuses")
        return send(contract, function, *args, **kept)

    monkeypatch.setattr(p.office.client, "send", fails)
    done = p.run(errands=[bad, good])
    assert done.faults == [f"errand {bad.number}: the token refuses"]
    assert (bad.block, done.errands) == (0, [good])


def test_indices_of_collateral_are_reported_with_the_marks(p: Pass) -> None:
    p.run(prices={0: 100_000, MARKET: 10_100, ASSET_FEED + 1: 10_050})
    hub = p.c.world.contract("OracleHub")
    assert p.c.world.client.call(hub, "last", ASSET_FEED + 1)[0] == 10_050
    assert p.c.world.client.call(hub, "last", MARKET)[0] == 10_100


def test_a_deposit_of_lots_is_another_than_one_of_usd() -> None:
    assert Seen(place=(1, 0), account="0x01", amount=5) != Seen(place=(1, 0), account="0x01", amount=5, asset=ETH)
