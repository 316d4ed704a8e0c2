"""The mailboxes that an address header names (RFC 5322 section 3.4), read so that no name can pass for an address."""

import re
from dataclasses import dataclass

from channels.email import charset

_MAILBOX = re.compile(
    r"""(?:"[^"\x00-\x1f]{1,64}"|[^\s<>@"(),:;\\\x00-\x1f]{1,128})@[^\s<>@"(),:;\\\x00-\x1f]{1,255}"""
)
_PLAIN = re.compile(r'[^"(<,;:]+')
_LONGEST = 20_000  # characters of one header that are looked at
_MOST = 1_000  # mailboxes of one header


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. `address` has its domain in lower case and is empty where nobody could be written to."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(slots=True)
class _Entry:
    """What stands between two commas."""

    phrase: str = ""
    comment: str = ""
    angles: tuple[str, ...] = ()


def addresses(value: str) -> tuple[Address, ...]:
    """Every mailbox of the header, groups opened up. Never raises; what is no mailbox has an empty address."""
    entries, closed = _entries(value[:_LONGEST])
    if not closed:
        entries, _ = _entries(value[:_LONGEST].replace('"', " ").replace("(", " "))
    return tuple(found for entry in entries[:_MOST] for found in _mailboxes(entry))


def well_formed(value: str) -> bool:
    """Whether every quote, comment and angle bracket is closed, so that all programs read the same mailboxes."""
    return _entries(value[:_LONGEST])[1] and len(value) <= _LONGEST


def is_mailbox(text: str) -> bool:
    """Whether this is one address and nothing else."""
    return bool(_MAILBOX.fullmatch(text))


def domain(address: str) -> str:
    """The domain of an address as it is compared: lower case, IDN in its ASCII form, no trailing dot."""
    name = address.rpartition("@")[2].strip().strip(".").lower()
    if name.isascii() or len(name) > 255:
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _entries(value: str) -> tuple[list[_Entry], bool]:
    entries = [_Entry()]
    at, closed = 0, True
    while at < len(value):
        char = value[at]
        if char == '"':
            text, at, ended = _quoted(value, at)
            entries[-1].phrase += f'"{text}"'
        elif char == "(":
            text, at, ended = _commented(value, at)
            entries[-1].comment = entries[-1].comment or text
        elif char == "<":
            text, at, ended = _angled(value, at)
            entries[-1].angles += (text,)
        elif run := _PLAIN.match(value, at):
            entries[-1].phrase += run[0]
            at, ended = run.end(), True
        else:
            _separated(char, entries)
            at, ended = at + 1, True
        closed = closed and ended
    return entries, closed


def _separated(char: str, entries: list[_Entry]) -> None:
    if char == ":":  # what stood before was the name of a group
        entries[-1].phrase = ""
    else:
        entries.append(_Entry())


def _quoted(value: str, at: int) -> tuple[str, int, bool]:
    text, at = [], at + 1
    while at < len(value) and value[at] != '"':
        at += value[at] == "\\"
        text.append(value[at : at + 1])
        at += 1
    return "".join(text).replace('"', "'"), at + 1, at < len(value)


def _commented(value: str, at: int) -> tuple[str, int, bool]:
    start, depth, at = at + 1, 1, at + 1
    while at < len(value) and depth:
        at += value[at] == "\\"
        depth += {"(": 1, ")": -1}.get(value[at : at + 1], 0)
        at += 1
    return value[start : at - 1], at, depth == 0


def _angled(value: str, at: int) -> tuple[str, int, bool]:
    start, at = at + 1, at + 1
    while at < len(value) and value[at] != ">":
        at = _quoted(value, at)[1] if value[at] == '"' else at + 1
    return value[start:at], at + 1, at < len(value)


def _mailboxes(entry: _Entry) -> list[Address]:
    phrase = entry.phrase.strip()
    if entry.angles:
        name = _name(phrase) or _name(entry.comment)
        return [Address(_spelt(angle), name) for angle in entry.angles]
    if "@" in phrase:
        found = _MAILBOX.findall(phrase)
        return [Address(_spelt(mailbox), _name(entry.comment)) for mailbox in found] or [Address("", _name(phrase))]
    return [Address("", _name(phrase or entry.comment))] if phrase or entry.comment.strip() else []


def _name(phrase: str) -> str:
    return charset.words(phrase.replace('"', " "))[:200]


def _spelt(mailbox: str) -> str:
    mailbox = charset.clean(mailbox).strip()
    if mailbox.startswith("@"):  # an obsolete route: <@relay:ana@example.com>
        mailbox = mailbox.rpartition(":")[2]
    if not _MAILBOX.fullmatch(mailbox):
        return ""
    local, _, host = mailbox.rpartition("@")
    return f"{local}@{host.strip('.').lower()}"
