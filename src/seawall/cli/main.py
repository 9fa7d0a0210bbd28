"""The `seawall` command. Only the module of the chosen subcommand is imported, so that small answers come at once."""

import importlib
import os
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from seawall.units import BadInput

SUBCOMMANDS: Final[dict[str, tuple[str, str]]] = {  # name -> (module, attribute: a Typer app or a function)
    "account": ("seawall.cli.account", "app"),
    "replay": ("seawall.cli.replay", "replay"),
    "conformance": ("seawall.cli.conformance", "conformance"),
}
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130


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
    """Run the command line and return its exit code: 0, 2 for refused input, 130 when interrupted."""
    try:
        app(args=arguments, prog_name="seawall")
        sys.stdout.flush()
    except SystemExit as ended:
        return _code_of(ended)
    except BadInput as refused:
        sys.stderr.write(f"error: {refused}\n".replace("\n", " ").strip() + "\n")
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        _silence_stdout()
        return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _code_of(ended: SystemExit) -> int:
    """The exit code, with what is still buffered flushed: the reader may have gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return 0
    return ended.code if isinstance(ended.code, int) else 0


def _silence_stdout() -> None:
    """The reader of the pipe has left: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """Entry point of the `seawall` script."""
    sys.exit(main())
