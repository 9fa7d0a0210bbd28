"""The artifacts are of these sources, below the size limit, and every contract says how it is stopped."""

import re
from pathlib import Path

import pytest

from seawall.chain.artifacts import SIZE_MAX, artifact, names
from seawall.chain.compile import contracts_in, is_current
from seawall.chain.permits import PERMITS
from seawall.chain.stack import MODULES, ORDER, WRITERS

SOURCES = Path(__file__).resolve().parents[2] / "contracts"


def test_every_source_has_its_artifact() -> None:
    assert [path.stem for path in contracts_in(SOURCES) if not is_current(artifact(path.stem), SOURCES)] == []
    assert {path.stem for path in contracts_in(SOURCES)} == set(names())


@pytest.mark.parametrize("name", names())
def test_size(name: str) -> None:
    """Deployed with its immutables, which the runtime in the artifact has not."""
    assert artifact(name).size <= SIZE_MAX


@pytest.mark.parametrize("path", contracts_in(SOURCES), ids=lambda path: path.stem)
def test_says_how_it_is_stopped(path: Path) -> None:
    head = path.read_text("utf-8").split('"""')[1]
    assert re.search(r"@custom:kill \S", head)
    assert path.read_text("utf-8").startswith("# pragma version 0.4.3\n")


def test_no_mask_reaches_cash_or_sizes() -> None:
    from seawall.chain import layout as at

    kept = {
        at.POSITION: at.mask_of(at.POSITION_WORD, "size", "entry", "index", "claimed"),
        at.BUCKET: at.mask_of(at.BUCKET_WORD, "raw", "list", "count", "kind"),
        at.MARKET | at.FUND: at.mask_of(at.FUND_WORD, "insurance", "fees", "entries", "residue"),
        at.MARKET | at.RISK: at.mask_of(at.RISK_WORD, "open"),
        at.MARKET | at.SHORT: at.mask_of(at.SHORT_WORD, "advanced", "short"),
        at.VENUE | at.MONEY: at.mask_of(at.MONEY_WORD, "dust", "debt"),
    }
    for module, sort, mask in PERMITS:
        assert module in WRITERS
        assert mask & kept.get(sort, 0) == 0, (module, hex(sort))


def test_every_module_is_deployed() -> None:
    assert set(WRITERS.values()) <= set(ORDER)
    assert set(MODULES) < set(WRITERS)
