"""While Parley works: the session and its Stop button, the status line, the card of the steps; and that losing them loses nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.events import PARLEY, Cancelled, Event, Replied, ToolCalled, ToolFailed, ToolReturned, ToolStarted
from bot.owed import Delivery, Say
from bot.thread import Thread
from channels.slack.address import parse
from channels.slack.channel import SlackChannel
from channels.slack.connection import client
from channels.slack.steps import Step, steps, stopped
from channels.slack.stream import Stream
from tests.sandbox.slackside import World, eventually, running_workspace
from tests.slack.desk import settings
from tests.slack.team import BEN, HOME, OPS, TEAM, T, approval, asked, question, thread

AGENT = TEAM.agents["ops"]
STAGING = {"service": "api", "environment": "staging"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        yield world


@pytest.fixture
def channel(world: World) -> SlackChannel:
    return SlackChannel(lambda team: client(settings(world), seconds=2), TEAM)


@pytest.fixture
def home(world: World) -> str:
    return f"slack:{T}/{OPS}/{world.post(BEN, OPS, '@parley look into it')}"


def called(number: int, tool: str = "look_around", **arguments: Any) -> ToolCalled:
    return ToolCalled(id=f"d{number}", actor=PARLEY, call=f"c{number}", tool=tool, arguments=arguments, seen=1)


def returned(number: int) -> ToolReturned:
    return ToolReturned(id=f"c{number}.1", actor=PARLEY, call=f"c{number}", result="fine")


def replied(address: str) -> Replied:
    return Replied(id="d90", actor=PARLEY, call="c90", text="Done.", address=address)


def said(address: str) -> Delivery:
    return Delivery("d90", address, Say("Done."), 1, False, "")


def shown(world: World, address: str) -> dict[str, Any]:
    """What Slack shows under a conversation of somebody who works there."""
    ts = parse(address).thread_ts
    found = world.get("messages", user=BEN, channel=OPS)["statuses"]
    return next((each for each in found if each["thread_ts"] == ts), {})


def below(world: World, address: str) -> list[dict[str, Any]]:
    ts = parse(address).thread_ts
    return [each for each in world.messages(BEN, OPS) if each["thread_ts"] == ts and each["ts"] != ts]


# Sessions


def test_while_it_works_there_is_a_session_to_stop_and_then_there_is_none(
    world: World, channel: SlackChannel, home: str
) -> None:
    here = thread(asked(address=home))
    channel.progress(here, "thinking…")
    assert (shown(world, home)["session"], shown(world, home)["status"]) == ("processing", "is thinking…")
    channel.send(said(home), here.extend([called(90, "reply", text="Done."), replied(home)]))
    eventually(lambda: shown(world, home)["session"] == "closed")
    assert shown(world, home)["status"] == ""


def test_while_it_waits_for_a_person_the_session_is_suspended(world: World, channel: SlackChannel, home: str) -> None:
    here = thread(asked(address=home))
    channel.progress(here, "thinking…")
    waiting = here.extend([called(2, "contact_human", question="Which?"), question(surfaces=(home,), call="c2")])
    channel.progress(waiting, "")
    assert shown(world, home)["session"] == "suspended"


def test_a_word_of_progress_that_comes_late_shows_nothing(world: World, channel: SlackChannel, home: str) -> None:
    here = thread(asked(address=home))
    done = here.extend([called(90, "reply", text="Done."), replied(home)])
    channel.progress(done, "")
    channel.progress(here, "thinking…")
    assert (shown(world, home)["session"], shown(world, home)["status"]) == ("closed", "")


def test_where_slack_knows_no_sessions_the_reply_arrives_all_the_same(
    world: World, channel: SlackChannel, home: str
) -> None:
    world.workspace.faults.fail("agents.sessions.setStatus")
    world.workspace.faults.fail("assistant.threads.setStatus")
    world.workspace.faults.fail("chat.startStream")
    here = thread(asked(address=home), called(2), returned(2), called(3))
    channel.progress(here, "looking…")
    channel.send(said(home), here.extend([returned(3), replied(home)]))
    assert [each["text"] for each in below(world, home)] == ["Done."]
    assert not world.workspace.faults.next("chat.startStream")


# The card of the steps


def test_longer_work_is_one_card_of_steps_that_ends_before_the_reply(
    world: World, channel: SlackChannel, home: str
) -> None:
    first = thread(asked(address=home), called(2))
    channel.progress(first, "looking around…")
    assert below(world, home) == []
    second = first.extend([returned(2), called(3, "restart", **STAGING)])
    channel.progress(second, "restart…")
    (card,) = below(world, home)
    assert card["streaming"]
    assert [(each["title"], each["status"]) for each in card["blocks"]] == [
        ("look around", "complete"),
        ("restart", "in_progress"),
    ]
    answering = called(90, "reply", text="Done.").model_copy(update={"seen": 9})
    done = second.extend([returned(3), answering, replied(home)])
    channel.send(said(home), done)
    eventually(lambda: not below(world, home)[0]["streaming"])
    card, reply = below(world, home)
    assert [each["status"] for each in card["blocks"]] == ["complete", "complete"]
    assert (reply["text"], len(reply["blocks"])) == ("Done.", 1)


def a_stream(world: World, home: str, oldest: float = 60) -> Stream:
    recipient = {"recipient_team_id": T, "recipient_user_id": BEN}
    return Stream(client(settings(world), seconds=2), parse(home), recipient, oldest)


def test_a_card_never_gets_older_than_slack_allows(world: World, home: str) -> None:
    stream = a_stream(world, home, oldest=0.05)
    assert stream.show([Step("c1", "look", "in_progress")])
    eventually(lambda: not below(world, home)[0]["streaming"])
    assert not stream.show([Step("c1", "look", "complete")])


def test_a_card_that_slack_ended_is_given_up(world: World, home: str) -> None:
    stream = a_stream(world, home)
    stream.show([Step("c1", "look", "in_progress")])
    world.workspace.stop(BEN, OPS, parse(home).thread_ts)
    assert not stream.show([Step("c1", "look", "complete")])
    stream.end()


# What happened already


def ran(number: int, tool: str, *outcome: Event, **arguments: Any) -> tuple[Event, ...]:
    started = ToolStarted(id=f"s{number}", call=f"c{number}", deadline=9e9)
    return (called(number, tool, **arguments), started, *outcome)


def stop(here: Thread, at: float = 500.0) -> tuple[Thread, Cancelled]:
    event = Cancelled(id="x", at=at, actor=TEAM.actor(f"slack:{T}/{BEN}", proof="slack"))
    return here.extend([event]), event


def test_who_stops_it_hears_what_was_done_what_goes_on_and_what_was_withdrawn() -> None:
    failed = ToolFailed(id="c3.1", call="c3", error="no")
    here = thread(
        asked(),
        *ran(2, "restart", returned(2), **STAGING),
        *ran(3, "restart", failed, **STAGING),
        *ran(4, "drain", node="n1"),
        *approval(call="c5", interaction="t1.9"),
    )
    assert stopped(*stop(here), AGENT) == (
        "Stopped. Done already: restart. Failed: restart. Under way and not to be taken back: drain. "
        "Withdrawn: restart api on production. Write again and I go on from here."
    )


def test_where_nothing_was_changed_it_says_so() -> None:
    here = thread(asked(), called(1), returned(1))
    assert stopped(*stop(here), AGENT) == "Stopped. Nothing had been changed. Write again and I go on from here."


def test_what_was_done_before_the_last_reply_was_told_already() -> None:
    here = thread(asked(), *ran(1, "restart", returned(1), **STAGING), replied(HOME))
    assert steps(here, AGENT) == ()
    assert "Done already" not in stopped(*stop(here), AGENT)
