"""What the models of margin, pools and insurance read of the columns beside buckets and markets."""

from typing import Any, Final

import numpy as np

from seawall.simulation import observe
from seawall.simulation.model import is_below_maintenance
from seawall.terms import command

Fields = dict[str, int]
POOLED: Final = (command.POOL_ADD, command.POOL_REMOVE, command.INSURANCE_ADD, command.INSURANCE_REMOVE)


def margin_facts(columns: Any, c: Fields) -> dict[str, int]:
    """What the models of margin, pools and insurance read beside buckets and markets."""
    account, market = c["account"], c["market"]
    own = observe.isolated_of(columns, account, market)
    orders = np.flatnonzero((columns["order_id"] != 0) & (columns["order_market"] == market))
    mine = np.isin(columns["order_bucket"][orders], observe.buckets_of(columns, account))
    has_slot = market in observe.bucket_of(columns, account).positions
    target = own if own >= 0 else account
    if own < 0 and not has_slot and observe.setting(columns, account, market)[1]:
        target = -1
    keys = columns["setting_key"]
    is_new = not (keys == 1 + account * len(columns["market_price"]) + market).any()
    facts = {
        "settings_full": int(is_new and np.count_nonzero(keys) >= len(keys) // 4 * 3),
        "isolated_bucket": own,
        "next_isolated": observe.next_isolated(columns, account),
        "has_orders": int(mine.any()),
        "occupied": int(own >= 0 or has_slot or bool(mine.any())),
        "target": target,
    }
    if c["kind"] in POOLED:
        facts |= _pool_facts(columns, c)
    return facts


def _pool_facts(columns: Any, c: Fields) -> dict[str, int]:
    account, market, which = c["account"], c["market"], int(c["flags"] == command.BACKSTOP)
    pool = observe.pool_of(columns, market, which)
    rows = np.flatnonzero((columns["share_pool"] == pool) & (columns["share_amount"] != 0))
    row = rows[columns["share_account"][rows] == account]
    total = columns["market_shares_backstop" if which else "market_shares_amm"][market]
    return {
        "pool": pool,
        "shares": int(total),
        "held": int(columns["share_amount"][row[0]]) if len(row) else 0,
        "added": int(columns["share_time"][row[0]]) if len(row) else 0,
        "free_shares": len(columns["share_amount"]) - 1 - int(np.count_nonzero(columns["share_amount"])),
        "queued": int(_has_short(columns, market)),
    }


def _has_short(columns: Any, market: int) -> bool:
    """Whether a bucket with a position in the market is queued, or is due and not measured yet."""
    used = columns["count"].item(0)
    owner = columns["slot_owner"][1:used]
    here = owner[(owner >= 0) & (columns["slot_market"][1:used] == market)]
    if columns["bucket_class"][here].any():
        return True
    fired = here[columns["bucket_fired"][here] != 0].tolist()
    picture = observe.picture_of(columns, fired)
    return any(is_below_maintenance(picture, picture.buckets[number]) for number in fired)
