"""Asks Claude, or any server that speaks the Messages API, for the next step; the one home of the SDK ``anthropic``."""

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import anthropic
from pydantic import BaseModel, Field, ValidationError

from bot.agent import Agent
from bot.events import Usage
from bot.intents import Reply
from bot.ports import Choice, Model, ModelError, Prompt
from bot.settings import Settings, SettingsError
from bot.tool import Tool, schema_of, spec
from workers.scripted import ScriptedModel

DEFAULT_MODEL = "claude-sonnet-5-5"
STAND_IN = "scripted"
EFFORT: Mapping[str, str] = {"claude-sonnet-5-5": "medium"}
"""For models that by themselves think longer than routine work needs; the others, and other servers' models, are not told."""

MAX_TOKENS = 8000  # what a model can write before a request times out
SOON = 5.0  # seconds until another try, where the server names none
LOOKBACK = 20  # blocks before a breakpoint among which the server looks for something it cached
CACHED = {"type": "ephemeral"}

MOST_STRICT, MOST_OPTIONAL = (
    20,
    24,
)  # tools, and optional fields in all of them, that one request may have checked by grammar
UNGRAMMATICAL = frozenset({"patternProperties", "prefixItems", "not", "if", "dependentSchemas"})
REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')
TOO_LONG = re.compile(r"too long|too many tokens|context (size|length|window)", re.IGNORECASE)
WRITTEN_CALL = re.compile(r"(?:```(?:json)?|<tool_call>)?\s*([\[{].*[\]}])\s*(?:```|</tool_call>)?", re.DOTALL)

Request: TypeAlias = dict[str, Any]


def model_for(settings: Settings) -> Model:
    """The model that the settings name. Raises SettingsError: no key (a server that wants none takes any word), or one that cannot be sent."""
    if settings.model == STAND_IN:
        return ScriptedModel(delay=0.6)
    settings.require("ANTHROPIC_API_KEY")
    key, url = settings.anthropic_api_key, settings.anthropic_base_url
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("ANTHROPIC_API_KEY holds characters that no key has: copy it once more into .env.")
    if url and (urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).netloc):
        raise SettingsError("ANTHROPIC_BASE_URL must start with https:// or http:// and name a host.")
    return ClaudeModel(settings.model or DEFAULT_MODEL, key, url or None)


class ClaudeModel:
    """Implements bot.ports.Model. One object serves all threads of a process, some hundred calls at a time.

    ``timeout``: seconds of silence after which a call is given up. It never tries again by itself: ModelError says when it is worth it.
    """

    def __init__(self, name: str, api_key: str, base_url: str | None = None, *, timeout: float = 120.0) -> None:
        self.name = name
        self.timeout = timeout
        self.client = anthropic.Anthropic(
            api_key=api_key, base_url=base_url, max_retries=0, timeout=anthropic.Timeout(timeout, connect=10.0)
        )
        logging.getLogger("anthropic").setLevel(logging.WARNING)  # below that it logs whole requests, mails included

    def choose(self, prompt: Prompt) -> Choice:
        began = time.monotonic()
        try:
            response = self.client.messages.with_raw_response.create(**request(self.name, prompt))
        except anthropic.APIError as error:
            raise self._failure(error) from None  # the SDK's errors carry the request, and servers quote keys
        answer = _read(response.read())
        usage = answer.usage.of(self.name, time.monotonic() - began)
        return _choice(answer, usage)

    def _failure(self, error: anthropic.APIError) -> ModelError:
        match error:
            case anthropic.APITimeoutError():
                return ModelError("unreachable", f"The model did not answer within {self.timeout:g} s.", SOON)
            case anthropic.APIConnectionError():
                return ModelError("unreachable", "The model's server cannot be reached.", SOON)
            case anthropic.APIStatusError():
                return _refused_request(error, self.name)
            case _:
                return ModelError("nonsense", "The model's server gave an answer that is none.", SOON)


# What is sent


def request(name: str, prompt: Prompt) -> Request:
    """The request for one choice: the agent's prompt as it is, its tools, and one user message with a block an event.

    Nothing that changes from call to call stands before the last cache breakpoint.
    """
    system, tools = _system(prompt.agent), _tools(prompt.agent)
    (system or tools)[-1]["cache_control"] = CACHED
    effort = {"output_config": {"effort": EFFORT[name]}} if name in EFFORT else {}
    return {
        "model": name,
        "max_tokens": MAX_TOKENS,
        **({"system": system} if system else {}),
        "tools": tools,
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "messages": [{"role": "user", "content": _content(prompt)}],
        **effort,
    }


def _system(agent: Agent) -> list[Request]:
    return [_text(agent.prompt)] if agent.prompt.strip() else []


def _content(prompt: Prompt) -> list[Request]:
    blocks = [_text(block) for block in prompt.blocks or ("Nothing was said yet.",)]
    for end in {len(blocks), _known_before(prompt)} - {0}:
        blocks[end - 1]["cache_control"] = CACHED
    return blocks + ([_text(prompt.aside)] if prompt.aside.strip() else [])


def _known_before(prompt: Prompt) -> int:
    """How many of the blocks the last call ended with, where so many came since that the server would not find it by itself."""
    thread, count = prompt.thread, len(prompt.blocks)
    if count <= LOOKBACK or not thread.state.seen:
        return 0
    before = sum(map(bool, thread.shown[: thread.state.seen]))
    return before if LOOKBACK <= count - before < count else 0


def _text(text: str) -> Request:
    return {"type": "text", "text": text}


def _tools(agent: Agent) -> list[Request]:
    """The agent's tools, as many of them checked by the server's grammar as it takes; the rules check every call again anyway."""
    listed, strict, optional = [], 0, 0
    for name, tool in agent.toolbox.items():
        described = {"name": name, "description": spec(tool).description}
        schema = _strict_schema(tool)
        fits = schema is not None and strict < MOST_STRICT and optional + _optional(schema) <= MOST_OPTIONAL
        if schema is not None and fits:
            strict, optional = strict + 1, optional + _optional(schema)
            listed.append({**described, "strict": True, "input_schema": schema})
        else:
            listed.append({**described, "input_schema": schema_of(tool)})
    return listed


@cache
def _strict_schema(tool: type[Tool]) -> dict[str, Any] | None:
    """The schema as strict mode takes it, its limits moved into descriptions; None: it has open maps, recursion or the like."""
    schema = schema_of(tool)
    if _is_recursive(schema) or any(map(_is_ungrammatical, _parts(schema))):
        return None
    try:
        return anthropic.transform_schema(schema)
    except (ValueError, AssertionError):  # a field of any type; a type that the SDK does not know
        return None


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and every schema in it."""
    if isinstance(schema, list):
        for item in schema:
            yield from _parts(item)
    elif isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _parts(value)


def _is_ungrammatical(part: Mapping[str, Any]) -> bool:
    return part.get("additionalProperties", False) is not False or bool(UNGRAMMATICAL & part.keys())


def _is_recursive(schema: Mapping[str, Any]) -> bool:
    graph = {name: REFERENCE.findall(json.dumps(part)) for name, part in schema.get("$defs", {}).items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _optional(schema: Mapping[str, Any]) -> int:
    parts = (part for part in _parts(schema) if isinstance(part.get("properties"), dict))
    return sum(len(part["properties"].keys() - set(part.get("required", ()))) for part in parts)


# What comes back. Servers differ, so only what is needed is read, and it is validated here.


class _Tokens(BaseModel):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def of(self, model: str, seconds: float) -> Usage:
        return Usage(
            model=model,
            input=self.input_tokens or 0,
            output=self.output_tokens or 0,
            cache_read=self.cache_read_input_tokens or 0,
            cache_write=self.cache_creation_input_tokens or 0,
            seconds=round(seconds, 3),
        )


class _Block(BaseModel):
    type: str
    text: str | None = None
    name: str | None = None
    input: Any = None


class _Answer(BaseModel):
    content: list[_Block]
    stop_reason: str | None = None
    usage: _Tokens = Field(default_factory=_Tokens)


def _read(body: bytes) -> _Answer:
    try:
        return _Answer.model_validate_json(body)
    except ValidationError:
        raise ModelError("nonsense", "The model's server gave an answer that is none.", SOON) from None


def _choice(answer: _Answer, usage: Usage) -> Choice:
    if stopped := STOPPED.get(answer.stop_reason or ""):
        raise ModelError(*stopped, usage)
    text = "\n\n".join(block.text.strip() for block in answer.content if block.type == "text" and block.text).strip()
    for block in answer.content:
        if block.type == "tool_use" and block.name:
            return Choice(block.name, _arguments(block.input), usage, thought=text)
    if written := _written_call(text):
        return Choice(*written, usage)
    if not text:
        raise ModelError("nonsense", "The model gave an empty answer.", SOON, usage)
    return Choice(spec(Reply).name, {"text": text}, usage)


Reason: TypeAlias = Literal["refused", "too_long", "context", "nonsense"]
STOPPED: Mapping[str, tuple[Reason, str, float | None]] = {
    "refusal": ("refused", "The model refused to answer this; say it in other words, or ask a colleague.", None),
    "max_tokens": ("too_long", "The model's answer grew too long and was cut off; ask for a smaller step.", None),
    "model_context_window_exceeded": (
        "context",
        "This conversation is too long for the model; begin a new one with what matters.",
        None,
    ),
    "pause_turn": ("nonsense", "The model paused before it had answered.", SOON),
}
"""Reasons to stop after which nothing of the answer may be used: half a call must not run."""


def _written_call(text: str) -> tuple[str, dict[str, Any]] | None:
    """The call in a text that is nothing but one: servers without tool calls write ``{"name": …, "arguments": {…}}``."""
    found = WRITTEN_CALL.fullmatch(text)
    call = _json(found[1]) if found else None
    call = call[0] if isinstance(call, list) and len(call) == 1 else call
    if isinstance(call, dict) and isinstance(call.get("function"), dict):
        call = call["function"]
    if not isinstance(call, dict):
        return None
    name = call.get("name") or call.get("tool")
    given = next((call[key] for key in ("arguments", "input", "parameters") if key in call), None)
    return (name, _arguments(given)) if isinstance(name, str) and given is not None else None


def _arguments(given: Any) -> dict[str, Any]:
    """Raw arguments; what is no object becomes none, and the rules say what is missing."""
    value = _json(given) if isinstance(given, str) else given
    return value if isinstance(value, dict) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


# What goes wrong


def _refused_request(error: anthropic.APIStatusError, model: str) -> ModelError:
    """A status of 4xx or 5xx in words for people; the server's own words may quote the request, so they are left out."""
    status = error.status_code
    if status == 402 or (error.error_code or "").endswith("spend_limit_reached"):
        return _setup("The model's account has no credit left or reached its limit; an operator has to raise it.")
    if status == 401:
        return _setup("The model's server does not accept the key; an operator has to correct ANTHROPIC_API_KEY.")
    if status == 403:
        return _setup("The key may not use this model; an operator has to look at its permissions.")
    if status == 404:
        return _setup(f"There is no model {model!r}; an operator has to correct BOT_MODEL or ANTHROPIC_BASE_URL.")
    if status == 413 or TOO_LONG.search(error.api_message or ""):
        return ModelError(*STOPPED["model_context_window_exceeded"])
    if status in (408, 409, 429) or status >= 500:
        return ModelError("overloaded", "The model is overloaded.", _retry_after(error) or SOON)
    request_id = error.request_id if (error.request_id or "").isidentifier() else "unknown"
    return _setup(
        f"The model's server did not accept the request ({status}, {request_id}); an operator has to look at it."
    )


def _setup(words: str) -> ModelError:
    return ModelError("setup", words)


def _retry_after(error: anthropic.APIStatusError) -> float | None:
    """Seconds, as the server asks for: ``retry-after-ms``, or ``retry-after`` (RFC 9110, 10.2.3) in seconds or as a date."""
    headers = error.response.headers
    try:
        seconds = float(headers.get("retry-after-ms", "")) / 1000
    except ValueError:
        seconds = _seconds(headers.get("retry-after", ""))
    return seconds if 0 < seconds < float("inf") else None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return 0.0
