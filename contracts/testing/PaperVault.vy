# pragma version 0.4.3
"""
@title What the margin contracts ask of the vault about collateral, with values as a test wants them
@license Apache-2.0
@notice For tests.
@custom:kill Not deployed.
"""

worth_maintenance: public(HashMap[uint256, int256])


@external
def set_worth(bucket: uint256, worth: int256):
    self.worth_maintenance[bucket] = worth


@external
@view
def worth(bucket: uint256) -> (int256, int256):
    """@notice For initial margin and for maintenance."""
    return self.worth_maintenance[bucket], self.worth_maintenance[bucket]


@external
@view
def worth_of(bucket: uint256, asset: uint256) -> int256:
    """@notice All of it is asset 0."""
    return self.worth_maintenance[bucket] if asset == 0 else 0


@external
@view
def offer(bucket: uint256, asset: uint256) -> (uint256, int256, int256, int256):
    """@notice Nothing is for sale to a vault."""
    return 0, 0, 0, 0
