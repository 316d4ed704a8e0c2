"""The console: who it acts as, and that nobody but its own page makes it act."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.settings import Settings
from channels.web.app import create_app
from channels.web.console import LOOK, PAGE
from tests.browser import Page, browser
from tests.stage import Stage
from tests.web.asking import HERE, asking, error, on_stage
from tests.web.serving import Watched, serving

FILES = [file for file in (*PAGE.rglob("*.*"), *LOOK.rglob("*.*")) if file.suffix in (".js", ".css", ".html")]


def console(on: Stage, operator: str = "ana") -> TestClient:
    """A client that has opened the page: it has its token and says where it comes from."""
    client = asking(on, "", operator=operator)
    client.headers |= {"x-csrf-token": client.get("/console/api/me").json()["token"], "origin": HERE}
    return client


def asked() -> tuple[Stage, str]:
    on = on_stage(("restart", {"service": "api"}), "Done.")
    on.says("restart the api")
    return on, on.waiting


def test_the_operator_approves_and_it_runs() -> None:
    on, waiting = asked()
    page = console(on)
    assert [row["id"] for row in page.get("/console/api/pending", params={"mine": True}).json()] == [waiting]
    assert page.post(f"/console/api/interactions/{waiting}/answer", json={"decision": "approved"}).json()["counted"]
    on.run()
    assert "tool_returned" in on.types()
    (response,) = [event for event in on.thread().events if event.type == "human_responded"]
    assert (response.actor.person, response.actor.proof) == ("ana", "operator")


def test_the_operator_steers_what_the_api_steers() -> None:
    on, _ = asked()
    page, id = console(on), next(iter(on.store.logs))
    for verb in ("pause", "resume", "cancel"):
        assert page.post(f"/console/api/threads/{id}/{verb}").status_code == 200
    assert page.post("/console/api/threads", json={"text": "hi"}).status_code == 201
    assert page.post(f"/console/api/threads/{id}/fork", json={"at": 1}).status_code == 201


ACTS: list[tuple[str, str, Any]] = [
    ("POST", "/threads", {"text": "hi"}),
    ("POST", "/threads/{id}/messages", {"text": "hi"}),
    ("POST", "/threads/{id}/pause", None),
    ("POST", "/threads/{id}/resume", None),
    ("POST", "/threads/{id}/cancel", None),
    ("POST", "/threads/{id}/fork", {}),
    ("DELETE", "/threads/{id}", None),
    ("POST", "/interactions/{waiting}/answer", {"decision": "approved"}),
]


def test_without_an_operator_one_can_look_and_not_act() -> None:
    on, _ = asked()
    page = console(on, operator="")
    assert len(page.get("/console/api/pending").json()) == 1
    for act in ACTS:
        assert _refused(page, on, act) == "Nobody may act here: set BOT_OPERATOR to a person of bot.toml, then restart."


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:8001", "http://[", "https://"])
def test_another_site_makes_it_do_nothing(origin: str) -> None:
    on, _ = asked()
    page = console(on)
    page.headers["origin"] = origin
    for act in ACTS:
        assert "another site" in _refused(page, on, act)


@pytest.mark.parametrize("token", ["", "guessed"])
def test_without_the_pages_token_it_does_nothing(token: str) -> None:
    on, _ = asked()
    page = console(on)
    page.headers["x-csrf-token"] = token
    for act in ACTS:
        assert "reload" in _refused(page, on, act)


def _refused(page: TestClient, on: Stage, act: tuple[str, str, Any]) -> str:
    """The sentence of a refusal that changed nothing."""
    method, path, body = act
    id, waiting = next(iter(on.store.logs)), on.waiting
    before = {thread: list(log) for thread, log in on.store.logs.items()}
    status, sentence = error(page.request(method, "/console/api" + path.format(id=id, waiting=waiting), json=body))
    assert status == 403
    assert on.store.logs == before
    return sentence


def test_no_key_is_in_the_page_and_a_key_does_not_open_the_console_elsewhere() -> None:
    on = on_stage()
    keys = asking(on, "").get("/").text + asking(on, "").get("/console/api/me").text
    assert "the-key-of" not in keys


# The page's own files


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_loads_nothing_from_elsewhere_and_reads_no_text_as_html(file: Path) -> None:
    text = re.sub(r"http://www\.w3\.org/\S+", "", file.read_text())
    assert "//cdn" not in text
    assert not re.search(r"https?://", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as tab:
        yield tab


@pytest.mark.browser
def test_in_a_browser_the_operator_reads_the_exact_arguments_approves_and_watches(page: Page) -> None:
    on, watched = on_stage(("restart", {"service": "a\u200bpi"}), "It is done."), Watched()
    on.time = time.time()
    on.store.changes = watched.changes  # type: ignore[method-assign]
    id = on.says("restart the api")
    app = create_app(Settings(operator="ana"), on.team, on.store, model_name="scripted")
    with serving(app) as url:
        page.resize(1440, 900)
        page.go(f"{url}/#waiting/{id}")
        page.wait("document.body.dataset.ready && document.querySelector('.timeline > li')")
        assert "a⟨U+200B⟩pi" in page.text(".arguments")
        page.click(".card .button", "Approve")
        page.wait("document.querySelector('.toast')?.innerText.startsWith('Recorded: approved by you')")
        on.run()
        watched.told.put(id)
        page.wait("document.querySelector('.timeline').innerText.includes('It is done.')")
        page.wait("document.querySelector('#talk').innerText.includes('Nothing waits for you.')")
        page.click(".event summary", "returned")
        page.wait("document.querySelector('.event[open] .json').innerText.includes('tool_returned')")
        page.click("#places button", "Health")
        page.wait("document.querySelector('.health').innerText.includes('The store answers and takes writes.')")
        assert page.evaluate("document.querySelectorAll('.health svg .filled').length") > 0
        page.click("#places button", "Cost")
        page.wait("document.querySelector('#talk .lead')?.innerText.startsWith('2 calls of the model, 220 tok')")
        assert "Ben Okafor" in page.text("#talk .figures")
        page.click("#places button", "All threads")
        page.click("#talk input[type=search]")
        page.type("okafor restart")
        page.wait("document.querySelectorAll('.thread-row').length === 1")
        page.type(" nonsense")
        page.wait("document.querySelector('#talk').innerText.includes('No thread is like that.')")
        page.go(f"{url}/docs")
        page.wait("document.querySelectorAll('.call').length >= 13")
    assert page.errors == []
