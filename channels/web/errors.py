"""Errors over HTTP: always ``{"error": sentence}``, never a traceback, never what was sent."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from bot.events import UnknownEvent
from bot.ports import Unavailable
from bot.verbs import NotAllowed, NotFound

PHRASES = {
    404: "There is nothing at this address; /docs lists what there is.",
    405: "This address does not take this method; /docs lists what it takes.",
}
"""In place of HTTP's own phrases, which say nothing about what to do."""


def answer_errors(app: FastAPI) -> None:
    """Let every error that a route raises be told in one sentence."""
    for kind, tell in TABLE.items():
        app.add_exception_handler(kind, cast(Any, _answering(tell)))


def trouble(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)


def _answering(tell: Callable[[Any], JSONResponse]) -> Callable[[Request, Exception], JSONResponse]:
    return lambda _, error: tell(error)


def _refused(error: HTTPException) -> JSONResponse:
    ours = isinstance(error, HTTPException)  # Starlette's own carry HTTP's phrase
    sentence = str(error.detail) if ours else PHRASES.get(error.status_code, str(error.detail))
    return trouble(error.status_code, sentence, dict(error.headers or {}))


def _unfit(error: RequestValidationError) -> JSONResponse:
    mistakes = error.errors()
    if any(mistake["type"] == "json_invalid" for mistake in mistakes):
        return trouble(400, "The body is no valid JSON.")
    if any(mistake["type"] == "model_attributes_type" for mistake in mistakes):
        return trouble(422, "Send a JSON object, with Content-Type: application/json.")
    return trouble(422, "; ".join(dict.fromkeys(_mistake(each["loc"], each["msg"]) for each in mistakes)) + ".")


def _mistake(place: Sequence[Any], message: str) -> str:
    where = ".".join(str(part) for part in place[1:]) or str(place[0])
    return f"{where}: {message.removeprefix('Value error, ')}"


def _away(_: Unavailable) -> JSONResponse:
    return trouble(503, "The store cannot be reached; nothing was written down. Try again.", {"Retry-After": "1"})


TABLE: dict[type[Exception], Callable[[Any], JSONResponse]] = {
    StarletteHTTPException: _refused,
    RequestValidationError: _unfit,
    NotAllowed: lambda error: trouble(403, str(error)),
    NotFound: lambda error: trouble(404, str(error)),
    UnknownEvent: lambda error: trouble(503, "A newer version wrote in this thread; update and restart this process."),
    Unavailable: _away,
}
