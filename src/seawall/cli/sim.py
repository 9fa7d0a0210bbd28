"""`seawall sim`: tries to break the engine, from a seed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seawall.simulation.report import Failure, Report

UNCOMPILED_ROWS = 6_000


def sim(
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Repeats a run; a fresh one is drawn.")] = None,
    commands: Annotated[int, typer.Option("--commands", min=1, help="Stop after so many commands.")] = 1_000_000,
    worlds: Annotated[int | None, typer.Option("--worlds", min=1, help="Worlds that share the commands.")] = None,
    world: Annotated[int | None, typer.Option("--world", min=0, help="Only this world of the seed.")] = None,
    shrink: Annotated[bool, typer.Option("--shrink/--no-shrink", help="Make a failing log small.")] = True,
    uncompiled: Annotated[bool, typer.Option("--uncompiled/--compiled", help="Run a world the other way too.")] = True,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Worlds at a time, a process each.")] = 1,
    log: Annotated[Path | None, typer.Option("--log", help="A line a world; an ended run goes on from it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Simulate venues under attack and faults, with every property checked.

    Exit code 0: every property held; 1: one did not, and what is printed shows it again.
    """
    from seawall.simulation.run import WORLD_COMMANDS, check_uncompiled, failure_of, fresh_seed, simulate

    chosen = fresh_seed() if seed is None else seed
    _tell(f"seed {chosen}")
    size = WORLD_COMMANDS
    if world is not None:
        size = commands
    elif worlds is not None:
        size = max(commands // worlds, 1)
    report = simulate(
        chosen,
        commands,
        first=world or 0,
        world_commands=size,
        tell=_tell,
        is_shrinking=shrink,
        is_one=world is not None,
        workers=workers,
        log=log,
    )
    if uncompiled and report.failure is None:
        report.failure = failure_of(lambda: check_uncompiled(chosen, world or 0, UNCOMPILED_ROWS), chosen, world or 0)
    _print_json(report) if json_ else _print_words(report)
    if report.failure is not None:
        raise typer.Exit(1)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_json(report: "Report") -> None:
    import dataclasses

    import msgspec

    print(msgspec.json.encode(dataclasses.asdict(report)).decode())


def _print_words(report: "Report") -> None:
    rate, cpu_rate = (report.commands / max(time, 1e-9) for time in (report.seconds, report.cpu_seconds))
    share = 100 * report.judged / max(report.commands, 1)
    print(
        f"{report.worlds} worlds, {report.commands:,} commands in {report.seconds:.1f} s ({rate:,.0f} a second, "
        f"{cpu_rate:,.0f} a second of CPU), {report.crashes} crashes: "
        f"{report.accepted:,} accepted, {report.judged:,} judged by the model ({share:.1f} %)"
    )
    if report.failure is None:
        print("every property held")
    else:
        _print_failure(report.failure)


def _print_failure(failure: "Failure") -> None:
    print(f"FAILED {failure.property}: {failure.line}")
    print(f"  seed {failure.seed}, world {failure.world}, batch {failure.batch}: {failure.facts}")
    print(f"  again: {failure.command}")
    if failure.log:
        print(f"  shrunk to {len(failure.log)} commands, the last ones:")
        for line in failure.log[-12:]:
            print(f"    {line}")
