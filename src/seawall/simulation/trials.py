"""Single commands at the edges, judged by the model: exactly what may leave and one more, the last lot that margin
allows and the next, dust, equal prices, and rows of ordinary traffic.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation import observe
from seawall.simulation.genesis import rows_from
from seawall.simulation.judge import Judge
from seawall.simulation.judge_clock import Clock, edge_of_clock
from seawall.simulation.judge_liquidation import Liquidation, waits
from seawall.simulation.judge_prices import Oracle, Payment, edge_of_oracle
from seawall.simulation.model import withdrawable
from seawall.simulation.model_money import withdrawal_room
from seawall.simulation.properties import Caught, Fault
from seawall.terms import code, command, parameter
from seawall.terms.limits import AMOUNT_MAX, NOTIONAL_MAX

if TYPE_CHECKING:
    from seawall.simulation.world import World

Fields = dict[str, int]
BEYOND: Final = (0, 0, 1, -1, 2)  # from an edge: on it mostly, and about it


class Trials:
    """Draws commands at the edges of what a venue allows now, applies each alone and has it judged."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.rng = world.rng
        self.makers = (self.leaving, self.leaving, self.transfer, self.isolated, self.order, self.order, self.ending)

    def some(self, count: int) -> None:
        """`count` trials, half of them at edges, half rows of ordinary traffic. Raises Caught at the first fault."""
        traffic = self.world.traffic.table(count, is_even=True)
        for at in range(count):
            fields = dict(zip(command.ROW, traffic[at].tolist(), strict=True))
            if at % 2:
                made = self.makers[int(self.rng.integers(len(self.makers)))]()
                fields = made if made is not None else fields
            self.one(fields)
        self.step()
        for _ in range(max(count // 8, 1)):
            self.price()
        self.funding()
        for _ in range(min(max(count // 4, 2), 8)):
            if waits(self.world.columns):
                self.liquidation()

    def step(self) -> None:
        """The clock, judged, and prices move, so that there is something to liquidate."""
        world = self.world
        fields = edge_of_clock(world.columns, world.options.step_ms, self.rng)
        self._apply(fields, Clock(world.columns, fields).judge)
        if len(table := world.prices.step(world.now)):
            world.apply(rows_from(table), is_whole=False)

    def price(self) -> None:
        """One source's price at an edge of what is believed, judged."""
        world = self.world
        fields = edge_of_oracle(world.columns, self.rng)
        if fields is None:
            return
        before = Oracle(world.columns, fields)
        self._apply(fields, before.judge)

    def funding(self) -> None:
        """One funding command, judged."""
        market = int(self.rng.integers(int(self.world.columns["cell"][state.MARKETS])))
        before = Payment(self.world.columns, market)
        fields = dict.fromkeys(command.ROW, 0)
        fields.update(kind=command.FUNDING, signer=command.SEQUENCER, market=market)
        self._apply(fields, before.judge)

    def _apply(self, fields: Fields, judge: Callable[[Applied], list[Fault]]) -> None:
        """Applies one row and raises the first fault that `judge` finds."""
        world = self.world
        done = world.apply(rows_from(np.array([[fields[name] for name in command.ROW]], np.int64)), is_whole=False)
        world.judged += 1
        if 0 <= fields["kind"] < len(world.trials):
            world.trials[fields["kind"], int(done.codes[0] == code.OK)] += 1
        for fault in judge(done):
            raise Caught(fault)

    def liquidation(self) -> None:
        """One unit of liquidation work, judged against the state before it."""
        world = self.world
        fields = dict.fromkeys(command.ROW, 0)
        fields.update(kind=command.LIQUIDATE, signer=command.SEQUENCER, size=1)
        before = Liquidation(world.columns)
        self._apply(fields, lambda done: before.judge(world.columns, done))

    def one(self, fields: Fields) -> None:
        """Applies one command and judges it."""
        world = self.world
        self._apply(fields, Judge(world.columns, dict(fields)).after)

    def _fields(self, kind: int, account: int, **more: int) -> Fields:
        """A command that its account's master signs."""
        world = self.world
        world.traffic.nonce = max(world.traffic.nonce, world.now) + 1
        fields = dict.fromkeys(command.ROW, 0)
        fields.update(kind=kind, account=account, nonce=world.traffic.nonce, **more)
        fields["signer"] = int(world.columns["account_master"][account])
        return fields

    def _account(self) -> int:
        """An account, rather one with a position."""
        columns, rng = self.world.columns, self.rng
        many = int(columns["cell"][state.ACCOUNTS])
        holders = np.flatnonzero(columns["bucket_first"][:many])
        return int(rng.choice(holders)) if len(holders) and rng.random() < 0.8 else int(rng.integers(many))

    def _near(self, edge: int) -> int:
        """An amount at or about an edge."""
        return int(np.clip(edge + BEYOND[int(self.rng.integers(len(BEYOND)))], 0, AMOUNT_MAX + 1))

    def leaving(self) -> Fields | None:
        """A withdrawal of exactly what may leave, or about it."""
        account = self._account()
        picture = observe.picture_of(self.world.columns, [account])
        edge = withdrawable(picture, picture.buckets[account])
        room = withdrawal_room(picture)
        edge = min(edge, room) if self.rng.random() < 0.8 else edge
        return self._fields(command.WITHDRAW, account, amount=self._near(edge))

    def transfer(self) -> Fields | None:
        """A transfer of what may leave between linked accounts."""
        account = self._account()
        mates = observe.linked(self.world.columns, account)
        picture = observe.picture_of(self.world.columns, [account])
        amount = self._near(withdrawable(picture, picture.buckets[account]))
        return self._fields(command.TRANSFER, account, other=int(self.rng.choice(mates)), amount=amount)

    def isolated(self) -> Fields | None:
        """Margin into or out of an isolated bucket, at its edge."""
        columns = self.world.columns
        rows = np.flatnonzero(columns["bucket_kind"] == state.ISOLATED)
        if not len(rows):
            return None
        number = int(self.rng.choice(rows))
        account, market = int(columns["bucket_owner"][number]), int(columns["bucket_market"][number])
        picture = observe.picture_of(columns, [account, number])
        is_out = self.rng.random() < 0.6
        amount = self._near(withdrawable(picture, picture.buckets[number if is_out else account]))
        return self._fields(command.ISOLATED_MARGIN, account, market=market, amount=-amount if is_out else amount)

    def ending(self) -> Fields | None:
        """The end of a pending withdrawal, or of one that is done already."""
        columns = self.world.columns
        ids = columns["withdrawal_id"][1 : int(columns["cell"][state.WITHDRAWALS_USED])]
        if not len(ids):
            return None
        kind = command.FINISH_WITHDRAWAL if self.rng.random() < 0.7 else command.CANCEL_WITHDRAWAL
        reference = int(self.rng.choice(ids)) + (1 << 21) * int(self.rng.random() < 0.1)
        fields = dict.fromkeys(command.ROW, 0)
        fields.update(kind=kind, signer=command.BRIDGE, reference=max(reference, 0))
        return fields

    def order(self) -> Fields | None:
        """An order at an edge: of margin, of the book, of a position or of a cap."""
        world, rng, columns = self.world, self.rng, self.world.columns
        account, market = self._account(), int(rng.integers(int(columns["cell"][state.MARKETS])))
        mark = int(columns["market_price"][market])
        if mark == 0 or columns["tier_count"][2 * market] == 0:
            return None
        side = 1 if rng.random() < 0.5 else -1
        flags = 0 if side > 0 else command.SELL
        flags |= int(rng.choice([0, 0, command.IOC, command.POST_ONLY, command.REDUCE_ONLY]))
        flags |= int(rng.choice([0, 0, command.CANCEL_MAKER, command.CANCEL_BOTH]))
        makers = observe.resting(columns, market, side, 0 if side < 0 else 2**60)
        price = mark if not makers or rng.random() < 0.4 else makers[min(int(rng.integers(4)), len(makers) - 1)].price
        if rng.random() < 0.3:
            price = int(price * (1 + rng.normal(0, 0.01)))
        price = int(world.traffic._snap(np.array([market]), np.array([price]))[0])
        sizes = self._sizes(account, market, makers, price)
        size = sizes[-1] if rng.random() < 0.5 else int(sizes[int(rng.integers(len(sizes)))])
        size = max(size + BEYOND[int(rng.integers(len(BEYOND)))], 0)
        return self._fields(
            command.PLACE, account, market=market, flags=flags, price=price, size=min(size, NOTIONAL_MAX)
        )

    def _sizes(self, account: int, market: int, makers: list[Any], price: int) -> list[int]:
        """Sizes at which something changes."""
        columns = self.world.columns
        picture = observe.picture_of(columns, [account])
        bucket, held = picture.buckets[account], picture.markets[market]
        found = [NOTIONAL_MAX // held.price_max, 1]
        position = bucket.positions.get(market)
        if position is not None:
            found += [abs(position.size), 2 * abs(position.size)]
        if makers:
            found += [makers[0].size, sum(maker.size for maker in makers[:3])]
        cap = held.params[parameter.OPEN_INTEREST_CAP] - held.open_interest
        found.append(max(min(cap, NOTIONAL_MAX), 0))
        free = withdrawable(picture, bucket)
        leverage = min(20, held.tiers[0][1]) if position is None else position.leverage
        found.append(free * leverage // max(price, 1))
        return found


def trial_of(world: "World", fields: Fields) -> list[Fault]:
    """One command judged without raising: for tests."""
    try:
        Trials(world).one(fields)
    except Caught as caught:
        return [caught.fault]
    return []
