"""A desk with one market and its pools, for the tests of pools and insurance funds."""

from fractions import Fraction

from bare_venue import USD, Bare
from seawall.engine import pools
from seawall.ledger import state
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.terms import command, limits

FLAGS = {AMM: command.AMM, BACKSTOP: command.BACKSTOP}
LOCKED = limits.POOL_LOCKED
HOUR = 3_600_000


class Desk(Bare):
    """One market at 100 USD, three accounts with 10,000 USD each."""

    def __init__(self) -> None:
        super().__init__()
        self.market(0, 100 * USD)
        self.lp, self.other, self.trader = (self.account(10_000 * USD) for _ in range(3))

    def add(self, account: int, amount: int, which: int = AMM) -> int:
        return self.run(pools.pool_add, account=account, market=0, flags=FLAGS[which], amount=amount)[0]

    def remove(self, account: int, size: int, which: int = AMM) -> int:
        return self.run(pools.pool_remove, account=account, market=0, flags=FLAGS[which], size=size)[0]

    def later(self, ms: int = HOUR) -> None:
        self.cell[state.NOW] += ms
        self.columns["market_oracle_time"][:] = self.cell[state.NOW]

    def shares(self, account: int, which: int = AMM) -> int:
        row = pools.find_share(self.s, account, self.pool(0, which))
        return int(self.columns["share_amount"][row]) if row else 0

    def total(self, which: int = AMM) -> int:
        return int(self.columns["market_shares_amm" if which == AMM else "market_shares_backstop"][0])

    def share_price(self, which: int = AMM) -> Fraction:
        """Equity at the mark a share, exactly."""
        pool = self.pool(0, which)
        held = [(s, z) for _, s, z in self.positions(pool)]
        equity = self.raw(pool) + sum(size * int(self.columns["market_price"][0]) for _, size in held)
        return Fraction(equity, self.total(which))

    def positions(self, bucket: int) -> list[tuple[int, int, int]]:
        found, slot = [], int(self.columns["bucket_first"][bucket])
        while slot:
            found.append((int(self.columns["slot_market"][slot]), slot, int(self.columns["slot_size"][slot])))
            slot = int(self.columns["slot_sibling"][slot])
        return found


def set_cash(desk: Desk, bucket: int, cash: int) -> None:
    desk.cell[state.VAULT] += cash - desk.raw(bucket)
    desk.columns["bucket_raw"][bucket] = cash


def profit(desk: Desk, amount: int, which: int = AMM) -> None:
    """A pool earns (or loses) cash from the trader."""
    desk.columns["bucket_raw"][desk.pool(0, which)] += amount
    desk.columns["bucket_raw"][desk.trader] -= amount


def kill(desk: Desk, left: int) -> None:
    """The pool loses all but `left` and is flat."""
    profit(desk, left - desk.raw(desk.pool(0)))


def insure(desk: Desk, account: int, amount: int) -> int:
    return desk.run(pools.insurance_add, account=account, market=0, amount=amount)[0]


def draw(desk: Desk, account: int, amount: int) -> int:
    return desk.run(pools.insurance_remove, account=account, market=0, amount=amount)[0]


def enqueue(desk: Desk, bucket: int, group: int = 3) -> None:
    desk.columns["queue_first"][group] = desk.columns["queue_last"][group] = bucket + 1
    desk.columns["bucket_class"][bucket] = group + 1
    desk.cell[state.QUEUED] += 1
