"""The way out, on the sandbox's workspace: what is owed arrives once, and what cannot arrive says why."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.memory import MemoryStore
from bot.owed import Card, Delivery, Notice, Say, owed
from bot.ports import Doubtful, Sent, Undelivered
from bot.settings import Settings
from bot.thread import Thread
from channels.slack.channel import SlackChannel, slack_channel
from channels.slack.connection import client
from tests.sandbox.slackside import BOT_TOKEN, World, running_workspace
from tests.slack.team import ANA, BEN, CARL, HOME, OPS, TEAM, T, approval, asked, attempted, thread


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        yield world


def settings(url: str) -> Settings:
    return Settings(slack_bot_token=BOT_TOKEN, slack_api_url=url)


@pytest.fixture
def channel(world: World) -> SlackChannel:
    return impatient(settings(world.api_url))


def impatient(given: Settings, seconds: int = 2) -> SlackChannel:
    return SlackChannel(lambda team: client(given, seconds=seconds), TEAM)


def say(text: str, address: str, key: str = "d9", **more: Any) -> Delivery:
    return Delivery(key, address, Say(text), **{"attempt": 1, "look": False, "shows": "", **more})


@pytest.fixture
def conversation(world: World) -> str:
    ts = world.post(BEN, OPS, "what about the api?")
    return f"slack:{T}/{OPS}/{ts}"


def below(world: World, address: str) -> list[dict[str, Any]]:
    """What Parley wrote in this conversation."""
    ts = address.rpartition("/")[2]
    return [m for m in world.messages(ANA, OPS) if m["thread_ts"] == ts and m["ts"] != ts]


def tried(key: str, address: str) -> Thread:
    return thread(asked(address=address), attempted(key, address, time.time()))


def test_a_reply_goes_below_the_message_it_answers(world: World, channel: SlackChannel, conversation: str) -> None:
    sent = channel.send(say("**Done.**", conversation), thread(asked()))
    (message,) = below(world, conversation)
    assert sent == Sent(native=f"{OPS}/{message['ts']}")
    assert message["blocks"][0]["text"] == "**Done.**"
    assert message["metadata"] == {
        "event_type": "parley",
        "event_payload": {"thread": "t1", "delivery": "d9", "part": 0},
    }


def test_a_message_in_a_channel_begins_a_conversation_that_leads_back(world: World, channel: SlackChannel) -> None:
    for address in ("slack:#support", "slack:C0SUPPORT"):
        sent = channel.send(say("A question.", address), thread(asked()))
        where, _, ts = sent.native.partition("/")
        assert (where, sent.maps) == ("C0SUPPORT", (f"slack:{T}/C0SUPPORT/{ts}",))
        assert any(m["ts"] == ts and m["thread_ts"] is None for m in world.messages(ANA, "C0SUPPORT"))


def test_somebody_can_be_asked_alone(world: World, channel: SlackChannel) -> None:
    for address in (f"slack:@{ANA}", f"slack:@{T}/{ANA}"):
        sent = channel.send(say("Only you.", address), thread(asked()))
        direct = sent.native.partition("/")[0]
        assert direct.startswith("D")
        assert sent.maps[0].startswith(f"slack:{T}/{direct}/")
        assert world.messages(ANA, direct)[-1]["text"] == "Only you."


def test_a_card_is_changed_where_it_stands(world: World, channel: SlackChannel, conversation: str) -> None:
    here = thread(asked(), *approval(surfaces=(conversation,)))
    (delivery,) = owed(here, 0)
    sent = channel.send(delivery, here)
    assert isinstance(delivery.body, Card)
    denied = replace(delivery, native=sent.native, body=replace(delivery.body, state="denied", note="not now"))
    assert channel.send(denied, here).native == sent.native
    assert channel.find(replace(denied, look=True), here) is None
    (message,) = below(world, conversation)
    assert "Denied" in message["blocks"][-1]["text"]["text"]
    assert not [block for block in message["blocks"] if block["type"] == "actions"]


def test_a_lost_answer_is_found_and_nothing_is_said_twice(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    world.workspace.faults.lose_reply("chat.postMessage")
    delivery = say("Once.", conversation, "lost")
    with pytest.raises(Doubtful):
        channel.send(delivery, thread(asked()))
    (message,) = below(world, conversation)
    found = channel.find(replace(delivery, attempt=2, look=True), tried("lost", conversation))
    assert found == Sent(native=f"{OPS}/{message['ts']}")


def test_a_lost_answer_to_a_new_conversation_is_found_too(world: World, channel: SlackChannel) -> None:
    world.workspace.faults.lose_reply("chat.postMessage")
    delivery = say("Once, here.", "slack:#support", "lost root")
    with pytest.raises(Doubtful):
        channel.send(delivery, thread(asked()))
    found = channel.find(replace(delivery, attempt=2, look=True), tried("lost root", "slack:#support"))
    message = world.messages(ANA, "C0SUPPORT")[-1]
    assert found == Sent(native=f"C0SUPPORT/{message['ts']}", maps=(f"slack:{T}/C0SUPPORT/{message['ts']}",))


def test_what_never_arrived_is_not_found(world: World, channel: SlackChannel, conversation: str) -> None:
    channel.send(say("Another.", conversation, "other"), thread(asked()))
    assert channel.find(say("Mine.", conversation, "mine", look=True), tried("mine", conversation)) is None


def test_only_our_own_words_are_found(world: World, channel: SlackChannel, conversation: str) -> None:
    ts = conversation.rpartition("/")[2]
    metadata = {"event_type": "other", "event_payload": {"thread": "t1", "delivery": "theirs"}}
    world.client().chat_postMessage(channel=OPS, thread_ts=ts, text="x", metadata=metadata)
    assert channel.find(say("x", conversation, "theirs", look=True), tried("theirs", conversation)) is None


def test_where_nobody_can_ever_look_nobody_can_tell(channel: SlackChannel, conversation: str) -> None:
    gone = conversation.replace(OPS, "C0GONE")
    with pytest.raises(Doubtful, match="may have arrived"):
        channel.find(say("x", gone, "lost", look=True), tried("lost", gone))


def test_where_slack_does_not_let_us_look_now_nobody_waits_for_it(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    world.workspace.faults.rate_limit("conversations.replies", retry_after=30)
    with pytest.raises(Undelivered) as asked_to_wait:
        channel.find(say("x", conversation, "lost", look=True), tried("lost", conversation))
    assert asked_to_wait.value.retry_after == 30
    world.workspace.faults.fail("conversations.replies")
    with pytest.raises(Undelivered) as in_trouble:
        channel.find(say("x", conversation, "lost", look=True), tried("lost", conversation))
    assert in_trouble.value.retry_after
    assert channel.find(say("x", conversation, "lost", look=True), tried("lost", conversation)) is None


def test_a_long_reply_that_stopped_halfway_goes_on_where_it_stopped(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    text = "\n\n".join(f"part {n} " + "word " * 500 for n in range(12))
    delivery = say(text, conversation, "long")
    world.workspace.faults.lose_reply("chat.postMessage")
    with pytest.raises(Doubtful):
        channel.send(delivery, thread(asked()))
    again = replace(delivery, attempt=2, look=True)
    assert channel.find(again, tried("long", conversation)) is None
    sent = channel.send(again, tried("long", conversation))
    messages = below(world, conversation)
    assert [m["metadata"]["event_payload"]["part"] for m in messages] == [0, 1, 2]
    assert sent.native == f"{OPS}/{messages[0]['ts']}"
    assert channel.find(replace(again, attempt=3), tried("long", conversation)) == sent


def test_of_a_long_reply_only_what_is_missing_is_said_again(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    delivery = say("\n\n".join(f"part {n} " + "word " * 500 for n in range(12)), conversation, "nearly")
    channel.send(delivery, thread(asked()))
    first, second, third = below(world, conversation)
    world.client().chat_delete(channel=OPS, ts=third["ts"])
    channel.send(replace(delivery, attempt=2), tried("nearly", conversation))
    assert [m["metadata"]["event_payload"]["part"] for m in below(world, conversation)] == [0, 1, 2]
    assert [m["ts"] for m in below(world, conversation)][:2] == [first["ts"], second["ts"]]


def test_a_long_message_in_a_channel_goes_on_below_itself(world: World, channel: SlackChannel) -> None:
    delivery = say("\n\n".join("word " * 500 for _ in range(8)), "slack:#support", "long root")
    sent = channel.send(delivery, thread(asked()))
    ts = sent.native.partition("/")[2]
    assert [m["thread_ts"] for m in world.messages(ANA, "C0SUPPORT") if m["ts"] > ts] == [ts]
    assert channel.find(replace(delivery, attempt=2, look=True), tried("long root", "slack:#support")) == sent


def test_slack_s_wish_for_patience_is_passed_on(world: World, channel: SlackChannel, conversation: str) -> None:
    world.workspace.faults.rate_limit("chat.postMessage", retry_after=7)
    with pytest.raises(Undelivered) as error:
        channel.send(say("x", conversation), thread(asked()))
    assert error.value.retry_after == 7.0


def test_trouble_at_slack_leaves_it_open_whether_it_arrived(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    world.workspace.faults.fail("chat.postMessage")
    with pytest.raises(Doubtful):
        channel.send(say("x", conversation), thread(asked()))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("slack:#secret", "Parley is not in #secret: invite it with /invite @parley."),
        ("slack:C0NOWHERE", "Slack has no channel C0NOWHERE that Parley may see"),
        ("slack:@U0NOBODY", "Slack has no user @U0NOBODY: correct bot.toml."),
        (f"slack:{T}/{OPS}/1700000000.000001", "The Slack thread is gone"),
    ],
)
def test_what_cannot_arrive_says_what_to_do(channel: SlackChannel, address: str, told: str) -> None:
    with pytest.raises(Undelivered, match=told) as error:
        channel.send(say("x", address), thread(asked()))
    assert error.value.retry_after is None


def test_a_card_that_somebody_deleted_is_not_changed(channel: SlackChannel) -> None:
    gone = Delivery("k", HOME, Notice("x"), 1, False, "", native=f"{OPS}/1700000000.000001")
    with pytest.raises(Undelivered, match="gone"):
        channel.send(gone, thread(asked()))


def test_a_wrong_token_is_said_to_be_one(world: World, conversation: str) -> None:
    wrong = SlackChannel(lambda team: WebClient("xoxb-wrong", base_url=world.api_url, retry_handlers=[]), TEAM)
    with pytest.raises(Undelivered, match="SLACK_BOT_TOKEN") as error:
        wrong.send(say("x", conversation), thread(asked()))
    assert error.value.retry_after is None


def test_a_server_that_is_away_has_certainly_not_got_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Undelivered) as error:
        impatient(settings(f"http://127.0.0.1:{port}/api/")).send(say("x", HOME), thread(asked()))
    assert error.value.retry_after


def test_a_server_that_says_nothing_may_have_got_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = impatient(settings(f"http://127.0.0.1:{listener.getsockname()[1]}/api/"), seconds=1)
        here = Delivery("k", HOME, Notice("x"), 1, False, "", native=f"{OPS}/5.5")
        with pytest.raises(Doubtful):
            silent.send(here, thread(asked()))


def test_progress_shows_in_the_requester_s_thread_and_never_fails(
    world: World, channel: SlackChannel, conversation: str
) -> None:
    channel.progress(thread(asked(address=conversation)), "searching the runbooks…")
    statuses = world.get("messages", user=BEN, channel=OPS)["statuses"]
    assert [each["status"] for each in statuses if each["thread_ts"] == conversation.rpartition("/")[2]] == [
        "is working: searching the runbooks…"
    ]
    channel.progress(thread(asked(address="email:x@example.com")), "…")
    channel.progress(thread(asked(address=f"slack:{T}/C0NOWHERE/1.1")), "…")


def test_the_settings_make_a_channel(world: World, tmp_path: Path) -> None:
    made = slack_channel(settings(world.api_url), TEAM, MemoryStore())
    assert made.scheme == "slack"
    assert made.send(say("x", f"slack:@{CARL}"), thread(asked())).native
