"""What the rule says of commands that move money: which refusals are right, and the exact state after (SPEC section 4).

Each judge takes the picture before and the command's fields and returns the codes that may refuse it; when there are
none it has changed the picture into what must be there after.
"""

from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import Final

from seawall.simulation.model import ONE, Bucket, Picture, add_cash, add_lots, add_range, is_priced, leave, withdrawable
from seawall.terms import code, command, parameter
from seawall.terms.limits import AMOUNT_MAX, HOLDINGS_PER_BUCKET, POOLED_PER_BUCKET, RAW_USD_MAX

Fields = dict[str, int]
Refusals = list[int]

# the venue's scalars that money commands read and write, by what they mean (places of the column `cell`)
NOW, VAULT, PENDING, FEES, DUST = 1, 2, 3, 4, 5
DEPOSIT_SERIAL, GATE_UNTIL, HOUR_OUT, DAY_OUT, VENUE_STATUS = 29, 30, 32, 34, 42


def _amount(amount: int) -> Refusals:
    return [] if 0 < amount <= AMOUNT_MAX else [code.BAD_AMOUNT]


def _fits(bucket: Bucket, amount: int) -> Refusals:
    return [] if abs(bucket.raw + amount) <= RAW_USD_MAX else [code.CASH_BOUND]


def exit_refusals(p: Picture, bucket: Bucket, amount: int) -> Refusals:
    """Why this much may not leave a bucket."""
    if not is_priced(p, bucket):
        return [code.STALE_PRICE]
    if bucket.is_liquidating or bucket.is_queued:
        return [code.BEING_LIQUIDATED]
    return [code.WITHDRAWABLE] if amount > withdrawable(p, bucket) else []


def deposit(p: Picture, c: Fields) -> Refusals:
    """Credited exactly once, in the order of the bridge's messages."""
    why = _amount(c["amount"])
    if c["reference"] <= p.cells[DEPOSIT_SERIAL]:
        why.append(code.DUPLICATE_MESSAGE)
    if c["reference"] > p.cells[DEPOSIT_SERIAL] + 1:
        why.append(code.OUT_OF_SEQUENCE)
    bucket = p.buckets[c["account"]]
    if p.cells[VAULT] + c["amount"] > RAW_USD_MAX:
        why.append(code.CASH_BOUND)
    why += _fits(bucket, c["amount"])
    if not why:
        p.cells[DEPOSIT_SERIAL] += 1
        p.cells[VAULT] += c["amount"]
        add_cash(p, bucket, c["amount"])
    return why


def withdraw(p: Picture, c: Fields) -> Refusals:
    """Out of cross down to initial margin and the floor, within the venue's limits, while the gate is open."""
    why, bucket = _amount(c["amount"]), p.buckets[c["account"]]
    if p.cells[VENUE_STATUS] == command.HALTED:
        why.append(code.VENUE_HALTED)
    if p.now < p.cells[GATE_UNTIL]:
        why.append(code.WITHDRAWALS_CLOSED)
    why += exit_refusals(p, bucket, c["amount"])
    if c["amount"] > withdrawal_room(p):
        why.append(code.WITHDRAWAL_LIMIT)
    if c["amount"] > p.cells[VAULT] - p.cells[PENDING]:
        why.append(code.VAULT_SHORT)
    if p.shared["withdrawal_rows"] == 0:
        why.append(code.WITHDRAWALS_FULL)
    if not why:
        leave(p, bucket, c["amount"])
        for cell in (PENDING, HOUR_OUT, DAY_OUT):
            p.cells[cell] += c["amount"]
    return why


def withdrawal_room(p: Picture) -> int:
    """What the venue may still pay out in this hour and day."""
    rooms = []
    for share, base, used in (
        (parameter.WITHDRAWAL_HOUR_SHARE, parameter.WITHDRAWAL_HOUR_BASE, HOUR_OUT),
        (parameter.WITHDRAWAL_DAY_SHARE, parameter.WITHDRAWAL_DAY_BASE, DAY_OUT),
    ):
        most = max(floor(p.cells[VAULT] * Fraction(p.policy[share], ONE)), p.policy[base])
        rooms.append(most - p.cells[used])
    return max(0, min(rooms))


def finish_withdrawal(p: Picture, c: Fields) -> Refusals:  # noqa: ARG001
    """Paid out: frozen and vault fall together."""
    amount = p.shared["withdrawal_amount"]
    if amount == 0:
        return [code.UNKNOWN_WITHDRAWAL]
    if p.shared["withdrawal_asset"] < 0:
        p.cells[PENDING] -= amount
        p.cells[VAULT] -= amount
    return []


def cancel_withdrawal(p: Picture, c: Fields) -> Refusals:  # noqa: ARG001
    """Proven not paid: all of it returns."""
    amount = p.shared["withdrawal_amount"]
    if amount == 0:
        return [code.UNKNOWN_WITHDRAWAL]
    bucket, asset = p.buckets[p.shared["withdrawal_account"]], p.shared["withdrawal_asset"]
    if asset >= 0 and p.shared["withdrawal_is_range"]:
        held = len(bucket.holdings) + len(bucket.ranges)
        if len(bucket.ranges) >= POOLED_PER_BUCKET or held >= HOLDINGS_PER_BUCKET:
            return [code.HOLDINGS_FULL]
        words = ("liquidity", "low", "high", "scale")
        liquidity, low, high, scale = (p.shared[f"withdrawal_{word}"] for word in words)
        add_range(p, bucket, (asset, p.shared["withdrawal_token"]), (liquidity, low, high, scale))
        return []
    if asset >= 0:
        if p.shared["holding_rows"] == 0 and asset not in bucket.holdings:
            return [code.HOLDINGS_FULL]
        add_lots(p, bucket, asset, amount)
        return []
    why = _fits(bucket, amount)
    if not why:
        p.cells[PENDING] -= amount
        add_cash(p, bucket, amount)
    return why


def transfer(p: Picture, c: Fields) -> Refusals:
    """Between the cross buckets of two accounts, of two owners only when the giver's owner signs."""
    why = _amount(c["amount"])
    if c["other"] == c["account"]:
        why.append(code.BAD_FIELD)
    if not 0 <= c["other"] < len(p.masters):
        return [*why, code.UNKNOWN_ACCOUNT]
    if c["signer"] < 0 and p.masters[c["other"]] != p.masters[c["account"]]:
        why.append(code.AGENT_SCOPE)
    giver, taker = p.buckets[c["account"]], p.buckets[c["other"]]
    why += exit_refusals(p, giver, c["amount"])
    why += _fits(taker, c["amount"])
    if not why:
        leave(p, giver, c["amount"])
        add_cash(p, taker, c["amount"])
    return why


def isolated_margin(p: Picture, c: Fields) -> Refusals:
    """Into or out of the isolated bucket of a market, within what may leave the giving one."""
    why, own = _amount(abs(c["amount"])), p.shared["isolated_bucket"]
    if own < 0:
        return [*why, code.NOT_ISOLATED]
    cross, isolated = p.buckets[c["account"]], p.buckets[own]
    giver, taker = (cross, isolated) if c["amount"] > 0 else (isolated, cross)
    why += exit_refusals(p, giver, abs(c["amount"]))
    why += _fits(taker, abs(c["amount"]))
    if not why:
        leave(p, giver, abs(c["amount"]))
        add_cash(p, taker, abs(c["amount"]))
    return why


JUDGES: Final[dict[int, tuple[str, Callable[[Picture, Fields], Refusals]]]] = {
    command.DEPOSIT: ("POST_DEPOSIT", deposit),
    command.WITHDRAW: ("POST_WITHDRAW", withdraw),
    command.FINISH_WITHDRAWAL: ("POST_WITHDRAWAL_END", finish_withdrawal),
    command.CANCEL_WITHDRAWAL: ("POST_WITHDRAWAL_END", cancel_withdrawal),
    command.TRANSFER: ("POST_TRANSFER", transfer),
    command.ISOLATED_MARGIN: ("POST_ISOLATED_MARGIN", isolated_margin),
}
