"""The sandbox's web side: the page, both far sides behind it, one stream of changes, and the way through to Parley."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.sandbox.mail import Mailroom, mail_router
from channels.sandbox.people import Cast
from channels.sandbox.slack import Workspace, slack_router, web_api_router

PAGE = Path(__file__).parent / "page"
LOOK = Path(__file__).parents[1] / "look"  # what this page and the console have in common
HOSTS = ["127.0.0.1", "localhost"]
PERSON_HEADER = "x-sandbox-person"  # who the page is at the moment: an id of the cast
KEEPALIVE_SECONDS = 15.0
RECONNECT_SECONDS = 1.0

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # HTML mails, shown in a sandboxed frame, bring style attributes; they inherit this policy
        "img-src 'self' data:",  # so a mail's remote pictures are never fetched
        "connect-src 'self'",
        "frame-src 'none'",  # a frame is filled from a string and cannot be navigated anywhere
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # assigning text as HTML fails, except through the one policy below
        "trusted-types mail",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class Changes:
    """Tells every open page what changed. ``tell`` may be called from any thread."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Mapping[str, Any] | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, change: Mapping[str, Any] | None) -> None:
        """Pass one change on; None ends the streams."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, change)

    def _spread(self, change: Mapping[str, Any] | None) -> None:
        for queue in self._queues:
            queue.put_nowait(change)

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events, beginning at once, until ``tell(None)``; a comment now and then keeps the connection alive."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield ": hello\n\n"
            while (text := await _next(queue)) is not None:
                yield text
        finally:
            self._queues.discard(queue)


async def _next(queue: asyncio.Queue[Mapping[str, Any] | None]) -> str | None:
    try:
        change = await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)
    except TimeoutError:
        return ": still here\n\n"
    return None if change is None else f"data: {json.dumps(change)}\n\n"


class Guard:
    """Refuses what other sites ask of this one, and sends the security headers with every answer.

    Slack's own paths are for programs, which carry a token instead of an Origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if not _welcome(scope):
            refusal = JSONResponse({"error": "This request came from another site; use the sandbox's own page."}, 403)
            return await refusal(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        return await self.app(scope, receive, send_guarded)


def _welcome(scope: Scope) -> bool:
    if scope["method"] in {"GET", "HEAD"} or scope["path"].startswith("/slack/"):
        return True
    headers = Headers(scope=scope)
    origin = headers.get("origin")  # browsers always send it here; a program on this machine need not
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def create_app(
    workspace: Workspace,
    mailroom: Mailroom,
    *,
    cast: Cast,
    changes: Changes,
    parley_url: str,
    api_keys: str,
) -> FastAPI:
    """The sandbox as one application.

    ``parley_url`` is where Parley's web process listens. ``api_keys`` are written as in BOT_API_KEYS, ``key`` or ``person:key``, with
    commas between: the page acts with the key of whoever it is, else with the one that names nobody, and never sees any of them.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(_follow(parley, changes))
        yield
        following.cancel()
        await parley.aclose()

    keys = _by_person(api_keys)
    parley = httpx2.AsyncClient(
        base_url=parley_url,
        headers=_bearer(keys, ""),
        timeout=httpx2.Timeout(10.0, read=None),
        trust_env=False,
    )
    app = FastAPI(title="Parley sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    app.include_router(web_api_router(workspace))
    app.include_router(slack_router(workspace))
    app.include_router(mail_router(mailroom))

    @app.get("/sandbox/cast")
    async def show_cast() -> dict[str, Any]:
        return asdict(cast)

    @app.get("/sandbox/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(changes.stream(), media_type="text/event-stream")

    @app.api_route("/parley/{path:path}", methods=["GET", "POST", "DELETE"])
    async def pass_on(path: str, request: Request) -> Response:
        return await _pass_on(parley, path, request, _bearer(keys, request.headers.get(PERSON_HEADER, "")))

    app.mount("/look", StaticFiles(directory=LOOK))
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def _by_person(api_keys: str) -> dict[str, str]:
    named = (entry.strip().rpartition(":") for entry in api_keys.split(","))
    return {person: key for person, _, key in named}


def _bearer(keys: Mapping[str, str], person: str) -> dict[str, str]:
    return {"authorization": f"Bearer {keys.get(person) or keys.get('', '')}"}


async def _pass_on(parley: httpx2.AsyncClient, path: str, request: Request, bearer: dict[str, str]) -> Response:
    """Ask Parley's API the same, with the key, and stream what it answers."""
    if ".." in path.split("/"):
        return JSONResponse({"error": "There is no such path in Parley's API."}, 404)
    question = parley.build_request(
        request.method,
        f"/v1/{path}",
        params=request.url.query,
        content=await request.body(),
        headers=_kept(request.headers, ("accept", "content-type")) | bearer,
    )
    try:
        answer = await parley.send(question, stream=True)
    except httpx2.HTTPError:
        return JSONResponse({"error": "Parley’s web process does not answer. Is it still starting?"}, 503)
    return StreamingResponse(_body(answer), answer.status_code, headers=_kept(answer.headers, ("content-type",)))


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_bytes():
            yield chunk
    finally:
        await answer.aclose()


def _kept(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


async def _follow(parley: httpx2.AsyncClient, changes: Changes) -> None:
    """Pass Parley's own changes on, so that a page needs a single stream: browsers allow six connections, and people open several pages."""
    while True:
        with contextlib.suppress(httpx2.HTTPError, ValueError):
            async with parley.stream("GET", "/v1/stream") as answer:
                answer.raise_for_status()
                changes.tell({"kind": "parley", "up": True})
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        changes.tell({"kind": "parley", **json.loads(line.removeprefix("data:"))})
        changes.tell({"kind": "parley", "up": False})
        await asyncio.sleep(RECONNECT_SECONDS)
