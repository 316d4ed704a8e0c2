"""Edit…, in both modes: the arguments are changed in a form, held to the tool, and approved as they were sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.events import Audience
from bot.judge import Counted, NotEntitled
from bot.thread import Thread
from channels.slack import ticket
from tests.sandbox.slackside import ANA, CARL, OPS, SAM, eventually
from tests.slack.desk import Desk
from tests.slack.modes import MODES, desk_by
from tests.slack.team import BEN, T, approval


@pytest.fixture(scope="module", params=MODES)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_by(request.param, tmp_path_factory.mktemp("slack")) as desk:
        yield desk


@pytest.fixture
def asked(desk: Desk) -> tuple[Thread, str]:
    ts = desk.world.post(BEN, OPS, "@parley restart the api on production")
    return desk.thread_at(OPS, ts), ts


def requested(desk: Desk, asked: tuple[Thread, str], **more: Any) -> tuple[str, str]:
    """The card of a request for a restart: its channel and timestamp."""
    thread, ts = asked
    return desk.post(thread, *approval(interaction=f"{thread.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",), **more))


def form_of(desk: Desk, user: str) -> dict[str, Any]:
    (view,) = eventually(lambda: desk.world.get("modals", user=user))
    return dict(view)


def send(desk: Desk, user: str, view: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Send the form with these fields changed."""
    values = {f"argument:{name}": {"entry": entry} for name, entry in changes.items()}
    return desk.world.do("submit", user=user, view_id=view["id"], values=values)


def staging(view: dict[str, Any]) -> dict[str, Any]:
    options = view["blocks"][1]["element"]["options"]
    return {"selected_option": next(each for each in options if each["text"]["text"] == "staging")}


def test_changed_arguments_are_what_is_approved(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked)
    assert desk.world.click(ANA, channel, card, ticket.EDIT) == {"ok": True}
    view = form_of(desk, ANA)
    assert view["blocks"][0]["element"]["initial_value"] == "api"
    assert send(desk, ANA, view, environment=staging(view)) == {"ok": True}
    (event,) = desk.responses(thread)
    assert (event.decision, event.digest) == ("approved", "d")
    assert event.arguments == {"service": "api", "environment": "staging"}
    interaction = desk.load(thread.id).state.interactions[f"{thread.id}.2"]
    assert (interaction.state, interaction.arguments) == ("approved", event.arguments)


def test_what_the_tool_does_not_take_is_said_at_its_field_and_nothing_is_decided(
    desk: Desk, asked: tuple[Thread, str]
) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked)
    desk.world.click(ANA, channel, card, ticket.EDIT)
    view = form_of(desk, ANA)
    answer = send(desk, ANA, view, service={"value": "the API"})
    assert list(answer["errors"]) == ["argument:service"]
    assert "pattern" in answer["errors"]["argument:service"]
    assert not desk.responses(thread)
    assert send(desk, ANA, view, service={"value": "db"}) == {"ok": True}
    assert desk.responses(thread)[0].arguments == {"service": "db", "environment": "production"}


def test_a_form_that_nobody_changed_is_an_approval(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked)
    desk.world.click(ANA, channel, card, ticket.EDIT)
    assert send(desk, ANA, form_of(desk, ANA)) == {"ok": True}
    (event,) = desk.responses(thread)
    assert (event.decision, event.arguments) == ("approved", None)


def test_a_stranger_gets_no_form_and_is_told_why(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked)
    before = len(desk.whispers(SAM, OPS))
    desk.world.click(SAM, channel, card, ticket.EDIT)
    assert eventually(lambda: desk.whispers(SAM, OPS)[before:])[0]["text"] == "Only ops can decide this (Ana, Carl)."
    assert not desk.world.get("modals", user=SAM)
    (event,) = desk.responses(thread)
    assert isinstance(desk.load(thread.id).state.verdicts[event.id], NotEntitled)


def test_of_two_who_must_agree_the_second_agrees_to_what_the_first_made_of_it(
    desk: Desk, asked: tuple[Thread, str]
) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked, audience=Audience(names=("ops",), quorum=2))
    desk.world.click(ANA, channel, card, ticket.APPROVE)
    desk.world.click(ANA, channel, card, ticket.EDIT)
    view = form_of(desk, ANA)
    send(desk, ANA, view, environment=staging(view))
    desk.deliver(thread)
    before = len(desk.whispers(CARL, OPS))
    desk.world.click(CARL, channel, card, ticket.APPROVE)
    first, second, third = desk.responses(thread)
    state = desk.load(thread.id).state
    assert state.verdicts[second.id] == Counted(f"{thread.id}.2", "approved", missing=1)
    assert third.digest != first.digest
    assert state.interactions[f"{thread.id}.2"].state == "approved"
    assert len(desk.whispers(CARL, OPS)) == before


def test_a_click_on_the_version_before_decides_nothing(desk: Desk, asked: tuple[Thread, str]) -> None:
    thread, _ = asked
    channel, card = requested(desk, asked, audience=Audience(names=("ops",), quorum=2))
    desk.world.click(ANA, channel, card, ticket.EDIT)
    view = form_of(desk, ANA)
    send(desk, ANA, view, environment=staging(view))
    before = len(desk.whispers(CARL, OPS))
    desk.world.click(CARL, channel, card, ticket.APPROVE)
    assert "changed since you saw it" in eventually(lambda: desk.whispers(CARL, OPS)[before:])[0]["text"]
    assert desk.load(thread.id).state.interactions[f"{thread.id}.2"].open
