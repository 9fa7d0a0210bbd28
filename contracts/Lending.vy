# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Lending: USD borrowed against collateral, its interest, and the reserve. src/seawall/engine/borrowing.py
@license Apache-2.0
@notice Who holds collateral and has cash below 0 borrows that from the vault. The rate follows the share of all USD that
        is borrowed, along two straight lines; an index adds it up by the clock, and a debt pays ceil(debt x step of the
        index) for each time that it stood unchanged. The ClearingHouse tells every change of such a bucket's cash
        (`note`), before which interest falls due; it is charged before anything leaves, by anybody at any time, into
        a reserve that pays debts which collateral did not cover.
@custom:security It moves cash in one way alone: interest that has fallen due into the reserve, and the reserve into a
                 bucket that Liquidation has closed. It holds no token and chooses no amount.
@custom:kill BORROW_MOST at 0 (the admin's, at once): nothing leaves beyond a bucket's cash.
"""

import code
import limits
import margin
import reader
import units
import words
from interfaces import IClearingHouse


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
LIQUIDATION: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

HOLDS: constant(uint256) = 255 << words.ASSETS_SHIFT
INDEX_ONE: constant(int256) = 10**12  # the index is in 1e-12 USD a USD, the rate in that an hour
HOUR_MS: constant(int256) = 3_600_000

# the word of all: index, what a rate has left of one unit of it, time (s), rate since then, borrowed
RESIDUE: constant(uint256) = 80
TIME: constant(uint256) = 104
RATE: constant(uint256) = 144
BORROWED: constant(uint256) = 192

# the word of a bucket: debt, index at which it was noted, interest due before that
NOTED: constant(uint256) = 64
DUE: constant(uint256) = 144

# the word LENDING of the venue: rate of the first USD, bend of the line, rate there, rate of the last, most borrowed
KINK: constant(uint256) = 30
KINK_RATE: constant(uint256) = 54
FULL_RATE: constant(uint256) = 84
MOST: constant(uint256) = 114

struct Lent:
    index: int256
    residue: int256
    rate: int256
    borrowed: int256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

all: uint256
debts: HashMap[uint256, uint256]
reserve: public(int256)


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Interest:
    bucket: indexed(uint256)
    debt: int256
    amount: int256
    leaving: bool  # taken by the house as cash leaves; else it tells it as Cash

event Covered:
    bucket: indexed(uint256)
    amount: int256


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, liquidation: address):
    HOUSE = house
    LIQUIDATION = liquidation


# ---------------------------------------------------------------------
# ClearingHouse and Liquidation
# ---------------------------------------------------------------------

@external
@reentrant
def note(bucket: uint256, cash: int256, charges: bool) -> int256:
    """
    @notice A bucket with collateral has this cash from now on; `charges`: less the interest that it owes, which is
            returned. The house calls it while it writes the bucket, also from within `charge` and `cover`: what these
            had to write is written.
    """
    if msg.sender != HOUSE:
        code.refuse(code.NOT_AUTHORISED)
    return self._note(bucket, cash, charges)


@external
def cover(bucket: uint256, most: int256) -> int256:
    """@notice The reserve pays at most `most` into a bucket whose collateral did not cover its debt; what it paid."""
    if msg.sender != LIQUIDATION:
        code.refuse(code.NOT_AUTHORISED)
    paid: int256 = min(most, self.reserve)
    if paid > 0:
        self.reserve -= paid
        log Covered(bucket=bucket, amount=paid)
        extcall IClearingHouse(HOUSE).credit(bucket, paid)
    return paid


# ---------------------------------------------------------------------
# Anybody
# ---------------------------------------------------------------------

@external
def charge(bucket: uint256) -> int256:
    """@notice A bucket pays the interest that it owes into the reserve; returns it."""
    word: uint256 = self.debts[bucket]
    index: int256 = self._now().index
    due: int256 = self._due(word, index)
    if due > 0:
        debt: int256 = words.field(word, 0, 64)
        self.debts[bucket] = self._debt_word(debt, index, 0)
        self.reserve += due
        log Interest(bucket=bucket, debt=debt, amount=due, leaving=False)
        extcall IClearingHouse(HOUSE).credit(bucket, -due)
    return due


@external
def renew(bucket: uint256):
    """@notice Notes what a bucket is short of: where its first collateral has come or its last has gone."""
    head: uint256 = reader.one(HOUSE, words.BUCKET | bucket)
    self._note(bucket, self._cash_of(bucket, head)[0] if head & HOLDS != 0 else 0, False)


@external
def refresh():
    """@notice The rate follows what is borrowed and in the vault, and the venue's numbers, as they are now."""
    if self.all >> BORROWED != 0:
        self._lend(0)


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
def may_leave(bucket: uint256, room: int256) -> int256:
    """
    @notice What of `room`, a bucket's margin beyond what it must hold, may leave: its interest does not, and beyond its
            cash no more than may still be borrowed. At least 0.
    """
    due: int256 = self._due(self.debts[bucket], self._now().index)
    cash: int256 = 0
    pending: int256 = 0
    cash, pending = self._cash_of(bucket, reader.one(HOUSE, words.BUCKET | bucket))
    return max(0, min(room - due, max(0, cash + pending - due) + self._room()))


@external
@view
def interest_of(bucket: uint256) -> int256:
    """@notice Interest that a bucket owes now, rounded up."""
    return self._due(self.debts[bucket], self._now().index)


@external
@view
def debt_of(bucket: uint256) -> int256:
    """@notice What a bucket borrows, without its interest."""
    return words.field(self.debts[bucket], 0, 64)


@external
@view
def lent() -> Lent:
    """@notice The index and what a rate has left of one unit of it, the rate an hour (1e-12), and what is borrowed."""
    return self._now()


@external
@view
def room() -> int256:
    """@notice USD that may still be borrowed."""
    return self._room()


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
def _note(bucket: uint256, cash: int256, charges: bool) -> int256:
    word: uint256 = self.debts[bucket]
    if word == 0 and cash >= 0:
        return 0
    index: int256 = self._now().index
    due: int256 = self._due(word, index)
    before: int256 = words.field(word, 0, 64)
    paid: int256 = 0
    if charges and due > 0:
        paid = due
        due = 0
        self.reserve += paid
        log Interest(bucket=bucket, debt=before, amount=paid, leaving=True)
    after: int256 = max(0, paid - cash)
    if paid != 0 or after != before:
        self.debts[bucket] = self._debt_word(after, index, due)
    if after != before:
        self._lend(after - before)
    return paid


@internal
@pure
def _debt_word(debt: int256, index: int256, due: int256) -> uint256:
    if debt == 0 and due == 0:
        return 0
    return words.with_field(words.with_field(words.with_field(0, 0, 64, debt), NOTED, 80, index), DUE, 64, due)


@internal
@pure
def _due(word: uint256, index: int256) -> int256:
    """@notice Interest of a bucket at an index, rounded up."""
    step: int256 = index - words.field(word, NOTED, 80)
    return words.field(word, DUE, 64) + units.ceil_div(words.field(word, 0, 64) * step, INDEX_ONE)


@internal
@view
def _now() -> Lent:
    """@notice The index of this moment."""
    word: uint256 = self.all
    rate: int256 = words.field(word, RATE, 48)
    elapsed: int256 = convert(block.timestamp, int256) - words.field(word, TIME, 40)
    moved: int256 = words.field(word, RESIDUE, 24) + rate * elapsed * 1000
    return Lent(
        index=words.field(word, 0, 80) + moved // HOUR_MS,
        residue=moved % HOUR_MS,
        rate=rate,
        borrowed=words.field(word, BORROWED, 64),
    )


@internal
def _lend(more: int256):
    """@notice So much more is borrowed from now on, at the rate that follows."""
    now: Lent = self._now()
    borrowed: int256 = now.borrowed + more
    word: uint256 = words.with_field(words.with_field(0, 0, 80, now.index), RESIDUE, 24, now.residue)
    word = words.with_field(word, TIME, 40, convert(block.timestamp, int256))
    word = words.with_field(word, RATE, 48, self._rate(borrowed))
    self.all = words.with_field(word, BORROWED, 64, borrowed)


@internal
@view
def _supply(borrowed: int256) -> (int256, uint256):
    """@notice All USD, in the vault for accounts or lent, and the venue's numbers of lending."""
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(
        [words.VENUE | words.MONEY, words.VENUE | words.LENDING]
    )
    return words.field(found[0], 0, 64) - words.field(found[0], 64, 64) + borrowed, found[1]


@internal
@view
def _room() -> int256:
    borrowed: int256 = self._now().borrowed
    supply: int256 = 0
    terms: uint256 = 0
    supply, terms = self._supply(borrowed)
    return max(0, units.rate_down(max(0, supply), words.field(terms, MOST, 24)) - borrowed)


@internal
@view
def _rate(borrowed: int256) -> int256:
    """@notice Interest an hour, 1e-12, rounded down, by the share of all USD that is borrowed, rounded up."""
    if borrowed == 0:
        return 0
    supply: int256 = 0
    terms: uint256 = 0
    supply, terms = self._supply(borrowed)
    used: int256 = limits.RATE_ONE if borrowed >= supply else units.ceil_div(borrowed * limits.RATE_ONE, supply)
    base: int256 = words.field(terms, 0, 30)
    kink: int256 = words.field(terms, KINK, 24)
    bend: int256 = max(base, words.field(terms, KINK_RATE, 30))
    if used <= kink:
        return base + (bend - base) * used // kink
    top: int256 = max(bend, words.field(terms, FULL_RATE, 30))
    return bend + (top - bend) * (used - kink) // (limits.RATE_ONE - kink)


@internal
@view
def _cash_of(bucket: uint256, head: uint256) -> (int256, int256):
    """@notice USD of a bucket without unrealised pnl, and its funding that is not settled."""
    cash: int256 = words.signed64(head, 0)
    pending: int256 = 0
    count: uint256 = words.count_of(head)
    places: uint256 = head >> words.LIST_SHIFT
    keys: DynArray[uint256, 48] = []
    for i: uint256 in range(count, bound=16):
        here: uint256 = (places >> (8 * i)) & 255
        keys.append(words.position_key(bucket, here))
        keys.append(words.MARKET | words.PRICE | here)
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(keys)
    for i: uint256 in range(count, bound=16):
        p: uint256 = found[2 * i]
        cash += words.signed64(p, 64)
        step: int256 = margin.index_of(found[2 * i + 1]) - words.signed64(p, 128)
        pending += units.funding_of(words.signed64(p, 0), step)[0]
    return cash, pending
