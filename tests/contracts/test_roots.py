"""Roots of the venue's state: what they include, and a lie about one bucket that halts the venue."""

import msgspec
import pytest
from venue import TESTER_KEY, World, connect

from seawall.chain import layout as at
from seawall.chain.client import Refused
from seawall.chain.roots import Leaf, Tree
from seawall.terms import code


def leaf(world: World, bucket: int, equity: int) -> Leaf:
    """What the chain itself says of a bucket."""
    head = world.word(at.BUCKET | bucket)
    markets = tuple(at.markets_of(head))
    words = tuple(world.word(at.position_key(bucket, market)) for market in markets)
    return Leaf(
        bucket=bucket, raw=at.unpack(at.BUCKET_WORD, head)["raw"], markets=markets, positions=words, equity=equity
    )


def post(world: World, tree: Tree, epoch: int) -> None:
    seen = world.w3.eth.block_number
    world.client.send(world.contract("StateRoots"), "post", epoch, bytes(32), tree.root, tree.total, epoch * 10, seen)


def test_inclusion_and_divergence() -> None:
    world = World(connect(None), TESTER_KEY)
    owners = [world.wallet(1_000) for _ in range(5)]
    world.trade(owners[0], 0, 5_000)
    world.trade(owners[0], 1, 500, buys=False)
    leaves = [leaf(world, at.account(one.address), 10**9 + i) for i, one in enumerate(owners)]
    roots = world.contract("StateRoots")
    tree = Tree(leaves)
    post(world, tree, 1)
    for one in tree.leaves:
        proof = tree.proof(one.bucket)
        said = (
            one.bucket,
            one.head,
            list(one.positions),
            one.equity,
            proof.place,
            list(proof.hashes),
            list(proof.sums),
        )
        assert world.client.call(roots, "leaf_of", one.bucket) == one.hash
        assert world.client.call(roots, "is_included", 1, *said)
        assert not world.client.call(roots, "is_included", 1, *said[:3], one.equity + 1, *said[4:])
        with pytest.raises(Refused) as refused:
            world.client.send(roots, "prove_divergence", 1, *said)
        assert refused.value.code == code.NOT_DUE
    world.pass_time(1)
    lie = Tree(
        [msgspec.structs.replace(tree.leaves[2], raw=tree.leaves[2].raw - 1), *tree.leaves[:2], *tree.leaves[3:]]
    )
    with pytest.raises(Refused) as refused:
        post(world, lie, 1)
    assert refused.value.code == code.OUT_OF_SEQUENCE
    post(world, lie, 2)
    proof = lie.proof(tree.leaves[2].bucket)
    told = lie.leaves[2]
    said = (
        told.bucket,
        told.head,
        list(told.positions),
        told.equity,
        proof.place,
        list(proof.hashes),
        list(proof.sums),
    )
    world.client.send(roots, "prove_divergence", 2, *said)
    policy = at.unpack(at.POLICY_WORD, world.word(at.VENUE | at.POLICY))
    assert policy["status"] == 5
    with pytest.raises(Refused) as refused:
        world.trade(owners[1], 0, 100)
    assert refused.value.code == code.VENUE_HALTED


def test_only_the_operator_posts() -> None:
    world = World(connect(None), TESTER_KEY)
    stranger = world.wallet(10)
    tree = Tree([leaf(world, at.account(stranger.address), 1)])
    with pytest.raises(Refused) as refused:
        stranger.send(world.contract("StateRoots", stranger), "post", 1, bytes(32), tree.root, tree.total, 1, 1)
    assert refused.value.code == code.NOT_AUTHORISED
