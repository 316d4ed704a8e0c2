"""What an agent has done since it was last spoken to, step by step, as a person would follow it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot import events as e
from bot.agent import Agent
from bot.decide import parse
from bot.intents import COMMON
from bot.thread import Thread
from bot.tool import one_line, spec
from bot.words import visible

How: TypeAlias = Literal["in_progress", "complete", "error"]

QUIET = {spec(tool).name for tool in COMMON}
"""Tools that are no step of the work: they say, ask or look something up in the conversation itself."""

TITLE = 150


@dataclass(frozen=True)
class Step:
    """One call of a tool. ``wrote``: it may have changed something in the world."""

    call: str
    title: str
    how: How
    wrote: bool = False


def steps(thread: Thread, agent: Agent | None, before: str = "") -> tuple[Step, ...]:
    """The steps since the last reply; with ``before``, those that came before the event of this id."""
    found: dict[str, Step] = {}
    for event in _of_late(thread, before):
        match event:
            case e.ToolCalled(tool=tool) if tool not in QUIET:
                found[event.call] = Step(event.call, _title(thread, agent, event), "in_progress")
            case e.ToolStarted() if event.call in found:
                found[event.call] = _as(found[event.call], "in_progress", wrote=True)
            case e.ToolReturned() if event.call in found:
                found[event.call] = _as(found[event.call], "complete")
            case e.ToolFailed() if event.call in found:
                found[event.call] = _as(found[event.call], "error")
    return tuple(found.values())


def _of_late(thread: Thread, before: str) -> Iterator[e.Event]:
    ends = [number for number, event in enumerate(thread.events) if event.id == before]
    events = thread.events[: ends[0]] if ends else thread.events
    replies = [number for number, event in enumerate(events) if isinstance(event, e.Replied)]
    yield from events[replies[-1] + 1 :] if replies else events


def _as(step: Step, how: How, *, wrote: bool = False) -> Step:
    return Step(step.call, step.title, how, step.wrote or wrote)


def _title(thread: Thread, agent: Agent | None, event: e.ToolCalled) -> str:
    """What a call does in its tool's own words; the words of its approval, where people were asked."""
    call = thread.state.calls.get(event.call)
    asked = thread.state.interactions.get(call.interaction or "") if call else None
    tool = parse(agent, event.tool, event.arguments) if agent else ""
    words = asked.asked.text if asked else event.tool.replace("_", " ") if isinstance(tool, str) else tool.summary()
    return visible(one_line(words, TITLE))


def stopped(thread: Thread, event: e.Cancelled, agent: Agent | None) -> str:
    """What had happened already when somebody stopped it, in sentences for them."""
    done = steps(thread, agent, before=event.id)
    wrote = [each for each in done if each.wrote]
    told = {
        "Done already": [each.title for each in wrote if each.how == "complete"],
        "Failed": [each.title for each in wrote if each.how == "error"],
        "Under way and not to be taken back": [each.title for each in wrote if each.how == "in_progress"],
        "Withdrawn": [visible(one_line(text, TITLE)) for text in _withdrawn(thread, event.id)],
    }
    return " ".join(("Stopped.", *_sentences(told), "Write again and I go on from here."))


def _withdrawn(thread: Thread, by: str) -> Iterator[str]:
    """What the event of this id took back, by the time that the store gave it."""
    at = [event.at for event in thread.events if event.id == by]
    for each in thread.state.interactions.values():
        if each.state == "withdrawn" and each.settled_at in at:
            yield each.asked.text


def _sentences(told: Mapping[str, list[str]]) -> Iterator[str]:
    if not any(told.values()):
        yield "Nothing had been changed."
    for what, titles in told.items():
        if titles:
            yield f"{what}: {'; '.join(title.rstrip('.?!') for title in titles)}."
