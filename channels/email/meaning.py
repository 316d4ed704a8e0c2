"""What a mail means for what is open in its thread: a decision, an answer, the word "stop", or a message."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pydantic import JsonValue

from bot.events import Cancelled, HumanResponded, MessageReceived
from bot.hear import understand
from bot.judge import entitled
from bot.state import Interaction
from bot.thread import Thread
from channels.email.decision import Approve, Deny, Edit, decision

Meant: TypeAlias = MessageReceived | HumanResponded | Cancelled

QUOTED = "quoted words"
"""What the words of others between a person's own are called; an answer leaves them out."""


def meant(message: MessageReceived, own: str, thread: Thread | None, interaction: str = "") -> Meant:
    """The event of a message. ``own``: its author's words alone; ``interaction``: the one whose reply address it was sent to.

    Only what was sent to an approval's own reply address decides it. A text is an answer only where nothing else came with it.
    """
    understood = understand(thread, message.model_copy(update={"text": own or message.text}))
    if thread is None or isinstance(understood, Cancelled):
        return message if thread is None else understood
    wordy = all(each.name == QUOTED and own for each in message.attachments)
    asked = thread.state.interactions.get(interaction)
    if asked is None:
        answer = understood if wordy and isinstance(understood, HumanResponded) else None
        return _misdirected(message, own, thread) or answer or message
    if asked.asked.kind == "approval":
        return _decided(message, own, asked) or message
    return (_answer(message, own, asked) if wordy else None) or message


def _decided(message: MessageReceived, own: str, asked: Interaction) -> HumanResponded | None:
    match decision(own, asked.asked.arguments):
        case Approve(comment):
            return _response(message, asked, "approved", comment)
        case Deny(reason):
            return _response(message, asked, "denied", reason)
        case Edit(changes, approved=True) if (arguments := _changed(asked, changes)) is not None:
            return _response(message, asked, "approved", "", arguments)
    return None


def _changed(asked: Interaction, changes: Sequence[tuple[str, str]]) -> dict[str, JsonValue] | None:
    """The arguments with other values; None where a value cannot be read as what it replaces."""
    arguments = dict(asked.asked.arguments)
    for name, text in changes:
        value = _value(text, arguments[name])
        if value is None:
            return None
        arguments[name] = value
    return arguments


def _value(text: str, before: JsonValue) -> JsonValue:
    if isinstance(before, str) and not text.startswith('"'):
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text if before is None or isinstance(before, str) else None
    return value


def _answer(message: MessageReceived, own: str, asked: Interaction) -> HumanResponded | None:
    """An answer to the question whose reply address was used; whoever was not asked by name speaks for themselves."""
    if not asked.asked.audience.names and not entitled(asked, message.actor):
        return None
    said = own.strip().rstrip(".!").casefold()
    chosen = next((each for each in asked.asked.choices if each.casefold() == said), None)
    if chosen is None and asked.open and asked.asked.kind != "question":
        return None
    return _response(message, asked, "answered", chosen or own or message.text)


def _misdirected(message: MessageReceived, own: str, thread: Thread) -> HumanResponded | None:
    """A decision in so many words that did not come to the reply address: it decides nothing, and its author is told."""
    for asked in _approvals(thread, message.origin.address):
        if isinstance(decision(own, asked.asked.arguments), Approve | Deny):
            return _response(message, asked, "answered", own)
    return None


def _approvals(thread: Thread, address: str) -> Iterator[Interaction]:
    here = [each for each in thread.state.posts.values() if address in each.places]
    asked = [thread.state.interactions[each.interaction] for each in here if each.interaction]
    yield from (each for each in asked if each.asked.kind == "approval")


def _response(
    message: MessageReceived,
    asked: Interaction,
    decided: str,
    text: str,
    arguments: dict[str, JsonValue] | None = None,
) -> HumanResponded:
    return HumanResponded.model_validate(
        {
            "id": message.id,
            "actor": message.actor,
            "interaction": asked.id,
            "decision": decided,
            "text": text,
            "arguments": arguments if arguments != dict(asked.asked.arguments) else None,
            "digest": asked.asked.digest,
            "origin": message.origin,
        }
    )
