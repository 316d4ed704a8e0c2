"""The doctor's look at Slack, against the sandbox's Web API and against nothing at all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.checkup import Finding
from bot.people import Config, Person, Route, Team
from bot.settings import Settings
from channels.slack.checkup import check_up, places, scopes, signing_secret, trouble, wanted
from tests.sandbox.slackside import APP_TOKEN, BOT_TOKEN, World, running_workspace

DESK = Route(agent="desk")
TEAM = Team(routes={"slack:#ops": DESK})
SECRET = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_workspace(tmp_path_factory.mktemp("slack")) as world:
        world.workspace.app = replace(world.workspace.app, scopes=tuple(wanted()))
        yield world


def looked(world: World, team: Team | None = TEAM, **changed: str) -> list[Finding]:
    given = {"slack_bot_token": BOT_TOKEN, "slack_app_token": APP_TOKEN, "slack_signing_secret": SECRET}
    settings = Settings(slack_api_url=world.api_url, **{**given, **changed})  # type: ignore[arg-type]
    return list(check_up(settings, team))


def marks(findings: list[Finding]) -> str:
    return "".join(finding.mark for finding in findings)


def test_a_workspace_in_order_is_all_ticks(world: World) -> None:
    findings = looked(world)
    assert marks(findings) == "✓✓✓✓✓"
    assert findings[2].text == "in #ops"


def test_a_channel_that_parley_was_not_invited_to_is_a_warning(world: World) -> None:
    team = Team(routes=dict.fromkeys(("slack:#Support", "slack:#night", "slack:C0OPS", "slack:C0NIGHT"), DESK))
    findings = looked(world, team)
    assert "in #Support, C0OPS" in [each.text for each in findings]
    warned = [each for each in findings if each.mark == "!"]
    assert [each.text for each in warned] == [
        f"bot.toml names {place}, and Parley is not in it" for place in ("#night", "C0NIGHT")
    ]
    assert {each.mend for each in warned} == {"Write there: /invite @parley"}


def test_a_missing_scope_is_named(world: World) -> None:
    finding = scopes({"X-OAuth-Scopes": ",".join(wanted() - {"im:write"})})
    assert (finding.mark, finding.text) == ("✗", "the app lacks the scopes im:write")
    assert "python -m bot slack-manifest" in finding.mend
    assert scopes({}).mark == "!"


@pytest.mark.parametrize("variable", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_a_wrong_token_is_named_with_where_to_get_it_and_never_shown(world: World, variable: str) -> None:
    findings = looked(world, TEAM, **{variable.lower(): "xoxb-guessed"})
    (wrong,) = [each for each in findings if each.mark == "✗"]
    assert wrong.text == f"{variable} is refused by Slack (invalid_auth)"
    assert "Slack app's page" in wrong.mend
    assert "guessed" not in str(findings)


@pytest.mark.parametrize(
    ("code", "text", "mend"),
    [
        ("missing_scope", "SLACK_APP_TOKEN is refused by Slack (missing_scope)", "connections:write"),
        ("internal_error", "Slack is in trouble (internal_error)", "Try again in a minute"),
        ("<b>xapp-1</b>", "Slack is in trouble (unknown_error)", "Try again in a minute"),
    ],
)
def test_slack_s_own_trouble_is_told_apart_from_a_token_s(code: str, text: str, mend: str) -> None:
    finding = trouble(SlackApiError("no", {"error": code}), "SLACK_APP_TOKEN")  # type: ignore[no-untyped-call]
    assert (finding.mark, finding.text) == ("✗", text)
    assert mend in finding.mend


def test_without_settings_slack_is_off_in_one_line() -> None:
    assert list(check_up(Settings(), TEAM)) == [Finding("✓", "off: SLACK_BOT_TOKEN is not set")]


def test_half_of_the_settings_is_a_mistake(world: World) -> None:
    (alone,) = check_up(Settings(slack_app_token=APP_TOKEN), TEAM)
    assert (alone.mark, alone.text) == ("✗", "SLACK_BOT_TOKEN is not set")
    deaf = looked(world, slack_app_token="", slack_signing_secret="")
    assert [each.text for each in deaf if each.mark == "✗"] == ["SLACK_APP_TOKEN is not set"]
    assert "✗" not in marks(looked(world, slack_app_token=""))


def test_a_slack_that_is_not_there_is_one_sentence() -> None:
    settings = Settings(
        slack_bot_token="xoxb-secret", slack_signing_secret=SECRET, slack_api_url="http://127.0.0.1:1/api/"
    )
    findings = list(check_up(settings, TEAM))
    assert findings[0].text == "Slack cannot be reached (ConnectionRefusedError)"
    assert "SLACK_API_URL" in findings[0].mend


@pytest.mark.parametrize(("secret", "mark"), [(SECRET, "✓"), (SECRET.upper(), "!"), (SECRET[1:], "!"), ("xoxb-1", "!")])
def test_a_signing_secret_is_known_by_its_shape(secret: str, mark: str) -> None:
    finding = signing_secret(secret)
    assert finding.mark == mark
    assert secret not in finding.text + finding.mend


def test_only_channels_that_are_named_exactly_are_looked_for() -> None:
    config: dict[str, Any] = {
        "routes": dict.fromkeys(("slack:#ops", "slack:C024", "slack:dm", "slack:*", "slack:#ops-*", "email:*"), "desk"),
        "groups": {"night": {"slack": "#night"}, "day": {}},
        "schedules": {"daily": {"cron": "0 9 * * *", "agent": "desk", "address": "slack:#daily", "text": "hi"}},
    }
    read = Config.model_validate(config)
    team = Team(routes=read.routes, groups=read.groups, schedules=read.schedules)
    assert places(team) == ("#ops", "C024", "#daily", "#night")


def test_a_team_that_cannot_be_read_leaves_the_rest(world: World) -> None:
    assert marks(looked(world, team=None)) == "✓✓✓✓"


def installable(**more: str) -> list[Finding]:
    given = {"slack_client_id": "1.1", "slack_client_secret": "x", "slack_signing_secret": SECRET, "secret": "s" * 32}
    given |= {"public_url": "https://bot.example"}
    settings = Settings(slack_api_url="http://127.0.0.1:1/api/", **{**given, **more})  # type: ignore[arg-type]
    return list(check_up(settings, Team(people={"ana": Person(name="Ana Diaz", slack=("U02ANA",))})))


def test_where_workspaces_install_it_no_token_is_missed_and_ids_without_a_workspace_are() -> None:
    findings = installable()
    assert findings[0] == Finding("✓", "workspaces install it at https://bot.example/slack/install")
    assert marks(findings) == "✓!✓✓"
    assert findings[1].text == "no workspace is named with the Slack ids of Ana Diaz"


def test_what_an_installation_needs_is_named() -> None:
    assert [each.text for each in installable(secret="") if each.mark == "✗"] == ["BOT_SECRET is not set"]
    assert installable(public_url="")[0].mend == "Set PUBLIC_URL to the address of bot web."
    (half,) = check_up(Settings(slack_client_id="1.1"), TEAM)
    assert (half.mark, half.text) == ("✗", "SLACK_CLIENT_SECRET is not set")
