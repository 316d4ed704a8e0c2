"""People's mailboxes as the sandbox's page reads and writes them."""

from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from channels.sandbox.mail import mail_router
from channels.sandbox.mail.letters import show
from channels.sandbox.mail.smtp import Submission
from channels.sandbox.mail.store import Entry
from tests.sandbox.mailside import AGENT, new_mailroom

ANA = "ana@example.com"
GRETA = "greta.weber@customer.example"


class Page:
    """The JSON API, and the changes that were told."""

    def __init__(self, path: Path) -> None:
        self.changes: list[dict[str, object]] = []
        self.room = new_mailroom(path, on_change=self.changes.append)
        app = FastAPI()
        app.include_router(mail_router(self.room))
        self.client = TestClient(app)

    def get(self, what: str, **query: str) -> Any:
        return self.client.get(f"/sandbox/mail/{what}", params=query).json()

    def post(self, what: str, **body: Any) -> Any:
        return self.client.post(f"/sandbox/mail/{what}", json=body)

    def send(self, sender: str, to: str, **more: Any) -> Any:
        return self.post("send", **{"from": sender, "to": [to], "subject": "Hi", "text": "hello\n", **more})

    def arrive(self, raw: bytes, to: str = ANA) -> Any:
        """A mail comes from outside; answers how it shows."""
        self.room.accept(Submission("x@outside.example", (to,), raw, None, "x"))
        return self.get("messages", address=to)[-1]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_people_have_mailboxes_and_the_agent_has_none_here(page: Page) -> None:
    boxes = page.get("mailboxes")

    assert {"address": ANA, "name": "Ana Diaz", "unread": 0} in boxes
    assert AGENT not in [box["address"] for box in boxes]


def test_a_sent_mail_lies_in_both_mailboxes(page: Page) -> None:
    message_id = page.send(GRETA, ANA, cc=["Ben <ben@example.com>"], html="<p>hello</p>").json()["message_id"]

    (sent,), (received,) = page.get("messages", address=GRETA), page.get("messages", address=ANA)

    assert (sent["direction"], sent["read"]) == ("out", True)
    assert (received["direction"], received["read"]) == ("in", False)
    assert sent["message_id"] == received["message_id"] == message_id
    assert received["from"] == "Greta Weber <greta.weber@customer.example>"
    assert (received["to"], received["cc"]) == ([ANA], ["Ben <ben@example.com>"])
    assert (received["text"], received["html"]) == ("hello\n", "<p>hello</p>\n")
    assert len(page.get("messages", address="ben@example.com")) == 1


def test_an_answer_names_what_it_answers(page: Page) -> None:
    page.send(ANA, GRETA, in_reply_to="<2@example.com>", references=["<1@example.com>", "<2@example.com>"])

    (received,) = page.get("messages", address=GRETA)

    assert received["in_reply_to"] == "<2@example.com>"
    assert received["references"] == ["<1@example.com>", "<2@example.com>"]


def test_long_ids_are_written_as_they_are_and_get_their_brackets(page: Page) -> None:
    chain = [f"{number}.{'x' * 150}@example.com" for number in range(20)]

    page.send(ANA, AGENT, in_reply_to=chain[-1], references=chain)

    (received,) = page.room.raw(AGENT)
    message = message_from_bytes(received)
    assert message["In-Reply-To"] == f"<{chain[-1]}>"
    assert message["References"].split() == [f"<{one}>" for one in chain]
    assert max(map(len, received.splitlines())) <= 998


def test_unread_marks_go_when_a_mail_is_opened(page: Page) -> None:
    page.send(GRETA, ANA)
    (mail,) = page.get("messages", address=ANA)
    before = next(box["unread"] for box in page.get("mailboxes") if box["address"] == ANA)

    assert page.post("read", address=ANA, id=mail["id"]).json() == {"ok": True}

    after = next(box["unread"] for box in page.get("mailboxes") if box["address"] == ANA)
    assert (before, after) == (1, 0)
    assert page.get("messages", address=ANA)[0]["read"] is True


def test_every_change_is_told(page: Page) -> None:
    page.send(GRETA, ANA)

    assert {"kind": "mail", "address": ANA} in page.changes
    assert {"kind": "mail", "address": GRETA} in page.changes


def test_what_is_shown_is_decoded(page: Page) -> None:
    mail = page.arrive(
        b"From: =?iso-8859-1?q?J=F6rg?= <j@x.example>\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
        b"Reply-To: parley+q.1@example.com\r\nAuto-Submitted: auto-replied\r\n"
        b"Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"5 =80\r\n"
    )

    assert (mail["from"], mail["subject"]) == ("Jörg <j@x.example>", "Grüße")
    assert (mail["text"], mail["html"]) == ("5 €\n", None)
    assert (mail["reply_to"], mail["auto"]) == (["parley+q.1@example.com"], True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"Subject: =?x-none?b?!!?=\r\n\r\n",
        b"Content-Type: text/plain; charset=x-none\r\n\r\n\xe4\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"From: \xff <\xff@x>\r\nTo: a, , b@\r\n\r\n",
        b'From: =?utf-8?q?a=0D=0Ab?= <x@y.example>\r\nReply-To: "a\\"b" <x@y.example>\r\n\r\n',
        b"Content-Type: text/plain; charset*=x''%zz\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n",
    ],
)
def test_a_damaged_mail_is_shown_as_far_as_it_goes(raw: bytes, page: Page) -> None:
    assert page.arrive(raw)["direction"] == "in"
    assert show(raw, Entry(1, 0, "in", False, frozenset()))["id"] == "1"


@pytest.mark.parametrize(
    "bad",
    [
        {"to": ["nobody"]},
        {"to": []},
        {"to": [""]},
        {"to": ["a@b.example\r\nBcc: eve@evil.example"]},
        {"subject": "Hi\r\nBcc: eve@evil.example"},
        {"cc": ["a b@c.example"]},
    ],
)
def test_an_impossible_mail_is_refused_in_a_sentence(bad: dict[str, Any], page: Page) -> None:
    answer = page.post("send", **{"from": ANA, "to": [GRETA], "subject": "Hi", "text": "hello\n", **bad})

    assert answer.status_code == 422
    assert page.get("messages", address=ANA) == []


def test_unknown_mailboxes_and_mails_are_not_found(page: Page) -> None:
    assert page.send("nobody@example.com", ANA).status_code == 404
    assert page.client.get("/sandbox/mail/messages", params={"address": AGENT}).status_code == 404
    assert page.post("read", address=ANA, id="7").status_code == 404
    assert page.post("read", address=ANA, id="x").status_code == 404
