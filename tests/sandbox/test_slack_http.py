"""Signed HTTP events and interactivity, taken by slack-bolt."""

import contextlib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient
from starlette.responses import Response

from channels.sandbox.slack import push
from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import (
    ANA,
    BOT_TOKEN,
    OPS,
    SIGNING_SECRET,
    World,
    eventually,
    running_workspace,
    serving,
)

BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "ok", "text": {"type": "plain_text", "text": "OK"}, "value": "1"}],
}


class Site:
    """The app's own web server, and the requests that came."""

    def __init__(self, listener: socket.socket, signing_secret: str) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._listener = listener
        self._signing_secret = signing_secret

    @contextlib.contextmanager
    def serve(self, world: World) -> Iterator[App]:
        app = App(
            client=WebClient(BOT_TOKEN, base_url=world.api_url),
            signing_secret=self._signing_secret,
            process_before_response=True,
        )
        handler, web = SlackRequestHandler(app), FastAPI()

        @web.post("/slack/events")
        async def events(request: Request) -> Response:
            self.requests.append((dict(request.headers), await request.body()))
            return await handler.handle(request)

        with serving(web, self._listener):
            yield app


@contextlib.contextmanager
def site_and_world(path: Path, signing_secret: str = SIGNING_SECRET) -> Iterator[tuple[Site, World]]:
    site = Site(socket.create_server(("127.0.0.1", 0)), signing_secret)
    with running_workspace(path, request_url=site.url) as world:
        yield site, world


def test_events_and_clicks_arrive_signed(tmp_path: Path) -> None:
    with site_and_world(tmp_path) as (site, world), site.serve(world) as app:
        clicks: list[Json] = []

        @app.event("app_mention")
        def ask(event: Json, say: Any) -> None:
            say(text="Sure?", blocks=[BUTTON], thread_ts=event["ts"])

        @app.action("ok")
        def sure(ack: Any, body: Json) -> None:
            ack()
            clicks.append(body)

        world.post(ANA, OPS, "@parley restart")
        asked = eventually(lambda: [message for message in world.messages(ANA, OPS) if message["blocks"]])
        assert world.click(ANA, OPS, asked[0]["ts"], "ok") == {"ok": True}
        assert clicks[0]["message"]["text"] == "Sure?"


def test_a_slash_command_arrives_as_a_form(tmp_path: Path) -> None:
    with site_and_world(tmp_path) as (site, world), site.serve(world) as app:

        @app.command("/parley")
        def command(ack: Any, command: Json) -> None:
            ack(f"You said {command['text']}.")

        assert world.do("command", user=ANA, channel=OPS, command="/parley", text="status & more") == {"ok": True}
        assert world.messages(ANA, OPS)[0]["text"] == "You said status & more."


def test_an_event_that_fails_is_tried_again_and_says_why(tmp_path: Path) -> None:
    with site_and_world(tmp_path) as (site, world), site.serve(world) as app:

        @app.event("message")
        def fail_once() -> None:
            if len(site.requests) == 1:
                raise RuntimeError("the store is away")

        world.post(ANA, OPS, "hello")
        eventually(lambda: len(site.requests) == 2 and not world.workspace.records.queued())
    (first, body), (second, same_body) = site.requests
    assert "x-slack-retry-num" not in first
    assert (second["x-slack-retry-num"], second["x-slack-retry-reason"]) == ("1", "http_error")
    assert body == same_body


def test_a_slow_app_is_told_again_after_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "ACK_SECONDS", 0.3)
    with site_and_world(tmp_path) as (site, world):
        # Nothing listens to the socket yet: the connection is accepted by the kernel and never answered.
        world.post(ANA, OPS, "hello")
        eventually(lambda: any(event.reason == "http_timeout" for event in world.workspace.records.queued()))
        with site.serve(world) as app:
            app.event("message")(lambda: None)
            eventually(lambda: not world.workspace.records.queued())


def test_an_app_that_wants_no_retry_gets_none(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    web = FastAPI()
    calls: list[int] = []

    @web.post("/slack/events")
    async def refuse() -> Response:
        calls.append(1)
        return Response(status_code=500, headers={"x-slack-no-retry": "1"})

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    with serving(web, listener), running_workspace(tmp_path, request_url=url) as world:
        world.post(ANA, OPS, "hello")
        eventually(lambda: calls and not world.workspace.records.queued())
    assert calls == [1]


def test_a_signature_made_with_another_secret_is_refused(tmp_path: Path) -> None:
    with site_and_world(tmp_path, signing_secret="another") as (site, world), site.serve(world) as app:
        heard: list[Json] = []
        app.event("message")(lambda body: heard.append(body))
        world.post(ANA, OPS, "hello")
        eventually(lambda: any(event.reason == "http_error" for event in world.workspace.records.queued()))
        assert not heard


def test_a_request_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    with site_and_world(tmp_path) as (site, world), site.serve(world):
        forged = urllib.request.Request(site.url, b'{"type": "event_callback"}', {"content-type": "application/json"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(forged, timeout=5)
