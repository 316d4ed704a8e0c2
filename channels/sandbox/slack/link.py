"""Socket Mode: the sockets that the app keeps open, and what travels over them.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import itertools
import json
import secrets
import uuid
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from channels.sandbox.slack.errors import Unacknowledged
from channels.sandbox.slack.outbox import ACK_SECONDS
from channels.sandbox.slack.roster import Installation, Json


class Socket:
    """One open socket, and the envelopes that were sent over it and wait for their acknowledgement."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    async def send(self, frame: Json) -> None:
        await self._websocket.send_json(frame)

    async def ask(self, envelope: Json) -> Json:
        answer = self._waiting[envelope["envelope_id"]] = asyncio.get_running_loop().create_future()
        try:
            await self.send(envelope)
            return await asyncio.wait_for(answer, ACK_SECONDS)
        except TimeoutError:
            raise Unacknowledged("timeout") from None
        except (WebSocketDisconnect, RuntimeError):  # starlette's words for a socket that has just gone
            raise Unacknowledged("connection_failed") from None
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def listen(self) -> None:
        """Take acknowledgements until the app hangs up."""
        try:
            while True:
                self._acknowledge(_decoded(await self._websocket.receive_text()))
        except WebSocketDisconnect:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Unacknowledged("connection_failed"))

    def _acknowledge(self, frame: Json) -> None:
        answer = self._waiting.get(frame.get("envelope_id", ""))
        if answer and not answer.done():
            answer.set_result(frame.get("payload") or {})


def _decoded(frame: str) -> Json:
    """What the app sent; nothing for what is no JSON object."""
    with contextlib.suppress(ValueError):
        if isinstance(decoded := json.loads(frame), dict):
            return decoded
    return {}


class Link:
    """All sockets of the app; each payload goes over one of them, in turn."""

    def __init__(self, app: Installation, connected: Callable[[], None]) -> None:
        self._app = app
        self._connected = connected
        self._tickets: set[str] = set()
        self._sockets: list[Socket] = []
        self._turns = itertools.count()

    @property
    def is_open(self) -> bool:
        return bool(self._sockets)

    def ticket(self) -> str:
        """Admission for one socket, as apps.connections.open hands it out."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            return await websocket.close(4001)
        self._tickets.discard(ticket)
        await websocket.accept()
        socket = Socket(websocket)
        self._sockets.append(socket)
        try:
            await socket.send(self._hello())
            self._connected()
            await socket.listen()
        finally:
            self._sockets.remove(socket)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app.app},
        }

    async def carry(self, kind: str, payload: Json, *, tries: int = 0, reason: str = "") -> Json:
        if not self._sockets:
            raise Unacknowledged("no app is connected")
        socket = self._sockets[next(self._turns) % len(self._sockets)]
        retry = {"retry_attempt": tries, "retry_reason": reason} if kind == "events_api" else {}
        return await socket.ask(
            {
                "envelope_id": str(uuid.uuid4()),
                "payload": payload,
                "type": kind,
                "accepts_response_payload": kind != "events_api",
                **retry,
            }
        )

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every socket to come back on a new URL, as Slack does about once an hour."""
        for socket in list(self._sockets):
            await socket.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
