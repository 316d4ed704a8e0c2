"""The manifest that is printed: the checked-in one for Socket Mode, and what differs elsewhere."""

import json
from pathlib import Path

import pytest

import channels.slack
from bot.__main__ import main
from channels.slack.manifest import events, manifest, scopes

CHECKED_IN = json.loads((Path(channels.slack.__file__).parent / "manifest.json").read_text())


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no .env is."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


def test_it_prints_the_checked_in_one_for_socket_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slack-manifest"]) == 0
    assert json.loads(capsys.readouterr().out) == CHECKED_IN == manifest()


def test_for_http_slack_is_told_the_request_url_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slack-manifest", "--http", "https://bot.example/"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert not settings["socket_mode_enabled"]
    assert settings["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
    assert settings["interactivity"]["request_url"] == "https://bot.example/slack/events"


def test_with_a_client_id_it_is_for_many_workspaces(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.1")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "x")
    assert main(["slack-manifest", "--http", "https://bot.example"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["oauth_config"]["redirect_urls"] == ["https://bot.example/slack/oauth_redirect"]
    assert made["settings"]["org_deploy_enabled"]
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) - set(events()) == {
        "app_uninstalled",
        "team_access_revoked",
        "tokens_revoked",
    }


def test_an_address_that_slack_does_not_call_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slack-manifest", "--http", "http://bot.example"]) == 1
    assert "https addresses only" in capsys.readouterr().err


def test_every_mode_asks_for_the_same_scopes() -> None:
    for made in (manifest(), manifest("https://bot.example"), manifest("https://bot.example", installable=True)):
        assert tuple(made["oauth_config"]["scopes"]["bot"]) == scopes()
