"""The report in a real browser: every plot drawn, nothing on the console, no script but its own."""

import re
import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from seawall.lab.compare import compare
from seawall.lab.generator import generate
from seawall.lab.page import page
from seawall.lab.population import Mix, populate_for
from seawall.lab.report import Origin, document
from seawall.lab.rulesets import rule_sets

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--enable-logging=stderr")
PLOTS = 15


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    history = generate("october-2025-10-10", 1, 3, 288, 300_000)
    people = populate_for(history, 1, Mix(accounts=500))
    done = compare(history, people, rule_sets(("static", "dydx", "seawall")), 1, lambda _: None)
    content = document(done, Origin(kind="generator", event="october", title=HOSTILE, command=HOSTILE))
    content["markets"][0] = HOSTILE
    for listed in (content["world"], *(one["markets"] for one in content["sets"])):
        listed[0]["symbol"] = HOSTILE
    content["source"]["notes"].append(HOSTILE)
    return content


class Counting(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked of it."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the test's output."""


def opened(browser: str, url: str, *flags: str) -> tuple[str, str]:
    """(document after its scripts ran, what the browser logged)."""
    command = [browser, *FLAGS, *flags, "--dump-dom", url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ended.stdout, ended.stderr


@pytest.mark.parametrize("flags", [("--window-size=1280,900",), ("--window-size=500,800",)])
def test_every_plot_is_drawn_and_the_console_is_silent(
    browser: str, content: dict[str, Any], tmp_path: Path, flags: tuple[str, ...]
) -> None:
    (tmp_path / "report.html").write_text(page(content), encoding="utf-8")
    asked: list[str] = []
    handler = partial(type("Handler", (Counting,), {"asked": asked}), directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        dom, log = opened(browser, f"http://127.0.0.1:{server.server_port}/report.html", *flags)
    finally:
        server.shutdown()
        server.server_close()
    assert [line for line in log.splitlines() if ":CONSOLE" in line] == []
    assert asked == ["/report.html"]
    assert f'data-drawn="{PLOTS}"' in dom
    assert dom.count("<canvas") == PLOTS
    assert dom.count('class="u-over"') == PLOTS
    widths = [int(width) for width in re.findall(r'<canvas[^>]*width="(\d+)"', dom)]
    assert min(widths) >= 240
    assert "<title>owned" not in dom


def test_a_broken_page_is_seen(browser: str, content: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "broken.html"
    path.write_text(page(content).replace("const doc = JSON.parse", "const doc = JSON.parsed"), encoding="utf-8")
    dom, log = opened(browser, path.as_uri())
    assert any(":CONSOLE" in line for line in log.splitlines())
    assert "data-drawn" not in dom.split("<script", 1)[0]


def test_plots_have_ink(browser: str, content: dict[str, Any], tmp_path: Path) -> None:
    """A picture of the page with plots is larger than one of the same page whose canvases stay empty."""
    sizes = []
    for name, html in (
        ("full", page(content)),
        ("empty", page(content).replace("new uPlot(options", "new Plot(options")),
    ):
        source, picture = tmp_path / f"{name}.html", tmp_path / f"{name}.png"
        source.write_text(html, encoding="utf-8")
        opened(browser, source.as_uri(), "--window-size=1200,4600", f"--screenshot={picture}")
        sizes.append(picture.stat().st_size)
    assert sizes[0] > sizes[1] * 23 // 20
