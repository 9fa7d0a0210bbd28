"""Which property a test guards: its name in docs/INVARIANTS.md, and the line that stands there.

tests/data/mutant_properties.json has one line for each test that kills a mutant: `file::test`, without parameters.
"""

import json
import re
from typing import Final

from mutant_bench import ROOT

GUARDS: Final = ROOT / "tests" / "data" / "mutant_properties.json"
INVARIANTS: Final = ROOT / "docs" / "INVARIANTS.md"
ROW: Final = re.compile(r"^\| ([A-Z][A-Z_]+) \| ([^|]+?) \|", re.MULTILINE)


def lines() -> dict[str, str]:
    """The English line of each property, by its name."""
    return dict(ROW.findall(INVARIANTS.read_text()))


def guards() -> dict[str, str]:
    """The property that each test guards, by the test's file and name."""
    read: dict[str, str] = json.loads(GUARDS.read_text())
    return read


def guarded_by(test: str) -> str:
    """A test as `guards` names it: without its folder and parameters."""
    file, _, name = test.partition("::")
    return f"{file.rpartition('/')[2].removesuffix('.py')}::{name.partition('[')[0]}"
