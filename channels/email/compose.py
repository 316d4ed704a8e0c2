"""An outgoing mail: the headers that keep a conversation together, and a body that reads well everywhere."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Literal

from channels.email.address import Address, domain
from channels.email.mail import Mail, message_ids
from channels.email.pages import Body
from channels.email.phrases import REPLIED

_REFERENCES = 20  # ids besides the first
_REFERENCES_SIZE = 8_000  # characters
_ID_FIELDS = {"references", "in-reply-to", "message-id"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be sent, as plain values. `auto`: an answer to a mail (`replied`) or written unasked (`generated`)."""

    to: tuple[Address, ...]
    subject: str
    body: Body
    message_id: str
    cc: tuple[Address, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: str = ""
    auto: Literal["replied", "generated"] = "replied"


class _Policy(EmailPolicy):
    """CRLF, 7 bits, lines below 998 bytes. Message ids are folded between them and never within, nor encoded."""

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in _ID_FIELDS:
            return f"{name}: " + "\r\n ".join(str(value).split()) + "\r\n"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return (
            self.fold(name, value).encode("ascii") if name.lower() in _ID_FIELDS else super().fold_binary(name, value)
        )


_POLICY = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=78)


def compose(letter: Letter, sender: Address, at: datetime) -> EmailMessage:
    """The message of a letter. Raises ValueError when a line break or an impossible address would get into a header."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _header_address(sender)
    message["To"] = [_header_address(each) for each in letter.to]
    if letter.cc:
        message["Cc"] = [_header_address(each) for each in letter.cc]
    if letter.reply_to:
        message["Reply-To"] = _header_address(Address(letter.reply_to, sender.name))
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = at
    message["Message-ID"] = _one_id(letter.message_id)
    if letter.in_reply_to:
        message["In-Reply-To"] = _one_id(letter.in_reply_to)
    # Our own id is among the references: a provider may replace the Message-ID when it sends, and answers must still find us.
    message["References"] = " ".join([*capped(letter.references), letter.message_id])
    message["Auto-Submitted"] = f"auto-{letter.auto}"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Parley"] = "1"
    message.set_content(letter.body.text)
    message.add_alternative(letter.body.page(letter.subject), subtype="html")
    message.set_boundary(
        f"=_{hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]}"
    )  # the same bytes at every attempt
    return message


def message_id(token: str, delivery: str, address: str) -> str:
    """The id of one delivery, the same at every attempt: it holds the token of what it is about, and our own domain."""
    return f"<q.{token}.{re.sub(r'[^A-Za-z0-9]', '', delivery)[:32].lower() or '0'}@{domain(address)}>"


def answered(mail: Mail) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References of an answer to this mail (RFC 5322 section 3.6.4)."""
    before = mail.references or (mail.in_reply_to if len(mail.in_reply_to) == 1 else ())
    own = (mail.message_id,) if mail.message_id else ()
    return mail.message_id, capped(tuple(dict.fromkeys([*(each for each in before if each not in own), *own])))


def capped(references: Sequence[str]) -> tuple[str, ...]:
    """The first of a conversation and its latest ids, as many as programs bear."""
    ids = list(dict.fromkeys(found for each in references for found in message_ids(each)))
    if not ids:
        return ()
    latest: list[str] = []
    size = len(ids[0])
    for each in reversed(ids[1:]):
        size += len(each) + 1
        if len(latest) == _REFERENCES or size > _REFERENCES_SIZE:
            break
        latest.append(each)
    return (ids[0], *reversed(latest))


def reply_subject(subject: str) -> str:
    """The subject with one "Re: " before it, whatever its own program wrote there."""
    bare = " ".join(subject.split())
    while match := REPLIED.match(bare):
        bare = bare[match.end() :].strip()
    return f"Re: {bare}".strip()


def addresses_of(letter: Letter) -> tuple[str, ...]:
    """Everybody the letter goes to, each once."""
    return tuple(dict.fromkeys(each.address for each in (*letter.to, *letter.cc)))


def participants(mail: Mail, allowed: Iterable[str], ours: str) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of an answer: who wants the replies, and of the others those who are allowed; never ourselves."""
    allowed = {each.casefold() for each in allowed}
    to = mail.reply_to or ((Address(mail.from_.address, mail.from_.name),) if mail.from_.address else ())
    to = tuple(each for each in to if not is_ours(each.address, ours))
    taken = {each.address.casefold() for each in to}
    others = [each for each in (*mail.to, *mail.cc) if each.address.casefold() in allowed - taken]
    return to, tuple(each for each in dict.fromkeys(others) if not is_ours(each.address, ours))


def is_ours(address: str, ours: str) -> bool:
    """Whether an address is our mailbox, with or without something behind a plus."""
    local, _, host = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{host}" == ours.casefold()


def _header_address(address: Address) -> HeaderAddress:
    local, _, _ = _one_line(address.address).rpartition("@")
    if not local or not local.isascii():
        raise ValueError("there is an address that cannot be written to")
    return HeaderAddress(_one_line(address.name), addr_spec=f"{local}@{domain(address.address)}")


def _one_line(text: str) -> str:
    """The standard library lets a lone carriage return pass, which some servers take for the end of a header."""
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise ValueError("a header has a line break or a control character in it")
    return text


def _one_id(value: str) -> str:
    if message_ids(value) != (value,) or not value.isascii():
        raise ValueError("a message id is malformed")
    return value
