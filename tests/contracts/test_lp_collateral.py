"""LP positions as margin over the real Uniswap v3: what is taken, what its owner may do, and unwinding."""

from fractions import Fraction

import pytest
from uniswap_world import FEE, REVERTED, WETH, LpWorld, fast_world, in_trouble, nft_owner, owner_of
from venue import USD

from seawall.chain import layout as at
from seawall.chain.client import Refused
from seawall.chain.deploy import Deployer
from seawall.terms import code
from seawall.units import RATE_ONE

STRANGER = "0x" + "55" * 20


@pytest.fixture(params=[True, False], ids=["usd-first", "weth-first"])
def world(request: pytest.FixtureRequest) -> LpWorld:
    return fast_world(usd_first=request.param)


@pytest.fixture
def one() -> LpWorld:
    return fast_world()


# what is taken


def test_a_position_counts_from_the_moment_it_is_in(world: LpWorld) -> None:
    owner = owner_of(world)
    id_ = world.mint(owner, 5_000)
    assert world.head(owner) if world.world.word(at.BUCKET | at.account(owner.address)) else True
    world.put(owner, id_)
    initial, maintenance = world.worth(owner)
    assert 6_000 * USD < initial < 7_000 * USD
    assert 8_500 * USD < maintenance < 9_000 * USD
    assert world.head(owner)["lp"] == 1
    equity, equity_initial, *_ = world.health(owner)
    assert (equity, equity_initial) == (maintenance, initial)
    assert nft_owner(world, id_) == world.lp.address


def test_an_account_is_made_for_a_first_position_and_a_sub_account_is_named(one: LpWorld) -> None:
    owner = owner_of(one)
    one.position(owner, 1_000)
    id_ = one.mint(owner, 1_000)
    two = (2).to_bytes(32, "big")
    sends = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_)
    assert one.refusal(owner, *sends, two) == code.UNKNOWN_ACCOUNT
    for _ in range(2):
        owner.send(one.world.contract("AccountDesk", owner), "create_sub")
    owner.send(*sends, two)
    assert one.world.client.call(one.lp, "account_of", id_) == at.account(owner.address, 2)
    for data in (b"\x01", (11).to_bytes(32, "big")):
        other = one.mint(owner, 1_000)
        args = (owner.address, one.lp.address, other, data)
        assert one.refusal(owner, one.manager, "safeTransferFrom", *args) == code.UNKNOWN_ACCOUNT


def test_only_the_managers_nfts_come_in(one: LpWorld) -> None:
    """Who says that it has sent a position is nobody; a look-alike manager gives nothing."""
    owner = owner_of(one)
    args = (owner.address, owner.address, 1, b"")
    assert one.refusal(owner, one.lp, "onERC721Received", *args) == code.NOT_AUTHORISED
    assert one.places(owner) == []


def test_an_approval_of_before_does_not_outlive_the_deposit(one: LpWorld) -> None:
    """Who had been allowed to move the NFT, or its liquidity, is not any more."""
    owner, thief = owner_of(one), owner_of(one)
    id_ = one.mint(owner, 1_000)
    owner.send(one.manager, "approve", thief.address, id_)
    owner.send(one.manager, "setApprovalForAll", thief.address, True)
    one.put(owner, id_)
    for function, args in (
        ("transferFrom", (one.lp.address, thief.address, id_)),
        ("decreaseLiquidity", ((id_, 10, 0, 0, 2**40),)),
        ("collect", ((id_, thief.address, 2**128 - 1, 2**128 - 1),)),
        ("approve", (thief.address, id_)),
    ):
        assert one.refusal(thief, one.manager, function, *args) == REVERTED, function
        assert one.refusal(owner, one.manager, function, *args) == REVERTED, function


@pytest.mark.parametrize("fee", [500, 10_000])
def test_a_pool_that_is_not_listed_is_refused(one: LpWorld, fee: int) -> None:
    """The same tokens at another fee are another pool, with a price of its own."""
    owner = owner_of(one)
    token0, token1 = sorted((one.usd, one.uniswap.weth), key=lambda token: int(token, 16))
    root = one.slot0()[0]
    owner.send(one.manager, "createAndInitializePoolIfNecessary", token0, token1, fee, root)
    middle = one.tick() // 600 * 600
    args = (token0, token1, fee, middle - 6_000, middle + 6_000, 10**9, 10**18, 0, 0, owner.address, 2**40)
    id_ = owner.call(one.manager, "mint", args)[0]
    owner.send(one.manager, "mint", args)
    sent = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_, b"")
    assert one.refusal(owner, *sent) == code.UNKNOWN_MARKET


def test_a_narrow_range_is_refused(one: LpWorld) -> None:
    owner = owner_of(one)
    id_ = one.mint(owner, 1_000, width=240)
    sent = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_, b"")
    assert one.refusal(owner, *sent) == code.BAD_SIZE
    one.position(owner, 1_000, width=300)


def test_a_range_without_liquidity_is_refused(one: LpWorld) -> None:
    owner = owner_of(one)
    id_ = one.mint(owner, 1_000)
    liquidity = owner.call(one.manager, "positions", id_)[7]
    owner.send(one.manager, "decreaseLiquidity", (id_, liquidity, 0, 0, 2**40))
    sent = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_, b"")
    assert one.refusal(owner, *sent) == code.BAD_AMOUNT


def test_a_ninth_position_is_refused(one: LpWorld) -> None:
    owner = owner_of(one)
    for _ in range(8):
        one.position(owner, 100)
    id_ = one.mint(owner, 100)
    sent = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_, b"")
    assert one.refusal(owner, *sent) == code.POSITIONS_FULL
    assert len(one.places(owner)) == 8


def test_a_pools_cap_holds_for_all_accounts_together() -> None:
    """Whatever an oracle says of a worthless token, no more liquidity than this backs anything (Mango 2022)."""
    one = fast_world(pool={"cap": 10**16})
    first, second = owner_of(one), owner_of(one)
    one.position(first, 5_000)
    assert one.world.client.call(one.lp, "liquidity_in", 0) == one.places(first)[0]["liquidity"]
    id_ = one.mint(second, 5_000)
    sent = (one.manager, "safeTransferFrom", second.address, one.lp.address, id_, b"")
    assert one.refusal(second, *sent) == code.POSITION_CAP
    held = one.places(first)[0]["id"]
    first.send(one.lp, "withdraw", held, first.address)
    assert one.world.client.call(one.lp, "liquidity_in", 0) == 0
    one.put(second, id_)


def listing(one: LpWorld, **changes: object) -> int:
    """The code with which the governor's listing of a second pool, or a change of the first, is refused; 0: taken."""
    first, second = sorted((one.usd, one.uniswap.weth), key=lambda token: int(token, 16))
    keys = (0, 1) if one.usd_first else (1, 0)
    said = {"number": 0, "token0": first, "token1": second, "fee": FEE, "key0": keys[0], "key1": keys[1]}
    said |= {"initial": RATE_ONE // 2, "maintenance": RATE_ONE // 2, "scan": 1, "start": 0, "width": 60}
    said |= {"cap": 1, "hour_cap": 1, "drift": 1}
    assert set(changes) <= set(said)
    governor = Deployer(one.world.client, one.world.record, None, lambda _: None)
    governor.record.steps.append("a salt of its own")
    try:
        governor._govern("LPCollateral", "set_pool", *(said | changes).values())
    except Refused as refused:
        return refused.code
    return 0


def test_what_a_governor_may_list(one: LpWorld) -> None:
    """A pool that exists, of tokens that the vault has under these keys, with weights not above theirs."""
    assert listing(one) == 0
    assert one.world.client.call(one.lp, "pool_count") == 1
    for bad in (
        {"number": 1},  # the same pool again
        {"number": 2, "fee": 500},
        {"number": 1, "fee": 500},  # there is none
        {"key0": 1, "key1": 0},
        {"key1": 0},
        {"key1": 2},
        {"token1": one.uniswap.factory},
        {"maintenance": RATE_ONE * 9 // 10 + 1},  # the token's own is 0.9
        {"initial": RATE_ONE * 6 // 10},  # above maintenance
        {"scan": RATE_ONE},
        {"width": 0},
        {"cap": 2**128},
        {"start": 2**128},
        {"drift": 0},
        {"drift": RATE_ONE},
    ):
        assert listing(one, **bad) == code.BAD_PARAMETER, bad


def test_the_guardian_closes_a_pool_and_positions_leave_it(one: LpWorld) -> None:
    owner = owner_of(one)
    kept = one.position(owner, 1_000)
    one.world.client.send(one.lp, "close", 0)
    id_ = one.mint(owner, 1_000)
    sent = (one.manager, "safeTransferFrom", owner.address, one.lp.address, id_, b"")
    assert one.refusal(owner, *sent) == code.MARKET_CLOSED
    tick = one.tick()
    assert one.refusal(owner, one.lp, "move", kept, tick - 6_000, tick + 6_000, 0) == code.MARKET_CLOSED
    owner.send(one.lp, "withdraw", kept, owner.address)


def test_the_initial_weight_shrinks_with_the_liquidity_that_is_held() -> None:
    one = fast_world(pool={"start": 10**15})
    first, second = owner_of(one), owner_of(one)
    one.position(first, 100)
    liquidity = one.places(first)[0]["liquidity"]
    assert liquidity < 10**15
    initial, maintenance = one.worth(first)
    one.position(second, 10_000)
    total = one.world.client.call(one.lp, "liquidity_in", 0)
    assert total > 10**16
    after, kept = one.worth(first)
    assert kept == maintenance
    assert abs(after - initial * 10**15 // total) < initial // 10**5


# the owner's


def test_nobody_else_touches_a_position(one: LpWorld) -> None:
    owner, thief = owner_of(one), owner_of(one)
    id_ = one.position(owner, 1_000)
    tick = one.tick()
    for function, args in (
        ("sync", (id_,)),
        ("collect", (id_,)),
        ("decrease", (id_, 1, 0, 0)),
        ("move", (id_, tick - 6_000, tick + 6_000, 0)),
        ("withdraw", (id_, thief.address)),
        ("sync", (999,)),
    ):
        assert one.refusal(thief, one.lp, function, *args) == code.NOT_AUTHORISED, function
    assert one.refusal(thief, one.lp, "unwind", id_) == code.NOT_DUE
    assert one.refusal(thief, one.lp, "unwind", 999) == code.BAD_FIELD


def test_fees_go_to_the_account(world: LpWorld) -> None:
    owner = owner_of(world)
    id_ = world.position(owner, 5_000)
    before = world.worth(owner)
    for of_usd, amount in ((True, 10**11), (False, 10**21), (True, 10**11)):
        world.swap(world.trader, amount, of_usd=of_usd)
    assert world.worth(owner) == before, "fees that are not collected count nothing"
    owner.send(world.lp, "collect", id_)
    assert world.head(owner)["raw"] > USD
    assert world.held(owner) > 0
    assert world.worth(owner) == before
    left = world.balances(world.lp.address)
    assert left == (0, 0)


def test_tokens_below_a_lot_wait_for_the_next(one: LpWorld) -> None:
    """A lot is 10^14 units: what fees leave below it is kept by account, and no unit is lost."""
    owner = owner_of(one)
    id_ = one.position(owner, 5_000)
    account = at.account(owner.address)
    paid = 0
    for _ in range(3):
        one.swap(one.trader, 10**20 + 7, of_usd=False)
        paid += owner.call(one.lp, "collect", id_)[0 if not one.usd_first else 1]
        owner.send(one.lp, "collect", id_)
        rest = one.world.client.call(one.vault, "rests", account, 1)
        assert one.held(owner) * 10**14 + rest == paid
        assert rest < 10**14


def test_decrease_pays_the_account(world: LpWorld) -> None:
    owner = owner_of(world)
    id_ = world.position(owner, 5_000)
    liquidity = world.places(owner)[0]["liquidity"]
    _, before = world.worth(owner)
    owner.send(world.lp, "decrease", id_, liquidity // 2, 0, 0)
    assert world.places(owner)[0]["liquidity"] == liquidity - liquidity // 2
    assert abs(world.worth(owner)[1] * 2 - before) < 10
    assert 2_200 * USD < world.head(owner)["raw"] < 2_800 * USD
    assert 220_000 < world.held(owner) < 280_000
    for bad in (0, liquidity, 2**130):
        assert world.refusal(owner, world.lp, "decrease", id_, bad, 0, 0) in (code.BAD_AMOUNT, REVERTED)
    assert world.refusal(owner, world.lp, "decrease", id_, 10, 2**100, 0) == REVERTED


def test_a_gift_of_liquidity_blocks_nothing_and_counts_when_synced(one: LpWorld) -> None:
    """Anybody may add to anybody's position at the manager."""
    owner, giver = owner_of(one), owner_of(one)
    id_ = one.position(owner, 1_000)
    before = one.worth(owner)
    giver.send(one.manager, "increaseLiquidity", (id_, 10**9, 10**19, 0, 0, 2**40))
    assert one.worth(owner) == before
    owner.send(one.lp, "sync", id_)
    assert one.worth(owner)[0] > before[0]
    assert one.world.client.call(one.lp, "liquidity_in", 0) == one.places(owner)[0]["liquidity"]
    giver.send(one.manager, "increaseLiquidity", (id_, 10**9, 10**19, 0, 0, 2**40))
    tick = one.tick()
    owner.send(one.lp, "move", id_, tick - 6_000, tick + 6_000, 0)
    assert one.places(owner)[0]["id"] != id_


def test_a_range_moves_in_one_step(world: LpWorld) -> None:
    """Everything out, a new NFT, the rest in the account; less than a lot and a micro-USD is lost to rounding."""
    owner = owner_of(world)
    id_ = world.position(owner, 5_000)
    world.swap(world.trader, 10**11, of_usd=True)
    world.swap(world.trader, 10**21, of_usd=False)
    tick = world.tick()
    new = int(owner.call(world.lp, "move", id_, tick - 3_000, tick + 600, 0))
    before = world.health(owner)
    owner.send(world.lp, "move", id_, tick - 3_000, tick + 600, 0)
    (place,) = world.places(owner)
    assert (place["id"], place["lower"], place["upper"]) == (new, tick - 3_000, tick + 600)
    assert world.world.client.call(world.lp, "account_of", id_) == 0
    assert world.world.client.call(world.lp, "account_of", new) == at.account(owner.address)
    assert nft_owner(world, new) == world.lp.address
    assert world.world.client.call(world.lp, "liquidity_in", 0) == place["liquidity"]
    assert world.head(owner)["raw"] > 0 or world.held(owner) > 0
    assert world.health(owner)[0] > before[0], "fees and what did not fit are in the account"
    assert world.balances(world.lp.address) == (0, 0)
    most = place["liquidity"] * 2
    assert world.refusal(owner, world.lp, "move", new, tick - 3_000, tick + 600, most) == code.BAD_SIZE
    assert world.refusal(owner, world.lp, "move", new, tick - 60, tick + 60, 0) == code.BAD_SIZE


def test_no_range_moves_into_a_pool_away_from_the_oracles(one: LpWorld) -> None:
    """Liquidity put in at a price that a swap has set would be given away."""
    owner = owner_of(one)
    id_ = one.position(owner, 5_000)
    tick = one.tick()
    one.push(one.trader, int(one.slot0()[0]) * 103 // 100)
    assert one.refusal(owner, one.lp, "move", id_, tick - 6_000, tick + 6_000, 0) == code.PRICE_BAND


def test_a_position_leaves_only_with_margin_behind_it(world: LpWorld) -> None:
    owner = owner_of(world, margin=100)
    id_ = world.position(owner, 5_000)
    world.world.trade(owner, 1, 500_000)  # 50 ETH, 5,000 USD at 1/20: 250 USD of margin
    assert world.refusal(owner, world.lp, "withdraw", id_, owner.address) == code.WITHDRAWABLE
    assert world.places(owner)[0]["id"] == id_
    world.world.trade(owner, 1, 500_000, buys=False)
    owner.send(world.lp, "withdraw", id_, STRANGER)
    assert nft_owner(world, id_).lower() == STRANGER
    assert world.places(owner) == []
    assert world.head(owner)["lp"] == 0
    assert world.worth(owner) == (0, 0)


def test_payouts_that_are_stopped_stop_positions(one: LpWorld) -> None:
    owner = owner_of(one)
    id_ = one.position(owner, 1_000)
    one.world.client.send(one.vault, "pause", True)
    assert one.refusal(owner, one.lp, "withdraw", id_, owner.address) == code.WITHDRAWALS_CLOSED


def test_liquidity_that_leaves_in_an_hour_is_limited() -> None:
    one = fast_world(pool={"hour_cap": 10**16})
    owner = owner_of(one)
    first, second = one.position(owner, 5_000), one.position(owner, 5_000)
    owner.send(one.lp, "withdraw", first, owner.address)
    assert one.refusal(owner, one.lp, "withdraw", second, owner.address) == code.WITHDRAWAL_LIMIT
    one.world.pass_time(3_600)
    one.world.price(1_000, 100)
    owner.send(one.lp, "withdraw", second, owner.address)


def test_a_stale_price_backs_nothing_new(one: LpWorld) -> None:
    owner = owner_of(one)
    one.position(owner, 1_000)
    _, maintenance = one.worth(owner)
    one.world.pass_time(3_700)
    assert one.worth(owner) == (0, maintenance)


def tries(world: LpWorld, id_: int) -> list[tuple[str, tuple[object, ...]]]:
    """Everything by which liquidity leaves a range."""
    tick = world.tick()
    return [
        ("decrease", (id_, 10**12, 0, 0)),
        ("move", (id_, tick - 1_260, tick - 300, 0)),  # all in ETH, which is what it holds
        ("withdraw", (id_, STRANGER)),
    ]


def test_nothing_leaves_an_account_in_trouble(one: LpWorld) -> None:
    owner, id_ = in_trouble(one)
    for function, args in tries(one, id_):
        assert one.refusal(owner, one.lp, function, *args) == code.BEING_LIQUIDATED, function
    one.world.pass_time(3_700)
    for function, args in tries(one, id_):
        assert one.refusal(owner, one.lp, function, *args) == code.STALE_PRICE, function


def test_nothing_leaves_an_account_that_is_short_of_initial_margin(one: LpWorld) -> None:
    """Above maintenance, so nobody liquidates it; but no step ends below initial margin."""
    owner = owner_of(one)
    id_ = one.position(owner, 500)
    one.world.trade(owner, 1, 500_000)
    cents = 100_00
    while one.health(owner)[0] > 2 * one.health(owner)[2]:
        cents -= 20
        one.world.venue.report({0: 1_000, 1: Fraction(cents, 100)})
    assert one.health(owner)[0] > one.health(owner)[2]
    assert one.health(owner)[1] < one.health(owner)[3]
    one.push(one.trader, one.root())
    for function, args in tries(one, id_):
        assert one.refusal(owner, one.lp, function, *args) == code.WITHDRAWABLE, function


def test_units_of_one_fee_tier(one: LpWorld) -> None:
    """What the fixtures assume of the pool."""
    assert one.world.client.call(one.lp, "pools", 0)[3] == FEE
    assert one.eth_price() == 100 * USD
    assert WETH == 10**18
