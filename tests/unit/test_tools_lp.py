"""`seawall account lp` against the closed forms of a range, in floats, and the definitions of break-even."""

import json
from fractions import Fraction
from math import exp

import pytest
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.margin.lp import Pair
from seawall.tools.lp import LpTerms, amounts_at, bounds_of, lp_report
from seawall.units import BadInput

USDC_WETH = Pair(base_is_token0=False, base_decimals=18, quote_decimals=6, size_decimals=4)
WETH_USDC = Pair(base_is_token0=True, base_decimals=18, quote_decimals=6, size_decimals=4)
UNIT = 10**12  # sqrt(10^18 x 10^6): the pool's L over that of whole tokens


def terms(pair: Pair = USDC_WETH, **changes: object) -> LpTerms:
    ticks = (193_380, 203_190) if pair is USDC_WETH else (-203_190, -193_380)
    fields = {"liquidity": 10**17, "price": Fraction(2500), "entry": Fraction(2400), "fees_usd": Fraction(300)}
    return LpTerms(pair=pair, tick_lower=ticks[0], tick_upper=ticks[1], **{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", [USDC_WETH, WETH_USDC])
def test_value_delta_and_gamma_are_those_of_the_closed_form(pair: Pair) -> None:
    report = lp_report(terms(pair))
    lower, upper, price, liquidity = float(report.lower), float(report.upper), 2500.0, 10**17 / UNIT
    value = liquidity * (2 * price**0.5 - price / upper**0.5 - lower**0.5)
    assert float(report.value_usd) == pytest.approx(value, rel=1e-9)
    assert float(report.delta) == pytest.approx(liquidity * (price**-0.5 - upper**-0.5), rel=1e-9)
    assert float(report.gamma) == pytest.approx(-liquidity / (2 * price**1.5), rel=1e-9)
    assert report.hedge == -report.delta
    held = report.hold_value_usd - report.value_usd
    assert report.impermanent_loss_usd == held > 0


def test_a_price_outside_the_range_leaves_one_token_and_no_gamma() -> None:
    below, above = lp_report(terms(price=Fraction(1000))), lp_report(terms(price=Fraction(9000)))
    assert (below.quote, below.gamma, below.in_range) == (0, 0, False)
    assert (above.base, above.gamma, above.in_range) == (0, 0, False)


def test_between_break_evens_fees_have_made_up_for_the_loss_and_beyond_they_have_not() -> None:
    asked = terms(price=Fraction(2410))
    report, start = lp_report(asked), amounts_at(asked, asked.entry)
    assert report.net_of_holding_usd > 0
    assert report.break_even_lower is not None
    assert report.break_even_upper is not None

    def gain(price: Fraction) -> Fraction:
        return amounts_at(asked, price).worth(price) + asked.fees_usd - start.worth(price)

    for edge, out in ((report.break_even_lower, -1), (report.break_even_upper, 1)):
        assert gain(edge) >= 0
        assert gain(edge + out * Fraction(1, 100)) < 0


def test_a_hedge_leaves_gamma_to_pay_for_by_fees() -> None:
    plain = lp_report(terms(entry=Fraction(2500)))
    report = lp_report(terms(entry=Fraction(2500), perp=plain.hedge))
    assert report.net_delta == 0
    assert report.hedged_lower is not None
    assert report.hedged_upper is not None
    assert report.hedged_lower < 2500 < report.hedged_upper
    reach = float(report.hedged_upper - 2500)
    assert 0.5 * -float(report.gamma) * reach**2 == pytest.approx(300, rel=0.05)


def test_the_advised_range_holds_the_price_and_hedges_the_same_money() -> None:
    report = lp_report(terms(volatility_day=Fraction(4, 100), days=7))
    advice = report.advice
    assert advice is not None
    assert advice.lower < 2500 < advice.upper
    widest = exp(1.2815515655 * 0.04 * 7**0.5)
    assert float(advice.upper / report.price) == pytest.approx(widest, rel=2e-4)
    assert -advice.hedge * report.price < report.value_usd
    assert lp_report(terms()).advice is None


@pytest.mark.parametrize(
    "changes",
    [
        {"price": Fraction(0)},
        {"liquidity": 0},
        {"days": 0},
        {"volatility_day": Fraction(3)},
        {"entry": Fraction(10**60)},
    ],
)
def test_nonsense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        lp_report(terms(**changes))


def test_the_command_prints_and_gives_json() -> None:
    words = ["account", "lp", "--liquidity", str(10**17), "--tick-lower", "193380", "--tick-upper", "203190"]
    words += ["--price", "2500", "--volatility", "4%", "--perp=-50"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "perp that hedges" in told.output
    plain = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    lower, upper = bounds_of(terms())
    assert float(plain["lower"]) == pytest.approx(float(lower))
    assert plain["in_range"] is True
    assert float(upper) > float(plain["advice"]["upper"]) > 2500
