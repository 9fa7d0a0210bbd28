"""Properties that the simulator holds beside the invariants of the columns: one name, one English line each.

POST_ is judged on single commands by the model in fractions, EVENT_ on every batch from its events, RUN_ on the run as
a whole. docs/INVARIANTS.md lists them all with the number they have in the list of the 48 properties.
"""

from typing import Final, NamedTuple

from seawall.engine.invariants import FORWARD_LINE, FULL


class Fault(NamedTuple):
    """A property that did not hold, with facts."""

    name: str
    facts: str


class Caught(Exception):
    """Raised when a property does not hold: it ends the world."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.name}: {LINES.get(fault.name, '')} [{fault.facts}]")
        self.fault = fault


POST: Final = {
    "POST_ACCEPTED": "What the rule allows is accepted, and a refusal names a rule that forbids it.",
    "POST_REFUSED": "What the rule forbids is refused.",
    "POST_DEPOSIT": "A deposit credits the account and the vault by its amount, once, and changes nothing else.",
    "POST_WITHDRAW": "A withdrawal freezes exactly its amount and leaves the bucket at its initial margin at least.",
    "POST_WITHDRAWAL_END": "A finished withdrawal leaves frozen and vault together; a cancelled one returns in full.",
    "POST_TRANSFER": "A transfer moves exactly its amount; to another owner only when the giver signs itself.",
    "POST_ISOLATED_MARGIN": "Margin moves between cross and isolated bucket exactly, down to the initial margin.",
    "POST_MOVE_POSITION": "A moved position keeps its size and entry, and both buckets may be as they become.",
    "POST_LEVERAGE": "A change of leverage changes nothing but the leverage, and needs the margin it asks for.",
    "POST_ORDER": "An order's fills and rest add up to its size, and nothing fills beyond its limit.",
    "POST_PRIORITY": "A taker meets better prices first and older orders first at one price.",
    "POST_TRADE": "A fill moves lots, their exact notional and the fees between its two parties, and nothing else.",
    "POST_FEES": "The taker's fee and the maker's round up, a rebate rounds down.",
    "POST_TRIGGER": "A stop, take-profit or trailing stop waits as it was sent, at a trigger the mark has not reached.",
    "POST_RISK": "Below initial margin no accepted order adds risk.",
    "POST_REDUCE_ONLY": "A reduce-only order never increases a position and never flips it.",
    "POST_CAPS": "No accepted order takes open interest or the position of linked accounts above its cap.",
    "POST_CANCEL": "A cancel removes the order it names, frees its margin and moves no money.",
    "POST_ACCOUNT": "A new account is empty and its owner's alone; no address speaks for two.",
    "POST_AGENT": "An agent signs for one account, within its scope and time, until it is revoked.",
    "POST_TOP_UP": "A top-up floor is what its owner set, and nothing else changes.",
    "POST_TWAP": "A schedule starts as it was sent and ends when it is cancelled; no slice takes more than is due.",
    "POST_OTHERS": "A command moves money and positions of its account, the makers it met and its pools only.",
    "POST_FUNDING": "A settled position is paid the floor of -size x step of the index, and the rest goes to dust.",
    "POST_INDEX": "The index is the weighted median of live sources, or it is stale and stands still.",
    "POST_MARK": "The mark follows the rule and stays within the band around the index.",
    "POST_FUNDING_STEP": "The funding index steps by floor(index x rate / 1e6), within the cap of the rate.",
    "POST_POOL": "Shares are bought and redeemed at a price that never favours who moves them over who stays.",
    "POST_INSURANCE": "Insurance moves by the amount named, and never below its floor by the admin's hand.",
    "POST_LIQUIDATION_DUE": "Only a bucket with equity below maintenance at a fresh mark is liquidated.",
    "POST_LIQUIDATION_PRICE": "A liquidation fills no worse than the bankruptcy price, inside the gate.",
    "POST_LIQUIDATION_FEE": "A liquidation fee is at most its rate and never taken from what is not there.",
    "POST_LIQUIDATION_BETTER": "Partial liquidation never lowers equity per unit of maintenance.",
    "POST_LIQUIDATION_ENOUGH": "Partial liquidation closes no more than restores liquidation end.",
    "POST_WATERFALL": "No later stage acts while an earlier one can pay.",
    "POST_ADL": "Auto-deleveraging closes opposite positions only, at one price, no more lots than the loser had.",
    "POST_ADL_WINNER": "Auto-deleveraging makes nobody unhealthy who was healthy.",
    "POST_SOCIALISED": "A socialised loss is shared by profit, is exact in sum, and takes no more than the profit.",
    "POST_ISOLATED_LOSS": "Liquidating an isolated bucket takes nothing from its owner's other buckets.",
    "POST_PROPOSAL": "A proposal outside its rails, unsigned, expired or old changes nothing.",
    "POST_GUARD": "A guardian only tightens.",
    "POST_LISTING": "A listed market is new, closed, and without tiers, sources or caps.",
    "POST_TIER": "Tiers rise in order, initial margin at 1.2 x maintenance; once open they only ask for less.",
    "POST_PARAMETER": "The admin's value stands in its range: at once when it tightens, else after a day's notice.",
    "POST_SOURCE": "A price source loses weight at once and gains it after a day.",
    "POST_DELIST": "A market is settled alone, at its fresh index or near its last one.",
    "POST_CLOCK": "The clock goes where a tick says, never back and never far ahead, and resets what an hour has used.",
    "POST_ASSET": "A listed asset takes and backs nothing; its terms loosen, or touch what is open, after a day only.",
    "POST_COLLATERAL": "Lots of an asset move exactly, within caps, and what gives them keeps its initial margin.",
    "POST_PORTFOLIO": "An account enters and leaves portfolio margin with the initial margin of the rule it asks for.",
    "POST_SALE": "Collateral is sold by who must or offers it, at its price, and cash and lots change hands exactly.",
    "POST_STATUS": "Nothing trades in a halted market, and only what its status lets in is accepted.",
}
EVENT: Final = {
    "EVENT_CASH": "Events explain every change of every bucket's cash, to the micro-USD.",
    "EVENT_SIZE": "Events explain every change of every position, to the lot.",
    "EVENT_FUNDS": "Events explain every change of insurance, fees, vault and frozen amounts.",
    "EVENT_HOLDINGS": "Events explain every change of every balance of collateral, to the lot.",
    "EVENT_NO_FILL_WHEN_STALE": "No liquidation in a market without a fresh price.",
    "EVENT_PRICE": "Every fill is at a positive price within the market's bound, for a positive number of lots.",
    "EVENT_TIME_PRIORITY": "Orders at one price stand in the order in which they came to rest.",
    "EVENT_CAPS": "Open interest above its cap never grows.",
    "EVENT_RECEIPT": "A liquidation's receipt starts below maintenance and its stages come in order.",
}
RUN: Final = {
    "RUN_GENESIS": "Every command that sets a world up is accepted.",
    "RUN_NO_EXCEPTION": "No input raises.",
    "RUN_CODES": "Every code is one of the published ones.",
    "RUN_REJECT_BYTES": "Rejected commands leave the durable state byte-equal, count and nonces apart.",
    "RUN_DUPLICATE": "A signed command sent again has no second effect.",
    "RUN_SPLIT": "The same rows in batches of other sizes end in the same bytes.",
    "RUN_REPLAY": "The log gives the same state and the same chain of codes and events again.",
    "RUN_SNAPSHOT": "A snapshot and the rest of the log end where the whole log ends.",
    "RUN_INTERPRETED": "Uncompiled, the same log ends in the same state.",
    "RUN_LIVENESS": "Once prices are fresh, every unhealthy bucket is gone within a bounded number of steps.",
    "RUN_DETECTED": "A bucket that waits for evaluation is measured within a bounded number of steps.",
    "RUN_JOURNAL": "After a crash at any byte the journal has every group it had acknowledged, and never half a one.",
    "RUN_RESTART": "A venue that stops in order and opens again is the same to the byte, and nothing is lost.",
    "RUN_DAMAGE": "A flipped bit in the journal is noticed: the tail is cut there, the middle refuses to open.",
}
INVARIANTS: Final = {check.name: check.line for check in FULL} | {"INV_FORWARD": FORWARD_LINE}
LINES: Final = INVARIANTS | POST | EVENT | RUN
