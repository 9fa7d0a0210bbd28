"""Accounts that the venue runs itself: the house, simulated traders. Nobody has their keys.

Their addresses are hashes of their names (names.keyless_address), the same in every venue. Their rows are submitted
by this process and signed by nobody: the journal shows their account as the signer, with nonces of their own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seawall.engine.rows import Rows, rows_of
from seawall.venue.bridge import Bridge
from seawall.venue.desk import Outcome
from seawall.venue.names import keyless_address
from seawall.venue.service import Service


class Residents:
    """Makes them and signs for them."""

    def __init__(self, service: Service, bridge: Bridge) -> None:
        self.service = service
        self.bridge = bridge
        self._nonces: dict[int, int] = {}  # account -> last nonce

    def address(self, kind: str, number: int) -> bytes:
        """The address of the `number`-th resident of a kind."""
        return keyless_address(kind, number)

    def find(self, kind: str, number: int) -> int:
        """A resident's account; -1 while it has none."""
        return self.service.people.account_of(keyless_address(kind, number))

    async def bring(self, kind: str, number: int, amount: int) -> int:
        """Its account, made when it has none, with `amount` micro-USD more. See Bridge.credit for what it raises."""
        return await self.bridge.credit(keyless_address(kind, number), amount)

    async def submit(self, fields: Sequence[dict[str, int]]) -> Outcome:
        """Applies commands of residents, each signed by its `account`. See Desk.submit for what it raises."""
        return await self.service.submit(self._signed(rows_of(fields)))

    def _signed(self, rows: Rows) -> Rows:
        """Every account's rows become the parts of one action with a nonce that it has not used."""
        rows["signer"] = rows["account"]
        for account in np.unique(rows["account"]).tolist():
            mine = rows["account"] == account
            rows["nonce"][mine] = self._next(account)
            rows["time"][mine] = np.arange(int(mine.sum()))
        return rows

    def _next(self, account: int) -> int:
        last = self._nonces.get(account)
        if last is None:
            last = newest_nonce(self.service.columns, account)
        nonce = max(last + 1, self.service.now)
        self._nonces[account] = nonce
        return nonce


def newest_nonce(columns: Any, account: int) -> int:
    """The greatest nonce that an account is known to have used; 0 for none."""
    used = columns["nonce_value"][columns["nonce_signer"] == account]
    return max(int(columns["nonce_floor"][account]), int(used.max()) if len(used) else 0)
