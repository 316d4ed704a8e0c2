"""What was spent, by day, agent and person."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot import events as e
from bot.events import Actor, Event, Origin, Usage
from bot.thread import Thread
from channels.web.costs import costs, first_of
from tests.web.asking import asking, on_stage

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0
ANA = Actor(id="slack:U02ANA", name="Ana Diaz", person="ana")


def heard(at: float = MONDAY) -> Event:
    return e.MessageReceived(
        id="m", at=at, actor=ANA, text="hi", origin=Origin(address="slack:T1/C1/1.0"), agent="frontdesk"
    )


def called(number: int, at: float = MONDAY, model: str = "claude-opus-5-5", output: int = 1000) -> Event:
    usage = Usage(model=model, output=output)
    return e.ToolCalled(id=f"c{number}", at=at, call=f"c{number}", tool="look", usage=usage)


def rows(*events: Event, since: float = 0.0) -> list[tuple[Any, ...]]:
    return [tuple(row.model_dump().values()) for row in costs([Thread.of("t", events)], since)]


def test_each_day_and_agent_has_its_row() -> None:
    handed = e.HandedOff(id="h", at=MONDAY, call="c1", agent="support")
    assert rows(heard(), called(1), handed, called(2), called(3), called(4, MONDAY + DAY)) == [
        ("2026-11-23", "frontdesk", "Ana Diaz", 1, 1000, 0.02),
        ("2026-11-23", "support", "Ana Diaz", 2, 2000, 0.04),
        ("2026-11-24", "support", "Ana Diaz", 1, 1000, 0.02),
    ]


def test_no_money_is_said_where_a_price_is_not_known() -> None:
    assert rows(heard(), called(1), called(2, model="local")) == [
        ("2026-11-23", "frontdesk", "Ana Diaz", 2, 2000, None)
    ]


def test_a_fork_has_spent_only_what_came_after_it() -> None:
    forked = e.Forked(id="f", at=MONDAY, source="s", count=2, address="web:t")
    assert rows(heard(), called(1), forked) == []
    assert rows(heard(), called(1), forked, called(2)) == [("2026-11-23", "frontdesk", "Ana Diaz", 1, 1000, 0.02)]


def test_days_begin_at_midnight_and_today_is_one_of_them() -> None:
    assert first_of(1, MONDAY) == MONDAY - DAY / 2
    assert first_of(14, MONDAY) == MONDAY - DAY / 2 - 13 * DAY
    assert rows(heard(), called(1, MONDAY - DAY), since=first_of(1, MONDAY)) == []


@pytest.mark.parametrize(("days", "calls"), [(1, [1]), (2, [1, 1])])
def test_the_api_tells_the_last_days(days: int, calls: list[int]) -> None:
    on = on_stage("Yes.", "Yes.")
    on.says("hi")
    on.time += DAY
    on.says("hi again")
    found = asking(on).get("/v1/costs", params={"days": days}).json()
    assert [row["calls"] for row in found] == calls
    assert {(row["agent"], row["person"], row["tokens"], row["cost_usd"]) for row in found} == {
        ("desk", "Ben Okafor", 110, None)
    }
