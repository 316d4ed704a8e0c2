"""Messages that grow: what slack-sdk streams is shown, and Slack ends it after a while whatever happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import Chunk, MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk

from tests.sandbox.slackside import ANA, OPS, World, running_workspace

MINE = {"recipient_team_id": "T0SANDBOX", "recipient_user_id": ANA}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        yield world


def begun(world: World, *chunks: Chunk, **more: Any) -> str:
    thread_ts = world.post(ANA, OPS, "hello")
    started = world.client().chat_startStream(channel=OPS, thread_ts=thread_ts, chunks=chunks, **{**MINE, **more})
    return str(started["ts"])


def shown(world: World, ts: str) -> dict[str, Any]:
    return next(message for message in world.messages(ANA, OPS) if message["ts"] == ts)


def test_a_stream_grows_and_ends(world: World) -> None:
    ts = begun(world, TaskUpdateChunk(id="1", title="Look", status="in_progress"))
    client = world.client()
    client.chat_appendStream(channel=OPS, ts=ts, markdown_text="It is ")
    client.chat_appendStream(
        channel=OPS,
        ts=ts,
        chunks=[TaskUpdateChunk(id="1", title="Looked", status="complete"), MarkdownTextChunk(text="well.")],
    )
    message = shown(world, ts)
    assert message["streaming"]
    assert [each.get("title") or each["text"] for each in message["blocks"]] == ["Looked", "It is well."]
    client.chat_stopStream(channel=OPS, ts=ts, markdown_text=" Bye.")
    assert (shown(world, ts)["text"], shown(world, ts)["streaming"]) == ("It is well. Bye.", False)
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        client.chat_stopStream(channel=OPS, ts=ts)


def test_a_plan_holds_its_tasks(world: World) -> None:
    task = TaskUpdateChunk(id="1", title="Look", status="pending")
    ts = begun(world, task, PlanUpdateChunk(title="Find out"), task_display_mode="plan")
    (plan,) = shown(world, ts)["blocks"]
    assert (plan["type"], plan["title"], plan["tasks"][0]["title"]) == ("plan", "Find out", "Look")


def test_slack_ends_a_stream_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.sandbox.slack.streams.STREAM_SECONDS", 0.0)
    ts = begun(world, MarkdownTextChunk(text="x"))
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        world.client().chat_appendStream(channel=OPS, ts=ts, markdown_text="y")
    assert shown(world, ts)["text"] == "x"


def test_the_stop_button_ends_the_streams_of_its_thread(world: World) -> None:
    ts = begun(world, MarkdownTextChunk(text="x"))
    world.do("stop", user=ANA, channel=OPS, thread_ts=shown(world, ts)["thread_ts"])
    assert not shown(world, ts)["streaming"]
    assert world.workspace.records.queued()[-1].payload["event"]["streaming_message_ts"] == [ts]


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"recipient_user_id": None}, "missing_recipient_user_id"),
        ({"thread_ts": "1764064800.000001"}, "thread_not_found"),
        ({"task_display_mode": "grid"}, "invalid_arguments"),
        ({"chunks": [{"type": "task_update", "id": "1", "title": "Look", "status": "soon"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "surprise"}]}, "invalid_chunks"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
    ],
)
def test_what_slack_refuses(world: World, more: dict[str, Any], refusal: str) -> None:
    thread_ts = world.post(ANA, OPS, "hello")
    with pytest.raises(SlackApiError, match=refusal):
        world.client().chat_startStream(**{"channel": OPS, "thread_ts": thread_ts, **MINE, **more})
