"""Small sabotages of the margin core, one line of SPEC each."""

from mutant_bench import Mutant

HEALTH = "src/seawall/margin/health.py"
NEED = "src/seawall/margin/requirement.py"
WORTH = "src/seawall/margin/collateral.py"
LIQUIDATION = "src/seawall/margin/liquidation_price.py"
SCENARIO = "src/seawall/margin/scenario.py"

ALGEBRA = "tests/property/test_margin_algebra.py"
UNITS = "tests/unit/test_terms.py tests/unit/test_units.py tests/differential/test_health_equals_model.py"
BOOKED = f"tests/differential/test_health_equals_model.py {ALGEBRA} tests/differential/test_liquidation_equals_model.py"
PRICED = f"tests/differential/test_liquidation_equals_model.py {ALGEBRA}"
SHOCKED = "tests/differential/test_portfolio_equals_model.py tests/differential/test_hedges_equal_model.py"

MUTANTS = (
    Mutant(
        "maintenance rounds up",
        NEED,
        "UsdMicro(ceil_div(sum(numerators), RATE_ONE))",
        "UsdMicro(sum(numerators) // RATE_ONE)",
        BOOKED,
    ),
    Mutant("tiers deduct", NEED, "amount * tier.maintenance - tier.deduction", "amount * tier.maintenance", BOOKED),
    Mutant(
        "a tier starts at its lower bound",
        "src/seawall/terms/market.py",
        "if tier.lower > amount:",
        "if tier.lower >= amount:",
        UNITS,
    ),
    Mutant(
        "liquidation end is above maintenance",
        NEED,
        "RATE_ONE + exit_buffer, Side.UP",
        "RATE_ONE + exit_buffer, Side.DOWN",
        BOOKED,
    ),
    Mutant(
        "initial by leverage rounds up",
        NEED,
        "by_leverage = ceil_div(amount,",
        "by_leverage = (lambda a, b: a // b)(amount,",
        BOOKED,
    ),
    Mutant(
        "the tier caps leverage",
        NEED,
        "return min(chosen, tier_of(market.tiers, amount).max_leverage)",
        "return chosen",
        BOOKED,
    ),
    Mutant(
        "open interest raises initial",
        NEED,
        "if open_interest >= upper:",
        "if open_interest > upper:\n        return Rate(base)\n    if open_interest == upper:",
        BOOKED,
    ),
    Mutant("orders reserve the worse side", NEED, "abs(position.size - position.asks)", "abs(position.size)", BOOKED),
    Mutant(
        "stable price counts for initial",
        WORTH,
        "worth = min(redeemable_price(asset), asset.stable)",
        "worth = redeemable_price(asset)",
        BOOKED,
    ),
    Mutant("redemption caps the price", WORTH, "Price(min(asset.oracle, asset.redemption))", "asset.oracle", BOOKED),
    Mutant(
        "supply scales the weight",
        WORTH,
        "asset.supply_total <= asset.supply_start",
        "asset.supply_total >= asset.supply_start",
        BOOKED,
    ),
    Mutant(
        "collateral rounds down",
        WORTH,
        "asset.weight_maintenance, Side.DOWN",
        "asset.weight_maintenance, Side.UP",
        BOOKED,
    ),
    Mutant("profit is capped for initial", HEALTH, "min(policy.profit_cap, weighted)", "weighted", BOOKED),
    Mutant(
        "initial is at least liquidation end", HEALTH, "max(initials, end) + reserved", "initials + reserved", BOOKED
    ),
    Mutant("withdrawals keep initial margin", HEALTH, "max(state.initial, floor)", "floor", BOOKED),
    Mutant("withdrawals keep the floor", HEALTH, "max(state.initial, floor)", "state.initial", BOOKED),
    Mutant("unpaid profit stays", HEALTH, "max(0, room - unpaid)", "max(0, room)", BOOKED),
    Mutant(
        "more maintenance is more risk",
        HEALTH,
        "if after.maintenance > before.maintenance:\n        return True",
        "if False:\n        return True",
        BOOKED,
    ),
    Mutant(
        "orders are risk",
        HEALTH,
        "if after.reserved > before.reserved and after.initial > before.initial:",
        "if False:",
        BOOKED,
    ),
    Mutant("an empty bucket pays nothing out", HEALTH, "return before.maintenance == 0  #", "return False  #", BOOKED),
    Mutant(
        "equity per maintenance may not fall",
        HEALTH,
        "after.equity * before.maintenance < before.equity * after.maintenance",
        "False",
        BOOKED,
    ),
    Mutant(
        "funding is floored",
        "src/seawall/units.py",
        "floor_div(-size * (index - entry_index), FUNDING_INDEX_PER_MICRO)",
        "-((size * (index - entry_index)) // FUNDING_INDEX_PER_MICRO)",
        UNITS,
    ),
    Mutant(
        "the tier is that at the solution",
        LIQUIDATION,
        "high = root if end is None else min(end, root)",
        "high = root",
        PRICED,
    ),
    Mutant("the closing fee counts", LIQUIDATION, "tier.maintenance + closing_fee", "tier.maintenance", PRICED),
    Mutant(
        "linked collateral moves",
        LIQUIDATION,
        "return self.size + Fraction(moving, RATE_ONE * self.mark)",
        "return Fraction(self.size)",
        PRICED,
    ),
    Mutant("gains pay at the credit only", SCENARIO, "gained * scenario.credit", "gained * RATE_ONE", SHOCKED),
    Mutant("hedges pay the basis", SCENARIO, "hedged * risk.basis * RATE_ONE -", "-", SHOCKED),
    Mutant(
        "prices stop at zero",
        SCENARIO,
        "move = max(-RATE_ONE * RATE_ONE, scenario.move * beta)",
        "move = scenario.move * beta",
        SHOCKED,
    ),
    Mutant(
        "concentration is charged",
        SCENARIO,
        "max(0, gross - risk.concentration_start) * risk.concentration",
        "0",
        SHOCKED,
    ),
)
