"""A workspace that runs: the sandbox's Slack on a free port, and people to use it with."""

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from channels.sandbox.slack import Channel, User, Workspace, slack_router, web_api_router
from channels.sandbox.slack.roster import Json

BOT_TOKEN = "xoxb-sandbox"
APP_TOKEN = "xapp-sandbox"
SIGNING_SECRET = "sandbox-signing-secret"

ANA, BEN, CARL, SAM, PARLEY = "U02ANA", "U03BEN", "U04CARL", "U0SAM", "U00PARLEY"
GENERAL, SUPPORT, OPS = "C0GENERAL", "C0SUPPORT", "C0OPS"

USERS = (
    User(ANA, "ana", "Ana Diaz", "ana@example.com"),
    User(BEN, "ben", "Ben Okafor", "ben@example.com"),
    User(CARL, "carl", "Carl Lindqvist", "carl@example.com"),
    User(SAM, "sam", "Sam Kowalski", "sam@elsewhere.example"),
)
CHANNELS = (Channel(GENERAL, "general"), Channel(SUPPORT, "support"), Channel(OPS, "ops"))


class Page:
    """What a person does in a workspace that is served at `url`, as plain calls over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api_url = f"{url}/slack/api/"

    def client(self, token: str = BOT_TOKEN) -> WebClient:
        return WebClient(token, base_url=self.api_url)

    def get(self, what: str, **query: str) -> Any:
        return _answered(urllib.request.Request(f"{self.url}/sandbox/slack/{what}?{urlencode(query)}"))

    def do(self, what: str, **body: Any) -> Json:
        """A POST of the page, for example `do("post", user=ANA, channel=OPS, text="hello")`."""
        request = urllib.request.Request(
            f"{self.url}/sandbox/slack/{what}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        answer: Json = _answered(request)
        return answer

    def post(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """The timestamp of what was posted."""
        return str(self.do("post", user=user, channel=channel, text=text, thread_ts=thread_ts)["ts"])

    def messages(self, user: str, channel: str) -> list[Json]:
        found: list[Json] = self.get("messages", user=user, channel=channel)["messages"]
        return found

    def click(self, user: str, channel: str, ts: str, action_id: str, selected: str | None = None) -> Json:
        """Press what carries this action_id on a message."""
        message = next(message for message in self.messages(user, channel) if message["ts"] == ts)
        block = next(block for block in message["blocks"] if f'"action_id": "{action_id}"' in json.dumps(block))
        where = {"user": user, "channel": channel, "ts": ts, "block_id": block["block_id"], "action_id": action_id}
        return self.do("click", **where, selected=selected)


class World(Page):
    """A page, and the workspace behind it."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.url)
        self.workspace = workspace

    def on_server(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something of the workspace's in the thread that serves it."""
        loop = self.workspace.outbox.loop
        assert loop, "it is not running"
        asyncio.run_coroutine_threadsafe(work, loop).result(10)


@contextlib.contextmanager
def running_workspace(path: Path, *, request_url: str | None = None, port: int = 0) -> Iterator[World]:
    """Serve a workspace kept in `path` until the block ends. A `port` lets an app find it again after a restart."""
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    workspace = Workspace(
        path,
        users=USERS,
        channels=CHANNELS,
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        signing_secret=SIGNING_SECRET,
        url=url,
        request_url=request_url,
    )
    app = FastAPI()
    app.include_router(web_api_router(workspace))
    app.include_router(slack_router(workspace))
    with serving(app, listener):
        yield World(workspace)
    workspace.records.close()


@contextlib.contextmanager
def serving(app: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an ASGI app on a listening socket, in a thread."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        eventually(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def bolt_app(page: Page) -> App:
    """An app set up as Parley's is: it acknowledges after its listeners."""
    return App(client=page.client(), signing_secret=SIGNING_SECRET, process_before_response=True)


def heard(app: App, event: str) -> list[Json]:
    """The bodies of this event that the app gets from now on."""
    bodies: list[Json] = []

    @app.event(event)
    def hear(body: Json) -> None:
        bodies.append(body)

    return bodies


@contextlib.contextmanager
def connected(app: App) -> Iterator[SocketModeHandler]:
    """Run a bolt app on Socket Mode until the block ends."""
    handler = SocketModeHandler(app, APP_TOKEN)
    handler.connect()  # type: ignore[no-untyped-call]
    try:
        yield handler
    finally:
        _wake_readers(handler.client)
        handler.close()  # type: ignore[no-untyped-call]


def _wake_readers(client: Any) -> None:
    """The SDK's own close() would wait up to four seconds for the threads that read."""
    client.closed, client.auto_reconnect_enabled = True, False
    client.message_queue.put(None)
    with contextlib.suppress(OSError, AttributeError):
        client.current_session.sock.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def eventually(found: Callable[[], Any], *, seconds: float = 10) -> Any:
    """What `found` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return result


def _answered(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as refused:
        return json.load(refused)
