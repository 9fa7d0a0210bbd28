"""Why was I liquidated: the run of a bucket's events turned into a plain dict with every input and its reason.

Host side, pure. The events of a bucket are its rows from LIQUIDATION to LIQUIDATION_END; a receipt can be made of an
unfinished run as well. With the figures in it every amount can be computed again from SPEC section 9.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from seawall.liquidation import partial
from seawall.terms import event

Event = Mapping[str, int]
Step = dict[str, Any]

OWN: Final = (
    event.LIQUIDATION,
    event.LIQUIDATION_POSITION,
    event.LIQUIDATION_CANCELS,
    event.LIQUIDATION_FILL,
    event.LIQUIDATION_WAITS,
    event.PORTFOLIO,
    event.BACKSTOP,
    event.DEFICIT,
    event.ADL,
    event.LIQUIDATION_END,
    event.ISOLATED_RETURNED,
)
WAITS: Final = {
    partial.THROTTLE: "the market's capacity for forced orders in this window is used up",
    partial.GATE: "the book is too far from the index",
    partial.COOLDOWN: "the last step on this account is too recent",
    partial.STALE: "no position has a fresh price",
    partial.HALTED: "no market of a position is open",
    partial.NO_LIQUIDITY: "nobody takes at the bankruptcy price, and equity is above maintenance",
}
STARTED: Final = "equity at the mark fell below maintenance"
CANCELS: Final = "orders are cancelled first"
FILL: Final = (
    "part of the position was sold on the book, the largest maintenance first, never past the bankruptcy price"
)
TIERED: Final = "nothing on the book made portfolio margin whole: the tiers hold for the account again"
VAULT: Final = "the backstop vault took the rest at the bankruptcy price"
CLOSED: Final = "closed against the other side of the market: book and vault had no room"
PAYERS: Final = {
    event.INSURANCE: "the market's insurance fund paid",
    event.SOCIALISED: "those with profit in the market paid",
    -1: "nobody could pay: bad debt",
}
ENDED: Final = ("equity is at liquidation end again", "nothing is left to close")
RETURNED: Final = "what was left of the isolated margin went back to the cross account"


def receipts(events: Iterable[Event], bucket: int) -> list[Step]:
    """Receipts of a bucket from all events of a venue, in order: one for each liquidation of it."""
    runs: list[list[Event]] = []
    waiting: list[Event] = []
    for entry in events:
        if not _concerns(entry, bucket):
            continue
        if entry["kind"] == event.LIQUIDATION:
            runs.append([*waiting, entry])
            waiting = []
        elif runs and (not _is_closed(runs[-1]) or entry["kind"] == event.ISOLATED_RETURNED):
            runs[-1].append(entry)
        elif entry["kind"] == event.LIQUIDATION_WAITS:
            waiting.append(entry)
    return [receipt(run) for run in runs]


def receipt(run: Iterable[Event]) -> Step:
    """One receipt from the events of one liquidation: how it began and ended, its steps in order, and totals."""
    steps = [step for entry in run for step in [_step(entry)] if step is not None]
    begun = next((step for step in steps if step["what"] == "started"), None)
    ended = next((step for step in steps if step["what"] == "ended"), None)
    closings = [step for step in steps if step["what"] in ("sold", "vault", "deleveraged")]
    return {
        "bucket": begun["bucket"] if begun else None,
        "equity": begun["equity"] if begun else None,
        "maintenance": begun["maintenance"] if begun else None,
        "liquidation_end": begun["liquidation_end"] if begun else None,
        "positions": [step for step in steps if step["what"] == "position"],
        "finished": ended is not None,
        "all_closed": bool(ended and ended["all_closed"]),
        "equity_after": ended["equity"] if ended else None,
        "closed_notional": sum(step["value"] for step in closings),
        "fees": sum(step.get("fee", 0) for step in closings),
        "paid_by_insurance": _paid(steps, event.INSURANCE),
        "paid_by_winners": _paid(steps, event.SOCIALISED),
        "bad_debt": _paid(steps, -1),
        "steps": [step for step in steps if step["what"] != "position"],
    }


def deleveragings(events: Iterable[Event], bucket: int) -> list[Step]:
    """The other side of it: each closing of this bucket's position for somebody else's debt, and each haircut."""
    found: list[Step] = []
    for entry in events:
        if entry["kind"] == event.ADL and entry["other"] == bucket:
            found.append(
                {
                    "what": "closed for another account",
                    "reason": "highest in the public rank among those it did not harm",
                    "market": entry["market"],
                    "lots": -entry["size"],
                    "price": entry["price"],
                    "value": entry["amount"],
                    "unhedged": entry["order"],
                    "equity_after": entry["equity"],
                    "maintenance_after": entry["maintenance"],
                }
            )
        elif entry["kind"] == event.SOCIALISED and entry["bucket"] == bucket:
            found.append(
                {
                    "what": "profit was cut",
                    "reason": "a debt of this market that book, vault, insurance and deleveraging could not pay",
                    "market": entry["market"],
                    "profit": entry["order"],
                    "mark": entry["price"],
                    "amount": entry["amount"],
                }
            )
    return found


def _concerns(entry: Event, bucket: int) -> bool:
    """Whether an event belongs to the liquidation of a bucket: its own rows, not those in which it pays for another."""
    return entry["bucket"] == bucket and entry["kind"] in OWN


def _is_closed(run: list[Event]) -> bool:
    return run[-1]["kind"] in (event.LIQUIDATION_END, event.ISOLATED_RETURNED)


def _paid(steps: list[Step], payer: int) -> int:
    return sum(step["amount"] for step in steps if step["what"] == "paid" and step["payer"] == payer)


def _step(entry: Event) -> Step | None:
    """One event in words; None for one that is no part of a receipt."""
    kind = entry["kind"]
    health = {"equity": entry["equity"], "maintenance": entry["maintenance"]}
    if kind == event.LIQUIDATION:
        begun = {"what": "started", "reason": STARTED, "bucket": entry["bucket"], **health}
        return {**begun, "liquidation_end": entry["price"], "below_backstop_share": bool(entry["amount"])}
    if kind == event.LIQUIDATION_POSITION:
        held = {"market": entry["market"], "size": entry["size"], "mark": entry["price"]}
        return {"what": "position", **held, "entry_notional": entry["order"], "maintenance": entry["amount"]}
    if kind == event.LIQUIDATION_CANCELS:
        return {"what": "cancelled", "reason": CANCELS, "orders": entry["size"]}
    if kind == event.LIQUIDATION_WAITS:
        return {"what": "waited", "reason": WAITS[entry["amount"]], **health}
    if kind == event.PORTFOLIO:
        return {"what": "tiered", "reason": TIERED, **health}
    if kind == event.LIQUIDATION_END:
        return {"what": "ended", "reason": ENDED[entry["amount"]], "all_closed": bool(entry["amount"]), **health}
    if kind == event.ISOLATED_RETURNED:
        return {"what": "returned", "reason": RETURNED, "amount": entry["amount"]}
    if kind == event.DEFICIT:
        payer = entry["other"]
        return {
            "what": "paid",
            "reason": PAYERS[payer],
            "payer": payer,
            "market": entry["market"],
            "amount": entry["amount"],
        }
    return _closing(entry, health)


def _closing(entry: Event, health: dict[str, int]) -> Step | None:
    """An event by which lots were closed."""
    lots = {"market": entry["market"], "lots": entry["size"], "price": entry["price"]}
    if entry["kind"] == event.LIQUIDATION_FILL:
        value = abs(entry["size"]) * entry["price"]
        sought = {"sought": entry["other"], "bankruptcy_price": entry["order"], "fee": entry["amount"]}
        return {"what": "sold", "reason": FILL, **lots, **sought, "value": value, **health}
    if entry["kind"] == event.BACKSTOP:
        return {
            "what": "vault",
            "reason": VAULT,
            **lots,
            "value": entry["amount"],
            "bankruptcy_price": entry["price"],
            **health,
        }
    if entry["kind"] == event.ADL:
        return {
            "what": "deleveraged",
            "reason": CLOSED,
            **lots,
            "value": entry["amount"],
            "bankruptcy_price": entry["price"],
        }
    return None
