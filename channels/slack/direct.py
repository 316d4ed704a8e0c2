"""A new message in a direct conversation: the answer to the one question that Parley asked there, or the beginning of something new."""

from bot.events import HumanResponded, MessageReceived
from bot.hear import open_questions, understand
from bot.judge import entitled
from bot.ports import Store
from bot.thread import Thread
from bot.verbs import latest
from channels.slack.address import parse

LATEST = 50  # threads that are looked through for another open question in the same place


def place_of(address: str) -> str:
    """The direct conversation that a message's own address lies in; empty: it lies elsewhere, or in a thread's reply."""
    found = parse(address)
    return f"slack:{found.team}/{found.channel}" if found.channel.startswith("D") else ""


def answered(store: Store, message: MessageReceived) -> tuple[Thread, HumanResponded] | None:
    """The question that this message answers, if exactly one was asked in its place and still waits for its author."""
    place = place_of(message.origin.address)
    known = store.find(place) if place and not message.attachments else None
    if known is None:
        return None
    asking = [thread for thread in _threads(store, known) if _waits(thread, place, message)]
    if len(asking) != 1:
        return None
    there = message.model_copy(update={"origin": message.origin.model_copy(update={"address": place})})
    event = understand(asking[0], there)
    if not isinstance(event, HumanResponded):
        return None
    return asking[0], event.model_copy(update={"origin": message.origin})


def _threads(store: Store, known: str) -> list[Thread]:
    """The thread that asked last in that place, and those in which something happened of late."""
    first = store.load(known)
    return [*([first] if first else []), *(each for each in latest(store, LATEST) if each.id != known)]


def _waits(thread: Thread, place: str, message: MessageReceived) -> bool:
    return any(entitled(each, message.actor) for each in open_questions(thread, place))
