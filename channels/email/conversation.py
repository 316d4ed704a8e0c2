"""A mail conversation inside a thread: who takes part, what was written last, and whom an answer reaches.

A thread may hold several: a customer's, and one with each person who was asked by mail. Whoever merely knows a message id does not
get into one: it belongs to those who were in its first mail, and what others write to it begins a conversation beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from bot import events as e
from bot.people import Team
from bot.thread import Thread
from channels.email.address import Address
from channels.email.compose import answered, capped, participants
from channels.email.mail import Mail, Sender, message_ids
from channels.email.me import Me

_KEPT_IDS = 12  # of the earlier mails, in an event
_LONGEST_ID = 200
_KEPT_ADDRESSES = 30  # of one header, in an event


@dataclass(frozen=True)
class Written:
    """One mail of a conversation, ours or heard; of ours only the id is known here. `event` is the event it became."""

    event: str
    mail: Mail
    references: tuple[str, ...] = ()
    alias: str = ""
    heard: bool = True


@dataclass(frozen=True)
class Conversation:
    """The mails at one address, oldest first. `person` is whom we wrote to, where we began it."""

    address: str
    mails: tuple[Written, ...] = ()
    person: str = ""

    @property
    def begun(self) -> bool:
        return bool(self.mails or self.person)

    @property
    def heard(self) -> tuple[Written, ...]:
        return tuple(each for each in self.mails if each.heard)

    @property
    def members(self) -> frozenset[str]:
        """Everybody in its first mail, in lower case."""
        if self.person:
            return frozenset({self.person.casefold()})
        return frozenset(each.casefold() for each in _named(self.heard[0].mail)) if self.heard else frozenset()

    @property
    def alias(self) -> str:
        """The address of ours that it came to; empty where we began it."""
        return self.heard[0].alias if self.heard and not self.person else ""

    def belongs(self, address: str, team: Team) -> bool:
        """Whether somebody takes part, under this or another of their addresses."""
        person = team.claimed(f"email:{address}")
        return address.casefold() in self.members or (
            person is not None and person in {team.claimed(f"email:{each}") for each in self.members}
        )

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of the whole conversation, oldest first (RFC 5322 section 3.6.4)."""
        return capped([id for each in self.mails for id in (*each.references, each.mail.message_id)])

    def written(self, event: str) -> Written | None:
        """The mail that became this event; the last one heard where there is none."""
        found = (each for each in self.heard if each.event == event)
        return next(found, self.heard[-1] if self.heard else None)

    def answer_to(self, written: Written | None, team: Team, me: Me) -> tuple[tuple[Address, ...], ...]:
        """To and Cc of an answer: its author, and of the others people of the team and those who wrote here themselves."""
        if written is None:
            return (Address(self.person),) if self.person else (), ()
        mail, wanted = written.mail, [each.address for each in written.mail.reply_to]
        if written is not self.heard[0] and not all(self.belongs(each, team) for each in wanted):
            mail = Mail(from_=mail.from_, to=mail.to, cc=mail.cc)  # nobody can send a conversation elsewhere
        team_addresses = [address for person in team.people.values() for address in person.email]
        allowed = [*team_addresses, *(each.mail.from_.address for each in self.heard)]
        to, cc = participants(mail, allowed, me.address)
        return tuple(tuple(each for each in some if not me.owns(each.address)) for some in (to, cc))


def conversation(thread: Thread, address: str, me: Me) -> Conversation:
    """What was written at an address. Without mails: nobody wrote there yet, so it names a person, or nothing."""
    tried = (each for each in thread.events if isinstance(each, e.DeliveryAttempted) and each.address != address)
    begun = (each for each in tried if _sent_in(thread, each, me) == address)
    person = next((each.address.partition(":")[2] for each in begun), "")
    return Conversation(address, tuple(_written(thread, address, me)), person)


def _written(thread: Thread, address: str, me: Me) -> Iterator[Written]:
    for event in thread.events:
        if (origin := heard_at(event)) and origin.address == address:
            yield _recalled(event.id, origin)
        if isinstance(event, e.Delivered) and _sent_in(thread, event, me) == address:
            yield Written(event.id, Mail(message_id=event.native), heard=False)


def places(thread: Thread, me: Me) -> Mapping[str, str]:
    """In which conversation each message id is, also of mails whose sending is not on record yet."""
    tried = [each for each in thread.events if isinstance(each, e.DeliveryAttempted)]
    sent = {me.message_id(thread.id, each.delivery): _sent_in(thread, each, me) for each in tried}
    heard = {origin.native: origin.address for each in thread.events if (origin := heard_at(each))}
    return {id: address for id, address in {**sent, **heard}.items() if id and address.startswith("email:")}


def _sent_in(thread: Thread, event: e.DeliveryAttempted | e.Delivered, me: Me) -> str:
    """The conversation that a mail of ours is in: the one it was sent to, or the one that it began with a person."""
    if is_conversation(thread, event.address, me):
        return event.address
    return address_of(me.message_id(thread.id, event.delivery)) if event.address.startswith("email:") else ""


def is_conversation(thread: Thread, address: str, me: Me) -> bool:
    """Whether an address names mails that are there, rather than a person to write to."""
    heard = any(origin.address == address for each in thread.events if (origin := heard_at(each)))
    return address.startswith("email:") and (heard or me.minted(f"<{address.partition(':')[2]}>"))


def heard_at(event: e.Event) -> e.Origin | None:
    """Where somebody wrote what this event says, if somebody did."""
    return event.origin if isinstance(event, e.MessageReceived | e.HumanResponded | e.Cancelled) else None


def address_of(message_id: str) -> str:
    """The address of the conversation that this mail begins, and under which the mail itself is found."""
    return f"email:{message_id.strip('<>')}"


# What an event keeps of a mail


def detail(mail: Mail, alias: str, raw: str) -> dict[str, JsonValue]:
    """What an answer needs to know of a mail: also which address of ours it came to, and the blob that holds all of it."""
    _, references = answered(mail)
    short = [each for each in references if len(each) <= _LONGEST_ID and each != mail.message_id]
    return {
        "references": [*short[:1], *short[1:][-_KEPT_IDS:]],
        "subject": mail.subject[:500],
        "from": _kept([Address(mail.from_.address, mail.from_.name)]),
        "reply_to": _kept(mail.reply_to),
        "to": _kept(mail.to),
        "cc": _kept(mail.cc),
        "alias": alias,
        "raw": raw,
    }


def _recalled(event: str, origin: e.Origin) -> Written:
    """The mail that became this event, as far as an answer needs it."""
    kept = origin.detail
    sender = next(iter(_addresses(kept, "from")), Address(""))
    mail = Mail(
        message_id=next(iter(message_ids(origin.native)), ""),
        from_=Sender(sender.address, sender.name, 1),
        reply_to=_addresses(kept, "reply_to"),
        to=_addresses(kept, "to"),
        cc=_addresses(kept, "cc"),
        subject=str(kept.get("subject", "")),
    )
    return Written(event, mail, tuple(str(each) for each in _list(kept, "references")), str(kept.get("alias", "")))


def _kept(some: Iterable[Address]) -> list[JsonValue]:
    return [[each.address[:320], each.name[:80]] for each in list(some)[:_KEPT_ADDRESSES]]


def _addresses(kept: Mapping[str, JsonValue], name: str) -> tuple[Address, ...]:
    return tuple(Address(str(each[0]), str(each[1])) for each in _list(kept, name) if isinstance(each, list))


def _list(kept: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    value = kept.get(name)
    return value if isinstance(value, list) else []


def _named(mail: Mail) -> list[str]:
    return [mail.from_.address, *(each.address for each in (*mail.reply_to, *mail.to, *mail.cc))]
