"""Shapes of the venue, its markets, their parameters and funds."""

from typing import Annotated, Literal

from seawall.venue.rest.shape import Coin, Sequence, Shape, Time, says

Status = Annotated[
    Literal["unlisted", "active", "reduce_only", "post_only", "cancel_only", "halted", "closed", "delisting"],
    says("What it takes; halted: nothing matches and nothing is liquidated; closed: listed, not opened yet.", "active"),
]
Breaker = Annotated[
    Literal["normal", "soft", "hard", "recovery"],
    says("soft: leverage caps are halved; hard: reduce-only; recovery: post-only, then halved caps.", "normal"),
]


class TierView(Shape, frozen=True, kw_only=True):
    """Margin from a notional on."""

    lower: Annotated[str, says("Notional from which it holds. USD.", "0.0")]
    max_leverage: Annotated[int, says("Most leverage there.", 40)]
    maintenance: Annotated[str, says("Maintenance rate of the notional above `lower`, as it is now.", "0.0125")]


class SourceView(Shape, frozen=True, kw_only=True):
    """A source of prices as the engine has heard it."""

    source: Annotated[int, says("Number of the source.", 0)]
    weight: Annotated[int, says("What it counts in the median.", 1)]
    is_perp: Annotated[bool, says("Whether it speaks for the mark only: another venue's perp.", False)]
    price: Annotated[str | None, says("Its last price. USD; null: none yet.", "50000.0")]
    age_ms: Annotated[int | None, says("How old that is.", 400)]
    is_live: Annotated[bool, says("Whether it is young enough to count.", True)]


class MarketView(Shape, frozen=True, kw_only=True):
    """A market now."""

    coin: Coin
    market: Annotated[int, says("Its number: the asset index of the wire.", 0)]
    status: Status
    breaker: Breaker
    size_decimals: Annotated[int, says("Decimals of sizes.", 5)]
    mark: Annotated[str | None, says("What positions are valued at. USD; null before the first price.", "50000.0")]
    index: Annotated[str | None, says("Median of the sources. USD.", "50001.0")]
    is_fresh: Annotated[bool, says("False: no quorum of young prices; reduce-only, and nothing is liquidated.", True)]
    index_age_ms: Annotated[int | None, says("How old the index is.", 400)]
    open_interest: Annotated[str, says("Longs, in units of the coin; shorts are as many.", "12.5")]
    open_interest_usd: Annotated[str, says("The same at mark. USD.", "625000.0")]
    open_interest_cap: Annotated[str, says("Most open interest, in units.", "1000.0")]
    max_leverage: Annotated[int, says("Most leverage of new risk now, by tier, live cap and breaker.", 40)]
    leverage_limit: Annotated[
        Literal["tier", "cap", "risk", "breaker"],
        says("What limits it: the market's tier, the operator's cap, the risk engine's, or the breaker.", "tier"),
    ]
    initial_live: Annotated[str, says("Least initial rate of new risk, before open interest raises it.", "0.025")]
    tiers: tuple[TierView, ...]
    taker_fee: Annotated[str, says("Share of notional.", "0.00045")]
    maker_fee: Annotated[str, says("Share of notional; below 0: a rebate.", "0.00015")]
    funding_rate: Annotated[str, says("An hour, of the last step: longs pay it to shorts.", "0.0000125")]
    funding_predicted: Annotated[str, says("An hour, of this interval if it ended now.", "0.0000125")]
    next_funding: Annotated[int, says("When the index steps next.", 1_760_004_000_000)]
    sources: tuple[SourceView, ...]


class VenueView(Shape, frozen=True, kw_only=True):
    """The venue now."""

    name: Annotated[str, says("Name of the software.", "seawall")]
    version: Annotated[str, says("Its version.", "0.1.0")]
    network: Annotated[str, says("Whose signatures it takes.", "testnet")]
    status: Status
    time: Time
    sequence: Sequence
    is_writing: Annotated[bool, says("False: its disk has failed or it stops; nothing more is taken.", True)]
    has_faucet: Annotated[bool, says("Whether it gives play money (POST /v1/faucet).", True)]
    markets: Annotated[int, says("Markets listed.", 3)]
    accounts: Annotated[int, says("Accounts, sub-accounts included.", 120)]
    orders: Annotated[int, says("Live orders.", 4_000)]
    waiting: Annotated[int, says("Commands that wait for their turn.", 0)]
    due: Annotated[int, says("Buckets in the liquidation queue.", 0)]
    vault: Annotated[str, says("Deposited and not paid out. USD.", "1000000.0")]
    insurance: Annotated[str, says("All insurance funds. USD.", "1000.0")]
    bad_debt: Annotated[str, says("Debt that nobody has made good. USD.", "0.0")]


class ParameterView(Shape, frozen=True, kw_only=True):
    """One policy number with its bounds. Values are integers of `unit`."""

    name: Annotated[str, says("Its name.", "leverage_cap")]
    value: Annotated[int, says("The live value.", 40)]
    static: Annotated[int, says("The admin's value, to which the live one returns when the risk engine is silent.", 40)]
    pending: Annotated[int | None, says("What the admin's value will be.")]
    pending_from: Annotated[int | None, says("From when.")]
    changed: Annotated[int | None, says("When a proposal last moved the live value.")]
    unit: Annotated[str, says("What one is.", "times")]
    low: Annotated[int, says("Least that any owner may set.", 1)]
    high: Annotated[int, says("Most that any owner may set.", 1000)]
    default: Annotated[int, says("What a new market begins with.", 1000)]
    reason: Annotated[str, says("Why it is there.", "most leverage new risk may take")]
    is_railed: Annotated[bool, says("Whether the risk engine may move it.", True)]
    step_up: Annotated[int | None, says("Most that one proposal may raise it by.", 5)]
    step_down: Annotated[int | None, says("Most that one proposal may lower it by.", 1000)]
    loosening_delay_ms: Annotated[int | None, says("Between two loosening proposals.", 3_600_000)]
    tighter_is_up: Annotated[bool | None, says("Which way protects the venue, and acts at once.", False)]
    admin_at_once: Annotated[
        Literal["up", "down", "neither", "either"],
        says("Which change the admin may make at once; others wait a day.", "down"),
    ]


class ParametersView(Shape, frozen=True, kw_only=True):
    """All parameters of a market, or of the venue as a whole."""

    coin: Annotated[str | None, says("The market; null: the venue.", "BTC")]
    time: Time
    sequence: Sequence
    parameters: tuple[ParameterView, ...]


class ChangeView(Shape, frozen=True, kw_only=True):
    """One change of policy, as the log has it."""

    time: Time
    sequence: Sequence
    coin: Annotated[str | None, says("The market; null: the venue.", "BTC")]
    kind: Annotated[Literal["parameter", "tier", "source", "status", "breaker"], says("What was changed.", "parameter")]
    name: Annotated[str, says("Which one: the parameter, or the number of the tier or source.", "leverage_cap")]
    value: Annotated[int, says("Its new value, in the parameter's unit.", 20)]
    word: Annotated[str | None, says("The new status or breaker in a word.", None)]
    is_live: Annotated[bool, says("True: by a proposal or a ramp; False: the admin's own value.", False)]
    since: Annotated[int, says("When it takes effect.", 1_760_000_400_000)]
    by: Annotated[str, says("Who signed the command: admin, guardian, risk, or sequencer for what was due.", "admin")]
    reason: Annotated[str | None, says("What the operator wrote beside it; null: nothing.", "calmer markets")]


class ChangesView(Shape, frozen=True, kw_only=True):
    """Changes of policy, newest first."""

    changes: tuple[ChangeView, ...]


class PoolView(Shape, frozen=True, kw_only=True):
    """A pool: liquidity, or the backstop of liquidations."""

    equity: Annotated[str, says("At mark. USD.", "1000000.0")]
    position: Annotated[str, says("Units of the coin, signed.", "-0.5")]
    notional: Annotated[str, says("Of its position. USD.", "25000.0")]
    cap: Annotated[str, says("Most that it holds: USD of the backstop, units of the liquidity pool.", "5000000.0")]
    shares: Annotated[str, says("All shares.", "1000000.0")]


class FundView(Shape, frozen=True, kw_only=True):
    """What stands behind the debts of one market."""

    coin: Coin
    insurance: Annotated[str, says("The insurance fund. USD.", "1000000.0")]
    insurance_floor: Annotated[str, says("What the admin may not take out. USD.", "0.0")]
    claim_cap: Annotated[str, says("Most that it pays for one bucket. USD.", "9007199254.740992")]
    backstop: PoolView
    amm: PoolView
    short: Annotated[str, says("Debt that is being shared out among those with profit. USD.", "0.0")]


class FundsView(Shape, frozen=True, kw_only=True):
    """Insurance funds and pools of all markets, and the venue's own accounts of money."""

    time: Time
    sequence: Sequence
    vault: Annotated[str, says("Deposited and not paid out. USD.", "1000000.0")]
    pending_withdrawals: Annotated[str, says("Frozen to be paid out. USD.", "0.0")]
    fees: Annotated[str, says("The venue's income. USD.", "120.5")]
    dust: Annotated[str, says("Roundings. USD.", "0.000012")]
    bad_debt: Annotated[str, says("Debt that nobody has made good. USD.", "0.0")]
    funds: tuple[FundView, ...]


class SnapshotView(Shape, frozen=True, kw_only=True):
    """A snapshot on disk."""

    sequence: Sequence
    state_hash: Annotated[str, says("SHA-256 of every durable byte of the state after that command.")]
    chain: Annotated[str, says("Hash over all commands, results and events up to there.")]
    record_hash: Annotated[str, says("Hash of the journal's record that ends there.")]


class ProofsView(Shape, frozen=True, kw_only=True):
    """What a copy of the journal must give: `seawall journal verify` and `replay` compute the same numbers."""

    time: Time
    sequence: Sequence
    chain: Annotated[str, says("Hash over all commands, results and events so far.")]
    journal_head: Annotated[str, says("Hash of the journal's last record, which holds that of the one before.")]
    durable: Annotated[int, says("The last command that is on disk.", 12_345)]
    snapshots: tuple[SnapshotView, ...]


class FeedCoinView(Shape, frozen=True, kw_only=True):
    """A source of prices in one market, before the engine judges it."""

    coin: Coin
    state: Annotated[
        str, says("ok, or what is wrong: silent, absurd, stale, divergent, frozen, refused, unused.", "ok")
    ]
    price: Annotated[str, says("As the source said it. USD.", "50000.12")]
    time: Annotated[int, says("Of publication; 0: never.", 1_760_000_400_000)]
    age_ms: Annotated[int | None, says("How old that is.", 400)]
    unchanged_ms: Annotated[int | None, says("For how long it has said the same price.", 900)]
    deviation_ppm: Annotated[int | None, says("From the index, in millionths.", 3)]
    problem: Annotated[str, says("What was wrong with the last thing it said.", "")]


class FeedView(Shape, frozen=True, kw_only=True):
    """A source of prices: one voice in the index or in the mark."""

    number: Annotated[int, says("The engine's number of it.", 0)]
    kind: Annotated[str, says("The plug-in.", "generator")]
    name: Annotated[str, says("Its name.", "generator-1")]
    is_perp: Annotated[bool, says("Whether it speaks for the mark only.", False)]
    weight: Annotated[int, says("What it counts.", 1)]
    is_running: Annotated[bool, says("False: it has ended and waits to begin again, or was paused.", True)]
    restarts: Annotated[int, says("How often it began again.", 0)]
    problem: Annotated[str, says("Why it last ended.", "")]
    coins: tuple[FeedCoinView, ...]


class FeedsView(Shape, frozen=True, kw_only=True):
    """All sources of prices. One that is dead shows here and does not move the index."""

    time: Time
    feeds: tuple[FeedView, ...]


class MarketsView(Shape, frozen=True, kw_only=True):
    """All markets by number."""

    time: Time
    sequence: Sequence
    markets: tuple[MarketView, ...]


class EventView(Shape, frozen=True, kw_only=True):
    """Something that happened to the venue or to somebody's risk."""

    time: Time
    sequence: Sequence
    kind: Annotated[
        Literal["liquidation", "backstop", "deleveraging", "debt", "haircut", "funding", "policy", "listing"],
        says("What kind of thing.", "policy"),
    ]
    coin: Annotated[str | None, says("The market; null: none, or all.", "BTC")]
    address: Annotated[str | None, says("Whom it happened to; null: nobody alone.", None)]
    text: Annotated[str, says("What happened, in a sentence.", "BTC: breaker soft, by risk")]


class EventsView(Shape, frozen=True, kw_only=True):
    """The last events, newest first. They are kept in memory: those from before the venue was started are not here."""

    time: Time
    events: tuple[EventView, ...]
