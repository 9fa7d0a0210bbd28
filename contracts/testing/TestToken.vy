# pragma version 0.4.3
"""
@title TestToken: a token for development chains and tests, which anybody mints
@license Apache-2.0
@notice With ERC-2612 permits. `fee` takes a share of every transfer away, `drift` makes balances move: what a vault must
        refuse.
@custom:kill It is worth nothing.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

name: public(constant(String[16])) = "Test USD"
symbol: public(constant(String[8])) = "tUSD"
decimals: public(immutable(uint8))
PERMIT: constant(bytes32) = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")
DOMAIN_SEPARATOR: public(immutable(bytes32))

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
totalSupply: public(uint256)
fee: public(uint256)  # in 1e-4
hook: public(address)  # called on every transfer, as some tokens do


@deploy
def __init__(decimals_: uint8):
    decimals = decimals_
    DOMAIN_SEPARATOR = keccak256(
        abi_encode(
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("Test USD"),
            keccak256("1"),
            chain.id,
            self,
        )
    )


@external
def mint(to: address, amount: uint256):
    self.balanceOf[to] += amount
    self.totalSupply += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)


@external
def set_fee(fee: uint256):
    self.fee = fee


@external
def set_hook(hook: address):
    self.hook = hook


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    self.allowance[owner][msg.sender] -= amount
    self._move(owner, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    assert block.timestamp <= deadline, "deadline"
    body: bytes32 = keccak256(abi_encode(PERMIT, owner, spender, amount, self.nonces[owner], deadline))
    digest: bytes32 = keccak256(concat(x"1901", DOMAIN_SEPARATOR, body))
    assert owner != empty(address) and ecrecover(digest, v, r, s) == owner, "signature"
    self.nonces[owner] += 1
    self.allowance[owner][spender] = amount


@internal
def _move(owner: address, receiver: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount * (10_000 - self.fee) // 10_000
    log Transfer(sender=owner, receiver=receiver, value=amount)
    if self.hook != empty(address):
        ok: bool = raw_call(self.hook, b"", revert_on_failure=False)
        assert ok or not ok
