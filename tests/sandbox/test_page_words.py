"""How the page turns what was written into what is shown: mrkdwn, Markdown, quoted mail, events in one line."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import Page, browser
from tests.sandbox.pageside import sandbox

pytestmark = pytest.mark.browser

NAMES = '{user: (id) => ({U1: "Ana Diaz"})[id] ?? id, channel: (id) => ({C1: "ops"})[id] ?? id}'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as running, browser() as page:
        page.go(running.url)
        yield page


def shown(page: Page, format: str, text: str) -> str:
    script = f"import('/text.js').then((m) => m.{format}({json.dumps(text)}, {NAMES}).innerHTML)"
    return str(page.evaluate(script))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _lean_ ~gone~ `code`", "<strong>bold</strong> <em>lean</em> <s>gone</s> <code>code</code>"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("*not `*` bold", "*not <code>*</code> bold"),
        ("<@U1> in <#C1|ops>", '<span class="mention">@Ana Diaz</span> in <span class="mention">#ops</span>'),
        ("<!here>", '<span class="mention">@here</span>'),
        ("a &lt;b&gt; &amp;amp;", "a &lt;b&gt; &amp;amp;"),
        ("> one\n> two\nthree", "<blockquote>one<br>two</blockquote>three"),
        ("```\n*raw* &lt;b&gt;\n```", "<pre>*raw* &lt;b&gt;\n</pre>"),
        (":tada: :nobody:", "🎉 :nobody:"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
    ],
)
def test_mrkdwn_is_shown_as_slack_shows_it(page: Page, text: str, html: str) -> None:
    assert shown(page, "mrkdwn", text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** *lean* ~~gone~~", "<p><strong>bold</strong> <em>lean</em> <s>gone</s></p>"),
        ("# Title\ntext", "<h3>Title</h3><p>text</p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        ("```py\na < b\n```\nafter", "<pre>a &lt; b</pre><p>after</p>"),
        ("```\nnever closed", "<pre>never closed</pre>"),
        ("|a|b|\n|-|-|\n|1|2|", "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"),
        ("snake_case_name 2*3*4", "<p>snake_case_name 2*3*4</p>"),
        ("[x](javascript:x)", "<p>x</p>"),
        ("<b>&amp;", "<p>&lt;b&gt;&amp;amp;</p>"),
    ],
)
def test_markdown_is_shown_as_slack_shows_it(page: Page, text: str, html: str) -> None:
    assert shown(page, "markdown", text) == html


def test_slacks_dates_are_told_on_the_readers_own_clock(page: Page) -> None:
    noon = shown(page, "mrkdwn", "<!date^129600^{date_short}, {time}|then>")
    assert re.fullmatch(r'<time title="then">Fri,? 2 Jan, \d\d:00</time>', noon)


def test_a_link_opens_elsewhere_and_tells_nothing_of_us(page: Page) -> None:
    expected = '<a href="https://a.example/?x=1&amp;y=2" target="_blank" rel="noopener noreferrer">there</a>'
    assert shown(page, "mrkdwn", "<https://a.example/?x=1&amp;y=2|there>") == expected
    assert shown(page, "markdown", "[there](https://a.example/?x=1&y=2)") == f"<p>{expected}</p>"


@pytest.mark.parametrize("format", ["mrkdwn", "markdown"])
@pytest.mark.parametrize(
    "text",
    ["*a _b ~c `d <e " * 3000, "[" * 20000, "**" * 20000, "> " * 20000, "_" * 40000, "*_~" * 9000 + "~_*" * 9000],
)
def test_a_message_that_was_made_to_hurt_is_shown_in_time(page: Page, format: str, text: str) -> None:
    began = time.monotonic()
    assert len(shown(page, format, text)) >= len(text) / 2
    assert time.monotonic() - began < 3


# Mail


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Yes.\n\nOn Tue, 24 Nov 2026 at 10:05, Ana <a@x> wrote:\n\n> Really?\n", "Yes."),
        ("Yes.\n\n________________________________\nFrom: Ana\nSent: now\n", "Yes."),
        ("Yes.\n-----Original Message-----\nFrom: Ana", "Yes."),
        ("Yes.\n> Really?", "Yes."),
        ("On Monday I wrote:\nnothing", "On Monday I wrote:\nnothing"),
        ("From: here to there\nSentences", "From: here to there\nSentences"),
    ],
)
def test_what_was_quoted_is_folded_away(page: Page, text: str, own: str) -> None:
    assert page.evaluate(f"import('/mail.js').then((m) => m.parts({json.dumps(text)}).own)") == own


def test_mails_that_answer_each_other_are_one_conversation_also_when_a_middle_one_is_missing(page: Page) -> None:
    def mail(id: str, at: int, *references: str, reply: str = "") -> dict[str, Any]:
        return {
            "message_id": f"<{id}>",
            "at": at,
            "references": [f"<{r}>" for r in references],
            "in_reply_to": reply or None,
        }

    mails = [
        mail("a", 1),
        mail("b", 2),
        mail("c", 3, "a", "gone"),
        mail("d", 4, reply="<gone>"),
        mail("e", 5, "b", "d"),
    ]
    script = (
        f"import('/mail.js').then((m) => m.conversations({json.dumps(mails[:4])}).map((c) => [c.id, c.mails.length]))"
    )
    assert page.evaluate(script) == [["a", 3], ["b", 1]]


# Events

ANA = {"name": "Ana Diaz", "person": "ana", "groups": ["ops"]}
BEN = {"name": "Ben Okafor", "person": "ben", "groups": ["support"]}
ASKED = {
    "type": "human_contacted",
    "id": "e2",
    "interaction": "i",
    "kind": "approval",
    "tool": "restart",
    "text": "restart api",
    "audience": {"names": ["ops"]},
}


def told(page: Page, *events: dict[str, Any]) -> list[tuple[str, str]]:
    script = f"import('/look/telling.js').then((m) => m.tell({json.dumps(events)}, () => ' in #ops').map((l) => [l.kind, l.text]))"
    return [(kind, text) for kind, text in page.evaluate(script)]


def answer(actor: dict[str, Any], decision: str, text: str = "", *, counted: bool = True) -> dict[str, Any]:
    said = {"decision": decision, "actor": actor, "text": text, "counted": counted}
    return {"type": "human_responded", "id": "e3", "interaction": "i", **said}


def test_an_approval_is_told_with_who_gave_it(page: Page) -> None:
    lines = told(page, ASKED, answer(ANA, "denied", "wait for\nthe backup"))
    assert lines == [
        ("asked", "Asked ops to approve restart"),
        ("answered", "Ana Diaz denied restart: “wait for the backup”"),
    ]


def test_an_answer_that_does_not_count_is_not_told_as_a_decision(page: Page) -> None:
    assert told(page, ASKED, answer(BEN, "approved", counted=False))[1:] == [
        ("refused", "Ben Okafor tried to decide; it does not count")
    ]


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(0, "$0"), (0.00001, "< $0.0001"), (0.00421, "$0.0042"), (0.1, "$0.1"), (0.999, "$1.00"), (12.5, "$12.50")],
)
def test_money_is_told_as_exactly_as_it_matters(page: Page, dollars: float, words: str) -> None:
    assert page.evaluate(f"import('/look/words.js').then((m) => m.money({dollars}))") == words


def test_every_event_that_parley_knows_can_be_told(page: Page) -> None:
    from bot import events

    types = [event.model_fields["type"].default for event in events.Base.__subclasses__()]
    assert len(types) > 20
    lines = told(page, *({"type": type, "id": type, "at": "2026-11-24T10:00:00Z"} for type in types))
    assert [type for type, (_, text) in zip(types, lines, strict=True) if text == type.replace("_", " ")] == []


def test_an_event_of_the_future_is_told_by_its_name(page: Page) -> None:
    assert told(page, {"type": "people_danced", "id": "e1"}) == [("sent", "people danced")]
