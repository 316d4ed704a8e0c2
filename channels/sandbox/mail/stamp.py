"""What the receiving server writes on top of a mail, and the forgeries that it takes out (RFC 8601, section 5)."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import format_datetime, getaddresses
from typing import Literal

from channels.sandbox.mail.directory import domain_of

Verdict = Literal["pass", "fail", "none"]

_HOSTNAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_GREETING = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)


@dataclass(frozen=True)
class Arrival:
    """How one mail came in: the envelope, and what is known of its sender."""

    sender: str  # the envelope's; "" is the null sender
    recipient: str
    verdict: Verdict
    greeting: str  # the name that the client gave itself
    at: datetime


def stamp(raw: bytes, arrival: Arrival, authserv_id: str) -> bytes:
    """The mail as it lies in the mailbox: our trace headers first, then everything of its own but what claims to be ours."""
    header, body = _split(raw)
    kept = [field for field in _fields(header) if not _is_forged(field, authserv_id)]
    return b"\r\n".join([*_trace(arrival, author(raw), authserv_id), *kept, b"", body])


def author(raw: bytes) -> str | None:
    """The one address of the one From header; None where there is any doubt."""
    values = BytesHeaderParser().parsebytes(_split(raw)[0] + b"\r\n\r\n").get_all("From", [])
    addresses = [address for _, address in getaddresses([str(value) for value in values])]
    return addresses[0] if len(values) == len(addresses) == 1 and "@" in addresses[0] else None


def _trace(arrival: Arrival, written_by: str | None, authserv_id: str) -> list[bytes]:
    date = format_datetime(arrival.at)
    greeting = arrival.greeting if _GREETING.fullmatch(arrival.greeting) else "unknown"
    lines = [
        f"Return-Path: <{arrival.sender}>",
        f"Delivered-To: {arrival.recipient}",
        f"X-Original-To: {arrival.recipient}",
        f"Authentication-Results: {authserv_id}; {_result(arrival.verdict, written_by)}",
        f"Received: from {greeting} ([127.0.0.1])\r\n\tby {authserv_id}\r\n\tfor <{arrival.recipient}>; {date}",
    ]
    return [line.encode("utf-8", "replace") for line in lines]


def _result(verdict: Verdict, written_by: str | None) -> str:
    if verdict == "none":
        return "none"  # made here, nothing to check
    domain = domain_of(written_by or "")
    return f"dmarc={verdict} header.from={domain}" if _HOSTNAME.fullmatch(domain) else "dmarc=fail"


def _split(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith(b"\r\n"):
        return b"", raw[2:]
    header, _, body = raw.partition(b"\r\n\r\n")
    return header.removesuffix(b"\r\n"), body


def _fields(header: bytes) -> list[bytes]:
    return re.split(rb"\r\n(?![ \t])", header) if header else []


def _is_forged(field: bytes, authserv_id: str) -> bool:
    name, _, value = field.partition(b":")
    match name.strip().lower():
        case b"return-path":
            return True
        case b"authentication-results":
            text = value.decode("utf-8", "replace")
            return any(_claims(reading, authserv_id) for reading in (text, _decoded(text)))
        case _:
            return False


def _claims(value: str, authserv_id: str) -> bool:
    """Whether any reader could take the header for one of `authserv_id`; in doubt it does."""
    value = unicodedata.normalize("NFKC", value).casefold().replace("。", ".")
    value = "".join(letter for letter in value if unicodedata.category(letter) != "Cf")
    while (bare := _COMMENT.sub(" ", value)) != value:
        value = bare
    value = re.sub(r'[\\"]', "", value)
    value = re.sub(r"\s*\.\s*", ".", value).strip()
    return value.startswith("(") or re.match(rf"{re.escape(authserv_id)}\.?(?![\w.-])", value) is not None


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return value
