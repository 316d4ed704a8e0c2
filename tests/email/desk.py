"""A mailbox without a server: mails are translated and written down, and sent mails are put on record."""

from collections.abc import Mapping
from typing import Any

from bot import events as e
from bot.agent import Agent
from bot.events import PARLEY, Event
from bot.memory import MemoryStore
from bot.people import Team
from bot.thread import Thread
from channels.email import mail as mails
from channels.email.conversation import heard_at, is_conversation
from channels.email.me import Me
from channels.email.translate import Said, translate
from tests.email.postroom import CONFIG, SECRET, SUPPORT
from tests.sandbox.mailside import AGENT
from tests.stage import Script, Stage

VOUCHED = "mx.example.com; dmarc=pass header.from="
GRETA, ANA, EVE = "greta.weber@customer.example", "ana@example.com", "eve@elsewhere.example"
TEAM: Team = Stage({"desk": Agent(), "other": Agent()}, Script([]), {**CONFIG, "default_agent": "other"}).team
ME = Me(AGENT, SECRET, (SUPPORT,), "mx.example.com")


class Desk:
    """A mailbox without a server: `hears` writes down what a mail says."""

    def __init__(self) -> None:
        self.store = MemoryStore(lambda: 1_000_000.0)

    def reads(self, content: bytes) -> Said | Any:
        return translate(mails.parse(content), content, ME, TEAM, self.store)

    def hears(self, content: bytes) -> tuple[str, Event]:
        """The thread of a mail and the event that it became."""
        said = self.reads(content)
        assert isinstance(said, Said), said
        return self.store.ingest(said.arrival).thread, said.arrival.event

    def sends(self, thread: str, key: str, address: str, *, recorded: bool = True) -> str:
        """A mail of ours went out; its Message-ID."""
        id, begun = ME.message_id(thread, key), not is_conversation(self.thread(thread), address, ME)
        attempt = e.DeliveryAttempted(id=f"{key}.a1", actor=PARLEY, delivery=key, address=address)
        maps = (f"email:{id.strip('<>')}",) if begun else ()
        sent = e.Delivered(id=f"{key}.d", actor=PARLEY, delivery=key, address=address, native=id, maps=maps)
        self.store.record(self.thread(thread), attempt, *([sent] if recorded else []))
        return id

    def asks(
        self, thread: str, *surfaces: str, kind: Any = "question", names: tuple[str, ...] = (), **more: Any
    ) -> str:
        """The agent asks; the interaction's id."""
        id = f"{thread}.{self.thread(thread).version}"
        asked = e.HumanContacted(
            id=id,
            actor=PARLEY,
            interaction=id,
            kind=kind,
            text="Which one?",
            surfaces=surfaces,
            audience=e.Audience(names=names),
            **more,
        )
        self.store.record(self.thread(thread), asked)
        return id

    def thread(self, id: str) -> Thread:
        found = self.store.load(id)
        assert found is not None
        return found


def from_(
    address: str, headers: Mapping[str, str] | None = None, *, name: str = "", id: str = "first", vouched: bool = False
) -> Mapping[str, str]:
    """The headers of a mail to the support address."""
    stamp = {"Authentication-Results": f"{VOUCHED}{address.partition('@')[2]}"} if vouched else {}
    own = {"From": f"{name} <{address}>", "Delivered-To": SUPPORT, "Message-ID": f"<{id}.{address}>"}
    return {**own, **stamp, **(headers or {})}


def origin(event: Event) -> e.Origin:
    found = heard_at(event)
    assert found is not None
    return found
