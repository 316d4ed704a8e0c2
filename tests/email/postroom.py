"""A whole post room for tests: a mail server over sockets, the mailbox's reader, the way out, and an agent with a chosen model."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.agent import Agent
from bot.memory import MemoryStore
from bot.ports import Arrival, Channel, Ingested
from bot.settings import Settings
from bot.thread import Thread
from channels.email.channel import EmailChannel
from channels.email.imap import Pace
from channels.email.me import Me
from channels.email.pump import Intake, run_mailbox
from tests.sandbox.mailside import AGENT, Mailside
from tests.stage import INLINE, Script, Stage
from workers.deliver import Deliveries
from workers.loop import Loop

SECRET = "a secret for tests, long enough for it"
GRETA = "greta.weber@customer.example"
SUPPORT = "support@example.com"
CONFIG: Mapping[str, Any] = {
    "routes": {"email:support@example.com": "desk"},
    "people": {
        "ana": {"name": "Ana Diaz", "email": "ana@example.com", "groups": ["ops"]},
        "ben": {"name": "Ben Okafor", "email": "ben@example.com", "groups": ["support"]},
    },
}
PACE = Pace(timeout=5, idle=1, poll=0.2, first_look=0.2, retry=0.05, longest_retry=0.2)


class SharedStore(MemoryStore):
    """A memory store for two threads: the mailbox's reader and the test."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.turn = threading.RLock()

    def ingest(self, arrival: Arrival) -> Ingested:
        with self.turn:
            return super().ingest(arrival)

    def cursor(self, mailbox: str) -> str | None:
        with self.turn:
            return super().cursor(mailbox)


class Postroom:
    """`with Postroom(tmp_path, model=[…]) as post: post.writes(GRETA, …)`; whatever arrives is answered before it returns."""

    def __init__(
        self,
        path: Path,
        *tools: Any,
        model: Iterable[Any] = (),
        vouched: bool = True,
        mail: Any = None,
        pace: Pace = PACE,
        **settings: str,
    ) -> None:
        self.mail = mail or Mailside(path)
        self.pace = pace
        self.more = settings
        self.stage = Stage({"desk": Agent(tools=tools)}, Script(list(model)), CONFIG)
        self.store = SharedStore(lambda: self.stage.time)
        self.team = self.stage.team
        self.vouched = vouched
        self.stop = threading.Event()

    def __enter__(self) -> Self:
        self.mail.__enter__()
        self.settings = Settings(
            email_address=AGENT,
            imap_url=self.mail.imap_url,
            smtp_url=self.mail.smtp_url,
            email_authserv_id=self.mail.authserv_id if self.vouched else "",
            secret=SECRET,
            **self.more,  # type: ignore[arg-type]
        )
        self.me = Me.of(self.settings, self.team)
        self.channel = EmailChannel(self.me, self.team, self.settings.smtp_url, self.store)
        self.start_worker()
        self.open()
        return self

    def start_worker(self) -> None:
        """A worker that knows nothing but the store, as after a crash."""
        ways: dict[str, Channel] = {"slack": self.stage.slack, "email": self.channel}
        deliveries = Deliveries(self.store, ways, pool=INLINE)
        self.loop = Loop(self.store, self.team, self.stage.model, deliveries, waits=INLINE, hands=INLINE)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        self.mail.__exit__(kind, error, at)

    def open(self) -> None:
        """Begin to read the mailbox, and wait until it is being read."""
        self.stop = threading.Event()
        arguments = {"stop": self.stop, "pace": self.pace}
        self.reader = threading.Thread(
            target=run_mailbox, args=(self.settings, self.team, self.store), kwargs=arguments, daemon=True
        )
        self.reader.start()
        self.wait_until(lambda: self.position is not None)

    def close(self) -> None:
        self.stop.set()
        self.reader.join(10)
        assert not self.reader.is_alive(), "the reader did not stop"

    @property
    def intake(self) -> Intake:
        (name,) = {name for name in self.store.cursors if name.startswith("mailbox:")}
        return Intake(self.me, self.team, self.store, name)

    @property
    def position(self) -> int | None:
        """The UID up to which the mailbox was read."""
        return self.intake.cursor.uid if self.store.cursors and self.intake.cursor else None

    def writes(self, sender: str, to: str, subject: str, text: str, **more: Any) -> str:
        """Somebody writes; their mail is heard and everything that follows has happened. Answers the Message-ID."""
        id = self.mail.send(sender, to, subject, text, **more)
        self.hear()
        return id

    def hear(self) -> None:
        """Everything in the mailbox is read, and the agent comes to rest."""
        self.wait_until(lambda: (self.position or 0) >= len(self.mail.raw(AGENT)))
        self.work()

    def work(self) -> None:
        for _ in range(50):
            due = self.store.claim_due()
            for thread in due:
                self.loop.look(thread)
            if not due:
                return
        raise AssertionError("the thread does not come to rest")

    def replies(self, sender: str, text: str, *, to: str = "", **more: Any) -> str:
        """Somebody answers the last mail they got, as their program does it."""
        last = self.inbox(sender)[-1]
        more.setdefault("in_reply_to", last["message_id"])
        more.setdefault("references", last["references"])
        return self.writes(sender, to or last["reply_to"][0], last["subject"], text, **more)

    def inbox(self, address: str) -> list[dict[str, Any]]:
        return [each for each in self.mail.messages(address) if each["direction"] == "in"]

    def threads(self) -> list[Thread]:
        return [thread for id in self.store.logs if (thread := self.store.load(id))]

    @property
    def thread(self) -> Thread:
        (only,) = self.threads()
        return only

    def wait_until(self, condition: Any, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)
