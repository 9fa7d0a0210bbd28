# pragma version 0.4.3
"""
@title Why a request is refused: the numbers of src/seawall/terms/code.py
@license Apache-2.0
"""

UNKNOWN_KIND: constant(uint256) = 100
BAD_FIELD: constant(uint256) = 101
BAD_PRICE: constant(uint256) = 102
BAD_SIZE: constant(uint256) = 103
BAD_AMOUNT: constant(uint256) = 104
BAD_TIME: constant(uint256) = 105
BAD_PARAMETER: constant(uint256) = 106
BAD_LEVERAGE: constant(uint256) = 107
NOT_AUTHORISED: constant(uint256) = 200
UNKNOWN_ACCOUNT: constant(uint256) = 201
AGENT_EXPIRED: constant(uint256) = 202
AGENT_SCOPE: constant(uint256) = 203
NONCE_USED: constant(uint256) = 204
NONCE_OLD: constant(uint256) = 205
COMMAND_EXPIRED: constant(uint256) = 206
NOT_ENOUGH_SIGNERS: constant(uint256) = 207
OUT_OF_SEQUENCE: constant(uint256) = 208
ACCOUNT_EXISTS: constant(uint256) = 209
AGENT_EXISTS: constant(uint256) = 210
UNKNOWN_AGENT: constant(uint256) = 211
INITIAL_MARGIN: constant(uint256) = 300
WITHDRAWABLE: constant(uint256) = 301
REDUCE_ONLY: constant(uint256) = 302
OPEN_INTEREST_CAP: constant(uint256) = 303
POSITION_CAP: constant(uint256) = 304
LEVERAGE_CAP: constant(uint256) = 305
WITHDRAWAL_LIMIT: constant(uint256) = 306
WITHDRAWALS_CLOSED: constant(uint256) = 307
POOL_MARGIN: constant(uint256) = 308
POOL_CAP: constant(uint256) = 309
INSURANCE_FLOOR: constant(uint256) = 310
HAS_POSITION: constant(uint256) = 311
NO_POSITION: constant(uint256) = 312
NOT_ISOLATED: constant(uint256) = 313
BEING_LIQUIDATED: constant(uint256) = 314
UNKNOWN_MARKET: constant(uint256) = 400
MARKET_CLOSED: constant(uint256) = 401
CANCEL_ONLY: constant(uint256) = 402
POST_ONLY: constant(uint256) = 403
MARKET_REDUCE_ONLY: constant(uint256) = 404
STALE_PRICE: constant(uint256) = 405
PRICE_BAND: constant(uint256) = 406
WOULD_CROSS: constant(uint256) = 407
UNKNOWN_ORDER: constant(uint256) = 408
DUPLICATE_CLIENT_ID: constant(uint256) = 409
MARKET_EXISTS: constant(uint256) = 410
OUTSIDE_RAILS: constant(uint256) = 411
PROPOSAL_OLD: constant(uint256) = 412
PROPOSAL_EXPIRED: constant(uint256) = 413
NOT_TIGHTENING: constant(uint256) = 414
VENUE_HALTED: constant(uint256) = 415
UNKNOWN_SOURCE: constant(uint256) = 416
NOT_DUE: constant(uint256) = 417
MARKET_IN_USE: constant(uint256) = 418
UNKNOWN_WITHDRAWAL: constant(uint256) = 419
DUPLICATE_MESSAGE: constant(uint256) = 420
MARK_BEYOND_TRIGGER: constant(uint256) = 421
PARENT_GONE: constant(uint256) = 422
TWIN_FIRED: constant(uint256) = 423
POSITION_CLOSED: constant(uint256) = 424
ORDERS_FULL: constant(uint256) = 500
POSITIONS_FULL: constant(uint256) = 501
ACCOUNTS_FULL: constant(uint256) = 502
AGENTS_FULL: constant(uint256) = 503
MARKETS_FULL: constant(uint256) = 504
BUCKETS_FULL: constant(uint256) = 505
WITHDRAWALS_FULL: constant(uint256) = 506
SHARES_FULL: constant(uint256) = 507
SETTINGS_FULL: constant(uint256) = 508
LEVELS_FULL: constant(uint256) = 509
SCHEDULES_FULL: constant(uint256) = 510
NO_LIQUIDITY: constant(uint256) = 511
CASH_BOUND: constant(uint256) = 512
SELF_TRADE: constant(uint256) = 513
FILLS_FULL: constant(uint256) = 514
VAULT_SHORT: constant(uint256) = 517


@internal
@pure
def refuse(why: uint256):
    """Reverts with `Reject(uint256)`: the same number that the engine gives for the same request."""
    raw_revert(abi_encode(why, method_id=method_id("Reject(uint256)")))
