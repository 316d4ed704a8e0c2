"""The recorded payloads and the sandbox agree: a translator that passes on one meets the same shapes from the other."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_bolt.request.payload_utils import is_event

from channels.sandbox.slack import Workspace
from channels.sandbox.slack.interactivity import Interactivity
from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import ANA, APP_TOKEN, BEN, BOT_TOKEN, CHANNELS, OPS, PARLEY, SIGNING_SECRET, USERS

RECORDED = Path(__file__).parent.parent / "payloads" / "slack"

# Slack's own that the sandbox leaves out: the client's formatted copy of a text, and what only other teams' people bring.
LEFT_OUT = {
    "blocks",
    "source_team",
    "user_team",
    "context",
    "verbatim",
    "emoji",
    "dispatch_action",
    "optional",
    "inviter",
}

VIEW_ARGUMENTS = {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "notify_on_close"}


def recorded(name: str) -> Json:
    body: Json = json.loads((RECORDED / f"{name}.json").read_text())
    return body


class Wire:
    """A line to no app: it keeps what was sent last and acknowledges it."""

    is_open = True

    def __init__(self) -> None:
        self.sent: Json = {}

    async def carry(self, kind: str, payload: Json, *, tries: int = 0, reason: str = "") -> Json:
        self.sent = payload
        return {}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(
        tmp_path,
        users=USERS,
        channels=CHANNELS,
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        signing_secret=SIGNING_SECRET,
    )
    yield workspace
    workspace.records.close()


def told(workspace: Workspace, kind: str, subtype: str | None = None) -> Json:
    """The newest event of this kind on its way to the app."""
    found = [
        event.payload
        for event in workspace.records.queued()
        if event.payload["event"]["type"] == kind and event.payload["event"].get("subtype") == subtype
    ]
    return found[-1]


def missing(expected: Json, got: Json) -> set[str]:
    """The keys of the recorded shape that the sandbox's does not have, at any depth."""
    lacking = {key for key in expected if key not in got} - LEFT_OUT
    for key, value in expected.items():
        if isinstance(value, dict) and isinstance(got.get(key), dict):
            lacking |= {f"{key}.{inner}" for inner in missing(value, got[key])}
    return lacking


def test_events_have_the_recorded_shape(workspace: Workspace) -> None:
    ts = workspace.post(ANA, OPS, "@parley hello")["ts"]
    assert missing(recorded("app_mention"), told(workspace, "app_mention")) == set()
    assert missing(recorded("message_mention"), told(workspace, "message")) == set()
    reply = workspace.post(BEN, OPS, "4392", ts)["ts"]
    assert missing(recorded("message_thread"), told(workspace, "message")) == set()
    workspace.edit(BEN, OPS, reply, "4417")
    assert missing(recorded("message_changed"), told(workspace, "message", "message_changed")) == set()
    workspace.delete(ANA, OPS, ts)
    assert missing(recorded("message_tombstone"), told(workspace, "message", "message_changed")) == set()
    workspace.react(BEN, OPS, reply, "eyes")
    assert missing(recorded("reaction_added"), told(workspace, "reaction_added")) == set()
    workspace.delete(BEN, OPS, reply)
    assert missing(recorded("message_deleted"), told(workspace, "message", "message_deleted")) == set()
    workspace.stop(ANA, OPS, ts)
    assert missing(recorded("agent_session_stopped"), told(workspace, "agent_session_stopped")) == set()
    channel = workspace.dm(ANA, PARLEY)["channel"]
    assert missing(recorded("app_home_opened"), told(workspace, "app_home_opened")) == set()
    workspace.post(ANA, channel, "hello")
    assert missing(recorded("message_im"), told(workspace, "message")) == set()


def test_interactions_have_the_recorded_shape(workspace: Workspace) -> None:
    wire = Wire()
    people = Interactivity(
        workspace.conversations, workspace.views, workspace.response_urls, workspace.app, wire, "http://127.0.0.1"
    )
    ana, card = workspace.user(ANA), recorded("block_actions_approve")
    root = workspace.post(ANA, OPS, "@parley restart")["ts"]
    asked = workspace.conversations.say(
        OPS,
        workspace.app.as_user(),
        "Approval needed",
        thread_ts=root,
        **{k: card["message"][k] for k in ("blocks", "metadata")},
    )
    asyncio.run(people.click(ana, OPS, asked["ts"], "q7f3", "ch:approve"))
    assert missing(card, wire.sent) == set()
    assert {**wire.sent["actions"][0], "action_ts": ""} == {**card["actions"][0], "action_ts": ""}

    view = recorded("view_submission_deny")["view"] | {"notify_on_close": True}
    opened = workspace.views.open(ANA, {key: value for key, value in view.items() if key in VIEW_ARGUMENTS})
    asyncio.run(people.submit(ana, opened["id"], view["state"]["values"]))
    assert missing(recorded("view_submission_deny"), wire.sent) == set()
    assert wire.sent["view"]["state"] == view["state"]
    opened = workspace.views.open(ANA, {key: value for key, value in view.items() if key in VIEW_ARGUMENTS})
    asyncio.run(people.close(ana, opened["id"]))
    assert missing(recorded("view_closed"), wire.sent) == set()

    asyncio.run(people.command(ana, OPS, "/parley", "what is waiting?"))
    assert missing(recorded("slash_command"), wire.sent) == set()
    asyncio.run(people.shortcut(ana, OPS, root, "ask_parley"))
    assert missing(recorded("message_shortcut"), wire.sent) == set()


def test_every_recorded_event_is_one_to_bolt() -> None:
    interactive = {"block_actions", "view_submission", "view_closed", "message_action", "app_rate_limited", None}
    for path in RECORDED.glob("*.json"):
        body = json.loads(path.read_text())
        assert is_event(body) or body.get("type") in interactive, path.name
