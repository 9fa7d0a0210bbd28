"""What a deployment is asked for: who may do what, delays, the USD token, markets and their numbers. A JSON file."""

from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.terms import parameter, venue_parameter
from seawall.terms.limits import LEVERAGE_MAX, NOTIONAL_MAX, PRICE_MAX
from seawall.units import RATE_ONE, BadInput

NOBODY: Final = "0x" + "00" * 20
ASSETS: Final = 7  # collateral tokens of a deployment
LOT_DECIMALS: Final = 18
PERMIT2: Final = "0x000000000022D473030F116dDEE9F6B43aC78BA3"  # the same on every chain that has it


class TierSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notional in micro-USD from which a tier begins, greatest leverage, maintenance rate in RATE_ONE."""

    lower: int
    leverage: int
    rate: int


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a market's price comes from. `deviation`, `step_s` and `uncertainty` are in RATE_ONE."""

    primary: str = "signed"  # signed, or the address of an adapter
    primary_id: str = ""  # 32 bytes; empty: the market's name
    reference: str = ""
    reference_id: str = ""
    deviation: int = RATE_ONE // 50
    step_s: int = RATE_ONE // 20
    uncertainty: int = RATE_ONE // 100
    max_age_ms: int = 10_000


class MarketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A market: lots of 10^-size_decimals, tiers, and what differs from the defaults of terms/parameter.py."""

    name: str
    size_decimals: int
    price_max: int
    tiers: list[TierSettings]
    parameters: dict[str, int] = {}
    feed: FeedSettings = FeedSettings()


class AssetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collateral token: lots of 10^-size_decimals, rates in RATE_ONE, caps in lots. An own feed, or a market's."""

    name: str
    token: str = ""  # empty: a test token is deployed
    decimals: int
    size_decimals: int
    weight_initial: int
    weight_maintenance: int
    discount: int
    cap: int
    hour_cap: int
    start: int = 0
    stable_per_s: int = 300_000  # 1e-9, 0.03 % a second
    underlying: str = ""  # the market whose mark moves it in portfolio margin
    buyer: str = ""  # the market that prices it, whose backstop vault buys it of liquidations
    feed: FeedSettings = FeedSettings()
    is_stable: bool = False  # worth USD by design: sold before the others
    redemption: FeedSettings | None = None  # what it can be redeemed for; none: it cannot
    redemption_floor: int = 0  # of that value: maintenance prices it no lower
    peg_band: int = RATE_ONE // 50  # further below that value it backs no new risk
    price_max: int = PRICE_MAX  # a lot, at most, that the floor counts for


class LpPoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Uniswap v3 pool whose positions are taken. Tokens by name: USD or an asset. Caps in liquidity."""

    tokens: tuple[str, str]
    fee: int
    weight_initial: int
    weight_maintenance: int
    scan: int
    width: int
    cap: int
    hour_cap: int
    start: int = 0  # liquidity above which the initial weight shrinks
    drift: int = RATE_ONE // 100


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deployment. Addresses left empty are the deployer's, which is for development chains."""

    name: str
    markets: list[MarketSettings]
    usd: str = ""  # empty: a test token is deployed
    admin: str = ""
    guardian: str = ""
    operator: str = ""
    permit2: str = PERMIT2
    lp_manager: str = ""  # Uniswap's NonfungiblePositionManager; empty: no LP positions are taken
    reporters: list[str] = []
    quorum: int = 1
    risk_signers: list[str] = []
    risk_threshold: int = 1
    timelock_s: int = 86_400
    silence_s: int = 3_600
    dispute_s: int = 300
    dispute_blocks: int = 20
    exit_delay_s: int = 0
    has_book: bool = False
    direct: bool = True  # owners may trade with the pool at once, without a signed order
    keeper_reward: int = 1_000_000  # micro-USD, at most the fee of the fill
    oracle_deviation: int = RATE_ONE // 50
    venue: dict[str, int] = {}
    assets: list[AssetSettings] = []
    lp_pools: list[LpPoolSettings] = []


def load(path: Path) -> Settings:
    """Settings from a JSON file, checked. BadInput naming the field."""
    try:
        return check(msgspec.json.decode(path.read_bytes(), type=Settings))
    except (msgspec.DecodeError, OSError) as error:
        raise BadInput("settings", str(error), str(path)) from error


def check(settings: Settings) -> Settings:
    """The settings themselves, or BadInput for what no contract would take."""
    if not settings.markets:
        raise BadInput("markets", "none")
    for market in settings.markets:
        _check_market(market)
    _check_collateral(settings)
    numbers_of(venue_parameter.VENUE, settings.venue, "venue")
    if not 1 <= settings.quorum <= 16 or not 1 <= settings.risk_threshold <= 16:
        raise BadInput("quorum", "quorums are within 1..16")
    for field in ("timelock_s", "silence_s", "dispute_s", "dispute_blocks", "exit_delay_s", "keeper_reward"):
        if getattr(settings, field) < 0:
            raise BadInput(field, "must not be negative")
    return settings


def _check_collateral(settings: Settings) -> None:
    names = {"USD", *(asset.name for asset in settings.assets)}
    if len(settings.assets) > ASSETS or len(names) != len(settings.assets) + 1:
        raise BadInput("assets", f"at most {ASSETS}, each with a name of its own that is not USD")
    for asset in settings.assets:
        if not 0 <= asset.decimals - asset.size_decimals <= LOT_DECIMALS:
            raise BadInput(f"assets.{asset.name}", f"a lot is 1 to 10^{LOT_DECIMALS} units of its token")
        fits = 0 <= asset.redemption_floor <= RATE_ONE and 1 <= asset.peg_band <= RATE_ONE
        if not fits or not 1 <= asset.price_max <= PRICE_MAX:
            raise BadInput(f"assets.{asset.name}", "redemption_floor, peg_band or price_max is out of range")
        for field in ("underlying", "buyer"):
            name = getattr(asset, field)
            if name and name not in (market.name for market in settings.markets):
                raise BadInput(f"assets.{asset.name}.{field}", f"no market {name!r}")
    for number, pool in enumerate(settings.lp_pools):
        if not settings.lp_manager or not set(pool.tokens) <= names:
            raise BadInput(f"lp_pools.{number}", "needs lp_manager, and tokens that are USD or assets")


def _check_market(market: MarketSettings) -> None:
    where = f"markets.{market.name}"
    if not 1 <= market.price_max <= PRICE_MAX:
        raise BadInput(f"{where}.price_max", f"{market.price_max} is outside 1..2^40")
    if not market.tiers or len(market.tiers) > 16:
        raise BadInput(f"{where}.tiers", "1 to 16 tiers")
    for tier in market.tiers:
        covered = 6 * tier.rate * tier.leverage <= 5 * RATE_ONE
        if not 1 <= tier.leverage <= LEVERAGE_MAX or not 0 <= tier.lower <= NOTIONAL_MAX or not covered:
            raise BadInput(f"{where}.tiers", f"{tier}: initial margin must be 1.2 x maintenance")
    numbers_of(parameter.MARKET, market.parameters, f"{where}.parameters")


def numbers_of(table: dict[int, parameter.Parameter], given: dict[str, int], where: str) -> dict[int, int]:
    """Values by parameter number. BadInput for a name that is none, and for a value out of its range."""
    numbers = {spec.name: number for number, spec in table.items()}
    found = {}
    for name, value in given.items():
        if name not in numbers:
            raise BadInput(f"{where}.{name}", "no such parameter")
        spec = table[numbers[name]]
        if not spec.low <= value <= spec.high:
            raise BadInput(f"{where}.{name}", f"{value} is outside {spec.low}..{spec.high}")
        found[numbers[name]] = value
    return found


def example(names: tuple[str, ...] = ("BTC", "ETH")) -> Settings:
    """A small venue for development chains: deep pools, prices by one signed reporter."""
    markets = []
    for name in names:
        numbers: dict[str, Any] = {
            "open_interest_cap": 10**9,
            "position_cap": 10**8,
            "amm_depth": 10**8,
            "amm_cap": 10**7,
            "backstop_cap": 10**12,
            "oracle_age_ms": 3_600_000,
        }
        tiers = [TierSettings(0, 40, RATE_ONE // 80), TierSettings(10**13, 20, RATE_ONE // 40)]
        feed = FeedSettings(max_age_ms=3_600_000)
        markets.append(MarketSettings(name, 4, 2**34, tiers, numbers, feed))
    return Settings(name="development", markets=markets)
