"""Checkpoints: when the context has grown long, old events give way to a line each, in one batch, so that the provider's cache holds in between."""

import re
from collections.abc import Iterable

from bot import events as e
from bot.thread import Thread

LONG = 48_000  # characters of context, about 12,000 tokens, at which old events give way
WORTH = LONG // 4  # characters that must go at once; rewriting the context for less would cost more than it saves
LATEST = 6  # blocks at the end that stay as they are
LINES = 5_600  # characters that all lines may take together
SAID, DONE = 300, 80  # characters of its text that a line keeps where people and the agent spoke, and of anything else

SPOKEN = re.compile(r'\d+ <(message_|human_responded|tool_called [^>]*tool="(reply|contact_human)")')
TIME = re.compile(r' at="[^"]*"(?=/?>$)')
LONG_ATTRIBUTE = re.compile(r'"([^"]{60})[^"]*"')


def checkpoint(thread: Thread, id: str) -> e.Checkpointed | None:
    """The checkpoint that is due, under this id; None: the context is short enough, or too little of it could go."""
    if thread.size <= LONG:
        return None
    count = _without_the_latest(thread)
    kept = tuple(sorted(_needed(thread, count)))
    gone = {number: thread.shown[number - 1] for number in range(1, count + 1) if number not in kept}
    if sum(map(len, gone.values())) < WORTH:
        return None
    lines = _known_lines(thread) | {number: _line(number, block) for number, block in gone.items() if block}
    text = "\n".join(_fitting(lines))
    return e.Checkpointed(id=id, text=text, count=count, kept=kept)


def _without_the_latest(thread: Thread) -> int:
    """How many events stand before the latest ones that the model is shown."""
    shown = [number for number, block in enumerate(thread.shown) if block]
    return shown[-LATEST] if len(shown) > LATEST else 0


def _needed(thread: Thread, count: int) -> Iterable[int]:
    """Of the first ``count`` events those that stay: what people said last, what is open, and what a later event answers."""
    state, later = thread.state, thread.events[count:]
    said = _said_last(thread)
    answering = [*later, *(thread.events[number - 1] for number in said)]
    asked = {each.id for each in state.open_interactions} | {getattr(event, "interaction", "") for event in answering}
    calls = {call.id for call in state.open_calls} | {getattr(event, "call", None) for event in answering}
    calls |= {state.interactions[id].asked.call for id in asked if id in state.interactions}
    for number, event in enumerate(thread.events[:count], start=1):
        match event:
            case e.ToolCalled() if event.call in calls:
                yield number
            case e.HumanContacted() if event.interaction in asked:
                yield number
            case _ if number in said:
                yield number


def _said_last(thread: Thread) -> set[int]:
    """The latest message of a person, those before it that wait for an answer too, and the latest response and message of all."""
    messages, responses, by_people = [], [], []
    for number, event in enumerate(thread.events, start=1):
        if isinstance(event, e.MessageReceived | e.MessageEdited):
            messages.append(number)
            by_people += [number] if event.actor.kind == "person" else []
        elif isinstance(event, e.HumanResponded):
            responses.append(number)
    waiting = max(1, min(len(thread.state.unanswered), LATEST))
    return {*messages[-1:], *responses[-1:], *by_people[-waiting:]}


def _known_lines(thread: Thread) -> dict[int, str]:
    """The lines of the checkpoint before, by the numbers of their events."""
    before = thread.state.checkpoint
    lines = before.text.split("\n") if before and before.text else []
    return {int(line.partition(" ")[0]): line for line in lines}


def _line(number: int, block: str) -> str:
    """An event in one line: who and what as its block says it, without the time, and the beginning of its text. Escaped, as blocks are."""
    opening, _, rest = block.partition("\n")
    opening = LONG_ATTRIBUTE.sub(r'"\1…"', TIME.sub("", opening))
    line = f"{number} {opening}"
    text = " ".join(rest.rpartition("\n")[0].split())
    most = SAID if SPOKEN.match(line) else DONE
    return line + (text if len(text) <= most else f"{text[:most]}…")


def _fitting(lines: dict[int, str]) -> list[str]:
    """In order, as many as there is room for: what was said stays longest, what is old goes first."""
    room, fitting = LINES, []
    for number in sorted(lines, key=lambda number: (bool(SPOKEN.match(lines[number])), number), reverse=True):
        room -= len(lines[number]) + 1
        if room < 0:
            break
        fitting.append(number)
    return [lines[number] for number in sorted(fitting)]
