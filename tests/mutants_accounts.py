"""Small sabotages of accounts, authority, nonces and cash, one rule each."""

# ruff: noqa: E501
from mutant_bench import Mutant

LEDGER, ENGINE = "src/seawall/ledger/", "src/seawall/engine/"
LEAVING, BUCKETS, OWN = LEDGER + "leaving.py", LEDGER + "buckets.py", LEDGER + "isolated.py"
CASH, OUT, MODE = ENGINE + "cash.py", ENGINE + "withdrawals.py", ENGINE + "isolated.py"
WHO, NONCES, ACCOUNTS, ADDRESSES = (ENGINE + f"{name}.py" for name in ("authority", "nonces", "accounts", "addresses"))
SUITES = {
    LEAVING: "cash isolated",
    BUCKETS: "cash isolated",
    OWN: "isolated leverage",
    CASH: "cash",
    OUT: "withdrawals",
    MODE: "isolated leverage",
    WHO: "authority",
    NONCES: "authority",
    ACCOUNTS: "accounts authority",
    ADDRESSES: "accounts",
}
RULES: tuple[tuple[str, str, str, str], ...] = (
    # what may leave
    ("nothing leaves on a stale price", LEAVING, "    if has_stale_price(s, bucket):\n        return 0\n", ""),
    ("a stale price has its own code", LEAVING, "    if has_stale_price(s, bucket):\n        return code.STALE_PRICE\n", ""),
    ("orders alone rest on no price", LEAVING, "s.slot_size[slot] != 0 and not is_fresh", "not is_fresh"),
    ("nothing leaves in liquidation", LEAVING, "    if is_being_liquidated(s, bucket):\n        return code.BEING_LIQUIDATED\n", ""),
    ("waiting for liquidation counts", LEAVING, "s.bucket_liquidating[bucket] != 0 or s.bucket_class[bucket] != 0", "s.bucket_liquidating[bucket] != 0"),
    ("unpaid profit stays", LEAVING, "return int(max(0, counted - payable(s, bucket))) if counted > 0 else 0", "return 0"),
    ("only counted profit is unpaid", LEAVING, "now[PROFIT] - (now[EQUITY] - now[EQUITY_INITIAL] - haircut(s, bucket))", "now[PROFIT]"),
    ("a tenth of the notional stays", LEAVING, "- max(now[INITIAL], floor)", "- now[INITIAL]"),
    ("initial margin stays", LEAVING, "- max(now[INITIAL], floor)", "- floor"),
    ("resting orders keep theirs", LEAVING, "floor = rate_up(now[NOTIONAL], share) + now[RESERVED]", "floor = rate_up(now[NOTIONAL], share)"),
    ("not a unit more", LEAVING, "amount > may_leave(s, bucket) else", "amount > may_leave(s, bucket) + 1 else"),
    ("winners' realised profit pays nobody", LEAVING, "max(0, -s.market_entry_sum[market]) +", "abs(s.market_entry_sum[market]) +"),
    ("insurance backs profit", LEAVING, " + s.market_insurance[market]", ""),
    ("what others took is gone", LEAVING, "others = s.market_advanced[market] - s.slot_advanced[slot]", "others = 0"),
    ("one's own advance is not another's", LEAVING, "others = s.market_advanced[market] - s.slot_advanced[slot]", "others = s.market_advanced[market]"),
    ("a market pays its own profit only", LEAVING, "min(profit, max(0, pool - others))", "max(0, pool - others)"),
    ("funding settles before cash leaves", LEAVING, "    settle_told(s, bucket)\n    charge(s, bucket)\n", "    charge(s, bucket)\n"),
    ("what leaves beyond cash is counted", LEAVING, "    add_cash(s, bucket, -amount)\n    note_advance(s, bucket)", "    add_cash(s, bucket, -amount)"),
    ("funding that came in ends an advance", LEAVING, "owed == 0 and s.bucket_advanced[bucket] == 0", "owed == 0"),
    ("cash that comes in repays", BUCKETS, "    elif s.bucket_advanced[bucket] != 0:\n        repay(s, bucket)\n", ""),
    ("an advance ends with its position", BUCKETS, " if s.slot_size[slot] != 0 else 0", ""),
    # isolated buckets
    ("orders go where a position is", OWN, "if find_slot(s, account, market) != 0 or not is_isolated", "if not is_isolated"),
    ("a bucket with an order stays", OWN, " or s.bucket_first[bucket] != 0 or s.bucket_order[bucket] != 0", " or s.bucket_first[bucket] != 0"),
    ("a loss never returns to cross", OWN, "if s.bucket_raw[bucket] < 0 or", "if"),
    ("a queued bucket stays", OWN, "or s.bucket_class[bucket] != 0 or s.bucket_liquidating[bucket] != 0", "or s.bucket_liquidating[bucket] != 0"),
    ("isolated margin comes from what may leave", OWN, "if need > 0 and need > may_leave(s, account):", "if False:"),
    ("a top-up leaves the floor", OWN, "amount = min(need, spare, may_leave(s, owner))", "amount = min(need, may_leave(s, owner))"),
    ("a top-up takes what may leave", OWN, "amount = min(need, spare, may_leave(s, owner))", "amount = min(need, spare)"),
    ("a top-up counts funding owed", OWN, "+ pending_funding(s, owner) - s.setting", "- s.setting"),
    ("a top-up saves or stays", OWN, " or now[EQUITY] + amount < end_of(s, now[MAINTENANCE])", ""),
    ("an advance moves with its position", OWN, "    set_advanced(s, slot, advanced)\n", ""),
    ("entry notional moves with cash", OWN, "raw = cash - s.slot_entry[slot]", "raw = cash"),
    ("a moved position leaves the ladder", OWN, "    unlink(s, row_of(market, s.slot_size[slot]), slot)\n", ""),
    ("both buckets are measured again", OWN, "    note_fired(s, target)\n", ""),
    ("cash of the target repays", OWN, "    repay(s, target)\n", ""),
    # deposits, transfers, withdrawals
    ("a deposit acts once", CASH, "c.reference <= s.cell[DEPOSIT_SERIAL]:", "c.reference < s.cell[DEPOSIT_SERIAL]:"),
    ("deposits leave no gap", CASH, "c.reference > s.cell[DEPOSIT_SERIAL] + 1", "c.reference > s.cell[DEPOSIT_SERIAL] + 2"),
    ("the vault has a bound", CASH, "s.cell[VAULT] + c.amount > RAW_USD_MAX or ", ""),
    ("the vault counts deposits", CASH, "    s.cell[VAULT] += c.amount\n", ""),
    ("agents transfer to their owner only", CASH, "    if c.signer < 0 and s.account_master[c.other] != s.account_master[c.account]:\n        return code.AGENT_SCOPE\n", ""),
    ("a part acts once", NONCES, "if part <= s.nonce_part[ring]:", "if part < s.nonce_part[ring]:"),
    ("a part taken is remembered", NONCES, "    s.nonce_part[ring] = part\n    return code.OK\n", "    return code.OK\n"),
    ("the first part is remembered", NONCES, "    s.nonce_part[ring] = part\n    s.cell", "    s.nonce_part[ring] = 0\n    s.cell"),
    ("an action has so many parts", NONCES, " or c.time >= ACTION_PARTS:", ":"),
    ("a transfer is an exit", CASH, "    leave(s, c.account, c.amount)\n", "    add_cash(s, c.account, -c.amount)\n"),
    ("a halted venue pays nobody", OUT, "    if s.cell[VENUE_STATUS] == command.HALTED:\n        return code.VENUE_HALTED\n", ""),
    ("the gate opens on time", OUT, "s.cell[NOW] < s.cell[GATE_UNTIL]", "s.cell[NOW] <= s.cell[GATE_UNTIL]"),
    ("the gate", OUT, "    if s.cell[NOW] < s.cell[GATE_UNTIL]:\n        return code.WITHDRAWALS_CLOSED\n", ""),
    ("the limit", OUT, "c.amount > limit_left(s)", "c.amount > limit_left(s) + 1"),
    ("an hour is counted", OUT, "    s.cell[HOUR_OUT] += c.amount\n", ""),
    ("a day is counted", OUT, "    s.cell[DAY_OUT] += c.amount\n", ""),
    ("the tighter of hour and day", OUT, "min(hour - s.cell[HOUR_OUT], day", "max(hour - s.cell[HOUR_OUT], day"),
    ("what is paid leaves the vault", OUT, "    s.cell[VAULT] -= amount\n", ""),
    ("a withdrawal ends once", OUT, "    s.withdrawal_id[row] = 0\n", ""),
    ("an id is of one withdrawal", OUT, " or s.withdrawal_id[row] != identity", ""),
    ("ids only grow", OUT, "    s.cell[WITHDRAWAL_SERIAL] += 1\n", ""),
    # leverage, margin, moves
    ("margin is an exit of its giver", MODE, "    refusal = exit_fault(s, giver, size)\n    if refusal != code.OK:\n        return refusal\n", ""),
    ("the mode waits for an empty market", MODE, "        if _is_occupied(s, c.account, c.market):\n            return code.HAS_POSITION\n", ""),
    ("orders of cross keep the mode", MODE, "    return has_orders(s, account, market)\n", "    return False\n"),
    ("margin that rises must be there", MODE, "if need > 0 and (not isolated or need > may_leave(s, c.account)):", "if need > 0 and isolated and need > may_leave(s, c.account):"),
    ("cross draws nothing from itself", MODE, "if need > 0 and (not isolated or need > may_leave(s, c.account)):", "if need > may_leave(s, c.account):"),
    ("less margin is always granted", MODE, "if after[INITIAL] > measure(s, bucket)[INITIAL]:", "if True:"),
    ("leverage within its live cap", MODE, "return code.LEVERAGE_CAP if c.size > cap else code.OK", "return code.OK"),
    ("cross is healthy after a move", MODE, "    if not accepts(measure(s, cross), left):\n        return code.INITIAL_MARGIN\n", ""),
    ("isolated is healthy after a move", MODE, "    if made[EQUITY_INITIAL] < made[INITIAL]:\n        return code.INITIAL_MARGIN\n", ""),
    ("cross is healthy with what it gets", MODE, "    if after[EQUITY_INITIAL] < after[INITIAL]:\n        return code.INITIAL_MARGIN\n    if not has_place", "    if not has_place"),
    ("a move leaves no profit as cash", MODE, "    if owed > payable(s, cross) - payable_of(s, slot):\n        return code.WITHDRAWABLE\n", ""),
    ("profit goes with its position", MODE, "payable(s, cross) - payable_of(s, slot)", "payable(s, cross)"),
    ("no move in liquidation", MODE, "    if is_being_liquidated(s, source) or is_being_liquidated(s, c.account):\n        return code.BEING_LIQUIDATED\n", ""),
    ("no move beside orders", MODE, "    if has_orders(s, source, c.market) or has_orders(s, c.account, c.market):\n        return code.HAS_POSITION\n", ""),
    # who, and once
    ("a master signs for its own", WHO, "return code.OK if s.account_master[account] == signer else code.NOT_AUTHORISED", "return code.OK"),
    ("a freed agent signs nothing", WHO, " or s.agent_scope[agent] == 0", ""),
    ("an agent signs for its own", WHO, "    if account != principal and s.account_master[account] != principal:\n        return code.NOT_AUTHORISED\n", ""),
    ("an agent expires", WHO, "s.cell[NOW] >= s.agent_expires", "s.cell[NOW] > s.agent_expires"),
    ("trading needs its scope", WHO, "return code.OK if s.agent_scope[agent] & command.MAY_TRADE else code.AGENT_SCOPE", "return code.OK"),
    ("transfers need their scope", WHO, "return code.OK if s.agent_scope[agent] & command.MAY_TRANSFER else code.AGENT_SCOPE", "return code.OK"),
    ("agents buy no pool shares", WHO, "command.POOL_ADD: OWNER", "command.POOL_ADD: TRANSFER"),
    ("the floor of nonces", NONCES, "c.nonce <= s.nonce_floor[index] or ", ""),
    ("nonces grow old", NONCES, " or c.nonce <= s.cell[NOW] - PAST_MS", ""),
    ("nonces are not of the future", NONCES, "c.nonce > s.cell[NOW] + AHEAD_MS or c.time", "c.time"),
    ("a nonce serves once", NONCES, "    if place >= 0:\n        return int(_take_part", "    if False:\n        return int(_take_part"),
    ("what is forgotten raises the floor", NONCES, "    s.nonce_floor[index] = max(s.nonce_floor[index], nonce)\n", ""),
    ("the floor never falls", NONCES, "s.nonce_floor[index] = max(s.nonce_floor[index], nonce)", "s.nonce_floor[index] = nonce"),
    ("holes of the table close", NONCES, "if (place - home) & mask >= (place - hole) & mask:", "if False:"),
    ("a new agent starts above revoked ones", ACCOUNTS, "    carry_floor(s, s.account_master[c.account], agent)\n", ""),
    ("a revoked agent's nonces stay used", ACCOUNTS, "    note_revoked(s, s.account_master[account], agent)\n", ""),
    ("an address is one's own", ACCOUNTS, "    if holder < 0:\n        _remove_agent(s, -holder)\n", ""),
    ("the bridge evicts nobody", ACCOUNTS, "    if holder < 0 and c.signer != command.SEQUENCER:\n        return code.AGENT_EXISTS\n", ""),
    ("an agent serves one account", ACCOUNTS, "holder > 0 or (holder < 0 and s.agent_account[agent] != c.account)", "holder > 0"),
    ("every word of an address counts", ADDRESSES, "words[0] == high and words[1] == middle and words[2] == low", "words[2] == low"),
)  # fmt: skip


def tests_of(file: str) -> str:
    """The suites that concern a file."""
    return " ".join(f"tests/unit/test_engine_{name}.py" for name in SUITES[file].split())


MUTANTS = tuple(Mutant(*rule, tests_of(rule[1])) for rule in RULES)
