"""Who is there: the sandbox's people and places come from bot.toml."""

import tomllib
from pathlib import Path

import pytest

from channels.sandbox.people import Cast, Persona, cast_of, read_cast
from tests.sandbox.pageside import CONFIG


def cast(text: str) -> Cast:
    return cast_of(tomllib.loads(text))


def test_the_team_of_bot_toml_is_there_and_a_customer_and_a_stranger_besides() -> None:
    people = cast(CONFIG).people
    assert people[0] == Persona("ana", "Ana Diaz", "ops", "U02ANA", "ana@example.com", "team")
    assert [person.kind for person in people] == ["team", "team", "customer", "stranger"]


def test_the_customer_writes_mail_only_and_the_stranger_is_in_slack_too() -> None:
    customer, stranger = cast("").people
    assert customer.slack is None
    assert stranger.slack == "U0SAM"


def test_a_person_of_whom_only_the_name_is_known_has_a_mailbox_and_no_slack() -> None:
    dora = cast('[people.dora]\nname = "Dora"').people[0]
    assert (dora.slack, dora.email, dora.title) == (None, "dora@example.com", "team")


@pytest.mark.parametrize("slack", ['"U1"', '"T1/U1"', '["U1", "T2/U9"]'])
def test_a_slack_user_may_be_named_with_a_workspace_or_in_a_list(slack: str) -> None:
    assert cast(f"[people.x]\nslack = {slack}").people[0].slack == "U1"


def test_channels_come_from_routes_and_from_the_groups_places_and_general_is_always_there() -> None:
    text = '[routes]\n"slack:#ops" = "ops"\n"slack:dm" = "x"\n"slack:C99" = "x"\n[groups.support]\nslack = "#support"\n'
    assert cast(text).channels == ("general", "ops", "support")


def test_parleys_mailbox_comes_first_and_routed_addresses_lead_to_it() -> None:
    text = (
        '[routes]\n"email:support@example.com" = "support"\n"email:*" = "frontdesk"\n"email:parley@example.com" = "x"\n'
    )
    assert cast(text).mailboxes == ("parley@example.com", "support@example.com")


@pytest.mark.parametrize("text", ["people = 3", "people.x = 3", "routes = []", "[groups]\nops = 1"])
def test_what_is_no_table_is_one_sentence_that_names_the_file(text: str) -> None:
    with pytest.raises(ValueError, match=r"^bot\.toml: \[.+\] must be a table$"):
        cast(text)


def test_a_missing_or_broken_file_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    with pytest.raises(ValueError, match=r"bot\.toml cannot be read .*--config"):
        read_cast(file)
    file.write_text("[people")
    with pytest.raises(ValueError, match=r"bot\.toml is not valid TOML"):
        read_cast(file)
