"""The state of a thread as the rules see it: calls, questions and approvals, and what is on its way to people. All of it follows from the events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import JsonValue

from bot import events as e
from bot.events import PARLEY, Actor, Usage
from bot.ids import digest
from bot.judge import Verdict

Status: TypeAlias = Literal["running", "waiting", "done", "paused", "cancelled", "failed"]
HAPPENED, DID_NOT = "It happened", "It did not"
GO_ON, STOP = "Go on", "Stop"


@dataclass(frozen=True)
class Call:
    """One choice of the model and what became of it."""

    id: str
    tool: str
    arguments: Mapping[str, JsonValue]
    digest: str
    requester: Actor = PARLEY  # for whom it was chosen
    state: Literal["chosen", "asked", "approved", "started", "unknown", "settled"] = "chosen"
    attempt: int = 0
    tries: int = 0  # attempts since the thread was last set aside
    deadline: float = 0.0
    key: str = ""
    interaction: str | None = None


@dataclass(frozen=True)
class Vote:
    """One person's yes, to the present version of a request."""

    by: Actor
    at: float


@dataclass(frozen=True)
class Interaction:
    """A question or an approval put to people, and how it stands."""

    asked: e.HumanContacted
    requester: Actor = PARLEY  # for whom it is asked
    askers: tuple[Actor, ...] = ()  # whose request it serves
    state: Literal["open", "answered", "approved", "denied", "withdrawn", "superseded", "timed_out"] = "open"
    by: Actor | None = None
    settled_at: float = 0.0
    text: str = ""
    where: str = ""  # the address it was settled from
    arguments: Mapping[str, JsonValue] | None = None  # as the approver changed them
    votes: tuple[Vote, ...] = ()
    away: tuple[Actor, ...] = ()  # whose mailbox answered by itself
    escalated: tuple[str, ...] = ()  # who may answer as well by now
    reminded_at: float = 0.0
    outcome: Literal["", "running", "done", "failed", "unknown"] = ""
    result: str = ""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        return self.asked.interaction

    @property
    def open(self) -> bool:
        return self.state == "open"

    @property
    def names(self) -> tuple[str, ...]:
        """Who may answer; nobody named: the requester (questions), any known person (the rest)."""
        return (*self.asked.audience.names, *self.escalated) if self.asked.audience.names else ()

    @property
    def digest(self) -> str:
        """Names exactly what is asked now; every change of the arguments makes another one."""
        return self.asked.digest if self.arguments is None else digest([self.asked.digest, dict(self.arguments)])


@dataclass(frozen=True)
class Post:
    """Something that people must see: a reply, a card, a receipt or a notice, on its way to one address."""

    key: str
    address: str
    kind: Literal["reply", "card", "receipt", "notice"]
    text: str = ""
    interaction: str = ""
    verdict: Verdict | None = None
    answers: str = ""  # the event that a receipt answers
    state: Literal["owed", "attempted", "delivered", "failed", "unknown"] = "owed"
    attempts: int = 0
    attempted_at: float = 0.0
    retry_at: float = 0.0
    native: str = ""
    shows: str = ""
    maps: tuple[str, ...] = ()  # the conversations it opened

    @property
    def places(self) -> tuple[str, ...]:
        """The conversations in which a text may answer it."""
        return (self.address, *self.maps)


@dataclass(frozen=True)
class State:
    """Everything that the rules need to know, folded from the events. Nothing here is a fact of its own."""

    version: int = 0
    agent: str = ""
    title: str = ""
    requester: Actor = PARLEY
    home: str = ""  # the requester's conversation: where replies go
    addresses: tuple[str, ...] = ()
    place: str = ""  # its channel or mailbox, as a route names it
    askers: tuple[Actor, ...] = ()  # who wrote since the last reply
    unanswered: tuple[str, ...] = ()  # the platform's ids of what they wrote
    calls: Mapping[str, Call] = field(default_factory=dict)
    interactions: Mapping[str, Interaction] = field(default_factory=dict)
    posts: Mapping[str, Post] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)  # by the id of the human_responded
    unreached: tuple[str, ...] = ()  # where nothing could be delivered since a person spoke
    steps: int = 0
    errors: int = 0
    prefetched: int = 0
    attention: int = 0  # the version right after the last event that the model must react to
    seen: int = 0  # how many events the last choice was based on
    thoughts: int = 0  # choices of the model so far, of the present agent
    paused: bool = False
    cancelled: bool = False
    failed: str = ""
    tainted: bool = False  # something in the context was written by somebody who proved nothing
    spoke_at: float = 0.0
    discarded: int = 0
    model_failures: int = 0
    retry_at: float | None = None
    updated: float = 0.0
    checkpoint: e.Checkpointed | None = None  # the last one
    usage: Mapping[str, Usage] = field(default_factory=dict)  # by model

    @property
    def fresh(self) -> bool:
        """Whether something happened that the model has not reacted to."""
        return self.attention > self.seen

    @property
    def resting(self) -> bool:
        return self.paused or self.cancelled or bool(self.failed)

    @property
    def open_calls(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls.values() if call.state != "settled")

    @property
    def open_interactions(self) -> tuple[Interaction, ...]:
        return tuple(each for each in self.interactions.values() if each.open)

    @property
    def trusted(self) -> bool:
        """Whether a tool with approval=None may simply run: a known, proven requester, and nothing untrusted in the context."""
        return self.requester.known and not self.tainted

    @property
    def status(self) -> Status:
        if self.cancelled:
            return "cancelled"
        if self.paused:
            return "paused"
        if self.failed:
            return "failed"
        if any(each.asked.kind == "limit" for each in self.open_interactions):
            return "waiting"
        if self.fresh or any(call.state in ("chosen", "approved", "started") for call in self.open_calls):
            return "running"
        return "waiting" if self.open_interactions else "done"
