"""The work: message → 3 tool calls → question → pause → reply → 1 tool call → answer, with an instant model and texts of 200 bytes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TypeAlias

from bot import Agent, Tool
from bot import events as e
from bot.checkpoint import checkpoint
from bot.events import Event, MessageReceived, Origin
from bot.hear import understand
from bot.ids import new_id
from bot.owed import Card, Delivery
from bot.people import Person, Team
from bot.ports import Arrival, Choice, Prompt, Sent
from bot.thread import Thread
from workers.store import RedisStore

TEXT = ("The lamp of order 4417 arrived broken; Ms Weber would like a new one before Friday. " * 3)[:200]
PLACE, BEN = "slack:#desk", "slack:T1/U1"


class Look(Tool, effect="read"):
    """Look something up."""

    words: str

    def run(self) -> str:
        return TEXT


class Compute(Tool, effect="read"):
    """Keep a processor busy."""

    seconds: float

    def run(self) -> str:
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass
        return TEXT


TEAM = Team(
    {"desk": Agent([Look, Compute]).named("desk", "You are the desk.")},
    {"ben": Person(name="Ben", slack=("U1",))},
    default_agent="desk",
)


class Instant:
    """A model that knows at once what to do."""

    name = "instant"

    def choose(self, prompt: Prompt) -> Choice:
        state = prompt.thread.state
        asked = next(iter(tuple(state.interactions.values())[-1:]), None)
        if asked is not None and asked.settled_at == state.spoke_at:
            return Choice("reply", {"text": TEXT}) if state.steps else Choice("look", {"words": TEXT})
        return Choice("look", {"words": TEXT}) if state.steps < 3 else Choice("contact_human", {"question": TEXT})


Posted: TypeAlias = tuple[str, str, float]
"""What was posted: "card" or "reply", its address, and when."""


@dataclass(frozen=True)
class Outbox:
    """Implements bot.ports.Channel: a platform that takes everything at once and tells who waits for it."""

    posted: "SimpleQueue[Posted]" = field(default_factory=SimpleQueue)
    scheme = "slack"

    def send(self, delivery: Delivery, thread: Thread) -> Sent:
        kind = "card" if isinstance(delivery.body, Card) else "reply"
        if not delivery.native:  # else a card only changes
            self.posted.put((kind, delivery.address, time.time()))
        return Sent(delivery.native or f"C1/{new_id()}")

    def find(self, delivery: Delivery, thread: Thread) -> Sent | None:
        return None

    def progress(self, thread: Thread, words: str) -> None:
        pass


def address(number: int) -> str:
    """The conversation of this number."""
    return f"slack:T1/C1/{1764064800 + number}.000100"


def message(where: str) -> MessageReceived:
    """Ben says something there."""
    ben = TEAM.actor(BEN, "Ben Okafor", "slack")
    native = f"{time.time():.6f}"
    origin = Origin(address=where, native=native, place=PLACE, at=float(native))
    return MessageReceived(id=f"slack:T1/C1/{native}", actor=ben, text=TEXT, origin=origin, agent="desk")


def say(store: RedisStore, where: str) -> None:
    """What an adapter does with a message: see what it means in its thread, and write it down."""
    id = store.find(where)
    heard = understand(store.load(id) if id else None, message(where))
    store.ingest(Arrival(heard, where, (heard.id,)))


def fill(store: RedisStore, where: str, events: int) -> None:
    """A thread in which so many events have happened: messages and their answers, and the checkpoints between them."""
    thread = Thread(new_id())
    while thread.version < events:
        thread = thread.extend(_exchange(where, thread.version))
        thread = thread.extend(filter(None, [checkpoint(thread, f"d{thread.version}")]))
    if thread.events:
        store.create(thread.id, thread.events, [where])


def _exchange(where: str, version: int) -> Iterator[Event]:
    yield message(where).model_copy(update={"id": f"m{version}", "at": 1764064800.0 + version})
    version += 1
    yield e.ToolCalled(id=f"d{version}", call=f"c{version}", tool="reply", arguments={"text": TEXT}, seen=version)
    yield e.Replied(id=f"d{version + 1}", call=f"c{version}", text=TEXT, address=where)
    key = f"d{version + 1}"
    yield e.DeliveryAttempted(id=f"{key}.a1", delivery=key, address=where)
    yield e.Delivered(id=f"{key}.d", delivery=key, address=where, native=f"C1/{version}")
