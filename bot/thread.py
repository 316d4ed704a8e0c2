"""A thread: an append-only list of events, and the state that is derived from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import JsonValue

from bot import events as e
from bot.events import PARLEY, Actor, Event, Usage
from bot.ids import digest
from bot.judge import Counted, NotEntitled, Verdict, judge
from bot.render import block, recap
from bot.unsaid import spelled_out
from bot.values import replace

Status: TypeAlias = Literal["running", "waiting", "done", "paused", "cancelled", "failed"]

HAPPENED, DID_NOT = "It happened", "It did not"
GO_ON, STOP = "Go on", "Stop"
KEPT = "Kept. This conversation is paused; I read it as soon as somebody resumes it."
STOPPED = "Stopped. Write again and I go on from here."


@dataclass(frozen=True)
class Call:
    """One choice of the model and what became of it."""

    id: str
    tool: str
    arguments: Mapping[str, JsonValue]
    digest: str
    state: Literal["chosen", "asked", "approved", "started", "unknown", "settled"] = "chosen"
    attempt: int = 0
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


@dataclass(frozen=True)
class Thread:
    """An id and its events. ``state`` is what they add up to, ``shown`` the block that the model is shown for each (empty: nothing),
    ``size`` the characters of all that it is shown; ``extend`` works on what is new alone."""

    id: str
    events: tuple[Event, ...] = ()
    state: State = State()
    shown: tuple[str, ...] = ()
    size: int = 0

    @classmethod
    def of(cls, id: str, events: Iterable[Event]) -> "Thread":
        return cls(id).extend(events)

    def extend(self, events: Iterable[Event]) -> "Thread":
        new, state, shown, size = [], self.state, list(self.shown), self.size
        for event in events:
            event = spelled_out(state, event)
            state = fold(state, event)
            shown.append(block(state, event))
            size += len(shown[-1])
            if isinstance(event, e.Checkpointed):
                shown = _cut(shown, event)
                size = len(recap(event)) + sum(map(len, shown))
            new.append(event)
        return Thread(self.id, (*self.events, *new), state, tuple(shown), size)

    @property
    def version(self) -> int:
        return self.state.version


def _cut(shown: list[str], event: e.Checkpointed) -> list[str]:
    """The blocks without those that the checkpoint stands for."""
    gone = set(range(1, event.count + 1)) - set(event.kept)
    return ["" if number in gone else each for number, each in enumerate(shown, start=1)]


def fold(state: State, event: Event) -> State:
    """The state after one more event. Pure; every derived value in Parley comes from here."""
    state = replace(state, version=state.version + 1, updated=event.at or state.updated)
    if event.type in e.FROM_PEOPLE:
        state = replace(state, spoke_at=event.at or state.spoke_at)
    match event:
        case e.MessageReceived() | e.MessageEdited() | e.MessageDeleted():
            return _heard(state, event)
        case e.HumanResponded():
            return _responded(state, event)
        case e.Paused() | e.Resumed() | e.Cancelled():
            return _steered(state, event)
        case e.ToolCalled() | e.ThoughtDiscarded() | e.ModelFailed():
            return _thought(state, event)
        case e.ToolStarted() | e.ToolReturned() | e.ToolFailed() | e.OutcomeUnknown():
            return _ran(state, event)
        case e.HumanContacted() | e.Withdrawn() | e.TimedOut() | e.Reminded() | e.Escalated():
            return _asked(state, event)
        case e.AwayNoticed():
            return _away(state, event)
        case e.Replied():
            post = Post(key=event.id, address=event.address, kind="reply", text=event.text)
            return replace(_settle(_post(state, post), event.call), askers=(), unanswered=())
        case e.DeliveryAttempted() | e.Delivered() | e.DeliveryFailed() | e.DeliveryUnknown():
            return _delivered(state, event)
        case e.HandedOff():
            state = _settle(state, event.call)
            return _attend(replace(state, agent=event.agent, prefetched=0, thoughts=0))
        case e.SetAside():
            return _post(replace(state, failed=event.error), _notice(event.id, state.home, event.error))
        case e.Forked():
            return _forked(state, event)
        case e.Checkpointed():
            return replace(state, checkpoint=event)


def _attend(state: State) -> State:
    return replace(state, attention=state.version)


def _anew(state: State) -> State:
    """A person spoke: steps, errors and failures count from here, and the model has something to react to."""
    anew = replace(state, steps=0, errors=0, model_failures=0, retry_at=None, failed="", cancelled=False, unreached=())
    return _attend(anew)


def _heard(state: State, event: e.MessageReceived | e.MessageEdited | e.MessageDeleted) -> State:
    if not isinstance(event, e.MessageReceived):
        return _corrected(state, event)
    if state.paused:
        state = _told_by_mail(state, event.id, event.origin, KEPT)
    state = _anew(_map(state, event.origin.address))
    at_home = state.home in ("", event.origin.address)
    return replace(
        state,
        agent=state.agent or event.agent,
        title=state.title or event.subject or _first_line(event.text),
        home=state.home or event.origin.address,
        requester=event.actor if at_home else state.requester,
        place=state.place or event.origin.place,
        askers=_with(state.askers, event.actor),
        unanswered=(*state.unanswered, event.origin.native),
        tainted=state.tainted or _taints(event),
    )


def _taints(event: e.MessageReceived) -> bool:
    """Whether it brings words into the context that nobody known stands for. The clock says what bot.toml tells it to say."""
    by_stranger = event.actor.kind == "person" and not event.actor.known
    return by_stranger or not event.origin.trusted or bool(event.attachments)


def _corrected(state: State, event: e.MessageEdited | e.MessageDeleted) -> State:
    """A change of what is not answered yet matters; a change of what is answered is only on record."""
    if event.origin.native not in state.unanswered:
        return state
    return replace(_anew(state), tainted=state.tainted or not event.actor.known)


def _responded(state: State, event: e.HumanResponded) -> State:
    verdict = judge(state.interactions.get(event.interaction), event)
    state = replace(state, verdicts={**state.verdicts, event.id: verdict})
    state = _post(state, _receipt(event, verdict))
    if isinstance(verdict, NotEntitled):
        return state
    state = replace(_map(state, event.origin.address), tainted=state.tainted or not event.actor.known)
    if not isinstance(verdict, Counted):
        return _anew(state) if event.text else state
    if event.decision == "approved":
        state = _voted(state, event)
    return state if verdict.missing else _settled_by_person(state, event)


def _voted(state: State, event: e.HumanResponded) -> State:
    """A yes; to changed arguments, which are a new version, it is the first one."""
    interaction = state.interactions[event.interaction]
    vote = Vote(event.actor, event.at)
    if event.arguments is not None:
        return _with_interaction(state, replace(interaction, arguments=event.arguments, votes=(vote,)))
    return _with_interaction(state, replace(interaction, votes=(*interaction.votes, vote)))


def _settled_by_person(state: State, event: e.HumanResponded) -> State:
    before = state.interactions[event.interaction]
    interaction = replace(
        before,
        state=event.decision,
        by=event.actor,
        settled_at=event.at,
        text=event.text,
        where=event.origin.address,
    )
    state = _with_interaction(state, interaction)
    call = state.calls.get(before.asked.call or "")
    if call is None:
        return _anew(state)
    if before.asked.kind == "outcome":
        happened = event.text == HAPPENED
        state = _outcome(state, call, "done" if happened else "failed", event.text)
        return _anew(_settle(state, call.id))
    if event.decision == "approved":
        return replace(_with_call(state, replace(call, state="approved")), steps=0, errors=0)
    return _anew(_settle(state, call.id))


def _steered(state: State, event: e.Paused | e.Resumed | e.Cancelled) -> State:
    if isinstance(event, e.Paused):
        return replace(state, paused=True)
    if isinstance(event, e.Resumed):
        resumed = replace(state, paused=False, cancelled=False, failed="", retry_at=None, model_failures=0)
        return _attend(resumed) if state.failed else resumed
    for interaction in state.open_interactions:
        if interaction.asked.kind != "outcome":
            state = _close(state, interaction, "withdrawn", event)
    for call in state.open_calls:
        if call.state in ("chosen", "asked", "approved"):
            state = _settle(state, call.id)
    state = replace(state, cancelled=True, paused=False, seen=state.version)
    return _told_by_mail(state, event.id, event.origin, STOPPED)


def _told_by_mail(state: State, event: str, origin: e.Origin | None, text: str) -> State:
    """A word to somebody who wrote a mail and cannot be told on the spot."""
    if origin is None or not origin.address.startswith("email:"):
        return state
    return _post(state, _notice(event, origin.address, text))


def _thought(state: State, event: e.ToolCalled | e.ThoughtDiscarded | e.ModelFailed) -> State:
    state = replace(state, usage=_spent(state.usage, event.usage))
    if isinstance(event, e.ThoughtDiscarded):
        return replace(state, discarded=state.discarded + 1)
    if isinstance(event, e.ModelFailed):
        return _model_failed(state, event)
    call = Call(event.call, event.tool, event.arguments, event.digest)
    state = _with_call(state, call)
    if event.prefetched:
        return replace(state, prefetched=state.prefetched + 1)
    return replace(
        state,
        seen=event.seen,
        steps=state.steps + 1,
        thoughts=state.thoughts + 1,
        discarded=0,
        model_failures=0,
        retry_at=None,
    )


def _model_failed(state: State, event: e.ModelFailed) -> State:
    state = replace(state, model_failures=state.model_failures + 1, retry_at=event.retry_at, discarded=0)
    if event.retry_at is not None:
        return state
    return _post(replace(state, failed=event.error or event.reason), _notice(event.id, state.home, event.error))


def _ran(state: State, event: e.ToolStarted | e.ToolReturned | e.ToolFailed | e.OutcomeUnknown) -> State:
    call = state.calls.get(event.call)
    if call is None or (call.state == "settled" and not isinstance(event, e.ToolReturned | e.ToolFailed)):
        return state
    if isinstance(event, e.ToolStarted):
        started = replace(call, state="started", attempt=event.attempt, deadline=event.deadline, key=event.key)
        return _outcome(_with_call(state, started), call, "running", "")
    if isinstance(event, e.OutcomeUnknown):
        return _outcome(_with_call(state, replace(call, state="unknown")), call, "unknown", "")
    if call.state == "settled":
        return state
    state = _close_outcome_question(_settle(state, call.id), call, event)
    if isinstance(event, e.ToolReturned):
        tainted = state.tainted or not event.trusted
        state = _outcome(state, call, "done", event.result, event.seconds)
        return _attend(replace(state, errors=0, tainted=tainted))
    state = _outcome(state, call, "failed", event.error, event.seconds)
    return _attend(replace(state, errors=state.errors + 1))


def _close_outcome_question(state: State, call: Call, event: Event) -> State:
    """A late outcome settles what people were asked about it."""
    for each in state.open_interactions:
        if each.asked.kind == "outcome" and each.asked.call == call.id:
            state = _close(state, each, "superseded", event)
    return state


def _asked(state: State, event: e.HumanContacted | e.Withdrawn | e.TimedOut | e.Reminded | e.Escalated) -> State:
    if isinstance(event, e.HumanContacted):
        return _contacted(state, event)
    interaction = state.interactions.get(event.interaction)
    if isinstance(event, e.Withdrawn) and event.call:
        state = _attend(_settle(state, event.call))
    if interaction is None or not interaction.open:
        return state
    if isinstance(event, e.Reminded | e.Escalated):
        return _climbed(state, interaction, event)
    if isinstance(event, e.Withdrawn):
        closed = _close(state, interaction, event.reason, event)
        return _settle(closed, interaction.asked.call)
    closed = _close(state, interaction, "timed_out", event)
    return _attend(_settle(closed, interaction.asked.call))


def _away(state: State, event: e.AwayNoticed) -> State:
    """On record beside the question; it moves nothing."""
    asked = state.interactions.get(event.interaction)
    return state if asked is None else _with_interaction(state, replace(asked, away=_with(asked.away, event.actor)))


def _climbed(state: State, interaction: Interaction, event: e.Reminded | e.Escalated) -> State:
    """One rung of the ladder: whoever was asked is reminded where the card is, or others are asked as well."""
    if isinstance(event, e.Escalated):
        known = len([post for post in state.posts.values() if post.interaction == interaction.id])
        state = _with_interaction(state, replace(interaction, escalated=(*interaction.escalated, *event.names)))
        return _cards(state, interaction.id, event.surfaces, known)
    state = _with_interaction(state, replace(interaction, reminded_at=event.at))
    for post in [each for each in state.posts.values() if each.interaction == interaction.id and each.native]:
        text = f"Still open: {interaction.asked.text}"
        state = _post(state, Post(key=f"{event.id}.{post.key}", address=post.places[-1], kind="notice", text=text))
    return state


def _cards(state: State, interaction: str, surfaces: Iterable[str], first: int = 0) -> State:
    """A card on each surface that has none yet."""
    there = {post.address for post in state.posts.values() if post.interaction == interaction}
    for number, address in enumerate((each for each in surfaces if each not in there), first):
        state = _post(state, Post(key=f"{interaction}.{number}", address=address, kind="card", interaction=interaction))
    return state


def _contacted(state: State, event: e.HumanContacted) -> State:
    interaction = Interaction(event, askers=state.askers or (state.requester,))
    state = _with_interaction(state, interaction)
    state = _cards(state, interaction.id, event.surfaces)
    call = state.calls.get(event.call or "")
    if call is None:
        return state
    if event.kind == "question":
        return _settle(state, call.id)
    if event.kind == "outcome":
        return _with_call(state, replace(call, state="unknown"))
    return _with_call(state, replace(call, state="asked", interaction=interaction.id))


def _delivered(state: State, event: e.DeliveryAttempted | e.Delivered | e.DeliveryFailed | e.DeliveryUnknown) -> State:
    post = state.posts.get(event.delivery)
    if isinstance(event, e.DeliveryFailed) and event.retry_at is None and (post is None or _came_back(post)):
        return _unreached(state, event.address)
    if post is None:
        return state
    match event:
        case e.DeliveryAttempted():
            return _post(state, replace(post, state="attempted", attempts=event.attempt, attempted_at=event.at))
        case e.Delivered():
            post = replace(post, state="delivered", native=event.native or post.native, shows=event.shows, retry_at=0.0)
            post = replace(post, maps=tuple(dict.fromkeys((*post.maps, *event.maps))))
            for address in event.maps:
                state = _map(state, address)
            if post.address == state.home and event.maps:  # a thread that began without a conversation has one now
                state = replace(state, home=event.maps[0])
            if post.kind == "card":
                return _post(state, post)
            return replace(state, posts={key: each for key, each in state.posts.items() if key != post.key})
        case e.DeliveryUnknown():
            return _post(state, replace(post, state="unknown"))
        case e.DeliveryFailed():
            return _delivery_failed(state, post, event)


def _delivery_failed(state: State, post: Post, event: e.DeliveryFailed) -> State:
    if event.retry_at is not None:
        waiting = replace(post, attempts=event.attempt, retry_at=event.retry_at)
        return _post(state, replace(waiting, state="delivered") if post.native else replace(waiting, state="owed"))
    if post.native:  # only a change of a card failed: what is there stays
        return _post(state, replace(post, state="delivered", shows=event.shows))
    state = _post(state, replace(post, state="failed"))
    return _unreached(state, post.address) if post.kind in ("reply", "card") else state


def _came_back(post: Post) -> bool:
    """A mail that was handed over and returned later, rather than a change of a card that failed."""
    return post.state == "delivered" and post.address.startswith("email:")


def _unreached(state: State, address: str) -> State:
    """The agent is told once, until a person speaks again; telling it more often would only make it try again."""
    if address in state.unreached:
        return state
    return _attend(replace(state, unreached=(*state.unreached, address)))


def _forked(state: State, event: e.Forked) -> State:
    """A life of its own: nothing is owed to the conversations of the source, and open questions have names of their own."""
    new = event.address.partition(":")[2]
    names = {id: f"{new}.{id.partition('.')[2]}" for id in state.interactions}
    interactions = {
        names[each.id]: replace(each, asked=each.asked.model_copy(update={"interaction": names[each.id]}))
        for each in state.interactions.values()
    }
    calls = {
        call.id: replace(call, interaction=names.get(call.interaction or "", call.interaction))
        for call in state.calls.values()
    }
    state = replace(state, interactions=interactions, calls=calls, posts={})
    return replace(state, home=event.address, place="", addresses=(event.address,))


def _post(state: State, post: Post | None) -> State:
    return state if post is None else replace(state, posts={**state.posts, post.key: post})


def _notice(event: str, address: str, text: str) -> Post:
    return Post(key=event, address=address, kind="notice", text=text)


def _receipt(event: e.HumanResponded, verdict: Verdict) -> Post | None:
    """Who wrote an email gets a mail back; elsewhere the channel answers at once."""
    if not event.origin.address.startswith("email:"):
        return None
    if isinstance(verdict, Counted) and event.decision == "answered":
        return None  # the agent goes on in the same conversation
    return Post(key=event.id, address=event.origin.address, kind="receipt", verdict=verdict, answers=event.id)


def _settle(state: State, call: str | None) -> State:
    found = state.calls.get(call or "")
    return state if found is None else _with_call(state, replace(found, state="settled"))


def _with_call(state: State, call: Call) -> State:
    return replace(state, calls={**state.calls, call.id: call})


def _with_interaction(state: State, interaction: Interaction) -> State:
    return replace(state, interactions={**state.interactions, interaction.id: interaction})


def _close(
    state: State,
    interaction: Interaction,
    how: Literal["withdrawn", "superseded", "timed_out"],
    event: Event,
) -> State:
    return _with_interaction(state, replace(interaction, state=how, by=event.actor, settled_at=event.at))


def _outcome(
    state: State, call: Call, outcome: Literal["running", "done", "failed", "unknown"], text: str, seconds: float = 0.0
) -> State:
    """The card of an approval tells what became of it."""
    interaction = state.interactions.get(call.interaction or "")
    if interaction is None or interaction.asked.kind != "approval":
        return state
    interaction = replace(interaction, outcome=outcome, result=text[:200], seconds=seconds)
    state = _with_interaction(state, interaction)
    by_mail = interaction.where.startswith("email:") and interaction.where != state.home
    if outcome == "running" or not by_mail:
        return state
    became = {"done": "Done", "failed": "It failed", "unknown": "It was interrupted and may or may not have happened"}
    told = f"{became[outcome]}: {interaction.asked.text}." + (f"\n\n{interaction.result}" if interaction.result else "")
    return _post(state, Post(f"{interaction.id}.{outcome}", interaction.where, "notice", told))


def _map(state: State, address: str) -> State:
    return state if address in state.addresses else replace(state, addresses=(*state.addresses, address))


def _with(actors: tuple[Actor, ...], actor: Actor) -> tuple[Actor, ...]:
    return actors if any(each.same(actor) for each in actors) else (*actors, actor)


def _spent(usage: Mapping[str, Usage], more: Usage | None) -> Mapping[str, Usage]:
    if more is None:
        return usage
    before = usage.get(more.model, Usage(model=more.model))
    total = Usage(
        model=more.model,
        input=before.input + more.input,
        output=before.output + more.output,
        cache_read=before.cache_read + more.cache_read,
        cache_write=before.cache_write + more.cache_write,
        seconds=before.seconds + more.seconds,
    )
    return {**usage, more.model: total}


def _first_line(text: str) -> str:
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), "")
