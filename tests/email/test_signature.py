"""S5: a mail is signed by its sender's own domain, whole and now, or nothing is proved; no network is asked."""

import base64
import time
from typing import Any

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mail import parse
from channels.email.signature import signed
from tests.email.keys import PRIVATE, RECORD

MAIL = (
    b"From: Ana Diaz <ana@example.com>\r\nTo: parley@example.com\r\nSubject: Re: restart\r\n"
    b"Message-ID: <a1@example.com>\r\n\r\nAPPROVE\r\n"
)


def keys(name: bytes, timeout: float = 5) -> bytes | None:
    """The key of every domain in these tests."""
    return RECORD if b"._domainkey." in name else None


def sign(mail: bytes = MAIL, domain: bytes = b"example.com", **more: Any) -> bytes:
    return bytes(dkim.sign(mail, b"s1", domain, PRIVATE, **more)) + mail


def proved(mail: bytes, found: Any = keys) -> bool:
    verdict = signed(parse(mail), mail, found)
    assert verdict.why.endswith(".")
    assert bool(verdict.address) == verdict.proved
    return verdict.proved


def test_S5_a_signature_of_the_senders_own_domain_proves_them() -> None:
    assert proved(sign())
    assert proved(sign(domain=b"EXAMPLE.com"))


def test_S5_a_second_signature_may_be_the_one_that_counts() -> None:
    assert proved(bytes(dkim.sign(sign(), b"s1", b"relay.example", PRIVATE)) + sign())


@pytest.mark.parametrize("domain", [b"evil.example", b"mail.example.com", b"com", b"xn--exmple-cua.com"])
def test_S5_the_signature_of_another_domain_proves_nothing(domain: bytes) -> None:
    assert not proved(sign(domain=domain))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"APPROVE", b"DENY"),
        (b"ana@example.com", b"ben@example.com"),
        (b"Re: restart", b"Re: format"),
        (b"\r\n\r\n", b"\r\nFrom: carl@example.com\r\n\r\n"),
    ],
)
def test_S5_a_changed_mail_proves_nothing(old: bytes, new: bytes) -> None:
    assert not proved(sign().replace(old, new, 1))


def test_S5_a_signature_that_leaves_room_at_the_end_proves_nothing() -> None:
    mail = sign(length=True)
    assert b"l=" in mail
    assert not proved(mail)
    assert not proved(mail + b"more\r\n")


def test_S5_an_expired_signature_proves_nothing() -> None:
    mail = _expiring(int(time.time()) + 100)
    assert signed(parse(mail), mail, keys).proved
    assert not signed(parse(mail), mail, keys, lambda: time.time() + 101).proved
    assert not proved(_expiring(int(time.time()) - 100))


def _expiring(at: int) -> bytes:
    class Expiring(dkim.DKIM):  # type: ignore[misc]
        def gen_header(self, fields: Any, *more: Any, **named: Any) -> Any:
            fields = [*fields[:-1], (b"x", str(at).encode()), fields[-1]]
            return super().gen_header(fields, *more, **named)

    return bytes(Expiring(MAIL).sign(b"s1", b"example.com", PRIVATE)) + MAIL


def test_S5_a_signature_that_does_not_cover_the_sender_proves_nothing() -> None:
    mail = sign()
    head, _, rest = mail.partition(b"h=")
    assert not proved(head + b"h=" + rest.replace(b"from", b"x-no", 1))


@pytest.mark.parametrize(
    "record",
    [None, b"", b"v=DKIM1; p=", b"v=DKIM1; k=rsa; p=nonsense", b"v=spf1 -all", b"\xff\x00"],
)
def test_S5_without_a_key_nothing_is_proved(record: bytes | None) -> None:
    assert not proved(sign(), lambda name, timeout=5: record)


def test_S5_a_dns_that_fails_proves_nothing() -> None:
    def fails(name: bytes, timeout: float = 5) -> bytes | None:
        raise dkim.DnsTimeoutError("no answer")

    assert not proved(sign(), fails)


def test_S5_only_the_senders_domain_is_looked_up() -> None:
    asked: list[bytes] = []

    def found(name: bytes, timeout: float = 5) -> bytes | None:
        asked.append(name)
        return RECORD

    assert proved(bytes(dkim.sign(sign(), b"s1", b"evil.example", PRIVATE)) + sign(), found)
    assert asked == [b"s1._domainkey.example.com."]


def test_S5_many_signatures_cost_little() -> None:
    asked: list[bytes] = []
    forged = base64.b64encode(b"x" * 256)
    line = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=" + forged + b"; b=" + forged + b"\r\n"
    assert not proved(line * 500 + MAIL, lambda name, timeout=5: asked.append(name))
    assert len(asked) <= 5


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_S5_no_header_makes_a_mail_signed(value: bytes) -> None:
    assert not proved(b"DKIM-Signature: d=example.com; h=from; " + value + b"\r\n" + MAIL)
