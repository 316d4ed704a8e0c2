"""Blocks and views that Slack would refuse are refused here; what it takes is taken."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sandbox.slack.blocks import checked_blocks, checked_view, interactive
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn("text"), **more}


def button(number: int = 0, **more: Any) -> Json:
    return {"type": "button", "action_id": f"a{number}", "text": plain("Press"), "value": "v", **more}


def actions(*elements: Json, **more: Any) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", "options": options(2), **more}


def options(count: int, text: str = "text", value: str = "") -> list[Json]:
    return [{"text": plain(text), "value": value or f"v{number}"} for number in range(count)]


def table(*rows: list[str]) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]}


CONFIRM = {"title": plain("Sure?"), "text": plain("It restarts."), "confirm": plain("Yes"), "deny": plain("No")}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain("Good"), "value": "+"},
    "negative_button": {"text": plain("Bad"), "value": "-"},
}
SENTENCE = {
    "type": "rich_text_section",
    "elements": [{"type": "text", "text": "a", "style": {"bold": True}}, {"type": "user", "user_id": "U1"}],
}
TEXT_INPUT = {"type": "plain_text_input", "action_id": "t", "multiline": True}

TAKEN: dict[str, list[Json]] = {
    "a full card": [
        {"type": "header", "text": plain("Approval needed")},
        section(text=mrkdwn("*Restart* api"), fields=[mrkdwn("*service*\napi"), plain("production")]),
        section(text=plain("plain"), accessory=button()),
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("Asked by <@U1>"), plain("today")]},
        actions(button(1, style="primary"), button(2, style="danger", confirm=CONFIRM)),
    ],
    "25 buttons": [actions(*(button(number) for number in range(25)))],
    "50 blocks": [{"type": "divider"}] * 50,
    "a list to choose from": [actions(select(placeholder=plain("Choose"), initial_option=options(1)[0]))],
    "an overflow menu": [section(accessory={"type": "overflow", "action_id": "o", "options": options(5)})],
    "check boxes": [
        actions({"type": "checkboxes", "action_id": "c", "options": [{"text": mrkdwn("*a*"), "value": "a"}]})
    ],
    "a button for some people": [actions(button(visible_to_user_ids=["U1"]))],
    "markdown": [{"type": "markdown", "text": "**bold**"}],
    "a table": [table(["a", "b"], ["c", "d"])],
    "rich text": [{"type": "rich_text", "elements": [SENTENCE]}],
    "an input": [{"type": "input", "label": plain("Why?"), "element": TEXT_INPUT, "optional": True}],
    "feedback": [{"type": "context_actions", "elements": [FEEDBACK]}],
}

REFUSED: dict[str, list[Json]] = {
    "an unknown type": [{"type": "poem", "text": plain("x")}],
    "no type": [{"text": plain("x")}],
    "an unknown key": [section(colour="red")],
    "an unknown key in a button": [actions(button(colour="red"))],
    "an unknown element": [actions({"type": "knob", "action_id": "k"})],
    "51 blocks": [{"type": "divider"}] * 51,
    "a block id used twice": [section(block_id="b"), section(block_id="b")],
    "an action id used twice": [actions(button(1), button(1))],
    "26 buttons": [actions(*(button(number) for number in range(26)))],
    "no elements": [actions()],
    "a section without text": [{"type": "section"}],
    "an empty text": [section(text=mrkdwn(""))],
    "a section of 3001": [section(text=mrkdwn("x" * 3001))],
    "a field of 2001": [section(fields=[mrkdwn("x" * 2001)])],
    "11 fields": [section(fields=[mrkdwn("x")] * 11)],
    "a header of 151": [{"type": "header", "text": plain("x" * 151)}],
    "mrkdwn in a header": [{"type": "header", "text": mrkdwn("x")}],
    "mrkdwn in a button": [actions(button(text=mrkdwn("x")))],
    "a button of 76": [actions(button(text=plain("x" * 76)))],
    "a value of 2001": [actions(button(value="x" * 2001))],
    "an action id of 256": [actions(button(action_id="x" * 256))],
    "a style of its own": [actions(button(style="shiny"))],
    "a confirm title in mrkdwn": [actions(button(confirm=CONFIRM | {"title": mrkdwn("x")}))],
    "a confirm button of 31": [actions(button(confirm=CONFIRM | {"confirm": plain("y" * 31)}))],
    "101 options": [actions(select(options=options(101)))],
    "no options": [actions(select(options=[]))],
    "an option of 76": [actions(select(options=options(1, text="x" * 76)))],
    "an option's value of 151": [actions(select(options=options(1, value="x" * 151)))],
    "6 in an overflow": [section(accessory={"type": "overflow", "action_id": "o", "options": options(6)})],
    "11 in a context": [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    "a button in a context": [{"type": "context", "elements": [button()]}],
    "a text input among the actions": [actions({"type": "plain_text_input", "action_id": "t"})],
    "12001 characters of markdown": [
        {"type": "markdown", "text": "x" * 6001},
        {"type": "markdown", "text": "x" * 6000},
    ],
    "an empty cell": [table(["a", ""])],
    "21 columns": [table(["x"] * 21)],
    "101 rows": [table(*([["x"]] * 101))],
    "10001 characters in a table": [table(["x" * 5001, "x" * 5000])],
    "a label in mrkdwn": [{"type": "input", "label": mrkdwn("x"), "element": TEXT_INPUT}],
    "a number where a text belongs": [section(text=mrkdwn(3))],  # type: ignore[arg-type]
    "a text where an object belongs": [section(accessory="button")],
    "a string where rows belong": [{"type": "table", "rows": "a"}],
}


@pytest.mark.parametrize("blocks", TAKEN.values(), ids=TAKEN)
def test_good_blocks_are_taken(blocks: list[Json]) -> None:
    assert [block["type"] for block in checked_blocks(blocks)] == [block["type"] for block in blocks]


@pytest.mark.parametrize("blocks", REFUSED.values(), ids=REFUSED)
def test_bad_blocks_are_refused_with_a_reason(blocks: list[Json]) -> None:
    with pytest.raises(SlackError) as refused:
        checked_blocks(blocks)
    assert refused.value.code == "invalid_blocks"
    assert all("json-pointer" in reason for reason in refused.value.reasons)


def test_too_much_text_over_all_blocks_is_refused() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        checked_blocks([section(text=mrkdwn("x" * 2700)) for _ in range(5)])


@pytest.mark.parametrize("blocks", ["text", {"type": "divider"}, ["text"]])
def test_what_is_no_list_of_objects_has_the_wrong_format(blocks: Any) -> None:
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        checked_blocks(blocks)


def test_missing_ids_are_filled_in_and_given_ones_kept() -> None:
    (block,) = checked_blocks([actions(button(1), {"type": "button", "text": plain("x")})])
    first, second = block["elements"]
    assert block["block_id"]
    assert first["action_id"] == "a1"
    assert second["action_id"]


KEYS = (
    "type",
    "text",
    "elements",
    "element",
    "accessory",
    "options",
    "value",
    "fields",
    "rows",
    "label",
    "confirm",
    "title",
)
TYPES = (
    "section",
    "actions",
    "context",
    "input",
    "table",
    "button",
    "static_select",
    "plain_text",
    "mrkdwn",
    "overflow",
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(TYPES) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), anything, max_size=5), max_size=3))
def test_nonsense_is_refused_and_never_breaks_anything(blocks: list[Json]) -> None:
    with contextlib.suppress(SlackError):
        list(interactive(checked_blocks(blocks)))


def view(**more: Any) -> Json:
    return {"type": "modal", "title": plain("Deny"), "blocks": [{"type": "divider"}], **more}


INPUT = {"type": "input", "label": plain("Why?"), "element": {"type": "plain_text_input", "action_id": "t"}}


@pytest.mark.parametrize(
    "good",
    [
        view(),
        view(blocks=[INPUT], submit=plain("Send"), close=plain("No"), private_metadata="x" * 3000, callback_id="c"),
        view(notify_on_close=True, clear_on_close=False, external_id="e"),
        {"type": "home", "blocks": [{"type": "divider"}]},
    ],
)
def test_good_views_are_taken(good: Json) -> None:
    assert checked_view(good)["type"] == good["type"]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"type": "page", "blocks": []},
        view(title=None),
        view(title=plain("x" * 25)),
        view(title=mrkdwn("Deny")),
        view(blocks=[INPUT]),
        view(blocks=[]),
        view(blocks=[{"type": "divider"}] * 101),
        view(blocks=None),
        view(blocks=[INPUT], submit=plain("x" * 25)),
        view(private_metadata="x" * 3001),
        view(callback_id="x" * 256),
        view(external_id="x" * 256),
        view(colour="red"),
        {"type": "home", "blocks": [{"type": "divider"}], "submit": plain("x")},
        "modal",
    ],
)
def test_bad_views_are_refused_with_a_reason(bad: Any) -> None:
    with pytest.raises(SlackError) as refused:
        checked_view(bad)
    assert refused.value.code == "invalid_arguments"
    assert refused.value.reasons
