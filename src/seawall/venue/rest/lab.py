"""The laboratory: `seawall replay` in a process of its own, one at a time, at low priority, below a time limit.

Results stay in a folder of the venue's until newer ones push them out; a stop of the venue ends what runs.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

from seawall.lab.presets import PRESETS
from seawall.lab.rulesets import rule_sets
from seawall.liquidation.rules import RULES
from seawall.units import BadInput
from seawall.venue.config import Lab as Terms
from seawall.venue.rest.errors import ApiError
from seawall.venue.rest.lab_shapes import LabView, RuleSetView, RunRequest, RunView
from seawall.venue.service import Service

FOLDER: Final = "lab"
RESULT: Final = "replay.json"
KEPT: Final = 6  # runs that are remembered
NICENESS: Final = 15
PROBLEM_MAX: Final = 500  # characters of what a failed run said
ENDS_SECONDS: Final = 5  # for a run that is told to end


class Lab:
    """Runs and their results."""

    def __init__(self, service: Service, terms: Terms) -> None:
        self._service = service
        self._terms = terms
        self._folder = Path(service.folder) / FOLDER
        self._runs: list[RunView] = []
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._number = 0

    def view(self) -> LabView:
        """What can be run, and what was."""
        known = rule_sets(tuple(RULES))
        return LabView(
            is_open=self._terms.enabled,
            presets=tuple(PRESETS),
            rules=tuple(RuleSetView(name=one.name, title=one.title, description=one.description) for one in known),
            accounts_most=self._terms.accounts,
            runs=tuple(reversed(self._runs)),
        )

    def start(self, asked: RunRequest) -> RunView:
        """Begins a replay. ApiError where there is no laboratory or one runs; BadInput for what cannot be replayed."""
        if not self._terms.enabled:
            raise ApiError("off")
        if self._task is not None and not self._task.done():
            raise ApiError("running")
        self._check(asked)
        self._number += 1
        run = RunView(
            id=self._number,
            asked=asked,
            state="running",
            progress=0.0,
            started=self._service.now,
            ended=None,
            problem="",
        )
        self._runs.append(run)
        self._forget()
        self._task = asyncio.get_running_loop().create_task(self._play(run.id, asked), name="seawall-lab")
        return run

    def run(self, number: int) -> RunView:
        """A run by its number. ApiError for one that is not known."""
        for one in self._runs:
            if one.id == number:
                return one
        raise ApiError("unknown_name")

    def result(self, number: int) -> bytes:
        """replay.json of a run that is done. ApiError otherwise."""
        if self.run(number).state != "done":
            raise ApiError("unknown_name", "this run has no result")
        return (self._folder / str(number) / RESULT).read_bytes()

    async def cancel(self, number: int) -> RunView:
        """Ends a run; nothing happens to one that has ended."""
        if self.run(number).state == "running":
            self._change(number, state="cancelled", ended=self._service.now)
            await self._end()
        return self.run(number)

    async def stop(self) -> None:
        """Ends what runs."""
        for one in self._runs:
            if one.state == "running":
                await self.cancel(one.id)

    def _check(self, asked: RunRequest) -> None:
        if asked.preset not in PRESETS:
            raise BadInput("preset", f"unknown {asked.preset[:40]!r}: one of {', '.join(PRESETS)}")
        rule_sets(asked.rules)
        if asked.accounts > self._terms.accounts:
            raise BadInput("accounts", f"at most {self._terms.accounts:,} here")

    def _change(self, number: int, **fields: object) -> None:
        self._runs = [msgspec.structs.replace(one, **fields) if one.id == number else one for one in self._runs]

    def _forget(self) -> None:
        while len(self._runs) > KEPT:
            shutil.rmtree(self._folder / str(self._runs.pop(0).id), ignore_errors=True)

    async def _play(self, number: int, asked: RunRequest) -> None:
        folder = self._folder / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        said = ""
        try:
            async with asyncio.timeout(self._terms.seconds):
                self._process = await asyncio.create_subprocess_exec(
                    *command_of(asked, folder), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
                )
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
                said = await self._listen(number, self._process)
                code = await self._process.wait()
        except TimeoutError:
            await self._end()
            code, said = -1, f"it took longer than {self._terms.seconds} s"
        if self.run(number).state == "cancelled":
            return
        if code == 0 and (folder / RESULT).exists():
            self._change(number, state="done", progress=1.0, ended=self._service.now)
        else:
            self._change(number, state="failed", problem=said[-PROBLEM_MAX:], ended=self._service.now)

    async def _listen(self, number: int, process: asyncio.subprocess.Process) -> str:
        """Follows what a run says of itself; its last line that is no progress."""
        last = ""
        assert process.stderr is not None
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            try:
                self._change(number, progress=round(float(json.loads(text)["progress"]), 4))
            except (ValueError, KeyError, TypeError):
                last = text or last
        return last

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), ENDS_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def command_of(asked: RunRequest, folder: Path) -> list[str]:
    """The command line of a replay."""
    options = {
        "preset": asked.preset,
        "rules": ",".join(asked.rules),
        "accounts": asked.accounts,
        "markets": asked.markets,
        "interval": asked.interval,
        "seed": asked.seed,
        "out": folder,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "seawall", "replay", *words, "--progress"]
