"""The scenario grid of portfolio margin: a versioned table that anyone can evaluate again (SPEC section 3)."""

import msgspec

from seawall.units import RATE_ONE, BadInput, Rate

SHOCKS_MAX = 16


class MarketRisk(msgspec.Struct, frozen=True, kw_only=True):
    """How one market moves in the grid. All in RATE_ONE."""

    beta: Rate  # relative move for a common-factor move of 1
    own: Rate  # largest move on its own, both ways
    basis: Rate  # gap that may open between the perp and collateral of the same asset
    floor: Rate  # of gross notional, always held
    concentration_start: int  # micro-USD of gross notional above which the add-on begins
    concentration: Rate  # add-on rate on what exceeds it


class FactorShock(msgspec.Struct, frozen=True):
    """All markets move by beta x `move`; markets that gain pay for losers only at `credit`.

    Credit 1 is full netting between markets, 0 is a broken correlation: every leg that can lose does, no leg helps.
    """

    move: Rate  # signed
    credit: Rate


class ScenarioGrid(msgspec.Struct, frozen=True, kw_only=True):
    """`portfolio_factor` turns maintenance into initial; it is at least 1 + exit buffer."""

    version: str
    factor_shocks: tuple[FactorShock, ...]
    own_shares: tuple[Rate, ...]  # shares of a market's `own` move that are tried, both ways
    risks: dict[str, MarketRisk]
    portfolio_factor: Rate

    def risk(self, market: str) -> MarketRisk:
        if market not in self.risks:
            raise BadInput("grid.risks", f"no risk parameters for market {market!r}")
        return self.risks[market]


def check_grid(grid: ScenarioGrid) -> ScenarioGrid:
    """The grid itself, or BadInput naming the entry that is out of bounds."""
    if not 1 <= len(grid.factor_shocks) <= SHOCKS_MAX or not 1 <= len(grid.own_shares) <= SHOCKS_MAX:
        raise BadInput("grid.factor_shocks", f"1 to {SHOCKS_MAX} factor shocks and own shares are needed")
    for shock in grid.factor_shocks:
        if not 0 <= shock.credit <= RATE_ONE or abs(shock.move) > RATE_ONE:
            raise BadInput("grid.factor_shocks", f"credit or move outside its range: {shock}")
    if not all(0 < share <= RATE_ONE for share in grid.own_shares):
        raise BadInput("grid.own_shares", "must be in (0, 1]")
    if grid.portfolio_factor < RATE_ONE:
        raise BadInput("grid.portfolio_factor", "must be at least 1")
    for name, risk in grid.risks.items():
        rates = (risk.own, risk.basis, risk.floor, risk.concentration)
        if not all(0 <= rate <= RATE_ONE for rate in rates) or risk.concentration_start < 0:
            raise BadInput(f"grid.risks.{name}", "rates must be in 0..1 and the concentration start not negative")
        if abs(risk.beta) > 10 * RATE_ONE:
            raise BadInput(f"grid.risks.{name}.beta", "beyond 10")
    return grid
