"""Invariants of money, positions and margin (host side, numpy). Each returns what is wrong, or ""."""

import numpy as np

from seawall.engine.invariant_view import View, first_of, list_fault, sums
from seawall.ledger import state
from seawall.margin import ladder, trigger_kernels, trigger_state
from seawall.terms import limits, parameter, venue_parameter
from seawall.units import FUNDING_INDEX_PER_MICRO, RATE_ONE

HELD = (state.PENDING, state.FEES, state.DUST, state.RESERVE, state.BAD_DEBT)
BOUND = 2**62


def zero_sum(v: View) -> str:
    """Sizes of a market add up to nothing."""
    left = sums(v.markets, v.slot_market, v.size)
    return first_of(np.flatnonzero(left), left)


def open_interest(v: View) -> str:
    """The counter of open interest is the sum of the longs."""
    longs = sums(v.markets, v.slot_market, np.maximum(v.size, 0))
    return first_of(np.flatnonzero(longs != v["market_open"]), longs, v["market_open"])


def entry_sum(v: View) -> str:
    """The counter of entry notionals is their sum, and a position without size has none."""
    entry = v["slot_entry"][v.slots]
    total = sums(v.markets, v.slot_market, entry)
    if (wrong := np.flatnonzero(total != v["market_entry_sum"])).size:
        return "market " + first_of(wrong, total, v["market_entry_sum"])
    return "slot " + first_of(wrong, entry) if (wrong := np.flatnonzero((v.size == 0) & (entry != 0))).size else ""


def conservation(v: View) -> str:
    """Cash + funds + frozen + fees + dust + unsettled funding + its residue = the vault, to 1e-12 USD."""
    whole = np.add.reduce(v["bucket_raw"]) + np.add.reduce(v["market_insurance"]) + np.add.reduce(v.cell[list(HELD)])
    parts = np.add.reduce(v.funding_numerator) + np.add.reduce(v["market_funding_residue"])
    wide = (int(whole) * FUNDING_INDEX_PER_MICRO + int(parts)) - v.cells(state.VAULT) * FUNDING_INDEX_PER_MICRO
    off = (wide + 2**63) % 2**64 - 2**63
    return f"off by {off} e-12 USD, vault {v.cells(state.VAULT)}" if off else ""


def equity_sum(v: View) -> str:
    """All equity but collateral at the marks and what is held is the vault, up to roundings of unsettled funding."""
    held = int(np.add.reduce(v["market_insurance"]) + np.add.reduce(v.cell[list(HELD)]))
    gap = v.cells(state.VAULT) - held - int(np.add.reduce(v.equity) - np.add.reduce(v.worth))
    most = len(v.slots) + v.markets
    return "" if -1 <= gap <= most else f"vault less equity less held is {gap}, outside -1..{most}"


def funds(v: View) -> str:
    """No fund, fee, frozen amount, dust, reserve is negative; bad debt never positive; residues below one micro-USD."""
    for name, values in (("insurance", v["market_insurance"]), ("cell", v.cell[[state.VAULT, *HELD[:4]]])):
        if (wrong := np.flatnonzero(values < 0)).size:
            return f"{name} " + first_of(wrong, values)
    residue = v["market_funding_residue"]
    if (wrong := np.flatnonzero((residue < 0) | (residue >= FUNDING_INDEX_PER_MICRO))).size:
        return "residue " + first_of(wrong, residue)
    return f"bad debt {v.cells(state.BAD_DEBT)}" if v.cells(state.BAD_DEBT) > 0 else ""


def bad_debt(v: View) -> str:
    """What is still being shared out is part of the bad debt, and of no market that has nobody short."""
    short = v["market_short"]
    if (short < 0).any():
        return "short of market " + first_of(np.flatnonzero(short < 0), short)
    total = int(short.sum())
    return f"short {total}, bad debt {v.cells(state.BAD_DEBT)}" if total > -v.cells(state.BAD_DEBT) else ""


def pending(v: View) -> str:
    """The frozen cell is the sum of the pending withdrawals of USD."""
    used = v["withdrawal_id"][: v.cells(state.WITHDRAWALS_USED)] != 0
    amounts = v["withdrawal_amount"][: len(used)][used]
    total = int(amounts[v["withdrawal_asset"][: len(used)][used] == 0].sum())
    if (amounts <= 0).any():
        return "a withdrawal of nothing"
    return "" if total == v.cells(state.PENDING) else f"withdrawals {total}, frozen {v.cells(state.PENDING)}"


def shares(v: View) -> str:
    """Shares of a pool add up to its total; a pool without shares owns nothing."""
    rows = np.flatnonzero(v["share_amount"][: v.cells(state.SHARES_USED)] != 0)
    amounts = v["share_amount"][rows]
    first = v.accounts + v.isolated
    total = sums(2 * v.markets, v["share_pool"][rows] - first, amounts)
    stated = np.stack([v["market_shares_amm"], v["market_shares_backstop"]], axis=1).reshape(-1)
    if (amounts < 0).any():
        return "a negative share"
    return first_of(np.flatnonzero(total != stated), total, stated)


def advanced(v: View) -> str:
    """Profit taken out is counted once in all and once by bucket, and is nobody's debt."""
    by_bucket = v["bucket_advanced"]
    if (by_bucket < 0).any():
        return "bucket " + first_of(np.flatnonzero(by_bucket < 0), by_bucket)
    total = int(by_bucket.sum())
    return "" if total == v.cells(state.ADVANCED) else f"by bucket {total}, in all {v.cells(state.ADVANCED)}"


def bounds(v: View) -> str:
    """Cash, sizes, prices and indices are within the bounds that the arithmetic assumes."""
    raw, index = v["bucket_raw"], v["market_index"]
    if (wrong := np.flatnonzero((raw > limits.RAW_USD_MAX) | (raw < -limits.RAW_USD_MAX))).size:
        return "cash of bucket " + first_of(wrong, raw)
    if (wrong := np.flatnonzero((index > BOUND) | (index < -BOUND))).size:
        return "funding index of market " + first_of(wrong, index)
    price, most = v["market_price"], v["market_price_max"]
    if (wrong := np.flatnonzero((price < 0) | (price > most))).size:
        return "mark of market " + first_of(wrong, price, most)
    size_max = np.floor_divide(limits.NOTIONAL_MAX, np.maximum(most[v.slot_market], 1))
    wrong = np.flatnonzero(np.abs(v.size) > size_max)
    return "size of slot " + first_of(wrong, v.size) if wrong.size else ""


def slots(v: View) -> str:
    """A slot is in exactly one list, of its own bucket, once a market, and only while something is in it."""
    length = len(v["slot_size"])
    live = np.zeros(length, bool)
    live[v.slots] = True
    if fault := list_fault(v["bucket_first"].astype(np.int64), v["slot_sibling"].astype(np.int64), live):
        return fault
    owner = np.full(length, -2, np.int64)
    owner[v.slots] = v.slot_owner
    following = v["slot_sibling"][v.slots]
    holders = np.flatnonzero(v["bucket_first"])
    if (owner[v["bucket_first"][holders]] != holders).any():
        return "the head of a list belongs to another bucket"
    if ((following != 0) & (owner[following] != v.slot_owner)).any():
        return "a list runs into another bucket"
    pair = v.slot_owner * v.markets + v.slot_market
    if len(np.unique(pair)) != len(pair):
        return "a bucket has two slots of one market"
    filled = (v.size != 0) | (v["slot_bids"][v.slots] != 0) | (v["slot_asks"][v.slots] != 0)
    if not filled.all():
        return f"slot {v.slots[~filled][0]} is empty"
    return "" if len(v.slots) == v.count[trigger_state.SLOTS_LIVE] else "the count of live slots is wrong"


def free_slots(v: View) -> str:
    """Every slot that was used and freed hangs in the free list, once."""
    used = int(v.count[trigger_state.SLOTS_USED])
    free = np.ones(len(v["slot_size"]), bool)
    free[0], free[used:], free[v.slots] = False, False, False
    return list_fault(v.count[[trigger_state.SLOT_FREE]], v["slot_sibling"].astype(np.int64), free)


def tiers(v: View) -> str:
    """Live maintenance is base x scale rounded up, at most 1/2, never falling by tier, continuous, below its fence."""
    count = v["tier_count"].astype(np.int64)
    for market in np.flatnonzero(count[0::2]).tolist():
        live, fence, k = 2 * market, 2 * market + 1, int(count[2 * market])
        if count[fence] != k or v["tier_lower"][live, 0] != 0:
            return f"market {market}: tables differ"
        rates, base = v["tier_rate"][live, :k].tolist(), v["base_rate"][market, :k].tolist()
        scale = int(v["param"][market, parameter.MAINTENANCE_SCALE])
        wanted = [min(-(np.floor_divide(-rate * scale, RATE_ONE)), np.floor_divide(RATE_ONE, 2)) for rate in base]
        if rates != wanted:
            return f"market {market}: rates {rates}, wanted {wanted}"
        for table in (live, fence):
            lower, rate = v["tier_lower"][table, :k].tolist(), v["tier_rate"][table, :k].tolist()
            high, low = v["tier_high"][table, :k].tolist(), v["tier_low"][table, :k].tolist()
            deduction = 0
            for tier in range(k):  # at most TIERS_PER_MARKET
                if tier and (lower[tier] <= lower[tier - 1] or rate[tier] < rate[tier - 1]):
                    return f"market {market}: tier {tier} does not rise"
                deduction += lower[tier] * (rate[tier] - rate[tier - 1]) if tier else 0
                if (high[tier] << limits.SPLIT_BITS) + low[tier] != deduction:
                    return f"market {market}: deduction of tier {tier}"
        if any(f < r for f, r in zip(v["tier_rate"][fence, :k].tolist(), rates, strict=True)):
            return f"market {market}: the fence is below the live rates"
    return ""


def parameters(v: View) -> str:
    """Every parameter is within the range that any owner may set."""
    for specs, rows in ((parameter.MARKET, slice(0, v.markets)), (venue_parameter.VENUE, slice(v.markets, None))):
        for number, spec in specs.items():
            for column in ("param", "param_static"):
                values = v[column][rows, number]
                if ((values < spec.low) | (values > spec.high)).any():
                    return f"{spec.name} is {values.tolist()}, outside {spec.low}..{spec.high}"
    return ""


def none_missed(v: View) -> str:
    """A bucket below maintenance is known: it waits for evaluation or for liquidation."""
    unhealthy = v.equity < v.maintenance
    known = (v["bucket_fired"] != 0) | (v["bucket_class"] != 0)
    wrong = np.flatnonzero(unhealthy & ~known)
    return "bucket, equity, maintenance: " + first_of(wrong, v.equity, v.maintenance) if wrong.size else ""


def fired_ring(v: View) -> str:
    """The ring of buckets that wait for evaluation holds each marked one once, and no other."""
    many, head = int(v.count[trigger_state.FIRED]), int(v.count[trigger_state.FIRED_HEAD])
    marked = np.flatnonzero(v["bucket_fired"])
    if not 0 <= many <= v.buckets:
        return f"{many} buckets wait"
    waiting = v["fired"][(head + np.arange(many)) % v.buckets]
    return "" if np.array_equal(np.sort(waiting), marked) else f"waiting {waiting[:5]}, marked {marked[:5]}"


def ladder_rows(v: View) -> str:
    """A position is in the ladder unless its bucket waits, is liquidatable or new; the ladder holds nothing else."""
    key = v["slot_link"][v.slots, ladder.KEY]
    owner = v.slot_owner
    linked = key != ladder.NEVER_KEY
    known = (v["bucket_fired"] != 0) | (v["bucket_status"] == trigger_kernels.LIQUIDATABLE)
    wrong = np.flatnonzero(~linked & ~known[owner] & (v.size != 0))
    if wrong.size:
        return "out of the ladder: slot, bucket " + first_of(wrong, v.slots, owner)
    rows, slot_count = v["row_head"].shape[0], len(v["slot_size"])
    row = 2 * v.slot_market + (v.size < 0)
    placed = np.zeros(slot_count, bool)
    placed[v.slots[linked]] = True
    heads = v["row_head"].reshape(-1)
    where = np.flatnonzero(heads)
    if fault := list_fault(heads[where].astype(np.int64), v["slot_link"][:, ladder.AFTER], placed):
        return fault
    row_of_slot = np.full(slot_count, -1, np.int64)
    row_of_slot[v.slots] = row
    cells = np.floor_divide(where, v["row_head"].shape[1])
    if (row_of_slot[heads[where]] != cells).any():
        return "a slot hangs in another market's or side's row"
    edge = np.full(rows, ladder.NEVER_KEY, np.int64)
    watched = linked & (v["bucket_fired"][owner] == 0)  # who waits for evaluation may hang above the edge meanwhile
    np.maximum.at(edge, row[watched], key[watched])
    return (
        "edge of row " + first_of(np.flatnonzero(edge > v["row_edge"]), edge, v["row_edge"])
        if (edge > v["row_edge"]).any()
        else ""
    )


def queue(v: View) -> str:
    """The liquidation queue: one list a risk class, each bucket in that of its class, links both ways, counted."""
    group = v["bucket_class"].astype(np.int64)
    members = np.concatenate([[False], group != 0])
    after = np.concatenate([[0], v["bucket_after"].astype(np.int64)])
    before = np.concatenate([[0], v["bucket_before"].astype(np.int64)])
    if fault := list_fault(v["queue_first"].astype(np.int64), after, members):
        return fault
    inside = np.flatnonzero(members)
    following = after[inside]
    if (before[following[following != 0]] != inside[following != 0]).any():
        return "links back do not match"
    classes = np.concatenate([[0], group])
    heads = np.flatnonzero(v["queue_first"])
    if (classes[v["queue_first"][heads]] != heads + 1).any() or (
        (following != 0) & (classes[following] != classes[inside])
    ).any():
        return "a bucket waits in another class's list"
    return "" if len(inside) == v.cells(state.QUEUED) else f"{len(inside)} wait, counted {v.cells(state.QUEUED)}"
