"""What-if and advise: trades and moves applied to whole accounts."""

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from seawall.margin.health import Level
from seawall.tools.account_file import Account, NamedBucket, build, load
from seawall.tools.advise import Kind, Recommended, Spot, advise, kind_from, numbers_account, spot_from, with_spot_sizes
from seawall.tools.plan import Direction
from seawall.tools.what_if import Mode, Trade, extra_of, parsed_moves, trade_from, what_if
from seawall.tools.wire import Node
from seawall.units import RATE_ONE, BadInput, Rate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "accounts"
META = str(EXAMPLES / "meta.json")


def account(name: str, trade: Trade | None = None, meta: str | None = None) -> Account:
    return load(str(EXAMPLES / f"{name}.json"), meta_path=meta, extra=extra_of(trade))


def trade(coin: str, side: Direction, size: str, **more: object) -> Trade:
    return Trade(coin=coin, side=side, size=Fraction(size), **more)  # type: ignore[arg-type]


def test_a_trade_at_the_mark_costs_its_fee_and_nothing_else() -> None:
    wanted = trade("BTC", Direction.SHORT, "0.1", fee=Rate(12_000))
    report = what_if(account("cross_hedged", wanted), wanted, {})
    assert report.is_accepted
    assert report.fee_usd == Fraction("10.12505")
    assert report.before.account_value_usd - report.after.account_value_usd == report.fee_usd
    assert report.after.notional_usd == report.before.notional_usd - Fraction("10125.05")
    line = next(line for line in report.prices if line.coin == "BTC")
    assert (line.size_before, line.size_after) == (Fraction("0.6"), Fraction("0.5"))
    assert line.liquidation_after_usd is not None
    assert line.liquidation_before_usd is not None
    assert line.liquidation_after_usd < line.liquidation_before_usd


def test_closing_makes_the_price_go_away() -> None:
    wanted = trade("SOL", Direction.LONG, "90.5")
    report = what_if(account("cross_hedged", wanted), wanted, {})
    line = next(line for line in report.prices if line.coin == "SOL")
    assert (line.size_after, line.liquidation_after_usd) == (0, None)


def test_too_large_a_trade_is_refused_with_the_reason() -> None:
    wanted = trade("BTC", Direction.LONG, "5", leverage=10)
    report = what_if(account("cross_hedged", wanted), wanted, {})
    assert report.is_accepted is False
    assert any("initial margin" in reason for reason in report.reasons)
    close = trade("BTC", Direction.SHORT, "0.35")
    assert what_if(account("underwater", close), close, {}).is_accepted  # reducing is always allowed


def test_leverage_above_the_tier_is_refused() -> None:
    wanted = trade("BTC", Direction.SHORT, "1", leverage=40)
    report = what_if(account("tiered_whale", wanted), wanted, {})
    assert any("leverage 40 is above 20" in reason for reason in report.reasons)


def test_a_position_above_the_leverage_of_its_tier_may_always_shrink() -> None:
    whale = account("tiered_whale", trade("BTC", Direction.LONG, "4701.5"))
    held = tuple(msgspec.structs.replace(p, leverage=40) for p in whale.cross.positions)
    cross = msgspec.structs.replace(whale.cross, positions=held)
    high = msgspec.structs.replace(whale, buckets=(NamedBucket(name="cross", bucket=cross),))
    for wanted, is_accepted in (
        (trade("BTC", Direction.LONG, "1"), True),
        (trade("BTC", Direction.LONG, "2350.75"), True),
        (trade("BTC", Direction.SHORT, "1"), False),
        (trade("BTC", Direction.LONG, "4701.5"), False),  # turns it around
        (trade("BTC", Direction.LONG, "1", leverage=40), False),  # asks for it again
        (trade("BTC", Direction.LONG, "1", leverage=20), True),
    ):
        assert what_if(high, wanted, {}).is_accepted is is_accepted


def test_an_isolated_trade_moves_its_margin_out_of_cross() -> None:
    wanted = trade("SOL", Direction.LONG, "10", price=Fraction(180), leverage=20, mode=Mode.ISOLATED, fee=Rate(12_000))
    before = account("isolated", wanted, META)
    report = what_if(before, wanted, {})
    assert report.is_accepted
    own = next(bucket for bucket in report.after.buckets if bucket.bucket == "isolated SOL")
    assert own.equity_usd == 90
    assert report.before.buckets[0].equity_usd - report.after.buckets[0].equity_usd == 90 + Fraction("1.8")
    big = trade("SOL", Direction.LONG, "1000", price=Fraction(180), leverage=20, mode=Mode.ISOLATED)
    assert what_if(account("isolated", big, META), big, {}).is_accepted is False


def test_closing_an_isolated_position_returns_what_is_left() -> None:
    wanted = trade("ETH", Direction.SHORT, "2.5")
    report = what_if(account("isolated", wanted), wanted, {})
    assert [bucket.bucket for bucket in report.after.buckets] == ["cross", "isolated DOGE"]
    assert report.after.account_value_usd == report.before.account_value_usd
    over = trade("ETH", Direction.SHORT, "3")
    with pytest.raises(BadInput, match="turn the isolated"):
        what_if(account("isolated", over), over, {})


def test_moves_reach_the_liquidation_price_and_no_further() -> None:
    read = account("isolated")
    at = next(line for line in what_if(read, None, parsed_moves(["ETH=-1%"], [])).prices if line.coin == "ETH")
    assert at.liquidation_after_usd == at.liquidation_before_usd
    assert at.liquidation_before_usd is not None
    for shift, level in ((1, Level.BELOW_INITIAL), (-1, Level.LIQUIDATABLE)):
        target = round(at.liquidation_before_usd, 2) + Fraction(shift, 10)
        report = what_if(read, None, {"ETH": (False, target)})
        bucket = next(bucket for bucket in report.after.buckets if bucket.bucket == "isolated ETH")
        assert bucket.level is level
        assert report.is_accepted is None


@pytest.mark.parametrize(
    ("moves", "prices"),
    [
        (["BTC"], []),
        (["BTC=-100%"], []),
        (["BTC=1%", "BTC=2%"], []),
        (["BTC=1%"], ["BTC=5"]),
        ([], ["BTC=0"]),
        (["=1"], []),
    ],
)
def test_bad_moves_are_refused(moves: list[str], prices: list[str]) -> None:
    with pytest.raises(BadInput):
        parsed_moves(moves, prices)


def test_what_cannot_happen_is_refused() -> None:
    read = account("cross_hedged")
    with pytest.raises(BadInput, match="nothing happens"):
        what_if(read, None, {})
    with pytest.raises(BadInput, match="XRP"):
        what_if(read, None, {"XRP": (True, Fraction(1))})
    with pytest.raises(BadInput, match="absurd"):
        what_if(read, None, {"BTC": (False, Fraction(10**14))})
    for wanted, why in (
        (trade("XRP", Direction.LONG, "1", price=Fraction(1), leverage=1), "unknown market"),
        (trade("DOGE", Direction.LONG, "1", leverage=1), "price"),
        (trade("DOGE", Direction.LONG, "1", price=Fraction(1)), "leverage"),
        (trade("BTC", Direction.LONG, "1", mode=Mode.ISOLATED), "held cross"),
    ):
        with pytest.raises(BadInput, match=why):
            what_if(account("cross_hedged", wanted), wanted, {})
    held = trade("ETH", Direction.LONG, "1", mode=Mode.CROSS)
    with pytest.raises(BadInput, match="held isolated"):
        what_if(account("isolated", held), held, {})


def test_words_of_a_trade() -> None:
    words = {"side": "sell", "price": None, "leverage": None, "mode": "auto", "fee": "0", "max_leverage": None}
    assert trade_from(coin=None, size=None, **words) is None  # type: ignore[arg-type]
    found = trade_from(coin="X", size="2", **words)  # type: ignore[arg-type]
    assert found is not None
    assert found.side is Direction.SHORT
    for change in ({"side": "up"}, {"mode": "both"}, {"leverage": 0}, {"max_leverage": 5000}, {"fee": "-1"}):
        with pytest.raises(BadInput):
            trade_from(coin="X", size="2", **{**words, **change})  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="size"):
        trade_from(coin="X", size=None, **words)  # type: ignore[arg-type]


BTC = {"price": Fraction(50_000), "leverage": 10, "max_leverage": 40}


def test_a_hedge_goes_cross_and_says_by_how_much_it_helps() -> None:
    book = numbers_account("10000", ["ETH=8@2500:25"])
    found = advise(book, trade("BTC", Direction.SHORT, "0.3", **BTC), Kind.HEDGED)
    assert found.recommended is Recommended.CROSS
    assert found.exposure.before_usd == 20_000
    assert found.exposure.after_usd == 5_000
    assert found.cross.move_to_liquidation is not None
    assert found.isolated.move_to_liquidation is not None
    assert found.cross.move_to_liquidation > found.isolated.move_to_liquidation
    assert found.isolated.at_risk_usd == 1_500
    assert found.cross.at_risk_usd == 10_000


def test_a_hedge_that_adds_exposure_is_no_hedge() -> None:
    book = numbers_account("10000", ["ETH=8@2500:25"])
    found = advise(book, trade("BTC", Direction.LONG, "0.3", **BTC), Kind.HEDGED)
    assert found.recommended is Recommended.ISOLATED
    assert "do not offset" in found.reason


@pytest.mark.parametrize(
    ("kind", "legs", "side", "wanted"),
    [
        (Kind.CORRELATED, ["ETH=8@2500:25", "SOL=40@150:20"], Direction.LONG, Recommended.ISOLATED),
        (Kind.CORRELATED, ["ETH=8@2500:25"], Direction.SHORT, Recommended.CROSS),
        (Kind.EXPERIMENTAL, [], Direction.LONG, Recommended.ISOLATED),
        (Kind.SCALP, ["ETH=1@2500:25"], Direction.SHORT, Recommended.ISOLATED),
        (Kind.SINGLE, [], Direction.LONG, Recommended.EITHER),
        (Kind.SINGLE, ["ETH=1@2500:25"], Direction.LONG, Recommended.ISOLATED),
        (Kind.BASIS, [], Direction.LONG, Recommended.ISOLATED),
    ],
)
def test_advice_by_kind(kind: Kind, legs: list[str], side: Direction, wanted: Recommended) -> None:
    found = advise(numbers_account("10000", legs), trade("BTC", side, "0.3", **BTC), kind)
    assert found.recommended is wanted
    assert found.isolated.positions_together == 1
    assert found.cross.positions_together == len(legs) + 1


def test_a_basis_trade_counts_its_spot_leg() -> None:
    wanted = trade("BTC", Direction.SHORT, "0.3", **BTC)
    spot = spot_from(None, "0.9", Kind.BASIS, wanted)
    assert spot == Spot(size=Fraction("0.3"), weight=Rate(RATE_ONE * 9 // 10))
    found = advise(numbers_account("2000", []), with_spot_sizes(wanted, spot), Kind.BASIS, spot)
    assert found.recommended is Recommended.CROSS
    assert found.exposure.after_usd == 0
    # cash 2,000 + 0.9 x 0.3 p - 0.3 (p - 50,000) = 0.3 p / 80
    assert found.cross.liquidation_price_usd == Fraction(17_000) / (Fraction("0.03") + Fraction("0.3") / 80)
    full = Spot(size=Fraction("0.3"), weight=Rate(RATE_ONE))
    none = advise(numbers_account("2000", []), with_spot_sizes(wanted, full), Kind.BASIS, full)
    assert none.cross.liquidation_price_usd is not None
    assert none.cross.liquidation_price_usd > found.cross.liquidation_price_usd
    assert spot_from(None, "0.9", Kind.SINGLE, wanted) is None
    with pytest.raises(BadInput, match="spot-weight"):
        spot_from("1", "1.5", Kind.BASIS, wanted)


def test_an_advice_that_the_rules_refuse_is_warned_of() -> None:
    found = advise(numbers_account("500", []), trade("BTC", Direction.LONG, "0.3", **BTC), Kind.SCALP)
    assert not found.isolated.is_accepted
    assert any("refuse" in text for text in found.warnings)


@pytest.mark.parametrize(
    "leg", ["ETH", "ETH=1", "ETH=1@5", "ETH=0@5:5", "ETH=1@0:5", "ETH=x@5:5", "=1@5:5", "ETH=1@5:0"]
)
def test_bad_legs_are_refused(leg: str) -> None:
    with pytest.raises(BadInput):
        numbers_account("10000", [leg])


def test_advice_needs_a_new_coin_and_a_known_kind() -> None:
    with pytest.raises(BadInput, match="held already"):
        advise(account("cross_hedged"), trade("BTC", Direction.LONG, "1", **BTC), Kind.SINGLE)
    with pytest.raises(BadInput, match="kind"):
        kind_from("yolo")


def test_an_odd_mark_still_takes_a_trade_and_says_what_it_costs() -> None:
    leverage = {"type": "cross", "value": 3}
    odd = {"coin": "A", "szi": "0.13", "positionValue": "8.346137", "leverage": leverage, "maxLeverage": 3}
    document = {"assetPositions": [{"position": odd}], "crossMarginSummary": {"totalRawUsd": "-4.0"}}
    exact = build(Node(document, "", "f"))
    assert exact.warnings == ()
    assert exact.place("A").mark_usd == Fraction("8.346137") / Fraction("0.13")
    wanted = trade("A", Direction.LONG, "0.05")
    read = build(Node(document, "", "f"), extra=extra_of(wanted))
    assert any("no lot holds its mark" in text for text in read.warnings)
    assert abs(read.place("A").mark_usd - exact.place("A").mark_usd) <= Fraction(1, 10**4)
    assert what_if(read, wanted, {}).is_accepted is not None
