# pragma version 0.4.3
"""
@title The USD token in the vault: its units, and the books of what is held and owed
@license Apache-2.0
"""

import code
import limits
import reader
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse
from interfaces import ILending

interface Token:
    def decimals() -> uint8: view

HOUSE: public(immutable(address))
LENDING: public(immutable(address))
USD: public(immutable(address))
USD_UNIT: public(immutable(uint256))  # of the token in one micro-USD; 0: the token is coarser
USD_GRAIN: public(immutable(uint256))  # micro-USD in one unit of the token, where it is coarser


@deploy
def __init__(house: address, usd: address):
    HOUSE = house
    LENDING = staticcall IClearingHouse(house).LENDING()
    USD = usd
    decimals: uint256 = convert(staticcall Token(usd).decimals(), uint256)
    assert decimals <= 24, "decimals"
    USD_UNIT = 10 ** (decimals - 6) if decimals >= 6 else 0
    USD_GRAIN = 10 ** (6 - decimals) if decimals < 6 else 1


@internal
@view
def tokens_of(amount: int256) -> uint256:
    """@notice Units of the token in an amount of micro-USD, exact; an amount between two units is refused."""
    micro: uint256 = convert(amount, uint256)
    if USD_UNIT != 0:
        return micro * USD_UNIT
    if micro % USD_GRAIN != 0:
        code.refuse(code.BAD_AMOUNT)
    return micro // USD_GRAIN


@internal
def pull(token: address, payer: address, tokens: uint256):
    """@notice Takes tokens; refuses those that arrive short or long."""
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    assert extcall IERC20(token).transferFrom(payer, self, tokens, default_return_value=True)
    if staticcall IERC20(token).balanceOf(self) != before + tokens:
        code.refuse(code.BAD_AMOUNT)


@internal
@view
def free() -> int256:
    """@notice What is held and not on its way out already: what is lent is not there."""
    money: uint256 = reader.one(HOUSE, words.VENUE | words.MONEY)
    return words.field(money, 0, 64) - words.field(money, 64, 64)


@internal
def book(vault: int256, pending: int256):
    """@notice What is held for accounts, and what of it waits to be paid out. Holding less than is owed is refused."""
    money: uint256 = reader.one(HOUSE, words.VENUE | words.MONEY)
    after: int256 = words.field(money, 0, 64) + vault
    if after > limits.RAW_USD_MAX:
        code.refuse(code.CASH_BOUND)
    fields: uint256 = words.with_field(0, 0, 64, after)
    fields = words.with_field(fields, 64, 64, words.field(money, 64, 64) + pending)
    extcall IClearingHouse(HOUSE).put(words.VENUE | words.MONEY, 2**128 - 1, fields)
    extcall ILending(LENDING).refresh()
    if vault > 0:
        assert staticcall IERC20(USD).balanceOf(self) >= self.tokens_of(after)
