"""What holds for Slack's events whichever way they come, by Socket Mode or over HTTP."""

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from slack_sdk.signature import SignatureVerifier

from bot.events import MessageReceived
from channels.sandbox.slack.errors import Unacknowledged
from channels.slack import ticket
from channels.slack.http import http_app
from tests.sandbox.slackside import ANA, OPS, SAM, SIGNING_SECRET, eventually, running_workspace, serving
from tests.slack.desk import Desk, FlakyStore, listening, settings
from tests.slack.team import TEAM, T, approval, payload


@contextlib.contextmanager
def by_socket(path: Path) -> Iterator[Desk]:
    store = FlakyStore()
    with running_workspace(path) as world, listening(settings(world), store):
        eventually(lambda: world.workspace.link.is_open)
        yield Desk(world, store)


@contextlib.contextmanager
def by_http(path: Path) -> Iterator[Desk]:
    listener, store = socket.create_server(("127.0.0.1", 0)), FlakyStore()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    with running_workspace(path, request_url=url) as world:
        app = FastAPI()
        app.include_router(http_app(settings(world), TEAM, store))
        with serving(app, listener):
            yield Desk(world, store)


WAYS = {"socket": by_socket, "http": by_http}


@pytest.fixture(scope="module", params=WAYS)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with WAYS[request.param](tmp_path_factory.mktemp("slack")) as desk:
        yield desk


def carried(desk: Desk, body: dict[str, Any], *, tries: int = 0, reason: str = "") -> bool:
    """Hand this over as Slack does; whether it was acknowledged."""
    workspace = desk.world.workspace
    try:
        desk.world.on_server(workspace.line.carry("events_api", body, tries=tries, reason=reason))
    except Unacknowledged:
        return False
    return True


def mention(number: int, event: int | None = None) -> dict[str, Any]:
    return payload("app_mention", ts=f"1764070000.{number:06}") | {"event_id": f"Ev{event or number}"}


def said(desk: Desk, number: int) -> int:
    """How often the mention of this number is on record."""
    id = f"slack:{T}/{OPS}/1764070000.{number:06}"
    return sum(event.id == id for log in desk.store.logs.values() for event in log)


def test_what_comes_again_under_the_same_id_is_acknowledged_and_written_down_once(desk: Desk) -> None:
    assert all(carried(desk, mention(1), tries=tries) for tries in (0, 1, 2))
    assert said(desk, 1) == 1


def test_the_same_message_under_another_id_is_written_down_once(desk: Desk) -> None:
    assert carried(desk, mention(2))
    assert carried(desk, mention(2, event=902))
    twin = payload("message_mention", ts="1764070000.000002") | {"event_id": "Ev903"}
    assert carried(desk, twin)
    assert said(desk, 2) == 1


@pytest.mark.parametrize("reason", ["http_timeout", "http_error", "timeout", "too_many_redirects", "anything"])
def test_a_retry_that_is_the_first_to_arrive_is_not_dropped(desk: Desk, reason: str) -> None:
    number = 10 + len(reason)
    assert carried(desk, mention(number), tries=3, reason=reason)
    assert said(desk, number) == 1


def test_nothing_is_acknowledged_that_is_not_written_down(desk: Desk) -> None:
    desk.store.away = True
    try:
        assert not carried(desk, mention(3))
    finally:
        desk.store.away = False
    assert said(desk, 3) == 0
    assert carried(desk, mention(3), tries=1)
    assert said(desk, 3) == 1


@pytest.mark.parametrize(
    "name",
    [
        "app_rate_limited",
        "unknown_event",
        "reaction_added",
        "member_joined_channel",
        "bot_message",
        "message_other_app",
        "app_home_opened",
    ],
)
def test_what_no_thread_should_know_is_acknowledged_and_leaves_no_trace(desk: Desk, name: str) -> None:
    before = {id: len(log) for id, log in desk.store.logs.items()}
    assert carried(desk, payload(name))
    assert {id: len(log) for id, log in desk.store.logs.items()} == before


def test_our_own_messages_are_not_heard(desk: Desk) -> None:
    ts = desk.world.post(ANA, OPS, "@parley hello")
    thread = desk.thread_at(OPS, ts)
    desk.world.client().chat_postMessage(channel=OPS, thread_ts=ts, text="<@U00PARLEY> hello yourself")
    desk.settle()
    assert len([each for each in desk.load(thread.id).events if isinstance(each, MessageReceived)]) == 1


def test_while_slack_throttles_us_clicks_are_answered_at_once(desk: Desk) -> None:
    ts = desk.world.post(ANA, OPS, "@parley restart the api")
    thread = desk.thread_at(OPS, ts)
    channel, card = desk.post(thread, *approval(interaction=f"{thread.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",)))
    for method in ("chat.postEphemeral", "chat.update", "users.info", "views.open"):
        desk.world.workspace.faults.rate_limit(method, retry_after=30, times=3)
    began = time.monotonic()
    assert desk.world.click(SAM, channel, card, ticket.APPROVE)["ok"]
    assert desk.world.click(ANA, channel, card, ticket.APPROVE)["ok"]
    assert time.monotonic() - began < 6  # and not the thirty seconds that Slack asks us to wait
    assert len(desk.responses(thread)) == 2


def test_a_name_that_slack_does_not_tell_now_delays_the_event_and_does_not_lose_it(tmp_path: Path) -> None:
    for way in WAYS.values():
        with way(tmp_path / way.__name__) as fresh:
            fresh.world.workspace.faults.rate_limit("conversations.info", retry_after=30)
            assert not carried(fresh, mention(4))
            assert carried(fresh, mention(4), tries=1)
            assert said(fresh, 4) == 1


def test_two_processes_share_the_sockets_and_a_message_is_heard_once(tmp_path: Path) -> None:
    store = FlakyStore()
    with running_workspace(tmp_path) as world, listening(settings(world), store), listening(settings(world), store):
        eventually(lambda: len(world.workspace.link._sockets) == 2)
        here = Desk(world, store)
        stamps = [world.post(ANA, OPS, f"@parley {number}") for number in range(8)]
        threads = {here.thread_at(OPS, ts).id for ts in stamps}
        here.settle()
        assert len(threads) == len(store.logs) == 8
        assert all(len(log) == 1 for log in store.logs.values())


def test_one_of_two_processes_may_end_and_nothing_is_lost(tmp_path: Path) -> None:
    store = FlakyStore()
    with running_workspace(tmp_path) as world, listening(settings(world), store):
        here = Desk(world, store)
        with listening(settings(world), store):
            eventually(lambda: len(world.workspace.link._sockets) == 2)
            stamps = [world.post(ANA, OPS, f"@parley {number}") for number in range(6)]
        stamps += [world.post(ANA, OPS, f"@parley {number} again") for number in range(3)]
        assert len({here.thread_at(OPS, ts).id for ts in stamps}) == 9
        here.settle()
        assert all(len(log) == 1 for log in store.logs.values())


def test_what_nobody_signed_gets_nowhere(tmp_path: Path) -> None:
    with by_http(tmp_path) as here:
        url = here.world.workspace.line._request_url  # type: ignore[attr-defined]
        body = json.dumps(mention(5)).encode()
        at = str(int(time.time()))
        forged = SignatureVerifier("guessed").generate_signature(timestamp=at, body=body) or ""
        for headers in ({}, {"x-slack-request-timestamp": at, "x-slack-signature": forged}):
            assert refused(url, body, headers) == 401
        assert not here.store.logs
        signed = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=body) or ""
        assert refused(url, body, {"x-slack-request-timestamp": at, "x-slack-signature": signed}) == 200


def refused(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
