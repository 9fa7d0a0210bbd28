"""The `seawall` command itself: lazy subcommands, exit codes, the version."""

import errno
import io
import subprocess
import sys
from importlib.metadata import version
from types import ModuleType

import pytest
from typer.testing import CliRunner

from seawall.cli import main as entry
from seawall.units import BadInput


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"seawall {version('seawall')}\n"


def test_an_unknown_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def use(monkeypatch: pytest.MonkeyPatch, raised: BaseException | None) -> None:
    """Stand a command named `account` in for the real one; it raises `raised`."""
    module = ModuleType("stand_in")

    def command() -> None:
        """Stand-in."""
        sys.stdout.write("ran\n")
        if raised is not None:
            raise raised

    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stand_in", module)
    monkeypatch.setitem(entry.SUBCOMMANDS, "stand-in", ("stand_in", "command"))


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (None, 0, ""),
        (BadInput("field", "why", "file"), 2, "error: file: field: why\n"),
        (BadInput("field", "two\nlines"), 2, "error: field: two lines\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (OSError(errno.EPIPE, "broken pipe"), 0, ""),
        (OSError(errno.ENOSPC, "no space left"), 1, "error: output: no space left\n"),
    ],
)
def test_exit_codes(
    raised: BaseException | None,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, raised)
    monkeypatch.setattr(entry, "_silence_stdout", lambda: None)
    assert entry.main(["stand-in"]) == code
    assert capsys.readouterr().err == said


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ZeroDivisionError("bug"))
    with pytest.raises(ZeroDivisionError):
        entry.main(["stand-in"])


def test_commands_are_loaded_when_named() -> None:
    assert "account" in entry.SUBCOMMANDS
    result = CliRunner().invoke(entry.app, ["account", "--help"])
    assert result.exit_code == 0
    assert "what-if" in result.output


def test_run_ends_the_process_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["seawall", "nonsense"])
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        entry.run()
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("frob", "error: seawall: No such command 'frob'."),
        ("account frob", "error: seawall account: No such command 'frob'."),
        ("account liq --leverage abc", "error: seawall account liq: Invalid value for '--leverage': "),
        ("account liq --nope", "error: seawall account liq: No such option: --nope"),
        ("account liq --entry", "error: "),
        ("account health one two", "error: seawall account health: Got unexpected extra argument"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(said)
    assert printed.err.count("\n") == 1


def test_a_group_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["account"]) == 2
    assert "what-if" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        (">/dev/full", 1, "error: output: No space left on device\n"),
        (">/dev/null 2>&- --frob", 2, ""),
    ],
)
def test_an_output_that_can_not_be_written_is_said(redirection: str, code: int, said: str) -> None:
    start = f"{sys.executable} -c 'from seawall.cli.main import run; run()'"
    script = f"{start} account carry --rate 0.01% --days 1 --notional 10 {redirection}"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (code, said)


def test_a_closed_input_is_refused() -> None:
    script = f"{sys.executable} -c 'from seawall.cli.main import run; run()' account health - <&-"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "error: standard input: file: standard input is closed\n")
