"""Cards, replies and dialogs: what people read, within everything that Slack refuses."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import (
    CLOCK,
    PARLEY,
    Audience,
    Cancelled,
    Delivered,
    Event,
    HumanContacted,
    HumanResponded,
    Origin,
    OutcomeUnknown,
    TimedOut,
    ToolFailed,
    ToolReturned,
    ToolStarted,
    Withdrawn,
)
from bot.judge import Counted
from bot.owed import Card, Delivery, Notice, Receipt, Say, owed
from bot.state import DID_NOT, HAPPENED
from bot.thread import Thread
from channels.sandbox.slack.blocks import checked_blocks, checked_view
from channels.slack import ticket
from channels.slack.blocks import Message
from channels.slack.dialog import ANSWER, CHANGE, DENIAL, answer, denial, without_dialog
from channels.slack.present import present
from channels.slack.ticket import Ticket
from tests.slack.team import ANA, BEN, CARL, HOME, TEAM, T, approval, asked, question, thread


def card_of(events: Thread) -> Delivery:
    return next(each for each in owed(events, 0.0) if isinstance(each.body, Card))


def drawn(*events: Event) -> Message:
    """The card of these events, which Slack accepts."""
    here = thread(asked(), *events)
    message, *more = present(card_of(here), here, TEAM)
    assert not more
    accepted(message)
    return message


def settled(asking: tuple[Event, ...], *events: Event) -> Message:
    """The card after it was delivered, and these events happened."""
    there = Delivered(
        id="dv", at=103.0, actor=PARLEY, delivery="t1.2.0", address=HOME, native="C0OPS/5.5", shows="as it was"
    )
    here = thread(asked(), *asking, there.model_copy(update={"delivery": f"{_interaction(asking)}.0"}), *events)
    (message,) = present(card_of(here), here, TEAM)
    accepted(message)
    return message


def _interaction(asking: tuple[Event, ...]) -> str:
    return next(each.interaction for each in asking if isinstance(each, HumanContacted))


def accepted(message: Message) -> None:
    checked_blocks(list(message.blocks))
    assert 0 < len(message.text) <= 4_000


def texts(message: Message) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


def elements(message: Message) -> list[dict[str, Any]]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def decided(decision: Any, user: str = ANA, text: str = "", **more: Any) -> HumanResponded:
    actor = TEAM.actor(f"slack:{T}/{user}", proof="slack")
    given = {"id": "h1", "interaction": "t1.2", "origin": Origin(address=HOME), "decision": decision, "text": text}
    return HumanResponded(at=3600.0, actor=actor, **{**given, **more})


STARTED = ToolStarted(id="s1", at=3601.0, actor=PARLEY, call="c1", approval="t1.2", deadline=9e9)


# Approvals


def test_an_approval_shows_who_is_asked_what_for_whom_and_two_buttons() -> None:
    message = drawn(*approval(until=1764147600.0))
    assert message.blocks[0]["text"]["text"] == f"*Approval needed · ops* · <@{ANA}> <@{CARL}>"
    assert message.blocks[1]["text"] == {"type": "plain_text", "text": "restart api on production", "emoji": False}
    code = message.blocks[2]["elements"][0]
    assert code["type"] == "rich_text_preformatted"
    assert code["elements"] == [{"type": "text", "text": "service      api\nenvironment  production"}]
    asked_by = message.blocks[3]["elements"][0]["text"]
    assert asked_by.startswith(
        "Asked by Ben in #ops · open until <!date^1764147600^{date_short_pretty} at {time}|Wed 26 Nov"
    )
    approve, deny, edit = elements(message)
    assert (approve["text"]["text"], approve["style"], approve["action_id"]) == ("Approve", "primary", ticket.APPROVE)
    assert (deny["text"]["text"], deny["style"], deny["action_id"]) == ("Deny…", "danger", ticket.DENY)
    assert (edit["text"]["text"], edit["action_id"]) == ("Edit…", ticket.EDIT)
    assert ticket.load(approve["value"]) == ticket.load(edit["value"]) == Ticket("t1", "t1.2", "d")
    assert message.text == "Approval needed · ops: restart api on production"


def test_what_nobody_here_can_run_cannot_be_changed() -> None:
    message = drawn(*approval(tool="reboot"))
    assert [each["text"]["text"] for each in elements(message)] == ["Approve", "Deny…"]


def test_a_request_that_needs_two_says_who_said_yes_and_to_what() -> None:
    two = approval(audience=Audience(names=("ops",), quorum=2))
    assert "Needs 2 people to approve" in texts(drawn(*two))
    assert "1 of 2: Ana" in texts(drawn(*two, decided("approved")))
    staging = {"service": "api", "environment": "staging"}
    changed = drawn(*two, decided("approved", CARL), decided("approved", arguments=staging, id="h2"))
    assert "Changed by Ana" in texts(changed)
    assert "environment  staging" in texts(changed)
    assert "1 of 2: Ana" in texts(changed)
    assert {ticket.load(each["value"]).digest for each in elements(changed)} == {
        card_of(thread(asked(), *two, decided("approved", arguments=staging))).body.digest  # type: ignore[union-attr]
    }
    both = settled(two, decided("approved", arguments=staging), decided("approved", CARL, id="h2"))
    assert both.blocks[-1]["text"]["text"].startswith(
        "✎ Changed by Ana: environment production → staging · approved by Ana and Carl"
    )


def test_a_card_that_one_person_changes_again_has_another_face() -> None:
    two = approval(audience=Audience(names=("ops",), quorum=2))
    once = thread(asked(), *two, decided("approved"))
    again = once.extend([decided("approved", arguments={"service": "api", "environment": "staging"}, id="h2")])
    assert card_of(once).shows != card_of(again).shows


@pytest.mark.parametrize(
    ("place", "address", "called"),
    [
        ("slack:#support", f"slack:{T}/C0SUPPORT/1.1", [BEN, CARL]),
        ("slack:#support", "slack:#support", []),
        ("slack:#ops", HOME, []),
    ],
)
def test_a_group_is_called_in_a_thread_of_its_own_channel(place: str, address: str, called: list[str]) -> None:
    first = asked(address=address)
    first = first.model_copy(update={"origin": first.origin.model_copy(update={"place": place})})
    here = thread(first, *approval(surfaces=(address,), audience=Audience(names=("support",))))
    (message,) = present(card_of(here), here, TEAM)
    assert re.findall(r"<@(\w+)>", texts(message)) == called


@pytest.mark.parametrize(
    ("events", "stands"),
    [
        ((decided("approved"),), "✓ Approved by Ana · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC>"),
        ((decided("approved"), STARTED), "✓ Approved by Ana · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC> → running…"),
        (
            (
                decided("approved"),
                STARTED,
                ToolReturned(id="r", actor=PARLEY, call="c1", result="3 of 3 <healthy>", seconds=12.2),
            ),
            '✓ Approved by Ana · done in 12 s: "3 of 3 &lt;healthy&gt;"',
        ),
        (
            (
                decided("approved"),
                STARTED,
                ToolFailed(id="r", actor=PARLEY, call="c1", error="no such host", seconds=0.4),
            ),
            '✓ Approved by Ana · failed after 0.4 s: "no such host"',
        ),
        (
            (decided("approved"), STARTED, OutcomeUnknown(id="r", actor=PARLEY, call="c1")),
            "✓ Approved by Ana · interrupted while running: it may or may not have happened",
        ),
        (
            (decided("approved", origin=Origin(address="email:x@example.com")),),
            "✓ Approved by Ana by email · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC>",
        ),
        (
            (decided("denied", text="wait for the <backup>"),),
            '✗ Denied by Ana · "wait for the &lt;backup&gt;" · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC>',
        ),
        (
            (decided("approved", arguments={"service": "api", "environment": "staging"}),),
            "✎ Changed by Ana: environment production → staging · approved · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC>",
        ),
        (
            (Withdrawn(id="w", at=3600.0, actor=PARLEY, interaction="t1.2"),),
            "Withdrawn · no longer needed · <!date^3600^",
        ),
        (
            (Withdrawn(id="w", at=3600.0, actor=PARLEY, interaction="t1.2", reason="superseded"),),
            "Replaced by a newer request · <!date^3600^",
        ),
        ((TimedOut(id="o", at=3600.0, actor=CLOCK, interaction="t1.2"),), "⏱ Nobody decided in time · denied"),
        (
            (Cancelled(id="x", at=3600.0, actor=TEAM.actor(f"slack:{T}/{BEN}", proof="slack")),),
            "Withdrawn · no longer needed · <!date^3600^",
        ),
    ],
)
def test_a_settled_approval_says_how_it_stands_and_has_no_buttons(events: tuple[Event, ...], stands: str) -> None:
    message = settled(approval(), *events)
    assert message.blocks[-1]["text"]["text"].startswith(stands)
    assert not elements(message)
    assert message.blocks[0]["text"]["text"] == "*Approval · ops*"
    assert "service      api" in texts(message)
    assert "restart api on production" in message.text


def test_arguments_can_neither_call_anybody_nor_hide_nor_pass_for_others() -> None:
    tricks = {
        "reason": "fine\nenvironment  staging",
        "note": "```<!channel> *bold* <@U02ANA>",
        "hidden": "pay\u202etxt\u200b",
        "flag": "true",
        "really": True,
        "none": "",
        "pad": " x ",
    }
    call, request = approval(arguments=tricks)
    message = drawn(call, request)
    (code,) = [block for block in message.blocks if block["type"] == "rich_text"]
    assert code["elements"][0]["elements"][0]["text"].split("\n") == [
        "reason  │ fine",
        "        │ environment  staging",
        "note    ```<!channel> *bold* <@U02ANA>",
        "hidden  pay⟨U+202E⟩txt⟨U+200B⟩",
        'flag    "true"',
        "really  true",
        'none    ""',
        'pad     " x "',
    ]
    outside = [block for block in message.blocks if block is not code]
    assert "<!channel>" not in json.dumps(outside)


def test_long_arguments_go_on_in_further_messages_and_none_is_dropped() -> None:
    arguments = {"first": "a" * 9_000, "second": "\n".join(f"row {n}" for n in range(900)), "third": "<&>" * 700}
    here = thread(asked(), *approval(arguments=arguments))
    parts = present(card_of(here), here, TEAM)
    assert len(parts) > 1
    for part in parts:
        accepted(part)
    shown = "".join(
        block["elements"][0]["elements"][0]["text"] + "\n"
        for part in parts
        for block in part.blocks
        if block["type"] == "rich_text"
    )
    assert shown.count("a") >= 9_000
    assert [line.split("│ ")[1] for line in shown.split("\n") if "│ row" in line] == [f"row {n}" for n in range(900)]
    assert shown.count("<&>") >= 690
    assert elements(parts[0])
    assert not any(elements(part) for part in parts[1:])
    assert f"{len(parts) - 1} more message" in texts(parts[0])


def test_the_same_delivery_has_the_same_parts_whatever_its_state() -> None:
    arguments = {"text": "x" * 12_000}
    here = thread(asked(), *approval(arguments=arguments))
    after = here.extend([decided("denied", text="y" * 3_000)])
    card = card_of(here)
    body = replace(card.body, state="denied", note="y" * 3_000) if isinstance(card.body, Card) else card.body
    assert [p.blocks for p in present(card, here, TEAM)][1:] == [
        p.blocks for p in present(replace(card, body=body), after, TEAM)
    ][1:]


@pytest.mark.parametrize(
    ("address", "names", "called"),
    [
        (HOME, ("ana",), [ANA]),
        (HOME, ("ops", "ben"), [ANA, BEN, CARL]),
        (HOME, ("support",), []),
        (HOME, (), []),
        (f"slack:@{ANA}", ("ana",), []),
        (f"slack:{T}/D0ANA/1.1", ("ana",), []),
        ("slack:T0OTHER/C1/1.1", ("carl", "ben"), [BEN]),
    ],
)
def test_who_is_asked_is_called_where_the_place_is_nobody_s_own(
    address: str, names: tuple[str, ...], called: list[str]
) -> None:
    here = thread(asked(), *approval(surfaces=(address,), audience=Audience(names=names)))
    (message,) = present(card_of(here), here, TEAM)
    assert re.findall(r"<@(\w+)>", texts(message)) == called


# Questions


def test_a_question_has_its_choices_as_buttons_and_says_how_else_to_answer() -> None:
    message = drawn(question())
    assert message.blocks[0] == {"type": "markdown", "text": "Which order does she mean?"}
    assert [each["text"]["text"] for each in elements(message)] == ["4417", "4392", "Something else…"]
    assert ticket.load(elements(message)[1]["value"]) == Ticket("t1", "t1.1", choice=1)
    assert message.blocks[-1]["elements"][0]["text"] == "Or just reply in this thread."


def test_a_question_without_choices_asks_for_a_reply() -> None:
    message = drawn(question(choices=()))
    assert not elements(message)
    assert message.blocks[-1]["elements"][0]["text"] == "Reply in this thread."


def test_many_choices_are_a_list() -> None:
    message = drawn(question(choices=tuple(f"order {n}" for n in range(230))))
    lists = elements(message)
    assert [len(each["options"]) for each in lists] == [100, 100, 30]
    assert ticket.load(lists[2]["options"][29]["value"]).choice == 229


def test_long_choices_are_written_out_and_numbered() -> None:
    choices = ("x" * 200, "short", "")
    message = drawn(question(choices=choices))
    assert f"1. {'x' * 200}" in texts(message)
    assert [each["text"]["text"][:4] for each in elements(message)] == ["1. x", "2. s", "3. (", "Some"]


def test_an_answered_question_has_one_line_instead_of_its_buttons() -> None:
    answered = decided("answered", BEN, "4392", interaction="t1.1")
    message = settled((question(),), answered)
    assert message.blocks[-1]["text"]["text"] == 'Ben answered "4392" · <!date^3600^{time}|Thu 01 Jan, 01:00 UTC>'
    assert not elements(message)


def test_a_question_elsewhere_says_who_asks() -> None:
    message = drawn(question(surfaces=("slack:#support",)))
    assert "Asked by Ben in #ops" in texts(message)


def test_a_doubt_about_an_outcome_takes_one_of_two_words() -> None:
    call, _ = approval()
    doubt = HumanContacted(
        id="d3",
        actor=PARLEY,
        interaction="t1.2",
        kind="outcome",
        text="Interrupted.",
        choices=(HAPPENED, DID_NOT),
        call="c1",
        surfaces=(HOME,),
    )
    message = drawn(call, doubt)
    assert [each["text"]["text"] for each in elements(message)] == [HAPPENED, DID_NOT]
    assert "reply" not in texts(message)


# Replies and notices


def said(text: str) -> tuple[Message, ...]:
    here = thread(asked())
    return present(Delivery("k", HOME, Say(text), 1, False, ""), here, TEAM)


def test_a_reply_is_markdown_and_calls_nobody() -> None:
    (message,) = said("**Done.** <!channel> <@U02ANA> `<!here>`")
    assert message.blocks[0]["type"] == "markdown"
    assert not re.search(r"<[!@]", message.blocks[0]["text"] + message.text)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_reply_of_nothing_can_be_sent_all_the_same(text: str) -> None:
    (message,) = said(text)
    accepted(message)


def test_a_long_reply_goes_on() -> None:
    parts = said("\n\n".join(f"Paragraph {n} " + "word " * 80 for n in range(70)))
    assert len(parts) > 2
    for part in parts:
        accepted(part)
    assert [int(n) for part in parts for n in re.findall(r"Paragraph (\d+)", texts(part))] == list(range(70))


def test_a_notice_and_a_receipt_are_a_sentence() -> None:
    here = thread(asked(), *approval())
    for body in (Notice("There is no agent <x> here."), Receipt(Counted("t1.2", "approved"), "h1")):
        (message,) = present(Delivery("k", HOME, body, 1, False, ""), here, TEAM)
        accepted(message)
    assert "Recorded: approved by you" in message.text


@settings(deadline=None)
@given(
    st.text(max_size=400),
    st.lists(st.text(max_size=120), max_size=30),
    st.dictionaries(
        st.text(max_size=30),
        st.recursive(st.text(max_size=200) | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5),
        max_size=8,
    ),
)
def test_whatever_a_model_writes_slack_accepts_the_card(
    text: str, choices: list[str], arguments: dict[str, Any]
) -> None:
    for asking in (
        (question(text=text, choices=tuple(dict.fromkeys(choices))),),
        approval(text=text, arguments=arguments),
    ):
        here = thread(asked(), *asking)
        for part in present(card_of(here), here, TEAM):
            accepted(part)


# Dialogs


@pytest.mark.parametrize("dialog", [denial, answer])
def test_slack_accepts_the_dialogs(dialog: Any) -> None:
    mine = Ticket("t1", "t1.2", "d", channel="C0OPS", message_ts="5.5", thread_ts="1.1")
    view = dialog(mine)
    checked_view(view)
    assert ticket.load(view["private_metadata"]) == mine
    assert view["blocks"][0]["optional"] is (dialog is denial)


@pytest.mark.parametrize("callback", [DENIAL, ANSWER, CHANGE])
def test_where_slack_opens_no_dialog_people_learn_what_they_can_do_instead(callback: str) -> None:
    accepted(without_dialog(Ticket("t1", "t1.2"), callback))
