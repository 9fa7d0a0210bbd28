"""A world with portfolio margin: ether and bitcoin trade and are collateral, and a pool of ether against USD is."""

from fractions import Fraction

from seawall.ledger import state
from seawall.margin import lp
from seawall.terms import asset_parameter, code, command, parameter
from seawall.units import RATE_ONE
from vault_world import BITCOIN, ETH, ETHER, PRICE, Vault
from venue_world import USD, World

BTC, POOL = 1, 2  # assets beside ETH
LIQUIDITY = 10_000_000  # about 40,000 USD in 80..125 USD a lot
PERCENT = RATE_ONE // 100
GRID = {
    parameter.PORTFOLIO_MOST: 3,
    parameter.PORTFOLIO_EQUITY: 1_000 * USD,
    parameter.PORTFOLIO_FACTOR: 125 * PERCENT,
}
MOVES = {
    parameter.GRID_OWN: 15 * PERCENT,
    parameter.GRID_BASIS: 2 * PERCENT,
    parameter.GRID_FLOOR: RATE_ONE // 200,
}


class Portfolios(Vault):
    """Two markets of 10 x leverage (5 % maintenance), their tokens at 90 % and 95 %, a pool at 80 % and 90 %."""

    def __init__(self, grid: dict[int, int] | None = None) -> None:
        World.__init__(self, 0, PRICE, state.SMALL)
        self.tokens = 0
        for which, value in {**GRID, **(grid or {})}.items():
            self.parameter(-1, which, value)
        for market in (ETHER, BITCOIN):
            self.list_market(market, PRICE, leverage=10, maintenance=RATE_ONE // 20)
        cap = 10_000_000 * USD
        for number, market in ((ETH, ETHER), (BTC, BITCOIN)):
            self.asset(number, market, weight_initial=90 * PERCENT, weight_maintenance=95 * PERCENT)
        fields = {"market": ETHER, "other": POOL, "size": ETH + 1, "flags": asset_parameter.POOL}
        self.must(kind=command.LIST_ASSET, signer=command.ADMIN, **fields)
        values = {"weight_maintenance": 90 * PERCENT, "weight_initial": 80 * PERCENT, "supply_cap": cap}
        for name, value in {**values, "account_cap": cap, "scan": 10 * PERCENT}.items():
            self.set_asset(POOL, name, value)

    def price(self, market: int, price: int) -> None:
        """Before the first one a market is not open."""
        if self.venue.columns["market_oracle"][market] == 0:
            for which, value in MOVES.items():
                self.parameter(market, which, value)
        super().price(market, price)

    def set_portfolio(self, account: int, is_in: bool = True, expected: int = code.OK) -> None:
        flags = command.PORTFOLIO if is_in else 0
        fields = {"kind": command.SET_PORTFOLIO, "signer": account, "account": account, "flags": flags}
        if expected == code.OK:
            self.must(**fields)
        else:
            self.refused(expected, **fields)

    def is_portfolio(self, account: int) -> bool:
        return bool(self.venue.columns["bucket_mode"][account])

    def attach(self, account: int, low: int = 80, high: int = 125, liquidity: int = LIQUIDITY) -> int:
        """A position of liquidity arrives; returns its token."""
        self.deposits += 1
        self.tokens += 1
        fields = {"account": account, "other": POOL, "client_low": self.tokens, "size": liquidity}
        fields |= roots(low, high)
        self.must(kind=command.ATTACH_RANGE, signer=command.BRIDGE, reference=self.deposits, **fields)
        return self.tokens


def roots(low: int, high: int) -> dict[str, int]:
    """The fields of a range between two prices in USD a lot."""
    scale = 0
    while lp._root(Fraction(high * USD), scale + 1) < 2**31:
        scale += 1
    return {
        "price": lp._root(Fraction(low * USD), scale) + 1,
        "trigger": lp._root(Fraction(high * USD), scale),
        "extra": scale,
    }
