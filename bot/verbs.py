"""What one can do to threads from outside: start, say, answer, pause, resume, cancel, fork, forget. The same few functions behind every door."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import JsonValue

from bot import events as e
from bot.events import PARLEY, Actor, Event, HumanResponded, Origin
from bot.hear import understand
from bot.ids import new_id
from bot.judge import Verdict, judge
from bot.people import Team
from bot.ports import Arrival, Store
from bot.state import Interaction
from bot.thread import Thread

LONGEST = 12_000  # bytes of text in an event, which is at most 16 KB; the whole text is a blob


class NotFound(Exception):
    """There is no such thread, agent or interaction; the text is a sentence for people."""


class NotAllowed(Exception):
    """It takes a person of bot.toml; the text is a sentence for people."""


@dataclass(frozen=True)
class Answered:
    """What an answer came to: the interaction as it stands now, the response, and what it means."""

    interaction: Interaction
    response: HumanResponded
    verdict: Verdict


def start(store: Store, team: Team, actor: Actor, text: str, agent: str = "", *, key: str = "") -> str:
    """Begin a thread; its id. ``key`` makes a repeated request the same one. Raises NotFound for an agent that does not exist."""
    agent = agent or team.default_agent
    if agent not in team.agents:
        raise NotFound(f"There is no agent {agent!r}; there are {', '.join(sorted(team.agents))}.")
    thread = new_id()
    heard = _message(store, actor, thread, text, agent)
    keys = (f"start:{actor.id}:{key}",) if key else ()
    return store.ingest(Arrival(heard, f"web:{thread}", keys, thread=thread)).thread


def say(store: Store, actor: Actor, thread: str, text: str) -> str:
    """Say something in a thread; its id. Raises NotFound."""
    found = get(store, thread)
    heard = _message(store, actor, thread, text)
    return _arrive(store, thread, heard if heard.attachments else understand(found, heard))


def answer(
    store: Store,
    actor: Actor,
    interaction: str,
    decision: str,
    text: str = "",
    arguments: dict[str, JsonValue] | None = None,
    *,
    digest: str = "",
) -> Answered:
    """Answer a question or decide an approval: ``approved``, ``denied`` or ``answered``. Raises NotFound.

    ``digest`` names what the caller was shown; without it, what is open now. Whatever changes before the answer arrives is not decided by it.
    """
    thread = get(store, interaction.partition(".")[0])
    found = thread.state.interactions.get(interaction)
    if found is None:
        raise NotFound(f"There is no question or approval {interaction!r}; list them with: python -m bot pending.")
    response = HumanResponded.model_validate(
        {
            "id": new_id(),
            "actor": actor,
            "interaction": interaction,
            "decision": decision,
            "text": text,
            "arguments": arguments,
            "digest": digest or found.digest,
            "origin": _origin(thread.id),
        }
    )
    _arrive(store, thread.id, response)
    after = get(store, thread.id).state
    verdict = after.verdicts.get(response.id) or judge(found, response)
    return Answered(after.interactions[interaction], response, verdict)


def pause(store: Store, actor: Actor, thread: str) -> str:
    """Nothing more is thought or done until somebody resumes it; what is said meanwhile is kept."""
    return _steer(store, e.Paused(id=new_id(), actor=actor, origin=_origin(thread)), thread)


def resume(store: Store, actor: Actor, thread: str) -> str:
    """Go on after a pause, a cancellation or a failure."""
    return _steer(store, e.Resumed(id=new_id(), actor=actor, origin=_origin(thread)), thread)


def cancel(store: Store, actor: Actor, thread: str) -> str:
    """Stop it: open questions and requests are withdrawn, nothing more runs; a later message reopens it."""
    return _steer(store, e.Cancelled(id=new_id(), actor=actor, origin=_origin(thread)), thread)


def fork(store: Store, actor: Actor, thread: str, count: int | None = None) -> str:
    """A new thread with the first ``count`` events of this one (all of them, if not said); its id. The source stays as it was."""
    _allowed(actor)
    source = get(store, thread)
    count = len(source.events) if count is None else count
    if not 0 < count <= len(source.events):
        raise NotFound(f"Thread {thread} has {len(source.events)} events; fork it at 1 to {len(source.events)}.")
    new = new_id()
    forked = e.Forked(id=new_id(), actor=PARLEY, source=thread, count=count, address=f"web:{new}")
    store.create(new, [*source.events[:count], forked], [f"web:{new}"])
    return new


def forget(store: Store, actor: Actor, thread: str) -> None:
    """Erase what was said and done in a thread; its skeleton stays."""
    _allowed(actor)
    if not store.forget(thread):
        raise NotFound(_no_thread(thread))


def get(store: Store, thread: str) -> Thread:
    """The thread. Raises NotFound."""
    found = store.load(thread)
    if found is None:
        raise NotFound(_no_thread(thread))
    return found


def latest(store: Store, limit: int = 200) -> Iterator[Thread]:
    """The threads, the latest changed first. What a newer version of Parley wrote is left out: it is not ours to read."""
    yield from _readable(store, store.threads(limit))


def at(store: Store, address: str) -> Iterator[Thread]:
    """The thread that this address leads to, if there is one."""
    found = store.find(address)
    yield from _readable(store, [found] if found else [])


def _readable(store: Store, ids: Iterable[str]) -> Iterator[Thread]:
    for id in ids:
        with suppress(e.UnknownEvent):
            if thread := store.load(id):
                yield thread


def pending(store: Store, limit: int = 200) -> list[tuple[Thread, Interaction]]:
    """Every open question and approval, oldest first."""
    found = [(thread, each) for thread in latest(store, limit) for each in thread.state.open_interactions]
    return sorted(found, key=lambda pair: pair[1].asked.at)


def beginning(text: str) -> str:
    """As much of a text as an event holds."""
    return text.encode()[:LONGEST].decode(errors="ignore")


def _message(store: Store, actor: Actor, thread: str, text: str, agent: str = "") -> e.MessageReceived:
    """What somebody says; of a text that is too long for an event, its beginning, with the whole as a file."""
    whole = text.encode()
    files: tuple[e.Attachment, ...] = ()
    if len(whole) > LONGEST:
        blob = store.put_blob(whole)
        files = (e.Attachment(name="the whole message", media_type="text/plain", size=len(whole), blob=blob),)
    origin = _origin(thread)
    return e.MessageReceived(
        id=new_id(), actor=actor, text=beginning(text), origin=origin, attachments=files, agent=agent
    )


def _steer(store: Store, event: Event, thread: str) -> str:
    _allowed(event.actor)
    return _arrive(store, get(store, thread).id, event)


def _allowed(actor: Actor) -> None:
    """Whoever names no person may start and say; the rest takes somebody who answers for it."""
    if not actor.known:
        raise NotAllowed(f"This takes a person of bot.toml, and {actor.name} names none: set BOT_OPERATOR.")


def _arrive(store: Store, thread: str, event: Event) -> str:
    return store.ingest(Arrival(event, f"web:{thread}", thread=thread, create=False)).thread


def _origin(thread: str) -> Origin:
    return Origin(address=f"web:{thread}")


def _no_thread(thread: str) -> str:
    return f"There is no thread {thread!r}; list them with: python -m bot threads."
