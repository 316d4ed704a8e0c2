"""Working hours: people are reminded when they work, in their own time zone."""

from datetime import datetime

import pytest

from bot import Approval, Tool
from bot.hours import Hours
from bot.people import Config
from tests.stage import PEOPLE, Stage, stage


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("moment", "next_one"),
    [
        ("2026-11-24T10:00+01:00", "2026-11-24T10:00+01:00"),  # a Tuesday, at work
        ("2026-11-24T07:00+01:00", "2026-11-24T09:00+01:00"),  # before
        ("2026-11-24T17:00+01:00", "2026-11-25T09:00+01:00"),  # just after
        ("2026-11-27T18:00+01:00", "2026-11-30T09:00+01:00"),  # Friday evening
        ("2026-03-28T12:00+01:00", "2026-03-30T09:00+02:00"),  # over the change of the clocks
    ],
)
def test_the_next_moment_at_work(moment: str, next_one: str) -> None:
    hours = Hours.read("mon-fri 09:00-17:00", "Europe/Berlin")
    assert hours.next(at(moment)) == at(next_one)


@pytest.mark.parametrize("wrong", ["nine to five", "mon-fry 09:00-17:00", "17:00-09:00", "mon-fri"])
def test_hours_that_mean_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        Hours.read(wrong)
    with pytest.raises(ValueError, match="hours"):
        Config.model_validate({"people": {"ana": {"name": "Ana", "hours": wrong}}})


class Ask(Tool, effect="write", approval=Approval(by="ana", remind=3600)):
    """Do what ana allows."""

    def run(self) -> str:
        return "done"


def test_nobody_is_reminded_outside_their_working_hours() -> None:
    ana = {**PEOPLE["people"]["ana"], "hours": "mon-fri 09:00-17:00", "timezone": "Europe/Berlin"}
    on = stage(Ask, model=[("ask", {})])
    on = Stage(on.agents, on.model, {**PEOPLE, "people": {**PEOPLE["people"], "ana": ana}})
    on.time = at("2026-11-24T18:30+01:00")
    on.says("do it", by="ben")
    on.later(12 * 3600)
    assert "reminded" not in on.types()
    on.time = at("2026-11-25T09:00+01:00")
    on.run()
    assert on.types().count("reminded") == 1
