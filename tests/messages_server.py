"""A Messages API on this machine: refuses what the real one refuses, counts what its prefix cache would, and says what a test tells it to say."""

import hashlib
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

KEY = "sk-test-key"
Json: TypeAlias = dict[str, Any]

FIELDS = frozenset(
    "model max_tokens messages system tools tool_choice output_config metadata stop_sequences stream thinking cache_control".split()
)
UNSUPPORTED = frozenset(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern maxItems".split()
)
NO_FORCED_TOOLS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1")
LOOKBACK, SMALLEST, MOST_BREAKPOINTS, MOST_STRICT = 20, 512, 4, 20


@dataclass(frozen=True)
class Answer:
    """What the server says: a status, a body and headers. ``body`` as bytes is sent as it is."""

    body: Json | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Script: TypeAlias = Callable[[Json], Answer]


def says(text: str, stop: str = "end_turn") -> Answer:
    return message([{"type": "text", "text": text}], stop)


def calls(tool: str, arguments: Any, *, thinking: str = "", text: str = "", stop: str = "tool_use") -> Answer:
    before = [{"type": "thinking", "thinking": thinking, "signature": "s"}] if thinking else []
    before += [{"type": "text", "text": text}] if text else []
    return message([*before, {"type": "tool_use", "id": "toolu_1", "name": tool, "input": arguments}], stop)


def message(content: list[Json], stop: str) -> Answer:
    usage = {"output_tokens": max(1, len(json.dumps(content)) // 4)}
    return Answer(
        {"id": "msg_1", "type": "message", "role": "assistant", "content": content, "stop_reason": stop, "usage": usage}
    )


def fails(status: int, type: str, words: str, *, code: str = "", **headers: str) -> Answer:
    error: Json = {"type": type, "message": words, **({"details": {"error_code": code}} if code else {})}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"type": "error", "error": error, "request_id": "req_1"}, status, {"request-id": "req_1", **named})


class Invalid(Exception):
    """The real server would answer 400 with these words."""


@dataclass
class MessagesServer:
    """``script`` answers valid requests; ``requests`` are all that came, valid or not. ``window``: tokens that fit into its model."""

    script: Script
    window: int = 200_000
    url: str = ""
    requests: list[Json] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    usages: list[Json] = field(default_factory=list)
    cache: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Json, headers: Mapping[str, str]) -> Answer:
        with self.lock:
            self.requests.append(request)
            self.headers.append(headers)
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if key != KEY:
            return fails(401, "authentication_error", f"invalid key {key}")
        if not headers.get("anthropic-version"):
            return fails(400, "invalid_request_error", "anthropic-version: header is required")
        try:
            check(request)
            usage = self._usage(request)
        except Invalid as problem:
            return fails(400, "invalid_request_error", str(problem))
        return self._counted(self.script(request), usage, request)

    def _counted(self, answer: Answer, usage: Json, request: Json) -> Answer:
        if answer.status != 200 or isinstance(answer.body, bytes):
            return answer
        usage = {**usage, **answer.body.get("usage", {})}
        self.usages.append(usage)
        return Answer({**answer.body, "model": request["model"], "usage": usage}, headers=answer.headers)

    def _usage(self, request: Json) -> Json:
        """Input tokens as the prefix cache splits them: from each breakpoint the server looks back twenty blocks."""
        blocks = list(prefix(request))
        keys: list[str] = []
        sizes: list[int] = []
        whole = hashlib.sha256()
        for block in blocks:
            whole.update(plain(block).encode())
            keys.append(whole.hexdigest())
            sizes.append(sum(sizes[-1:]) + size(block))
        if sizes[-1] > self.window:
            raise Invalid(f"prompt is too long: {sizes[-1]} tokens > {self.window} maximum")
        marks = [at for at, block in enumerate(blocks) if "cache_control" in block and sizes[at] >= SMALLEST]
        with self.lock:
            hits = [at for mark in marks for at in range(mark, max(-1, mark - LOOKBACK), -1) if keys[at] in self.cache]
            self.cache |= {keys[mark] for mark in marks}
        read = sizes[max(hits)] if hits else 0
        written = max(0, sizes[marks[-1]] - read) if marks else 0
        return {
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "input_tokens": sizes[-1] - read - written,
        }


def plain(block: Json) -> str:
    """A block as far as the cache compares it."""
    return json.dumps({key: value for key, value in block.items() if key != "cache_control"}, sort_keys=True)


def size(block: Json) -> int:
    """Its tokens, four characters each."""
    return len(plain(block)) // 4 + 1


def prefix(request: Json) -> Iterator[Json]:
    """Everything cacheable, in the server's order."""
    yield from request.get("tools", [])
    system = request.get("system", [])
    yield from [{"type": "text", "text": system}] if isinstance(system, str) else system
    for each in request["messages"]:
        content = each["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def check(request: Json) -> None:
    """Raises Invalid for what the real server refuses."""
    _fields(request)
    _messages(request["messages"])
    _tools(request.get("tools", []), request.get("tool_choice", {}), request["model"])
    marked = [block for block in prefix(request) if "cache_control" in block]
    _unless(
        len(marked) <= MOST_BREAKPOINTS,
        f"A maximum of 4 blocks with cache_control may be provided. Found {len(marked)}.",
    )


def _fields(request: Json) -> None:
    for name in ("model", "max_tokens", "messages"):
        _unless(name in request, f"{name}: Field required")
    for name in request:
        _unless(name in FIELDS, f"{name}: Extra inputs are not permitted")
    _unless(isinstance(request["max_tokens"], int) and request["max_tokens"] > 0, "max_tokens: must be above zero")
    _unless(not request.get("stream"), "stream: this server does not stream")


def _messages(messages: list[Json]) -> None:
    _unless(bool(messages), "messages: at least one message is required")
    _unless(messages[0]["role"] == "user", "messages: first message must use the user role")
    _unless(messages[-1]["role"] == "user", "This model does not support assistant message prefill.")
    for each in messages:
        content = each["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        _unless(bool(blocks), "messages: content must not be empty")
        for block in blocks:
            _unless(block["type"] != "tool_result", "unexpected tool_use_id found in tool_result blocks")
            _unless(
                block["type"] != "text" or block["text"].strip(), "text content blocks must contain non-whitespace text"
            )


def _tools(tools: list[Json], choice: Json, model: str) -> None:
    names = [tool["name"] for tool in tools]
    _unless(len(set(names)) == len(names), "tools: Tool names must be unique.")
    _unless(
        choice.get("type") not in ("any", "tool") or model not in NO_FORCED_TOOLS,
        "tool_choice: forced tool use is not supported",
    )
    _unless(sum(bool(tool.get("strict")) for tool in tools) <= MOST_STRICT, "tools: too many strict tools")
    for tool in tools:
        _unless(bool(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"])), f"tools: bad name {tool['name']!r}")
        _unless(tool["input_schema"].get("type") == "object", "tools: input_schema.type: must be object")
        if tool.get("strict"):
            _strict(tool["input_schema"], f"tools.{tool['name']}")


def _strict(schema: Any, where: str) -> None:
    """Strict mode: every object closed, no limits, no open maps."""
    if isinstance(schema, list):
        for item in schema:
            _strict(item, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        _unless(
            schema.get("additionalProperties") is False,
            f"{where}: For 'object' type, 'additionalProperties' must be false",
        )
    named = schema.get("properties", {})
    for word in UNSUPPORTED & schema.keys():
        raise Invalid(f"{where}: property '{word}' is not supported")
    for key, value in schema.items():
        for part in named.values() if key == "properties" else value.values() if key == "$defs" else [value]:
            if key not in ("enum", "const", "required"):
                _strict(part, where)


def _unless(fine: Any, words: str) -> None:
    if not fine:
        raise Invalid(words)


def in_turn(*answers: Answer) -> Script:
    """The answers one after the other; the last one stays."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def messages_server(script: Script | Answer, **options: Any) -> Iterator[MessagesServer]:
    """A server on a port of its own, gone when the block ends."""
    double = MessagesServer(script if callable(script) else in_turn(script), **options)

    class Talk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            request = json.loads(self.rfile.read(length))
            answer = double.answer(request, {name.lower(): value for name, value in self.headers.items()})
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: tests are quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hung up is no news; anything else is a mistake of this double."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    with Server(("127.0.0.1", 0), Talk) as server:
        double.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield double
        server.shutdown()
