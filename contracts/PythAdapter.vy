# pragma version 0.4.3
"""
@title PythAdapter: Pyth prices as a price oracle
@license Apache-2.0
@notice Anybody brings Pyth's signed updates (`update`) and pays Pyth's fee; the rest of what is sent goes back. The
        confidence interval is the spread.
@custom:kill The guardian stops the feed at the OracleHub.
"""

from interfaces import IPriceOracle

implements: IPriceOracle

struct PythPrice:
    price: int64
    conf: uint64
    expo: int32
    publishTime: uint256

interface Pyth:
    def getUpdateFee(data: DynArray[Bytes[4096], 8]) -> uint256: view
    def updatePriceFeeds(data: DynArray[Bytes[4096], 8]): payable
    def getPriceUnsafe(id: bytes32) -> PythPrice: view

PYTH: public(immutable(address))


@deploy
def __init__(pyth: address):
    PYTH = pyth


@external
@payable
@nonreentrant
def update(data: DynArray[Bytes[4096], 8]):
    fee: uint256 = staticcall Pyth(PYTH).getUpdateFee(data)
    assert msg.value >= fee, "fee"
    extcall Pyth(PYTH).updatePriceFeeds(data, value=fee)
    if msg.value > fee:
        send(msg.sender, msg.value - fee)


@external
@view
def price_of(id: bytes32) -> (uint256, uint256, uint256):
    p: PythPrice = staticcall Pyth(PYTH).getPriceUnsafe(id)
    if p.price <= 0 or p.expo > 0 or p.expo < -18:
        return 0, 0, p.publishTime * 1000
    scale: uint256 = 10 ** convert(convert(18, int32) + p.expo, uint256)
    return convert(p.price, uint256) * scale, convert(p.conf, uint256) * scale, p.publishTime * 1000
