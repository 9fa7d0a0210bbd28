"""The pages of the venue: what is sent, with which headers, and that nothing in them leads elsewhere."""

import asyncio
import gzip
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seawall.venue.dashboard import POLICY, STATIC, Dashboard, built_files

JS_BYTES = 250_000  # gzip, of all scripts


class Behind:
    """The application that lies behind."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Any, *_: Any) -> None:
        self.paths.append(scope["path"])


def asked(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes, Behind]:
    """(status, headers, body) of one request, and what lies behind."""
    behind, sent = Behind(), []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(Dashboard(behind)(scope, None, send))  # type: ignore[arg-type]
    if not sent:
        return 0, {}, b"", behind
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"], behind


def test_the_page_is_at_the_root_with_headers_that_shut_everything_else_out() -> None:
    status, headers, body, behind = asked("/")
    assert status == 200
    assert body == (STATIC / "index.html").read_bytes()
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert behind.paths == []
    sources = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert sources["default-src"] == "'none'"
    assert sources["script-src"] == sources["connect-src"] == "'self'"
    assert "http" not in POLICY
    assert "unsafe-eval" not in POLICY


@pytest.mark.parametrize(("path", "method"), [("/v1/status", "GET"), ("/", "POST"), ("/assets/../app.py", "GET")])
def test_what_is_no_file_goes_on(path: str, method: str) -> None:
    status, _, _, behind = asked(path, method)
    assert status == 0
    assert behind.paths == [path]


def test_a_known_file_is_not_sent_again_and_gzip_is_what_is_plain() -> None:
    _, headers, plain, _ = asked("/assets/index.js")
    status, again, body, _ = asked("/assets/index.js", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")
    assert again["etag"] == headers["etag"]
    _, packed, body, _ = asked("/assets/index.js", accept_encoding="gzip, br")
    assert packed["content-encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    assert int(packed["content-length"]) == len(body)
    _, head, body, _ = asked("/assets/index.js", "HEAD")
    assert (int(head["content-length"]), body) == (len(plain), b"")


def test_scripts_are_small() -> None:
    files = {name: file for name, file in built_files(STATIC).items() if name.endswith(".js")}
    assert files
    total = sum(len(file.packed) for file in files.values())
    assert total <= JS_BYTES, f"{total} bytes of gzip"


def test_the_page_loads_only_what_the_venue_serves() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert named
    assert set(named) <= set(built_files(STATIC))
    assert "<script>" not in page
    css = "".join(path.read_text("utf-8") for path in STATIC.rglob("*.css"))
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)", css)


@pytest.mark.slow
def test_what_is_committed_is_what_the_source_builds(tmp_path: Path) -> None:
    source = STATIC.parents[3] / "dashboard"
    npx = shutil.which("npx")
    if npx is None or not (source / "node_modules").is_dir():
        pytest.skip("no node, or no `npm ci` in dashboard/")
    command = [npx, "vite", "build", "--logLevel", "error", "--outDir", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, timeout=300)
    built = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(STATIC): path.read_bytes() for path in STATIC.rglob("*") if path.is_file()}
    assert sorted(built) == sorted(kept)
    assert [name for name in built if built[name] != kept[name]] == []


def test_a_folder_without_files_serves_nothing(tmp_path: Path) -> None:
    assert built_files(tmp_path) == {}
