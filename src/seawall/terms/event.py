"""Events: what a command did, one row for each thing that happened. The state can be rebuilt from nothing else, so an
event names every amount that moved (micro-USD, lots, micro-USD per lot).
"""

from typing import Final

RESULT: Final = 1  # the command's code; order = the id it made, if any
# orders
RESTED: Final = 10  # an order entered the book: order, price, size, bucket
FILL: Final = 11  # bucket = taker, other = maker, order = maker's, price, size signed for the taker, amount = taker fee
MAKER_FEE: Final = 12  # bucket = maker, amount (negative: rebate)
CANCELLED: Final = 13  # order, size that was left, amount = why (a result code, 0: asked for)
ARMED: Final = 14  # a trigger order waits: order, price = trigger
TRIGGERED: Final = 15  # a trigger order fired at price = mark
STOP_PAST_LIQUIDATION: Final = 16  # warning: the stop lies beyond the liquidation price
TWAP_SLICE: Final = 17  # order = schedule, price = worst price, size = lots filled, amount = why not (a result code)
TWAP_ENDED: Final = 18  # order = schedule, size = lots filled in all, amount = why early, other = 1: asked for
ATTACHED: Final = 19  # a trigger order waits for its parent: order, price = trigger, size, amount = the parent's id
# money
DEPOSITED: Final = 20
WITHDRAWAL: Final = 21  # order = withdrawal id
WITHDRAWAL_DONE: Final = 22
WITHDRAWAL_BACK: Final = 23
MOVED: Final = 24  # bucket -> other, amount
FUNDING_PAID: Final = 25  # bucket, market, amount credited (negative: paid)
FUNDING_STEP: Final = 26  # market, price = rate, amount = step of the index
SHARES: Final = 27  # bucket = pool, other = account, size = shares signed, amount = USD signed
INSURANCE: Final = 28  # market, amount signed, other = cause (an event kind)
POSITION_MOVED: Final = (
    29  # bucket -> other, size, order = entry notional, amount = cash: raw_usd moves by cash less entry
)
# prices and markets
INDEX: Final = 30  # market, price = index, amount = 1 fresh, 0 stale
MARK: Final = 31  # market, price
STATUS: Final = 32  # market, amount = status
PARAMETER: Final = 33  # market, order = parameter, price = value, other = 1 live or 0 the admin's, amount = from when
BREAKER: Final = 34  # market, amount = state
LEVERAGE: Final = 35
ACCOUNT: Final = 36  # bucket = new account, other = master
AGENT: Final = 37
TIER: Final = 38  # market, other = tier, price = maintenance rate, size = leverage, amount = lower notional
SOURCE: Final = 39  # market, other = source, size = weight, amount = from when
# liquidation: the receipt of a bucket is its run of these, in order
LIQUIDATION: Final = 40  # it starts: bucket, equity, maintenance, price = liquidation end, amount = 1 if vault first
LIQUIDATION_CANCELS: Final = 41  # its orders are gone: size = how many
LIQUIDATION_FILL: Final = 42  # bucket, other = lots sought, average price, size, amount = fee, order = bankruptcy price
LIQUIDATION_WAITS: Final = 43  # amount = why (liquidation/partial.py)
BACKSTOP: Final = 44  # the vault takes: bucket, other = vault, price, size, amount = value
DEFICIT: Final = 45  # debt made good: bucket, amount, other = who pays (INSURANCE, SOCIALISED, -1 nobody)
ADL: Final = 46  # bucket = loser, other = winner, its health, price, size, amount = value, order = exposure laid bare;
# MARKED: the first of those whose lots are one trade of the loser, its entry rounded once
SOCIALISED: Final = 47  # bucket = winner whose profit (order) is cut, amount, price = mark, size = its position;
# MARKED: cut from what the ADL that follows realises, its entry stays
LIQUIDATION_END: Final = 48  # healthy or gone: bucket, equity, maintenance, amount = 1 when gone
ISOLATED_RETURNED: Final = 49
SETTLED: Final = 50  # a delisting closes size lots of the long bucket against the short other, both at price
LIQUIDATION_POSITION: Final = 51  # after LIQUIDATION: size, price = mark, order = entry notional, amount = maintenance
# collateral other than USD: `other` is the asset unless said
ASSET: Final = 52  # market = whose index prices it, size = 1 + market of its redemption value, amount = kind
ASSET_PARAMETER: Final = (
    53  # other, order = parameter, price = value, size = 1 live or 0 the admin's, amount = from when
)
HOLDING: Final = 54  # bucket, other, size = lots signed, amount = lots it holds now, order = what for (an id or a kind)
ASSET_SOLD: Final = (
    55  # bucket sells, other = bucket that pays, order = asset, price, size = lots, amount = USD; health
)
RANGE: Final = (
    57  # bucket, other = pool, order = token, size = liquidity that came (negative: left), amount = worth at most
)
RANGE_DUE: Final = 58  # its liquidity is to be removed: bucket, other = pool, order = token, amount = what it is worth
RANGE_UNWOUND: Final = 59  # removed: bucket, other = pool, order = token, size = lots and amount = USD that came of it
PORTFOLIO: Final = 60  # bucket, amount = 1 in portfolio margin from now on, 0 not, other = 1: its liquidation ended it
INTEREST: Final = 56  # bucket, amount paid, size = debt before, price = 1e-12 USD a USD since the last (0: in parts)

MARKED: Final = 1  # the `code` of an event, where it says what it means

# fields of a row, in order; all are int64
ROW: Final = (
    "sequence",
    "kind",
    "code",
    "market",
    "bucket",
    "other",
    "order",
    "price",
    "size",
    "amount",
    "equity",
    "maintenance",
)
