"""What the model layer sends and reads, against a server that refuses what the real one refuses."""

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from bot import Agent, Tool
from bot import events as e
from bot.events import PARLEY, Actor, Event, Origin
from bot.ports import Choice, ModelError, Prompt
from bot.render import render
from bot.settings import Settings, SettingsError
from bot.thread import Thread
from tests.messages_server import (
    KEY,
    Answer,
    MessagesServer,
    Script,
    calls,
    fails,
    in_turn,
    message,
    messages_server,
    says,
)
from workers.model import ClaudeModel, model_for, request
from workers.scripted import ScriptedModel

PROMPT = "You look after the lights.\n  Exactly so.\n"
BEN = Actor(id="slack:T1/UBEN", name="Ben", person="ben", proof="slack")


class Weather(BaseModel):
    sky: Literal["clear", "cloudy"] = "clear"


class SwitchLight(Tool, effect="write", approval=None):
    """Switch a light."""

    room: str = Field(pattern="^[a-z]+$", max_length=20, description="Which room.")
    brightness: int = Field(default=50, ge=0, le=100)
    weather: Weather | None = None

    def run(self) -> str:
        return "done"


class Ring(Tool, effect="read"):
    """Ring the bell."""

    def run(self) -> str:
        return ""


class Label(Tool, effect="read"):
    """Label anything with anything."""

    labels: dict[str, str]

    def run(self) -> str:
        return ""


class Node(BaseModel):
    children: list["Node"] = []


class Grow(Tool, effect="read"):
    """Grow a tree."""

    tree: Node

    def run(self) -> str:
        return ""


class Anything(Tool, effect="read"):
    """Take anything."""

    value: Any

    def run(self) -> str:
        return ""


AGENT = Agent(tools=[SwitchLight, Label, Grow, Anything]).named("lights", PROMPT)


def said(number: int, text: str = "on please") -> Event:
    return e.MessageReceived(
        id=f"m{number}", at=1.0 + number, actor=BEN, text=text, origin=Origin(address="slack:T1/C1/1")
    )


def thought(number: int, seen: int) -> Event:
    call = f"c{number}"
    return e.ToolCalled(
        id=f"t{number}",
        at=1.0 + number,
        actor=PARLEY,
        call=call,
        tool="switch_light",
        arguments={"room": "hall"},
        seen=seen,
    )


def prompt(events: Sequence[Event] = (said(0),), aside: str = "", agent: Agent = AGENT) -> Prompt:
    thread = Thread.of("t", events)
    return Prompt(agent, render(thread), thread, aside)


def model(server: MessagesServer, **options: Any) -> ClaudeModel:
    return ClaudeModel("claude-sonnet-5-5", KEY, server.url, **options)


def ask(answer: Answer | Script, given: Prompt | None = None) -> Choice:
    with messages_server(answer) as server:
        return model(server).choose(given or prompt())


def failure(answer: Answer | Script) -> ModelError:
    with pytest.raises(ModelError) as raised:
        ask(answer)
    return raised.value


# What is sent


def test_the_prompt_is_sent_as_it_is_and_every_event_is_a_block() -> None:
    given = prompt([said(0), said(1, "and off")], aside="It is Tuesday.")
    with messages_server(says("Fine.")) as server:
        model(server).choose(given)
        (sent,) = server.requests
    assert [block["text"] for block in sent["system"]] == [PROMPT]
    assert [block["text"] for block in sent["messages"][0]["content"]] == [*given.blocks, "It is Tuesday."]
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert sent["output_config"] == {"effort": "medium"}


def test_what_changes_every_time_stands_behind_the_last_breakpoint() -> None:
    first, second = (request("m", prompt(aside=aside)) for aside in ("It is Monday.", "It is Tuesday."))
    *cached, aside = first["messages"][0]["content"]
    assert "cache_control" in cached[-1]
    assert "cache_control" not in aside
    assert cached == second["messages"][0]["content"][:-1]
    assert (first["system"], first["tools"]) == (second["system"], second["tools"])


def test_tools_are_strict_where_a_grammar_can_check_them() -> None:
    tools = {tool["name"]: tool for tool in request("m", prompt())["tools"]}
    strict = {name for name, tool in tools.items() if tool.get("strict")}
    assert strict == {"switch_light", "reply", "contact_human", "withdraw", "hand_over", "read_more"}
    assert tools["label"]["input_schema"]["properties"]["labels"]["additionalProperties"] == {"type": "string"}


def test_limits_that_the_grammar_does_not_know_are_told_in_words() -> None:
    schema = next(tool for tool in request("m", prompt())["tools"] if tool["name"] == "switch_light")["input_schema"]
    room = schema["properties"]["room"]
    assert room["description"].startswith("Which room.")
    assert "^[a-z]+$" in room["description"]
    assert set(room) == {"type", "description"}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(("base", "most"), [(Ring, 20), (SwitchLight, 8)])
def test_no_more_tools_and_optional_fields_are_strict_than_the_server_takes(base: type[Tool], most: int) -> None:
    many = [type(f"Tool{number}", (base,), {"__doc__": "Do.", "__module__": __name__}) for number in range(30)]
    with messages_server(says("Fine.")) as server:
        model(server).choose(prompt(agent=Agent(tools=many).named("many", PROMPT)))
    assert [bool(tool.get("strict")) for tool in server.requests[0]["tools"][:30]] == [n < most for n in range(30)]


def test_an_agent_without_a_prompt_and_a_thread_without_a_word_can_be_asked() -> None:
    bare = Prompt(Agent(), (), Thread("t"), "")
    assert ask(says("Hello."), bare).arguments == {"text": "Hello."}


# What comes back


def test_a_tool_call_is_its_raw_input_whatever_stands_before_it() -> None:
    choice = ask(calls("switch_light", {"room": 7}, thinking="hm", text="I switch it."))
    assert (choice.tool, choice.arguments, choice.thought) == ("switch_light", {"room": 7}, "I switch it.")


def test_a_second_call_in_one_answer_is_left_out() -> None:
    block = {"type": "tool_use", "id": "1", "name": "label", "input": {"labels": {}}}
    choice = ask(message([block, {**block, "name": "grow"}], "tool_use"))
    assert choice.tool == "label"


def test_plain_text_is_a_reply() -> None:
    choice = ask(
        message(
            [{"type": "text", "text": "One."}, {"type": "thinking", "thinking": ""}, {"type": "text", "text": "Two."}],
            "end_turn",
        )
    )
    assert (choice.tool, choice.arguments) == ("reply", {"text": "One.\n\nTwo."})


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "switch_light", "arguments": {"room": "hall"}}',
        '```json\n{"name": "switch_light", "parameters": {"room": "hall"}}\n```',
        '<tool_call>\n{"tool": "switch_light", "input": {"room": "hall"}}\n</tool_call>',
        '[{"type": "function", "function": {"name": "switch_light", "arguments": "{\\"room\\": \\"hall\\"}"}}]',
    ],
)
def test_a_call_written_as_text_is_a_call(text: str) -> None:
    choice = ask(says(text))
    assert (choice.tool, choice.arguments) == ("switch_light", {"room": "hall"})


@pytest.mark.parametrize(
    "text",
    ['{"text": "hall"}', '{"name": "hall"}', "[1, 2]", '{"name":', 'Send {"name": "label", "arguments": {}} now.'],
)
def test_other_text_in_brackets_is_a_reply(text: str) -> None:
    assert ask(says(text)).arguments == {"text": text}


@pytest.mark.parametrize(
    ("given", "read"), [('{"room": "hall"}', {"room": "hall"}), ("hall", {}), ([1], {}), (None, {})]
)
def test_arguments_that_are_no_object_are_left_to_the_rules(given: Any, read: dict[str, str]) -> None:
    assert ask(calls("switch_light", given)).arguments == read


def test_what_the_call_used_is_kept() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": None, "cache_creation_input_tokens": 11}
    answer = Answer({"content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn", "usage": usage})
    used = ask(answer).usage
    assert (used.model, used.input, used.output, used.cache_read, used.cache_write) == (
        "claude-sonnet-5-5",
        5,
        7,
        0,
        11,
    )
    assert 0 < used.seconds < 10


def test_a_server_that_counts_nothing_is_fine() -> None:
    assert ask(Answer({"content": [{"type": "text", "text": "Hi."}]})).tool == "reply"


@pytest.mark.parametrize(
    ("stop", "reason", "again"),
    [
        ("refusal", "refused", False),
        ("max_tokens", "too_long", False),
        ("model_context_window_exceeded", "context", False),
        ("pause_turn", "nonsense", True),
    ],
)
def test_half_an_answer_is_never_a_choice(stop: str, reason: str, again: bool) -> None:
    error = failure(calls("switch_light", {"room": "ha"}, stop=stop))
    assert (error.reason, error.retry_after is not None) == (reason, again)
    assert error.usage is not None
    assert error.usage.output > 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"content": null}', b'{"content": [{"text": "no type"}]}']
)
def test_an_answer_that_is_none_is_asked_for_again(body: bytes) -> None:
    error = failure(Answer(body))
    assert error.reason == "nonsense"
    assert error.retry_after


def test_an_empty_answer_is_asked_for_again() -> None:
    assert failure(message([{"type": "thinking", "thinking": "…"}], "end_turn")).reason == "nonsense"


# What goes wrong


@pytest.mark.parametrize(
    ("answer", "reason", "retry_after"),
    [
        (fails(429, "rate_limit_error", "slow down", retry_after="7"), "overloaded", 7),
        (fails(429, "rate_limit_error", "slow down", retry_after_ms="1500"), "overloaded", 1.5),
        (fails(429, "rate_limit_error", "slow down", retry_after="nan"), "overloaded", 5),
        (fails(429, "rate_limit_error", "slow down", retry_after="-3"), "overloaded", 5),
        (fails(529, "overloaded_error", "busy"), "overloaded", 5),
        (fails(500, "api_error", "oops"), "overloaded", 5),
        (fails(503, "api_error", "oops", retry_after="30"), "overloaded", 30),
        (fails(408, "timeout_error", "oops"), "overloaded", 5),
        (fails(429, "rate_limit_error", "no more", code="enforced_spend_limit_reached"), "setup", None),
        (fails(402, "billing_error", "no credit"), "setup", None),
        (fails(401, "authentication_error", "bad key"), "setup", None),
        (fails(403, "permission_error", "not yours"), "setup", None),
        (fails(404, "not_found_error", "model: nobody"), "setup", None),
        (fails(400, "invalid_request_error", "tools: bad"), "setup", None),
        (fails(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), "context", None),
        (fails(400, "exceed_context_size_error", "the request exceeds the available context size"), "context", None),
        (fails(413, "request_too_large", "too large"), "context", None),
        (Answer(b"<html>bad gateway</html>", 502), "overloaded", 5),
        (Answer(b"", 404), "setup", None),
    ],
)
def test_every_error_has_a_reason_and_a_time_to_ask_again(
    answer: Answer, reason: str, retry_after: float | None
) -> None:
    error = failure(answer)
    assert (error.reason, error.retry_after) == (reason, retry_after)
    assert str(error)[0].isupper()
    assert str(error).endswith(".")


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.fromtimestamp(datetime.now(UTC).timestamp() + 60, UTC), usegmt=True)
    assert 50 < (failure(fails(529, "overloaded_error", "busy", retry_after=soon)).retry_after or 0) <= 60


def test_it_never_asks_twice_by_itself() -> None:
    with messages_server(in_turn(fails(529, "overloaded_error", "busy"), says("Fine."))) as server:
        with pytest.raises(ModelError):
            model(server).choose(prompt())
        assert len(server.requests) == 1
        assert model(server).choose(prompt()).tool == "reply"


def test_a_conversation_too_long_for_the_model_says_so() -> None:
    with messages_server(says("Fine."), window=100) as server, pytest.raises(ModelError) as raised:
        model(server).choose(prompt())
    assert raised.value.reason == "context"


def test_a_server_that_is_away_or_silent_is_asked_again() -> None:
    with pytest.raises(ModelError) as away:
        ClaudeModel("m", KEY, "http://127.0.0.1:9").choose(prompt())
    never = threading.Event()

    def silent(request: dict[str, Any]) -> Answer:
        never.wait(1)
        return says("Late.")

    with messages_server(silent) as server, pytest.raises(ModelError) as late:
        model(server, timeout=0.2).choose(prompt())
    assert (away.value.reason, late.value.reason) == ("unreachable", "unreachable")
    assert away.value.retry_after
    assert late.value.retry_after
    never.set()


def test_the_key_and_what_people_wrote_are_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with messages_server(says("Fine.")) as server:
        wrong = ClaudeModel("claude-sonnet-5-5", "sk-very-secret", server.url)
        caplog.set_level(logging.DEBUG)
        with pytest.raises(ModelError) as raised:
            wrong.choose(prompt([said(0, "my private words")]))
    told = f"{raised.value}{raised.value.__cause__}{caplog.text}"
    assert raised.value.reason == "setup"
    assert "very-secret" not in told
    assert "private words" not in told


# The prefix cache


def test_a_thread_of_200_steps_is_mostly_read_from_the_cache() -> None:
    with messages_server(calls("switch_light", {"room": "hall"})) as server:
        asking, thread = model(server), Thread.of("t", [said(0, "please switch the lights " * 20)])
        for step in range(200):
            asking.choose(Prompt(AGENT, render(thread), thread, aside=f"Step {step}."))
            result = e.ToolReturned(id=f"r{step}", at=2.0 + step, actor=PARLEY, call=f"c{step}", result="lit " * 40)
            thread = thread.extend([thought(step, thread.version), result])
    read = sum(usage["cache_read_input_tokens"] for usage in server.usages)
    written = sum(usage["cache_creation_input_tokens"] for usage in server.usages)
    fresh = sum(usage["input_tokens"] for usage in server.usages)
    assert read / (read + written + fresh) > 0.95
    assert all(usage["cache_read_input_tokens"] > 0 for usage in server.usages[1:])


@pytest.mark.parametrize("more", [1, 15, 20, 21, 70])
def test_however_much_was_said_meanwhile_what_was_sent_before_is_read_from_the_cache(more: int) -> None:
    events = [said(number, "word " * 50) for number in range(40)]
    with messages_server(says("Fine.")) as server:
        model(server).choose(prompt(events))
        model(server).choose(prompt([*events, thought(0, len(events)), *(said(100 + n) for n in range(more))]))
        first, second = server.usages
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
    assert all(
        len([b for b in sent["messages"][0]["content"] if "cache_control" in b]) <= 2 for sent in server.requests
    )


# Many at once, and settings


def test_two_hundred_threads_share_one_model() -> None:
    waiting = threading.Barrier(200, timeout=20)

    def together(request: dict[str, Any]) -> Answer:
        waiting.wait()
        return says("Fine.")

    with messages_server(together) as server, ThreadPoolExecutor(200) as pool:
        asking = model(server)
        assert {choice.tool for choice in pool.map(lambda _: asking.choose(prompt()), range(200))} == {"reply"}


def test_a_missing_key_is_found_at_start_up() -> None:
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY is not set"):
        model_for(Settings())
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY is not set"):
        model_for(Settings(model="claude-opus-5-5"))


def test_settings_that_cannot_be_sent_are_found_at_start_up() -> None:
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY holds"):
        model_for(Settings(anthropic_api_key="sk-…"))
    with pytest.raises(SettingsError, match="ANTHROPIC_BASE_URL"):
        model_for(Settings(anthropic_api_key="sk-1", anthropic_base_url="localhost:1234"))


def test_the_settings_name_the_model() -> None:
    assert isinstance(model_for(Settings(model="scripted")), ScriptedModel)
    assert model_for(Settings(anthropic_api_key="sk-1")).name == "claude-sonnet-5-5"
    assert model_for(Settings(anthropic_api_key="sk-1", model="claude-haiku-5-5")).name == "claude-haiku-5-5"


def test_a_server_of_ones_own_gets_the_same_words_and_no_effort() -> None:
    with messages_server(says("Fine.")) as server:
        settings = Settings(model="llama-4", anthropic_api_key=KEY, anthropic_base_url=server.url)
        assert model_for(settings).choose(prompt()).arguments == {"text": "Fine."}
    assert "output_config" not in server.requests[0]


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    yield
    logging.getLogger("anthropic").setLevel(logging.NOTSET)
