"""The parts of a mail: its text, its HTML and what is attached, within limits of size, count, depth and time."""

import mimetypes
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.feedparser import BytesFeedParser
from email.generator import BytesGenerator
from email.message import Message
from email.policy import Compat32
from email.utils import collapse_rfc2231_value
from io import BytesIO
from itertools import islice

from channels.email import charset

_TREE_SECONDS = 1.8  # of this thread's work, after which parsing goes on with what was read so far
_PARTS_SECONDS = 0.8
_BYTES = 50_000_000
_LINES = 600_000
_CHUNK = 16_384
_HEADER = 32_000  # bytes of one header field
_HEADERS = 10_000  # header fields of one part
_DEPTH = 50
_PARTS = 2_000
_TEXT = 1_000_000  # characters of the text, and of the HTML
_ATTACHMENTS = 100
_ATTACHED = 30_000_000  # bytes of all attachments together


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text. `type` is what its bytes begin like, else what the mail declares; `content` is
    None over the limits; `cid` is set on an image shown within the HTML."""

    name: str
    type: str
    size: int
    content: bytes | None = None
    cid: str = ""


@dataclass(slots=True)
class Parts:
    """What `read` found."""

    plain: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kept: int = 0  # bytes of attachments
    left_out: int = 0  # attachments over the limit


def tree(raw: bytes) -> tuple[Message, list[str]]:
    """The mail as the standard library's forgiving parser sees it, and notes on what was not read. Never raises."""
    messages: list[Message] = []

    def new(**_: object) -> Message:
        messages.append(_Part(policy=_Limited()))
        return messages[-1]

    parser, notes = BytesFeedParser(_factory=new, policy=_Limited()), []
    until = time.thread_time() + _TREE_SECONDS
    data = _shortened(raw)
    if len(data) < len(raw):
        notes.append("The mail is very large; only its beginning was read.")
    try:
        for start in range(0, len(data), _CHUNK):
            parser.feed(data[start : start + _CHUNK])
            if time.thread_time() > until:
                notes.append("The mail is very complex; only its beginning was read.")
                break
        return parser.close(), notes
    except Exception:  # the parser's own faults on hostile input, its recursion limit above all
        return (messages[0] if messages else Message()), [*notes, "The mail is damaged; parts of it could not be read."]


def read(root: Message) -> Parts:
    """Sort the parts of a mail into text, HTML and attachments. Never raises."""
    parts, until = Parts(), time.thread_time() + _PARTS_SECONDS
    for count, part in enumerate(_leaves(root)):
        if count >= _PARTS or time.thread_time() > until:
            parts.notes.append("The mail has too many parts; only the first were read.")
            break
        _sort(part, parts)
    if parts.left_out:
        parts.notes.append(f"{parts.left_out} more attachments were left out.")
    return parts


def content_type(part: Message) -> str:
    """The declared type, in lower case; text/plain where it is missing or unreadable."""
    try:
        return part.get_content_type()[:200]
    except Exception:
        return "text/plain"


def parameter(part: Message, name: str, header: str = "content-type") -> str:
    """A parameter of a part's header (RFC 2231, RFC 2047), empty where it is missing or unreadable."""
    try:
        value = part.get_param(name, "", header)
        return charset.words(charset.header(collapse_rfc2231_value(value))) if value else ""
    except Exception:
        return ""


class _Part(Message):
    """A part, or a mail, with a bearable number of header fields."""

    def set_raw(self, name: str, value: str) -> None:
        if len(self) >= _HEADERS:
            raise ValueError("too many header fields")
        super().set_raw(name, value)


class _Limited(Compat32):
    """The old, forgiving policy, with header fields cut to a length that the parser's own code can bear."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, _, value = sourcelines[0].partition(":")
        value = value.lstrip(" \t")
        for line in sourcelines[1:]:
            if len(value) > _HEADER:
                break
            value += line
        return name, value[:_HEADER].rstrip("\r\n")


def _shortened(raw: bytes) -> bytes:
    data = raw[:_BYTES]
    if data.count(b"\n") + data.count(b"\r") <= _LINES:
        return data
    ends = (match.end() for match in re.finditer(rb"\r\n?|\n", data))
    return data[: next(islice(ends, _LINES, None), len(data))]


def _leaves(root: Message) -> Iterator[Message]:
    """The parts that hold something, in reading order; what is attached as a message stays whole."""
    waiting = [(root, 0)]
    while waiting:
        part, depth = waiting.pop()
        children = _children(part) if not content_type(part).startswith("message/") else []
        if children and depth < _DEPTH:
            waiting.extend((child, depth + 1) for child in reversed(children))
        else:
            yield part


def _children(part: Message) -> list[Message]:
    payload = part.get_payload() if part.is_multipart() else []
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _sort(part: Message, parts: Parts) -> None:
    kind = content_type(part)
    if kind.startswith("multipart/") and not _children(part):
        kind = "text/plain"  # its boundary is missing: better all of it than nothing
    attached = _disposition(part) == "attachment" or bool(_file_name(part))
    if attached or kind not in ("text/plain", "text/html"):
        _attach(part, kind, parts)
        return
    text = charset.clean(charset.decode(_content(part)[: _TEXT * 4], parameter(part, "charset")))
    if kind == "text/html":
        parts.html = f"{parts.html}\n{text}".strip("\n")[:_TEXT]
    elif text.strip():
        parts.plain = f"{parts.plain}\n{_reflowed(text, part)}".strip("\n")[:_TEXT]


def _attach(part: Message, kind: str, parts: Parts) -> None:
    if len(parts.attachments) >= _ATTACHMENTS:
        parts.left_out += 1
        return
    content = _content(part)
    fits = parts.kept + len(content) <= _ATTACHED
    parts.kept += len(content) if fits else 0
    name = _safe_name(_file_name(part)) or _default_name(len(parts.attachments) + 1, kind)
    cid = str(part.get("content-id", "")).strip().strip("<>")[:200]
    kept = content if fits else None
    parts.attachments.append(Attachment(name, _sniffed(content) or kind, len(content), kept, cid))


def _content(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else _flattened(part)
    except Exception:
        return b""


def _flattened(part: Message) -> bytes:
    """What stands within a message/* part, as bytes again."""
    buffer = BytesIO()
    for inner in _children(part):
        BytesGenerator(buffer, mangle_from_=False, maxheaderlen=0).flatten(inner)
        buffer.write(b"\n")
    return buffer.getvalue()


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition", "")).split(";")[0].strip().lower()


def _file_name(part: Message) -> str:
    return parameter(part, "filename", "content-disposition") or parameter(part, "name")


def _safe_name(name: str) -> str:
    """A name that stays within its folder, on any system."""
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:120]}{dot}{ending[:20]}" if dot else name[:120]


def _default_name(number: int, kind: str) -> str:
    ending = ".eml" if kind == "message/rfc822" else mimetypes.guess_extension(kind) or ".bin"
    return f"attachment-{number}{ending}"


_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"MZ": "application/x-msdownload",
    b"\x7fELF": "application/x-executable",
    b"#!": "text/x-script",
}


def _sniffed(content: bytes) -> str:
    return next((kind for beginning, kind in _BEGINNINGS.items() if content.startswith(beginning)), "")


def _reflowed(text: str, part: Message) -> str:
    """The paragraphs of a text/plain part with format=flowed (RFC 3676); other text as it is."""
    if parameter(part, "format").lower() != "flowed":
        return text
    joint = "" if parameter(part, "delsp").lower() == "yes" else " "
    paragraphs: list[list[str]] = []
    open_depth = -1  # how deep the line is quoted that goes on in the next one
    for line in text[:_TEXT].split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        kept = content.removesuffix(" ") if flows else content
        if depth == open_depth and content != "-- ":
            paragraphs[-1].append(kept)
        else:
            paragraphs.append([f"{'>' * depth} {kept}" if depth else kept])
        open_depth = depth if flows else -1
    return "\n".join(joint.join(paragraph) for paragraph in paragraphs)
