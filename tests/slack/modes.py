"""Both ways in which Slack reaches Parley, for promises that hold in either: Socket Mode, and the request URL."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from channels.slack.http import http_app
from tests.sandbox.slackside import running_workspace, serving
from tests.slack.desk import Desk, FlakyStore, desk_at, settings
from tests.slack.team import TEAM

MODES = ("socket", "http")


@contextlib.contextmanager
def desk_by(mode: str, path: Path) -> Iterator[Desk]:
    """A desk that hears Slack in this way."""
    with desk_at(path) if mode == "socket" else desk_at_url(path) as desk:
        yield desk


@contextlib.contextmanager
def desk_at_url(path: Path) -> Iterator[Desk]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    with running_workspace(path, request_url=url) as world:
        app, store = FastAPI(), FlakyStore()
        app.include_router(http_app(settings(world), TEAM, store))
        with serving(app, listener):
            yield Desk(world, store)
