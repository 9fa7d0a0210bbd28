# pragma version 0.4.3
"""
@title RiskOracle: proposals of risk engines, signed by k of n, and where they go
@license Apache-2.0
@notice A proposal is one number of one market with a serial, an expiry and the hash of the report behind it. With enough
        signatures anybody publishes it; the steward lets it through within its rails or refuses it.
@custom:security Signers change through the timelock only; the guardian disables a signer or a serial at once.
@custom:kill The guardian pauses it (`stop`): without proposals every live value decays to its static one.
"""

import code
import signatures

initializes: signatures
exports: signatures.domain_separator

interface Steward:
    def propose(market: uint256, number: uint256, amount: int256, serial: uint256, expires: uint256): nonpayable

PROPOSAL_TYPE: constant(bytes32) = keccak256(
    "Proposal(uint256 market,uint256 number,int256 amount,uint256 serial,uint256 expires,bytes32 report)"
)

STEWARD: public(immutable(address))
GOVERNOR: public(immutable(address))
GUARDIAN: public(immutable(address))

struct Proposal:
    market: uint256
    number: uint256
    amount: int256
    serial: uint256
    expires: uint256
    report: bytes32

threshold: public(uint256)
number_of: public(HashMap[address, uint256])  # 1 + the signer's number; 0: none
is_disabled: public(HashMap[uint256, bool])  # serials
is_stopped: public(bool)
latest: public(HashMap[uint256, HashMap[uint256, Proposal]])

event Published:
    market: indexed(uint256)
    number: indexed(uint256)
    amount: int256
    serial: uint256
    report: bytes32

event SignerSet:
    signer: indexed(address)
    number: uint256

event Disabled:
    serial: uint256

event Stopped:
    on: bool


@deploy
def __init__(steward: address, governor: address, guardian: address, signers: DynArray[address, 16], threshold: uint256):
    signatures.__init__()
    assert threshold > 0 and threshold <= len(signers), "threshold"
    STEWARD = steward
    GOVERNOR = governor
    GUARDIAN = guardian
    self.threshold = threshold
    for i: uint256 in range(len(signers), bound=16):
        assert signers[i] != empty(address) and self.number_of[signers[i]] == 0, "signer"
        self.number_of[signers[i]] = i + 1


@external
def publish(p: Proposal, signed: DynArray[Bytes[65], 16]):
    """@notice Brings a proposal with its signatures, one a signer."""
    if self.is_stopped or self.is_disabled[p.serial]:
        code.refuse(code.VENUE_HALTED)
    body: bytes32 = keccak256(
        abi_encode(PROPOSAL_TYPE, p.market, p.number, p.amount, p.serial, p.expires, p.report)
    )
    seen: uint256 = 0
    count: uint256 = 0
    for one: Bytes[65] in signed:
        if len(one) == 65:
            r: uint256 = convert(slice(one, 0, 32), uint256)
            s: uint256 = convert(slice(one, 32, 32), uint256)
            signer: address = signatures.signer_of(body, r, s, convert(slice(one, 64, 1), uint256))
            number: uint256 = 0 if signer == empty(address) else self.number_of[signer]
            if number != 0 and seen & (1 << number) == 0:
                seen = seen | (1 << number)
                count += 1
    if count < self.threshold:
        code.refuse(code.NOT_ENOUGH_SIGNERS)
    extcall Steward(STEWARD).propose(p.market, p.number, p.amount, p.serial, p.expires)
    self.latest[p.market][p.number] = p
    log Published(market=p.market, number=p.number, amount=p.amount, serial=p.serial, report=p.report)


@external
def set_signer(signer: address, number: uint256, threshold: uint256):
    """@notice The governor names a signer by a number (1..16) that no other has, or removes one (0)."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    assert number <= 16 and threshold > 0 and threshold <= 16, "number"
    self.number_of[signer] = number
    self.threshold = threshold
    log SignerSet(signer=signer, number=number)


@external
def remove_signer(signer: address):
    """@notice The guardian takes a signer away at once."""
    if msg.sender != GUARDIAN:
        code.refuse(code.NOT_AUTHORISED)
    self.number_of[signer] = 0
    log SignerSet(signer=signer, number=0)


@external
def disable(serial: uint256):
    """@notice The guardian keeps a proposal from being published."""
    if msg.sender != GUARDIAN:
        code.refuse(code.NOT_AUTHORISED)
    self.is_disabled[serial] = True
    log Disabled(serial=serial)


@external
def stop(on: bool):
    """@notice The guardian stops all proposals; only the governor lets them go on."""
    if msg.sender != GOVERNOR and not (on and msg.sender == GUARDIAN):
        code.refuse(code.NOT_AUTHORISED)
    self.is_stopped = on
    log Stopped(on=on)
