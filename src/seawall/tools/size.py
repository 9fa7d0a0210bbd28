"""`seawall account size`: how large a position a risk budget allows."""

import math
from fractions import Fraction

import msgspec

from seawall.margin.health import health
from seawall.margin.liquidation_price import liquidation_prices
from seawall.terms import limits
from seawall.tools.account_file import load
from seawall.tools.figures import given_fraction, given_positive, money, percent
from seawall.tools.liq import relevant
from seawall.tools.plan import Direction, MarketWords, Plan, allowed, described
from seawall.tools.scales import usd_of
from seawall.units import RATE_ONE, USD_ONE, BadInput, Rate, Side, UsdMicro, share

DECIMALS_MAX = 5  # of a lot, when neither --lot nor meta says
RISK_CUSTOM = Fraction(2, 100)  # the upper end of the 1 to 2 % rule


class RiskBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What may be lost when the stop is hit: `risk` is a share of `equity_usd`."""

    equity_usd: Fraction
    risk: Fraction
    entry: Fraction
    stop: Fraction
    leverage: int
    fee: Rate
    lot: Fraction


def budget_from(
    *,
    equity: Fraction,
    risk: str,
    entry: str,
    stop: str,
    leverage: int,
    fee: Rate,
    lot: str | None,
    words: MarketWords,
) -> RiskBudget:
    """A RiskBudget from the words of the command line; the lot is given, the market's own, or fit for the entry price.

    A price of d decimals goes with lots of 6 - d decimals (SPEC section 0), and no finer than 0.00001.
    """
    decimals = words.decimals
    if decimals is None:
        decimals = max(0, min(DECIMALS_MAX, limits.SIZE_DECIMALS_MAX - len(entry.strip().partition(".")[2])))
    step = Fraction(1) / Fraction(10) ** decimals if lot is None else given_positive(lot, "lot")
    return RiskBudget(
        equity_usd=equity,
        risk=given_fraction(risk, "risk"),
        entry=given_positive(entry, "entry"),
        stop=given_positive(stop, "stop"),
        leverage=leverage,
        fee=fee,
        lot=step,
    )


def equity_from(equity: str | None, account: str | None, meta: str | None) -> Fraction:
    """USD to size from: given, or the equity of an account's cross bucket."""
    if (equity is None) == (account is None):
        raise BadInput("equity", "give --equity or --account FILE (one of them)")
    if equity is not None:
        return given_positive(equity, "equity")
    found = load(account, meta_path=meta)
    value = usd_of(health(found.cross, found.conditions).equity)
    if value <= 0:
        raise BadInput("equity", f"the cross equity is {money(value)} USD", found.file)
    return value


class SizeReport(msgspec.Struct, frozen=True, kw_only=True):
    """The largest size within the budget and within the margin. Prices and amounts in USD."""

    coin: str
    side: Direction
    size: Fraction
    limited_by: str  # "risk" or "margin"
    notional_usd: Fraction
    margin_needed_usd: Fraction
    equity_usd: Fraction
    risk_budget_usd: Fraction
    loss_at_stop_usd: Fraction
    loss_at_stop_share: Fraction
    fees_usd: Fraction
    entry_usd: Fraction
    stop_usd: Fraction
    stop_move: Fraction
    leverage: int
    effective_leverage: Fraction
    liquidation_price_isolated_usd: Fraction | None
    liquidation_price_cross_usd: Fraction | None
    stop_is_beyond_liquidation: bool
    warnings: tuple[str, ...]


def position_size(words: MarketWords, budget: RiskBudget, *, coin: str, side: Direction) -> SizeReport:
    """The largest whole number of lots that loses no more than the budget at the stop, fees of both fills included.

    Rounds down. Raises BadInput for a stop on the wrong side of the entry and when not even one lot fits.
    """
    _check(budget, side)
    per_unit = abs(budget.entry - budget.stop) + (budget.entry + budget.stop) * Fraction(budget.fee, RATE_ONE)
    allowed = budget.equity_usd * budget.risk
    by_risk = math.floor(allowed / per_unit / budget.lot) * budget.lot
    if by_risk == 0:
        raise BadInput("risk", f"{float(allowed):.6g} USD of risk buys less than one lot of {float(budget.lot):g}")
    plan = _plan(words, budget, coin=coin, side=side, size=by_risk)
    most = _within_margin(plan, budget)
    if most == 0:
        raise BadInput("equity", "does not cover the initial margin of one lot")
    if most < by_risk:
        plan = _plan(words, budget, coin=coin, side=side, size=most)
    return _report(plan, budget, limited_by="risk" if most == by_risk else "margin", per_unit=per_unit)


def _check(budget: RiskBudget, side: Direction) -> None:
    if not 0 < budget.risk <= 1:
        raise BadInput("risk", f"{percent(budget.risk)} of equity is outside 0..100 %")
    if (budget.entry - budget.stop) * side.sign <= 0:
        where = "below" if side is Direction.LONG else "above"
        raise BadInput("stop", f"the stop of a {side.value} must be {where} its entry")


def _plan(words: MarketWords, budget: RiskBudget, *, coin: str, side: Direction, size: Fraction) -> Plan:
    entry, leverage = budget.entry, budget.leverage
    return allowed(
        described(words, coin=coin, side=side, size=size, entry=entry, leverage=leverage, sizes=(budget.lot,))
    )


def _within_margin(plan: Plan, budget: RiskBudget) -> Fraction:
    """The largest size up to the plan's whose initial margin and opening fee fit the equity: bisection over lots."""
    equity = budget.equity_usd * USD_ONE

    def fits(lots: int) -> bool:
        smaller = msgspec.structs.replace(plan, size=lots * budget.lot)
        return smaller.initial + share(smaller.notional, budget.fee, Side.UP) <= equity

    good, bad = 0, int(plan.size / budget.lot) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good * budget.lot


def _report(plan: Plan, budget: RiskBudget, *, limited_by: str, per_unit: Fraction) -> SizeReport:
    opening = share(plan.notional, budget.fee, Side.UP)
    whole = UsdMicro(math.floor(budget.equity_usd * USD_ONE) - opening)
    isolated, cross = _liquidation(plan, plan.initial), _liquidation(plan, whole)
    loss = plan.size * per_unit
    beyond = isolated is not None and (budget.stop - isolated) * plan.direction.sign <= 0
    return SizeReport(
        coin=plan.coin,
        side=plan.direction,
        size=plan.size,
        limited_by=limited_by,
        notional_usd=usd_of(plan.notional),
        margin_needed_usd=usd_of(plan.initial),
        equity_usd=budget.equity_usd,
        risk_budget_usd=budget.equity_usd * budget.risk,
        loss_at_stop_usd=loss,
        loss_at_stop_share=loss / budget.equity_usd,
        fees_usd=plan.size * (budget.entry + budget.stop) * Fraction(budget.fee, RATE_ONE),
        entry_usd=budget.entry,
        stop_usd=budget.stop,
        stop_move=budget.stop / budget.entry - 1,
        leverage=budget.leverage,
        effective_leverage=usd_of(plan.notional) / budget.equity_usd,
        liquidation_price_isolated_usd=isolated,
        liquidation_price_cross_usd=cross,
        stop_is_beyond_liquidation=beyond,
        warnings=tuple(_warnings(budget, beyond=beyond, limited_by=limited_by)),
    )


def _liquidation(plan: Plan, margin: UsdMicro) -> Fraction | None:
    found = relevant(liquidation_prices(plan.isolated(margin), plan.conditions, plan.coin), plan.direction)
    return None if found is None else plan.place.scale.price_usd(found)


def _warnings(budget: RiskBudget, *, beyond: bool, limited_by: str) -> list[str]:
    said = []
    if beyond:
        said.append(
            "the stop lies beyond the isolated liquidation price: it would never be reached; lower the leverage"
        )
    if limited_by == "margin":
        said.append("equity at this leverage, not the risk budget, limits the size")
    if budget.risk > RISK_CUSTOM:
        said.append(f"{percent(budget.risk)} of equity on one trade is above the 1-2 % that traders advise")
    return said
