"""How the mailbox stands: reading, sending, and whether its server lets forged words about senders through."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import cast
from urllib.parse import urlsplit

from bot.checkup import Finding, bad, good, unset, warning
from bot.ports import Store
from bot.settings import Settings, SettingsError, credentials
from channels.email import mail as mails
from channels.email import smtp
from channels.email.address import domain
from channels.email.channel import without_addresses
from channels.email.imap import Arrived, Disconnected, Mailbox, Pace, Positioned, Refused, connected, folder_of
from channels.email.me import MICROSOFT
from channels.email.oauth import Grant, grant_of
from channels.email.pump import UNHEALTHY, last_look, passed_over

SECONDS = 8.0  # for one answer of a mail server
PACE = Pace(timeout=SECONDS, idle=5, poll=1, first_look=1)
ON_ITS_WAY = 60.0  # seconds that a mail to oneself may take
READ = "Start python -m bot email; its log says what keeps it from the mailbox."
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_up(settings: Settings, *, send: bool = False, patience: float = ON_ITS_WAY) -> Iterator[Finding]:
    """Log in both ways, without a trace. ``send``: also mail oneself a forgery, and wait for it for so many seconds."""
    if not (settings.email_address or settings.imap_url or settings.smtp_url):
        yield good("off: EMAIL_ADDRESS is not set")
        return
    needed = {
        "EMAIL_ADDRESS": settings.email_address,
        "IMAP_URL": settings.imap_url,
        "SMTP_URL": settings.smtp_url,
        "BOT_SECRET": settings.secret,
    }
    yield from (unset(variable) for variable, value in needed.items() if not value)
    try:
        grant = grant_of(settings)
    except SettingsError as problem:
        yield bad("OAuth is set up by half", str(problem))
        return
    ways = [*_reading(settings.imap_url, grant), *_sending(settings.smtp_url, settings.email_address, grant)]
    yield from ways
    yield from _vouching(settings)
    if send:
        ready = all(needed.values()) and all(finding.mark != "✗" for finding in ways)
        yield _forgery(settings, patience) if ready else _nothing_sent()


def _reading(url: str, grant: Grant | None) -> Iterator[Finding]:
    if not url:
        return
    yield from _in_the_open("IMAP_URL", url, "imaps://")
    try:
        idles = asyncio.run(_opened(url, grant))
    except Refused as problem:
        yield bad(
            str(problem), "Correct IMAP_URL, user and password percent-encoded; many providers want an app password."
        )
    except Disconnected as problem:
        yield bad(str(problem), "Check the host and the port of IMAP_URL, and whether the server is up.")
    else:
        yield good(f"IMAP opens {folder_of(url)}" + (", and IDLE tells of new mails at once" if idles else ""))
        if not idles:
            minute = "Nothing must be done: Parley looks once a minute instead."
            yield warning("the IMAP server has no IDLE, so mails are noticed late", minute)


async def _opened(url: str, grant: Grant | None) -> bool:
    """Whether the mailbox's server tells of new mails. Raises Refused or Disconnected where it cannot be opened."""
    async with connected(url, PACE, grant) as connection:
        await connection.select(folder_of(url))
        return connection.idles


def _sending(url: str, address: str, grant: Grant | None) -> Iterator[Finding]:
    if not url:
        return
    yield from _in_the_open("SMTP_URL", url, "smtps:// or smtp+starttls://")
    trouble = asyncio.run(smtp.try_login(url, address, grant=grant, seconds=SECONDS))
    if isinstance(trouble, smtp.Misconfigured):
        yield bad("no mail can be sent", without_addresses(trouble.why))
    elif isinstance(trouble, smtp.Retry | smtp.Failed | smtp.Unknown):
        mend = "Check host and port of SMTP_URL, and whether the server is up."
        yield bad("no mail can be sent", f"{without_addresses(trouble.why)} {mend}")
    elif credentials(url)[0]:
        yield good("SMTP takes the login")
    else:
        yield good("SMTP answers; SMTP_URL names no user, so nothing was logged in")


def reader(settings: Settings, store: Store) -> Finding:
    """Whether a process reads the mailbox, by when it was last looked at."""
    at = last_look(settings, store)
    if at is None:
        return good("the mailbox is ready for python -m bot email, which has not run yet")
    ago = max(store.now() - at, 0.0)
    if ago > UNHEALTHY:
        return bad(f"the mailbox was last looked at {ago / 60:.0f} minutes ago", READ)
    return good(f"the mailbox was looked at {ago:.0f} s ago")


def unheard(settings: Settings, store: Store) -> Finding:
    """Whether mails of strangers were too many to be answered."""
    if not (passed := passed_over(settings, store)):
        return good("no mail was passed over within a week")
    latest = ", ".join(passed[-3:])
    return warning(
        f"{len(passed)} mails of strangers were too many, and stay unread in the mailbox",
        f"The latest: {latest}. Read them there.",
    )


def _in_the_open(variable: str, url: str, better: str) -> Iterator[Finding]:
    """A password on its way through a network, for everybody to read."""
    parts = urlsplit(url)
    if parts.scheme in ("imap", "smtp") and parts.password and parts.hostname not in LOOPBACK:
        yield warning(f"{variable} sends its password unencrypted", f"Write {better} where the server knows it.")


def _vouching(settings: Settings) -> Iterator[Finding]:
    if settings.email_authserv_id:
        yield good(f"mails may decide where {settings.email_authserv_id} vouches for their sender")
    if settings.email_dkim:
        yield good("mails may decide where their sender's own domain signed them (DKIM)")
    if settings.mails_decide:
        return
    mend = "Set it to the name that your mail server writes first in its Authentication-Results; any mail it received shows it."
    yield warning("EMAIL_AUTHSERV_ID is not set, so mails decide nothing: nobody vouches for their senders", mend)


# The forgery


def _nothing_sent() -> Finding:
    return warning("no forged mail was sent: there is no working mailbox yet", "Mend the mailbox first.")


def _forgery(settings: Settings, patience: float) -> Finding:
    """Whether a forged header of our own server survives the way into the mailbox (RFC 8601, 5: it must not)."""
    if not settings.email_authserv_id:
        return warning("no forged mail was sent: there is no name to forge", "Set EMAIL_AUTHSERV_ID first.")
    try:
        return asyncio.run(_sent_to_itself(settings, patience))
    except TimeoutError:
        mend = "Look for it in the spam folder and at the provider's limits, then try again."
        return warning(f"the mail to itself did not arrive within {patience:.0f} s", mend)


async def _sent_to_itself(settings: Settings, patience: float) -> Finding:
    token, mailbox = secrets.token_hex(8), Mailbox(settings.imap_url, grant=grant_of(settings), pace=PACE)
    items = cast(AsyncGenerator[Arrived | Positioned, None], mailbox.watch(None))
    async with asyncio.timeout(patience), aclosing(items):
        await anext(items)  # from here on, whatever comes is new
        address = settings.email_address
        outcome = await smtp.send(
            settings.smtp_url, forged(settings, token), address, [address], grant=grant_of(settings), seconds=SECONDS
        )
        if not isinstance(outcome, smtp.Sent):
            mend = "Check that SMTP_URL's user may send as EMAIL_ADDRESS."
            return bad(f"the mail to itself was not sent: {without_addresses(outcome.why).rstrip('.')}", mend)
        async for item in items:
            if isinstance(item, Arrived) and item.raw and token.encode() in item.raw:
                return judged(item.raw, token)
    raise TimeoutError


def forged(settings: Settings, token: str) -> EmailMessage:
    """A mail to oneself, automatic so that it starts nothing, in which the mail server seems to vouch for its sender."""
    home = domain(settings.email_address)
    message = EmailMessage()
    named = settings.email_authserv_id
    server = "" if named.casefold() == MICROSOFT else f"{named}; "
    message["Authentication-Results"] = f"{server}dmarc=pass header.from={home}; spf=pass smtp.mailfrom={token}.invalid"
    message["From"] = message["To"] = settings.email_address
    message["Subject"] = "Parley checks its mailbox"
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = f"<doctor.{token}@{home}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        "python -m bot doctor --send wrote this to see whether forged headers are removed. You may delete it."
    )
    return message


def judged(raw: bytes, token: str) -> Finding:
    """What became of the forged header on its way."""
    results = [value for name, value in mails.parse(raw).headers if name == "authentication-results"]
    if not any(token in value for value in results):
        return good("the mail server removes forged words about senders")
    mend = "Have the server remove Authentication-Results that bear its own name (RFC 8601, 5), or unset EMAIL_AUTHSERV_ID."
    return bad(
        "the mail server lets forged words about senders through: anybody could decide in your people's names", mend
    )
