# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title StateRoots: what the venue says its state is, once an epoch, and proofs against it
@license Apache-2.0
@notice The operator posts the engine's state hash and the Merkle-sum root over all buckets. Anybody shows that a bucket
        is in a root, or that the root says of a bucket what this chain does not: that halts the venue.
        A leaf is keccak(bucket, its word without flags of this chain alone, its positions' words); its sum is the
        bucket's equity, not below 0. A node is keccak(left, left sum, right, right sum).
@custom:kill Nobody has to post; a proof of divergence halts the venue, which the governor's stages end.
"""

import code
import limits
import reader
import words
from interfaces import IClearingHouse

interface Steward:
    def guard(row: uint256, status: uint256): nonpayable

interface Venue:
    def operator() -> address: view

HOUSE: public(immutable(address))
EXCHANGE: public(immutable(address))
STEWARD: public(immutable(address))

COMPARED: constant(uint256) = 2**198 - 1  # raw_usd, list, count, liquidating
VENUE: constant(uint256) = 256
DEPTH: constant(uint256) = 32
BEHIND: constant(uint256) = 256  # blocks by which a root may be behind the chain when it is posted

struct Root:
    state: bytes32
    root: bytes32
    total: uint256
    sequence: uint256
    block: uint256  # at whose end the chain was as the root says

roots: public(HashMap[uint256, Root])
epoch: public(uint256)
is_diverged: public(bool)

event RootPosted:
    epoch: indexed(uint256)
    state: bytes32
    root: bytes32
    total: uint256
    sequence: uint256

event Diverged:
    epoch: indexed(uint256)
    bucket: indexed(uint256)


@deploy
def __init__(house: address, exchange: address, steward: address):
    HOUSE = house
    EXCHANGE = exchange
    STEWARD = steward


@external
def post(epoch: uint256, state: bytes32, root: bytes32, total: uint256, sequence: uint256, seen: uint256):
    """
    @notice The operator's word for an epoch, each once and in order, for a later command than the last.
    @param state The engine's running hash over its commands and events.
    @param seen The block at whose end the venue has compared itself with the chain: what changes here later is no lie.
    """
    if msg.sender != staticcall Venue(EXCHANGE).operator():
        code.refuse(code.NOT_AUTHORISED)
    if epoch != self.epoch + 1 or (epoch > 1 and sequence < self.roots[epoch - 1].sequence):
        code.refuse(code.OUT_OF_SEQUENCE)
    if seen > block.number or seen + BEHIND < block.number or seen < self.roots[epoch - 1].block:
        code.refuse(code.BAD_FIELD)
    self.epoch = epoch
    self.roots[epoch] = Root(state=state, root=root, total=total, sequence=sequence, block=seen)
    log RootPosted(epoch=epoch, state=state, root=root, total=total, sequence=sequence)


@external
@view
def leaf_of(bucket: uint256) -> bytes32:
    """@notice The leaf that this chain's words make of a bucket."""
    return self._leaf_here(bucket)


@external
@view
def is_included(
    epoch: uint256,
    bucket: uint256,
    head: uint256,
    positions: DynArray[uint256, 16],
    equity: uint256,
    place: uint256,
    hashes: DynArray[bytes32, DEPTH],
    sums: DynArray[uint256, DEPTH],
) -> bool:
    """@notice Whether a root says this of a bucket."""
    return self._is_included(epoch, self._leaf(bucket, head, positions), equity, place, hashes, sums)


@external
def prove_divergence(
    epoch: uint256,
    bucket: uint256,
    head: uint256,
    positions: DynArray[uint256, 16],
    equity: uint256,
    place: uint256,
    hashes: DynArray[bytes32, DEPTH],
    sums: DynArray[uint256, DEPTH],
):
    """
    @notice Shows that a root says of a bucket what this chain does not, though the bucket has not changed here since the
            block that the root is of: the venue is halted.
    """
    said: bytes32 = self._leaf(bucket, head, positions)
    if not self._is_included(epoch, said, equity, place, hashes, sums):
        code.refuse(code.BAD_FIELD)
    here: uint256 = reader.one(HOUSE, words.BUCKET | bucket)
    if here >> words.TOUCHED_SHIFT > self.roots[epoch].block or said == self._leaf_here(bucket):
        code.refuse(code.NOT_DUE)
    self.is_diverged = True
    log Diverged(epoch=epoch, bucket=bucket)
    extcall Steward(STEWARD).guard(VENUE, limits.HALTED)


@internal
@pure
def _leaf(bucket: uint256, head: uint256, positions: DynArray[uint256, 16]) -> bytes32:
    return keccak256(abi_encode(bucket, head & COMPARED, positions))


@internal
@view
def _leaf_here(bucket: uint256) -> bytes32:
    head: uint256 = reader.one(HOUSE, words.BUCKET | bucket)
    keys: DynArray[uint256, 48] = []
    for i: uint256 in range(words.count_of(head), bound=16):
        market: uint256 = (head >> (words.LIST_SHIFT + 8 * i)) & 255
        keys.append(words.position_key(bucket, market))
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(keys)
    positions: DynArray[uint256, 16] = []
    for i: uint256 in range(words.count_of(head), bound=16):
        positions.append(found[i])
    return self._leaf(bucket, head, positions)


@internal
@view
def _is_included(
    epoch: uint256,
    leaf: bytes32,
    equity: uint256,
    place: uint256,
    hashes: DynArray[bytes32, DEPTH],
    sums: DynArray[uint256, DEPTH],
) -> bool:
    if len(hashes) != len(sums) or epoch == 0 or self.roots[epoch].block == 0:
        return False
    node: bytes32 = leaf
    total: uint256 = equity
    side: uint256 = place
    for i: uint256 in range(len(hashes), bound=DEPTH):
        if side & 1 == 0:
            node = keccak256(abi_encode(node, total, hashes[i], sums[i]))
        else:
            node = keccak256(abi_encode(hashes[i], sums[i], node, total))
        total += sums[i]
        side = side >> 1
    return side == 0 and node == self.roots[epoch].root and total == self.roots[epoch].total
