"""What calls cost: by the model, the day, the length of the prompt; nothing is said where the price is not known."""

from datetime import UTC, datetime

import pytest

from bot import events as e
from bot.events import Event, Usage
from bot.prices import cost, price_of, table, total

BEFORE, AFTER = (datetime(2026, 10, day, 12, tzinfo=UTC).timestamp() for day in (6, 7))


def called(at: float = AFTER, **used: int | str) -> Event:
    return e.ToolCalled(id="c", at=at, call="c", tool="look", usage=Usage.model_validate(used))


@pytest.mark.parametrize(
    ("event", "dollars"),
    [
        (called(model="claude-sonnet-5-5", input=1_000_000), 2.0),
        (called(model="claude-sonnet-5-5", output=1_000_000), 10.0),
        (called(model="claude-sonnet-5-5", cache_write=1_000_000), 2.5),
        (called(model="claude-sonnet-5-5", cache_read=1_000_000), 0.10),
        (called(BEFORE, model="claude-sonnet-5-5", cache_read=1_000_000), 0.20),
        (called(model="claude-haiku-5-5", input=100_000), 0.01),
        (called(model="claude-haiku-5-5", input=100_001), 0.0500005),
        (called(model="claude-haiku-5-5", cache_read=100_000, input=1, output=1_000_000), 2.5050005),
        (called(model="claude-fable-5-1", cache_read=1_000_000), 0.25),
        (called(model="claude-opus-5-5", input=250_000, output=50_000), 2.0),
    ],
)
def test_a_call_costs_what_the_table_says_for_its_day_and_its_prompt(event: Event, dollars: float) -> None:
    assert total(cost([event])) == pytest.approx(dollars)


def test_thoughts_that_were_thrown_away_and_calls_that_failed_are_paid_for_too() -> None:
    usage = Usage(model="claude-opus-5-5", output=50_000)
    lost: list[Event] = [
        e.ThoughtDiscarded(id="1", at=AFTER, usage=usage),
        e.ModelFailed(id="2", at=AFTER, reason="too_long", usage=usage),
        e.ToolCalled(id="3", at=AFTER, call="c", tool="look", usage=usage),
        e.ModelFailed(id="4", at=AFTER, reason="unreachable"),
    ]
    assert cost(lost) == {"claude-opus-5-5": pytest.approx(3.0)}


def test_a_model_of_unknown_price_costs_nothing_that_could_be_said() -> None:
    some = [called(model="claude-opus-5-5", output=50_000), called(model="local", output=50_000)]
    assert cost(some) == {"claude-opus-5-5": pytest.approx(1.0), "local": None}
    assert total(cost(some)) is None
    assert total(cost([])) is None


def test_every_model_of_the_table_has_a_price_for_any_day_and_prompt() -> None:
    for model in table():
        for prompt in (0, 1, 10_000_000):
            assert price_of(Usage(model=model, input=prompt), 0.0)
