"""Logs of random worlds, told to a history, and what its tables then hold."""

import random
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select

from seawall.engine.rows import Rows, rows_of
from seawall.engine.venue import Applied, Venue
from seawall.ledger import state
from seawall.simulation.options import draw
from seawall.simulation.world import World
from seawall.terms import command, parameter
from seawall.units import RATE_ONE
from seawall.venue.batch import Batch
from seawall.venue.history import tables
from seawall.venue.history.database import open_engine
from seawall.venue.mirror import Kept, Mirror
from seawall.venue.records import News
from venue_world import BUY, SELL, USD
from venue_world import World as Small


def log_of(seed: int, number: int, commands: int) -> list[Rows]:
    """Batches of a world of the simulator."""
    world = World(draw(seed, number))
    while world.commands < commands:
        world.apply(world.batch())
    return world.log


class Teller:
    """A venue and its mirror: applies batches and gives their news."""

    def __init__(self, kept: Kept | None = None, venue: Venue | None = None) -> None:
        self.venue = Venue() if venue is None else venue
        self.mirror = Mirror(self.venue.capacity.accounts, self.venue.capacity.markets)
        self.mirror.load(self.venue.columns, Kept() if kept is None else kept)

    def tell(self, rows: Rows) -> News:
        first, now = int(self.venue.columns["cell"][state.SEQUENCE]) + 1, self.mirror.now
        done = self.venue.apply(rows)
        return self.mirror.see(Batch(first, now, rows, done.codes, done.made, done.events, b"told"))


def kept_of(mirror: Mirror) -> Kept:
    """What history has to have kept of a mirror: copies, so that neither side can help the other."""
    kept = Kept()
    kept.listings = [*mirror.universe.listings]
    kept.names = {person.account: person.name for person in mirror.people.persons}
    kept.agent_names = {agent.address: agent.name for agent in mirror.people.agents.values()}
    kept.orders = [msgspec.structs.replace(order) for _, order in sorted(mirror.orders.by_oid.items())]
    kept.last_oid = mirror.orders.last
    kept.payees = dict(mirror.payees)
    return kept


def dump(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in order of the keys."""
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
                for table in tables.METADATA.sorted_tables
                if table is not tables.SYNCS  # counts what this process did, not what the log says
            }
    finally:
        engine.dispose()


FEES = {parameter.TAKER_FEE: RATE_ONE // 2_000, parameter.MAKER_FEE: RATE_ONE // 20_000}


class Recorder(Small):
    """A small world with fees that keeps the rows it applies."""

    def __init__(self, markets: int = 2) -> None:
        self.log: list[Rows] = []
        super().__init__(markets)

    def parameter(self, market: int, which: int, value: int) -> None:
        super().parameter(market, which, FEES.get(which, value))

    def do(self, **fields: int) -> Applied:
        if fields["signer"] > command.SEQUENCER and "nonce" not in fields:
            self.nonces += 1
            fields["nonce"] = self.now + self.nonces
        self.log.append(rows_of([fields]))
        return self.venue.apply(self.log[-1])


def long_log(seed: int, turns: int) -> list[Rows]:
    """Hours of two markets, busy and quiet: trades, funding, transfers, isolated margin, withdrawals."""
    dice, world = random.Random(seed), Recorder()
    accounts = [world.account(100_000) for _ in range(4)]
    prices = [100 * USD, 100 * USD]
    for _ in range(turns):
        for _ in range(dice.choice((1, 1, 1, 2, 5, 30, 200))):
            world.tick(dice.randint(900, 19_000))
            for market in (0, 1):
                prices[market] += dice.randint(-2, 2) * USD // 20
                row = {"market": market, "price": prices[market], "time": world.now}
                world.do(kind=command.ORACLE, signer=command.ORACLES, **row)
                world.do(kind=command.FUNDING, signer=command.SEQUENCER, market=market)
        for market in (0, 1):
            if market == 0 or dice.random() < 0.1:
                _trade(world, dice, dice.sample(accounts, 2), market, prices[market])
        _move_money(world, dice, dice.sample(accounts, 2))
    return world.log


def _trade(world: Recorder, dice: random.Random, pair: list[int], market: int, price: int) -> None:
    for account, side in zip(pair, (BUY, SELL), strict=True):
        flags = side | (command.IOC if dice.random() < 0.3 else 0)
        world.do(
            kind=command.PLACE,
            signer=account,
            account=account,
            market=market,
            flags=flags,
            price=price + dice.randint(-3, 3) * USD // 100,
            size=dice.randint(1, 40),
            client_low=dice.choice((0, 0, dice.randint(1, 20))),
        )


def _move_money(world: Recorder, dice: random.Random, pair: list[int]) -> None:
    draw, amount = dice.random(), dice.randint(1, 50) * USD
    mine = {"signer": pair[0], "account": pair[0]}
    if draw < 0.1:
        world.do(kind=command.TRANSFER, **mine, other=pair[1], amount=amount)
    elif draw < 0.2:
        made = int(world.do(kind=command.WITHDRAW, **mine, amount=amount).made[0])
        end = dice.choice((command.FINISH_WITHDRAWAL, command.CANCEL_WITHDRAWAL, 0))
        if end and made:
            world.tick(dice.randint(0, 300))
            world.do(kind=end, reference=made, signer=command.BRIDGE)
    elif draw < 0.4:
        world.do(kind=command.CANCEL_ALL, **mine, market=-1)
        flags = dice.choice((0, command.ISOLATED))
        world.do(kind=command.MOVE_POSITION, **mine, flags=flags, amount=2 * USD * 100 if flags else 0)
    elif draw < 0.5:
        world.do(kind=command.ISOLATED_MARGIN, **mine, amount=dice.choice((-1, 1)) * amount)


def pieces(log: list[Rows], seed: int, most: int) -> list[Rows]:
    """The same rows in other batches, of 1 to `most` rows."""
    rows, dice, cut = np.concatenate(log), random.Random(seed), []
    at = 0
    while at < len(rows):
        size = dice.randint(1, most)
        cut.append(rows[at : at + size])
        at += size
    return cut
