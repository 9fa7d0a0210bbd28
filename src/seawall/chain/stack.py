"""The contracts of a deployment in order, and what each is given: one account, one nonce after the other."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain.permits import PERMITS
from seawall.chain.settings import NOBODY, Settings
from seawall.terms import parameter, venue_parameter
from seawall.units import RATE_ONE

MODULES: Final = {  # in the order of the struct `Modules` of ClearingHouse.vy
    "vault": "CollateralVault",
    "desk": "AccountDesk",
    "exchange": "Exchange",
    "liquidation": "Liquidation",
    "deleveraging": "Deleveraging",
    "pools": "Pools",
    "steward": "RiskSteward",
    "hub": "OracleHub",
    "funding": "FundingClock",
    "appraiser": "Appraiser",
    "lending": "Lending",
}
WRITERS: Final = {**MODULES, "lp": "LPCollateral"}  # who may `put` something: its modules, and who holds LP positions
ORDER: Final = (
    "Timelock",
    "ClearingHouse",
    "Exchange",
    "AccountDesk",
    "CollateralVault",
    "LPCollateral",
    "Appraiser",
    "Lending",
    "PoolClose",
    "Liquidation",
    "Deleveraging",
    "FundingClock",
    "SignedOracle",
    "OracleHub",
    "RiskSteward",
    "RiskOracle",
    "Pools",
    "StateRoots",
)
VENUE_NUMBERS: Final = 64
REPORT_AGE_MS: Final = 60_000


def create_address(sender: str, nonce: int) -> str:
    """Where the contract that `sender` creates with that nonce will be."""
    import rlp
    from eth_utils.address import to_checksum_address
    from eth_utils.crypto import keccak

    return str(to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:]))


def planned(deployer: str, nonce: int) -> dict[str, str]:
    """The address of every contract of ORDER, the first at this nonce."""
    return {name: create_address(deployer, nonce + place) for place, name in enumerate(ORDER)}


def arguments(name: str, where: Mapping[str, str], s: Settings, usd: str) -> tuple[Any, ...]:
    """What a contract's constructor takes. `s` has no empty address any more."""
    house, governor = where["ClearingHouse"], where["Timelock"]
    exchange, vault = where["Exchange"], where["CollateralVault"]
    simple: dict[str, tuple[Any, ...]] = {
        "Timelock": (s.admin, s.guardian, s.timelock_s),
        "Exchange": (house, governor, s.operator, s.silence_s),
        "AccountDesk": (house,),
        "LPCollateral": (house, vault, s.lp_manager or NOBODY, governor, s.guardian),
        "Appraiser": (house, vault, where["LPCollateral"], governor),
        "Lending": (house, where["Liquidation"]),
        "PoolClose": (house,),
        # their third is whom they ask what collateral is worth: tokens and LP positions together
        "Liquidation": (house, where["Deleveraging"], where["Appraiser"], where["PoolClose"]),
        "Deleveraging": (house, where["Liquidation"], where["Appraiser"]),
        "FundingClock": (house, exchange, s.has_book),
        "SignedOracle": (governor, s.reporters, s.quorum, s.oracle_deviation, REPORT_AGE_MS),
        "OracleHub": (house, governor, s.guardian),
        "RiskSteward": (house, governor, s.admin, s.guardian, where["RiskOracle"], where["StateRoots"]),
        "RiskOracle": (where["RiskSteward"], governor, s.guardian, s.risk_signers, s.risk_threshold),
        "Pools": (house, governor),
        "StateRoots": (house, exchange, where["RiskSteward"]),
    }
    if name == "ClearingHouse":
        permits = [(where[WRITERS[module]], sort, mask) for module, sort, mask in PERMITS]
        return tuple(where[contract] for contract in MODULES.values()), permits
    if name == "CollateralVault":
        ends = (governor, s.guardian, s.permit2 or NOBODY, usd, s.dispute_s, s.dispute_blocks, s.exit_delay_s)
        return house, where["OracleHub"], exchange, where["LPCollateral"], *ends
    return simple[name]


_MARKET_FIELDS: Final = {
    parameter.LEVERAGE_CAP: (at.RISK, "leverage_cap"),
    parameter.INITIAL_LIVE: (at.RISK, "base"),
    parameter.OPEN_INTEREST_LOWER: (at.RISK, "oi_lower"),
    parameter.OPEN_INTEREST_UPPER: (at.RISK, "oi_upper"),
    parameter.OPEN_INTEREST_CAP: (at.CAPS, "oi_cap"),
    parameter.POSITION_CAP: (at.CAPS, "position_cap"),
    parameter.ISOLATED_LEVERAGE_CAP: (at.RISK, "isolated_cap"),
    parameter.LIQUIDATION_CAPACITY: (at.FORCED, "capacity"),
    parameter.BREAKER: (at.PRICE, "breaker"),
    parameter.TAKER_FEE: (at.CAPS, "taker_fee"),
    parameter.MAKER_FEE: (at.CAPS, "maker_fee"),
    parameter.LIQUIDATION_FEE: (at.FORCED, "fee"),
    parameter.PRICE_BAND: (at.CAPS, "band"),
    parameter.GATE: (at.FORCED, "gate"),
    parameter.CAPACITY_WINDOW_MS: (at.FORCED, "window"),
    parameter.DUST_NOTIONAL: (at.FORCED, "dust"),
    parameter.CLAIM_CAP: (at.POOL, "claim_cap"),
    parameter.BACKSTOP_CAP: (at.POOL, "backstop_cap"),
    parameter.AMM_DEPTH: (at.POOL, "depth"),
    parameter.AMM_SPREAD: (at.CAPS, "spread"),
    parameter.AMM_CAP: (at.POOL, "cap"),
    parameter.FUNDING_INTEREST: (at.FUNDING, "interest"),
    parameter.FUNDING_CLAMP: (at.FUNDING, "clamp"),
    parameter.FUNDING_CAP: (at.FUNDING, "cap"),
    parameter.FUNDING_INTERVAL_MS: (at.FUNDING, "hours"),
    parameter.ORACLE_AGE_MS: (at.RISK, "age"),
    parameter.SKEW_FUNDING: (at.FUNDING, "skew"),
    parameter.POOL_LOCK_MS: (at.POOL, "lock_s"),
}
_VENUE_FIELDS: Final = {
    parameter.EXIT_BUFFER: (at.POLICY, "exit_buffer"),
    parameter.WITHDRAWAL_FLOOR: (at.POLICY, "floor_share"),
    parameter.PROFIT_WEIGHT: (at.POLICY, "profit_weight"),
    parameter.PROFIT_CAP: (at.POLICY, "profit_cap"),
    parameter.WITHDRAWAL_HOUR_SHARE: (at.OUTFLOW, "hour_share"),
    parameter.WITHDRAWAL_HOUR_BASE: (at.OUTFLOW, "hour_base"),
    parameter.WITHDRAWAL_DAY_SHARE: (at.OUTFLOW, "day_share"),
    parameter.WITHDRAWAL_DAY_BASE: (at.OUTFLOW, "day_base"),
    parameter.GATE_CLOSED_MS: (at.POLICY, "gate_closed"),
    parameter.BACKSTOP_RATIO: (at.POLICY, "backstop_ratio"),
    parameter.PARTIAL_MODE: (at.POLICY, "partial_mode"),
    parameter.PARTIAL_SHARE: (at.POLICY, "partial_share"),
    parameter.PARTIAL_FLOOR: (at.STEPS, "floor"),
    parameter.PARTIAL_CEILING: (at.STEPS, "ceiling"),
    parameter.PARTIAL_COOLDOWN_MS: (at.POLICY, "cooldown"),
    parameter.ADL_POLICY: (at.POLICY, "adl_policy"),
    parameter.SOCIALISE: (at.POLICY, "socialise"),
    parameter.BORROW_BASE: (at.LENDING, "base"),
    parameter.BORROW_KINK: (at.LENDING, "kink"),
    parameter.BORROW_KINK_RATE: (at.LENDING, "kink_rate"),
    parameter.BORROW_FULL_RATE: (at.LENDING, "full_rate"),
    parameter.BORROW_MOST: (at.LENDING, "most"),
}
_KEPT: Final = (parameter.RISK_SILENCE_MS, parameter.RAMP_CEILING, parameter.NOTICE_MS)
_DIVISORS: Final = {parameter.FUNDING_INTERVAL_MS: parameter.HOUR_MS, parameter.POOL_LOCK_MS: 1_000}
DIRECT: Final = 40  # numbers of the chain alone, among the venue's: owners trade with the pool at once,
REWARD: Final = 41  # and the keeper's reward


def specs() -> dict[int, tuple[int, ...]]:
    """By number (the venue's from VENUE_NUMBERS on): `Spec` of RiskSteward.vy, from the tables of the engine."""
    found = {}
    for number, (word, name) in _MARKET_FIELDS.items():
        field = at.MARKET_WORDS[word][name]
        found[number] = _spec(parameter.MARKET[number], at.MARKET | word, field, _DIVISORS.get(number, 1))
    found[parameter.MAINTENANCE_SCALE] = _spec(parameter.MARKET[parameter.MAINTENANCE_SCALE], 0, at.Field(0, 0), 1)
    for number, (word, name) in _VENUE_FIELDS.items():
        field = at.VENUE_WORDS[word][name]
        high = parameter.SHARE_STEP if number == parameter.PARTIAL_MODE else None
        found[VENUE_NUMBERS + number] = _spec(venue_parameter.VENUE[number], at.VENUE | word, field, 1, high)
    for number in _KEPT:
        found[VENUE_NUMBERS + number] = _spec(venue_parameter.VENUE[number], 0, at.Field(0, 0), 1)
    direct, reward = at.POLICY_WORD["direct"], at.STEPS_WORD["reward"]
    limits = (0, -1, -1, -1, 0, 0)
    found[VENUE_NUMBERS + DIRECT] = (at.VENUE | at.POLICY, direct.start, 1, 0, 1, 0, 1, *limits)
    found[VENUE_NUMBERS + REWARD] = (at.VENUE | at.STEPS, reward.start, 54, 0, 1, 0, 10**9, *limits)
    return found


def kept_on_chain(table: Mapping[int, parameter.Parameter]) -> frozenset[int]:
    """Numbers of a table of the engine's parameters (a market's or the venue's) that the contracts know as well."""
    return frozenset(_MARKET_FIELDS if table is parameter.MARKET else _VENUE_FIELDS)


def _spec(
    spec: parameter.Parameter, key: int, field: at.Field, divisor: int, high: int | None = None
) -> tuple[int, ...]:
    rail = spec.rail
    up, down, delay, tighter = (-1, -1, 0, 0)
    if rail is not None:
        up, down, delay, tighter = rail.up, rail.down, rail.delay_ms // 1000, 1 if rail.tighter_is_up else -1
    most = spec.high if high is None else high
    ends = (spec.low, most, spec.value, spec.at_once, up, down, delay, tighter)
    return (key, field.start, field.bits, field.bias, divisor, *ends)


def feed_scale(size_decimals: int) -> int:
    """Micro-USD per lot for a price of 1e-18 USD a unit, times 1e18: 10^(6 - size_decimals)."""
    scale: int = 10 ** (6 - size_decimals)
    return scale


__all__ = [
    "MODULES",
    "ORDER",
    "RATE_ONE",
    "WRITERS",
    "arguments",
    "create_address",
    "feed_scale",
    "kept_on_chain",
    "planned",
    "specs",
]
