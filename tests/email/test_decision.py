"""A mail decides only where it says so exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.decision import Approve, Deny, Edit, decision

FIELDS = ("service", "environment", "max_wait")


@pytest.mark.parametrize(
    "text",
    [
        "APPROVE", "approve", "Approve.", "Approved!", "  APPROVE  ", "\n\nAPPROVE\n", "*APPROVE*", '"APPROVE"', "AP\u200bPROVE",
        "Genehmigt", "freigegeben", "Approuvé", "approuve\u0301", "J’approuve", "Aprobado", "apruebo", "Approvato",
        "Goedgekeurd", "Aprovado",
    ],
)  # fmt: skip
def test_X8_an_approval_is_one_word_alone_on_the_first_line(text: str) -> None:
    assert decision(text) == Approve()


def test_X8_what_stands_below_an_approval_is_a_comment() -> None:
    assert decision("APPROVE\n\nthank you for asking\nAna") == Approve("thank you for asking\nAna")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DENY", ""),
        ("deny wait for the backup", "wait for the backup"),
        ("DENY: wait for the backup", "wait for the backup"),
        ("Deny - not now", "not now"),
        ("DENY\nwait for\nthe backup", "wait for\nthe backup"),
        ("Denied.", ""),
        ("Denied, no backup yet", "no backup yet"),
        ("*DENY* not now", "not now"),
        ("Abgelehnt: erst das Backup", "erst das Backup"),
        ("ABLEHNEN", ""),
        ("Refusé", ""),
        ("Rechazado, falta la copia", "falta la copia"),
        ("Rifiutato", ""),
        ("Afgewezen: wacht", "wacht"),
        ("Recusado", ""),
    ],
)
def test_X8_a_denial_is_a_first_word_with_or_without_a_reason(text: str, reason: str) -> None:
    assert decision(text) == Deny(reason)


@pytest.mark.parametrize(
    "text",
    [
        "", "  \n ", "I do not approve", "not approved", "approve?", "approve? no", "approved by whom?",
        "Approve or deny?", "APPROVE / DENY",
        "APPROVE or DENY", "APPROVE, but only on staging", "approve it", "approved by Carl", "disapprove",
        "preapproved", "I approve", "yes", "ok",
        "Yes, approve", "please approve", "Should I approve", "no", "Hi,\nAPPROVE", "comment\n\nAPPROVE", "> APPROVE",
        "APPROVE-ish", "APPROVE 2",
        "unapprove", "approve not", "approve: no", "denied access errors are in the log", "denial of service",
        "deny?", "deny because of what?", "Denied by whom?",
        "denying", "Refuse collection is on Tuesday", "Reply with APPROVE, or with DENY and why.", "ＡＰＰＲＯＶＥ",
        "АPPROVE", "A P P R O V E",
        "APPROVE\nno wait, don't", "APPROVE\nbut only after the backup", "APPROVE\n\nor shall we wait?",
        "APPROVE\nDENY", "APPROVE\n\nRejected: sorry",
        "Genehmigt\naber erst morgen", "Approuvé\nmais pas maintenant", "nicht genehmigt", "aprobado?",
        "non approvato", "niet goedgekeurd",
        "não aprovado", "environment: staging", "APPROVE\n\n\nnot yet", "APPROVE environment: staging",
    ],
)  # fmt: skip
def test_X8_everything_else_decides_nothing(text: str) -> None:
    assert decision(text) is None


@pytest.mark.parametrize(
    ("text", "changes", "approved"),
    [
        ("environment: staging", (("environment", "staging"),), False),
        ("Environment : staging", (("environment", "staging"),), False),
        ("max wait: 10", (("max_wait", "10"),), False),
        ("service: web\nenvironment: staging\n\nthanks", (("service", "web"), ("environment", "staging")), False),
        ("environment: staging\nAPPROVE", (("environment", "staging"),), True),
        ("APPROVE\nenvironment: staging", (("environment", "staging"),), True),
        ("service: http://web:80", (("service", "http://web:80"),), False),
    ],
)
def test_X8_a_change_names_an_argument_that_was_shown(
    text: str, changes: tuple[tuple[str, str], ...], approved: bool
) -> None:
    assert decision(text, FIELDS) == Edit(changes, approved)


@pytest.mark.parametrize(
    "text",
    ["region: eu", "environment:", "environment: staging?", "environment staging", "environment: staging\nor rather not",
     "note: environment: staging",
     "environment: staging\nDENY"],
)  # fmt: skip
def test_X8_a_doubtful_change_changes_nothing(text: str) -> None:
    assert decision(text, FIELDS) is None


def test_X8_an_approval_above_an_unclear_change_does_not_approve_the_original() -> None:
    assert decision("APPROVE\nenvironment: staging?", FIELDS) is None
    assert decision("APPROVE\nenvironment:", FIELDS) is None
    assert decision("APPROVE\nregion: eu", FIELDS) is None


@settings(max_examples=300)
@given(st.text(max_size=60), st.sampled_from(["APPROVE", "approved", "genehmigt"]), st.text(max_size=60))
def test_X8_no_words_beside_an_approval_leave_it_one(before: str, word: str, after: str) -> None:
    line = f"{before} {word} {after}".replace("\n", " ")
    found = decision(line)
    assert not isinstance(found, Approve) or not any(char.isalnum() or char == "?" for char in before + after)


@settings(max_examples=300)
@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=3))
def test_X8_any_text_is_understood_or_not(text: str, fields: list[str]) -> None:
    decision(text, fields)
