"""Slack's blocks, one function each, and the message that they make together with the text beside them.

https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from channels.slack.text import escape
from channels.slack.ticket import Ticket

Block: TypeAlias = dict[str, Any]

SECTION = 2_900


@dataclass(frozen=True)
class Message:
    """One message: ``text`` for notifications and screen readers, ``blocks`` for the eye."""

    text: str
    blocks: tuple[Block, ...]


def fallback(text: str) -> str:
    """The text beside the blocks, short enough for an update."""
    whole = escape(text)
    return whole if 0 < len(whole) <= 3_000 else f"{escape(text[:600])}…"


def markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def section(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


def plain(text: str) -> Block:
    return {"type": "section", "text": plain_text(text) | {"emoji": False}}


def plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def context(mrkdwn: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn}]}


def preformatted(text: str) -> Block:
    """Text that Slack shows exactly as it is: nothing in it is a mention, a link or a format."""
    inside = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inside]}


def actions(id: str, *elements: Block) -> Block:
    return {"type": "actions", "block_id": id, "elements": list(elements)}


def button(label: str, action: str, mine: Ticket, style: str = "") -> Block:
    made: Block = {"type": "button", "action_id": action, "text": plain_text(label), "value": mine.dump()}
    return made | {"style": style} if style else made


def option(label: str, value: str) -> Block:
    return {"text": plain_text(label), "value": value}


def select(action: str, placeholder: str, options: Sequence[Mapping[str, Any]]) -> Block:
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain_text(placeholder),
        "options": list(options),
    }


def input_block(id: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    made: Block = {
        "type": "input",
        "block_id": id,
        "label": plain_text(label),
        "element": element,
        "optional": optional,
    }
    return made | {"hint": plain_text(hint)} if hint else made
