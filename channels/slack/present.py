"""What is owed becomes what Slack shows: replies, cards, receipts and notices, as text and blocks within Slack's limits.

https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import assert_never

from bot import words
from bot.owed import Card, Delivery, Notice, Receipt, Say
from bot.people import Team
from bot.thread import Thread
from channels.slack.blocks import SECTION, Message, fallback, markdown, section
from channels.slack.card import card_messages
from channels.slack.markdown import portions
from channels.slack.text import at, escape_but_times, neutral

MARKDOWN = 11_000  # characters of Markdown in one message; Slack takes 12,000


def present(delivery: Delivery, thread: Thread, team: Team) -> tuple[Message, ...]:
    """The message of a delivery, and those that go on where one cannot hold it. The same delivery always has the same parts."""
    body = delivery.body
    match body:
        case Say():
            return _say(body.text)
        case Notice():
            return _notice(body.text)
        case Receipt():
            answered = thread.state.interactions.get(body.verdict.interaction)
            return _notice(words.about(body.verdict, answered, team, at))
        case Card():
            return card_messages(body, thread, delivery.address, team)
    assert_never(body)


def _say(text: str) -> tuple[Message, ...]:
    said = portions(neutral(text), MARKDOWN) or ["…"]
    return tuple(Message(fallback(part), (markdown(part),)) for part in said)


def _notice(text: str) -> tuple[Message, ...]:
    return (Message(escape_but_times(text)[:SECTION], (section(escape_but_times(text)[:SECTION]),)),)
