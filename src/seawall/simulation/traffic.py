"""Commands by the thousand: rows drawn for whole columns at once from what the venue looks like now.

A batch is drawn against the columns as they are before it, so that later rows meet a state that earlier ones have
moved: cancelled orders, spent cash and used ids are part of the traffic.
"""

from typing import Any, Final

import numpy as np

from seawall.engine.invariant_view import View
from seawall.ledger import state
from seawall.simulation.genesis import FIELD, address_of
from seawall.simulation.options import ATTACKER, DUST, HARSH, HEDGER, LP, MAKER, TAKER, WHALE, Generator, Options
from seawall.terms import command, parameter
from seawall.terms.limits import AMOUNT_MAX, NOTIONAL_MAX
from seawall.units import RATE_ONE

ACTIVITY: Final = {MAKER: 6.0, TAKER: 4.0, HEDGER: 1.0, ATTACKER: 4.0, WHALE: 1.0, DUST: 1.0, LP: 0.5}
SCALE: Final = {MAKER: 1.0, TAKER: 1.0, HEDGER: 3.0, ATTACKER: 5.0, WHALE: 40.0, DUST: 0.0, LP: 1.0}
CLIENTS: Final = 64  # client ids in use: few, so that they collide
WIDE: Final = 2**62
JOINED: Final = 0.05  # of signed rows are parts of the action of a row before
ROLE_SIGNER: Final = {
    command.DEPOSIT: command.BRIDGE,
    command.FINISH_WITHDRAWAL: command.BRIDGE,
    command.CANCEL_WITHDRAWAL: command.BRIDGE,
    command.CREATE_ACCOUNT: command.SEQUENCER,
    command.INSURANCE_REMOVE: command.ADMIN,
    command.PROPOSE: command.RISK,
    command.GUARD: command.GUARDIAN,
    command.SET_PARAMETER: command.ADMIN,
    command.SET_STATUS: command.ADMIN,
    command.SET_SOURCE: command.ADMIN,
    command.SET_TIER: command.ADMIN,
    command.LIST_MARKET: command.ADMIN,
    command.DELIST: command.ADMIN,
    command.DEPOSIT_ASSET: command.BRIDGE,
    command.ATTACH_RANGE: command.BRIDGE,
    command.UNWIND_RANGE: command.BRIDGE,
    command.RESHAPE_RANGE: command.BRIDGE,
    command.LIST_ASSET: command.ADMIN,
    command.SET_ASSET: command.ADMIN,
    command.PROPOSE_ASSET: command.RISK,
}


class Traffic:
    """The people of a world and what they send."""

    def __init__(self, options: Options, columns: Any, roles: Any, rng: Generator) -> None:
        self.options = options
        self.columns = columns
        self.roles = roles
        self.rng = rng
        self.nonce = 0
        self.keys = 1_000_000  # addresses given to new accounts and agents
        kinds = [kind for kind, weight in options.weights.items() if weight > 0]
        self.kinds = np.array(kinds)
        self.weights = np.array([options.weights[kind] for kind in kinds])
        self.typical = np.array([market.typical for market in options.markets], float)

    def table(self, count: int, *, is_even: bool = False) -> Any:
        """`count` rows of traffic as a table of int64 fields; `is_even` draws every kind as often."""
        self._look()
        rng, table = self.rng, np.zeros((count, len(command.ROW)), np.int64)
        even = np.where(np.isin(self.kinds, HARSH), 0.02, 1.0)
        share = np.cumsum(even if is_even else self._live_weights())
        kinds = self.kinds[np.minimum(np.searchsorted(share, rng.random(count) * share[-1]), len(self.kinds) - 1)]
        table[:, FIELD["kind"]] = kinds
        table[:, FIELD["account"]] = self._accounts(count)
        for kind in np.unique(kinds).tolist():
            where = np.flatnonzero(kinds == kind)
            self._fill(table, where, int(kind))
        self._sign(table)
        reads = READS[kinds]
        table[~reads] = 0
        return table

    def _look(self) -> None:
        columns = self.columns
        cell = columns["cell"]
        self.many = int(cell[state.ACCOUNTS])
        if self.many > len(self.roles):
            self.roles = np.concatenate([self.roles, self.rng.choice(self.roles, self.many - len(self.roles))])
        self.listed = min(int(cell[state.MARKETS]), len(self.options.markets))
        self.now = int(cell[state.NOW])
        self.mark = np.where(columns["market_price"] > 0, columns["market_price"], 1000).astype(np.int64)
        self.free = np.maximum(View(columns).equity[: self.many], 0).astype(float)
        self.leverage = np.maximum(columns["base_leverage"][:, 0], 1)
        ids = columns["order_id"][: int(cell[state.ORDERS_USED])]
        self.live = np.flatnonzero(ids)
        activity = np.array([ACTIVITY[role] for role in range(len(ACTIVITY))])[self.roles[: self.many]]
        self.activity = np.cumsum(activity)
        used = int(columns["count"][0])
        owner = columns["slot_owner"][:used]
        held = np.flatnonzero((owner >= 0) & (columns["slot_size"][:used] != 0))
        held = held[held > 0]
        self.held_bucket, self.held_market = owner[held], columns["slot_market"][held]
        self.held_size = columns["slot_size"][held]
        self.held_owner = columns["bucket_owner"][self.held_bucket]

    def _live_weights(self) -> Any:
        """Cancels grow with the book, so that it neither dies out nor stays full."""
        fullness = len(self.live) / (len(self.columns["order_id"]) * 0.6)
        factor = np.ones(len(self.weights))
        some = min(len(self.live) / (self.options.batch * 0.1), 1.0)  # a thin book is left to fill
        factor[np.isin(self.kinds, (command.CANCEL, command.MODIFY, command.CANCEL_CLIENT))] = 0.05 + some
        factor[self.kinds == command.CANCEL] = (0.2 + 1.5 * fullness**2) * (0.05 + some)
        factor[self.kinds == command.CANCEL_ALL] = 1 + 4 * (fullness > 1)
        return self.weights * factor

    def _accounts(self, count: int) -> Any:
        picked = np.searchsorted(self.activity, self.rng.random(count) * self.activity[-1])
        return np.minimum(picked, self.many - 1)

    def _fill(self, table: Any, where: Any, kind: int) -> None:
        """Fields of the rows of one kind."""
        if kind == command.PLACE:
            self._place(table, where)
        elif kind in (command.CANCEL, command.MODIFY, command.CANCEL_CLIENT):
            self._existing(table, where, kind)
        elif kind in MONEY:
            self._money(table, where, kind)
        elif kind in MARGIN:
            self._margin(table, where, kind)
        elif kind in PEOPLE:
            self._people(table, where, kind)
        elif kind >= command.LIST_ASSET:
            self._collateral(table, where, kind)
        else:
            self._office(table, where, kind)

    def _pick(self, where: Any, values: Any) -> Any:
        return np.asarray(values)[self.rng.integers(0, len(values), len(where))]

    def _markets(self, count: int) -> Any:
        return self.rng.integers(0, max(self.listed, 1), count)

    def _place(self, table: Any, where: Any) -> None:
        rng, many = self.rng, len(where)
        account, market = table[where, FIELD["account"]], self._markets(many)
        role = self.roles[account]
        maker = np.isin(role, (MAKER, LP))
        sell = rng.random(many) < 0.5
        lots = self.typical[market] * np.exp(rng.normal(0, 1, many)) / self.mark[market]
        lots = lots * np.array([SCALE[r] for r in range(len(SCALE))])[role]
        most = self.free[account] * self.leverage[market] * rng.uniform(0, 1.1, many) / self.mark[market]
        lots = np.where((rng.random(many) < self.options.appetite) & (role != DUST), most, lots)
        size = np.maximum(np.minimum(lots, 2.0**52), 1).astype(np.int64)
        flags = np.zeros(many, np.int64)
        closes = (rng.random(many) < np.where(maker, 0.1, 0.35)) & bool(len(self.held_size))
        if closes.any():
            pick = rng.integers(0, len(self.held_size), many)
            account = np.where(closes, self.held_owner[pick], account)
            closes &= account >= 0
            account = np.where(account >= 0, account, table[where, FIELD["account"]])
            market = np.where(closes, self.held_market[pick], market)
            sell = np.where(closes, self.held_size[pick] > 0, sell)
            part = np.where(rng.random(many) < 0.5, 1.0, rng.random(many))
            size = np.where(closes, np.maximum((np.abs(self.held_size[pick]) * part).astype(np.int64), 1), size)
            flags |= np.where(closes & (rng.random(many) < 0.7), command.REDUCE_ONLY, 0)
        away = np.where(maker, np.abs(rng.normal(0, 0.004, many)), -np.abs(rng.normal(0, 0.004, many)))
        away = np.where(rng.random(many) < 0.05, away * 20, away)
        price = self._snap(market, self.mark[market] * (1 + away * np.where(sell, 1, -1)))
        price = self._equal(price, market, many)
        flags |= np.where(sell, command.SELL, 0)
        flags |= np.where(maker & (rng.random(many) < 0.5), command.POST_ONLY, 0)
        flags |= np.where(~maker & (rng.random(many) < 0.6), command.IOC, 0)
        flags |= self._pick(where, (0, 0, command.CANCEL_MAKER, command.CANCEL_BOTH))
        flags |= np.where(rng.random(many) < 0.01, rng.integers(0, 1024, many), 0)
        named = rng.random(many) < 0.1
        table[where, FIELD["client_low"]] = np.where(named, rng.integers(1, CLIENTS, many), 0)
        table[where, FIELD["account"]] = account
        at_market = self._triggers(table, where, market, flags, sell)
        self._edges(table, where, market, price, size)
        table[where, FIELD["price"]] = np.where(at_market, 0, table[where, FIELD["price"]])
        table[where, FIELD["market"]] = market

    def _triggers(self, table: Any, where: Any, market: Any, flags: Any, sell: Any) -> Any:
        """Turns some orders into stops, take-profits, trailing stops and attached ones; says which have no limit."""
        rng, many = self.rng, len(where)
        kind = rng.random(many)
        stop, profit = kind < 0.05, (kind >= 0.05) & (kind < 0.08)
        trailing = stop & (rng.random(many) < 0.2)
        flags = np.where(stop | profit, flags & ~command.POST_ONLY, flags)
        flags |= np.where(stop, command.STOP, 0) | np.where(profit, command.TAKE_PROFIT, 0)
        flags |= np.where(trailing, command.TRAILING, 0)
        whole = (stop | profit) & (rng.random(many) < 0.2)
        flags |= np.where(whole, command.WHOLE_POSITION | command.REDUCE_ONLY, 0)
        armed, attached = stop | profit, np.zeros(many, bool)
        if len(self.live):
            rows = rng.choice(self.live, many)
            attached = armed & (rng.random(many) < 0.3)
            owner = self.columns["bucket_owner"][self.columns["order_bucket"][rows]]
            table[where, FIELD["other"]] = np.where(attached, self.columns["order_id"][rows], 0)
            table[where, FIELD["account"]] = np.where(attached, owner, table[where, FIELD["account"]])
            market[:] = np.where(attached, self.columns["order_market"][rows], market)
            is_bid = self.columns["order_flags"][rows] & command.SELL == 0
            sell = np.where(attached & (rng.random(many) < 0.9), is_bid, sell)
            flags = np.where(attached, flags & ~command.SELL | np.where(sell, command.SELL, 0), flags)
        above = sell == profit
        reach = np.abs(rng.normal(0, 0.01, many)) * np.where(above, 1, -1)
        trigger = self._snap(market, self.mark[market] * (1 + reach))
        table[where, FIELD["trigger"]] = np.where(armed & ~trailing, trigger, 0)
        table[where, FIELD["extra"]] = np.where(trailing, np.maximum(self.mark[market] * 0.01, 1).astype(np.int64), 0)
        table[where, FIELD["flags"]] = flags
        return trailing | (armed & (rng.random(many) < 0.6))

    def _edges(self, table: Any, where: Any, market: Any, price: Any, size: Any) -> None:
        """Some prices and sizes at a bound or one beyond it."""
        rng, many, columns = self.rng, len(where), self.columns
        most = columns["market_price_max"][market]
        size_max = NOTIONAL_MAX // np.maximum(most, 1)
        edge = np.stack([size_max, size_max + 1, np.zeros_like(size), np.ones_like(size), size * 100])
        table[where, FIELD["size"]] = np.where(
            rng.random(many) < self.options.boundary, edge[rng.integers(0, len(edge), many), np.arange(many)], size
        )
        band = columns["param"][market, parameter.PRICE_BAND]
        index = np.maximum(columns["market_oracle"][market], 1).astype(float)
        far = (index * (1 + band / RATE_ONE)).astype(np.int64)
        near = np.maximum(index * (1 - band / RATE_ONE), 0).astype(np.int64)
        prices = np.stack([far, far + 1, near, near - 1, most, most + 1, np.zeros_like(price), price + 1])
        chosen = prices[rng.integers(0, len(prices), many), np.arange(many)]
        chosen = np.where(rng.random(many) < 0.5, self._snap(market, np.maximum(chosen, 0)), chosen)
        table[where, FIELD["price"]] = np.where(rng.random(many) < self.options.boundary, chosen, price)

    def _snap(self, market: Any, price: Any) -> Any:
        """Prices on the grid, at or below those given."""
        price = np.maximum(np.asarray(price), 1).astype(np.int64)
        most = self.columns["market_exponent_max"][market]
        exponent = np.clip(np.floor(np.log10(price)).astype(np.int64) - 4, 0, most)
        unit = 10**exponent
        return price // unit * unit

    def _equal(self, price: Any, market: Any, many: int) -> Any:
        """Some prices equal to those of orders in the same market: queues, and crossings at the touch."""
        if not len(self.live):
            return price
        rows = self.rng.choice(self.live, many)
        same = (self.columns["order_market"][rows] == market) & (self.rng.random(many) < self.options.equal_price)
        return np.where(same, self.columns["order_price"][rows], price)

    def _existing(self, table: Any, where: Any, kind: int) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        if not len(self.live):
            table[where, FIELD["reference"]] = rng.integers(0, 2**30, many)
            table[where, FIELD["market"]] = self._markets(many)
            table[where, FIELD["client_low"]] = rng.integers(1, CLIENTS, many)
            return
        rows = rng.choice(self.live, many)
        market = columns["order_market"][rows].astype(np.int64)
        owner = columns["bucket_owner"][columns["order_bucket"][rows]]
        wrong = rng.random(many) < 0.01
        table[where, FIELD["account"]] = np.where(wrong, table[where, FIELD["account"]], owner)
        table[where, FIELD["market"]] = np.where(rng.random(many) < 0.01, self._markets(many), market)
        table[where, FIELD["reference"]] = columns["order_id"][rows]
        if kind == command.CANCEL_CLIENT:
            table[where, FIELD["client_low"]] = columns["order_client_low"][rows]
            table[where, FIELD["client_high"]] = columns["order_client_high"][rows]
        if kind == command.MODIFY:
            self._modify(table, where, rows, market)

    def _modify(self, table: Any, where: Any, rows: Any, market: Any) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        flags, size = columns["order_flags"][rows].astype(np.int64), columns["order_size"][rows]
        price = columns["order_price"][rows]
        moved = self._snap(market, price * (1 + rng.normal(0, 0.003, many)))
        price = np.where(rng.random(many) < 0.6, moved, price)
        size = np.where(rng.random(many) < 0.6, np.maximum(size * rng.uniform(0.2, 2, many), 1).astype(np.int64), size)
        flip = rng.random(many) < 0.03
        table[where, FIELD["flags"]] = np.where(flip, flags ^ command.SELL, flags)
        table[where, FIELD["trigger"]] = columns["order_trigger"][rows]
        table[where, FIELD["extra"]] = columns["order_extra"][rows]
        table[where, FIELD["client_low"]] = columns["order_client_low"][rows]
        table[where, FIELD["client_high"]] = columns["order_client_high"][rows]
        self._edges(table, where, market, price, size)

    def _amounts(self, where: Any, account: Any) -> Any:
        """Amounts about an account's cash: a part of it, all, one more, dust, nothing, the bound."""
        rng, many = self.rng, len(where)
        raw = np.maximum(self.columns["bucket_raw"][np.clip(account, 0, self.many - 1)], 0)
        part = (raw * rng.random(many) ** 2).astype(np.int64)
        edge = np.stack([raw, raw + 1, np.ones_like(raw), np.zeros_like(raw), np.full_like(raw, AMOUNT_MAX), -part])
        chosen = edge[rng.integers(0, len(edge), many), np.arange(many)]
        return np.clip(np.where(rng.random(many) < 0.2, chosen, part), -AMOUNT_MAX, AMOUNT_MAX)

    def _money(self, table: Any, where: Any, kind: int) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        account = table[where, FIELD["account"]]
        amount = self._amounts(where, account)
        if kind == command.DEPOSIT:
            amount = np.where(
                rng.random(many) < 0.9, np.maximum(self.options.cash * rng.lognormal(0, 1.5, many) * 1e6, 1), amount
            )
            amount = np.minimum(amount, AMOUNT_MAX // 64)
            table[where, FIELD["reference"]] = int(columns["cell"][state.DEPOSIT_SERIAL]) + 1 + np.arange(many)
        elif kind in (command.FINISH_WITHDRAWAL, command.CANCEL_WITHDRAWAL):
            ids = columns["withdrawal_id"][: int(columns["cell"][state.WITHDRAWALS_USED])]
            ids = ids[ids != 0]
            table[where, FIELD["reference"]] = rng.choice(ids, many) if len(ids) else rng.integers(1, 99, many)
        elif kind == command.TRANSFER:
            family = columns["account_master"][: self.many]
            mate = family[account]
            pick = rng.integers(0, self.many, many)
            mate = np.where(family[pick] == mate, pick, mate)
            table[where, FIELD["other"]] = np.where(rng.random(many) < 0.1, pick, mate)
        elif kind in (command.POOL_ADD, command.POOL_REMOVE, command.INSURANCE_ADD, command.INSURANCE_REMOVE):
            self._pools(table, where, kind)
        table[where, FIELD["amount"]] = amount.astype(np.int64)

    def _pools(self, table: Any, where: Any, kind: int) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        table[where, FIELD["market"]] = self._markets(many)
        table[where, FIELD["flags"]] = self._pick(where, (command.AMM, command.BACKSTOP))
        rows = np.flatnonzero(columns["share_amount"])
        if kind == command.POOL_REMOVE and len(rows):
            row = rng.choice(rows, many)
            offset = columns["share_pool"][row] - (len(columns["bucket_raw"]) - 2 * len(columns["market_price"]))
            held = columns["share_amount"][row]
            table[where, FIELD["account"]] = columns["share_account"][row]
            table[where, FIELD["market"]] = offset >> 1
            table[where, FIELD["flags"]] = np.where(offset & 1 == 0, command.AMM, command.BACKSTOP)
            part = np.where(rng.random(many) < 0.3, held, (held * rng.random(many)).astype(np.int64))
            table[where, FIELD["size"]] = np.minimum(part + (rng.random(many) < 0.05), NOTIONAL_MAX)

    def _margin(self, table: Any, where: Any, kind: int) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        account, market = table[where, FIELD["account"]], self._markets(many)
        if len(self.held_size):
            pick = rng.integers(0, len(self.held_size), many)
            mine = (rng.random(many) < 0.85) & (self.held_owner[pick] >= 0)
            account = np.where(mine, self.held_owner[pick], account)
            market = np.where(mine, self.held_market[pick], market)
        table[where, FIELD["account"]], table[where, FIELD["market"]] = account, market
        amount = self._amounts(where, account)
        if kind == command.ISOLATED_MARGIN:
            amount = np.where(rng.random(many) < 0.4, -amount, amount)
        if kind == command.SET_TOP_UP:
            amount = np.where(rng.random(many) < 0.2, -1, np.maximum(amount, 0))
        table[where, FIELD["amount"]] = amount
        table[where, FIELD["flags"]] = np.where(rng.random(many) < max(self.options.isolated, 0.1), command.ISOLATED, 0)
        if kind == command.SET_LEVERAGE:
            most = columns["base_leverage"][market, 0]
            size = 1 + (most * rng.random(many)).astype(np.int64)
            edge = rng.random(many) < self.options.boundary
            table[where, FIELD["size"]] = np.where(edge, self._pick(where, (0, 1, 1000, 1001)), size)

    def _people(self, table: Any, where: Any, kind: int) -> None:
        rng, many, columns = self.rng, len(where), self.columns
        if kind in (command.CREATE_ACCOUNT, command.APPROVE_AGENT, command.REVOKE_AGENT):
            old = rng.integers(1, self.keys - 999_990 + self.many, many)
            fresh = self.keys + np.arange(many)
            self.keys += many
            number = np.where(rng.random(many) < 0.1, old, fresh)
            for name in ("address_0", "address_1", "address_2"):
                table[where, FIELD[name]] = [address_of(int(n))[name] for n in number]
        if kind == command.APPROVE_AGENT:
            table[where, FIELD["amount"]] = rng.integers(0, 5, many)
            soon = self.now + rng.integers(-1000, 600_000, many)
            table[where, FIELD["expires"]] = np.where(rng.random(many) < 0.5, 0, soon)
        if kind == command.REVOKE_AGENT:
            agents = np.flatnonzero(columns["agent_address"].any(axis=1))
            if len(agents):
                row = rng.choice(agents, many)
                table[where, FIELD["account"]] = columns["agent_account"][row]
                for part in range(3):
                    table[where, FIELD[f"address_{part}"]] = columns["agent_address"][row, part]
        if kind == command.SCHEDULE_CANCEL:
            soon = self.now + rng.integers(0, 20_000, many)
            table[where, FIELD["expires"]] = np.where(rng.random(many) < 0.3, 0, soon)
        if kind == command.CANCEL_ALL:
            table[where, FIELD["market"]] = rng.integers(-1, max(self.listed, 1), many)
        if kind == command.CANCEL_TWAP:
            running = np.flatnonzero(columns["twap_id"])
            if len(running):
                row = rng.choice(running, many)
                table[where, FIELD["reference"]] = columns["twap_id"][row]
                table[where, FIELD["account"]] = columns["bucket_owner"][columns["twap_bucket"][row]]
            else:
                table[where, FIELD["reference"]] = 1
        if kind == command.TWAP:
            self._twap(table, where)

    def _twap(self, table: Any, where: Any) -> None:
        rng, many = self.rng, len(where)
        market = self._markets(many)
        sell = rng.random(many) < 0.5
        lots = np.maximum(self.typical[market] * 3 / self.mark[market], 1).astype(np.int64)
        worst = self._snap(market, self.mark[market] * np.where(sell, 0.97, 1.03))
        table[where, FIELD["market"]], table[where, FIELD["size"]] = market, lots
        table[where, FIELD["flags"]] = np.where(sell, command.SELL, 0) | self._pick(where, (0, command.REDUCE_ONLY))
        table[where, FIELD["amount"]] = rng.integers(0, 40, many) * 30_000
        table[where, FIELD["price"]] = worst

    def _office(self, table: Any, where: Any, kind: int) -> None:
        from seawall.simulation.office import fill_office

        fill_office(self, table, where, kind)

    def _collateral(self, table: Any, where: Any, kind: int) -> None:
        from seawall.simulation.traffic_collateral import fill_collateral

        fill_collateral(self, table, where, kind)

    def _sign(self, table: Any) -> None:
        """Signers and nonces: the account, at times its agent or somebody else; roles sign without a nonce."""
        rng, many, columns = self.rng, len(table), self.columns
        kind, account = table[:, FIELD["kind"]], table[:, FIELD["account"]]
        signer = columns["account_master"][np.clip(account, 0, self.many - 1)].astype(np.int64)
        agents = np.flatnonzero(columns["agent_address"].any(axis=1))
        if len(agents):
            row = rng.choice(agents, many)
            as_agent = rng.random(many) < 0.05
            table[:, FIELD["account"]] = np.where(as_agent, columns["agent_account"][row], account)
            signer = np.where(as_agent, -1 - row, signer)
        signer = np.where(rng.random(many) < 0.003, rng.integers(-3, self.many + 2, many), signer)
        role = SIGNERS[kind]
        wrong = rng.random(many) < 0.002
        signer = np.where((role != 0) & ~wrong, role, signer)
        nonce = max(self.nonce, self.now) + 1 + np.arange(many)
        self.nonce = int(nonce[-1]) if many else self.nonce
        again = rng.random(many) < 0.003
        nonce = np.where(again, nonce - rng.integers(1, 500, many), nonce)
        is_signed = signer > command.SEQUENCER
        table[:, FIELD["signer"]] = signer
        table[:, FIELD["nonce"]] = np.where(is_signed, nonce, 0)
        self._join(table, is_signed)

    def _join(self, table: Any, is_signed: Any) -> None:
        """Some rows share the nonce of their signer's row before, as later parts of its action, or as one taken."""
        signer, nonce, part = (FIELD[name] for name in ("signer", "nonce", "time"))
        for row in np.flatnonzero(is_signed & (self.rng.random(len(table)) < JOINED)).tolist():
            earlier = np.flatnonzero(table[:row, signer] == table[row, signer])
            if len(earlier):
                table[row, nonce] = table[earlier[-1], nonce]
                table[row, part] = max(int(table[earlier[-1], part]) + int(self.rng.integers(-1, 4)), 0)


MONEY: Final = frozenset(
    (
        command.DEPOSIT,
        command.WITHDRAW,
        command.FINISH_WITHDRAWAL,
        command.CANCEL_WITHDRAWAL,
        command.TRANSFER,
        command.POOL_ADD,
        command.POOL_REMOVE,
        command.INSURANCE_ADD,
        command.INSURANCE_REMOVE,
    )
)
MARGIN: Final = frozenset((command.ISOLATED_MARGIN, command.SET_TOP_UP, command.MOVE_POSITION, command.SET_LEVERAGE))
PEOPLE: Final = frozenset(
    (
        command.CREATE_ACCOUNT,
        command.CREATE_SUB,
        command.APPROVE_AGENT,
        command.REVOKE_AGENT,
        command.SCHEDULE_CANCEL,
        command.CANCEL_ALL,
        command.TWAP,
        command.CANCEL_TWAP,
    )
)
READS: Final = np.zeros((256, len(command.ROW)), bool)
SIGNERS: Final = np.zeros(256, np.int64)
for _kind, _fields in command.FIELDS.items():
    for _name in (*command.COMMON, *_fields):
        READS[_kind, FIELD[_name]] = True
for _kind, _role in ROLE_SIGNER.items():
    SIGNERS[_kind] = _role
