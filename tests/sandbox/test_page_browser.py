"""The page in a real browser: what people see, and that nothing that anybody writes can be more than text."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from tests.browser import Page, browser
from tests.sandbox.pageside import Parley, Sandbox, parley, sandbox
from tests.sandbox.slackside import BOT_TOKEN, connected

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
QUESTION = {"type": "plain_text_input", "action_id": "text", "multiline": True}
VIEW = {
    "type": "modal",
    "callback_id": "why",
    "title": {"type": "plain_text", "text": "Deny"},
    "submit": {"type": "plain_text", "text": "Deny it"},
    "blocks": [
        {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"}, "element": QUESTION}
    ],
}
CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Approval needed*"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": "yes", "text": {"type": "plain_text", "text": "Approve"}, "value": "1"},
            {"type": "button", "action_id": "no", "text": {"type": "plain_text", "text": "Deny…"}, "value": "1"},
        ],
    },
]


@pytest.fixture(scope="module")
def behind() -> Iterator[Parley]:
    with parley() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def running(behind: Parley, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), parley=behind.url) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def page(chromium: Page, running: Sandbox) -> Iterator[Page]:
    chromium.errors.clear()
    chromium.resize(1440, 900)
    chromium.go("about:blank")
    yield chromium
    assert [error for error in chromium.errors if "sandboxed" not in error and "img-src" not in error] == []


@pytest.fixture(scope="module")
def bot(running: Sandbox) -> Iterator[WebClient]:
    """The app, connected as slack-bolt connects it: Deny opens a modal that wants a reason longer than a word."""
    client = WebClient(BOT_TOKEN, base_url=f"{running.url}/slack/api/")
    app = App(client=client)

    @app.action("no")
    def ask_why(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=VIEW)

    @app.view("why")
    def answer(ack: Ack, view: dict[str, Any]) -> None:
        words = view["state"]["values"]["why"]["text"]["value"]
        ack() if " " in words else ack(response_action="errors", errors={"why": "More words, please."})

    @app.event(re.compile(".*"))
    def hear(ack: Ack) -> None:
        ack()

    with connected(app):
        yield client


def at(page: Page, running: Sandbox, place: str) -> None:
    page.go(f"{running.url}/#{place}")
    page.wait("document.body.dataset.ready")


def say(running: Sandbox, channel: str, text: str, user: str = "U03BEN", **more: str) -> str:
    _, sent = running.post("/sandbox/slack/post", {"user": user, "channel": channel, "text": text, **more})
    return str(sent["ts"])


def mail(running: Sandbox, **letter: Any) -> str:
    to_greta = {"from": "ana@example.com", "to": ["greta.weber@customer.example"], "subject": "Lamp", "text": "Hello"}
    _, sent = running.post("/sandbox/mail/send", {**to_greta, **letter})
    return str(sent["message_id"]).strip("<>")


def shows(page: Page, text: str, selector: str = "main") -> None:
    page.wait(f"document.querySelector({json.dumps(selector)})?.innerText.includes({json.dumps(text)})")


# Slack


def test_what_somebody_says_appears_without_reloading(page: Page, running: Sandbox) -> None:
    at(page, running, "ana/slack/C0SUPPORT")
    shows(page, "#support", ".pane-head")
    say(running, "C0SUPPORT", "the *second* lamp, <b>really</b>")
    shows(page, "the second lamp, <b>really</b>", ".messages")


def test_enter_sends_and_a_name_completes_from_the_keyboard(page: Page, running: Sandbox) -> None:
    at(page, running, "ana/slack/C0GENERAL")
    page.click(".channel textarea")
    page.type("hello @be")
    page.wait("document.querySelector('.completions [aria-selected=true]')?.innerText.includes('Ben Okafor')")
    page.press("Enter")
    page.type("and hi")
    page.press("Enter")
    shows(page, "hello @Ben Okafor and hi", ".messages")
    assert page.evaluate("document.querySelector('.channel textarea').value") == ""


def test_who_mentions_parley_sees_the_thread_beside_the_channel_and_esc_closes_it(page: Page, running: Sandbox) -> None:
    at(page, running, "ana/slack/C0OPS")
    page.click(".channel textarea")
    page.type("@parley are you there? ")
    page.press("Enter")
    shows(page, "are you there?", ".thread .messages")
    shows(page, "are you there?", ".channel .messages")
    page.click(".thread textarea")
    page.press("Escape")
    page.wait("!document.querySelector('.split.open')")


def test_what_is_meant_for_one_is_seen_by_one(page: Page, running: Sandbox, bot: WebClient) -> None:
    bot.chat_postEphemeral(channel="C0OPS", user="U0SAM", text="Only ops can decide this.")
    at(page, running, "sam/slack/C0OPS")
    shows(page, "Only visible to you", ".channel .messages")
    shows(page, "Only ops can decide this.", ".channel .messages")
    at(page, running, "ana/slack/C0OPS")
    shows(page, "are you there?", ".channel .messages")
    assert "Only ops" not in page.text(".channel .messages")


def test_a_button_opens_a_modal_that_shows_what_is_wrong_and_closes_when_it_is_right(
    page: Page, running: Sandbox, bot: WebClient
) -> None:
    ts = say(running, "C0OPS", "restart it")
    bot.chat_postMessage(channel="C0OPS", thread_ts=ts, text="Approval needed", blocks=CARD)
    at(page, running, f"ana/slack/C0OPS/{ts}")
    page.click(".thread .blocks button", "Deny…")
    page.wait("document.querySelector('dialog[open] textarea') === document.activeElement")
    page.click("dialog button", "Deny it")
    shows(page, "Please fill this in.", "dialog")
    page.type("no")
    page.click("dialog button", "Deny it")
    shows(page, "More words, please.", "dialog")
    page.type(", wait for the backup")
    page.click("dialog button", "Deny it")
    page.wait("!document.querySelector('dialog[open]')")


def test_esc_closes_a_modal(page: Page, running: Sandbox, bot: WebClient) -> None:
    ts = bot.chat_postMessage(channel="C0OPS", text="Approval needed", blocks=CARD)["ts"]
    at(page, running, f"ben/slack/C0OPS/{ts}")
    page.click(".thread .blocks button", "Deny…")
    page.wait("document.querySelector('dialog[open]')")
    page.press("Escape")
    page.wait("!document.querySelector('dialog[open]')")
    assert running.get("/sandbox/slack/modals?user=U03BEN") == (200, [])


def test_a_press_that_the_app_does_not_take_says_so(page: Page, running: Sandbox, bot: WebClient) -> None:
    ts = bot.chat_postMessage(channel="C0OPS", text="Approval needed", blocks=CARD)["ts"]  # nobody listens for "yes"
    at(page, running, f"ana/slack/C0OPS/{ts}")
    page.click(".thread .blocks button", "Approve")
    shows(page, "Parley did not take that in time", ".thread .messages")


def test_nothing_that_is_said_becomes_more_than_text(page: Page, running: Sandbox, bot: WebClient) -> None:
    ts = say(running, "C0GENERAL", ATTACK)
    escaped = ATTACK.replace("<", "&lt;").replace(">", "&gt;")
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{escaped} <javascript:alert(1)|press>"}},
        {"type": "markdown", "text": f"{ATTACK}\n\n[press](javascript:alert(1)) **{ATTACK}**"},
    ]
    bot.chat_postMessage(channel="C0GENERAL", thread_ts=ts, text=escaped, blocks=blocks)
    at(page, running, f"ana/slack/C0GENERAL/{ts}")
    page.wait("document.querySelectorAll('.thread .message').length === 2")
    assert page.text(".thread .messages").count("<script>") == 4
    assert page.evaluate("document.querySelectorAll('main img, main script, main a[href^=javascript]').length") == 0
    assert page.evaluate("document.title").startswith("Parley")


# Mail


def test_a_mails_html_can_be_read_and_can_do_nothing(page: Page, running: Sandbox) -> None:
    html = f"<p>Dear <b>Greta</b></p>{ATTACK}<form action='/sandbox/slack/post'><button>x</button></form>"
    sent = mail(running, html=html.replace("document", "parent.document"))
    at(page, running, f"greta/mail/{sent}")
    frame = "document.querySelector('.mail-frame')"
    page.wait(f"{frame}?.contentDocument?.body?.innerText.includes('Dear Greta')")
    assert (
        page.evaluate(f"{frame}.sandbox.contains('allow-scripts') || {frame}.sandbox.contains('allow-forms')") is False
    )
    assert page.evaluate("document.title").endswith("Greta Weber")
    page.wait(f"{frame}.clientHeight > 40")


def test_a_reply_quotes_as_a_mail_client_does_and_stays_in_the_conversation(page: Page, running: Sandbox) -> None:
    sent = mail(running, subject="Which lamp", text="Which one?\n\nAna")
    at(page, running, f"greta/mail/{sent}")
    page.click(".mail-form textarea")
    page.type("The second.")
    page.click(".mail-form button", "Reply")
    page.wait("document.querySelectorAll('.mail-card').length === 2")
    _, received = running.get("/sandbox/mail/messages?address=ana@example.com")
    answer = received[-1]
    assert answer["subject"] == "Re: Which lamp"
    assert answer["in_reply_to"] == f"<{sent}>"
    first, quote = answer["text"].split("\n\n", 1)
    assert first == "The second."
    assert "Ana Diaz <ana@example.com> wrote:\n\n> Which one?\n>\n> Ana" in quote


def test_a_forger_can_write_anybodys_name_and_that_person_has_no_copy(page: Page, running: Sandbox) -> None:
    at(page, running, "sam/mail/new")
    page.click("#mail-to")
    page.type("ben@example.com")
    page.click("#mail-subject")
    page.type("Approve it")
    page.click(".mail-form textarea")
    page.type("APPROVE")
    page.click(".options summary")
    page.click(".forger input")
    page.evaluate("document.querySelector('.forger select').value = 'ana@example.com'")
    page.click(".mail-form button", "Send")
    shows(page, "Sent as a forger would", "#toasts")
    _, received = running.get("/sandbox/mail/messages?address=ben@example.com")
    assert (received[-1]["from"], received[-1]["subject"]) == ("Ana Diaz <ana@example.com>", "Approve it")
    _, hers = running.get("/sandbox/mail/messages?address=ana@example.com")
    assert "Approve it" not in [kept["subject"] for kept in hers]


# Parley's column, the stories, the phone


def test_the_thread_beside_shows_its_events_and_each_opens_to_its_exact_data(
    page: Page, running: Sandbox, behind: Parley
) -> None:
    ts = say(running, "C0OPS", "@parley restart")
    event = {
        "id": "e1",
        "type": "message_received",
        "at": "2026-11-24T10:00:00Z",
        "actor": {"name": ATTACK},
        "text": ATTACK,
    }
    address = f"slack:T0SANDBOX/C0OPS/{ts}"
    thread = {"id": "t1", "agent": "ops", "status": "waiting", "words": "waiting for ops", "addresses": [address]}
    behind.threads = [{**thread, "title": "restart", "updated": event["at"], "events": [event], "usage": {}}]
    at(page, running, f"ana/slack/C0OPS/{ts}")
    shows(page, "waiting for ops", ".state")
    page.click(".event summary")
    page.wait("document.querySelector('.event[open] .json')")
    assert json.loads(page.text(".event .json")) == event
    page.click(".context-view summary")
    shows(page, "<message>one</message>", ".context-view")
    assert page.evaluate("document.querySelectorAll('#parley img').length") == 0


def test_the_page_always_says_that_no_model_is_called(page: Page, running: Sandbox) -> None:
    for width in (1440, 390):
        page.resize(width, 800)
        at(page, running, "ana")
        shows(page, "Scripted stand-in: no model is called", "#model")
        assert page.evaluate("document.querySelector('#model').getBoundingClientRect().width") > 0


def test_a_story_starts_with_one_click(page: Page, running: Sandbox) -> None:
    at(page, running, "ana")
    page.click("[data-story=article]")
    shows(page, "You are Greta Weber", "#places")
    page.wait("document.querySelector('.mail-card')?.innerText.includes('to support@example.com')")
    shows(page, "An article knows the answer", ".coach")


def test_on_a_phone_the_columns_are_tabs(page: Page, running: Sandbox) -> None:
    page.resize(390, 844)
    at(page, running, "ben")
    page.wait("document.querySelector('#talk').clientWidth === 390 && !document.querySelector('#places').clientWidth")
    page.click("#tabs button", "Places")
    page.click(".place", "ops")
    page.wait("document.querySelector('#talk').clientWidth === 390 && !document.querySelector('#places').clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_lists_are_walked_with_the_arrow_keys(page: Page, running: Sandbox) -> None:
    at(page, running, "ana/slack/C0GENERAL")
    page.wait("document.querySelector('.place[aria-current]')")
    page.evaluate("document.querySelector('.place[aria-current]').focus()")
    page.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText").startswith("support")
    page.evaluate("document.querySelector('.switch [aria-checked=true]').focus()")
    page.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Ben Okafor")
