"""`seawall up` while it compiles: it says how far it is, and says nothing when there is nothing to say."""

import time

import pytest

from seawall import linking
from seawall.cli import up


@pytest.mark.parametrize("compiled", [0, 1_234])
def test_a_long_compilation_tells_how_far_it_is(
    compiled: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "PROGRESS_S", 0.01)
    monkeypatch.setattr(linking, "compiled", lambda: compiled)
    with up._progress():
        time.sleep(0.2)
    told = capsys.readouterr().err
    assert ("compiled 1,234 functions" in told) == bool(compiled)
    time.sleep(0.05)
    assert not capsys.readouterr().err, "it tells after the end"
