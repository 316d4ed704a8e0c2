"""Slack's Web API over HTTP: tokens, arguments, planned failures, answers (https://docs.slack.dev/apis/web-api)."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from channels.sandbox.slack import chat, lookups, streams, surfaces
from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.faults import Fault
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.workspace import RESPOND_PATH, Workspace

Method = Callable[[Workspace, Arguments], Json]

METHODS: dict[str, Method] = {**lookups.METHODS, **chat.METHODS, **streams.METHODS, **surfaces.METHODS}


def api_router(workspace: Workspace) -> APIRouter:
    router = APIRouter()

    @router.api_route("/slack/api/{method}", methods=["GET", "POST"], include_in_schema=False)
    async def call(method: str, request: Request) -> Response:
        fault = workspace.faults.next(method)
        if fault and fault.kind != "reply_lost":
            return _failed(fault)
        answer = answered(workspace, method, await _arguments(request), _bearer(request))
        if fault:
            _hang_up(request)
        return JSONResponse(answer, headers={"x-oauth-scopes": ",".join(workspace.app.scopes)})

    @router.post(RESPOND_PATH + "/{token}", include_in_schema=False)
    async def respond(token: str, request: Request) -> Response:
        try:
            chat.respond(workspace, token, Arguments.read("", "application/json", await request.body()))
        except SlackError as refused:
            gone = refused.code in ("expired_url", "used_url")
            return PlainTextResponse(refused.code, status_code=404 if gone else 400)
        return PlainTextResponse("ok")

    return router


def answered(workspace: Workspace, method: str, arguments: Arguments | SlackError, bearer: str) -> Json:
    """What Slack says to a call: always HTTP 200, with `ok` and maybe `error`."""
    try:
        if isinstance(arguments, SlackError):
            raise arguments
        if method not in METHODS:
            raise SlackError("unknown_method")
        if method != "api.test":
            _admit(workspace, method, bearer or arguments.text("token"))
        return {"ok": True, **METHODS[method](workspace, arguments)}
    except SlackError as refused:
        return refused.answer()


def _admit(workspace: Workspace, method: str, token: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in (workspace.bot_token, workspace.app_token):
        raise SlackError("invalid_auth")
    wanted = workspace.app_token if method == "apps.connections.open" else workspace.bot_token
    if token != wanted:
        raise SlackError("not_allowed_token_type")


async def _arguments(request: Request) -> Arguments | SlackError:
    try:
        content_type = request.headers.get("content-type", "")
        return Arguments.read(request.url.query, content_type, await request.body())
    except SlackError as refused:
        return refused


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _failed(fault: Fault) -> Response:
    if fault.kind == "rate_limited":
        headers = {"retry-after": str(fault.retry_after)}
        return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)
    return JSONResponse({"ok": False, "error": "internal_error"}, status_code=500)


def _hang_up(request: Request) -> None:
    """Close the connection without a word. ASGI cannot say that, so this reaches for uvicorn's own transport."""
    cycle: Any = getattr(request.receive, "__self__", None)
    cycle.transport.abort()
