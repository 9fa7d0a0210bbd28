"""Small sabotages of the price grid, levels, orders and the pool's quotes, one rule each; `python tests/mutants_book.py
[WORDS]` sees a test die of it. They run uncompiled.
"""

# ruff: noqa: E501
import os
import sys

import mutants
from mutants import Mutant

GRID, LEVELS, ORDERS, AMM = (f"src/seawall/book/{name}.py" for name in ("grid", "levels", "orders", "amm"))
BOOK = "tests/unit/test_book_orders.py tests/property/test_book_equals_model.py"
SUITES = {
    GRID: "tests/unit/test_book_grid.py",
    LEVELS: BOOK,
    ORDERS: BOOK,
    AMM: "tests/property/test_book_amm_equals_fractions.py",
}
RULES: tuple[tuple[str, str, str, str], ...] = (
    # the grid
    ("six figures are off the grid", GRID, "        if shorter * 10 != price:\n            return -1\n", ""),
    ("whole USD may have all figures", GRID, "    most, exponent = s.market_exponent_max[market], 0\n    while exponent < most and price >= FIGURES:  # at most EXPONENT_MAX\n        shorter", "    most, exponent = EXPONENT_MAX, 0\n    while exponent < most and price >= FIGURES:  # at most EXPONENT_MAX\n        shorter"),
    ("five figures are allowed", GRID, "FIGURES: Final = 100_000", "FIGURES: Final = 10_000"),
    ("a grid has an end", GRID, "return ordinal if ordinal < ORDINALS else -1", "return ordinal"),
    ("the end of the grid is on it", GRID, "return ordinal if ordinal < ORDINALS else -1", "return ordinal if ordinal < ORDINALS - 1 else -1"),
    ("no price is zero", GRID, "    if price < 1:\n        return -1\n", ""),
    ("a number has one price", GRID, "max(ordinal - 10_000, 0) // STEP", "ordinal // STEP"),
    ("above the cap the grid is linear", GRID, "max(ordinal - 10_000, 0) // STEP, s.market_exponent_max[market])", "max(ordinal - 10_000, 0) // STEP, EXPONENT_MAX)"),
    ("below stays on the grid", GRID, "min(ordinal, ORDINALS - 1))", "ordinal)"),
    ("above rounds up", GRID, "above = (price + unit - 1) // unit * unit", "above = price // unit * unit"),
    ("nothing is above the end", GRID, "above if ordinal_of(s, market, above) > 0 else 0", "above"),
    # levels
    ("the best bid is the highest", LEVELS, "return ordinal if (row ^ (row >> 1)) & 1 else ordinal ^ (ORDINALS - 1)", "return ordinal"),
    ("falling triggers fire highest first", LEVELS, "(row ^ (row >> 1)) & 1", "row & 1"),
    ("rows do not share levels", LEVELS, "    while level != 0 and (s.level_ordinal[level] != ordinal or s.level_row[level] != row):", "    while level != 0 and s.level_ordinal[level] != ordinal:"),
    ("an order joins the level of its row", LEVELS, "        if s.level_ordinal[level] == ordinal and s.level_row[level] == row:", "        if s.level_ordinal[level] == ordinal:"),
    ("a full table of levels says so", LEVELS, "s.cell[LEVELS_USED] < len(s.level_row):", "s.cell[LEVELS_USED] <= len(s.level_row):"),
    ("a full table takes orders at its levels", LEVELS, "    return find_level(s, row, ordinal) != 0\n", "    return False\n"),
    ("freed levels are used again", LEVELS, "    s.cell[LEVEL_FREE] = level\n", ""),
    ("a better level is the best", LEVELS, "    if best == 0 or rank < rank_of", "    if best == 0 or rank > rank_of"),
    ("the best is followed by the next", LEVELS, "        s.book_best[row] = _level_from(s, row, rank + 1)\n", "        s.book_best[row] = 0\n"),
    ("first come is first served", LEVELS, "    if last != 0:\n        s.order_after[last] = order\n    else:\n        s.level_first[level] = order\n    s.level_last[level] = order\n", "    first = s.level_first[level]\n    s.order_before[order] = 0\n    s.order_after[order] = first\n    if first != 0:\n        s.order_before[first] = order\n    else:\n        s.level_last[level] = order\n    s.level_first[level] = order\n"),
    ("a level knows its lots", LEVELS, "    s.level_lots[level] += s.order_size[order]\n", ""),
    ("a level loses the lots that leave", LEVELS, "    s.level_lots[level] -= s.order_size[order]\n", ""),
    ("the last order leaves a last one", LEVELS, "    else:\n        s.level_last[level] = before\n", ""),
    ("an empty level goes", LEVELS, "        close_level(s, level)\n        return\n", "        s.level_first[level] = s.level_last[level] = 0\n        return\n"),
    ("empty words are marked above", LEVELS, "    if word == 0:\n        at = rank >> 5\n        word = s.grid_1[row, at >> 5] & WORD\n", "    if word == -1:\n        at = rank >> 5\n        word = s.grid_1[row, at >> 5] & WORD\n"),
    ("emptied words are cleared above", LEVELS, "        s.grid_1[row, at >> 5] = word\n        if word == 0:\n", "        s.grid_1[row, at >> 5] = word\n        if word == -1:\n"),
    ("the top word is cleared", LEVELS, "            if word == 0:\n                s.grid_3[row, 0] = s.grid_3[row, 0] & ~(1 << (at >> 5))\n", ""),
    ("a search crosses words", LEVELS, "    word = _next_word(s, row, (start >> 5) + 1)\n", "    word = _next_word(s, row, (start >> 5) + 2)\n"),
    ("a search crosses groups", LEVELS, "    group = (start >> 5) + 1\n", "    group = (start >> 5) + 2\n"),
    ("a search crosses the top", LEVELS, "        top = (group >> 5) + 1\n", "        top = (group >> 5) + 2\n"),
    ("what probed past a hole is shifted back", LEVELS, "            s.level_place[hole] = other\n            hole = place\n", "            pass\n"),
    ("what is at home stays", LEVELS, "        if (place - home) & mask >= (place - hole) & mask:\n", "        if home != -1:\n"),
    # orders
    ("a bucket has its limit", ORDERS, "    if s.bucket_orders[bucket] >= ORDERS_PER_BUCKET:\n        return False\n", ""),
    ("a full table of orders says so", ORDERS, "s.cell[ORDERS_USED] < len(s.order_id))", "s.cell[ORDERS_USED] <= len(s.order_id))"),
    ("ids never come back", ORDERS, "    s.cell[ORDER_SERIAL] += 1\n    s.order_id[order] = (s.cell[ORDER_SERIAL] << ROW_BITS) | order\n    s.order_bucket", "    s.order_id[order] = (s.cell[ORDER_SERIAL] << ROW_BITS) | order\n    s.order_bucket"),
    ("a stale id finds nothing", ORDERS, " or s.order_id[order] != identity:", ":"),
    ("an id beyond the table finds nothing", ORDERS, "identity <= 0 or order >= len(s.order_id) or", "identity <= 0 or"),
    ("a dropped id is gone", ORDERS, "    s.order_id[order] = 0\n", ""),
    ("freed rows are used again", ORDERS, "    s.cell[ORDER_FREE] = order\n", ""),
    ("live orders are counted", ORDERS, "    s.cell[ORDERS_LIVE] -= 1\n", ""),
    ("a bucket's orders are counted", ORDERS, "    s.bucket_orders[bucket] -= 1\n", ""),
    ("a bucket's list is whole", ORDERS, "    if after != 0:\n        s.order_previous[after] = before\n", ""),
    ("a bucket's first order may go", ORDERS, "    else:\n        s.bucket_order[bucket] = after\n", ""),
    ("take-profits wait on the other side", ORDERS, "(flags & SELL != 0) == (flags & TAKE_PROFIT != 0)", "flags & SELL == 0"),
    ("resting orders reserve", ORDERS, "    _reserve(s, order, row, s.order_size[order])\n", ""),
    ("what leaves the book gives its reserve back", ORDERS, "        _reserve(s, order, row, -s.order_size[order])\n", ""),
    ("what shrinks gives its reserve back", ORDERS, "            _reserve(s, order, row, -lots)\n", ""),
    ("stops reserve nothing", ORDERS, "    if row & 3 <= ASKS:\n        _reserve(s, order, row, -s", "    if row >= 0:\n        _reserve(s, order, row, -s"),
    ("reduce-only reserves nothing", ORDERS, "    if s.order_flags[order] & REDUCE_ONLY:\n        return\n    slot", "    slot"),
    ("sells reserve as sells", ORDERS, "    if row & 1 == ASKS:\n", "    if row & 1 != ASKS:\n"),
    ("no client id is none", ORDERS, "    if client_high != 0 or client_low != 0:\n        _remember_client(s, order)\n    return", "    _remember_client(s, order)\n    return"),
    ("a high client id is one", ORDERS, "    if client_high != 0 or client_low != 0:\n        _remember_client(s, order)\n    return", "    if client_low != 0:\n        _remember_client(s, order)\n    return"),
    ("client ids go with their orders", ORDERS, "        _forget_client(s, order)\n    bucket, after", "        pass\n    bucket, after"),
    ("client ids are their account's", ORDERS, "            and s.bucket_owner[s.order_bucket[order]] == account\n", ""),
    ("both halves of a client id count", ORDERS, "            and s.order_client_high[order] == high\n", ""),
    ("client ids that probed past a hole are shifted back", ORDERS, "            s.client_place[hole] = other\n            hole = place\n", "            pass\n"),
    ("ties end with an order", ORDERS, "        _leave_family(s, order)\n    _free", "        pass\n    _free"),
    ("unarmed stops go with their parent", ORDERS, "            _untie(s, child)\n            _free(s, child)\n", ""),
    ("a parent forgets a stop", ORDERS, "        s.order_child[parent] = twin if s.order_parent[twin] == parent else 0\n", "        pass\n"),
    # the pool
    ("buys round up", AMM, "        away += 1 if compare_products", "        away += 0 if compare_products"),
    ("rounded once", AMM, "away += 1 if compare_products(rest, RATE_ONE, RATE_ONE - over, 2 * depth) <= 0 else 2", "away += (1 if over != 0 else 0) + (1 if rest != 0 else 0)"),
    ("the spread is against the taker", AMM, "    away = spread + skew\n", "    away = skew - spread\n"),
    ("inventory skews the price", AMM, "lots - 2 * side * held)", "lots + 2 * side * held)"),
    ("half the trade moves its average", AMM, "return _price_at(s, market, side, lots - 2", "return _price_at(s, market, side, 2 * lots - 2"),
    ("a price is at most the market's", AMM, "min(index - away, s.market_price_max[market])", "index - away"),
    ("a buyer's limit is at most the market's", AMM, "side * (min(limit, price_max) - index)", "side * (limit - index)"),
    ("a pool beyond its depth is closed", AMM, "    if abs(held) > depth or limit < 1", "    if limit < 1"),
    ("no limit is zero", AMM, "if abs(held) > depth or limit < 1 or", "if abs(held) > depth or"),
    ("inventory has a cap", AMM, "min(depth, s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)", "min(depth, NOTIONAL_MAX // price_max)"),
    ("inventory stays within the depth", AMM, "min(depth, s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)", "min(s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)"),
    ("inventory stays within the greatest size", AMM, "min(depth, s.param[market, parameter.AMM_CAP], NOTIONAL_MAX // price_max)", "min(depth, s.param[market, parameter.AMM_CAP])"),
    ("the count stops at the limit", AMM, "    most += (rest - less - (1 if part != 0 else 0)) // index\n", "    most += (rest - less) // index\n"),
    ("the count reaches the limit", AMM, "    most += (rest - less - (1 if part != 0 else 0)) // index\n", "    most += (rest - less - 1) // index\n"),
    ("far limits do not overflow a count", AMM, "    room = min(max(room, -2 * index), 2 * index)  # beyond, depth binds\n", "    room = min(max(room, -index // 2), index // 2)\n"),
    ("margin bounds the pool", AMM, "    if _can_bear(s, market, side, lots, held):\n        return lots\n", "    if lots > 0:\n        return lots\n"),
    ("margin leaves what it can", AMM, "            low = middle\n", "            high = middle\n"),
    ("the pool's margin counts what it is paid", AMM, "    cost = -side * lots * amm_price(s, market, side, lots, held)\n", "    cost = -side * lots * s.market_price[market]\n"),
    ("the part before counts", AMM, "    size = held - side * lots - now\n", "    size = -side * lots\n"),
    ("a stale pool is closed", AMM, " or not is_fresh(s, market):", ":"),
    ("a pool in liquidation is closed", AMM, "s.bucket_liquidating[pool] != 0 or (", "("),
    ("an unhealthy pool is closed", AMM, "    return equity >= maintenance\n", "    return equity == equity or maintenance == 0\n"),
)  # fmt: skip


MUTANTS = tuple(Mutant(*rule, SUITES[rule[1]]) for rule in RULES)


if __name__ == "__main__":
    os.environ["SEAWALL_INTERPRET"] = "1"
    mutants.MUTANTS = MUTANTS
    sys.exit(mutants.main())
