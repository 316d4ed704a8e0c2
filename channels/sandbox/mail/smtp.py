"""The SMTP server: who may send what to whom, and an answer only after the mail is on disk (RFC 5321)."""

import asyncio
import hmac
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.sandbox.mail.directory import Directory

SIZE_LIMIT = 25 * 1024 * 1024

Stage = Literal["RCPT", "DATA"]


@dataclass(frozen=True)
class Submission:
    """A mail and its envelope. `account` is who proved to be its sender; None for mail from outside."""

    sender: str  # "" is the null sender
    recipients: tuple[str, ...]
    raw: bytes
    account: str | None
    greeting: str


@dataclass
class Faults:
    """The failures that a test asks for; each is used up as it happens."""

    refusals: dict[Stage, list[str]] = field(default_factory=lambda: {"RCPT": [], "DATA": []})
    lost_answers: int = 0

    def refuse(self, stage: Stage, answer: str, times: int = 1) -> None:
        """Answer the next `times` RCPT or DATA with, say, `451 4.3.0 Try again later`."""
        self.refusals[stage] += [answer] * times

    def lose_answers(self, times: int = 1) -> None:
        """Accept the next mails and hang up without saying so."""
        self.lost_answers += times

    def refusal(self, stage: Stage) -> str | None:
        return self.refusals[stage].pop(0) if self.refusals[stage] else None

    def answer_is_lost(self) -> bool:
        lost = self.lost_answers > 0
        self.lost_answers -= lost
        return lost


class Door:
    """aiosmtpd's hooks for one server: mail comes in here and is `accept`ed, or refused."""

    def __init__(
        self, directory: Directory, password: str, accept: Callable[[Submission], None], faults: Faults
    ) -> None:
        self._directory = directory
        self._password = password
        self._accept = accept
        self._faults = faults

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        known = login.login.decode("utf-8", "replace").lower() == self._directory.agent
        right = hmac.compare_digest(login.password, self._password.encode())
        return AuthResult(success=known and right, handled=False, auth_data=login)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        sender = "" if address == "<>" else address
        if session.authenticated:
            if sender and not self._directory.owns(self._directory.agent, sender):
                return "553 5.7.1 That sender address is not yours"
        elif self._directory.is_ours(sender):
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._faults.refusal("RCPT"):
            return refusal
        if self._directory.mailbox(address) is None:
            if self._directory.is_ours(address):
                return "550 5.1.1 No such mailbox here"
            if not session.authenticated:
                return "550 5.7.1 Relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        if refusal := self._faults.refusal("DATA"):
            return refusal
        if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
            return "550 5.6.11 Lines must end with CR LF"
        self._accept(
            Submission(
                sender="" if envelope.mail_from == "<>" else envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                raw=raw,
                account=self._directory.agent if session.authenticated else None,
                greeting=session.host_name or "",
            )
        )
        if self._faults.answer_is_lost():
            _hang_up(server)
            raise asyncio.CancelledError
        return "250 2.0.0 Ok: on disk"

    async def handle_exception(self, error: Exception) -> str:
        logging.getLogger(__name__).error("smtp: %s while taking a mail", type(error).__name__)
        return "451 4.3.0 Something went wrong here; try again later"


class SmtpServer:
    """The door on a port of the loopback address."""

    def __init__(self, door: Door, hostname: str) -> None:
        self._door = door
        self._hostname = hostname
        self._sessions: list[SMTP] = []
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; answers the port."""
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs addresses there
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            for session in self._sessions:
                _hang_up(session)
            await self._server.wait_closed()

    def _session(self) -> SMTP:
        session = SMTP(
            self._door,
            hostname=self._hostname,
            ident="Parley sandbox",
            data_size_limit=SIZE_LIMIT,
            authenticator=self._door.authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._sessions = [other for other in self._sessions if other.transport is not None] + [session]
        return session


def _hang_up(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()
