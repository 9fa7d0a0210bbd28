"""How large insurance must be: the losses of the two largest groups together, in the worst of a set of scenarios.

Cover-2 is what clearing houses keep (CPMI-IOSCO PFMI, principle 4): enough for the default of the two members that
would cost most in extreme but plausible conditions. A member here is a group of linked accounts. Each scenario is one
jump: nobody tops up, nothing is closed on the way, and a bucket's loss is what its equity falls below zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.margin.bulk import margins_for, remargin
from seawall.margin.columns import Book, Ints
from seawall.risk.moves import Moves
from seawall.units import BadInput

TOGETHER: Final = (-0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3)  # of all markets
ALONE: Final = (-0.5, -0.25, 0.25, 0.5)  # of one
RECORDED: Final = 10  # worst points of paths for each market and side
LARGEST: Final = 2


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A jump: relative move of every market, in the order of the book's table."""

    name: str
    moves: tuple[float, ...]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. USD; `groups` are the largest losers, the greatest first."""

    scenario: str
    total_usd: float
    cover_usd: float
    groups: tuple[tuple[int, float], ...]  # (group, loss)


@dataclass(frozen=True, kw_only=True)
class Cover:
    """`need_usd` against what the funds hold; every scenario, the worst first."""

    need_usd: float
    insurance_usd: float
    losses: tuple[Loss, ...]

    @property
    def ratio(self) -> float | None:
        """Insurance over need; None where nothing is needed."""
        return self.insurance_usd / self.need_usd if self.need_usd > 0.0 else None


def scenarios(names: Sequence[str], moves: Moves | None = None) -> tuple[Scenario, ...]:
    """All markets together, each alone, each against all others, and the worst points of the paths of `moves`."""
    count, found = len(names), []
    found += [Scenario(name=f"all {move:+.0%}", moves=(move,) * count) for move in TOGETHER]
    for at, name in enumerate(names):
        for move in ALONE:
            one = tuple(move if place == at else 0.0 for place in range(count))
            found.append(Scenario(name=f"{name} alone {move:+.0%}", moves=one))
        if count > 1:
            against = tuple(0.2 if place == at else -0.2 for place in range(count))
            found.append(Scenario(name=f"{name} +20%, the others -20%", moves=against))
    if moves is not None:
        found += _recorded(names, moves)
    return tuple(found)


def _recorded(names: Sequence[str], moves: Moves) -> list[Scenario]:
    logs = np.stack([moves.of(name).reshape(-1) for name in names])
    points: list[int] = []
    for row in logs:
        order = np.argsort(row, kind="stable")
        points += [int(at) for at in (*order[:RECORDED], *order[-RECORDED:])]
    chosen = sorted(set(points))
    return [
        Scenario(name=f"recorded point {at}", moves=tuple(float(x) for x in np.expm1(logs[:, at]))) for at in chosen
    ]


def cover(accounts: Book, marks: Any, groups: Any, chosen: Sequence[Scenario], *, insurance_usd: float) -> Cover:
    """Losses of every scenario by group [A] of each account. BadInput for shapes that do not fit, no scenario, or marks
    out of bounds; a price beyond its bound stands at it."""
    now = accounts.table.prices(marks)
    linked = np.asarray(groups)
    if linked.shape != (accounts.accounts,):
        raise BadInput("groups", f"expected one for each of {accounts.accounts} accounts")
    if not chosen or any(len(one.moves) != len(now) for one in chosen):
        raise BadInput("scenarios", "expected at least one, each with a move of every market")
    keys, group = np.unique(linked, return_inverse=True)
    room = margins_for(accounts.accounts)
    losses = [_loss(one, accounts, now, keys, group, room) for one in chosen]
    losses.sort(key=lambda one: -one.cover_usd)
    return Cover(need_usd=losses[0].cover_usd, insurance_usd=insurance_usd, losses=tuple(losses))


def _loss(scenario: Scenario, accounts: Book, now: Ints, keys: NDArray[Any], group: NDArray[Any], room: Any) -> Loss:
    moved = np.rint(now * (1.0 + np.array(scenario.moves)))
    prices = np.clip(moved, 1, accounts.table.price_max).astype(np.int64)
    equity = remargin(accounts, prices, out=room).equity
    short = np.bincount(group, np.maximum(-equity, 0) / 1e6, len(keys))
    order = np.argsort(-short, kind="stable")[:LARGEST]
    largest = tuple((int(keys[at]), float(short[at])) for at in order if short[at] > 0.0)
    return Loss(
        scenario=scenario.name,
        total_usd=float(short.sum()),
        cover_usd=sum(loss for _, loss in largest),
        groups=largest,
    )
