# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Payouts of USD from the vault: withdrawals, their windows and limits
@license Apache-2.0
@notice A withdrawal leaves its account at once and is paid by pull: an owner's own after nothing but the venue's limits,
        one that is brought with the owner's signature after a dispute window in seconds and in blocks.
@custom:kill The guardian pauses payouts (`pause`), which only the governor ends.
"""

import code
import limits
import margin
import signatures
import units
import vault_cash
import wallet_actions
import words
from ethereum.ercs import IERC20
from interfaces import IClearingHouse

uses: signatures
uses: vault_cash

interface Liveness:
    def is_silent() -> bool: view
    def operator() -> address: view
    def agents(owner: address, agent: address) -> uint256: view

EXCHANGE: public(immutable(address))
GOVERNOR: immutable(address)
GUARDIAN: immutable(address)
DISPUTE_S: public(immutable(uint256))
DISPUTE_BLOCKS: public(immutable(uint256))
EXIT_DELAY: public(immutable(uint256))  # s that an owner's own withdrawal waits while the venue lives; 0: none

HOUR_MS: constant(uint256) = 3_600_000
DAY_MS: constant(uint256) = 86_400_000
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(address owner,uint256 sub,uint256 amount,address payee,uint256 nonce,uint256 expires)"
)
OF_ACTION: constant(uint256) = 1 << 240  # of the key of a used nonce: it is the time of a wallet's action
OF_VENUE: constant(uint256) = 1 << 241  # it is the venue's own number of collateral that leaves or is sold

struct Withdrawal:
    account: uint256
    payee: address
    amount: int256
    ready: uint256  # s
    ready_block: uint256

withdrawals: public(HashMap[uint256, Withdrawal])
withdrawal_serial: public(uint256)
used_nonce: public(HashMap[uint256, bool])  # account << 64 | nonce of a signed withdrawal
is_paused: public(bool)

event WithdrawalMade:
    number: indexed(uint256)
    account: indexed(uint256)
    payee: address
    amount: int256
    ready: uint256

event WithdrawalPaid:
    number: indexed(uint256)
    amount: int256

event WithdrawalCancelled:
    number: indexed(uint256)
    amount: int256

event Paused:
    on: bool


@deploy
def __init__(
    exchange: address,
    governor: address,
    guardian: address,
    dispute_s: uint256,
    dispute_blocks: uint256,
    exit_delay: uint256,
):
    EXCHANGE = exchange
    GOVERNOR = governor
    GUARDIAN = guardian
    DISPUTE_S = dispute_s
    DISPUTE_BLOCKS = dispute_blocks
    EXIT_DELAY = exit_delay


@external
def withdraw(sub: uint256, amount: int256, payee: address) -> uint256:
    """
    @notice Cash leaves an account of the caller for a payout to `payee`; returns its number. Payable at once, or after
            the exit delay while the venue lives.
    """
    if sub > limits.SUBACCOUNTS:
        code.refuse(code.UNKNOWN_ACCOUNT)
    account: uint256 = convert(msg.sender, uint256) | (sub << words.SUB_SHIFT)
    wait: uint256 = EXIT_DELAY
    if wait != 0 and staticcall Liveness(EXCHANGE).is_silent():
        wait = 0
    return self._withdraw(account, amount, payee, block.timestamp + wait, block.number)


@external
def withdraw_for(
    owner: address,
    sub: uint256,
    amount: int256,
    payee: address,
    nonce: uint256,
    expires: uint256,
    signature: Bytes[1024],
) -> uint256:
    """@notice A withdrawal that the owner has signed, brought by anybody: payable after the dispute window."""
    account: uint256 = convert(owner, uint256) | ((sub & 255) << words.SUB_SHIFT)
    if expires < block.timestamp:
        code.refuse(code.COMMAND_EXPIRED)
    if nonce > words.M64 or self.used_nonce[(account << 64) | nonce]:
        code.refuse(code.NONCE_USED)
    body: bytes32 = keccak256(abi_encode(WITHDRAWAL_TYPE, owner, sub, amount, payee, nonce, expires))
    if not signatures.is_signed_by(owner, body, signature):
        code.refuse(code.NOT_AUTHORISED)
    self.used_nonce[(account << 64) | nonce] = True
    return self._withdraw(account, amount, payee, block.timestamp + DISPUTE_S, block.number + DISPUTE_BLOCKS)


@external
def withdraw_by_action(owner: address, action: wallet_actions.Action, r: uint256, s: uint256, v: uint256) -> uint256:
    """
    @notice A withdrawal that the owner has signed for the venue's API, brought by the venue's operator within a day:
            payable after the dispute window. Nobody else may bring one: the same signature is good for another venue.
    """
    if msg.sender != staticcall Liveness(EXCHANGE).operator():
        code.refuse(code.NOT_AUTHORISED)
    now: uint256 = block.timestamp * 1000
    if action.time + DAY_MS < now or action.time > now + DAY_MS:
        code.refuse(code.COMMAND_EXPIRED)
    account: uint256 = convert(owner, uint256)
    key: uint256 = OF_ACTION | (account << 64) | action.time
    if self.used_nonce[key]:
        code.refuse(code.NONCE_USED)
    if owner == empty(address) or wallet_actions.signer_of(action, r, s, v) != owner:
        code.refuse(code.NOT_AUTHORISED)
    payee: address = wallet_actions.address_of(action.destination)
    if payee == empty(address):
        code.refuse(code.BAD_FIELD)
    self.used_nonce[key] = True
    amount: int256 = wallet_actions.amount_of(action.amount)
    return self._withdraw(account, amount, payee, block.timestamp + DISPUTE_S, block.number + DISPUTE_BLOCKS)


@external
def claim(number: uint256):
    """@notice Pays a withdrawal that is due to its payee; anybody may."""
    w: Withdrawal = self.withdrawals[number]
    if w.amount == 0:
        code.refuse(code.UNKNOWN_WITHDRAWAL)
    if self.is_paused:
        code.refuse(code.WITHDRAWALS_CLOSED)
    due: bool = block.timestamp >= w.ready and block.number >= w.ready_block
    if not due and not staticcall Liveness(EXCHANGE).is_silent():
        code.refuse(code.NOT_DUE)
    self.withdrawals[number] = empty(Withdrawal)
    vault_cash.book(-w.amount, -w.amount)
    log WithdrawalPaid(number=number, amount=w.amount)
    assert extcall IERC20(vault_cash.USD).transfer(w.payee, vault_cash.tokens_of(w.amount), default_return_value=True)


@external
def dispute(number: uint256):
    """@notice The guardian, or its owner, sends a withdrawal that is not paid yet back to its account."""
    w: Withdrawal = self.withdrawals[number]
    if w.amount == 0:
        code.refuse(code.UNKNOWN_WITHDRAWAL)
    if msg.sender != GUARDIAN and convert(msg.sender, uint256) != w.account & words.OWNER_MASK:
        code.refuse(code.NOT_AUTHORISED)
    self.withdrawals[number] = empty(Withdrawal)
    vault_cash.book(0, -w.amount)
    extcall IClearingHouse(vault_cash.HOUSE).credit(w.account, w.amount)
    log WithdrawalCancelled(number=number, amount=w.amount)


@external
def pause(on: bool):
    """@notice The guardian stops payouts; only the governor lets them go on."""
    if msg.sender != GOVERNOR and not (on and msg.sender == GUARDIAN):
        code.refuse(code.NOT_AUTHORISED)
    self.is_paused = on
    log Paused(on=on)


@external
@view
def check_open() -> bool:
    """@notice Refused while nothing may be paid out."""
    self.refuse_closed()
    return True


@external
@view
def limit_left() -> int256:
    """@notice What the venue may still pay out in this UTC hour and day."""
    return self._limit_left(block.timestamp * 1000)[0]


@internal
def _withdraw(account: uint256, amount: int256, payee: address, ready: uint256, ready_block: uint256) -> uint256:
    if amount <= 0 or amount > limits.AMOUNT_MAX:
        code.refuse(code.BAD_AMOUNT)
    if payee == empty(address) or payee == self:
        code.refuse(code.BAD_FIELD)
    vault_cash.tokens_of(amount)
    self.refuse_closed()
    left: int256 = 0
    flow: uint256 = 0
    left, flow = self._limit_left(block.timestamp * 1000)
    free: int256 = vault_cash.free()
    extcall IClearingHouse(vault_cash.HOUSE).exit(account, amount)
    if amount > left:
        code.refuse(code.WITHDRAWAL_LIMIT)
    if amount > free:
        code.refuse(code.VAULT_SHORT)
    flow = words.with_field(flow, 32, 62, words.field(flow, 32, 62) + amount)
    flow = words.with_field(flow, 126, 62, words.field(flow, 126, 62) + amount)
    extcall IClearingHouse(vault_cash.HOUSE).put(words.VENUE | words.FLOW, 2**188 - 1, flow)
    vault_cash.book(0, amount)
    self.withdrawal_serial += 1
    number: uint256 = self.withdrawal_serial
    self.withdrawals[number] = Withdrawal(
        account=account, payee=payee, amount=amount, ready=ready, ready_block=ready_block
    )
    log WithdrawalMade(number=number, account=account, payee=payee, amount=amount, ready=ready)
    return number


@internal
@view
def goes_by_venue() -> bool:
    """@notice Whether what has no payout that could wait leaves through the venue alone: its books would not know of it."""
    return EXIT_DELAY != 0 and not staticcall Liveness(EXCHANGE).is_silent()


@internal
def use_number(account: uint256, number: uint256):
    """@notice The venue's operator brings something of an account under a number of its own, once."""
    if msg.sender != staticcall Liveness(EXCHANGE).operator():
        code.refuse(code.NOT_AUTHORISED)
    key: uint256 = OF_VENUE | (account << 64) | number
    if number > words.M64 or self.used_nonce[key]:
        code.refuse(code.NONCE_USED)
    self.used_nonce[key] = True


@internal
@view
def check_agent(owner: address):
    """@notice Refuses who does not let the caller trade for him."""
    if staticcall Liveness(EXCHANGE).agents(owner, msg.sender) <= block.timestamp:
        code.refuse(code.NOT_AUTHORISED)


@internal
@view
def refuse_closed():
    """@notice Payouts are refused in a halt, after negative equity was seen, and while paused."""
    found: DynArray[uint256, 48] = staticcall IClearingHouse(vault_cash.HOUSE).words_of(
        [words.VENUE | words.POLICY, words.VENUE | words.FLOW]
    )
    if (found[0] >> margin.VENUE_STATUS) & 15 == limits.HALTED:
        code.refuse(code.VENUE_HALTED)
    if block.timestamp * 1000 < found[1] >> 188 or self.is_paused:
        code.refuse(code.WITHDRAWALS_CLOSED)


@internal
@view
def _limit_left(now: uint256) -> (int256, uint256):
    """@notice (what may still leave in this hour and day, the windows as they are now). What is cancelled stays counted."""
    found: DynArray[uint256, 48] = staticcall IClearingHouse(vault_cash.HOUSE).words_of(
        [words.VENUE | words.MONEY, words.VENUE | words.FLOW, words.VENUE | words.OUTFLOW]
    )
    vault: int256 = words.field(found[0], 0, 64)
    flow: uint256 = found[1] & (2**188 - 1)
    hour: int256 = convert(now // HOUR_MS, int256)
    day: int256 = convert(now // DAY_MS, int256)
    if words.field(flow, 0, 32) != hour:
        flow = words.with_field(words.with_field(flow, 0, 32, hour), 32, 62, 0)
    if words.field(flow, 94, 32) != day:
        flow = words.with_field(words.with_field(flow, 94, 32, day), 126, 62, 0)
    hourly: int256 = max(units.rate_down(vault, words.field(found[2], 0, 24)), words.field(found[2], 24, 54))
    daily: int256 = max(units.rate_down(vault, words.field(found[2], 78, 24)), words.field(found[2], 102, 54))
    left: int256 = min(hourly - words.field(flow, 32, 62), daily - words.field(flow, 126, 62))
    return max(0, left), flow
