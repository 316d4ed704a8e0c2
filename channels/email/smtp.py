"""Mails go out here, one at a time, and what became of each is one of five things."""

import ssl
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from bot.settings import credentials
from channels.email.address import domain, is_mailbox
from channels.email.oauth import Grant, GrantRefused, GrantUnavailable

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LOGIN_NEEDED = {530, 534, 535, 538}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server did not take the mail for this recipient; `permanent`: nor will it later. `said` may name addresses."""

    recipient: str
    code: int
    said: str = ""

    @property
    def permanent(self) -> bool:
        return self.code >= 500


@dataclass(frozen=True, slots=True)
class Sent:
    """The server has it, for all recipients but those refused."""

    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """It was not sent, and may be later: the server is not there, or not willing now."""

    why: str
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not sent and never will be like this."""

    why: str
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection was lost while the mail was handed over: it may have been sent. Again only with the same Message-ID."""

    why: str


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """No mail can be sent with these settings; `why` says what to mend."""

    why: str


Trouble = Retry | Failed | Unknown | Misconfigured
Outcome = Sent | Trouble


async def send(
    url: str,
    message: EmailMessage | bytes,
    sender: str,
    recipients: Sequence[str],
    *,
    grant: Grant | None = None,
    seconds: float = 60,
    patience: float = 180,
) -> Outcome:
    """Send one mail over a connection of its own. Never raises for what a server or a network does.

    `url` is smtp:// (plain), smtp+starttls:// or smtps://, user and password percent-encoded. `sender` gets the bounces;
    "" for none; `grant` logs in where there is no password. `seconds` is how long one answer may take, `patience` the last one, for the whole mail.
    """
    if not recipients or not all(is_mailbox(each) for each in (*recipients, *([sender] if sender else []))):
        return Failed("The mail has an address that no mail server takes, or none at all.")
    raw = message if isinstance(message, bytes) else message.as_bytes()
    client = _client(url, sender, seconds, grant)
    try:
        if trouble := await _logged_in(client, grant):
            return trouble
        refused: list[Refusal] = []
        if trouble := await _troubled(_addressed(client, sender, recipients, len(raw), refused)):
            return trouble
        if len(refused) == len(recipients):
            return _none_accepted(refused)
        return await _handed_over(client, raw, tuple(refused), patience)
    finally:
        client.close()


async def try_login(url: str, sender: str, *, grant: Grant | None = None, seconds: float = 60) -> Trouble | None:
    """Connect, encrypt and log in as for a mail, and hang up. None: all of it went well."""
    client = _client(url, sender, seconds, grant)
    try:
        return await _logged_in(client, grant)
    finally:
        client.close()


async def _logged_in(client: aiosmtplib.SMTP, grant: Grant | None) -> Trouble | None:
    try:
        if grant:
            await grant.token()
    except GrantRefused as problem:
        return Misconfigured(f"No mail can be sent: {problem}.")
    except GrantUnavailable as problem:
        return Retry(f"No mail can be sent now: {problem}.")
    trouble = await _troubled(client.connect())
    if grant and isinstance(trouble, Misconfigured):
        grant.forget()
    return trouble


def _client(url: str, sender: str, seconds: float, grant: Grant | None = None) -> aiosmtplib.SMTP:
    parts = urlsplit(url)
    user, password = credentials(url)
    plain = parts.scheme == "smtp"
    return aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        username=user or None,
        password=None if grant else password or None,
        oauth_token_generator=grant.token if grant else None,
        local_hostname=domain(sender) or "localhost",
        timeout=seconds,
        use_tls=parts.scheme == "smtps",
        # Never "if the server offers it": somebody in between could take the offer away.
        start_tls=parts.scheme == "smtp+starttls",
        tls_context=None if plain else ssl.create_default_context(),
    )


async def _addressed(
    client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], size: int, refused: list[Refusal]
) -> None:
    options = [f"size={size}"] if client.supports_extension("size") else []
    await client.mail(sender, options=options)
    for recipient in recipients:
        try:
            await client.rcpt(recipient)
        except SMTPRecipientRefused as refusal:
            if refusal.code in _LOGIN_NEEDED:
                raise
            refused.append(Refusal(recipient, refusal.code, _short(refusal.message)))


async def _handed_over(client: aiosmtplib.SMTP, raw: bytes, refused: tuple[Refusal, ...], patience: float) -> Outcome:
    """From the first byte of the mail on, no answer means that nobody knows."""
    try:
        await client.data(raw, timeout=patience)
    except SMTPResponseException as problem:
        return _answered(problem)
    except (SMTPException, OSError) as problem:
        return Unknown(f"The connection to the mail server was lost while it took the mail ({type(problem).__name__}).")
    with suppress(SMTPException, OSError):
        await client.quit(timeout=5)
    return Sent(refused)


def _none_accepted(refused: Sequence[Refusal]) -> Outcome:
    why = f"The mail server takes mail for none of the recipients: {refused[0].code} {refused[0].said}"
    permanent = all(refusal.permanent for refusal in refused)
    return Failed(why, tuple(refused)) if permanent else Retry(why, tuple(refused))


async def _troubled(step: Awaitable[Any]) -> Trouble | None:
    """What is wrong when a step before the mail itself does not succeed; None when it does."""
    try:
        await step
    except SMTPAuthenticationError as problem:
        if problem.code < 500:
            return Retry(f"The mail server cannot check logins now: {problem.code} {_short(problem.message)}")
        return Misconfigured(
            "The mail server refuses the user or the password of SMTP_URL: check both, percent-encoded."
        )
    except SMTPConnectError as problem:
        return _unreachable(problem)
    except SMTPResponseException as problem:
        return _answered(problem)
    except (ssl.SSLError, SMTPException, OSError) as problem:
        return _unreachable(problem)
    except ValueError:  # letters beyond ASCII before the @
        return Failed("The mail has an address that this mail server cannot be told.")
    return None


def _answered(problem: SMTPResponseException) -> Trouble:
    said = f"{problem.code} {_short(problem.message)}"
    if problem.code in _LOGIN_NEEDED:
        return Misconfigured("The mail server wants a login: write user and password into SMTP_URL.")
    if problem.code >= 500:
        return Failed(f"The mail server refused the mail: {said}")
    return Retry(f"The mail server does not take the mail now: {said}")


def _unreachable(problem: BaseException) -> Trouble:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Misconfigured(
                "The mail server's certificate is not trusted: check the host in SMTP_URL, or set SSL_CERT_FILE."
            )
        cause = cause.__cause__ or cause.__context__
    if (
        isinstance(problem, SMTPException)
        and not isinstance(problem, OSError)
        and not isinstance(problem, SMTPResponseException)
    ):
        return Misconfigured(f"The mail server cannot do what SMTP_URL asks for: {_short(problem.message)}")
    return Retry(f"The mail server could not be reached ({type(problem).__name__}).")


def _short(text: str) -> str:
    return " ".join(text.split())[:200]
