"""What the model is shown: one text block an event, append-only, so that the provider's prefix cache holds.

Blocks depend on nothing but the events up to theirs; what people, mails and tools said is escaped, so that no text can pass for an event.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot import events as e
from bot.agent import Agent
from bot.events import Actor, Event
from bot.ids import canonical
from bot.judge import Counted, NotEntitled, NotUnderstood, Outdated, TooLate, Verdict
from bot.tool import schema_of, spec
from bot.trust import says_something

if TYPE_CHECKING:
    from bot.state import State
    from bot.thread import Thread

INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""Control, zero-width, direction and tag characters: text that a person would not see."""


def render(thread: "Thread") -> tuple[str, ...]:
    """The context of a thread: the last checkpoint, and the blocks of all events that it does not stand for and that tell the model something."""
    before = thread.state.checkpoint
    return tuple(filter(None, (recap(before) if before else "", *thread.shown)))


def recap(event: e.Checkpointed) -> str:
    """The block of a checkpoint, which opens the context. Its lines are escaped already."""
    about = f"The first {event.count} events in brief, the oldest left out. read_more gives any of them whole, by its number."
    return f"<checkpointed>\n{about}\n{event.text}\n</checkpointed>"


def fingerprint(agent: Agent, blocks: Iterable[str]) -> str:
    """What the model was shown, in 16 hex digits: prompt, tools and blocks. Equal fingerprints: equal bytes."""
    tools = [(spec(tool).description, schema_of(tool)) for tool in agent.toolbox.values()]
    whole = hashlib.sha256(canonical([agent.prompt, tools]).encode())
    for each in blocks:
        whole.update(b"\0" + each.encode())
    return whole.hexdigest()[:16]


def block(state: "State", event: Event) -> str:
    """The block of one event; ``state`` includes it. Empty: it tells the model nothing."""
    match event:
        case e.MessageReceived():
            names = [each.name for each in event.attachments]
            about = {**_who(event.actor), **_where(state, event.origin.address), "subject": event.subject}
            more = {"read": _read_more(state)} if any(each.blob for each in event.attachments) else {}
            return _element(event, {**about, "attachments": ", ".join(names), **more}, event.text)
        case e.MessageEdited() | e.MessageDeleted():
            text = event.text if isinstance(event, e.MessageEdited) else ""
            return _element(event, {**_who(event.actor), **_where(state, event.origin.address)}, text)
        case e.HumanResponded():
            return _response(state, event)
        case e.ToolCalled():
            prefetched = {"prefetched": "yes"} if event.prefetched else {}
            return _element(event, {"call": event.call, "tool": event.tool, **prefetched}, _json(event.arguments))
        case e.ToolReturned():
            more = {"cut": _read_more(state, len(event.result))} if event.blob else {}
            return _element(event, {"call": event.call, **_source(event), **more}, event.result)
        case e.ToolFailed():
            return _element(event, {"call": event.call, **_source(event)}, event.error)
        case e.OutcomeUnknown():
            return _element(event, {"call": event.call}, "It was interrupted; it may or may not have happened.")
        case e.HumanContacted():
            asked = ", ".join(event.audience.names) or "whoever wrote"
            about = {"id": event.interaction, "kind": event.kind, "asked": asked, "call": event.call or ""}
            said_by_call = event.kind == "question" and event.call
            return _element(event, about, "" if said_by_call else event.text)
        case e.AwayNoticed():
            about = {"id": event.interaction, **_unnamed(event.actor)}
            return _element(event, about, "Their mailbox answered by itself; they seem to be away.")
        case e.Withdrawn() | e.TimedOut():
            return _element(event, {"id": event.interaction}, "")
        case e.DeliveryFailed() if event.retry_at is None:
            return _element(event, {"to": event.address}, event.error)
        case e.HandedOff():
            return _element(event, {"to": event.agent}, event.note)
        case e.Cancelled() | e.Resumed():
            return _element(event, _who(event.actor), "")
        case _:
            return ""


def _read_more(state: "State", start: int = 0) -> str:
    """How the model gets at what this event shows in part."""
    return f"read_more event={state.version}" + (f" start={start}" if start else "")


def _response(state: "State", event: e.HumanResponded) -> str:
    verdict = state.verdicts[event.id]
    counts = {} if isinstance(verdict, Counted) else {"counts": f"no, {_why_not(verdict)}"}
    changed = f"\nchanged arguments: {_json(event.arguments)}" if event.arguments is not None else ""
    about = {"id": event.interaction, "decision": event.decision, **counts}
    where = _where(state, event.origin.address)
    who = _who(event.actor) if says_something(event) else _unnamed(event.actor)
    return _element(event, {**about, **who, **where}, event.text + changed)


def _why_not(verdict: Verdict) -> str:
    match verdict:
        case TooLate():
            return "it was settled before"
        case NotEntitled():
            return "this person may not decide it"
        case Outdated() | NotUnderstood() | Counted():
            return "it does not fit what is open"


def _who(actor: Actor) -> dict[str, str]:
    """Who said it. Only what the channel proved is stated as such; a name is a claim."""
    groups = f" ({', '.join(actor.groups)})" if actor.groups else ""
    proven = f"{actor.person}{groups}" if actor.known else "no, a stranger or nobody vouched for them"
    return {"from": actor.name or actor.id, "known": proven}


def _unnamed(actor: Actor) -> dict[str, str]:
    """The same without the name that a stranger gave themselves, which would be a word of theirs."""
    return _who(actor) if actor.known else {**_who(actor), "from": actor.claimed or "somebody"}


def _source(event: e.ToolReturned | e.ToolFailed) -> dict[str, str]:
    return {} if event.trusted else {"written_by": "strangers"}


def _where(state: "State", address: str) -> dict[str, str]:
    internal = {"internal": "yes, the requester does not read this"} if address != state.home else {}
    return {"via": address.partition(":")[0], **internal}


def _element(event: Event, about: Mapping[str, str], text: str) -> str:
    when = datetime.fromtimestamp(event.at, UTC).strftime("%a %d %b %Y %H:%M UTC")
    attributes = "".join(f' {name}="{_attribute(value)}"' for name, value in about.items() if value)
    opening = f'<{event.type}{attributes} at="{when}"'
    body = escape(text).strip()
    return f"{opening}>\n{body}\n</{event.type}>" if body else f"{opening}/>"


def escape(text: str) -> str:
    """Text that cannot open or close an element, without characters that nobody sees."""
    clean = INVISIBLE.sub("", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(value: str) -> str:
    return " ".join(escape(value).replace('"', "&quot;").split())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
