"""The state of the venue: one record of fixed-capacity integer columns, one pointer to compiled code.

One buffer to snapshot, hash and compare. Only `ledger`, `book`, `liquidation` and `engine` write it. Kernels take the
length-1 array and use its element; uncompiled they get a namespace of memory views. The columns of
margin/trigger_state.py are part of this record: the triggers run on the same positions. What a command reads together
lies side by side (TABLES, interleave.py); code sees columns all the same.

Rows: bucket `a` is the cross bucket of account `a`; isolated buckets follow, then two pools a market (AMM, backstop).
Slot, order and level 0 mean none, and so does bucket, account or market -1. Free rows hang in LIFO lists.
Columns from SCRATCH on are working space: meaningless between commands, outside hashes and snapshots.
"""

import functools
from typing import Any, Final

import msgspec
import numpy as np

from seawall import interleave
from seawall.interleave import Columns
from seawall.kernel import INTERPRETED
from seawall.margin import ladder, trigger_state
from seawall.terms import asset_parameter, event, limits, parameter, venue_parameter
from seawall.units import BadInput

# bucket kinds
UNUSED: Final = 0
CROSS: Final = 1
ISOLATED: Final = 2
AMM_POOL: Final = 3
BACKSTOP_POOL: Final = 4

# cells of the column `cell`: the venue's scalars
SEQUENCE: Final = 0  # commands applied
NOW: Final = 1  # time of the last TICK
VAULT: Final = 2  # deposited and not paid out
PENDING: Final = 3  # frozen for withdrawals
FEES: Final = 4  # the venue's income: trading fees less rebates
DUST: Final = 5  # roundings of funding and of sharing out
BAD_DEBT: Final = 6  # negative: cash that nobody has made good; `market_short` of it is still being shared out
ACCOUNTS: Final = 7  # accounts created
MARKETS: Final = 8  # highest market number listed + 1
ORDER_SERIAL: Final = 9
ORDER_FREE: Final = 10
ORDERS_USED: Final = 11
ORDERS_LIVE: Final = 12
LEVEL_FREE: Final = 13
LEVELS_USED: Final = 14
AGENT_FREE: Final = 15
AGENTS_USED: Final = 16
ISOLATED_FREE: Final = 17
ISOLATED_USED: Final = 18
SHARE_FREE: Final = 19
SHARES_USED: Final = 20
WITHDRAWAL_SERIAL: Final = 21
WITHDRAWAL_FREE: Final = 22
WITHDRAWALS_USED: Final = 23
TWAP_FREE: Final = 24
TWAPS_USED: Final = 25
TWAP_SERIAL: Final = 26
TWAP_NEXT: Final = 27  # no slice is due before; 0: none runs
SCHEDULE_NEXT: Final = 28  # earliest scheduled cancel
DEPOSIT_SERIAL: Final = 29  # last bridge message
GATE_UNTIL: Final = 30  # withdrawals closed until
HOUR_START: Final = 31
HOUR_OUT: Final = 32  # withdrawn in this hour
DAY_START: Final = 33
DAY_OUT: Final = 34
RISK_TIME: Final = 35  # last accepted proposal
RISK_SERIAL: Final = 36
NONCE_HEAD: Final = 37
NONCE_COUNT: Final = 38
ADVANCED: Final = 39  # unrealised profit that has left its bucket: the sum over markets
SETTINGS_USED: Final = 40
QUEUED: Final = 41  # buckets waiting to be liquidated
VENUE_STATUS: Final = 42
PARAMETERS_NEXT: Final = 43  # earliest pending parameter change
DELISTING: Final = 44  # market being settled + 1
EVENTS_USED: Final = 45  # scratch in spirit: emptied by the host after each batch
RESULT: Final = 46  # id of what the present command made; 0 between commands
RAILS_TIME: Final = 47  # the minute in which the ramps and decays of every market have moved
VENUE_OPENED: Final = 48  # 1 once any market has been opened: set-up is over
VENUE_STATUS_TIME: Final = 49  # last change of VENUE_STATUS
DELIST_STAGE: Final = 50  # of the market being settled: engine/delisting.py
DELIST_ROW: Final = 51  # the row it has reached
DELIST_LONG: Final = 52  # the slots that its pairs have reached
DELIST_SHORT: Final = 53
SOCIAL_MARKET: Final = 55  # market whose losses are being shared out + 1: liquidation/socialise.py
SOCIAL_SLOT: Final = 56  # the slot it has reached
SOCIAL_AMOUNT: Final = 57  # to be shared out in this pass
SOCIAL_PROFIT: Final = 58  # all profit of the market when the pass began
SOCIAL_SEEN: Final = 59  # profit passed so far
HASH_SALT: Final = 54  # mixed into the tables of nonces and addresses: nobody outside can aim at one place of them
SWEEP_SLOT: Final = 60  # the slot that the settlement sweep of engine/funding.py has reached
CLOSED: Final = 61  # buckets in the ring of closed positions
CLOSED_HEAD: Final = 62
STOPS_SEQUENCE: Final = 63  # the command that the next two count for
STOPS_FIRED: Final = 64
STOPS_EVENTS: Final = 65
TWAP_CURSOR: Final = 66  # the row with which the next TICK begins
ASSETS: Final = 67  # collateral assets listed
HOLDINGS_USED: Final = 68
HOLDING_FREE: Final = 69
BORROW_INDEX: Final = 70  # cumulative interest of borrowed USD, 1e-12 USD a USD
BORROW_RESIDUE: Final = 71  # of its last step, in 1 / HOUR_MS of that
BORROWED: Final = 72  # USD that buckets with collateral are short of
RESERVE: Final = 73  # interest paid in, to make good what collateral did not cover
CHARGE_ROW: Final = 74  # the holding that the sweep of interest has reached
PORTFOLIOS: Final = 75  # buckets in portfolio margin
CELLS: Final = 80

RISK_CLASSES: Final = 65  # lists of the liquidation queue: 64 by equity / maintenance, worst first, and those that wait
EVENT_FIELDS: Final = len(event.ROW)
SCRATCH: Final = "at"  # the first of the working columns

# columns that share a row of a table, those that most commands touch first: a row is one or two cache lines
TABLES: Final = {
    "slot": "size entry index bids asks advanced market sibling leverage owner",
    "bucket": "raw advanced first holding owner order orders stops next market after before "
    "kind liquidating class mode status fired closed waits",
    "holding": "lots worth floor debt borrow due bucket asset next after before",
    "account": "master sub isolated agent share twaps settings",
    "order": "id price size bucket market flags level after before next previous child twin "
    "trigger extra waiting client_high client_low parent",
    "level": "lots row ordinal first last",
    "market": "price index open oracle status fresh price_max exponent_max last weight mark_time "
    "basis_ema book_ema listed_size premium_sum premium_count premium_time advanced entry_sum insurance",
    "tier": "lower rate high low",
}


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """How much fits. Kernels compile once for each distinct capacity: use the named ones."""

    accounts: int
    isolated: int
    positions: int
    markets: int
    orders: int
    levels: int
    agents: int
    settings: int  # a power of two
    shares: int
    withdrawals: int
    twaps: int
    nonces: int  # remembered in all; a power of two

    @property
    def buckets(self) -> int:
        return self.accounts + self.isolated + 2 * self.markets

    @property
    def holdings(self) -> int:
        """Balances of collateral assets and liquidity positions, in all."""
        return self.accounts

    @property
    def clients(self) -> int:
        """Places of the table of client ids: a power of two, at most half full."""
        return 1 << (2 * self.orders - 1).bit_length()

    @property
    def addresses(self) -> int:
        """Places of the table of addresses: a power of two, at most half full."""
        return 1 << (2 * (self.accounts + self.agents) - 1).bit_length()

    @property
    def level_places(self) -> int:
        return 1 << (2 * self.levels - 1).bit_length()


SMALL: Final = Capacity(
    accounts=256,
    isolated=64,
    positions=2_048,
    markets=4,
    orders=2_048,
    levels=1_024,
    agents=64,
    settings=1_024,
    shares=128,
    withdrawals=64,
    twaps=16,
    nonces=1_024,
)
VENUE: Final = Capacity(
    accounts=131_072,
    isolated=65_536,
    positions=1_048_576,
    markets=64,
    orders=524_288,
    levels=262_144,
    agents=65_536,
    settings=524_288,
    shares=65_536,
    withdrawals=16_384,
    twaps=8_192,
    nonces=1_048_576,
)


def columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    """(name, dtype, shape) of each column; the working ones last."""
    core = trigger_state.trigger_columns(
        trigger_state.Capacity(buckets=c.buckets, positions=c.positions, markets=c.markets, holdings=c.holdings)
    )
    working = {"at", "new_market", "new_size", "new_index", "found", "unsure"}
    scratch = [entry for entry in core if entry[0] in working]
    kept = [entry for entry in core if entry[0] not in working]
    return [
        ("cell", "i8", (CELLS,)),
        *kept,
        *_position_columns(c),
        *_market_columns(c),
        *_order_columns(c),
        *_account_columns(c),
        *_collateral_columns(c),
        *scratch,
        ("scenario", "i8", (parameter.GRID_SHOCKS, 6)),  # losses, then gains of each common row: ledger/portfolio.py
        ("adl_slot", "i4", (limits.ADL_COUNTERPARTIES,)),
        ("adl_score", "i8", (limits.ADL_COUNTERPARTIES,)),
        ("adl_size", "i8", (limits.ADL_COUNTERPARTIES,)),
        ("adl_room", "i8", (limits.ADL_COUNTERPARTIES,)),
        ("event", "i8", (limits.EVENTS, EVENT_FIELDS)),
    ]


def _position_columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    slots, buckets = (c.positions + 1,), (c.buckets,)
    return [
        ("slot_entry", "i8", slots),  # signed entry notional
        ("slot_bids", "i8", slots),  # lots of resting buys
        ("slot_asks", "i8", slots),
        ("slot_leverage", "i4", slots),
        ("held", "u4", (2 * c.markets, (c.positions + 32) >> 5)),  # bits of the slots with a position (ledger/held.py)
        ("slot_claimed", "i8", slots),  # what insurance has paid for this position
        ("slot_advanced", "i8", slots),  # unrealised profit of this position that has left its bucket
        ("bucket_kind", "i1", buckets),
        ("bucket_liquidating", "i1", buckets),
        ("bucket_owner", "i4", buckets),  # account; -1 for pools
        ("bucket_market", "i4", buckets),  # of an isolated bucket or pool; -1 for cross
        ("bucket_next", "i4", buckets),  # next isolated bucket of the account, or next free one, + 1
        ("bucket_order", "i4", buckets),  # first of its orders
        ("bucket_orders", "i4", buckets),  # how many
        ("bucket_stops", "i4", buckets),  # how many of them are trigger orders
        ("bucket_closed", "i1", buckets),  # whether it is in the ring `closed`
        ("closed", "i4", buckets),  # ring of buckets with trigger orders that closed or turned a position
        ("bucket_advanced", "i8", buckets),  # sum of its slots' advances
        ("bucket_after", "i4", buckets),  # liquidation queue links, + 1; 0 none
        ("bucket_before", "i4", buckets),
        ("bucket_class", "i1", buckets),  # 1 + its class in the queue; 0: not in it
        ("bucket_time", "i8", buckets),  # of the last liquidation step (cooldown)
        ("bucket_start", "i8", buckets),  # when its liquidation began
        ("bucket_freed", "i8", buckets),  # by how much its liquidation has brought it nearer to the end
        ("bucket_waits", "i1", buckets),  # why it waits; 0: it does not
        ("queue_first", "i4", (RISK_CLASSES,)),  # + 1
        ("queue_last", "i4", (RISK_CLASSES,)),
    ]


def _market_columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    per_market = (
        "status oracle oracle_time fresh last mark_time basis_ema book_ema size_decimals exponent_max "
        "open entry_sum premium_sum premium_count premium_time funding_time funding_rate funding_residue "
        "insurance fees breaker_time capacity_start capacity_used shares_amm shares_backstop settlement listed_size "
        "short status_time opened reopen ramp_target ramp_next ramp_from rails_time advanced "
        "swept_low swept_high sweeping_low sweeping_high"  # of the funding index: no slot settled outside low..high
    )
    sources = (c.markets, limits.SOURCES)
    tiers = (c.markets, limits.TIERS_PER_MARKET)
    params = (c.markets + 1, parameter.WIDTH)
    trails = (c.markets, limits.TRAILING_PER_MARKET)
    return [
        *((f"market_{name}", "i8", (c.markets,)) for name in per_market.split()),
        ("source_price", "i8", sources),
        ("source_time", "i8", sources),
        ("source_weight", "i8", sources),  # 0: no source
        ("source_next", "i8", sources),  # a pending weight
        ("source_from", "i8", sources),  # when it takes effect; 0: none is pending
        ("trail_count", "i4", (c.markets,)),  # trailing stops of a market: the first so many of its rows below
        ("trail_low", "i8", (c.markets,)),  # marks in (low, high] move none of them and fire none
        ("trail_high", "i8", (c.markets,)),
        ("trail_order", "i4", trails),
        ("trail_distance", "i8", trails),
        ("trail_extreme", "i8", trails),  # greatest mark (of a buy: least) since it was armed
        ("base_leverage", "i8", tiers),  # static tiers; the live ones are the trigger tables'
        ("base_rate", "i8", tiers),
        ("param", "i8", params),
        ("param_static", "i8", params),  # what the live value decays to
        ("param_next", "i8", params),  # a pending value
        ("param_from", "i8", params),  # when it takes effect; 0: none is pending
        ("param_time", "i8", params),  # last change by a proposal
        ("scale_low", "i8", (c.markets, 25)),  # lowest maintenance scale of this hour and of the 24 before
    ]


def _order_columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    orders, levels, rows = (c.orders + 1,), (c.levels + 1,), 4 * c.markets
    return [
        ("order_id", "i8", orders),  # 0: a free row
        ("order_price", "i8", orders),
        ("order_size", "i8", orders),  # lots left
        ("order_trigger", "i8", orders),
        ("order_extra", "i8", orders),  # distance of a trailing stop
        ("order_client_high", "i8", orders),
        ("order_client_low", "i8", orders),
        ("order_bucket", "i4", orders),
        ("order_market", "i4", orders),
        ("order_flags", "i4", orders),
        ("order_level", "i4", orders),  # the level it rests or waits in; 0: in none (an attached stop not yet armed)
        ("order_waiting", "i8", orders),  # of an attached stop: lots that its parent has not filled
        ("order_after", "i4", orders),  # in its level, by time; also the free list; of a trailing stop: its row + 1
        ("order_before", "i4", orders),
        ("order_next", "i4", orders),  # in its bucket
        ("order_previous", "i4", orders),
        ("order_parent", "i4", orders),  # of an attached stop: the order that arms it
        ("order_twin", "i4", orders),  # the other of an attached pair
        ("order_child", "i4", orders),  # of a parent: one of its attached stops, the other is that one's twin
        ("level_row", "i4", levels),  # book rows: 4 a market: bids, asks, stops above, stops below
        ("level_ordinal", "i4", levels),
        ("level_first", "i4", levels),
        ("level_last", "i4", levels),
        ("level_lots", "i8", levels),
        ("level_place", "i4", (c.level_places,)),  # hash of (row, ordinal) -> level
        ("client_place", "i4", (c.clients,)),  # hash of (account, client id) -> order
        ("grid_0", "u4", (rows, limits.ORDINALS >> 5)),  # occupied ordinals, 32 a word
        ("grid_1", "u4", (rows, limits.ORDINALS >> 10)),
        ("grid_2", "u4", (rows, limits.ORDINALS >> 15)),
        ("grid_3", "u4", (rows, 1)),  # the 32 words of grid_2
        ("book_best", "i4", (rows,)),  # the level of highest priority
    ]


def _account_columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    accounts, agents, twaps = (c.accounts,), (c.agents + 1,), (c.twaps + 1,)
    return [
        ("account_address", "i8", (c.accounts, 3)),
        ("account_master", "i4", accounts),  # itself for a master
        ("account_sub", "i4", accounts),  # next of the same master, + 1
        ("account_isolated", "i4", accounts),  # first isolated bucket, + 1
        ("account_agent", "i4", accounts),  # first agent
        ("account_settings", "i4", accounts),  # how many entries it has among the settings
        ("account_cancel", "i8", accounts),  # scheduled cancel; 0 none
        ("nonce_floor", "i8", (c.accounts + c.agents + 1,)),  # nonces at or below are used up
        ("nonce_top", "i8", agents),  # greatest nonce an agent has used
        ("nonce_revoked", "i8", accounts),  # greatest nonce that any revoked agent of a master has used
        ("agent_address", "i8", (*agents, 3)),
        ("agent_account", "i4", agents),
        ("agent_next", "i4", agents),
        ("agent_scope", "i4", agents),
        ("agent_expires", "i8", agents),
        ("address_place", "i4", (c.addresses,)),  # hash of an address -> account + 1, or -agent
        ("setting_key", "i8", (c.settings,)),  # hash of (account, market) -> 1 + place
        ("setting_leverage", "i4", (c.settings,)),
        ("setting_isolated", "i1", (c.settings,)),
        ("setting_floor", "i8", (c.settings,)),  # automatic top-up: cross cash that stays; -1: off
        ("share_pool", "i4", (c.shares + 1,)),  # bucket of the pool
        ("share_account", "i4", (c.shares + 1,)),  # -1: shares that nobody can redeem
        ("share_amount", "i8", (c.shares + 1,)),
        ("share_next", "i4", (c.shares + 1,)),  # next of the same account; also the free list
        ("share_time", "i8", (c.shares + 1,)),  # of the last add to it
        ("account_share", "i4", accounts),  # first share of each account: at most one a pool
        *((f"withdrawal_{name}", "i8", (c.withdrawals + 1,)) for name in ("id", "amount")),
        *((f"withdrawal_{name}", "i4", (c.withdrawals + 1,)) for name in ("account", "next")),
        ("withdrawal_asset", "i4", (c.withdrawals + 1,)),  # 1 + the asset, whose lots the amount is; 0: USD
        *((f"twap_{name}", "i8", twaps) for name in ("id", "size", "done", "start", "duration", "price", "slice")),
        *((f"twap_{name}", "i4", twaps) for name in ("bucket", "market", "flags", "next")),  # bucket: cross
        ("account_twaps", "i4", accounts),  # how many of its schedules run
        ("nonce_signer", "i4", (c.nonces,)),  # a ring
        ("nonce_value", "i8", (c.nonces,)),
        ("nonce_part", "i2", (c.nonces,)),  # the last part taken of the action that this nonce signs
        ("nonce_place", "i8", (2 * c.nonces,)),  # hash of (signer, nonce) -> the hash and the ring place + 1
    ]


def _collateral_columns(c: Capacity) -> list[tuple[str, str, tuple[int, ...]]]:
    holdings, assets = (c.holdings + 1,), (limits.ASSETS,)
    params = (limits.ASSETS, asset_parameter.WIDTH)
    return [
        ("holding_lots", "i8", holdings),  # 0: a free row; of a liquidity position its liquidity (margin/lp_value.py)
        ("holding_bucket", "i4", holdings),
        ("holding_asset", "i4", holdings),
        ("holding_next", "i4", holdings),  # of the same bucket; also the free list
        ("holding_after", "i4", holdings),  # of the same asset
        ("holding_before", "i4", holdings),
        ("holding_low", "i4", holdings),  # of a liquidity position: roots of its range and their scale
        ("holding_high", "i4", holdings),
        ("holding_scale", "i1", holdings),
        ("holding_asked", "i1", holdings),  # whether its liquidity is to be removed
        ("holding_token", "i8", holdings),  # its number in the pool's contract
        ("holding_start", "i8", holdings),  # the index when it came
        # of the first holding of each bucket (`bucket_holding`), on behalf of all; worth and floor are the triggers'
        ("holding_debt", "i8", holdings),  # USD that the bucket is short of, interest on which runs
        ("holding_borrow", "i8", holdings),  # BORROW_INDEX up to which `holding_due` counts
        ("holding_due", "i8", holdings),  # interest not charged yet
        ("asset_kind", "i8", assets),  # 0: not listed
        ("asset_market", "i8", assets),  # whose index is its price
        ("asset_redeemed", "i8", assets),  # 1 + the market whose index is its redemption value; 0: none
        ("asset_base", "i8", assets),  # of a pool: 1 + the asset whose lots are its base; 0: none
        ("asset_total", "i8", assets),  # lots that buckets hold
        ("asset_leaving", "i8", assets),  # lots of pending withdrawals
        ("asset_stable", "i8", assets),  # stable price
        ("asset_stable_time", "i8", assets),
        ("asset_first", "i4", assets),  # first of its holdings
        ("asset_param", "i8", params),
        ("asset_static", "i8", params),  # what the live value decays to
        ("asset_next", "i8", params),  # a pending value
        ("asset_from", "i8", params),  # when it takes effect; 0: none is pending
        ("asset_time", "i8", params),  # last change of the live value
    ]


@functools.cache
def record_type(capacity: Capacity) -> np.dtype[np.void]:
    """The record's dtype, one object for each capacity: compiled code recognises that object sooner."""
    return interleave.record_of(_fields(capacity))


def _fields(capacity: Capacity) -> list[tuple[str, Any, tuple[int, ...]]]:
    """The record's fields in order: tables, then the columns that are in none, the working ones last."""
    entries = columns(capacity)
    kinds = {name: (kind, shape) for name, kind, shape in entries}
    tables: list[tuple[str, Any, tuple[int, ...]]] = []
    members: set[str] = set()
    for group, words in TABLES.items():
        names = [f"{group}_{word}" for word in words.split()]
        members.update(names)
        row = interleave.table_type([(name, kinds[name][0]) for name in names])
        tables.append((interleave.table_name(group), row, kinds[names[0]][1]))
    return [*tables, *(entry for entry in entries if entry[0] not in members)]


def size_of(capacity: Capacity) -> int:
    """Bytes of a record, in Python integers: NumPy's own size wraps above 2 GiB."""
    return sum(interleave.size_of(kind, shape) for _, kind, shape in _fields(capacity))


def create_state(capacity: Capacity) -> Any:
    """An empty venue of that capacity. BadInput when one is not positive or the record would pass 2 GiB."""
    for name in capacity.__struct_fields__:
        if getattr(capacity, name) < 1:
            raise BadInput(f"capacity.{name}", f"{getattr(capacity, name)} is not positive")
    for name in ("settings", "nonces"):
        if getattr(capacity, name) & (getattr(capacity, name) - 1):
            raise BadInput(f"capacity.{name}", f"{getattr(capacity, name)} is not a power of two")
    if capacity.markets > limits.MARKETS:
        raise BadInput("capacity.markets", f"{capacity.markets}, at most {limits.MARKETS}")
    if size_of(capacity) > trigger_state.RECORD_BYTES_MAX:
        raise BadInput("capacity", f"the record would take {size_of(capacity)} bytes: split the venue")
    array = interleave.zeros(record_type(capacity))
    row = columns_of(array)
    row["row_edge"][:] = ladder.NEVER_KEY
    row["slot_link"][:, ladder.KEY] = ladder.NEVER_KEY
    row["count"][trigger_state.SLOTS_USED] = 1
    for cell in (ORDERS_USED, LEVELS_USED, AGENTS_USED, SHARES_USED, WITHDRAWALS_USED, TWAPS_USED, HOLDINGS_USED):
        row["cell"][cell] = 1
    row["bucket_owner"][:] = -1
    row["bucket_market"][:] = -1
    for market in range(capacity.markets):
        for kind, offset in ((AMM_POOL, 0), (BACKSTOP_POOL, 1)):
            bucket = capacity.accounts + capacity.isolated + 2 * market + offset
            row["bucket_kind"][bucket] = kind
            row["bucket_market"][bucket] = market
    row["setting_floor"][:] = -1
    for number, spec in parameter.MARKET.items():
        row["param"][: capacity.markets, number] = spec.value
        row["param_static"][: capacity.markets, number] = spec.value
    for number, spec in venue_parameter.VENUE.items():
        row["param"][capacity.markets, number] = spec.value
        row["param_static"][capacity.markets, number] = spec.value
    for number, spec in asset_parameter.ASSET.items():
        row["asset_param"][:, number] = spec.value
        row["asset_static"][:, number] = spec.value
    row["cell"][VENUE_STATUS] = 1  # command.ACTIVE
    return array


def columns_of(array: Any) -> Columns:
    """The columns of a record by name, as views of its bytes."""
    return Columns(array)


def scratch_offset(capacity: Capacity) -> int:
    """Bytes of a record before its working columns: what is hashed, kept in snapshots and compared."""
    fields = record_type(capacity).fields
    assert fields is not None
    return int(fields[SCRATCH][1])


def durable_bytes(array: Any, capacity: Capacity) -> memoryview:
    """The record without its working columns, as a view of its bytes."""
    return memoryview(array.view(np.uint8))[: scratch_offset(capacity)]


def for_kernels(array: Any) -> Any:
    """What kernels take: the array, or uncompiled a sequence of one namespace of views of its columns."""
    return (columns_of(array).namespace(),) if INTERPRETED else array
