# pragma version 0.4.3
"""
@title What the vault asks of the oracle hub, with prices as a test wants them
@license Apache-2.0
@notice For tests.
@custom:kill Not deployed.
"""

struct Said:
    price: uint256
    time: uint256
    fresh: bool

said: public(HashMap[uint256, Said])


@external
def say(feed: uint256, price: uint256, time: uint256, fresh: bool):
    self.said[feed] = Said(price=price, time=time, fresh=fresh)


@external
@view
def asset_price(asset: uint256) -> (uint256, uint256, bool):
    """@notice Price (micro-USD per lot), time (ms), and whether it is fresh."""
    return self.said[asset].price, self.said[asset].time, self.said[asset].fresh
