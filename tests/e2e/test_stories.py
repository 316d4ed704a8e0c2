"""The stories of the README, from outside: what people see in Slack and in their mailboxes."""

from collections.abc import Iterator

import pytest

from tests.e2e.demo import ANA, BEN, GRETA, SAM, Demo, running_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


def test_a_customers_mail_is_answered_from_an_article(demo: Demo) -> None:
    sent = demo.mail(GRETA, "support@example.com", "Bulb", "Which bulb fits the table lamp?")
    (answer,) = demo.until(lambda: [m for m in demo.inbox(GRETA) if m["subject"] == "Re: Bulb"], "an answer")
    assert "E14" in answer["text"]
    assert sent.strip("<>") in answer["in_reply_to"]
    assert "support@example.com" in answer["from"]


def test_one_that_no_article_answers_is_asked_in_slack_and_answered_by_mail(demo: Demo) -> None:
    demo.mail(GRETA, "support@example.com", "Vouchers", "Do you sell gift vouchers?")
    question = demo.until(lambda: demo.by_bot("support", user=BEN), "a question in #support")[-1]
    assert "voucher" in str(question).lower()
    demo.post(BEN, "support", "Yes, from 20 € on, at the till and by mail.", thread_ts=question["ts"])
    (answer,) = demo.until(lambda: [m for m in demo.inbox(GRETA) if m["subject"] == "Re: Vouchers"], "an answer")
    assert "from 20 €" in answer["text"]
    assert not [each for each in demo.by_bot("support", question["ts"]) if "from 20 €" in str(each.get("text"))][1:]


def test_a_restart_on_staging_runs_at_once(demo: Demo) -> None:
    before = len(demo.restarts())
    asked = demo.post(BEN, "ops", "@parley restart the api on staging")
    (answer,) = demo.until(lambda: demo.by_bot("ops", asked), "an answer")
    assert "healthy" in str(answer)
    assert len(demo.restarts()) == before + 1


def test_a_restart_in_production_waits_for_ops_and_runs_once(demo: Demo) -> None:
    before = len(demo.restarts())
    asked = demo.post(BEN, "ops", "@parley restart the api on production")
    (card,) = demo.until(lambda: demo.by_bot("ops", asked), "an approval card")
    assert "production" in str(card["blocks"])
    assert len(demo.restarts()) == before

    assert demo.click(SAM, "ops", card, "Approve")["ok"]
    whisper = demo.until(lambda: [m for m in demo.messages("ops", SAM) if m["ephemeral"]], "a word to the stranger")
    assert "Only ops" in whisper[-1]["text"]
    assert not [m for m in demo.messages("ops", ANA) if m["ephemeral"]]
    assert len(demo.restarts()) == before

    assert demo.click(ANA, "ops", card, "Approve")["ok"]
    demo.until(lambda: demo.by_bot("ops", asked)[1:], "the answer", 30)
    settled, answer = demo.by_bot("ops", asked)
    assert not demo.buttons(settled)
    assert "Ana" in str(settled["blocks"])
    assert "healthy" in str(answer)
    assert len(demo.restarts()) == before + 1


def test_a_denial_with_a_reason_changes_what_the_agent_says(demo: Demo) -> None:
    before = len(demo.restarts())
    asked = demo.post(BEN, "ops", "@parley restart the web on production")
    (card,) = demo.until(lambda: demo.by_bot("ops", asked), "an approval card")
    assert demo.click(ANA, "ops", card, "Deny")["ok"]
    assert demo.submit_modal(ANA, "wait for the backup")["ok"]
    demo.until(lambda: demo.by_bot("ops", asked)[1:], "the answer")
    settled, answer = demo.by_bot("ops", asked)
    assert "wait for the backup" in str(answer)
    assert "Denied by Ana" in str(settled["blocks"])
    assert len(demo.restarts()) == before


def test_somebody_of_ops_approves_by_mail_and_a_forger_does_not(demo: Demo) -> None:
    before = len(demo.restarts())
    carl, ben = "carl@example.com", "ben@example.com"
    demo.mail(carl, "ops@example.com", "Jobs", "restart the jobs service on production")
    card = demo.until(lambda: [m for m in demo.inbox(carl) if "Jobs" in m["subject"]], "an approval by mail")[-1]
    assert "APPROVE" in card["text"]
    (reply_to,) = card["reply_to"]
    yes = {"subject": f"Re: {card['subject']}", "text": "APPROVE", "in_reply_to": card["message_id"]}
    demo.mail(carl, reply_to, **yes, spoof=True)
    demo.mail(ben, reply_to, **yes)
    thread = demo.thread(f"email:{card['message_id'].strip('<>')}")
    demo.until(
        lambda: [e for e in demo.thread_events(thread["id"]) if e["type"] == "human_responded"][1:], "both on record"
    )
    assert len(demo.restarts()) == before
    demo.mail(carl, reply_to, **yes)
    demo.until(lambda: len(demo.restarts()) == before + 1, "the deed")
    demo.until(lambda: [m for m in demo.inbox(carl) if "healthy" in m["text"]], "the answer")


def test_a_direct_message_reaches_the_front_desk_which_hands_over(demo: Demo) -> None:
    channel = demo.call("/sandbox/slack/dm", {"user": BEN, "with": "U00PARLEY"})["channel"]
    asked = demo.call("/sandbox/slack/post", {"user": BEN, "channel": channel, "text": "status of staging please"})[
        "ts"
    ]
    thread = demo.thread(f"slack:T0SANDBOX/{channel}/{asked}")
    demo.until(lambda: demo.call(f"/parley/threads/{thread['id']}")["status"] == "done", "an answer")
    assert demo.call(f"/parley/threads/{thread['id']}")["agent"] == "ops"


def test_automatic_mail_starts_nothing(demo: Demo) -> None:
    count = len(demo.call("/parley/threads"))
    demo.mail(GRETA, "support@example.com", "Out of office: Re: Bulb", "I am away.")
    demo.mail(GRETA, "support@example.com", "After it", "Which bulb fits the table lamp?")
    demo.until(lambda: [m for m in demo.inbox(GRETA) if m["subject"] == "Re: After it"], "the next answer")
    assert len(demo.call("/parley/threads")) == count + 1
