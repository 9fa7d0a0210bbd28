"""Invariants of collateral other than USD (host side, numpy). Each returns what is wrong, or ""."""

import numpy as np

from seawall.engine.invariant_scenario import kept_of
from seawall.engine.invariant_view import Ints, View, first_of, list_fault, sums
from seawall.ledger import state
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import asset_parameter, limits
from seawall.terms.asset_parameter import DISCOUNT, POOL, WEIGHT_MAINTENANCE
from seawall.units import RATE_ONE, floor_div


def _rows(v: View) -> Ints:
    """Rows of holdings that a bucket has."""
    used = v.cells(state.HOLDINGS_USED)
    rows: Ints = np.flatnonzero((v["holding_lots"][:used] != 0) & (v["holding_bucket"][:used] >= 0))
    return rows


def _units(v: View, rows: Ints) -> Ints:
    """What holdings count for in caps: lots, or of a liquidity position its worth above its range."""
    lots, width = v["holding_lots"][rows], v["holding_high"][rows].astype(np.int64) - v["holding_low"][rows]
    table = zip(lots.tolist(), width.tolist(), v["holding_scale"][rows].tolist(), strict=True)
    most = [floor_div(liquidity * roots, 1 << scale) for liquidity, roots, scale in table]
    units: Ints = np.where(v["asset_kind"][v["holding_asset"][rows]] == POOL, np.array(most, np.int64), lots)
    return units


def holdings(v: View) -> str:
    """A balance is positive and in two lists, its bucket's and its asset's, once an asset; free rows are in a third."""
    rows = _rows(v)
    live = np.zeros(len(v["holding_lots"]), bool)
    live[rows] = True
    following = v["holding_next"].astype(np.int64)
    if (v["holding_lots"][rows] < 0).any():
        return "a negative balance"
    if fault := list_fault(v["bucket_holding"].astype(np.int64), np.where(live, following, 0), live):
        return "by bucket: " + fault
    if fault := list_fault(v["asset_first"].astype(np.int64), v["holding_after"].astype(np.int64), live):
        return "by asset: " + fault
    heads = np.flatnonzero(v["bucket_holding"])
    if (v["holding_bucket"][v["bucket_holding"][heads]] != heads).any():
        return "the head of a list belongs to another bucket"
    after = v["holding_after"][rows]
    linked = after != 0
    wrong = (v["holding_before"][after] != rows) | (v["holding_asset"][after] != v["holding_asset"][rows])
    if (linked & wrong).any():
        return "by asset: links differ"
    pair = v["holding_bucket"][rows].astype(np.int64) * limits.ASSETS + v["holding_asset"][rows]
    tokens = v["asset_kind"][v["holding_asset"][rows]] != POOL
    if len(np.unique(pair[tokens])) != int(tokens.sum()):
        return "a bucket has two balances of one asset"
    free = np.zeros(len(live), bool)
    free[1 : v.cells(state.HOLDINGS_USED)] = v["holding_lots"][1 : v.cells(state.HOLDINGS_USED)] == 0
    return list_fault(v.cell[[state.HOLDING_FREE]], np.where(live, 0, following), free)


def custody(v: View) -> str:
    """The counters of an asset are the sums of its balances and of its pending withdrawals."""
    rows = _rows(v)
    used = np.flatnonzero(v["withdrawal_id"][: v.cells(state.WITHDRAWALS_USED)])
    leaving = used[v["withdrawal_asset"][used] != 0]
    total = sums(limits.ASSETS, v["holding_asset"][rows], _units(v, rows))
    if (wrong := np.flatnonzero(total != v["asset_total"])).size:
        return "held " + first_of(wrong, total, v["asset_total"])
    amounts, assets_of = v["withdrawal_amount"][leaving], v["withdrawal_asset"][leaving] - 1
    pooled = v["asset_kind"][assets_of] == POOL
    away = np.flatnonzero((v["holding_lots"] != 0) & (v["holding_bucket"] < 0))
    if not np.array_equal(np.sort(amounts[pooled]), away):
        return f"positions {away[:3]} wait to leave, withdrawals of {np.sort(amounts[pooled])[:3]}"
    amounts = np.where(pooled, _units(v, np.where(pooled, amounts, 0)), amounts)
    gone = sums(limits.ASSETS, assets_of, amounts)
    return first_of(np.flatnonzero(gone != v["asset_leaving"]), gone, v["asset_leaving"])


def worth(v: View) -> str:
    """What a bucket's collateral is worth follows from lots and present indices; no certificate assumes more."""
    total = np.zeros(v.buckets, object)
    for row in _rows(v).tolist():
        total[v["holding_bucket"].item(row)] += kept_of(v, row)
    told, floor = v.worth, v["holding_floor"][v["bucket_holding"]]
    if (wrong := np.flatnonzero(total != told)).size:
        return "bucket " + first_of(wrong, total, told)
    unsure = (floor > told) & (v["bucket_fired"] == 0)
    return "floor of bucket " + first_of(np.flatnonzero(unsure), floor, told) if unsure.any() else ""


def portfolios(v: View) -> str:
    """The cross buckets of accounts in portfolio margin are as many as counted, and no other bucket is in it."""
    inside = np.flatnonzero(v["bucket_mode"] == PORTFOLIO)
    if (v["bucket_kind"][inside] != state.CROSS).any():
        return "kinds " + first_of(inside, v["bucket_kind"])
    return "" if len(inside) == v.cells(state.PORTFOLIOS) else f"{len(inside)}, counted {v.cells(state.PORTFOLIOS)}"


def debts(v: View) -> str:
    """Who holds collateral owes what its cash is short of, and nobody else; debts add up, and no interest is lost."""
    cash = v["bucket_raw"] + sums(v.buckets, v.slot_owner, v["slot_entry"][v.slots])
    owed = np.where(v["bucket_holding"] != 0, np.maximum(-cash, 0), 0)
    heads = v["bucket_holding"]
    debt, due = v["holding_debt"][heads], v["holding_due"][heads]
    if (wrong := np.flatnonzero(owed != debt)).size:
        return "bucket " + first_of(wrong, owed, debt)
    if int(owed.sum()) != v.cells(state.BORROWED):
        return f"debts {int(owed.sum())}, borrowed {v.cells(state.BORROWED)}"
    early = (v["holding_borrow"][heads] > v.cells(state.BORROW_INDEX)) | (due < 0)
    if early.any():
        return "interest of bucket " + first_of(np.flatnonzero(early), due)
    others = np.ones(len(v["holding_lots"]), bool)
    others[heads[heads != 0]] = False
    for name in ("worth", "floor", "debt", "borrow", "due"):
        if v[f"holding_{name}"][others].any():
            return f"a holding that is not its bucket's first has a {name}"
    return ""


def assets(v: View) -> str:
    """A listed asset has a kind, a listed market, parameters in range, a weight that leaves room for its discount."""
    many = v.cells(state.ASSETS)
    kind = v["asset_kind"]
    if (kind[:many] < asset_parameter.TOKEN).any() or (kind > POOL).any() or kind[many:].any():
        return "kinds " + str(kind.tolist())
    if (v["asset_market"][:many] >= v.cells(state.MARKETS)).any():
        return "an asset of an unlisted market"
    for number, spec in asset_parameter.ASSET.items():
        for name in ("asset_param", "asset_static"):
            values = v[name][:, number]
            if (wrong := np.flatnonzero((values < spec.low) | (values > spec.high))).size:
                return f"{name} {spec.name} of " + first_of(wrong, values)
    over = v["asset_param"][:, WEIGHT_MAINTENANCE] + v["asset_param"][:, DISCOUNT] > RATE_ONE
    return "weight and discount of " + first_of(np.flatnonzero(over)) if over.any() else ""
