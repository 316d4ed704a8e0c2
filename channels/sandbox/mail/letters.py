"""A person's mail client: writes a well-formed mail, and shows what is in a received one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP, compat32
from email.utils import format_datetime, getaddresses, make_msgid

from channels.sandbox.mail.directory import domain_of
from channels.sandbox.mail.store import SEEN, Entry

# Python folds a longer header by encoding what must not be encoded: the ids of In-Reply-To and References.
_POLICY = SMTP.clone(max_line_length=900)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
_ID = re.compile(r"<[^<>\s@]+@[^<>\s]+>")


@dataclass(frozen=True)
class Letter:
    """What a person wants to send."""

    sender: str
    name: str
    to: Sequence[str]
    cc: Sequence[str]
    subject: str
    text: str
    html: str | None = None
    in_reply_to: str | None = None
    references: Sequence[str] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The envelope's recipients, each once."""
        return tuple(dict.fromkeys(address.addr_spec for address in _parsed([*self.to, *self.cc])))


def write(letter: Letter, at: datetime) -> EmailMessage:
    """The letter as a mail client would send it. ValueError where an address or a header is impossible."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(letter.name, addr_spec=letter.sender)
    message["To"] = _parsed(letter.to)
    if letter.cc:
        message["Cc"] = _parsed(letter.cc)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=domain_of(letter.sender))
    if letter.in_reply_to:
        answered = _bracketed(letter.in_reply_to)
        message["In-Reply-To"] = answered
        message["References"] = " ".join(dict.fromkeys([*map(_bracketed, letter.references), answered]))
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


def _parsed(recipients: Sequence[str]) -> list[Address]:
    """ValueError where one of them is no address."""
    found = getaddresses(recipients)
    valid = found and all(_ADDRESS.fullmatch(address) for _, address in found)
    if not valid or re.search(r"[\r\n]", "".join(recipients)):
        raise ValueError("every recipient needs an address like ana@example.com")
    return [Address(name, addr_spec=address) for name, address in found]


def show(raw: bytes, entry: Entry) -> dict[str, object]:
    """A mail as the page shows it. Ids keep their brackets; `html` is as dangerous as it came."""
    message = BytesParser(policy=compat32).parsebytes(raw)
    return {
        "id": str(entry.uid),
        "at": datetime.fromtimestamp(entry.at, UTC).isoformat(),
        "from": _header(message, "From"),
        "to": _addresses(message, "To"),
        "cc": _addresses(message, "Cc"),
        "reply_to": _addresses(message, "Reply-To") or _addresses(message, "From"),
        "subject": _header(message, "Subject"),
        "text": _body(message, "text/plain") or "",
        "html": _body(message, "text/html"),
        "message_id": _header(message, "Message-ID"),
        "in_reply_to": next(iter(_ids(_header(message, "In-Reply-To"))), None),
        "references": _ids(_header(message, "References")),
        "direction": entry.direction,
        "read": SEEN in entry.flags,
        "auto": _header(message, "Auto-Submitted").lower() not in ("", "no"),
        "repeated": entry.repeated,
    }


def _header(message: Message, name: str) -> str:
    return _decoded(" ".join(str(message.get(name, "")).split()))


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return value


def _addresses(message: Message, name: str) -> list[str]:
    values = [" ".join(str(value).split()) for value in message.get_all(name, [])]
    return [_mailbox(_decoded(shown), address) for shown, address in getaddresses(values) if address]


def _body(message: Message, kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            return _text(part)
    return None


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    octets = content if isinstance(content, bytes) else b""
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace").replace("\r\n", "\n")
    except LookupError:
        return octets.decode("utf-8", "replace").replace("\r\n", "\n")


def _mailbox(name: str, address: str) -> str:
    """`Name <address>`, the name quoted where it must be."""
    return str(Address(" ".join(name.split()), *address.rpartition("@")[::2])) if name else address


def _bracketed(message_id: str) -> str:
    return f"<{message_id.strip().strip('<>')}>"


def _ids(text: str) -> list[str]:
    return _ID.findall(text)
