"""A slow delivery keeps a thread due, in case its sender dies; once it went out, nobody needs to look any more."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bot.events import MessageReceived, Origin
from bot.ports import Arrival
from tests.stage import HOME, Stage, stage
from workers.deliver import Deliveries
from workers.leases import LEASE
from workers.loop import rest


class Slow:
    """A pool that does nothing before it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def submit(self, work: Callable[..., Any], *about: Any) -> None:
        self.waiting.append(partial(work, *about))

    def catch_up(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def pool() -> Slow:
    return Slow()


@pytest.fixture
def on(pool: Slow) -> Stage:
    """Somebody asked, the answer is written down, and its delivery has not begun."""
    on = stage(model=["Here it is.", "And again."])
    sent = partial(rest, on.store, on.team)
    deliveries = Deliveries(on.store, {"slack": on.slack}, sent, pool=pool)  # type: ignore[arg-type]  # it can submit
    object.__setattr__(on.loop, "deliver", deliveries)
    on.says("Where is it?")
    return on


def test_while_something_is_owed_somebody_looks_again_after_a_lease(on: Stage) -> None:
    assert on.store.due == {on.thread().id: on.time + LEASE}


def test_once_it_went_out_nobody_looks_again(on: Stage, pool: Slow) -> None:
    pool.catch_up()
    assert on.slack.said == ["Here it is."]
    assert on.store.due == {}


def test_what_a_person_said_meanwhile_is_looked_at(on: Stage, pool: Slow) -> None:
    more = MessageReceived(id="m2", actor=on.someone(), text="More, please.", origin=Origin(address=HOME))
    on.store.ingest(Arrival(more, HOME))
    pool.catch_up()
    assert list(on.store.due) == [on.thread().id]
    on.run()
    pool.catch_up()
    assert on.slack.said == ["Here it is.", "And again."]
