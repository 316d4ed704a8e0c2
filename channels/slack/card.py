"""Cards: a question or an approval as it stands now, whole, with what can be pressed and who decided."""

from collections.abc import Iterable, Iterator, Sequence

from bot import words
from bot.owed import Card
from bot.people import Person, Team
from bot.thread import Thread
from bot.words import short_name
from channels.slack import ticket
from channels.slack.address import Address, parse
from channels.slack.blocks import (
    SECTION,
    Block,
    Message,
    actions,
    button,
    context,
    fallback,
    markdown,
    option,
    plain,
    preformatted,
    section,
    select,
)
from channels.slack.markdown import portions
from channels.slack.standing import changed_by, standing, votes
from channels.slack.text import at, escape, neutral, until
from channels.slack.ticket import Ticket

BODY = 9_000  # characters of a card's body in one message, of the 13,200 that its blocks may have together
BODY_BLOCKS = 30
CODE = 2_800
LABEL = 75
FEW = 5  # choices that are buttons; more are a list
OPTIONS = 100  # in one list
LISTS = 20  # in one row
CALLED = 20  # people who are called by name at most


def card_messages(card: Card, thread: Thread, address: str, team: Team) -> tuple[Message, ...]:
    """The card, and the messages in which it goes on."""
    first, *more = _packed(_body(card)) or [()]
    head = _head(card, parse(address), team, len(more))
    tail = _tail(card, thread, team, elsewhere=address != thread.state.home)
    text = fallback(_in_words(card, team))
    followed = (Message(text, tuple(blocks)) for blocks in more)
    return (Message(text, (*head, *first, *tail)), *followed)


def _in_words(card: Card, team: Team) -> str:
    """The card for somebody who sees no blocks."""
    title = title_of(card, team)
    asked = f"{title}: {card.text}" if title else card.text
    return asked if card.open else f"{standing(card, team, words.utc)} ({asked})"


def title_of(card: Card, team: Team) -> str:
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
    title = escape(title_of(card, team))
    mentions = " ".join(f"<@{id}>" for id in _mentioned(card, address, team))
    line = " · ".join(filter(None, (f"*{title}*" if title else "", mentions)))
    if line:
        yield section(line)
    if more:
        yield context(f"This is long: it goes on in {more} more {'message' if more == 1 else 'messages'} below.")


def _mentioned(card: Card, address: Address, team: Team) -> Iterator[str]:
    """Who is called by name while it is open: whoever was asked, unless the place itself tells them.

    A new message in a group's own channel tells the group; a reply in a thread there tells hardly anybody.
    """
    if not card.open or address.direct:
        return
    alone = [name for name in card.names if not _told_by_place(name, card, address, team)]
    for key in team.members(alone)[:CALLED] if alone else ():
        if id := user_id(team.people[key], address.team):
            yield id


def _told_by_place(name: str, card: Card, address: Address, team: Team) -> bool:
    group = team.groups.get(name)
    if group is None or not group.slack:
        return False
    here = f"slack:{group.slack}".casefold() == card.asked_in.casefold()
    return not (here and address.thread_ts)


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
        yield from map(markdown, portions(neutral(card.text), BODY) or ["…"])
        yield from code(_long_choices(card))
        return
    yield from map(plain, portions(words.visible(card.text), SECTION) or [card.tool or "…"])
    yield from code(words.argument_lines(card.arguments))


def _long_choices(card: Card) -> Sequence[str]:
    """Choices that do not fit on a button, written out."""
    if all(len(choice) <= LABEL for choice in card.choices):
        return ()
    return [f"{number}. {words.visible(choice)}" for number, choice in enumerate(card.choices, 1)]


def code(lines: Iterable[str]) -> Iterator[Block]:
    """Lines that Slack shows exactly as they are: in preformatted text nothing is a mention, a link or a format."""
    piece: list[str] = []
    for part in (part for line in lines for part in _cut(line)):
        if piece and sum(map(len, piece)) + len(piece) + len(part) > CODE:
            yield preformatted("\n".join(piece))
            piece = []
        piece.append(part)
    if piece:
        yield preformatted("\n".join(piece))


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


def _tail(card: Card, thread: Thread, team: Team, *, elsewhere: bool) -> Iterator[Block]:
    if card.kind == "approval" or elsewhere or card.until is not None:
        yield context(asked(card, team))
    if not card.open:
        yield section(standing(card, team, at))
        return
    if card.kind == "approval":
        yield from deciding(card, thread, team)
        return
    yield from choices(card, thread.id)
    if card.kind == "question":
        yield context("Or just reply in this thread." if card.choices else "Reply in this thread.")


def deciding(card: Card, thread: Thread, team: Team) -> Iterator[Block]:
    """Who said yes to what so far, and what can be pressed. The buttons name the version that they are shown with."""
    if card.changed:
        yield section(f"*Changed by {changed_by(card, team)}, to be approved as it is now:*")
        yield from code(words.argument_lines(card.changed))
    if card.quorum > 1:
        yield context(votes(card, team))
    mine = Ticket(thread.id, card.interaction, card.digest)
    edit = [button("Edit…", ticket.EDIT, mine)] if _editable(card, thread, team) else []
    yield _actions(
        card, button("Approve", ticket.APPROVE, mine, "primary"), button("Deny…", ticket.DENY, mine, "danger"), *edit
    )


def _editable(card: Card, thread: Thread, team: Team) -> bool:
    agent = team.agents.get(thread.state.agent)
    return bool(card.arguments) and agent is not None and agent.tool(card.tool) is not None


def asked(card: Card, team: Team) -> str:
    by = f"Asked by {escape(short_name(card.asked_by, team))}" if card.asked_by else "Asked"
    asked = f"{by} in {escape(words.place(card.asked_in))}" if card.asked_in else by
    return f"{asked} · open until {until(card.until)}" if card.until is not None and card.open else asked


def choices(card: Card, thread: str) -> Iterator[Block]:
    tickets = [Ticket(thread, card.interaction, choice=number) for number in range(len(card.choices))]
    if len(tickets) <= FEW:
        buttons = [
            button(_label(card, number), f"{ticket.CHOOSE}:{number}", each) for number, each in enumerate(tickets)
        ]
        more = [button("Something else…", ticket.OTHER, Ticket(thread, card.interaction))]
        if buttons:
            yield _actions(card, *buttons, *(more if card.kind == "question" else []))
        return
    options = [option(_label(card, number), each.dump()) for number, each in enumerate(tickets)]
    lists = [_list(options[start : start + OPTIONS], start) for start in range(0, len(options), OPTIONS)]
    for row in range(0, len(lists), LISTS):
        yield _actions(card, *lists[row : row + LISTS], row=row)


def _list(options: Sequence[Block], start: int) -> Block:
    shown = "Choose…" if start == 0 else f"Choose… (from {start + 1})"
    return select(f"{ticket.SELECT}:{start}", shown, options)


def _actions(card: Card, *elements: Block, row: int = 0) -> Block:
    return actions(f"parley:{card.interaction}:{row}", *elements)


def _label(card: Card, number: int) -> str:
    """What a choice is called on its button; numbered where its whole text stands above."""
    choice = " ".join(card.choices[number].split()) or "(empty)"
    called = f"{number + 1}. {choice}" if _long_choices(card) else choice
    return called if len(called) <= LABEL else f"{called[: LABEL - 1]}…"
