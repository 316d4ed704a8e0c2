"""Direct messages, in both modes: a new one answers the one question that was asked there, or begins something new."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.events import Audience, Delivered, MessageReceived
from bot.owed import owed
from bot.thread import Thread
from tests.sandbox.slackside import BEN, CARL, OPS, PARLEY, eventually
from tests.slack.desk import Desk
from tests.slack.modes import MODES, desk_by
from tests.slack.team import T, approval, question


@pytest.fixture(params=MODES)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_by(request.param, tmp_path_factory.mktemp("slack")) as desk:
        yield desk


def asking(desk: Desk, **more: Any) -> tuple[Thread, str]:
    """A thread of Ben's in #ops in which Carl is asked alone; and the direct conversation."""
    ts = desk.world.post(BEN, OPS, "@parley which lamp?")
    thread = desk.thread_at(OPS, ts)
    alone = {"surfaces": (f"slack:@{CARL}",), "audience": Audience(names=("carl",)), "choices": ()}
    channel, _ = desk.post(thread, question(interaction=f"{thread.id}.1", **alone, **more))
    return thread, channel


def messages(desk: Desk, channel: str, ts: str) -> list[MessageReceived]:
    return [each for each in desk.thread_at(channel, ts).events if isinstance(each, MessageReceived)]


def test_a_new_message_answers_the_question_that_was_asked_there(desk: Desk) -> None:
    thread, direct = asking(desk)
    before = len(desk.whispers(CARL, direct))
    ts = desk.world.post(CARL, direct, "the blue one")
    (event,) = eventually(lambda: desk.responses(thread))
    assert (event.decision, event.text, event.actor.person) == ("answered", "the blue one", "carl")
    assert event.origin.address == f"slack:{T}/{direct}/{ts}"
    told = eventually(lambda: desk.whispers(CARL, direct)[before:])
    assert told[0]["text"].startswith("Recorded: your answer")
    answer = next(each for each in desk.world.messages(CARL, direct) if each["ts"] == ts)
    assert [each["name"] for each in answer["reactions"]] == ["white_check_mark"]


def test_what_is_said_below_the_answer_belongs_to_the_same_thread(desk: Desk) -> None:
    thread, direct = asking(desk)
    ts = desk.world.post(CARL, direct, "the blue one")
    eventually(lambda: desk.responses(thread))
    desk.world.post(CARL, direct, "or the red one", thread_ts=ts)
    desk.settle()
    assert [each.text for each in desk.load(thread.id).events if isinstance(each, MessageReceived)][1:] == [
        "or the red one"
    ]


def test_with_nothing_open_any_more_a_new_message_begins_a_thread(desk: Desk) -> None:
    thread, direct = asking(desk)
    desk.world.post(CARL, direct, "the blue one")
    eventually(lambda: desk.responses(thread))
    ts = desk.world.post(CARL, direct, "what is the weather?")
    assert [each.text for each in messages(desk, direct, ts)] == ["what is the weather?"]
    assert len(desk.responses(thread)) == 1


def test_with_two_questions_open_a_new_message_answers_neither(desk: Desk) -> None:
    first, direct = asking(desk)
    second, _ = asking(desk)
    ts = desk.world.post(CARL, direct, "the blue one")
    assert len(messages(desk, direct, ts)) == 1
    assert not desk.responses(first)
    assert not desk.responses(second)


def test_when_the_later_of_two_is_answered_the_other_one_can_be(desk: Desk) -> None:
    first, direct = asking(desk)
    second, _ = asking(desk)
    card = next(post for post in desk.load(second.id).state.posts.values() if post.kind == "card")
    desk.world.post(CARL, direct, "the red one", thread_ts=card.native.partition("/")[2])
    eventually(lambda: desk.responses(second))
    desk.world.post(CARL, direct, "the blue one")
    assert [each.text for each in eventually(lambda: desk.responses(first))] == ["the blue one"]


def test_a_message_decides_no_approval(desk: Desk) -> None:
    ts = desk.world.post(BEN, OPS, "@parley restart it")
    thread = desk.thread_at(OPS, ts)
    channel, _ = desk.post(thread, *approval(interaction=f"{thread.id}.2", surfaces=(f"slack:@{CARL}",)))
    said = desk.world.post(CARL, channel, "approve")
    assert len(messages(desk, channel, said)) == 1
    assert not desk.responses(thread)


def test_the_author_of_a_direct_thread_who_is_asked_there_may_still_begin_another(desk: Desk) -> None:
    direct = desk.world.do("dm", **{"user": BEN, "with": PARLEY})["channel"]
    ts = desk.world.post(BEN, direct, "which lamp?")
    thread = desk.thread_at(direct, ts)
    desk.post(thread, question(interaction=f"{thread.id}.1", surfaces=(f"slack:{T}/{direct}/{ts}",)))
    other = desk.world.post(BEN, direct, "and what about the chair?")
    assert desk.thread_at(direct, other).id != thread.id


def test_a_conversation_that_began_alone_stays_in_its_thread(desk: Desk) -> None:
    """A thread that the clock began for somebody has its home below the first message, not in the whole conversation."""
    ts = desk.world.post(BEN, OPS, "@parley hello")
    thread = desk.thread_at(OPS, ts)
    log = desk.store.logs[thread.id]
    first = log[0]
    assert isinstance(first, MessageReceived)
    home = f"slack:@{CARL}"
    log[0] = first.model_copy(update={"origin": first.origin.model_copy(update={"address": home})})
    here = desk.store.record(desk.load(thread.id), question(interaction=f"{thread.id}.1", surfaces=(home,)))
    (delivery,) = owed(here, 0)
    sent = desk.channel.send(delivery, here)
    done = Delivered(id="x.d", delivery=delivery.key, native=sent.native, shows=delivery.shows, maps=sent.maps)
    assert desk.store.record(here, done).state.home.count("/") == 2
