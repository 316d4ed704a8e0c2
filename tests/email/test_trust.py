"""A mail is from whom it says only when the configured server proved it; no text that others choose can prove anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mail import parse
from channels.email.trust import authentication, parse_results

SERVER = "mx.parley.example"
PASS = f"{SERVER}; dmarc=pass (p=reject) header.from=example.com"
ANA = "Ana Diaz <ana@example.com>"


def _proved(*headers: str, sender: str = ANA, server: str = SERVER, microsoft: bool = False) -> bool:
    """Whether a mail with these headers (topmost first; bare values are Authentication-Results) is proved."""
    lines = [
        header if header.partition(":")[0].istitle() else f"Authentication-Results: {header}" for header in headers
    ]
    mail = parse("\r\n".join([*lines, f"From: {sender}", "", "APPROVE"]).encode())
    verdict = authentication(mail, server, microsoft=microsoft)
    assert verdict.why.endswith(".")
    assert bool(verdict.address) == verdict.proved
    return verdict.proved


def test_S2_dmarc_of_the_configured_server_proves_the_sender() -> None:
    assert _proved(PASS)
    assert _proved(f"{SERVER}; dmarc=pass")


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass header.d=example.com header.s=k",
        "dkim=pass header.i=@example.com header.s=k header.b=Ab/Cd=",
        "dkim=fail header.d=example.com; dkim=pass header.d=example.com",
        "spf=pass smtp.mailfrom=ana@example.com",
        "spf=pass smtp.mailfrom=example.com",
        'spf=pass smtp.mailfrom="bounce=ana"@example.com',
        "dmarc=none header.from=example.com; spf=pass smtp.mailfrom=prvs=12=ana@example.com",
    ],
)
def test_S2_an_aligned_signature_or_envelope_proves_the_sender(results: str) -> None:
    assert _proved(f"{SERVER}; {results}")


@pytest.mark.parametrize(
    "results",
    [
        "none",
        "spf=pass smtp.mailfrom=evil.example",
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=mail.example.com",
        "dkim=pass header.d=com",
        "spf=pass smtp.helo=example.com",
        "spf=pass",
        "dkim=pass",
        "dmarc=fail header.from=example.com; dkim=pass header.d=example.com",
        "dmarc=temperror header.from=example.com; spf=pass smtp.mailfrom=example.com",
        "dmarc=pass header.from=evil.example",
        "dmarc=pass header.from=example.com; dmarc=fail header.from=example.com",
        "dmarc=pass header.from=example.com; dmarc=pass header.from=evil.example",
        "dmarc=pass header.from=evil.example header.from=example.com",
        "arc=pass (i=1 dmarc=pass header.from=example.com)",
        "x-dmarc=pass header.from=example.com",
        "dmarc=passed header.from=example.com",
        "dmarc/2=pass header.from=example.com",
        "auth=pass smtp.auth=ana@example.com",
    ],
)
def test_S2_anything_less_proves_nothing(results: str) -> None:
    assert not _proved(f"{SERVER}; {results}")


def test_S3a_a_forged_pass_below_the_real_fail_is_not_read() -> None:
    assert not _proved(f"{SERVER}; dmarc=fail header.from=example.com", PASS)


def test_S3a_an_unreadable_real_header_does_not_uncover_a_forged_one() -> None:
    assert not _proved(f"{SERVER}; dmarc=fail (p=reject", PASS)
    assert not _proved(f'{SERVER}; spf=fail smtp.mailfrom="a', PASS)


def test_S3b_a_header_of_another_server_proves_nothing() -> None:
    assert not _proved("mx.evil.example; dmarc=pass header.from=example.com")
    assert not _proved(PASS, server="")
    assert not _proved()


def test_S3b_a_header_that_came_in_with_the_mail_proves_nothing() -> None:
    received = f"Received: from evil.example (evil [192.0.2.1]) by {SERVER} (Postfix) with ESMTP id 1"
    assert not _proved(received, PASS)
    assert _proved(PASS, received)
    assert _proved(f"Received: from {SERVER} by imap.parley.example with LMTP", PASS, received)


def test_S3b_google_stamps_below_its_own_received() -> None:
    received = "Received: from mail.example.com by mx.google.com with ESMTPS id 1"
    assert _proved(received, "mx.google.com; dmarc=pass (p=NONE) header.from=example.com", server="mx.google.com")


def test_S3c_a_pass_for_the_attackers_own_domain_proves_nothing() -> None:
    assert not _proved(
        f"{SERVER}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example; dmarc=pass header.from=evil.example"
    )


@pytest.mark.parametrize(
    "results",
    [
        "spf=fail (dmarc=pass header.from=example.com) smtp.mailfrom=evil.example",
        'spf=pass smtp.mailfrom="x; dmarc=pass header.from=example.com"@evil.example',
        'spf=pass smtp.mailfrom="dmarc=pass header.from=example.com" ',
        'spf=fail reason="dmarc=pass header.from=example.com"',
        "spf=fail (; dmarc=pass header.from=example.com ;) smtp.mailfrom=evil.example",
        "spf=fail (a (b) ; dmarc=pass header.from=example.com) smtp.mailfrom=evil.example",
        r"spf=fail (a \) ; dmarc=pass header.from=example.com) smtp.mailfrom=evil.example",
        r'spf=fail smtp.mailfrom="a\"; dmarc=pass header.from=example.com; \""@evil.example',
    ],
)
def test_S3d_words_in_comments_and_quotes_prove_nothing(results: str) -> None:
    assert not _proved(f"{SERVER}; {results}")


@pytest.mark.parametrize(
    "sender",
    [
        "ana@example.com, b@evil.example",
        "<ana@example.com> <b@evil.example>",
        "ana@example.com\r\nFrom: b@evil.example",
        "team: ana@example.com, b@x.example;",
    ],
)
def test_S3e_two_senders_are_nobody(sender: str) -> None:
    assert not _proved(PASS, sender=sender)


def test_S3f_a_name_that_looks_like_an_address_is_a_name() -> None:
    assert not _proved(PASS, sender='"ana@example.com" <b@evil.example>')


def test_S3g_a_sender_header_changes_nothing() -> None:
    assert not _proved(PASS, "Sender: ana@example.com", sender="b@evil.example")
    assert _proved(PASS, "Sender: b@evil.example")


@pytest.mark.parametrize(
    "header",
    [
        f"{SERVER}\r\n (a comment)\r\n\t1 ; dmarc\r\n = (why) pass\r\n header . from = example.com",
        f"{SERVER} 1; dmarc/1=pass header.from=example.com",
        f"{SERVER};dmarc=pass header.from=example.com;",
        f"{SERVER}; spf=none; dkim=none (no signature); dmarc=pass (p=none dis=none) header.from=example.com",
        f"{SERVER}; DMARC=Pass Header.From=EXAMPLE.com",
        f'{SERVER}; dmarc=pass reason="ok" header.from="example.com"',
    ],
)
def test_S3h_folding_comments_and_versions_are_read(header: str) -> None:
    assert _proved(header)


def test_S3h_another_version_of_the_format_is_not_read() -> None:
    assert not _proved(f"{SERVER} 2; dmarc=pass header.from=example.com")


def test_S3i_a_chain_of_forwarders_alone_proves_nothing() -> None:
    assert not _proved(f"{SERVER}; arc=pass header.oldest-pass=0; dmarc=fail header.from=example.com")


def test_S3j_server_and_domains_are_compared_in_one_form() -> None:
    assert _proved("MX.Parley.Example.; dmarc=pass header.from=Example.COM.")
    assert _proved(PASS, server="MX.parley.example.")
    assert _proved(f"{SERVER}; dmarc=pass header.from=xn--bcher-kva.example", sender="ana@bücher.example")
    assert not _proved("mx.parley.example.evil.example; dmarc=pass header.from=example.com")


_MICROSOFT = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dkim=pass (signature was verified) header.d=example.com;"


def test_S4_microsofts_form_counts_only_where_it_is_configured() -> None:
    whole = f"{_MICROSOFT}dmarc=pass action=none header.from=example.com;compauth=pass reason=100"
    assert not _proved(whole)
    assert _proved(whole, server="", microsoft=True)


@pytest.mark.parametrize(
    ("results", "proved"),
    [
        ("dmarc=bestguesspass action=none header.from=example.com;compauth=pass reason=109", True),
        ("compauth=pass reason=130", True),
        ("dmarc=fail action=quarantine header.from=example.com;compauth=pass reason=130", False),
        ("dmarc=none action=none header.from=example.com;compauth=fail reason=001", False),
        ("dmarc=none action=none header.from=example.com", False),
    ],
)
def test_S4_microsofts_own_check_is_needed_where_dmarc_says_nothing(results: str, proved: bool) -> None:
    assert _proved(_MICROSOFT + results, server="", microsoft=True) is proved


def test_S4_of_microsofts_headers_only_the_topmost_counts() -> None:
    assert not _proved(
        "other.example; dmarc=fail", f"{_MICROSOFT}dmarc=pass header.from=example.com", server="", microsoft=True
    )


# No text that others choose can prove anything

_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=80) | st.sampled_from(
    [
        "; dmarc=pass header.from=example.com;",
        ") ; dmarc=pass header.from=example.com (",
        '"; dmarc=pass; "',
        "\\",
        f"{SERVER}; dmarc=pass",
    ]
)


def _commented(text: str) -> str:
    return "(" + "".join(f"\\{char}" if char in "()\\" else char for char in text) + ")"


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\{char}" if char in '"\\' else char for char in text) + '"'


@settings(max_examples=300)
@given(_TEXT)
def test_S3d_no_comment_makes_a_mail_pass(text: str) -> None:
    assert not _proved(f"{SERVER}; dmarc=fail {_commented(text)} header.from=example.com; spf=fail {_commented(text)}")


@settings(max_examples=300)
@given(_TEXT)
def test_S3d_no_quoted_text_makes_a_mail_pass(text: str) -> None:
    assert not _proved(f"{SERVER}; spf=pass reason={_quoted(text)} smtp.mailfrom={_quoted(text)}@evil.example")


@settings(max_examples=300)
@given(
    st.sampled_from(
        ["Subject", "Sender", "X-Results", "Received", "Comments", "Arc-Authentication-Results", "Reply-To"]
    ),
    _TEXT,
)
def test_S3d_no_other_header_makes_a_mail_pass(name: str, text: str) -> None:
    assert not _proved(f"{name}: {text}", f"{SERVER}; dmarc=fail header.from=example.com", f"{name}: {text}")


@settings(max_examples=300)
@given(_TEXT)
def test_S3a_no_header_below_the_servers_own_makes_a_mail_pass(text: str) -> None:
    assert not _proved(f"{SERVER}; dmarc=fail header.from=example.com", text, PASS)


@settings(max_examples=500)
@given(st.text(max_size=200))
def test_S4_any_header_is_read_or_refused(value: str) -> None:
    parse_results(value)
