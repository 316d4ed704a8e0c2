"""Everywhere, in both modes: the Home tab and what is decided there, suggested prompts, the slash command, the message shortcut."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.events import MessageReceived
from bot.ports import Arrival
from bot.thread import Thread
from channels.sandbox.slack.blocks import checked_view
from channels.slack import ticket
from channels.slack.asking import HOW_TO_ASK, LOOKING, LOOKING_ELSEWHERE, ON_IT, SHORTCUT, told
from channels.slack.home import MOST, PROMPTS, home
from tests.sandbox.slackside import ANA, BEN, CARL, OPS, PARLEY, SAM, eventually
from tests.slack.desk import Desk
from tests.slack.modes import MODES, desk_by
from tests.slack.team import TEAM, T, approval, asked, question, thread


@pytest.fixture(params=MODES)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_by(request.param, tmp_path_factory.mktemp("slack")) as desk:
        yield desk


def requested(desk: Desk) -> Thread:
    ts = desk.world.post(BEN, OPS, "@parley restart the api on production")
    here = desk.thread_at(OPS, ts)
    desk.post(here, *approval(interaction=f"{here.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",)))
    return here


def opened(desk: Desk, user: str) -> dict[str, Any]:
    """The Home tab that Parley shows to somebody who opens it."""
    before = (desk.world.get("home", user=user) or {}).get("hash")
    desk.world.do("home", user=user)
    return shown(desk, user, before)


def shown(desk: Desk, user: str, before: str | None) -> dict[str, Any]:
    def another() -> dict[str, Any] | None:
        view = desk.world.get("home", user=user)
        return view if view and view["hash"] != before else None

    return dict(eventually(another))


def press(desk: Desk, user: str, view: dict[str, Any], action: str) -> dict[str, Any]:
    block = next(each for each in view["blocks"] if f'"action_id": "{action}"' in json.dumps(each))
    return desk.world.do("press", user=user, block_id=block["block_id"], action_id=action)


# Home


def test_what_waits_for_somebody_is_on_their_home_and_decided_there(desk: Desk) -> None:
    here = requested(desk)
    view = opened(desk, ANA)
    assert "Waiting for you* · 1" in view["blocks"][0]["text"]["text"]
    assert "environment  production" in json.dumps(view, ensure_ascii=False)
    assert press(desk, ANA, view, ticket.APPROVE) == {"ok": True}
    after = shown(desk, ANA, view["hash"])
    (event,) = desk.responses(here)
    assert (event.decision, event.digest, event.actor.person) == ("approved", "d", "ana")
    assert after["blocks"][0]["text"]["text"].startswith("Recorded: approved by you")
    assert after["blocks"][1]["text"]["text"] == "Nothing is waiting for you."


def test_a_click_on_a_home_that_is_no_longer_true_says_who_was_first(desk: Desk) -> None:
    here = requested(desk)
    stale, other = opened(desk, ANA), opened(desk, CARL)
    press(desk, CARL, other, ticket.APPROVE)
    eventually(lambda: desk.responses(here))
    press(desk, ANA, stale, ticket.APPROVE)
    assert shown(desk, ANA, stale["hash"])["blocks"][0]["text"]["text"].startswith("Carl already approved this")


def test_a_denial_from_home_can_have_its_reason(desk: Desk) -> None:
    here = requested(desk)
    press(desk, ANA, opened(desk, ANA), ticket.DENY)
    (view,) = eventually(lambda: desk.world.get("modals", user=ANA))
    desk.world.do("submit", user=ANA, view_id=view["id"], values={"words": {"words": {"value": "not today"}}})
    (event,) = eventually(lambda: desk.responses(here))
    assert (event.decision, event.text, event.origin.address) == ("denied", "not today", f"slack:@{T}/{ANA}")


def test_to_those_who_may_not_decide_home_shows_nothing(desk: Desk) -> None:
    here = requested(desk)
    for user in (BEN, SAM):
        assert [each["type"] for each in opened(desk, user)["blocks"]] == ["section"]
    assert not desk.responses(here)


def test_slack_takes_a_home_with_more_than_it_can_show() -> None:
    here = thread(asked(), *approval())
    long = thread(asked(), *approval(arguments={"text": "x" * 9_000}))
    choosing = thread(asked(), question(choices=tuple(f"order {n}" for n in range(150))))
    waiting = [(each, each.state.open_interactions[0]) for each in (long, choosing, *[here] * 20)]
    view = home(waiting[:2] + waiting[2:3], TEAM)
    checked_view(view)
    assert "read it as a whole" in json.dumps(view)
    many = home([(here, here.state.open_interactions[0])] * 20, TEAM)
    assert len(many["blocks"]) <= 100
    assert f"And {20 - MOST} more" in json.dumps(many)


# Messages


def test_the_messages_tab_suggests_what_to_ask(desk: Desk) -> None:
    direct = desk.world.do("dm", **{"user": SAM, "with": PARLEY})["channel"]
    suggested = eventually(lambda: desk.world.get("messages", user=SAM, channel=direct)["prompts"])
    assert [(each["title"], each["message"]) for each in suggested["prompts"]] == list(PROMPTS)


# The command


def test_a_command_begins_a_thread_in_the_direct_messages(desk: Desk) -> None:
    assert desk.world.do("command", user=BEN, channel=OPS, command="/parley", text="which lamp?") == {"ok": True}
    assert desk.whispers(BEN, OPS)[-1]["text"] == ON_IT
    (log,) = desk.store.logs.values()
    (event,) = log
    assert isinstance(event, MessageReceived)
    assert (event.text, event.actor.person, event.agent) == ("which lamp?", "ben", "frontdesk")
    assert (event.origin.address, event.attachments) == (f"slack:@{T}/{BEN}", ())
    desk.world.do("command", user=BEN, channel=OPS, command="/parley", text="which lamp?")
    assert len(desk.store.logs) == 2


def test_a_command_without_words_says_how_to_ask(desk: Desk) -> None:
    desk.world.do("command", user=BEN, channel=OPS, command="/parley", text="")
    assert desk.whispers(BEN, OPS)[-1]["text"] == HOW_TO_ASK
    assert not desk.store.logs


# The shortcut


def test_the_shortcut_asks_about_a_message_in_its_thread_and_as_somebody_else_s_word(desk: Desk) -> None:
    ts = desk.world.post(SAM, OPS, "the api is slow, pay me")
    desk.settle()
    assert desk.world.do("shortcut", user=ANA, channel=OPS, ts=ts, callback_id=SHORTCUT) == {"ok": True}
    here = desk.thread_at(OPS, ts)
    (event,) = here.events
    assert isinstance(event, MessageReceived)
    assert event.text == "What about this message?\n\nShared from Sam Kowalski: the api is slow, pay me"
    assert (event.actor.person, event.agent, here.state.trusted) == ("ana", "ops", False)
    assert eventually(lambda: desk.whispers(ANA, OPS))[-1]["text"] == LOOKING


def test_the_shortcut_on_one_s_own_message_says_it_to_parley(desk: Desk) -> None:
    ts = desk.world.post(ANA, OPS, "the api is slow")
    desk.settle()
    desk.world.do("shortcut", user=ANA, channel=OPS, ts=ts, callback_id=SHORTCUT)
    here = desk.thread_at(OPS, ts)
    assert isinstance(here.events[0], MessageReceived)
    assert (here.events[0].text, here.state.trusted) == ("the api is slow", True)


def test_where_parley_is_not_the_answer_comes_in_the_direct_messages(desk: Desk) -> None:
    direct = desk.world.do("dm", **{"user": BEN, "with": ANA})["channel"]
    ts = desk.world.post(ANA, direct, "the api is slow")
    desk.world.do("shortcut", user=BEN, channel=direct, ts=ts, callback_id=SHORTCUT)
    ((event,),) = desk.store.logs.values()
    assert isinstance(event, MessageReceived)
    assert event.origin.address == f"slack:@{T}/{BEN}"
    assert told(Arrival(event, "its own")) == LOOKING_ELSEWHERE
