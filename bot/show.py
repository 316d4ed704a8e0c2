"""A thread for people and scripts: its state in words, its timeline, and the JSON of ``show``, ``threads`` and ``pending``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot import events as e
from bot.events import Event
from bot.judge import Counted, Verdict
from bot.prices import cost, total
from bot.state import Interaction
from bot.thread import Thread


def thread_json(thread: Thread, *, events: bool = True) -> dict[str, Any]:
    """The public shape of a thread (``show --json``); without its events in lists."""
    state = thread.state
    shown = {
        "id": thread.id,
        "agent": state.agent,
        "status": state.status,
        "words": in_words(thread),
        "title": state.title,
        "requester": state.requester.name or state.requester.id,
        "place": state.place,
        "addresses": list(state.addresses),
        "updated": iso(state.updated),
        "usage": usage_json(thread),
    }
    return shown | {"events": [_with_what_follows(thread, event) for event in thread.events]} if events else shown


def _with_what_follows(thread: Thread, event: Event) -> dict[str, Any]:
    """An event, with what is no fact of its own but worth seeing beside it: whether a response counted, what a call of the model cost."""
    shown = event_json(event)
    if isinstance(event, e.HumanResponded):
        shown["counted"] = isinstance(thread.state.verdicts[event.id], Counted)
    if spent := cost([event]):
        shown["cost_usd"] = _dollars(total(spent))
    return shown


def event_json(event: Event) -> dict[str, Any]:
    """One event: its type, time (ISO 8601, UTC) and actor first, then what it says."""
    data = event.model_dump(mode="json", exclude_none=True)
    first = {"type": data.pop("type"), "at": iso(event.at), "actor": data.pop("actor")}
    data.pop("at")
    return first | data


def usage_json(thread: Thread) -> dict[str, Any]:
    """Tokens and US dollars, in all and by model. ``cost_usd`` is null where the price of a model is not known."""
    by_model, spent = thread.state.usage, cost(thread.events)
    kinds = ("input", "output", "cache_read", "cache_write")
    tokens = {f"{kind}_tokens": sum(getattr(each, kind) for each in by_model.values()) for kind in kinds}
    models = {
        name: each.model_dump(exclude={"model"}) | {"cost_usd": _dollars(spent[name])}
        for name, each in by_model.items()
    }
    return {**tokens, "cost_usd": _dollars(total(spent)), "by_model": models}


def _dollars(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 6)


def pending_json(thread: Thread, interaction: Interaction) -> dict[str, Any]:
    """One open interaction. ``audience``: the people and groups who were asked; empty: the requester, or any known person.

    ``arguments`` are those that a yes would run, ``digest`` names them: an answer that carries it counts for nothing else.
    """
    asked = interaction.asked
    return {
        "id": interaction.id,
        "thread": thread.id,
        "agent": thread.state.agent,
        "kind": asked.kind,
        "text": asked.text,
        "choices": list(asked.choices),
        "tool": asked.tool,
        "arguments": dict(asked.arguments if interaction.arguments is None else interaction.arguments),
        "digest": interaction.digest,
        "audience": list(asked.audience.names),
        "asked_by": interaction.requester.name,
        "asked_at": iso(asked.at),
        "until": iso(asked.until) if asked.until else None,
    }


def in_words(thread: Thread) -> str:
    """How a thread stands, in a few words: "waiting for ops since 14:01 UTC"."""
    state = thread.state
    if state.status != "waiting":
        return f"{state.status}: {state.failed}" if state.failed else state.status
    waiting = state.open_interactions[0].asked
    whom = " and ".join(waiting.audience.names) or (
        "approval" if waiting.kind == "approval" else state.requester.name or "an answer"
    )
    away = " and ".join(each.name or each.id for each in state.open_interactions[0].away)
    absent = f" (away: {away})" if away else ""
    return f"waiting for {whom} since {datetime.fromtimestamp(waiting.at, UTC):%H:%M} UTC{absent}"


def timeline(thread: Thread) -> list[tuple[str, str, str]]:
    """The events as lines: time of day (UTC), what happened in one word, and to whom or what."""
    verdicts = thread.state.verdicts
    return [(f"{datetime.fromtimestamp(event.at, UTC):%H:%M:%S}", *_line(event, verdicts)) for event in thread.events]


def _line(event: Event, verdicts: Mapping[str, Verdict]) -> tuple[str, str]:
    match event:
        case e.MessageReceived() | e.MessageEdited():
            return "heard", f"{event.actor.name or event.actor.id}: {event.text}"
        case e.HumanResponded():
            counted = "" if isinstance(verdicts.get(event.id), Counted) else " (does not count)"
            said = f": {event.text}" if event.text else ""
            return event.decision, f"{event.actor.name or event.actor.id}{said}{counted}"
        case e.ToolCalled():
            arguments = ", ".join(f"{name}={value!r}" for name, value in event.arguments.items())
            return "thought", f"{event.tool}({arguments})"
        case e.ToolStarted():
            return "started", f"attempt {event.attempt}"
        case e.ToolReturned():
            return "ran", event.result
        case e.ToolFailed() | e.ModelFailed() | e.SetAside():
            return "failed", event.error
        case e.HumanContacted():
            return "asked", f"{', '.join(event.audience.names) or 'the requester'}: {event.text}"
        case e.AwayNoticed():
            return "away", event.actor.name or event.actor.id
        case e.Replied():
            return "said", event.text
        case e.HandedOff():
            return "handed", f"to {event.agent}"
        case e.DeliveryAttempted() | e.Delivered():
            return event.type.removeprefix("delivery_"), event.address
        case e.DeliveryFailed() | e.DeliveryUnknown():
            return "undelivered", f"{event.address}: {event.error}"
        case _:
            return event.type.replace("_", " "), event.actor.name


def iso(at: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
