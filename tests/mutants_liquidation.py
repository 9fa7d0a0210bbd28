"""Small sabotages of the liquidation, one rule each: (rule, file, what stands there, what a saboteur puts there).

`python tests/mutants_liquidation.py [WORDS]` sees a test die of it. They run uncompiled.
"""

# ruff: noqa: E501
import os
import sys

import mutants
from mutants import Mutant

SUITES = (
    "tests/unit/test_liquidation_stages.py tests/unit/test_liquidation_adl.py tests/unit/test_liquidation_queue.py "
    "tests/unit/test_liquidation_receipts.py tests/unit/test_liquidation_late_stages.py tests/property/test_liquidation_arithmetic.py "
    "tests/property/test_liquidation_worlds.py tests/property/test_liquidation_metamorphic.py"
)
HOME = "src/seawall/liquidation/"

RULES = (
    # closing.py
    ("the share of equity rounds up", "closing.py", "return int(mul_ceil_div(c.equity,", "return -int(mul_ceil_div(-c.equity,"),
    ("b of a sale rounds up", "closing.py", "price = -((given_up - worth) // lots) if", "price = (worth - given_up) // lots if"),
    ("b of a purchase rounds down", "closing.py", "else (worth + given_up) // lots", "else -((-worth - given_up) // lots)"),
    ("b is at least 1", "closing.py", "return int(max(1, min(price,", "return int(max(-(2**40), min(price,"),
    ("b is at most price_max", "closing.py", "min(price, s.market_price_max[c.market])", "price"),
    ("b is of the maintenance released", "closing.py", "maintenance_after(s, c, lots), c.maintenance))", "0, c.maintenance))"),
    ("the fee leaves the bankruptcy value", "closing.py", "return int(max(0, min(full, spare)))", "return int(full)"),
    ("no fee from negative equity", "closing.py", "- max(0, equity_left(s, c, lots))", "- equity_left(s, c, lots)"),
    ("the fee rounds up", "closing.py", "full = rate_up(value,", "full = -rate_up(-value,"),
    ("funding counts in equity", "closing.py", "equity += value + funding_of(s, at)", "equity += value"),
    ("the end has its buffer", "closing.py", "- fee - end_of(s, maintenance_after(s, c, lots))", "- fee - maintenance_after(s, c, lots)"),
    ("the fee is part of the gap", "closing.py", "slippage(c, lots, value) - fee - end_of", "slippage(c, lots, value) - end_of"),
    ("the backstop ratio counts", "closing.py", "RATE_ONE, share, maintenance) < 0", "RATE_ONE, RATE_ONE, maintenance) < 0"),
    # partial.py
    ("dust closes whole", "partial.py", "or c.held * c.mark <= dust else lots", "else lots"),
    ("nothing leaves dust", "partial.py", "(lots > 0 and (c.held - lots) * c.mark <= dust) or", ""),
    ("the gate holds", "partial.py", "if gate >= RATE_ONE:", "if gate >= 0:"),
    ("the gate is around the index", "partial.py", "reach = rate_down(index, gate)", "reach = rate_down(c.mark, gate)"),
    ("never past b", "partial.py", "limit = bankruptcy_price(s, c, lots)\n    if c.equity", "limit = 1 if c.side < 0 else 2**40\n    if c.equity"),
    ("in debt b of one lot binds", "partial.py", "if c.equity < 0:\n        one", "if False:\n        one"),
    ("capacity binds", "partial.py", "lots = min(lots, room)", "lots = max(lots, min(lots, room))"),
    ("capacity is used up", "partial.py", "s.market_capacity_used[market] += notional", "s.market_capacity_used[market] += 0"),
    ("a window ends", "partial.py", "return bool(age >= s.param[market, parameter.CAPACITY_WINDOW_MS])", "return bool(age > 2**50)"),
    ("a window is not over early", "partial.py", "return bool(age >= s.param[market, parameter.CAPACITY_WINDOW_MS])", "return True"),
    ("the cooldown holds", "partial.py", "if is_cool:\n        return 0, COOLDOWN", "if False:\n        return 0, COOLDOWN"),
    ("within the cooldown whole", "partial.py", "if is_cool or c.held * c.mark <= s.param", "if c.held * c.mark <= s.param"),
    ("the share rounds up", "partial.py", "max(1, rate_up(c.held, s.param[venue, parameter.PARTIAL_SHARE]))", "max(1, rate_down(c.held, s.param[venue, parameter.PARTIAL_SHARE]))"),
    ("the ceiling of a step", "partial.py", "share), s.param[venue, parameter.PARTIAL_CEILING])", "share), 2**53)"),
    ("the throttle grows with time", "partial.py", "+ RATE_ONE * elapsed // duration)", ")"),
    ("the least is not overshot", "partial.py", "slack = JITTER + amm * lots", "slack = -50_000"),
    ("the search goes on", "partial.py", "RAISES: Final = 64", "RAISES: Final = 3"),
    ("the fee goes to the fund", "partial.py", "s.market_insurance[c.market] += fee", "s.market_insurance[c.market] += 0"),
    # queue.py
    ("the healthy leave", "queue.py", "if equity < maintenance or s.bucket_liquidating[bucket] != 0:", "if True:"),
    ("the worst come first", "queue.py", "int(mul_floor_div(WAITING, equity, maintenance))", "WAITING - 1 - int(mul_floor_div(WAITING, equity, maintenance))"),
    ("in debt is the worst class", "queue.py", "if equity <= 0 or maintenance <= 0:\n        return 0", "if equity <= 0 or maintenance <= 0:\n        return 30"),
    ("first in first out", "queue.py", "last = s.queue_last[group]", "last = s.queue_last[group] * 0 + s.queue_first[group] * 0"),
    ("those who leave are placed", "queue.py", "s.bucket_waits[bucket] = 0\n    place(s, bucket)", "s.bucket_waits[bucket] = 0"),
    ("negative equity closes the gate", "queue.py", "s.cell[GATE_UNTIL] = max(s.cell[GATE_UNTIL], until)", "s.cell[GATE_UNTIL] = s.cell[GATE_UNTIL]"),
    ("the queue is measured again", "queue.py", "left = budget\n", "left = 0\n"),
    ("those who wait are not next", "queue.py", "for group in range(WAITING):\n        if s.queue_first[group]", "for group in range(WAITING + 1):\n        if s.queue_first[group]"),
    # backstop.py
    ("the vault has a cap", "backstop.py", "s.param[market, parameter.BACKSTOP_CAP] // mark, ", ""),
    ("the cap counts what it holds", "backstop.py", "room_of(s, c.market, c.mark) - held)", "room_of(s, c.market, c.mark))"),
    ("the vault has its own margin", "backstop.py", "return bool(accepts(measure(s, vault), after))", "return True"),
    ("not from itself, not while in liquidation", "backstop.py", "if bucket == vault or s.bucket_class[vault] != 0 or s.bucket_liquidating[vault] != 0:", "if False:"),
    ("at b", "backstop.py", "c.mark if c.equity < 0 else bankruptcy_price(s, c, lots)", "c.mark"),
    ("from a debtor at mark", "backstop.py", "c.mark if c.equity < 0 else bankruptcy_price(s, c, lots)", "bankruptcy_price(s, c, lots)"),
    ("from a debtor only what is insured", "backstop.py", "lots = lots_covered(s, c, lots, claimable(s, c.market, c.slot))", "lots = lots_covered(s, c, lots, 2**60)"),
    # insurance.py
    ("the fund is never negative", "insurance.py", "min(s.market_insurance[market], s.param[market, CLAIM_CAP] - claimed)", "s.param[market, CLAIM_CAP] - claimed"),
    ("claims are capped", "insurance.py", "min(s.market_insurance[market], s.param[market, CLAIM_CAP] - claimed)", "s.market_insurance[market]"),
    ("claims are counted", "insurance.py", "s.slot_claimed[slot] += amount", "s.slot_claimed[slot] += 0"),
    # waterfall.py
    ("the vault comes first below the ratio", "waterfall.py", "is_vault_first = is_low and equity >= 0", "is_vault_first = False"),
    ("the vault does not come first above it", "waterfall.py", "is_vault_first = is_low and equity >= 0", "is_vault_first = equity >= 0"),
    ("above maintenance no later stage", "waterfall.py", "if why == FILLED or equity >= maintenance:", "if why == FILLED:"),
    ("time is waited for", "waterfall.py", "is_held_up = why != NO_LIQUIDITY and equity > 0", "is_held_up = False"),
    ("but not for ever", "waterfall.py", "return bool(s.cell[NOW] - since < window)", "return True"),
    ("a debtor does not wait", "waterfall.py", "is_held_up = why != NO_LIQUIDITY and equity > 0", "is_held_up = why != NO_LIQUIDITY"),
    ("the vault before adl", "waterfall.py", "if not is_vault_first and give_any_to_vault(s, bucket):\n        return FILLED", "if False:\n        return FILLED"),
    ("stale markets wait", "waterfall.py", "return bool(is_fresh(s, market) and command.ACTIVE", "return bool(command.ACTIVE"),
    ("closed markets wait", "waterfall.py", "command.ACTIVE <= status_of(s, market) <= command.REDUCING", "status_of(s, market) >= 0"),
    ("the largest maintenance first", "waterfall.py", "if own > most and (own < needed", "if (own < most or most < 0) and (own < needed"),
    ("every position's book is asked", "waterfall.py", "if why == NO_LIQUIDITY:\n            why, at = reason, market\n    return", "return reason, market\n    return"),
    ("insurance before adl", "waterfall.py", "fund = min(debt, claimable(s, c.market, c.slot))", "fund = 0"),
    ("adl before a haircut", "waterfall.py", "is_socialised = lots == 0 and debt > fund", "is_socialised = debt > fund"),
    ("a haircut when adl can not", "waterfall.py", "is_socialised = lots == 0 and debt > fund", "is_socialised = False"),
    ("what the price lacks is absorbed", "waterfall.py", "absorb(s, bucket, c.market, short - paid)", "absorb(s, bucket, c.market, 0)"),
    ("who realises nothing is not cut", "socialise.py", "min(realised, left, mul_floor_div(", "min(mul_floor_div("),
    ("who is closed is cut first", "waterfall.py", "        cut_chosen(s, c.market, count, price)\n", ""),
    # adl.py
    ("only the other side", "adl.py", "row_of(c.market, c.side)\n", "row_of(c.market, -c.side)\n"),
    ("only that market", "adl.py", "row_of(c.market, c.side)\n", "row_of(0, c.side)\n"),
    ("who is needed to close it stays", "adl.py", "covered - s.adl_size[0] >= c.held", "covered >= c.held"),
    ("a better one comes in when there is enough", "adl.py", " and score <= s.adl_score[0]:\n                continue", ":\n                continue"),
    ("no more than the position", "adl.py", "lots = min(c.held, abs(s.slot_size[slot]))", "lots = abs(s.slot_size[slot])"),
    ("in order no more than the position", "adl.py", "s.adl_size[i] = min(left, s.adl_size[i])", "s.adl_size[i] = max(0, s.adl_size[i])"),
    ("no winner's ratio falls", "adl.py", "return bool(compare_products(equity, c.maintenance, c.equity, maintenance) >= 0)", "return True"),
    ("a debtor may only gain", "adl.py", "return equity >= min(0, c.equity)", "return True"),
    ("hedges are spared", "adl.py", "if spares_hedges:", "if False:"),
    ("hedges go at last", "adl.py", "if count == 0 and least_harm:", "if False:"),
    ("ties go by position", "adl.py", "return bool(s.adl_slot[i] > s.adl_slot[j])", "return bool(s.adl_slot[i] < s.adl_slot[j])"),
    ("the best are kept", "adl.py", "if score <= s.adl_score[0]:", "if score >= s.adl_score[0]:"),
    ("winners before losers", "adl.py", "given = _share_among(s, 0, winners, c.held)", "given = _share_among(s, 0, winners, c.held // 2)"),
    ("shares go round", "adl.py", "ROUNDS: Final = 8", "ROUNDS: Final = 1"),
    ("bared exposure is told", "adl.py", "winner, bared, price, c.side * lots", "winner, 0, price, c.side * lots"),
    ("funding is settled before", "adl.py", "paid = settle_slot(s, slot)", "paid = 0"),
    ("a debtor that is gone is made good", "adl.py", "    cover_deficit(s, winner, c.market)\n", ""),
    # ranks.py
    ("profit ranks before loss", "ranks.py", "top = PROFIT if pnl > 0 else 0", "top = 0"),
    ("leverage ranks", "ranks.py", "leverage = ratio(notional, equity)", "leverage = SCALE"),
    ("debtors come last", "ranks.py", "if equity <= 0:", "if False:"),
    ("the light is a place among its side", "ranks.py", "row = row_of(market, s.slot_size[slot])", "row = row_of(market, -s.slot_size[slot])"),
    ("a hedge is on the other side", "ranks.py", "if net == 0 or (net > 0) != (value > 0):", "if net == 0:"),
    ("isolated positions count in exposure", "ranks.py", "total += net_of(s, isolated)", "total += 0"),
    # socialise.py
    ("the debtor is flat", "socialise.py", "if due <= 0 or not is_flat(s, bucket):", "if due <= 0:"),
    ("the fund before the winners", "socialise.py", "paid = min(due, claimable(s, market, slot))", "paid = 0"),
    ("cuts are exact in sum", "socialise.py", "cut = mul_floor_div(amount, reached, total) - mul_floor_div(amount, seen, total)", "cut = mul_floor_div(amount, profit, total)"),
    ("none is cut below zero", "socialise.py", "return int(max(0, min(profit, equity)))", "return int(profit)"),
    ("those in liquidation are not cut", "socialise.py", " or s.bucket_liquidating[bucket] != 0:", ":"),
    ("the switch counts", "socialise.py", "is_shared = market >= 0 and s.param[len(s.market_price), SOCIALISE] != 0", "is_shared = market >= 0"),
    ("a cut is of profit", "socialise.py", "s.slot_entry[slot] += cut\n    s.market_entry_sum[market] += cut\n", "cut += 0\n"),
    ("a loss is known as bad debt", "socialise.py", "s.cell[BAD_DEBT] -= amount", "s.cell[BAD_DEBT] -= 0"),
    ("a cut pays it back", "socialise.py", "s.cell[BAD_DEBT] += cut", "s.cell[BAD_DEBT] += 0"),
    # step.py
    ("sizes of work are bounded", "step.py", "if c.size < 1 or c.size > WORK_PER_COMMAND:", "if c.size < 1:"),
    ("a halted venue does nothing", "step.py", "if s.cell[VENUE_STATUS] >= command.HALTED:", "if False:"),
    ("events are bounded", "step.py", "UNIT_EVENTS: Final = 4_700", "UNIT_EVENTS: Final = 9_000"),
    ("losses are shared out first", "step.py", "if is_sharing(s):", "if False:"),
    ("orders go first", "step.py", "if s.bucket_order[bucket] != 0:\n        _cancel_some", "if False:\n        _cancel_some"),
    ("so many orders in a unit", "step.py", "CANCELS: Final = 64", "CANCELS: Final = 1_000"),
    ("top-ups come before", "step.py", "if top_up(s, bucket) > 0:", "if False:"),
    ("hysteresis up to the end", "step.py", "(end_of(s, maintenance) if s.bucket_liquidating[bucket] != 0 else maintenance)", "maintenance"),
    ("a healthy bucket is left alone", "step.py", "if is_over(s, bucket, equity, maintenance):\n        end(s, bucket)\n        return 1\n    why", "why"),
    ("who cannot act waits apart", "step.py", "put(s, bucket, WAITING)\n    if s.bucket_waits", "put(s, bucket, 0)\n    if s.bucket_waits"),
    ("waiting is told once", "step.py", "if s.bucket_waits[bucket] == why:", "if False:"),
    ("those who wait are asked again", "step.py", "release_waiting(s, max(1, units >> 1))", "release_waiting(s, 0)"),
    ("isolated margin returns", "step.py", "if release_isolated(s, bucket) == 0:", "if True:"),
    ("slots are freed", "step.py", "            close_empty_slot(s, slot)\n", "            pass\n"),
    ("a debt of no market is written off", "step.py", "        cover_deficit(s, bucket, s.bucket_market[bucket])\n        finish", "        finish"),
)  # fmt: skip

MUTANTS = tuple(Mutant(rule, HOME + file, old, new, SUITES) for rule, file, old, new in RULES)


if __name__ == "__main__":
    os.environ["SEAWALL_INTERPRET"] = "1"
    mutants.MUTANTS = MUTANTS
    sys.exit(mutants.main())
