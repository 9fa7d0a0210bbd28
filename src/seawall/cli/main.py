"""The `seawall` command. Only the module of the chosen subcommand is imported, so that small answers come at once."""

import importlib
import io
import os
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from seawall.units import BadInput

SUBCOMMANDS: Final[dict[str, tuple[str, str]]] = {  # name -> (module, attribute: a Typer app or a function)
    "account": ("seawall.cli.account", "app"),
    "replay": ("seawall.cli.replay", "replay"),
    "adl": ("seawall.cli.adl", "adl"),
    "conformance": ("seawall.cli.conformance", "conformance"),
    "chain": ("seawall.cli.chain", "app"),
    "journal": ("seawall.cli.journal", "app"),
    "ledger": ("seawall.cli.ledger", "app"),
    "risk": ("seawall.cli.risk", "app"),
    "sim": ("seawall.cli.sim", "sim"),
    "up": ("seawall.cli.up", "up"),
}
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_NOT_WRITTEN: Final = 1
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]  # UsageError of the click that typer carries


class LazyGroup(TyperGroup):
    """Commands that are imported when they are named."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(SUBCOMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in SUBCOMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return self.commands[cmd_name]


def _loaded(name: str) -> Any:
    module, attribute = SUBCOMMANDS[name]
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        holder.command(name=name)(found)
        found = holder
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Exact margin, liquidation prices and crash replay for perpetual futures.",
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        sys.stdout.write(f"seawall {version('seawall')}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exact margin, liquidation prices and crash replay for perpetual futures."""
    assert not version  # the callback has ended the program


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0; 1 for a result that is not what was asked for, or output that can not be written; 2 for refused input, said in
    one line; 130 when interrupted.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: nobody reads what is printed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal can not show ends no command
    try:
        given = sys.argv[1:] if arguments is None else arguments
        code = app(args=with_values(given), prog_name="seawall", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # typer ends the program this way when the reader of a pipe has left
        _silence_stdout()
        return 0
    except BadInput as refused:
        return _refused(str(refused))
    except USAGE_ERROR as misused:
        return _misused(misused)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        _silence_stdout()
        _refused(f"output: {error.strerror or error}")
        return EXIT_NOT_WRITTEN
    return code if isinstance(code, int) else 0


def with_values(arguments: list[str]) -> list[str]:
    """`--chain` without an address after it is `--chain embedded`: the value may be left out."""
    found: list[str] = []
    for place, word in enumerate(arguments):
        found.append(word)
        if word == "--chain" and (place + 1 == len(arguments) or arguments[place + 1].startswith("-")):
            found.append("embedded")
    return found


def _refused(why: str) -> int:
    sys.stderr.write(" ".join(f"error: {why}".split()) + "\n")
    return EXIT_BAD_INPUT


def _misused(error: Any) -> int:
    """A wrong option or command in one line; a group without a command shows its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return EXIT_BAD_INPUT
    where = f"{error.ctx.command_path}: " if error.ctx is not None else ""
    return _refused(f"{where}{error.format_message()}")


def _silence_stdout() -> None:
    """The reader of the pipe has left: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """Entry point of the `seawall` script."""
    sys.exit(main())
