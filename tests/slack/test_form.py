"""A form made from a tool: every kind of argument goes into an input and comes back as it was, or as it was changed."""

import json
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

from bot import Approval, Tool
from bot.tool import arguments_of
from channels.sandbox.slack.blocks import checked_view
from channels.slack.dialog import change
from channels.slack.form import Unfit, filled, form, unchanged
from channels.slack.ticket import Ticket


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Box(BaseModel):
    width: int
    tags: list[str] = []


class Ship(Tool, effect="write", approval=Approval()):
    """Ship something."""

    text: str
    count: int = Field(default=1, ge=1, le=9, description="How many.")
    weight: float = 0.5
    fragile: bool = False
    speed: Literal["slow", "fast"] = "slow"
    colour: Colour = Colour.RED
    note: str | None = None
    limit: int | None = None
    gift: bool | None = None
    box: Box = Box(width=3)
    extra: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_both(self) -> "Ship":
        if self.fragile and self.speed == "fast":
            raise ValueError("Nothing fragile goes fast")
        return self

    def run(self) -> str:
        return "shipped"


def arguments(**more: Any) -> dict[str, Any]:
    return arguments_of(Ship(**{"text": "a lamp", **more}))


def entries(view: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Slack sends for a form that nobody touched."""
    values: dict[str, dict[str, Any]] = {}
    for block in view:
        if block["type"] == "input":
            element = block["element"]
            chosen = {"selected_option": element.get("initial_option")}
            state = chosen if element["type"] == "static_select" else {"value": element.get("initial_value")}
            values[block["block_id"]] = {"entry": {"type": element["type"], **state}}
    return values


def typed(value: str | None) -> dict[str, dict[str, Any]]:
    return {"entry": {"value": value}}


def picked(value: str) -> dict[str, dict[str, Any]]:
    return {"entry": {"selected_option": {"value": value}}}


def sent(before: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
    touched = {f"argument:{name}": entry for name, entry in changes.items()}
    return filled(Ship, before, {**entries(form(Ship, before)), **touched})


def test_every_argument_has_the_input_that_fits_it() -> None:
    view = change(Ticket("t1", "t1.2", "d"), form(Ship, arguments(text="two\nlines")))
    checked_view(view)
    kinds = {block["block_id"].partition(":")[2]: block["element"]["type"] for block in view["blocks"]}
    assert kinds == {
        "text": "plain_text_input",
        "count": "number_input",
        "weight": "number_input",
        "fragile": "static_select",
        "speed": "static_select",
        "colour": "static_select",
        "note": "plain_text_input",
        "limit": "number_input",
        "gift": "static_select",
        "box": "plain_text_input",
        "extra": "plain_text_input",
    }
    shown = {block["block_id"].partition(":")[2]: block for block in view["blocks"]}
    assert shown["text"]["element"]["multiline"]
    assert shown["count"]["hint"]["text"] == "How many."
    assert shown["speed"]["element"]["initial_option"]["text"]["text"] == "slow"
    assert [each["text"]["text"] for each in shown["gift"]["element"]["options"]] == ["Yes", "No", "(nothing)"]
    assert json.loads(shown["box"]["element"]["initial_value"]) == {"width": 3, "tags": []}
    assert not shown["text"]["optional"]


def test_what_nobody_touched_comes_back_exactly() -> None:
    before = arguments(text="x\r\n\ttab ", note="", weight=1e-9, extra={"deep": [1, {"b": None}]}, gift=True)
    assert unchanged(before, sent(before))


@pytest.mark.parametrize(
    ("field", "entry", "value"),
    [
        ("text", typed("two lamps"), "two lamps"),
        ("text", typed("12"), "12"),
        ("count", typed("3"), 3),
        ("count", typed(None), 1),
        ("weight", typed("2.5"), 2.5),
        ("fragile", picked("0"), True),
        ("speed", picked("1"), "fast"),
        ("colour", picked("1"), "blue"),
        ("note", typed("fine"), "fine"),
        ("note", typed(None), None),
        ("limit", typed("7"), 7),
        ("gift", picked("none"), None),
        ("box", typed('{"width": 8, "tags": ["a"]}'), {"width": 8, "tags": ["a"]}),
    ],
)
def test_a_change_is_a_value_of_the_tool_s_own_type(field: str, entry: dict[str, Any], value: Any) -> None:
    before = arguments(note="old", gift=True)
    after = sent(before, **{field: entry})
    assert after == {**before, field: value}
    assert unchanged(before, after) is (before[field] == value)


@pytest.mark.parametrize(
    ("field", "entry", "at", "says"),
    [
        ("count", typed("12"), "count", "less than or equal to 9"),
        ("count", typed("many"), "count", "valid integer"),
        ("count", typed("1.5"), "count", "valid integer"),
        ("box", typed("{width: 3}"), "box", "no valid JSON"),
        ("box", typed('{"width": "wide"}'), "box", "width: "),
        ("box", typed("NaN"), "box", "no valid JSON"),
        ("extra", typed("[1]"), "extra", "valid dictionary"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, entry: dict[str, Any], at: str, says: str) -> None:
    with pytest.raises(Unfit) as refused:
        sent(arguments(), **{field: entry})
    assert list(refused.value.errors) == [f"argument:{at}"]
    assert says in refused.value.errors[f"argument:{at}"]


def test_what_concerns_several_fields_is_said_at_the_first() -> None:
    with pytest.raises(Unfit) as refused:
        sent(arguments(), fragile=picked("0"), speed=picked("1"))
    assert refused.value.errors == {"argument:text": "Value error, Nothing fragile goes fast."}


def test_what_an_input_cannot_hold_is_named_and_kept() -> None:
    before = arguments(text="x" * 3_001)
    view = form(Ship, before)
    assert "kept as it is: text" in view[-1]["elements"][0]["text"]
    assert sent(before, count=typed("2")) == {**before, "count": 2}


@settings(deadline=None)
@given(
    st.text(max_size=3_100),
    st.one_of(st.none(), st.text(max_size=50)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(st.text(max_size=9), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=4)),
)
def test_whatever_the_arguments_slack_takes_the_form_and_nothing_changes_by_itself(
    text: str, note: str | None, weight: float, extra: dict[str, Any]
) -> None:
    before = arguments(text=text, note=note, weight=weight, extra=extra)
    checked_view(change(Ticket("t1", "t1.2", "d"), form(Ship, before)))
    assert unchanged(before, sent(before))
