"""Each stage of the waterfall by hand: who pays, at what price, to the micro-USD, and when the next one may."""

import pytest

from liquidation_world import COVER, FLOOR, SHARE, USD, Arena, of_kind, stages
from seawall.ledger import state
from seawall.ledger.markets import BACKSTOP
from seawall.liquidation import partial
from seawall.terms import command, event, parameter
from seawall.units import RATE_ONE

MARK = 100 * USD


def one_long(cash: int, size: int = 100, *, maker: int = 10**12, **params: int) -> tuple[Arena, int, int, int]:
    """(arena, loser, winner, maker): a long of `size` at 100 USD with `cash`; maintenance 2.5 % of notional."""
    arena = Arena()
    arena.market(MARK, **params)
    winner, loser = arena.bucket(10**12), arena.bucket(cash)
    arena.deal(loser, winner, 0, size, MARK)
    return arena, loser, winner, arena.bucket(maker)


# stage 1 and 2


def test_a_healthy_bucket_is_left_alone_and_one_micro_less_is_not() -> None:
    arena, loser, _, _ = one_long(250 * USD)
    assert arena.run() == []
    arena, loser, _, maker = one_long(250 * USD - 1)
    arena.bid(maker, 0, MARK, 100)
    assert stages(arena.run())[0] == event.LIQUIDATION
    assert arena.size(loser) < 100


def test_orders_go_first_some_in_each_unit() -> None:
    """150 orders of the bucket: 64, 64 and 22 in three units; only then is anything sold."""
    arena, loser, _, maker = one_long(240 * USD)
    arena.bid(maker, 0, MARK, 100)
    for k in range(150):
        arena.bid(loser, 0, 50 * USD + k * 10_000, 1)
    found = arena.run()
    assert [e["size"] for e in of_kind(found, event.LIQUIDATION_CANCELS)] == [64, 64, 22]
    assert len(of_kind(found, event.CANCELLED)) == 150
    first_fill = [e["kind"] for e in found].index(event.FILL)
    assert [e["kind"] for e in found[:first_fill]].count(event.CANCELLED) == 150
    assert arena.c["bucket_orders"][loser] == 0


def test_a_partial_close_ends_at_liquidation_end_and_pays_its_fee_to_the_fund() -> None:
    arena, loser, _, maker = one_long(240 * USD, liquidation_fee=RATE_ONE // 200)
    arena.bid(maker, 0, MARK, 100)
    found = arena.run()
    (fill,) = of_kind(found, event.LIQUIDATION_FILL)
    equity, needed = arena.health(loser)
    assert equity * 50 >= needed * 51  # 2 % above maintenance
    assert fill["amount"] == -fill["size"] * MARK // 200 == arena.c["market_insurance"][0]
    assert equity == 240 * USD - fill["amount"]
    assert of_kind(found, event.INSURANCE)[0]["other"] == event.LIQUIDATION_FILL
    assert stages(found) == [event.LIQUIDATION, event.LIQUIDATION_FILL, event.LIQUIDATION_END]
    assert of_kind(found, event.LIQUIDATION_END)[0]["amount"] == 0


def test_no_fill_is_past_the_bankruptcy_price_and_none_takes_the_last_cent_as_a_fee() -> None:
    """Equity 200 over 100 lots: b = 98. A bid at 98 fills, one micro-USD of grid lower does not."""
    for price, sold in ((98 * USD, True), (98 * USD - 1_000, False)):
        arena, loser, _, maker = one_long(200 * USD)
        arena.bid(maker, 0, price, 100)
        fills = of_kind(arena.run(), event.LIQUIDATION_FILL)
        assert bool(fills) is sold
        assert arena.raw(loser) == 0
        assert [f["amount"] for f in fills] == ([0] if sold else [])


# stage 3


def with_vault(cash: int, vault_cash: int, cap: int, **params: int) -> tuple[Arena, int, int]:
    arena, loser, _, _ = one_long(cash, backstop_cap=cap, **params)
    vault = arena.pool(0, BACKSTOP)
    arena.cash(vault, vault_cash)
    return arena, loser, vault


def test_the_vault_takes_at_the_bankruptcy_price_when_the_book_is_empty() -> None:
    arena, loser, vault = with_vault(200 * USD, 10_000 * USD, 10**12)
    found = arena.run()
    (taken,) = of_kind(found, event.BACKSTOP)
    assert (taken["price"], taken["size"], taken["other"]) == (98 * USD, -100, vault)
    assert arena.size(vault) == 100
    assert arena.raw(loser) == 0
    assert arena.health(vault)[0] == 10_200 * USD
    assert not of_kind(found, event.ADL)


def test_below_two_thirds_the_vault_comes_before_the_book_and_above_it_does_not() -> None:
    for cash, stage in ((166_666_666, event.BACKSTOP), (166_666_667, event.LIQUIDATION_FILL)):
        arena, _, _ = with_vault(cash, 10_000 * USD, 10**12)
        arena.bid(arena.bucket(10**12), 0, MARK, 200)
        assert stages(arena.run())[1] == stage


def test_the_vault_takes_no_more_than_its_cap_and_its_own_margin() -> None:
    """Cap of 40 lots; or 300 USD of its own, which with the gain of 2 USD a lot carries 5 % of notional of 100 lots."""
    arena, _, vault = with_vault(200 * USD, 10_000 * USD, 40 * MARK)
    found = arena.run()
    assert arena.size(vault) == 40
    assert sum(e["size"] for e in of_kind(found, event.ADL)) == -60
    arena, _, vault = with_vault(200 * USD, 90 * USD, 10**12)
    arena.run()
    held = arena.size(vault)
    assert 0 < held < 100
    assert arena.health(vault)[0] >= held * MARK // 20
    assert (90 + 2 * (held + 1)) * USD < (held + 1) * MARK // 20


def test_a_vault_in_liquidation_takes_nothing_not_even_from_itself() -> None:
    """The vault's own long is unhealthy: it goes to the other side, and the loser's too."""
    arena, loser, vault = with_vault(200 * USD, 100 * USD, 10**12)
    winner = 0
    arena.deal(vault, winner, 0, 50, MARK)
    found = arena.run()
    assert not of_kind(found, event.BACKSTOP)
    assert {e["bucket"] for e in of_kind(found, event.ADL)} == {loser, vault}
    assert arena.size(vault) == arena.size(loser) == 0


def test_a_vault_in_liquidation_does_not_even_take_what_would_help_it() -> None:
    """The vault is long and unhealthy, the loser short and worse: it goes to the other side of the market."""
    arena = Arena(MARK)
    arena.param(0, "backstop_cap", 10**12)
    vault, loser, bank = arena.pool(0, BACKSTOP), arena.bucket(170 * USD), arena.bucket(10**12)
    arena.cash(vault, 100 * USD)
    arena.deal(vault, bank, 0, 50, MARK)
    arena.deal(bank, loser, 0, 100, MARK)
    found = arena.run()
    assert not of_kind(found, event.BACKSTOP)
    assert of_kind(found, event.ADL)[0]["bucket"] == loser
    assert arena.size(vault) == arena.size(loser) == 0


def test_claims_of_one_position_are_counted_over_its_steps() -> None:
    """A cap of 150 USD: 148 for 37 lots of the vault, so 2 are left for the rest, though the fund is full."""
    arena, _, _ = with_vault(600 * USD, 10_000 * USD, 10**12, claim_cap=150 * USD)
    arena.insure(0, 10_000 * USD)
    arena.mark(0, 90 * USD)
    found = arena.run()
    assert [e["size"] for e in of_kind(found, event.BACKSTOP)] == [-37]
    paid = [e["amount"] for e in of_kind(found, event.DEFICIT)]
    assert paid[0] == 148 * USD
    assert 150 * USD - 63 < sum(paid) <= 150 * USD


def test_the_vault_takes_from_the_debtor_at_mark_only_what_insurance_pays_for() -> None:
    """Mark 90 after a long at 100 with 600 of cash: debt 400 over 100 lots. The fund has 101 USD: 25 lots of 4 USD."""
    arena, loser, _ = with_vault(600 * USD, 10_000 * USD, 10**12)
    arena.insure(0, 101 * USD)
    arena.mark(0, 90 * USD)
    found = arena.run()
    (taken,) = of_kind(found, event.BACKSTOP)
    assert (taken["size"], taken["price"]) == (-25, 90 * USD)
    deficits = of_kind(found, event.DEFICIT)
    assert (deficits[0]["amount"], deficits[0]["other"]) == (100 * USD, event.INSURANCE)
    assert 101 * USD - 75 < sum(e["amount"] for e in deficits) <= 101 * USD  # the last 75 lots' price rounds
    assert arena.size(loser) == arena.raw(loser) == 0


# stages 4 to 6


def debtor(fund: int, **params: int) -> tuple[Arena, int, int]:
    """(arena, loser, winner): mark 90, debt 400 USD over 100 lots, a winner with 1,000 USD of profit and plenty."""
    arena, loser, winner, _ = one_long(600 * USD, **params)
    arena.insure(0, fund)
    arena.mark(0, 90 * USD)
    return arena, loser, winner


def test_insurance_pays_and_the_winner_closes_at_mark() -> None:
    arena, loser, winner = debtor(400 * USD)
    found = arena.run()
    assert stages(found) == [event.LIQUIDATION, event.DEFICIT, event.ADL, event.LIQUIDATION_END]
    (closed,) = of_kind(found, event.ADL)
    assert (closed["price"], closed["size"], closed["other"]) == (90 * USD, -100, winner)
    assert arena.raw(winner) == 10**12 + 1_000 * USD
    assert arena.raw(loser) == arena.c["market_insurance"][0] == 0


@pytest.mark.parametrize(("fund", "price"), [(0, 94 * USD), (100 * USD, 93 * USD), (400 * USD - 1, 90 * USD + 1)])
def test_what_insurance_lacks_is_in_the_price_of_the_winner(fund: int, price: int) -> None:
    arena, loser, winner = debtor(fund)
    (closed,) = of_kind(arena.run(), event.ADL)
    assert closed["price"] == price
    assert arena.raw(winner) == 10**12 + 100 * (MARK - price)
    assert 0 <= arena.raw(loser) < 100
    assert arena.c["cell"][state.BAD_DEBT] == 0


def test_a_claim_is_capped_for_one_position() -> None:
    arena, _, _ = debtor(400 * USD, claim_cap=150 * USD)
    found = arena.run()
    assert [e["amount"] for e in of_kind(found, event.DEFICIT)] == [150 * USD]
    assert of_kind(found, event.ADL)[0]["price"] == 92_500_000
    assert arena.c["market_insurance"][0] == 250 * USD


def weak_side(equity_at_90: int, **venue: int) -> Arena:
    """A debtor (0) of 400 USD; its only counterparty (1) has 1,000 of profit and that equity; a rich bystander (2)."""
    arena = Arena(MARK)
    loser, winner, _ = arena.bucket(600 * USD), arena.bucket(equity_at_90 - 1_000 * USD), arena.bucket(10**10)
    arena.deal(loser, winner, 0, 100, MARK)
    for name, value in venue.items():
        arena.param(-1, name, value)
    arena.mark(0, 90 * USD)
    return arena


def test_a_winner_who_would_be_hurt_is_not_closed_above_mark_but_cut() -> None:
    """With an equity of 500 it closes at 94, which costs it 400; with 300 it would be in debt.

    So it is closed at mark, and cut: of its profit what its equity covers. 100 USD nobody can pay.
    """
    found = weak_side(500 * USD).run()
    assert not of_kind(found, event.SOCIALISED)
    assert of_kind(found, event.ADL)[0]["price"] == 94 * USD
    arena = weak_side(300 * USD)
    found = arena.run()
    assert [(e["bucket"], e["amount"]) for e in of_kind(found, event.SOCIALISED)] == [(1, 300 * USD)]
    assert of_kind(found, event.ADL)[0]["price"] == 90 * USD
    assert arena.raw(1) == 0
    assert arena.c["cell"][state.BAD_DEBT] == -100 * USD
    assert [(e["other"], e["amount"]) for e in of_kind(found, event.DEFICIT)] == [
        (event.SOCIALISED, 400 * USD),
        (-1, 100 * USD),
    ]


def test_who_is_closed_and_who_stays_are_cut_alike() -> None:
    """Neither short can close at 94. Profit: 399 (its equity) of the one that is closed at mark, 1,800 of a long."""
    arena = Arena(MARK)
    loser, weak, early = arena.bucket(600 * USD), arena.bucket(-601 * USD), arena.bucket(10**9)
    late = arena.bucket(2_031 * USD)
    arena.deal(loser, weak, 0, 100, MARK)
    arena.deal(early, late, 0, 60, 60 * USD)
    arena.mark(0, 90 * USD)
    assert [arena.health(b)[0] // USD for b in (weak, late)] == [399, 231]
    found = arena.run()
    cuts = {e["bucket"]: e["amount"] for e in of_kind(found, event.SOCIALISED)}
    assert cuts == {weak: 400 * USD * 399 // 2_199, early: 400 * USD - 400 * USD * 399 // 2_199}
    assert arena.raw(weak) == 399 * USD - cuts[weak]
    assert arena.raw(early) == 10**9 - 60 * 60 * USD - cuts[early]
    assert arena.c["cell"][state.BAD_DEBT] == 0


def test_without_socialising_what_is_short_is_bad_debt() -> None:
    arena = weak_side(300 * USD, socialise=0)
    found = arena.run()
    assert [(e["other"], e["amount"]) for e in of_kind(found, event.DEFICIT)] == [(-1, 400 * USD)]
    assert arena.c["cell"][state.BAD_DEBT] == -400 * USD
    assert arena.raw(1) == 300 * USD
    assert arena.size(0) == arena.size(1) == 0


def test_cover_deficit_pays_from_the_fund_then_from_profit() -> None:
    """For settlement: a bucket without positions and a debt of 500 in a market whose fund has 120."""
    arena, _, winner, _ = one_long(1_000 * USD)
    debtor_ = arena.bucket(-500 * USD)
    arena.insure(0, 120 * USD)
    arena.mark(0, 95 * USD)
    arena.take_events()
    assert arena.do(COVER, debtor_, 0)[0] == 500 * USD
    assert arena.raw(debtor_) == 0
    assert arena.c["market_short"][0] == 380 * USD
    arena.do(SHARE)
    assert arena.c["market_short"][0] == arena.c["cell"][state.BAD_DEBT] == 0
    assert arena.raw(winner) == 10**12 + 100 * MARK - 380 * USD
    arena.check()
    assert arena.do(COVER, debtor_, 0)[0] == 0
    assert arena.do(COVER, winner, 0)[0] == 0


def test_a_debt_of_no_market_is_told_as_bad_debt() -> None:
    """An account that sold out below its bankruptcy price by itself: no fund can be asked for it."""
    arena = Arena(MARK)
    debtor_, _ = arena.bucket(-5 * USD), arena.bucket(10**9)
    arena.c["bucket_fired"][debtor_] = 1
    arena.c["fired"][0], arena.c["count"][3] = debtor_, 1
    found = arena.run()
    assert [(e["market"], e["other"], e["amount"]) for e in of_kind(found, event.DEFICIT)] == [(-1, -1, 5 * USD)]
    assert arena.raw(debtor_) == 0
    assert arena.c["cell"][state.GATE_UNTIL] > arena.c["cell"][state.NOW]


# what only time holds up


def test_stale_and_halted_markets_wait_and_nothing_happens_to_the_bucket() -> None:
    arena, loser, _, maker = one_long(240 * USD)
    arena.bid(maker, 0, MARK, 200)
    arena.c["market_fresh"][0] = 0
    for why, column, value in ((partial.STALE, "market_fresh", 0), (partial.HALTED, "market_status", command.HALTED)):
        arena.c["market_fresh"][0] = 1
        before = arena.c[column][0]
        arena.c[column][0] = value
        found = arena.liquidate() + arena.liquidate()
        assert [e["amount"] for e in of_kind(found, event.LIQUIDATION_WAITS)] == [why]
        assert arena.size(loser) == 100
        assert not arena.c["bucket_liquidating"][loser]
        arena.c[column][0] = before
    arena.run()
    assert arena.size(loser) < 100


def test_a_price_too_old_is_stale() -> None:
    arena, loser, _, maker = one_long(240 * USD)
    arena.bid(maker, 0, MARK, 200)
    arena.c["cell"][state.NOW] += 10_001
    assert of_kind(arena.liquidate(), event.LIQUIDATION_WAITS)[0]["amount"] == partial.STALE
    arena.pass_time(0)
    arena.run()
    assert arena.size(loser) < 100


def test_a_stale_market_does_not_shield_the_positions_in_others() -> None:
    arena = Arena(MARK, MARK)
    winner, loser, maker = arena.bucket(10**12), arena.bucket(240 * USD), arena.bucket(10**12)
    arena.deal(loser, winner, 0, 99, MARK)
    arena.deal(loser, winner, 1, 1, MARK)
    arena.bid(maker, 0, MARK, 200)
    arena.c["market_fresh"][1] = 0
    arena.run()
    assert arena.size(loser, 0) < 99
    assert arena.size(loser, 1) == 1


def test_capacity_of_a_window_is_a_bound_and_comes_back() -> None:
    arena, loser, _, maker = one_long(200 * USD, liquidation_capacity=30 * MARK)
    arena.bid(maker, 0, 98 * USD, 1_000)
    sold = [0]
    for _ in range(4):
        found = arena.liquidate() + arena.liquidate()
        sold.append(100 - arena.size(loser))
        assert sum(-e["size"] for e in of_kind(found, event.LIQUIDATION_FILL)) <= 30
        arena.pass_time(10_000)
    assert sold[1:4] == [30, 60, 90]
    assert of_kind(found, event.LIQUIDATION_END)


def test_throttled_below_two_thirds_the_vault_takes_at_once_and_without_one_adl_comes_after_a_window() -> None:
    for cap, expected in ((10**12, event.BACKSTOP), (0, event.LIQUIDATION_WAITS)):
        arena, loser, _, maker = one_long(160 * USD, liquidation_capacity=30 * MARK, backstop_cap=cap)
        arena.cash(arena.pool(0, BACKSTOP), 10_000 * USD)
        arena.bid(maker, 0, 99 * USD, 1_000)
        arena.c["market_capacity_start"][0] = arena.c["cell"][state.NOW]
        arena.c["market_capacity_used"][0] = 30 * MARK
        assert stages(arena.liquidate())[1] == expected
    arena.pass_time(9_999)
    arena.c["market_capacity_start"][0] = arena.c["cell"][state.NOW]
    assert arena.liquidate() == []
    arena.pass_time(1)
    assert stages(arena.liquidate())[0] == event.ADL
    assert arena.size(loser) == 0


def test_a_debtor_does_not_wait_for_capacity() -> None:
    arena, loser, _ = debtor(0, liquidation_capacity=MARK)
    arena.c["market_capacity_start"][0] = arena.c["cell"][state.NOW]
    arena.c["market_capacity_used"][0] = MARK
    assert stages(arena.liquidate())[1] == event.ADL
    assert arena.size(loser) == 0


def test_the_gate_holds_forced_orders_near_the_index_for_a_window() -> None:
    """Bids 2 % below an index at 100: inside b (97.6), outside a gate of 1 %."""
    arena, loser, _, maker = one_long(240 * USD, gate=RATE_ONE // 100)
    arena.bid(maker, 0, 98 * USD, 1_000)
    found = arena.liquidate()
    assert of_kind(found, event.LIQUIDATION_WAITS)[0]["amount"] == partial.GATE
    arena.pass_time(9_999)
    arena.liquidate()
    assert arena.size(loser) == 100
    arena.pass_time(1)
    assert of_kind(arena.liquidate(), event.ADL)
    assert arena.size(loser) == 0


def test_at_the_gate_it_fills() -> None:
    arena, loser, _, maker = one_long(240 * USD, gate=RATE_ONE // 100)
    arena.bid(maker, 0, 99 * USD, 1_000)
    assert of_kind(arena.run(), event.LIQUIDATION_FILL)
    assert 0 <= arena.size(loser) < 100


def test_cooldown_between_steps() -> None:
    arena, loser, _, maker = one_long(240 * USD)
    for name, value in (("partial_mode", parameter.SHARE_STEP), ("partial_share", RATE_ONE // 10)):
        arena.param(-1, name, value)
    arena.param(-1, "partial_floor", 0)
    arena.param(-1, "partial_cooldown_ms", 1_000)
    arena.bid(maker, 0, MARK, 1_000)
    found = arena.liquidate()
    assert arena.size(loser) == 90
    assert not of_kind(found, event.LIQUIDATION_WAITS)
    arena.cash(loser, -40 * USD)
    found = arena.liquidate()
    if not of_kind(found, event.LIQUIDATION_WAITS):
        found = arena.liquidate()
    arena.pass_time(999)
    arena.liquidate()
    assert arena.size(loser) == 90
    arena.pass_time(1)
    arena.liquidate()
    assert arena.size(loser) == 81


def test_above_maintenance_again_a_liquidation_goes_no_further_than_the_book() -> None:
    """Between maintenance and liquidation end with an empty book: it waits, and ends by itself when the price helps."""
    arena, loser, _, maker = one_long(240 * USD)
    arena.bid(maker, 0, MARK, 5)
    arena.liquidate(units=1)
    arena.cash(loser, 2 * USD)
    found = arena.liquidate()
    assert arena.c["bucket_liquidating"][loser] == 1
    assert of_kind(found, event.LIQUIDATION_WAITS)[0]["amount"] == partial.NO_LIQUIDITY
    arena.mark(0, 101 * USD)
    assert stages(arena.liquidate()) == [event.LIQUIDATION_END]
    assert arena.size(loser) == 95


# isolated buckets, pools and several markets


def test_an_isolated_loss_stays_isolated_and_what_remains_returns() -> None:
    arena = Arena(MARK)
    winner, owner = arena.bucket(10**12), arena.bucket(777 * USD)
    bucket = arena.isolated(owner, 0, 240 * USD)
    arena.deal(bucket, winner, 0, 100, MARK)
    arena.param(-1, "partial_mode", parameter.WHOLE)
    maker = arena.bucket(10**12)
    arena.bid(maker, 0, 99 * USD, 100)
    found = arena.run()
    (returned,) = of_kind(found, event.ISOLATED_RETURNED)
    assert (returned["bucket"], returned["other"], returned["amount"]) == (bucket, owner, 140 * USD)
    assert arena.raw(owner) == 917 * USD
    assert arena.c["bucket_kind"][bucket] == state.UNUSED
    assert arena.c["account_isolated"][owner] == 0


@pytest.mark.parametrize(
    ("floor", "cash", "topped"), [(-1, 900, 0), (0, 900, 260), (640, 900, 260), (641, 900, 259), (0, 14, 0)]
)
def test_a_top_up_saves_an_isolated_bucket_before_anything_is_sold(floor: int, cash: int, topped: int) -> None:
    """Equity 240 of an initial margin of 500 (5 %) at leverage 20; below 15 USD it would not reach liquidation end."""
    arena = Arena(MARK)
    winner, owner = arena.bucket(10**12), arena.bucket(cash * USD)
    bucket = arena.isolated(owner, 0, 240 * USD)
    arena.deal(bucket, winner, 0, 100, MARK, leverage=20)
    arena.bid(winner, 0, MARK, 1_000)
    arena.do(FLOOR, owner, 0, floor * USD if floor >= 0 else -1)
    found = arena.run()
    assert arena.raw(owner) == (cash - topped) * USD
    assert (arena.size(bucket) == 100) is (topped > 0)
    assert bool(of_kind(found, event.LIQUIDATION)) is (topped == 0)
    assert sum(e["amount"] for e in of_kind(found, event.MOVED)) == topped * USD


def test_an_isolated_debt_never_reaches_the_owner() -> None:
    arena = Arena(MARK)
    winner, owner = arena.bucket(10**12), arena.bucket(777 * USD)
    bucket = arena.isolated(owner, 0, 600 * USD)
    arena.deal(bucket, winner, 0, 100, MARK)
    arena.mark(0, 90 * USD)
    arena.run()
    assert arena.raw(owner) == 777 * USD
    assert arena.raw(winner) == 10**12 + 600 * USD
    assert arena.c["bucket_kind"][bucket] == state.UNUSED
