"""What a mail says becomes what happened: mails to events, purely.

Which thread a mail belongs to is told, in this order, by the reply address it was sent to, by the ids of ours that it answers, and by the
ids of others' mails that it answers, where its author takes part in that conversation. Anything else begins a thread.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from bot.events import (
    PARLEY,
    Actor,
    Attachment,
    AwayNoticed,
    DeliveryAttempted,
    DeliveryFailed,
    MessageReceived,
    Origin,
    Proof,
)
from bot.ids import digest
from bot.people import Team
from bot.ports import Arrival
from bot.thread import Thread
from bot.tool import one_line
from channels.email import mime
from channels.email.conversation import address_of, conversation, detail, places
from channels.email.kind import Bounce, classify
from channels.email.mail import Mail
from channels.email.me import Me
from channels.email.meaning import QUOTED, Meant, meant
from channels.email.newtext import NewText, new_text
from channels.email.present import our_words

LONGEST = 8_000  # bytes of text in an event; the whole mail is a blob
KEPT = 10_000_000  # bytes of one mail or file that the store is given
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
class Noticed:
    """The mailbox of somebody who was asked answered by itself."""

    thread: Thread
    event: AwayNoticed


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


def translate(mail: Mail, raw: bytes, me: Me, team: Team, known: Known) -> Said | Returned | Noticed | Ignored:
    """What a mail is. Machines start nothing and answer nothing; what we wrote ourselves is not heard again."""
    kind = classify(mail)
    if kind.bounce:
        return _returned(kind.bounce, me, known)
    actor = _actor(mail, raw, me, team)
    if kind.absence and (noticed := _noticed(mail, actor, me, team, known)):
        return noticed
    if kind.kind != "human":
        return Ignored(f"machine-made mail: {kind.why}")
    if me.owns(mail.from_.address) or me.minted(mail.message_id) or mail.first("x-parley"):
        return Ignored("mail of our own")
    if not mail.from_.address:
        return Ignored("mail without a sender")
    place = _place(mail, actor, me, team, known)
    found = new_text(mail, our_words(place.thread, team, me) if place.thread else ())
    event = meant(_message(mail, raw, actor, found, place, me, team), found.own, place.thread, place.interaction)
    return Said(_arrival(event, mail, place, team, known), _blobs(mail, raw, found))


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


# A mailbox whose owner is away


def _noticed(mail: Mail, actor: Actor, me: Me, team: Team, known: Known) -> Noticed | None:
    """Which open question or approval an absence notice belongs to; it says so of its own mailbox alone."""
    addressed = me.addressed(mail)
    for id in me.threads(mail):
        thread = known.load(id)
        for asked in _asked_in(thread, addressed, mail, me) if thread else ():
            if thread and thread.state.interactions[asked].open and _asked_at(thread, asked, mail, me, team):
                return Noticed(thread, AwayNoticed(id=f"email:{digest(mail.key)}", actor=actor, interaction=asked))
    return None


def _asked_in(thread: Thread, addressed: str, mail: Mail, me: Me) -> list[str]:
    """The interactions that a mail names, by its reply address or by the mails that it answers."""
    attempts = [_attempt(thread, id, me) for id in (*mail.in_reply_to, *reversed(mail.references))]
    posts = [thread.state.posts.get(each.delivery) for each in attempts if each]
    named = dict.fromkeys([addressed, *(post.interaction for post in posts if post)])
    return [each for each in named if each in thread.state.interactions]


# Where it belongs


def _place(mail: Mail, actor: Actor, me: Me, team: Team, known: Known) -> Place:
    own = _own_address(mail, me, team, known)
    addressed = me.addressed(mail)
    for id in dict.fromkeys([*([addressed.partition(".")[0]] if addressed else []), *me.threads(mail)]):
        if thread := known.load(id):
            return _within(thread, mail, own, addressed if addressed.startswith(f"{id}.") else "", me, team)
    for id in (*mail.in_reply_to, *reversed(mail.references)):
        found = known.find(address_of(id))
        thread = known.load(found) if found else None
        if thread and (address := _joined(thread, mail, own, actor, me, team)):
            return Place(address, thread)
    return Place(own)


def _within(thread: Thread, mail: Mail, own: str, interaction: str, me: Me, team: Team) -> Place:
    """A mail with a mark of ours reaches its thread; the conversation it answers only if its author takes part there."""
    answered = _answered(thread, mail, me) or _asked_at(thread, interaction, mail, me, team)
    takes_part = answered and conversation(thread, answered, me).belongs(mail.from_.address, team)
    return Place(answered if takes_part else own, thread, interaction)


def _joined(thread: Thread, mail: Mail, own: str, actor: Actor, me: Me, team: Team) -> str:
    """Where a mail goes that only knows the id of another's mail: known people beside the conversation, strangers nowhere."""
    answered = _answered(thread, mail, me)
    if answered and conversation(thread, answered, me).belongs(mail.from_.address, team):
        return answered
    return own if actor.known else ""


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


def _message(mail: Mail, raw: bytes, actor: Actor, found: NewText, place: Place, me: Me, team: Team) -> MessageReceived:
    before = conversation(place.thread, place.address, me).alias if place.thread else ""
    alias = before or me.reached_at(mail.recipients)
    route = team.route(f"email:{alias}")
    return MessageReceived(
        id=f"email:{digest(mail.key)}",
        actor=actor,
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
            detail=detail(mail, alias, _name(raw) or f"mid:{mail.message_id.strip('<>')}"),
        ),
    )


def _actor(mail: Mail, raw: bytes, me: Me, team: Team) -> Actor:
    verdict = me.verdict(mail, raw)
    vouched: Proof = "dkim" if verdict.method == "dkim" else "dmarc"
    id = f"email:{mail.from_.address.casefold()}"
    return team.actor(id, mail.from_.name or mail.from_.address, vouched if verdict.proved else "none")


def _text(found: NewText, mail: Mail) -> str:
    text = found.text or (f"({mail.reason})" if mail.reason else "(There is nothing new in this mail.)")
    content = text.encode()
    return text if len(content) <= LONGEST else f"{content[:LONGEST].decode(errors='ignore')}…"


def _attachments(mail: Mail, raw: bytes, found: NewText) -> tuple[Attachment, ...]:
    """What came with the words, and the words of others within them: none of it is the author's own."""
    foreign = "the forwarded mail" if found.forwarded else QUOTED if found.text != found.own else ""
    whole = Attachment(name=foreign, media_type="message/rfc822", size=len(raw), blob=_name(raw) or None)
    text = _whole_text(found)
    longer = Attachment(name="the whole text", media_type="text/plain", size=len(text), blob=_name(text) or None)
    parts = ([whole] if foreign else []) + ([longer] if text else [])
    return (*parts, *(_attachment(each) for each in _files(mail)))


def _whole_text(found: NewText) -> bytes:
    """What the event has no room for; empty, where it holds everything."""
    text = found.text.encode()
    return text if len(text) > LONGEST else b""


def _attachment(file: mime.Attachment) -> Attachment:
    name, media_type = file.name[:120], file.type[:80]
    return Attachment(name=name, media_type=media_type, size=file.size, blob=_name(file.content or b"") or None)


def _files(mail: Mail) -> list[mime.Attachment]:
    """What was attached on purpose: no pictures within the text, no signatures of the mail itself."""
    return [each for each in mail.attachments if not each.cid and each.type not in _DECORATION][:20]


def _blobs(mail: Mail, raw: bytes, found: NewText) -> tuple[bytes, ...]:
    files = (file.content or b"" for file in _files(mail))
    return tuple(each for each in (raw, _whole_text(found), *files) if _name(each))


def _name(content: bytes) -> str:
    """What the store calls these bytes; empty where there are none, or too many: those stay in the mailbox alone."""
    return hashlib.sha256(content).hexdigest() if 0 < len(content) <= KEPT else ""


# Where it is written down


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
