"""Putting a population into a venue: markets listed and opened, accounts funded, positions traded against one maker.

Account 0 is the market maker; accounts 1..MAKERS take the other side of the opening; the population follows.
Every row goes through the engine like anybody's, so a rule set that asks for more margin than an account has opens less
(`fitted`). Prices are put on the order grid: five significant figures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows, rows_of
from seawall.engine.venue import Applied, Venue
from seawall.lab.history import Array, Ints
from seawall.lab.levels import least_initial
from seawall.lab.listing import listing_fields, parameter_fields
from seawall.lab.population import Population
from seawall.ledger import state
from seawall.terms import code, command, limits, parameter
from seawall.terms.market import Market
from seawall.units import RATE_ONE, BadInput

MAKER: Final = 0
MAKERS: Final = 64
FIRST_OWNER: Final = MAKERS + 1
MAKER_USD_MICRO: Final = 2**53  # a deposit of a maker
MAKER_DEPOSITS: Final = 2
CHUNK: Final = 65_536  # rows of one batch


@dataclass(frozen=True, eq=False, kw_only=True)
class Opened:
    """What of a population was opened."""

    size: Ints  # [P] lots that were opened, signed: what the rule set allowed
    notional: Ints  # [P] what they were worth then, micro-USD
    margin: Ints  # [P] least initial margin of that, micro-USD
    bucket: Ints  # [A] the venue's bucket of each of the population's


def on_grid(price: Ints) -> Ints:
    """Prices rounded to five significant figures, at least 1: what an order may carry."""
    power = np.maximum(np.floor(np.log10(np.maximum(price, 1))).astype(np.int64) - 4, 0)
    unit = 10**power
    rounded: Ints = np.maximum((price + unit // 2) // unit * unit, 1)
    return rounded


def fitted(people: Population, markets: tuple[Market, ...]) -> tuple[Ints, Ints]:
    """([P] lots, [P] leverages) the population opens under these markets' margins: smaller where equity falls short.

    Equity must pay for the step from the price to the order grid too, which a position loses or gains at once.
    """
    price = people.price[people.market]
    starts, equity = people.offsets[:-1], equity_of(people)
    notional = np.abs(people.size) * price
    asked = np.maximum(least_initial(markets, people.market, notional), -(-notional // people.leverage))
    step = np.abs(people.size) * np.abs(on_grid(people.price) - people.price)[people.market]
    needed = np.add.reduceat(asked + 2 * step, starts)
    share = np.minimum(1.0, 0.995 * equity / np.maximum(needed, 1))
    share = np.where(needed <= equity, 1.0, share)
    counts = np.diff(people.offsets)
    lots = np.floor(np.abs(people.size) * np.repeat(share, counts)).astype(np.int64)
    largest = np.array([terms.size_max // 4 for terms in markets])[people.market]  # the maker holds the other side
    lots = np.sign(people.size) * np.minimum(lots, largest)
    most = np.array([terms.max_leverage for terms in markets])[people.market]
    return lots, np.minimum(people.leverage, most)


def listing_rows(markets: tuple[Market, ...], venue: dict[int, int], market: dict[int, int]) -> Rows:
    """Rows that list the markets closed and set every parameter."""
    whole = {parameter.OUTAGE_MS: parameter.DAY_MS, **venue}  # a bar may be hours long: that is no outage
    rows = parameter_fields(-1, whole)
    for number, terms in enumerate(markets):
        open_values = {
            parameter.OPEN_INTEREST_CAP: limits.NOTIONAL_MAX,
            parameter.POSITION_CAP: limits.NOTIONAL_MAX,
            parameter.INITIAL_LIVE: terms.initial_live,
            parameter.TAKER_FEE: 0,
            parameter.MAKER_FEE: 0,
            parameter.PRICE_BAND: RATE_ONE,
            parameter.ORACLE_QUORUM: 1,
            parameter.ORACLE_AGE_MS: parameter.HOUR_MS,
            parameter.ORACLE_STEP: RATE_ONE,
            parameter.ORACLE_DEVIATION: RATE_ONE,
            **market,
        }
        rows += [*listing_fields(number, terms), *parameter_fields(number, open_values)]
        rows.append({"kind": command.SET_SOURCE, "signer": command.ADMIN, "market": number, "other": 0, "size": 1})
    return rows_of(rows)


def blank(count: int, kind: int, signer: Ints | int) -> Rows:
    """`count` rows of a kind."""
    rows = np.zeros(count, ROW_TYPE)
    rows["kind"], rows["signer"] = kind, signer
    return rows


class Feed:
    """A venue and the nonces of what is fed to it: every row that an account signs gets the next one."""

    def __init__(self, venue: Venue, start_ms: int) -> None:
        self.venue = venue
        self._nonce = start_ms

    def apply(self, rows: Rows) -> Applied:
        """Stamps and applies rows."""
        own = rows["signer"] >= 0
        count = int(own.sum())
        rows["nonce"][own] = np.arange(self._nonce + 1, self._nonce + 1 + count)
        self._nonce += count
        return self.venue.apply(rows)


def must(feed: Feed, rows: Rows, what: str) -> None:
    """Applies rows that may not be refused. BadInput naming the first that was."""
    for first in range(0, len(rows), CHUNK):
        part = rows[first : first + CHUNK]
        codes = feed.apply(part).codes
        if codes.any():
            place = int(np.flatnonzero(codes)[0])
            raise BadInput(what, f"row {first + place}: {code.TEXT[int(codes[place])]} ({part[place]})")


def open_population(
    feed: Feed, people: Population, markets: tuple[Market, ...], seed: int, standing: Array | None = None
) -> Opened:
    """Opens every position that the rule set allows, at the opening prices, but those of buckets not `standing` [A].

    All accounts are funded and have their leverages. Fees are zero.
    """
    lots, leverage = fitted(people, markets)
    price = people.price[people.market]
    counts = np.diff(people.offsets)
    bucket_of = np.repeat(np.arange(people.buckets), counts)
    account = people.owner[bucket_of].astype(np.int64) + FIRST_OWNER
    alone = people.isolated[bucket_of]
    if standing is not None:
        lots = np.where(standing[bucket_of], lots, 0)
    _fund(feed, people, equity_of(people))
    rows = blank(len(lots), command.SET_LEVERAGE, account)
    rows["account"], rows["market"], rows["size"] = account, people.market, leverage
    rows["flags"] = np.where(alone, command.ISOLATED, 0)
    must(feed, rows, "opening: leverage")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(lots))
    order = order[lots[order] != 0]
    entry = on_grid(people.price)[people.market]
    held = np.zeros((MAKERS, len(markets)), np.int64)
    for chosen in (order[alone[order]], order[~alone[order]]):
        rows_here = _alternating(chosen, people.market, lots)
        makers = _makers(people.market[rows_here], lots[rows_here], held)
        _trade(feed, makers, account[rows_here], people.market[rows_here], lots[rows_here], entry[rows_here])
        if len(rows_here) and alone[rows_here[0]]:
            lift_isolated(feed, rows_here, people)
    notional = np.abs(lots) * price
    margin = least_initial(markets, people.market, notional)
    return Opened(size=lots, notional=notional, margin=margin, bucket=buckets_of(feed.venue, people))


def equity_of(people: Population) -> Ints:
    """[A] micro-USD that each bucket brings."""
    value = people.size * people.price[people.market]
    equity: Ints = people.raw_usd + np.add.reduceat(value, people.offsets[:-1])
    return equity


def _fund(feed: Feed, people: Population, equity: Ints) -> None:
    """Creates every account and pays in the equity of its buckets."""
    rows = blank(FIRST_OWNER + people.accounts, command.CREATE_ACCOUNT, command.SEQUENCER)
    rows["address_0"], rows["address_2"] = 1, np.arange(1, len(rows) + 1)
    must(feed, rows, "opening: accounts")
    owned = np.zeros(people.accounts, np.int64)
    np.add.at(owned, people.owner, equity)
    rich = np.flatnonzero(owned > 0)
    maker = blank(MAKER_DEPOSITS * FIRST_OWNER, command.DEPOSIT, command.BRIDGE)
    maker["amount"], maker["account"] = MAKER_USD_MICRO, np.arange(len(maker)) % FIRST_OWNER
    parts = [maker]
    left = owned[rich]
    while len(rich):  # an amount above one deposit's limit is paid in several
        rows = blank(len(rich), command.DEPOSIT, command.BRIDGE)
        rows["account"], rows["amount"] = rich + FIRST_OWNER, np.minimum(left, limits.AMOUNT_MAX)
        parts.append(rows)
        rich, left = rich[left > limits.AMOUNT_MAX], (left - limits.AMOUNT_MAX)[left > limits.AMOUNT_MAX]
    rows = np.concatenate(parts)
    rows["reference"] = np.arange(1, len(rows) + 1)
    must(feed, rows, "opening: deposits")


def _makers(market: Ints, lots: Ints, held: Ints) -> Ints:
    """Which maker takes the other side of each trade: the one that is furthest the other way. `held` [M, S] follows."""
    chosen = np.zeros(len(lots), np.int64)
    for place, (number, size) in enumerate(zip(market.tolist(), lots.tolist(), strict=True)):
        column = held[:, number]
        best = int(column.argmax() if size > 0 else column.argmin())
        column[best] -= size
        chosen[place] = 1 + best
    return chosen


def _trade(feed: Feed, makers: Ints, account: Ints, market: Ints, lots: Ints, price: Ints) -> None:
    """A maker offers exactly what each position needs, then its owner takes it."""
    rows = blank(2 * len(lots), command.PLACE, np.repeat(makers, 2))
    rows["account"] = rows["signer"]
    rows["market"], rows["price"], rows["size"] = np.repeat(market, 2), np.repeat(price, 2), np.repeat(abs(lots), 2)
    rows["flags"][::2] = np.where(lots > 0, command.SELL, 0)
    rows["flags"][1::2] = np.where(lots > 0, 0, command.SELL) | command.IOC
    rows["account"][1::2] = rows["signer"][1::2] = account
    must(feed, rows, "opening: positions")


def _alternating(rows: Ints, market: Ints, lots: Ints) -> Ints:
    """The rows with buys and sells of a market taking turns by lots, so that the maker never holds much."""
    size, place = np.abs(lots[rows]), market[rows].astype(np.int64)
    done = np.zeros(len(rows), np.int64)
    for side in (lots[rows] > 0, lots[rows] < 0):
        for number in np.unique(place[side]):
            here = np.flatnonzero(side & (place == number))
            done[here] = np.cumsum(size[here]) - size[here] // 2
    return rows[np.argsort(done, kind="stable")]


def lift_isolated(feed: Feed, rows_here: Ints, people: Population) -> None:
    """Moves into each isolated bucket what its owner holds there beyond the initial margin."""
    columns, equity = feed.venue.columns, equity_of(people)
    bucket_of = np.searchsorted(people.offsets, rows_here, side="right") - 1
    account = people.owner[bucket_of].astype(np.int64) + FIRST_OWNER
    first = columns["account_isolated"][account]
    held = np.zeros(len(rows_here), np.int64)
    bucket = first.astype(np.int64) - 1
    waiting = np.arange(len(rows_here))
    while len(waiting):  # at most ISOLATED_PER_ACCOUNT
        here = bucket[waiting]
        found = columns["bucket_market"][here] == people.market[rows_here[waiting]]
        held[waiting[found]] = columns["bucket_raw"][here[found]]
        slot = columns["bucket_first"][here[found]]
        value = columns["slot_size"][slot] * columns["market_price"][people.market[rows_here[waiting[found]]]]
        held[waiting[found]] += value
        waiting = waiting[~found]
        bucket[waiting] = columns["bucket_next"][bucket[waiting]].astype(np.int64) - 1
    more = equity[bucket_of] - held
    lifted = more > 0
    rows = blank(int(lifted.sum()), command.ISOLATED_MARGIN, account[lifted])
    rows["account"], rows["market"] = account[lifted], people.market[rows_here[lifted]]
    rows["amount"] = np.minimum(more[lifted], columns["bucket_raw"][rows["account"]])
    feed.apply(rows[rows["amount"] > 0])  # the last of several may find less: the order grid is not the index


def buckets_of(venue: Venue, people: Population) -> Ints:
    """[A] the venue's bucket of each of the population's buckets; -1 where nothing was opened in isolation."""
    found = people.owner.astype(np.int64) + FIRST_OWNER
    alone = np.flatnonzero(people.isolated)
    columns = venue.columns
    market = people.market[people.offsets[alone]]
    bucket = columns["account_isolated"][found[alone]].astype(np.int64) - 1
    for _ in range(limits.ISOLATED_PER_ACCOUNT):
        wrong = (bucket >= 0) & (columns["bucket_market"][bucket] != market)
        if not wrong.any():
            break
        bucket[wrong] = columns["bucket_next"][bucket[wrong]].astype(np.int64) - 1
    found[alone] = bucket
    return found


def capacity_for(people: Population) -> state.Capacity:
    """The named capacity that holds the population. BadInput when none does."""
    needed = {
        "accounts": people.accounts + FIRST_OWNER,
        "isolated": int(people.isolated.sum()) + 1,
        "positions": people.positions + 4 * len(people.markets),
        "markets": len(people.markets),
    }
    for named in (state.SMALL, state.VENUE):
        if all(getattr(named, name) >= value for name, value in needed.items()):
            return named
    room = ", ".join(f"{name} {value:,} of {getattr(state.VENUE, name):,}" for name, value in needed.items())
    raise BadInput("accounts", f"the population does not fit one margin domain: {room}")
