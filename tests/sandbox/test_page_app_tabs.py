"""What the page shows of an app at work, in a real browser: its Home tab, its suggestions, a card of steps, and the Stop button."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.messages.chunk import TaskUpdateChunk

from tests.browser import Page, browser
from tests.sandbox.pageside import Sandbox, parley, sandbox
from tests.sandbox.slackside import BOT_TOKEN, connected

pytestmark = pytest.mark.browser

ANA = "U02ANA"
HEARD: list[dict[str, Any]] = []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with parley() as behind, sandbox(tmp_path_factory.mktemp("sandbox"), parley=behind.url) as started:
        yield started


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as page:
        page.resize(1440, 900)
        yield page


@pytest.fixture(scope="module")
def bot(running: Sandbox) -> Iterator[WebClient]:
    """An app that publishes a Home tab with one button, and says there when it was pressed."""
    client = WebClient(BOT_TOKEN, base_url=f"{running.url}/slack/api/")
    app = App(client=client)

    @app.event("app_home_opened")
    def opened(event: dict[str, Any], client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view=home("One thing waits"))
        prompts = [{"title": "Hello?", "message": "hello there"}]
        client.assistant_threads_setSuggestedPrompts(channel_id=event["channel"], title="Try this", prompts=prompts)

    @app.action("yes")
    def pressed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_publish(user_id=body["user"]["id"], view=home("Nothing waits"))

    @app.event(re.compile(".*"))
    def hear(ack: Ack, event: dict[str, Any]) -> None:
        ack()
        HEARD.append(event)

    with connected(app):
        yield client


def home(text: str) -> dict[str, Any]:
    button = {"type": "button", "action_id": "yes", "text": {"type": "plain_text", "text": "Approve"}, "value": "1"}
    said = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {"type": "home", "blocks": [said, {"type": "actions", "block_id": "decide", "elements": [button]}]}


def at(page: Page, running: Sandbox, place: str) -> None:
    page.go(f"{running.url}/#{place}")
    page.wait("document.body.dataset.ready")


def direct(running: Sandbox) -> str:
    _, opened = running.post("/sandbox/slack/dm", {"user": ANA, "with": "U00PARLEY"})
    return str(opened["channel"])


def shows(page: Page, text: str, where: str) -> None:
    page.wait(f"document.querySelector('{where}')?.innerText.includes({text!r})")


def test_what_waits_is_decided_on_the_home_tab(page: Page, running: Sandbox, bot: WebClient) -> None:
    at(page, running, f"ana/slack/{direct(running)}")
    page.click(".app-tabs button", "Home")
    shows(page, "One thing waits", ".app-home")
    page.click(".app-home button", "Approve")
    shows(page, "Nothing waits", ".app-home")
    page.click(".app-tabs button", "Messages")
    page.wait("document.querySelector('.app-home').hidden")


def test_a_suggestion_is_said_with_one_press(page: Page, running: Sandbox, bot: WebClient) -> None:
    at(page, running, f"ana/slack/{direct(running)}")
    page.click(".nothing button", "Hello?")
    shows(page, "hello there", ".messages")


def test_steps_grow_in_a_card_and_the_work_can_be_stopped(page: Page, running: Sandbox, bot: WebClient) -> None:
    _, sent = running.post("/sandbox/slack/post", {"user": ANA, "channel": "C0OPS", "text": "look into it"})
    ts = sent["ts"]
    bot.agents_sessions_setStatus(channel_id="C0OPS", thread_ts=ts, status="processing")
    bot.chat_startStream(
        channel="C0OPS",
        thread_ts=ts,
        chunks=[TaskUpdateChunk(id="1", title="Searching the runbooks", status="in_progress")],
        recipient_team_id="T0SANDBOX",
        recipient_user_id=ANA,
    )
    at(page, running, f"ana/slack/C0OPS/{ts}")
    shows(page, "Searching the runbooks", ".thread .messages")
    page.click(".thread .status button", "Stop")
    page.wait("!document.querySelector('.thread .streaming')")
    assert [event["user"] for event in HEARD if event["type"] == "agent_session_stopped"] == [ANA]
