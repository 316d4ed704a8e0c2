"""Approvals by mail: only the reply address, the right sender and a server that vouches for it decide; everything else is told why not."""

from pathlib import Path
from typing import Any

import pytest

from bot import Approval, Tool
from bot.events import HumanResponded
from tests.email.postroom import GRETA, SUPPORT, Postroom
from tests.sandbox.mailside import AGENT

ran: list[str] = []


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart a service."""

    service: str
    environment: str = "production"

    def summary(self) -> str:
        return f"restart {self.service} on {self.environment}"

    def run(self) -> str:
        ran.append(f"{self.service} on {self.environment}")
        return "3 of 3 instances healthy"


RESTART = ("restart", {"service": "api"})
ANA, BEN = "ana@example.com", "ben@example.com"


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def asking(path: Path, **more: Any) -> Postroom:
    """A post room whose agent asks ops before it restarts the api."""
    return Postroom(path, Restart, model=[RESTART, "It is restarted.", "As you wish."], **more)


def decisions(post: Postroom) -> list[str]:
    return [each.decision for each in post.thread.events if isinstance(each, HumanResponded)]


def test_the_right_person_approves_from_the_reply_address_and_is_told_so(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        (request,) = post.inbox(ANA)
        assert request["subject"] == "Re: api is slow"
        assert (
            "Greta Weber asks to restart api on production. This needs one of ops, for example you." in request["text"]
        )
        assert "    service      api\n    environment  production\n" in request["text"]
        assert (
            'Reply with APPROVE, or with DENY and why. To change something first, write it as "service: api".'
            in request["text"]
        )
        assert ran == []
        post.replies(ANA, f"APPROVE\n\n> {request['text']}")
        assert ran == ["api on production"]
        _, receipt, done = post.inbox(ANA)
        assert receipt["text"].startswith("Recorded: approved by you, ")
        assert done["text"].startswith("Done: restart api on production.")
        assert receipt["references"][0] == request["message_id"]
        assert post.inbox(GRETA)[-1]["text"].strip() == "It is restarted."


def test_a_denial_carries_its_reason(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        post.replies(ANA, "DENY wait for the backup")
        assert ran == []
        (response,) = [each for each in post.thread.events if isinstance(each, HumanResponded)]
        assert (response.decision, response.text) == ("denied", "wait for the backup")
        assert post.inbox(ANA)[-1]["text"].startswith("Recorded: denied by you, ")


def test_what_runs_is_what_the_approver_changed_it_to(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        post.replies(ANA, "APPROVE\nenvironment: staging")
        assert ran == ["api on staging"]


def test_a_change_alone_and_a_doubt_are_comments(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        request = post.inbox(ANA)[0]
        for text in ("environment: staging", "APPROVE?", "I approve, but not today", "Why now?"):
            post.replies(ANA, text, to=request["reply_to"][0], in_reply_to=request["message_id"])
        assert decisions(post) == []
        assert ran == []
        assert post.thread.state.open_interactions


def test_S2_nobody_decides_by_mail_where_no_server_vouches_for_senders(tmp_path: Path) -> None:
    with asking(tmp_path, vouched=False) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        (request,) = post.inbox(ANA)
        assert "Mails decide nothing here, because EMAIL_AUTHSERV_ID is not set" in request["text"]
        assert "APPROVE" not in request["text"]
        post.replies(ANA, "APPROVE")
        assert ran == []
        assert "Nothing was decided: mails decide nothing here" in post.inbox(ANA)[-1]["text"]


def test_S1_a_forged_sender_decides_nothing(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        post.replies(ANA, "APPROVE", spoof=True)
        assert ran == []
        assert "did not confirm its sender" in post.inbox(ANA)[-1]["text"]
        assert post.thread.state.open_interactions


def test_C3_somebody_else_with_the_reply_address_decides_nothing_and_is_told_who_can(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        request = post.inbox(ANA)[0]
        post.writes(BEN, request["reply_to"][0], "Fwd: api is slow", "APPROVE", in_reply_to=request["message_id"])
        assert ran == []
        (receipt,) = post.inbox(BEN)
        assert receipt["text"].strip() == "Only ops can decide this (Ana)."
        assert len(post.inbox(ANA)) == 1


def test_C1_without_the_reply_address_nothing_is_decided_and_the_mail_says_how(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        post.replies(ANA, "APPROVE", to=AGENT)
        assert ran == []
        assert "counts only as a direct reply" in post.inbox(ANA)[-1]["text"]
        post.replies(ANA, "APPROVE", to=post.inbox(ANA)[0]["reply_to"][0])
        assert ran == ["api on production"]


def test_C5_a_second_decision_is_told_that_it_is_too_late(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        request = post.inbox(ANA)[0]
        for text in ("APPROVE", "DENY no"):
            post.replies(ANA, text, to=request["reply_to"][0], in_reply_to=request["message_id"])
        assert ran == ["api on production"]
        assert post.inbox(ANA)[-1]["text"].startswith("You already approved this at ")


def test_X4_our_own_words_come_back_are_no_decision(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        post.writes(GRETA, SUPPORT, "api is slow", "Please help")
        request = post.inbox(ANA)[0]
        post.replies(ANA, request["text"])
        assert decisions(post) == []
        assert ran == []


def test_a_known_requester_is_asked_in_their_own_conversation(tmp_path: Path) -> None:
    with asking(tmp_path) as post:
        first = post.writes(ANA, SUPPORT, "api is slow", "Please restart it")
        request = next(each for each in post.inbox(ANA) if each["in_reply_to"] == first)
        assert request["text"].startswith("You ask to restart api on production.")
        post.replies(ANA, "APPROVE", to=request["reply_to"][0], in_reply_to=request["message_id"])
        assert ran == ["api on production"]
        receipt, reply = post.inbox(ANA)[-2:]
        assert receipt["text"].startswith("Recorded: approved by you, ")
        assert reply["text"].strip() == "It is restarted."
