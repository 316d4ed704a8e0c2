"""What must still be sent or updated on each surface. Pure: the difference between what the log says and what was delivered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import JsonValue

from bot import events as e
from bot.events import Actor
from bot.ids import digest
from bot.judge import Verdict
from bot.state import Interaction, Post, State
from bot.thread import Thread

LOOK_AFTER = (
    10.0  # seconds until an attempt without an outcome has either arrived or never will: more than one request may take
)

CHANGEABLE = ("slack:", "web:")
"""Surfaces on which what was posted can be changed. A mail that was sent stays as it is."""


@dataclass(frozen=True)
class Card:
    """A question or an approval as it stands now. Channels draw it; the words are theirs, the facts are these."""

    interaction: str
    kind: Literal["question", "approval", "outcome", "limit"]
    text: str
    choices: tuple[str, ...]
    urgency: Literal["low", "normal", "high"]
    names: tuple[str, ...]  # who was asked, as bot.toml names them; empty: the requester, or any known person
    asked_by: str  # the requester's name
    asked_in: str  # the place, as a route names it
    tool: str
    arguments: Mapping[str, JsonValue]
    changed: Mapping[str, JsonValue]  # the arguments that the approver changed, with their new values
    digest: str
    quorum: int
    votes: tuple[str, ...]  # the names of those who said yes so far
    until: float | None
    state: Literal["open", "answered", "approved", "denied", "withdrawn", "superseded", "timed_out"]
    by: Actor | None
    settled_at: float
    note: str
    where: str  # the address it was settled from
    outcome: Literal["", "running", "done", "failed", "unknown"]
    result: str
    seconds: float

    @property
    def open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True)
class Say:
    """A reply to the requester, in Markdown."""

    text: str


@dataclass(frozen=True)
class Receipt:
    """What became of an answer, for somebody who cannot be told on the spot."""

    verdict: Verdict
    answers: str  # the id of the event it answers


@dataclass(frozen=True)
class Notice:
    """One sentence from Parley itself: something cannot go on."""

    text: str


Body: TypeAlias = Say | Card | Receipt | Notice


@dataclass(frozen=True)
class Delivery:
    """One thing to send to one address.

    ``native`` set: change what is there instead of posting. ``look``: an earlier attempt has no outcome, so find out first whether it arrived.
    ``shows`` names what the recipient sees once this is delivered; ``not_before`` is the store's time, in seconds.
    """

    key: str
    address: str
    body: Body
    attempt: int
    look: bool
    shows: str
    native: str = ""
    not_before: float = 0.0


def owed(thread: Thread, now: float) -> tuple[Delivery, ...]:
    """What to send next: the first thing for each address, so that order within a conversation is kept. Times in the future come back as such."""
    first: dict[str, Delivery] = {}
    for delivery in _everything(thread):
        first.setdefault(delivery.address, delivery)
    return tuple(first.values())


def next_due(deliveries: tuple[Delivery, ...]) -> float | None:
    """When somebody must look again for deliveries alone."""
    return min((each.not_before for each in deliveries), default=None)


def _everything(thread: Thread) -> Iterator[Delivery]:
    state = thread.state
    for post in state.posts.values():
        if post.address.startswith("web:") or post.state in ("failed", "unknown"):
            continue
        body = _body(state, post)
        shows = digest(_face(body))[:8] if isinstance(body, Card) else ""
        if post.state != "delivered":
            if not (isinstance(body, Card) and not body.open and post.state == "owed" and body.kind != "approval"):
                yield _delivery(post, body, shows)
        elif isinstance(body, Card) and post.shows != shows and post.address.startswith(CHANGEABLE):
            yield _delivery(post, body, shows)


def _delivery(post: Post, body: Body, shows: str) -> Delivery:
    return Delivery(
        key=post.key,
        address=post.address,
        body=body,
        attempt=post.attempts + 1,
        look=post.state == "attempted",
        shows=shows,
        native=post.native,
        not_before=post.attempted_at + LOOK_AFTER if post.state == "attempted" else post.retry_at,
    )


def _body(state: State, post: Post) -> Body:
    match post.kind:
        case "reply":
            return Say(post.text)
        case "card":
            return card(state, state.interactions[post.interaction])
        case "receipt":
            assert post.verdict is not None
            return Receipt(post.verdict, post.answers)
        case "notice":
            return Notice(post.text)


def card(state: State, interaction: Interaction) -> Card:
    """The card of an interaction as it stands."""
    asked: e.HumanContacted = interaction.asked
    before = asked.arguments
    changed = {k: v for k, v in (interaction.arguments or {}).items() if before.get(k) != v}
    return Card(
        interaction=interaction.id,
        kind=asked.kind,
        text=asked.text,
        choices=asked.choices,
        urgency=asked.urgency,
        names=interaction.names,
        asked_by=interaction.requester.name,
        asked_in=state.place,
        tool=asked.tool,
        arguments=asked.arguments,
        changed=changed,
        digest=interaction.digest,
        quorum=asked.audience.quorum,
        votes=tuple(vote.by.name for vote in interaction.votes),
        until=asked.until,
        state=interaction.state,
        by=interaction.by,
        settled_at=interaction.settled_at,
        note=interaction.text,
        where=interaction.where,
        outcome=interaction.outcome,
        result=interaction.result,
        seconds=interaction.seconds,
    )


def _face(card: Card) -> list[JsonValue]:
    """What changes on a card after it was posted."""
    votes = [*card.votes, card.digest] if card.quorum > 1 else []
    return [card.state, card.by.id if card.by else "", card.outcome, card.result, *votes]
