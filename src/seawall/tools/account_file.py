"""An account as the margin core sees it, built from `clearinghouseState` (+ `meta`).

Cross positions share one bucket; every isolated position is its own. Marks are recovered exactly as value / size.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from seawall.margin.health import Health, health
from seawall.margin.scenario import portfolio_health
from seawall.presets import hyperliquid
from seawall.terms import limits
from seawall.terms.asset import Asset
from seawall.terms.bucket import Bucket, BucketKind, MarginMode, Position
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.grid import ScenarioGrid
from seawall.terms.market import Mark, Market, TierRow, market
from seawall.tools import source
from seawall.tools.figures import text_of
from seawall.tools.scales import Scale, choose_scale, price_bound, usd_of
from seawall.tools.wire import Holding, MarketTerms, Node, WireAccount, read_meta, read_state
from seawall.units import USD_ONE, BadInput, Lots, UsdMicro, usd_text

CROSS = "cross"
ROUNDING_PER_POSITION = 2  # micro-USD by which a venue's sum may differ from ours for every position in it

POLICIES = {
    "hyperliquid": hyperliquid.POLICY,
    "seawall": MarginPolicy(),
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A market with its mark and the scale that turns its integers into units and USD."""

    market: Market
    mark: Mark
    scale: Scale

    @property
    def mark_usd(self) -> Fraction:
        return self.scale.price_usd(self.mark.mark)


class NamedBucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket of the account: "cross" or "isolated COIN"."""

    name: str
    bucket: Bucket


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All buckets of one user, the conditions they are valued under, and what the file itself reported."""

    file: str
    buckets: tuple[NamedBucket, ...]
    places: dict[str, Place]
    policy: MarginPolicy
    wire: WireAccount
    terms: dict[str, MarketTerms] | None
    warnings: tuple[str, ...] = ()
    assets: dict[str, Asset] = {}  # collateral other than USD; a clearinghouseState has none
    grid: ScenarioGrid | None = None  # of the venue, where a bucket is in portfolio margin

    @property
    def conditions(self) -> Conditions:
        return Conditions(
            markets={name: place.market for name, place in self.places.items()},
            marks={name: place.mark for name, place in self.places.items()},
            assets=self.assets,
            policy=self.policy,
        )

    @property
    def cross(self) -> Bucket:
        return self.bucket(CROSS)

    def health(self, bucket: Bucket) -> Health:
        """Health of a bucket by the rule it is in. BadInput for portfolio margin without a grid."""
        if bucket.mode is MarginMode.TIERED:
            return health(bucket, self.conditions)
        if self.grid is None:
            raise BadInput("grid", "a bucket in portfolio margin needs the venue's scenario grid", self.file)
        return portfolio_health(bucket, self.conditions, self.grid)

    def bucket(self, name: str) -> Bucket:
        return next(named.bucket for named in self.buckets if named.name == name)

    def place(self, coin: str) -> Place:
        if coin not in self.places:
            raise BadInput("coin", f"unknown market {coin!r}", self.file)
        return self.places[coin]

    def reported(self, coin: str) -> Holding | None:
        return next((holding for holding in self.wire.holdings if holding.coin == coin), None)


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and prices, beside those in the file, that the scale of a coin must hold exactly (a trade in view)."""

    sizes: tuple[Fraction, ...] = ()
    prices: tuple[Fraction, ...] = ()


def isolated_name(coin: str) -> str:
    return f"isolated {coin}"


def documents(path: str, meta_path: str | None) -> tuple[Node, Node | None]:
    """The `clearinghouseState` and the `meta` in one or two files, each with the label of its source."""
    root = Node(source.read_json(path), "", source.file_label(path))
    meta = None if meta_path is None else Node(source.read_json(meta_path), "", source.file_label(meta_path))
    state = root
    if root.object().has("clearinghouseState"):
        state = root.get("clearinghouseState")
        if meta is None and root.has("meta"):
            meta = root.get("meta")
    if meta is not None and meta.object().has("meta"):
        meta = meta.get("meta")
    return state, meta


def fetched(url: str, user: str) -> tuple[Node, Node | None]:
    """The same two documents from a URL that speaks `POST /info`."""
    digits = user.removeprefix("0x")
    if len(digits) != 40 or digits.strip("0123456789abcdefABCDEF"):
        raise BadInput("user", f"expected 0x and 40 hexadecimal digits, got {user!r}")
    state = source.post_info(url, {"type": "clearinghouseState", "user": user})
    return Node(state, "", url), Node(source.post_info(url, {"type": "meta"}), "", url)


def build(
    state: Node,
    meta: Node | None = None,
    *,
    policy: MarginPolicy = POLICIES["hyperliquid"],
    skip_unknown: bool = False,
    extra: Mapping[str, Extra] | None = None,
    collateral: UsdMicro = UsdMicro(0),
) -> Account:
    """An Account from the two documents.

    `collateral` is USD that backs the cross bucket but is not in the file. Raises BadInput naming file and field for a
    wrong shape, a market that `meta` does not list (unless `skip_unknown`), and amounts beyond the bounds of the core.
    """
    wire = read_state(state)
    terms = None if meta is None else read_meta(meta)
    warnings: list[str] = []
    known, skipped = _split_known(wire, terms, skip_unknown, warnings)
    places = {h.coin: _place(h, wire.file, terms, (extra or {}).get(h.coin, Extra()), warnings) for h in known}
    cross = [holding for holding in known if not holding.is_isolated]
    frozen = sum(_signed(holding) for holding in skipped if not holding.is_isolated)
    raw = _cross_raw(wire) + frozen + collateral
    buckets = [NamedBucket(name=CROSS, bucket=_bucket(BucketKind.CROSS, UsdMicro(raw), cross, places, wire.file))]
    for holding in known:
        if holding.is_isolated:
            own = _bucket(BucketKind.ISOLATED, _isolated_raw(holding, wire.file), [holding], places, wire.file)
            buckets.append(NamedBucket(name=isolated_name(holding.coin), bucket=own))
    built = Account(file=wire.file, buckets=tuple(buckets), places=places, policy=policy, wire=wire, terms=terms)
    for named in built.buckets:
        _check(named.bucket, built.conditions, wire.file)
    warnings += _mismatches(wire)
    return msgspec.structs.replace(built, warnings=tuple(warnings))


def _split_known(
    wire: WireAccount, terms: dict[str, MarketTerms] | None, skip_unknown: bool, warnings: list[str]
) -> tuple[list[Holding], list[Holding]]:
    known, skipped = [], []
    for holding in wire.holdings:
        if terms is None or holding.coin in terms:
            known.append(holding)
        elif skip_unknown:
            skipped.append(holding)
            how = "left out" if holding.is_isolated else "its value is held as cash, its margin is not counted"
            warnings.append(f"{holding.coin} is not in meta and was skipped: {how}")
        else:
            why = f"unknown market {holding.coin!r}: not in meta (--skip-unknown leaves it out)"
            raise BadInput(f"{holding.path}.coin", why, wire.file)
    return known, skipped


def _place(
    holding: Holding, file: str, terms: dict[str, MarketTerms] | None, extra: Extra, warnings: list[str]
) -> Place:
    own = None if terms is None else terms[holding.coin]
    if own is None and holding.max_leverage is None:
        raise BadInput(f"{holding.path}.maxLeverage", "missing, and no meta tells the margin tiers", file)
    tiers = own.tiers if own is not None else ((UsdMicro(0), holding.max_leverage or 1),)
    told = holding.max_leverage
    if own is not None and told is not None and told not in [leverage for _, leverage in own.tiers]:
        warnings.append(f"{holding.coin}: max leverage is {told} in the position, {own.tiers[0][1]} in meta (used)")
    sizes = (holding.size, *extra.sizes)
    mark = usd_of(holding.value) / abs(holding.size)
    decimals = None if own is None else own.size_decimals
    if choose_scale(sizes, (mark, *extra.prices), decimals) is None:
        decimals, mark = _nearest_mark(holding, sizes, mark, decimals, warnings)
    try:
        return place_of(holding.coin, tiers, decimals=decimals, mark=mark, sizes=sizes, prices=extra.prices)
    except BadInput as error:
        raise BadInput(f"{holding.path}: {error.field}", error.why, file) from error


def _nearest_mark(
    holding: Holding, sizes: Sequence[Fraction], mark: Fraction, decimals: int | None, warnings: list[str]
) -> tuple[int | None, Fraction]:
    """The nearest mark that decimal lots hold, said with what it does to the position's value."""
    known = [] if decimals is None else [decimals]
    for power in (*known, *range(limits.SIZE_DECIMALS_MAX + 1)):
        scale = Scale(Fraction(10) ** power)
        if all((size * scale.lots_per_unit).denominator == 1 for size in sizes):
            nearest = scale.price_usd(scale.nearest_price(mark))
            off = abs(nearest - mark) * abs(holding.size)
            warnings.append(f"{holding.coin}: no lot holds its mark exactly; its value is off by {text_of(off)} USD")
            return power, nearest
    return decimals, mark


def place_of(
    coin: str,
    tiers: Sequence[TierRow],
    *,
    decimals: int | None,
    mark: Fraction,
    sizes: tuple[Fraction, ...],
    prices: tuple[Fraction, ...] = (),
) -> Place:
    """A Place whose scale holds the mark, all `sizes` and all `prices` exactly. BadInput when none does."""
    scale = choose_scale(sizes, (mark, *prices), decimals)
    if scale is None:
        raise BadInput("price", "no lot size holds these sizes and prices exactly: give fewer decimals")
    now = scale.price(mark, "price")
    largest = Lots(sum((abs(scale.lots(size, "szi")) for size in sizes), 0))
    bound = price_bound(largest, max(now, *(scale.price(p, "price") for p in prices)) if prices else now, "szi")
    power = 0 if decimals is None else decimals
    terms = market(coin, size_decimals=power, tiers=tiers, price_max=bound)
    return Place(market=terms, mark=Mark(mark=now, oracle=now), scale=scale)


def _signed(holding: Holding) -> int:
    return holding.value if holding.size > 0 else -holding.value


def _cross_raw(wire: WireAccount) -> int:
    """raw_usd of the cross bucket: cash less the signed entry notional of its positions."""
    cross = sum(_signed(holding) for holding in wire.holdings if not holding.is_isolated)
    if wire.cross is not None:
        if wire.cross.raw_usd is not None:
            return wire.cross.raw_usd
        if wire.cross.account_value is not None:
            return wire.cross.account_value - cross
    isolated = [holding for holding in wire.holdings if holding.is_isolated]
    if wire.total is not None and wire.total.raw_usd is not None:
        return wire.total.raw_usd - sum(_isolated_raw(holding, wire.file) for holding in isolated)
    if wire.total is not None and wire.total.account_value is not None:
        posted = sum(_isolated_raw(holding, wire.file) + _signed(holding) for holding in isolated)
        return wire.total.account_value - posted - cross
    raise BadInput("crossMarginSummary", "missing totalRawUsd and accountValue: the account has no cash", wire.file)


def _isolated_raw(holding: Holding, file: str) -> UsdMicro:
    if holding.raw_usd is not None:
        return holding.raw_usd
    if holding.margin_used is not None:
        return UsdMicro(holding.margin_used - _signed(holding))
    raise BadInput(f"{holding.path}.leverage.rawUsd", "missing for an isolated position", file)


def _bucket(
    kind: BucketKind, raw_usd: UsdMicro, holdings: list[Holding], places: Mapping[str, Place], file: str
) -> Bucket:
    positions = tuple(
        Position(
            market=holding.coin,
            size=places[holding.coin].scale.lots(holding.size, f"{holding.path}.szi"),
            entry_notional=_entry_notional(holding),
            leverage=holding.leverage,
        )
        for holding in holdings
    )
    return Bucket(kind=kind, raw_usd=raw_usd, positions=positions, owner=file)


def _entry_notional(holding: Holding) -> UsdMicro:
    """Signed value less unrealised pnl, which is exact; from the rounded entry price where pnl is not given."""
    if holding.unrealised is not None:
        return UsdMicro(_signed(holding) - holding.unrealised)
    if holding.entry_price is None:
        return UsdMicro(_signed(holding))
    return UsdMicro(round(holding.size * holding.entry_price * USD_ONE))


def _check(bucket: Bucket, conditions: Conditions, file: str) -> None:
    try:
        check_bucket(bucket, conditions)
    except BadInput as error:
        raise BadInput(error.field, error.why, file) from error


def _mismatches(wire: WireAccount) -> list[str]:
    """What the file says of its own sums against what its positions say."""
    cross = [holding for holding in wire.holdings if not holding.is_isolated]
    isolated = [holding for holding in wire.holdings if holding.is_isolated]
    raw = _cross_raw(wire)
    cross_value = raw + sum(_signed(h) for h in cross)
    posted = sum(_isolated_raw(h, wire.file) + _signed(h) for h in isolated)
    told: list[tuple[str, UsdMicro | None, int]] = []
    if wire.cross is not None:
        told.append(("crossMarginSummary.accountValue", wire.cross.account_value, cross_value))
        told.append(("crossMarginSummary.totalNtlPos", wire.cross.notional, sum(h.value for h in cross)))
    if wire.total is not None:
        told.append(("marginSummary.accountValue", wire.total.account_value, cross_value + posted))
        told.append(("marginSummary.totalNtlPos", wire.total.notional, sum(h.value for h in wire.holdings)))
    allowed = ROUNDING_PER_POSITION * (1 + len(wire.holdings))
    return [
        f"{name} is reported as {_text(reported)} but the positions give {_text(computed)} (recomputed values are used)"
        for name, reported, computed in told
        if reported is not None and abs(reported - computed) > allowed
    ]


def _text(micro: int) -> str:
    return f"{usd_text(UsdMicro(micro))} USD"


def load(
    path: str | None = None,
    *,
    meta_path: str | None = None,
    url: str | None = None,
    user: str | None = None,
    policy: str = "hyperliquid",
    skip_unknown: bool = False,
    extra: Mapping[str, Extra] | None = None,
    collateral: UsdMicro = UsdMicro(0),
) -> Account:
    """An account from a file ("-": standard input) or from a URL and a user address. `build` says what is refused."""
    if policy not in POLICIES:
        raise BadInput("policy", f"expected one of {', '.join(sorted(POLICIES))}, got {policy!r}")
    if (path is None) == (url is None):
        raise BadInput("file", "give a file, - for standard input, or --url with --user (one of them)")
    if url is None and user is not None:
        raise BadInput("user", "given without --url")
    if url is not None:
        if user is None:
            raise BadInput("user", "--url needs --user 0x...")
        state, meta = fetched(url, user)
        if meta_path is not None:
            meta = Node(source.read_json(meta_path), "", source.file_label(meta_path))
    else:
        assert path is not None
        state, meta = documents(path, meta_path)
    return build(
        state,
        meta,
        policy=POLICIES[policy],
        skip_unknown=skip_unknown,
        extra=extra,
        collateral=collateral,
    )
