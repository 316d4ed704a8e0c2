"""What became of a mail is known exactly: sent, to be tried again, failed, unknown, or a matter of settings."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from channels.email.address import Address
from channels.email.compose import Letter, compose
from channels.email.imap import Mailbox, Pace
from channels.email.mail import parse
from channels.email.pages import said
from channels.email.smtp import Failed, Misconfigured, Outcome, Refusal, Retry, Sent, Unknown, send
from tests.sandbox.mailside import Mailside

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LETTER = Letter(
    to=(Address("ana@example.com", "Ana Diaz"),),
    subject="Grüße",
    body=said("Hello **Ana**."),
    message_id="<m1@example.com>",
)
MAIL = compose(LETTER, Address("parley@example.com", "Parley"), datetime(2026, 11, 24, tzinfo=UTC))


def _sent(url: str, *recipients: str, sender: str = "parley@example.com", **more: Any) -> Outcome:
    return asyncio.run(send(url, MAIL, sender, recipients or ("ana@example.com",), seconds=2, **more))


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mailside]:
    with Mailside(tmp_path) as running:
        yield running


def test_a_mail_arrives_as_it_was_written(mail: Mailside) -> None:
    assert _sent(mail.smtp_url) == Sent()
    [raw] = mail.raw("ana@example.com")
    arrived = parse(raw)
    assert (arrived.subject, arrived.text, arrived.message_id) == ("Grüße", "Hello **Ana**.", "<m1@example.com>")
    assert arrived.from_.address == "parley@example.com"


def test_O5_bounces_come_back_to_the_sender_that_was_named(mail: Mailside) -> None:
    _sent(mail.smtp_url, sender="parley+q.abc@example.com")
    assert parse(mail.raw("ana@example.com")[0]).first("return-path") == "<parley+q.abc@example.com>"


def test_M2_a_refusal_for_now_is_tried_again_later(mail: Mailside) -> None:
    mail.refuse("DATA", "451 4.3.0 Try again later")
    assert _sent(mail.smtp_url) == Retry("The mail server does not take the mail now: 451 4.3.0 Try again later")
    assert _sent(mail.smtp_url) == Sent()


def test_M2_a_refusal_for_good_is_a_failure(mail: Mailside) -> None:
    mail.refuse("DATA", "554 5.7.1 Looks like spam")
    assert _sent(mail.smtp_url) == Failed("The mail server refused the mail: 554 5.7.1 Looks like spam")


@pytest.mark.parametrize(("answer", "outcome"), [("450 4.2.1 busy", Retry), ("550 5.1.1 unknown", Failed)])
def test_M2_without_any_recipient_the_mail_is_not_sent(mail: Mailside, answer: str, outcome: type[Outcome]) -> None:
    mail.refuse("RCPT", answer)
    result = _sent(mail.smtp_url)
    assert isinstance(result, outcome)
    assert isinstance(result, Retry | Failed)
    assert [refusal.code for refusal in result.refused] == [int(answer[:3])]


def test_M2_each_recipient_has_an_outcome(mail: Mailside) -> None:
    mail.refuse("RCPT", "550 5.1.1 No such user")
    assert _sent(mail.smtp_url, "nobody@example.com", "ana@example.com") == Sent(
        (Refusal("nobody@example.com", 550, "5.1.1 No such user"),)
    )
    assert len(mail.raw("ana@example.com")) == 1


def test_M3_a_mail_that_was_taken_without_an_answer_is_unknown(mail: Mailside) -> None:
    mail.lose_answers()
    assert isinstance(_sent(mail.smtp_url), Unknown)
    assert len(mail.raw("ana@example.com")) == 1


def test_M2_a_wrong_password_is_a_matter_of_settings(mail: Mailside) -> None:
    result = _sent(mail.smtp_url.replace("://parley", "://somebody"))
    assert result == Misconfigured(
        "The mail server refuses the user or the password of SMTP_URL: check both, percent-encoded."
    )


def test_M2_a_server_that_wants_a_login_is_a_matter_of_settings(mail: Mailside) -> None:
    anonymous = "smtp://" + mail.smtp_url.rpartition("@")[2]
    assert _sent(anonymous) == Misconfigured("The mail server wants a login: write user and password into SMTP_URL.")


def test_M2_a_server_that_is_not_there_is_tried_again() -> None:
    assert isinstance(_sent("smtp://a:b@127.0.0.1:1"), Retry)


@pytest.mark.parametrize("address", ["ana@example.com\r\nRCPT TO:<x@evil.example>", "ana@example.com>\r\nDATA"])
def test_O3_no_address_adds_a_command(mail: Mailside, address: str) -> None:
    assert isinstance(_sent(mail.smtp_url, address), Failed)
    assert isinstance(_sent(mail.smtp_url, sender=address), Failed)


# A server that answers nothing, and TLS


@contextmanager
def _talking(answers: list[bytes]) -> Iterator[str]:
    """A server that says these lines, one for the greeting and one for each line it hears, and then nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            if not await reader.readline():
                break
        await reader.read()
        writer.close()

    loop = asyncio.new_event_loop()
    server: asyncio.Server = loop.run_until_complete(asyncio.start_server(talk, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()


def test_M2_a_server_that_never_greets_is_tried_again() -> None:
    with _talking([]) as url:
        assert isinstance(asyncio.run(send(url, MAIL, "p@x.example", ["a@x.example"], seconds=0.3)), Retry)


def test_M2_a_server_that_stops_answering_before_the_mail_is_tried_again() -> None:
    with _talking([b"220 hi\r\n", b"250 hi\r\n"]) as url:
        assert isinstance(asyncio.run(send(url, MAIL, "p@x.example", ["a@x.example"], seconds=0.3)), Retry)


def test_M3_a_server_that_stops_answering_after_the_mail_leaves_it_unknown() -> None:
    with _talking([b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]) as url:
        result = asyncio.run(send(url, MAIL, "p@x.example", ["a@x.example"], seconds=2, patience=0.3))
        assert isinstance(result, Unknown)


class _Keeps:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope.content if isinstance(envelope.content, bytes) else b"")
        return "250 ok"


@contextmanager
def _encrypted(scheme: str) -> Iterator[tuple[str, _Keeps]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    keeps = _Keeps()

    def authenticate(*_: Any) -> AuthResult:
        return AuthResult(success=True)

    at_once: dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if scheme == "smtps"
        else {"tls_context": context, "require_starttls": True}
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(keeps, "127.0.0.1", port, authenticator=authenticate, **at_once)
    server.start()
    try:
        yield f"{scheme}://u:p@localhost:{port}", keeps
    finally:
        server.stop()


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_S8_a_certificate_is_verified(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with _encrypted(scheme) as (url, keeps):
        result = _sent(url)
        assert isinstance(result, Misconfigured)
        assert "certificate" in result.why
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert _sent(url) == Sent()
        assert isinstance(_sent(url.replace("localhost", "127.0.0.2")), Misconfigured | Retry)
        assert len(keeps.mails) == 1


def test_S8_starttls_is_not_done_without(mail: Mailside) -> None:
    assert isinstance(_sent(mail.smtp_url.replace("smtp://", "smtp+starttls://")), Misconfigured)
    assert mail.raw("ana@example.com") == []


def test_S8_a_mailbox_over_tls_is_verified_too(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    greeted: list[int] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(1)
        writer.close()

    async def trouble() -> str:
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
        mailbox = Mailbox(
            f"imaps://a:b@localhost:{server.sockets[0].getsockname()[1]}/INBOX", pace=Pace(timeout=2, retry=30)
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(aiter(mailbox.watch(None))), 0.7)
        server.close()
        return mailbox.trouble

    assert "certificate" in asyncio.run(trouble())
    assert not greeted
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert "certificate" not in asyncio.run(trouble())
    assert greeted
