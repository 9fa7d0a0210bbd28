"""All alerts of a venue and what of them is on disk: targets, rules, nonces, crossings, messages to be sent."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from seawall.venue.ops.alerts.shapes import AccountRule, Rule, Wanted
from seawall.venue.ops.store import ALERTS, FIRED, MESSAGES, NONCES, Store, add_rows, drop_rows
from seawall.venue.rest.errors import ApiError

OPERATOR: Final = -1  # the account of the operator's own alerts


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. `id` is below 0 for the operator's own, which are in the configuration."""

    id: int
    account: int
    name: str
    target: str
    rules: tuple[Rule, ...]

    def __repr__(self) -> str:
        return f"Alert({self.id}, account={self.account}, name={self.name!r})"


class Message(msgspec.Struct, kw_only=True):
    """A message on its way."""

    id: int
    alert: int
    title: str
    body: str
    tries: int
    due: int  # ms

    def __repr__(self) -> str:
        return f"Message({self.id}, alert={self.alert}, tries={self.tries})"


class Book:
    """The alerts in memory; every change is on disk first."""

    def __init__(self, store: Store, own: Sequence[Alert], most_targets: int, most_accounts: int) -> None:
        """`own` are the operator's alerts."""
        self._store = store
        self._most = (most_targets, most_accounts)
        self.own = tuple(own)
        self.alerts: dict[int, Alert] = {alert.id: alert for alert in own}
        self.of_account: dict[int, list[Alert]] = {}
        self.fired: set[str] = set()
        self._nonces: dict[int, int] = {}
        self._waiting: dict[int, int] = {}
        store.now(self._load)

    def _load(self, connection: Connection) -> None:
        for row in connection.execute(select(ALERTS)):
            rules = msgspec.json.decode(row.rules, type=tuple[AccountRule, ...])
            self._keep(Alert(id=row.id, account=row.account, name=row.name, target=row.target, rules=rules))
        self.fired = {row.key for row in connection.execute(select(FIRED))}
        self._nonces = {row.account: row.nonce for row in connection.execute(select(NONCES))}
        counted = select(MESSAGES.c.alert, func.count()).group_by(MESSAGES.c.alert)
        self._waiting = {row[0]: row[1] for row in connection.execute(counted)}

    def _keep(self, alert: Alert) -> None:
        self.alerts[alert.id] = alert
        self.of_account.setdefault(alert.account, []).append(alert)

    def named(self, account: int, name: str) -> Alert:
        """An account's alert by its name. ApiError when it has none."""
        for alert in self.of_account.get(account, ()):
            if alert.name == name:
                return alert
        raise ApiError("unknown_name", f"there is no alert {name[:40]!r}")

    def waiting(self, alert: int) -> int:
        """Messages of an alert that wait to be sent."""
        return self._waiting.get(alert, 0)

    async def use_nonce(self, account: int, nonce: int) -> None:
        """Burns a nonce of an owner. ApiError when it is not greater than the last."""
        if nonce <= self._nonces.get(account, -1):
            raise ApiError("bad_signature", "the nonce was used")
        self._nonces[account] = nonce
        made = upsert(NONCES).values(account=account, nonce=nonce)
        replaced = made.on_conflict_do_update(index_elements=["account"], set_={"nonce": nonce})
        await self._store.do(lambda connection: connection.execute(replaced))

    async def put(self, account: int, wanted: Wanted) -> None:
        """A new alert, or another of the same name. ApiError when the account or the venue has too many."""
        mine = self.of_account.get(account, [])
        old = next((alert for alert in mine if alert.name == wanted.name), None)
        if old is None and len(mine) >= self._most[0]:
            raise ApiError("bad_request", f"an account has at most {self._most[0]} alerts")
        if not mine and len(self.of_account) >= self._most[1]:
            raise ApiError("off", "this venue has no room for more accounts with alerts")
        rules = msgspec.json.encode(wanted.rules).decode()
        row = {"account": account, "name": wanted.name, "target": wanted.target, "rules": rules}

        def work(connection: Connection) -> int:
            if old is not None:
                self._drop(connection, old)
            return int(add_rows(connection, ALERTS, [row])[0])

        number = await self._store.do(work)
        if old is not None:
            self._forget(old)
        self._keep(Alert(id=number, account=account, name=wanted.name, target=wanted.target, rules=wanted.rules))

    async def remove(self, alert: Alert) -> None:
        """Takes an alert away with what it has fired and what waits."""
        await self._store.do(lambda connection: self._drop(connection, alert))
        self._forget(alert)

    def _drop(self, connection: Connection, alert: Alert) -> None:
        drop_rows(connection, ALERTS, "id", [alert.id])
        drop_rows(connection, MESSAGES, "alert", [alert.id])
        drop_rows(connection, FIRED, "key", [key for key in sorted(self.fired) if alert_of(key) == alert.id])

    def _forget(self, alert: Alert) -> None:
        self.alerts.pop(alert.id, None)
        self._waiting.pop(alert.id, None)
        self.fired = {key for key in self.fired if alert_of(key) != alert.id}
        mine = [other for other in self.of_account.get(alert.account, ()) if other.id != alert.id]
        self.of_account[alert.account] = mine
        if not mine:
            del self.of_account[alert.account]

    async def cross(
        self, new: Iterable[str], back: Iterable[str], told: Sequence[tuple[int, str, str]], now: int
    ) -> None:
        """Keeps crossings that are new or have come back, and what is to be told of them (alert, title, body)."""
        up, down = sorted(set(new) - self.fired), sorted(set(back) & self.fired)
        told = [one for one in told if one[0] in self.alerts]
        rows = [{"alert": alert, "title": title, "body": body, "tries": 0, "due": now} for alert, title, body in told]
        if not (up or down or rows):
            return

        def work(connection: Connection) -> None:
            if up:
                connection.execute(insert(FIRED), [{"key": key} for key in up])
            drop_rows(connection, FIRED, "key", down)
            add_rows(connection, MESSAGES, rows)

        await self._store.do(work)
        self.fired.update(up)
        self.fired.difference_update(down)
        for alert, _, _ in told:
            self._waiting[alert] = self.waiting(alert) + 1

    async def due(self, now: int, limit: int) -> list[Message]:
        """Messages whose time has come, oldest first."""
        query = select(MESSAGES).where(MESSAGES.c.due <= now).order_by(MESSAGES.c.due, MESSAGES.c.id).limit(limit)

        def work(connection: Connection) -> list[Message]:
            names = Message.__struct_fields__
            return [Message(**{name: row[name] for name in names}) for row in connection.execute(query).mappings()]

        return await self._store.do(work)

    async def sent(self, message: Message) -> None:
        """The message is gone, for good or given up."""
        self._waiting[message.alert] = max(0, self.waiting(message.alert) - 1)
        await self._store.do(lambda connection: drop_rows(connection, MESSAGES, "id", [message.id]))

    async def put_off(self, message: Message, due: int) -> None:
        """The message was not taken: once more, later."""
        changed = MESSAGES.update().where(MESSAGES.c.id == message.id).values(tries=message.tries + 1, due=due)
        await self._store.do(lambda connection: connection.execute(changed))


def key_of(alert: int, rule: int, subject: Any) -> str:
    """The name of a crossing."""
    return f"{alert}/{rule}/{subject}"


def alert_of(key: str) -> int:
    """The alert of a crossing."""
    return int(key.partition("/")[0])
