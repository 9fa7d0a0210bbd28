# pragma version 0.4.3
"""
@title Where an account holds a market: in the isolated bucket of it, or in cross
@license Apache-2.0
"""

import code
import isolated_words
import words

interface Few:
    def words_of(keys: DynArray[uint256, 4]) -> DynArray[uint256, 4]: view


@internal
@view
def held(house: address, account: uint256, market: uint256) -> int256:
    """@notice What an account holds of a market, in its isolated bucket or in cross."""
    found: DynArray[uint256, 4] = staticcall Few(house).words_of(
        [words.position_key(words.isolated_of(account, market), market), words.position_key(account, market)]
    )
    if found[0] != 0:
        return words.signed64(found[0], 0)
    return words.signed64(found[1], 0) if found[1] != 0 else 0


@internal
@view
def why_no_liquidity(house: address, account: uint256, market: uint256, reduces: bool) -> uint256:
    """@notice The engine says of a bucket in liquidation that it is, before it looks for liquidity."""
    found: DynArray[uint256, 4] = staticcall Few(house).words_of(
        [
            words.BUCKET | words.isolated_of(account, market),
            words.BUCKET | account,
            words.position_key(account, market),
            words.setting_key(account, market),
        ]
    )
    head: uint256 = found[0]
    if head == 0 and (found[2] != 0 or found[3] & isolated_words.IS_ISOLATED == 0):
        head = found[1]
    return code.BEING_LIQUIDATED if head & words.LIQUIDATING != 0 and not reduces else code.NO_LIQUIDITY
