"""A form for a tool's arguments, made from its schema: a field each, prefilled; and back from what was entered to exact arguments.

https://docs.slack.dev/reference/block-kit/block-elements
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue, ValidationError

from bot.tool import Tool, arguments_of, schema_of
from channels.slack.blocks import Block, context, input_block, option, plain_text
from channels.slack.text import escape

Kind: TypeAlias = Literal["text", "integer", "number", "choice", "json"]
Entered: TypeAlias = Mapping[str, Mapping[str, Any]]
"""``state.values`` of a view: block id → action id → what an element holds."""

ENTRY = "entry"
LONGEST = 3_000  # characters of one input
OPTIONS = 100
MOST_FIELDS = 95  # of 100 blocks in a view
LABEL = 2_000
OPTION = 75


class Unfit(Exception):
    """What was entered makes no call of the tool; ``errors`` say why, by block id."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("some fields need another look")
        self.errors = errors


@dataclass(frozen=True)
class Field:
    """One argument as it can be changed. ``choices`` are the values behind a list."""

    name: str
    kind: Kind
    value: JsonValue
    nullable: bool = False
    may_be_left_out: bool = False
    hint: str = ""
    choices: tuple[JsonValue, ...] = field(default=())

    @property
    def block_id(self) -> str:
        return f"argument:{self.name}"[:255]

    @property
    def written(self) -> str:
        """The value as it stands in the input."""
        if isinstance(self.value, str) and self.kind == "text":
            return self.value
        if self.value is None and self.kind != "json":
            return ""
        return json.dumps(self.value, ensure_ascii=False, indent=2 if self.kind == "json" else None)

    @property
    def fits(self) -> bool:
        """Whether Slack's inputs can hold it."""
        return len(self.written) <= LONGEST


def form(tool: type[Tool], arguments: Mapping[str, JsonValue]) -> list[Block]:
    """An input for each argument; what an input cannot hold is named and stays as it is."""
    asked = fields(tool, arguments)
    inputs = [_input(each) for each in asked if each.fits][:MOST_FIELDS]
    kept = [each.name for each in asked if not each.fits] + [each.name for each in asked if each.fits][MOST_FIELDS:]
    if kept:
        inputs.append(context(escape(f"Too long to change here, kept as it is: {', '.join(kept)[:1_500]}")))
    return inputs


def filled(tool: type[Tool], arguments: Mapping[str, JsonValue], entered: Entered) -> dict[str, JsonValue]:
    """The exact arguments that were entered, as the tool takes them. Raises Unfit with an error for each field that is wrong."""
    made, errors = dict(arguments), dict[str, str]()
    asked = {each.name: each for each in fields(tool, arguments) if each.block_id in entered}
    for each in asked.values():
        try:
            _enter(made, each, entered[each.block_id][ENTRY])
        except ValueError as error:
            errors[each.block_id] = f"This is no valid JSON: {error}."
    if errors:
        raise Unfit(errors)
    try:
        return arguments_of(tool.model_validate(made))
    except ValidationError as error:
        raise Unfit(_by_field(error, asked)) from None


def fields(tool: type[Tool], arguments: Mapping[str, JsonValue]) -> list[Field]:
    """Every argument of the tool, with the value that it has now."""
    schema = schema_of(tool)
    required = set(schema.get("required", ()))
    return [
        _field(name, _resolved(about, schema), arguments.get(name), name not in required)
        for name, about in schema.get("properties", {}).items()
    ]


def _field(name: str, about: Mapping[str, Any], value: JsonValue, defaulted: bool) -> Field:
    variants = [each for each in about.get("anyOf", ()) if each.get("type") != "null"]
    nullable = len(variants) < len(about.get("anyOf", ()))
    only = variants[0] if len(variants) == 1 else about
    choices = _choices(only)
    kind: Kind = "choice" if choices else _kind(only)
    if kind == "text" and not (value is None or isinstance(value, str)):
        kind = "json"
    if choices and value is not None and value not in choices:
        kind, choices = "json", ()
    optional = nullable or defaulted or value == ""
    return Field(name, kind, value, nullable, optional, str(about.get("description", "")), choices)


def _kind(about: Mapping[str, Any]) -> Kind:
    match about.get("type"):
        case "string":
            return "text"
        case "integer":
            return "integer"
        case "number":
            return "number"
    return "json"


def _choices(about: Mapping[str, Any]) -> tuple[JsonValue, ...]:
    """The values among which this argument has to be, where Slack can list them."""
    if about.get("type") == "boolean":
        return (True, False)
    found = tuple(about.get("enum", ())) or ((about["const"],) if "const" in about else ())
    return found if len(found) <= OPTIONS else ()


def _resolved(about: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without references to definitions, one level deep: what a field needs to know."""

    def found(part: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(part.get("$ref", "")).removeprefix("#/$defs/")
        return {**schema.get("$defs", {}).get(name, {}), **part}

    known = found(about)
    return {**known, "anyOf": [found(each) for each in known["anyOf"]]} if "anyOf" in known else known


# To Slack


def _input(each: Field) -> Block:
    label = each.name.replace("_", " ")[:LABEL] or "argument"
    hint = f"{each.hint} (JSON)".strip() if each.kind == "json" else each.hint
    return input_block(each.block_id, label, _element(each), optional=each.may_be_left_out, hint=hint[:LABEL])


def _element(each: Field) -> Block:
    if each.kind == "choice":
        return _list(each)
    shown = {"initial_value": each.written} if each.written else {}
    if each.kind in ("integer", "number") and "e" not in each.written:
        return {
            "type": "number_input",
            "action_id": ENTRY,
            "is_decimal_allowed": each.kind == "number",
            **shown,
        }
    long = each.kind == "json" or "\n" in each.written or len(each.written) > 60
    return {"type": "plain_text_input", "action_id": ENTRY, "multiline": long, "max_length": LONGEST, **shown}


def _list(each: Field) -> Block:
    options = [option(_called(value), str(number)) for number, value in enumerate(each.choices)]
    if each.nullable:
        options = [*options[: OPTIONS - 1], option("(nothing)", "none")]
    mine = "none" if each.value is None else str(each.choices.index(each.value))
    initial = [one for one in options if one["value"] == mine]
    element: Block = {
        "type": "static_select",
        "action_id": ENTRY,
        "placeholder": plain_text("Choose…"),
        "options": options,
    }
    return element | {"initial_option": initial[0]} if initial else element


def _called(value: JsonValue) -> str:
    text = {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= OPTION else f"{text[: OPTION - 1]}…"


# And back


def _enter(made: dict[str, JsonValue], each: Field, entry: Mapping[str, Any]) -> None:
    """Put in what was entered. What was not touched keeps its exact value, whatever an input makes of it."""
    if each.kind == "choice":
        chosen = (entry.get("selected_option") or {}).get("value")
        if chosen is not None:
            made[each.name] = None if chosen == "none" else each.choices[int(chosen)]
        return
    text = str(entry.get("value") or "").replace("\r\n", "\n")
    if text == each.written.replace("\r\n", "\n"):
        return
    if not text.strip() and (each.kind != "text" or each.nullable):
        _leave_out(made, each)
    else:
        made[each.name] = _read(each.kind, text)


def _leave_out(made: dict[str, JsonValue], each: Field) -> None:
    if each.nullable:
        made[each.name] = None
    else:
        made.pop(each.name, None)


def _read(kind: Kind, text: str) -> JsonValue:
    """The value in a text; a number that is none is left to the tool, which says what it takes. Raises ValueError for broken JSON."""
    if kind == "text":
        return text
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_number)
    except ValueError:
        if kind == "json":
            raise
        return text
    return value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _by_field(error: ValidationError, asked: Mapping[str, Field]) -> dict[str, str]:
    """What is wrong, at the field that it is wrong with; what concerns several is said at the first."""
    somewhere = next(iter(asked.values())).block_id if asked else ""
    told = dict[str, str]()
    for item in error.errors():
        name, *inside = item["loc"] or ("",)
        at = asked[str(name)].block_id if str(name) in asked else somewhere
        where = f"{'.'.join(map(str, inside))}: " if inside else ""
        kept = "" if str(name) in asked or not name else f"{name}: "
        told.setdefault(at, f"{kept}{where}{item['msg']}."[:LONGEST])
    return told


def unchanged(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> bool:
    """Whether nothing was changed after all: then it is an approval like any other."""
    return _exact(before) == _exact(after)


def _exact(arguments: Mapping[str, JsonValue]) -> Sequence[str]:
    return sorted(json.dumps([name, value]) for name, value in arguments.items())
