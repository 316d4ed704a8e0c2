"""A mail server for tests: a Mailroom on free ports, in a thread of its own, called from the test's thread.

`python -m tests.sandbox.mailside FOLDER` runs one as a process, to be killed: it prints its two URLs as one JSON line.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from channels.sandbox.mail import Mailroom
from channels.sandbox.mail.letters import Letter
from channels.sandbox.mail.smtp import Stage

AGENT = "parley@example.com"
ALIASES = ["support@example.com", "ops@example.com"]
PEOPLE = {
    "ana@example.com": "Ana Diaz",
    "ben@example.com": "Ben Okafor",
    "carl@example.com": "Carl Lindqvist",
    "greta.weber@customer.example": "Greta Weber",
    "sam@elsewhere.example": "Sam Kowalski",
}
PASSWORD = "open sesame/+"

T = TypeVar("T")


def new_mailroom(path: Path, on_change: Callable[[dict[str, object]], None] = lambda change: None) -> Mailroom:
    """The mail server of example.com as the demo has it, not yet started."""
    people = PEOPLE.items()
    return Mailroom(path, agent=AGENT, aliases=ALIASES, people=people, password=PASSWORD, on_change=on_change)


class Mailside:
    """A running mail server: `with Mailside(tmp_path) as mail: … mail.smtp_url, mail.imap_url, mail.send(…) …`."""

    def __init__(self, path: Path, *, smtp_port: int = 0, imap_port: int = 0) -> None:
        self._path = path
        self._ports = (smtp_port, imap_port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailside", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.room = self._call(lambda: new_mailroom(self._path))
        self._wait(self.room.start(*self._ports))
        self.smtp_url, self.imap_url = self.room.smtp_url, self.room.imap_url
        self.authserv_id = self.room.authserv_id
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wait(self.room.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def send(self, sender: str, to: str | list[str], subject: str, text: str, **more: Any) -> str:
        """Send as a person; `more` is cc, html, in_reply_to, references or spoof. Answers the Message-ID."""
        spoof = more.pop("spoof", False)
        more.setdefault("cc", [])
        recipients = [to] if isinstance(to, str) else to
        letter = Letter(sender, PEOPLE[sender], to=recipients, subject=subject, text=text, **more)
        return self._call(lambda: self.room.send(letter, spoof=spoof))

    def messages(self, address: str) -> list[dict[str, Any]]:
        """All of a mailbox as the page shows it, oldest first; also the agent's."""
        return self._call(lambda: self.room.messages(address))

    def raw(self, address: str) -> list[bytes]:
        """All of a mailbox as it is stored."""
        return self._call(lambda: self.room.raw(address))

    def wait_for(self, address: str, count: int = 1, timeout: float = 10) -> list[dict[str, Any]]:
        """The received mails of a mailbox, as soon as there are `count` of them."""
        deadline = time.monotonic() + timeout
        while len(received := [mail for mail in self.messages(address) if mail["direction"] == "in"]) < count:
            assert time.monotonic() < deadline, f"{len(received)} of {count} mails arrived within {timeout} s"
            time.sleep(0.02)
        return received

    def refuse(self, stage: Stage, answer: str, times: int = 1) -> None:
        """Answer the next RCPT or DATA with, say, `450 4.2.1 Try again later`."""
        self._call(lambda: self.room.faults.refuse(stage, answer, times))

    def lose_answers(self, times: int = 1) -> None:
        """Accept the next mails, then hang up without an answer."""
        self._call(lambda: self.room.faults.lose_answers(times))

    def disconnect_imap(self) -> None:
        """Say BYE to every IMAP client."""
        self._wait(self.room.disconnect_imap())

    def _call(self, act: Callable[[], T]) -> T:
        async def acted() -> T:
            return act()

        return self._wait(acted())

    def _wait(self, promise: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await promise

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(20)


if __name__ == "__main__":
    with Mailside(Path(sys.argv[1])) as mail:
        print(json.dumps({"smtp": mail.smtp_url, "imap": mail.imap_url}), flush=True)
        sys.stdin.read()
