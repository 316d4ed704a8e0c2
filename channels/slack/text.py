"""Slack's text formatting, both ways: what people typed as plain text, and plain text that Slack shows as it is.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable
from html import unescape

from bot.words import utc

Called = Callable[[str], str]
"""The name behind an id; empty: not known."""

_TOKEN = re.compile(r"<([^<>]+)>")
_CONTROL = re.compile(r"<(?=[@#][A-Z0-9]|!(?:here|channel|everyone|subteam|date)\b)")
_DATE = re.compile(r"(<!date\^\d+\^[^<>|]*\|[^<>]*>)")
WORD_JOINER = "\u2060"


def readable(text: str, bot: str, person: Called, channel: Called) -> str:
    """A message as its author read it: names for ids, links written out, without the mention of the bot itself."""
    mention = rf"[ \t]*<@{re.escape(bot)}(?:\|[^<>]*)?>(?:[:,](?=\s))?[ \t]*"
    parts = _TOKEN.split(re.sub(mention, " ", text))
    said = (_named(part, person, channel) if number % 2 else unescape(part) for number, part in enumerate(parts))
    return "".join(said).strip()


def mentions(text: str, user: str) -> bool:
    return re.search(rf"<@{re.escape(user)}[|>]", text) is not None


def _named(token: str, person: Called, channel: Called) -> str:
    """One ``<…>`` of Slack's as text."""
    target, _, label = token.partition("|")
    kind, id = target[:1], target[1:]
    if kind == "@":
        return f"@{person(id) or unescape(label) or id}"
    if kind == "#":
        return f"#{unescape(label) or channel(id) or id}"
    if kind == "!":
        return unescape(label) or f"@{id.partition('^')[0]}"
    return _link(unescape(target), unescape(label))


def _link(url: str, label: str) -> str:
    bare = re.sub(r"^(https?://|mailto:|tel:)", "", url).rstrip("/")
    if url.startswith(("mailto:", "tel:")):
        url = bare
    return url if not label or label.rstrip("/") in (url.rstrip("/"), bare) else f"{label} ({url})"


def escape(text: str) -> str:
    """Text in which Slack finds no mention, link or command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_but_times(text: str) -> str:
    """The same for a sentence in which ``at`` wrote a time."""
    return "".join(part if number % 2 else escape(part) for number, part in enumerate(_DATE.split(text)))


def neutral(markdown: str) -> str:
    """A model's Markdown in which nothing mentions, links or calls anybody; code stays readable."""
    return _CONTROL.sub(f"<{WORD_JOINER}", markdown)


def at(moment: float) -> str:
    """A time of day on the reader's own clock."""
    return f"<!date^{moment:.0f}^{{time}}|{utc(moment)}>"


def until(moment: float) -> str:
    """A day and time on the reader's own clock: "tomorrow at 09:00"."""
    return f"<!date^{moment:.0f}^{{date_short_pretty}} at {{time}}|{utc(moment)}>"
