# ruff: noqa: E501
"""Small sabotages of matching and placing, one rule each; `python tests/mutants_orders.py [WORDS]` sees a test die of it.

They run uncompiled: quicker than compiling 60 times.
"""

import os
import sys

import mutants
from mutants import Mutant

MATCHING = "src/seawall/book/matching.py"
PLACING = "src/seawall/engine/placing.py"
ORDERS = "src/seawall/engine/orders.py"
FIRST = {MATCHING: "_matching", PLACING: "", ORDERS: "_changes"}
FOUND = "tests/simulation/test_found_bugs.py"
PAIRS = "tests/unit/test_engine_orders.py::test_of_two_faults_the_earlier_check_speaks"
RULES: tuple[tuple[str, str, str, str], ...] = (
    # matching
    ("a buy meets asks", MATCHING, "ASKS if side > 0 else BIDS", "BIDS if side > 0 else ASKS"),
    ("a fill is at the maker's price", MATCHING, "lots, cost = lots + part, cost + part * price\n    return lots, cost, code.OK if", "lots, cost = lots + part, cost + part * limit\n    return lots, cost, code.OK if"),
    ("the limit binds", MATCHING, "is_met = order != 0 and (price - limit) * side <= 0\n        until = price if is_met else limit\n        if pool >= 0 and until != met:\n            met = until\n            part, paid", "is_met = order != 0\n        until = price if is_met else limit\n        if pool >= 0 and until != met:\n            met = until\n            part, paid"),
    ("own orders stop the taker", MATCHING, "    if is_linked(s, account, s.bucket_owner[maker]):\n        return 0, code.SELF_TRADE\n", ""),
    ("linked is by master", MATCHING, "s.account_master[one] == s.account_master[other]", "one == other"),
    ("pools are linked to nobody", MATCHING, "one >= 0 and other >= 0 and s.", "s."),
    ("liquidation passes its owner's orders", MATCHING, "PASSES_OWN: Final = FORCED | command", "PASSES_OWN: Final = command"),
    ("cancel both cancels the maker", MATCHING, "        if t.flags & command.CANCEL_BOTH:\n            cancel_order(s, order, why, t.bucket)\n", ""),
    ("a liquidated maker does not fill", MATCHING, "    if s.bucket_liquidating[maker] != 0:\n        return 0, code.BEING_LIQUIDATED\n", ""),
    ("a reduce-only maker fills its position at most", MATCHING, "lots = min(lots, max(0, side * s.slot_size", "lots = max(lots, max(0, side * s.slot_size"),
    ("the excess of a reduce-only maker goes", MATCHING, "        shrink(s, order, excess)\n", ""),
    ("a maker fills no further than the listed size", MATCHING, "        return code.POSITION_CAP\n", "        pass\n"),
    ("a maker fills up to the listed size", MATCHING, "> s.market_listed_size[market])", ">= s.market_listed_size[market])"),
    ("a maker's margin is checked", MATCHING, "return code.OK if may_change(s, bucket, after) else code.INITIAL_MARGIN", "return code.OK"),
    ("a maker's order frees its reserve", MATCHING, "freed = 0 if s.order_flags[order] & command.REDUCE_ONLY else lots", "freed = 0"),
    ("a maker's fee counts", MATCHING, "after = measure_fill(s, bucket, market, size, cost, fee, bids, asks, 0, grown)", "after = measure_fill(s, bucket, market, size, cost, 0, bids, asks, 0, grown)"),
    ("each fill of the taker is checked", MATCHING, "    if after[EQUITY_INITIAL] >= after[INITIAL] or accepts(before, after):\n        return code.OK\n    return code.INITIAL_MARGIN", "    return code.OK"),
    ("forced takers are not", MATCHING, "    if t.flags & FORCED:\n        return code.OK\n", ""),
    ("below initial margin a bucket may reduce", MATCHING, "    return bool(accepts(measure(s, bucket), after))", "    return False"),
    ("each fill keeps the open interest cap", MATCHING, "        return code.OPEN_INTEREST_CAP\n", "        return code.OK\n"),
    ("closing makers free open interest", MATCHING, "return int(growth(side * s.slot_size[slot], lots) - min(lots, max(0, side * s.slot_size[maker_slot])))", "return int(growth(side * s.slot_size[slot], lots))"),
    ("the taker's fee rounds up", MATCHING, "    taker, rate = rate_up(notional, fee_rate), s.", "    taker, rate = rate_down(notional, fee_rate), s."),
    ("the maker's fee rounds up", MATCHING, "        return taker, rate_up(notional, rate)", "        return taker, rate_down(notional, rate)"),
    ("a rebate rounds down", MATCHING, "-min(taker, rate_down(notional, -rate))", "-min(taker, rate_up(notional, -rate))"),
    ("a rebate is at most the fee", MATCHING, "-min(taker, rate_down(notional, -rate))", "-rate_down(notional, -rate)"),
    ("fees reach the venue", MATCHING, "s.cell[FEES] += fee + maker_fee", "s.cell[FEES] += fee"),
    ("the last price is kept", MATCHING, "    s.market_last[market] = price\n", ""),
    ("funding of the taker settles first", MATCHING, "    _settle(s, t.slot)\n", ""),
    ("funding of the maker settles first", MATCHING, "    _settle(s, maker_slot)\n", ""),
    ("an empty maker's slot is freed", MATCHING, "    close_empty_slot(s, maker_slot)\n    release_isolated(s, maker)\n", "    release_isolated(s, maker)\n"),
    ("an isolated maker goes home", MATCHING, "    close_empty_slot(s, maker_slot)\n    release_isolated(s, maker)\n", "    close_empty_slot(s, maker_slot)\n"),
    ("the taker's slot is pinned", MATCHING, "    if bucket != pinned:\n", "    if bucket != -2:\n"),
    ("the pool fills the gap first", MATCHING, "        until = price if is_met else limit\n        if pool >= 0 and until != met:\n            met = until\n            part, paid", "        until = limit\n        if pool >= 0 and until != met:\n            met = until\n            part, paid"),
    ("attached stops are armed by the fill", MATCHING, "        fill_parent(s, order, lots)\n", "        pass\n"),
    ("a plan stops at its own order", MATCHING, "            return lots, cost, fees, closing, why\n", "            pass\n"),
    # placing
    ("an unlisted market is unknown", PLACING, "        return code.UNKNOWN_MARKET\n", "        pass\n"),
    ("a closed market takes no order", PLACING, "    if status >= command.CLOSED:\n        return code.MARKET_CLOSED\n", ""),
    ("prices are on the grid", PLACING, " or ordinal_of(s, market, price) < 0:", ":"),
    ("prices have a greatest", PLACING, "price > s.market_price_max[market] or ", ""),
    ("sizes have a least", PLACING, "if size < 1 or size >", "if size >"),
    ("sizes have a greatest", PLACING, "size < 1 or size > s.market_listed_size[market]", "size < 1"),
    ("prices are within the band", PLACING, "            return code.PRICE_BAND\n", "            pass\n"),
    ("the band is around the index", PLACING, "oracle = s.market_oracle[market]", "oracle = s.market_price[market]"),
    ("a stale price is reduce-only", PLACING, "            return code.STALE_PRICE\n", "            pass\n"),
    ("a halted venue takes nothing", PLACING, "        return code.VENUE_HALTED\n", "        pass\n"),
    ("a halted market takes nothing", PLACING, "    if status == command.HALTED:\n        return code.MARKET_CLOSED\n", ""),
    ("cancel-only takes no order", PLACING, "        return code.CANCEL_ONLY\n", "        pass\n"),
    ("post-only takes no taker", PLACING, "        return code.POST_ONLY\n", "        pass\n"),
    ("a hard breaker reduces only", PLACING, " or breaker == parameter.HARD", ""),
    ("a client id is used once", PLACING, "        return code.DUPLICATE_CLIENT_ID\n", "        pass\n"),
    ("a bucket in liquidation takes no risk", PLACING, "        return code.BEING_LIQUIDATED\n", "        pass\n"),
    ("reduce-only needs a position", PLACING, "        if held <= 0:\n            return code.REDUCE_ONLY\n", ""),
    ("reduce-only is cut to the position", PLACING, "        size = min(size, held)\n", ""),
    ("post-only does not cross", PLACING, "        return code.WOULD_CROSS\n", "        pass\n"),
    ("the pool counts as crossed", PLACING, "return bool(pool >= 0 and amm_lots_to(", "return bool(pool >= 99_999 and amm_lots_to("),
    ("the plan keeps the open interest cap", PLACING, "        return code.OPEN_INTEREST_CAP\n", "        pass\n"),
    ("linked positions are capped", PLACING, "        return -code.POSITION_CAP\n", "        pass\n"),
    ("sub-accounts are linked", PLACING, "    sub = s.account_sub[master] - 1\n", "    sub = -1\n"),
    ("an account with linked ones is not alone", PLACING, "    if s.account_master[account] != account or s.account_isolated[account] != 0:\n        return False\n", ""),
    ("a master with sub-accounts is not alone", PLACING, "    return bool(s.account_sub[account] == 0)", "    return True"),
    ("resting orders count in the cap", PLACING, "    return int(max(0, side * s.slot_size[slot] + resting))", "    return int(max(0, side * s.slot_size[slot]))"),
    ("the listed size caps positions", PLACING, "min(s.param[o.market, parameter.POSITION_CAP], s.market_listed_size[o.market])", "s.param[o.market, parameter.POSITION_CAP]"),
    ("the replaced order leaves the cap", PLACING, "is_over_position_cap(s, o, lots + left - freed)", "is_over_position_cap(s, o, lots + left)"),
    ("the replaced order leaves the margin", PLACING, "added = -freed if is_reducing else left - freed", "added = 0 if is_reducing else left"),
    ("margin is checked", PLACING, "    if after[EQUITY_INITIAL] >= after[INITIAL]:\n        return 0\n", "    return 0\n"),
    ("below initial margin an order may reduce", PLACING, "    if accepts(before, after):\n        return 0\n", ""),
    ("a tighter cap is no risk added", PLACING, "before = measure_after(s, o.bucket, o.market, 0, 0, 0, 0, 0, leverage)", "before = measure_after(s, o.bucket, o.market, 0, 0, 0, 0, 0, 0)"),
    ("a taker's fill is measured at the interest it leaves", MATCHING, "size * price, fee, 0, 0, t.leverage, grown)", "size * price, fee, 0, 0, t.leverage, 0)"),
    ("a maker's fill is measured at the interest it leaves", MATCHING, "after = measure_fill(s, bucket, market, size, cost, fee, bids, asks, 0, grown)\n    return", "after = measure_fill(s, bucket, market, size, cost, fee, bids, asks, 0, 0)\n    return"),
    ("a plan is measured at the interest it leaves", PLACING, "fees, bids, asks, leverage, grown)", "fees, bids, asks, leverage, 0)"),
    ("what rests reserves", PLACING, "added = -freed if is_reducing else left - freed", "added = -freed"),
    ("the taker's fee counts", PLACING, "o.side * lots, o.side * cost, fees, bids", "o.side * lots, o.side * cost, 0, bids"),
    ("the breaker caps leverage", PLACING, "    return int(min(o.leverage, cap))", "    return int(o.leverage)"),
    ("isolated leverage has its cap", PLACING, "leverage_cap(s, o.market) if o.bucket == o.account else isolated_leverage_cap(s, o.market)", "leverage_cap(s, o.market)"),
    ("orders have room", PLACING, "        return code.ORDERS_FULL\n", "        pass\n"),
    ("an account has room", PLACING, "(has_order_room(s, o.bucket) and has_account_room(s, o.account))", "has_order_room(s, o.bucket)"),
    ("positions have room", PLACING, "        return code.POSITIONS_FULL\n", "        pass\n"),
    ("levels have room", PLACING, "        return code.LEVELS_FULL\n", "        pass\n"),
    ("a level freed is room", PLACING, " and not _fills_level(s, o.replaced):", ":"),
    ("cash is bounded", PLACING, "return code.OK if cash_fits(s, o.bucket, cash) else code.CASH_BOUND", "return code.OK"),
    ("nothing met is told", PLACING, "    if lots == 0 and stop == code.OK and o.flags & command.IOC:\n        return code.NO_LIQUIDITY\n", ""),
    ("its own order first is told", PLACING, "    if lots == 0 and stop == code.SELF_TRADE and o.flags & command.CANCEL_BOTH == 0:\n        return code.SELF_TRADE\n", ""),
    ("ioc does not rest", PLACING, "    if why == code.OK and o.flags & command.IOC:\n        why = code.NO_LIQUIDITY\n", ""),
    ("what stopped early does not rest", PLACING, "        why = stop if why == code.OK else why\n", "        why = code.OK\n"),
    ("what rests off plan is checked", PLACING, "            why = -need\n", "            pass\n"),
    ("cut-off is cleared when nothing fills", PLACING, "target = lots if stop == code.FILLS_FULL and lots > 0 else o.size", "target = lots if stop == code.FILLS_FULL else o.size"),
    ("a taker's empty bucket goes home", PLACING, "    close_empty_slot(s, slot)\n    release_isolated(s, o.bucket)\n", "    close_empty_slot(s, slot)\n"),
    ("a taker's empty slot is freed", PLACING, "    close_empty_slot(s, slot)\n    release_isolated(s, o.bucket)\n", "    release_isolated(s, o.bucket)\n"),
    ("the fills of a change arm its stops", PLACING, "        fill_parent(s, o.replaced, done)\n", "        pass\n"),
    ("a change that fills leaves no order", PLACING, "        drop_order(s, o.replaced)\n", "        pass\n"),
    # commands
    ("a plain order has no stop's field", ORDERS, "    if not is_plain(c.flags) or c.trigger != 0 or c.extra != 0 or c.other != 0:", "    if not is_plain(c.flags):"),
    ("a change keeps the side", ORDERS, " or (c.flags ^ flags) & command.SELL:", ":"),
    ("a parent does not turn reduce-only", ORDERS, "    if s.order_child[order] != 0 and c.flags & command.REDUCE_ONLY:\n        return code.BAD_FIELD\n", ""),
    ("a change keeps the client id", ORDERS, "        high, low = s.order_client_high[order], s.order_client_low[order]\n", "        pass\n"),
    ("more lots lose the priority", ORDERS, "0 < c.size <= s.order_size[order]", "0 < c.size"),
    ("other flags lose the priority", ORDERS, "is_same and c.flags == flags and c.price", "is_same and c.price"),
    ("only the owner cancels", ORDERS, " or s.bucket_owner[s.order_bucket[order]] != account:", ":"),
    ("an order is of its market", ORDERS, "order == 0 or s.order_market[order] != market or s", "order == 0 or s"),
    ("a client order is of its market", ORDERS, "    if order == 0 or s.order_market[order] != c.market:\n", "    if order == 0:\n"),
    ("cancel all minds the market", ORDERS, "        if s.order_market[order] == market or market == ANY_MARKET:", "        if True:"),
    ("cancel all reaches isolated buckets", ORDERS, "    bucket = s.account_isolated[account] - 1\n    while bucket >= 0 and done < most:", "    bucket = -1\n    while bucket >= 0 and done < most:"),
    ("a schedule is ahead", ORDERS, "        return code.BAD_TIME\n", "        pass\n"),
    ("a schedule acts once", ORDERS, "            if orders_of(s, account) == 0:\n                s.account_cancel[account] = 0\n                at = 0\n", ""),
    ("a schedule acts in time", ORDERS, "at != 0 and at <= now and left > 0", "at != 0 and at < now and left > 0"),
    ("the earliest schedule is kept", ORDERS, "    s.cell[SCHEDULE_NEXT] = earliest\n", ""),
    ("cancels of a tick are bounded", ORDERS, "            left -= cancel_orders(s, account, ANY_MARKET, left)\n", "            cancel_orders(s, account, ANY_MARKET, left)\n"),
)  # fmt: skip


def tests_of(file: str) -> str:
    """The suites that concern a file, the one that most likely fails first; pairs of faults prove nothing more here."""
    order = sorted(("", "_matching", "_changes"), key=lambda part: part != FIRST[file])
    return " ".join(f"tests/unit/test_engine_orders{part}.py" for part in order) + f" {FOUND} --deselect {PAIRS}"


MUTANTS = tuple(Mutant(*rule, tests_of(rule[1])) for rule in RULES)


if __name__ == "__main__":
    os.environ["SEAWALL_INTERPRET"] = "1"
    mutants.MUTANTS = MUTANTS
    sys.exit(mutants.main())
