"""Our mails stay in their conversation, read well everywhere, and carry nothing that others could put there."""

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.address import Address
from channels.email.compose import (
    Letter,
    addresses_of,
    answered,
    capped,
    compose,
    message_id,
    participants,
    reply_subject,
)
from channels.email.decision import decision
from channels.email.kind import classify
from channels.email.mail import parse
from channels.email.newtext import MARKER, new_text
from channels.email.pages import Body, approval, line, question, said, shown_only
from channels.email.token import find_tokens, mint
from tests.email.samples import raw

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PARLEY = Address("parley@example.com", "Parley")
ANA = Address("ana@example.com", "Ana Diaz")
ARGUMENTS = ("service      api", "environment  production", "reason       memory above 95 % for 20 min")
APPROVAL = approval(
    "Ben asks in #ops to restart api on production. This needs one of ops, for example you.",
    ARGUMENTS,
    example="environment: staging",
    until="Tue 24 Nov, 09:00",
    reply_to="parley+q.abc@example.com",
    subject="Re: api is slow",
)


def _letter(**changes: object) -> Letter:
    values: dict[str, object] = {
        "to": (ANA,),
        "subject": "Re: api is slow",
        "body": line("Hello."),
        "message_id": "<m@example.com>",
    }
    return Letter(**(values | changes))  # type: ignore[arg-type]


def _sent(letter: Letter) -> bytes:
    return compose(letter, PARLEY, AT).as_bytes()


def _read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy.default)


# Threading


def test_T2_a_chain_of_five_answers_keeps_all_its_ids() -> None:
    last = parse(raw(message_id="<1@x.example>"))
    for number in range(2, 6):
        in_reply_to, references = answered(last)
        last = parse(_sent(_letter(message_id=f"<{number}@x.example>", in_reply_to=in_reply_to, references=references)))
    assert last.in_reply_to == ("<4@x.example>",)
    assert last.references == tuple(f"<{number}@x.example>" for number in range(1, 6))


@pytest.mark.parametrize(
    ("headers", "references"),
    [
        ({"In-Reply-To": "<p@x>"}, ("<p@x>", "<m1@example.com>")),
        ({"In-Reply-To": "<p@x> <q@x>"}, ("<m1@example.com>",)),
        ({"In-Reply-To": "<p@x>", "References": "<r@x>"}, ("<r@x>", "<m1@example.com>")),
        ({"References": "<r@x> <m1@example.com>"}, ("<r@x>", "<m1@example.com>")),
        ({"References": "garbage, (really) <"}, ("<m1@example.com>",)),
        ({"Message-ID": "", "References": "<r@x>"}, ("<r@x>",)),
    ],
)
def test_T2_the_references_of_an_answer(headers: dict[str, str], references: tuple[str, ...]) -> None:
    assert answered(parse(raw("hi", headers)))[1] == references


def test_T3_references_are_capped_and_never_lose_the_first() -> None:
    ids = tuple(f"<{number}.{'x' * 60}@example.com>" for number in range(300))
    kept = capped(ids)
    assert (kept[0], kept[-1]) == (ids[0], ids[-1])
    assert kept[1:] == ids[-20:]
    assert sum(map(len, capped(tuple(f"<{number}.{'x' * 380}@{'y' * 300}>" for number in range(300))))) < 9_000


def test_T3_long_ids_are_folded_between_and_never_encoded() -> None:
    long = tuple(f"<{number}.{'x' * 200}@example.com>" for number in range(10))
    sent = _sent(_letter(references=long, in_reply_to=long[-1]))
    assert parse(sent).references == (*long, "<m@example.com>")
    assert all(len(each) < 900 for each in sent.split(b"\r\n"))


@pytest.mark.parametrize(
    ("subject", "reply"),
    [
        ("api is slow", "Re: api is slow"),
        ("Re: api is slow", "Re: api is slow"),
        ("RE: re: Re[2]: api is slow", "Re: api is slow"),
        ("AW: api is slow", "Re: api is slow"),
        ("SV: Antw: api", "Re: api"),
        ("回复：api", "Re: api"),
        ("Fwd: api", "Re: Fwd: api"),
        ("Regarding: api", "Re: Regarding: api"),
        ("Ref: 4417", "Re: Ref: 4417"),
        ("", "Re:"),
    ],
)
def test_T5_a_subject_has_one_re(subject: str, reply: str) -> None:
    assert reply_subject(subject) == reply == reply_subject(reply)


def test_T6_answers_go_to_reply_to_and_to_those_who_are_allowed() -> None:
    mail = parse(
        raw(
            reply_to="desk@example.com",
            to="parley+x@example.com, ben@example.com, s@else.example",
            cc="Carl <carl@example.com>",
        )
    )
    allowed = ["ben@example.com", "CARL@example.com"]
    assert participants(mail, allowed, "parley@example.com") == (
        (Address("desk@example.com"),),
        (Address("ben@example.com"), Address("carl@example.com", "Carl")),
    )


def test_T6_answers_never_go_to_ourselves() -> None:
    mail = parse(raw(from_="PARLEY+q.abc@example.com", to="parley@example.com"))
    assert participants(mail, ["parley@example.com"], "parley@example.com") == ((), ())


def test_T7_our_own_id_is_among_the_references() -> None:
    token = mint("0123456789abcdef0123456789abcdef", "k3v9x2m8qa.12")
    own = message_id(token, "delivery-7", "parley@example.com")
    sent = parse(_sent(_letter(message_id=own)))
    answer = parse(
        raw(in_reply_to="<rewritten@ses.example>", references=" ".join([*sent.references, "<rewritten@ses.example>"]))
    )
    assert find_tokens(answer) == [token]


def test_T8_the_headers_of_a_machine_that_wants_no_automatic_answers() -> None:
    message = _read(
        _sent(
            _letter(
                auto="generated", reply_to="parley+q.abc@example.com", cc=(Address("ben@example.com", "Bén, Ökafor"),)
            )
        )
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] is None
    assert message["Reply-To"] == "Parley <parley+q.abc@example.com>"
    assert message["Date"].datetime == AT
    assert message["Cc"].addresses[0].display_name == "Bén, Ökafor"
    assert message["MIME-Version"] == "1.0"
    assert classify(parse(_sent(_letter()))).kind == "auto"


def test_T1_a_message_id_is_of_our_own_domain_and_the_same_at_every_attempt() -> None:
    assert message_id("abc", "reply:7/x", "parley@Example.com") == "<q.abc.reply7x@example.com>"
    assert _sent(_letter()) == _sent(_letter())


# Bodies


def test_O1_an_approval_reads_well_without_html() -> None:
    assert (
        APPROVAL.text
        == """\
Ben asks in #ops to restart api on production. This needs one of ops, for example you.

    service      api
    environment  production
    reason       memory above 95 % for 20 min

Reply with APPROVE, or with DENY and why. To change something first, write it as "environment: staging".
Anything else goes to the agent as your comment; it will not count as an approval.
Open until Tue 24 Nov, 09:00.
--- please write above this line ---"""
    )


def _words(body: Body) -> list[str]:
    html = parse(raw(body.page("x"), content_type="text/html; charset=utf-8")).text
    return [word for word in html.split() if not word.startswith("<mailto:")]


@pytest.mark.parametrize(
    "body", [APPROVAL, question("Which order?", ["4417 · lamp", "4392 · chair"], until="17:00"), question("Why?")]
)
def test_O1_both_forms_have_the_same_words(body: Body) -> None:
    shown = [word for word in _words(body) if word not in ("Approve", "ApproveDeny…", "Deny…")]
    assert shown == body.text.split()


def test_O1_both_forms_are_sent_the_plain_one_first() -> None:
    message = _read(_sent(_letter(body=APPROVAL)))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert MARKER in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_O1_what_the_agent_wrote_is_escaped() -> None:
    body = said(
        "<script>alert(1)</script> <img src=x onerror=y> [x](javascript:alert(1)) ![t](https://evil.example/t.png) `<b>`\n\n```\n</pre><b>\n```"
    )
    assert not any(
        word in body.html
        for word in ("<script", "<img", "<b>", 'href="javascript', "https://evil.example", "</pre><b>")
    )
    forged = approval('<b onclick="x">', ['a  "><script>', "b  </pre>"], reply_to='x"><b>@example.com', subject='"><b>')
    assert "<script" not in forged.page('</title><script>"')
    assert "<b" not in forged.html.replace("<br>", "")


def test_O1_markdown_becomes_calm_html() -> None:
    html = said("Done.\n\n- **one**\n- [two](https://x.example/?a=1&b=2)\n\n| a | b |\n|---|---|\n| 1 | 2 |").html
    assert "<strong>one</strong>" in html
    assert '<a href="https://x.example/?a=1&amp;b=2" style=' in html
    assert "<table style=" in html


def test_O1_arguments_cannot_pass_for_our_own_lines() -> None:
    body = approval("Ben asks.\nReply with YES", ["reason  x\nOpen until never.", "note  a\r\nAPPROVE"], until="09:00")
    assert "\nOpen until never." not in body.text
    assert "\nReply with YES" not in body.text
    assert "\nAPPROVE" not in body.text


def test_O2_approve_and_deny_open_a_mail_and_load_nothing() -> None:
    assert 'href="mailto:parley+q.abc@example.com?subject=Re%3A%20api%20is%20slow&amp;body=APPROVE"' in APPROVAL.html
    assert "http" not in APPROVAL.page("x")


def test_O1_an_approval_that_mail_cannot_decide_says_where_it_is_decided() -> None:
    body = shown_only(
        "Ben asks.", ARGUMENTS, instead="Mails decide nothing here. Please decide in #ops.", until="09:00"
    )
    assert "APPROVE" not in body.text
    assert MARKER not in body.text
    assert body.text.endswith("Please decide in #ops.\n\nOpen until 09:00.")


def test_O4_lines_are_short_seven_bit_and_end_with_crlf() -> None:
    sent = _sent(_letter(subject="Grüße " * 40, body=said("größer " * 2_000 + "x" * 3_000)))
    assert sent.isascii()
    assert b"\n" not in sent.replace(b"\r\n", b"")
    assert all(len(each) <= 998 for each in sent.split(b"\r\n"))
    assert _read(sent)["Subject"] == "Grüße " * 40


# O3: header injection


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\r\nBcc: x@evil.example"},
        {"subject": "a\nb"},
        {"subject": "a\rBcc: x@evil.example"},
        {"subject": "\r"},
        {"to": (Address("a@x.example", "A\r\nBcc: x@evil.example"),)},
        {"to": (Address("a@x.example", "A\r"),)},
        {"to": (Address("a@x.example\r\nBcc: x@evil.example"),)},
        {"to": (Address(""),)},
        {"reply_to": "a@x.example\r\nX: y"},
        {"message_id": "<a@x.example>\r\nX: y"},
        {"message_id": "no brackets@x"},
        {"in_reply_to": "<a@x> <b@x>"},
        {"in_reply_to": "<ä@x.example>"},
    ],
)
def test_O3_nothing_gets_a_line_break_into_a_header(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        _sent(_letter(**changes))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=200))
def test_O3_no_text_adds_a_header_or_a_recipient(subject: str, name: str, text: str) -> None:
    try:
        sent = _sent(_letter(subject=subject, to=(Address("a@x.example", name),), body=said(text)))
    except ValueError:
        return
    message = _read(sent)
    assert set(message.keys()) == set(_read(_sent(_letter())).keys())
    assert [each.addr_spec for each in message["To"].addresses] == ["a@x.example"]


def test_everybody_gets_one_copy() -> None:
    assert addresses_of(_letter(cc=(ANA, Address("ben@example.com")))) == ("ana@example.com", "ben@example.com")


# The whole way round: what we sent comes back quoted, and is understood


@pytest.mark.parametrize("quote", ["> ", ""])
@pytest.mark.parametrize(("word", "understood"), [("APPROVE", True), ("fine with me", False)])
def test_X4_an_answer_to_an_approval_is_understood(quote: str, word: str, understood: bool) -> None:
    quoted = "\n".join(f"{quote}{each}" for each in APPROVAL.text.split("\n"))
    text = f"{word}\n\nOn Tue, Nov 24, 2026 at 9:00 AM Parley <parley@example.com> wrote:\n\n{quoted}"
    for sent in ([], [APPROVAL.text]):
        new = new_text(parse(raw(text, subject="Re: api is slow", in_reply_to="<m@example.com>")), sent)
        assert new.text == word
        assert (decision(new.own) is not None) is understood
