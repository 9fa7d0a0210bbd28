"""Liquidity positions as collateral in the engine: custody, fair value, scan, caps, isolated, unwinding."""

from fractions import Fraction
from math import floor

import pytest

from seawall.ledger import state
from seawall.margin import lp, lp_value
from seawall.terms import asset_parameter, code, command, event
from seawall.terms.parameter import WITHDRAWAL_FLOOR as FLOOR
from seawall.units import RATE_ONE, BadInput
from vault_world import BITCOIN, ETH, ETHER, PRICE, Vault
from venue_world import USD

POOL = 1
LIQUIDITY = 10_000_000  # about 40,000 USD in 80..125 USD a lot
TOKENS = lp.Pair(base_is_token0=True, base_decimals=18, quote_decimals=6, size_decimals=0)


def roots(low: int, high: int) -> dict[str, int]:
    """The fields of a range between two prices in USD a lot."""
    scale = 0
    while lp._root(Fraction(high * USD), scale + 1) < 2**31:
        scale += 1
    return {
        "price": lp._root(Fraction(low * USD), scale) + 1,
        "trigger": lp._root(Fraction(high * USD), scale),
        "extra": scale,
    }


class Pools(Vault):
    """Ether listed as a token and as the base of a pool, whose positions weigh 70 % and 80 % of 10 M USD at most."""

    def __init__(self) -> None:
        super().__init__()
        self.asset(ETH, ETHER)
        fields = {"market": ETHER, "other": POOL, "size": ETH + 1, "flags": asset_parameter.POOL}
        self.must(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
        cap = 10_000_000 * USD
        values = {"weight_maintenance": RATE_ONE * 8 // 10, "weight_initial": RATE_ONE * 7 // 10, "supply_cap": cap}
        for name, value in {**values, "account_cap": cap, "scan": RATE_ONE // 10}.items():
            self.set_asset(POOL, name, value)
        self.tokens = 0

    def attach(self, account: int, low: int = 80, high: int = 125, liquidity: int = LIQUIDITY) -> tuple[int, int]:
        """(token, id of the withdrawal that sends it back or 0)."""
        self.deposits += 1
        self.tokens += 1
        fields = {"account": account, "other": POOL, "client_low": self.tokens, "size": liquidity, **roots(low, high)}
        done = self.must(kind=command.ATTACH_RANGE, signer=command.BRIDGE, reference=self.deposits, **fields)
        return self.tokens, int(done.made[0])

    def unwind(self, token: int, lots: int, usd: int) -> None:
        self.deposits += 1
        fields = {"other": POOL, "client_low": token, "size": lots, "amount": usd * USD, "reference": self.deposits}
        self.must(kind=command.UNWIND_RANGE, signer=command.BRIDGE, **fields)


@pytest.fixture
def pools() -> Pools:
    pools = Pools()
    assert (pools.account(), pools.account(1_000_000)) == (0, 1)
    return pools


def fair(price: int, low: int = 80, high: int = 125) -> float:
    """L (2 sqrt P - P / sqrt Pb - sqrt Pa) in micro-USD, P clamped for the part that is quote."""
    inside = min(max(price, low), high) * USD
    quote = inside**0.5 - (low * USD) ** 0.5
    base = price * USD * (1 / inside**0.5 - 1 / (high * USD) ** 0.5)
    return LIQUIDITY * (quote + base)


def test_it_is_worth_its_fair_value_at_the_index_and_the_least_of_the_scan(pools: Pools) -> None:
    pools.attach(0)
    equity, initial, *_ = pools.measured(0)
    assert equity == pytest.approx(0.8 * fair(100), rel=1e-6)
    assert equity <= 0.8 * fair(100)
    assert initial == pytest.approx(0.7 * fair(90), rel=1e-6)
    for price in (130, 70):
        pools.move(ETHER, price * USD)
        assert pools.measured(0)[0] == pytest.approx(0.8 * fair(price), rel=1e-6)
    pools.sound()


def test_its_value_does_not_follow_the_mark_of_this_venue(pools: Pools) -> None:
    pools.attach(0)
    before = pools.measured(0)[0]
    pools.place(1, ETHER, command.SELL, 119 * USD, 1)
    maker = pools.account(10_000)
    pools.place(maker, ETHER, 0, 119 * USD, 1)
    pools.tick()
    pools.price(ETHER, PRICE)
    assert pools.venue.columns["market_last"][ETHER] == 119 * USD
    assert pools.measured(0)[0] == before


def test_too_narrow_too_many_or_above_a_cap_goes_back_and_may_come_again(pools: Pools) -> None:
    _, back = pools.attach(0, 100, 101)
    assert back > 0
    pools.must(kind=command.FINISH_WITHDRAWAL, signer=command.BRIDGE, reference=back)
    for _ in range(8):
        assert pools.attach(0)[1] == 0
    _, back = pools.attach(0)
    assert back > 0
    pools.sound()
    pools.refused(code.HOLDINGS_FULL, kind=command.CANCEL_WITHDRAWAL, signer=command.BRIDGE, reference=back)
    pools.set_asset(POOL, "supply_cap", 1)
    _, over = pools.attach(1)
    assert over > 0
    pools.must(kind=command.CANCEL_WITHDRAWAL, signer=command.BRIDGE, reference=over)
    assert pools.measured(1)[0] > 1_000_000 * USD
    pools.sound()


def test_it_leaves_only_with_margin_left_and_can_back_isolated(pools: Pools) -> None:
    token, _ = pools.attach(0)
    detach = {"kind": command.DETACH_RANGE, "signer": 0, "account": 0, "other": POOL, "client_low": token}
    pools.trade(0, 1, BITCOIN, PRICE, 100)
    pools.refused(code.WITHDRAWABLE, **detach)
    pools.deposit(0, 2_000)
    pools.refused(code.NO_POSITION, **{**detach, "account": 1, "signer": 1})
    pools.must(**detach)
    assert pools.measured(0)[0] == 2_000 * USD
    pools.sound()
    pools.must(kind=command.SET_LEVERAGE, signer=0, account=0, market=ETHER, size=5, flags=command.ISOLATED)
    other, _ = pools.attach(0)
    pools.trade(0, 1, ETHER, PRICE, 1)
    own = int(pools.venue.columns["account_isolated"][0]) - 1
    move = {"kind": command.MOVE_RANGE, "signer": 0, "account": 0, "market": ETHER, "other": POOL, "client_low": other}
    pools.must(**move, flags=command.ISOLATED)
    assert pools.measured(own)[0] > 5_000 * USD
    pools.sound()
    pools.place(1, ETHER, 0, PRICE, 1)
    pools.place(0, ETHER, command.SELL, PRICE, 1)  # the bucket ends, the position returns to cross
    assert pools.measured(0)[0] > 5_000 * USD
    pools.sound()


def test_a_hedged_position_is_liquidated_by_removing_its_liquidity_and_nobody_else_pays(pools: Pools) -> None:
    token, _ = pools.attach(0)
    lots = lp_value.range_delta(LIQUIDITY, *roots(80, 125).values(), PRICE) // PRICE
    assert lots > 0
    pools.trade(1, 0, ETHER, PRICE, lots)  # hedged: short its delta
    pools.must(kind=command.WITHDRAW, signer=0, account=0, amount=pools.may_leave(0))
    vault, price = pools.cell(state.VAULT), 100
    while pools.measured(0)[0] >= pools.measured(0)[2]:
        price += 2
        pools.move(ETHER, price * USD)
    assert price > 125  # short of gamma: up there all of it is USD, and the hedge goes on losing
    events = pools.settle()
    asked = [row for row in events if row["kind"] == event.RANGE_DUE]
    assert [(row["bucket"], row["other"], row["order"]) for row in asked] == [(0, POOL, token)]
    assert asked[0]["amount"] == pytest.approx(fair(price), rel=1e-6)
    usd = floor(fair(price) / USD)
    pools.unwind(token, 0, usd + 3)  # fees were 3 USD
    assert pools.cell(state.VAULT) == vault + (usd + 3) * USD
    pools.sound()
    pools.settle()
    assert pools.measured(0)[0] >= pools.measured(0)[2]
    assert not pools.venue.columns["bucket_liquidating"][0]
    assert pools.cell(state.BAD_DEBT) == 0
    assert all(pools.venue.columns["market_insurance"] == 0)
    pools.sound()


def test_below_its_range_lots_come_of_it_and_pay_what_is_owed(pools: Pools) -> None:
    token, _ = pools.attach(0)
    pools.must(kind=command.WITHDRAW, signer=0, account=0, amount=pools.may_leave(0))
    pools.move(ETHER, 66 * USD)
    assert pools.measured(0)[0] < 0
    base = floor(LIQUIDITY * (1 / (80 * USD) ** 0.5 - 1 / (125 * USD) ** 0.5))
    waits = [row["amount"] for row in pools.settle() if row["kind"] == event.LIQUIDATION_WAITS]
    assert waits == [7]
    pools.unwind(token, base, 0)
    assert pools.holding(0, ETH) == base
    pools.settle()
    buyer, offer = pools.account(1_000_000), {"kind": command.BUY_ASSET, "other": ETH, "reference": 0, "price": PRICE}
    while pools.venue.columns["bucket_liquidating"][0]:
        pools.must(**offer, signer=buyer, account=buyer, size=1)
        pools.settle()
    assert 0 < pools.holding(buyer, ETH) < base
    assert pools.measured(0)[0] >= 0
    assert pools.cell(state.BAD_DEBT) == 0
    pools.sound()


def test_what_came_of_it_is_told_once_and_only_of_what_is_there(pools: Pools) -> None:
    token, _ = pools.attach(0)
    fields = {"kind": command.UNWIND_RANGE, "signer": command.BRIDGE, "other": POOL, "size": 1, "amount": 1}
    pools.refused(code.NO_POSITION, **fields, client_low=99, reference=pools.deposits + 1)
    pools.refused(code.DUPLICATE_MESSAGE, **fields, client_low=token, reference=pools.deposits)
    pools.unwind(token, 10, 100)
    assert (pools.holding(0, ETH), pools.raw(0)) == (10, 100 * USD)
    pools.refused(code.NO_POSITION, **fields, client_low=token, reference=pools.deposits + 1)
    pools.sound()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"price": 0}, code.BAD_FIELD),
        ({"trigger": 2**31}, code.BAD_FIELD),
        ({"extra": 32}, code.BAD_FIELD),
        ({"size": 0}, code.BAD_FIELD),
        ({"size": 2**53}, code.BAD_FIELD),
        ({"other": ETH}, code.UNKNOWN_ASSET),
        ({"reference": 9}, code.OUT_OF_SEQUENCE),
    ],
)
def test_what_is_no_range_is_refused(pools: Pools, changes: dict[str, int], why: int) -> None:
    fields = {"account": 0, "other": POOL, "client_low": 5, "size": LIQUIDITY, **roots(80, 125), "reference": 2}
    pools.refused(why, kind=command.ATTACH_RANGE, signer=command.BRIDGE, **{**fields, **changes})


def test_a_position_of_a_pool_in_the_engines_integers_is_worth_what_the_pools_are() -> None:
    pair = lp.Pair(base_is_token0=False, base_decimals=18, quote_decimals=6, size_decimals=4)  # USDC/WETH as deployed
    tick_lower, tick_upper, liquidity = 193_380, 203_190, 10**17
    found = lp.range_of(tick_lower, tick_upper, liquidity, pair)
    bounds = [lp.sqrt_ratio_at_tick(tick) for tick in (tick_lower, tick_upper)]
    for tick in (190_000, 193_380, 198_000, 203_189, 210_000):
        root = lp.sqrt_ratio_at_tick(tick)
        usdc, ether = lp.position_amounts(root, *bounds, liquidity, lp.Side.DOWN)
        price = Fraction(lp.Q96**2, root**2) * 10**14
        worth = usdc + Fraction(ether, 10**14) * price
        value = lp_value.range_value(found.liquidity, found.low, found.high, found.scale, floor(price))
        assert value <= worth + 1
        assert value == pytest.approx(float(worth), rel=1e-5)
    with pytest.raises(BadInput):
        lp.range_of(10, 10, 1, TOKENS)


class Shapes(Pools):
    """Positions that change while they are held."""

    def fields(self, token: int, low: int = 80, high: int = 125, **changes: int) -> dict[str, int]:
        fields = {"account": 0, "other": POOL, "client_low": token, "size": LIQUIDITY, **roots(low, high)}
        known = {"kind": command.RESHAPE_RANGE, "signer": command.BRIDGE, "reference": self.deposits + 1}
        return {**known, **fields, **changes}

    def reshape(self, token: int, **changes: int) -> None:
        self.must(**self.fields(token, **changes))
        self.deposits += 1


@pytest.fixture
def shapes() -> Shapes:
    shapes = Shapes()
    assert (shapes.account(), shapes.account(1_000_000)) == (0, 1)
    return shapes


def test_fees_come_to_its_bucket_and_leave_it_as_it_is(shapes: Shapes) -> None:
    token, _ = shapes.attach(0)
    before, vault = shapes.measured(0)[0], shapes.cell(state.VAULT)
    shapes.reshape(token, client_high=3, amount=7 * USD)
    assert (shapes.holding(0, ETH), shapes.raw(0)) == (3, 7 * USD)
    assert shapes.cell(state.VAULT) == vault + 7 * USD
    assert shapes.measured(0)[0] > before
    shapes.venue.columns["bucket_liquidating"][0] = 1  # fees may come at any time
    shapes.reshape(token, amount=USD)
    shapes.refused(code.BEING_LIQUIDATED, **shapes.fields(token, size=LIQUIDITY - 1))
    shapes.venue.columns["bucket_liquidating"][0] = 0
    shapes.sound()


def test_a_position_moves_while_margined_and_only_into_one_that_carries_what_it_backs(shapes: Shapes) -> None:
    token, _ = shapes.attach(0)
    shapes.trade(0, 1, BITCOIN, PRICE, 100)
    worth = fair(100)
    wide = fair(100, 50, 200)
    liquidity = floor(LIQUIDITY * worth / wide)
    shapes.move(ETHER, 104 * USD)
    shapes.reshape(token, low=50, high=200, size=liquidity)
    columns = shapes.venue.columns
    row = int(columns["bucket_holding"][0])
    assert columns["holding_lots"][row] == liquidity
    assert columns["holding_start"][row] == 104 * USD  # it starts anew
    assert shapes.measured(0)[0] > 0.79 * fair(104)
    shapes.refused(code.INITIAL_MARGIN, **shapes.fields(token, low=50, high=200, size=liquidity // 1_000))
    few = shapes.fields(token, low=50, high=200, size=liquidity // 1_000)
    shapes.must(**{**few, "amount": 30_000 * USD})  # what it is short of comes with it
    shapes.deposits += 1
    shapes.sound()


def test_a_change_within_the_bucket_needs_no_withdrawal_floor(shapes: Shapes) -> None:
    token, _ = shapes.attach(0)
    shapes.trade(0, 1, BITCOIN, PRICE, 100)
    numbers, place = shapes.venue.columns["param"], (len(shapes.venue.columns["market_price"]), FLOOR)
    before, numbers[place] = numbers[place], 10 * RATE_ONE
    shapes.refused(code.WITHDRAWABLE, kind=command.DETACH_RANGE, signer=0, account=0, other=POOL, client_low=token)
    shapes.reshape(token, size=LIQUIDITY - 1, amount=USD)
    numbers[place] = before
    shapes.sound()


def test_a_change_is_judged_at_the_weights_that_it_leaves(shapes: Shapes) -> None:
    """What comes of a range shrinks the weight of all of its token: by the weights of before there would be room."""
    token, _ = shapes.attach(0)
    shapes.trade(0, 1, BITCOIN, PRICE, 100)
    change = {"size": LIQUIDITY // 2, "client_high": 200}
    shapes.set_asset(ETH, "supply_start", 1)
    need = shapes.measured(0)[3]
    while shapes.measured(0)[1] > need * 101 // 100:  # hardly more than initial margin
        shapes.venue.columns["bucket_raw"][0] -= max(1, (shapes.measured(0)[1] - need) // 2)
    shapes.refused(code.INITIAL_MARGIN, **shapes.fields(token, **change))
    shapes.set_asset(ETH, "supply_start", 0)
    shapes.reshape(token, **change)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"other": ETH}, code.UNKNOWN_ASSET),
        ({"size": 0}, code.BAD_FIELD),
        ({"low": 100, "high": 101}, code.BAD_FIELD),
        ({"client_high": -1}, code.BAD_SIZE),
        ({"client_high": 2**53}, code.BAD_SIZE),
        ({"amount": -1}, code.BAD_AMOUNT),
        ({"reference": 1}, code.DUPLICATE_MESSAGE),
        ({"reference": 9}, code.OUT_OF_SEQUENCE),
        ({"client_low": 77}, code.NO_POSITION),
        ({"account": 1}, code.NO_POSITION),
        ({"size": 600 * LIQUIDITY}, code.POSITION_CAP),
    ],
)
def test_what_no_position_can_become_is_refused(shapes: Shapes, changes: dict[str, int], why: int) -> None:
    token, _ = shapes.attach(0)
    shapes.refused(why, **shapes.fields(**{"token": token, **changes}))


def test_a_change_needs_fresh_prices_and_room_for_what_comes_of_it(shapes: Shapes) -> None:
    token, _ = shapes.attach(0)
    shapes.set_asset(POOL, "account_cap", 1)
    shapes.refused(code.POSITION_CAP, **shapes.fields(token, size=LIQUIDITY + 1))
    shapes.reshape(token, size=LIQUIDITY - 1)
    shapes.must(kind=command.TICK, signer=command.SEQUENCER, time=shapes.cell(state.NOW) + 3_600_000)
    shapes.refused(code.STALE_PRICE, **shapes.fields(token, size=LIQUIDITY - 2))
    shapes.sound()
