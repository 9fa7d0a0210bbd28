"""Shapes of the venue's risk: stress states, proposals, what stands to be liquidated and lost."""

from typing import Annotated, Any, Literal

from seawall.venue.rest.market_shapes import Breaker
from seawall.venue.rest.shape import Coin, Sequence, Shape, Time, says

Usd = Annotated[str, says("USD.", "125000.0")]
Mode = Annotated[
    Literal["off", "shadow", "live"],
    says("off: nothing is proposed. shadow: proposals are made and shown, not sent. live: they are sent.", "shadow"),
]


class SignsView(Shape, frozen=True, kw_only=True):
    """What is seen of a market; null: not known."""

    range: Annotated[str | None, says("Range of the last 15 minutes over the usual one.", "1.4")]
    depth_lost: Annotated[str | None, says("Share of the usual depth within 1 % that is gone.", "0.12")]
    open_interest_lost: Annotated[str | None, says("Share of open interest gone within an hour.", "0.01")]
    gap: Annotated[str | None, says("Distance of the middle of the book from the index, a share.", "0.0004")]
    liquidated: Annotated[str | None, says("Closed by force within an hour, over open interest.", "0.0")]


Part = Annotated[str, says("A fraction of the price.", "0.021")]
Within = Annotated[
    str | None, says("Share of the judged hours whose worst move stayed within it; null: none was judged.", "0.996")
]
Origin = Annotated[
    Literal["model", "filtered historical simulation", "static"],
    says("Where the forecasts come from; static: too little history for any.", "model"),
]


class MarketRiskView(Shape, frozen=True, kw_only=True):
    """One market as the risk engine sees it."""

    coin: Coin
    state: Annotated[Breaker, says("What the risk engine holds right.", "normal")]
    breaker: Annotated[Breaker, says("What the engine is in.", "normal")]
    stress: Annotated[str, says("1: worries, 2: alarms.", "0.3")]
    signs: SignsView
    new_risk: Annotated[str | None, says("Margin the model wants for new risk, a rate; null: none yet.", "0.035")]
    maintenance: Annotated[str | None, says("Margin it wants under open positions.", "0.021")]
    volatility: Annotated[str, says("Of an hour, forecast for the next day.", "0.006")]
    depth: Annotated[str, says("Resting within 1 % on the thinner side. USD.", "2500000.0")]
    model: Annotated[str, says("Which model speaks.", "filtered-historical-simulation")]
    source: Origin
    last_data: Annotated[int | None, says("End of the newest bar that it has taken, ms.", 1_760_000_400_000)]
    hours: Annotated[int, says("Hours that its margins were judged by, of the last 500.", 480)]
    coverage: Within
    reasons: Annotated[tuple[str, ...], says("Why, in words.")]


class HourView(Shape, frozen=True, kw_only=True):
    """An hour: the margins set before it, and what came."""

    start: Annotated[int, says("When it began, ms.", 1_760_000_400_000)]
    new_risk: Annotated[str | None, says("Margin forecast for new risk; null: none yet.", "0.021")]
    open_positions: Annotated[str | None, says("Margin forecast under open positions; null: none yet.", "0.019")]
    static_initial: Annotated[str, says("The policy's initial rate, first tier.", "0.025")]
    static_maintenance: Annotated[str, says("The policy's maintenance rate, first tier.", "0.0125")]
    live_initial: Annotated[str, says("Least initial rate in force when it ended.", "0.025")]
    move: Annotated[str | None, says("Worst move either way from the close before it; null: not measured.", "0.0042")]
    is_replayed: Annotated[bool, says("Counted from history at a start: with the policy of today.", False)]


class CoverageView(Shape, frozen=True, kw_only=True):
    """How often margins held, over the hours that are kept and were judged."""

    hours: Annotated[int, says("Judged.", 480)]
    target: Annotated[str, says("What both forecasts aim at.", "0.995")]
    new_risk: Within
    open_positions: Within
    static_initial: Within
    static_maintenance: Within


class RiskPastView(Shape, frozen=True, kw_only=True):
    """A market's forecasts against static margins and what then happened, hour by hour."""

    coin: Coin
    time: Time
    sequence: Sequence
    mode: Mode
    model: Annotated[str, says("Which model speaks.", "filtered-historical-simulation")]
    source: Origin
    last_data: Annotated[int | None, says("End of the newest bar that it has taken, ms.", 1_760_000_400_000)]
    coverage: CoverageView
    present: Annotated[HourView | None, says("The hour that runs; `move` so far. Null before the first look.")]
    hours: Annotated[tuple[HourView, ...], says("The last ones that are over, oldest first.")]


class ProposalView(Shape, frozen=True, kw_only=True):
    """A value that was proposed."""

    time: Time
    coin: Coin
    parameter: Annotated[str, says("Its name.", "initial_live")]
    value: Annotated[str, says("The engine's integer.", "420000")]
    before: Annotated[str, says("What was live.", "300000")]
    serial: Annotated[int, says("Number of the proposal; 0: not sent.", 12)]
    expires: Annotated[int, says("Valid until, ms.", 1_760_000_460_000)]
    signers: Annotated[int, says("Bits of the signers.", 3)]
    report: Annotated[str, says("Keccak-256 of the report, hex: what is signed.", "0x00")]
    model: Annotated[str, says("Which model spoke.", "filtered-historical-simulation")]
    data: Annotated[str, says("Hash of all bars that it has read.", "00")]
    reasons: Annotated[tuple[str, ...], says("Why, in words.")]
    outcome: Annotated[str, says("accepted, refused and why, shadow, or unsigned.", "shadow")]


class RiskView(Shape, frozen=True, kw_only=True):
    """The risk engine of the venue now."""

    time: Time
    sequence: Sequence
    mode: Mode
    age_ms: Annotated[int | None, says("Since its last look; null: it has not looked yet.", 1_200)]
    took_ms: Annotated[int, says("How long the last look took.", 12)]
    is_silent: Annotated[bool, says("Whether the engine lets live values decay to static ones.", False)]
    serial: Annotated[int, says("Of the last proposal that was accepted.", 12)]
    signers: Annotated[tuple[str, ...], says("Addresses of the signers that count, by their number.")]
    signers_needed: Annotated[int, says("How many must sign.", 2)]
    markets: tuple[MarketRiskView, ...]


class ProposalsView(Shape, frozen=True, kw_only=True):
    """The last proposals, newest first."""

    time: Time
    proposals: tuple[ProposalView, ...]


class CurvePoint(Shape, frozen=True, kw_only=True):
    """What is liquidatable where one market stands elsewhere and the others stay."""

    move: Annotated[str, says("Share of the mark of now.", "-0.1")]
    price: Annotated[str, says("USD.", "45000.0")]
    accounts: Annotated[int, says("Buckets that are liquidatable there.", 12)]
    longs: Usd
    shorts: Usd


class CascadeView(Shape, frozen=True, kw_only=True):
    """A move of the market, and where the forced orders it brings take it."""

    move: Annotated[str, says("Of the index, a share.", "-0.1")]
    first: Annotated[int, says("Buckets liquidatable at that price.", 12)]
    liquidated: Annotated[int, says("... in the end.", 15)]
    impact: Annotated[str, says("What forced orders add to the move, a share.", "-0.004")]
    taken: Annotated[str, says("Closed by force on the book, at the price moved to. USD.", "250000.0")]
    left: Annotated[str, says("That would find no book: for the backstop and ADL. USD.", "0.0")]


class ExposureView(Shape, frozen=True, kw_only=True):
    """What would be liquidated in one market where it stood elsewhere, and how a cascade would run."""

    coin: Coin
    time: Time
    sequence: Sequence
    mark: Annotated[str, says("Of now. USD.", "50000.0")]
    curve: tuple[CurvePoint, ...]
    cascades: tuple[CascadeView, ...]


class GroupLoss(Shape, frozen=True, kw_only=True):
    """A group of linked accounts."""

    address: Annotated[str, says("Its owner.", "0x0000000000000000000000000000000000000abc")]
    loss: Usd


class ScenarioView(Shape, frozen=True, kw_only=True):
    """A jump, and who could not pay."""

    name: Annotated[str, says("What moves how.", "all -50%")]
    total: Usd
    cover: Annotated[str, says("Losses of the two largest. USD.", "85000.0")]
    groups: tuple[GroupLoss, ...]


class InsuranceView(Shape, frozen=True, kw_only=True):
    """What the venue stands to lose, against what its funds hold."""

    time: Time
    sequence: Sequence
    accounts: Annotated[int, says("Buckets with positions.", 25)]
    liquidations_at_risk: Annotated[
        str, says("95th percentile over paths of the notional liquidated within a day. USD.", "1500000.0")
    ]
    value_at_risk: Annotated[
        str, says("95th percentile over paths of the insolvent debt left within a day. USD.", "0.0")
    ]
    need: Annotated[str, says("Cover-2: the two largest groups' losses in the worst scenario. USD.", "85000.0")]
    insurance: Annotated[str, says("All insurance funds together. USD.", "3000000.0")]
    ratio: Annotated[str | None, says("insurance / need; null: nothing is needed.", "35.294117647059")]
    scenarios: Annotated[tuple[ScenarioView, ...], says("The worst ten, the worst first.")]


class WeightView(Shape, frozen=True, kw_only=True):
    """The initial weight of a collateral asset: what it is, may be, and what the risk engine holds right."""

    asset: Annotated[int, says("Number of the asset.", 0)]
    coin: Coin
    kind: Annotated[str, says("token, stable or pool.", "token")]
    value: Annotated[int, says("What is live, in 1e-9.", 780_000_000)]
    static: Annotated[int, says("The admin's value: never above it.", 800_000_000)]
    changed: Annotated[int, says("When it last changed, ms; 0: never.", 1_760_000_000_000)]
    step_up: Annotated[int, says("Most that a proposal raises it by.", 50_000_000)]
    step_down: Annotated[int, says("Most that one lowers it by.", 1_000_000_000)]
    delay_ms: Annotated[int, says("Between two rises.", 3_600_000)]
    wanted: Annotated[str | None, says("What this venue's engine holds right; null: nothing yet.", "0.78")]
    reasons: Annotated[tuple[str, ...], says("Why, in words.")]
    outcome: Annotated[str | None, says("What became of its last proposal of this asset.", "accepted")]


class WeightsView(Shape, frozen=True, kw_only=True):
    """Initial weights of all collateral assets as the risk engine sees them."""

    time: Time
    sequence: Sequence
    assets: tuple[WeightView, ...]


class ReportIn(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The report behind a proposal, as its maker wrote it."""

    coin: Coin
    parameter: Annotated[str, says("Name of a parameter with rails.", "initial_live")]
    value: Annotated[int, says("What it becomes.", 420_000, ge=0, le=2**53)]
    before: Annotated[int, says("What was live.", 300_000, ge=0, le=2**53)]
    state: Annotated[str, says("Of the market.", "normal", max_length=16)]
    model: Annotated[str, says("Which model spoke.", "mine", max_length=120)]
    data: Annotated[str, says("Hash of what it has read.", "00", max_length=130)]
    reasons: Annotated[tuple[Annotated[str, says("In words.", max_length=300)], ...], says("Why.", max_length=16)]
    time: Time


class ProposalRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal with signatures over the typed data `Proposal` (docs/risk/publishing.md)."""

    report: ReportIn
    asset: Annotated[
        int | None, says("Of a collateral asset, whose coin the report names; signed as market 65,536 + asset.", 0)
    ] = None
    hash: Annotated[str, says("Keccak-256 of the report as JSON: what was signed.", "0x" + "00" * 32, max_length=66)]
    serial: Annotated[int, says("Greater than that of the last accepted one.", 12, ge=1, le=2**53)]
    expires: Annotated[int, says("Valid until, ms.", 1_760_000_460_000, ge=0, le=2**53)]
    signatures: Annotated[tuple[dict[str, Any], ...], says("r, s and v of each signer.", max_length=16)]
