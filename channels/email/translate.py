"""What a mail says becomes what happened: mails to events, purely.

Which thread a mail belongs to is told, in this order, by the reply address it was sent to, by the ids of ours that it answers, and by the
ids of others' mails that it answers, where its author takes part in that conversation. Anything else begins a thread.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pydantic import JsonValue

from bot.events import (
    PARLEY,
    Actor,
    Attachment,
    Cancelled,
    DeliveryAttempted,
    DeliveryFailed,
    HumanResponded,
    MessageReceived,
    Origin,
    Proof,
)
from bot.hear import understand
from bot.ids import digest
from bot.judge import entitled
from bot.people import Team
from bot.ports import Arrival
from bot.thread import Interaction, Thread
from bot.tool import one_line
from channels.email import mime
from channels.email.conversation import address_of, conversation, detail, places
from channels.email.decision import Approve, Deny, Edit, decision
from channels.email.kind import Bounce, classify
from channels.email.mail import Mail
from channels.email.me import Me
from channels.email.newtext import NewText, new_text
from channels.email.present import our_words
from channels.email.trust import authentication

Meant: TypeAlias = MessageReceived | HumanResponded | Cancelled

LONGEST = 8_000  # bytes of text in an event; the whole mail is a blob
_DECORATION = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")


class Known(Protocol):
    """What the store knows of threads."""

    def find(self, address: str) -> str | None: ...

    def load(self, thread: str) -> Thread | None: ...


@dataclass(frozen=True)
class Said:
    """A person wrote. ``blobs`` are the contents that the event refers to."""

    arrival: Arrival
    blobs: tuple[bytes, ...]


@dataclass(frozen=True)
class Returned:
    """A mail of ours came back."""

    thread: Thread
    event: DeliveryFailed


@dataclass(frozen=True)
class Ignored:
    """Nothing that a thread should know; ``why`` holds none of its content."""

    why: str


@dataclass(frozen=True)
class Place:
    """Where a mail belongs. ``interaction``: the one whose reply address it was sent to."""

    address: str
    thread: Thread | None = None
    interaction: str = ""


def translate(mail: Mail, raw: bytes, me: Me, team: Team, known: Known) -> Said | Returned | Ignored:
    """What a mail is. Machines start nothing and answer nothing; what we wrote ourselves is not heard again."""
    kind = classify(mail)
    if kind.bounce:
        return _returned(kind.bounce, me, known)
    if kind.kind != "human":
        return Ignored(f"machine-made mail: {kind.why}")
    if me.owns(mail.from_.address) or me.minted(mail.message_id) or mail.first("x-parley"):
        return Ignored("mail of our own")
    if not mail.from_.address:
        return Ignored("mail without a sender")
    place = _place(mail, me, team, known)
    found = new_text(mail, our_words(place.thread, team, me) if place.thread else ())
    event = _meant(_message(mail, raw, found, place, me, team), found.own, place)
    return Said(_arrival(event, mail, place, team, known), _blobs(mail, raw))


# A mail of ours that came back


def _returned(bounce: Bounce, me: Me, known: Known) -> Returned | Ignored:
    """Only ids that we made count, so that a forged report fails nothing."""
    if not bounce.failed:
        return Ignored("report of a delay")
    for id in bounce.original_ids:
        for thread_id in me.threads(Mail(in_reply_to=(id,))):
            thread = known.load(thread_id)
            if thread and (attempt := _attempt(thread, id, me)):
                return Returned(thread, _came_back(attempt, bounce))
    return Ignored("report about a mail that we did not send")


def _attempt(thread: Thread, message_id: str, me: Me) -> DeliveryAttempted | None:
    tried = (each for each in thread.events if isinstance(each, DeliveryAttempted))
    return next((each for each in tried if me.message_id(thread.id, each.delivery) == message_id), None)


def _came_back(attempt: DeliveryAttempted, bounce: Bounce) -> DeliveryFailed:
    why = bounce.diagnostic or bounce.status or "without a reason"
    return DeliveryFailed(
        id=f"{attempt.delivery}.returned",
        actor=PARLEY,
        delivery=attempt.delivery,
        address=attempt.address,
        error=one_line(f"The mail came back: {why}"),
        attempt=attempt.attempt,
    )


# Where it belongs


def _place(mail: Mail, me: Me, team: Team, known: Known) -> Place:
    own = _own_address(mail, me, team, known)
    addressed = me.addressed(mail)
    for id in dict.fromkeys([*([addressed.partition(".")[0]] if addressed else []), *me.threads(mail)]):
        if thread := known.load(id):
            return _within(thread, mail, own, addressed if addressed.startswith(f"{id}.") else "", me, team)
    for id in (*mail.in_reply_to, *reversed(mail.references)):
        found = known.find(address_of(id))
        thread = known.load(found) if found else None
        if thread and (address := _joined(thread, mail, own, me, team)):
            return Place(address, thread)
    return Place(own)


def _within(thread: Thread, mail: Mail, own: str, interaction: str, me: Me, team: Team) -> Place:
    """A mail with a mark of ours reaches its thread; the conversation it answers only if its author takes part there."""
    answered = _answered(thread, mail, me) or _asked_at(thread, interaction, mail, me, team)
    takes_part = answered and conversation(thread, answered, me).belongs(mail.from_.address, team)
    return Place(answered if takes_part else own, thread, interaction)


def _joined(thread: Thread, mail: Mail, own: str, me: Me, team: Team) -> str:
    """Where a mail goes that only knows the id of another's mail: known people beside the conversation, strangers nowhere."""
    answered = _answered(thread, mail, me)
    if answered and conversation(thread, answered, me).belongs(mail.from_.address, team):
        return answered
    return own if _actor(mail, me, team).known else ""


def _answered(thread: Thread, mail: Mail, me: Me) -> str:
    """The conversation of the newest mail that it answers."""
    where = places(thread, me)
    ids = (*mail.in_reply_to, *reversed(mail.references))
    return next((where[id] for id in ids if id in where), "")


def _asked_at(thread: Thread, interaction: str, mail: Mail, me: Me, team: Team) -> str:
    """The conversation in which the author was asked, for mails without the headers that say so."""
    posts = (each for each in thread.state.posts.values() if each.interaction == interaction)
    asked = [next(iter(each.maps), each.address) for each in posts if each.address.startswith("email:")]
    return next((each for each in asked if conversation(thread, each, me).belongs(mail.from_.address, team)), "")


def _own_address(mail: Mail, me: Me, team: Team, known: Known) -> str:
    """The address of a conversation that begins with this mail. An id that is somebody's address, or taken, cannot name one."""
    address = address_of(mail.message_id)
    if mail.message_id and _is_free(address, team, known):
        return address
    return address_of(f"{digest(mail.key)}@{me.address.rpartition('@')[2]}")


def _is_free(address: str, team: Team, known: Known) -> bool:
    people = team.claimed(address) or any(each.address == address for each in team.schedules.values())
    return not people and known.find(address) is None


# What it says


def _message(mail: Mail, raw: bytes, found: NewText, place: Place, me: Me, team: Team) -> MessageReceived:
    before = conversation(place.thread, place.address, me).alias if place.thread else ""
    alias = before or me.reached_at(mail.recipients)
    route = team.route(f"email:{alias}")
    return MessageReceived(
        id=f"email:{digest(mail.key)}",
        actor=_actor(mail, me, team),
        text=_text(found, mail),
        subject=mail.subject[:500],
        attachments=_attachments(mail, raw, found),
        agent=route.agent,
        origin=Origin(
            address=place.address,
            native=mail.message_id,
            place=f"email:{alias}",
            at=mail.date.timestamp() if mail.date else None,
            trusted=route.trusted,
            detail=detail(mail, alias, _name(raw)),
        ),
    )


def _actor(mail: Mail, me: Me, team: Team) -> Actor:
    verdict = authentication(mail, me.authserv_id)
    vouched: Proof = "dkim" if verdict.method == "dkim" else "dmarc"
    id = f"email:{mail.from_.address.casefold()}"
    return team.actor(id, mail.from_.name or mail.from_.address, vouched if verdict.proved else "none")


def _text(found: NewText, mail: Mail) -> str:
    text = found.text or (f"({mail.reason})" if mail.reason else "(There is nothing new in this mail.)")
    content = text.encode()
    return text if len(content) <= LONGEST else f"{content[:LONGEST].decode(errors='ignore')}…"


def _attachments(mail: Mail, raw: bytes, found: NewText) -> tuple[Attachment, ...]:
    """What came with the words, and the words of others within them: none of it is the author's own."""
    foreign = [("the forwarded mail" if found.forwarded else "quoted words", raw)] if found.text != found.own else []
    foreign += [("the whole mail", raw)] if len(found.text.encode()) > LONGEST else []
    passed_on = (
        Attachment(name=name, media_type="message/rfc822", size=len(raw), blob=_name(raw)) for name, _ in foreign
    )
    return (*passed_on, *(_attachment(each) for each in _files(mail)))


def _attachment(file: mime.Attachment) -> Attachment:
    blob = None if file.content is None else _name(file.content)
    return Attachment(name=file.name[:120], media_type=file.type[:80], size=file.size, blob=blob)


def _files(mail: Mail) -> list[mime.Attachment]:
    """What was attached on purpose: no pictures within the text, no signatures of the mail itself."""
    return [each for each in mail.attachments if not each.cid and each.type not in _DECORATION][:20]


def _blobs(mail: Mail, raw: bytes) -> tuple[bytes, ...]:
    return (raw, *(each.content for each in _files(mail) if each.content is not None))


def _name(content: bytes) -> str:
    """What the store calls these bytes."""
    return hashlib.sha256(content).hexdigest()


# What it means


def _arrival(event: Meant, mail: Mail, place: Place, team: Team, known: Known) -> Arrival:
    """Every id of the conversation leads to the thread from now on, unless it leads elsewhere already."""
    ids = dict.fromkeys(address_of(each) for each in (mail.message_id, *mail.in_reply_to, *mail.references) if each)
    return Arrival(
        event=event,
        address=place.address,
        keys=(event.id,),
        thread=place.thread.id if place.thread else "",
        create=isinstance(event, MessageReceived),
        maps=tuple(each for each in ids if each != place.address and _is_free(each, team, known)),
    )


def _meant(message: MessageReceived, own: str, place: Place) -> Meant:
    """The event of a mail. Only what was sent to an interaction's own reply address decides an approval."""
    thread = place.thread
    understood = understand(thread, message)
    if thread is None or isinstance(understood, Cancelled):
        return understood
    addressed = thread.state.interactions.get(place.interaction)
    if addressed is None:
        return _misdirected(message, own, thread) or (message if message.attachments else understood)
    if addressed.asked.kind == "approval":
        return _decided(message, own, addressed) or message
    return message if message.attachments else _answer(message, own, addressed) or message


def _decided(message: MessageReceived, own: str, asked: Interaction) -> HumanResponded | None:
    match decision(own, asked.asked.arguments):
        case Approve(comment):
            return _response(message, asked, "approved", comment)
        case Deny(reason):
            return _response(message, asked, "denied", reason)
        case Edit(changes, approved=True) if (arguments := _changed(asked, changes)) is not None:
            return _response(message, asked, "approved", "", arguments)
    return None


def _changed(asked: Interaction, changes: Sequence[tuple[str, str]]) -> dict[str, JsonValue] | None:
    """The arguments with other values; None where a value cannot be read as what it replaces."""
    arguments = dict(asked.asked.arguments)
    for name, text in changes:
        value = _value(text, arguments[name])
        if value is None:
            return None
        arguments[name] = value
    return arguments


def _value(text: str, before: JsonValue) -> JsonValue:
    if isinstance(before, str) and not text.startswith('"'):
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text if before is None or isinstance(before, str) else None
    return value


def _answer(message: MessageReceived, own: str, asked: Interaction) -> HumanResponded | None:
    """An answer to the question whose reply address was used; whoever was not asked by name speaks for themselves."""
    if not asked.asked.audience.names and not entitled(asked, message.actor):
        return None
    said = own.strip().rstrip(".!").casefold()
    chosen = next((each for each in asked.asked.choices if each.casefold() == said), None)
    if chosen is None and asked.open and asked.asked.kind != "question":
        return None
    return _response(message, asked, "answered", chosen or message.text)


def _misdirected(message: MessageReceived, own: str, thread: Thread) -> HumanResponded | None:
    """A decision in so many words that did not come to the reply address: it decides nothing, and its author is told."""
    for asked in _approvals(thread, message.origin.address):
        if isinstance(decision(own, asked.asked.arguments), Approve | Deny):
            return _response(message, asked, "answered", own)
    return None


def _approvals(thread: Thread, address: str) -> Iterator[Interaction]:
    here = [each for each in thread.state.posts.values() if address in each.places]
    asked = [thread.state.interactions[each.interaction] for each in here if each.interaction]
    yield from (each for each in asked if each.asked.kind == "approval")


def _response(
    message: MessageReceived,
    asked: Interaction,
    decided: str,
    text: str,
    arguments: dict[str, JsonValue] | None = None,
) -> HumanResponded:
    return HumanResponded.model_validate(
        {
            "id": message.id,
            "actor": message.actor,
            "interaction": asked.id,
            "decision": decided,
            "text": text,
            "arguments": arguments if arguments != dict(asked.asked.arguments) else None,
            "digest": asked.asked.digest,
            "origin": message.origin,
        }
    )
