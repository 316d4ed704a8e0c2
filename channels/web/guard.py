"""Before every route: what answers on this machine only, the security headers, and calm when something breaks."""

import ipaddress
import logging
import traceback
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.web.errors import trouble

log = logging.getLogger("parley.web")

OPEN = ("/v1", "/slack", "/healthz", "/readyz")
"""What answers everywhere: it asks for a key or a signature, or tells nothing. The rest is for this machine."""

BODY_BYTES = 1_000_000
TOO_LARGE = f"This is too large: at most {BODY_BYTES // 1000} kB."

FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""A proxy's marks: the request came from elsewhere, whoever connects."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        if not (_open(scope["path"]) or on_this_machine(scope)):
            words = "This page answers on its own machine only: open it there, or through ssh -L 8000:127.0.0.1:8000."
            return await trouble(403, words)(scope, receive, send_guarded)
        try:
            await self.app(scope, receive, send_guarded)
        except Exception as error:
            _note(error, scope)
            if not started:
                words = "Something unexpected went wrong; the log of the web process says where."
                await trouble(500, words)(scope, receive, send_guarded)


class BodyLimit:
    """Refuses a body once more of it has come than anybody here needs, whatever length it claims."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise HTTPException(413, TOO_LARGE)
            return message

        return await self.app(scope, receive_limited, send)


def on_this_machine(scope: Scope) -> bool:
    """Whether a browser or program on this machine asks, by one of its own names (a foreign name that leads here is an attack)."""
    headers = Headers(scope=scope)
    client = (scope.get("client") or ("",))[0]
    forwarded = any(name in headers for name in FORWARDED)
    return is_loopback(client) and is_loopback(_host(headers)) and not forwarded


def is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def same_origin(scope: Scope) -> bool:
    """Whether a page of ours sent this. Browsers name the origin of everything that changes something."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    try:
        return bool(host) and urlsplit(headers.get("origin", "")).netloc == host
    except ValueError:
        return False


def _host(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _open(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in OPEN)


def _note(error: Exception, scope: Scope) -> None:
    """Where it broke. What the error says may hold what somebody wrote, so it stays out of the log."""
    where = "".join(traceback.format_tb(error.__traceback__)[-6:])
    log.error("an unexpected %s in %s %s\n%s", type(error).__name__, scope["method"], _route(scope), where)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "an unknown route"))
