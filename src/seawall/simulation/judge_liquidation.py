"""One LIQUIDATE against the model: who was due, at what price, for what fee, in what order of stages, and who paid."""

from typing import Any, Final

import numpy as np

from seawall.engine.venue import Applied
from seawall.ledger import state
from seawall.margin import trigger_state
from seawall.simulation import observe
from seawall.simulation.model import Bucket, Health, Picture, health, may_become, settle
from seawall.simulation.model_liquidation import Closing, closing_of, gate_limit, is_as_covered, is_low, worst_price
from seawall.simulation.properties import Fault
from seawall.terms import command, event, parameter
from seawall.terms.limits import NOTIONAL_MAX

Row = dict[str, int]
FORCED: Final = (
    event.LIQUIDATION,
    event.LIQUIDATION_CANCELS,
    event.LIQUIDATION_FILL,
    event.BACKSTOP,
    event.ADL,
)
LARGE: Final = 1 << 20  # bytes of a column that is an index or the events: not read here
PAYERS: Final = (
    event.INSURANCE,
    event.INTEREST,
    event.SOCIALISED,
    -1,
)
CLOSES: Final = (event.LIQUIDATION_FILL, event.BACKSTOP, event.ADL)


class Liquidation:
    """The columns before one LIQUIDATE, and the judgement of what it did."""

    def __init__(self, columns: Any) -> None:
        """Keeps a copy of all that is read later: whom the work will touch shows only afterwards."""
        self.before: Any = {name: column.copy() for name, column in columns.items() if column.nbytes < LARGE}

    def judge(self, columns: Any, done: Applied) -> list[Fault]:
        """What does not fit. Right for one unit of work on one bucket; more units are judged by their first."""
        rows = [dict(zip(event.ROW, row, strict=True)) for row in done.events.tolist()]
        forced = [row for row in rows if row["kind"] in FORCED]
        faults = self._shared_loss(rows)
        if not forced or len({row["bucket"] for row in forced}) != 1:
            return faults
        number = forced[0]["bucket"]
        picture = observe.picture_of(self.before, [number])
        settle(picture, bucket := picture.buckets[number])
        self._topped_up(picture, bucket, rows)
        faults += self._due(picture, bucket, rows)
        after = observe.picture_of(columns, [number])
        for row in rows:
            if row["kind"] == event.LIQUIDATION_FILL:
                faults += self._filled(picture, bucket, row, rows, after)
            elif row["kind"] == event.BACKSTOP:
                faults += self._backstopped(picture, bucket, row, columns)
        faults += self._deleveraged(picture, bucket, rows)
        faults += self._paid(picture, bucket, rows)
        return faults

    def _topped_up(self, picture: Picture, bucket: Bucket, rows: list[Row]) -> None:
        """Cash that came from the owner's cross bucket before anything was closed."""
        for row in rows:
            if row["kind"] == event.MOVED and row["other"] == bucket.number:
                bucket.raw += row["amount"]
        assert picture.buckets[bucket.number] is bucket

    def _due(self, picture: Picture, bucket: Bucket, rows: list[Row]) -> list[Fault]:
        """Below maintenance, or on the way to liquidation end; in a market that is fresh and open."""
        now = health(picture, bucket)
        needed = now.end if bucket.is_liquidating else now.maintenance
        if now.equity >= needed:
            return [Fault("POST_LIQUIDATION_DUE", f"bucket {bucket.number} had {now.equity} of {needed} needed")]
        for row in rows:
            if row["kind"] in CLOSES:
                market = picture.markets[row["market"]]
                status = max(market.status, int(self.before["cell"][state.VENUE_STATUS]))
                if not market.is_fresh or not command.ACTIVE <= status <= command.REDUCING:
                    return [Fault("POST_LIQUIDATION_DUE", f"market {row['market']}: {status}, fresh {market.is_fresh}")]
        return []

    def _filled(self, picture: Picture, bucket: Bucket, row: Row, rows: list[Row], after: Picture) -> list[Fault]:
        """A fill on the book: its price, its fee, and what it did to the bucket."""
        number, fills = row["market"], [one for one in rows if one["kind"] == event.FILL]
        closing = closing_of(picture, bucket, number)
        lots, value = abs(row["size"]), sum(abs(one["size"]) * one["price"] for one in fills)
        limit = worst_price(picture, bucket, number, row["other"])
        for one in fills:
            if (one["price"] - limit) * closing.side > 0 or one["size"] * closing.side <= 0:
                return [
                    Fault("POST_LIQUIDATION_PRICE", f"bucket {bucket.number} closed at {one['price']}, worst {limit}")
                ]
        if lots != sum(abs(one["size"]) for one in fills) or lots > closing.held:
            return [Fault("POST_LIQUIDATION_ENOUGH", f"{lots} lots closed of {closing.held}")]
        if row["order"] != closing.bankruptcy_price(row["other"]):
            return [
                Fault(
                    "POST_LIQUIDATION_PRICE",
                    f"receipt says {row['order']}, b is {closing.bankruptcy_price(row['other'])}",
                )
            ]
        if row["amount"] != closing.fee(lots, value):
            return [Fault("POST_LIQUIDATION_FEE", f"fee {row['amount']}, wanted {closing.fee(lots, value)}")]
        now = health(after, after.buckets[bucket.number]) if bucket.number in after.buckets else closing.now
        if not is_as_covered(closing.now, now) and not self._is_flat(after, bucket):
            return [Fault("POST_LIQUIDATION_BETTER", f"bucket {bucket.number}: {closing.now} became {now}")]
        return self._not_too_much(picture, closing, row, fills)

    def _is_flat(self, after: Picture, bucket: Bucket) -> bool:
        return not any(held.size for held in after.buckets[bucket.number].positions.values())

    def _not_too_much(self, picture: Picture, closing: Closing, row: Row, fills: list[Row]) -> list[Fault]:
        """In the minimal mode one lot less would not have been enough, unless the rest was dust."""
        lots = abs(row["size"])
        dust = closing.market.params[parameter.DUST_NOTIONAL]
        if picture.policy[parameter.PARTIAL_MODE] != parameter.MINIMAL or lots == closing.held or lots < 2:
            return []
        if closing.held * closing.market.mark <= dust or any(one["order"] == 0 for one in fills):
            return []  # the pool's price depends on how many lots it sells
        value = sum(abs(one["size"]) * one["price"] for one in fills) - fills[-1]["price"]
        if closing.is_enough(lots - 1, value):
            return [Fault("POST_LIQUIDATION_ENOUGH", f"{lots - 1} lots would have been enough of {closing.held}")]
        return []

    def _backstopped(self, picture: Picture, bucket: Bucket, row: Row, columns: Any) -> list[Fault]:
        """The vault took at b (at mark from a debtor), within its cap and its own margin, and not before its turn."""
        closing, lots = closing_of(picture, bucket, row["market"]), abs(row["size"])
        wanted = closing.market.mark if closing.now.equity < 0 else closing.bankruptcy_price(lots)
        if row["price"] != wanted or row["size"] * closing.side <= 0 or lots > closing.held:
            return [Fault("POST_LIQUIDATION_PRICE", f"backstop took {lots} at {row['price']}, wanted {wanted}")]
        vault = observe.pool_of(self.before, row["market"], 1)
        before, after = observe.picture_of(self.before, [vault]), observe.picture_of(columns, [vault])
        was, now = health(before, before.buckets[vault]), health(after, after.buckets[vault])
        cap = closing.market.params[parameter.BACKSTOP_CAP]
        if row["other"] != vault or not may_become(was, now):
            return [Fault("POST_WATERFALL", f"vault {vault}: {was} became {now}")]
        if now.notional > max(cap, was.notional):
            return [Fault("POST_WATERFALL", f"vault {vault} holds {now.notional}, cap {cap}")]
        if not is_low(picture, closing.now) and self._could_fill(picture, bucket, row["market"], columns):
            return [Fault("POST_WATERFALL", f"the backstop took from bucket {bucket.number} what the book would have")]
        return []

    def _could_fill(self, picture: Picture, bucket: Bucket, number: int, columns: Any) -> bool:
        """Whether an order stood, and still stands, within the limit of closing any number of lots there."""
        closing = closing_of(picture, bucket, number)
        if picture.policy[parameter.PARTIAL_COOLDOWN_MS] or not self._has_capacity(closing, number):
            return False
        limits = [worst_price(picture, bucket, number, lots) for lots in (1, closing.held)]
        limit = min(limits) if closing.side > 0 else max(limits)
        for order in observe.resting(columns, number, closing.side, limit):
            if observe.order_by_id(self.before, order.id) and self._is_other(columns, bucket, order.bucket):
                return True
        return False

    def _is_other(self, columns: Any, bucket: Bucket, maker: int) -> bool:
        owner = int(columns["bucket_owner"][maker])
        if columns["bucket_liquidating"][maker] or owner < 0 or bucket.owner < 0:
            return False
        return bool(columns["account_master"][owner] != columns["account_master"][bucket.owner])

    def _has_capacity(self, closing: Closing, number: int) -> bool:
        most = closing.market.params[parameter.LIQUIDATION_CAPACITY]
        return most - int(self.before["market_capacity_used"][number]) >= closing.held * closing.market.mark

    def _deleveraged(self, picture: Picture, bucket: Bucket, rows: list[Row]) -> list[Fault]:
        """ADL: one price, the other side only, no more lots than there were, and nobody made unhealthy."""
        closed = [row for row in rows if row["kind"] == event.ADL]
        if not closed:
            return []
        number = closed[0]["market"]
        closing = closing_of(picture, bucket, number)
        if len({(row["price"], row["market"]) for row in closed}) != 1:
            return [Fault("POST_ADL", "more than one price")]
        lots = sum(abs(row["size"]) for row in closed)
        if lots > closing.held or any(row["size"] * closing.side <= 0 for row in closed):
            return [Fault("POST_ADL", f"{lots} lots closed of {closing.held}")]
        for row in closed:
            cuts = [one for one in rows if one["kind"] == event.SOCIALISED and one["bucket"] == row["other"]]
            faults = self._winner(row, number, closing, sum(one["amount"] for one in cuts))
            if faults:
                return faults
        return self._vault_first(bucket, closing, number)

    def _winner(self, row: Row, number: int, closing: Closing, cut: int) -> list[Fault]:
        """One counterparty, which a socialised loss has cost `cut` just before."""
        picture = observe.picture_of(self.before, [row["other"]])
        winner = picture.buckets[row["other"]]
        held = winner.positions[number].size if number in winner.positions else 0
        if held * closing.side <= 0 or abs(row["size"]) > abs(held):
            return [Fault("POST_ADL", f"bucket {row['other']} had {held} lots, {row['size']} closed against it")]
        winner.raw -= cut
        was = health(picture, winner)
        now = Health(row["equity"], 0, row["maintenance"], 0, 0, 0, 0, 0)
        if was.equity >= was.maintenance and now.equity < now.maintenance:
            return [Fault("POST_ADL_WINNER", f"bucket {row['other']}: {was} became {now}")]
        now.maintenance = max(0, now.maintenance - 1)  # a sum rounded up says little of a few micro-USD
        if not is_as_covered(was, now):
            return [Fault("POST_ADL_WINNER", f"bucket {row['other']} is less covered: {was} became {now}")]
        return []

    def _vault_first(self, bucket: Bucket, closing: Closing, number: int) -> list[Fault]:
        """Whether the vault could have taken a lot before anybody was deleveraged."""
        vault = observe.pool_of(self.before, number, 1)
        if closing.now.equity < 0 or bucket.number == vault:
            return []
        seen = observe.picture_of(self.before, [vault])
        taker = seen.buckets[vault]
        held = -closing.side * taker.positions[number].size if number in taker.positions else 0
        cap = closing.market.params[parameter.BACKSTOP_CAP] // closing.market.mark
        room = min(cap, NOTIONAL_MAX // closing.market.price_max) - held
        if taker.is_liquidating or taker.is_queued or room < closing.held:
            return []
        was = health(seen, taker)
        if was.equity_initial >= was.initial + 3 * closing.held * closing.market.mark:
            return [Fault("POST_WATERFALL", f"deleveraged although vault {vault} had room and margin: {was}")]
        return []

    def _paid(self, picture: Picture, bucket: Bucket, rows: list[Row]) -> list[Fault]:
        """Insurance pays debts only, each market for itself, within the claim cap."""
        for row in rows:
            if row["kind"] != event.INSURANCE or row["other"] != event.DEFICIT:
                continue
            market = picture.markets[row["market"]]
            if row["market"] not in bucket.positions and bucket.market not in (-1, row["market"]):
                return [Fault("POST_INSURANCE", f"market {row['market']} paid for bucket {bucket.number}")]
            if -row["amount"] > min(market.insurance, market.params[parameter.CLAIM_CAP]):
                return [Fault("POST_INSURANCE", f"{-row['amount']} paid, fund {market.insurance}")]
        return self._isolated(bucket, rows)

    def _isolated(self, bucket: Bucket, rows: list[Row]) -> list[Fault]:
        """The owner's other buckets give nothing but a top-up, which is told as such."""
        if bucket.market < 0 or bucket.owner < 0:
            return []
        for row in rows:
            if row["kind"] == event.MOVED and row["bucket"] == bucket.owner and row["other"] != bucket.number:
                return [Fault("POST_ISOLATED_LOSS", f"cash left bucket {bucket.owner} for {row['other']}")]
            if row["kind"] == event.DEFICIT and row["other"] not in PAYERS:
                return [
                    Fault("POST_ISOLATED_LOSS", f"{row['other']} paid for {bucket.number}, which is none of {PAYERS}")
                ]
        return []

    def _shared_loss(self, rows: list[Row]) -> list[Fault]:
        """Haircuts are of profit only, pro rata to the unit."""
        cuts = [row for row in rows if row["kind"] == event.SOCIALISED]
        for row in cuts:
            picture = observe.picture_of(self.before, [row["bucket"]])
            position = picture.buckets[row["bucket"]].positions.get(row["market"])
            market = picture.markets[row["market"]]
            profit = 0 if position is None else position.size * market.mark - position.entry
            if not 0 < row["amount"] <= profit:
                return [
                    Fault("POST_SOCIALISED", f"bucket {row['bucket']} with profit {profit} was cut by {row['amount']}")
                ]
        total = sum(row["order"] for row in cuts)
        cut = sum(row["amount"] for row in cuts)
        for row in cuts:
            if abs(row["amount"] * total - cut * row["order"]) > 2 * total and not self._was_sharing():
                return [Fault("POST_SOCIALISED", f"{row['amount']} of {cut} for profit {row['order']} of {total}")]
        return []

    def _was_sharing(self) -> bool:
        return bool(self.before["cell"][state.SOCIAL_MARKET])


def waits(columns: Any) -> bool:
    """Whether a bucket is queued or waits to be measured, or a loss waits to be shared out."""
    waiting = columns["cell"][state.QUEUED] or columns["count"][trigger_state.FIRED]
    return bool(waiting or np.any(columns["market_short"]))


__all__ = ["Liquidation", "gate_limit", "waits"]
