"""`parse-email` tells what Parley reads in a mail, for any file, without settings."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.report import describe
from tests.email.samples import multipart, raw

QUOTE = "\n\nOn Mon, Nov 23, 2026 at 2:00 PM Parley <p@example.com> wrote:\n> Ben asks to restart api.\n> Reply with APPROVE"


def test_a_report_holds_what_scripts_look_for() -> None:
    mail = multipart(
        f"Content-Type: text/plain\n\nIt is down.{QUOTE}",
        "Content-Type: image/png; name=screen.png\n\nabc",
        in_reply_to="<q1@example.com>",
        references="<r@example.com> <q1@example.com>",
    )
    report = describe(mail, "mail.eml")
    verdict = report.pop("verdict")
    assert report == {
        "file": "mail.eml",
        "kind": "human",
        "from": "ana@example.com",
        "from_name": "Ana Diaz",
        "subject": "api is slow",
        "date": None,
        "text": "It is down.",
        "message_id": "<m1@example.com>",
        "in_reply_to": "<q1@example.com>",
        "references": ["<r@example.com>", "<q1@example.com>"],
        "attachments": [{"name": "screen.png", "type": "image/png", "size": 3}],
    }
    assert (verdict["means"], verdict["quoted_removed"]) == ("message", True)


@pytest.mark.parametrize(
    ("mail", "means"),
    [
        (raw(f"APPROVE{QUOTE}"), "approve"),
        (raw(f"DENY wait for the backup{QUOTE}"), "deny"),
        (raw(f"I do not approve{QUOTE}"), "message"),
        (raw(QUOTE.strip()), "message"),
        (raw("APPROVE", None, auto_submitted="auto-replied"), "nothing"),
        (raw("APPROVE", None, from_="ana@example.com, b@evil.example"), "nothing"),
        (raw("APPROVE", None, x_failed_recipients="ana@example.com"), "undelivered"),
        (b"", "nothing"),
    ],
)
def test_a_report_says_what_parley_makes_of_a_mail(mail: bytes, means: str) -> None:
    verdict = describe(mail)["verdict"]
    assert verdict["means"] == means
    assert all(verdict[key].endswith(".") for key in ("why", "proof"))


def test_a_report_explains_a_mail_that_cannot_be_read() -> None:
    report = describe(raw("-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----"))
    assert report["text"] == ""
    assert "encrypted" in report["verdict"]["why"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=1_500))
def test_any_bytes_make_one_json_line(data: bytes) -> None:
    line = json.dumps(describe(data, "x"), ensure_ascii=False)
    assert "\n" not in line
    line.encode()
