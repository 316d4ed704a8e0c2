"""The sandbox's web side: who may ask it what, the way through to Parley, the stream of changes, and the page's own files."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sandbox.app import LOOK, PAGE
from tests.sandbox.pageside import Parley, Sandbox, parley, sandbox

FILES = sorted([*PAGE.iterdir(), *LOOK.iterdir()])
SCRIPTS = [file for file in FILES if file.suffix == ".js"]


@pytest.fixture(scope="module")
def behind() -> Iterator[Parley]:
    with parley() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def running(behind: Parley, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), parley=behind.url) as started:
        yield started


# Who may ask


def test_only_this_machines_own_names_are_answered(running: Sandbox) -> None:
    port = running.url.rpartition(":")[2]
    assert running.get("/", Host=f"localhost:{port}")[0] == 200
    assert running.get("/", Host="evil.example")[0] == 400
    assert running.get("/sandbox/cast", Host=f"rebound.example:{port}")[0] == 400


@pytest.mark.parametrize("path", ["/sandbox/slack/post", "/sandbox/mail/send", "/parley/threads/t1/cancel"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_site_can_change_nothing(running: Sandbox, behind: Parley, path: str, origin: str) -> None:
    before = len(behind.asked)
    status, answer = running.post(path, {}, Origin=origin)
    assert status == 403
    assert "another site" in answer["error"]
    assert len(behind.asked) == before


def test_the_page_itself_and_programs_may_change_things(running: Sandbox) -> None:
    said = {"user": "U02ANA", "channel": "C0GENERAL", "text": "hi"}
    assert running.post("/sandbox/slack/post", said, Origin=running.url)[0] == 200
    assert running.post("/sandbox/slack/post", said)[0] == 200


def test_slacks_own_paths_ask_for_a_token_instead_of_an_origin(running: Sandbox) -> None:
    status, answer = running.post(
        "/slack/api/auth.test", {}, Origin="http://elsewhere.example", Authorization="Bearer xoxb-sandbox"
    )
    assert (status, answer["ok"]) == (200, True)
    assert running.post("/slack/api/auth.test", {})[1]["ok"] is False


def test_every_answer_carries_a_policy_that_lets_no_foreign_script_in(running: Sandbox) -> None:
    for path in ("/", "/main.js", "/sandbox/cast", "/nothing-here"):
        request = urllib.request.Request(running.url + path)
        opener = urllib.request.build_opener(_KeepErrors())
        with opener.open(request, timeout=10) as answer:
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "require-trusted-types-for 'script'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"


class _KeepErrors(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: object, response: object) -> object:
        return response


# The way through to Parley


def test_parley_is_asked_the_same_with_a_key_that_the_browser_never_sees(running: Sandbox, behind: Parley) -> None:
    running.get("/parley/threads?address=slack%3AT1%2FC1%2F1.0&x=1")
    asked = behind.asked[-1]
    assert asked.url.path == "/v1/threads"
    assert dict(asked.query_params) == {"address": "slack:T1/C1/1.0", "x": "1"}
    assert asked.headers["authorization"] == "Bearer the-key"


def test_who_the_page_is_acts_with_their_own_key_and_nobody_with_anothers(running: Sandbox, behind: Parley) -> None:
    for person, key in (("ana", "anas-key"), ("ben", "the-key"), ("greta", "the-key"), ("", "the-key")):
        running.get("/parley/threads", **{"x-sandbox-person": person})
        assert behind.asked[-1].headers["authorization"] == f"Bearer {key}"


def test_what_the_browser_claims_about_itself_is_not_passed_on(running: Sandbox, behind: Parley) -> None:
    running.get("/parley/threads", Authorization="Bearer mine", Cookie="a=b")
    assert behind.asked[-1].headers["authorization"] == "Bearer the-key"
    assert "cookie" not in behind.asked[-1].headers


def test_bodies_and_refusals_come_through_as_they_are(running: Sandbox, behind: Parley) -> None:
    assert running.post("/parley/threads/none/fork", {"at": 3}) == (404, {"error": "There is no such thread."})
    assert json.loads(behind.bodies[-1]) == {"at": 3}


def test_nothing_but_parleys_api_can_be_reached_through_the_sandbox(running: Sandbox, behind: Parley) -> None:
    before = len(behind.asked)
    for path in ("/parley/../healthz", "/parley/%2e%2e/healthz", "/parley/x%2f..%2f..%2fhealthz"):
        assert running.get(path)[0] == 404
    assert len(behind.asked) == before


def test_without_parley_the_page_gets_one_sentence(tmp_path: Path) -> None:
    with sandbox(tmp_path) as alone:
        status, answer = alone.get("/parley/threads")
        assert status == 503
        assert answer["error"].startswith("Parley’s web process does not answer")


# The stream of changes


def changes(running: Sandbox, wanted: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{running.url}/sandbox/stream", timeout=10) as stream:
        assert stream.readline() == b": hello\n"
        running.post("/sandbox/slack/post", {"user": "U02ANA", "channel": "C0OPS", "text": "hi"})
        running.post(
            "/sandbox/mail/send", {"from": "ana@example.com", "to": ["ben@example.com"], "subject": "", "text": "hi"}
        )
        while line := stream.readline().decode():
            if line.startswith("data:") and (change := json.loads(line[5:]))["kind"] == wanted:
                return dict(change)
    raise AssertionError("the stream ended")


def test_the_stream_tells_where_something_was_said(running: Sandbox) -> None:
    assert changes(running, "slack") == {"kind": "slack", "channel": "C0OPS"}


def test_the_stream_tells_whose_mailbox_changed(running: Sandbox) -> None:
    assert changes(running, "mail")["address"] in {"ana@example.com", "ben@example.com"}


def test_the_stream_passes_on_what_changed_in_parley(running: Sandbox) -> None:
    assert changes(running, "parley").keys() <= {"kind", "up", "thread"}


# The page's own files


def test_the_page_needs_nothing_from_anywhere_else() -> None:
    for file in FILES:
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, file.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_script_reads_text_as_html(script: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|DOMParser"
    assert not re.search(forbidden, script.read_text())


def test_what_the_page_and_its_scripts_name_is_there(running: Sandbox) -> None:
    named = re.findall(r'(?:src|href)="([\w./]+)', (PAGE / "index.html").read_text())
    imported = [name for script in SCRIPTS for name in re.findall(r'from "((?:\./|/look/)[\w.]+)"', script.read_text())]
    assert {"main.js", "/look/base.css", "/look/icons.svg", "./mail.js", "/look/dom.js"} <= {*named, *imported}
    own = {"/" + name.removeprefix("./").removeprefix("/") for name in (*named, *imported)}
    for name in own - {f"/{file.name}" for file in LOOK.iterdir()}:  # what the files of look/ import of each other
        assert running.get(name)[0] == 200, name


def test_every_icon_that_is_named_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (LOOK / "icons.svg").read_text()))
    named = {name for file in FILES for name in re.findall(r'\bicon\("(\w+)"|icons\.svg#(\w+)"', file.read_text())}
    assert {one or other for one, other in named} <= drawn
