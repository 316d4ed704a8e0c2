"""What the sandbox's mail server writes on top of a mail, and what it takes out."""

from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from channels.sandbox.mail.directory import Directory
from channels.sandbox.mail.stamp import Arrival, author, stamp

AUTHSERV = "mx.example.com"
ARRIVAL = Arrival("ana@example.com", "parley+q.tok@example.com", "fail", "laptop", datetime(2026, 11, 24, tzinfo=UTC))


def results(header: str) -> list[str]:
    """The Authentication-Results that are left below our own, of a mail with this header on it."""
    raw = f"From: ana@example.com\r\n{header}\r\nSubject: hi\r\n\r\nbody\r\n".encode()
    stamped = stamp(raw, ARRIVAL, AUTHSERV)
    ours, *others = message_from_bytes(stamped).get_all("Authentication-Results", [])
    assert ours == "mx.example.com; dmarc=fail header.from=example.com"
    return others


@pytest.mark.parametrize(
    "forged",
    [
        "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com",
        "AUTHENTICATION-RESULTS: MX.Example.COM; dmarc=pass",
        "Authentication-Results: mx.example.com.; dmarc=pass",
        "Authentication-Results: mx.example.com 1; dmarc=pass",
        "Authentication-Results: mx.example.com dmarc=pass",
        "Authentication-Results: (hello) mx.example.com; dmarc=pass",
        "Authentication-Results: (a (nested; one) b) mx.example.com (c); dmarc=pass",
        "Authentication-Results: (never closed mx.example.com; dmarc=pass",
        "Authentication-Results: mx.(hop)example.com; dmarc=pass",
        "Authentication-Results:\r\n mx.example.com;\r\n\tdmarc=pass",
        "Authentication-Results:\r\n (folded\r\n comment)\r\n mx.example.com; dmarc=pass",
        "Authentication-Results : mx.example.com; dmarc=pass",
        'Authentication-Results: "mx.example.com"; dmarc=pass',
        "Authentication-Results: =?utf-8?q?mx=2Eexample=2Ecom?=; dmarc=pass",
        "Authentication-Results: ｍｘ.example.com; dmarc=pass",
        "Authentication-Results: mx\u200b.example.com; dmarc=pass",
    ],
)
def test_a_header_that_claims_to_be_ours_is_taken_out(forged: str) -> None:
    assert results(forged) == []


@pytest.mark.parametrize(
    "foreign",
    [
        "mx.elsewhere.example; dmarc=pass",
        "mx.example.com.elsewhere.example; dmarc=pass",
        "notmx.example.com; dmarc=pass",
        "spf=pass smtp.mailfrom=mx.example.com",
    ],
)
def test_another_servers_header_stays(foreign: str) -> None:
    assert results(f"Authentication-Results: {foreign}") == [foreign]


def test_our_result_is_above_whatever_was_there() -> None:
    stamped = stamp(b"Authentication-Results: mx.elsewhere.example; dmarc=pass\r\n\r\n", ARRIVAL, AUTHSERV)

    names = [name for name, _ in message_from_bytes(stamped).items()]

    assert names[:5] == ["Return-Path", "Delivered-To", "X-Original-To", "Authentication-Results", "Received"]
    assert names[5] == "Authentication-Results"


def test_the_mail_itself_is_kept_byte_for_byte() -> None:
    raw = b"Subject: =?x?\r\n folded \t\r\nX-Odd:\xff\r\n\r\nbody \xff\r\n\r\nFrom: nobody\r\n"

    assert stamp(raw, ARRIVAL, AUTHSERV).endswith(raw)


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\nFrom: ana@example.com\r\n\r\n", b"Subject: no body\r\n", b"\xff"])
def test_a_mail_without_headers_or_body_is_stamped_too(raw: bytes) -> None:
    message = message_from_bytes(stamp(raw, ARRIVAL, AUTHSERV))

    assert message["Delivered-To"] == "parley+q.tok@example.com"
    assert message["Return-Path"] == "<ana@example.com>"
    assert message["From"] is None


def test_nothing_a_client_says_can_add_a_header() -> None:
    arrival = Arrival("a@b.example", "ana@example.com", "fail", "x) by y; (\r\nX-Evil: 1", datetime.now(UTC))

    message = message_from_bytes(stamp(b"From: x@y.example; dmarc=pass\r\n\r\n", arrival, AUTHSERV))

    assert message["X-Evil"] is None
    assert "pass" not in message["Authentication-Results"]


@pytest.mark.parametrize(
    "header",
    [
        "Subject: nobody wrote this",
        "From: ana@example.com\r\nFrom: eve@evil.example",
        "From: ana@example.com, eve@evil.example",
        "From: ana",
        "From:",
    ],
)
def test_a_doubtful_author_is_nobody(header: str) -> None:
    assert author(f"{header}\r\n\r\n".encode()) is None


def test_the_author_is_the_address_and_not_the_name_before_it() -> None:
    assert author(b'From: "ana@example.com" <eve@evil.example>\r\n\r\n') == "eve@evil.example"


def test_plus_addresses_and_aliases_lead_to_their_mailbox() -> None:
    directory = Directory.of("Parley@example.com", ["support@example.com"], [("Ana@example.com", "Ana")])

    found = [
        directory.mailbox(address)
        for address in ("PARLEY+q.T@Example.com", "support+x@example.com", "ana+@example.com")
    ]

    assert found == ["parley@example.com", "parley@example.com", "ana@example.com"]
    assert directory.mailbox("parley@example.com.evil.example") is None
    assert directory.mailbox("nobody@example.com") is None
    assert directory.mailbox("") is None
