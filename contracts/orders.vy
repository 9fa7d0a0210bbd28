# pragma version 0.4.3
"""
@title Signed orders: EIP-712 by a key, EIP-1271 by a contract, partial fills and cancels
@license Apache-2.0
@notice An order is two words: owner | sub << 160 | market << 168 | buys << 176 | reduces << 177 | lots << 178, and
        price | nonce << 64 | expires (s) << 128 | signature kind << 192. Its nonce is used up by its lots. What has
        become of 128 nonces that follow each other is one word, two bits each; only an order that is filled in part has
        its lots beside it, four to a word. A signature is never a replay key.
"""

import code
import signatures
import words

uses: signatures

ORDER_TYPE: constant(bytes32) = keccak256(
    "Order(address owner,uint256 sub,uint256 market,bool buys,bool reduces,uint256 lots,uint256 price,uint256 nonce,uint256 expires)"
)
BY_CONTRACT: constant(uint256) = 1
UNPROVEN: constant(uint256) = max_value(uint256)
CANCELLED: constant(uint256) = 1 << 63
M63: constant(uint256) = 2**63 - 1

# what has become of a nonce
FRESH: constant(uint256) = 0
PARTLY: constant(uint256) = 1
DONE: constant(uint256) = 2
GONE: constant(uint256) = 3  # cancelled

struct Signed:
    terms: uint256
    limits: uint256
    r: uint256
    s: uint256  # its highest bit is the parity of v (EIP-2098); of a contract's: which of the signatures it is

# what a batch knows of an order; the rest is read from its words
struct Order:
    terms: uint256
    limits: uint256
    lots: int256  # left to fill
    had: int256  # left to fill when the batch began
    why: uint256  # 0, or why no fill may use it

event OrderCancelled:
    account: indexed(uint256)
    nonce: uint256

event AgentApproved:
    owner: indexed(address)
    agent: indexed(address)
    expires: uint256

event NonceFloor:
    account: indexed(uint256)
    nonce: uint256

states: HashMap[uint256, uint256]  # account << 64 | nonce / 128 -> two bits each
used: HashMap[uint256, uint256]  # account << 64 | nonce / 4 -> lots of a nonce that is filled in part, 64 bits each
nonce_floor: public(HashMap[uint256, uint256])  # account -> nonces below are cancelled
agents: public(HashMap[address, HashMap[address, uint256]])  # owner -> agent -> until when (s) it may sign orders


@external
@view
def filled(account: uint256, nonce: uint256) -> uint256:
    """@notice Lots of an order that are filled; 2^63 - 1: all; 2^63 added when it is cancelled."""
    state: uint256 = self.state_of(account, nonce)
    if state == DONE:
        return M63
    done: uint256 = self.done_of(account, nonce) if state != FRESH else 0
    return done | CANCELLED if state == GONE else done


@external
def approve_agent(agent: address, expires: uint256):
    """@notice Lets a key sign orders for the caller's accounts until `expires` (s); 0 ends it. It can do nothing else."""
    self.agents[msg.sender][agent] = expires
    log AgentApproved(owner=msg.sender, agent=agent, expires=expires)


@external
def cancel(sub: uint256, nonces: DynArray[uint256, 64]):
    """@notice Cancels orders of the caller by their nonces."""
    account: uint256 = convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT)
    for nonce: uint256 in nonces:
        assert nonce <= words.M64, "nonce"
        self.set_state(account, nonce, GONE)
        log OrderCancelled(account=account, nonce=nonce)


@external
def cancel_below(sub: uint256, nonce: uint256):
    """@notice Cancels every order of the caller with a nonce below this one."""
    account: uint256 = convert(msg.sender, uint256) | ((sub & 255) << words.SUB_SHIFT)
    assert nonce > self.nonce_floor[account], "nonce"
    self.nonce_floor[account] = nonce
    log NonceFloor(account=account, nonce=nonce)


@internal
@view
def state_of(account: uint256, nonce: uint256) -> uint256:
    return (self.states[(account << 64) | (nonce >> 7)] >> (2 * (nonce & 127))) & 3


@internal
def set_state(account: uint256, nonce: uint256, state: uint256):
    key: uint256 = (account << 64) | (nonce >> 7)
    place: uint256 = 2 * (nonce & 127)
    self.states[key] = (self.states[key] & ~(3 << place)) | (state << place)


@internal
@view
def done_of(account: uint256, nonce: uint256) -> uint256:
    """@notice Lots of a nonce that is filled in part."""
    return (self.used[(account << 64) | (nonce >> 2)] >> (64 * (nonce & 3))) & M63


@internal
@pure
def market_of(terms: uint256) -> uint256:
    return (terms >> 168) & 255


@internal
@pure
def side_of(terms: uint256) -> int256:
    return unsafe_sub(convert((terms >> 175) & 2, int256), 1)


@internal
@pure
def reduces(terms: uint256) -> bool:
    return (terms >> 177) & 1 != 0


@internal
@pure
def price_of(limits: uint256) -> int256:
    return convert(limits & words.M64, int256)


@internal
@view
def body_of(signed: Signed) -> bytes32:
    return keccak256(
        abi_encode(
            ORDER_TYPE,
            signed.terms & words.OWNER_MASK,
            (signed.terms >> 160) & 255,
            (signed.terms >> 168) & 255,
            (signed.terms >> 176) & 1,
            (signed.terms >> 177) & 1,
            signed.terms >> 178,
            signed.limits & words.M64,
            (signed.limits >> 64) & words.M64,
            (signed.limits >> 128) & words.M64,
        )
    )


@internal
@pure
def owner_of(terms: uint256) -> address:
    return convert(convert(terms & words.OWNER_MASK, uint160), address)


@internal
@view
def is_proven(signed: Signed, proof: Bytes[1024]) -> uint256:
    """@notice 0 when the contract that owns an order says that it has signed it; else the code why not."""
    owner: address = self.owner_of(signed.terms)
    if not owner.is_contract or not signatures.is_signed_by(owner, self.body_of(signed), proof):
        return code.NOT_AUTHORISED
    return 0


@internal
@view
def is_signed(signed: Signed) -> uint256:
    """@notice 0 when the owner, or an agent that it has approved, has signed the order; else the code why not."""
    owner: address = self.owner_of(signed.terms)
    body: bytes32 = self.body_of(signed)
    signer: address = signatures.signer_of(body, signed.r, signed.s & (2**255 - 1), 27 + (signed.s >> 255))
    if signer == empty(address):
        return code.NOT_AUTHORISED
    if signer == owner:
        return 0
    until: uint256 = self.agents[owner][signer]
    if until == 0:
        return code.NOT_AUTHORISED
    return code.AGENT_EXPIRED if block.timestamp >= until else 0


@internal
@view
def checked(signed: Signed) -> Order:
    """@notice The order behind its words; `why` is not 0 when nothing may be filled by it: UNPROVEN of a contract's."""
    nonce: uint256 = (signed.limits >> 64) & words.M64
    account: uint256 = signed.terms & words.ACCOUNT_MASK
    o: Order = Order(terms=signed.terms, limits=signed.limits, lots=0, had=0, why=0)
    total: uint256 = signed.terms >> 178
    if (signed.limits >> 128) & words.M64 < block.timestamp:
        o.why = code.COMMAND_EXPIRED
        return o
    state: uint256 = self.state_of(account, nonce)
    done: uint256 = self.done_of(account, nonce) if state == PARTLY else 0
    if state == GONE or nonce < self.nonce_floor[account]:
        o.why = code.UNKNOWN_ORDER
    elif total == 0 or total > words.M54:
        o.why = code.BAD_SIZE
    elif state == DONE or done >= total:
        o.why = code.NONCE_USED
    else:
        o.had = convert(unsafe_sub(total, done), int256)
        o.lots = o.had
        o.why = UNPROVEN if (signed.limits >> 192) & 255 == BY_CONTRACT else self.is_signed(signed)
    return o


@internal
def use(o: Order):
    """
    @notice Writes what a batch has filled of an order. One that stands in the batch twice is found here: the second
            time it is not as it was when the batch began.
    """
    account: uint256 = o.terms & words.ACCOUNT_MASK
    nonce: uint256 = (o.limits >> 64) & words.M64
    key: uint256 = (account << 64) | (nonce >> 7)
    place: uint256 = 2 * (nonce & 127)
    word: uint256 = self.states[key]
    state: uint256 = (word >> place) & 3
    done: uint256 = self.done_of(account, nonce) if state == PARTLY else 0
    if state > PARTLY or convert(unsafe_sub(o.terms >> 178, done), int256) != o.had:
        code.refuse(code.NONCE_USED)
    if o.lots == 0:
        self.states[key] = (word & ~(3 << place)) | (DONE << place)
        return
    if state == FRESH:
        self.states[key] = word | (PARTLY << place)
    more: uint256 = convert(unsafe_sub(o.had, o.lots), uint256)
    self.used[(account << 64) | (nonce >> 2)] += more << (64 * (nonce & 3))


@internal
@pure
def pair_fault(taker: Order, maker: Order, lots: int256, price: int256) -> uint256:
    """@notice 0 when two orders meet: the same market, other sides, lots that both have left, a price within each."""
    if (taker.terms ^ maker.terms) & (511 << 168) != 1 << 176:
        return code.BAD_FIELD
    if lots < 1 or lots > taker.lots or lots > maker.lots:
        return code.BAD_SIZE
    side: int256 = self.side_of(taker.terms)
    if unsafe_mul(side, unsafe_sub(price, self.price_of(taker.limits))) > 0:
        return code.BAD_PRICE
    return code.BAD_PRICE if unsafe_mul(side, unsafe_sub(self.price_of(maker.limits), price)) > 0 else 0
