"""What a mirror makes of money that moves, of accounts, and of what the office and the markets do (see mirror.py)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from seawall.terms import command, event
from seawall.venue.mirror_trades import (
    AMOUNT,
    BUCKET,
    CODE,
    FIELD,
    HIGH,
    KIND,
    LOW,
    MARKET,
    MARKET_OF,
    ORDER,
    OTHER,
    PRICE,
    SIZE,
    Values,
    note,
)
from seawall.venue.names import address_from, name_from
from seawall.venue.people import SPOT_NAME, Agent
from seawall.venue.records import NOBODY, Change, Entry, Listed, Owner, Pooled, Step
from seawall.venue.universe import Listing

if TYPE_CHECKING:
    from seawall.venue.mirror import Mirror

SIGNER, DECIMALS, PRICE_MAX = FIELD["signer"], FIELD["other"], FIELD["price"]
ADDRESS: Final = tuple(FIELD[f"address_{part}"] for part in range(3))

ENTRIES: Final = {
    "deposit": "came in over the bridge",
    "withdraw": "frozen to be paid out",
    "withdrawn": "paid out: nothing moves, the amount left when it was frozen",
    "returned": "a withdrawal that was not paid",
    "send": "to another owner's account",
    "receive": "from another owner's account",
    "sub": "between accounts of one owner",
    "spot": "between margin and what an owner holds outside it",
    "isolated": "between cross and an isolated position: the account as a whole has what it had",
    "pool": "into a pool or out of it",
    "insurance": "into an insurance fund or out of it",
    "liquidationFee": "to the insurance fund, for a liquidation",
    "deficit": "negative cash that somebody made good",
    "collateral": "for lots of collateral bought or sold, or of liquidity removed",
    "interest": "on USD borrowed against collateral",
    "unwind": "liquidity of a position is to be removed: no cash moves",
    "lots": "collateral that came or went: no cash moves",
    "socialised": "unrealised profit given up for a loss of the market: no cash moves",
}


def _entry(
    mirror: "Mirror", account: int, kind: str, amount: int, other: int, market: int, reference: int, paid: bytes = b""
) -> None:
    if account == NOBODY:
        return
    mirror.news.touched.add(account)
    mirror.news.entries.append(
        Entry(
            time=mirror.now,
            sequence=mirror.at.sequence,
            account=account,
            kind=kind,
            amount=amount,
            other=other,
            market=market,
            reference=reference,
            address=paid,
        )
    )


def _deposited(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, values[BUCKET], "deposit", values[AMOUNT], NOBODY, NOBODY, values[ORDER])


def _withdrawal(mirror: "Mirror", values: Values) -> None:
    row, account = mirror.at.row, values[BUCKET]
    words = (row[ADDRESS[0]], row[ADDRESS[1]], row[ADDRESS[2]])
    paid = address_from(words) if any(words) else mirror.people.persons[account].address
    mirror.payees[values[ORDER]] = paid
    _entry(mirror, account, "withdraw", -values[AMOUNT], values[OTHER], NOBODY, values[ORDER], paid)


def _withdrawn(mirror: "Mirror", values: Values) -> None:
    paid = mirror.payees.pop(values[ORDER], b"")
    _entry(mirror, values[BUCKET], "withdrawn", 0, NOBODY, NOBODY, values[ORDER], paid)


def _returned(mirror: "Mirror", values: Values) -> None:
    mirror.payees.pop(values[ORDER], None)
    _entry(mirror, values[BUCKET], "returned", values[AMOUNT], NOBODY, NOBODY, values[ORDER])


def _moved(mirror: "Mirror", values: Values) -> None:
    giver, taker, amount = values[BUCKET], values[OTHER], values[AMOUNT]
    if giver >= mirror.accounts or taker >= mirror.accounts:
        owner = mirror.owner_of(giver)
        mirror.note_owner(taker, owner)
        signed = amount if taker >= mirror.accounts else -amount
        _entry(mirror, owner, "isolated", 0, signed, values[MARKET], 0)
        return
    persons = mirror.people.persons
    is_family = persons[giver].master == persons[taker].master
    names = ("sub", "sub") if is_family else ("send", "receive")
    if is_family and SPOT_NAME in (persons[giver].name, persons[taker].name):
        names = ("spot", "spot")
    _entry(mirror, giver, names[0], -amount, taker, NOBODY, 0)
    _entry(mirror, taker, names[1], amount, giver, NOBODY, 0)


def _isolated_returned(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, values[OTHER], "isolated", 0, -values[AMOUNT], values[MARKET], 0)
    mirror.owners.pop(values[BUCKET], None)


def _position_moved(mirror: "Mirror", values: Values) -> None:
    source, target = values[BUCKET], values[OTHER]
    owner = mirror.owner_of(source)
    mirror.note_owner(target, owner)
    mirror.holdings.move(source, target, values[MARKET])
    signed = values[AMOUNT] if target >= mirror.accounts else -values[AMOUNT]
    _entry(mirror, owner, "isolated", 0, signed, values[MARKET], 0)


def _shares(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, values[OTHER], "pool", -values[AMOUNT], values[BUCKET], values[MARKET], values[SIZE])


def _insurance(mirror: "Mirror", values: Values) -> None:
    if values[OTHER] == event.MOVED:
        _entry(mirror, values[BUCKET], "insurance", -values[AMOUNT], NOBODY, values[MARKET], 0)


def _liquidation_fill(mirror: "Mirror", values: Values) -> None:
    note(mirror, values)
    if values[AMOUNT]:
        owner = mirror.owner_of(values[BUCKET])
        _entry(mirror, owner, "liquidationFee", -values[AMOUNT], NOBODY, values[MARKET], 0)


def _deficit(mirror: "Mirror", values: Values) -> None:
    note(mirror, values)
    if values[BUCKET] >= 0:
        owner = mirror.owner_of(values[BUCKET])
        _entry(mirror, owner, "deficit", values[AMOUNT], values[OTHER], values[MARKET], 0)


def _socialised(mirror: "Mirror", values: Values) -> None:
    note(mirror, values)
    if values[CODE] == event.MARKED:
        mirror.at.cuts[values[BUCKET]] = values[AMOUNT]
    else:
        mirror.holdings.shift_entry(values[BUCKET], values[MARKET], values[AMOUNT])
    owner = mirror.owner_of(values[BUCKET])
    _entry(mirror, owner, "socialised", -values[AMOUNT], NOBODY, values[MARKET], 0)


def _sold(mirror: "Mirror", values: Values) -> None:
    market = values[MARKET]
    for bucket, amount in ((values[BUCKET], values[AMOUNT]), (values[OTHER], -values[AMOUNT])):
        _entry(mirror, mirror.owner_of(bucket), "collateral", amount, values[ORDER], market, values[SIZE])


def _unwound(mirror: "Mirror", values: Values) -> None:
    owner = mirror.owner_of(values[BUCKET])
    _pooled(mirror, values, "paid", values[SIZE], values[AMOUNT])
    _entry(mirror, owner, "collateral", values[AMOUNT], values[OTHER], NOBODY, values[SIZE])


def _portfolio(mirror: "Mirror", values: Values) -> None:
    mirror.news.touched.add(values[BUCKET])


def _due(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, mirror.owner_of(values[BUCKET]), "unwind", 0, values[OTHER], NOBODY, values[ORDER])


def _interest(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, mirror.owner_of(values[BUCKET]), "interest", -values[AMOUNT], NOBODY, NOBODY, 0)


def _asset(mirror: "Mirror", values: Values) -> None:
    mirror.priced_by[values[OTHER]] = values[MARKET]


def note_range(mirror: "Mirror") -> None:
    """ATTACH_RANGE and RESHAPE_RANGE: what a position is from then on."""
    row = mirror.at.row
    terms = (row[FIELD["size"]], row[FIELD["price"]], row[FIELD["trigger"]], row[FIELD["extra"]])
    mirror.ranges[row[FIELD["other"]], row[FIELD["client_low"]]] = terms


def _range(mirror: "Mirror", values: Values) -> None:
    _lots(mirror, values)
    if mirror.at.kind == command.RESHAPE_RANGE and values[SIZE] > 0:
        note_range(mirror)
    _pooled(mirror, values, "came" if values[SIZE] > 0 else "left", 0, 0)


def _pooled(mirror: "Mirror", values: Values, kind: str, lots: int, usd: int) -> None:
    asset, token, owner = values[OTHER], values[ORDER], mirror.owner_of(values[BUCKET])
    liquidity, low, high, scale = mirror.ranges[asset, token]
    if owner != NOBODY:
        mirror.news.pooled.append(
            Pooled(
                time=mirror.now,
                sequence=mirror.at.sequence,
                account=owner,
                asset=asset,
                token=token,
                kind=kind,
                liquidity=liquidity,
                low=low,
                high=high,
                scale=scale,
                index=mirror.oracles.get(mirror.priced_by[asset], 0),
                lots=lots,
                usd=usd,
            )
        )


def _lots(mirror: "Mirror", values: Values) -> None:
    _entry(mirror, mirror.owner_of(values[BUCKET]), "lots", 0, values[OTHER], NOBODY, values[SIZE])


def _account(mirror: "Mirror", values: Values) -> None:
    row, account, master = mirror.at.row, values[BUCKET], values[OTHER]
    address = address_from((row[ADDRESS[0]], row[ADDRESS[1]], row[ADDRESS[2]]))
    name = name_from((row[HIGH], row[LOW])) if account != master else ""
    person = mirror.people.add_account(account, master, address, name)
    mirror.news.accounts.append(account)
    mirror.news.owners.append(Owner(account=account, master=master, address=person.address, name=name, time=mirror.now))


def _agent(mirror: "Mirror", values: Values) -> None:
    row, account, number = mirror.at.row, values[BUCKET], values[OTHER]
    if values[SIZE] == 0:
        mirror.people.drop_agent(account, number)
    else:
        address = address_from((row[ADDRESS[0]], row[ADDRESS[1]], row[ADDRESS[2]]))
        name = name_from((row[HIGH], row[LOW]))
        mirror.people.set_agent(
            Agent(
                number=number,
                account=account,
                address=address,
                scope=values[AMOUNT],
                expires=values[PRICE],
                name=name,
            )
        )
        mirror.news.agent_names.append((address, name))
    mirror.news.accounts.append(account)


def _leverage(mirror: "Mirror", values: Values) -> None:
    is_isolated = int(values[AMOUNT] == command.ISOLATED)
    mirror.news.leverages.append((values[BUCKET], values[MARKET], values[SIZE], is_isolated))
    mirror.news.touched.add(values[BUCKET])


def list_market(mirror: "Mirror") -> None:
    """LIST_MARKET, once it has been accepted."""
    row = mirror.at.row
    name = name_from((row[HIGH], row[LOW])) or f"MARKET{row[MARKET_OF]}"
    listing = Listing(number=row[MARKET_OF], coin=name, size_decimals=row[DECIMALS], price_max=row[PRICE_MAX])
    mirror.universe.add(listing)
    mirror.news.listed.append(listing.number)
    mirror.news.listings.append(Listed(time=mirror.now, sequence=mirror.at.sequence, listing=listing))


def _index(mirror: "Mirror", values: Values) -> None:
    mirror.oracles[values[MARKET]] = values[PRICE]
    mirror.news.indices.append((values[MARKET], values[PRICE], values[AMOUNT]))


def _mark(mirror: "Mirror", values: Values) -> None:
    mirror.marks[values[MARKET]] = values[PRICE]
    mirror.news.marks.append((values[MARKET], values[PRICE]))
    mirror.news.mark_places.append((mirror.at.sequence, mirror.now))


def _funding_step(mirror: "Mirror", values: Values) -> None:
    market = values[MARKET]
    mirror.rates[market] = values[PRICE]
    mirror.news.steps.append(
        Step(
            time=mirror.now,
            market=market,
            rate=values[PRICE],
            oracle=mirror.oracles.get(market, 0),
            step=values[AMOUNT],
        )
    )


def _change(kind: str, number: int, value: int, since: int) -> "Callable[[Mirror, Values], None]":
    """A teller of changes; the numbers are places in an event, -1 for 0."""

    def tell(mirror: "Mirror", values: Values) -> None:
        mirror.news.changes.append(
            Change(
                time=mirror.now,
                sequence=mirror.at.sequence,
                market=values[MARKET],
                kind=kind,
                number=values[number] if number >= 0 else 0,
                value=values[value],
                is_live=values[KIND] == event.PARAMETER and values[OTHER] == 1,
                since=values[since] if since >= 0 else mirror.now,
                signer=mirror.at.row[SIGNER],
            )
        )

    return tell


BEGIN: Final = {command.LIST_MARKET: list_market, command.ATTACH_RANGE: note_range}
EVENTS: Final = {
    event.DEPOSITED: _deposited,
    event.WITHDRAWAL: _withdrawal,
    event.WITHDRAWAL_DONE: _withdrawn,
    event.WITHDRAWAL_BACK: _returned,
    event.MOVED: _moved,
    event.ISOLATED_RETURNED: _isolated_returned,
    event.POSITION_MOVED: _position_moved,
    event.SHARES: _shares,
    event.INSURANCE: _insurance,
    event.LIQUIDATION_FILL: _liquidation_fill,
    event.DEFICIT: _deficit,
    event.SOCIALISED: _socialised,
    event.ASSET_SOLD: _sold,
    event.RANGE_UNWOUND: _unwound,
    event.PORTFOLIO: _portfolio,
    event.RANGE_DUE: _due,
    event.INTEREST: _interest,
    event.HOLDING: _lots,
    event.RANGE: _range,
    event.ASSET: _asset,
    event.ACCOUNT: _account,
    event.AGENT: _agent,
    event.LEVERAGE: _leverage,
    event.INDEX: _index,
    event.MARK: _mark,
    event.FUNDING_STEP: _funding_step,
    event.PARAMETER: _change("parameter", ORDER, PRICE, AMOUNT),
    event.TIER: _change("tier", OTHER, PRICE, -1),
    event.SOURCE: _change("source", OTHER, SIZE, AMOUNT),
    event.STATUS: _change("status", -1, AMOUNT, -1),
    event.BREAKER: _change("breaker", -1, AMOUNT, -1),
}
