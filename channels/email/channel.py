"""The way out by mail: each delivery is one mail with one Message-ID, however often it must be sent."""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TypeAlias, assert_never

from bot.events import Delivered
from bot.owed import Delivery
from bot.people import Team
from bot.ports import Doubtful, Sent, Undelivered
from bot.settings import Settings
from bot.thread import Thread
from channels.email import smtp
from channels.email.address import Address
from channels.email.compose import Letter, addresses_of, compose
from channels.email.conversation import address_of, is_conversation
from channels.email.imap import Disconnected, Refused, keep_copy
from channels.email.me import Me
from channels.email.oauth import Grant, grant_of
from channels.email.pace import HOUR, Counts, Pace
from channels.email.present import present

log = logging.getLogger("parley.email")

Keep: TypeAlias = Callable[[bytes], Coroutine[None, None, None]]
"""Puts a copy of a mail where the sent ones are. Raises Refused or Disconnected."""

TO_ONE_THREAD = 20  # mails an hour
TO_ONE_PERSON = 200
SOON = 10.0  # seconds until another try where the server is not there or not willing
MENDING = 300.0  # seconds until another try where somebody must mend the settings first


class EmailChannel:
    """Implements bot.ports.Channel. ``email:<id>`` continues the conversation of that mail, ``email:ana@example.com`` begins one."""

    scheme = "email"

    def __init__(
        self, me: Me, team: Team, url: str, counts: Counts, *, grant: Grant | None = None, keep: Keep | None = None
    ) -> None:
        self._me = me
        self._team = team
        self._url = url
        self._pace = Pace(counts, "to", TO_ONE_PERSON)
        self._grant = grant
        self._keep = keep

    def send(self, delivery: Delivery, thread: Thread) -> Sent:
        """Send the mail. Raises Undelivered or Doubtful."""
        letter, sender = present(delivery, thread, self._team, self._me)
        people = addresses_of(letter)
        self._hold_back(thread, people)
        message = self._written(letter, sender)
        self._check(self._handed_over(message, people), letter)
        self._pace.count(people)
        self._keep_copy(message)
        begun = not is_conversation(thread, delivery.address, self._me)
        return Sent(letter.message_id, maps=(address_of(letter.message_id),) if begun else ())

    def find(self, delivery: Delivery, thread: Thread) -> Sent | None:
        """Always None: nobody can look into a recipient's mailbox, and a mail that comes twice with one Message-ID is shown once."""
        return None

    def progress(self, thread: Thread, words: str) -> None:
        """Nothing: a mailbox shows mails and no status."""

    def _hold_back(self, thread: Thread, people: Iterable[str]) -> None:
        """Loops of machines that look like people end here."""
        if wait := max(thread_wait(thread), self._pace.wait(people)):
            log.warning("thread %s: too many mails within an hour; the next one waits %.0f s", thread.id, wait)
            raise Undelivered("Too many mails went out within an hour.", wait)

    def _written(self, letter: Letter, sender: Address) -> EmailMessage:
        try:
            return compose(letter, sender, datetime.now(UTC))
        except ValueError as error:
            raise Undelivered(f"The mail cannot be written: {error}.") from None

    def _handed_over(self, message: EmailMessage, people: tuple[str, ...]) -> smtp.Outcome:
        return asyncio.run(smtp.send(self._url, message, self._me.address, people, grant=self._grant))

    def _keep_copy(self, message: EmailMessage) -> None:
        """A copy among the sent mails is a kindness: the mail is out, whatever becomes of it."""
        try:
            if self._keep:
                asyncio.run(self._keep(message.as_bytes()))
        except (Refused, Disconnected) as problem:
            log.warning("a mail was sent, but not kept among the sent ones: %s", problem)

    def _check(self, outcome: smtp.Outcome, letter: Letter) -> None:
        """What became of a mail, as the exceptions of bot.ports; nothing where whoever it is for has it."""
        match outcome:
            case smtp.Sent(refused):
                self._check_refused(refused, letter)
            case smtp.Retry(why):
                raise Undelivered(without_addresses(why), SOON)
            case smtp.Failed(why):
                raise Undelivered(without_addresses(why))
            case smtp.Unknown(why):
                raise Doubtful(why)
            case smtp.Misconfigured(why):
                log.error("no mail can be sent: %s", without_addresses(why))
                raise Undelivered(without_addresses(why), MENDING)
            case _:
                assert_never(outcome)

    def _check_refused(self, refused: tuple[smtp.Refusal, ...], letter: Letter) -> None:
        wanted = {each.address for each in letter.to}
        for each in refused:
            if each.recipient in wanted:
                why = f"The mail server does not take it for its recipient ({each.code})."
                raise Undelivered(why, None if each.permanent else SOON)
            log.warning("a mail was not taken for somebody in Cc (%d)", each.code)


def thread_wait(thread: Thread) -> float:
    """Seconds until the thread may get another mail, by the store's clock."""
    now = thread.state.updated
    mails = (each.at for each in thread.events if isinstance(each, Delivered) and each.address.startswith("email:"))
    recent = [at for at in mails if at > now - HOUR]
    return recent[-TO_ONE_THREAD] + HOUR - now if len(recent) >= TO_ONE_THREAD else 0.0


def without_addresses(text: str) -> str:
    """What a server said, fit for a log."""
    return re.sub(r"[^\s<>()]+@[^\s<>()]+", "…", text)


def email_channel(settings: Settings, team: Team, counts: Counts) -> EmailChannel:
    """The way out with the settings of this process. Raises SettingsError where one is missing."""
    settings.require("EMAIL_ADDRESS", "SMTP_URL", "BOT_SECRET")
    grant = grant_of(settings)
    keep = _keeping(settings, grant) if settings.email_sent_folder else None
    return EmailChannel(Me.of(settings, team), team, settings.smtp_url, counts, grant=grant, keep=keep)


def _keeping(settings: Settings, grant: Grant | None) -> Keep:
    settings.require("IMAP_URL")
    return lambda raw: keep_copy(settings.imap_url, settings.email_sent_folder, raw, grant)
