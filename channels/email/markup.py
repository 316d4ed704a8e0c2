"""HTML mail as lines of text, each with what the mail programs' own markup says about it."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from html.parser import HTMLParser

from channels.email import charset

_LONGEST = 400_000  # characters of HTML that are read; what a person wrote stands near the top
_SECONDS = 0.5  # of this thread's work
_DEEPEST = 200

_BREAKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "blockquote"}
_SILENT = {"script", "style", "head", "title", "template", "noscript", "svg", "object", "select"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)", re.IGNORECASE)


class Mark(StrEnum):
    """What a mail program's markup says about a line."""

    NONE = ""
    CUT = "cut"  # from here on the mail that is answered
    ATTRIBUTION = "attribution"  # "On Monday Ana wrote:"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, how deep it is quoted, and its mark."""

    text: str
    quoted: int = 0
    mark: Mark = Mark.NONE

    def __str__(self) -> str:
        return f"{'>' * self.quoted} {self.text}".rstrip() if self.quoted else self.text


# Class names and ids by which mail programs label what they add (lower case).
_QUOTES = {"mail-editor-reference-message-container", "yahoo_quoted", "ydp_quoted", "zmail_extra"}
# These hold the answered mail in a blockquote, beside which people write; without one, all of them is quoted.
_AROUND_QUOTES = {"gmail_quote", "protonmail_quote", "tutanota_quote"}
_ANSWERED = re.compile(
    r"border:\s*none;\s*border-top:\s*solid #(?:e1e1e1|b5c4df)", re.IGNORECASE
)  # Outlook's rule above it
_CUTS = {
    "appendonsend",
    "divrplyfwdmsg",
    "ms-outlook-mobile-body-separator-line",
    "outlookmessageheader",
    "stopspelling",
    "zwchr",
}
_ATTRIBUTIONS = {"gmail_attr", "moz-cite-prefix"}
_SIGNATURES = {
    "applemailsignature",
    "gmail_signature",
    "gmail_signature_prefix",
    "moz-signature",
    "ms-outlook-mobile-signature",
    "protonmail_signature_block",
    "signature",
    "__sig_pre__",
    "__sig_post__",
}
_MARKERS = {"__quoted_text__": "quote", "__divider__": "cut", "__headers__": "cut"}  # Zimbra's data-marker


def to_text(html: str) -> str:
    """The words of an HTML text as plain text, quotes with `> ` before them. Never raises; bounded in time."""
    return "\n".join(str(line) for line in lines(html))


def lines(html: str) -> list[Line]:
    """The lines that a reader of this HTML sees."""
    reader = _Reader(time.thread_time() + _SECONDS)
    try:
        # Long runs of spaces make the parser's expressions slow and are invisible anyway.
        reader.feed(re.sub(r"[ \t]{2,}", " ", html[:_LONGEST]))
        reader.close()
    except (_OutOfTime, AssertionError, ValueError, RecursionError):
        pass  # what was read so far
    return reader.finish()


class _OutOfTime(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Element:
    tag: str
    quotes: bool = False
    around: int = 0  # the number of an element of _AROUND_QUOTES
    silent: bool = False
    mark: Mark = Mark.NONE
    href: str = ""


class _Reader(HTMLParser):
    def __init__(self, until: float) -> None:
        super().__init__(convert_charrefs=True)
        self._until = until
        self._open: list[_Element] = []
        self._lines: list[Line] = []
        self._within: list[tuple[int, ...]] = []  # of each line, the numbers of the elements of _AROUND_QUOTES
        self._numbered = 0
        self._words = ""
        self._cut = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check_time()
        element = _element(tag, {name: value or "" for name, value in attrs})
        if tag in _BREAKS:
            self._break(apart=tag in _APART)
        if element.mark is Mark.CUT and not self._cut:
            self._break()
            self._add(Line("", self._depth(), Mark.CUT))
            self._cut = True
        if element.around:
            self._numbered += 1
            element = replace(element, around=self._numbered)
        if tag == "br":
            self._break(always=True)
        elif tag == "li":
            self._words = "- "
        elif tag in ("td", "th") and self._words.strip():
            self._words += "  "
        if tag not in _VOID and len(self._open) < _DEEPEST:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        self._check_time()
        if tag in _BREAKS:
            self._break(apart=tag in _APART)
        tags = [element.tag for element in self._open]
        if tag not in tags:
            return
        at = len(tags) - 1 - tags[::-1].index(tag)
        self._link(self._open[at].href)
        del self._open[at:]

    def handle_data(self, data: str) -> None:
        self._check_time()
        if any(element.silent for element in self._open):
            return
        data = charset.clean(data)
        if any(element.tag == "pre" for element in self._open):
            first, *rest = data.split("\n")
            self._words += first
            for line in rest:
                self._break(always=True)
                self._words = line
            return
        collapsed = re.sub(r"\s+", " ", data)
        self._words += collapsed.lstrip() if not self._words or self._words.endswith((" ", "\n")) else collapsed

    def finish(self) -> list[Line]:
        self._break()
        quoting = {number for line, within in self._located() for number in within if line.quoted}
        lines = [self._settled(line, within, quoting) for line, within in self._located()]
        while lines and not lines[-1].text and lines[-1].mark is Mark.NONE:
            lines.pop()
        return lines

    def _located(self) -> Iterator[tuple[Line, tuple[int, ...]]]:
        return zip(self._lines, self._within, strict=True)

    def _settled(self, line: Line, within: tuple[int, ...], quoting: set[int]) -> Line:
        return replace(line, quoted=1) if within and not line.quoted and quoting.isdisjoint(within) else line

    def _add(self, line: Line) -> None:
        self._lines.append(line)
        self._within.append(tuple(element.around for element in self._open if element.around))

    def _link(self, href: str) -> None:
        shown = self._words.strip()
        if href.startswith(("http://", "https://")) and shown and href.rstrip("/") not in shown and len(href) < 200:
            self._words = f"{self._words.rstrip()} <{href}>"

    def _break(self, *, apart: bool = False, always: bool = False) -> None:
        text, self._words = self._words.rstrip(), ""
        if text or always:
            self._add(Line(text, self._depth(), self._mark()))
        if apart and self._lines and self._lines[-1].text:
            self._add(Line("", self._depth()))

    def _depth(self) -> int:
        return sum(element.quotes for element in self._open)

    def _mark(self) -> Mark:
        return next(
            (element.mark for element in reversed(self._open) if element.mark not in (Mark.NONE, Mark.CUT)), Mark.NONE
        )

    def _check_time(self) -> None:
        if time.thread_time() > self._until:
            raise _OutOfTime


def _element(tag: str, attrs: dict[str, str]) -> _Element:
    labels = {attrs.get("id", "").lower(), *attrs.get("class", "").lower().split()[:20]}
    labels |= {re.sub(r"^(?:x_)+", "", label) for label in labels}  # Outlook prefixes what it quotes
    marker = attrs.get("data-marker", "").lower()
    quotes = bool(labels & _QUOTES) or _MARKERS.get(marker) == "quote"
    if tag == "blockquote":
        quotes = True
    style = attrs.get("style", "")[:2_000]
    if labels & _CUTS or _MARKERS.get(marker) == "cut" or _ANSWERED.search(style):
        mark = Mark.CUT
    elif labels & _ATTRIBUTIONS:
        mark = Mark.ATTRIBUTION
    elif labels & _SIGNATURES or marker in _SIGNATURES:
        mark = Mark.SIGNATURE
    else:
        mark = Mark.NONE
    around = bool(labels & _AROUND_QUOTES) and not quotes
    silent = tag in _SILENT or bool(_HIDDEN.search(style))
    return _Element(tag, quotes, int(around), silent, mark, attrs.get("href", "")[:300] if tag == "a" else "")
