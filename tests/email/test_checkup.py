"""The doctor's look at the mailbox, against the sandbox's mail server, a server of few words, and none."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.checkup import Finding
from bot.memory import MemoryStore
from bot.settings import Settings
from channels.email.checkup import check_up, reader, unheard
from channels.email.pump import name_of
from channels.sandbox.mail import stamp
from tests.email.fake_imap import FakeImap
from tests.sandbox.mailside import AGENT, Mailside

SECRET = "a secret for tests, long enough for it"


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mailside]:
    with Mailside(tmp_path) as mail:
        yield mail


def settings(mail: Mailside, **changed: str) -> Settings:
    given = {
        "email_address": AGENT,
        "imap_url": mail.imap_url,
        "smtp_url": mail.smtp_url,
        "email_authserv_id": mail.authserv_id,
        "secret": SECRET,
    }
    return Settings(**{**given, **changed})  # type: ignore[arg-type]


@contextmanager
def fake(server: FakeImap) -> Iterator[FakeImap]:
    """The server in a thread of its own, since each check brings its own loop."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with server.serving():
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.text for finding in findings if finding.mark != "✓"]


def test_a_mailbox_in_order_is_all_ticks_and_nothing_is_sent(mail: Mailside) -> None:
    findings = list(check_up(settings(mail)))
    assert wrong(findings) == []
    assert len(findings) == 3
    assert mail.raw(AGENT) == []


def test_without_settings_email_is_off_in_one_line() -> None:
    assert list(check_up(Settings(secret=SECRET))) == [Finding("✓", "off: EMAIL_ADDRESS is not set")]


def test_half_of_the_settings_is_a_mistake_with_an_example() -> None:
    findings = list(check_up(Settings(email_address=AGENT)))
    assert wrong(findings)[:3] == ["IMAP_URL is not set", "SMTP_URL is not set", "BOT_SECRET is not set"]
    assert all(finding.mend for finding in findings)


def test_a_wrong_password_is_said_of_each_way_and_never_shown(mail: Mailside) -> None:
    urls = {
        name: url.replace("sesame", "guessed")
        for name, url in (("imap_url", mail.imap_url), ("smtp_url", mail.smtp_url))
    }
    findings = list(check_up(settings(mail, **urls)))
    said = " ".join(f"{each.text} {each.mend}" for each in findings if each.mark == "✗")
    assert "refuses the user or the password of IMAP_URL" in said
    assert "refuses the user or the password of SMTP_URL" in said
    assert "guessed" not in str(findings)
    assert AGENT not in str(findings)


def test_servers_that_are_not_there_are_one_sentence_each(mail: Mailside) -> None:
    away = {"imap_url": "imap://u:p@127.0.0.1:1/INBOX", "smtp_url": "smtp://u:p@127.0.0.1:1"}
    findings = [each for each in check_up(settings(mail, **away)) if each.mark == "✗"]
    assert len(findings) == 2
    assert "could not be reached" in findings[0].text
    assert "could not be reached" in findings[1].mend


def test_a_server_without_idle_is_a_warning(mail: Mailside) -> None:
    with fake(FakeImap(capabilities="IMAP4rev1")) as server:
        findings = list(check_up(settings(mail, imap_url=server.url)))
    assert wrong(findings) == ["the IMAP server has no IDLE, so mails are noticed late"]


def test_a_folder_that_is_not_there_is_said(mail: Mailside) -> None:
    findings = list(check_up(settings(mail, imap_url=mail.imap_url.replace("INBOX", "Nowhere"))))
    assert wrong(findings) == ["the mail server has no such folder as IMAP_URL names"]


def test_a_password_in_the_open_is_a_warning_beyond_this_machine(mail: Mailside) -> None:
    """The address is of a network that leads nowhere; that it cannot be reached is said beside it."""
    findings = list(check_up(settings(mail, smtp_url="smtp://user:password@nowhere.invalid")))
    assert wrong(findings)[0] == "SMTP_URL sends its password unencrypted"


def test_nobody_who_vouches_for_senders_is_a_warning_that_mails_decide_nothing(mail: Mailside) -> None:
    (finding,) = [each for each in check_up(settings(mail, email_authserv_id="")) if each.mark != "✓"]
    assert finding.mark == "!"
    assert "mails decide nothing" in finding.text


# The forgery


def test_a_server_that_removes_a_forged_header_is_a_tick(mail: Mailside) -> None:
    findings = list(check_up(settings(mail), send=True))
    assert wrong(findings) == []
    assert findings[-1].text == "the mail server removes forged words about senders"
    (sent,) = mail.raw(AGENT)
    assert b"Auto-Submitted: auto-generated" in sent  # so that it starts nothing


def test_a_server_that_lets_it_through_is_a_danger(mail: Mailside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "_is_forged", lambda *_: False)
    *_, finding = check_up(settings(mail), send=True)
    assert finding.mark == "✗"
    assert "anybody could decide" in finding.text
    assert "RFC 8601" in finding.mend


def test_a_mail_that_does_not_come_back_or_is_not_taken_is_said(mail: Mailside) -> None:
    with fake(FakeImap()) as elsewhere:
        *_, late = check_up(settings(mail, imap_url=elsewhere.url), send=True, patience=1.0)
    assert (late.mark, late.text) == ("!", "the mail to itself did not arrive within 1 s")
    mail.refuse("RCPT", "550 5.7.1 not you, parley@example.com")
    *_, refused = check_up(settings(mail), send=True)
    assert refused.mark == "✗"
    assert AGENT not in refused.text


@pytest.mark.parametrize("changed", [{"email_authserv_id": ""}, {"smtp_url": "smtp://127.0.0.1:1"}, {"secret": ""}])
def test_nothing_is_sent_where_there_is_nothing_to_learn(mail: Mailside, changed: dict[str, Any]) -> None:
    *_, finding = check_up(settings(mail, **changed), send=True)
    assert finding.text.startswith("no forged mail was sent")
    assert mail.raw(AGENT) == []


# Who reads


def test_I8_the_last_look_at_the_mailbox_is_told(mail: Mailside) -> None:
    clock = [1_000_000.0]
    store, given = MemoryStore(lambda: clock[0]), settings(mail)
    assert "has not run yet" in reader(given, store).text
    store.put(f"{name_of(given.imap_url)}:looked", b"1000000.0")
    clock[0] += 60.0
    assert reader(given, store) == Finding("✓", "the mailbox was looked at 60 s ago")
    clock[0] += 1_800.0
    assert reader(given, store).mark == "✗"
    assert "@" not in name_of(given.imap_url)


def test_A5_mails_that_were_passed_over_are_told(mail: Mailside) -> None:
    store, given = MemoryStore(lambda: 1_000_000.0), settings(mail)
    assert unheard(given, store).mark == "✓"
    store.put(f"{name_of(given.imap_url)}:passed", b'["7:60", "7:61"]')
    assert unheard(given, store).text == "2 mails of strangers were too many, and stay unread in the mailbox"


def test_S5_own_check_of_signatures_is_said(mail: Mailside) -> None:
    findings = list(check_up(settings(mail, email_authserv_id="", email_dkim="verify")))
    assert wrong(findings) == []
    assert any("DKIM" in each.text for each in findings)


def test_I6_half_an_oauth_permission_is_said(mail: Mailside) -> None:
    findings = list(check_up(settings(mail, email_oauth_token_url="https://provider.example/token")))
    assert wrong(findings) == ["OAuth is set up by half"]
