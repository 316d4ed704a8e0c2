"""What the web process serves besides the API: health, figures, the stream of changes, Slack's request URL; and what answers where."""

import asyncio
import json
import urllib.request
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from bot.ports import Unavailable, Undelivered
from bot.settings import Settings, SettingsError
from channels.web.app import create_app
from channels.web.changes import Changes
from channels.web.guard import is_loopback
from tests.web.asking import ANA, HERE, KEYS, asking, error, on_stage
from tests.web.serving import Watched, serving

PRIVATE = ("/", "/docs", "/openapi.json", "/metrics", "/console/main.js", "/look/dom.js", "/console/api/pending")


# Who is answered


@pytest.mark.parametrize("host", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"])
def test_the_console_answers_on_its_own_machine_without_a_key(host: str) -> None:
    ask = asking(on_stage(), "", host=host)
    assert [ask.get(path).status_code for path in PRIVATE] == [200] * len(PRIVATE)


def test_the_console_answers_nobody_else() -> None:
    on = on_stage()
    here, elsewhere = asking(on), asking(on, client="192.168.1.7")
    rebound = asking(on, host="http://rebound.example")
    for path in PRIVATE:
        assert error(elsewhere.get(path))[0] == 403
        assert error(rebound.get(path))[0] == 403
        for mark in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert error(here.get(path, headers={mark: "127.0.0.1"}))[0] == 403


@pytest.mark.parametrize("path", ["/v1/about", "/healthz", "/readyz"])
def test_the_api_and_health_answer_everywhere(path: str) -> None:
    ask = asking(on_stage(), client="203.0.113.9", host="https://parley.example.com")
    assert ask.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"])
def test_knows_the_names_of_its_own_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "::ffff:10.0.0.1", "localhost.evil.example", "testclient"])
def test_knows_what_is_not_its_own_machine(host: str) -> None:
    assert not is_loopback(host)


def test_every_page_forbids_what_it_does_not_need() -> None:
    headers = asking(on_stage(), "").get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("settings", [{"api_keys": ("nobody:k",)}, {"operator": "nobody"}])
def test_a_setting_that_names_nobody_stops_it_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        asking(on_stage(), **settings)


# Health and figures


def test_the_figures_count_threads_open_interactions_and_undelivered_messages() -> None:
    on = on_stage(("restart", {"service": "api"}), "Hello.", "Hello again.")
    on.says("restart the api")
    on.time += 60
    on.slack.trouble = [Undelivered("no such channel")]
    on.says("hi", at="slack:T1/C9/2.0")
    on.slack.trouble = [Undelivered("busy", 30.0)]
    on.says("hi", at="slack:T1/C1/3.0")
    text = asking(on, "").get("/metrics").text
    for line in (
        'parley_threads{status="waiting"} 1',
        'parley_threads{status="failed"} 0',
        'parley_pending{kind="approval"} 1',
        'parley_deliveries{state="failed"} 1',
        'parley_deliveries{state="owed"} 1',
        "parley_deliveries_due 0",
        "parley_oldest_pending_seconds 60.0",
    ):
        assert line in text.splitlines()
    on.time += 40
    assert "parley_deliveries_due 1" in asking(on, "").get("/metrics").text.splitlines()


# Slack's request URL


def test_slack_answers_below_its_path_and_sees_the_path_as_it_came() -> None:
    async def slack(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"slack {scope['path']}")(scope, receive, send)

    on = on_stage()
    app = create_app(Settings(), on.team, on.store, model_name="scripted", slack=slack)
    ask = TestClient(app, base_url="https://parley.example.com", client=("203.0.113.9", 1))
    assert ask.post("/slack/events").text == "slack /slack/events"
    assert error(ask.post("/elsewhere"))[0] == 403


def test_slacks_routes_may_come_as_a_router() -> None:
    slack = APIRouter()
    slack.add_api_route("/slack/events", lambda: {"ok": True}, methods=["POST"])
    on = on_stage()
    app = create_app(Settings(), on.team, on.store, model_name="scripted", slack=slack)
    assert TestClient(app, base_url=HERE).post("/slack/events").json() == {"ok": True}


def test_without_slack_nothing_answers_there() -> None:
    assert error(asking(on_stage()).post("/slack/events"))[0] == 404


# The stream of changes


def test_streams_every_change_to_everybody_who_watches_and_survives_the_store() -> None:
    on = on_stage()
    store = Watched()
    app = create_app(Settings(api_keys=KEYS), on.team, store, model_name="scripted")
    with serving(app) as url:
        first, second = (_open(f"{url}/v1/stream") for _ in range(2))
        store.told.put("t1")
        assert [_next(first), _next(second)] == [{"thread": "t1"}] * 2
        store.told.put(Unavailable())
        store.told.put("t2")
        assert _next(first) == {"thread": "t2"}


def test_a_slow_reader_hears_of_a_thread_once() -> None:
    async def watch() -> list[str]:
        store = Watched()
        changes = Changes(store)
        with changes.watched():
            following = changes.follow()
            first = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0)
            for thread in ("t1", "t2", "t2", "t2", "t3"):
                store.told.put(thread)
            heard = [await first]
            await asyncio.sleep(0.3)
            heard += [await anext(following) for _ in range(2)]
        heard += [thread async for thread in following]
        return heard

    heard = asyncio.run(asyncio.wait_for(watch(), 10))
    assert heard[0] == "t1"
    assert set(heard) == {"t1", "t2", "t3"}
    assert len(heard) <= 4


def _open(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ANA}"})
    return urllib.request.urlopen(request, timeout=10)


def _next(stream: Any) -> Any:
    """The data of the next event."""
    while not (line := stream.readline()).startswith(b"data:"):
        assert line, "the stream ended"
    return json.loads(line.removeprefix(b"data:"))


def test_everything_the_api_takes_and_gives_is_described() -> None:
    spec = asking(on_stage(), "").get("/openapi.json").json()
    assert set(spec["paths"]) == {
        "/v1/about",
        "/v1/costs",
        "/v1/interactions/{id}/answer",
        "/v1/pending",
        "/v1/stream",
        "/v1/threads",
        "/v1/threads/{id}",
        "/v1/threads/{id}/cancel",
        "/v1/threads/{id}/context",
        "/v1/threads/{id}/fork",
        "/v1/threads/{id}/messages",
        "/v1/threads/{id}/pause",
        "/v1/threads/{id}/resume",
    }
    for path, methods in spec["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            (error_shape,) = operation["responses"]["401"]["content"].values()
            assert error_shape["schema"]["$ref"].endswith("/Trouble"), path
