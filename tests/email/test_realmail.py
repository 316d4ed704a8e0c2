"""The email channel on real servers: Postfix and Dovecot, in the open, by STARTTLS and by TLS, with what goes wrong there."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest

from bot import Approval, Tool
from bot.events import DeliveryFailed
from bot.settings import Settings
from channels.email.channel import EmailChannel, email_channel
from channels.email.checkup import check_up
from channels.email.imap import Pace
from channels.email.smtp import Failed, Misconfigured, Refusal, Retry, Sent, send
from tests.email.desk import ME, TEAM, Desk
from tests.email.keys import PRIVATE, RECORD
from tests.email.postroom import GRETA, SECRET, SUPPORT, Postroom
from tests.email.realmail import GONE, HOST, LATER, NEVER, RealMail, Way, running
from tests.email.samples import raw
from tests.email.test_channel_sending import delivery, greeted
from tests.sandbox.mailside import AGENT

pytestmark = pytest.mark.mailserver

ANA = "ana@example.com"
PUSHED = Pace(timeout=10, idle=60, poll=60, first_look=0.2, retry=0.05, longest_retry=0.5)
"""Nothing is found by looking again within a test: only IDLE tells of it in time."""


@pytest.fixture(scope="module")
def mail() -> Iterator[RealMail]:
    yield from running()


@pytest.fixture(autouse=True)
def _authority(mail: RealMail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mail.authority))


def postroom(mail: RealMail, path: Path, *tools: Any, way: Way = "tls", **more: Any) -> Postroom:
    return Postroom(path, *tools, mail=mail.by(way), pace=PUSHED, **more)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def write(to: str = "support@example.com") -> bytes:
    return raw("Hello", from_=AGENT, to=to, message_id=f"<{time.monotonic_ns()}@example.com>")


# Reading and answering


@pytest.mark.parametrize("way", ["plain", "starttls", "tls"])
def test_I5_a_mail_is_pushed_and_answered_in_its_thread(mail: RealMail, tmp_path: Path, way: Way) -> None:
    with postroom(mail, tmp_path, way=way, model=["It is fine."] * 3) as post:
        time.sleep(0.5)  # until the first look, after which only IDLE can tell
        took = []
        for _ in range(3):
            started = time.monotonic()
            sent = post.writes(GRETA, SUPPORT, f"hello {way}", "How are you?")
            answer = mail.answer_to(GRETA, sent)
            took.append(time.monotonic() - started)
            assert answer["text"].strip() == "It is fine."
            assert answer["references"][0] == sent
        assert min(took) < 2.0, took


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart a service."""

    service: str

    def run(self) -> str:
        return "done"


def signed(raw: bytes) -> bytes:
    """As the mail server of example.com sends it: signed, and folded as servers do."""
    return bytes(dkim.sign(raw, b"s1", b"example.com", PRIVATE)) + raw


def test_S5_an_approval_is_decided_by_its_plus_address_and_the_senders_own_signature(
    mail: RealMail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.email.me.DNS", lambda name, timeout=5: RECORD)
    calls = [("restart", {"service": "api"}), "It is restarted."]
    with postroom(mail, tmp_path, Restart, model=calls, vouched=False, email_dkim="verify") as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        asked = mail.wait_for(ANA, lambda each: each["subject"] == "Re: api is slow")
        to = asked["reply_to"][0]
        assert to.startswith("parley+q.")
        answer = {"in_reply_to": asked["message_id"], "references": asked["references"]}
        post.writes(ANA, to.upper().replace("EXAMPLE.COM", "example.com"), asked["subject"], "APPROVE", **answer)
        assert post.thread.state.open_interactions, "nobody signed this one"
        post.writes(ANA, to, asked["subject"], "APPROVE", signed=signed, **answer)
        assert not post.thread.state.open_interactions
        (stamped,) = [each for each in mail.raw(AGENT) if b"DKIM-Signature" in each]
        assert f"Delivered-To: {to}".encode() in stamped
        assert mail.wait_for(GRETA, lambda each: each["text"].strip() == "It is restarted.")


# What breaks


def test_I6_the_reader_survives_being_thrown_out(mail: RealMail, tmp_path: Path) -> None:
    with postroom(mail, tmp_path, model=["Still here."] * 2) as post:
        for _ in range(2):
            mail.kick()
            sent = post.writes(GRETA, SUPPORT, "after a kick", "Hello?")
            assert mail.answer_to(GRETA, sent)["text"].strip() == "Still here."


def test_I6_the_reader_survives_a_restart_of_the_server(mail: RealMail, tmp_path: Path) -> None:
    with postroom(mail, tmp_path, model=["Back again."]) as post:
        mail.stop_dovecot()
        sent = mail.send(GRETA, SUPPORT, "while it was down", "Hello?")
        mail.start_dovecot()
        mail.flush()
        mail.wait_for(AGENT, lambda each: each["message_id"] == sent)
        post.hear()
        assert mail.answer_to(GRETA, sent)["text"].strip() == "Back again."


def test_I1_after_a_new_uidvalidity_nothing_is_lost_or_heard_twice(mail: RealMail, tmp_path: Path) -> None:
    with postroom(mail, tmp_path, model=["Read."] * 50) as post:
        post.writes(GRETA, SUPPORT, "before the change", "one")
        before = str(post.intake.cursor).partition(":")[0]
        mail.renumber()
        post.wait_until(lambda: str(post.intake.cursor).partition(":")[0] != before, 30)
        sent = post.writes(GRETA, SUPPORT, "after the change", "two")
        assert mail.answer_to(GRETA, sent)["text"].strip() == "Read."
        subjects = [each.state.title for each in post.threads()]
        assert subjects.count("before the change") == subjects.count("after the change") == 1


# Sending


@pytest.mark.parametrize("way", ["plain", "starttls", "tls"])
def test_M2_each_recipient_has_an_outcome(mail: RealMail, way: Way) -> None:
    async def sent(*recipients: str) -> Any:
        return await send(mail.smtp_url(way), write(), AGENT, recipients, seconds=10)

    assert run(sent("carl@example.com")) == Sent()
    assert isinstance(run(sent(LATER)), Retry)
    assert isinstance(run(sent(NEVER)), Failed)
    outcome = run(sent("carl@example.com", NEVER, LATER))
    assert isinstance(outcome, Sent)
    assert [(each.recipient, each.code) for each in outcome.refused] == [(NEVER, 550), (LATER, 450)]
    assert all(isinstance(each, Refusal) for each in outcome.refused)


def test_M2_a_mail_that_is_too_large_fails_for_good(mail: RealMail) -> None:
    outcome = run(send(mail.smtp_url(), write() + b"x" * 70 * 40_000, AGENT, ["carl@example.com"], seconds=10))
    assert isinstance(outcome, Failed)
    assert "552" in outcome.why


def test_S8_a_certificate_of_an_unknown_authority_is_not_trusted(
    mail: RealMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    for way in ("starttls", "tls"):
        outcome = run(send(mail.smtp_url(way), write(), AGENT, ["carl@example.com"], seconds=10))
        assert isinstance(outcome, Misconfigured)
        assert "certificate" in outcome.why


def test_A3_a_mail_that_comes_back_later_fails_its_delivery(mail: RealMail, tmp_path: Path) -> None:
    with postroom(mail, tmp_path, model=["Hello.", "I could not reach you."]) as post:
        mail.deliver(GONE, SUPPORT, raw("Hello?", from_=GONE, message_id="<gone1@example.com>"))
        mail.wait_for(AGENT, lambda each: each["message_id"] == "<gone1@example.com>")
        post.hear()
        post.wait_until(lambda: [each for each in post.thread.events if isinstance(each, DeliveryFailed)], 30)
        (failed,) = [each for each in post.thread.events if isinstance(each, DeliveryFailed)]
        assert "came back" in failed.error
        assert failed.retry_at is None


def test_M5_a_copy_is_kept_among_the_sent_mails(mail: RealMail) -> None:
    desk = Desk()
    thread = greeted(desk)
    given = Settings(
        email_address=AGENT,
        smtp_url=mail.smtp_url(),
        imap_url=mail.imap_url(),
        secret=SECRET,
        email_sent_folder="Sent",
    )
    sent = email_channel(given, TEAM, desk.store).send(delivery(thread.state.home), thread)
    (copy,) = mail.raw(AGENT, ".Sent")
    assert sent.native.encode() in copy


def test_M3_the_same_delivery_has_one_message_id_on_a_real_server(mail: RealMail) -> None:
    desk = Desk()
    thread = greeted(desk)
    out = EmailChannel(ME, TEAM, mail.smtp_url(), desk.store)
    ids = {out.send(delivery(thread.state.home), thread).native for _ in range(2)}
    assert len(ids) == 1


# Forged headers: last, since the server is changed


def test_S6_the_doctor_finds_out_whether_forged_headers_are_removed(mail: RealMail) -> None:
    given = Settings(
        email_address=AGENT,
        imap_url=mail.imap_url(),
        smtp_url=mail.smtp_url(),
        email_authserv_id=HOST,
        secret=SECRET,
    )
    assert [each.text for each in check_up(given, send=True) if each.mark == "✗"] == [
        "the mail server lets forged words about senders through: anybody could decide in your people's names"
    ]
    mail.remove_forged_headers()
    assert [each.text for each in check_up(given, send=True) if each.mark != "✓"] == []
