"""Stage 3 of a liquidation: the market's backstop vault takes the rest at the bankruptcy price (kernels).

The vault is a bucket of its own that holds this one market: its positions share collateral with nothing. It takes no
more than BACKSTOP_CAP of notional, nor what its own initial margin would not allow (JELLY 2025). From a bucket in debt
it takes at mark, and only as many lots as insurance makes good.
"""

from typing import Any

from seawall.kernel import kernel
from seawall.ledger.buckets import cash_fits, close_empty_slot, find_slot, has_slot_room, open_slot, trade
from seawall.ledger.events import emit, emit_health
from seawall.ledger.health import accepts, measure, measure_after
from seawall.ledger.leaving import settle_told
from seawall.ledger.markets import BACKSTOP, pool_bucket
from seawall.liquidation.closing import Close, bankruptcy_price
from seawall.liquidation.insurance import claimable, deficit_of, lots_covered, pay_claim
from seawall.terms import event, parameter
from seawall.terms.limits import NOTIONAL_MAX


@kernel
def give_to_vault(s: Any, bucket: int, c: Close) -> int:
    """Hands as many lots as the vault may take to it; returns how many, 0 when it takes none."""
    vault = pool_bucket(s, c.market, BACKSTOP)
    lots = vault_lots(s, bucket, vault, c)
    if lots == 0:
        return 0
    price = vault_price(s, c, lots)
    pay_claim(s, bucket, c.market, c.slot, deficit_of(s, c, lots))
    slot = find_slot(s, vault, c.market)
    if slot == 0:
        slot = open_slot(s, vault, c.market, s.base_leverage[c.market, 0])
    settle_told(s, vault)
    trade(s, c.slot, c.side * lots, price, 0)
    trade(s, slot, -c.side * lots, price, 0)
    row = emit(s, event.BACKSTOP, c.market, bucket, vault, 0, price, c.side * lots, lots * price)
    emit_health(s, row, c.equity, c.maintenance)
    close_empty_slot(s, slot)
    return lots


@kernel
def vault_price(s: Any, c: Close, lots: int) -> int:
    """What the vault pays a lot: the bankruptcy price, or the mark when insurance pays the deficit."""
    return c.mark if c.equity < 0 else bankruptcy_price(s, c, lots)


@kernel
def vault_lots(s: Any, bucket: int, vault: int, c: Close) -> int:
    """The most lots the vault may take now: by its cap, by what insurance covers, then by its own initial margin."""
    if bucket == vault or s.bucket_class[vault] != 0 or s.bucket_liquidating[vault] != 0:
        return 0
    slot = find_slot(s, vault, c.market)
    if slot == 0 and not has_slot_room(s, vault):
        return 0
    held = -c.side * s.slot_size[slot] if slot != 0 else 0  # on the side it would take
    lots = min(c.held, room_of(s, c.market, c.mark) - held)
    if lots > 0:
        lots = lots_covered(s, c, lots, claimable(s, c.market, c.slot))
    if lots <= 0:
        return 0
    return int(_most_margined(s, vault, c, lots))


@kernel
def room_of(s: Any, market: int, mark: int) -> int:
    """Lots the vault may hold on one side: its cap of notional, and the bound of any position."""
    return int(min(s.param[market, parameter.BACKSTOP_CAP] // mark, NOTIONAL_MAX // s.market_price_max[market]))


@kernel
def _most_margined(s: Any, vault: int, c: Close, most: int) -> int:
    """The greatest amount of lots found, at most `most`, after which the vault has its initial margin."""
    if has_margin(s, vault, c, most):
        return most
    fits, over = 0, most
    while over - fits > 1:  # at most 53 halvings
        middle = (fits + over) // 2
        if has_margin(s, vault, c, middle):
            fits = middle
        else:
            over = middle
    return fits


@kernel
def has_margin(s: Any, vault: int, c: Close, lots: int) -> bool:
    """Whether the vault has its initial margin after taking `lots`, or adds no risk by it, and its cash its bound."""
    size, price = -c.side * lots, vault_price(s, c, lots)
    if not cash_fits(s, vault, -size * price):
        return False
    leverage = 0 if find_slot(s, vault, c.market) != 0 else s.base_leverage[c.market, 0]
    after = measure_after(s, vault, c.market, size, size * price, 0, 0, 0, leverage)
    return bool(accepts(measure(s, vault), after))
