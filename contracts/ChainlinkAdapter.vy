# pragma version 0.4.3
"""
@title ChainlinkAdapter: a Chainlink aggregator as a price oracle
@license Apache-2.0
@notice The feed's id is its aggregator's address. An answer that is not positive, a round that is not answered, a price
        older than its heartbeat and a sequencer that is down, or up for less than the grace time, say nothing.
@custom:kill The guardian stops the feed at the OracleHub.
"""

from interfaces import IPriceOracle

implements: IPriceOracle

interface Aggregator:
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view
    def decimals() -> uint8: view

SEQUENCER: public(immutable(address))  # uptime feed of a rollup; none: empty
GRACE: public(immutable(uint256))
HEARTBEAT: public(immutable(uint256))


@deploy
def __init__(sequencer: address, grace: uint256, heartbeat: uint256):
    SEQUENCER = sequencer
    GRACE = grace
    HEARTBEAT = heartbeat


@external
@view
def price_of(id: bytes32) -> (uint256, uint256, uint256):
    if SEQUENCER != empty(address):
        down: int256 = 0
        since: uint256 = 0
        round: uint80 = 0
        updated: uint256 = 0
        answered: uint80 = 0
        round, down, since, updated, answered = staticcall Aggregator(SEQUENCER).latestRoundData()
        if down != 0 or since == 0 or block.timestamp < since + GRACE:
            return 0, 0, 0
    feed: Aggregator = Aggregator(convert(convert(convert(id, uint256), uint160), address))
    number: uint80 = 0
    answer: int256 = 0
    started: uint256 = 0
    time: uint256 = 0
    last: uint80 = 0
    number, answer, started, time, last = staticcall feed.latestRoundData()
    if answer <= 0 or time == 0 or time > block.timestamp or block.timestamp > time + HEARTBEAT or last < number:
        return 0, 0, time * 1000
    decimals: uint256 = convert(staticcall feed.decimals(), uint256)
    price: uint256 = convert(answer, uint256)
    if decimals <= 18:
        return price * 10 ** (18 - decimals), 0, time * 1000
    return price // 10 ** (decimals - 18), 0, time * 1000
