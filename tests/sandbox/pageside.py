"""The sandbox as its own process, and a stand-in for Parley's web process behind it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

CONFIG = """
[routes]
"slack:#support" = "support"
"slack:#ops" = "ops"
"email:support@example.com" = "support"

[people.ana]
name = "Ana Diaz"
slack = "U02ANA"
email = "ana@example.com"
groups = ["ops"]

[people.ben]
name = "Ben Okafor"
slack = "U03BEN"
email = ["ben@example.com"]
groups = ["support"]
"""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox. ``get`` and ``post`` give the status and the JSON."""

    process: subprocess.Popen[str]
    url: str
    ready: str

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return _ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        content = json.dumps(body or {}).encode()
        told = {"content-type": "application/json", **headers}
        return _ask(urllib.request.Request(self.url + path, content, told))


def _ask(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, _read(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, _read(refused.read())


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


@contextlib.contextmanager
def sandbox(
    folder: Path, *, parley: str = "http://127.0.0.1:9", ports: tuple[int, int, int] = (0, 0, 0)
) -> Iterator[Sandbox]:
    """`python -m channels.sandbox` on the folder's data; whoever does not stop it by themselves has it killed in the end."""
    process = launch(folder, parley, ports)
    try:
        assert process.stdout
        ready = process.stdout.readline().strip()
        yield Sandbox(process, ready.split()[2], ready)
    finally:
        process.kill()
        process.communicate(timeout=10)


def launch(folder: Path, parley: str, ports: tuple[int, int, int]) -> subprocess.Popen[str]:
    config = folder / "bot.toml"
    config.write_text(CONFIG)
    names = ("--port", "--smtp-port", "--imap-port")
    numbers = [text for name, port in zip(names, ports, strict=True) for text in (name, str(port))]
    command = [
        "-m",
        "channels.sandbox",
        "--config",
        str(config),
        "--data",
        str(folder / "data"),
        "--parley-url",
        parley,
    ]
    return subprocess.Popen(
        [sys.executable, *command, *numbers],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "SANDBOX_API_KEY": "the-key, ana:anas-key",
            "SLACK_BOT_TOKEN": "xoxb-sandbox",
            "SLACK_APP_TOKEN": "xapp-sandbox",
        },
    )


@dataclass
class Parley:
    """Stands in for the web process: what the page reads is given, what it asks is kept."""

    threads: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/stream")
        async def stream() -> StreamingResponse:
            async def tell() -> AsyncIterator[str]:
                yield 'data: {"thread": "t1"}\n\n'

            return StreamingResponse(tell(), media_type="text/event-stream")

        @app.api_route("/v1/{path:path}", methods=["GET", "POST"])
        async def answer(path: str, request: Request) -> Response:
            self.asked.append(request)
            self.bodies.append(await request.body())
            return self.answer(path, request)

        return app

    def answer(self, path: str, request: Request) -> Response:
        if path == "about":
            return JSONResponse({"model": "scripted", "version": "0"})
        if path == "threads":
            address = request.query_params.get("address")
            return JSONResponse([thread for thread in self.threads if not address or address in thread["addresses"]])
        found = next((thread for thread in self.threads if path.startswith(f"threads/{thread['id']}")), None)
        if found is None:
            return JSONResponse({"error": "There is no such thread."}, 404)
        return JSONResponse({"blocks": ["<message>one</message>"]} if path.endswith("/context") else found)


@contextlib.contextmanager
def parley() -> Iterator[Parley]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stand_in = Parley(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(stand_in.app(), log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield stand_in
        server.should_exit = True
        thread.join(10)
