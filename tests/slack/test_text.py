"""Slack's formatting is read as people read it, and nothing that a model writes can call anybody."""

import pytest

from channels.slack.text import at, escape, escape_but_times, neutral, readable
from tests.slack.team import PARLEY, Names

NAMES = Names()


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("<@U00PARLEY> restart the api", "restart the api"),
        ("<@U00PARLEY>: restart", "restart"),
        ("hey <@U00PARLEY|parley>, restart", "hey restart"),
        ("please ask <@U0SAM>", "please ask @Sam Kowalski"),
        ("please ask <@U0WHO|mira>", "please ask @mira"),
        ("please ask <@U0WHO>", "please ask @U0WHO"),
        ("see <#C0OPS> and <#C09|random> and <#C08>", "see #ops and #random and #C08"),
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<https://a.example|the page>", "the page (https://a.example)"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
        ("<!here> <!subteam^S1|@ops> <!date^1^{time}|noon>", "@here @ops noon"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("", ""),
    ],
)
def test_people_s_text_is_read_as_they_wrote_it(raw: str, read: str) -> None:
    assert readable(raw, PARLEY, NAMES.person, NAMES.channel) == read


@pytest.mark.parametrize("call", ["<!channel>", "<!here>", "<!everyone|x>", "<@U02ANA>", "<#C0OPS>", "<!subteam^S1>"])
def test_a_model_s_text_calls_nobody(call: str) -> None:
    assert call not in neutral(f"see {call} and `{call}`")
    assert call not in escape(call)


def test_a_model_s_code_stays_as_it_is() -> None:
    code = "```html\n<!DOCTYPE html><!-- x --><b>@ana</b> a <b && c\n```"
    assert neutral(code) == code


def test_a_sentence_keeps_its_times_and_nothing_else() -> None:
    assert escape_but_times(f"<!here> at {at(0)}") == f"&lt;!here&gt; at {at(0)}"
    assert at(0) == "<!date^0^{time}|Thu 01 Jan, 00:00 UTC>"
