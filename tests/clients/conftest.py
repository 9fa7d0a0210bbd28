"""One venue for all real clients."""

import signal
from collections.abc import Iterator

import pytest
from client_child import Child
from client_environments import HERE, modules_of, python_of
from client_venue import Venue
from sdk_trader import Trader


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """Two markets, BTC and ETH, quoted on both sides; no other traders."""
    made = Venue(tmp_path_factory.mktemp("venue"))
    try:
        made.start()
        yield made
    finally:
        code = made.process.kill(signal.SIGTERM)
        made.prices.end()
    assert code == 0
    faults = [
        line for line in made.process.log.read_text().splitlines() if '"level":"error"' in line or "Traceback" in line
    ]
    assert faults == []


@pytest.fixture(scope="session")
def sdk(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """The official Python SDK."""
    python = python_of("sdk")
    child = Child(
        [str(python), str(HERE / "children" / "sdk_child.py"), venue.url], tmp_path_factory.mktemp("sdk") / "log"
    )
    yield child
    child.end()
    assert "unexpected subscription" not in child.log.read_text()


@pytest.fixture
def trader(sdk: Child, venue: Venue) -> Iterator[Trader]:
    """A wallet with 110,000 USD; what it leaves resting is cancelled."""
    made = Trader(sdk, venue.wallet())
    yield made
    venue.clear(made.wallet)


@pytest.fixture(scope="session")
def nktkas(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """@nktkas/hyperliquid under node, with the response schemas of its version 0.30.2."""
    command = ["node", str(HERE / "children" / "nktkas_child.mjs"), str(modules_of("nktkas")), venue.url]
    child = Child(command, tmp_path_factory.mktemp("nktkas") / "log")
    yield child
    child.end()
