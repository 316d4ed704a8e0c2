"""The Home tab: what waits for whoever opens it, to be decided right there.

https://docs.slack.dev/surfaces/app-home
"""

from collections.abc import Iterator, Sequence

from bot import words
from bot.events import Actor
from bot.judge import entitled
from bot.owed import Card, card
from bot.people import Team
from bot.ports import Store
from bot.state import Interaction
from bot.thread import Thread
from bot.verbs import pending
from channels.slack.blocks import SECTION, Block, context, plain, section
from channels.slack.card import asked, choices, code, deciding, title_of
from channels.slack.text import escape, escape_but_times

MOST = 12  # requests that are shown; with all their blocks they stay below the 100 of a view
LONGEST = 5_000  # characters of arguments that can be read here as a whole

TITLE = "What can I do for you?"
PROMPTS = (
    ("What can you do?", "What can you do for me?"),
    ("What is waiting?", "Which questions and approvals are waiting for me?"),
    ("Find something out", "I want to find something out. Ask me what you need to know."),
    ("Get something done", "I need something done. Ask me what you need to know, and ask the right people first."),
)
"""What the Messages tab suggests; four is Slack's most."""


def waiting_for(store: Store, actor: Actor) -> list[tuple[Thread, Interaction]]:
    """What this person may answer or decide and has not yet, oldest first."""
    return [(thread, each) for thread, each in pending(store) if entitled(each, actor) and not _voted(each, actor)]


def _voted(interaction: Interaction, actor: Actor) -> bool:
    return any(vote.by.same(actor) for vote in interaction.votes)


def home(waiting: Sequence[tuple[Thread, Interaction]], team: Team, said: str = "") -> Block:
    """The view; ``said`` is what became of what they just pressed here."""
    blocks = [section(escape_but_times(said))] if said else []
    blocks.append(section(f"*Waiting for you* · {len(waiting)}" if waiting else "Nothing is waiting for you."))
    for thread, interaction in waiting[:MOST]:
        blocks += [{"type": "divider"}, *_entry(thread, card(thread.state, interaction), team)]
    if len(waiting) > MOST:
        blocks.append(context(f"And {len(waiting) - MOST} more; decide these first."))
    return {"type": "home", "blocks": blocks}


def _entry(thread: Thread, waiting: Card, team: Team) -> Iterator[Block]:
    title = title_of(waiting, team) or "Question"
    yield section(f"*{escape(title)}*")
    text = words.visible(waiting.text)
    yield plain(text[:SECTION] or waiting.tool or "…")
    lines = words.argument_lines(waiting.arguments)
    if len(text) > SECTION or sum(map(len, lines)) > LONGEST:
        yield context("This is long: read it as a whole and decide it where you were asked.")
        return
    yield from code(lines)
    yield context(asked(waiting, team))
    yield from deciding(waiting, thread, team) if waiting.kind == "approval" else choices(waiting, thread.id)
    if waiting.kind == "question" and not waiting.choices:
        yield context("Answer where you were asked.")
