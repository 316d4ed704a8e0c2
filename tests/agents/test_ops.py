"""The ops agent runs what runbooks.toml allows, nothing else, and the risky ones only after a yes of ops."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents import AgentError
from agents.ops import CommandFailed, RunCommand, agent, tools
from bot import Approval, Context
from bot.tool import digest_of, needed_approval, schema_of, spec

SHOW = 'command = ["{python}", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", "{value}"]'


def toolbox(folder: Path, text: str) -> dict[str, type[RunCommand]]:
    path = folder / "runbooks.toml"
    path.write_text(text)
    return {spec(tool).name: tool for tool in tools(path)}


def one(folder: Path, *lines: str) -> type[RunCommand]:
    return toolbox(folder, "\n".join(["[show]", 'description = "Show it."', *lines]))["show"]


def code(folder: Path, text: str, *lines: str) -> type[RunCommand]:
    return one(folder, f'command = ["{{python}}", "-c", {json.dumps(text)}]', "risky = false", *lines)


def call(tool: type[RunCommand], **arguments: str) -> RunCommand:
    return tool(**arguments)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context("thread", "key", "Ben", "ben", str(tmp_path / "data"))


def shipped(name: str, **arguments: Any) -> RunCommand:
    tool = agent.tool(name)
    assert tool is not None
    assert issubclass(tool, RunCommand)
    return tool(**arguments)


# What is shipped


def test_restarting_staging_runs_at_once_and_production_waits_for_ops() -> None:
    assert needed_approval(shipped("restart_service", service="api", environment="staging")) is None
    asked = shipped("restart_service", service="api", environment="production")
    assert needed_approval(asked) == Approval(by="ops")
    assert asked.summary() == "restart api on production"


def test_the_model_reads_what_needs_a_yes() -> None:
    tool = agent.tool("restart_service")
    assert tool is not None
    assert spec(tool).description.endswith("It waits for a yes of ops when environment is production.")
    assert schema_of(tool)["properties"]["service"]["enum"] == ["api", "web", "jobs"]


def test_a_demo_restart_is_done_once_and_seen_in_the_status(context: Context) -> None:
    assert "api on production: 3 of 3 instances healthy, not restarted yet" in shipped(
        "service_status", environment="production"
    ).run(context)
    done = shipped("restart_service", service="api", environment="production", reason="memory").run(context)
    assert done.endswith("3 of 3 instances healthy")
    status = shipped("service_status", environment="production").run(context)
    assert "api on production: 3 of 3 instances healthy, restarted 1 times" in status
    assert "web on production: 3 of 3 instances healthy, not restarted yet" in status
    assert "restarted" not in shipped("service_status", environment="staging").run(context).replace("not restarted", "")


def test_the_disk_is_that_of_this_machine(context: Context) -> None:
    assert shipped("disk_space").run(context).startswith("disk of this machine: ")


def test_only_what_changes_nothing_is_run_again_after_a_crash() -> None:
    assert {spec(tool).name for tool in agent.tools if spec(tool).idempotent} == {"service_status", "disk_space"}


# What the model may say


@pytest.mark.parametrize(
    "arguments",
    [
        {"service": "database", "environment": "staging"},
        {"service": "api"},
        {"service": "api", "environment": "production "},
        {"service": "api", "environment": "staging", "command": "rm"},
        {"service": ["api"], "environment": "staging"},
    ],
)
def test_what_the_file_does_not_allow_is_no_call(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        shipped("restart_service", **arguments)


@pytest.mark.parametrize("value", ["; rm -rf /", "$(id)", "`id`", "a b", "{data}", "*", "| cat", '"', "&& true"])
def test_an_argument_is_data_and_stays_one_argument(tmp_path: Path, context: Context, value: str) -> None:
    tool = one(tmp_path, SHOW, 'arguments.value.pattern = ".*"', "risky = false")
    assert json.loads(call(tool, value=value).run(context)) == [value]


@pytest.mark.parametrize("value", ["-rf", "--help", "-", "", "a\nb", "a\0b", "\x1b[1m"])
def test_a_dash_or_a_control_character_is_refused_whatever_the_pattern(tmp_path: Path, value: str) -> None:
    tool = one(tmp_path, SHOW, "arguments.value.pattern = '(?s).*'")
    with pytest.raises(ValidationError):
        call(tool, value=value)


@pytest.mark.parametrize(("pattern", "value"), [("a|b", "xb"), ("a|b", "ax"), ("[a-z]+", "abc\n"), ("[a-z]+", "abc d")])
def test_a_pattern_matches_the_whole_value(tmp_path: Path, pattern: str, value: str) -> None:
    tool = one(tmp_path, SHOW, f"arguments.value.pattern = '{pattern}'")
    with pytest.raises(ValidationError):
        call(tool, value=value)


def test_the_reason_is_for_people_and_never_reaches_the_command(tmp_path: Path, context: Context) -> None:
    tool = one(tmp_path, SHOW, 'arguments.value.pattern = ".*"', "risky = false")
    assert json.loads(call(tool, value="it", reason="because").run(context)) == ["it"]


# How it runs


def test_a_command_sees_none_of_our_tokens(tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "SLACK_BOT_TOKEN", "BOT_SECRET", "REDIS_URL", "SOMETHING_ELSE", "KUBECONFIG"):
        monkeypatch.setenv(name, "here")
    tool = code(tmp_path, "import os; print(os.environ)", 'env = ["KUBECONFIG"]')
    printed = tool().run(context)
    assert "'KUBECONFIG': 'here'" in printed
    assert "'PATH': " in printed
    assert printed.count("'here'") == 1


def test_a_command_runs_in_the_folder_of_its_file_and_knows_the_data_folder(tmp_path: Path) -> None:
    tool = one(
        tmp_path,
        'command = ["{python}", "-c", "import os, sys; print(os.getcwd(), sys.argv[1])", "{data}"]',
        "risky = false",
    )
    printed = tool().run(Context("thread", "key", "Ben", "ben", ".data"))
    assert printed == f"{tmp_path.resolve()} {Path.cwd() / '.data'}"


def test_a_failure_is_one_line_with_the_last_thing_it_said(tmp_path: Path, context: Context) -> None:
    tool = code(tmp_path, "import sys; print('trying'); sys.exit('no such host')")
    with pytest.raises(CommandFailed, match=r"^ended with status 1: no such host$"):
        tool().run(context)


def test_a_command_is_stopped_at_its_own_deadline_before_the_tool_is(tmp_path: Path, context: Context) -> None:
    tool = code(tmp_path, "import time; time.sleep(60)", "timeout = 0.5")
    assert spec(tool).timeout > 0.5
    with pytest.raises(CommandFailed, match=r"^stopped after 0.5 s; part of it may be done$"):
        tool().run(context)


def test_a_missing_program_is_said(tmp_path: Path, context: Context) -> None:
    tool = one(tmp_path, 'command = ["no-such-program"]', "risky = false")
    with pytest.raises(CommandFailed, match=r"^no-such-program could not be started: No such file or directory$"):
        tool().run(context)


def test_warnings_of_a_command_that_succeeds_are_shown(tmp_path: Path, context: Context) -> None:
    tool = code(tmp_path, "import sys; print('careful', file=sys.stderr); print('done')")
    assert tool().run(context) == "done\ncareful"


def test_silence_of_a_command_is_said_too(tmp_path: Path, context: Context) -> None:
    assert code(tmp_path, "pass")().run(context) == "It printed nothing."


# What needs a yes


def test_a_runbook_that_says_nothing_about_risk_is_risky(tmp_path: Path) -> None:
    tool = one(tmp_path, 'command = ["true"]')
    assert needed_approval(tool()) == Approval(by="ops")
    assert spec(tool).description == "Show it.\nIt waits for a yes of ops."
    assert tool().summary() == "show"


def test_a_yes_does_not_cover_a_command_that_was_changed_since(tmp_path: Path) -> None:
    before, after = one(tmp_path, 'command = ["true"]'), one(tmp_path, 'command = ["false"]')
    assert digest_of(before()) != digest_of(after())
    assert digest_of(after()) == digest_of(one(tmp_path, 'command = ["false"]')())


def test_what_a_runbook_marks_as_written_by_strangers_is_not_trusted(tmp_path: Path) -> None:
    assert not spec(one(tmp_path, 'command = ["true"]', "trusted = false")).trusted
    assert spec(one(tmp_path, 'command = ["true"]')).trusted


# Mistakes in the file


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('command = "df -h"', 'command must be a list; write ["…", "…"]'),
        ("risky = true", "command is missing; add it"),
        ('command = ["a"]\nrisk = true', "risk is not known here; correct its spelling or remove it"),
        ('command = ["a", "{who}"]', "command names {who}, which no argument defines"),
        ('command = ["{value}"]\narguments.value.pattern = "a"', "command begins with a placeholder"),
        ('command = ["a"]\nsummary = "to {whom}"', "summary names {whom}, which no argument defines"),
        ('command = ["a"]\narguments.value.pattern = "a"', "argument 'value' is not used in command; use it or remove"),
        (f"{SHOW}\narguments.value = {{}}", 'arguments.value: write either one_of = ["…"] or pattern = "…"'),
        (f'{SHOW}\narguments.value = {{ one_of = ["-a"] }}', "arguments.value: a value of one_of is empty or begins"),
        (f'{SHOW}\narguments.value = {{ pattern = "a)|(b" }}', "arguments.value: pattern is no regular expression"),
        (f'{SHOW}\narguments.value = {{ pattern = "(?=a)" }}', "correct the pattern"),
        ('command = ["a", "{run}"]\narguments.run.pattern = "a"', "the name of argument 'run' is taken; rename it"),
        ('command = ["a", "{reason}"]\narguments.reason.pattern = "a"', "argument 'reason' is taken; rename it"),
        ('command = ["a", "{data}"]\narguments.data.pattern = "a"', "argument 'data' is taken; rename it"),
        ('command = ["a", "{_x}"]\narguments._x.pattern = "a"', "argument '_x' needs a lower-case name"),
        (
            'command = ["a"]\nrisky_when = { place = ["x"] }',
            "risky_when.place must be a list of values from the one_of",
        ),
        (
            f'{SHOW}\narguments.value = {{ one_of = ["a"] }}\nrisky_when = {{ value = ["A"] }}',
            "risky_when.value must be a list of values from the one_of of argument value",
        ),
        (
            f'{SHOW}\narguments.value = {{ one_of = ["a"] }}\nrisky_when = {{ value = ["a"] }}\nrisky = false',
            "it has both risky and risky_when; keep one of them",
        ),
        ('command = ["a"]\nenv = ["ANTHROPIC_API_KEY"]', "env names ANTHROPIC_API_KEY, a secret of Parley; remove it"),
        ('command = ["a"]\ntimeout = 0', "timeout is wrong: Input should be greater than 0"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_file_the_entry_and_the_mend(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(AgentError) as error:
        one(tmp_path, *lines.splitlines())
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'runbooks.toml'}, [show]: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[show\n", "is not TOML: "),
        ("[Show-It]\n", "[Show-It]: name it in lower-case words joined by underscores"),
        ("show = 1\n", "[show]: it must be a table"),
    ],
)
def test_a_file_that_is_no_list_of_runbooks_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AgentError) as error:
        toolbox(tmp_path, text)
    assert said in str(error.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="is missing; write it"):
        tools(tmp_path / "runbooks.toml")
