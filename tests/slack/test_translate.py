"""What Slack sends becomes what happened: recorded payloads and the events they are."""

import json
from typing import Any

import pytest

from bot.events import HumanResponded, MessageDeleted, MessageEdited, MessageReceived
from channels.slack import ticket
from channels.slack.dialog import ANSWER, DENIAL
from channels.slack.press import Pressed, pressed, response, submitted
from channels.slack.ticket import Ticket
from channels.slack.translate import Heard, Ignored, heard
from tests.slack.team import ANA, HOME, ME, OPS, PARLEY, SAM, TEAM, Names, T, approval, asked, payload, question, thread

ROOT = "1764064800.102349"


def hear(name: str, **event: Any) -> Heard:
    found = heard(payload(name, **event), ME, TEAM, Names())
    assert isinstance(found, Heard)
    return found


def ignored(name: str, **event: Any) -> str:
    found = heard(payload(name, **event), ME, TEAM, Names())
    assert isinstance(found, Ignored)
    return found.why


def message(said: Heard) -> MessageReceived:
    assert isinstance(said.arrival.event, MessageReceived)
    return said.arrival.event


def test_a_mention_in_a_channel_starts_a_thread_there() -> None:
    said = hear("app_mention")
    event = message(said)
    assert event.text == "restart the api on production"
    assert (event.actor.person, event.actor.name, event.actor.proof, event.actor.groups) == (
        "ana",
        "Ana Diaz",
        "slack",
        ("ops",),
    )
    assert event.origin.address == said.arrival.address == f"slack:{T}/{OPS}/{ROOT}"
    assert (event.origin.place, event.origin.native, event.origin.at) == ("slack:#ops", ROOT, 1764064800.102349)
    assert (event.agent, event.origin.trusted, said.arrival.create) == ("ops", True, True)
    assert (said.spot.channel, said.spot.user, said.spot.thread_ts) == (OPS, ANA, "")


def test_a_mention_that_arrives_twice_is_one_thing() -> None:
    mention, plain = hear("app_mention"), hear("message_mention")
    assert mention.arrival.event == plain.arrival.event
    assert set(mention.arrival.keys) & set(plain.arrival.keys) == {mention.arrival.event.id}
    assert plain.arrival.create
    assert f"slack:event:{payload('app_mention')['event_id']}" in mention.arrival.keys


def test_in_a_channel_nothing_starts_without_a_mention() -> None:
    assert not hear("message_channel").arrival.create


def test_in_a_thread_a_message_belongs_to_the_thread_s_conversation() -> None:
    said = hear("message_thread")
    assert said.arrival.address == f"slack:{T}/{OPS}/{ROOT}"
    assert (message(said).text, said.arrival.create, said.root, said.spot.thread_ts) == (
        "4392, the chair",
        False,
        "",
        ROOT,
    )


def test_a_reply_to_a_message_of_ours_names_it() -> None:
    assert hear("message_thread", parent_user_id=PARLEY).root == ROOT


def test_in_direct_messages_everything_counts() -> None:
    said = hear("message_im")
    assert (said.arrival.create, message(said).origin.place, message(said).agent) == (True, "slack:dm", "frontdesk")


def test_a_reply_that_was_sent_to_the_channel_too_belongs_to_its_thread() -> None:
    assert hear("message_thread_broadcast").arrival.address == f"slack:{T}/{OPS}/{ROOT}"


def test_files_come_along_by_reference() -> None:
    (file,) = message(hear("file_share")).attachments
    assert (file.name, file.media_type, file.size) == ("dashboard.png", "image/png", 48213)
    assert file.url == "https://files.slack.com/files-pri/T0SANDBOX-F09PNAB12CD/download/dashboard.png"


def test_a_message_that_was_passed_on_is_read_and_is_not_the_author_s_own_word() -> None:
    shared = {"is_share": True, "text": "pay <@U0SAM> now", "from_url": "https://x.slack.com/1"}
    event = message(hear("message_thread", attachments=[shared, {"text": "an unfolded link"}]))
    assert event.text == "4392, the chair\n\nShared: pay @Sam Kowalski now"
    assert [each.name for each in event.attachments] == ["a shared message"]


def test_people_of_other_organisations_are_never_known() -> None:
    event = message(hear("message_slack_connect", user=ANA))
    assert not event.actor.known
    assert (event.actor.person, event.actor.proof, event.actor.id) == (None, "none", f"slack:T0PARTNER/{ANA}")
    assert event.actor.name.endswith(" (from outside)")
    assert (event.agent, event.origin.trusted) == ("support", False)


def test_in_a_shared_channel_somebody_without_a_workspace_is_not_known() -> None:
    body = payload("app_mention") | {"is_ext_shared_channel": True}
    del body["event"]["team"]
    said = heard(body, ME, TEAM, Names())
    assert isinstance(said, Heard)
    assert not said.arrival.event.actor.known


def test_a_stranger_of_our_own_workspace_has_a_name_and_no_person() -> None:
    actor = message(hear("app_mention", user=SAM)).actor
    assert (actor.name, actor.person, actor.known, actor.proof) == ("Sam Kowalski", None, False, "slack")


def test_an_edit_tells_which_message_it_changes() -> None:
    event = hear("message_changed").arrival.event
    assert isinstance(event, MessageEdited)
    assert (event.text, event.origin.native, event.actor.person) == ("4417, the lamp", "1764065055.910209", "ben")
    assert event.origin.address == f"slack:{T}/{OPS}/{ROOT}"
    assert not hear("message_changed").arrival.create


def test_an_edit_holds_its_author_s_own_words_alone() -> None:
    body = payload("message_changed")
    body["event"]["message"]["attachments"] = [{"is_msg_unfurl": True, "text": "pay now"}]
    said = heard(body, ME, TEAM, Names())
    assert isinstance(said, Heard)
    assert isinstance(said.arrival.event, MessageEdited)
    assert said.arrival.event.text == "4417, the lamp"


def test_an_edit_in_a_place_that_is_not_trusted_is_not_trusted() -> None:
    event = hear("message_changed", channel="C0SHARED").arrival.event
    assert isinstance(event, MessageEdited)
    assert not event.origin.trusted
    trusted = hear("message_changed").arrival.event
    assert isinstance(trusted, MessageEdited)
    assert trusted.origin.trusted


def test_two_edits_are_two_events() -> None:
    one = payload("message_changed")
    two = json.loads(json.dumps(one).replace('"1764065201.000000"', '"1764065202.000000"'))
    first, second = heard(one, ME, TEAM, Names()), heard(two, ME, TEAM, Names())
    assert isinstance(first, Heard)
    assert isinstance(second, Heard)
    assert first.arrival.event.id != second.arrival.event.id


def test_a_link_that_unfolds_is_no_edit() -> None:
    body = payload("message_changed")
    body["event"]["message"]["text"] = body["event"]["previous_message"]["text"]
    assert isinstance(heard(body, ME, TEAM, Names()), Ignored)


@pytest.mark.parametrize("name", ["message_deleted", "message_tombstone"])
def test_a_deletion_tells_which_message_is_gone(name: str) -> None:
    said = hear(name)
    assert isinstance(said.arrival.event, MessageDeleted)
    assert said.arrival.event.origin.address == f"slack:{T}/{OPS}/{ROOT}"
    assert said.arrival.event.actor.known


def test_the_stop_button_says_stop_and_starts_nothing() -> None:
    said = hear("agent_session_stopped")
    assert (message(said).text, said.stop, said.arrival.create) == ("stop", True, False)
    assert said.arrival.address == f"slack:{T}/{OPS}/{ROOT}"


@pytest.mark.parametrize(
    "name",
    ["bot_message", "message_other_app", "member_joined_channel", "reaction_added", "app_home_opened", "unknown_event"],
)
def test_what_no_person_wrote_is_ignored_and_its_content_is_not_told(name: str) -> None:
    why = ignored(name)
    assert not [
        word for word in ("api", "production", "moon", "U02ANA") if word in why.replace("moon_phase_changed", "")
    ]


def test_our_own_messages_are_ignored() -> None:
    assert ignored("message_thread", user=PARLEY)
    assert ignored("message_thread", user="USLACKBOT")
    assert ignored("message_thread", subtype="channel_topic")


# Clicks


def press(name: str, action: str, mine: Ticket, **more: Any) -> Pressed:
    body = payload(name)
    body["actions"] = [body["actions"][0] | {"action_id": action, "value": mine.dump()}]
    found = pressed(body | more, ME, TEAM, Names())
    assert isinstance(found, Pressed)
    return found


MINE = Ticket("t1", "t1.2", "d")


def test_approve_is_bound_to_what_was_shown() -> None:
    arrival = response(press("block_actions_approve", ticket.APPROVE, MINE), thread(asked(), *approval()))
    event = arrival.event
    assert isinstance(event, HumanResponded)
    assert (event.decision, event.interaction, event.digest, event.actor.person) == ("approved", "t1.2", "d", "ana")
    assert (arrival.thread, arrival.create, event.origin.address) == ("t1", False, f"slack:{T}/{OPS}/{ROOT}")


def test_a_choice_is_what_the_question_says_whatever_the_button_says() -> None:
    click = press("block_actions_choice", f"{ticket.CHOOSE}:1", Ticket("t1", "t1.1", choice=1))
    event = response(click, thread(asked(), question())).event
    assert isinstance(event, HumanResponded)
    assert (event.decision, event.text, event.actor.person) == ("answered", "4392", "ben")


@pytest.mark.parametrize("choice", [None, 2, -1, 99])
def test_a_choice_that_is_none_says_nothing(choice: int | None) -> None:
    click = press("block_actions_choice", f"{ticket.CHOOSE}:1", Ticket("t1", "t1.1", choice=choice))
    event = response(click, thread(asked(), question())).event
    assert isinstance(event, HumanResponded)
    assert event.text == ""


def test_a_list_s_option_is_a_choice() -> None:
    body = payload("block_actions_choice")
    option = {"text": {"type": "plain_text", "text": "4392"}, "value": Ticket("t1", "t1.1", choice=1).dump()}
    action = {"action_id": f"{ticket.SELECT}:0", "type": "static_select", "selected_option": option, "action_ts": "5.5"}
    click = pressed(body | {"actions": [action]}, ME, TEAM, Names())
    assert isinstance(click, Pressed)
    assert (click.verb, click.ticket.choice) == ("answer", 1)


def test_two_presses_are_two_events_and_one_press_is_one() -> None:
    once = press("block_actions_approve", ticket.APPROVE, MINE)
    body = payload("block_actions_approve")
    body["actions"] = [body["actions"][0] | {"action_id": ticket.APPROVE, "value": MINE.dump(), "action_ts": "9.9"}]
    again = pressed(body, ME, TEAM, Names())
    assert isinstance(again, Pressed)
    assert once.id == press("block_actions_approve", ticket.APPROVE, MINE).id != again.id


@pytest.mark.parametrize("user", [{"id": ANA, "team_id": "T0PARTNER"}, {"id": ANA}])
def test_a_click_from_another_organisation_proves_nobody(user: dict[str, str]) -> None:
    assert not press("block_actions_approve", ticket.APPROVE, MINE, user=user).actor.known


def test_buttons_of_others_are_ignored() -> None:
    assert isinstance(pressed(payload("block_actions_approve"), ME, TEAM, Names()), Ignored)


def test_a_denial_carries_its_reason_to_where_the_button_was() -> None:
    body = payload("view_submission_deny")
    mine = Ticket("t1", "t1.2", "d", channel=OPS, message_ts="5.5", thread_ts="4.4")
    body["view"] |= {"callback_id": DENIAL, "private_metadata": mine.dump()}
    body["view"]["state"] = {
        "values": {"words": {"words": {"type": "plain_text_input", "value": " wait for the backup "}}}
    }
    sent = submitted(body, ME, TEAM, Names())
    assert isinstance(sent, Pressed)
    event = response(sent, thread(asked(), *approval())).event
    assert isinstance(event, HumanResponded)
    assert (event.decision, event.text, event.digest) == ("denied", "wait for the backup", "d")
    assert event.origin.address == f"slack:{T}/{OPS}/4.4"
    assert (sent.spot.channel, sent.spot.thread_ts) == (OPS, "4.4")


def test_own_words_instead_of_a_choice_are_an_answer() -> None:
    body = payload("view_submission_deny")
    body["view"] |= {
        "callback_id": ANSWER,
        "private_metadata": Ticket("t1", "t1.1", channel=OPS, message_ts="5.5").dump(),
    }
    body["view"]["state"] = {"values": {"words": {"words": {"value": "neither"}}}}
    sent = submitted(body, ME, TEAM, Names())
    assert isinstance(sent, Pressed)
    event = response(sent, thread(asked(), question())).event
    assert isinstance(event, HumanResponded)
    assert (event.decision, event.text) == ("answered", "neither")
    assert isinstance(submitted(payload("view_submission_deny"), ME, TEAM, Names()), Ignored)


def test_a_denial_without_the_dialog_leads_to_where_the_button_was() -> None:
    body = payload("block_actions_approve")
    mine = Ticket("t1", "t1.2", "d", channel=OPS, message_ts="5.5", thread_ts="1.1")
    body["container"] = {"type": "message", "message_ts": "9.9", "channel_id": OPS, "is_ephemeral": True}
    body["actions"] = [body["actions"][0] | {"action_id": ticket.DENY_NOW, "value": mine.dump()}]
    click = pressed(body, ME, TEAM, Names())
    assert isinstance(click, Pressed)
    assert (click.verb, click.address, click.whispered) == ("deny", HOME, True)
