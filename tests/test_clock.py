"""Schedules: the clock says what bot.toml tells it to say, once."""

import pytest

from bot import Approval, Tool
from bot.people import Config, assemble
from bot.settings import SettingsError
from tests.stage import Stage, stage
from workers.clock import check_schedules, forget_old, tick

NINE = 1_764_579_600.0  # Monday 1 December 2025, 09:00 UTC


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart it."""

    def run(self) -> str:
        return "restarted"


def scheduled(**more: str) -> Stage:
    on = stage(model=["Good morning.", "Good morning again."])
    entry = {"cron": "0 9 * * mon-fri", "agent": "desk", "address": "slack:#ops", "text": "Write the note.", **more}
    config = Config.model_validate({"default_agent": "desk", "schedules": {"note": entry}})
    on.team = assemble(config, on.team.agents)
    return on


def test_speaks_at_its_time_once_and_the_answer_opens_a_thread_there() -> None:
    on = scheduled()
    on.time = NINE - 60
    tick(on.store, on.team)
    on.run()
    assert on.slack.said == []
    on.time = NINE + 5
    for _ in range(3):
        tick(on.store, on.team)
        on.run()
    assert on.slack.said == ["Good morning."]
    assert on.slack.posted[0].address == "slack:#ops"
    assert on.thread().state.home == on.thread().state.addresses[-1] != "slack:#ops"


def test_each_time_is_a_thread_of_its_own() -> None:
    on = scheduled()
    on.time = NINE - 60
    tick(on.store, on.team)
    for day in (0, 1):
        on.time = NINE + day * 86_400
        tick(on.store, on.team)
        on.run()
    assert len(on.store.logs) == 2


def test_what_the_clock_asks_for_is_not_a_known_persons_request() -> None:
    on = scheduled()
    on.time = NINE - 60
    tick(on.store, on.team)
    on.time = NINE
    tick(on.store, on.team)
    on.run()
    assert not on.thread().state.trusted


def test_what_ended_long_ago_is_forgotten_and_what_waits_is_kept() -> None:
    on = stage(Restart, model=["The secret is 42.", ("restart", {})])
    done, waiting = on.says("tell me"), on.says("restart it", at="slack:T1/C1/2.0")
    for days, left in ((0, "tell me"), (29, "tell me"), (2, "")):
        on.time += days * 86_400
        forget_old(on.store, 30)
        assert getattr(on.thread(done).events[0], "text", None) == left
    assert on.thread(waiting).state.status == "waiting"
    assert getattr(on.thread(waiting).events[0], "text", None) == "restart it"


def test_nothing_is_forgotten_by_itself_unless_somebody_says_after_how_many_days() -> None:
    on = stage(model=["Hello."])
    on.says("hi")
    on.time += 10_000 * 86_400
    forget_old(on.store, 0)
    assert getattr(on.thread().events[0], "text", None) == "hi"


@pytest.mark.parametrize("wrong", [{"cron": "every day"}, {"timezone": "Mars/Olympus"}])
def test_a_schedule_that_means_nothing_is_one_sentence_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="note"):
        check_schedules(scheduled(**wrong).team)
