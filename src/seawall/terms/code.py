"""Result codes of commands: stable numbers, one rule each, also the words a client sees.

Ranges: 1xx shape, 2xx authority, 3xx margin, 4xx market state, 5xx room and liquidity. Within a command, checks run in
the order shape, authority, existence, market state, margin, room: the same bad request always gives the same code.
"""

from typing import Final

OK: Final = 0

# 1xx shape
UNKNOWN_KIND: Final = 100
BAD_FIELD: Final = 101
BAD_PRICE: Final = 102
BAD_SIZE: Final = 103
BAD_AMOUNT: Final = 104
BAD_TIME: Final = 105
BAD_PARAMETER: Final = 106
BAD_LEVERAGE: Final = 107

# 2xx authority
NOT_AUTHORISED: Final = 200
UNKNOWN_ACCOUNT: Final = 201
AGENT_EXPIRED: Final = 202
AGENT_SCOPE: Final = 203
NONCE_USED: Final = 204
NONCE_OLD: Final = 205
COMMAND_EXPIRED: Final = 206
NOT_ENOUGH_SIGNERS: Final = 207
OUT_OF_SEQUENCE: Final = 208
ACCOUNT_EXISTS: Final = 209
AGENT_EXISTS: Final = 210
UNKNOWN_AGENT: Final = 211

# 3xx margin
INITIAL_MARGIN: Final = 300
WITHDRAWABLE: Final = 301
REDUCE_ONLY: Final = 302
OPEN_INTEREST_CAP: Final = 303
POSITION_CAP: Final = 304
LEVERAGE_CAP: Final = 305
WITHDRAWAL_LIMIT: Final = 306
WITHDRAWALS_CLOSED: Final = 307
POOL_MARGIN: Final = 308
POOL_CAP: Final = 309
INSURANCE_FLOOR: Final = 310
HAS_POSITION: Final = 311
NO_POSITION: Final = 312
NOT_ISOLATED: Final = 313
BEING_LIQUIDATED: Final = 314
BORROW_LIMIT: Final = 315
NOT_FOR_SALE: Final = 316
PORTFOLIO_CLOSED: Final = 317

# 4xx market state
UNKNOWN_MARKET: Final = 400
MARKET_CLOSED: Final = 401
CANCEL_ONLY: Final = 402
POST_ONLY: Final = 403
MARKET_REDUCE_ONLY: Final = 404
STALE_PRICE: Final = 405
PRICE_BAND: Final = 406
WOULD_CROSS: Final = 407
UNKNOWN_ORDER: Final = 408
DUPLICATE_CLIENT_ID: Final = 409
MARKET_EXISTS: Final = 410
OUTSIDE_RAILS: Final = 411
PROPOSAL_OLD: Final = 412
PROPOSAL_EXPIRED: Final = 413
NOT_TIGHTENING: Final = 414
VENUE_HALTED: Final = 415
UNKNOWN_SOURCE: Final = 416
NOT_DUE: Final = 417
MARKET_IN_USE: Final = 418
UNKNOWN_WITHDRAWAL: Final = 419
DUPLICATE_MESSAGE: Final = 420
MARK_BEYOND_TRIGGER: Final = 421
PARENT_GONE: Final = 422
TWIN_FIRED: Final = 423
POSITION_CLOSED: Final = 424
UNKNOWN_ASSET: Final = 425
ASSET_EXISTS: Final = 426

# 5xx room and liquidity
ORDERS_FULL: Final = 500
POSITIONS_FULL: Final = 501
ACCOUNTS_FULL: Final = 502
AGENTS_FULL: Final = 503
MARKETS_FULL: Final = 504
BUCKETS_FULL: Final = 505
WITHDRAWALS_FULL: Final = 506
SHARES_FULL: Final = 507
SETTINGS_FULL: Final = 508
LEVELS_FULL: Final = 509
SCHEDULES_FULL: Final = 510
NO_LIQUIDITY: Final = 511
CASH_BOUND: Final = 512
SELF_TRADE: Final = 513
FILLS_FULL: Final = 514
ASSETS_FULL: Final = 515
HOLDINGS_FULL: Final = 516
VAULT_SHORT: Final = 517

TEXT: Final = {
    OK: "accepted",
    UNKNOWN_KIND: "unknown command",
    BAD_FIELD: "a field is out of range",
    BAD_PRICE: "price is not on the market's grid",
    BAD_SIZE: "size is not positive or is above the market's limit",
    BAD_AMOUNT: "amount is not positive or is above the limit",
    BAD_TIME: "time is out of range",
    BAD_PARAMETER: "parameter is unknown or out of its range",
    BAD_LEVERAGE: "leverage is out of range",
    NOT_AUTHORISED: "signer may not do this",
    UNKNOWN_ACCOUNT: "unknown account",
    AGENT_EXPIRED: "the agent's approval has expired",
    AGENT_SCOPE: "the agent's scope does not cover this",
    NONCE_USED: "nonce was used before",
    NONCE_OLD: "nonce is older than those kept",
    COMMAND_EXPIRED: "the command's own expiry has passed",
    NOT_ENOUGH_SIGNERS: "not enough signers",
    OUT_OF_SEQUENCE: "message is not the next of its chain",
    ACCOUNT_EXISTS: "the address has an account",
    AGENT_EXISTS: "the address is an agent or an account already",
    UNKNOWN_AGENT: "unknown agent",
    INITIAL_MARGIN: "not enough margin",
    WITHDRAWABLE: "more than may be withdrawn",
    REDUCE_ONLY: "reduce-only order would increase or flip the position",
    OPEN_INTEREST_CAP: "open interest is at its cap",
    POSITION_CAP: "position is above the cap of linked accounts",
    LEVERAGE_CAP: "leverage is above the present cap",
    WITHDRAWAL_LIMIT: "withdrawal limit of the hour or day reached",
    WITHDRAWALS_CLOSED: "withdrawals are closed for now",
    POOL_MARGIN: "the pool needs this margin",
    POOL_CAP: "the pool is at its cap",
    INSURANCE_FLOOR: "the insurance fund may not fall below its floor",
    HAS_POSITION: "there is a position or an order",
    NO_POSITION: "there is no such position",
    NOT_ISOLATED: "there is no isolated position",
    BEING_LIQUIDATED: "the account is being liquidated",
    BORROW_LIMIT: "no more USD may be borrowed against collateral",
    NOT_FOR_SALE: "nobody sells this much of the asset at the price",
    PORTFOLIO_CLOSED: "portfolio margin is not open to this account now",
    UNKNOWN_MARKET: "unknown market",
    MARKET_CLOSED: "market is not open",
    CANCEL_ONLY: "market takes cancels only",
    POST_ONLY: "market takes post-only orders only",
    MARKET_REDUCE_ONLY: "market takes reduce-only orders only",
    STALE_PRICE: "no fresh price: reduce-only",
    PRICE_BAND: "price is too far from the index",
    WOULD_CROSS: "post-only order would cross",
    UNKNOWN_ORDER: "no such open order",
    DUPLICATE_CLIENT_ID: "client id is in use",
    MARKET_EXISTS: "market exists",
    OUTSIDE_RAILS: "proposal is outside its rails",
    PROPOSAL_OLD: "proposal is not newer than the last",
    PROPOSAL_EXPIRED: "proposal has expired",
    NOT_TIGHTENING: "a guardian may only tighten",
    VENUE_HALTED: "the venue is halted",
    UNKNOWN_SOURCE: "unknown price source",
    NOT_DUE: "not due yet",
    MARKET_IN_USE: "market has positions, orders or funds",
    UNKNOWN_WITHDRAWAL: "unknown withdrawal",
    DUPLICATE_MESSAGE: "message was processed before",
    MARK_BEYOND_TRIGGER: "the mark is beyond the trigger already",
    PARENT_GONE: "the order it was attached to is gone",
    TWIN_FIRED: "the other order of its pair has fired",
    POSITION_CLOSED: "the position it would close is closed",
    UNKNOWN_ASSET: "unknown collateral asset",
    ASSET_EXISTS: "collateral asset exists",
    ORDERS_FULL: "no room for more orders",
    POSITIONS_FULL: "no room for more positions",
    ACCOUNTS_FULL: "no room for more accounts",
    AGENTS_FULL: "no room for more agents",
    MARKETS_FULL: "no room for more markets",
    BUCKETS_FULL: "no room for more isolated positions",
    WITHDRAWALS_FULL: "too many withdrawals are pending",
    SHARES_FULL: "no room for more pool shares",
    SETTINGS_FULL: "no room for more account settings",
    LEVELS_FULL: "no room for more price levels",
    SCHEDULES_FULL: "no room for more running schedules",
    NO_LIQUIDITY: "nothing to match within the limit",
    CASH_BOUND: "cash would pass 2^61 micro-USD",
    SELF_TRADE: "order would trade with its own account",
    FILLS_FULL: "one command may not match more orders",
    ASSETS_FULL: "no room for more collateral assets",
    HOLDINGS_FULL: "no room for more collateral",
    VAULT_SHORT: "the vault does not hold this much",
}
