"""``bot doctor``: a line a check, what to do under each that fails, and never a secret, an address or a traceback."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot.__main__ import main
from bot.checkup import Finding, bad, good, warning
from bot.settings import Settings
from channels.slack.checkup import wanted
from tests.messages_server import KEY, Answer, fails, messages_server, says
from tests.sandbox.mailside import AGENT, Mailside
from tests.sandbox.slackside import APP_TOKEN, BOT_TOKEN, running_workspace
from tests.servers import valkey
from workers import doctor
from workers.assembly import team_of
from workers.valkey import embedded

ROOT = Path(__file__).parents[2]
TEAM = team_of(Settings(config=ROOT / "bot.toml"))
SECRET = "a secret for tests, long enough for it"


def marks(findings: list[Finding]) -> str:
    return "".join(finding.mark for finding in findings)


def wrong(findings: list[Finding]) -> dict[str, str]:
    """What does not stand well, and what to do about it."""
    return {finding.text: finding.mend for finding in findings if finding.mark != "✓"}


# The whole


@pytest.fixture
def all_in_order(tmp_path: Path) -> Iterator[Settings]:
    """Everything configured and everything there, on this machine."""
    with (
        running_workspace(tmp_path / "slack") as world,
        Mailside(tmp_path / "mail") as mail,
        messages_server(says("yes")) as server,
    ):
        world.workspace.app = replace(world.workspace.app, scopes=tuple(wanted()))
        yield Settings(
            data=tmp_path,
            config=ROOT / "bot.toml",
            anthropic_api_key=KEY,
            anthropic_base_url=server.url,
            slack_bot_token=BOT_TOKEN,
            slack_app_token=APP_TOKEN,
            slack_signing_secret="0" * 32,
            slack_api_url=world.api_url,
            email_address=AGENT,
            imap_url=mail.imap_url,
            smtp_url=mail.smtp_url,
            email_authserv_id=mail.authserv_id,
            secret=SECRET,
            api_keys=("ana:key-of-ana",),
            operator="ana",
        )


def test_everything_in_order_is_a_tick_a_line(all_in_order: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.examine(all_in_order, send=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("✓ ")] == []
    about = list(dict.fromkeys(line.split()[1] for line in lines))
    assert about == ["settings", "team", "store", "slack", "email", "model", "api", "operator"]


def test_everything_wrong_says_what_to_do_and_shows_no_secret(
    all_in_order: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    guessed = replace(
        all_in_order,
        redis_url="redis://:guessed@127.0.0.1:1/0",
        anthropic_api_key="sk-guessed",
        slack_bot_token="xoxb-guessed",
        slack_app_token="xapp-guessed",
        slack_signing_secret="guessed",
        imap_url=all_in_order.imap_url.replace("sesame", "guessed"),
        smtp_url=all_in_order.smtp_url.replace("sesame", "guessed"),
        api_keys=("zed:guessed",),
        operator="zed",
    )
    assert doctor.examine(guessed, send=True) == 1
    out = capsys.readouterr().out
    failed = {line.split()[1] for line in out.splitlines() if line.startswith("✗")}
    assert failed == {"store", "slack", "email", "model", "api", "operator"}
    assert not re.search(r"guessed|sesame|Traceback|\S@\S", out)
    mended = re.findall(r"^[!✗].*\n {12}\S", out, re.MULTILINE)
    assert len(mended) == len(re.findall(r"^[!✗]", out, re.MULTILINE))


def test_settings_that_cannot_be_read_are_the_whole_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_SECRET", "short")
    assert main(["doctor"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("✗ settings")
    assert "BOT_SECRET is too short: use at least 32 characters" in second


def test_a_team_that_does_not_fit_together_leaves_the_other_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bot.toml").write_text('default_agent = "nobody"')
    settings = Settings(data=tmp_path, config=tmp_path / "bot.toml", model="scripted")
    assert doctor.examine(settings) == 1
    out = capsys.readouterr().out
    assert "names the agent 'nobody'" in out
    assert "✓ store" in out
    assert "operator" not in out


def test_a_check_that_fails_itself_is_a_finding_and_the_next_one_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Settings) -> Iterator[Finding]:
        yield good("so far")
        raise KeyError("a secret")

    monkeypatch.setattr(doctor, "store", broken)
    assert doctor.examine(Settings(data=tmp_path, config=ROOT / "bot.toml", model="scripted")) == 1
    out = capsys.readouterr().out
    assert "✗ store     this could not be looked at (KeyError)" in out
    assert "a secret" not in out
    assert "! model" in out


def test_it_is_plain_on_a_pipe_and_coloured_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [("store", good("fine")), ("store", warning("hm", "Look.")), ("store", bad("no", "Mend."))]
    assert doctor.report(lines) == 1
    plain = capsys.readouterr().out
    assert plain.splitlines()[-1] == "            Mend."
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    doctor.report(lines)
    coloured = capsys.readouterr().out
    assert "\x1b[31m✗\x1b[0m store" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    doctor.report(lines)
    assert capsys.readouterr().out == plain


def test_only_a_cross_is_a_failure() -> None:
    assert doctor.report([("team", good("fine")), ("team", warning("hm", "Look."))]) == 0


# The team


def test_people_whom_no_channel_reaches_are_named() -> None:
    only_slack = Settings(slack_bot_token="xoxb-1")
    dora = replace(TEAM, people={"dora": TEAM.people["ana"].model_copy(update={"name": "Dora", "slack": ()})})
    assert list(wrong(list(doctor.people(only_slack, dora)))) == [
        "Dora has no address on a configured channel and cannot be asked"
    ]
    assert wrong(list(doctor.people(only_slack, TEAM))) == {}


def test_without_any_channel_one_line_says_so() -> None:
    assert list(wrong(list(doctor.people(Settings(), TEAM)))) == ["no channel is on, so nobody can be asked anything"]


# The store


def test_the_embedded_store_is_looked_at_like_any_other(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert wrong(list(doctor.store(settings))) == {}
    with embedded(tmp_path / "valkey") as url, Redis.from_url(url) as client:
        client.config_set("appendfsync", "everysec")
        assert wrong(list(doctor.store(settings))) == {
            "appendfsync is everysec, so a power cut can lose what was acknowledged": "Set appendfsync always."
        }


DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory_policy": "noeviction"}


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with valkey(**DURABLE) as url:
        yield url


@pytest.fixture
def server(durable: str) -> Iterator[Redis]:
    """A durable server's client; whatever a test set is set back."""
    with Redis.from_url(durable) as client:
        kept: dict[str, Any] = client.config_get("*")
        yield client
        client.replicaof("NO", "ONE")
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "requirepass"):
            client.config_set(name, kept[name])


def looked(url: str) -> dict[str, str]:
    return wrong(list(doctor.store(Settings(redis_url=url))))


def test_a_durable_store_is_all_ticks(durable: str) -> None:
    assert looked(durable) == {}


@pytest.mark.parametrize(
    ("name", "value", "text", "mend"),
    [
        ("appendonly", "no", "appendonly is off", "Set appendonly yes."),
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru", "Set maxmemory-policy noeviction."),
        ("maxmemory", "1000000", "it is full and takes nothing more", "maxmemory"),
        ("requirepass", "a-password", "the store cannot be used", "refuses the user or the password of REDIS_URL"),
    ],
)
def test_what_is_set_wrong_is_one_line_with_its_mend(
    durable: str, server: Redis, name: str, value: str, text: str, mend: str
) -> None:
    server.config_set(name, value)
    ((said, todo),) = looked(durable).items()
    assert said.startswith(text)
    assert mend in todo


def test_a_read_only_replica_is_told_apart(durable: str, server: Redis) -> None:
    server.replicaof("127.0.0.1", "1")
    assert looked(durable) == dict.fromkeys(
        ("it is a replica", "it takes no writes, being a replica"), "Let REDIS_URL name the master."
    )


def test_a_store_that_is_nearly_full_is_a_warning(durable: str, server: Redis) -> None:
    used = int(server.info("memory")["used_memory"])
    server.config_set("maxmemory", used + 40_000 + used // 20)
    ((said, _),) = looked(durable).items()
    assert re.fullmatch(r"\d\d% of its memory is used", said)


def test_a_store_that_is_not_there_or_not_named_right_is_one_line(tmp_path: Path) -> None:
    assert looked("redis://127.0.0.1:1") == {
        "the store cannot be used": "Redis cannot be reached; start it, or correct REDIS_URL."
    }
    assert "REDIS_URL is malformed" in looked("redis://127.0.0.1/0?socket_timeout=soon")["the store cannot be used"]


def test_a_user_who_may_not_ask_or_write_is_told_which_rights_are_missing(durable: str, server: Redis) -> None:
    server.execute_command("ACL", "SETUSER", "guest", "on", ">pw", "~*", "+time", "+ping")  # type: ignore[no-untyped-call]
    found = looked(durable.replace("unix://", "unix://guest:pw@"))
    assert list(found) == ["the store does not say how it is set up", "REDIS_URL's user may not write"]


# The model


def asked(answer: Answer, *, key: str = KEY) -> Finding:
    with messages_server(answer) as server:
        return doctor.model(Settings(anthropic_api_key=key, anthropic_base_url=server.url))


def test_a_model_that_answers_is_named() -> None:
    assert asked(says("yes")) == good("claude-sonnet-5-5 answers")


def test_what_keeps_the_model_from_answering_is_said_in_one_sentence() -> None:
    wrong_key = asked(says("yes"), key="sk-wrong")
    assert (wrong_key.mark, "ANTHROPIC_API_KEY" in wrong_key.mend) == ("✗", True)
    assert "sk-wrong" not in str(wrong_key)
    assert "BOT_MODEL" in asked(fails(404, "not_found_error", "model: gone")).mend
    assert asked(fails(529, "overloaded_error", "Overloaded")).mark == "!"
    away = doctor.model(Settings(anthropic_api_key=KEY, anthropic_base_url="http://127.0.0.1:1"))
    assert (away.mark, "ANTHROPIC_BASE_URL" in away.mend) == ("✗", True)


def test_without_a_key_there_is_no_model_and_the_stand_in_is_called_one() -> None:
    missing = doctor.model(Settings())
    assert (missing.mark, "ANTHROPIC_API_KEY is not set" in missing.mend) == ("✗", True)
    stand_in = doctor.model(Settings(model="scripted"))
    assert (stand_in.mark, "stand-in" in stand_in.text) == ("!", True)


# Who may do what from outside


@pytest.mark.parametrize(
    ("entries", "mark", "text"),
    [
        ((), "✓", "off"),
        (("ana:k1", "k2"), "✓", "2 keys, for Ana Diaz and nobody in particular"),
        (("zed:k1",), "✗", "BOT_API_KEYS cannot be used"),
    ],
)
def test_every_key_belongs_to_somebody_who_is_known(entries: tuple[str, ...], mark: str, text: str) -> None:
    finding = doctor.keys(Settings(api_keys=entries), TEAM)
    assert finding.mark == mark
    assert finding.text.startswith(text)
    assert not re.search(r"\bk[12]\b", finding.text + finding.mend)


@pytest.mark.parametrize(("operator", "mark"), [("", "✓"), ("ana", "✓"), ("zed", "✗")])
def test_the_operator_is_a_person_of_bot_toml(operator: str, mark: str) -> None:
    assert doctor.operator(Settings(operator=operator), TEAM).mark == mark
