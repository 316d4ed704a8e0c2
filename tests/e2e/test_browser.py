"""The page in a real browser on the real demo: post, press Approve, answer a mail, and see the result."""

import json
from collections.abc import Iterator

import pytest

from tests.browser import Page, browser
from tests.e2e.demo import Demo, running_demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as page:
        page.resize(1440, 900)
        yield page


def at(page: Page, demo: Demo, place: str) -> None:
    page.go("about:blank")
    page.go(f"{demo.url}/#{place}")
    page.wait("document.body.dataset.ready")


def shows(page: Page, text: str, selector: str, seconds: float = 20) -> None:
    page.wait(f"document.querySelector({json.dumps(selector)})?.innerText.includes({json.dumps(text)})", seconds)


def test_says_all_the_time_that_no_model_is_called(page: Page, demo: Demo) -> None:
    at(page, demo, "")
    shows(page, "Scripted stand-in", "#bar")


def test_post_press_approve_and_see_it_done(page: Page, demo: Demo) -> None:
    at(page, demo, f"ben/slack/{demo.channel('ops')}")
    page.click(".channel textarea")
    page.type("@parley restart the api on production, memory is above 95 % ")
    page.press("Enter")
    shows(page, "Approval needed", ".thread .messages")
    shows(page, "waiting for ops", "#parley")
    root = page.evaluate("location.hash.split('/').pop()")
    at(page, demo, f"ana/slack/{demo.channel('ops')}/{root}")
    page.click(".thread .blocks button", "Approve")
    shows(page, "Approved by Ana", ".thread .messages")
    shows(page, "healthy", ".thread .messages")
    shows(page, "done", "#parley .state")
    assert len(demo.restarts()) == 1
    assert page.errors == []


def test_answer_a_mail_and_the_agent_goes_on(page: Page, demo: Demo) -> None:
    carl = "carl@example.com"
    demo.mail(carl, "ops@example.com", "Web", "restart the web service on production")
    card = demo.until(lambda: [m for m in demo.inbox(carl) if "APPROVE" in m["text"]], "an approval by mail")[-1]
    at(page, demo, f"carl/mail/{card['message_id'].strip('<>')}")
    page.click("#talk textarea")
    page.type("APPROVE")
    page.click("#talk button", "Reply")
    demo.until(lambda: [m for m in demo.inbox(carl) if "healthy" in m["text"]], "the answer", 30)
    shows(page, "done", "#parley .state")
    shows(page, "Carl Lindqvist", "#parley")
    assert len(demo.restarts()) == 2
