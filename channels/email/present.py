"""What is owed becomes a mail: replies, questions, approvals and receipts, in plain words, to those who take part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import JsonValue

from bot import events as e
from bot import words
from bot.events import Event
from bot.judge import NotEntitled, NotUnderstood
from bot.owed import Body as Content
from bot.owed import Card, Delivery, Notice, Receipt, Say, card
from bot.people import Team
from bot.ports import Undelivered
from bot.thread import Thread
from channels.email import pages
from channels.email.address import Address
from channels.email.compose import Letter, reply_subject
from channels.email.conversation import Conversation, Written, conversation, is_conversation
from channels.email.me import Me
from channels.email.pages import Body

NAME = "Parley"  # as mail programs show the sender


@dataclass(frozen=True)
class Scene:
    """What a text depends on besides itself: the thread, and who reads it by whose clock."""

    thread: Thread
    team: Team
    me: Me
    reader: str = ""  # an email address

    @property
    def person(self) -> str | None:
        """The reader in bot.toml, if they are in it."""
        return self.team.claimed(f"email:{self.reader}")

    def when(self, at: float) -> str:
        """A time as the reader's clock shows it, the day only where it is another one."""
        zone, suffix = self._zone()
        then, now = (datetime.fromtimestamp(each, zone) for each in (at, self.thread.state.updated))
        return then.strftime(("%H:%M" if then.date() == now.date() else "%a %d %b, %H:%M") + suffix)

    def _zone(self) -> tuple[tzinfo, str]:
        named = self.team.people[self.person].timezone if self.person else ""
        try:
            return (ZoneInfo(named), "") if named else (UTC, " UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return UTC, " UTC"

    def elsewhere(self, interaction: str) -> str:
        """Where else than by mail it can be decided."""
        asked = self.thread.state.interactions.get(interaction)
        in_slack = asked is not None and any(each.startswith("slack:") for each in asked.asked.surfaces)
        return f"Please do it {'in Slack or ' if in_slack else ''}on the console."


def present(delivery: Delivery, thread: Thread, team: Team, me: Me) -> tuple[Letter, Address]:
    """The letter of a delivery and the address of ours that sends it. Raises Undelivered where nobody is there to get it."""
    talk = conversation(thread, delivery.address, me)
    answered = talk.written(delivery.body.answers if isinstance(delivery.body, Receipt) else "")
    to, cc = talk.answer_to(answered, team, me) if talk.begun else (_person(delivery.address, thread, team, me), ())
    if not to:
        raise Undelivered("The mail that this answers names nobody to write to.")
    subject = reply_subject((answered.mail.subject if answered else "") or thread.state.title or "your request")
    letter = Letter(
        to=to,
        cc=cc,
        subject=subject,
        body=_body(delivery, Scene(thread, team, me, to[0].address), subject),
        message_id=me.message_id(thread.id, delivery.key),
        in_reply_to=_answered_id(delivery.body, answered, talk),
        references=talk.references,
        reply_to=me.reply_address(delivery.body.interaction) if isinstance(delivery.body, Card) else "",
        auto="replied" if talk.heard else "generated",
    )
    return letter, Address(talk.alias or me.address, NAME)


def _answered_id(body: Content, answered: Written | None, talk: Conversation) -> str:
    """A receipt answers the mail that it is about, everything else the last one."""
    if isinstance(body, Receipt) and answered:
        return answered.mail.message_id
    return talk.mails[-1].mail.message_id if talk.mails else ""


def _person(address: str, thread: Thread, team: Team, me: Me) -> tuple[Address, ...]:
    """Somebody whom bot.toml names. Anything else is a conversation that is gone, and no address of anybody."""
    person = team.claimed(address)
    scheduled = any(each.address == address for each in team.schedules.values())
    if (person is None and not scheduled) or is_conversation(thread, address, me):
        raise Undelivered("The mail conversation that this belongs to is not known any more.")
    return (Address(address.partition(":")[2], team.people[person].name if person else ""),)


def _body(delivery: Delivery, scene: Scene, subject: str) -> Body:
    body = delivery.body
    match body:
        case Say():
            return pages.said(body.text)
        case Notice():
            return pages.line(body.text)
        case Receipt():
            return _receipt(body, scene)
        case Card(kind="approval"):
            return _approval(body, scene, subject)
        case Card():
            return _question(body, scene, at_home=delivery.address == scene.thread.state.home)
    assert_never(body)


def _receipt(receipt: Receipt, scene: Scene) -> Body:
    verdict = receipt.verdict
    asked = scene.thread.state.interactions.get(verdict.interaction)
    event = next((each for each in scene.thread.events if each.id == receipt.answers), None)
    unproved = event is not None and event.actor.proof == "none"
    match verdict:
        case NotEntitled() if unproved and scene.person in scene.team.members(verdict.names):
            return pages.line(f"Nothing was decided: {_unproved(scene.me)} {scene.elsewhere(verdict.interaction)}")
        case NotUnderstood() if asked and asked.asked.kind == "approval":
            return pages.line(
                "Nothing was decided: a decision counts only as a direct reply to the mail that asks for it, "
                "with APPROVE or DENY on its first line."
            )
    return pages.line(words.about(verdict, asked, scene.team, scene.when))


def _unproved(me: Me) -> str:
    if not me.can_tell:
        return (
            "mails decide nothing here, because EMAIL_AUTHSERV_ID is not set and so nobody vouches for their senders."
        )
    doubt = f"{me.authserv_id} did not confirm its sender" if me.authserv_id else "its sender's domain did not sign it"
    return f"nobody vouched that the mail is from you; {doubt}."


# Questions and approvals


def _approval(card: Card, scene: Scene, subject: str = "") -> Body:
    opening, lines = _opening(card, scene), words.argument_lines(card.arguments)
    until = scene.when(card.until) if card.until is not None else ""
    reply_to = scene.me.reply_address(card.interaction)
    if not card.open:
        return pages.shown_only(opening, lines, instead=_standing(card, scene))
    if not scene.me.can_tell or not reply_to:
        return pages.shown_only(opening, lines, instead=_instead(card, scene), until=until)
    return pages.approval(
        opening, lines, example=_example(card.arguments), until=until, reply_to=reply_to, subject=subject
    )


def _question(card: Card, scene: Scene, *, at_home: bool) -> Body:
    asked = card.text if card.kind == "question" else words.visible(card.text)
    until = scene.when(card.until) if card.until is not None else ""
    if not card.open:
        body = pages.said(asked) + pages.line(_standing(card, scene))
    elif card.names and not scene.me.can_tell:
        body = pages.said(asked) + pages.line(_instead(card, scene))
    else:
        body = pages.question(asked, card.choices, until=until)
    return body if at_home else pages.line(_context(card, scene)) + body


def _instead(card: Card, scene: Scene) -> str:
    """Why mail cannot settle this, and what can."""
    if not scene.me.can_tell:
        why = "Mails decide nothing here, because EMAIL_AUTHSERV_ID is not set and so nobody vouches for their senders."
    else:
        why = "Mails cannot decide this, because EMAIL_ADDRESS is too long to carry a reply address."
    return f"{why} {scene.elsewhere(card.interaction)}"


def _opening(card: Card, scene: Scene) -> str:
    summary = words.visible(" ".join(card.text.split())).rstrip(".")
    what = summary[:1].lower() + summary[1:] if summary[1:2].islower() else summary
    mine = scene.person is not None and card.asked_by == scene.team.people[scene.person].name
    who = "You ask" if mine else f"{words.short_name(card.asked_by, scene.team) or 'Somebody'} asks"
    return f"{who}{_where(card)} to {what}. {_needed(card, scene)}"


def _where(card: Card) -> str:
    elsewhere = card.asked_in and not card.asked_in.startswith("email:")
    return f" in {words.place(card.asked_in)}" if elsewhere else ""


def _needed(card: Card, scene: Scene) -> str:
    among = scene.person in scene.team.members(card.names) and scene.person not in card.names
    needed = " or ".join(_called(name, scene.team) for name in card.names) or "somebody of this team"
    return f"This needs {needed}{', for example you' if among else ''}."


def _called(name: str, team: Team) -> str:
    return words.short_name(team.people[name].name, team) if name in team.people else f"one of {name}"


def _example(arguments: Mapping[str, JsonValue]) -> str:
    """How to write a change: the first short argument as it is now."""
    shown = ((name, words.shown(value)) for name, value in arguments.items() if isinstance(value, str | int | float))
    return next((f"{name}: {value}" for name, value in shown if len(value) <= 40 and "\n" not in value), "")


def _context(card: Card, scene: Scene) -> str:
    """What somebody who was not there needs to know first."""
    who = words.short_name(card.asked_by, scene.team) or "somebody"
    return f"I am working for {who}{_where(card)} and have a question for you."


def _standing(card: Card, scene: Scene) -> str:
    by = words.short_name(card.by.name, scene.team) if card.by else "Somebody"
    match card.state:
        case "approved" | "denied" | "answered":
            return f"{by} {card.state} this at {scene.when(card.settled_at)}; there is nothing left to do."
        case "timed_out":
            return f"Nobody decided in time; it was closed at {scene.when(card.settled_at)}."
        case _:
            return "This is no longer needed; there is nothing left to do."


# What we said before


def our_words(thread: Thread, team: Team, me: Me) -> tuple[str, ...]:
    """The texts of our mails in a thread, the latest first, so that none of them passes for a person's words."""
    return tuple(text for event in reversed(thread.events) for text in _said(event, Scene(thread, team, me)))


def _said(event: Event, scene: Scene) -> Iterator[str]:
    state = scene.thread.state
    match event:
        case e.Replied():
            yield pages.said(event.text).text
        case e.SetAside() | e.ModelFailed():
            yield event.error
        case e.HumanContacted():
            asked = card(state, replace(state.interactions[event.interaction], state="open", by=None, arguments=None))
            for address in event.surfaces:
                seen = replace(scene, reader=address.partition(":")[2])
                body = _approval(asked, seen) if asked.kind == "approval" else _question(asked, seen, at_home=False)
                yield body.text
        case e.HumanResponded():
            verdict = state.verdicts[event.id]
            yield words.about(verdict, state.interactions.get(verdict.interaction), scene.team, scene.when)
