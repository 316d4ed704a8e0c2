"""A mail as values: whatever bytes arrived, parsed within limits of size, count, depth and time."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MisplacedEnvelopeHeaderDefect
from email.message import Message
from email.utils import parsedate_to_datetime
from itertools import islice

from channels.email import charset, markup, mime
from channels.email.address import Address, addresses, well_formed
from channels.email.mime import Attachment

_HEADERS = 1_000  # that are kept, besides every From

_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,400}@[^<>\s]{1,400}>")
_BARE_ID = re.compile(r"[^<>\s@,;:\"()]{1,400}@[^<>\s@,;:\"()]{1,400}")
_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-forwarded-to", "x-gm-original-to", "to", "cc")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail says it is from. `count` is the number of mailboxes in all its From headers, one more where they
    can be read in two ways: anything but 1 proves nothing about anybody."""

    address: str = ""
    name: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. Every text is decoded and clean; `reason` says in a sentence why `text` is empty or unreadable."""

    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    from_: Sender = Sender()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    recipients: tuple[str, ...] = ()
    subject: str = ""
    date: datetime | None = None
    type: str = "text/plain"
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    key: str = ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every header of this name, topmost first, unfolded but otherwise as it was sent."""
        return tuple(value for header, value in self.headers if header == name.lower())

    def first(self, name: str) -> str:
        """The topmost header of this name, empty where there is none."""
        return next(iter(self.all(name)), "")


def parse(raw: bytes) -> Mail:
    """Read a mail (RFC 5322, MIME). Never raises and takes at most a few seconds, whatever the bytes."""
    root, notes = mime.tree(raw)
    parts = mime.read(root)
    headers = _headers(root)
    text = parts.plain or markup.to_text(parts.html).strip("\n") or _invitation_answer(parts.attachments)
    message_id = _own_id(_first(headers, "message-id"))
    return Mail(
        message_id=message_id,
        in_reply_to=message_ids(_first(headers, "in-reply-to")),
        references=message_ids(" ".join(value for name, value in headers if name == "references")),
        from_=_sender([value for name, value in headers if name == "from"], root),
        reply_to=_mailboxes(headers, "reply-to"),
        to=_mailboxes(headers, "to"),
        cc=_mailboxes(headers, "cc"),
        recipients=_recipients(headers),
        subject=charset.words(_first(headers, "subject"))[:2_000],
        date=_date(_first(headers, "date")),
        type=mime.content_type(root),
        text=text,
        html=parts.html,
        attachments=tuple(parts.attachments),
        headers=headers,
        notes=(*notes, *parts.notes),
        reason=_reason(root, text, parts.attachments),
        key=_key(message_id, raw, text, parts.attachments),
    )


def message_ids(value: str) -> tuple[str, ...]:
    """The well-formed message ids of a header, each once, in order; a lone id without its brackets gets them."""
    found = tuple(dict.fromkeys(islice((match[0] for match in _MESSAGE_ID.finditer(value)), 500)))
    if found or "<" in value:
        return found
    bare = value.split()
    return (f"<{bare[0]}>",) if len(bare) == 1 and _BARE_ID.fullmatch(bare[0]) else ()


def _headers(root: Message) -> tuple[tuple[str, str], ...]:
    named = ((str(name).strip().lower(), str(value)) for name, value in root.raw_items())
    kept = ((name, value) for at, (name, value) in enumerate(named) if at < _HEADERS or name == "from")
    return tuple((name, _unfolded(charset.header(value))) for name, value in kept)


def _unfolded(value: str) -> str:
    return charset.clean(re.sub(r"(?:\r\n|\r|\n)[ \t]*", " ", value)).strip()


def _first(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for header, value in headers if header == name), "")


def _mailboxes(headers: tuple[tuple[str, str], ...], name: str) -> tuple[Address, ...]:
    return tuple(found for header, value in headers if header == name for found in addresses(value) if found.address)


def _recipients(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Every address the mail was meant for, those stamped on delivery before those its author wrote."""
    found = (mailbox.address for name in _RECIPIENTS for mailbox in _mailboxes(headers, name))
    return tuple(dict.fromkeys(found))


def _sender(values: list[str], root: Message) -> Sender:
    found = [mailbox for value in values for mailbox in addresses(value)]
    doubts = sum(not well_formed(value) for value in values)
    # A line "From : …", which this parser skips, is another program's From header.
    doubts += sum(isinstance(defect, MisplacedEnvelopeHeaderDefect) for defect in root.defects)
    doubts += bool(re.match(r"From\s*:", root.get_unixfrom() or ""))
    first = next((mailbox for mailbox in found if mailbox.address), None) or next(iter(found), Address(""))
    return Sender(first.address, first.name, sum(bool(mailbox.address) for mailbox in found) + doubts)


def _own_id(value: str) -> str:
    return next(iter(message_ids(value)), "")


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value[:200])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _key(message_id: str, raw: bytes, text: str, attachments: list[Attachment]) -> str:
    """One mail delivered twice has one key; a foreign id used again for another mail has two."""
    if not message_id:
        return hashlib.sha256(raw).hexdigest()
    digest = hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace"))
    for attachment in attachments:
        digest.update(attachment.content or str(attachment.size).encode())
    return f"{message_id}:{digest.hexdigest()}"


_PARTICIPATION = {"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Tentatively accepted"}


def _invitation_answer(attachments: list[Attachment]) -> str:
    """What a reply to a calendar invitation (RFC 5546) says, in words; empty where there is none."""
    for attachment in attachments:
        if attachment.type != "text/calendar" or not attachment.content:
            continue
        calendar = re.sub(r"\n[ \t]", "", charset.clean(charset.decode(attachment.content[:100_000])))
        answer = re.search(r"PARTSTAT=(ACCEPTED|DECLINED|TENTATIVE)", calendar)
        if answer and re.search(r"^METHOD:REPLY\s*$", calendar, re.MULTILINE):
            summary = re.search(r"^SUMMARY[^:\n]*:(.{1,200})", calendar, re.MULTILINE)
            return (
                f'{_PARTICIPATION[answer[1]]} the invitation "{summary[1].strip() if summary else "without a title"}".'
            )
    return ""


def _reason(root: Message, text: str, attachments: list[Attachment]) -> str:
    kinds = {attachment.type for attachment in attachments} | {mime.content_type(root)}
    names = {attachment.name.lower() for attachment in attachments}
    if "multipart/encrypted" in kinds or "-----BEGIN PGP MESSAGE-----" in text or _sealed(root, kinds):
        return "The mail is encrypted, and Parley has no key to it. Please send it unencrypted."
    if text.strip():
        return ""
    if kinds & {"application/pkcs7-mime", "application/x-pkcs7-mime"} or any(name.endswith(".p7m") for name in names):
        return "The mail is wrapped in an S/MIME signature that hides its text. Please send it as plain text."
    if kinds & {"application/ms-tnef", "application/vnd.ms-tnef"} or "winmail.dat" in names:
        return "The mail is in Outlook's own format (winmail.dat). Please send it as HTML or plain text."
    if attachments:
        return "The mail has attachments but no text."
    return "The mail has no text."


def _sealed(root: Message, kinds: set[str]) -> bool:
    smime = kinds & {"application/pkcs7-mime", "application/x-pkcs7-mime"}
    return bool(smime) and mime.parameter(root, "smime-type").lower() in ("enveloped-data", "authenveloped-data")
