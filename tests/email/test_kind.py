"""People, machines and bounces are told apart, and in doubt it was a person."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.kind import Bounce, classify
from channels.email.mail import parse
from tests.email.samples import multipart, raw

_COPY = (
    "Content-Type: message/rfc822\n\nMessage-ID: <ask.1.x@parley.example>\nSubject: api is slow\n\nBen asks to restart"
)


def _dsn(status: str, action: str = "failed", copy: str = _COPY) -> bytes:
    text = "Content-Type: text/plain\n\nThis is the mail system at host mx.example.\n"
    report = (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; Ana@Example.com\nAction: {action}\nStatus: {status}\n"
        "Diagnostic-Code: smtp; 550 no such\n user here\n"
    )
    extra = '; report-type="delivery-status"'
    return multipart(text, report, copy, kind="report", extra=extra, from_="MAILER-DAEMON@mx.example", return_path="<>")


def _bounce(mail: bytes) -> Bounce:
    kind = classify(parse(mail))
    assert kind.kind == "bounce"
    assert kind.bounce
    return kind.bounce


def test_A3_a_delivery_report_names_the_mail_that_failed() -> None:
    assert _bounce(_dsn("5.1.1")) == Bounce(
        original_ids=("<ask.1.x@parley.example>",),
        recipients=("ana@example.com",),
        status="5.1.1",
        diagnostic="550 no such user here",
        permanent=True,
        failed=True,
    )


def test_A3_the_original_may_be_there_as_headers_only() -> None:
    copy = "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <ask.2.x@parley.example>\n"
    assert _bounce(_dsn("5.0.0", copy=copy)).original_ids == ("<ask.2.x@parley.example>",)


@pytest.mark.parametrize(
    ("status", "action", "permanent", "failed"),
    [
        ("5.1.1", "failed", True, True),
        ("4.4.1", "delayed", False, False),
        ("5.4.0", "delayed", False, False),
        ("4.4.7", "failed", False, True),
    ],
)
def test_A3_permanent_failures_and_mere_delays(status: str, action: str, permanent: bool, failed: bool) -> None:
    bounce = _bounce(_dsn(status, action))
    assert (bounce.permanent, bounce.failed) == (permanent, failed)


def test_A3_a_report_of_success_is_no_bounce() -> None:
    assert classify(parse(_dsn("2.0.0", "delivered"))).kind == "auto"


@pytest.mark.parametrize(
    "mail",
    [
        raw("x", x_failed_recipients="ana@example.com"),
        raw("x", headers={"From": "Mail Delivery System <mailer-daemon@mx.example>"}),
        raw("x", headers={"From": "postmaster@mx.example", "Subject": "Undeliverable: api is slow"}),
        raw("x", headers={"Return-Path": "<>", "Subject": "failure notice"}),
        raw("Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver"),
        raw(
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be"
        ),
        raw("Delivery has failed to these recipients or groups:\n\nana@example.com"),
    ],
)
def test_A3_older_forms_of_bounces(mail: bytes) -> None:
    assert _bounce(mail).failed


def test_A3_a_quoted_head_gives_the_id_too() -> None:
    text = "Hi. This is the qmail-send program at mx.\n<a@x.example>: 550 5.1.1 unknown\n\n--- Below this line\n\nMessage-ID: <ask.3.x@p.example>\n"
    bounce = _bounce(raw(text))
    assert (bounce.original_ids, bounce.status) == (("<ask.3.x@p.example>",), "5.1.1")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated (by cron)"),
        ("Auto-Submitted", "Auto-Replied; owner-email=a@b"),
        ("Precedence", "bulk"),
        ("Precedence", "auto_reply"),
        ("X-Autoreply", "yes"),
        ("X-Autorespond", "1"),
        ("List-Id", "<team.example.com>"),
        ("List-Unsubscribe", "<mailto:leave@example.com>"),
        ("Return-Path", "<>"),
        ("Subject", "Automatic reply: api is slow"),
        ("Subject", "Out of Office"),
        ("Subject", "Abwesenheitsnotiz: api is slow"),
        ("Subject", "Réponse automatique : api is slow"),
        ("Subject", "Respuesta automática: api is slow"),
        ("Subject", "Risposta automatica: api is slow"),
        ("Subject", "Automatisch antwoord: api is slow"),
        ("Subject", "Resposta automática: api is slow"),
        ("Subject", "Autosvar: api is slow"),
        ("Subject", "Automatyczna odpowiedź: api is slow"),
        ("Subject", "=?utf-8?B?6Ieq5YuV5b+c562UOg==?= api"),
        ("Subject", "Автоматический ответ: api is slow"),
    ],
)
def test_A1_machines_are_recognised(header: str, value: str) -> None:
    assert classify(parse(raw("I am away.", {header: value}))).kind == "auto"


@pytest.mark.parametrize("report", ["feedback-report", "disposition-notification"])
def test_A1_complaints_and_read_receipts_are_automatic(report: str) -> None:
    part = f"Content-Type: message/{report}\n\nFinal-Recipient: rfc822; a@example.com\n"
    assert (
        classify(
            parse(multipart("Content-Type: text/plain\n\nread", part, kind="report", extra=f"; report-type={report}"))
        ).kind
        == "auto"
    )


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Subject", "api is slow"),
        ("Subject", "Re: Automatic reply: api is slow"),
        ("Subject", "Out of office hours access"),
        ("Subject", "Absences in May"),
        ("Subject", "Undeliverable parcel 4417"),
        ("Subject", "Delivery failed twice, where is my lamp?"),
        ("Auto-Submitted", "no"),
        ("X-Auto-Response-Suppress", "None"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Auto-Response-Suppress", "DR, OOF"),
        ("Precedence", "first-class"),
        ("From", "postmaster@example.com"),
        ("From", ""),
    ],
)
def test_A1_people_stay_people(header: str, value: str) -> None:
    assert classify(parse(raw("Hello", {header: value}))).kind == "human"


def test_A1_who_asks_for_silence_gets_no_automatic_answer() -> None:
    assert classify(parse(raw(x_auto_response_suppress="All"))).quiet
    assert not classify(parse(raw(x_auto_response_suppress="None"))).quiet
    assert not classify(parse(raw())).quiet


def test_A1_a_person_who_forwards_a_bounce_is_a_person() -> None:
    inner = f"Content-Type: message/rfc822\n\n{_dsn('5.1.1').decode()}".replace("edge", "inner")
    assert classify(parse(multipart("Content-Type: text/plain\n\nLook at this", inner))).kind == "human"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=1_000))
def test_A1_classification_never_raises(data: bytes) -> None:
    classify(parse(data))
