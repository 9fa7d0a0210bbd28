"""POPCAT: 19 wallets of one owner went long 5x in a thin market, a wall of bids held the price up and was then removed;
they were liquidated, and the vault that took their positions lost more than they had.

One owner's accounts share one cap, and owners who do not know each other share the market's: its initial margin rises
with open interest, whoever holds it, so that splitting a position among strangers gives little more of it (the early
ones pay less: 29 % here) and far less than the leverage of the tier. A wall moves the mark by no more than the time it
has stood, nor further than its band; and what the vault may lose is bounded by what it may hold.
"""

from guard import fails_without

from seawall.engine.invariants import broken
from seawall.terms import command, parameter
from venue_world import BUY, SELL, USD, World

WALLETS, CASH = 19, 158_000  # 3 M USD in all
LOWER, UPPER = 5_000_000 * USD, 20_000_000 * USD  # of open interest: what the market outside can carry
FULL = WALLETS * CASH * 5 // 100  # lots that 3 M USD would hold at 5x, were nothing in the way: 15 M USD


def thin_market() -> tuple[World, int]:
    """A market whose initial margin rises with open interest, and somebody who sells all that is asked for."""
    world = World(markets=0)
    world.list_market(0, 100 * USD, leverage=5, maintenance=1_200_000)
    for which, value in ((parameter.OPEN_INTEREST_UPPER, UPPER), (parameter.OPEN_INTEREST_LOWER, LOWER)):
        world.venue.columns["param"][0, which] = value
    maker = world.account(100_000_000)
    world.place(maker, 0, SELL, 100 * USD, 300_000)
    return world, maker


def fill_up(world: World, who: int) -> int:
    """Buys as much as it is let, in ever smaller orders; returns the lots."""
    size = 2**17
    while size:
        fields = {"account": who, "market": 0, "price": 100 * USD, "size": size, "flags": BUY | command.IOC}
        world.do(kind=command.PLACE, signer=who, **fields)
        size //= 2
    return world.position(who, 0)


def split_scenario() -> None:
    """What 19 strangers get for their money is near to what one gets for as much, and far from all of 5x."""
    world, _ = thin_market()
    one = fill_up(world, world.account(WALLETS * CASH))
    world, _ = thin_market()
    many = sum(fill_up(world, world.account(CASH)) for _ in range(WALLETS))
    assert one <= FULL * 3 // 4
    assert many <= FULL * 3 // 4
    assert one <= many <= one * 4 // 3


def owner_scenario() -> None:
    """The wallets that have one owner are one position to the cap, whichever they trade from."""
    world, _ = thin_market()
    world.parameter(0, parameter.POSITION_CAP, 20_000)
    owner = world.account(WALLETS * CASH)
    subs = [int(world.must(kind=command.CREATE_SUB, signer=owner, account=owner).events[0, 4]) for _ in range(10)]
    total = fill_up(world, owner)
    for sub in subs:
        world.must(kind=command.TRANSFER, signer=owner, account=owner, other=sub, amount=CASH * USD)
        fields = {"account": sub, "market": 0, "price": 100 * USD, "size": 5_000, "flags": BUY | command.IOC}
        world.do(kind=command.PLACE, signer=owner, **fields)
        total += world.position(sub, 0)
        assert total <= 20_000
    assert total == 20_000


def wall_scenario() -> None:
    """A wall of bids at the ask, there when the price is taken and gone before the next, then one that stays."""
    world = World(markets=1)
    maker, attacker = world.account(10_000_000), world.account(10_000_000)
    columns = world.venue.columns
    for side, price in ((SELL, 110), (BUY, 90)):
        world.place(maker, 0, side, price * USD, 1_000)
    for _ in range(30):
        world.tick()
        world.price(0, 100 * USD)
    assert columns["market_price"][0] == 100 * USD
    for _ in range(10):  # the wall has stood for a moment each time a price is taken
        world.tick()
        wall = world.place(attacker, 0, BUY, 109 * USD, 20_000)
        world.price(0, 100 * USD)
        assert columns["market_price"][0] <= 1015 * USD // 10
        world.must(kind=command.CANCEL, signer=attacker, account=attacker, market=0, reference=wall)
        for _ in range(9):
            world.tick()
            world.price(0, 100 * USD)
            assert columns["market_price"][0] <= 1015 * USD // 10
    world.place(attacker, 0, BUY, 109 * USD, 20_000)
    for _ in range(120):
        world.tick()
        world.price(0, 100 * USD)
        assert columns["market_price"][0] <= 102 * USD


def vault_scenario() -> None:
    """19 longs are liquidated into a book that is gone: the vault takes its cap and no more, ADL the rest."""
    world = World(markets=1)
    lender = world.account(10_000_000)
    world.venue.columns["param"][0, parameter.BACKSTOP_CAP] = 500_000 * USD
    vault = {"kind": command.POOL_ADD, "signer": lender, "account": lender, "market": 0, "flags": command.BACKSTOP}
    world.must(amount=2_000_000 * USD, **vault)
    short = world.account(10_000_000)
    wallets = [world.account(6_000) for _ in range(WALLETS)]
    for wallet in wallets:
        world.trade(wallet, short, 0, 100 * USD, 1_000)
    wall = world.place(lender, 0, BUY, 99 * USD, 200_000)
    world.must(kind=command.CANCEL, signer=lender, account=lender, market=0, reference=wall)
    bucket = world.venue.capacity.accounts + world.venue.capacity.isolated + 1
    before = world.raw(bucket)
    for price in (98, 96, 94, 92, 88, 84, 80):
        world.tick()
        world.price(0, price * USD)
        for _ in range(8):
            world.liquidate()
        assert broken(world.venue.columns) == []
    assert not any(world.position(wallet, 0) for wallet in wallets)
    lost = before - world.raw(bucket) - world.position(bucket, 0) * 80 * USD
    assert 0 < lost <= 500_000 * USD * 20 // 100
    assert world.venue.columns["market_short"][0] == 0


def test_splitting_a_position_gives_little_more_of_it() -> None:
    split_scenario()


def test_linked_wallets_are_one_position() -> None:
    owner_scenario()


def test_a_wall_counts_for_the_time_it_stands() -> None:
    wall_scenario()


def test_the_vault_loses_no_more_than_its_cap_can() -> None:
    vault_scenario()


def test_it_fails_when_margin_does_not_rise_with_open_interest() -> None:
    old = "    if upper == 0 or interest <= lower:\n"
    assert fails_without("ledger/health.py", old, "    if upper >= 0 or interest <= lower:\n", split_scenario)


def test_it_fails_when_linked_accounts_are_not_added_up() -> None:
    old = "total = max(0, held) if is_alone(s, o.account) else held_by_linked(s, o.account, o.market, o.side)"
    assert fails_without("engine/placing.py", old, "total = max(0, held)", owner_scenario)


def test_it_fails_when_the_book_of_the_moment_is_the_mark() -> None:
    old = "    return middle_of_three(first, second, book_ema // EMA_ONE) if"
    assert fails_without("engine/prices.py", old, "    return int(second) if", wall_scenario)


def test_it_fails_when_the_mark_has_no_band() -> None:
    old = "    band = s.param[market, parameter.MARK_BAND]\n"
    assert fails_without("engine/prices.py", old, "    band = RATE_ONE // 4\n", wall_scenario)


def test_it_fails_when_the_vault_has_no_cap() -> None:
    old = "return int(min(s.param[market, parameter.BACKSTOP_CAP] // mark, NOTIONAL_MAX // s.market_price_max[market]))"
    new = "return int(NOTIONAL_MAX // s.market_price_max[market])"
    assert fails_without("liquidation/backstop.py", old, new, vault_scenario)
