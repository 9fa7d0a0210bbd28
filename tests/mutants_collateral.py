"""Small sabotages of collateral, borrowing and liquidity positions, one rule each."""

# ruff: noqa: E501
from mutant_bench import Mutant

ENGINE = "tests/unit/test_engine_collateral.py tests/unit/test_engine_liquidity.py"
PORTFOLIOS = "tests/unit/test_engine_portfolio.py"
VENUE = "tests/unit/test_venue_liquidity.py"

RULES = (
    # engine/assets.py
    ("a looser proposal waits", "engine/assets.py", "return bool(s.cell[NOW] - s.asset_time[asset, number] >= RAIL_DELAY[number])", "return True", ENGINE),
    ("a tick makes so many changes", "engine/assets.py", "start <= s.cell[NOW] and left > 0:", "start <= s.cell[NOW]:", ENGINE),
    # engine/collateral.py
    ("the venue has a cap", "engine/collateral.py", "    if s.asset_total[asset] + lots > most:\n        return False\n", "", ENGINE),
    ("an owner has a cap", "engine/collateral.py", "if held_by_owner(s, account, asset) + lots > s.asset_param[asset, ACCOUNT_CAP]:\n        return False", "if False:\n        return False", ENGINE),
    ("lots leave initial margin behind", "engine/collateral.py", "return code.OK if lost <= margin_room(s, bucket) else code.WITHDRAWABLE", "return code.OK", ENGINE),
    ("a hedge that leaves is missed", "engine/collateral.py", "    if s.bucket_mode[bucket] == PORTFOLIO:\n        return code.OK if room_without(s, bucket, find_holding(s, bucket, asset), lots) >= 0 else code.WITHDRAWABLE\n", "", PORTFOLIOS),
    ("nobody buys above the need", "engine/collateral.py", "price > c.price or c.size > on_offer(s, seller, asset)", "price > c.price", ENGINE),
    ("a pool asks what it is worth", "engine/collateral.py", "return int(keeping_price_of(s, asset))\n", "return int(sale_price(s, asset))\n", ENGINE),
    # engine/borrowing.py
    ("the remainder is carried", "engine/borrowing.py", "s.cell[BORROW_RESIDUE] = moved % HOUR_MS", "s.cell[BORROW_RESIDUE] = 0", ENGINE),
    ("the rate bends at the kink", "engine/borrowing.py", "if used <= kink:", "if True:", ENGINE),
    # ledger/buckets.py
    ("a debt that stands is one time", "ledger/buckets.py", "    if debt == s.holding_debt[row]:\n        return\n", "", ENGINE),
    # ledger/valuation.py
    ("a stale price backs nothing new", "ledger/valuation.py", "if not is_asset_fresh(s, asset) or is_off_peg(s, asset):", "if is_off_peg(s, asset):", ENGINE),
    ("off its peg it backs nothing new", "ledger/valuation.py", "if not is_asset_fresh(s, asset) or is_off_peg(s, asset):", "if not is_asset_fresh(s, asset):", ENGINE),
    ("the stable price holds a rise back", "ledger/valuation.py", "    price = min(market_price_of(s, asset), s.asset_stable[asset])\n", "    price = market_price_of(s, asset)\n", ENGINE),
    ("the weight shrinks with supply", "ledger/valuation.py", "if start == 0 or total <= start:", "if True:", ENGINE),
    ("the redemption floor holds", "ledger/valuation.py", "return int(max(price, min(least,", "return int(min(price, min(least,", ENGINE),
    ("the scan is below the price", "ledger/valuation.py", "rate_down(price, RATE_ONE - s.asset_param[asset, SCAN])", "price", ENGINE),
    # liquidation/selling.py
    ("stable assets are sold first", "liquidation/selling.py", "first = 2 * RATE_ONE if s.asset_kind[asset] == STABLE else 0", "first = 0", ENGINE),
    # engine/liquidity.py
    ("a narrow range goes back", "engine/liquidity.py", "    if compare_products(s.holding_high[row], RATE_ONE, s.holding_low[row], width) < 0:\n        return False\n", "", ENGINE),
    ("a position leaves initial margin behind", "engine/liquidity.py", "return code.OK if counted_row(s, row) <= margin_room(s, bucket) else code.WITHDRAWABLE", "return code.OK", ENGINE),
    ("a range that hedges is missed", "engine/liquidity.py", "    if s.bucket_mode[bucket] == PORTFOLIO:\n        return code.OK if room_without(s, bucket, row, int(s.holding_lots[row])) >= 0 else code.WITHDRAWABLE\n", "", PORTFOLIOS),
    ("a change needs no floor", "engine/liquidity.py", "    room = initial_room(s, bucket) + fresh\n", "    room = margin_room(s, bucket) + fresh\n", ENGINE),
    ("a change keeps initial margin", "engine/liquidity.py", "return code.OK if room_as(s, bucket, row, c, more) >= 0 else code.INITIAL_MARGIN", "return code.OK", ENGINE),
    ("a changed range is wide enough", "engine/liquidity.py", "RATE_ONE + s.asset_param[asset, RANGE_MIN]) < 0:\n        return code.BAD_FIELD", "0) < 0:\n        return code.BAD_FIELD", ENGINE),
    ("a change is of the owner's", "engine/liquidity.py", "if row == 0 or s.bucket_owner[s.holding_bucket[row]] != c.account:", "if row == 0:", ENGINE),
    ("what a pool has paid is in the vault", "engine/liquidity.py", "    s.cell[VAULT] += c.amount\n    emit(s, event.RANGE_UNWOUND, -1, bucket, c.other, c.client_low, 0, c.client_high", "    emit(s, event.RANGE_UNWOUND, -1, bucket, c.other, c.client_low, 0, c.client_high", ENGINE),
    ("a measured change is taken back", "engine/liquidity.py", "    s.bucket_raw[bucket] -= c.amount\n", "", ENGINE),
    # ledger/ranges.py
    ("another range starts anew", "ledger/ranges.py", "    if is_moved:\n", "    if False:\n", ENGINE),
    # venue/liquidity.py and what tells it
    ("fees are of both ways", "venue/liquidity.py", "abs(root - before)", "max(0, root - before)", VENUE),
    ("fees are paid once", "venue/liquidity.py", "- paid * RATE_ONE)", ")", VENUE),
)  # fmt: skip

MUTANTS = tuple(Mutant(rule, "src/seawall/" + file, old, new, suites) for rule, file, old, new, suites in RULES)
