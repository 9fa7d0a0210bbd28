"""The liveness phase: faults off, prices fresh, time passing. Whatever is unhealthy must be gone in bounded steps."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from seawall.engine.invariant_view import View
from seawall.simulation.genesis import FIELD, rows_from
from seawall.simulation.observe import is_fresh
from seawall.simulation.office import restore
from seawall.simulation.properties import Caught, Fault
from seawall.terms import command
from seawall.terms.limits import WORK_PER_COMMAND

if TYPE_CHECKING:
    from seawall.simulation.world import World

STEP_MS: Final = 2_000
STEPS: Final = 400  # 800 s: past any cooldown, capacity window and dwell of the options
LIQUIDATES: Final = 4


def check_liveness(world: "World") -> None:
    """RUN_LIVENESS, RUN_DETECTED: raises Caught when an unhealthy bucket of open, fresh markets is still there."""
    world.prices.heal()
    left: Any = []
    for _ in range(STEPS):
        world.apply(_step(world), is_whole=False)
        left = unhealthy(world.columns)
        if len(left) == 0 and world.columns["count"][3] == 0:
            break
    world.apply(_step(world))
    if len(left):
        view = View(world.columns)
        bucket = int(left[0])
        facts = f"bucket {bucket}: equity {view.equity[bucket]}, maintenance {view.maintenance[bucket]}"
        raise Caught(Fault("RUN_LIVENESS", f"{len(left)} unhealthy after {STEPS} steps; {facts}"))


def _step(world: "World") -> Any:
    now = world.now + STEP_MS
    own = np.zeros((1 + LIQUIDATES, len(command.ROW)), np.int64)
    own[:, FIELD["signer"]] = command.SEQUENCER
    own[0, FIELD["kind"]], own[0, FIELD["time"]] = command.TICK, now
    own[1:, FIELD["kind"]], own[1:, FIELD["size"]] = command.LIQUIDATE, WORK_PER_COMMAND
    return rows_from(np.concatenate([own[:1], restore(world.columns), world.prices.step(now), own[1:]]))


def unhealthy(columns: Any) -> Any:
    """Buckets below maintenance whose every market is open and has a fresh price: those that must go."""
    view = View(columns)
    usable = np.array([is_fresh(columns, market) for market in range(view.markets)])
    status = np.maximum(columns["market_status"], columns["cell"][42])
    usable &= (status >= command.ACTIVE) & (status <= command.REDUCING)  # elsewhere forced orders wait too
    waits = np.zeros(view.buckets, bool)
    waits[view.slot_owner[~usable[view.slot_market] & (view.size != 0)]] = True
    holds = np.zeros(view.buckets, bool)
    holds[view.slot_owner[view.size != 0]] = True
    return np.flatnonzero((view.equity < view.maintenance) & holds & ~waits)
