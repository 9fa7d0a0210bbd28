"""Shapes of the laboratory: crashes that are replayed beside the venue."""

from typing import Annotated, Literal

from seawall.venue.rest.shape import Shape, Time, says

Preset = Annotated[str, says("Which generated day (docs/lab/generator.md).", "october-2025-10-10")]
RuleNames = Annotated[
    tuple[str, ...], says("Rule sets, side by side.", ["static", "seawall"], min_length=1, max_length=6)
]
State = Annotated[Literal["running", "done", "failed", "cancelled"], says("How it is.", "running")]


class RunRequest(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A replay that is asked for."""

    preset: Preset = "october-2025-10-10"
    rules: RuleNames = ("static", "seawall")
    accounts: Annotated[int, says("Synthetic accounts, at most `accounts_most`.", 2_000, ge=10, le=1_000_000)] = 2_000
    markets: Annotated[int, says("Markets.", 5, ge=1, le=20)] = 5
    interval: Annotated[Literal["1m", "5m", "15m"], says("Length of a bar.", "5m")] = "5m"
    seed: Annotated[int, says("Of the market and of the population.", 1, ge=0, le=2**53)] = 1


class RunView(Shape, frozen=True, kw_only=True):
    """A replay."""

    id: Annotated[int, says("Its number.", 1)]
    asked: RunRequest
    state: State
    progress: Annotated[float, says("Share of the bars that are done.", 0.4)]
    started: Time
    ended: Annotated[int | None, says("When it ended; null: it runs.")]
    problem: Annotated[str, says("Why it failed; empty otherwise.", "")]


class ReplayFile(Shape, frozen=True, kw_only=True):
    """replay.json, whole (docs/lab/replay.md)."""

    schema: Annotated[str, says("Its form and the form's version.", "seawall.replay/2")]


class RuleSetView(Shape, frozen=True, kw_only=True):
    """A rule set that can be chosen."""

    name: Annotated[str, says("Its name.", "seawall")]
    title: Annotated[str, says("As people say it.", "Seawall")]
    description: Annotated[str, says("What it does.")]


class LabView(Shape, frozen=True, kw_only=True):
    """What can be run, and what was."""

    is_open: Annotated[bool, says("Whether this venue runs replays; one at a time.", True)]
    presets: Annotated[tuple[str, ...], says("Days that can be generated.", ["october-2025-10-10"])]
    rules: tuple[RuleSetView, ...]
    accounts_most: Annotated[int, says("Most accounts of one replay.", 20_000)]
    runs: Annotated[tuple[RunView, ...], says("The last ones, newest first.", [])]
