"""What our mails say, as plain text and as HTML with the same words: a calm single column, in light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from channels.email.charset import clean
from channels.email.newtext import MARKER

_FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
_QUIET = "color:#6b6864;font-size:14px"
_STYLES = {
    "p": "margin:0 0 16px",
    "h1": "margin:24px 0 12px;font-size:20px;line-height:1.3",
    "h2": "margin:24px 0 12px;font-size:18px;line-height:1.3",
    "h3": "margin:20px 0 8px;font-size:16px;line-height:1.3",
    "ul": "margin:0 0 16px;padding-left:22px",
    "ol": "margin:0 0 16px;padding-left:22px",
    "li": "margin:0 0 4px",
    "blockquote": "margin:0 0 16px;padding-left:14px;border-left:3px solid #d8d5d0",
    "a": "color:#1a5fb4",
    "code": f"font-family:{_MONO};font-size:14px",
    "table": "margin:0 0 16px;border-collapse:collapse",
    "th": "padding:4px 16px 4px 0;text-align:left;border-bottom:1px solid #d8d5d0",
    "td": "padding:4px 16px 4px 0;vertical-align:top",
    "hr": "margin:24px 0;border:0;border-top:1px solid #d8d5d0",
}
_PRE = f"margin:0 0 16px;padding:12px 14px;border-radius:6px;font:14px/1.5 {_MONO};white-space:pre-wrap;overflow-wrap:anywhere;background:#f1efec"
_BUTTON = f"display:inline-block;margin:0 8px 8px 0;padding:9px 18px;border-radius:6px;font:600 15px/1.2 {_FONT};text-decoration:none"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>
@media (prefers-color-scheme: dark) {{
.page {{ background: #1c1b1a !important; color: #e6e3df !important; }}
.quiet {{ color: #a19d98 !important; }}
.page a {{ color: #8ab4f0 !important; }}
.page pre {{ background: #2a2927 !important; }}
.page .yes {{ background: #e6e3df !important; color: #1c1b1a !important; }}
.page .no {{ color: #e6e3df !important; border-color: #6b6864 !important; }}
}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#ffffff;color:#1f1e1d">
<div style="max-width:560px;margin:0 auto;padding:28px 20px;font:16px/1.55 {font}">
{content}
</div>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says, twice. `html` is a fragment; `page` makes a document of it."""

    text: str
    html: str

    def page(self, title: str) -> str:
        return _PAGE.format(title=escape(title), font=_FONT, content=self.html)

    def __add__(self, other: "Body") -> "Body":
        return Body(f"{self.text}\n\n{other.text}", f"{self.html}\n{other.html}")


def said(markdown: str) -> Body:
    """What an agent wrote in Markdown. No HTML of its own, no images from elsewhere, no links but to the web and to mailboxes."""
    markdown = clean(markdown).strip()
    return Body(markdown, _MARKDOWN.render(markdown).strip())


def line(sentence: str) -> Body:
    """One sentence of our own, as it is."""
    sentence = " ".join(clean(sentence).split())
    return Body(sentence, f'<p style="{_STYLES["p"]}">{escape(sentence)}</p>')


def question(markdown: str, choices: Sequence[str] = (), *, until: str = "") -> Body:
    """A question with the answers it suggests, to be answered by a reply."""
    hint = "Reply with one of these, or in your own words." if choices else "Just reply to this mail."
    body = said(markdown)
    if choices:
        shown = [" ".join(clean(choice).split()) for choice in choices]
        items = "".join(f'<li style="{_STYLES["li"]}">{escape(choice)}</li>' for choice in shown)
        body += Body("\n".join(f"- {choice}" for choice in shown), f'<ul style="{_STYLES["ul"]}">{items}</ul>')
    return body + _quiet(hint, *_deadline(until))


def approval(
    opening: str, arguments: Sequence[str], *, example: str = "", until: str = "", reply_to: str = "", subject: str = ""
) -> Body:
    """What somebody asks to be allowed, with its exact arguments a line each, and the words that decide it.

    `reply_to` puts Approve and Deny into the HTML: they open a mail with the word in it, and sending it decides.
    """
    words = "Reply with APPROVE, or with DENY and why."
    if example:
        words += f' To change something first, write it as "{" ".join(clean(example).split())}".'
    aside = "Anything else goes to the agent as your comment; it will not count as an approval."
    how = line(words)
    if reply_to:
        how = Body(how.text, f"{how.html}\n{_buttons(reply_to, subject)}")
    rest = _quiet(aside, *_deadline(until))
    return _request(opening, arguments) + Body(f"{how.text}\n{rest.text}", f"{how.html}\n{rest.html}")


def shown_only(opening: str, arguments: Sequence[str], *, instead: str, until: str = "") -> Body:
    """An approval that mail cannot decide: `instead` says why, and where it is decided."""
    return _request(opening, arguments) + line(instead) + _quiet(*_deadline(until), marked=False)


def _request(opening: str, arguments: Sequence[str]) -> Body:
    return line(opening) + _exactly(arguments) if arguments else line(opening)


def _deadline(until: str) -> list[str]:
    return [f"Open until {until}."] if until else []


def _exactly(lines: Sequence[str]) -> Body:
    rows = [row for each in lines for row in clean(each).split("\n")]
    return Body("\n".join(f"    {row}" for row in rows), f'<pre style="{_PRE}">{escape(chr(10).join(rows))}</pre>')


def _quiet(*sentences: str, marked: bool = True) -> Body:
    """The last lines, and the line above which people write."""
    lines = [*sentences, *([MARKER] if marked else [])]
    return Body(
        "\n".join(lines),
        f'<p class="quiet" style="{_STYLES["p"]};{_QUIET}">{"<br>".join(escape(each) for each in lines)}</p>',
    )


def _buttons(reply_to: str, subject: str) -> str:
    yes, no = (
        f"mailto:{quote(reply_to, safe='@+')}?subject={quote(subject)}&body={word}" for word in ("APPROVE", "DENY%20")
    )
    return (
        f'<p style="margin:0 0 12px"><a class="yes" href="{escape(yes)}" style="{_BUTTON};background:#1f1e1d;color:#ffffff">Approve</a>'
        f'<a class="no" href="{escape(no)}" style="{_BUTTON};border:1px solid #b9b5af;color:#1f1e1d">Deny…</a></p>'
    )


class _Renderer(RendererHTML):
    """Styles every element where it stands, since mail programs drop style sheets, and loads nothing from anywhere."""

    def renderToken(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        if token.nesting >= 0 and token.tag in _STYLES:
            token.attrJoin("style", _STYLES[token.tag])
        return super().renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"[image: {escape(tokens[idx].content)}]"

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<code style="{_STYLES["code"]}">{escape(tokens[idx].content)}</code>'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<pre style="{_PRE}">{escape(tokens[idx].content.rstrip())}</pre>\n'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.code_block(tokens, idx, options, env)


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer).enable(
        ["table", "strikethrough"]
    )
    markdown.validateLink = lambda url: url.lower().startswith(("https://", "http://", "mailto:"))  # type: ignore[method-assign]
    return markdown


_MARKDOWN = _markdown()
