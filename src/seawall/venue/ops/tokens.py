"""Tokens of operators, from the environment, or one that is made and printed once."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from seawall.units import BadInput

VARIABLE: Final = "SEAWALL_ADMIN_TOKEN"  # "token", or "name=token,name=token"
LEAST: Final = 16  # characters
DEFAULT_NAME: Final = "admin"
SCHEME: Final = "bearer "


class Tokens:
    """Who may use the admin's port. Tokens are compared in constant time and never shown again."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._named = {name: token.encode() for name, token in named.items()}

    def operator_of(self, authorization: str) -> str:
        """The name of the operator with this Authorization header; empty for nobody."""
        is_bearer = authorization[: len(SCHEME)].lower() == SCHEME
        given = authorization[len(SCHEME) :].strip().encode(errors="replace") if is_bearer else b""
        found = ""
        for name, token in self._named.items():
            if hmac.compare_digest(given, token):
                found = name
        return found


def tokens_from(environment: Mapping[str, str]) -> tuple[Tokens, str]:
    """The operators' tokens, and the one that was made because the environment names none (else empty).

    BadInput for a token that is too short or a name without one. The message does not show it.
    """
    text = environment.get(VARIABLE, "")
    if not text:
        made = secrets.token_urlsafe(32)
        return Tokens({DEFAULT_NAME: made}), made
    named: dict[str, str] = {}
    for number, part in enumerate(text.split(",")):
        name, sign, token = part.strip().partition("=")
        if not sign or "=" not in part.strip().rstrip("="):
            name, token = DEFAULT_NAME, part.strip()
        if not name or len(token) < LEAST or name in named:
            raise BadInput(
                VARIABLE, f"part {number + 1}: expected NAME=TOKEN, names once, of {LEAST} characters or more"
            )
        named[name] = token
    return Tokens(named), ""
