"""Fixtures shared by all suites, and how Hypothesis draws.

Examples are the same in every run, so that a red test means a changed program. HYPOTHESIS_PROFILE=exploring draws new
ones; what it finds becomes an `@example`. There is no deadline: a shared machine stalls, and slow is not wrong.
"""

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("exploring", derandomize=False, deadline=None)
settings.register_profile(  # a sabotaged source: any failing example will do
    "mutants", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of venue vectors and market history beside the repository; tests that need it skip without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "vectors").is_dir():
        pytest.skip(f"no venue vectors or market data beside the repository ({folder.name}/ is absent)")
    return folder
