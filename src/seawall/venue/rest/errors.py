"""What `/v1` and the admin's port say when they refuse: {"code", "msg"}, a stable word and a sentence."""

import logging
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from seawall.units import BadInput
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.history.pen import HistoryFault
from seawall.venue.rest.shape import says

JSON: Final = "application/json"
ANYWHERE: Final = {"access-control-allow-origin": "*"}  # pages from anywhere may read: nothing here is private
log = logging.getLogger("seawall.rest")
CODES: Final = {
    "bad_request": (HTTPStatus.BAD_REQUEST, "a field is missing, of the wrong kind or out of range"),
    "bad_json": (HTTPStatus.BAD_REQUEST, "the body is not JSON"),
    "too_deep": (HTTPStatus.BAD_REQUEST, "the body nests too deeply"),
    "bad_signature": (HTTPStatus.UNAUTHORIZED, "the signature is not the account's, or its nonce was used"),
    "not_admin": (HTTPStatus.UNAUTHORIZED, "the token is missing or wrong"),
    "unknown_account": (HTTPStatus.NOT_FOUND, "the address has no account here"),
    "unknown_coin": (HTTPStatus.NOT_FOUND, "no market has this name"),
    "unknown_name": (HTTPStatus.NOT_FOUND, "nothing has this name or number"),
    "not_found": (HTTPStatus.NOT_FOUND, "there is no such path"),
    "bad_method": (HTTPStatus.METHOD_NOT_ALLOWED, "the path does not take this method"),
    "refused": (HTTPStatus.CONFLICT, "the engine refused it; `engine_code` is its number (terms/code.py)"),
    "off": (HTTPStatus.CONFLICT, "this venue does not offer it"),
    "running": (HTTPStatus.CONFLICT, "one runs already: wait for it, or end it"),
    "too_large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than the limit"),
    "rate_limited": (HTTPStatus.TOO_MANY_REQUESTS, "the weight of this minute is used up"),
    "history": (HTTPStatus.SERVICE_UNAVAILABLE, "history has stopped; trading goes on"),
    "internal": (HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the venue; it was logged"),
    "busy": (HTTPStatus.SERVICE_UNAVAILABLE, "too much waits; try again"),
    "stopped": (HTTPStatus.SERVICE_UNAVAILABLE, "the venue is stopping or its disk has failed"),
}


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refusal: nothing was changed."""

    code: Annotated[str, says("A stable word.", "bad_request")]
    msg: Annotated[str, says("What is wrong, in a sentence.", "limit: Input should be greater than or equal to 1")]
    engine_code: Annotated[int | None, says("The engine's own code, of what it refused (terms/code.py).")] = None


class ApiError(Exception):
    """A request that is refused with a code of CODES."""

    def __init__(self, code: str, msg: str = "", engine_code: int | None = None) -> None:
        super().__init__(msg)
        self.status, sentence = CODES[code]
        self.refusal = Refusal(code, msg or sentence, engine_code)

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.refusal)


def install_errors(app: FastAPI) -> None:
    """Makes every refusal of an app a {"code", "msg"}, its own validation's and unknown paths included."""
    handlers: dict[Any, Any] = {
        ApiError: _refused,
        BadInput: _bad_input,
        BusyError: _busy,
        StoppedError: _stopped,
        RequestValidationError: _invalid,
        HistoryFault: _history,
        HTTPException: _http,
        Exception: _bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def answer_of(error: ApiError) -> Response:
    """A refusal as a response."""
    return Response(error.body, status_code=error.status, media_type=JSON, headers=ANYWHERE)


async def _refused(_: Request, error: ApiError) -> Response:
    return answer_of(error)


async def _bad_input(_: Request, error: BadInput) -> Response:
    return answer_of(bad_request(error))


def bad_request(error: BadInput) -> ApiError:
    """The refusal of bad input: unknown coins have a code of their own."""
    code = "unknown_coin" if error.why.startswith(("unknown coin", "unknown market")) else "bad_request"
    return ApiError(code, f"{error.field}: {error.why}")


async def _busy(_: Request, __: BusyError) -> Response:
    return answer_of(ApiError("busy"))


async def _stopped(_: Request, __: StoppedError) -> Response:
    return answer_of(ApiError("stopped"))


async def _history(_: Request, __: HistoryFault) -> Response:
    return answer_of(ApiError("history"))


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return answer_of(ApiError("bad_request", f"{field}: {first['msg']}"))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("%s failed", request.url.path, exc_info=error)
    return answer_of(ApiError("internal"))


async def _http(_: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer_of(ApiError("not_found"))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        found = answer_of(ApiError("bad_method"))
        found.headers.update(error.headers or {})
        return found
    refusal = Refusal("bad_request", str(error.detail))
    return Response(msgspec.json.encode(refusal), status_code=error.status_code, media_type=JSON)
