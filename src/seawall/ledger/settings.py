"""What an account has chosen for a market (kernels): leverage, cross or isolated, the floor of its automatic top-up.

One table of linear probing on (account, market); entries are never removed, so a search ends at the first free place.
At most three quarters of it are used, so that searches stay short.
"""

from typing import Any, Final

from seawall.kernel import kernel
from seawall.ledger.state import SETTINGS_USED

NONE: Final = -1
SCATTER: Final = 0x45D9F3B  # odd, below 2^27: a product with 31 bits fits
LOW_31: Final = (1 << 31) - 1


@kernel
def scatter(value: int) -> int:
    """A one-to-one mixing of 0..2^31 - 1, so that near values land far apart."""
    mixed = ((value ^ (value >> 16)) * SCATTER) & LOW_31
    mixed = ((mixed ^ (mixed >> 15)) * SCATTER) & LOW_31
    return mixed ^ (mixed >> 16)


@kernel
def setting_of(s: Any, account: int, market: int) -> int:
    """The place of the account's setting for a market; NONE when it has none."""
    if s.account_settings[account] == 0:
        return NONE
    place = _probe(s, account, market)
    return place if place != NONE and s.setting_key[place] != 0 else NONE


@kernel
def has_setting_room(s: Any, account: int, market: int) -> bool:
    """Whether `make_setting` would succeed."""
    if setting_of(s, account, market) != NONE:
        return True
    return bool(s.cell[SETTINGS_USED] < len(s.setting_key) // 4 * 3)


@kernel
def make_setting(s: Any, account: int, market: int) -> int:
    """The place of the setting, made when it is new: cross, leverage 0 (the default's), no top-up,
    as ledger/state.py fills an empty table."""
    place = _probe(s, account, market)
    if s.setting_key[place] == 0:
        s.setting_key[place] = 1 + account * len(s.market_price) + market
        s.cell[SETTINGS_USED] += 1
        s.account_settings[account] += 1
    return place


@kernel
def _probe(s: Any, account: int, market: int) -> int:
    """Where the key is or would go; NONE in a full table that lacks it."""
    key = account * len(s.market_price) + market
    mask = len(s.setting_key) - 1
    place = scatter((key ^ (key >> 31)) & LOW_31) & mask
    for _ in range(len(s.setting_key)):  # ends at the first free place
        if s.setting_key[place] == 0 or s.setting_key[place] == key + 1:
            return place
        place = (place + 1) & mask
    return NONE
