"""What is owed becomes what Slack shows: replies, questions, approvals and how they stand, as text and blocks within Slack's limits.

https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from bot import words
from bot.owed import Card, Delivery, Notice, Receipt, Say
from bot.people import Person, Team
from bot.thread import Thread
from bot.words import short_name
from channels.slack import ticket
from channels.slack.address import Address, parse
from channels.slack.markdown import portions
from channels.slack.text import at, escape, escape_but_times, neutral, until
from channels.slack.ticket import Ticket
from channels.slack.translate import ANSWER, DENIAL

Block: TypeAlias = dict[str, Any]

MARKDOWN = 11_000  # characters of Markdown in one message; Slack takes 12,000
BODY = 9_000  # characters of a card's body in one message, of the 13,200 that its blocks may have together
BODY_BLOCKS = 30
SECTION = 2_900
CODE = 2_800
LABEL = 75
FEW = 5  # choices that are buttons; more are a list
OPTIONS = 100  # in one list
LISTS = 20  # in one row


@dataclass(frozen=True)
class Message:
    """One message: ``text`` for notifications and screen readers, ``blocks`` for the eye."""

    text: str
    blocks: tuple[Block, ...]


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
            return _card(body, thread, delivery.address, team)
    assert_never(body)


def fallback(text: str) -> str:
    """The text beside the blocks, short enough for an update."""
    whole = escape(text)
    return whole if 0 < len(whole) <= 3_000 else f"{escape(text[:600])}…"


def _say(text: str) -> tuple[Message, ...]:
    said = portions(neutral(text), MARKDOWN) or ["…"]
    return tuple(Message(fallback(part), (_markdown(part),)) for part in said)


def _notice(text: str) -> tuple[Message, ...]:
    return (Message(escape_but_times(text)[:SECTION], (_section(escape_but_times(text)[:SECTION]),)),)


# Cards


def _card(card: Card, thread: Thread, address: str, team: Team) -> tuple[Message, ...]:
    first, *more = _packed(_body(card)) or [()]
    head = _head(card, parse(address), team, len(more))
    tail = _tail(card, thread.id, team, elsewhere=address != thread.state.home)
    text = fallback(_in_words(card, team))
    followed = (Message(text, tuple(blocks)) for blocks in more)
    return (Message(text, (*head, *first, *tail)), *followed)


def _in_words(card: Card, team: Team) -> str:
    """The card for somebody who sees no blocks."""
    title = _title(card, team)
    asked = f"{title}: {card.text}" if title else card.text
    return asked if card.open else f"{_standing(card, team, words.utc)} ({asked})"


def _title(card: Card, team: Team) -> str:
    who = " or ".join(team.people[name].name if name in team.people else name for name in card.names)
    match card.kind:
        case "question":
            return ""
        case "approval":
            title = "Approval needed" if card.open else "Approval"
            return f"{title} · {who}" if who else title
        case "outcome":
            return "Did it happen?"
        case "limit":
            return "Shall I go on?"


def _head(card: Card, address: Address, team: Team, more: int) -> Iterator[Block]:
    title = escape(_title(card, team))
    mentions = " ".join(f"<@{id}>" for id in _mentioned(card, address, team))
    line = " · ".join(filter(None, (f"*{title}*" if title else "", mentions)))
    if line:
        yield _section(line)
    if more:
        yield _context(f"This is long: it goes on in {more} more {'message' if more == 1 else 'messages'} below.")


def _mentioned(card: Card, address: Address, team: Team) -> Iterator[str]:
    """Who is called by name: the people asked, in a channel that is nobody's own, while it is open."""
    if not card.open or address.direct:
        return
    alone = [name for name in card.names if not (name in team.groups and team.groups[name].slack)]
    for key in team.members(alone) if alone else ():
        if id := user_id(team.people[key], address.team):
            yield id


def user_id(person: Person, workspace: str) -> str:
    """This person's id in a workspace; empty: none. A workspace that is not named is the only one."""
    for known in person.slack:
        team, _, user = known.rpartition("/")
        if not team or not workspace or team == workspace:
            return user
    return ""


def _body(card: Card) -> Iterator[Block]:
    """What was asked, whole: the model's own words as Markdown, everything that a tool was given as it is."""
    if card.kind == "question":
        yield from map(_markdown, portions(neutral(card.text), BODY) or ["…"])
        yield from _code(_long_choices(card))
        return
    yield from map(_plain, portions(words.visible(card.text), SECTION) or [card.tool or "…"])
    yield from _code(words.argument_lines(card.arguments))


def _long_choices(card: Card) -> Sequence[str]:
    """Choices that do not fit on a button, written out."""
    if all(len(choice) <= LABEL for choice in card.choices):
        return ()
    return [f"{number}. {words.visible(choice)}" for number, choice in enumerate(card.choices, 1)]


def _code(lines: Iterable[str]) -> Iterator[Block]:
    """Lines that Slack shows exactly as they are: in preformatted text nothing is a mention, a link or a format."""
    piece: list[str] = []
    for part in (part for line in lines for part in _cut(line)):
        if piece and sum(map(len, piece)) + len(piece) + len(part) > CODE:
            yield _preformatted("\n".join(piece))
            piece = []
        piece.append(part)
    if piece:
        yield _preformatted("\n".join(piece))


def _cut(line: str) -> Iterator[str]:
    """A line that is longer than a block goes on behind a mark."""
    yield line[:2_000]
    for start in range(2_000, len(line), 2_000):
        yield f"⋯ {line[start : start + 2_000]}"


def _packed(body: Iterable[Block]) -> list[tuple[Block, ...]]:
    """The body in messages; what goes in which does not depend on the card's state, so that an update meets the same parts."""
    packs: list[list[Block]] = []
    room = 0
    for block in body:
        size = len(_text_of(block))
        if not packs or size > room or len(packs[-1]) >= BODY_BLOCKS:
            packs.append([])
            room = BODY
        packs[-1].append(block)
        room -= size
    return [tuple(pack) for pack in packs]


def _text_of(block: Block) -> str:
    match block:
        case {"type": "rich_text", "elements": [{"elements": [{"text": str(text)}]}]}:
            return text
        case {"text": {"text": str(text)}} | {"text": str(text)}:
            return text
    return ""


def _tail(card: Card, thread: str, team: Team, *, elsewhere: bool) -> Iterator[Block]:
    if card.kind == "approval" or elsewhere or card.until is not None:
        yield _context(_asked(card, team))
    if not card.open:
        yield _section(_standing(card, team, at))
        return
    mine = Ticket(thread, card.interaction, card.digest)
    if card.kind == "approval":
        yield _actions(
            card, _button("Approve", ticket.APPROVE, mine, "primary"), _button("Deny…", ticket.DENY, mine, "danger")
        )
        return
    yield from _choices(card, thread)
    if card.kind == "question":
        yield _context("Or just reply in this thread." if card.choices else "Reply in this thread.")


def _asked(card: Card, team: Team) -> str:
    by = f"Asked by {escape(short_name(card.asked_by, team))}" if card.asked_by else "Asked"
    asked = f"{by} in {escape(words.place(card.asked_in))}" if card.asked_in else by
    return f"{asked} · open until {until(card.until)}" if card.until is not None and card.open else asked


def _choices(card: Card, thread: str) -> Iterator[Block]:
    tickets = [Ticket(thread, card.interaction, choice=number) for number in range(len(card.choices))]
    if len(tickets) <= FEW:
        buttons = [
            _button(_label(card, number), f"{ticket.CHOOSE}:{number}", each) for number, each in enumerate(tickets)
        ]
        more = [_button("Something else…", ticket.OTHER, Ticket(thread, card.interaction))]
        if buttons:
            yield _actions(card, *buttons, *(more if card.kind == "question" else []))
        return
    options = [_option(_label(card, number), each) for number, each in enumerate(tickets)]
    lists = [_list(options[start : start + OPTIONS], start) for start in range(0, len(options), OPTIONS)]
    for row in range(0, len(lists), LISTS):
        yield _actions(card, *lists[row : row + LISTS], row=row)


def _label(card: Card, number: int) -> str:
    """What a choice is called on its button; numbered where its whole text stands above."""
    choice = " ".join(card.choices[number].split()) or "(empty)"
    called = f"{number + 1}. {choice}" if _long_choices(card) else choice
    return called if len(called) <= LABEL else f"{called[: LABEL - 1]}…"


# How it stands


def _standing(card: Card, team: Team, when: words.When) -> str:
    """One line: who settled it, how, and what came of it."""
    by = escape(short_name(card.by.name, team)) if card.by else "Somebody"
    where = {"email": " by email", "web": " on the console"}.get(card.where.partition(":")[0], "")
    time = when(card.settled_at)
    match card.state:
        case "approved":
            return (
                f"✓ Approved by {by}{where} · {_outcome(card, time)}" if not card.changed else _changed(card, by, time)
            )
        case "denied":
            return f"✗ Denied by {by}{where}{_noted(card)} · {time}"
        case "answered":
            return f'{by} answered{where} "{escape(_short(card.note))}" · {time}'
        case "withdrawn":
            return f"Withdrawn · no longer needed · {time}"
        case "superseded":
            return f"Replaced by a newer request · {time}" if card.kind == "approval" else f"Settled meanwhile · {time}"
        case "timed_out":
            return f"⏱ Nobody {'decided in time · denied' if card.kind == 'approval' else 'answered in time'}"
        case "open":
            return "Open"


def _changed(card: Card, by: str, time: str) -> str:
    changes = ", ".join(
        f"{name} {words.shown(card.arguments.get(name))} → {words.shown(new)}" for name, new in card.changed.items()
    )
    return f"✎ Changed by {by}: {escape(_short(changes))} · approved · {_outcome(card, time)}"


def _outcome(card: Card, time: str) -> str:
    result = f': "{escape(_short(card.result))}"' if card.result else ""
    match card.outcome:
        case "":
            return time
        case "running":
            return f"{time} → running…"
        case "done":
            return f"done in {words.duration(card.seconds)}{result}"
        case "failed":
            return f"failed after {words.duration(card.seconds)}{result}"
        case "unknown":
            return "interrupted while running: it may or may not have happened"


def _noted(card: Card) -> str:
    return f' · "{escape(_short(card.note))}"' if card.note else ""


def _short(text: str) -> str:
    line = " ".join(words.visible(text).split())
    return line if len(line) <= 300 else f"{line[:299]}…"


# Dialogs


def dialog(mine: Ticket, *, denial: bool) -> Block:
    """The dialog behind "Deny…" and "Something else…". https://docs.slack.dev/surfaces/modals"""
    words_input = {"type": "plain_text_input", "action_id": "words", "multiline": True, "max_length": 2_000}
    return {
        "type": "modal",
        "callback_id": DENIAL if denial else ANSWER,
        "private_metadata": mine.dump(),
        "title": _plain_text("Deny" if denial else "Your answer"),
        "submit": _plain_text("Deny" if denial else "Answer"),
        "close": _plain_text("Cancel"),
        "blocks": [
            {
                "type": "input",
                "block_id": "words",
                "optional": denial,
                "label": _plain_text("Why? The agent reads it." if denial else "Your words"),
                "element": words_input,
            }
        ],
    }


def without_dialog(mine: Ticket, *, denial: bool) -> Message:
    """The same for somebody whom Slack did not show the dialog."""
    if not denial:
        text = "The dialog could not be opened. Reply in the thread of the question instead."
        return Message(text, (_section(text),))
    text = "The dialog could not be opened. You can deny it without a reason."
    button = _button("Deny without a reason", ticket.DENY_NOW, mine, "danger")
    return Message(text, (_section(text), {"type": "actions", "elements": [button]}))


# Blocks


def _markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def _section(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


def _plain(text: str) -> Block:
    return {"type": "section", "text": _plain_text(text) | {"emoji": False}}


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def _context(mrkdwn: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn}]}


def _preformatted(text: str) -> Block:
    inside = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inside]}


def _actions(card: Card, *elements: Block, row: int = 0) -> Block:
    return {"type": "actions", "block_id": f"parley:{card.interaction}:{row}", "elements": list(elements)}


def _button(label: str, action: str, mine: Ticket, style: str = "") -> Block:
    made: Block = {"type": "button", "action_id": action, "text": _plain_text(label), "value": mine.dump()}
    return made | {"style": style} if style else made


def _option(label: str, mine: Ticket) -> Mapping[str, Any]:
    return {"text": _plain_text(label), "value": mine.dump()}


def _list(options: Sequence[Mapping[str, Any]], start: int) -> Block:
    shown = "Choose…" if start == 0 else f"Choose… (from {start + 1})"
    return {
        "type": "static_select",
        "action_id": f"{ticket.SELECT}:{start}",
        "placeholder": _plain_text(shown),
        "options": list(options),
    }
