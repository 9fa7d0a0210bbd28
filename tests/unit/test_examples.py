"""The example programs run, and the library page shows them as they are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
SAYS = {
    "account_health.py": r"liquidat",
    "basis_portfolio.py": r"BTC held, BTC sold .* portfolio +1,732 ",
    "hedged_surface.py": r"BTC alone liquidates at 55,837\.97",
    "stress_million.py": r"accounts? under water",
}


def test_every_program_is_known() -> None:
    assert set(PROGRAMS) == set(SAYS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_runs(name: str) -> None:
    small = {"SEAWALL_EXAMPLE_ACCOUNTS": "2000"}
    command = [sys.executable, str(ROOT / "examples" / name)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **small}
    )
    assert done.returncode == 0, done.stderr
    assert re.search(SAYS[name], done.stdout), done.stdout


def test_page_shows_the_programs() -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    for name in PROGRAMS:
        source = (ROOT / "examples" / name).read_text()
        assert f"## examples/{name}\n```python\n{source}```" in page, f"docs/library.md does not show {name} as it is"
