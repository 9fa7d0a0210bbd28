"""Targets of alerts: which ones are let out, and sending through Apprise (extra `alerts`).

Accounts name targets and the venue connects to them, so nothing is let out but kinds that the operator allows, and
never into the operator's own network. A URL holds a token or a password: it goes nowhere but to Apprise.
"""

import functools
import importlib
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Final

from seawall.units import BadInput

FIXED: Final = ("discord", "pover", "slack", "tgram")  # kinds whose host nobody can choose
HOSTS: Final = ("host", "smtp_host")  # where plug-ins keep the host they connect to
SECONDS: Final = 4.0  # to connect, and to answer
SHAPE: Final = re.compile(r"([a-z][a-z0-9]{1,19})://[^\s]+")


def scheme_of(target: str) -> str:
    """The kind of a target. BadInput for what is no URL; the message does not show it."""
    found = SHAPE.fullmatch(target)
    if found is None:
        raise BadInput("target", "expected an Apprise URL: kind://...")
    return found.group(1)


def check_target(target: str, schemes: Sequence[str], *, private_hosts: bool) -> None:
    """BadInput unless the target is of an allowed kind, whole, and its host, where it names one, outside. Resolves."""
    scheme = scheme_of(target)
    if scheme not in schemes:
        raise BadInput("target", f"{scheme} is not let out here: {', '.join(sorted(schemes))}")
    plugin = _plugin(target)
    if scheme not in FIXED and not private_hosts:
        for name in HOSTS:
            host = getattr(plugin, name, None)
            if host and not is_public(host):
                raise BadInput("target", "its host is not public")


def is_public(host: str) -> bool:
    """Whether every address of a host is one of the public internet. Asks the resolver."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(address).partition("%")[0]).is_global for address in found)


def send(target: str, title: str, body: str) -> bool:
    """Sends a message; whether the service took it. Blocks for seconds. BadInput for a target that is not whole."""
    plugin = _plugin(target)
    return bool(plugin.notify(title=title, body=body))


def _plugin(target: str) -> Any:
    """Apprise's plug-in of a target: one try, no redirects, some seconds."""
    apprise = _apprise()
    asset = apprise.AppriseAsset(app_id="Seawall", app_desc="Seawall alerts", app_url="", http_redirects=False)
    plugin = apprise.Apprise.instantiate(target, asset=asset, suppress_exceptions=True)
    if plugin is None:
        raise BadInput("target", "the URL is not whole for its kind")
    plugin.redirects, plugin.retry = False, 0
    plugin.socket_connect_timeout = plugin.socket_read_timeout = SECONDS
    return plugin


@functools.cache
def _apprise() -> Any:
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise BadInput("target", "this venue has no Apprise: install seawall[alerts]") from error
