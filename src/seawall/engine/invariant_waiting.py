"""Invariants of orders that wait (host side, numpy). Each returns what is wrong, or ""."""

import numpy as np

from seawall.engine.invariant_view import View, first_of, sums
from seawall.ledger import state
from seawall.terms import command

TRIGGERED = command.STOP | command.TAKE_PROFIT | command.TRAILING


def families(v: View) -> str:
    """An attached stop is known to its parent, which rests; only attached stops have lots that are not armed."""
    rows = v.orders
    parent, child = v["order_parent"].astype(np.int64), v["order_child"].astype(np.int64)
    twin = v["order_twin"].astype(np.int64)
    attached, parents = rows[parent[rows] != 0], rows[child[rows] != 0]
    first = child[parent[attached]]
    wrong = (first == 0) | ((first != attached) & (first != twin[attached]))
    if wrong.any():
        return f"the parent of order {attached[wrong][0]} does not know it"
    if (parent[child[parents]] != parents).any():
        return "a parent's first stop is attached to another order"
    if (v["order_flags"][parents] & TRIGGERED != 0).any() or (v["order_level"][parents] == 0).any():
        return "a parent does not rest"
    loose = rows[parent[rows] == 0]
    return (
        "lots of order " + first_of(loose[bad], v["order_waiting"])
        if (bad := v["order_waiting"][loose] != 0).any()
        else ""
    )


def trailing(v: View) -> str:
    """Each market's table holds its trailing stops, once each, and its quiet marks reach and move none of them."""
    flags, level, after = v["order_flags"], v["order_level"], v["order_after"]
    rows = v.orders
    follows = rows[(flags[rows] & command.TRAILING != 0) & (level[rows] == 0) & (after[rows] != 0)]
    count = v["trail_count"]
    used = np.arange(v["trail_order"].shape[1]) < count[:, None]
    listed = v["trail_order"][used].astype(np.int64)
    market, place = np.nonzero(used)
    if not np.array_equal(np.sort(listed), follows):
        return f"{len(listed)} listed, {len(follows)} follow"
    if (after[listed] != place + 1).any() or (v["order_market"][listed] != market).any():
        return "an order names another row"
    sells = flags[listed] & command.SELL != 0
    extreme, distance = v["trail_extreme"][used], v["trail_distance"][used]
    low = np.where(sells, extreme - distance, extreme - 1)
    high = np.where(sells, extreme, extreme + distance - 1)
    loud = (v["trail_low"][market] < low) | (v["trail_high"][market] > high)
    return "row " + first_of(np.flatnonzero(loud), low, high) if loud.any() else ""


def trigger_counts(v: View) -> str:
    """A bucket's count of trigger orders is right, and the ring of closed positions holds each marked bucket once."""
    rows = v.orders[v["order_flags"][v.orders] & TRIGGERED != 0]
    held = sums(v.buckets, v["order_bucket"][rows], np.ones(len(rows), np.int64))
    if (wrong := np.flatnonzero(held != v["bucket_stops"])).size:
        return "bucket " + first_of(wrong, held, v["bucket_stops"])
    many, head = v.cells(state.CLOSED), v.cells(state.CLOSED_HEAD)
    ring = np.sort(v["closed"][(head + np.arange(many)) % v.buckets])
    return "" if np.array_equal(ring, np.flatnonzero(v["bucket_closed"])) else f"{many} buckets in the ring"
