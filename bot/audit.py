"""The record: who asked, decided, changed and did what, when, by which door and with which proof; and a thread to read."""

from collections.abc import Iterator
from typing import Any

from bot import events as e
from bot.events import Actor, Event
from bot.judge import Counted, Verdict
from bot.show import in_words, iso
from bot.thread import Thread


def audit(thread: Thread) -> Iterator[dict[str, Any]]:
    """The entries of one thread, oldest first, one for everything that a person or a tool with effects did."""
    for event in thread.events:
        if entry := _entry(thread, event):
            yield {"at": iso(event.at), "thread": thread.id, "event": event.id, **entry}


def _entry(thread: Thread, event: Event) -> dict[str, Any]:
    match event:
        case e.MessageReceived() | e.MessageEdited() | e.MessageDeleted() | e.Cancelled() | e.Paused() | e.Resumed():
            door = event.origin.address if event.origin else ""
            return {"what": event.type, **_who(event.actor), "door": door.partition(":")[0]}
        case e.HumanContacted():
            asked = {"interaction": event.interaction, "kind": event.kind, "audience": list(event.audience.names)}
            return {"what": "asked", "who": event.actor.id, **asked, **_what(event.tool, event.arguments, event.digest)}
        case e.HumanResponded():
            verdict = thread.state.verdicts[event.id]
            answer = {"interaction": event.interaction, **_counted(verdict), "note": event.text}
            changed = {"changed": event.arguments} if event.arguments is not None else {}
            door = event.origin.address.partition(":")[0]
            return {"what": event.decision, **_who(event.actor), "door": door, **answer, **changed}
        case e.ToolStarted():
            call = thread.state.calls[event.call]
            started = {"call": event.call, "attempt": event.attempt, "approval": event.approval}
            return {"what": "started", "who": event.actor.id, **started, **_what(call.tool, {}, event.digest)}
        case e.ToolReturned() | e.ToolFailed() | e.OutcomeUnknown():
            return {"what": event.type, "who": event.actor.id, "call": event.call, "attempt": event.attempt}
        case e.AwayNoticed() | e.TimedOut() | e.Escalated() | e.Reminded() | e.Withdrawn():
            return {"what": event.type, "who": event.actor.id, "interaction": event.interaction}
        case _:
            return {}


def _who(actor: Actor) -> dict[str, Any]:
    return {"who": actor.id, "person": actor.person, "groups": list(actor.groups), "proof": actor.proof}


def _what(tool: str, arguments: Any, digest: str) -> dict[str, Any]:
    shown = {"tool": tool, "arguments": dict(arguments), "digest": digest}
    return {name: value for name, value in shown.items() if value}


def _counted(verdict: Verdict) -> dict[str, Any]:
    return {"counted": isinstance(verdict, Counted), "verdict": type(verdict).__name__}


def markdown(thread: Thread) -> str:
    """A thread for people to read and keep: who said and did what, in order."""
    title = thread.state.title or thread.id
    lines = [f"# {title}", "", f"Thread {thread.id} · agent {thread.state.agent} · {in_words(thread)}", ""]
    for event in thread.events:
        if said := _paragraph(thread, event):
            lines += [said, ""]
    return "\n".join(lines)


def _paragraph(thread: Thread, event: Event) -> str:
    who = event.actor.name or event.actor.id
    at = iso(event.at)[:16].replace("T", " ")
    match event:
        case e.MessageReceived():
            return f"**{who}** · {at}\n\n{_quoted(event.text)}"
        case e.Replied():
            return f"**{thread.state.agent}** · {at}\n\n{_quoted(event.text)}"
        case e.HumanContacted():
            asked = ", ".join(event.audience.names) or "whoever wrote"
            arguments = "".join(f"\n- {name}: `{value}`" for name, value in event.arguments.items())
            return f"*{at}: asked {asked}:* {event.text}{arguments}"
        case e.HumanResponded():
            counted = "" if isinstance(thread.state.verdicts[event.id], Counted) else " (does not count)"
            return f"*{at}: {who} {event.decision}{counted}*" + (f"\n\n{_quoted(event.text)}" if event.text else "")
        case e.ToolReturned():
            return f"*{at}: {thread.state.calls[event.call].tool} returned*\n\n{_quoted(event.result)}"
        case e.ToolFailed():
            return f"*{at}: {thread.state.calls[event.call].tool} failed: {event.error}*"
        case (
            e.OutcomeUnknown() | e.TimedOut() | e.Escalated() | e.Withdrawn() | e.Cancelled() | e.Paused() | e.Resumed()
        ):
            return f"*{at}: {event.type.replace('_', ' ')}*"
        case _:
            return ""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
