"""What the page shows of the workspace, and who may do what there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sandbox.slack import Channel, User, Workspace
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import ANA, APP_TOKEN, BEN, BOT_TOKEN, CHANNELS, OPS, PARLEY, SIGNING_SECRET, USERS


def opened(path: Path, users: tuple[User, ...] = USERS, channels: tuple[Channel, ...] = CHANNELS) -> Workspace:
    return Workspace(
        path, users=users, channels=channels, bot_token=BOT_TOKEN, app_token=APP_TOKEN, signing_secret=SIGNING_SECRET
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = opened(tmp_path)
    yield workspace
    workspace.records.close()


def channel(workspace: Workspace, user: str, name: str) -> Json:
    listed: list[Json] = workspace.state(user)["channels"]
    return next(channel for channel in listed if channel["name"] == name)


def test_what_others_said_is_unread_until_it_was_seen(workspace: Workspace) -> None:
    ts = workspace.post(ANA, OPS, "hello")["ts"]
    assert channel(workspace, BEN, "ops")["unread"] == 1
    assert channel(workspace, ANA, "ops")["unread"] == 0
    workspace.seen(BEN, OPS, ts)
    assert channel(workspace, BEN, "ops")["unread"] == 0


def test_a_direct_message_is_listed_under_the_other_persons_name(workspace: Workspace) -> None:
    workspace.dm(ANA, PARLEY)
    assert channel(workspace, ANA, "Parley")["kind"] == "im"
    with pytest.raises(StopIteration):
        channel(workspace, BEN, "Parley")


def test_nobody_reads_or_writes_where_they_are_not(workspace: Workspace) -> None:
    private = workspace.dm(ANA, PARLEY)["channel"]
    with pytest.raises(SlackError, match="not_in_channel"):
        workspace.messages(BEN, private)
    with pytest.raises(SlackError, match="not_in_channel"):
        workspace.post(BEN, private, "hello")


def test_only_the_author_edits_and_deletes(workspace: Workspace) -> None:
    ts = workspace.post(ANA, OPS, "hello")["ts"]
    with pytest.raises(SlackError, match="cant_update_message"):
        workspace.edit(BEN, OPS, ts, "goodbye")
    with pytest.raises(SlackError, match="cant_delete_message"):
        workspace.delete(BEN, OPS, ts)
    workspace.edit(ANA, OPS, ts, "hello again")
    assert workspace.messages(BEN, OPS)["messages"][0]["edited"]


def test_a_second_press_takes_a_reaction_back(workspace: Workspace) -> None:
    ts = workspace.post(ANA, OPS, "hello")["ts"]
    workspace.react(BEN, OPS, ts, "eyes")
    assert workspace.messages(ANA, OPS)["messages"][0]["reactions"] == [{"name": "eyes", "users": [BEN], "count": 1}]
    workspace.react(BEN, OPS, ts, "eyes")
    assert workspace.messages(ANA, OPS)["messages"][0]["reactions"] == []


def test_a_button_for_some_is_hidden_from_the_others_and_refuses_them(workspace: Workspace) -> None:
    button = {
        "type": "button",
        "action_id": "a",
        "text": {"type": "plain_text", "text": "OK"},
        "visible_to_user_ids": [ANA],
    }
    card = {"type": "actions", "block_id": "b", "elements": [button]}
    ts = workspace.conversations.say(OPS, workspace.app.as_user(), "Sure?", blocks=[card])["ts"]
    assert workspace.messages(ANA, OPS)["messages"][0]["blocks"][0]["elements"] == [button]
    assert workspace.messages(BEN, OPS)["messages"][0]["blocks"][0]["elements"] == []
    assert asyncio.run(workspace.click(BEN, OPS, ts, "b", "a")) == {"ok": False, "error": "That is no longer there."}


def test_every_change_is_told_with_its_channel(tmp_path: Path) -> None:
    workspace, changes = opened(tmp_path), list[Json]()
    workspace.on_change = changes.append
    workspace.post(ANA, OPS, "hello")
    assert {"kind": "slack", "channel": OPS} in changes


def test_somebody_added_later_is_in_the_channels_too(tmp_path: Path) -> None:
    opened(tmp_path, users=USERS[:1]).records.close()
    assert BEN in opened(tmp_path).conversations.get(OPS)["members"]


def test_a_change_that_fails_halfway_leaves_nothing_behind(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_payload: Json) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(workspace.records, "queue", fail)
    with pytest.raises(OSError, match="disk full"):
        workspace.post(ANA, OPS, "hello")
    assert workspace.messages(ANA, OPS)["messages"] == []
