"""Whatever bytes arrive, a mail is read: fully where it is well-formed, sensibly where it is not, always in time."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.address import Address, addresses, domain, well_formed
from channels.email.charset import clean, decode, words
from channels.email.mail import message_ids, parse
from tests.email.samples import html, multipart, raw


def test_reads_the_plain_mail_that_a_person_writes() -> None:
    mail = parse(
        raw(
            "It is down.\n",
            date="Mon, 23 Nov 2026 14:00:00 +0100",
            in_reply_to="<q1@example.com>",
            references="<root@example.com>\n <q1@example.com>",
            cc="Ben <ben@example.com>, carl@example.com",
            reply_to="desk@example.com",
        )
    )
    assert (mail.from_.address, mail.from_.name, mail.from_.count) == ("ana@example.com", "Ana Diaz", 1)
    assert mail.message_id == "<m1@example.com>"
    assert mail.in_reply_to == ("<q1@example.com>",)
    assert mail.references == ("<root@example.com>", "<q1@example.com>")
    assert mail.date == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert [str(address) for address in mail.cc] == ["Ben <ben@example.com>", "carl@example.com"]
    assert mail.reply_to == (Address("desk@example.com"),)
    assert mail.subject == "api is slow"
    assert (mail.text, mail.reason) == ("It is down.", "")


# X1: which part is the text


def test_X1_the_plain_part_is_the_text() -> None:
    mail = parse(
        multipart("Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>rich</p>", kind="alternative")
    )
    assert (mail.text, mail.html.strip()) == ("plain", "<p>rich</p>")


@pytest.mark.parametrize("empty", ["", "  \n ", "\u00a0\n", "\u200b"])
def test_X1_html_is_read_when_the_plain_part_is_empty(empty: str) -> None:
    plain = f"Content-Type: text/plain; charset=utf-8\n\n{empty}"
    mail = parse(multipart(plain, "Content-Type: text/html\n\n<p>rich</p>", kind="alternative"))
    assert mail.text == "rich"


def test_X1_an_attached_text_is_not_the_text() -> None:
    attached = 'Content-Type: text/plain\nContent-Disposition: attachment; filename="log.txt"\n\nAPPROVE'
    mail = parse(multipart(attached, "Content-Type: text/plain\n\nsee the log"))
    assert mail.text == "see the log"
    assert [(found.name, found.content) for found in mail.attachments] == [("log.txt", b"APPROVE")]


def test_X1_the_text_of_an_attached_mail_is_not_the_text() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: old\nContent-Type: text/plain\n\nAPPROVE"
    mail = parse(multipart("Content-Type: text/plain\n\nlook", inner))
    assert mail.text == "look"
    [attached] = mail.attachments
    assert attached.type == "message/rfc822"
    assert b"Subject: old" in (attached.content or b"")


def test_X1_a_mail_without_any_text_says_so() -> None:
    assert parse(raw("")).reason == "The mail has no text."
    assert "attachments" in parse(multipart("Content-Type: image/png; name=a.png\n\nx")).reason


# X2: charsets


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "grün".encode(), "grün"),
        ('"UTF-8"', "grün".encode(), "grün"),
        ("ks_c_5601-1987", "안녕".encode("cp949"), "안녕"),
        ("gb2312", "镕".encode("gb18030"), "镕"),
        ("iso-8859-8-i", "שלום".encode("iso-8859-8"), "שלום"),
        ("unknown-8bit", "grün".encode(), "grün"),
        ("x-unknown", "grün".encode("cp1252"), "grün"),
        ("windows-31j", "①".encode("cp932"), "①"),
        ("iso-8859-1", b"\x93ja\x94", "“ja”"),
        ("us-ascii", "grün".encode(), "grün"),
        ("utf-8", "grün".encode("latin-1"), "grün"),
        ("no-such-charset", "grün".encode(), "grün"),
        ("hex", b"grn", "grn"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("utf-8", "grün".encode()[:3], "gr"),
        ("utf-8", ("müßig " * 20).encode() + b"\xff!", "müßig " * 20 + "\ufffd!"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
    ],
)
def test_X2_the_charset_ladder(charset: str, data: bytes, text: str) -> None:
    assert decode(data, charset) == text


@given(st.binary(max_size=200), st.text(max_size=20))
def test_X2_decoding_never_raises(data: bytes, charset: str) -> None:
    clean(decode(data, charset)).encode()


def test_X2_control_characters_are_removed() -> None:
    assert clean("a\x00b\x85c\x1b[1md\te") == "abc[1md\te"


# X3: transport of text


def test_X3_flowed_paragraphs_are_joined() -> None:
    mail = parse(raw("One \ntwo\n>quoted \n>on\n-- \nAna", content_type="text/plain; format=flowed"))
    assert mail.text == "One two\n> quoted on\n-- \nAna"


def test_X3_delsp_joins_without_a_space() -> None:
    assert parse(raw("日 \n本", content_type="text/plain; charset=utf-8; format=flowed; delsp=yes")).text == "日本"


def test_X3_quoted_printable_soft_breaks_are_undone() -> None:
    assert parse(raw("APP=\nROVE =C3=BC", content_transfer_encoding="quoted-printable")).text == "APPROVE ü"


def test_X3_invisible_characters_do_not_stay_in_the_text() -> None:
    assert parse(raw("\ufeffAP\u200bPROVE\u00a0now")).text == "APPROVE now"


# X11: attachments


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=utf-8''gr%C3%BCn.pdf", "grün.pdf"),
        ('attachment; filename="=?utf-8?B?Z3LDvG4ucGRm?="', "grün.pdf"),
        ("attachment; filename*0=lo; filename*1=ng.pdf", "long.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\windows\\\\system.ini"', "system.ini"),
        ('attachment; filename=".."', "attachment-1.pdf"),
        ("attachment; filename*=no-such''x.pdf", "x.pdf"),
        ("attachment", "attachment-1.pdf"),
    ],
)
def test_X11_attachment_names_are_decoded_and_stay_in_their_folder(disposition: str, name: str) -> None:
    mail = parse(multipart(f"Content-Type: application/pdf\nContent-Disposition: {disposition}\n\n%PDF-1"))
    assert [found.name for found in mail.attachments] == [name]


def test_X11_the_type_of_an_attachment_is_what_its_bytes_say() -> None:
    mail = parse(multipart('Content-Type: image/png; name="cat.png"\n\nMZ....'))
    assert mail.attachments[0].type == "application/x-msdownload"


def test_X11_an_image_within_the_html_keeps_its_content_id() -> None:
    mail = parse(
        multipart(
            "Content-Type: text/html\n\n<p>hi</p>", "Content-Type: image/png\nContent-ID: <logo@x>\n\nx", kind="related"
        )
    )
    assert (mail.text, mail.attachments[0].cid) == ("hi", "logo@x")


def test_X11_attachments_beyond_the_limit_are_counted_not_kept() -> None:
    mail = parse(multipart(*["Content-Type: image/png\n\nx"] * 120))
    assert len(mail.attachments) == 100
    assert "20 more attachments were left out." in mail.notes


@pytest.mark.parametrize(
    ("mail", "word"),
    [
        (multipart("Content-Type: application/pgp-encrypted\n\nVersion: 1", kind="encrypted"), "encrypted"),
        (raw("AAAA", content_type="application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"), "encrypted"),
        (raw("AAAA", content_type="application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"), "S/MIME"),
        (raw("-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----"), "encrypted"),
        (multipart("Content-Type: application/ms-tnef; name=winmail.dat\n\nx"), "winmail.dat"),
    ],
)
def test_X11_what_cannot_be_read_is_explained(mail: bytes, word: str) -> None:
    assert word in parse(mail).reason


def test_X11_an_accepted_invitation_is_a_reply_in_words() -> None:
    calendar = "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nSUMMARY:Weekly review\nATTENDEE;PARTSTAT=ACCEPTED;CN=Ana:mailto:ana@example.com"
    mail = parse(
        raw(f"{calendar}\nEND:VEVENT\nEND:VCALENDAR\n", content_type="text/calendar; method=REPLY; charset=utf-8")
    )
    assert mail.text == 'Accepted the invitation "Weekly review".'


# X12: malformed mail


@pytest.mark.parametrize(
    ("header", "address", "count"),
    [
        ("ana@example.com", "ana@example.com", 1),
        ("Ana <ana@Example.COM>", "ana@example.com", 1),
        ("ana@example.com (Ana)", "ana@example.com", 1),
        ('"ana@example.com" <b@evil.example>', "b@evil.example", 1),
        ('"Diaz, Ana" <ana@example.com>', "ana@example.com", 1),
        ("Ana (at <home>) <ana@example.com>", "ana@example.com", 1),
        ("=?utf-8?q?ana=40example=2Ecom=2C?= <b@evil.example>", "b@evil.example", 1),
        ("=?utf-8?q?ana=40example=2Ecom?=", "", 0),
        ("(ana@example.com)", "", 0),
        ("ana@example.com, b@evil.example", "ana@example.com", 2),
        ("ana@example.com b@evil.example", "ana@example.com", 2),
        ("<b@evil.example> <ana@example.com>", "b@evil.example", 2),
        ("team: ana@example.com, ben@example.com;", "ana@example.com", 2),
        ("undisclosed-recipients:;", "", 0),
        ('"Ana <ana@example.com>', "ana@example.com", 2),
        ("<@relay.example:ana@example.com>", "ana@example.com", 1),
        ("", "", 0),
    ],
)
def test_X12_who_a_from_header_names(header: str, address: str, count: int) -> None:
    sender = parse(f"From: {header}\r\n\r\nhi".encode()).from_
    assert (sender.address, sender.count) == (address, count)


def test_X12_two_from_headers_are_counted() -> None:
    assert parse(b"From: ana@example.com\r\nFrom: b@evil.example\r\n\r\nhi").from_.count == 2
    assert parse(b"From : b@evil.example\r\nFrom: ana@example.com\r\n\r\nhi").from_.count == 2


def test_X12_a_second_from_header_cannot_hide_behind_many_headers() -> None:
    padding = "".join(f"X-{number}: a\r\n" for number in range(1_500))
    assert parse(f"From: ana@example.com\r\n{padding}From: b@evil.example\r\n\r\nhi".encode()).from_.count == 2


@pytest.mark.parametrize(
    ("mail", "text"),
    [
        (b"", ""),
        (b"\r\n\r\n", ""),
        (b"Subject: only a head", ""),
        (b"no header at all\r\n\r\nbody", "no header at all\n\nbody"),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno such boundary", "no such boundary"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ncut o", "cut o"),
        (b"Content-Type: ???\r\n\r\nhi", "hi"),
        (b"Content-Transfer-Encoding: nonsense\r\n\r\nhi", "hi"),
        (b"Subject: gr\xc3\xbcn\r\n\r\nhi", "hi"),
        (b"Subject: a\r\nno colon here\r\nTo: b@c.example\r\n\r\nhi", "no colon here\nTo: b@c.example\n\nhi"),
    ],
)
def test_X12_malformed_mail_gives_the_text_that_is_there(mail: bytes, text: str) -> None:
    assert parse(mail).text == text


def test_X12_a_mail_of_nothing_but_headers_says_nothing() -> None:
    padding = b"".join(b"X-%d: a\r\n" % number for number in range(20_000))
    mail = parse(b"From: ana@example.com\r\n" + padding + b"From: b@evil.example\r\n\r\nAPPROVE")
    assert mail.text == ""
    assert mail.notes


def test_X12_a_charset_that_is_no_word_is_no_charset() -> None:
    assert parse(b"Content-Type: text/plain; charset*=\r\n\r\ngr\xc3\xbcn").text == "grün"


def test_X12_raw_8bit_headers_are_decoded() -> None:
    assert parse("Subject: grün\r\nFrom: Grün <g@example.com>\r\n\r\n".encode()).subject == "grün"
    assert parse("From: Grün <g@example.com>\r\n\r\n".encode("latin-1")).from_.name == "Grün"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?gr=C3=BCn?=", "grün"),
        ("=?utf-8?B?Z3LD?= =?utf-8?B?vG4=?=", "grün"),
        ("Re: =?iso-8859-1?Q?gr=FCn_tee?= now", "Re: grün tee now"),
        ("=?utf-8?B?Z3LDvG4?=", "grün"),
        ("=?no-such?q?abc?=", "abc"),
        ("=?utf-8?q?a=0D=0AX-Injected:_b?=", "a X-Injected: b"),
        ("=?broken", "=?broken"),
    ],
)
def test_X12_encoded_words_are_decoded_on_one_line(value: str, text: str) -> None:
    assert words(value) == text


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2_000))
def test_X12_any_bytes_are_a_mail(data: bytes) -> None:
    parse(data)


_PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Type: message/rfc822\r\n", b"--x\r\n", b"--x--\r\n",
        b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\r\n", b"\n", b"\r",
        b"Content-Type: message/delivery-status\r\n", b"From: \"a\r\n", b"Subject: =?utf-8?b?=?=\r\n", b"Content-Type: text/plain; format=flowed\r\n",
        b"Content-Disposition: attachment; filename*=x'y\r\n", b"Date: 99 99 99\r\n", b"<div><!--", b"\xff\xfe\x00", b"> a \r\n", b"begin 644 a\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n", b"References: <a@b> <\r\n", b"From: a@b\xf0\r\n", b"Content-Type: text/plain; charset*=\r\n",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=40))
def test_X12_any_order_of_pieces_is_a_mail(pieces: list[bytes]) -> None:
    parse(b"".join(pieces))


def _nested(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(_nested(3_000) + b"\r\nhi", id="nested 3000 deep"),
        pytest.param(_nested(250) + b"\r\n" + b"-\n" * 2_000_000, id="nested with many lines"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\npart\r\n" * 10_000, id="10000 parts"
        ),
        pytest.param(b"Subject: " + b"x" * 30_000_000 + b"\r\n\r\nhi", id="30 MB header"),
        pytest.param(b"Content-Type: multipart/mixed;" + b";" * 1_000_000 + b"\r\n\r\nhi", id="1 MB of parameters"),
        pytest.param(b"a:b\n" * 5_000_000, id="5 million headers"),
        pytest.param(b"\r\n" + b"\n" * 30_000_000, id="30 million lines"),
        pytest.param(b"\r\n" + b">" * 30_000_000, id="30 million quotes"),
        pytest.param(
            b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 5_000_000, id="one flowed paragraph"
        ),
        pytest.param(b"From: " + b"<a@b>," * 2_000_000 + b"\r\n\r\nhi", id="2 million senders"),
        pytest.param(b"Content-Type: text/html\r\n\r\n" + b"<!--" * 1_000_000, id="unclosed comments"),
        pytest.param(b"Content-Type: text/html\r\n\r\n" + b"<a x=x " * 500_000, id="unclosed tags"),
        pytest.param(b"Content-Type: text/html\r\n\r\n" + b"<blockquote>" * 500_000, id="deep quotes"),
    ],
)
def test_X12_hostile_mail_is_read_within_five_seconds(mail: bytes) -> None:
    started = time.process_time()
    parse(mail)
    assert time.process_time() - started < 5


def test_X12_a_mail_that_is_cut_off_says_so() -> None:
    assert parse(b"\r\n" + b"a\n" * 700_000).notes == ("The mail is very large; only its beginning was read.",)
    assert parse(raw()).notes == ()


def test_X12_a_mail_of_thirty_megabytes_is_read_whole_in_time() -> None:
    content = base64.encodebytes(bytes(22_000_000)).decode()
    mail = multipart(
        "Content-Type: text/plain\n\nsee it",
        f"Content-Type: image/x-raw\nContent-Transfer-Encoding: base64\n\n{content}",
    )
    started = time.process_time()
    read = parse(mail)
    assert (read.text, read.attachments[0].size) == ("see it", 22_000_000)
    assert time.process_time() - started < 5


@given(st.text(max_size=300))
def test_addresses_never_raise_and_never_hold_spaces(value: str) -> None:
    well_formed(value)
    assert all(" " not in found.address or '"' in found.address for found in addresses(value))


def test_domains_are_compared_in_one_form() -> None:
    assert domain("a@BÜCHER.example.") == domain("a@xn--bcher-kva.example") == "xn--bcher-kva.example"


# C1, C6, T4: what a mail is known by


def test_C1_recipients_come_in_the_order_of_trust() -> None:
    mail = parse(
        raw(cc="c@x.example", to="t@x.example", headers={"X-Original-To": "o@x.example", "Delivered-To": "d@x.example"})
    )
    assert mail.recipients == ("d@x.example", "o@x.example", "t@x.example", "c@x.example")


def test_C6_one_mail_delivered_twice_has_one_key() -> None:
    first = parse(raw("Hello\n\n", headers={"Delivered-To": "a@x.example"}))
    assert first.key == parse(raw("Hello", headers={"Delivered-To": "b@x.example"})).key


def test_C6_an_id_used_again_for_another_text_has_another_key() -> None:
    assert parse(raw("Hello")).key != parse(raw("Goodbye")).key


def test_C6_without_an_id_the_raw_mail_is_the_key() -> None:
    assert parse(raw("Hello", message_id="")).key != parse(raw("Hello", message_id="", cc="b@x.example")).key


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b> <c@d>", ("<a@b>", "<c@d>")),
        ("<a@b>,<c@d>, <a@b>", ("<a@b>", "<c@d>")),
        ("a@b", ("<a@b>",)),
        ("a@b c@d", ()),
        ("<a@b", ()),
        ("<no-at> <a@b>", ("<a@b>",)),
        ("message of Monday <a@b>", ("<a@b>",)),
        ("x" * 5_000, ()),
        ("", ()),
    ],
)
def test_T4_only_well_formed_ids_pass(value: str, ids: tuple[str, ...]) -> None:
    assert message_ids(value) == ids


def test_html_is_read_as_a_person_sees_it() -> None:
    page = """<html><head><style>p {}</style><title>no</title></head><body><p>Hello <b>Ben</b>,</p>
    <ul><li>one</li><li>two</li></ul><div style="display: none">hidden</div>a<br>b &amp; c
    <table><tr><td>x</td><td>y</td></tr></table><a href="https://x.example/a">link</a><script>no</script></body></html>"""
    lines = ["Hello Ben,", "", "- one", "- two", "", "a", "b & c", "", "x  y", "", "link <https://x.example/a>"]
    assert parse(html(page)).text.split("\n") == lines
