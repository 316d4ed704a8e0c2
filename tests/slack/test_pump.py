"""The way in, by Socket Mode on the sandbox: what people write and press is written down once, and they hear what became of it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.events import (
    Audience,
    Cancelled,
    HumanContacted,
    HumanResponded,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Paused,
)
from bot.judge import Counted, NotEntitled, TooLate
from bot.thread import Thread
from channels.slack import ticket
from channels.slack.pump import Pump
from tests.sandbox.slackside import ANA, BEN, CARL, GENERAL, OPS, PARLEY, SAM, SUPPORT, eventually
from tests.slack.desk import Desk, desk_at
from tests.slack.team import TEAM, T, approval, payload, question


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_at(tmp_path_factory.mktemp("slack")) as desk:
        yield desk


@pytest.fixture
def asked(desk: Desk) -> tuple[Thread, str]:
    """Ben's request in #ops: its thread, and the timestamp of his message."""
    ts = desk.world.post(BEN, OPS, "@parley restart the api on production")
    return desk.thread_at(OPS, ts), ts


def request(thread: Thread, ts: str, **more: Any) -> tuple[Any, ...]:
    return approval(interaction=f"{thread.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",), **more)


def wondering(thread: Thread, ts: str, **more: Any) -> HumanContacted:
    return question(interaction=f"{thread.id}.1", surfaces=(f"slack:{T}/{OPS}/{ts}",), **more)


def whispered(desk: Desk, user: str, since: int = 0, channel: str = OPS) -> str:
    """The next word to this person alone."""
    return str(eventually(lambda: desk.whispers(user, channel)[since:])[0]["text"])


# What people write


def test_a_mention_is_heard_once(desk: Desk, asked: tuple[Thread, str]) -> None:
    desk.settle()
    (event,) = desk.load(asked[0].id).events
    assert isinstance(event, MessageReceived)
    assert (event.text, event.actor.person, event.agent) == ("restart the api on production", "ben", "ops")


def test_in_its_threads_parley_hears_everything_and_elsewhere_nothing(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    threads = len(desk.store.logs)
    desk.world.post(SAM, OPS, "lunch?")
    desk.world.post(ANA, OPS, "I see it too", thread_ts=ts)
    desk.settle()
    assert [each.text for each in desk.load(thread.id).events if isinstance(each, MessageReceived)][1:] == [
        "I see it too"
    ]
    assert len(desk.store.logs) == threads


def test_a_direct_message_starts_a_thread(desk: Desk) -> None:
    direct = desk.world.do("dm", **{"user": SAM, "with": PARLEY})["channel"]
    ts = desk.world.post(SAM, direct, "hello")
    (event,) = desk.thread_at(direct, ts).events
    assert isinstance(event, MessageReceived)
    assert (event.actor.name, event.actor.known, event.origin.place) == ("Sam Kowalski", False, "slack:dm")


def test_edits_and_deletions_are_on_record(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    reply = desk.world.post(BEN, OPS, "plese", thread_ts=ts)
    desk.world.do("edit", user=BEN, channel=OPS, ts=reply, text="please")
    desk.world.do("delete", user=BEN, channel=OPS, ts=reply)
    desk.settle()
    kinds = [type(each) for each in desk.load(thread.id).events]
    assert sorted(kinds, key=str) == sorted([MessageReceived, MessageReceived, MessageEdited, MessageDeleted], key=str)


def test_a_very_long_message_is_kept_whole(desk: Desk) -> None:
    text = "@parley " + "schön " * 3_000
    ts = desk.world.post(ANA, OPS, text)
    (event,) = desk.thread_at(OPS, ts).events
    assert isinstance(event, MessageReceived)
    assert len(event.text.encode()) < 12_100
    assert desk.store.blob(event.attachments[0].blob or "") == text.removeprefix("@parley ").strip().encode()


def test_a_reply_answers_the_question(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    desk.post(thread, wondering(thread, ts))
    desk.world.post(BEN, OPS, "4392", thread_ts=ts)
    (event,) = eventually(lambda: desk.responses(thread))
    assert (event.decision, event.text) == ("answered", "4392")
    assert isinstance(desk.load(thread.id).state.verdicts[event.id], Counted)


def test_a_reply_with_a_file_is_a_message_and_the_file_is_not_lost(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    desk.post(thread, wondering(thread, ts))
    pump = Pump(desk.world.client(), TEAM, desk.store)
    pump.event(payload("file_share", user=BEN, thread_ts=ts, text="4392"))
    pump.close()
    event = desk.load(thread.id).events[-1]
    assert isinstance(event, MessageReceived)
    assert [each.name for each in event.attachments] == ["dashboard.png"]


def test_a_reply_to_a_card_whose_address_is_not_on_record_finds_its_thread(
    desk: Desk, asked: tuple[Thread, str]
) -> None:
    thread, _ = asked
    card = question(interaction=f"{thread.id}.1", surfaces=("slack:#support",), audience=Audience(names=("support",)))
    channel, ts = desk.post(thread, card, record=False)
    assert desk.store.find(f"slack:{T}/{channel}/{ts}") is None
    desk.world.post(CARL, SUPPORT, "the lamp", thread_ts=ts)
    eventually(lambda: len(desk.load(thread.id).events) == 3)
    assert desk.store.find(f"slack:{T}/{channel}/{ts}") == thread.id


def test_somebody_who_writes_while_it_is_paused_is_told(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    desk.store.record(thread, Paused(id="p1", actor=TEAM.member("ana", "operator")))
    before = len(desk.whispers(BEN, OPS))
    desk.world.post(BEN, OPS, "any news?", thread_ts=ts)
    assert (
        whispered(desk, BEN, before) == "Kept. This conversation is paused; I read it as soon as somebody resumes it."
    )
    assert desk.whispers(BEN, OPS)[-1]["thread_ts"] == ts


def test_stop_stops(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    before = len(desk.whispers(BEN, OPS))
    desk.world.post(BEN, OPS, "<@U00PARLEY> stop".replace("<@U00PARLEY>", "@parley"), thread_ts=ts)
    assert whispered(desk, BEN, before).startswith("Stopped.")
    assert isinstance(desk.load(thread.id).events[-1], Cancelled)


def test_the_stop_button_stops_for_those_who_may(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    strangers, mine = len(desk.whispers(SAM, OPS)), len(desk.whispers(BEN, OPS))
    desk.world.workspace.stop(SAM, OPS, ts)
    assert whispered(desk, SAM, strangers) == "Only the people of this team and whoever asked can stop this."
    assert len(desk.load(thread.id).events) == 1
    desk.world.workspace.stop(BEN, OPS, ts)
    assert whispered(desk, BEN, mine).startswith("Stopped.")
    desk.world.workspace.stop(BEN, OPS, ts)
    assert whispered(desk, BEN, mine + 1) == "Nothing is under way here."


# What people press


def test_approve_counts_at_once_and_once(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    before = {user: len(desk.whispers(user, OPS)) for user in (ANA, CARL, SAM)}
    began = time.monotonic()
    assert desk.world.click(ANA, channel, card, ticket.APPROVE) == {"ok": True}
    assert time.monotonic() - began < 1
    (event,) = desk.responses(thread)
    assert (event.decision, event.actor.person, event.digest) == ("approved", "ana", "d")
    assert desk.load(thread.id).state.interactions[f"{thread.id}.2"].state == "approved"

    desk.world.click(CARL, channel, card, ticket.APPROVE)
    assert whispered(desk, CARL, before[CARL]).startswith("Ana already approved this at <!date^")
    desk.world.click(ANA, channel, card, ticket.APPROVE)
    assert whispered(desk, ANA, before[ANA]).startswith("You already approved this at <!date^")
    desk.world.click(SAM, channel, card, ticket.APPROVE)
    assert whispered(desk, SAM, before[SAM]) == "Only ops can decide this (Ana, Carl)."
    verdicts = [type(desk.load(thread.id).state.verdicts[each.id]) for each in desk.responses(thread)]
    assert verdicts == [Counted, TooLate, TooLate, NotEntitled]


def test_a_click_on_what_has_changed_decides_nothing(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    log = desk.store.logs[thread.id]
    log[:] = [
        each.model_copy(update={"digest": "another"}) if isinstance(each, HumanContacted) else each for each in log
    ]
    before = len(desk.whispers(ANA, OPS))
    desk.world.click(ANA, channel, card, ticket.APPROVE)
    assert "changed since you saw it" in whispered(desk, ANA, before)
    assert desk.load(thread.id).state.interactions[f"{thread.id}.2"].open


def test_a_click_on_a_forgotten_question_says_so(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, wondering(thread, ts), record=False)
    gone = desk.store.logs.pop(thread.id)
    desk.store.addresses.pop(f"slack:{T}/{OPS}/{ts}")
    before = len(desk.whispers(BEN, OPS))
    desk.world.click(BEN, channel, card, f"{ticket.CHOOSE}:0")
    assert whispered(desk, BEN, before) == "I cannot find this question any more; nothing was decided."
    assert gone


def test_a_choice_is_an_answer(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, wondering(thread, ts))
    assert desk.world.click(BEN, channel, card, f"{ticket.CHOOSE}:1") == {"ok": True}
    (event,) = desk.responses(thread)
    assert (event.decision, event.text, event.actor.person) == ("answered", "4392", "ben")


def test_a_choice_from_a_list_is_an_answer(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, wondering(thread, ts, choices=tuple(f"order {n}" for n in range(12))))
    options = next(m for m in desk.world.messages(BEN, OPS) if m["ts"] == card)["blocks"][-2]["elements"][0]["options"]
    desk.world.click(BEN, channel, card, f"{ticket.SELECT}:0", options[11]["value"])
    assert [each.text for each in desk.responses(thread)] == ["order 11"]


def test_own_words_are_an_answer(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, wondering(thread, ts))
    desk.world.click(BEN, channel, card, ticket.OTHER)
    send(desk, BEN, "neither of them")
    (event,) = eventually(lambda: desk.responses(thread))
    assert (event.decision, event.text) == ("answered", "neither of them")


def send(desk: Desk, user: str, words: str | None) -> None:
    (view,) = eventually(lambda: desk.world.get("modals", user=user))
    answer = desk.world.do("submit", user=user, view_id=view["id"], values={"words": {"words": {"value": words}}})
    assert answer == {"ok": True}


@pytest.mark.parametrize("reason", ["wait for the backup", None])
def test_a_denial_may_have_a_reason(desk: Desk, asked: tuple[Thread, str], reason: str | None) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    assert desk.world.click(ANA, channel, card, ticket.DENY) == {"ok": True}
    assert not desk.responses(thread)
    send(desk, ANA, reason)
    (event,) = eventually(lambda: desk.responses(thread))
    assert (event.decision, event.text, event.actor.person) == ("denied", reason or "", "ana")
    assert event.origin.address == f"slack:{T}/{OPS}/{ts}"


def test_a_stranger_is_told_before_they_type(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    before = len(desk.whispers(SAM, OPS))
    desk.world.click(SAM, channel, card, ticket.DENY)
    assert whispered(desk, SAM, before) == "Only ops can decide this (Ana, Carl)."
    assert not desk.world.get("modals", user=SAM)
    assert desk.load(thread.id).state.interactions[f"{thread.id}.2"].open


def test_where_no_dialog_opens_a_denial_is_still_possible(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    before = len(desk.whispers(ANA, OPS))
    desk.world.workspace.faults.fail("views.open")
    desk.world.click(ANA, channel, card, ticket.DENY)
    assert "You can deny it without a reason" in whispered(desk, ANA, before)
    whisper = desk.whispers(ANA, OPS)[-1]
    desk.world.click(ANA, channel, whisper["ts"], ticket.DENY_NOW)
    (event,) = eventually(lambda: desk.responses(thread))
    assert (event.decision, event.origin.address) == ("denied", f"slack:{T}/{OPS}/{ts}")
    eventually(lambda: "Recorded: denied by you" in desk.whispers(ANA, OPS)[-1]["text"])


# What goes wrong


def test_while_the_store_is_away_nothing_is_acknowledged_and_nothing_is_lost(
    desk: Desk, asked: tuple[Thread, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.sandbox.slack.link.ACK_SECONDS", 0.3)
    thread, ts = asked
    channel, card = desk.post(thread, *request(thread, ts))
    desk.store.away = True
    try:
        message = desk.world.post(ANA, OPS, "and the logs?", thread_ts=ts)
        eventually(lambda: any(each.tries for each in desk.world.workspace.records.queued()))
        assert not desk.world.click(ANA, channel, card, ticket.APPROVE)["ok"]
        assert not desk.responses(thread)
    finally:
        desk.store.away = False
    desk.world.workspace.outbox.hurry()
    eventually(lambda: [m for m in desk.load(thread.id).events if isinstance(m, MessageReceived)][1:])
    assert message
    assert desk.world.click(ANA, channel, card, ticket.APPROVE)["ok"]
    desk.settle()
    assert [type(each) for each in desk.load(thread.id).events[-2:]] == [MessageReceived, HumanResponded]


def test_what_nobody_listens_for_is_acknowledged(
    desk: Desk, asked: tuple[Thread, str], caplog: pytest.LogCaptureFixture
) -> None:
    thread, ts = asked
    workspace = desk.world.workspace
    for name in ("unknown_event", "member_joined_channel", "reaction_added"):
        workspace.records.queue(payload(name))
    workspace.records.queue(payload("app_rate_limited"))
    workspace.outbox.stir()
    desk.settle()
    assert desk.world.do("shortcut", user=ANA, channel=OPS, ts=ts, callback_id="ask_parley") == {"ok": True}
    assert len(desk.load(thread.id).events) == 1


def test_a_payload_of_an_unknown_shape_is_kept_and_its_content_is_not_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    pump = Pump(desk.world.client(), TEAM, desk.store)
    body = payload("app_mention", ts=None, text="the secret")
    pump.event(body)
    (record,) = [each for each in caplog.records if "unknown shape" in each.message]
    assert "the secret" not in record.message
    assert b"the secret" in (desk.store.blob(record.message.rpartition(" ")[2]) or b"")
    pump.close()


def test_the_logs_hold_nothing_that_people_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ts = desk.world.post(ANA, GENERAL, "@parley my password is hunter2")
    thread = desk.thread_at(GENERAL, ts)
    desk.settle()
    assert f"thread {thread.id}: message_received from Slack" in caplog.messages
    assert "hunter2" not in caplog.text
