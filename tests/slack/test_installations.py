"""The records of who installed Parley: by organisation and workspace, on the double of the store."""

import time

from slack_sdk.oauth.installation_store import Installation

from bot.memory import MemoryStore
from bot.settings import Settings
from channels.slack.installations import Installations, States
from channels.slack.workspaces import Workspaces, installations_of

SETTINGS = Settings(slack_client_id="1.1", slack_client_secret="x", secret="s" * 32)


def made(enterprise: str | None, team: str | None, token: str) -> Installation:
    return Installation(
        enterprise_id=enterprise,
        team_id=team,
        user_id="U1",
        bot_token=token,
        bot_id="B1",
        bot_user_id=f"U0{token}",
        is_enterprise_install=team is None,
    )


def token(kept: Installations, team: str, enterprise: str | None = None) -> str | None:
    found = kept.find_installation(enterprise_id=enterprise, team_id=team)
    return found.bot_token if found else None


def test_an_organisation_stands_for_each_of_its_workspaces_once_it_was_heard_of() -> None:
    kept = installations_of(SETTINGS, MemoryStore())
    kept.save(made("E1", None, "org"))
    assert token(kept, "T1") is None
    assert token(kept, "T1", "E1") == "org"
    assert token(kept, "T1") == "org"  # a delivery knows the workspace alone
    assert token(kept, "T2", "E2") is None


def test_a_workspace_s_own_record_comes_before_its_organisation_s() -> None:
    kept = installations_of(SETTINGS, MemoryStore())
    kept.save(made("E1", None, "org"))
    kept.save(made("E1", "T1", "own"))
    assert (token(kept, "T1", "E1"), token(kept, "T2", "E1")) == ("own", "org")


def test_a_workspace_that_leaves_an_organisation_s_installation_takes_nobody_along() -> None:
    store = MemoryStore()
    places, kept = Workspaces(SETTINGS, store, seconds=1), installations_of(SETTINGS, store)
    kept.save(made("E1", None, "org"))
    assert places.know("T1", "E1")
    assert places.know("T2", "E1")
    places.leave("T1", "E1", time.time() + 1, whole=False)
    assert (token(kept, "T1"), token(kept, "T2")) == (None, "org")
    places.leave("T2", "E1", time.time() + 1, whole=True)
    assert not kept.listed()
    assert token(kept, "T2", "E1") is None


def test_each_workspace_knows_parley_by_its_own_user() -> None:
    store = MemoryStore()
    places, kept = Workspaces(SETTINGS, store, seconds=1), installations_of(SETTINGS, store)
    kept.save(made(None, "T1", "one"))
    kept.save(made("E1", "T2", "two"))
    mine = [places(team).me() for team in ("T1", "T2")]  # type: ignore[attr-defined]
    assert [(me.team, me.user, me.enterprise) for me in mine] == [("T1", "U0one", ""), ("T2", "U0two", "E1")]


def test_what_was_kept_is_read_as_it_was_given() -> None:
    kept = installations_of(SETTINGS, MemoryStore())
    given = made("E1", "T1", "one")
    given.bot_scopes, given.bot_refresh_token, given.bot_token_expires_at = (
        ["chat:write", "im:write"],
        "r",
        1_800_000_000,
    )
    kept.save(given)
    found = kept.find_installation(enterprise_id="E1", team_id="T1")
    assert found is not None
    assert found.to_dict_for_copying() == given.to_dict_for_copying()


def test_a_state_ends_after_ten_minutes() -> None:
    now = [1000.0]
    states = States(MemoryStore(lambda: now[0]))
    late, soon = states.issue(), states.issue()
    assert states.consume(soon)
    now[0] += 601
    assert not states.consume(late)
