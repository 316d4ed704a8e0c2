"""What a person newly wrote in a mail: without what their program quoted, without our own words, without a signature.

Our own text is subtracted first; the phrases of mail programs only tidy up what is left. Answers between quoted lines
keep the lines that they answer; a forwarded mail is kept whole. A signature is what stands below `-- `, below a
device's line ("Sent from my phone"), below a closing formula or a rule that a name follows, or below the sender's own
name; any other "thanks" is text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import groupby, pairwise

from channels.email import markup, phrases
from channels.email.mail import Mail
from channels.email.markup import Line, Mark
from channels.email.ours import own_lines

MARKER = "--- please write above this line ---"

_LONGEST = 200_000  # characters of text that are looked at
_LINES = 10_000
_CONTEXT = 20  # quoted lines that are kept above an answer

_ABOVE = re.compile(r"\b(?:write|type|reply|respond|answer)\b.{0,40}\babove this line\b", re.IGNORECASE)
_PREFIX = re.compile(r"[ \t]{0,3}(?:>[ \t]?){1,40}")
_UNDERLINE = re.compile(r"[ \t]*(?:[_=—–-]{10,}|—|__)[ \t]*")


@dataclass(frozen=True, slots=True)
class NewText:
    """`text` is for reading: the person's words, with the quoted lines that they answer one by one, or the whole
    forwarded mail. `own` holds the person's own lines alone, with what may be a greeting at their end: a decision may
    stand only there, and nothing that could take it back is left out."""

    text: str = ""
    own: str = ""
    quoted_removed: bool = False
    signature_removed: bool = False
    forwarded: bool = False


def new_text(mail: Mail, sent: Sequence[str] = ()) -> NewText:
    """The new text of a mail. `sent` are the texts (plain or HTML) that we sent to this conversation. Never raises."""
    plain = [_plain(line) for line in _mended(mail.text[:_LONGEST].split("\n")[:_LINES])]
    rich = markup.lines(mail.html)[:_LINES] if mail.html else []
    if any(line.quoted or line.mark for line in rich):
        found = _extracted(rich, mail, sent)
        if found.own:
            return found
    return _extracted(plain, mail, sent)


class _Role(Enum):
    OWN = auto()
    QUOTE = auto()
    INTRO = auto()  # what a mail program writes above a quote
    SIGNATURE = auto()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line and what it is; `ends`: from here on, all is the answered mail, whatever it looks like."""

    line: Line
    role: _Role = _Role.OWN
    ends: bool = False
    ours: bool = False

    @property
    def blank(self) -> bool:
        return not self.line.text.strip()


def _extracted(lines: list[Line], mail: Mail, sent: Sequence[str]) -> NewText:
    seen = _seen(lines)
    if sent:
        top = next((at for at, each in enumerate(seen) if each.role is not _Role.OWN), len(seen))
        ours = own_lines(lines, sent, top)
        seen = [_as_ours(each) if at in ours else each for at, each in enumerate(seen)]
    if (at := _forwarded(seen, mail)) is not None:
        own = _assembled(seen[:at], mail)
        return replace(
            own, text="\n".join(str(line) for line in lines).strip(), own=own.own, quoted_removed=False, forwarded=True
        )
    end = next((at for at, each in enumerate(seen) if each.ends), len(seen))
    above = _assembled(seen[:end], mail)
    if end == len(seen):
        return above if above.own or _is_reply(mail) or sent else replace(above, text=_all(lines), quoted_removed=False)
    below = _below(seen, end, above.own, mail)
    parts = [part for part in (above, below) if part.own]
    if not parts and not _is_reply(mail) and not sent:
        return NewText(_all(lines))
    return NewText(
        text="\n\n".join(part.text for part in parts),
        own="\n\n".join(part.own for part in parts),
        quoted_removed=True,
        signature_removed=any(part.signature_removed for part in parts),
    )


def _below(seen: list[_Seen], end: int, above: str, mail: Mail) -> NewText:
    """What a person wrote within or below the answered mail, where it can be told from that mail."""
    rest = seen[end + 1 :]
    last_of_ours = max((at for at, each in enumerate(rest) if each.ours), default=-1)
    if last_of_ours >= 0:
        stop = next((at for at, each in enumerate(rest) if each.ends and at > last_of_ours), len(rest))
        within = rest[: last_of_ours + 1] if above else rest[:stop]
        return _assembled([each for each in within if not each.ends], mail)
    if not above and _ABOVE.search(seen[end].line.text):
        stop = next((at for at, each in enumerate(rest) if each.ends), len(rest))
        return _assembled(rest[:stop], mail)
    return NewText()


def _all(lines: list[Line]) -> str:
    return "\n".join(str(line) for line in lines).strip()


def _is_reply(mail: Mail) -> bool:
    return bool(mail.in_reply_to or mail.references or phrases.REPLIED.match(mail.subject))


# Reading lines


def _plain(line: str) -> Line:
    prefix = _PREFIX.match(line)
    return Line(line[prefix.end() :].rstrip(), prefix[0].count(">")) if prefix else Line(line.rstrip())


def _mended(lines: list[str]) -> list[str]:
    """Some programs wrap `On … Ana <ana@example.com> wrote:` so that its second line begins with `>`."""
    mended: list[str] = []
    for line in lines:
        if (
            mended
            and line[:1] == ">"
            and _opens_bracket(mended[-1])
            and re.match(r">\s?\S{0,3}\s?\D{2,40}[:：]\s*$", line[:100])
        ):
            mended[-1] += line
        else:
            mended.append(line)
    return mended


def _opens_bracket(line: str) -> bool:
    return not line.startswith(">") and line[-300:].rfind("<") > line[-300:].rfind(">")


def _seen(lines: list[Line]) -> list[_Seen]:
    seen = [_at_sight(line) for line in lines]
    for at, each in enumerate(seen):
        if each.line.quoted or each.blank or each.ends:
            continue
        if size := _header_block(lines, at):
            _introduce(seen, at, at + size, ends=not _followed_by_quote(lines, at + size - 1))
        elif (start := _attribution(lines, at)) is not None:
            _introduce(seen, start, at + 1, ends=not _followed_by_quote(lines, at))
        elif phrases.ORIGINAL.match(each.line.text[:200]) or _dashed(each.line.text):
            _introduce(seen, at, at + 1, ends=not _followed_by_quote(lines, at))
        elif (
            (phrases.WROTE.search(each.line.text[:200]) or phrases.QUOTING.match(each.line.text[:200]))
            and each.line.text.endswith((":", "："))
            and _followed_by_quote(lines, at)
        ):
            _introduce(seen, at, at + 1, ends=False)
    return seen


def _at_sight(line: Line) -> _Seen:
    if _ABOVE.search(line.text[:200]) or line.mark is Mark.CUT:
        return _Seen(line, _Role.INTRO, ends=True)
    if line.quoted:
        return _Seen(line, _Role.QUOTE)
    marked = {Mark.SIGNATURE: _Role.SIGNATURE, Mark.ATTRIBUTION: _Role.INTRO}
    return _Seen(line, marked.get(line.mark, _Role.OWN))


def _as_ours(each: _Seen) -> _Seen:
    if each.role is _Role.OWN:
        return _Seen(replace(each.line, quoted=1), _Role.QUOTE, ours=True)
    return replace(each, ours=True)


def _introduce(seen: list[_Seen], start: int, stop: int, *, ends: bool) -> None:
    while start and _UNDERLINE.fullmatch(seen[start - 1].line.text[:200]):
        start -= 1
    for at in range(start, stop):
        seen[at] = replace(seen[at], role=_Role.INTRO, ends=ends and at == start)


def _followed_by_quote(lines: list[Line], at: int) -> bool:
    return next((line.quoted > 0 for line in lines[at + 1 : at + 6] if line.text.strip() or line.quoted), False)


def _attribution(lines: list[Line], at: int) -> int | None:
    """Where the line "On … wrote:" begins that ends here; it may have been wrapped."""
    if not lines[at].text.endswith((":", "：")) or len(lines[at].text) > 400:
        return None
    joined, start = "", at
    for start in range(at, max(at - 4, -1), -1):
        if lines[start].quoted or not lines[start].text.strip() or len(joined) > 400:
            return None
        joined = f"{lines[start].text} {joined}".strip()
        if phrases.BEGINNING.match(lines[start].text) and _says_who_wrote(joined):
            return start
        if start == at and phrases.WRITTEN_TO.search(joined) and _says_who_wrote(joined) and not _continues(lines, at):
            return start
    return None


def _dashed(text: str) -> bool:
    """---- On Monday Ana <ana@example.com> wrote ----"""
    return bool(re.fullmatch(r"-{3,}\s?.{10,300}\s-{3,}", text)) and _says_who_wrote(text)


def _says_who_wrote(text: str) -> bool:
    wrote, dated, address = phrases.WROTE.search(text), phrases.DATED.search(text), phrases.WRITTEN_TO.search(text)
    return bool((wrote and (dated or address)) or (dated and address))


def _continues(lines: list[Line], at: int) -> bool:
    """Whether the line above is the beginning of this one's attribution."""
    above = lines[at - 1].text if at else ""
    return bool(phrases.BEGINNING.match(above) and phrases.DATED.search(above))


def _header_block(lines: list[Line], at: int) -> int:
    """How many lines the block "From: … Sent: … To: … Subject: …" has that begins here; 0 where there is none."""
    if not lines[at].quoted and phrases.in_one_line(lines[at].text):
        return 1
    fields: set[str] = set()
    size = misses = 0
    for offset, line in enumerate(lines[at : at + 14]):
        field = _field(line.text) if not line.quoted else None
        if not offset and field is None:
            return 0
        if field:
            fields.add(field)
            size, misses = offset + 1, 0
        elif (misses := misses + 1) > 2:
            break
    complete = {"from", "subject"} <= fields and fields & {"sent", "to"}
    addressed = {"from", "sent"} <= fields and "@" in lines[at].text
    return size if complete or addressed else 0


def _field(text: str) -> str | None:
    label, colon, _ = text[:60].replace("：", ":").partition(":")
    return phrases.FIELDS.get(label.strip(" \t*").casefold()) if colon else None


def _forwarded(seen: list[_Seen], mail: Mail) -> int | None:
    """Where the mail begins that this mail passes on; None in any other mail."""
    by_subject = phrases.PASSED_ON.match(mail.subject) and not phrases.REPLIED.match(mail.subject)
    for at, each in enumerate(seen):
        if phrases.FORWARDED.match(each.line.text[:200]):
            return at
        if each.ends or (each.role in (_Role.QUOTE, _Role.INTRO) and not each.blank):
            return at if by_subject else None
    return None


# Putting together


def _assembled(seen: list[_Seen], mail: Mail) -> NewText:
    kept: list[tuple[bool, str]] = []  # whether it is the person's own, and the text
    own: list[str] = []
    signed = any(each.role is _Role.SIGNATURE for each in seen)
    for role, group in groupby(_settled(seen), key=lambda each: each.role):
        lines = [each.line for each in group]
        if role is _Role.QUOTE:
            kept.append((False, "\n".join(str(line) for line in lines[-_CONTEXT:]).strip()))
            continue
        certain = _certain([line.text for line in lines])
        text = _unsigned(certain, mail.from_.name, first=not any(is_own for is_own, _ in kept))
        signed = signed or len(text) < len(_trimmed([line.text for line in lines]))
        kept.extend([(True, "\n".join(text))] if text else [])
        own.extend(["\n".join(certain)] if certain else [])
    return NewText(_in_context(kept), "\n\n".join(own), _has(seen, _Role.QUOTE, _Role.INTRO), signed)


def _settled(seen: list[_Seen]) -> list[_Seen]:
    """Without introductions, and with blank lines counted to what stands above them."""
    settled: list[_Seen] = []
    for each in seen:
        if each.blank and settled and not each.line.quoted:
            settled.append(replace(each, role=settled[-1].role))
        elif each.role in (_Role.OWN, _Role.QUOTE):
            settled.append(each)
    return settled


def _in_context(kept: list[tuple[bool, str]]) -> str:
    """The person's own texts; each quote stays that stands between two of them, or above one that goes on in quotes."""
    last = max((at for at, (is_own, _) in enumerate(kept) if is_own), default=-1)
    answers = sum(is_own for is_own, _ in kept)
    inline = answers > 1 or (last >= 1 and last + 1 < len(kept))
    return "\n\n".join(text for is_own, text in kept[: last + 1] if is_own or inline)


def _has(seen: list[_Seen], *roles: _Role) -> bool:
    return any(each.role in roles for each in seen)


def _certain(lines: list[str]) -> list[str]:
    """Without what is certainly no word of this mail: a delimited signature, a device's line, small print."""
    lines = _trimmed(lines)
    cuts = [cut for cut in (_delimiter(lines), _device(lines), _small_print(lines)) if cut is not None]
    return _trimmed(lines[: min(cuts)]) if cuts else lines


def _unsigned(lines: list[str], name: str, *, first: bool) -> list[str]:
    """Without what is probably a signature. What is all signature stays if it is the `first` text."""
    closing = _closing(lines, name)
    return _trimmed(lines[:closing]) if closing or (closing == 0 and not first) else lines


def _trimmed(lines: list[str]) -> list[str]:
    shown = [at for at, line in enumerate(lines) if line.strip() and not _UNDERLINE.fullmatch(line[:200])]
    return lines[shown[0] : shown[-1] + 1] if shown else []


def _delimiter(lines: list[str]) -> int | None:
    return next((at for at, line in enumerate(lines) if line.rstrip() == "--"), None)


def _device(lines: list[str]) -> int | None:
    shown = [at for at, line in enumerate(lines) if line.strip()]
    return next((at for at in shown[-6:] if len(lines[at]) <= 120 and phrases.SENT_FROM.match(lines[at])), None)


def _small_print(lines: list[str]) -> int | None:
    starts = [0, *(at + 1 for at, (above, line) in enumerate(pairwise(lines)) if not above.strip() and line.strip())]
    return next(
        (at for at in starts[-12:] if at and phrases.DISCLAIMER.match(" ".join(lines[at : at + 4])[:500])), None
    )


def _closing(lines: list[str], name: str) -> int | None:
    """Where a closing formula, a rule or the sender's own name stands that begins the end; None where there is none."""
    shown = [at for at, line in enumerate(lines) if line.strip()][-12:]
    for number, at in enumerate(shown):
        below = [lines[each].strip() for each in shown[number + 1 :]]
        if any(len(line) > 100 or line.endswith("?") for line in below):
            continue
        named = bool(below) and _is_name(below[0], name)
        if phrases.closes(lines[at]) and (named or (not below and lines[at].rstrip().endswith(","))):
            return at
        if _UNDERLINE.fullmatch(lines[at][:200]) and named and len(below) <= 6 and max(map(len, below)) <= 40:
            return at
        if _is_own_name(lines[at], name) and len(below) <= 8:
            return _with_greeting(lines, at)
        if phrases.closes_with(lines[at], name) and len(below) <= 8:
            return at
    return None


def _with_greeting(lines: list[str], at: int) -> int:
    """Where the words above a name begin that belong to it: "Talk soon,"."""
    above = next((each for each in range(at - 1, max(at - 3, -1), -1) if lines[each].strip()), None)
    if above is None or not re.fullmatch(r"[^\d?:;]{2,40}[,!]", lines[above].strip()):
        return at
    apart = above == 0 or not lines[above - 1].strip()
    return above if apart and len(lines[above].split()) <= 5 else at


def _is_own_name(line: str, name: str) -> bool:
    """Whether a line is the sender's name, or the first of their names, or begins with all of them and a mark."""
    said, names = (
        phrases.plain(re.sub(r"^\s*i\.\s?[AV]\.\s", "", line).strip("/~-–—*_ ,.")),
        phrases.plain(name).split(),
    )
    whole = r"(?:\s\w\.?)?\s".join(map(re.escape, names))  # a middle initial, in between
    return bool(names) and (said == names[0] or bool(re.match(rf"{whole}(?:$|\s*[|,–—/•-])", said)))


def _is_name(line: str, name: str) -> bool:
    line = re.split(r"\s*[|,•]\s*", line.strip("/~-–*_ ,."))[0]
    short = 0 < len(line.split()) <= 4 and len(line) <= 60
    return _is_own_name(line, name) or (
        short and not line[:1].islower() and not re.search(r"[\d?!:]|\.\s|[a-z]\.$", line)
    )
