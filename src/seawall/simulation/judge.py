"""One command against the model: what was there before, what the rule allows, what has happened.

`Judge.before` looks at the columns and asks the model; after the command has run, `Judge.after` compares its code, its
events and every bucket's figures. A bucket that the command may not touch must be as it was.
"""

from typing import Any, Final

import numpy as np

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.simulation import (
    model_admin,
    model_assets,
    model_collateral,
    model_liquidity,
    model_margin,
    model_money,
    model_office,
    model_people,
    observe,
)
from seawall.simulation.accounting import BUCKET, KIND, KINDS, OTHER, sizes_of
from seawall.simulation.authority import BEYOND_SIGNING, refusals
from seawall.simulation.facts import margin_facts
from seawall.simulation.model import Bucket, Picture, copy_picture, health, may_become, settle
from seawall.simulation.model_book import Order, Unclear
from seawall.simulation.model_orders import TRIGGERED, Book, Outcome, cancel, is_plain, place
from seawall.simulation.model_people import Look
from seawall.simulation.model_shape import shape_refusals
from seawall.simulation.model_triggers import place_trigger
from seawall.simulation.properties import Fault
from seawall.terms import code, command, event
from seawall.terms.limits import FILLS_PER_COMMAND, TRAILING_PER_MARKET

Fields = dict[str, int]
ORDERS: Final = (command.PLACE, command.MODIFY, command.CANCEL, command.CANCEL_CLIENT)
LEVERAGE_DEFAULT: Final = 20
COMPARED: Final = {
    state.VAULT: "vault",
    state.PENDING: "frozen",
    state.FEES: "fees",
    state.HOUR_OUT: "paid this hour",
    state.DAY_OUT: "paid today",
    state.DEPOSIT_SERIAL: "deposit serial",
    state.RESERVE: "reserve",
}
SIGNING: Final = (
    code.NOT_AUTHORISED,
    code.AGENT_EXPIRED,
    code.AGENT_SCOPE,
    code.NONCE_USED,
    code.NONCE_OLD,
)


def _words(codes: list[int]) -> str:
    return ", ".join(code.TEXT[one] for one in codes)


class Judge:
    """The model's word on one command."""

    def __init__(self, columns: Any, fields: Fields) -> None:
        """Looks at the columns before the command."""
        self.columns, self.fields, self.kind = columns, fields, fields["kind"]
        self.raw = columns["bucket_raw"].copy()
        self.sizes = sizes_of(columns)
        self.name = "POST_ACCEPTED"
        self.outcome: Outcome | None = None
        self.look: Look | None = None
        self.shape = shape_refusals(fields)
        self.signing = [] if self.shape else refusals(columns, fields)
        self.start = self._picture()
        self.end = copy_picture(self.start)
        self._ask()

    def _picture(self) -> Picture:
        """The picture with every bucket that the command may touch."""
        columns, c = self.columns, self.fields
        many = int(columns["cell"][state.ACCOUNTS])
        numbers: list[int] = []
        for name in ("account", "other"):
            if 0 <= c[name] < many and (name == "account" or self.kind == command.TRANSFER):
                numbers += observe.buckets_of(columns, c[name])
        return observe.picture_of(columns, sorted(dict.fromkeys(numbers)))

    def _ask(self) -> None:
        if self.shape or self.kind not in command.FIELDS or not 0 <= self.fields["account"] < len(self.start.masters):
            return  # no command, or nobody's: shape and signing say so
        if self.kind in model_money.JUDGES:
            self._money()
        elif self.kind in model_margin.JUDGES:
            self._margin()
        elif self.kind in COLLATERAL:
            self._collateral()
        elif self.kind in (command.PROPOSE, command.GUARD):
            self._office()
        elif self.kind in ORDERS:
            self._order()
        elif self.kind in PLAIN:
            self._plain()

    def _see(self, number: int) -> Bucket:
        """Adds a bucket to both pictures."""
        if number not in self.end.buckets:
            self.start.buckets[number] = observe.bucket_of(self.columns, number)
            self.end.buckets[number] = observe.bucket_of(self.columns, number)
        return self.end.buckets[number]

    def _money(self) -> None:
        columns, c, end = self.columns, self.fields, self.end
        self.name, ask = model_money.JUDGES[self.kind]
        used = columns["withdrawal_id"][: int(columns["cell"][state.WITHDRAWALS_USED])]
        free = len(columns["withdrawal_id"]) - int(np.count_nonzero(used)) - 1
        end.shared["withdrawal_rows"] = free
        row: list[int] = np.flatnonzero(used == c["reference"]).tolist() if c["reference"] > 0 else []
        end.shared["withdrawal_amount"] = int(columns["withdrawal_amount"][row[0]]) if len(row) else 0
        if len(row):
            account = int(columns["withdrawal_account"][row[0]])
            end.shared["withdrawal_account"] = account
            end.shared["withdrawal_asset"] = int(columns["withdrawal_asset"][row[0]]) - 1
            end.shared["holding_rows"] = model_collateral.free_rows(columns, account)
            end.shared |= model_liquidity.withdrawn(columns, row[0])
            self._see(account)
        if self.kind == command.ISOLATED_MARGIN:
            end.shared["isolated_bucket"] = observe.isolated_of(columns, c["account"], c["market"])
        self.outcome = Outcome(ask(end, c))

    def _collateral(self) -> None:
        """Lots and positions of liquidity that come, go, move, are bought and unwound."""
        self.name, ask = COLLATERAL[self.kind]
        self.end.shared.update(model_collateral.facts(self.columns, self.fields))
        self.end.shared.update(model_liquidity.facts(self.columns, self.fields))
        for number in (self.end.shared["isolated_bucket"], self.end.shared["seller"], self.end.shared["holder"]):
            if number >= 0:
                self._see(number)
        self.outcome = Outcome(ask(self.end, self.fields))

    def _margin(self) -> None:
        """Leverage, moved positions, shares and insurance."""
        columns, c, end = self.columns, self.fields, self.end
        if not 0 <= c["market"] < len(self.start.markets) or not self.start.markets[c["market"]].tiers:
            return
        self.name, ask = model_margin.JUDGES[self.kind]
        shared = margin_facts(columns, c)
        end.shared.update(shared)
        if "pool" in shared:
            self._see(shared["pool"])
        self.outcome = Outcome(ask(end, c))

    def _office(self) -> None:
        """Proposals and the guardian: only whether they may stand."""
        ask = model_office.propose if self.kind == command.PROPOSE else model_office.guard
        self.name = "POST_PROPOSAL" if self.kind == command.PROPOSE else "POST_GUARD"
        refusals = ask(self.columns, self.fields)
        self.outcome = None if refusals is None else Outcome(refusals)

    def _plain(self) -> None:
        """Accounts, schedules and administration: the refusals now, and a look at the columns after."""
        self.name, ask = PLAIN[self.kind]
        wanted = ask(self.columns, self.start, self.fields)
        if wanted is not None:
            self.outcome, self.look = Outcome(wanted.refusals), wanted.look

    def _order(self) -> None:
        c, columns, listed = self.fields, self.columns, self.start.markets
        if not 0 <= c["market"] < len(listed) or not listed[c["market"]].tiers or columns["cell"][state.CLOSED]:
            return  # stops of closed positions that still wait to be cancelled go with any command
        self.name = "POST_CANCEL" if self.kind in (command.CANCEL, command.CANCEL_CLIENT) else "POST_TRADE"
        row = 0
        if self.kind == command.CANCEL_CLIENT:
            row = observe.client_order(columns, c["account"], c["client_high"], c["client_low"])
        elif self.kind != command.PLACE:
            row = observe.order_by_id(columns, c["reference"])
        if row and (
            columns["order_market"][row] != c["market"]
            or columns["bucket_owner"][columns["order_bucket"][row]] != c["account"]
        ):
            row = 0
        if self.kind in (command.CANCEL, command.CANCEL_CLIENT):
            found = observe.order_of(columns, row) if row else None
            self.outcome = Outcome(cancel(self.end, found, c["market"]))
        elif self.kind == command.MODIFY:
            self._modify(row)
        elif c["flags"] & TRIGGERED == 0:
            self._place(None, 0)
        else:
            self._trigger()

    def _trigger(self) -> None:
        """An order that waits for the mark."""
        self.name = "POST_TRIGGER"
        wanted = place_trigger(self.columns, self.start, self.fields)
        if wanted is not None:
            self.outcome, self.look = Outcome(wanted.refusals), wanted.look

    def _modify(self, row: int) -> None:
        c, columns = self.fields, self.columns
        if row == 0:
            self.outcome = Outcome([code.UNKNOWN_ORDER])
            return
        order = observe.order_of(columns, row)
        if order.flags & TRIGGERED:
            return
        if c["client_high"] == 0 and c["client_low"] == 0:
            c["client_high"] = int(columns["order_client_high"][row])
            c["client_low"] = int(columns["order_client_low"][row])
        if (c["flags"] ^ order.flags) & command.SELL or (c["flags"] & command.REDUCE_ONLY and self._has_stops(order)):
            self.outcome = Outcome([code.BAD_FIELD])
            return
        same_name = (c["client_high"], c["client_low"]) == (
            int(columns["order_client_high"][row]),
            int(columns["order_client_low"][row]),
        )
        same = same_name and c["flags"] == order.flags and c["price"] == order.price
        if same and 0 < c["size"] <= order.size and is_plain(c):
            self._shrunk(order)
            return
        self._place(order, row)

    def _has_stops(self, order: Order) -> bool:
        """Whether stops are attached to an order, which then may not become reduce-only."""
        return any(stop.parent == order.id for stop in self.start.buckets[order.bucket].stops)

    def _shrunk(self, order: Order) -> None:
        """Fewer lots: the rest of the order stays where it is."""
        less, position = order.size - self.fields["size"], None
        if not order.flags & command.REDUCE_ONLY:
            position = self.end.buckets[order.bucket].positions[self.fields["market"]]
        if position is not None and order.flags & command.SELL:
            position.asks -= less
        elif position is not None:
            position.bids -= less
        self.outcome = Outcome([], rests=-1)

    def _place(self, replaced: Order | None, row: int) -> None:
        c, columns = self.fields, self.columns
        if not is_plain(c):
            self.outcome = Outcome([code.BAD_FIELD])
            return
        try:
            self.outcome = place(self.end, c, self._book(replaced, row))
        except Unclear:
            self.outcome = None
            self.name = "POST_ORDER"
        if self.outcome is not None and c["market"] >= int(columns["cell"][state.MARKETS]):
            self.outcome = Outcome([code.UNKNOWN_MARKET])

    def _book(self, replaced: Order | None, row: int) -> Book:
        c, columns = self.fields, self.columns
        account, market = c["account"], c["market"]
        side = -1 if c["flags"] & command.SELL else 1
        makers = observe.resting(columns, market, side, c["price"])
        if self._is_crowded():
            self.end.shared["is_crowded"] = 1
        for maker in makers:
            owner = self._see(maker.bucket).owner
            if owner >= 0:
                self._see(owner)
        linked = [number for other in observe.linked(columns, account) for number in observe.buckets_of(columns, other)]
        for number in linked:
            self._see(number)
        pool = self._see(observe.pool_of(columns, market, 0))
        target, is_new = self._target(replaced)
        position = self.end.buckets[target].positions.get(market) if target in self.end.buckets else None
        used = int(np.count_nonzero(columns["order_id"]))
        return Book(
            makers=makers,
            pool=pool,
            target=target,
            is_new=is_new,
            leverage=self._leverage(target) if position is None else position.leverage,
            client_order=self._named(account),
            replaced=replaced,
            linked=linked,
            free_orders=len(columns["order_id"]) - 1 - used,
            free_levels=len(columns["level_row"]) - 1 - int(np.count_nonzero(columns["level_place"])),
            free_slots=len(columns["slot_size"]) - 1 - int(columns["count"][2]),
            has_level=self._has_level(row),
        )

    def _is_crowded(self) -> bool:
        """Whether a stop that a fill arms may find no place to wait in."""
        columns, trails = self.columns, int(self.columns["trail_count"][self.fields["market"]])
        free = len(columns["level_row"]) - 1 - int(np.count_nonzero(columns["level_place"]))
        return free < 2 * FILLS_PER_COMMAND or trails + 2 * FILLS_PER_COMMAND > TRAILING_PER_MARKET

    def _named(self, account: int) -> int:
        row = observe.client_order(self.columns, account, self.fields["client_high"], self.fields["client_low"])
        return int(self.columns["order_id"][row]) if row else 0

    def _target(self, replaced: Order | None) -> tuple[int, bool]:
        """The bucket of the order, and whether it has to be made."""
        c, columns = self.fields, self.columns
        if replaced is not None:
            return replaced.bucket, False
        own = observe.isolated_of(columns, c["account"], c["market"])
        if own >= 0:
            return own, False
        if c["market"] in self.end.buckets[c["account"]].positions:
            return c["account"], False
        if not observe.setting(columns, c["account"], c["market"])[1]:
            return c["account"], False
        return observe.next_isolated(columns, c["account"]), True

    def _leverage(self, target: int) -> int:
        from seawall.terms.parameter import ISOLATED_LEVERAGE_CAP

        c = self.fields
        market = self.start.markets[c["market"]]
        chosen = observe.setting(self.columns, c["account"], c["market"])[0] or LEVERAGE_DEFAULT
        most = market.tiers[0][1]
        if target != c["account"]:
            most = min(most, market.params[ISOLATED_LEVERAGE_CAP])
        return min(chosen, most)

    def _has_level(self, row: int) -> bool:
        """Whether the order's price has a level already, or will get the one that its old self leaves."""
        c, columns = self.fields, self.columns
        wanted = 4 * c["market"] + (1 if c["flags"] & command.SELL else 0)
        rows = np.flatnonzero((columns["order_id"] != 0) & (columns["order_price"] == c["price"]))
        if (columns["level_row"][columns["order_level"][rows]] == wanted).any():
            return True
        level = int(columns["order_level"][row]) if row else 0
        return bool(level and columns["level_first"][level] == columns["level_last"][level])

    def after(self, done: Applied) -> list[Fault]:
        """What does not fit: the code, the fills, the figures, or a bystander."""
        number = int(done.codes[0])
        faults = self._code(number)
        if not faults and number == code.OK:
            faults = self._others(done) + self._generic(done)
            if self.look is not None:
                faults += [Fault(self.name, facts)] if (facts := self.look(self.columns)) else []
            elif self.outcome is not None:
                faults += self._fills(done) + self._figures()
        return [Fault(fault.name, f"{fault.facts}; {self._shown()}") for fault in faults]

    def _code(self, number: int) -> list[Fault]:
        """The code is OK when nothing forbids the command, else that of a rule that does."""
        right = self.shape + self.signing
        if number == code.OK and (right or (self.outcome is not None and self.outcome.refusals)):
            right += self.outcome.refusals if self.outcome is not None else []
            return [Fault("POST_REFUSED", f"accepted although: {_words(right)}")]
        if number == code.OK or number in right:
            return []
        if right:
            return [Fault("POST_ACCEPTED", f"refused with {number} {code.TEXT[number]} by {_words(right)}")]
        if self.outcome is None:
            is_signer = number in SIGNING and number not in BEYOND_SIGNING.get(self.kind, ())
            return [Fault("POST_ACCEPTED", f"signer refused with {number} {code.TEXT[number]}")] if is_signer else []
        if number not in self.outcome.refusals:
            words = _words(self.outcome.refusals) or "nothing"
            return [Fault("POST_ACCEPTED", f"refused with {number} {code.TEXT[number]}, the rule knows {words}")]
        return []

    def _fills(self, done: Applied) -> list[Fault]:
        """The fills that happened are those of the model, in their order."""
        if self.outcome is None or self.kind not in (command.PLACE, command.MODIFY):
            return []
        told = [(row["order"], row["other"], row["price"], row["size"]) for row in done.of_kind(event.FILL)]
        wanted = [(one.order, one.maker, one.price, one.size) for one in self.outcome.taken.fills]
        if told != wanted:
            return [Fault("POST_PRIORITY", f"fills {told[:4]}, wanted {wanted[:4]}")]
        fees = [row["amount"] for row in done.of_kind(event.FILL)]
        fees += [row["amount"] for row in done.of_kind(event.MAKER_FEE)]
        right = [one.fee for one in self.outcome.taken.fills]
        right += [one.maker_fee for one in self.outcome.taken.fills if one.maker_fee]
        if fees != right:
            return [Fault("POST_FEES", f"fees {fees[:6]}, wanted {right[:6]}")]
        rested = sum(row["size"] for row in done.of_kind(event.RESTED))
        if self.outcome.rests >= 0 and rested != self.outcome.rests:
            return [Fault("POST_ORDER", f"{rested} lots rest, wanted {self.outcome.rests}")]
        return []

    def _figures(self) -> list[Fault]:
        """Every bucket of the picture is as the model left it, settled or not."""
        columns = self.columns
        for number, wanted in self.end.buckets.items():
            real = observe.bucket_of(columns, number)
            if (wanted.kind == 0) != (real.kind == 0):
                return [Fault(self.name, f"bucket {number} is of kind {real.kind}, wanted {wanted.kind}")]
            settle(self.end, real)
            settle(self.end, wanted)
            if real.is_portfolio != wanted.is_portfolio:
                return [Fault("POST_PORTFOLIO", f"bucket {number} in portfolio margin: {real.is_portfolio}")]
            if real.ranges != wanted.ranges:
                return [Fault("POST_COLLATERAL", f"bucket {number} has {real.ranges}, wanted {wanted.ranges}")]
            if real.holdings != wanted.holdings:
                return [Fault("POST_COLLATERAL", f"bucket {number} holds {real.holdings}, wanted {wanted.holdings}")]
            if real.raw != wanted.raw:
                return [Fault(self.name, f"cash of bucket {number} is {real.raw}, wanted {wanted.raw}")]
            for market in sorted(real.positions.keys() | wanted.positions.keys()):
                left, right = real.positions.get(market), wanted.positions.get(market)
                if left != right:
                    return [Fault(self.name, f"bucket {number} market {market}: {left}, wanted {right}")]
        faults = self._funds()
        if faults:
            return faults
        cell = columns["cell"]
        for number, word in COMPARED.items():
            if int(cell[number]) != self.end.cells[number]:
                return [Fault(self.name, f"{word} is {cell[number]}, wanted {self.end.cells[number]}")]
        return []

    def _funds(self) -> list[Fault]:
        """Insurance and shares."""
        columns, c = self.columns, self.fields
        for number, market in self.end.markets.items():
            if int(columns["market_insurance"][number]) != market.insurance:
                facts = f"insurance {number} is {columns['market_insurance'][number]}, wanted {market.insurance}"
                return [Fault("POST_INSURANCE", facts)]
            if int(columns["market_advanced"][number]) != market.advanced:
                facts = f"advanced {number} is {columns['market_advanced'][number]}, wanted {market.advanced}"
                return [Fault(self.name, facts)]
        if "minted" in self.end.shared:
            held = margin_facts(columns, c)["held"]
            if held - self.end.shared["held"] != self.end.shared["minted"]:
                facts = f"shares {self.end.shared['held']} became {held}, wanted {self.end.shared['minted']} more"
                return [Fault("POST_POOL", facts)]
        return []

    def _others(self, done: Applied) -> list[Fault]:
        """Nobody but those the command may touch has moved."""
        touched = np.zeros(len(self.raw), bool)
        touched[list(self.end.buckets)] = True
        met = done.events[IS_MEETING[done.events[:, KIND]]]
        for column in (BUCKET, OTHER):
            touched[met[:, column][met[:, column] >= 0]] = True
        moved = (self.columns["bucket_raw"] != self.raw) | (sizes_of(self.columns) != self.sizes).any(axis=1)
        if self.kind in ALONE and (wrong := np.flatnonzero(moved & ~touched)).size:
            return [Fault("POST_OTHERS", f"bucket {wrong[0]} moved")]
        return []

    def _generic(self, done: Applied) -> list[Fault]:
        """What holds of any accepted order: limits, reduce-only, and no risk added below initial margin."""
        if self.kind not in (command.PLACE, command.MODIFY):
            return []
        c = self.fields
        side = -1 if c["flags"] & command.SELL else 1
        is_triggered = bool(c["flags"] & TRIGGERED)
        lots = 0
        for row in done.of_kind(event.FILL):
            lots += abs(row["size"])
            if not is_triggered and (row["price"] - c["price"]) * side > 0:
                return [Fault("POST_ORDER", f"filled at {row['price']}, the limit is {c['price']}")]
        if not is_triggered and lots > c["size"]:
            return [Fault("POST_ORDER", f"{lots} lots filled of {c['size']}")]
        if c["flags"] & command.REDUCE_ONLY and (faults := self._reduced()):
            return faults
        numbers = [n for n in observe.buckets_of(self.columns, c["account"]) if n in self.start.buckets]
        befores = [health(self.start, self.start.buckets[number]) for number in numbers]
        for number, market in self.end.markets.items():  # a fill is judged at the open interest that it leaves
            market.open_interest = int(self.columns["market_open"][number])
        for number, before in zip(numbers, befores, strict=True):
            now = health(self.end, observe.bucket_of(self.columns, number))
            if not may_become(before, now) and not self._drawn(number):
                return [Fault("POST_RISK", f"bucket {number}: {before} became {now}")]
        return []

    def _drawn(self, number: int) -> bool:
        """Whether cash of this cross bucket went into its isolated ones, within what may leave it."""
        return number == self.fields["account"] and int(self.columns["bucket_raw"][number]) < int(self.raw[number])

    def _reduced(self) -> list[Fault]:
        market = self.fields["market"]
        for number in self.start.buckets:
            if self.start.buckets[number].owner != self.fields["account"]:
                continue
            before, now = int(self.sizes[number, market]), int(sizes_of(self.columns)[number, market])
            if abs(now) > abs(before) or before * now < 0:
                return [Fault("POST_REDUCE_ONLY", f"bucket {number}: {before} lots became {now}")]
        return []

    def _shown(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.fields.items() if value)


COLLATERAL: Final = model_collateral.JUDGES | model_liquidity.JUDGES
PLAIN: Final = model_people.JUDGES | model_admin.JUDGES | model_assets.JUDGES
MEETING: Final = (
    event.FILL,
    event.MAKER_FEE,
    event.ISOLATED_RETURNED,
    event.MOVED,
    event.SHARES,
    event.POSITION_MOVED,
    event.ASSET_SOLD,
    event.INTEREST,
    event.RANGE_UNWOUND,
)
IS_MEETING: Final = np.isin(np.arange(KINDS), MEETING)  # by the number of the event
ALONE: Final = frozenset(
    kind for kind in command.FIELDS if kind not in (command.TICK, command.ORACLE, command.FUNDING, command.LIQUIDATE)
)
