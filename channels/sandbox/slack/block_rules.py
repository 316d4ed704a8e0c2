"""What Slack refuses in blocks and views: the SDK's models, and the rules that they do not know."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from channels.sandbox.slack.roster import Json

MARKDOWN_TOTAL = 12_000

# Where a text has to be plain_text. https://docs.slack.dev/reference/block-kit
_PLAIN = {
    "header": ("text",),
    "button": ("text",),
    "input": ("label", "hint"),
    "modal": ("title", "submit", "close"),
    "image": ("title",),
}
_PLAIN_ANYWHERE = ("placeholder",)
_CONFIRM_PLAIN = ("title", "confirm", "deny")

# Longest lists that no model checks: (type, key) → items
_MOST = {
    ("overflow", "options"): 5,
    ("checkboxes", "options"): 10,
    ("radio_buttons", "options"): 10,
    ("static_select", "options"): 100,
    ("multi_static_select", "options"): 100,
    ("table", "rows"): 100,
}
_TABLE_COLUMNS = 20
_TABLE_TOTAL = 10_000
_FIELD_TEXT = 2_000
_OPTION_TEXT = 75
_OPTION_VALUE = 150

_ELEMENTS = {
    "context": {"image", "mrkdwn", "plain_text"},
    "context_actions": {"feedback_buttons", "icon_button"},
}
_NOT_IN_ACTIONS = {"image", "mrkdwn", "plain_text", "plain_text_input", "email_text_input", "url_text_input"}
_STATIC_SELECTS = {"static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons"}


_WRONG_TYPE = (TypeError, AttributeError, KeyError, ValueError)


def found_faults(faults: Iterator[str]) -> list[str]:
    """All faults; something whose type is so wrong that no rule can look at it is a fault too."""
    found = []
    try:
        for fault in faults:
            found.append(fault)
    except _WRONG_TYPE as wrong:
        found.append(_fault(f"invalid type: {wrong}", "/"))
    return found


def view_faults(view: Json) -> Iterator[str]:
    if view.get("type") not in ("modal", "home"):
        yield _fault("type must be modal or home", "/view/type")
        return
    if not isinstance(view.get("blocks"), list) or not all(isinstance(block, dict) for block in view["blocks"]):
        yield _fault("must provide an array", "/view/blocks")
        return
    if view["type"] == "modal" and not view.get("title"):
        yield _fault("missing required field: title", "/view")
    if view["type"] == "modal" and "submit" not in view and any(b.get("type") == "input" for b in view["blocks"]):
        yield _fault("missing required field: submit", "/view")
    if len(str(view.get("external_id", ""))) > 255:
        yield _fault("external_id is too long", "/view/external_id")
    yield from _model_faults(lambda: _view_as_kept(view), view, "/view")
    yield from _nested_faults({key: value for key, value in view.items() if key != "blocks"}, "/view")
    yield from block_list_faults(view["blocks"], most=100)


def _view_as_kept(view: Json) -> Json:
    kept = View(**{**view, "blocks": [{"type": "divider"}]}).to_dict()
    return {**kept, "blocks": view["blocks"]}


def block_list_faults(blocks: Sequence[Json], *, most: int) -> Iterator[str]:
    if not 1 <= len(blocks) <= most:
        yield _fault(f"between 1 and {most} blocks are allowed", "/blocks")
    yield from _repeated("block_id", blocks, "/blocks")
    if sum(len(str(b.get("text"))) for b in blocks if b.get("type") == "markdown") > MARKDOWN_TOTAL:
        yield _fault(f"markdown blocks exceed {MARKDOWN_TOTAL} characters in total", "/blocks")
    for index, block in enumerate(blocks):
        yield from _block_faults(block, f"/blocks/{index}")


def _block_faults(block: Json, where: str) -> Iterator[str]:
    yield from _model_faults(lambda: _as_kept(block), block, where)
    yield from _nested_faults(block, where)
    elements = [element for element in block.get("elements") or [] if isinstance(element, dict)]
    yield from _repeated("action_id", elements, f"{where}/elements")
    for element in elements:
        kind = element.get("type")
        refused = block.get("type") == "actions" and kind in _NOT_IN_ACTIONS
        if refused or kind not in _ELEMENTS.get(str(block.get("type")), {kind}):
            yield _fault(f"unsupported element: {kind}", f"{where}/elements")
    if block.get("type") in ("actions", "context") and not elements:
        yield _fault("missing required field: elements", where)
    if block.get("type") == "table":
        yield from _table_faults(block, where)


def _as_kept(block: Json) -> Json:
    parsed = Block.parse(dict(block))
    if parsed is None:
        raise SlackObjectFormationError(f"unsupported type: {block.get('type')}")
    return parsed.to_dict()


def _model_faults(build: Callable[[], Json], given: Json, where: str) -> Iterator[str]:
    """What the models refuse, and whatever they silently left out of what was given."""
    try:
        kept = build()
    except (SlackObjectFormationError, *_WRONG_TYPE) as refused:
        yield _fault(str(refused), where)
    else:
        yield from _left_out(given, kept, where)


def _left_out(given: Any, kept: Any, where: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from _left_out(value, kept[key], f"{where}/{key}")
            elif value not in (None, [], {}):
                yield _fault(f"unknown or empty field: {key}", where)
    elif isinstance(given, list) and isinstance(kept, list):
        for index, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from _left_out(one, other, f"{where}/{index}")
        if len(given) > len(kept) or None in kept:
            yield _fault("unsupported element", where)


def _nested_faults(thing: Json, where: str) -> Iterator[str]:
    kind = str(thing.get("type", ""))
    for key in (*_PLAIN.get(kind, ()), *_PLAIN_ANYWHERE, *(_CONFIRM_PLAIN if where.endswith("/confirm") else ())):
        if isinstance(thing.get(key), dict) and thing[key].get("type") != "plain_text":
            yield _fault("must be plain_text", f"{where}/{key}")
    for (of_type, key), most in _MOST.items():
        if kind == of_type and len(thing.get(key) or []) > most:
            yield _fault(f"no more than {most} items allowed", f"{where}/{key}")
    if kind in _STATIC_SELECTS:
        yield from _option_faults(thing, where)
    if kind in ("plain_text", "mrkdwn") and not str(thing.get("text") or "").strip():
        yield _fault("must be more than 0 characters", f"{where}/text")
    for field in thing.get("fields") or []:
        if kind == "section" and len(str(field.get("text"))) > _FIELD_TEXT:
            yield _fault(f"must be less than {_FIELD_TEXT + 1} characters", f"{where}/fields")
    for key, value in thing.items():
        for index, inner in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(inner, dict):
                yield from _nested_faults(
                    inner, f"{where}/{key}/{index}" if isinstance(value, list) else f"{where}/{key}"
                )


def _option_faults(element: Json, where: str) -> Iterator[str]:
    options = element.get("options") or []
    if not options and not element.get("option_groups"):
        yield _fault("missing required field: options", where)
    for option in options:
        text, value = option.get("text") or {}, option.get("value") or ""
        rich = element["type"] in ("checkboxes", "radio_buttons")
        if not text or not value or len(text.get("text", "")) > _OPTION_TEXT or len(value) > _OPTION_VALUE:
            yield _fault("an option needs a text of 1 to 75 and a value of 1 to 150 characters", f"{where}/options")
        if text.get("type") != "plain_text" and not rich:
            yield _fault("must be plain_text", f"{where}/options")


def _table_faults(block: Json, where: str) -> Iterator[str]:
    cells = [cell for row in block.get("rows") or [] for cell in row]
    if any(len(row) > _TABLE_COLUMNS for row in block.get("rows") or []):
        yield _fault(f"no more than {_TABLE_COLUMNS} columns allowed", f"{where}/rows")
    if any(not list(texts(cell)) for cell in cells):
        yield _fault("a cell must not be empty", f"{where}/rows")
    if sum(len(text) for cell in cells for text in texts(cell)) > _TABLE_TOTAL:
        yield _fault(f"no more than {_TABLE_TOTAL} characters allowed", f"{where}/rows")


def texts(thing: Any) -> Iterator[str]:
    """Every text in a block, however deep, that is not empty."""
    if isinstance(thing, list):
        for inner in thing:
            yield from texts(inner)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key == "text" and isinstance(value, str) and value:
                yield value
            else:
                yield from texts(value)


def _repeated(key: str, things: Sequence[Json], where: str) -> Iterator[str]:
    counts = Counter(thing[key] for thing in things if thing.get(key))
    for value, count in counts.items():
        if count > 1:
            yield _fault(f"{key} {value} already exists", where)


def _fault(what: str, where: str) -> str:
    return f"[ERROR] {what} [json-pointer:{where}]"
