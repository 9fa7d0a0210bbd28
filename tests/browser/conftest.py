"""A venue and a browser for the tests of a file, and a visit of its own for each test: any test runs alone."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright")

from playwright.sync_api import Browser
from stage import TOKEN, Prices, chromium, venue
from visit import Visit

from seawall.venue.ops.tokens import VARIABLE
from venue_process import MARKETS, Process


@pytest.fixture(scope="module")
def prices() -> Iterator[Prices]:
    with Prices(MARKETS) as line:
        yield line


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, prices: Prices) -> Iterator[Process]:
    process = venue(tmp_path_factory.mktemp("venue"), prices)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, TOKEN)
        process.start()
        yield process
        if process.process is not None:
            process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def visit(browser: Browser, running: Process) -> Iterator[Visit]:
    """A page that is nowhere yet."""
    one = Visit(browser, running)
    yield one
    one.close()


@pytest.fixture
def trader(visit: Visit) -> Visit:
    """A visit with a demo key and 10,000 USD, on the trade page."""
    return visit.demo()


@pytest.fixture
def holder(trader: Visit) -> Visit:
    """... that is long BTC and short ETH."""
    trader.trade("BTC", "buy", "0.05")
    trader.trade("ETH", "sell", "0.7")
    return trader
