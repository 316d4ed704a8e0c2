"""Many workspaces by OAuth: each installs the app by itself, is told apart in everything, and is forgotten when it removes the app."""

import contextlib
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI

from bot.events import PARLEY, HumanContacted, MessageReceived
from bot.owed import owed
from bot.people import Person, Team
from bot.ports import Undelivered
from bot.settings import Settings, SettingsError
from bot.thread import Thread
from channels.sandbox.slack import Channel, User, Workspace, web_api_router
from channels.sandbox.slack.grid import Grid, grid_router
from channels.sandbox.slack.roster import Installation
from channels.slack.channel import slack_channel
from channels.slack.http import http_app
from channels.slack.installations import Installations
from channels.slack.seal import Seal
from channels.slack.workspaces import Workspaces
from tests.sandbox.slackside import SIGNING_SECRET, eventually, serving
from tests.slack.desk import FlakyStore
from tests.slack.team import TEAM

HOME, AWAY, OPS, ANA = "T0HOME", "T0AWAY", "C0OPS", "U02ANA"
SECRET = "s" * 32
NAMED = Team(agents=TEAM.agents, people={"ana": Person(name="Ana Diaz", slack=(f"{HOME}/{ANA}",))}, routes=TEAM.routes)


@dataclass
class Far:
    """Slack with two workspaces, and Parley's web process beside it."""

    grid: Grid
    url: str
    parley: str
    settings: Settings
    store: FlakyStore

    def post(self, team: str, text: str, thread_ts: str | None = None) -> str:
        return str(self.grid.workspaces[team].post(ANA, OPS, text, thread_ts)["ts"])

    def thread(self, team: str, ts: str) -> Thread:
        id = eventually(lambda: self.store.find(f"slack:{team}/{OPS}/{ts}"))
        found = self.store.load(id)
        assert found is not None
        return found

    def said(self, team: str) -> list[dict[str, Any]]:
        """What Parley said there."""
        workspace = self.grid.workspaces[team]
        return [each for each in workspace.messages(ANA, OPS)["messages"] if each["user"] == workspace.app.bot_user]

    def install(self, team: str) -> tuple[int, str]:
        """Do what a browser does, and somebody who agrees."""
        begun = fetch(f"{self.parley}/slack/install")
        agreed = fetch(f"{begun.location}&team={team}")
        done = fetch(agreed.location, cookie=begun.cookie)
        return done.status, done.body


@dataclass(frozen=True)
class Page:
    status: int
    body: str
    location: str
    cookie: str


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(url: str, cookie: str = "") -> Page:
    opener = urllib.request.build_opener(Stay)
    request = urllib.request.Request(url, headers={"cookie": cookie} if cookie else {})
    try:
        answer = opener.open(request, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        given = (answer.headers.get("set-cookie") or "").partition(";")[0]
        return Page(answer.status, answer.read().decode(), answer.headers.get("location") or "", given)


def workspace(path: Path, team: str, url: str, request_url: str) -> Workspace:
    return Workspace(
        path / team,
        users=(User(ANA, "ana", f"Ana of {team}"),),
        channels=(Channel(OPS, "ops"),),
        bot_token=f"xoxb-{team}",
        app_token="xapp-1",
        signing_secret=SIGNING_SECRET,
        url=url,
        request_url=request_url,
        app=Installation(team=team, team_name=f"Team {team}", bot=f"B{team}", bot_user=f"U0BOT{team}"),
    )


@contextlib.contextmanager
def slack_with_two(path: Path, team: Team = NAMED, token_seconds: int | None = None) -> Iterator[Far]:
    far, near = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    url, parley = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (far, near))
    both = [workspace(path, each, url, f"{parley}/slack/events") for each in (HOME, AWAY)]
    grid, slack, web = Grid(both, "1.1", "client-secret", token_seconds=token_seconds), FastAPI(), FastAPI()
    slack.include_router(grid_router(grid))
    for each in both:
        slack.include_router(web_api_router(each))
    settings = Settings(
        slack_signing_secret=SIGNING_SECRET,
        slack_client_id="1.1",
        slack_client_secret="client-secret",
        slack_api_url=f"{url}/slack/api/",
        public_url=parley,
        secret=SECRET,
    )
    store = FlakyStore()
    web.include_router(http_app(settings, team, store))
    with serving(slack, far), serving(web, near):
        yield Far(grid, url, parley, settings, store)
    for each in both:
        each.records.close()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with slack_with_two(tmp_path) as far:
        yield far


def reply_owed(thread: Thread, address: str) -> Thread:
    asked = HumanContacted(
        id="d9", at=2.0, actor=PARLEY, interaction=f"{thread.id}.1", text="Which one?", surfaces=(address,)
    )
    return thread.extend([asked])


def deliver(far: Far, thread: Thread, address: str) -> str:
    asked = reply_owed(thread, address)
    (delivery,) = owed(asked, 0)
    return slack_channel(far.settings, NAMED, far.store).send(delivery, asked).native


# Installing


def test_each_workspace_installs_it_and_is_answered_with_its_own_token(far: Far) -> None:
    assert far.install(HOME)[0] == far.install(AWAY)[0] == 200
    for team in (HOME, AWAY):
        thread = far.thread(team, far.post(team, "@parley hello"))
        deliver(far, thread, thread.state.home)
        (said,) = far.said(team)
        assert "Which one?" in said["text"]


def test_the_page_says_where_parley_is_now(far: Far) -> None:
    status, body = far.install(HOME)
    assert (status, "Parley is in Team T0HOME." in body) == (200, True)


def test_it_asks_for_the_scopes_of_the_manifest_and_names_the_way_back(far: Far) -> None:
    query = parse_qs(urlsplit(fetch(f"{far.parley}/slack/install").location).query)
    assert "chat:write" in query["scope"][0].split(",")
    assert query["redirect_uri"] == [f"{far.parley}/slack/oauth_redirect"]
    assert len(query["state"][0]) > 30


def test_a_state_is_good_once_and_only_in_the_browser_that_began(far: Far) -> None:
    begun = fetch(f"{far.parley}/slack/install")
    agreed = fetch(f"{begun.location}&team={HOME}")
    assert fetch(agreed.location).status == 400
    assert fetch(agreed.location, cookie="slack-app-oauth-state=another").status == 400
    assert fetch(agreed.location, cookie=begun.cookie).status == 200
    assert fetch(agreed.location, cookie=begun.cookie).status == 401


def test_of_two_who_bring_the_same_state_one_installs(far: Far) -> None:
    begun = fetch(f"{far.parley}/slack/install")
    agreed = fetch(f"{begun.location}&team={HOME}")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: fetch(agreed.location, cookie=begun.cookie).status, range(2)))
    assert sorted(done) == [200, 401]


def test_who_says_no_is_told_so_and_nothing_is_kept(far: Far) -> None:
    refused = fetch(f"{far.parley}/slack/oauth_redirect?error=access_denied&state=x")
    assert "somebody said no" in refused.body
    assert not far.store.kept


def test_what_comes_back_is_never_shown(far: Far) -> None:
    page = fetch(f"{far.parley}/slack/oauth_redirect?error=%3Cscript%3E&state=x")
    assert "script" not in page.body


def test_a_slack_that_does_not_answer_is_a_sentence(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = fetch(f"{far.parley}/slack/install")
    agreed = fetch(f"{begun.location}&team={HOME}")
    monkeypatch.setattr(Grid, "access", broken)
    assert "Try again" in fetch(agreed.location, cookie=begun.cookie).body


def broken(*_: Any) -> None:
    raise RuntimeError


def test_tokens_are_sealed_in_the_store_and_never_logged(far: Far, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    far.install(HOME)
    kept = b"".join(content for content, _ in far.store.kept.values())
    assert kept
    assert b"xox" not in kept
    assert "xox" not in caplog.text
    assert "code=" not in caplog.text


def test_without_a_secret_to_seal_them_nothing_starts(far: Far) -> None:
    without = Settings(slack_client_id="1.1", slack_client_secret="x", slack_signing_secret="y")
    with pytest.raises(SettingsError, match="BOT_SECRET"):
        http_app(without, NAMED, far.store)


# Told apart


def test_the_same_id_in_another_workspace_is_somebody_else(far: Far) -> None:
    far.install(HOME)
    far.install(AWAY)
    known, unknown = (far.thread(team, far.post(team, "@parley hello")).events[0] for team in (HOME, AWAY))
    assert (known.actor.person, known.actor.proof, known.actor.id) == ("ana", "slack", f"slack:{HOME}/{ANA}")
    assert (unknown.actor.person, unknown.actor.id) == (None, f"slack:{AWAY}/{ANA}")


def test_an_id_without_a_workspace_holds_where_there_is_one_and_nowhere_once_there_are_two(tmp_path: Path) -> None:
    bare = Team(agents=TEAM.agents, people={"ana": Person(name="Ana Diaz", slack=(ANA,))})
    with slack_with_two(tmp_path, bare) as far:
        far.install(HOME)
        assert far.thread(HOME, far.post(HOME, "@parley hello")).events[0].actor.person == "ana"
        far.install(AWAY)
        assert far.thread(HOME, far.post(HOME, "@parley hello")).events[0].actor.person is None


def test_the_same_channel_in_two_workspaces_is_two_places(far: Far) -> None:
    far.install(HOME)
    far.install(AWAY)
    for team in (HOME, AWAY):
        event = far.thread(team, far.post(team, "@parley hello")).events[0]
        assert isinstance(event, MessageReceived)
        assert (event.origin.place, event.agent) == (f"slack:{team}/#ops", "ops")


def test_a_place_without_a_workspace_is_refused_where_there_are_two(far: Far) -> None:
    far.install(HOME)
    thread = far.thread(HOME, far.post(HOME, "@parley hello"))
    assert deliver(far, thread, "slack:#ops")
    far.install(AWAY)
    with pytest.raises(Undelivered, match="write T1/#ops"):
        deliver(far, thread, "slack:#ops")
    assert deliver(far, thread, f"slack:{AWAY}/#ops")
    assert far.said(AWAY)


# Removed


def test_who_removes_the_app_is_forgotten_and_the_others_stay(far: Far) -> None:
    far.install(HOME)
    far.install(AWAY)
    thread = far.thread(AWAY, far.post(AWAY, "@parley hello"))
    far.grid.remove(AWAY)
    eventually(lambda: not far.grid.workspaces[AWAY].records.queued())
    with pytest.raises(Undelivered, match=r"not installed in the Slack workspace T0AWAY: install it there"):
        deliver(far, thread, thread.state.home)
    assert far.thread(HOME, far.post(HOME, "@parley hello"))
    far.install(AWAY)
    assert deliver(far, thread, thread.state.home)


def test_news_of_a_removal_that_comes_late_does_not_undo_a_new_installation(far: Far) -> None:
    far.install(HOME)
    far.grid.workspaces[HOME].tell({"type": "app_uninstalled", "event_ts": "1000000000.000000"})
    eventually(lambda: not far.grid.workspaces[HOME].records.queued())
    assert far.thread(HOME, far.post(HOME, "@parley hello"))


def test_what_comes_from_where_it_is_not_installed_is_acknowledged_and_kept_out(far: Far) -> None:
    far.post(AWAY, "@parley hello")
    eventually(lambda: not far.grid.workspaces[AWAY].records.queued())
    assert not far.store.logs


# Tokens that end


def test_a_token_is_exchanged_once_whoever_needs_it(tmp_path: Path) -> None:
    with slack_with_two(tmp_path, token_seconds=7000) as far:  # less than two hours
        far.install(HOME)
        processes = [Workspaces(far.settings, far.store, seconds=5) for _ in range(4)]
        far.grid.token_seconds = 43_200
        ready = threading.Barrier(8)

        def call(number: int) -> str:
            ready.wait()
            return str(processes[number % 4](HOME).auth_test()["team_id"])

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(call, range(8))) == {HOME}
        assert far.grid.exchanges == 1


def test_a_token_that_cannot_be_exchanged_serves_until_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with slack_with_two(tmp_path, token_seconds=7000) as far:
        far.install(HOME)
        monkeypatch.setattr(Grid, "access", broken)
        assert Workspaces(far.settings, far.store, seconds=5)(HOME).auth_test()["ok"]


def test_a_right_that_is_spent_says_to_install_again(tmp_path: Path) -> None:
    with slack_with_two(tmp_path, token_seconds=1) as far:
        far.install(HOME)
        far.grid.remove(HOME)
        far.grid.workspaces[HOME].records.hurry()
        kept = Installations(far.store, Seal(SECRET))
        found = kept.find_installation(enterprise_id=None, team_id=HOME)
        if found is not None:
            found.bot_token_expires_at = 1
            kept.save(found)
        with pytest.raises(SettingsError, match="at /slack/install"):
            Workspaces(far.settings, far.store, seconds=5)(HOME).auth_test()


def test_another_secret_finds_nothing_and_the_first_finds_it_again(far: Far) -> None:
    far.install(HOME)
    assert not Installations(far.store, Seal("t" * 32)).listed()
    assert Installations(far.store, Seal(SECRET)).listed() == {HOME: f"-/{HOME}"}


def test_a_record_that_was_put_under_another_name_is_refused(far: Far) -> None:
    far.install(HOME)
    far.install(AWAY)
    home, away = (next(name for name in far.store.kept if name.endswith(team)) for team in (HOME, AWAY))
    far.store.kept[home] = far.store.kept[away]
    with pytest.raises(SettingsError, match="was changed"):
        Installations(far.store, Seal(SECRET)).find_installation(enterprise_id=None, team_id=HOME)
