"""What a person newly wrote is found in what their mail program sent."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.decision import Approve, Deny, decision
from channels.email.mail import Mail, parse
from channels.email.newtext import MARKER, NewText, new_text
from tests.email.samples import html, multipart, raw

QUESTION = f"""Ben asks in #ops to restart api on production. This needs one of ops, for example you.

    service      api
    environment  production
    reason       memory above 95 % for 20 min

Reply with APPROVE, or with DENY and why. To change something first, write it as "environment: staging".
Anything else goes to the agent as your comment; it will not count as an approval.
Open until Tue 24 Nov, 09:00.
{MARKER}"""
QUOTED = "\n".join(f"> {line}".rstrip() for line in QUESTION.split("\n"))


def _mail(text: str, **named: str) -> Mail:
    return parse(raw(text, None, **{"subject": "Re: api is slow", "in_reply_to": "<q1@parley.example>", **named}))


def _new(text: str, *sent: str, **named: str) -> NewText:
    return new_text(_mail(text, **named), sent)


def _rich(body: str, *sent: str) -> NewText:
    return new_text(parse(html(body, subject="Re: api is slow", in_reply_to="<q1@parley.example>")), sent)


def test_X9_a_mail_without_any_quote_is_new_as_a_whole() -> None:
    assert _new("Hello,\n\nmy lamp is broken.\n\nWhat now?") == NewText(
        text := "Hello,\n\nmy lamp is broken.\n\nWhat now?", text
    )


# X4: our own text is subtracted


@pytest.mark.parametrize(
    "quoted",
    [
        pytest.param(QUOTED, id="prefixed"),
        pytest.param(QUESTION, id="bare"),
        pytest.param(QUESTION.replace("\n", "\n\n"), id="spread"),
        pytest.param(" ".join(QUESTION.split()), id="one line"),
        pytest.param("\n".join(QUESTION.split(" ")), id="one word a line"),
        pytest.param(QUESTION.upper(), id="shouted"),
        pytest.param(
            "> Ben asks in #ops to restart api on production. This needs one of ops, for\nexample you.\n>\n> Reply with",
            id="rewrapped",
        ),
    ],
)
def test_X4_our_own_text_is_never_the_persons(quoted: str) -> None:
    new = _new(f"Please wait for the backup.\n\n{quoted}", QUESTION)
    assert (new.text, new.quoted_removed) == ("Please wait for the backup.", True)


def test_X4_our_text_below_an_unknown_attribution_is_removed_too() -> None:
    assert _new(f"DENY not now\n\nQazaq tilinde: Parley jazdy\n{QUESTION}", QUESTION).own.startswith("DENY not now")
    assert "Reply with APPROVE" not in _new(f"DENY not now\n\nQazaq tilinde: Parley jazdy\n{QUESTION}", QUESTION).text


def test_X4_our_html_is_subtracted_as_a_reader_sees_it() -> None:
    ours = "<div><p>Which order does Ms Weber mean? She has two open ones.</p><p>Or just reply to this mail.</p></div>"
    shown = "Which order does Ms Weber mean? She has two open ones.\nOr just reply to this mail."
    assert _new(f"The lamp.\n\n{shown}", ours).text == "The lamp."


def test_X4_a_choice_that_is_repeated_as_the_answer_stays() -> None:
    question = "What shall I do?\n\n- refund the full amount to the card\n- send a new lamp"
    assert _new("refund the full amount to the card", question).own == "refund the full amount to the card"


def test_X4_a_mail_that_only_quotes_us_says_nothing_new() -> None:
    assert _new(f"On Mon, Nov 23, 2026 at 2:00 PM Parley <p@example.com> wrote:\n{QUOTED}", QUESTION).own == ""
    assert _new(QUOTED, QUESTION).text == ""


# X5: the marker


def test_X5_what_stands_below_the_marker_does_not_count() -> None:
    assert _new(f"yes, go\n\n{MARKER}\nreport of last week: APPROVE").text == "yes, go"


@pytest.mark.parametrize("prefix", ["> ", ">> ", "| > "[2:], "&gt; "[:0]])
def test_X5_the_marker_survives_prefixes(prefix: str) -> None:
    assert _new(f"yes, go\n{prefix}{MARKER}\nAPPROVE").text == "yes, go"


def test_X5_the_marker_survives_html() -> None:
    assert _rich(f"<div>yes, go</div><div><font color=gray>{MARKER}</font></div><p>APPROVE</p>").text == "yes, go"


def test_X5_who_writes_below_the_marker_all_the_same_is_heard() -> None:
    assert _new(f"{QUOTED}\n\nwait for the backup").text == "wait for the backup"
    assert _new(f"{QUESTION}\n\nwait for the backup", QUESTION).text == "wait for the backup"


def test_X5_markers_of_other_systems_are_known() -> None:
    assert _new("yes\n\n##- Please type your reply above this line -##\nTicket 12").text == "yes"


# Attribution lines and header blocks


@pytest.mark.parametrize(
    "line",
    [
        "On Mon, Nov 23, 2026 at 2:00 PM Parley <parley@example.com> wrote:",
        "On Mon, Nov 23, 2026 at 2:00 PM Parley via Some Very Long List Name\n<parley@example.com> wrote:",
        "On Mon, Nov 23, 2026 at 2:00 PM Parley <parley@example.com\n> wrote:",
        "On 23/11/2026 14:00, Parley wrote:",
        "On Nov 23, 2026, at 14:00, Parley <parley@example.com> wrote:",
        "Parley <parley@example.com> wrote:",
        "Am 23.11.2026 um 14:00 schrieb Parley:",
        "Am Mo., 23. Nov. 2026 um 14:00 Uhr schrieb Parley <\nparley@example.com>:",
        "Le lun. 23 nov. 2026 à 14:00, Parley <parley@example.com> a écrit :",
        "Le 23/11/2026 à 14:00, Parley a écrit\u00a0:",
        "El lun, 23 nov 2026 a las 14:00, Parley (<parley@example.com>) escribió:",
        "Il giorno lun 23 nov 2026 alle ore 14:00 Parley <parley@example.com> ha\nscritto:",
        "Em seg., 23 de nov. de 2026 às 14:00, Parley <parley@example.com> escreveu:",
        "Op ma 23 nov 2026 om 14:00 schreef Parley <parley@example.com>:",
        "Den mån 23 nov. 2026 kl 14:00 skrev Parley <parley@example.com>:",
        "man. 23. nov. 2026 kl. 14.00 skrev Parley <parley@example.com>:",
        "ma 23. marrask. 2026 klo 14.00 Parley (parley@example.com) kirjoitti:",
        "po 23. 11. 2026 v 14:00 odesílatel Parley <parley@example.com> napsal:",
        "pon., 23 lis 2026 o 14:00 Parley <parley@example.com> napisał(a):",
        "пн, 23 нояб. 2026 г. в 14:00, Parley <parley@example.com>:",
        "23 ноября 2026 г., 14:00, Parley написал(а):",
        "Parley <parley@example.com>, 23 Kas 2026 Pzt, 14:00 tarihinde şunu yazdı:",
        "2026年11月23日(月) 14:00 Parley <parley@example.com>:",
        "Parley <parley@example.com> 于2026年11月23日周一 14:00写道：",
        "2026년 11월 23일 (월) 오후 2:00, Parley <parley@example.com>님이 작성:",
    ],
)
def test_X4_attribution_lines_of_many_programs(line: str) -> None:
    answer = "Yes, go.\nOn production, please."
    assert _new(f"{answer}\n\n{line}\n\n> Shall I restart it?\n> It is slow.").text == answer
    assert _new(f"{answer}\n\n{line}\n\nShall I restart it?\nIt is slow.").text == answer
    assert _new(f"{line}\n> Shall I restart it?\n\n{answer}").text == answer


@pytest.mark.parametrize(
    "block",
    [
        "From: Parley <parley@example.com>\nSent: Monday, November 23, 2026 2:00 PM\nTo: Ana Diaz\nSubject: api is slow",
        "*From:* Parley <parley@example.com>\n*Sent:* Monday\n*To:* Ana Diaz\n*Subject:* api is slow",
        "________________________________\nFrom: Parley\nSent: Monday\nTo: Ana\nCc: Ben\nSubject: api is slow",
        "-----Original Message-----\nFrom: Parley\nSent: Monday\nTo: Ana\nSubject: api is slow",
        "Von: Parley <parley@example.com>\nGesendet: Montag, 23. November 2026 14:00\nAn: Ana Diaz\nBetreff: api is slow",
        "-----Ursprüngliche Nachricht-----\nVon: Parley\nGesendet: Montag\nAn: Ana\nBetreff: api is slow",
        "De : Parley <parley@example.com>\nEnvoyé : lundi 23 novembre 2026 14:00\nÀ : Ana Diaz\nObjet : api is slow",
        "De: Parley\nEnviado el: lunes\nPara: Ana\nAsunto: api is slow",
        "Da: Parley\nInviato: lunedì\nA: Ana\nOggetto: api is slow",
        "De: Parley\nEnviada em: segunda\nPara: Ana\nAssunto: api is slow",
        "Van: Parley\nVerzonden: maandag\nAan: Ana\nOnderwerp: api is slow",
        "Från: Parley\nSkickat: måndag\nTill: Ana\nÄmne: api is slow",
        "发件人: Parley\n发送时间: 2026年11月23日\n收件人: Ana\n主题: api is slow",
        "差出人: Parley\n送信日時: 2026年11月23日\n宛先: Ana\n件名: api is slow",
        "Date: Mon, 23 Nov 2026\nFrom: parley@example.com\nTo: ana@example.com\nSubject: api is slow",
    ],
)
def test_X4_header_blocks_of_outlook_and_others(block: str) -> None:
    answer = "Yes, go.\nOn production, please."
    new = _new(f"{answer}\n\n{block}\n\nShall I restart it?\n\nParley")
    assert (new.text, new.quoted_removed) == (answer, True)


@pytest.mark.parametrize(
    "text",
    [
        "On Monday we restarted it and Ben wrote: nothing to see.",
        "I need this:\n- the lamp\n- the chair",
        "Please book.\nFrom: Berlin\nTo: Paris\nDate: 24 Nov",
        "At 14:00 the log said:\nerror 500\nerror 502",
        "From my side: yes.\nSubject: to approval by Carl.",
        "Sent from my desk to yours yesterday, did it arrive?",
        "Thanks for the lamp!\nIt works.",
        "Best\nof all would be a new lamp",
        "The -- flag is ignored",
        "a --- b\n---\nc",
        "5 > 4\nand 3 < 4",
        "Thank you, but no:\nit is still broken.\nAnd now?",
        "To: all\nI quit.",
    ],
)
def test_X4_a_persons_words_are_not_mistaken_for_a_programs(text: str) -> None:
    assert _new(text).text == text


# X6: markup of mail programs

_GMAIL = (
    '<div dir="ltr">Yes, go.<br></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, Nov 23, 2026 at'
    ' 2:00 PM Parley &lt;<a href="mailto:p@x.example">p@x.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0">'
    "Shall I restart it?</blockquote></div>"
)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(_GMAIL, id="gmail"),
        pytest.param(
            '<div>Yes, go.</div><div class="gmail_quote">Shall I restart it?</div>', id="gmail without blockquote"
        ),
        pytest.param(
            '<div>Yes, go.</div><div class="gmail_extra"><br><div class="gmail_quote">Parley wrote:<blockquote>Shall I?</blockquote></div></div>',
            id="old gmail",
        ),
        pytest.param(
            '<div>Yes, go.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Parley<br><b>Sent:</b> Monday</div>'
            "<div>Shall I restart it?</div>",
            id="outlook on the web",
        ),
        pytest.param(
            '<div class="WordSection1"><p>Yes, go.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in">'
            "<p><b>From:</b> Parley<br><b>Sent:</b> Monday<br><b>To:</b> Ana<br><b>Subject:</b> api</p></div></div><p>Shall I restart it?</p></div>",
            id="outlook",
        ),
        pytest.param(
            '<div>Yes, go.</div><div id="mail-editor-reference-message-container"><div><b>From:</b> Parley</div><div>Shall I?</div></div>',
            id="new outlook",
        ),
        pytest.param(
            '<p>Yes, go.</p><div class="moz-cite-prefix">On 11/23/26 14:00, Parley wrote:<br></div><blockquote type="cite">Shall I?</blockquote>',
            id="thunderbird",
        ),
        pytest.param(
            '<div>Yes, go.</div><div><br><blockquote type="cite"><div>On 23. Nov 2026 Parley wrote:</div><div>Shall I?</div></blockquote></div>',
            id="apple",
        ),
        pytest.param(
            '<div>Yes, go.</div><div class="protonmail_quote">On Monday Parley wrote:<br><blockquote>Shall I?</blockquote></div>',
            id="proton",
        ),
        pytest.param(
            '<div>Yes, go.</div><hr data-marker="__DIVIDER__"><div data-marker="__HEADERS__">From: Parley</div><div>Shall I?</div>',
            id="zimbra",
        ),
        pytest.param(
            '<div>Yes, go.</div><div class="yahoo_quoted"><div>On Monday, Parley wrote:</div><div>Shall I?</div></div>',
            id="yahoo",
        ),
        pytest.param('<div>Yes, go.</div><div class="x_gmail_quote">Shall I?</div>', id="seen through outlook"),
    ],
)
def test_X6_quotes_are_known_by_their_markup(page: str) -> None:
    new = _rich(page)
    assert (new.text, new.own, new.quoted_removed) == ("Yes, go.", "Yes, go.", True)


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature">Ana Diaz<br>Ops</div>',
        '<div id="Signature"><p>Ana Diaz</p></div>',
        '<div id="AppleMailSignature">Ana Diaz</div>',
        '<pre class="moz-signature">-- \nAna Diaz</pre>',
        '<div class="protonmail_signature_block">Sent with Proton Mail</div>',
        '<div data-marker="__SIG_PRE__">Ana Diaz</div>',
        "<div>-- <br>Ana Diaz</div>",
    ],
)
def test_X6_signatures_are_known_by_their_markup(signature: str) -> None:
    assert _rich(f"<div>Yes, go.</div>{signature}{_GMAIL.partition('<br>')[2]}").text == "Yes, go."


def test_X6_the_plain_part_is_read_when_markup_hides_everything() -> None:
    parts = ["Content-Type: text/plain\n\nYes, go.", "Content-Type: text/html\n\n<blockquote>Yes, go.</blockquote>"]
    assert new_text(parse(multipart(*parts, kind="alternative"))).text == "Yes, go."


# X7: inline answers and forwards


def test_X7_answers_between_quoted_lines_keep_what_they_answer() -> None:
    text = "Hi,\n\nOn Mon, Nov 23, 2026 Parley wrote:\n> Which order?\n\n4392\n\n> And the address?\n\nThe old one.\n\n> Regards\n> Parley"
    new = _new(text)
    assert new.text == "Hi,\n\n> Which order?\n\n4392\n\n> And the address?\n\nThe old one."
    assert new.own == "Hi,\n\n4392\n\nThe old one."


def test_X7_answers_between_our_lines_keep_them_even_unprefixed() -> None:
    ours = "Which order does Ms Weber mean, the lamp or the chair?\n\nAnd shall it go to the old address or to the new one?"
    block = "From: Parley\nSent: Monday\nTo: Ben\nSubject: Order"
    answers = ours.replace("chair?", "chair?\n\nthe chair").replace("one?", "one?\n\nthe old one")
    new = _new(f"see below\n\n{block}\n\n{answers}", ours)
    assert new.own == "see below\n\nthe chair"
    assert "> Which order does Ms Weber mean, the lamp or the chair?\n\nthe chair" in new.text


def test_X7_an_answer_below_the_quote_stands_alone() -> None:
    assert _new("On Mon, Nov 23, 2026 Parley wrote:\n> Which order?\n> The lamp?\n\n4392").text == "4392"


def test_X7_gmail_answers_inside_its_quote_block() -> None:
    page = '<div class="gmail_quote"><div class="gmail_attr">On Monday Parley wrote:</div><blockquote>Which order?</blockquote><div>4392</div></div>'
    assert _rich(page).own == "4392"


@pytest.mark.parametrize(
    "text",
    [
        "For you.\n\n---------- Forwarded message ---------\nFrom: Greta <g@x.example>\nDate: Monday\nSubject: Lamp\n\nIt is broken.",
        "For you.\n\nBegin forwarded message:\n\n> From: Greta <g@x.example>\n> Subject: Lamp\n>\n> It is broken.",
        "For you.\n\n-------- Weitergeleitete Nachricht --------\nBetreff: Lampe\nVon: Greta\nAn: Ben\n\nIt is broken.",
    ],
)
def test_X7_forwarded_mail_is_kept_whole(text: str) -> None:
    new = _new(text, subject="Fwd: Lamp")
    assert (new.text, new.own, new.forwarded) == (text, "For you.", True)
    assert _new(text, subject="Lamp").forwarded


def test_X7_outlook_forwards_are_known_by_their_subject() -> None:
    text = "For you.\n\nFrom: Greta\nSent: Monday\nTo: Ben\nSubject: Lamp\n\nIt is broken."
    assert _new(text, subject="FW: Lamp").text == text
    assert _new(text, subject="RE: FW: Lamp").text == "For you."


def test_X7_forwarding_our_question_does_not_make_it_the_persons_words() -> None:
    new = _new(
        f"What do you think?\n\n---------- Forwarded message ---------\n{QUESTION}\nAPPROVE",
        QUESTION,
        subject="Fwd: api is slow",
    )
    assert new.own == "What do you think?"


# Signatures


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAna Diaz\nOps, Example Inc.",
        "--\nAna Diaz",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Get Outlook for iOS",
        "发自我的iPhone",
        "Best regards,\nAna Diaz",
        "Best regards\n\nAna Diaz\nHead of Operations\nT +49 30 1234\nhttps://example.com",
        "Mit freundlichen Grüßen\n\nAna Diaz",
        "Cordialement,\nAna",
        "Thanks,\nAna",
        "Saludos\nAna",
        "Met vriendelijke groet,\n\nAna Diaz",
        "-- \nAna\n\nThis email and any attachments are confidential and may be privileged.",
        "This e-mail is intended only for the addressee and is confidential.",
    ],
)
def test_X4_signatures_are_removed(signature: str) -> None:
    new = _new(f"It is still slow.\n\n{signature}")
    assert (new.text, new.signature_removed) == ("It is still slow.", True)
    assert (
        _new(f"It is still slow.\n\n{signature}\n\nOn 23.11.2026 14:00 Parley <p@x.example> wrote:\n> Better?").text
        == "It is still slow."
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Good idea!\n\nMed venlig hilsen / Kind regards\n\nKim Lund\nCEO", "Good idea!"),
        ("Rendben.\n\nUdvozlettel,\nKata", "Rendben."),
        ("收到。\n\n————————————————————\n\n小明\n工程师", "收到。"),
        ("Could you look?\n\nAna Diaz | Ops | Example Inc.\n+49 30 1234", "Could you look?"),
        ("Could you look?\n\nAna", "Could you look?"),
        ("Yes.\n\nOn 23.11.2026 14:00 Parley wrote:\n> a\n> b\n\nAna Diaz\nOps", "Yes."),
        ("First part\n__________\nsecond part, which is longer than any name would be", None),
        ("Ana", None),
        ("Ana is right.\nAsk Ana?", None),
    ],
)
def test_X4_names_end_a_text_only_where_they_sign_it(text: str, kept: str | None) -> None:
    assert _new(text).text == (kept or text)


def test_X8_what_may_be_a_signature_is_still_looked_at_for_a_decision() -> None:
    new = _new("APPROVE\n\nThanks,\nNot before noon")
    assert new.text == "APPROVE"
    assert decision(new.own) is None
    assert decision(_new("APPROVE\n\nBest regards\nAna Diaz\nOps").own) == Approve()
    assert decision(_new("DENY wait for the backup\n\nBest regards\nAna").own) == Deny("wait for the backup")


def test_X4_a_text_that_is_all_greeting_stays() -> None:
    assert _new("Thanks,\nAna").text == "Thanks,\nAna"
    assert _new("Thank you!").text == "Thank you!"


def test_X9_a_first_mail_that_only_quotes_is_given_whole() -> None:
    assert new_text(parse(raw("> error 500\n> error 502"))) == NewText("> error 500\n> error 502")


# X10: limits


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(">" * 1_000_000, id="deep quote"),
        pytest.param("> a\n" * 300_000, id="many quotes"),
        pytest.param(("On " * 20 + "wrote:\n") * 50_000, id="attributions"),
        pytest.param("From: a\n" * 100_000, id="headers"),
        pytest.param("-- \n" * 200_000, id="signatures"),
        pytest.param("a b " * 250_000, id="one line of words"),
        pytest.param("Ben asks in ops " * 60_000, id="our words over and over"),
        pytest.param("Regards\n" * 100_000, id="closings"),
        pytest.param("_" * 500_000 + "\n" + "_\n" * 100_000, id="rules"),
        pytest.param(" " * 900_000 + "x", id="spaces"),
        pytest.param("<" * 100_000 + "\n" + "> a:\n" * 100_000, id="open brackets"),
    ],
)
def test_X10_pathological_quoting_takes_bounded_time(text: str) -> None:
    mail = _mail(text)
    started = time.process_time()
    new_text(mail, [QUESTION, "Ben asks in ops " * 5_000])
    assert time.process_time() - started < 2


_LINES = st.sampled_from(
    [
        *QUOTED.split("\n"),
        *QUESTION.split("\n"),
        "yes",
        "",
        "-- ",
        "On 1.1.2026 Ana wrote:",
        "From: a",
        "Subject: b",
        "Sent: c",
        "Thanks,",
        "Ana",
        "> > x",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_LINES, max_size=30), st.booleans())
def test_X10_any_mixture_of_lines_is_read(lines: list[str], known: bool) -> None:
    new = new_text(Mail(text="\n".join(lines)), [QUESTION] if known else [])
    assert not new.own or new.text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=80))
def test_X10_any_text_is_read(text: str, page: str, sent: str) -> None:
    new_text(Mail(text=text, html=page), [sent])


# Around the world

ATTRIBUTIONS = [
    "On Friday, January 5th, 2024 at 2:32 PM, Otto Maier <otto@example.com> wrote:",
    "On 5 Oca 2024, at 14:32, Ali <ali@example.tr> wrote:",
    "Am Freitag, 5. Januar 2024, 14:32:11 MEZ hat Otto <otto@example.de> Folgendes geschrieben:",
    "Otto Maier <otto@example.de> schrieb am 05.01.2024 14:32:",
    "Le vendredi 5 janvier 2024 à 14:32:11 UTC+1, Zoé <zoe@example.fr> a écrit :",
    "El vie, 5 ene 2024 a las 14:32, Inés (<ines@example.es>) escribió:",
    "In data venerdì 5 gennaio 2024 14:32:11 CET, Ugo <ugo@example.it> ha scritto:",
    "Em sex., 5 de jan. de 2024 às 14:32, Rui <rui@example.br>\nescreveu:",
    "Op 5 jan 2024 om 14:32 heeft Piet <piet@example.nl> het volgende geschreven:",
    "Den tors 9 jan. 2025 kl 11:02 skrev Elin <\nelin@example.se>:",
    "tir. 3. jun. 2025 kl. 14.22 skrev Ole <ole@example.no>:",
    "pe 5. tammik. 2024 klo 14.32 Aino <aino@example.fi> kirjoitti:",
    "Dňa 5. 1. 2024 o 14:32 Eva Malá napísal(a):",
    "pt., 5 sty 2024 o 14:32 Ewa <ewa@example.pl> napisał(a):",
    "Kis Éva <eva@example.hu> ezt írta (időpont: 2024. jan. 5., P, 14:32):",
    "2024. 01. 05. 14:32 keltezéssel, Kis Éva a következőt írta:",
    "Пятница, 5 января 2024, 14:32 +03:00 от Лев <lev@example.ru>:",
    "пт, 5 січ. 2024 р. о 14:32 Леся <lesia@example.ua> пише:",
    "на пт, 5.01.2024 г. в 14:32 Рая <raya@example.bg> написа:",
    "5 Oca 2024 Cum, saat 14:32 tarihinde Ali <ali@example.tr> şunu yazdı:",
    "În vin., 5 ian. 2024 la 14:32, Ion <ion@example.ro> a scris:",
    "Στις Παρ, 5 Ιαν 2024 στις 2:32 μ.μ., ο/η Εύα <eva@example.gr> έγραψε:",
    "pet., 5. jan. 2024 ob 14:32 je oseba Ana <ana@example.si> napisala:",
    "R, 5. jaanuar 2024 kell 14:32 kirjutas Jaan (<jaan@example.ee>):",
    "2024-01-05, pn, 14:32 Jonas <jonas@example.lt> rašė:",
    "Vào Th 6, 5 thg 1, 2024 vào lúc 14:32 Nam <nam@example.vn> đã viết:",
    "Pada tanggal Jum, 5 Jan 2024 pukul 14.32 Budi <budi@example.id> menulis:",
    '在 2024-01-05 14:32:11，"小红" <hong@example.cn> 写道：',
    "小红 <hong@example.cn> 在 2024年1月5日 周五 14:32 写道：",
    "2024年1月5日(金) 14:32 花子 <hanako@example.jp>:",
    "2024년 1월 5일 (금) 오후 2:32, 영희 <yh@example.kr>님이 작성:",
    "---- On Fri, 05 Jan 2024 14:32:11 +0100 Otto Maier <otto@example.com> wrote ----",
    "Quoting Otto Maier <otto@example.com>:",
    "Zitat von Otto Maier <otto@example.de>:",
    "------- Original Message -------\nOn Friday, January 5th, 2024 at 2:32 PM, Otto <otto@example.com> wrote:",
    "Date: Fri, 5 Jan 2024 14:32:10 +0000 From: otto@example.com To: Ana Diaz Subject: the change",
    "From: Otto Maier <otto@example.com>\nSent: Friday, January 5, 2024 2:32 PM\nTo: Ana Diaz\nSubject: the change",
    "发件人: 小红 <hong@example.cn>\n发送时间: 2024年1月5日 14:32\n收件人: Ana\n主题: 变更",
]
TWO_LINES = "Fine with me.\n\nSee you on Monday at the office."


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_X4_a_quoted_answer_is_removed_in_many_languages(attribution: str) -> None:
    quoted = "\n".join(f"> {line}" for line in "Please approve the change.\n\nRegards\nOtto".split("\n"))
    mail = parse(raw(f"{TWO_LINES}\n\n{attribution}\n\n{quoted}\n", subject="Re: x"))
    assert new_text(mail).text == new_text(mail).own == TWO_LINES


@pytest.mark.parametrize("attribution", [each for each in ATTRIBUTIONS if "Original" not in each])
def test_X7_an_answer_below_a_quoted_one_stands_alone_in_many_languages(attribution: str) -> None:
    mail = parse(raw(f"{attribution}\n> Please approve the change.\n>\n> Otto\n\n{TWO_LINES}\n", subject="Re: x"))
    assert new_text(mail).text == TWO_LINES


@pytest.mark.parametrize(
    "signature",
    [
        "LG Ana",
        "VG, Ana",
        "Mvh Ana",
        "Talk soon,\nAna",
        "Have a great day!\nAna",
        "Beste Grüße aus Berlin\nAna",
        "Mit freundlichen Grüßen\n\ni.A. Ana Diaz",
        "Groetjes,\nAna",
        "Bedste hilsner\nAna",
        "S úctou\nAna Diaz",
        "Z wyrazami szacunku\nAna Diaz",
        "Tisztelettel,\nAna Diaz",
        "Cu stimă,\nAna Diaz",
        "Με εκτίμηση,\nAna Diaz",
        "Belle journée à vous,\nAna",
        "Ana M. Diaz | Ops | Example Inc.\n+49 30 1234",
        "Gracias y saludos,\nAna",
    ],
)
def test_X4_closing_words_belong_to_the_name_below_them(signature: str) -> None:
    assert new_text(parse(raw(f"{TWO_LINES}\n\n{signature}\n", subject="Re: x"))).text == TWO_LINES


@pytest.mark.parametrize("text", ["I saw Ana,\nand Ben, and\nAna", "Who is it for?\nAna", "Ask for two names:\nAna"])
def test_X4_an_answer_that_is_a_name_keeps_what_stands_above_it(text: str) -> None:
    assert text.split("\n")[0] in new_text(parse(raw(text, subject="Re: x"))).text


# What stands in none of the corpora that this was developed on


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("word", ["APPROVE", "DENY"])
def test_X8_a_decision_word_that_is_quoted_is_nobodys(attribution: str, word: str) -> None:
    ours = f"Ben asks to restart api.\n\nReply with {word}.\n{MARKER}"
    bare = parse(raw(f"{TWO_LINES}\n\n{attribution}\n{ours}\n", subject="Re: x"))
    assert decision(new_text(bare, [ours]).own) is None
    alone = parse(raw(f"{attribution}\n{word}\n", subject="Re: x"))
    assert decision(new_text(alone, [word]).own) is None
