# pragma version 0.4.3
"""
@title Withdrawals as wallets sign them for Hyperliquid's API: `withdraw3`
@license Apache-2.0
@notice The signature that a venue's client makes anyway is enough for the vault: the texts of the action are hashed as
        the wallet has hashed them, and read here. Anything that is not written plainly is refused.
"""

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_NAME: constant(bytes32) = keccak256("HyperliquidSignTransaction")
WITHDRAW_TYPE: constant(bytes32) = keccak256(
    "HyperliquidTransaction:Withdraw(string hyperliquidChain,string destination,string amount,uint64 time)"
)
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
DECIMALS: constant(uint256) = 6

struct Action:
    network: String[16]
    destination: String[42]
    amount: String[24]
    time: uint256  # ms
    signing_chain: uint256  # of the domain; wallets take the one that they are on


@internal
@pure
def signer_of(action: Action, r: uint256, s: uint256, v: uint256) -> address:
    """@notice Who has signed the action; nobody for a malleable or invalid signature."""
    if s > HALF_ORDER or (v != 27 and v != 28):
        return empty(address)
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, DOMAIN_NAME, keccak256("1"), action.signing_chain, empty(address))
    )
    body: bytes32 = keccak256(
        abi_encode(
            WITHDRAW_TYPE,
            keccak256(action.network),
            keccak256(action.destination),
            keccak256(action.amount),
            action.time,
        )
    )
    return ecrecover(keccak256(concat(x"1901", domain, body)), v, r, s)


@internal
@pure
def amount_of(text: String[24]) -> int256:
    """@notice Micro-USD of digits with at most one point and six decimals; 0 for anything else."""
    body: Bytes[24] = convert(text, Bytes[24])
    found: int256 = 0
    decimals: uint256 = 0
    point: bool = False
    for i: uint256 in range(len(body), bound=24):
        letter: uint256 = convert(slice(body, i, 1), uint256)
        if letter == 46 and not point and i != 0:
            point = True
            continue
        if letter < 48 or letter > 57 or decimals == DECIMALS:
            return 0
        found = found * 10 + convert(letter - 48, int256)
        if point:
            decimals += 1
    for _: uint256 in range(DECIMALS - decimals, bound=6):
        found *= 10
    return found


@internal
@pure
def address_of(text: String[42]) -> address:
    """@notice The address of 0x and forty hexadecimal digits in any case; nobody for anything else."""
    body: Bytes[42] = convert(text, Bytes[42])
    if len(body) != 42 or slice(body, 0, 2) != b"0x":
        return empty(address)
    found: uint256 = 0
    for i: uint256 in range(2, 42):
        letter: uint256 = convert(slice(body, i, 1), uint256)
        digit: uint256 = 16
        if letter >= 48 and letter <= 57:
            digit = letter - 48
        elif letter >= 65 and letter <= 70:
            digit = letter - 55
        elif letter >= 97 and letter <= 102:
            digit = letter - 87
        if digit == 16:
            return empty(address)
        found = found << 4 | digit
    return convert(convert(found, uint160), address)
