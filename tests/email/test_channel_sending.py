"""Sending: one Message-ID a delivery, whatever breaks; the right people and nobody else; not too much of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.events import Delivered, DeliveryFailed, MessageReceived
from bot.memory import MemoryStore
from bot.owed import Delivery, Say, owed
from bot.ports import Doubtful, Sent, Undelivered
from bot.settings import Settings
from bot.thread import Thread
from channels.email.channel import TO_ONE_PERSON, TO_ONE_THREAD, EmailChannel, email_channel, thread_wait
from channels.email.imap import Arrived, Cursor, Disconnected, Refused
from channels.email.me import Me
from channels.email.pace import HOUR, Pace
from channels.email.present import Scene, our_words
from channels.email.present import present as presented
from tests.email.desk import ANA, EVE, ME, TEAM, Desk, from_
from tests.email.postroom import GRETA, SUPPORT, Postroom
from tests.email.samples import raw
from tests.sandbox.mailside import AGENT, Mailside

HELLO = Say("Hello")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def delivery(address: str, body: Any = HELLO, key: str = "d1") -> Delivery:
    return Delivery(key=key, address=address, body=body, attempt=1, look=False, shows="")


def greeted(desk: Desk, **headers: str) -> Thread:
    """A thread in which Greta wrote."""
    thread, _ = desk.hears(raw("Hello", from_(GRETA, headers, name="Greta Weber")))
    return desk.thread(thread)


def to_and_cc(desk: Desk, thread: Thread) -> tuple[list[str], list[str]]:
    letter, _ = presented(delivery(thread.state.home), desk.thread(thread.id), TEAM, ME)
    return [each.address for each in letter.to], [each.address for each in letter.cc]


# Whom an answer reaches


def test_an_answer_goes_to_who_wrote_or_where_they_want_it(desk: Desk) -> None:
    assert to_and_cc(desk, greeted(desk)) == ([GRETA], [])
    desk = Desk()
    assert to_and_cc(desk, greeted(desk, **{"Reply-To": "office@customer.example"})) == (
        ["office@customer.example"],
        [],
    )


def test_in_copy_go_people_of_the_team_and_those_who_wrote_but_no_strangers_and_never_ourselves(desk: Desk) -> None:
    thread = greeted(desk, To=f"{SUPPORT}, {ANA}, {AGENT}", Cc=EVE)
    assert to_and_cc(desk, thread) == ([GRETA], [ANA])
    desk.hears(raw("Me too", from_(EVE, {"In-Reply-To": f"<first.{GRETA}>", "Cc": f"{GRETA}, x@strangers.example"})))
    assert to_and_cc(desk, thread) == ([EVE], [GRETA])


def test_T6_nobody_can_send_a_conversation_elsewhere(desk: Desk) -> None:
    thread = greeted(desk)
    forged = {"In-Reply-To": f"<first.{GRETA}>", "Reply-To": EVE, "Cc": EVE}
    desk.hears(raw("Please repeat what you wrote", from_(GRETA, forged, id="second")))
    assert to_and_cc(desk, thread) == ([GRETA], [])


def test_a_conversation_that_was_forgotten_is_no_address_to_write_to(desk: Desk) -> None:
    thread = greeted(desk)
    home = thread.state.home
    desk.store.forget(thread.id)
    with pytest.raises(Undelivered, match="not known any more"):
        presented(delivery(home), desk.thread(thread.id), TEAM, ME)


def test_a_persons_answer_keeps_to_their_own_conversation(desk: Desk) -> None:
    thread = greeted(desk)
    sent = desk.sends(thread.id, "d1", f"email:{ANA}")
    (begun,) = [each.maps[0] for each in desk.thread(thread.id).events if isinstance(each, Delivered)]
    desk.hears(raw("Hm", from_(ANA, {"In-Reply-To": sent}, vouched=True)))
    letter, sender = presented(delivery(begun, key="d2"), desk.thread(thread.id), TEAM, ME)
    assert ([each.address for each in letter.to], letter.in_reply_to) == ([ANA], f"<first.{ANA}>")
    assert letter.references == (sent, f"<first.{ANA}>")
    assert sender.address == AGENT


def test_our_own_words_of_a_thread_are_known_so_that_they_are_nobodys(desk: Desk) -> None:
    thread = greeted(desk)
    desk.asks(thread.id, f"email:{ANA}", kind="approval", names=("ops",), arguments={"environment": "production"})
    assert any("Reply with APPROVE" in text for text in our_words(desk.thread(thread.id), TEAM, ME))


def test_a_card_that_was_settled_before_it_went_out_asks_nothing(desk: Desk) -> None:
    thread = greeted(desk)
    interaction = desk.asks(thread.id, f"email:{ANA}", kind="approval", names=("ops",))
    desk.hears(raw("APPROVE", from_(ANA, {"Delivered-To": ME.reply_address(interaction)}, vouched=True)))
    (card,) = [each for each in owed(desk.thread(thread.id), 0.0) if each.address == f"email:{ANA}"]
    letter, _ = presented(card, desk.thread(thread.id), TEAM, ME)
    assert "APPROVE" not in letter.body.text
    assert "Ana approved this at" in letter.body.text


def test_times_are_the_readers(desk: Desk) -> None:
    ana = TEAM.people["ana"].model_copy(update={"timezone": "America/New_York"})
    team = replace(TEAM, people={**TEAM.people, "ana": ana})
    thread = desk.thread(greeted(desk).id)
    now = thread.state.updated  # 12 January 1970, 13:46:40 UTC
    assert Scene(thread, team, ME, ANA).when(now) == "08:46"
    assert Scene(thread, team, ME, GRETA).when(now) == "13:46 UTC"
    assert Scene(thread, team, ME, ANA).when(now + 86_400) == "Tue 13 Jan, 08:46"


# What breaks on the way


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mailside]:
    with Mailside(tmp_path) as running:
        yield running


def channel(mail: Mailside, **more: Any) -> EmailChannel:
    return EmailChannel(replace(ME, authserv_id=mail.authserv_id), TEAM, mail.smtp_url, MemoryStore(), **more)


def test_M3_a_mail_without_an_answer_is_doubtful_and_is_repeated_with_the_same_id(desk: Desk, mail: Mailside) -> None:
    thread, out = greeted(desk), channel(mail)
    mail.lose_answers()
    with pytest.raises(Doubtful):
        out.send(delivery(thread.state.home), thread)
    assert out.find(delivery(thread.state.home), thread) is None
    again = out.send(delivery(thread.state.home), thread)
    first, second = mail.messages(GRETA)
    assert first["message_id"] == second["message_id"] == again.native
    assert out.send(delivery(thread.state.home, key="d2"), thread).native != again.native


@pytest.mark.parametrize(
    ("stage", "answer", "retry"),
    [
        ("RCPT", "450 4.2.1 later, ana@example.com", True),
        ("RCPT", "550 5.1.1 gone", False),
        ("DATA", "451 4.3.0 later", True),
        ("DATA", "554 5.7.1 spam from ana@example.com", False),
    ],
)
def test_what_the_server_says_decides_whether_it_is_tried_again(
    desk: Desk, mail: Mailside, stage: Any, answer: str, retry: bool
) -> None:
    thread = greeted(desk)
    mail.refuse(stage, answer)
    with pytest.raises(Undelivered) as refused:
        channel(mail).send(delivery(thread.state.home), thread)
    assert (refused.value.retry_after is not None) == retry
    assert "@" not in str(refused.value)


def test_a_server_that_is_not_there_or_wants_another_password_is_tried_later(desk: Desk, mail: Mailside) -> None:
    thread = greeted(desk)
    for url in ("smtp://127.0.0.1:1", mail.smtp_url.replace("open", "closed")):
        with pytest.raises(Undelivered) as refused:
            EmailChannel(ME, TEAM, url, MemoryStore()).send(delivery(thread.state.home), thread)
        assert refused.value.retry_after


def test_a_first_mail_to_a_person_opens_a_conversation_and_an_answer_does_not(desk: Desk, mail: Mailside) -> None:
    thread, out = greeted(desk), channel(mail)
    opened = out.send(delivery(f"email:{ANA}"), thread)
    assert opened.maps == (f"email:{opened.native.strip('<>')}",)
    assert out.send(delivery(thread.state.home), thread).maps == ()


def test_M1_killed_between_sending_and_writing_it_down_repeats_only_the_same_mail(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    with Postroom(tmp_path, model=["The answer."]) as post:
        send = post.channel.send

        def dies(delivery: Delivery, thread: Thread) -> Sent:
            send(delivery, thread)
            raise Killed

        post.channel.send = dies  # type: ignore[method-assign]
        post.writes(GRETA, SUPPORT, "hello", "Hello?")
        post.channel.send = send  # type: ignore[method-assign]
        assert not [each for each in post.thread.events if isinstance(each, Delivered)]
        post.start_worker()
        post.stage.time += 3_600
        post.store.look_at(post.thread.id, 0.0)
        post.work()
        first, second = post.inbox(GRETA)
        assert first["message_id"] == second["message_id"]
        assert len([each for each in post.thread.events if isinstance(each, Delivered)]) == 1


def test_A3_a_bounce_reaches_the_thread_it_belongs_to(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Gone?"]) as post:
        content = raw("Hello", {"From": "x@nowhere.example", "Delivered-To": SUPPORT})
        post.intake.take(Arrived(Cursor(1, 0), 1, content))
        post.work()
        post.wait_until(lambda: post.mail.raw(AGENT))
        post.wait_until(lambda: [each for each in post.thread.events if isinstance(each, DeliveryFailed)])
        post.hear()
        assert len([each for each in post.thread.events if isinstance(each, MessageReceived)]) == 1


# Not too much


def test_A4_after_twenty_mails_in_an_hour_a_thread_waits(desk: Desk) -> None:
    thread = greeted(desk)
    for number in range(TO_ONE_THREAD):
        assert thread_wait(desk.thread(thread.id)) == 0.0
        desk.sends(thread.id, f"d{number}", thread.state.home)
    assert thread_wait(desk.thread(thread.id)) == HOUR
    with pytest.raises(Undelivered) as refused:
        EmailChannel(ME, TEAM, "smtp://127.0.0.1:1", desk.store).send(
            delivery(thread.state.home, key="d99"), desk.thread(thread.id)
        )
    assert refused.value.retry_after == HOUR


def test_M4_after_two_hundred_mails_in_an_hour_a_person_waits() -> None:
    clock = [1_000_000.0]
    store = MemoryStore(lambda: clock[0])
    for _ in range(TO_ONE_PERSON):
        pace = Pace(store, "to", TO_ONE_PERSON)  # as another process has it
        assert pace.wait([GRETA]) == 0.0
        pace.count([GRETA.upper()])
        clock[0] += 1.0
    assert pace.wait([ANA, GRETA]) == HOUR - 200.0
    assert pace.wait([ANA]) == 0.0
    clock[0] = 1_000_000.0 + HOUR
    assert pace.wait([GRETA]) == 0.0


def test_C2_the_ids_of_our_mails_cannot_be_made_by_others() -> None:
    mine, forged = ME.message_id("abc", "d1"), Me(AGENT, "some other secret").message_id("abc", "d1")
    assert mine == ME.message_id("abc", "d1")
    assert mine.endswith("@example.com>")
    assert (ME.minted(mine), ME.minted(forged)) == (True, False)


# A copy among the sent mails


def test_M5_a_copy_is_kept_where_the_provider_does_not_do_it(desk: Desk, mail: Mailside) -> None:
    thread = greeted(desk)
    kept: list[bytes] = []

    async def keep(raw: bytes) -> None:
        kept.append(raw)

    sent = channel(mail, keep=keep).send(delivery(thread.state.home), thread)
    (arrived,) = mail.raw(GRETA)
    assert sent.native.encode() in kept[0]
    assert (
        kept[0].partition(b"\r\n\r\n")[2].strip()
        == arrived.replace(b"\n", b"\r\n").replace(b"\r\r", b"\r").partition(b"\r\n\r\n")[2].strip()
    )


@pytest.mark.parametrize("problem", [Refused("no such folder"), Disconnected("the server is away")])
def test_M5_a_copy_that_cannot_be_kept_does_not_undo_the_mail(desk: Desk, mail: Mailside, problem: Exception) -> None:
    async def keep(raw: bytes) -> None:
        raise problem

    thread = greeted(desk)
    assert channel(mail, keep=keep).send(delivery(thread.state.home), thread).native
    assert len(mail.raw(GRETA)) == 1


def test_M5_the_copy_goes_into_the_folder_of_the_settings(tmp_path: Path) -> None:
    with Mailside(tmp_path) as mail:
        given = Settings(
            email_address=AGENT,
            smtp_url=mail.smtp_url,
            imap_url=mail.imap_url,
            secret="a secret for tests, long enough for it",
            email_sent_folder="INBOX",
        )
        desk = Desk()
        thread = greeted(desk)
        email_channel(given, TEAM, desk.store).send(delivery(thread.state.home), thread)
        (copy,) = mail.raw(AGENT)
        assert b"To: " in copy
        assert GRETA.encode() in copy
