"""The dashboard in Chromium: bytes of script, time to a useful page, CPU and memory while 50 markets change 20 times a
second, errors on the console. `python bench/bench_dashboard.py 600` watches for ten minutes; the default is 40 seconds.
A made-up venue answers (dashboard_stage.py), so that the page is measured and no engine beside it; with `600 venue`
it is a real one (dashboard_venue.py), which shares the machine.

A page is useful when the chosen market has its mark and the order book its first row. CPU is that of the page's own
process (Chromium's renderer), user and system, against the wall clock; the list of all 50 markets is open meanwhile.
"""

import os
import shutil
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

import harness
from dashboard_stage import PER_SECOND, Stage
from dashboard_venue import Venue
from seawall.venue.dashboard import STATIC, built_files

VISITS = 7
SECONDS = 40.0
WARM_SECONDS = 10
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
USEFUL = """() => document.querySelector('[data-name="mark"][data-value]') && document.querySelector('.ladder .bid')
  ? performance.now() : null"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def renderers() -> dict[int, float]:
    """CPU seconds of every renderer process below this one."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes()
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if b"--type=renderer" in words and b"chrom" in words:
            found[int(path.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def useful_ms(browser: Browser, url: str) -> float:
    """Milliseconds from the navigation to a useful page, with an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    value = page.wait_for_function(USEFUL, polling="raf").json_value()
    context.close()
    return float(value)


def heap_mb(session: Any) -> float:
    """Megabytes of live objects of the page's scripts."""
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def watched(browser: Browser, url: str, seconds: float) -> dict[str, float]:
    """A page with all markets open, for so long."""
    before = set(renderers())
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    told: list[float] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda text: heard(told, text)))
    page.goto(url)
    page.wait_for_function(USEFUL, polling="raf")
    page.locator(".market-name").click()
    page.wait_for_timeout(WARM_SECONDS * 1_000)
    session = page.context.new_cdp_session(page)
    own = set(renderers()) - before
    first = heap_mb(session)
    start, cpu = time.monotonic(), sum(used for pid, used in renderers().items() if pid in own)
    page.wait_for_timeout(seconds * 1_000)
    spent = sum(used for pid, used in renderers().items() if pid in own) - cpu
    wall = time.monotonic() - start
    rate = sum(at >= start for at in told) / wall
    trades = page.locator(".market-list tbody tr").count()
    assert trades == 50, f"{trades} markets are shown"
    for text in errors[:5]:
        print(f"console: {text}", file=sys.stderr)
    return {
        "share": spent / wall,
        "first": first,
        "last": heap_mb(session),
        "errors": float(len(errors)),
        "wall": wall,
        "rate": rate,
    }


def heard(told: list[float], text: str | bytes) -> None:
    """Notes a message that has the figures of all markets."""
    if str(text[:40]).find("assetCtxs") > 0:
        told.append(time.monotonic())


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("no Chromium is installed")
    scripts = sum(len(file.packed) for name, file in built_files(STATIC).items() if name.endswith(".js"))
    is_real = sys.argv[2:] == ["venue"]
    with Venue() if is_real else Stage(free_port()) as stage, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        visits = [useful_ms(browser, stage.url) for _ in range(VISITS)]
        seen = watched(browser, stage.url, seconds)
        browser.close()
    harness.write(
        "dashboard_venue" if is_real else "dashboard",
        [
            harness.Figure("kB of script, gzip", scripts / 1_000, 250, "lower"),
            harness.Figure(f"ms to a useful page, best of {VISITS}", min(visits), 1_000, "lower"),
            harness.Figure("the same, median", statistics.median(visits), None, "lower"),
            harness.Figure(
                f"% of a core, {PER_SECOND} updates a second of 50 markets wanted", 100 * seen["share"], 30, "lower"
            ),
            harness.Figure("messages of all markets a second that came", seen["rate"], None, "higher"),
            harness.Figure("MB of heap gained while it was watched", seen["last"] - seen["first"], 5, "lower"),
            harness.Figure("MB of heap", seen["last"], None, "lower"),
            harness.Figure("errors on the console", seen["errors"], 0, "lower"),
            harness.Figure("seconds watched", seen["wall"], None, "higher"),
        ],
    )


if __name__ == "__main__":
    main()
