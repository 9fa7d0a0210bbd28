"""USD borrowed against collateral: its interest to the unit, how much may be borrowed, and what the reserve pays."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from test_collateral_assets import ETH, Collateral
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import Client, Refused
from seawall.chain.deploy import VENUE_ROW, Deployer
from seawall.chain.keeper import CHARGE_FROM, Keeper
from seawall.chain.rebuild import verify
from seawall.chain.stack import VENUE_NUMBERS
from seawall.chain.status import status_of
from seawall.terms import code
from seawall.terms.parameter import BORROW_FULL_RATE, BORROW_KINK, BORROW_KINK_RATE, BORROW_MOST
from seawall.terms.venue_parameter import BORROW_RATE_MAX
from seawall.units import RATE_ONE

INDEX_ONE = 10**12
HOUR = 3_600
DEAR = {
    "borrow_base": BORROW_RATE_MAX // 10,
    "borrow_kink_rate": BORROW_RATE_MAX // 2,
    "borrow_full_rate": BORROW_RATE_MAX,
}


class Bank(Collateral):
    """A venue that lends, without limits of withdrawals. `terms` are its numbers of lending."""

    def __init__(self, **terms: int) -> None:
        super().__init__({"venue": {"withdrawal_hour_base": 2**53, "withdrawal_day_base": 2**53} | terms})
        self.lending = self.world.contract("Lending")

    def ask(self, name: str, *args: Any) -> Any:
        return self.world.client.call(self.lending, name, *args)

    def owes(self, owner: Client) -> tuple[int, int]:
        """(debt, interest) of a wallet's account."""
        account = at.account(owner.address)
        return int(self.ask("debt_of", account)), int(self.ask("interest_of", account))

    def index(self) -> int:
        return int(self.ask("lent")[0])

    def borrower(self, lots: int, usd: int) -> Client:
        """A wallet that has no cash, and takes so much out against its tokens."""
        made = self.holder(lots)
        assert self.code(made, "withdraw", 0, usd * USD, made.address) == code.OK
        return made

    def wait(self, seconds: int, usd: int = 100) -> None:
        self.world.pass_time(seconds)
        self.price(usd)

    def set_number(self, number: int, value: int) -> int:
        """By the admin."""
        steward, client = self.world.contract("RiskSteward"), self.world.client
        try:
            client.send(steward, "set_parameter", VENUE_ROW, VENUE_NUMBERS + number, value)
        except Refused as refused:
            return refused.code
        return code.OK

    def govern(self, number: int, value: int) -> None:
        """By the timelock."""
        deployer = Deployer(self.world.client, self.world.record, None, lambda _: None)
        deployer._govern("RiskSteward", "set_parameter", VENUE_ROW, VENUE_NUMBERS + number, value)
        self.world.record.steps.append(f"{number} {value}")  # the next announcement is another

    def rate(self) -> int:
        """Interest an hour by SPEC section 2, from what is borrowed and in the vault."""
        money = at.unpack(at.MONEY_WORD, self.world.word(at.VENUE | at.MONEY))
        terms = at.unpack(at.LENDING_WORD, self.world.word(at.VENUE | at.LENDING))
        borrowed = int(self.ask("lent")[3])
        used = ceil(Fraction(borrowed * RATE_ONE, money["vault"] - money["pending"] + borrowed))
        base, bend, top = terms["base"], terms["kink_rate"], terms["full_rate"]
        if used <= terms["kink"]:
            return floor(base + (bend - base) * Fraction(used, terms["kink"]))
        return floor(bend + (top - bend) * Fraction(used - terms["kink"], RATE_ONE - terms["kink"]))

    def whole(self) -> None:
        found = verify(self.world.client, self.world.record)
        assert found.is_whole, found.differences


def grown(rate: int, seconds: int) -> int:
    return floor(Fraction(rate * seconds, HOUR))


def test_a_debt_pays_the_step_of_the_index_rounded_up_into_the_reserve() -> None:
    c = Bank(**DEAR)
    owner, before = c.borrower(50_000, 300), c.index()
    assert c.owes(owner) == (300 * USD, 0)
    rate, start = c.rate(), c.world.w3.evm.now
    c.wait(7 * HOUR)
    step = c.index() - before
    assert step == grown(rate, c.world.w3.evm.now - start)
    due = ceil(Fraction(300 * USD * step, INDEX_ONE))
    assert c.owes(owner) == (300 * USD, due)
    c.whole()
    raw = c.raw(owner)
    c.world.client.send(c.lending, "charge", at.account(owner.address))
    assert raw - c.raw(owner) == ceil(Fraction(300 * USD * (c.index() - before), INDEX_ONE))
    assert c.ask("reserve") == raw - c.raw(owner)
    assert c.owes(owner) == (-c.raw(owner), 0)
    c.whole()


def test_the_rate_bends_at_the_kink() -> None:
    """Above it each part of all USD that is lent costs more."""
    c = Bank(**DEAR, borrow_kink=RATE_ONE // 200_000)
    c.borrower(500_000, 100)
    low = c.rate()
    c.borrower(500_000, 3_000)
    assert low < BORROW_RATE_MAX // 2 < c.rate()
    assert int(c.ask("lent")[2]) == c.rate()


def test_interest_is_charged_before_anything_leaves() -> None:
    c = Bank(**DEAR)
    owner = c.borrower(50_000, 300)
    c.wait(100 * HOUR)
    due = c.owes(owner)[1]
    assert due > 2 * USD
    room = int(c.world.client.call(c.world.contract("ClearingHouse"), "cash_of", at.account(owner.address), 0)[3])
    assert c.health(owner)[1] - room >= due, "it may not leave"
    assert c.code(owner, "withdraw_asset", ETH, 0, 1, owner.address) == code.OK
    assert c.ask("reserve") >= due
    assert c.owes(owner)[1] == 0
    c.wait(HOUR)
    assert c.code(owner, "withdraw", 0, USD, owner.address) == code.OK
    assert c.owes(owner) == (-c.raw(owner), 0)
    c.whole()


def test_no_more_is_borrowed_than_a_share_of_all_usd() -> None:
    """The edge of `borrow_most`, to the unit; own cash leaves beside it."""
    c = Bank(**DEAR, borrow_most=RATE_ONE // 1_000_000)
    owner, money = c.holder(5_000_000, 70), at.unpack(at.MONEY_WORD, c.world.word(at.VENUE | at.MONEY))
    room = floor(Fraction(money["vault"] - money["pending"], 1_000_000))
    assert c.ask("room") == room
    assert c.code(owner, "withdraw", 0, 70 * USD + room + 1, owner.address) == code.WITHDRAWABLE
    assert c.code(owner, "withdraw", 0, 70 * USD + room, owner.address) == code.OK
    assert c.owes(owner) == (room, 0)
    assert c.code(owner, "withdraw", 0, 1, owner.address) == code.WITHDRAWABLE
    c.whole()


def test_nobody_is_promised_what_is_lent() -> None:
    """A depositor whose cash is lent waits until it is back: no payout is made that the vault could not pay."""
    c = Bank(borrow_most=RATE_ONE)
    bank = c.world.client
    c.borrower(500_000_000, 3_000_000)
    leaves = int(bank.call(c.world.contract("ClearingHouse"), "cash_of", at.account(bank.address), 0)[3])
    money = at.unpack(at.MONEY_WORD, c.world.word(at.VENUE | at.MONEY))
    free = money["vault"] - money["pending"]
    assert leaves > free
    assert c.code(bank, "withdraw", 0, free + 1, bank.address) == code.VAULT_SHORT
    assert c.code(bank, "withdraw", 0, free, bank.address) == code.OK
    bank.send(c.vault, "claim", int(bank.call(c.vault, "withdrawal_serial")))
    bank.send(c.vault, "claim", int(bank.call(c.vault, "withdrawal_serial")) - 1)
    c.whole()


def test_a_new_rate_holds_from_when_it_is_set() -> None:
    c = Bank(**DEAR)
    owner, first, start = c.borrower(50_000, 300), c.rate(), c.world.w3.evm.now
    before = c.index()
    c.wait(5 * HOUR)
    c.govern(BORROW_KINK_RATE, BORROW_RATE_MAX)
    changed = c.world.w3.evm.now
    assert c.rate() > first
    c.wait(5 * HOUR)
    wide = first * (changed - start) + c.rate() * (c.world.w3.evm.now - changed)
    assert c.index() - before == floor(Fraction(wide, HOUR)), "the remainder of an hour's rate is carried"
    assert c.owes(owner)[1] == ceil(Fraction(300 * USD * (c.index() - before), INDEX_ONE))


def test_the_numbers_of_lending_have_ends_and_the_admin_only_tightens() -> None:
    c = Bank()
    c.price(100)
    for number, most in ((BORROW_FULL_RATE, BORROW_RATE_MAX), (BORROW_MOST, RATE_ONE), (BORROW_KINK, RATE_ONE - 1)):
        assert c.set_number(number, most + 1) == code.BAD_PARAMETER
    assert c.set_number(BORROW_KINK, 0) == code.BAD_PARAMETER
    assert c.set_number(BORROW_MOST, RATE_ONE) == code.NOT_DUE
    assert c.set_number(BORROW_FULL_RATE, BORROW_RATE_MAX) == code.NOT_DUE
    assert c.set_number(BORROW_MOST, 0) == code.OK
    owner = c.holder(50_000)
    assert c.code(owner, "withdraw", 0, 1, owner.address) == code.WITHDRAWABLE
    c.govern(BORROW_MOST, RATE_ONE)
    assert c.code(owner, "withdraw", 0, 1, owner.address) == code.OK


def test_the_last_collateral_ends_a_debt_and_the_first_begins_one() -> None:
    """Cash below 0 without collateral is profit taken out: nobody has lent it."""
    c = Bank(**DEAR)
    owner, loser = c.world.wallet(600), c.world.wallet(100_000)
    c.world.trade(owner, 1, 500_000)
    c.price(150)
    c.world.trade(loser, 1, 500_000)
    c.price(120)
    c.world.trade(loser, 1, 500_000, buys=False)  # what losers have paid in may leave
    house, account = c.world.contract("ClearingHouse"), at.account(owner.address)
    leaves = int(c.world.client.call(house, "cash_of", account, at.NO_MARKET)[3])
    assert c.code(owner, "withdraw", 0, leaves - USD, owner.address) == code.OK
    cash = int(c.world.client.call(house, "cash_of", account, at.NO_MARKET)[0])
    assert cash < 0
    assert c.owes(owner) == (0, 0)
    c.give(owner, 100_000)
    assert c.code(owner, "deposit_asset", ETH, account, 100_000) == code.OK
    assert c.owes(owner) == (-cash, 0)
    c.whole()
    c.wait(HOUR, 120)
    assert c.code(owner, "withdraw_asset", ETH, 0, 100_000, owner.address) == code.OK
    assert c.owes(owner) == (0, 0)
    assert c.ask("lent")[3] == 0
    assert c.ask("reserve") > 0
    c.whole()


def test_the_reserve_pays_what_collateral_did_not_cover() -> None:
    """As far as it goes; the rest is bad debt of nobody."""
    c = Bank(**DEAR)
    payer, owner, buyer = c.borrower(2_000_000, 10_000), c.borrower(50_000, 390), c.world.wallet(10_000)
    c.wait(40 * HOUR)
    c.world.client.send(c.lending, "charge", at.account(payer.address))
    c.price(60)
    account = at.account(owner.address)
    lots = c.held(owner)
    assert c.code(buyer, "buy_collateral", account, ETH, lots, 0, 10**12) == code.OK
    short, reserve = -c.raw(owner), int(c.ask("reserve"))
    assert 0 < reserve < short
    c.world.client.send(c.world.contract("Liquidation"), "liquidate", account)
    assert c.raw(owner) == 0
    assert c.ask("reserve") == 0
    assert at.unpack(at.MONEY_WORD, c.world.word(at.VENUE | at.MONEY))["debt"] == short - reserve
    c.whole()


def test_anybody_may_note_what_is_so_and_nothing_else() -> None:
    c = Bank(**DEAR)
    owner, stranger = c.borrower(50_000, 300), c.world.wallet(10)
    account = at.account(owner.address)
    told = (c.ask("lent")[3], c.owes(owner)[0], c.ask("reserve"))
    for function, args in (("refresh", ()), ("renew", (account,)), ("renew", (at.account(stranger.address),))):
        stranger.send(c.world.contract("Lending", stranger), function, *args)
    assert (c.ask("lent")[3], c.owes(owner)[0], c.ask("reserve")) == told
    for function, args in (("note", (account, 0, True)), ("cover", (at.account(stranger.address), 1))):
        with pytest.raises(Refused) as refused:
            stranger.send(c.world.contract("Lending", stranger), function, *args)
        assert refused.value.code == code.NOT_AUTHORISED
    c.whole()


def test_what_is_owed_in_interest_does_not_leave_as_own_cash() -> None:
    c = Bank(**DEAR)
    owner = c.borrower(50_000, 300)
    c.wait(100 * HOUR)
    c.world.venue.give(owner.address, 400 * USD)
    c.world.venue.deposit(owner, 400 * USD)
    assert c.set_number(BORROW_MOST, 0) == code.OK
    debt, due = c.owes(owner)
    assert (debt, due > 0) == (0, True)
    house, account = c.world.contract("ClearingHouse"), at.account(owner.address)
    assert c.world.client.call(house, "cash_of", account, at.NO_MARKET)[3] == 100 * USD - due
    assert c.code(owner, "withdraw", 0, 100 * USD - due + 1, owner.address) == code.WITHDRAWABLE
    assert c.code(owner, "withdraw", 0, 100 * USD - due, owner.address) == code.OK
    assert (c.raw(owner), *c.owes(owner)) == (0, 0, 0)
    c.whole()


def test_collateral_is_sold_for_interest_too() -> None:
    c = Bank(**DEAR)
    owner = c.borrower(10_000, 10)
    c.wait(6_000 * HOUR)
    c.world.trade(owner, 1, 120_000)
    usd = 100
    while c.health(owner)[0] >= c.health(owner)[2]:
        usd -= 1
        c.price(usd)
    house, account = c.world.contract("ClearingHouse"), at.account(owner.address)
    cash = int(c.world.client.call(house, "cash_of", account, at.NO_MARKET)[0])
    due = c.owes(owner)[1]
    assert due > 5 * USD
    price = ceil(Fraction(int(c.world.client.call(c.vault, "counted", ETH)[1]) * 95, 100))
    lots = ceil(Fraction(due - cash, price))
    assert c.world.client.call(c.vault, "lots_for_sale", account, ETH) == lots < c.held(owner)
    buyer = c.world.wallet(1_000)
    assert c.code(buyer, "buy_collateral", account, ETH, lots, 0, lots * price) == code.OK
    assert c.owes(owner) == (0, 0)
    c.whole()


def test_a_keeper_charges_what_is_worth_it_and_who_would_be_due() -> None:
    c = Bank(**DEAR)
    rich, small, near = c.borrower(50_000_000, 30_000), c.borrower(50_000, 100), c.borrower(10_000, 30)
    c.wait(400 * HOUR)
    c.world.trade(near, 1, 80_000)
    usd = Fraction(100)
    while c.health(near)[0] - c.owes(near)[1] >= c.health(near)[2]:
        usd -= Fraction(1, 20)
        c.price(usd)
    equity, maintenance = c.health(near)[0], c.health(near)[2]
    assert maintenance <= equity, "healthy as long as nobody charges it"
    assert 0 < c.owes(small)[1] < CHARGE_FROM < c.owes(rich)[1]
    done = Keeper(c.world.wallet(10), c.world.record).run_once()
    charged = {hex(at.account(owner.address)) for owner in (rich, near)}
    assert (set(done.charged), done.faults) == (charged, [])
    assert hex(at.account(near.address)) in done.liquidated
    assert c.owes(rich)[1] == 0
    told = status_of(c.world.client, c.world.record)
    assert (told["borrowed"], told["reserve"]) == (c.ask("lent")[3], c.ask("reserve"))
    c.whole()
