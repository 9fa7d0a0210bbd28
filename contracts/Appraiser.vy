# pragma version 0.4.3
"""
@title Appraiser: collateral values, and portfolio margin over a grid of scenarios. src/seawall/margin/scenario.py
@license Apache-2.0
@notice The ClearingHouse asks it about the buckets that hold collateral or have opted in to portfolio margin. The grid
        is a versioned table; anybody can evaluate it again (`portfolio`), and check a claim (`verify_claim`).
@custom:kill Without grid entries (the governor's) no requirement can be computed: such accounts can only reduce.
"""

import limits
import lp_words
import margin
import reader
import units
import words
from interfaces import IClearingHouse


# ---------------------------------------------------------------------
# Interfaces
# ---------------------------------------------------------------------

interface Vault:
    def worth(bucket: uint256) -> (int256, int256): view
    def worth_maintenance(bucket: uint256) -> int256: view
    def worth_of(bucket: uint256, asset: uint256) -> int256: view

interface Grid:
    def requirements(bucket: uint256, head: uint256, market: uint256, size: int256) -> (int256, int256): view

interface LpCollateral:
    def worth(bucket: uint256) -> (int256, int256): view
    def shifted(bucket: uint256, key: uint256, moves: DynArray[int256, 48]) -> (int256, DynArray[int256, 48]): view


# ---------------------------------------------------------------------
# Immutables
# ---------------------------------------------------------------------

HOUSE: public(immutable(address))
VAULT: public(immutable(address))
LP: public(immutable(address))
GOVERNOR: public(immutable(address))


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

ROWS: constant(uint256) = 16
BOOK: constant(uint256) = 24  # markets of one bucket: positions, and collateral whose underlying they are
ASSETS: constant(uint256) = 7
MOVES: constant(uint256) = 48  # of one market: the common shocks, and its own shares up and down
NOWHERE: constant(uint256) = 255

struct Shock:
    move: int256  # of the common factor
    credit: int256  # at which gains pay for losses

struct Risk:
    beta: int256
    own: int256
    basis: int256
    floor: int256
    start: int256
    concentration: int256

struct Exposure:
    market: uint256
    perp: int256
    spot: int256
    ranged: int256  # what LP positions hold of the same asset; what they lose is looked up

# what LP positions lose by asset of their pools: in which market of the book, and at each of its moves
struct Ranges:
    places: uint256[ASSETS]
    losses: DynArray[int256, MOVES][ASSETS]

struct Portfolio:
    row: uint256  # the worst: a common shock's number, or 16 + 2 * share + 512 * place in the book (+ 1 downwards)
    worst: int256
    floor: int256
    concentration: int256
    maintenance: int256
    initial: int256


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

version: public(uint256)
factor: public(int256)
shocks: public(DynArray[Shock, ROWS])
own_shares: public(DynArray[int256, ROWS])
risks: public(HashMap[uint256, Risk])
is_priced: public(HashMap[uint256, bool])  # markets with an entry in the grid
underlying: public(HashMap[uint256, uint256])  # asset -> 1 + market whose mark moves it


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event GridSet:
    version: uint256

event RiskSet:
    market: uint256
    risk: Risk


# ---------------------------------------------------------------------
# Set-up
# ---------------------------------------------------------------------

@deploy
def __init__(house: address, vault: address, lp: address, governor: address):
    HOUSE = house
    VAULT = vault
    LP = lp
    GOVERNOR = governor


@external
def set_grid(version: uint256, factor: int256, shocks: DynArray[Shock, ROWS], own_shares: DynArray[int256, ROWS]):
    """@notice The governor's table of shocks. The factor turns maintenance into initial margin."""
    assert msg.sender == GOVERNOR, "governor"
    assert version > self.version and factor >= limits.RATE_ONE and len(shocks) > 0 and len(own_shares) > 0, "grid"
    for shock: Shock in shocks:
        assert shock.credit >= 0 and shock.credit <= limits.RATE_ONE, "credit"
        assert units.magnitude(shock.move) <= limits.RATE_ONE, "move"
    for share: int256 in own_shares:
        assert share > 0 and share <= limits.RATE_ONE, "share"
    self.version = version
    self.factor = factor
    self.shocks = shocks
    self.own_shares = own_shares
    log GridSet(version=version)


@external
def set_risk(market: uint256, risk: Risk):
    """@notice How a market moves in the grid. All rates in RATE_ONE, the start in micro-USD."""
    assert msg.sender == GOVERNOR, "governor"
    for rate: int256 in [risk.own, risk.basis, risk.floor, risk.concentration]:
        assert rate >= 0 and rate <= limits.RATE_ONE, "rate"
    assert risk.start >= 0 and units.magnitude(risk.beta) <= 10 * limits.RATE_ONE, "risk"
    self.risks[market] = risk
    self.is_priced[market] = True
    log RiskSet(market=market, risk=risk)


@external
def set_underlying(asset: uint256, market: uint256):
    """@notice The market whose mark moves an asset: 1 + its number; 0: none."""
    assert msg.sender == GOVERNOR and asset < ASSETS, "governor"
    self.underlying[asset] = market


# ---------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------

@external
@view
def appraise(bucket: uint256, head: uint256, market: uint256, size: int256) -> (int256, int256, int256, int256):
    """
    @notice Collateral for initial margin and for maintenance, and both requirements of portfolio margin (-1: not asked
            for) after `size` more lots of a market.
    """
    initial: int256 = 0
    maintenance: int256 = 0
    if head & lp_words.TOKENS != 0:
        initial, maintenance = staticcall Vault(VAULT).worth(bucket)
    if head & lp_words.HELD != 0:
        more: int256 = 0
        held: int256 = 0
        more, held = staticcall LpCollateral(LP).worth(bucket)
        initial += more
        maintenance += held
    if head & words.PORTFOLIO == 0:
        return initial, maintenance, -1, -1
    required: int256 = 0
    required_initial: int256 = 0
    required, required_initial = staticcall Grid(self).requirements(bucket, head, market, size)
    return initial, maintenance, required, required_initial


@external
@view
def requirements(bucket: uint256, head: uint256, market: uint256, size: int256) -> (int256, int256):
    """
    @notice Both requirements of portfolio margin of a bucket with this word, after `size` more lots of a market.
    @dev A call of its own, so that buckets without portfolio margin do not pay for the memory of its tables.
    """
    p: Portfolio = self._portfolio(bucket, head, market, size)
    return p.maintenance, p.initial


@external
@view
def worth_maintenance(bucket: uint256) -> int256:
    """@notice What all collateral of a bucket counts for maintenance: what a liquidation asks."""
    head: uint256 = reader.one(HOUSE, words.BUCKET | bucket)
    maintenance: int256 = 0
    if head & lp_words.TOKENS != 0:
        maintenance = staticcall Vault(VAULT).worth_maintenance(bucket)
    if head & lp_words.HELD != 0:
        maintenance += (staticcall LpCollateral(LP).worth(bucket))[1]
    return maintenance


@external
@view
def portfolio(bucket: uint256) -> Portfolio:
    """@notice Portfolio margin of a bucket, whether it has opted in or not: worst row, its loss, floors, add-ons."""
    return self._portfolio(bucket, reader.one(HOUSE, words.BUCKET | bucket), max_value(uint256), 0)


@external
@view
def verify_claim(bucket: uint256, row: uint256, maintenance: int256, initial: int256) -> bool:
    """@notice Whether a claimed worst row and requirements are those of the grid, by evaluating every row."""
    p: Portfolio = self._portfolio(bucket, reader.one(HOUSE, words.BUCKET | bucket), max_value(uint256), 0)
    return p.row == row and p.maintenance == maintenance and p.initial == initial


# ---------------------------------------------------------------------
# Internal
# ---------------------------------------------------------------------

@internal
@view
def _book_of(bucket: uint256, head: uint256, market: uint256, size: int256) -> DynArray[Exposure, BOOK]:
    """@notice Exposure a market: perp (signed) and collateral of the same asset, in micro-USD at mark."""
    book: DynArray[Exposure, BOOK] = []
    count: uint256 = words.count_of(head)
    keys: DynArray[uint256, 48] = []
    places: uint256 = head >> words.LIST_SHIFT
    for i: uint256 in range(count, bound=16):
        here: uint256 = (places >> (8 * i)) & 255
        keys.append(words.position_key(bucket, here))
        keys.append(words.MARKET | words.PRICE | here)
    if market < 256:
        keys.append(words.MARKET | words.PRICE | market)
    found: DynArray[uint256, 48] = staticcall IClearingHouse(HOUSE).words_of(keys)
    is_new: bool = market < 256
    for i: uint256 in range(count, bound=16):
        here: uint256 = (places >> (8 * i)) & 255
        held: int256 = words.signed64(found[2 * i], 0)
        if here == market:
            held += size
            is_new = False
        price: int256 = convert(found[2 * i + 1] & margin.M41, int256)
        book.append(Exposure(market=here, perp=held * price, spot=0, ranged=0))
    if is_new and size != 0:
        price: int256 = convert(found[2 * count] & margin.M41, int256)
        book.append(Exposure(market=market, perp=size * price, spot=0, ranged=0))
    for asset: uint256 in range(ASSETS):
        if (head >> (words.ASSETS_SHIFT + asset)) & 1 == 1 and self.underlying[asset] != 0:
            place: uint256 = 0
            book, place = self._placed(book, self.underlying[asset] - 1)
            book[place].spot += staticcall Vault(VAULT).worth_of(bucket, asset)
    return book


@internal
@pure
def _placed(book: DynArray[Exposure, BOOK], market: uint256) -> (DynArray[Exposure, BOOK], uint256):
    """@notice The book with a place for a market, and where that is."""
    after: DynArray[Exposure, BOOK] = book
    for i: uint256 in range(len(book), bound=BOOK):
        if book[i].market == market:
            return after, i
    after.append(Exposure(market=market, perp=0, spot=0, ranged=0))
    return after, len(book)


@internal
@view
def _ranges_of(bucket: uint256, head: uint256, book: DynArray[Exposure, BOOK]) -> (DynArray[Exposure, BOOK], Ranges):
    """@notice The book with what LP positions hold, and what they lose at each row that moves one of their tokens."""
    after: DynArray[Exposure, BOOK] = book
    r: Ranges = empty(Ranges)
    r.places = [NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE]
    if head & lp_words.HELD == 0:
        return after, r
    for asset: uint256 in range(ASSETS):
        if self.underlying[asset] != 0:
            risk: Risk = self.risks[self.underlying[asset] - 1]
            moves: DynArray[int256, MOVES] = []
            for shock: Shock in self.shocks:
                moves.append(shock.move * risk.beta)
            for share: int256 in self.own_shares:
                move: int256 = units.rate_up(risk.own, share) * limits.RATE_ONE
                moves.append(move)
                moves.append(-move)
            held: int256 = 0
            losses: DynArray[int256, MOVES] = []
            held, losses = staticcall LpCollateral(LP).shifted(bucket, asset + 1, moves)
            if held != 0 or self._any(losses):
                place: uint256 = 0
                after, place = self._placed(after, self.underlying[asset] - 1)
                after[place].ranged += held
                r.places[asset] = place
                r.losses[asset] = losses
    return after, r


@internal
@pure
def _any(losses: DynArray[int256, MOVES]) -> bool:
    for loss: int256 in losses:
        if loss != 0:
            return True
    return False


@internal
@pure
def _lost(r: Ranges, place: uint256, move: uint256) -> int256:
    """@notice What LP positions lose in a market of the book at its `move`-th move, x RATE_ONE^2."""
    total: int256 = 0
    for asset: uint256 in range(ASSETS):
        if r.places[asset] == place:
            total += r.losses[asset][move]
    return total * limits.RATE_ONE * limits.RATE_ONE


@internal
@pure
def _loss(e: Exposure, basis: int256, move: int256) -> int256:
    """@notice Loss (positive) or gain of one market in micro-USD x RATE_ONE^2, exact, that of LP positions apart."""
    hedged: int256 = min(max(0, -e.perp), e.spot + e.ranged)
    return hedged * basis * limits.RATE_ONE - (e.perp + e.spot) * max(move, -limits.RATE_ONE * limits.RATE_ONE)


@internal
@view
def _portfolio(bucket: uint256, head: uint256, market: uint256, size: int256) -> Portfolio:
    assert self.version != 0, "grid"
    book: DynArray[Exposure, BOOK] = self._book_of(bucket, head, market, size)
    ranges: Ranges = empty(Ranges)
    book, ranges = self._ranges_of(bucket, head, book)
    p: Portfolio = empty(Portfolio)
    p.worst = min_value(int256)
    risks: DynArray[Risk, BOOK] = []
    floors: int256 = 0
    extra: int256 = 0
    for e: Exposure in book:
        assert self.is_priced[e.market], "grid"
        risk: Risk = self.risks[e.market]
        risks.append(risk)
        gross: int256 = units.magnitude(e.perp)
        floors += gross * risk.floor
        extra += max(0, gross - risk.start) * risk.concentration
    row: uint256 = 0
    for shock: Shock in self.shocks:
        lost: int256 = 0
        gained: int256 = 0
        for i: uint256 in range(len(book), bound=BOOK):
            loss: int256 = self._loss(book[i], risks[i].basis, shock.move * risks[i].beta) + self._lost(ranges, i, row)
            if loss > 0:
                lost += loss
            else:
                gained -= loss
        p = self._worse(p, row, lost * limits.RATE_ONE - gained * shock.credit)
        row += 1
    for i: uint256 in range(len(book), bound=BOOK):
        row = 16 + 512 * i
        at: uint256 = len(self.shocks)
        for share: int256 in self.own_shares:
            move: int256 = units.rate_up(risks[i].own, share) * limits.RATE_ONE
            up: int256 = self._loss(book[i], risks[i].basis, move) + self._lost(ranges, i, at)
            down: int256 = self._loss(book[i], risks[i].basis, -move) + self._lost(ranges, i, at + 1)
            p = self._worse(p, row, up * limits.RATE_ONE)
            p = self._worse(p, row + 1, down * limits.RATE_ONE)
            row += 2
            at += 2
    p.floor = units.ceil_div(floors, limits.RATE_ONE)
    p.concentration = units.ceil_div(extra, limits.RATE_ONE)
    p.maintenance = max(0, p.worst) + p.floor + p.concentration
    p.initial = units.rate_up(p.maintenance, self.factor)
    return p


@internal
@pure
def _worse(p: Portfolio, row: uint256, numerator: int256) -> Portfolio:
    loss: int256 = units.ceil_div(numerator, limits.RATE_ONE * limits.RATE_ONE * limits.RATE_ONE)
    if loss <= p.worst:
        return p
    after: Portfolio = p
    after.row = row
    after.worst = loss
    return after
