"""slack-bolt, unchanged, on the sandbox's Socket Mode."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.sandbox.slack import link
from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import (
    ANA,
    APP_TOKEN,
    BEN,
    BOT_TOKEN,
    GENERAL,
    OPS,
    PARLEY,
    World,
    bolt_app,
    connected,
    eventually,
    heard,
    running_workspace,
)

APPROVE = {
    "type": "actions",
    "block_id": "decision",
    "elements": [
        {
            "type": "button",
            "action_id": "ch:approve",
            "text": {"type": "plain_text", "text": "Approve"},
            "value": "q1",
            "style": "primary",
        },
        {"type": "button", "action_id": "ch:deny", "text": {"type": "plain_text", "text": "Deny…"}, "value": "q1"},
    ],
}
REASON = {
    "type": "modal",
    "callback_id": "deny",
    "private_metadata": "q1",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Deny"},
    "submit": {"type": "plain_text", "text": "Deny"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


HANGING_APP = f"""
import sys, time
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

app = App(client=WebClient("{BOT_TOKEN}", base_url=sys.argv[1]), process_before_response=True)

@app.event("message")
def hang(say):
    say("got it")
    time.sleep(60)

SocketModeHandler(app, "{APP_TOKEN}").start()
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_workspace(tmp_path) as world:
        yield world


def ask_for_approval(world: World) -> str:
    return str(world.client().chat_postMessage(channel=OPS, text="Restart?", blocks=[APPROVE])["ts"])


def test_a_mention_is_answered_in_its_thread(world: World) -> None:
    app = bolt_app(world)

    @app.event("app_mention")
    def answer(event: Json, say: Any) -> None:
        say(text="At once.", thread_ts=event["ts"])

    with connected(app):
        ts = world.post(ANA, OPS, "@parley restart the api on staging")
        said = eventually(lambda: [m for m in world.messages(ANA, OPS) if m["bot_id"]])
    assert said[0]["text"] == "At once."
    assert said[0]["thread_ts"] == ts
    parent = world.messages(ANA, OPS)[0]
    assert parent["text"] == f"<@{PARLEY}> restart the api on staging"
    assert parent["reply_count"] == 1


def test_a_mention_in_a_channel_arrives_twice_under_two_event_ids(world: World) -> None:
    app = bolt_app(world)
    mentions, messages = heard(app, "app_mention"), heard(app, "message")
    with connected(app):
        ts = world.post(ANA, OPS, "hello @Parley")
        eventually(lambda: mentions and messages)
    assert mentions[0]["event"]["ts"] == messages[0]["event"]["ts"] == ts
    assert mentions[0]["event_id"] != messages[0]["event_id"]
    assert messages[0]["event"]["channel_type"] == "channel"
    assert messages[0]["authorizations"][0]["user_id"] == PARLEY


def test_a_direct_message_opens_the_messages_tab_and_arrives_once(world: World) -> None:
    app = bolt_app(world)
    mentions, messages, opened = heard(app, "app_mention"), heard(app, "message"), heard(app, "app_home_opened")
    with connected(app):
        channel = world.do("dm", **{"user": ANA, "with": PARLEY})["channel"]
        world.post(ANA, channel, "@parley hello")
        eventually(lambda: messages and opened)
    assert opened[0]["event"]["tab"] == "messages"
    assert messages[0]["event"]["channel_type"] == "im"
    assert not mentions


def test_edits_deletions_replies_and_reactions_are_told(world: World) -> None:
    app = bolt_app(world)
    messages, reactions = heard(app, "message"), heard(app, "reaction_added")
    with connected(app):
        ts = world.post(ANA, OPS, "one")
        reply = world.post(BEN, OPS, "two", thread_ts=ts)
        world.do("edit", user=BEN, channel=OPS, ts=reply, text="three")
        world.do("react", user=ANA, channel=OPS, ts=reply, name="eyes")
        world.do("delete", user=BEN, channel=OPS, ts=reply)
        eventually(lambda: len(messages) == 4 and reactions)
    by_kind = {body["event"].get("subtype", body["event"].get("thread_ts")): body["event"] for body in messages}
    assert by_kind[ts]["parent_user_id"] == ANA
    assert by_kind["message_changed"]["message"]["text"] == "three"
    assert by_kind["message_changed"]["previous_message"]["text"] == "two"
    assert by_kind["message_deleted"]["deleted_ts"] == reply
    assert reactions[0]["event"]["item"] == {"type": "message", "channel": OPS, "ts": reply}


def test_what_is_said_where_the_app_is_not_never_reaches_it(world: World) -> None:
    app = bolt_app(world)
    messages = heard(app, "message")
    with connected(app):
        private = world.do("dm", **{"user": ANA, "with": BEN})["channel"]
        world.post(ANA, private, "between us")
        world.post(ANA, OPS, "for all")
        eventually(lambda: messages)
    assert [body["event"]["text"] for body in messages] == ["for all"]


def test_a_click_is_acknowledged_and_the_message_updated(world: World) -> None:
    app = bolt_app(world)
    clicks: list[Json] = []

    @app.action("ch:approve")
    def approve(ack: Any, body: Json, client: Any) -> None:
        ack()
        clicks.append(body)
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="Approved", blocks=[])

    with connected(app):
        ts = ask_for_approval(world)
        assert world.click(ANA, OPS, ts, "ch:approve") == {"ok": True}
    (body,) = clicks
    assert body["user"]["id"] == ANA
    assert body["actions"][0] | {"action_ts": ""} == {
        "action_id": "ch:approve",
        "block_id": "decision",
        "type": "button",
        "text": {"type": "plain_text", "text": "Approve"},
        "value": "q1",
        "style": "primary",
        "action_ts": "",
    }
    assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": OPS, "is_ephemeral": False}
    (message,) = world.messages(ANA, OPS)
    assert (message["text"], message["blocks"]) == ("Approved", [])


def test_a_click_nobody_acknowledges_fails_and_is_not_sent_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ACK_SECONDS", 0.5)
    ts = ask_for_approval(world)
    answer = world.click(ANA, OPS, ts, "ch:approve")
    assert not answer["ok"]
    app = bolt_app(world)
    clicks: list[Json] = []

    @app.action("ch:approve")
    def approve(ack: Any, body: Json) -> None:
        clicks.append(body)

    with connected(app):
        messages = heard(app, "message")
        assert not world.click(ANA, OPS, ts, "ch:approve")["ok"]
        world.post(ANA, OPS, "later")
        eventually(lambda: messages)
    assert len(clicks) == 1


def test_respond_whispers_to_the_clicker_five_times(world: World) -> None:
    app = bolt_app(world)
    answers: list[int] = []

    @app.action("ch:deny")
    def deny(ack: Any, respond: Any) -> None:
        ack()
        answers.extend(respond("Only ops can decide this.", replace_original=False).status_code for _ in range(6))

    with connected(app):
        ts = ask_for_approval(world)
        world.click(BEN, OPS, ts, "ch:deny")
        eventually(lambda: len(answers) == 6)
    assert answers == [200, 200, 200, 200, 200, 404]
    whispers = [message for message in world.messages(BEN, OPS) if message["ephemeral"]]
    assert {whisper["text"] for whisper in whispers} == {"Only ops can decide this."}
    assert len(world.messages(ANA, OPS)) == 1


def test_a_modal_is_opened_corrected_and_submitted(world: World) -> None:
    app = bolt_app(world)
    reasons: list[str] = []

    @app.action("ch:deny")
    def open_modal(ack: Any, body: Json, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @app.view("deny")
    def deny(ack: Any, view: Json) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if len(reason) < 5:
            ack(response_action="errors", errors={"reason": "Say a little more."})
        else:
            reasons.append(f"{view['private_metadata']}: {reason}")
            ack()

    with connected(app):
        world.click(ANA, OPS, ask_for_approval(world), "ch:deny")
        (view,) = world.get("modals", user=ANA)

        def submit(text: str | None) -> Json:
            return world.do("submit", user=ANA, view_id=view["id"], values={"reason": {"text": {"value": text}}})

        assert submit(None)["errors"] == {"reason": "Please complete this required field."}
        assert submit("no") == {"ok": False, "errors": {"reason": "Say a little more."}}
        assert submit("wait for the backup") == {"ok": True}
    assert reasons == ["q1: wait for the backup"]
    assert world.get("modals", user=ANA) == []


def test_a_modal_that_is_closed_says_so_and_a_submission_may_replace_it(world: World) -> None:
    app = bolt_app(world)
    closed: list[Json] = []

    @app.action("ch:deny")
    def open_modal(ack: Any, body: Json, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @app.view("deny")
    def deny(ack: Any) -> None:
        ack(response_action="update", view=REASON | {"callback_id": "sure", "title": "Sure?"})

    @app.view_closed("sure")
    def note(ack: Any, body: Json) -> None:
        ack()
        closed.append(body)

    with connected(app):
        world.click(ANA, OPS, ask_for_approval(world), "ch:deny")
        (view,) = world.get("modals", user=ANA)
        world.do("submit", user=ANA, view_id=view["id"], values={"reason": {"text": {"value": "no"}}})
        (replaced,) = world.get("modals", user=ANA)
        assert (replaced["id"], replaced["callback_id"]) == (view["id"], "sure")
        world.do("close", user=ANA, view_id=view["id"])
    assert closed[0]["view"]["callback_id"] == "sure"


def test_a_slash_command_and_a_message_shortcut_reach_their_listeners(world: World) -> None:
    app = bolt_app(world)
    used: list[str] = []

    @app.command("/parley")
    def command(ack: Any, command: Json) -> None:
        used.append(command["text"])
        ack("Looking.")

    @app.shortcut("ask_parley")
    def shortcut(ack: Any, shortcut: Json) -> None:
        used.append(shortcut["message"]["text"])
        ack()

    with connected(app):
        ts = world.post(ANA, OPS, "the api is slow")
        assert world.do("command", user=ANA, channel=OPS, command="/parley", text="status")["ok"]
        assert world.do("shortcut", user=ANA, channel=OPS, ts=ts, callback_id="ask_parley")["ok"]
    assert used == ["status", "the api is slow"]
    assert [m["text"] for m in world.messages(ANA, OPS) if m["ephemeral"]] == ["Looking."]


def test_an_event_that_is_not_acknowledged_comes_again_with_the_same_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ACK_SECONDS", 0.5)
    app = bolt_app(world)
    tries: list[tuple[str, str, str]] = []

    @app.event("message")
    def fail_once(body: Json, request: Any) -> None:
        headers = request.headers
        tries.append((body["event_id"], headers["x-slack-retry-num"][0], headers.get("x-slack-retry-reason", [""])[0]))
        if len(tries) == 1:
            raise RuntimeError("the store is away")

    with connected(app):
        world.post(ANA, OPS, "hello")
        eventually(lambda: len(tries) == 2 and not world.workspace.records.queued())
    (first, *_), (second, number, reason) = tries
    assert first == second
    assert (number, reason) == ("1", "timeout")


def test_an_event_whose_socket_dies_is_delivered_to_the_next(world: World) -> None:
    """A process that is killed while it handles an event leaves it to its successor."""
    with subprocess.Popen([sys.executable, "-c", HANGING_APP, world.api_url], stderr=subprocess.DEVNULL) as killed:
        try:
            world.post(ANA, OPS, "hello")
            eventually(lambda: len(world.messages(ANA, OPS)) == 2)
        finally:
            killed.kill()
    app = bolt_app(world)
    messages = heard(app, "message")
    with connected(app):
        eventually(lambda: messages)
    assert messages[0]["event"]["text"] == "hello"


def test_what_is_said_while_no_app_is_connected_waits(world: World) -> None:
    world.post(ANA, OPS, "one")
    world.post(ANA, GENERAL, "two")
    app = bolt_app(world)
    messages = heard(app, "message")
    with connected(app):
        eventually(lambda: len(messages) == 2)
    assert {body["event"]["text"] for body in messages} == {"one", "two"}


def test_a_restart_keeps_the_conversation_and_what_is_undelivered(tmp_path: Path) -> None:
    with running_workspace(tmp_path) as world:
        ts = world.post(ANA, OPS, "before")
        port = int(world.url.rpartition(":")[2])
    with running_workspace(tmp_path, port=port) as world:
        app = bolt_app(world)
        messages = heard(app, "message")
        with connected(app):
            after = world.post(ANA, OPS, "after", thread_ts=ts)
            eventually(lambda: len(messages) == 2)
        assert [message["text"] for message in world.messages(ANA, OPS)] == ["before", "after"]
    assert after > ts
    assert {body["event"]["text"] for body in messages} == {"before", "after"}


def test_two_sockets_share_the_load(world: World) -> None:
    one, other = bolt_app(world), bolt_app(world)
    first, second = heard(one, "message"), heard(other, "message")
    with connected(one), connected(other):
        for number in range(4):
            world.post(ANA, OPS, str(number))
        eventually(lambda: len(first) + len(second) == 4)
    assert len(first) == len(second) == 2


def test_an_app_asked_to_reconnect_comes_back_by_itself(world: World) -> None:
    app = bolt_app(world)
    messages = heard(app, "message")
    with connected(app) as handler:
        old = handler.client.session_id()
        world.on_server(world.workspace.link.disconnect())
        eventually(lambda: handler.client.session_id() != old)
        world.post(ANA, OPS, "still there?")
        eventually(lambda: messages)
