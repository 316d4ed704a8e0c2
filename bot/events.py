"""What happened: the immutable facts of a thread. A thread is nothing but a list of these."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

Proof: TypeAlias = Literal["none", "slack", "dmarc", "dkim", "key", "session", "operator", "parley"]
"""How a channel proved who an actor is. ``none``: it did not; such a person may talk and decides nothing."""


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Actor(Value):
    """Who did it, as the channel proved it at that time.

    ``id`` is the platform's own name for them (``slack:T1/U02ANA``, ``email:ana@example.com``, ``agent:ops``);
    ``person`` and ``groups`` are theirs in bot.toml when it happened, so that a later change of bot.toml does not rewrite history.
    """

    kind: Literal["person", "agent", "tool", "clock", "parley"] = "person"
    id: str = ""
    name: str = ""
    person: str | None = None
    groups: tuple[str, ...] = ()
    proof: Proof = "none"
    claimed: str = ""  # the person whose address it is, where nobody proved that it was them

    @property
    def known(self) -> bool:
        """Somebody of bot.toml, and the channel proved it."""
        return self.person is not None and self.proof != "none"

    def same(self, other: "Actor") -> bool:
        """Whether both are one human: one person of bot.toml, or one platform id."""
        return self.id == other.id or (self.person is not None and self.person == other.person)

    def speaks_for(self, other: "Actor") -> bool:
        """Whether this is the same human, and no less proven: who asked with a proof is answered for with one alone."""
        return self.same(other) and (self.proof != "none" or other.proof == "none")

    def may_be(self, other: "Actor") -> bool:
        """Whether both are one human, should either be whom their address claims to be."""
        mine = self.person or self.claimed
        return self.same(other) or (bool(mine) and mine == (other.person or other.claimed))


PARLEY = Actor(kind="parley", id="parley", name="Parley", proof="parley")
CLOCK = Actor(kind="clock", id="clock", name="the clock", proof="parley")


class Origin(Value):
    """Where something was said. ``address`` names the conversation, ``native`` the message in the platform's own words."""

    address: str
    native: str = ""
    place: str = ""  # the channel or mailbox, as a route names it: slack:#ops, email:support@example.com
    at: float | None = None  # the platform's time, seconds since 1970
    trusted: bool = True  # its route lets known people's requests run tools that declare approval=None
    detail: Mapping[str, JsonValue] = Field(default_factory=dict)  # what only the channel itself reads, to answer there


class Attachment(Value):
    """A file by reference; ``blob`` is the hash of its stored content, if it was stored."""

    name: str
    media_type: str = "application/octet-stream"
    size: int = 0
    blob: str | None = None
    url: str | None = None


class Usage(Value):
    """What one call of the model used, in tokens, as the provider reports it."""

    model: str = ""
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    seconds: float = 0.0


class Audience(Value):
    """Who may answer: these people and groups of bot.toml. Nobody named: the requester (questions), any known person (the rest)."""

    names: tuple[str, ...] = ()
    self_approval: bool = True
    quorum: int = 1  # different people who must say yes


class Ladder(Value):
    """What happens while nobody answers, in seconds from the asking."""

    remind: float | None = None  # again and again
    escalate: tuple[str, ...] = ()  # who is asked as well
    escalate_after: float | None = None


class Base(Value):
    """What every event has. ``at`` is the store's time of arrival in seconds since 1970; it is 0 until the store sets it.

    Who did it is Parley itself, where nobody else is named.
    """

    id: str
    at: float = 0.0
    actor: Actor = PARLEY
    v: int = 1


# From people


class MessageReceived(Base):
    type: Literal["message_received"] = "message_received"
    text: str
    origin: Origin
    subject: str = ""
    attachments: tuple[Attachment, ...] = ()
    agent: str = ""  # who the route says answers; the first one of a thread decides


class MessageEdited(Base):
    type: Literal["message_edited"] = "message_edited"
    text: str
    origin: Origin  # native: the edited message


class MessageDeleted(Base):
    type: Literal["message_deleted"] = "message_deleted"
    origin: Origin  # native: the deleted message


class HumanResponded(Base):
    """Somebody answered or decided; whether it counts is for ``judge`` to say."""

    type: Literal["human_responded"] = "human_responded"
    interaction: str
    decision: Literal["answered", "approved", "denied"]
    text: str = ""
    arguments: dict[str, JsonValue] | None = None  # as changed by the approver
    digest: str = ""  # of what was shown when they decided; empty: whatever is open
    origin: Origin


class Paused(Base):
    type: Literal["paused"] = "paused"
    origin: Origin | None = None


class Resumed(Base):
    type: Literal["resumed"] = "resumed"
    origin: Origin | None = None


class Cancelled(Base):
    type: Literal["cancelled"] = "cancelled"
    origin: Origin | None = None


# From the model


class ToolCalled(Base):
    """The model's choice. ``seen`` is how many events it had read; ``call`` names this choice from now on."""

    type: Literal["tool_called"] = "tool_called"
    call: str = ""  # it and ``seen`` empty in the log: as the id says
    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    digest: str = ""  # empty: not a valid call of a tool that exists
    seen: int = 0
    shown: str = ""  # the fingerprint of what the model was shown
    thought: str = ""
    prefetched: bool = False
    usage: Usage | None = None


class ThoughtDiscarded(Base):
    """A choice that came too late: a person had spoken meanwhile. Its cost stays."""

    type: Literal["thought_discarded"] = "thought_discarded"
    seen: int = 0
    usage: Usage | None = None


class ModelFailed(Base):
    """The model gave nothing usable. ``retry_at``: when to ask again; None: not by itself."""

    type: Literal["model_failed"] = "model_failed"
    reason: Literal["overloaded", "refused", "too_long", "context", "setup", "unreachable", "nonsense"]
    error: str = ""
    retry_at: float | None = None
    seen: int = 0
    usage: Usage | None = None


# From tools


class ToolStarted(Base):
    type: Literal["tool_started"] = "tool_started"
    call: str
    attempt: int = 1
    key: str = ""  # the idempotency key
    deadline: float = 0.0
    approval: str | None = None  # the interaction that allowed it
    digest: str = ""  # what was started


class ToolReturned(Base):
    type: Literal["tool_returned"] = "tool_returned"
    call: str = ""  # empty in the log: as the id says
    attempt: int = 1
    result: str
    trusted: bool = True
    blob: str | None = None  # the whole result, where ``result`` is its beginning
    seconds: float = 0.0


class ToolFailed(Base):
    type: Literal["tool_failed"] = "tool_failed"
    call: str
    attempt: int = 1
    error: str  # one line, at most 200 characters
    trusted: bool = True
    seconds: float = 0.0


class OutcomeUnknown(Base):
    type: Literal["outcome_unknown"] = "outcome_unknown"
    call: str
    attempt: int = 1


# To people


class HumanContacted(Base):
    """A question or an approval was put to people; ``surfaces`` are the addresses where it shows."""

    type: Literal["human_contacted"] = "human_contacted"
    interaction: str
    kind: Literal["question", "approval", "outcome", "limit"] = "question"
    text: str = ""  # of a question empty in the log: what the call says
    choices: tuple[str, ...] = ()
    urgency: Literal["low", "normal", "high"] = "normal"
    audience: Audience = Audience()
    surfaces: tuple[str, ...] = ()
    call: str | None = None
    tool: str = ""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    digest: str = ""
    until: float | None = None
    ladder: Ladder = Ladder()


class AwayNoticed(Base):
    """The mailbox of somebody who was asked answered by itself: they seem to be away. It answers nothing."""

    type: Literal["away_noticed"] = "away_noticed"
    interaction: str


class Withdrawn(Base):
    type: Literal["withdrawn"] = "withdrawn"
    interaction: str
    reason: Literal["withdrawn", "superseded"] = "withdrawn"
    call: str | None = None  # the call of the tool ``withdraw``, if it was one


class Replied(Base):
    type: Literal["replied"] = "replied"
    call: str
    text: str = ""  # empty in the log: what the call says
    address: str


class DeliveryAttempted(Base):
    type: Literal["delivery_attempted"] = "delivery_attempted"
    delivery: str = ""  # empty in the log: as the id says
    address: str = ""  # empty in the log: that of what is delivered
    attempt: int = 1


class Delivered(Base):
    """It is there. ``native`` is the platform's id of it; ``shows`` the state that a card shows; ``maps`` the addresses that now lead here."""

    type: Literal["delivered"] = "delivered"
    delivery: str = ""  # empty in the log: as the id says
    address: str = ""  # empty in the log: that of what is delivered
    native: str = ""
    shows: str = ""
    maps: tuple[str, ...] = ()


class DeliveryFailed(Base):
    """``retry_at`` None: for good."""

    type: Literal["delivery_failed"] = "delivery_failed"
    delivery: str
    address: str
    error: str
    shows: str = ""
    retry_at: float | None = None
    attempt: int = 1
    told: str = ""  # where the operator reads of it, if it is for good


class DeliveryUnknown(Base):
    type: Literal["delivery_unknown"] = "delivery_unknown"
    delivery: str
    address: str
    error: str = ""


# From time


class Reminded(Base):
    type: Literal["reminded"] = "reminded"
    interaction: str


class Escalated(Base):
    type: Literal["escalated"] = "escalated"
    interaction: str
    names: tuple[str, ...] = ()  # who may answer from now on as well
    surfaces: tuple[str, ...] = ()


class TimedOut(Base):
    type: Literal["timed_out"] = "timed_out"
    interaction: str


# Of the thread


class HandedOff(Base):
    type: Literal["handed_off"] = "handed_off"
    call: str
    agent: str
    note: str = ""


class Forked(Base):
    type: Literal["forked"] = "forked"
    source: str
    count: int  # how many events of the source stand before this one
    address: str = ""  # where the fork goes on; nothing of it reaches the conversations of its source


class Checkpointed(Base):
    """The context grew long: from here on ``text`` is shown instead of the first ``count`` events, except for those of the numbers in ``kept``.

    ``text`` has a line an event, which begins with its number; it is made of what was shown before, and as that escaped.
    """

    type: Literal["checkpointed"] = "checkpointed"
    text: str
    count: int
    kept: tuple[int, ...] = ()


class SetAside(Base):
    """The thread cannot go on by itself. A message or ``resume`` lets it try again."""

    type: Literal["set_aside"] = "set_aside"
    error: str


Event: TypeAlias = Annotated[
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | HumanResponded
    | Paused
    | Resumed
    | Cancelled
    | ToolCalled
    | ThoughtDiscarded
    | ModelFailed
    | ToolStarted
    | ToolReturned
    | ToolFailed
    | OutcomeUnknown
    | HumanContacted
    | AwayNoticed
    | Withdrawn
    | Replied
    | DeliveryAttempted
    | Delivered
    | DeliveryFailed
    | DeliveryUnknown
    | Reminded
    | Escalated
    | TimedOut
    | HandedOff
    | Forked
    | Checkpointed
    | SetAside,
    Field(discriminator="type"),
]

FROM_PEOPLE = frozenset(
    {"message_received", "message_edited", "message_deleted", "human_responded", "paused", "resumed", "cancelled"}
)
"""Types that make a choice stale when they come in between (law 3)."""

_event: TypeAdapter[Event] = TypeAdapter(Event)
_upcasters: dict[
    tuple[str, int], Any
] = {}  # (type, old version) -> a pure function from the old dict to the next version's


class UnknownEvent(Exception):
    """The log holds an event that is newer than this code; the thread must be left untouched."""


def dump(event: Event) -> str:
    """One event as JSON, without what is empty anyway."""
    data = event.model_dump(mode="json", exclude_defaults=True)
    return _compact({**data, "type": event.type})


def load(text: str | bytes) -> Event:
    """The event in a stored JSON text, brought up to date. Raises UnknownEvent for a type or version this code does not know."""
    try:
        event = _event.validate_json(text)
    except ValueError:
        event = _load_old(text)
    if event.v > 1:
        raise UnknownEvent(f"an event of type {event.type!r}, version {event.v}, is newer than this code")
    return event


def _load_old(text: str | bytes) -> Event:
    data = json.loads(text)
    while upcast := _upcasters.get((data.get("type", ""), data.get("v", 1))):
        data = upcast(data)
    try:
        return _event.validate_python(data)
    except ValueError as error:
        raise UnknownEvent(f"an event of type {data.get('type')!r} is not known to this code") from error


def _compact(data: dict[str, Any]) -> str:
    """JSON that can be written as UTF-8: half a character, as names of files may hold, becomes a question mark."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace").decode()


ERASED: Mapping[str, Any] = {
    **dict.fromkeys(("text", "subject", "result", "error", "thought", "note", "address", "native"), ""),
    **dict.fromkeys(("attachments", "choices", "surfaces", "maps"), ()),
    "arguments": {},
    "blob": None,
}
"""The fields that hold what was said or seen, by whom and where, and what is left in them."""


def forgotten(event: Event) -> Event:
    """The same event without what anybody said or saw: its type, time and place in the log stay, and what no person did is still whose it was."""
    wipe = {name: value for name, value in ERASED.items() if getattr(event, name, None)}
    if event.actor.kind == "person":
        wipe["actor"] = Actor(proof=event.actor.proof)
    if origin := getattr(event, "origin", None):
        wipe["origin"] = Origin(address="", trusted=origin.trusted)
    return event.model_copy(update=wipe)


def blobs_of(event: Event) -> tuple[str, ...]:
    """The blobs that the event refers to."""
    attached = tuple(each.blob for each in getattr(event, "attachments", ()) if each.blob)
    blob = getattr(event, "blob", None)
    return (*attached, blob) if blob else attached
