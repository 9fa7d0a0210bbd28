# pragma version 0.4.3
"""
@title The EIP-712 domain of a contract, and whether an owner has signed: by a key, or by EIP-1271 as a contract
@license Apache-2.0
"""

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
MAGIC: constant(bytes4) = 0x1626ba7e
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

SEPARATOR: immutable(bytes32)
CHAIN: immutable(uint256)


@deploy
def __init__():
    CHAIN = chain.id
    SEPARATOR = keccak256(abi_encode(DOMAIN_TYPE, keccak256("Seawall"), keccak256("1"), chain.id, self))


@external
@view
def domain_separator() -> bytes32:
    return self.separator()


@internal
@view
def separator() -> bytes32:
    if chain.id == CHAIN:
        return SEPARATOR
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256("Seawall"), keccak256("1"), chain.id, self))


@internal
@view
def signer_of(body: bytes32, r: uint256, s: uint256, v: uint256) -> address:
    """@notice Who has signed a struct's hash; nobody for a malleable or invalid signature."""
    if s > HALF_ORDER or (v != 27 and v != 28):
        return empty(address)
    return ecrecover(keccak256(concat(x"1901", self.separator(), body)), v, r, s)


@internal
@view
def is_signed_by(owner: address, body: bytes32, signature: Bytes[1024]) -> bool:
    """@notice Whether the owner's key, or the contract at its address, says that it has signed a struct's hash."""
    if owner == empty(address):
        return False
    if not owner.is_contract:
        if len(signature) != 65:
            return False
        r: uint256 = convert(slice(signature, 0, 32), uint256)
        s: uint256 = convert(slice(signature, 32, 32), uint256)
        return self.signer_of(body, r, s, convert(slice(signature, 64, 1), uint256)) == owner
    digest: bytes32 = keccak256(concat(x"1901", self.separator(), body))
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(
        owner,
        abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return ok and len(answer) == 32 and convert(slice(answer, 0, 4), bytes4) == MAGIC
