"""Guesses from words alone which tool a text means, and its arguments: all the understanding that the scripted stand-in has."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from pydantic import ValidationError

from bot.tool import Tool, arguments_of, schema_of, spec

Schema: TypeAlias = Mapping[str, Any]

SAME = {
    "reboot": "restart",
    "bounce": "restart",
    "prod": "production",
    "live": "production",
    "stage": "staging",
    "health": "status",
    "healthy": "status",
    "slow": "status",
    "down": "status",
    "full": "disk",
    "space": "disk",
}
"""Words that people use for others."""

EMPTY = frozenset(
    """a about after all an and any are as at be by can could do does each for from has have how i if in into is it its me my no not of on one
    or our out please shall she so some that the their them then there these they this to up us was we what when where which who will with
    would yes you your""".split()
)
LOOKING = frozenset({"status", "show", "list", "get", "find", "search", "check", "describe"})
REASONS = ("reason", "why", "because")
NEGATED = re.compile(r"(^| )(not|never|except|without|instead of)( (on|in|the|to|for))* $")
BECAUSE = re.compile(r"\b(?:because|since|as|reason:)\s+(.+)", re.IGNORECASE | re.DOTALL)
QUOTED = re.compile(r"[\"“”„]([^\"“”„]+)[\"“”„]")


@dataclass(frozen=True)
class Guess:
    """A tool that a text seems to mean. ``missing``: a field that it does not give, or gives twice; ``choices``: its possible values."""

    tool: type[Tool]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""
    choices: tuple[str, ...] = ()
    named: bool = True  # by the newest text itself; otherwise that only changes or completes an earlier request

    @property
    def name(self) -> str:
        return spec(self.tool).name


def guess(
    tools: Sequence[type[Tool]], texts: Sequence[str], earlier: tuple[str, Mapping[str, Any]] | None = None
) -> Guess | None:
    """What texts (the newest first) ask for. ``earlier``: a call that the newest may change, where it names no tool of its own."""
    newest = texts[0] if texts else ""
    if tool := _meant(tools, newest):
        return _filled(tool, texts, {})
    if earlier and (tool := next((each for each in tools if spec(each).name == earlier[0]), None)):
        changed = _filled(tool, [newest], earlier[1])
        if changed.missing or changed.arguments != earlier[1]:
            return replace(changed, named=False)
    for text in texts[1:]:
        if tool := _meant(tools, text):
            return replace(_filled(tool, texts, {}), named=False)
    return None


def words(text: str) -> list[str]:
    """The words of a text in order, those that mean the same as one."""
    return [SAME.get(word, word) for word in re.findall(r"[^\W_]+", text.casefold())]


def stems(text: str) -> set[str]:
    """Its telling words, without their endings."""
    return {_stem(word) for word in words(text) if word not in EMPTY}


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e")


def _meant(tools: Sequence[type[Tool]], text: str) -> type[Tool] | None:
    """The tool whose name the text says, or whose description it mostly repeats; a question about its values is a wish to look."""
    said = stems(text)
    scores = {tool: _score(tool, tools, said) for tool in tools}
    best = max(scores, key=lambda tool: scores[tool], default=None)
    if best is not None and scores[best] > 0:
        return best
    looking = [tool for tool in tools if LOOKING & set(words(spec(tool).name.replace("_", " ")))]
    asks = "?" in text or bool({"how", "which", "show"} & set(words(text)))
    return next((tool for tool in looking if asks and (_values(tool, text) or said & _name(tool))), None)


def _score(tool: type[Tool], tools: Sequence[type[Tool]], said: set[str]) -> int:
    shared = Counter(word for each in tools for word in _name(each) | _described(each))
    named = {word for word in _name(tool) & said if sum(word in _name(each) for each in tools) == 1}
    described = {word for word in _described(tool) & said if shared[word] == 1}
    return 3 * len(named) + len(described) if named or len(described) >= 2 else 0


def _name(tool: type[Tool]) -> set[str]:
    return stems(spec(tool).name.replace("_", " "))


def _described(tool: type[Tool]) -> set[str]:
    """The words of its description that are no values; values alone say nothing about what to do."""
    return stems(spec(tool).description.partition("\n")[0]) - stems(" ".join(_all_values(tool)))


def _all_values(tool: type[Tool]) -> Iterator[str]:
    schema = schema_of(tool)
    for part in schema.get("properties", {}).values():
        yield from map(str, _enum(_plain(part, schema)))


def _values(tool: type[Tool], text: str) -> list[Any]:
    return _mentioned(list(_all_values(tool)), text)


# Arguments


def _filled(tool: type[Tool], texts: Sequence[str], before: Mapping[str, Any]) -> Guess:
    """The tool with every argument that the texts give; ``before`` holds what they change."""
    schema, arguments = schema_of(tool), dict(before)
    for name, part in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        found = _found(name, _plain(part, schema), texts, required and name not in before)
        if len(found) > 1:
            return Guess(tool, arguments, name, tuple(map(str, found)))
        if found:
            arguments[name] = found[0]
        elif required and name not in arguments:
            return Guess(tool, arguments, name, tuple(map(str, _enum(_plain(part, schema)))))
    return _checked(tool, arguments)


def _checked(tool: type[Tool], arguments: Mapping[str, Any]) -> Guess:
    """With the exact arguments of the call, or with the first one that the tool does not accept as missing."""
    try:
        return Guess(tool, arguments_of(tool.model_validate(dict(arguments))))
    except ValidationError as error:
        return Guess(tool, arguments, str(next(iter(error.errors()[0]["loc"]), "")) or "arguments")
    except Exception:  # a validator of the tool's own may raise anything
        return Guess(tool, arguments, "arguments")


def _plain(part: Schema, schema: Schema) -> Schema:
    """The schema of a field, behind references and "or null"."""
    for _ in range(5):
        if "$ref" in part:
            part = schema.get("$defs", {}).get(str(part["$ref"]).rpartition("/")[2], {})
        elif options := [each for each in part.get("anyOf", ()) if each.get("type") != "null"]:
            part = options[0]
        else:
            break
    return part


def _enum(part: Schema) -> list[Any]:
    return [part["const"]] if "const" in part else list(part.get("enum", ()))


def _found(name: str, part: Schema, texts: Sequence[str], required: bool) -> list[Any]:
    """The values of one field in the newest text that has any; several where that text leaves it open."""
    for text in texts:
        if found := _in_text(name, part, text, required):
            return found
    return []


def _in_text(name: str, part: Schema, text: str, required: bool) -> list[Any]:
    kind = part.get("type")
    if values := _enum(part):
        return _mentioned(values, text)
    if kind == "array" and (values := _enum(part.get("items", {}))):
        chosen = _mentioned(values, text)
        return [chosen] if chosen else []
    if kind == "string" and name in REASONS:
        because = BECAUSE.search(text)
        return [because[1].strip()[:200]] if because else [text.strip()[:200]] if required else []
    if not required:
        return []
    if kind in ("integer", "number"):
        return [
            float(number) if "." in number else int(number) for number in re.findall(r"\d{1,15}(?:\.\d+)?", text)[:1]
        ]
    if kind == "boolean":
        said = set(words(text))
        return [True] if "yes" in said else [False] if "no" in said else []
    return _free_text(part, text) if kind == "string" else []


def _free_text(part: Schema, text: str) -> list[str]:
    """A word that the pattern allows; without a pattern what stands in quotes, or else everything."""
    quoted = QUOTED.findall(text)
    if "pattern" not in part:
        return [(quoted[0] if quoted else text).strip()[: part.get("maxLength", 1000)]]
    candidates: Iterable[str] = [*quoted, *(word.strip(".,;:!?()") for word in text.split())]
    try:
        return [word for word in candidates if word and re.search(part["pattern"], word)][:1]
    except re.error:  # a pattern that Python does not know
        return []


def _mentioned(values: Sequence[Any], text: str) -> list[Any]:
    """The values that a text names and does not rule out, each once."""
    said = " ".join(words(text))
    return [value for value in dict.fromkeys(values) if _names(said, " ".join(words(str(value))))]


def _names(said: str, value: str) -> bool:
    places = re.finditer(rf"(?:^|(?<= )){re.escape(value)}(?= |$)", said) if value else ()
    return any(not NEGATED.search(said[: place.start()]) for place in places)
