"""``python -m bot``: whatever is missing or malformed is one sentence that names it and the mend, before anything starts."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
from redis import Redis

from bot.__main__ import main
from bot.settings import FIELDS, Settings
from tests.sandbox.slackside import APP_TOKEN, BOT_TOKEN, World, running_workspace
from tests.servers import valkey
from workers.logs import set_up_logs

ROOT = Path(__file__).parents[2]
WORKING = {"BOT_MODEL": "scripted", "BOT_DATA": "data"}
MAIL = {"EMAIL_ADDRESS": "parley@example.com", "IMAP_URL": "imap://127.0.0.1:1", "SMTP_URL": "smtp://127.0.0.1:1"}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": "http://127.0.0.1:1/api/"}
NOWHERE = "redis://:hunter2@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a bot.toml and prompts of its own, and no settings but those that work."""
    shutil.copy(ROOT / "bot.toml", tmp_path)
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    monkeypatch.chdir(tmp_path)
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    for name, value in WORKING.items():
        monkeypatch.setenv(name, value)
    root, ended = logging.getLogger(), signal.getsignal(signal.SIGTERM)
    handlers, level = root.handlers[:], root.level
    yield tmp_path
    root.handlers[:], root.level = handlers, level
    signal.signal(signal.SIGTERM, ended)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> "Say":
    return Say(capsys, monkeypatch)


class Say:
    """Run one command in this process, with these settings."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, command: str, settings: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Its status, stdout and stderr."""
        for name, value in (settings or {}).items():
            self.monkeypatch.setenv(name, value)
        status = main(command.split())
        return status, *self.capsys.readouterr()

    def refused(self, command: str, settings: Mapping[str, str] | None = None) -> str:
        """The one sentence with which it does not start."""
        status, out, errors = self(command, settings)
        (sentence,) = [line for line in errors.splitlines() if line.startswith("bot: ")]
        assert (status, out) == (1, ""), errors
        assert errors.rstrip().endswith(sentence), "nothing follows it"
        assert "Traceback" not in errors
        assert "hunter2" not in errors
        return sentence


SETTINGS = [
    ("web", {"PORT": "eighty"}, "PORT is no port number: write one"),
    ("worker", {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is DEBUG, INFO"),
    ("worker", {"LOG_FORMAT": "xml"}, "LOG_FORMAT is console or json"),
    ("worker", {"BOT_RETENTION_DAYS": "soon"}, "BOT_RETENTION_DAYS is no number of days"),
    ("worker", {"BOT_SECRET": "hunter2"}, "BOT_SECRET is too short: use at least 32"),
    ("worker", {"BOT_MODEL": ""}, "ANTHROPIC_API_KEY is not set: put your key into .env"),
    ("worker", {"BOT_MODEL": "", "ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "ftp://x"}, "ANTHROPIC_BASE_URL must"),
    ("worker", MAIL, "BOT_SECRET is not set: write 32 random characters"),
    ("worker", {"SLACK_API_URL": "https://slack.com"}, "SLACK_API_URL must end in /api/"),
    ("email", {}, "EMAIL_ADDRESS is not set"),
    ("email", {"EMAIL_ADDRESS": "nobody"}, "EMAIL_ADDRESS is no email address: write one"),
    ("email", {**MAIL, "IMAP_URL": "https://u:hunter2@h"}, "IMAP_URL must start with imaps:// or imap://"),
    ("email", {**MAIL, "SMTP_URL": "smtp://u:hun/ter2@h:x"}, "SMTP_URL is no URL: percent-encode"),
    ("email", MAIL, "BOT_SECRET is not set"),
    ("slack", {}, "SLACK_BOT_TOKEN is not set: copy the Bot User OAuth Token"),
    ("slack", {"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN is not set: create an app-level token"),
    ("web", {"BOT_API_KEYS": "zed:hunter2"}, "Entry 1 of BOT_API_KEYS begins with a name that is no person"),
    ("web", {"BOT_API_KEYS": "ana:"}, "Entry 1 of BOT_API_KEYS holds no key: write"),
    ("web", {"BOT_OPERATOR": "zed"}, "BOT_OPERATOR names 'zed', who is no person of bot.toml"),
    ("threads", {"BOT_OPERATOR": "zed"}, "BOT_OPERATOR names 'zed', who is no person of bot.toml"),
    ("web", {"HOST": "nowhere.invalid"}, "of nowhere.invalid cannot be used"),
    ("threads", {"REDIS_URL": "http://:hunter2@h"}, "REDIS_URL must start with redis://"),
    ("threads", {"REDIS_URL": "redis://:hunter2@h?socket_timeout=x"}, "REDIS_URL is malformed: write one"),
    ("threads", {"BOT_CONFIG": "other.toml"}, "other.toml is missing: copy bot.toml"),
    ("threads", {"BOT_CONFIG": "prompts"}, "prompts cannot be used (Is a directory)"),
    ("threads", {"BOT_DATA": "bot.toml"}, "bot.toml/valkey cannot be used (Not a directory)"),
    ("demo", SLACK, "does not start beside real ones: unset SLACK_BOT_TOKEN"),
]


@pytest.mark.parametrize(("command", "settings", "sentence"), SETTINGS)
def test_a_setting_that_is_missing_or_malformed_is_named_with_its_mend(
    say: Say, command: str, settings: dict[str, str], sentence: str
) -> None:
    assert sentence in say.refused(command, settings)


PROCESSES = [
    ("web", {"PORT": "0"}),
    ("slack", SLACK),
    ("email", {**MAIL, "BOT_SECRET": "x" * 32}),
    ("worker", {}),
    ("threads", {}),
]


@pytest.mark.parametrize(("command", "settings"), PROCESSES)
def test_no_process_starts_without_its_store(say: Say, command: str, settings: dict[str, str]) -> None:
    sentence = say.refused(command, {**settings, "REDIS_URL": NOWHERE})
    assert sentence == "bot: Redis cannot be reached; start it, or correct REDIS_URL."


def test_a_store_that_wants_another_password_is_told_apart_from_one_that_is_away(say: Say) -> None:
    with valkey() as url, Redis.from_url(url) as client:
        client.config_set("requirepass", "right")
        sentence = say.refused("worker", {"REDIS_URL": url.replace("://", "://:hunter2@")})
        client.config_set("requirepass", "")
    assert "refuses the user or the password of REDIS_URL" in sentence


# Files


FILES = [
    ("bot.toml", "default_agent = ", "bot.toml is not valid TOML"),
    ("bot.toml", 'default_agent = "nobody"', "bot.toml: default_agent names the agent 'nobody'; there are frontdesk"),
    ("bot.toml", '[routes]\n"slack:#ops" = "opps"', "bot.toml: routes.\"slack:#ops\" names the agent 'opps'"),
    ("bot.toml", "[people.ana]\nslack = 'U1'", "bot.toml: people.ana.name"),
    ("bot.toml", "[people.ana]\nname = 'Ana'\nphone = '1'", "bot.toml: people.ana.phone"),
    ("bot.toml", "[people.ops]\nname = 'Ops'\n[groups.ops]", "'ops' is both a person and a group; rename one"),
    ("prompts/ops.md", None, "prompts/ops.md is missing; write there"),
    ("prompts/ops.md", " \n", "prompts/ops.md is empty; write there"),
    ("prompts/ops.md", b"\xff\xfe", "prompts/ops.md is not UTF-8; save it"),
    (".env", b"\xff\xfe", ".env is not UTF-8: save it"),
    (".env", "PORT=eighty", "PORT is no port number"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), FILES)
def test_a_file_that_is_missing_or_malformed_is_named_with_its_mend(
    say: Say, checkout: Path, name: str, content: str | bytes | None, sentence: str
) -> None:
    if content is None:
        (checkout / name).unlink()
    else:
        (checkout / name).write_bytes(content.encode() if isinstance(content, str) else content)
    assert sentence in say.refused("worker")
    assert not (checkout / "data").exists(), "before anything starts"


# Far sides


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        yield world


@pytest.mark.parametrize("command", ["slack", "worker", "web"])
def test_a_token_that_slack_refuses_starts_nothing(say: Say, world: World, redis_url: str, command: str) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-hunter2", "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": world.api_url}
    sentence = say.refused(command, {**tokens, "REDIS_URL": redis_url, "PORT": "0"})
    assert sentence.startswith("bot: SLACK_BOT_TOKEN is refused by Slack (invalid_auth): copy it again")


def test_an_app_token_that_slack_refuses_starts_no_socket(say: Say, world: World, redis_url: str) -> None:
    tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": "xapp-hunter2", "SLACK_API_URL": world.api_url}
    assert "SLACK_APP_TOKEN is refused by Slack" in say.refused("slack", {**tokens, "REDIS_URL": redis_url})


def test_a_taken_port_is_named_before_the_store_is_opened(say: Say, checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        sentence = say.refused("web", {"PORT": port})
        assert sentence.startswith(f"bot: Port {port} of 127.0.0.1 cannot be used (Address already in use): stop what")
        assert port in say.refused("demo", {"PORT": port})
    assert not (checkout / "data").exists()


# The command line


@pytest.mark.parametrize("command", ["", "fly", "show", "start ops", "fork ID --at soon", "threads --xml"])
def test_a_mistake_in_use_is_status_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    out, errors = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert errors.startswith("usage: python -m bot")


@pytest.mark.parametrize(
    ("command", "sentence"), [("show nope", "list them with"), ("start nobody hello", "there are")]
)
def test_what_does_not_exist_is_status_1_with_what_does(say: Say, redis_url: str, command: str, sentence: str) -> None:
    assert sentence in say.refused(command, {"REDIS_URL": redis_url})


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "fork", "forget"])
def test_a_command_line_that_is_nobody_may_only_look_start_and_say(say: Say, redis_url: str, command: str) -> None:
    _, started, _ = say("start ops hello", {"REDIS_URL": redis_url})
    id = started.strip()
    assert say(f"say {id} hello")[0] == 0
    assert "takes a person of bot.toml" in say.refused(f"{command} {id}")
    assert [event["type"] for event in json.loads(say(f"show {id} --json")[1])["events"]] == ["message_received"] * 2
    assert say(f"{command} {id}", {"BOT_OPERATOR": "ana"})[0] == 0


@pytest.mark.parametrize("command", ["threads", "pending"])
def test_with_json_stdout_holds_json_only(say: Say, redis_url: str, command: str) -> None:
    status, out, errors = say(f"{command} --json", {"REDIS_URL": redis_url})
    assert (status, json.loads(out), errors) == (0, [], "")
    assert say.refused(f"{command} --json", {"REDIS_URL": NOWHERE})


def test_logs_have_the_format_and_the_level_that_was_asked_for(say: Say) -> None:
    settings = {"REDIS_URL": NOWHERE, "LOG_FORMAT": "json"}
    *logged, last = say("worker", settings)[2].splitlines()
    assert "scripted stand-in" in " ".join(json.loads(line)["message"] for line in logged)
    assert last.startswith("bot: ")
    assert say("worker", {**settings, "LOG_LEVEL": "error"})[2].splitlines() == [last]


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_trace_in_the_log_tells_type_and_place_and_not_what_the_error_says(
    format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(Settings(log_format=format))
    words = "words of somebody"
    try:
        int(words)
    except ValueError:
        logging.getLogger("parley").exception("it failed")
    logged = capsys.readouterr().err
    assert "it failed" in logged
    assert "ValueError" in logged
    assert "test_starting.py" in logged
    assert words not in logged


@pytest.mark.parametrize("command", ["show {id}", "say {id} hi", "answer {id}.i1 yes", "audit"])
def test_a_thread_of_a_newer_version_is_one_sentence(say: Say, redis_url: str, command: str) -> None:
    id = say("start ops hello", {"REDIS_URL": redis_url})[1].strip()
    with Redis.from_url(redis_url) as client:
        client.rpush(f"t:{id}", '{"id":"x","type":"teleported","at":1}')
    assert "newer version" in say.refused(command.format(id=id))


# As processes


def process(command: str, **settings: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    given = [sys.executable, "-m", "bot", *command.split()]
    return subprocess.Popen(given, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_process_that_cannot_start_ends_with_status_1_and_one_line() -> None:
    refused = process("worker", BOT_MODEL="")
    out, errors = refused.communicate(timeout=30)
    assert (refused.returncode, out, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("bot: ANTHROPIC_API_KEY is not set")


def test_a_process_that_is_told_to_stop_stops_the_embedded_store_behind_it(checkout: Path) -> None:
    running = process("web", PORT="0")
    assert running.stderr is not None
    assert running.stderr.readline().startswith("listening on http://127.0.0.1:")
    assert (checkout / "data/valkey/valkey.sock").exists()
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert running.communicate() == ("", "")
    assert not (checkout / "data/valkey/valkey.sock").exists()
