"""What ``python -m bot web`` serves: /v1 with a key, the console and /docs on this machine, health, figures, Slack's request URL."""

import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import verbs
from bot.ids import new_id
from bot.people import Team, operator_of
from bot.ports import Store
from bot.settings import Settings
from channels.web.api import KeyDoor, api_routes
from channels.web.changes import Changes
from channels.web.console import console_routes
from channels.web.errors import answer_errors
from channels.web.guard import BODY_BYTES, BodyLimit, Guard
from channels.web.house import House, InHouse
from channels.web.keys import read_keys
from channels.web.metrics import figures

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
COUNTED = 200  # threads that the figures look at, the latest changed first


def create_app(
    settings: Settings, team: Team, store: Store, *, model_name: str, slack: APIRouter | ASGIApp | None = None
) -> FastAPI:
    """The whole of Parley's HTTP as one application. ``slack`` answers below /slack/, with the path as it came.

    Raises SettingsError where BOT_API_KEYS or BOT_OPERATOR name nobody of bot.toml.
    """
    house = House(store, team, Changes(store), model_name, _version())
    key_door = KeyDoor(read_keys(settings.api_keys, team))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with house.changes.watched():
            yield

    app = FastAPI(title="Parley", version=house.version, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.house = house
    answer_errors(app)
    app.add_middleware(BodyLimit, limit=BODY_BYTES)
    app.add_middleware(Guard)
    app.include_router(api_routes(), prefix="/v1", dependencies=[Depends(key_door)])
    app.include_router(_health())
    app.include_router(console_routes(operator_of(settings, team)))
    if isinstance(slack, APIRouter):
        app.include_router(slack)
    elif slack is not None:
        app.router.routes.append(Below("/slack/", slack))
    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer on this socket until told to stop. No access log: addresses of conversations are in the queries. Open streams do not delay the end.

    It returns after a signal that the caller turned into an exit, so that the caller can put its things away.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    with suppress(KeyboardInterrupt, SystemExit):
        uvicorn.Server(config).run(sockets=[listener])


class Below(BaseRoute):
    """Everything below a path goes to another application, with the path as it came."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        self.path = path
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        mine = scope["type"] == "http" and scope["path"].startswith(self.path)
        return (Match.FULL if mine else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _health() -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/healthz", healthz, methods=["GET"])
    routes.add_api_route("/readyz", readyz, methods=["GET"])
    routes.add_api_route("/metrics", metrics, methods=["GET"], response_class=PlainTextResponse)
    return routes


def healthz() -> dict[str, bool]:
    """This process answers."""
    return {"ok": True}


def readyz(house: InHouse) -> dict[str, bool]:
    """The store answers and takes writes; else 503."""
    probe = f"ready:{new_id()}"
    token = house.store.lock(probe, 1.0)
    house.store.unlock(probe, token or "")
    return {"ok": True}


def metrics(house: InHouse) -> str:
    return figures(verbs.latest(house.store, COUNTED), house.store.now())


def _version() -> str:
    return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
