"""Reads a folder of published cases and runs every family it knows (`seawall conformance`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seawall.tools.conformance.families import CHECKS, GROUPS
from seawall.tools.conformance.runner import Case, Check
from seawall.units import BadInput


class Miss(msgspec.Struct, frozen=True):
    """A case that does not match, and why when it could not even be read."""

    id: str
    why: str = "differs"


class Result(msgspec.Struct, frozen=True):
    """What became of one family."""

    family: str
    total: int
    misses: tuple[Miss, ...]

    @property
    def matched(self) -> int:
        return self.total - len(self.misses)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All families of a folder in order of name, those nobody runs yet, and files that are not case files."""

    results: tuple[Result, ...]
    not_yet: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def is_conforming(self) -> bool:
        return not any(result.misses for result in self.results)


def run_folder(folder: Path) -> Report:
    """Runs every `*.json` of `folder`. A file without a "family" is skipped; several files of one family are joined.

    Raises BadInput, naming file and field, for a missing folder, no files, malformed JSON, or cases of a wrong shape.
    """
    if not folder.is_dir():
        raise BadInput("directory", "not a directory", str(folder))
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise BadInput("directory", "holds no *.json files", str(folder))
    cases: dict[str, list[Case]] = {}
    skipped: list[str] = []
    for path in paths:
        content = _decoded(path)
        if isinstance(content, dict) and "family" in content:
            cases.setdefault(_family(content, path), []).extend(_cases(content, path))
        else:
            skipped.append(path.name)
    known = sorted(name for name in cases if name in CHECKS or name in GROUPS)
    return Report(
        results=tuple(run_family(name, cases[name]) for name in known),
        not_yet=tuple(sorted(name for name in cases if name not in known)),
        skipped=tuple(skipped),
    )


def run_family(name: str, cases: Sequence[Case]) -> Result:
    """Runs all cases of one known family."""
    misses = _missed_of_group(name, cases) if name in GROUPS else _missed(CHECKS[name], cases)
    return Result(name, len(cases), tuple(misses))


def _missed(check: Check, cases: Sequence[Case]) -> list[Miss]:
    misses: list[Miss] = []
    for case in cases:
        try:
            matched = check(case.input, case.expected)
        except Exception as error:  # whatever a case makes a checker do, it is a miss with a reason
            misses.append(Miss(case.id, _reason(error)))
            continue
        if not matched:
            misses.append(Miss(case.id))
    return misses


def _missed_of_group(name: str, cases: Sequence[Case]) -> list[Miss]:
    try:
        return [Miss(case_id) for case_id in GROUPS[name](cases)]
    except Exception as error:  # as above, for all cases that are judged together
        return [Miss(case.id, _reason(error)) for case in cases]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"


def _decoded(path: Path) -> Any:
    """The file's content, with numbers that have a decimal point kept as the text they are written in."""
    try:
        return msgspec.json.Decoder(float_hook=str).decode(path.read_bytes())
    except OSError as error:
        raise BadInput("file", f"can not be read: {error.strerror}", str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("json", str(error), str(path)) from error


def _family(content: dict[str, Any], path: Path) -> str:
    family = content["family"]
    if not isinstance(family, str) or not family:
        raise BadInput("family", f"expected a name, got {family!r}", str(path))
    return family


def _cases(content: dict[str, Any], path: Path) -> list[Case]:
    rows = content.get("cases")
    if not isinstance(rows, list):
        raise BadInput("cases", "missing or not a list", str(path))
    found: list[Case] = []
    for position, row in enumerate(rows):
        try:
            found.append(msgspec.convert(row, Case))
        except msgspec.ValidationError as error:
            raise BadInput(f"cases[{position}]", str(error), str(path)) from error
    return found
