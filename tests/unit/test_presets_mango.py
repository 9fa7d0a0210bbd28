"""Mango v4's health: figures worked out by hand from the formulas, one each side of every boundary."""

from fractions import Fraction

import msgspec
import pytest

from seawall.presets import mango
from seawall.presets.mango import (
    Account,
    Bank,
    HealthLevel,
    PerpPosition,
    PerpWeights,
    Prices,
    SpotOrders,
    Token,
    Weights,
)
from seawall.units import BadInput

F = Fraction
INIT, END, MAINT = HealthLevel.INIT, HealthLevel.LIQUIDATION_END, HealthLevel.MAINT
WEIGHTS = Weights(init_asset=F(1, 2), init_liability=F(3, 2), maint_asset=F(4, 5), maint_liability=F(6, 5))
FLAT = Weights(init_asset=F(1), init_liability=F(1), maint_asset=F(1), maint_liability=F(1))
PERP_WEIGHTS = PerpWeights(base=WEIGHTS, init_overall_asset=F(9, 10), maint_overall_asset=F(1))
QUOTE = Token(balance=F(0), prices=Prices(oracle=F(1), stable=F(1)), weights=FLAT)


def token(balance: int, *, oracle: int = 10, stable: int = 10, bank: Bank | None = None) -> Token:
    prices = Prices(oracle=F(oracle), stable=F(stable))
    return Token(balance=F(balance), prices=prices, weights=WEIGHTS, bank=bank or Bank())


def perp(lots: int, quote: int, *, bids: int = 0, asks: int = 0, oracle: int = 10, stable: int = 10) -> PerpPosition:
    return PerpPosition(
        settle=0,
        base_lots=lots,
        base_lot_size=2,
        quote=F(quote),
        bids_base_lots=bids,
        asks_base_lots=asks,
        prices=Prices(oracle=F(oracle), stable=F(stable)),
        weights=PERP_WEIGHTS,
    )


def healths(account: Account) -> tuple[Fraction, Fraction, Fraction]:
    return mango.init_health(account), mango.liquidation_end_health(account), mango.maint_health(account)


@pytest.mark.parametrize(
    ("balance", "expected"),
    [(3, (12, 15, 24)), (-3, (-54, -45, -36)), (0, (0, 0, 0))],  # stable 8 for assets, 12 for debts: see below
)
def test_a_balance_is_weighed_by_its_sign(balance: int, expected: tuple[int, int, int]) -> None:
    stable = 8 if balance > 0 else 12
    assert healths(Account(tokens=(token(balance, stable=stable),))) == expected


def test_the_stable_price_never_flatters() -> None:
    assert mango.init_health(Account(tokens=(token(3, stable=12),))) == 15
    assert mango.init_health(Account(tokens=(token(-3, stable=8),))) == -45


@pytest.mark.parametrize(
    ("deposits", "orders", "weight"),
    [(99, 0, F(1, 2)), (100, 0, F(1, 2)), (101, 0, F(50, 101)), (100, 100, F(1, 4)), (0, 200, F(1, 4))],
)
def test_asset_weight_shrinks_with_all_deposits(deposits: int, orders: int, weight: Fraction) -> None:
    bank = Bank(deposits=F(deposits), potential_spot_deposits=F(orders), deposit_scale_start=F(1_000))
    scaled = token(1, bank=bank)
    assert scaled.asset_weight(INIT) == weight
    assert scaled.asset_weight(END) == F(1, 2)
    assert scaled.asset_weight(MAINT) == F(4, 5)
    assert scaled.liability_weight(INIT) == F(3, 2)


@pytest.mark.parametrize(("borrows", "weight"), [(99, F(3, 2)), (100, F(3, 2)), (101, F(303, 200)), (200, F(3))])
def test_liability_weight_grows_with_all_borrows(borrows: int, weight: Fraction) -> None:
    scaled = token(-1, bank=Bank(borrows=F(borrows), borrow_scale_start=F(1_000)))
    assert scaled.liability_weight(INIT) == weight
    assert scaled.liability_weight(END) == F(3, 2)
    assert scaled.liability_weight(MAINT) == F(6, 5)
    assert scaled.asset_weight(INIT) == F(1, 2)


def test_totals_are_valued_at_the_higher_price() -> None:
    bank = Bank(deposits=F(100), borrows=F(100), deposit_scale_start=F(1_000), borrow_scale_start=F(1_000))
    scaled = token(1, stable=20, bank=bank)
    assert scaled.asset_weight(INIT) == F(1, 4)
    assert scaled.liability_weight(INIT) == F(3)


def test_a_start_of_zero() -> None:
    bank = Bank(deposits=F(1), borrows=F(1), deposit_scale_start=F(0), borrow_scale_start=F(0))
    assert token(1, bank=bank).asset_weight(INIT) == 0
    with pytest.raises(BadInput, match="infinite"):
        token(-1, bank=bank).liability_weight(INIT)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (perp(3, 0), (27, 27, 48)),  # 60 * 1/2 * 9/10
        (perp(-3, 0), (-90, -90, -72)),
        (perp(3, -30), (0, 0, 18)),
        (perp(3, -40), (-10, -10, 8)),  # a loss is not softened by the overall weight
        (perp(0, 100), (90, 90, 100)),
        (perp(3, 0, stable=5), (F(27, 2), 27, 48)),
        (perp(-3, 0, stable=20), (-180, -90, -72)),
        (perp(0, 0, bids=1), (-10, -10, -4)),  # 20 * 1/2 bought for 20
        (perp(0, 0, asks=1), (-10, -10, -4)),  # 20 * 3/2 sold for 20
        (perp(2, 0, bids=1, asks=7), (-10, -10, 20)),  # all asks: 5 lots short, 140 received
        (perp(2, 0, bids=5, asks=1), (-30, -30, 12)),  # all bids: 7 lots, 100 paid
        (perp(2, 0, asks=2, stable=20), (18, 18, 32)),  # keeping it is worse than selling it
    ],
)
def test_perp_takes_the_worse_of_its_orders(position: PerpPosition, expected: tuple[int, int, int]) -> None:
    assert healths(Account(tokens=(QUOTE,), perps=(position,))) == expected


def test_a_perp_result_settles_a_borrow_before_it_is_weighed() -> None:
    settle = token(-10, oracle=1, stable=1)
    account = Account(tokens=(settle,), perps=(perp(0, 20),))
    assert healths(account) == (4, 4, 8)  # 18 - 10 owned at 1/2; 20 - 10 at 4/5
    assert mango.init_health(Account(tokens=(settle,), perps=(perp(0, -20),))) == -45


def test_a_perp_settles_in_its_own_token() -> None:
    in_second = msgspec.structs.replace(perp(0, 20), settle=1)
    assert mango.maint_health(Account(tokens=(token(0), QUOTE), perps=(in_second,))) == 20
    assert mango.maint_health(Account(tokens=(QUOTE, token(0)), perps=(in_second,))) == 160


@pytest.mark.parametrize(
    ("base", "quote", "reserved", "limits", "expected"),
    [
        (0, 0, (0, 0), (None, None), 0),
        (0, 0, (2, 0), (None, None), 10),  # 2 base at 1/2, or 20 quote at 1: the lesser
        (0, 0, (0, 30), (None, None), 15),
        (-2, 0, (2, 0), (None, None), -30 + 20),  # repaying counts 30, converting to quote 20
        (-1, 0, (3, 0), (None, None), -15 + 25),  # 2 as asset, 1 repaid: 10 + 15
        (0, -5, (0, 30), (None, None), -5 + 15),
        (0, 0, (2, 0), (F(1), None), 2),  # asks at 1 give 2 quote at most
        (0, 0, (2, 0), (F(99), None), 10),
        (0, 0, (0, 30), (None, F(1, 30)), 5),  # a bid at 30 gives one base
        (0, 0, (0, 30), (None, F(1)), 15),
    ],
)
def test_open_orders_take_the_worse_side(
    base: int, quote: int, reserved: tuple[int, int], limits: tuple[Fraction | None, Fraction | None], expected: int
) -> None:
    orders = SpotOrders(
        base=1,
        quote=0,
        reserved_base=F(reserved[0]),
        reserved_quote=F(reserved[1]),
        lowest_ask=limits[0],
        highest_bid_inverse=limits[1],
    )
    cash = Token(balance=F(quote), prices=QUOTE.prices, weights=FLAT)
    assert mango.init_health(Account(tokens=(cash, token(base)), spot=(orders,))) == expected


def test_orders_convert_at_the_prices_of_the_level() -> None:
    account = Account(tokens=(QUOTE, token(0, stable=20)))
    orders = SpotOrders(base=1, quote=0, reserved_base=F(1), reserved_quote=F(40))
    assert mango.reserved_as_base(account, orders, INIT) == 3  # owed base is dear
    assert mango.reserved_as_base(account, orders, MAINT) == 5
    assert mango.reserved_as_quote(account, orders, INIT) == 50
    cheap = Account(tokens=(QUOTE, token(0, stable=5)))
    assert mango.reserved_as_quote(cheap, orders, INIT) == 45


def test_markets_of_one_token_share_what_can_repay_it() -> None:
    """Each market counts as arriving last, so a borrow that both could repay is repaid by neither's margin."""
    one = SpotOrders(base=1, quote=0, reserved_base=F(2), reserved_quote=F(0))
    alone = mango.init_health(Account(tokens=(QUOTE, token(-2)), spot=(one,)))
    twice = mango.init_health(Account(tokens=(QUOTE, token(-2)), spot=(one, one)))
    assert (alone, twice) == (-10, -30 + 10 + 10)


@pytest.mark.parametrize(
    ("balance", "starts", "leaves"), [(24, False, False), (23, True, False), (30, False, True), (29, False, False)]
)
def test_liquidation_starts_at_maintenance_and_ends_later(balance: int, starts: bool, leaves: bool) -> None:
    cash = Token(balance=F(balance), prices=QUOTE.prices, weights=FLAT)
    account = Account(tokens=(cash, token(-2)))  # owes 20: 24 to keep, 30 to leave
    assert mango.is_liquidatable(account) is starts
    assert mango.may_leave_liquidation(account) is leaves


@pytest.mark.parametrize(
    "account",
    [
        Account(tokens=(), perps=(perp(1, 0),)),
        Account(tokens=(QUOTE,), spot=(SpotOrders(base=1, quote=0, reserved_base=F(0), reserved_quote=F(0)),)),
        Account(tokens=(QUOTE,), spot=(SpotOrders(base=0, quote=-1, reserved_base=F(0), reserved_quote=F(0)),)),
        Account(tokens=(token(1, oracle=0),)),
        Account(tokens=(token(1, stable=-1),)),
        Account(tokens=(QUOTE,), perps=(perp(1, 0, oracle=0),)),
    ],
)
def test_accounts_that_can_not_be_valued_are_refused(account: Account) -> None:
    with pytest.raises(BadInput):
        mango.init_health(account)


def test_an_empty_account_has_no_health() -> None:
    assert healths(Account(tokens=())) == (0, 0, 0)
