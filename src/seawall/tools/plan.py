"""A trade described by numbers: which market it is in and the isolated bucket it would be."""

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction

import msgspec

from seawall.margin.requirement import initial_of
from seawall.terms import limits
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.market import TierRow
from seawall.tools import source
from seawall.tools.account_file import POLICIES, Place, place_of
from seawall.tools.wire import MarketTerms, Node, read_meta
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Rate, Side, UsdMicro, rate, usd

TRADE_COIN = "TRADE"  # the name of a market that was described by its tiers alone


class Direction(Enum):
    """Which way a position earns."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        return 1 if self is Direction.LONG else -1


def direction(text: str) -> Direction:
    """A direction from long, short, buy or sell."""
    words = {"long": Direction.LONG, "buy": Direction.LONG, "short": Direction.SHORT, "sell": Direction.SHORT}
    if text.lower() not in words:
        raise BadInput("side", f"expected long or short, got {text!r}")
    return words[text.lower()]


class MarketWords(msgspec.Struct, frozen=True, kw_only=True):
    """How a market may be described: by its maintenance, its maximum leverage, its tiers, or its entry in `meta`."""

    maintenance: Rate | None = None
    max_leverage: int | None = None
    tiers: str | None = None
    terms: MarketTerms | None = None
    size_decimals: int | None = None

    @property
    def decimals(self) -> int | None:
        if self.size_decimals is None and self.terms is not None:
            return self.terms.size_decimals
        return self.size_decimals


def terms_from(meta_path: str, coin: str | None) -> MarketTerms:
    """The terms of `coin` in a file with meta (alone, or beside an account)."""
    if coin is None:
        raise BadInput("coin", "--meta needs --coin")
    root = Node(source.read_json(meta_path), "", source.file_label(meta_path)).object()
    found = read_meta(root.get("meta") if root.has("meta") else root)
    if coin not in found:
        raise BadInput("coin", f"unknown market {coin!r}: not in meta", root.file)
    return found[coin]


def tier_rows(words: MarketWords, leverage: int) -> tuple[TierRow, ...]:
    """Tier rows for `terms.market`. A maintenance alone allows the leverage of Hyperliquid's rule, 1 / (2 x rate)."""
    if words.tiers is not None:
        return parsed_tiers(words.tiers)
    if words.terms is not None:
        return words.terms.tiers
    if words.maintenance is None:
        if words.max_leverage is None:
            raise BadInput("maintenance", "say --maintenance, --max-leverage, --tiers, or --meta with --coin")
        return ((UsdMicro(0), words.max_leverage),)
    if words.maintenance == 0:
        raise BadInput("maintenance", "zero: such a position is never liquidated")
    allowed = min(limits.LEVERAGE_MAX, RATE_ONE // (2 * words.maintenance))
    most = max(1, allowed, leverage) if words.max_leverage is None else words.max_leverage
    return ((UsdMicro(0), most, words.maintenance),)


def parsed_tiers(text: str) -> tuple[TierRow, ...]:
    """ "0:40,150000000:20" or "0:125:0.004,50000:100:0.005": lower notional, max leverage[, maintenance rate]."""
    rows: list[TierRow] = []
    for index, part in enumerate(text.split(",")):
        field = f"tiers[{index}]"
        words = [word.strip() for word in part.split(":")]
        if len(words) not in (2, 3) or not words[1].isdigit() or len(words[1]) > 6:
            raise BadInput(field, f"expected LOWER:MAX_LEVERAGE[:MAINTENANCE], got {part!r}")
        lower = usd(words[0], field)
        if len(words) == 2:
            rows.append((lower, int(words[1])))
        else:
            rows.append((lower, int(words[1]), rate(words[2], Side.UP, field)))
    return tuple(rows)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A position opened at `entry` with the mark there, and the margin it needs at its leverage."""

    coin: str
    direction: Direction
    size: Fraction
    entry: Fraction
    leverage: int
    place: Place
    policy: MarginPolicy = POLICIES["hyperliquid"]
    funding_index: FundingIndex = FundingIndex(0)  # cumulative since the position was opened

    @property
    def lots(self) -> Lots:
        return Lots(self.direction.sign * self.place.scale.lots(self.size, "size"))

    @property
    def conditions(self) -> Conditions:
        mark = msgspec.structs.replace(self.place.mark, funding_index=self.funding_index)
        return Conditions(markets={self.coin: self.place.market}, marks={self.coin: mark}, policy=self.policy)

    @property
    def notional(self) -> UsdMicro:
        return UsdMicro(abs(self.lots) * self.place.mark.mark)

    @property
    def initial(self) -> UsdMicro:
        """Initial margin, rounded up, at the leverage that the tier allows."""
        return initial_of(self.place.market, self.place.mark, self.lots, self.leverage)

    def isolated(self, margin: UsdMicro) -> Bucket:
        """The isolated bucket that holds this position and `margin` of cash."""
        entry = UsdMicro(self.lots * self.place.mark.mark)
        held = Position(market=self.coin, size=self.lots, entry_notional=entry, leverage=self.leverage)
        bucket = Bucket(kind=BucketKind.ISOLATED, raw_usd=UsdMicro(margin - entry), positions=(held,))
        return check_bucket(bucket, self.conditions)


def allowed(plan: Plan) -> Plan:
    """The plan itself; BadInput when its market allows its leverage at no size."""
    most = plan.place.market.max_leverage
    if plan.leverage > most:
        raise BadInput("leverage", f"{plan.leverage} is above the market's maximum of {most}")
    return plan


def described(
    words: MarketWords,
    *,
    coin: str,
    side: Direction,
    size: Fraction,
    entry: Fraction,
    leverage: int,
    sizes: Sequence[Fraction] = (),
    prices: Sequence[Fraction] = (),
) -> Plan:
    """A Plan whatever its market allows. `sizes` and `prices` are further ones that must be held exactly."""
    if not 1 <= leverage <= limits.LEVERAGE_MAX:
        raise BadInput("leverage", f"{leverage} is outside 1..{limits.LEVERAGE_MAX}")
    rows = tier_rows(words, leverage)
    held = (size, *sizes)
    place = place_of(coin, rows, decimals=words.decimals, mark=entry, sizes=held, prices=tuple(prices))
    return Plan(coin=coin, direction=side, size=size, entry=entry, leverage=leverage, place=place)
