"""Reading the mailbox: once, in order, from where it stopped, by one process at a time, whatever breaks in between."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bot.agent import Agent
from bot.events import DeliveryFailed
from bot.memory import MemoryStore
from bot.ports import Arrival, Ingested, Unavailable
from bot.show import in_words
from channels.email import pump
from channels.email.channel import TO_ONE_THREAD
from channels.email.imap import Arrived, Cursor
from channels.email.me import Me
from channels.email.pump import FROM_ONE_STRANGER, Intake, last_look, run_mailbox
from channels.email.translate import translate
from tests.email.postroom import CONFIG, GRETA, PACE, SECRET, SUPPORT, Postroom
from tests.email.samples import raw
from tests.sandbox.mailside import AGENT
from tests.stage import Script, Stage


def test_reading_goes_on_after_a_restart_where_it_stopped(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["One.", "Two.", "Three."]) as post:
        post.writes(GRETA, SUPPORT, "first", "one")
        post.close()
        post.mail.send(GRETA, SUPPORT, "second", "two")
        post.open()
        post.hear()
        assert [each["text"].strip() for each in post.inbox(GRETA)] == ["One.", "Two."]
        assert len(post.threads()) == 2


def test_what_lay_in_the_mailbox_before_the_first_start_is_left_alone(tmp_path: Path) -> None:
    with Postroom(tmp_path) as post:
        post.close()
        post.store.cursors.clear()
        post.mail.send(GRETA, SUPPORT, "an old mail", "from before")
        post.open()
        post.hear()
        assert post.threads() == []


def test_C6_two_copies_of_a_mail_are_one_event(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Once."]) as post:
        post.mail.send(GRETA, [SUPPORT, AGENT], "both", "To the alias and to the mailbox")
        post.hear()
        assert len(post.mail.raw(AGENT)) == 2
        assert post.stage.model.choices == []
        assert len(post.threads()) == 1
        assert len(post.inbox(GRETA)) == 1


def test_a_mailbox_that_breaks_off_is_read_on(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Still here."]) as post:
        post.mail.disconnect_imap()
        post.writes(GRETA, SUPPORT, "after the break", "Hello?")
        assert [each["text"].strip() for each in post.inbox(GRETA)] == ["Still here."]


def test_I6_a_second_reader_waits_until_the_first_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("channels.email.pump.AGAIN", 0.05)
    caplog.set_level(logging.INFO)
    with Postroom(tmp_path, model=["Only once."]) as post:
        stop = threading.Event()
        second = threading.Thread(
            target=run_mailbox, args=(post.settings, post.team, post.store), kwargs={"stop": stop, "pace": PACE}
        )
        second.start()
        (lock,) = post.store.locks
        held = post.store.locks[lock]
        post.writes(GRETA, SUPPORT, "one", "Hello")
        assert caplog.text.count("reading the mailbox") == 1
        post.close()
        post.wait_until(lambda: post.store.locks.get(lock, held)[0] != held[0])
        post.mail.send(GRETA, SUPPORT, "two", "Hello again")
        post.hear()
        stop.set()
        second.join(10)
        assert caplog.text.count("reading the mailbox") == 2
        assert len(post.threads()) == 2
        assert post.store.locks == {}


def test_a_mail_that_comes_back_fails_its_delivery(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Hello."]) as post:
        first = post.writes(GRETA, SUPPORT, "hello", "Hello?")
        (answer,) = post.inbox(GRETA)
        deliver_report(post, answer["message_id"])
        (failed,) = [each for each in post.thread.events if isinstance(each, DeliveryFailed)]
        assert "550 5.1.1 no such mailbox" in failed.error
        assert failed.retry_at is None
        deliver_report(post, first)
        assert len([each for each in post.thread.events if isinstance(each, DeliveryFailed)]) == 1


def deliver_report(post: Postroom, original: str) -> None:
    """Another server says that this mail could not be delivered."""
    status = "Reporting-MTA: dns; mx.customer.example\n\nFinal-Recipient: rfc822; x@customer.example\nAction: failed\n"
    status += "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such mailbox\n"
    parts = [
        "Content-Type: text/plain\n\nThis is the mail system.\n",
        f"Content-Type: message/delivery-status\n\n{status}",
        f"Content-Type: text/rfc822-headers\n\nMessage-ID: {original}\n",
    ]
    body = "".join(f"--edge\n{part}\n" for part in parts) + "--edge--\n"
    report = raw(
        body,
        from_="MAILER-DAEMON@customer.example",
        message_id=f"<{original.strip('<>')}.bounce>",
        content_type="multipart/report; report-type=delivery-status; boundary=edge",
    )
    post.intake.take(Arrived(Cursor(1, 1), len(report), report))
    post.work()


# Without a server


class Flaky(MemoryStore):
    """A store that refuses a few times, and remembers the order of what was done."""

    def __init__(self) -> None:
        super().__init__()
        self.away = 0
        self.done: list[str] = []

    def ingest(self, arrival: Arrival) -> Ingested:
        if self.away:
            self.away -= 1
            raise Unavailable("the store is away")
        self.done.append("ingest")
        return super().ingest(arrival)

    def set_cursor(self, mailbox: str, position: str) -> None:
        self.done.append("cursor")
        super().set_cursor(mailbox, position)


def intake(store: MemoryStore) -> Intake:
    team = Stage({"desk": Agent()}, Script([]), CONFIG).team
    return Intake(Me(AGENT, SECRET, (SUPPORT,)), team, store, "mailbox:test")


def test_I3_the_cursor_moves_in_the_same_step_as_the_event() -> None:
    store = Flaky()
    intake(store).take(Arrived(Cursor(7, 3), 100, raw("Hello")))
    assert store.done == ["ingest"]
    assert store.cursors == {"mailbox:test": "7:3"}


def test_I3_nothing_is_acknowledged_while_the_store_is_away() -> None:
    store = Flaky()
    store.away = 1
    with pytest.raises(Unavailable):
        intake(store).take(Arrived(Cursor(7, 3), 100, raw("Hello")))
    assert store.cursors == {}
    intake(store).take(Arrived(Cursor(7, 3), 100, raw("Hello")))
    assert store.cursors == {"mailbox:test": "7:3"}
    assert len(store.logs) == 1


def test_the_cursor_moves_past_a_machines_mail_without_an_event() -> None:
    store = Flaky()
    intake(store).take(Arrived(Cursor(7, 3), 100, raw("I am away", auto_submitted="auto-replied")))
    assert (store.logs, store.cursors) == ({}, {"mailbox:test": "7:3"})


def test_I3_a_mail_that_cannot_be_read_is_kept_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_on(mail: Any, raw: bytes, *more: Any) -> Any:
        if "poison" in mail.subject:
            raise RuntimeError(mail.text)
        return translate(mail, raw, *more)

    monkeypatch.setattr("channels.email.pump.translate", break_on)
    with caplog.at_level(logging.DEBUG), Postroom(tmp_path, model=["Fine."]) as post:
        post.mail.send(GRETA, SUPPORT, "poison", "secret words")
        post.writes(GRETA, SUPPORT, "fine", "Hello")
        assert [each["subject"] for each in post.inbox(GRETA)] == ["Re: fine"]
        assert any(b"secret words" in blob for blob in post.store.blobs.values())
    assert "kept as blob" in caplog.text
    assert "secret words" not in caplog.text


def test_logs_hold_no_addresses_and_no_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Postroom(tmp_path, model=["An answer nobody logs."]) as post:
        post.writes(GRETA, SUPPORT, "a subject nobody logs", "words nobody logs")
        post.inbox(GRETA)
    ours = "\n".join(each.getMessage() for each in caplog.records if each.name.startswith(("parley", "channels.email")))
    assert "message_received by email" in ours
    assert "nobody logs" not in ours
    assert "@" not in ours


# Not too much, and how it is


def test_A5_a_stranger_who_never_stops_is_left_in_the_mailbox() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    taken = intake(store)
    for number in range(FROM_ONE_STRANGER + 5):
        taken.take(Arrived(Cursor(7, number), 100, raw("Hello", message_id=f"<{number}@example.com>")))
    assert len(store.logs) == FROM_ONE_STRANGER
    assert store.cursors == {"mailbox:test": f"7:{FROM_ONE_STRANGER + 4}"}
    taken.take(Arrived(Cursor(7, 999), 100, raw("Hello", from_="Ben <ben@example.com>", message_id="<b@example.com>")))
    assert len(store.logs) == FROM_ONE_STRANGER + 1


def test_A5_what_stays_in_the_mailbox_is_on_record_once_each() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    taken = intake(store)
    for number in (*range(FROM_ONE_STRANGER + 2), FROM_ONE_STRANGER + 1):
        taken.take(Arrived(Cursor(7, number), 100, raw("Hello", message_id=f"<{number}@example.com>")))
    left = json.loads(store.get("mailbox:test:passed") or b"")
    assert left == [f"7:{FROM_ONE_STRANGER}", f"7:{FROM_ONE_STRANGER + 1}"]


def test_A5_a_mail_that_is_given_again_while_the_store_is_away_counts_once() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    taken, ingest = intake(store), store.ingest

    def away(arrival: Arrival) -> Ingested:
        raise Unavailable("away")

    store.ingest = away  # type: ignore[method-assign]
    for _ in range(FROM_ONE_STRANGER):
        with pytest.raises(Unavailable):
            taken.take(Arrived(Cursor(7, 1), 100, raw("Hello")))
    store.ingest = ingest  # type: ignore[method-assign]
    taken.take(Arrived(Cursor(7, 1), 100, raw("Hello")))
    assert len(store.logs) == 1


def test_A5_people_of_the_team_write_as_much_as_they_like() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    team = Stage({"desk": Agent()}, Script([]), CONFIG).team
    taken = Intake(Me(AGENT, SECRET, (SUPPORT,), "mx.example.com"), team, store, "mailbox:test")
    vouched = "mx.example.com; dmarc=pass header.from=example.com"
    for number in range(FROM_ONE_STRANGER + 5):
        content = raw("Hello", message_id=f"<{number}@example.com>", authentication_results=vouched)
        taken.take(Arrived(Cursor(7, number), 100, content))
    assert len(store.logs) == FROM_ONE_STRANGER + 5


def test_A2_an_absence_notice_reaches_the_question(tmp_path: Path) -> None:
    asking = ("contact_human", {"question": "Which one?", "to": "ana"})
    with Postroom(tmp_path, model=[asking]) as post:
        post.writes(GRETA, SUPPORT, "hello", "Hello?")
        (question,) = post.inbox("ana@example.com")
        content = raw("Away", auto_submitted="auto-replied", in_reply_to=question["message_id"], to=SUPPORT)
        post.intake.take(Arrived(Cursor(1, 1), len(content), content))
        post.work()
        assert [each.type for each in post.thread.events][-1] == "away_noticed"
        assert in_words(post.thread).startswith("waiting for ana since")
        assert in_words(post.thread).endswith("(away: Ana Diaz)")
        assert len(post.inbox("ana@example.com")) == 1


def test_I8_when_the_mailbox_was_looked_at_is_on_record(tmp_path: Path) -> None:
    with Postroom(tmp_path) as post:
        post.wait_until(lambda: last_look(post.settings, post.store) is not None)
        assert last_look(post.settings, post.store) == post.stage.time


def test_I6_lost_connections_are_seen_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Postroom(tmp_path) as post:
        post.mail.disconnect_imap()
        post.wait_until(lambda: "connecting again" in caplog.text)
    assert {each.name for each in caplog.records if "connecting again" in each.getMessage()} == {"parley.email"}


def test_I6_the_mailbox_of_a_reader_that_was_killed_is_read_by_another_within_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pump.LOCK + pump.AGAIN < 10
    monkeypatch.setattr("channels.email.pump.LOCK", 0.5)
    monkeypatch.setattr("channels.email.pump.AGAIN", 0.05)
    with Postroom(tmp_path) as post:
        post.close()
        store = MemoryStore()
        assert store.lock(pump.name_of(post.settings.imap_url), pump.LOCK), "the killed one had it"
        stop = threading.Event()
        arguments = {"stop": stop, "pace": PACE}
        other = threading.Thread(target=run_mailbox, args=(post.settings, post.team, store), kwargs=arguments)
        other.start()
        post.wait_until(lambda: store.cursors)
        stop.set()
        other.join(10)


# Two machines that write to each other


def test_A4_two_machines_that_answer_each_other_come_to_rest(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["And you?"] * 40) as post:
        post.writes(GRETA, SUPPORT, "hello", "Hello")
        for _ in range(30):
            answer = post.inbox(GRETA)[-1]
            text = f"Automatic, but it does not say so {time.monotonic_ns()}"
            post.writes(GRETA, SUPPORT, answer["subject"], text, in_reply_to=answer["message_id"])
        assert len(post.inbox(GRETA)) == TO_ONE_THREAD


# The same signed mail once more


def test_S7_a_decision_that_is_sent_again_by_somebody_else_counts_once() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    taken = intake(store)
    content = raw("APPROVE", authentication_results="mx.example.com; dmarc=pass header.from=example.com")
    for number in (3, 4):
        taken.take(Arrived(Cursor(7, number), len(content), b"Received: by another.example\r\n" * number + content))
    assert [len(log) for log in store.logs.values()] == [1]


def test_S7_whoever_is_not_in_bot_toml_decides_nothing_however_well_proved() -> None:
    store = MemoryStore(lambda: 1_000_000.0)
    team = Stage({"desk": Agent()}, Script([]), CONFIG).team
    taken = Intake(Me(AGENT, SECRET, (SUPPORT,), "mx.example.com"), team, store, "mailbox:test")
    vouched = "mx.example.com; dmarc=pass header.from=elsewhere.example"
    content = raw("APPROVE", from_="sam@elsewhere.example", authentication_results=vouched)
    taken.take(Arrived(Cursor(7, 3), len(content), content))
    ((event,),) = store.logs.values()
    assert event.actor.proof == "dmarc"
    assert not event.actor.known
