"""Conversations by mail, over real SMTP and IMAP: a customer is answered, a person is asked, a question is answered by reply."""

from pathlib import Path

from bot.events import HumanResponded, MessageReceived
from tests.email.postroom import GRETA, SUPPORT, Postroom


def test_a_customer_is_answered_in_the_mail_thread_that_they_began(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Within **14 days**.", "Yes, also lamps."]) as post:
        first = post.writes(GRETA, SUPPORT, "returns", "How long can I return a lamp?")
        (answer,) = post.inbox(GRETA)
        assert (answer["subject"], answer["in_reply_to"]) == ("Re: returns", first)
        assert answer["references"] == [first, answer["message_id"]]
        assert answer["from"] == f"Parley <{SUPPORT}>"
        assert answer["text"].strip() == "Within **14 days**."
        assert "<strong>14 days</strong>" in answer["html"]
        second = post.replies(GRETA, "Also lamps?")
        answer = post.inbox(GRETA)[-1]
        assert (answer["subject"], answer["in_reply_to"]) == ("Re: returns", second)
        assert answer["references"][0] == first
        assert answer["references"][-2] == second
        assert [each.text for each in post.thread.events if isinstance(each, MessageReceived)] == [
            "How long can I return a lamp?",
            "Also lamps?",
        ]


def test_a_person_is_asked_by_mail_and_answers_by_reply(tmp_path: Path) -> None:
    asked = ("contact_human", {"question": "Which order?", "choices": ["4417", "4392"], "to": "ben"})
    with Postroom(tmp_path, model=[asked, "It is order 4392."]) as post:
        first = post.writes(GRETA, SUPPORT, "my order", "Where is it?")
        (question,) = post.inbox("ben@example.com")
        assert question["subject"] == "Re: my order"
        assert "I am working for" in question["text"]
        assert "- 4392" in question["text"]
        assert question["reply_to"][0].startswith("Parley <parley+q.")
        post.replies("ben@example.com", f"4392\n\nOn Tue, Parley wrote:\n> {question['text']}")
        (response,) = [each for each in post.thread.events if isinstance(each, HumanResponded)]
        assert (response.text, response.actor.person, response.actor.proof) == ("4392", "ben", "dmarc")
        (answer,) = post.inbox(GRETA)
        assert (answer["text"].strip(), answer["in_reply_to"]) == ("It is order 4392.", first)
        assert len(post.inbox("ben@example.com")) == 1


def test_who_wrote_is_asked_back_in_their_own_conversation(tmp_path: Path) -> None:
    asked = ("contact_human", {"question": "Which order do you mean?", "choices": ["4417", "4392"]})
    with Postroom(tmp_path, model=[asked, "It left yesterday."]) as post:
        first = post.writes(GRETA, SUPPORT, "my order", "Where is it?")
        (question,) = post.inbox(GRETA)
        assert question["in_reply_to"] == first
        assert question["text"].startswith("Which order do you mean?")
        post.replies(GRETA, "The 4417 please")
        (response,) = [each for each in post.thread.events if isinstance(each, HumanResponded)]
        assert (response.decision, response.text) == ("answered", "The 4417 please")
        assert [each["subject"] for each in post.inbox(GRETA)] == ["Re: my order"] * 2
        assert post.inbox(GRETA)[-1]["text"].strip() == "It left yesterday."


def test_one_word_stops_the_work(tmp_path: Path) -> None:
    asked = ("contact_human", {"question": "Which order do you mean?"})
    with Postroom(tmp_path, model=[asked]) as post:
        post.writes(GRETA, SUPPORT, "my order", "Where is it?")
        post.replies(GRETA, "Stop")
        assert post.thread.state.status == "cancelled"


def test_machines_are_not_answered(tmp_path: Path) -> None:
    with Postroom(tmp_path, model=["Never."]) as post:
        post.writes(GRETA, SUPPORT, "Automatic reply: away", "I am away until Monday.")
        assert post.threads() == []
        assert post.inbox(GRETA) == []
