"""The sandbox's SMTP server, spoken to by the client that Parley uses."""

import asyncio
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import pytest

from tests.sandbox.mailside import AGENT, PASSWORD, Mailside


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Mailside]:
    with Mailside(tmp_path) as mail:
        yield mail


def mail(sender: str, to: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Message-ID"] = headers.pop("message_id", "<1@example.com>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("hello\n.\n..\n")
    return message


def as_agent(far: Mailside, message: EmailMessage, *, sender: str = AGENT, **more: Any) -> Any:
    url = urlsplit(far.smtp_url)
    login = {"username": unquote(url.username or ""), "password": unquote(url.password or "")}
    return send(far, message, sender=sender, **login, **more)


def send(far: Mailside, message: EmailMessage, **more: Any) -> Any:
    url = urlsplit(far.smtp_url)
    return asyncio.run(
        aiosmtplib.send(message, hostname=url.hostname, port=url.port, start_tls=False, timeout=5, **more)
    )


def raw(far: Mailside, address: str) -> list[Any]:
    return [message_from_bytes(octets) for octets in far.raw(address)]


def test_the_agents_mail_reaches_a_person(far: Mailside) -> None:
    as_agent(far, mail(AGENT, "Ana <ana@example.com>"))

    (received,) = far.messages("ana@example.com")

    assert (received["from"], received["direction"], received["read"]) == (AGENT, "in", False)
    assert received["text"] == "hello\n.\n..\n"


def test_a_persons_mail_reaches_the_agent_with_a_passing_result(far: Mailside) -> None:
    far.send("greta.weber@customer.example", "support@example.com", "Lamp", "It is broken.")

    (received,) = raw(far, AGENT)

    assert received["Authentication-Results"] == "mx.example.com; dmarc=pass header.from=customer.example"
    assert received["Delivered-To"] == received["X-Original-To"] == "support@example.com"
    assert received["Return-Path"] == "<greta.weber@customer.example>"
    assert received["Message-ID"].endswith("@customer.example>")


def test_a_plus_address_is_kept_in_delivered_to(far: Mailside) -> None:
    far.send("ana@example.com", "parley+q.Tok3n@example.com", "Re: api", "APPROVE")

    (received,) = raw(far, AGENT)

    assert received["Delivered-To"] == "parley+q.Tok3n@example.com"


def test_a_mail_from_outside_never_passes_and_its_forged_result_is_gone(far: Mailside) -> None:
    forged = mail("ana@example.com", AGENT, authentication_results="mx.example.com; dmarc=pass header.from=example.com")

    send(far, forged, sender="eve@evil.example")

    (received,) = raw(far, AGENT)
    assert received.get_all("Authentication-Results") == ["mx.example.com; dmarc=fail header.from=example.com"]


def test_a_forger_on_the_page_fails_and_leaves_no_trace_in_the_victims_mailbox(far: Mailside) -> None:
    far.send("ana@example.com", AGENT, "Re: api", "APPROVE", spoof=True)

    (received,) = raw(far, AGENT)

    assert received["From"] == "Ana Diaz <ana@example.com>"
    assert "dmarc=fail" in received["Authentication-Results"]
    assert far.messages("ana@example.com") == []


def test_the_agent_cannot_pass_as_somebody_else(far: Mailside) -> None:
    as_agent(far, mail("ana@example.com", AGENT))

    (received,) = raw(far, AGENT)

    assert "dmarc=fail" in received["Authentication-Results"]


@pytest.mark.parametrize("sender", ["ana@example.com", AGENT, "nobody@example.com"])
def test_our_own_senders_must_log_in(far: Mailside, sender: str) -> None:
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        send(far, mail(sender, AGENT), sender=sender)

    assert refused.value.code == 530


def test_the_agent_sends_from_its_own_addresses_only(far: Mailside) -> None:
    as_agent(far, mail("support@example.com", "ana@example.com"), sender="support+q.1@example.com")
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        as_agent(far, mail(AGENT, "ana@example.com"), sender="ana@example.com")

    assert refused.value.code == 553


@pytest.mark.parametrize(("username", "password"), [(AGENT, "wrong"), ("ana@example.com", PASSWORD)])
def test_a_wrong_password_is_refused(far: Mailside, username: str, password: str) -> None:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
        send(far, mail(AGENT, "ana@example.com"), username=username, password=password)

    assert refused.value.code == 535


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_both_ways_to_log_in_work(far: Mailside, mechanism: str) -> None:
    async def log_in() -> int:
        url = urlsplit(far.smtp_url)
        client = aiosmtplib.SMTP(hostname=url.hostname, port=url.port, start_tls=False, timeout=5)
        async with client:
            await client.ehlo()
            answer = await getattr(client, mechanism)(AGENT, PASSWORD)
        return int(answer.code)

    assert asyncio.run(log_in()) == 235


def test_an_unknown_recipient_of_ours_is_refused_and_the_others_get_their_mail(far: Mailside) -> None:
    refused, _ = as_agent(far, mail(AGENT, "ana@example.com, nobody@example.com"))

    assert refused["nobody@example.com"][0] == 550
    assert "5.1.1" in refused["nobody@example.com"][1]
    assert len(far.messages("ana@example.com")) == 1


def test_strangers_cannot_relay(far: Mailside) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        send(far, mail("eve@evil.example", "bob@elsewhere.invalid"), sender="eve@evil.example")


def test_mail_that_nobody_can_receive_comes_back_as_a_report(far: Mailside) -> None:
    as_agent(far, mail(AGENT, "gone@nowhere.invalid", message_id="<q.7@example.com>"), sender="parley+v.7@example.com")
    far.wait_for(AGENT)

    (report,) = raw(far, AGENT)

    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert (report["Return-Path"], report["Delivered-To"]) == ("<>", "parley+v.7@example.com")
    assert report["Authentication-Results"] == "mx.example.com; none"
    words, status, original = report.get_payload()
    assert "gone@nowhere.invalid" in words.get_payload()
    recipient = status.get_payload()[1]
    assert recipient["Final-Recipient"] == "rfc822; gone@nowhere.invalid"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.2")
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <q.7@example.com>" in original.get_payload()


def test_a_persons_mail_into_nowhere_comes_back_to_that_person(far: Mailside) -> None:
    far.send("ben@example.com", ["nobody@example.com", "ana@example.com"], "Hi", "…")

    (report,) = far.wait_for("ben@example.com")

    assert (report["auto"], report["to"]) == (True, ["ben@example.com"])
    assert "nobody@example.com" in report["text"]
    assert len(far.wait_for("ana@example.com")) == 1


def test_what_has_no_sender_is_never_sent_back(far: Mailside) -> None:
    as_agent(far, mail(AGENT, "gone@nowhere.invalid"), sender="")
    as_agent(far, mail(AGENT, "gone@nowhere.invalid", message_id="<2@example.com>"))
    far.wait_for(AGENT)

    (report,) = raw(far, AGENT)

    assert "<2@example.com>" in report.as_string()


@pytest.mark.parametrize(("stage", "answer"), [("RCPT", "450 4.2.1 Later"), ("RCPT", "550 5.7.1 Never")])
def test_a_recipient_is_refused_as_often_as_asked(far: Mailside, stage: Any, answer: str) -> None:
    far.refuse(stage, answer)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        as_agent(far, mail(AGENT, "ana@example.com"))
    as_agent(far, mail(AGENT, "ana@example.com"))

    assert f"{refused.value.recipients[0].code}" == answer[:3]
    assert len(far.messages("ana@example.com")) == 1


@pytest.mark.parametrize("answer", ["451 4.3.0 Later", "554 5.6.0 Never"])
def test_a_mail_is_refused_as_often_as_asked(far: Mailside, answer: str) -> None:
    far.refuse("DATA", answer, times=2)
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            as_agent(far, mail(AGENT, "ana@example.com"))
        assert f"{refused.value.code}" == answer[:3]
    as_agent(far, mail(AGENT, "ana@example.com"))

    (received,) = far.messages("ana@example.com")
    assert received["repeated"] is False


def test_a_lost_answer_leaves_a_mail_and_its_repetition_is_marked(far: Mailside) -> None:
    far.lose_answers()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        as_agent(far, mail(AGENT, "ana@example.com"))
    as_agent(far, mail(AGENT, "ana@example.com"))
    as_agent(far, mail(AGENT, "ana@example.com", message_id="<other@example.com>"))

    assert [received["repeated"] for received in far.messages("ana@example.com")] == [False, True, False]


def test_one_mail_to_two_addresses_of_a_mailbox_is_no_repetition(far: Mailside) -> None:
    far.send("ana@example.com", ["support@example.com", "ops@example.com"], "Hi", "…")

    assert [received["repeated"] for received in far.messages(AGENT)] == [False, False]
    assert [received["Delivered-To"] for received in raw(far, AGENT)] == ["support@example.com", "ops@example.com"]


def test_a_mail_over_the_size_limit_is_refused_before_it_is_sent(far: Mailside) -> None:
    big = mail(AGENT, "ana@example.com")
    big.set_content("x" * 76 + "\n" + ("y" * 76 + "\n") * 350_000)

    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        as_agent(far, big)

    assert refused.value.code == 552


def test_bare_line_feeds_are_refused(far: Mailside) -> None:
    async def smuggle() -> bytes:
        url = urlsplit(far.smtp_url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(b"EHLO x\r\nMAIL FROM:<e@evil.example>\r\nRCPT TO:<parley@example.com>\r\nDATA\r\n")
        await reader.readuntil(b"354 ")
        writer.write(b"Subject: a\nAuthentication-Results: mx.example.com; dmarc=pass\r\n\r\nb\r\n.\r\nQUIT\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    assert b"550 5.6.11" in asyncio.run(smuggle())
    assert far.messages(AGENT) == []
