"""A small IMAP server whose every answer can be replaced, for the ways in which real servers misbehave."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[["Session", str, str], Awaitable[None]]


class HangUp(Exception):
    """Raised by an answer to close the connection."""


@dataclass
class FakeImap:
    """`on["FETCH"] = answer` replaces the answer to a command; `commands` is what clients said, without tags."""

    mails: dict[int, bytes] = field(default_factory=dict)
    uidvalidity: int = 7
    capabilities: str = "IMAP4rev1 IDLE"
    password: str = "secret"
    greeting: bytes = b"* OK ready\r\n"
    on: dict[str, Answer] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    sessions: list["Session"] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"imap://parley:{self.password}@127.0.0.1:{self.port}/INBOX"

    def deliver(self, raw: bytes) -> int:
        """Put a mail into the mailbox and tell whoever idles."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        for session in self.sessions:
            if session.idling:
                session.say(f"* {len(self.mails)} EXISTS\r\n")
        return uid

    def said(self, command: str) -> list[str]:
        """What clients sent of this command, UID commands by their second word."""
        return [each for each in self.commands if each.upper().removeprefix("UID ").startswith(command)]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeImap"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for session in self.sessions:
                session.writer.transport.abort()
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        self.sessions.append(session)
        try:
            writer.write(self.greeting)
            while line := await reader.readline():
                await session.take(line.decode().strip())
        except (HangUp, ConnectionError):
            pass
        finally:
            session.idling = False
            writer.close()


@dataclass(eq=False)
class Session:
    """One connection."""

    server: FakeImap
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idling: bool = False

    def say(self, text: str | bytes) -> None:
        self.writer.write(text if isinstance(text, bytes) else text.encode())

    async def take(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        self.server.commands.append(rest or tag)
        name, _, arguments = rest.partition(" ")
        if name.upper() == "UID":
            name, _, arguments = arguments.partition(" ")
        usual: Answer = getattr(Session, f"{name.lower()}_", Session.unknown_)
        answer = self.server.on.get(name.upper(), usual)
        await answer(self, tag, arguments)

    async def unknown_(self, tag: str, arguments: str) -> None:
        if tag != "DONE":
            self.say(f"{tag} BAD unknown\r\n")

    async def capability_(self, tag: str, arguments: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}\r\n{tag} OK done\r\n")

    async def login_(self, tag: str, arguments: str) -> None:
        right = arguments.endswith(f'"{self.server.password}"')
        self.say(f"{tag} OK in\r\n" if right else f"{tag} NO [AUTHENTICATIONFAILED] no\r\n")

    async def id_(self, tag: str, arguments: str) -> None:
        self.say(f"* ID NIL\r\n{tag} OK done\r\n")

    async def noop_(self, tag: str, arguments: str) -> None:
        self.say(f"{tag} OK done\r\n")

    async def select_(self, tag: str, arguments: str) -> None:
        uidnext = max(self.server.mails, default=0) + 1
        self.say(f"* {len(self.server.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.server.uidvalidity}] v\r\n")
        self.say(f"* OK [UIDNEXT {uidnext}] n\r\n{tag} OK [READ-WRITE] done\r\n")

    async def search_(self, tag: str, arguments: str) -> None:
        uids = sorted(self.server.mails)
        if match := re.search(r"UID (\d+):\*", arguments):
            # As real servers do: at least the last one.
            uids = [uid for uid in uids if uid >= int(match[1])] or uids[-1:]
        self.say(f"* SEARCH {' '.join(map(str, uids))}\r\n{tag} OK done\r\n")

    async def fetch_(self, tag: str, arguments: str) -> None:
        wanted, _, items = arguments.partition(" ")
        for number, uid in enumerate(map(int, wanted.split(",")), 1):
            raw = self.server.mails.get(uid)
            if raw is None:
                continue
            if "SIZE" in items:
                self.say(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n")
            else:
                part = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in items else raw
                self.say(f"* {number} FETCH (UID {uid} BODY[] {{{len(part)}}}\r\n".encode() + part + b")\r\n")
        self.say(f"{tag} OK done\r\n")

    async def idle_(self, tag: str, arguments: str) -> None:
        self.idling = True
        self.say("+ idling\r\n")
        line = await self.reader.readline()
        self.idling = False
        if not line:
            raise HangUp
        self.server.commands.append(line.decode().strip())
        self.say(f"{tag} OK done\r\n")
