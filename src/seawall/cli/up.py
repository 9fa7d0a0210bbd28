"""`seawall up`: the whole venue in one process, until it is told to stop."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from seawall.venue.app import Application
    from seawall.venue.config import Config
    from seawall.venue.service import Service


def up(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML; docs/venue.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Journal and history.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Where clients connect: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="3001; operators: the next.")] = None,
    traders: Annotated[bool | None, typer.Option("--traders/--no-traders", help="Simulated traders.")] = None,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="[URL]", help="Keep accounts on a chain: an RPC, or one in here.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Read the configuration, print it as JSON, and end.")] = False,
) -> None:
    """Run a venue: engine, journal, feeds, simulated traders, and an API that Hyperliquid's clients use unchanged.

    SIGINT or SIGTERM stop it in order. What was acknowledged is durable at any time. Exit code 0; 1 when a part of it
    failed; 2 for a configuration or a folder that cannot be used.
    """
    from seawall.venue.ops.serve import refuse_optimised

    refuse_optimised()
    settings = configured(config, {"data": data, "host": host, "port": port, "traders": traders, "chain": chain})
    if check:
        import msgspec

        from seawall.venue.config import without_secrets

        print(msgspec.json.format(msgspec.json.encode(without_secrets(settings))).decode())
        return
    raise typer.Exit(run(settings))


def configured(file: Path | None, given: dict[str, Any]) -> "Config":
    """The configuration of the file and the environment, with the options of the command line laid over it."""
    from msgspec.structs import replace

    from seawall.venue.config import load_config

    settings = load_config(file)
    server, data = settings.server, settings.data
    if given["data"] is not None:
        data = replace(data, folder=str(given["data"]))
    if given["host"] is not None:
        server = replace(server, host=given["host"])
    if given["port"] is not None:
        admin = given["port"] + 1 if server.admin_port and given["port"] else server.admin_port
        server = replace(server, port=given["port"], admin_port=admin)
    settings = replace(settings, server=server, data=data)
    if given["traders"] is not None:
        settings = replace(settings, traders=replace(settings.traders, enabled=given["traders"]))
    if given["chain"] is not None:
        settings = replace(settings, chain=replace(settings.chain, target=given["chain"]))
    if settings.chain.target:
        settings = replace(settings, bridge=replace(settings.bridge, local=False))
    return settings


def run(settings: "Config") -> int:
    """Serves until stopped; the exit code."""
    from seawall.journal.faults import JournalError
    from seawall.venue.clock import WallClock
    from seawall.venue.ops.logs import start_logs
    from seawall.venue.service import Service

    start_logs(settings.logs)
    clock = WallClock()
    service = Service(settings, clock.now)
    try:
        _prepare(service)
    except (JournalError, OSError) as error:
        print(f"error: {settings.data.folder}: {error}", file=sys.stderr)
        return 2
    import uvloop

    return uvloop.run(_serve(service, clock))


def _prepare(service: "Service") -> None:
    """Compiles what is not compiled yet, opens the folder, brings back what is in it. Tells on standard error."""
    from seawall.engine.venue import Venue
    from seawall.kernel import cache_folder
    from seawall.terms import command
    from seawall.venue.reads import Reads
    from seawall.venue.risk.desk import warm
    from seawall.venue.views.figures import Reader

    start = time.monotonic()
    where = cache_folder()
    _tell(f"preparing the engine (the first time it is compiled: a minute or two; kept in {where or 'memory'})")
    engine = Venue(service.capacity)
    engine.one(kind=command.TICK, signer=command.SEQUENCER, time=1)
    Reader(engine.array).warm()
    Reads(engine).warm()
    if service.config.risk.mode != "off":
        warm()
    _tell(f"engine ready after {time.monotonic() - start:.1f} s; opening {service.folder}")
    found = service.open()
    told = f"{found.sequence:,} commands in the journal, {found.replayed:,} replayed"
    if found.lost is not None:
        told += f"; {found.lost.bytes} torn bytes that were never acknowledged are put aside in {found.kept}"
    _tell(told)


async def _serve(service: "Service", clock: Any) -> int:
    from seawall.venue.app import Application
    from seawall.venue.ops.serve import Port, serve

    application = Application(service, clock, os.environ)
    server = service.config.server
    ports = [Port(application.asgi, server.host, server.port, service.config.sockets)]
    if server.admin_port:
        ports.append(Port(application.operations.admin_app, server.admin_host, server.admin_port))

    async def started() -> None:
        listed = await application.start()
        _tell_started(application, listed)

    return await serve(ports, started, application.closing, application.stop, lambda: _failure(application))


async def _failure(application: "Application") -> None:
    """Returns when a part that must not end has ended."""
    while not (application.service.desk.failed or application.floor.failed or _is_cut_off(application)):
        await asyncio.sleep(0.5)


def _is_cut_off(application: "Application") -> bool:
    return application.link is not None and application.link.failed


def _tell_started(application: "Application", listed: list[str]) -> None:
    server = application.service.config.server
    if listed:
        _tell(f"listed {', '.join(listed)}")
    _tell(f"venue on http://{server.host}:{server.port} (API of Hyperliquid; /v1 and /docs are our own)")
    if application.link is not None:
        where = f"http://{server.host}:{server.port}/evm" if application.link.terms.target == "embedded" else ""
        _tell(f"chain {application.link.client.chain_id} {where or application.link.terms.target}, /v1/chain says more")
    if server.admin_port:
        token = application.operations.made_token
        _tell(f"operators on http://{server.admin_host}:{server.admin_port}" + (f", token {token}" if token else ""))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
