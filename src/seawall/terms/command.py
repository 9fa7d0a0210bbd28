"""Commands: everything that can happen to the venue, one row each (ARCHITECTURE: the engine is a function of this log).

A row is wide enough for every kind; `FIELDS` says which fields a kind reads, all others must be 0 (BAD_FIELD).
Amounts are in micro-USD, sizes in lots, prices in micro-USD per lot, times in ms since the epoch. Signed rows that
share a nonce are the parts of one action: `time` is then the part, from 0. Names and who is paid stay in the log.
"""

from typing import Final

# accounts and authority
CREATE_ACCOUNT: Final = 1  # address_*: a new master account
CREATE_SUB: Final = 2  # account: a new sub-account of this master, client_* = its name
APPROVE_AGENT: Final = 3  # account, address_*, amount = scope bits, expires (0: never), client_* = its name
REVOKE_AGENT: Final = 4  # account, address_*

# money
DEPOSIT: Final = 10  # account, amount, reference = number of the message, consecutive from 1
WITHDRAW: Final = 11  # account, amount, address_* = who is paid (0: the owner) -> pending withdrawal, frozen
FINISH_WITHDRAWAL: Final = 12  # reference = withdrawal id: paid out on the chain
CANCEL_WITHDRAWAL: Final = 13  # reference = withdrawal id: proven not paid, the amount returns
TRANSFER: Final = 14  # account -> other, amount: to another owner's only by the owner's own signature
ISOLATED_MARGIN: Final = 15  # account, market, amount signed: into or out of the isolated bucket
SET_TOP_UP: Final = 16  # account, market, amount = cross cash to leave untouched; -1 switches off
MOVE_POSITION: Final = 17  # account, market, flags = ISOLATED or 0, amount = margin that moves with it
SET_LEVERAGE: Final = 18  # account, market, size = leverage, flags = ISOLATED or 0

# orders
PLACE: Final = 20  # account, market, flags, price, size[, trigger, client_*, other = parent order of an attached stop]
MODIFY: Final = 21  # account, reference = order, price, size, flags as PLACE[, trigger]
CANCEL: Final = 22  # account, market, reference = order
CANCEL_CLIENT: Final = 23  # account, market, client_*
CANCEL_ALL: Final = 24  # account, market or -1
SCHEDULE_CANCEL: Final = 25  # account, expires = when to cancel all; 0 clears
TWAP: Final = 26  # account, market, flags, size, amount = duration in ms, price = worst price: slices of 30 s
CANCEL_TWAP: Final = 27  # account, reference = twap

# the venue's own steps
TICK: Final = 30  # time: the clock; due schedules, twap slices, parameter changes and decays act
ORACLE: Final = 31  # market, other = source, price, time = of publication
FUNDING: Final = 32  # market: a premium sample; at the boundary of an interval the index steps
LIQUIDATE: Final = 33  # size = at most this many units of liquidation work, in risk order

# pools and funds
POOL_ADD: Final = 40  # account, market, flags = AMM or BACKSTOP, amount
POOL_REMOVE: Final = 41  # account, market, flags, size = shares
INSURANCE_ADD: Final = 42  # account, market, amount
INSURANCE_REMOVE: Final = 43  # account receives, market, amount (admin)

# risk and administration
PROPOSE: Final = 50  # market, other = parameter, price = value, reference = sequence, expires, amount = signers
GUARD: Final = 51  # market or -1, flags = status to tighten to
LIST_MARKET: Final = 60  # other = size decimals, price = price_max, client_* = its name: closed, all caps 0
SET_TIER: Final = 61  # market, other = tier, amount = lower notional, size = leverage, price = maintenance rate
SET_PARAMETER: Final = 62  # market or -1, other = parameter, price = value, expires = effective from (0: now)
SET_STATUS: Final = 63  # market or -1, flags = status
SET_SOURCE: Final = 64  # market, other = source, size = weight (0 removes)
DELIST: Final = 65  # market, price = settlement price (0: the index): closes everything, in bounded steps

# collateral other than USD: `other` is the asset
LIST_ASSET: Final = 70  # other, market = whose index prices it, size = 1 + market of its redemption value (of
# a pool: 1 + the asset that is its base), flags = kind
SET_ASSET: Final = 71  # other, reference = parameter, price = value, expires = effective from (0: now)
PROPOSE_ASSET: Final = 72  # other, size = parameter, price = value, reference = sequence, expires, amount = signers
DEPOSIT_ASSET: Final = 73  # account, other, size = lots, reference = number of the message, as DEPOSIT
WITHDRAW_ASSET: Final = 74  # account, other, size = lots, address_* as WITHDRAW -> pending withdrawal
MOVE_ASSET: Final = 75  # account, market, other, size = lots, flags = ISOLATED (into the isolated bucket) or 0
BUY_ASSET: Final = 76  # account pays, other, size = lots, price = worst, reference = bucket that sells
ATTACH_RANGE: Final = 77  # account, other = pool, client_low = token, size = liquidity, price = low, trigger = high,
# extra = scale (margin/lp_value.py), reference = number of the message, as DEPOSIT: a position of the pool has arrived
DETACH_RANGE: Final = 78  # account, other, client_low = token, address_* as WITHDRAW -> pending withdrawal of it
MOVE_RANGE: Final = 79  # account, market, other, client_low, flags as MOVE_ASSET
UNWIND_RANGE: Final = 80  # other, client_low, size = lots and amount = USD that came of it, fees among them, reference

SET_PORTFOLIO: Final = 81  # account, flags = PORTFOLIO (into portfolio margin) or 0 (out of it): its cross bucket
RESHAPE_RANGE: Final = 83  # account, other, client_low = token, size, price, trigger, extra as ATTACH_RANGE: what it is
# now, client_high = lots and amount = USD that came out of it, fees among them, reference: collected, decreased, moved

# fields of a row, in order; all are int64
ROW: Final = (
    "kind",
    "flags",
    "signer",
    "nonce",
    "time",
    "expires",
    "account",
    "market",
    "other",
    "reference",
    "price",
    "size",
    "amount",
    "trigger",
    "client_high",
    "client_low",
    "address_0",
    "address_1",
    "address_2",
    "extra",
)

# flags of an order
SELL: Final = 1
REDUCE_ONLY: Final = 2
IOC: Final = 4  # what does not fill at once is cancelled (market orders: Ioc with the worst price as `price`)
POST_ONLY: Final = 8  # Alo: rejected when it would cross
STOP: Final = 16  # waits until the mark crosses `trigger` against the order's side: stop-loss, stop entry
TAKE_PROFIT: Final = 32  # waits until the mark crosses `trigger` in favour
TRAILING: Final = 64  # a stop whose trigger follows the mark at the distance `extra`
WHOLE_POSITION: Final = 128  # an attached stop that closes what is there, whatever its size
CANCEL_TAKER: Final = 0  # self-trade prevention: what is left of the new order is cancelled
CANCEL_MAKER: Final = 256  # ... the resting order is cancelled, matching goes on
CANCEL_BOTH: Final = 512  # ... both are
ISOLATED: Final = 1024  # SET_LEVERAGE and MOVE_POSITION
AMM: Final = 2048  # POOL_*
BACKSTOP: Final = 4096  # POOL_*
PORTFOLIO: Final = 8192  # SET_PORTFOLIO
ORDER_FLAGS: Final = (
    SELL | REDUCE_ONLY | IOC | POST_ONLY | STOP | TAKE_PROFIT | TRAILING | WHOLE_POSITION | CANCEL_MAKER | CANCEL_BOTH
)

PERP: Final = 2**32  # SET_SOURCE: added to the weight of another venue's perp, which speaks for the mark only

# signers: an account's number, -1 - agent's number, or a role
SEQUENCER: Final = -(2**40) - 1  # time, funding and liquidation steps
ORACLES: Final = -(2**40) - 2
BRIDGE: Final = -(2**40) - 3  # deposits and the ends of withdrawals
RISK: Final = -(2**40) - 4
GUARDIAN: Final = -(2**40) - 5
ADMIN: Final = -(2**40) - 6

# scopes of an agent
MAY_TRADE: Final = 1
MAY_TRANSFER: Final = 2  # between accounts and buckets of one owner, never out

# statuses of a market, loosest first; a guardian may only move down the list
ACTIVE: Final = 1
REDUCING: Final = 2  # reduce-only
POSTING: Final = 3  # post-only: the step before ACTIVE after a halt
CANCELLING: Final = 4  # cancel-only
HALTED: Final = 5  # nothing matches, nothing is liquidated
CLOSED: Final = 6  # listed, not opened yet
DELISTING: Final = 7  # positions are being closed at the settlement price
UNLISTED: Final = 0

FIELDS: Final[dict[int, tuple[str, ...]]] = {
    CREATE_ACCOUNT: ("address_0", "address_1", "address_2"),
    CREATE_SUB: ("account", "client_high", "client_low"),
    APPROVE_AGENT: (
        "account",
        "address_0",
        "address_1",
        "address_2",
        "amount",
        "expires",
        "client_high",
        "client_low",
    ),
    REVOKE_AGENT: ("account", "address_0", "address_1", "address_2"),
    DEPOSIT: ("account", "amount", "reference"),
    WITHDRAW: ("account", "amount", "address_0", "address_1", "address_2"),
    FINISH_WITHDRAWAL: ("reference",),
    CANCEL_WITHDRAWAL: ("reference",),
    TRANSFER: ("account", "other", "amount"),
    ISOLATED_MARGIN: ("account", "market", "amount"),
    SET_TOP_UP: ("account", "market", "amount"),
    MOVE_POSITION: ("account", "market", "flags", "amount"),
    SET_LEVERAGE: ("account", "market", "size", "flags"),
    PLACE: ("account", "market", "flags", "price", "size", "trigger", "client_high", "client_low", "other", "extra"),
    MODIFY: (
        "account",
        "market",
        "flags",
        "price",
        "size",
        "trigger",
        "client_high",
        "client_low",
        "reference",
        "extra",
    ),
    CANCEL: ("account", "market", "reference"),
    CANCEL_CLIENT: ("account", "market", "client_high", "client_low"),
    CANCEL_ALL: ("account", "market"),
    SCHEDULE_CANCEL: ("account", "expires"),
    TWAP: ("account", "market", "flags", "size", "amount", "price"),
    CANCEL_TWAP: ("account", "reference"),
    TICK: (),
    ORACLE: ("market", "other", "price"),
    FUNDING: ("market",),
    LIQUIDATE: ("size",),
    POOL_ADD: ("account", "market", "flags", "amount"),
    POOL_REMOVE: ("account", "market", "flags", "size"),
    INSURANCE_ADD: ("account", "market", "amount"),
    INSURANCE_REMOVE: ("account", "market", "amount"),
    PROPOSE: ("market", "other", "price", "reference", "expires", "amount"),
    GUARD: ("market", "flags"),
    LIST_MARKET: ("market", "other", "price", "client_high", "client_low"),
    SET_TIER: ("market", "other", "amount", "size", "price"),
    SET_PARAMETER: ("market", "other", "price", "expires"),
    SET_STATUS: ("market", "flags"),
    SET_SOURCE: ("market", "other", "size"),
    DELIST: ("market", "price"),
    LIST_ASSET: ("market", "other", "size", "flags", "client_high", "client_low"),
    SET_ASSET: ("other", "reference", "price", "expires"),
    PROPOSE_ASSET: ("other", "size", "price", "reference", "expires", "amount"),
    DEPOSIT_ASSET: ("account", "other", "size", "reference"),
    WITHDRAW_ASSET: ("account", "other", "size", "address_0", "address_1", "address_2"),
    MOVE_ASSET: ("account", "market", "other", "size", "flags"),
    BUY_ASSET: ("account", "other", "size", "price", "reference"),
    ATTACH_RANGE: ("account", "other", "client_low", "size", "price", "trigger", "extra", "reference"),
    DETACH_RANGE: ("account", "other", "client_low", "address_0", "address_1", "address_2"),
    MOVE_RANGE: ("account", "market", "other", "client_low", "flags"),
    UNWIND_RANGE: ("other", "client_low", "size", "amount", "reference"),
    SET_PORTFOLIO: ("account", "flags"),
    RESHAPE_RANGE: (
        "account",
        "other",
        "client_low",
        "size",
        "price",
        "trigger",
        "extra",
        "client_high",
        "amount",
        "reference",
    ),
}
COMMON: Final = ("kind", "signer", "nonce", "time")  # every kind has these
