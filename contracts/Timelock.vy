# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Timelock: the governor of every other contract. What it does was announced a fixed time before
@license Apache-2.0
@notice The proposer announces a call; after the delay anybody executes it, for a week; the guardian cancels it before.
        Who proposes and how long it waits change by an announced call to itself only. No call is announced forever.
@custom:kill The guardian cancels whatever is announced.
"""

import code

MAX_DELAY: constant(uint256) = 30 * 86_400
LIFE: constant(uint256) = 7 * 86_400

GUARDIAN: public(immutable(address))
MIN_DELAY: public(immutable(uint256))

proposer: public(address)
delay: public(uint256)
ready: public(HashMap[bytes32, uint256])  # call -> when it may be executed (s); 0: not announced

event Announced:
    id: indexed(bytes32)
    target: address
    data: Bytes[4096]
    ready: uint256

event Executed:
    id: indexed(bytes32)

event Cancelled:
    id: indexed(bytes32)


@deploy
def __init__(proposer: address, guardian: address, delay: uint256):
    assert delay <= MAX_DELAY, "delay"
    GUARDIAN = guardian
    MIN_DELAY = delay
    self.proposer = proposer
    self.delay = delay


@external
@view
def id_of(target: address, data: Bytes[4096], salt: uint256) -> bytes32:
    return self._id(target, data, salt)


@external
def announce(target: address, data: Bytes[4096], salt: uint256) -> bytes32:
    if msg.sender != self.proposer:
        code.refuse(code.NOT_AUTHORISED)
    id: bytes32 = self._id(target, data, salt)
    assert self.ready[id] == 0, "announced"
    self.ready[id] = block.timestamp + self.delay
    log Announced(id=id, target=target, data=data, ready=self.ready[id])
    return id


@external
def cancel(id: bytes32):
    if msg.sender != self.proposer and msg.sender != GUARDIAN:
        code.refuse(code.NOT_AUTHORISED)
    assert self.ready[id] != 0, "announced"
    self.ready[id] = 0
    log Cancelled(id=id)


@external
@reentrant
def execute(target: address, data: Bytes[4096], salt: uint256):
    id: bytes32 = self._id(target, data, salt)
    when: uint256 = self.ready[id]
    if when == 0 or block.timestamp < when or block.timestamp > when + LIFE:
        code.refuse(code.NOT_DUE)
    self.ready[id] = 0
    log Executed(id=id)
    raw_call(target, data)


@external
@reentrant
def change(proposer: address, delay: uint256):
    """@notice By itself alone: a new proposer and delay, which never falls below the first one."""
    assert msg.sender == self and delay >= MIN_DELAY and delay <= MAX_DELAY, "self"
    self.proposer = proposer
    self.delay = delay


@internal
@pure
def _id(target: address, data: Bytes[4096], salt: uint256) -> bytes32:
    return keccak256(abi_encode(target, data, salt))
