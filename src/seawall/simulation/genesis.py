"""The commands that make a world: markets listed and opened, accounts with money, agents, pools and funds filled."""

from typing import Any, Final

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows
from seawall.simulation.options import ATTACKER, DUST, LP, START_MS, USD, WHALE, Generator, MarketOptions, Options
from seawall.terms import command
from seawall.terms.limits import AMOUNT_MAX, POOL_ADD_MIN

FIELD: Final = {name: place for place, name in enumerate(command.ROW)}
OPENING: Final = (command.CANCELLING, command.POSTING, command.ACTIVE)
WEALTH: Final = {WHALE: 50.0, LP: 20.0, ATTACKER: 3.0, DUST: 0.01}


class Batch:
    """Rows being written, one mapping at a time."""

    def __init__(self) -> None:
        self.table: list[list[int]] = []

    def add(self, kind: int, signer: int, **fields: int) -> None:
        """One row."""
        row = [0] * len(command.ROW)
        row[FIELD["kind"]], row[FIELD["signer"]] = kind, signer
        for name, value in fields.items():
            row[FIELD[name]] = value
        self.table.append(row)

    def rows(self) -> Rows:
        """The rows as `Venue.apply` takes them."""
        return rows_from(np.array(self.table, np.int64).reshape(len(self.table), len(command.ROW)))


def rows_from(table: Any) -> Rows:
    """A table of int64 fields as rows."""
    rows: Rows = np.ascontiguousarray(table, np.int64).view(ROW_TYPE).reshape(len(table))
    return rows


def joined(parts: list[Rows]) -> Rows:
    """Batches of rows one after another. (As integers: numpy joins records an order of magnitude slower.)"""
    return rows_from(np.concatenate([rows.view(np.int64).reshape(len(rows), len(FIELD)) for rows in parts]))


def genesis(options: Options, roles: Any) -> Rows:
    """Every command before the first batch. `roles` has one entry an account."""
    rng = np.random.Generator(np.random.PCG64([options.seed, options.number, 1]))
    batch = Batch()
    batch.add(command.TICK, command.SEQUENCER, time=START_MS)
    for number, market in enumerate(options.markets):
        _list(batch, number, market)
    for which, value in options.policy.items():
        batch.add(command.SET_PARAMETER, command.ADMIN, market=-1, other=which, price=value)
    for number, asset in enumerate(options.assets):
        fields = {"market": asset.market, "other": number, "size": asset.redeemed + 1, "flags": asset.kind}
        batch.add(command.LIST_ASSET, command.ADMIN, **fields)
        for which, value in asset.parameters.items():
            batch.add(command.SET_ASSET, command.ADMIN, other=number, reference=which, price=value)
    for number in range(len(options.markets)):
        for status in OPENING:
            batch.add(command.SET_STATUS, command.ADMIN, market=number, flags=status)
    _people(batch, options, roles, rng)
    return batch.rows()


def address_of(number: int) -> dict[str, int]:
    """The address of the n-th key of a world."""
    return {"address_0": number & 0xFFFF, "address_1": (number * 2654435761) & (2**53 - 1), "address_2": number}


def _list(batch: Batch, number: int, market: MarketOptions) -> None:
    admin = command.ADMIN
    batch.add(command.LIST_MARKET, admin, market=number, other=market.size_decimals, price=market.price_max)
    for tier, (lower, leverage, rate) in enumerate(market.tiers):
        batch.add(command.SET_TIER, admin, market=number, other=tier, amount=lower, size=leverage, price=rate)
    for which, value in market.parameters.items():
        batch.add(command.SET_PARAMETER, admin, market=number, other=which, price=value)
    for source in range(market.sources):
        batch.add(command.SET_SOURCE, admin, market=number, other=source, size=1 + source % 3)
    for source in range(market.sources):
        batch.add(command.ORACLE, command.ORACLES, market=number, other=source, price=market.price, time=START_MS)


def _people(batch: Batch, options: Options, roles: Any, rng: Generator) -> None:
    masters = options.accounts
    for number in range(masters):
        batch.add(command.CREATE_ACCOUNT, command.SEQUENCER, **address_of(number + 1))
    for sub in range(options.subs):
        master = sub % masters
        batch.add(command.CREATE_SUB, master, account=master, nonce=START_MS + sub)
    reference = 0
    for number in range(masters + options.subs):
        wealth = options.cash * WEALTH.get(int(roles[number]), 1.0) * float(rng.lognormal(0, 1))
        amount = min(max(int(wealth * USD), 1), AMOUNT_MAX // 64)
        reference += 1
        batch.add(command.DEPOSIT, command.BRIDGE, account=number, amount=amount, reference=reference)
    _pools(batch, options, roles, rng, reference)


def _pools(batch: Batch, options: Options, roles: Any, rng: Generator, reference: int) -> None:
    """Pools and insurance, paid by one rich master."""
    rich = int(np.argmax(np.isin(roles[: options.accounts], (LP, WHALE))))
    nonce = START_MS + 10_000
    for number, market in enumerate(options.markets):
        amount = int(options.cash * USD * rng.uniform(0.01, 2)) + 1
        gifts = [(flag, amount) for is_wanted, flag in _pools_of(market) if is_wanted and amount >= POOL_ADD_MIN]
        insurance = amount // 4 + 1 if rng.random() < 0.7 else 0
        reference += 1
        total = sum(gift for _, gift in gifts) + insurance + 1
        batch.add(command.DEPOSIT, command.BRIDGE, account=rich, amount=total, reference=reference)
        for flag, gift in gifts:
            nonce += 1
            batch.add(command.POOL_ADD, rich, account=rich, market=number, flags=flag, amount=gift, nonce=nonce)
        if insurance:
            nonce += 1
            batch.add(command.INSURANCE_ADD, rich, account=rich, market=number, amount=insurance, nonce=nonce)


def _pools_of(market: MarketOptions) -> tuple[tuple[bool, int], ...]:
    return (market.has_amm, command.AMM), (market.has_backstop, command.BACKSTOP)
