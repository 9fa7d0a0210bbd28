"""GMX v1: a call in the middle of an order opened shorts whose average price was not brought up to date. Two records of
one quantity disagreed, the pool seemed worth far more than it was, and its shares were redeemed at that price.

Here no command calls out before it is done. Every quantity that is recorded twice, once by position and once by market,
is written in one place; after every action the two agree; and at one price no action of anybody lowers what a share of
a pool is worth to those who stay. What a trade has just paid for skewing the pool's price is no part of that worth: the
trader gets it back by closing, and would otherwise be paid it twice.
"""

import ast
from fractions import Fraction
from pathlib import Path

from guard import fails_without

from seawall.engine.invariants import broken
from seawall.terms import code, command, parameter
from venue_world import BUY, SELL, USD, World

SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "seawall"
WRITERS = {
    "slot_size": {"open_slot", "trade"},
    "slot_entry": {"open_slot", "trade", "_cut"},
    "market_open": {"trade", "measure_fill"},  # the latter puts back what it tried
    "market_entry_sum": {"trade", "_cut"},
    "market_shares_amm": {"_count"},
    "market_shares_backstop": {"_count"},
    "slot_advanced": {"set_advanced"},
    "bucket_advanced": {"set_advanced"},
    "market_advanced": {"set_advanced"},
}
FOLDERS = ("ledger", "book", "liquidation", "engine")  # what writes the venue's state
INDEX = 100 * USD
DEPTH = 50_000


def writers(column: str) -> set[str]:
    """Functions of the engine that assign to an item of a column."""
    found = set()
    for path in (path for folder in FOLDERS for path in sorted((SOURCE / folder).glob("*.py"))):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                found |= {function.name for node in ast.walk(function) if _assigns(node, column)}
    return found


def _assigns(node: ast.AST, column: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    flat = [item for target in targets for item in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(
        isinstance(item, ast.Subscript) and isinstance(item.value, ast.Attribute) and item.value.attr == column
        for item in flat
    )


class Pool:
    """A pool with other people's money, an attacker with shares of it and positions against it, an honest trader."""

    def __init__(self) -> None:
        self.world = world = World(markets=1)
        params = {parameter.AMM_DEPTH: DEPTH, parameter.AMM_CAP: 20_000, parameter.POOL_LOCK_MS: 0}
        for which, value in params.items():
            world.venue.columns["param"][0, which] = value
        self.pool = world.venue.capacity.accounts + world.venue.capacity.isolated
        self.others, self.attacker, self.trader, self.maker = (world.account(1_000_000) for _ in range(4))
        self.add(self.others, 500_000 * USD)
        self.add(self.attacker, 300_000 * USD)
        self.quote(101, 103)

    def quote(self, bid: int, ask: int) -> None:
        """A book above the index: the mark goes there, within its band."""
        world = self.world
        world.must(kind=command.CANCEL_ALL, signer=self.maker, account=self.maker, market=-1)
        world.place(self.maker, 0, SELL, ask * USD, 10)
        world.place(self.maker, 0, BUY, bid * USD - 3 * USD, 10)
        for _ in range(3):
            world.tick()
            world.price(0, INDEX)

    def add(self, who: int, amount: int) -> int:
        fields = {"signer": who, "account": who, "market": 0, "flags": command.AMM, "amount": amount}
        return int(self.world.do(kind=command.POOL_ADD, **fields).codes[0])

    def remove(self, who: int, shares: int) -> int:
        fields = {"signer": who, "account": who, "market": 0, "flags": command.AMM, "size": shares}
        return int(self.world.do(kind=command.POOL_REMOVE, **fields).codes[0])

    def trade(self, who: int, side: int, size: int) -> int:
        price = INDEX * (110 if side == BUY else 90) // 100
        fields = {"account": who, "market": 0, "price": price, "size": size, "flags": side | command.IOC}
        return int(self.world.do(kind=command.PLACE, signer=who, **fields).codes[0])

    def shares(self, who: int) -> int:
        columns = self.world.venue.columns
        mine = (columns["share_account"] == who) & (columns["share_amount"] > 0)
        return int(columns["share_amount"][mine].sum())

    def worth(self, price: int) -> Fraction:
        """Of a share, with the pool's position at a price, less what its skew pays to whoever takes that off it."""
        shares, size = int(self.world.venue.columns["market_shares_amm"][0]), self.world.position(self.pool, 0)
        impact = Fraction(size * size * INDEX, 2 * DEPTH)
        return (self.world.raw(self.pool) + size * price - impact) / shares

    def agrees(self) -> None:
        """What the market has on record is what its positions add up to."""
        columns, held = self.world.venue.columns, self.world.venue.columns["slot_owner"] >= 0
        sizes, entries = columns["slot_size"][held], columns["slot_entry"][held]
        assert columns["market_open"][0] == sizes[sizes > 0].sum()
        assert columns["market_entry_sum"][0] == entries.sum()
        assert broken(columns) == []


def scenario() -> None:
    """Rounds of shares bought, positions opened and closed both ways, shares sold, at marks beside the index."""
    pool = Pool()
    columns = pool.world.venue.columns
    accepted = 0
    for turn in range(6):
        pool.quote(*((101, 103), (98, 101), (101, 103))[turn % 3])
        mark = int(columns["market_price"][0])
        half, first = pool.shares(pool.attacker) // 2, (BUY, SELL) if turn % 2 == 0 else (SELL, BUY)
        steps = (
            (pool.trade, pool.attacker, first[0], 3_000),
            (pool.add, pool.attacker, 50_000 * USD),
            (pool.trade, pool.trader, BUY, 700 + turn),
            (pool.remove, pool.attacker, half),
            (pool.trade, pool.attacker, first[1], 3_000),
            (pool.trade, pool.attacker, SELL, 500),
            (pool.add, pool.attacker, 70_001 * USD + turn),
            (pool.trade, pool.trader, SELL, 700 + turn),
            (pool.trade, pool.attacker, BUY, 500),
        )
        for act, *given in steps:
            at_index, at_mark = pool.worth(INDEX), pool.worth(mark)
            moved = int(columns["market_shares_amm"][0])
            accepted += act(*given) == code.OK
            pool.agrees()
            assert pool.worth(INDEX) >= at_index
            if columns["market_shares_amm"][0] != moved:
                assert pool.worth(mark) >= at_mark
    assert accepted >= 50
    assert columns["market_price"][0] != INDEX


def attack_scenario() -> None:
    """A position lifts the pool's own price, the shares are redeemed, the position is closed at what it cost."""
    for side, back in ((BUY, SELL), (SELL, BUY)):
        pool = Pool()
        for _ in range(2):
            assert pool.trade(pool.attacker, side, 3_000) == code.OK
        assert pool.remove(pool.attacker, pool.shares(pool.attacker)) == code.OK
        assert pool.trade(pool.attacker, back, 6_000) == code.OK
        assert pool.world.raw(pool.attacker) + pool.world.position(pool.attacker, 0) * INDEX <= 1_000_000 * USD


def test_every_quantity_has_its_writers() -> None:
    for column, names in WRITERS.items():
        assert writers(column) == names, column


def test_no_action_lowers_what_a_share_is_worth() -> None:
    scenario()


def test_nobody_redeems_what_a_trade_has_just_made() -> None:
    attack_scenario()


def test_it_fails_when_the_skew_counts_as_profit() -> None:
    old = "if s.bucket_kind[pool] == AMM_POOL else (0, 0)"
    assert fails_without("engine/pools.py", old, "if False else (0, 0)", attack_scenario)


def test_it_fails_when_shorts_do_not_move_the_average() -> None:
    old = "    s.market_entry_sum[market] += kept - entry\n"
    new = "    s.market_entry_sum[market] += kept - entry if size > 0 else 0\n"
    assert fails_without("ledger/buckets.py", old, new, scenario)


def test_it_fails_when_open_interest_is_counted_apart() -> None:
    old = "    s.market_open[market] += max(after, 0) - max(old, 0)\n"
    assert fails_without("ledger/buckets.py", old, "    s.market_open[market] += max(size, 0)\n", scenario)


def test_it_fails_when_shares_are_bought_at_the_lower_worth() -> None:
    old = "minted = mul_floor_div(c.amount, shares, high)"
    assert fails_without("engine/pools.py", old, "minted = mul_floor_div(c.amount, shares, low)", scenario)


def test_it_fails_when_shares_are_sold_at_the_higher_worth() -> None:
    assert fails_without("engine/pools.py", "    low, _ = worth(", "    _, low = worth(", scenario)
