"""Collateral other than USD in the engine: caps, weights, borrowed USD and its interest, sales in liquidation."""

from fractions import Fraction
from math import ceil, floor

import pytest

from seawall.ledger import state
from seawall.ledger.buckets import add_cash, interest_of, note_debt
from seawall.margin import collateral
from seawall.terms import asset_parameter, code, command, event, limits, parameter
from seawall.terms.asset import Asset
from seawall.units import RATE_ONE, Lots, Price, Rate
from vault_world import BITCOIN, DOLLAR, ETH, ETHER, PAR, PRICE, USDE, Vault, number_of
from venue_world import USD

DAY_MS = 86_400_000


@pytest.fixture
def vault() -> Vault:
    """Ether listed, 100 lots of 100 USD with the first account, 100,000 USD with the second."""
    vault = Vault()
    vault.asset(ETH, ETHER)
    assert (vault.account(), vault.account(100_000)) == (0, 1)
    assert vault.give(0, ETH, 100) == 0
    return vault


def withdraw(vault: Vault, usd: int) -> int:
    return int(vault.do(kind=command.WITHDRAW, signer=0, account=0, amount=usd * USD).codes[0])


def out(vault: Vault, asset: int, lots: int) -> int:
    return int(vault.do(kind=command.WITHDRAW_ASSET, signer=0, account=0, other=asset, size=lots).codes[0])


def test_a_deposit_counts_by_its_two_weights(vault: Vault) -> None:
    equity, initial, *_ = vault.measured(0)
    assert (equity, initial) == (9_000 * USD, 8_000 * USD)
    assert vault.may_leave(0) == 8_000 * USD
    vault.move(ETHER, 50 * USD)
    assert vault.measured(0)[:2] == (4_500 * USD, 4_000 * USD)
    vault.sound()


def test_a_higher_price_counts_for_new_risk_only_as_the_stable_price_follows(vault: Vault) -> None:
    vault.move(ETHER, 120 * USD)
    equity, initial, *_ = vault.measured(0)
    stable = int(vault.venue.columns["asset_stable"][ETH])
    assert equity == 10_800 * USD
    assert PRICE < stable < 101 * USD
    assert initial == floor(Fraction(100 * stable * 8, 10))


def test_a_new_asset_takes_nothing_and_counts_for_nothing() -> None:
    vault = Vault()
    fields = {"market": ETHER, "other": ETH, "flags": asset_parameter.TOKEN}
    vault.must(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
    vault.refused(code.ASSET_EXISTS, kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
    owner = vault.account()
    sent_back = vault.give(owner, ETH, 1)
    assert sent_back > 0
    assert vault.holding(owner, ETH) == 0
    vault.sound()
    vault.must(kind=command.FINISH_WITHDRAWAL, signer=command.BRIDGE, reference=sent_back)
    assert vault.venue.columns["asset_leaving"][ETH] == 0


def test_caps_of_venue_and_owner_send_back_what_is_above(vault: Vault) -> None:
    vault.set_asset(ETH, "supply_cap", 150)
    vault.set_asset(ETH, "account_cap", 120)
    assert vault.give(0, ETH, 20) == 0
    sub = int(vault.must(kind=command.CREATE_SUB, signer=0, account=0).made[0])
    assert vault.give(sub, ETH, 1) > 0  # the owner has 120 in all accounts
    assert vault.give(1, ETH, 30) == 0
    assert vault.give(1, ETH, 1) > 0  # the venue has 150; what waits to leave does not count
    assert [vault.holding(bucket, ETH) for bucket in (0, sub, 1)] == [120, 0, 30]
    vault.sound()


def test_the_weight_shrinks_with_what_the_venue_holds(vault: Vault) -> None:
    vault.set_asset(ETH, "supply_start", 100)
    assert vault.measured(0)[1] == 8_000 * USD
    vault.give(1, ETH, 300)
    assert vault.measured(0)[1] == 2_000 * USD
    assert vault.measured(0)[0] == 9_000 * USD


def test_worth_is_that_of_the_scalar_rule(vault: Vault) -> None:
    vault.set_asset(ETH, "supply_start", 70)
    vault.move(ETHER, 113 * USD + 7)
    columns = vault.venue.columns
    asset = Asset(
        name="ETH",
        size_decimals=0,
        oracle=Price(columns["market_oracle"].item(ETHER)),
        stable=Price(columns["asset_stable"].item(ETH)),
        weight_initial=Rate(columns["asset_param"].item(ETH, asset_parameter.WEIGHT_INITIAL)),
        weight_maintenance=Rate(columns["asset_param"].item(ETH, asset_parameter.WEIGHT_MAINTENANCE)),
        supply_start=Lots(70),
        supply_total=Lots(100),
    )
    held = collateral.value_maintenance(asset, Lots(100)), collateral.value_initial(asset, Lots(100))
    assert vault.measured(0)[:2] == held


def test_usd_is_borrowed_against_it_and_interest_is_exact_and_kept(vault: Vault) -> None:
    assert withdraw(vault, 6_000) == code.OK
    assert vault.cell(state.BORROWED) == 6_000 * USD
    vault.sound()
    before = vault.raw(0)
    vault.pass_time(3_600_000)
    # 6 % of all USD is lent: 6/80 of the way to 10 % a year
    venue = vault.venue.columns["param"][len(vault.venue.columns["market_price"])]
    used = ceil(Fraction(6_000 * RATE_ONE, 100_000))
    rate = floor(Fraction(int(venue[parameter.BORROW_KINK_RATE]) * used, int(venue[parameter.BORROW_KINK])))
    index = vault.cell(state.BORROW_INDEX)
    assert 0 <= rate - index <= 2  # the debt has grown a little, and the sweep takes whole units
    paid = before - vault.raw(0)
    assert paid == vault.cell(state.RESERVE)
    assert ceil(Fraction(6_000 * USD * index, 10**12)) <= paid <= ceil(Fraction(6_000 * USD * index, 10**12)) + 62
    vault.sound()


def test_who_repays_owes_no_more(vault: Vault) -> None:
    withdraw(vault, 1_000)
    vault.pass_time(600_000)
    vault.deposit(0, 2_000)
    assert vault.cell(state.BORROWED) == 0
    index = vault.cell(state.BORROW_INDEX)
    assert index > 0
    vault.pass_time(600_000)
    assert vault.cell(state.BORROW_INDEX) == index
    vault.sound()


def test_a_debt_that_stands_is_one_time_however_often_its_bucket_is_written(vault: Vault) -> None:
    """Each change of the debt rounds its interest up once; a write that leaves it as it was does not."""
    assert withdraw(vault, 6_000) == code.OK
    s, cell = state.for_kernels(vault.venue.array)[0], vault.venue.columns["cell"]
    for _ in range(5):
        cell[state.BORROW_INDEX] += 1
        note_debt(s, 0)
    assert int(interest_of(s, 0)) == ceil(Fraction(6_000 * USD * 5, 10**12)) == 1
    add_cash(s, 0, 1)
    cell[state.BORROW_INDEX] += 1
    assert int(interest_of(s, 0)) == 2


def test_interest_does_not_depend_on_how_often_the_clock_ticks() -> None:
    paid = []
    for step in (1_000, 30_000):
        vault = Vault()
        vault.asset(ETH, ETHER)
        vault.account()
        vault.account(100_000)
        vault.give(0, ETH, 100)
        withdraw(vault, 8_000)
        for _ in range(300_000 // step):
            vault.tick(step)
            vault.price(ETHER, PRICE)
        paid.append((vault.cell(state.BORROW_INDEX), vault.cell(state.RESERVE)))
    assert abs(paid[0][0] - paid[1][0]) <= 1
    assert 0 <= paid[0][1] - paid[1][1] <= 300  # each charge rounds up


def test_the_rate_bends_at_the_kink(vault: Vault) -> None:
    from seawall.engine.borrowing import borrow_rate, utilisation

    s = state.for_kernels(vault.venue.array)[0]
    venue = vault.venue.columns["param"][len(vault.venue.columns["market_price"])]
    kink, bend = int(venue[parameter.BORROW_KINK]), int(venue[parameter.BORROW_KINK_RATE])
    top = int(venue[parameter.BORROW_FULL_RATE])
    steep = bend + floor(Fraction((top - bend) * (ceil(Fraction(9 * RATE_ONE, 10)) - kink), RATE_ONE - kink))
    for borrowed, wanted in ((0, 0), (8, bend), (9, steep), (10, top)):
        vault.venue.columns["cell"][state.BORROWED] = borrowed * 10_000 * USD
        vault.venue.columns["cell"][state.VAULT] = (10 - borrowed) * 10_000 * USD
        rate = int(borrow_rate(s))
        assert int(utilisation(s)) == ceil(Fraction(borrowed * RATE_ONE, 10))
        assert rate == wanted


def test_no_more_is_lent_than_the_share_of_the_vault_and_none_that_is_not_there() -> None:
    vault = Vault()
    vault.asset(ETH, ETHER)
    vault.account()
    vault.account(10_000)
    vault.give(0, ETH, 1_000)  # worth 80,000 for new risk
    assert vault.may_leave(0) == 8_000 * USD
    vault.refused(code.WITHDRAWABLE, kind=command.WITHDRAW, signer=0, account=0, amount=8_000 * USD + 1)
    assert withdraw(vault, 8_000) == code.OK
    vault.sound()
    done = vault.do(kind=command.WITHDRAW, signer=1, account=1, amount=2_001 * USD)
    assert done.codes[0] == code.VAULT_SHORT
    assert vault.do(kind=command.WITHDRAW, signer=1, account=1, amount=2_000 * USD).codes[0] == code.OK
    vault.sound()


def test_collateral_leaves_down_to_initial_margin_and_not_a_lot_more(vault: Vault) -> None:
    vault.trade(0, 1, BITCOIN, PRICE, 400)  # 40,000 at 20x: 2,000; the floor of 10 % is 4,000
    assert out(vault, ETH, 51) == code.WITHDRAWABLE
    assert out(vault, ETH, 50) == code.OK
    assert vault.measured(0)[1] == 4_000 * USD
    vault.sound()
    identity = int(vault.venue.columns["withdrawal_id"].max())
    vault.must(kind=command.CANCEL_WITHDRAWAL, signer=command.BRIDGE, reference=identity)
    assert vault.holding(0, ETH) == 100
    vault.sound()


def test_collateral_without_a_fresh_price_stays_and_backs_nothing_new(vault: Vault) -> None:
    vault.tick(11_000)
    vault.price(BITCOIN, PRICE)
    assert vault.measured(0)[:2] == (9_000 * USD, 0)
    assert out(vault, ETH, 1) == code.STALE_PRICE
    assert withdraw(vault, 1) == code.STALE_PRICE
    assert vault.settle() == []
    vault.sound()


def test_it_moves_to_isolated_and_returns_with_what_is_left(vault: Vault) -> None:
    vault.deposit(0, 100)
    isolated = {"kind": command.SET_LEVERAGE, "signer": 0, "account": 0, "market": BITCOIN, "flags": command.ISOLATED}
    vault.must(**isolated, size=10)
    vault.trade(0, 1, BITCOIN, PRICE, 5)
    own = int(vault.venue.columns["account_isolated"][0]) - 1
    move = {"kind": command.MOVE_ASSET, "signer": 0, "account": 0, "market": BITCOIN, "other": ETH}
    vault.must(**move, flags=command.ISOLATED, size=30)
    assert (vault.holding(0, ETH), vault.holding(own, ETH)) == (70, 30)
    vault.refused(code.WITHDRAWABLE, **move, size=31)
    vault.must(**move, size=10)
    vault.sound()
    vault.place(1, BITCOIN, 0, PRICE, 5)
    vault.place(0, BITCOIN, command.SELL, PRICE, 5)
    assert vault.holding(0, ETH) == 100
    assert int(vault.venue.columns["account_isolated"][0]) == 0
    vault.sound()


def borrower(vault: Vault, usd: int = 7_900) -> None:
    """The first account owes so much against 100 lots of ether."""
    assert withdraw(vault, usd) == code.OK


def pool(vault: Vault, usd: int) -> int:
    """A backstop vault of ether with so much; its bucket."""
    from seawall.ledger.markets import BACKSTOP, pool_bucket

    rich = vault.account(usd)
    fields = {"account": rich, "market": ETHER, "flags": command.BACKSTOP, "amount": usd * USD}
    vault.must(kind=command.POOL_ADD, signer=rich, **fields)
    return int(pool_bucket(state.for_kernels(vault.venue.array)[0], ETHER, BACKSTOP))


def test_a_crash_sells_just_enough_to_the_vault_and_the_receipt_says_so(vault: Vault) -> None:
    bucket = pool(vault, 50_000)
    borrower(vault)
    vault.move(ETHER, 87 * USD)
    assert vault.measured(0)[0] < 0
    events = vault.settle()
    sold = [row for row in events if row["kind"] == event.ASSET_SOLD]
    assert len(sold) == 1
    row = sold[0]
    price = ceil(Fraction(87 * USD * 95, 100))
    assert (row["bucket"], row["other"], row["order"], row["price"]) == (0, bucket, ETH, price)
    assert row["amount"] == row["size"] * price
    assert row["equity"] < row["maintenance"]
    assert vault.measured(0)[0] >= 0
    lots = row["size"]
    assert 9_000 * USD - (lots - 2) * 87 * USD < 0 or lots < 40  # least that heals: a few lots, not all
    assert vault.holding(bucket, ETH) == lots
    assert vault.cell(state.BAD_DEBT) == 0
    vault.sound()


def test_without_a_vault_anybody_may_buy_at_the_discount_and_nobody_above_need(vault: Vault) -> None:
    borrower(vault)
    buy = {"kind": command.BUY_ASSET, "signer": 1, "account": 1, "other": ETH, "reference": 0}
    vault.refused(code.NOT_FOR_SALE, **buy, size=1, price=PRICE)  # not in liquidation
    vault.move(ETHER, 85 * USD)
    events = vault.settle()
    assert [row["amount"] for row in events if row["kind"] == event.LIQUIDATION_WAITS] == [7]
    price = ceil(Fraction(85 * USD * 95, 100))
    vault.refused(code.NOT_FOR_SALE, **buy, size=1, price=price - 1)
    vault.refused(code.NOT_FOR_SALE, **buy, size=100, price=price)
    offered = next(
        lots for lots in range(100, 0, -1) if vault.venue.copy().apply(row_of(vault, lots, price)).codes[0] == 0
    )
    vault.must(**buy, size=offered, price=price)
    vault.settle()
    assert vault.measured(0)[0] >= 0
    assert vault.holding(1, ETH) == offered
    assert not vault.venue.columns["bucket_liquidating"][0]
    vault.sound()


def row_of(vault: Vault, lots: int, price: int):  # type: ignore[no-untyped-def]
    from seawall.engine.rows import rows_of

    fields = {"kind": command.BUY_ASSET, "signer": 1, "account": 1, "other": ETH, "reference": 0}
    return rows_of([{**fields, "size": lots, "price": price, "nonce": vault.now + 9_999}])


def test_stable_assets_are_sold_first_then_the_least_haircut() -> None:
    vault = Vault()
    vault.index(DOLLAR, USD * 100)
    vault.asset(0, ETHER)
    vault.asset(1, BITCOIN, weight_maintenance=RATE_ONE * 95 // 100)
    vault.asset(2, DOLLAR, kind=asset_parameter.STABLE, weight_maintenance=RATE_ONE * 85 // 100)
    vault.account()
    vault.account(100_000)
    from seawall.liquidation.selling import next_for_sale

    for asset in range(3):
        vault.give(0, asset, 10)
    s = state.for_kernels(vault.venue.array)[0]
    order, row, rank = [], 0, 2**40
    while True:
        row, rank = next_for_sale(s, 0, rank, row)
        if row == 0:
            break
        order.append(int(vault.venue.columns["holding_asset"][row]))
    assert order == [2, 1, 0]


def test_what_collateral_does_not_cover_is_paid_by_the_reserve_of_interest_first(vault: Vault) -> None:
    borrower(vault)
    vault.pass_time(3_600_000)
    vault.move(ETHER, 70 * USD)
    vault.settle()
    reserve = vault.cell(state.RESERVE)
    assert reserve > 0
    price = ceil(Fraction(70 * USD * 95, 100))
    vault.must(kind=command.BUY_ASSET, signer=1, account=1, other=ETH, reference=0, size=100, price=price)
    events = vault.settle()
    paid = [(row["other"], row["amount"]) for row in events if row["kind"] == event.DEFICIT]
    owed = 7_900 * USD + reserve - 100 * price
    assert paid[0] == (event.INTEREST, reserve)
    assert paid[1][0] == -1
    assert abs(reserve + paid[1][1] - owed) < 100
    assert vault.raw(0) == 0
    assert vault.cell(state.BAD_DEBT) == -paid[1][1]
    vault.sound()


def test_a_pool_with_collateral_sells_it_at_its_worth_and_is_joined_at_that(vault: Vault) -> None:
    bucket = pool(vault, 50_000)
    borrower(vault)
    vault.move(ETHER, 80 * USD)
    vault.settle()
    held = vault.holding(bucket, ETH)
    assert held > 0
    buy = {"kind": command.BUY_ASSET, "signer": 1, "account": 1, "other": ETH, "reference": bucket}
    vault.refused(code.NOT_FOR_SALE, **buy, size=held, price=80 * USD - 1)
    shares = int(vault.venue.columns["market_shares_backstop"][ETHER])
    worth = vault.raw(bucket) + held * 80 * USD
    joined = {"account": 1, "market": ETHER, "flags": command.BACKSTOP, "amount": 1_000 * USD}
    minted = vault.must(kind=command.POOL_ADD, signer=1, **joined).of_kind(event.SHARES)[0]["size"]
    assert minted == floor(Fraction(1_000 * USD * shares, worth))
    vault.must(**buy, size=held, price=80 * USD)
    assert vault.holding(bucket, ETH) == 0
    vault.sound()


def test_a_risk_proposal_lowers_the_initial_weight_at_once_and_never_above_the_admins(vault: Vault) -> None:
    which = number_of("weight_initial")
    fields = {"other": ETH, "size": which, "amount": 3, "expires": vault.now + 60_000}
    propose = {"kind": command.PROPOSE_ASSET, "signer": command.RISK, **fields}
    vault.must(**propose, price=RATE_ONE // 2, reference=1)
    assert vault.measured(0)[:2] == (9_000 * USD, 5_000 * USD)
    vault.refused(code.OUTSIDE_RAILS, **propose, price=RATE_ONE * 51 // 100, reference=2)  # an hour has not passed
    vault.refused(code.OUTSIDE_RAILS, **propose, price=RATE_ONE * 9 // 10, reference=2)
    vault.refused(code.BAD_PARAMETER, **{**propose, "size": number_of("weight_maintenance")}, price=0, reference=2)
    vault.refused(code.NOT_ENOUGH_SIGNERS, **{**propose, "amount": 1}, price=0, reference=2)
    vault.pass_time(3_600_000 + 600_000)  # silence: one step back an hour
    assert vault.venue.columns["asset_param"][ETH, which] == RATE_ONE // 2 + RATE_ONE // 50
    vault.sound()


def test_the_admin_waits_a_day_where_somebody_could_be_hurt(vault: Vault) -> None:
    setting = {"kind": command.SET_ASSET, "signer": command.ADMIN, "other": ETH}
    lower = {"reference": number_of("weight_maintenance"), "price": RATE_ONE // 2}
    vault.refused(code.NOT_DUE, **setting, **lower)
    vault.must(**setting, **lower, expires=vault.now + DAY_MS)
    vault.refused(code.NOT_DUE, **setting, reference=number_of("supply_cap"), price=2**21)
    vault.refused(code.BAD_PARAMETER, **setting, reference=number_of("discount"), price=RATE_ONE // 5)
    vault.pass_time(DAY_MS)
    assert vault.measured(0)[0] == 5_000 * USD
    vault.sound()


def test_one_tick_makes_a_bounded_number_of_changes_and_the_next_goes_on() -> None:
    vault = Vault()
    names = (
        "supply_start",
        "supply_cap",
        "account_cap",
        "weight_initial",
        "peg_band",
        "stable_speed",
        "scan",
        "range_min",
    )
    due = vault.now + DAY_MS
    for number in range(5):
        vault.asset(number, ETHER)
        for name in names:
            vault.set_asset(number, name, 7, expires=due)
    while vault.now < due - 59_000:
        vault.tick(59_000)
    columns = vault.venue.columns
    assert int((columns["asset_from"] != 0).sum()) == 40
    vault.tick(due - vault.now)
    assert int((columns["asset_from"] != 0).sum()) == 40 - limits.ASSET_CHANGES_PER_TICK
    vault.tick(1)
    assert not columns["asset_from"].any()
    assert (columns["asset_param"][:5, number_of("peg_band")] == 7).all()


def test_a_redeemable_asset_counts_at_the_lower_price_and_backs_nothing_off_its_peg() -> None:
    vault = Vault()
    vault.index(DOLLAR, 100 * USD)
    vault.index(PAR, 100 * USD)
    vault.asset(ETH, ETHER)
    vault.asset(USDE, DOLLAR, PAR, kind=asset_parameter.STABLE)
    vault.account()
    vault.give(0, USDE, 100)
    assert vault.measured(0)[:2] == (9_000 * USD, 8_000 * USD)
    vault.move(DOLLAR, 99 * USD)
    assert vault.measured(0)[:2] == (8_910 * USD, 7_920 * USD)
    vault.move(DOLLAR, 97 * USD)
    assert vault.measured(0)[:2] == (8_730 * USD, 0)  # 3 % off: more than the band of 2 %
    vault.set_asset(USDE, "redemption_floor", RATE_ONE * 98 // 100, expires=vault.now + DAY_MS)
    vault.pass_time(DAY_MS)
    assert vault.measured(0)[:2] == (8_820 * USD, 0)
    vault.move(DOLLAR, 60 * USD)
    assert vault.measured(0)[0] == 8_820 * USD  # it can be redeemed: what is open is not priced below
    vault.move(PAR, 50 * USD)
    assert vault.measured(0)[0] == 5_000 * USD * 98 // 100 * 9 // 10 or vault.measured(0)[0] == 4_500 * USD
    vault.sound()


def test_the_number_of_a_market_that_prices_collateral_is_not_used_again(vault: Vault) -> None:
    vault.must(kind=command.DELIST, signer=command.ADMIN, market=ETHER, price=0)
    for _ in range(70):
        vault.tick()
    listing = {"kind": command.LIST_MARKET, "signer": command.ADMIN, "market": ETHER, "other": 0, "price": 2**33}
    assert vault.do(**listing).codes[0] == code.MARKET_IN_USE
    assert vault.measured(0)[1] == 0
    vault.sound()


def test_a_weight_and_a_discount_fit_together_whichever_comes_first(vault: Vault) -> None:
    setting = {"kind": command.SET_ASSET, "signer": command.ADMIN, "other": ETH}
    weight, discount = asset_parameter.WEIGHT_MAINTENANCE, asset_parameter.DISCOUNT
    vault.refused(code.BAD_PARAMETER, **setting, reference=weight, price=RATE_ONE * 96 // 100)
    vault.refused(code.BAD_PARAMETER, **setting, reference=discount, price=RATE_ONE * 11 // 100)
    vault.must(**setting, reference=weight, price=RATE_ONE * 95 // 100)
    vault.refused(code.BAD_PARAMETER, **setting, reference=discount, price=RATE_ONE * 6 // 100)


def test_no_proposal_of_a_small_step_goes_above_the_admins_weight(vault: Vault) -> None:
    fields = {"kind": command.PROPOSE_ASSET, "signer": command.RISK, "other": ETH, "amount": 3}
    which, static = asset_parameter.WEIGHT_INITIAL, RATE_ONE * 8 // 10
    vault.pass_time(2 * 3_600_000)
    life = {"size": which, "expires": vault.now + 60_000}
    vault.refused(code.OUTSIDE_RAILS, **fields, **life, reference=1, price=static + 1)
    vault.must(**fields, **life, reference=1, price=static - 1)
    vault.refused(code.OUTSIDE_RAILS, **fields, **life, reference=2, price=static)  # the way back waits an hour
