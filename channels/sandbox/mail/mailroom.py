"""The mail server of the sandbox: takes mail in, puts it into mailboxes, sends back what nobody can receive."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from channels.sandbox.mail.bounce import report
from channels.sandbox.mail.directory import Directory, domain_of
from channels.sandbox.mail.folders import Folders
from channels.sandbox.mail.imap import ImapServer
from channels.sandbox.mail.letters import Letter, show, write
from channels.sandbox.mail.smtp import Door, Faults, SmtpServer, Submission
from channels.sandbox.mail.stamp import Arrival, Verdict, author, stamp
from channels.sandbox.mail.store import SEEN, Copy, Lost, Store, Stranded

OUTSIDE = "somebody@outside.example"  # who a forger is on the envelope

Change = dict[str, object]


class Mailroom:
    """SMTP and IMAP for the agent, and a mailbox for every person; all of it survives a restart and a `kill -9`.

    Everything here is called on the loop that `start` was awaited on.
    """

    def __init__(
        self,
        path: Path,
        *,
        agent: str,
        aliases: Iterable[str] = (),
        people: Iterable[tuple[str, str]] = (),
        password: str,
        on_change: Callable[[Change], None] = lambda change: None,
    ) -> None:
        self.directory = Directory.of(agent, aliases, people)
        self.authserv_id = f"mx.{domain_of(agent)}"
        self.faults = Faults()
        self._store = Store(path / "mail.db")
        self._folders = Folders(self._store, self.directory.agent)
        self._smtp = SmtpServer(Door(self.directory, password, self.accept, self.faults), self.authserv_id)
        self._imap = ImapServer(self._folders, password, self.authserv_id)
        self._password = password
        self._on_change = on_change
        self._ports = (0, 0)
        self._returning: asyncio.TimerHandle | None = None

    async def start(self, smtp_port: int = 0, imap_port: int = 0) -> None:
        """Listen on the loopback address; 0 takes any free port."""
        self._ports = (await self._smtp.start(smtp_port), await self._imap.start(imap_port))
        self._return_soon()

    async def stop(self) -> None:
        if self._returning:
            self._returning.cancel()
        await self._smtp.stop()
        await self._imap.stop()
        self._store.close()

    @property
    def smtp_url(self) -> str:
        return f"smtp://{self._login}@127.0.0.1:{self._ports[0]}"

    @property
    def imap_url(self) -> str:
        return f"imap://{self._login}@127.0.0.1:{self._ports[1]}/INBOX"

    async def disconnect_imap(self) -> None:
        """Say BYE to every IMAP client, as a server that restarts does."""
        await self._imap.disconnect_all()

    def accept(self, mail: Submission, sent: Iterable[Copy] = ()) -> None:
        """Deliver a mail to those who are here; it is on disk when this returns. The others' copies go back soon."""
        found = {recipient: self.directory.mailbox(recipient) for recipient in mail.recipients}
        received = [Copy(owner, self._stamped(mail, recipient)) for recipient, owner in found.items() if owner]
        lost = [Lost(mail.sender, recipient, mail.raw) for recipient, owner in found.items() if not owner]
        self._keep([*sent, *received], lost)
        if lost:
            self._return_soon()

    def send(self, letter: Letter, *, spoof: bool = False) -> str:
        """Send a letter as its sender, or as a forger who only pretends to be. Answers the Message-ID."""
        message = write(letter, datetime.now(UTC))
        raw = message.as_bytes()
        if spoof:
            self.accept(Submission(OUTSIDE, letter.recipients, raw, account=None, greeting="outside.example"))
        else:
            mail = Submission(letter.sender, letter.recipients, raw, account=letter.sender, greeting="page")
            self.accept(mail, sent=[Copy(letter.sender, raw, "out")])
        return str(message["Message-ID"])

    def mailboxes(self) -> list[dict[str, object]]:
        return [
            {"address": address, "name": name, "unread": self._unread(address)}
            for address, name in self.directory.people
        ]

    def messages(self, address: str) -> list[dict[str, object]]:
        """All mails of a mailbox, received and sent, oldest first."""
        entries = self._store.entries(self._store.folder(address))
        return [show(raw, entry) for raw, entry in zip(self.raw(address), entries, strict=True)]

    def raw(self, address: str) -> list[bytes]:
        """The same mails as they are stored."""
        folder = self._store.folder(address)
        return [self._store.raw(folder, entry.uid) or b"" for entry in self._store.entries(folder)]

    def read(self, address: str, id: str) -> None:
        """Mark a mail as read. KeyError if it is not there."""
        folder = self._store.folder(address)
        entry = self._store.entry(folder, int(id)) if id.isdecimal() else None
        if entry is None:
            raise KeyError(id)
        self._store.flag(folder, entry.uid, entry.flags | {SEEN})
        self._tell(address)

    @property
    def _login(self) -> str:
        return f"{quote(self.directory.agent, safe='')}:{quote(self._password, safe='')}"

    def _unread(self, address: str) -> int:
        return sum(SEEN not in entry.flags for entry in self._store.entries(self._store.folder(address)))

    def _stamped(self, mail: Submission, recipient: str) -> bytes:
        arrival = Arrival(mail.sender, recipient, self._verdict(mail), mail.greeting, datetime.now(UTC))
        return stamp(mail.raw, arrival, self.authserv_id)

    def _verdict(self, mail: Submission) -> Verdict:
        written_by = author(mail.raw)
        proved = mail.account and written_by and self.directory.owns(mail.account, written_by)
        return "pass" if proved else "fail"

    def _keep(self, copies: list[Copy], lost: Iterable[Lost] = (), *, answered: Stranded | None = None) -> None:
        self._store.keep(copies, lost, answered=answered)
        for owner in {copy.owner for copy in copies}:
            self._tell(owner)

    def _tell(self, address: str) -> None:
        if address == self.directory.agent:
            self._folders.inbox().changed()
        self._on_change({"kind": "mail", "address": address})

    def _return_soon(self) -> None:
        """As a real server finds out only after it has accepted; what a crash interrupts is done at the next start."""
        if self._returning:
            self._returning.cancel()
        self._returning = asyncio.get_running_loop().call_later(0.2, self._return_stranded)

    def _return_stranded(self) -> None:
        for mail in self._store.stranded():
            # A sender without a mailbox gets nothing: outside there is nobody, and RFC 5321, section 4.5.5 says so of "".
            owner = self.directory.mailbox(mail.sender)
            arrival = Arrival("", mail.sender, "none", self.authserv_id, datetime.now(UTC))
            copies = [Copy(owner, stamp(report(mail, self.authserv_id), arrival, self.authserv_id))] if owner else []
            self._keep(copies, answered=mail)
