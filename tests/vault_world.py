"""A world whose accounts hold collateral other than USD: markets 0 and 1 trade, others only carry indices."""

from typing import Any

from seawall.engine.invariants import broken
from seawall.terms import asset_parameter, command
from seawall.units import RATE_ONE
from venue_world import USD, World

ETHER, BITCOIN, DOLLAR, PAR = range(4)  # markets: the last is the redemption value of the one before it
ETH, USDE = range(2)  # assets
PRICE = 100 * USD


class Vault(World):
    """ETH priced by its market, USDe and stETH with redemption values, and a token that is worth what one says."""

    def __init__(self) -> None:
        from seawall.ledger import state

        super().__init__(2, PRICE, state.SMALL)

    def index(self, market: int, price: int) -> None:
        """An index without an open market: sources speak, nobody trades."""
        admin = command.ADMIN
        self.must(kind=command.LIST_MARKET, signer=admin, market=market, other=0, price=2**33)
        self.parameter(market, 29, 1)  # ORACLE_QUORUM
        self.parameter(market, 31, RATE_ONE)  # ORACLE_STEP
        self.must(kind=command.SET_SOURCE, signer=admin, market=market, other=0, size=1)
        self.price(market, price)

    def asset(
        self, number: int, market: int, redeemed: int = -1, kind: int = asset_parameter.TOKEN, **more: int
    ) -> None:
        """Lists an asset: 80 % for initial, 90 % for maintenance, sold at 5 % off, up to a million lots."""
        fields = {"market": market, "other": number, "size": redeemed + 1, "flags": kind}
        self.must(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
        values = {
            "weight_maintenance": RATE_ONE * 9 // 10,
            "weight_initial": RATE_ONE * 8 // 10,
            "supply_cap": 2**20,
            "account_cap": 2**20,
            **more,
        }
        for name, value in values.items():
            self.set_asset(number, name, value)

    def set_asset(self, number: int, name: str, value: int, expires: int = 0) -> None:
        which = number_of(name)
        admin = command.ADMIN
        self.must(kind=command.SET_ASSET, signer=admin, other=number, reference=which, price=value, expires=expires)

    def give(self, account: int, asset: int, lots: int) -> int:
        """A deposit of lots; returns the id of the withdrawal that sends them back, 0 when they are credited."""
        self.deposits += 1
        fields = {"account": account, "other": asset, "size": lots, "reference": self.deposits}
        done = self.must(kind=command.DEPOSIT_ASSET, signer=command.BRIDGE, **fields)
        return int(done.made[0])

    def holding(self, bucket: int, asset: int) -> int:
        """Lots that a bucket holds."""
        columns: Any = self.venue.columns
        row = int(columns["bucket_holding"][bucket])
        while row:
            if columns["holding_asset"][row] == asset:
                return int(columns["holding_lots"][row])
            row = int(columns["holding_next"][row])
        return 0

    def measured(self, bucket: int) -> tuple[int, ...]:
        from seawall.ledger.health import measure
        from seawall.ledger.state import for_kernels

        return tuple(int(part) for part in measure(for_kernels(self.venue.array)[0], bucket))

    def may_leave(self, bucket: int) -> int:
        from seawall.ledger.leaving import may_leave
        from seawall.ledger.state import for_kernels

        return int(may_leave(for_kernels(self.venue.array)[0], bucket))

    def pass_time(self, ms: int) -> None:
        """Ticks short of an outage, every index of before published again."""
        columns: Any = self.venue.columns
        while ms > 0:
            step = min(ms, 59_000)
            ms -= step
            self.tick(step)
            for market in range(int(columns["cell"][8])):
                self.price(market, int(columns["market_oracle"][market]))

    def move(self, market: int, price: int) -> None:
        """Takes an index to a price in steps that its guard lets through, the others as they are."""
        columns: Any = self.venue.columns
        for _ in range(600):
            if (now := int(columns["market_oracle"][market])) == price:
                return
            reach = max(now // 25, 1)
            self.tick()
            self.price(market, min(max(price, now - reach), now + reach))
            for other in range(int(columns["cell"][8])):
                if other != market:
                    self.price(other, int(columns["market_oracle"][other]))
        raise AssertionError(f"the index stands at {columns['market_oracle'][market]}, not at {price}")

    def sound(self) -> None:
        """Every invariant holds."""
        assert broken(self.venue.columns) == []

    def settle(self, most: int = 64) -> list[dict[str, int]]:
        """Liquidation steps until nothing is queued that can act; all their events."""
        from seawall.terms import event

        events: list[dict[str, int]] = []
        for _ in range(most):
            done = self.liquidate()
            events += [dict(zip(event.ROW, row, strict=True)) for row in done.events.tolist()]
            if len(done.events) == 0:
                break
        return events

    def cell(self, number: int) -> int:
        return int(self.venue.columns["cell"][number])


def number_of(name: str) -> int:
    """Number of a parameter of an asset."""
    return next(number for number, spec in asset_parameter.ASSET.items() if spec.name == name)
