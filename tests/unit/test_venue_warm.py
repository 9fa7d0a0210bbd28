"""A venue that serves compiles nothing any more: whoever asked first would stop it for everybody, for seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.kernel import INTERPRETED

PROGRAM = """
import json, sys
from seawall.cli import up
from seawall.venue import reads
from seawall.venue.config import Config, Data
from seawall.venue.service import Service
from seawall.venue.views import gather

up._prepare(Service(Config(data=Data(folder=sys.argv[1], capacity="small")), lambda: 1))
asked = [gather.read_buckets, gather.read_markets, gather.read_setting, gather.read_pool, gather.read_book]
asked += [reads._limit_left, reads._rank]
print(json.dumps([kernel.__name__ for kernel in asked if not kernel.signatures]))
"""


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")
def test_what_answers_questions_is_compiled_before_the_venue_serves(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert json.loads(done.stdout) == []
