"""The sandbox's Web API, called by slack-sdk's own client."""

import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from channels.sandbox.slack import Channel, User, Workspace
from tests.sandbox.slackside import ANA, APP_TOKEN, BEN, GENERAL, OPS, PARLEY, SAM, SUPPORT, World, running_workspace

METADATA = {"event_type": "contact_human", "event_payload": {"id": "i1"}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        yield world


@pytest.fixture
def client(world: World) -> WebClient:
    return world.client()


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


def test_the_token_says_who_one_is(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (PARLEY, "B00PARLEY", "T0SANDBOX")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_tokens_are_checked(world: World) -> None:
    assert refusal(lambda: world.client("xoxb-other").auth_test()) == "invalid_auth"
    assert refusal(lambda: WebClient(base_url=world.api_url).auth_test()) == "not_authed"
    assert refusal(lambda: world.client(APP_TOKEN).auth_test()) == "not_allowed_token_type"
    assert refusal(lambda: world.client().apps_connections_open(app_token="xoxb-sandbox")) == "not_allowed_token_type"
    assert refusal(lambda: world.client().api_call("chat.fly")) == "unknown_method"


def test_a_post_comes_back_with_its_metadata_only_where_that_is_asked_for(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=GENERAL, text="root")["ts"]
    client.chat_postMessage(channel=GENERAL, text="card", thread_ts=ts, metadata=METADATA)
    plain = client.conversations_replies(channel=GENERAL, ts=ts)["messages"]
    full = client.conversations_replies(channel=GENERAL, ts=ts, include_all_metadata=True)["messages"]
    assert [message["text"] for message in plain] == ["root", "card"]
    assert "metadata" not in plain[1]
    assert full[1]["metadata"] == METADATA
    assert full[0]["reply_count"] == 1


def test_history_is_newest_first_without_replies_and_paged(client: WebClient) -> None:
    first = client.chat_postMessage(channel=SUPPORT, text="1")["ts"]
    client.chat_postMessage(channel=SUPPORT, text="reply", thread_ts=first)
    client.chat_postMessage(channel=SUPPORT, text="2")
    pages = client.conversations_history(channel=SUPPORT, limit=1, oldest=first, inclusive=True)
    assert [page["messages"][0]["text"] for page in pages] == ["2", "1"]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")
@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        ("channel_not_found", {"channel": "C0NOWHERE", "text": "x"}),
        ("no_text", {"channel": OPS}),
        ("no_text", {"channel": OPS, "text": " "}),
        ("invalid_thread_ts", {"channel": OPS, "text": "x", "thread_ts": ""}),
        ("invalid_thread_ts", {"channel": OPS, "text": "x", "thread_ts": "yesterday"}),
        ("thread_not_found", {"channel": OPS, "text": "x", "thread_ts": "1700000000.000001"}),
        ("markdown_text_conflict", {"channel": OPS, "text": "x", "markdown_text": "*x*"}),
        ("msg_too_long", {"channel": OPS, "markdown_text": "x" * 12_001}),
        ("invalid_blocks_format", {"channel": OPS, "text": "x", "blocks": "no json"}),
        ("invalid_blocks", {"channel": OPS, "text": "x", "blocks": [{"type": "poem"}]}),
        ("invalid_metadata_schema", {"channel": OPS, "text": "x", "metadata": {"id": "1"}}),
    ],
)
def test_a_bad_post_is_refused_by_slacks_name(client: WebClient, error: str, arguments: dict[str, Any]) -> None:
    assert refusal(lambda: client.chat_postMessage(**arguments)) == error


def test_an_update_over_4000_characters_is_refused_and_a_post_over_40000_is_cut(client: WebClient) -> None:
    posted = client.chat_postMessage(channel=OPS, text="x" * 40_001)
    assert posted["warning"] == "message_truncated"
    assert len(posted["message"]["text"]) == 40_000
    assert refusal(lambda: client.chat_update(channel=OPS, ts=posted["ts"], text="x" * 4_001)) == "msg_too_long"


def test_an_update_with_text_alone_keeps_the_buttons(client: WebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "card"}}
    ts = client.chat_postMessage(channel=OPS, text="card", blocks=[section])["ts"]
    assert client.chat_update(channel=OPS, ts=ts, text="changed")["message"]["blocks"][0]["text"]["text"] == "card"
    assert client.chat_update(channel=OPS, ts=ts, text="changed", blocks=[])["message"]["blocks"] == []


def test_only_its_own_messages_can_be_changed_or_deleted(world: World, client: WebClient) -> None:
    ts = world.post(ANA, OPS, "mine")
    assert refusal(lambda: client.chat_update(channel=OPS, ts=ts, text="yours")) == "cant_update_message"
    assert refusal(lambda: client.chat_delete(channel=OPS, ts=ts)) == "cant_delete_message"
    assert refusal(lambda: client.chat_delete(channel=OPS, ts="1.2")) == "message_not_found"


def test_an_ephemeral_is_seen_by_one_person_and_by_no_history(world: World, client: WebClient) -> None:
    client.chat_postEphemeral(channel=OPS, user=BEN, text="only you")
    assert "only you" in [message["text"] for message in world.messages(BEN, OPS)]
    assert "only you" not in [message["text"] for message in world.messages(ANA, OPS)]
    assert "only you" not in [m["text"] for m in client.conversations_history(channel=OPS)["messages"]]


def test_a_deleted_parent_leaves_a_tombstone(world: World, client: WebClient) -> None:
    ts = world.post(ANA, GENERAL, "parent")
    world.post(BEN, GENERAL, "reply", thread_ts=ts)
    world.do("delete", user=ANA, channel=GENERAL, ts=ts)
    parent, reply = client.conversations_replies(channel=GENERAL, ts=ts)["messages"]
    assert (parent["subtype"], reply["text"]) == ("tombstone", "reply")


def test_reactions_are_added_once_and_removed_once(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=OPS, text="x")["ts"]
    client.reactions_add(channel=OPS, timestamp=ts, name="eyes")
    assert refusal(lambda: client.reactions_add(channel=OPS, timestamp=ts, name="eyes")) == "already_reacted"
    client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")
    assert refusal(lambda: client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")) == "no_reaction"


def test_people_and_places_can_be_looked_up(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="Ana@example.com")["user"]["id"] == ANA
    assert client.users_info(user=SAM)["user"]["real_name"] == "Sam Kowalski"
    assert refusal(lambda: client.users_info(user="U0NOBODY")) == "user_not_found"
    assert {user["id"] for user in client.users_list()["members"]} >= {ANA, BEN, PARLEY}
    names = [c["name"] for page in client.conversations_list(limit=2) for c in page["channels"]]
    assert names == ["general", "support", "ops"]
    assert client.conversations_info(channel=OPS)["channel"]["is_member"]
    assert ANA in client.conversations_members(channel=OPS)["members"]
    assert client.team_info()["team"]["id"] == "T0SANDBOX"
    assert client.bots_info(bot="B00PARLEY")["bot"]["user_id"] == PARLEY
    assert client.usergroups_list()["usergroups"] == []


def test_a_user_id_as_channel_means_the_direct_messages(world: World, client: WebClient) -> None:
    opened = client.conversations_open(users=ANA)["channel"]["id"]
    assert client.chat_postMessage(channel=ANA, text="hello")["channel"] == opened
    assert [message["text"] for message in world.messages(ANA, opened)] == ["hello"]


def test_a_status_goes_when_the_app_replies(world: World, client: WebClient) -> None:
    ts = world.post(ANA, SUPPORT, "hello")
    client.assistant_threads_setStatus(channel_id=SUPPORT, thread_ts=ts, status="searching the articles…")
    shown = world.get("messages", user=ANA, channel=SUPPORT)["statuses"]
    assert [(status["thread_ts"], status["status"]) for status in shown] == [(ts, "searching the articles…")]
    client.chat_postMessage(channel=SUPPORT, thread_ts=ts, text="found")
    assert world.get("messages", user=ANA, channel=SUPPORT)["statuses"] == []


def test_a_status_nobody_renews_goes_by_itself(
    world: World, client: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.sandbox.slack.statuses.STATUS_SECONDS", 0)
    ts = world.post(ANA, SUPPORT, "hello")
    client.assistant_threads_setStatus(channel_id=SUPPORT, thread_ts=ts, status="thinking…")
    assert world.get("messages", user=ANA, channel=SUPPORT)["statuses"] == []


def test_a_reply_to_a_reply_is_refused(world: World, client: WebClient) -> None:
    ts = world.post(ANA, OPS, "root")
    reply = world.post(BEN, OPS, "reply", thread_ts=ts)
    assert refusal(lambda: client.chat_postMessage(channel=OPS, text="x", thread_ts=reply)) == "cannot_reply_to_message"


def test_a_session_is_processing_until_it_is_said_otherwise(world: World, client: WebClient) -> None:
    ts = world.post(ANA, SUPPORT, "hello")
    client.agents_sessions_setStatus(channel_id=SUPPORT, thread_ts=ts, status="processing", title="Hello")
    client.agents_sessions_rename(channel_id=SUPPORT, thread_ts=ts, title="Greeting")
    (shown,) = world.get("messages", user=ANA, channel=SUPPORT)["statuses"]
    assert (shown["session"], shown["title"]) == ("processing", "Greeting")


def test_a_trigger_is_needed_to_open_a_modal(client: WebClient) -> None:
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "T"},
        "blocks": [{"type": "divider"}],
    }
    assert refusal(lambda: client.views_open(trigger_id="1.2.3", view=view)) == "invalid_trigger_id"


def test_a_trigger_lives_three_seconds_and_works_once(
    world: World, client: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    trigger = world.workspace.views.trigger(ANA)
    opened = client.views_open(trigger_id=trigger, view=view)["view"]
    assert refusal(lambda: client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    assert refusal(lambda: client.views_update(view_id=opened["id"], hash="old", view=view)) == "hash_conflict"
    monkeypatch.setattr("channels.sandbox.slack.modals.TRIGGER_SECONDS", 0)
    late = world.workspace.views.trigger(ANA)
    assert refusal(lambda: client.views_open(trigger_id=late, view=view)) == "expired_trigger_id"


def test_a_method_can_be_throttled_or_made_to_fail(world: World, client: WebClient) -> None:
    world.workspace.faults.rate_limit("chat.postMessage", retry_after=7)
    world.workspace.faults.fail("chat.postMessage")
    with pytest.raises(SlackApiError) as throttled:
        client.chat_postMessage(channel=OPS, text="x")
    assert (throttled.value.response.status_code, throttled.value.response.headers["retry-after"]) == (429, "7")
    with pytest.raises(SlackApiError) as failed:
        client.chat_postMessage(channel=OPS, text="x")
    assert failed.value.response.status_code == 500
    assert client.chat_postMessage(channel=OPS, text="x")["ok"]


def test_a_reply_that_is_lost_leaves_the_message_posted(world: World, client: WebClient) -> None:
    client.retry_handlers.clear()
    world.workspace.faults.lose_reply("chat.postMessage")
    with pytest.raises((http.client.HTTPException, OSError)):
        client.chat_postMessage(channel=OPS, text="did it arrive?", metadata=METADATA)
    history = client.conversations_history(channel=OPS, include_all_metadata=True)["messages"]
    assert [m["metadata"] for m in history if m["text"] == "did it arrive?"] == [METADATA]


def test_the_sdks_own_retry_after_a_lost_reply_posts_twice(world: World, client: WebClient) -> None:
    """As at Slack: who posts with the default retry handlers has two messages."""
    world.workspace.faults.lose_reply("chat.postMessage")
    client.chat_postMessage(channel=OPS, text="once, please")
    history = client.conversations_history(channel=OPS)["messages"]
    assert [message["text"] for message in history].count("once, please") == 2


def test_timestamps_only_grow(client: WebClient) -> None:
    posted = [client.chat_postMessage(channel=OPS, text="x")["ts"] for _ in range(20)]
    assert posted == sorted(set(posted))


def test_leaving_and_joining_decides_what_can_be_read(tmp_path: Path) -> None:
    workspace = Workspace(
        tmp_path,
        users=[User(ANA, "ana", "Ana Diaz")],
        channels=[Channel("C0PRIVATE", "private", members=(ANA,))],
        bot_token="xoxb",
        app_token="xapp",
        signing_secret="s",
    )
    workspace.post(ANA, "C0PRIVATE", "@parley nobody hears this")
    assert workspace.records.queued() == []
    workspace.conversations.join("C0PRIVATE", PARLEY)
    workspace.post(ANA, "C0PRIVATE", "but this")
    assert [event.payload["event"]["type"] for event in workspace.records.queued()] == [
        "member_joined_channel",
        "message",
    ]
