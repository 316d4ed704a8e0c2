"""A reply address says which question it belongs to, and nobody but us can make one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.mail import parse
from channels.email.token import find_tokens, mint, read, reply_address
from tests.email.samples import raw

SECRET = "0123456789abcdef0123456789abcdef"
REF = "k3v9x2m8qa.12"

_REFS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(_REFS)
def test_C2_a_token_gives_back_its_reference(ref: str) -> None:
    assert read(SECRET, mint(SECRET, ref)) == ref


@given(_REFS)
def test_C2_servers_may_change_the_case_of_an_address(ref: str) -> None:
    assert read(SECRET, mint(SECRET, ref).upper()) == ref
    assert mint(SECRET, ref) == mint(SECRET, ref).lower()


@given(_REFS)
def test_C2_another_secret_reads_nothing(ref: str) -> None:
    assert read("another secret of at least 32 letters", mint(SECRET, ref)) is None


@given(_REFS, st.integers(min_value=0), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_C2_a_changed_token_reads_nothing(ref: str, at: int, char: str) -> None:
    token = mint(SECRET, ref)
    at %= len(token)
    changed = token[:at] + char + token[at + 1 :]
    assert changed == token or read(SECRET, changed) is None


@given(st.text(max_size=60))
def test_C2_any_text_is_a_token_or_not(text: str) -> None:
    assert read(SECRET, text) is None


def test_C2_a_token_carries_128_bits_that_cannot_be_guessed() -> None:
    assert mint(SECRET, "a.1")[:25] != mint(SECRET, "a.2")[:25]
    assert len(mint(SECRET, "")) == 26  # 16 bytes in base32, before any reference


def test_C2_an_address_with_a_ten_character_thread_fits() -> None:
    address = reply_address("parley@example.com", mint(SECRET, REF))
    assert address.startswith("parley+q.")
    assert address.endswith("@example.com")
    assert len(address.partition("@")[0]) <= 64


def test_C2_an_address_that_is_too_long_is_refused_with_what_fits() -> None:
    with pytest.raises(ValueError, match="14 characters fit before the @"):
        reply_address("a-very-long-support-mailbox@example.com", mint(SECRET, REF))


def test_C1_tokens_come_in_the_order_of_trust() -> None:
    names = ["delivered", "to", "answered", "newest", "oldest", "quoted"]
    tokens = {name: mint(SECRET, name) for name in names}
    mail = parse(
        raw(
            f"> reply to parley+q.{tokens['quoted']}@example.com",
            headers={"Delivered-To": f"parley+q.{tokens['delivered'].upper()}@example.com"},
            to=f"Parley <parley+q.{tokens['to']}@example.com>",
            in_reply_to=f"<q.{tokens['answered']}.x@example.com>",
            references=f"<q.{tokens['oldest']}.x@example.com> <q.{tokens['newest']}.x@example.com>",
        )
    )
    assert [read(SECRET, token) for token in find_tokens(mail)] == names


def test_C4_a_mail_without_plus_addresses_is_found_by_its_headers() -> None:
    token = mint(SECRET, REF)
    assert find_tokens(parse(raw(in_reply_to=f"<q.{token}.r4nd@example.com>"))) == [token]


def test_C1_a_mail_without_any_token_has_none() -> None:
    assert find_tokens(parse(raw("q.e.d."))) == []
