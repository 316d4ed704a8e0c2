"""What a text is: an answer to a question that is open here, the word "stop", or a message."""

from bot.events import Cancelled, HumanContacted, HumanResponded, MessageReceived
from bot.judge import entitled
from bot.state import Interaction
from bot.thread import Thread

STOP_WORDS = frozenset({"stop", "/stop", "cancel"})


def understand(thread: Thread | None, message: MessageReceived) -> MessageReceived | HumanResponded | Cancelled:
    """The event that this message is, in the thread as it stands.

    A text answers a question only if exactly one is open in its conversation and its author is the one who was asked. With an approval open a
    text is a decision only where the channel's own grammar says so, which is for the channel to read; here it stays a message.
    """
    if thread is None:
        return message
    questions = [each for each in open_questions(thread, message.origin.address) if entitled(each, message.actor)]
    if not _chooses(questions, message.text) and _stops(thread, message):
        return Cancelled(id=message.id, actor=message.actor, origin=message.origin)
    if len(questions) != 1:
        return message
    answer = _answer(questions[0].asked, message.text)
    if answer is None:
        return message
    return HumanResponded(
        id=message.id,
        actor=message.actor,
        interaction=questions[0].id,
        decision="answered",
        text=answer,
        origin=message.origin,
    )


def open_questions(thread: Thread, address: str) -> list[Interaction]:
    """The questions, not approvals, that show in this conversation and wait for an answer."""
    here = {post.interaction for post in thread.state.posts.values() if address in post.places}
    return [each for each in thread.state.open_interactions if each.id in here and each.asked.kind != "approval"]


def _chooses(questions: list[Interaction], text: str) -> bool:
    """Whether the one open question offers exactly this; a choice may be called "Cancel"."""
    return len(questions) == 1 and _answer(questions[0].asked, text) in questions[0].asked.choices


def _answer(asked: HumanContacted, text: str) -> str | None:
    """The answer in a text; a choice is recognised whatever its case. Some questions take nothing but a choice."""
    said = text.strip().rstrip(".!").casefold()
    chosen = next((choice for choice in asked.choices if choice.casefold() == said), None)
    if chosen is None and asked.kind in ("outcome", "limit"):
        return None
    return chosen or text


def _stops(thread: Thread, message: MessageReceived) -> bool:
    """Anybody known, and whoever the thread works for, can stop it with one word."""
    if message.text.strip().rstrip(".!").casefold() not in STOP_WORDS:
        return False
    if thread.state.status not in ("running", "waiting", "paused"):
        return False
    mine = (*thread.state.askers, thread.state.requester)
    return message.actor.known or any(message.actor.speaks_for(asker) for asker in mine)
