# pragma version 0.4.3
"""
@title SignedOracle: prices signed by k of n reporters, one signature over all markets of a report
@license Apache-2.0
@notice A submission brings reports of different reporters about the same feeds. For each feed the reporters that are
        within the deviation of their median count; with fewer than the quorum nothing is written, and the feed grows
        stale. Prices are 1e-18 USD a unit; 0 says nothing. Anybody may submit; times never go back.
@custom:security Reporters are named by the governor (a timelock). A reporter's signature counts once a submission.
@custom:kill The guardian stops the feed at the OracleHub; the governor removes reporters.
"""

import code
import limits
import signatures
import units
from interfaces import IPriceOracle

implements: IPriceOracle
initializes: signatures
exports: signatures.domain_separator


# ---------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------

REPORT_TYPE: constant(bytes32) = keccak256("Report(uint256 time,bytes32 feeds,bytes32 prices)")
FEEDS_MAX: constant(uint256) = 64
REPORTERS_MAX: constant(uint256) = 16
AHEAD_MS: constant(uint256) = 1_000
PRICE_MAX: constant(uint256) = 10**33

struct Report:
    time: uint256
    prices: DynArray[uint256, FEEDS_MAX]
    signature: Bytes[65]


# ---------------------------------------------------------------------
# Storage
# ---------------------------------------------------------------------

GOVERNOR: public(immutable(address))
DEVIATION: public(immutable(int256))  # from the median, in RATE_ONE
MAX_AGE_MS: public(immutable(uint256))  # of a report when it is submitted
quorum: public(uint256)
number_of: public(HashMap[address, uint256])  # 1 + the reporter's number; 0: none
said: HashMap[bytes32, uint256]  # price | spread << 112 | time << 208


# ---------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------

event Reported:
    feed: indexed(bytes32)
    price: uint256
    spread: uint256
    time: uint256
    reporters: uint256

event ReporterSet:
    reporter: indexed(address)
    number: uint256

event QuorumSet:
    quorum: uint256


@deploy
def __init__(governor: address, reporters: DynArray[address, REPORTERS_MAX], quorum: uint256, deviation: int256, max_age_ms: uint256):
    signatures.__init__()
    assert quorum > 0 and quorum <= len(reporters) and deviation > 0 and max_age_ms > 0, "quorum"
    GOVERNOR = governor
    DEVIATION = deviation
    MAX_AGE_MS = max_age_ms
    self.quorum = quorum
    for i: uint256 in range(len(reporters), bound=REPORTERS_MAX):
        assert reporters[i] != empty(address) and self.number_of[reporters[i]] == 0, "reporter"
        self.number_of[reporters[i]] = i + 1


@external
def set_reporter(reporter: address, number: uint256):
    """@notice The governor names a reporter by a number (1..16) that no other has, or removes one (0)."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    assert number <= REPORTERS_MAX, "number"
    self.number_of[reporter] = number
    log ReporterSet(reporter=reporter, number=number)


@external
def set_quorum(quorum: uint256):
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    assert quorum > 0 and quorum <= REPORTERS_MAX, "quorum"
    self.quorum = quorum
    log QuorumSet(quorum=quorum)


@external
@view
def price_of(id: bytes32) -> (uint256, uint256, uint256):
    word: uint256 = self.said[id]
    return word & (2**112 - 1), (word >> 112) & (2**96 - 1), word >> 208


@external
def submit(feeds: DynArray[bytes32, FEEDS_MAX], reports: DynArray[Report, REPORTERS_MAX]) -> uint256:
    """@notice Takes the reports of one round; returns how many feeds have a new price."""
    if len(reports) < self.quorum:
        code.refuse(code.NOT_ENOUGH_SIGNERS)
    names: bytes32 = keccak256(slice(abi_encode(feeds), 64, 32 * len(feeds)))
    oldest: uint256 = max_value(uint256)
    seen: uint256 = 0
    for report: Report in reports:
        if len(report.prices) != len(feeds):
            code.refuse(code.BAD_FIELD)
        values: bytes32 = keccak256(slice(abi_encode(report.prices), 64, 32 * len(feeds)))
        body: bytes32 = keccak256(abi_encode(REPORT_TYPE, report.time, names, values))
        number: uint256 = self._reporter(body, report.signature)
        if number == 0 or seen & (1 << number) != 0:
            code.refuse(code.NOT_AUTHORISED)
        seen = seen | (1 << number)
        if report.time > block.timestamp * 1000 + AHEAD_MS or block.timestamp * 1000 > report.time + MAX_AGE_MS:
            code.refuse(code.BAD_TIME)
        oldest = min(oldest, report.time)
    done: uint256 = 0
    for place: uint256 in range(len(feeds), bound=FEEDS_MAX):
        prices: DynArray[uint256, REPORTERS_MAX] = []
        for report: Report in reports:
            if report.prices[place] != 0 and report.prices[place] < PRICE_MAX:
                prices.append(report.prices[place])
        if self._take(feeds[place], prices, oldest):
            done += 1
    return done


@internal
@view
def _reporter(body: bytes32, signature: Bytes[65]) -> uint256:
    if len(signature) != 65:
        return 0
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    signer: address = signatures.signer_of(body, r, s, convert(slice(signature, 64, 1), uint256))
    return 0 if signer == empty(address) else self.number_of[signer]


@internal
def _take(feed: bytes32, given: DynArray[uint256, REPORTERS_MAX], time: uint256) -> bool:
    """@notice The median of those near the median of all, if they are a quorum and newer than the last."""
    if len(given) < self.quorum or time <= self.said[feed] >> 208:
        return False
    prices: DynArray[uint256, REPORTERS_MAX] = self._sorted(given)
    middle: int256 = convert(self._median(prices), int256)
    reach: int256 = units.rate_down(middle, DEVIATION)
    near: DynArray[uint256, REPORTERS_MAX] = []
    for price: uint256 in prices:
        if units.magnitude(convert(price, int256) - middle) <= reach:
            near.append(price)
    if len(near) < self.quorum:
        return False
    median: uint256 = self._median(near)
    spread: uint256 = (near[len(near) - 1] - near[0]) // 2
    self.said[feed] = median | (min(spread, 2**96 - 1) << 112) | (time << 208)
    log Reported(feed=feed, price=median, spread=spread, time=time, reporters=len(near))
    return True


@internal
@pure
def _sorted(given: DynArray[uint256, REPORTERS_MAX]) -> DynArray[uint256, REPORTERS_MAX]:
    prices: DynArray[uint256, REPORTERS_MAX] = given
    for i: uint256 in range(1, len(prices), bound=REPORTERS_MAX):
        one: uint256 = prices[i]
        place: uint256 = i
        for _: uint256 in range(REPORTERS_MAX):
            if place == 0 or prices[place - 1] <= one:
                break
            prices[place] = prices[place - 1]
            place -= 1
        prices[place] = one
    return prices


@internal
@pure
def _median(prices: DynArray[uint256, REPORTERS_MAX]) -> uint256:
    """@notice Of sorted prices; of an even count the floor of the mean of the middle two."""
    half: uint256 = len(prices) // 2
    if len(prices) % 2 == 1:
        return prices[half]
    return (prices[half - 1] + prices[half]) // 2
