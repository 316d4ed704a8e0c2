"""A stage for agents: a conversation with a chosen model, in memory, on a clock that the test moves."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from bot import events as e
from bot.agent import Agent
from bot.events import Actor, Event, Origin, Usage
from bot.hear import understand
from bot.ids import new_id
from bot.memory import MemoryStore
from bot.owed import Body, Card, Delivery, Say
from bot.people import Config, Team, assemble
from bot.ports import Arrival, Choice, Doubtful, Held, ModelError, Prompt, Sent, Undelivered
from bot.thread import Thread
from workers.deliver import Deliveries
from workers.loop import Loop

T = TypeVar("T")
HOME = "slack:T1/C1/1.0"

PEOPLE: Mapping[str, Any] = {
    "people": {
        "ana": {"name": "Ana Diaz", "slack": "U02ANA", "email": "ana@example.com", "groups": ["ops"]},
        "ben": {"name": "Ben Okafor", "slack": "U03BEN", "email": "ben@example.com", "groups": ["support"]},
        "carl": {"name": "Carl Lindqvist", "slack": "U04CARL", "groups": ["ops", "support"]},
        "dora": {"name": "Dora Mail", "email": "dora@example.com", "groups": ["legal"]},
    },
    "groups": {"support": {"slack": "#support"}},
}


class Inline(Executor):
    """An executor without threads: what is submitted has happened when submit returns."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


INLINE = cast(ThreadPoolExecutor, Inline())


@dataclass
class Script:
    """A model that makes the given choices in turn: (tool, arguments), a text, an error to raise, or a function of the prompt."""

    choices: list[Any]
    name: str = "script"
    prompts: list[Prompt] = field(default_factory=list)

    def choose(self, prompt: Prompt) -> Choice:
        self.prompts.append(prompt)
        choice = self.choices.pop(0) if self.choices else "Done."
        if callable(choice):
            choice = choice(prompt)
        if isinstance(choice, ModelError):
            raise choice
        usage = Usage(model="script", input=100, output=10)
        if isinstance(choice, str):
            return Choice("reply", {"text": choice}, usage)
        return Choice(choice[0], choice[1], usage)


@dataclass
class Wall:
    """A channel that keeps what it was given; ``trouble`` are the errors of the next sends, ``finds`` what looking will say."""

    scheme: str
    shown: dict[str, Delivery] = field(default_factory=dict)
    posted: list[Delivery] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    finds: list[Sent | Exception | None] = field(default_factory=list)

    def send(self, delivery: Delivery, thread: Thread) -> Sent:
        if self.trouble:
            error = self.trouble.pop(0)
            if isinstance(error, Doubtful):
                self._keep(delivery)
            raise error
        return self._keep(delivery)

    def _keep(self, delivery: Delivery) -> Sent:
        if not delivery.native:
            self.posted.append(delivery)
        self.shown[delivery.key] = delivery
        native = delivery.native or f"m{len(self.posted)}"
        opened = () if delivery.address.count("/") == 2 else (f"{self.scheme}:T1/{delivery.address[-3:]}/{native}",)
        return Sent(native, opened)

    def find(self, delivery: Delivery, thread: Thread) -> Sent | None:
        found = self.finds.pop(0) if self.finds else None
        if isinstance(found, Exception):
            raise found
        return found

    def progress(self, thread: Thread, words: str) -> None:
        pass

    @property
    def said(self) -> list[str]:
        return [each.body.text for each in self.posted if isinstance(each.body, Say)]

    @property
    def cards(self) -> list[Card]:
        return [each.body for each in self.shown.values() if isinstance(each.body, Card)]


@dataclass
class Stage:
    """One agent (or several), one model, and people who talk. Everything happens at once, in order."""

    agents: Mapping[str, Agent]
    model: Script
    config: Mapping[str, Any] = field(default_factory=lambda: dict(PEOPLE))
    time: float = 1_000_000.0

    def __post_init__(self) -> None:
        named = {name: agent.named(name, f"You are {name}.") for name, agent in self.agents.items()}
        config = Config.model_validate({"default_agent": next(iter(named)), **self.config})
        self.team: Team = assemble(config, named)
        self.store = MemoryStore(lambda: self.time)
        self.slack, self.email = Wall("slack"), Wall("email")
        self.deliveries = Deliveries(self.store, {"slack": self.slack, "email": self.email}, pool=INLINE)
        self.loop = Loop(self.store, self.team, self.model, self.deliveries, waits=INLINE, hands=INLINE)

    def someone(self, name: str = "ben") -> Actor:
        """A person of the team, proven by Slack; any other name is a stranger there."""
        person = self.team.people.get(name)
        slack = person.slack[0] if person and person.slack else f"U{name.upper()}"
        return self.team.actor(f"slack:T1/{slack}", name.title(), "slack")

    def says(self, text: str, by: str | Actor = "ben", at: str = HOME, key: str = "") -> str:
        """A text arrives; the thread's id."""
        actor = by if isinstance(by, Actor) else self.someone(by)
        native = key or new_id()
        origin = Origin(address=at, native=native, place="slack:#general", trusted=True)
        heard = e.MessageReceived(id=native, actor=actor, text=text, origin=origin, agent=next(iter(self.agents)))
        thread = self.store.find(at)
        event = understand(self.store.load(thread) if thread else None, heard)
        return self.arrives(event, at, key)

    def decides(self, interaction: str, decision: Any, by: str | Actor = "ana", text: str = "", **more: Any) -> str:
        actor = by if isinstance(by, Actor) else self.someone(by)
        origin = Origin(address=more.pop("at", HOME))
        event = e.HumanResponded(
            id=new_id(), actor=actor, interaction=interaction, decision=decision, text=text, origin=origin, **more
        )
        return self.arrives(event, origin.address)

    def arrives(self, event: Event, at: str = HOME, key: str = "") -> str:
        keys = (key,) if key else ()
        thread = getattr(event, "interaction", "").partition(".")[0]
        id = self.store.ingest(Arrival(event, at, keys, thread=thread)).thread
        self.run()
        return id

    def run(self) -> None:
        """Work until nothing is due."""
        for _ in range(50):
            due = self.store.claim_due()
            if not due:
                return
            for thread in due:
                self.loop.look(thread)
        raise AssertionError("the thread does not come to rest")

    def later(self, seconds: float) -> None:
        self.time += seconds
        self.run()

    def thread(self, id: str = "") -> Thread:
        thread = self.store.load(id or next(iter(self.store.logs)))
        assert thread is not None
        return thread

    def types(self, id: str = "") -> list[str]:
        return [event.type for event in self.thread(id).events if not event.type.startswith("deliver")]

    @property
    def waiting(self) -> str:
        """The id of the one open interaction."""
        (open_one,) = self.thread().state.open_interactions
        return open_one.id


def stage(*tools: Any, model: Iterable[Any] = (), **limits: Any) -> Stage:
    """A stage with one agent called desk."""
    return Stage({"desk": Agent(tools=tools, **limits)}, Script(list(model)))


__all__ = ["HOME", "Body", "Doubtful", "Held", "ModelError", "Script", "Stage", "Undelivered", "stage"]
