"""Fixtures shared by all suites."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of venue vectors and market history beside the repository; tests that need it skip without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "vectors").is_dir():
        pytest.skip(f"no venue vectors or market data beside the repository ({folder.name}/ is absent)")
    return folder
