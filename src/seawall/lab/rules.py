"""Mark rules a replay can compare, and the policy they share: every number here is a parameter with a reason."""

from enum import Enum
from typing import Final

import msgspec

from seawall.lab.columns import Rules
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro


class MarkRule(Enum):
    """How the mark is made and where forced orders may fill."""

    LAST = "last"
    CLAMP_ONLY = "clamp-only"
    CLAMPED = "clamped"
    INDEX = "index"


TITLES: Final = {
    MarkRule.LAST: "Last price",
    MarkRule.CLAMP_ONLY: "Clamp only",
    MarkRule.CLAMPED: "Clamp and gate",
    MarkRule.INDEX: "Index and gate",
}


class ReplayPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a replay. Rates are in RATE_ONE; docs/lab/replay.md has the reason of each default."""

    clamp_band: Rate = Rate(RATE_ONE // 50)  # 2 %: furthest the clamped mark stands from the index
    gate: Rate = Rate(RATE_ONE * 3 // 100)  # 3 %: furthest beyond the index that a forced order fills
    exit_buffer: Rate = Rate(RATE_ONE // 50)  # 2 %: liquidation ends at maintenance x (1 + this)
    fee: Rate = Rate(RATE_ONE // 200)  # 0.5 % of what is closed, to the insurance fund, never from what is not there
    dust_usd: UsdMicro = UsdMicro(100_000_000)  # positions up to 100 USD close whole
    book_reach: Rate = Rate(RATE_ONE // 20)  # 5 %: the book ends this far from the recorded price
    refill_half_life_ms: int = 60_000  # half of what liquidations took from the book is back after this
    insurance_share: Rate = Rate(RATE_ONE // 200)  # opening fund, of the opening open interest


def check_policy(policy: ReplayPolicy) -> ReplayPolicy:
    """The policy itself, or BadInput naming the parameter that is out of range."""
    for name in ("clamp_band", "gate", "exit_buffer", "fee", "book_reach"):
        if not 0 <= getattr(policy, name) <= RATE_ONE // 4:
            raise BadInput(f"policy.{name}", f"{getattr(policy, name)} is outside 0..RATE_ONE/4")
    if not 0 <= policy.insurance_share <= RATE_ONE:
        raise BadInput("policy.insurance_share", f"{policy.insurance_share} is outside 0..RATE_ONE")
    if not 0 <= policy.dust_usd <= 10**12:
        raise BadInput("policy.dust_usd", f"{policy.dust_usd} is outside 0..1,000,000 USD")
    if policy.refill_half_life_ms < 1:
        raise BadInput("policy.refill_half_life_ms", "must be at least 1 ms")
    return policy


def rules_of(rule: MarkRule, policy: ReplayPolicy) -> Rules:
    """One mark rule under a policy, as the numbers kernels read."""
    return Rules(
        follows_index=int(rule is MarkRule.INDEX),
        clamps=int(rule in (MarkRule.CLAMPED, MarkRule.CLAMP_ONLY)),
        gates=int(rule in (MarkRule.CLAMPED, MarkRule.INDEX)),
        band=policy.clamp_band,
        gate=policy.gate / RATE_ONE,
        reach=policy.book_reach / RATE_ONE,
        exit_buffer=policy.exit_buffer,
        fee=policy.fee,
        dust_usd=policy.dust_usd,
    )


def describe(rule: MarkRule, policy: ReplayPolicy) -> str:
    """One sentence on a rule, for people."""
    band, gate = f"{policy.clamp_band * 100 / RATE_ONE:g} %", f"{policy.gate * 100 / RATE_ONE:g} %"
    gated = f"and forced orders wait while the perp stands more than {gate} beyond the index"
    return {
        MarkRule.LAST: "The mark is the perp's traded price; forced orders go out at once, at any price.",
        MarkRule.CLAMP_ONLY: f"The mark stays within {band} of the index, but forced orders go out at any price.",
        MarkRule.CLAMPED: f"The mark stays within {band} of the index, {gated}.",
        MarkRule.INDEX: f"The mark is the index, {gated}.",
    }[rule]
