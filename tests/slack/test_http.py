"""The request URL: what is signed is taken, what is not is refused, and nothing is acknowledged before it is written down."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from slack_sdk.signature import SignatureVerifier

from bot.events import HumanResponded
from bot.people import Team
from bot.settings import SettingsError
from channels.slack import ticket
from channels.slack.channel import slack_channel
from channels.slack.http import http_app
from tests.sandbox.slackside import ANA, OPS, SIGNING_SECRET, World, running_workspace, serving
from tests.slack.desk import Desk, FlakyStore, settings
from tests.slack.team import TEAM, T, approval, payload


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    with running_workspace(tmp_path_factory.mktemp("slack"), request_url=url) as world:
        app, store = FastAPI(), FlakyStore()
        app.include_router(http_app(settings(world), TEAM, store))
        with serving(app, listener):
            yield At(url, world, store)


class At(Desk):
    def __init__(self, url: str, world: World, store: FlakyStore) -> None:
        super().__init__(world, store)
        self.url = url
        self.channel = slack_channel(settings(world), TEAM, store)

    def send(self, body: dict[str, Any], *, secret: str = SIGNING_SECRET, age: int = 0) -> int:
        """The status that a signed request gets."""
        content = json.dumps(body)
        at = str(int(time.time()) - age)
        signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=content) or ""
        headers = {"content-type": "application/json", "x-slack-request-timestamp": at, "x-slack-signature": signature}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.url, content.encode(), headers), timeout=5
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code


def mention(number: int) -> dict[str, Any]:
    return payload("app_mention", ts=f"1764064800.{number:06}") | {"event_id": f"Ev{number}"}


def test_a_conversation_over_http(desk: At) -> None:
    ts = desk.world.post(ANA, OPS, "@parley restart the api on production")
    thread = desk.thread_at(OPS, ts)
    card = approval(interaction=f"{thread.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",))
    channel, shown = desk.post(thread, *card)
    assert desk.world.click(ANA, channel, shown, ticket.APPROVE) == {"ok": True}
    (event,) = desk.responses(thread)
    assert isinstance(event, HumanResponded)
    assert event.decision == "approved"


def test_what_is_not_signed_by_slack_is_refused(desk: At) -> None:
    threads = dict(desk.store.logs)
    body = mention(9)
    assert desk.send(body, secret="another") == 401
    assert desk.send(body, age=301) == 401
    assert desk.store.logs == threads
    assert desk.send(body, age=290) == 200
    assert len(desk.store.logs) == len(threads) + 1


def test_a_retry_changes_nothing(desk: At) -> None:
    body = mention(10)
    assert [desk.send(body), desk.send(body), desk.send(payload("message_mention", ts="1764064800.000010"))] == [
        200
    ] * 3
    (event,) = desk.thread_at(OPS, "1764064800.000010").events
    assert event.id == f"slack:{T}/{OPS}/1764064800.000010"


def test_what_could_not_be_written_down_fails_so_that_slack_sends_it_again(desk: At) -> None:
    body = mention(11)
    desk.store.away = True
    try:
        assert desk.send(body) == 500
    finally:
        desk.store.away = False
    assert desk.send(body) == 200
    assert desk.thread_at(OPS, "1764064800.000011")


def test_while_slack_does_not_say_who_we_are_nothing_is_taken_and_nothing_lost(desk: At) -> None:
    fresh = FastAPI()
    listener = socket.create_server(("127.0.0.1", 0))
    fresh.include_router(http_app(settings(desk.world), TEAM, desk.store))
    other = At(f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events", desk.world, desk.store)
    body = mention(12)
    desk.world.workspace.faults.fail("auth.test")
    with serving(fresh, listener):
        assert other.send(body) == 500
        assert other.send(body) == 200


@pytest.mark.parametrize(
    "name", ["app_rate_limited", "unknown_event", "message_shortcut", "view_closed", "bot_message"]
)
def test_everything_else_is_acknowledged(desk: At, name: str) -> None:
    assert desk.send(payload(name)) == 200


def test_slack_s_first_question_is_answered(desk: At) -> None:
    assert desk.send({"type": "url_verification", "challenge": "c", "token": "t"}) == 200


def test_a_variable_of_slack_s_own_libraries_changes_nothing(
    world_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "from the environment")
    assert http_app(world_settings, TEAM, FlakyStore()).routes


@pytest.fixture
def world_settings(desk: At) -> Any:
    return settings(desk.world)


def test_without_a_signing_secret_there_is_no_request_url(desk: At) -> None:
    with pytest.raises(SettingsError, match="SLACK_SIGNING_SECRET"):
        http_app(settings(desk.world, slack_signing_secret=""), Team(), FlakyStore())
