"""``kill -9`` of any process at any moment, then a restart, loses and doubles nothing: the demo's stories while its processes die."""

from collections.abc import Iterator

import pytest

from tests.e2e.demo import ANA, BEN, GRETA, Demo, running_demo

SLOW = pytest.mark.chaos
PROCESSES = [pytest.param(name, marks=SLOW) for name in ("worker", "slack", "email", "web", "sandbox")]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.mark.parametrize("victim", PROCESSES)
def test_a_restart_is_approved_and_runs_once_although_a_process_is_killed_at_each_step(demo: Demo, victim: str) -> None:
    before = len(demo.restarts())
    asked = demo.post(BEN, "ops", "@parley restart the api on production")
    demo.kill(victim)
    (card,) = demo.until(lambda: quietly(demo, asked), "an approval card", 40)
    demo.kill(victim)
    demo.until(lambda: clicked(demo, card), "a click that arrives", 40)
    demo.kill(victim)
    demo.until(lambda: quietly(demo, asked)[1:], "the answer", 40)
    assert len(demo.restarts()) - before <= 1
    settled, last = quietly(demo, asked)
    if len(demo.restarts()) == before:  # killed while it ran: nobody knows, and people are asked
        assert "may or may not have happened" in str(last)
    else:
        assert "healthy" in str(last) or "may or may not have happened" in str(last)
    assert "Approved by Ana" in str(settled)


@pytest.mark.parametrize("victim", ["email", *(pytest.param(name, marks=SLOW) for name in ("worker", "sandbox"))])
def test_a_customers_mail_is_answered_once_although_a_process_is_killed(demo: Demo, victim: str) -> None:
    subject = f"Bulb, while {victim} dies"
    demo.mail(GRETA, "support@example.com", subject, "Which bulb fits the table lamp?")
    demo.kill(victim)
    demo.until(lambda: [m for m in quiet_inbox(demo) if m["subject"] == f"Re: {subject}"], "an answer", 40)
    answers = [m for m in quiet_inbox(demo) if m["subject"] == f"Re: {subject}"]
    assert len({m["message_id"] for m in answers}) == 1


@SLOW
def test_everything_is_still_there_after_all_of_it_was_killed(demo: Demo) -> None:
    asked = demo.post(BEN, "ops", "@parley restart the web on production")
    (card,) = demo.until(lambda: quietly(demo, asked), "an approval card")
    assert demo.process is not None
    demo.stop(9)
    demo.start()
    before = len(demo.restarts())
    demo.until(lambda: clicked(demo, card), "a click that arrives", 40)
    demo.until(lambda: quietly(demo, asked)[1:], "the answer", 40)
    assert len(demo.restarts()) == before + 1


def quietly(demo: Demo, asked: str) -> list[dict[str, object]]:
    """What Parley posted there; nothing while the page is being restarted."""
    try:
        return demo.by_bot("ops", asked)
    except (OSError, AssertionError):
        return []


def quiet_inbox(demo: Demo) -> list[dict[str, str]]:
    try:
        return demo.inbox(GRETA)
    except (OSError, AssertionError):
        return []


def clicked(demo: Demo, card: dict[str, object]) -> bool:
    """A click that Slack could not deliver shows an error there and is repeated by hand."""
    try:
        return bool(demo.click(ANA, "ops", card, "Approve")["ok"])
    except (OSError, AssertionError):
        return (
            not demo.buttons(next(m for m in quietly(demo, "") if m["ts"] == card["ts"]))
            if quietly(demo, "")
            else False
        )
