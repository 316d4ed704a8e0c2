"""Dialogs: the reason of a denial, an answer in one's own words, and what stands in where Slack opens none.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Sequence

from channels.slack import ticket
from channels.slack.blocks import Block, Message, button, input_block, plain_text, section
from channels.slack.ticket import Ticket

DENIAL, ANSWER, CHANGE = "parley:denial", "parley:answer", "parley:change"
"""Callback ids."""

WORDS = "words"
MOST_WORDS = 2_000


def denial(mine: Ticket) -> Block:
    """The dialog behind "Deny…"."""
    return _dialog(DENIAL, mine, "Deny", "Deny", [_words("Why? The agent reads it.", optional=True)])


def answer(mine: Ticket) -> Block:
    """The dialog behind "Something else…"."""
    return _dialog(ANSWER, mine, "Your answer", "Answer", [_words("Your words", optional=False)])


def change(mine: Ticket, fields: Sequence[Block]) -> Block:
    """The dialog behind "Edit…": the exact arguments, to be approved as they are sent."""
    return _dialog(CHANGE, mine, "Change and approve", "Approve", fields)


def without_dialog(mine: Ticket, callback: str) -> Message:
    """The same for somebody whom Slack did not show the dialog."""
    if callback == DENIAL:
        text = "The dialog could not be opened. You can deny it without a reason."
        pressed = button("Deny without a reason", ticket.DENY_NOW, mine, "danger")
        return Message(text, (section(text), {"type": "actions", "elements": [pressed]}))
    text = "The dialog could not be opened. Reply in the thread of the question instead."
    if callback == CHANGE:
        text = "The dialog could not be opened. Press Edit… again, or deny it and say why."
    return Message(text, (section(text),))


def _dialog(callback: str, mine: Ticket, title: str, submit: str, fields: Sequence[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": mine.dump(),
        "title": plain_text(title),
        "submit": plain_text(submit),
        "close": plain_text("Cancel"),
        "blocks": list(fields),
    }


def _words(label: str, *, optional: bool) -> Block:
    element = {"type": "plain_text_input", "action_id": WORDS, "multiline": True, "max_length": MOST_WORDS}
    return input_block(WORDS, label, element, optional=optional)
