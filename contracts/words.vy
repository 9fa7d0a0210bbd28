# pragma version 0.4.3
"""
@title Where everything lies: keys of the ledger's words, and the fields of each word
@license Apache-2.0
@notice All state of the margin system is 256-bit words under keys, packed by hand: a position is one word, a bucket is
        one, a market's price, tier 0 and status are one. docs/chain/layout.md has the table. Signed fields are
        stored with half their range added (bias), so that reading one costs a subtraction and no branch.
"""

import limits

# tags of keys, in the highest byte
POSITION: constant(uint256) = 1 << 248
BUCKET: constant(uint256) = 2 << 248
LIQUIDATION: constant(uint256) = 3 << 248
ADVANCE: constant(uint256) = 4 << 248
SETTING: constant(uint256) = 5 << 248
HOLDING: constant(uint256) = 6 << 248
MARKET: constant(uint256) = 7 << 248
TIER: constant(uint256) = 8 << 248
ASSET: constant(uint256) = 9 << 248
VENUE: constant(uint256) = 10 << 248
ISOLATED: constant(uint256) = 11 << 248

MARKET_SHIFT: constant(uint256) = 192  # of the market in keys of positions, advances and settings

# bucket ids: owner's address, sub-account, and 1 + market of an isolated bucket or pool
SUB_SHIFT: constant(uint256) = 160
OWN_SHIFT: constant(uint256) = 168
ACCOUNT_MASK: constant(uint256) = 2**168 - 1
OWNER_MASK: constant(uint256) = 2**160 - 1
AMM: constant(uint256) = 0
BACKSTOP: constant(uint256) = 1

# words of a market, by number in its keys
PRICE: constant(uint256) = 0 << 8
RISK: constant(uint256) = 1 << 8
CAPS: constant(uint256) = 2 << 8
POOL: constant(uint256) = 3 << 8
FORCED: constant(uint256) = 4 << 8
FUND: constant(uint256) = 5 << 8
SHORT: constant(uint256) = 6 << 8
SAMPLES: constant(uint256) = 7 << 8
FUNDING: constant(uint256) = 8 << 8
INFO: constant(uint256) = 9 << 8

# words of the venue
MONEY: constant(uint256) = 0  # vault, pending, dust, bad debt
FLOW: constant(uint256) = 1  # withdrawal windows and gate
POLICY: constant(uint256) = 2
STEPS: constant(uint256) = 3  # partial liquidation
OUTFLOW: constant(uint256) = 4  # withdrawal limits
LENDING: constant(uint256) = 5  # interest on borrowed USD

BIAS: constant(int256) = 2**63
M64: constant(uint256) = 2**64 - 1
M54: constant(uint256) = 2**54 - 1
ZERO_BUCKET: constant(uint256) = 2**63  # raw_usd 0, nothing held
ZERO_POSITION: constant(uint256) = 2**63 | (2**63 << 64)  # size and entry 0
STEP_64: constant(int256) = 2**64


@internal
@pure
def position_key(bucket: uint256, market: uint256) -> uint256:
    return POSITION | (market << MARKET_SHIFT) | bucket


@internal
@pure
def advance_key(bucket: uint256, market: uint256) -> uint256:
    return ADVANCE | (market << MARKET_SHIFT) | bucket


@internal
@pure
def setting_key(account: uint256, market: uint256) -> uint256:
    return SETTING | (market << MARKET_SHIFT) | account


@internal
@pure
def isolated_of(account: uint256, market: uint256) -> uint256:
    return account | (unsafe_add(market, 1) << OWN_SHIFT)


@internal
@pure
def pool_of(market: uint256, which: uint256) -> uint256:
    """@notice The bucket of a market's pool: nobody owns it."""
    return (which << SUB_SHIFT) | (unsafe_add(market, 1) << OWN_SHIFT)


@internal
@pure
def is_pool(bucket: uint256) -> bool:
    return bucket & OWNER_MASK == 0


@internal
@pure
def own_market(bucket: uint256) -> uint256:
    """@notice 1 + the market of an isolated bucket or pool; 0 for cross."""
    return bucket >> OWN_SHIFT


@internal
@pure
def field(word: uint256, start: uint256, bits: uint256) -> int256:
    """@notice An unsigned field."""
    return convert((word >> start) & ~(max_value(uint256) << bits), int256)


@internal
@pure
def signed64(word: uint256, start: uint256) -> int256:
    """@notice A signed field of 64 bits."""
    return unsafe_sub(convert((word >> start) & M64, int256), BIAS)


@internal
@pure
def with_field(word: uint256, start: uint256, bits: uint256, amount: int256) -> uint256:
    """@notice The word with one unsigned field replaced. Reverts when the value does not fit."""
    mask: uint256 = ~(max_value(uint256) << bits)
    stored: uint256 = convert(amount, uint256)
    assert stored <= mask
    return (word & ~(mask << start)) | (stored << start)


@internal
@pure
def with_signed64(word: uint256, start: uint256, amount: int256) -> uint256:
    """@notice The word with one signed field of 64 bits replaced. Reverts when the value does not fit."""
    stored: uint256 = convert(unsafe_add(amount, BIAS), uint256)
    assert stored <= M64
    return (word & ~(M64 << start)) | (stored << start)


@internal
@pure
def moved(word: uint256, by: int256) -> uint256:
    """
    @notice The word with fields moved by `by`, a sum of changes each shifted to its field. Biased fields do not borrow
            from each other as long as each result is within its bits, which the caller knows or checks.
    """
    return unsafe_add(word, convert(convert(by, bytes32), uint256))


# a position: size, entry notional, funding index, leverage, what insurance has paid for it
@internal
@pure
def new_position(price_word: uint256, leverage: int256) -> uint256:
    """@notice An empty position at the funding index of a market's word PRICE, which has it at bit 41."""
    return ZERO_POSITION | (((price_word >> 41) & M64) << 128) | (convert(leverage, uint256) << 192)


# a bucket: raw_usd, its markets (newest in the lowest byte), how many, flags
LIST_SHIFT: constant(uint256) = 64
LIST_MASK: constant(uint256) = 2**128 - 1
COUNT_SHIFT: constant(uint256) = 192
COUNT_MASK: constant(uint256) = 31
LIQUIDATING: constant(uint256) = 1 << 197
ADVANCED: constant(uint256) = 1 << 198
PORTFOLIO: constant(uint256) = 1 << 199
KIND_SHIFT: constant(uint256) = 200
ASSETS_SHIFT: constant(uint256) = 203
ISOLATED_SHIFT: constant(uint256) = 211
SUBS_SHIFT: constant(uint256) = 218
HAS_SETTINGS: constant(uint256) = 1 << 222
TOUCHED_SHIFT: constant(uint256) = 223


@internal
@pure
def count_of(head: uint256) -> uint256:
    return (head >> COUNT_SHIFT) & COUNT_MASK


@internal
@pure
def kind_of(head: uint256) -> uint256:
    return (head >> KIND_SHIFT) & 7


@internal
@pure
def list_with(head: uint256, market: uint256) -> uint256:
    """@notice The bucket with a market put first in its list; there is room."""
    places: uint256 = (head >> LIST_SHIFT) & LIST_MASK
    places = ((places << 8) | market) & LIST_MASK
    kept: uint256 = head & ~(LIST_MASK << LIST_SHIFT)
    return unsafe_add(kept | (places << LIST_SHIFT), 1 << COUNT_SHIFT)


@internal
@pure
def list_without(head: uint256, market: uint256) -> uint256:
    """@notice The bucket with a market taken out of its list, where it is; the others keep their order."""
    places: uint256 = (head >> LIST_SHIFT) & LIST_MASK
    place: uint256 = 0
    for _: uint256 in range(limits.POSITIONS):
        if (places >> place) & 255 == market:
            break
        place = unsafe_add(place, 8)
    below: uint256 = places & ~(max_value(uint256) << place)
    places = below | ((places >> unsafe_add(place, 8)) << place)
    kept: uint256 = head & ~(LIST_MASK << LIST_SHIFT)
    return unsafe_sub(kept | (places << LIST_SHIFT), 1 << COUNT_SHIFT)


@internal
@pure
def class_of(key: uint256) -> uint256:
    """@notice What sort of word a key names: a market's by number, the venue's by itself, the others by their tag."""
    tag: uint256 = key & (255 << 248)
    if tag == MARKET:
        return tag | (key & (255 << 8))
    return key if tag == VENUE else tag
