"""The mailbox that Parley reads: new mails after a cursor, over a connection that is given up at the first doubt."""

import asyncio
import logging
import random
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from aioimaplib import IMAP4, IMAP4_SSL, AioImapException

from bot.settings import credentials
from channels.email.oauth import Grant, GrantRefused, GrantUnavailable

log = logging.getLogger("parley.email")

_AT_ONCE = 200  # UIDs in one FETCH: aioimaplib overflows Python's stack at some 980 answers in one read
_RESCAN = timedelta(days=14)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_TRIES = 3  # at fetching one mail, before it is passed over


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a mailbox was read. A new `uidvalidity` means that its UIDs have nothing to do with the old ones."""

    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.uidvalidity}:{self.uid}"

    @classmethod
    def read(cls, text: str) -> "Cursor":
        validity, _, uid = text.partition(":")
        return cls(int(validity), int(uid))


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail. `whole` is False when it is over the limit and `raw` is its head alone; `raw` is None when the server
    would not give it. After a change of UIDVALIDITY a mail may come again."""

    cursor: Cursor
    size: int
    raw: bytes | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Positioned:
    """Everything up to here has been given; there is no mail with it."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a mailbox is, in seconds."""

    timeout: float = 30  # for one answer of the server
    idle: float = 240  # after which IDLE is renewed: some servers hang up at 300
    poll: float = 60  # between looks where there is no IDLE
    first_look: float = 15  # the first IDLE after something happened: a mail may have come just before it
    retry: float = 1  # before the first new connection, doubled each time
    longest_retry: float = 300
    refused: float = 300  # after a refused login
    stable: float = 60  # a connection that held so long was a good one


class Disconnected(Exception):
    """The connection is of no use any more; a new one may be."""


class Refused(Exception):
    """The server does not let us in; the text says why, for people. Trying again soon would not help."""


class _IdleRefused(Disconnected):
    pass


class Mailbox:
    """One folder of one mailbox. `watch` gives its mails for ever; `last_cycle` and `trouble` tell how it is."""

    def __init__(
        self,
        url: str,
        *,
        grant: Grant | None = None,
        limit: int = 30_000_000,
        from_start: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self._url = url
        self._grant = grant
        self._limit = limit
        self._from_start = from_start
        self._pace = pace or Pace()
        self._idles = True
        self._failed: dict[int, int] = {}
        self.last_cycle: float | None = None
        self.trouble = ""

    def healthy(self, now: float) -> bool:
        """Whether the mailbox was looked at within the last two cycles."""
        longest = max(self._pace.idle, self._pace.poll) + self._pace.timeout
        return self.last_cycle is not None and now - self.last_cycle < 2 * longest

    async def watch(self, cursor: Cursor | None) -> AsyncIterator[Arrived | Positioned]:
        """Every mail after the cursor, then every new one; reconnects by itself. Without a cursor: from now on.

        The cursor of an item counts as reached when the next item is asked for.
        """
        failures = 0
        while True:
            started = time.monotonic()
            try:
                async with aclosing(self._session(cursor)) as session:
                    async for item in session:
                        yield item
                        cursor = item.cursor
            except Refused as problem:
                self.trouble, delay = str(problem), self._pace.refused
                log.error("mailbox: %s", problem)
            except Disconnected as problem:
                failures = 0 if time.monotonic() - started > self._pace.stable else failures
                delay = backoff(failures, self._pace)
                failures += 1
                self.trouble = str(problem)
                self._idles = self._idles and not isinstance(problem, _IdleRefused)
                log.warning("mailbox: %s; connecting again in %.0f s", problem, delay)
            await asyncio.sleep(delay)

    async def _session(self, cursor: Cursor | None) -> AsyncGenerator[Arrived | Positioned, None]:
        async with connected(self._url, self._pace, self._grant) as connection:
            folder = await connection.select(folder_of(self._url))
            position, uids = await self._beginning(connection, folder, cursor)
            last = position.uid
            if cursor is None or cursor.uidvalidity != position.uidvalidity:
                last = max(last, folder.uidnext - 1)
            moved = position != cursor
            while True:
                async for item in self._mails(connection, position.uidvalidity, uids):
                    yield item
                if uids or moved:
                    last = max([last, *uids])
                    yield Positioned(Cursor(position.uidvalidity, last))
                self.last_cycle, self.trouble = time.time(), ""
                wait = self._pace.first_look if uids or moved else self._pace.idle
                moved = False
                await connection.wait(wait if self._idles else self._pace.poll, idle=self._idles)
                uids = await connection.uids_after(last)

    async def _beginning(
        self, connection: "_Connection", folder: "_Folder", cursor: Cursor | None
    ) -> tuple[Cursor, list[int]]:
        if cursor is None:
            uids = await connection.uids_after(0) if self._from_start else []
            return Cursor(folder.uidvalidity, 0 if self._from_start else folder.uidnext - 1), uids
        if cursor.uidvalidity != folder.uidvalidity:
            log.warning("mailbox: UIDVALIDITY has changed; reading the last %d days again", _RESCAN.days)
            return Cursor(folder.uidvalidity, 0), await connection.uids_since(datetime.now(UTC) - _RESCAN)
        return cursor, await connection.uids_after(cursor.uid)

    async def _mails(self, connection: "_Connection", uidvalidity: int, uids: Sequence[int]) -> AsyncIterator[Arrived]:
        for start in range(0, len(uids), _AT_ONCE):
            batch = uids[start : start + _AT_ONCE]
            sizes = await connection.sizes(batch)
            for uid in batch:
                if uid in sizes and (mail := await self._mail(connection, Cursor(uidvalidity, uid), sizes[uid])):
                    yield mail

    async def _mail(self, connection: "_Connection", cursor: Cursor, size: int) -> Arrived | None:
        """One mail; None when it has vanished. One that cannot be fetched again and again is given without content."""
        if self._failed.get(cursor.uid, 0) >= _TRIES:
            return Arrived(cursor, size, None, whole=False)
        whole = size <= self._limit
        self._failed[cursor.uid] = self._failed.get(cursor.uid, 0) + 1
        raw = await connection.fetch(cursor.uid, size, whole=whole)
        del self._failed[cursor.uid]
        return Arrived(cursor, size, raw, whole) if raw else None


def backoff(failures: int, pace: Pace) -> float:
    """Seconds before the next connection: doubled each time, never more than the longest, with a little chance."""
    delay = min(pace.retry * 2.0 ** min(failures, 30), pace.longest_retry)
    return delay * random.uniform(0.75, 1.0)  # noqa: S311 - not for secrets


def folder_of(url: str) -> str:
    return unquote(urlsplit(url).path.strip("/")) or "INBOX"


@dataclass(frozen=True, slots=True)
class _Folder:
    uidvalidity: int
    uidnext: int


async def keep_copy(url: str, folder: str, raw: bytes, grant: Grant | None = None, pace: Pace | None = None) -> None:
    """Put a mail that was sent into a folder of the mailbox, as read. Raises Refused or Disconnected."""
    async with connected(url, pace or Pace(), grant) as connection:
        await connection.put(folder, raw)


@asynccontextmanager
async def connected(url: str, pace: Pace, grant: Grant | None = None) -> AsyncIterator["_Connection"]:
    """A connection that is logged in. Raises Refused or Disconnected."""
    connection = _Connection(url, pace.timeout)
    try:
        await connection.log_in(*credentials(url), grant)
        yield connection
    finally:
        await connection.close()


class _Connection:
    """Owns one aioimaplib client. After any timeout, BYE or loss every call raises Disconnected, and nothing is reused."""

    def __init__(self, url: str, timeout: float) -> None:
        # aioimaplib writes mails into its debug and info messages.
        logging.getLogger("aioimaplib").setLevel(logging.ERROR)
        parts = urlsplit(url)
        self._secure = parts.scheme == "imaps"
        self._timeout = timeout
        self._lost = asyncio.Event()
        self._given_up: set[asyncio.Future[Any]] = set()
        host, port = parts.hostname or "", parts.port or (993 if self._secure else 143)
        if self._secure:
            self._client = IMAP4_SSL(host, port, timeout=timeout, ssl_context=ssl.create_default_context())
        else:
            self._client = IMAP4(host, port, timeout=timeout)
        self._client.protocol.conn_lost_cb = lambda _: self._lost.set()
        self._client.protocol._continuation = self._go_on

    def _go_on(self, line: bytes) -> None:
        """A server that refuses a token explains itself first, and waits for an empty line, which aioimaplib does not send."""
        protocol = self._client.protocol
        if protocol.pending_sync_command is not None and protocol.pending_sync_command.name == "AUTHENTICATE":
            protocol.transport.write(b"\r\n")
        else:
            type(protocol)._continuation(protocol, line)

    @property
    def idles(self) -> bool:
        """Whether the server tells of new mails at once."""
        return bool(self._client.has_capability("IDLE"))

    async def log_in(self, user: str, password: str, grant: Grant | None = None) -> None:
        await self._answer(self._client.wait_hello_from_server(), "the greeting")
        if grant:
            await self._authenticate(user, grant)
        else:
            await self._log_in(user, password)
        await self._answer(self._client.protocol.capability(), "CAPABILITY")
        if self._client.has_capability("ID"):
            await self._answer(self._client.id(name="Parley"), "ID")

    async def _authenticate(self, user: str, grant: Grant) -> None:
        try:
            token = await grant.token()
        except GrantRefused as problem:
            raise Refused(str(problem)) from problem
        except GrantUnavailable as problem:
            raise Disconnected(str(problem)) from problem
        response = await self._answer(self._client.protocol.xoauth2(user, token), "AUTHENTICATE")
        if response.result != "OK":
            grant.forget()
            raise Refused("the mail server refuses the token for the user of IMAP_URL")

    async def _log_in(self, user: str, password: str) -> None:
        if "LOGINDISABLED" in self._client.protocol.capabilities:
            raise Refused(
                "the mail server takes no password over an unencrypted connection: write imaps:// in IMAP_URL"
            )
        response = await self._answer(self._client.login(_quoted(user), password), "LOGIN")
        if response.result != "OK":
            if any(b"[UNAVAILABLE]" in bytes(line).upper() for line in response.lines):
                raise Disconnected("the mail server cannot check logins at the moment")
            raise Refused("the mail server refuses the user or the password of IMAP_URL")

    async def select(self, folder: str) -> _Folder:
        if not folder.isascii():
            raise Refused("the folder in IMAP_URL has a name with letters beyond ASCII, which Parley cannot select")
        response = await self._answer(self._client.select(_quoted(folder)), "SELECT")
        if response.result != "OK":
            raise Refused("the mail server has no such folder as IMAP_URL names")
        text = b"\n".join(bytes(line) for line in response.lines)
        uidvalidity, uidnext = re.search(rb"\[UIDVALIDITY (\d+)\]", text), re.search(rb"\[UIDNEXT (\d+)\]", text)
        if not uidvalidity:
            raise Refused("the mail server gives no UIDVALIDITY, so no mail could be told from another")
        last = int(uidnext[1]) - 1 if uidnext else max(await self.uids_after(0), default=0)
        return _Folder(int(uidvalidity[1]), last + 1)

    async def uids_after(self, uid: int) -> list[int]:
        """The UIDs of later mails. Servers answer `n:*` with the last mail even when that is an earlier one."""
        return [found for found in await self._search(f"UID {uid + 1}:*") if found > uid]

    async def uids_since(self, day: datetime) -> list[int]:
        return await self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    async def _search(self, criteria: str) -> list[int]:
        # No charset: Exchange answers BADCHARSET to any.
        lines = await self._done(self._client.uid_search(criteria, charset=None), "SEARCH")
        return sorted(
            {int(uid) for line in lines[:-1] if re.fullmatch(rb"[\d ]*", line) for uid in bytes(line).split()}
        )

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The sizes of those that are still there."""
        wanted = ",".join(map(str, uids))
        lines = await self._done(self._client.uid("fetch", wanted, "(UID RFC822.SIZE)"), "FETCH")
        found: dict[int, int] = {}
        for line in lines:
            uid, size = re.search(rb"\bUID (\d+)", line), re.search(rb"\bRFC822\.SIZE (\d+)", line)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    async def fetch(self, uid: int, size: int, *, whole: bool) -> bytes | None:
        """The mail, or its head alone; None when it has vanished meanwhile."""
        part = "BODY.PEEK[]" if whole else "BODY.PEEK[HEADER]"
        patience = self._timeout + size / 50_000
        lines = await self._done(self._client.uid("fetch", str(uid), f"(UID {part})"), "FETCH", patience)
        return next((bytes(line) for line in lines if isinstance(line, bytearray)), None)

    async def put(self, folder: str, raw: bytes) -> None:
        if not folder.isascii():
            raise Refused("the folder in EMAIL_SENT_FOLDER has a name with letters beyond ASCII")
        patience = self._timeout + len(raw) / 50_000
        response = await self._answer(self._client.append(raw, _quoted(folder), flags="\\Seen"), "APPEND", patience)
        if response.result != "OK":
            raise Refused("the mail server has no such folder as EMAIL_SENT_FOLDER names")

    async def wait(self, seconds: float, *, idle: bool) -> None:
        """Until the server says that something happened, or so many seconds."""
        if not idle or not self.idles:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), seconds)
            await self._done(self._client.noop(), "NOOP")
            return
        try:
            idling = await self._answer(self._client.idle_start(timeout=seconds + 3_600), "IDLE")
        except Disconnected as problem:
            if self._lost.is_set() or isinstance(problem.__cause__, TimeoutError):
                raise
            raise _IdleRefused("the mail server refused IDLE") from problem
        await self._pushed(idling, seconds)
        self._client.idle_done()
        await self._answer(idling, "the end of IDLE")

    async def _pushed(self, idling: "asyncio.Future[Any]", seconds: float) -> None:
        push = asyncio.ensure_future(self._client.wait_server_push(seconds + 3_600))
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({push, lost, idling}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if lost.done() or (idling.done() and not push.done()):
                raise Disconnected("the connection to the mail server was lost")
            if push.done() and any(bytes(line).upper().startswith(b"BYE") for line in push.result()):
                raise Disconnected("the mail server said good-bye")
        finally:
            self._give_up(push, lost)

    async def close(self) -> None:
        """Hang up. LOGOUT would leave tasks behind, and nothing is lost without it."""
        protocol = self._client.protocol
        self._give_up(*self._client.tasks, *protocol.tasks, self._client._client_task)
        # All at once: some of these tasks end only when others have let go of aioimaplib's lock.
        await asyncio.wait(self._given_up, timeout=1)
        if protocol.transport:
            protocol.transport.abort()

    def _give_up(self, *futures: "asyncio.Future[Any]") -> None:
        for future in futures:
            future.cancel()
            future.add_done_callback(_noticed)
        self._given_up.update(futures)

    async def _done(self, command: Coroutine[Any, Any, Any], name: str, patience: float = 0) -> list[bytes]:
        response = await self._answer(command, name, patience)
        if response.result != "OK":
            raise Disconnected(f"the mail server refused {name}")
        return list(response.lines)

    async def _answer(self, command: Awaitable[Any], name: str, patience: float = 0) -> Any:
        """The server's answer to a command, raced against the loss of the connection, which aioimaplib does not notice."""
        answer, lost = asyncio.ensure_future(command), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({answer, lost}, timeout=patience or self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                reason = "was lost" if self._lost.is_set() else f"gave no answer to {name} in time"
                raise Disconnected(f"the connection to the mail server {reason}")
            return answer.result()
        except ssl.SSLError as problem:
            raise Refused(
                f"the mail server's certificate or encryption is not acceptable ({problem.reason or 'TLS error'})"
            ) from problem
        except (AioImapException, OSError, ValueError) as problem:
            raise Disconnected(
                f"the mail server could not be reached or understood at {name} ({type(problem).__name__})"
            ) from problem
        finally:
            self._give_up(answer, lost)
            self._given_up = {future for future in self._given_up if not future.done()}


def _noticed(future: "asyncio.Future[Any]") -> None:
    """Looks at the outcome of what nobody waits for any more, or asyncio would complain."""
    if not future.cancelled():
        future.exception()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
