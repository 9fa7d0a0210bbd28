"""Trigger orders: when they wait, when they fire, what becomes of them; each boundary from both sides."""

import pytest

from seawall.ledger import state
from seawall.terms import code, command, event, limits, parameter
from stop_floor import ONLY, PROFIT, STOP, TRAIL, WHOLE, Floor
from venue_world import BUY, SELL, USD

MARK = 100 * USD


@pytest.fixture
def floor() -> Floor:
    return Floor()


def refused(floor: Floor, expected: int, **fields: int) -> None:
    base = {"kind": command.PLACE, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 10}
    floor.refused(expected, **{**base, **fields})


@pytest.mark.parametrize(
    ("side", "flags", "trigger", "quiet", "reached"),
    [
        (SELL, STOP, 95 * USD, 95 * USD + 1, 95 * USD),
        (SELL, PROFIT, 105 * USD, 105 * USD - 1, 105 * USD),
        (BUY, STOP, 105 * USD, 105 * USD - 1, 105 * USD),
        (BUY, PROFIT, 95 * USD, 95 * USD + 1, 95 * USD),
    ],
)
@pytest.mark.parametrize("beyond", [0, 1, 20 * USD])
def test_fires_at_the_trigger_and_beyond(
    side: int, flags: int, trigger: int, quiet: int, reached: int, beyond: int
) -> None:
    floor = Floor(long=10 if side == SELL else -10)
    order = floor.stop(trigger, side=side, flags=flags | ONLY)
    assert floor.kinds(event.ARMED)[0]["price"] == trigger
    assert floor.mark(quiet) == []
    assert floor.ids() == {order}
    away = beyond if reached > MARK else -beyond
    assert floor.mark(reached + away) == [order]
    assert floor.kinds(event.TRIGGERED)[0]["price"] == reached + away
    assert floor.ids() == set()
    floor.check()


def test_a_stop_at_the_market_closes_within_ten_percent(floor: Floor) -> None:
    floor.quote(BUY, 81 * USD, 4)  # 90 less 10 %
    floor.quote(BUY, 81 * USD - 1_000, 6)
    order = floor.stop(95 * USD)
    floor.mark(90 * USD)
    assert [(e["price"], e["size"]) for e in floor.kinds(event.FILL)] == [(81 * USD, -4)]
    assert floor.kinds(event.CANCELLED)[0]["size"] == 6
    assert floor.position(floor.trader, 0) == 6
    assert order not in floor.ids()
    floor.check()


def test_a_buy_stop_takes_up_to_ten_percent_above(floor: Floor) -> None:
    short = floor.account(100_000)
    floor.open(short, -10)
    floor.quote(SELL, 121 * USD, 4)
    floor.quote(SELL, 121 * USD + 10_000, 6)
    floor.stop(105 * USD, side=BUY, account=short)
    floor.mark(110 * USD)
    assert [(e["price"], e["size"]) for e in floor.kinds(event.FILL)] == [(121 * USD, 4)]


def test_ten_percent_rounds_towards_the_mark() -> None:
    floor = Floor()
    floor.quote(BUY, 81 * USD, 4)
    floor.stop(95 * USD)
    floor.mark(90_000_001)  # 81.0000009 is the least, 81.001 the next price of the grid
    assert floor.kinds(event.FILL) == []
    floor = Floor(long=-10)
    floor.quote(SELL, 121_010_000, 4)
    floor.stop(105 * USD, side=BUY)
    floor.mark(110_009_090)  # 121.009999 is the most, 121.00 the next
    assert floor.kinds(event.FILL) == []


def test_what_fires_in_a_price_row_is_not_what_the_row_made(floor: Floor) -> None:
    floor.stop(95 * USD, price=96 * USD)
    assert floor.price(0, 95 * USD).made[0] == 0
    assert len(floor.kinds(event.RESTED)) == 1


def test_a_stop_with_a_limit_rests_there_under_its_client_id(floor: Floor) -> None:
    floor.stop(95 * USD, price=96 * USD, client_low=77)
    assert floor.mark(95 * USD) != []
    rested = floor.kinds(event.RESTED)[0]
    assert (rested["price"], rested["size"], rested["bucket"]) == (96 * USD, 10, floor.trader)
    assert floor.order(rested["order"], "client_low") == 77
    assert floor.ids() == {rested["order"]}
    floor.check()


def test_what_only_reduces_shrinks_to_the_position(floor: Floor) -> None:
    floor.quote(BUY, 95 * USD, 50)
    floor.stop(95 * USD, size=10)
    floor.place(floor.trader, 0, SELL, 95 * USD, 7)
    floor.mark(95 * USD)
    assert [e["size"] for e in floor.kinds(event.FILL)] == [-3]
    assert floor.position(floor.trader, 0) == 0


def test_a_stop_entry_opens_a_position(floor: Floor) -> None:
    outsider = floor.account(100_000)
    floor.quote(SELL, 105 * USD, 5)
    floor.stop(105 * USD, size=5, side=BUY, account=outsider, flags=STOP)
    assert floor.mark(105 * USD) != []
    assert floor.position(outsider, 0) == 5
    floor.check()


def test_what_cannot_be_placed_is_cancelled_with_the_reason(floor: Floor) -> None:
    poor = floor.account(10)
    floor.quote(SELL, 105 * USD, 50)
    order = floor.stop(105 * USD, size=50, side=BUY, account=poor, flags=STOP)
    floor.mark(105 * USD)
    assert floor.cancelled() == {order: code.INITIAL_MARGIN}
    order = floor.stop(95 * USD)
    floor.mark(95 * USD)
    assert floor.cancelled() == {order: code.NO_LIQUIDITY}
    floor.check()


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (code.BAD_FIELD, {"flags": STOP | PROFIT | SELL, "trigger": 95 * USD}),
        (code.BAD_FIELD, {"flags": PROFIT | TRAIL | SELL, "extra": USD}),
        (code.BAD_FIELD, {"flags": STOP | SELL | command.CANCEL_MAKER | command.CANCEL_BOTH, "trigger": 95 * USD}),
        (code.BAD_FIELD, {"flags": STOP | SELL | command.POST_ONLY, "trigger": 95 * USD}),
        (
            code.BAD_FIELD,
            {"flags": STOP | SELL | command.POST_ONLY | command.IOC, "trigger": 95 * USD, "price": 95 * USD},
        ),
        (code.BAD_FIELD, {"flags": STOP | SELL, "trigger": 95 * USD, "extra": 1}),
        (code.BAD_FIELD, {"flags": TRAIL | SELL, "trigger": 95 * USD, "extra": USD}),
        (code.BAD_PRICE, {"flags": TRAIL | SELL, "price": 95 * USD, "extra": USD}),
        (code.BAD_PRICE, {"flags": TRAIL | SELL}),
        (code.BAD_PRICE, {"flags": TRAIL | SELL, "extra": MARK}),
        (code.BAD_PRICE, {"flags": TRAIL, "extra": 2**33 - MARK + 1}),
        (code.BAD_PRICE, {"flags": STOP | SELL}),
        (code.BAD_PRICE, {"flags": STOP | SELL, "trigger": 95 * USD + 1}),
        (code.BAD_PRICE, {"flags": STOP, "trigger": 8_590 * USD}),  # on the grid, above the market's greatest price
        (code.BAD_PRICE, {"flags": STOP | SELL, "trigger": 95 * USD, "price": 8_590 * USD}),
        (code.BAD_PRICE, {"flags": STOP | SELL, "trigger": 95 * USD, "price": 95 * USD + 1}),
        (code.BAD_SIZE, {"flags": STOP | SELL, "trigger": 95 * USD, "size": 0}),
        (code.BAD_SIZE, {"flags": STOP | SELL, "trigger": 95 * USD, "size": 2**21}),
        (code.UNKNOWN_ORDER, {"flags": STOP | SELL, "trigger": 95 * USD, "other": 12345}),
        (code.REDUCE_ONLY, {"flags": STOP | ONLY, "trigger": 105 * USD}),
        (code.REDUCE_ONLY, {"flags": TRAIL, "extra": USD}),
        (code.REDUCE_ONLY, {"flags": WHOLE | STOP, "trigger": 105 * USD, "size": 0}),
        (code.MARK_BEYOND_TRIGGER, {"flags": STOP | SELL, "trigger": MARK}),
        (code.MARK_BEYOND_TRIGGER, {"flags": PROFIT | SELL, "trigger": MARK}),
        (code.MARK_BEYOND_TRIGGER, {"flags": STOP, "trigger": MARK}),
        (code.MARK_BEYOND_TRIGGER, {"flags": PROFIT, "trigger": MARK}),
    ],
)
def test_refusals_change_nothing(floor: Floor, expected: int, fields: dict[str, int]) -> None:
    refused(floor, expected, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": TRAIL | SELL, "extra": MARK - 1},
        {"flags": TRAIL | SELL | STOP, "extra": 1},
        {"flags": STOP | SELL, "trigger": MARK - 1_000},
        {"flags": STOP, "trigger": MARK + 10_000},
        {"flags": STOP, "trigger": 8_589_000_000},
        {"flags": STOP | SELL | command.POST_ONLY, "trigger": 95 * USD, "price": 95 * USD},
        {"flags": STOP | SELL | command.IOC, "trigger": 95 * USD, "price": 95 * USD},
        {"flags": STOP | SELL, "trigger": 95 * USD, "size": 2**20},
    ],
)
def test_the_other_side_of_the_refusals(floor: Floor, fields: dict[str, int]) -> None:
    floor.must(kind=command.PLACE, signer=floor.trader, account=floor.trader, market=0, **{"size": 10, **fields})
    floor.check()


def test_a_client_id_is_used_once(floor: Floor) -> None:
    floor.stop(95 * USD, client_low=5)
    refused(floor, code.DUPLICATE_CLIENT_ID, flags=STOP | SELL, trigger=94 * USD, client_low=5)


def set_status(floor: Floor, status: int) -> None:
    floor.must(kind=command.SET_STATUS, signer=command.ADMIN, market=0, flags=status)


@pytest.mark.parametrize(
    ("status", "armed", "fires"),
    [
        (command.REDUCING, code.OK, True),
        (command.POSTING, code.OK, False),
        (command.CANCELLING, code.CANCEL_ONLY, False),
        (command.HALTED, code.MARKET_CLOSED, False),
    ],
)
def test_statuses(floor: Floor, status: int, armed: int, fires: bool) -> None:
    before = floor.stop(95 * USD)
    set_status(floor, status)
    fields = {"kind": command.PLACE, "signer": floor.trader, "account": floor.trader, "market": 0, "size": 1}
    done = floor.do(**fields, flags=STOP | ONLY | SELL, trigger=94 * USD)
    assert done.codes[0] == armed
    assert (before in floor.mark(95 * USD)) == fires


def test_new_risk_does_not_arm_while_the_market_reduces(floor: Floor) -> None:
    set_status(floor, command.REDUCING)
    refused(floor, code.MARKET_REDUCE_ONLY, flags=STOP, trigger=105 * USD)
    refused(floor, code.MARKET_REDUCE_ONLY, flags=PROFIT, trigger=95 * USD)


def test_what_a_halted_market_passed_fires_only_if_the_mark_is_beyond_when_it_wakes(floor: Floor) -> None:
    order = floor.stop(95 * USD)
    set_status(floor, command.HALTED)
    assert floor.mark(90 * USD) == []
    assert floor.mark(96 * USD) == []
    floor.venue.columns["market_status"][0] = command.ACTIVE
    floor.tick()
    assert floor.fired() == []
    assert floor.mark(95 * USD) == [order]


def test_a_stop_fires_by_a_tick_once_its_market_is_open_again(floor: Floor) -> None:
    order = floor.stop(95 * USD)
    set_status(floor, command.HALTED)
    floor.mark(90 * USD)
    floor.venue.columns["market_status"][0] = command.ACTIVE
    floor.tick()
    assert floor.fired() == [order]


def test_nothing_fires_with_a_stale_price(floor: Floor) -> None:
    order = floor.stop(95 * USD)
    floor.venue.columns["market_price"][0] = 90 * USD  # as if the index had gone stale right after this mark
    floor.venue.columns["market_fresh"][0] = 0
    floor.tick()
    assert floor.fired() == []
    floor.venue.columns["market_fresh"][0] = 1
    floor.tick(10_001)
    assert floor.fired() == []
    assert floor.mark(90 * USD) == [order]


# whole positions and twins


def test_a_whole_position_stop_closes_what_is_there(floor: Floor) -> None:
    floor.quote(BUY, 94 * USD, 100)
    order = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    floor.open(floor.trader, 13)
    floor.mark(95 * USD)
    assert [e["size"] for e in floor.kinds(event.FILL)] == [-23]
    assert order not in floor.ids()
    floor.check()


@pytest.mark.parametrize("price", [95 * USD, 105 * USD])
def test_the_twin_that_fires_cancels_the_other(floor: Floor, price: int) -> None:
    floor.quote(BUY, 90 * USD, 100)
    floor.quote(BUY, 95 * USD, 100)
    stop = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    profit = floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE)
    if price > MARK:
        floor.quote(BUY, 99 * USD, 100)
    assert floor.order(stop, "twin") == profit & (2**21 - 1)
    fired = floor.mark(price)
    assert fired == [stop if price < MARK else profit]
    assert floor.cancelled() == {(stop + profit - fired[0]): code.TWIN_FIRED}
    assert floor.ids() == set()
    floor.check()


def test_a_twin_stays_when_the_other_could_not_be_placed(floor: Floor) -> None:
    stop = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    profit = floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE)
    floor.mark(105 * USD)
    assert floor.cancelled() == {profit: code.NO_LIQUIDITY}
    assert floor.ids() == {stop}
    floor.check()


def test_cancelling_a_twin_leaves_the_other(floor: Floor) -> None:
    stop = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    profit = floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE)
    floor.must(kind=command.CANCEL, signer=floor.trader, account=floor.trader, market=0, reference=stop)
    assert floor.ids() == {profit}
    floor.check()


def test_orders_of_two_markets_are_no_twins(floor: Floor) -> None:
    floor.list_market(1, MARK)
    floor.place(floor.maker, 1, SELL, MARK, 10)
    floor.place(floor.trader, 1, BUY, MARK, 10)
    stop = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    other = floor.place(floor.trader, 1, SELL, 0, 0, trigger=105 * USD, flags=PROFIT | WHOLE)
    assert floor.order(stop, "twin") == floor.order(other, "twin") == 0


def test_two_of_the_same_kind_are_no_twins(floor: Floor) -> None:
    one = floor.stop(95 * USD, size=0, flags=STOP | WHOLE)
    two = floor.stop(94 * USD, size=0, flags=STOP | WHOLE)
    profit = floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE)
    assert floor.order(one, "twin") == 0
    assert floor.order(two, "twin") == profit & (2**21 - 1)


@pytest.mark.parametrize("lots", [10, 15])
def test_a_position_that_closes_or_turns_takes_its_stops_with_it(floor: Floor, lots: int) -> None:
    kept = floor.stop(105 * USD, side=BUY, flags=STOP, size=3)
    stops = {
        floor.stop(95 * USD),
        floor.stop(95 * USD, size=0, flags=STOP | WHOLE),
        floor.stop(105 * USD, size=0, flags=PROFIT | WHOLE),
        floor.trail(5 * USD),
    }
    floor.open(floor.trader, -lots + 1)
    assert floor.ids() == {kept} | (stops if lots == 10 else set())
    floor.open(floor.trader, -1)
    assert floor.ids() == {kept}
    if lots == 10:
        assert floor.cancelled() == dict.fromkeys(stops, code.POSITION_CLOSED)
    floor.check()


def test_a_maker_whose_position_closes_loses_its_stops_too(floor: Floor) -> None:
    order = floor.stop(95 * USD)
    floor.place(floor.trader, 0, SELL, 101 * USD, 10)
    floor.place(floor.maker, 0, BUY, 101 * USD, 10)
    assert floor.cancelled() == {order: code.POSITION_CLOSED}
    floor.check()


def test_more_stops_than_one_command_sweeps_go_with_later_ones(floor: Floor) -> None:
    many = limits.SWEPT_PER_COMMAND + 44
    for _ in range(many):
        floor.stop(95 * USD, size=1)
    floor.open(floor.trader, -10)
    assert len(floor.ids()) == many - (limits.SWEPT_PER_COMMAND - 1)
    floor.check()
    floor.tick()
    assert floor.ids() == set()
    floor.check()


# the warning


def test_a_stop_beyond_the_liquidation_price_is_told() -> None:
    floor = Floor(cash=1_000, long=100)  # equity 1,000 + 100 (p - 100); maintenance 2.5 p: below it under 92.307692
    floor.stop(92_310_000)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.stop(92_308_000)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    order = floor.stop(92_307_000)
    warning = floor.kinds(event.STOP_PAST_LIQUIDATION)[0]
    assert (warning["order"], warning["price"]) == (order, 92_307_000)
    assert (warning["equity"], warning["maintenance"]) == (230_700_000, 230_767_500)
    floor.stop(92_307_000, flags=STOP, side=BUY + SELL)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) != []


def test_the_warning_is_exact_at_equality() -> None:
    floor = Floor(cash=1_000, long=100)
    columns = floor.venue.columns
    columns["bucket_raw"][floor.trader] += 230_775_000 - (1_000 * USD + 100 * (92_310_000 - 100 * USD))
    floor.stop(92_310_000)  # equity is exactly maintenance there
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    columns["bucket_raw"][floor.trader] -= 1
    floor.stop(92_310_000)
    assert len(floor.kinds(event.STOP_PAST_LIQUIDATION)) == 1


def test_take_profits_and_entries_are_not_warned_of() -> None:
    floor = Floor(cash=1_000, long=-100)
    floor.stop(107 * USD, side=BUY)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.stop(108 * USD, side=BUY)
    assert len(floor.kinds(event.STOP_PAST_LIQUIDATION)) == 1
    floor.stop(1 * USD, side=BUY, flags=PROFIT | ONLY)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.stop(1 * USD, side=SELL, flags=STOP)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []


def test_nothing_is_warned_of_without_a_position_or_of_a_take_profit_in_trouble() -> None:
    floor = Floor(cash=1_000, long=100)
    outsider = floor.account(10)
    floor.venue.columns["bucket_raw"][outsider] = -1
    floor.stop(105 * USD, side=BUY, account=outsider, flags=STOP)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.mark(90 * USD)
    floor.stop(91 * USD, flags=PROFIT | ONLY)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.stop(89 * USD)
    assert len(floor.kinds(event.STOP_PAST_LIQUIDATION)) == 1


def test_a_trailing_stop_too_far_away_is_told() -> None:
    floor = Floor(cash=1_000, long=100)
    floor.trail(7 * USD)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION) == []
    floor.trail(8 * USD)
    assert floor.kinds(event.STOP_PAST_LIQUIDATION)[0]["price"] == 92 * USD


# room


def test_an_account_has_a_bounded_number_of_trailing_stops(floor: Floor) -> None:
    for _ in range(limits.TRAILING_PER_BUCKET):
        floor.trail(5 * USD)
    refused(floor, code.ORDERS_FULL, flags=TRAIL | SELL, extra=USD)
    floor.stop(95 * USD)
    floor.check()


def test_a_full_table_of_levels(floor: Floor) -> None:
    floor.stop(95 * USD)
    floor.venue.columns["cell"][state.LEVELS_USED] = len(floor.venue.columns["level_row"])
    refused(floor, code.LEVELS_FULL, flags=STOP | SELL, trigger=94 * USD)
    floor.stop(95 * USD)
    floor.trail(5 * USD)


def test_orders_of_an_account_are_bounded(floor: Floor) -> None:
    floor.venue.columns["bucket_orders"][floor.trader] = limits.ORDERS_PER_BUCKET - 1
    floor.stop(95 * USD)
    refused(floor, code.ORDERS_FULL, flags=STOP | SELL, trigger=94 * USD)


def test_a_bucket_in_liquidation_arms_no_new_risk(floor: Floor) -> None:
    floor.venue.columns["bucket_liquidating"][floor.trader] = 1
    refused(floor, code.BEING_LIQUIDATED, flags=STOP, trigger=105 * USD)
    floor.stop(95 * USD)


def test_a_market_never_priced_arms_nothing(floor: Floor) -> None:
    floor.venue.columns["market_price"][0] = 0
    refused(floor, code.STALE_PRICE, flags=STOP, trigger=105 * USD)


def test_what_reduces_is_not_held_to_the_band(floor: Floor) -> None:
    floor.quote(BUY, 90 * USD, 10)
    floor.venue.columns["param"][0, parameter.PRICE_BAND] = parameter.STOP_SLIPPAGE // 5
    floor.stop(98 * USD)
    floor.mark(98 * USD)
    assert [e["price"] for e in floor.kinds(event.FILL)] == [90 * USD]


def test_new_risk_is_placed_within_the_band_of_the_index(floor: Floor) -> None:
    outsider = floor.account(100_000)
    floor.quote(SELL, 107 * USD, 3)
    floor.quote(SELL, 107 * USD + 200_000, 5)
    floor.venue.columns["param"][0, parameter.PRICE_BAND] = parameter.STOP_SLIPPAGE // 5  # 2 %
    floor.stop(105 * USD, side=BUY, account=outsider, flags=STOP, size=8)
    floor.mark(105 * USD)  # 107.1 at most
    assert [e["size"] for e in floor.kinds(event.FILL)] == [3]
