"""Stop, in both modes: by the word and by Slack's button, at once, with what had happened already."""

from collections.abc import Iterator

import pytest

from bot.events import Cancelled
from tests.sandbox.slackside import BEN, OPS, eventually
from tests.slack.desk import Desk
from tests.slack.modes import MODES, desk_by
from tests.slack.team import T, approval


@pytest.fixture(scope="module", params=MODES)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_by(request.param, tmp_path_factory.mktemp("slack")) as desk:
        yield desk


@pytest.mark.parametrize("by", ["button", "word"])
def test_who_stops_it_hears_at_once_what_was_withdrawn_and_the_session_ends(desk: Desk, by: str) -> None:
    ts = desk.world.post(BEN, OPS, "@parley restart the api on production")
    thread = desk.thread_at(OPS, ts)
    desk.post(thread, *approval(interaction=f"{thread.id}.2", surfaces=(f"slack:{T}/{OPS}/{ts}",)))
    desk.channel.progress(desk.load(thread.id), "thinking…")
    before = len(desk.whispers(BEN, OPS))
    if by == "button":
        desk.world.do("stop", user=BEN, channel=OPS, thread_ts=ts)
    else:
        desk.world.post(BEN, OPS, "stop", thread_ts=ts)
    (told,) = eventually(lambda: desk.whispers(BEN, OPS)[before:])
    assert told["text"] == ("Stopped. Withdrawn: restart api on production. Write again and I go on from here.")
    assert any(isinstance(event, Cancelled) for event in desk.load(thread.id).events)
    statuses = desk.world.get("messages", user=BEN, channel=OPS)["statuses"]
    assert [each["session"] for each in statuses if each["thread_ts"] == ts] == ["closed"]
