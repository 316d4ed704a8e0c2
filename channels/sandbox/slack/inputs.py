"""What people enter in a message or a modal: `state.values`, and what Slack's own client does not let through."""

from collections.abc import Sequence

from channels.sandbox.slack.blocks import interactive
from channels.sandbox.slack.roster import Json

# What an element's value is called in `state.values`, by the element's type
_STATE_KEYS = {
    "checkboxes": "selected_options",
    "datepicker": "selected_date",
    "multi_static_select": "selected_options",
    "multi_users_select": "selected_users",
    "radio_buttons": "selected_option",
    "static_select": "selected_option",
    "timepicker": "selected_time",
    "users_select": "selected_user",
}
_WITHOUT_STATE = {"button", "overflow", "feedback_buttons", "icon_button"}


def state_values(blocks: Sequence[Json], given: Json) -> Json:
    """`state.values` of a message or view: what people entered, else what the app put there first."""
    values: Json = {}
    for block, element in interactive(blocks):
        if element["type"] not in _WITHOUT_STATE:
            entered = given.get(block["block_id"], {}).get(element["action_id"], {})
            values.setdefault(block["block_id"], {})[element["action_id"]] = _state(element, entered)
    return values


def chosen(element: Json, choice: str) -> Json:
    """The state of an element in which this was chosen: an option by its value (or several, with commas), a date, a user."""
    key = "selected_option" if element["type"] == "overflow" else _STATE_KEYS.get(element["type"], "value")
    if key == "selected_options":
        return _state(element, {key: [{"value": value} for value in choice.split(",") if value]})
    return _state(element, {key: {"value": choice} if key == "selected_option" else choice})


def _state(element: Json, entered: Json) -> Json:
    key = next((key for key in entered if key.startswith("selected_")), _STATE_KEYS.get(element["type"], "value"))
    value = entered.get(key, element.get("initial_" + key.removeprefix("selected_")))
    if key in ("selected_option", "selected_options"):
        value = _as_options(element, value)
    return {"type": element["type"], key: value or ([] if key.endswith("s") else None)}


def _as_options(element: Json, chosen: Json | Sequence[Json] | None) -> Json | list[Json] | None:
    """The element's own option objects for what was chosen by its value."""
    if isinstance(chosen, dict):
        return _option(element, chosen["value"])
    return [option for choice in chosen or [] if (option := _option(element, choice["value"]))]


def _option(element: Json, value: str) -> Json | None:
    groups = [{"options": element.get("options", [])}, *element.get("option_groups", [])]
    return next((option for group in groups for option in group["options"] if option["value"] == value), None)


def unfilled(view: Json, values: Json) -> dict[str, str]:
    """What Slack's own client refuses before the app hears of a submission, by block id."""
    refusals: dict[str, str] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            state = values[block["block_id"]][element["action_id"]]
            if refusal := _refusal(block, element, next((v for k, v in state.items() if k != "type"), None)):
                refusals[block["block_id"]] = refusal
    return refusals


def _refusal(block: Json, element: Json, value: object) -> str:
    if not value:
        return "" if block.get("optional") else "Please complete this required field."
    length = len(value) if isinstance(value, str) else 0
    if element["type"] == "plain_text_input" and length < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if element["type"] == "plain_text_input" and length > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    return ""
