"""The mirror against the columns it never reads, over random worlds: orders, positions, owners, every unit of cash."""

import collections

import msgspec
import numpy as np
import pytest

from seawall.engine.venue import Venue
from seawall.kernel import INTERPRETED
from seawall.ledger import state
from seawall.margin.trigger_state import SLOTS_USED
from seawall.simulation.options import draw
from seawall.simulation.world import World
from seawall.venue.batch import Batch
from seawall.venue.live import TRIGGERS
from seawall.venue.mirror import EVENTS, Kept, Mirror
from seawall.venue.names import address_from
from seawall.venue.records import News

COMMANDS = 4_000 if INTERPRETED else 40_000


def log_of(seed: int, number: int) -> list[np.ndarray]:
    world = World(draw(seed, number))
    while world.commands < COMMANDS:
        world.apply(world.batch())
    return world.log


def cash_by_account(columns: dict[str, np.ndarray], mirror: Mirror) -> dict[int, int]:
    """raw_usd plus entry notionals of all buckets of each account: its cash without unrealised profit."""
    used = int(columns["count"][SLOTS_USED])
    cash = collections.Counter({b: int(v) for b, v in enumerate(columns["bucket_raw"].tolist()) if v})
    for slot in np.flatnonzero(columns["slot_owner"][:used] >= 0).tolist():
        cash[int(columns["slot_owner"][slot])] += int(columns["slot_entry"][slot])
    found: collections.Counter[int] = collections.Counter()
    for bucket, amount in cash.items():
        found[mirror.owner_of(bucket)] += amount
    return {account: amount for account, amount in found.items() if amount and account >= 0}


def told(news: News, account_cash: collections.Counter[int]) -> None:
    for fill in news.fills:
        account_cash[fill.account] += fill.pnl - fill.fee
    for payment in news.payments:
        account_cash[payment.account] += payment.amount
    for entry in news.entries:
        if entry.kind not in ("socialised", "withdrawn", "isolated"):
            account_cash[entry.account] += entry.amount


def check(columns: dict[str, np.ndarray], mirror: Mirror) -> None:
    """Everything a mirror holds, against the columns."""
    used = int(columns["count"][SLOTS_USED])
    held = {}
    for slot in np.flatnonzero((columns["slot_owner"][:used] >= 0) & (columns["slot_size"][:used] != 0)).tolist():
        pair = (int(columns["slot_owner"][slot]), int(columns["slot_market"][slot]))
        held[pair] = (int(columns["slot_size"][slot]), int(columns["slot_entry"][slot]))
    assert mirror.holdings.all() == held
    isolated = range(mirror.accounts, mirror.pools_from)
    assert mirror.owners == {b: int(columns["bucket_owner"][b]) for b in isolated if columns["bucket_owner"][b] >= 0}
    live = np.flatnonzero(columns["order_id"]).tolist()
    assert set(mirror.orders.by_engine) == {int(columns["order_id"][row]) for row in live}
    for row in live:
        order = mirror.orders.by_engine[int(columns["order_id"][row])]
        assert order.bucket == columns["order_bucket"][row]
        assert order.account == columns["bucket_owner"][order.bucket]
        assert order.price == columns["order_price"][row]
        if not columns["order_flags"][row] & TRIGGERS:
            assert order.left == columns["order_size"][row]
        else:
            assert bool(order.parent) == bool(columns["order_parent"][row]) or columns["order_parent"][row] == 0
        assert mirror.orders.by_oid[order.oid] is order
        assert mirror.orders.by_account[order.account][order.oid] is order
    assert len(mirror.orders.by_oid) == len(live) == sum(map(len, mirror.orders.by_account.values()))
    for person in mirror.people.persons:
        assert person.master == columns["account_master"][person.account]
        words = columns["account_address"][person.account].tolist()
        if person.master == person.account:
            assert person.address == address_from((words[0], words[1], words[2]))
    agents = np.flatnonzero(columns["agent_scope"]).tolist()
    assert sorted(agent.number for agent in mirror.people.agents.values()) == agents
    assert sorted(mirror.twaps) == sorted(columns["twap_id"][columns["twap_id"] != 0].tolist())
    ids = columns["withdrawal_id"]
    assert sorted(mirror.payees) == sorted(ids[ids != 0].tolist())


def follow(venue: Venue, mirror: Mirror, rows: np.ndarray) -> News:
    """Applies a batch and shows it to the mirror."""
    first, now = int(venue.columns["cell"][state.SEQUENCE]) + 1, int(venue.columns["cell"][state.NOW])
    done = venue.apply(rows)
    SEEN.update(done.events[:, 1].tolist())
    return mirror.see(Batch(first, now, rows, done.codes, done.made, done.events))


def kept_of(mirror: Mirror) -> Kept:
    """What history would have kept of a mirror: copies, so that neither side can help the other."""
    kept = Kept()
    kept.listings = [*mirror.universe.listings]
    kept.names = {person.account: person.name for person in mirror.people.persons}
    kept.agent_names = {agent.address: agent.name for agent in mirror.people.agents.values()}
    kept.orders = [msgspec.structs.replace(order) for order in mirror.orders.by_oid.values()]
    kept.last_oid = mirror.orders.last
    kept.payees = dict(mirror.payees)
    return kept


WORLDS = [(3, 0), (3, 1), (3, 2), (5, 0), (5, 4), (5, 7), (8, 11), (9, 3), (9, 5), (21, 40), (21, 107)]
SEEN: set[int] = set()  # kinds of events in all worlds


@pytest.mark.parametrize(("seed", "number"), WORLDS)
def test_a_mirror_knows_what_the_columns_hold(seed: int, number: int) -> None:
    venue, log = Venue(), log_of(seed, number)
    mirror = Mirror(venue.capacity.accounts, venue.capacity.markets)
    mirror.load(venue.columns, Kept())
    again: Mirror | None = None
    cash: collections.Counter[int] = collections.Counter()
    oids: set[int] = set()
    for turn, rows in enumerate(log):
        if turn == len(log) // 2:
            again = Mirror(venue.capacity.accounts, venue.capacity.markets)
            again.load(venue.columns, kept_of(mirror))
            copy = venue.copy()
        news = follow(venue, mirror, rows)
        if again is not None:
            assert follow(copy, again, rows) == news
        told(news, cash)
        oids.update(news.orders)
        check(venue.columns, mirror)
        known = {account: amount for account, amount in cash.items() if amount and account >= 0}
        assert known == cash_by_account(venue.columns, mirror)
    assert sorted(oids) == list(range(1, mirror.orders.last + 1))


@pytest.mark.skipif(INTERPRETED, reason="uncompiled worlds are short")
def test_the_worlds_above_have_every_event() -> None:
    missing = {number for number in EVENTS if number not in SEEN}
    assert not missing, missing
