"""The model of orders: what waits goes with what it waits for, and any rule that forbids may be named."""

from collections.abc import Callable

import pytest

from seawall.simulation import observe
from seawall.simulation.judge import Judge
from seawall.terms import code, command
from venue_world import BUY, SELL, USD, World

PRICE = 100 * USD
Steps = Callable[[World, int, int], dict[str, int]]  # sets up for a holder and another; gives the command to judge


def order(world: World, account: int, side: int, size: int, **more: int) -> dict[str, int]:
    """A row that places an order at the price of the world, with a nonce."""
    world.nonces += 1
    flags = side | more.pop("flags", 0)
    given = {"kind": command.PLACE, "signer": account, "account": account, "market": 0, "price": PRICE, "size": size}
    nonce = world.now + world.nonces
    return dict.fromkeys(command.ROW, 0) | given | {"flags": flags, "nonce": nonce} | more


def stop(world: World, account: int, parent: int = 0, **more: int) -> int:
    """A stop that sells, attached to an order or alone."""
    flags = command.STOP | command.REDUCE_ONLY
    return world.place(account, 0, SELL, 0, 10, flags=flags, trigger=PRICE // 2, other=parent, **more)


def resting(world: World, holder: int) -> int:
    """A bid with a stop attached."""
    bid = world.place(holder, 0, BUY, PRICE, 10)
    stop(world, holder, bid)
    return bid


def own_orders_meet(world: World, holder: int, _: int) -> dict[str, int]:
    resting(world, holder)
    return order(world, holder, SELL, 10, flags=command.IOC | command.CANCEL_BOTH)


def parent_fills(world: World, holder: int, other: int) -> dict[str, int]:
    resting(world, holder)
    return order(world, other, SELL, 10)


def parent_is_cancelled(world: World, holder: int, _: int) -> dict[str, int]:
    return order(world, holder, 0, 0, kind=command.CANCEL, reference=resting(world, holder), price=0)


def half_filled_parent_is_cancelled(world: World, holder: int, other: int) -> dict[str, int]:
    bid = resting(world, holder)
    world.place(other, 0, SELL, PRICE, 5)
    return order(world, holder, 0, 0, kind=command.CANCEL, reference=bid, price=0)


def position_closes_under_an_armed_stop(world: World, holder: int, other: int) -> dict[str, int]:
    bid = resting(world, holder)
    world.place(other, 0, SELL, PRICE, 5)
    world.must(kind=command.CANCEL, signer=holder, account=holder, market=0, reference=bid)
    world.place(other, 0, BUY, PRICE, 5)
    return order(world, holder, SELL, 5, flags=command.REDUCE_ONLY | command.IOC)


def position_closes_by_a_maker(world: World, holder: int, other: int) -> dict[str, int]:
    resting(world, holder)
    world.place(other, 0, SELL, PRICE, 10)
    world.place(holder, 0, SELL, PRICE + USD, 10)
    return order(world, other, BUY, 10, price=PRICE + USD)


def parent_is_modified_and_fills(world: World, holder: int, other: int) -> dict[str, int]:
    bid = resting(world, holder)
    world.place(other, 0, SELL, PRICE + USD, 10)
    return order(world, holder, BUY, 10, kind=command.MODIFY, reference=bid, price=PRICE + USD)


def stop_is_cancelled(world: World, holder: int, other: int) -> dict[str, int]:
    world.trade(holder, other, 0, PRICE, 10)
    return order(world, holder, 0, 0, kind=command.CANCEL, reference=stop(world, holder), price=0)


def parent_may_not_become_reduce_only(world: World, holder: int, _: int) -> dict[str, int]:
    bid = resting(world, holder)
    return order(world, holder, BUY, 5, kind=command.MODIFY, reference=bid, flags=command.REDUCE_ONLY)


CASES: dict[Steps, tuple[int, bool]] = {  # code, and whether the isolated bucket is there after
    own_orders_meet: (code.OK, False),
    parent_fills: (code.OK, True),
    parent_is_cancelled: (code.OK, False),
    half_filled_parent_is_cancelled: (code.OK, True),
    position_closes_under_an_armed_stop: (code.OK, False),
    position_closes_by_a_maker: (code.OK, False),
    parent_is_modified_and_fills: (code.OK, True),
    stop_is_cancelled: (code.OK, True),
    parent_may_not_become_reduce_only: (code.BAD_FIELD, True),
}


@pytest.mark.parametrize("steps", CASES, ids=lambda steps: steps.__name__)
def test_the_model_knows_what_waits(steps: Steps) -> None:
    world, (wanted, is_kept) = World(markets=1), CASES[steps]
    holder, other = world.account(10_000), world.account(10_000)
    isolate = {"account": holder, "market": 0, "size": 10, "flags": command.ISOLATED}
    world.must(kind=command.SET_LEVERAGE, signer=holder, **isolate)
    fields = steps(world, holder, other)
    judged = Judge(world.venue.columns, dict(fields))
    done = world.do(**fields)
    assert done.codes[0] == wanted
    assert judged.after(done) == []
    assert judged.outcome is not None
    bucket = observe.isolated_of(world.venue.columns, holder, 0)
    assert (bucket >= 0) == is_kept
    if wanted == code.OK:
        world.venue.columns["bucket_kind"][256 if bucket < 0 else bucket] ^= 2
        assert judged.after(done)[0].name.startswith("POST_")


@pytest.mark.parametrize(
    ("side", "flags", "wanted"),
    [
        (SELL, command.POST_ONLY, code.WOULD_CROSS),
        (SELL, 0, code.BUCKETS_FULL),
        (BUY, command.IOC, code.BUCKETS_FULL),
        (BUY, 0, code.BUCKETS_FULL),
    ],
)
def test_without_a_free_isolated_bucket_every_rule_that_forbids_counts(side: int, flags: int, wanted: int) -> None:
    world = World(markets=1)
    for _ in range(world.venue.capacity.isolated + 1):
        last = world.account(1_000)
        isolate = {"account": last, "market": 0, "size": 10, "flags": command.ISOLATED}
        world.must(kind=command.SET_LEVERAGE, signer=last, **isolate)
        if last < world.venue.capacity.isolated:
            world.place(last, 0, BUY, PRICE, 1)
    fields = order(world, last, side, 1, flags=flags)
    judged = Judge(world.venue.columns, dict(fields))
    done = world.do(**fields)
    assert done.codes[0] == wanted
    assert judged.after(done) == []
    done.codes[0] = code.OK
    assert judged.after(done)[0].name == "POST_REFUSED"
