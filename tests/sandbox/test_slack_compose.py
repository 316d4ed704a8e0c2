"""What people type, as the app reads it."""

import pytest

from channels.sandbox.slack.compose import compose

PEOPLE = {"parley": "U00PARLEY", "Parley": "U00PARLEY", "ana": "U02ANA", "Ana Diaz": "U02ANA"}
CHANNELS = {"ops": "C0OPS", "ops-night": "C0NIGHT"}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("@parley restart the api", "<@U00PARLEY> restart the api"),
        ("hello @Parley!", "hello <@U00PARLEY>!"),
        ("ask @Ana Diaz or @ana", "ask <@U02ANA> or <@U02ANA>"),
        ("@parleys and @nobody", "@parleys and @nobody"),
        ("see #ops, not #ops-night", "see <#C0OPS|ops>, not <#C0NIGHT|ops-night>"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<@U00PARLEY> <!channel>", "&lt;@U00PARLEY&gt; &lt;!channel&gt;"),
        ("@here: look", "<!here>: look"),
        ("https://example.com/a?b=1&c=2.", "<https://example.com/a?b=1&amp;c=2>."),
        ("mail ana@example.com", "mail <mailto:ana@example.com|ana@example.com>"),
        ("npm install @parley/core", "npm install <@U00PARLEY>/core"),
        ("", ""),
    ],
)
def test_typed_text_becomes_what_the_events_api_shows(typed: str, read: str) -> None:
    assert compose(typed, people=PEOPLE, channels=CHANNELS) == read
